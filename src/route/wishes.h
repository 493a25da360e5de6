/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wishes: what a request itself says about its routing, in the words of several gateways, as one struct:
 *
 *	x-sluice-*                      our own fields
 *	body: models, provider          OpenRouter (openrouter.ai/docs/guides/routing/provider-selection)
 *	body: providerOptions.gateway   Vercel AI Gateway (vercel.com/docs/ai-gateway, provider options)
 *	x-portkey-config and others     Portkey (portkey.ai/docs, config object): single, loadbalance, fallback,
 *	                                conditional, nested
 *	cf-aig-*                        Cloudflare AI Gateway (developers.cloudflare.com/ai-gateway, request handling)
 *
 * Which wins, where two say something of the same: the earlier in this list; what narrows (only, ignore, zdr, data
 * collection, prices, regions, quantizations) is added up instead. A request can only narrow what its key may do, never
 * widen it. What would narrow and cannot be known here is refused, never passed over; other words that we do not know
 * are passed over, as their own gateways do.
 *
 *	source = (struct wish_source){ .fields = …, .models = …, .body = … };
 *	if (!wishes_read(arena, &source, &wishes, &err)) …400…
 *	if (!wishes_resolve(arena, &wishes, &table, model, allows, key, &err)) …400, 403, 404…
 *
 * Made by the gateway in the request's arena, and only for requests that say anything; read by the plan. Texts are
 * borrowed from the request. Pure functions but for the draw of a loadbalance (base/rand), any thread; hostile input
 * gives ERR_INVALID_REQUEST that names the place.
 */
#ifndef SLUICE_ROUTE_WISHES_H
#define SLUICE_ROUTE_WISHES_H

#include "json/node.h"
#include "route/settings.h"

struct arena;
struct deployment;
struct err;
struct route_provider;
struct route_table;

enum wish_backoff {
	WISH_BACKOFF_SETTINGS, WISH_BACKOFF_CONSTANT, WISH_BACKOFF_LINEAR, WISH_BACKOFF_EXPONENTIAL,
};
enum wish_sort { WISH_SORT_NONE, WISH_SORT_PRICE, WISH_SORT_THROUGHPUT, WISH_SORT_LATENCY };

/* Names of providers ("openai", "Azure", "google-vertex", "azure/eastus") or of deployments ("openai/gpt-4o"); see
 * wish_names_at. */
struct wish_names { const struct str *names; unsigned n; };

#define WISH_UNSET    (-1)
#define WISHES_MAX    64                 /* names in one list, targets, credentials */

/* Objects that are laid over a request's body (or under it), the nearest first. */
struct wish_params {
	const struct json_node *object;
	const struct wish_params *next;
};

/* One of several ways in which the request may be answered, in order: Portkey's targets, OpenRouter's models. Each is a
 * group of its own in the plan. */
struct wish_target {
	struct str model;                /* as clients ask for it; empty: the request's own */
	struct str provider;             /* only at this provider; empty: any */
	const struct wish_params *override_params, *default_params; /* NULL: none */
	struct wish_names drop_params;   /* names of members of the body */
	int64_t attempts;                /* further tries; WISH_UNSET: as the wishes, else the settings say */
	bool retry_listed;               /* only what is in retry_status is tried again here, and no more */
	bool falls_listed;               /* only what is in falls_status leads to the next target; else all that may be
	                                  * tried again does */
	uint64_t retry_status[4], falls_status[4];               /* bit (status - 400); no answer counts as 502, one in
	                                                          * time as 504 */
	int64_t timeout_ms;              /* of one attempt, in all; WISH_UNSET */
	struct str key;                  /* the request's own credential there; empty: none */
};

struct route_wishes {
	struct wish_names order, only, ignore, quantizations;
	struct wish_names regions;       /* one of them; besides those of the policy */
	bool only_set;                   /* `only` was said, and may have come to be empty: then nothing is left */
	bool quantizations_set, regions_set;                     /* likewise */
	bool no_fallbacks;               /* only the provider that the strategy puts first. With `order` never set: then
	                                  * `only` says the same */
	bool targets_only;               /* no configured fallbacks of any kind after the targets (or the model) */
	bool require_parameters;         /* a capability that is asked for and not known to be there excludes */
	bool deny_collection, zdr;
	enum wish_sort sort;
	/* Prices in pico-dollars a token and nano-dollars each; WISH_UNSET: none */
	int64_t max_input_pusd, max_output_pusd, max_request_nusd, max_image_nusd;
	int64_t min_throughput_milli[4], max_latency_us[4];      /* by enum health_percentile; WISH_UNSET */
	const struct wish_target *targets;
	unsigned n_targets;              /* 0: the model that is asked for */
	int64_t attempts, base_ms;       /* further tries, first back-off; WISH_UNSET */
	/* Waits between tries without jitter; WISH_BACKOFF_SETTINGS: as the settings say */
	enum wish_backoff backoff;
	int64_t connect_ms, first_byte_ms, idle_ms;              /* of each attempt; WISH_UNSET */
	int64_t total_ms;                /* of the request in all, with its tries; WISH_UNSET */
	const struct wish_credential { struct str provider, key; } *byok;
	unsigned n_byok;
	/* Until the answer starts, at one provider: with the request's own credential, or with ours; 0: not said */
	const struct wish_timeout { struct str provider; int64_t first_byte_ms; bool own_key; } *timeouts;
	unsigned n_timeouts;
	struct str metadata;             /* a JSON object; empty: none */
	struct str user, tags;           /* told in the body; empty: not */
	bool explain;                    /* the plan is wanted in the answer's head */
	bool drops_route;                /* the body holds OpenRouter's `route`, which is nobody else's */
};

/* Nothing is wished. */
extern const struct route_wishes route_wishes_none;

/* A field of the request's head that may hold a wish: x-sluice-*, x-portkey-*, cf-aig-*. In order. */
struct wish_field {
	struct str name, value;
	const struct wish_field *next;
};

/* Is the field one that wishes_read reads, or one that is only kept from providers? */
bool wishes_know_field(struct str name);

/* Where wishes come from. Members of the body as they stand in it; p == NULL: absent. */
struct wish_source {
	const struct wish_field *fields;
	struct str models, provider, provider_options;
	struct str body;                 /* a valid JSON object; empty: it is none */
	struct str path;
	struct str model;                /* that is asked for */
};
MUST_USE bool wishes_read(struct arena *, const struct wish_source *, struct route_wishes *, struct err *);

/*
 * Resolves the targets against the table: a model that is unknown by itself and known at the target's provider becomes
 * "provider/model". `allows`: may the key use a model of this name? ERR_MODEL_NOT_ALLOWED: it may not;
 * ERR_MODEL_NOT_FOUND: nobody has it, unless the asked model's provider takes lists of models itself (OpenRouter), then
 * it is left out here; ERR_INVALID_REQUEST: there is no such provider.
 */
MUST_USE bool wishes_resolve(struct arena *, struct route_wishes *, const struct route_table *, struct str model,
                             bool (*allows)(const void *arg, struct str model), const void *arg, struct err *);

/*
 * Is the provider meant by the name? Upper and lower case, spaces and punctuation do not matter; our name for it, its
 * kind (`like`), and the names that the other gateways have for it (google-vertex, amazon-bedrock, azure-openai) do.
 */
bool wish_provider_is(struct str name, const struct route_provider *);

/* A model's name without what says how to choose among its deployments (":nitro", ":floor"). */
struct str wish_without_suffix(struct str model);

/* The first of the names that means the deployment: its provider, "provider/model", or a provider and a variant of it:
 * region or quantization ("azure/eastus", "deepinfra/fp8"). -1: none. */
int wish_names_at(const struct wish_names *, const struct deployment *, struct str upstream_model);

static inline bool wish_names_have(const struct wish_names *w, const struct deployment *d, struct str upstream_model)
{
	return wish_names_at(w, d, upstream_model) >= 0;
}

/* The request's own credential at this provider, by the target under way (may be NULL) or the list; empty: none. */
struct str wish_key_at(const struct route_wishes *, const struct wish_target *, const struct route_provider *);

/* The time limits of an attempt there, where the request says some; laid over those of the deployment. A part is never
 * longer than the deployment's `total`. `own_key`: with the request's own credential. */
void wish_lay_timeouts(const struct route_wishes *, const struct wish_target *, const struct route_provider *,
                       bool own_key, struct timeout_settings *);

/* Does a failure with this status (0: no answer; timeout: 504) lead from the target to the next one? */
static inline bool wish_falls_on(const struct wish_target *t, int status)
{
	unsigned i = (unsigned)(status < 400 ? 502 : status) - 400;

	return !t->falls_listed || (i < 200 && (t->falls_status[i / 64] >> i % 64 & 1));
}
/* Is it tried again at the same target? */
static inline bool wish_retries_on(const struct wish_target *t, int status)
{
	unsigned i = (unsigned)(status < 400 ? 502 : status) - 400;

	return !t->retry_listed || (i < 200 && (t->retry_status[i / 64] >> i % 64 & 1));
}

#endif
