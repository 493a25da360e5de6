/* SPDX-License-Identifier: Apache-2.0 */
/* array: walks the elements of a JSON array whose text is known to be valid. */

#include "dialect/dialect_in.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
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
