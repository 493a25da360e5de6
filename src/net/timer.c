/* SPDX-License-Identifier: Apache-2.0 */
/* timer: a binary heap with lazy moves to later times. */
#include "net/timer.h"

#include <stdlib.h>

#include "base/mem.h"

static void put(struct timer_heap *h, size_t i, struct timer_heap_entry e)
{
	h->entries[i] = e;
	e.timer->slot = (uint32_t)i + 1;
}

static void sift_up(struct timer_heap *h, size_t i, struct timer_heap_entry e)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (h->entries[parent].key_ms <= e.key_ms)
			break;
		put(h, i, h->entries[parent]);
		i = parent;
	}
	put(h, i, e);
}

static void sift_down(struct timer_heap *h, size_t i, struct timer_heap_entry e)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->entries[child + 1].key_ms < h->entries[child].key_ms)
			child++;
		if (h->entries[child].key_ms >= e.key_ms)
			break;
		put(h, i, h->entries[child]);
		i = child;
	}
	put(h, i, e);
}

static void place(struct timer_heap *h, size_t i, struct timer_heap_entry e)
{
	if (i > 0 && h->entries[(i - 1) / 2].key_ms > e.key_ms)
		sift_up(h, i, e);
	else
		sift_down(h, i, e);
}

void timer_heap_fini(struct timer_heap *h)
{
	free(h->entries);
	*h = (struct timer_heap){ 0 };
}

void timer_heap_place(struct timer_heap *h, struct timer *t, uint64_t due_ms)
{
	t->due_ms = due_ms;
	if (t->slot != 0) {
		size_t i = t->slot - 1;

		assert(i < h->n && h->entries[i].timer == t);
		if (due_ms < h->entries[i].key_ms)
			sift_up(h, i, (struct timer_heap_entry){ due_ms, t });
		return;
	}
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->entries = mem_realloc(h->entries, h->cap * sizeof *h->entries);
	}
	h->n++;
	sift_up(h, h->n - 1, (struct timer_heap_entry){ due_ms, t });
}

void timer_heap_remove(struct timer_heap *h, struct timer *t)
{
	if (t->slot == 0)
		return;
	size_t i = t->slot - 1;

	assert(i < h->n && h->entries[i].timer == t);
	t->slot = 0;
	h->n--;
	if (i != h->n)
		place(h, i, h->entries[h->n]);
}

struct timer *timer_heap_take_due(struct timer_heap *h, uint64_t now_ms)
{
	while (h->n > 0 && h->entries[0].key_ms <= now_ms) {
		struct timer *t = h->entries[0].timer;

		if (t->due_ms <= now_ms) {
			timer_heap_remove(h, t);
			return t;
		}
		sift_down(h, 0, (struct timer_heap_entry){ t->due_ms, t });
	}
	return NULL;
}

uint64_t timer_heap_next(const struct timer_heap *h)
{
	return h->n > 0 ? h->entries[0].key_ms : UINT64_MAX;
}
