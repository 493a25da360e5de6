/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price: what one deployment's tokens cost. A price is in pico-dollars a token (1 USD per million tokens = 1,000,000
 * pico-dollars a token), so that every list price is an exact integer; costs are nano-dollars. An unknown price makes
 * an unknown cost, never 0; a price of 0 is known and free.
 *
 *	struct price p = PRICE_UNKNOWN;
 *	p.token_pusd[USAGE_INPUT] = 2500000;       // 2.50 USD per million
 *	if (!price_cost(&p, &usage, &nusd)) …      // unknown
 */
#ifndef SLUICE_MODEL_PRICE_H
#define SLUICE_MODEL_PRICE_H

#include "model/usage.h"

#define PRICE_PUSD_PER_NUSD 1000
/* Ceiling of a price: 1,000,000 USD per million tokens. Settings hold to it. */
#define PRICE_MAX_PUSD 1000000000000LL

/* Members by counter, so that a setting row can name one: offsetof(struct price, token_pusd[USAGE_CACHE_READ]). */
struct price {
	int64_t token_pusd[USAGE_COUNTERS];   /* pico-dollars a token; -1: unknown */
};

#define PRICE_UNKNOWN ((struct price){ { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 } })

/* True if nothing is known. */
bool price_is_unknown(const struct price *);

/*
 * Price of one counter with the field's customs for what a price list leaves out: cache reads, cache writes, images
 * and tool input cost as plain input (a 1 h write as a 5 min write, if that one is known), reasoning and images out as
 * plain output. Audio has no such custom: its price is several times that of text, so it stays unknown. -1: unknown.
 */
int64_t price_of(const struct price *, enum usage_counter);

/*
 * Cost of an answer in nano-dollars: the exact sum over all counters, rounded half up once, at the end. Saturates at
 * INT64_MAX. False: the usage is unknown (USAGE_NONE), or a counter above zero has no price; *nusd is then untouched.
 */
MUST_USE bool price_cost(const struct price *, const struct usage *, int64_t *nusd);

#endif
