/* SPDX-License-Identifier: Apache-2.0 */
/* words: finds members by their names in an event's raw bytes, so that most events are never parsed. */

#include "base/v16.h"
#include "base/v32.h"
#include "dialect/dialect_in.h"

/* A block is searched with one look, which takes in the byte behind it. Bit n of the result: p[n] is such a quote. Of
 * all bytes only e and u become u when bit 4 is set. */
typedef uint32_t search_fn(const char *p);

static inline uint32_t search_16(const char *p)
{
	v16 next = v16_load(p + 1), word = v16_eq(v16_or(next, v16_fill(0x10)), v16_fill('u'));

	return v16_mask(v16_and(v16_eq(v16_load(p), v16_fill('"')), v16_or(word, v16_eq(next, v16_fill('f')))));
}

/* Fewer bytes than a block. */
static uint32_t search_bytes(struct str s)
{
	uint32_t found = 0;

	for (size_t i = 0; i + 1 < s.n; i++)
		found |= (uint32_t)(s.p[i] == '"' && ((s.p[i + 1] | 0x10) == 'u' || s.p[i + 1] == 'f')) << i;
	return found;
}

static inline size_t put_places(size_t *place, size_t n, size_t at, uint32_t found)
{
	for (; found; found &= found - 1)
		place[n++] = at + (unsigned)__builtin_ctz(found);
	return n;
}

/* The last block lies across the one before it, whose words are not given again. */
static inline __attribute__((always_inline)) size_t find(struct str s, size_t *from, size_t place[WORDS_MAX],
                                                         size_t width, search_fn *search)
{
	size_t at = *from, last = s.n - width - 1, n = 0;

	if (s.n <= width) {
		*from = s.n;
		return put_places(place, 0, 0, search_bytes(s));
	}
	uint32_t found_last = search(s.p + last);
	for (; at < last; at += width) {
		uint32_t found = search(s.p + at);
		if (likely(!found))
			continue;
		n = put_places(place, n, at, found);
		if (n > WORDS_MAX - width) {
			*from = at + width;
			return n;
		}
	}
	*from = s.n;
	return put_places(place, n, last, found_last & UINT32_MAX << (at - last));
}

#ifdef V32
V32 static inline uint32_t search_32(const char *p)
{
	v32 next = v32_load(p + 1), word = v32_eq(v32_or(next, v32_fill(0x10)), v32_fill('u'));

	return v32_mask(v32_and(v32_eq(v32_load(p), v32_fill('"')), v32_or(word, v32_eq(next, v32_fill('f')))));
}

V32 static size_t find_wide(struct str s, size_t *from, size_t place[WORDS_MAX])
{
	return find(s, from, place, 32, search_32);
}
#endif

APART static size_t find_narrow(struct str s, size_t *from, size_t place[WORDS_MAX])
{
	return find(s, from, place, 16, search_16);
}

size_t words_find(struct str s, size_t *from, size_t place[WORDS_MAX])
{
#ifdef V32
	if (v32_here())
		return find_wide(s, from, place);
#endif
	return find_narrow(s, from, place);
}

/* Behind the string that starts at s.p[at]. */
static size_t skip_string(struct str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++)
		if (s.p[at] == '\\')
			at++;
	return at + 1;
}

bool array_next(struct str *rest, struct str *item)
{
	struct str s = *rest;
	size_t at = 0, from;
	unsigned depth = 0;

	/* At the array's "[" or at the "," behind the last element. */
	if (s.n == 0 || (s.p[0] != '[' && s.p[0] != ','))
		return false;
	for (at = 1; at < s.n && word_is_space(s.p[at]); at++)
		;
	from = at;
	while (at < s.n) {
		char c = s.p[at];
		if (c == '"') {
			at = skip_string(s, at);
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']'))
			break;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		at++;
	}
	if (at >= s.n || at == from)
		return false;
	*item = str_slice(s, from, at);
	*rest = str_slice(s, at, s.n);
	return true;
}
