/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol's header: good ones, cut ones at every byte, and what must be refused at once. */
#include "net/proxyproto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IP6A "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IP6B "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define TEXT(s) s, sizeof s - 1
#define F8 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static void reads_good_headers(void **state)
{
	static const struct { const char *name, *bytes; size_t n; const char *source, *dest;
	} cases[] = {
		{ "v1 tcp4", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"), "192.0.2.1:1234", "192.0.2.2:443" },
		{ "v1 tcp6", TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"), "[2001:db8::1]:0",
		  "[2001:db8::2]:65535" },
		{ "v1 longest tcp6", TEXT("PROXY TCP6 " F8 " " F8 " 65535 65535\r\n"), "[" F8 "]:65535",
		  "[" F8 "]:65535" },
		{ "v1 unknown", TEXT("PROXY UNKNOWN\r\n"), NULL, NULL },
		{ "v1 longest", TEXT("PROXY UNKNOWN " F8 " " F8 " 65535 65535\r\n"), NULL, NULL },
		{ "v2 tcp4", TEXT(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb"), "192.0.2.1:1234",
		  "192.0.2.2:443" },
		{ "v2 tcp4 with TLV", TEXT(SIG "\x21\x11\0\x10\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb\x04\0\x01x"),
		  "192.0.2.1:1234", "192.0.2.2:443" },
		{ "v2 tcp6", TEXT(SIG "\x21\x21\0\x24" IP6A IP6B "\x04\xd2\x01\xbb"), "[2001:db8::1]:1234",
		  "[2001:db8::2]:443" },
		{ "v2 local", TEXT(SIG "\x20\x00\0\x00"), NULL, NULL },
		{ "v2 local with addresses", TEXT(SIG "\x20\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb"),
		  NULL, NULL },
		{ "v2 unspec", TEXT(SIG "\x21\x00\0\x03xyz"), NULL, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char bytes[PROXYPROTO_MAX_BYTES], text[ADDR_TEXT_MAX];
		struct proxyproto got;
		size_t n = cases[i].n;
		memcpy(bytes, cases[i].bytes, n);
		memcpy(bytes + n, "GET ", 4);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(proxyproto_parse(str_of(bytes, cut), &got), PROXYPROTO_MORE);
		for (size_t more = 0; more <= 4; more++) {
			assert_int_equal(proxyproto_parse(str_of(bytes, n + more), &got), PROXYPROTO_DONE);
			assert_int_equal(got.consumed, n);
			assert_int_equal(got.version, bytes[0] == 'P' ? 1 : 2);
		}
		assert_int_equal(got.local, cases[i].source == NULL);
		addr_text(&got.source, text);
		assert_string_equal(text, cases[i].source ? cases[i].source : "-");
		addr_text(&got.dest, text);
		assert_string_equal(text, cases[i].dest ? cases[i].dest : "-");
	}
}

static void refuses_bad_headers(void **state)
{
	static const struct { const char *name, *bytes; size_t n; } cases[] = {
		{ "a request", TEXT("GET / HTTP/1.1\r\n") },
		{ "a request, first byte", TEXT("G") },
		{ "post, like proxy", TEXT("PO") },
		{ "lower case", TEXT("proxy TCP4") },
		{ "tls hello", TEXT("\x16\x03\x01") },
		{ "bare LF", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\n") },
		{ "CR without LF", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\rx") },
		{ "two spaces", TEXT("PROXY TCP4  192.0.2.1 192.0.2.2 1234 443\r\n") },
		{ "space at the end", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443 \r\n") },
		{ "port missing", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n") },
		{ "one word more", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443 x\r\n") },
		{ "port too large", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n") },
		{ "leading zero", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 0123 443\r\n") },
		{ "negative port", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n") },
		{ "short address", TEXT("PROXY TCP4 192.2.1 192.0.2.2 1 443\r\n") },
		{ "family mixed", TEXT("PROXY TCP4 2001:db8::1 192.0.2.2 1 443\r\n") },
		{ "family mixed, second", TEXT("PROXY TCP6 2001:db8::1 192.0.2.2 1 443\r\n") },
		{ "brackets", TEXT("PROXY TCP6 [2001:db8::1] 2001:db8::1 1 443\r\n") },
		{ "unknown family", TEXT("PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n") },
		{ "unknown with a tail", TEXT("PROXY UNKNOWNX\r\n") },
		{ "no family", TEXT("PROXY \r\n") },
		{ "no end in 107 bytes", TEXT("PROXY UNKNOWN " F8 " " F8 " 65535 655350\r\n") },
		{ "v2 version 1", TEXT(SIG "\x11") },
		{ "v2 command 2", TEXT(SIG "\x22") },
		{ "v2 too long", TEXT(SIG "\x21\x11\x03\xf1") },
		{ "v2 longest length", TEXT(SIG "\x21\x11\xff\xff") },
		{ "v2 tcp4 too short", TEXT(SIG "\x21\x11\0\x0b\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01") },
		{ "v2 tcp6 too short", TEXT(SIG "\x21\x21\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb") },
		{ "v2 udp4", TEXT(SIG "\x21\x12\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb") },
		{ "v2 unix too short", TEXT(SIG "\x21\x31\0\x01x") },
		{ "v2 unassigned family", TEXT(SIG "\x21\x41\0\x00") },
		{ "v2 signature broken", TEXT("\r\n\r\n\0\r\nQUIX") },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct proxyproto got = { .consumed = 77 };
		enum proxyproto_state s = proxyproto_parse(str_of(cases[i].bytes, cases[i].n), &got);
		if (s != PROXYPROTO_BAD || got.consumed != 77)
			fail_msg("%s: %d", cases[i].name, s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_good_headers),
		cmocka_unit_test(refuses_bad_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
