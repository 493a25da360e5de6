/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http1_ordinary: what is ordinary; a head read in one pass is read as llhttp and the rules read it. */
#include "net/http1_ordinary.h"

#include <stdio.h>
#include <string.h>

#include "lib/check.h"
#include "lib/head.h"

#define END      "\r\n"
#define FIELDS   8
#define TEN      "0123456789"
#define LINE_100 "a: " TEN TEN TEN TEN TEN TEN TEN TEN TEN "01234\r\n"

static const struct http1_limits limits = { 600, 64, FIELDS };

static const struct {
	const char *name, *lines;
	int want; /* number of fields besides host; -1: left for llhttp */
} cases[] = {
	{ "none", END, 0 },
	{ "one", "date: a\r\n" END, 1 },
	{ "no space before the value", "date:a\r\n" END, 1 },
	{ "empty value", "accept:\r\n" END, 1 },
	{ "only spaces", "accept:    \r\n" END, 1 },
	{ "long name", "a-name-longer-than-sixteen-bytes-0123456789: v\r\n" END, 1 },
	{ "very long name", TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN ": v\r\n" END, -1 },
	{ "long value", "a: 0123456789abcdef0123456789abcdef0123456789abcdef!\r\n" END, 1 },
	{ "several", "date: a\r\ncontent-length: 5\r\nx: y:z\r\n" END, 3 },
	{ "as many as may be", "a: 1\r\na: 2\r\na: 3\r\na: 4\r\na: 5\r\na: 6\r\na: 7\r\n" END, 7 },
	{ "one too many", "a: 1\r\na: 2\r\na: 3\r\na: 4\r\na: 5\r\na: 6\r\na: 7\r\na: 8\r\n" END, -1 },
	{ "no colon", "date\r\n" END, -1 },
	{ "no colon but in the next line", "date\r\na: b\r\n" END, -1 },
	{ "no name", ": a\r\n" END, -1 },
	{ "space before the colon", "date : a\r\n" END, -1 },
	{ "folded", "date: a\r\n b\r\n" END, -1 },
	{ "name with an underscore", "a_b: c\r\n" END, -1 },
	{ "a known name but for one bit", "content\rlength: 1\r\n" END, -1 },
	{ "a long known name but for one bit", "transfer-encodin\007: 1\r\n" END, -1 },
	{ "tab in the value", "a: b\tc\r\n" END, -1 },
	{ "tab before the value", "a:\tb\r\n" END, -1 },
	{ "DEL in the value", "a: b\177\r\n" END, -1 },
	{ "not ASCII in the value", "a: b\303\244\r\n" END, -1 },
	{ "bare CR in the value", "a: b\rc\r\n" END, -1 },
	{ "bare LF", "a: b\n" END, -1 },
	{ "control in a long value", "a: 0123456789abcdef0123456789\1bcdef\r\n" END, -1 },
	{ "no empty line", "a: b\r\n", -1 },
	{ "a cut value", "a: b", -1 },
	{ "a cut empty line", "a: b\r\n\r", -1 },
	{ "nothing", "", -1 },
	{ "longer than may be", LINE_100 LINE_100 LINE_100 LINE_100 LINE_100 LINE_100 END, -1 },
	/* what matters is left to the rules unless it is plain */
	{ "two hosts", "host: a\r\n" END, -1 },
	{ "two lengths", "content-length: 1\r\ncontent-length: 1\r\n" END, -1 },
	{ "length and coding", "content-length: 1\r\ntransfer-encoding: chunked\r\n" END, -1 },
	{ "a coding that is not chunked", "transfer-encoding: gzip, chunked\r\n" END, -1 },
	{ "chunked", "Transfer-Encoding: Chunked\r\n" END, 1 },
	{ "a length with a sign", "content-length: +1\r\n" END, -1 },
	{ "a length that is too long", "content-length: 1234567890123456789\r\n" END, -1 },
	{ "no length", "content-length:\r\n" END, -1 },
	{ "two connection fields", "connection: a\r\nconnection: close, b\r\n" END, 2 },
	{ "another expectation", "expect: 200-ok\r\n" END, -1 },
};

static void reads_what_is_ordinary(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_field fields[FIELDS];
		struct http_head h;
		char text[1024];
		size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nhost: a\r\n%s", cases[i].lines);
		size_t got = http1_ordinary_request(str_of(text, n), &limits, fields, &h);

		check_u64(cases[i].name, got, cases[i].want >= 0 ? n : 0);
		if (got)
			check_u64(cases[i].name, h.n_fields, (unsigned)cases[i].want + 1);
	}
}

static const struct {
	const char *name, *line;
	enum http_method method; /* METHOD_UNKNOWN: not ordinary */
	const char *path, *query;
} targets[] = {
	{ "post", "POST /v1/chat/completions HTTP/1.1\r\n", METHOD_POST, "/v1/chat/completions", "" },
	{ "shortest", "GET / HTTP/1.1\r\n", METHOD_GET, "/", "" },
	{ "delete", "DELETE /a HTTP/1.1\r\n", METHOD_DELETE, "/a", "" },
	{ "query", "GET /a?b=c HTTP/1.1\r\n", METHOD_GET, "/a", "b=c" },
	{ "empty query", "GET /a? HTTP/1.1\r\n", METHOD_GET, "/a", "" },
	{ "two marks", "GET /a_b?c?d HTTP/1.1\r\n", METHOD_GET, "/a_b", "c?d" },
	{ "a mark behind others", "POST /m%20o/x:generate?alt=sse HTTP/1.1\r\n", METHOD_POST, "/m%20o/x:generate",
	  "alt=sse" },
	{ "bad escape", "GET /%2 HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "not ASCII", "GET /\303\244 HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "unknown method", "FOO / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "a method's beginning", "POS / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "more than a method", "POSTS / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "small method", "get / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "two spaces", "GET  / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "two spaces behind", "GET /  HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "no target", "GET  HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "star", "OPTIONS * HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "absolute", "GET http://a/ HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "1.0", "GET / HTTP/1.0\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "no version", "GET /\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "an empty line first", "\r\nGET / HTTP/1.1\r\n", METHOD_UNKNOWN, NULL, NULL },
	{ "longest line", "GET /567890123456789012345678901234567890123456789012 HTTP/1.1\r\n", METHOD_GET,
	  "/567890123456789012345678901234567890123456789012", "" },
	{ "line too long", "GET /5678901234567890123456789012345678901234567890123 HTTP/1.1\r\n", METHOD_UNKNOWN, NULL,
	  NULL },
};

static void reads_request_lines(void **state)
{
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		struct http_field fields[FIELDS];
		struct http_head h;
		char text[256];
		size_t n = (size_t)snprintf(text, sizeof text, "%shost: a\r\n\r\n", targets[i].line);
		size_t got = http1_ordinary_request(str_of(text, n), &limits, fields, &h);

		check_u64(targets[i].name, got, targets[i].method != METHOD_UNKNOWN ? n : 0);
		if (!got)
			continue;
		check(targets[i].name, h.method == targets[i].method);
		check_str(targets[i].name, h.path, str_from_z(targets[i].path));
		check_str(targets[i].name, h.query, str_from_z(targets[i].query));
	}
}

static void gives_names_and_values(void **state)
{
	struct http_field fields[FIELDS];
	struct http_head h;

	assert_true(http1_ordinary_request(
		STR("PUT / HTTP/1.1\r\nHost:  a.example:1 \r\nx-9: \r\nX-Sluice-Tag:t\r\n\r\n"), &limits, fields, &h));
	assert_int_equal(h.n_fields, 3);
	check_str("name", fields[0].name, STR("Host"));
	check_str("value", fields[0].value, STR("a.example:1"));
	check_str("name", fields[1].name, STR("x-9"));
	check_str("value", fields[1].value, STR(""));
	assert_true(fields[0].id == HTTP_F_HOST && fields[1].id == HTTP_F_OTHER && fields[2].id == HTTP_F_X_SLUICE);
	assert_true(http_find(&h, HTTP_F_HOST) == &fields[0] && http_find(&h, HTTP_F_X_SLUICE) == &fields[2]);
	assert_null(http_find(&h, HTTP_F_DATE));
}

static void knows_names_in_any_case(void **state)
{
	static const struct {
		const char *name;
		enum http_name id;
	} names[] = {
		{ "te", HTTP_F_TE },
		{ "VIA", HTTP_F_VIA },
		{ "hOsT", HTTP_F_HOST },
		{ "Accept", HTTP_F_ACCEPT },
		{ "API-Key", HTTP_F_API_KEY },
		{ "x-api-key", HTTP_F_X_API_KEY },
		{ "Content-Type", HTTP_F_CONTENT_TYPE },
		{ "Anthropic-Version", HTTP_F_ANTHROPIC_VERSION },
		{ "proxy-authorizatioN", HTTP_F_PROXY_AUTHORIZATION },
		{ "x-forwarded-for", HTTP_F_X_FORWARDED },
		{ "X-Sluice-", HTTP_F_X_SLUICE },
		{ "X-Portkey-Config", HTTP_F_X_PORTKEY },
		{ "CF-AIG-Backoff", HTTP_F_CF_AIG },
		{ "cf-aig-", HTTP_F_CF_AIG },
		{ "cf-ray-id", HTTP_F_OTHER },
		{ "x-portke", HTTP_F_OTHER },
		{ "x-stainless-lang", HTTP_F_OTHER },
		{ "x-sluice", HTTP_F_OTHER },
		{ "x-forwarded", HTTP_F_OTHER },
		{ "x", HTTP_F_OTHER },
		{ "tea", HTTP_F_OTHER },
		{ "hosts", HTTP_F_OTHER },
		{ "dat", HTTP_F_OTHER },
		{ "aceept", HTTP_F_OTHER },
		{ "accept-encodinh", HTTP_F_OTHER },
		{ "a", HTTP_F_OTHER },
		{ "anthropic-beta", HTTP_F_OTHER },
	};
	static const char *const behind[] = { ": v\r\n\r\n", ":v\r\n\r\n                      " };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		check(names[i].name, http_name_of(str_from_z(names[i].name)) == names[i].id);
		for (size_t k = 0; k < COUNT_OF(behind); k++) {
			struct http_field fields[FIELDS];
			struct http_head h;
			char text[256];
			int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s%s", names[i].name, behind[k]);

			check(names[i].name, http1_ordinary_answer(str_of(text, (size_t)n), &limits, fields, &h));
			check(names[i].name, fields[0].id == names[i].id);
		}
	}
}

/* ---- the same as llhttp and the rules ---- */

/* Whether it was ordinary. */
static bool compare(const char *text, size_t n, bool request)
{
	struct http_field fields[FIELDS];
	struct http_head h;
	struct head_read *careful;
	char *copy = mem_dup(text, n);
	struct str in = str_of(mem_realloc(copy, n), n); /* a sanitizer sees what is read behind */
	size_t got;

	got = request ? http1_ordinary_request(in, &limits, fields, &h)
	              : http1_ordinary_answer(in, &limits, fields, &h);
	if (got) {
		careful = head_read_carefully(in, &limits, request);
		check(text, careful->found == HTTP1_WHOLE);
		check_u64(text, got, careful->len);
		check_str(text, str_from_z(head_difference(&h, &careful->head)), STR(""));
		head_read_free(careful);
	}
	free((void *)(uintptr_t)in.p);
	return got > 0;
}

/* Heads with a few bytes changed, most of them for such as mean something. */
static void reads_as_llhttp_reads(void **state)
{
	static const char *const heads[] = {
		"POST /v1/chat/completions HTTP/1.1\r\nhost: a.example\r\ncontent-type: application/json\r\n"
		"authorization: Bearer sk-0123456789\r\ncontent-length: 27\r\nuser-agent: curl/8.1 (x; y)\r\n\r\n"
		"{\"a\": 1}",
		"GET /v1/models?a=%20 HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n"
		"Connection: keep-alive, close\r\n\r\n",
		"PUT / HTTP/1.1\r\nhost: a:80\r\ncontent-length: 1\r\ncontent-length: 1\r\nexpect: 100-continue\r\n"
		"\r\n0",
		"HEAD / HTTP/1.1\r\nhost: a_b\r\ntransfer-encoding: gzip, chunked\r\nupgrade: h2c\r\n"
		"connection: upgrade\r\n\r\n",
		"DELETE /x HTTP/1.1\r\nhost: a\r\nproxy-connection: keep-alive\r\nconnection: close\r\nx_y: 1\r\n\r\n",
		"PATCH /x HTTP/1.1\r\nx-request-id: 1 2  3  \r\nx-forwarded-for: 1\r\nhost:\r\n\r\n",
		"HTTP/1.1 200 OK\r\ndate: Mon, 10 Mar 2025 01:25:52 GMT\r\ncontent-type: application/json\r\n"
		"content-length: 740\r\nx-request-id: req\r\nopenai-processing-ms: 12\r\n\r\n{\"a\": 1}",
		"HTTP/1.1 204\r\nconnection: close\r\nx-ratelimit-remaining-requests: 5\r\n\r\nHTTP/1.1",
		"HTTP/1.1 503 Not now\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\nx:  \r\n\r\n",
	};
	static const char bytes[] = "\r\n\t :,;-_0129azAZ\"\\/?%*.\001\037\177\200\377@[]{}";
	unsigned ordinary = 0;
	uint64_t seed = 1;

	for (unsigned round = 0; round < 100000; round++) {
		const char *head = heads[round % COUNT_OF(heads)];
		char text[512];
		size_t n = (size_t)snprintf(text, sizeof text, "%s", head);
		unsigned changes = round / 7 % 4;

		for (unsigned i = 0; i < changes; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[(seed >> 33) % n] = bytes[(seed >> 17) % (sizeof(bytes) - 1)];
		}
		if (round % 11 == 0)
			n = 1 + (seed >> 20) % n;
		ordinary += compare(text, n, memcmp(head, "HTTP", 4) != 0);
	}
	assert_in_range(ordinary, 10000, 50000);
}

/* Where a head ends does not depend on how its bytes were cut. */
static void finds_the_same_end_in_pieces(void **state)
{
	static const struct http1_limits small = { 200, 100, 16 };
	static const char bytes[] = "ab:\r\n\r\n\r\n";
	uint64_t seed = 7;

	for (unsigned round = 0; round < 100000; round++) {
		char text[256] = "\r\nGET / HTTP/1.1\r\nhost: a\r\n";
		const char *at = text + (round & 1 ? 0 : 2);
		size_t n = strlen(text), whole_len = 0, len = 0;
		uint32_t scanned = 0;
		enum http1_found whole, got = HTTP1_MORE;
		struct err e;

		while (n < 60 + round % 190) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[n] = seed >> 60 < 14 ? 'x' : bytes[(seed >> 40) % (sizeof(bytes) - 1)];
			if (seed >> 60 == 15 && n < 240) {
				memcpy(text + n, "\r\n\r", 3);
				n += seed >> 35 & 2;
			}
			n++;
		}
		n -= (size_t)(at - text);
		whole = http1_find_head(str_of(at, n), &scanned, &small, true, &whole_len, &e);
		scanned = 0;
		for (size_t i = 1; i <= n && got == HTTP1_MORE; i += 1 + round % 23)
			got = http1_find_head(str_of(at, i), &scanned, &small, true, &len, &e);
		if (got == HTTP1_MORE)
			got = http1_find_head(str_of(at, n), &scanned, &small, true, &len, &e);
		check_u64(text, got, whole);
		check_u64(text, len, whole_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_ordinary), cmocka_unit_test(reads_request_lines),
		cmocka_unit_test(gives_names_and_values), cmocka_unit_test(knows_names_in_any_case),
		cmocka_unit_test(reads_as_llhttp_reads),  cmocka_unit_test(finds_the_same_end_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
