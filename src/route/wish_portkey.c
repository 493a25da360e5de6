/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wish_portkey: the config of Portkey's gateway in x-portkey-config, and its other fields
 * (portkey.ai/docs/api-reference/inference-api/config-object, conditional routing, gateway strategies). A config is a
 * tree; what comes of it is a list: of a loadbalance one branch is drawn, of a conditional one is chosen, a fallback's
 * follow one another. What stands in a branch wins over what stands above it.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/rand.h"
#include "route/wish_in.h"

#define CONFIG "x-portkey-config"
/* Portkey tries again on these where a config says only how often. */
static const int retried[] = { 429, 500, 502, 503, 504 };

struct config {
	struct wish_target *targets;
	unsigned n;
	bool has_strategy;
	unsigned nodes;                  /* seen so far */
};

enum mode { MODE_SINGLE, MODE_LOADBALANCE, MODE_FALLBACK, MODE_CONDITIONAL, MODE_NONE };

static bool read_node(struct wish_reader *, struct config *, const struct json_node *, const char *place,
                      struct wish_target above);

static void in(char at[WISH_PLACE_MAX], const char *place, const char *name)
{
	snprintf(at, WISH_PLACE_MAX, "%s.%s", place, name);
}

/* ---- what a node says of itself ---- */

static bool take_retry(struct wish_reader *r, const struct json_node *v, const char *place, struct wish_target *t)
{
	char at[WISH_PLACE_MAX];

	in(at, place, "retry");
	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, at, "an object with attempts", v);
	t->attempts = 0;
	t->retry_listed = true;
	memset(t->retry_status, 0, sizeof t->retry_status);
	for (size_t i = 0; i < COUNT_OF(retried); i++)
		t->retry_status[(retried[i] - 400) / 64] |= (uint64_t)1 << (retried[i] - 400) % 64;
	in(at, place, "retry.attempts");
	if (!wish_take_int(r, at, node_get(v, STR("attempts")), 0, WISH_ATTEMPTS_MAX, &t->attempts))
		return false;
	in(at, place, "retry.on_status_codes");
	return wish_take_statuses(r, at, node_get(v, STR("on_status_codes")), &t->retry_listed, t->retry_status);
}

/* What is asked is the body's alone: who looks into it must see all that a model will. */
static bool is_content(struct str name)
{
	static const struct str names[] = {
		STR_INIT("messages"), STR_INIT("prompt"), STR_INIT("input"), STR_INIT("instructions"),
		STR_INIT("system"),
		STR_INIT("contents"), STR_INIT("systemInstruction"), STR_INIT("system_instruction"), STR_INIT("query"),
		STR_INIT("documents"), STR_INIT("tools"), STR_INIT("toolConfig"), STR_INIT("previous_response_id"),
		STR_INIT("conversation"), STR_INIT("cachedContent"),
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static bool take_params(struct wish_reader *r, const struct json_node *v, const char *place,
                        const struct wish_params **params)
{
	struct wish_params *p;

	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT || v->children > WISHES_MAX)
		return wish_refuse(r, place, "an object of at most 64 members of the body", v);
	/* names are compared as they are written */
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		struct str name = jstr_raw(node_key(m));

		if (str_find_chr(name, '\\') != STR_NPOS)
			return wish_refuse_text(r, place, "of names without escapes", name);
		if (is_content(name))
			return wish_refuse_text(r, place, "of parameters; what is asked stands in the body", name);
	}
	p = arena_alloc(r->arena, sizeof *p);
	if (!p)
		return wish_no_memory(r);
	*p = (struct wish_params){ v, *params };
	*params = p;
	return true;
}

/* "@slug/model": Portkey's model catalogue. */
static void split_model(struct wish_target *t)
{
	struct str rest = t->model;

	if (rest.n < 2 || rest.p[0] != '@' || str_find_chr(rest, '/') == STR_NPOS)
		return;
	t->provider = str_slice(str_cut(&rest, '/'), 1, t->model.n);
	t->model = rest;
}

static void without_at(struct str *name)
{
	if (name->n > 1 && name->p[0] == '@')
		*name = str_slice(*name, 1, name->n);
}

static bool take_provider(struct wish_reader *r, const struct json_node *v, const char *place, struct wish_target *t)
{
	char at[WISH_PLACE_MAX];
	struct str before = t->provider, key = { 0 };

	in(at, place, "provider");
	if (!wish_take_text(r, at, node_get(v, STR("provider")), &t->provider))
		return false;
	in(at, place, "virtual_key");
	if (!wish_take_text(r, at, node_get(v, STR("virtual_key")), &t->provider))
		return false;
	without_at(&t->provider);
	in(at, place, "api_key");
	if (!wish_take_key(r, at, node_get(v, STR("api_key")), &key))
		return false;
	if (key.n || !str_eq(before, t->provider))
		t->key = key;                    /* one of above is not for another provider */
	return true;
}

/* Of the members that overrides may name these are not the provider's: they choose it, or the form of the answer. */
static bool take_overrides(struct wish_reader *r, const struct json_node *v, const char *place, struct wish_target *t)
{
	const struct json_node *over = node_get_some(v, STR("override_params"));
	const struct json_node *drop = node_get_some(v, STR("drop_params"));
	char at[WISH_PLACE_MAX];

	in(at, place, "override_params");
	if (!take_params(r, over, at, &t->override_params))
		return false;
	in(at, place, "override_params.stream");
	if (node_get(over, STR("stream")))
		return wish_refuse(r, at, "left out: the client's stream is the client's to choose",
		                   node_get(over, STR("stream")));
	in(at, place, "override_params.model");
	if (!wish_take_text(r, at, node_get(over, STR("model")), &t->model))
		return false;
	split_model(t);
	in(at, place, "default_params");
	if (!take_params(r, node_get(v, STR("default_params")), at, &t->default_params))
		return false;
	in(at, place, "drop_params");
	return wish_take_names(r, at, drop ? drop : node_get(v, STR("drop")), &t->drop_params);
}

/* What promises protection, or another host, and would not be given. */
static bool refuse_unknown(struct wish_reader *r, const struct json_node *v, const char *place)
{
	static const char *const names[] = {
		"custom_host", "input_guardrails", "output_guardrails", "before_request_hooks", "after_request_hooks",
	};
	char at[WISH_PLACE_MAX];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct json_node *m = node_get_some(v, str_from_z(names[i]));

		in(at, place, names[i]);
		if (m && !(m->type == JSON_ARRAY && m->children == 0))
			return err_set(r->err, ERR_INVALID_REQUEST,
			               "%s: must be left out: hosts and guardrails are the gateway's configuration",
			               at);
	}
	return true;
}

static bool take_cache(struct wish_reader *r, const struct json_node *v, const char *place)
{
	static const char *const modes[] = { "simple", "semantic", NULL };
	char at[WISH_PLACE_MAX];
	unsigned mode;

	in(at, place, "cache");
	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, at, "an object with mode", v);
	in(at, place, "cache.mode");
	return wish_take_word(r, at, node_get(v, STR("mode")), modes, &mode);
}

static bool take_own(struct wish_reader *r, const struct json_node *v, const char *place, struct wish_target *t)
{
	char at[WISH_PLACE_MAX];

	in(at, place, "request_timeout");
	return take_provider(r, v, place, t) && take_retry(r, node_get(v, STR("retry")), place, t) &&
	       wish_take_int(r, at, node_get(v, STR("request_timeout")), 1, WISH_WAIT_MAX_MS, &t->timeout_ms) &&
	       take_overrides(r, v, place, t) && take_cache(r, node_get(v, STR("cache")), place) &&
	       refuse_unknown(r, v, place);
}

/* ---- the strategies ---- */

static bool too_many(struct wish_reader *r)
{
	return err_set(r->err, ERR_INVALID_REQUEST, "%s: must come to at most %d targets", CONFIG, WISHES_MAX);
}

static bool read_target(struct wish_reader *r, struct config *c, const struct json_node *targets, unsigned i,
                        const char *place, struct wish_target above)
{
	char at[WISH_PLACE_MAX];

	snprintf(at, sizeof at, "%.96s.targets[%u]", place, i);
	return read_node(r, c, node_at(targets, i), at, above);
}

/* One is drawn by weight; 1 where none is said. */
static bool read_loadbalance(struct wish_reader *r, struct config *c, const struct json_node *targets,
                             const char *place, struct wish_target above)
{
	int64_t weights[WISHES_MAX], draw;
	char at[WISH_PLACE_MAX];
	uint64_t sum = 0;
	unsigned i = 0;

	for (const struct json_node *t = node_first(targets); t; t = node_next(targets, t), i++) {
		weights[i] = 1000000;
		snprintf(at, sizeof at, "%.96s.targets[%u].weight", place, i);
		if (!wish_take_millionths(r, at, node_get(t, STR("weight")), &weights[i]))
			return false;
		if (weights[i] > (int64_t)1000000 * 1000000)
			return wish_refuse(r, at, "a number of at most 1000000", node_get(t, STR("weight")));
		sum += (uint64_t)weights[i];
	}
	if (sum == 0)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s.targets: must have one with a weight above 0", place);
	draw = (int64_t)rand_below(sum);
	for (i = 0; draw >= weights[i]; i++)
		draw -= weights[i];
	return read_target(r, c, targets, i, place, above);
}

static bool read_fallback(struct wish_reader *r, struct config *c, const struct json_node *strategy,
                          const struct json_node *targets, const char *place, struct wish_target above)
{
	uint64_t falls[4];
	bool listed = false;
	char at[WISH_PLACE_MAX];

	in(at, place, "strategy.on_status_codes");
	if (!wish_take_statuses(r, at, node_get(strategy, STR("on_status_codes")), &listed, falls))
		return false;
	for (unsigned i = 0; i < targets->children; i++) {
		struct wish_target *last;

		if (c->n == WISHES_MAX)
			return too_many(r);
		if (!read_target(r, c, targets, i, place, above))
			return false;
		last = &c->targets[c->n - 1];
		last->falls_listed = listed;
		if (listed)
			memcpy(last->falls_status, falls, sizeof falls);
		if (!node_at(targets, i + 1))
			break;
	}
	return true;
}

static bool read_named(struct wish_reader *r, struct config *c, const struct json_node *targets,
                       const struct json_node *name, const char *place, struct wish_target above)
{
	char at[WISH_PLACE_MAX];
	unsigned i = 0;

	for (const struct json_node *t = node_first(targets); t; t = node_next(targets, t), i++)
		if (node_is(name, JSON_STRING) && jstr_eq(node_get_text(t, STR("name")), node_text(name)))
			return read_target(r, c, targets, i, place, above);
	in(at, place, "strategy");
	return wish_refuse(r, at, "one whose conditions and default name a target", name);
}

static bool read_conditional(struct wish_reader *r, struct config *c, const struct json_node *strategy,
                             const struct json_node *targets, const char *place, struct wish_target above)
{
	const struct json_node *conditions = node_get(strategy, STR("conditions")), *otherwise;
	char at[WISH_PLACE_MAX];
	unsigned i = 0;

	in(at, place, "strategy.conditions");
	if (!node_is(conditions, JSON_ARRAY) || conditions->children > WISHES_MAX)
		return wish_refuse(r, at, "a list of at most 64 conditions", conditions);
	for (const struct json_node *k = node_first(conditions); k; k = node_next(conditions, k), i++) {
		snprintf(at, sizeof at, "%.64s.strategy.conditions[%u].query", place, i);
		switch (wish_query(r, at, node_get(k, STR("query")))) {
		case WISH_QUERY_WRONG: return false;
		case WISH_QUERY_YES: return read_named(r, c, targets, node_get(k, STR("then")), place, above);
		case WISH_QUERY_NO: break;
		}
	}
	otherwise = node_get_some(strategy, STR("default"));
	if (!otherwise)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s.strategy: no condition holds, and there is no default",
		               place);
	return read_named(r, c, targets, otherwise, place, above);
}

static bool read_strategy(struct wish_reader *r, struct config *c, const struct json_node *v, const char *place,
                          struct wish_target above)
{
	static const char *const modes[] = { "single", "loadbalance", "fallback", "conditional", NULL };
	const struct json_node *strategy = node_get_some(v, STR("strategy")), *targets = node_get(v, STR("targets"));
	unsigned mode = MODE_NONE;
	char at[WISH_PLACE_MAX];

	in(at, place, "targets");
	if (!node_is(targets, JSON_ARRAY) || targets->children == 0 || targets->children > WISHES_MAX)
		return wish_refuse(r, at, "a list of 1 to 64 targets", targets);
	in(at, place, "strategy.mode");
	if (!wish_take_word(r, at, node_get(strategy, STR("mode")), modes, &mode))
		return false;
	c->has_strategy = true;
	switch ((enum mode)mode) {
	case MODE_NONE: break;
	case MODE_SINGLE: return read_target(r, c, targets, 0, place, above);
	case MODE_LOADBALANCE: return read_loadbalance(r, c, targets, place, above);
	case MODE_FALLBACK: return read_fallback(r, c, strategy, targets, place, above);
	case MODE_CONDITIONAL: return read_conditional(r, c, strategy, targets, place, above);
	}
	return wish_refuse(r, at, "single, loadbalance, fallback or conditional", node_get(strategy, STR("mode")));
}

static bool read_node(struct wish_reader *r, struct config *c, const struct json_node *v, const char *place,
                      struct wish_target above)
{
	struct wish_target t = above;

	if (!node_is(v, JSON_OBJECT))
		return wish_refuse(r, place, "an object", v);
	if (c->n == WISHES_MAX || ++c->nodes > 4 * WISHES_MAX)
		return too_many(r);
	t.falls_listed = false;
	if (!take_own(r, v, place, &t))
		return false;
	if (node_get_some(v, STR("targets")) || node_get_some(v, STR("strategy")))
		return read_strategy(r, c, v, place, t);
	c->targets[c->n++] = t;
	return true;
}

/* ---- the fields ---- */

static bool read_config(struct wish_reader *r, struct config *c, struct str text, struct wish_target fields)
{
	const struct json_node *v;

	text = str_trim(text);
	if (text.n && text.p[0] != '{')
		return wish_refuse_text(r, CONFIG,
		                        "the config itself, a JSON object: what stands at Portkey under a name is not "
		                        "known here", text);
	v = wish_nodes(r, CONFIG, text);
	return v && read_node(r, c, v, CONFIG, fields);
}

static bool says_something(const struct config *c)
{
	const struct wish_target *t = c->targets;

	return c->has_strategy || t->model.n || t->provider.n || t->override_params || t->default_params ||
	       t->drop_params.n || t->key.n || t->retry_listed || t->timeout_ms != WISH_UNSET;
}

bool wish_read_portkey(struct wish_reader *r)
{
	struct wish_target fields = wish_target_none;
	struct config c = { 0 };
	struct str v;

	if ((v = wish_field(r, STR("x-portkey-custom-host"))).n)
		return err_set(r->err, ERR_INVALID_REQUEST,
		               "x-portkey-custom-host: must be left out: hosts are the gateway's configuration");
	if ((v = wish_field(r, STR("x-portkey-provider"))).n || (v = wish_field(r, STR("x-portkey-virtual-key"))).n) {
		if (v.n > WISH_TEXT_MAX)
			return wish_refuse_text(r, "x-portkey-provider", "the name of a provider", v);
		fields.provider = v;
		without_at(&fields.provider);
	}
	if ((v = wish_field(r, STR("x-portkey-request-timeout"))).p &&
	    !wish_text_int(r, "x-portkey-request-timeout", v, 1, WISH_WAIT_MAX_MS, &fields.timeout_ms))
		return false;
	v = wish_field(r, STR("x-portkey-config"));
	if (!v.p && !fields.provider.n && fields.timeout_ms == WISH_UNSET)
		return true;
	c.targets = arena_alloc(r->arena, WISHES_MAX * sizeof *c.targets);
	if (!c.targets)
		return wish_no_memory(r);
	if (!v.p)
		c.targets[c.n++] = fields;
	else if (!read_config(r, &c, v, fields))
		return false;
	if (r->out->n_targets || !says_something(&c))
		return true;
	r->out->targets = c.targets;
	r->out->n_targets = c.n;
	/* a config says all there is to be tried */
	r->out->targets_only |= c.has_strategy || c.targets[0].provider.n > 0;
	return true;
}
