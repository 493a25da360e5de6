/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what the gateway answers itself (health, metrics, the admin API). The rooms that know the answers stand
 * above this one; main/ passes their functions in. They run as the step SERVE of the same pipeline as everything else,
 * so that each passes the same authentication and is recorded alike.
 */
#ifndef SLUICE_GATEWAY_SERVICE_H
#define SLUICE_GATEWAY_SERVICE_H

#include "base/buf.h"
#include "dialect/dialect.h"
#include "net/http.h"
#include "net/op.h"

struct arena;
struct err;
struct gateway_conf;
struct key;

enum service_id {
	SERVICE_ROOT,        /* "/" */
	SERVICE_LIVE,        /* /health/live */
	SERVICE_READY,       /* /health/ready */
	SERVICE_METRICS,     /* /metrics */
	SERVICE_MODELS,      /* model lists of all dialects */
	SERVICE_OPENAPI,     /* /openapi.json */
	SERVICE_ADMIN,       /* /admin/… */
	SERVICE_RESPONSES,   /* /v1/responses/{id}: answered by the gateway itself (responses_state.h) */
	SERVICES
};

/* One request and its answer. All in-texts are borrowed for the life of the call. */
struct service_call {
	enum http_method method;
	struct str path;             /* behind the route's fixed part: "v1/keys/key_01…" for /admin/v1/keys/key_01… */
	struct str query, body;
	struct str idempotency_key;
	enum dialect_id dialect;     /* the shape that the client expects */
	struct key *key;             /* who asks; NULL where the route needs nobody */
	const struct gateway_conf *conf;
	struct arena *arena;
	struct op *op;               /* for OP_PENDING; op->loop is the loop */
	/* the answer */
	int status;                  /* 200 at first */
	const char *content_type;    /* "application/json" at first */
	struct buf out;
};

/* Called on the loop, again after each wake-up of the op, until it returns something else than OP_PENDING. OP_OK:
 * the answer is in the call. OP_REFUSED, OP_FAILED: err is the answer. What blocks goes to net/pool; op->cancel is
 * called when the client goes away, and must be immediate. */
struct service {
	enum op_state (*run)(void *arg, struct service_call *, struct err *);
	void *arg;
};

#endif
