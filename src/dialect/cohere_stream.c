/* SPDX-License-Identifier: Apache-2.0 */
/* cohere_stream: the streams of /v2/chat, read and written, and the codec's record. */

#include "base/map.h"
#include "dialect/cohere_in.h"

enum { NO_BLOCK = -1 };

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* A text stays open until something else begins, since its citations may come behind its end. */
struct reader {
	uint64_t seed;
	uint32_t blocks, calls;
	int8_t kind;             /* of the open block; NO_BLOCK */
	bool plan;               /* the open text is the plan */
	bool started, done;
};

struct step {
	struct reader *r;
	struct arena *arena;
	struct chat_events *out;
	const struct json_node *body, *message;
};

static bool reader_init(void *reader, const struct chat_source *source)
{
	*(struct reader *)reader = (struct reader){ .kind = NO_BLOCK };
	return true;
}

static bool close_open(struct step *s)
{
	struct chat_event *e;

	if (s->r->kind == NO_BLOCK)
		return true;
	s->r->kind = NO_BLOCK;
	e = chat_event_add(s->arena, s->out, EVENT_CLOSE);
	if (e)
		e->block = s->r->blocks - 1;
	return e != NULL;
}

static bool open_block(struct step *s, const struct chat_block *b)
{
	struct chat_event *e;

	if (!close_open(s) || !(e = chat_event_add(s->arena, s->out, EVENT_OPEN)))
		return false;
	e->block = s->r->blocks++;
	e->open = b;
	s->r->kind = (int8_t)b->kind;
	s->r->plan = false;
	return true;
}

static bool open_kind(struct step *s, enum chat_kind kind)
{
	struct chat_block *b = arena_zalloc(s->arena, sizeof *b);

	if (!b)
		return false;
	b->kind = (uint8_t)kind;
	return open_block(s, b);
}

static bool add_text(struct step *s, enum chat_kind kind, struct jstr text)
{
	if (text.n == 0)
		return true;
	if (s->r->kind != (int8_t)kind && !open_kind(s, kind))
		return false;
	return chat_delta_add(s->arena, s->out, s->r->blocks - 1, DELTA_TEXT, text) != NULL;
}

static bool on_start(struct step *s)
{
	struct chat_event *e = s->r->started ? NULL : chat_event_add(s->arena, s->out, EVENT_START);

	if (!e)
		return s->r->started;
	s->r->started = true;
	s->r->seed = hash_bytes(node_raw(s->body));
	e->start.id = node_get_text(s->body, STR("id"));
	return true;
}

static bool on_content(struct step *s)
{
	const struct json_node *content = node_get(s->message, STR("content"));

	return add_text(s, CHAT_REASONING, node_get_text(content, STR("thinking"))) &&
	       add_text(s, CHAT_TEXT, node_get_text(content, STR("text")));
}

/* A second content of the same kind is a block of its own. */
static bool on_content_start(struct step *s)
{
	const struct json_node *content = node_get(s->message, STR("content"));
	bool thought = node_is_word(node_get(content, STR("type")), STR("thinking"));

	return open_kind(s, thought ? CHAT_REASONING : CHAT_TEXT) && on_content(s);
}

static bool on_content_end(struct step *s) { return s->r->kind == CHAT_TEXT || close_open(s); }

static bool on_plan(struct step *s)
{
	struct jstr text = node_get_text(s->message, STR("tool_plan"));

	if (text.n == 0)
		return true;
	if (!s->r->plan && !open_kind(s, CHAT_TEXT))
		return false;
	s->r->plan = true;
	return chat_delta_add(s->arena, s->out, s->r->blocks - 1, DELTA_TEXT, text) != NULL;
}

static bool add_args(struct step *s, struct jstr args)
{
	return args.n == 0 || s->r->kind != CHAT_TOOL_CALL ||
	       chat_delta_add(s->arena, s->out, s->r->blocks - 1, DELTA_ARGS, args);
}

static bool on_call_start(struct step *s)
{
	struct chat_block *list = NULL, **end = &list, *b;
	struct jstr args;

	b = openai_read_call(s->arena, node_get(s->message, STR("tool_calls")), s->r->seed, s->r->calls++, &end);
	if (!b)
		return false;
	b->tool = TOOL_FUNCTION;
	args = b->args.json.p ? jstr_from(s->arena, b->args.json) : b->args.text;
	b->args = (struct chat_args){ 0 };
	return open_block(s, b) && add_args(s, args);
}

static bool on_call(struct step *s)
{
	const struct json_node *call = node_get(s->message, STR("tool_calls"));

	return add_args(s, node_get_text(node_get(call, STR("function")), STR("arguments")));
}

static bool on_citation(struct step *s)
{
	const struct json_node *v = node_get(s->message, STR("citations"));
	struct chat_citation *c;
	struct chat_event *e;

	if (!node_is(v, JSON_OBJECT) || s->r->kind != CHAT_TEXT)
		return true;
	c = cohere_read_citation(s->arena, v);
	e = c ? chat_delta_add(s->arena, s->out, s->r->blocks - 1, DELTA_CITATION, (struct jstr){ 0 }) : NULL;
	if (e)
		e->delta.citation = c;
	return e != NULL;
}

static bool on_end(struct step *s)
{
	const struct json_node *delta = node_get(s->body, STR("delta"));
	struct usage u = { .source = USAGE_NONE };
	struct chat_event *e;

	s->r->done = true;
	if (!close_open(s) || !(e = chat_event_add(s->arena, s->out, EVENT_FINISH)))
		return false;
	cohere_read_finish(node_get_text(delta, STR("finish_reason")), &e->finish);
	if (s->r->calls && e->finish.stop == STOP_END)
		e->finish.stop = STOP_TOOL;
	cohere_usage(node_get(delta, STR("usage")), &u);
	if (u.source != USAGE_NONE) {
		e = chat_event_add(s->arena, s->out, EVENT_USAGE);
		if (!e)
			return false;
		e->usage = u;
	}
	return chat_event_add(s->arena, s->out, EVENT_END) != NULL;
}

static const struct {
	struct str type;
	bool (*read)(struct step *);
} kinds[] = {
	{ STR_INIT("content-delta"), on_content },
	{ STR_INIT("tool-call-delta"), on_call },
	{ STR_INIT("tool-plan-delta"), on_plan },
	{ STR_INIT("message-start"), on_start },
	{ STR_INIT("content-start"), on_content_start },
	{ STR_INIT("content-end"), on_content_end },
	{ STR_INIT("tool-call-start"), on_call_start },
	{ STR_INIT("tool-call-end"), close_open },
	{ STR_INIT("citation-start"), on_citation },
	{ STR_INIT("message-end"), on_end },
};

static bool is_failure(const struct json_node *body, const struct json_node *type)
{
	const struct json_node *delta = node_get(body, STR("delta"));

	if (node_is_word(type, STR("message-end")))
		return node_is_word(node_get(delta, STR("finish_reason")), STR("ERROR")) &&
		       node_get_text(delta, STR("error")).n > 0;
	return !type && node_get_text(body, STR("message")).n > 0;
}

static enum chat_read broken(struct err *e, const char *text)
{
	err_set(e, ERR_UPSTREAM, "%s", text);
	return CHAT_READ_BROKEN;
}

static enum chat_read read_event(void *reader, struct arena *a, const struct chat_frame *frame, struct chat_events *out,
                                 struct dialect_error *error, struct err *e)
{
	struct reader *r = reader;
	struct step s = { .r = r, .arena = a, .out = out };
	const struct json_node *type, *delta;

	*out = (struct chat_events){ 0 };
	if (r->done)
		return CHAT_READ_OK;
	if (!frame->data.p || str_eq(str_trim(frame->data), STR("[DONE]")))
		return broken(e, "the provider's stream ended in the middle");
	s.body = json_nodes(a, frame->data, ANSWER_DEPTH_MAX, e);
	if (!node_is(s.body, JSON_OBJECT))
		return broken(e, "an event of the provider's stream is not a JSON object");
	type = node_get(s.body, STR("type"));
	delta = node_get(s.body, STR("delta"));
	if (is_failure(s.body, type)) {
		r->done = true;
		dialect_read_error(200, type ? node_raw(delta) : frame->data, NULL, 0, error);
		return CHAT_READ_ERROR;
	}
	s.message = node_get(delta, STR("message"));
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (node_is_word(type, kinds[i].type))
			return kinds[i].read(&s)
			               ? CHAT_READ_OK
			               : broken(e, "the provider's stream needs more memory than it may have");
	return CHAT_READ_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct writer {
	const struct chat_reply *reply;
	uint32_t block;              /* the open one */
	uint32_t contents, calls, citations;
	uint32_t part;               /* of a summary: the last */
	int16_t kind;                /* of the open one, if it is shown; NO_BLOCK */
	bool started, args, over;
	struct chat_finish finish;   /* only `stop` */
	struct usage usage;
};

static bool writer_init(void *writer, const struct chat_reply *reply)
{
	*(struct writer *)writer = (struct writer){ .reply = reply, .kind = NO_BLOCK };
	return true;
}

/* event: TYPE, data: {"type":"TYPE" */
static void begin_event(struct buf *out, struct str type)
{
	buf_append(out, STR("event: "));
	buf_append(out, type);
	buf_append(out, STR("\ndata: {\"type\":\""));
	buf_append(out, type);
	buf_append_c(out, '"');
}

static void begin_indexed(struct buf *out, struct str type, uint32_t index)
{
	begin_event(out, type);
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, index);
}

static void end_event(struct buf *out) { buf_append(out, STR("}\n\n")); }

static void start(struct writer *w, struct jstr id, struct buf *out)
{
	if (w->started)
		return;
	w->started = true;
	begin_event(out, STR("message-start"));
	buf_append(out, STR(",\"id\":\""));
	buf_append_jstr(out, id.n ? id : w->reply->id);
	buf_append(out, STR("\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\","
	                    "\"tool_calls\":[],\"citations\":[]}}"));
	end_event(out);
}

static void open_content(struct writer *w, bool thought, struct buf *out)
{
	begin_indexed(out, STR("content-start"), w->contents);
	buf_append(out,
	           thought ? STR(",\"delta\":{\"message\":{\"content\":{\"type\":\"thinking\",\"thinking\":\"\"}}}")
	                   : STR(",\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"\"}}}"));
	end_event(out);
}

static void write_text(struct writer *w, bool thought, struct jstr text, struct buf *out)
{
	if (text.n == 0)
		return;
	begin_indexed(out, STR("content-delta"), w->contents);
	buf_append(out, thought ? STR(",\"delta\":{\"message\":{\"content\":{\"thinking\":\"")
	                        : STR(",\"delta\":{\"message\":{\"content\":{\"text\":\""));
	buf_append_jstr(out, text);
	buf_append(out, STR("\"}}}"));
	end_event(out);
}

static void open_call(struct writer *w, const struct chat_block *b, struct buf *out)
{
	begin_indexed(out, STR("tool-call-start"), w->calls);
	buf_append(out, STR(",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\""));
	buf_append_jstr(out, b->id);
	buf_append(out, STR("\",\"type\":\"function\",\"function\":{\"name\":\""));
	buf_append_jstr(out, b->name);
	buf_append(out, STR("\",\"arguments\":\"\"}}}}"));
	end_event(out);
	w->args = false;
}

static void write_args(struct writer *w, struct jstr args, struct buf *out)
{
	if (args.n == 0)
		return;
	begin_indexed(out, STR("tool-call-delta"), w->calls);
	buf_append(out, STR(",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\""));
	buf_append_jstr(out, args);
	buf_append(out, STR("\"}}}}"));
	end_event(out);
	w->args = true;
}

static bool write_citation(struct writer *w, struct arena *a, const struct chat_citation *c, struct buf *out)
{
	struct buf one = buf_make((size_t)1 << 20);
	struct json_writer j = json_writer_make(&one);
	struct str tight;

	cohere_put_citation(&j, c);
	tight = json_compact(a, buf_str(&one));      /* what came from elsewhere may have line ends */
	begin_indexed(out, STR("citation-start"), w->citations);
	buf_append(out, STR(",\"delta\":{\"message\":{\"citations\":"));
	buf_append(out, tight);
	buf_append(out, STR("}}"));
	end_event(out);
	begin_indexed(out, STR("citation-end"), w->citations++);
	end_event(out);
	bool good = tight.p && !one.failed;
	buf_fini(&one);
	return good;
}

static void write_open(struct writer *w, const struct chat_event *e, struct buf *out)
{
	const struct chat_block *b = e->open;
	bool words = b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL || (b->kind == CHAT_REASONING && !b->redacted);
	bool call = b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;

	w->kind = e->choice == 0 && (words || call) ? b->kind : NO_BLOCK;
	w->block = e->block;
	w->part = 0;
	if (w->kind == CHAT_TOOL_CALL)
		open_call(w, b, out);
	else if (w->kind != NO_BLOCK)
		open_content(w, w->kind == CHAT_REASONING, out);
}

static bool write_delta(struct writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	if (w->kind == NO_BLOCK || e->block != w->block)
		return true;
	switch ((enum chat_delta_kind)e->delta.kind) {
	case DELTA_ARGS:
		if (w->kind == CHAT_TOOL_CALL)
			write_args(w, e->delta.text, out);
		return true;
	case DELTA_SUMMARY:
		if (e->delta.part != w->part)
			write_text(w, true, JSTR("\\n\\n"), out);
		w->part = e->delta.part;
		write_text(w, true, e->delta.text, out);
		return true;
	case DELTA_TEXT:
		if (w->kind != CHAT_TOOL_CALL)
			write_text(w, w->kind == CHAT_REASONING, e->delta.text, out);
		return true;
	case DELTA_CITATION:
		return !e->delta.citation || write_citation(w, a, e->delta.citation, out);
	case DELTA_OPAQUE:
	case DELTA_DATA:
	case DELTA_TRANSCRIPT:
	case DELTA_LOGPROBS:
	case DELTA_RAW: break;
	}
	return true;
}

static void write_close(struct writer *w, const struct chat_event *e, struct buf *out)
{
	if (w->kind == NO_BLOCK || e->block != w->block)
		return;
	if (w->kind == CHAT_TOOL_CALL) {
		if (!w->args)
			write_args(w, JSTR("{}"), out);
		begin_indexed(out, STR("tool-call-end"), w->calls++);
	} else {
		begin_indexed(out, STR("content-end"), w->contents++);
	}
	end_event(out);
	w->kind = NO_BLOCK;
}

static void write_end(struct writer *w, struct buf *out)
{
	begin_event(out, STR("message-end"));
	buf_append(out, STR(",\"delta\":{\"finish_reason\":\""));
	buf_append(out, cohere_finish_word(&w->finish));
	buf_append_c(out, '"');
	if (w->usage.source != USAGE_NONE) {
		struct json_writer j = json_writer_make(out);

		buf_append(out, STR(",\"usage\":"));
		cohere_put_usage(&j, &w->usage);
	}
	buf_append_c(out, '}');
	end_event(out);
	buf_append(out, STR("data: [DONE]\n\n"));
	w->over = true;
}

static bool write_event(void *writer, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct writer *w = writer;
	bool good = true;

	if (w->over)
		return true;
	if (e->kind == EVENT_OPEN || e->kind == EVENT_END)
		start(w, (struct jstr){ 0 }, out);
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START: start(w, e->start.id, out); break;
	case EVENT_OPEN: write_open(w, e, out); break;
	case EVENT_DELTA: good = write_delta(w, a, e, out); break;
	case EVENT_CLOSE: write_close(w, e, out); break;
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

/* There is no event of its own for it; the SDKs look for the reason and its text in the last one. */
static bool write_error(void *writer, const struct err *e, struct str request_id, struct buf *out)
{
	return cohere_write_failure(e, out);
}

static bool write_ping(void *writer, struct buf *out) { return buf_append(out, STR(": ping\n\n")); }

bool cohere_write_failure(const struct err *e, struct buf *out)
{
	begin_event(out, STR("message-end"));
	buf_append(out, STR(",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":"));
	json_append_str(out, str_from_z(e->text));
	buf_append_c(out, '}');
	end_event(out);
	return !out->failed;
}

const struct chat_codec cohere_codec = {
	.read_request = cohere_read_request,
	.write_request = cohere_write_request,
	.read_response = cohere_read_response,
	.write_response = cohere_write_response,
	.reader_size = sizeof(struct reader),
	.writer_size = sizeof(struct writer),
	.reader_init = reader_init,
	.read_event = read_event,
	.writer_init = writer_init,
	.write_event = write_event,
	.write_error = write_error,
	.write_ping = write_ping,
	.one_block = true,
};
