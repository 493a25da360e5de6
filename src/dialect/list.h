/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list: the answers to GET /v1/models, /v1/models/{id}, /v1beta/models and /api/tags, in the shape of the client's
 * dialect: OpenAI's, Anthropic's, Gemini's, Bedrock's or Ollama's. One page: all models, nothing follows.
 */
#ifndef SLUICE_DIALECT_LIST_H
#define SLUICE_DIALECT_LIST_H

#include "base/buf.h"
#include "dialect/dialect.h"

struct dialect_model {
	struct str id;               /* the public name */
	struct str owned_by;         /* provider's name; empty: "sluice" */
	int64_t created_s;           /* seconds since 1970; 0: unknown, written as 0 */
	int64_t context_window;      /* tokens; 0: unknown, left out */
	int64_t max_output;          /* tokens; 0: unknown, left out */
};

/* False: the buffer is full. */
MUST_USE bool dialect_write_models(const struct dialect *, const struct dialect_model *, size_t n, struct buf *out);
MUST_USE bool dialect_write_model(const struct dialect *, const struct dialect_model *, struct buf *out);

#endif
