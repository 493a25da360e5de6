/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ollama_response: Ollama's answers and streams, read and written. A stream's line is an answer in which a little is
 * said; calls of tools come whole. Ollama times its work and reports it; where another provider answered, nobody knows
 * these times, and they are left out.
 */

#include "base/clock.h"
#include "base/map.h"
#include "dialect/ollama_in.h"

enum { NO_BLOCK = -1 };
#define LAST_SECOND 253402300799     /* of the year 9999 */

static int64_t number(const struct json_node *body, struct str name)
{
	const struct json_node *v = node_get(body, name);

	return v ? node_i64(v, JSON_NO_NUMBER) : JSON_NO_NUMBER;
}

static void read_usage(const struct json_node *body, struct usage *out)
{
	ollama_usage(number(body, STR("prompt_eval_count")), number(body, STR("eval_count")), out);
}

/* Ollama calls it stop whatever came before. */
static void read_finish(struct jstr word, bool calls, struct chat_finish *out)
{
	out->stop = jstr_is(word, STR("length")) ? STOP_MAX_TOKENS : calls ? STOP_TOOL : STOP_END;
	if (word.n && !jstr_is(word, STR("stop")) && !jstr_is(word, STR("length")))
		out->raw = word;
}

/* Ids of calls that came without are made of the time of the answer, which Ollama gives to the nanosecond. */
static uint64_t seed_of(const struct json_node *body)
{
	struct jstr at = node_get_text(body, STR("created_at"));

	return hash_bytes(at.n ? jstr_raw(at) : node_raw(body));
}

static bool read_response(struct arena *arena, const struct chat_source *source, const struct json_node *body,
                          struct chat_response *out, struct err *e)
{
	const struct json_node *message = node_get(body, STR("message")), *calls;
	struct kit_in in = { .arena = arena, .err = e };
	struct chat_block **end;
	uint32_t n = 0;

	*out = (struct chat_response){ .from = DIALECT_OLLAMA, .model = node_get_text(body, STR("model")) };
	if (!node_is(message, JSON_OBJECT))
		return err_set(e, ERR_UPSTREAM, "the provider's answer holds no message");
	out->outputs = arena_zalloc(arena, sizeof *out->outputs);
	if (!out->outputs)
		return openai_full(e);
	end = &out->outputs->blocks;
	if (!kit_add_text(&in, &end, CHAT_REASONING, node_get_text(message, STR("thinking"))) ||
	    !kit_add_text(&in, &end, CHAT_TEXT, node_get_text(message, STR("content"))))
		return false;
	calls = node_get_some(message, STR("tool_calls"));
	for (const struct json_node *c = node_is(calls, JSON_ARRAY) ? node_first(calls) : NULL; c;
	     c = node_next(calls, c)) {
		struct chat_block *b = openai_read_call(arena, c, seed_of(body), n++, &end);

		if (!b)
			return openai_full(e);
		b->tool = TOOL_FUNCTION;
	}
	if (out->model.n == 0)
		out->model.p = NULL;
	read_finish(node_get_text(body, STR("done_reason")), n > 0, &out->outputs->finish);
	read_usage(body, &out->usage);
	return true;
}

/* ---- streams that are read --------------------------------------------------------------------------------------- */

struct reader {
	uint64_t seed;
	uint32_t blocks, calls;
	int8_t kind;             /* of the open block; NO_BLOCK */
	bool started, done;
};

static bool reader_init(void *reader, const struct chat_source *source)
{
	*(struct reader *)reader = (struct reader){ .kind = NO_BLOCK };
	return true;
}

static bool close_open(struct reader *r, struct arena *a, struct chat_events *out)
{
	struct chat_event *e;

	if (r->kind == NO_BLOCK)
		return true;
	r->kind = NO_BLOCK;
	e = chat_event_add(a, out, EVENT_CLOSE);
	if (e)
		e->block = r->blocks - 1;
	return e != NULL;
}

static bool open_block(struct reader *r, struct arena *a, const struct chat_block *b, struct chat_events *out)
{
	struct chat_event *e;

	if (!close_open(r, a, out) || !(e = chat_event_add(a, out, EVENT_OPEN)))
		return false;
	e->block = r->blocks++;
	e->open = b;
	r->kind = (int8_t)b->kind;
	return true;
}

static bool add_text(struct reader *r, struct arena *a, enum chat_kind kind, struct jstr text, struct chat_events *out)
{
	if (text.n == 0)
		return true;
	if (r->kind != (int8_t)kind) {
		struct chat_block *b = arena_zalloc(a, sizeof *b);

		if (!b)
			return false;
		b->kind = (uint8_t)kind;
		if (!open_block(r, a, b, out))
			return false;
	}
	return chat_delta_add(a, out, r->blocks - 1, DELTA_TEXT, text) != NULL;
}

static bool add_call(struct reader *r, struct arena *a, const struct json_node *c, struct chat_events *out)
{
	struct chat_block *list = NULL, **end = &list, *b = openai_read_call(a, c, r->seed, r->calls++, &end);
	struct jstr args;

	if (!b)
		return false;
	b->tool = TOOL_FUNCTION;
	args = chat_args_text(a, &b->args);
	b->args = (struct chat_args){ 0 };
	return args.p && open_block(r, a, b, out) &&
	       chat_delta_add(a, out, r->blocks - 1, DELTA_ARGS, args.n ? args : JSTR("{}")) && close_open(r, a, out);
}

static bool read_last(struct reader *r, struct arena *a, const struct json_node *body, struct chat_events *out)
{
	struct chat_event *e;
	struct usage u = { .source = USAGE_NONE };

	r->done = true;
	if (!close_open(r, a, out) || !(e = chat_event_add(a, out, EVENT_FINISH)))
		return false;
	read_finish(node_get_text(body, STR("done_reason")), r->calls > 0, &e->finish);
	read_usage(body, &u);
	if (u.source != USAGE_NONE) {
		e = chat_event_add(a, out, EVENT_USAGE);
		if (!e)
			return false;
		e->usage = u;
	}
	return chat_event_add(a, out, EVENT_END) != NULL;
}

static bool read_line(struct reader *r, struct arena *a, const struct json_node *body, struct chat_events *out)
{
	const struct json_node *message = node_get(body, STR("message"));
	const struct json_node *calls = node_get_some(message, STR("tool_calls"));

	if (!r->started) {
		struct chat_event *e = chat_event_add(a, out, EVENT_START);

		if (!e)
			return false;
		e->start.model = node_get_text(body, STR("model"));
		r->seed = seed_of(body);
		r->started = true;
	}
	if (!add_text(r, a, CHAT_REASONING, node_get_text(message, STR("thinking")), out) ||
	    !add_text(r, a, CHAT_TEXT, node_get_text(message, STR("content")), out))
		return false;
	for (const struct json_node *c = node_is(calls, JSON_ARRAY) ? node_first(calls) : NULL; c;
	     c = node_next(calls, c))
		if (!add_call(r, a, c, out))
			return false;
	return !node_true(node_get(body, STR("done"))) || read_last(r, a, body, out);
}

static enum chat_read read_event(void *reader, struct arena *a, const struct chat_frame *frame, struct chat_events *out,
                                 struct dialect_error *error, struct err *e)
{
	struct reader *r = reader;
	const struct json_node *body, *failure;

	*out = (struct chat_events){ 0 };
	if (r->done)
		return CHAT_READ_OK;
	if (!frame->data.p) {
		err_set(e, ERR_UPSTREAM, "the provider's stream ended in the middle");
		return CHAT_READ_BROKEN;
	}
	body = json_nodes(a, frame->data, ANSWER_DEPTH_MAX, e);
	if (!node_is(body, JSON_OBJECT)) {
		err_set(e, ERR_UPSTREAM, "a line of the provider's stream is not a JSON object");
		return CHAT_READ_BROKEN;
	}
	failure = node_get_some(body, STR("error"));
	if (node_is(failure, JSON_OBJECT) || node_text(failure).n) {
		r->done = true;
		dialect_read_error(200, frame->data, NULL, 0, error);
		return CHAT_READ_ERROR;
	}
	if (read_line(r, a, body, out))
		return CHAT_READ_OK;
	err_set(e, ERR_UPSTREAM, "the provider's stream needs more memory than it may have");
	return CHAT_READ_BROKEN;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool fill_reply(struct arena *arena, const struct chat_request *rq, struct chat_reply *reply)
{
	reply->generate = rq->generate;
	return true;
}

static void put_head(struct json_writer *w, struct jstr model, int64_t created_s)
{
	char at[CLOCK_RFC3339_LEN];

	if (created_s < 0 || created_s > LAST_SECOND)        /* some providers tell milliseconds */
		created_s = 0;
	clock_rfc3339(at, (uint64_t)created_s * 1000);
	json_open(w, '{');
	json_key_lit(w, "model");
	json_jstr(w, model);
	json_key_lit(w, "created_at");
	json_str(w, str_of(at, sizeof(at)));
}

/* What is said, in the place where this client looks for it; a message stays open for calls. */
static void put_words(struct json_writer *w, const struct chat_reply *reply, struct jstr text, struct jstr thoughts)
{
	if (!reply->generate) {
		json_key_lit(w, "message");
		json_open(w, '{');
		json_key_lit(w, "role");
		json_str(w, STR("assistant"));
		json_key_lit(w, "content");
	} else {
		json_key_lit(w, "response");
	}
	json_jstr(w, text);
	if (thoughts.n) {
		json_key_lit(w, "thinking");
		json_jstr(w, thoughts);
	}
}

static void put_end(struct json_writer *w, const struct chat_finish *f, const struct usage *u)
{
	bool cut = f->stop == STOP_MAX_TOKENS || f->stop == STOP_CONTEXT_FULL;

	json_key_lit(w, "done");
	json_bool(w, true);
	json_key_lit(w, "done_reason");
	json_str(w, cut ? STR("length") : STR("stop"));
	if (u->source != USAGE_NONE) {
		json_key_lit(w, "prompt_eval_count");
		json_u64(w, usage_total_input(u));
		json_key_lit(w, "eval_count");
		json_u64(w, usage_total_output(u));
	}
	json_close(w);
}

static bool is_shown(const struct chat_block *b)
{
	return b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL || b->kind == CHAT_REASONING ||
	       (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER);
}

static bool put_calls(struct json_writer *w, struct arena *a, const struct chat_block *list)
{
	bool any = false;

	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind != CHAT_TOOL_CALL || b->tool == TOOL_SERVER)
			continue;
		if (!any) {
			json_key_lit(w, "tool_calls");
			json_open(w, '[');
			any = true;
		}
		if (!kit_put_call(w, a, b, b->name, false))
			return false;
	}
	if (any)
		json_close(w);
	return true;
}

static bool write_response(struct arena *a, const struct chat_response *resp, const struct chat_reply *reply,
                           struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	const struct chat_output *o = resp->outputs;
	struct jstr text = kit_join_said(a, o->blocks, JSTR("")),
		    thoughts = kit_join(a, o->blocks, CHAT_REASONING, JSTR("\\n\\n"));

	if (!text.p || !thoughts.p)
		return false;
	put_head(&w, resp->model.n ? resp->model : reply->model,
	         resp->created_s > 0 ? resp->created_s : reply->created_s);
	put_words(&w, reply, text, thoughts);
	if (!reply->generate) {
		if (!put_calls(&w, a, o->blocks))
			return false;
		json_close(&w);
	}
	put_end(&w, &o->finish, &resp->usage);
	for (const struct chat_block *b = o->blocks; b && drops; b = b->next) {
		if (!is_shown(b))
			chat_drop(drops, "%s", chat_kind_name((enum chat_kind)b->kind));
		if (b->citations)
			chat_drop(drops, "citations");
	}
	if (o->next && drops)
		chat_drop(drops, "n");
	chat_drop_answer(drops, resp, 0);
	return json_write_done(&w);
}

enum { MODEL_MAX = 128 };

struct writer {
	const struct chat_reply *reply;
	int64_t created_s;
	uint32_t block;              /* the open one */
	uint32_t part;               /* of a summary: the last */
	int16_t kind;                /* of the open one, if it is shown; NO_BLOCK */
	bool args, over;
	uint8_t model_n;
	char model[MODEL_MAX];
	struct chat_finish finish;   /* only `stop` */
	struct usage usage;
};

static bool writer_init(void *writer, const struct chat_reply *reply)
{
	*(struct writer *)writer = (struct writer){ .reply = reply, .kind = NO_BLOCK, .created_s = reply->created_s };
	return true;
}

static void begin_line(struct writer *w, struct json_writer *j)
{
	put_head(j, w->model_n ? jstr_of(w->model, w->model_n) : w->reply->model, w->created_s);
}

static void end_line(struct json_writer *j)
{
	json_key_lit(j, "done");
	json_bool(j, false);
	json_close(j);
	buf_append_c(j->out, '\n');
}

static void write_words(struct writer *w, struct jstr text, bool thought, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	if (text.n == 0)
		return;
	begin_line(w, &j);
	put_words(&j, w->reply, thought ? JSTR("") : text, thought ? text : (struct jstr){ 0 });
	if (!w->reply->generate)
		json_close(&j);
	end_line(&j);
}

/* A call's line, up to its arguments; they and the end of the block follow at once (whole_calls). */
static void begin_call(struct writer *w, const struct chat_block *b, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	begin_line(w, &j);
	put_words(&j, w->reply, JSTR(""), (struct jstr){ 0 });
	buf_append(out, STR(",\"tool_calls\":[{\"id\":\""));
	buf_append_jstr(out, b->id);
	buf_append(out, STR("\",\"type\":\"function\",\"function\":{\"name\":\""));
	buf_append_jstr(out, b->name);
	buf_append(out, STR("\",\"arguments\":"));
	w->args = false;
}

static bool write_args(struct writer *w, struct arena *a, struct jstr text, struct buf *out)
{
	struct chat_args args = { .text = text };
	bool odd;
	struct str json = chat_args_json(a, &args, &odd);

	if (json.p)
		json = json_compact(a, json);
	if (!json.p)
		return false;
	w->args = true;
	return buf_append(out, json);
}

static void end_call(struct writer *w, struct buf *out)
{
	if (!w->args)
		buf_append(out, STR("{}"));
	buf_append(out, STR("}}]},\"done\":false}\n"));
}

static bool write_open(struct writer *w, const struct chat_event *e, struct buf *out)
{
	bool call = e->open->kind == CHAT_TOOL_CALL;

	w->kind = e->choice == 0 && is_shown(e->open) && !(call && w->reply->generate) ? e->open->kind : NO_BLOCK;
	w->block = e->block;
	w->part = 0;
	if (w->kind == CHAT_TOOL_CALL)
		begin_call(w, e->open, out);
	return true;
}

static bool write_delta(struct writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	bool thought = w->kind == CHAT_REASONING;

	if (w->kind == NO_BLOCK || e->block != w->block)
		return true;
	if (e->delta.kind == DELTA_ARGS)
		return w->kind != CHAT_TOOL_CALL || w->args || write_args(w, a, e->delta.text, out);
	if (e->delta.kind == DELTA_SUMMARY && e->delta.part != w->part) {
		w->part = e->delta.part;
		write_words(w, JSTR("\\n\\n"), true, out);
	}
	if ((e->delta.kind == DELTA_TEXT || e->delta.kind == DELTA_SUMMARY) && w->kind != CHAT_TOOL_CALL)
		write_words(w, e->delta.text, thought, out);
	return true;
}

static void write_end(struct writer *w, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	begin_line(w, &j);
	put_words(&j, w->reply, JSTR(""), (struct jstr){ 0 });
	if (!w->reply->generate)
		json_close(&j);
	put_end(&j, &w->finish, &w->usage);
	buf_append_c(out, '\n');
	w->over = true;
}

static bool write_event(void *writer, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct writer *w = writer;
	bool good = true;

	if (w->over)
		return true;
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START:
		if (e->start.created_s > 0)
			w->created_s = e->start.created_s;
		if (e->start.model.n && e->start.model.n <= MODEL_MAX) {
			w->model_n = (uint8_t)e->start.model.n;
			memcpy(w->model, e->start.model.p, e->start.model.n);
		}
		break;
	case EVENT_OPEN: good = write_open(w, e, out); break;
	case EVENT_DELTA: good = write_delta(w, a, e, out); break;
	case EVENT_CLOSE:
		if (w->kind == CHAT_TOOL_CALL && e->block == w->block)
			end_call(w, out);
		if (e->block == w->block)
			w->kind = NO_BLOCK;
		break;
	case EVENT_FINISH:
		if (e->choice == 0)
			w->finish.stop = e->finish.stop;
		break;
	case EVENT_USAGE: w->usage = e->usage; break;
	case EVENT_END: write_end(w, out); break;
	case EVENT_PING: case EVENT_ERROR: break;
	}
	return good && !out->failed;
}

static bool write_error(void *writer, const struct err *e, struct str request_id, struct buf *out)
{
	bool good = dialect_write_error(&dialect_ollama, e, NULL, request_id, out);

	return buf_append_c(out, '\n') && good;
}

const struct chat_codec ollama_codec = {
	.read_request = ollama_read_request,
	.write_request = ollama_write_request,
	.fill_reply = fill_reply,
	.read_response = read_response,
	.write_response = write_response,
	.reader_size = sizeof(struct reader),
	.writer_size = sizeof(struct writer),
	.reader_init = reader_init,
	.read_event = read_event,
	.writer_init = writer_init,
	.write_event = write_event,
	.write_error = write_error,
	.framing = FRAMING_LINES,
	.bytes_only = true,
	.one_block = true,
	.whole_calls = true,
};
