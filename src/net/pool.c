/* SPDX-License-Identifier: Apache-2.0 */
/* pool: a queue, a few threads, and the way back to the loop. */
#include "net/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *first, **tail;
	unsigned queued, queue_max, n_threads;
	bool closing;
	pthread_t threads[];
};

static void report(struct loop_msg *m)
{
	struct job *j = CONTAINER_OF(m, struct job, msg);

	j->done(j);
}

static void *run(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *j;

		while (!p->first && !p->closing)
			pthread_cond_wait(&p->more, &p->lock);
		j = p->first;
		if (!j)
			break;
		p->first = j->next;
		if (!p->first)
			p->tail = &p->first;
		p->queued--;
		pthread_mutex_unlock(&p->lock);
		j->work(j);
		if (j->loop) {
			j->msg.run = report;
			loop_send(j->loop, &j->msg);
		} else {
			j->done(j);
		}
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(unsigned threads, unsigned queue_max)
{
	struct pool *p = mem_zalloc(sizeof *p + threads * sizeof p->threads[0]);
	sigset_t all, old;

	p->queue_max = queue_max;
	p->tail = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	/* signals belong to the main thread */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (; p->n_threads < threads; p->n_threads++)
		if (pthread_create(&p->threads[p->n_threads], NULL, run, p) != 0)
			log_panic("cannot start a pool thread");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	assert(!p->first);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

bool pool_submit(struct pool *p, struct job *j)
{
	bool ok;

	assert(j->work && j->done);
	pthread_mutex_lock(&p->lock);
	ok = p->queued < p->queue_max && !p->closing;
	if (ok) {
		j->next = NULL;
		*p->tail = j;
		p->tail = &j->next;
		p->queued++;
		pthread_cond_signal(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}
