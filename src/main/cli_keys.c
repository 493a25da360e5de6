/* SPDX-License-Identifier: Apache-2.0 */
/* sluice key: make, list, revoke and rotate virtual keys of a running gateway. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "json/write.h"
#include "main/cli.h"
#include "main/commands.h"

struct key_options {
	const char *name, *models, *team, *user, *tags, *role, *expires, *weight, *priority;
	bool all;
};

/* "a,b" as an array. */
static void write_list(struct json_writer *w, const char *name, const char *text)
{
	struct str rest = str_from_z(text);

	if (!text)
		return;
	json_key(w, str_from_z(name));
	json_open(w, '[');
	while (rest.p) {
		struct str part = str_trim(str_cut(&rest, ','));

		if (part.n)
			json_str(w, part);
	}
	json_close(w);
}

static void write_member(struct json_writer *w, const char *name, const char *text)
{
	if (!text)
		return;
	json_key(w, str_from_z(name));
	json_str(w, str_from_z(text));
}

/* Digits as they are; what is none is the gateway's to refuse, with the member's name. */
static void write_number(struct json_writer *w, const char *name, const char *text)
{
	uint64_t n;

	if (!text)
		return;
	if (!str_to_u64(str_from_z(text), &n)) {
		write_member(w, name, text);
		return;
	}
	json_key(w, str_from_z(name));
	json_u64(w, n);
}

/* A date or a time has dashes; a duration has none. */
static struct str write_spec(struct buf *out, const struct key_options *o)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	write_member(&w, "name", o->name);
	write_member(&w, "team", o->team);
	write_member(&w, "user", o->user);
	write_list(&w, "models", o->models);
	write_list(&w, "tags", o->tags);
	write_member(&w, "role", o->role);
	write_number(&w, "weight", o->weight);
	write_number(&w, "priority", o->priority);
	write_member(&w, o->expires && strchr(o->expires, '-') ? "expires_at" : "expires_in", o->expires);
	json_close(&w);
	return buf_str(out);
}

/* For people and for `$(sluice key create …)`: the text alone on stdout, what else is to be known on stderr. */
static int print_made(struct cli *c, yyjson_val *key, struct str text, const char *done)
{
	if (c->json) {
		printf("%.*s\n", STR_ARG(text));
	} else {
		fprintf(stderr, "%s %.*s (%.*s); its text is shown this once:\n", done, STR_ARG(cli_text(c, key, "id")),
		        STR_ARG(cli_text(c, key, "name")));
		printf("%.*s\n", STR_ARG(cli_text(c, key, "key")));
	}
	return cli_printed();
}

static int run_create(struct cli *c, const struct key_options *o)
{
	struct buf body = buf_make(1 << 20);
	yyjson_val *key;
	struct str text;
	bool good;

	if (!o->name)
		return cli_usage(c, "--name is missing", NULL);
	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	write_spec(&body, o);
	good = cli_connect(c) && cli_call(c, "POST", STR("/admin/v1/keys"), buf_str(&body), &key, &text);
	buf_fini(&body);
	return good ? print_made(c, key, text, "made") : EXIT_WRONG;
}

static struct str state_of(struct cli *c, yyjson_val *key, const char *now)
{
	struct str expires = cli_text(c, key, "expires_at");

	if (cli_text(c, key, "revoked_at").n)
		return STR("revoked");
	if (expires.n && str_cmp(expires, str_of(now, CLOCK_RFC3339_LEN)) <= 0)
		return STR("expired");
	return STR("valid");
}

static void add_key(struct cli *c, struct cli_table *t, yyjson_val *key, const char *now)
{
	static const char *const members[] = { "id", "name", "hint", "role", "team", "user", "models" };

	for (size_t i = 0; i < COUNT_OF(members); i++) {
		struct str text = cli_text(c, key, members[i]);

		cli_table_add(t, i == 6 && !text.n ? STR("all") : text);
	}
	cli_table_add(t, str_slice(cli_text(c, key, "expires_at"), 0, 10));
	cli_table_add(t, state_of(c, key, now));
}

/* All pages. With --json one key a line. */
static int run_list(struct cli *c, const struct key_options *o)
{
	static const char *const heads[] = { "ID",   "NAME",   "ENDS IN", "ROLE", "TEAM",
		                             "USER", "MODELS", "EXPIRES", "STATE" };
	char now[CLOCK_RFC3339_LEN];
	struct cli_table table;
	struct str cursor = STR("");

	if (c->n_args)
		return cli_usage(c, "unexpected argument", c->args[0]);
	if (!cli_connect(c))
		return EXIT_WRONG;
	clock_rfc3339(now, clock_real_ms());
	cli_table_init(&table, &c->arena, heads, COUNT_OF(heads), 0);
	do {
		struct buf path = buf_make(4096);
		yyjson_val *page, *key;
		size_t i, max;
		bool good;

		buf_append(&path, STR("/admin/v1/keys?limit=1000"));
		cli_add_query(&path, "revoked", o->all ? "true" : NULL);
		cli_add_query(&path, "team", o->team);
		cli_add_query(&path, "user", o->user);
		cli_add_query(&path, "cursor", cursor.n ? cursor.p : NULL);
		good = cli_call(c, "GET", buf_str(&path), (struct str){ NULL, 0 }, &page, NULL);
		buf_fini(&path);
		if (!good)
			return EXIT_WRONG;
		yyjson_arr_foreach(json_get(page, "data"), i, max, key) {
			if (c->json)
				cli_print_json(key);
			else
				add_key(c, &table, key, now);
		}
		cursor = cli_text(c, page, "next_cursor");
	} while (cursor.n);
	if (!c->json)
		cli_table_print(&table);
	return cli_printed();
}

static struct str path_of(struct cli *c, const char *id, const char *action)
{
	struct buf escaped = buf_make(4096);
	struct str path;

	text_percent_encode(&escaped, str_from_z(id), "");
	path = arena_printf(&c->arena, "/admin/v1/keys/%.*s%s", STR_ARG(buf_str(&escaped)), action);
	buf_fini(&escaped);
	return path;
}

static int run_revoke(struct cli *c, const struct key_options *o)
{
	yyjson_val *none;
	int code = EXIT_GOOD;

	if (!c->n_args)
		return cli_usage(c, "which key? give its id (sluice key list)", NULL);
	if (!cli_connect(c))
		return EXIT_WRONG;
	for (int i = 0; i < c->n_args; i++) {
		if (cli_call(c, "DELETE", path_of(c, c->args[i], ""), (struct str){ NULL, 0 }, &none, NULL))
			fprintf(stderr, "revoked %s\n", c->args[i]);
		else
			code = EXIT_WRONG;
	}
	return code;
}

static int run_rotate(struct cli *c, const struct key_options *o)
{
	yyjson_val *key;
	struct str text;

	if (c->n_args != 1)
		return cli_usage(c, "give the id of one key", NULL);
	if (!cli_connect(c) ||
	    !cli_call(c, "POST", path_of(c, c->args[0], "/rotate"), (struct str){ NULL, 0 }, &key, &text))
		return EXIT_WRONG;
	return print_made(c, key, text, "rotated");
}

static const struct {
	const char *name, *command;
	int (*run)(struct cli *, const struct key_options *);
} actions[] = {
	{ "create", "key create", run_create },
	{ "list", "key list", run_list },
	{ "revoke", "key revoke", run_revoke },
	{ "rotate", "key rotate", run_rotate },
};

int command_key(int argc, char **argv)
{
	struct key_options o = { 0 };
	const struct cli_option options[] = {
		{ "--name", &o.name, NULL },       { "--models", &o.models, NULL }, { "--team", &o.team, NULL },
		{ "--user", &o.user, NULL },       { "--tags", &o.tags, NULL },     { "--role", &o.role, NULL },
		{ "--expires", &o.expires, NULL }, { "--weight", &o.weight, NULL },
		{ "--priority", &o.priority, NULL }, { "--all", NULL, &o.all },
	};
	struct cli c = { .command = "key" };
	int code;

	for (size_t i = 0; argc > 1 && i < COUNT_OF(actions); i++) {
		if (strcmp(argv[1], actions[i].name) != 0)
			continue;
		code = cli_begin(&c, actions[i].command, argc - 1, argv + 1, options, COUNT_OF(options))
		               ? actions[i].run(&c, &o)
		               : EXIT_USAGE;
		cli_end(&c);
		return code;
	}
	return cli_usage(&c, argc > 1 ? "unknown action" : "create, list, revoke or rotate?",
	                 argc > 1 ? argv[1] : NULL);
}
