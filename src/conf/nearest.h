/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest: the known word that a wrong one was probably meant to be.
 *
 *	struct nearest near = nearest_to(wrong);
 *	for (…) nearest_offer(&near, known[i]);
 *	if (near.best.p) …  "did you mean …"
 */
#ifndef SLUICE_CONF_NEAREST_H
#define SLUICE_CONF_NEAREST_H

#include "base/str.h"

struct nearest {
	struct str word, best;           /* best.p is NULL while nothing is near enough */
	size_t distance;                 /* only what is nearer than this is taken */
};

/* One slip in short words, up to three in long ones (two letters in the wrong order count as two): what is farther is
 * another word. */
static inline struct nearest nearest_to(struct str word)
{
	size_t slips = word.n <= 3 ? 1 : word.n <= 6 ? 2 : 3;
	return (struct nearest){ .word = word, .distance = slips + 1 };
}

static inline void nearest_offer(struct nearest *near, struct str known)
{
	size_t d = str_ieq(near->word, known) ? 0 : str_distance(near->word, known, near->distance);
	if (d < near->distance) {
		near->best = known;
		near->distance = d;
	}
}

#endif
