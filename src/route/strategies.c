/* SPDX-License-Identifier: Apache-2.0 */
/* strategies: the table of all, those that know nothing but weights, and what the others share. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/rand.h"
#include "route/strategy.h"

static const struct strategy strategies[] = {
	[STRATEGY_WEIGHTED] = { "weighted", strategy_weighted, 0, false },
	[STRATEGY_LATENCY] = { "latency", strategy_latency, 0, false },
	[STRATEGY_USAGE] = { "usage", strategy_usage, 0, false },
	[STRATEGY_LEAST_BUSY] = { "least_busy", strategy_least_busy, 0, false },
	[STRATEGY_COST] = { "cost", strategy_cheapest, LOOK_TOKENS, false },
	[STRATEGY_PRICE_WEIGHTED] = { "price_weighted", strategy_price_weighted, 0, false },
	[STRATEGY_ORDERED] = { "ordered", strategy_ordered, 0, false },
	[STRATEGY_HASH] = { "hash", strategy_hash, LOOK_HASH, false },
	[STRATEGY_CUSTOM] = { "custom", strategy_custom, LOOK_NEEDS | LOOK_TOKENS | LOOK_WHO | LOOK_HASH, true },
};

/* What a request may ask for in place of the model's strategy. */
static const struct strategy sorts[] = {
	[WISH_SORT_PRICE] = { "price", strategy_by_price, 0, false },
	[WISH_SORT_THROUGHPUT] = { "throughput", strategy_by_throughput, 0, false },
	[WISH_SORT_LATENCY] = { "latency", strategy_by_latency, 0, false },
};

const struct strategy *strategy_of(enum strategy_setting s)
{
	assert(s < COUNT_OF(strategies));
	return &strategies[s];
}

const struct strategy *strategy_of_sort(enum wish_sort s)
{
	assert(s > WISH_SORT_NONE && s < COUNT_OF(sorts));
	return &sorts[s];
}

/* ---- shared ---- */

unsigned strategy_zeros_last(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint16_t zeros[PLAN_GROUP_MAX];
	unsigned kept = 0, n_zeros = 0;

	for (unsigned i = 0; i < n; i++) {
		if (likely(s->c[list[i]].deployment->weight))
			list[kept++] = list[i];
		else
			zeros[n_zeros++] = list[i];
	}
	memcpy(list + kept, zeros, n_zeros * sizeof *zeros);
	return kept;
}

void strategy_draw(uint16_t *list, uint64_t *weight, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += weight[i];
	for (unsigned at = 0; at + 1 < n && at < STRATEGY_DRAWN && sum; at++) {
		uint64_t draw = rand_below(sum), taken_weight;
		unsigned i = at;
		uint16_t taken;

		while (draw >= weight[i])
			draw -= weight[i++];
		taken = list[i];
		taken_weight = weight[i];
		list[i] = list[at];
		weight[i] = weight[at];
		list[at] = taken;
		weight[at] = taken_weight;
		sum -= taken_weight;
	}
}

void strategy_draw_weights(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint64_t weight[PLAN_GROUP_MAX];

	for (unsigned i = 0; i < n; i++)
		weight[i] = s->c[list[i]].deployment->weight;
	strategy_draw(list, weight, n);
}

/* Shell's, with Ciura's gaps: short, in place, and quick for some ten to some hundred. */
static void sort(uint64_t *key, unsigned n)
{
	static const uint8_t gaps[] = { 132, 57, 23, 10, 4, 1 };

	for (unsigned g = 0; g < COUNT_OF(gaps); g++) {
		unsigned gap = gaps[g];

		for (unsigned i = gap; i < n; i++) {
			uint64_t k = key[i];
			unsigned at = i;

			for (; at >= gap && key[at - gap] > k; at -= gap)
				key[at] = key[at - gap];
			key[at] = k;
		}
	}
}

void strategy_sort(uint16_t *list, uint64_t *key, unsigned n)
{
	uint16_t was[PLAN_GROUP_MAX];

	assert(n <= PLAN_GROUP_MAX);
	for (unsigned i = 0; i < n; i++) {
		was[i] = list[i];
		key[i] = (key[i] & ~(uint64_t)0xff) | i;
	}
	sort(key, n);
	for (unsigned i = 0; i < n; i++)
		list[i] = was[key[i] & 0xff];
}

/* ---- by weight alone ---- */

bool strategy_weighted(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	strategy_draw_weights(s, list, strategy_zeros_last(s, list, n));
	return true;
}

bool strategy_ordered(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	return true;
}

/* splitmix64's finish: each bit of the sum is in each bit of the result. */
static inline uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/*
 * Rendezvous hashing by weight (Thaler and Ravishankar 1998; Schindelhauer and Schomaker 2005): each deployment draws
 * its number for the key from the hash of both, and the smallest -ln(u)/weight is first. When one comes or goes only
 * the keys move that it gets or had, and what was its second choice is the next try.
 */
bool strategy_hash(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint64_t key[PLAN_GROUP_MAX];
	unsigned good = strategy_zeros_last(s, list, n);

	if (!s->ask->hash)
		return false;
	for (unsigned i = 0; i < good; i++) {
		const struct deployment *d = s->c[list[i]].deployment;
		double u = ((double)(mix(s->ask->hash ^ d->id) >> 11) + 0.5) * 0x1.0p-53;
		double score = -log(u) / d->weight; /* positive, and positive doubles order as their bits do */

		memcpy(&key[i], &score, sizeof score);
	}
	strategy_sort(list, key, good);
	return true;
}
