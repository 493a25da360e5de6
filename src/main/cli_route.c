/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice route-test: in which order a request's candidates would be tried, and why, by the gateway's own code and a
 * configuration; nothing is sent to anybody. Nothing is known of how the deployments are just now: none is out, none is
 * busy.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "conf/env.h"
#include "gateway/look.h"
#include "json/node.h"
#include "json/write.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/prices.h"
#include "main/settings.h"
#include "route/plan.h"
#include "route/wishes.h"

enum { OUTPUT_MAX = 16 << 20, BODY_MAX = 64 << 20, HEADERS_MAX = 32, DRAWS_MAX = 10000000 };

struct route_test {
	struct cli cli;
	const char *model, *body_file, *dialect_name, *key, *times;
	const char *headers[HEADERS_MAX];
	unsigned n_headers;
	uint64_t draws;                  /* 0: none */

	struct config *config;
	struct route_table table;
	struct buf body;
	struct dialect_request rq;       /* with a body */
	struct plan_ask ask;
	struct plan_policy policy;
	struct route_wishes wishes;
	struct plan_who who;
	const struct key_settings *key_settings;   /* NULL: nobody in particular */
	const struct team_settings *team_settings;
};

PRINTF_LIKE(1, 2) static bool wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("sluice route-test: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

/* ---- the request ---- */

static bool read_body(struct route_test *t)
{
	bool standard = strcmp(t->body_file, "-") == 0;
	FILE *f = standard ? stdin : fopen(t->body_file, "rb");
	char piece[65536];
	size_t n;
	bool good;

	if (!f)
		return wrong("%s: %s", t->body_file, strerror(errno));
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		if (!buf_append(&t->body, str_of(piece, n)))
			break;
	good = !ferror(f) && !t->body.failed;
	if (!standard)
		fclose(f);
	return good || wrong("%s cannot be read, or is larger than 64 MiB", t->body_file);
}

/* Some dialects have the model in the path. */
static struct str path_for(struct route_test *t, enum dialect_id id)
{
	const char *model = t->model ? t->model : "";

	if (id == DIALECT_GEMINI)
		return arena_printf(&t->cli.arena, "/v1beta/models/%s:generateContent", model);
	if (id == DIALECT_BEDROCK)
		return arena_printf(&t->cli.arena, "/model/%s/converse", model);
	if (id == DIALECT_OLLAMA)
		return STR("/api/chat");
	return STR("/");
}

static enum dialect_call call_of(enum dialect_id id)
{
	if (id == DIALECT_OPENAI_EMBEDDINGS || id == DIALECT_VOYAGE)
		return CALL_EMBED;
	return id == DIALECT_RERANK ? CALL_RERANK : CALL_GENERATE;
}

/* What --header says of a field; empty: nothing. */
static struct str field(const struct route_test *t, struct str name)
{
	for (unsigned i = 0; i < t->n_headers; i++) {
		struct str rest = str_from_z(t->headers[i]), found = str_cut(&rest, ':');

		if (str_ieq(found, name))
			return str_trim(rest);
	}
	return (struct str){ 0 };
}

static const struct plan_who *who_asks(struct route_test *t)
{
	t->who = (struct plan_who){ .user = field(t, STR("x-sluice-user")), .tags = field(t, STR("x-sluice-tags")),
		                    .metadata = t->wishes.metadata };
	if (t->key_settings) {
		t->who.key = t->key_settings->name;
		t->who.team = t->key_settings->team;
		if (t->who.user.n == 0)
			t->who.user = t->key_settings->user;
	}
	return &t->who;
}

/* What strategy hash goes by, as gateway/look.c has it. */
static uint64_t hash_of(struct route_test *t, const struct route_model *m)
{
	struct str by = field(t, STR("x-sluice-hash"));

	if (by.n == 0 && m && m->hash_by == HASH_BY_SESSION)
		by = field(t, STR("x-sluice-session"));
	if (by.n == 0 && m && m->hash_by != HASH_BY_KEY)
		by = field(t, STR("x-sluice-user"));
	if (by.n == 0 && t->key_settings && m && m->hash_by != HASH_BY_KEY)
		by = t->key_settings->user;
	if (by.n == 0 && t->key && m && m->hash_by == HASH_BY_KEY)
		by = arena_printf(&t->cli.arena, "cfg_%s", t->key);
	return by.n ? route_stable_hash(by) | 1 : 0;
}

static void look(struct plan_ask *ask, unsigned what)
{
	struct route_test *t = ask->arg;
	struct look l = { .rq = &t->rq, .count = true, .arena = &t->cli.arena };
	struct str matched;
	const struct route_model *m = route_find(&t->table, ask->model, &matched);

	ask->looked |= (uint8_t)what;
	if (what & LOOK_WHO)
		ask->who = who_asks(t);
	if (what & LOOK_HASH)
		ask->hash = hash_of(t, m);
	if (!(what & (LOOK_NEEDS | LOOK_TOKENS)) || !t->rq.dialect)
		return;
	l.model = look_model(m, ask->model);
	look_into(&l, ask);
}

static bool no_dialect(const char *name)
{
	struct buf known = buf_make(1024);
	bool no;

	for (unsigned i = 0; i < DIALECTS; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", dialect_by_id((enum dialect_id)i)->name);
	no = wrong("there is no dialect %s; known are %.*s", name, STR_ARG(buf_str(&known)));
	buf_fini(&known);
	return no;
}

static bool make_ask(struct route_test *t)
{
	const struct dialect *d = t->dialect_name ? dialect_by_name(str_from_z(t->dialect_name)) : &dialect_openai_chat;
	struct dialect_in in = { 0 };
	struct err e;

	if (!d)
		return no_dialect(t->dialect_name);
	t->ask = (struct plan_ask){ .model = str_from_z(t->model), .dialect = d->id, .call = call_of(d->id),
		                    .now_ms = clock_now_ms(), .at_ms = (int64_t)clock_real_ms(), .max_output = -1,
		                    .look = look, .arg = t, .policy = t->key ? &t->policy : NULL };
	if (!t->body_file)
		return true;
	in = (struct dialect_in){ .path = path_for(t, d->id), .call = t->ask.call };
	if (!read_body(t))
		return false;
	in.body = buf_str(&t->body);
	if (!d->read_request(&t->cli.arena, &in, &t->rq, &e))
		return wrong("the body: %s", e.text);
	if (!t->model)
		t->ask.model = t->rq.model;
	t->ask.call = t->rq.call;
	t->ask.stream = t->rq.stream;
	t->ask.max_output = t->rq.max_output;
	t->ask.body_bytes = t->rq.body.n;
	return true;
}

/* ---- who asks ---- */

static bool allows(const struct setting_array *models, struct str model)
{
	const struct str *globs = models->items;

	for (size_t i = 0; i < models->n; i++)
		if (str_glob(globs[i], model))
			return true;
	return models->n == 0;
}

static bool allows_for_key(const void *arg, struct str model)
{
	const struct route_test *t = arg;

	return (!t->key_settings || allows(&t->key_settings->models, model)) &&
	       (!t->team_settings || allows(&t->team_settings->models, model));
}

static void use_team(struct route_test *t, struct str name)
{
	const struct team_settings *teams = t->config->teams.items;

	for (size_t i = 0; i < t->config->teams.n; i++)
		if (str_eq(teams[i].name, name))
			t->team_settings = &teams[i];
	if (!t->team_settings)
		return;
	t->policy.zdr = t->team_settings->require_zdr;
	t->policy.regions = (struct wish_names){ t->team_settings->regions.items,
		                                 (unsigned)t->team_settings->regions.n };
}

static bool use_key(struct route_test *t)
{
	const struct key_settings *keys = t->config->keys.items;

	if (!t->key)
		return true;
	for (size_t i = 0; i < t->config->keys.n; i++)
		if (str_eq(keys[i].name, str_from_z(t->key)))
			t->key_settings = &keys[i];
	if (!t->key_settings)
		return wrong("there is no key \"%s\" in the configuration", t->key);
	use_team(t, t->key_settings->team);
	return allows_for_key(t, t->ask.model) ||
	       wrong("the key %s may not use the model %.*s", t->key, STR_ARG(t->ask.model));
}

/* ---- what it wishes ---- */

static const struct wish_field *fields_of(struct route_test *t)
{
	const struct wish_field *first = NULL;

	for (unsigned i = t->n_headers; i-- > 0;) {
		struct str rest = str_from_z(t->headers[i]);
		struct wish_field *f = arena_must(&t->cli.arena, sizeof *f);

		f->name = str_cut(&rest, ':');
		f->value = str_trim(rest);
		f->next = first;
		if (wishes_know_field(f->name))
			first = f;
		else if (!str_istarts(f->name, STR("x-sluice-")))
			fprintf(stderr, "sluice route-test: %.*s says nothing about routing\n", STR_ARG(f->name));
	}
	return first;
}

static bool read_wishes(struct route_test *t)
{
	struct wish_source source = { .fields = fields_of(t), .model = t->ask.model };
	const struct json_node *body = NULL;
	struct err e;

	source.path = t->rq.dialect ? path_for(t, t->rq.dialect->id) : STR("/");
	if (t->rq.dialect)
		body = json_nodes(&t->cli.arena, t->rq.body, REQUEST_DEPTH_MAX, &e);
	if (node_is(body, JSON_OBJECT)) {
		source.body = t->rq.body;
		source.models = node_raw(node_get(body, STR("models")));
		source.provider = node_raw(node_get(body, STR("provider")));
		source.provider_options = node_raw(node_get(body, STR("providerOptions")));
	}
	if (!wishes_read(&t->cli.arena, &source, &t->wishes, &e) ||
	    !wishes_resolve(&t->cli.arena, &t->wishes, &t->table, t->ask.model, allows_for_key, t, &e))
		return wrong("%s", e.text);
	t->ask.wishes = &t->wishes;
	return true;
}

/* ---- telling ---- */

static struct str money(struct cli *c, int64_t pusd)
{
	char text[TEXT_FIXED_MAX];

	return pusd < 0 ? STR("") : arena_dup(&c->arena, str_of(text, text_fixed(text, pusd, 6)));
}

static struct str number(struct cli *c, uint64_t v)
{
	return v ? arena_printf(&c->arena, "%llu", (unsigned long long)v) : STR("");
}

static const struct model_facts *facts_of(const struct candidate *c)
{
	return deployment_facts(c->deployment, c->model);
}

static void print_candidates(struct route_test *t, const struct plan *p)
{
	static const char *const heads[] = { "PLACE", "DEPLOYMENT", "MODEL", "DIALECT", "ORDER", "WEIGHT", "WHY",
		                             "USD/M INPUT", "USD/M OUTPUT", "CONTEXT" };
	struct cli *c = &t->cli;
	struct cli_table table;

	cli_table_init(&table, &c->arena, heads, COUNT_OF(heads), 1u | 3u << 4 | 7u << 7);
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *cd = &p->group[i];
		const struct deployment *d = cd->deployment;
		const char *why = cd->excluded ? plan_exclusion_name((enum plan_exclusion)cd->excluded)
		                               : plan_place_name((enum plan_place)cd->place);

		cli_table_add(&table, cd->excluded ? STR("-") : number(c, i + 1));
		cli_table_add(&table, d->name);
		cli_table_add(&table, cd->model);
		cli_table_add(&table, cd->dialect ? str_from_z(cd->dialect->name) : STR(""));
		cli_table_add(&table, arena_printf(&c->arena, "%lld", (long long)d->order));
		cli_table_add(&table, arena_printf(&c->arena, "%u", d->weight));
		cli_table_add(&table, arena_printf(&c->arena, "%s%s", cd->excluded ? "excluded: " : "", why));
		cli_table_add(&table, money(c, price_of(&d->price, USAGE_INPUT)));
		cli_table_add(&table, money(c, price_of(&d->price, USAGE_OUTPUT)));
		cli_table_add(&table, number(c, facts_of(cd)->context_window));
	}
	cli_table_print(&table);
}

static const char *const list_names[ROUTE_LISTS] = {
	[LIST_GENERAL] = "fallbacks",
	[LIST_CONTEXT_WINDOW] = "context_window_fallbacks",
	[LIST_CONTENT_POLICY] = "content_policy_fallbacks",
};

static void print_request(const struct route_test *t)
{
	const struct plan_ask *a = &t->ask;
	const char *comma = "";

	if (!t->body_file)
		return;
	printf("request: %s%u tokens", a->tokens_guessed ? "about " : "", a->prompt_tokens);
	if (a->max_output >= 0)
		printf(", at most %lld in the answer", (long long)a->max_output);
	printf("; needs:");
	for (unsigned i = 0; i < CAPS; i++)
		if (a->needs >> i & 1) {
			printf("%s %.*s", comma, STR_ARG(model_cap_name(i)));
			comma = ",";
		}
	printf("%s\n\n", a->needs ? "" : " nothing");
}

static void print_lists(const struct plan *p)
{
	for (unsigned l = 0; l < ROUTE_LISTS; l++) {
		const struct route_fallbacks *list = &p->first->lists[l];

		for (unsigned i = 0; i < list->n; i++)
			printf("%s%s%.*s", i ? ", " : list_names[l], i ? "" : ": ", STR_ARG(list->items[i].name));
		if (list->n)
			putchar('\n');
	}
}

static void json_money(struct json_writer *w, struct cli *c, const char *name, int64_t pusd)
{
	struct str text = money(c, pusd);

	json_key(w, str_from_z(name));
	if (text.n)
		json_str(w, text);
	else
		json_null(w);
}

static void write_candidate(struct json_writer *w, struct route_test *t, const struct candidate *cd, unsigned place)
{
	const struct deployment *d = cd->deployment;

	json_open(w, '{');
	json_key_lit(w, "place");
	if (cd->excluded)
		json_null(w);
	else
		json_u64(w, place);
	json_key_lit(w, "deployment");
	json_str(w, d->name);
	json_key_lit(w, "model");
	json_str(w, cd->model);
	json_key_lit(w, "dialect");
	json_str(w, str_from_z(cd->dialect ? cd->dialect->name : ""));
	json_key_lit(w, "order");
	json_i64(w, d->order);
	json_key_lit(w, "weight");
	json_u64(w, d->weight);
	json_key_lit(w, "reason");
	if (cd->excluded)
		json_null(w);
	else
		json_str(w, str_from_z(plan_place_name((enum plan_place)cd->place)));
	json_key_lit(w, "excluded");
	if (cd->excluded)
		json_str(w, str_from_z(plan_exclusion_name((enum plan_exclusion)cd->excluded)));
	else
		json_null(w);
	json_money(w, &t->cli, "usd_per_million_input", price_of(&d->price, USAGE_INPUT));
	json_money(w, &t->cli, "usd_per_million_output", price_of(&d->price, USAGE_OUTPUT));
	json_key_lit(w, "context_window");
	if (facts_of(cd)->context_window)
		json_u64(w, facts_of(cd)->context_window);
	else
		json_null(w);
	json_close(w);
}

static void write_request(struct json_writer *w, const struct route_test *t)
{
	json_key_lit(w, "request");
	json_open(w, '{');
	json_key_lit(w, "prompt_tokens");
	json_u64(w, t->ask.prompt_tokens);
	json_key_lit(w, "tokens_estimated");
	json_bool(w, t->ask.tokens_guessed);
	json_key_lit(w, "needs");
	json_open(w, '[');
	for (unsigned i = 0; i < CAPS; i++)
		if (t->ask.needs >> i & 1)
			json_str(w, model_cap_name(i));
	json_close(w);
	json_close(w);
}

static void write_plan(struct json_writer *w, struct route_test *t, const struct plan *p)
{
	json_key_lit(w, "model");
	json_str(w, t->ask.model);
	if (t->body_file)
		write_request(w, t);
	json_key_lit(w, "candidates");
	json_open(w, '[');
	for (unsigned i = 0; i < p->n_all; i++)
		write_candidate(w, t, &p->group[i], i + 1);
	json_close(w);
	for (unsigned l = 0; l < ROUTE_LISTS; l++) {
		json_key(w, str_from_z(list_names[l]));
		json_open(w, '[');
		for (unsigned i = 0; i < p->first->lists[l].n; i++)
			json_str(w, p->first->lists[l].items[i].name);
		json_close(w);
	}
}

/* ---- draws ---- */

struct shares {
	struct { const struct deployment *d; uint64_t n; } row[PLAN_GROUP_MAX];
	unsigned n;
	uint64_t nobody;                 /* plans that none could serve */
};

static void count(struct shares *s, const struct deployment *d)
{
	unsigned i = 0;

	while (i < s->n && s->row[i].d != d)
		i++;
	if (i == PLAN_GROUP_MAX)
		return;
	if (i == s->n)
		s->row[s->n++].d = d;
	s->row[i].n++;
}

/* Who would be asked first, how often. */
static void draw(struct route_test *t, struct shares *s)
{
	struct arena_mark mark;
	struct arena arena;

	arena_init(&arena, 64 << 20);
	mark = arena_mark(&arena);
	for (uint64_t i = 0; i < t->draws; i++) {
		struct candidate first;
		struct plan p;
		uint32_t wait_ms;
		struct err e;

		if (plan_make(&p, &t->table, &t->ask, &arena, &e) &&
		    plan_next(&p, NULL, t->ask.now_ms, &arena, &first, &wait_ms) == PLAN_TRY)
			count(s, first.deployment);
		else
			s->nobody++;
		arena_rewind(&arena, mark);
	}
	arena_fini(&arena);
}

static void print_shares(struct route_test *t, const struct shares *s)
{
	static const char *const heads[] = { "FIRST", "REQUESTS", "SHARE" };
	struct cli *c = &t->cli;
	struct cli_table table;

	cli_table_init(&table, &c->arena, heads, COUNT_OF(heads), 6);
	for (unsigned i = 0; i < s->n; i++) {
		cli_table_add(&table, s->row[i].d->name);
		cli_table_add(&table, number(c, s->row[i].n));
		cli_table_add(&table, arena_printf(&c->arena, "%.2f %%",
		                                   100.0 * (double)s->row[i].n / (double)t->draws));
	}
	putchar('\n');
	cli_table_print(&table);
}

static void write_shares(struct json_writer *w, const struct route_test *t, const struct shares *s)
{
	json_key_lit(w, "draws");
	json_open(w, '{');
	for (unsigned i = 0; i < s->n; i++) {
		json_key(w, s->row[i].d->name);
		json_u64(w, s->row[i].n);
	}
	json_close(w);
	json_key_lit(w, "nobody");
	json_u64(w, s->nobody);
}

/* ---- the command ---- */

static int tell(struct route_test *t, const struct plan *p, const struct shares *s, const struct err *e)
{
	struct buf out = buf_make(OUTPUT_MAX);
	struct json_writer w = json_writer_make(&out);
	bool good;

	if (!t->cli.json) {
		print_request(t);
		print_candidates(t, p);
		print_lists(p);
		if (t->draws)
			print_shares(t, s);
		if (e)
			fprintf(stderr, "sluice route-test: %s\n", e->text);
		else if (p->n == 0)
			fprintf(stderr, "sluice route-test: nobody is left here, and the fallbacks follow\n");
		return cli_printed();
	}
	json_open(&w, '{');
	write_plan(&w, t, p);
	if (t->draws)
		write_shares(&w, t, s);
	json_key_lit(&w, "error");
	if (e)
		json_str(&w, str_from_z(e->text));
	else
		json_null(&w);
	json_close(&w);
	good = !out.failed && fwrite(out.p, 1, out.n, stdout) == out.n && putchar('\n') != EOF;
	buf_fini(&out);
	return good ? cli_printed() : EXIT_WRONG;
}

static int plan_and_tell(struct route_test *t)
{
	struct shares shares = { .n = 0 };
	struct plan p = { 0 };
	struct err e;
	bool good = plan_make(&p, &t->table, &t->ask, &t->cli.arena, &e);

	if (!p.first) {
		fprintf(stderr, "sluice route-test: %s\n", e.text);
		return EXIT_WRONG;
	}
	t->ask = p.ask; /* with what was looked up */
	if (t->body_file && !(t->ask.looked & LOOK_TOKENS))
		look(&t->ask, LOOK_NEEDS | LOOK_TOKENS);
	draw(t, &shares);
	return tell(t, &p, &shares, good ? NULL : &e) == EXIT_GOOD && good ? EXIT_GOOD : EXIT_WRONG;
}

static bool load(struct route_test *t)
{
	struct conf_problems problems = { 0 };
	struct route_table_source source;
	struct err e;

	t->config = config_load(t->cli.file ? t->cli.file : config_find(), &conf_env_process, &problems);
	for (size_t i = 0; !t->config && i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.items[i].text);
	if (!t->config)
		return false;
	source = (struct route_table_source){ .providers = t->config->providers, .models = t->config->models,
		                              .routing = &t->config->routing };
	source.catalogue = prices_load(t->config, true, &e);
	return (source.catalogue && route_table_init(&t->table, &source, &t->config->arena, &e)) ||
	       wrong("%s", e.text);
}

static int run(struct route_test *t)
{
	int code = EXIT_WRONG;

	if (t->cli.n_args)
		return cli_usage(&t->cli, "unexpected argument", t->cli.args[0]);
	if (!t->model && !t->body_file)
		return cli_usage(&t->cli, "--model says for which model", NULL);
	if (t->times && (!str_to_u64(str_from_z(t->times), &t->draws) || t->draws > DRAWS_MAX))
		return cli_usage(&t->cli, "-n must be a number up to 10000000", t->times);
	dialect_init();
	if (load(t) && make_ask(t) && use_key(t) && read_wishes(t))
		code = plan_and_tell(t);
	buf_fini(&t->body);
	config_free(t->config);
	return code;
}

/* Takes --header out of the arguments: it may be given several times. False: a message was printed. */
static bool take_headers(struct route_test *t, int *argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--header") != 0) {
			argv[kept++] = argv[i];
			continue;
		}
		if (i + 1 == *argc || !strchr(argv[i + 1], ':') || t->n_headers == HEADERS_MAX)
			return wrong("--header must be followed by 'name: value', up to 32 times; "
			             "try: sluice help route-test");
		t->headers[t->n_headers++] = argv[++i];
	}
	*argc = kept;
	return true;
}

int command_route_test(int argc, char **argv)
{
	struct route_test *t = calloc(1, sizeof *t);
	const struct cli_option options[] = {
		{ "--model", &t->model, NULL }, { "--body", &t->body_file, NULL },
		{ "--dialect", &t->dialect_name, NULL }, { "--key", &t->key, NULL }, { "-n", &t->times, NULL },
	};
	int code = EXIT_USAGE;

	t->body = buf_make(BODY_MAX);
	if (take_headers(t, &argc, argv)) {
		if (cli_begin(&t->cli, "route-test", argc, argv, options, COUNT_OF(options)))
			code = run(t);
		cli_end(&t->cli);
	}
	free(t);
	return code;
}
