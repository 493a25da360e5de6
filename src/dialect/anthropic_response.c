/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_response: whole answers of Messages, both ways, and counts of tokens. */
#include "dialect/anthropic_in.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Members of an answer that the model has words for. */
static const struct str known[] = {
	STR_INIT("id"),      STR_INIT("type"),        STR_INIT("role"),          STR_INIT("model"),
	STR_INIT("content"), STR_INIT("stop_reason"), STR_INIT("stop_sequence"), STR_INIT("stop_details"),
	STR_INIT("usage"),
};
static const struct str known_usage[] = {
	STR_INIT("input_tokens"),
	STR_INIT("output_tokens"),
	STR_INIT("cache_creation_input_tokens"),
	STR_INIT("cache_read_input_tokens"),
	STR_INIT("cache_creation"),
	STR_INIT("output_tokens_details"),
	STR_INIT("service_tier"),
};
#define USAGE_PREFIX "usage."

static bool is_among(const struct json_node *m, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (node_named(m, names[i]))
			return true;
	return m->type == JSON_NULL;
}

static bool keep_extras(struct arena *a, const struct json_node *object, struct chat_response *out)
{
	const struct json_node *usage = node_get(object, STR("usage"));

	for (const struct json_node *m = node_first(object); m; m = node_next(object, m))
		if (!is_among(m, known, sizeof known / sizeof *known) &&
		    !chat_extra_add(a, &out->extras, DIALECT_ANTHROPIC, node_key(m), node_raw(m)))
			return false;
	if (!node_is(usage, JSON_OBJECT))
		return true;
	for (const struct json_node *m = node_first(usage); m; m = node_next(usage, m)) {
		if (is_among(m, known_usage, sizeof known_usage / sizeof *known_usage))
			continue;
		struct jstr name = jstr_concat(a, JSTR(USAGE_PREFIX), node_key(m));
		if (!name.p || !chat_extra_add(a, &out->extras, DIALECT_ANTHROPIC, name, node_raw(m)))
			return false;
	}
	return true;
}

bool anthropic_read_response(struct arena *a, const struct chat_source *source, const struct json_node *body,
                             struct chat_response *out, struct err *e)
{
	struct anthropic_read r = { .arena = a, .err = e, .answer = true, .message = -1, .block = -1, .inner = -1 };
	const struct json_node *content = node_get(body, STR("content")), *usage = node_get(body, STR("usage"));
	struct chat_output *o = arena_zalloc(a, sizeof *o);
	struct chat_block **end;

	(void)source;
	*out = (struct chat_response){ .from = DIALECT_ANTHROPIC };
	if (!o)
		return anthropic_full(&r);
	if (!node_is(body, JSON_OBJECT) || (!content && !usage))
		return err_set(e, ERR_UPSTREAM, "the provider's answer is no message");
	out->id = node_get_text(body, STR("id"));
	out->model = node_get_text(body, STR("model"));
	out->service_tier = node_get_text(usage, STR("service_tier"));
	out->outputs = o;
	end = &o->blocks;
	if (content && content->type != JSON_NULL && !anthropic_read_content(&r, content, &end))
		return false;
	anthropic_read_finish(body, &o->finish);
	anthropic_read_usage(usage, &out->usage);
	return keep_extras(a, body, out) || anthropic_full(&r);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_extras(struct json_writer *w, const struct chat_extra *x, bool of_usage)
{
	for (; x; x = x->next) {
		struct str name = jstr_raw(x->name);
		bool prefixed = str_starts(name, STR(USAGE_PREFIX));
		if (x->from != DIALECT_ANTHROPIC || prefixed != of_usage)
			continue;
		if (prefixed)
			name = str_slice(name, sizeof USAGE_PREFIX - 1, name.n);
		/* It is escaped already. */
		if (w->comma)
			buf_append_c(w->out, ',');
		buf_append_c(w->out, '"');
		buf_append(w->out, name);
		buf_append(w->out, STR("\":"));
		w->comma = false;
		w->keyed = true;
		json_raw(w, x->raw);
	}
}

static void write_thought(struct json_writer *w, struct jstr text, struct jstr signature)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("thinking"));
	json_key_lit(w, "thinking");
	json_jstr(w, text);
	json_key_lit(w, "signature");
	json_jstr(w, signature);
	json_close(w);
}

static bool write_reasoning(struct json_writer *w, struct arena *a, const struct chat_block *b)
{
	struct jstr text = anthropic_thinking(a, b), signature = anthropic_signature(a, &b->opaque);

	if (!text.p || !signature.p)
		return false;
	if (!b->redacted || b->opaque.maker != MAKER_ANTHROPIC) {
		write_thought(w, text, signature);
		return true;
	}
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("redacted_thinking"));
	json_key_lit(w, "data");
	json_jstr(w, signature);
	json_close(w);
	return true;
}

static bool write_call(struct json_writer *w, struct arena *a, const struct chat_block *b)
{
	bool odd;
	struct str input = chat_args_json(a, &b->args, &odd);

	if (anthropic_call_token(b)) {
		struct jstr signature = anthropic_call_signature(a, b);
		if (!signature.p)
			return false;
		write_thought(w, JSTR(""), signature);
	}
	if (!input.p)
		return false;
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("tool_use"));
	json_key_lit(w, "id");
	json_jstr(w, b->id);
	json_key_lit(w, "name");
	json_jstr(w, b->name);
	json_key_lit(w, "input");
	json_raw(w, input);
	write_extras(w, b->extras, false);
	json_close(w);
	return true;
}

static void write_text(struct json_writer *w, struct jstr text, const struct chat_block *b)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("text"));
	json_key_lit(w, "text");
	json_jstr(w, text);
	if (b->citations) {
		json_key_lit(w, "citations");
		json_open(w, '[');
		for (const struct chat_citation *c = b->citations; c; c = c->next)
			anthropic_write_citation(w, c);
		json_close(w);
	}
	write_extras(w, b->extras, false);
	json_close(w);
}

static bool write_block(struct json_writer *w, struct arena *a, const struct chat_block *b, struct chat_drops *drops)
{
	if (anthropic_is_raw(b)) {
		json_raw(w, b->raw);
		return true;
	}
	if (!anthropic_answer_type(b)) {
		if (drops)
			chat_drop(drops, "content.%s", chat_kind_name(b->kind));
		return true;
	}
	if (b->kind == CHAT_REASONING)
		return write_reasoning(w, a, b);
	if (b->kind == CHAT_TOOL_CALL)
		return write_call(w, a, b);
	if (b->kind == CHAT_AUDIO) {
		if (drops)
			chat_drop(drops, "content.audio");
		if (b->media && b->media->transcript.n)
			write_text(w, b->media->transcript, b);
	} else if (b->text.n) {
		write_text(w, b->text, b);
	}
	return true;
}

static bool has_calls(const struct chat_block *b)
{
	for (; b; b = b->next)
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			return true;
	return false;
}

bool anthropic_write_response(struct arena *a, const struct chat_response *rs, const struct chat_reply *reply,
                              struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	const struct chat_output *o = rs->outputs;
	bool own = rs->from == DIALECT_ANTHROPIC;

	json_open(&w, '{');
	json_key_lit(&w, "id");
	json_jstr(&w, anthropic_message_id(a, rs->id, reply));
	json_key_lit(&w, "type");
	json_str(&w, STR("message"));
	json_key_lit(&w, "role");
	json_str(&w, STR("assistant"));
	json_key_lit(&w, "model");
	json_jstr(&w, rs->model.p ? rs->model : reply->model);
	json_key_lit(&w, "content");
	json_open(&w, '[');
	for (const struct chat_block *b = o->blocks; b; b = b->next)
		if (!write_block(&w, a, b, drops))
			return false;
	json_close(&w);
	if (o->next)
		chat_drop(drops, "choices[1]");
	chat_drop_answer(drops, rs, own ? ANSWER_TIER : 0);
	anthropic_write_finish(&w, &o->finish, has_calls(o->blocks), own);
	json_key_lit(&w, "usage");
	anthropic_write_usage(&w, &rs->usage, !own);
	write_extras(&w, rs->extras, true);
	if (rs->service_tier.p && own) {
		json_key_lit(&w, "service_tier");
		json_jstr(&w, rs->service_tier);
	}
	json_close(&w);
	write_extras(&w, rs->extras, false);
	json_close(&w);
	return json_write_done(&w);
}

bool anthropic_write_count(int64_t tokens, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	json_key_lit(&w, "input_tokens");
	json_i64(&w, tokens);
	json_close(&w);
	return json_write_done(&w);
}
