/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: errors on the wire, both ways. A provider's error becomes a class (struct err) by status, type and code
 * first and by text last; the gateway's error is written in the client's own dialect, so that each SDK raises its own
 * typed exception. Envelopes (dialects.md section 10):
 *
 *	OpenAI     {"error":{"message","type","param","code","request_id"}}
 *	Anthropic  {"type":"error","error":{"type","message"},"request_id"}
 *	Gemini     {"error":{"code","message","status"}}
 *	Bedrock    {"message"}, the type in the header x-amzn-errortype
 *	Ollama     {"error": "text"}
 *	Cohere     {"id", "message"}
 *	Voyage     {"detail": "text"}
 */
#ifndef SLUICE_DIALECT_ERROR_H
#define SLUICE_DIALECT_ERROR_H

#include "base/buf.h"
#include "base/err.h"
#include "dialect/dialect.h"

/* A provider's error. The words are the provider's own, cut to fit, empty where it said nothing. */
struct dialect_error {
	struct err err;              /* origin provider; status: what the client gets; text: the provider's message */
	char type[48], code[64], param[96];
	int64_t retry_after_ms;      /* from the body (Gemini's RetryInfo); -1: none */
	/* another try at the same credential is of no use (bad key, no credit, no such model) */
	bool elsewhere_only;
	bool pass;                   /* the client's to mend (400, 404, 422 …): tell it the provider's own words */
};

/*
 * Reads the error of an answer: `status` is the provider's (200 for an error inside a good answer). Every string in
 * `hide` (credential, host of the provider) is taken out of the text. Never fails: what cannot be read is described by
 * its status.
 */
void dialect_read_error(int status, struct str body, const struct str *hide, size_t n_hide, struct dialect_error *out);

/* The same for an error that was read by others: of a stream. */
void dialect_error_hide(struct dialect_error *, const struct str *hide, size_t n_hide);

/*
 * Writes the error's body. `words` gives type, code and param of a provider whose error passes through, or NULL.
 * The content type is application/json. False: the buffer is full.
 */
MUST_USE bool dialect_write_error(const struct dialect *, const struct err *, const struct dialect_error *words,
                                  struct str request_id, struct buf *out);

/* A field of the head that goes with the error. n == 0: none. */
struct str dialect_error_field(const struct dialect *, const struct err *, struct str *value);

/* HTTP status that goes with it. */
int dialect_error_status(const struct err *);

/* The error's word in each family, also for stream events: "rate_limit_error", "RESOURCE_EXHAUSTED". */
const char *dialect_error_type(const struct dialect *, const struct err *);

#endif
