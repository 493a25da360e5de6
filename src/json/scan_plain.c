/* SPDX-License-Identifier: Apache-2.0 */
/* What has no structure: white space, strings, numbers and words, as RFC 8259 and RFC 3629 allow them. */
#include "json/scan_in.h"

COLD const uint8_t *json_fault_at(struct scan *s, enum json_error error, const uint8_t *at)
{
	s->error = error;
	s->at = at;
	return NULL;
}

COLD const uint8_t *json_fault_or_end(struct scan *s, enum json_error error, const uint8_t *at)
{
	return json_fault_at(s, at < s->end ? error : JSON_ERR_END, at);
}

const uint8_t *json_skip_spaces(const uint8_t *p, const uint8_t *end)
{
	for (; end - p >= 16; p += 16) {
		v16 v = v16_load(p);
		v16 ends = v16_or(v16_eq(v, v16_fill('\n')), v16_eq(v, v16_fill('\r')));
		v16 blanks = v16_or(v16_eq(v, v16_fill(' ')), v16_eq(v, v16_fill('\t')));
		unsigned others = v16_mask(v16_or(ends, blanks)) ^ 0xffff;
		if (others)
			return p + __builtin_ctz(others);
	}
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/*
 * Strings
 */

/* Passes a run of non-ASCII characters. */
static const uint8_t *skip_utf8(struct scan *s, const uint8_t *p)
{
	while (p < s->end && *p >= 0x80) {
		unsigned n = json_utf8_length(json_utf8_word(p, s->end));
		if (n == 0)
			return json_fault_at(s, JSON_ERR_UTF8, p);
		p += n;
	}
	return p;
}

static inline int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool is_short_escape(uint8_t c)
{
	/* b f n r t and " \ / */
	return c == 'n' || c == '"' || c == '\\' || c == 't' || c == 'r' || c == '/' || c == 'b' || c == 'f';
}

/* Passes a run of escapes; *p is a backslash. */
static const uint8_t *skip_escapes(struct scan *s, const uint8_t *p)
{
	s->escaped = true;
	do {
		if (s->end - p < 2)
			return json_fault_at(s, JSON_ERR_END, s->end);
		if (likely(is_short_escape(p[1]))) {
			p += 2;
		} else {
			if (p[1] != 'u')
				return json_fault_at(s, JSON_ERR_ESCAPE, p);
			for (int i = 2; i < 6; i++) {
				if (p + i == s->end)
					return json_fault_at(s, JSON_ERR_END, s->end);
				if (hex_digit(p[i]) < 0)
					return json_fault_at(s, JSON_ERR_ESCAPE, p);
			}
			p += 6;
		}
	} while (p < s->end && *p == '\\');
	return p;
}

/* *p is no plain byte and not the closing quote. */
static inline const uint8_t *skip_special(struct scan *s, const uint8_t *p)
{
	if (*p >= 0x80)
		return skip_utf8(s, p);
	if (likely(*p == '\\'))
		return skip_escapes(s, p);
	return json_fault_at(s, JSON_ERR_CONTROL, p);
}

/* One search finds all the stops of 64 bytes, so that a text with an accent or an escape in each word does not search
 * anew behind each. */
static inline __attribute__((always_inline)) const uint8_t *skip_string(struct scan *s, const uint8_t *p,
                                                                       uint64_t (*stops_of)(const uint8_t *))
{
	s->escaped = false;
	while (s->end - p >= 64) {
		const uint8_t *block = p;
		uint64_t stops = stops_of(block);
		p += 64;
		while (stops) {
			const uint8_t *q = block + __builtin_ctzll(stops);
			if (*q == '"')
				return q + 1;
			q = skip_special(s, q);
			if (unlikely(!q))
				return NULL;
			if (q - block >= 64) {
				p = q;
				break;
			}
			stops &= UINT64_MAX << (q - block);
		}
	}
	for (;;) {
		p = json_find_stop(s->start, p, s->end);
		if (p == s->end)
			return json_fault_at(s, JSON_ERR_END, p);
		if (*p == '"')
			return p + 1;
		p = skip_special(s, p);
		if (unlikely(!p))
			return NULL;
	}
}

#ifdef V32
V32 static const uint8_t *skip_string_wide(struct scan *s, const uint8_t *p)
{
	return skip_string(s, p, json_stops_wide);
}
#endif

const uint8_t *json_skip_string(struct scan *s, const uint8_t *p)
{
#ifdef V32
	if (s->end - p >= 64 && v32_here())
		return skip_string_wide(s, p);
#endif
	return skip_string(s, p, json_stops);
}

/*
 * Numbers and words
 */

static inline const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && json_is_digit(*p))
		p++;
	return p;
}

static const uint8_t *skip_number(struct scan *s, const uint8_t *p)
{
	const uint8_t *end = s->end, *start = p, *q;

	if (*p == '-')
		p++;
	q = skip_digits(p, end);
	if (q == p)
		return json_fault_or_end(s, JSON_ERR_NUMBER, q);
	if (*p == '0' && q > p + 1)
		return json_fault_at(s, JSON_ERR_NUMBER, start);
	p = q;
	if (p < end && *p == '.') {
		q = skip_digits(++p, end);
		if (q == p)
			return json_fault_or_end(s, JSON_ERR_NUMBER, q);
		p = q;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		q = skip_digits(p, end);
		if (q == p)
			return json_fault_or_end(s, JSON_ERR_NUMBER, q);
		p = q;
	}
	return p;
}

const uint8_t *json_skip_plain(struct scan *s, const uint8_t *p)
{
	if (json_is_digit(*p) || *p == '-')
		return skip_number(s, p);
	if (s->end - p >= 4 && (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0))
		return p + 4;
	if (s->end - p >= 5 && memcmp(p, "false", 5) == 0)
		return p + 5;
	return json_fault_at(s, JSON_ERR_VALUE, p);
}
