/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: what is valid, what is wrong and where, wanted members, doubles, JSONTestSuite, yyjson beside it. */
#include "json/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <yyjson.h>

#include "base/buf.h"
#include "json/tree.h"

/* A copy that ends where its memory ends, so that the sanitizer sees each byte read too far. */
static struct str exact(struct str s)
{
	if (s.n > PTRDIFF_MAX)
		abort();
	char *p = malloc(s.n);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_of(p, s.n);
}

static bool valid(struct str text, unsigned depth)
{
	struct str copy = exact(text);
	struct json_fault fault;
	bool ok = json_scan(NULL, copy, depth, NULL, &fault);
	free((char *)(uintptr_t)copy.p);
	return ok;
}

static void says_where_and_what_is_wrong(void **state)
{
	static const struct { struct str text; enum json_error error; size_t offset, line, column; } cases[] = {
		{ STR_INIT(""), JSON_ERR_EMPTY, 0, 1, 1 },
		{ STR_INIT(" \n "), JSON_ERR_EMPTY, 3, 2, 2 },
		{ STR_INIT("\xef\xbb\xbf{}"), JSON_ERR_BOM, 0, 1, 1 },
		{ STR_INIT("{} x"), JSON_ERR_TRAILING, 3, 1, 4 },
		{ STR_INIT("1 2"), JSON_ERR_TRAILING, 2, 1, 3 },
		{ STR_INIT("{\n  \"a\": 1,\n  \"b\" 2\n}"), JSON_ERR_COLON, 18, 3, 7 },
		{ STR_INIT("{\r\n\r\"a\": x}"), JSON_ERR_VALUE, 9, 3, 6 },
		{ STR_INIT("{\"\xc3\xa4\xe2\x82\xac\": x}"), JSON_ERR_VALUE, 10, 1, 8 },
		{ STR_INIT("{\"a\":1,}"), JSON_ERR_NAME, 7, 1, 8 },
		{ STR_INIT("{,}"), JSON_ERR_NAME, 1, 1, 2 },
		{ STR_INIT("{a:1}"), JSON_ERR_NAME, 1, 1, 2 },
		{ STR_INIT("{\"a\":1 \"b\":2}"), JSON_ERR_COMMA, 7, 1, 8 },
		{ STR_INIT("{\"a\":1]"), JSON_ERR_COMMA, 6, 1, 7 },
		{ STR_INIT("[1}"), JSON_ERR_COMMA, 2, 1, 3 },
		{ STR_INIT("[1,]"), JSON_ERR_VALUE, 3, 1, 4 },
		{ STR_INIT("[,1]"), JSON_ERR_VALUE, 1, 1, 2 },
		{ STR_INIT("]"), JSON_ERR_VALUE, 0, 1, 1 },
		{ STR_INIT("["), JSON_ERR_END, 1, 1, 2 },
		{ STR_INIT("[1"), JSON_ERR_END, 2, 1, 3 },
		{ STR_INIT("[1,"), JSON_ERR_END, 3, 1, 4 },
		{ STR_INIT("{"), JSON_ERR_END, 1, 1, 2 },
		{ STR_INIT("{\"a"), JSON_ERR_END, 3, 1, 4 },
		{ STR_INIT("{\"a\""), JSON_ERR_END, 4, 1, 5 },
		{ STR_INIT("{\"a\":"), JSON_ERR_END, 5, 1, 6 },
		{ STR_INIT("{\"a\":1"), JSON_ERR_END, 6, 1, 7 },
		{ STR_INIT("{\"a\":1,"), JSON_ERR_END, 7, 1, 8 },
		{ STR_INIT("\"a\\"), JSON_ERR_END, 3, 1, 4 },
		{ STR_INIT("\"\\u12"), JSON_ERR_END, 5, 1, 6 },
		{ STR_INIT("\"\\u12g4\""), JSON_ERR_ESCAPE, 1, 1, 2 },
		{ STR_INIT("\"\\x\""), JSON_ERR_ESCAPE, 1, 1, 2 },
		{ STR_INIT("\"\\U0041\""), JSON_ERR_ESCAPE, 1, 1, 2 },
		{ STR_INIT("\"a\nb\""), JSON_ERR_CONTROL, 2, 1, 3 },
		{ STR_INIT("\"a\0b\""), JSON_ERR_CONTROL, 2, 1, 3 },
		{ STR_INIT("[\"0123456789abcdef\x1f\"]"), JSON_ERR_CONTROL, 18, 1, 19 },
		{ STR_INIT("01"), JSON_ERR_NUMBER, 0, 1, 1 },
		{ STR_INIT("-x"), JSON_ERR_NUMBER, 1, 1, 2 },
		{ STR_INIT("-"), JSON_ERR_END, 1, 1, 2 },
		{ STR_INIT("1."), JSON_ERR_END, 2, 1, 3 },
		{ STR_INIT("1.x"), JSON_ERR_NUMBER, 2, 1, 3 },
		{ STR_INIT("1e+"), JSON_ERR_END, 3, 1, 4 },
		{ STR_INIT("+1"), JSON_ERR_VALUE, 0, 1, 1 },
		{ STR_INIT(".5"), JSON_ERR_VALUE, 0, 1, 1 },
		{ STR_INIT("NaN"), JSON_ERR_VALUE, 0, 1, 1 },
		{ STR_INIT("[tru]"), JSON_ERR_VALUE, 1, 1, 2 },
		{ STR_INIT("[nulL]"), JSON_ERR_VALUE, 1, 1, 2 },
		{ STR_INIT("truex"), JSON_ERR_TRAILING, 4, 1, 5 },
		{ STR_INIT("[1 /* no */]"), JSON_ERR_COMMA, 3, 1, 4 },
		{ STR_INIT("[[[[[1]]]]]"), JSON_ERR_DEPTH, 4, 1, 5 },
		{ STR_INIT("{\"a\":[{\"b\":[{}]}]}"), JSON_ERR_DEPTH, 12, 1, 13 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_fault fault = { 0 };
		struct str text = exact(cases[i].text);
		assert_false(json_scan(NULL, text, 4, NULL, &fault));
		if (fault.error != cases[i].error || fault.offset != cases[i].offset || fault.line != cases[i].line ||
		    fault.column != cases[i].column)
			fail_msg("%.*s: got error %d (%s) at %zu, line %zu column %zu", STR_ARG(text), fault.error,
			         json_error_text(fault.error), fault.offset, fault.line, fault.column);
		free((char *)(uintptr_t)text.p);
	}
	struct json_fault fault;
	struct err e;
	assert_false(json_scan(NULL, STR("[1,\n 2,]"), 4, NULL, &fault));
	assert_false(json_fault_err(&fault, ERR_INVALID_REQUEST, &e));
	assert_string_equal(e.text, "not valid JSON at line 2, column 4: a value is expected here");
}

/* The sequences of the table in RFC 3629 section 4 at their borders, at each place relative to the sixteen-byte
 * steps. */
static void takes_utf8_and_nothing_else(void **state)
{
	static const struct { struct str bytes; bool ok; } cases[] = {
		{ STR_INIT("\x7f"), true },             { STR_INIT("\x80"), false },
		{ STR_INIT("\xbf"), false },            { STR_INIT("\xc0\x80"), false },
		{ STR_INIT("\xc1\xbf"), false },        { STR_INIT("\xc2\x80"), true },
		{ STR_INIT("\xdf\xbf"), true },         { STR_INIT("\xc2"), false },
		{ STR_INIT("\xc2\x41"), false },        { STR_INIT("\xc2\xc0"), false },
		{ STR_INIT("\xe0\x80\x80"), false },    { STR_INIT("\xe0\x9f\xbf"), false },
		{ STR_INIT("\xe0\xa0\x80"), true },     { STR_INIT("\xe1\x80\x80"), true },
		{ STR_INIT("\xec\xbf\xbf"), true },     { STR_INIT("\xed\x80\x80"), true },
		{ STR_INIT("\xed\x9f\xbf"), true },     { STR_INIT("\xed\xa0\x80"), false },
		{ STR_INIT("\xed\xbf\xbf"), false },    { STR_INIT("\xee\x80\x80"), true },
		{ STR_INIT("\xef\xbf\xbf"), true },     { STR_INIT("\xe1\x80"), false },
		{ STR_INIT("\xe1\x41\x80"), false },    { STR_INIT("\xe1\x80\x41"), false },
		{ STR_INIT("\xf0\x80\x80\x80"), false }, { STR_INIT("\xf0\x8f\xbf\xbf"), false },
		{ STR_INIT("\xf0\x90\x80\x80"), true }, { STR_INIT("\xf3\xbf\xbf\xbf"), true },
		{ STR_INIT("\xf4\x80\x80\x80"), true }, { STR_INIT("\xf4\x8f\xbf\xbf"), true },
		{ STR_INIT("\xf4\x90\x80\x80"), false }, { STR_INIT("\xf5\x80\x80\x80"), false },
		{ STR_INIT("\xf0\x90\x80"), false },    { STR_INIT("\xf1\x80\x80\x41"), false },
		{ STR_INIT("\xf8\x88\x80\x80\x80"), false }, { STR_INIT("\xff"), false }, { STR_INIT("\xfe"), false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t before = 0; before < 40; before++)
			for (size_t after = 0; after < 20; after += 1 + after / 5) {
				char text[80];
				size_t n = 0;
				text[n++] = '"';
				memset(text + n, 'x', before);
				n += before;
				memcpy(text + n, cases[i].bytes.p, cases[i].bytes.n);
				n += cases[i].bytes.n;
				memset(text + n, 'y', after);
				n += after;
				text[n++] = '"';
				if (valid(str_of(text, n), 4) != cases[i].ok)
					fail_msg("case %zu with %zu before and %zu after", i, before, after);
				assert_false(valid(str_of(text, n - 1), 4));
			}
}

/* Each byte, plain and escaped, at each place of a string. */
static void takes_each_byte_by_its_kind(void **state)
{
	for (unsigned c = 0; c < 128; c++)
		for (size_t before = 0; before < 70; before++) {
			char text[100];
			memset(text, 'x', sizeof text);
			text[0] = '"';
			text[1 + before] = (char)c;
			text[90] = '"';
			bool ok = c >= 0x20 && c != '"' && c != '\\';
			if (valid(str_of(text, 91), 4) != ok)
				fail_msg("byte %u at %zu", c, before);
			text[1 + before] = '\\';
			text[2 + before] = (char)c;
			ok = c && strchr("\"\\/bfnrt", (int)c);
			if (valid(str_of(text, 91), 4) != ok)
				fail_msg("escape %u at %zu", c, before);
		}
}

static void counts_depth_to_the_ceiling(void **state)
{
	static const struct { const char *open, *close; unsigned each; } shapes[] = {
		{ "[", "]", 1 }, { "{\"a\":", "}", 1 }, { "[{\"model\":", "}]", 2 }, { "{\"usage\":", "}", 1 },
		{ "{\"list\":[", "]}", 2 },
	};
	static struct json_plan plan;
	json_plan_init(&plan, (const char *[]){ "usage.usage.usage", "model", "list[].list[].list[].x" }, 3, 0);
	struct json_hit hit[3];
	struct json_fault fault;

	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		for (unsigned depth = 0; depth <= JSON_DEPTH_MAX; depth = depth < 6 ? depth + 1 : depth * 4) {
			struct buf b = buf_make(1 << 20);
			unsigned levels = depth / shapes[i].each;
			for (unsigned l = 0; l < levels; l++)
				buf_append(&b, str_from_z(shapes[i].open));
			buf_append_c(&b, '1');
			for (unsigned l = 0; l < levels; l++)
				buf_append(&b, str_from_z(shapes[i].close));
			unsigned used = levels * shapes[i].each;
			assert_true(valid(buf_str(&b), used));
			assert_true(json_scan(&plan, buf_str(&b), used, hit, &fault));
			if (used > 0) {
				assert_false(json_scan(&plan, buf_str(&b), used - 1, hit, &fault));
				assert_int_equal(fault.error, JSON_ERR_DEPTH);
				assert_false(valid(buf_str(&b), used - 1));
			}
			buf_fini(&b);
		}
}

/* Hits are written `path=value` with `!` for a double, in the order of the plan. */
static void finds_wanted_members(void **state)
{
	static const char *const paths[] = {
		"model", "stream", "stream_options.include_usage", "usage.prompt_tokens",
		"usage.prompt_tokens_details.cached_tokens", "usage",
	};
	static const struct { const char *text, *want; } cases[] = {
		{ "{}", "" },
		{ "[{\"model\":1}]", "" },
		{ "\"model\"", "" },
		{ "{\"model\":\"m\"}", "0=\"m\"" },
		{ " { \"model\" : \"m\" , \"stream\" : true } ", "0=\"m\" 1=true" },
		{ "{\"x\":{\"model\":1,\"usage\":{\"prompt_tokens\":1}},\"model\":2}", "0=2" },
		{ "{\"messages\":[{\"model\":1,\"content\":\"model\\\"\"}],\"model\":2}", "0=2" },
		{ "{\"mod\\u0065l\":\"m\"}", "0=\"m\"" },
		{ "{\"\\u006d\\u006F\\u0064\\u0065\\u006C\":\"m\"}", "0=\"m\"" },
		{ "{\"model\\u0000\":1,\"Model\":2,\"mode\":3,\"models\":4,\"\":5}", "" },
		{ "{\"model\":\"a\\\\\",\"stream\":false}", "0=\"a\\\\\" 1=false" },
		{ "{\"stream_options\":{\"include_usage\":true}}", "2=true" },
		{ "{\"stream_options\":null,\"stream_options.include_usage\":1}", "" },
		{ "{\"stream_options\":[{\"include_usage\":true}]}", "" },
		{ "{\"stream_options\":{\"x\":{\"include_usage\":true}}}", "" },
		{ "{\"usage\":{\"prompt_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":3}}}",
		  "3=12 4=3 5={\"prompt_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":3}}" },
		{ "{\"usage\":{\"prompt_tokens_details\":{},\"prompt_tokens\":-1.5e3 },\"model\":null}",
		  "0=null 3=-1.5e3 5={\"prompt_tokens_details\":{},\"prompt_tokens\":-1.5e3 }" },
		{ "{\"usage\":null}", "5=null" },
		{ "{\"model\":1,\"model\":2}", "0=2!" },
		{ "{\"model\":1,\"mod\\u0065l\":2}", "0=2!" },
		{ "{\"usage\":{\"prompt_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":2}},\"usage\":{}}",
		  "3! 4! 5={}!" },
		{ "{\"usage\":{\"prompt_tokens\":1},\"usage\":null,\"usage\":{\"prompt_tokens\":3}}",
		  "3=3! 4! 5={\"prompt_tokens\":3}!" },
		{ "{\"x\":1,\"x\":2,\"y\":{\"z\":1,\"z\":1}}", "" },
	};
	static struct json_plan plan, strict;
	json_plan_init(&plan, paths, COUNT_OF(paths), 0);
	json_plan_init(&strict, paths, COUNT_OF(paths), JSON_REFUSE_TWICE);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str text = exact(str_from_z(cases[i].text));
		struct json_hit hit[COUNT_OF(paths)];
		struct json_fault fault;
		struct buf got = buf_make(4096);
		if (!json_scan(&plan, text, 16, hit, &fault))
			fail_msg("%s: refused at %zu", cases[i].text, fault.offset);
		for (size_t h = 0; h < COUNT_OF(paths); h++) {
			if (!hit[h].value.p && !hit[h].twice)
				continue;
			if (got.n > 0)
				buf_append_c(&got, ' ');
			buf_append_u64(&got, h);
			if (hit[h].value.p) {
				buf_append_c(&got, '=');
				buf_append(&got, hit[h].value);
				assert_int_not_equal(hit[h].type, JSON_ABSENT);
				assert_true(*hit[h].name == '"');
				assert_true(!hit[h].before || *hit[h].before == ',');
				assert_true(!hit[h].after || hit[h].after[-1] == ',');
			} else {
				assert_int_equal(hit[h].type, JSON_ABSENT);
			}
			if (hit[h].twice)
				buf_append_c(&got, '!');
		}
		if (!str_eq(buf_str(&got), str_from_z(cases[i].want)))
			fail_msg("%s: got %.*s, want %s", cases[i].text, STR_ARG(got), cases[i].want);
		buf_fini(&got);

		bool doubled = strchr(cases[i].want, '!');
		if (json_scan(&strict, text, 16, hit, &fault) != !doubled)
			fail_msg("%s: strict", cases[i].text);
		if (doubled)
			assert_int_equal(fault.error, JSON_ERR_TWICE);
		free((char *)(uintptr_t)text.p);
	}
}

/* Written as in finds_wanted_members, without doubles. */
static void looks_into_arrays(void **state)
{
	static const char *const paths[] = { "a", "a[].b", "a[].c.d", "e[].f[].g" };
	static const struct { const char *text, *want; } cases[] = {
		{ "{\"a\":[]}", "0=[]" },
		{ "{\"a\":[{\"b\":1}]}", "0=[{\"b\":1}] 1=1" },
		{ "{ \"a\" : [ { \"b\" : 1 } , { \"b\" : 2 } ] }", "0=[ { \"b\" : 1 } , { \"b\" : 2 } ] 1=2" },
		{ "{\"a\":[{\"b\":1},{\"b\":null}]}", "0=[{\"b\":1},{\"b\":null}] 1=1" },
		{ "{\"a\":[{\"b\":null},{\"b\":null}]}", "0=[{\"b\":null},{\"b\":null}] 1=null" },
		{ "{\"a\":[1,\"b\",[{\"b\":1}],null,{}]}", "0=[1,\"b\",[{\"b\":1}],null,{}]" },
		{ "{\"a\":[{\"c\":{\"d\":1}},{\"c\":[{\"d\":2}]}]}",
		  "0=[{\"c\":{\"d\":1}},{\"c\":[{\"d\":2}]}] 2=1" },
		{ "{\"a\":{\"b\":1}}", "0={\"b\":1}" },
		{ "{\"e\":[{\"f\":[{\"g\":1},{\"g\":2}]},{\"f\":[]},{\"f\":{\"g\":3}}],\"a\":7}", "0=7 3=2" },
	};
	static const char *const broken[] = {
		"{\"a\":[", "{\"a\":[}", "{\"a\":[{}", "{\"a\":[{}}", "{\"a\":[{]}", "{\"a\":[{},]}",
		"{\"a\":[,{}]}", "{\"a\":[{}{}]}", "{\"a\":[{}]", "{\"a\":[{\"b\":}]}", "{\"e\":[{\"f\":[{}]}}",
		"{\"e\":[{\"f\":[{}]", "{\"a\":[1 2]}", "{\"a\":[[]}",
	};
	static struct json_plan plan;
	struct json_hit hit[COUNT_OF(paths)];
	struct json_fault fault, why;
	json_plan_init(&plan, paths, COUNT_OF(paths), 0);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str text = exact(str_from_z(cases[i].text));
		struct buf got = buf_make(4096);
		if (!json_scan(&plan, text, 16, hit, &fault))
			fail_msg("%s: refused at %zu", cases[i].text, fault.offset);
		for (size_t h = 0; h < COUNT_OF(paths); h++)
			if (hit[h].type != JSON_ABSENT)
				buf_printf(&got, "%s%zu=%.*s", got.n ? " " : "", h, STR_ARG(hit[h].value));
		if (!str_eq(buf_str(&got), str_from_z(cases[i].want)))
			fail_msg("%s: got %.*s, want %s", cases[i].text, STR_ARG(got), cases[i].want);
		buf_fini(&got);
		free((char *)(uintptr_t)text.p);
	}
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		struct str text = exact(str_from_z(broken[i]));
		assert_false(json_scan(&plan, text, 16, hit, &fault));
		assert_false(json_scan(NULL, text, 16, NULL, &why));
		if (fault.error != why.error || fault.offset != why.offset)
			fail_msg("%s: %s at %zu, or %s at %zu", broken[i], json_error_text(fault.error), fault.offset,
			         json_error_text(why.error), why.offset);
		free((char *)(uintptr_t)text.p);
	}
}

static void reads_wanted_numbers(void **state)
{
	static const char *const paths[] = { "n", "usage.prompt_tokens", "usage.details.cached" };
	static const struct { const char *text; int64_t want[COUNT_OF(paths)]; } cases[] = {
#define NONE JSON_NO_NUMBER
		{ "{}", { NONE, NONE, NONE } },
		{ "{\"n\":0}", { 0, NONE, NONE } },
		{ "{\"n\" : 12 , \"usage\" : { \"prompt_tokens\" : 34\n}}", { 12, 34, NONE } },
		{ "{\"usage\":{\"details\":{\"cached\":7},\"prompt_tokens\":9}}", { NONE, 9, 7 } },
		{ "{\"usage\":{\"details\":null,\"prompt_tokens\":null},\"n\":\"5\"}", { NONE, NONE, NONE } },
		{ "{\"n\":-5,\"usage\":{\"prompt_tokens\":1.2e1,\"details\":{\"cached\":3.0}}}", { -5, 12, 3 } },
		{ "{\"n\":999999999999999999}", { 999999999999999999, NONE, NONE } },
		{ "{\"n\":9223372036854775807}", { INT64_MAX, NONE, NONE } },
		{ "{\"n\":9223372036854775808}", { NONE, NONE, NONE } },
		{ "{\"n\":18446744073709551617}", { NONE, NONE, NONE } },
		{ "{\"n\":12.5}", { NONE, NONE, NONE } },
		{ "{\"n\":{\"n\":1},\"usage\":[{\"prompt_tokens\":1}]}", { NONE, NONE, NONE } },
		{ "{\"n\":1,\"n\":2}", { 2, NONE, NONE } },
		{ "{\"n\":1,\"n\":[]}", { NONE, NONE, NONE } },
		{ "{\"usage\":{\"prompt_tokens\":1,\"details\":{\"cached\":2}},\"usage\":{\"prompt_tokens\":3}}",
		  { NONE, 3, NONE } },
#undef NONE
	};
	static struct json_plan plan;
	json_plan_init(&plan, NULL, 0, 0);
	json_plan_numbers(&plan, paths, COUNT_OF(paths));

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str text = exact(str_from_z(cases[i].text));
		int64_t number[COUNT_OF(paths)];
		struct json_fault fault;
		if (!json_scan_numbers(&plan, text, 16, NULL, number, &fault))
			fail_msg("%s: refused at %zu", cases[i].text, fault.offset);
		for (size_t n = 0; n < COUNT_OF(paths); n++)
			if (number[n] != cases[i].want[n])
				fail_msg("%s: number %zu is %lld", cases[i].text, n, (long long)number[n]);
		free((char *)(uintptr_t)text.p);
	}
}

/* Names and strings of each length around the widths of vectors, at each distance from the text's end. */
static void takes_strings_of_each_length(void **state)
{
	static struct json_plan plan;
	json_plan_init(&plan, (const char *[]){ "abcdefghijklmnopqrstuvwxyz01234", "abc" }, 2, 0);

	for (size_t name = 0; name < 40; name++)
		for (size_t value = 0; value < 80; value++)
			for (size_t behind = 0; behind < 40; behind += 1 + behind / 4) {
				char text[200];
				struct json_hit hit[2];
				struct json_fault fault;
				int n = snprintf(text, sizeof text, "{\"%.*s\":\"%.*s\",\"x\":\"%.*s\"}", (int)name,
				                 "abcdefghijklmnopqrstuvwxyz0123456789-_~!", (int)value,
				                 "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN"
				                 "OPQRSTUVWXYZ0123456789", (int)behind,
				                 "0123456789012345678901234567890123456789");
				struct str copy = exact(str_of(text, (size_t)n));
				assert_true(json_scan(&plan, copy, 4, hit, &fault));
				assert_int_equal(hit[0].type, name == 31 ? JSON_STRING : JSON_ABSENT);
				assert_int_equal(hit[1].type, name == 3 ? JSON_STRING : JSON_ABSENT);
				for (unsigned i = 0; i < 2; i++)
					if (hit[i].type != JSON_ABSENT)
						assert_int_equal(hit[i].value.n, value + 2);
				free((char *)(uintptr_t)copy.p);
				for (int end = 0; end < n; end += 1 + n / 16)
					assert_false(valid(str_of(text, (size_t)end), 4));
			}
}

static void names_types(void **state)
{
	static const struct { const char *value; enum json_type type; } cases[] = {
		{ "null", JSON_NULL }, { "true", JSON_BOOL }, { "false", JSON_BOOL }, { "-1", JSON_NUMBER },
		{ "0", JSON_NUMBER },
		{ "\"\"", JSON_STRING }, { "[]", JSON_ARRAY }, { "{}", JSON_OBJECT },
	};
	static struct json_plan plan;
	json_plan_init(&plan, (const char *[]){ "v" }, 1, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[40];
		struct json_hit hit;
		struct json_fault fault;
		int n = snprintf(text, sizeof text, "{\"v\":%s}", cases[i].value);
		assert_true(json_scan(&plan, str_of(text, (size_t)n), 4, &hit, &fault));
		assert_int_equal(hit.type, cases[i].type);
	}
}

/*
 * JSONTestSuite
 */

static struct str from_base64(struct str text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = malloc(text.n);
	size_t n = 0;
	unsigned bits = 0, value = 0;

	for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
		value = value << 6 | (unsigned)(strchr(digits, text.p[i]) - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(value >> bits);
		}
	}
	return str_of(out, n);
}

/* A name that a reader without eyes for case would take for a wanted one is refused where the plan says so. */
static void names_in_other_letters(void **state)
{
	static const struct { const char *text; bool ok; size_t at; } cases[] = {
		{ "{\"model\":\"m\",\"stream\":true,\"models\":[],\"moden\":1,\"Modem\":2}", true, 0 },
		{ "{\"Model\":\"m\"}", false, 1 },
		{ "{\"model\":\"m\",\"MODEL\":\"n\"}", false, 13 },
		{ "{\"model\":\"m\",\"modeL\":\"n\",\"padding\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
			false, 13 },
		{ "{\"padding\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"Stream\":1}", false, 58 },
		{ "{ \"Model\" : 1 }", false, 2 },
		{ "{\"\\u004dodel\":1}", false, 1 },
		{ "{\"\\u006dodel\":1}", true, 0 },
		{ "{\"\xc5\xbftream\":1}", false, 1 },
		{ "{\"\\u017ftream\":1}", false, 1 },
		{ "{\"STREAM_OPTIONS\":{}}", false, 1 },
		{ "{\"stream_options\":{\"INCLUDE_USAGE\":1},\"messages\":[{\"Model\":1}],\"x\":{\"Model\":1}}", true,
			0 },
		{ "{\"Model\":}", false, 9 },                /* what is no JSON is said first */
	};
	struct json_plan plan;

	json_plan_init(&plan, (const char *[]){ "model", "stream", "stream_options.include_usage" }, 3,
	               JSON_REFUSE_TWICE | JSON_REFUSE_CASE);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_hit hit[3];
		struct json_fault fault;
		struct str text = exact(str_from_z(cases[i].text));
		bool ok = json_scan(&plan, text, 16, hit, &fault);
		if (ok != cases[i].ok || (!ok && fault.offset != cases[i].at))
			fail_msg("%s: %d %zu", cases[i].text, ok, ok ? 0 : fault.offset);
		free((char *)(uintptr_t)text.p);
	}
}

static const struct json_plan *request_plan(void)
{
	static struct json_plan plan;
	json_plan_init(&plan, (const char *[]){ "model", "stream", "stream_options.include_usage" }, 3,
	               JSON_REFUSE_TWICE);
	return &plan;
}

/* False only when the verdict is missed; the verdict `i` leaves it open. */
static bool judge(struct str name, struct str verdict, struct str text, bool wrapped)
{
	struct str copy = exact(text);
	struct json_hit hit[3];
	struct json_fault fault;
	bool ok = json_scan(request_plan(), copy, 512, hit, &fault);
	bool right = str_eq(verdict, STR("i")) || ok == str_eq(verdict, STR("y"));

	if (ok && wrapped && !json_is_str(hit[0].value, STR("m")))
		right = false;
	if (!right)
		print_error("%.*s%s: %s\n", STR_ARG(name), wrapped ? " (wrapped)" : "", ok ? "accepted" : "refused");
	free((char *)(uintptr_t)copy.p);
	return right;
}

static unsigned judge_both(struct str name, struct str verdict, struct str verdict_wrapped, struct str text)
{
	struct buf b = buf_make(SIZE_MAX / 2);
	unsigned right = judge(name, verdict, text, false);

	buf_append(&b, STR("{\"model\":\"m\",\"x\":"));
	buf_append(&b, text);
	buf_append_c(&b, '}');
	right += judge(name, verdict_wrapped, buf_str(&b), true);
	buf_fini(&b);
	return right;
}

static void passes_json_test_suite(void **state)
{
	FILE *f = fopen("../shared/jsontestsuite.jsonl", "r");
	char *line = NULL;
	size_t cap = 0, cases = 0, right = 0;
	ssize_t n;

	if (!f) {
		print_message("JSONTestSuite is not here; own cases only\n");
		skip();
	}
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		assert_non_null(doc);
		struct str name = { 0 }, verdict = { 0 }, wrapped = { 0 }, b64 = { 0 };
		yyjson_val *root = yyjson_doc_get_root(doc);
		assert_true(json_get_str(root, "name", &name) && json_get_str(root, "verdict", &verdict) &&
		            json_get_str(root, "wrapped", &wrapped) && json_get_str(root, "b64", &b64));
		struct str text = from_base64(b64);
		cases += 2;
		right += judge_both(name, verdict, wrapped, text);
		free((char *)(uintptr_t)text.p);
		yyjson_doc_free(doc);
	}
	free(line);
	fclose(f);
	print_message("JSONTestSuite: %zu of %zu\n", right, cases);
	assert_int_equal(right, cases);
}

static void judges_as_the_suite_does(void **state)
{
	static const struct { const char *name, *verdict, *wrapped; struct str text; } cases[] = {
		{ "lonely number", "y", "y", STR_INIT("-0.5E+10") },
		{ "white space of all kinds", "y", "y", STR_INIT(" \t\r\n[ \t\r\n] \t\r\n") },
		{ "lone surrogate escape", "i", "i", STR_INIT("[\"\\uD800\"]") },
		{ "swapped surrogate escapes", "i", "i", STR_INIT("[\"\\uDc00\\ud800\"]") },
		{ "raw surrogate", "n", "n", STR_INIT("[\"\xed\xa0\x80\"]") },
		{ "DEL", "y", "y", STR_INIT("[\"\x7f\"]") },
		{ "noncharacter", "y", "y", STR_INIT("[\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\"]") },
		{ "huge exponent", "i", "i", STR_INIT("1e99999999999") },
		{ "form feed", "n", "n", STR_INIT("[\f]") },
		{ "no-break space", "n", "n", STR_INIT("[\xc2\xa0]") },
		{ "double closing", "n", "n", STR_INIT("[]]") },
		{ "two values", "n", "n", STR_INIT("[],[]") },
		{ "member behind the value", "n", "y", STR_INIT("1,\"y\":2") },
		{ "NUL behind", "n", "n", STR_INIT("1\0") },
		{ "NUL as a wanted value", "n", "n", STR_INIT("{\"model\":\0}") },
		{ "NUL for a bracket", "n", "n", STR_INIT("{\"model\":\0]}") },
		{ "NUL for a bracket, with room", "n", "n",
		  STR_INIT("{\"model\":\0{},1],\"x\":\"0123456789012345678901234567890123456789\"}") },
		{ "blank behind a blank", "y", "y", STR_INIT("{\"stream\":  [ ]}") },
		{ "single quotes", "n", "n", STR_INIT("['a']") },
		{ "hex number", "n", "n", STR_INIT("[0x1]") },
	};
	size_t right = 0;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		right += judge_both(str_from_z(cases[i].name), str_from_z(cases[i].verdict),
		                    str_from_z(cases[i].wrapped), cases[i].text);
	assert_int_equal(right, 2 * COUNT_OF(cases));
}

/*
 * yyjson as a second opinion
 */

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* yyjson refuses escapes of lone surrogates; whether there is one is not asked again here. */
static bool has_surrogate_escape(struct str s)
{
	for (size_t i = 0; i + 3 < s.n; i++)
		if (s.p[i] == '\\' && s.p[i + 1] == 'u' && (s.p[i + 2] | 0x20) == 'd' && s.p[i + 3] &&
		    strchr("89abcdefABCDEF", s.p[i + 3]))
			return true;
	return false;
}

static void agrees_with_yyjson_on_mutations(void **state)
{
	static const char *const seeds[] = {
		"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\u00e4\\n\"}],\"stream\":"
		"true,\"temperature\":0.7,\"stream_options\":{\"include_usage\":true},\"n\":-12,\"x\":[1.5e-3,null,"
		"false,{}]}",
		" [ \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\", \"\\ud83d\\ude00\", 0, -0.0, 1e5, [[[]]], "
		"{\"a\":{\"b\":[{}]}} ] ",
	};
	static const char bits[] = "{}[]\",:\\u0e-+.tfn \n\x01\x7f\x80\xc3\xed\xf4\xff" "19dD8";
	uint64_t x = 88172645463325252u;
	struct json_hit hit[3];
	unsigned accepted = 0;

	for (unsigned round = 0; round < 60000; round++) {
		char text[400];
		const char *seed = seeds[round % COUNT_OF(seeds)];
		size_t n = strlen(seed);
		memcpy(text, seed, n);
		for (unsigned m = next_random(&x) % 3 + 1; m > 0; m--) {
			size_t at = next_random(&x) % n;
			switch (next_random(&x) % 4) {
			case 0: text[at] = bits[next_random(&x) % (sizeof bits - 1)]; break;
			case 1: memmove(text + at, text + at + 1, --n - at); break;
			case 2: memmove(text + at + 1, text + at, n++ - at);
				text[at] = bits[next_random(&x) % (sizeof bits - 1)];
				break;
			case 3: text[at] = text[next_random(&x) % n]; break;
			}
		}
		struct str copy = exact(str_of(text, n));
		struct json_fault fault;
		bool plain = json_scan(NULL, copy, JSON_DEPTH_MAX, NULL, &fault);
		bool ours = json_scan(request_plan(), copy, JSON_DEPTH_MAX, hit, &fault);
		if (plain && !ours)
			assert_int_equal(fault.error, JSON_ERR_TWICE);
		else
			assert_int_equal(plain, ours);
		yyjson_doc *doc = yyjson_read(copy.p, copy.n, YYJSON_READ_BIGNUM_AS_RAW);
		if (!!doc != plain && !(plain && has_surrogate_escape(copy)))
			fail_msg("yyjson says %d, we say %d: %.*s", !!doc, plain, STR_ARG(copy));
		accepted += plain;
		yyjson_doc_free(doc);
		free((char *)(uintptr_t)copy.p);
	}
	assert_true(accepted > 1000); /* or the mutations are too wild to say anything */
}

/*
 * Speed: printed for who reads it; the bound is far below what any machine of today does, so that only a fall back to
 * byte by byte is caught. Sanitized builds are slow by nature.
 */
static void is_fast(void **state)
{
	static const struct { const char *name, *unit; double least; } cases[] = {
		{ "ASCII", "The quick brown fox jumps over the lazy dog. ", 1.0 },
		{ "escapes", "if (x) {\\n\\tprintf(\\\"hello\\\");\\n}\\n", 0.05 },
		{ "French",
		  "D\xc3\xa8s No\xc3\xabl o\xc3\xb9 un z\xc3\xa9phyr ha\xc3\xaf me v\xc3\xaat de gla\xc3\xa7ons ",
		  0.05 },
		{ "Chinese", "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c\xe6\x8a\x8a", 0.05 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = buf_make(1 << 20);
		struct json_hit hit[3];
		struct json_fault fault;
		struct timespec from, to;
		double best = 1e9;
		buf_append(&b, STR("{\"messages\":[{\"role\":\"user\",\"content\":\""));
		while (b.n < 100000)
			buf_append(&b, str_from_z(cases[i].unit));
		buf_append(&b, STR("\"}],\"model\":\"m\"}"));
		for (unsigned round = 0; round < (SANITIZED ? 2 : 200); round++) {
			clock_gettime(CLOCK_MONOTONIC, &from);
			assert_true(json_scan(request_plan(), buf_str(&b), 64, hit, &fault));
			clock_gettime(CLOCK_MONOTONIC, &to);
			double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
			best = ns < best ? ns : best;
		}
		print_message("%s: %.1f GB/s\n", cases[i].name, (double)b.n / best);
		if (!SANITIZED)
			assert_true((double)b.n / best > cases[i].least);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_other_letters),
		cmocka_unit_test(says_where_and_what_is_wrong),
		cmocka_unit_test(takes_utf8_and_nothing_else),
		cmocka_unit_test(takes_each_byte_by_its_kind),
		cmocka_unit_test(counts_depth_to_the_ceiling),
		cmocka_unit_test(finds_wanted_members),
		cmocka_unit_test(looks_into_arrays),
		cmocka_unit_test(reads_wanted_numbers),
		cmocka_unit_test(takes_strings_of_each_length),
		cmocka_unit_test(names_types),
		cmocka_unit_test(passes_json_test_suite),
		cmocka_unit_test(judges_as_the_suite_does),
		cmocka_unit_test(agrees_with_yyjson_on_mutations),
		cmocka_unit_test(is_fast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
