/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep: what the gateway remembers between two requests of one client, by name: responses that may be continued or
 * fetched again, which deployment made one, and opaque tokens that the client's dialect cannot carry, by the id of
 * their tool call (rules T21, O3, O4).
 *
 * Bounded in bytes and in age; when it is full, what was not used for the longest time goes. Memory only: after a
 * restart it is empty, and a client that names what is gone is told so. A tenant never sees another's: its name is part
 * of the key, which is compared whole.
 *
 * Owned by the gateway; safe from any thread. Keys are spread over a few shards with a mutex each, which is held for
 * a lookup and never for a copy; values are copied in and out.
 *
 *	keep_put(keep, tenant, KEEP_RESPONSE, STR("resp_01…"), value);
 *	if (keep_get(keep, arena, tenant, KEEP_RESPONSE, id, &value)) …
 */
#ifndef SLUICE_CACHE_KEEP_H
#define SLUICE_CACHE_KEEP_H

#include "base/str.h"

struct arena;
struct keep;

enum keep_kind {
	KEEP_RESPONSE,       /* by response id: the answer, or who made it */
	KEEP_INPUT,          /* by response id: what led to it */
	KEEP_OPAQUE,         /* by tool call id: an opaque token */
	KEEP_KINDS
};

/* Tenant and id together may not be longer. */
enum { KEEP_KEY_MAX = 512 };

struct keep *keep_new(int64_t max_bytes, int64_t ttl_ms);
void keep_free(struct keep *);                       /* accepts NULL */
/* Other limits, after a reload: what is too much or too old goes as the store is used. */
void keep_limit(struct keep *, int64_t max_bytes, int64_t ttl_ms);

/* Keeps a copy, in place of what had that name. False: the value is larger than a shard, or the key is too long or
 * empty: nothing is kept under that name then. */
bool keep_put(struct keep *, struct str tenant, enum keep_kind, struct str id, struct str value);
/* A copy in the arena, followed by a NUL that is not counted. False: it is not there (any more), or the arena is
 * full. */
MUST_USE bool keep_get(struct keep *, struct arena *, struct str tenant, enum keep_kind, struct str id,
                       struct str *out);
/* False: it was not there. */
bool keep_drop(struct keep *, struct str tenant, enum keep_kind, struct str id);

/* Sums over all shards, not of one moment. */
struct keep_figures {
	uint64_t entries, bytes;     /* held */
	uint64_t evicted;            /* gone for want of room, since the start */
};
struct keep_figures keep_figures(struct keep *);

#endif
