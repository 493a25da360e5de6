/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: an immutable, ref-counted payload (the configuration), and the place where the current one is published.
 * A reload publishes a new one whole; the old one is freed when its last holder lets go, on that holder's thread.
 *
 * Each thread has a snapshot_reader. It looks for news with one load and takes the lock only after a publication:
 *
 *	const struct config *c = snapshot_payload(snapshot_current(&reader));       borrowed until the next look
 *	r->conf = snapshot_ref(snapshot_current(&reader));                          for as long as the request lives
 */
#ifndef SLUICE_CONF_SNAPSHOT_H
#define SLUICE_CONF_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"

struct snapshot;

struct snapshot *snapshot_new(void *payload, void (*free_payload)(void *));   /* takes the payload; one reference */
struct snapshot *snapshot_ref(struct snapshot *);     /* the same, with one reference more; any thread */
void snapshot_unref(struct snapshot *);               /* NULL is fine; any thread */
void *snapshot_payload(const struct snapshot *);

struct snapshot_slot {
	pthread_mutex_t lock;
	struct snapshot *current;
	_Atomic uint64_t version;        /* changes with each publication */
};

void snapshot_slot_init(struct snapshot_slot *, struct snapshot *first);      /* takes the reference */
void snapshot_slot_fini(struct snapshot_slot *);                              /* no reader may look any more */
void snapshot_publish(struct snapshot_slot *, struct snapshot *next);         /* takes the reference; any thread */
/* The current one, with a reference; any thread. */
MUST_USE struct snapshot *snapshot_take(struct snapshot_slot *);

/* One thread's view of a slot. */
struct snapshot_reader {
	struct snapshot_slot *slot;
	struct snapshot *held;
	uint64_t version;
};

void snapshot_reader_init(struct snapshot_reader *, struct snapshot_slot *);
void snapshot_reader_fini(struct snapshot_reader *);
struct snapshot *snapshot_current(struct snapshot_reader *);                  /* borrowed until the next call */

#endif
