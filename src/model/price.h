/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price: what one deployment's answers cost. Prices of tokens are in pico-dollars a token (1 USD per million tokens =
 * 1,000,000 pico-dollars a token), so that every list price is an exact integer; other prices and costs are
 * nano-dollars. An unknown price makes an unknown cost, never 0; a price of 0 is known and free.
 *
 *	struct price p = PRICE_UNKNOWN;
 *	p.token_pusd[USAGE_INPUT] = 2500000;       // 2.50 USD per million
 *	if (!price_cost(&p, &usage, request_ms, &nusd)) …      // unknown
 *
 * Most prices are these numbers and nothing else. What makes them differ from request to request are cases: a long
 * prompt, another service, a date, an hour. A case is a whole price that stands in for the one it belongs to.
 * Constant once made; read by all threads.
 */
#ifndef SLUICE_MODEL_PRICE_H
#define SLUICE_MODEL_PRICE_H

#include "model/usage.h"

struct arena;

#define PRICE_PUSD_PER_NUSD 1000
/* Ceilings: 1,000,000 USD per million tokens; 1,000,000 USD each. Settings and imports hold to them. */
#define PRICE_MAX_PUSD 1000000000000LL
#define PRICE_MAX_NUSD 1000000000000000LL

/* What is not paid by the token. */
enum price_each {
	EACH_REQUEST,         /* each answer; unknown: nothing is asked for it */
	EACH_WEB_SEARCH,      /* usage_call by usage_call */
	EACH_SEARCH,
	EACH_IMAGE,
	EACH_AUDIO_HOUR,      /* an hour of audio; charged by the second */
	EACHES
};

struct price_case;

/* Members by counter, so that a setting row can name one: offsetof(struct price, token_pusd[USAGE_CACHE_READ]). */
struct price {
	int64_t token_pusd[USAGE_COUNTERS];   /* pico-dollars a token; -1: unknown */
	int64_t each_nusd[EACHES];            /* nano-dollars; -1: unknown */
	const struct price_case *cases;       /* the last one that applies counts; none: this price itself */
	uint32_t n_cases;
};

#define PRICE_UNKNOWN \
	((struct price){ { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 }, { -1, -1, -1, -1, -1 }, NULL, 0 })

enum price_when {
	PRICE_ABOVE,      /* the whole input has more tokens than `above`: reprices the whole request */
	PRICE_SERVICE,    /* the provider served it as `service` (enum usage_service with its flag) */
	PRICE_FROM,       /* requests since `from_ms`, milliseconds since 1970 */
	PRICE_DAILY,      /* between two seconds of the day, UTC; may run over midnight */
};

struct price_case {
	enum price_when when;
	union {
		uint32_t above;
		uint32_t service;
		int64_t from_ms;
		struct { uint32_t from_s, to_s; } daily;
	};
	struct price price;                   /* whole; its own cases hold inside it */
};

/* True if nothing is known. */
bool price_is_unknown(const struct price *);

/*
 * Price of one counter with the field's customs for what a price list leaves out: cache reads, cache writes, images
 * and tool input cost as plain input (a 1 h write as a 5 min write, if that one is known), reasoning and images out as
 * plain output, cached audio as cached text. Audio has no such custom: its price is several times that of text, so it
 * stays unknown. -1: unknown.
 */
int64_t price_of(const struct price *, enum usage_counter);

/* The price that holds for this answer: the case that applies, if any. NULL: the answer was served in a way that the
 * price knows nothing of. `at_ms`: when the request came, milliseconds since 1970. */
const struct price *price_for(const struct price *, const struct usage *, int64_t at_ms);

/*
 * Cost of an answer in nano-dollars: the exact sum over all that was used, rounded half up once, at the end. Saturates
 * at INT64_MAX. False: the usage is unknown (USAGE_NONE), or something that was used has no price; *nusd is then
 * untouched.
 */
MUST_USE bool price_cost(const struct price *, const struct usage *, int64_t at_ms, int64_t *nusd);

/* Every member that `over` knows replaces p's; cases stay as they are. */
void price_overlay(struct price *, const struct price *over);

/* p with every price of tokens times permille/1000 (half up at the pico-dollar), and so in its cases, of which those of
 * services are left out. Cases are made in the arena; false: it is full. */
MUST_USE bool price_scale(const struct price *, uint32_t permille, struct arena *, struct price *out);

#endif
