/* SPDX-License-Identifier: Apache-2.0 */
/* undo: what was done to a request to make it fit is undone in the answer, so that the client sees what it asked
 * for. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "dialect/chat.h"
#include "dialect/undo_in.h"

enum { BLOCKS_OPEN_MAX = 4096, CHOICES_MAX = 256 };

bool chat_undo_needed(const struct chat_undo *u)
{
	return u->renames || u->custom_tools || u->stop || u->schema_tool || u->schema_value;
}

/* ---- both ways ---- */

static struct jstr original_name(const struct chat_undo *u, struct jstr name)
{
	for (const struct chat_rename *r = u->renames; r; r = r->next)
		if (jstr_eq(r->sent, name))
			return r->original;
	return name;
}

static bool is_custom(const struct chat_undo *u, struct jstr original)
{
	for (const struct chat_name *n = u->custom_tools; n; n = n->next)
		if (jstr_eq(n->name, original))
			return true;
	return false;
}

static bool is_schema_tool(const struct chat_undo *u, const struct chat_block *call)
{
	return u->schema_tool && call->kind == CHAT_TOOL_CALL && jstr_is(call->name, STR(CHAT_SCHEMA_TOOL));
}

/* The stop sequences as plain text; those without a letter stop nothing. */
static bool plain_stops(struct arena *a, const struct chat_name *list, struct stop_watch *out)
{
	unsigned n = 0;
	struct str *stops;

	for (const struct chat_name *s = list; s; s = s->next)
		n++;
	*out = (struct stop_watch){ 0 };
	if (n == 0)
		return true;
	stops = arena_alloc(a, n * sizeof *stops);
	if (!stops)
		return false;
	n = 0;
	for (const struct chat_name *s = list; s; s = s->next) {
		stops[n] = jstr_plain(a, s->name);
		n += stops[n].n > 0;
	}
	*out = (struct stop_watch){ stops, n };
	return true;
}

/* ---- a whole answer ---- */

static struct jstr call_text(struct arena *a, const struct chat_block *b)
{
	struct jstr t = chat_args_text(a, &b->args);

	return t.p ? t : JSTR("");
}

static void undo_call(struct arena *a, const struct chat_undo *u, struct chat_block *b)
{
	if (is_schema_tool(u, b)) {
		struct jstr text = call_text(a, b);

		if (u->schema_value)
			text = unwrap_whole(a, STR(CHAT_SCHEMA_VALUE), false, text);
		*b = (struct chat_block){ .next = b->next, .kind = CHAT_TEXT, .text = text.p ? text : JSTR("") };
		return;
	}
	b->name = original_name(u, b->name);
	if (b->tool == TOOL_FUNCTION && is_custom(u, b->name)) {
		struct jstr text = unwrap_whole(a, STR("input"), true, call_text(a, b));

		b->tool = TOOL_CUSTOM;
		b->args = (struct chat_args){ .text = text.p ? text : JSTR("") };
	}
}

/* True: the text ends here. */
static bool undo_text(struct arena *a, const struct chat_undo *u, const struct stop_watch *stops, struct chat_block *b,
                      struct chat_finish *finish)
{
	struct stop_hit hit;

	if (u->schema_value) {
		struct jstr text = unwrap_whole(a, STR(CHAT_SCHEMA_VALUE), false, b->text);

		if (text.p)
			b->text = text;
		return false;
	}
	hit = stop_watch_look(stops, b->text);
	if (hit.stop < 0)
		return false;
	b->text.n = hit.free_n;
	*finish = (struct chat_finish){ .stop = STOP_SEQUENCE, .sequence = jstr_from(a, stops->stops[hit.stop]) };
	return true;
}

static void undo_output(struct arena *a, const struct chat_undo *u, const struct stop_watch *stops,
                        struct chat_output *out)
{
	bool schema = false, calls = false;

	for (struct chat_block *b = out->blocks; b; b = b->next) {
		if (b->kind == CHAT_TOOL_CALL) {
			schema |= is_schema_tool(u, b);
			calls |= !is_schema_tool(u, b) && b->tool != TOOL_SERVER;
			undo_call(a, u, b);
		} else if (b->kind == CHAT_TEXT && undo_text(a, u, stops, b, &out->finish)) {
			b->next = NULL;
			return;
		}
	}
	if (schema && !calls && out->finish.stop == STOP_TOOL)
		out->finish.stop = STOP_END;
}

void chat_undo_response(struct arena *a, const struct chat_undo *u, struct chat_response *r)
{
	struct stop_watch stops;

	if (!chat_undo_needed(u) || !plain_stops(a, u->stop, &stops))
		return;
	for (struct chat_output *out = r->outputs; out; out = out->next)
		undo_output(a, u, &stops, out);
}

/* ---- a stream ---- */

enum mode {
	MODE_PASS,
	MODE_WATCH,              /* text: held is what may become a stop sequence */
	MODE_VALUE,              /* text that is unwrapped */
	MODE_CUSTOM,             /* a call whose arguments are unwrapped */
	MODE_SCHEMA,             /* a call that becomes a text */
	MODE_GONE,               /* behind a stop sequence */
};

struct undo_block {
	struct undo_block *next;
	uint32_t number, choice;
	uint8_t mode;
	bool shown;              /* the client saw it begin */
	struct unwrap unwrap;
	struct buf held;
};

struct undo_choice {
	bool schema, calls;
	int stopped;             /* which sequence, from 1; 0: none */
};

struct chat_undo_state {
	struct arena arena;      /* of the copy */
	struct chat_undo undo;
	struct stop_watch stops;
	size_t max_bytes;
	struct undo_block *blocks;   /* open ones */
	unsigned n_blocks;
	struct undo_choice choices[CHOICES_MAX];
};

static struct jstr copy_text(struct arena *a, struct jstr t)
{
	struct str s = arena_dup(a, jstr_raw(t));

	return jstr_of(s.p, s.n);
}

static bool copy_names(struct arena *a, const struct chat_name *from, struct chat_name **to)
{
	for (*to = NULL; from; from = from->next)
		if (!chat_name_add(a, &to, copy_text(a, from->name)))
			return false;
	return true;
}

static bool copy_undo(struct arena *a, const struct chat_undo *from, struct chat_undo *to)
{
	struct chat_rename **end = &to->renames;

	*to = *from;
	*end = NULL;
	to->by_hash = NULL;
	for (const struct chat_rename *r = from->renames; r; r = r->next) {
		struct chat_rename *copy = arena_zalloc(a, sizeof *copy);

		if (!copy)
			return false;
		copy->sent = copy_text(a, r->sent);
		copy->original = copy_text(a, r->original);
		*end = copy;
		end = &copy->next;
	}
	return copy_names(a, from->custom_tools, &to->custom_tools) && copy_names(a, from->stop, &to->stop);
}

struct chat_undo_state *chat_undo_new(const struct chat_undo *u, size_t max_bytes)
{
	struct chat_undo_state *s;

	if (!chat_undo_needed(u))
		return NULL;
	s = mem_zalloc(sizeof *s);
	s->max_bytes = max_bytes;
	arena_init(&s->arena, SIZE_MAX / 2);     /* the request that it is a part of had a ceiling */
	if (!copy_undo(&s->arena, u, &s->undo) || !plain_stops(&s->arena, s->undo.stop, &s->stops)) {
		chat_undo_free(s);
		return NULL;
	}
	return s;
}

static void block_free(struct undo_block *b)
{
	unwrap_fini(&b->unwrap);
	buf_fini(&b->held);
	free(b);
}

void chat_undo_free(struct chat_undo_state *s)
{
	if (!s)
		return;
	while (s->blocks) {
		struct undo_block *b = s->blocks;

		s->blocks = b->next;
		block_free(b);
	}
	arena_fini(&s->arena);
	free(s);
}

/* The place of the block in the list; *place is NULL if it is not open. */
static struct undo_block **find_block(struct chat_undo_state *s, uint32_t number)
{
	struct undo_block **place = &s->blocks;

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	return place;
}

static struct undo_choice *choice_of(struct chat_undo_state *s, uint32_t choice)
{
	return &s->choices[choice < CHOICES_MAX ? choice : CHOICES_MAX - 1];
}

static enum mode mode_of(struct chat_undo_state *s, const struct chat_block *open, struct undo_choice *c)
{
	if (c->stopped)
		return MODE_GONE;
	if (open->kind == CHAT_TEXT)
		return s->undo.schema_value ? MODE_VALUE : s->stops.n ? MODE_WATCH : MODE_PASS;
	if (open->kind != CHAT_TOOL_CALL || open->tool != TOOL_FUNCTION)
		return MODE_PASS;
	if (is_schema_tool(&s->undo, open)) {
		c->schema = true;
		return MODE_SCHEMA;
	}
	c->calls = true;
	return is_custom(&s->undo, original_name(&s->undo, open->name)) ? MODE_CUSTOM : MODE_PASS;
}

/* The block as the client is to see it. NULL: the arena is full. */
static const struct chat_block *seen_block(struct chat_undo_state *s, struct arena *a, const struct chat_block *open,
                                           enum mode mode)
{
	struct chat_block *b;

	if (!open || open->kind != CHAT_TOOL_CALL)
		return open;
	b = arena_alloc(a, sizeof *b);
	if (!b)
		return NULL;
	*b = *open;
	if (mode == MODE_SCHEMA) {
		*b = (struct chat_block){ .kind = CHAT_TEXT };
		return b;
	}
	b->name = original_name(&s->undo, b->name);
	if (mode == MODE_CUSTOM)
		b->tool = TOOL_CUSTOM;
	return b;
}

static void event_link(struct chat_events *list, struct chat_event *e)
{
	e->next = NULL;
	if (list->last)
		list->last->next = e;
	else
		list->first = e;
	list->last = e;
}

static bool on_open(struct chat_undo_state *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	enum mode mode = mode_of(s, e->open, choice_of(s, e->choice));
	struct undo_block *b;

	if (mode != MODE_PASS || s->stops.n) {
		if (s->n_blocks == BLOCKS_OPEN_MAX)
			return false;
		b = mem_zalloc(sizeof *b);
		*b = (struct undo_block){ .next = s->blocks, .number = e->block, .choice = e->choice,
			                  .mode = (uint8_t)mode, .shown = mode != MODE_GONE,
			                  .held = buf_make(s->max_bytes) };
		b->unwrap.seen = buf_make(s->max_bytes);
		b->unwrap.as_string = mode == MODE_CUSTOM;
		b->unwrap.name = mode == MODE_CUSTOM ? STR("input") : STR(CHAT_SCHEMA_VALUE);
		s->blocks = b;
		s->n_blocks++;
	}
	if (mode == MODE_GONE)
		return true;
	e->open = seen_block(s, a, e->open, mode);
	if (!e->open)
		return false;
	event_link(out, e);
	return true;
}

static bool give(struct arena *a, struct chat_events *out, const struct undo_block *b, enum chat_delta_kind kind,
                 struct jstr text)
{
	struct chat_event *e;

	if (!text.p)
		return false;
	if (text.n == 0)
		return true;
	e = chat_delta_add(a, out, b->number, kind, text);
	if (e)
		e->choice = b->choice;
	return e != NULL;
}

static bool watch(struct chat_undo_state *s, struct arena *a, struct undo_block *b, struct jstr text,
                  struct chat_events *out)
{
	struct jstr all = text;
	struct stop_hit hit;

	if (b->held.n) {
		struct str held = arena_dup(a, buf_str(&b->held));

		all = held.p ? jstr_concat(a, jstr_of(held.p, held.n), text) : (struct jstr){ 0 };
		if (!all.p)
			return false;
		buf_clear(&b->held);
	}
	hit = stop_watch_look(&s->stops, all);
	if (hit.stop >= 0) {
		choice_of(s, b->choice)->stopped = hit.stop + 1;
		b->mode = MODE_GONE;
	} else if (!buf_append(&b->held, str_of(all.p + hit.free_n, all.n - hit.free_n))) {
		return false;
	}
	return give(a, out, b, DELTA_TEXT, jstr_of(all.p, hit.free_n));
}

static bool on_delta(struct chat_undo_state *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	struct undo_block *b = *find_block(s, e->block);
	bool text = e->delta.kind == DELTA_TEXT, args = e->delta.kind == DELTA_ARGS;

	if (choice_of(s, b ? b->choice : e->choice)->stopped)
		return true;
	if (b && b->mode == MODE_WATCH && text)
		return watch(s, a, b, e->delta.text, out);
	if (b && b->mode == MODE_VALUE && text)
		return give(a, out, b, DELTA_TEXT, unwrap_add(&b->unwrap, a, e->delta.text));
	if (b && b->mode == MODE_CUSTOM && args)
		return give(a, out, b, DELTA_ARGS, unwrap_add(&b->unwrap, a, e->delta.text));
	if (b && b->mode == MODE_SCHEMA && args)
		return give(a, out, b, DELTA_TEXT,
		            s->undo.schema_value ? unwrap_add(&b->unwrap, a, e->delta.text) : e->delta.text);
	if (b && b->mode == MODE_SCHEMA)
		return true;             /* a call's signature is none of a text's */
	event_link(out, e);
	return true;
}

/* What the block still holds. */
static bool give_rest(struct chat_undo_state *s, struct arena *a, struct undo_block *b, struct chat_events *out)
{
	struct str held;

	switch ((enum mode)b->mode) {
	case MODE_WATCH:
		held = arena_dup(a, b->held.n ? buf_str(&b->held) : STR(""));
		return give(a, out, b, DELTA_TEXT, jstr_of(held.p, held.n));
	case MODE_VALUE:
		return give(a, out, b, DELTA_TEXT, unwrap_end(&b->unwrap, a));
	case MODE_CUSTOM:
		return give(a, out, b, DELTA_ARGS, unwrap_end(&b->unwrap, a));
	case MODE_SCHEMA:
		return !s->undo.schema_value || give(a, out, b, DELTA_TEXT, unwrap_end(&b->unwrap, a));
	case MODE_PASS:
	case MODE_GONE:
		return true;
	}
	return true;
}

static bool on_close(struct chat_undo_state *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	struct undo_block **place = find_block(s, e->block), *b = *place;
	bool good;

	if (!b) {
		if (e->open && e->open->kind == CHAT_TOOL_CALL && !(e->open = seen_block(s, a, e->open, MODE_PASS)))
			return false;
		event_link(out, e);
		return true;
	}
	good = give_rest(s, a, b, out);
	if (e->open && !(e->open = seen_block(s, a, e->open, (enum mode)b->mode)))
		good = false;
	if (b->shown)
		event_link(out, e);
	*place = b->next;
	s->n_blocks--;
	block_free(b);
	return good;
}

static bool on_finish(struct chat_undo_state *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	struct undo_choice *c = choice_of(s, e->choice);

	if (c->stopped) {
		struct jstr text = jstr_from(a, s->stops.stops[c->stopped - 1]);

		e->finish = (struct chat_finish){ .stop = STOP_SEQUENCE, .sequence = text };
	} else if (c->schema && !c->calls && e->finish.stop == STOP_TOOL) {
		e->finish.stop = STOP_END;
	}
	event_link(out, e);
	return true;
}

bool chat_undo_events(struct chat_undo_state *s, struct arena *a, struct chat_events *in_out)
{
	struct chat_events out = { 0 };
	struct chat_event *e = in_out->first, *next;
	bool good = true;

	for (; e && good; e = next) {
		next = e->next;
		switch ((enum chat_event_kind)e->kind) {
		case EVENT_OPEN:
			good = on_open(s, a, e, &out);
			break;
		case EVENT_DELTA:
			good = on_delta(s, a, e, &out);
			break;
		case EVENT_CLOSE:
			good = on_close(s, a, e, &out);
			break;
		case EVENT_FINISH:
			good = on_finish(s, a, e, &out);
			break;
		case EVENT_START:
		case EVENT_USAGE:
		case EVENT_END:
		case EVENT_PING:
		case EVENT_ERROR:
			event_link(&out, e);
			break;
		}
	}
	*in_out = out;
	return good;
}
