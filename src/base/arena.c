/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: a list of heap blocks, each twice as large as the one before. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/block.h"
#include "base/log.h"
#include "base/mem.h"

/* Under AddressSanitizer the free room is poisoned, so that a write past an object is found inside of a block too. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { FIRST_BYTES = BLOCK_BYTES, LAST_BYTES = 65536, ALIGN = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *older;
	size_t bytes; /* with this head */
	_Alignas(ALIGN) char room[];
};

struct arena_cleanup {
	struct arena_cleanup *older;
	void (*fn)(void *arg);
	void *arg;
};

static inline size_t round_up(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void arena_drop_block(struct arena *a)
{
	struct arena_block *block = a->blocks;

	a->blocks = block->older;
	a->used_bytes -= block->bytes;
	if (block->bytes == BLOCK_BYTES)
		block_give(block);
	else
		free(block);
}

/* A request that the next block could not hold gets a block of its own, and the current one stays in use: otherwise one
 * large body would waste what is left of it. */
static void *arena_alloc_slow(struct arena *a, size_t n)
{
	size_t left = a->max_bytes - a->used_bytes, head = sizeof(struct arena_block), bytes = a->next_bytes;
	struct arena_block *block;
	bool alone;

	assert(a->next_bytes); /* arena_init was called */
	if (n > left || head > left - n)
		return NULL;
	alone = head + n > bytes;
	if (alone)
		bytes = head + n;
	else if (bytes > left)
		bytes = left & ~(size_t)(ALIGN - 1); /* the last block: what the ceiling leaves */
	block = bytes == BLOCK_BYTES ? block_take() : mem_alloc(bytes);
	block->bytes = bytes;
	block->older = a->blocks;
	a->blocks = block;
	a->used_bytes += bytes;
	if (a->next_bytes < LAST_BYTES)
		a->next_bytes *= 2;
	if (!alone) {
		a->p = block->room + n;
		a->end = (char *)block + bytes;
	}
	ASAN_POISON_MEMORY_REGION(block->room, bytes - head);
	return block->room;
}

void arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max_bytes = max_bytes & ~(size_t)(ALIGN - 1), .next_bytes = FIRST_BYTES };
}

void arena_fini(struct arena *a)
{
	if (!a)
		return;
	while (a->cleanups) {
		struct arena_cleanup *c = a->cleanups;

		a->cleanups = c->older;
		c->fn(c->arg);
	}
	while (a->blocks)
		arena_drop_block(a);
	assert(a->used_bytes == 0);
	arena_init(a, a->max_bytes);
}

static COLD void *arena_alloc_none(struct arena *a, size_t n)
{
	if (n > 0)
		return NULL;
	return a->p ? a->p : arena_alloc_slow(a, ALIGN);
}

HOT void *arena_alloc(struct arena *a, size_t n)
{
	size_t bytes = round_up(n);
	char *p = a->p;

	/* nothing at all, and so much that it wraps to nothing, are for the slow way */
	if (likely(bytes - 1 < (size_t)(a->end - p)))
		a->p = p + bytes;
	else if (!(p = bytes ? arena_alloc_slow(a, bytes) : arena_alloc_none(a, n)))
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(p, n); /* not `bytes`: so that a byte too many is noticed */
	return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	return likely(p) ? memset(p, 0, n) : NULL;
}

void *arena_must(struct arena *a, size_t n)
{
	void *p = arena_zalloc(a, n);

	if (unlikely(!p))
		log_panic("arena: %zu bytes asked for, %zu of %zu in use", n, a->used_bytes, a->max_bytes);
	return p;
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (unlikely(!p))
		return (struct str){ NULL, 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){ p, s.n };
}

/* Most texts fit the room at hand: printed there first, and a second time only if they did not. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	size_t room = a->p ? (size_t)(a->end - a->p) : 0;
	char *p, *at = a->p;
	va_list args;
	int n;

	if (room)
		ASAN_UNPOISON_MEMORY_REGION(at, room);
	va_start(args, fmt);
	n = vsnprintf(room ? at : NULL, room, fmt, args);
	va_end(args);
	assert(n >= 0);
	if (room)
		ASAN_POISON_MEMORY_REGION(at, room);
	p = arena_alloc(a, (size_t)n + 1);
	if (unlikely(!p))
		return (struct str){ NULL, 0 };
	if (p != at) {
		va_start(args, fmt);
		vsnprintf(p, (size_t)n + 1, fmt, args);
		va_end(args);
	}
	return (struct str){ p, (size_t)n };
}

bool arena_on_free(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

	if (!c)
		return false;
	*c = (struct arena_cleanup){ .older = a->cleanups, .fn = fn, .arg = arg };
	a->cleanups = c;
	return true;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->p, a->end, a->blocks, a->cleanups, a->next_bytes };
}

void arena_rewind(struct arena *a, struct arena_mark m)
{
	assert(a->cleanups == m.cleanups);
	while (a->blocks != m.block) {
		assert(a->blocks); /* else the mark is not of this arena, or older marks were rewound before */
		arena_drop_block(a);
	}
	a->p = m.p;
	a->end = m.end;
	a->next_bytes = m.next_bytes;
	if (a->p)
		ASAN_POISON_MEMORY_REGION(a->p, (size_t)(a->end - a->p));
}
