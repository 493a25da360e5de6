/* SPDX-License-Identifier: Apache-2.0 */
/* collect: a stream's events into an answer, and an answer into events. */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "model/chat.h"

enum { BLOCKS_MAX = 65536, CHOICES_MAX = 256 };

/* A text that grows. Also each part of a summary. */
struct grown {
	struct grown *next;
	struct buf text;
	uint32_t part;
};

struct item {
	struct item *next;
	struct chat_block *block;        /* arena */
	uint32_t number, choice;
	bool open;
	struct buf text;                 /* text, arguments or data */
	struct buf transcript, opaque;
	struct grown *parts;
};

struct choice {
	struct chat_output out;
	struct buf logprobs;
};

struct chat_collector {
	struct arena arena;
	size_t max_bytes, bytes;         /* of the texts that grow */
	struct chat_response response;
	struct item *items, **items_end, *recent;
	uint32_t n_items, n_choices;
	struct choice *choices;
};

struct chat_collector *chat_collector_new(size_t max_bytes)
{
	struct chat_collector *c = mem_zalloc(sizeof *c);

	c->max_bytes = max_bytes;
	arena_init(&c->arena, max_bytes);
	c->items_end = &c->items;
	c->choices = mem_zalloc(sizeof *c->choices);
	c->choices[0].logprobs = buf_make(max_bytes);
	c->n_choices = 1;
	return c;
}

static void item_free(struct item *i)
{
	while (i->parts) {
		struct grown *p = i->parts;

		i->parts = p->next;
		buf_fini(&p->text);
		free(p);
	}
	buf_fini(&i->text);
	buf_fini(&i->transcript);
	buf_fini(&i->opaque);
	free(i);
}

void chat_collector_free(struct chat_collector *c)
{
	if (!c)
		return;
	while (c->items) {
		struct item *i = c->items;

		c->items = i->next;
		item_free(i);
	}
	for (uint32_t k = 0; k < c->n_choices; k++)
		buf_fini(&c->choices[k].logprobs);
	free(c->choices);
	arena_fini(&c->arena);
	free(c);
}

static bool grow(struct chat_collector *c, struct buf *b, struct str more)
{
	if (more.n > c->max_bytes - c->bytes || !buf_append(b, more))
		return false;
	c->bytes += more.n;
	return true;
}

static bool copy_text(struct arena *a, struct jstr *t)
{
	struct str s;

	if (!t->p)
		return true;
	s = arena_dup(a, t->n ? jstr_raw(*t) : STR(""));
	*t = jstr_of(s.p, s.n);
	return s.p != NULL;
}

static bool on_start(struct chat_collector *c, const struct chat_event *e)
{
	struct chat_response *r = &c->response;

	r->id = e->start.id;
	r->model = e->start.model;
	r->service_tier = e->start.service_tier;
	r->fingerprint = e->start.fingerprint;
	r->created_s = e->start.created_s;
	return copy_text(&c->arena, &r->id) && copy_text(&c->arena, &r->model) &&
	       copy_text(&c->arena, &r->service_tier) && copy_text(&c->arena, &r->fingerprint);
}

/* NULL: there are too many. */
static struct choice *choice_at(struct chat_collector *c, uint32_t choice)
{
	if (choice >= CHOICES_MAX)
		return NULL;
	if (choice >= c->n_choices) {
		c->choices = mem_realloc(c->choices, (choice + 1) * sizeof *c->choices);
		for (uint32_t k = c->n_choices; k <= choice; k++)
			c->choices[k] = (struct choice){ .logprobs = buf_make(c->max_bytes) };
		c->n_choices = choice + 1;
	}
	return &c->choices[choice];
}

/* What goes on growing is taken out of the block. */
static bool begin_texts(struct chat_collector *c, struct item *i, const struct chat_block *open)
{
	struct jstr text = open->kind == CHAT_TOOL_CALL ? open->args.text : open->text;

	if (!grow(c, &i->text, jstr_raw(text)))
		return false;
	if (open->media && open->media->data.n && !grow(c, &i->text, jstr_raw(open->media->data)))
		return false;
	return grow(c, &i->opaque, jstr_raw(open->opaque.bytes));
}

static bool on_open(struct chat_collector *c, const struct chat_event *e)
{
	struct item *i;

	if (c->n_items == BLOCKS_MAX || !choice_at(c, e->choice))
		return false;
	i = mem_zalloc(sizeof *i);
	i->number = e->block;
	i->choice = e->choice;
	i->open = true;
	i->text = i->transcript = i->opaque = buf_make(c->max_bytes);
	*c->items_end = i;
	c->items_end = &i->next;
	c->n_items++;
	c->recent = i;
	i->block = chat_block_copy(&c->arena, e->open);
	return i->block && begin_texts(c, i, e->open);
}

static struct item *find_item(struct chat_collector *c, uint32_t number)
{
	if (c->recent && c->recent->number == number)
		return c->recent;
	for (struct item *i = c->items; i; i = i->next)
		if (i->number == number && i->open)
			return c->recent = i;
	return NULL;
}

/* The part with this number, made if it is not there. NULL: there are too many. */
static struct buf *part_text(struct chat_collector *c, struct item *i, uint32_t part)
{
	struct grown **place = &i->parts;

	while (*place && (*place)->part < part)
		place = &(*place)->next;
	if (!*place || (*place)->part != part) {
		struct grown *g;

		if (c->n_items == BLOCKS_MAX)
			return NULL;
		c->n_items++;
		g = mem_zalloc(sizeof *g);
		*g = (struct grown){ .next = *place, .text = buf_make(c->max_bytes), .part = part };
		*place = g;
	}
	return &(*place)->text;
}

static bool add_citation(struct chat_collector *c, struct item *i, const struct chat_citation *from)
{
	struct chat_citation **end = &i->block->citations;

	while (*end)
		end = &(*end)->next;
	*end = chat_citation_copy(&c->arena, from);
	return *end != NULL;
}

static bool add_opaque(struct chat_collector *c, struct item *i, const struct chat_opaque *o)
{
	struct chat_opaque *to = &i->block->opaque;

	if (o->maker)
		to->maker = o->maker;
	if (o->id.p && !to->id.p) {
		to->id = o->id;
		if (!copy_text(&c->arena, &to->id))
			return false;
	}
	if (o->bytes.p && !to->bytes.p)
		to->bytes = JSTR("");    /* there is one, even if it is empty */
	return grow(c, &i->opaque, jstr_raw(o->bytes));
}

/* Arrays: what is inside of them goes on. */
static bool add_logprobs(struct chat_collector *c, uint32_t choice, struct str raw)
{
	struct choice *ch = choice_at(c, choice);

	raw = str_trim(raw);
	if (!ch || raw.n < 2)
		return ch != NULL;
	if (raw.p[0] == '[')
		raw = str_trim(str_slice(raw, 1, raw.n - 1));
	if (raw.n == 0)
		return true;
	return (ch->logprobs.n == 0 || grow(c, &ch->logprobs, STR(","))) && grow(c, &ch->logprobs, raw);
}

static bool on_delta(struct chat_collector *c, const struct chat_event *e)
{
	const struct chat_delta *d = &e->delta;
	struct item *i = find_item(c, e->block);
	struct buf *part;

	if (!i)
		return true;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT:
	case DELTA_ARGS:
	case DELTA_DATA:
		return grow(c, &i->text, jstr_raw(d->text));
	case DELTA_SUMMARY:
		part = part_text(c, i, d->part);
		return part && grow(c, part, jstr_raw(d->text));
	case DELTA_OPAQUE:
		return add_opaque(c, i, &d->opaque);
	case DELTA_CITATION:
		return !d->citation || add_citation(c, i, d->citation);
	case DELTA_TRANSCRIPT:
		return grow(c, &i->transcript, jstr_raw(d->text));
	case DELTA_LOGPROBS:
		return add_logprobs(c, i->choice, d->raw);
	case DELTA_RAW:
		return true;             /* the block's own text comes with its end */
	}
	return true;
}

static bool take_text(struct chat_collector *c, struct jstr *to, struct jstr from)
{
	if (!from.p || jstr_eq(*to, from))
		return true;
	*to = from;
	return copy_text(&c->arena, to);
}

/* What was learnt last. Texts that came by deltas stay. */
static bool learn(struct chat_collector *c, struct item *i, const struct chat_block *last)
{
	struct chat_block *b = i->block, *copy = chat_block_copy(&c->arena, last);

	if (!copy)
		return false;
	if (last->opaque.bytes.p) {
		c->bytes -= i->opaque.n;
		buf_clear(&i->opaque);
		if (!add_opaque(c, i, &last->opaque))
			return false;
	}
	if (i->text.n == 0 && !begin_texts(c, i, &(struct chat_block){ .kind = last->kind, .text = last->text,
	                                           .args.text = last->args.text, .media = last->media }))
		return false;
	if (copy->raw.n)
		b->raw = copy->raw;
	if (copy->args.json.p)
		b->args.json = copy->args.json;
	if (copy->citations && !b->citations)
		b->citations = copy->citations;
	if (copy->blocks && !i->parts)
		b->blocks = copy->blocks;
	if (copy->extras)
		b->extras = copy->extras;
	if (copy->media && !b->media)
		b->media = copy->media;
	b->redacted |= last->redacted;
	return take_text(c, &b->id, last->id) && take_text(c, &b->name, last->name) &&
	       take_text(c, &b->item_id, last->item_id);
}

static bool on_close(struct chat_collector *c, const struct chat_event *e)
{
	struct item *i = find_item(c, e->block);

	if (!i)
		return true;
	i->open = false;
	c->recent = NULL;
	return !e->open || learn(c, i, e->open);
}

static bool on_finish(struct chat_collector *c, const struct chat_event *e)
{
	struct choice *ch = choice_at(c, e->choice);

	if (!ch)
		return false;
	ch->out.finish = e->finish;
	return chat_finish_copy(&c->arena, &ch->out.finish);
}

bool chat_collector_add(struct chat_collector *c, const struct chat_event *e)
{
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START:
		return on_start(c, e);
	case EVENT_OPEN:
		return on_open(c, e);
	case EVENT_DELTA:
		return on_delta(c, e);
	case EVENT_CLOSE:
		return on_close(c, e);
	case EVENT_FINISH:
		return on_finish(c, e);
	case EVENT_USAGE:
		c->response.usage = e->usage;
		return true;
	case EVENT_END:
	case EVENT_PING:
	case EVENT_ERROR:
		return true;
	}
	return true;
}

static struct jstr buf_text(const struct buf *b)
{
	return jstr_of(b->n ? b->p : "", b->n);
}

/* A text becomes the block's where there is one, or where its kind always has one. */
static bool finish_block(struct chat_collector *c, struct item *i)
{
	struct chat_block *b = i->block;
	struct chat_block **end = &b->blocks;

	b->next = NULL;
	if (b->kind == CHAT_TOOL_CALL && (i->text.n || !b->args.json.p))
		b->args.text = buf_text(&i->text);
	else if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL || (b->kind == CHAT_REASONING && i->text.n))
		b->text = buf_text(&i->text);
	if (b->media && i->text.n)
		b->media->data = buf_text(&i->text);
	if (b->media && i->transcript.n)
		b->media->transcript = buf_text(&i->transcript);
	if (b->opaque.bytes.p)
		b->opaque.bytes = buf_text(&i->opaque);
	if (i->parts)
		*end = NULL;
	for (struct grown *g = i->parts; g; g = g->next) {
		struct chat_block *part = chat_block_add(&c->arena, &end, CHAT_TEXT);

		if (!part)
			return false;
		part->text = buf_text(&g->text);
	}
	return true;
}

static void finish_logprobs(struct choice *ch, struct arena *a)
{
	char *p;

	if (ch->logprobs.n == 0)
		return;
	p = arena_alloc(a, ch->logprobs.n + 2);
	if (!p)
		return;
	p[0] = '[';
	put_str(p + 1, buf_str(&ch->logprobs));
	p[ch->logprobs.n + 1] = ']';
	ch->out.logprobs = str_of(p, ch->logprobs.n + 2);
}

const struct chat_response *chat_collector_response(struct chat_collector *c)
{
	struct chat_output **outputs = &c->response.outputs;
	struct chat_block **end[CHOICES_MAX];

	for (uint32_t k = 0; k < c->n_choices; k++) {
		struct choice *ch = &c->choices[k];

		ch->out.blocks = NULL;
		ch->out.next = NULL;
		end[k] = &ch->out.blocks;
		finish_logprobs(ch, &c->arena);
		*outputs = &ch->out;
		outputs = &ch->out.next;
	}
	for (struct item *i = c->items; i; i = i->next) {
		if (!i->block || !finish_block(c, i))
			break;
		*end[i->choice] = i->block;
		end[i->choice] = &i->block->next;
	}
	return &c->response;
}

/* ---- an answer into events ---- */

static struct chat_event *delta(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t block,
                                enum chat_delta_kind kind, struct jstr text)
{
	struct chat_event *e = chat_delta_add(a, out, block, kind, text);

	if (e)
		e->choice = choice;
	return e;
}

static bool give_opaque(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t block,
                        const struct chat_opaque *o)
{
	struct chat_event *e;

	if (!o->bytes.p)
		return true;
	e = delta(a, out, choice, block, DELTA_OPAQUE, (struct jstr){ 0 });
	if (e)
		e->delta.opaque = *o;
	return e != NULL;
}

static bool give_texts(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t block,
                       const struct chat_block *b)
{
	struct jstr args;
	uint32_t part = 0;
	struct chat_event *e;

	if (b->kind == CHAT_TOOL_CALL) {
		args = chat_args_text(a, &b->args);
		return args.p && (args.n == 0 || delta(a, out, choice, block, DELTA_ARGS, args));
	}
	for (const struct chat_block *p = b->kind == CHAT_REASONING ? b->blocks : NULL; p; p = p->next, part++) {
		if (!delta(a, out, choice, block, DELTA_SUMMARY, p->text))
			return false;
		out->last->delta.part = part;
	}
	if (b->text.n && !delta(a, out, choice, block, DELTA_TEXT, b->text))
		return false;
	if (b->kind == CHAT_AUDIO && b->media && b->media->transcript.n &&
	    !delta(a, out, choice, block, DELTA_TRANSCRIPT, b->media->transcript))
		return false;
	for (const struct chat_citation *c = b->citations; c; c = c->next) {
		e = delta(a, out, choice, block, DELTA_CITATION, (struct jstr){ 0 });
		if (!e)
			return false;
		e->delta.citation = c;
	}
	return true;
}

/* The logprobs go with the first text. */
static bool give_logprobs(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t block, struct str raw)
{
	struct chat_event *e = delta(a, out, choice, block, DELTA_LOGPROBS, (struct jstr){ 0 });

	if (e)
		e->delta.raw = raw;
	return e != NULL;
}

static bool give_block(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t block,
                       const struct chat_block *b, struct str logprobs)
{
	struct chat_block *open = arena_alloc(a, sizeof *open);
	struct chat_event *e = chat_event_add(a, out, EVENT_OPEN);

	if (!open || !e)
		return false;
	*open = *b;
	open->next = NULL;
	open->text = open->args.text = (struct jstr){ 0 };
	open->args.json = (struct str){ 0 };
	open->opaque = (struct chat_opaque){ 0 };
	open->citations = NULL;
	if (b->kind == CHAT_REASONING)
		open->blocks = NULL;
	if (b->kind == CHAT_AUDIO && b->media && b->media->transcript.n) {
		open->media = arena_alloc(a, sizeof *open->media);
		if (!open->media)
			return false;
		*open->media = *b->media;
		open->media->transcript = (struct jstr){ 0 };
	}
	e->choice = choice;
	e->block = block;
	e->open = open;
	if (!give_texts(a, out, choice, block, b) || !give_opaque(a, out, choice, block, &b->opaque) ||
	    (logprobs.n && !give_logprobs(a, out, choice, block, logprobs)))
		return false;
	e = chat_event_add(a, out, EVENT_CLOSE);
	if (!e)
		return false;
	e->choice = choice;
	e->block = block;
	return true;
}

static bool give_output(struct arena *a, struct chat_events *out, uint32_t choice, uint32_t *block,
                        const struct chat_output *o)
{
	struct str logprobs = o->logprobs;

	for (const struct chat_block *b = o->blocks; b; b = b->next, ++*block) {
		bool takes = b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL;

		if (!give_block(a, out, choice, *block, b, takes ? logprobs : (struct str){ 0 }))
			return false;
		if (takes)
			logprobs = (struct str){ 0 };
	}
	return true;
}

bool chat_response_events(struct arena *a, const struct chat_response *r, struct chat_events *out)
{
	struct chat_event *e = chat_event_add(a, out, EVENT_START);
	uint32_t choice = 0, block = 0;

	if (!e)
		return false;
	e->start.id = r->id;
	e->start.model = r->model;
	e->start.service_tier = r->service_tier;
	e->start.fingerprint = r->fingerprint;
	e->start.created_s = r->created_s;
	for (const struct chat_output *o = r->outputs; o; o = o->next)
		if (!give_output(a, out, choice++, &block, o))
			return false;
	choice = 0;
	for (const struct chat_output *o = r->outputs; o; o = o->next) {
		if (!(e = chat_event_add(a, out, EVENT_FINISH)))
			return false;
		e->choice = choice++;
		e->finish = o->finish;
	}
	if (r->usage.source != USAGE_NONE) {
		if (!(e = chat_event_add(a, out, EVENT_USAGE)))
			return false;
		e->usage = r->usage;
	}
	return chat_event_add(a, out, EVENT_END) != NULL;
}
