/* SPDX-License-Identifier: Apache-2.0 */
/* responses_write: items of an answer, as Responses' clients expect them. */
#include <stdio.h>

#include "dialect/responses_in.h"

struct responses_id responses_make_id(const char *prefix, struct jstr own, const struct chat_reply *reply,
                                      unsigned number)
{
	struct responses_id id;
	int n, max = 36;

	if (own.n && own.n <= sizeof(id.text) && str_starts(jstr_raw(own), str_from_z(prefix))) {
		put_str(id.text, jstr_raw(own));
		id.n = (uint8_t)own.n;
		return id;
	}
	if (reply->id.n < (size_t)max)
		max = (int)reply->id.n;
	n = snprintf(id.text, sizeof(id.text), "%s%.*s_%u", prefix, max, max ? reply->id.p : "", number);
	id.n = (uint8_t)n;
	return id;
}

bool responses_is_raw(const struct chat_block *b)
{
	return b->raw.p && b->from == DIALECT_OPENAI_RESPONSES;
}

uint64_t responses_letters(struct jstr t)
{
	uint64_t letters = 0;

	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if ((c & 0xc0) == 0x80)
			continue;
		letters++;
		if (c != '\\' || i + 1 == t.n)
			continue;
		if (t.p[i + 1] != 'u') {
			i++;
			continue;
		}
		/* the second half of a pair (DC00 to DFFF) counts for nothing */
		letters -= i + 3 < t.n && (t.p[i + 2] | 0x20) == 'd' && (t.p[i + 3] | 0x20) >= 'c';
		i += 5;
	}
	return letters;
}

/* ---- messages ---- */

bool responses_has_annotation(const struct chat_citation *c)
{
	return (c->raw.p && c->from == DIALECT_OPENAI_RESPONSES) || c->url.n;
}

bool responses_write_annotation(struct json_writer *w, const struct chat_citation *c, uint64_t letters)
{
	if (c->raw.p && c->from == DIALECT_OPENAI_RESPONSES) {
		json_raw(w, c->raw);
		return true;
	}
	if (!c->url.n)
		return false;
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("url_citation"));
	json_key_lit(w, "start_index");
	json_i64(w, c->start >= 0 ? c->start : 0);
	json_key_lit(w, "end_index");
	json_i64(w, c->end >= 0 ? c->end : (int64_t)letters);
	json_key_lit(w, "url");
	json_jstr(w, c->url);
	json_key_lit(w, "title");
	json_jstr(w, c->title);
	json_close(w);
	return true;
}

void responses_write_text_part(struct json_writer *w, const struct chat_block *b, struct str logprobs)
{
	uint64_t letters = b->citations ? responses_letters(b->text) : 0;

	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("output_text"));
	json_key_lit(w, "text");
	json_jstr(w, b->text);
	json_key_lit(w, "annotations");
	json_open(w, '[');
	for (const struct chat_citation *c = b->citations; c; c = c->next)
		responses_write_annotation(w, c, letters);
	json_close(w);
	json_key_lit(w, "logprobs");
	json_raw(w, logprobs.n ? logprobs : STR("[]"));
	json_close(w);
}

void responses_write_refusal_part(struct json_writer *w, struct jstr text)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("refusal"));
	json_key_lit(w, "refusal");
	json_jstr(w, text);
	json_close(w);
}

/* ---- other items ---- */

void responses_write_call(struct json_writer *w, const struct chat_block *b, struct str item_id, struct jstr call_id,
                          struct jstr args, bool done)
{
	bool custom = b->tool == TOOL_CUSTOM;

	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, item_id);
	json_key_lit(w, "type");
	json_str(w, custom ? STR("custom_tool_call") : STR("function_call"));
	json_key_lit(w, "status");
	json_str(w, done ? STR("completed") : STR("in_progress"));
	json_key_lit(w, "call_id");
	json_jstr(w, call_id);
	json_key_lit(w, "name");
	json_jstr(w, b->name);
	if (custom)
		json_key_lit(w, "input");
	else
		json_key_lit(w, "arguments");
	json_jstr(w, done ? args : JSTR(""));
	json_close(w);
}

static void write_typed_text(struct json_writer *w, struct str type, struct jstr text)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, type);
	json_key_lit(w, "text");
	json_jstr(w, text);
	json_close(w);
}

/* Clients show summaries; so a thought that has none is given as one (row 58). */
void responses_write_reasoning(struct json_writer *w, const struct chat_block *b, struct str item_id, struct jstr token)
{
	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, item_id);
	json_key_lit(w, "type");
	json_str(w, STR("reasoning"));
	json_key_lit(w, "summary");
	json_open(w, '[');
	for (const struct chat_block *p = b->blocks; p; p = p->next)
		write_typed_text(w, STR("summary_text"), p->text);
	if (!b->blocks && b->text.n)
		write_typed_text(w, STR("summary_text"), b->text);
	json_close(w);
	if (b->blocks && b->text.n) {
		json_key_lit(w, "content");
		json_open(w, '[');
		write_typed_text(w, STR("reasoning_text"), b->text);
		json_close(w);
	}
	if (token.p) {
		json_key_lit(w, "encrypted_content");
		json_jstr(w, token);
	}
	json_close(w);
}

struct jstr responses_token(struct arena *a, const struct chat_opaque *o)
{
	if (!o->bytes.n)
		return (struct jstr){ 0 };
	return o->maker == MAKER_OPENAI ? o->bytes : chat_opaque_wrap(a, o);
}

void responses_write_image(struct json_writer *w, const struct chat_block *b, struct str item_id)
{
	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, item_id);
	json_key_lit(w, "type");
	json_str(w, STR("image_generation_call"));
	json_key_lit(w, "status");
	json_str(w, STR("completed"));
	json_key_lit(w, "result");
	json_jstr(w, b->media->data);
	if (str_starts(jstr_raw(b->media->type), STR("image/"))) {
		json_key_lit(w, "output_format");
		json_jstr(w, jstr_of(b->media->type.p + 6, b->media->type.n - 6));
	}
	json_close(w);
}

/* ---- the response object ---- */

void responses_write_usage(struct json_writer *w, const struct usage *u)
{
	uint64_t input = usage_total_input(u), output = usage_total_output(u);

	if (u->source == USAGE_NONE) {
		json_null(w);
		return;
	}
	json_open(w, '{');
	json_key_lit(w, "input_tokens");
	json_u64(w, input);
	json_key_lit(w, "input_tokens_details");
	json_open(w, '{');
	json_key_lit(w, "cached_tokens");
	json_u64(w, usage_total_cache_read(u));
	if (usage_total_cache_write(u)) {
		json_key_lit(w, "cache_write_tokens");
		json_u64(w, usage_total_cache_write(u));
	}
	json_close(w);
	json_key_lit(w, "output_tokens");
	json_u64(w, output);
	json_key_lit(w, "output_tokens_details");
	json_open(w, '{');
	json_key_lit(w, "reasoning_tokens");
	json_u64(w, u->n[USAGE_REASONING]);
	json_close(w);
	json_key_lit(w, "total_tokens");
	json_u64(w, input + output);
	json_close(w);
}

uint8_t responses_stop(const struct chat_finish *f, bool refused)
{
	return f->stop == STOP_REFUSAL && !refused ? STOP_FILTER : f->stop;
}

struct str responses_status(const struct chat_finish *f)
{
	switch ((enum chat_stop)f->stop) {
	case STOP_MAX_TOKENS:
	case STOP_CONTEXT_FULL:
	case STOP_FILTER:
		return STR("incomplete");
	case STOP_ERROR:
		return STR("failed");
	case STOP_NONE:
	case STOP_END:
	case STOP_SEQUENCE:
	case STOP_TOOL:
	case STOP_REFUSAL:
	case STOP_PAUSE:
		break;
	}
	return STR("completed");
}

/* Raw members, already with commas between them. */
static void put_members(struct json_writer *w, struct str members)
{
	buf_append_c(w->out, ',');
	buf_append(w->out, members);
}

void responses_write_head(struct json_writer *w, const struct chat_reply *reply, struct jstr model, int64_t created_s)
{
	char id[RESPONSES_ID_MAX];

	json_key_lit(w, "id");
	json_str(w, responses_answer_id(id, jstr_raw(reply->id)));
	json_key_lit(w, "object");
	json_str(w, STR("response"));
	json_key_lit(w, "created_at");
	json_i64(w, created_s ? created_s : reply->created_s);
	json_key_lit(w, "model");
	json_jstr(w, model.n ? model : reply->model);
	put_members(w, reply->echo.n ? reply->echo
	                             : STR("\"instructions\":null,\"metadata\":{},\"parallel_tool_calls\":true,"
	                                   "\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
	                                   "\"top_p\":null"));
	json_key_lit(w, "previous_response_id");
	if (reply->previous.p)
		json_jstr(w, reply->previous);
	else
		json_null(w);
	json_key_lit(w, "store");
	json_bool(w, reply->store);
	json_key_lit(w, "background");
	json_bool(w, false);
}

void responses_write_status(struct json_writer *w, const struct chat_finish *f)
{
	json_key_lit(w, "status");
	json_str(w, f ? responses_status(f) : STR("in_progress"));
	json_key_lit(w, "error");
	if (f && f->stop == STOP_ERROR) {
		json_open(w, '{');
		json_key_lit(w, "code");
		json_str(w, STR("server_error"));
		json_key_lit(w, "message");
		json_jstr(w, f->raw.n ? f->raw : JSTR("the provider gave up"));
		json_close(w);
	} else {
		json_null(w);
	}
	json_key_lit(w, "incomplete_details");
	if (f && str_eq(responses_status(f), STR("incomplete"))) {
		json_open(w, '{');
		json_key_lit(w, "reason");
		json_str(w, f->stop == STOP_FILTER ? STR("content_filter") : STR("max_output_tokens"));
		json_close(w);
	} else {
		json_null(w);
	}
}

void responses_write_tail(struct json_writer *w, const struct usage *u, struct jstr tier)
{
	json_key_lit(w, "usage");
	responses_write_usage(w, u);
	if (tier.n) {
		json_key_lit(w, "service_tier");
		json_jstr(w, tier);
	}
}
