/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vitals: what the calls of a request tell of their deployment's health. Each call that goes out has begun there
 * (vitals_begin) and is over there exactly once: when it has failed, or when its request is settled, whatever became of
 * it.
 *
 * What the client made of it says nothing: it left, or gave it less time than it is usually given.
 */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "route/admission.h"

static const struct routing_settings *routing(const struct req *r) { return req_conf(r)->routes.routing; }

static uint64_t now(const struct req *r) { return loop_now_ms(r->w->loop); }

/* What passes unread, and names no model, is no deployment's. */
static COLD NOINLINE bool is_nobodys(const struct req *r)
{
	return r->open->pass && r->open->rq.model.n == 0;
}

static COLD NOINLINE struct health *find_health(const struct candidate *c)
{
	return health_of(c->deployment->provider->name, c->model);
}

/* Then what took it out may have been this request's own call: it may go on by its retries. */
static COLD NOINLINE bool was_tried(const struct req *r)
{
	const struct deployment *d = r->open->candidate.deployment;
	bool found = r->attempt.deployment == d;

	for (unsigned i = 0; i + 1 < r->n_attempts; i++)
		found |= r->attempts[i].deployment == d;
	return found;
}

HOT bool vitals_begin(struct req *r)
{
	const struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	const struct health_limits *l = c->deployment->limits;
	struct health *h = likely(c->health != NULL) ? c->health : find_health(c);
	bool last_resort;

	assert(!r->use.health);
	if (unlikely(o->pass) && is_nobodys(r))
		return true;
	/* who names a provider himself has no other */
	last_resort = o->plan.last_resort || o->pass || (unlikely(r->n_attempts > 0) && was_tried(r));
	return health_begin(h, l, unlikely(l != NULL) ? plan_tokens(&o->plan.ask) : 0, last_resort, routing(r), now(r),
	                    &r->use);
}

enum plan_exclusion vitals_exclusion(const struct req *r)
{
	const struct candidate *c = &r->open->candidate;

	switch (health_verdict(c->health ? c->health : find_health(c), now(r))) {
	case HEALTH_IN:
	case HEALTH_PROBE:
		break;
	case HEALTH_COOLING:
		return EXCLUDED_COOLING;
	case HEALTH_BROKEN:
		return EXCLUDED_BROKEN;
	}
	return EXCLUDED_LIMIT;
}

/* What is handed on as it is may be an error. */
static COLD NOINLINE enum failure_class class_of_status(int status)
{
	switch (status) {
	case 401: case 402: case 403: return FAILURE_CREDENTIAL;
	case 408: case 409: return FAILURE_TRANSIENT;
	case 429: return FAILURE_RATE_LIMIT;
	default: return status >= 500 ? FAILURE_TRANSIENT : FAILURE_CLIENT;
	}
}

static bool other_key_is_in(const struct req *r)
{
	const struct route_provider *p = r->open->candidate.deployment->provider;

	for (unsigned i = 0; i < p->n_credentials; i++)
		if (p->credentials[i].health && health_key_in(p->credentials[i].health, now(r)))
			return true;
	return false;
}

static void done(struct req *r, const struct health_outcome *o)
{
	const struct deployment *d = r->attempt.deployment;

	health_done(&r->use, o, routing(r), now(r));
	if (unlikely(d && d->limits))
		admission_room();
}

static COLD NOINLINE void over(struct req *r, bool cancelled)
{
	done(r, &(struct health_outcome){ .cancelled = cancelled });
}

/* By what it is, not by what it would take to answer it. */
static bool is_refused(enum failure_class class)
{
	return class == FAILURE_CLIENT || class == FAILURE_CONTEXT_WINDOW || class == FAILURE_CREDENTIAL ||
	       class == FAILURE_NO_MODEL;
}

/* One of several keys is refused or over its limit: that is the key's, unless it was the last one. */
static COLD NOINLINE void failed_as(struct req *r, enum failure_class class)
{
	struct req_open *o = r->open;
	struct health_key *key = o->credential ? o->credential->health : NULL;

	o->other_key = false;
	if (health_key_blamed(class) && o->own_key.n)
		return; /* the client brought it: it says nothing of ours */
	if (key && health_key_blamed(class)) {
		health_key_bad(key, class, o->retry_after_ms, routing(r), now(r));
		o->other_key = !health_key_in(key, now(r)) && other_key_is_in(r);
	}
	if (!o->other_key)
		health_bad(&r->use, class, o->retry_after_ms, routing(r), now(r));
}

HOT void vitals_good(struct req *r)
{
	uint32_t took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;

	if (unlikely(r->attempt.status >= 400))
		failed_as(r, class_of_status(r->attempt.status));
	else
		health_good(&r->use, took_us, r->want_stream, routing(r), now(r));
}

enum failure_class vitals_failed(struct req *r)
{
	struct req_open *o = r->open;
	struct failure_seen seen = { &o->failure, r->attempt.status, r->call.connected };
	enum failure_class class = failure_classify(&seen);
	bool blameless = o->our_limit || (r->hurried && o->failure.err.code == ERR_UPSTREAM_TIMEOUT);

	o->other_key = o->our_limit = false;
	/* what it is to be signed with could not be fetched */
	if (!r->use.health && o->failure.elsewhere_only && !vitals_begin(r))
		return class;
	if (!blameless)
		failed_as(r, class);
	done(r, &(struct health_outcome){ .cancelled = blameless, .refused = is_refused(class) });
	return class;
}

void vitals_cut(struct req *r, const struct dialect_error *error, bool timeout)
{
	static const struct dialect_error cut = { .err = { .code = ERR_UPSTREAM, .origin = ERR_FROM_PROVIDER } };
	struct failure_seen seen = { error ? error : &cut, 0, true };

	if (r->gone || (timeout && (r->hurried || (r->x && exchange_full(r->x)))))
		return;
	health_bad(&r->use, failure_classify(&seen), error ? error->retry_after_ms : -1, routing(r), now(r));
}

void vitals_part(struct req *r)
{
	vitals_good(r);
	over(r, false);
}

void vitals_drop(struct req *r) { over(r, true); }

HOT void vitals_settle(struct req *r)
{
	const struct usage *u = &r->meter.usage;
	struct health_outcome o = {
		.took_us = r->attempt.took_us, .cancelled = r->error != ERR_NONE,
	};

	if (likely(r->consumed)) {
		o.output_tokens = (uint32_t)usage_total_output(u);
		o.tokens = usage_total_input(u) + o.output_tokens;
	}
	done(r, &o);
}
