/* SPDX-License-Identifier: Apache-2.0 */
/* cohere_response: whole answers of /v2/chat, and what streams have in common with them. */

#include "base/map.h"
#include "dialect/cohere_in.h"

static const struct { struct str word; enum chat_stop stop; } stops[] = {
	{ STR_INIT("COMPLETE"), STOP_END }, { STR_INIT("STOP_SEQUENCE"), STOP_SEQUENCE },
	{ STR_INIT("MAX_TOKENS"), STOP_MAX_TOKENS }, { STR_INIT("TOOL_CALL"), STOP_TOOL },
	{ STR_INIT("ERROR"), STOP_ERROR }, { STR_INIT("TIMEOUT"), STOP_ERROR },
	{ STR_INIT("ERROR_LIMIT"), STOP_CONTEXT_FULL }, { STR_INIT("ERROR_TOXIC"), STOP_FILTER },
	{ STR_INIT("USER_CANCEL"), STOP_ERROR },
};

void cohere_read_finish(struct jstr word, struct chat_finish *out)
{
	size_t i = 0;

	while (i < COUNT_OF(stops) && !jstr_is(word, stops[i].word))
		i++;
	out->stop = i < COUNT_OF(stops) ? (uint8_t)stops[i].stop : STOP_END;
	if (i >= 4)
		out->raw = word;
}

/* SDKs know these; what the others mean is told by nothing but an error. */
struct str cohere_finish_word(const struct chat_finish *f)
{
	switch ((enum chat_stop)f->stop) {
	case STOP_SEQUENCE: return STR("STOP_SEQUENCE");
	case STOP_MAX_TOKENS:
	case STOP_CONTEXT_FULL: return STR("MAX_TOKENS");
	case STOP_TOOL: return STR("TOOL_CALL");
	case STOP_FILTER:
	case STOP_ERROR: return STR("ERROR");
	case STOP_NONE:
	case STOP_END:
	case STOP_REFUSAL:
	case STOP_PAUSE: break;
	}
	return STR("COMPLETE");
}

/* ---- citations --------------------------------------------------------------------------------------------------- */

struct chat_citation *cohere_read_citation(struct arena *a, const struct json_node *v)
{
	const struct json_node *source = node_first(node_get(v, STR("sources"))),
			       *doc = node_get(source, STR("document"));
	struct chat_citation *c = arena_zalloc(a, sizeof *c);

	if (!c)
		return NULL;
	c->from = DIALECT_COHERE;
	c->raw = node_raw(v);
	c->quote = node_get_text(v, STR("text"));
	c->title = node_get_text(doc, STR("title"));
	c->url = node_get_text(doc, STR("url"));
	c->start = node_i64(node_get(v, STR("start")), -1);
	c->end = node_i64(node_get(v, STR("end")), -1);
	return c;
}

void cohere_put_citation(struct json_writer *w, const struct chat_citation *c)
{
	struct jstr id = c->url.n ? c->url : c->title;

	if (c->from == DIALECT_COHERE && c->raw.n) {
		json_raw(w, c->raw);
		return;
	}
	json_open(w, '{');
	json_key_lit(w, "start");
	json_i64(w, c->start < 0 ? 0 : c->start);
	json_key_lit(w, "end");
	json_i64(w, c->end < 0 ? 0 : c->end);
	json_key_lit(w, "text");
	json_jstr(w, c->quote);
	json_key_lit(w, "sources");
	json_open(w, '[');
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("document"));
	json_key_lit(w, "id");
	json_jstr(w, id);
	json_key_lit(w, "document");
	json_open(w, '{');
	json_key_lit(w, "id");
	json_jstr(w, id);
	json_key_lit(w, "title");
	json_jstr(w, c->title);
	json_key_lit(w, "url");
	json_jstr(w, c->url);
	json_close(w);
	json_close(w);
	json_close(w);
	json_key_lit(w, "type");
	json_str(w, STR("TEXT_CONTENT"));
	json_close(w);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool read_content(struct kit_in *in, const struct json_node *content, struct chat_block ***end)
{
	if (node_is(content, JSON_STRING))
		return kit_add_text(in, end, CHAT_TEXT, node_text(content));
	for (const struct json_node *v = node_is(content, JSON_ARRAY) ? node_first(content) : NULL; v;
	     v = node_next(content, v)) {
		struct jstr type = node_get_text(v, STR("type"));
		bool thought = jstr_is(type, STR("thinking"));

		if (thought || jstr_is(type, STR("text"))) {
			if (!kit_add_text(in, end, thought ? CHAT_REASONING : CHAT_TEXT,
			                  node_get_text(v, thought ? STR("thinking") : STR("text"))))
				return false;
			continue;
		}
		struct chat_block *b = chat_block_add(in->arena, end, CHAT_RAW);
		if (!b)
			return openai_full(in->err);
		b->raw = node_raw(v);
		b->from = DIALECT_COHERE;
	}
	return true;
}

/* They belong to what is said last. */
static bool read_citations(struct kit_in *in, const struct json_node *list, struct chat_block *blocks)
{
	struct chat_block *text = NULL;
	struct chat_citation **end;

	for (struct chat_block *b = blocks; b; b = b->next)
		if (b->kind == CHAT_TEXT)
			text = b;
	if (!text || !node_is(list, JSON_ARRAY))
		return true;
	end = &text->citations;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), end = &(*end)->next)
		if (!(*end = cohere_read_citation(in->arena, v)))
			return openai_full(in->err);
	return true;
}

bool cohere_read_response(struct arena *arena, const struct chat_source *source, const struct json_node *body,
                          struct chat_response *out, struct err *e)
{
	const struct json_node *message = node_get(body, STR("message")), *calls;
	struct kit_in in = { .arena = arena, .err = e };
	struct chat_block **end;
	uint32_t n = 0;

	*out = (struct chat_response){ .from = DIALECT_COHERE, .id = node_get_text(body, STR("id")) };
	if (!node_is(message, JSON_OBJECT))
		return err_set(e, ERR_UPSTREAM, "the provider's answer holds no message");
	out->outputs = arena_zalloc(arena, sizeof *out->outputs);
	if (!out->outputs)
		return openai_full(e);
	end = &out->outputs->blocks;
	if (!read_content(&in, node_get_some(message, STR("content")), &end) ||
	    !read_citations(&in, node_get_some(message, STR("citations")), out->outputs->blocks) ||
	    !kit_add_text(&in, &end, CHAT_TEXT, node_get_text(message, STR("tool_plan"))))
		return false;
	calls = node_get_some(message, STR("tool_calls"));
	for (const struct json_node *c = node_is(calls, JSON_ARRAY) ? node_first(calls) : NULL; c;
	     c = node_next(calls, c)) {
		struct chat_block *b = openai_read_call(arena, c, hash_bytes(node_raw(body)), n++, &end);

		if (!b)
			return openai_full(e);
		b->tool = TOOL_FUNCTION;
	}
	if (out->id.n == 0)
		out->id.p = NULL;
	cohere_read_finish(node_get_text(body, STR("finish_reason")), &out->outputs->finish);
	if (n > 0 && out->outputs->finish.stop == STOP_END)
		out->outputs->finish.stop = STOP_TOOL;                                  /* F1 */
	cohere_usage(node_get(body, STR("usage")), &out->usage);
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void cohere_put_usage(struct json_writer *w, const struct usage *u)
{
	static const char *const names[] = { "billed_units", "tokens" };

	json_open(w, '{');
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		json_key(w, str_from_z(names[i]));
		json_open(w, '{');
		json_key_lit(w, "input_tokens");
		json_u64(w, usage_total_input(u));
		json_key_lit(w, "output_tokens");
		json_u64(w, usage_total_output(u));
		if (i == 1 && u->n[USAGE_REASONING]) {
			json_key_lit(w, "reasoning_tokens");
			json_u64(w, u->n[USAGE_REASONING]);
		}
		json_close(w);
	}
	if (usage_total_cache_read(u)) {
		json_key_lit(w, "cached_tokens");
		json_u64(w, usage_total_cache_read(u));
	}
	json_close(w);
}

static void put_part(struct json_writer *w, struct str type, struct jstr text)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, type);
	json_key(w, type);
	json_jstr(w, text);
	json_close(w);
}

static bool is_words(const struct chat_block *b) { return b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL; }

/* Are there calls, and nothing said behind them? Then what was said before is the plan for them. */
static bool is_plan(const struct chat_block *b)
{
	bool calls = false;

	for (; b; b = b->next) {
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			calls = true;
		else if (is_words(b))
			calls = false;
	}
	return calls;
}

static bool put_content(struct json_writer *w, struct arena *a, const struct chat_block *list, struct jstr *plan)
{
	struct chat_block thought = { .kind = CHAT_REASONING };
	bool planned = is_plan(list);
	struct jstr text;

	*plan = JSTR("");
	json_key_lit(w, "content");
	json_open(w, '[');
	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind == CHAT_REASONING) {
			thought = *b;
			thought.next = NULL;
			text = kit_join(a, &thought, CHAT_REASONING, JSTR(""));
			if (!text.p)
				return false;
			if (text.n)
				put_part(w, STR("thinking"), text);
		} else if (is_words(b)) {
			if (!planned) {
				put_part(w, STR("text"), b->text);
				continue;
			}
			*plan = plan->n ? jstr_concat(a, *plan, b->text) : b->text;
			if (!plan->p)
				*plan = JSTR("");
		}
	}
	json_close(w);
	return true;
}

static bool put_message(struct json_writer *w, struct arena *a, const struct chat_output *o)
{
	struct jstr plan;
	bool calls = false, citations = false;

	json_key_lit(w, "message");
	json_open(w, '{');
	json_key_lit(w, "role");
	json_str(w, STR("assistant"));
	if (!put_content(w, a, o->blocks, &plan))
		return false;
	if (plan.n) {
		json_key_lit(w, "tool_plan");
		json_jstr(w, plan);
	}
	for (const struct chat_block *b = o->blocks; b; b = b->next) {
		if (b->kind != CHAT_TOOL_CALL || b->tool == TOOL_SERVER)
			continue;
		if (!calls) {
			json_key_lit(w, "tool_calls");
			json_open(w, '[');
			calls = true;
		}
		if (!kit_put_call(w, a, b, b->name, true))
			return false;
	}
	if (calls)
		json_close(w);
	for (const struct chat_block *b = o->blocks; b; b = b->next)
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			if (!citations) {
				json_key_lit(w, "citations");
				json_open(w, '[');
				citations = true;
			}
			cohere_put_citation(w, c);
		}
	if (citations)
		json_close(w);
	json_close(w);
	return true;
}

bool cohere_write_response(struct arena *a, const struct chat_response *resp, const struct chat_reply *reply,
                           struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	const struct chat_output *o = resp->outputs;

	json_open(&w, '{');
	json_key_lit(&w, "id");
	json_jstr(&w, resp->id.n ? resp->id : reply->id);
	json_key_lit(&w, "finish_reason");
	json_str(&w, cohere_finish_word(&o->finish));
	if (!put_message(&w, a, o))
		return false;
	if (resp->usage.source != USAGE_NONE) {
		json_key_lit(&w, "usage");
		cohere_put_usage(&w, &resp->usage);
	}
	json_close(&w);
	for (const struct chat_block *b = o->blocks; b && drops; b = b->next)
		if (b->kind != CHAT_TEXT && b->kind != CHAT_REFUSAL && b->kind != CHAT_REASONING &&
		    !(b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER))
			chat_drop(drops, "%s", chat_kind_name((enum chat_kind)b->kind));
	if (o->next && drops)
		chat_drop(drops, "n");
	chat_drop_answer(drops, resp, 0);
	return json_write_done(&w);
}
