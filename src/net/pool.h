/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: a few threads for what blocks (resolver, SQLite, files). A job runs on a pool thread and then reports on the
 * loop that asked. The queue has a ceiling.
 */
#ifndef SLUICE_NET_POOL_H
#define SLUICE_NET_POOL_H

#include "net/loop.h"

struct pool;

/* Embedded in the asker's heap object, which must live until done() was called. */
struct job {
	void (*work)(struct job *);            /* on a pool thread */
	void (*done)(struct job *);            /* on `loop`, or on the pool thread when loop is NULL; exactly once */
	struct loop *loop;
	struct job *next;
	struct loop_msg msg;
};

struct pool *pool_new(unsigned threads, unsigned queue_max);
void pool_free(struct pool *);             /* waits for running and queued jobs */
MUST_USE bool pool_submit(struct pool *, struct job *);   /* false: the queue is full; any thread */

#endif
