/* SPDX-License-Identifier: Apache-2.0 */
/* Ref-counted immutable payloads, published whole. */

#include "conf/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct snapshot {
	_Atomic uint64_t refs;
	void *payload;
	void (*free_payload)(void *);
};

struct snapshot *snapshot_new(void *payload, void (*free_payload)(void *))
{
	assert(payload);
	struct snapshot *s = mem_zalloc(sizeof(*s));
	atomic_init(&s->refs, 1);
	s->payload = payload;
	s->free_payload = free_payload;
	return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	uint64_t before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s)
		return;
	/* Release: this holder's reads come before the free; acquire: all others' reads do too. */
	uint64_t before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before > 1)
		return;
	if (s->free_payload)
		s->free_payload(s->payload);
	free(s);
}

void *snapshot_payload(const struct snapshot *s)
{
	return s->payload;
}

void snapshot_slot_init(struct snapshot_slot *slot, struct snapshot *first)
{
	assert(first);
	int failed = pthread_mutex_init(&slot->lock, NULL);
	assert(!failed);
	slot->current = first;
	atomic_init(&slot->version, 1);
}

void snapshot_slot_fini(struct snapshot_slot *slot)
{
	snapshot_unref(slot->current);
	slot->current = NULL;
	pthread_mutex_destroy(&slot->lock);
}

void snapshot_publish(struct snapshot_slot *slot, struct snapshot *next)
{
	assert(next);
	pthread_mutex_lock(&slot->lock);
	struct snapshot *old = slot->current;
	slot->current = next;
	atomic_fetch_add_explicit(&slot->version, 1, memory_order_release);
	pthread_mutex_unlock(&slot->lock);
	/* Outside of the lock: the destructor may be long. */
	snapshot_unref(old);
}

struct snapshot *snapshot_take(struct snapshot_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	struct snapshot *s = snapshot_ref(slot->current);
	pthread_mutex_unlock(&slot->lock);
	return s;
}

void snapshot_reader_init(struct snapshot_reader *r, struct snapshot_slot *slot)
{
	*r = (struct snapshot_reader){ .slot = slot };
}

void snapshot_reader_fini(struct snapshot_reader *r)
{
	snapshot_unref(r->held);
	r->held = NULL;
}

struct snapshot *snapshot_current(struct snapshot_reader *r)
{
	uint64_t version = atomic_load_explicit(&r->slot->version, memory_order_acquire);
	if (likely(r->held && version == r->version))
		return r->held;
	/* A publication after the load above only means that the next call looks again. */
	struct snapshot *old = r->held;
	r->held = snapshot_take(r->slot);
	r->version = version;
	snapshot_unref(old);
	return r->held;
}
