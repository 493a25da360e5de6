/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_write_request: a neutral request for a server of Chat Completions. What servers take besides messages and
 * tools differs much: the provider's quirks and the model's facts decide; what cannot be said is reported.
 */

#include <stdlib.h>

#include "dialect/openai_chat_in.h"
#include "model/facts.h"
#include "model/quirk.h"

/* More stop sequences are refused; the gateway watches for those itself (P7). */
#define STOPS_MAX 4
#define BODY_MAX ((size_t)1 << 30)

static void carry(struct openai_request_out *o, enum chat_member m) { o->carried |= MEMBER_BIT(m); }

static bool has(const struct openai_request_out *o, enum chat_member m) { return (o->rq->set & MEMBER_BIT(m)) != 0; }

/* A raw value, if the client gave one and the target may have it. */
static void put_raw(struct openai_request_out *o, enum chat_member m, bool may, struct str key, struct str raw)
{
	if (!has(o, m) || !may || raw.n == 0)
		return;
	json_key(&o->w, key);
	json_raw(&o->w, raw);
	carry(o, m);
}

static void put_text(struct openai_request_out *o, enum chat_member m, bool may, struct str key, struct jstr text)
{
	if (!has(o, m) || !may || !text.p)
		return;
	json_key(&o->w, key);
	json_jstr(&o->w, text);
	carry(o, m);
}

static void put_flag(struct openai_request_out *o, enum chat_member m, bool may, struct str key, uint8_t tri)
{
	if (!has(o, m) || !may || tri == TRI_UNSET)
		return;
	json_key(&o->w, key);
	json_bool(&o->w, tri == TRI_YES);
	carry(o, m);
}

/* ---- sampling ---------------------------------------------------------------------------------------------------- */

static bool above_one(struct str number)
{
	char text[32];

	if (number.n >= sizeof(text))
		return true;
	memcpy(text, number.p, number.n);
	text[number.n] = '\0';
	return strtod(text, NULL) > 1.0;
}

static void write_stop(struct openai_request_out *o)
{
	bool watched = model_rule(o->target->facts, MODEL_NO_STOP);
	struct chat_name **end = &o->wire->undo.stop;
	unsigned n = 0;

	if (!o->rq->stop)
		return;
	carry(o, MEMBER_STOP);
	for (const struct chat_name *s = o->rq->stop; s; s = s->next) {
		if (s->name.n == 0)
			continue;
		if (watched || n == STOPS_MAX) {
			if (!chat_name_add(o->arena, &end, s->name))
				chat_drop(&o->wire->drops, "stop");
			continue;
		}
		if (n++ == 0) {
			json_key_lit(&o->w, "stop");
			json_open(&o->w, '[');
		}
		json_jstr(&o->w, s->name);
	}
	if (n)
		json_close(&o->w);
}

static void write_sampling(struct openai_request_out *o)
{
	const struct chat_request *rq = o->rq;
	const struct model_facts *f = o->target->facts;
	const bool sampling = !model_rule(f, MODEL_NO_SAMPLING) ||
			      (model_rule(f, MODEL_SAMPLING_WHEN_OFF) && rq->has_effort && rq->effort == EFFORT_NONE);
	const bool both = !model_rule(f, MODEL_NO_TEMP_WITH_TOP_P) || !has(o, MEMBER_TEMPERATURE);
	const bool penalties = !openai_has_quirk(o, QUIRK_NO_PENALTIES) && !model_rule(f, MODEL_NO_PENALTIES);
	const bool logprobs = !openai_has_quirk(o, QUIRK_NO_LOGPROBS) && !model_rule(f, MODEL_NO_LOGPROBS);
	const bool cohere = openai_has_quirk(o, QUIRK_COHERE_SAMPLING);
	struct str temperature = rq->temperature;

	if (model_rule(f, MODEL_TEMP_MAX_1) && temperature.n && sampling && above_one(temperature)) {
		temperature = STR("1");
		chat_drop(&o->wire->drops, "temperature");
	}
	put_raw(o, MEMBER_TEMPERATURE, sampling, STR("temperature"), temperature);
	put_raw(o, MEMBER_TOP_P, sampling && both, cohere ? STR("p") : STR("top_p"), rq->top_p);
	put_raw(o, MEMBER_TOP_K, sampling && (o->lax || cohere), cohere ? STR("k") : STR("top_k"), rq->top_k);
	put_raw(o, MEMBER_SEED, true, openai_has_quirk(o, QUIRK_RANDOM_SEED) ? STR("random_seed") : STR("seed"),
	        rq->seed);
	put_raw(o, MEMBER_FREQUENCY_PENALTY, penalties, STR("frequency_penalty"), rq->frequency_penalty);
	put_raw(o, MEMBER_PRESENCE_PENALTY, penalties, STR("presence_penalty"), rq->presence_penalty);
	put_raw(o, MEMBER_LOGIT_BIAS, logprobs && penalties, STR("logit_bias"), rq->logit_bias);
	put_flag(o, MEMBER_LOGPROBS, logprobs, STR("logprobs"), rq->logprobs);
	put_raw(o, MEMBER_TOP_LOGPROBS, logprobs && rq->logprobs == TRI_YES, STR("top_logprobs"), rq->top_logprobs);
	write_stop(o);
}

/* ---- reasoning --------------------------------------------------------------------------------------------------- */

/* What the client asked for; false: nothing that is an effort. */
static bool wanted_effort(const struct openai_request_out *o, enum model_effort *out)
{
	const struct chat_request *rq = o->rq;
	int64_t cap = 0;

	if (rq->has_effort)
		*out = (enum model_effort)rq->effort;
	else if (rq->thinking == TRI_NO)
		*out = EFFORT_NONE;
	else if (rq->thinking_budget > 0 && rq->thinking_budget <= UINT32_MAX) {
		if (!json_to_i64(rq->max_output, &cap) || cap < 0 || cap > UINT32_MAX)
			cap = o->target->facts->max_output;
		*out = model_budget_effort((uint32_t)rq->thinking_budget, (uint32_t)cap);
	} else if (rq->thinking == TRI_YES && (o->target->facts->effort_levels & EFFORT_BIT(EFFORT_NONE)) &&
	           !model_rule(o->target->facts, MODEL_THINKS_UNASKED)) {
		*out = EFFORT_MEDIUM;                        /* silence would be none (row 50) */
	} else {
		return false;
	}
	return true;
}

static void write_openrouter_reasoning(struct openai_request_out *o, bool has_effort, enum model_effort effort)
{
	json_key_lit(&o->w, "reasoning");
	json_open(&o->w, '{');
	if (has_effort && effort == EFFORT_NONE) {
		json_key_lit(&o->w, "enabled");
		json_bool(&o->w, false);
	} else if (!o->rq->has_effort && o->rq->thinking_budget > 0) {
		json_key_lit(&o->w, "max_tokens");
		json_i64(&o->w, o->rq->thinking_budget);
	} else if (has_effort) {
		json_key_lit(&o->w, "effort");
		json_str(&o->w, model_effort_name(effort));
	} else {
		json_key_lit(&o->w, "enabled");
		json_bool(&o->w, true);
	}
	json_close(&o->w);
}

static void write_thinking_switch(struct openai_request_out *o, bool on)
{
	json_key_lit(&o->w, "thinking");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, on ? STR("enabled") : STR("disabled"));
	json_close(&o->w);
}

static void write_reasoning(struct openai_request_out *o)
{
	const struct model_facts *f = o->target->facts;
	enum model_effort effort = EFFORT_NONE, sent;
	bool has_effort = wanted_effort(o, &effort),
	     on = has_effort ? effort != EFFORT_NONE : o->rq->thinking == TRI_YES;
	bool unknown = f->thinking == THINKING_UNKNOWN && f->effort_levels == 0;

	if (!has(o, MEMBER_REASONING) || (!has_effort && o->rq->thinking == TRI_UNSET))
		return;
	if (f->thinking == THINKING_NONE || model_lacks(f, CAP_REASONING)) {
		if (!on)
			carry(o, MEMBER_REASONING);          /* it does not think, as was asked for */
		return;
	}
	if (openai_has_quirk(o, QUIRK_REASONING_DETAILS)) {
		write_openrouter_reasoning(o, has_effort, effort);
		carry(o, MEMBER_REASONING);
		return;
	}
	if (openai_has_quirk(o, QUIRK_THINKING_SWITCH)) {
		write_thinking_switch(o, on);
		carry(o, MEMBER_REASONING);
	}
	if (openai_has_quirk(o, QUIRK_ENABLE_THINKING)) {
		json_key_lit(&o->w, "enable_thinking");
		json_bool(&o->w, on);
		if (on && o->rq->thinking_budget > 0) {
			json_key_lit(&o->w, "thinking_budget");
			json_i64(&o->w, o->rq->thinking_budget);
		}
		carry(o, MEMBER_REASONING);
		return;
	}
	if (!has_effort) {
		if (on && !unknown)
			carry(o, MEMBER_REASONING);          /* it thinks as it always does */
		return;
	}
	if (f->thinking == THINKING_ALWAYS || (unknown && (!o->lax || effort == EFFORT_NONE)))
		return;
	sent = model_effort_nearest(f->effort_levels, effort);
	if (effort == EFFORT_NONE && sent != EFFORT_NONE)
		chat_drop(&o->wire->drops, "reasoning");             /* row 50: said, since it will be paid for */
	json_key_lit(&o->w, "reasoning_effort");
	json_str(&o->w, model_effort_name(sent));
	carry(o, MEMBER_REASONING);
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

struct jstr openai_fit_tool(struct openai_request_out *o, struct jstr name)
{
	return chat_fit_name(o->arena, &o->wire->undo, name, ALPHABET_WORD_DASH, 64);
}

static bool is_chosen(const struct openai_request_out *o, const struct chat_tool *t)
{
	if (o->rq->choice != CHOICE_SUBSET || o->openai)
		return true;
	for (const struct chat_name *n = o->rq->choice_names; n; n = n->next)
		if (jstr_eq(n->name, t->name))
			return true;
	return false;
}

static bool is_sent(const struct openai_request_out *o, const struct chat_tool *t)
{
	if (t->kind == TOOL_SERVER)
		return t->from == DIALECT_OPENAI_CHAT && t->raw.n && o->lax;
	return is_chosen(o, t);
}

static bool any_tools(const struct openai_request_out *o)
{
	for (const struct chat_tool *t = o->rq->tools; t; t = t->next)
		if (is_sent(o, t))
			return true;
	return false;
}

/* Responses writes a grammar flat, Chat Completions one level deeper. */
static void write_custom_format(struct openai_request_out *o, const struct chat_tool *t)
{
	const struct json_node *f = json_nodes(o->arena, t->format, REQUEST_DEPTH_MAX, NULL);
	bool grammar = node_is_word(node_get(f, STR("type")), STR("grammar")) && !node_get(f, STR("grammar"));

	if (!f)
		return;
	json_key_lit(&o->w, "format");
	if (!grammar) {
		json_raw(&o->w, t->format);
		return;
	}
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("grammar"));
	json_key_lit(&o->w, "grammar");
	json_open(&o->w, '{');
	for (const struct json_node *m = node_first(f); m; m = node_next(f, m))
		if (node_named(m, STR("syntax")) || node_named(m, STR("definition"))) {
			json_key(&o->w, jstr_raw(node_key(m)));
			json_raw(&o->w, node_raw(m));
		}
	json_close(&o->w);
	json_close(&o->w);
}

static void write_custom_tool(struct openai_request_out *o, const struct chat_tool *t)
{
	json_key_lit(&o->w, "custom");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, t->name);
	if (t->description.p) {
		json_key_lit(&o->w, "description");
		json_jstr(&o->w, t->description);
	}
	if (t->format.n)
		write_custom_format(o, t);
	json_close(&o->w);
}

#define NO_SCHEMA "{\"type\":\"object\",\"properties\":{}}"

static bool write_function(struct openai_request_out *o, const struct chat_tool *t)
{
	struct jstr name = openai_fit_tool(o, t->name);
	struct str schema = t->kind == TOOL_CUSTOM ? chat_schema_custom(o->arena, t)
			    : t->schema.n          ? t->schema
			                           : STR(NO_SCHEMA);
	bool changed = false;

	if (!name.p)
		return openai_full(o->err);
	if (t->strict == TRI_YES && o->openai && o->rq->from != DIALECT_OPENAI_RESPONSES &&
	    o->rq->from != DIALECT_OPENAI_CHAT)
		schema = chat_schema_strict(o->arena, schema, &changed);
	if (!schema.p)
		return openai_full(o->err);
	json_key_lit(&o->w, "function");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, name);
	if (t->description.p) {
		json_key_lit(&o->w, "description");
		json_jstr(&o->w, t->description);
	}
	json_key_lit(&o->w, "parameters");
	json_raw(&o->w, schema);
	if (t->strict != TRI_UNSET) {
		json_key_lit(&o->w, "strict");
		json_bool(&o->w, t->strict == TRI_YES);
	}
	json_close(&o->w);
	return true;
}

static bool note_custom(struct openai_request_out *o, const struct chat_tool *t, unsigned index)
{
	struct chat_name **end = &o->wire->undo.custom_tools;

	while (*end)
		end = &(*end)->next;
	if (t->format.n)
		chat_drop(&o->wire->drops, "tools[%u].format", index);
	return chat_name_add(o->arena, &end, t->name) || openai_full(o->err);
}

static bool write_tool(struct openai_request_out *o, const struct chat_tool *t, unsigned index)
{
	bool custom = t->kind == TOOL_CUSTOM && o->openai;

	if (t->kind == TOOL_SERVER) {
		json_raw(&o->w, t->raw);
		return true;
	}
	if (t->kind == TOOL_CUSTOM && !custom && !note_custom(o, t, index))
		return false;
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, custom ? STR("custom") : STR("function"));
	if (custom)
		write_custom_tool(o, t);
	else if (!write_function(o, t))
		return false;
	openai_write_cache(o, (enum chat_cache)t->cache);
	json_close(&o->w);
	return true;
}

static bool write_tools(struct openai_request_out *o)
{
	unsigned index = 0;

	for (const struct chat_tool *t = o->rq->tools; t; t = t->next, index++)
		if (!is_sent(o, t) && t->kind == TOOL_SERVER)
			chat_drop(&o->wire->drops, "tools[%u]", index);                         /* U4 */
	if (!any_tools(o))
		return true;
	json_key_lit(&o->w, "tools");
	json_open(&o->w, '[');
	index = 0;
	for (const struct chat_tool *t = o->rq->tools; t; t = t->next, index++)
		if (is_sent(o, t) && !write_tool(o, t, index))
			return false;
	json_close(&o->w);
	return true;
}

static const struct chat_tool *tool_named(const struct chat_request *rq, struct jstr name)
{
	const struct chat_tool *t = rq->tools;

	while (t && !jstr_eq(t->name, name))
		t = t->next;
	return t;
}

/* {"type":"function","function":{"name":…}} */
static bool write_tool_name(struct openai_request_out *o, struct jstr name)
{
	const struct chat_tool *t = tool_named(o->rq, name);
	bool custom = t && t->kind == TOOL_CUSTOM && o->openai;
	struct str word = custom ? STR("custom") : STR("function");
	struct jstr fit = custom ? name : openai_fit_tool(o, name);

	if (!fit.p)
		return openai_full(o->err);
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, word);
	json_key(&o->w, word);
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, fit);
	json_close(&o->w);
	json_close(&o->w);
	return true;
}

static bool write_subset(struct openai_request_out *o)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("allowed_tools"));
	json_key_lit(&o->w, "allowed_tools");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "mode");
	json_str(&o->w, o->rq->choice_subset_any ? STR("required") : STR("auto"));
	json_key_lit(&o->w, "tools");
	json_open(&o->w, '[');
	for (const struct chat_name *n = o->rq->choice_names; n; n = n->next)
		if (!write_tool_name(o, n->name))
			return false;
	json_close(&o->w);
	json_close(&o->w);
	json_close(&o->w);
	return true;
}

/* Without tools there is no choice (U3). */
static bool write_choice(struct openai_request_out *o)
{
	const struct chat_request *rq = o->rq;
	bool forced = !openai_has_quirk(o, QUIRK_NO_TOOL_REQUIRED) && !model_lacks(o->target->facts, CAP_FORCED_TOOL);
	struct str any = openai_has_quirk(o, QUIRK_TOOL_CHOICE_ANY) ? STR("any") : STR("required");

	carry(o, MEMBER_TOOL_CHOICE);
	if (!any_tools(o) || rq->choice == CHOICE_UNSET)
		return true;
	bool must = rq->choice == CHOICE_ANY || rq->choice == CHOICE_TOOL ||
		    (rq->choice == CHOICE_SUBSET && rq->choice_subset_any);
	if (must && !forced)
		chat_drop(&o->wire->drops, "tool_choice");
	json_key_lit(&o->w, "tool_choice");
	if (rq->choice == CHOICE_NONE)
		json_str(&o->w, STR("none"));
	else if (must && !forced)
		json_str(&o->w, STR("auto"));
	else if (rq->choice == CHOICE_TOOL && rq->choice_names)
		return write_tool_name(o, rq->choice_names->name);
	else if (rq->choice == CHOICE_SUBSET && o->openai)
		return write_subset(o);
	else
		json_str(&o->w, must ? any : STR("auto"));
	return true;
}

/* ---- the answer's form ------------------------------------------------------------------------------------------- */

#define SCHEMA_BEGIN \
	"Answer with one JSON object and nothing else. It must follow this JSON Schema: "

/* The schema as a text for the system prompt (S4). */
static bool tell_schema(struct openai_request_out *o, struct str schema)
{
	struct jstr text = jstr_from(o->arena, schema);

	if (text.p)
		text = jstr_concat(o->arena, JSTR(SCHEMA_BEGIN), text);
	o->schema_text = text;
	return text.p || openai_full(o->err);
}

static bool write_schema(struct openai_request_out *o)
{
	const struct chat_request *rq = o->rq;
	struct str schema = rq->format_schema.n ? rq->format_schema : STR("{\"type\":\"object\"}");
	struct jstr name = rq->format_name.n ? rq->format_name : JSTR("response");
	bool changed = false;

	name = chat_fit_id(o->arena, name, ALPHABET_WORD_DASH, 64, false);
	if (rq->format_strict == TRI_YES && o->openai && rq->from != DIALECT_OPENAI_RESPONSES &&
	    rq->from != DIALECT_OPENAI_CHAT)
		schema = chat_schema_strict(o->arena, schema, &changed);
	if (!name.p || !schema.p)
		return openai_full(o->err);
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("json_schema"));
	json_key_lit(&o->w, "json_schema");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, name);
	if (rq->format_description.n) {
		json_key_lit(&o->w, "description");
		json_jstr(&o->w, rq->format_description);
	}
	if (rq->format_strict != TRI_UNSET) {
		json_key_lit(&o->w, "strict");
		json_bool(&o->w, rq->format_strict == TRI_YES);
	}
	json_key_lit(&o->w, "schema");
	json_raw(&o->w, schema);
	json_close(&o->w);
	return true;
}

/* What is told to the model must be known before the messages are written. */
static bool prepare_format(struct openai_request_out *o)
{
	const bool no_schema = openai_has_quirk(o, QUIRK_NO_JSON_SCHEMA) ||
			       model_lacks(o->target->facts, CAP_JSON_SCHEMA);

	if (o->rq->format == FORMAT_SCHEMA && no_schema)
		return tell_schema(o, o->rq->format_schema.n ? o->rq->format_schema : STR("{\"type\":\"object\"}"));
	if (o->rq->format == FORMAT_JSON && openai_has_quirk(o, QUIRK_NO_JSON_SCHEMA))
		o->schema_text = JSTR("Answer with one JSON object.");                  /* S7: the word must be there */
	return true;
}

static bool write_format(struct openai_request_out *o)
{
	const bool object =
		!openai_has_quirk(o, QUIRK_NO_JSON_OBJECT) && !model_lacks(o->target->facts, CAP_JSON_OBJECT);
	const bool schema = o->rq->format == FORMAT_SCHEMA && !o->schema_text.p;
	bool ok = true;

	carry(o, MEMBER_FORMAT);
	if (o->rq->format != FORMAT_JSON && o->rq->format != FORMAT_SCHEMA)
		return true;
	if (!schema && !object && openai_has_quirk(o, QUIRK_NO_JSON_SCHEMA))
		return true;                                 /* the system's text says it */
	json_key_lit(&o->w, "response_format");
	json_open(&o->w, '{');
	if (schema || !object) {
		ok = write_schema(o);
	} else {
		json_key_lit(&o->w, "type");
		json_str(&o->w, STR("json_object"));
	}
	json_close(&o->w);
	return ok;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

/* Only equal meanings (P13): what costs more or less is passed on as it is between OpenAI's own dialects. */
static void write_tier(struct openai_request_out *o)
{
	const struct jstr tier = o->rq->service_tier;
	bool known = o->openai || o->lax;

	if (!has(o, MEMBER_SERVICE_TIER) || !known)
		return;
	if (o->rq->from == DIALECT_OPENAI_CHAT || o->rq->from == DIALECT_OPENAI_RESPONSES ||
	    jstr_is(tier, STR("auto")) || jstr_is(tier, STR("default"))) {
		put_text(o, MEMBER_SERVICE_TIER, true, STR("service_tier"), tier);
	} else if (jstr_is(tier, STR("standard_only")) || jstr_is(tier, STR("standard"))) {
		put_text(o, MEMBER_SERVICE_TIER, true, STR("service_tier"), JSTR("default"));
	}
}

static bool write_n(struct openai_request_out *o)
{
	int64_t n = 1;

	if (has(o, MEMBER_N) && (!json_to_i64(o->rq->n, &n) || n < 1))
		n = 1;
	if (n > 1 && openai_has_quirk(o, QUIRK_ONE_CHOICE))
		return err_set(o->err, ERR_UNSUPPORTED_PARAMETER,
		               "n: this provider gives one answer at a time, not %lld", (long long)n);
	put_raw(o, MEMBER_N, n > 1, STR("n"), o->rq->n);
	carry(o, MEMBER_N);
	return true;
}

static void write_extras(struct openai_request_out *o)
{
	for (const struct chat_extra *x = o->rq->extras; x; x = x->next) {
		if (x->from != DIALECT_OPENAI_CHAT)
			continue;
		buf_append(o->w.out, STR(",\""));
		buf_append_jstr(o->w.out, x->name);
		buf_append(o->w.out, STR("\":"));
		buf_append(o->w.out, x->raw);
	}
}

static void write_openai_members(struct openai_request_out *o)
{
	const struct chat_request *rq = o->rq;
	const bool may = o->openai || o->lax, ours = rq->from == DIALECT_OPENAI_RESPONSES;

	put_text(o, MEMBER_END_USER, !openai_has_quirk(o, QUIRK_NO_USER), STR("user"), rq->end_user);
	/* Responses are stored by the gateway itself; metadata is taken only with what is stored (P10). */
	if (ours)
		carry(o, MEMBER_STORE);
	put_flag(o, MEMBER_STORE, may && !ours, STR("store"), rq->store);
	put_raw(o, MEMBER_METADATA, may && rq->store == TRI_YES && !ours, STR("metadata"), rq->metadata);
	put_text(o, MEMBER_VERBOSITY, may, STR("verbosity"), rq->verbosity);
	put_text(o, MEMBER_CACHE_KEY, may, STR("prompt_cache_key"), rq->cache_key);
	put_text(o, MEMBER_CACHE_RETENTION, may, STR("prompt_cache_retention"), rq->cache_retention);
	put_raw(o, MEMBER_PREDICTION, may, STR("prediction"), rq->prediction);
	put_raw(o, MEMBER_MODALITIES, may && rq->from == DIALECT_OPENAI_CHAT, STR("modalities"), rq->modalities);
	put_raw(o, MEMBER_AUDIO, may && rq->from == DIALECT_OPENAI_CHAT, STR("audio"), rq->audio);
	if (any_tools(o))
		put_flag(o, MEMBER_PARALLEL, !openai_has_quirk(o, QUIRK_NO_PARALLEL_SWITCH), STR("parallel_tool_calls"),
		         rq->parallel);
	else
		carry(o, MEMBER_PARALLEL);
	write_tier(o);
	if (!o->openai)
		carry(o, MEMBER_REASONING_SUMMARY);          /* what they think is shown unasked */
	if (has(o, MEMBER_CACHE_AUTO) && (openai_has_quirk(o, QUIRK_CACHE_CONTROL) ||
	                                  model_has(o->target->facts, CAP_PROMPT_CACHE))) {
		openai_write_cache(o, (enum chat_cache)rq->cache_auto);
		carry(o, MEMBER_CACHE_AUTO);
	}
}

static void write_max_output(struct openai_request_out *o)
{
	bool newer = openai_has_quirk(o, QUIRK_MAX_COMPLETION_TOKENS) ||
		     model_rule(o->target->facts, MODEL_MAX_COMPLETION_TOKENS);

	put_raw(o, MEMBER_MAX_OUTPUT, true, newer ? STR("max_completion_tokens") : STR("max_tokens"),
	        o->rq->max_output);
}

static bool write_stream(struct openai_request_out *o)
{
	if (!o->rq->stream)
		return true;
	json_key_lit(&o->w, "stream");
	json_bool(&o->w, true);
	if (!o->target->ask_usage || openai_has_quirk(o, QUIRK_NO_STREAM_OPTIONS))
		return true;
	json_key_lit(&o->w, "stream_options");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "include_usage");
	json_bool(&o->w, true);
	json_close(&o->w);
	return true;
}

static bool write_body(struct openai_request_out *o)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "model");
	json_jstr(&o->w, o->target->model);
	if (!prepare_format(o) || !openai_write_messages(o) || !write_tools(o) || !write_choice(o))
		return false;
	write_max_output(o);
	write_sampling(o);
	write_reasoning(o);
	if (!write_n(o) || !write_format(o))
		return false;
	write_openai_members(o);
	write_extras(o);
	if (!write_stream(o))
		return false;
	json_close(&o->w);
	if (!json_write_done(&o->w))
		return err_set(o->err, ERR_TOO_LARGE, "the request is too large for this provider");
	return true;
}

bool openai_chat_write_request(struct arena *arena, const struct chat_request *rq, const struct chat_target *target,
                               struct chat_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct openai_request_out o = {
		.arena = arena,
		.w = json_writer_make(&body),
		.rq = rq,
		.target = target,
		.wire = out,
		.err = e,
		.openai = (target->quirks & QUIRK_DEVELOPER_ROLE) != 0,
		.lax = !(target->quirks & QUIRK_STRICT_MEMBERS),
	};

	if (!chat_turns_check_calls(rq, e))
		return false;
	if (!write_body(&o)) {
		buf_fini(&body);
		return false;
	}
	size_t n;
	char *p = buf_take(&body, &n);
	if (!arena_on_free(arena, free, p)) {
		free(p);
		return openai_full(e);
	}
	out->body = str_of(p, n);
	if (!openai_has_quirk(&o, QUIRK_CACHE_CONTROL))
		chat_drop_cache_marks(&out->drops, rq);
	chat_drop_members(&out->drops, rq, o.carried, DIALECT_OPENAI_CHAT);
	return true;
}
