/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads of HTTP/2. */
#include "net/http2_head.h"

#include <assert.h>

#define FIELD_OVERHEAD 32u /* RFC 9113 section 6.5.2 */
#define HOPELESS 8u        /* times the limit */

/* Pseudo-fields on the way to the head. */
struct pseudo {
	struct str scheme, path, authority;
};

void http2_head_init(struct http2_head *h)
{
	*h = (struct http2_head){ .bytes = buf_make(UINT32_MAX) };
}

void http2_head_fini(struct http2_head *h)
{
	buf_fini(&h->bytes);
}

bool http2_head_add(struct http2_head *h, const struct http1_limits *limits, struct str name, struct str value)
{
	uint32_t lengths[2] = { (uint32_t)name.n, (uint32_t)value.n };
	size_t more = name.n + value.n + FIELD_OVERHEAD;

	if (more > (size_t)HOPELESS * limits->head_max_bytes - h->list_bytes)
		return false;
	h->list_bytes += (uint32_t)more;
	if (name.n > 0 && name.p[0] != ':')
		h->n_fields++;
	h->n_cookies += str_eq(name, STR("cookie"));
	if (h->list_bytes > limits->head_max_bytes || h->n_fields > limits->fields_max) {
		h->too_large = true;
		buf_fini(&h->bytes);
	}
	if (h->too_large)
		return h->n_fields < UINT16_MAX;
	return buf_append(&h->bytes, str_of((const char *)lengths, sizeof lengths)) && buf_append(&h->bytes, name)
	       && buf_append(&h->bytes, value);
}

/* The next field behind `*at`. False: that was all. */
static bool next(const struct http2_head *h, size_t *at, struct str *name, struct str *value)
{
	uint32_t lengths[2];

	if (*at == h->bytes.n)
		return false;
	memcpy(lengths, h->bytes.p + *at, sizeof lengths);
	*name = str_of(h->bytes.p + *at + sizeof lengths, lengths[0]);
	*value = str_of(name->p + name->n, lengths[1]);
	*at += sizeof lengths + name->n + value->n;
	return true;
}

static bool refuse(struct err *e, int status, const char *text)
{
	enum err_code code = ERR_INVALID_REQUEST;

	if (status == 431 || status == 414)
		code = ERR_HEADERS_TOO_LARGE;
	err_set(e, code, "%s", text);
	e->status = status;
	e->origin = ERR_FROM_CLIENT;
	return false;
}

/* Several cookie fields are one (RFC 9113 section 8.2.3). They are put together behind the other fields, in room that
 * was made before, so that what was borrowed stays where it is. */
static void join_crumbs(struct http2_head *h, struct http_field *cookie)
{
	struct str name, value;
	size_t from = h->bytes.n, end = h->bytes.n;
	size_t at = 0;

	while (at < end) {
		if (!next(h, &at, &name, &value))
			break;
		if (http_name_of(name) != HTTP_F_COOKIE)
			continue;
		if (h->bytes.n > from)
			buf_append(&h->bytes, STR("; "));
		buf_append(&h->bytes, value);
	}
	assert(!h->bytes.failed);
	cookie->value = str_of(h->bytes.p + from, h->bytes.n - from);
}

static bool read_length(struct str value, int64_t *out)
{
	uint64_t v;

	if (!str_to_u64(value, &v) || v > INT64_MAX)
		return false;
	*out = (int64_t)v;
	return true;
}

static bool read_pseudo(struct str name, struct str value, struct pseudo *p, struct http_head *h)
{
	if (str_eq(name, STR(":method"))) {
		h->method_text = value;
		h->method = http_method_of(value);
	} else if (str_eq(name, STR(":path"))) {
		p->path = value;
	} else if (str_eq(name, STR(":scheme"))) {
		p->scheme = value;
	} else if (str_eq(name, STR(":authority"))) {
		p->authority = value;
	} else {
		return false;
	}
	return true;
}

static bool is_about_connection(enum http_name id)
{
	return id == HTTP_F_CONNECTION || id == HTTP_F_KEEP_ALIVE || id == HTTP_F_PROXY_CONNECTION ||
	       id == HTTP_F_TRANSFER_ENCODING || id == HTTP_F_UPGRADE || id == HTTP_F_HTTP2_SETTINGS;
}

/* What concerns this hop. False: `e` tells. */
static bool read_field(const struct http_field *f, struct http_head *h, struct err *e)
{
	if (is_about_connection(f->id)) /* RFC 9113 section 8.2.2 */
		return refuse(e, 400, "HTTP/2 has no fields about a connection");
	if (f->id == HTTP_F_HOST) {
		if (h->host.p)
			return refuse(e, 400, "there is more than one host field");
		h->host = f->value;
	} else if (f->id == HTTP_F_CONTENT_LENGTH) {
		if (h->content_length >= 0)
			return refuse(e, 400, "there is more than one content-length field");
		if (!read_length(f->value, &h->content_length))
			return refuse(e, 400, "content-length is not a decimal number of bytes");
	} else if (f->id == HTTP_F_EXPECT) {
		if (h->expect_continue || !str_ieq(f->value, STR("100-continue")))
			return refuse(e, 417, "the only expectation that can be met is 100-continue");
		h->expect_continue = true;
	}
	return true;
}

/* RFC 9113 section 8.3.1. */
static bool check_target(const struct pseudo *p, struct http_head *h, struct err *e)
{
	size_t mark;

	if (!str_eq(p->scheme, STR("https")) && !str_eq(p->scheme, STR("http")))
		return refuse(e, 400, "the scheme must be http or https");
	if (p->authority.p && h->host.p && !str_ieq(p->authority, h->host))
		return refuse(e, 400, ":authority and the host field name different hosts");
	if (p->authority.p)
		h->host = p->authority;
	if (!http_is_authority(h->host))
		return refuse(e, 400, "the request names no valid host");
	if (str_eq(p->path, STR("*")) && h->method == METHOD_OPTIONS) {
		h->path = p->path;
		return true;
	}
	if (p->path.n == 0 || p->path.p[0] != '/' || !http_is_path(p->path))
		return refuse(e, 400, "the request target is not a valid path");
	mark = str_find_chr(p->path, '?');
	h->path = mark == STR_NPOS ? p->path : str_slice(p->path, 0, mark);
	h->query = mark == STR_NPOS ? str_of(p->path.p + p->path.n, 0) : str_slice(p->path, mark + 1, p->path.n);
	return true;
}

bool http2_head_read(struct http2_head *head, const struct http1_limits *limits, bool bodyless,
                     struct http_field *fields, struct http_head *out, struct err *e)
{
	struct http_head h = { .content_length = -1, .keep_alive = true, .fields = fields };
	struct pseudo pseudo = { 0 };
	struct http_field *cookie = NULL;
	struct str name, value;
	size_t at = 0;

	if (head->too_large)
		return refuse(e, 431, "the request head is larger than allowed");
	if (head->n_cookies > 1) /* what is borrowed must not move when they are joined */
		buf_reserve(&head->bytes, head->bytes.n);
	while (next(head, &at, &name, &value)) {
		struct http_field f = { name, str_trim(value), http_name_of(name) };

		if (name.n > 0 && name.p[0] == ':') {
			if (!read_pseudo(name, value, &pseudo, &h))
				return refuse(e, 400, "the request has an unknown pseudo-field");
			continue;
		}
		if (!http_is_token(name) || !http_is_field_value(value))
			return refuse(e, 400, "a field is malformed");
		if (!read_field(&f, &h, e))
			return false;
		if (f.id == HTTP_F_COOKIE && cookie)
			continue;
		fields[h.n_fields++] = f;
		h.names |= 1ull << f.id;
		if (f.id == HTTP_F_COOKIE)
			cookie = &fields[h.n_fields - 1];
	}
	if (pseudo.path.n > limits->line_max_bytes)
		return refuse(e, 414, "the request target is longer than allowed");
	if (!check_target(&pseudo, &h, e))
		return false;
	if (bodyless && h.content_length > 0)
		return refuse(e, 400, "content-length promises a body, and there is none");
	if (head->n_cookies > 1)
		join_crumbs(head, cookie);
	h.chunked = !bodyless && h.content_length < 0;
	*out = h;
	return true;
}
