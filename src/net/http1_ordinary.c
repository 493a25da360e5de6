/* SPDX-License-Identifier: Apache-2.0 */
/* http1_ordinary: one pass over ordinary heads, sixteen bytes at a time. */
#include "net/http1_ordinary.h"

#include "base/v16.h"
#include "net/http_names.h"

#define NAME_MAX_BYTES  128u
#define START_MIN_BYTES 16 /* "GET / HTTP/1.1" CR LF; "HTTP/1.1 200" CR LF CR LF */

/* ---- sixteen bytes ---- */

/* All of it, and the last place where sixteen bytes can be loaded at once. */
struct text {
	const char *end, *edge;
};

static inline struct text text_of(struct str bytes)
{
	return (struct text){ bytes.p + bytes.n, bytes.p + bytes.n - 16 };
}

/* Bytes behind the end are NUL, which is never part of anything here. */
static COLD NOINLINE v16 load_last(const char *p, const char *end)
{
	char last[16] = { 0 };

	for (size_t i = 0; p + i < end; i++)
		last[i] = p[i];
	return v16_load(last);
}

static inline v16 load(const char *p, struct text t)
{
	return likely(p <= t.edge) ? v16_load(p) : load_last(p, t.end);
}

/* Can so many (up to sixteen) be read at p? */
static inline bool has(const char *p, struct text t, unsigned n)
{
	return likely(p <= t.edge) || t.end - p >= (ptrdiff_t)n;
}

static inline v16 not_between(v16 v, char first, char last)
{
	return v16_or(v16_lt(v, v16_fill(first)), v16_lt(v16_fill(last), v));
}

static inline v16 not_letter(v16 v)
{
	return not_between(v16_or(v, v16_fill(0x20)), 'a', 'z');
}

/* Bit i: byte i is neither letter, digit nor '-'. */
static inline unsigned not_name(v16 v)
{
	return v16_mask(v16_and(not_letter(v), not_between(v, '0', '9'))) & ~v16_mask(v16_eq(v, v16_fill('-')));
}

/* Bit i: byte i is a control (HTAB too), DEL or not ASCII. As signed numbers, with 1 added, none is above ' '. */
static inline unsigned not_value(v16 v)
{
	return v16_mask(v16_lt(v16_fill(' '), v16_add(v, v16_fill(1)))) ^ 0xffff;
}

/* Bit i: byte i is neither letter, digit nor one of - . / : */
static inline unsigned not_path(v16 v)
{
	return v16_mask(v16_and(not_letter(v), not_between(v, '-', ':')));
}

static inline const char *value_end(const char *p, struct text t)
{
	unsigned stop;

	while (!(stop = not_value(load(p, t))))
		p += 16;
	return p + __builtin_ctz(stop);
}

static inline bool is_crlf(const char *p, struct text t)
{
	return has(p, t, 2) && memcmp(p, "\r\n", 2) == 0;
}

/* ---- names ---- */

/* Bit i: byte i of a name is the same as in a row of http_known, whose letters are small. */
static inline unsigned same_bytes(v16 name, const char *row)
{
	v16 want = v16_load(row), to_small = v16_and(v16_lt(v16_fill('_'), want), v16_fill(0x20));

	return v16_mask(v16_eq(v16_or(name, to_small), want));
}

/* The id of a name that stands in a row, else HTTP_F_OTHER. `first`: what was loaded at p. */
static inline enum http_name known_name(const char *p, v16 first, size_t n)
{
	const struct http_known *k = http_known_like(p, n);
	unsigned same;

	if (unlikely(k->n != n))
		return HTTP_F_OTHER;
	same = same_bytes(first, k->text);
	if (likely(n <= 16))
		same |= ~0u << n;
	else if (same_bytes(v16_load(p + n - 16), k->text + n - 16) == 0xffff)
		same |= ~0xffffu;
	return likely(same == ~0u) ? k->id : HTTP_F_OTHER;
}

/* The length of the name at p, which has no colon in its first sixteen bytes; 0: it is none, or too long. */
static size_t long_name(const char *p, struct text t)
{
	for (unsigned at = 16; at < NAME_MAX_BYTES && p + at < t.end; at += 16) {
		unsigned colon = v16_mask(v16_eq(load(p + at, t), v16_fill(':')));

		if (colon)
			return at + (unsigned)__builtin_ctz(colon);
	}
	return 0;
}

/* Of a name that is in no row, with the colon behind it. */
static bool is_plain_name(const char *p, size_t n, struct text t)
{
	size_t at = 0;
	unsigned stop;

	while (!(stop = not_name(load(p + at, t))))
		at += 16;
	return n > 0 && at + (unsigned)__builtin_ctz(stop) == n;
}

static inline bool may_have_known_prefix(const char *name, size_t n)
{
	return n > 2 && name[(name[0] | 0x20) == 'x' ? 1 : 2] == '-';
}

/* ---- values that matter ---- */

/* As http_is_authority, for names and IPv4 literals. What stands behind the value ends it. */
static bool is_plain_host(struct str host, struct text t)
{
	unsigned port = 0;
	size_t at = 0;
	unsigned stop;

	do {
		v16 v = load(host.p + at, t);

		stop = not_path(v) | v16_mask(v16_or(v16_eq(v, v16_fill('/')), v16_eq(v, v16_fill(':'))));
		at += stop ? (unsigned)__builtin_ctz(stop) : 16;
	} while (!stop);
	if (at == 0 || at > 255 || (at < host.n && (host.p[at] != ':' || host.n - at > 6)))
		return false;
	while (++at < host.n) {
		if (host.p[at] < '0' || host.p[at] > '9')
			return false;
		port = port * 10 + (unsigned)(host.p[at] - '0');
	}
	return port <= UINT16_MAX;
}

static bool read_length(struct str value, int64_t *out)
{
	int64_t v = 0;

	if (value.n == 0 || value.n > 18)
		return false;
	for (const char *p = value.p; p < value.p + value.n; p++) {
		unsigned digit = (unsigned char)*p - (unsigned)'0';

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

#define BIT(id) (1ull << (id))
#define MATTERS                                                                                                   \
	(BIT(HTTP_F_HOST) | BIT(HTTP_F_CONTENT_LENGTH) | BIT(HTTP_F_TRANSFER_ENCODING) | BIT(HTTP_F_CONNECTION) | \
	 BIT(HTTP_F_EXPECT))

/* One of those that matter, behind fields with these `names`. */
static bool read_value(const struct http_field *f, uint64_t names, struct http_head *h)
{
	if (names & BIT(f->id) && f->id != HTTP_F_CONNECTION)
		return false;
	switch ((unsigned)f->id) {
	case HTTP_F_HOST: h->host = f->value; return true;
	case HTTP_F_CONTENT_LENGTH: return read_length(f->value, &h->content_length);
	case HTTP_F_TRANSFER_ENCODING: h->chunked = true; return str_ieq(f->value, STR("chunked"));
	case HTTP_F_CONNECTION:
		if (!str_ieq(f->value, STR("keep-alive")) && http_list_has(f->value, STR("close")))
			h->keep_alive = false;
		return true;
	case HTTP_F_EXPECT: h->expect_continue = true; return str_ieq(f->value, STR("100-continue"));
	}
	return true;
}

/* ---- fields ---- */

/* The value that begins behind the colon before p. Returns the place of its CR, or NULL. */
static inline const char *read_text(const char *p, struct text t, struct str *value)
{
	const char *end, *last;

	if (!has(p, t, 2))
		return NULL;
	p += *p == ' ';
	if (unlikely(*p == ' '))
		while (p < t.end && *p == ' ')
			p++;
	end = last = value_end(p, t);
	if (unlikely(end[-1] == ' '))
		while (last > p && last[-1] == ' ')
			last--;
	*value = str_of(p, (size_t)(last - p));
	return is_crlf(end, t) ? end : NULL;
}

/* Reads lines up to the empty one. Returns what stands behind it, or NULL. */
static ALWAYS_INLINE const char *read_fields(const char *p, struct text t, struct http_field *f, unsigned max,
                                      struct http_head *h)
{
	uint64_t names = 0;

	h->content_length = -1;
	h->keep_alive = true;
	h->fields = f;
	for (const struct http_field *last = f + max; has(p, t, 2); f++) {
		v16 first = load(p, t);
		unsigned colon = v16_mask(v16_eq(first, v16_fill(':')));
		enum http_name id;
		size_t n;

		if (*p == '\r') {
			h->n_fields = (unsigned)(f - h->fields);
			h->names = names;
			return p[1] == '\n' ? p + 2 : NULL;
		}
		if (f == last)
			return NULL;
		n = likely(colon) ? (unsigned)__builtin_ctz(colon) : long_name(p, t);
		id = known_name(p, first, n);
		if (unlikely(id == HTTP_F_OTHER)) {
			if (!is_plain_name(p, n, t))
				return NULL;
			if (may_have_known_prefix(p, n))
				id = http_name_of(str_of(p, n));
		}
		f->name = str_of(p, n);
		f->id = id;
		p = read_text(p + n + 1, t, &f->value);
		if (!p || (MATTERS & BIT(id) && !read_value(f, names, h)))
			return NULL;
		names |= BIT(id);
		p += 2;
	}
	return NULL;
}

#define FRAMED_TWICE (BIT(HTTP_F_CONTENT_LENGTH) | BIT(HTTP_F_TRANSFER_ENCODING))

/* The length of the whole head, or 0. */
static inline size_t head_length(struct str bytes, const char *behind, const struct http1_limits *limits,
                                 const struct http_head *h)
{
	size_t n = (size_t)(behind - bytes.p);

	return n > limits->head_max_bytes || (h->names & FRAMED_TWICE) == FRAMED_TWICE ? 0 : n;
}

/* ---- start lines ---- */

static inline const char *read_method(const char *p, struct http_head *h)
{
	static const struct {
		struct str text;
		enum http_method method;
	} methods[] = {
		{ STR_INIT("POST "), METHOD_POST },       { STR_INIT("GET "), METHOD_GET },
		{ STR_INIT("DELETE "), METHOD_DELETE },   { STR_INIT("HEAD "), METHOD_HEAD },
		{ STR_INIT("PUT "), METHOD_PUT },         { STR_INIT("PATCH "), METHOD_PATCH },
		{ STR_INIT("OPTIONS "), METHOD_OPTIONS },
	};

	for (unsigned i = 0; i < COUNT_OF(methods); i++)
		if (memcmp(p, methods[i].text.p, 4) == 0 && str_starts(str_of(p, START_MIN_BYTES), methods[i].text)) {
			h->method = methods[i].method;
			h->method_text = str_of(p, methods[i].text.n - 1);
			return p + methods[i].text.n;
		}
	return NULL;
}

/* The place of the space behind the target, or NULL. */
static inline const char *read_target(const char *p, struct text t, struct http_head *h)
{
	const char *at = p, *mark, *end;
	unsigned stop;

	while (!(stop = not_path(load(at, t))))
		at += 16;
	at += __builtin_ctz(stop);
	if (at == t.end || *p != '/')
		return NULL;
	h->path = str_of(p, (size_t)(at - p));
	h->query = str_of(at, 0);
	if (likely(*at == ' '))
		return at;
	end = memchr(at, ' ', (size_t)(t.end - at));
	if (!end || !http_is_path(str_of(at, (size_t)(end - at))))
		return NULL;
	mark = memchr(at, '?', (size_t)(end - at));
	h->path.n = (size_t)((mark ? mark : end) - p);
	h->query = mark ? str_of(mark + 1, (size_t)(end - mark - 1)) : str_of(end, 0);
	return end;
}

size_t http1_ordinary_request(struct str bytes, const struct http1_limits *limits, struct http_field *fields,
                              struct http_head *h)
{
	const char *p = bytes.p;
	struct text t;

	if (bytes.n < START_MIN_BYTES)
		return 0;
	*h = (struct http_head){ 0 };
	t = text_of(bytes);
	if (!(p = read_method(p, h)) || !(p = read_target(p, t, h)))
		return 0;
	/* in two parts, each a word that is compared in place */
	if (!has(p, t, 11) || memcmp(p, " HTTP/1.", 8) != 0 || memcmp(p + 7, ".1\r\n", 4) != 0 ||
	    p + 10 - bytes.p >= limits->line_max_bytes)
		return 0;
	p = read_fields(p + 11, t, fields, limits->fields_max, h);
	if (!p || !(h->names & BIT(HTTP_F_HOST)) || !(is_plain_host(h->host, t) || http_is_authority(h->host)))
		return 0;
	return head_length(bytes, p, limits, h);
}

size_t http1_ordinary_answer(struct str bytes, const struct http1_limits *limits, struct http_field *fields,
                             struct http_head *h)
{
	const char *p = bytes.p;
	struct text t;

	if (bytes.n < START_MIN_BYTES)
		return 0;
	*h = (struct http_head){ 0 };
	t = text_of(bytes);
	if (memcmp(p, "HTTP/1.1 ", 9) != 0 || p[9] < '1' || p[9] > '5' || p[10] < '0' ||
	    p[10] > '9' || p[11] < '0' || p[11] > '9' || (p[12] != ' ' && p[12] != '\r'))
		return 0;
	h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	p = value_end(p + 12, t);
	if (!is_crlf(p, t))
		return 0;
	p = read_fields(p + 2, t, fields, limits->fields_max, h);
	return p ? head_length(bytes, p, limits, h) : 0;
}
