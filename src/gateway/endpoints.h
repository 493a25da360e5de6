/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints: the routes: method, path, who may ask, what it is. One table, one lookup: nothing is reached by another
 * way.
 */
#ifndef SLUICE_GATEWAY_ENDPOINTS_H
#define SLUICE_GATEWAY_ENDPOINTS_H

#include "dialect/dialect.h"
#include "gateway/service.h"
#include "net/http.h"

enum endpoint_access {
	ACCESS_KEY,          /* any key */
	ACCESS_ADMIN,        /* the admin key, or one with the admin role */
	ACCESS_ANYBODY,      /* no key: health */
};

enum endpoint_match {
	MATCH_EXACT,
	MATCH_BELOW,         /* the pattern and anything behind it that is not empty */
	MATCH_ACTION,        /* the same, with a ':' in what is behind (Gemini) */
	MATCH_TAIL,          /* the pattern, something, and the tail (Bedrock) */
};

enum endpoint_kind {
	ENDPOINT_MODEL,      /* a model's answer */
	ENDPOINT_PASS,       /* a provider's own, as it is */
	ENDPOINT_SERVICE,    /* ours */
};

struct endpoint {
	enum http_method method;     /* GET stands for HEAD too */
	struct str pattern;          /* the fixed part of the path */
	struct str name;             /* as logs and metrics call it: "/v1/chat/completions" */
	enum endpoint_match match;
	struct str tail;             /* MATCH_TAIL */
	enum endpoint_kind kind;
	enum endpoint_access access;
	enum dialect_id dialect;     /* of the request, or the shape of errors */
	enum dialect_call call;      /* ENDPOINT_MODEL */
	enum service_id service;     /* ENDPOINT_SERVICE */
	bool has_body;               /* a body may come; others' bodies are refused */
	bool costs_nothing;          /* lists, files, deletions: a provider bills none of them */
	bool upload;                 /* of any type, and too large to be held in memory */
};

const struct endpoint *endpoint_rows(size_t *n);

/* NULL: no such path, or not with this method: `*allowed` is then a bit set of enum http_method, 0 for no such path. */
const struct endpoint *endpoint_find(enum http_method, struct str path, unsigned *allowed);

/* The path behind a prefix that SDKs of other gateways and providers put before ours ("/openai/v1/models": "/models");
 * itself where there is none. To be looked up when the path itself is not known. */
struct str endpoint_behind_prefix(struct str path);

/* The dialect in which an error about this path is best told. */
enum dialect_id endpoint_error_dialect(struct str path);

#endif
