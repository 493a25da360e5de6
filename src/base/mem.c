/* SPDX-License-Identifier: Apache-2.0 */
/* Heap memory that never returns NULL. */
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void mem_setup(void)
{
#ifdef M_MMAP_THRESHOLD /* glibc */
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
#endif
}

void mem_trim(void)
{
#ifdef M_MMAP_THRESHOLD
	malloc_trim(0);
#endif
}

/* malloc(0) may answer NULL, which would look like a failure: ask for one byte then. */
static inline size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

void *mem_alloc(size_t n)
{
	void *p = malloc(at_least_one(n));

	if (unlikely(!p))
		log_panic("out of memory: %zu bytes asked for", n);
	return p;
}

void *mem_zalloc(size_t n)
{
	void *p = calloc(1, at_least_one(n));

	if (unlikely(!p))
		log_panic("out of memory: %zu bytes asked for", n);
	return p;
}

void *mem_realloc(void *old, size_t n)
{
	void *p = realloc(old, at_least_one(n));

	if (unlikely(!p))
		log_panic("out of memory: %zu bytes asked for", n);
	return p;
}

void *mem_dup(const void *p, size_t n)
{
	char *copy = mem_alloc(n + 1);

	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}
