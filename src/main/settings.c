/* SPDX-License-Identifier: Apache-2.0 */
/* The whole configuration: its top rows, what must hold between rooms, and where it comes from. */

#include "main/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/env.h"
#include "conf/nearest.h"
#include "net/http.h"
#include "provider/places.h"

/* All structs and texts of one configuration: far above what CONF_TEXT_MAX can fill by honest means. */
#define CONFIG_MAX_BYTES ((size_t)256 << 20)

#define AT(member) .offset = offsetof(struct STRUCT, member)

static const char *const auth_words[] = { "required", "none", NULL };

#define STRUCT admin_settings
static const struct setting admin_rows[] = {
	{ .name = "key",
	  .type = SETTING_SECRET,
	  AT(key),
	  .help = "Key of the admin API. Left out: one is generated at the first start and kept in data_dir." },
};
#undef STRUCT
static const struct settings admin_settings = {
	.name = "admin", .size = sizeof(struct admin_settings), .rows = admin_rows, .n = COUNT_OF(admin_rows),
};

#define STRUCT config
static const struct setting config_rows[] = {
	{ .name = "listen", .type = SETTING_LIST, AT(listen), .section = &listen_settings, .value = "127.0.0.1:8080",
	  .needs_restart = true, .help = "Where clients connect: one address or a list." },
	{ .name = "workers", .type = SETTING_INT, AT(workers), .value = "auto", .also = "auto", .min = "1",
	  .max = "1024",
	  .needs_restart = true, .help = "Event loops. auto: one for each core." },
	{ .name = "busy_poll", .type = SETTING_MICROS, AT(busy_poll_us), .value = "off", .also = "off", .min = "1us",
	  .max = "100ms", .needs_restart = true,
	  .help = "Look for events this long before sleeping: less latency for more CPU." },
	{ .name = "data_dir", .type = SETTING_TEXT, AT(data_dir), .value = "./data", .needs_restart = true,
	  .help = "Folder of the database, the ledger and generated keys." },
	{ .name = "storage", .type = SETTING_SECRET, AT(storage), .value = "sqlite", .needs_restart = true,
	  .support = SETTING_REFUSED, .acts_on = "sqlite",
	  .help = "Where keys, teams, spend and request logs are kept: sqlite or postgres://…" },
	{ .name = "shared_state", .type = SETTING_SECRET, AT(shared_state), .value = "memory", .needs_restart = true,
	  .support = SETTING_REFUSED, .acts_on = "memory",
	  .help = "What replicas share limits, budgets, cache and health through: memory (nothing is shared) or "
	          "redis://…" },
	{ .name = "admin", .type = SETTING_SECTION, AT(admin), .section = &admin_settings, .help = "The admin API." },
	{ .name = "auth", .type = SETTING_WORD, AT(auth), .value = "required", .words = auth_words,
	  .help = "Whether clients must present a key. none is accepted only where every listener is local." },
	{ .name = "shutdown_grace", .type = SETTING_DURATION, AT(shutdown_grace_ms), .value = "30s", .min = "0",
	  .max = "1d",
	  .help = "How long answers under way may take to finish after SIGTERM." },
	{ .name = "server", .type = SETTING_SECTION, AT(server), .section = &server_settings,
	  .help = "Ceilings and deadlines towards clients." },
	{ .name = "upstream", .type = SETTING_SECTION, AT(upstream), .section = &upstream_settings,
	  .help = "Ceilings and connections towards providers." },
	{ .name = "providers", .type = SETTING_MAP, AT(providers), .section = &provider_settings,
	  .help = "Who runs models." },
	{ .name = "models", .type = SETTING_LIST, AT(models), .section = &model_settings,
	  .help = "What clients may ask for, besides PROVIDER/MODEL." },
	{ .name = "routing", .type = SETTING_SECTION, AT(routing), .section = &routing_settings,
	  .help = "What is done when a deployment fails." },
	{ .name = "translation", .type = SETTING_SECTION, AT(translation), .section = &translation_settings,
	  .help = "Requests to providers of another dialect than the client's." },
	{ .name = "catalogue", .type = SETTING_SECTION, AT(catalogue), .section = &catalogue_settings,
	  .help = "Prices, limits and capabilities of models." },
	{ .name = "cache", .type = SETTING_SECTION, AT(cache), .section = &cache_settings,
	  .help = "Answers given again." },
	{ .name = "limits", .type = SETTING_SECTION, AT(limits), .section = &limits_settings,
	  .help = "Limits for all keys." },
	{ .name = "budgets", .type = SETTING_SECTION, AT(budgets), .section = &budgets_settings,
	  .help = "What happens when a budget is spent." },
	{ .name = "guardrails", .type = SETTING_LIST, AT(guardrails), .section = &guardrail_settings,
	  .support = SETTING_REFUSED, .help = "What requests and answers are searched for." },
	{ .name = "keys", .type = SETTING_LIST, AT(keys), .section = &key_settings,
	  .help = "Fixed keys, besides those made through the admin API." },
	{ .name = "teams", .type = SETTING_LIST, AT(teams), .section = &team_settings, .help = "Groups of keys." },
	{ .name = "audit", .type = SETTING_SECTION, AT(audit), .section = &audit_settings,
	  .help = "The log that shows who did what." },
	{ .name = "logs", .type = SETTING_SECTION, AT(logs), .section = &logs_settings,
	  .help = "Request log and messages." },
	{ .name = "telemetry", .type = SETTING_SECTION, AT(telemetry), .section = &telemetry_settings,
	  .help = "Metrics and traces." },
	{ .name = "alerts", .type = SETTING_SECTION, AT(alerts), .section = &alerts_settings,
	  .help = "Who is told when a deployment fails." },
};
#undef STRUCT

/* ---- rules between rooms ---- */

/* Lists whose items begin with their name, as all that are referred to do. */
_Static_assert(offsetof(struct provider_settings, name) == 0, "has_name reads it there");
_Static_assert(offsetof(struct model_settings, name) == 0, "has_name reads it there");
_Static_assert(offsetof(struct guardrail_settings, name) == 0, "has_name reads it there");

static bool has_name(const struct setting_array *items, size_t size, struct str name, struct nearest *near)
{
	*near = nearest_to(name);
	for (size_t i = 0; i < items->n; i++) {
		struct str known = *(const struct str *)((const char *)items->items + i * size);
		if (str_eq(known, name))
			return true;
		nearest_offer(near, known);
	}
	return false;
}

static bool unknown_name(struct setting_checker *c, const struct str *at, const char *what, const struct nearest *near)
{
	if (near->best.p)
		return c->refuse_value(c, at, "is no %s of this configuration; did you mean \"%.*s\"?", what,
		                       STR_ARG(near->best));
	return c->refuse_value(c, at, "is no %s of this configuration", what);
}

static bool check_listeners(const struct config *conf, struct setting_checker *c)
{
	const struct listen_settings *l = conf->listen.items;
	bool good = conf->listen.n > 0 || c->refuse(c, &conf->listen, "needs at least one address");
	for (size_t i = 0; i < conf->listen.n; i++)
		if (conf->auth == AUTH_SETTING_NONE && !l[i].is_local)
			good = c->refuse(c, &conf->auth, "may be none only where every listener is local (127.0.0.1, "
			                                 "[::1], "
			                 "unix:PATH): others could use your providers");
	return good;
}

static bool check_stores(const struct config *conf, struct setting_checker *c)
{
	bool good = true;
	if (!str_eq(conf->storage, STR("sqlite")) && !str_starts(conf->storage, STR("postgres://")) &&
	    !str_starts(conf->storage, STR("postgresql://")))
		good = c->refuse(c, &conf->storage, "must be sqlite or begin with postgres://");
	if (!str_eq(conf->shared_state, STR("memory")) && !str_starts(conf->shared_state, STR("redis://")) &&
	    !str_starts(conf->shared_state, STR("rediss://")))
		good = c->refuse(c, &conf->shared_state, "must be memory or begin with redis:// or rediss://");
	return good;
}

/* A name that some model, pattern or PROVIDER/MODEL answers to. */
static bool model_exists(const struct config *conf, struct str name, struct nearest *near)
{
	if (has_name(&conf->models, sizeof(struct model_settings), name, near))
		return true;
	const struct model_settings *m = conf->models.items;
	for (size_t i = 0; i < conf->models.n; i++)
		if (str_glob(m[i].name, name))
			return true;
	size_t slash = str_find_chr(name, '/');
	struct nearest unused;
	return slash != STR_NPOS &&
	       has_name(&conf->providers, sizeof(struct provider_settings), str_slice(name, 0, slash), &unused);
}

/* Two models may fall back to each other: a request follows only the lists of the model that it asked for. `m`: NULL
 * for the lists that are for all. `may_come`: it may name models that are still to come; they are passed over. */
static bool check_fallbacks(const struct config *conf, const struct model_settings *m, const struct setting_array *list,
                            bool may_come, struct setting_checker *c)
{
	const struct str *names = list->items;
	struct nearest near;
	bool good = true;
	for (size_t i = 0; i < list->n; i++) {
		if (m && str_eq(names[i], m->name))
			good = c->refuse_value(c, &names[i], "is the model itself");
		else if (!model_exists(conf, names[i], &near)) {
			if (may_come)
				c->note(c, &names[i], SETTING_PASSED);
			else
				good = unknown_name(c, &names[i], "model", &near);
		}
		for (size_t k = 0; k < i; k++)
			if (str_eq(names[i], names[k])) {
				good = c->refuse_value(c, &names[i], "stands twice in the list");
				break;
			}
	}
	return good;
}

static bool check_model(const struct config *conf, const struct model_settings *m, struct setting_checker *c)
{
	const struct deployment_settings *d = m->deployments.items;
	const struct str *guardrails = m->guardrails.items;
	struct nearest near;
	bool good = true;
	for (size_t i = 0; i < m->deployments.n; i++) {
		if (has_name(&conf->providers, sizeof(struct provider_settings), d[i].provider, &near))
			continue;
		if (!near.best.p && provider_by_name(d[i].provider))
			good = c->refuse_value(c, &d[i].provider, "is not configured: add it and its credential under "
			                                          "providers");
		else
			good = unknown_name(c, &d[i].provider, "provider", &near);
	}
	for (size_t i = 0; i < m->guardrails.n; i++)
		if (!has_name(&conf->guardrails, sizeof(struct guardrail_settings), guardrails[i], &near))
			good = unknown_name(c, &guardrails[i], "guardrail", &near);
	good &= check_fallbacks(conf, m, &m->fallbacks, false, c);
	good &= check_fallbacks(conf, m, &m->context_window_fallbacks, true, c);
	good &= check_fallbacks(conf, m, &m->content_policy_fallbacks, true, c);
	return good;
}

/* One text, one key: otherwise it would be chance whose limits hold. */
static bool check_keys(struct config *conf, struct setting_checker *c)
{
	struct key_settings *k = conf->keys.items;
	struct map seen = { 0 };
	bool good = true;
	if (conf->admin.key.n > 0)
		map_put(&seen, conf->admin.key, conf);
	for (size_t i = 0; i < conf->keys.n; i++)
		if (map_put(&seen, k[i].key, &k[i]))
			good = c->refuse(c, &k[i].key, "is the same as another key or the admin key");
	map_fini(&seen);
	if (!http_is_field_value(conf->admin.key))
		good = c->refuse(c, &conf->admin.key, "must be one line without control characters");
	return good;
}

static bool check_config(void *item, struct setting_checker *c)
{
	struct config *conf = item;
	const struct model_settings *m = conf->models.items;
	bool good = check_listeners(conf, c);
	good &= check_stores(conf, c);
	good &= conf->data_dir.n > 0 || c->refuse(c, &conf->data_dir, "must not be empty");
	for (size_t i = 0; i < conf->models.n; i++)
		good &= check_model(conf, &m[i], c);
	good &= check_fallbacks(conf, NULL, &conf->routing.fallbacks, false, c);
	good &= check_fallbacks(conf, NULL, &conf->routing.context_window_fallbacks, true, c);
	good &= check_fallbacks(conf, NULL, &conf->routing.content_policy_fallbacks, true, c);
	good &= check_keys(conf, c);
	return good;
}

const struct settings config_settings = {
	.name = "configuration", .size = sizeof(struct config), .rows = config_rows, .n = COUNT_OF(config_rows),
	.check = check_config,
};

/* ---- where it comes from ---- */

const char *config_find(void)
{
	static const char *const places[] = { "./sluice.yaml", "/etc/sluice/sluice.yaml" };
	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}

struct config *config_read(const char *file, struct str text, const struct conf_env *env,
                           struct conf_problems *problems)
{
	struct config *conf = mem_zalloc(sizeof(*conf));
	struct arena arena;
	struct conf_notes notes;
	struct conf_source source = { .file = file, .text = text, .env = env };
	arena_init(&arena, CONFIG_MAX_BYTES);
	bool good = conf_read(&config_settings, &source, &arena, conf, &notes, problems);
	conf->arena = arena;
	conf->notes = notes;
	if (!good) {
		config_free(conf);
		return NULL;
	}
	conf->file = arena_dup(&conf->arena, str_from_z(file));
	return conf;
}

/* The configuration that somebody would have written for the variables that are set. */
static void write_zero_configuration(const struct conf_env *env, struct buf *out)
{
	size_t n;
	const struct provider *rows = provider_rows(&n);
	buf_append(out, STR("providers:\n"));
	for (size_t i = 0; i < n; i++) {
		struct str names[] = { rows[i].key_env, rows[i].key_env_also }, value;
		size_t k = 0;
		while (k < COUNT_OF(names) && !(names[k].n > 0 && env->variable(env, names[k], &value) && value.n > 0))
			k++;
		bool found = rows[i].found_env.n > 0 && env->variable(env, rows[i].found_env, &value) && value.n > 0;
		if ((k == COUNT_OF(names) && !found) ||
		    (rows[i].places[0].used && !provider_places_found(env, &rows[i])))
			continue;
		if (k < COUNT_OF(names))
			buf_printf(out, "  %.*s: {api_key: \"${%.*s}\"}\n", STR_ARG(rows[i].name), STR_ARG(names[k]));
		else
			buf_printf(out, "  %.*s: {}\n", STR_ARG(rows[i].name));
	}
}

struct config *config_load(const char *file, const struct conf_env *env, struct conf_problems *problems)
{
	struct buf written = buf_make(1 << 20);
	struct arena arena;
	struct str text;
	struct err err = { 0 };
	struct config *conf = NULL;
	*problems = (struct conf_problems){ 0 };
	arena_init(&arena, CONF_TEXT_MAX + (1 << 20));
	if (!file) {
		write_zero_configuration(env, &written);
		conf = config_read("(environment)", buf_str(&written), env, problems);
		if (conf)
			conf->file = (struct str){ 0 };
	} else if (env->file(env, &arena, str_from_z(file), CONF_TEXT_MAX, &text, &err)) {
		conf = config_read(file, text, env, problems);
	} else {
		problems->n = 1;
		err_set(&problems->items[0], ERR_CONFIG, "%s: %s", file, err.text);
	}
	buf_fini(&written);
	arena_fini(&arena);
	return conf;
}

void config_free(struct config *conf)
{
	if (!conf)
		return;
	/* The arena goes with everything that `conf` points to; it is taken out first because it lies inside. */
	struct arena arena = conf->arena;
	arena_fini(&arena);
	free(conf);
}

static const char *what_becomes_of(enum setting_support support)
{
	switch (support) {
	case SETTING_ACTS:
	case SETTING_IGNORED: return ": this version does not act on this setting";
	case SETTING_REFUSED:
		return ": this version does not act on this setting; because it promises protection, sluice does not "
		       "start with it";
	case SETTING_PASSED: return " is no model of this configuration: it is passed over";
	}
	assert(!"unknown setting_support");
	return "";
}

void config_unsupported(const struct config *conf, void (*report)(void *arg, enum setting_support, const char *message),
                        void *arg)
{
	for (size_t i = 0; i < conf->notes.n; i++) {
		const struct conf_note *n = &conf->notes.items[i];
		char text[1024];
		snprintf(text, sizeof(text), "%.*s:%u:%u: %.*s%s", STR_ARG(conf->file), n->place.line,
		         n->place.column, STR_ARG(n->path), what_becomes_of(n->support));
		report(arg, n->support, text);
	}
}
