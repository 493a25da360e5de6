/* SPDX-License-Identifier: Apache-2.0 */
/* words: finds members by their names in an event's raw bytes, so that most events are never parsed. */

#include <assert.h>

#include "base/v16.h"
#include "dialect/dialect_in.h"

/* Where whole blocks of 16 were searched up to, or the place that was found. Reads a block and one byte behind it. */
static size_t skip_blocks(struct str s, size_t at, const char second[3], bool *found)
{
	v16 quote = v16_fill('"'), a = v16_fill(second[0]), b = v16_fill(second[1]), c = v16_fill(second[2]);

	*found = false;
	for (; at + 17 <= s.n; at += 16) {
		v16 next = v16_load(s.p + at + 1);
		v16 any = v16_or(v16_or(v16_eq(next, a), v16_eq(next, b)), v16_eq(next, c));
		unsigned mask = v16_mask(v16_eq(v16_load(s.p + at), quote)) & v16_mask(any);
		if (mask) {
			*found = true;
			return at + (unsigned)__builtin_ctz(mask);
		}
	}
	return at;
}

size_t word_next(struct str s, size_t from, const char second[3])
{
	bool found;
	size_t at = skip_blocks(s, from, second, &found);

	if (found)
		return at;
	for (; at + 1 < s.n; at++)
		if (s.p[at] == '"' && memchr(second, s.p[at + 1], 3))
			return at;
	return s.n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool word_is_member(struct str s, size_t at, struct str name, size_t *value)
{
	size_t end = at + name.n + 2;

	assert(at < s.n && s.p[at] == '"');
	if (end >= s.n || s.p[end - 1] != '"' || memcmp(s.p + at + 1, name.p, name.n) != 0)
		return false;
	if (at == 0 || (s.p[at - 1] != '{' && s.p[at - 1] != ',' && !is_space(s.p[at - 1])))
		return false;
	while (end < s.n && is_space(s.p[end]))
		end++;
	if (end >= s.n || s.p[end] != ':')
		return false;
	for (end++; end < s.n && is_space(s.p[end]); end++)
		;
	*value = end;
	return end < s.n;
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
	for (at = 1; at < s.n && is_space(s.p[at]); at++)
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
