/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wish_cloudflare: the fields cf-aig-* of Cloudflare's AI Gateway
 * (developers.cloudflare.com/ai-gateway/configuration/request-handling, /ai-gateway/glossary). Those of its cache,
 * log and cost are taken and end here.
 */
#include "route/wish_in.h"

/* Cloudflare takes 1 to 5 attempts; more do no harm. The first one is among them. */
static bool take_attempts(struct wish_reader *r, struct str v)
{
	int64_t n = 1;

	if (!wish_text_int(r, "cf-aig-max-attempts", v, 1, WISH_ATTEMPTS_MAX + 1, &n))
		return false;
	if (r->out->attempts == WISH_UNSET)
		r->out->attempts = n - 1;
	return true;
}

static bool take_backoff(struct wish_reader *r, struct str v)
{
	static const struct { struct str word; enum wish_backoff backoff; } words[] = {
		{ STR_INIT("constant"), WISH_BACKOFF_CONSTANT }, { STR_INIT("linear"), WISH_BACKOFF_LINEAR },
		{ STR_INIT("exponential"), WISH_BACKOFF_EXPONENTIAL },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_ieq(v, words[i].word)) {
			r->out->backoff = words[i].backoff;
			return true;
		}
	return wish_refuse_text(r, "cf-aig-backoff", "constant, linear or exponential", v);
}

bool wish_read_cloudflare(struct wish_reader *r)
{
	struct route_wishes *w = r->out;
	int64_t ms = WISH_UNSET, delay = WISH_UNSET;
	struct str v;

	/* until the first part of the answer, says its documentation */
	if ((v = wish_field(r, STR("cf-aig-request-timeout"))).p &&
	    !wish_text_int(r, "cf-aig-request-timeout", v, 1, WISH_WAIT_MAX_MS, &ms))
		return false;
	if ((v = wish_field(r, STR("cf-aig-retry-delay"))).p &&
	    !wish_text_int(r, "cf-aig-retry-delay", v, 0, 60000, &delay))
		return false;
	if (w->first_byte_ms == WISH_UNSET)
		w->first_byte_ms = ms;
	if (w->base_ms == WISH_UNSET)
		w->base_ms = delay;
	if ((v = wish_field(r, STR("cf-aig-max-attempts"))).p && !take_attempts(r, v))
		return false;
	return !(v = wish_field(r, STR("cf-aig-backoff"))).p || take_backoff(r, v);
}
