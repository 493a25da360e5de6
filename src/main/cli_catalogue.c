/* SPDX-License-Identifier: Apache-2.0 */
/* sluice providers: the providers this program knows. */
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
