/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: what is asked of the plan besides the model: what the request wishes (route/wishes.h), and what its key's team
 * may. The policy is the operator's and is not widened by anything that a request says. Only for requests that say
 * something, or whose key's team is bound.
 */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "provider/providers.h"

static bool no_memory(struct req_open *o)
{
	return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

/* ---- what the request says ---- */

bool ask_take_field(struct req *r, const struct http_field *f)
{
	struct req_open *o = r->open;
	struct wish_field *w = arena_alloc(&o->arena, sizeof *w);

	if (!w)
		return no_memory(o);
	*w = (struct wish_field){ arena_dup(&o->arena, f->name), arena_dup(&o->arena, f->value), o->wish_fields };
	if (!w->name.p || !w->value.p)
		return no_memory(o);
	for (const struct wish_field *other = o->wish_fields; other; other = other->next)
		if (str_ieq(other->name, w->name))
			return err_set(&o->err, ERR_INVALID_REQUEST, "there is more than one %.*s field",
			               STR_ARG(w->name));
	o->wish_fields = w;
	return true;
}

/* Who may use a model may also say how one of its deployments is chosen; unless there is another of just that name. */
bool ask_allows_model(const struct req *r, struct str model)
{
	struct str base = wish_without_suffix(model);

	return key_allows_model(r->key, model) || (base.n < model.n && !map_get(&req_conf(r)->routes.exact, model) &&
	                                           key_allows_model(r->key, base));
}

static bool allows(const void *r, struct str model)
{
	return ask_allows_model(r, model);
}

/* A body that is no JSON, such as a form, says nothing. */
static struct str json_body(const struct req_open *o)
{
	return ask_has_json(o) ? o->rq.body : (struct str){ 0 };
}

static bool has_own_key(const struct route_wishes *w)
{
	for (unsigned i = 0; i < w->n_targets; i++)
		if (w->targets[i].key.n)
			return true;
	return w->n_byok > 0;
}

/* Texts for the records, where the head has told none. */
static void take_texts(struct req_open *o, const struct route_wishes *w)
{
	if (o->text[TEXT_USER].n == 0)
		o->text[TEXT_USER] = str_slice(w->user, 0, CLIENT_TEXT_MAX);
	if (o->text[TEXT_TAGS].n == 0)
		o->text[TEXT_TAGS] = str_slice(w->tags, 0, CLIENT_TEXT_MAX);
}

static bool read_wishes(struct req *r)
{
	struct req_open *o = r->open;
	const struct route_table *table = &req_conf(r)->routes;
	struct route_wishes *w = arena_alloc(&o->arena, sizeof *w);
	struct wish_source source = {
		.fields = o->wish_fields, .models = o->rq.at[REQUEST_MODELS].value,
		.provider = o->rq.at[REQUEST_PROVIDER].value,
		.provider_options = o->rq.at[REQUEST_PROVIDER_OPTIONS].value,
		.body = json_body(o), .path = o->in.path, .model = o->rq.model,
	};

	if (!w)
		return no_memory(o);
	if (!wishes_read(&o->arena, &source, w, &o->err))
		return false;
	if (has_own_key(w) && !table->routing->byok)
		return err_set(&o->err, ERR_POLICY,
		               "the request brings its own credential of a provider, which the setting routing.byok "
		               "does not allow here");
	if (!wishes_resolve(&o->arena, w, table, o->rq.model, allows, r, &o->err))
		return false;
	if (w->total_ms != WISH_UNSET)
		o->timeout_ms = (uint32_t)w->total_ms;
	take_texts(o, w);
	o->wishes = w;
	return true;
}

/* ---- what its team may ---- */

static const struct plan_policy *policy_of(const struct req *r)
{
	const struct map *policies = &req_conf(r)->policies;

	return policies->n && r->key->info.team.n ? map_get(policies, r->key->info.team) : NULL;
}

bool ask_fill(struct req *r, struct plan_ask *ask)
{
	struct req_open *o = r->open;

	ask->policy = policy_of(r);
	if (!o->wish_fields && !request_routes(&o->rq))
		return true;
	if (!read_wishes(r))
		return false;
	ask->wishes = o->wishes;
	return true;
}

static bool may_use(struct req *r, const struct plan_policy *p, const char *whose, const struct deployment *d)
{
	const char *what = NULL;

	switch (plan_policy_excludes(p, d)) {
	case EXCLUDED_NOT:
		return true;
	case EXCLUDED_REGION: what = "the region"; break;
	case EXCLUDED_ZDR: what = "what is kept"; break;
	case EXCLUDED_DIALECT: case EXCLUDED_CAPABILITY: case EXCLUDED_CONTEXT_WINDOW: case EXCLUDED_MAX_OUTPUT:
	case EXCLUDED_QUANTIZATION: case EXCLUDED_PRICE: case EXCLUDED_DATA_COLLECTION: case EXCLUDED_WISH:
	case EXCLUDED_COOLING: case EXCLUDED_BROKEN: case EXCLUDED_LIMIT: case EXCLUDED_FAILED: case EXCLUSIONS:
		break;
	}
	assert(what);
	return err_set(&r->open->err, ERR_POLICY, "%s keeps it from the provider \"%.*s\", for %s there", whose,
	               STR_ARG(d->provider->name), what);
}

bool ask_pass(struct req *r, const struct deployment *d, const struct route_wishes **out)
{
	struct req_open *o = r->open;
	const struct plan_policy *team = policy_of(r);
	struct wish_source source = { .fields = o->wish_fields, .path = o->in.path };
	struct route_wishes *w;

	*out = NULL;
	if (team && !may_use(r, team, "the policy of its team", d))
		return false;
	if (!o->wish_fields)
		return true;
	w = arena_alloc(&o->arena, sizeof *w);
	if (!w)
		return no_memory(o);
	if (!wishes_read(&o->arena, &source, w, &o->err))
		return false;
	if (w->n_targets || has_own_key(w))
		return err_set(&o->err, ERR_INVALID_REQUEST,
		               "what passes to a provider as it is cannot have targets of a config, nor another "
		               "credential");
	if (w->total_ms != WISH_UNSET)
		o->timeout_ms = (uint32_t)w->total_ms;
	*out = w;
	return may_use(r, &(struct plan_policy){ .regions = w->regions, .zdr = w->zdr }, "what the request says", d);
}

/* ---- before an attempt ---- */

/* A request's own credential is good for providers that take a plain one. */
static bool own_credential(struct req *r, const struct route_credential **out)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	const struct route_provider *p = c->deployment->provider;
	struct route_credential *own;

	o->own_key = wish_key_at(o->wishes, o->plan.target, p);
	if (o->own_key.n == 0)
		return true;
	if (p->credentials[0].source)
		return err_set(&o->err, ERR_INVALID_REQUEST,
		               "the provider \"%.*s\" takes no plain API key, so a request cannot bring its own",
		               STR_ARG(p->name));
	own = arena_zalloc(&o->arena, sizeof *own);
	if (!own || !route_credential_init(own, p, c->face_index, o->own_key, &o->arena))
		return no_memory(o);
	*out = own;
	return true;
}

bool ask_prepare(struct req *r, const struct route_credential **credential)
{
	return overrides_apply(r) && own_credential(r, credential);
}
