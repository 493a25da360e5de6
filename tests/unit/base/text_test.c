/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.h, row by row. */
#include "lib/check.h"

#include "base/text.h"

#define NOTHING { NULL, 0 }

static void reads_hex(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		size_t n;
		bool ok;
		uint8_t want[4];
	} cases[] = {
		{ "lower", STR_INIT("00ff9a"), 3, true, { 0x00, 0xff, 0x9a } },
		{ "upper", STR_INIT("00FF9A"), 3, true, { 0x00, 0xff, 0x9a } },
		{ "nothing", NOTHING, 0, true, { 0 } },
		{ "odd", STR_INIT("00f"), 1, false, { 0 } },
		{ "longer than asked", STR_INIT("0000"), 1, false, { 0 } },
		{ "shorter than asked", STR_INIT("00"), 2, false, { 0 } },
		{ "no digit", STR_INIT("0g"), 1, false, { 0 } },
		{ "no digit in front", STR_INIT("/0"), 1, false, { 0 } },
		{ "bad at the end", STR_INIT("ffff:0"), 3, false, { 0 } },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t out[4] = { 0 };

		check(cases[i].name, text_from_hex(cases[i].in, out, cases[i].n) == cases[i].ok);
		check(cases[i].name, memcmp(out, cases[i].want, sizeof(out)) == 0);
	}
}

/* RFC 4648 section 10, and the two letters in which the alphabets differ. */
static void writes_base64(void **state)
{
	static const struct {
		struct str in;
		const char *plain, *url;
	} cases[] = {
		{ NOTHING, "", "" },
		{ STR_INIT("f"), "Zg==", "Zg" },
		{ STR_INIT("fo"), "Zm8=", "Zm8" },
		{ STR_INIT("foo"), "Zm9v", "Zm9v" },
		{ STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
		{ STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
		{ STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
		{ STR_INIT("\xfb\xef\xff"), "++//", "--__" },
		{ STR_INIT("\x00\x00"), "AAA=", "AAA" },
	};
	struct buf b = buf_make(100), tight = buf_make(7);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		check(cases[i].plain, text_base64(&b, cases[i].in));
		check_str(cases[i].plain, buf_str(&b), str_from_z(cases[i].plain));
		buf_clear(&b);
		check(cases[i].plain, text_from_base64(&b, str_from_z(cases[i].plain)));
		check_str(cases[i].plain, buf_str(&b), cases[i].in);
		buf_clear(&b);
		check(cases[i].url, text_base64url(&b, cases[i].in));
		check_str(cases[i].url, buf_str(&b), str_from_z(cases[i].url));
	}
	check("ceiling", !text_base64(&tight, STR("fooba")) && tight.n == 0 && tight.failed);
	check("no padding fits", text_base64url(&tight, STR("fooba")));
	check("huge", !text_base64(&tight, str_of(b.p, SIZE_MAX)));
	buf_fini(&b);
	buf_fini(&tight);
}

static void refuses_what_is_no_base64(void **state)
{
	static const char *const cases[] = {
		"Z", "Zg", "Zg=", "Zm9vY", "Zh==", "Zm9=", "Z===", "====", "=", "==", "Zm9v=", "Zm9vZg==Zm9v", "Zm 9v",
		"--__", "Zm9v\n", "Zg==Zg==", "\xc3\xa9zz",
	};
	struct buf b = buf_make(100), tight = buf_make(2);

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(cases[i], !text_from_base64(&b, str_from_z(cases[i])) && b.n == 0);
	check("ceiling", !text_from_base64(&tight, STR("Zm9v")) && tight.n == 0);
	check("fits", text_from_base64(&tight, STR("Zm8=")) && tight.n == 2);
	buf_fini(&b);
	buf_fini(&tight);
}

static void knows_utf8(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		size_t len; /* of the first character */
		bool ok;
	} cases[] = {
		{ "ASCII", STR_INIT("a"), 1, true },
		{ "NUL", STR_INIT("\0"), 1, true },
		{ "least of two", STR_INIT("\xc2\x80"), 2, true },
		{ "most of two", STR_INIT("\xdf\xbf"), 2, true },
		{ "least of three", STR_INIT("\xe0\xa0\x80"), 3, true },
		{ "most of three", STR_INIT("\xef\xbf\xbf"), 3, true },
		{ "before the surrogates", STR_INIT("\xed\x9f\xbf"), 3, true },
		{ "behind the surrogates", STR_INIT("\xee\x80\x80"), 3, true },
		{ "least of four", STR_INIT("\xf0\x90\x80\x80"), 4, true },
		{ "U+10FFFF", STR_INIT("\xf4\x8f\xbf\xbf"), 4, true },
		{ "nothing", NOTHING, 0, true },
		{ "bare tail", STR_INIT("\x80"), 0, false },
		{ "overlong NUL", STR_INIT("\xc0\x80"), 0, false },
		{ "overlong of two", STR_INIT("\xc1\xbf"), 0, false },
		{ "overlong of three", STR_INIT("\xe0\x9f\xbf"), 0, false },
		{ "overlong of four", STR_INIT("\xf0\x8f\xbf\xbf"), 0, false },
		{ "first surrogate", STR_INIT("\xed\xa0\x80"), 0, false },
		{ "last surrogate", STR_INIT("\xed\xbf\xbf"), 0, false },
		{ "U+110000", STR_INIT("\xf4\x90\x80\x80"), 0, false },
		{ "F5", STR_INIT("\xf5\x80\x80\x80"), 0, false },
		{ "FF", STR_INIT("\xff"), 0, false },
		{ "cut of two", STR_INIT("\xc3"), 0, false },
		{ "cut of three", STR_INIT("\xe2\x82"), 0, false },
		{ "cut of four", STR_INIT("\xf0\x9f\x98"), 0, false },
		{ "letter for a tail", STR_INIT("\xc3("), 0, false },
		{ "letter for the third", STR_INIT("\xe2\x82("), 0, false },
		{ "letter for the fourth", STR_INIT("\xf0\x9f\x98("), 0, false },
		{ "bad after good", STR_INIT("good \xff"), 1, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		check_u64(cases[i].name, text_utf8_len(cases[i].in), cases[i].len);
		check(cases[i].name, text_is_utf8(cases[i].in) == cases[i].ok);
	}
}

/* The quick way over ASCII must not step over a bad byte at any place. */
static void a_bad_byte_is_found_anywhere(void **state)
{
	char text[70];

	memset(text, 'a', sizeof(text));
	for (size_t at = 0; at < sizeof(text); at++) {
		text[at] = (char)0xff;
		for (size_t n = at + 1; n <= sizeof(text); n++)
			check("found", !text_is_utf8(str_of(text, n)));
		check("not reached", text_is_utf8(str_of(text, at)));
		text[at] = 'a';
	}
}

static void cuts_between_characters(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		size_t max, want;
	} cases[] = {
		{ "short enough", STR_INIT("abc"), 5, 3 },
		{ "ASCII", STR_INIT("abcdef"), 3, 3 },
		{ "in two", STR_INIT("a\xc3\xa9"), 2, 1 },
		{ "behind two", STR_INIT("a\xc3\xa9z"), 3, 3 },
		{ "in three, first", STR_INIT("a\xe2\x82\xac"), 2, 1 },
		{ "in three, second", STR_INIT("a\xe2\x82\xac"), 3, 1 },
		{ "in four, third", STR_INIT("a\xf0\x9f\x98\x80"), 4, 1 },
		{ "behind four", STR_INIT("a\xf0\x9f\x98\x80"), 5, 5 },
		{ "to nothing", STR_INIT("\xf0\x9f\x98\x80"), 3, 0 },
		{ "zero", STR_INIT("abc"), 0, 0 },
		{ "only tails: nothing to save", STR_INIT("\x80\x80\x80\x80\x80\x80"), 5, 5 },
		{ "of nothing", NOTHING, 5, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_u64(cases[i].name, text_utf8_cut(cases[i].in, cases[i].max).n, cases[i].want);
}

static void decodes_percent(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		bool ok;
		struct str want;
	} cases[] = {
		{ "plain", STR_INIT("abc"), true, STR_INIT("abc") },
		{ "slash and space", STR_INIT("a%2Fb%20c"), true, STR_INIT("a/b c") },
		{ "small digits", STR_INIT("%2f%c3%a9"), true, STR_INIT("/\xc3\xa9") },
		{ "plus is plus", STR_INIT("a+b"), true, STR_INIT("a+b") },
		{ "once only", STR_INIT("%2541"), true, STR_INIT("%41") },
		{ "nothing", NOTHING, true, NOTHING },
		{ "cut", STR_INIT("a%2"), false, NOTHING },
		{ "cut at once", STR_INIT("a%"), false, NOTHING },
		{ "no digit", STR_INIT("%2g"), false, NOTHING },
		{ "NUL", STR_INIT("a%00b"), false, NOTHING },
		{ "bare NUL", STR_INIT("a\0b"), false, NOTHING },
	};
	struct buf b = buf_make(100), tight = buf_make(2);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		check(cases[i].name, text_percent_decode(&b, cases[i].in) == cases[i].ok);
		check_str(cases[i].name, buf_str(&b), cases[i].want);
	}
	check("ceiling", !text_percent_decode(&tight, STR("abc")));
	buf_fini(&b);
	buf_fini(&tight);
}

static void encodes_percent(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		const char *keep;
		struct str want;
	} cases[] = {
		{ "unreserved", STR_INIT("aZ09-._~"), NULL, STR_INIT("aZ09-._~") },
		{ "reserved", STR_INIT("a/b c?"), "", STR_INIT("a%2Fb%20c%3F") },
		{ "kept", STR_INIT("a/b:c"), "/", STR_INIT("a/b%3Ac") },
		{ "bytes", STR_INIT("\xc3\xa9\0%"), "/", STR_INIT("%C3%A9%00%25") },
		{ "nothing", NOTHING, NULL, NOTHING },
	};
	struct buf b = buf_make(100), tight = buf_make(5);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		check(cases[i].name, text_percent_encode(&b, cases[i].in, cases[i].keep));
		check_str(cases[i].name, buf_str(&b), cases[i].want);
	}
	check("ceiling", !text_percent_encode(&tight, STR("//"), NULL) && tight.failed && tight.n == 0);
	buf_fini(&b);
	buf_fini(&tight);
}

static void reads_fixed_point(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		int scale;
		bool ok;
		int64_t want;
	} cases[] = {
		{ "whole", STR_INIT("25"), 9, true, 25000000000 },
		{ "fraction", STR_INIT("2.5"), 9, true, 2500000000 },
		{ "all digits", STR_INIT("0.123456789"), 9, true, 123456789 },
		{ "zeros past the scale", STR_INIT("1.50000"), 2, true, 150 },
		{ "a digit past the scale", STR_INIT("1.501"), 2, false, 0 },
		{ "zeros, then a digit", STR_INIT("1.50001"), 2, false, 0 },
		{ "scale 0", STR_INIT("7.0"), 0, true, 7 },
		{ "scale 0, digit", STR_INIT("7.1"), 0, false, 0 },
		{ "zero", STR_INIT("0"), 9, true, 0 },
		{ "largest", STR_INIT("9223372036.854775807"), 9, true, INT64_MAX },
		{ "one too many", STR_INIT("9223372036.854775808"), 9, false, 0 },
		{ "too large once scaled", STR_INIT("9223372037"), 9, false, 0 },
		{ "too many digits", STR_INIT("99999999999999999999"), 0, false, 0 },
		{ "nothing", NOTHING, 9, false, 0 },
		{ "point alone", STR_INIT("."), 9, false, 0 },
		{ "nothing before the point", STR_INIT(".5"), 9, false, 0 },
		{ "nothing behind it", STR_INIT("5."), 9, false, 0 },
		{ "two points", STR_INIT("1.2.3"), 9, false, 0 },
		{ "two points past the scale", STR_INIT("1.00.0"), 1, false, 0 },
		{ "minus", STR_INIT("-1"), 9, false, 0 },
		{ "exponent", STR_INIT("1e3"), 9, false, 0 },
		{ "comma", STR_INIT("1,5"), 9, false, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t v = 42;

		check(cases[i].name, text_to_fixed(cases[i].in, cases[i].scale, &v) == cases[i].ok);
		check(cases[i].name, v == (cases[i].ok ? cases[i].want : 42));
	}
}

static void writes_fixed_point(void **state)
{
	static const struct {
		int64_t v;
		int scale;
		const char *want;
	} cases[] = {
		{ 2500000000, 9, "2.5" },
		{ 0, 9, "0" },
		{ 1, 9, "0.000000001" },
		{ 1000000000, 9, "1" },
		{ 100, 0, "100" },
		{ -2500000000, 9, "-2.5" },
		{ -1, 9, "-0.000000001" },
		{ INT64_MAX, 9, "9223372036.854775807" },
		{ INT64_MIN, 9, "-9223372036.854775808" },
		{ INT64_MIN, 0, "-9223372036854775808" },
		{ INT64_MAX, 18, "9.223372036854775807" },
	};
	struct buf b = buf_make(64), tight = buf_make(2);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		check(cases[i].want, text_from_fixed(&b, cases[i].v, cases[i].scale));
		check_str(cases[i].want, buf_str(&b), str_from_z(cases[i].want));
	}
	check("ceiling", !text_from_fixed(&tight, 25, 1) && tight.n == 0);
	buf_fini(&b);
	buf_fini(&tight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_hex),
		cmocka_unit_test(writes_base64),
		cmocka_unit_test(refuses_what_is_no_base64),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(a_bad_byte_is_found_anywhere),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(decodes_percent),
		cmocka_unit_test(encodes_percent),
		cmocka_unit_test(reads_fixed_point),
		cmocka_unit_test(writes_fixed_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
