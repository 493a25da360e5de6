/* SPDX-License-Identifier: Apache-2.0 */
/* deployment: what the catalogue and the configuration know of a deployment's model. */
#include <assert.h>

#include "base/arena.h"
#include "route/table.h"

/* For a name that there is no room to keep: its entry is made for one question. */
enum { ENTRY_BYTES_MAX = 64 << 10 };

/* What stands in the deployment's settings goes over everything else. */
static void lay_settings(const void *owner, struct arena *a, struct model_entry *e)
{
	const struct deployment_settings *s = owner;
	const struct str *caps = s->capabilities.items;
	struct price price = price_from_settings(&s->price, a);

	if (!price_is_unknown(&price)) {
		catalogue_lay_price(&e->price, &price, a);
		e->price_from = ORIGIN_CONFIG;
	}
	if (s->context_window > 0)
		e->facts.context_window = (uint32_t)s->context_window;
	if (s->max_output > 0)
		e->facts.max_output = (uint32_t)s->max_output;
	for (size_t i = 0; i < s->capabilities.n; i++) {
		bool known = model_cap_lay(&e->facts, caps[i]);
		assert(known); /* checked with the settings */
	}
	if (s->context_window > 0 || s->max_output > 0 || s->capabilities.n)
		e->facts_from = ORIGIN_CONFIG;
}

/* Whose model it is for the catalogue: the settings may name another than the one that is asked. */
static void names_of(const struct deployment *d, struct str upstream_model, struct str *provider, struct str *model)
{
	struct str base = d->settings ? d->settings->base_model : STR("");
	size_t slash = str_find_chr(base, '/');

	*provider = provider_kind(d->provider->settings);
	*model = base.n ? base : upstream_model;
	if (slash != STR_NPOS && slash > 0 && catalogue_has(str_slice(base, 0, slash))) {
		*provider = str_slice(base, 0, slash);
		*model = str_slice(base, slash + 1, base.n);
	}
}

static void entry_of(const struct deployment *d, struct str upstream_model, struct arena *a, struct model_entry *out)
{
	struct str provider, model;

	names_of(d, upstream_model, &provider, &model);
	catalogue_entry(d->catalogue, provider, model, a, out);
	if (d->settings)
		lay_settings(d->settings, a, out);
}

void deployment_know(struct deployment *d, const struct catalogue *c, struct arena *a)
{
	struct model_entry *e = arena_must(a, sizeof(*e));

	d->catalogue = c;
	d->by_name = d->has_star && !(d->settings && d->settings->base_model.n);
	if (d->by_name) {
		*e = (struct model_entry){ .price = PRICE_UNKNOWN };
		if (d->settings)
			lay_settings(d->settings, a, e);
	} else {
		entry_of(d, d->model, a, e);
	}
	d->price = e->price;
	d->facts = &e->facts;
	d->price_from = e->price_from;
	d->facts_from = e->facts_from;
}

static const struct model_entry *kept(const struct deployment *d, struct str upstream_model)
{
	struct str provider, model;

	names_of(d, upstream_model, &provider, &model);
	return catalogue_keep(d->catalogue, provider, model, d->settings, d->settings ? lay_settings : NULL);
}

const struct model_facts *deployment_facts(const struct deployment *d, struct str upstream_model)
{
	const struct model_entry *e = d->by_name ? kept(d, upstream_model) : NULL;

	if (!d->by_name)
		return d->facts;
	return e ? &e->facts : model_facts_by_name(upstream_model);
}

const struct price *deployment_price(const struct deployment *d, struct str upstream_model)
{
	const struct model_entry *e = kept(d, upstream_model);

	return e ? &e->price : NULL;
}

bool deployment_cost_by_name(const struct deployment *d, struct str upstream_model, const struct usage *u,
                             int64_t at_ms, int64_t *nusd)
{
	const struct model_entry *e = kept(d, upstream_model);
	struct model_entry made;
	struct arena arena;
	bool known;

	if (e)
		return price_cost(&e->price, u, at_ms, nusd);
	arena_init(&arena, ENTRY_BYTES_MAX);
	entry_of(d, upstream_model, &arena, &made);
	known = price_cost(&made.price, u, at_ms, nusd);
	arena_fini(&arena);
	return known;
}
