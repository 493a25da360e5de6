/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_tools: toolConfig of a request to Converse (rows 44 to 49, rules T9, T13, U1 to U7). */
#include "dialect/bedrock_out.h"

enum { TOOL_NAME_LETTERS = 64 };
#define NO_SCHEMA STR("{\"type\":\"object\",\"properties\":{}}")

static const char *const schema_paths[] = { "type" };
static struct json_plan schema_plan;

void bedrock_tools_init(void)
{
	json_plan_init(&schema_plan, schema_paths, 1, 0);
}

/* U2: an object, which says so. */
static struct str schema_of(struct bedrock_out *x, struct str schema)
{
	struct json_fault fault;
	struct json_hit hit;

	if (!schema.n || schema.p[0] != '{')
		return NO_SCHEMA;
	if (!json_scan(&schema_plan, schema, REQUEST_DEPTH_MAX, &hit, &fault) || hit.type != JSON_ABSENT)
		return schema;
	bool empty = memchr(schema.p, '"', schema.n) == NULL;
	return arena_printf(x->arena, "{\"type\":\"object\"%s%.*s", empty ? "" : ",", (int)(schema.n - 1),
	                    schema.p + 1);
}

static void write_spec(struct bedrock_out *x, struct jstr name, struct jstr description, struct str schema, bool strict)
{
	json_open(&x->w, '{');
	json_key_lit(&x->w, "toolSpec");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "name");
	json_jstr(&x->w, name);
	if (description.n) { /* at least one letter */
		json_key_lit(&x->w, "description");
		json_jstr(&x->w, description);
	}
	json_key_lit(&x->w, "inputSchema");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "json");
	json_raw(&x->w, schema);
	json_close(&x->w);
	if (strict) {
		json_key_lit(&x->w, "strict");
		json_bool(&x->w, true);
	}
	json_close(&x->w);
	json_close(&x->w);
}

static struct jstr fit_name(struct bedrock_out *x, struct jstr name)
{
	return chat_fit_name(x->arena, &x->wire->undo, name, ALPHABET_WORD_DASH, TOOL_NAME_LETTERS);
}

static bool write_function(struct bedrock_out *x, const struct chat_tool *t, unsigned index)
{
	struct jstr name = fit_name(x, t->name);
	struct str schema = schema_of(x, t->schema);
	/* A word that only models with structured output know. */
	bool strict = t->strict == TRI_YES && x->plan.strict_tools && model_has(x->target->facts, CAP_JSON_SCHEMA);
	bool changed;

	if (strict && schema.p)
		schema = chat_schema_strict(x->arena, schema, &changed);
	else if (t->strict == TRI_YES)
		chat_drop(&x->wire->drops, "tools[%u].strict", index);
	if (!name.p || !schema.p)
		return bedrock_out_full(x);
	write_spec(x, name, t->description, schema, strict);
	return true;
}

/* U5: a function with one text. */
static bool write_custom(struct bedrock_out *x, const struct chat_tool *t, unsigned index)
{
	struct chat_name **end = &x->wire->undo.custom_tools;
	struct jstr name = fit_name(x, t->name);
	struct str schema = chat_schema_custom(x->arena, t);

	while (*end)
		end = &(*end)->next;
	if (!name.p || !schema.p || !chat_name_add(x->arena, &end, t->name))
		return bedrock_out_full(x);
	if (t->format.n)
		chat_drop(&x->wire->drops, "tools[%u].format", index);
	write_spec(x, name, t->description, schema, false);
	return true;
}

static bool write_tool(struct bedrock_out *x, const struct chat_tool *t, unsigned index)
{
	for (const struct chat_extra *e = t->extras; e; e = e->next) {
		/* U6: who may call the tool is no wish. */
		if (jstr_is(e->name, STR("allowed_callers")))
			return err_set(x->err, ERR_UNSUPPORTED_PARAMETER,
			               "tools[%u].allowed_callers: this provider cannot keep others from calling it",
			               index);
		chat_drop(&x->wire->drops, "tools[%u].%.*s", index, STR_ARG(jstr_raw(e->name)));
	}
	if (t->kind == TOOL_SERVER) /* of Bedrock's own */
		json_raw(&x->w, t->raw);
	else if (!(t->kind == TOOL_CUSTOM ? write_custom(x, t, index) : write_function(x, t, index)))
		return false;
	bedrock_write_mark(x, t->cache);
	return true;
}

static void write_choice(struct bedrock_out *x)
{
	const char *key = NULL;
	struct jstr name;

	switch ((enum chat_choice)x->plan.choice) {
	case CHOICE_AUTO: key = "auto"; break;
	case CHOICE_ANY: key = "any"; break;
	case CHOICE_TOOL: key = "tool"; break;
	case CHOICE_UNSET:
	case CHOICE_NONE:
	case CHOICE_SUBSET: return;
	}
	if (x->plan.choice != CHOICE_AUTO && model_lacks(x->target->facts, CAP_FORCED_TOOL)) {
		chat_drop(&x->wire->drops, "tool_choice");
		return;
	}
	json_key_lit(&x->w, "toolChoice");
	json_open(&x->w, '{');
	json_key(&x->w, str_from_z(key));
	json_open(&x->w, '{');
	if (x->plan.choice == CHOICE_TOOL) {
		name = fit_name(x, x->plan.choice_name);
		json_key_lit(&x->w, "name");
		json_jstr(&x->w, name);
	}
	json_close(&x->w);
	json_close(&x->w);
}

/* T13: a conversation with calls in it needs tools, whatever may be called now. */
static void write_placeholder(struct bedrock_out *x)
{
	write_spec(x, JSTR("no_tool"), JSTR("There is no tool to call. Never call this."), NO_SCHEMA, false);
}

bool bedrock_write_tools(struct bedrock_out *x)
{
	bool history = bedrock_has_calls(x->rq), none = x->plan.choice == CHOICE_NONE, any = false;
	unsigned index = 0;

	/* Row 45: without tools nothing can be called. */
	x->no_calls = none && history && x->rq->tools;
	if ((none && !history) || (!x->rq->tools && !history && x->plan.form != FORM_TOOL))
		return true;
	json_key_lit(&x->w, "toolConfig");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "tools");
	json_open(&x->w, '[');
	for (const struct chat_tool *t = x->rq->tools; t; t = t->next, index++) {
		if (!anthropic_tool_is_sent(&x->plan, t) && !(t->kind == TOOL_SERVER && t->from == DIALECT_BEDROCK))
			continue;
		if (!write_tool(x, t, index))
			return false;
		any = true;
	}
	if (x->plan.form == FORM_TOOL) {
		write_spec(x, JSTR(CHAT_SCHEMA_TOOL), JSTR("Give the answer by calling this."), x->plan.schema, false);
		any = true;
	}
	if (!any)
		write_placeholder(x);
	json_close(&x->w);
	write_choice(x);
	json_close(&x->w);
	return true;
}
