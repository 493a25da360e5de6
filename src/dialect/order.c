/* SPDX-License-Identifier: Apache-2.0 */
/* order: keeps back what belongs to a later block until the earlier one is closed, and calls until they are whole. */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "dialect/chat.h"

/* One event that waits; of deltas that go on with a text, all of them as one. */
struct item {
	struct item *next;
	struct chat_event event;
	struct buf text;
};

/* A block that waits with its events; or, alone, an event that must not overtake blocks. Owns its memory. */
struct entry {
	struct entry *next;
	struct item *first, *last;
	struct chat_block *open; /* in the arena */
	struct arena arena;
	size_t bytes; /* counted in the order's */
	uint32_t block, choice;
	bool alone, call, closed;
};

struct chat_order {
	struct entry *first, *last;
	size_t max_bytes, bytes;
	uint32_t current, current_choice;
	bool one_block, whole_calls;
	bool has_current; /* one_block: a block is open, whose events pass */
};

struct chat_order *chat_order_new(const struct chat_codec *writer, size_t max_bytes)
{
	struct chat_order *o;

	if (!writer->one_block && !writer->whole_calls)
		return NULL;
	o = mem_zalloc(sizeof *o);
	o->one_block = writer->one_block;
	o->whole_calls = writer->whole_calls;
	o->max_bytes = max_bytes;
	return o;
}

static void entry_free(struct entry *e)
{
	for (struct item *i = e->first, *next; i; i = next) {
		next = i->next;
		buf_fini(&i->text);
		free(i);
	}
	arena_fini(&e->arena);
	free(e);
}

static void drop_all(struct chat_order *o)
{
	for (struct entry *e = o->first, *next; e; e = next) {
		next = e->next;
		entry_free(e);
	}
	o->first = o->last = NULL;
	o->bytes = 0;
	o->has_current = false;
}

void chat_order_free(struct chat_order *o)
{
	if (!o)
		return;
	drop_all(o);
	free(o);
}

/* ---- keeping ---- */

static struct entry *entry_add(struct chat_order *o, const struct chat_event *ev)
{
	struct entry *e = mem_zalloc(sizeof *e);

	arena_init(&e->arena, o->max_bytes);
	e->bytes = sizeof *e;
	e->block = ev->block;
	e->choice = ev->choice;
	if (o->last)
		o->last->next = e;
	else
		o->first = e;
	o->last = e;
	return e;
}

static struct entry *entry_find(const struct chat_order *o, uint32_t block)
{
	struct entry *e = o->first;

	while (e && (e->alone || e->block != block))
		e = e->next;
	return e;
}

static bool goes_on(const struct item *last, const struct chat_delta *d)
{
	const struct chat_delta *before = &last->event.delta;

	return last->event.kind == EVENT_DELTA && before->kind == d->kind && before->part == d->part && d->text.p &&
	       !d->opaque.bytes.p && !d->citation && !d->raw.p && d->kind != DELTA_OPAQUE;
}

/* A copy of the event behind the entry's others; of a text that goes on, only the text. */
static bool item_add(struct chat_order *o, struct entry *e, const struct chat_event *ev)
{
	bool is_delta = ev->kind == EVENT_DELTA;
	struct item *i = e->last;

	if (!i || !is_delta || !goes_on(i, &ev->delta)) {
		i = mem_zalloc(sizeof *i);
		e->bytes += sizeof *i;
		i->event = *ev;
		i->event.next = NULL;
		i->text = buf_make(o->max_bytes);
		if (e->last)
			e->last->next = i;
		else
			e->first = i;
		e->last = i;
		if (is_delta) {
			i->event.delta.text = (struct jstr){ 0 };
			if (!chat_delta_copy(&e->arena, &i->event.delta))
				return false;
		}
	}
	switch ((enum chat_event_kind)ev->kind) {
	case EVENT_DELTA: e->bytes += ev->delta.text.n; return buf_append_jstr(&i->text, ev->delta.text);
	case EVENT_CLOSE: return !ev->open || (i->event.open = chat_block_copy(&e->arena, ev->open)) != NULL;
	case EVENT_FINISH: return chat_finish_copy(&e->arena, &i->event.finish);
	case EVENT_START:
	case EVENT_OPEN:
	case EVENT_USAGE:
	case EVENT_END:
	case EVENT_PING:
	case EVENT_ERROR: break;
	}
	assert(!"such an event does not wait");
	return false;
}

/* What was learnt with a call's end or in between belongs to its beginning: it is still there. */
static bool call_learns(struct entry *e, const struct chat_opaque *opaque, struct jstr id)
{
	if (opaque && opaque->bytes.p) {
		e->open->opaque = *opaque;
		if (!chat_opaque_copy(&e->arena, &e->open->opaque))
			return false;
	}
	if (id.p && !e->open->id.p) {
		e->open->id = jstr_of(arena_dup(&e->arena, jstr_raw(id)).p, id.n);
		return e->open->id.p != NULL;
	}
	return true;
}

static bool entry_take(struct chat_order *o, struct entry *e, const struct chat_event *ev)
{
	size_t before = e->bytes, held = e->arena.used_bytes;
	bool good = true;

	if (ev->kind == EVENT_CLOSE)
		e->closed = true;
	if (!e->call || (ev->kind == EVENT_DELTA && ev->delta.kind == DELTA_ARGS))
		good = item_add(o, e, ev);
	else if (ev->kind == EVENT_DELTA)
		good = ev->delta.kind == DELTA_OPAQUE && !ev->delta.opaque.bytes.p
		               ? true
		               : call_learns(e, &ev->delta.opaque, (struct jstr){ 0 });
	else if (ev->open)
		good = call_learns(e, &ev->open->opaque, ev->open->id);
	e->bytes += e->arena.used_bytes - held;
	o->bytes += e->bytes - before;
	return good && o->bytes <= o->max_bytes;
}

/* ---- giving ---- */

static void put(struct chat_events *out, struct chat_event *ev)
{
	ev->next = NULL;
	if (out->last)
		out->last->next = ev;
	else
		out->first = ev;
	out->last = ev;
}

static bool give_item(struct arena *a, const struct item *i, struct chat_events *out)
{
	struct chat_event *ev = chat_event_add(a, out, (enum chat_event_kind)i->event.kind);

	if (!ev)
		return false;
	*ev = i->event;
	if (ev->kind == EVENT_CLOSE)
		return !ev->open || (ev->open = chat_block_copy(a, ev->open)) != NULL;
	if (ev->kind == EVENT_FINISH)
		return chat_finish_copy(a, &ev->finish);
	if (i->text.n)
		ev->delta.text = jstr_of(i->text.p, i->text.n);
	return chat_delta_copy(a, &ev->delta);
}

static bool give_simple(struct arena *a, const struct entry *e, enum chat_event_kind kind, struct chat_events *out)
{
	struct chat_event *ev = chat_event_add(a, out, kind);

	if (!ev)
		return false;
	ev->block = e->block;
	ev->choice = e->choice;
	return kind != EVENT_OPEN || (ev->open = chat_block_copy(a, e->open)) != NULL;
}

static bool give_entry(struct arena *a, const struct entry *e, struct chat_events *out)
{
	struct chat_event *args;

	if (!e->alone && !give_simple(a, e, EVENT_OPEN, out))
		return false;
	if (e->call && !e->first && !e->open->args.text.p && !e->open->args.json.p) {
		args = chat_delta_add(a, out, e->block, DELTA_ARGS, JSTR("{}"));
		if (!args)
			return false;
		args->choice = e->choice;
	}
	for (const struct item *i = e->first; i; i = i->next)
		if (!give_item(a, i, out))
			return false;
	/* closed by the end of its choice, or a call, of which the end was not kept */
	if (!e->alone && e->closed && (!e->last || e->last->event.kind != EVENT_CLOSE))
		return give_simple(a, e, EVENT_CLOSE, out);
	return true;
}

static void entry_remove(struct chat_order *o, struct entry **link)
{
	struct entry *e = *link, *last = NULL;

	*link = e->next;
	o->bytes -= e->bytes;
	entry_free(e);
	for (e = o->first; e; e = e->next)
		last = e;
	o->last = last;
}

/* All that may go now. */
static bool drain(struct chat_order *o, struct arena *a, struct chat_events *out)
{
	for (struct entry **link = &o->first; *link;) {
		struct entry *e = *link;
		bool may = o->one_block ? !o->has_current && (e->alone || e->closed || !e->call)
		                        : e->closed || (e->alone && link == &o->first);

		if (!may && o->one_block)
			break;
		if (!may) {
			link = &e->next;
			continue;
		}
		if (!give_entry(a, e, out))
			return false;
		if (!e->alone && !e->closed) {
			o->has_current = true;
			o->current = e->block;
			o->current_choice = e->choice;
		}
		entry_remove(o, link);
		link = &o->first;
	}
	return true;
}

/* The choice is over, so its blocks are. Readers close them; a stream that does not is not held up by that. */
static bool close_choice(struct chat_order *o, struct arena *a, uint32_t choice, bool all, struct chat_events *out)
{
	struct chat_event *ev;

	for (struct entry *e = o->first; e; e = e->next)
		if (!e->alone && (all || e->choice == choice))
			e->closed = true;
	if (o->has_current && (all || o->current_choice == choice)) {
		ev = chat_event_add(a, out, EVENT_CLOSE);
		if (!ev)
			return false;
		ev->block = o->current;
		ev->choice = o->current_choice;
		o->has_current = false;
	}
	return drain(o, a, out);
}

/* ---- events ---- */

static bool take_open(struct chat_order *o, struct chat_event *ev, struct chat_events *out)
{
	bool call = o->whole_calls && ev->open->kind == CHAT_TOOL_CALL;
	struct entry *e;

	if (!call && (!o->one_block || (!o->has_current && !o->first))) {
		if (o->one_block) {
			o->has_current = true;
			o->current = ev->block;
			o->current_choice = ev->choice;
		}
		put(out, ev);
		return true;
	}
	e = entry_add(o, ev);
	e->call = call;
	e->open = chat_block_copy(&e->arena, ev->open);
	e->bytes += e->arena.used_bytes;
	o->bytes += e->bytes;
	return e->open && o->bytes <= o->max_bytes;
}

static bool take_block(struct chat_order *o, struct arena *a, struct chat_event *ev, struct chat_events *out)
{
	struct entry *e = o->first ? entry_find(o, ev->block) : NULL;

	if (e)
		return entry_take(o, e, ev) && (!e->closed || drain(o, a, out));
	put(out, ev);
	if (ev->kind == EVENT_CLOSE && o->has_current && o->current == ev->block) {
		o->has_current = false;
		return drain(o, a, out);
	}
	return true;
}

static bool take_finish(struct chat_order *o, struct arena *a, struct chat_event *ev, struct chat_events *out)
{
	struct entry *e;

	if ((o->first || o->has_current) && !close_choice(o, a, ev->choice, false, out))
		return false;
	if (!o->first) {
		put(out, ev);
		return true;
	}
	e = entry_add(o, ev);
	e->alone = true;
	if (!item_add(o, e, ev))
		return false;
	e->bytes += e->arena.used_bytes;
	o->bytes += e->bytes;
	return o->bytes <= o->max_bytes;
}

static bool take(struct chat_order *o, struct arena *a, struct chat_event *ev, struct chat_events *out)
{
	switch ((enum chat_event_kind)ev->kind) {
	case EVENT_OPEN: return take_open(o, ev, out);
	case EVENT_DELTA:
	case EVENT_CLOSE: return take_block(o, a, ev, out);
	case EVENT_FINISH: return take_finish(o, a, ev, out);
	case EVENT_END:
		if ((o->first || o->has_current) && !close_choice(o, a, 0, true, out))
			return false;
		break;
	case EVENT_ERROR: drop_all(o); break;
	case EVENT_START:
	case EVENT_USAGE:
	case EVENT_PING: break;
	}
	put(out, ev);
	return true;
}

bool chat_order_add(struct chat_order *o, struct arena *a, struct chat_events *in_out)
{
	struct chat_events out = { 0 };
	struct chat_event *ev, *next;

	for (ev = in_out->first; ev; ev = next) {
		next = ev->next;
		if (!take(o, a, ev, &out))
			return false;
	}
	*in_out = out;
	return true;
}
