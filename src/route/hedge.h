/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hedge: when a second candidate is started beside one that is slow, and how often that may be.
 *
 * `routing.hedge_after` (or a model's own) names a time, or a percentile of what the deployment under way usually
 * takes to begin its answers: hedging at the p99 costs one more call in a hundred and cuts off what is slower than
 * that. While a deployment's percentile is not known there is no hedge. When everything is slow at once, percentiles
 * lag behind and each request would be sent twice, to providers that are slow because they have too much to do: so
 * only a share of a model's requests of the last minute (`routing.hedge_max`) may be hedged, and one a minute in any
 * case, so that a model with little traffic is hedged too.
 *
 *	wait = hedge_wait_ms(&d->hedge, d->health, stream, now);   // 0: none
 *	hedge_count(d->hedge_meter, now);                       // a request that might be hedged begins
 *	… after `wait` ms without an answer …
 *	if (hedge_take(d->hedge_meter, routing->hedge_max, now)) …start the second…
 *
 * One meter for each model's name, found when a configuration is made ready, never freed: their number has a ceiling,
 * beyond which names share one. Shared by all loops, without locks. All times are given.
 */
#ifndef SLUICE_ROUTE_HEDGE_H
#define SLUICE_ROUTE_HEDGE_H

#include "base/attr.h"
#include "base/str.h"
#include "route/settings.h"

struct health;
struct hedge_meter;

#define HEDGE_METERS_MAX 1024

/* Found or made; never NULL. At configuration time: it takes a lock. */
struct hedge_meter *hedge_meter_of(struct str model);

/* How long the deployment may take to begin a stream, or to give a whole answer, before a second is started,
 * milliseconds; 0: none is. `h` may be NULL. */
uint64_t hedge_wait_ms(const struct hedge_when *, const struct health *h, bool stream, uint64_t now_ms);

void hedge_count(struct hedge_meter *, uint64_t now_ms);
/* Takes one hedge of what the last minute's requests allow. False: they allow none. */
MUST_USE bool hedge_take(struct hedge_meter *, double ratio, uint64_t now_ms);
/* It was not started after all. */
void hedge_give_back(struct hedge_meter *, uint64_t now_ms);

/* "off", "500ms", "p99". False: it is neither. */
MUST_USE bool hedge_when_read(struct str, struct hedge_when *);

#endif
