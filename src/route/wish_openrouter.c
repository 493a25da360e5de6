/* SPDX-License-Identifier: Apache-2.0 */
/* wish_openrouter: `models` and `provider` of a body (openrouter.ai/docs/guides/routing/provider-selection). */
#include <stdio.h>

#include "route/wish_in.h"

#define AT(name) "provider." name

static bool take_sort(struct wish_reader *r, const struct json_node *v)
{
	static const char *const words[] = { "price", "throughput", "latency", NULL };
	static const char *const partitions[] = { "model", "none", NULL };
	unsigned sort = COUNT_OF(words), partition;

	if (node_is(v, JSON_OBJECT)) {
		/* groups are kept by model: that is what keeps a fallback model a fallback */
		if (!wish_take_word(r, AT("sort.partition"), node_get(v, STR("partition")), partitions, &partition) ||
		    !wish_take_word(r, AT("sort.by"), node_get(v, STR("by")), words, &sort))
			return false;
	} else if (v && v->type != JSON_NULL && v->type != JSON_STRING) {
		return wish_refuse(r, AT("sort"), "price, throughput or latency, or an object with `by`", v);
	} else if (!wish_take_word(r, AT("sort"), v, words, &sort)) {
		return false;
	}
	if (sort < COUNT_OF(words) && r->out->sort == WISH_SORT_NONE)
		r->out->sort = (enum wish_sort)(WISH_SORT_PRICE + sort);
	return true;
}

/* US dollars a million tokens are pico-dollars a token in millionths; those a request are thousands of nano-dollars. */
static bool take_max_price(struct wish_reader *r, const struct json_node *v)
{
	struct route_wishes *w = r->out;
	int64_t request = WISH_UNSET, image = WISH_UNSET;

	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, AT("max_price"), "an object with prompt, completion, request or image", v);
	if (!wish_take_millionths(r, AT("max_price.prompt"), node_get(v, STR("prompt")), &w->max_input_pusd) ||
	    !wish_take_millionths(r, AT("max_price.completion"), node_get(v, STR("completion")), &w->max_output_pusd) ||
	    !wish_take_millionths(r, AT("max_price.request"), node_get(v, STR("request")), &request) ||
	    !wish_take_millionths(r, AT("max_price.image"), node_get(v, STR("image")), &image))
		return false;
	if (request != WISH_UNSET)
		w->max_request_nusd = request < INT64_MAX / 1000 ? request * 1000 : INT64_MAX;
	if (image != WISH_UNSET)
		w->max_image_nusd = image < INT64_MAX / 1000 ? image * 1000 : INT64_MAX;
	return true;
}

/* One number, which is the median's, or one for each percentile; `divisor`: of millionths. */
static bool take_percentiles(struct wish_reader *r, const char *place, const struct json_node *v, int64_t divisor,
                             int64_t out[4])
{
	static const struct str names[4] = { STR_INIT("p50"), STR_INIT("p75"), STR_INIT("p90"), STR_INIT("p99") };
	char at[WISH_PLACE_MAX];

	if (!v || v->type == JSON_NULL)
		return true;
	for (unsigned i = 0; i < 4; i++) {
		const struct json_node *one = v->type == JSON_OBJECT ? node_get(v, names[i]) : i == 0 ? v : NULL;
		int64_t millionths = WISH_UNSET;

		snprintf(at, sizeof at, "%s%s%.*s", place, v->type == JSON_OBJECT ? "." : "",
		         v->type == JSON_OBJECT ? (int)names[i].n : 0, names[i].p);
		if (!wish_take_millionths(r, at, one, &millionths))
			return false;
		if (millionths != WISH_UNSET)
			out[i] = millionths / divisor;
	}
	return true;
}

static bool take_data_collection(struct wish_reader *r, const struct json_node *v)
{
	static const char *const words[] = { "allow", "deny", NULL };
	unsigned which = 0;

	if (!wish_take_word(r, AT("data_collection"), v, words, &which))
		return false;
	r->out->deny_collection |= which == 1;
	return true;
}

/* allow_fallbacks: false stays with what `order` lists, or with the one provider that comes first. */
static bool take_lists(struct wish_reader *r, const struct json_node *v)
{
	struct route_wishes *w = r->out;
	struct wish_names only = { 0 }, quantizations = { 0 };
	bool fallbacks = true;

	if (!wish_take_names(r, AT("order"), node_get(v, STR("order")), &w->order) ||
	    !wish_take_names(r, AT("only"), node_get(v, STR("only")), &only) ||
	    !wish_take_names(r, AT("ignore"), node_get(v, STR("ignore")), &w->ignore) ||
	    !wish_take_names(r, AT("quantizations"), node_get(v, STR("quantizations")), &quantizations) ||
	    !wish_take_bool(r, AT("allow_fallbacks"), node_get(v, STR("allow_fallbacks")), &fallbacks))
		return false;
	/* an empty list there is none at all */
	if (only.n && !wish_narrow(r, &w->only, &w->only_set, &only))
		return false;
	if (quantizations.n && !wish_narrow(r, &w->quantizations, &w->quantizations_set, &quantizations))
		return false;
	if (fallbacks)
		return true;
	w->targets_only = true;
	w->no_fallbacks = w->order.n == 0;
	return w->order.n == 0 || wish_narrow(r, &w->only, &w->only_set, &w->order);
}

/* What would keep providers away, and nothing is known of here. */
static bool take_unknown(struct wish_reader *r, const struct json_node *v)
{
	bool distillable = false;

	if (!wish_take_bool(r, AT("enforce_distillable_text"), node_get(v, STR("enforce_distillable_text")),
	                    &distillable))
		return false;
	return !distillable || err_set(r->err, ERR_INVALID_REQUEST,
	                               AT("enforce_distillable_text") ": must be false, not true: it is not known here "
	                               "whose texts may be distilled");
}

static bool take_provider(struct wish_reader *r, const struct json_node *v)
{
	struct route_wishes *w = r->out;

	if (v->type == JSON_NULL)
		return true;
	if (v->type != JSON_OBJECT)
		return wish_refuse(r, "provider", "an object of routing preferences", v);
	return take_lists(r, v) && take_sort(r, node_get(v, STR("sort"))) &&
	       take_max_price(r, node_get(v, STR("max_price"))) &&
	       take_percentiles(r, AT("preferred_min_throughput"), node_get(v, STR("preferred_min_throughput")), 1000,
	                        w->min_throughput_milli) &&
	       take_percentiles(r, AT("preferred_max_latency"), node_get(v, STR("preferred_max_latency")), 1,
	                        w->max_latency_us) &&
	       take_data_collection(r, node_get(v, STR("data_collection"))) &&
	       wish_take_bool(r, AT("zdr"), node_get(v, STR("zdr")), &w->zdr) &&
	       wish_take_bool(r, AT("require_parameters"), node_get(v, STR("require_parameters")),
	                      &w->require_parameters) &&
	       take_unknown(r, v);
}

/* `route` is an older word beside `models`; there is one way, and any other is refused. */
static bool take_route(struct wish_reader *r)
{
	static const char *const words[] = { "fallback", NULL };
	const struct json_node *v = node_get(wish_body(r), STR("route"));
	unsigned which;

	r->out->drops_route = v != NULL;
	return wish_take_word(r, "route", v, words, &which);
}

bool wish_read_openrouter(struct wish_reader *r)
{
	const struct wish_source *s = r->source;
	bool zdr = r->out->zdr;
	const struct json_node *v;

	if (!s->models.p && !s->provider.p)
		return true;
	if (s->models.p && (!(v = wish_nodes(r, "models", s->models)) || !wish_take_models(r, "models", v)))
		return false;
	if (s->provider.p && (!(v = wish_nodes(r, "provider", s->provider)) || !take_provider(r, v)))
		return false;
	r->out->zdr |= zdr;
	return take_route(r);
}
