/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope: what clouds put around a dialect. Azure, Vertex, Bedrock and watsonx speak dialects that others speak too,
 * but say in the path what stands in the body elsewhere, and the other way round. A request is written for the dialect
 * first, then wrapped; an answer is unwrapped, then read. Pure functions; nothing of this runs for a plain provider.
 *
 *	kind                 path behind the base URL                        body
 *	PLAIN                the dialect's own                               as it is
 *	AZURE                /deployments/{model} and the dialect's own      as it is
 *	VERTEX_ANTHROPIC     /models/{model}:rawPredict, :streamRawPredict   anthropic_version; no model
 *	BEDROCK_INVOKE       /model/{model}/invoke[-with-response-stream]    anthropic_version, anthropic_beta;
 *	                                                                     no model, no stream
 *	WATSONX              /text/chat, /text/chat_stream                   model_id, project_id; no model, no stream
 *
 * Sources: Microsoft "Azure OpenAI REST API reference"; Google "Use Anthropic's Claude models"; AWS "Anthropic Claude
 * Messages API" and "InvokeModelWithResponseStream"; IBM "watsonx.ai API reference, text chat".
 */
#ifndef SLUICE_PROVIDER_ENVELOPE_H
#define SLUICE_PROVIDER_ENVELOPE_H

#include "base/buf.h"
#include "dialect/dialect.h"

struct arena;
struct err;

enum envelope {
	ENVELOPE_PLAIN, ENVELOPE_AZURE, ENVELOPE_VERTEX_ANTHROPIC, ENVELOPE_BEDROCK_INVOKE, ENVELOPE_WATSONX
};

#define ENVELOPE_PIECES 10

struct envelope_in {
	enum envelope kind;
	enum dialect_id dialect;         /* that is spoken there */
	enum dialect_call call;
	bool stream;
	bool aws;                        /* the request may be signed: the client's x-amz fields do not go on */
	struct str model;                /* the provider's name for it, not escaped */
	struct str path;                 /* the dialect's own, behind the base URL; it may have a query */
	struct str query;                /* of the face: "api-version=…"; may be empty */
	struct str project;              /* watsonx */
	struct str forward;              /* the client's header fields as lines */
	const struct str *body;          /* valid JSON, an object, in pieces */
	size_t n_body;
};

struct envelope_out {
	struct str path;                 /* behind the base URL, with the query */
	struct str forward;              /* of the lines what still goes, and what is added */
	struct str body[ENVELOPE_PIECES];
	size_t n_body;
	struct str dropped;              /* beta features that this cloud refuses, with commas; usually empty */
};

/* Everything in *out points into *in or the arena. False: ERR_UNSUPPORTED_PARAMETER for a call that the cloud does not
 * have, ERR_TOO_LARGE when the arena is full. */
MUST_USE bool envelope_wrap(struct arena *, const struct envelope_in *, struct envelope_out *, struct err *);

/*
 * The stream of BEDROCK_INVOKE: an AWS event stream whose messages hold an event of the dialect each. What comes out
 * are the server-sent events that the dialect's own API would have sent; an exception becomes its error event. On the
 * heap, for one stream.
 */
struct envelope_stream;
struct envelope_stream *envelope_stream_new(size_t event_max_bytes);
void envelope_stream_free(struct envelope_stream *);             /* NULL is fine */
/* Appends the events of `bytes` to `sse`. False: the stream is broken, ERR_UPSTREAM. */
MUST_USE bool envelope_stream_feed(struct envelope_stream *, struct str bytes, struct buf *sse, struct err *);
/* At the end of the stream: nothing was cut short. */
bool envelope_stream_whole(const struct envelope_stream *);

/* The content type of the answer's stream that must be unwrapped; p == NULL: there is none. */
struct str envelope_stream_type(enum envelope);

#endif
