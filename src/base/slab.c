/* SPDX-License-Identifier: Apache-2.0 */
/* slab: pages aligned to their size, so that an object finds its page by masking its address. */
#include "base/slab.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/mem.h"

#define PAGE_BYTES 65536u
#define OBJECT_MAX 4096u

/* Under a sanitizer every object is malloc's own, so that use after giving back is found. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PLAIN 1
#endif
#endif
#ifndef PLAIN
#define PLAIN 0
#endif

struct object {
	struct object *next;
};

struct slab_page {
	struct slab_page *next, **link;  /* among the partial ones; link == NULL: it is full */
	struct object *free;
	char *fresh, *end;               /* never used yet */
	unsigned used;
};

/* mmap aligns to 4 KiB: twice as much is asked for, and what is too much given back. */
static struct slab_page *page_new(size_t size)
{
	char *p = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at;
	struct slab_page *page;

	if (p == MAP_FAILED)
		log_panic("out of memory: %u bytes asked for", PAGE_BYTES);
	at = (char *)(((uintptr_t)p + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1));
	if (at > p)
		munmap(p, (size_t)(at - p));
	if (at + PAGE_BYTES < p + 2 * PAGE_BYTES)
		munmap(at + PAGE_BYTES, (size_t)(p + PAGE_BYTES - at));
	page = (struct slab_page *)(void *)at;
	page->fresh = at + ((sizeof *page + 15) & ~(size_t)15);
	page->end = page->fresh + (size_t)(at + PAGE_BYTES - page->fresh) / size * size;
	return page;
}

static void link_partial(struct slab *s, struct slab_page *p)
{
	p->next = s->partial;
	p->link = &s->partial;
	if (p->next)
		p->next->link = &p->next;
	s->partial = p;
}

static void unlink_partial(struct slab_page *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->link = NULL;
}

void slab_init(struct slab *s, size_t object_bytes)
{
	*s = (struct slab){ .size = (object_bytes + 7) & ~(size_t)7 };
	assert(s->size >= sizeof(struct object) && s->size <= OBJECT_MAX);
}

void slab_fini(struct slab *s)
{
	assert(!s->partial);
	if (s->empty)
		munmap(s->empty, PAGE_BYTES);
	s->empty = NULL;
}

void *slab_take(struct slab *s)
{
	struct slab_page *p = s->partial;
	struct object *o;

	if (PLAIN)
		return mem_zalloc(s->size);
	if (unlikely(!p)) {
		p = s->empty ? s->empty : page_new(s->size);
		s->empty = NULL;
		link_partial(s, p);
	}
	o = p->free;
	if (o) {
		p->free = o->next;
		memset(o, 0, s->size);
	} else {
		o = (struct object *)(void *)p->fresh;
		p->fresh += s->size;
	}
	p->used++;
	if (unlikely(!p->free && p->fresh == p->end))
		unlink_partial(p);
	return o;
}

void slab_give(struct slab *s, void *object)
{
	struct slab_page *p = (struct slab_page *)((uintptr_t)object & ~(uintptr_t)(PAGE_BYTES - 1));
	struct object *o = object;

	if (PLAIN) {
		free(object);
		return;
	}
	assert(p->used > 0);
	o->next = p->free;
	p->free = o;
	if (unlikely(!p->link))
		link_partial(s, p);
	if (--p->used > 0)
		return;
	unlink_partial(p);
	if (s->empty)
		munmap(p, PAGE_BYTES);
	else
		s->empty = p;
}
