/* SPDX-License-Identifier: Apache-2.0 */
/* look: reads a request for what a plan must know of it and its bytes do not tell. Pure; any thread. */
#ifndef SLUICE_GATEWAY_LOOK_H
#define SLUICE_GATEWAY_LOOK_H

#include "dialect/dialect.h"
#include "route/plan.h"

struct arena;
struct estimator;

struct look {
	const struct dialect_request *rq;
	struct str model;                /* whose tokens are counted */
	bool count;                      /* else they are estimated by the bytes: counting takes about 10 ns for each */
	const struct estimator *estimator; /* NULL: nothing was learned */
	struct arena *arena;             /* left as it was */
};

/* The upstream model whose tokens are counted for a group: those of a group are mostly of one family. */
struct str look_model(const struct route_model *, struct str asked);

/* LOOK_NEEDS and LOOK_TOKENS. */
void look_into(const struct look *, struct plan_ask *);

#endif
