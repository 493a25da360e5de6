/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: which deployments of a model may be tried for a request, and why the others may not. Reasons are looked for
 * in this order, and the first one found is the deployment's: dialect, policy, wishes, capability, context window,
 * health, limits.
 */
#ifndef SLUICE_ROUTE_FILTER_H
#define SLUICE_ROUTE_FILTER_H

#include "route/plan.h"

struct filter {
	struct plan_ask *ask;
	const struct route_model *model;
	const struct route_wishes *wishes; /* NULL: none */
	const struct wish_target *target;  /* NULL: none */
	uint32_t needs;                    /* enum model_cap that excludes where it is lacking */
	bool tokens, policy;               /* is it asked at all? Else it cannot exclude anybody */
	uint32_t take;                     /* of tpm */
};

/* Only then is a prompt counted: a token is two bytes and more, but for what nobody writes; if a prompt
 * is longer all the same, its provider says so. window 0: not known. */
static inline bool filter_may_not_fit(uint32_t window, uint64_t body_bytes)
{
	return window && body_bytes / 2 > window;
}

/* Finds out what must be asked of these candidates, and looks up what is needed for it. */
void filter_init(struct filter *, struct plan_ask *, const struct route_model *, const struct wish_target *,
                 const struct candidate *, unsigned n);

/* The candidate's reason, or EXCLUDED_NOT; sets its place, if it is to be probed, and when there is room. */
enum plan_exclusion filter_exclusion(const struct filter *, struct candidate *);

/* Nothing is left, and some are excluded by what they lack: lets go of what may be let go of, so that those can be
 * asked again; never of what the request itself requires. False: that would not help. */
MUST_USE bool filter_relax(struct filter *, const struct candidate *, unsigned n);

/* Its facts; by name, if that is how they are known. */
static inline const struct model_facts *candidate_facts(const struct candidate *c)
{
	return likely(!c->deployment->by_name) ? c->deployment->facts : deployment_facts(c->deployment, c->model);
}

#endif
