/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: answers with a good status that are none: the provider, or its model, refuses on policy and generates
 * nothing (finish_reason content_filter, stop_reason refusal, promptFeedback.blockReason, guardrail_intervened …). Only
 * asked where the model has content_policy_fallbacks left; elsewhere such an answer goes to the client as it is.
 *
 * Pure functions of bytes, of any dialect that speaks chat; what they read is given back at once.
 */
#ifndef SLUICE_GATEWAY_REFUSAL_H
#define SLUICE_GATEWAY_REFUSAL_H

#include "dialect/chat.h"

/* A whole answer. */
bool refusal_of_answer(const struct chat_codec *, struct arena *scratch, struct str body);

enum refusal {
	REFUSAL_NO,                      /* something was generated, or it ended otherwise */
	REFUSAL_YES,
	REFUSAL_OPEN,                    /* it has only begun */
};
/* The events that a stream has brought so far. `last`: it has ended. */
enum refusal refusal_of_stream(const struct dialect *, enum dialect_framing, struct arena *scratch, struct str bytes,
                               bool last);

#endif
