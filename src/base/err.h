/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: what went wrong, as a value. Low rooms describe, `gateway` decides, whoever stops an error logs it, once.
 * A struct err is plain memory on the caller's stack; its text is held inside, so that it outlives arenas. Texts are
 * for people: they name the place, the value seen and what is allowed, and never hold a secret.
 */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

#include "base/str.h"

/* The words of contract.md section 4, in the order of their HTTP status. */
enum err_code {
	ERR_NONE,
	ERR_INVALID_REQUEST,       /* 400 invalid_request_error */
	ERR_CONTEXT_LENGTH,        /* 400 context_length_exceeded */
	ERR_CONTENT_POLICY,        /* 400 content_policy_violation */
	ERR_GUARDRAIL,             /* 400 guardrail_blocked */
	ERR_UNSUPPORTED_PARAMETER, /* 400 unsupported_parameter */
	ERR_INVALID_API_KEY,       /* 401 invalid_api_key */
	ERR_INSUFFICIENT_BALANCE,  /* 402 insufficient_balance */
	ERR_MODEL_NOT_ALLOWED,     /* 403 model_not_allowed */
	ERR_POLICY,                /* 403 policy_violation */
	ERR_MODEL_NOT_FOUND,       /* 404 model_not_found */
	ERR_NOT_FOUND,             /* 404 not_found */
	ERR_METHOD,                /* 405 method_not_allowed */
	ERR_REQUEST_TIMEOUT,       /* 408 request_timeout */
	ERR_CONFLICT,              /* 409 conflict */
	ERR_TOO_LARGE,             /* 413 request_too_large */
	ERR_MEDIA_TYPE,            /* 415 unsupported_media_type */
	ERR_RATE_LIMIT,            /* 429 rate_limit_exceeded */
	ERR_HEADERS_TOO_LARGE,     /* 431 headers_too_large */
	ERR_CLIENT_GONE,           /* 499 client_closed_request: logged only */
	ERR_INTERNAL,              /* 500 internal_error */
	ERR_UPSTREAM,              /* 502 upstream_error */
	ERR_NO_DEPLOYMENT,         /* 503 no_healthy_deployment */
	ERR_SHUTTING_DOWN,         /* 503 shutting_down */
	ERR_UPSTREAM_TIMEOUT,      /* 504 upstream_timeout */
	ERR_CONFIG,                /* configuration; text is FILE:LINE:COL: message */
	ERR_SYSTEM,                /* a system call or a library failed */
	ERR_CODES
};

enum err_origin { ERR_FROM_GATEWAY, ERR_FROM_CLIENT, ERR_FROM_PROVIDER };

struct err {
	enum err_code code;
	enum err_origin origin;
	int status;           /* HTTP status; 0 = the code's own */
	bool retryable;       /* another try, or another candidate, may succeed */
	char text[512];       /* NUL-terminated; longer texts are cut at a character boundary and end in "..." */
};

/* Describes an error and returns false, so that `return err_set(e, …)` is one line. `e` may be NULL. Origin is the
 * client for the codes of 4xx, the provider for ERR_UPSTREAM and ERR_UPSTREAM_TIMEOUT, which are also retryable, and
 * the gateway for the others; who knows better sets the members afterwards. The arguments may point into `e` itself. */
bool err_set(struct err *e, enum err_code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As err_set with ": " and the text of the system's error number `sys` behind it. */
bool err_set_sys(struct err *e, int sys, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "prefix: " before the text. */
bool err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *err_code_name(enum err_code);   /* "invalid_api_key"; static */
int err_code_status(enum err_code);         /* 401; 0 for ERR_NONE, 500 for those without one */

#endif
