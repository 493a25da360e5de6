/* SPDX-License-Identifier: Apache-2.0 */
/* http: names, methods, reasons and character classes. */
#include "net/http.h"

#include <string.h>

/* Sorted by length, so that a name is compared with the few of its own length only. */
static const struct known { struct str name; enum http_name id; } known[] = {
	{ STR_INIT("te"), HTTP_F_TE },
	{ STR_INIT("via"), HTTP_F_VIA },
	{ STR_INIT("host"), HTTP_F_HOST },
	{ STR_INIT("date"), HTTP_F_DATE },
	{ STR_INIT("accept"), HTTP_F_ACCEPT },
	{ STR_INIT("cookie"), HTTP_F_COOKIE },
	{ STR_INIT("expect"), HTTP_F_EXPECT },
	{ STR_INIT("server"), HTTP_F_SERVER },
	{ STR_INIT("api-key"), HTTP_F_API_KEY },
	{ STR_INIT("trailer"), HTTP_F_TRAILER },
	{ STR_INIT("upgrade"), HTTP_F_UPGRADE },
	{ STR_INIT("location"), HTTP_F_LOCATION },
	{ STR_INIT("forwarded"), HTTP_F_FORWARDED },
	{ STR_INIT("x-api-key"), HTTP_F_X_API_KEY },
	{ STR_INIT("connection"), HTTP_F_CONNECTION },
	{ STR_INIT("keep-alive"), HTTP_F_KEEP_ALIVE },
	{ STR_INIT("set-cookie"), HTTP_F_SET_COOKIE },
	{ STR_INIT("user-agent"), HTTP_F_USER_AGENT },
	{ STR_INIT("retry-after"), HTTP_F_RETRY_AFTER },
	{ STR_INIT("content-type"), HTTP_F_CONTENT_TYPE },
	{ STR_INIT("x-request-id"), HTTP_F_X_REQUEST_ID },
	{ STR_INIT("authorization"), HTTP_F_AUTHORIZATION },
	{ STR_INIT("content-length"), HTTP_F_CONTENT_LENGTH },
	{ STR_INIT("http2-settings"), HTTP_F_HTTP2_SETTINGS },
	{ STR_INIT("retry-after-ms"), HTTP_F_RETRY_AFTER_MS },
	{ STR_INIT("x-goog-api-key"), HTTP_F_X_GOOG_API_KEY },
	{ STR_INIT("accept-encoding"), HTTP_F_ACCEPT_ENCODING },
	{ STR_INIT("idempotency-key"), HTTP_F_IDEMPOTENCY_KEY },
	{ STR_INIT("content-encoding"), HTTP_F_CONTENT_ENCODING },
	{ STR_INIT("proxy-connection"), HTTP_F_PROXY_CONNECTION },
	{ STR_INIT("anthropic-version"), HTTP_F_ANTHROPIC_VERSION },
	{ STR_INIT("transfer-encoding"), HTTP_F_TRANSFER_ENCODING },
	{ STR_INIT("proxy-authenticate"), HTTP_F_PROXY_AUTHENTICATE },
	{ STR_INIT("proxy-authorization"), HTTP_F_PROXY_AUTHORIZATION },
};

#define KNOWN_MAX 19
/* First row of each length; [n] to [n + 1] is the range of length n. */
static const uint8_t first_of_length[KNOWN_MAX + 2] = {
	[0] = 0, [1] = 0, [2] = 0, [3] = 1, [4] = 2, [5] = 4, [6] = 4, [7] = 8, [8] = 11, [9] = 12, [10] = 14, [11] = 18,
	[12] = 19, [13] = 21, [14] = 22, [15] = 26, [16] = 28, [17] = 30, [18] = 32, [19] = 33, [20] = 34,
};
_Static_assert(COUNT_OF(known) == 34, "first_of_length follows the table");

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

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static uint64_t eight(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* For tokens only: there, of all bytes, setting bit 5 turns only capitals into small letters, and nothing else into a
 * letter, a digit or '-'. */
static bool same_name(struct str name, struct str lower_name)
{
	const uint64_t small = 0x2020202020202020;
	size_t at = 0;

	for (; name.n - at > 8; at += 8)
		if ((eight(name.p + at) | small) != eight(lower_name.p + at))
			return false;
	if (name.n >= 8)
		return (eight(name.p + name.n - 8) | small) == eight(lower_name.p + name.n - 8);
	for (; at < name.n; at++)
		if (lower(name.p[at]) != lower_name.p[at])
			return false;
	return true;
}

enum http_name http_name_of(struct str name)
{
	if (name.n <= KNOWN_MAX)
		for (unsigned i = first_of_length[name.n]; i < first_of_length[name.n + 1]; i++)
			if (lower(name.p[0]) == known[i].name.p[0] && same_name(name, known[i].name))
				return known[i].id;
	if (name.n > 2 && name.p[1] == '-' && lower(name.p[0]) == 'x') {
		if (str_istarts(name, STR("x-sluice-")))
			return HTTP_F_X_SLUICE;
		if (str_istarts(name, STR("x-forwarded-")))
			return HTTP_F_X_FORWARDED;
	}
	return HTTP_F_OTHER;
}

enum http_method http_method_of(struct str name)
{
	static const struct { struct str name; enum http_method method; } methods[] = {
		{ STR_INIT("POST"), METHOD_POST }, { STR_INIT("GET"), METHOD_GET }, { STR_INIT("HEAD"), METHOD_HEAD },
		{ STR_INIT("DELETE"), METHOD_DELETE }, { STR_INIT("PUT"), METHOD_PUT }, { STR_INIT("PATCH"), METHOD_PATCH },
		{ STR_INIT("OPTIONS"), METHOD_OPTIONS },
	};

	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (str_eq(name, methods[i].name))
			return methods[i].method;
	return METHOD_UNKNOWN;
}

const struct http_field *http_find(const struct http_head *h, enum http_name id)
{
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
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" }, { 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
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

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			      c == '_'))
				return false;
		}
	}
	for (size_t i = 0; i < port.n; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
	return host.n > 0 && host.n <= 255 && port.n <= 5;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool http_is_path(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '/' || (tchar[c] >= 'a' && c != '|')) /* most bytes of a path */
			continue;
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '#' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' ||
		    c == '{' || c == '|' || c == '}')
			return false;
		if (c == '%' && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]) ||
		                 (s.p[i + 1] == '0' && s.p[i + 2] == '0')))
			return false;
	}
	return true;
}
