/* SPDX-License-Identifier: Apache-2.0 */
/* explain: a plan in words: for logs, heads of answers, and who is refused. */
#include <assert.h>

#include "base/buf.h"
#include "base/err.h"
#include "route/plan.h"

static const char *const place_names[PLACES] = {
	[PLACE_ONLY] = "only",         [PLACE_STRATEGY] = "strategy", [PLACE_WISH] = "wish",
	[PLACE_AFFINITY] = "affinity", [PLACE_STATE] = "state",       [PLACE_OUTPUT] = "output",
	[PLACE_SLOW] = "slow",         [PLACE_PROBE] = "probe",       [PLACE_LAST_RESORT] = "last_resort",
};

static const char *const exclusion_names[EXCLUSIONS] = {
	[EXCLUDED_NOT] = "not",
	[EXCLUDED_DIALECT] = "dialect",
	[EXCLUDED_CAPABILITY] = "capability",
	[EXCLUDED_CONTEXT_WINDOW] = "context_window",
	[EXCLUDED_MAX_OUTPUT] = "max_output",
	[EXCLUDED_QUANTIZATION] = "quantization",
	[EXCLUDED_PRICE] = "price",
	[EXCLUDED_REGION] = "region",
	[EXCLUDED_ZDR] = "zdr",
	[EXCLUDED_DATA_COLLECTION] = "data_collection",
	[EXCLUDED_WISH] = "wish",
	[EXCLUDED_COOLING] = "cooling",
	[EXCLUDED_BROKEN] = "broken",
	[EXCLUDED_LIMIT] = "limit",
	[EXCLUDED_FAILED] = "failed",
};

const char *plan_place_name(enum plan_place p)
{
	assert(p < PLACES);
	return place_names[p];
}

const char *plan_exclusion_name(enum plan_exclusion e)
{
	assert(e < EXCLUSIONS);
	return exclusion_names[e];
}

/* A deployment by the model that the request gets there. */
static void tell_name(const struct candidate *c, struct buf *out)
{
	buf_append(out, c->deployment->provider->name);
	buf_append_c(out, '/');
	buf_append(out, c->model);
}

void plan_tell(const struct plan *p, struct buf *out)
{
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];

		if (i)
			buf_append(out, STR("; "));
		tell_name(c, out);
		if (i < p->n)
			buf_append(out, str_from_z(" "));
		else
			buf_append(out, str_from_z(" excluded:"));
		buf_append(out, str_from_z(i < p->n ? plan_place_name((enum plan_place)c->place)
		                                    : plan_exclusion_name((enum plan_exclusion)c->excluded)));
	}
}

/* ---- refusals ---- */

/* "openai/gpt-4o: cooling, azure/gpt-4o: region". The error's text is cut where it is full. */
static void tell_exclusions(const struct plan *p, struct buf *out)
{
	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];

		if (i)
			buf_append(out, STR(", "));
		tell_name(c, out);
		buf_append(out, STR(": "));
		buf_append(out, str_from_z(plan_exclusion_name((enum plan_exclusion)c->excluded)));
	}
}

static uint32_t largest_window(const struct plan *p)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < p->n_all; i++) {
		uint32_t window = deployment_facts(p->group[i].deployment, p->group[i].model)->context_window;

		if (p->group[i].excluded == EXCLUDED_CONTEXT_WINDOW && window > most)
			most = window;
	}
	return most;
}

int64_t plan_back_in_ms(const struct plan *p)
{
	uint64_t now = p->ask.now_ms, soonest = UINT64_MAX;

	for (unsigned i = 0; i < p->n_all; i++) {
		const struct candidate *c = &p->group[i];
		uint64_t back;

		if (c->excluded != EXCLUDED_COOLING && c->excluded != EXCLUDED_BROKEN)
			continue;
		back = health_back_ms(c->health);
		if (back < soonest)
			soonest = back;
	}
	if (soonest == UINT64_MAX)
		return p->room_ms ? (int64_t)p->room_ms : -1;
	return soonest > now ? (int64_t)(soonest - now) : 0;
}

/* Seconds, rounded up. */
static unsigned long long back_in_s(const struct plan *p)
{
	int64_t ms = plan_back_in_ms(p);

	return ms > 0 ? (unsigned long long)(ms + 999) / 1000 : 0;
}

static bool refuse_with(const struct plan *p, struct str list, struct err *e)
{
	struct str name = p->model->pattern ? p->ask.model : p->model->name;

	switch ((enum plan_exclusion)p->empty) {
	case EXCLUDED_NOT: break;
	case EXCLUDED_DIALECT:
		return err_set(e, ERR_INVALID_REQUEST, "the model \"%.*s\" cannot be reached through the %s API",
		               STR_ARG(name), dialect_by_id(p->ask.dialect)->name);
	case EXCLUDED_CAPABILITY:
	case EXCLUDED_MAX_OUTPUT:
		return err_set(
			e, ERR_UNSUPPORTED_PARAMETER,
			"no deployment of the model \"%.*s\" is known to be able to do all that the request asks "
			"for, as its require_parameters wants (%.*s)",
			STR_ARG(name), STR_ARG(list));
	case EXCLUDED_CONTEXT_WINDOW:
		return err_set(e, ERR_CONTEXT_LENGTH,
		               "the prompt has %u tokens, and the largest context window of the model \"%.*s\" has %u "
		               "(%.*s)",
		               p->ask.prompt_tokens, STR_ARG(name), largest_window(p), STR_ARG(list));
	case EXCLUDED_REGION:
	case EXCLUDED_ZDR:
	case EXCLUDED_DATA_COLLECTION:
		return err_set(e, ERR_POLICY,
		               "no deployment of the model \"%.*s\" satisfies the policy that holds for this request "
		               "(%.*s)",
		               STR_ARG(name), STR_ARG(list));
	case EXCLUDED_QUANTIZATION:
	case EXCLUDED_PRICE:
	case EXCLUDED_WISH:
		return err_set(e, ERR_INVALID_REQUEST,
		               "what the request says about its routing leaves no deployment of the model \"%.*s\" "
		               "(%.*s)",
		               STR_ARG(name), STR_ARG(list));
	case EXCLUDED_COOLING:
	case EXCLUDED_BROKEN:
		return err_set(e, ERR_NO_DEPLOYMENT,
		               "no deployment of the model \"%.*s\" can be used now; one may be back in %llu s (%.*s)",
		               STR_ARG(name), back_in_s(p), STR_ARG(list));
	case EXCLUDED_LIMIT:
		return err_set(
			e, ERR_NO_DEPLOYMENT,
			"all deployments of the model \"%.*s\" that can be used are at their limits; there may be "
			"room in %u ms (%.*s)",
			STR_ARG(name), p->room_ms, STR_ARG(list));
	case EXCLUDED_FAILED:
	case EXCLUSIONS: break;
	}
	return err_set(e, ERR_NO_DEPLOYMENT, "the model \"%.*s\" has no deployment that can be used (%.*s)",
	               STR_ARG(name), STR_ARG(list));
}

COLD bool plan_refuse(const struct plan *p, struct err *e)
{
	struct buf list = buf_make(sizeof e->text);

	tell_exclusions(p, &list);
	(void)refuse_with(p, buf_str(&list), e);
	buf_fini(&list);
	return false;
}
