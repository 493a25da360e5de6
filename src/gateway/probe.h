/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: asks deployments that are out whether they work again, so that no client's request has to find it out. Off
 * unless `routing.probe.every` is set, since each probe is an answer that is paid for: one word, asked for one token.
 *
 * A probe is a request like any other but for its client, whom it has none: it begins at step ATTEMPT with the one
 * deployment as its only candidate, and is metered, recorded and logged under the key named "probe". The first worker
 * sends them all; deployments with a star (client's names) and those that cool for a rate limit are not asked.
 */
#ifndef SLUICE_GATEWAY_PROBE_H
#define SLUICE_GATEWAY_PROBE_H

struct req;
struct worker;

/* The worker has another configuration. */
void probe_configure(struct worker *);
/* A probe's record is written, or never will be. */
void probe_done(struct req *);
/* The worker ends: those under way are forgotten. */
void probe_end(struct worker *);

#endif
