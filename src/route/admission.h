/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission: when every deployment of a model is at its limits (rpm, tpm, max_parallel), requests wait here for room
 * instead of being refused: fairly between keys, by weight and priority class, in a queue with a ceiling.
 *
 * Start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing", SIGCOMM 1996): each key is a flow; its first
 * request has a virtual start, which is the virtual finish of the key's request before it, or the queue's virtual time
 * if that is later; the smallest start is next. A finish is the start plus tokens by weight. A key that floods only
 * makes its own line longer; one that asks for less than its share is always next.
 *
 * Classes go one before the other, but a lower one that waits is owed a tenth of what those above it get, so that
 * nobody waits for ever.
 *
 * Only who is next may try; it goes on being next until it has begun or leaves. Requests may be allowed different
 * deployments (`set`): if the next one finds no room in its set, the first one of another set may try, so that nobody
 * waits behind somebody who waits for something else.
 *
 * Pace: a window of a minute that was used up at once has no room for the rest of it, for nobody. So, while others
 * wait, requests go one `pace_us` behind the other: the limit, spread evenly.
 *
 * One queue for each model, shared by all loops; a short lock of its own. A ticket is inside of its request's wait and
 * is woken through the function given with it, on any thread: the gateway sends that to the request's loop. What was
 * woken asks again. No wake-up is lost: whoever leaves, or finds no room, wakes the next.
 */
#ifndef SLUICE_ROUTE_ADMISSION_H
#define SLUICE_ROUTE_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define ADMISSION_CLASSES 3
#define ADMISSION_QUEUES_MAX 1024        /* further models share one */

struct admission;
struct admission_flow;
struct plan;

struct admission *admission_of(struct str model);        /* found or made; never freed; any thread */

struct admission_ticket {
	struct admission *queue;         /* NULL: not waiting */
	/* set by whoever asks, before the first time */
	uint64_t key;                    /* whose share it comes out of: a hash of the key's id */
	uint64_t set;                    /* a hash of the deployments that it may use */
	uint32_t weight, tokens;         /* both 1 and more */
	uint8_t class;                   /* 0: first */
	void (*wake)(struct admission_ticket *);  /* under the queue's lock, on any thread: it must not call back */
	/* the queue's */
	bool woken;
	uint32_t rooms;
	struct admission_flow *flow;
	struct admission_ticket *next, *prev;     /* of the same key */
};

enum admission_turn {
	ADMISSION_GO,                    /* it is next: look for room */
	ADMISSION_WAIT,                  /* it is not, and will be woken; or (wait_ms) it is next in so long */
	ADMISSION_FULL,                  /* the queue is at its ceiling */
};
/* Joins, or asks again. `queue_max`: requests that may wait. `pace_us`: see above; 0: none. *wait_ms: ask again after
 * so long; 0: only when woken. */
MUST_USE enum admission_turn admission_ask(struct admission *, struct admission_ticket *, unsigned queue_max,
                                           uint32_t pace_us, uint64_t now_us, uint32_t *wait_ms);
/* It was next and found no room: one of another set may try. It asks again when it is woken, or after a time of its
 * own. */
void admission_no_room(struct admission_ticket *);
/* It has begun, or gave up: leaves, and the next one is woken. Always allowed. */
void admission_leave(struct admission_ticket *, bool admitted, uint32_t pace_us, uint64_t now_us);
/* Of a request with this plan: a hash of the deployments that it may use, now or when they are back … */
uint64_t admission_set(const struct plan *);
/* … and its pace: one behind the other as their limits together allow, once half of each window is used. What comes
 * before that is a burst, as limits by the minute are meant to allow. */
uint32_t admission_pace_us(const struct plan *, uint32_t tokens, uint64_t now_ms);

unsigned admission_waiting(const struct admission *);

/* How many wait in all queues. */
extern _Atomic uint32_t admission_waiting_all;
static inline bool admission_anybody(void)
{
	return atomic_load(&admission_waiting_all) != 0;
}

/* Room may have come (a call ended): the next one of each queue is woken. A deployment may be of many models. Any
 * thread; nothing is done when nobody waits. */
void admission_room_now(void);
static inline void admission_room(void)
{
	if (unlikely(admission_anybody()))
		admission_room_now();
}

/* For tests and the simulator: all queues are as if new. Nobody may wait. */
void admission_forget_all(void);

#endif
