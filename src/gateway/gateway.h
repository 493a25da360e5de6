/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: the only room that knows the whole flow of a request. One struct gateway for the process, one struct worker
 * for each loop; a request lives on one worker and touches nothing shared without saying how.
 *
 *	gw = gateway_new(&options);
 *	for each loop: w = worker_new(gw, loop, &err), server_new({ .handler = &gateway_handler, .user = w, … })
 */
#ifndef SLUICE_GATEWAY_GATEWAY_H
#define SLUICE_GATEWAY_GATEWAY_H

#include "dialect/settings.h"
#include "gateway/service.h"
#include "net/exchange.h"
#include "net/settings.h"
#include "route/table.h"

struct estimator;
struct gateway;
struct keep;
struct keys;
struct ledger;
struct observe;
struct pool;
struct snapshot_slot;
struct worker;

/* What requests read of the configuration: the payload of a snapshot (conf/snapshot.h). Immutable. */
struct gateway_conf {
	struct route_table routes;
	const struct server_settings *server;
	const struct upstream_settings *upstream;
	const struct translation_settings *translation;
	const void *config;              /* the whole, for services that show it */
	bool auth_required;
	struct map policies;             /* team → struct plan_policy; teams that are bound by none are not in it */
};

struct gateway_options {
	struct snapshot_slot *conf;      /* payload: struct gateway_conf */
	struct keys *keys;
	struct ledger *ledger;
	struct observe *observe;
	struct pool *pool;
	const char *spool_dir;           /* for bodies too large to be held (base/spool.h); NULL: they are held */
	struct keep *keep;               /* of conversations (cache/keep.h); NULL: nothing is kept */
	struct estimator *estimator;     /* of tokens (model/estimate.h); NULL: nothing is learned */
	struct service services[SERVICES];
};

struct gateway *gateway_new(const struct gateway_options *);
void gateway_free(struct gateway *);       /* after all workers; NULL is fine */

/* The loop's own part: client, resolver, journal, readers of keys and configuration. On the thread that starts the
 * loop, before it runs. NULL: err tells. */
MUST_USE struct worker *worker_new(struct gateway *, struct loop *, struct err *);
/* On the loop, when there are no clients any more: what the gateway itself has under way ends. */
void worker_stop(struct worker *);
/* After the loop has ended: commits the journal. Requests must have ended before (server_free ends them). */
void worker_free(struct worker *);
struct observe_loop *worker_observe(struct worker *);

/* The handler of the workers' servers; `user` is the worker. */
extern const struct exchange_handler gateway_handler;

/* Names the requests in flight, for a panic report: only write(2). */
void gateway_report(int fd);

#endif
