/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of a JSON Schema, for tool calls and structured outputs of the demo provider. Gemini's too. */
#include "main/demo_in.h"

#include <assert.h>

#include "json/write.h"

#define DEPTH_MAX      12 /* schemas may refer to themselves */
#define PROPERTIES_MAX 64

struct maker {
	struct json_writer w;
	yyjson_val *root;
};

static void put_instance(struct maker *, yyjson_val *schema, unsigned depth);

/* Follows "$ref":"#/…" within the schema. */
static yyjson_val *resolve(const struct maker *m, yyjson_val *schema)
{
	for (unsigned i = 0; i < DEPTH_MAX; i++) {
		struct str ref = demo_text(schema, "$ref");
		if (ref.n < 2 || ref.p[0] != '#')
			return schema;
		schema = yyjson_ptr_getn(m->root, ref.p + 1, ref.n - 1);
	}
	return schema;
}

static struct str type_of(yyjson_val *schema)
{
	yyjson_val *type = json_get(schema, "type");
	struct str s = { 0 };

	if (yyjson_is_arr(type)) /* ["string", "null"] */
		type = yyjson_arr_get_first(type);
	if (json_val_str(type, &s))
		return s;
	return json_get(schema, "properties") ? STR("object") : STR("");
}

static yyjson_val *first_choice(yyjson_val *schema)
{
	static const char *const words[] = { "anyOf", "oneOf", "allOf" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		yyjson_val *v = yyjson_arr_get_first(json_get(schema, words[i]));
		if (v)
			return v;
	}
	return NULL;
}

static void put_object(struct maker *m, yyjson_val *schema, unsigned depth)
{
	yyjson_obj_iter iter = yyjson_obj_iter_with(json_get(schema, "properties"));
	yyjson_val *key;
	struct str name;

	json_open(&m->w, '{');
	for (unsigned i = 0; i < PROPERTIES_MAX && (key = yyjson_obj_iter_next(&iter)); i++) {
		if (!json_val_str(key, &name))
			continue;
		json_key(&m->w, name);
		put_instance(m, yyjson_obj_iter_get_val(key), depth + 1);
	}
	json_close(&m->w);
}

static void put_array(struct maker *m, yyjson_val *schema, unsigned depth)
{
	yyjson_val *item = json_get(schema, "items");

	json_open(&m->w, '[');
	if (item && depth < DEPTH_MAX)
		put_instance(m, item, depth + 1);
	json_close(&m->w);
}

static bool put_constant(struct maker *m, yyjson_val *schema)
{
	yyjson_val *value = json_get(schema, "const");
	struct str s;

	if (!value)
		value = yyjson_arr_get_first(json_get(schema, "enum"));
	if (!value)
		return false;
	if (json_val_str(value, &s))
		json_str(&m->w, s);
	else if (yyjson_is_int(value))
		json_i64(&m->w, yyjson_get_sint(value));
	else if (yyjson_is_bool(value))
		json_bool(&m->w, yyjson_get_bool(value));
	else
		json_null(&m->w);
	return true;
}

static void put_instance(struct maker *m, yyjson_val *schema, unsigned depth)
{
	struct str type;

	schema = resolve(m, schema);
	if (depth >= DEPTH_MAX) {
		json_null(&m->w);
		return;
	}
	if (put_constant(m, schema))
		return;
	type = type_of(schema);
	if (type.n == 0 && first_choice(schema)) {
		put_instance(m, first_choice(schema), depth + 1);
		return;
	}
	if (str_ieq(type, STR("object")))
		put_object(m, schema, depth);
	else if (str_ieq(type, STR("array")))
		put_array(m, schema, depth);
	else if (str_ieq(type, STR("integer")) || str_ieq(type, STR("number")))
		json_i64(&m->w, demo_number(schema, "minimum", 1));
	else if (str_ieq(type, STR("boolean")))
		json_bool(&m->w, true);
	else if (str_ieq(type, STR("null")))
		json_null(&m->w);
	else
		json_str(&m->w, STR("demo"));
}

void demo_schema_put(struct buf *out, yyjson_val *schema)
{
	struct maker m = { .w = json_writer_make(out), .root = schema };

	put_instance(&m, schema, 0);
}
