/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory of one request (or one configuration snapshot), freed in one call. It has a ceiling; reaching it makes
 * arena_alloc return NULL, which is an ordinary error where a client or provider decides about the size, and fatal
 * through arena_must where it does not. Cleanups for what is not memory (fd, reference, lease) run last-in first-out
 * when the arena is freed. One thread at a time. Memory is aligned for any type and not zeroed.
 */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena_cleanup;

struct arena {
	char *p, *end;                  /* free room in the block now in use */
	struct arena_block *blocks;     /* newest first */
	struct arena_cleanup *cleanups; /* newest first */
	size_t used_bytes, max_bytes;   /* bytes of blocks held, and their ceiling */
	size_t next_bytes;              /* of the next block */
};

struct arena_mark {
	char *p, *end;
	struct arena_block *block;
	struct arena_cleanup *cleanups;
	size_t next_bytes;
};

void arena_init(struct arena *, size_t max_bytes);
void arena_fini(struct arena *);           /* runs cleanups, frees all; the arena can be used again */

void *arena_alloc(struct arena *, size_t n);        /* NULL: the ceiling is reached */
void *arena_zalloc(struct arena *, size_t n);       /* zeroed; NULL: the ceiling is reached */
void *arena_must(struct arena *, size_t n);         /* zeroed; panics at the ceiling: for sizes we choose ourselves */

/* Copies into the arena; the copy is followed by a NUL that is not counted. p == NULL: the ceiling is reached. */
struct str arena_dup(struct arena *, struct str);
struct str arena_printf(struct arena *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Runs fn(arg) when the arena is freed. False: the ceiling is reached, and fn was NOT registered. */
MUST_USE bool arena_on_free(struct arena *, void (*fn)(void *arg), void *arg);

/* A mark and the way back to it: what was allocated since is gone. No cleanup may be registered in between. */
struct arena_mark arena_mark(const struct arena *);
void arena_rewind(struct arena *, struct arena_mark);

#endif
