/* SPDX-License-Identifier: Apache-2.0 */
/* tries: how a plan goes on after a failure: the next candidate, back-off, the lists of fallbacks. */
#include "base/rand.h"
#include "route/plan.h"
#include "route/route_in.h"

static bool next_group(struct plan *p, struct arena *a)
{
	const struct route_fallbacks *list = &p->first->lists[LIST_GENERAL];

	while (p->fallback < list->n && p->fallback < (unsigned)p->table->routing->max_fallbacks) {
		const struct route_fallback *to = &list->items[p->fallback++];

		if (!plan_make_group(p, to->model, to->matched, a))
			return false;
		if (p->n > 0)
			return true;
	}
	return false;
}

/* Exponential back-off with the chosen jitter; round 1 is the first time that a candidate is asked again. */
static uint32_t backoff(const struct retry_settings *r, unsigned round)
{
	uint64_t wait = (uint64_t)r->base_ms << (round < 20 ? round - 1 : 19);

	if (wait > (uint64_t)r->max_ms)
		wait = (uint64_t)r->max_ms;
	switch ((enum jitter_setting)r->jitter) {
	case JITTER_FULL:
		return (uint32_t)rand_below(wait + 1);
	case JITTER_EQUAL:
		return (uint32_t)(wait / 2 + rand_below(wait / 2 + 1));
	case JITTER_NONE:
		break;
	}
	return (uint32_t)wait;
}

enum plan_got plan_next(struct plan *p, const struct plan_failed *failed, uint64_t now_ms, struct arena *a,
                        struct candidate *out, uint32_t *wait_ms)
{
	int64_t retry_after_ms = failed ? failed->retry_after_ms : -1;
	const struct retry_settings *r = &p->table->routing->retries;

	for (;;) {
		unsigned round = p->n ? p->tries / p->n : 0;
		uint32_t wait = 0;
		bool over = p->n == 0 || p->tries > (unsigned)r->attempts;

		if (!over && round > 0) {
			wait = backoff(r, round);
			if (retry_after_ms > r->respect_retry_after_ms)
				over = true;
			else if (retry_after_ms > (int64_t)wait)
				wait = (uint32_t)retry_after_ms;
		}
		if (!over) {
			*out = p->group[p->tries++ % p->n];
			*wait_ms = wait;
			return PLAN_TRY;
		}
		if (!next_group(p, a))
			return PLAN_END;
	}
}

void plan_skip_deployment(struct plan *p, const struct deployment *d, enum plan_exclusion why)
{
	unsigned kept = 0, at = p->n ? p->tries % p->n : 0, before = 0;

	for (unsigned i = 0; i < p->n; i++) {
		if (p->group[i].deployment == d)
			continue;
		before += i < at;
		p->group[kept++] = p->group[i];
	}
	/* go on with the one that would have been next */
	p->tries = kept ? p->tries / p->n * kept + before : p->tries;
	p->n = kept;
}
