/* SPDX-License-Identifier: Apache-2.0 */
/* sluice models: the configured models with what the catalogue knows of them, one of them, or the catalogue itself. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "conf/env.h"
#include "json/tree.h"
#include "json/write.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/prices.h"
#include "main/settings.h"
#include "route/table.h"

enum { OUTPUT_MAX = 16 << 20 };

struct models {
	struct cli *cli;
	struct config *config;
	struct catalogue *catalogue;
};

static int print_buf(struct buf *out)
{
	bool good = !out->failed && fwrite(out->p, 1, out->n, stdout) == out->n && putchar('\n') != EOF;

	buf_fini(out);
	return good ? cli_printed() : EXIT_WRONG;
}

/* As the gateway would have it, without its addresses and credentials. */
static struct deployment deployment_of(const struct models *m, const struct deployment_settings *s)
{
	const struct provider_settings *ps = m->config->providers.items;
	struct route_provider *p = arena_must(&m->cli->arena, sizeof(*p));
	struct deployment d = { .settings = s, .provider = p, .model = s->model };

	p->name = s->provider;
	for (size_t i = 0; i < m->config->providers.n; i++)
		if (str_eq(ps[i].name, s->provider))
			p->settings = &ps[i];
	d.has_star = str_find_chr(s->model, '*') != STR_NPOS;
	deployment_know(&d, m->catalogue, &m->cli->arena);
	return d;
}

/* Pico-dollars a token are micro-dollars a million tokens. */
static struct str price_text(struct cli *c, int64_t pusd)
{
	char text[TEXT_FIXED_MAX];

	return pusd < 0 ? STR("") : arena_dup(&c->arena, str_of(text, text_fixed(text, pusd, 6)));
}

static struct str count_text(struct cli *c, int64_t v)
{
	return v <= 0 ? STR("") : arena_printf(&c->arena, "%lld", (long long)v);
}

/* ---- as JSON ---- */

static void json_price_text(struct json_writer *w, struct cli *c, int64_t pusd)
{
	struct str text = price_text(c, pusd);

	if (text.n)
		json_str(w, text);
	else
		json_null(w);
}

static void write_deployment(struct json_writer *w, const struct models *m, const struct deployment_settings *s)
{
	struct deployment d = deployment_of(m, s);
	struct model_entry e = {
		.facts = *d.facts, .price = d.price, .price_from = d.price_from, .facts_from = d.facts_from
	};

	json_open(w, '{');
	json_key_lit(w, "provider");
	json_str(w, s->provider);
	json_key_lit(w, "model");
	json_str(w, s->model);
	json_key_lit(w, "order");
	json_i64(w, s->order);
	json_key_lit(w, "weight");
	json_i64(w, s->weight);
	json_key_lit(w, "usd_per_million_input");
	json_price_text(w, m->cli, price_of(&d.price, USAGE_INPUT));
	json_key_lit(w, "usd_per_million_output");
	json_price_text(w, m->cli, price_of(&d.price, USAGE_OUTPUT));
	catalogue_write_entry(w, &e);
	json_close(w);
}

static void write_model(struct json_writer *w, const struct models *m, const struct model_settings *s)
{
	const struct deployment_settings *ds = s->deployments.items;

	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, s->name);
	json_key_lit(w, "deployments");
	json_open(w, '[');
	for (size_t i = 0; i < s->deployments.n; i++)
		write_deployment(w, m, &ds[i]);
	json_close(w);
	json_close(w);
}

static int all_as_json(const struct models *m)
{
	const struct model_settings *ms = m->config->models.items;
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);

	json_open(&w, '[');
	for (size_t i = 0; i < m->config->models.n; i++)
		write_model(&w, m, &ms[i]);
	json_close(&w);
	return print_buf(&out);
}

/* ---- as a table ---- */

static const char *const heads[] = { "MODEL",        "DEPLOYMENT", "ORDER",   "WEIGHT",    "USD/M INPUT",
	                             "USD/M OUTPUT", "FROM",       "CONTEXT", "MAX OUTPUT" };

static void add_deployment(struct cli_table *t, const struct models *m, struct str name,
                           const struct deployment_settings *s)
{
	struct cli *c = m->cli;
	struct deployment d = deployment_of(m, s);

	cli_table_add(t, name);
	cli_table_add(t, arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(s->provider), STR_ARG(s->model)));
	cli_table_add(t, arena_printf(&c->arena, "%lld", (long long)s->order));
	cli_table_add(t, arena_printf(&c->arena, "%lld", (long long)s->weight));
	cli_table_add(t, price_text(c, price_of(&d.price, USAGE_INPUT)));
	cli_table_add(t, price_text(c, price_of(&d.price, USAGE_OUTPUT)));
	cli_table_add(t,
	              d.price_from ? str_from_z(catalogue_origin_name((enum catalogue_origin)d.price_from)) : STR(""));
	cli_table_add(t, count_text(c, d.facts->context_window));
	cli_table_add(t, count_text(c, d.facts->max_output));
}

static int print_all(const struct models *m)
{
	const struct model_settings *ms = m->config->models.items;
	const struct provider_settings *ps = m->config->providers.items;
	struct cli *c = m->cli;
	struct cli_table t;

	cli_table_init(&t, &c->arena, heads, COUNT_OF(heads), ~(3u | 1u << 6));
	for (size_t i = 0; i < m->config->models.n; i++) {
		const struct deployment_settings *ds = ms[i].deployments.items;

		for (size_t k = 0; k < ms[i].deployments.n; k++)
			add_deployment(&t, m, ms[i].name, &ds[k]);
	}
	for (size_t i = 0; i < m->config->providers.n; i++) {
		cli_table_add(&t, arena_printf(&c->arena, "%.*s/*", STR_ARG(ps[i].name)));
		cli_table_add(&t, arena_printf(&c->arena, "%.*s/*", STR_ARG(ps[i].name)));
		for (unsigned k = 2; k < COUNT_OF(heads); k++)
			cli_table_add(&t, STR(""));
	}
	cli_table_print(&t);
	return cli_printed();
}

/* ---- one ---- */

static const struct model_settings *model_by_name(const struct config *config, struct str name)
{
	const struct model_settings *ms = config->models.items;

	for (size_t i = 0; i < config->models.n; i++)
		if (str_eq(ms[i].name, name))
			return &ms[i];
	return NULL;
}

/* Entries are told in JSON, with line breaks where nobody asked for JSON: they have too many members for a table. */
static int print_entry(const struct models *m, struct str name, const struct model_settings *configured)
{
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);
	size_t slash = str_find_chr(name, '/');
	struct model_entry e;
	yyjson_val *tree;
	struct err err;
	char *text;

	if (configured) {
		write_model(&w, m, configured);
	} else {
		catalogue_entry(m->catalogue, str_slice(name, 0, slash), str_slice(name, slash + 1, name.n),
		                &m->cli->arena, &e);
		json_open(&w, '{');
		json_key_lit(&w, "name");
		json_str(&w, name);
		catalogue_write_entry(&w, &e);
		json_close(&w);
	}
	if (m->cli->json)
		return print_buf(&out);
	tree = json_parse(&m->cli->arena, buf_str(&out), 32, &err);
	text = tree ? yyjson_val_write(tree, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL) : NULL;
	buf_fini(&out);
	if (!text)
		return EXIT_WRONG;
	puts(text);
	free(text);
	return cli_printed();
}

/* ---- the catalogue of one provider ---- */

struct listing {
	const struct models *models;
	struct str provider;
	struct cli_table table;
	struct json_writer *json;
};

static void list_one(void *arg, struct str model)
{
	struct listing *l = arg;
	struct cli *c = l->models->cli;
	struct model_entry *e = arena_must(&c->arena, sizeof(*e));

	catalogue_entry(l->models->catalogue, l->provider, model, &c->arena, e);
	if (l->json) {
		json_open(l->json, '{');
		json_key_lit(l->json, "name");
		json_str(l->json, arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(l->provider), STR_ARG(model)));
		catalogue_write_entry(l->json, e);
		json_close(l->json);
		return;
	}
	cli_table_add(&l->table, arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(l->provider), STR_ARG(model)));
	cli_table_add(&l->table, price_text(c, price_of(&e->price, USAGE_INPUT)));
	cli_table_add(&l->table, price_text(c, price_of(&e->price, USAGE_OUTPUT)));
	cli_table_add(&l->table, price_text(c, e->price.token_pusd[USAGE_CACHE_READ]));
	cli_table_add(&l->table, count_text(c, e->facts.context_window));
	cli_table_add(&l->table, count_text(c, e->facts.max_output));
}

static int list_provider(const struct models *m, struct str provider)
{
	static const char *const columns[] = { "MODEL",        "USD/M INPUT", "USD/M OUTPUT",
		                               "USD/M CACHED", "CONTEXT",     "MAX OUTPUT" };
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);
	struct listing l = { .models = m, .provider = provider, .json = m->cli->json ? &w : NULL };

	cli_table_init(&l.table, &m->cli->arena, columns, COUNT_OF(columns), ~1u);
	json_open(&w, '[');
	catalogue_each(provider, list_one, &l);
	json_close(&w);
	if (m->cli->json)
		return print_buf(&out);
	buf_fini(&out);
	cli_table_print(&l.table);
	return cli_printed();
}

static int run_name(const struct models *m, struct str name)
{
	const struct model_settings *configured = model_by_name(m->config, name);
	struct str provider = str_ends(name, STR("/*")) ? str_slice(name, 0, name.n - 2) : name;

	if (!configured && catalogue_has(provider))
		return list_provider(m, provider);
	if (configured || str_find_chr(name, '/') != STR_NPOS)
		return print_entry(m, name, configured);
	fprintf(stderr,
	        "sluice models: \"%.*s\" is no model of the configuration and no provider of the catalogue; "
	        "try PROVIDER/MODEL\n",
	        STR_ARG(name));
	return EXIT_WRONG;
}

static int run_models(struct cli *c)
{
	struct conf_problems problems = { 0 };
	struct models m = { .cli = c };
	struct err e;
	int code;

	if (c->n_args > 1)
		return cli_usage(c, "unexpected argument", c->args[1]);
	m.config = config_load(c->file ? c->file : config_find(), &conf_env_process, &problems);
	for (size_t i = 0; !m.config && i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.items[i].text);
	if (!m.config)
		return EXIT_WRONG;
	m.catalogue = prices_load(m.config, true, &e);
	if (!m.catalogue) {
		fprintf(stderr, "sluice models: %s\n", e.text);
		config_free(m.config);
		return EXIT_WRONG;
	}
	if (c->n_args)
		code = run_name(&m, str_from_z(c->args[0]));
	else
		code = c->json ? all_as_json(&m) : print_all(&m);
	config_free(m.config);
	return code;
}

int command_models(int argc, char **argv)
{
	struct cli c;
	int code = cli_begin(&c, "models", argc, argv, NULL, 0) ? run_models(&c) : EXIT_USAGE;

	cli_end(&c);
	return code;
}
