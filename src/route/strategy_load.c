/* SPDX-License-Identifier: Apache-2.0 */
/* strategies by load: least of its tpm used, fewest requests in flight. */
#include "base/rand.h"
#include "route/strategy.h"

/* A key that is equal for many is drawn for: bits that are at random stand below it, and weight 0 above it. */
static inline uint64_t drawn_key(const struct deployment *d, uint64_t value, uint64_t random)
{
	const uint64_t max = ((uint64_t)1 << 39) - 1;

	if (value > max)
		value = max;
	return (uint64_t)(d->weight == 0) << 63 | value << 24 | (random >> 40 & 0xffff00);
}

/* What calls under way will come to is taken of a tpm beforehand; where there is none it is guessed, so that those
 * which come at once do not all go to the same one, nor to one that hangs. */
static uint64_t tokens_of(const struct strategy_call *s, const struct candidate *c)
{
	struct health_load load = health_load(c->health, s->ask->now_ms);
	bool taken = c->deployment->limits && c->deployment->limits->tpm > 0;

	return load.tokens_minute + (taken ? 0 : (uint64_t)load.in_flight * plan_tokens(s->ask));
}

/* In millionths. One without a tpm has as much as the largest of the others; if none has one, all go by tokens. */
bool strategy_usage(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint64_t key[PLAN_GROUP_MAX], tokens[PLAN_GROUP_MAX];
	uint64_t most = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct deployment_settings *d = s->c[list[i]].deployment->settings;

		tokens[i] = tokens_of(s, &s->c[list[i]]);
		if (d && d->tpm > 0 && (uint64_t)d->tpm > most)
			most = (uint64_t)d->tpm;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct deployment *d = s->c[list[i]].deployment;
		uint64_t tpm = d->settings && d->settings->tpm > 0 ? (uint64_t)d->settings->tpm : most;

		key[i] = drawn_key(d, tpm ? (uint64_t)((double)tokens[i] / (double)tpm * 1e6) : tokens[i], rand_u64());
	}
	strategy_sort(list, key, n);
	return true;
}

bool strategy_least_busy(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	uint64_t key[PLAN_GROUP_MAX];

	for (unsigned i = 0; i < n; i++) {
		const struct candidate *c = &s->c[list[i]];

		key[i] = drawn_key(c->deployment, health_load(c->health, s->ask->now_ms).in_flight, rand_u64());
	}
	strategy_sort(list, key, n);
	return true;
}
