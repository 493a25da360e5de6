/* SPDX-License-Identifier: Apache-2.0 */
/* strategies by speed: latency, and what requests may sort by. */
#include <string.h>

#include "base/rand.h"
#include "route/strategy.h"

/* An estimate that is older may have come to be wrong: its deployment is asked again now and then. */
#define STALE_MS 5000

struct speeds {
	uint32_t us[PLAN_GROUP_MAX]; /* of list[i], smaller is better; 0: not known */
	uint8_t stale[PLAN_GROUP_MAX];
	uint32_t best; /* 0: none is known */
};

static uint32_t best_of(const uint32_t *us, unsigned n)
{
	uint32_t best = UINT32_MAX;

	for (unsigned i = 0; i < n; i++)
		if (us[i] && us[i] < best)
			best = us[i];
	return best == UINT32_MAX ? 0 : best;
}

/*
 * Who is to be asked so that it comes to be known (again): each that is unknown with a chance of 1/(2n), one that was
 * slow when it was seen last with as much less as it was slower, and none that has a request under way already, which
 * will tell. So a slow first sample freezes nobody out, and one that is slow indeed, or hangs, gets little. n: nobody.
 */
static unsigned probe_of(const struct strategy_call *s, const uint16_t *list, const struct speeds *v, unsigned n)
{
	uint64_t draw = rand_below((uint64_t)2 * n << 10);
	unsigned i = (unsigned)(draw >> 10), chance = draw & 1023;

	if (i >= n || (v->us[i] && (!v->stale[i] || chance >= ((uint64_t)v->best << 10) / v->us[i])))
		return n;
	return health_load(s->c[list[i]].health, s->ask->now_ms).in_flight ? n : i;
}

static void move_first(uint16_t *list, uint16_t what)
{
	unsigned at = 0;

	while (list[at] != what)
		at++;
	memmove(list + 1, list, at * sizeof *list);
	list[0] = what;
}

/* The best ones, within the buffer (in thousandths), by weight; then the unknown; then the others, the faster first. */
static void by_speed(const struct strategy_call *s, uint16_t *list, struct speeds *v, unsigned n, uint32_t buffer)
{
	uint64_t key[PLAN_GROUP_MAX], limit;
	unsigned pool = 0, probe;
	uint16_t probed;

	if (n < 2)
		return;
	v->best = best_of(v->us, n);
	if (!v->best) {
		strategy_draw_weights(s, list, n);
		return;
	}
	limit = v->best + (uint64_t)v->best * buffer / 1000;
	probe = probe_of(s, list, v, n);
	probed = probe < n ? list[probe] : 0;
	for (unsigned i = 0; i < n; i++) {
		key[i] = (v->us[i] ? v->us[i] : limit + 1) << 8;
		pool += v->us[i] && v->us[i] <= limit;
	}
	strategy_sort(list, key, n);
	if (pool > 1)
		strategy_draw_weights(s, list, pool);
	if (probe < n)
		move_first(list, probed);
}

bool strategy_latency(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	unsigned good = strategy_zeros_last(s, list, n);
	uint64_t now = s->ask->now_ms;
	struct speeds v;

	for (unsigned i = 0; i < good; i++) {
		struct health_speed seen = health_speed(s->c[list[i]].health, now);

		v.us[i] = s->ask->stream ? seen.first_byte_us : seen.per_token_us;
		v.stale[i] = now - seen.seen_ms > STALE_MS;
	}
	by_speed(s, list, &v, good, s->model->latency_buffer);
	return true;
}

bool strategy_by_latency(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	unsigned good = strategy_zeros_last(s, list, n);
	struct speeds v;

	for (unsigned i = 0; i < good; i++) {
		v.us[i] = health_latency_us(s->c[list[i]].health, HEALTH_P50, s->ask->now_ms);
		v.stale[i] = false;
	}
	by_speed(s, list, &v, good, 0);
	return true;
}

bool strategy_by_throughput(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	unsigned good = strategy_zeros_last(s, list, n);
	struct speeds v;

	for (unsigned i = 0; i < good; i++) {
		uint32_t milli = health_throughput_milli(s->c[list[i]].health, HEALTH_P50, s->ask->now_ms);

		v.us[i] = milli ? 1000000000 / milli + 1 : 0; /* microseconds a token */
		v.stale[i] = false;
	}
	by_speed(s, list, &v, good, 0);
	return true;
}
