/* SPDX-License-Identifier: Apache-2.0 */
/* tries: how a plan goes on after a failure: the next candidate, back-off, the lists of fallbacks. */
#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "route/plan.h"
#include "route/route_in.h"

/* ---- what the last try tells ---- */

void plan_skip_deployment(struct plan *p, const struct deployment *d, enum plan_exclusion why)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct candidate *c = &p->group[i];

		if (c->deployment != d || c->excluded != EXCLUDED_NOT)
			continue;
		c->excluded = (uint8_t)why;
		/* it was none of the tries: nobody else may have to do without one for it */
		if (c->tries && p->tries)
			p->tries--;
	}
}

static uint32_t window_of(const struct candidate *c)
{
	return deployment_facts(c->deployment, c->model)->context_window;
}

/* A prompt that was too long here fits only where more is known to fit. */
static void keep_larger(struct plan *p, const struct candidate *failed)
{
	uint32_t too_small = window_of(failed);

	for (unsigned i = 0; i < p->n; i++)
		if (too_small == 0 || window_of(&p->group[i]) <= too_small)
			plan_skip_deployment(p, p->group[i].deployment, EXCLUDED_CONTEXT_WINDOW);
}

static struct candidate *failed_one(struct plan *p, const struct plan_failed *f)
{
	if (!f->deployment)
		return p->at < p->n ? &p->group[p->at] : NULL;
	for (unsigned i = 0; i < p->n; i++)
		if (p->group[i].deployment == f->deployment)
			return &p->group[i];
	return NULL;
}

/* It is over for this request, also where it stands for another model. */
static void let_go(struct plan *p, const struct candidate *c)
{
	if (c->health && p->n_gone < PLAN_GONE_MAX)
		p->gone[p->n_gone++] = c->health;
	plan_skip_deployment(p, c->deployment, EXCLUDED_FAILED);
}

enum course { GO_ON, NEXT_GROUP, STOP };

/* The request's own list of statuses stands before the settings', which speak of tries only: fallbacks follow any
 * failure of these classes. */
static enum course after_failed_try(const struct plan *p, const struct plan_failed *f)
{
	const struct wish_target *t = p->target;
	bool again = t && t->retry_listed ? wish_retries_on(t, f->status) : f->retryable;
	bool falls = !(t && t->falls_listed) || wish_falls_on(t, f->status);

	return again ? GO_ON : falls ? NEXT_GROUP : STOP;
}

static enum course judge(struct plan *p, const struct plan_failed *f, uint64_t now_ms)
{
	struct candidate *c = failed_one(p, f);

	switch (f->class) {
	case FAILURE_TRANSIENT: case FAILURE_RATE_LIMIT:
		if (c) {
			c->limited = f->class == FAILURE_RATE_LIMIT;
			c->ready_ms = f->retry_after_ms > 0
			                      ? (uint32_t)(now_ms - p->ask.now_ms) + (uint32_t)f->retry_after_ms : 0;
		}
		return after_failed_try(p, f);
	case FAILURE_CREDENTIAL: case FAILURE_NO_MODEL:
		if (c)
			let_go(p, c);
		return GO_ON;
	case FAILURE_CONTEXT_WINDOW:
		if (c)
			keep_larger(p, c);
		p->list = LIST_CONTEXT_WINDOW;   /* also if a larger one fails otherwise */
		return GO_ON;
	case FAILURE_CONTENT_POLICY:
		p->list = LIST_CONTENT_POLICY;
		return NEXT_GROUP;
	case FAILURE_CLIENT:
		return p->target && p->target->falls_listed && wish_falls_on(p->target, f->status) ? NEXT_GROUP : STOP;
	case FAILURE_NONE: case FAILURES:
		break;
	}
	return STOP;
}

/* ---- inside of a group ---- */

/* What is out stays out; but a request may go on with a deployment that cools because of its own failures. */
static bool is_out(const struct candidate *c, uint64_t now_ms)
{
	if (!c->health)
		return false;
	switch (health_verdict(c->health, now_ms)) {
	case HEALTH_IN: case HEALTH_PROBE:
		break;
	case HEALTH_COOLING:
		return c->tries == 0;
	case HEALTH_BROKEN:
		return true;
	}
	return false;
}

static uint32_t ready_in(const struct plan *p, const struct candidate *c, uint64_t now_ms)
{
	uint64_t passed = now_ms - p->ask.now_ms;

	return c->ready_ms > passed ? (uint32_t)(c->ready_ms - passed) : 0;
}

/* Those first that were asked least; of these, the one that may be asked soonest; those that are over their limit only
 * when nobody else is left. False: nobody is. */
static bool choose(struct plan *p, uint64_t now_ms, const struct retry_settings *r)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < p->n; i++) {
		const struct candidate *c = &p->group[i];
		uint64_t in_ms = ready_in(p, c, now_ms), rank;

		if (c->excluded != EXCLUDED_NOT || in_ms > (uint64_t)r->respect_retry_after_ms)
			continue;
		if (p->last_resort ? c->tries > 0 : is_out(c, now_ms))
			continue;
		rank = (uint64_t)c->limited << 60 | (uint64_t)c->tries << 48 | in_ms << 16 | i;
		if (rank < best) {
			best = rank;
			p->at = i;
		}
	}
	return best != UINT64_MAX;
}

/* Further tries in this group. */
static unsigned attempts_of(const struct plan *p)
{
	const struct route_wishes *w = p->ask.wishes;

	if (p->target && p->target->attempts != WISH_UNSET)
		return (unsigned)p->target->attempts;
	if (w && w->attempts != WISH_UNSET)
		return (unsigned)w->attempts;
	return (unsigned)p->table->routing->retries.attempts;
}

/* As the request wants it: without jitter. */
static uint32_t wished_backoff(const struct route_wishes *w, const struct retry_settings *r, unsigned round)
{
	uint64_t base = (uint64_t)(w->base_ms != WISH_UNSET ? w->base_ms : r->base_ms), wait = base;

	switch (w->backoff) {
	case WISH_BACKOFF_LINEAR:
		wait = base * round;
		break;
	case WISH_BACKOFF_EXPONENTIAL:
		wait = base << (round < 20 ? round - 1 : 19);
		break;
	case WISH_BACKOFF_SETTINGS: case WISH_BACKOFF_CONSTANT:
		break;
	}
	return (uint32_t)(wait < (uint64_t)r->max_ms ? wait : (uint64_t)r->max_ms);
}

/* Exponential back-off with the chosen jitter; round 1 is the first time that a candidate is asked again. */
static uint32_t backoff(const struct plan *p, const struct retry_settings *r, unsigned round)
{
	const struct route_wishes *w = p->ask.wishes;
	int64_t base_ms = w && w->base_ms != WISH_UNSET ? w->base_ms : r->base_ms;
	uint64_t wait = (uint64_t)base_ms << (round < 20 ? round - 1 : 19);

	if (w && w->backoff != WISH_BACKOFF_SETTINGS)
		return wished_backoff(w, r, round);
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

static uint32_t wait_before(const struct plan *p, const struct candidate *c, uint64_t now_ms,
                            const struct retry_settings *r)
{
	uint32_t wait, ready;

	if (c->tries == 0)
		return 0;
	wait = backoff(p, r, c->tries);
	ready = ready_in(p, c, now_ms);
	return ready > wait ? ready : wait;
}

/* ---- from group to group ---- */

static struct str target_model(const struct plan *p, const struct wish_target *t)
{
	return t->model.n ? t->model : p->ask.model;
}

/* No model is begun twice, whichever lists name it. */
static bool was_begun(const struct plan *p, struct str name)
{
	if (p->targets_begun == 0 && str_eq(name, p->ask.model))
		return true;
	for (unsigned i = 0; i < p->targets_begun; i++)
		if (str_eq(name, target_model(p, &p->ask.wishes->targets[i])))
			return true;
	for (int l = 0; l < ROUTE_LISTS; l++)
		for (unsigned i = 0; i < p->list_at[l]; i++)
			if (str_eq(name, p->first->lists[l].items[i].name))
				return true;
	return false;
}

static const struct route_fallback *next_of(struct plan *p, enum route_list l)
{
	const struct route_fallbacks *list = &p->first->lists[l];

	while (p->list_at[l] < list->n) {
		const struct route_fallback *f = &list->items[p->list_at[l]];
		bool begun = was_begun(p, f->name);

		p->list_at[l]++;
		if (!begun)
			return f;
	}
	return NULL;
}

/* Another group, without those that are over for this request. False: no memory. */
static bool make_group(struct plan *p, const struct route_model *m, struct str matched, struct arena *a)
{
	if (!plan_make_group(p, m, matched, a))
		return false;
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned k = 0; k < p->n_gone; k++)
			if (p->group[i].health == p->gone[k])
				p->group[i].excluded = EXCLUDED_FAILED;
	return true;
}

static bool is_anybody_left(const struct plan *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->group[i].excluded == EXCLUDED_NOT)
			return true;
	return false;
}

/* The next of the ways that the request itself names. */
static bool next_target(struct plan *p, struct arena *a)
{
	const struct route_wishes *w = p->ask.wishes;

	while (w && p->targets_begun < w->n_targets) {
		const struct wish_target *t = &w->targets[p->targets_begun++];
		struct str matched;
		const struct route_model *m = plan_find(p, target_model(p, t), &matched);

		p->target = t;
		if (m && !make_group(p, m, matched, a))
			return false;
		if (m && is_anybody_left(p))
			return true;
	}
	return false;
}

/* The next of the list that the failure asked for, then of the general one. */
static bool next_fallback(struct plan *p, struct arena *a)
{
	const enum route_list order[] = { (enum route_list)p->list, LIST_GENERAL };

	p->target = NULL;
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		const struct route_fallback *f;

		while (p->n_fallbacks < (unsigned)p->table->routing->max_fallbacks && (f = next_of(p, order[i]))) {
			if (!make_group(p, f->model, f->matched, a))
				return false;
			if (!is_anybody_left(p))
				continue;
			p->n_fallbacks++;
			return true;
		}
	}
	return false;
}

static bool next_group(struct plan *p, const struct plan_failed *failed, struct arena *a)
{
	const struct route_wishes *w = p->ask.wishes;

	if (failed && p->target && !wish_falls_on(p->target, failed->status))
		return false;
	p->elsewhere = true;
	if (next_target(p, a))
		return true;
	return !(w && (w->targets_only || w->no_fallbacks)) && next_fallback(p, a);
}

/* Is somebody only at its limits? Then there will be room. */
static bool may_have_room(struct plan *p)
{
	uint32_t room_ms = UINT32_MAX;

	for (unsigned i = 0; i < p->n_all; i++)
		if (p->group[i].excluded == EXCLUDED_LIMIT && p->group[i].room_ms < room_ms)
			room_ms = p->group[i].room_ms;
	if (room_ms != UINT32_MAX)
		p->room_ms = room_ms;
	return room_ms != UINT32_MAX;
}

/* What this request has learned of a deployment of the first group, however often that is made anew. */
struct plan_past { const struct deployment *deployment; uint16_t tries; uint8_t excluded; };

static bool is_for_good(const struct candidate *c)
{
	return c->excluded == EXCLUDED_FAILED || c->excluded == EXCLUDED_CAPABILITY ||
	       c->excluded == EXCLUDED_CONTEXT_WINDOW;
}

/* Of those that were to be tried; the others' reasons are found anew. False: no memory. */
static bool keep_past(struct plan *p, struct arena *a)
{
	p->n_past = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct candidate *c = &p->group[i];
		/* one that was given and had no room was not tried */
		unsigned tries = c->tries - (c->tries && c->excluded != EXCLUDED_NOT && !is_for_good(c));

		if (tries == 0 && !is_for_good(c))
			continue;
		if (!p->past)
			p->past = arena_alloc(a, p->n_all * sizeof *p->past);
		if (!p->past)
			return false;
		p->past[p->n_past++] = (struct plan_past){ c->deployment, (uint16_t)tries,
			                                   is_for_good(c) ? c->excluded : EXCLUDED_NOT };
	}
	return true;
}

static void lay_past(struct plan *p)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned k = 0; k < p->n_past; k++)
			if (p->past[k].deployment == p->group[i].deployment) {
				p->group[i].tries = (uint8_t)p->past[k].tries;
				p->group[i].excluded = p->past[k].excluded;
			}
}

/* The group of the model that was asked for, anew. What was tried of it counts on. */
static bool begin_again(struct plan *p, struct arena *a)
{
	const struct route_wishes *w = p->ask.wishes;
	unsigned tries = p->tries_first;

	p->target = w && w->n_targets ? &w->targets[0] : NULL;
	if (!make_group(p, p->first, p->matched, a))
		return false;
	lay_past(p);
	p->tries = tries;
	p->elsewhere = false;
	return true;
}

static enum plan_got give(struct plan *p, uint64_t now_ms, const struct retry_settings *r, struct candidate *out,
                          uint32_t *wait_ms)
{
	struct candidate *c = &p->group[p->at];

	*wait_ms = wait_before(p, c, now_ms, r);
	c->tries++;
	p->tries++;
	*out = *c;
	return PLAN_TRY;
}

/* Nobody else is left. Of the model that was asked for some may get room, or all are out and one is tried all the
 * same. */
static enum plan_got last_of_all(struct plan *p, uint64_t now_ms, const struct retry_settings *r, struct arena *a,
                                 struct candidate *out, uint32_t *wait_ms)
{
	if (p->first_full) {
		if (!begin_again(p, a))
			return PLAN_END;
		if (choose(p, now_ms, r))
			return give(p, now_ms, r, out, wait_ms);
		p->again = may_have_room(p);
		return p->again ? PLAN_FULL : PLAN_END;
	}
	if (!p->first_untried)
		return PLAN_END;
	p->first_untried = false;
	if (!begin_again(p, a) || !(p->n || plan_last_resort(p)) || !choose(p, now_ms, r))
		return PLAN_END;
	return give(p, now_ms, r, out, wait_ms);
}

static bool leave_first(struct plan *p, struct arena *a)
{
	p->tries_first = p->tries;
	p->first_untried = true;
	for (unsigned i = 0; i < p->n; i++)
		p->first_untried &= p->group[i].tries == 0;
	p->first_full = p->tries <= attempts_of(p) && may_have_room(p);
	if (p->n == 0 && p->empty == EXCLUDED_CONTEXT_WINDOW)
		p->list = LIST_CONTEXT_WINDOW;
	return keep_past(p, a);
}

static COLD NOINLINE enum plan_got go_on(struct plan *p, const struct plan_failed *failed, uint64_t now_ms,
                                         struct arena *a, struct candidate *out, uint32_t *wait_ms)
{
	const struct retry_settings *r = &p->table->routing->retries;
	enum course course = failed ? judge(p, failed, now_ms) : GO_ON;

	if (p->again)
		p->ask.now_ms = now_ms;
	if (course == STOP || (p->again && !begin_again(p, a)))
		return PLAN_END;
	p->again = false;
	for (;;) {
		if (course == GO_ON && p->tries <= attempts_of(p) && choose(p, now_ms, r))
			return give(p, now_ms, r, out, wait_ms);
		if (!p->elsewhere && !leave_first(p, a))
			return PLAN_END;
		p->ask.now_ms = now_ms; /* of the groups that follow; nobody's ready_ms is of the one before any more */
		if (!next_group(p, failed, a))
			return last_of_all(p, now_ms, r, a, out, wait_ms);
		course = GO_ON;
	}
}

bool plan_refuse_all(struct plan *p, struct arena *a, struct err *e)
{
	if (!begin_again(p, a))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	return plan_refuse(p, e);
}

enum plan_got plan_next(struct plan *p, const struct plan_failed *failed, uint64_t now_ms, struct arena *a,
                        struct candidate *out, uint32_t *wait_ms)
{
	struct candidate *c = p->group;

	if (unlikely(failed || p->tries || p->n == 0 || c->excluded != EXCLUDED_NOT || p->last_resort))
		return go_on(p, failed, now_ms, a, out, wait_ms);
	p->tries = c->tries = 1;
	*out = *c;
	*wait_ms = 0;
	return PLAN_TRY;
}
