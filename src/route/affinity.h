/* SPDX-License-Identifier: Apache-2.0 */
/*
 * affinity: which deployment holds the provider-side prompt cache of a conversation, so that its next turn goes there.
 * The key is a hash of tenant, model and conversation (a session's id, or the system prompt and the first turns);
 * what is remembered is the deployment's health (route/health.h), which is its identity over reloads, and when.
 *
 * One table for the process with a fixed number of entries; the oldest of a bucket makes room. Forgotten after `ttl`
 * without a turn. Any thread; a short lock for each shard. It is advice: a plan that may not or cannot use the
 * deployment goes on without it.
 */
#ifndef SLUICE_ROUTE_AFFINITY_H
#define SLUICE_ROUTE_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

struct affinity;
struct health;

struct affinity *affinity_new(size_t entries_max);
void affinity_free(struct affinity *);                   /* NULL is fine */

/* NULL: not known, or longer ago than ttl_ms. Key 0 is nobody's: never known, never kept. */
struct health *affinity_get(struct affinity *, uint64_t key, uint64_t ttl_ms, uint64_t now_ms);
/* An answer began well there: the conversation stays, for another ttl. */
void affinity_put(struct affinity *, uint64_t key, struct health *, uint64_t now_ms);

#endif
