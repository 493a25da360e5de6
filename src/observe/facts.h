/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what is known of a request when it is over. The gateway fills one and hands it to observe_request
 * (observe/observe.h); metrics, the access log and, later, traces are made from it. Nothing here is a secret, a prompt
 * or an answer. Texts are borrowed for the call.
 */
#ifndef SLUICE_OBSERVE_FACTS_H
#define SLUICE_OBSERVE_FACTS_H

#include "base/rand.h"
#include "base/str.h"
#include "model/usage.h"

struct addr;

/* What a call was in a race of two: the second, which won, lost, or failed; or the first, overtaken by the second. */
enum fact_hedge {
	FACT_HEDGE_NONE, FACT_HEDGE_WON, FACT_HEDGE_LOST, FACT_HEDGE_FAILED, FACT_HEDGE_OVERTAKEN, FACT_HEDGES
};
extern const char *const fact_hedge_names[FACT_HEDGES];

/* One call of a provider. */
struct fact_attempt {
	struct str deployment;           /* "openai/gpt-4o" */
	unsigned status;                 /* 0: no answer */
	const char *error;               /* err_code_name; NULL: it went well */
	uint32_t took_us;
	const char *class;               /* failure_name: what it meant for the routing; NULL: nothing */
	bool continued;                  /* a stream that was cut (error tells), and went on with the next call */
	enum fact_hedge hedge;
	bool own_key;                    /* with the request's own credential */
	bool billed;                     /* it was cancelled, and its provider charges all the same: */
	bool cost_known;
	int64_t cost_nusd;               /* part of the request's */
};

#define FACT_STEPS_MAX 16

struct facts {
	struct ulid id;
	struct str id_text;              /* the same as text, if it is at hand; else empty */
	uint64_t time_ms;                /* real time of the request's first byte */
	struct str client_id;            /* x-sluice-request-id as given; empty: none */
	struct str key_id, key_name, team, user, tags;
	const char *method;
	struct str endpoint;             /* the route's pattern, never the client's path: "/v1/chat/completions" */
	struct str dialect;              /* empty: not a call of a model */
	struct str model, provider, deployment, upstream_model;
	bool model_is_free;              /* a wildcard took the name: there are as many as clients think of */
	unsigned status;                 /* HTTP status sent; 499: the client went away */
	const char *error;               /* contract section 4's code; NULL: none */
	bool stream;
	bool http2;
	struct str plan;                 /* which deployments there were, and why these; empty: there was no choice */
	const struct fact_attempt *attempts;
	unsigned n_attempts;
	struct usage usage;
	int64_t cost_nusd;
	bool cost_known;
	int64_t saved_nusd;              /* by reading from the provider's prompt cache; 0: nothing, or not known */
	uint64_t bytes_in, bytes_out;    /* of the bodies */
	uint32_t latency_us;             /* first byte of the request to the last of the answer */
	uint32_t first_byte_us;          /* … to the first of the answer; 0: none was sent */
	uint32_t overhead_us;            /* latency without waiting for client and provider */
	/* Time spent in each step, in order; steps that did not run have 0. */
	const char *const *step_names;
	const uint32_t *step_us;
	unsigned n_steps;
	const struct addr *peer;         /* NULL: unknown */
};

#endif
