/* SPDX-License-Identifier: Apache-2.0 */
/* plan: who are the candidates, and in which order. */
#include "route/plan.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "route/filter.h"
#include "route/route_in.h"

/* The upstream's name: a star in it takes what the client's name had there. */
static struct str upstream_model(struct str model, struct str matched, struct arena *a)
{
	size_t star = str_find_chr(model, '*');

	if (model.n == 1)
		return matched;
	return arena_printf(a, "%.*s%.*s%.*s", (int)star, model.p, STR_ARG(matched), (int)(model.n - star - 1),
	                    model.p + star + 1);
}

bool plan_candidate(struct candidate *c, const struct plan_ask *ask, const struct deployment *d, struct str matched,
                    struct arena *a)
{
	enum dialect_id dialect = ask->dialect;

	*c = (struct candidate){ .deployment = d, .model = d->model, .health = d->health };
	if (unlikely(d->has_star)) {
		c->model = upstream_model(d->model, matched, a);
		if (!c->model.p)
			return false;
		c->health = health_of(d->provider->name, c->model);
	}
	c->face = route_face_of(d->provider, dialect, c->model, &c->face_index);
	if (!c->face)
		c->face = route_face_translated(d->provider, dialect, ask->call, c->model, &dialect, &c->face_index);
	c->dialect = dialect_by_id(dialect);
	return true;
}

/* One deployment that may be tried, for a request that says nothing of its own: there is nothing to choose. */
static inline bool make_plain(struct plan *p, const struct route_model *m)
{
	const struct deployment *d = m->deployments;
	const struct plan_ask *ask = &p->ask;
	struct candidate *c = &p->only;
	const struct route_face *face;
	unsigned index;

	if (!m->plain || ask->wishes || ask->policy || filter_may_not_fit(m->window_least, ask->body_bytes))
		return false;
	face = route_face_of(d->provider, ask->dialect, d->model, &index);
	if (!face || health_verdict(d->health, ask->now_ms) != HEALTH_IN)
		return false;
	c->deployment = d;
	c->face = face;
	c->health = d->health;
	c->dialect = dialect_by_id(ask->dialect);
	c->model = d->model;
	c->face_index = index;
	c->place = PLACE_ONLY;
	c->excluded = EXCLUDED_NOT;
	c->tries = 0;
	c->limited = false;
	c->room_ms = c->ready_ms = 0;
	p->group = c;
	p->n = p->n_all = 1;
	return true;
}

/* How far the one that came furthest came: what would help is told, not what else is wrong. */
static unsigned telling(enum plan_exclusion e)
{
	static const uint8_t ranks[EXCLUSIONS] = {
		[EXCLUDED_DIALECT] = 1,
		[EXCLUDED_REGION] = 2,
		[EXCLUDED_ZDR] = 2,
		[EXCLUDED_DATA_COLLECTION] = 2,
		[EXCLUDED_QUANTIZATION] = 3,
		[EXCLUDED_PRICE] = 3,
		[EXCLUDED_WISH] = 3,
		[EXCLUDED_CAPABILITY] = 4,
		[EXCLUDED_MAX_OUTPUT] = 4,
		[EXCLUDED_CONTEXT_WINDOW] = 5,
		[EXCLUDED_BROKEN] = 6,
		[EXCLUDED_COOLING] = 6,
		[EXCLUDED_FAILED] = 6,
		[EXCLUDED_LIMIT] = 7,
	};

	return ranks[e];
}

static void tell_empty(struct plan *p)
{
	p->room_ms = UINT32_MAX;
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];

		if (telling((enum plan_exclusion)c->excluded) > telling((enum plan_exclusion)p->empty))
			p->empty = c->excluded;
		if (c->excluded == EXCLUDED_LIMIT && c->room_ms < p->room_ms)
			p->room_ms = c->room_ms;
	}
	if (p->empty != EXCLUDED_LIMIT)
		p->room_ms = 0;
}

/* Asks each, and where nothing is left for what models lack, again for less. The number of those that may be tried. */
static unsigned sift(struct filter *f, struct candidate *all, unsigned n_all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_all; i++) {
		all[i].excluded = (uint8_t)filter_exclusion(f, &all[i]);
		n += all[i].excluded == EXCLUDED_NOT;
	}
	while (unlikely(n == 0) && filter_relax(f, all, n_all))
		for (unsigned i = 0; i < n_all; i++) {
			if (all[i].excluded != EXCLUDED_CAPABILITY)
				continue;
			all[i].excluded = (uint8_t)filter_exclusion(f, &all[i]);
			n += all[i].excluded == EXCLUDED_NOT;
		}
	return n;
}

/* Those that are excluded go to the group's end, in their order; the others close up. */
static void set_aside(struct plan *p, struct candidate *all)
{
	unsigned n = 0, out = p->n;

	for (unsigned i = 0; i < p->n_all; i++)
		if (all[i].excluded)
			p->group[out++] = all[i];
		else if (n++ != i)
			all[n - 1] = all[i];
}

static NOINLINE bool make_chosen(struct plan *p, const struct route_model *m, struct str matched, struct arena *a)
{
	unsigned n_all = m->n_deployments < PLAN_GROUP_MAX ? m->n_deployments : PLAN_GROUP_MAX, kept, out;
	struct candidate all[PLAN_GROUP_MAX];
	uint16_t list[PLAN_GROUP_MAX];
	struct filter f;

	if (n_all > p->room) { /* a request that waits for room makes its group anew many times */
		p->many = arena_alloc(a, n_all * sizeof *p->many);
		if (!p->many)
			return false;
		p->room = n_all;
	}
	p->group = p->many;
	for (unsigned i = 0; i < n_all; i++)
		if (!plan_candidate(&all[i], &p->ask, &m->deployments[i], matched, a))
			return false;
	filter_init(&f, &p->ask, m, p->target, all, n_all);
	p->n_all = n_all;
	p->n = sift(&f, all, n_all);
	if (p->n < n_all)
		set_aside(p, all);
	if (p->n == 0) {
		tell_empty(p);
		return true;
	}
	kept = plan_arrange(p, all, p->n, list);
	for (unsigned i = 0; i < kept; i++)
		p->group[i] = all[list[i]];
	out = kept;
	for (unsigned i = 0; kept < p->n && i < p->n; i++)
		if (all[i].excluded)
			p->group[out++] = all[i];
	p->n = kept;
	return true;
}

bool plan_make_group(struct plan *p, const struct route_model *m, struct str matched, struct arena *a)
{
	p->model = m;
	p->tries = 0;
	p->last_resort = false;
	p->empty = EXCLUDED_NOT;
	p->room_ms = 0;
	return likely(make_plain(p, m)) || make_chosen(p, m, matched, a);
}

/* Soonest back; of those that are so at the same time, the one that only cools. */
static struct candidate *least_bad(const struct plan *p)
{
	struct candidate *best = NULL;
	uint64_t best_back = 0;

	for (unsigned i = 0; i < p->n_all; i++) {
		struct candidate *c = &p->group[i];
		uint64_t back;

		if (c->excluded != EXCLUDED_COOLING && c->excluded != EXCLUDED_BROKEN)
			continue;
		back = health_back_ms(c->health);
		if (!best || back < best_back || (back == best_back && c->excluded < best->excluded)) {
			best = c;
			best_back = back;
		}
	}
	return best;
}

bool plan_last_resort(struct plan *p)
{
	struct candidate *c = least_bad(p), it;

	if (!c || p->n || !p->table->routing->last_resort ||
	    !(p->empty == EXCLUDED_COOLING || p->empty == EXCLUDED_BROKEN))
		return false;
	it = *c;
	*c = p->group[0];
	it.excluded = EXCLUDED_NOT;
	it.place = PLACE_LAST_RESORT;
	p->group[0] = it;
	p->n = 1;
	p->last_resort = true;
	return true;
}

/* ---- the model's name ---- */

/* OpenRouter passes its own suffixes on to itself. */
static bool knows_suffixes(const struct route_model *m)
{
	return m->n_deployments && m->deployments->has_star &&
	       str_eq(provider_kind(m->deployments->provider->settings), STR("openrouter"));
}

static COLD const struct route_model *find_with_suffix(struct plan *p, struct str name, struct str *matched)
{
	static const struct {
		struct str text;
		enum wish_sort sort;
	} suffixes[] = {
		{ STR_INIT(":nitro"), WISH_SORT_THROUGHPUT },
		{ STR_INIT(":floor"), WISH_SORT_PRICE },
	};

	if (map_get(&p->table->exact, name))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		const struct route_model *m;

		if (!str_ends(name, suffixes[i].text))
			continue;
		m = route_find(p->table, str_slice(name, 0, name.n - suffixes[i].text.n), matched);
		if (!m || knows_suffixes(m))
			return NULL;
		p->sort = (uint8_t)suffixes[i].sort;
		return m;
	}
	return NULL;
}

const struct route_model *plan_find(struct plan *p, struct str name, struct str *matched)
{
	const struct route_model *m = NULL;

	p->sort = WISH_SORT_NONE;
	if (unlikely(name.n > 6 && name.p[name.n - 6] == ':'))
		m = find_with_suffix(p, name, matched);
	return m ? m : route_find(p->table, name, matched);
}

static COLD bool is_unknown(const struct plan *p, struct str name, struct arena *a, struct err *e)
{
	struct str near = route_nearest(p->table, name, a);

	return err_set(e, ERR_MODEL_NOT_FOUND,
	               near.n ? "the model \"%.*s\" does not exist; did you mean \"%.*s\"?"
	                      : "the model \"%.*s\" does not exist%.*s",
	               STR_ARG(name), STR_ARG(near));
}

/* May something else follow a group in which nothing is left? */
static COLD bool may_go_on(struct plan *p)
{
	const struct route_wishes *w = p->ask.wishes;

	if (p->room_ms || (w && p->targets_begun < w->n_targets))
		return true;
	if (!(w && w->targets_only) && (p->first->lists[LIST_GENERAL].n || (p->empty == EXCLUDED_CONTEXT_WINDOW &&
	                                                                    p->first->lists[LIST_CONTEXT_WINDOW].n)))
		return true;
	return plan_last_resort(p);
}

bool plan_make(struct plan *p, const struct route_table *t, const struct plan_ask *ask, struct arena *a, struct err *e)
{
	struct str name = ask->model;

	memset(p, 0, offsetof(struct plan, ask));
	p->table = t;
	if (ask != &p->ask)
		p->ask = *ask;
	if (unlikely(ask->wishes && ask->wishes->n_targets)) {
		p->target = &ask->wishes->targets[0];
		p->targets_begun = 1;
		if (p->target->model.n)
			name = p->target->model;
	}
	p->first = plan_find(p, name, &p->matched);
	if (!p->first)
		return is_unknown(p, name, a, e);
	if (!plan_make_group(p, p->first, p->matched, a))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	return likely(p->n) || may_go_on(p) || plan_refuse(p, e);
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
		if (c.place != PLACE_ONLY)
			c.place = PLACE_STATE;
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
