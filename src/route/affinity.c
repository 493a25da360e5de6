/* SPDX-License-Identifier: Apache-2.0 */
/* affinity: a table of buckets in shards. */
#include "route/affinity.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

enum { SHARDS = 64, WAYS = 4 };          /* WAYS entries a bucket */

struct entry {
	uint64_t key;                    /* 0: empty */
	uint64_t seen_ms;
	struct health *health;
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
};

struct affinity {
	struct shard shards[SHARDS];
	size_t buckets;                  /* of all shards: a power of two, and as many as there are shards at least */
	struct entry (*bucket)[WAYS];    /* zeroed by the kernel: what is not used takes no memory */
};

struct affinity *affinity_new(size_t entries_max)
{
	struct affinity *a = aligned_alloc(64, sizeof(*a));

	assert(a);
	a->buckets = SHARDS;
	while (a->buckets * WAYS < entries_max)
		a->buckets *= 2;
	a->bucket = mem_zalloc(a->buckets * sizeof(*a->bucket));
	for (int i = 0; i < SHARDS; i++) {
		int rc = pthread_mutex_init(&a->shards[i].lock, NULL);

		assert(rc == 0);
	}
	return a;
}

void affinity_free(struct affinity *a)
{
	if (!a)
		return;
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&a->shards[i].lock);
	free(a->bucket);
	free(a);
}

/* Keys are hashes already, but a caller's need not be good ones. */
static size_t bucket_of(const struct affinity *a, uint64_t key)
{
	return (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (a->buckets - 1);
}

/* Of the bucket whose lock is held: the entry of the key, or NULL. */
static struct entry *find(struct entry *bucket, uint64_t key)
{
	for (int i = 0; i < WAYS; i++)
		if (bucket[i].key == key)
			return &bucket[i];
	return NULL;
}

static struct entry *oldest(struct entry *bucket)
{
	struct entry *e = bucket;

	for (int i = 0; i < WAYS; i++) {
		if (bucket[i].key == 0)
			return &bucket[i];
		if (bucket[i].seen_ms < e->seen_ms)
			e = &bucket[i];
	}
	return e;
}

struct health *affinity_get(struct affinity *a, uint64_t key, uint64_t ttl_ms, uint64_t now_ms)
{
	size_t at = bucket_of(a, key);
	pthread_mutex_t *lock = &a->shards[at % SHARDS].lock;
	struct health *found = NULL;
	struct entry *e;

	if (key == 0)
		return NULL;
	pthread_mutex_lock(lock);
	e = find(a->bucket[at], key);
	/* loops read the time once a turn: another one's may be ahead of ours */
	if (e && (e->seen_ms >= now_ms || now_ms - e->seen_ms <= ttl_ms))
		found = e->health;
	pthread_mutex_unlock(lock);
	return found;
}

void affinity_put(struct affinity *a, uint64_t key, struct health *h, uint64_t now_ms)
{
	size_t at = bucket_of(a, key);
	pthread_mutex_t *lock = &a->shards[at % SHARDS].lock;
	struct entry *e;

	assert(h);
	if (key == 0)
		return;
	pthread_mutex_lock(lock);
	e = find(a->bucket[at], key);
	if (!e)
		e = oldest(a->bucket[at]);
	*e = (struct entry){ key, now_ms, h };
	pthread_mutex_unlock(lock);
}
