/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens_split: the split patterns of the two encodings, by hand. Each function below stands for one alternative and
 * does what a backtracking matcher would do; the patterns, from tiktoken's openai_public.py:
 *
 * o200k_base
 *   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *   \p{N}{1,3}     [space]?[^\s\p{L}\p{N}]+[\r\n/]*     \s*[\r\n]+     \s+(?!\S)     \s+
 * cl100k_base
 *   '(?i:[sdmt]|ll|ve|re)     [^\r\n\p{L}\p{N}]?\p{L}+     \p{N}{1,3}
 *   [space]?[^\s\p{L}\p{N}]+[\r\n]*     \s+$     \s*[\r\n]     \s+(?!\S)     \s
 */
#include "model/tokens_in.h"

enum {
	L = CHAR_UPPER | CHAR_LOWER | CHAR_LETTER,                /* \p{L} */
	UPPER = CHAR_UPPER | CHAR_LETTER | CHAR_MARK,             /* the class of o200k_base that ends in * and + */
	LOWER = CHAR_LOWER | CHAR_LETTER | CHAR_MARK,
	BOTH = CHAR_LETTER | CHAR_MARK,
	PUNCTUATION = CHAR_OTHER | CHAR_MARK,                     /* [^\s\p{L}\p{N}] */
	PREFIX = CHAR_OTHER | CHAR_MARK | CHAR_SPACE,             /* [^\r\n\p{L}\p{N}], CR and LF aside */
};

static ALWAYS_INLINE unsigned class_at(const uint8_t *p, const uint8_t *end, size_t *n)
{
	unsigned class = tokens_ascii[*p];

	*n = 1;
	return likely(class != 0) ? class : tokens_char(p, end, n);
}

/* Behind the longest run of characters of `classes`. */
static ALWAYS_INLINE const uint8_t *run(const uint8_t *p, const uint8_t *end, unsigned classes)
{
	while (p < end) {
		unsigned class = tokens_ascii[*p];
		if (likely(class & classes)) {
			p++;
			continue;
		}
		if (likely(class != 0))
			return p;
		size_t n;
		if (!(tokens_char(p, end, &n) & classes))
			return p;
		p += n;
	}
	return p;
}

/* '(?i:s|t|re|ve|m|ll|d): its end, or p. Ignoring case, U+017F, the long s, is an s. */
static const uint8_t *contraction(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 2 || *p != '\'')
		return p;
	unsigned a = p[1] | 0x20, b = end - p > 2 ? p[2] | 0x20 : 0;
	if (p[1] >= 0x80)
		return p[1] == 0xc5 && end - p > 2 && p[2] == 0xbf ? p + 3 : p;
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return p + 2;
	return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? p + 3 : p;
}

/* Both word alternatives of o200k_base without what may stand before and behind: the end, or p if there is no word. */
static const uint8_t *word_o200k(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *q = p, *behind_both = p;

	while (q < end) {
		size_t n;
		unsigned class = class_at(q, end, &n);
		if (!(class & UPPER)) {
			if (class & CHAR_LOWER)
				return run(q + n, end, LOWER);
			break;
		}
		q += n;
		if (class & BOTH)
			behind_both = q;
	}
	/* No small letter follows. The first alternative needs one that can stand for it and takes the last of them,
	 * else the second takes all. */
	return behind_both > p ? behind_both : q;
}

/* A run of spaces that begins at p. `whole_at_end`: \s+$ of cl100k_base comes before \s*[\r\n]. */
static const uint8_t *spaces(const uint8_t *p, const uint8_t *limit, bool cut, bool whole_at_end)
{
	const uint8_t *q = p, *behind_newline = p, *last = p;

	while (q < limit) {
		size_t n;
		unsigned class = class_at(q, limit, &n);
		if (!(class & CHAR_SPACE))
			break;
		last = q;
		q += n;
		if (class & CHAR_NEWLINE)
			behind_newline = q;
	}
	if (q == limit && (cut || whole_at_end))
		return q;
	if (behind_newline > p)
		return behind_newline;
	/* The last one goes with what follows, unless it is the only one. */
	return q == limit || last == p ? q : last;
}

static const uint8_t *number(const uint8_t *p, const uint8_t *end)
{
	for (int i = 0; i < 3 && p < end; i++) {
		size_t n;
		if (!(class_at(p, end, &n) & CHAR_NUMBER))
			break;
		p += n;
	}
	return p;
}

static const uint8_t *punctuation(const uint8_t *p, const uint8_t *end, bool slashes)
{
	p = run(p, end, PUNCTUATION);
	while (p < end && (*p == '\r' || *p == '\n' || (slashes && *p == '/')))
		p++;
	return p;
}

static const uint8_t *piece_o200k(const uint8_t *p, const uint8_t *limit, bool cut)
{
	size_t n;
	unsigned class = class_at(p, limit, &n);

	if (class & L)
		return contraction(word_o200k(p, limit), limit);
	if (class & CHAR_NUMBER)
		return number(p, limit);
	if (class & PREFIX && !(class & CHAR_NEWLINE)) {
		const uint8_t *q = p + n, *end = word_o200k(q, limit);
		if (class & CHAR_MARK) {
			/* A mark can also be the word's small letter itself, where there is no other after it. */
			size_t m;
			const uint8_t *r = q;
			while (r < end && class_at(r, limit, &m) & CHAR_UPPER)
				r += m;
			if (r == end)
				return contraction(q, limit);
		}
		if (end > q)
			return contraction(end, limit);
		if (class & PUNCTUATION)
			return punctuation(p, limit, true);
		if (*p == ' ' && q < limit && class_at(q, limit, &n) & PUNCTUATION)
			return punctuation(q, limit, true);
	}
	return spaces(p, limit, cut, false);
}

static const uint8_t *piece_cl100k(const uint8_t *p, const uint8_t *limit, bool cut)
{
	size_t n;
	unsigned class = class_at(p, limit, &n);

	if (class & L)
		return run(p + n, limit, L);
	if (class & CHAR_NUMBER)
		return number(p, limit);
	if (class & PREFIX && !(class & CHAR_NEWLINE)) {
		const uint8_t *q = p + n, *end = contraction(p, limit);
		if (end > p)
			return end;
		end = run(q, limit, L);
		if (end > q)
			return end;
		if (class & PUNCTUATION)
			return punctuation(p, limit, false);
		if (*p == ' ' && q < limit && class_at(q, limit, &n) & PUNCTUATION)
			return punctuation(q, limit, false);
	}
	return spaces(p, limit, cut, true);
}

const uint8_t *tokens_piece(enum tokens_encoding encoding, const uint8_t *p, const uint8_t *limit, bool cut)
{
	switch (encoding) {
	case TOKENS_O200K: return piece_o200k(p, limit, cut);
	case TOKENS_CL100K: return piece_cl100k(p, limit, cut);
	case TOKENS_ENCODINGS: break;
	}
	return p + 1;
}
