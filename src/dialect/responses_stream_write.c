/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_stream_write: streams of Responses, written (rules C1 to C6). Items come one after another, so that what
 * has to be repeated is the text of one part, and all of the items in the last event.
 */
#include "dialect/responses_in.h"

bool responses_writer_init(void *writer, const struct chat_reply *reply)
{
	struct responses_writer *w = writer;
	struct buf *bufs[] = { &w->model, &w->tier,  &w->output,      &w->finish_raw, &w->call_id, &w->name,
		               &w->text,  &w->parts, &w->annotations, &w->logprobs,   &w->token,   &w->token_id };

	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		*bufs[i] = buf_make(reply->max_bytes);
	w->reply = reply;
	return true;
}

void responses_writer_fini(void *writer)
{
	struct responses_writer *w = writer;
	struct buf *bufs[] = { &w->model, &w->tier,  &w->output,      &w->finish_raw, &w->call_id, &w->name,
		               &w->text,  &w->parts, &w->annotations, &w->logprobs,   &w->token,   &w->token_id };

	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		buf_fini(bufs[i]);
}

/* Has a ceiling been reached? */
static bool overflowed(const struct responses_writer *w)
{
	return w->model.failed || w->tier.failed || w->output.failed || w->finish_raw.failed || w->call_id.failed ||
	       w->name.failed || w->text.failed || w->parts.failed || w->annotations.failed || w->logprobs.failed ||
	       w->token.failed || w->token_id.failed;
}

static struct jstr text_of(const struct buf *b) { return jstr_of(b->n ? b->p : "", b->n); }

/* ---- events ---- */

static struct json_writer open_event(struct responses_writer *w, struct buf *out, struct str name)
{
	struct json_writer j;

	buf_append(out, STR("event: "));
	buf_append(out, name);
	buf_append(out, STR("\ndata: "));
	w->data_from = out->n;
	j = json_writer_make(out);
	json_open(&j, '{');
	json_key_lit(&j, "type");
	json_str(&j, name);
	json_key_lit(&j, "sequence_number");
	json_u64(&j, w->sequence++);
	return j;
}

/* What we give on as it came may hold line ends, which are white space in JSON and end the data here. */
static void close_event(struct responses_writer *w, struct json_writer *j)
{
	struct buf *out = j->out;

	json_close(j);
	for (size_t i = w->data_from; i < out->n; i++)
		if (out->p[i] == '\n' || out->p[i] == '\r')
			out->p[i] = ' ';
	buf_append(out, STR("\n\n"));
}

/* The members that tell which item it is, and which part of it. */
static void put_place(struct responses_writer *w, struct json_writer *j)
{
	json_key_lit(j, "output_index");
	json_u64(j, w->items);
	json_key_lit(j, "item_id");
	json_str(j, responses_id_str(&w->id));
	if (w->open == OPEN_MESSAGE) {
		json_key_lit(j, "content_index");
		json_u64(j, w->part);
	} else if (w->open == OPEN_THOUGHT) {
		json_key_lit(j, "summary_index");
		json_u64(j, w->part);
	}
}

static void put_response(struct responses_writer *w, struct json_writer *j, const struct chat_finish *finish)
{
	json_key_lit(j, "response");
	json_open(j, '{');
	responses_write_head(j, w->reply, text_of(&w->model), w->created_s);
	responses_write_status(j, finish);
	json_key_lit(j, "output");
	json_open(j, '[');
	if (w->output.n && finish)
		json_raw(j, buf_str(&w->output));
	json_close(j);
	responses_write_tail(j, &w->usage, text_of(&w->tier));
	json_close(j);
}

static void write_response_event(struct responses_writer *w, struct buf *out, struct str name,
                                 const struct chat_finish *finish)
{
	struct json_writer j = open_event(w, out, name);

	put_response(w, &j, finish);
	close_event(w, &j);
}

static void start(struct responses_writer *w, struct buf *out)
{
	if (w->started)
		return;
	w->started = true;
	write_response_event(w, out, STR("response.created"), NULL);
	write_response_event(w, out, STR("response.in_progress"), NULL);
}

/* An item that is whole: the last one in `output`, which begins at `from`. */
static void item_event(struct responses_writer *w, struct buf *out, struct str name, struct str item)
{
	struct json_writer j = open_event(w, out, name);

	json_key_lit(&j, "output_index");
	json_u64(&j, w->items);
	json_key_lit(&j, "item");
	json_raw(&j, item);
	close_event(w, &j);
}

/* Where the next item goes, behind its comma. */
static struct json_writer next_item(struct responses_writer *w, size_t *from)
{
	if (w->output.n)
		buf_append_c(&w->output, ',');
	*from = w->output.n;
	return json_writer_make(&w->output);
}

/* The item that was just written is told, and is over. */
static void end_item(struct responses_writer *w, struct buf *out, size_t from)
{
	if (!w->output.failed)
		item_event(w, out, STR("response.output_item.done"), str_of(w->output.p + from, w->output.n - from));
	w->items++;
	w->open = OPEN_NOTHING;
	w->part = 0;
	w->part_open = false;
	buf_clear(&w->parts);
	buf_clear(&w->text);
}

/* ---- messages ---- */

static void put_message(struct responses_writer *w, struct json_writer *j, struct str status)
{
	json_open(j, '{');
	json_key_lit(j, "id");
	json_str(j, responses_id_str(&w->id));
	json_key_lit(j, "type");
	json_str(j, STR("message"));
	json_key_lit(j, "status");
	json_str(j, status);
	json_key_lit(j, "role");
	json_str(j, STR("assistant"));
	json_key_lit(j, "content");
	json_open(j, '[');
	if (w->parts.n)
		json_raw(j, buf_str(&w->parts));
	json_close(j);
	json_close(j);
}

static void end_message(struct responses_writer *w, struct buf *out, struct str status)
{
	struct json_writer j;
	size_t from;

	if (w->open != OPEN_MESSAGE)
		return;
	j = next_item(w, &from);
	put_message(w, &j, status);
	end_item(w, out, from);
}

static void put_message_part(struct responses_writer *w, struct json_writer *j)
{
	if (w->part_kind == CHAT_REFUSAL) {
		responses_write_refusal_part(j, text_of(&w->text));
		return;
	}
	json_open(j, '{');
	json_key_lit(j, "type");
	json_str(j, STR("output_text"));
	json_key_lit(j, "text");
	json_jstr(j, text_of(&w->text));
	json_key_lit(j, "annotations");
	json_open(j, '[');
	if (w->annotations.n)
		json_raw(j, buf_str(&w->annotations));
	json_close(j);
	json_key_lit(j, "logprobs");
	json_open(j, '[');
	if (w->logprobs.n)
		json_raw(j, buf_str(&w->logprobs));
	json_close(j);
	json_close(j);
}

static void begin_message(struct responses_writer *w, struct buf *out, const struct chat_block *b)
{
	struct json_writer j;

	if (w->open != OPEN_MESSAGE) {
		w->open = OPEN_MESSAGE;
		w->id = responses_make_id("msg_", b->item_id, w->reply, w->items);
		j = open_event(w, out, STR("response.output_item.added"));
		json_key_lit(&j, "output_index");
		json_u64(&j, w->items);
		json_key_lit(&j, "item");
		put_message(w, &j, STR("in_progress"));
		close_event(w, &j);
	}
	buf_clear(&w->text);
	buf_clear(&w->annotations);
	buf_clear(&w->logprobs);
	w->n_annotations = 0;
	w->letters = 0;
	w->part_open = true;
	w->part_kind = b->kind;
	w->refused |= b->kind == CHAT_REFUSAL;
	j = open_event(w, out, STR("response.content_part.added"));
	put_place(w, &j);
	json_key_lit(&j, "part");
	put_message_part(w, &j);
	close_event(w, &j);
}

static void text_delta(struct responses_writer *w, struct buf *out, struct jstr text, struct str logprobs)
{
	bool refusal = w->part_kind == CHAT_REFUSAL;
	struct json_writer j =
		open_event(w, out, refusal ? STR("response.refusal.delta") : STR("response.output_text.delta"));

	put_place(w, &j);
	json_key_lit(&j, "delta");
	json_jstr(&j, text);
	if (!refusal) {
		json_key_lit(&j, "logprobs");
		json_raw(&j, logprobs.n ? logprobs : STR("[]"));
	}
	close_event(w, &j);
	buf_append_jstr(&w->text, text);
}

static void add_logprobs(struct responses_writer *w, struct buf *out, struct str raw)
{
	raw = str_trim(raw);
	if (raw.n <= 2 || raw.p[0] != '[' || w->part_kind == CHAT_REFUSAL)
		return;
	text_delta(w, out, JSTR(""), raw);
	if (w->logprobs.n)
		buf_append_c(&w->logprobs, ',');
	buf_append(&w->logprobs, str_slice(raw, 1, raw.n - 1));
}

static void add_citation(struct responses_writer *w, struct buf *out, const struct chat_citation *c)
{
	struct json_writer list, j;
	size_t from;

	if (!responses_has_annotation(c))
		return;
	if (w->annotations.n)
		buf_append_c(&w->annotations, ',');
	from = w->annotations.n;
	list = json_writer_make(&w->annotations);
	if (!responses_write_annotation(&list, c, responses_letters(text_of(&w->text))) || w->annotations.failed)
		return;
	j = open_event(w, out, STR("response.output_text.annotation.added"));
	put_place(w, &j);
	json_key_lit(&j, "annotation_index");
	json_u64(&j, w->n_annotations++);
	json_key_lit(&j, "annotation");
	json_raw(&j, str_of(w->annotations.p + from, w->annotations.n - from));
	close_event(w, &j);
}

static void end_message_part(struct responses_writer *w, struct buf *out)
{
	bool refusal = w->part_kind == CHAT_REFUSAL;
	struct json_writer j = open_event(w, out,
	                                  refusal ? STR("response.refusal.done") : STR("response.output_text.done")),
			   part;

	put_place(w, &j);
	if (refusal) {
		json_key_lit(&j, "refusal");
		json_jstr(&j, text_of(&w->text));
	} else {
		json_key_lit(&j, "text");
		json_jstr(&j, text_of(&w->text));
		json_key_lit(&j, "logprobs");
		json_open(&j, '[');
		if (w->logprobs.n)
			json_raw(&j, buf_str(&w->logprobs));
		json_close(&j);
	}
	close_event(w, &j);
	j = open_event(w, out, STR("response.content_part.done"));
	put_place(w, &j);
	json_key_lit(&j, "part");
	put_message_part(w, &j);
	close_event(w, &j);
	if (w->parts.n)
		buf_append_c(&w->parts, ',');
	part = json_writer_make(&w->parts);
	put_message_part(w, &part);
	w->part++;
	w->part_open = false;
}

/* ---- calls ---- */

static void put_call(struct responses_writer *w, struct json_writer *j, bool done)
{
	struct chat_block b = { .kind = CHAT_TOOL_CALL, .tool = w->tool, .name = text_of(&w->name) };

	responses_write_call(j, &b, responses_id_str(&w->id), text_of(&w->call_id), text_of(&w->text), done);
}

static void args_delta(struct responses_writer *w, struct buf *out, struct jstr text)
{
	bool custom = w->tool == TOOL_CUSTOM;
	struct json_writer j;

	if (text.n == 0)
		return;
	j = open_event(w, out, custom ? STR("response.custom_tool_call_input.delta")
	                              : STR("response.function_call_arguments.delta"));
	put_place(w, &j);
	json_key_lit(&j, "delta");
	json_jstr(&j, text);
	close_event(w, &j);
	buf_append_jstr(&w->text, text);
}

static void begin_call(struct responses_writer *w, struct buf *out, const struct chat_block *b)
{
	struct responses_id call = responses_make_id("call_", (struct jstr){ 0 }, w->reply, w->items);
	struct json_writer j;

	w->open = OPEN_CALL;
	w->tool = b->tool;
	w->id = responses_make_id(b->tool == TOOL_CUSTOM ? "ctc_" : "fc_", b->item_id, w->reply, w->items);
	buf_clear(&w->call_id);
	buf_clear(&w->name);
	buf_clear(&w->text);
	buf_append(&w->call_id, b->id.n ? jstr_raw(b->id) : responses_id_str(&call));
	buf_append_jstr(&w->name, b->name);
	j = open_event(w, out, STR("response.output_item.added"));
	json_key_lit(&j, "output_index");
	json_u64(&j, w->items);
	json_key_lit(&j, "item");
	put_call(w, &j, false);
	close_event(w, &j);
	args_delta(w, out, b->args.text);
}

static void end_call(struct responses_writer *w, struct buf *out)
{
	bool custom = w->tool == TOOL_CUSTOM;
	struct json_writer j;
	size_t from;

	if (!custom && w->text.n == 0)
		args_delta(w, out, JSTR("{}"));  /* A4 */
	j = open_event(w, out, custom ? STR("response.custom_tool_call_input.done")
	                              : STR("response.function_call_arguments.done"));
	put_place(w, &j);
	if (custom) {
		json_key_lit(&j, "input");
	} else {
		json_key_lit(&j, "name");
		json_jstr(&j, text_of(&w->name));
		json_key_lit(&j, "arguments");
	}
	json_jstr(&j, text_of(&w->text));
	close_event(w, &j);
	j = next_item(w, &from);
	put_call(w, &j, true);
	end_item(w, out, from);
}

/* ---- thoughts ---- */

static void begin_thought(struct responses_writer *w, struct buf *out, const struct chat_block *b)
{
	struct json_writer j;

	w->open = OPEN_THOUGHT;
	w->part = 0;
	w->part_open = false;
	w->maker = b->opaque.maker;
	w->id = responses_make_id("rs_", b->id.n ? b->id : b->opaque.id, w->reply, w->items);
	buf_clear(&w->text);
	buf_clear(&w->parts);
	buf_clear(&w->token);
	buf_clear(&w->token_id);
	buf_append_jstr(&w->token, b->opaque.bytes);
	buf_append_jstr(&w->token_id, b->opaque.id);
	j = open_event(w, out, STR("response.output_item.added"));
	json_key_lit(&j, "output_index");
	json_u64(&j, w->items);
	json_key_lit(&j, "item");
	json_open(&j, '{');
	json_key_lit(&j, "id");
	json_str(&j, responses_id_str(&w->id));
	json_key_lit(&j, "type");
	json_str(&j, STR("reasoning"));
	json_key_lit(&j, "summary");
	json_open(&j, '[');
	json_close(&j);
	json_close(&j);
	close_event(w, &j);
}

static void put_summary_part(struct json_writer *j, struct jstr text)
{
	json_open(j, '{');
	json_key_lit(j, "type");
	json_str(j, STR("summary_text"));
	json_key_lit(j, "text");
	json_jstr(j, text);
	json_close(j);
}

static void end_summary_part(struct responses_writer *w, struct buf *out)
{
	struct json_writer j;

	if (!w->part_open)
		return;
	j = open_event(w, out, STR("response.reasoning_summary_text.done"));
	put_place(w, &j);
	json_key_lit(&j, "text");
	json_jstr(&j, text_of(&w->text));
	close_event(w, &j);
	j = open_event(w, out, STR("response.reasoning_summary_part.done"));
	put_place(w, &j);
	json_key_lit(&j, "part");
	put_summary_part(&j, text_of(&w->text));
	close_event(w, &j);
	if (w->parts.n)
		buf_append_c(&w->parts, ',');
	j = json_writer_make(&w->parts);
	put_summary_part(&j, text_of(&w->text));
	buf_clear(&w->text);
	w->part_open = false;
	w->part++;
}

/* Thoughts without a summary are shown as one: `of` is then a number that no part has. */
static void summary_delta(struct responses_writer *w, struct buf *out, uint32_t of, struct jstr text)
{
	struct json_writer j;

	if (text.n == 0)
		return;
	if (w->part_open && w->part_of != of)
		end_summary_part(w, out);
	if (!w->part_open) {
		w->part_open = true;
		w->part_of = of;
		j = open_event(w, out, STR("response.reasoning_summary_part.added"));
		put_place(w, &j);
		json_key_lit(&j, "part");
		put_summary_part(&j, JSTR(""));
		close_event(w, &j);
	}
	j = open_event(w, out, STR("response.reasoning_summary_text.delta"));
	put_place(w, &j);
	json_key_lit(&j, "delta");
	json_jstr(&j, text);
	close_event(w, &j);
	buf_append_jstr(&w->text, text);
}

static void end_thought(struct responses_writer *w, struct arena *a, struct buf *out)
{
	struct chat_opaque o = { .bytes = text_of(&w->token), .id = text_of(&w->token_id), .maker = w->maker };
	struct jstr token = responses_token(a, &o);
	struct json_writer j;
	size_t from;

	end_summary_part(w, out);
	j = next_item(w, &from);
	json_open(&j, '{');
	json_key_lit(&j, "id");
	json_str(&j, responses_id_str(&w->id));
	json_key_lit(&j, "type");
	json_str(&j, STR("reasoning"));
	json_key_lit(&j, "summary");
	json_open(&j, '[');
	if (w->parts.n)
		json_raw(&j, buf_str(&w->parts));
	json_close(&j);
	if (token.p) {
		json_key_lit(&j, "encrypted_content");
		json_jstr(&j, token);
	}
	json_close(&j);
	end_item(w, out, from);
}

static void add_token(struct responses_writer *w, const struct chat_opaque *o, bool whole)
{
	if (!o->bytes.p)
		return;
	if (whole)
		buf_clear(&w->token);
	buf_append_jstr(&w->token, o->bytes);
	if (o->maker)
		w->maker = o->maker;
	if (o->id.n) {
		buf_clear(&w->token_id);
		buf_append_jstr(&w->token_id, o->id);
	}
}

/* ---- items that come whole ---- */

static void whole_item(struct responses_writer *w, struct buf *out, struct str raw)
{
	size_t from;

	(void)next_item(w, &from);
	buf_append(&w->output, raw);
	item_event(w, out, STR("response.output_item.added"), raw);
	end_item(w, out, from);
}

static void begin_image(struct responses_writer *w, const struct chat_block *b)
{
	w->open = OPEN_IMAGE;
	w->id = responses_make_id("ig_", b->item_id, w->reply, w->items);
	buf_clear(&w->text);
	buf_clear(&w->name);
	buf_append_jstr(&w->name, b->media->type);
	buf_append_jstr(&w->text, b->media->data);
}

static void end_image(struct responses_writer *w, struct buf *out)
{
	struct chat_media media = { .from = MEDIA_BYTES, .data = text_of(&w->text), .type = text_of(&w->name) };
	struct chat_block b = { .kind = CHAT_IMAGE, .media = &media };
	struct json_writer j;
	size_t from;

	j = next_item(w, &from);
	responses_write_image(&j, &b, responses_id_str(&w->id));
	if (!w->output.failed)
		item_event(w, out, STR("response.output_item.added"), str_of(w->output.p + from, w->output.n - from));
	end_item(w, out, from);
}

/* ---- the neutral events ---- */

static void on_open(struct responses_writer *w, struct buf *out, const struct chat_event *e)
{
	const struct chat_block *b = e->open;
	bool text = b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL;

	if (!text)
		end_message(w, out, STR("completed"));
	w->block = e->block;
	if (responses_is_raw(b)) {
		whole_item(w, out, b->raw);
		w->open = OPEN_SKIPPED;
	} else if (text) {
		begin_message(w, out, b);
		if (b->text.n)
			text_delta(w, out, b->text, (struct str){ 0 });
		for (const struct chat_citation *c = b->citations; c; c = c->next)
			add_citation(w, out, c);
	} else if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER) {
		begin_call(w, out, b);
	} else if (b->kind == CHAT_REASONING) {
		begin_thought(w, out, b);
		for (const struct chat_block *p = b->blocks; p; p = p->next)
			summary_delta(w, out, w->part + w->part_open, p->text);
		summary_delta(w, out, UINT32_MAX, b->text);
	} else if (b->kind == CHAT_IMAGE && b->media && b->media->from == MEDIA_BYTES) {
		begin_image(w, b);
	} else {
		w->open = OPEN_SKIPPED;  /* it has no word here */
	}
}

static void on_delta(struct responses_writer *w, struct buf *out, const struct chat_event *e)
{
	const struct chat_delta *d = &e->delta;

	if (e->block != w->block)
		return;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT:
		if (w->open == OPEN_MESSAGE && w->part_open && d->text.n)
			text_delta(w, out, d->text, (struct str){ 0 });
		else if (w->open == OPEN_THOUGHT)
			summary_delta(w, out, UINT32_MAX, d->text);
		return;
	case DELTA_ARGS:
		if (w->open == OPEN_CALL)
			args_delta(w, out, d->text);
		return;
	case DELTA_SUMMARY:
		if (w->open == OPEN_THOUGHT)
			summary_delta(w, out, d->part, d->text);
		return;
	case DELTA_OPAQUE:
		if (w->open == OPEN_THOUGHT)
			add_token(w, &d->opaque, false);
		return;
	case DELTA_CITATION:
		if (w->open == OPEN_MESSAGE && w->part_open && d->citation)
			add_citation(w, out, d->citation);
		return;
	case DELTA_LOGPROBS:
		if (w->open == OPEN_MESSAGE && w->part_open)
			add_logprobs(w, out, d->raw);
		return;
	case DELTA_DATA:
		if (w->open == OPEN_IMAGE)
			buf_append_jstr(&w->text, d->text);
		return;
	case DELTA_TRANSCRIPT:
	case DELTA_RAW:
		return;
	}
}

static void on_close(struct responses_writer *w, struct arena *a, struct buf *out, const struct chat_event *e)
{
	if (e->block != w->block)
		return;
	switch (w->open) {
	case OPEN_MESSAGE:
		if (w->part_open)
			end_message_part(w, out);
		return;
	case OPEN_CALL:
		end_call(w, out);
		return;
	case OPEN_THOUGHT:
		if (e->open)
			add_token(w, &e->open->opaque, true);
		end_thought(w, a, out);
		return;
	case OPEN_IMAGE:
		end_image(w, out);
		return;
	case OPEN_NOTHING:
	case OPEN_WHOLE:
	case OPEN_SKIPPED:
		w->open = OPEN_NOTHING;
		return;
	}
}

/* A block that was not closed is not given as whole. */
static void on_finish(struct responses_writer *w, struct buf *out, const struct chat_finish *f)
{
	w->finish = (struct chat_finish){ .stop = responses_stop(f, w->refused) };
	w->finished = true;
	buf_clear(&w->finish_raw);
	buf_append_jstr(&w->finish_raw, f->raw);
	if (w->open == OPEN_MESSAGE && w->part_open)
		end_message_part(w, out);
	end_message(w, out,
	            str_eq(responses_status(&w->finish), STR("completed")) ? STR("completed") : STR("incomplete"));
}

static void on_end(struct responses_writer *w, struct buf *out)
{
	struct str status;

	if (w->ended)
		return;
	if (!w->finished)
		on_finish(w, out, &(struct chat_finish){ .stop = STOP_END });
	w->ended = true;
	w->finish.raw = text_of(&w->finish_raw);
	status = responses_status(&w->finish);
	write_response_event(w, out,
	                     str_eq(status, STR("completed")) ? STR("response.completed")
	                     : str_eq(status, STR("failed"))  ? STR("response.failed") : STR("response.incomplete"),
	                     &w->finish);
}

static void on_start(struct responses_writer *w, struct buf *out, const struct chat_event *e)
{
	if (w->started)
		return;
	buf_append_jstr(&w->model, e->start.model);
	buf_append_jstr(&w->tier, e->start.service_tier);
	w->created_s = e->start.created_s;
	start(w, out);
}

bool responses_write_event(void *writer, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct responses_writer *w = writer;

	if (e->choice > 0 || w->ended)
		return true;             /* there is one choice only */
	if (e->kind == EVENT_START)
		on_start(w, out, e);
	else if (e->kind != EVENT_PING && e->kind != EVENT_ERROR)
		start(w, out);
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_OPEN:
		on_open(w, out, e);
		break;
	case EVENT_DELTA:
		on_delta(w, out, e);
		break;
	case EVENT_CLOSE:
		on_close(w, a, out, e);
		break;
	case EVENT_FINISH:
		on_finish(w, out, &e->finish);
		break;
	case EVENT_USAGE:
		w->usage = e->usage;
		break;
	case EVENT_END:
		on_end(w, out);
		break;
	case EVENT_PING:
		return responses_write_ping(w, out);
	case EVENT_START:
	case EVENT_ERROR:
		break;
	}
	return !out->failed && !overflowed(w);
}

/* Agents wait for the response's own end; its `error.code` is a closed set in the SDKs. */
bool responses_write_error(void *writer, const struct err *err, struct str request_id, struct buf *out)
{
	struct responses_writer *w = writer;
	struct json_writer j;

	if (w->ended)
		return true;
	if (!w->started)
		start(w, out);
	w->ended = true;
	j = open_event(w, out, STR("response.failed"));
	json_key_lit(&j, "response");
	json_open(&j, '{');
	responses_write_head(&j, w->reply, text_of(&w->model), w->created_s);
	json_key_lit(&j, "status");
	json_str(&j, STR("failed"));
	json_key_lit(&j, "error");
	json_open(&j, '{');
	json_key_lit(&j, "code");
	json_str(&j, err->code == ERR_RATE_LIMIT ? STR("rate_limit_exceeded") : STR("server_error"));
	json_key_lit(&j, "message");
	json_str(&j, str_from_z(err->text));
	json_close(&j);
	json_key_lit(&j, "incomplete_details");
	json_null(&j);
	json_key_lit(&j, "output");
	json_open(&j, '[');
	if (w->output.n && !w->output.failed)
		json_raw(&j, buf_str(&w->output));
	json_close(&j);
	responses_write_tail(&j, &w->usage, text_of(&w->tier));
	json_close(&j);
	close_event(w, &j);
	return !out->failed;
}

/* As OpenAI itself does while a model thinks. Comments would not do: agents' timers go by events. */
bool responses_write_ping(void *writer, struct buf *out)
{
	struct responses_writer *w = writer;
	struct json_writer j;

	if (w->ended || !w->started)
		return true;
	j = open_event(w, out, STR("keepalive"));
	close_event(w, &j);
	return !out->failed;
}
