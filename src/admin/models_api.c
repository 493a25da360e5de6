/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/models and /admin/v1/providers: what the configuration says, without its secrets. On the loop: nothing
 * blocks. */
#include <stdlib.h>

#include "admin/admin_in.h"
#include "base/clock.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "provider/settings.h"
#include "route/health.h"
#include "route/strategy.h"

/* Pico-dollars a token are micro-dollars a million tokens. Members without a price are left out. */
static void write_price(struct json_writer *w, const struct price *p)
{
	if (price_is_unknown(p)) {
		json_null(w);
		return;
	}
	json_open(w, '{');
	for (unsigned i = 0; i < USAGE_COUNTERS; i++) {
		struct buf text = buf_make(64);

		if (p->token_pusd[i] < 0)
			continue;
		text_from_fixed(&text, p->token_pusd[i], 6);
		json_key(w, str_from_z(usage_counter_name((enum usage_counter)i)));
		json_str(w, buf_str(&text));
		buf_fini(&text);
	}
	json_close(w);
}

static void write_known(struct json_writer *w, uint32_t v)
{
	if (v)
		json_u64(w, v);
	else
		json_null(w);
}

static void write_percentiles(struct json_writer *w, const struct health *h, uint64_t now, uint32_t unit,
                              uint32_t (*figure)(const struct health *, enum health_percentile, uint64_t))
{
	static const char *const names[HEALTH_PERCENTILES] = { "p50", "p75", "p90", "p99" };

	json_open(w, '{');
	for (unsigned p = 0; p < HEALTH_PERCENTILES; p++) {
		json_key(w, str_from_z(names[p]));
		write_known(w, (figure(h, (enum health_percentile)p, now) + unit - 1) / unit);
	}
	json_close(w);
}

/* Of one with a star there are as many as clients think of: it has none of its own. */
static void write_health(struct json_writer *w, const struct health *h)
{
	static const char *const states[] = { "in", "half_open", "cooling", "broken" };
	uint64_t now = clock_now_ms(), back;
	struct health_load load;

	if (!h) {
		json_null(w);
		return;
	}
	load = health_load(h, now);
	back = health_back_ms(h);
	json_open(w, '{');
	json_key_lit(w, "state");
	json_str(w, str_from_z(states[health_verdict(h, now)]));
	json_key_lit(w, "why");
	json_str(w, str_from_z(health_why_name(health_why(h))));
	json_key_lit(w, "back_in_ms");
	json_u64(w, back > now ? back - now : 0);
	json_key_lit(w, "in_flight");
	json_u64(w, load.in_flight);
	json_key_lit(w, "requests_minute");
	json_u64(w, load.requests_minute);
	json_key_lit(w, "tokens_minute");
	json_u64(w, load.tokens_minute);
	json_key_lit(w, "latency_ms");
	write_percentiles(w, h, now, 1000, health_latency_us);
	json_key_lit(w, "tokens_per_second");
	write_percentiles(w, h, now, 1000, health_throughput_milli);
	json_close(w);
}

static void write_deployment(struct json_writer *w, const struct deployment *d)
{
	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, d->name);
	json_key_lit(w, "provider");
	json_str(w, d->provider->name);
	json_key_lit(w, "model");
	json_str(w, d->model);
	json_key_lit(w, "weight");
	json_u64(w, d->weight);
	json_key_lit(w, "order");
	json_i64(w, d->order);
	json_key_lit(w, "usd_per_million_tokens");
	write_price(w, &d->price);
	json_key_lit(w, "price_from");
	json_str(w, str_from_z(catalogue_origin_name((enum catalogue_origin)d->price_from)));
	catalogue_write_facts(w, d->facts);
	json_key_lit(w, "health");
	write_health(w, d->health);
	json_close(w);
}

static const char *const list_names[ROUTE_LISTS] = {
	[LIST_GENERAL] = "fallbacks",
	[LIST_CONTEXT_WINDOW] = "context_window_fallbacks",
	[LIST_CONTENT_POLICY] = "content_policy_fallbacks",
};

static void write_model(struct json_writer *w, const struct route_model *m)
{
	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, m->name);
	json_key_lit(w, "pattern");
	json_bool(w, m->pattern);
	json_key_lit(w, "strategy");
	json_str(w, str_from_z(strategy_of((enum strategy_setting)m->strategy)->name));
	json_key_lit(w, "deployments");
	json_open(w, '[');
	for (unsigned i = 0; i < m->n_deployments; i++)
		write_deployment(w, &m->deployments[i]);
	json_close(w);
	for (int list = 0; list < ROUTE_LISTS; list++) {
		json_key(w, str_from_z(list_names[list]));
		json_open(w, '[');
		for (unsigned i = 0; i < m->lists[list].n; i++)
			json_str(w, m->lists[list].items[i].name);
		json_close(w);
	}
	json_close(w);
}

bool models_api_models(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);
	const struct route_table *t = &c->conf->routes;

	write_list_open(&w);
	for (size_t i = 0; i < t->n_models; i++)
		write_model(&w, &t->models[i]);
	write_list_close(&w, STR(""));
	return json_write_done(&w) || err_set(e, ERR_TOO_LARGE, "the answer is too large");
}

static void write_dialects(struct json_writer *w, unsigned dialects)
{
	json_open(w, '[');
	for (unsigned i = 0; i < DIALECTS; i++)
		if (dialects & DIALECT_BIT(i))
			json_str(w, str_from_z(dialect_by_id((enum dialect_id)i)->name));
	json_close(w);
}

static void write_faces(struct json_writer *w, const struct route_provider *p)
{
	const struct provider *known = provider_by_name(p->name);

	json_open(w, '[');
	for (unsigned i = 0; i < p->n_faces; i++) {
		json_open(w, '{');
		json_key_lit(w, "dialects");
		write_dialects(w, p->faces[i].dialects);
		json_key_lit(w, "base_url");
		if (p->settings->base_url.n)
			json_str(w, p->settings->base_url);
		else
			write_text(w, known && i < PROVIDER_FACES ? known->faces[i].base_url : STR(""));
		json_close(w);
	}
	json_close(w);
}

static void write_provider(struct json_writer *w, const struct route_provider *p)
{
	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, p->name);
	json_key_lit(w, "faces");
	write_faces(w, p);
	json_key_lit(w, "credentials");
	json_u64(w, p->n_credentials);
	json_key_lit(w, "region");
	write_text(w, p->settings->region);
	json_key_lit(w, "zdr");
	json_bool(w, p->settings->zdr);
	json_key_lit(w, "trains_on_data");
	json_bool(w, p->settings->trains_on_data);
	json_close(w);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp((*(const struct route_provider *const *)a)->name,
	               (*(const struct route_provider *const *)b)->name);
}

bool models_api_providers(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);
	const struct map *all = &c->conf->routes.providers;
	const struct route_provider **sorted = arena_alloc(c->arena, (all->n + 1) * sizeof(*sorted));
	size_t n = 0, at = 0;
	void *model;

	if (!sorted)
		return err_set(e, ERR_TOO_LARGE, "the answer is too large");
	while (map_next(all, &at, NULL, &model))
		sorted[n++] = ((struct route_model *)model)->deployments[0].provider;
	qsort(sorted, n, sizeof(*sorted), by_name);
	write_list_open(&w);
	for (size_t i = 0; i < n; i++)
		write_provider(&w, sorted[i]);
	write_list_close(&w, STR(""));
	return json_write_done(&w) || err_set(e, ERR_TOO_LARGE, "the answer is too large");
}
