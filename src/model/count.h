/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count: how many tokens of input a chat request is for a model, where its provider does not say: answers to
 * count_tokens, checks against a context window, cost of what was asked for and never reported.
 *
 * Texts are counted by their encoding (model/tokens.h), for other families than OpenAI's times what was learned of them
 * (model/estimate.h). Around texts stands what a model's template adds: OpenAI's is published (3 tokens a message and
 * its role, 1 for a name, 3 for the answer's beginning; tools as types in TypeScript), that of others is measured
 * (docs/tokens.md). Costs time with the texts' length, some 10 ns a byte; not for the path of each request.
 */
#ifndef SLUICE_MODEL_COUNT_H
#define SLUICE_MODEL_COUNT_H

#include "model/chat.h"
#include "model/estimate.h"

struct token_count {
	uint64_t tokens;              /* of input, as the provider would say */
	uint64_t text_tokens;         /* of the texts, by the family's encoding */
	uint64_t around;              /* of `tokens`, what stands around the texts */
	enum token_family_id family;
	bool guessed;                 /* something is in it whose size is not known: a document, audio, a URL's image */
};

/* Without an estimator: by defaults. `scratch` is rewound to where it was; when it is full, schemas are counted as they
 * are written. */
void chat_count_tokens(const struct estimator *, const struct chat_request *, struct str model, struct arena *scratch,
                       struct token_count *out);

/* Tokens of an answer's texts, thoughts and calls. */
uint64_t chat_count_output(const struct estimator *, const struct chat_response *, struct str model);

/* What a provider reported for a counted request. Nothing is learned where the texts are the smaller part of it. */
void chat_count_learn(struct estimator *, const struct token_count *, uint64_t told);

#endif
