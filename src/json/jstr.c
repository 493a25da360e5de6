/* SPDX-License-Identifier: Apache-2.0 */
/* jstr: escaped texts, from plain and back. */
#include "json/jstr.h"

#include "base/arena.h"
#include "json/json_in.h"
#include "json/scan.h"

static const char *find_stop(const char *start, const char *p, const char *end)
{
	return (const char *)json_find_stop((const uint8_t *)start, (const uint8_t *)p, (const uint8_t *)end);
}

struct jstr jstr_from(struct arena *a, struct str plain)
{
	const char *end = plain.p + plain.n, *stop;
	struct buf b;
	char *copy;

	if (plain.n == 0)
		return JSTR("");
	stop = find_stop(plain.p, plain.p, end);
	if (stop == end)
		return jstr_of(plain.p, plain.n);
	b = buf_make(plain.n * 6 + 2);
	copy = json_append_str(&b, plain) ? arena_alloc(a, b.n) : NULL;
	if (copy)
		memcpy(copy, b.p, b.n);
	struct jstr out = copy ? jstr_of(copy + 1, b.n - 2) : (struct jstr){ 0 };
	buf_fini(&b);
	return out;
}

/* Is the escape that gave `utf8` half of a pair of surrogates? */
static bool is_half(struct str escape, const char utf8[4], size_t n)
{
	return n == 3 && memcmp(utf8, "\xef\xbf\xbd", 3) == 0 && escape.n == 6 && (escape.p[2] | 0x20) == 'd' &&
	       escape.p[3] > '7';
}

static struct str unescape(struct arena *a, struct jstr s, bool keep_halves)
{
	const char *end = s.p + s.n;
	char *out, *o;

	if (s.n == 0)
		return STR("");
	if (!memchr(s.p, '\\', s.n))
		return jstr_raw(s);
	out = o = arena_alloc(a, s.n);
	if (!out)
		return (struct str){ 0 };
	for (const char *p = s.p; p < end;) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));
		char utf8[4];
		size_t n;

		if (!stop)
			stop = end;
		memcpy(o, p, (size_t)(stop - p));
		o += stop - p;
		p = stop;
		if (p == end)
			break;
		n = json_take_escape(&p, end, utf8);
		if (n == 0) /* against the invariant: nothing is made up */
			return (struct str){ 0 };
		if (keep_halves && is_half(str_of(stop, (size_t)(p - stop)), utf8, n)) {
			memcpy(o, stop, 6);
			o += 6;
		} else {
			memcpy(o, utf8, n);
			o += n;
		}
	}
	return str_of(out, (size_t)(o - out));
}

struct str jstr_plain(struct arena *a, struct jstr s) { return unescape(a, s, false); }

struct str jstr_inner(struct arena *a, struct jstr s) { return unescape(a, s, true); }

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

struct str json_trim(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s = str_slice(s, 1, s.n);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool jstr_is_blank(struct jstr s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ')
			continue;
		if (s.p[i] != '\\' || i + 1 == s.n || !memchr("nrtf", s.p[i + 1], 4))
			return false;
		i++;
	}
	return true;
}

struct jstr jstr_concat(struct arena *a, struct jstr x, struct jstr y)
{
	char *p;

	if (x.n == 0)
		return y.p ? y : x;
	if (y.n == 0)
		return x;
	p = arena_alloc(a, x.n + y.n);
	if (!p)
		return (struct jstr){ 0 };
	memcpy(p, x.p, x.n);
	memcpy(p + x.n, y.p, y.n);
	return jstr_of(p, x.n + y.n);
}
