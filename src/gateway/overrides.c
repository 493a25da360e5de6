/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overrides: the request's body as a target of its wishes wants it: members laid over it, put under it, or left out.
 * Whole members of the top, as Portkey does: what stands inside one is replaced with it. It is made out of what the
 * client sent, for each target anew, and then read as if the client had sent it.
 */
#include "gateway/gateway_in.h"

/* What chooses the target and the form of the answer is not changed on the way to it. */
static bool is_ours(struct str name)
{
	static const struct str names[] = {
		STR_INIT("model"), STR_INIT("models"), STR_INIT("provider"), STR_INIT("providerOptions"),
		STR_INIT("stream"), STR_INIT("route"),
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static const struct json_node *find(const struct wish_params *params, struct str name)
{
	for (; params; params = params->next) {
		const struct json_node *v = node_get(params->object, name);

		if (v)
			return v;
	}
	return NULL;
}

struct edit {
	struct arena *arena;
	const struct wish_target *target; /* may be NULL */
	const struct json_node *body;
	bool drops_route;
	char *at;
	bool any;
};

static bool is_dropped(const struct edit *e, struct str name)
{
	const struct wish_names *drop = e->target ? &e->target->drop_params : NULL;

	if (e->drops_route && str_eq(name, STR("route")))
		return true;
	for (unsigned i = 0; drop && i < drop->n; i++)
		if (str_eq(drop->names[i], name))
			return !is_ours(name);
	return false;
}

static void put(struct edit *e, struct str raw_name, struct str value)
{
	*e->at++ = e->any ? ',' : '{';
	*e->at++ = '"';
	e->at = put_str(e->at, raw_name);
	e->at = put_str(e->at, STR("\":"));
	e->at = put_str(e->at, value);
	e->any = true;
}

/* Those of `params` that the body, and what goes before them, has not. */
static void put_missing(struct edit *e, const struct wish_params *params, const struct wish_params *before)
{
	for (const struct wish_params *p = params; p; p = p->next)
		for (const struct json_node *m = node_first(p->object); m; m = node_next(p->object, m)) {
			struct str name = jstr_raw(node_key(m));

			if (!is_ours(name) && !is_dropped(e, name) && !node_get(e->body, name) && !find(before, name) &&
			    find(params, name) == m)
				put(e, name, node_raw(m));
		}
}

static size_t room_for(const struct wish_params *params)
{
	size_t n = 0;

	for (; params; params = params->next)
		n += params->object->n;
	return n;
}

/* p == NULL: the arena is full. */
static struct str write_body(struct edit *e)
{
	const struct wish_params *over = e->target ? e->target->override_params : NULL;
	const struct wish_params *under = e->target ? e->target->default_params : NULL;
	size_t room = e->body->n + room_for(over) + room_for(under) + 8;
	char *start;

	/* an override may take the place of several members of one name */
	for (const struct json_node *m = node_first(e->body); m; m = node_next(e->body, m)) {
		const struct json_node *v = find(over, jstr_raw(node_key(m)));

		room += v ? v->n : 0;
	}
	start = e->at = arena_alloc(e->arena, room);
	if (!start)
		return (struct str){ 0 };
	for (const struct json_node *m = node_first(e->body); m; m = node_next(e->body, m)) {
		struct str name = jstr_raw(node_key(m));
		const struct json_node *v = is_ours(name) ? NULL : find(over, name);

		if (!is_dropped(e, name))
			put(e, name, node_raw(v ? v : m));
	}
	put_missing(e, over, NULL);
	put_missing(e, under, over);
	if (!e->any)
		*e->at++ = '{';
	*e->at++ = '}';
	return str_of(start, (size_t)(e->at - start));
}

static uint64_t count(const struct wish_params *params)
{
	uint64_t n = 0;

	for (; params; params = params->next)
		n += params->object->children;
	return n;
}

/* Each is looked for among all members of the body. */
static bool is_too_much(const struct edit *e)
{
	enum { LOOKS_MAX = 2000000 };
	uint64_t n = e->target ? count(e->target->override_params) + count(e->target->default_params) +
	                                 e->target->drop_params.n
	                       : 0;

	return n * e->body->children > LOOKS_MAX;
}

static bool changes_body(const struct wish_target *t)
{
	return t && (t->override_params || t->default_params || t->drop_params.n);
}

/* What was read of another body is void. */
static void take(struct req_open *o, const struct dialect_request *rq)
{
	o->rq = *rq;
	o->embed = NULL;
	o->rerank = NULL;
}

bool overrides_apply(struct req *r)
{
	struct req_open *o = r->open;
	const struct wish_target *t = changes_body(o->plan.target) ? o->plan.target : NULL;
	struct edit e = { .arena = &o->arena, .target = t, .drops_route = o->wishes->drops_route };
	struct dialect_request *asked, made;
	struct dialect_in in = o->in;

	if (!ask_has_json(o) || (o->as_asked && o->body_for == t) || (!o->as_asked && !t && !e.drops_route))
		return true;
	if (!o->as_asked) {
		asked = arena_alloc(&o->arena, sizeof *asked);
		if (!asked)
			return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
		*asked = o->rq;
		o->as_asked = asked;
	}
	if (!t && !e.drops_route) {
		o->body_for = NULL;
		take(o, o->as_asked);
		return true;
	}
	e.body = json_nodes(&o->arena, o->as_asked->body, REQUEST_DEPTH_MAX, &o->err);
	if (!e.body)
		return false;
	if (is_too_much(&e))
		return err_set(&o->err, ERR_TOO_LARGE,
		               "the body has %u members, which is too many for the parameters of the config",
		               e.body->children);
	in.body = write_body(&e);
	in.call = o->as_asked->call;
	if (!in.body.p)
		return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (!o->as_asked->dialect->read_request(&o->arena, &in, &made, &o->err))
		return false;
	o->body_for = t;
	take(o, &made);
	return true;
}
