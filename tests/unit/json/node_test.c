/* SPDX-License-Identifier: Apache-2.0 */
/* node and jstr: values keep their raw text, texts keep their escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "json/node.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void assert_text(struct str got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void values_keep_their_raw_text(void **state)
{
	const char *text = " { \"a\" : 1.50e+1 , \"b\":[true,null,{\"c\\\"\":\"x\\u00e9\"}, [] ],\"d\":{},\"a\":-0 } ";
	struct err e;
	const struct json_node *root = json_nodes(&arena, str_from_z(text), 16, &e), *b, *v;

	(void)state;
	assert_non_null(root);
	assert_int_equal(root->children, 4);
	assert_text(node_raw(node_first(root)), "1.50e+1");
	assert_text(node_raw(node_get(root, STR("a"))), "-0");
	b = node_get(root, STR("b"));
	assert_int_equal(b->children, 4);
	assert_text(node_raw(b), "[true,null,{\"c\\\"\":\"x\\u00e9\"}, [] ]");
	v = node_at(b, 2);
	assert_text(jstr_raw(node_key(node_first(v))), "c\\\"");
	assert_text(jstr_raw(node_text(node_first(v))), "x\\u00e9");
	assert_true(node_is(node_at(b, 3), JSON_ARRAY));
	assert_null(node_first(node_at(b, 3)));
	assert_null(node_at(b, 4));
	assert_true(node_true(node_at(b, 0)));
	assert_null(node_get(b, STR("a")));
	assert_text(node_raw(node_next(root, b)), "{}");
	assert_int_equal(node_i64(node_first(root), -1), 15);
}

static void any_root_is_taken_and_bad_text_refused(void **state)
{
	struct err e;

	(void)state;
	assert_true(node_is(json_nodes(&arena, STR("\"a\""), 4, &e), JSON_STRING));
	assert_true(node_is(json_nodes(&arena, STR("[]"), 4, &e), JSON_ARRAY));
	assert_null(json_nodes(&arena, STR("{\"a\":1"), 4, &e));
	assert_int_equal(e.code, ERR_INVALID_REQUEST);
	assert_null(json_nodes(&arena, STR("[[[[[1]]]]]"), 4, &e));
}

static void many_small_values_make_the_array_grow(void **state)
{
	char text[4002];
	struct err e;
	const struct json_node *root;
	size_t n = 0;

	(void)state;
	text[n++] = '[';
	while (n < 4000) {
		text[n++] = '7';
		text[n++] = ',';
	}
	text[n - 1] = ']';
	root = json_nodes(&arena, str_of(text, n), 4, &e);
	assert_non_null(root);
	assert_int_equal(root->children, (n - 1) / 2);
	assert_int_equal(node_i64(node_at(root, root->children - 1), 0), 7);
}

static void a_full_arena_is_an_error(void **state)
{
	struct arena small;
	struct err e;

	(void)state;
	arena_init(&small, 256);
	assert_null(json_nodes(&small, STR("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"), 4,
	                       &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	arena_fini(&small);
}

static void texts_go_both_ways(void **state)
{
	static const struct { const char *escaped, *plain, *inner; } cases[] = {
		{ "abc", "abc", "abc" },
		{ "a\\nb\\\"c", "a\nb\"c", "a\nb\"c" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "{\\\"a\\\":\\\"\\ud83d\\\"}", "{\"a\":\"\xef\xbf\xbd\"}", "{\"a\":\"\\ud83d\"}" },
		{ "\\ufffd\\ud7ff", "\xef\xbf\xbd\xed\x9f\xbf", "\xef\xbf\xbd\xed\x9f\xbf" },
		{ "\\uDFFF\\\\", "\xef\xbf\xbd\\", "\\uDFFF\\" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct jstr s = jstr_of(cases[i].escaped, strlen(cases[i].escaped));

		assert_text(jstr_plain(&arena, s), cases[i].plain);
		assert_text(jstr_inner(&arena, s), cases[i].inner);
	}
	assert_text(jstr_raw(jstr_from(&arena, STR("a\"\n\\"))), "a\\\"\\n\\\\");
	assert_text(jstr_raw(jstr_from(&arena, STR("plain"))), "plain");
	assert_true(jstr_is_blank(JSTR(" \\n\\t ")));
	assert_false(jstr_is_blank(JSTR(" \\u0041")));
	assert_text(jstr_raw(jstr_concat(&arena, JSTR("a"), JSTR("b"))), "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_keep_their_raw_text, setup, teardown),
		cmocka_unit_test_setup_teardown(any_root_is_taken_and_bad_text_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(many_small_values_make_the_array_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_arena_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_go_both_ways, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
