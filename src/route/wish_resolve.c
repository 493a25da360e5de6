/* SPDX-License-Identifier: Apache-2.0 */
/* wish_resolve: names in wishes, against the providers and models that there are. */
#include "base/arena.h"
#include "base/err.h"
#include "provider/providers.h"
#include "route/table.h"
#include "route/wishes.h"

/* ---- names of providers ---- */

#define PLAIN_MAX 64

/* Letters in lower case and digits; the others do not matter. 0: too long, or nothing is left. */
static size_t plain_name(struct str name, char out[PLAIN_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c == ' ' || c == '-' || c == '_' || c == '.')
			continue;
		if (n == PLAIN_MAX)
			return 0;
		out[n++] = c;
	}
	return n;
}

/* What other gateways call the providers of ours. */
static const struct { struct str theirs, ours; } aliases[] = {
	{ STR_INIT("amazonbedrock"), STR_INIT("bedrock") }, { STR_INIT("awsbedrock"), STR_INIT("bedrock") },
	{ STR_INIT("google"), STR_INIT("gemini") }, { STR_INIT("googleaistudio"), STR_INIT("gemini") },
	{ STR_INIT("googlevertex"), STR_INIT("vertex") }, { STR_INIT("vertexai"), STR_INIT("vertex") },
	{ STR_INIT("azureopenai"), STR_INIT("azure") }, { STR_INIT("mistralai"), STR_INIT("mistral") },
	{ STR_INIT("togetherai"), STR_INIT("together") }, { STR_INIT("fireworksai"), STR_INIT("fireworks") },
	{ STR_INIT("perplexityai"), STR_INIT("perplexity") }, { STR_INIT("novitaai"), STR_INIT("novita") },
	{ STR_INIT("moonshotai"), STR_INIT("moonshot") }, { STR_INIT("alibaba"), STR_INIT("dashscope") },
};

static bool same_plain(struct str name, const char *plain, size_t n)
{
	char own[PLAIN_MAX];
	size_t len = plain_name(name, own);

	return len > 0 && len == n && memcmp(own, plain, n) == 0;
}

bool wish_provider_is(struct str name, const struct route_provider *p)
{
	struct str kind = provider_kind(p->settings);
	char plain[PLAIN_MAX];
	size_t n = plain_name(name, plain);

	if (n == 0)
		return false;
	if (same_plain(p->name, plain, n) || same_plain(kind, plain, n))
		return true;
	for (size_t i = 0; i < COUNT_OF(aliases); i++)
		if (str_eq(aliases[i].theirs, str_of(plain, n)))
			return str_eq(aliases[i].ours, kind);
	return false;
}

/* The region, as the name of the settings and as part of it: "eastus" of "eastus", "eu" not of "eu-west-1". */
static bool is_variant(struct str variant, const struct deployment *d)
{
	struct str region = d->settings && d->settings->region.n ? d->settings->region : d->provider->settings->region;

	return (region.n && str_ieq(variant, region)) ||
	       (d->settings && d->settings->quantization.n && str_ieq(variant, d->settings->quantization));
}

static bool means(struct str name, const struct deployment *d, struct str upstream_model)
{
	struct str model = name, provider;

	if (wish_provider_is(name, d->provider))
		return true;
	provider = str_cut(&model, '/');
	if (!model.p || model.n == 0 || !wish_provider_is(provider, d->provider))
		return false;
	return str_ieq(model, upstream_model) || is_variant(model, d);
}

int wish_names_at(const struct wish_names *w, const struct deployment *d, struct str upstream_model)
{
	for (unsigned i = 0; i < w->n; i++)
		if (means(w->names[i], d, upstream_model))
			return (int)i;
	return -1;
}

struct str wish_key_at(const struct route_wishes *w, const struct wish_target *t, const struct route_provider *p)
{
	if (t && t->key.n && (t->provider.n == 0 || wish_provider_is(t->provider, p)))
		return t->key;
	for (unsigned i = 0; i < w->n_byok; i++)
		if (wish_provider_is(w->byok[i].provider, p))
			return w->byok[i].key;
	return (struct str){ 0 };
}

static int64_t capped(int64_t ms, int64_t most)
{
	return ms < most ? ms : most;
}

void wish_lay_timeouts(const struct route_wishes *w, const struct wish_target *t, const struct route_provider *p,
                       bool own_key, struct timeout_settings *out)
{
	int64_t first_byte_ms = w->first_byte_ms;

	for (unsigned i = 0; i < w->n_timeouts && first_byte_ms == WISH_UNSET; i++)
		if (w->timeouts[i].own_key == own_key && w->timeouts[i].first_byte_ms > 0 &&
		    wish_provider_is(w->timeouts[i].provider, p))
			first_byte_ms = w->timeouts[i].first_byte_ms;
	if (w->connect_ms != WISH_UNSET)
		out->connect_ms = capped(w->connect_ms, out->total_ms);
	if (first_byte_ms != WISH_UNSET)
		out->first_byte_ms = capped(first_byte_ms, out->total_ms);
	if (w->idle_ms != WISH_UNSET)
		out->idle_ms = capped(w->idle_ms, out->total_ms);
	if (t && t->timeout_ms != WISH_UNSET)
		out->total_ms = capped(t->timeout_ms, out->total_ms);
}

/* ---- targets ---- */

static const struct route_provider *find_provider(const struct route_table *t, struct str name)
{
	for (size_t i = 0; i < t->n_wildcards; i++)
		if (wish_provider_is(name, t->wildcards[i]->deployments[0].provider))
			return t->wildcards[i]->deployments[0].provider;
	return NULL;
}

/* Has the model a deployment at the provider? */
static bool is_at(const struct route_model *m, struct str provider)
{
	for (unsigned i = 0; i < m->n_deployments; i++)
		if (wish_provider_is(provider, m->deployments[i].provider))
			return true;
	return false;
}

/* Is there one that would understand a list of models itself? */
static bool knows_lists(const struct route_model *m)
{
	for (unsigned i = 0; m && i < m->n_deployments; i++)
		if (m->deployments[i].provider->quirks & QUIRK_KNOWS_ROUTING)
			return true;
	return false;
}

struct str wish_without_suffix(struct str name)
{
	static const struct str suffixes[] = { STR_INIT(":nitro"), STR_INIT(":floor") };

	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return str_slice(name, 0, name.n - suffixes[i].n);
	return name;
}

static const struct route_model *find_model(const struct route_table *table, struct str name)
{
	struct str matched;
	const struct route_model *m = route_find(table, name, &matched);

	return m ? m : route_find(table, wish_without_suffix(name), &matched);
}

enum found { FOUND, FOUND_NOT, FOUND_WRONG };

/* The model's name becomes one that the table knows. */
static enum found resolve(struct arena *a, struct wish_target *t, const struct route_table *table, struct str asked,
                          struct err *e)
{
	struct str name = t->model.n ? t->model : asked;
	const struct route_model *m = find_model(table, name);
	const struct route_provider *p;

	if (t->provider.n == 0)
		return m ? FOUND : FOUND_NOT;
	p = find_provider(table, t->provider);
	if (!p) {
		err_set(e, ERR_INVALID_REQUEST,
		        "the provider \"%.*s\" that the request names is none of this gateway's",
		        STR_ARG(str_slice(t->provider, 0, 80)));
		return FOUND_WRONG;
	}
	if (m && is_at(m, t->provider))
		return FOUND;
	t->model = arena_printf(a, "%.*s/%.*s", STR_ARG(p->name), STR_ARG(name));
	if (!t->model.p) {
		err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
		return FOUND_WRONG;
	}
	return find_model(table, t->model) ? FOUND : FOUND_NOT;
}

static bool is_unknown(const struct route_table *table, struct str name, struct arena *a, struct err *e)
{
	struct str near = route_nearest(table, name, a);

	return err_set(e, ERR_MODEL_NOT_FOUND,
	               near.n ? "the model \"%.*s\" does not exist; did you mean \"%.*s\"?"
	                      : "the model \"%.*s\" does not exist%.*s",
	               STR_ARG(name), STR_ARG(near));
}

bool wishes_resolve(struct arena *a, struct route_wishes *w, const struct route_table *table, struct str asked,
                    bool (*allows)(const void *arg, struct str model), const void *arg, struct err *e)
{
	struct wish_target *kept = arena_alloc(a, (w->n_targets + 1) * sizeof *kept);
	unsigned n = 0;

	if (!kept)
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	for (unsigned i = 0; i < w->n_targets; i++) {
		struct wish_target t = w->targets[i];
		enum found found = resolve(a, &t, table, asked, e);
		struct str name = t.model.n ? t.model : asked;

		if (found == FOUND_WRONG)
			return false;
		if (!allows(arg, name))
			return err_set(e, ERR_MODEL_NOT_ALLOWED, "this key may not use the model \"%.*s\"",
			               STR_ARG(name));
		if (found == FOUND)
			kept[n++] = t;
		else if (!knows_lists(find_model(table, asked)))
			return is_unknown(table, name, a, e);
	}
	w->targets = n ? kept : NULL;
	w->n_targets = n;
	return true;
}
