/* SPDX-License-Identifier: Apache-2.0 */
/* hedge: a second candidate beside a slow one; one of the two becomes the request. */
#include "gateway/hedge.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gateway/gateway_in.h"
#include "observe/facts.h"
#include "route/hedge.h"

#define BODY_MAX (1u << 20)
#define ATTEMPTS_MAX (REQ_ATTEMPTS_MAX / 2)  /* before a race; behind it there must be room for both */

/* Shared by both while they run, then the survivor's. */
struct hedge {
	struct req *first, *second;      /* NULL: it is gone */
	struct req_open *kept;           /* the first one's, where the second has won */
	/* of the one that was cancelled and is charged */
	const struct deployment *billed; /* NULL: none is */
	char *model;                     /* as its provider calls it, if the price depends on it */
	int64_t cost_nusd;
	bool cost_known;
};

static struct req *other_of(const struct req *r)
{
	return r->hedge->first == r ? r->hedge->second : r->hedge->first;
}

/* ---- which requests ---- */

/* Does the request name what lies at one provider? */
static bool names_files(struct str body)
{
	static const struct str words[] = { STR_INIT("\"file_id\""), STR_INIT("\"fileUri\""), STR_INIT("\"file_uri\""),
		                            STR_INIT("\"cachedContent\""), STR_INIT("\"container\""),
		                            STR_INIT("\"conversation\"") };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_find(body, words[i]) != STR_NPOS)
			return true;
	return false;
}

/* Answers of the Responses API are stored unless the client says no. */
static bool leaves_state(const struct req_open *o)
{
	return o->rq.dialect->id == DIALECT_OPENAI_RESPONSES &&
	       (o->look.store || o->look.previous.n || o->look.references);
}

static bool may_be_hedged(const struct req *r)
{
	const struct req_open *o = r->open;
	bool embeds = o->rq.call == CALL_EMBED || o->rq.call == CALL_EMBED_BATCH;

	if (r->hedge || r->relaying || o->pass || o->body.file || o->rq.body.n > BODY_MAX ||
	    r->n_attempts > ATTEMPTS_MAX)
		return false;
	if (o->rq.call != CALL_GENERATE && !(embeds && !req_is_translated(r)))
		return false;
	if (leaves_state(o) || o->plan.n < 2 || o->plan.last_resort)
		return false;
	return !o->plan.ask.wishes || !o->plan.ask.wishes->no_fallbacks;
}

/* ---- the second ---- */

/* A plan of its own that goes on where the first one stands. False: no memory. */
static bool copy_plan(struct req *to, const struct req *from)
{
	const struct plan *p = &from->open->plan;
	unsigned n = p->n_all > p->n ? p->n_all : p->n;

	to->open->plan = *p;
	to->open->plan.many = NULL;      /* where a group is made anew: not in the first one's */
	to->open->plan.room = 0;
	to->open->plan.past = NULL;
	to->open->plan.n_past = 0;
	to->open->plan.group = arena_alloc(&to->open->arena, n * sizeof *p->group);
	if (!to->open->plan.group)
		return false;
	memcpy(to->open->plan.group, p->group, n * sizeof *p->group);
	to->open->told = from->open->told;
	to->open->told_target = from->open->told_target;
	if (p->ask.arg == from)
		to->open->plan.ask.arg = to;
	return true;
}

/* Takes the plan's next candidate, if it is another deployment of the same group and can be asked at once. Then the
 * first one's plan has made that try too. */
static bool take_candidate(struct req *second, struct req *first)
{
	struct req_open *o = second->open, *of = first->open;
	const struct candidate *c = &o->candidate, *group;
	uint64_t now = loop_now_ms(first->w->loop);

	if (!copy_plan(second, first))
		return false;
	group = o->plan.group;
	if (plan_next(&o->plan, NULL, now, &o->arena, &o->candidate, &o->wait_ms) != PLAN_TRY)
		return false;
	if (o->plan.group != group || o->wait_ms || o->plan.last_resort || c->tries > 1 || c->limited ||
	    c->health == of->candidate.health || c->place == PLACE_PROBE)
		return false;
	if (o->rq.call != CALL_GENERATE && c->dialect != o->rq.dialect)
		return false;
	memcpy(of->plan.group, o->plan.group, o->plan.n * sizeof *group);
	of->plan.tries = o->plan.tries;
	return true;
}

static void start_second(struct req *r)
{
	const struct routing_settings *routing = req_conf(r)->routes.routing;
	struct hedge_meter *m = r->open->candidate.deployment->hedge_meter;
	uint64_t now = loop_now_ms(r->w->loop);
	struct req *second;

	if (names_files(r->open->rq.body) || !hedge_take(m, routing->hedge_max, now))
		return;
	second = req_new_twin(r);
	if (!take_candidate(second, r)) {
		hedge_give_back(m, now);
		req_free(second);
		return;
	}
	r->hedge = second->hedge = mem_zalloc(sizeof *r->hedge);
	r->hedge->first = r;
	r->hedge->second = second;
	req_wake(second);
}

static void on_hedge_due(struct timer *t)
{
	struct req_open *o = CONTAINER_OF(t, struct req_open, hedge_timer.due);
	struct req *r = o->hedge_timer.of;

	if (r->gone || r->hedge || r->step != STEP_ATTEMPT || r->attempt_state != ATTEMPT_WAITING)
		return;
	if (r->n_attempts != o->hedge_timer.attempt || (r->call.got_head && !r->want_stream))
		return; /* another attempt; or the answer is on its way */
	start_second(r);
}

void hedge_arm(struct req *r)
{
	struct req_open *o = r->open;
	const struct deployment *d = o->candidate.deployment;
	uint64_t now = loop_now_ms(r->w->loop), wait;

	if (r->hedge && r->hedge->second == r && other_of(r))
		r->attempt.hedge = HEDGE_RUNS;
	if (!may_be_hedged(r))
		return;
	if (r->n_attempts == 1)
		hedge_count(d->hedge_meter, now);
	wait = hedge_wait_ms(&d->hedge, r->use.health, r->want_stream, now);
	if (wait == 0)
		return;
	o->hedge_timer.of = r;
	o->hedge_timer.attempt = r->n_attempts;
	o->hedge_timer.due.on_due = on_hedge_due;
	timer_start(r->w->loop, &o->hedge_timer.due, wait);
}

/* ---- one of them goes ---- */

/* Is what was cancelled charged by its provider? */
static bool is_billed(const struct req *r)
{
	return r->attempt_state != ATTEMPT_NONE && r->attempt_state != ATTEMPT_CREDENTIAL && attempt_is_billed(r);
}

/* It has not failed: it was cancelled, before or after its answer began. */
static void note_cancelled(struct req *r)
{
	struct hedge *h = r->hedge;

	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	r->attempt.hedge = h->second == r ? HEDGE_LOST : HEDGE_OVERTAKEN;
	if (h->first == r)
		health_slow(&r->use, r->attempt.took_us, r->want_stream, loop_now_ms(r->w->loop));
	if (!is_billed(r))
		return;
	h->billed = r->attempt.deployment;
	if (h->billed->by_name)
		h->model = mem_dup(r->open->candidate.model.p, r->open->candidate.model.n);
}

/* Before the survivor's attempt under way stand its earlier ones, then all of the other's. */
static void take_attempts(struct req *to, const struct req *from)
{
	unsigned before = to->n_attempts ? to->n_attempts - 1 : 0, n = before;

	if (from->n_attempts == 0)
		return;
	to->attempts = mem_realloc(to->attempts, (before + from->n_attempts + 1u) * sizeof *to->attempts);
	for (unsigned i = 0; i + 1 < from->n_attempts; i++)
		to->attempts[n++] = from->attempts[i];
	to->attempts[n++] = from->attempt;
	/* one that has not yet called anybody begins with the other's last */
	if (to->n_attempts == 0)
		to->attempt = to->attempts[--n];
	to->n_attempts = (uint16_t)(n + 1);
}

/* What the client is told if nobody can answer speaks of both. */
static void take_failures(struct req_open *to, const struct req_open *from)
{
	if (!from->failures)
		return;
	if (!to->failures || to->soonest_ms < 0 || (from->soonest_ms >= 0 && from->soonest_ms < to->soonest_ms))
		to->soonest_ms = from->soonest_ms;
	to->failures |= from->failures;
}

/* The client, and what the second has borrowed. */
static void take_client(struct req *to, struct req *from)
{
	struct req_open *o = from->open;
	struct buf body = to->open->body;

	to->x = from->x;
	to->gone = from->gone;
	if (to->x)
		to->x->user = to;
	from->x = NULL;
	to->open->body = o->body;
	o->body = body;
	op_cancel(&o->op);
	media_cancel(o);
	timer_cancel(from->w->loop, &o->hedge_timer.due);
	to->hedge->kept = o;
	from->open = NULL;
}

/* `from` ends, and `to` is the request. */
static void take_over(struct req *to, struct req *from)
{
	struct hedge *h = to->hedge;

	attempt_cancel(from);
	take_attempts(to, from);
	take_failures(to->open, from->open);
	to->may_be_billed |= from->may_be_billed;
	to->cost_nusd += from->cost_nusd; /* of who refused it */
	to->overhead_us += from->overhead_us;
	if (h->first == from) {
		take_client(to, from);
		h->first = NULL;
	} else {
		h->second = NULL;
	}
	from->hedge = NULL;
	req_free(from);
}

void hedge_win(struct req *r)
{
	struct req *other = other_of(r);

	if (r->attempt.hedge == HEDGE_RUNS)
		r->attempt.hedge = HEDGE_WON;
	if (!other)
		return;
	if (other->attempt_state == ATTEMPT_FAILED)      /* in the same turn */
		other->attempt.hedge = other == r->hedge->second ? HEDGE_FAILED : HEDGE_NONE;
	else if (other->n_attempts)
		note_cancelled(other);
	take_over(r, other);
}

bool hedge_lose(struct req *r, enum failure_class class)
{
	struct req *other = other_of(r);
	bool second = r->hedge->second == r;

	if (r->attempt.hedge == HEDGE_RUNS || (second && other))
		r->attempt.hedge = HEDGE_FAILED;
	if (!other)
		return false;
	if (!second && class == FAILURE_CLIENT) {
		/* without a race it would be told at once; the second's provider may only be pickier */
		hedge_cancel(r);
		return false;
	}
	if (class == FAILURE_CREDENTIAL || class == FAILURE_NO_MODEL)
		plan_skip_deployment(&other->open->plan, r->open->candidate.deployment, EXCLUDED_FAILED);
	take_over(other, r);
	return true;
}

bool hedge_give_up(struct req *r)
{
	struct req *other = other_of(r);

	if (!other || r->hedge->second != r)
		return false;
	hedge_give_back(r->open->candidate.deployment->hedge_meter, loop_now_ms(r->w->loop));
	take_over(other, r);
	return true;
}

void hedge_cancel(struct req *r)
{
	struct req *other = other_of(r);

	if (!other)
		return;
	if (other->attempt_state != ATTEMPT_FAILED && other->n_attempts)
		note_cancelled(other);
	take_over(r, other);
}

/* ---- what it costs ---- */

void hedge_charge(struct req *r)
{
	struct hedge *h = r->hedge;
	struct usage *u = &r->meter.usage;
	int64_t at_ms = (int64_t)ulid_time_ms(r->id), nusd = 0;

	if (!h->billed)
		return;
	if (!r->consumed || !r->cost_known) {
		r->cost_known = false;
		return;
	}
	h->cost_known = h->billed->by_name
	                        ? deployment_cost_by_name(h->billed, str_from_z(h->model), u, at_ms, &nusd)
	                        : price_cost(&h->billed->price, u, at_ms, &nusd);
	r->cost_known = h->cost_known;
	if (!h->cost_known)
		return;
	h->cost_nusd = nusd;
	r->cost_nusd = nusd < INT64_MAX - r->cost_nusd ? r->cost_nusd + nusd : INT64_MAX;
	if (nusd && u->source == USAGE_REPORTED)
		u->source = USAGE_COUNTED; /* nobody has told what the other's was */
}

void hedge_fill(const struct req *r, const struct req_attempt *a, struct fact_attempt *out)
{
	static const uint8_t shown[] = {
		[HEDGE_NONE] = FACT_HEDGE_NONE, [HEDGE_RUNS] = FACT_HEDGE_NONE, [HEDGE_WON] = FACT_HEDGE_WON,
		[HEDGE_LOST] = FACT_HEDGE_LOST, [HEDGE_FAILED] = FACT_HEDGE_FAILED,
		[HEDGE_OVERTAKEN] = FACT_HEDGE_OVERTAKEN,
	};
	const struct hedge *h = r->hedge;

	out->hedge = (enum fact_hedge)shown[a->hedge];
	if (a->hedge != HEDGE_LOST && a->hedge != HEDGE_OVERTAKEN)
		return;
	out->billed = h->billed != NULL;
	out->cost_known = h->cost_known;
	out->cost_nusd = h->cost_nusd;
}

/* ---- its end ---- */

void hedge_shed(struct req *r)
{
	struct hedge *h = r->hedge;

	if (h->kept)
		req_give_back_open(r->w, h->kept);
	h->kept = NULL;
}

void hedge_free(struct req *r)
{
	assert(!other_of(r));
	hedge_shed(r);
	free(r->hedge->model);
	free(r->hedge);
	r->hedge = NULL;
}
