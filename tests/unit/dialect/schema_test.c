/* SPDX-License-Identifier: Apache-2.0 */
/* schema: what strict modes and Gemini's subset get, and that no schema of a client's can hang or overflow it. */

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"
#include "lib/check.h"

static const struct {
	const char *name, *in, *out;
	bool changed;
} strict[] = {
	{ "an object is closed",
		"{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"integer\"}}}",
	  "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"integer\"}},"
	  "\"additionalProperties\":false}",
	  false },
	{ "objects inside too, with their order",
	  "{\"properties\":{\"z\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{}}}},"
	  "\"required\":[\"z\"]}",
	  "{\"properties\":{\"z\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{},"
	  "\"additionalProperties\":false}}},"
	  "\"required\":[\"z\"],\"additionalProperties\":false}",
	  false },
	{ "limits become words", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,\"description\":\"How many\"}",
	  "{\"type\":\"integer\",\"description\":\"How many\\n\\n{minimum: 1, maximum: 9}\"}", true },
	{ "a pattern is escaped", "{\"type\":\"string\",\"pattern\":\"^\\\"\\\\d\"}",
	  "{\"type\":\"string\",\"description\":\"{pattern: \\\"^\\\\\\\"\\\\\\\\d\\\"}\"}", true },
	{ "oneOf", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{}}]}",
	  "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}]}",
	  false },
	{ "formats", "{\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"date\"},\"b\":{\"type\":\"string\","
		"\"format\":\"binary\"}}}",
	  "{\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"date\"},\"b\":{\"type\":\"string\","
	  "\"description\":\"{format: \\\"binary\\\"}\"}},"
	  "\"additionalProperties\":false}",
	  true },
	{ "a property may be called like a keyword",
	  "{\"type\":\"object\",\"properties\":{\"minimum\":{\"type\":\"number\"},\"description\":{\"type\":\"string\"}"
	  "}}",
	  "{\"type\":\"object\",\"properties\":{\"minimum\":{\"type\":\"number\"},\"description\":{\"type\":\"string\"}"
	  "},"
	  "\"additionalProperties\":false}",
	  false },
	{ "nullable", "{\"type\":\"string\",\"nullable\":true}", "{\"type\":[\"string\",\"null\"]}", false },
	{ "definitions stay", "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\",\"$comment\":\"c\"}}}",
	  "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\",\"additionalProperties\":false}}}", false },
	{ "a map is said in words", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
	  "{\"type\":\"object\",\"description\":\"{additionalProperties: {\\\"type\\\":\\\"string\\\"}}\","
	  "\"additionalProperties\":false}",
	  true },
	{ "no schema", "[1]", "[1]", false },
	{ "not even JSON", "{\"a\"", "{\"a\"", false },
}, gemini[] = {
	{ "what it knows", "{\"type\":\"object\",\"title\":\"T\",\"properties\":{\"b\":{\"type\":\"integer\","
		"\"minimum\":1},\"a\":{\"type\":\"string\"}},"
	  "\"required\":[\"b\"],\"additionalProperties\":false,\"$schema\":\"s\"}",
	  "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"integer\",\"minimum\":1},\"a\":{\"type\":\"string\"}}"
	  ",\"required\":[\"b\"],\"title\":\"T\"}",
	  false },
	{ "references are written out",
		"{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/$defs/P\",\"description\":\"mine\"}},"
	  "\"$defs\":{\"P\":{\"type\":\"object\",\"description\":\"its\",\"properties\":{\"x\":{\"type\":\"number\"}}}}"
	  "}",
	  "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"}}"
	  ",\"description\":\"mine\"}}}",
	  false },
	{ "const", "{\"const\":\"a\"}", "{\"type\":\"string\",\"enum\":[\"a\"]}", false },
	{ "a type or null", "{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\",\"nullable\":true}", false },
	{ "several types", "{\"type\":[\"string\",\"integer\"]}",
		"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", false },
	{ "optional as Pydantic says it",
		"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"default\":null,\"title\":\"N\"}",
	  "{\"type\":\"integer\",\"title\":\"N\",\"nullable\":true}", false },
	{ "a choice", "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"},{\"type\":\"null\"}]}",
	  "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"nullable\":true}", false },
	{ "allOf is joined", "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},"
		"{\"properties\":{\"b\":{\"type\":\"string\"}}}]}",
	  "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}},"
	  "\"required\":[\"a\"]}", false },
	{ "only strings can be enumerated", "{\"type\":\"integer\",\"enum\":[1,2]}",
		"{\"type\":\"integer\",\"description\":\"{enum: [1,2]}\"}", true },
	{ "enum with null", "{\"enum\":[\"a\",null]}", "{\"type\":\"string\",\"enum\":[\"a\"],\"nullable\":true}",
		false },
	{ "formats", "{\"type\":\"string\",\"format\":\"email\"}",
		"{\"type\":\"string\",\"description\":\"{format: \\\"email\\\"}\"}", true },
	{ "a reference that leads nowhere", "{\"$ref\":\"#/$defs/none\"}", "{}", false },
	{ "escapes of references", "{\"properties\":{\"p\":{\"$ref\":\"#/definitions/a~1b\"}},"
		"\"definitions\":{\"a/b\":{\"type\":\"string\"}}}",
	  "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\"}}}", false },
	{ "patternProperties", "{\"type\":\"object\",\"patternProperties\":{\"^x\":{}}}", "{\"type\":\"object\"}",
		true },
}, wrap[] = {
	{ "a choice", "{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"type\":\"string\"}}}",
	  "{\"type\":\"object\",\"properties\":{\"value\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}]}},"
	  "\"required\":[\"value\"],"
	  "\"additionalProperties\":false,\"$defs\":{\"a\":{\"type\":\"string\"}}}",
	  true },
	{ "an array", "{\"type\":\"array\"}",
	  "{\"type\":\"object\",\"properties\":{\"value\":{\"type\":\"array\"}},\"required\":[\"value\"],"
	  "\"additionalProperties\":false}", true },
	{ "an object", "{\"type\":\"object\"}", "{\"type\":\"object\"}", false },
};

static void strict_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(strict); i++) {
		struct arena a;
		bool changed;

		arena_init(&a, 1 << 20);
		check_str(strict[i].name, chat_schema_strict(&a, str_from_z(strict[i].in), &changed),
		          str_from_z(strict[i].out));
		check(strict[i].name, changed == strict[i].changed);
		arena_fini(&a);
	}
}

static void subset(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(gemini); i++) {
		struct arena a;
		bool changed;

		arena_init(&a, 1 << 20);
		check_str(gemini[i].name, chat_schema_gemini(&a, str_from_z(gemini[i].in), &changed),
		          str_from_z(gemini[i].out));
		check(gemini[i].name, changed == gemini[i].changed);
		arena_fini(&a);
	}
}

static void wrapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrap); i++) {
		struct str schema = str_from_z(wrap[i].in);
		struct arena a;

		arena_init(&a, 1 << 20);
		check(wrap[i].name, chat_schema_wrap(&a, &schema) == wrap[i].changed);
		check_str(wrap[i].name, schema, str_from_z(wrap[i].out));
		arena_fini(&a);
	}
}

/* Each refers to itself more than once, or lies deeper than anyone reads: the answer is valid, and bounded. */
static void hostile(void **state)
{
	static const char *const endless[] = {
		"{\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":\"#\"},\"c\":{\"$ref\":\"#\"}}}",
		"{\"$ref\":\"#\"}",
		"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#/allOf/0\"}]}",
		"{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/b\"}]},"
		"\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},"
		"{\"$ref\":\"#/$defs/a\"}]}},\"$ref\":\"#/$defs/a\"}",
	};
	struct buf deep = buf_make(1 << 20);
	struct json_fault fault;
	struct arena a;
	bool changed;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(endless); i++) {
		arena_init(&a, 8 << 20);
		struct str s = chat_schema_gemini(&a, str_from_z(endless[i]), &changed);
		check(endless[i], s.p && s.n < (1 << 16) && json_scan(NULL, s, JSON_DEPTH_MAX, NULL, &fault));
		s = chat_schema_strict(&a, str_from_z(endless[i]), &changed);
		check(endless[i], s.p && json_scan(NULL, s, JSON_DEPTH_MAX, NULL, &fault));
		arena_fini(&a);
	}
	for (int i = 0; i < 150; i++)
		buf_append(&deep, STR("{\"items\":"));
	buf_append(&deep, STR("{}"));
	for (int i = 0; i < 150; i++)
		buf_append_c(&deep, '}');
	arena_init(&a, 8 << 20);
	struct str s = chat_schema_gemini(&a, buf_str(&deep), &changed);
	check("deep", s.p && json_scan(NULL, s, JSON_DEPTH_MAX, NULL, &fault));
	s = chat_schema_strict(&a, buf_str(&deep), &changed);
	check_str("deep", s, buf_str(&deep));
	arena_fini(&a);
	buf_fini(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_modes),
		cmocka_unit_test(subset),
		cmocka_unit_test(wrapped),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
