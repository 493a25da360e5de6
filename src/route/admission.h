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
 * Limits by the minute: a window that is used up at once has no room for the rest of it, for nobody. So, once two
 * tenths of it are used, a key goes on at once only within its share of the last minute (route/shares.h); what is more
 * goes at the pace at which the rest of the window lasts.
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
	/* set by whoever asks, before the first time */
	uint64_t key;                    /* whose share it comes out of: a hash of the key's id */
	uint64_t set;                    /* a hash of the deployments that it may use */
	uint32_t weight, tokens;         /* both 1 and more */
	uint8_t class;                   /* 0: first */
	void (*wake)(struct admission_ticket *);  /* under the queue's lock, on any thread: it must not call back */
	/* the queue's */
	struct admission *queue;         /* NULL: it does not wait there */
	bool woken, joins, out;          /* it found no room, and waits for it; it had to give up its place */
	bool within;                     /* its key's share */
	uint32_t rooms;
	struct admission_flow *flow;
	struct admission_ticket *next, *prev;     /* of the same key */
};

/* What all deployments that may be used allow by the minute, together. All 0: nothing is limited so. */
struct admission_rate {
	uint64_t rpm, tpm;
	uint32_t pace_us;                /* for the next request; 0: it is too early to think of one */
};

enum admission_turn {
	ADMISSION_GO,                    /* look for room. It waits only if it asks again after admission_no_room */
	ADMISSION_WAIT,                  /* it is not next, and will be woken; or (wait_ms) it is next in so long */
	ADMISSION_FULL,                  /* the queue is at its ceiling, or the place went to a shorter line */
};
/* Goes on, joins, or asks again. `queue_max`: requests that may wait. *wait_ms: ask again after so long; 0: only when
 * woken. */
MUST_USE enum admission_turn admission_ask(struct admission *, struct admission_ticket *, unsigned queue_max,
                                           const struct admission_rate *, uint64_t now_us, uint32_t *wait_ms);
/* It was to look and found no room. True: it waits; one of another set may try, and it asks again when it is woken, or
 * after a time of its own. False: it has yet to join, so ask at once. */
MUST_USE bool admission_no_room(struct admission *, struct admission_ticket *);
/* It has begun: it is counted, leaves, and the next one is woken. */
void admission_begun(struct admission *, struct admission_ticket *, const struct admission_rate *, uint64_t now_us);
/* It gave up. Always allowed. */
void admission_leave(struct admission *, struct admission_ticket *);
/* Of a request with this plan: a hash of the deployments that it may use, now or when they are back. */
uint64_t admission_set(const struct plan *);
/* Of a request of that many tokens. */
struct admission_rate admission_rate(const struct plan *, uint32_t tokens, uint64_t now_ms);

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
