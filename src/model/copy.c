/* SPDX-License-Identifier: Apache-2.0 */
/* copy: blocks of the neutral model into another arena, for those who keep them longer than their bytes live. */
#include "base/arena.h"
#include "model/chat.h"

static bool copy_bytes(struct arena *a, const char **p, size_t n)
{
	char *to;

	if (!*p)
		return true;
	to = arena_alloc(a, n + 1);
	if (!to)
		return false;
	memcpy(to, *p, n);
	*p = to;
	return true;
}

static bool copy_str(struct arena *a, struct str *s)
{
	return copy_bytes(a, &s->p, s->n);
}
static bool copy_text(struct arena *a, struct jstr *s)
{
	return copy_bytes(a, &s->p, s->n);
}

static bool copy_media(struct arena *a, struct chat_block *b)
{
	struct chat_media *m = arena_alloc(a, sizeof *m);

	if (!m)
		return false;
	*m = *b->media;
	b->media = m;
	return copy_text(a, &m->data) && copy_text(a, &m->type) && copy_text(a, &m->name) && copy_text(a, &m->title) &&
	       copy_text(a, &m->context) && copy_text(a, &m->detail) && copy_text(a, &m->transcript) &&
	       copy_text(a, &m->id);
}

static bool copy_extras(struct arena *a, struct chat_extra **list)
{
	for (; *list; list = &(*list)->next) {
		struct chat_extra *x = arena_alloc(a, sizeof *x);

		if (!x)
			return false;
		*x = **list;
		*list = x;
		if (!copy_text(a, &x->name) || !copy_str(a, &x->raw))
			return false;
	}
	return true;
}

static bool copy_citations(struct arena *a, struct chat_citation **list)
{
	for (; *list; list = &(*list)->next) {
		struct chat_citation *c = chat_citation_copy(a, *list);

		if (!c)
			return false;
		c->next = (*list)->next;
		*list = c;
	}
	return true;
}

struct chat_citation *chat_citation_copy(struct arena *a, const struct chat_citation *from)
{
	struct chat_citation *c = arena_alloc(a, sizeof *c);

	if (!c)
		return NULL;
	*c = *from;
	c->next = NULL;
	return copy_text(a, &c->url) && copy_text(a, &c->title) && copy_text(a, &c->quote) && copy_str(a, &c->raw)
	               ? c
	               : NULL;
}

static bool copy_blocks(struct arena *a, struct chat_block **list)
{
	for (; *list; list = &(*list)->next) {
		struct chat_block *b = chat_block_copy(a, *list);

		if (!b)
			return false;
		b->next = (*list)->next;
		*list = b;
	}
	return true;
}

bool chat_opaque_copy(struct arena *a, struct chat_opaque *o)
{
	return copy_text(a, &o->bytes) && copy_text(a, &o->id);
}

bool chat_delta_copy(struct arena *a, struct chat_delta *d)
{
	if (d->citation && !(d->citation = chat_citation_copy(a, d->citation)))
		return false;
	return copy_text(a, &d->text) && copy_str(a, &d->raw) && chat_opaque_copy(a, &d->opaque);
}

bool chat_finish_copy(struct arena *a, struct chat_finish *f)
{
	return copy_text(a, &f->sequence) && copy_text(a, &f->raw) && copy_str(a, &f->detail);
}

/* Blocks hold blocks at most two deep: a result's, a thought's summary. */
struct chat_block *chat_block_copy(struct arena *a, const struct chat_block *from)
{
	struct chat_block *b = arena_alloc(a, sizeof *b);

	if (!b)
		return NULL;
	*b = *from;
	b->next = NULL;
	if (!copy_text(a, &b->text) || !copy_text(a, &b->id) || !copy_text(a, &b->name) || !copy_text(a, &b->item_id) ||
	    !copy_text(a, &b->args.text) || !copy_str(a, &b->args.json) || !copy_str(a, &b->raw) ||
	    !chat_opaque_copy(a, &b->opaque))
		return NULL;
	if ((b->media && !copy_media(a, b)) || !copy_blocks(a, &b->blocks) || !copy_citations(a, &b->citations) ||
	    !copy_extras(a, &b->extras))
		return NULL;
	return b;
}
