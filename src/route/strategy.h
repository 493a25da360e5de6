/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strategy: in which order the usable deployments of a model are tried. One record a strategy, all in one table
 * (strategies.c); a strategy of one's own is a function of this form and a row.
 *
 * A strategy is given candidates of one `order` and a list of their numbers, and puts the list in order, the best one
 * first. It may draw (base/rand); it reads no clock, allocates nothing, and may look things up through the ask. What it
 * does not know of a candidate never keeps that one out for good: it is drawn now and then, so that it comes to be
 * known. Pure but for that; any thread.
 *
 * Deployments of weight 0 are taken only when no other is left, whatever the strategy (but for `ordered`).
 */
#ifndef SLUICE_ROUTE_STRATEGY_H
#define SLUICE_ROUTE_STRATEGY_H

#include "route/plan.h"

struct strategy_call {
	struct plan_ask *ask;
	const struct route_model *model;
	const struct routing_settings *routing;
	const struct candidate *c; /* all that are usable; the list has their numbers */
	unsigned n_all;
};

/* Candidates are told apart by 8 bits, which lets a key and a number be one integer. */
_Static_assert(PLAN_GROUP_MAX <= 256, "a number is a byte");

/* Puts list[0 … n), n > 1, in order. False: it could not, and left the list as it was; the weights decide then. */
typedef bool strategy_fn(const struct strategy_call *, uint16_t *list, unsigned n);

struct strategy {
	const char *name; /* in the configuration */
	strategy_fn *order;
	unsigned looks; /* enum plan_look: what must be known of the request */
	bool whole;     /* is given candidates of all orders at once, and may mix them */
};

const struct strategy *strategy_of(enum strategy_setting);
const struct strategy *strategy_of_sort(enum wish_sort); /* not WISH_SORT_NONE */

/* ---- what strategies share ---- */

/* Puts those of weight 0 behind the others; the number of those before them. */
unsigned strategy_zeros_last(const struct strategy_call *, uint16_t *list, unsigned n);

/* Draws list[0], list[1] … each among those that are left, by the weights that stand beside (they are moved along). The
 * first STRATEGY_DRAWN of them; nobody comes to what lies behind those. */
enum { STRATEGY_DRAWN = 16 };
void strategy_draw(uint16_t *list, uint64_t *weight, unsigned n);
/* The same by the deployments' own weights. */
void strategy_draw_weights(const struct strategy_call *, uint16_t *list, unsigned n);

/* Ascending by key[i], which belongs to list[i]; the lowest 8 bits of a key do not count. The keys are destroyed. */
void strategy_sort(uint16_t *list, uint64_t *key, unsigned n);

/* The price of a candidate; NULL: nothing is known. */
const struct price *strategy_price(const struct candidate *);
/* What so many tokens would cost there, nano-dollars. False: not known. */
MUST_USE bool strategy_cost(const struct plan_ask *, const struct candidate *, uint32_t input, uint32_t output,
                            int64_t *nusd);

strategy_fn strategy_weighted, strategy_ordered, strategy_hash;            /* strategies.c */
strategy_fn strategy_custom;                                               /* custom.c */
strategy_fn strategy_usage, strategy_least_busy;                           /* strategy_load.c */
strategy_fn strategy_latency, strategy_by_latency, strategy_by_throughput; /* strategy_speed.c */
strategy_fn strategy_cheapest, strategy_price_weighted, strategy_by_price; /* strategy_price.c */

#endif
