/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: the REST API for operators, /admin/v1/… and /openapi.json, as services of the gateway (gateway/service.h),
 * which has authenticated the caller before. What blocks (keys, ledger, reload) runs as a job on net/pool; a client
 * that goes away leaves its job to finish alone. The routes are one table (routes.c), which the OpenAPI document is
 * made from too.
 *
 *	a = admin_new(&options);
 *	services[SERVICE_ADMIN] = (struct service){ admin_run, a };
 *	services[SERVICE_OPENAPI] = (struct service){ admin_openapi, a };
 */
#ifndef SLUICE_ADMIN_ADMIN_H
#define SLUICE_ADMIN_ADMIN_H

#include "gateway/service.h"

struct admin;
struct arena;
struct model_entry;
struct estimator;
struct keys;
struct ledger;
struct pool;

struct admin_options {
	struct keys *keys;
	struct ledger *ledger;
	struct pool *pool;
	const struct estimator *estimator;   /* of tokens; NULL: only defaults are shown */
	const char *data_dir;            /* outlives the admin */
	/* What the catalogue in force says of a provider's model; any thread. */
	void (*entry)(void *arg, struct str provider, struct str model, struct arena *, struct model_entry *out);
	/* As reload, for a change of the catalogue: also where there is no file to read again. */
	bool (*reprice)(void *arg, struct err *);
	/* Reads the configuration again and takes it over; on a pool thread. False: the old one stays, err tells. */
	bool (*reload)(void *arg, struct err *);
	void *reload_arg;
};

struct admin *admin_new(const struct admin_options *);
/* When no loop and no pool thread runs any more. NULL is fine. */
void admin_free(struct admin *);

/* `arg` is the struct admin. */
enum op_state admin_run(void *arg, struct service_call *, struct err *);
enum op_state admin_openapi(void *arg, struct service_call *, struct err *);

#endif
