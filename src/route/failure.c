/* SPDX-License-Identifier: Apache-2.0 */
/* failure: the class of a failed call, and whether it may be tried again. */
#include "route/failure.h"

#include <assert.h>

/* What the gateway itself says of an answer, or of none, is never the client's fault. */
static bool is_answer(const struct failure_seen *s)
{
	return s->status >= 400 || s->error->err.status >= 400 || s->error->pass || s->error->type[0] ||
	       s->error->code[0];
}

enum failure_class failure_classify(const struct failure_seen *s)
{
	const struct dialect_error *e = s->error;

	switch (e->err.code) {
	case ERR_NONE:
		return FAILURE_NONE;
	case ERR_RATE_LIMIT:
		return FAILURE_RATE_LIMIT;
	case ERR_CONTENT_POLICY:
		return FAILURE_CONTENT_POLICY;
	case ERR_CONTEXT_LENGTH:
		return FAILURE_CONTEXT_WINDOW;
	case ERR_MODEL_NOT_FOUND:
		return FAILURE_NO_MODEL;
	case ERR_UPSTREAM: case ERR_UPSTREAM_TIMEOUT: case ERR_CONFLICT: case ERR_NO_DEPLOYMENT:
		/* a path that is not known is a wrong address of this deployment */
		if (e->elsewhere_only)
			return s->status == 404 ? FAILURE_NO_MODEL : FAILURE_CREDENTIAL;
		return FAILURE_TRANSIENT;
	case ERR_INVALID_REQUEST: case ERR_GUARDRAIL: case ERR_UNSUPPORTED_PARAMETER: case ERR_INVALID_API_KEY:
	case ERR_INSUFFICIENT_BALANCE: case ERR_MODEL_NOT_ALLOWED: case ERR_POLICY: case ERR_NOT_FOUND:
	case ERR_METHOD: case ERR_REQUEST_TIMEOUT: case ERR_TOO_LARGE: case ERR_MEDIA_TYPE:
	case ERR_HEADERS_TOO_LARGE: case ERR_CLIENT_GONE: case ERR_INTERNAL: case ERR_SHUTTING_DOWN: case ERR_CONFIG:
	case ERR_SYSTEM: case ERR_CODES:
		break;
	}
	return is_answer(s) ? FAILURE_CLIENT : FAILURE_TRANSIENT;
}

/* Some mean a rate limit by 413, or that they are full by 498. */
static int usual_status(enum failure_class class)
{
	return class == FAILURE_RATE_LIMIT ? 429 : 502;
}

bool failure_retryable(const struct failure_seen *s, enum failure_class class, const struct retry_settings *on)
{
	if (s->status >= 500 || s->status == 408 || s->status == 409 || s->status == 429)
		return retry_on_status(on, s->status);
	if (s->status >= 400)
		return retry_on_status(on, s->status) || retry_on_status(on, usual_status(class));
	if (s->error->err.code == ERR_UPSTREAM_TIMEOUT)
		return on->on_timeout;
	if (!s->connected)
		return on->on_connect;
	/* an error inside of what looked like an answer, or an answer that is none */
	return retry_on_status(on, usual_status(class));
}

const char *failure_name(enum failure_class class)
{
	static const char *const names[FAILURES] = {
		[FAILURE_NONE] = "none",
		[FAILURE_TRANSIENT] = "transient",
		[FAILURE_RATE_LIMIT] = "rate_limit",
		[FAILURE_CONTENT_POLICY] = "content_policy",
		[FAILURE_CONTEXT_WINDOW] = "context_window",
		[FAILURE_CREDENTIAL] = "credential",
		[FAILURE_NO_MODEL] = "no_model",
		[FAILURE_CLIENT] = "client",
	};

	assert(class < FAILURES);
	return names[class];
}
