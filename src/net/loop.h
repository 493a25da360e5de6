/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: one edge-triggered event loop; one per core, each run by its own thread. A request lives and dies on one loop,
 * so everything here is called on the loop's own thread, except what says otherwise.
 *
 * One turn: wait for events → watches → due timers → tasks until none is ready → the "before flush" hooks (the ledger's
 * journal) → connections with queued output are flushed → the "after flush" hooks (the access log).
 * A wake-up never runs the woken in place: it posts a task.
 */
#ifndef SLUICE_NET_LOOP_H
#define SLUICE_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct loop;
struct err;

/* A descriptor the loop looks after, inside the object that owns it. Registered once for reading and writing with
 * edges: on_ready is called when something changed, and the owner goes on until the kernel says EAGAIN or gives less
 * than asked for. */
enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HANGUP = 4,    /* the peer will send no more; comes with LOOP_READ */
	LOOP_BROKEN = 8,    /* an error waits, or both directions are shut: nothing can be sent either */
};
struct watch {
	int fd;
	void (*on_ready)(struct watch *, unsigned what);
};

/* Timers are kept in a heap; starting, moving and cancelling cost O(log n). Zero-initialised = not running. */
struct timer {
	void (*on_due)(struct timer *);
	uint64_t due_ms;
	uint32_t slot; /* place in the heap + 1; 0: not running */
};

/* Something to run later in this turn. Zero-initialised = not queued; posting twice runs once. */
struct task {
	void (*run)(struct task *);
	struct task *next;                   /* NULL: not queued */
};
static inline bool task_queued(const struct task *t) { return t->next != NULL; }

/* Called once every turn. */
struct hook {
	void (*run)(struct hook *);
	struct hook *next;
};

/* A message from another thread; owned by the loop until run() is called on the loop's thread. */
struct loop_msg {
	void (*run)(struct loop_msg *);
	struct loop_msg *next;
};

struct loop_options {
	unsigned index;            /* 0 … workers-1; for names and metrics */
	unsigned busy_poll_us;     /* spin this long for events before sleeping; 0: never */
};

MUST_USE struct loop *loop_new(const struct loop_options *, struct err *);  /* NULL: err tells */
void loop_free(struct loop *);                     /* after loop_run has returned; NULL is fine */
void loop_run(struct loop *);                      /* until loop_stop */
void loop_stop(struct loop *);                     /* from any thread; the turn under way is finished */
unsigned loop_index(const struct loop *);

/* Time as read at the start of this turn. */
uint64_t loop_now_ms(const struct loop *);
uint64_t loop_now_us(const struct loop *);
/* Real time, read at most once a turn. */
uint64_t loop_real_ms(struct loop *);

bool loop_add(struct loop *, struct watch *, struct err *);  /* non-blocking fd in w->fd */
void loop_remove(struct loop *, struct watch *);   /* before the fd is closed; pending events of it are forgotten */

void timer_start(struct loop *, struct timer *, uint64_t delay_ms);  /* (re)starts */
void timer_cancel(struct loop *, struct timer *);  /* also if it is not running */
static inline bool timer_running(const struct timer *t) { return t->slot != 0; }

void loop_post(struct loop *, struct task *);
void loop_unpost(struct loop *, struct task *);    /* takes it back if it is queued */
void loop_send(struct loop *, struct loop_msg *);  /* from any thread */

void loop_before_flush(struct loop *, struct hook *);
void loop_after_flush(struct loop *, struct hook *);
/* Connections: run this hook in this turn's flush phase. Once per post; the hook is forgotten when it has run. */
void loop_post_flush(struct loop *, struct task *);

/* Scratch for one read; contents last until the current callback returns. */
#define LOOP_SCRATCH_BYTES 65536u
char *loop_scratch(struct loop *);

struct loop_stats {
	uint64_t turns, events, tasks, timers_running;
	uint64_t busy_us;       /* time not spent waiting */
	uint64_t longest_turn_us;
	uint64_t watches;
};
void loop_stats(const struct loop *, struct loop_stats *out);   /* any thread; figures may be a turn old */

#endif
