/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_write: what the writers of answers, streams and requests in Messages share. */
#include "dialect/anthropic_in.h"

struct jstr anthropic_signature(struct arena *a, const struct chat_opaque *o)
{
	if (o->maker == MAKER_ANTHROPIC && o->bytes.p)
		return o->bytes;
	/* Also without a token: so we know the thought for one that is not Claude's when it comes back (B4). */
	struct chat_opaque other = *o;
	if (other.maker == MAKER_NONE || other.maker == MAKER_ANTHROPIC)
		other.maker = MAKER_OTHER;
	return chat_opaque_wrap(a, &other);
}

struct jstr anthropic_message_id(struct arena *a, struct jstr id, const struct chat_reply *reply)
{
	if (str_starts(jstr_raw(id), STR("msg_")))
		return id;
	return jstr_concat(a, JSTR("msg_"), id.n ? id : reply->id);
}

struct jstr anthropic_thinking(struct arena *a, const struct chat_block *b)
{
	struct jstr all = b->text.p ? b->text : JSTR("");

	for (const struct chat_block *part = b->text.n ? NULL : b->blocks; part && all.p; part = part->next) {
		if (all.n)
			all = jstr_concat(a, all, JSTR("\\n\\n"));
		all = jstr_concat(a, all, part->text);
	}
	return all;
}

struct jstr anthropic_call_signature(struct arena *a, const struct chat_block *b)
{
	struct chat_opaque o = b->opaque;

	o.id = b->id;
	return chat_opaque_wrap(a, &o);
}

const char *anthropic_answer_type(const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: return "text";
	case CHAT_REASONING:
		return b->redacted && b->opaque.maker == MAKER_ANTHROPIC ? "redacted_thinking" : "thinking";
	case CHAT_TOOL_CALL: return b->tool == TOOL_SERVER ? NULL : "tool_use";
	case CHAT_AUDIO: return "text"; /* what was said */
	case CHAT_IMAGE:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: return NULL;
	}
	return NULL;
}

void anthropic_write_citation(struct json_writer *w, const struct chat_citation *c)
{
	if (c->from == DIALECT_ANTHROPIC && c->raw.p) {
		json_raw(w, c->raw);
		return;
	}
	/* The nearest of its kinds. Without its index it is never sent to Anthropic again. */
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("web_search_result_location"));
	json_key_lit(w, "cited_text");
	json_jstr(w, c->quote);
	json_key_lit(w, "encrypted_index");
	json_str(w, STR(""));
	json_key_lit(w, "title");
	if (c->title.p)
		json_jstr(w, c->title);
	else
		json_null(w);
	json_key_lit(w, "url");
	json_jstr(w, c->url);
	json_close(w);
}

void anthropic_write_usage(struct json_writer *w, const struct usage *u, bool calls)
{
	uint64_t writes = usage_total_cache_write(u), reads = usage_total_cache_read(u);

	json_open(w, '{');
	json_key_lit(w, "input_tokens");
	json_u64(w, usage_total_input(u) - writes - reads);
	json_key_lit(w, "cache_creation_input_tokens");
	json_u64(w, writes);
	json_key_lit(w, "cache_read_input_tokens");
	json_u64(w, reads);
	json_key_lit(w, "cache_creation");
	json_open(w, '{');
	json_key_lit(w, "ephemeral_5m_input_tokens");
	json_u64(w, u->n[USAGE_CACHE_WRITE_5M]);
	json_key_lit(w, "ephemeral_1h_input_tokens");
	json_u64(w, u->n[USAGE_CACHE_WRITE_1H]);
	json_close(w);
	json_key_lit(w, "output_tokens");
	json_u64(w, usage_total_output(u));
	if (u->n[USAGE_REASONING]) {
		json_key_lit(w, "output_tokens_details");
		json_open(w, '{');
		json_key_lit(w, "thinking_tokens");
		json_u64(w, u->n[USAGE_REASONING]);
		json_close(w);
	}
	if (calls && u->calls[CALLS_WEB_SEARCH]) {
		json_key_lit(w, "server_tool_use");
		json_open(w, '{');
		json_key_lit(w, "web_search_requests");
		json_u64(w, u->calls[CALLS_WEB_SEARCH]);
		json_close(w);
	}
	/* the caller closes */
}

struct str anthropic_stop_reason(const struct chat_finish *f, bool called)
{
	/* F1: others say that they stopped. A Claude that did may have had its calls answered by its own tools. */
	called = called && !jstr_is(f->raw, STR("end_turn"));
	switch ((enum chat_stop)f->stop) {
	case STOP_NONE:
	case STOP_END:
	case STOP_ERROR: return called ? STR("tool_use") : STR("end_turn");
	case STOP_SEQUENCE: return STR("stop_sequence");
	case STOP_MAX_TOKENS: return STR("max_tokens");
	case STOP_CONTEXT_FULL: return STR("model_context_window_exceeded");
	case STOP_TOOL: return STR("tool_use");
	case STOP_FILTER:
	case STOP_REFUSAL: return STR("refusal");
	case STOP_PAUSE: return jstr_is(f->raw, STR("compaction")) ? STR("compaction") : STR("pause_turn");
	}
	return STR("end_turn");
}

void anthropic_write_finish(struct json_writer *w, const struct chat_finish *f, bool called, bool own)
{
	struct str reason = anthropic_stop_reason(f, called);

	json_key_lit(w, "stop_reason");
	/* A word of Anthropic's that is newer than this program. */
	if (own && f->stop == STOP_END && f->raw.n)
		json_jstr(w, f->raw);
	else
		json_str(w, reason);
	json_key_lit(w, "stop_sequence");
	if (f->stop == STOP_SEQUENCE && f->sequence.p)
		json_jstr(w, f->sequence);
	else
		json_null(w);
	if (own && f->detail.p) {
		json_key_lit(w, "stop_details");
		json_raw(w, f->detail);
	}
}
