/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_write: what the files that write requests for Gemini share. */
#ifndef SLUICE_DIALECT_GEMINI_WRITE_H
#define SLUICE_DIALECT_GEMINI_WRITE_H

#include "dialect/gemini_in.h"
#include "model/facts.h"

struct gemini_writing {
	struct arena *arena;
	const struct chat_request *rq;
	const struct chat_target *to;
	struct chat_wire *out;
	struct json_writer w;            /* the body */
	struct gemini_put put;           /* parts, into w */
	struct err *err;
	uint64_t carried;                /* members */
	size_t name_max;                 /* of tools (T9) */
	bool schema_tool;                /* a tool stands for the answer's schema (S4) */
};

static inline bool gemini_is_3(const struct gemini_writing *g)
{
	return g->to->facts->thinking == THINKING_LEVEL || model_rule(g->to->facts, MODEL_SIGNATURES_REQUIRED);
}
static inline bool gemini_write_is_full(const struct gemini_writing *g)
{
	return err_set(g->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

/* The extras of Gemini's own clients whose names begin with the prefix, as members without it. */
void gemini_write_extras(struct json_writer *, const struct chat_extra *, struct str prefix);

/* Each writes its member of the body, if there is something to say. False: *err. */
bool gemini_write_system(struct gemini_writing *);
bool gemini_write_contents(struct gemini_writing *);
bool gemini_write_tools(struct gemini_writing *);
bool gemini_write_config(struct gemini_writing *);

#endif
