/* SPDX-License-Identifier: Apache-2.0 */
/* world: virtual time, what happens in it, and the servers. */
#ifndef SLUICE_BENCH_SIM_WORLD_H
#define SLUICE_BENCH_SIM_WORLD_H

#include "sim/sim.h"

/* ---- chance: a function of its arguments, never of the order of the questions ---- */

uint64_t chance(uint64_t seed, uint64_t what, uint64_t which);
double chance_unit(uint64_t seed, uint64_t what, uint64_t which);        /* (0, 1) */
double chance_exponential(uint64_t seed, uint64_t what, uint64_t which); /* mean 1 */
double chance_normal(uint64_t seed, uint64_t what, uint64_t which);

/* ---- what is to happen ---- */

struct event {
	uint64_t at_us, number; /* those of one moment in the order in which they were planned */
	void (*happen)(void *what, unsigned part, uint32_t gen);
	void *what;
	unsigned part;
	uint32_t gen; /* `happen` compares it: what was cancelled finds another one */
};
struct agenda {
	struct event *heap;
	unsigned n, cap;
	uint64_t number;
};
void agenda_add(struct agenda *, const struct event *);
bool agenda_take(struct agenda *, struct event *out); /* false: nothing is left */

/* ---- servers ---- */

struct server {
	const struct sim_server *is;
	unsigned index, in_flight;
	uint64_t minute, in_minute; /* of its own limit */
};

enum reply_kind {
	REPLY_GOOD,
	REPLY_REFUSED,
	REPLY_NO_CONNECTION,
	REPLY_SILENCE,
	REPLY_500,
	REPLY_429,
	REPLY_CUT,
	REPLY_ERROR_EVENT
};
struct reply {
	enum reply_kind kind;
	uint64_t after_us;  /* until the first event, or the failure is seen; the timeouts are the caller's */
	uint64_t answer_us; /* a good one: from the first event to the end */
	unsigned retry_after_s;
};

bool server_is_dead(const struct server *, double now_s);
/* `call` makes its chance its own: the request's number, and which of its calls. */
struct reply server_ask(struct server *, uint64_t seed, uint64_t call, uint64_t now_us, unsigned output_tokens);

#endif
