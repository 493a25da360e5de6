/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: commas, escapes, bytes that are no UTF-8, the buffer's ceiling. What it writes, the scanner accepts. */
#include "json/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "json/scan.h"

static void puts_commas_where_they_belong(void **state)
{
	struct buf b = buf_make(4096);
	struct json_writer w = json_writer_make(&b);

	json_open(&w, '{');
	json_key_lit(&w, "first");
	json_i64(&w, INT64_MIN);
	json_key(&w, STR("k\"ey"));
	json_u64(&w, UINT64_MAX);
	json_key_lit(&w, "list");
	json_open(&w, '[');
	json_str(&w, STR("a"));
	json_str(&w, str_of(NULL, 0));
	json_bool(&w, true);
	json_bool(&w, false);
	json_null(&w);
	json_open(&w, '[');
	json_close(&w);
	json_open(&w, '{');
	json_close(&w);
	json_raw(&w, STR("{\"raw\":[1.5]}"));
	json_close(&w);
	json_key_lit(&w, "o");
	json_open(&w, '{');
	json_key_lit(&w, "x");
	json_i64(&w, 0);
	json_close(&w);
	json_key_lit(&w, "last");
	json_null(&w);
	assert_false(json_write_done(&w));
	json_close(&w);
	assert_true(json_write_done(&w));
	assert_true(str_eq(buf_str(&b),
	                   STR("{\"first\":-9223372036854775808,\"k\\\"ey\":18446744073709551615,\"list\":[\"a\",\"\","
	                       "true,false,null,[],{},{\"raw\":[1.5]}],\"o\":{\"x\":0},\"last\":null}")));
	buf_fini(&b);
}

static void writes_each_value_alone(void **state)
{
	struct buf b = buf_make(64);
	struct json_writer w = json_writer_make(&b);

	assert_false(json_write_done(&w));
	json_str(&w, STR("x"));
	assert_true(json_write_done(&w));
	assert_true(str_eq(buf_str(&b), STR("\"x\"")));
	buf_fini(&b);
}

static void nests_to_its_ceiling(void **state)
{
	struct buf b = buf_make(4096);
	struct json_writer w = json_writer_make(&b);
	struct json_fault fault;

	for (unsigned i = 0; i < JSON_WRITE_LEVELS; i++) {
		json_open(&w, i % 3 ? '{' : '[');
		if (i % 3)
			json_key_lit(&w, "k");
	}
	json_null(&w);
	for (unsigned i = 0; i < JSON_WRITE_LEVELS; i++)
		json_close(&w);
	assert_true(json_write_done(&w));
	assert_true(json_scan(NULL, buf_str(&b), JSON_WRITE_LEVELS, NULL, &fault));
	buf_fini(&b);
}

static void escapes_what_must_be(void **state)
{
	static const struct { struct str text, want; } cases[] = {
		{ STR_INIT(""), STR_INIT("\"\"") },
		{ STR_INIT("plain"), STR_INIT("\"plain\"") },
		{ STR_INIT("\"\\/\b\f\n\r\t"), STR_INIT("\"\\\"\\\\/\\b\\f\\n\\r\\t\"") },
		{ STR_INIT("\0\x01\x1f\x7f"), STR_INIT("\"\\u0000\\u0001\\u001f\x7f\"") },
		{ STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		  STR_INIT("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"") },
		{ STR_INIT("a\x80z"), STR_INIT("\"a\xef\xbf\xbdz\"") },
		{ STR_INIT("\xff"), STR_INIT("\"\xef\xbf\xbd\"") },
		{ STR_INIT("\xc3"), STR_INIT("\"\xef\xbf\xbd\"") },
		{ STR_INIT("\xe2\x82"), STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ STR_INIT("\xed\xa0\x80"), STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ STR_INIT("\xc0\xaf"), STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = buf_make(256);
		assert_true(json_append_str(&b, cases[i].text));
		if (!str_eq(buf_str(&b), cases[i].want))
			fail_msg("case %zu: got %.*s", i, STR_ARG(b));
		buf_fini(&b);
	}
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void what_it_writes_reads_back(void **state)
{
	uint64_t x = 4242424242u;
	struct json_fault fault;

	for (unsigned round = 0; round < 20000; round++) {
		char text[100];
		size_t n = next_random(&x) % sizeof text;
		bool ascii = round % 2;
		for (size_t i = 0; i < n; i++) {
			uint64_t r = next_random(&x);
			text[i] = (char)(ascii ? r % 128 : r % 8 ? 'a' + r % 26 : r >> 8);
		}
		struct buf b = buf_make(1024);
		struct arena arena;
		struct str back;
		arena_init(&arena, 65536);
		assert_true(json_append_str(&b, str_of(text, n)));
		assert_true(json_scan(NULL, buf_str(&b), 1, NULL, &fault));
		assert_true(json_to_str(buf_str(&b), &arena, &back));
		if (ascii)
			assert_true(str_eq(back, str_of(text, n)));
		arena_fini(&arena);
		buf_fini(&b);
	}
}

static void says_when_the_buffer_is_full(void **state)
{
	struct str whole = STR("{\"k\":[\"a\\n\xc3\xa4\",12,true,null]}");

	for (size_t max = 0; max <= whole.n; max++) {
		struct buf b = buf_make(max);
		struct json_writer w = json_writer_make(&b);
		json_open(&w, '{');
		json_key_lit(&w, "k");
		json_open(&w, '[');
		json_str(&w, STR("a\n\xc3\xa4"));
		json_i64(&w, 12);
		json_bool(&w, true);
		json_null(&w);
		json_close(&w);
		json_close(&w);
		assert_int_equal(json_write_done(&w), max == whole.n);
		assert_true(b.n <= max);
		if (max == whole.n)
			assert_true(str_eq(buf_str(&b), whole));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_commas_where_they_belong),
		cmocka_unit_test(writes_each_value_alone),
		cmocka_unit_test(nests_to_its_ceiling),
		cmocka_unit_test(escapes_what_must_be),
		cmocka_unit_test(what_it_writes_reads_back),
		cmocka_unit_test(says_when_the_buffer_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
