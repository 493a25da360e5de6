/* SPDX-License-Identifier: Apache-2.0 */
/* strategies by price: cheapest for this request, drawn by price, and what requests may sort by. */

#include "base/rand.h"
#include "route/strategy.h"

/* Where a request's own tokens are not known: three of input for one of output. */
enum { BLEND_INPUT = 750, BLEND_OUTPUT = 250 };

const struct price *strategy_price(const struct candidate *c)
{
	return likely(!c->deployment->by_name) ? &c->deployment->price : deployment_price(c->deployment, c->model);
}

bool strategy_cost(const struct plan_ask *ask, const struct candidate *c, uint32_t input, uint32_t output,
                   int64_t *nusd)
{
	struct usage u = { .n = { [USAGE_INPUT] = input, [USAGE_OUTPUT] = output }, .source = USAGE_COUNTED };
	const struct price *p = strategy_price(c);

	return p && price_cost(p, &u, ask->at_ms, nusd);
}

/* What this request would cost at most; tokens that were not looked up are taken as a blend. */
static int64_t cost_of(const struct plan_ask *ask, const struct candidate *c)
{
	bool known = (ask->looked & LOOK_TOKENS) != 0;
	uint32_t input = known ? ask->prompt_tokens : BLEND_INPUT;
	uint32_t output = known ? plan_output_tokens(ask) : BLEND_OUTPUT;
	int64_t nusd;

	return strategy_cost(ask, c, input, output, &nusd) ? nusd : -1;
}

/* Ascending, those that are equal at random; unknown prices behind, weight 0 behind them. */
static bool by_cost(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint64_t key[PLAN_GROUP_MAX];

	for (unsigned i = 0; i < n; i++) {
		const struct candidate *c = &s->c[list[i]];
		int64_t cost = cost_of(s->ask, c);
		uint64_t max = ((uint64_t)1 << 46) - 2; /* 70,000 dollars */

		if (cost < 0)
			key[i] = max + 1;
		else
			key[i] = (uint64_t)cost > max ? max : (uint64_t)cost;
		key[i] = (uint64_t)(c->deployment->weight == 0) << 63 | key[i] << 16 | (rand_u64() >> 48 & 0xff00);
	}
	strategy_sort(list, key, n);
	return true;
}

bool strategy_cheapest(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	return by_cost(s, list, n);
}

bool strategy_by_price(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	return by_cost(s, list, n);
}

/* Draws list[0 … n) by 1/cost². Beside a free one the others have a chance that is next to nothing. */
static void draw_by_price(uint16_t *list, const int64_t *cost, unsigned n)
{
	uint64_t weight[PLAN_GROUP_MAX];
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < n; i++)
		least = cost[i] < least ? cost[i] : least;
	for (unsigned i = 0; i < n; i++) {
		double share = cost[i] == least ? 1 : (double)least / (double)cost[i];
		uint64_t w = (uint64_t)(share * share * 0x1.0p40);

		weight[i] = w ? w : 1;
	}
	strategy_draw(list, weight, n);
}

/* OpenRouter's default (openrouter.ai/docs/features/provider-routing): those without an outage of late first, drawn by
 * the inverse square of their price; then unknown prices; then those with an outage; weight 0 last. */
bool strategy_price_weighted(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	enum { PRICED, UNPRICED, OUT, ZERO, RANKS };
	int64_t cost[PLAN_GROUP_MAX], ranked_cost[PLAN_GROUP_MAX];
	uint8_t rank[PLAN_GROUP_MAX];
	uint16_t was[PLAN_GROUP_MAX];
	unsigned at = 0, from = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct candidate *c = &s->c[list[i]];

		was[i] = list[i];
		cost[i] = cost_of(s->ask, c);
		if (c->deployment->weight == 0)
			rank[i] = ZERO;
		else if (health_outage_within(c->health, (uint64_t)s->routing->outage_window_ms, s->ask->now_ms))
			rank[i] = OUT;
		else
			rank[i] = cost[i] < 0 ? UNPRICED : PRICED;
	}
	for (unsigned r = 0; r < RANKS; r++, from = at) {
		for (unsigned i = 0; i < n; i++)
			if (rank[i] == r) {
				ranked_cost[at] = cost[i] < 0 ? INT64_MAX : cost[i];
				list[at++] = was[i];
			}
		if (r == UNPRICED)
			strategy_draw_weights(s, list + from, at - from);
		else
			draw_by_price(list + from, ranked_cost + from, at - from);
	}
	return true;
}
