/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission: when every deployment of a model is at its limits (rpm, tpm, max_parallel), requests wait here for room
 * instead of being refused: fairly between keys, by weight and priority class, in a queue with a ceiling and a
 * deadline.
 *
 * Start-time fair queueing (Goyal, Vin, Cheng 1996): each request gets a virtual start and finish by its key's weight
 * and its size in tokens; the smallest start is next. Higher priority classes go first. A key that floods only makes
 * its own queue longer.
 *
 * One queue for each model, shared by all loops; a short lock of its own. A ticket is inside its request and is woken
 * through the function given with it, on any thread: the gateway sends that to the request's loop.
 */
#ifndef SLUICE_ROUTE_ADMISSION_H
#define SLUICE_ROUTE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct admission;                        /* one queue; found by the model's name, never freed, bounded in number */

struct admission *admission_of(struct str model);

struct admission_ticket {
	struct admission *queue;         /* NULL: not waiting */
	struct admission_ticket *next, *prev;
	uint64_t key;                    /* whose share it comes out of: a hash of the key's id */
	uint32_t weight, tokens;         /* weight: 1 and more */
	uint8_t class;                   /* 0: first */
	uint64_t start, finish;          /* virtual */
	void (*wake)(struct admission_ticket *);  /* it may be its turn; any thread, must not call back in place */
};

enum admission_turn {
	ADMISSION_GO,                    /* nobody is before it: try the limits */
	ADMISSION_WAIT,                  /* others are; it is woken */
	ADMISSION_FULL,                  /* the queue is at its ceiling */
};
/* Joins, or asks again. `queue_max`: requests that may wait. */
MUST_USE enum admission_turn admission_ask(struct admission *, struct admission_ticket *, unsigned queue_max);
/* It went through the limits, or gave up: leaves, and the next one is woken. Always allowed. */
void admission_leave(struct admission_ticket *, bool admitted);
/* Room may have come (a call ended): the first one is woken. Cheap when nobody waits. */
void admission_room(struct admission *);
unsigned admission_waiting(const struct admission *);

#endif
