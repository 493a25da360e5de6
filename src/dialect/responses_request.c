/* SPDX-License-Identifier: Apache-2.0 */
/* responses_request: a client's request in Responses, read. */
#include "dialect/responses_in.h"
#include "model/facts.h"

struct reading {
	struct responses_read r;
	struct chat_request *out;
};

static void set(struct reading *rd, enum chat_member m) { rd->out->set |= MEMBER_BIT(m); }

/* ---- input ---- */

struct turns {
	struct chat_turn **end, *last;
	struct chat_block **blocks;      /* where the next one of the last turn goes */
	bool message;                    /* the last turn is one message of the user's, and complete */
};

static bool only_results(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind != CHAT_TOOL_RESULT && b->kind != CHAT_RAW)
			return false;
	return true;
}

/* T21: what the assistant said stands together, and so do the results that follow; each message of the user's is its
 * own turn. */
static bool joins(const struct turns *t, enum chat_role role, const struct chat_block *first)
{
	if (!t->last || t->last->role != role || role == ROLE_SYSTEM)
		return false;
	return role == ROLE_ASSISTANT ||
	       ((first->kind == CHAT_TOOL_RESULT || first->kind == CHAT_RAW) && only_results(t->last));
}

static bool add_blocks(struct reading *rd, struct turns *t, enum chat_role role, struct chat_block *blocks, int index)
{
	if (!blocks)
		return true;
	if (role == ROLE_SYSTEM && !rd->out->turns) {
		*chat_blocks_end(&rd->out->system) = blocks;
		return true;
	}
	if (!joins(t, role, blocks)) {
		t->last = chat_turn_add(rd->r.arena, &t->end, role);
		if (!t->last)
			return responses_full(&rd->r);
		t->last->index = (uint32_t)index;
		t->blocks = &t->last->blocks;
	}
	*t->blocks = blocks;
	t->blocks = chat_blocks_end(t->blocks);
	return true;
}

bool responses_read_items(struct responses_read *r, const struct json_node *items, struct chat_request *out)
{
	struct reading rd = { .r = *r, .out = out };
	struct turns t = { .end = &out->turns };

	while (*t.end) {
		t.last = *t.end;
		t.blocks = chat_blocks_end(&t.last->blocks);
		t.end = &t.last->next;
	}
	rd.r.item = 0;
	for (const struct json_node *v = node_first(items); v; v = node_next(items, v), rd.r.item++) {
		struct chat_block *blocks = NULL, **end = &blocks;
		enum chat_role role;

		rd.r.part = -1;
		if (!responses_read_item(&rd.r, v, &end, &role) || !add_blocks(&rd, &t, role, blocks, rd.r.item))
			return false;
	}
	return true;
}

static bool read_input(struct reading *rd, const struct json_node *v)
{
	struct chat_turn **end = &rd->out->turns, *turn;
	struct chat_block **blocks;

	if (node_is(v, JSON_ARRAY))
		return responses_read_items(&rd->r, v, rd->out);
	if (!node_is(v, JSON_STRING))
		return responses_refuse(&rd->r, "input", v, "a string or an array of items");
	turn = chat_turn_add(rd->r.arena, &end, ROLE_USER);
	blocks = turn ? &turn->blocks : NULL;
	struct chat_block *b = turn ? chat_block_add(rd->r.arena, &blocks, CHAT_TEXT) : NULL;
	if (!b)
		return responses_full(&rd->r);
	b->text = node_text(v);
	return true;
}

static bool read_instructions(struct reading *rd, const struct json_node *v)
{
	struct chat_block **first = &rd->out->system, *rest = *first, *b;

	if (!node_is(v, JSON_STRING))
		return responses_refuse(&rd->r, "instructions", v, "a string");
	*first = NULL;
	b = chat_block_add(rd->r.arena, &first, CHAT_TEXT);
	if (!b)
		return responses_full(&rd->r);
	b->text = node_text(v);
	b->next = rest;                  /* they come before all items */
	return true;
}

/* ---- tools ---- */

static bool read_strict(const struct json_node *v, uint8_t *out)
{
	if (node_is(v, JSON_BOOL))
		*out = (uint8_t)tri_of(node_true(v));
	return true;
}

static bool read_tool(struct reading *rd, const struct json_node *v, struct chat_tool ***end)
{
	const struct json_node *type = node_get(v, STR("type")), *name = node_get(v, STR("name"));
	const struct json_node *format = node_get(v, STR("format"));
	bool function = node_is_word(type, STR("function")), custom = node_is_word(type, STR("custom"));
	struct chat_tool *t;

	if (!node_is(type, JSON_STRING))
		return responses_refuse(&rd->r, "tools[].type", type,
		                        "function, custom or the name of a tool of OpenAI's");
	if ((function || custom) && !node_text(name).n)
		return responses_refuse(&rd->r, "tools[].name", name, "the tool's name");
	t = chat_tool_add(rd->r.arena, end, function ? TOOL_FUNCTION : custom ? TOOL_CUSTOM : TOOL_SERVER);
	if (!t)
		return responses_full(&rd->r);
	t->raw = node_raw(v);
	t->from = DIALECT_OPENAI_RESPONSES;
	t->name = function || custom ? node_text(name) : node_text(type);
	t->description = node_get_text(v, STR("description"));
	if (function && node_is(node_get(v, STR("parameters")), JSON_OBJECT))
		t->schema = node_raw(node_get(v, STR("parameters")));
	if (custom && node_is(format, JSON_OBJECT) && !node_is_word(node_get(format, STR("type")), STR("text")))
		t->format = node_raw(format);            /* any text: what is meant anyway */
	return read_strict(node_get(v, STR("strict")), &t->strict);
}

static bool read_tools(struct reading *rd, const struct json_node *v)
{
	struct chat_tool **end = &rd->out->tools;

	if (!node_is(v, JSON_ARRAY))
		return responses_refuse(&rd->r, "tools", v, "an array");
	for (const struct json_node *t = node_first(v); t; t = node_next(v, t))
		if (!read_tool(rd, t, &end))
			return false;
	return true;
}

static bool read_choice_word(struct reading *rd, const struct json_node *v)
{
	static const struct { struct str word; enum chat_choice choice; } words[] = {
		{ STR_INIT("auto"), CHOICE_AUTO }, { STR_INIT("none"), CHOICE_NONE },
		{ STR_INIT("required"), CHOICE_ANY },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (node_is_word(v, words[i].word)) {
			rd->out->choice = (uint8_t)words[i].choice;
			return true;
		}
	return responses_refuse(&rd->r, "tool_choice", v, "auto, none, required or an object");
}

static bool read_choice(struct reading *rd, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type")), *tools = node_get(v, STR("tools"));
	struct chat_name **end = &rd->out->choice_names;

	set(rd, MEMBER_TOOL_CHOICE);
	if (node_is(v, JSON_STRING))
		return read_choice_word(rd, v);
	if (!node_is(v, JSON_OBJECT))
		return responses_refuse(&rd->r, "tool_choice", v, "auto, none, required or an object");
	if (node_is_word(type, STR("allowed_tools"))) {
		rd->out->choice = CHOICE_SUBSET;
		rd->out->choice_subset_any = node_is_word(node_get(v, STR("mode")), STR("required"));
		for (const struct json_node *t = node_first(tools); t; t = node_next(tools, t)) {
			struct jstr name = node_get_text(t, STR("name"));

			if (!chat_name_add(rd->r.arena, &end, name.p ? name : node_get_text(t, STR("type"))))
				return responses_full(&rd->r);
		}
		return true;
	}
	rd->out->choice = CHOICE_TOOL;
	return chat_name_add(rd->r.arena, &end,
	                     node_get_text(v, STR("name")).p ? node_get_text(v, STR("name")) : node_text(type)) ||
	       responses_full(&rd->r);
}

/* ---- plain members ---- */

static bool read_number(struct reading *rd, const struct json_node *v, const char *name, enum chat_member m,
                        struct str *out)
{
	if (!node_is(v, JSON_NUMBER))
		return responses_refuse(&rd->r, name, v, "a number");
	*out = node_raw(v);
	set(rd, m);
	return true;
}

static bool read_word(struct reading *rd, const struct json_node *v, const char *name, enum chat_member m,
                      struct jstr *out)
{
	if (!node_is(v, JSON_STRING))
		return responses_refuse(&rd->r, name, v, "a string");
	*out = node_text(v);
	set(rd, m);
	return true;
}

static bool read_switch(struct reading *rd, const struct json_node *v, const char *name, enum chat_member m,
                        uint8_t *out)
{
	if (!node_is(v, JSON_BOOL))
		return responses_refuse(&rd->r, name, v, "true or false");
	*out = (uint8_t)tri_of(node_true(v));
	set(rd, m);
	return true;
}

static bool read_max(struct reading *rd, const struct json_node *v)
{
	return read_number(rd, v, "max_output_tokens", MEMBER_MAX_OUTPUT, &rd->out->max_output);
}
static bool read_temperature(struct reading *rd, const struct json_node *v)
{
	return read_number(rd, v, "temperature", MEMBER_TEMPERATURE, &rd->out->temperature);
}
static bool read_top_p(struct reading *rd, const struct json_node *v)
{
	return read_number(rd, v, "top_p", MEMBER_TOP_P, &rd->out->top_p);
}
static bool read_top_logprobs(struct reading *rd, const struct json_node *v)
{
	int64_t n = node_i64(v, -1);

	return n == 0 || read_number(rd, v, "top_logprobs", MEMBER_TOP_LOGPROBS, &rd->out->top_logprobs);
}
static bool read_user(struct reading *rd, const struct json_node *v)
{
	return read_word(rd, v, "user", MEMBER_END_USER, &rd->out->end_user);
}
static bool read_tier(struct reading *rd, const struct json_node *v)
{
	return read_word(rd, v, "service_tier", MEMBER_SERVICE_TIER, &rd->out->service_tier);
}
static bool read_cache_key(struct reading *rd, const struct json_node *v)
{
	return read_word(rd, v, "prompt_cache_key", MEMBER_CACHE_KEY, &rd->out->cache_key);
}
static bool read_retention(struct reading *rd, const struct json_node *v)
{
	return read_word(rd, v, "prompt_cache_retention", MEMBER_CACHE_RETENTION, &rd->out->cache_retention);
}
static bool read_previous(struct reading *rd, const struct json_node *v)
{
	return read_word(rd, v, "previous_response_id", MEMBER_PREVIOUS, &rd->out->previous);
}
static bool read_truncation(struct reading *rd, const struct json_node *v)
{
	if (node_is_word(v, STR("disabled")))
		return true;             /* what everybody does */
	return read_word(rd, v, "truncation", MEMBER_TRUNCATION, &rd->out->truncation);
}
static bool read_parallel(struct reading *rd, const struct json_node *v)
{
	return read_switch(rd, v, "parallel_tool_calls", MEMBER_PARALLEL, &rd->out->parallel);
}
static bool read_store(struct reading *rd, const struct json_node *v)
{
	return read_switch(rd, v, "store", MEMBER_STORE, &rd->out->store);
}
static bool read_background(struct reading *rd, const struct json_node *v)
{
	return !node_true(v) ? node_is(v, JSON_BOOL) || responses_refuse(&rd->r, "background", v, "true or false")
	                     : read_switch(rd, v, "background", MEMBER_BACKGROUND, &rd->out->background);
}

static bool read_metadata(struct reading *rd, const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return responses_refuse(&rd->r, "metadata", v, "an object");
	if (!v->children)
		return true;
	rd->out->metadata = node_raw(v);
	set(rd, MEMBER_METADATA);
	return true;
}

static bool read_include(struct reading *rd, const struct json_node *v)
{
	if (!node_is(v, JSON_ARRAY))
		return responses_refuse(&rd->r, "include", v, "an array of strings");
	for (const struct json_node *w = node_first(v); w; w = node_next(v, w)) {
		if (node_is_word(w, STR("reasoning.encrypted_content"))) {
			rd->out->want_encrypted = true;
		} else if (node_is_word(w, STR("message.output_text.logprobs"))) {
			rd->out->logprobs = TRI_YES;
			set(rd, MEMBER_LOGPROBS);
		} else {
			set(rd, MEMBER_INCLUDE);
		}
	}
	return true;
}

static bool read_reasoning(struct reading *rd, const struct json_node *v)
{
	const struct json_node *effort = node_get_some(v, STR("effort")), *summary = node_get_some(v, STR("summary"));
	enum model_effort level;

	if (!node_is(v, JSON_OBJECT))
		return responses_refuse(&rd->r, "reasoning", v, "an object");
	if (!summary)
		summary = node_get_some(v, STR("generate_summary"));
	if (effort) {
		if (!model_effort_by_name(jstr_raw(node_text(effort)), &level))
			return responses_refuse(&rd->r, "reasoning.effort", effort,
			                        "none, minimal, low, medium, high, xhigh or max");
		rd->out->has_effort = true;
		rd->out->effort = (uint8_t)level;
		set(rd, MEMBER_REASONING);
	}
	if (!summary)
		return true;
	rd->out->show_thoughts = TRI_YES;
	return read_word(rd, summary, "reasoning.summary", MEMBER_REASONING_SUMMARY, &rd->out->summary);
}

static bool read_format(struct reading *rd, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type")), *schema = node_get(v, STR("schema"));
	struct chat_request *out = rd->out;

	if (node_is_word(type, STR("text"))) {
		out->format = FORMAT_TEXT;
		return true;
	}
	set(rd, MEMBER_FORMAT);
	if (node_is_word(type, STR("json_object"))) {
		out->format = FORMAT_JSON;
		return true;
	}
	if (!node_is_word(type, STR("json_schema")))
		return responses_refuse(&rd->r, "text.format.type", type, "text, json_object or json_schema");
	if (!node_is(schema, JSON_OBJECT))
		return responses_refuse(&rd->r, "text.format.schema", schema, "an object");
	out->format = FORMAT_SCHEMA;
	out->format_schema = node_raw(schema);
	out->format_name = node_get_text(v, STR("name"));
	out->format_description = node_get_text(v, STR("description"));
	return read_strict(node_get(v, STR("strict")), &out->format_strict);
}

static bool read_text_member(struct reading *rd, const struct json_node *v)
{
	const struct json_node *format = node_get_some(v, STR("format")),
			       *verbosity = node_get_some(v, STR("verbosity"));

	if (!node_is(v, JSON_OBJECT))
		return responses_refuse(&rd->r, "text", v, "an object");
	if (verbosity && !read_word(rd, verbosity, "text.verbosity", MEMBER_VERBOSITY, &rd->out->verbosity))
		return false;
	return !format || read_format(rd, format);
}

/* What stands for a conversation that only OpenAI has. To leave it out would be another request. */
static bool refuse_state(struct reading *rd, const struct json_node *v)
{
	struct jstr name = node_key(v);

	return err_set(rd->r.err, ERR_UNSUPPORTED_PARAMETER,
	               "%.*s: it is kept by OpenAI, and this model runs elsewhere; send the input, or "
	               "previous_response_id",
	               (int)name.n, name.p);
}

static bool ignore(struct reading *rd, const struct json_node *v) { return true; }

typedef bool member_fn(struct reading *, const struct json_node *);
static const struct { struct str name; member_fn *read; } members[] = {
	{ STR_INIT("input"), read_input },
	{ STR_INIT("model"), ignore },
	{ STR_INIT("stream"), ignore },
	{ STR_INIT("instructions"), read_instructions },
	{ STR_INIT("tools"), read_tools },
	{ STR_INIT("tool_choice"), read_choice },
	{ STR_INIT("parallel_tool_calls"), read_parallel },
	{ STR_INIT("reasoning"), read_reasoning },
	{ STR_INIT("store"), read_store },
	{ STR_INIT("include"), read_include },
	{ STR_INIT("prompt_cache_key"), read_cache_key },
	{ STR_INIT("text"), read_text_member },
	{ STR_INIT("max_output_tokens"), read_max },
	{ STR_INIT("temperature"), read_temperature },
	{ STR_INIT("top_p"), read_top_p },
	{ STR_INIT("previous_response_id"), read_previous },
	{ STR_INIT("metadata"), read_metadata },
	{ STR_INIT("user"), read_user },
	{ STR_INIT("safety_identifier"), read_user },
	{ STR_INIT("service_tier"), read_tier },
	{ STR_INIT("truncation"), read_truncation },
	{ STR_INIT("top_logprobs"), read_top_logprobs },
	{ STR_INIT("prompt_cache_retention"), read_retention },
	{ STR_INIT("background"), read_background },
	{ STR_INIT("conversation"), refuse_state },
	{ STR_INIT("prompt"), refuse_state },
	{ STR_INIT("stream_options"), ignore },
	{ STR_INIT("models"), ignore },          /* the gateway's own */
	{ STR_INIT("provider"), ignore },
	{ STR_INIT("providerOptions"), ignore },
};

static bool read_member(struct reading *rd, const struct json_node *m)
{
	if (m->type == JSON_NULL)
		return true;
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (node_named(m, members[i].name))
			return members[i].read(rd, m);
	return chat_extra_add(rd->r.arena, &rd->out->extras, DIALECT_OPENAI_RESPONSES, node_key(m), node_raw(m)) ||
	       responses_full(&rd->r);
}

static bool needs_state(const struct chat_request *rq)
{
	if (rq->previous.p)
		return true;
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->kind == CHAT_RAW && jstr_is(b->name, STR("item_reference")))
				return true;
	return false;
}

bool responses_read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                            struct chat_request *out, struct err *e)
{
	struct reading rd = { .r = { .arena = a, .err = e, .item = -1, .part = -1 }, .out = out };

	out->from = DIALECT_OPENAI_RESPONSES;
	out->model = node_get_text(body, STR("model"));
	out->stream = in->stream;
	rd.r.maker = (uint8_t)responses_maker(out->model);
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m))
		if (!read_member(&rd, m))
			return false;
	if (!out->turns && !out->previous.p)
		return responses_refuse(&rd.r, "input", node_get(body, STR("input")),
		                        "a string or an array with a message in it");
	return needs_state(out) || chat_turns_check_calls(out, e);
}

/* ---- what the answer repeats ---- */

static void echo_text(struct json_writer *w, struct str key, struct jstr text)
{
	json_key(w, key);
	if (text.p)
		json_jstr(w, text);
	else
		json_null(w);
}

static void echo_raw(struct json_writer *w, struct str key, struct str raw, struct str otherwise)
{
	json_key(w, key);
	json_raw(w, raw.n ? raw : otherwise);
}

static void echo_reasoning(struct json_writer *w, const struct chat_request *rq)
{
	json_key_lit(w, "reasoning");
	json_open(w, '{');
	json_key_lit(w, "effort");
	if (rq->has_effort)
		json_str(w, model_effort_name((enum model_effort)rq->effort));
	else
		json_null(w);
	echo_text(w, STR("summary"), rq->summary);
	json_close(w);
}

static void echo_tools(struct json_writer *w, const struct chat_request *rq)
{
	json_key_lit(w, "tools");
	json_open(w, '[');
	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		if (t->raw.n)
			json_raw(w, t->raw);
	json_close(w);
}

bool responses_fill_reply(struct arena *a, const struct chat_request *rq, struct chat_reply *reply)
{
	struct buf b = buf_make(SIZE_MAX / 2);
	struct json_writer w = json_writer_make(&b);
	struct str echo;

	json_open(&w, '{');
	echo_text(&w, STR("instructions"),
	          rq->system && rq->system->kind == CHAT_TEXT ? rq->system->text : (struct jstr){ 0 });
	echo_raw(&w, STR("max_output_tokens"), rq->max_output, STR("null"));
	echo_raw(&w, STR("metadata"), rq->metadata, STR("{}"));
	json_key_lit(&w, "parallel_tool_calls");
	json_bool(&w, rq->parallel != TRI_NO);
	echo_reasoning(&w, rq);
	echo_raw(&w, STR("temperature"), rq->temperature, STR("null"));
	json_key_lit(&w, "text");
	json_open(&w, '{');
	json_key_lit(&w, "format");
	responses_write_format(&w, rq, rq->format_schema);
	if (rq->verbosity.p)
		echo_text(&w, STR("verbosity"), rq->verbosity);
	json_close(&w);
	json_key_lit(&w, "tool_choice");
	responses_write_choice(&w, rq, a, NULL);
	echo_tools(&w, rq);
	echo_raw(&w, STR("top_p"), rq->top_p, STR("null"));
	json_key_lit(&w, "truncation");
	json_jstr(&w, rq->truncation.p ? rq->truncation : JSTR("disabled"));
	echo_text(&w, STR("user"), rq->end_user);
	json_close(&w);
	echo = json_write_done(&w) ? arena_dup(a, str_slice(buf_str(&b), 1, b.n - 1)) : (struct str){ 0 };
	buf_fini(&b);
	reply->echo = echo;
	reply->previous = rq->previous;
	reply->store = rq->store != TRI_NO;
	return echo.p != NULL;
}
