/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_state: what clients of the Responses API expect to be remembered: answers that a request goes on from
 * (previous_response_id), items that it names (item_reference), and answers fetched or deleted by id.
 *
 * Of a translated answer everything is kept here, in the gateway's store (cache/keep.h): the response, and the input
 * that led to it with the id of the one before. Of one that a provider with this API made, only which deployment it
 * was: a later request that names it goes there, and what is asked of it is asked there.
 *
 * By tenant: what a key's team made is the team's. Nothing is kept that the client wants to have unkept (store: false).
 */
#ifndef SLUICE_GATEWAY_RESPONSES_STATE_H
#define SLUICE_GATEWAY_RESPONSES_STATE_H

#include "base/err.h"
#include "base/str.h"
#include "net/op.h"

struct chat_reply;
struct req;

/* Once the candidates are known: looks at what the request names, and puts the deployment that made it first. */
void responses_plan(struct req *);

/* The body with what it names put in its place; the same if it names nothing. False: open->err, and the words of the
 * error for the client. */
bool responses_resolve(struct req *, struct str *body, struct err *);

/* A translated answer begins: keeps its input; the answer names the one that it goes on from. */
void responses_keep_input(struct req *, struct chat_reply *);
/* The answer is there, or has failed; before the request is settled. */
void responses_keep_answer(struct req *);

/* GET /v1/responses/{id}, DELETE, GET …/input_items: as a service's run. */
enum op_state responses_serve(struct req *, struct err *);

#endif
