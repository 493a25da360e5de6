/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer: the heap of a loop's running timers; only loop.c uses it, everybody else sees timer_start and timer_cancel of
 * loop.h. Moving a running timer to a later time, which is what deadlines do at each sign of life, only writes due_ms:
 * the heap keeps the earlier time and finds out when that is reached.
 */
#ifndef SLUICE_NET_TIMER_H
#define SLUICE_NET_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timer;

struct timer_heap {
	struct timer_heap_entry { uint64_t key_ms; struct timer *timer; } *entries;
	size_t n, cap;
};

void timer_heap_fini(struct timer_heap *);
void timer_heap_set(struct timer_heap *, struct timer *, uint64_t due_ms);
void timer_heap_remove(struct timer_heap *, struct timer *);     /* also if it is not running */
/* The first timer due at `now_ms`, taken out; NULL: none. */
struct timer *timer_heap_take_due(struct timer_heap *, uint64_t now_ms);
/* No timer is due before this; UINT64_MAX: none runs. May be too early by moves to later times, never too late. */
uint64_t timer_heap_next(const struct timer_heap *);

#endif
