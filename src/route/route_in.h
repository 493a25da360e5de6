/* SPDX-License-Identifier: Apache-2.0 */
/* route_in: what only this room's files share. */
#ifndef SLUICE_ROUTE_ROUTE_IN_H
#define SLUICE_ROUTE_ROUTE_IN_H

#include "route/plan.h"

/*
 * plan.c: the group of `m`, filtered and in order: p->model, p->group, p->n, p->n_all; p->tries is 0. `matched`: what
 * the star of a pattern stood for. p->n is 0 where all are excluded: the reason stands at each. False: no memory.
 */
MUST_USE bool plan_make_group(struct plan *, const struct route_model *m, struct str matched, struct arena *);

#endif
