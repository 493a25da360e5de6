/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: a request waits until there is room at one of its model's deployments (route/admission.h). The wait is on the
 * heap, since the message that wakes it may be under way when the request is not there any more.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "observe/observe.h"
#include "route/admission.h"

enum {
	LOOK_MIN_MS = 10,                /* where nothing tells when there will be room (max_parallel) */
	LOOK_MAX_MS = 250,               /* a deployment that was out may be back */
};

struct queue_wait {
	struct admission_ticket ticket;
	struct loop_msg msg;
	atomic_bool sent;                /* msg is under way */
	struct req *r;                   /* NULL: it left */
	struct loop *loop;
	struct admission *queue;
	struct admission_rate rate;
	uint64_t since_us, until_ms;
	bool waits;                      /* it had to; else it is only counted */
};

/* Any thread, under the queue's lock. */
static void on_wake(struct admission_ticket *t)
{
	struct queue_wait *q = CONTAINER_OF(t, struct queue_wait, ticket);

	if (!atomic_exchange(&q->sent, true))
		loop_send(q->loop, &q->msg);
}

/* Also when the loop is freed: it runs what is still under way. */
static void on_msg(struct loop_msg *m)
{
	struct queue_wait *q = CONTAINER_OF(m, struct queue_wait, msg);

	atomic_store(&q->sent, false);
	if (q->r)
		req_wake(q->r);
	else
		free(q);
}

/* The longest that it may wait: by the settings, and by what the client allows in all. */
static uint64_t wait_of(const struct req *r)
{
	uint64_t ms = (uint64_t)req_conf(r)->routes.routing->queue.wait_ms;
	uint64_t gone_ms = (loop_now_us(r->w->loop) - r->start_us) / 1000;

	if (r->open->timeout_ms && gone_ms + ms > r->open->timeout_ms)
		ms = r->open->timeout_ms > gone_ms ? r->open->timeout_ms - gone_ms : 0;
	return ms;
}

static void tell(struct worker *w)
{
	observe_figure(w->observe, METRIC_QUEUE_WAITING, w->queue.waiting);
	observe_figure(w->observe, METRIC_QUEUE_WAITS, w->queue.waits);
	observe_figure(w->observe, METRIC_QUEUE_WAIT_US, w->queue.wait_us);
	observe_figure(w->observe, METRIC_QUEUE_REFUSED, w->queue.refused);
}

static struct queue_wait *wait_new(struct req *r)
{
	struct queue_wait *q = mem_zalloc(sizeof *q);
	struct req_open *o = r->open;
	const struct key_info *k = &r->key->info;

	q->queue = admission_of(o->plan.model->name);
	q->ticket = (struct admission_ticket){ .key = hash_bytes(k->id), .set = admission_set(&o->plan),
		.weight = key_weight(k), .tokens = plan_tokens(&o->plan.ask) + 1, .class = key_priority(k),
		.wake = on_wake };
	q->msg.run = on_msg;
	q->r = r;
	q->loop = r->w->loop;
	q->since_us = loop_now_us(r->w->loop);
	q->until_ms = loop_now_ms(r->w->loop) + wait_of(r);
	return q;
}

static void leave(struct req *r, bool begun)
{
	struct queue_wait *q = r->open->queued;
	uint64_t now_us = loop_now_us(r->w->loop);

	r->open->queued = NULL;
	if (q->waits) {
		r->w->queue.waiting--;
		r->w->queue.waits++;
		r->w->queue.wait_us += now_us - q->since_us;
		tell(r->w);
	}
	if (begun)
		admission_begun(q->queue, &q->ticket, &q->rate, now_us);
	else
		admission_leave(q->queue, &q->ticket);
	q->r = NULL;
	if (!atomic_load(&q->sent)) /* nobody sends it any more; if it is under way, it ends there */
		free(q);
}

void queue_begun(struct req *r)
{
	leave(r, true);
}

void queue_leave(struct req *r)
{
	if (r->open->queued)
		leave(r, false);
}

/* By the minute, all of them: else there is always somebody to ask. */
static bool has_minutes(const struct route_model *m)
{
	bool all = true;

	for (unsigned i = 0; i < m->n_deployments; i++) {
		const struct health_limits *l = m->deployments[i].limits;

		all &= l && (l->rpm >= 0 || l->tpm >= 0);
	}
	return all;
}

bool queue_comes_first(const struct req *r)
{
	const struct route_model *m = r->open->plan.model;

	return has_minutes(m) || (admission_anybody() && admission_waiting(admission_of(m->name)) > 0);
}

/* ---- the step ---- */

/* "openai/gpt-4o (rpm 500), azure/gpt-4o (max_parallel 5)" */
static void say_limits(const struct plan *p, uint64_t now_ms, struct buf *out)
{
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];
		const struct health_limits *l = c->deployment->limits;
		struct health_load load;

		if (c->excluded != EXCLUDED_LIMIT || !l || !c->health)
			continue;
		load = health_load(c->health, now_ms);
		buf_printf(out, "%s%.*s (", out->n ? ", " : "", STR_ARG(c->deployment->name));
		if (l->max_parallel >= 0 && load.in_flight >= (uint64_t)l->max_parallel)
			buf_printf(out, "max_parallel %lld)", (long long)l->max_parallel);
		else if (l->rpm >= 0 && load.requests_minute >= (uint64_t)l->rpm)
			buf_printf(out, "rpm %lld)", (long long)l->rpm);
		else
			buf_printf(out, "tpm %lld)", (long long)l->tpm);
	}
}

/* All are full: which limits of which deployments. Else the key has had its share of what all of them allow. */
static void say_why(const struct req *r, const char *why, struct err *e)
{
	const struct req_open *o = r->open;
	const struct admission_rate *rate = &o->queued->rate;
	struct str model = str_slice(o->rq.model, 0, 100);
	struct buf limits = buf_make(160);

	say_limits(&o->plan, loop_now_ms(r->w->loop), &limits);
	if (limits.n)
		err_set(e, ERR_RATE_LIMIT, "all deployments of the model \"%.*s\" are at their limits: %.*s, and %s",
		        STR_ARG(model), STR_ARG(buf_str(&limits)), why);
	else if (rate->rpm)
		err_set(e, ERR_RATE_LIMIT, "this key has had its share of the model \"%.*s\" (rpm %llu of all its "
		        "deployments), and %s", STR_ARG(model), (unsigned long long)rate->rpm, why);
	else
		err_set(e, ERR_RATE_LIMIT, "this key has had its share of the model \"%.*s\" (tpm %llu of all its "
		        "deployments), and %s", STR_ARG(model), (unsigned long long)rate->tpm, why);
	buf_fini(&limits);
}

static enum step refuse(struct req *r, const char *why)
{
	struct req_open *o = r->open;
	uint32_t room_ms = o->plan.room_ms, pace_ms = o->queued->rate.pace_us / 1000;

	say_why(r, why, &o->err);
	r->w->queue.refused++;
	tell(r->w);
	queue_leave(r);
	o->failure_is_answer = false;
	if (room_ms < pace_ms)
		room_ms = pace_ms;
	o->retry_after_ms = room_ms > 1000 ? room_ms : 1000;
	return STEP_REFUSE;
}

static enum step go(struct req *r)
{
	timer_cancel(r->w->loop, &r->limit);
	r->expired = false;
	r->attempt_state = ATTEMPT_NONE;
	return STEP_ATTEMPT;
}

/* Wakes it at the end of its wait at the latest. */
static enum step wait_on(struct req *r, uint32_t ms)
{
	struct queue_wait *q = r->open->queued;
	uint64_t now_ms = loop_now_ms(r->w->loop), left_ms = q->until_ms > now_ms ? q->until_ms - now_ms : 0;

	if (!q->waits) {
		q->waits = true;
		r->w->queue.waiting++;
		tell(r->w);
	}
	timer_start(r->w->loop, &r->limit, ms && ms < left_ms ? ms : left_ms);
	return STEP_WAIT;
}

static uint32_t next_look_ms(const struct plan *p)
{
	return p->room_ms < LOOK_MIN_MS ? LOOK_MIN_MS : p->room_ms > LOOK_MAX_MS ? LOOK_MAX_MS : p->room_ms;
}

static enum step nobody_is_left(struct req *r)
{
	struct req_open *o = r->open;

	queue_leave(r);
	return o->failure.err.code != ERR_NONE && r->n_attempts
	               ? req_refuse(r, o->failure.err.code, "%s", o->failure.err.text)
	               : req_refuse(r, ERR_NO_DEPLOYMENT, "the model \"%.*s\" has no deployment that can be used",
	                            STR_ARG(o->rq.model));
}

static enum step ask_for_room(struct req *r)
{
	struct req_open *o = r->open;
	struct queue_wait *q = o->queued;
	unsigned max = (unsigned)req_conf(r)->routes.routing->queue.max;
	uint64_t now_ms = loop_now_ms(r->w->loop);
	uint32_t wait_ms;

	switch (admission_ask(q->queue, &q->ticket, max, &q->rate, loop_now_us(r->w->loop), &wait_ms)) {
	case ADMISSION_GO:
		break;
	case ADMISSION_WAIT:
		return wait_on(r, wait_ms);
	case ADMISSION_FULL:
		return refuse(r, max ? "as many requests wait for room as may"
		                     : "requests do not wait for room (routing.queue)");
	}
	switch (plan_next(&o->plan, NULL, now_ms, &o->arena, &o->candidate, &o->wait_ms)) {
	case PLAN_TRY:
		return go(r);
	case PLAN_FULL:
		/* a new one joins now */
		return admission_no_room(q->queue, &q->ticket) ? wait_on(r, next_look_ms(&o->plan)) : ask_for_room(r);
	case PLAN_END:
		break;
	}
	return nobody_is_left(r);
}

enum step step_queue(struct req *r)
{
	struct req_open *o = r->open;
	uint64_t now_ms = loop_now_ms(r->w->loop);

	r->expired = false;
	if (!o->queued)
		o->queued = wait_new(r);
	if (now_ms >= o->queued->until_ms && o->queued->waits)
		return refuse(r, "the time to wait for room is over");
	o->queued->rate = admission_rate(&o->plan, o->queued->ticket.tokens, now_ms);
	return ask_for_room(r);
}
