/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_request: a client's request in Messages into the neutral model. */
#include <stdio.h>

#include "dialect/anthropic_in.h"
#include "model/facts.h"

/* One request in work. */
struct reading {
	struct anthropic_read r;
	struct chat_request *out;
	bool count; /* of tokens: needs no max_tokens */
};

typedef bool member_fn(struct reading *, const struct json_node *);

static bool refuse(const struct reading *in, const char *member, const struct json_node *v, const char *allowed)
{
	return anthropic_refuse(&in->r, member, v, allowed);
}

static void set(struct reading *in, enum chat_member m)
{
	in->out->set |= MEMBER_BIT(m);
}

static bool add_extra(struct reading *in, struct jstr name, const struct json_node *v)
{
	return chat_extra_add(in->r.arena, &in->out->extras, DIALECT_ANTHROPIC, name, node_raw(v)) ||
	       anthropic_full(&in->r);
}

/* A member of a member that we do not know: "output_config.task_budget". */
static bool add_inner_extra(struct reading *in, struct jstr prefix, const struct json_node *v)
{
	struct jstr name = jstr_concat(in->r.arena, prefix, node_key(v));

	return name.p ? add_extra(in, name, v) : anthropic_full(&in->r);
}

/* ---- numbers and words ------------------------------------------------------------------------------------------- */

static bool read_number(struct reading *in, const struct json_node *v, const char *name, enum chat_member m,
                        struct str *out)
{
	if (v->type != JSON_NUMBER)
		return refuse(in, name, v, "a number");
	*out = node_raw(v);
	set(in, m);
	return true;
}

static bool read_max(struct reading *in, const struct json_node *v)
{
	if (node_i64(v, -1) < 0)
		return refuse(in, "max_tokens", v, "a whole number of at least 0");
	return read_number(in, v, "max_tokens", MEMBER_MAX_OUTPUT, &in->out->max_output);
}

static bool read_temperature(struct reading *in, const struct json_node *v)
{
	return read_number(in, v, "temperature", MEMBER_TEMPERATURE, &in->out->temperature);
}

static bool read_top_p(struct reading *in, const struct json_node *v)
{
	return read_number(in, v, "top_p", MEMBER_TOP_P, &in->out->top_p);
}

static bool read_top_k(struct reading *in, const struct json_node *v)
{
	return read_number(in, v, "top_k", MEMBER_TOP_K, &in->out->top_k);
}

static bool read_stream(struct reading *in, const struct json_node *v)
{
	if (v->type != JSON_BOOL)
		return refuse(in, "stream", v, "true or false");
	in->out->stream = node_true(v) && !in->count;
	return true;
}

static bool read_model(struct reading *in, const struct json_node *v)
{
	in->out->model = node_text(v);
	return in->out->model.p || refuse(in, "model", v, "a string");
}

static bool read_stop(struct reading *in, const struct json_node *v)
{
	struct chat_name **end = &in->out->stop;

	if (v->type != JSON_ARRAY)
		return refuse(in, "stop_sequences", v, "an array of strings");
	for (const struct json_node *s = node_first(v); s; s = node_next(v, s)) {
		if (s->type != JSON_STRING)
			return refuse(in, "stop_sequences[]", s, "a string");
		if (!chat_name_add(in->r.arena, &end, node_text(s)))
			return anthropic_full(&in->r);
	}
	if (v->children)
		set(in, MEMBER_STOP);
	return true;
}

static bool read_metadata(struct reading *in, const struct json_node *v)
{
	if (v->type != JSON_OBJECT)
		return refuse(in, "metadata", v, "an object");
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		if (m->type == JSON_NULL)
			continue;
		if (!node_named(m, STR("user_id"))) {
			/* The whole, so that it is one member when it goes back. */
			in->out->end_user = (struct jstr){ 0 };
			in->out->set &= ~MEMBER_BIT(MEMBER_END_USER);
			return add_extra(in, JSTR("metadata"), v);
		}
		in->out->end_user = node_text(m);
		if (!in->out->end_user.p)
			return refuse(in, "metadata.user_id", m, "a string");
		set(in, MEMBER_END_USER);
	}
	return true;
}

static bool read_tier(struct reading *in, const struct json_node *v)
{
	in->out->service_tier = node_text(v);
	set(in, MEMBER_SERVICE_TIER);
	return in->out->service_tier.p || refuse(in, "service_tier", v, "\"auto\" or \"standard_only\"");
}

static bool read_cache_auto(struct reading *in, const struct json_node *v)
{
	set(in, MEMBER_CACHE_AUTO);
	return anthropic_read_cache(&in->r, v, &in->out->cache_auto);
}

/* ---- thinking and the answer's form ------------------------------------------------------------------------------ */

static bool read_thinking(struct reading *in, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type")), *budget = node_get_some(v, STR("budget_tokens"));
	struct chat_request *out = in->out;

	out->summary = node_get_text(v, STR("display"));
	if (out->summary.p) {
		out->show_thoughts = tri_of(!jstr_is(out->summary, STR("omitted")));
		set(in, MEMBER_REASONING_SUMMARY);
	}
	set(in, MEMBER_REASONING);
	if (node_is_word(type, STR("disabled"))) {
		out->thinking = TRI_NO;
		return true;
	}
	if (!node_is_word(type, STR("enabled")) && !node_is_word(type, STR("adaptive")))
		return refuse(in, "thinking.type", type, "\"enabled\", \"adaptive\" or \"disabled\"");
	out->thinking = TRI_YES;
	out->thinking_adaptive = node_is_word(type, STR("adaptive"));
	if (!budget)
		return true;
	out->thinking_budget = node_i64(budget, 0);
	return out->thinking_budget > 0 ||
	       refuse(in, "thinking.budget_tokens", budget, "a whole number of at least 1024");
}

static bool read_format(struct reading *in, const struct json_node *v)
{
	const struct json_node *schema = node_get(v, STR("schema"));

	if (!node_is_word(node_get(v, STR("type")), STR("json_schema")))
		return refuse(in, "output_config.format.type", node_get(v, STR("type")), "\"json_schema\"");
	if (!node_is(schema, JSON_OBJECT))
		return refuse(in, "output_config.format.schema", schema, "an object");
	in->out->format = FORMAT_SCHEMA;
	in->out->format_schema = node_raw(schema);
	in->out->format_strict = TRI_YES;
	set(in, MEMBER_FORMAT);
	return true;
}

static bool read_config(struct reading *in, const struct json_node *v)
{
	enum model_effort effort;

	if (v->type != JSON_OBJECT)
		return refuse(in, "output_config", v, "an object");
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		if (m->type == JSON_NULL)
			continue;
		if (node_named(m, STR("effort"))) {
			if (!model_effort_by_name(jstr_raw(node_text(m)), &effort))
				return refuse(in, "output_config.effort", m, "low, medium, high, xhigh or max");
			in->out->has_effort = true;
			in->out->effort = (uint8_t)effort;
			set(in, MEMBER_REASONING);
		} else if (node_named(m, STR("format"))) {
			if (!read_format(in, m))
				return false;
		} else if (!add_inner_extra(in, JSTR("output_config."), m)) {
			return false;
		}
	}
	return true;
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

/* What a tool of the client's is made of; a server's tool goes as it is. */
static bool read_function(struct reading *in, const struct json_node *v, struct chat_tool *t, const char *place)
{
	char member[64];

	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		if (m->type == JSON_NULL || node_named(m, STR("type")) || node_named(m, STR("cache_control")))
			continue;
		if (node_named(m, STR("name")))
			continue;
		if (node_named(m, STR("description"))) {
			t->description = node_text(m);
			snprintf(member, sizeof member, "%s.description", place);
			if (!t->description.p)
				return refuse(in, member, m, "a string");
		} else if (node_named(m, STR("input_schema"))) {
			t->schema = node_raw(m);
			snprintf(member, sizeof member, "%s.input_schema", place);
			if (m->type != JSON_OBJECT)
				return refuse(in, member, m, "an object");
		} else if (node_named(m, STR("strict"))) {
			t->strict = tri_of(node_true(m));
		} else if (!chat_extra_add(in->r.arena, &t->extras, DIALECT_ANTHROPIC, node_key(m), node_raw(m))) {
			return anthropic_full(&in->r);
		}
	}
	return true;
}

static bool read_tool(struct reading *in, const struct json_node *v, struct chat_tool ***end, unsigned index)
{
	const struct json_node *type = node_get_some(v, STR("type"));
	bool function = !type || node_is_word(type, STR("custom"));
	struct chat_tool *t;
	char place[32], member[48];

	snprintf(place, sizeof place, "tools[%u]", index);
	if (v->type != JSON_OBJECT)
		return refuse(in, place, v, "an object");
	t = chat_tool_add(in->r.arena, end, function ? TOOL_FUNCTION : TOOL_SERVER);
	if (!t)
		return anthropic_full(&in->r);
	t->name = node_get_text(v, STR("name"));
	snprintf(member, sizeof member, "%s.name", place);
	if (function && !t->name.n)
		return refuse(in, member, node_get(v, STR("name")), "a string");
	t->raw = node_raw(v);
	t->from = DIALECT_ANTHROPIC;
	if (!anthropic_read_cache(&in->r, node_get(v, STR("cache_control")), &t->cache))
		return false;
	return !function || read_function(in, v, t, place);
}

static bool read_tools(struct reading *in, const struct json_node *v)
{
	struct chat_tool **end = &in->out->tools;
	unsigned index = 0;

	if (v->type != JSON_ARRAY)
		return refuse(in, "tools", v, "an array");
	for (const struct json_node *t = node_first(v); t; t = node_next(v, t))
		if (!read_tool(in, t, &end, index++))
			return false;
	return true;
}

static bool read_choice(struct reading *in, const struct json_node *v)
{
	static const struct {
		struct str name;
		uint8_t choice;
	} types[] = {
		{ STR_INIT("auto"), CHOICE_AUTO },
		{ STR_INIT("any"), CHOICE_ANY },
		{ STR_INIT("tool"), CHOICE_TOOL },
		{ STR_INIT("none"), CHOICE_NONE },
	};
	const struct json_node *type = node_get(v, STR("type")), *name = node_get(v, STR("name"));
	const struct json_node *one = node_get_some(v, STR("disable_parallel_tool_use"));
	struct chat_name **end = &in->out->choice_names;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (node_is_word(type, types[i].name))
			in->out->choice = types[i].choice;
	if (in->out->choice == CHOICE_UNSET)
		return refuse(in, "tool_choice.type", type, "\"auto\", \"any\", \"tool\" or \"none\"");
	set(in, MEMBER_TOOL_CHOICE);
	if (in->out->choice == CHOICE_TOOL) {
		if (!node_text(name).n)
			return refuse(in, "tool_choice.name", name, "the name of a tool");
		if (!chat_name_add(in->r.arena, &end, node_text(name)))
			return anthropic_full(&in->r);
	}
	if (one) {
		in->out->parallel = tri_of(!node_true(one));
		set(in, MEMBER_PARALLEL);
	}
	return true;
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static bool read_system(struct reading *in, const struct json_node *v)
{
	struct chat_block **end = &in->out->system;
	bool good;

	in->r.system = true;
	good = anthropic_read_content(&in->r, v, &end);
	in->r.system = false;
	return good;
}

static bool is_token_of(const struct chat_block *thought, const struct chat_block *call)
{
	return call && call->kind == CHAT_TOOL_CALL && jstr_eq(thought->opaque.id, call->id);
}

/* The token of a call that went to the client in a thought of its own, before or behind the call, goes back into it. */
static void take_call_tokens(struct chat_block **list)
{
	struct chat_block *before = NULL;

	while (*list) {
		struct chat_block *b = *list, *call = NULL;

		if (b->kind == CHAT_REASONING && !b->text.n && b->opaque.bytes.p && b->opaque.id.p &&
		    b->opaque.maker != MAKER_ANTHROPIC)
			call = is_token_of(b, before) ? before : is_token_of(b, b->next) ? b->next : NULL;
		if (!call) {
			before = b;
			list = &b->next;
			continue;
		}
		call->opaque = b->opaque;
		call->opaque.id = (struct jstr){ 0 };
		*list = b->next;
	}
}

static bool read_turn(struct reading *in, const struct json_node *v, struct chat_turn ***end)
{
	static const struct {
		struct str name;
		enum chat_role role;
	} roles[] = {
		{ STR_INIT("user"), ROLE_USER },
		{ STR_INIT("assistant"), ROLE_ASSISTANT },
		{ STR_INIT("system"), ROLE_SYSTEM },
	};
	const struct json_node *role = node_get(v, STR("role"));
	struct chat_block **blocks;
	struct chat_turn *t = NULL;

	if (v->type != JSON_OBJECT)
		return refuse(in, "", v, "an object with role and content");
	for (size_t i = 0; i < sizeof roles / sizeof *roles && !t; i++) {
		if (!node_is_word(role, roles[i].name))
			continue;
		t = chat_turn_add(in->r.arena, end, roles[i].role);
		if (!t)
			return anthropic_full(&in->r);
	}
	if (!t)
		return refuse(in, "role", role, "\"user\", \"assistant\" or \"system\"");
	t->index = (uint32_t)in->r.message;
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m))
		if (!node_named(m, STR("role")) && !node_named(m, STR("content")) &&
		    !chat_extra_add(in->r.arena, &t->extras, DIALECT_ANTHROPIC, node_key(m), node_raw(m)))
			return anthropic_full(&in->r);
	blocks = &t->blocks;
	if (!anthropic_read_content(&in->r, node_get(v, STR("content")), &blocks))
		return false;
	if (t->role == ROLE_ASSISTANT)
		take_call_tokens(&t->blocks);
	return true;
}

static bool read_messages(struct reading *in, const struct json_node *v)
{
	struct chat_turn **end = &in->out->turns;

	if (v->type != JSON_ARRAY)
		return refuse(in, "messages", v, "an array");
	in->r.message = 0;
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m), in->r.message++)
		if (!read_turn(in, m, &end))
			return false;
	in->r.message = -1;
	return true;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

/* Of the gateway's own and of envelopes: nothing that a model is told. */
static bool skip(struct reading *in, const struct json_node *v)
{
	(void)in, (void)v;
	return true;
}

/* Bedrock's form of the anthropic-beta header. */
static bool read_betas(struct reading *in, const struct json_node *v)
{
	struct jstr all = { 0 };

	for (const struct json_node *b = node_first(v); b && node_is(v, JSON_ARRAY); b = node_next(v, b)) {
		if (all.n)
			all = jstr_concat(in->r.arena, all, JSTR(","));
		all = jstr_concat(in->r.arena, all, node_text(b));
	}
	in->out->betas = jstr_raw(all);
	return true;
}

static const struct {
	struct str name;
	member_fn *read;
} members[] = {
	{ STR_INIT("model"), read_model },
	{ STR_INIT("messages"), read_messages },
	{ STR_INIT("max_tokens"), read_max },
	{ STR_INIT("system"), read_system },
	{ STR_INIT("tools"), read_tools },
	{ STR_INIT("tool_choice"), read_choice },
	{ STR_INIT("stream"), read_stream },
	{ STR_INIT("temperature"), read_temperature },
	{ STR_INIT("top_p"), read_top_p },
	{ STR_INIT("top_k"), read_top_k },
	{ STR_INIT("stop_sequences"), read_stop },
	{ STR_INIT("metadata"), read_metadata },
	{ STR_INIT("thinking"), read_thinking },
	{ STR_INIT("output_config"), read_config },
	{ STR_INIT("output_format"), read_format },
	{ STR_INIT("service_tier"), read_tier },
	{ STR_INIT("cache_control"), read_cache_auto },
	{ STR_INIT("anthropic_beta"), read_betas },
	{ STR_INIT("anthropic_version"), skip },
	{ STR_INIT("models"), skip },
	{ STR_INIT("provider"), skip },
	{ STR_INIT("providerOptions"), skip },
};

static bool read_member(struct reading *in, const struct json_node *v)
{
	if (v->type == JSON_NULL)
		return true;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (node_named(v, members[i].name))
			return members[i].read(in, v);
	return add_extra(in, node_key(v), v);
}

bool anthropic_read_request(struct arena *a, const struct dialect_request *rq, const struct json_node *body,
                            struct chat_request *out, struct err *e)
{
	struct reading in = {
		.r = { .arena = a, .err = e, .message = -1, .block = -1, .inner = -1 },
		.out = out,
		.count = rq->call == CALL_COUNT_TOKENS,
	};

	*out = (struct chat_request){ .from = DIALECT_ANTHROPIC };
	if (!node_is(body, JSON_OBJECT))
		return refuse(&in, "the body", body, "an object");
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m))
		if (!read_member(&in, m))
			return false;
	if (!out->turns)
		return refuse(&in, "messages", node_get(body, STR("messages")), "an array of at least one message");
	if (!out->max_output.p && !in.count)
		return refuse(&in, "max_tokens", NULL, "a whole number of at least 0");
	return chat_turns_name_results(out, e);
}
