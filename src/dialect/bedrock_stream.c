/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_stream: the events of ConverseStream into the neutral model (dialects.md, K1 and K2). */
#include "dialect/bedrock_in.h"

/* One event on its way through the reader. */
struct reading {
	struct bedrock_reader *r;
	struct arena *arena;
	struct chat_events *out;
	struct err *err;
};

bool bedrock_reader_init(void *reader, const struct chat_source *source)
{
	struct bedrock_reader *r = reader;

	r->maker = source->bedrock_claude ? MAKER_ANTHROPIC : MAKER_OTHER;
	return true;
}

void bedrock_reader_fini(void *reader)
{
	(void)reader;
}

static bool full(struct reading *x)
{
	return err_set(x->err, ERR_UPSTREAM, "an event of the provider's stream is larger than allowed");
}

static struct bedrock_open *find(struct bedrock_reader *r, int64_t index)
{
	for (uint32_t i = 0; i < r->n_open; i++)
		if (r->open[i].index == index)
			return &r->open[i];
	return NULL;
}

/* A call without a byte of arguments has none: that is an empty object. */
static bool close_block(struct reading *x, struct bedrock_open *o)
{
	struct chat_event *ev;

	if (o->kind == CHAT_TOOL_CALL && !o->args &&
	    !chat_delta_add(x->arena, x->out, o->block, DELTA_ARGS, JSTR("{}")))
		return full(x);
	ev = chat_event_add(x->arena, x->out, EVENT_CLOSE);
	if (!ev)
		return full(x);
	ev->block = o->block;
	*o = x->r->open[--x->r->n_open];
	return true;
}

static struct bedrock_open *open_block(struct reading *x, int64_t index, struct chat_block b)
{
	struct bedrock_open *o = find(x->r, index);
	struct chat_block *copy = arena_alloc(x->arena, sizeof *copy);
	struct chat_event *ev;

	if (o && !close_block(x, o))
		return NULL;
	if (x->r->n_open == BEDROCK_OPEN_MAX) {
		err_set(x->err, ERR_UPSTREAM, "the provider's stream has more than %d blocks open", BEDROCK_OPEN_MAX);
		return NULL;
	}
	ev = copy ? chat_event_add(x->arena, x->out, EVENT_OPEN) : NULL;
	if (!ev) {
		full(x);
		return NULL;
	}
	*copy = b;
	ev->block = x->r->blocks++;
	ev->open = copy;
	o = &x->r->open[x->r->n_open++];
	*o = (struct bedrock_open){ .index = index, .block = ev->block, .kind = b.kind };
	return o;
}

/* Text and thoughts have no start of their own. */
static struct bedrock_open *need_block(struct reading *x, int64_t index, enum chat_kind kind)
{
	struct bedrock_open *o = find(x->r, index);

	if (o && o->kind == kind)
		return o;
	return open_block(x, index, (struct chat_block){ .kind = (uint8_t)kind });
}

/* ---- events: each reads the payload ---- */

static bool message_start(struct reading *x, const struct json_node *v)
{
	(void)v;
	return chat_event_add(x->arena, x->out, EVENT_START) || full(x);
}

static bool block_start(struct reading *x, const struct json_node *v)
{
	const struct json_node *start = node_get(v, STR("start")), *call = node_get(start, STR("toolUse"));
	const struct json_node *result = node_get(start, STR("toolResult")), *image = node_get(start, STR("image"));
	int64_t index = node_i64(node_get(v, STR("contentBlockIndex")), 0);
	struct chat_block b = { 0 };

	if (node_is(call, JSON_OBJECT)) {
		b.kind = CHAT_TOOL_CALL;
		b.id = node_get_text(call, STR("toolUseId"));
		b.name = node_get_text(call, STR("name"));
		if (node_is_word(node_get(call, STR("type")), STR("server_tool_use")))
			b.tool = TOOL_SERVER;
		else
			x->r->called = true;
	} else if (node_is(result, JSON_OBJECT)) {
		b.kind = CHAT_TOOL_RESULT;
		b.tool = TOOL_SERVER;
		b.id = node_get_text(result, STR("toolUseId"));
		b.is_error = node_is_word(node_get(result, STR("status")), STR("error"));
	} else if (node_is(image, JSON_OBJECT)) {
		b.kind = CHAT_IMAGE;
		b.media = arena_zalloc(x->arena, sizeof *b.media);
		if (!b.media)
			return full(x);
		b.media->type = bedrock_media_type(CHAT_IMAGE, node_get_text(image, STR("format")));
	} else {
		return true; /* recorded: a start with nothing in it */
	}
	if (b.tool == TOOL_SERVER) {
		b.raw = node_raw(start);
		b.from = DIALECT_BEDROCK;
	}
	return open_block(x, index, b) != NULL;
}

static bool delta_text(struct reading *x, int64_t index, const struct json_node *v)
{
	struct jstr text = node_text(v);
	struct bedrock_open *o = need_block(x, index, CHAT_TEXT);

	if (!o)
		return false;
	return text.n == 0 || chat_delta_add(x->arena, x->out, o->block, DELTA_TEXT, text) || full(x);
}

static bool delta_call(struct reading *x, int64_t index, const struct json_node *v)
{
	struct bedrock_open *o = find(x->r, index);
	struct jstr input = node_get_text(v, STR("input"));

	if (!o || o->kind != CHAT_TOOL_CALL)
		return err_set(x->err, ERR_UPSTREAM,
		               "the provider's stream goes on with a tool call that did not begin");
	if (input.n == 0)
		return true;
	o->args = true;
	return chat_delta_add(x->arena, x->out, o->block, DELTA_ARGS, input) || full(x);
}

static bool delta_reasoning(struct reading *x, int64_t index, const struct json_node *v)
{
	struct jstr text = node_get_text(v, STR("text")), signature = node_get_text(v, STR("signature"));
	struct jstr redacted = node_get_text(v, STR("redactedContent"));
	struct bedrock_open *o = find(x->r, index);
	struct chat_opaque opaque = bedrock_read_opaque(x->arena, redacted.p ? redacted : signature,
	                                                (enum chat_maker)x->r->maker, redacted.p != NULL);
	struct chat_event *ev;

	/* what a redacted thought is must be known when it begins */
	if (redacted.p && !(o && o->kind == CHAT_REASONING))
		return open_block(x, index, (struct chat_block){ .kind = CHAT_REASONING, .redacted = true,
		                                                 .opaque = opaque }) != NULL;
	o = need_block(x, index, CHAT_REASONING);
	if (!o)
		return false;
	if (text.n && !chat_delta_add(x->arena, x->out, o->block, DELTA_TEXT, text))
		return full(x);
	if (opaque.bytes.n == 0)
		return true;
	ev = chat_delta_add(x->arena, x->out, o->block, DELTA_OPAQUE, (struct jstr){ 0 });
	if (!ev)
		return full(x);
	ev->delta.opaque = opaque;
	return true;
}

static bool delta_citation(struct reading *x, int64_t index, const struct json_node *v)
{
	struct bedrock_open *o = need_block(x, index, CHAT_TEXT);
	struct chat_citation *c = bedrock_read_citation(x->arena, v);
	struct chat_event *ev;

	if (!o)
		return false;
	if (!c)
		return true;
	ev = chat_delta_add(x->arena, x->out, o->block, DELTA_CITATION, (struct jstr){ 0 });
	if (!ev)
		return full(x);
	ev->delta.citation = c;
	return true;
}

static bool delta_image(struct reading *x, int64_t index, const struct json_node *v)
{
	struct jstr bytes = node_get_text(node_get(v, STR("source")), STR("bytes"));
	struct bedrock_open *o = need_block(x, index, CHAT_IMAGE);

	if (!o)
		return false;
	return bytes.n == 0 || chat_delta_add(x->arena, x->out, o->block, DELTA_DATA, bytes) || full(x);
}

/* Of the provider's own tool. */
static bool delta_result(struct reading *x, int64_t index, const struct json_node *v)
{
	struct bedrock_open *o = find(x->r, index);
	struct chat_event *ev;

	if (!o || o->kind != CHAT_TOOL_RESULT)
		return true;
	ev = chat_delta_add(x->arena, x->out, o->block, DELTA_RAW, (struct jstr){ 0 });
	if (!ev)
		return full(x);
	ev->delta.raw = node_raw(v);
	return true;
}

static bool block_delta(struct reading *x, const struct json_node *v)
{
	static const struct {
		struct str name;
		bool (*read)(struct reading *, int64_t index, const struct json_node *v);
	} deltas[] = {
		{ STR_INIT("text"), delta_text },         { STR_INIT("toolUse"), delta_call },
		{ STR_INIT("citation"), delta_citation }, { STR_INIT("reasoningContent"), delta_reasoning },
		{ STR_INIT("image"), delta_image },       { STR_INIT("toolResult"), delta_result },
	};
	const struct json_node *delta = node_get(v, STR("delta"));
	int64_t index = node_i64(node_get(v, STR("contentBlockIndex")), 0);

	for (const struct json_node *m = node_first(delta); m; m = node_next(delta, m))
		for (size_t i = 0; i < COUNT_OF(deltas); i++)
			if (node_is(delta, JSON_OBJECT) && node_named(m, deltas[i].name) &&
			    !deltas[i].read(x, index, m))
				return false;
	return true;
}

static bool block_stop(struct reading *x, const struct json_node *v)
{
	struct bedrock_open *o = find(x->r, node_i64(node_get(v, STR("contentBlockIndex")), 0));

	return !o || close_block(x, o);
}

static bool message_stop(struct reading *x, const struct json_node *v)
{
	struct chat_event *ev;

	while (x->r->n_open)
		if (!close_block(x, &x->r->open[0]))
			return false;
	if (x->r->finished)
		return true;
	ev = chat_event_add(x->arena, x->out, EVENT_FINISH);
	if (!ev)
		return full(x);
	x->r->finished = true;
	bedrock_read_stop(node_get_text(v, STR("stopReason")), &ev->finish);
	if (ev->finish.stop == STOP_END && x->r->called)
		ev->finish.stop = STOP_TOOL;
	if (ev->finish.stop == STOP_SEQUENCE)
		ev->finish.sequence = bedrock_read_sequence(node_get(v, STR("additionalModelResponseFields")));
	return true;
}

static bool end(struct reading *x)
{
	x->r->ended = true;
	return chat_event_add(x->arena, x->out, EVENT_END) || full(x);
}

static bool metadata(struct reading *x, const struct json_node *v)
{
	struct usage usage = { .source = USAGE_NONE };
	struct chat_event *ev;

	if (!bedrock_usage_read(node_raw(v), &usage))
		return full(x);
	if (usage.source != USAGE_NONE) {
		ev = chat_event_add(x->arena, x->out, EVENT_USAGE);
		if (!ev)
			return full(x);
		ev->usage = usage;
	}
	return !x->r->finished || x->r->ended || end(x);
}

static const struct {
	struct str name;
	bool (*read)(struct reading *, const struct json_node *);
} events[] = {
	{ STR_INIT("contentBlockDelta"), block_delta }, { STR_INIT("contentBlockStart"), block_start },
	{ STR_INIT("contentBlockStop"), block_stop },   { STR_INIT("messageStart"), message_start },
	{ STR_INIT("messageStop"), message_stop },      { STR_INIT("metadata"), metadata },
};

/* The transport is over: well, if the answer was. */
static enum chat_read read_end(struct reading *x)
{
	if (x->r->ended)
		return CHAT_READ_OK;
	if (!x->r->finished) {
		err_set(x->err, ERR_UPSTREAM, "the provider's stream ended in the middle");
		return CHAT_READ_BROKEN;
	}
	return end(x) ? CHAT_READ_OK : CHAT_READ_BROKEN;
}

enum chat_read bedrock_read_event(void *reader, struct arena *a, const struct chat_frame *frame,
                                  struct chat_events *out, struct dialect_error *error, struct err *e)
{
	struct reading x = { reader, a, out, e };
	const struct json_node *v;

	if (frame->exception) {
		bedrock_read_exception(frame->name, frame->data, error);
		return CHAT_READ_ERROR;
	}
	if (!frame->data.p)
		return read_end(&x);
	if (x.r->ended)
		return CHAT_READ_OK;
	for (size_t i = 0; i < COUNT_OF(events); i++) {
		if (!str_eq(frame->name, events[i].name))
			continue;
		v = json_nodes(a, frame->data, ANSWER_DEPTH_MAX, e);
		if (!node_is(v, JSON_OBJECT)) {
			err_set(e, ERR_UPSTREAM, "an event of the provider's stream is not a JSON object");
			return CHAT_READ_BROKEN;
		}
		return events[i].read(&x, v) ? CHAT_READ_OK : CHAT_READ_BROKEN;
	}
	return CHAT_READ_OK; /* a kind of event that is newer than this program */
}
