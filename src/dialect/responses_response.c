/* SPDX-License-Identifier: Apache-2.0 */
/* responses_response: whole answers of Responses, read and written. */
#include "dialect/dialect_in.h"
#include "dialect/responses_in.h"

/* ---- reading ---- */

/* Behind what is there already: arrays of tokens. */
static bool add_logprobs(struct arena *a, struct str more, struct str *all)
{
	struct jstr inner, joined;

	more = str_trim(more);
	if (more.n <= 2 || more.p[0] != '[')
		return true;
	if (all->n == 0) {
		*all = more;
		return true;
	}
	inner = jstr_concat(a, jstr_of(all->p, all->n - 1), JSTR(","));
	joined = inner.p ? jstr_concat(a, inner, jstr_of(more.p + 1, more.n - 1)) : inner;
	if (joined.p)
		*all = str_of(joined.p, joined.n);
	return joined.p != NULL;
}

static bool read_logprobs(struct arena *a, const struct json_node *item, struct str *all)
{
	const struct json_node *content = node_get(item, STR("content"));

	for (const struct json_node *v = node_first(content); v; v = node_next(content, v))
		if (!add_logprobs(a, node_raw(node_get(v, STR("logprobs"))), all))
			return false;
	return true;
}

/* A thought of which there is nothing but an id is of no use to anybody. */
static bool is_empty_thought(const struct chat_block *b)
{
	return b->kind == CHAT_REASONING && !b->text.n && !b->blocks && !b->opaque.bytes.p;
}

static bool read_outputs(struct responses_read *r, const struct json_node *output, struct chat_output *out)
{
	struct chat_block **end = &out->blocks;
	enum chat_role role;

	for (const struct json_node *v = node_first(output); v; v = node_next(output, v)) {
		struct chat_block **first = end;

		if (!responses_read_item(r, v, &end, &role))
			return false;
		if (*first && is_empty_thought(*first)) {
			*first = NULL;
			end = first;
		}
		if (responses_item_of(v) == ITEM_MESSAGE && !read_logprobs(r->arena, v, &out->logprobs))
			return responses_full(r);
	}
	return true;
}

static bool failed(const struct json_node *body, struct err *e)
{
	struct jstr message = node_get_text(node_get(body, STR("error")), STR("message"));

	return err_set(e, ERR_UPSTREAM, "the provider's answer failed: %.*s", (int)(message.n < 300 ? message.n : 300),
	               message.n ? message.p : "");
}

bool responses_read_response(struct arena *a, const struct chat_source *source, const struct json_node *body,
                             struct chat_response *out, struct err *e)
{
	struct responses_read r = { .arena = a,
		                    .err = e,
		                    .answer = true,
		                    .maker = (uint8_t)responses_maker(source->model),
		                    .item = -1,
		                    .part = -1 };
	const struct json_node *output = node_get(body, STR("output")), *status = node_get(body, STR("status"));
	struct chat_output *o = arena_zalloc(a, sizeof *o);
	bool calls = false, refused = false;

	if (!o)
		return responses_full(&r);
	if (node_is_word(status, STR("failed")) || node_is_word(status, STR("cancelled")))
		return failed(body, e);
	if (!node_is(output, JSON_ARRAY))
		return err_set(e, ERR_UPSTREAM, "the provider's answer has no output");
	if (node_is_word(status, STR("queued")) || node_is_word(status, STR("in_progress")))
		return err_set(e, ERR_UPSTREAM, "the provider's answer is not complete");
	if (!read_outputs(&r, output, o))
		return false;
	for (const struct chat_block *b = o->blocks; b; b = b->next) {
		calls |= b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;
		refused |= b->kind == CHAT_REFUSAL;
	}
	out->id = node_get_text(body, STR("id"));
	out->model = node_get_text(body, STR("model"));
	out->created_s = node_i64(node_get(body, STR("created_at")), 0);
	out->service_tier = node_get_text(body, STR("service_tier"));
	out->outputs = o;
	out->from = DIALECT_OPENAI_RESPONSES;
	responses_read_usage(body, &out->usage);
	responses_read_finish(body, calls, refused, &o->finish);
	return true;
}

/* ---- writing ---- */

struct output {
	struct json_writer *w;
	struct arena *arena;
	const struct chat_reply *reply;
	struct chat_drops *drops;
	unsigned items;
};

/* The texts and refusals that stand together are one message. Returns the first block behind them. */
static const struct chat_block *write_message(struct output *o, const struct chat_block *b, struct str *logprobs)
{
	struct json_writer *w = o->w;
	struct responses_id id = responses_make_id("msg_", b->item_id, o->reply, o->items++);

	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, responses_id_str(&id));
	json_key_lit(w, "type");
	json_str(w, STR("message"));
	json_key_lit(w, "status");
	json_str(w, STR("completed"));
	json_key_lit(w, "role");
	json_str(w, STR("assistant"));
	json_key_lit(w, "content");
	json_open(w, '[');
	for (; b && (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL); b = b->next) {
		if (b->kind == CHAT_REFUSAL) {
			responses_write_refusal_part(w, b->text);
			continue;
		}
		responses_write_text_part(w, b, *logprobs);
		*logprobs = (struct str){ 0 };
	}
	json_close(w);
	json_close(w);
	return b;
}

static void write_call(struct output *o, const struct chat_block *b)
{
	bool custom = b->tool == TOOL_CUSTOM;
	struct responses_id id = responses_make_id(custom ? "ctc_" : "fc_", b->item_id, o->reply, o->items);
	struct responses_id call = responses_make_id("call_", (struct jstr){ 0 }, o->reply, o->items++);
	struct jstr args = chat_args_text(o->arena, &b->args);

	responses_write_call(o->w, b, responses_id_str(&id), b->id.n ? b->id : jstr_of(call.text, call.n), args, true);
}

static void write_reasoning(struct output *o, const struct chat_block *b)
{
	struct responses_id id = responses_make_id("rs_", b->id.n ? b->id : b->opaque.id, o->reply, o->items);

	if (is_empty_thought(b))
		return;
	o->items++;
	responses_write_reasoning(o->w, b, responses_id_str(&id), responses_token(o->arena, &b->opaque));
}

static void write_image(struct output *o, const struct chat_block *b)
{
	struct responses_id id = responses_make_id("ig_", b->item_id, o->reply, o->items++);

	responses_write_image(o->w, b, responses_id_str(&id));
}

static void write_block(struct output *o, const struct chat_block *b)
{
	if (responses_is_raw(b)) {
		json_raw(o->w, b->raw);
		o->items++;
		return;
	}
	switch ((enum chat_kind)b->kind) {
	case CHAT_TOOL_CALL:
		if (b->tool != TOOL_SERVER) {
			write_call(o, b);
			return;
		}
		break;
	case CHAT_REASONING:
		write_reasoning(o, b);
		return;
	case CHAT_IMAGE:
		if (b->media && b->media->from == MEDIA_BYTES) {
			write_image(o, b);
			return;
		}
		break;
	case CHAT_TEXT:
	case CHAT_REFUSAL:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS:
		break;
	}
	chat_drop(o->drops, "output.%s", chat_kind_name((enum chat_kind)b->kind));
}

static void write_outputs(struct output *o, const struct chat_output *choice)
{
	struct str logprobs = choice ? choice->logprobs : (struct str){ 0 };

	json_open(o->w, '[');
	for (const struct chat_block *b = choice ? choice->blocks : NULL; b;) {
		if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL) {
			b = write_message(o, b, &logprobs);
			continue;
		}
		write_block(o, b);
		b = b->next;
	}
	json_close(o->w);
}

static bool has_refusal(const struct chat_output *o)
{
	for (const struct chat_block *b = o->blocks; b; b = b->next)
		if (b->kind == CHAT_REFUSAL)
			return true;
	return false;
}

bool responses_write_response(struct arena *a, const struct chat_response *r, const struct chat_reply *reply,
                              struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	struct output o = { .w = &w, .arena = a, .reply = reply, .drops = drops };
	struct chat_finish finish = { 0 };

	if (r->outputs) {
		finish = r->outputs->finish;
		finish.stop = responses_stop(&finish, has_refusal(r->outputs));
	}
	json_open(&w, '{');
	responses_write_head(&w, reply, r->model, r->created_s);
	responses_write_status(&w, &finish);
	json_key_lit(&w, "output");
	write_outputs(&o, r->outputs);
	responses_write_tail(&w, &r->usage, r->service_tier);
	json_close(&w);
	return json_write_done(&w);
}

bool responses_write_count(int64_t tokens, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	json_key_lit(&w, "object");
	json_str(&w, STR("response.input_tokens"));
	json_key_lit(&w, "input_tokens");
	json_i64(&w, tokens);
	json_close(&w);
	return json_write_done(&w);
}
