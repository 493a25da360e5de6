/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hedge: a race of two candidates. When one takes longer than route/hedge.h says, a second is started; the first whose
 * answer begins (a stream's first meaningful event, a whole good answer) wins, the other is cancelled.
 *
 * A request has one call, so the second candidate has a request of its own, the twin: the same step of the pipeline,
 * id, key and snapshot, a copy of the plan, no client. Both run through step ATTEMPT by themselves:
 *
 *	one begins to answer      hedge_win: it is the request from now on, with the client's exchange; the other's
 *	                          call is cancelled, its attempt is written into the winner's list, and it is gone
 *	one fails                 hedge_lose: the same the other way round; the survivor goes on with its plan, retries
 *	                          and fallbacks as if it were alone. Both plans count both tries
 *	the client leaves         hedge_cancel: both are over
 *
 * So SETTLE, RECORD and all figures see one request. What the twin borrows of the first one's beginning (texts, body)
 * is handed to it if it wins. At most one race a request.
 *
 * Not hedged is what leaves something behind at a provider or cannot be asked twice: answers that are stored, files,
 * media, passed requests; nor large bodies, nor requests whose wishes name one way only.
 *
 * Who is cancelled may charge all the same: whole answers always; streams where the provider does not stop to charge
 * (provider_stops_billing). That is what the winner's tokens would have cost there, since the request is the same.
 */
#ifndef SLUICE_GATEWAY_HEDGE_H
#define SLUICE_GATEWAY_HEDGE_H

#include "base/attr.h"
#include "base/str.h"
#include "route/failure.h"

struct req;
struct req_attempt;
struct fact_attempt;

/* A call was started: sets the timer for a second one, where that is wanted. */
COLD void hedge_arm(struct req *);

/* For requests with r->hedge: */

/* Its answer begins. */
COLD void hedge_win(struct req *);
/* Its attempt has failed, which was noted. True: the other one runs and is the request now; `r` is freed. */
MUST_USE COLD bool hedge_lose(struct req *, enum failure_class);
/* It cannot be given this candidate. True: it was the second, and is freed; the first goes on. */
MUST_USE COLD bool hedge_give_up(struct req *);
/* The client is gone. */
COLD void hedge_cancel(struct req *);
/* At SETTLE: adds what the loser costs. */
COLD void hedge_charge(struct req *);
/* What of the loser's is shown in the log. */
COLD void hedge_fill(const struct req *, const struct req_attempt *, struct fact_attempt *);

/* Its beginning was given back: so is what it borrowed. */
COLD void hedge_shed(struct req *);
COLD void hedge_free(struct req *);

#endif
