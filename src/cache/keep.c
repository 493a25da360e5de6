/* SPDX-License-Identifier: Apache-2.0 */
/* keep: shards of a map and a list in the order of use. */
#include "cache/keep.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

enum { SHARDS = 8, KEY_BYTES = KEEP_KEY_MAX + 4 };

/* What malloc, the map's slot and the like add to an entry. */
enum { ENTRY_OVERHEAD = 80 };

struct entry {
	struct entry *newer, *older;     /* in the order of use */
	uint64_t put_ms;                 /* monotonic */
	size_t key_n, value_n;
	_Atomic unsigned refs;           /* the shard's, and each reader's while it copies */
	char bytes[];                    /* key, then value */
};

struct shard {
	pthread_mutex_t lock;
	struct map map;                  /* key → entry */
	struct entry *newest, *oldest;
	uint64_t bytes, evicted;
};

struct keep {
	_Atomic int64_t shard_bytes, ttl_ms;
	struct shard shards[SHARDS];
};

static struct str entry_key(const struct entry *e)
{
	return str_of(e->bytes, e->key_n);
}

static size_t entry_bytes(size_t key_n, size_t value_n)
{
	return sizeof(struct entry) + key_n + value_n + ENTRY_OVERHEAD;
}

static void entry_unref(struct entry *e)
{
	if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
		free(e);
}

/* Kind, length of the tenant's name, tenant, id: no two pairs look alike. n == 0: too long, or without an id. */
static struct str make_key(char out[KEY_BYTES], struct str tenant, enum keep_kind kind, struct str id)
{
	assert(kind < KEEP_KINDS);
	if (id.n == 0 || tenant.n > KEEP_KEY_MAX || id.n > KEEP_KEY_MAX - tenant.n)
		return (struct str){ 0 };
	out[0] = (char)kind;
	out[1] = (char)(tenant.n >> 8);
	out[2] = (char)(tenant.n & 0xff);
	put_str(put_str(out + 3, tenant), id);
	return str_of(out, 3 + tenant.n + id.n);
}

static struct shard *shard_lock(struct keep *k, struct str key)
{
	/* the map takes the hash's low bits */
	struct shard *s = &k->shards[(hash_bytes(key) >> 56) % SHARDS];

	pthread_mutex_lock(&s->lock);
	return s;
}

static void link_newest(struct shard *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

static void unlink_entry(struct shard *s, struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		s->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
}

/* Takes it out of the shard; its reference goes to the caller. */
static struct entry *take(struct shard *s, struct entry *e)
{
	void *taken = map_take(&s->map, entry_key(e));

	assert(taken == e);
	unlink_entry(s, e);
	s->bytes -= entry_bytes(e->key_n, e->value_n);
	return e;
}

static bool too_old(const struct keep *k, const struct entry *e, uint64_t now_ms)
{
	return now_ms - e->put_ms >= (uint64_t)atomic_load_explicit(&k->ttl_ms, memory_order_relaxed);
}

/* Makes room for `bytes` more, and lets go of what is too old at the end of the list. */
static void make_room(struct keep *k, struct shard *s, size_t bytes, uint64_t now_ms)
{
	uint64_t max = (uint64_t)atomic_load_explicit(&k->shard_bytes, memory_order_relaxed);

	while (s->oldest) {
		bool old = too_old(k, s->oldest, now_ms);

		if (!old && s->bytes + bytes <= max)
			return;
		s->evicted += !old;
		entry_unref(take(s, s->oldest));
	}
}

static struct entry *entry_new(struct str key, struct str value, uint64_t now_ms)
{
	struct entry *e = mem_alloc(sizeof(*e) + key.n + value.n);

	e->newer = e->older = NULL;
	e->put_ms = now_ms;
	e->key_n = key.n;
	e->value_n = value.n;
	atomic_init(&e->refs, 1);
	put_str(put_str(e->bytes, key), value);
	return e;
}

bool keep_put(struct keep *k, struct str tenant, enum keep_kind kind, struct str id, struct str value)
{
	char key_text[KEY_BYTES];
	struct str key = make_key(key_text, tenant, kind, id);
	uint64_t now_ms = clock_now_ms();
	struct entry *mine = NULL, *other;
	struct shard *s;

	if (key.n == 0)
		return false;
	size_t bytes = entry_bytes(key.n, value.n);
	bool fits = bytes <= (size_t)atomic_load_explicit(&k->shard_bytes, memory_order_relaxed);
	if (fits)
		mine = entry_new(key, value, now_ms);
	s = shard_lock(k, key);
	other = map_get(&s->map, key);
	if (other)
		take(s, other);
	if (fits) {
		make_room(k, s, bytes, now_ms);
		map_put(&s->map, entry_key(mine), mine);
		link_newest(s, mine);
		s->bytes += bytes;
	}
	pthread_mutex_unlock(&s->lock);
	entry_unref(other);
	return fits;
}

bool keep_get(struct keep *k, struct arena *a, struct str tenant, enum keep_kind kind, struct str id, struct str *out)
{
	char key_text[KEY_BYTES];
	struct str key = make_key(key_text, tenant, kind, id), copy;
	struct entry *e, *gone = NULL;
	struct shard *s;

	if (key.n == 0)
		return false;
	s = shard_lock(k, key);
	e = map_get(&s->map, key);
	if (e && too_old(k, e, clock_now_ms())) {
		gone = take(s, e);
		e = NULL;
	} else if (e) {
		unlink_entry(s, e);
		link_newest(s, e);
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&s->lock);
	entry_unref(gone);
	if (!e)
		return false;
	copy = arena_dup(a, str_of(e->bytes + e->key_n, e->value_n));
	entry_unref(e);
	if (!copy.p)
		return false;
	*out = copy;
	return true;
}

bool keep_drop(struct keep *k, struct str tenant, enum keep_kind kind, struct str id)
{
	char key_text[KEY_BYTES];
	struct str key = make_key(key_text, tenant, kind, id);
	struct entry *e;
	struct shard *s;
	bool found;

	if (key.n == 0)
		return false;
	s = shard_lock(k, key);
	e = map_get(&s->map, key);
	found = e && !too_old(k, e, clock_now_ms());
	if (e)
		take(s, e);
	pthread_mutex_unlock(&s->lock);
	entry_unref(e);
	return found;
}

struct keep_figures keep_figures(struct keep *k)
{
	struct keep_figures sum = { 0 };

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &k->shards[i];

		pthread_mutex_lock(&s->lock);
		sum.entries += s->map.n;
		sum.bytes += s->bytes;
		sum.evicted += s->evicted;
		pthread_mutex_unlock(&s->lock);
	}
	return sum;
}

void keep_limit(struct keep *k, int64_t max_bytes, int64_t ttl_ms)
{
	assert(max_bytes >= 0 && ttl_ms > 0);
	atomic_store_explicit(&k->shard_bytes, max_bytes / SHARDS, memory_order_relaxed);
	atomic_store_explicit(&k->ttl_ms, ttl_ms, memory_order_relaxed);
}

struct keep *keep_new(int64_t max_bytes, int64_t ttl_ms)
{
	struct keep *k = mem_zalloc(sizeof(*k));

	for (size_t i = 0; i < SHARDS; i++) {
		int rc = pthread_mutex_init(&k->shards[i].lock, NULL);

		assert(rc == 0);
	}
	keep_limit(k, max_bytes, ttl_ms);
	return k;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &k->shards[i];

		while (s->oldest)
			entry_unref(take(s, s->oldest));
		map_fini(&s->map);
		pthread_mutex_destroy(&s->lock);
	}
	free(k);
}
