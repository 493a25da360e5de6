/* SPDX-License-Identifier: Apache-2.0 */
/* The hash map: linear probing, and removal that moves followers back, so that no tombstones pile up. */
#include "base/map.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

/* In place: for keys of a few words the call into the library costs more than the hash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "base/rand.h"

enum { FIRST_SLOTS = 8 };

struct map_slot {
	uint64_t hash;
	struct str key;
	void *value; /* NULL: free */
};

/* 0: not drawn yet. Whoever comes first draws it; the others take that one. */
static uint64_t hash_seed(void)
{
	static _Atomic uint64_t seed;
	uint64_t mine, found = atomic_load_explicit(&seed, memory_order_relaxed);

	if (likely(found))
		return found;
	rand_secret(&mine, sizeof(mine));
	mine |= 1;
	return atomic_compare_exchange_strong(&seed, &found, mine) ? mine : found;
}

HOT uint64_t hash_bytes(struct str s)
{
	return XXH3_64bits_withSeed(s.n ? s.p : "", s.n, hash_seed());
}

/* The slot of the key, or the free one where it belongs. There is always a free slot. */
static struct map_slot *map_find(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->cap - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct map_slot *slot = &m->slots[i];

		if (!slot->value || (slot->hash == hash && str_eq(slot->key, key)))
			return slot;
	}
}

static void map_grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap ? 2 * old.cap : FIRST_SLOTS;
	assert(m->cap <= SIZE_MAX / sizeof(*m->slots));
	m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++) {
		size_t at;

		if (!old.slots[i].value)
			continue;
		for (at = old.slots[i].hash & (m->cap - 1); m->slots[at].value;)
			at = (at + 1) & (m->cap - 1); /* all keys differ: no need to compare */
		m->slots[at] = old.slots[i];
	}
	free(old.slots);
}

void map_fini(struct map *m)
{
	if (!m)
		return;
	free(m->slots);
	*m = (struct map){ 0 };
}

HOT void *map_get(const struct map *m, struct str key)
{
	return m->n ? map_find(m, key, hash_bytes(key))->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_bytes(key);
	struct map_slot *slot;
	void *old;

	assert(value);
	if (4 * (m->n + 1) > 3 * m->cap)
		map_grow(m);
	slot = map_find(m, key, hash);
	old = slot->value;
	*slot = (struct map_slot){ hash, key, value }; /* the new key too: the old one may go with its value */
	m->n += !old;
	return old;
}

void *map_take(struct map *m, struct str key)
{
	size_t mask = m->cap - 1, hole, i;
	struct map_slot *slot;
	void *value;

	if (m->n == 0)
		return NULL;
	slot = map_find(m, key, hash_bytes(key));
	value = slot->value;
	if (!value)
		return NULL;
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		/* An entry may move back into the hole unless its own place lies behind the hole. */
		if (((i - m->slots[i].hash) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){ 0 };
	m->n--;
	return value;
}

bool map_next(const struct map *m, size_t *i, struct str *key, void **value)
{
	while (*i < m->cap) {
		const struct map_slot *slot = &m->slots[(*i)++];

		if (!slot->value)
			continue;
		if (key)
			*key = slot->key;
		*value = slot->value;
		return true;
	}
	return false;
}
