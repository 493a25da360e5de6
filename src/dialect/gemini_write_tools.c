/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_write_tools: tools and toolConfig (rows 44 to 49, rules U2 to U8, S4). */

#include <assert.h>

#include "base/arena.h"
#include "dialect/gemini_write.h"

/* ---- declarations ------------------------------------------------------------------------------------------------ */

/* Gemini refuses an object without properties, and takes no schema to mean no arguments. */
static bool takes_nothing(struct arena *a, struct str schema)
{
	const struct json_node *root =
		schema.n && schema.n < 256 ? json_nodes(a, schema, REQUEST_DEPTH_MAX, NULL) : NULL;
	const struct json_node *properties = node_get(root, STR("properties"));

	return !schema.n ||
	       (root && (!properties || !properties->children) && !node_get(root, STR("$ref")) &&
	        !node_get(root, STR("anyOf")) && !node_get(root, STR("oneOf")) && !node_get(root, STR("allOf")) &&
	        !node_is(node_get(root, STR("additionalProperties")), JSON_OBJECT));
}

static bool put_parameters(struct gemini_writing *g, struct str schema)
{
	bool changed;

	if (takes_nothing(g->arena, schema))
		return true;
	if (!model_rule(g->to->facts, MODEL_SCHEMA_SUBSET)) {
		json_key_lit(&g->w, "parametersJsonSchema");
	} else {
		schema = chat_schema_gemini(g->arena, schema, &changed);
		if (!schema.p)
			return gemini_write_is_full(g);
		json_key_lit(&g->w, "parameters");
	}
	json_raw(&g->w, schema);
	return true;
}

static bool put_function(struct gemini_writing *g, struct jstr name, struct jstr description, struct str schema,
                         const struct chat_tool *t)
{
	name = chat_fit_name(g->arena, &g->out->undo, name, ALPHABET_GEMINI, g->name_max);
	if (!name.p)
		return gemini_write_is_full(g);
	json_open(&g->w, '{');
	json_key_lit(&g->w, "name");
	json_jstr(&g->w, name);
	if (description.p) {
		json_key_lit(&g->w, "description");
		json_jstr(&g->w, description);
	}
	if (!put_parameters(g, schema))
		return false;
	if (t && t->output_schema.n) {
		json_key_lit(&g->w, "responseJsonSchema");
		json_raw(&g->w, t->output_schema);
	}
	for (const struct chat_extra *x = t ? t->extras : NULL; x; x = x->next) {
		if (x->from == DIALECT_GEMINI) {
			json_key_jstr(&g->w, x->name);
			json_raw(&g->w, x->raw);
		} else {
			chat_drop(&g->out->drops, "tools[].%.*s", STR_ARG(x->name));
		}
	}
	json_close(&g->w);
	return true;
}

/* Free text becomes the one argument of a function (U5); its grammar binds nobody any longer. */
static bool put_custom(struct gemini_writing *g, const struct chat_tool *t)
{
	struct chat_name **end = &g->out->undo.custom_tools;
	struct str schema = chat_schema_custom(g->arena, t);

	while (*end)
		end = &(*end)->next;
	if (t->format.n)
		chat_drop(&g->out->drops, "tools[].format");
	if (!schema.p || !chat_name_add(g->arena, &end, t->name))
		return gemini_write_is_full(g);
	return put_function(g, t->name, t->description, schema, NULL);
}

/* The tool that stands for the answer's schema (S4). */
static bool put_schema_tool(struct gemini_writing *g)
{
	struct str schema = g->rq->format_schema.n ? g->rq->format_schema : STR("{\"type\":\"object\"}");

	g->out->undo.schema_tool = true;
	g->out->undo.schema_value = chat_schema_wrap(g->arena, &schema);
	return put_function(g, JSTR(CHAT_SCHEMA_TOOL),
	                    JSTR("Gives the answer in the form that was asked for. Call it exactly once, at the end."),
	                    schema, NULL);
}

static bool put_functions(struct gemini_writing *g)
{
	bool any = g->schema_tool;

	for (const struct chat_tool *t = g->rq->tools; t; t = t->next)
		any |= t->kind != TOOL_SERVER;
	if (!any)
		return true;
	json_open(&g->w, '{');
	json_key_lit(&g->w, "functionDeclarations");
	json_open(&g->w, '[');
	for (const struct chat_tool *t = g->rq->tools; t; t = t->next) {
		if (t->kind == TOOL_SERVER)
			continue;
		if (t->strict == TRI_YES)
			chat_drop(&g->out->drops, "tools[].strict");
		if (!(t->kind == TOOL_CUSTOM ? put_custom(g, t)
		                             : put_function(g, t->name, t->description, t->schema, t)))
			return false;
	}
	if (g->schema_tool && !put_schema_tool(g))
		return false;
	json_close(&g->w);
	json_close(&g->w);
	return true;
}

/* ---- the provider's own tools (U4) ------------------------------------------------------------------------------- */

/* The first letters of other dialects' words for what Gemini has too. */
static const struct { struct str begins, ours; } equals[] = {
	{ STR_INIT("web_search"), STR_INIT("{\"googleSearch\":{}}") },
	{ STR_INIT("web_fetch"), STR_INIT("{\"urlContext\":{}}") },
	{ STR_INIT("code_execution"), STR_INIT("{\"codeExecution\":{}}") },
	{ STR_INIT("code_interpreter"), STR_INIT("{\"codeExecution\":{}}") },
};

static struct str server_tool(struct gemini_writing *g, const struct chat_tool *t)
{
	const struct json_node *root;
	struct jstr type;

	if (t->from == DIALECT_GEMINI)
		return t->raw;
	root = t->raw.n ? json_nodes(g->arena, t->raw, REQUEST_DEPTH_MAX, NULL) : NULL;
	type = node_get_text(root, STR("type"));
	if (!type.p)
		type = t->name;
	for (size_t i = 0; i < COUNT_OF(equals); i++)
		if (str_starts(jstr_raw(type), equals[i].begins))
			return equals[i].ours;
	return str_of(NULL, 0);
}

/* True: functions and the provider's tools are both asked for, of a model that takes both only if told so. */
static bool put_server_tools(struct gemini_writing *g, bool functions, bool *mixed)
{
	bool refuses = functions && !gemini_is_3(g) && g->to->facts->thinking != THINKING_UNKNOWN;

	for (const struct chat_tool *t = g->rq->tools; t; t = t->next) {
		struct str raw;

		if (t->kind != TOOL_SERVER)
			continue;
		raw = server_tool(g, t);
		if (!raw.n || refuses) {             /* U8 */
			chat_drop(&g->out->drops, "tools[].%.*s", STR_ARG(t->name));
			continue;
		}
		*mixed |= functions && gemini_is_3(g);
		json_raw(&g->w, raw);
	}
	return true;
}

/* ---- choice ------------------------------------------------------------------------------------------------------ */

static bool put_allowed(struct gemini_writing *g, const struct chat_name *names)
{
	json_key_lit(&g->w, "allowedFunctionNames");
	json_open(&g->w, '[');
	for (; names; names = names->next) {
		struct jstr name = chat_fit_name(g->arena, &g->out->undo, names->name, ALPHABET_GEMINI, g->name_max);

		if (!name.p)
			return gemini_write_is_full(g);
		json_jstr(&g->w, name);
	}
	json_close(&g->w);
	return true;
}

static bool put_choice(struct gemini_writing *g)
{
	const struct chat_request *rq = g->rq;
	const struct chat_name schema_tool = { .name = JSTR(CHAT_SCHEMA_TOOL) };
	const struct chat_name *allowed = NULL;
	struct str mode = { 0 };

	switch ((enum chat_choice)rq->choice) {
	case CHOICE_UNSET: break;
	case CHOICE_AUTO: mode = STR("AUTO"); break;
	case CHOICE_NONE: mode = STR("NONE"); break;
	case CHOICE_ANY: mode = STR("ANY"); break;
	case CHOICE_TOOL:
	case CHOICE_SUBSET:
		mode = rq->choice == CHOICE_TOOL || rq->choice_subset_any ? STR("ANY") : STR("VALIDATED");
		allowed = rq->choice_names;
		break;
	}
	if (g->schema_tool && rq->choice != CHOICE_SUBSET) {
		allowed = rq->choice == CHOICE_NONE || !rq->tools ? &schema_tool : NULL;
		mode = STR("ANY");
	}
	g->carried |= MEMBER_BIT(MEMBER_TOOL_CHOICE);
	if (!mode.n)
		return true;
	json_key_lit(&g->w, "functionCallingConfig");
	json_open(&g->w, '{');
	json_key_lit(&g->w, "mode");
	json_str(&g->w, mode);
	if (allowed && !put_allowed(g, allowed))
		return false;
	json_close(&g->w);
	return true;
}

bool gemini_write_tools(struct gemini_writing *g)
{
	const struct chat_request *rq = g->rq;
	struct json_writer before;
	bool functions = g->schema_tool, mixed = false;
	size_t length, empty;

	if (rq->parallel == TRI_YES)
		g->carried |= MEMBER_BIT(MEMBER_PARALLEL);
	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		functions |= t->kind != TOOL_SERVER;
	if (!rq->tools && !g->schema_tool) {
		g->carried |= MEMBER_BIT(MEMBER_TOOL_CHOICE) | MEMBER_BIT(MEMBER_PARALLEL);      /* U3 */
		return true;
	}
	before = g->w;
	length = g->w.out->n;
	json_key_lit(&g->w, "tools");
	json_open(&g->w, '[');
	empty = g->w.out->n;
	if (!put_functions(g) || !put_server_tools(g, functions, &mixed))
		return false;
	if (g->w.out->n == empty && !g->w.out->failed) {
		g->w.out->n = length;
		g->w = before;
		return true;
	}
	json_close(&g->w);
	if (!functions) {
		g->carried |= MEMBER_BIT(MEMBER_TOOL_CHOICE);
		return true;
	}
	before = g->w;
	length = g->w.out->n;
	json_key_lit(&g->w, "toolConfig");
	json_open(&g->w, '{');
	empty = g->w.out->n;
	if (!put_choice(g))
		return false;
	if (mixed) {
		json_key_lit(&g->w, "includeServerSideToolInvocations");
		json_bool(&g->w, true);
	}
	gemini_write_extras(&g->w, rq->extras, STR(GEMINI_TOOL_CONFIG));
	if (g->w.out->n == empty && !g->w.out->failed) {
		g->w.out->n = length;
		g->w = before;
		return true;
	}
	json_close(&g->w);
	return true;
}
