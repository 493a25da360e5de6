/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values: their names, their HTTP statuses, their texts. */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

static const struct {
	const char *name;
	int status;
	enum err_origin origin;
	bool retryable;
} codes[ERR_CODES] = {
	[ERR_NONE] = { "none", 0, ERR_FROM_GATEWAY, false },
	[ERR_INVALID_REQUEST] = { "invalid_request_error", 400, ERR_FROM_CLIENT, false },
	[ERR_CONTEXT_LENGTH] = { "context_length_exceeded", 400, ERR_FROM_CLIENT, false },
	[ERR_CONTENT_POLICY] = { "content_policy_violation", 400, ERR_FROM_CLIENT, false },
	[ERR_GUARDRAIL] = { "guardrail_blocked", 400, ERR_FROM_CLIENT, false },
	[ERR_UNSUPPORTED_PARAMETER] = { "unsupported_parameter", 400, ERR_FROM_CLIENT, false },
	[ERR_INVALID_API_KEY] = { "invalid_api_key", 401, ERR_FROM_CLIENT, false },
	[ERR_INSUFFICIENT_BALANCE] = { "insufficient_balance", 402, ERR_FROM_CLIENT, false },
	[ERR_MODEL_NOT_ALLOWED] = { "model_not_allowed", 403, ERR_FROM_CLIENT, false },
	[ERR_POLICY] = { "policy_violation", 403, ERR_FROM_CLIENT, false },
	[ERR_MODEL_NOT_FOUND] = { "model_not_found", 404, ERR_FROM_CLIENT, false },
	[ERR_NOT_FOUND] = { "not_found", 404, ERR_FROM_CLIENT, false },
	[ERR_METHOD] = { "method_not_allowed", 405, ERR_FROM_CLIENT, false },
	[ERR_REQUEST_TIMEOUT] = { "request_timeout", 408, ERR_FROM_CLIENT, false },
	[ERR_CONFLICT] = { "conflict", 409, ERR_FROM_CLIENT, false },
	[ERR_TOO_LARGE] = { "request_too_large", 413, ERR_FROM_CLIENT, false },
	[ERR_MEDIA_TYPE] = { "unsupported_media_type", 415, ERR_FROM_CLIENT, false },
	[ERR_RATE_LIMIT] = { "rate_limit_exceeded", 429, ERR_FROM_CLIENT, false },
	[ERR_HEADERS_TOO_LARGE] = { "headers_too_large", 431, ERR_FROM_CLIENT, false },
	[ERR_CLIENT_GONE] = { "client_closed_request", 499, ERR_FROM_CLIENT, false },
	[ERR_INTERNAL] = { "internal_error", 500, ERR_FROM_GATEWAY, false },
	[ERR_UPSTREAM] = { "upstream_error", 502, ERR_FROM_PROVIDER, true },
	[ERR_NO_DEPLOYMENT] = { "no_healthy_deployment", 503, ERR_FROM_GATEWAY, false },
	[ERR_SHUTTING_DOWN] = { "shutting_down", 503, ERR_FROM_GATEWAY, false },
	[ERR_UPSTREAM_TIMEOUT] = { "upstream_timeout", 504, ERR_FROM_PROVIDER, true },
	[ERR_CONFIG] = { "config_error", 500, ERR_FROM_GATEWAY, false },
	[ERR_SYSTEM] = { "system_error", 500, ERR_FROM_GATEWAY, false },
};

/* `full` is how long the text would have been. */
static void err_mark_cut(struct err *e, size_t full)
{
	size_t n;

	if (full < sizeof(e->text))
		return;
	n = text_utf8_cut(str_of(e->text, sizeof(e->text) - 1), sizeof(e->text) - sizeof("...")).n;
	memcpy(e->text + n, "...", sizeof("..."));
}

PRINTF_LIKE(3, 0)
static void err_vset(struct err *e, enum err_code code, const char *fmt, va_list args)
{
	char text[sizeof(e->text)]; /* first aside: the arguments may point into e->text */
	int n = vsnprintf(text, sizeof(text), fmt, args);

	assert(n >= 0);
	assert(code > ERR_NONE && code < ERR_CODES);
	e->code = code;
	e->origin = codes[code].origin;
	e->status = 0;
	e->retryable = codes[code].retryable;
	memcpy(e->text, text, (size_t)n < sizeof(text) ? (size_t)n + 1 : sizeof(text));
	err_mark_cut(e, (size_t)n);
}

/* Puts ": " and `more` behind the text. */
static void err_append(struct err *e, const char *more)
{
	size_t n = strlen(e->text);
	int added = snprintf(e->text + n, sizeof(e->text) - n, ": %s", more);

	assert(added >= 0);
	err_mark_cut(e, n + (size_t)added);
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return false;
	va_start(args, fmt);
	err_vset(e, code, fmt, args);
	va_end(args);
	return false;
}

bool err_set_sys(struct err *e, int sys, const char *fmt, ...)
{
	char text[128];
	va_list args;

	if (!e)
		return false;
	va_start(args, fmt);
	err_vset(e, ERR_SYSTEM, fmt, args);
	va_end(args);
	err_append(e, strerror_r(sys, text, sizeof(text)));
	return false;
}

bool err_prefix(struct err *e, const char *fmt, ...)
{
	char was[sizeof(e->text)];
	va_list args;
	int n;

	if (!e)
		return false;
	memcpy(was, e->text, sizeof(was));
	va_start(args, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	assert(n >= 0);
	if ((size_t)n >= sizeof(e->text))
		err_mark_cut(e, (size_t)n);
	else
		err_append(e, was);
	return false;
}

const char *err_code_name(enum err_code code)
{
	assert(code < ERR_CODES && codes[code].name);
	return codes[code].name;
}

int err_code_status(enum err_code code)
{
	assert(code < ERR_CODES);
	return codes[code].status;
}
