/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_schema: schemas in the words of OpenAPI 3.0, as Gemini's clients give them, as JSON Schema. */

#include "base/arena.h"
#include "dialect/gemini_in.h"

enum { LEVELS_MAX = 52 };

/* ai.google.dev/api/caching#Schema */
static const struct str names[] = {
	STR_INIT("anyOf"), STR_INIT("minItems"), STR_INIT("maxItems"), STR_INIT("minLength"), STR_INIT("maxLength"),
	STR_INIT("minProperties"), STR_INIT("maxProperties"),
};

static bool is_upper(struct jstr s) { return s.n && s.p[0] >= 'A' && s.p[0] <= 'Z'; }

/* Is there a word in it that JSON Schema has not? Properties may be called like one, which does no harm. */
static bool is_openapi(const struct json_node *s)
{
	const struct json_node *end = s + s->skip;

	for (const struct json_node *m = s + 1; m < end; m++) {
		if (!m->key)
			continue;
		if ((node_named(m, STR("type")) && is_upper(node_text(m))) || node_named(m, STR("nullable")) ||
		    gemini_named(m, STR("propertyOrdering")) || node_named(m, STR("example")))
			return true;
		for (size_t i = 0; i < COUNT_OF(names); i++)
			if (gemini_named(m, names[i]) && (!node_named(m, names[i]) || node_is(m, JSON_STRING)))
				return true;
	}
	return false;
}

static void put_schema(struct json_writer *w, const struct json_node *s);

static void put_type(struct json_writer *w, struct jstr word, bool nullable)
{
	char lower[16];

	if (word.n > sizeof(lower) || jstr_is(word, STR("TYPE_UNSPECIFIED")))
		return;
	for (size_t i = 0; i < word.n; i++)
		lower[i] = (char)(word.p[i] >= 'A' && word.p[i] <= 'Z' ? word.p[i] + 32 : word.p[i]);
	json_key_lit(w, "type");
	if (nullable)
		json_open(w, '[');
	json_jstr(w, jstr_of(lower, word.n));
	if (!nullable)
		return;
	json_str(w, STR("null"));
	json_close(w);
}

static void put_list(struct json_writer *w, const struct json_node *list, bool schemas, struct str more)
{
	json_open(w, '[');
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m)) {
		if (schemas)
			put_schema(w, m);
		else
			json_raw(w, node_raw(m));
	}
	if (more.n)
		json_raw(w, more);
	json_close(w);
}

static void put_map(struct json_writer *w, const struct json_node *map)
{
	json_open(w, '{');
	for (const struct json_node *m = node_first(map); m; m = node_next(map, m)) {
		json_key_jstr(w, node_key(m));
		put_schema(w, m);
	}
	json_close(w);
}

/* int64 is a string in the JSON of Google's APIs. */
static void put_plain(struct json_writer *w, const struct json_node *m)
{
	struct jstr text = node_text(m);

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!gemini_named(m, names[i]))
			continue;
		json_key(w, names[i]);
		if (text.n && text.n < 19 && strspn(text.p, "0123456789") >= text.n)
			json_raw(w, jstr_raw(text));
		else
			json_raw(w, node_raw(m));
		return;
	}
	json_key_jstr(w, node_key(m));
	json_raw(w, node_raw(m));
}

static void put_member(struct json_writer *w, const struct json_node *m, bool nullable)
{
	if (node_named(m, STR("nullable")) || gemini_named(m, STR("propertyOrdering")) ||
	    (node_named(m, STR("format")) && node_is_word(m, STR("enum"))))
		return;
	if (node_named(m, STR("type")) && node_is(m, JSON_STRING)) {
		put_type(w, node_text(m), nullable);
	} else if (node_named(m, STR("properties")) && node_is(m, JSON_OBJECT)) {
		json_key_lit(w, "properties");
		put_map(w, m);
	} else if (node_named(m, STR("items"))) {
		json_key_lit(w, "items");
		put_schema(w, m);
	} else if (gemini_named(m, STR("anyOf")) && node_is(m, JSON_ARRAY)) {
		json_key_lit(w, "anyOf");
		put_list(w, m, true, nullable ? STR("{\"type\":\"null\"}") : STR(""));
	} else if (node_named(m, STR("enum")) && node_is(m, JSON_ARRAY)) {
		json_key_lit(w, "enum");
		put_list(w, m, false, nullable ? STR("null") : STR(""));
	} else if (node_named(m, STR("example"))) {
		json_key_lit(w, "examples");
		json_open(w, '[');
		json_raw(w, node_raw(m));
		json_close(w);
	} else {
		put_plain(w, m);
	}
}

static void put_schema(struct json_writer *w, const struct json_node *s)
{
	bool nullable;

	if (!node_is(s, JSON_OBJECT) || w->level >= LEVELS_MAX) {
		json_raw(w, node_raw(s));
		return;
	}
	nullable = node_true(node_get(s, STR("nullable")));
	json_open(w, '{');
	for (const struct json_node *m = node_first(s); m; m = node_next(s, m))
		put_member(w, m, nullable);
	json_close(w);
}

struct str gemini_schema_read(struct arena *a, const struct json_node *schema)
{
	struct buf out;
	struct json_writer w;
	struct str copy = { 0 };

	if (!node_is(schema, JSON_OBJECT) || !is_openapi(schema))
		return node_raw(schema);
	out = buf_make((size_t)schema->n * 8 + 1024);
	w = json_writer_make(&out);
	put_schema(&w, schema);
	if (json_write_done(&w))
		copy = arena_dup(a, buf_str(&out));
	buf_fini(&out);
	return copy;
}
