/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: how a dialect's requests for embeddings and their answers become the neutral model (model/embed.h) and come
 * from it. As dialect/chat.h; used only when client and provider speak different dialects.
 *
 *	client dialect C, provider dialect P
 *	C->read_request → struct embed_request
 *	for each slice of at most batch_max inputs:      P->write_request(… from, n …) → upstream → P->read_response
 *	embed_join of the slices → C->write_response → client
 *
 * Errors of requests name the place, the value and what is allowed: input[3]: must be …
 */
#ifndef SLUICE_DIALECT_EMBED_H
#define SLUICE_DIALECT_EMBED_H

#include "dialect/chat.h"
#include "model/embed.h"

/* A request as it goes upstream. */
struct embed_wire {
	struct str body;
	enum dialect_call call;          /* for upstream_path: Gemini has a path for one and a path for many */
	struct chat_drops drops;         /* drops.arena is set by the caller */
};

struct embed_codec {
	/* Most inputs that one call takes (rule M4); 0: no limit is known. */
	unsigned batch_max;

	/* The client's request, read whole; texts point into in->body, which must outlive *out. */
	bool (*read_request)(struct arena *, const struct dialect_request *in, const struct json_node *body,
	                     struct embed_request *out, struct err *);
	/* The inputs [from, from + n), n at least 1. False: the target cannot be given this at all. */
	bool (*write_request)(struct arena *, const struct embed_request *, size_t from, size_t n,
	                      const struct chat_target *, struct embed_wire *out, struct err *);
	/* A whole answer of status 2xx, found to be one by dialect->read_answer. `n` vectors are expected; another
	 * number is an error. */
	bool (*read_response)(struct arena *, const struct json_node *body, size_t n, struct embed_response *out,
	                      struct err *);
	/* Appends the client's body, in the form that its request asked for. False: the buffer or the arena is full, or
	 * a vector is none. */
	bool (*write_response)(struct arena *, const struct embed_request *, const struct embed_response *,
	                       const struct chat_reply *, struct buf *out);
};

extern const struct embed_codec openai_embed_codec, gemini_embed_codec, ollama_embed_codec, cohere_embed_codec,
	voyage_embed_codec;

/* embed_shared.c: for codecs. */

/* Room for n inputs; NULL: *err. */
struct embed_input *embed_inputs(struct arena *, struct embed_request *, size_t n, struct err *);
/* A list of texts, or one text: OpenAI's and Voyage's input, Cohere's texts, Ollama's input. `name` is its place. */
bool embed_read_texts(struct arena *, const struct json_node *, const char *name, struct embed_request *, struct err *);
/* The input's words as one text, for targets that take nothing else; false: *err says that it holds something else.
 * `i` is its place among the request's inputs. */
bool embed_only_text(struct arena *, const struct embed_request *, size_t i, struct jstr *out, struct err *);
/* A vector: an array of numbers, or base64 in a string. False: neither. */
bool embed_read_vector(const struct json_node *, struct embed_vector *out);
/* The task of one input, or of the request. */
static inline enum embed_task embed_task_of(const struct embed_request *rq, size_t i)
{
	return (enum embed_task)(rq->inputs[i].task ? rq->inputs[i].task : rq->task);
}
/* By the words of all dialects, whatever their case: "search_query", "RETRIEVAL_QUERY", "query", "passage" … */
enum embed_task embed_task_by_word(struct jstr word);

#endif
