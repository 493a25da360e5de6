/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rerank: documents in the order of what they say about a query (rule M5). The neutral form is Cohere's v2: model,
 * query, documents, top_n → index and relevance score of each, best first. As dialect/embed.h: used only when client
 * and provider speak different dialects; plain memory in an arena, texts escaped as they came, scores raw JSON.
 *
 *	C->read_request → struct rerank_request → P->write_request → upstream
 *	upstream → P->read_response → struct rerank_response → C->write_response → client
 *
 * Documents that the client wants back are taken from its own request: no provider needs to return them.
 */
#ifndef SLUICE_DIALECT_RERANK_H
#define SLUICE_DIALECT_RERANK_H

#include "dialect/chat.h"

enum { RERANK_DOCUMENTS_MAX = 100000 };

struct rerank_document {
	struct jstr text;
	struct str raw;                  /* as the client wrote it */
};

struct rerank_request {
	uint8_t from;                    /* enum dialect_id */
	uint8_t truncate;                /* enum tri: cut documents that are too long */
	bool return_documents;
	struct jstr model, query;
	struct rerank_document *documents;
	size_t n;                        /* at least 1 */
	int64_t top_n;                   /* 0: all */
	struct str max_tokens_per_doc;   /* raw number */
	struct chat_extra *extras;
};

struct rerank_response {
	struct jstr id, model;
	struct rerank_result { size_t index; struct str score; } *results;   /* best first; score: raw number */
	size_t n;
	struct usage usage;
};

/* A request as it goes upstream. */
struct rerank_wire {
	struct str body;
	struct chat_drops drops;         /* drops.arena is set by the caller */
};

struct rerank_codec {
	bool (*read_request)(struct arena *, const struct dialect_request *in, const struct json_node *body,
	                     struct rerank_request *out, struct err *);
	bool (*write_request)(struct arena *, const struct rerank_request *, const struct chat_target *,
	                      struct rerank_wire *out, struct err *);
	/* A whole answer of status 2xx about `n` documents. */
	bool (*read_response)(struct arena *, const struct json_node *body, size_t n, struct rerank_response *out,
	                      struct err *);
	/* At most top_n results go to the client, whatever the provider sent. False: the buffer is full. */
	bool (*write_response)(const struct rerank_request *, const struct rerank_response *, const struct chat_reply *,
	                       struct buf *out);
};

extern const struct rerank_codec cohere_rerank_codec, rerank_rerank_codec, voyage_rerank_codec;

#endif
