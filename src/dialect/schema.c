/* SPDX-License-Identifier: Apache-2.0 */
/* schema: JSON Schemas cut down to what strict modes and Gemini's older models take (rules S5, S6). */

#include <assert.h>

#include "base/arena.h"
#include "dialect/chat.h"

enum {
	/* of the text written: below the writer's own ceiling; what lies deeper stays as it is */
	LEVELS_MAX = 52,
	REFS_MAX = 64,           /* references that lead into one another */
	SOURCES_MAX = 24,        /* schemas of which one is made: itself, what it refers to, the parts of its allOf */
	KEYWORDS_MAX = 256,      /* of one schema; who has more means no schema */
	SCHEMA_DEPTH_MAX = 200,
};

/* What becomes of a keyword. */
enum act {
	KEEP,
	CUT,                     /* says nothing about values */
	LOSE,                    /* says something, which has no place in the target */
	NOTE,                    /* goes into the description, for the model to read */
	OWN,                     /* has code of its own */
};

/* What its value is. */
enum holds { PLAIN, SCHEMA, SCHEMAS, MAP };

struct keyword {
	struct str name;
	uint8_t holds, strict, gemini;
};

static const struct keyword keywords[] = {
	{ STR_INIT("type"), PLAIN, OWN, OWN },
	{ STR_INIT("description"), PLAIN, OWN, OWN },
	{ STR_INIT("properties"), MAP, KEEP, OWN },
	{ STR_INIT("required"), PLAIN, KEEP, OWN },
	{ STR_INIT("items"), SCHEMA, KEEP, KEEP },
	{ STR_INIT("enum"), PLAIN, KEEP, OWN },
	{ STR_INIT("additionalProperties"), SCHEMA, OWN, OWN },
	{ STR_INIT("anyOf"), SCHEMAS, KEEP, OWN },
	{ STR_INIT("oneOf"), SCHEMAS, OWN, OWN },
	{ STR_INIT("allOf"), SCHEMAS, KEEP, OWN },
	{ STR_INIT("$ref"), PLAIN, KEEP, OWN },
	{ STR_INIT("$defs"), MAP, KEEP, CUT },
	{ STR_INIT("definitions"), MAP, KEEP, CUT },
	{ STR_INIT("title"), PLAIN, KEEP, KEEP },
	{ STR_INIT("const"), PLAIN, KEEP, OWN },
	{ STR_INIT("format"), PLAIN, OWN, OWN },
	{ STR_INIT("default"), PLAIN, NOTE, KEEP },
	{ STR_INIT("minimum"), PLAIN, NOTE, KEEP },
	{ STR_INIT("maximum"), PLAIN, NOTE, KEEP },
	{ STR_INIT("minLength"), PLAIN, NOTE, KEEP },
	{ STR_INIT("maxLength"), PLAIN, NOTE, KEEP },
	{ STR_INIT("pattern"), PLAIN, NOTE, KEEP },
	{ STR_INIT("minItems"), PLAIN, OWN, KEEP },
	{ STR_INIT("maxItems"), PLAIN, NOTE, KEEP },
	{ STR_INIT("minProperties"), PLAIN, NOTE, KEEP },
	{ STR_INIT("maxProperties"), PLAIN, NOTE, KEEP },
	{ STR_INIT("example"), PLAIN, NOTE, KEEP },
	{ STR_INIT("nullable"), PLAIN, OWN, OWN },
	{ STR_INIT("propertyOrdering"), PLAIN, CUT, KEEP },
	{ STR_INIT("$schema"), PLAIN, CUT, CUT },
	{ STR_INIT("$id"), PLAIN, CUT, CUT },
	{ STR_INIT("$anchor"), PLAIN, CUT, CUT },
	{ STR_INIT("$comment"), PLAIN, CUT, CUT },
	{ STR_INIT("deprecated"), PLAIN, CUT, CUT },
	{ STR_INIT("readOnly"), PLAIN, CUT, CUT },
	{ STR_INIT("writeOnly"), PLAIN, CUT, CUT },
	{ STR_INIT("patternProperties"), PLAIN, NOTE, LOSE },
	/* exclusiveMinimum, multipleOf, uniqueItems, not, if, contains, prefixItems …: to be read by the model */
	{ STR_INIT(""), PLAIN, NOTE, NOTE },
};

static const struct keyword *keyword_of(const struct json_node *m)
{
	const struct keyword *k = keywords;

	while (k->name.n && !node_named(m, k->name))
		k++;
	return k;
}

struct work {
	struct arena *arena;
	struct json_writer w;
	const struct json_node *root;
	const struct json_node *refs[REFS_MAX];  /* being written now */
	unsigned n_refs;
	size_t max_bytes;                        /* beyond it no reference is followed */
	bool changed;
	bool failed;
};

static bool is_in(struct jstr word, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (jstr_is(word, list[i]))
			return true;
	return false;
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

/* What goes behind the description: "{minimum: 1, pattern: "^a"}", as the contents of a JSON string. */
struct notes {
	struct buf text;
};

static void note(struct notes *n, struct work *k, const struct json_node *m)
{
	struct jstr value = jstr_from(k->arena, node_raw(m));

	k->changed = true;
	if (!value.p)
		k->failed = true;
	buf_append(&n->text, n->text.n ? STR(", ") : STR("{"));
	buf_append_jstr(&n->text, node_key(m));
	buf_append(&n->text, STR(": "));
	buf_append_jstr(&n->text, value);
}

static void put_description(struct work *k, struct jstr old, struct notes *n)
{
	struct jstr both = old;
	struct str add;

	if (n->text.n) {
		buf_append_c(&n->text, '}');
		add = arena_dup(k->arena, buf_str(&n->text));
		both = old.n ? jstr_concat(k->arena, old, JSTR("\\n\\n")) : old;
		both = jstr_concat(k->arena, both, jstr_of(add.p, add.n));
		k->failed |= !add.p || !both.p || n->text.failed;
	}
	if (both.p) {
		json_key_lit(&k->w, "description");
		json_jstr(&k->w, both);
	}
	buf_fini(&n->text);
}

static void put_key(struct work *k, const struct json_node *m) { json_key_jstr(&k->w, node_key(m)); }

/* ---- strict modes ------------------------------------------------------------------------------------------------ */

static void put_strict(struct work *, const struct json_node *);

/* The formats that both OpenAI's and Anthropic's strict modes know. */
static const struct str strict_formats[] = {
	STR_INIT("date-time"), STR_INIT("time"), STR_INIT("date"), STR_INIT("duration"), STR_INIT("email"),
	STR_INIT("hostname"), STR_INIT("ipv4"), STR_INIT("ipv6"), STR_INIT("uuid"),
};

static bool type_has(const struct json_node *type, struct str word)
{
	if (node_is_word(type, word))
		return true;
	if (!node_is(type, JSON_ARRAY))
		return false;
	for (const struct json_node *t = node_first(type); t; t = node_next(type, t))
		if (node_is_word(t, word))
			return true;
	return false;
}

static bool is_object_schema(const struct json_node *s)
{
	const struct json_node *type = node_get(s, STR("type"));

	return type_has(type, STR("object")) || (!type && node_get(s, STR("properties")));
}

static enum act strict_act(const struct keyword *k, const struct json_node *m, bool object)
{
	if (k->strict != OWN)
		return (enum act)k->strict;
	if (str_eq(k->name, STR("format")))
		return is_in(node_text(m), strict_formats, COUNT_OF(strict_formats)) ? KEEP : NOTE;
	if (str_eq(k->name, STR("minItems")))
		return node_is(m, JSON_NUMBER) && m->n == 1 && (m->p[0] == '0' || m->p[0] == '1') ? KEEP : NOTE;
	if (str_eq(k->name, STR("nullable")))
		return CUT;
	if (str_eq(k->name, STR("additionalProperties")))
		return node_is(m, JSON_BOOL) ? (!object || node_true(m) ? LOSE : CUT) : NOTE;
	return KEEP;
}

/* A nullable type of OpenAPI as one of JSON Schema. */
static void put_type(struct work *k, const struct json_node *type, bool nullable)
{
	json_key_lit(&k->w, "type");
	if (!nullable || !node_is(type, JSON_STRING)) {
		json_raw(&k->w, node_raw(type));
		return;
	}
	json_open(&k->w, '[');
	json_raw(&k->w, node_raw(type));
	json_str(&k->w, STR("null"));
	json_close(&k->w);
}

static void put_children(struct work *k, const struct json_node *of, enum holds holds)
{
	bool list = holds == SCHEMAS;

	if (holds == PLAIN || of->type != (list ? JSON_ARRAY : JSON_OBJECT)) {
		json_raw(&k->w, node_raw(of));
		return;
	}
	if (holds == SCHEMA) {
		put_strict(k, of);
		return;
	}
	json_open(&k->w, list ? '[' : '{');
	for (const struct json_node *m = node_first(of); m; m = node_next(of, m)) {
		if (!list)
			put_key(k, m);
		put_strict(k, m);
	}
	json_close(&k->w);
}

static void put_strict(struct work *k, const struct json_node *s)
{
	struct notes notes = { buf_make(1 << 20) };
	bool object = is_object_schema(s), nullable = node_true(node_get(s, STR("nullable")));

	if (!node_is(s, JSON_OBJECT) || k->w.level >= LEVELS_MAX) {
		json_raw(&k->w, node_raw(s));
		return;
	}
	json_open(&k->w, '{');
	for (const struct json_node *m = node_first(s); m; m = node_next(s, m)) {
		const struct keyword *word = keyword_of(m);

		switch (strict_act(word, m, object)) {
		case KEEP:
			if (str_eq(word->name, STR("description")))
				break;
			if (str_eq(word->name, STR("type"))) {
				put_type(k, m, nullable);
				break;
			}
			if (str_eq(word->name, STR("oneOf")))
				json_key_lit(&k->w, "anyOf");
			else
				put_key(k, m);
			put_children(k, m, (enum holds)word->holds);
			break;
		case LOSE: k->changed = true; break;
		case NOTE: note(&notes, k, m); break;
		case CUT:
		case OWN: break;
		}
	}
	put_description(k, node_get_text(s, STR("description")), &notes);
	if (object) {
		json_key_lit(&k->w, "additionalProperties");
		json_bool(&k->w, false);
	}
	json_close(&k->w);
}

/* ---- Gemini's subset --------------------------------------------------------------------------------------------- */

/* One schema made of several: what it says itself, what it refers to, and the parts of an allOf. The first that has a
 * keyword wins; properties and required are joined. */
struct view {
	const struct json_node *from[SOURCES_MAX];
	unsigned n;
	bool nullable;
	bool deep;                               /* there was more than can be joined */
};

static const struct json_node *view_get(const struct view *v, struct str name)
{
	for (unsigned i = 0; i < v->n; i++) {
		const struct json_node *m = node_get_some(v->from[i], name);
		if (m)
			return m;
	}
	return NULL;
}

/* "#/$defs/a~1b": by the names on the way (RFC 6901). NULL: leads nowhere. */
static const struct json_node *follow(struct work *k, struct jstr ref)
{
	struct str plain = jstr_plain(k->arena, ref), rest = str_slice(plain, 2, plain.n);
	const struct json_node *at = k->root;
	struct buf name = buf_make(1024);

	if (!str_starts(plain, STR("#/")))
		at = str_eq(plain, STR("#")) ? at : NULL;
	else
		while (rest.p && at) {
			struct str part = str_cut(&rest, '/');

			buf_clear(&name);
			for (size_t i = 0; i < part.n; i++) {
				bool tilde = part.p[i] == '~' && i + 1 < part.n;
				buf_append_c(&name, !tilde ? part.p[i] : part.p[++i] == '1' ? '/' : '~');
			}
			struct jstr key = jstr_from(k->arena, buf_str(&name));
			uint64_t index;
			if (node_is(at, JSON_ARRAY))
				at = str_to_u64(buf_str(&name), &index) ? node_at(at, index) : NULL;
			else
				at = key.p ? node_get(at, jstr_raw(key)) : NULL;
		}
	buf_fini(&name);
	return at;
}

static bool is_null_schema(const struct json_node *s) { return node_is_word(node_get(s, STR("type")), STR("null")); }

/* The one of a list that is not null; NULL: there are none or several. */
static const struct json_node *only_one(const struct json_node *list, bool *nullable)
{
	const struct json_node *one = NULL;
	unsigned n = 0;

	if (!node_is(list, JSON_ARRAY))
		return NULL;
	for (const struct json_node *s = node_first(list); s; s = node_next(list, s)) {
		if (is_null_schema(s)) {
			*nullable = true;
			continue;
		}
		one = s;
		n++;
	}
	return n == 1 ? one : NULL;
}

static void gather(struct work *k, struct view *v, const struct json_node *s)
{
	const struct json_node *list;

	if (!node_is(s, JSON_OBJECT))
		return;
	for (unsigned i = 0; i < v->n; i++)
		if (v->from[i] == s)
			return;
	if (v->n == SOURCES_MAX || s->children > KEYWORDS_MAX) {
		v->deep = true;
		return;
	}
	v->from[v->n++] = s;
	v->nullable |= node_true(node_get(s, STR("nullable")));
	if (node_get(s, STR("$ref")))
		gather(k, v, follow(k, node_get_text(s, STR("$ref"))));
	list = node_get(s, STR("allOf"));
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m))
			gather(k, v, m);
	gather(k, v, only_one(node_get(s, STR("anyOf")), &v->nullable));
	gather(k, v, only_one(node_get(s, STR("oneOf")), &v->nullable));
}

static void put_gemini(struct work *, const struct json_node *);

/* One type; several become anyOf, null becomes nullable. */
static void put_gemini_type(struct work *k, struct view *v)
{
	const struct json_node *type = view_get(v, STR("type")), *one = type, *any = view_get(v, STR("anyOf"));
	unsigned n = 0;

	if (node_is(type, JSON_ARRAY)) {
		for (const struct json_node *t = node_first(type); t; t = node_next(type, t)) {
			if (node_is_word(t, STR("null"))) {
				v->nullable = true;
				continue;
			}
			one = t;
			n++;
		}
	}
	if (n > 1 && !any) {
		json_key_lit(&k->w, "anyOf");
		json_open(&k->w, '[');
		for (const struct json_node *t = node_first(type); t; t = node_next(type, t)) {
			if (node_is_word(t, STR("null")))
				continue;
			json_open(&k->w, '{');
			json_key_lit(&k->w, "type");
			json_raw(&k->w, node_raw(t));
			json_close(&k->w);
		}
		json_close(&k->w);
	} else if (n <= 1 && node_is(one, JSON_STRING)) {
		json_key_lit(&k->w, "type");
		json_raw(&k->w, node_raw(one));
	} else if (!type && view_get(v, STR("properties"))) {
		json_key_lit(&k->w, "type");
		json_str(&k->w, STR("object"));
	}
}

/* Enumerations are of strings only. */
static void put_gemini_enum(struct work *k, struct view *v, struct notes *notes)
{
	const struct json_node *list = view_get(v, STR("enum")), *one = view_get(v, STR("const"));
	bool strings = node_is(list, JSON_ARRAY);

	if (one && !node_is(one, JSON_STRING))
		note(notes, k, one);
	if (strings)
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m))
			strings &= node_is(m, JSON_STRING) || node_is(m, JSON_NULL);
	if (list && !strings)
		note(notes, k, list);
	if (!node_is(one, JSON_STRING) && !strings)
		return;
	if (!view_get(v, STR("type"))) {
		json_key_lit(&k->w, "type");
		json_str(&k->w, STR("string"));
	}
	json_key_lit(&k->w, "enum");
	json_open(&k->w, '[');
	if (node_is(one, JSON_STRING))
		json_raw(&k->w, node_raw(one));
	else
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m)) {
			if (node_is(m, JSON_STRING))
				json_raw(&k->w, node_raw(m));
			else
				v->nullable = true;
		}
	json_close(&k->w);
}

static void put_gemini_properties(struct work *k, const struct view *v)
{
	if (!view_get(v, STR("properties")))
		return;
	json_key_lit(&k->w, "properties");
	json_open(&k->w, '{');
	for (unsigned i = 0; i < v->n; i++) {
		const struct json_node *map = node_get(v->from[i], STR("properties"));

		if (!node_is(map, JSON_OBJECT))
			continue;
		for (const struct json_node *m = node_first(map); m; m = node_next(map, m)) {
			put_key(k, m);
			put_gemini(k, m);
		}
	}
	json_close(&k->w);
	if (!view_get(v, STR("required")))
		return;
	json_key_lit(&k->w, "required");
	json_open(&k->w, '[');
	for (unsigned i = 0; i < v->n; i++) {
		const struct json_node *list = node_get(v->from[i], STR("required"));

		if (!node_is(list, JSON_ARRAY))
			continue;
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m))
			json_raw(&k->w, node_raw(m));
	}
	json_close(&k->w);
}

/* A choice between several; one of which the view already has is no choice. */
static void put_gemini_choice(struct work *k, struct view *v)
{
	bool nullable = false;

	for (unsigned i = 0; i < v->n; i++) {
		const struct json_node *list = node_get(v->from[i], STR("anyOf"));

		if (!list)
			list = node_get(v->from[i], STR("oneOf"));
		if (!node_is(list, JSON_ARRAY) || only_one(list, &nullable))
			continue;
		json_key_lit(&k->w, "anyOf");
		json_open(&k->w, '[');
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m))
			if (is_null_schema(m))
				v->nullable = true;
			else
				put_gemini(k, m);
		json_close(&k->w);
		return;
	}
}

/* What has no code of its own. */
static void put_gemini_rest(struct work *k, const struct view *v, struct notes *notes)
{
	static const struct str formats[] = {
		STR_INIT("date-time"), STR_INIT("enum"), STR_INIT("int32"), STR_INIT("int64"), STR_INIT("float"),
		STR_INIT("double"),
	};

	for (unsigned i = 0; i < v->n; i++)
		for (const struct json_node *m = node_first(v->from[i]); m; m = node_next(v->from[i], m)) {
			const struct keyword *word = keyword_of(m);
			enum act act = (enum act)word->gemini;

			if (view_get(v, str_of(m->key, m->key_n)) != m)
				continue;
			if (str_eq(word->name, STR("format")))
				act = is_in(node_text(m), formats, COUNT_OF(formats)) ? KEEP : NOTE;
			if (str_eq(word->name, STR("additionalProperties")) && node_is(m, JSON_OBJECT))
				act = NOTE;
			if (act == NOTE)
				note(notes, k, m);
			k->changed |= act == LOSE;
			if (act != KEEP)
				continue;
			put_key(k, m);
			if (word->holds == SCHEMA)
				put_gemini(k, m);
			else
				json_raw(&k->w, node_raw(m));
		}
}

/* How often the schema is being written already, further out. */
static bool is_endless(const struct work *k, const struct json_node *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_refs; i++)
		n += k->refs[i] == s;
	return n > 1;
}

static void put_gemini(struct work *k, const struct json_node *s)
{
	struct view v = { .n = 0 };
	struct notes notes = { buf_make(1 << 20) };
	bool stop;

	gather(k, &v, s);
	stop = v.deep || k->n_refs >= REFS_MAX || k->w.level >= LEVELS_MAX || k->w.out->n > k->max_bytes ||
	       is_endless(k, v.n > 1 ? v.from[1] : s);
	json_open(&k->w, '{');
	if (stop) {
		k->changed = true;
		json_key_lit(&k->w, "type");
		json_str(&k->w, STR("object"));
		json_close(&k->w);
		return;
	}
	k->refs[k->n_refs++] = v.n > 1 ? v.from[1] : s;
	put_gemini_type(k, &v);
	put_gemini_enum(k, &v, &notes);
	put_gemini_properties(k, &v);
	put_gemini_choice(k, &v);
	put_gemini_rest(k, &v, &notes);
	put_description(k, node_text(view_get(&v, STR("description"))), &notes);
	if (v.nullable) {
		json_key_lit(&k->w, "nullable");
		json_bool(&k->w, true);
	}
	json_close(&k->w);
	k->n_refs--;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

/* What `put` makes of the schema; the schema itself if it is none. */
static struct str rewrite(struct arena *a, struct str schema, bool *changed,
                          void (*put)(struct work *, const struct json_node *))
{
	struct buf out = buf_make(schema.n * 16 + (1 << 16));
	struct work k = { .arena = a, .w = json_writer_make(&out), .max_bytes = schema.n * 8 + (1 << 14) };
	struct str copy = { 0 };

	*changed = false;
	k.root = json_nodes(a, schema, SCHEMA_DEPTH_MAX, NULL);
	if (!node_is(k.root, JSON_OBJECT))
		return schema;
	put(&k, k.root);
	if (json_write_done(&k.w) && !k.failed)
		copy = arena_dup(a, buf_str(&out));
	*changed = k.changed;
	buf_fini(&out);
	return copy;
}

struct str chat_schema_strict(struct arena *a, struct str schema, bool *changed)
{
	return rewrite(a, schema, changed, put_strict);
}

struct str chat_schema_gemini(struct arena *a, struct str schema, bool *changed)
{
	return rewrite(a, schema, changed, put_gemini);
}

static bool is_definitions(const struct json_node *m)
{
	return node_named(m, STR("$defs")) || node_named(m, STR("definitions"));
}

/* Neither OpenAI nor Converse take a choice as the outermost. */
static bool is_plain_object(const struct json_node *root)
{
	return node_is_word(node_get(root, STR("type")), STR("object")) && !node_get(root, STR("anyOf")) &&
	       !node_get(root, STR("oneOf")) && !node_get(root, STR("allOf"));
}

bool chat_schema_wrap(struct arena *a, struct str *schema)
{
	struct buf out = buf_make(schema->n + 256);
	struct json_writer w = json_writer_make(&out);
	const struct json_node *root = schema->n ? json_nodes(a, *schema, SCHEMA_DEPTH_MAX, NULL) : NULL, *m;
	struct str copy = { 0 };

	if (!node_is(root, JSON_OBJECT) || is_plain_object(root))
		return false;
	json_open(&w, '{');
	json_key_lit(&w, "type");
	json_str(&w, STR("object"));
	json_key_lit(&w, "properties");
	json_open(&w, '{');
	json_key_lit(&w, CHAT_SCHEMA_VALUE);
	json_open(&w, '{');
	for (m = node_first(root); m; m = node_next(root, m))
		if (!is_definitions(m)) {
			json_key_jstr(&w, node_key(m));
			json_raw(&w, node_raw(m));
		}
	json_close(&w);
	json_close(&w);
	json_key_lit(&w, "required");
	json_raw(&w, STR("[\"" CHAT_SCHEMA_VALUE "\"]"));
	json_key_lit(&w, "additionalProperties");
	json_bool(&w, false);
	/* references count from the outermost */
	for (m = node_first(root); m; m = node_next(root, m))
		if (is_definitions(m)) {
			json_key_jstr(&w, node_key(m));
			json_raw(&w, node_raw(m));
		}
	json_close(&w);
	if (json_write_done(&w))
		copy = arena_dup(a, buf_str(&out));
	buf_fini(&out);
	if (copy.p)
		*schema = copy;
	return copy.p != NULL;
}

/* ---- custom tools ---- */

#define CUSTOM_HEAD "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\""
#define CUSTOM_TAIL "}},\"required\":[\"input\"]}"

struct str chat_schema_custom(struct arena *a, const struct chat_tool *t)
{
	const struct json_node *format = t->format.n ? json_nodes(a, t->format, REQUEST_DEPTH_MAX, NULL) : NULL;
	struct jstr syntax = node_get_text(format, STR("syntax"));
	struct jstr definition = node_get_text(format, STR("definition"));

	if (!definition.n)
		return STR(CUSTOM_HEAD CUSTOM_TAIL);
	return arena_printf(a,
	                    CUSTOM_HEAD ",\"description\":\"Text that keeps to this %.*s grammar:\\n%.*s\"" CUSTOM_TAIL,
	                    STR_ARG(syntax), STR_ARG(definition));
}
