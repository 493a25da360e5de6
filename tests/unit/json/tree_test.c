/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: in the arena, strict, within its ceiling. */
#include "json/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static void gets_members(void **state)
{
	struct arena arena;
	struct err e;
	struct str s = { 0 };
	int64_t i = 0;
	bool b = false;

	arena_init(&arena, 65536);
	struct str text = STR("{\"name\":\"a\\u00e4\\n\",\"n\":-12,\"big\":18446744073709551615,\"f\":1.5,\"on\":true,"
	                      "\"o\":{\"name\":\"b\"},\"huge\":1e999,\"nil\":null}");
	yyjson_val *root = json_parse(&arena, text, 8, &e);
	assert_non_null(root);
	assert_true(json_get_str(root, "name", &s) && str_eq(s, STR("a\xc3\xa4\n")));
	assert_true(json_get_i64(root, "n", &i) && i == -12);
	assert_true(json_get_bool(root, "on", &b) && b);
	assert_true(json_get_str(json_get(root, "o"), "name", &s) && str_eq(s, STR("b")));
	assert_false(json_get_i64(root, "big", &i));
	assert_false(json_get_i64(root, "f", &i));
	assert_false(json_get_i64(root, "huge", &i));
	assert_false(json_get_i64(root, "name", &i));
	assert_false(json_get_str(root, "huge", &s));
	assert_false(json_get_str(root, "nil", &s));
	assert_false(json_get_bool(root, "n", &b));
	assert_false(json_get_str(root, "none", &s));
	assert_false(json_get_str(json_get(json_get(root, "none"), "none"), "none", &s));
	assert_false(json_get_str(json_get(root, "n"), "none", &s));
	arena_fini(&arena);
}

static void refuses_and_says_why(void **state)
{
	static const struct { const char *text; enum err_code code; const char *want; } cases[] = {
		{ "", ERR_INVALID_REQUEST, "not valid JSON at line 1, column 1: there is no value" },
		{ "{\"a\":1,\n}", ERR_INVALID_REQUEST,
		  "not valid JSON at line 2, column 1: a member's name in double quotes is expected here" },
		{ "[[[[[]]]]]", ERR_INVALID_REQUEST,
		  "not valid JSON at line 1, column 5: arrays and objects are nested too deeply" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena arena;
		struct err e;
		arena_init(&arena, 65536);
		assert_null(json_parse(&arena, str_from_z(cases[i].text), 4, &e));
		assert_int_equal(e.code, cases[i].code);
		assert_string_equal(e.text, cases[i].want);
		arena_fini(&arena);
	}

	/* The scanner leaves it open what half a character means; a tree has to hold text. */
	struct arena arena;
	struct err e;
	arena_init(&arena, 65536);
	assert_null(json_parse(&arena, STR("[\"\\ud800\"]"), 4, &e));
	assert_int_equal(e.code, ERR_INVALID_REQUEST);
	arena_fini(&arena);
}

static void stays_within_the_arena(void **state)
{
	struct buf text = buf_make(65536);
	buf_append_c(&text, '[');
	for (int i = 0; i < 2000; i++)
		buf_append(&text, STR("{\"a\":1},"));
	buf_append(&text, STR("0]"));

	bool parsed = false;
	for (size_t max = 0; !parsed; max += 10000) {
		struct arena arena;
		struct err e;
		arena_init(&arena, max);
		parsed = json_parse(&arena, buf_str(&text), 4, &e) != NULL;
		if (!parsed)
			assert_int_equal(e.code, ERR_TOO_LARGE);
		assert_true(arena.used_bytes <= max);
		assert_true(max < 40 * text.n);
		arena_fini(&arena);
	}
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_members),
		cmocka_unit_test(refuses_and_says_why),
		cmocka_unit_test(stays_within_the_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
