/* SPDX-License-Identifier: Apache-2.0 */
/* sluice providers, sluice models: the providers this program knows, and the models the configuration has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/env.h"
#include "json/write.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/providers_page.h"
#include "main/settings.h"
#include "provider/places.h"

enum { OUTPUT_MAX = 16 << 20 };

static struct str dialects_of(struct cli *c, const struct provider *p)
{
	struct buf text = buf_make(1024);
	struct str out;

	for (unsigned f = 0; f < PROVIDER_FACES && p->faces[f].dialects; f++)
		for (unsigned i = 0; i < DIALECTS; i++)
			if (p->faces[f].dialects & DIALECT_BIT(i))
				buf_printf(&text, "%s%s", text.n ? "," : "", dialect_by_id((enum dialect_id)i)->name);
	out = arena_dup(&c->arena, buf_str(&text));
	buf_fini(&text);
	return out;
}

static bool is_set(const struct provider *p)
{
	const char *value = p->key_env.n ? getenv(p->key_env.p) : NULL,
		   *also = p->key_env_also.n ? getenv(p->key_env_also.p) : NULL;

	return (value && *value) || (also && *also);
}

static int print_buf(struct buf *out)
{
	bool good = !out->failed && fwrite(out->p, 1, out->n, stdout) == out->n && putchar('\n') != EOF;

	buf_fini(out);
	return good ? cli_printed() : EXIT_WRONG;
}

static int providers_as_json(struct cli *c)
{
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);
	size_t n;
	const struct provider *rows = provider_rows(&n);

	json_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&w, '{');
		json_key_lit(&w, "name");
		json_str(&w, rows[i].name);
		json_key_lit(&w, "label");
		json_str(&w, rows[i].label);
		json_key_lit(&w, "dialects");
		json_open(&w, '[');
		for (struct str rest = dialects_of(c, &rows[i]); rest.p;)
			json_str(&w, str_cut(&rest, ','));
		json_close(&w);
		json_key_lit(&w, "base_url");
		json_str(&w, rows[i].faces[0].base_url);
		json_key_lit(&w, "key_env");
		if (rows[i].key_env.n)
			json_str(&w, rows[i].key_env);
		else
			json_null(&w);
		json_key_lit(&w, "needs");
		json_open(&w, '[');
		for (size_t k = 0; k < PROVIDER_PLACE_SOURCES && rows[i].places[k].used; k++)
			json_str(&w, str_from_z(provider_place_name(rows[i].places[k].place)));
		json_close(&w);
		json_key_lit(&w, "key_is_set");
		json_bool(&w, is_set(&rows[i]));
		json_close(&w);
	}
	json_close(&w);
	return print_buf(&out);
}

static int providers_as_markdown(void)
{
	struct buf out = buf_make(OUTPUT_MAX);

	providers_page(&out);
	out.n -= out.n > 0; /* print_buf ends the line */
	return print_buf(&out);
}

static int run_providers(struct cli *c, bool markdown)
{
	static const char *const heads[] = { "NAME", "PROVIDER", "KEY FROM", "SET", "BASE URL", "DIALECTS" };
	struct cli_table t;
	size_t n;
	const struct provider *rows = provider_rows(&n);

	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	if (markdown)
		return providers_as_markdown();
	if (c->json)
		return providers_as_json(c);
	cli_table_init(&t, &c->arena, heads, COUNT_OF(heads), 0);
	for (size_t i = 0; i < n; i++) {
		cli_table_add(&t, rows[i].name);
		cli_table_add(&t, rows[i].label);
		cli_table_add(&t, rows[i].key_env);
		cli_table_add(&t, is_set(&rows[i]) ? STR("yes") : STR(""));
		cli_table_add(&t, rows[i].faces[0].base_url);
		cli_table_add(&t, dialects_of(c, &rows[i]));
	}
	cli_table_print(&t);
	return cli_printed();
}

int command_providers(int argc, char **argv)
{
	bool markdown = false;
	const struct cli_option options[] = { { .name = "--markdown", .flag = &markdown } };
	struct cli c;
	int code;

	dialect_init();
	code = cli_begin(&c, "providers", argc, argv, options, COUNT_OF(options)) ? run_providers(&c, markdown)
	                                                                         : EXIT_USAGE;
	cli_end(&c);
	return code;
}

/* ---- models ---- */

/* Pico-dollars a token are micro-dollars a million tokens. */
static struct str price_text(struct cli *c, int64_t pusd)
{
	struct buf text = buf_make(64);
	struct str out;

	if (pusd < 0)
		return STR("");
	text_from_fixed(&text, pusd, 6);
	out = arena_dup(&c->arena, buf_str(&text));
	buf_fini(&text);
	return out;
}

static void json_number_or_null(struct json_writer *w, int64_t v)
{
	if (v < 0)
		json_null(w);
	else
		json_i64(w, v);
}

static int models_as_json(struct cli *c, const struct config *config)
{
	const struct model_settings *ms = config->models.items;
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);

	json_open(&w, '[');
	for (size_t i = 0; i < config->models.n; i++) {
		const struct deployment_settings *ds = ms[i].deployments.items;

		json_open(&w, '{');
		json_key_lit(&w, "name");
		json_str(&w, ms[i].name);
		json_key_lit(&w, "deployments");
		json_open(&w, '[');
		for (size_t k = 0; k < ms[i].deployments.n; k++) {
			json_open(&w, '{');
			json_key_lit(&w, "provider");
			json_str(&w, ds[k].provider);
			json_key_lit(&w, "model");
			json_str(&w, ds[k].model);
			json_key_lit(&w, "usd_per_million_input");
			json_str(&w, price_text(c, ds[k].price.list.token_pusd[USAGE_INPUT]));
			json_key_lit(&w, "usd_per_million_output");
			json_str(&w, price_text(c, ds[k].price.list.token_pusd[USAGE_OUTPUT]));
			json_key_lit(&w, "context_window");
			json_number_or_null(&w, ds[k].context_window);
			json_key_lit(&w, "max_output");
			json_number_or_null(&w, ds[k].max_output);
			json_close(&w);
		}
		json_close(&w);
		json_close(&w);
	}
	json_close(&w);
	return print_buf(&out);
}

static struct str number(struct cli *c, int64_t v)
{
	return v < 0 ? STR("") : arena_printf(&c->arena, "%lld", (long long)v);
}

static int print_models(struct cli *c, const struct config *config)
{
	static const char *const heads[] = { "MODEL",       "DEPLOYMENT",   "ORDER",   "WEIGHT",
		                             "USD/M INPUT", "USD/M OUTPUT", "CONTEXT", "MAX OUTPUT" };
	const struct model_settings *ms = config->models.items;
	const struct provider_settings *ps = config->providers.items;
	struct cli_table t;

	if (c->json)
		return models_as_json(c, config);
	cli_table_init(&t, &c->arena, heads, COUNT_OF(heads), ~3u);
	for (size_t i = 0; i < config->models.n; i++) {
		const struct deployment_settings *ds = ms[i].deployments.items;

		for (size_t k = 0; k < ms[i].deployments.n; k++) {
			cli_table_add(&t, ms[i].name);
			cli_table_add(&t, arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(ds[k].provider),
			                               STR_ARG(ds[k].model)));
			cli_table_add(&t, number(c, ds[k].order));
			cli_table_add(&t, number(c, ds[k].weight));
			cli_table_add(&t, price_text(c, ds[k].price.list.token_pusd[USAGE_INPUT]));
			cli_table_add(&t, price_text(c, ds[k].price.list.token_pusd[USAGE_OUTPUT]));
			cli_table_add(&t, number(c, ds[k].context_window));
			cli_table_add(&t, number(c, ds[k].max_output));
		}
	}
	for (size_t i = 0; i < config->providers.n; i++) {
		cli_table_add(&t, arena_printf(&c->arena, "%.*s/*", STR_ARG(ps[i].name)));
		cli_table_add(&t, arena_printf(&c->arena, "%.*s/*", STR_ARG(ps[i].name)));
		for (unsigned k = 2; k < COUNT_OF(heads); k++)
			cli_table_add(&t, STR(""));
	}
	cli_table_print(&t);
	return cli_printed();
}

static int run_models(struct cli *c)
{
	struct conf_problems problems = { 0 };
	struct config *config;
	int code;

	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	config = config_load(c->file ? c->file : config_find(), &conf_env_process, &problems);
	if (!config) {
		for (size_t i = 0; i < problems.n; i++)
			fprintf(stderr, "%s\n", problems.items[i].text);
		return EXIT_WRONG;
	}
	code = print_models(c, config);
	config_free(config);
	return code;
}

int command_models(int argc, char **argv)
{
	struct cli c;
	int code = cli_begin(&c, "models", argc, argv, NULL, 0) ? run_models(&c) : EXIT_USAGE;

	cli_end(&c);
	return code;
}
