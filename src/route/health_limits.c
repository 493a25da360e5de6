/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_limits: requests and tokens of the last sixty seconds, as sums over ticks. A tick leaves the sums only when
 * the window cannot reach into it any more, so that no sixty seconds, wherever they begin, see more than the limit.
 */
#include "route/health_in.h"

#include "base/setting.h"

void health_roll(struct health *h, uint64_t now_ms)
{
	uint32_t tick = (uint32_t)(now_ms >> TICK_BITS), at, gone;

	pthread_mutex_lock(&h->lock);
	at = atomic_load_explicit(&h->tick, RELAXED);
	if (tick > at) {
		gone = tick - at;
		for (uint32_t i = 0; i < (gone < WINDOW_RING ? gone : WINDOW_RING); i++) {
			uint32_t over = (tick - i - WINDOW_TICKS) % WINDOW_RING;

			/* taken out of the sums is what is there: a thread may count into it late, and then it goes
			 * the next time round */
			atomic_fetch_sub_explicit(&h->requests,
			                          atomic_exchange_explicit(&h->requests_of[over], 0, RELAXED), RELAXED);
			atomic_fetch_sub_explicit(&h->tokens,
			                          atomic_exchange_explicit(&h->tokens_of[over], 0, RELAXED), RELAXED);
		}
		health_figures_fade(h, gone);
		atomic_store_explicit(&h->tick, tick, RELAXED);
	}
	pthread_mutex_unlock(&h->lock);
}

/* The sum at `now_ms`, and after which time it has come down to `most`, milliseconds. */
static uint64_t sum_at(const struct health *h, bool tokens, uint64_t most, uint64_t now_ms, uint32_t *wait_ms)
{
	uint32_t last = atomic_load_explicit(&h->tick, RELAXED), now = (uint32_t)(now_ms >> TICK_BITS);
	uint64_t sum = atomic_load_explicit(tokens ? &h->tokens : &h->requests, RELAXED), live = sum;
	uint32_t wait = 0;

	/* the oldest first; those before the first tick of all are empty, and so is their place in the ring */
	for (uint32_t i = 0; i < WINDOW_TICKS; i++) {
		uint32_t tick = last - (WINDOW_TICKS - 1) + i, over = tick + WINDOW_TICKS;
		uint64_t n = tokens ? atomic_load_explicit(&h->tokens_of[tick % WINDOW_RING], RELAXED)
		                    : atomic_load_explicit(&h->requests_of[tick % WINDOW_RING], RELAXED);

		if (over > now && sum <= most)
			break;
		sum = sum > n ? sum - n : 0;
		if (over <= now)
			live = sum;
		else
			wait = (uint32_t)(((uint64_t)over << TICK_BITS) - now_ms);
	}
	*wait_ms = wait;
	return live;
}

static uint32_t wait_for(const struct health *h, bool tokens, int64_t limit, uint64_t need, uint64_t now_ms)
{
	uint64_t most, sum;
	uint32_t wait_ms;

	if (limit == SETTING_UNSET)
		return 0;
	if (limit == 0)
		return UINT32_MAX;
	most = need < (uint64_t)limit ? (uint64_t)limit - need : 0;
	/* of the sum as it was when the last call began: now it can only be less */
	if (likely(atomic_load_explicit(tokens ? &h->tokens : &h->requests, RELAXED) <= most))
		return 0;
	sum = sum_at(h, tokens, most, now_ms, &wait_ms);
	return sum <= most ? 0 : wait_ms ? wait_ms : 1;
}

uint32_t health_room(const struct health *h, const struct health_limits *l, uint32_t tokens, uint64_t now_ms)
{
	uint32_t requests_ms, tokens_ms;

	if (!l || h->shared)
		return 0;
	requests_ms = wait_for(h, false, l->rpm, 1, now_ms);
	tokens_ms = wait_for(h, true, l->tpm, tokens, now_ms);
	if (requests_ms || tokens_ms)
		return requests_ms > tokens_ms ? requests_ms : tokens_ms;
	return l->max_parallel != SETTING_UNSET &&
	       (int64_t)atomic_load_explicit(&h->in_flight, RELAXED) >= l->max_parallel;
}

/* Whatever is taken until a tick leaves the window must fit beside all that is in it since then. */
static uint64_t pace_of(const struct health *h, bool tokens, int64_t limit, uint64_t need, uint64_t now_ms)
{
	uint32_t last = atomic_load_explicit(&h->tick, RELAXED), now = (uint32_t)(now_ms >> TICK_BITS), unused;
	uint64_t room, pace;

	if (limit <= 0)
		return 0;
	room = sum_at(h, tokens, UINT64_MAX, now_ms, &unused);
	room = room < (uint64_t)limit ? (uint64_t)limit - room : 0;
	if (need > (uint64_t)limit)
		need = (uint64_t)limit;
	pace = 60000000 * need / (uint64_t)limit;
	for (uint32_t i = 0; i < WINDOW_TICKS; i++) {
		uint32_t tick = last - (WINDOW_TICKS - 1) + i, over = tick + WINDOW_TICKS;
		uint64_t n = tokens ? atomic_load_explicit(&h->tokens_of[tick % WINDOW_RING], RELAXED)
		                    : atomic_load_explicit(&h->requests_of[tick % WINDOW_RING], RELAXED), until_us;

		if (over <= now || n == 0)
			continue;
		until_us = (((uint64_t)over << TICK_BITS) - now_ms) * 1000;
		until_us = until_us * need / (room > need ? room : need);
		if (until_us > pace)
			pace = until_us;
		room += n;
	}
	return pace;
}

uint32_t health_pace_us(const struct health *h, const struct health_limits *l, uint32_t tokens, uint64_t now_ms)
{
	uint64_t requests, pace;

	if (!l || h->shared)
		return 0;
	requests = pace_of(h, false, l->rpm, 1, now_ms);
	pace = pace_of(h, true, l->tpm, tokens ? tokens : 1, now_ms);
	pace = pace > requests ? pace : requests;
	return pace < UINT32_MAX ? (uint32_t)pace : UINT32_MAX;
}

struct health_load health_load(const struct health *h, uint64_t now_ms)
{
	uint32_t unused;

	return (struct health_load){
		.in_flight = atomic_load_explicit(&h->in_flight, RELAXED),
		.requests_minute = (uint32_t)sum_at(h, false, UINT64_MAX, now_ms, &unused),
		.tokens_minute = sum_at(h, true, UINT64_MAX, now_ms, &unused),
	};
}
