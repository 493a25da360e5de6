/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure: what a failed call means for routing: one class for each answer, and what each class is answered with.
 *
 *	class            met as                                          answer
 *	transient        timeout, connection, 408, 409, 5xx, 529, cut    others at once, then again with back-off
 *	rate limit       429                                             the deployment is cooled; others; back-off
 *	content policy   the provider refused on its policy              content_policy_fallbacks
 *	context window   the prompt does not fit                         larger deployments, context_window_fallbacks
 *	credential       401, 402, 403: key, credit, permission          the deployment is cooled, alarm; others
 *	no model         404 of this deployment                          the deployment is cooled, alarm; others
 *	client           other 4xx: the request itself is wrong          straight back
 *
 * Pure functions; any thread.
 */
#ifndef SLUICE_ROUTE_FAILURE_H
#define SLUICE_ROUTE_FAILURE_H

#include "dialect/error.h"
#include "route/settings.h"

enum failure_class {
	FAILURE_NONE,                    /* it went well */
	FAILURE_TRANSIENT,
	FAILURE_RATE_LIMIT,
	FAILURE_CONTENT_POLICY,
	FAILURE_CONTEXT_WINDOW,
	FAILURE_CREDENTIAL,
	FAILURE_NO_MODEL,
	FAILURE_CLIENT,
	FAILURES
};

/* How a call ended. */
struct failure_seen {
	const struct dialect_error *error;       /* what was read of it, or what the gateway says of it */
	int status;                              /* the provider's; 0: no answer */
	bool connected;                          /* there was a connection at all */
};

enum failure_class failure_classify(const struct failure_seen *);

/* May it be tried again at all, by the words of routing.retries.on? Only asked of transient ones and rate limits. */
bool failure_retryable(const struct failure_seen *, enum failure_class, const struct retry_settings *);

/* "transient", "rate_limit", …: in logs, metrics and docs. */
const char *failure_name(enum failure_class);

#endif
