/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens_in: what the files of the tokenizer share: tables of ranks and characters, the splitter, the merger. For this
 * room only. Bytes are unsigned here, so that comparisons mean what they say.
 */
#ifndef SLUICE_MODEL_TOKENS_IN_H
#define SLUICE_MODEL_TOKENS_IN_H

#include <assert.h>

#include "model/tokens.h"

/* What the split patterns tell characters apart by (Unicode general categories). scripts/tokens/pack.js writes the
 * same bits. CR and LF are also spaces; a byte that begins no character of ASCII is 0 in the table of bytes. */
enum {
	CHAR_UPPER = 0x01,    /* Lu Lt */
	CHAR_LOWER = 0x02,    /* Ll */
	CHAR_LETTER = 0x04,   /* Lm Lo: upper and lower at once to the pattern of o200k_base */
	CHAR_MARK = 0x08,     /* M: as CHAR_LETTER there, punctuation in cl100k_base */
	CHAR_NUMBER = 0x10,
	CHAR_SPACE = 0x20,    /* White_Space */
	CHAR_NEWLINE = 0x40,  /* CR LF */
	CHAR_OTHER = 0x80,
};

/* A token of up to TOKENS_SHORT bytes is its own key: its bytes as a little-endian number. */
enum { TOKENS_SHORT = 12, TOKENS_BUCKET = 4 };

struct tokens_slot {
	uint64_t low;         /* bytes 0 to 7 */
	uint32_t high;        /* bytes 8 to 11 */
	uint32_t rank : 24;
	uint32_t n : 8;       /* 0: empty */
};

struct tokens_long_slot {
	uint32_t at;          /* in long_text: a byte of length, then the token; 0: empty */
	uint32_t rank;
};

struct tokens_table {
	struct tokens_slot *slots;           /* buckets of one cache line each, filled from their first slot on */
	unsigned bucket_shift;               /* a hash's bucket is hash >> bucket_shift */
	uint32_t bucket_mask;
	struct tokens_long_slot *long_slots; /* open addressing */
	uint32_t long_mask;
	uint8_t *long_text;
	uint32_t longest;                    /* token, in bytes */
};

/* Unpacked at first use; any thread. */
const struct tokens_table *tokens_table_of(enum tokens_encoding);

/* The class of the character (not ASCII) at p and its length; CHAR_OTHER and 1 where no character begins. p < end. */
unsigned tokens_char(const uint8_t *p, const uint8_t *end, size_t *n);
extern const uint8_t tokens_ascii[256];

/* Ranks are below 1 << RANK_BITS; no such token is above all of them. */
enum { RANK_BITS = 18 };
#define TOKENS_NO_RANK 0xffffffu

static inline uint64_t tokens_hash(uint64_t low, uint32_t high, uint32_t n)
{
	uint64_t h = low * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 32 ^ ((uint64_t)high << 8 | n)) * 0xd6e8feb86659fd93u;
	return h;
}

uint32_t tokens_find_long(const struct tokens_table *, const uint8_t *p, size_t n);

/* The rank of the token p[0 … n - 1], n > 0; at least TOKENS_SHORT bytes can be read at p. */
static inline uint32_t tokens_find(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	static const uint64_t low_mask[9] = { 0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff,
		                              0xffffffffffffff, 0xffffffffffffffff };
	uint64_t low;
	uint32_t high = 0;

	if (n > TOKENS_SHORT)
		return tokens_find_long(t, p, n);
	memcpy(&low, p, 8);
	if (n > 8) {
		memcpy(&high, p + 8, 4);
		high &= (uint32_t)low_mask[n - 8];
	} else {
		low &= low_mask[n];
	}
	uint32_t bucket = (uint32_t)(tokens_hash(low, high, (uint32_t)n) >> t->bucket_shift);
	for (;;) {
		const struct tokens_slot *s = t->slots + (size_t)bucket * TOKENS_BUCKET;
		for (unsigned i = 0; i < TOKENS_BUCKET; i++)
			if (s[i].low == low && s[i].high == high && s[i].n == n)
				return s[i].rank;
		if (s[TOKENS_BUCKET - 1].n == 0)
			return TOKENS_NO_RANK;
		bucket = (bucket + 1) & t->bucket_mask;
	}
}

/*
 * The end of the piece that begins at p < limit. `limit` is the end of the text, or the place behind which is not
 * looked (`cut`): a piece that ends there then may go on.
 */
const uint8_t *tokens_piece(enum tokens_encoding, const uint8_t *p, const uint8_t *limit, bool cut);

/* Tokens of a piece of n bytes that is no token itself, 1 < n <= TOKENS_PIECE_MAX; TOKENS_SHORT more bytes can be read
 * behind it. */
size_t tokens_merge(const struct tokens_table *, const uint8_t *p, size_t n);

/* The same for the first part of a longer piece: *n becomes the length of what was counted, which ends between two
 * tokens, and if possible between two characters, far enough from the end not to feel it. */
size_t tokens_merge_part(const struct tokens_table *, const uint8_t *p, size_t *n);

#endif
