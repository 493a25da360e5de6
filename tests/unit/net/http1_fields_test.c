/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http1_fields: what is ordinary, and that a head read without llhttp is read as llhttp reads it. */
#include "net/http1_fields.h"

#include <stdio.h>
#include <string.h>

#include "lib/check.h"
#include "net/http1.h"

#define END "\r\n"

static const struct {
	const char *name, *lines;
	int want; /* number of fields; -1: left for llhttp */
} cases[] = {
	{ "none", END, 0 },
	{ "one", "host: a\r\n" END, 1 },
	{ "no space before the value", "host:a\r\n" END, 1 },
	{ "empty value", "accept:\r\n" END, 1 },
	{ "only spaces", "accept:    \r\n" END, 1 },
	{ "long name", "a-name-longer-than-sixteen-bytes-0123456789: v\r\n" END, 1 },
	{ "long value", "a: 0123456789abcdef0123456789abcdef0123456789abcdef!\r\n" END, 1 },
	{ "several", "host: a\r\ncontent-length: 5\r\nx: y:z\r\n" END, 3 },
	{ "one too many", "a: 1\r\na: 2\r\na: 3\r\na: 4\r\na: 5\r\n" END, -1 },
	{ "no colon", "host\r\n" END, -1 },
	{ "no name", ": a\r\n" END, -1 },
	{ "space before the colon", "host : a\r\n" END, -1 },
	{ "folded", "host: a\r\n b\r\n" END, -1 },
	{ "name with an underscore", "a_b: c\r\n" END, -1 },
	{ "tab in the value", "a: b\tc\r\n" END, -1 },
	{ "tab before the value", "a:\tb\r\n" END, -1 },
	{ "DEL in the value", "a: b\177\r\n" END, -1 },
	{ "not ASCII in the value", "a: b\303\244\r\n" END, -1 },
	{ "bare CR in the value", "a: b\rc\r\n" END, -1 },
	{ "bare LF", "a: b\n" END, -1 },
	{ "control in a long value", "a: 0123456789abcdef0123456789\1bcdef\r\n" END, -1 },
	{ "no empty line", "a: b\r\n", -1 },
	{ "something behind the empty line", END "a", -1 },
	{ "nothing", "", -1 },
};

static void splits_what_is_ordinary(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_field fields[4];
		unsigned n = 99;
		bool got = http1_split_fields(str_from_z(cases[i].lines), fields, COUNT_OF(fields), &n);

		check(cases[i].name, got == (cases[i].want >= 0));
		check_u64(cases[i].name, n, got ? (unsigned)cases[i].want : 99);
	}
}

static void gives_names_and_values(void **state)
{
	struct http_field fields[4];
	unsigned n;

	assert_true(http1_split_fields(STR("Host:  a.example:1 \r\nx-9: \r\n\r\n"), fields, 4, &n));
	assert_int_equal(n, 2);
	check_str("name", fields[0].name, STR("Host"));
	check_str("value", fields[0].value, STR("a.example:1 "));
	check_str("name", fields[1].name, STR("x-9"));
	check_str("value", fields[1].value, STR(""));
}

/* A field with a tab in it sends a whole head through llhttp. */
static const char *const through_llhttp = "x-t: a\tb\r\n";

static bool read_head(char *out, const char *first, const char *lines, struct http_field *fields, struct http_head *h)
{
	static const struct http1_limits limits = { 8192, 1024, 16 };
	struct err e;
	int n = snprintf(out, 2048, "POST /v1/x HTTP/1.1\r\n%s%s\r\n", first, lines);

	return http1_read_request(str_of(out, (size_t)n), &limits, fields, h, &e);
}

static void compare(const char *lines)
{
	static char plain[2048], other[2048];
	struct http_field a[16], b[16];
	struct http_head h, g;
	bool got = read_head(plain, "", lines, a, &h), want = read_head(other, through_llhttp, lines, b, &g);

	check(lines, got == want);
	if (!got)
		return;
	check_u64(lines, h.n_fields, g.n_fields - 1);
	check(lines, h.content_length == g.content_length && h.chunked == g.chunked && h.keep_alive == g.keep_alive);
	for (unsigned i = 0; i < h.n_fields; i++) {
		check(lines, h.fields[i].id == g.fields[i + 1].id);
		check_str(lines, h.fields[i].name, g.fields[i + 1].name);
		check_str(lines, h.fields[i].value, g.fields[i + 1].value);
	}
}

/* Heads with a few bytes changed, most of them for such as mean something. */
static void reads_as_llhttp_reads(void **state)
{
	static const char *const heads[] = {
		"host: a.example\r\ncontent-type: application/json\r\nauthorization: Bearer sk-0123456789\r\n"
		"content-length: 27\r\nuser-agent: curl/8.1 (x; y)\r\n",
		"Host: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, close\r\n",
		"host: a\r\ncontent-length: 1\r\ncontent-length: 1\r\nexpect: 100-continue\r\n",
		"host: a\r\ntransfer-encoding: gzip, chunked\r\nupgrade: h2c\r\nconnection: upgrade\r\n",
		"host: a\r\nproxy-connection: keep-alive\r\nconnection: close\r\nx_y: 1\r\n",
	};
	static const char bytes[] = "\r\n\t :,;-_0129azAZ\"\\\001\037\177\200\377@[]{}";
	uint64_t seed = 1;

	for (unsigned round = 0; round < 60000; round++) {
		char lines[512];
		size_t n = (size_t)snprintf(lines, sizeof lines, "%s", heads[round % COUNT_OF(heads)]);
		unsigned changes = round / 7 % 4;

		for (unsigned i = 0; i < changes; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			lines[(seed >> 33) % n] = bytes[(seed >> 17) % (sizeof(bytes) - 1)];
		}
		if (!strstr(lines, "\r\n\r\n")) /* else the head would end there */
			compare(lines);
	}
}

/* Where a head ends does not depend on how its bytes were cut. */
static void finds_the_same_end_in_pieces(void **state)
{
	static const struct http1_limits limits = { 200, 100, 16 };
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
		whole = http1_find_head(str_of(at, n), &scanned, &limits, true, &whole_len, &e);
		scanned = 0;
		for (size_t i = 1; i <= n && got == HTTP1_MORE; i += 1 + round % 23)
			got = http1_find_head(str_of(at, i), &scanned, &limits, true, &len, &e);
		if (got == HTTP1_MORE)
			got = http1_find_head(str_of(at, n), &scanned, &limits, true, &len, &e);
		check_u64(text, got, whole);
		check_u64(text, len, whole_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_what_is_ordinary),
		cmocka_unit_test(gives_names_and_values),
		cmocka_unit_test(reads_as_llhttp_reads),
		cmocka_unit_test(finds_the_same_end_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
