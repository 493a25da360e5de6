/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses: reading, writing, and which of them the SSRF guard lets pass. */
#include "net/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void parses_listen_addresses(void **state)
{
	static const struct { const char *text, *want;
	} cases[] = {
		{ "127.0.0.1:8080", "127.0.0.1:8080" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "[::1]:65535", "[::1]:65535" },
		{ "[2001:DB8::1]:1", "[2001:db8::1]:1" },
		{ "*:80", "[::]:80" },
		{ "LocalHost:80", "127.0.0.1:80" },
		{ "unix:/run/x.sock", "unix:/run/x.sock" },
		{ "", NULL },
		{ ":80", NULL },
		{ "127.0.0.1", NULL },
		{ "127.0.0.1:", NULL },
		{ "127.0.0.1:65536", NULL },
		{ "127.0.0.1:000080", NULL },
		{ "127.0.0.1:-1", NULL },
		{ "127.0.0.1: 80", NULL },
		{ "127.1:80", NULL },
		{ "0x7f.0.0.1:80", NULL },
		{ "0177.0.0.1:80", NULL },
		{ "127.0.0.1.:80", NULL },
		{ "[127.0.0.1]:80", NULL },
		{ "::1:80", NULL },
		{ "[::1:80", NULL },
		{ "[fe80::1%eth0]:80", NULL },
		{ "example.com:80", NULL },
		{ "unix:", NULL },
		{ "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct addr a;
		struct err e = { 0 };
		char out[ADDR_TEXT_MAX];
		bool ok = addr_parse(&a, str_from_z(cases[i].text), &e);
		if (ok != (cases[i].want != NULL))
			fail_msg("%s: %s", cases[i].text, ok ? "was accepted" : e.text);
		if (!ok) {
			assert_int_equal(e.code, ERR_CONFIG);
			continue;
		}
		addr_text(&a, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void splits_host_and_port(void **state)
{
	static const struct { const char *text, *host; unsigned port; } cases[] = {
		{ "a.example", "a.example", 443 }, { "a.example:81", "a.example", 81 }, { "[::1]:81", "::1", 81 },
		{ "[::1]", "::1", 443 },           { "a:", NULL, 0 },                   { ":1", NULL, 0 },
		{ "a:0", NULL, 0 },                { "a:65536", NULL, 0 },              { "a:1:2", NULL, 0 },
		{ "[::1", NULL, 0 },               { "[::1]x", NULL, 0 },               { "[::1]:", NULL, 0 },
		{ "[]:1", NULL, 0 },               { "", NULL, 0 },                     { "a:+1", NULL, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str host;
		uint16_t port;
		bool ok = addr_split(str_from_z(cases[i].text), 443, &host, &port);
		if (ok != (cases[i].host != NULL))
			fail_msg("%s", cases[i].text);
		if (!ok)
			continue;
		assert_true(str_eq(host, str_from_z(cases[i].host)));
		assert_int_equal(port, cases[i].port);
	}
}

static void knows_what_is_public(void **state)
{
	static const struct { const char *ip; enum addr_scope want; } cases[] = {
		{ "8.8.8.8", ADDR_PUBLIC },
		{ "1.0.0.0", ADDR_PUBLIC },
		{ "0.0.0.0", ADDR_UNSPECIFIED },
		{ "0.255.255.255", ADDR_UNSPECIFIED },
		{ "9.255.255.255", ADDR_PUBLIC },
		{ "10.0.0.0", ADDR_PRIVATE },
		{ "10.255.255.255", ADDR_PRIVATE },
		{ "11.0.0.0", ADDR_PUBLIC },
		{ "100.63.255.255", ADDR_PUBLIC },
		{ "100.64.0.0", ADDR_SHARED },
		{ "100.127.255.255", ADDR_SHARED },
		{ "100.128.0.0", ADDR_PUBLIC },
		{ "127.0.0.1", ADDR_LOOPBACK },
		{ "127.255.255.255", ADDR_LOOPBACK },
		{ "169.253.255.255", ADDR_PUBLIC },
		{ "169.254.169.254", ADDR_LINK_LOCAL },
		{ "172.15.255.255", ADDR_PUBLIC },
		{ "172.16.0.0", ADDR_PRIVATE },
		{ "172.31.255.255", ADDR_PRIVATE },
		{ "172.32.0.0", ADDR_PUBLIC },
		{ "192.0.0.10", ADDR_RESERVED },
		{ "192.0.1.0", ADDR_PUBLIC },
		{ "192.0.2.1", ADDR_DOCUMENTATION },
		{ "192.88.99.1", ADDR_RESERVED },
		{ "192.168.0.1", ADDR_PRIVATE },
		{ "192.169.0.0", ADDR_PUBLIC },
		{ "198.17.255.255", ADDR_PUBLIC },
		{ "198.18.0.0", ADDR_BENCHMARK },
		{ "198.19.255.255", ADDR_BENCHMARK },
		{ "198.20.0.0", ADDR_PUBLIC },
		{ "198.51.100.7", ADDR_DOCUMENTATION },
		{ "203.0.113.7", ADDR_DOCUMENTATION },
		{ "223.255.255.255", ADDR_PUBLIC },
		{ "224.0.0.1", ADDR_MULTICAST },
		{ "239.255.255.255", ADDR_MULTICAST },
		{ "240.0.0.1", ADDR_RESERVED },
		{ "255.255.255.254", ADDR_RESERVED },
		{ "255.255.255.255", ADDR_BROADCAST },
		{ "2606:4700::1111", ADDR_PUBLIC },
		{ "2a00:1450::1", ADDR_PUBLIC },
		{ "::", ADDR_UNSPECIFIED },
		{ "::1", ADDR_LOOPBACK },
		{ "::2", ADDR_TRANSLATED },
		{ "::8.8.8.8", ADDR_TRANSLATED },
		{ "::127.0.0.1", ADDR_TRANSLATED },
		{ "::ffff:127.0.0.1", ADDR_TRANSLATED },
		{ "::ffff:8.8.8.8", ADDR_TRANSLATED },
		{ "::ffff:0:127.0.0.1", ADDR_RESERVED },
		{ "64:ff9b::8.8.8.8", ADDR_PUBLIC },
		{ "64:ff9b::127.0.0.1", ADDR_LOOPBACK },
		{ "64:ff9b::10.0.0.1", ADDR_PRIVATE },
		{ "64:ff9b::169.254.169.254", ADDR_LINK_LOCAL },
		{ "64:ff9b:1::8.8.8.8", ADDR_TRANSLATED },
		{ "64:ff9b::1:808:808", ADDR_RESERVED },
		{ "2002:808:808::1", ADDR_PUBLIC },
		{ "2002:7f00:1::1", ADDR_LOOPBACK },
		{ "2002:a9fe:a9fe::1", ADDR_LINK_LOCAL },
		{ "2002:c0a8:1::1", ADDR_PRIVATE },
		{ "2001::1", ADDR_RESERVED },
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2", ADDR_RESERVED },
		{ "2001:2::1", ADDR_BENCHMARK },
		{ "2001:1ff:ffff::", ADDR_RESERVED },
		{ "2001:200::", ADDR_PUBLIC },
		{ "2001:db8::1", ADDR_DOCUMENTATION },
		{ "2001:db9::1", ADDR_PUBLIC },
		{ "3fff::1", ADDR_DOCUMENTATION },
		{ "3fff:1000::", ADDR_PUBLIC },
		{ "2620:4f:8000::1", ADDR_RESERVED },
		{ "100::1", ADDR_RESERVED },
		{ "5f00::1", ADDR_RESERVED },
		{ "4000::1", ADDR_RESERVED },
		{ "fc00::1", ADDR_PRIVATE },
		{ "fd12:3456::1", ADDR_PRIVATE },
		{ "fd00:ec2::254", ADDR_PRIVATE },
		{ "fe80::1", ADDR_LINK_LOCAL },
		{ "febf::1", ADDR_LINK_LOCAL },
		{ "fec0::1", ADDR_PRIVATE },
		{ "fe00::1", ADDR_RESERVED },
		{ "ff02::1", ADDR_MULTICAST },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct addr a;
		assert_true(addr_from_literal(&a, str_from_z(cases[i].ip), 443));
		enum addr_scope got = addr_scope(&a);
		if (got != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].ip, addr_scope_name(got), addr_scope_name(cases[i].want));
		assert_int_equal(addr_is_public(&a), cases[i].want == ADDR_PUBLIC);
	}
	struct addr none = { 0 };
	assert_false(addr_is_public(&none));
}

static void compares_and_copies(void **state)
{
	struct addr a, b, c;
	assert_true(addr_from_literal(&a, STR("[::1]"), 5));
	assert_true(addr_from_literal(&b, STR("::1"), 6));
	assert_false(addr_eq(&a, &b));
	addr_set_port(&b, 5);
	assert_true(addr_eq(&a, &b));
	assert_int_equal(addr_port(&b), 5);
	assert_true(addr_from_sockaddr(&c, &a.u.sa, a.len));
	assert_true(addr_eq(&a, &c));
	assert_false(addr_from_sockaddr(&c, &a.u.sa, a.len - 1));
	assert_false(addr_from_sockaddr(&c, &a.u.sa, 1));
	assert_false(addr_from_sockaddr(&c, &a.u.sa, 4096));
	assert_false(addr_from_literal(&c, str_of("::1\0", 4), 5));
	assert_false(addr_from_literal(&c, STR("1.2.3.4 "), 5));

	char out[ADDR_TEXT_MAX];
	struct addr none = { 0 };
	addr_text(&none, out);
	assert_string_equal(out, "-");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	assert_true(addr_from_sockaddr(&c, (struct sockaddr *)&un, sizeof un.sun_family));
	addr_text(&c, out);
	assert_string_equal(out, "unix:");
	addr_host_text(&a, out);
	assert_string_equal(out, "::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_listen_addresses),
		cmocka_unit_test(splits_host_and_port),
		cmocka_unit_test(knows_what_is_public),
		cmocka_unit_test(compares_and_copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
