/* SPDX-License-Identifier: Apache-2.0 */
/* sluice spend, sluice logs: what was spent on what, and the requests themselves, asked of a running gateway. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "conf/value.h"
#include "main/cli.h"
#include "main/commands.h"

enum { FOLLOW_MAX = 2000, FOLLOW_EVERY_MS = 1000, LIMIT = 50, LIMIT_MAX = 100000, PAGE_MAX = 1000 };

struct spend_options {
	const char *by, *since, *until, *key, *model, *provider, *limit;
	bool follow, follow_long;
};

static void add_filters(struct buf *path, const struct spend_options *o)
{
	cli_add_query(path, "since", o->since);
	cli_add_query(path, "until", o->until);
	cli_add_query(path, "key", o->key);
	cli_add_query(path, "model", o->model);
	cli_add_query(path, "provider", o->provider);
}

static bool get(struct cli *c, struct buf *path, yyjson_val **out, struct str *text)
{
	bool good = cli_call(c, "GET", buf_str(path), (struct str){ NULL, 0 }, out, text);

	buf_fini(path);
	return good;
}

/* ---- spend ---- */

static void add_sum(struct cli *c, struct cli_table *t, yyjson_val *row, struct str name)
{
	yyjson_val *tokens = json_get(row, "tokens");
	static const char *const counters[] = { "input", "output", "cache_read", "cache_write", "reasoning" };

	cli_table_add(t, name);
	cli_table_add(t, cli_text(c, row, "requests"));
	cli_table_add(t, cli_text(c, row, "errors"));
	for (size_t i = 0; i < COUNT_OF(counters); i++)
		cli_table_add(t, cli_text(c, tokens, counters[i]));
	cli_table_add(t, cli_text(c, row, "unknown_cost_requests"));
	cli_table_add(t, cli_text(c, row, "cost_usd"));
}

static struct str group_name(struct cli *c, yyjson_val *row)
{
	struct str group = cli_text(c, row, "group"), key = cli_text(c, row, "key_name");

	return key.n ? arena_printf(&c->arena, "%.*s (%.*s)", STR_ARG(key), STR_ARG(group)) : group;
}

static int print_spend(struct cli *c, const char *by, yyjson_val *sums, yyjson_val *total)
{
	const char *const heads[] = { by ? by : "", "REQUESTS",    "ERRORS",    "INPUT",    "OUTPUT",
		                      "CACHE READ", "CACHE WRITE", "REASONING", "NO PRICE", "USD" };
	struct cli_table t;
	yyjson_val *row;
	size_t i, max;

	cli_table_init(&t, &c->arena, heads, COUNT_OF(heads), ~1u);
	if (by)
		yyjson_arr_foreach(json_get(sums, "data"), i, max, row)
			add_sum(c, &t, row, group_name(c, row));
	add_sum(c, &t, yyjson_arr_get_first(json_get(total, "data")), STR("total"));
	cli_table_print(&t);
	if (yyjson_get_bool(json_get(sums, "more")))
		fprintf(stderr, "there are more; raise --limit\n");
	return cli_printed();
}

static int run_spend(struct cli *c, const struct spend_options *o)
{
	struct buf path = buf_make(8192);
	yyjson_val *sums, *total = NULL;
	struct str text;

	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	if (!cli_connect(c))
		return EXIT_WRONG;
	buf_append(&path, STR("/admin/v1/spend"));
	cli_add_query(&path, "group", o->by);
	cli_add_query(&path, "limit", o->limit);
	add_filters(&path, o);
	if (!get(c, &path, &sums, &text))
		return EXIT_WRONG;
	if (c->json) {
		printf("%.*s\n", STR_ARG(text));
		return cli_printed();
	}
	buf_append(&path, STR("/admin/v1/spend"));
	add_filters(&path, o);
	if (!get(c, &path, &total, NULL))
		return EXIT_WRONG;
	return print_spend(c, o->by && strcmp(o->by, "total") != 0 ? o->by : NULL, sums, total);
}

int command_spend(int argc, char **argv)
{
	struct spend_options o = { 0 };
	const struct cli_option options[] = {
		{ "--by", &o.by, NULL },       { "--since", &o.since, NULL }, { "--until", &o.until, NULL },
		{ "--key", &o.key, NULL },     { "--model", &o.model, NULL }, { "--provider", &o.provider, NULL },
		{ "--limit", &o.limit, NULL },
	};
	struct cli c;
	int code = cli_begin(&c, "spend", argc, argv, options, COUNT_OF(options)) ? run_spend(&c, &o) : EXIT_USAGE;

	cli_end(&c);
	return code;
}

/* ---- logs ---- */

static const char *const log_heads[] = { "TIME",  "KEY",    "MODEL", "DEPLOYMENT", "STATUS",
	                                 "INPUT", "OUTPUT", "USD",   "MS",         "REQUEST" };
#define LOG_RIGHT (1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8)

static void add_row(struct cli *c, struct cli_table *t, yyjson_val *row)
{
	yyjson_val *tokens = json_get(row, "tokens");
	struct str name = cli_text(c, row, "key_name"), error = cli_text(c, row, "error"),
		   time = cli_text(c, row, "time");

	cli_table_add(t, arena_printf(&c->arena, "%.*s %.*s", STR_ARG(str_slice(time, 0, 10)),
	                              STR_ARG(str_slice(time, 11, 19))));
	cli_table_add(t, name.n ? name : cli_text(c, row, "key_id"));
	cli_table_add(t, cli_text(c, row, "model"));
	cli_table_add(t, cli_text(c, row, "deployment"));
	cli_table_add(t, error.n ? arena_printf(&c->arena, "%.*s %.*s", STR_ARG(error),
	                                        STR_ARG(cli_text(c, row, "status")))
	                         : cli_text(c, row, "status"));
	cli_table_add(t, cli_text(c, tokens, "input"));
	cli_table_add(t, cli_text(c, tokens, "output"));
	cli_table_add(t, cli_text(c, row, "cost_usd"));
	cli_table_add(t, cli_text(c, row, "latency_ms"));
	cli_table_add(t, cli_text(c, row, "request_id"));
}

/* Rows as they come from the API: newest first. */
struct rows {
	yyjson_val **all;
	size_t n, cap;
};

static void rows_add(struct cli *c, struct rows *r, yyjson_val *row)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 256;
		yyjson_val **all = arena_must(&c->arena, cap * sizeof(*all));

		if (r->n)
			memcpy(all, r->all, r->n * sizeof(*all));
		r->all = all;
		r->cap = cap;
	}
	r->all[r->n++] = row;
}

static bool ask_rows(struct cli *c, const struct spend_options *o, size_t most, struct rows *out)
{
	struct str cursor = STR("");

	do {
		struct buf path = buf_make(8192);
		yyjson_val *page, *row;
		size_t i, max;
		char limit[21];

		limit[fmt_u64(limit, most - out->n < PAGE_MAX ? most - out->n : PAGE_MAX)] = 0;
		buf_append(&path, STR("/admin/v1/logs"));
		cli_add_query(&path, "limit", limit);
		add_filters(&path, o);
		cli_add_query(&path, "cursor", cursor.n ? cursor.p : NULL);
		if (!get(c, &path, &page, NULL))
			return false;
		yyjson_arr_foreach(json_get(page, "data"), i, max, row)
			rows_add(c, out, row);
		cursor = cli_text(c, page, "next_cursor");
	} while (cursor.n && out->n < most);
	return true;
}

/* What was shown: the ids of the rows asked for last, newest first as they came. */
struct shown {
	char id[FOLLOW_MAX][ULID_LEN];
	size_t n;
};

static bool was_shown(const struct shown *shown, struct str id)
{
	size_t low = 0, high = shown->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (str_cmp(str_of(shown->id[middle], ULID_LEN), id) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < shown->n && str_eq(str_of(shown->id[low], ULID_LEN), id);
}

static void remember(struct cli *c, struct shown *shown, const struct rows *rows)
{
	shown->n = 0;
	for (size_t i = 0; i < rows->n && i < FOLLOW_MAX; i++) {
		struct str id = cli_text(c, rows->all[i], "request_id");

		if (id.n == ULID_LEN)
			memcpy(shown->id[shown->n++], id.p, ULID_LEN);
	}
}

/* The first `most` of them that were not shown, oldest first. */
static int print_rows(struct cli *c, const struct rows *rows, size_t most, const struct shown *shown, bool heads)
{
	struct cli_table t;

	cli_table_init(&t, &c->arena, log_heads, COUNT_OF(log_heads), LOG_RIGHT);
	if (!heads)
		t.n = 0;
	for (size_t i = rows->n < most ? rows->n : most; i-- > 0;) {
		if (was_shown(shown, cli_text(c, rows->all[i], "request_id")))
			continue;
		if (c->json)
			cli_print_json(rows->all[i]);
		else
			add_row(c, &t, rows->all[i]);
	}
	if (!c->json)
		cli_table_print(&t);
	return cli_printed();
}

/* A request is written down when it ends, under the time it began. So each round looks a while back, at the newest
 * FOLLOW_MAX, for those that were not there before. */
static int follow(struct cli *c, const struct spend_options *o, struct shown *shown)
{
	for (;;) {
		struct arena_mark mark = arena_mark(&c->arena);
		struct rows rows = { 0 };
		int code;

		usleep(FOLLOW_EVERY_MS * 1000);
		if (!ask_rows(c, o, FOLLOW_MAX, &rows))
			return EXIT_WRONG;
		if (shown->n == FOLLOW_MAX && !was_shown(shown, cli_text(c, rows.all[rows.n - 1], "request_id")))
			fprintf(stderr, "sluice logs: more come than can be shown, some are left out\n");
		code = print_rows(c, &rows, FOLLOW_MAX, shown, false);
		if (code != EXIT_GOOD)
			return code;
		remember(c, shown, &rows);
		arena_rewind(&c->arena, mark);
	}
}

static int run_logs(struct cli *c, const struct spend_options *o)
{
	struct shown *shown = arena_must(&c->arena, sizeof(*shown));
	bool go_on = o->follow || o->follow_long;
	struct rows rows = { 0 };
	int64_t n = LIMIT;
	int code;

	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	if (o->limit && (!value_read_int(str_from_z(o->limit), &n) || n < 1 || n > LIMIT_MAX))
		return cli_usage(c, "--limit must be 1 to 100000", o->limit);
	if (!cli_connect(c) || !ask_rows(c, o, go_on && n < FOLLOW_MAX ? FOLLOW_MAX : (size_t)n, &rows))
		return EXIT_WRONG;
	code = print_rows(c, &rows, (size_t)n, shown, true);
	if (code != EXIT_GOOD || !go_on)
		return code;
	remember(c, shown, &rows);
	return follow(c, o, shown);
}

int command_logs(int argc, char **argv)
{
	struct spend_options o = { 0 };
	const struct cli_option options[] = {
		{ "--limit", &o.limit, NULL },        { "-f", NULL, &o.follow },
		{ "--follow", NULL, &o.follow_long }, { "--since", &o.since, NULL },
		{ "--until", &o.until, NULL },        { "--key", &o.key, NULL },
		{ "--model", &o.model, NULL },        { "--provider", &o.provider, NULL },
	};
	struct cli c;
	int code = cli_begin(&c, "logs", argc, argv, options, COUNT_OF(options)) ? run_logs(&c, &o) : EXIT_USAGE;

	cli_end(&c);
	return code;
}
