/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim: a world of providers and clients in virtual time, in which the gateway's own routing code decides. Plans, tries,
 * back-off, fallbacks, health, limits, hedging, affinity and the queue are the program's functions (src/route); what is
 * simulated are the clock, the network and what is at its other end.
 *
 * All that is random in the world (arrivals, latencies) comes from the seed alone: a request finds the same world
 * whatever the strategy. The program's own draws are seeded too (rand_seed), so that a run can be repeated byte by
 * byte.
 *
 *	struct sim_result r;
 *	sim_run(scenario, "latency", seed, &r);
 *	…r.errors, sim_percentile(&r, 0.99)…
 *	sim_free(&r);
 */
#ifndef SLUICE_BENCH_SIM_H
#define SLUICE_BENCH_SIM_H

#include <stdbool.h>
#include <stdint.h>

enum { SIM_SERVERS_MAX = 8, SIM_WINDOWS_MAX = 2, SIM_KEYS_MAX = 16 };

/* What is wrong with a server. */
enum sim_fault {
	SIM_WELL,
	SIM_REFUSES,                     /* connections */
	SIM_UNREACHABLE,                 /* connections are never answered */
	SIM_HANGS,                       /* takes the request and never answers */
	SIM_500,
	SIM_CUTS,                        /* ends the stream before its first event */
	SIM_ERROR_EVENT,                 /* 200, and an error in the stream */
	SIM_SLOW,                        /* all takes `factor` times as long */
	SIM_FAULTS
};

struct sim_window { double from_s, to_s; enum sim_fault fault; double factor; };

struct sim_server {
	const char *deployment;          /* "a/m" */
	double first_byte_ms, sigma;     /* lognormal: median, and the deviation of its logarithm */
	double tail_share, tail_factor;  /* so many answers take so many times as long */
	double tokens_second;
	unsigned rpm;                    /* its own limit: 429 with Retry-After; 0: none */
	unsigned slots;                  /* with more under way, all take longer in proportion; 0: never */
	struct sim_window windows[SIM_WINDOWS_MAX];
};

struct sim_scenario {
	const char *name, *what;
	/* The configuration's `models` and what follows, with "STRATEGY" where the strategy's name stands. Providers
	 * a to h are there. What is asked for is the model "m". */
	const char *config;
	struct sim_server servers[SIM_SERVERS_MAX];
	double seconds, per_second;      /* how long requests come, and how many; of conversations with `turns` */
	unsigned prompt_tokens, output_tokens;
	unsigned turns;                  /* 0: single requests */
	double think_s;                  /* between an answer and the next turn */
	unsigned keys;                   /* who ask alike; 0: one */
	double flood;                    /* key 0 asks so many times as much as each other */
	const char *watch;               /* the deployment that dies; NULL: none */
};

struct sim_result {
	uint64_t requests, errors, queue_refused;
	uint64_t calls, served;          /* upstream calls; answers that a client got */
	uint64_t limited;                /* calls that were answered by 429 */
	uint64_t hedges;
	int64_t cost_nusd;
	uint32_t *first_ms_us;           /* microseconds to the first byte, of each that was served; sorted */
	/* of the watched one */
	double opened_s, back_s;         /* first out after it died; in again, after it was well again. -1: never */
	uint64_t dead_requests;          /* requests that came while it was dead and out */
	uint64_t dead_calls;             /* calls to it meanwhile */
	/* of servers that are dead all at once: until all were taken out, and from then on while they were dead */
	uint64_t requests_before_out, calls_before_out, calls_after_out;
	uint64_t asked_by[SIM_KEYS_MAX], served_by[SIM_KEYS_MAX];
	uint64_t turns, turns_kept;      /* turns after the first, and those at the deployment of the turn before */
};

/* Aborts on a configuration that cannot be read. */
void sim_run(const struct sim_scenario *, const char *strategy, uint64_t seed, struct sim_result *);
void sim_free(struct sim_result *);
/* Milliseconds; share from 0 to 1. */
double sim_percentile(const struct sim_result *, double share);

/* Built in: scenarios.c. */
extern const struct sim_scenario sim_scenarios[];
extern const unsigned sim_n_scenarios;
const struct sim_scenario *sim_scenario_by_name(const char *); /* NULL: none */

#endif
