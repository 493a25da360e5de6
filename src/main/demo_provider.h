/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_provider: a provider of models without a model. It answers on 127.0.0.1, at a port that the system chooses, in
 * the APIs of OpenAI (chat completions, completions, embeddings, responses), Anthropic (messages, count_tokens) and
 * Google (Gemini's generateContent family) as those do: whole answers, streams, tool calls and errors. What it says is
 * made of the prompt by rules that a test can compute; words in the prompt or in the model's name order delays and
 * failures. docs/demo.md tells both.
 *
 * It runs on a loop and a thread of its own, so that the gateway meets it as it meets any provider: over HTTP.
 */
#ifndef SLUICE_MAIN_DEMO_PROVIDER_H
#define SLUICE_MAIN_DEMO_PROVIDER_H

#include "base/err.h"

struct demo_provider;

struct demo_provider_options {
	struct str key; /* the only credential it takes, in all APIs */
	/* Begins every key that is a client's: one that arrives here is a leak of the gateway and is refused loudly. */
	struct str client_prefix;
};

/* Listens and serves when it returns. Signals stay with the caller's thread. NULL: err tells. The texts are copied. */
MUST_USE struct demo_provider *demo_provider_start(const struct demo_provider_options *, struct err *);
uint16_t demo_provider_port(const struct demo_provider *);
void demo_provider_stop(struct demo_provider *); /* breaks off what is under way; NULL is fine */

#endif
