/* SPDX-License-Identifier: Apache-2.0 */
/* route_in: what only this room's files share. */
#ifndef SLUICE_ROUTE_ROUTE_IN_H
#define SLUICE_ROUTE_ROUTE_IN_H

#include "route/plan.h"

/*
 * plan.c: the group of `m`, filtered and in order: p->model, p->group, p->n, p->n_all; p->tries is 0. `matched`: what
 * the star of a pattern stood for. p->n is 0 where all are excluded: the reason stands at each, the most telling one in
 * p->empty; EXCLUDED_LIMIT: p->room_ms is when there may be room. False: no memory.
 */
MUST_USE bool plan_make_group(struct plan *, const struct route_model *m, struct str matched, struct arena *);

/* The model of a client's name, which may have a suffix that sorts (p->sort). NULL: unknown. */
const struct route_model *plan_find(struct plan *, struct str name, struct str *matched);

/* The group under way is empty, by health only: the least bad one is let in, if the settings allow it. */
MUST_USE bool plan_last_resort(struct plan *);

/*
 * arrange.c: puts candidates that may all be tried in order, as numbers in `list`, and gives each its place. Those that
 * are to be none by being behind another (allow_fallbacks: false) are excluded; the number of those that are left.
 */
unsigned plan_arrange(struct plan *, struct candidate *, unsigned n, uint16_t *list);

#endif
