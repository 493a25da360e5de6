/* SPDX-License-Identifier: Apache-2.0 */
/* loop: the turn of an event loop; waiting itself is the poller's. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/poller.h"
#include "net/timer.h"

struct task_list {
	struct task *first, **tail;
};

struct loop {
	struct poller poller;
	struct timer_heap timers;
	struct task_list ready, flush;
	struct hook *before_flush, *after_flush;
	uint64_t now_us, now_ms;
	uint64_t real_ms;                /* 0: not read in this turn */
	struct loop_options options;
	atomic_bool stop;

	/* messages from other threads: a stack, reversed when taken */
	struct watch wake;
	_Atomic(struct loop_msg *) inbox;

	/* events of the batch under way, so that loop_remove can strike them out */
	struct poller_event events[POLLER_BATCH];
	unsigned event_at, n_events;

	/* written by the loop, read by anybody */
	struct {
		_Atomic uint64_t turns, events, tasks, timers_running, busy_us, longest_turn_us, watches;
	} stats;

	char scratch[LOOP_SCRATCH_BYTES];
};

/* Ends every list, so that a task which is the last one is known to be queued. */
static struct task list_end;

static void list_init(struct task_list *l)
{
	l->first = &list_end;
	l->tail = &l->first;
}

static bool list_is_empty(const struct task_list *l)
{
	return l->first == &list_end;
}

static void list_add(struct task_list *l, struct task *t)
{
	if (task_queued(t))
		return;
	t->next = &list_end;
	*l->tail = t;
	l->tail = &t->next;
}

static struct task *list_take(struct task_list *l)
{
	struct task *t = l->first;

	if (t == &list_end)
		return NULL;
	l->first = t->next;
	if (list_is_empty(l))
		l->tail = &l->first;
	t->next = NULL;
	return t;
}

static bool list_drop(struct task_list *l, struct task *t)
{
	for (struct task **at = &l->first; *at != &list_end; at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		if (*at == &list_end)
			l->tail = at;
		t->next = NULL;
		return true;
	}
	return false;
}

/* Statistics are written by one thread only: a plain load and store, without a locked instruction. */
static void stat_add(_Atomic uint64_t *s, uint64_t v)
{
	atomic_store_explicit(s, atomic_load_explicit(s, memory_order_relaxed) + v, memory_order_relaxed);
}

static void run_inbox(struct watch *w, unsigned what)
{
	struct loop *l = CONTAINER_OF(w, struct loop, wake);
	uint64_t count;
	ssize_t got = read(w->fd, &count, sizeof count);
	struct loop_msg *newest, *oldest = NULL;

	assert(got == sizeof count || errno == EAGAIN);
	newest = atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire);
	while (newest) {
		struct loop_msg *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct loop_msg *m = oldest;

		oldest = m->next;
		m->run(m);
	}
}

static void set_now(struct loop *l, uint64_t us)
{
	l->now_us = us;
	l->real_ms = 0;
	l->now_ms = us / 1000;
}

static unsigned wait_events(struct loop *l)
{
	uint64_t next_ms = timer_heap_next(&l->timers);
	uint64_t now_ms = l->now_ms;
	int timeout_ms = -1;

	if (l->options.busy_poll_us) {
		uint64_t until_us = l->now_us + l->options.busy_poll_us;

		do {
			unsigned n = poller_wait(&l->poller, l->events, 0);

			if (n)
				return n;
		} while (clock_now_us() < until_us);
	}
	if (next_ms <= now_ms)
		timeout_ms = 0;
	else if (next_ms != UINT64_MAX)
		timeout_ms = next_ms - now_ms > 60000 ? 60000 : (int)(next_ms - now_ms);
	return poller_wait(&l->poller, l->events, timeout_ms);
}

static void run_hooks(struct hook *h)
{
	for (; h; h = h->next)
		h->run(h);
}

static void turn(struct loop *l)
{
	struct timer *due;
	struct task *t;
	uint64_t tasks = 0;

	for (l->event_at = 0; l->event_at < l->n_events; l->event_at++) {
		struct poller_event *e = &l->events[l->event_at];

		if (e->watch)
			e->watch->on_ready(e->watch, e->what);
	}
	l->n_events = 0;
	while ((due = timer_heap_take_due(&l->timers, l->now_ms)))
		due->on_due(due);
	/* Flushing may post tasks (a connection that failed), and these may queue output: go on until both are
	 * empty. */
	do {
		while ((t = list_take(&l->ready))) {
			tasks++;
			t->run(t);
		}
		run_hooks(l->before_flush);
		while ((t = list_take(&l->flush)))
			t->run(t);
	} while (!list_is_empty(&l->ready));
	run_hooks(l->after_flush);
	stat_add(&l->stats.tasks, tasks);
}

struct loop *loop_new(const struct loop_options *o, struct err *e)
{
	struct loop *l = mem_zalloc(sizeof *l);

	l->options = *o;
	list_init(&l->ready);
	list_init(&l->flush);
	l->poller.fd = -1;
	l->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->wake.on_ready = run_inbox;
	set_now(l, clock_now_us());
	if (l->wake.fd < 0) {
		err_set_sys(e, errno, "eventfd");
		goto failed;
	}
	if (!poller_init(&l->poller, e) || !loop_add(l, &l->wake, e))
		goto failed;
	return l;
failed:
	loop_free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	/* what came after the last turn still owns memory */
	if (l->wake.fd >= 0)
		run_inbox(&l->wake, LOOP_READ);
	poller_fini(&l->poller);
	if (l->wake.fd >= 0)
		close(l->wake.fd);
	timer_heap_fini(&l->timers);
	free(l);
}

void loop_run(struct loop *l)
{
	while (!atomic_load_explicit(&l->stop, memory_order_acquire)) {
		/* what was posted before the first wait, or by the outside between turns, must not wait for an event */
		bool none = list_is_empty(&l->ready) && list_is_empty(&l->flush);
		uint64_t busy_us;

		l->n_events = none ? wait_events(l) : poller_wait(&l->poller, l->events, 0);
		set_now(l, clock_now_us());
		stat_add(&l->stats.turns, 1);
		stat_add(&l->stats.events, l->n_events);
		turn(l);
		busy_us = clock_now_us() - l->now_us;
		set_now(l, l->now_us + busy_us);
		stat_add(&l->stats.busy_us, busy_us);
		if (busy_us > atomic_load_explicit(&l->stats.longest_turn_us, memory_order_relaxed))
			atomic_store_explicit(&l->stats.longest_turn_us, busy_us, memory_order_relaxed);
		atomic_store_explicit(&l->stats.timers_running, l->timers.n, memory_order_relaxed);
	}
	atomic_store_explicit(&l->stop, false, memory_order_relaxed); /* it may be run again */
}

static void wake_up(struct loop *l)
{
	uint64_t one = 1;
	ssize_t put = write(l->wake.fd, &one, sizeof one);

	assert(put == sizeof one || errno == EAGAIN); /* EAGAIN: the counter is full, so it wakes anyway */
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->stop, true, memory_order_release);
	wake_up(l);
}

unsigned loop_index(const struct loop *l)
{
	return l->options.index;
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

uint64_t loop_now_us(const struct loop *l)
{
	return l->now_us;
}

uint64_t loop_real_ms(struct loop *l)
{
	if (l->real_ms == 0)
		l->real_ms = clock_real_ms();
	return l->real_ms;
}

bool loop_add(struct loop *l, struct watch *w, struct err *e)
{
	assert(w->fd >= 0 && w->on_ready);
	if (!poller_add(&l->poller, w, e))
		return false;
	stat_add(&l->stats.watches, 1);
	return true;
}

void loop_remove(struct loop *l, struct watch *w)
{
	poller_remove(&l->poller, w);
	stat_add(&l->stats.watches, (uint64_t)-1);
	for (unsigned i = l->event_at; i < l->n_events; i++)
		if (l->events[i].watch == w)
			l->events[i].watch = NULL;
}

void timer_start(struct loop *l, struct timer *t, uint64_t delay_ms)
{
	assert(t->on_due);
	timer_heap_set(&l->timers, t, l->now_ms + delay_ms);
}

void timer_cancel(struct loop *l, struct timer *t)
{
	timer_heap_remove(&l->timers, t);
}

void loop_post(struct loop *l, struct task *t)
{
	list_add(&l->ready, t);
}

void loop_unpost(struct loop *l, struct task *t)
{
	if (task_queued(t) && !list_drop(&l->ready, t))
		list_drop(&l->flush, t);
	assert(!task_queued(t));
}

void loop_send(struct loop *l, struct loop_msg *m)
{
	struct loop_msg *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);

	do
		m->next = head;
	while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, m, memory_order_release, memory_order_relaxed));
	if (!head)
		wake_up(l);
}

/* Hooks run in the order in which they were added. */
static void add_hook(struct hook **list, struct hook *h)
{
	while (*list)
		list = &(*list)->next;
	h->next = NULL;
	*list = h;
}

void loop_before_flush(struct loop *l, struct hook *h)
{
	add_hook(&l->before_flush, h);
}

void loop_after_flush(struct loop *l, struct hook *h)
{
	add_hook(&l->after_flush, h);
}

void loop_post_flush(struct loop *l, struct task *t)
{
	list_add(&l->flush, t);
}

char *loop_scratch(struct loop *l)
{
	return l->scratch;
}

void loop_stats(const struct loop *l, struct loop_stats *out)
{
	out->turns = atomic_load_explicit(&l->stats.turns, memory_order_relaxed);
	out->events = atomic_load_explicit(&l->stats.events, memory_order_relaxed);
	out->tasks = atomic_load_explicit(&l->stats.tasks, memory_order_relaxed);
	out->timers_running = atomic_load_explicit(&l->stats.timers_running, memory_order_relaxed);
	out->busy_us = atomic_load_explicit(&l->stats.busy_us, memory_order_relaxed);
	out->longest_turn_us = atomic_load_explicit(&l->stats.longest_turn_us, memory_order_relaxed);
	out->watches = atomic_load_explicit(&l->stats.watches, memory_order_relaxed);
}
