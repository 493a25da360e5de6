/* SPDX-License-Identifier: Apache-2.0 */
/* sluice tokens: how a running gateway counts tokens, and how well; or the tokens of a text for a model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/cli.h"
#include "main/commands.h"
#include "model/estimate.h"

enum { TEXT_MAX = 256 << 20 };

/* "0.0123" as "1.23 %"; empty without a sample. */
static struct str percent(struct cli *c, struct str decimal)
{
	char text[32] = "";

	if (decimal.n == 0 || decimal.n >= sizeof text)
		return STR("");
	memcpy(text, decimal.p, decimal.n);
	return arena_printf(&c->arena, "%.2f %%", strtod(text, NULL) * 100);
}

static void add_estimate(struct cli *c, struct cli_table *t, yyjson_val *estimate)
{
	cli_table_add(t, cli_text(c, estimate, "ratio"));
	cli_table_add(t, percent(c, cli_text(c, estimate, "error")));
	cli_table_add(t, cli_text(c, estimate, "samples"));
}

static int run_families(struct cli *c)
{
	static const char *const heads[] = { "FAMILY", "ENCODING", "EXACT", "TOKENS/TEXT", "ERROR", "SAMPLES",
		                             "TOKENS/BYTE", "ERROR", "SAMPLES" };
	yyjson_val *answer, *row;
	struct cli_table t;
	size_t i, n;

	if (!cli_connect(c) || !cli_call(c, "GET", STR("/admin/v1/tokens"), STR(""), &answer, NULL))
		return EXIT_WRONG;
	yyjson_val *rows = json_get(answer, "data");
	if (c->json) {
		cli_print_json(rows);
		return cli_printed();
	}
	cli_table_init(&t, &c->arena, heads, COUNT_OF(heads), ~7u);
	yyjson_arr_foreach(rows, i, n, row) {
		bool exact = false;
		cli_table_add(&t, cli_text(c, row, "family"));
		cli_table_add(&t, cli_text(c, row, "encoding"));
		cli_table_add(&t, json_get_bool(row, "exact", &exact) && exact ? STR("yes") : STR(""));
		add_estimate(c, &t, json_get(row, "text"));
		add_estimate(c, &t, json_get(row, "body"));
	}
	cli_table_print(&t);
	return cli_printed();
}

static bool read_text(FILE *f, struct buf *out)
{
	char piece[65536];
	size_t n;

	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		if (!buf_append(out, str_of(piece, n))) {
			errno = EFBIG;
			return false;
		}
	return !ferror(f);
}

static int run_count(struct cli *c, const char *model)
{
	enum token_family_id id = token_family_of(str_from_z(model));
	const struct token_family *family = token_family(id);
	const char *path = c->n_args ? c->args[0] : "-";
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	struct buf text = buf_make(TEXT_MAX);

	if (c->n_args > 1)
		return cli_usage(c, "unexpected argument", c->args[1]);
	bool good = f && read_text(f, &text);
	if (!good)
		fprintf(stderr, "sluice tokens: %s: %s\n", path, strerror(errno));
	if (f && f != stdin)
		fclose(f);
	if (!good) {
		buf_fini(&text);
		return EXIT_WRONG;
	}
	uint64_t n = estimate_tokens(NULL, id, ESTIMATE_TEXT, tokens_count(family->encoding, buf_str(&text)));
	if (c->json)
		printf("{\"tokens\":%llu,\"family\":\"%.*s\",\"exact\":%s}\n", (unsigned long long)n,
		       STR_ARG(family->name), family->exact ? "true" : "false");
	else
		printf("%s%llu\n", family->exact ? "" : "about ", (unsigned long long)n);
	buf_fini(&text);
	return cli_printed();
}

int command_tokens(int argc, char **argv)
{
	const char *model = NULL;
	const struct cli_option options[] = { { "--model", &model, NULL } };
	struct cli c;
	int code = EXIT_USAGE;

	if (cli_begin(&c, "tokens", argc, argv, options, COUNT_OF(options))) {
		if (model)
			code = run_count(&c, model);
		else
			code = c.n_args ? cli_usage(&c, "--model says for which model", c.args[0]) : run_families(&c);
	}
	cli_end(&c);
	return code;
}
