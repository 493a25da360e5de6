/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat_parts_write: writing the parts of messages that requests, answers and streams share. */

#include <assert.h>

#include "dialect/openai_chat_in.h"

static void open_entry(struct json_writer *w, struct str type)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, type);
}

static void close_entry(struct json_writer *w, const struct chat_block *b, struct jstr id, uint32_t *index)
{
	if (id.n) {
		json_key_lit(w, "id");
		json_jstr(w, id);
	}
	json_key_lit(w, "format");
	json_jstr(w,
	          b->kind == CHAT_REASONING && b->name.n ? b->name : openai_format((enum chat_maker)b->opaque.maker));
	json_key_lit(w, "index");
	json_u64(w, (*index)++);
	json_close(w);
}

/* Anthropic signs the text; the others give a token beside it. */
static bool is_signature(const struct chat_block *b)
{
	return b->opaque.bytes.p && !b->redacted && !b->blocks && b->opaque.maker != MAKER_OPENAI &&
	       b->opaque.maker != MAKER_XAI;
}

void openai_write_details(struct json_writer *w, const struct chat_block *b, uint32_t *index)
{
	struct jstr id = b->opaque.id.n ? b->opaque.id : b->id;

	if (b->kind == CHAT_TOOL_CALL && b->opaque.bytes.p) {                 /* Gemini: by the call's id */
		open_entry(w, STR("reasoning.encrypted"));
		json_key_lit(w, "data");
		json_jstr(w, b->opaque.bytes);
		close_entry(w, b, b->id, index);
	}
	if (b->kind != CHAT_REASONING)
		return;
	for (const struct chat_block *part = b->blocks; part; part = part->next) {
		open_entry(w, STR("reasoning.summary"));
		json_key_lit(w, "summary");
		json_jstr(w, part->text);
		close_entry(w, b, (struct jstr){ 0 }, index);
	}
	if (b->text.n || is_signature(b)) {
		open_entry(w, STR("reasoning.text"));
		if (b->text.p) {
			json_key_lit(w, "text");
			json_jstr(w, b->text);
		}
		if (is_signature(b)) {
			json_key_lit(w, "signature");
			json_jstr(w, b->opaque.bytes);
		}
		close_entry(w, b, id, index);
	}
	if (b->opaque.bytes.p && !is_signature(b)) {
		open_entry(w, STR("reasoning.encrypted"));
		json_key_lit(w, "data");
		json_jstr(w, b->opaque.bytes);
		close_entry(w, b, id, index);
	}
}

void openai_write_signature(struct json_writer *w, struct jstr signature)
{
	json_key_lit(w, "extra_content");
	json_open(w, '{');
	json_key_lit(w, "google");
	json_open(w, '{');
	json_key_lit(w, "thought_signature");
	json_jstr(w, signature);
	json_close(w);
	json_close(w);
}

bool openai_write_citation(struct json_writer *w, const struct chat_citation *c)
{
	if (c->from == DIALECT_OPENAI_CHAT && c->raw.n) {
		json_raw(w, c->raw);
		return true;
	}
	if (c->url.n == 0)
		return false;
	open_entry(w, STR("url_citation"));
	json_key_lit(w, "url_citation");
	json_open(w, '{');
	json_key_lit(w, "start_index");
	json_i64(w, c->start < 0 ? 0 : c->start);
	json_key_lit(w, "end_index");
	json_i64(w, c->end < 0 ? 0 : c->end);
	json_key_lit(w, "url");
	json_jstr(w, c->url);
	json_key_lit(w, "title");
	json_jstr(w, c->title);
	json_close(w);
	json_close(w);
	return true;
}

void openai_write_image(struct json_writer *w, struct arena *a, const struct chat_media *m)
{
	open_entry(w, STR("image_url"));
	json_key_lit(w, "image_url");
	json_open(w, '{');
	json_key_lit(w, "url");
	json_jstr(w, m->from == MEDIA_BYTES ? chat_media_data_url(a, m) : m->data);
	json_close(w);
	json_close(w);
}

struct str openai_finish_word(const struct chat_finish *f, bool refused, bool old_functions)
{
	switch ((enum chat_stop)f->stop) {
	case STOP_NONE: case STOP_END: case STOP_SEQUENCE: case STOP_PAUSE: case STOP_ERROR: return STR("stop");
	case STOP_MAX_TOKENS: case STOP_CONTEXT_FULL: return STR("length");
	case STOP_TOOL: return old_functions ? STR("function_call") : STR("tool_calls");
	case STOP_FILTER: return STR("content_filter");
	case STOP_REFUSAL: return refused ? STR("stop") : STR("content_filter");
	}
	assert(!"unknown chat_stop");
	return STR("stop");
}

static void write_count(struct json_writer *w, const char *key, uint64_t n)
{
	json_key(w, str_from_z(key));
	json_u64(w, n);
}

void openai_write_usage(struct json_writer *w, const struct usage *u)
{
	uint64_t in = usage_total_input(u), out = usage_total_output(u);

	json_open(w, '{');
	write_count(w, "prompt_tokens", in);
	write_count(w, "completion_tokens", out);
	write_count(w, "total_tokens", in + out);
	json_key_lit(w, "prompt_tokens_details");
	json_open(w, '{');
	write_count(w, "cached_tokens", (uint64_t)u->n[USAGE_CACHE_READ] + u->n[USAGE_CACHE_READ_AUDIO]);
	if (usage_total_cache_write(u))
		write_count(w, "cache_write_tokens", usage_total_cache_write(u));
	write_count(w, "audio_tokens", u->n[USAGE_INPUT_AUDIO]);
	if (u->n[USAGE_INPUT_IMAGE])
		write_count(w, "image_tokens", u->n[USAGE_INPUT_IMAGE]);
	json_close(w);
	json_key_lit(w, "completion_tokens_details");
	json_open(w, '{');
	write_count(w, "reasoning_tokens", u->n[USAGE_REASONING]);
	write_count(w, "audio_tokens", u->n[USAGE_OUTPUT_AUDIO]);
	if (u->n[USAGE_OUTPUT_IMAGE])
		write_count(w, "image_tokens", u->n[USAGE_OUTPUT_IMAGE]);
	json_close(w);
	json_close(w);
}
