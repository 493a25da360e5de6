/* SPDX-License-Identifier: Apache-2.0 */
/* plan: candidates in order, tries, back-off and fallbacks. */
#include "route/plan.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"

/* Draws among group[0 … n) by weight and puts the drawn one first, then goes on with the rest. */
static void shuffle(struct candidate *group, unsigned n)
{
	for (; n > 1; group++, n--) {
		uint64_t sum = 0, draw;
		unsigned at = 0;
		struct candidate taken;

		for (unsigned i = 0; i < n; i++)
			sum += group[i].deployment->weight;
		if (sum == 0)
			return;
		draw = rand_below(sum);
		while (draw >= group[at].deployment->weight)
			draw -= group[at++].deployment->weight;
		taken = group[at];
		for (; at > 0; at--)
			group[at] = group[at - 1];
		group[0] = taken;
	}
}

/* The upstream's name: a star in it takes what the client's name had there. */
static struct str upstream_model(struct str model, struct str matched, struct arena *a)
{
	size_t star = str_find_chr(model, '*');

	if (model.n == 1)
		return matched;
	return arena_printf(a, "%.*s%.*s%.*s", (int)star, model.p, STR_ARG(matched), (int)(model.n - star - 1),
	                    model.p + star + 1);
}

static bool make_group(struct plan *p, const struct route_model *m, struct str matched, struct arena *a)
{
	unsigned max = m->n_deployments < PLAN_GROUP_MAX ? m->n_deployments : PLAN_GROUP_MAX;
	unsigned n = 0;

	p->tries = p->n = 0;
	p->model = m;
	p->group = arena_alloc(a, max * sizeof *p->group);
	if (!p->group)
		return false;
	for (unsigned i = 0; i < m->n_deployments && n < max; i++) {
		const struct deployment *d = &m->deployments[i];
		struct str model = d->has_star ? upstream_model(d->model, matched, a) : d->model;
		enum dialect_id dialect = p->ask.dialect;
		const struct route_face *face;
		unsigned index;

		if (!model.p)
			return false;
		face = route_face_of(d->provider, p->ask.dialect, model, &index);
		if (!face)
			face = route_face_translated(d->provider, p->ask.dialect, p->ask.call, model, &dialect, &index);
		if (face)
			p->group[n++] = (struct candidate){ .deployment = d, .face = face, .face_index = index,
				.health = d->health, .dialect = dialect_by_id(dialect), .model = model };
	}
	if (m->shuffle)
		for (unsigned from = 0, to; from < n; from = to) {
			for (to = from; to < n && p->group[to].deployment->order == p->group[from].deployment->order;)
				to++;
			shuffle(p->group + from, to - from);
		}
	p->n = n;
	return true;
}

bool plan_make(struct plan *p, const struct route_table *t, const struct plan_ask *ask, struct arena *a, struct err *e)
{
	struct str matched, near, name = ask->model;
	const struct route_model *m = route_find(t, name, &matched);

	if (!m) {
		near = route_nearest(t, name, a);
		return err_set(e, ERR_MODEL_NOT_FOUND,
		               near.n ? "the model \"%.*s\" does not exist; did you mean \"%.*s\"?"
		                      : "the model \"%.*s\" does not exist%.*s",
		               STR_ARG(name), STR_ARG(near));
	}
	*p = (struct plan){ .table = t, .first = m, .ask = *ask };
	if (!make_group(p, m, matched, a))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (p->n == 0 && m->n_fallbacks == 0)
		return err_set(e, ERR_INVALID_REQUEST, "the model \"%.*s\" cannot be reached through the %s API",
		               STR_ARG(name), dialect_by_id(ask->dialect)->name);
	return true;
}

static bool next_group(struct plan *p, struct arena *a)
{
	const struct route_model *m = p->first;

	while (p->fallback < m->n_fallbacks && p->fallback < (unsigned)p->table->routing->max_fallbacks) {
		const struct route_model *to = m->fallbacks[p->fallback++];

		if (!make_group(p, to, to->name, a))
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

/* Moves those that fit to the front, in their order. */
static void move_first(struct plan *p, const struct deployment *d, bool whole)
{
	unsigned front = 0;

	for (unsigned i = 0; i < p->n; i++) {
		struct candidate c = p->group[i];

		if (whole ? c.deployment != d : c.deployment->provider != d->provider)
			continue;
		for (unsigned k = i; k > front; k--)
			p->group[k] = p->group[k - 1];
		p->group[front++] = c;
	}
}

void plan_prefer(struct plan *p, struct str name)
{
	for (unsigned i = 0; i < p->n; i++)
		if (str_eq(p->group[i].deployment->name, name)) {
			const struct deployment *d = p->group[i].deployment;

			move_first(p, d, false);
			move_first(p, d, true);
			return;
		}
}
