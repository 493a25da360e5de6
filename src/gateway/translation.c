/* SPDX-License-Identifier: Apache-2.0 */
/* translation: the machine between a provider's stream and a client of another dialect. */
#include "gateway/translation.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "gateway/frames.h"
#include "gateway/seam.h"

struct translation {
	const struct chat_codec *provider, *client;
	struct translation_tap tap;
	struct frames frames;
	struct chat_undo_state *undo;
	struct chat_order *order;
	void *reader, *writer;           /* behind this struct; a later provider's reader on its own */
	struct chat_source source;       /* borrowed by the reader */
	struct chat_reply reply;         /* borrowed by the writer */
	char *texts;                     /* that both point to */
	uint64_t text_bytes;
	struct usage usage;
	bool reader_up, writer_up, reader_apart;
	bool started, finished, ended;
	struct sent *sent;               /* NULL: it is not kept */
	struct seam *seam;               /* NULL: the first provider's stream */
};

/* What the client has got, for whoever goes on with it. */
struct sent {
	struct chat_collector *collector;
	char *source_text;               /* of the later providers' names for the model */
	struct seam_block open[SEAM_OPEN_MAX];
	unsigned n_open;
	uint32_t next_block;
	bool lost;                       /* it is more than is kept, or of a kind that nobody goes on with */
	bool finished;
};

/* ---- life ---- */

static char *keep(char *at, const char **p, size_t n)
{
	if (n)
		memcpy(at, *p, n);
	if (*p)
		*p = at;
	return at + n;
}

/* The reply and the source outlive the request's arena. */
static void keep_texts(struct translation *t, struct chat_source *s, struct chat_reply *r)
{
	char *at = t->texts = mem_alloc(s->model.n + r->id.n + r->model.n + r->previous.n + r->echo.n + 1);

	at = keep(at, &s->model.p, s->model.n);
	at = keep(at, &r->id.p, r->id.n);
	at = keep(at, &r->model.p, r->model.n);
	at = keep(at, &r->previous.p, r->previous.n);
	keep(at, &r->echo.p, r->echo.n);
}

static size_t aligned(size_t n) { return (n + 15) & ~(size_t)15; }

struct translation *translation_new(const struct translation_options *o)
{
	size_t head = aligned(sizeof(struct translation)), reader = aligned(o->provider->reader_size);
	struct translation *t = mem_zalloc(head + reader + o->client->writer_size);

	t->source = o->source;
	t->reply = o->reply;
	t->provider = o->provider;
	t->client = o->client;
	t->tap = o->tap;
	t->reader = (char *)t + head;
	t->writer = (char *)t + head + reader;
	keep_texts(t, &t->source, &t->reply);
	frames_init(&t->frames, o->provider->framing == FRAMING_WHOLE ? FRAMING_SSE : o->provider->framing,
	            o->frame_max_bytes);
	t->undo = chat_undo_new(o->undo, t->reply.max_bytes);
	t->order = chat_order_new(o->client, t->reply.max_bytes);
	if (o->keep_max_bytes) {
		t->sent = mem_zalloc(sizeof *t->sent);
		t->sent->collector = chat_collector_new(o->keep_max_bytes);
	}
	t->reader_up = !o->provider->reader_init || o->provider->reader_init(t->reader, &t->source);
	t->writer_up = !o->client->writer_init || o->client->writer_init(t->writer, &t->reply);
	if (t->reader_up && t->writer_up)
		return t;
	translation_free(t);
	return NULL;
}

/* The provider's side. */
static void free_reading(struct translation *t)
{
	if (t->reader_up && t->provider->reader_fini)
		t->provider->reader_fini(t->reader);
	if (t->reader_apart)
		free(t->reader);
	t->reader_up = t->reader_apart = false;
	chat_undo_free(t->undo);
	chat_order_free(t->order);
	seam_free(t->seam);
	t->undo = NULL;
	t->order = NULL;
	t->seam = NULL;
	frames_fini(&t->frames);
}

void translation_free(struct translation *t)
{
	if (!t)
		return;
	free_reading(t);
	if (t->writer_up && t->client->writer_fini)
		t->client->writer_fini(t->writer);
	if (t->sent) {
		chat_collector_free(t->sent->collector);
		free(t->sent->source_text);
		free(t->sent);
	}
	free(t->texts);
	free(t);
}

/* ---- events ---- */

static void note(struct translation *t, const struct chat_event *e)
{
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_DELTA:
		t->text_bytes += e->delta.text.n;
		t->started = true;
		break;
	case EVENT_FINISH:
		t->finished = true;
		t->started = true;
		break;
	case EVENT_OPEN:
	case EVENT_CLOSE:
		t->started = true;
		break;
	case EVENT_USAGE:
		t->usage = e->usage;
		break;
	case EVENT_END:
		t->started = t->ended = true;
		break;
	case EVENT_START:
	case EVENT_PING:
	case EVENT_ERROR:
		break;
	}
}

static enum translated too_much(struct err *err)
{
	err_set(err, ERR_UPSTREAM, "the provider's stream needs more memory than it may have");
	return TRANSLATED_BROKEN;
}

static void note_open(struct sent *s, const struct chat_event *e)
{
	s->lost |= e->choice > 0 || (e->open->kind != CHAT_TEXT && e->open->kind != CHAT_REASONING) ||
	           s->n_open == SEAM_OPEN_MAX;
	if (s->lost)
		return;
	s->open[s->n_open++] = (struct seam_block){ e->block, e->open->kind };
	if (e->block >= s->next_block)
		s->next_block = e->block + 1;
}

static void note_close(struct sent *s, uint32_t block)
{
	for (unsigned i = 0; i < s->n_open; i++)
		if (s->open[i].number == block) {
			memmove(&s->open[i], &s->open[i + 1], (--s->n_open - i) * sizeof s->open[0]);
			return;
		}
}

static void note_sent(struct sent *s, const struct chat_event *e)
{
	if (s->lost)
		return;
	if (e->kind == EVENT_OPEN)
		note_open(s, e);
	else if (e->kind == EVENT_CLOSE)
		note_close(s, e->block);
	s->finished |= e->kind == EVENT_FINISH;
	s->lost |= !chat_collector_add(s->collector, e);
	if (s->lost) {
		chat_collector_free(s->collector);
		s->collector = NULL;
	}
}

static enum translated write(struct translation *t, struct arena *a, struct chat_events *events, struct buf *out,
                             struct err *err)
{
	for (const struct chat_event *e = events->first; e; e = e->next) {
		note(t, e);
		if (t->tap.on_event)
			t->tap.on_event(t->tap.arg, e);
	}
	if (t->ended && !t->finished) { /* a client would take it for whole, or wait for the reason */
		err_set(err, ERR_UPSTREAM, "the provider's stream ended without saying why");
		return TRANSLATED_BROKEN;
	}
	if (t->undo && !chat_undo_events(t->undo, a, events))
		return too_much(err);
	if (t->order && !chat_order_add(t->order, a, events))
		return too_much(err);
	if (unlikely(t->seam != NULL) && !seam_events(t->seam, a, events))
		return too_much(err);
	for (const struct chat_event *e = events->first; e; e = e->next) {
		if (unlikely(t->sent != NULL))
			note_sent(t->sent, e);
		if (!t->client->write_event(t->writer, a, e, out))
			return too_much(err);
	}
	return t->ended ? TRANSLATED_END : TRANSLATED_ON;
}

static enum translated take_frame(struct translation *t, struct arena *a, const struct chat_frame *frame,
                                  struct buf *out, struct dialect_error *error, struct err *err)
{
	struct arena_mark mark = arena_mark(a);
	struct chat_events events = { 0 };
	enum translated got = TRANSLATED_BROKEN;

	switch (t->provider->read_event(t->reader, a, frame, &events, error, err)) {
	case CHAT_READ_OK:
		got = write(t, a, &events, out, err);
		break;
	case CHAT_READ_ERROR:
		/* what came with it goes first */
		got = write(t, a, &events, out, err);
		if (got == TRANSLATED_ON || got == TRANSLATED_END)
			got = TRANSLATED_ERROR;
		break;
	case CHAT_READ_BROKEN:
		break;
	}
	arena_rewind(a, mark);
	return got;
}

enum translated translation_take(struct translation *t, struct arena *a, struct str bytes, struct buf *out,
                                 struct dialect_error *error, struct err *err)
{
	struct chat_frame frame;

	for (;;) {
		enum translated got;

		switch (frames_next(&t->frames, &bytes, &frame)) {
		case FRAMES_NONE:
			return TRANSLATED_ON;
		case FRAMES_BAD:
			err_set(err, ERR_UPSTREAM,
			        "the provider's stream has a wrong frame, or one larger than allowed");
			return TRANSLATED_BROKEN;
		case FRAMES_ONE:
			break;
		}
		got = take_frame(t, a, &frame, out, error, err);
		if (got != TRANSLATED_ON)
			return got;
	}
}

enum translated translation_finish(struct translation *t, struct arena *a, struct buf *out,
                                   struct dialect_error *error, struct err *err)
{
	static const struct chat_frame end = { 0 };
	struct dialect_error none;
	enum translated got;

	if (t->frames.framing == FRAMING_LINES && !frames_at_boundary(&t->frames)) {
		/* the last line needs no line feed */
		got = translation_take(t, a, STR("\n"), out, error, err);
		if (got != TRANSLATED_ON)
			return got;
	}
	if (!frames_at_boundary(&t->frames)) {
		err_set(err, ERR_UPSTREAM, "the provider's stream ended in the middle of an event");
		return TRANSLATED_BROKEN;
	}
	got = take_frame(t, a, &end, out, error ? error : &none, err);
	if (got == TRANSLATED_ON) {
		err_set(err, ERR_UPSTREAM, "the provider's stream ended in the middle");
		return TRANSLATED_BROKEN;
	}
	return got;
}

/* ---- going on ---- */

const struct chat_response *translation_sent(struct translation *t)
{
	return t->sent && !t->sent->lost ? chat_collector_response(t->sent->collector) : NULL;
}

/* The text that a later one may go on with, plain; empty: the last thing that the client has is none. */
static struct str last_text(const struct chat_response *sent, struct arena *a)
{
	const struct chat_block *last = sent->outputs->blocks;

	while (last && last->next)
		last = last->next;
	return last && last->kind == CHAT_TEXT ? jstr_plain(a, last->text) : (struct str){ 0 };
}

static bool has_text(const struct chat_response *sent)
{
	for (const struct chat_block *b = sent->outputs->blocks; b; b = b->next)
		if (b->kind == CHAT_TEXT && b->text.n)
			return true;
	return false;
}

static struct seam *make_seam(struct translation *t, const struct translation_join *j)
{
	const struct chat_response *sent = translation_sent(t);
	struct seam_start start = { .white = j->white, .prefilled = j->prefilled, .before = j->before,
		                    .n_open = t->sent->n_open, .next_block = t->sent->next_block };
	struct arena a;
	struct seam *s;

	arena_init(&a, t->reply.max_bytes);
	memcpy(start.open, t->sent->open, sizeof start.open);
	start.text = last_text(sent, &a);
	start.hide_thoughts = has_text(sent);
	s = seam_new(&start);
	arena_fini(&a);
	return s;
}

bool translation_resume(struct translation *t, const struct translation_options *o, const struct translation_join *j)
{
	struct seam *seam;
	char *name;

	if (!translation_sent(t))
		return false;
	seam = make_seam(t, j);
	free_reading(t);
	name = mem_dup(o->source.model.n ? o->source.model.p : "", o->source.model.n);
	free(t->sent->source_text);
	t->sent->source_text = name;
	t->provider = o->provider;
	t->source = o->source;
	t->source.model = jstr_of(name, o->source.model.n);
	t->tap = o->tap;
	t->reader = mem_zalloc(o->provider->reader_size + 1);
	t->reader_apart = true;
	frames_init(&t->frames, o->provider->framing == FRAMING_WHOLE ? FRAMING_SSE : o->provider->framing,
	            o->frame_max_bytes);
	t->undo = chat_undo_new(o->undo, t->reply.max_bytes);
	t->order = chat_order_new(t->client, t->reply.max_bytes);
	t->seam = seam;
	t->usage = (struct usage){ 0 };
	t->text_bytes = 0;
	t->started = t->finished = t->ended = false;
	t->reader_up = !o->provider->reader_init || o->provider->reader_init(t->reader, &t->source);
	return t->reader_up;
}

bool translation_finished(const struct translation *t)
{
	return t->sent && t->sent->finished && !t->ended;
}

bool translation_end(struct translation *t, struct arena *a, const struct usage *u, struct buf *out)
{
	const struct chat_event used = { .kind = EVENT_USAGE, .usage = *u }, end = { .kind = EVENT_END };

	t->ended = true;
	if (u->source != USAGE_NONE && !t->client->write_event(t->writer, a, &used, out))
		return false;
	return t->client->write_event(t->writer, a, &end, out);
}

bool translation_started(const struct translation *t) { return t->started; }

const struct usage *translation_usage(const struct translation *t) { return &t->usage; }

uint64_t translation_text_bytes(const struct translation *t)
{
	return t->text_bytes;
}

bool translation_write_error(struct translation *t, const struct err *e, struct str request_id, struct buf *out)
{
	return t->client->write_error(t->writer, e, request_id, out);
}

bool translation_write_ping(struct translation *t, struct buf *out)
{
	return !t->client->write_ping || t->client->write_ping(t->writer, out);
}

/* ---- whole answers ---- */

/* The tap sees the blocks as a stream's opened and closed ones. */
static void show(const struct translation_tap *tap, const struct chat_response *response)
{
	struct chat_event e = { 0 };

	for (const struct chat_output *o = response->outputs; o; o = o->next, e.choice++)
		for (const struct chat_block *b = o->blocks; b; b = b->next, e.block++) {
			e.kind = EVENT_OPEN;
			e.open = b;
			tap->on_event(tap->arg, &e);
			e.kind = EVENT_CLOSE;
			tap->on_event(tap->arg, &e);
		}
}

bool translation_whole(const struct translation_options *o, struct arena *a, struct str body, struct buf *out,
                       struct chat_drops *drops, struct err *err)
{
	const struct json_node *root = json_nodes(a, body, ANSWER_DEPTH_MAX, err);
	struct chat_response response = { 0 };

	if (!root || !o->provider->read_response(a, &o->source, root, &response, err)) {
		err->code = ERR_UPSTREAM;
		err->origin = ERR_FROM_PROVIDER;
		return false;
	}
	if (o->tap.on_event)
		show(&o->tap, &response);
	if (chat_undo_needed(o->undo))
		chat_undo_response(a, o->undo, &response);
	if (!o->client->write_response(a, &response, &o->reply, out, drops))
		return err_set(err, ERR_UPSTREAM, "the provider's answer is larger than allowed");
	return true;
}
