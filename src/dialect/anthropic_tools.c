/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_tools: tools, tool_choice (rows 44-49, rules U1-U6) and cache marks of a request to a Messages server. */
#include "dialect/anthropic_out.h"

#define NO_SCHEMA STR("{\"type\":\"object\",\"properties\":{}}")

static const char *const schema_paths[] = { "type" };
static struct json_plan schema_plan;

void anthropic_tools_init(void)
{
	json_plan_init(&schema_plan, schema_paths, 1, 0);
}

/* ---- cache marks ------------------------------------------------------------------------------------------------- */

/* Of more than four marks the first stays, for what all requests share, and the last ones, which reach furthest. */
void anthropic_write_mark(struct anthropic_out *o, uint8_t cache)
{
	unsigned index, skip;

	if (cache == CACHE_NO_MARK)
		return;
	index = o->marks_done++;
	skip = o->marks > CACHE_MARKS_MAX ? o->marks - CACHE_MARKS_MAX : 0;
	if (index >= 1 && index <= skip) {
		chat_drop(&o->wire->drops, "cache_control");
		return;
	}
	if (cache == CACHE_1H && o->short_mark) {
		chat_drop(&o->wire->drops, "cache_control.ttl");
		cache = CACHE_5M;
	}
	o->short_mark |= cache == CACHE_5M;
	json_key_lit(&o->w, "cache_control");
	json_raw(&o->w,
	         cache == CACHE_1H ? STR("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}") : STR("{\"type\":\"ephemeral\"}"));
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

static bool is_web_search(const struct chat_tool *t)
{
	static const struct str words[] = {
		STR_INIT("\"web_search"),
		STR_INIT("\"google_search\""),
		STR_INIT("\"googleSearch\""),
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_find(t->raw, words[i]) != STR_NPOS)
			return true;
	return false;
}

bool anthropic_tool_is_sent(const struct anthropic_out *o, const struct chat_tool *t)
{
	if (t->kind == TOOL_SERVER)
		return (t->from == DIALECT_ANTHROPIC && t->raw.n) || (o->claude && is_web_search(t));
	if (!o->subset)
		return true;
	for (const struct chat_name *n = o->rq->choice_names; n; n = n->next)
		if (jstr_eq(n->name, t->name))
			return true;
	return false;
}

static struct jstr fit_name(struct anthropic_out *o, struct jstr name)
{
	return chat_fit_name(o->arena, &o->wire->undo, name, ALPHABET_WORD_DASH, TOOL_NAME_MAX);
}

/* U2: an object, which says so. */
static struct str schema_of(struct anthropic_out *o, struct str schema)
{
	struct json_fault fault;
	struct json_hit hit;

	if (!schema.n || schema.p[0] != '{')
		return NO_SCHEMA;
	if (o->own || !json_scan(&schema_plan, schema, REQUEST_DEPTH_MAX, &hit, &fault) || hit.type != JSON_ABSENT)
		return schema;
	bool empty = memchr(schema.p, '"', schema.n) == NULL;
	return arena_printf(o->arena, "{\"type\":\"object\"%s%.*s", empty ? "" : ",", (int)(schema.n - 1),
	                    schema.p + 1);
}

void anthropic_write_extras(struct anthropic_out *o, const struct chat_extra *x, const char *place, unsigned index)
{
	for (; x; x = x->next) {
		if (x->from != DIALECT_ANTHROPIC) {
			chat_drop(&o->wire->drops, "%s[%u].%.*s", place, index, STR_ARG(x->name));
			continue;
		}
		json_key_jstr(&o->w, x->name);
		json_raw(&o->w, x->raw);
	}
}

static bool write_function(struct anthropic_out *o, const struct chat_tool *t, unsigned index)
{
	struct json_writer *w = &o->w;
	struct jstr name = fit_name(o, t->name);
	bool strict = t->strict == TRI_YES && o->strict_tools, changed;
	struct str schema = schema_of(o, t->schema);

	if (strict && !o->own && schema.p)
		schema = chat_schema_strict(o->arena, schema, &changed);
	if (!name.p || !schema.p)
		return anthropic_out_full(o);
	json_open(w, '{');
	json_key_lit(w, "name");
	json_jstr(w, name);
	if (t->description.p) {
		json_key_lit(w, "description");
		json_jstr(w, t->description);
	}
	json_key_lit(w, "input_schema");
	json_raw(w, schema);
	if (strict) {
		json_key_lit(w, "strict");
		json_bool(w, true);
	} else if (t->strict == TRI_YES) {
		chat_drop(&o->wire->drops, "tools[%u].strict", index);
	}
	anthropic_write_extras(o, t->extras, "tools", index);
	anthropic_write_mark(o, t->cache);
	json_close(w);
	return true;
}

/* U5: a function with one text. */
static bool write_custom(struct anthropic_out *o, const struct chat_tool *t, unsigned index)
{
	struct json_writer *w = &o->w;
	struct chat_name **end = &o->wire->undo.custom_tools;
	struct jstr name = fit_name(o, t->name);
	struct str schema = chat_schema_custom(o->arena, t);

	while (*end)
		end = &(*end)->next;
	if (!name.p || !schema.p || !chat_name_add(o->arena, &end, t->name))
		return anthropic_out_full(o);
	if (t->format.n)
		chat_drop(&o->wire->drops, "tools[%u].format", index);
	json_open(w, '{');
	json_key_lit(w, "name");
	json_jstr(w, name);
	if (t->description.p) {
		json_key_lit(w, "description");
		json_jstr(w, t->description);
	}
	json_key_lit(w, "input_schema");
	json_raw(w, schema);
	anthropic_write_mark(o, t->cache);
	json_close(w);
	return true;
}

static bool write_tool(struct anthropic_out *o, const struct chat_tool *t, unsigned index)
{
	switch ((enum chat_tool_kind)t->kind) {
	case TOOL_FUNCTION: return write_function(o, t, index);
	case TOOL_CUSTOM: return write_custom(o, t, index);
	case TOOL_SERVER:
		if (t->from == DIALECT_ANTHROPIC) {
			json_raw(&o->w, t->raw);
			o->marks_done += t->cache != CACHE_NO_MARK; /* it is in the raw text */
			o->short_mark |= t->cache == CACHE_5M;
		} else {
			json_raw(&o->w, STR("{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}"));
		}
		return true;
	}
	return true;
}

static void write_schema_tool(struct anthropic_out *o)
{
	struct json_writer *w = &o->w;

	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, STR(CHAT_SCHEMA_TOOL));
	json_key_lit(w, "description");
	json_str(w, STR("Give the answer to the user by calling this tool, with the answer as its input."));
	json_key_lit(w, "input_schema");
	json_raw(w, schema_of(o, o->schema));
	json_close(w);
}

static bool write_choice(struct anthropic_out *o)
{
	bool one = o->rq->parallel == TRI_NO;
	uint8_t choice = one && o->choice == CHOICE_UNSET ? CHOICE_AUTO : o->choice;
	struct json_writer *w = &o->w;
	struct jstr name = { 0 };

	if (choice == CHOICE_UNSET)
		return true;
	json_key_lit(w, "tool_choice");
	json_open(w, '{');
	json_key_lit(w, "type");
	switch ((enum chat_choice)choice) {
	case CHOICE_TOOL:
		name = fit_name(o, o->choice_name);
		json_str(w, STR("tool"));
		break;
	case CHOICE_ANY: json_str(w, STR("any")); break;
	case CHOICE_NONE: json_str(w, STR("none")); break;
	case CHOICE_AUTO:
	case CHOICE_SUBSET:
	case CHOICE_UNSET: json_str(w, STR("auto")); break;
	}
	if (name.p) {
		json_key_lit(w, "name");
		json_jstr(w, name);
	}
	if (one && choice != CHOICE_NONE) {
		json_key_lit(w, "disable_parallel_tool_use");
		json_bool(w, true);
	}
	json_close(w);
	return true;
}

bool anthropic_write_tools(struct anthropic_out *o)
{
	unsigned index = 0;

	if (!o->tools && o->form != FORM_TOOL) {
		for (const struct chat_tool *t = o->rq->tools; t; t = t->next)
			chat_drop(&o->wire->drops, "tools[%u]", index++);
		return true;
	}
	json_key_lit(&o->w, "tools");
	json_open(&o->w, '[');
	for (const struct chat_tool *t = o->rq->tools; t; t = t->next, index++) {
		if (anthropic_tool_is_sent(o, t)) {
			if (!write_tool(o, t, index))
				return false;
		} else if (t->kind == TOOL_SERVER) {
			chat_drop(&o->wire->drops, "tools[%u]", index);
		}
	}
	if (o->form == FORM_TOOL)
		write_schema_tool(o);
	json_close(&o->w);
	return write_choice(o);
}
