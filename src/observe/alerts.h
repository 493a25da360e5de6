/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alerts: what somebody should know, as it happens: a deployment was taken out or is back, a credential is
 * refused. Each is a line of the program's log, a count in the metrics, and, where a webhook is configured, a POST of
 * JSON to it.
 *
 *	a = alerts_new();
 *	alerts_start(a, loop, pool);                   // on whose loop the webhook is called
 *	alerts_configure(a, &settings);                // at start and after each reload
 *	alerts_raise(a, &(struct alert){ .type = "deployment.opened", … });    // any thread; never waits
 *	alerts_stop(a);                                // on that loop, at its end
 *
 * The webhook never holds up a request: alerts wait in a queue with a ceiling (ALERTS_WAITING_MAX; what comes on top is
 * dropped and counted), are sent one after the other in their order, and are tried again a few times with growing
 * waits. What is still waiting when the program ends is not sent.
 *
 * {"id":"01J…","type":"deployment.opened","time":"2026-…Z","deployment":"openai/gpt-4o","why":"breaker",
 *  "out_for_ms":30000,"alarm":false}
 * With a secret: x-sluice-signature: sha256=HEX, the HMAC-SHA256 of the body (RFC 2104).
 */
#ifndef SLUICE_OBSERVE_ALERTS_H
#define SLUICE_OBSERVE_ALERTS_H

#include "observe/settings.h"

struct alerts;
struct loop;
struct pool;

#define ALERTS_WAITING_MAX 256

struct alert {
	const char *type;                /* "deployment.opened": static */
	struct str deployment;           /* borrowed */
	const char *why;                 /* static */
	uint64_t out_for_ms;             /* 0: it is in */
	bool alarm;                      /* somebody has to mend something */
};

struct alerts *alerts_new(void);
/* After the loop has ended, or before it began. NULL is fine. */
void alerts_free(struct alerts *);

/* Before the loop runs. */
void alerts_start(struct alerts *, struct loop *, struct pool *);
/* On the loop: nothing is sent any more. */
void alerts_stop(struct alerts *);
/* Copies the settings. Any thread. */
void alerts_configure(struct alerts *, const struct alerts_settings *);
void alerts_raise(struct alerts *, const struct alert *);

struct alerts_stats { uint64_t raised, sent, failed, dropped; };
struct alerts_stats alerts_stats(const struct alerts *);

#endif
