/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: the neutral model of embeddings: what a request for vectors means, and its answer, whatever dialect they came
 * in. As model/chat.h: plain memory in an arena, zero means absent, texts are escaped as they came, numbers and vectors
 * are raw JSON, so that no digit changes on its way.
 *
 * One thread at a time.
 */
#ifndef SLUICE_MODEL_EMBED_H
#define SLUICE_MODEL_EMBED_H

#include "json/jstr.h"
#include "model/chat.h"
#include "model/usage.h"

struct arena;

/* What the vectors are for (rule M3). */
enum embed_task {
	EMBED_TASK_UNSET, EMBED_QUERY, EMBED_DOCUMENT, EMBED_SIMILARITY, EMBED_CLASSIFICATION, EMBED_CLUSTERING,
	EMBED_QUESTION, EMBED_FACT, EMBED_CODE,
	EMBED_TASKS
};

/* One thing of which a vector is wanted. */
struct embed_input {
	struct jstr text;                /* absent: it is something else */
	struct str tokens;               /* raw: an array of token numbers, which only OpenAI understands */
	/* images and the like, one behind the other; texts among them are blocks too */
	struct chat_block *media;
	struct jstr title;               /* of a document: Gemini */
	uint8_t task;                    /* enum embed_task: of this input; UNSET: the request's */
};

struct embed_request {
	uint8_t from;                    /* enum dialect_id */
	bool many;                       /* the client sent a list, and wants one back, even of one */
	bool base64;                     /* the client wants vectors as base64 of little-endian float32 */
	uint8_t task;                    /* enum embed_task */
	uint8_t truncate;                /* enum tri: cut inputs that are too long; unset: the provider's custom */
	struct jstr model;
	struct embed_input *inputs;
	size_t n;                        /* at least 1 */
	struct str dimensions;           /* raw number */
	struct jstr user;
	struct chat_extra *extras;       /* members that we do not know, by their dialect */
};

/* One of the two is there; embed_floats and embed_base64 give the other. */
struct embed_vector {
	struct str floats;               /* raw: an array of numbers */
	struct jstr base64;              /* of little-endian float32 */
};

struct embed_response {
	struct jstr id, model;           /* absent: the provider did not say */
	struct embed_vector *vectors;    /* in the order of the inputs */
	size_t n;
	struct usage usage;
};

enum { EMBED_INPUTS_MAX = 100000, EMBED_DIMENSIONS_MAX = 65536 };

/* A vector's numbers as JSON, and as base64 (rule M1). p == NULL: the arena is full, or what is there is no vector. */
struct str embed_floats(struct arena *, const struct embed_vector *);
struct jstr embed_base64(struct arena *, const struct embed_vector *);

/* Puts the answer to the inputs from `at` on into the answer to all, whose vectors have room for it, and adds its
 * usage; for a request that is sent in several parts. `all` is zeroed but for its vectors before the first. Borrows. */
void embed_join(struct embed_response *all, size_t at, const struct embed_response *part);

#endif
