/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a scanned text: strings, integers, truth; and edits in place. */
#include "json/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static void unescapes_strings(void **state)
{
	static const struct { struct str raw; bool ok; struct str text; } cases[] = {
		{ STR_INIT("\"\""), true, STR_INIT("") },
		{ STR_INIT("\"abc\""), true, STR_INIT("abc") },
		{ STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), true, STR_INIT("\"\\/\b\f\n\r\t") },
		{ STR_INIT("\"a\\nb\\n\""), true, STR_INIT("a\nb\n") },
		{ STR_INIT("\"\\u0041\\u00e4\\u20AC\\uffff\""), true, STR_INIT("A\xc3\xa4\xe2\x82\xac\xef\xbf\xbf") },
		{ STR_INIT("\"\\u0000x\""), true, STR_INIT("\0x") },
		{ STR_INIT("\"\\u007f\\u0080\\u07ff\\u0800\""), true, STR_INIT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80") },
		{ STR_INIT("\"\\ud83d\\uDE00\""), true, STR_INIT("\xf0\x9f\x98\x80") },
		{ STR_INIT("\"\\ud800\\udc00\\udbff\\udfff\""), true, STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
		{ STR_INIT("\"\\ud83d\""), true, STR_INIT("\xef\xbf\xbd") },
		{ STR_INIT("\"\\ude00\\ud83d\""), true, STR_INIT("\xef\xbf\xbd\xef\xbf\xbd") },
		{ STR_INIT("\"\\ud83dx\\ud83d\\n\\ud83d\\u0041\""), true,
		  STR_INIT("\xef\xbf\xbdx\xef\xbf\xbd\n\xef\xbf\xbd" "A") },
		{ STR_INIT("\"\\ud83d\\ud83d\\ude00\""), true, STR_INIT("\xef\xbf\xbd\xf0\x9f\x98\x80") },
		{ STR_INIT("\"\xf0\x9f\x98\x80\\\\\""), true, STR_INIT("\xf0\x9f\x98\x80\\") },
		{ STR_INIT(""), false, STR_INIT("") },
		{ STR_INIT("\""), false, STR_INIT("") },
		{ STR_INIT("null"), false, STR_INIT("") },
		{ STR_INIT("12"), false, STR_INIT("") },
		{ STR_INIT("[\"a\"]"), false, STR_INIT("") },
		{ STR_INIT("\"\\\""), false, STR_INIT("") },     /* what no scan lets pass is refused here too */
		{ STR_INIT("\"\\x\""), false, STR_INIT("") },
		{ STR_INIT("\"\\u12\""), false, STR_INIT("") },
		{ STR_INIT("\"\\\0\""), false, STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena arena;
		struct buf buf = buf_make(1024);
		struct str got;
		arena_init(&arena, 65536);
		bool ok = json_to_str(cases[i].raw, &arena, &got);
		if (ok != cases[i].ok || (ok && !str_eq(got, cases[i].text)))
			fail_msg("%.*s: to str", STR_ARG(cases[i].raw));
		if (json_to_buf(cases[i].raw, &buf) != cases[i].ok || !str_eq(buf_str(&buf), cases[i].text))
			fail_msg("%.*s: to buf", STR_ARG(cases[i].raw));
		if (json_is_str(cases[i].raw, cases[i].text) != cases[i].ok)
			fail_msg("%.*s: is str", STR_ARG(cases[i].raw));
		if (ok && (json_is_str(cases[i].raw, str_slice(cases[i].text, 1, 99)) != (cases[i].text.n == 0)))
			fail_msg("%.*s: is not str", STR_ARG(cases[i].raw));
		buf_fini(&buf);
		arena_fini(&arena);
	}
}

static void knows_its_ceilings(void **state)
{
	struct arena arena;
	struct buf buf = buf_make(3);
	struct str got, plain = STR("\"abcd\"");

	arena_init(&arena, 0);
	assert_true(json_to_str(plain, &arena, &got));
	assert_ptr_equal(got.p, plain.p + 1); /* borrowed: it needs no memory */
	assert_false(json_to_str(STR("\"a\\n\""), &arena, &got));
	assert_false(json_to_buf(plain, &buf));
	assert_int_equal(buf.n, 0);
	arena_fini(&arena);
	buf_fini(&buf);
}

static void reads_integers_by_value(void **state)
{
	static const struct { const char *raw; bool ok; int64_t want; } cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "-0.0e5", true, 0 },
		{ "0e999999999999999999999", true, 0 },
		{ "12", true, 12 },
		{ "-12", true, -12 },
		{ "12.0", true, 12 },
		{ "1.2e1", true, 12 },
		{ "1.200E+1", true, 12 },
		{ "120e-1", true, 12 },
		{ "1e3", true, 1000 },
		{ "100.00", true, 100 },
		{ "0.00012e5", true, 12 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775807.000", true, INT64_MAX },
		{ "922337203685477580700e-2", true, INT64_MAX },
		{ "9.223372036854775807e18", true, INT64_MAX },
		{ "1e18", true, 1000000000000000000 },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "1e19", false, 0 },
		{ "1e20", false, 0 },
		{ "1e99999999999999999999", false, 0 },
		{ "1e-99999999999999999999", false, 0 },
		{ "123456789012345678901234567890e-20", false, 0 },
		{ "12.5", false, 0 },
		{ "125e-1", false, 0 },
		{ "1e-1", false, 0 },
		{ "\"12\"", false, 0 },
		{ "null", false, 0 },
		{ "true", false, 0 },
		{ "[1]", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "12x", false, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t got = -77;
		bool ok = json_to_i64(str_from_z(cases[i].raw), &got);
		if (ok != cases[i].ok || got != (ok ? cases[i].want : -77))
			fail_msg("%s: %d %lld", cases[i].raw, ok, (long long)got);
	}
	int64_t i;
	assert_false(json_to_i64(str_of(NULL, 0), &i));
}

static void reads_truth(void **state)
{
	bool b = false;
	assert_true(json_to_bool(STR("true"), &b) && b);
	assert_true(json_to_bool(STR("false"), &b) && !b);
	assert_false(json_to_bool(STR("null"), &b));
	assert_false(json_to_bool(STR("\"true\""), &b));
	assert_false(json_to_bool(str_of(NULL, 0), &b));
}

/*
 * Edits. `ops` is a list of letters for the members a b c d, o.x and o.y: a letter alone cuts, `=` behind it replaces
 * the value by 99, `+` behind o or the top (^) inserts "i":0 there.
 */
static const struct { const char *name, *text, *ops, *want; } edits[] = {
	{ "nothing to do", "{\"a\":1}", "", "{\"a\":1}" },
	{ "replace", "{\"a\":1,\"b\":2}", "b=", "{\"a\":1,\"b\":99}" },
	{ "replace keeps spaces", "{ \"a\" : 1 , \"b\" : \"x\" }", "a= b=", "{ \"a\" : 99 , \"b\" : 99 }" },
	{ "in any order", "{\"a\":1,\"b\":2,\"c\":3}", "c= a= b=", "{\"a\":99,\"b\":99,\"c\":99}" },
	{ "cut the only one", "{\"a\":1}", "a", "{}" },
	{ "cut the first", "{\"a\":1,\"b\":2}", "a", "{\"b\":2}" },
	{ "cut the last", "{\"a\":1,\"b\":2}", "b", "{\"a\":1}" },
	{ "cut the middle", "{\"a\":1,\"b\":2,\"c\":3}", "b", "{\"a\":1,\"c\":3}" },
	{ "cut the first two", "{\"a\":1,\"b\":2,\"c\":3}", "a b", "{\"c\":3}" },
	{ "cut the last two", "{\"a\":1,\"b\":2,\"c\":3}", "c b", "{\"a\":1}" },
	{ "cut the outer two", "{\"a\":1,\"b\":2,\"c\":3}", "a c", "{\"b\":2}" },
	{ "cut all", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "d b c a", "{}" },
	{ "cut all with spaces", "{ \"a\" : 1 , \"b\" : 2 }", "a b", "{   }" },
	{ "cut around others", "{\"a\":1,\"z\":0,\"b\":2,\"c\":3,\"y\":0}", "a b c", "{\"z\":0,\"y\":0}" },
	{ "cut within", "{\"a\":1,\"o\":{\"x\":1,\"y\":2},\"b\":2}", "x", "{\"a\":1,\"o\":{\"y\":2},\"b\":2}" },
	{ "cut all within and the next", "{\"a\":1,\"o\":{\"x\":1,\"y\":2},\"b\":2}", "x y b", "{\"a\":1,\"o\":{}}" },
	{ "cut the first and within the second", "{\"a\":1,\"o\":{\"x\":1}}", "a x", "{\"o\":{}}" },
	{ "insert into nothing", "{}", "^+", "{\"i\":0}" },
	{ "insert into nothing but spaces", " { } ", "^+", " {\"i\":0 } " },
	{ "insert", "{\"a\":1}", "^+", "{\"i\":0,\"a\":1}" },
	{ "insert within", "{\"o\":{\"x\":1},\"a\":1}", "o+", "{\"o\":{\"i\":0,\"x\":1},\"a\":1}" },
	{ "insert within nothing", "{\"o\": { }}", "o+", "{\"o\": {\"i\":0 }}" },
	{ "insert, cut, replace", "{\"a\":1,\"b\":2,\"c\":{}}", "c= a ^+", "{\"i\":0,\"b\":2,\"c\":99}" },
};

static void edits_in_place(void **state)
{
	static struct json_plan plan;
	static const char letters[] = "abcdoxy";
	json_plan_init(&plan, (const char *[]){ "a", "b", "c", "d", "o", "o.x", "o.y" }, 7, 0);

	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		struct str text = str_from_z(edits[i].text);
		struct json_hit hit[7];
		struct json_fault fault;
		struct json_edit edit[8];
		struct str piece[JSON_PIECES(8)];
		size_t n = 0;

		assert_true(json_scan(&plan, text, 8, hit, &fault));
		for (const char *op = edits[i].ops; *op; op++) {
			if (*op == ' ')
				continue;
			const struct json_hit *h = *op == '^' ? NULL : &hit[strchr(letters, *op) - letters];
			if (op[1] == '=')
				edit[n++] = (struct json_edit){ .kind = JSON_EDIT_REPLACE, .hit = h,
					                        .with = STR("99") };
			else if (op[1] == '+')
				edit[n++] = (struct json_edit){ .kind = JSON_EDIT_INSERT, .into = h ? h->value : text,
					                        .with = STR("\"i\":0") };
			else
				edit[n++] = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = h };
			if (op[1] == '=' || op[1] == '+')
				op++;
		}
		size_t pieces = json_splice(text, edit, n, piece);
		assert_true(pieces <= JSON_PIECES(n));
		struct buf got = buf_make(1024);
		for (size_t p = 0; p < pieces; p++)
			buf_append(&got, piece[p]);
		if (!str_eq(buf_str(&got), str_from_z(edits[i].want)))
			fail_msg("%s: got %.*s, want %s", edits[i].name, STR_ARG(got), edits[i].want);
		assert_true(json_scan(NULL, buf_str(&got), 8, NULL, &fault));
		buf_fini(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unescapes_strings),
		cmocka_unit_test(knows_its_ceilings),
		cmocka_unit_test(reads_integers_by_value),
		cmocka_unit_test(reads_truth),
		cmocka_unit_test(edits_in_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
