/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry: a stream that is cut in the midst goes on with another candidate (stream_failover: continue). The client sees
 * one stream: one start, one finish, one usage, which is the sum.
 *
 * Such a stream is translated through the neutral model even between equal dialects, so that only its provider's side
 * need be made anew (gateway/translation.h), and what the client has got is kept up to CARRY_MAX_BYTES. Its req_open
 * stays as long as the stream, for the next attempt: with all that, measured, about 30 KiB, and twice the body.
 *
 *	relay: the stream is cut → carry_on: BACKOFF, PLAN's next candidate, ATTEMPT with carry_prompt
 *	its first event → RELAY goes on; nobody is left → the error event that the client would have got at once
 *
 * Told to go on: by a prefill where the model takes one (an assistant's turn that it goes on with), else by a user's
 * turn with CARRY_PLEASE behind the text so far.
 *
 * Does not go on: what is not transient and no rate limit; more than CARRY_MAX_BYTES; tool calls, images, refusals and
 * all else but texts and thoughts (no API goes on behind half an answer of such); n above 1, logprobs, audio; a text
 * that has a form (JSON, a schema: whoever goes on would begin the form anew).
 */
#ifndef SLUICE_GATEWAY_CARRY_H
#define SLUICE_GATEWAY_CARRY_H

#include "gateway/gateway_in.h"

#define CARRY_MAX_BYTES (256u << 10)
#define CARRY_PLEASE \
	"Your answer was cut off at this point. Go on exactly where it stops: write only what comes next, beginning " \
	"with the very next character. Do not repeat anything, and do not mention the interruption."

/* Of a stream that was cut; in its request's arena. */
struct carry {
	struct usage usage;              /* of the calls that were cut */
	int64_t cost_nusd;
	struct str white;                /* plain: taken off the end of the prefill */
	uint64_t tokens;                 /* of what was put into the request */
	uint16_t cut_at;                 /* which attempt it was */
	bool cost_known;
	bool prefilled;                  /* as the attempt under way was asked */
};

/* At PLAN: the model asked for wants its streams to go on. */
COLD void carry_plan(struct req *);
/* The request was written for a candidate that speaks the client's dialect, and something of it was lost, or could not
 * be said. True: it passes as it is instead, and its stream does not go on. */
COLD bool carry_gives_way(struct req *, enum attempt_start);
/* The answer's form, as far as the request tells: one that somebody else can go on with? */
COLD bool carry_fits(const struct chat_request *);
/* It was cut. True: it is tried elsewhere. */
MUST_USE COLD bool carry_on(struct req *, const struct dialect_error *);
/* A later attempt has failed before it went on: what follows. */
COLD enum step carry_failed(struct req *, enum failure_class);
/* Is there time for another? */
COLD bool carry_has_time(const struct req *);
/* Puts what the client has into the request for the candidate under way. False: err tells. */
MUST_USE COLD bool carry_prompt(struct req *, struct chat_request *, struct err *);
/* How a later attempt's stream, which begins, fits to what the client has. */
COLD struct translation_join carry_join(struct req *);
/* At SETTLE: usage and cost become those of all calls. */
COLD void carry_settle(struct req *);

#endif
