/* SPDX-License-Identifier: Apache-2.0 */
/* http1: heads by http1_ordinary, or else by llhttp and the rules it leaves open; chunked bodies. */
#include "net/http1.h"

#include <assert.h>
#include <llhttp.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/v16.h"
#include "net/http1_ordinary.h"

static bool refuse(struct err *e, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool refuse(struct err *e, int status, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_set(e, status == 431 || status == 414 ? ERR_HEADERS_TOO_LARGE : ERR_INVALID_REQUEST, "%s", text);
	e->status = status;
	e->origin = ERR_FROM_CLIENT;
	return false;
}

/* ---- where a head ends ---- */

/* Does the byte at `at` end the head, or break its lines: the second LF of CR LF CR LF, a bare LF, what follows a bare
 * CR, white space at the start of a line? */
static bool is_stop(struct str b, size_t start, size_t at)
{
	char c = b.p[at], before = at > start ? b.p[at - 1] : 'x';

	if (c == '\n')
		return before != '\r' || (at > start + 1 && b.p[at - 2] == '\n');
	return before == '\r' || (before == '\n' && (c == ' ' || c == '\t'));
}

/* The first such byte from `at` on, sixteen at a time; b.n: none. */
static size_t find_stop(struct str b, size_t start, size_t at)
{
	unsigned cr_before = at > start && b.p[at - 1] == '\r';
	unsigned lf_before = (at > start && b.p[at - 1] == '\n') << 1 | (at > start + 1 && b.p[at - 2] == '\n');

	for (; b.n - at >= 16; at += 16) {
		v16 v = v16_load(b.p + at);
		unsigned lf = v16_mask(v16_eq(v, v16_fill('\n'))), cr = v16_mask(v16_eq(v, v16_fill('\r')));
		unsigned blank = v16_mask(v16_or(v16_eq(v, v16_fill(' ')), v16_eq(v, v16_fill('\t'))));
		unsigned after_cr = cr << 1 | cr_before;
		unsigned stop = (lf & (~after_cr | lf << 2 | lf_before)) | (after_cr & ~lf) |
				((lf << 1 | lf_before >> 1) & blank);

		if (stop & 0xffff)
			return at + (unsigned)__builtin_ctz(stop);
		cr_before = cr >> 15;
		lf_before = lf >> 14;
	}
	while (at < b.n && !is_stop(b, start, at))
		at++;
	return at;
}

static bool check_request_line(struct str line, struct http_head *h, struct str *target, struct err *e);

/* A first line that is none is refused as soon as it is there: other protocols' greetings end in one. */
static bool check_early(struct str bytes, struct err *e)
{
	const char *lf = memchr(bytes.p, '\n', bytes.n);
	struct http_head h = { 0 };
	struct str target;

	return !lf || check_request_line(str_of(bytes.p, (size_t)(lf - bytes.p) - 1), &h, &target, e);
}

enum http1_found http1_find_head(struct str bytes, uint32_t *scanned, const struct http1_limits *limits, bool request,
                                 size_t *len, struct err *e)
{
	size_t start = 0, at;   /* of the start line; of what ends the head */

	if (request && bytes.n > 0 && bytes.p[0] == '\r') {
		start = 2;
		if (bytes.n >= 2 && bytes.p[1] != '\n') {
			refuse(e, 400, "the request starts with a bare CR");
			return HTTP1_BAD;
		}
	}
	if (bytes.n <= start)
		return HTTP1_MORE;
	/* what cannot be a start line is refused at its first byte: nobody waits for the rest of a TLS greeting */
	if (!http_is_token(str_of(bytes.p + start, 1))) {
		refuse(e, 400, "the message does not start with an HTTP/1.1 start line");
		return HTTP1_BAD;
	}
	if (request && bytes.n - start > limits->line_max_bytes &&
	    !memchr(bytes.p + start, '\n', limits->line_max_bytes)) {
		refuse(e, 414, "the request line is longer than %u bytes", limits->line_max_bytes);
		return HTTP1_BAD;
	}
	at = find_stop(bytes, start, *scanned > start ? *scanned : start);
	if (at - start >= limits->head_max_bytes) {
		refuse(e, 431, "the message head is longer than %u bytes", limits->head_max_bytes);
		return HTTP1_BAD;
	}
	if (at == bytes.n) {
		*scanned = (uint32_t)bytes.n;
		if (request && !check_early(str_slice(bytes, start, bytes.n), e))
			return HTTP1_BAD;
		return HTTP1_MORE;
	}
	if (bytes.p[at] != '\n') {
		refuse(e, 400, bytes.p[at - 1] == '\r' ? "there is a CR without LF in the message head"
		                                       : "a line of the message head begins with white space");
		return HTTP1_BAD;
	}
	if (bytes.p[at - 1] != '\r') {
		refuse(e, 400, "a line of the message head ends in a bare LF; it must end in CR LF");
		return HTTP1_BAD;
	}
	*len = at + 1;
	return HTTP1_WHOLE;
}

/* ---- llhttp collects the parts ---- */

struct reader {
	llhttp_t parser;             /* first: callbacks get its address */
	struct http_field *fields;
	unsigned n, max;
	bool too_many;
};

static int on_field_name(llhttp_t *p, const char *at, size_t n)
{
	struct reader *r = (struct reader *)(void *)p;

	if (r->n == r->max) {
		r->too_many = true;
		return -1;
	}
	r->fields[r->n++] = (struct http_field){ .name = { at, n }, .value = { at + n, 0 } };
	return 0;
}

static int on_field_value(llhttp_t *p, const char *at, size_t n)
{
	struct reader *r = (struct reader *)(void *)p;

	assert(r->n > 0);
	r->fields[r->n - 1].value = str_of(at, n);
	return 0;
}

static const llhttp_settings_t callbacks = {
	.on_header_field = on_field_name,
	.on_header_value = on_field_value,
};

/* ---- rules for fields ---- */

static bool read_length(struct str value, int64_t *out, struct err *e)
{
	uint64_t v;

	if (!str_to_u64(value, &v) || v > INT64_MAX || value.n > 19)
		return refuse(e, 400, "content-length is not a decimal number of bytes");
	*out = (int64_t)v;
	return true;
}

/* The final coding must be chunked (RFC 9112 section 6.1); we know no other one. */
static bool read_coding(struct str value, struct err *e)
{
	struct str last = { 0 };

	if (str_ieq(value, STR("chunked")))
		return true;
	for (struct str rest = value; rest.p;)
		last = str_trim(str_cut(&rest, ','));
	if (str_ieq(last, STR("chunked")) && !str_istarts(value, STR("chunked")))
		return refuse(e, 501, "transfer-encoding has a coding before chunked that is not implemented");
	return refuse(e, 400, "transfer-encoding must be chunked");
}

struct counts {
	unsigned host, length, coding;
};

/* Gives every field its id and its value without white space; reads what concerns framing. */
static bool read_fields(struct http_field *fields, unsigned n, struct http_head *h, struct counts *c, struct err *e)
{
	bool close = false, keep = false;

	for (unsigned i = 0; i < n; i++) {
		struct http_field *f = &fields[i];

		f->id = http_name_of(f->name);
		f->value = str_trim(f->value);
		h->names |= 1ull << f->id;
		switch ((unsigned)f->id) {
		case HTTP_F_HOST:
			c->host++;
			h->host = f->value;
			break;
		case HTTP_F_CONTENT_LENGTH:
			if (c->length++ > 0)
				return refuse(e, 400, "there is more than one content-length field");
			if (!read_length(f->value, &h->content_length, e))
				return false;
			break;
		case HTTP_F_TRANSFER_ENCODING:
			if (c->coding++ > 0)
				return refuse(e, 400, "there is more than one transfer-encoding field");
			if (!read_coding(f->value, e))
				return false;
			h->chunked = true;
			break;
		case HTTP_F_CONNECTION:
			close |= http_list_has(f->value, STR("close"));
			keep |= http_list_has(f->value, STR("keep-alive"));
			break;
		case HTTP_F_EXPECT:
			if (h->expect_continue || !str_ieq(f->value, STR("100-continue")))
				return refuse(e, 417, "the only expectation that can be met is 100-continue");
			h->expect_continue = true;
			break;
		}
	}
	if (c->length && c->coding)
		return refuse(e, 400, "content-length and transfer-encoding exclude each other");
	h->keep_alive = !close && (keep || !h->http10);
	h->fields = fields;
	h->n_fields = n;
	return true;
}

/* ---- rules for the request line and Host ---- */

/* origin-form, absolute-form, or "*" for OPTIONS (RFC 9112 section 3.2). */
static bool read_target(struct str target, struct http_head *h, struct err *e)
{
	struct str rest = target;
	size_t mark;

	if (str_istarts(target, STR("http://")) || str_istarts(target, STR("https://"))) {
		struct str authority = str_slice(target, str_find_chr(target, ':') + 3, target.n);
		size_t slash = 0;

		while (slash < authority.n && authority.p[slash] != '/' && authority.p[slash] != '?')
			slash++;
		rest = str_slice(authority, slash, authority.n);
		authority = str_slice(authority, 0, slash);
		if (!http_is_authority(authority))
			return refuse(e, 400, "the request target has no valid host");
		h->host = authority; /* whatever the host field says (section 3.2.2); we route by neither */
		if (rest.n == 0)
			rest = STR("/");
		if (rest.p[0] == '?') { /* "/" is left out */
			h->path = STR("/");
			h->query = str_slice(rest, 1, rest.n);
			return http_is_path(rest) || refuse(e, 400, "the request target has a bad query");
		}
	} else if (str_eq(target, STR("*"))) {
		if (h->method != METHOD_OPTIONS)
			return refuse(e, 400, "the request target * is for OPTIONS only");
		h->path = target;
		return true;
	}
	if (rest.n == 0 || rest.p[0] != '/' || !http_is_path(rest))
		return refuse(e, 400, "the request target is not a valid path");
	mark = str_find_chr(rest, '?');
	h->path = mark == STR_NPOS ? rest : str_slice(rest, 0, mark);
	h->query = mark == STR_NPOS ? (struct str){ rest.p + rest.n, 0 } : str_slice(rest, mark + 1, rest.n);
	return true;
}

/* The version and the shape of the request line are looked at first, for their own statuses: llhttp knows one error for
 * all. `line` is without CR LF. */
static bool check_request_line(struct str line, struct http_head *h, struct str *target, struct err *e)
{
	size_t sp = str_find_chr(line, ' ');
	struct str rest, version;

	if (sp == STR_NPOS || !http_is_token(str_slice(line, 0, sp)))
		return refuse(e, 400, "the request line does not start with a method and one space");
	h->method_text = str_slice(line, 0, sp);
	h->method = http_method_of(h->method_text);
	rest = str_slice(line, sp + 1, line.n);
	sp = str_find_chr(rest, ' ');
	if (sp == STR_NPOS || sp == 0)
		return refuse(e, 400, "the request line must be METHOD, target and HTTP/1.1, one space between them");
	*target = str_slice(rest, 0, sp);
	version = str_slice(rest, sp + 1, rest.n);
	if (version.n != 8 || !str_starts(version, STR("HTTP/")) || version.p[6] != '.' || version.p[5] < '0' ||
	    version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
		return refuse(e, 400, "the request line does not end in HTTP/1.1");
	if (version.p[5] != '1' || version.p[7] > '1')
		return refuse(e, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	h->http10 = version.p[7] == '0';
	return true;
}

static struct str first_line(struct str head)
{
	size_t lf = str_find_chr(head, '\n');

	assert(lf != STR_NPOS && lf > 0);
	return str_slice(head, 0, lf - 1);
}

/* Splits the fields of a head whose start line is `line`; `status` is for what is malformed. llhttp reads a start line
 * of ours: that of the message has been judged, and does not change how fields are split. */
static bool split_fields(struct str head, struct str line, const struct http1_limits *limits,
                         struct http_field *fields, unsigned *n, int status, struct err *e)
{
	bool request = status != 502;
	struct str start = request ? STR("POST / HTTP/1.1\r\n") : STR("HTTP/1.1 200 OK\r\n");
	struct reader r = { .fields = fields, .max = limits->fields_max };
	enum llhttp_errno rc;

	llhttp_init(&r.parser, request ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks);
	rc = llhttp_execute(&r.parser, start.p, start.n);
	assert(rc == HPE_OK);
	rc = llhttp_execute(&r.parser, head.p + line.n + 2, head.n - line.n - 2);
	if (r.too_many)
		return refuse(e, request ? 431 : 502, "there are more than %u header fields", limits->fields_max);
	if (rc != HPE_OK && rc != HPE_PAUSED_UPGRADE)
		return refuse(e, status, "malformed message: %s", llhttp_get_error_reason(&r.parser));
	*n = r.n;
	return true;
}

bool http1_read_request(struct str head, const struct http1_limits *limits, struct http_field *fields,
                        struct http_head *out, struct err *e)
{
	struct http_head h = { .content_length = -1 };
	struct counts count = { 0 };
	struct str line, target = { 0 };
	unsigned n = 0;

	assert(limits->fields_max <= HTTP1_FIELDS_MAX);
	if (head.n > 0 && head.p[0] == '\r')
		head = str_slice(head, 2, head.n);
	line = first_line(head);
	if (!check_request_line(line, &h, &target, e) || !split_fields(head, line, limits, fields, &n, 400, e))
		return false;
	if (!read_fields(fields, n, &h, &count, e))
		return false;
	if (count.host > 1 || (count.host == 0 && !h.http10))
		return refuse(e, 400, "there must be exactly one host field");
	if (count.host && !http_is_authority(h.host))
		return refuse(e, 400, "the host field is not a host with an optional port");
	if (h.http10 && count.coding)
		return refuse(e, 400, "HTTP/1.0 has no transfer-encoding");
	if (h.http10)
		h.expect_continue = false;   /* RFC 9110 section 10.1.1 */
	if (!read_target(target, &h, e))
		return false;
	*out = h;
	return true;
}

bool http1_read_answer(struct str head, const struct http1_limits *limits, struct http_field *fields,
                       struct http_head *out, struct err *e)
{
	struct str line = first_line(head);
	struct http_head h = { .content_length = -1 };
	struct counts count = { 0 };
	unsigned n = 0;

	assert(limits->fields_max <= HTTP1_FIELDS_MAX);
	/* HTTP-version SP 3DIGIT SP [reason] (RFC 9112 section 4); the last space is often forgotten and tolerated */
	if (line.n < 12 || !str_starts(line, STR("HTTP/1.")) || (line.p[7] != '0' && line.p[7] != '1') ||
	    line.p[8] != ' ' || line.p[9] < '1' || line.p[9] > '5' || line.p[10] < '0' || line.p[10] > '9' ||
	    line.p[11] < '0' || line.p[11] > '9' || (line.n > 12 && line.p[12] != ' ') || !http_is_field_value(line))
		return refuse(e, 502, "the status line is malformed");
	h.http10 = line.p[7] == '0';
	h.status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + (line.p[11] - '0');
	if (!split_fields(head, line, limits, fields, &n, 502, e))
		return false;
	if (!read_fields(fields, n, &h, &count, e)) {
		e->status = 502;
		return false;
	}
	if (h.http10 && count.coding)
		return refuse(e, 502, "HTTP/1.0 has no transfer-encoding");
	*out = h;
	return true;
}

/* ---- both in one ---- */

enum http1_found http1_take_request(struct str bytes, uint32_t *scanned, const struct http1_limits *limits,
                                    struct http_field *fields, struct http_head *out, size_t *len, struct err *e)
{
	enum http1_found found;

	/* what comes in pieces is looked at only once it is whole */
	if (likely(*scanned == 0) && likely((*len = http1_ordinary_request(bytes, limits, fields, out)) > 0))
		return HTTP1_WHOLE;
	found = http1_find_head(bytes, scanned, limits, true, len, e);
	if (found != HTTP1_WHOLE)
		return found;
	*scanned = 0;
	return http1_ordinary_request(str_slice(bytes, 0, *len), limits, fields, out) == *len ||
	       http1_read_request(str_slice(bytes, 0, *len), limits, fields, out, e) ? HTTP1_WHOLE : HTTP1_BAD;
}

enum http1_found http1_take_answer(struct str bytes, uint32_t *scanned, const struct http1_limits *limits,
                                   struct http_field *fields, struct http_head *out, size_t *len, struct err *e)
{
	enum http1_found found;

	if (likely(*scanned == 0) && likely((*len = http1_ordinary_answer(bytes, limits, fields, out)) > 0))
		return HTTP1_WHOLE;
	found = http1_find_head(bytes, scanned, limits, false, len, e);
	if (found != HTTP1_WHOLE)
		return found;
	*scanned = 0;
	return http1_ordinary_answer(str_slice(bytes, 0, *len), limits, fields, out) == *len ||
	       http1_read_answer(str_slice(bytes, 0, *len), limits, fields, out, e) ? HTTP1_WHOLE : HTTP1_BAD;
}

/* ---- chunked ---- */

enum {
	CH_SIZE,
	CH_SIZE_BLANK,
	CH_EXT,
	CH_EXT_NAME,
	CH_EXT_NAMED,
	CH_EXT_EQUALS,
	CH_EXT_VALUE,
	CH_EXT_QUOTED,
	CH_EXT_ESCAPED,
	CH_EXT_DONE,
	CH_SIZE_LF,
	CH_DATA,
	CH_DATA_CR,
	CH_DATA_LF,
	CH_LINE,
	CH_NAME,
	CH_VALUE,
	CH_LINE_LF,
	CH_END_LF,
	CH_DONE,
};
#define CH_EXTRA_MAX 8192u

static const struct str refused_trailers[] = {
	STR_INIT("content-length"), STR_INIT("transfer-encoding"), STR_INIT("host"), STR_INIT("authorization"),
	STR_INIT("content-encoding"), STR_INIT("content-type"), STR_INIT("connection"), STR_INIT("trailer"),
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_text(char c)
{
	unsigned char u = (unsigned char)c;

	return (u >= 0x20 && u != 0x7f) || u == '\t';
}

static bool trailer_name(struct http1_chunks *ch, char c)
{
	char low = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;

	if (!http_is_token(str_of(&c, 1)))
		return false;
	for (unsigned i = 0; i < COUNT_OF(refused_trailers); i++)
		if (ch->name_at >= refused_trailers[i].n || refused_trailers[i].p[ch->name_at] != low)
			ch->candidates &= (uint8_t)~(1u << i);
	if (ch->name_at < 255)
		ch->name_at++;
	return true;
}

static bool trailer_refused(const struct http1_chunks *ch)
{
	for (unsigned i = 0; i < COUNT_OF(refused_trailers); i++)
		if ((ch->candidates >> i & 1) && ch->name_at == refused_trailers[i].n)
			return true;
	return false;
}

/* chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), behind the first ";". */
static bool extension_byte(struct http1_chunks *ch, char c)
{
	bool token = http_is_token(str_of(&c, 1)), blank = c == ' ' || c == '\t';

	switch (ch->state) {
	case CH_EXT:
		if (token)
			ch->state = CH_EXT_NAME;
		return token || blank;
	case CH_EXT_EQUALS:
		if (c == '"')
			ch->state = CH_EXT_QUOTED;
		else if (token)
			ch->state = CH_EXT_VALUE;
		return token || blank || c == '"';
	case CH_EXT_QUOTED:
		if (c == '"')
			ch->state = CH_EXT_DONE;
		else if (c == '\\')
			ch->state = CH_EXT_ESCAPED;
		return is_text(c);
	case CH_EXT_ESCAPED:
		ch->state = CH_EXT_QUOTED;
		return is_text(c);
	}
	/* behind a name or a value */
	if (c == ';')
		ch->state = CH_EXT;
	else if (c == '\r')
		ch->state = CH_SIZE_LF;
	else if (c == '=' && ch->state != CH_EXT_VALUE && ch->state != CH_EXT_DONE)
		ch->state = CH_EXT_EQUALS;
	else if (blank)
		ch->state = ch->state == CH_EXT_NAME || ch->state == CH_EXT_NAMED ? CH_EXT_NAMED : CH_EXT_DONE;
	else
		return token && (ch->state == CH_EXT_NAME || ch->state == CH_EXT_VALUE);
	return true;
}

/* One byte outside chunk data. */
static bool chunk_byte(struct http1_chunks *ch, char c)
{
	int digit;

	switch (ch->state) {
	case CH_SIZE:
		digit = hex_value(c);
		if (digit >= 0) {
			if (ch->digits == UINT8_MAX || ch->left > (uint64_t)INT64_MAX >> 4)
				return false;
			ch->digits++;
			ch->left = ch->left << 4 | (unsigned)digit;
			return true;
		}
		if (ch->digits == 0 || (c != ';' && c != '\r' && c != ' ' && c != '\t'))
			return false;
		ch->state = c == ';' ? CH_EXT : c == '\r' ? CH_SIZE_LF : CH_SIZE_BLANK;
		return true;
	case CH_SIZE_BLANK: /* only an extension may have it in front */
		if (c == ';')
			ch->state = CH_EXT;
		return ++ch->extra <= CH_EXTRA_MAX && (c == ';' || c == ' ' || c == '\t');
	case CH_EXT:
	case CH_EXT_NAME:
	case CH_EXT_NAMED:
	case CH_EXT_EQUALS:
	case CH_EXT_VALUE:
	case CH_EXT_QUOTED:
	case CH_EXT_ESCAPED:
	case CH_EXT_DONE:
		return ++ch->extra <= CH_EXTRA_MAX && extension_byte(ch, c);
	case CH_SIZE_LF:
		ch->state = ch->left ? CH_DATA : CH_LINE;
		return c == '\n';
	case CH_DATA_CR:
		ch->state = CH_DATA_LF;
		return c == '\r';
	case CH_DATA_LF:
		ch->state = CH_SIZE;
		ch->digits = 0;
		ch->left = 0;
		return c == '\n';
	case CH_LINE:
		ch->name_at = 0;
		ch->candidates = 0xff;
		ch->state = c == '\r' ? CH_END_LF : CH_NAME;
		return c == '\r' || (++ch->extra <= CH_EXTRA_MAX && trailer_name(ch, c));
	case CH_NAME:
		if (++ch->extra > CH_EXTRA_MAX)
			return false;
		if (c != ':')
			return trailer_name(ch, c);
		ch->state = CH_VALUE;
		return !trailer_refused(ch);
	case CH_VALUE:
		if (c == '\r')
			ch->state = CH_LINE_LF;
		return ++ch->extra <= CH_EXTRA_MAX && (c == '\r' || is_text(c));
	case CH_LINE_LF:
		ch->state = CH_LINE;
		return c == '\n';
	case CH_END_LF:
		ch->state = CH_DONE;
		return c == '\n';
	}
	return false;
}

/* What stands between the data of two chunks, nearly always: CR LF and a short size with CR LF, taken at once. */
static void between_chunks(struct http1_chunks *ch, struct str *in)
{
	const char *p = in->p, *end = in->p + in->n;
	uint64_t size = 0;

	if (ch->state == CH_DATA_CR && end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
		ch->state = CH_SIZE;
		ch->digits = 0;
		p += 2;
		*in = str_of(p, (size_t)(end - p));
	}
	if (ch->state != CH_SIZE || ch->digits || end - p < 10)
		return;
	for (int digit; p < in->p + 8 && (digit = hex_value(*p)) >= 0; p++)
		size = size << 4 | (unsigned)digit;
	if (size == 0 || p[0] != '\r' || p[1] != '\n')
		return; /* the end of the body, or byte by byte */
	ch->left = size;
	ch->state = CH_DATA;
	*in = str_of(p + 2, (size_t)(end - p - 2));
}

enum http1_body http1_chunks_read(struct http1_chunks *ch, struct str *in, struct str *data)
{
	_Static_assert(COUNT_OF(refused_trailers) <= 8, "one bit for each name");
	between_chunks(ch, in);
	while (in->n > 0) {
		if (ch->state == CH_DATA) {
			size_t n = in->n < ch->left ? in->n : (size_t)ch->left;

			*data = str_of(in->p, n);
			*in = str_of(in->p + n, in->n - n);
			ch->left -= n;
			if (ch->left == 0)
				ch->state = CH_DATA_CR;
			return HTTP1_BODY_DATA;
		}
		if (!chunk_byte(ch, *in->p))
			return HTTP1_BODY_BAD;
		*in = str_of(in->p + 1, in->n - 1);
		if (ch->state == CH_DONE)
			return HTTP1_BODY_END;
	}
	return HTTP1_BODY_MORE;
}
