/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wishes: what a request itself says about its routing, in the words of several gateways, as one struct:
 *
 *	x-sluice-*                 our own fields
 *	body: models, provider     OpenRouter (openrouter.ai/docs/features/provider-routing, model-routing)
 *	body: providerOptions.gateway   Vercel AI Gateway
 *	x-portkey-config           Portkey: single, loadbalance, fallback, conditional, nested
 *	cf-aig-*                   Cloudflare AI Gateway
 *
 * Which wins, where two say something of the same: the earlier in this list; what narrows (only, ignore, zdr, data
 * collection, prices, regions) is added up instead. A request can only narrow what its key may do, never widen it.
 *
 * Made by the gateway in the request's arena, and only for requests that say anything; read by the plan. Texts are
 * borrowed from the request. Pure functions, any thread; hostile input gives ERR_INVALID_REQUEST that names the place.
 */
#ifndef SLUICE_ROUTE_WISHES_H
#define SLUICE_ROUTE_WISHES_H

#include "json/node.h"
#include "route/settings.h"

struct arena;
struct err;

enum wish_sort { WISH_SORT_NONE, WISH_SORT_PRICE, WISH_SORT_THROUGHPUT, WISH_SORT_LATENCY };

/* Names of providers ("openai", "azure/eastus" …) or of deployments ("openai/gpt-4o"). */
struct wish_names { const struct str *names; unsigned n; };

#define WISH_UNSET (-1)

/* One of several ways in which the request may be answered, in order: Portkey's targets, OpenRouter's models. */
struct wish_target {
	struct str model;                /* as clients ask for it; empty: the request's own */
	struct str provider;             /* only at this provider; empty: any */
	const struct json_node *override_params, *default_params; /* NULL: none; an object, laid over the body */
	struct wish_names drop_params;
	int64_t attempts;                /* further tries; WISH_UNSET: the settings' */
	int64_t timeout_ms;              /* of one attempt, in all; WISH_UNSET */
	uint64_t on_status[4];           /* which failures lead to the next target: bit (status - 400) */
	bool on_any;                     /* all that routing.retries.on names do */
};

struct route_wishes {
	struct wish_names order, only, ignore, quantizations, regions;
	bool no_fallbacks;               /* only what `order` or the strategy puts first, at one provider */
	bool require_parameters;         /* a capability that is asked for and not known to be there excludes */
	bool deny_collection, zdr;
	enum wish_sort sort;
	/* Prices in pico-dollars a token and nano-dollars each; WISH_UNSET: none */
	int64_t max_input_pusd, max_output_pusd, max_request_nusd, max_image_nusd;
	int64_t min_throughput_milli[4], max_latency_us[4];      /* by enum health_percentile; WISH_UNSET */
	const struct wish_target *targets;
	unsigned n_targets;              /* 0: the model that is asked for */
	bool targets_draw;               /* reserved for what was drawn already: the rest are not fallbacks */
	int64_t attempts, base_ms;       /* of retries; WISH_UNSET */
	int jitter_none;                 /* 1: constant, 2: linear, 3: exponential (cf-aig-backoff); 0: the settings' */
	int64_t connect_ms, first_byte_ms, idle_ms, total_ms;    /* WISH_UNSET */
	struct str session;              /* of a conversation; empty: not told */
	const struct wish_credential { struct str provider, key; } *byok;
	unsigned n_byok;
	bool explain;                    /* the plan is wanted in the answer's head */
};

/* Nothing is wished. */
extern const struct route_wishes route_wishes_none;

#endif
