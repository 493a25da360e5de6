/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks given back are kept in a list for each thread, up to a ceiling. */
#include "base/block.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

/* Under a sanitizer every block is malloc's own, so that use after giving back is found. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEPT_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEPT_MAX 0
#endif
#endif
#ifndef KEPT_MAX
#define KEPT_MAX 128 /* half a megabyte a thread */
#endif

struct kept {
	struct kept *next;
};

static _Thread_local struct {
	struct kept *first;
	unsigned n;
	bool known; /* a thread that ends gives its blocks back */
} cache;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_end;

void block_drop(void)
{
	while (cache.first) {
		struct kept *k = cache.first;

		cache.first = k->next;
		free(k);
	}
	cache.n = 0;
}

static void drop_all(void *unused)
{
	block_drop();
	cache.n = KEPT_MAX; /* what comes later goes to malloc at once */
}

static void make_key(void)
{
	if (pthread_key_create(&at_end, drop_all) != 0)
		abort();
}

static COLD void know_thread(void)
{
	pthread_once(&once, make_key);
	pthread_setspecific(at_end, &cache);
	cache.known = true;
}

void *block_take(void)
{
	struct kept *k = cache.first;

	if (unlikely(!k))
		return mem_alloc(BLOCK_BYTES);
	cache.first = k->next;
	cache.n--;
	return k;
}

void block_give(void *block)
{
	struct kept *k = block;

	if (!k)
		return;
	if (cache.n + 1 > KEPT_MAX) {
		free(k);
		return;
	}
	if (unlikely(!cache.known))
		know_thread();
	k->next = cache.first;
	cache.first = k;
	cache.n++;
}
