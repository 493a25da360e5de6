/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_stream: the events of Messages' streams into the neutral ones (docs: messages-streaming; rules A1-A5). */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dialect/anthropic_in.h"

/* One event in work. */
struct reading {
	struct anthropic_reader *s;
	struct arena *arena;
	struct chat_events *out;
	struct err *err;
	bool full; /* the arena */
};

static struct chat_event *add(struct reading *r, enum chat_event_kind kind)
{
	struct chat_event *e = chat_event_add(r->arena, r->out, kind);

	r->full |= !e;
	return e;
}

static void add_text(struct reading *r, uint32_t block, enum chat_delta_kind kind, struct jstr text)
{
	if (text.n)
		r->full |= !chat_delta_add(r->arena, r->out, block, kind, text);
}

static void add_opaque(struct reading *r, uint32_t block, struct chat_opaque o)
{
	struct chat_event *e;

	if (!o.bytes.p && o.maker == MAKER_NONE)
		return;
	e = add(r, EVENT_DELTA);
	if (!e)
		return;
	e->block = block;
	e->delta = (struct chat_delta){ .kind = DELTA_OPAQUE, .opaque = o };
}

static struct anthropic_open *find_open(struct anthropic_reader *s, int64_t index)
{
	for (uint32_t i = 0; i < s->n_open; i++)
		if (s->open[i].index == index)
			return &s->open[i];
	return NULL;
}

static void forget(struct anthropic_reader *s, struct anthropic_open *o)
{
	free(o->input);
	*o = s->open[--s->n_open];
}

/* What the start of a block holds already goes on as deltas, so that the block opens empty. */
static void open_block(struct reading *r, const struct chat_block *from, struct anthropic_open *o)
{
	struct chat_block *b = arena_alloc(r->arena, sizeof *b);
	struct chat_event *e = add(r, EVENT_OPEN);
	struct str args = from->args.json;

	if (!b || !e) {
		r->full = true;
		return;
	}
	*b = *from;
	b->next = NULL;
	e->block = o->block;
	e->open = b;
	if (b->kind == CHAT_TEXT || b->kind == CHAT_REASONING) {
		b->text = JSTR("");
		add_text(r, o->block, DELTA_TEXT, from->text);
	}
	if (b->kind == CHAT_REASONING && !b->redacted) {
		b->opaque = (struct chat_opaque){ 0 };
		add_opaque(r, o->block, from->opaque);
	}
	if (b->kind == CHAT_TEXT) {
		b->citations = NULL;
		for (const struct chat_citation *c = from->citations; c; c = c->next) {
			e = add(r, EVENT_DELTA);
			if (!e)
				return;
			e->block = o->block;
			e->delta = (struct chat_delta){ .kind = DELTA_CITATION, .citation = c };
		}
	}
	if (b->kind == CHAT_TOOL_CALL) {
		b->args = (struct chat_args){ 0 };
		/* {} is what stands there when pieces follow. */
		if (args.p && !str_eq(args, STR("{}"))) {
			o->input = mem_dup(args.p, args.n);
			o->input_n = args.n;
		}
	}
}

static void close_block(struct reading *r, struct anthropic_open *o)
{
	struct chat_event *e;

	if (o->kind == CHAT_TOOL_CALL && !o->any) {
		struct jstr text = JSTR("{}");
		if (o->input) {
			struct str copy = arena_dup(r->arena, str_of(o->input, o->input_n));
			text = copy.p ? jstr_from(r->arena, copy) : (struct jstr){ 0 };
		}
		r->full |= !text.p;
		add_text(r, o->block, DELTA_ARGS, text);
	}
	e = add(r, EVENT_CLOSE);
	if (e)
		e->block = o->block;
	forget(r->s, o);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool read_start_block(struct reading *r, const struct json_node *v, int64_t index)
{
	struct anthropic_read in = {
		.arena = r->arena, .err = r->err, .answer = true, .message = -1, .block = -1, .inner = -1
	};
	struct chat_block *b = NULL, **end = &b;
	struct anthropic_open *o;

	if (find_open(r->s, index) || r->s->n_open == sizeof r->s->open / sizeof *r->s->open)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream opens a block that is open, or too many");
	if (!anthropic_read_block(&in, v, &end))
		return false;
	if (!b)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream opens a block that is none");
	o = &r->s->open[r->s->n_open++];
	*o = (struct anthropic_open){ .index = index, .block = r->s->blocks++, .kind = b->kind };
	open_block(r, b, o);
	return true;
}

static bool block_start(struct reading *r, const struct json_node *ev)
{
	return read_start_block(r, node_get(ev, STR("content_block")), node_i64(node_get(ev, STR("index")), -1));
}

static void citation(struct reading *r, struct anthropic_open *o, const struct json_node *v)
{
	struct chat_citation *c = anthropic_read_citation(r->arena, v);
	struct chat_event *e = c ? add(r, EVENT_DELTA) : NULL;

	if (!e)
		return;
	e->block = o->block;
	e->delta = (struct chat_delta){ .kind = DELTA_CITATION, .citation = c };
}

static void raw_delta(struct reading *r, struct anthropic_open *o, const struct json_node *delta)
{
	struct chat_event *e = add(r, EVENT_DELTA);

	if (!e)
		return;
	e->block = o->block;
	e->delta = (struct chat_delta){ .kind = DELTA_RAW, .raw = node_raw(delta) };
}

/* A piece of another kind than its block says nothing. */
static bool block_delta(struct reading *r, const struct json_node *ev)
{
	const struct json_node *delta = node_get(ev, STR("delta"));
	struct anthropic_open *o = find_open(r->s, node_i64(node_get(ev, STR("index")), -1));
	struct jstr type = node_get_text(delta, STR("type"));

	if (!o)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream goes on with a block that is not open");
	if (o->kind == CHAT_TEXT && jstr_is(type, STR("text_delta"))) {
		add_text(r, o->block, DELTA_TEXT, node_get_text(delta, STR("text")));
	} else if (o->kind == CHAT_TOOL_CALL && jstr_is(type, STR("input_json_delta"))) {
		struct jstr text = node_get_text(delta, STR("partial_json"));
		o->any |= text.n > 0;
		add_text(r, o->block, DELTA_ARGS, text);
	} else if (o->kind == CHAT_REASONING && jstr_is(type, STR("thinking_delta"))) {
		add_text(r, o->block, DELTA_TEXT, node_get_text(delta, STR("thinking")));
	} else if (o->kind == CHAT_REASONING && jstr_is(type, STR("signature_delta"))) {
		add_opaque(r, o->block, anthropic_read_signature(r->arena, node_get_text(delta, STR("signature"))));
	} else if (o->kind == CHAT_TEXT && jstr_is(type, STR("citations_delta"))) {
		citation(r, o, node_get(delta, STR("citation")));
	} else if (o->kind == CHAT_RAW && delta) {
		raw_delta(r, o, delta);
	}
	return true;
}

static bool block_stop(struct reading *r, const struct json_node *ev)
{
	struct anthropic_open *o = find_open(r->s, node_i64(node_get(ev, STR("index")), -1));

	if (!o)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream closes a block that is not open");
	close_block(r, o);
	return true;
}

static void finish(struct reading *r, const struct json_node *holder)
{
	struct chat_event *e;

	if (r->s->finished || !node_is(node_get(holder, STR("stop_reason")), JSON_STRING))
		return;
	/* A server that forgets to close its blocks; the last one goes first, whatever: each is closed. */
	while (r->s->n_open)
		close_block(r, &r->s->open[r->s->n_open - 1]);
	e = add(r, EVENT_FINISH);
	if (e)
		anthropic_read_finish(holder, &e->finish);
	r->s->finished = true;
}

static void tell_usage(struct reading *r)
{
	struct chat_event *e = r->s->usage.source == USAGE_NONE ? NULL : add(r, EVENT_USAGE);

	if (e)
		e->usage = r->s->usage;
}

static bool message_start(struct reading *r, const struct json_node *ev)
{
	const struct json_node *message = node_get(ev, STR("message")), *content = node_get(message, STR("content"));
	const struct json_node *usage = node_get(message, STR("usage"));
	struct chat_event *e;

	/* Seen once: a proxy that tried again in the midst of an answer. What the client has of it cannot be unsaid. */
	if (r->s->n_open)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream begins anew in the middle of a block");
	e = r->s->started ? NULL : add(r, EVENT_START);
	r->s->started = true;
	if (e) {
		e->start.id = node_get_text(message, STR("id"));
		e->start.model = node_get_text(message, STR("model"));
		e->start.service_tier = node_get_text(usage, STR("service_tier"));
	}
	anthropic_read_usage(usage, &r->s->usage);
	/* When the provider's tools go on with a call, the message is whole in its first event. */
	if (node_is(content, JSON_ARRAY))
		for (const struct json_node *b = node_first(content); b; b = node_next(content, b)) {
			if (!read_start_block(r, b, -2))
				return false;
			close_block(r, find_open(r->s, -2));
		}
	finish(r, message);
	if (r->s->finished)
		tell_usage(r);
	return true;
}

static bool message_delta(struct reading *r, const struct json_node *ev)
{
	anthropic_read_usage(node_get(ev, STR("usage")), &r->s->usage);
	finish(r, node_get(ev, STR("delta")));
	if (r->s->finished)
		tell_usage(r);
	return true;
}

static bool message_stop(struct reading *r, const struct json_node *ev)
{
	(void)ev;
	if (r->s->n_open)
		return err_set(r->err, ERR_UPSTREAM, "the provider's stream ended in the middle of a block");
	r->s->ended = true;
	add(r, EVENT_END);
	return true;
}

static bool ping(struct reading *r, const struct json_node *ev)
{
	(void)ev;
	add(r, EVENT_PING);
	return true;
}

static const struct {
	struct str type;
	bool (*read)(struct reading *, const struct json_node *);
} events[] = {
	{ STR_INIT("content_block_delta"), block_delta },
	{ STR_INIT("content_block_start"), block_start },
	{ STR_INIT("content_block_stop"), block_stop },
	{ STR_INIT("message_start"), message_start },
	{ STR_INIT("message_delta"), message_delta },
	{ STR_INIT("message_stop"), message_stop },
	{ STR_INIT("ping"), ping },
};

/* The transport has ended. As with the meter, a finish counts as an end where message_stop was forgotten. */
static enum chat_read end_of_transport(struct reading *r)
{
	if (r->s->ended)
		return CHAT_READ_OK;
	if (!r->s->finished) {
		err_set(r->err, ERR_UPSTREAM, "the provider's stream ended in the middle");
		return CHAT_READ_BROKEN;
	}
	r->s->ended = true;
	add(r, EVENT_END);
	return CHAT_READ_OK;
}

enum chat_read anthropic_read_event(void *reader, struct arena *arena, const struct chat_frame *frame,
                                    struct chat_events *out, struct dialect_error *error, struct err *e)
{
	struct reading r = { .s = reader, .arena = arena, .out = out, .err = e };
	const struct json_node *ev;
	struct jstr type;
	bool good = true;

	if (!frame->data.p)
		return end_of_transport(&r);
	if (r.s->ended || str_eq(frame->data, STR("[DONE]")))
		return CHAT_READ_OK;
	ev = json_nodes(arena, frame->data, ANSWER_DEPTH_MAX, e);
	if (!node_is(ev, JSON_OBJECT)) {
		err_set(e, ERR_UPSTREAM, "the provider's stream holds what is no event");
		return CHAT_READ_BROKEN;
	}
	type = node_get_text(ev, STR("type"));
	if (!type.p)
		type = jstr_of(frame->name.p, frame->name.n);
	if (frame->exception || jstr_is(type, STR("error")) || (!type.n && node_get_some(ev, STR("error")))) {
		if (error)
			dialect_read_error(200, frame->data, NULL, 0, error);
		return CHAT_READ_ERROR;
	}
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (jstr_is(type, events[i].type)) {
			good = events[i].read(&r, ev);
			break;
		}
	if (good && r.full)
		good = err_set(e, ERR_UPSTREAM, "an event of the provider's stream is too large");
	return good ? CHAT_READ_OK : CHAT_READ_BROKEN;
}

void anthropic_reader_fini(void *reader)
{
	struct anthropic_reader *s = reader;

	while (s->n_open)
		forget(s, &s->open[s->n_open - 1]);
}
