/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is next: shares by weight, classes, floods, requests that leave, and wake-ups from many threads. The provider is
 * one that serves one request at a time, as fast as it is asked; who waits asks again when it is woken, as the
 * gateway's requests do.
 */
#include "route/admission.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "route/health.h"
#include "route/plan.h"
#include "routes.h"

enum { WAITING_MAX = 4096 };

static struct admission_ticket *woken[WAITING_MAX];
static unsigned n_woken;

static void wake(struct admission_ticket *t)
{
	assert_true(n_woken < WAITING_MAX);
	woken[n_woken++] = t;
}

static const struct admission_rate no_rate;

static struct admission *queue(void)
{
	n_woken = 0;
	admission_forget_all();
	return admission_of(STR("m"));
}

static enum admission_turn ask(struct admission *q, struct admission_ticket *t)
{
	uint32_t wait_ms;

	return admission_ask(q, t, WAITING_MAX, &no_rate, 0, &wait_ms);
}

/* A ticket that waits, since there is no room. */
static void add(struct admission *q, struct admission_ticket *t, uint64_t key, uint32_t weight, uint32_t tokens,
                uint8_t class)
{
	*t = (struct admission_ticket){ .key = key, .set = 1, .weight = weight, .tokens = tokens, .class = class,
		                        .wake = wake };
	while (ask(q, t) == ADMISSION_GO)
		if (admission_no_room(q, t))
			return;
}

/* Room for one: whose is it? All who are woken ask, once each. */
static struct admission_ticket *serve(struct admission *q)
{
	struct admission_ticket *served = NULL;

	admission_room();
	while (n_woken) {
		struct admission_ticket *t = woken[--n_woken];

		if (ask(q, t) != ADMISSION_GO)
			continue;
		if (served) {
			assert_true(admission_no_room(q, t));
			continue;
		}
		served = t;
		admission_begun(q, t, &no_rate, 0);
	}
	return served;
}

/* ---- shares ---- */

struct key { uint32_t weight, tokens, tokens_more; uint8_t class; unsigned floods, ask_each; };

enum { KEYS_MAX = 6, ROUNDS = 20000 };

/* Each key keeps `floods` requests in the line, or asks once in `ask_each` rounds. How many tokens each gets. */
static void run(const struct key *keys, unsigned n, uint64_t *tokens, uint64_t *asked)
{
	static struct admission_ticket tickets[WAITING_MAX];
	struct admission_ticket *free_ones[WAITING_MAX];
	unsigned n_free = 0, waits[KEYS_MAX] = { 0 };
	struct admission *q = queue();

	rand_seed(11);
	for (unsigned i = 0; i < WAITING_MAX; i++)
		free_ones[n_free++] = &tickets[i];
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct admission_ticket *t;

		for (unsigned k = 0; k < n; k++)
			while (waits[k] < keys[k].floods ||
			       (keys[k].ask_each && round % keys[k].ask_each == 0 && waits[k] == 0)) {
				uint32_t size = keys[k].tokens + (uint32_t)rand_below(keys[k].tokens_more + 1);

				assert_true(n_free > 0);
				add(q, free_ones[--n_free], k, keys[k].weight, size, keys[k].class);
				asked[k] += size;
				waits[k]++;
				if (keys[k].ask_each)
					break;
			}
		t = serve(q);
		if (!t)
			continue;
		tokens[t->key] += t->tokens;
		waits[t->key]--;
		free_ones[n_free++] = t;
	}
	for (unsigned i = 0; i < WAITING_MAX; i++)
		admission_leave(q, &tickets[i]);
	assert_int_equal(admission_waiting(q), 0);
	assert_false(admission_anybody());
}

static void shares_are_by_weight(void **state)
{
	static const struct {
		const char *name;
		unsigned n;
		struct key keys[KEYS_MAX];
		double want[KEYS_MAX];
	} cases[] = {
		{ "alike", 2, { { 1, 100, 0, 1, 10, 0 }, { 1, 100, 0, 1, 10, 0 } }, { 0.5, 0.5 } },
		{ "by weight", 3, { { 1, 100, 0, 1, 10, 0 }, { 2, 100, 0, 1, 10, 0 }, { 5, 100, 0, 1, 10, 0 } },
		  { 0.125, 0.25, 0.625 } },
		{ "by tokens, not by requests", 2, { { 1, 1000, 0, 1, 10, 0 }, { 1, 50, 100, 1, 10, 0 } },
		  { 0.5, 0.5 } },
		{ "a longer line is no larger share", 2, { { 1, 100, 0, 1, 500, 0 }, { 1, 100, 0, 1, 10, 0 } },
		  { 0.5, 0.5 } },
		{ "sizes that differ", 3,
		  { { 3, 10, 2000, 1, 50, 0 }, { 1, 10, 2000, 1, 50, 0 }, { 4, 10, 100, 1, 50, 0 } },
		  { 0.375, 0.125, 0.5 } },
		{ "two lower classes have a tenth of what is above each", 3,
		  { { 1, 100, 0, 0, 10, 0 }, { 1, 100, 0, 1, 10, 0 }, { 1, 100, 0, 2, 10, 0 } }, { 0.81, 0.09, 0.1 } },
		{ "within a class by weight", 3,
		  { { 1, 100, 0, 0, 10, 0 }, { 3, 100, 0, 2, 10, 0 }, { 1, 100, 0, 2, 10, 0 } },
		  { 0.9, 0.075, 0.025 } },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t got[KEYS_MAX] = { 0 }, asked[KEYS_MAX] = { 0 }, sum = 0;

		run(cases[i].keys, cases[i].n, got, asked);
		for (unsigned k = 0; k < cases[i].n; k++)
			sum += got[k];
		for (unsigned k = 0; k < cases[i].n; k++) {
			double share = (double)got[k] / (double)sum;

			if (share < cases[i].want[k] - 0.02 || share > cases[i].want[k] + 0.02)
				fail_msg("%s: key %u has %.3f", cases[i].name, k, share);
		}
	}
}

/* Three ask for a quarter of what is there each; the fourth has asked for fifty times that. */
static void a_flood_leaves_the_others_their_share(void **state)
{
	static const struct key keys[] = {
		{ 1, 100, 0, 1, 0, 4 }, { 1, 100, 0, 1, 0, 4 }, { 1, 100, 0, 1, 0, 4 }, { 1, 100, 0, 1, 50 * 4, 0 },
	};
	uint64_t got[KEYS_MAX] = { 0 }, asked[KEYS_MAX] = { 0 };

	run(keys, 4, got, asked);
	for (unsigned k = 0; k < 3; k++) {
		assert_true(asked[k] >= 100 * (ROUNDS / 4) * 95 / 100);
		assert_true(got[k] >= asked[k] * 95 / 100);
	}
}

static void the_first_class_goes_first(void **state)
{
	struct admission *q = queue();
	struct admission_ticket t[6];

	add(q, &t[0], 1, 1, 10, 2);
	add(q, &t[1], 2, 1, 10, 1);
	add(q, &t[2], 3, 1, 10, 0);
	add(q, &t[3], 3, 1, 10, 0);
	assert_ptr_equal(serve(q), &t[2]);
	assert_ptr_equal(serve(q), &t[3]);
	assert_ptr_equal(serve(q), &t[1]);
	assert_ptr_equal(serve(q), &t[0]);
	assert_null(serve(q));
}

/* What a key has had counts while others wait, and no longer. */
static void who_comes_back_is_not_put_behind_for_ever(void **state)
{
	struct admission *q = queue();
	struct admission_ticket t[4];

	add(q, &t[0], 1, 1, 1000000, 1);
	assert_ptr_equal(serve(q), &t[0]); /* nobody else: forgotten */
	add(q, &t[1], 1, 1, 10, 1);
	add(q, &t[2], 2, 1, 10, 1);
	assert_ptr_equal(serve(q), &t[1]);
	add(q, &t[3], 1, 1, 10, 1);
	assert_ptr_equal(serve(q), &t[2]);
	assert_ptr_equal(serve(q), &t[3]);
}

/* ---- ceilings, and leaving ---- */

static void a_full_queue_takes_nobody_and_has_room_for_shorter_lines(void **state)
{
	struct admission *q = queue();
	struct admission_ticket t[5];
	uint32_t wait_ms;

	add(q, &t[0], 1, 1, 1, 1);
	add(q, &t[1], 1, 1, 1, 1);
	add(q, &t[2], 1, 1, 1, 1);
	t[3] = (struct admission_ticket){ .key = 1, .set = 1, .weight = 1, .tokens = 1, .class = 1, .joins = true,
		                          .wake = wake };
	assert_int_equal(admission_ask(q, &t[3], 3, &no_rate, 0, &wait_ms), ADMISSION_FULL);
	assert_null(t[3].queue);
	admission_leave(q, &t[3]); /* always allowed */
	t[3].key = 2;
	assert_int_equal(admission_ask(q, &t[3], 3, &no_rate, 0, &wait_ms), ADMISSION_WAIT);
	assert_int_equal(n_woken, 1);
	assert_ptr_equal(woken[0], &t[2]); /* the last one of the longest line */
	assert_int_equal(ask(q, &t[2]), ADMISSION_FULL);
	t[4] = t[2];
	t[4].out = false;
	t[4].key = 2;
	assert_int_equal(admission_ask(q, &t[4], 3, &no_rate, 0, &wait_ms), ADMISSION_FULL);
	assert_int_equal(admission_waiting(q), 3);
	/* where there is no queue it may look, and does not wait */
	assert_int_equal(admission_ask(q, &t[4], 0, &no_rate, 0, &wait_ms), ADMISSION_GO);
	assert_false(admission_no_room(q, &t[4]));
	assert_int_equal(admission_ask(q, &t[4], 0, &no_rate, 0, &wait_ms), ADMISSION_FULL);
	for (int i = 0; i < 4; i++)
		admission_leave(q, &t[i]);
	assert_int_equal(admission_waiting(q), 0);
	n_woken = 0;
}

static void whoever_leaves_wakes_the_next(void **state)
{
	/* who leaves before there is room; of three keys with two requests each */
	for (unsigned gone = 0; gone < 1u << 6; gone++) {
		struct admission *q = queue();
		struct admission_ticket t[6];
		unsigned left = 0;

		for (unsigned i = 0; i < 6; i++)
			add(q, &t[i], i % 3, 1, 10, 1);
		for (unsigned i = 0; i < 6; i++)
			if (gone >> i & 1) {
				for (unsigned k = 0; k < n_woken; k++)
					if (woken[k] == &t[i])
						woken[k--] = woken[--n_woken];
				admission_leave(q, &t[i]);
			} else {
				left++;
			}
		assert_int_equal(admission_waiting(q), left);
		while (left--) {
			struct admission_ticket *s = serve(q);

			assert_non_null(s);
			assert_false(gone >> (s - t) & 1);
		}
		assert_null(serve(q));
		assert_int_equal(admission_waiting(q), 0);
	}
}

/* One that may use other deployments does not wait behind one that waits for something else. */
static void sets_do_not_hold_each_other_up(void **state)
{
	struct admission *q = queue();
	struct admission_ticket a, c, b = { .key = 2, .set = 2, .weight = 1, .tokens = 10, .class = 1, .wake = wake };

	c = b;
	c.key = 3;
	add(q, &a, 1, 1, 10, 1);
	assert_int_equal(n_woken, 0);
	assert_int_equal(ask(q, &b), ADMISSION_GO); /* a's set has no room */
	assert_true(admission_no_room(q, &b));
	assert_int_equal(ask(q, &c), ADMISSION_WAIT);
	assert_int_equal(ask(q, &a), ADMISSION_GO); /* its time was over */
	assert_true(admission_no_room(q, &a));
	admission_room();
	assert_int_equal(n_woken, 1);
	assert_ptr_equal(woken[0], &a);
	n_woken = 0;
	assert_int_equal(ask(q, &a), ADMISSION_GO);
	assert_true(admission_no_room(q, &a)); /* so the room is of another set */
	assert_int_equal(n_woken, 1);
	assert_ptr_equal(woken[0], &b);
	n_woken = 0;
	assert_int_equal(ask(q, &b), ADMISSION_GO);
	admission_begun(q, &b, &no_rate, 0);
	assert_ptr_equal(woken[0], &c);
	admission_leave(q, &c);
	admission_leave(q, &a);
	n_woken = 0;
}

static void room_that_comes_during_a_look_is_not_missed(void **state)
{
	struct admission *q = queue();
	struct admission_ticket t;

	add(q, &t, 1, 1, 1, 1);
	admission_room();
	assert_int_equal(n_woken, 1);
	assert_int_equal(ask(q, &t), ADMISSION_GO);
	n_woken = 0;
	admission_room();
	assert_int_equal(n_woken, 0); /* it is looking */
	assert_true(admission_no_room(q, &t));
	assert_int_equal(n_woken, 1);
	admission_leave(q, &t);
	n_woken = 0;
}

/* Ten a second; a key that has had its share keeps to it, one that has not goes on at once. */
static void who_has_had_his_share_keeps_the_pace(void **state)
{
	struct admission *q = queue();
	const struct admission_rate rate = { .rpm = 600, .pace_us = 100000 }, early = { .rpm = 600 };
	struct admission_ticket t = { .key = 1, .set = 1, .weight = 1, .tokens = 1, .wake = wake }, other = t;
	uint64_t now_us = 60000000, began_us;
	uint32_t wait_ms;

	other.key = 2;
	for (int i = 0; i < 300; i++) { /* so early that nobody's share matters */
		assert_int_equal(admission_ask(q, &t, 10, &early, now_us, &wait_ms), ADMISSION_GO);
		admission_begun(q, &t, &early, now_us);
	}
	admission_begun(q, &other, &early, now_us);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(admission_ask(q, &other, 10, &rate, now_us, &wait_ms), ADMISSION_GO);
		admission_begun(q, &other, &rate, now_us);
	}
	began_us = now_us;
	for (int i = 0; i < 100; i++) {
		while (admission_ask(q, &t, 10, &rate, now_us, &wait_ms) == ADMISSION_WAIT) {
			assert_in_range(wait_ms, 1, 2000);
			/* the other one does not wait behind it */
			assert_int_equal(admission_ask(q, &other, 10, &rate, now_us, &wait_ms), ADMISSION_GO);
			admission_leave(q, &other);
			now_us += 10000;
		}
		admission_begun(q, &t, &rate, now_us);
	}
	assert_in_range((now_us - began_us) / 1000, 6900, 12100); /* three seconds may be made up for */
	n_woken = 0;
}

static void many_keys_are_forgotten(void **state)
{
	struct admission *q = queue();
	struct admission_ticket stays, t;

	add(q, &stays, 1, 1, 1u << 30, 2);
	for (uint64_t i = 0; i < 20000; i++) {
		add(q, &t, 1000 + i, 1, 1 + (uint32_t)i % 100, 1);
		assert_ptr_equal(serve(q), &t);
	}
	assert_ptr_equal(serve(q), &stays);
	assert_int_equal(admission_waiting(q), 0);
}

static void queues_have_a_ceiling(void **state)
{
	struct admission *last = NULL;
	char name[16];

	admission_forget_all();
	for (int i = 0; i < ADMISSION_QUEUES_MAX + 10; i++) {
		struct admission *q;

		snprintf(name, sizeof name, "m%d", i);
		q = admission_of(str_from_z(name));
		assert_ptr_equal(q, admission_of(str_from_z(name)));
		if (i >= ADMISSION_QUEUES_MAX)
			assert_ptr_equal(q, last);
		else
			assert_ptr_not_equal(q, last);
		last = q;
	}
	admission_forget_all();
}

/* ---- a limit by the minute, with the plan and the limits as they are ---- */

enum { TICK_MS = 10, MINUTES = 12, WARM_UP = 0, WAIT_MS = 10000, RPM = 60 };

struct request {
	struct admission_ticket ticket;
	uint64_t asked_ms, look_ms;
	bool woken, waits;
};

struct minute {
	struct routes routes;
	struct arena arena;
	struct admission *queue;
	uint64_t now_ms;
	uint64_t served_ms[RPM * (MINUTES + 1)];
	unsigned n_served;
	uint64_t served[2], asked[2], refused[2];
};

static void wake_request(struct admission_ticket *t)
{
	CONTAINER_OF(t, struct request, ticket)->woken = true;
}

static void give_up(struct minute *m, struct request *r)
{
	m->refused[r->ticket.key]++;
	admission_leave(m->queue, &r->ticket);
	r->waits = false;
}

static void look_for_room(struct minute *m, struct request *r)
{
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE,
		                .now_ms = m->now_ms, .max_output = -1, .body_bytes = 400 };
	struct plan plan;
	struct candidate c;
	struct health_use use;
	struct err e;
	struct admission_rate rate;
	uint32_t wait_ms = 0;

	arena_fini(&m->arena);
	arena_init(&m->arena, 1 << 20);
	check(e.text, plan_make(&plan, &m->routes.table, &ask, &m->arena, &e));
	rate = admission_rate(&plan, r->ticket.tokens, m->now_ms);
	r->woken = false;
	if (admission_ask(m->queue, &r->ticket, 100, &rate, m->now_ms * 1000, &wait_ms) != ADMISSION_GO) {
		if (r->ticket.out || !r->ticket.queue) {
			give_up(m, r);
			return;
		}
		r->waits = true;
		r->look_ms = wait_ms ? m->now_ms + wait_ms : UINT64_MAX;
		return;
	}
	if (plan_next(&plan, NULL, m->now_ms, &m->arena, &c, &wait_ms) != PLAN_TRY) {
		if (!admission_no_room(m->queue, &r->ticket)) {
			look_for_room(m, r);
			return;
		}
		r->waits = true;
		r->look_ms = m->now_ms + (plan.room_ms < 250 ? plan.room_ms : 250);
		return;
	}
	assert_true(health_begin(c.health, c.deployment->limits, 0, false, m->routes.table.routing, m->now_ms, &use));
	health_done(&use, &(struct health_outcome){ 0 }, m->routes.table.routing, m->now_ms);
	m->served_ms[m->n_served++] = m->now_ms;
	m->served[r->ticket.key] += m->now_ms - 1000000 > WARM_UP * 60000;
	admission_begun(m->queue, &r->ticket, &rate, m->now_ms * 1000);
	r->waits = false;
}

static void ask_now(struct minute *m, struct request *all, unsigned n, uint64_t key)
{
	struct request *r = all;

	while (r->waits)
		assert_true(++r < all + n);
	*r = (struct request){ .ticket = { .key = key, .set = 1, .weight = 1, .tokens = 1, .class = 1,
		                           .wake = wake_request }, .asked_ms = m->now_ms };
	m->asked[key] += m->now_ms - 1000000 > WARM_UP * 60000;
	look_for_room(m, r);
}

/* Key 1 asks for nearly half of what the limit allows; key 0 for 25 times the limit, and first. */
static void a_limit_by_the_minute_is_shared_and_never_exceeded(void **state)
{
	static struct request all[1024];
	static struct minute m;

	health_forget_all();
	admission_forget_all();
	memset(all, 0, sizeof all);
	m.now_ms = 1000000;
	m.queue = admission_of(STR("m"));
	routes_init(&m.routes, "providers:\n"
	                       "  up: {dialect: openai-chat, base_url: \"http://127.0.0.1:9/v1\", api_key: none}\n"
	                       "models:\n"
	                       "- {name: m, deployments: [{provider: up, model: x, rpm: 60}]}\n");
	for (unsigned tick = 0; tick < MINUTES * 60000 / TICK_MS; tick++, m.now_ms += TICK_MS) {
		if (tick % (1000 / TICK_MS / 25) == 0)
			ask_now(&m, all, COUNT_OF(all), 0);
		if (tick % (2100 / TICK_MS) == 7)
			ask_now(&m, all, COUNT_OF(all), 1);
		for (unsigned i = 0; i < COUNT_OF(all); i++) {
			struct request *r = &all[i];

			if (r->waits && m.now_ms >= r->asked_ms + WAIT_MS)
				give_up(&m, r);
			else if (r->waits && (r->woken || m.now_ms >= r->look_ms))
				look_for_room(&m, r);
		}
	}
	for (unsigned i = RPM; i < m.n_served; i++)
		assert_true(m.served_ms[i] - m.served_ms[i - RPM] >= 60000);
	assert_true(m.served[1] * 100 >= m.asked[1] * 95);
	/* and nothing of the limit is wasted */
	assert_true(m.served[0] + m.served[1] >= RPM * (MINUTES - WARM_UP) * 95 / 100);
	for (unsigned i = 0; i < COUNT_OF(all); i++)
		if (all[i].waits)
			give_up(&m, &all[i]);
	arena_fini(&m.arena);
	routes_fini(&m.routes);
	health_forget_all();
}

/* ---- many threads ---- */

enum { THREADS = 4, EACH = 1500, SLOTS = 3 };

struct waiter {
	struct admission_ticket ticket;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool woken;
};

static _Atomic int in_use;
static _Atomic int most;

static void wake_waiter(struct admission_ticket *t)
{
	struct waiter *w = CONTAINER_OF(t, struct waiter, ticket);

	pthread_mutex_lock(&w->lock);
	w->woken = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static bool take_slot(void)
{
	int n = atomic_load(&in_use);

	while (n < SLOTS)
		if (atomic_compare_exchange_weak(&in_use, &n, n + 1)) {
			if (n + 1 > atomic_load(&most))
				atomic_store(&most, n + 1);
			return true;
		}
	return false;
}

/* Without any timer: a wake-up that is lost is a test that hangs. */
static void *ask_often(void *arg)
{
	struct waiter *w = arg;
	struct admission *q = admission_of(STR("threads"));
	uint32_t wait_ms;

	for (int i = 0; i < EACH; i++) {
		for (;;) {
			if (admission_ask(q, &w->ticket, 100, &no_rate, 0, &wait_ms) == ADMISSION_GO) {
				if (take_slot())
					break;
				if (!admission_no_room(q, &w->ticket))
					continue;
			}
			pthread_mutex_lock(&w->lock);
			while (!w->woken)
				pthread_cond_wait(&w->cond, &w->lock);
			w->woken = false;
			pthread_mutex_unlock(&w->lock);
		}
		admission_begun(q, &w->ticket, &no_rate, 0);
		w->ticket.joins = false;
		atomic_fetch_sub(&in_use, 1);
		admission_room();
	}
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	static struct waiter w[2 * THREADS];
	pthread_t t[2 * THREADS];

	for (unsigned i = 0; i < COUNT_OF(w); i++) {
		w[i].ticket = (struct admission_ticket){ .key = i / 2, .set = 1 + i % 2, .weight = 1 + i, .tokens = 10,
			                                 .class = (uint8_t)(i % 3), .wake = wake_waiter };
		pthread_mutex_init(&w[i].lock, NULL);
		pthread_cond_init(&w[i].cond, NULL);
	}
	for (unsigned i = 0; i < COUNT_OF(w); i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_often, &w[i]), 0);
	for (unsigned i = 0; i < COUNT_OF(w); i++)
		pthread_join(t[i], NULL);
	assert_true(atomic_load(&most) <= SLOTS);
	assert_false(admission_anybody());
	admission_forget_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_by_weight),
		cmocka_unit_test(a_flood_leaves_the_others_their_share),
		cmocka_unit_test(the_first_class_goes_first),
		cmocka_unit_test(who_comes_back_is_not_put_behind_for_ever),
		cmocka_unit_test(a_full_queue_takes_nobody_and_has_room_for_shorter_lines),
		cmocka_unit_test(whoever_leaves_wakes_the_next),
		cmocka_unit_test(sets_do_not_hold_each_other_up),
		cmocka_unit_test(room_that_comes_during_a_look_is_not_missed),
		cmocka_unit_test(who_has_had_his_share_keeps_the_pace),
		cmocka_unit_test(many_keys_are_forgotten),
		cmocka_unit_test(queues_have_a_ceiling),
		cmocka_unit_test(a_limit_by_the_minute_is_shared_and_never_exceeded),
		cmocka_unit_test(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
