/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recall: what a provider wants back on the next turn and the client's dialect cannot carry: signatures of tool calls
 * and signed or encrypted thoughts that led to them (rules O2, O3, O4). Noted while an answer passes, kept in the
 * gateway's store by tenant and tool-call id, put back into the next request that names the call. Lost, and no harm
 * done, when the store is full or old: then the dialect's own rule for missing tokens applies.
 *
 * One struct recall for each translated answer, on the heap, owned by its request.
 */
#ifndef SLUICE_GATEWAY_RECALL_H
#define SLUICE_GATEWAY_RECALL_H

#include "dialect/chat.h"

struct keep;
struct recall;

/* `thoughts`: the client's dialect does not carry reasoning either. Texts are copied. */
struct recall *recall_new(struct keep *, struct str tenant, bool thoughts);
void recall_free(struct recall *);              /* NULL is fine */

/* A tap of translation.h: sees the answer's events. */
void recall_note(void *recall, const struct chat_event *);

/* Puts back what is kept for the request's tool calls. False: the arena is full. */
MUST_USE bool recall_fill(struct keep *, struct str tenant, struct arena *, struct chat_request *);

#endif
