/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_in: what the scanner and the writer share: where a string's plain run ends, and what a well-formed UTF-8
 * character is. For this room only.
 */
#ifndef SLUICE_JSON_JSON_IN_H
#define SLUICE_JSON_JSON_IN_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/v16.h"
#include "base/v32.h"

/* The bytes a plain run stops at: quote, backslash, controls and non-ASCII. Flipping bit 1 puts the quote (0x22)
 * where the space was (0x20) and keeps the controls below it; so one comparison of signed bytes finds all but the
 * backslash. Only the top bits of the result count. */
static inline v16 json_stops_in(v16 v)
{
	return v16_or(v16_below(v16_xor(v, v16_fill(2)), v16_fill(0x21)), v16_eq(v, v16_fill('\\')));
}

/* Bit i: byte i of the 64 bytes at p is such a byte. */
static inline uint64_t json_stops(const uint8_t *p)
{
	v16 a = json_stops_in(v16_load(p)), b = json_stops_in(v16_load(p + 16));
	v16 c = json_stops_in(v16_load(p + 32)), d = json_stops_in(v16_load(p + 48));

	if (!v16_mask(v16_or(v16_or(a, b), v16_or(c, d))))
		return 0;
	return v16_mask(a) | (uint64_t)v16_mask(b) << 16 | (uint64_t)v16_mask(c) << 32 | (uint64_t)v16_mask(d) << 48;
}

#ifdef V32
V32 static inline v32 json_stops_in_wide(v32 v)
{
	return v32_or(v32_below(v32_xor(v, v32_fill(2)), v32_fill(0x21)), v32_eq(v, v32_fill('\\')));
}

/* json_stops for machines that have wide vectors. */
V32 static inline uint64_t json_stops_wide(const uint8_t *p)
{
	v32 a = json_stops_in_wide(v32_load(p)), b = json_stops_in_wide(v32_load(p + 32));

	if (!v32_mask(v32_or(a, b)))
		return 0;
	return v32_mask(a) | (uint64_t)v32_mask(b) << 32;
}
#endif

/* The first such byte in [p, end), or end. What is from `start` to p may be read too. */
static inline const uint8_t *json_find_stop(const uint8_t *start, const uint8_t *p, const uint8_t *end)
{
	for (; end - p >= 64; p += 64) {
		uint64_t stops = json_stops(p);
		if (stops)
			return p + __builtin_ctzll(stops);
	}
	for (; end - p >= 16; p += 16) {
		unsigned mask = v16_mask(json_stops_in(v16_load(p)));
		if (mask)
			return p + __builtin_ctz(mask);
	}
	if (p < end && end - start >= 16) { /* the last 16 bytes, of which the first were seen */
		unsigned mask = v16_mask(json_stops_in(v16_load(end - 16))) >> (16 - (end - p));
		return mask ? p + __builtin_ctz(mask) : end;
	}
	while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* value.c: the escape at *p (a backslash) as UTF-8; moves *p behind it. 0: malformed. A pair of surrogate escapes is
 * one
 * character; half of one stands for no character, so it becomes U+FFFD. */
size_t json_take_escape(const char **p, const char *end, char out[4]);

/* memcpy for what is mostly short, without the call. */
static inline void json_copy(char *to, const char *from, size_t n)
{
	if (n > 32) {
		memcpy(to, from, n);
	} else if (n >= 16) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else if (n > 0) {
		to[0] = from[0];
		to[n / 2] = from[n / 2];
		to[n - 1] = from[n - 1];
	}
}

/* The character's length if `x`, its first four bytes as a little-endian word, begins with a well-formed one of two
 * to four bytes (RFC 3629 section 4), else 0. Patterns first, then what they let pass: overlong forms, surrogates,
 * values above U+10FFFF. */
static inline unsigned json_utf8_length(uint32_t x)
{
	if ((x & 0x00c0c0f0) == 0x008080e0) {
		uint32_t lead = x & 0x200f;
		return lead != 0 && lead != 0x200d ? 3 : 0;
	}
	if ((x & 0xc0e0) == 0x80c0)
		return x & 0x1e ? 2 : 0;
	if ((x & 0xc0c0c0f8) == 0x808080f0) {
		uint32_t lead = x & 0x07, second = x & 0x3000;
		return (lead == 0 ? second != 0 : lead < 4 || (lead == 4 && second == 0)) ? 4 : 0;
	}
	return 0;
}

/* That word at p < end. Zeros stand for what is behind the end: they continue no character. */
static inline uint32_t json_utf8_word(const uint8_t *p, const uint8_t *end)
{
	uint32_t x = 0;

	if (likely(end - p >= 4))
		memcpy(&x, p, 4);
	else
		memcpy(&x, p, (size_t)(end - p));
	return le32toh(x);
}

#endif
