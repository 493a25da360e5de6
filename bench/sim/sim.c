/* SPDX-License-Identifier: Apache-2.0 */
/* sim: requests in virtual time, as gateway/pipeline.c, vitals.c, hedge.c and queue.c lead them. */
#include "sim/sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "conf/env.h"
#include "dialect/error.h"
#include "main/settings.h"
#include "route/admission.h"
#include "route/affinity.h"
#include "route/failure.h"
#include "route/hedge.h"
#include "route/plan.h"
#include "sim/world.h"

enum { LEGS = 2, QUEUE_LOOK_MIN_MS = 10, QUEUE_LOOK_MAX_MS = 250, ARENA_MAX = 1 << 20, CALLS_MAX = 64 };

/* One of two that race; mostly there is one. */
struct leg {
	struct plan plan;
	struct candidate candidate;
	struct health_use use;
	struct server *server;
	struct reply reply;
	uint64_t began_us;
	uint32_t gen;  /* of what is planned for it */
	bool on, asks; /* is there; waits for an answer */
};

struct request {
	struct run *run;
	uint64_t id, arrived_us, number; /* `number`: what its chances go by */
	struct arena arena;
	struct leg leg[LEGS];
	unsigned key, turn, n_calls;
	const struct deployment *tried[CALLS_MAX];
	struct health *before; /* who answered the turn before */
	unsigned cached_tokens, prompt_tokens;
	struct admission_ticket ticket;
	bool queued, done;
	uint64_t queue_until_ms;
	uint32_t queue_gen;
	struct admission *line;
	struct admission_rate rate;
};

struct run {
	const struct sim_scenario *is;
	struct sim_result *result;
	uint64_t seed, now_us;
	struct config *config;
	struct route_table table;
	struct affinity *affinity;
	struct server servers[SIM_SERVERS_MAX];
	unsigned n_servers;
	struct server *watched;
	struct health *watched_health;
	struct agenda agenda;
	uint64_t n_requests, cap_firsts;
	struct request **requests;
	unsigned n_out; /* deployments that are out */
	bool all_were_out;
};

/* Runs follow each other in the program's time, which never goes back. They begin at multiples of so much that windows
 * and ticks fall alike in each. */
#define RUN_MS ((uint64_t)60000 << 10)
static uint64_t base_ms = RUN_MS;
static struct run *running; /* for events of health */

static uint64_t now_ms(const struct run *r)
{
	return base_ms + r->now_us / 1000;
}
static double now_s(const struct run *r)
{
	return (double)r->now_us / 1e6;
}

static void plan_event(struct run *r, uint64_t after_us, void (*happen)(void *, unsigned, uint32_t), void *what,
                       unsigned part, uint32_t gen)
{
	agenda_add(&r->agenda,
	           &(struct event){
			   .at_us = r->now_us + after_us, .happen = happen, .what = what, .part = part, .gen = gen });
}

/* ---- what is written down ---- */

static void note_first_byte(struct request *q)
{
	struct run *r = q->run;
	struct sim_result *to = r->result;

	if (to->served == r->cap_firsts) {
		r->cap_firsts = r->cap_firsts ? 2 * r->cap_firsts : 4096;
		to->first_ms_us = mem_realloc(to->first_ms_us, r->cap_firsts * sizeof *to->first_ms_us);
	}
	to->first_ms_us[to->served++] = (uint32_t)(r->now_us - q->arrived_us);
	to->served_by[q->key]++;
}

static bool is_watched_dead_and_out(const struct run *r)
{
	return r->watched && r->result->opened_s >= 0 && server_is_dead(r->watched, now_s(r));
}

static void note_call(struct run *r, const struct server *s)
{
	r->result->calls++;
	if (is_watched_dead_and_out(r) && s == r->watched)
		r->result->dead_calls++;
	if (!server_is_dead(s, now_s(r)))
		return;
	if (r->all_were_out)
		r->result->calls_after_out++;
	else
		r->result->calls_before_out++;
}

static void on_health(void *arg, const struct health_event *e)
{
	struct run *r = running;
	struct sim_result *to = r->result;
	bool watched = r->watched_health && str_eq(e->deployment, health_name(r->watched_health));

	(void)arg;
	switch (e->change) {
	case HEALTH_COOLED:
	case HEALTH_OPENED:
		if (e->change == HEALTH_OPENED && ++r->n_out >= r->n_servers)
			r->all_were_out = true;
		if (watched && to->opened_s < 0 && e->change == HEALTH_OPENED && server_is_dead(r->watched, now_s(r)))
			to->opened_s = now_s(r);
		break;
	case HEALTH_CLOSED:
		if (r->n_out)
			r->n_out--;
		if (watched && to->opened_s >= 0 && to->back_s < 0 && !server_is_dead(r->watched, now_s(r)))
			to->back_s = now_s(r) - r->watched->is->windows[0].to_s;
		break;
	case HEALTH_HALF_OPENED: break;
	}
}

/* ---- the request's end ---- */

static void next_turn(struct request *q);

static void finish(struct request *q, bool served)
{
	struct run *r = q->run;

	assert(!q->done);
	q->done = true;
	if (q->queued)
		admission_leave(q->line, &q->ticket);
	if (!served)
		r->result->errors++;
	if (r->is->turns)
		next_turn(q);
	arena_fini(&q->arena);
}

/* ---- an answer ---- */

static void look(struct plan_ask *ask, unsigned what)
{
	static const struct plan_who nobody;
	const struct request *q = ask->arg;

	ask->looked |= (uint8_t)what;
	ask->prompt_tokens = q->prompt_tokens;
	ask->who = &nobody;
	/* a conversation that begins has no place yet (gateway/affinity.c) */
	ask->conversation = q->run->is->turns && q->turn ? q->id + 1 : 0;
}

static void leg_next(struct request *q, unsigned n, const struct plan_failed *failed);

static int64_t cost_of(const struct request *q, const struct leg *l, bool whole)
{
	struct usage u = { .source = USAGE_REPORTED };
	unsigned cached = l->candidate.health == q->before ? q->cached_tokens : 0;
	int64_t nusd = 0;

	u.n[USAGE_INPUT] = q->prompt_tokens - cached;
	u.n[USAGE_CACHE_READ] = cached;
	u.n[USAGE_OUTPUT] = whole ? q->run->is->output_tokens : 0;
	return price_cost(&l->candidate.deployment->price, &u, l->plan.ask.at_ms, &nusd) ? nusd : 0;
}

static void call_over(struct run *r, struct leg *l, const struct health_outcome *o)
{
	l->server->in_flight--;
	l->asks = false;
	health_done(&l->use, o, r->table.routing, now_ms(r));
	if (l->candidate.deployment->limits)
		admission_room();
}

static void on_end(void *what, unsigned n, uint32_t gen)
{
	struct request *q = what;
	struct leg *l = &q->leg[n];
	struct run *r = q->run;
	struct health_outcome o = { .tokens = q->prompt_tokens + r->is->output_tokens,
		                    .output_tokens = r->is->output_tokens,
		                    .took_us = (uint32_t)(r->now_us - l->began_us) };

	assert(gen == l->gen);
	r->result->cost_nusd += cost_of(q, l, true);
	call_over(r, l, &o);
	finish(q, true);
}

static void leg_off(struct request *q, unsigned n)
{
	q->leg[n].on = false;
	q->leg[n].gen++;
}

/* The other one is of no use any more: it is cancelled, and its provider bills what it has read. */
static void cancel_other(struct request *q, unsigned n)
{
	struct leg *other = &q->leg[1 - n];
	struct run *r = q->run;

	if (!other->on)
		return;
	if (other->asks) {
		r->result->cost_nusd += cost_of(q, other, false);
		if (n == 1) /* the first was slow, and the second is faster */
			health_slow(&other->use, (uint32_t)(r->now_us - other->began_us), true, now_ms(r));
		call_over(r, other, &(struct health_outcome){ .cancelled = true });
	}
	leg_off(q, 1 - n);
}

static void on_good(struct request *q, unsigned n)
{
	struct leg *l = &q->leg[n];
	struct run *r = q->run;

	health_good(&l->use, (uint32_t)(r->now_us - l->began_us), true, r->table.routing, now_ms(r));
	cancel_other(q, n);
	note_first_byte(q);
	if (r->is->turns) {
		affinity_put(r->affinity, q->id + 1, l->candidate.health, now_ms(r));
		if (q->turn) {
			r->result->turns++;
			r->result->turns_kept += q->before == l->candidate.health;
		}
		q->cached_tokens = l->candidate.health == q->before ? q->cached_tokens : 0;
		q->before = l->candidate.health;
	}
	plan_event(r, l->reply.answer_us, on_end, q, n, l->gen);
}

/* ---- a failure, in the words in which the gateway would meet it ---- */

static void describe(const struct reply *reply, struct dialect_error *e, struct failure_seen *seen)
{
	static const struct {
		enum err_code code;
		int status;
		bool connected;
		const char *body;
	} as[] = {
		[REPLY_REFUSED] = { ERR_UPSTREAM, 0, false, NULL },
		[REPLY_NO_CONNECTION] = { ERR_UPSTREAM_TIMEOUT, 0, false, NULL },
		[REPLY_SILENCE] = { ERR_UPSTREAM_TIMEOUT, 0, true, NULL },
		[REPLY_500] = { ERR_NONE, 500, true,
		                "{\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}" },
		[REPLY_429] = { ERR_NONE, 429, true,
		                "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\","
		                "\"code\":\"rate_limit_exceeded\"}}" },
		[REPLY_CUT] = { ERR_UPSTREAM, 200, true, NULL },
		[REPLY_ERROR_EVENT] = { ERR_NONE, 200, true,
		                        "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}" },
	};

	*e = (struct dialect_error){ .retry_after_ms = -1 };
	if (as[reply->kind].body)
		dialect_read_error(as[reply->kind].status, str_from_z(as[reply->kind].body), NULL, 0, e);
	else
		err_set(&e->err, as[reply->kind].code, "simulated");
	*seen = (struct failure_seen){ e, as[reply->kind].status, as[reply->kind].connected };
}

static void on_failure(struct request *q, unsigned n)
{
	struct leg *l = &q->leg[n];
	struct run *r = q->run;
	const struct retry_settings *retries = &r->table.routing->retries;
	struct dialect_error e;
	struct failure_seen seen;
	struct plan_failed f;

	describe(&l->reply, &e, &seen);
	f = (struct plan_failed){ .class = failure_classify(&seen),
		                  .status = seen.status,
		                  .retry_after_ms = e.retry_after_ms,
		                  .deployment = l->candidate.deployment };
	if (e.err.code == ERR_UPSTREAM_TIMEOUT)
		f.status = 504;
	if (l->reply.retry_after_s)
		f.retry_after_ms = (int64_t)l->reply.retry_after_s * 1000;
	f.retryable = failure_retryable(&seen, f.class, retries);
	r->result->limited += l->reply.kind == REPLY_429;
	health_bad(&l->use, f.class, f.retry_after_ms, r->table.routing, now_ms(r));
	call_over(r, l, &(struct health_outcome){ 0 });
	if (q->leg[1 - n].on) /* it goes on alone */
		leg_off(q, n);
	else
		leg_next(q, n, &f);
}

static void on_reply(void *what, unsigned n, uint32_t gen)
{
	struct request *q = what;
	struct leg *l = &q->leg[n];

	if (q->done || !l->on || gen != l->gen)
		return;
	l->gen++;
	if (l->reply.kind == REPLY_GOOD)
		on_good(q, n);
	else
		on_failure(q, n);
}

/* ---- the second of a race (gateway/hedge.c) ---- */

static bool second_candidate(struct request *q)
{
	struct leg *first = &q->leg[0], *l = &q->leg[1];
	unsigned n = first->plan.n_all > first->plan.n ? first->plan.n_all : first->plan.n;
	uint32_t wait_ms;

	l->plan = first->plan;
	l->plan.group = arena_must(&q->arena, n * sizeof *l->plan.group);
	memcpy(l->plan.group, first->plan.group, n * sizeof *l->plan.group);
	if (plan_next(&l->plan, NULL, now_ms(q->run), &q->arena, &l->candidate, &wait_ms) != PLAN_TRY || wait_ms)
		return false;
	if (l->plan.model != first->plan.model || l->candidate.deployment == first->candidate.deployment ||
	    l->candidate.place == PLACE_PROBE || l->candidate.excluded != EXCLUDED_NOT)
		return false;
	first->plan.tries = l->plan.tries;
	return true;
}

static void leg_try(void *what, unsigned n, uint32_t gen);

static void on_hedge_due(void *what, unsigned n, uint32_t gen)
{
	struct request *q = what;
	struct leg *l = &q->leg[n];
	struct run *r = q->run;
	struct hedge_meter *m;

	if (q->done || !l->on || gen != l->gen || q->leg[1].on)
		return;
	m = l->candidate.deployment->hedge_meter;
	if (!hedge_take(m, r->table.routing->hedge_max, now_ms(r)))
		return;
	if (!second_candidate(q)) {
		hedge_give_back(m, now_ms(r));
		return;
	}
	r->result->hedges++;
	q->leg[1].on = true;
	q->leg[1].gen++;
	leg_try(q, 1, q->leg[1].gen);
}

static void arm_hedge(struct request *q, unsigned n)
{
	const struct leg *l = &q->leg[n];
	const struct deployment *d = l->candidate.deployment;
	struct run *r = q->run;
	uint64_t wait;

	if (!d->hedge_meter || n || q->leg[1].on || l->plan.n < 2 || l->plan.last_resort)
		return;
	if (q->n_calls == 1)
		hedge_count(d->hedge_meter, now_ms(r));
	wait = hedge_wait_ms(&d->hedge, l->use.health, true, now_ms(r));
	if (wait)
		plan_event(r, wait * 1000, on_hedge_due, q, n, l->gen);
}

/* ---- an attempt ---- */

static struct server *server_of(struct run *r, const struct deployment *d)
{
	for (unsigned i = 0; i < r->n_servers; i++)
		if (str_eq(d->name, str_from_z(r->servers[i].is->deployment)))
			return &r->servers[i];
	assert(!"a deployment without a server");
	return NULL;
}

/* What took it out may have been this request's own call: it may go on by its retries (gateway/vitals.c). */
static bool was_tried(const struct request *q, const struct deployment *d)
{
	for (unsigned i = 0; i < q->n_calls; i++)
		if (q->tried[i] == d)
			return true;
	return false;
}

static enum plan_exclusion exclusion_of(const struct health *h, uint64_t now)
{
	switch (health_verdict(h, now)) {
	case HEALTH_IN: case HEALTH_PROBE: break;
	case HEALTH_COOLING: return EXCLUDED_COOLING;
	case HEALTH_BROKEN: return EXCLUDED_BROKEN;
	}
	return EXCLUDED_LIMIT;
}

static void leg_try(void *what, unsigned n, uint32_t gen)
{
	struct request *q = what;
	struct leg *l = &q->leg[n];
	struct run *r = q->run;
	const struct deployment *d = l->candidate.deployment;
	const struct timeout_settings *t = &d->timeouts;

	if (q->done || !l->on || gen != l->gen)
		return;
	if (!health_begin(l->candidate.health, d->limits, d->limits ? plan_tokens(&l->plan.ask) : 0,
	                  l->plan.last_resort || was_tried(q, d), r->table.routing, now_ms(r), &l->use)) {
		if (n && q->leg[0].on) {
			hedge_give_back(d->hedge_meter, now_ms(r));
			r->result->hedges--;
			leg_off(q, n);
			return;
		}
		plan_skip_deployment(&l->plan, d, exclusion_of(l->candidate.health, now_ms(r)));
		leg_next(q, n, NULL);
		return;
	}
	if (q->queued) {
		q->queued = false;
		q->queue_gen++;
		admission_begun(q->line, &q->ticket, &q->rate, r->now_us);
	}
	assert(q->n_calls < CALLS_MAX);
	l->server = server_of(r, d);
	l->server->in_flight++;
	l->began_us = r->now_us;
	l->asks = true;
	l->gen++;
	note_call(r, l->server);
	l->reply = server_ask(l->server, r->seed, q->number * CALLS_MAX + q->n_calls, r->now_us, r->is->output_tokens);
	q->tried[q->n_calls++] = d;
	if (l->reply.kind == REPLY_NO_CONNECTION)
		l->reply.after_us = (uint64_t)t->connect_ms * 1000;
	if (l->reply.kind == REPLY_SILENCE || l->reply.after_us > (uint64_t)t->first_byte_ms * 1000) {
		l->reply.kind = REPLY_SILENCE;
		l->reply.after_us = (uint64_t)t->first_byte_ms * 1000;
	}
	plan_event(r, l->reply.after_us, on_reply, q, n, l->gen);
	arm_hedge(q, n);
}

/* ---- waiting for room (gateway/queue.c) ---- */

static void queue_step(void *what, unsigned n, uint32_t gen);

static void on_queue_wake(struct admission_ticket *t)
{
	struct request *q = CONTAINER_OF(t, struct request, ticket);

	plan_event(q->run, 0, queue_step, q, 0, q->queue_gen);
}

static void queue_wait(struct request *q, uint32_t ms)
{
	uint64_t left_ms = q->queue_until_ms - now_ms(q->run);

	if (ms == 0 || ms > left_ms)
		ms = (uint32_t)left_ms;
	plan_event(q->run, (uint64_t)ms * 1000, queue_step, q, 0, q->queue_gen);
}

static void queue_refuse(struct request *q)
{
	q->run->result->queue_refused++;
	finish(q, false);
}

static void queue_look(struct request *q)
{
	struct leg *l = &q->leg[0];
	struct run *r = q->run;
	uint32_t wait_ms, room;

	switch (admission_ask(q->line, &q->ticket, (unsigned)r->table.routing->queue.max, &q->rate, r->now_us,
	                      &wait_ms)) {
	case ADMISSION_GO: break;
	case ADMISSION_WAIT: queue_wait(q, wait_ms); return;
	case ADMISSION_FULL: queue_refuse(q); return;
	}
	switch (plan_next(&l->plan, NULL, now_ms(r), &q->arena, &l->candidate, &wait_ms)) {
	case PLAN_TRY:
		l->gen++;
		leg_try(q, 0, l->gen);
		return;
	case PLAN_FULL:
		room = l->plan.room_ms;
		if (!admission_no_room(q->line, &q->ticket)) {
			queue_look(q);
			return;
		}
		queue_wait(q, room < QUEUE_LOOK_MIN_MS   ? QUEUE_LOOK_MIN_MS
		              : room > QUEUE_LOOK_MAX_MS ? QUEUE_LOOK_MAX_MS
		                                         : room);
		return;
	case PLAN_END: break;
	}
	finish(q, false);
}

static void queue_step(void *what, unsigned n, uint32_t gen)
{
	struct request *q = what;
	struct run *r = q->run;

	(void)n;
	if (q->done || !q->queued || gen != q->queue_gen || q->leg[0].asks)
		return;
	q->queue_gen++;
	if (now_ms(r) >= q->queue_until_ms) {
		queue_refuse(q);
		return;
	}
	q->rate = admission_rate(&q->leg[0].plan, q->ticket.tokens, now_ms(r));
	queue_look(q);
}

static void queue_begin(struct request *q)
{
	struct run *r = q->run;

	if (!q->queued) {
		q->line = admission_of(q->leg[0].plan.model->name);
		q->ticket = (struct admission_ticket){ .key = q->key + 1,
			                               .set = admission_set(&q->leg[0].plan),
			                               .weight = 1,
			                               .tokens = plan_tokens(&q->leg[0].plan.ask) + 1,
			                               .class = 1,
			                               .wake = on_queue_wake };
		q->queue_until_ms = now_ms(r) + (uint64_t)r->table.routing->queue.wait_ms;
		q->queued = true;
	}
	queue_step(q, 0, q->queue_gen);
}

/* ---- the plan ---- */

static void leg_next(struct request *q, unsigned n, const struct plan_failed *failed)
{
	struct leg *l = &q->leg[n];
	struct run *r = q->run;
	uint32_t wait_ms;

	l->gen++;
	switch (plan_next(&l->plan, failed, now_ms(r), &q->arena, &l->candidate, &wait_ms)) {
	case PLAN_TRY:
		if (wait_ms)
			plan_event(r, (uint64_t)wait_ms * 1000, leg_try, q, n, l->gen);
		else
			leg_try(q, n, l->gen);
		return;
	case PLAN_FULL: queue_begin(q); return;
	case PLAN_END: finish(q, false); return;
	}
}

static void begin(struct request *q)
{
	struct run *r = q->run;
	struct leg *l = &q->leg[0];
	struct plan_ask ask = {
		.model = STR("m"),
		.dialect = DIALECT_OPENAI_CHAT,
		.call = CALL_GENERATE,
		.stream = true,
		.now_ms = now_ms(r),
		.at_ms = 1800000000000,
		.affinity = r->table.routing->affinity.enabled ? r->affinity : NULL,
		.hash = chance(1, 1, r->is->turns ? q->id : q->number) | 1,
		.body_bytes = q->prompt_tokens * 4,
		.max_output = r->is->output_tokens,
		.look = look,
		.arg = q,
	};
	struct err e;

	arena_init(&q->arena, ARENA_MAX);
	q->arrived_us = r->now_us;
	r->result->requests++;
	r->result->asked_by[q->key]++;
	if (!r->all_were_out && server_is_dead(&r->servers[0], now_s(r)))
		r->result->requests_before_out++;
	if (is_watched_dead_and_out(r))
		r->result->dead_requests++;
	l->on = true;
	if (!plan_make(&l->plan, &r->table, &ask, &q->arena, &e)) {
		finish(q, false);
		return;
	}
	if (l->plan.model->limited) { /* by the minute, all of them: gateway/queue.c */
		queue_begin(q);
		return;
	}
	leg_next(q, 0, NULL);
}

/* ---- arrivals ---- */

static void on_turn(void *what, unsigned part, uint32_t gen)
{
	(void)part;
	(void)gen;
	begin(what);
}

static struct request *request_new(struct run *r, uint64_t id, unsigned turn)
{
	struct request *q = mem_zalloc(sizeof *q);

	if ((r->n_requests & (r->n_requests - 1)) == 0)
		r->requests = mem_realloc(r->requests, (r->n_requests ? 2 * r->n_requests : 1) * sizeof *r->requests);
	r->requests[r->n_requests++] = q;
	q->run = r;
	q->id = id;
	q->turn = turn;
	q->number = id * 64 + turn;
	q->prompt_tokens = r->is->prompt_tokens + turn * (r->is->output_tokens + 50);
	return q;
}

static void next_turn(struct request *q)
{
	struct run *r = q->run;
	struct request *next;

	if (q->turn + 1 >= r->is->turns)
		return;
	next = request_new(r, q->id, q->turn + 1);
	next->key = q->key;
	next->before = q->before;
	next->cached_tokens = q->prompt_tokens;
	plan_event(r, (uint64_t)(r->is->think_s * chance_exponential(r->seed, 3, next->number) * 1e6), on_turn, next, 0,
	           0);
}

/* Key 0 asks `flood` times as much as each of the others. */
static unsigned key_of(const struct run *r, uint64_t id)
{
	double flood = r->is->flood > 0 ? r->is->flood : 1, at;

	if (r->is->keys < 2)
		return 0;
	at = chance_unit(r->seed, 2, id) * (flood + r->is->keys - 1);
	return at < flood ? 0 : 1 + (unsigned)(at - flood) % (r->is->keys - 1);
}

static void on_arrival(void *what, unsigned part, uint32_t id)
{
	struct run *r = what;
	struct request *q;

	(void)part;
	if (now_s(r) >= r->is->seconds)
		return;
	q = request_new(r, id, 0);
	q->key = key_of(r, id);
	plan_event(r, (uint64_t)(chance_exponential(r->seed, 1, id) / r->is->per_second * 1e6), on_arrival, r, 0,
	           id + 1);
	begin(q);
}

/* ---- a run ---- */

static const char providers[] =
	"auth: none\n"
	"providers:\n"
	"  a: {dialect: openai-chat, base_url: 'http://127.0.0.1:1', timeouts: {connect: 1s, first_byte: 3s}}\n"
	"  b: {dialect: openai-chat, base_url: 'http://127.0.0.1:2', timeouts: {connect: 1s, first_byte: 3s}}\n"
	"  c: {dialect: openai-chat, base_url: 'http://127.0.0.1:3', timeouts: {connect: 1s, first_byte: 3s}}\n"
	"  d: {dialect: openai-chat, base_url: 'http://127.0.0.1:4', timeouts: {connect: 1s, first_byte: 3s}}\n";

static void configure(struct run *r, const char *strategy)
{
	struct buf text = buf_make(1 << 20);
	struct str rest = str_from_z(r->is->config);
	struct conf_problems problems = { 0 };
	struct route_table_source source;
	struct err e = { 0 };
	bool good;

	buf_append(&text, str_from_z(providers));
	for (size_t at; (at = str_find(rest, STR("STRATEGY"))) != STR_NPOS; rest = str_slice(rest, at + 8, rest.n)) {
		buf_append(&text, str_slice(rest, 0, at));
		buf_append(&text, str_from_z(strategy));
	}
	buf_append(&text, rest);
	r->config = config_read(r->is->name, buf_str(&text), &conf_env_process, &problems);
	buf_fini(&text);
	if (!r->config)
		fprintf(stderr, "%s\n", problems.items[0].text);
	assert(r->config);
	source = (struct route_table_source){ .providers = r->config->providers,
		                              .models = r->config->models,
		                              .routing = &r->config->routing };
	good = route_table_init(&r->table, &source, &r->config->arena, &e);
	if (!good)
		fprintf(stderr, "%s\n", e.text);
	assert(good);
}

static void open_servers(struct run *r)
{
	for (unsigned i = 0; i < SIM_SERVERS_MAX && r->is->servers[i].deployment; i++) {
		struct server *s = &r->servers[r->n_servers++];
		struct str name = str_from_z(r->is->servers[i].deployment);
		size_t slash = str_find_chr(name, '/');

		*s = (struct server){ .is = &r->is->servers[i], .index = i };
		if (!r->is->watch || strcmp(r->is->watch, s->is->deployment) != 0)
			continue;
		r->watched = s;
		r->watched_health = health_of(str_slice(name, 0, slash), str_slice(name, slash + 1, name.n));
	}
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void close_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n_requests; i++) {
		assert(r->requests[i]->done);
		free(r->requests[i]);
	}
	free(r->requests);
	free(r->agenda.heap);
	affinity_free(r->affinity);
	config_free(r->config);
	base_ms += (r->now_us / 1000 / RUN_MS + 1) * RUN_MS;
}

void sim_run(const struct sim_scenario *is, const char *strategy, uint64_t seed, struct sim_result *result)
{
	struct run run = { .is = is, .result = result, .seed = seed };
	struct event e;

	*result = (struct sim_result){ .opened_s = -1, .back_s = -1 };
	health_forget_all();
	admission_forget_all();
	rand_seed(seed);
	running = &run;
	health_on_event(on_health, NULL);
	configure(&run, strategy);
	run.affinity = affinity_new(1 << 16);
	open_servers(&run);
	plan_event(&run, 0, on_arrival, &run, 0, 0);
	while (agenda_take(&run.agenda, &e)) {
		assert(e.at_us >= run.now_us);
		run.now_us = e.at_us;
		e.happen(e.what, e.part, e.gen);
	}
	health_on_event(NULL, NULL);
	if (result->served)
		qsort(result->first_ms_us, result->served, sizeof *result->first_ms_us, by_time);
	close_run(&run);
}

void sim_free(struct sim_result *r)
{
	free(r->first_ms_us);
	*r = (struct sim_result){ 0 };
}

double sim_percentile(const struct sim_result *r, double share)
{
	uint64_t at = (uint64_t)(share * (double)r->served);

	if (r->served == 0)
		return 0;
	return r->first_ms_us[at < r->served ? at : r->served - 1] / 1e3;
}
