/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a scanned text: unescaping, comparing, integers, and edits in place. */
#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "json/json_in.h"
#include "json/scan.h"

/* Strings that a scan has found are well formed; these functions refuse others all the same. */

static bool string_body(struct str raw, struct str *body)
{
	if (raw.n < 2 || raw.p[0] != '"' || raw.p[raw.n - 1] != '"')
		return false;
	*body = str_of(raw.p + 1, raw.n - 2);
	return true;
}

/* Four hex digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = (unsigned char)p[i], lower = c | 0x20;
		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if (lower >= 'a' && lower <= 'f')
			v = v * 16 + lower - 'a' + 10;
		else
			return -1;
	}
	return v;
}

size_t json_take_escape(const char **p, const char *end, char out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *q = *p + 1, *at;

	if (q == end)
		return 0;
	if (*q != 'u') {
		if (*q == '\0' || !(at = strchr(from, *q)))
			return 0;
		out[0] = to[at - from];
		*p = q + 1;
		return 1;
	}
	int c = hex4(q + 1, end);
	if (c < 0)
		return 0;
	*p = q + 5;
	if (c < 0xd800 || c > 0xdfff)
		return text_utf8_put(out, (uint32_t)c);
	if (c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		int low = hex4(*p + 2, end);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*p += 6;
			return text_utf8_put(out, 0x10000 + (((uint32_t)c & 0x3ff) << 10 | ((uint32_t)low & 0x3ff)));
		}
	}
	return text_utf8_put(out, 0xfffd);
}

/* Unescapes `body` into `out`, which has room for body.n bytes: no escape is shorter than what it stands for. */
static bool unescape(struct str body, char *out, size_t *n)
{
	const char *p = body.p, *end = p + body.n;
	char *o = out;

	while (p < end) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((stop ? stop : end) - p);
		memcpy(o, p, plain);
		o += plain;
		p += plain;
		while (p < end && *p == '\\') {
			char utf8[4];
			size_t len = json_take_escape(&p, end, utf8);
			if (len == 0)
				return false;
			memcpy(o, utf8, len);
			o += len;
		}
	}
	*n = (size_t)(o - out);
	return true;
}

bool json_to_str(struct str raw, struct arena *arena, struct str *out)
{
	struct str body;

	if (!string_body(raw, &body))
		return false;
	if (body.n == 0 || !memchr(body.p, '\\', body.n)) {
		*out = body;
		return true;
	}
	char *p = arena_alloc(arena, body.n);
	size_t n;
	if (!p || !unescape(body, p, &n))
		return false;
	*out = str_of(p, n);
	return true;
}

bool json_to_buf(struct str raw, struct buf *out)
{
	struct str body;
	size_t n;

	if (!string_body(raw, &body))
		return false;
	if (body.n == 0)
		return true;
	char *p = buf_reserve(out, body.n);
	if (!p || !unescape(body, p, &n))
		return false;
	out->n += n;
	return true;
}

bool json_is_str(struct str raw, struct str text)
{
	struct str body;

	if (!string_body(raw, &body))
		return false;
	const char *p = body.p, *end = p + body.n;
	while (p < end) {
		char c[4];
		size_t n = 1;
		if (*p == '\\')
			n = json_take_escape(&p, end, c);
		else
			c[0] = *p++;
		if (n == 0 || n > text.n || memcmp(c, text.p, n) != 0)
			return false;
		text = str_of(text.p + n, text.n - n);
	}
	return text.n == 0;
}

/*
 * Integers: the digits without their last zeros make the mantissa, the point and the exponent only move it. So what is
 * left with a negative exponent is no integer.
 */
bool json_to_i64(struct str raw, int64_t *out)
{
	uint64_t v = 0;
	int64_t zeros = 0, scale = 0, exponent = 0;
	bool negative, point = false;

	if (raw.n == 0)
		return false;
	const char *p = raw.p, *end = p + raw.n;
	negative = *p == '-';
	p += negative;
	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		scale -= point;
		if (*p == '0') {
			zeros += v != 0; /* leading ones mean nothing */
			continue;
		}
		for (; zeros > 0; zeros--)
			if (__builtin_mul_overflow(v, (uint64_t)10, &v))
				return false;
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	}
	if (p < end && (*p | 0x20) == 'e') {
		bool minus = ++p < end && *p == '-';
		p += p < end && (*p == '+' || *p == '-');
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			if (exponent < INT32_MAX / 10) /* far beyond any that can be met by the text's length */
				exponent = exponent * 10 + (*p - '0');
		if (minus)
			exponent = -exponent;
	}
	if (p != end)
		return false;
	if (v == 0) {
		*out = 0;
		return true;
	}
	exponent += scale + zeros;
	if (exponent < 0 || exponent > 19)
		return false;
	for (; exponent > 0; exponent--)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v))
			return false;
	if (v > (uint64_t)INT64_MAX + negative)
		return false;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool json_to_bool(struct str raw, bool *out)
{
	if (str_eq(raw, STR("true")))
		*out = true;
	else if (str_eq(raw, STR("false")))
		*out = false;
	else
		return false;
	return true;
}

/*
 * Edits
 */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Where a member that becomes the first is put: behind the brace. */
static const char *insert_at(const struct json_edit *e)
{
	const char *p = skip_space(e->into.p, e->into.p + e->into.n);

	assert(p < e->into.p + e->into.n && *p == '{');
	return p + 1;
}

static const char *edit_at(const struct json_edit *e)
{
	switch (e->kind) {
	case JSON_EDIT_REPLACE: return e->hit->value.p;
	case JSON_EDIT_CUT:     return e->hit->name;
	case JSON_EDIT_INSERT:  return insert_at(e);
	}
	assert(!"unknown json_edit_kind");
	return NULL;
}

/* An insertion goes before a change of the member that was the first: both may stand at the same place. */
static bool comes_before(const struct json_edit *a, const struct json_edit *b)
{
	const char *p = edit_at(a), *q = edit_at(b);

	return p < q || (p == q && a->kind == JSON_EDIT_INSERT && b->kind != JSON_EDIT_INSERT);
}

static void sort_edits(struct json_edit *edit, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct json_edit e = edit[i];
		size_t to = i;
		for (; to > 0 && comes_before(&e, &edit[to - 1]); to--)
			edit[to] = edit[to - 1];
		edit[to] = e;
	}
}

struct splice {
	struct str *piece;
	size_t pieces;
	const char *p;        /* of the text: not yet taken */
	const char *cut_end;  /* behind the last member cut: a comma before it is gone */
};

static void put(struct splice *s, struct str piece)
{
	if (piece.n > 0)
		s->piece[s->pieces++] = piece;
}

static void put_until(struct splice *s, const char *to)
{
	assert(to >= s->p);
	put(s, str_of(s->p, (size_t)(to - s->p)));
	s->p = to;
}

/* A member takes the comma in front of it along. The first one, and one whose forerunners are all cut, has none and
 * takes the one behind it. */
static void cut(struct splice *s, const struct json_hit *h)
{
	bool first = !h->before || (s->cut_end && h->before < s->cut_end);

	put_until(s, first ? h->name : h->before);
	s->p = first && h->after ? h->after : h->value.p + h->value.n;
	s->cut_end = s->p;
}

size_t json_splice(struct str text, struct json_edit *edit, size_t n, struct str *piece)
{
	const char *end = text.p + text.n, *at;
	struct splice s = { .piece = piece, .p = text.p };

	sort_edits(edit, n);
	for (size_t i = 0; i < n; i++) {
		const struct json_edit *e = &edit[i];
		switch (e->kind) {
		case JSON_EDIT_REPLACE:
			put_until(&s, e->hit->value.p);
			put(&s, e->with);
			s.p = e->hit->value.p + e->hit->value.n;
			break;
		case JSON_EDIT_CUT:
			cut(&s, e->hit);
			break;
		case JSON_EDIT_INSERT:
			at = insert_at(e);
			put_until(&s, at);
			put(&s, e->with);
			if (skip_space(at, end) < end && *skip_space(at, end) != '}')
				put(&s, STR(","));
			break;
		}
	}
	put_until(&s, end);
	return s.pieces;
}
