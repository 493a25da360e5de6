/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_in: a deployment's health as its own files see it. health_registry.c: which there are, and who is told of
 * changes; health.c: who is in or out; health_limits.c: windows of requests and tokens; health_figures.c: how fast it
 * is.
 *
 * What is marked atomic is read and counted without the lock. All else belongs to the lock.
 */
#ifndef SLUICE_ROUTE_HEALTH_IN_H
#define SLUICE_ROUTE_HEALTH_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "route/health.h"

#define RELAXED memory_order_relaxed

/* A tick is 1.024 s, so that it is a shift. So many of them, with the one under way, hold any 60 s. */
#define TICK_BITS    10
#define WINDOW_TICKS 60u
#define WINDOW_RING  64u
_Static_assert(((WINDOW_TICKS - 1) << TICK_BITS) >= 60000 && WINDOW_TICKS <= WINDOW_RING, "sixty seconds fit");

/* The share of failures: the window in so many parts. */
#define SHARE_PARTS 16u

enum breaker { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF };

struct health_histograms;

/* A mean whose samples lose weight with time. */
struct health_mean {
	_Atomic float mean, weight;
	_Atomic uint64_t seen_ms;        /* 0: never */
};

struct health {
	/* what every call reads and counts */
	_Atomic uint32_t look;           /* not 0: it may be out, look closer */
	_Atomic uint32_t in_flight;
	_Atomic uint32_t tick;           /* of the windows: the one under way */
	_Atomic uint32_t failed_in_row;
	_Atomic uint64_t share_end_ms;   /* of the part under way of the share's window */
	_Atomic uint32_t share_good;     /* in it */
	_Atomic uint64_t requests, tokens;       /* of the minute */
	struct health_mean first_byte, per_token;        /* microseconds */
	struct health_histograms *_Atomic histograms;    /* NULL: no answer yet */

	/* in or out: changed under the lock, read without */
	_Atomic uint32_t breaker;        /* enum breaker */
	_Atomic uint32_t why;            /* enum health_why of the cooldown */
	_Atomic bool probing;            /* a call is under way that is to show whether it works */
	_Atomic uint64_t open_until_ms, cool_until_ms;   /* 0: not */
	_Atomic uint64_t outage_ms;      /* when it was last taken out; 0: never */
	uint64_t probed_ms;              /* health_take_probe said yes */
	uint64_t last_resort_ms;         /* when it was last tried while it was broken; 0: not since it opened */
	uint32_t probes_good;
	uint32_t share_bad;
	unsigned share_at;
	struct { uint64_t end_ms; uint32_t good, bad; } share[SHARE_PARTS];

	_Atomic uint32_t requests_of[WINDOW_RING];       /* by tick */
	_Atomic uint64_t tokens_of[WINDOW_RING];

	pthread_mutex_t lock;

	/* what it is called; never changes */
	struct health *next, *chain;
	struct str name;
	size_t provider_n;               /* of the name */
	bool shared;                     /* of all that came after HEALTH_MAX */
	_Atomic bool configured;
};

/* health_registry.c */
void health_tell(const struct health_event *);
bool health_why_alarms(enum health_why);     /* somebody has to mend it */

/* health.c: how long a failure cools; retry_after_ms: -1: it did not say. */
uint64_t health_cool_ms(const struct cooldown_settings *, int64_t retry_after_ms);

/* health_limits.c */
/* Under the lock: begins a new tick, which happens once in it. */
NOINLINE void health_roll(struct health *, uint64_t now_ms);
/* Counts at `now_ms`. */
static ALWAYS_INLINE uint32_t health_tick(struct health *h, uint64_t now_ms)
{
	uint32_t tick = (uint32_t)(now_ms >> TICK_BITS), at = atomic_load_explicit(&h->tick, RELAXED);

	if (unlikely(tick > at)) {
		health_roll(h, now_ms);
		at = tick;
	}
	return at; /* another thread's clock may be ahead */
}

/* health_figures.c */
void health_figures_good(struct health *, uint32_t first_byte_us, bool stream, uint64_t now_ms);
void health_figures_done(struct health *, uint32_t output_tokens, uint32_t took_us, uint64_t now_ms);
/* `ticks` have gone by. */
void health_figures_fade(struct health *, uint32_t ticks);
void health_figures_forget(struct health *);

#endif
