/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate: tokens of models whose tokenizer we do not have. Models come in families that share one; each family has a
 * row of what is known of it, and two ratios that are learned from the usage that its providers report:
 *
 * ESTIMATE_TEXT  tokens for each token that o200k_base finds in the request's texts. Tokenizers differ less from each
 *                other than any does from a count of bytes: this is right within a few percent once learned.
 * ESTIMATE_BODY  tokens for each byte of the request's body as the client sent it, where nobody has read its texts.
 *
 * A ratio is a moving mean that begins with the row's default, as if that had been seen PRIOR times, and forgets what
 * is older than about WINDOW samples; what is far off moves it no further than what is a little off, so that it comes
 * near to the median. So is the error: the mean of |estimate - reported| / reported, each estimate made
 * before it was compared. Samples too small to tell, or off by more than a factor of three (images, audio, a
 * provider's hidden prompt, a liar), are left out; so no traffic brings a ratio further than that from its default.
 *
 * struct estimator is plain memory, shared by all threads without locks: zeroed at init, nothing to free. Figures are
 * not kept over a restart. Who learns takes a sample now and then, not each request (gateway/record.c).
 */
#ifndef SLUICE_MODEL_ESTIMATE_H
#define SLUICE_MODEL_ESTIMATE_H

#include <stdatomic.h>

#include "model/tokens.h"

enum token_family_id {
	FAMILY_O200K,         /* exact: OpenAI since gpt-4o */
	FAMILY_O_SERIES,      /* the same encoding; a token less around it */
	FAMILY_GPT_5,         /* and another prompt for tools */
	FAMILY_CL100K,        /* exact: gpt-4, gpt-3.5, embeddings */
	FAMILY_HARMONY,       /* gpt-oss: texts are exact, what its template adds is not */
	FAMILY_CLAUDE_3,      /* up to 4.1 */
	FAMILY_CLAUDE_4_5,    /* and 4.6: another prompt for tools */
	FAMILY_CLAUDE_4_7,    /* and later: another tokenizer */
	 FAMILY_GEMINI, FAMILY_LLAMA, FAMILY_MISTRAL, FAMILY_DEEPSEEK, FAMILY_QWEN,
	FAMILY_GROK, FAMILY_COHERE, FAMILY_NOVA, FAMILY_KIMI, FAMILY_GLM, FAMILY_MINIMAX, FAMILY_OTHER,
	TOKEN_FAMILIES
};

enum estimate_basis { ESTIMATE_TEXT, ESTIMATE_BODY, ESTIMATE_BASES };

/* Ratios are in millionths. */
#define ESTIMATE_ONE 1000000u

struct token_family {
	struct str name;                       /* "claude"; as in metrics */
	enum tokens_encoding encoding;         /* its texts are counted by this one */
	bool exact;                            /* and that is its own: ESTIMATE_TEXT is 1 and stays it */
	uint32_t ratio[ESTIMATE_BASES];        /* defaults, in millionths; sources in docs/tokens.md */
	/* What its template puts around the texts, in tokens. */
	uint16_t request, turn, name_of_turn;
	uint16_t call, result;                 /* each tool's call, its result */
	uint16_t tools, tool, forced;          /* that there are tools, each tool, that one must be called */
	uint16_t thinking, format;             /* that it is to think; that the answer has a schema */
	/* How much more, or less, schemas are there than here, in percent: those of tools, that of the answer. */
	int16_t tool_schema, format_schema;
};

const struct token_family *token_family(enum token_family_id);

/* By the maker's name for the model, wherever it runs: "us.anthropic.claude-sonnet-4-5" is Claude. Some thousand
 * instructions. */
enum token_family_id token_family_of(struct str model);

struct estimator {
	/* Lowest bit first: ratio 32 bits, error in ten-thousandths 16, samples 16 (saturating); 0: nothing learned. */
	_Atomic uint64_t learned[TOKEN_FAMILIES][ESTIMATE_BASES];
};

/* Tokens for `amount` (o200k tokens, or bytes). `e` may be NULL: defaults. */
uint64_t estimate_tokens(const struct estimator *, enum token_family_id, enum estimate_basis, uint64_t amount);

/* A provider reported `tokens` of input for `amount`. Any thread. */
void estimate_learn(struct estimator *, enum token_family_id, enum estimate_basis, uint64_t amount, uint64_t tokens);

struct estimate_state {
	uint32_t ratio;       /* in force, in millionths */
	uint32_t samples;     /* learned from, 65,535 at most */
	uint32_t error;       /* mean relative error in ten-thousandths; means nothing without samples */
};
struct estimate_state estimate_state(const struct estimator *, enum token_family_id, enum estimate_basis);

#endif
