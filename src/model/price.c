/* SPDX-License-Identifier: Apache-2.0 */
/* price: exact integer arithmetic from tokens and pico-dollars to nano-dollars. */

#include "model/price.h"

#include <assert.h>

#include "base/arena.h"

#define DAY_MS 86400000
#define HOUR_S 3600

/* Where a counter without a price of its own looks next; itself: nowhere. */
static const uint8_t falls_back[USAGE_COUNTERS] = {
	[USAGE_INPUT] = USAGE_INPUT,
	[USAGE_CACHE_READ] = USAGE_INPUT,
	[USAGE_CACHE_READ_AUDIO] = USAGE_CACHE_READ,
	[USAGE_CACHE_WRITE_5M] = USAGE_INPUT,
	[USAGE_CACHE_WRITE_1H] = USAGE_CACHE_WRITE_5M,
	[USAGE_INPUT_AUDIO] = USAGE_INPUT_AUDIO,
	[USAGE_INPUT_IMAGE] = USAGE_INPUT,
	[USAGE_INPUT_TOOL] = USAGE_INPUT,
	[USAGE_OUTPUT] = USAGE_OUTPUT,
	[USAGE_REASONING] = USAGE_OUTPUT,
	[USAGE_OUTPUT_AUDIO] = USAGE_OUTPUT_AUDIO,
	[USAGE_OUTPUT_IMAGE] = USAGE_OUTPUT,
};

bool price_is_unknown(const struct price *p)
{
	for (int i = 0; i < USAGE_COUNTERS; i++)
		if (p->token_pusd[i] >= 0)
			return false;
	for (int i = 0; i < EACHES; i++)
		if (p->each_nusd[i] >= 0)
			return false;
	return p->n_cases == 0;
}

int64_t price_of(const struct price *p, enum usage_counter counter)
{
	assert(counter < USAGE_COUNTERS);
	unsigned at = counter;

	while (p->token_pusd[at] < 0 && falls_back[at] != at)
		at = falls_back[at];
	return p->token_pusd[at] < 0 ? -1 : p->token_pusd[at];
}

static bool applies(const struct price_case *c, const struct usage *u, int64_t at_ms)
{
	uint32_t second;

	switch (c->when) {
	case PRICE_ABOVE: return usage_total_input(u) > c->above;
	case PRICE_SERVICE: return u->service == c->service;
	case PRICE_FROM: return at_ms >= c->from_ms;
	case PRICE_DAILY:
		second = (uint32_t)((at_ms % DAY_MS + DAY_MS) % DAY_MS / 1000);
		if (c->daily.to_s < c->daily.from_s)
			return second >= c->daily.from_s || second < c->daily.to_s;
		return second >= c->daily.from_s && second < c->daily.to_s;
	}
	assert(!"unknown price_when");
	return false;
}

const struct price *price_for(const struct price *p, const struct usage *u, int64_t at_ms)
{
	bool served = u->service == SERVICE_STANDARD;

	for (uint32_t i = p->n_cases; i > 0; i--) {
		const struct price_case *c = &p->cases[i - 1];

		if (!applies(c, u, at_ms))
			continue;
		served |= c->when == PRICE_SERVICE;
		p = &c->price;
		i = p->n_cases + 1;
	}
	return served ? p : NULL;
}

/* What is not paid by the token, in pico-dollars times 3600: a second of audio is a 3600th of an hour. False: some of
 * it has no price. */
static bool add_each(const struct price *p, const struct usage *u, unsigned __int128 *sum)
{
	static const uint8_t each_of[USAGE_CALLS] = {
		[CALLS_WEB_SEARCH] = EACH_WEB_SEARCH,
		[CALLS_SEARCH] = EACH_SEARCH,
		[CALLS_IMAGE] = EACH_IMAGE,
	};

	for (int i = 0; i < USAGE_CALLS; i++) {
		int64_t each = p->each_nusd[each_of[i]];

		if (u->calls[i] == 0)
			continue;
		if (each < 0)
			return false;
		*sum += (unsigned __int128)u->calls[i] * (uint64_t)each * PRICE_PUSD_PER_NUSD * HOUR_S;
	}
	if (u->seconds && p->each_nusd[EACH_AUDIO_HOUR] < 0)
		return false;
	if (u->seconds)
		*sum += (unsigned __int128)u->seconds * (uint64_t)p->each_nusd[EACH_AUDIO_HOUR] * PRICE_PUSD_PER_NUSD;
	if (p->each_nusd[EACH_REQUEST] > 0)
		*sum += (unsigned __int128)p->each_nusd[EACH_REQUEST] * PRICE_PUSD_PER_NUSD * HOUR_S;
	return true;
}

static inline bool add_tokens(const struct price *p, const struct usage *u, int i, unsigned __int128 *sum)
{
	int64_t each = p->token_pusd[i];

	if (u->n[i] == 0)
		return true;
	if (unlikely(each < 0))
		each = price_of(p, (enum usage_counter)i);
	*sum += (unsigned __int128)u->n[i] * (uint64_t)each;
	return each >= 0;
}

/* Most counters are 0: they are looked at by twos. */
static inline bool add_two(const struct price *p, const struct usage *u, int i, unsigned __int128 *sum)
{
	uint64_t two;

	memcpy(&two, &u->n[i], sizeof(two));
	return two == 0 || (add_tokens(p, u, i, sum) && add_tokens(p, u, i + 1, sum));
}

/* At most 12 products below 2^32 * 2^63, and 2^12 of that: far from the ends of 128 bits. */
_Static_assert(USAGE_COUNTERS == 12, "all are added");
static inline bool add_all_tokens(const struct price *p, const struct usage *u, unsigned __int128 *sum)
{
	return add_two(p, u, 0, sum) && add_two(p, u, 2, sum) && add_two(p, u, 4, sum) && add_two(p, u, 6, sum) &&
	       add_two(p, u, 8, sum) && add_two(p, u, 10, sum);
}

static COLD int64_t rounded(unsigned __int128 sum, uint64_t unit)
{
	unsigned __int128 n = (sum + unit / 2) / unit;

	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static COLD bool cost_of_case(const struct price *p, const struct usage *u, int64_t at_ms, int64_t *nusd)
{
	unsigned __int128 sum = 0;

	p = price_for(p, u, at_ms);
	if (!p || !add_all_tokens(p, u, &sum))
		return false;
	sum *= HOUR_S;
	if (!add_each(p, u, &sum) || price_is_unknown(p))
		return false;
	*nusd = rounded(sum, (uint64_t)PRICE_PUSD_PER_NUSD * HOUR_S);
	return true;
}

HOT bool price_cost(const struct price *p, const struct usage *u, int64_t at_ms, int64_t *nusd)
{
	unsigned __int128 pusd = 0;

	if (u->source == USAGE_NONE)
		return false;
	if (unlikely(p->n_cases || p->each_nusd[EACH_REQUEST] > 0 || usage_is_special(u)))
		return cost_of_case(p, u, at_ms, nusd);
	if (!add_all_tokens(p, u, &pusd))
		return false;
	if (unlikely(pusd == 0) && price_is_unknown(p))
		return false;
	if (likely(pusd < (uint64_t)INT64_MAX))
		*nusd = (int64_t)(((uint64_t)pusd + PRICE_PUSD_PER_NUSD / 2) / PRICE_PUSD_PER_NUSD);
	else
		*nusd = rounded(pusd, PRICE_PUSD_PER_NUSD);
	return true;
}

/* ---- making ---- */

void price_overlay(struct price *p, const struct price *over)
{
	for (int i = 0; i < USAGE_COUNTERS; i++)
		if (over->token_pusd[i] >= 0)
			p->token_pusd[i] = over->token_pusd[i];
	for (int i = 0; i < EACHES; i++)
		if (over->each_nusd[i] >= 0)
			p->each_nusd[i] = over->each_nusd[i];
}

static void scale_tokens(struct price *p, uint32_t permille)
{
	for (int i = 0; i < USAGE_COUNTERS; i++)
		if (p->token_pusd[i] > 0)
			p->token_pusd[i] = (p->token_pusd[i] * permille + 500) / 1000;
}

bool price_scale(const struct price *p, uint32_t permille, struct arena *arena, struct price *out)
{
	struct price_case *cases = arena_alloc(arena, (p->n_cases + 1) * sizeof(*cases));
	uint32_t n = 0;

	if (!cases)
		return false;
	for (uint32_t i = 0; i < p->n_cases; i++) {
		if (p->cases[i].when == PRICE_SERVICE)
			continue;
		cases[n] = p->cases[i];
		if (!price_scale(&p->cases[i].price, permille, arena, &cases[n].price))
			return false;
		n++;
	}
	*out = *p;
	scale_tokens(out, permille);
	out->cases = n ? cases : NULL;
	out->n_cases = n;
	return true;
}
