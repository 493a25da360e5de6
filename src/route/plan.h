/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: for one request, the candidates in the order in which they are tried.
 *
 * A model's candidates form a group. Inside a group there are 1 + retries.attempts tries: one candidate after the other
 * without waiting, and from the beginning again with back-off when there are fewer candidates than tries. When a
 * group's tries are used up, the next fallback model's group follows.
 *
 * A provider that does not speak the client's dialect is a candidate all the same if the call can be translated.
 */
#ifndef SLUICE_ROUTE_PLAN_H
#define SLUICE_ROUTE_PLAN_H

#include "route/table.h"

#define PLAN_GROUP_MAX 32

struct candidate {
	const struct deployment *deployment;
	const struct route_face *face;
	unsigned face_index;
	const struct dialect *dialect;   /* that is spoken there; not the client's: to be translated */
	struct str model;                /* the upstream's name for it */
};

struct plan {
	const struct route_table *table;
	const struct route_model *first;
	enum dialect_id dialect;
	enum dialect_call call;
	struct candidate *group;         /* the group under way */
	unsigned n;
	unsigned tries;                  /* used in this group */
	unsigned fallback;               /* index + 1 of the fallback under way; 0: the model itself */
};

/* Plans for the model `name`. ERR_MODEL_NOT_FOUND: unknown; ERR_INVALID_REQUEST: none of its deployments speaks the
 * dialect. The plan's parts are in the arena. */
MUST_USE bool plan_make(struct plan *, const struct route_table *, struct str name, enum dialect_id,
                        enum dialect_call, struct arena *, struct err *);

/* The candidate of the next try, and how long to wait before it (milliseconds; 0: at once). `retry_after_ms` is
 * what the last answer asked for (-1: nothing); longer than routing.retries.respect_retry_after means that this
 * group is over. False: nothing is left. */
MUST_USE bool plan_next(struct plan *, int64_t retry_after_ms, struct arena *, struct candidate *out,
                        uint32_t *wait_ms);

/* Puts candidates that are this deployment first, then those of its provider. */
void plan_prefer(struct plan *, struct str deployment);

/* Another try in this group is of no use (a bad credential and the like): the next one is another deployment's. */
void plan_skip_deployment(struct plan *, const struct deployment *);

#endif
