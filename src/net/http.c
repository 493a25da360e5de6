/* SPDX-License-Identifier: Apache-2.0 */
/* http: names, methods, reasons and character classes. */
#include "net/http.h"

#include <string.h>

#include "net/http_names.h"

/* A row's place follows from its name; the compiler refuses two in one place. */
#define KNOWN(text, first, id) [HTTP_KNOWN_SLOT(first, sizeof(text) - 1)] = { text, sizeof(text) - 1, id }

const struct http_known http_known[HTTP_KNOWN_ROWS] = {
	KNOWN("te", 't', HTTP_F_TE),
	KNOWN("via", 'v', HTTP_F_VIA),
	KNOWN("host", 'h', HTTP_F_HOST),
	KNOWN("date", 'd', HTTP_F_DATE),
	KNOWN("accept", 'a', HTTP_F_ACCEPT),
	KNOWN("cookie", 'c', HTTP_F_COOKIE),
	KNOWN("expect", 'e', HTTP_F_EXPECT),
	KNOWN("server", 's', HTTP_F_SERVER),
	KNOWN("api-key", 'a', HTTP_F_API_KEY),
	KNOWN("trailer", 't', HTTP_F_TRAILER),
	KNOWN("upgrade", 'u', HTTP_F_UPGRADE),
	KNOWN("location", 'l', HTTP_F_LOCATION),
	KNOWN("forwarded", 'f', HTTP_F_FORWARDED),
	KNOWN("x-api-key", 'x', HTTP_F_X_API_KEY),
	KNOWN("connection", 'c', HTTP_F_CONNECTION),
	KNOWN("keep-alive", 'k', HTTP_F_KEEP_ALIVE),
	KNOWN("set-cookie", 's', HTTP_F_SET_COOKIE),
	KNOWN("user-agent", 'u', HTTP_F_USER_AGENT),
	KNOWN("retry-after", 'r', HTTP_F_RETRY_AFTER),
	KNOWN("content-type", 'c', HTTP_F_CONTENT_TYPE),
	KNOWN("x-request-id", 'x', HTTP_F_X_REQUEST_ID),
	KNOWN("authorization", 'a', HTTP_F_AUTHORIZATION),
	KNOWN("content-length", 'c', HTTP_F_CONTENT_LENGTH),
	KNOWN("http2-settings", 'h', HTTP_F_HTTP2_SETTINGS),
	KNOWN("retry-after-ms", 'r', HTTP_F_RETRY_AFTER_MS),
	KNOWN("x-goog-api-key", 'x', HTTP_F_X_GOOG_API_KEY),
	KNOWN("accept-encoding", 'a', HTTP_F_ACCEPT_ENCODING),
	KNOWN("idempotency-key", 'i', HTTP_F_IDEMPOTENCY_KEY),
	KNOWN("content-encoding", 'c', HTTP_F_CONTENT_ENCODING),
	KNOWN("proxy-connection", 'p', HTTP_F_PROXY_CONNECTION),
	KNOWN("anthropic-version", 'a', HTTP_F_ANTHROPIC_VERSION),
	KNOWN("transfer-encoding", 't', HTTP_F_TRANSFER_ENCODING),
	KNOWN("proxy-authenticate", 'p', HTTP_F_PROXY_AUTHENTICATE),
	KNOWN("proxy-authorization", 'p', HTTP_F_PROXY_AUTHORIZATION),
};

/* RFC 9110 section 5.6.2; the value is the lower-case form, 0 for what is no tchar. */
static const char tchar[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
	['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|', ['~'] = '~',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
	['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
	['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
	['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
	['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
	['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
	['Y'] = 'y', ['Z'] = 'z',
};

static uint64_t eight(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint32_t four(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

#define SMALL 0x2020202020202020u

/* For tokens only: there, of all bytes, setting bit 5 turns only capitals into small letters, and nothing else into a
 * letter, a digit or '-'. */
static bool same_name(const char *name, const char *small, size_t n)
{
	size_t at = 0;

	if (n < 4) {
		while (at < n && (name[at] | 0x20) == small[at])
			at++;
		return at == n;
	}
	if (n < 8)
		return (four(name) | (uint32_t)SMALL) == four(small) &&
		       (four(name + n - 4) | (uint32_t)SMALL) == four(small + n - 4);
	for (; n - at > 8; at += 8)
		if ((eight(name + at) | SMALL) != eight(small + at))
			return false;
	return (eight(name + n - 8) | SMALL) == eight(small + n - 8);
}

static bool starts_with(struct str name, const char *small, size_t n)
{
	return name.n >= n && same_name(name.p, small, n);
}

enum http_name http_name_of(struct str name)
{
	const struct http_known *k;

	if (name.n == 0)
		return HTTP_F_OTHER;
	k = http_known_like(name.p, name.n);
	if (k->n == name.n && same_name(name.p, k->text, name.n))
		return k->id;
	/* names that begin otherwise are compared with none */
	if (name.n < 7 || name.p[name.p[1] == '-' ? 1 : 2] != '-')
		return HTTP_F_OTHER;
	switch (name.p[2] | 0x20) {
	case 's': return starts_with(name, "x-sluice-", 9) ? HTTP_F_X_SLUICE : HTTP_F_OTHER;
	case 'f': return starts_with(name, "x-forwarded-", 12) ? HTTP_F_X_FORWARDED : HTTP_F_OTHER;
	case 'p': return starts_with(name, "x-portkey-", 10) ? HTTP_F_X_PORTKEY : HTTP_F_OTHER;
	case '-': return starts_with(name, "cf-aig-", 7) ? HTTP_F_CF_AIG : HTTP_F_OTHER;
	}
	return HTTP_F_OTHER;
}

enum http_method http_method_of(struct str name)
{
	static const struct { struct str name; enum http_method method; } methods[] = {
		{ STR_INIT("POST"), METHOD_POST }, { STR_INIT("GET"), METHOD_GET }, { STR_INIT("HEAD"), METHOD_HEAD },
		{ STR_INIT("DELETE"), METHOD_DELETE }, { STR_INIT("PUT"), METHOD_PUT },
		{ STR_INIT("PATCH"), METHOD_PATCH }, { STR_INIT("OPTIONS"), METHOD_OPTIONS },
	};

	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (str_eq(name, methods[i].name))
			return methods[i].method;
	return METHOD_UNKNOWN;
}

const struct http_field *http_find(const struct http_head *h, enum http_name id)
{
	if (!(h->names >> id & 1))
		return NULL;
	for (unsigned i = 0; i < h->n_fields; i++)
		if (h->fields[i].id == id)
			return &h->fields[i];
	return NULL;
}

bool http_is_hop_by_hop(enum http_name id)
{
	static const uint64_t hop = 1ull << HTTP_F_CONNECTION | 1ull << HTTP_F_KEEP_ALIVE | 1ull << HTTP_F_TE |
		1ull << HTTP_F_TRAILER | 1ull << HTTP_F_TRANSFER_ENCODING | 1ull << HTTP_F_UPGRADE |
		1ull << HTTP_F_CONTENT_LENGTH | 1ull << HTTP_F_PROXY_CONNECTION | 1ull << HTTP_F_PROXY_AUTHENTICATE |
		1ull << HTTP_F_PROXY_AUTHORIZATION | 1ull << HTTP_F_HTTP2_SETTINGS | 1ull << HTTP_F_EXPECT;

	_Static_assert(HTTP_NAMES <= 64, "one bit for each name");
	return hop >> id & 1;
}

bool http_list_has(struct str list, struct str name)
{
	while (list.p)
		if (str_ieq(str_trim(str_cut(&list, ',')), name))
			return true;
	return false;
}

bool http_is_named_by_connection(const struct http_head *h, struct str name)
{
	if (likely(!(h->names >> HTTP_F_CONNECTION & 1)))
		return false;
	for (unsigned i = 0; i < h->n_fields; i++)
		if (unlikely(h->fields[i].id == HTTP_F_CONNECTION) && http_list_has(h->fields[i].value, name))
			return true;
	return false;
}

const char *http_reason(int status)
{
	static const struct { int status; const char *reason; } reasons[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" },
		{ 411, "Length Required" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" }, { 417, "Expectation Failed" }, { 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

bool http_is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!tchar[(unsigned char)s.p[i]])
			return false;
	return s.n > 0;
}

bool http_is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool http_is_authority(struct str s)
{
	size_t colon;
	unsigned number = 0;
	struct str host = s, port = { 0 };

	if (s.n > 0 && s.p[0] == '[') {
		size_t end = str_find_chr(s, ']');

		if (end == STR_NPOS || end < 3)
			return false;
		for (size_t i = 1; i < end; i++)
			if (!memchr("0123456789abcdefABCDEF:.", s.p[i], 24))
				return false;
		host = str_slice(s, 0, end + 1);
		port = str_slice(s, end + 1, s.n);
		if (port.n == 0)
			return true;
		if (port.p[0] != ':')
			return false;
		port = str_slice(port, 1, port.n);
	} else {
		colon = str_find_chr(s, ':');
		if (colon != STR_NPOS) {
			host = str_slice(s, 0, colon);
			port = str_slice(s, colon + 1, s.n);
		}
		for (size_t i = 0; i < host.n; i++) {
			unsigned char c = (unsigned char)host.p[i];

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			      c == '.' || c == '_'))
				return false;
		}
	}
	for (size_t i = 0; i < port.n; i++) {
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
		number = number * 10 + (unsigned)(port.p[i] - '0');
		if (number > UINT16_MAX)
			return false;
	}
	return host.n > 0 && host.n <= 255 && port.n <= 5;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The two digits behind a '%' of a path: a control character hidden so is only there to be decoded by the next one. */
static bool is_control(const char *hex)
{
	return hex[0] == '0' || hex[0] == '1' || (hex[0] == '7' && (hex[1] | 0x20) == 'f');
}

bool http_is_path(struct str s)
{
	bool query = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '/' || (tchar[c] >= 'a' && c != '|')) /* most bytes of a path */
			continue;
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '#' || c == '<' || c == '>' || c == '\\' || c == '^' ||
		    c == '`' || c == '{' || c == '|' || c == '}')
			return false;
		query |= c == '?';
		if (c == '%' && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]) ||
		                 (s.p[i + 1] == '0' && s.p[i + 2] == '0') || (!query && is_control(s.p + i + 1))))
			return false;
	}
	return true;
}
