/* SPDX-License-Identifier: Apache-2.0 */
/* http1_fields: splits the fields of ordinary heads, sixteen bytes at a time. */
#include "net/http1_fields.h"

#include "base/v16.h"

/* Bit i: byte i at p is neither letter, digit nor '-'. */
static unsigned not_name(const char *p)
{
	v16 v = v16_load(p), low = v16_or(v, v16_fill(0x20));
	unsigned letter = v16_mask(v16_or(v16_lt(low, v16_fill('a')), v16_lt(v16_fill('z'), low)));
	unsigned digit = v16_mask(v16_or(v16_lt(v, v16_fill('0')), v16_lt(v16_fill('9'), v)));

	return letter & digit & ~v16_mask(v16_eq(v, v16_fill('-')));
}

/* Bit i: byte i at p is a control (HTAB too), DEL or not ASCII. */
static unsigned not_value(const char *p)
{
	v16 v = v16_load(p);

	return v16_mask(v16_or(v16_lt(v, v16_fill(' ')), v16_eq(v, v16_fill(0x7f))));
}

static bool name_byte(char c)
{
	char low = (char)(c | 0x20);

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool value_byte(char c)
{
	return c >= ' ' && c < 0x7f;
}

static const char *name_end(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned stop = not_name(p);

		if (stop)
			return p + __builtin_ctz(stop);
	}
	while (p < end && name_byte(*p))
		p++;
	return p;
}

static const char *value_end(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned stop = not_value(p);

		if (stop)
			return p + __builtin_ctz(stop);
	}
	while (p < end && value_byte(*p))
		p++;
	return p;
}

bool http1_split_fields(struct str lines, struct http_field *fields, unsigned max, unsigned *n)
{
	const char *p = lines.p, *end = lines.p + lines.n;

	for (unsigned got = 0; end - p >= 2; got++) {
		const char *name = p, *value;

		if (p[0] == '\r') {
			if (p[1] != '\n' || end - p != 2)
				return false;
			*n = got;
			return true;
		}
		p = name_end(p, end);
		if (got == max || p == name || p == end || *p != ':')
			return false;
		fields[got].name = str_of(name, (size_t)(p - name));
		do
			p++;
		while (p < end && *p == ' ');
		value = p;
		p = value_end(p, end);
		if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
			return false;
		fields[got].value = str_of(value, (size_t)(p - value));
		p += 2;
	}
	return false;
}

bool http1_is_plain(struct str s)
{
	return value_end(s.p, s.p + s.n) == s.p + s.n;
}
