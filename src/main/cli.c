/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share that talk to a running gateway. */
#include "main/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/env.h"
#include "main/commands.h"
#include "main/settings.h"
#include "store/dir.h"

enum { ARENA_MAX_BYTES = 512 << 20, TIMEOUT_MS = 30000, KEY_FILE_MAX_BYTES = 600 };

int cli_usage(const struct cli *c, const char *what, const char *value)
{
	fprintf(stderr, "sluice %s: %s%s%s; try: sluice help %.*s\n", c->command, what, value ? ": " : "",
	        value ? value : "", (int)strcspn(c->command, " "), c->command);
	return EXIT_USAGE;
}

/* The option that `arg` names; `*value` is what stands behind '=' or NULL. */
static const struct cli_option *find_option(const struct cli_option *list, size_t n, const char *arg,
                                            const char **value)
{
	const char *equals = strchr(arg, '=');
	size_t len = equals && arg[1] == '-' ? (size_t)(equals - arg) : strlen(arg);

	*value = equals && arg[1] == '-' ? equals + 1 : NULL;
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i].name) == len && memcmp(list[i].name, arg, len) == 0)
			return &list[i];
	return NULL;
}

static bool read_option(struct cli *c, const struct cli_option *o, const char *value, int argc, char **argv, int *at)
{
	if (o->flag) {
		*o->flag = true;
		return !value || (cli_usage(c, "takes no value", o->name), false);
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return cli_usage(c, "needs a value", o->name), false;
	*o->value = value;
	return true;
}

bool cli_begin(struct cli *c, const char *command, int argc, char **argv, const struct cli_option *own, size_t n)
{
	const struct cli_option common[] = {
		{ "--url", &c->url, NULL }, { "--admin-key", &c->admin_key, NULL }, { "--ca", &c->ca, NULL },
		{ "-c", &c->file, NULL }, { "--json", NULL, &c->json },
	};

	*c = (struct cli){ .command = command };
	arena_init(&c->arena, ARENA_MAX_BYTES);
	for (int i = 1; i < argc; i++) {
		const struct cli_option *o;
		const char *value;

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (c->n_args == CLI_ARGS_MAX)
				return cli_usage(c, "too many arguments", NULL), false;
			c->args[c->n_args++] = argv[i];
			continue;
		}
		o = find_option(own, n, argv[i], &value);
		if (!o)
			o = find_option(common, COUNT_OF(common), argv[i], &value);
		if (!o)
			return cli_usage(c, "unknown option", argv[i]), false;
		if (!read_option(c, o, value, argc, argv, &i))
			return false;
	}
	return true;
}

void cli_end(struct cli *c)
{
	arena_fini(&c->arena);
}

/* ---- where the gateway is ---- */

/* A listener on every address is reached on the loopback one. */
static struct str url_of(struct cli *c, const struct listen_settings *l)
{
	char host[ADDR_TEXT_MAX];
	struct addr a = l->addr;

	if (addr_family(&a) == AF_UNIX)
		return arena_printf(&c->arena, "unix:%s", a.u.un.sun_path);
	if (addr_scope(&a) == ADDR_UNSPECIFIED && !addr_from_literal(&a, STR("127.0.0.1"), addr_port(&l->addr)))
		return STR("");
	addr_text(&a, host);
	return arena_printf(&c->arena, "%s://%s", l->tls.cert.n ? "https" : "http", host);
}

static void read_key_file(struct cli *c, const char *data_dir)
{
	char path[4096], text[KEY_FILE_MAX_BYTES];
	struct err e;
	size_t n;

	if (dir_join(path, sizeof(path), data_dir, "admin_key", &e) &&
	    dir_read_secret(path, text, sizeof(text), &n, &e) == DIR_FOUND) {
		while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
			n--;
		c->api.key = arena_dup(&c->arena, str_of(text, n));
	}
}

/* What the configuration knows. One that was named must be good; one that merely lies here helps if it can. */
static bool ask_config(struct cli *c)
{
	struct conf_problems problems = { 0 };
	const char *file = c->file ? c->file : config_find();
	struct config *config = file ? config_load(file, &conf_env_process, &problems) : NULL;

	if (!config) {
		for (size_t i = 0; c->file && i < problems.n; i++)
			fprintf(stderr, "%s\n", problems.items[i].text);
		if (!c->api.key.n)
			read_key_file(c, "./data");
		return !c->file;
	}
	if (!c->api.url.n && config->listen.n)
		c->api.url = url_of(c, config->listen.items);
	if (!c->api.key.n)
		c->api.key = arena_dup(&c->arena, config->admin.key);
	if (!c->api.key.n)
		read_key_file(c, config->data_dir.p);
	config_free(config);
	return true;
}

bool cli_connect(struct cli *c)
{
	const char *url = c->url ? c->url : getenv("SLUICE_URL"),
		   *key = c->admin_key ? c->admin_key : getenv("SLUICE_ADMIN_KEY");

	c->api = (struct api){
		.url = str_from_z(url), .key = str_from_z(key), .ca_file = str_from_z(c->ca), .timeout_ms = TIMEOUT_MS
	};
	if ((!c->api.url.n || !c->api.key.n) && !ask_config(c))
		return false;
	if (!c->api.url.n)
		c->api.url = STR("http://127.0.0.1:8080");
	if (c->api.url.p[c->api.url.n - 1] == '/')
		c->api.url.n--;
	return true;
}

/* ---- calls ---- */

static bool tell_error(struct cli *c, const struct api_answer *a)
{
	struct str message = { NULL, 0 };
	yyjson_val *root;
	struct err e;

	root = json_parse(&c->arena, buf_str(&a->body), 16, &e);
	if (!json_get_str(json_get(root, "error"), "message", &message))
		message = STR("(no message)");
	fprintf(stderr, "sluice %s: %.*s (HTTP %d)\n", c->command, STR_ARG(message), a->status);
	if (a->status == 401)
		fprintf(stderr,
		        "give the admin key with --admin-key or SLUICE_ADMIN_KEY; a generated one is in the file "
		        "admin_key of the data directory\n");
	return false;
}

bool cli_call(struct cli *c, const char *method, struct str path, struct str body, yyjson_val **out, struct str *text)
{
	struct api_answer a;
	struct str kept;
	bool good = false;
	struct err e;

	*out = NULL;
	if (!api_call(&c->api, method, path, body, &a, &e)) {
		fprintf(stderr, "sluice %s: %s\n", c->command, e.text);
		return false;
	}
	kept = arena_dup(&c->arena, buf_str(&a.body));
	if (text)
		*text = kept;
	if (a.status < 200 || a.status > 299) {
		tell_error(c, &a);
	} else if (a.status == 204 || (*out = json_parse(&c->arena, kept, 64, &e))) {
		good = true;
	} else {
		fprintf(stderr, "sluice %s: the answer is %s; is %.*s a gateway?\n", c->command, e.text,
		        STR_ARG(c->api.url));
	}
	buf_fini(&a.body);
	return good;
}

void cli_add_query(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	buf_append_c(path, memchr(path->p, '?', path->n) ? '&' : '?');
	buf_append(path, str_from_z(name));
	buf_append_c(path, '=');
	text_percent_encode(path, str_from_z(value), "");
}

struct str cli_text(struct cli *c, yyjson_val *obj, const char *member)
{
	yyjson_val *v = json_get(obj, member), *item;
	struct buf joined = buf_make(1 << 20);
	struct str s = STR("");
	size_t i, max;

	if (json_val_str(v, &s))
		return s;
	if (yyjson_is_bool(v))
		return yyjson_get_bool(v) ? STR("true") : STR("false");
	if (yyjson_is_int(v))
		return arena_printf(&c->arena, "%lld", (long long)yyjson_get_sint(v));
	if (!yyjson_is_arr(v))
		return STR("");
	yyjson_arr_foreach(v, i, max, item) {
		if (i)
			buf_append_c(&joined, ',');
		if (json_val_str(item, &s))
			buf_append(&joined, s);
	}
	s = arena_dup(&c->arena, buf_str(&joined));
	buf_fini(&joined);
	return s;
}

/* ---- tables ---- */

void cli_table_init(struct cli_table *t, struct arena *arena, const char *const *heads, unsigned columns,
                    unsigned right)
{
	*t = (struct cli_table){ .arena = arena, .columns = columns, .right = right };
	for (unsigned i = 0; i < columns; i++)
		cli_table_add(t, str_from_z(heads[i]));
}

/* C0, DEL and C1 (U+0080 to U+009F, two bytes in UTF-8). */
static struct str clean(struct arena *arena, struct str s)
{
	struct str copy = arena_dup(arena, s);
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; copy.p && i < copy.n; i++) {
		unsigned char c = (unsigned char)p[i], next = i + 1 < copy.n ? (unsigned char)p[i + 1] : 0;

		if (c < ' ' || c == 0x7f)
			p[i] = '?';
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			p[i] = p[i + 1] = '?';
	}
	return copy.p ? copy : s;
}

void cli_table_add(struct cli_table *t, struct str cell)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct str *cells = arena_must(t->arena, cap * sizeof(*cells));

		if (t->n)
			memcpy(cells, t->cells, t->n * sizeof(*cells));
		t->cells = cells;
		t->cap = cap;
	}
	t->cells[t->n++] = clean(t->arena, cell.n ? cell : STR("-"));
}

/* Characters, not bytes. */
static size_t width_of(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

void cli_table_print(const struct cli_table *t)
{
	size_t width[CLI_COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->n; i++)
		if (width_of(t->cells[i]) > width[i % t->columns])
			width[i % t->columns] = width_of(t->cells[i]);
	for (size_t i = 0; i < t->n; i++) {
		unsigned column = (unsigned)(i % t->columns);
		int pad = (int)(width[column] - width_of(t->cells[i]));
		bool right = t->right >> column & 1, last = column + 1 == t->columns;

		printf("%*s%.*s%*s%s", right ? pad : 0, "", STR_ARG(t->cells[i]), right || last ? 0 : pad, "",
		       last ? "\n" : "  ");
	}
}

void cli_print_json(yyjson_val *v)
{
	char *text = yyjson_val_write(v, 0, NULL);

	if (text)
		puts(text);
	free(text);
}

int cli_printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_GOOD;
	perror("sluice: stdout");
	return EXIT_WRONG;
}
