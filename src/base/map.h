/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: from byte strings to pointers. Open addressing; hashes are seeded per process, so that no input can be made to
 * collide. Keys are borrowed: they live as long as their entry (usually inside the value). Not safe across threads
 * while it changes.
 */
#ifndef SLUICE_BASE_MAP_H
#define SLUICE_BASE_MAP_H

#include "base/str.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t n, cap;
};

void map_fini(struct map *);                                  /* frees the table, not the values */
void *map_get(const struct map *, struct str key);            /* NULL: absent */
void *map_put(struct map *, struct str key, void *value);     /* the value it replaces, or NULL; value: not NULL */
void *map_take(struct map *, struct str key);                 /* removes and returns it, or NULL */
/* Visits all in no order: `for (size_t i = 0; map_next(&m, &i, &key, &value);)`. No change in between.
 * `key` may be NULL. */
bool map_next(const struct map *, size_t *i, struct str *key, void **value);

uint64_t hash_bytes(struct str);                              /* XXH3-64 with this process's secret seed */

#endif
