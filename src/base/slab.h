/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab: objects of one size, packed without heads into pages of their own, for what lives as long as a connection or a
 * stream. Apart from malloc's heap, so that neither holes up the other: after a burst of short-lived memory the heap
 * can be given back to the system whatever lives here. One slab belongs to one thread.
 */
#ifndef SLUICE_BASE_SLAB_H
#define SLUICE_BASE_SLAB_H

#include <stddef.h>

#include "base/attr.h"

struct slab_page;

struct slab {
	size_t size;                     /* of an object; a multiple of 8 */
	struct slab_page *partial;       /* pages with a free object */
	struct slab_page *empty;         /* one page without objects, kept for the next need */
};

void slab_init(struct slab *, size_t object_bytes);
void slab_fini(struct slab *);       /* every object must have been given back */
HOT void *slab_take(struct slab *);  /* zeroed */
HOT void slab_give(struct slab *, void *);

#endif
