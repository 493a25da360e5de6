/* SPDX-License-Identifier: Apache-2.0 */
/* custom: what a script is shown of a request and its candidates, and what is made of its answer. */
#include "route/custom.h"

#include <assert.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "conf/env.h"
#include "json/node.h"
#include "route/custom_in.h"
#include "route/plan.h"
#include "route/strategy.h"

enum {
	LOG_EVERY_MS = 60000,
	TEXT_SHOWN_MAX = 4096,           /* of what a client sent */
	MEMBERS_SHOWN_MAX = 64,
	NAMES_MAX = 4096,                /* in the answer */
	METADATA_MEMORY_MAX = 256 << 10,
	METADATA_DEPTH_MAX = 16,
};

struct custom {
	struct str model, text;
	const char *chunk;
	int64_t max_instructions;
	pthread_mutex_t lock;
	struct box *boxes;               /* those that nobody uses */
	_Atomic uint64_t logged_ms;
};

struct call {
	const struct plan_ask *ask;
	const struct plan_who *who;
	struct arena *arena;
	const struct json_node *metadata; /* NULL: none, or none that can be read */
	const struct candidate *candidates;
	const uint16_t *list;            /* as given: index i of the script is candidates[list[i - 1]] */
	unsigned n, named;
	uint16_t order[PLAN_GROUP_MAX];
	bool taken[PLAN_GROUP_MAX];
};

static _Atomic uint64_t calls, failures;

static const struct candidate *nth(const struct call *c, lua_Integer index)
{
	return &c->candidates[c->list[index - 1]];
}

struct custom_figures custom_figures(void)
{
	return (struct custom_figures){ atomic_load_explicit(&calls, memory_order_relaxed),
		                        atomic_load_explicit(&failures, memory_order_relaxed) };
}

/* ---- what it is shown ---- */

static void set_text(lua_State *L, const char *name, struct str text)
{
	if (text.n == 0)
		return;
	text = str_slice(text, 0, TEXT_SHOWN_MAX);
	lua_pushlstring(L, text.p, text.n);
	lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, int64_t v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, name);
}

static void set_bool(lua_State *L, const char *name, bool v)
{
	lua_pushboolean(L, v);
	lua_setfield(L, -2, name);
}

/* Pico-dollars a token are micro-dollars a million tokens. */
static void set_price(lua_State *L, const char *name, int64_t pusd)
{
	if (pusd < 0)
		return;
	lua_pushnumber(L, (double)pusd / 1e6);
	lua_setfield(L, -2, name);
}

static void set_needs(lua_State *L, uint32_t needs)
{
	lua_newtable(L);
	for (unsigned i = 0; i < CAPS; i++)
		if (needs >> i & 1) {
			struct str name = model_cap_name(i);

			lua_pushlstring(L, name.p, name.n);
			lua_pushboolean(L, true);
			lua_rawset(L, -3);
		}
	lua_setfield(L, -2, "needs");
}

/* A list, and each also as a member that is true: `request.tags.gold`. */
static void set_tags(lua_State *L, struct str rest)
{
	int n = 0;

	lua_newtable(L);
	rest = str_slice(rest, 0, TEXT_SHOWN_MAX);
	while (rest.p && rest.n && n < MEMBERS_SHOWN_MAX) {
		struct str tag = str_trim(str_cut(&rest, ','));

		if (tag.n == 0)
			continue;
		lua_pushlstring(L, tag.p, tag.n);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, ++n);
		lua_pushboolean(L, true);
		lua_rawset(L, -3);
	}
	lua_setfield(L, -2, "tags");
}

/* Members that are texts, numbers and truth values; the others say nothing about routing. */
static void set_metadata(lua_State *L, const struct call *c)
{
	unsigned n = 0;

	lua_newtable(L);
	for (const struct json_node *m = node_first(c->metadata); m && n < MEMBERS_SHOWN_MAX;
	     m = node_next(c->metadata, m), n++) {
		struct str raw = node_raw(m);

		if (m->type == JSON_OBJECT || m->type == JSON_ARRAY || m->type == JSON_NULL)
			continue;
		if (m->type == JSON_STRING)
			raw = jstr_plain(c->arena, node_text(m));
		lua_pushlstring(L, m->key, m->key_n);
		if (m->type == JSON_BOOL)
			lua_pushboolean(L, node_true(m));
		else
			lua_pushlstring(L, raw.p, raw.n < TEXT_SHOWN_MAX ? raw.n : TEXT_SHOWN_MAX);
		lua_rawset(L, -3);
	}
	lua_setfield(L, -2, "metadata");
}

static void push_request(lua_State *L, const struct call *c)
{
	const struct plan_ask *ask = c->ask;

	lua_createtable(L, 0, 16);
	set_text(L, "model", ask->model);
	set_text(L, "dialect", str_from_z(dialect_by_id(ask->dialect)->name));
	set_bool(L, "stream", ask->stream);
	if (ask->looked & LOOK_TOKENS && ask->prompt_tokens)
		set_integer(L, "prompt_tokens", ask->prompt_tokens);
	if (ask->max_output >= 0)
		set_integer(L, "max_output", ask->max_output);
	set_integer(L, "body_bytes", (int64_t)ask->body_bytes);
	if (ask->hash)
		set_integer(L, "hash", (int64_t)(ask->hash >> 1));
	set_needs(L, ask->needs);
	set_text(L, "key", c->who->key);
	set_text(L, "team", c->who->team);
	set_text(L, "user", c->who->user);
	set_tags(L, c->who->tags);
	set_metadata(L, c);
}

/* What moves from moment to moment, asked for only where a script looks at it. */
static double figure_of(const struct health *h, struct str name, uint64_t now)
{
	static const struct { struct str prefix; enum health_percentile p; } percentiles[] = {
		{ STR_INIT("p50_"), HEALTH_P50 }, { STR_INIT("p75_"), HEALTH_P75 },
		{ STR_INIT("p90_"), HEALTH_P90 }, { STR_INIT("p99_"), HEALTH_P99 },
	};

	if (str_eq(name, STR("in_flight")))
		return health_load(h, now).in_flight;
	if (str_eq(name, STR("requests_minute")))
		return health_load(h, now).requests_minute;
	if (str_eq(name, STR("tokens_minute")))
		return (double)health_load(h, now).tokens_minute;
	if (str_eq(name, STR("first_byte_ms")))
		return health_speed(h, now).first_byte_us / 1e3;
	if (str_eq(name, STR("per_token_ms")))
		return health_speed(h, now).per_token_us / 1e3;
	for (size_t i = 0; i < COUNT_OF(percentiles); i++) {
		struct str rest = str_slice(name, percentiles[i].prefix.n, name.n);

		if (!str_starts(name, percentiles[i].prefix))
			continue;
		if (str_eq(rest, STR("ms")))
			return health_latency_us(h, percentiles[i].p, now) / 1e3;
		if (str_eq(rest, STR("tokens_second")))
			return health_throughput_milli(h, percentiles[i].p, now) / 1e3;
	}
	return -1;
}

/* __index of candidates: it stays the same for the rest of the call, so that sorting by it is sound. */
static int candidate_index(lua_State *L)
{
	const struct call *c = box_of(L)->call;
	lua_Integer index;
	struct str name;
	double v;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	name.p = lua_tolstring(L, 2, &name.n);
	lua_pushliteral(L, "index");
	lua_rawget(L, 1);
	index = lua_tointeger(L, -1);
	if (index < 1 || index > c->n || !nth(c, index)->health)
		return 0;
	v = figure_of(nth(c, index)->health, name, c->ask->now_ms);
	/* speeds that are not known are nil; nothing under way is 0 */
	if (v < 0 || (v == 0 && (str_ends(name, STR("_ms")) || str_ends(name, STR("_second")))))
		return 0;
	if (str_ends(name, STR("_ms")) || str_ends(name, STR("_second")))
		lua_pushnumber(L, v);
	else
		lua_pushinteger(L, (lua_Integer)v);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_rawset(L, 1);
	return 1;
}

static void push_candidate(lua_State *L, const struct call *c, unsigned index)
{
	const struct candidate *cd = nth(c, index);
	const struct deployment *d = cd->deployment;
	const struct provider_settings *p = d->provider->settings;
	const struct model_facts *f = deployment_facts(d, cd->model);

	lua_createtable(L, 0, 16);
	set_integer(L, "index", index);
	set_text(L, "name", d->name);
	set_text(L, "provider", d->provider->name);
	set_text(L, "model", cd->model);
	set_integer(L, "weight", d->weight);
	set_integer(L, "order", d->order);
	set_price(L, "input_price", price_of(&d->price, USAGE_INPUT));
	set_price(L, "output_price", price_of(&d->price, USAGE_OUTPUT));
	set_price(L, "cache_read_price", price_of(&d->price, USAGE_CACHE_READ));
	if (f->context_window)
		set_integer(L, "context_window", f->context_window);
	set_text(L, "region", d->settings && d->settings->region.n ? d->settings->region : p->region);
	set_bool(L, "zdr", p->zdr);
	set_bool(L, "probe", cd->place == PLACE_PROBE);
	lua_pushvalue(L, -3); /* what they have in common */
	lua_setmetatable(L, -2);
}

/* Leaves the list on top. */
static void push_candidates(lua_State *L, const struct call *c)
{
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, candidate_index);
	lua_setfield(L, -2, "__index");
	lua_createtable(L, (int)c->n, 0);
	for (unsigned i = 1; i <= c->n; i++) {
		push_candidate(L, c, i);
		lua_rawseti(L, -2, i);
	}
	lua_remove(L, -2);
}

/* ---- what it answers ---- */

static void take(struct call *c, lua_Integer index)
{
	if (c->taken[index - 1])
		return;
	c->taken[index - 1] = true;
	c->order[c->named++] = c->list[index - 1];
}

/* Names are of deployments, of which several may bear the same; one that is no candidate now is passed over: it may be
 * out, or not fit the request. */
static void take_name(struct call *c, struct str name)
{
	for (unsigned i = 1; i <= c->n; i++)
		if (str_eq(nth(c, i)->deployment->name, name))
			take(c, i);
}

/* The item on top: an index, a name, or one of the candidates. */
static void take_item(lua_State *L, struct call *c)
{
	lua_Integer index;
	struct str name;
	int is_integer;

	if (lua_type(L, -1) == LUA_TSTRING) {
		name.p = lua_tolstring(L, -1, &name.n);
		take_name(c, name);
		return;
	}
	if (lua_type(L, -1) == LUA_TTABLE) {
		lua_pushliteral(L, "index");
		lua_rawget(L, -2);
		lua_replace(L, -2);
	}
	index = lua_tointegerx(L, -1, &is_integer);
	if (!is_integer || index < 1 || index > c->n)
		luaL_error(L, "order must return indices, names or candidates");
	take(c, index);
}

static int run(lua_State *L)
{
	struct call *c = box_of(L)->call;
	lua_Unsigned n;

	box_begin(L, "order");
	push_request(L, c);
	push_candidates(L, c);
	lua_call(L, 2, 1);
	if (lua_type(L, -1) != LUA_TTABLE)
		return luaL_error(L, "order must return a list");
	n = lua_rawlen(L, -1);
	for (lua_Unsigned i = 1; i <= n && i <= NAMES_MAX && c->named < c->n; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i);
		take_item(L, c);
		lua_pop(L, 1);
	}
	return c->named || c->n == 0 ? 0 : luaL_error(L, "order named no candidate");
}

static int run_once(lua_State *L)
{
	box_begin(L, "order");
	return 0;
}

/* ---- making and calling ---- */

static struct box *make_box(const struct custom *c, struct err *e)
{
	struct box *b = box_new(c->text, c->chunk, c->max_instructions, e);

	if (b && !box_run(b, run_once, NULL, e)) {
		box_free(b);
		return NULL;
	}
	return b;
}

static struct box *take_box(struct custom *c, struct err *e)
{
	struct box *b;

	pthread_mutex_lock(&c->lock);
	b = c->boxes;
	if (b)
		c->boxes = b->next;
	pthread_mutex_unlock(&c->lock);
	return b ? b : make_box(c, e);
}

static void give_box(struct custom *c, struct box *b)
{
	pthread_mutex_lock(&c->lock);
	b->next = c->boxes;
	c->boxes = b;
	pthread_mutex_unlock(&c->lock);
}

static void custom_free(void *arg)
{
	struct custom *c = arg;

	for (struct box *b = c->boxes, *next; b; b = next) {
		next = b->next;
		box_free(b);
	}
	pthread_mutex_destroy(&c->lock);
}

static bool read_script(struct str setting, struct arena *a, struct custom *c, struct err *e)
{
	c->chunk = "=script";
	c->text = setting;
	if (str_ends(setting, STR(".lua")) && str_find_chr(setting, '\n') == STR_NPOS) {
		struct str chunk = arena_printf(a, "@%.*s", STR_ARG(setting));

		if (!conf_env_process.file(&conf_env_process, a, setting, CUSTOM_TEXT_MAX, &c->text, e))
			return err_set(e, ERR_CONFIG, "%.*s: %s", STR_ARG(setting), e->text);
		c->chunk = chunk.p;
	}
	return c->text.n <= CUSTOM_TEXT_MAX || err_set(e, ERR_CONFIG, "is larger than 64 KiB");
}

struct custom *custom_new(struct str model, struct str setting, int64_t max_instructions, struct arena *a,
                          struct err *e)
{
	struct custom *c = arena_must(a, sizeof *c);

	c->model = model;
	c->max_instructions = max_instructions;
	if (!read_script(setting, a, c, e) || !(c->boxes = make_box(c, e)))
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	if (arena_on_free(a, custom_free, c))
		return c;
	custom_free(c);
	err_set(e, ERR_CONFIG, "the configuration is too large");
	return NULL;
}

bool custom_check(struct str setting, int64_t max_instructions, struct err *e)
{
	struct arena a;
	bool good;

	arena_init(&a, 4 * CUSTOM_TEXT_MAX);
	good = custom_new(STR(""), setting, max_instructions, &a, e) != NULL;
	arena_fini(&a);
	return good;
}

static COLD void tell(struct custom *c, uint64_t now_ms, const struct err *e)
{
	uint64_t before = atomic_load_explicit(&c->logged_ms, memory_order_relaxed);

	atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
	if ((before && now_ms - before < LOG_EVERY_MS) ||
	    !atomic_compare_exchange_strong(&c->logged_ms, &before, now_ms ? now_ms : 1))
		return;
	log_warn("route", "model %.*s: its script failed, and candidates are tried as they were: %s", STR_ARG(c->model),
	         e->text);
}

static bool call_box(struct custom *c, struct call *call, struct err *e)
{
	struct box *b = take_box(c, e);
	bool good;

	if (!b)
		return false;
	good = box_run(b, run, call, e);
	give_box(c, b);
	return good;
}

bool custom_order(struct custom *c, struct plan_ask *ask, const struct candidate *candidates, uint16_t *list,
                  unsigned n)
{
	static const struct plan_who nobody;
	struct call call = { .ask = ask, .candidates = candidates, .list = list, .n = n };
	unsigned lacks = (LOOK_NEEDS | LOOK_TOKENS | LOOK_WHO | LOOK_HASH) & ~(unsigned)ask->looked;
	struct arena arena;
	struct err e;
	bool good;

	assert(n <= PLAN_GROUP_MAX);
	if (lacks && ask->look)
		ask->look(ask, lacks);
	call.who = ask->who ? ask->who : &nobody;
	arena_init(&arena, METADATA_MEMORY_MAX);
	call.arena = &arena;
	if (call.who->metadata.n)
		call.metadata = json_nodes(&arena, call.who->metadata, METADATA_DEPTH_MAX, &e);
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
	good = call_box(c, &call, &e);
	arena_fini(&arena);
	if (!good) {
		tell(c, ask->now_ms, &e);
		return false;
	}
	for (unsigned i = 1; i <= n; i++)
		take(&call, i);
	memcpy(list, call.order, n * sizeof *list);
	return true;
}

/* As written where the script has failed, since weights say nothing of what it was to decide. */
bool strategy_custom(const struct strategy_call *s, uint16_t *list, unsigned n)
{
	(void)custom_order(s->model->custom, s->ask, s->c, list, n);
	return true;
}
