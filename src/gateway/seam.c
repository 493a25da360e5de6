/* SPDX-License-Identifier: Apache-2.0 */
/* seam: one stream out of two. */
#include "gateway/seam.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"

#define BLOCKS_MAX 4096                  /* of the later call, open at once */

/* A block of the later call that is open. */
struct joined {
	uint32_t from, to;               /* its number there, and for the client */
	bool hidden;
	bool unopened;                   /* a further text, which the client sees when there is something in it */
	bool shifted;                    /* goes on with a text: what counts its characters begins further on */
};

struct seam {
	char *text;                      /* that the client has; NULL once nothing is looked for any more */
	size_t n;
	struct buf held;                 /* of the later text, escaped, while it is looked at */
	uint32_t *alive;                 /* where in `text` what is held may begin */
	unsigned n_alive;
	size_t seen, cut;                /* plain bytes looked at; of them to be cut out */
	bool white;                      /* `text` is white space that may come again */
	bool looking;                    /* the text has not begun, or is being looked at */
	bool has_looked_at;
	uint32_t looked_at;              /* the later call's block */
	int64_t chars;                   /* of the text so far, without what was cut out of the later one */

	bool hide_thoughts;              /* there is text already */
	struct seam_block open[SEAM_OPEN_MAX];
	unsigned n_open;
	uint32_t next_block;
	struct joined *joined;
	unsigned n_joined;
	struct usage before;
};

static bool is_inside_char(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

static int64_t chars_of(struct str s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += !is_inside_char(s.p[i]);
	return n;
}

/* ---- what is repeated ---- */

/* Every place where a repeated end may begin: near the end, and at the very beginning. */
static void find_places(struct seam *s)
{
	size_t from = s->n > SEAM_LOOK_BACK ? s->n - SEAM_LOOK_BACK : 0;

	s->alive = mem_alloc((s->n - from + 2) * sizeof *s->alive);
	if (from > 0)
		s->alive[s->n_alive++] = 0;
	for (size_t i = from; i < s->n; i++)
		if (!is_inside_char(s->text[i]))
			s->alive[s->n_alive++] = (uint32_t)i;
}

struct seam *seam_new(const struct seam_start *o)
{
	struct seam *s = mem_zalloc(sizeof *s);
	struct str what = o->prefilled ? o->white : o->text;

	assert(o->n_open <= SEAM_OPEN_MAX);
	s->white = o->prefilled;
	s->looking = what.n > 0 && what.n < UINT32_MAX;
	s->hide_thoughts = o->hide_thoughts;
	s->n_open = o->n_open;
	memcpy(s->open, o->open, sizeof s->open);
	s->next_block = o->next_block;
	s->before = o->before;
	s->chars = chars_of(o->text);
	if (!s->looking)
		return s;
	s->text = mem_dup(what.p, what.n);
	s->n = what.n;
	s->held = buf_make(8 * what.n + (1u << 20));
	if (!s->white)
		find_places(s);
	return s;
}

static void stop_looking(struct seam *s)
{
	free(s->text);
	free(s->alive);
	s->text = NULL;
	s->alive = NULL;
	s->n_alive = 0;
	s->looking = false;
}

void seam_free(struct seam *s)
{
	if (!s)
		return;
	stop_looking(s);
	buf_fini(&s->held);
	free(s->joined);
	free(s);
}

/* Is it one thing several times? (By its shortest period: Knuth, Morris, Pratt.) */
static bool is_repetition(struct str s)
{
	uint32_t *border = mem_alloc(s.n * sizeof *border), k = 0;
	bool repeats;

	border[0] = 0;
	for (size_t i = 1; i < s.n; i++) {
		while (k > 0 && s.p[i] != s.p[k])
			k = border[k - 1];
		k += s.p[i] == s.p[k];
		border[i] = k;
	}
	repeats = s.n - k <= s.n / 2;
	free(border);
	return repeats;
}

/* May these last bytes of the text have been repeated by mistake? What stands there twice may be meant a third time. */
static bool is_mistake(const struct seam *s, size_t n)
{
	struct str end = str_of(s->text + s->n - n, n);

	if (chars_of(end) < SEAM_REPEAT_MIN || is_repetition(end))
		return false;
	return s->n < 2 * n || memcmp(end.p - n, end.p, n) != 0;
}

static void look_at_char(struct seam *s, char c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->n_alive; i++) {
		size_t at = s->alive[i] + s->seen, n = s->n - s->alive[i];

		if (s->text[at] != c)
			continue;
		if (at + 1 < s->n)
			s->alive[kept++] = s->alive[i];
		else if (n > s->cut && is_mistake(s, n))
			s->cut = n;
	}
	s->n_alive = kept;
	s->seen++;
}

/* False: all is known, and what is behind `cut` may go. */
static bool look(struct seam *s, struct str plain)
{
	for (size_t i = 0; i < plain.n; i++) {
		if (s->white) {
			if (s->cut == s->n || plain.p[i] != s->text[s->cut])
				return false;
			s->cut++;
		} else {
			if (s->n_alive == 0)
				return false;
			look_at_char(s, plain.p[i]);
		}
	}
	return s->white ? s->cut < s->n : s->n_alive > 0;
}

/* What was held, without what was repeated; absent: the arena is full. */
static struct jstr take_held(struct seam *s, struct arena *a)
{
	struct str held = arena_dup(a, buf_str(&s->held)), plain;
	struct jstr out = jstr_of(held.p, held.n);

	if (s->held.n == 0)
		out = JSTR("");
	else if (held.p && s->cut > 0) {
		plain = jstr_plain(a, out);
		s->chars -= chars_of(str_slice(plain, 0, s->cut));
		out = plain.p ? jstr_from(a, str_slice(plain, s->cut, plain.n)) : (struct jstr){ 0 };
	}
	buf_fini(&s->held);
	stop_looking(s);
	return out;
}

/* ---- events ---- */

static void put(struct chat_events *out, struct chat_event *e)
{
	e->next = NULL;
	if (out->last)
		out->last->next = e;
	else
		out->first = e;
	out->last = e;
}

static struct joined *find(struct seam *s, uint32_t block)
{
	for (unsigned i = 0; i < s->n_joined; i++)
		if (s->joined[i].from == block)
			return &s->joined[i];
	return NULL;
}

static bool put_text(struct seam *s, struct arena *a, struct joined *j, struct jstr text, struct chat_events *out)
{
	static const struct chat_block block = { .kind = CHAT_TEXT };
	struct chat_event *e;

	if (!text.p || text.n == 0)
		return text.p != NULL;
	if (j->unopened) {
		e = chat_event_add(a, out, EVENT_OPEN);
		if (!e)
			return false;
		j->unopened = false;
		e->block = j->to = s->next_block++;
		e->open = &block;
	}
	return chat_delta_add(a, out, j->to, DELTA_TEXT, text) != NULL;
}

static struct joined *add(struct seam *s, uint32_t block)
{
	if (s->n_joined == BLOCKS_MAX)
		return NULL;
	s->joined = mem_realloc(s->joined, (s->n_joined + 1) * sizeof *s->joined);
	s->joined[s->n_joined] = (struct joined){ .from = block };
	return &s->joined[s->n_joined++];
}

/* Ends what the earlier call left open. */
static bool close_open(struct seam *s, struct arena *a, struct chat_events *out)
{
	for (unsigned i = 0; i < s->n_open; i++) {
		struct chat_event *e = chat_event_add(a, out, EVENT_CLOSE);

		if (!e)
			return false;
		e->block = s->open[i].number;
	}
	s->n_open = 0;
	return true;
}

/* Nothing more comes of the text that is looked at. */
static bool settle(struct seam *s, struct arena *a, struct chat_events *out)
{
	struct joined *j = s->has_looked_at ? find(s, s->looked_at) : NULL;

	return !s->looking || !j || put_text(s, a, j, take_held(s, a), out);
}

static bool take_text(struct seam *s, struct arena *a, struct jstr text, struct joined *j, struct chat_events *out)
{
	struct str plain;

	if (text.n == 0)
		return true;
	if (!s->looking || !s->has_looked_at || s->looked_at != j->from)
		return put_text(s, a, j, text, out);
	plain = jstr_plain(a, text);
	if (!plain.p || !buf_append_jstr(&s->held, text))
		return false;
	return look(s, plain) || put_text(s, a, j, take_held(s, a), out);
}

/* The text that the client has seen begin; it is then no longer the seam's to close. */
static bool take_open_text(struct seam *s, uint32_t *number)
{
	for (unsigned i = 0; i < s->n_open; i++)
		if (s->open[i].kind == CHAT_TEXT) {
			*number = s->open[i].number;
			s->open[i] = s->open[--s->n_open];
			return true;
		}
	return false;
}

static bool on_open(struct seam *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	bool is_text = e->open->kind == CHAT_TEXT && e->choice == 0, goes_on;
	struct joined *j = add(s, e->block);
	struct jstr text = e->open->text;

	if (!j)
		return false;
	if (s->hide_thoughts && e->open->kind == CHAT_REASONING) {
		j->hidden = true;
		return true;
	}
	goes_on = is_text && take_open_text(s, &j->to);
	if (is_text && s->looking && !s->has_looked_at) {
		s->has_looked_at = true;
		s->looked_at = e->block;
	} else if (!is_text && s->looking && !s->has_looked_at) {
		stop_looking(s); /* something else comes first */
	}
	if (!close_open(s, a, out))
		return false;
	j->shifted = goes_on;
	j->unopened = !goes_on && is_text && s->hide_thoughts && !e->open->opaque.bytes.p;
	if (goes_on || j->unopened)
		return text.n == 0 || take_text(s, a, text, j, out);
	j->to = s->next_block++;
	e->block = j->to;
	put(out, e);
	return true;
}

/* Offsets into a text count from its beginning, which was another provider's. */
static bool shift_citation(const struct seam *s, struct arena *a, struct chat_event *e)
{
	struct chat_citation *c;

	if (!e->delta.citation || e->delta.citation->start < 0)
		return true;
	c = arena_alloc(a, sizeof *c);
	if (!c)
		return false;
	*c = *e->delta.citation;
	c->start += s->chars;
	c->end += c->end >= 0 ? s->chars : 0;
	c->raw = (struct str){ 0 };      /* which says it as well */
	e->delta.citation = c;
	return true;
}

static bool on_delta(struct seam *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	struct joined *j = find(s, e->block);

	if (!j || j->hidden)
		return true;
	if (e->delta.kind == DELTA_TEXT && (j->unopened || s->looking))
		return take_text(s, a, e->delta.text, j, out);
	if (s->has_looked_at && s->looked_at == e->block && !settle(s, a, out))
		return false;
	if (j->unopened)
		return true;
	if (j->shifted && e->delta.kind == DELTA_CITATION && !shift_citation(s, a, e))
		return false;
	e->block = j->to;
	put(out, e);
	return true;
}

static bool on_close(struct seam *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	struct joined *j = find(s, e->block);

	if (!j)
		return true;
	if (s->has_looked_at && s->looked_at == e->block && !settle(s, a, out))
		return false;
	if (!j->hidden && !j->unopened) {
		e->block = j->to;
		put(out, e);
	}
	*j = s->joined[--s->n_joined];
	return true;
}

static bool take(struct seam *s, struct arena *a, struct chat_event *e, struct chat_events *out)
{
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START:
		return true;
	case EVENT_OPEN:
		return on_open(s, a, e, out);
	case EVENT_DELTA:
		return on_delta(s, a, e, out);
	case EVENT_CLOSE:
		return on_close(s, a, e, out);
	case EVENT_FINISH:
	case EVENT_END:
		if (!settle(s, a, out) || !close_open(s, a, out))
			return false;
		break;
	case EVENT_USAGE: {
		struct usage sum = s->before;

		usage_add(&sum, &e->usage);
		e->usage = sum;
		break;
	}
	case EVENT_PING:
	case EVENT_ERROR:
		break;
	}
	put(out, e);
	return true;
}

bool seam_events(struct seam *s, struct arena *a, struct chat_events *in_out)
{
	struct chat_events out = { 0 };

	for (struct chat_event *e = in_out->first, *next; e; e = next) {
		next = e->next;
		if (!take(s, a, e, &out))
			return false;
	}
	*in_out = out;
	return true;
}
