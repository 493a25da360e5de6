/* SPDX-License-Identifier: Apache-2.0 */
/* admission: flows in a heap for each class, and whose turn it is. */
#include "route/admission.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "route/plan.h"
#include "route/shares.h"

enum {
	VIRTUAL_SHIFT = 10,              /* virtual time has this many bits behind the point */
	OWED_PARTS = 9,                  /* a lower class is owed one token for so many of those above it */
	OWED_MAX = 2,                    /* requests that it may be owed, of the size of its next one */
	IDLE_MAX = 1024,                 /* flows without a request that are remembered */
	BLOCKED_MAX = 8,                 /* sets that have no room */
	PACE_BEHIND_US = 3000000,        /* how far the pace may be made up for, */
	PACE_AHEAD_US = 2000000,         /* and how far those who need not keep to it may move it on */
	FREE_TENTHS = 2,                 /* of each window, before anybody's share is looked at */
};

/* The requests of one key in one class. Remembered a while after its last one, for its finish. */
struct admission_flow {
	uint64_t id[2];                  /* key and class; the map's key */
	struct admission_ticket *first, *last;
	uint64_t start, finish;          /* virtual: of the first request; of the one that began last */
	uint32_t n, at;                  /* how many; where in the heap, if there are any */
	struct admission_flow *next;     /* of those to be forgotten */
};

/* Its heap holds the flows that have requests, the smallest start on top. */
struct class {
	struct admission_flow **heap;
	uint32_t n, cap;
	uint64_t now;                    /* virtual time: the start of what began last */
	uint64_t owed;                   /* tokens of those above, while it waited */
};

/* A set that has no room, and who found out. */
struct blocked { uint64_t set; const struct admission_ticket *by; };

struct admission {
	pthread_mutex_t lock;
	struct str model;
	_Atomic uint32_t waiting;
	struct class class[ADMISSION_CLASSES];
	struct map flows;
	uint32_t n_idle;
	struct blocked blocked[BLOCKED_MAX];
	uint32_t n_blocked;
	uint32_t rooms;                  /* how often room has come */
	uint64_t set;                    /* of all who wait, if not `mixed` */
	bool mixed;
	uint64_t next_us;                /* by the pace */
	uint64_t now_us;                 /* as it was told last */
	struct shares shares;
	bool by_minute;
};

static struct {
	pthread_mutex_t lock;
	struct map by_model;
	struct admission *all[ADMISSION_QUEUES_MAX];
	_Atomic uint32_t n;
} queues = { .lock = PTHREAD_MUTEX_INITIALIZER };

_Atomic uint32_t admission_waiting_all;

/* ---- the heap ---- */

static bool is_before(const struct admission_flow *a, const struct admission_flow *b)
{
	return a->start != b->start ? a->start < b->start : a->id[0] < b->id[0];
}

static void place(struct class *c, struct admission_flow *f, uint32_t at)
{
	c->heap[at] = f;
	f->at = at;
}

static void sift_up(struct class *c, struct admission_flow *f)
{
	uint32_t at = f->at;

	for (; at > 0 && is_before(f, c->heap[(at - 1) / 2]); at = (at - 1) / 2)
		place(c, c->heap[(at - 1) / 2], at);
	place(c, f, at);
}

static void sift_down(struct class *c, struct admission_flow *f)
{
	uint32_t at = f->at;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= c->n)
			break;
		if (child + 1 < c->n && is_before(c->heap[child + 1], c->heap[child]))
			child++;
		if (!is_before(c->heap[child], f))
			break;
		place(c, c->heap[child], at);
		at = child;
	}
	place(c, f, at);
}

static void heap_add(struct class *c, struct admission_flow *f)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		c->heap = mem_realloc(c->heap, c->cap * sizeof(*c->heap));
	}
	place(c, f, c->n++);
	sift_up(c, f);
}

static void heap_take(struct class *c, struct admission_flow *f)
{
	struct admission_flow *moved = c->heap[--c->n];

	if (moved == f)
		return;
	place(c, moved, f->at);
	sift_up(c, moved);
	sift_down(c, moved);
}

/* ---- flows ---- */

static struct str flow_id(const struct admission_flow *f)
{
	return str_of((const char *)f->id, sizeof f->id);
}

/* Those without a request; without `all` only those that have no service behind them. */
static void forget_idle(struct admission *q, bool all)
{
	struct admission_flow *list = NULL, *f;
	size_t i = 0;
	void *value;

	while (map_next(&q->flows, &i, NULL, &value)) {
		f = value;
		if (f->first || (!all && f->finish > q->class[f->id[1]].now))
			continue;
		f->next = list;
		list = f;
	}
	while ((f = list)) {
		list = f->next;
		map_take(&q->flows, flow_id(f));
		free(f);
		q->n_idle--;
	}
}

static struct admission_flow *flow_of(struct admission *q, const struct admission_ticket *t)
{
	uint64_t id[2] = { t->key, t->class };
	struct admission_flow *f = map_get(&q->flows, str_of((const char *)id, sizeof id));

	if (f) {
		q->n_idle -= !f->first;
		return f;
	}
	f = mem_zalloc(sizeof *f);
	memcpy(f->id, id, sizeof id);
	map_put(&q->flows, flow_id(f), f);
	return f;
}

static void set_start(struct class *c, struct admission_flow *f)
{
	f->start = f->finish > c->now ? f->finish : c->now;
}

static void join(struct admission *q, struct admission_ticket *t)
{
	struct class *c = &q->class[t->class];
	struct admission_flow *f = flow_of(q, t);

	t->queue = q;
	t->flow = f;
	t->next = NULL;
	t->prev = f->last;
	t->woken = false;
	if (f->last)
		f->last->next = t;
	f->last = t;
	f->n++;
	if (f->first == NULL) {
		f->first = t;
		set_start(c, f);
		heap_add(c, f);
	}
	if (atomic_load_explicit(&q->waiting, memory_order_relaxed) == 0) {
		q->set = t->set;
		q->mixed = false;
	} else if (t->set != q->set) {
		q->mixed = true;
	}
	atomic_fetch_add_explicit(&q->waiting, 1, memory_order_relaxed);
	atomic_fetch_add(&admission_waiting_all, 1);
}

/* Nobody waits any more: all begin anew, as the paper has it at the end of a busy period. Where there are limits by the
 * minute, all that begins is a part of it, whether it waited or not. */
static void come_to_rest(struct admission *q)
{
	if (q->by_minute)
		return;
	forget_idle(q, true);
	for (int i = 0; i < ADMISSION_CLASSES; i++)
		q->class[i].now = q->class[i].owed = 0;
}

static void became_idle(struct admission *q)
{
	if (++q->n_idle <= IDLE_MAX)
		return;
	forget_idle(q, false);
	if (q->n_idle > IDLE_MAX)
		forget_idle(q, true);
}

static void unlink_ticket(struct admission *q, struct admission_ticket *t)
{
	struct class *c = &q->class[t->class];
	struct admission_flow *f = t->flow;
	bool was_first = f->first == t;

	*(t->prev ? &t->prev->next : &f->first) = t->next;
	*(t->next ? &t->next->prev : &f->last) = t->prev;
	t->queue = NULL;
	t->flow = NULL;
	f->n--;
	if (f->first == NULL) {
		heap_take(c, f);
		became_idle(q);
	} else if (was_first) {
		set_start(c, f);
		sift_up(c, f);
		sift_down(c, f);
	}
	if (c->n == 0)
		c->owed = 0;
	atomic_fetch_sub_explicit(&admission_waiting_all, 1, memory_order_relaxed);
	if (atomic_fetch_sub_explicit(&q->waiting, 1, memory_order_relaxed) == 1)
		come_to_rest(q);
}

/* It has begun: its class's time goes on, its key has had so much, and the classes behind are owed a part. */
static void charge(struct admission *q, const struct admission_ticket *t, struct admission_flow *f)
{
	struct class *c = &q->class[t->class];
	uint64_t cost = t->tokens;

	if (f->first == NULL)
		set_start(c, f);
	if (f->start > c->now)
		c->now = f->start;
	f->finish = f->start + (cost << VIRTUAL_SHIFT) / t->weight;
	c->owed = c->owed > cost * OWED_PARTS ? c->owed - cost * OWED_PARTS : 0;
	for (struct class *lower = c + 1; lower < q->class + ADMISSION_CLASSES; lower++)
		if (lower->n) {
			uint64_t most = (uint64_t)lower->heap[0]->first->tokens * OWED_PARTS * OWED_MAX;

			lower->owed = lower->owed + cost < most ? lower->owed + cost : most;
		}
}

/* One that went on at once; if others of its key wait, they wait as much longer. */
static void charge_passing(struct admission *q, const struct admission_ticket *t)
{
	struct class *c = &q->class[t->class];
	struct admission_flow *f = flow_of(q, t);

	charge(q, t, f);
	if (f->first == NULL) {
		became_idle(q);
		return;
	}
	set_start(c, f);
	sift_down(c, f);
}

/* ---- whose turn ---- */

static bool is_blocked(const struct admission *q, const struct admission_ticket *t)
{
	for (uint32_t i = 0; i < q->n_blocked; i++)
		if (q->blocked[i].set == t->set)
			return true;
	return false;
}

static void unblock(struct admission *q, const struct admission_ticket *by)
{
	for (uint32_t i = 0; i < q->n_blocked; i++)
		if (q->blocked[i].by == by) {
			q->blocked[i] = q->blocked[--q->n_blocked];
			return;
		}
}

/* The first of a class whose set may have room, and who need not wait for the pace. Only where somebody has to be
 * passed over are all flows looked at. */
static struct admission_ticket *first_of(const struct admission *q, const struct class *c, bool in_time)
{
	const struct admission_flow *best = NULL;

	if (c->n == 0)
		return NULL;
	if (q->n_blocked == 0 && (in_time || c->heap[0]->first->within))
		return c->heap[0]->first;
	if (q->n_blocked && !q->mixed)
		return NULL;
	for (uint32_t i = 0; i < c->n; i++) {
		const struct admission_ticket *t = c->heap[i]->first;

		if ((in_time || t->within) && !is_blocked(q, t) && (!best || is_before(c->heap[i], best)))
			best = c->heap[i];
	}
	return best ? best->first : NULL;
}

static struct admission_ticket *pick_of(const struct admission *q, bool in_time)
{
	struct admission_ticket *found = NULL;

	for (const struct class *c = q->class + ADMISSION_CLASSES; c-- > q->class;) {
		struct admission_ticket *t = first_of(q, c, in_time);

		if (!t)
			continue;
		if (c != q->class && c->owed >= (uint64_t)t->tokens * OWED_PARTS)
			return t; /* the lowest that is owed goes first: it has waited longest */
		found = t;
	}
	return found;
}

static struct admission_ticket *pick(const struct admission *q)
{
	bool in_time = q->next_us <= q->now_us;
	struct admission_ticket *t = pick_of(q, in_time);

	return t || in_time ? t : pick_of(q, true);
}

static void wake_next(struct admission *q)
{
	struct admission_ticket *t = pick(q);

	if (t && !t->woken) {
		t->woken = true;
		t->wake(t);
	}
}

static void tell_time(struct admission *q, uint64_t now_us)
{
	if (now_us > q->now_us)
		q->now_us = now_us;
}

/* Has it had less than its share of the last minute, or is there enough for all? */
static bool is_within(struct admission *q, const struct admission_ticket *t, const struct admission_rate *r,
                      uint64_t now_us)
{
	return r->pace_us == 0 ||
	       shares_within(&q->shares, t->key, t->weight, t->tokens, r->rpm, r->tpm, now_us / 1000);
}

/* May a new one go on at once? Not before those that wait. */
static bool passes(struct admission *q, const struct admission_ticket *t, const struct admission_rate *r,
                   uint64_t now_us)
{
	return !t->joins && admission_waiting(q) == 0 && (is_within(q, t, r, now_us) || q->next_us <= now_us);
}

/* The last one of the longest line gives up its place for one whose line is shorter. */
static bool make_room(struct admission *q, const struct admission_ticket *t)
{
	const uint64_t id[2] = { t->key, t->class };
	const struct admission_flow *own = map_get(&q->flows, str_of((const char *)id, sizeof id)), *longest = NULL;
	struct admission_ticket *last;

	for (const struct class *c = q->class; c < q->class + ADMISSION_CLASSES; c++)
		for (uint32_t i = 0; i < c->n; i++)
			if (!longest || c->heap[i]->n > longest->n)
				longest = c->heap[i];
	if (!longest || longest->n <= (own ? own->n : 0) + 1)
		return false;
	last = longest->last;
	unblock(q, last);
	unlink_ticket(q, last);
	last->out = true;
	last->wake(last);
	return true;
}

static bool may_join(struct admission *q, struct admission_ticket *t, unsigned queue_max,
                     const struct admission_rate *r, uint64_t now_us)
{
	if (t->out || (admission_waiting(q) >= queue_max && !make_room(q, t)))
		return false;
	t->within = is_within(q, t, r, now_us);
	shares_are_short(&q->shares, now_us / 1000);
	join(q, t);
	return true;
}

/* It waits: is it next, and is it time? */
static enum admission_turn turn_of(struct admission *q, struct admission_ticket *t, const struct admission_rate *r,
                                   uint64_t now_us, uint32_t *wait_ms)
{
	t->woken = false;
	unblock(q, t);
	t->within = is_within(q, t, r, now_us);
	if (pick(q) != t) {
		wake_next(q);
		return ADMISSION_WAIT;
	}
	t->woken = true; /* it is at it */
	if (q->next_us <= now_us || t->within)
		return ADMISSION_GO;
	*wait_ms = (uint32_t)((q->next_us - now_us + 999) / 1000);
	return ADMISSION_WAIT;
}

enum admission_turn admission_ask(struct admission *q, struct admission_ticket *t, unsigned queue_max,
                                  const struct admission_rate *r, uint64_t now_us, uint32_t *wait_ms)
{
	enum admission_turn turn;

	assert(t->weight && t->tokens && t->class < ADMISSION_CLASSES);
	*wait_ms = 0;
	if (queue_max == 0)
		return t->joins ? ADMISSION_FULL : ADMISSION_GO;
	pthread_mutex_lock(&q->lock);
	tell_time(q, now_us);
	t->rooms = q->rooms;
	if (!t->queue && passes(q, t, r, now_us))
		turn = ADMISSION_GO;
	else if (t->queue || may_join(q, t, queue_max, r, now_us))
		turn = turn_of(q, t, r, now_us, wait_ms);
	else
		turn = ADMISSION_FULL;
	pthread_mutex_unlock(&q->lock);
	return turn;
}

bool admission_no_room(struct admission *q, struct admission_ticket *t)
{
	bool waits;

	t->joins = true;
	pthread_mutex_lock(&q->lock);
	waits = t->queue != NULL;
	t->woken = false;
	if (!waits) {
		/* it has yet to join */
	} else if (t->rooms != q->rooms) {
		wake_next(q); /* it came while it was looking */
	} else if (!is_blocked(q, t) && q->n_blocked < BLOCKED_MAX) {
		q->blocked[q->n_blocked++] = (struct blocked){ t->set, t };
		wake_next(q);
	}
	pthread_mutex_unlock(&q->lock);
	return waits;
}

/* Whoever has begun moves the pace on for those who must keep to it. */
static void count(struct admission *q, const struct admission_ticket *t, const struct admission_rate *r,
                  uint64_t now_us)
{
	uint64_t ahead = r->pace_us > PACE_AHEAD_US ? r->pace_us : PACE_AHEAD_US;

	if (r->rpm == 0 && r->tpm == 0)
		return;
	q->by_minute = true;
	if (!t->queue)
		charge_passing(q, t);
	shares_add(&q->shares, t->key, t->weight, t->tokens, now_us / 1000);
	if (q->next_us + PACE_BEHIND_US < now_us)
		q->next_us = now_us - PACE_BEHIND_US;
	q->next_us += r->pace_us;
	if (q->next_us > now_us + ahead)
		q->next_us = now_us + ahead;
}

void admission_begun(struct admission *q, struct admission_ticket *t, const struct admission_rate *r, uint64_t now_us)
{
	pthread_mutex_lock(&q->lock);
	tell_time(q, now_us);
	count(q, t, r, now_us);
	if (t->queue) {
		charge(q, t, t->flow);
		unblock(q, t);
		unlink_ticket(q, t);
		wake_next(q);
	}
	pthread_mutex_unlock(&q->lock);
}

void admission_leave(struct admission *q, struct admission_ticket *t)
{
	pthread_mutex_lock(&q->lock);
	if (t->queue) {
		unblock(q, t);
		unlink_ticket(q, t);
		wake_next(q);
	}
	pthread_mutex_unlock(&q->lock);
}

unsigned admission_waiting(const struct admission *q)
{
	return atomic_load_explicit(&q->waiting, memory_order_relaxed);
}

void admission_room_now(void)
{
	uint32_t n = atomic_load_explicit(&queues.n, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		struct admission *q = queues.all[i];

		if (admission_waiting(q) == 0)
			continue;
		pthread_mutex_lock(&q->lock);
		q->n_blocked = 0;
		q->rooms++;
		wake_next(q);
		pthread_mutex_unlock(&q->lock);
	}
}

/* ---- of a plan ---- */

/* May it be a candidate again while the request waits? */
static bool may_come(const struct candidate *c)
{
	return c->excluded == EXCLUDED_NOT || c->excluded == EXCLUDED_LIMIT || c->excluded == EXCLUDED_COOLING ||
	       c->excluded == EXCLUDED_BROKEN;
}

uint64_t admission_set(const struct plan *p)
{
	uint64_t set = 0; /* in no order */

	for (unsigned i = 0; i < p->n_all; i++)
		if (may_come(&p->group[i]))
			set += hash_bytes(p->group[i].deployment->name);
	return set;
}

static bool is_free(uint64_t limit, uint64_t used)
{
	return limit == 0 || used * 10 <= limit * FREE_TENTHS;
}

struct admission_rate admission_rate(const struct plan *p, uint32_t tokens, uint64_t now_ms)
{
	const struct admission_rate none = { 0 };
	struct admission_rate r = { 0 };
	uint64_t requests = 0, used = 0;
	uint64_t calls = 0; /* in 10^12 microseconds */

	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];
		const struct health_limits *l = c->deployment->limits;
		struct health_load load;

		if (c->excluded != EXCLUDED_NOT && c->excluded != EXCLUDED_LIMIT)
			continue;
		if (!l || !c->health || (l->rpm < 0 && l->tpm < 0))
			return none;
		load = health_load(c->health, now_ms);
		requests += load.requests_minute;
		used += load.tokens_minute;
		r.rpm += l->rpm > 0 ? (uint64_t)l->rpm : 0;
		r.tpm += l->tpm > 0 ? (uint64_t)l->tpm : 0;
	}
	if (is_free(r.rpm, requests) && is_free(r.tpm, used))
		return r;
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];
		uint32_t pace_us = c->excluded == EXCLUDED_NOT || c->excluded == EXCLUDED_LIMIT
		                           ? health_pace_us(c->health, c->deployment->limits, tokens, now_ms) : 0;

		calls += pace_us ? 1000000000000 / pace_us : 0;
	}
	r.pace_us = calls > 1000 ? (uint32_t)(1000000000000 / calls) + 1 : 1000000000;
	return r;
}

/* ---- all queues ---- */

static struct admission *make(struct str model, uint32_t n)
{
	struct admission *q = mem_zalloc(sizeof *q);
	int rc = pthread_mutex_init(&q->lock, NULL);

	assert(rc == 0);
	q->model = str_of(mem_dup(model.p, model.n), model.n);
	queues.all[n] = q;
	atomic_store_explicit(&queues.n, n + 1, memory_order_release);
	return q;
}

struct admission *admission_of(struct str model)
{
	struct admission *q;
	uint32_t n;

	pthread_mutex_lock(&queues.lock);
	q = map_get(&queues.by_model, model);
	n = atomic_load_explicit(&queues.n, memory_order_relaxed);
	if (!q && n < ADMISSION_QUEUES_MAX) {
		q = make(model, n);
		map_put(&queues.by_model, q->model, q);
	}
	if (!q)
		q = queues.all[ADMISSION_QUEUES_MAX - 1];
	pthread_mutex_unlock(&queues.lock);
	return q;
}

void admission_forget_all(void)
{
	uint32_t n = atomic_load(&queues.n);

	for (uint32_t i = 0; i < n; i++) {
		struct admission *q = queues.all[i];

		assert(admission_waiting(q) == 0);
		forget_idle(q, true);
		for (int k = 0; k < ADMISSION_CLASSES; k++)
			free(q->class[k].heap);
		map_fini(&q->flows);
		shares_fini(&q->shares);
		pthread_mutex_destroy(&q->lock);
		free((char *)(uintptr_t)q->model.p);
		free(q);
	}
	map_fini(&queues.by_model);
	queues.by_model = (struct map){ 0 };
	atomic_store(&queues.n, 0);
}
