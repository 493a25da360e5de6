/* SPDX-License-Identifier: Apache-2.0 */
/* base/str.h, row by row. */
#include "lib/check.h"

#define NOTHING { NULL, 0 }

static void compares_without_case(void **state)
{
	static const struct {
		const char *name;
		struct str a, b;
		bool equal, starts;
	} cases[] = {
		{ "same", STR_INIT("Accept"), STR_INIT("Accept"), true, true },
		{ "other case", STR_INIT("ACCEPT-z"), STR_INIT("accept-Z"), true, true },
		{ "prefix", STR_INIT("bearer x"), STR_INIT("Bearer "), false, true },
		{ "shorter", STR_INIT("Be"), STR_INIT("Bearer"), false, false },
		{ "only letters have case: @ and `", STR_INIT("@"), STR_INIT("`"), false, false },
		{ "only letters have case: [ and {", STR_INIT("["), STR_INIT("{"), false, false },
		{ "only ASCII letters", STR_INIT("\xc3\x84"), STR_INIT("\xc3\xa4"), false, false },
		{ "both empty", NOTHING, NOTHING, true, true },
		{ "empty prefix", STR_INIT("x"), NOTHING, false, true },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		check(cases[i].name, str_ieq(cases[i].a, cases[i].b) == cases[i].equal);
		check(cases[i].name, str_istarts(cases[i].a, cases[i].b) == cases[i].starts);
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void orders_bytewise(void **state)
{
	static const struct {
		const char *name;
		struct str a, b;
		int want;
	} cases[] = {
		{ "same", STR_INIT("ab"), STR_INIT("ab"), 0 },
		{ "prefix first", STR_INIT("ab"), STR_INIT("abc"), -1 },
		{ "bytes are unsigned", STR_INIT("\xff"), STR_INIT("a"), 1 },
		{ "NUL counts", STR_INIT("a\0b"), STR_INIT("a\0c"), -1 },
		{ "both empty", NOTHING, NOTHING, 0 },
		{ "empty first", NOTHING, STR_INIT("a"), -1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		check(cases[i].name, sign(str_cmp(cases[i].a, cases[i].b)) == cases[i].want);
		check(cases[i].name, sign(str_cmp(cases[i].b, cases[i].a)) == -cases[i].want);
		check(cases[i].name, str_eq(cases[i].a, cases[i].b) == (cases[i].want == 0));
		check(cases[i].name, str_eq_secret(cases[i].a, cases[i].b) == (cases[i].want == 0));
	}
}

static void knows_starts_and_ends(void **state)
{
	static const struct {
		const char *name;
		struct str s, part;
		bool starts, ends;
	} cases[] = {
		{ "start", STR_INIT("abc"), STR_INIT("ab"), true, false },
		{ "end", STR_INIT("abc"), STR_INIT("bc"), false, true },
		{ "whole", STR_INIT("abc"), STR_INIT("abc"), true, true },
		{ "longer", STR_INIT("bc"), STR_INIT("abc"), false, false },
		{ "empty part", STR_INIT("abc"), NOTHING, true, true },
		{ "both empty", NOTHING, NOTHING, true, true },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		check(cases[i].name, str_starts(cases[i].s, cases[i].part) == cases[i].starts);
		check(cases[i].name, str_ends(cases[i].s, cases[i].part) == cases[i].ends);
	}
}

static void finds(void **state)
{
	static const struct {
		const char *name;
		struct str s, needle;
		size_t want;
	} cases[] = {
		{ "first of two", STR_INIT("a,b,c"), STR_INIT(","), 1 },
		{ "at the end", STR_INIT("abcd"), STR_INIT("cd"), 2 },
		{ "overlapping start", STR_INIT("aab"), STR_INIT("ab"), 1 },
		{ "absent", STR_INIT("abc"), STR_INIT("x"), STR_NPOS },
		{ "longer than all", STR_INIT("a"), STR_INIT("ab"), STR_NPOS },
		{ "empty needle", STR_INIT("abc"), NOTHING, 0 },
		{ "in nothing", NOTHING, STR_INIT("a"), STR_NPOS },
		{ "nothing in nothing", NOTHING, NOTHING, 0 },
		{ "behind a NUL", STR_INIT("a\0b"), STR_INIT("b"), 2 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		check_u64(cases[i].name, str_find(cases[i].s, cases[i].needle), cases[i].want);
		if (cases[i].needle.n == 1)
			check_u64(cases[i].name, str_find_chr(cases[i].s, cases[i].needle.p[0]), cases[i].want);
	}
}

static void slices_are_clipped(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		size_t from, to;
		struct str want;
	} cases[] = {
		{ "middle", STR_INIT("abcd"), 1, 3, STR_INIT("bc") },
		{ "end past the end", STR_INIT("abcd"), 2, 99, STR_INIT("cd") },
		{ "start past the end", STR_INIT("abcd"), 9, 99, NOTHING },
		{ "start behind the end", STR_INIT("abcd"), 3, 1, NOTHING },
		{ "of nothing", NOTHING, 0, 5, NOTHING },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_str(cases[i].name, str_slice(cases[i].s, cases[i].from, cases[i].to), cases[i].want);
}

static void trims_optional_whitespace(void **state)
{
	static const struct {
		const char *name;
		struct str in, want;
	} cases[] = {
		{ "both ends", STR_INIT(" \ta b\t "), STR_INIT("a b") },
		{ "nothing to trim", STR_INIT("ab"), STR_INIT("ab") },
		{ "only space", STR_INIT(" \t "), NOTHING },
		{ "line ends are no OWS", STR_INIT("a\r\n"), STR_INIT("a\r\n") },
		{ "empty", NOTHING, NOTHING },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_str(cases[i].name, str_trim(cases[i].in), cases[i].want);
}

static void cuts_into_parts(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		size_t n;
		struct str parts[4];
	} cases[] = {
		{ "three", STR_INIT("a,bb,c"), 3, { STR_INIT("a"), STR_INIT("bb"), STR_INIT("c") } },
		{ "one", STR_INIT("abc"), 1, { STR_INIT("abc") } },
		{ "empty at both ends", STR_INIT(",a,"), 3, { STR_INIT(""), STR_INIT("a"), STR_INIT("") } },
		{ "empty text is one empty part", STR_INIT(""), 1, { STR_INIT("") } },
		{ "no text is no part", NOTHING, 0, { NOTHING } },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str rest = cases[i].in;
		size_t n = 0;

		while (rest.p) {
			struct str part = str_cut(&rest, ',');

			check(cases[i].name, n < cases[i].n);
			check_str(cases[i].name, part, cases[i].parts[n]);
			n++;
		}
		check_u64(cases[i].name, n, cases[i].n);
		check_u64(cases[i].name, rest.n, 0);
	}
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		bool ok;
		uint64_t want;
	} cases[] = {
		{ "zero", STR_INIT("0"), true, 0 },
		{ "leading zeros", STR_INIT("0007"), true, 7 },
		{ "largest", STR_INIT("18446744073709551615"), true, UINT64_MAX },
		{ "one too many", STR_INIT("18446744073709551616"), false, 0 },
		{ "a digit too many", STR_INIT("184467440737095516150"), false, 0 },
		{ "empty", NOTHING, false, 0 },
		{ "sign", STR_INIT("+1"), false, 0 },
		{ "minus", STR_INIT("-1"), false, 0 },
		{ "space", STR_INIT(" 1"), false, 0 },
		{ "trailing", STR_INIT("1x"), false, 0 },
		{ "hex", STR_INIT("0x1"), false, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t v = 42;

		check(cases[i].name, str_to_u64(cases[i].in, &v) == cases[i].ok);
		check_u64(cases[i].name, v, cases[i].ok ? cases[i].want : 42);
	}
}

static void matches_patterns(void **state)
{
	static const struct {
		const char *name;
		struct str pattern, s;
		bool want;
	} cases[] = {
		{ "literal", STR_INIT("gpt-4o"), STR_INIT("gpt-4o"), true },
		{ "literal, longer text", STR_INIT("gpt-4o"), STR_INIT("gpt-4o-mini"), false },
		{ "star at the end", STR_INIT("openai/*"), STR_INIT("openai/gpt-4o"), true },
		{ "star matches nothing", STR_INIT("openai/*"), STR_INIT("openai/"), true },
		{ "star in front", STR_INIT("*-mini"), STR_INIT("gpt-4o-mini"), true },
		{ "star tried again", STR_INIT("*ab*c"), STR_INIT("aabxabc"), true },
		{ "two stars", STR_INIT("a**b"), STR_INIT("ab"), true },
		{ "question mark", STR_INIT("gpt-?"), STR_INIT("gpt-4"), true },
		{ "question mark wants one", STR_INIT("gpt-?"), STR_INIT("gpt-"), false },
		{ "brackets are themselves", STR_INIT("[a]"), STR_INIT("a"), false },
		{ "star alone, nothing", STR_INIT("*"), NOTHING, true },
		{ "nothing and nothing", NOTHING, NOTHING, true },
		{ "nothing and something", NOTHING, STR_INIT("a"), false },
		{ "case counts", STR_INIT("A*"), STR_INIT("ab"), false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(cases[i].name, str_glob(cases[i].pattern, cases[i].s) == cases[i].want);
}

/* A matcher that tries each star again for each other would need 5,000 to the power of ten steps here. */
static void many_stars_stay_quick(void **state)
{
	static char text[5000];

	memset(text, 'a', sizeof(text));
	check("stars", !str_glob(STR("*a*a*a*a*a*a*a*a*a*b"), str_of(text, sizeof(text))));
}

static void measures_distance(void **state)
{
	static char long_a[100], long_b[100];
	static const struct {
		const char *name;
		struct str a, b;
		size_t limit, want;
	} cases[] = {
		{ "same", STR_INIT("listen"), STR_INIT("listen"), 4, 0 },
		{ "a letter lost", STR_INIT("lisen"), STR_INIT("listen"), 4, 1 },
		{ "a letter too many", STR_INIT("listeen"), STR_INIT("listen"), 4, 1 },
		{ "a letter changed", STR_INIT("listan"), STR_INIT("listen"), 4, 1 },
		{ "two swapped", STR_INIT("lisetn"), STR_INIT("listen"), 4, 2 },
		{ "textbook", STR_INIT("kitten"), STR_INIT("sitting"), 9, 3 },
		{ "cut off", STR_INIT("aaaaaa"), STR_INIT("bbbbbb"), 3, 3 },
		{ "to nothing", STR_INIT("abc"), NOTHING, 9, 3 },
		{ "from nothing", NOTHING, STR_INIT("abc"), 9, 3 },
		{ "from nothing, cut off", NOTHING, STR_INIT("abc"), 2, 2 },
		{ "limit zero", STR_INIT("a"), STR_INIT("b"), 0, 0 },
		{ "clipped to 64 bytes", { long_a, 64 }, { long_b, 100 }, 99, 0 },
	};

	memset(long_a, 'x', sizeof(long_a));
	memset(long_b, 'x', sizeof(long_b));
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_u64(cases[i].name, str_distance(cases[i].a, cases[i].b, cases[i].limit), cases[i].want);
}

static void puts_any_length(void **state)
{
	static const char from[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t n = 0; n < sizeof from; n++) {
		char *source = test_malloc(n + 1), *to = test_malloc(n + 1); /* a sanitizer sees their ends */

		memcpy(source, from, n);
		to[n] = '!';
		check("end", put_str(to, str_of(source, n)) == to + n);
		check_str("copy", str_of(to, n), str_of(from, n));
		check("nothing behind", to[n] == '!');
		test_free(source);
		test_free(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_without_case), cmocka_unit_test(orders_bytewise),
		cmocka_unit_test(knows_starts_and_ends), cmocka_unit_test(finds),
		cmocka_unit_test(slices_are_clipped),    cmocka_unit_test(trims_optional_whitespace),
		cmocka_unit_test(cuts_into_parts),       cmocka_unit_test(reads_numbers),
		cmocka_unit_test(matches_patterns),      cmocka_unit_test(many_stars_stay_quick),
		cmocka_unit_test(measures_distance),     cmocka_unit_test(puts_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
