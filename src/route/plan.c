/* SPDX-License-Identifier: Apache-2.0 */
/* plan: who are the candidates, and in which order. */
#include "route/plan.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "route/route_in.h"

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

bool plan_make_group(struct plan *p, const struct route_model *m, struct str matched, struct arena *a)
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
	if (!plan_make_group(p, m, matched, a))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (p->n == 0 && m->lists[LIST_GENERAL].n == 0)
		return err_set(e, ERR_INVALID_REQUEST, "the model \"%.*s\" cannot be reached through the %s API",
		               STR_ARG(name), dialect_by_id(ask->dialect)->name);
	return true;
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
