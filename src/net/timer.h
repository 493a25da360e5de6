/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer: the heap of a loop's running timers; only loop.c uses it, everybody else sees timer_start and timer_cancel of
 * loop.h. Moving a running timer to a later time, which is what deadlines do at each sign of life, only writes due_ms:
 * the heap keeps the earlier time and finds out when that is reached.
 */
#ifndef SLUICE_NET_TIMER_H
#define SLUICE_NET_TIMER_H

#include <assert.h>

#include "net/loop.h"

struct timer_heap {
	struct timer_heap_entry { uint64_t key_ms; struct timer *timer; } *entries;
	size_t n, cap;
};

void timer_heap_fini(struct timer_heap *);
/* Starts it, or moves it to an earlier time than its key in the heap. */
NOINLINE void timer_heap_place(struct timer_heap *, struct timer *, uint64_t due_ms);

static inline void timer_heap_set(struct timer_heap *h, struct timer *t, uint64_t due_ms)
{
	size_t i = (size_t)t->slot - 1;

	if (likely(i < h->n) && likely(h->entries[i].key_ms <= due_ms)) {
		assert(h->entries[i].timer == t);
		t->due_ms = due_ms;
	} else {
		timer_heap_place(h, t, due_ms);
	}
}

void timer_heap_remove(struct timer_heap *, struct timer *);     /* also if it is not running */
/* The first timer due at `now_ms`, taken out; NULL: none. */
struct timer *timer_heap_take_due(struct timer_heap *, uint64_t now_ms);
/* No timer is due before this; UINT64_MAX: none runs. May be too early by moves to later times, never too late. */
uint64_t timer_heap_next(const struct timer_heap *);

#endif
