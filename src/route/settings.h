/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of route: the models that clients ask for, their deployments, and what is done when one fails. Immutable
 * parts of a configuration snapshot; texts live in its arena.
 */
#ifndef SLUICE_ROUTE_SETTINGS_H
#define SLUICE_ROUTE_SETTINGS_H

#include "model/facts.h"
#include "model/settings.h"
#include "provider/settings.h"

struct deployment_settings {
	struct str provider, model;      /* `model`: the provider's name; * stands for what the pattern's * matched */
	int64_t weight;                  /* 0: only when nothing else is left */
	int64_t order;                   /* lower ones are tried first */
	int64_t rpm, tpm, max_parallel;  /* SETTING_UNSET: no limit */
	struct price_settings price;
	int64_t context_window, max_output; /* tokens; SETTING_UNSET: the catalogue's */
	struct setting_array capabilities; /* struct str: words of model/facts.h, a minus before what it lacks */
	struct str base_model;           /* empty: `model` is what the catalogue knows it by */
	struct str region;               /* empty: the provider's */
	struct str quantization;         /* empty: not known */
};

enum strategy_setting {
	STRATEGY_WEIGHTED, STRATEGY_LATENCY, STRATEGY_USAGE, STRATEGY_LEAST_BUSY, STRATEGY_COST,
	STRATEGY_PRICE_WEIGHTED, STRATEGY_ORDERED, STRATEGY_HASH, STRATEGY_CUSTOM,
};

/* When a second candidate is started beside a slow one: route/hedge.h. */
enum hedge_kind { HEDGE_UNSET, HEDGE_OFF, HEDGE_AFTER, HEDGE_AT_PERCENTILE };
struct hedge_when {
	uint8_t kind;                    /* enum hedge_kind */
	uint8_t percentile;              /* enum health_percentile */
	int64_t ms;
};
/* What a client gets whose stream is cut: an error event, or the rest from somebody else. */
enum stream_failover_setting { STREAM_FAILOVER_ERROR, STREAM_FAILOVER_CONTINUE };

enum hash_setting { HASH_BY_SESSION, HASH_BY_USER, HASH_BY_KEY };

struct model_settings {
	struct str name;                 /* may be a pattern; see `model` of a deployment */
	int strategy;                    /* enum strategy_setting */
	double latency_buffer;           /* of strategy latency: share of the best estimate */
	int hash_by;                     /* of strategy hash: enum hash_setting */
	struct str script;               /* of the strategy custom: its text, or FILE.lua */
	struct setting_array deployments;              /* struct deployment_settings; at least one */
	struct setting_array fallbacks;                /* struct str: names of models */
	struct setting_array context_window_fallbacks; /* struct str */
	struct setting_array content_policy_fallbacks; /* struct str */
	struct timeout_settings timeouts;
	int stream_failover;             /* enum stream_failover_setting; SETTING_UNSET: that of `routing` */
	struct setting_array guardrails;               /* struct str */
	struct str hedge_after;          /* empty: that of `routing` */
	struct hedge_when hedge;         /* derived */
};

enum jitter_setting { JITTER_FULL, JITTER_EQUAL, JITTER_NONE };

struct retry_settings {
	int64_t attempts;                /* further tries after the first one */
	struct setting_array on;         /* struct str; read the three derived members instead */
	int64_t base_ms, max_ms;
	int jitter;                      /* enum jitter_setting */
	int64_t respect_retry_after_ms;  /* longest Retry-After that is waited for */

	bool on_connect, on_timeout;     /* derived from `on` */
	uint64_t on_status[4];           /* derived: bit (status - 400) */
};

static inline bool retry_on_status(const struct retry_settings *r, int status)
{
	unsigned i = (unsigned)status - 400;
	return i < 200 && (r->on_status[i / 64] >> i % 64 & 1);
}

struct cooldown_settings {
	double failure_ratio;
	int64_t min_requests, window_ms;
	bool on_429;
	int64_t duration_ms, max_ms;     /* max: of what a Retry-After makes of it */
};

struct breaker_settings {
	int64_t consecutive_failures, open_for_ms, half_open_probes;
};

/* By enum health_percentile: p50, p75, p90, p99. SETTING_UNSET: no preference. */
struct preferred_settings {
	int64_t max_latency_ms[4];
	double min_throughput[4];        /* tokens a second */
	bool any;                        /* derived: one of them is set */
};

struct affinity_settings {
	bool enabled;
	int64_t ttl_ms, entries;
};

struct queue_settings {
	int64_t max, wait_ms;            /* max: requests that wait, for each model */
};

struct probe_settings {
	int64_t every_ms;                /* 0: off */
};

struct script_settings {
	int64_t max_instructions;
};

struct routing_settings {
	struct retry_settings retries;
	struct cooldown_settings cooldown;
	struct breaker_settings breaker;
	int64_t outage_window_ms;
	struct preferred_settings preferred;
	bool last_resort;                /* all are out: the least bad one is tried once */
	struct affinity_settings affinity;
	struct queue_settings queue;
	struct probe_settings probe;
	struct str hedge_after;
	struct hedge_when hedge;         /* derived from it */
	double hedge_max;                /* share of a model's requests that may be hedged */
	/* struct str; for models without a list of their own */
	struct setting_array fallbacks, context_window_fallbacks, content_policy_fallbacks;
	int64_t max_fallbacks;
	struct script_settings script;
	bool byok;                       /* requests may bring their own credentials */
	int stream_failover;             /* enum stream_failover_setting */
};

extern const struct settings model_settings, routing_settings;

#endif
