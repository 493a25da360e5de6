/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline: the flow of a request, read from top to bottom: one function a step, one table, one driver. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/carry.h"
#include "gateway/hedge.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "route/admission.h"

#define TO(s) (1u << STEP_##s)

#define ERROR_BODY_MAX (64u << 10)

enum step req_refuse(struct req *r, enum err_code code, const char *fmt, ...)
{
	char text[sizeof r->open->err.text];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_set(&r->open->err, code, "%s", text);
	return STEP_REFUSE;
}

/* As req_refuse, with an error that a lower room has described. */
static enum step refuse_with(struct req *r, const struct err *e)
{
	if (e != &r->open->err)
		r->open->err = *e;
	return STEP_REFUSE;
}

/* ---- the steps ---- */

static enum step wrong_route(struct req *r, const struct http_head *head, unsigned allowed)
{
	static const struct { enum http_method method; const char *name; } methods[] = {
		{ METHOD_GET, "GET" }, { METHOD_HEAD, "HEAD" }, { METHOD_POST, "POST" }, { METHOD_PUT, "PUT" },
		{ METHOD_PATCH, "PATCH" }, { METHOD_DELETE, "DELETE" }, { METHOD_OPTIONS, "OPTIONS" },
	};
	char text[64] = "";
	size_t n = 0;

	if (str_eq(head->path, STR("*"))) /* the server as a whole */
		allowed = 1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_POST | 1u << METHOD_PUT |
		          1u << METHOD_PATCH | 1u << METHOD_DELETE;
	if (!allowed)
		return req_refuse(r, ERR_NOT_FOUND, "there is nothing at this path: %.*s",
		                  STR_ARG(str_slice(head->path, 0, 200)));
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (allowed & 1u << methods[i].method)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", methods[i].name);
	deliver_add_field(r, STR("allow"), arena_dup(&r->open->arena, str_from_z(text)));
	return req_refuse(r, ERR_METHOD, "this path takes %s", text);
}

static enum step step_auth(struct req *r)
{
	const struct http_head *head = r->open->head;
	enum key_refusal why;
	unsigned allowed;

	r->endpoint = endpoint_find(head->method, head->path, &allowed);
	if (unlikely(!r->endpoint && !allowed)) {
		r->open->in.path = endpoint_behind_prefix(head->path);
		r->endpoint = endpoint_find(head->method, r->open->in.path, &allowed);
		/* what stands in front of us may keep the admin's paths from the outside */
		if (r->endpoint && r->endpoint->access != ACCESS_KEY) {
			r->endpoint = NULL;
			allowed = 0;
		}
	}
	if (!r->endpoint)
		return wrong_route(r, head, allowed);
	if (r->endpoint->access != ACCESS_ANYBODY) {
		r->key = keys_find(r->w->keys, req_token(head), &why);
		if (!r->key && !req_conf(r)->auth_required && r->endpoint->access == ACCESS_KEY)
			r->key = key_ref(keys_anonymous());
		if (!r->key) {
			deliver_add_field(r, STR("www-authenticate"), STR("Bearer")); /* RFC 9110 section 15.5.2 */
			return req_refuse(
				r, ERR_INVALID_API_KEY, "%s",
				req_is_signed(head)
					? "a request that is signed with an AWS key cannot be taken: give the virtual "
					  "key as a bearer token (AWS_BEARER_TOKEN_BEDROCK)"
					: "the API key is missing or not valid");
		}
		if (r->endpoint->access == ACCESS_ADMIN && r->key->info.role != KEY_ADMIN)
			return req_refuse(r, ERR_POLICY, "this path needs the admin key or a key with the admin role");
	}
	if (r->endpoint->kind != ENDPOINT_SERVICE && !journal_ok(r->w->journal))
		return req_refuse(r, ERR_NO_DEPLOYMENT, "the ledger cannot be written, so nothing is sent upstream");
	if (!req_take_head(r))
		return STEP_REFUSE;
	return STEP_BODY;
}

static enum step step_body(struct req *r)
{
	if (r->body_failed)
		return STEP_REFUSE; /* on_body_failed has told why */
	if (!r->body_whole)
		return STEP_WAIT;
	if (r->endpoint->kind == ENDPOINT_SERVICE)
		return STEP_SERVE;
	return STEP_DECODE;
}

static enum step step_serve(struct req *r)
{
	struct req_open *o = r->open;
	const struct service *s = &r->w->gw->options.services[r->endpoint->service];

	if (r->expired)
		return req_refuse(r, ERR_INTERNAL, "the answer took too long");
	switch (r->endpoint->service == SERVICE_RESPONSES ? responses_serve(r, &o->err)
	                                                  : s->run(s->arg, &o->service, &o->err)) {
	case OP_PENDING:
		return STEP_WAIT;
	case OP_OK:
		break;
	case OP_REFUSED:
	case OP_FAILED:
		return STEP_REFUSE;
	}
	o->status = o->service.status;
	buf_fini(&o->answer);
	o->answer = o->service.out;
	o->service.out = buf_make(0);
	deliver_add_field(r, STR("content-type"), str_from_z(o->service.content_type));
	r->cost_known = true;
	return STEP_SETTLE;
}

static enum step step_decode(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d = dialect_by_id(r->endpoint->dialect);

	if (unlikely(r->endpoint->kind == ENDPOINT_PASS))
		return pass_decode(r);
	o->in.body = buf_str(&o->body);
	o->in.spool = o->body.file ? &o->body : NULL;
	o->in.call = r->endpoint->call;
	if (!d->read_request(&o->arena, &o->in, &o->rq, &o->err))
		return STEP_REFUSE;
	o->text[TEXT_MODEL] = o->rq.model;
	r->want_stream = o->rq.stream;
	if (unlikely(r->key->info.n_models) && !ask_allows_model(r, o->rq.model))
		return req_refuse(r, ERR_MODEL_NOT_ALLOWED, "this key may not use the model \"%.*s\"",
		                  STR_ARG(o->rq.model));
	return STEP_PLAN;
}

/* Its clients are given foreign tokens in envelopes, and give them back. A conversation that changes its provider may
 * bring them to one of its own dialect, who would refuse them. */
static bool may_hold_envelopes(enum dialect_id id)
{
	return id == DIALECT_ANTHROPIC || id == DIALECT_OPENAI_RESPONSES || id == DIALECT_GEMINI ||
	       id == DIALECT_BEDROCK;
}

/* There is no plan. */
static COLD enum step no_plan(struct req *r, const struct err *e)
{
	struct req_open *o = r->open;

	if (e->code == ERR_NO_DEPLOYMENT)
		o->retry_after_ms = plan_back_in_ms(&o->plan);
	return refuse_with(r, e);
}

/* All are excluded, here and in the lists of fallbacks. */
static COLD enum step nobody_to_ask(struct req *r)
{
	struct req_open *o = r->open;

	(void)plan_refuse_all(&o->plan, &o->arena, &o->err);
	return no_plan(r, &o->err);
}

static enum step step_plan(struct req *r)
{
	struct req_open *o = r->open;
	struct plan_ask *ask = &o->plan.ask;
	enum plan_got got;
	struct err e;

	*ask = (struct plan_ask){
		.model = o->rq.model, .dialect = o->rq.dialect->id, .call = o->rq.call, .stream = r->want_stream,
		.now_ms = loop_now_ms(r->w->loop), .at_ms = (int64_t)ulid_time_ms(r->id), .body_bytes = o->rq.body.n,
		.max_output = o->rq.max_output, .affinity = r->w->gw->affinity, .look = look_ask, .arg = r,
	};
	if (unlikely(ask_says_something(r)) && !ask_fill(r, ask))
		return STEP_REFUSE;
	if (!plan_make(&o->plan, &req_conf(r)->routes, ask, &o->arena, &e))
		return no_plan(r, &e);
	o->own_state = may_hold_envelopes(o->rq.dialect->id) && o->rq.call == CALL_GENERATE &&
	               chat_opaque_marked(o->rq.body);
	if (o->rq.dialect->id == DIALECT_OPENAI_RESPONSES)
		responses_plan(r);
	if (unlikely(o->plan.first->continues) && r->want_stream)
		carry_plan(r);
	if (unlikely(o->plan.model->limited) && queue_comes_first(r))
		return STEP_QUEUE;
	got = plan_next(&o->plan, NULL, loop_now_ms(r->w->loop), &o->arena, &o->candidate, &o->wait_ms);
	if (unlikely(got == PLAN_FULL))
		return STEP_QUEUE;
	if (got != PLAN_TRY)
		return nobody_to_ask(r);
	return STEP_ATTEMPT;
}

/* The status that a request's own lists of statuses mean: an error inside of a good answer has one, too. */
static int status_for_wishes(const struct req *r, enum failure_class class)
{
	if (r->open->failure.err.code == ERR_UPSTREAM_TIMEOUT)
		return 504;
	if (r->attempt.status >= 400)
		return r->attempt.status;
	switch (class) {
	case FAILURE_RATE_LIMIT:
		return 429;
	case FAILURE_CONTENT_POLICY: case FAILURE_CONTEXT_WINDOW: case FAILURE_CLIENT:
		return 400;
	case FAILURE_NONE: case FAILURE_TRANSIENT: case FAILURE_CREDENTIAL: case FAILURE_NO_MODEL: case FAILURES:
		break;
	}
	return 0;
}

/* How the attempt failed, for the plan. */
static void note_failure(struct req *r, enum failure_class class)
{
	struct req_open *o = r->open;
	struct failure_seen seen = { &o->failure, r->attempt.status, r->call.connected };
	int64_t after_ms = o->retry_after_ms;

	o->failed = (struct plan_failed){
		.class = class,
		.retryable = failure_retryable(&seen, class, &req_conf(r)->routes.routing->retries),
		.status = status_for_wishes(r, class),
		.retry_after_ms = after_ms,
		.deployment = o->candidate.deployment,
	};
	o->has_failed = true;
	r->attempt.class = (uint16_t)(class & 7);
	if (after_ms >= 0 && (!o->failures || o->soonest_ms < 0 || after_ms < o->soonest_ms))
		o->soonest_ms = after_ms;
	else if (!o->failures)
		o->soonest_ms = -1;
	o->failures |= (uint8_t)(1u << class);
}

/* What the client is told after all: the last failure, unless that one alone would mislead. */
static COLD enum step give_up(struct req *r)
{
	struct req_open *o = r->open;
	struct err e = o->failure.err;
	bool mixed = (o->failures & (o->failures - 1)) != 0;

	o->retry_after_ms = o->soonest_ms;
	if (mixed && (o->failed.class == FAILURE_RATE_LIMIT || o->failed.class == FAILURE_NO_MODEL)) {
		err_set(&e, ERR_UPSTREAM, "no deployment could answer");
		/* to come again is right, but it is not only the client who is too quick; and its model is there */
		e.status = o->failed.class == FAILURE_RATE_LIMIT ? 503 : 0;
		o->failure_is_answer = false;
	}
	return refuse_with(r, &e);
}

/* One of the provider's keys is refused or over its limit: the same again with another. */
static enum step with_another_key(struct req *r)
{
	r->open->waited = true;
	r->open->wait_ms = 0;
	return STEP_BACKOFF;
}

/* Of what the client allows in all: after a wait of `ms` from now. Timers go by milliseconds: what is left of the last
 * one is none. */
static bool time_is_over(const struct req *r, uint32_t ms)
{
	uint64_t us = loop_now_us(r->w->loop) - r->start_us;

	return r->open->timeout_ms && us + 1000 + (uint64_t)ms * 1000 >= (uint64_t)r->open->timeout_ms * 1000;
}

static enum step attempt_failed(struct req *r, enum failure_class class)
{
	struct req_open *o = r->open;

	note_failure(r, class);
	if (unlikely(r->relaying))
		return carry_failed(r, class);
	if (unlikely(r->hedge != NULL) && hedge_lose(r, class))
		return STEP_WAIT;
	if (unlikely(o->other_key) && !o->pass && r->n_attempts < REQ_ATTEMPTS_MAX)
		return with_another_key(r);
	if (o->pass || r->n_attempts >= REQ_ATTEMPTS_MAX || time_is_over(r, 0))
		return give_up(r);
	return STEP_BACKOFF;
}

/* The candidate cannot be given this request: another one may speak the client's dialect, or a richer one. */
static enum step cannot_take(struct req *r)
{
	struct req_open *o = r->open;

	plan_skip_deployment(&o->plan, o->candidate.deployment, EXCLUDED_CAPABILITY);
	o->has_failed = false;
	return o->err.code == ERR_TOO_LARGE ? STEP_REFUSE : STEP_BACKOFF;
}

/* The candidate is at its limit, or has gone out since the plan was made, or is tried by somebody else to see whether
 * it works. */
static COLD enum step no_room(struct req *r)
{
	struct req_open *o = r->open;

	if (!o->failures)
		err_set(&o->err, ERR_NO_DEPLOYMENT, "%.*s is out or at its limit",
		        STR_ARG(str_slice(o->candidate.deployment->name, 0, 200)));
	if (o->pass || r->probe) /* of this deployment, or none */
		return STEP_REFUSE;
	plan_skip_deployment(&o->plan, o->candidate.deployment, vitals_exclusion(r));
	o->has_failed = false;
	return STEP_BACKOFF;
}

static enum step start_attempt(struct req *r)
{
	enum attempt_start got = attempt_start(r);

	if (unlikely(got == START_NOT || got == START_FULL)) {
		if (r->hedge && hedge_give_up(r))
			return STEP_WAIT;
		return got == START_NOT ? cannot_take(r) : no_room(r);
	}
	if (unlikely(r->open->queued != NULL))
		queue_begun(r);
	return STEP_WAIT;
}

static enum step step_attempt(struct req *r)
{
	switch ((enum attempt_state)r->attempt_state) {
	case ATTEMPT_NONE:
	case ATTEMPT_CREDENTIAL:
		return start_attempt(r);
	case ATTEMPT_WAITING:
		return STEP_WAIT;
	case ATTEMPT_STARTED:
	case ATTEMPT_WHOLE:
		if (unlikely(r->hedge != NULL))
			hedge_win(r);
		r->consumed = true;
		vitals_good(r);
		if (unlikely(r->open->conversation != 0))
			affinity_note(r);
		return STEP_RELAY;
	case ATTEMPT_FAILED:
		return attempt_failed(r, vitals_failed(r));
	}
	assert(!"unknown attempt_state");
	return STEP_REFUSE;
}

static enum step step_backoff(struct req *r)
{
	struct req_open *o = r->open;

	if (unlikely(r->relaying) && !carry_has_time(r))
		return refuse_with(r, &o->failure.err);
	if (!o->waited) {
		const struct plan_failed *failed = o->has_failed ? &o->failed : NULL;
		enum plan_got got = plan_next(&o->plan, failed, loop_now_ms(r->w->loop), &o->arena, &o->candidate,
		                              &o->wait_ms);

		if (got == PLAN_FULL && likely(!r->relaying))
			return STEP_QUEUE;
		if (got != PLAN_TRY || (o->wait_ms && !r->relaying && time_is_over(r, o->wait_ms)))
			return o->failures ? give_up(r) : STEP_REFUSE; /* open->err tells */
		o->waited = true;
		if (o->wait_ms) {
			queue_leave(r); /* nobody waits for room behind one that waits for something else */
			r->expired = false;
			if (likely(!r->relaying))
				timer_start(r->w->loop, &r->limit, o->wait_ms);
			else if (!relay_wait(r))
				r->expired = true;
		}
	}
	if (o->wait_ms && !r->expired)
		return STEP_WAIT;
	o->waited = r->expired = false;
	r->texts_counted = 0; /* for a model that did not answer */
	r->attempt_state = ATTEMPT_NONE;
	return STEP_ATTEMPT;
}

static enum step step_relay(struct req *r)
{
	if (r->attempt_state == ATTEMPT_WHOLE)
		return STEP_SETTLE;
	if (!r->relaying) {
		relay_start(r);
		if (r->expired) /* between its first event and now: the timer does not come again */
			attempt_expire(r);
	}
	if (unlikely(r->attempt_state == ATTEMPT_FAILED) && !r->relay_over)
		return attempt_failed(r, vitals_failed(r)); /* another goes on */
	return r->relay_over ? STEP_SETTLE : STEP_WAIT;
}

/* The error in the client's own dialect; it leaves, as every answer, when the request is recorded. */
static enum step step_refuse(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d =
		dialect_by_id(r->endpoint ? r->endpoint->dialect : endpoint_error_dialect(o->in.path));
	/* a provider's words of another dialect would be none in the client's */
	bool foreign = o->failure.err.origin == ERR_FROM_PROVIDER && req_is_translated(r);
	const struct dialect_error *words = o->failure_is_answer && o->failure.pass && !foreign ? &o->failure : NULL;
	char id[ULID_LEN];

	queue_leave(r);
	if (unlikely(r->relaying)) {
		relay_refuse(r);
		return STEP_SETTLE;
	}
	ulid_text(id, r->id);
	req_buf_reset(&o->answer, ERROR_BODY_MAX);
	if (r->n_attempts)
		o->n_fields = 0; /* those of a provider's answer that did not come to be ours */
	o->status = dialect_error_status(&o->err);
	r->error = (uint16_t)o->err.code;
	if (o->err.code == ERR_UPSTREAM || o->err.code == ERR_UPSTREAM_TIMEOUT || o->err.code == ERR_NO_DEPLOYMENT ||
	    (o->err.code == ERR_RATE_LIMIT && r->n_attempts))
		deliver_list_attempts(r, &o->err);
	if (!dialect_write_error(d, &o->err, words, str_of(id, ULID_LEN), &o->answer))
		buf_clear(&o->answer);
	deliver_error_fields(r, d);
	if (o->retry_after_ms >= 0 && (o->status == 429 || o->status == 503))
		deliver_add_field(r, STR("retry-after"),
		                  arena_printf(&o->arena, "%lld", (long long)(o->retry_after_ms + 999) / 1000));
	return STEP_SETTLE;
}

/* Asked of a request that was decoded. */
static bool is_free(const struct req *r)
{
	return r->endpoint->costs_nothing || (r->open && r->open->rq.call == CALL_COUNT_TOKENS) ||
	       (r->endpoint->kind == ENDPOINT_PASS && r->attempt.status >= 400);
}

/* A name that a client made up is looked up; nearly all were known before. */
static inline bool cost_of(const struct req *r, const struct usage *u, int64_t *nusd)
{
	const struct deployment *d = r->attempt.deployment;
	int64_t at_ms = (int64_t)ulid_time_ms(r->id);

	if (likely(!d->by_name))
		return price_cost(&d->price, u, at_ms, nusd);
	return deployment_cost_by_name(d, req_text(r, TEXT_UPSTREAM_MODEL), u, at_ms, nusd);
}

bool req_cost(const struct req *r, const struct usage *u, int64_t *nusd)
{
	return r->attempt.deployment && !is_free(r) && cost_of(r, u, nusd);
}

/* Attempts before the one that answered, which their providers charge though nobody has their answers: nobody tells
 * their tokens, so they are taken for those of the answer, whose request was the same (as for races: hedge.h). */
static COLD NOINLINE void charge_failed(struct req *r)
{
	struct usage *u = &r->meter.usage;

	for (unsigned i = 0; i + 1 < r->n_attempts && r->cost_known; i++) {
		const struct deployment *d = r->attempts[i].deployment;
		int64_t at_ms = (int64_t)ulid_time_ms(r->id), nusd = 0;

		if (!r->attempts[i].billed)
			continue;
		if (d == r->attempt.deployment)
			r->cost_known = cost_of(r, u, &nusd);
		else
			r->cost_known = !d->by_name && price_cost(&d->price, u, at_ms, &nusd);
		r->cost_nusd = nusd < INT64_MAX - r->cost_nusd ? r->cost_nusd + nusd : INT64_MAX;
		if (nusd && u->source == USAGE_REPORTED)
			u->source = USAGE_COUNTED;
	}
}

/* The true cost. What no provider answered costs nothing; what one answered without telling its usage, or not to the
 * end, is counted; what one may have begun to answer and is lost, or cannot be counted, is unknown, which is never
 * nothing. */
static enum step step_settle(struct req *r)
{
	int64_t refused_nusd; /* by those who were asked before, on content policy */

	if (unlikely(r->keeps_answer))
		responses_keep_answer(r);
	if (!r->consumed) {
		r->cost_known = !r->may_be_billed || is_free(r);
	} else if (is_free(r)) {
		r->cost_known = true;
	} else {
		if (unlikely(r->meter.usage.source == USAGE_NONE ||
		             (r->relaying && !r->meter.finished && !r->meter.ended)))
			count_usage(r);
		refused_nusd = r->cost_nusd;
		r->cost_nusd = 0;
		/* a client's own credential is billed to the client */
		r->cost_known = unlikely(r->attempt.own_key) || cost_of(r, &r->meter.usage, &r->cost_nusd);
		r->cost_nusd += refused_nusd;
		if (unlikely(r->may_be_billed))
			charge_failed(r);
	}
	if (r->use.health)
		vitals_settle(r);
	if (unlikely(r->relaying && r->open) && r->open->carry)
		carry_settle(r);
	if (unlikely(r->hedge != NULL))
		hedge_charge(r);
	if (likely(!r->relaying))
		deliver_own_fields(r);
	return STEP_RECORD;
}

static void await_journal(struct req *r)
{
	r->recorded = true;
	*r->w->deliver_tail = r;
	r->w->deliver_tail = &r->deliver_next;
}

/* Entered by the flow, and again by the loop's flush when the journal is written; and in between if the client leaves
 * in that very turn. */
static enum step step_record(struct req *r)
{
	if (r->recorded)
		return r->delivered ? STEP_DONE : STEP_WAIT;
	if (r->key && r->endpoint->kind != ENDPOINT_SERVICE)
		r->unwritten = !record_spend(r);
	await_journal(r);
	return STEP_WAIT;
}

/* ---- the table ---- */

static const struct {
	enum step (*run)(struct req *);
	unsigned to;                 /* the steps that may follow */
	uint32_t limit_ms;           /* 0: the step sets its own */
} steps[STEPS] = {
	[STEP_AUTH]    = { step_auth, TO(BODY) | TO(REFUSE), 0 },
	[STEP_BODY]    = { step_body, TO(SERVE) | TO(DECODE) | TO(REFUSE), 0 },
	[STEP_SERVE]   = { step_serve, TO(SETTLE) | TO(REFUSE), 60000 },
	[STEP_DECODE]  = { step_decode, TO(PLAN) | TO(ATTEMPT) | TO(REFUSE), 0 },
	[STEP_PLAN]    = { step_plan, TO(QUEUE) | TO(ATTEMPT) | TO(REFUSE), 0 },
	[STEP_QUEUE]   = { step_queue, TO(ATTEMPT) | TO(REFUSE), 0 },
	[STEP_ATTEMPT] = { step_attempt, TO(QUEUE) | TO(RELAY) | TO(BACKOFF) | TO(REFUSE), 0 },
	[STEP_BACKOFF] = { step_backoff, TO(QUEUE) | TO(ATTEMPT) | TO(REFUSE), 0 },
	[STEP_RELAY]   = { step_relay, TO(SETTLE) | TO(BACKOFF), 0 },
	[STEP_REFUSE]  = { step_refuse, TO(SETTLE), 0 },
	[STEP_SETTLE]  = { step_settle, TO(RECORD), 0 },
	[STEP_RECORD]  = { step_record, TO(DONE), 0 },
	[STEP_DONE]    = { NULL, 0, 0 },
};

const char *const step_names[STEPS] = {
	"auth", "body", "serve", "decode", "plan", "queue", "attempt", "backoff", "relay", "refuse", "settle", "record",
	"done",
};

const char *const wait_names[REQ_WAITS] = { "body", "serve", "queue", "attempt", "backoff", "relay" };

/* ---- the driver ---- */

/* Which of the waits a step is, plus one; 0: it takes none of a turn's time. */
static const uint8_t waits[STEPS] = {
	[STEP_BODY] = WAIT_BODY + 1, [STEP_SERVE] = WAIT_SERVE + 1, [STEP_QUEUE] = WAIT_QUEUE + 1,
	[STEP_ATTEMPT] = WAIT_ATTEMPT + 1,
	[STEP_BACKOFF] = WAIT_BACKOFF + 1, [STEP_RELAY] = WAIT_RELAY + 1,
};

static ALWAYS_INLINE void change_step(struct req *r, enum step next)
{
	if (waits[r->step])
		r->wait_us[waits[r->step] - 1] += (uint32_t)(loop_now_us(r->w->loop) - r->since_us);
	if (waits[next])
		r->since_us = loop_now_us(r->w->loop);
	r->step = (uint8_t)next;
	if (steps[next].limit_ms) {
		r->expired = false;
		timer_start(r->w->loop, &r->limit, steps[next].limit_ms);
	}
}

/* The client went away: whatever is under way ends here, and what it has cost is settled. */
static enum step cancelled(struct req *r)
{
	/* a provider that was asked may bill it, and nobody will tell how much */
	if (r->attempt_state == ATTEMPT_WAITING && r->call.connected)
		r->consumed = true;
	attempt_cancel(r);
	if (unlikely(r->hedge != NULL))
		hedge_cancel(r);
	if (r->open) {
		op_cancel(&r->open->op);
		media_cancel(r->open);
		queue_leave(r);
	}
	r->status = 499;
	r->error = ERR_CLIENT_GONE;
	return STEP_SETTLE;
}

void req_run(struct req *r)
{
	for (;;) {
		enum step next;

		if (r->gone && r->step < STEP_SETTLE) {
			change_step(r, cancelled(r));
			continue;
		}
		next = steps[r->step].run(r);
		if (next == STEP_WAIT)
			return; /* after a lost race there is no request any more */
		assert(steps[r->step].to & 1u << next);
		change_step(r, next);
		if (next == STEP_DONE) {
			record_facts(r);
			req_free(r);
			return;
		}
	}
}
