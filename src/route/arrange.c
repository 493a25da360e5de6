/* SPDX-License-Identifier: Apache-2.0 */
/* arrange: in which order those that may be tried are: strategy, preferences, wishes, the conversation's place. */
#include <string.h>

#include "base/rand.h"
#include "route/affinity.h"
#include "route/filter.h"
#include "route/route_in.h"
#include "route/strategy.h"

struct arrangement {
	struct plan *plan;
	struct candidate *c;
	uint16_t *list;
	unsigned n;
};

static void move(uint16_t *list, unsigned from, unsigned to)
{
	uint16_t it = list[from];

	if (from > to)
		memmove(list + to + 1, list + to, (from - to) * sizeof *list);
	else
		memmove(list + from, list + from + 1, (to - from) * sizeof *list);
	list[to] = it;
}

/* One that is to be probed is first in line for one request; others wait for the next one. Weight 0 is for when no
 * other is left, and is probed then. */
static void probe_first(struct arrangement *a, uint16_t *list, unsigned n)
{
	unsigned promoted = 0;

	for (unsigned i = 0, seen = 0; seen < n; seen++) {
		struct candidate *c = &a->c[list[i]];

		if (c->place != PLACE_PROBE || (c->deployment->weight == 0 && n > 1))
			i++;
		else if (promoted++ == 0)
			move(list, i++, 0);
		else
			move(list, i, n - 1);
	}
}

static void by_strategy(struct arrangement *a, bool probes)
{
	struct plan *p = a->plan;
	const struct route_wishes *w = p->ask.wishes;
	enum wish_sort sort = w && w->sort != WISH_SORT_NONE ? w->sort : (enum wish_sort)p->sort;
	const struct strategy *s = sort != WISH_SORT_NONE ? strategy_of_sort(sort)
	                                                  : strategy_of((enum strategy_setting)p->model->strategy);
	struct strategy_call call = { &p->ask, p->model, p->table->routing, a->c, a->n };
	unsigned missing = s->looks & ~(unsigned)p->ask.looked;

	if (missing && p->ask.look)
		p->ask.look(&p->ask, missing);
	for (unsigned i = 0; i < a->n; i++)
		if (a->c[i].place != PLACE_PROBE)
			a->c[i].place = sort != WISH_SORT_NONE ? PLACE_WISH : PLACE_STRATEGY;
	for (unsigned from = 0, to; from < a->n; from = to) {
		int64_t order = a->c[from].deployment->order;

		for (to = from + 1; to < a->n && (s->whole || a->c[to].deployment->order == order);)
			to++;
		if (to - from > 1 && !s->order(&call, a->list + from, to - from))
			(void)strategy_weighted(&call, a->list + from, to - from);
		if (unlikely(probes) && to - from > 1)
			probe_first(a, a->list + from, to - from);
	}
}

/* ---- what moves some to the end ---- */

struct thresholds {
	uint32_t latency_us[HEALTH_PERCENTILES], throughput_milli[HEALTH_PERCENTILES]; /* 0: none */
};

static uint32_t to_u32(int64_t v)
{
	return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* Of settings and request the stricter one. */
static bool thresholds_of(const struct plan *p, struct thresholds *t)
{
	const struct preferred_settings *s = &p->table->routing->preferred;
	const struct route_wishes *w = p->ask.wishes;
	bool any = false;

	if (!s->any && !w)
		return false;
	for (unsigned i = 0; i < HEALTH_PERCENTILES; i++) {
		uint32_t latency = s->max_latency_ms[i] > 0 ? to_u32(s->max_latency_ms[i] * 1000) : 0;
		uint32_t throughput = s->min_throughput[i] > 0 ? to_u32((int64_t)(s->min_throughput[i] * 1000)) : 0;

		if (w && w->max_latency_us[i] > 0 && (!latency || w->max_latency_us[i] < latency))
			latency = to_u32(w->max_latency_us[i]);
		if (w && w->min_throughput_milli[i] > throughput)
			throughput = to_u32(w->min_throughput_milli[i]);
		t->latency_us[i] = latency;
		t->throughput_milli[i] = throughput;
		any |= latency || throughput;
	}
	return any;
}

/* What is not known of it is no fault. */
static bool is_slow(const struct arrangement *a, const struct candidate *c, const struct thresholds *t)
{
	uint64_t now = a->plan->ask.now_ms;

	for (unsigned i = 0; i < HEALTH_PERCENTILES; i++) {
		enum health_percentile at = (enum health_percentile)i;
		uint32_t throughput;

		if (t->latency_us[i] && health_latency_us(c->health, at, now) > t->latency_us[i])
			return true;
		if (!t->throughput_milli[i])
			continue;
		throughput = health_throughput_milli(c->health, at, now);
		if (throughput && throughput < t->throughput_milli[i])
			return true;
	}
	return false;
}

static void put_behind(struct arrangement *a, const bool *behind, enum plan_place place)
{
	uint16_t back[PLAN_GROUP_MAX];
	unsigned kept = 0, n_back = 0;

	for (unsigned i = 0; i < a->n; i++) {
		uint16_t at = a->list[i];

		if (!behind[at]) {
			a->list[kept++] = at;
			continue;
		}
		a->c[at].place = (uint8_t)place;
		back[n_back++] = at;
	}
	memcpy(a->list + kept, back, n_back * sizeof *back);
}

static void by_preference(struct arrangement *a)
{
	bool behind[PLAN_GROUP_MAX];
	struct thresholds t;
	int64_t asked = a->plan->ask.max_output;

	if (asked > 0) {
		for (unsigned i = 0; i < a->n; i++) {
			uint32_t can = candidate_facts(&a->c[i])->max_output;

			behind[i] = can && asked > (int64_t)can && a->c[i].place != PLACE_PROBE;
		}
		put_behind(a, behind, PLACE_OUTPUT);
	}
	if (thresholds_of(a->plan, &t)) {
		for (unsigned i = 0; i < a->n; i++)
			behind[i] = a->c[i].place != PLACE_PROBE && is_slow(a, &a->c[i], &t);
		put_behind(a, behind, PLACE_SLOW);
	}
}

/* ---- what moves some to the front ---- */

/* OpenRouter's order: those that are named come first, as they are named; inside a name as it was. */
static void by_wish(struct arrangement *a, const struct wish_names *order)
{
	uint64_t key[PLAN_GROUP_MAX];

	for (unsigned i = 0; i < a->n; i++) {
		struct candidate *c = &a->c[a->list[i]];
		int at = wish_names_at(order, c->deployment, c->model);

		if (at >= 0 && c->place != PLACE_PROBE)
			c->place = PLACE_WISH;
		key[i] = (at >= 0 ? (uint64_t)at : order->n) << 8;
	}
	strategy_sort(a->list, key, a->n);
}

/* Is it cheaper, or at least faster, to read the prompt from its cache? */
static bool cache_pays(const struct candidate *c)
{
	const struct model_facts *facts = candidate_facts(c);
	const struct price *p = strategy_price(c);

	if (p && p->token_pusd[USAGE_INPUT] >= 0 && p->token_pusd[USAGE_CACHE_READ] >= 0)
		return p->token_pusd[USAGE_CACHE_READ] < p->token_pusd[USAGE_INPUT];
	if (p && p->token_pusd[USAGE_INPUT] >= 0)
		return model_has(facts, CAP_PROMPT_CACHE);
	return !model_lacks(facts, CAP_PROMPT_CACHE);
}

static void by_affinity(struct arrangement *a)
{
	struct plan_ask *ask = &a->plan->ask;
	struct health *last;
	unsigned to = a->c[a->list[0]].place == PLACE_PROBE;

	if (!(ask->looked & LOOK_CONVERSATION) && ask->look)
		ask->look(ask, LOOK_CONVERSATION);
	if (!ask->conversation)
		return;
	last = affinity_get(ask->affinity, ask->conversation, (uint64_t)a->plan->table->routing->affinity.ttl_ms,
	                    ask->now_ms);
	for (unsigned i = 0; last && i < a->n; i++) {
		struct candidate *c = &a->c[a->list[i]];

		if (c->health != last || c->place == PLACE_PROBE || !cache_pays(c))
			continue;
		move(a->list, i, to);
		c->place = PLACE_AFFINITY;
		return;
	}
}

/* Then the hash keeps together what belongs together, as its owner wants it. */
static bool is_hashed(const struct plan *p)
{
	return p->model->strategy == STRATEGY_HASH && p->ask.hash;
}

/* allow_fallbacks: false: only the provider that comes first. */
static unsigned only_first(struct arrangement *a)
{
	const struct route_provider *first = a->c[a->list[0]].deployment->provider;
	unsigned kept = 0;

	for (unsigned i = 0; i < a->n; i++) {
		uint16_t at = a->list[i];

		if (a->c[at].deployment->provider == first)
			a->list[kept++] = at;
		else
			a->c[at].excluded = EXCLUDED_WISH;
	}
	return kept;
}

unsigned plan_arrange(struct plan *p, struct candidate *c, unsigned n, uint16_t *list)
{
	struct arrangement a = { p, c, list, n };
	const struct route_wishes *w = p->ask.wishes;
	bool probes = false;

	for (unsigned i = 0; i < n; i++) {
		list[i] = (uint16_t)i;
		probes |= c[i].place == PLACE_PROBE;
	}
	if (n == 1) {
		if (!probes)
			c->place = PLACE_ONLY;
		return n;
	}
	by_strategy(&a, probes);
	by_preference(&a);
	if (w && w->order.n)
		by_wish(&a, &w->order);
	else if (p->ask.affinity && !p->sort && !(w && w->sort != WISH_SORT_NONE) && !is_hashed(p))
		by_affinity(&a);
	return w && w->no_fallbacks ? only_first(&a) : n;
}
