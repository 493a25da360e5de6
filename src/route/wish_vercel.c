/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wish_vercel: `providerOptions.gateway` of a body, as Vercel's AI Gateway and AI SDK have it
 * (vercel.com/docs/ai-gateway/models-and-providers/provider-options).
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "route/wish_in.h"

#define AT(name) "providerOptions.gateway." name

static bool take_sort(struct wish_reader *r, const struct json_node *v)
{
	static const char *const words[] = { "cost", "tps", "ttft", NULL };
	unsigned sort = COUNT_OF(words);

	if (!wish_take_word(r, AT("sort"), v, words, &sort))
		return false;
	if (sort < COUNT_OF(words) && r->out->sort == WISH_SORT_NONE)
		r->out->sort = (enum wish_sort)(WISH_SORT_PRICE + sort);
	return true;
}

/* {"anthropic": [{"apiKey": "…"}]}: the first of each list. */
static bool take_byok(struct wish_reader *r, const struct json_node *v)
{
	struct wish_credential *all;
	char at[WISH_PLACE_MAX];
	unsigned n = 0;

	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT || v->children > WISHES_MAX)
		return wish_refuse(r, AT("byok"), "an object of lists of credentials by provider", v);
	all = arena_zalloc(r->arena, (v->children + 1) * sizeof *all);
	if (!all)
		return wish_no_memory(r);
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		const struct json_node *one = node_at(m, 0), *key = node_get(one, STR("apiKey"));
		struct str provider = jstr_plain(r->arena, node_key(m));

		if (!provider.p)
			return wish_no_memory(r);
		snprintf(at, sizeof at, AT("byok") ".%.*s", STR_ARG(str_slice(provider, 0, 40)));
		if (provider.n == 0 || provider.n > WISH_TEXT_MAX || !node_is(one, JSON_OBJECT) ||
		    !node_is(key, JSON_STRING))
			return err_set(r->err, ERR_INVALID_REQUEST,
			               "%s: must be a list that holds an object with the text apiKey", at);
		all[n].provider = provider;
		if (!wish_take_key(r, at, key, &all[n++].key))
			return false;
	}
	r->out->byok = all;
	r->out->n_byok = n;
	return true;
}

/* {"byok": {"anthropic": 5000}, "system": {…}}: milliseconds until the answer starts, by provider. */
static bool take_timeouts(struct wish_reader *r, const struct json_node *v)
{
	static const struct str kinds[] = { STR_INIT("byok"), STR_INIT("system") };
	struct wish_timeout *all;
	unsigned n = 0;

	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, AT("providerTimeouts"), "an object", v);
	all = arena_zalloc(r->arena, WISHES_MAX * sizeof *all);
	if (!all)
		return wish_no_memory(r);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct json_node *of = node_get(v, kinds[i]);

		for (const struct json_node *m = node_is(of, JSON_OBJECT) ? node_first(of) : NULL; m;
		     m = node_next(of, m), n++) {
			if (n == WISHES_MAX)
				return wish_refuse(r, AT("providerTimeouts"), "an object of at most 64 providers", v);
			all[n].provider = jstr_plain(r->arena, node_key(m));
			all[n].own_key = i == 0;
			if (!all[n].provider.p)
				return wish_no_memory(r);
			if (!wish_take_int(r, AT("providerTimeouts"), m, 1, WISH_WAIT_MAX_MS, &all[n].first_byte_ms))
				return false;
		}
	}
	r->out->timeouts = all;
	r->out->n_timeouts = n;
	return true;
}

/* `tags` as the log has them: joined by commas. */
static bool take_tags(struct wish_reader *r, const struct json_node *v)
{
	struct wish_names tags = { 0 };
	struct buf b = buf_make(WISH_TEXT_MAX);

	if (!wish_take_names(r, AT("tags"), v, &tags))
		return false;
	for (unsigned i = 0; i < tags.n; i++) {
		if (i)
			buf_append(&b, STR(","));
		buf_append(&b, tags.names[i]);
	}
	if (b.n)
		r->out->tags = arena_dup(r->arena, buf_str(&b));
	buf_fini(&b);
	return true;
}

/* What would keep providers away, and nothing is known of here. */
static bool refuse_unknown(struct wish_reader *r, const struct json_node *v)
{
	bool hipaa = false;

	if (!wish_take_bool(r, AT("hipaaCompliant"), node_get(v, STR("hipaaCompliant")), &hipaa))
		return false;
	if (hipaa)
		return err_set(r->err, ERR_INVALID_REQUEST,
		               AT("hipaaCompliant") ": must be false, not true: it is not known here who is");
	v = node_get_some(v, STR("has"));
	return !v || wish_refuse(r, AT("has"), "left out: what a request needs is seen from the request", v);
}

static bool take_gateway(struct wish_reader *r, const struct json_node *v)
{
	struct route_wishes *w = r->out;
	struct wish_names order = { 0 }, only = { 0 };
	bool zdr = false, deny = false;

	if (v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, "providerOptions.gateway", "an object", v);
	if (!wish_take_names(r, AT("order"), node_get(v, STR("order")), &order) ||
	    !wish_take_names(r, AT("only"), node_get(v, STR("only")), &only) ||
	    !wish_take_bool(r, AT("zeroDataRetention"), node_get(v, STR("zeroDataRetention")), &zdr) ||
	    !wish_take_bool(r, AT("disallowPromptTraining"), node_get(v, STR("disallowPromptTraining")), &deny) ||
	    !wish_take_text(r, AT("user"), node_get(v, STR("user")), &w->user) ||
	    !wish_take_models(r, AT("models"), node_get_some(v, STR("models"))))
		return false;
	if (w->order.n == 0)
		w->order = order;
	w->zdr |= zdr;
	w->deny_collection |= deny;
	if (only.n && !wish_narrow(r, &w->only, &w->only_set, &only))
		return false;
	return take_sort(r, node_get(v, STR("sort"))) && take_byok(r, node_get(v, STR("byok"))) &&
	       take_timeouts(r, node_get(v, STR("providerTimeouts"))) && take_tags(r, node_get(v, STR("tags"))) &&
	       refuse_unknown(r, v);
}

bool wish_read_vercel(struct wish_reader *r)
{
	const struct json_node *v, *gateway;

	if (!r->source->provider_options.p)
		return true;
	v = wish_nodes(r, "providerOptions", r->source->provider_options);
	if (!v)
		return false;
	if (v->type != JSON_OBJECT && v->type != JSON_NULL)
		return wish_refuse(r, "providerOptions", "an object", v);
	gateway = node_get(v, STR("gateway"));
	return !gateway || take_gateway(r, gateway);
}
