/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat_read_request: the members of a Chat Completions request as a neutral request. */

#include <stdio.h>

#include "dialect/openai_chat_in.h"
#include "model/facts.h"

const char *openai_seen(const struct json_node *v, char out[OPENAI_SEEN_MAX])
{
	struct str s = node_raw(v);
	size_t n = s.n < 60 ? s.n : 60;

	if (!v)
		return "nothing";
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	const char *dots = n < s.n ? "..." : "";
	switch ((enum json_type)v->type) {
	case JSON_ABSENT: return "nothing";
	case JSON_NULL: return "null";
	case JSON_ARRAY: return v->children ? "an array" : "an empty array";
	case JSON_OBJECT: return "an object";
	case JSON_BOOL: snprintf(out, OPENAI_SEEN_MAX, "%.*s", (int)n, s.p); return out;
	case JSON_NUMBER: snprintf(out, OPENAI_SEEN_MAX, "the number %.*s%s", (int)n, s.p, dots); return out;
	case JSON_STRING: snprintf(out, OPENAI_SEEN_MAX, "the string %.*s%s", (int)n, s.p, dots); return out;
	}
	return "nothing";
}

bool openai_refuse(struct openai_request_in *in, const char *place, const char *allowed, const struct json_node *v)
{
	char seen[OPENAI_SEEN_MAX];

	return err_set(in->err, ERR_INVALID_REQUEST, "%s: must be %s, not %s", place, allowed, openai_seen(v, seen));
}

/* ---- members of their own kind ----------------------------------------------------------------------------------- */

static bool read_stop(struct openai_request_in *in, const struct json_node *v)
{
	struct chat_name **end = &in->rq->stop;

	if (node_is(v, JSON_STRING))
		return chat_name_add(in->arena, &end, node_text(v)) || openai_full(in->err);
	if (!node_is(v, JSON_ARRAY))
		return openai_refuse(in, "stop", "a string or an array of strings", v);
	for (const struct json_node *s = node_first(v); s; s = node_next(v, s)) {
		if (!node_is(s, JSON_STRING))
			return openai_refuse(in, "stop", "a string or an array of strings", s);
		if (!chat_name_add(in->arena, &end, node_text(s)))
			return openai_full(in->err);
	}
	if (!in->rq->stop)
		in->rq->set &= ~MEMBER_BIT(MEMBER_STOP);
	return true;
}

#define EFFORT_WORDS "one of none, minimal, low, medium, high, xhigh, max"

static bool read_effort_word(struct openai_request_in *in, const char *place, const struct json_node *v)
{
	enum model_effort effort;

	if (!node_is(v, JSON_STRING) || !model_effort_by_name(jstr_raw(node_text(v)), &effort))
		return openai_refuse(in, place, EFFORT_WORDS, v);
	in->rq->has_effort = true;
	in->rq->effort = (uint8_t)effort;
	return true;
}

static bool read_effort(struct openai_request_in *in, const struct json_node *v)
{
	return read_effort_word(in, "reasoning_effort", v);
}

/* OpenRouter: {"effort", "max_tokens", "enabled", "exclude"}. */
static bool read_reasoning(struct openai_request_in *in, const struct json_node *v)
{
	const struct json_node *effort = node_get_some(v, STR("effort")), *enabled = node_get_some(v, STR("enabled"));
	int64_t budget = node_i64(node_get(v, STR("max_tokens")), 0);

	if (!node_is(v, JSON_OBJECT))
		return openai_refuse(in, "reasoning", "an object", v);
	if (effort && !read_effort_word(in, "reasoning.effort", effort))
		return false;
	if (budget > 0) {
		in->rq->thinking = TRI_YES;
		in->rq->thinking_budget = budget;
	} else if (node_is(enabled, JSON_BOOL)) {
		in->rq->thinking = (uint8_t)tri_of(node_true(enabled));
	}
	if (node_true(node_get(v, STR("exclude"))))
		in->rq->show_thoughts = TRI_NO;
	return true;
}

/* DeepSeek, Z.ai, Moonshot: {"type": "enabled"}; Anthropic's with a budget. */
static bool read_thinking(struct openai_request_in *in, const struct json_node *v)
{
	struct jstr type = node_get_text(v, STR("type"));
	int64_t budget = node_i64(node_get(v, STR("budget_tokens")), 0);

	if (!node_is(v, JSON_OBJECT))
		return openai_refuse(in, "thinking", "an object", v);
	in->rq->thinking = (uint8_t)tri_of(!jstr_is(type, STR("disabled")));
	in->rq->thinking_adaptive = jstr_is(type, STR("adaptive"));
	if (budget > 0)
		in->rq->thinking_budget = budget;
	return true;
}

static bool read_enable_thinking(struct openai_request_in *in, const struct json_node *v)
{
	if (!node_is(v, JSON_BOOL))
		return openai_refuse(in, "enable_thinking", "true or false", v);
	in->rq->thinking = (uint8_t)tri_of(node_true(v));
	return true;
}

static bool read_thinking_budget(struct openai_request_in *in, const struct json_node *v)
{
	int64_t budget = node_i64(v, -1);

	if (budget < 0)
		return openai_refuse(in, "thinking_budget", "a whole number of tokens", v);
	in->rq->thinking_budget = budget;
	if (budget == 0)
		in->rq->thinking = TRI_NO;
	return true;
}

static bool read_schema(struct openai_request_in *in, const struct json_node *v)
{
	static const struct { const char *name; uint8_t type; const char *allowed; } members_of[] = {
		{ "name", JSON_STRING, "a string" }, { "description", JSON_STRING, "a string" },
		{ "schema", JSON_OBJECT, "a JSON Schema, an object" }, { "strict", JSON_BOOL, "true or false" },
	};
	char place[64];

	for (size_t i = 0; i < COUNT_OF(members_of); i++) {
		const struct json_node *m = node_get_some(v, str_from_z(members_of[i].name));

		snprintf(place, sizeof(place), "response_format.json_schema.%s", members_of[i].name);
		if (m && m->type != members_of[i].type)
			return openai_refuse(in, place, members_of[i].allowed, m);
	}
	return true;
}

static bool read_format(struct openai_request_in *in, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type")), *schema = node_get(v, STR("json_schema")), *strict;
	struct chat_request *rq = in->rq;

	if (node_is_word(type, STR("text"))) {
		rq->format = FORMAT_TEXT;
	} else if (node_is_word(type, STR("json_object"))) {
		rq->format = FORMAT_JSON;
	} else if (node_is_word(type, STR("json_schema"))) {
		if (!node_is(schema, JSON_OBJECT))
			return openai_refuse(in, "response_format.json_schema", "an object", schema);
		if (!read_schema(in, schema))
			return false;
		strict = node_get_some(schema, STR("strict"));
		rq->format = FORMAT_SCHEMA;
		rq->format_name = node_get_text(schema, STR("name"));
		rq->format_description = node_get_text(schema, STR("description"));
		rq->format_schema = node_raw(node_get_some(schema, STR("schema")));
		if (node_is(strict, JSON_BOOL))
			rq->format_strict = (uint8_t)tri_of(node_true(strict));
	} else {
		return openai_refuse(in, "response_format.type", "one of text, json_object, json_schema", type);
	}
	return true;
}

static bool choose(struct openai_request_in *in, struct chat_name ***end, struct jstr name)
{
	return chat_name_add(in->arena, end, name) || openai_full(in->err);
}

static struct jstr chosen_name(const struct json_node *v)
{
	const struct json_node *f = node_get_some(v, STR("function"));

	return node_get_text(f ? f : node_get_some(v, STR("custom")), STR("name"));
}

static bool read_subset(struct openai_request_in *in, const struct json_node *v)
{
	const struct json_node *list = node_get(v, STR("tools"));
	struct chat_name **end = &in->rq->choice_names;

	if (!node_is(list, JSON_ARRAY))
		return openai_refuse(in, "tool_choice.allowed_tools.tools", "an array of tools", list);
	in->rq->choice = CHOICE_SUBSET;
	in->rq->choice_subset_any = node_is_word(node_get(v, STR("mode")), STR("required"));
	for (const struct json_node *t = node_first(list); t; t = node_next(list, t)) {
		struct jstr name = chosen_name(t);
		if (!name.p)
			return openai_refuse(in, "tool_choice.allowed_tools.tools", "tools with a name", t);
		if (!choose(in, &end, name))
			return false;
	}
	return true;
}

static bool read_choice(struct openai_request_in *in, const struct json_node *v)
{
	struct chat_name **end = &in->rq->choice_names;
	struct jstr name = chosen_name(v);

	if (node_is_word(v, STR("auto")))
		in->rq->choice = CHOICE_AUTO;
	else if (node_is_word(v, STR("none")))
		in->rq->choice = CHOICE_NONE;
	else if (node_is_word(v, STR("required")) || node_is_word(v, STR("any")))
		in->rq->choice = CHOICE_ANY;
	else if (node_is(node_get(v, STR("allowed_tools")), JSON_OBJECT))
		return read_subset(in, node_get(v, STR("allowed_tools")));
	else if (name.n == 0)
		return openai_refuse(in, "tool_choice", "auto, none, required or a tool by its name", v);
	else {
		in->rq->choice = CHOICE_TOOL;
		return choose(in, &end, name);
	}
	return true;
}

/* Of old: auto, none or {"name"}. */
static bool read_function_call(struct openai_request_in *in, const struct json_node *v)
{
	struct chat_name **end = &in->rq->choice_names;
	struct jstr name = node_get_text(v, STR("name"));

	in->rq->old_functions = true;
	if (!node_is(v, JSON_OBJECT))
		return read_choice(in, v);
	if (name.n == 0)
		return openai_refuse(in, "function_call.name", "the name of a function", node_get(v, STR("name")));
	in->rq->choice = CHOICE_TOOL;
	return choose(in, &end, name);
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

/* Chat Completions nests a grammar one level deeper than the neutral model, which is as Responses has it. */
static struct str flat_format(struct openai_request_in *in, const struct json_node *f)
{
	const struct json_node *grammar = node_get(f, STR("grammar"));
	struct buf b = buf_make((size_t)1 << 26);
	struct json_writer w = json_writer_make(&b);
	struct str out = node_raw(f);

	if (!node_is(grammar, JSON_OBJECT))
		return out;
	json_open(&w, '{');
	json_key_lit(&w, "type");
	json_str(&w, STR("grammar"));
	for (const struct json_node *m = node_first(grammar); m; m = node_next(grammar, m)) {
		json_key_jstr(&w, node_key(m));
		json_raw(&w, node_raw(m));
	}
	json_close(&w);
	out = json_write_done(&w) ? arena_dup(in->arena, buf_str(&b)) : str_of(NULL, 0);
	buf_fini(&b);
	return out;
}

static bool read_function(struct openai_request_in *in, const char *place, const struct json_node *f,
                          enum chat_tool_kind kind)
{
	enum { NAME, DESCRIPTION, PARAMETERS, STRICT, FORMAT, N };
	static const struct str names[N] = {
		STR_INIT("name"), STR_INIT("description"), STR_INIT("parameters"), STR_INIT("strict"), STR_INIT("form"
			"at"),
	};
	const struct json_node *at[N];
	struct chat_tool *t = chat_tool_add(in->arena, &in->tools_end, kind);

	if (!t || !openai_members(in->arena, f, names, N, at, &t->extras))
		return openai_full(in->err);
	if (!node_is(f, JSON_OBJECT))
		return openai_refuse(in, place, "an object", f);
	if (node_text(at[NAME]).n == 0)
		return err_set(in->err, ERR_INVALID_REQUEST, "%s.name: must be a string that is not empty", place);
	if (at[PARAMETERS] && !node_is(at[PARAMETERS], JSON_OBJECT))
		return err_set(in->err, ERR_INVALID_REQUEST, "%s.parameters: must be a JSON Schema, an object", place);
	if (at[DESCRIPTION] && !node_is(at[DESCRIPTION], JSON_STRING))
		return err_set(in->err, ERR_INVALID_REQUEST, "%s.description: must be a string", place);
	if (at[STRICT] && !node_is(at[STRICT], JSON_BOOL))
		return err_set(in->err, ERR_INVALID_REQUEST, "%s.strict: must be true or false", place);
	t->name = node_text(at[NAME]);
	t->description = node_text(at[DESCRIPTION]);
	t->schema = node_raw(at[PARAMETERS]);
	if (node_is(at[STRICT], JSON_BOOL))
		t->strict = (uint8_t)tri_of(node_true(at[STRICT]));
	if (kind == TOOL_CUSTOM && at[FORMAT] && !node_is_word(node_get(at[FORMAT], STR("type")), STR("text"))) {
		t->format = flat_format(in, at[FORMAT]);
		return t->format.p || openai_full(in->err);
	}
	return true;
}

static bool read_tool(struct openai_request_in *in, const struct json_node *v, unsigned index)
{
	const struct json_node *f = node_get(v, STR("function")), *custom = node_get(v, STR("custom"));
	struct jstr type = node_get_text(v, STR("type"));
	struct chat_tool **slot = in->tools_end;
	char place[48];

	snprintf(place, sizeof(place), "tools[%u]", index);
	if (!type.p && node_is(f, JSON_OBJECT))      /* Mistral's library leaves it out */
		type = JSTR("function");
	if (!node_is(v, JSON_OBJECT) || type.n == 0)
		return openai_refuse(in, place, "an object with a type, such as function", v);
	if (jstr_is(type, STR("function"))) {
		snprintf(place, sizeof(place), "tools[%u].function", index);
		if (!read_function(in, place, f, TOOL_FUNCTION))
			return false;
	} else if (jstr_is(type, STR("custom"))) {
		snprintf(place, sizeof(place), "tools[%u].custom", index);
		if (!read_function(in, place, custom, TOOL_CUSTOM))
			return false;
	} else {
		struct chat_tool *t = chat_tool_add(in->arena, &in->tools_end, TOOL_SERVER);
		if (!t)
			return openai_full(in->err);
		t->name = type;
		t->raw = node_raw(v);
		t->from = DIALECT_OPENAI_CHAT;
	}
	(*slot)->cache = (uint8_t)openai_read_cache(node_get_some(v, STR("cache_control")));
	return true;
}

static bool read_tools(struct openai_request_in *in, const struct json_node *v)
{
	unsigned index = 0;

	if (!node_is(v, JSON_ARRAY))
		return openai_refuse(in, "tools", "an array", v);
	for (const struct json_node *t = node_first(v); t; t = node_next(v, t))
		if (!read_tool(in, t, index++))
			return false;
	return true;
}

static bool read_functions(struct openai_request_in *in, const struct json_node *v)
{
	unsigned index = 0;
	char place[48];

	in->rq->old_functions = true;
	if (!node_is(v, JSON_ARRAY))
		return openai_refuse(in, "functions", "an array", v);
	for (const struct json_node *f = node_first(v); f; f = node_next(v, f)) {
		snprintf(place, sizeof(place), "functions[%u]", index++);
		if (!read_function(in, place, f, TOOL_FUNCTION))
			return false;
	}
	return true;
}

/* OpenAI's search models; as the tool that Responses has for it. */
static bool read_web_search(struct openai_request_in *in, const struct json_node *v)
{
	struct jstr size = node_get_text(v, STR("search_context_size"));
	struct chat_tool *t = chat_tool_add(in->arena, &in->tools_end, TOOL_SERVER);

	if (!t)
		return openai_full(in->err);
	t->name = JSTR("web_search");
	t->from = DIALECT_OPENAI_RESPONSES;
	t->raw = size.n ? arena_printf(in->arena, "{\"type\":\"web_search\",\"search_context_size\":\"%.*s\"}",
	                               STR_ARG(size))
	                : STR("{\"type\":\"web_search\"}");
	if (!t->raw.p)
		return openai_full(in->err);
	return !node_get_some(v, STR("user_location")) ||
	       chat_extra_add(in->arena, &in->rq->extras, DIALECTS, JSTR("web_search_options.user_location"),
	                      STR("null")) ||
	       openai_full(in->err);
}

static bool read_cache_auto(struct openai_request_in *in, const struct json_node *v)
{
	in->rq->cache_auto = (uint8_t)openai_read_cache(v);
	return true;
}

enum chat_cache openai_read_cache(const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return CACHE_NO_MARK;
	return node_is_word(node_get(v, STR("ttl")), STR("1h")) ? CACHE_1H : CACHE_5M;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

enum holds { NUMBER, WORD, FLAG, OBJECT, ARRAY, ANY, OWN, NOTHING };
static const char *const holds_text[] = { "a number", "a string", "true or false", "an object", "an array" };
static const uint8_t holds_type[] = { JSON_NUMBER, JSON_STRING, JSON_BOOL, JSON_OBJECT, JSON_ARRAY };

#define AT(field) offsetof(struct chat_request, field)
#define NO_MEMBER CHAT_MEMBERS

/* An older name of the same thing comes before the newer one, which wins. */
static const struct member {
	struct str name;
	uint8_t holds;           /* enum holds */
	uint8_t member;          /* enum chat_member; NO_MEMBER: none */
	uint16_t at;             /* in struct chat_request: struct str, struct jstr or enum tri */
	bool (*read)(struct openai_request_in *, const struct json_node *);
} members[] = {
	{ STR_INIT("model"), NOTHING, NO_MEMBER, 0, NULL },
	{ STR_INIT("stream"), NOTHING, NO_MEMBER, 0, NULL },
	{ STR_INIT("stream_options"), NOTHING, NO_MEMBER, 0, NULL },
	{ STR_INIT("models"), NOTHING, NO_MEMBER, 0, NULL },            /* the gateway's own: routing */
	{ STR_INIT("provider"), NOTHING, NO_MEMBER, 0, NULL },
	{ STR_INIT("providerOptions"), NOTHING, NO_MEMBER, 0, NULL },
	{ STR_INIT("usage"), NOTHING, NO_MEMBER, 0, NULL },             /* OpenRouter: {"include":true}, as it is */
	{ STR_INIT("messages"), NOTHING, NO_MEMBER, 0, NULL },          /* read behind all others */
	{ STR_INIT("max_tokens"), NUMBER, MEMBER_MAX_OUTPUT, AT(max_output), NULL },
	{ STR_INIT("max_completion_tokens"), NUMBER, MEMBER_MAX_OUTPUT, AT(max_output), NULL },
	{ STR_INIT("temperature"), NUMBER, MEMBER_TEMPERATURE, AT(temperature), NULL },
	{ STR_INIT("top_p"), NUMBER, MEMBER_TOP_P, AT(top_p), NULL },
	{ STR_INIT("top_k"), NUMBER, MEMBER_TOP_K, AT(top_k), NULL },
	{ STR_INIT("seed"), NUMBER, MEMBER_SEED, AT(seed), NULL },
	{ STR_INIT("random_seed"), NUMBER, MEMBER_SEED, AT(seed), NULL },
	{ STR_INIT("frequency_penalty"), NUMBER, MEMBER_FREQUENCY_PENALTY, AT(frequency_penalty), NULL },
	{ STR_INIT("presence_penalty"), NUMBER, MEMBER_PRESENCE_PENALTY, AT(presence_penalty), NULL },
	{ STR_INIT("top_logprobs"), NUMBER, MEMBER_TOP_LOGPROBS, AT(top_logprobs), NULL },
	{ STR_INIT("n"), NUMBER, MEMBER_N, AT(n), NULL },
	{ STR_INIT("logit_bias"), OBJECT, MEMBER_LOGIT_BIAS, AT(logit_bias), NULL },
	{ STR_INIT("logprobs"), FLAG, MEMBER_LOGPROBS, AT(logprobs), NULL },
	{ STR_INIT("user"), WORD, MEMBER_END_USER, AT(end_user), NULL },
	{ STR_INIT("safety_identifier"), WORD, MEMBER_END_USER, AT(end_user), NULL },
	{ STR_INIT("metadata"), OBJECT, MEMBER_METADATA, AT(metadata), NULL },
	{ STR_INIT("service_tier"), WORD, MEMBER_SERVICE_TIER, AT(service_tier), NULL },
	{ STR_INIT("verbosity"), WORD, MEMBER_VERBOSITY, AT(verbosity), NULL },
	{ STR_INIT("prompt_cache_key"), WORD, MEMBER_CACHE_KEY, AT(cache_key), NULL },
	{ STR_INIT("prompt_cache_retention"), WORD, MEMBER_CACHE_RETENTION, AT(cache_retention), NULL },
	{ STR_INIT("store"), FLAG, MEMBER_STORE, AT(store), NULL },
	{ STR_INIT("parallel_tool_calls"), FLAG, MEMBER_PARALLEL, AT(parallel), NULL },
	{ STR_INIT("prediction"), OBJECT, MEMBER_PREDICTION, AT(prediction), NULL },
	{ STR_INIT("modalities"), ARRAY, MEMBER_MODALITIES, AT(modalities), NULL },
	{ STR_INIT("audio"), OBJECT, MEMBER_AUDIO, AT(audio), NULL },
	{ STR_INIT("cache_control"), OWN, MEMBER_CACHE_AUTO, 0, read_cache_auto },
	{ STR_INIT("stop"), OWN, MEMBER_STOP, 0, read_stop },
	{ STR_INIT("reasoning_effort"), OWN, MEMBER_REASONING, 0, read_effort },
	{ STR_INIT("reasoning"), OWN, MEMBER_REASONING, 0, read_reasoning },
	{ STR_INIT("thinking"), OWN, MEMBER_REASONING, 0, read_thinking },
	{ STR_INIT("enable_thinking"), OWN, MEMBER_REASONING, 0, read_enable_thinking },
	{ STR_INIT("thinking_budget"), OWN, MEMBER_REASONING, 0, read_thinking_budget },
	{ STR_INIT("response_format"), OWN, MEMBER_FORMAT, 0, read_format },
	{ STR_INIT("tools"), OWN, NO_MEMBER, 0, read_tools },
	{ STR_INIT("functions"), OWN, NO_MEMBER, 0, read_functions },
	{ STR_INIT("tool_choice"), OWN, MEMBER_TOOL_CHOICE, 0, read_choice },
	{ STR_INIT("function_call"), OWN, MEMBER_TOOL_CHOICE, 0, read_function_call },
	{ STR_INIT("web_search_options"), OWN, NO_MEMBER, 0, read_web_search },
};

static bool read_member(struct openai_request_in *in, const struct member *m, const struct json_node *v)
{
	char *at = (char *)in->rq + m->at;
	char name[48];

	if (m->member != NO_MEMBER)
		in->rq->set |= MEMBER_BIT(m->member);
	if (m->read)
		return m->read(in, v);
	if (m->holds == NOTHING)
		return true;
	if (v->type != holds_type[m->holds]) {
		snprintf(name, sizeof(name), "%.*s", STR_ARG(m->name));
		return openai_refuse(in, name, holds_text[m->holds], v);
	}
	if (m->holds == WORD) {
		struct jstr text = node_text(v);
		memcpy(at, &text, sizeof(text));
	} else if (m->holds == FLAG) {
		*(uint8_t *)at = (uint8_t)tri_of(node_true(v));
	} else {
		struct str raw = node_raw(v);
		memcpy(at, &raw, sizeof(raw));
	}
	return true;
}

static const struct openai_own *own_member(const struct openai_request_in *in, const struct json_node *v)
{
	for (size_t i = 0; i < in->own_n; i++)
		if (node_named(v, in->own[i].name))
			return &in->own[i];
	return NULL;
}

/* The last of each name counts; those that OpenAI does not know are kept. */
bool openai_read_members(struct openai_request_in *in, const struct json_node *body)
{
	const struct json_node *at[COUNT_OF(members)] = { NULL };
	struct chat_extra **extras = &in->rq->extras;

	for (const struct json_node *v = node_first(body); v; v = node_next(body, v)) {
		const struct openai_own *own = own_member(in, v);
		size_t i = 0;
		if (own) {
			if (v->type != JSON_NULL && !own->read(in, v))
				return false;
			continue;
		}
		while (i < COUNT_OF(members) && !node_named(v, members[i].name))
			i++;
		if (i < COUNT_OF(members)) {
			at[i] = v->type == JSON_NULL ? NULL : v;
			continue;
		}
		if (!chat_extra_add(in->arena, extras, in->rq->from, node_key(v), node_raw(v)))
			return openai_full(in->err);
		extras = &(*extras)->next;
	}
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (at[i] && !read_member(in, &members[i], at[i]))
			return false;
	return true;
}

bool openai_chat_read_request(struct arena *arena, const struct dialect_request *from, const struct json_node *body,
                              struct chat_request *out, struct err *e)
{
	struct openai_request_in in = { .arena = arena, .rq = out, .err = e };

	*out = (struct chat_request){ .from = DIALECT_OPENAI_CHAT, .model = node_get_text(body, STR("model")),
		                      .stream = from->stream };
	in.turns_end = &out->turns;
	in.system_end = &out->system;
	in.tools_end = &out->tools;
	if (!openai_read_members(&in, body) || !openai_read_messages(&in, node_get(body, STR("messages"))))
		return false;
	return chat_turns_check_calls(out, e);
}

bool openai_chat_fill_reply(struct arena *arena, const struct chat_request *rq, struct chat_reply *reply)
{
	reply->old_functions = rq->old_functions;
	return true;
}
