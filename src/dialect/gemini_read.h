/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_read: what the files that read requests of Gemini's clients share. */
#ifndef SLUICE_DIALECT_GEMINI_READ_H
#define SLUICE_DIALECT_GEMINI_READ_H

#include "dialect/gemini_in.h"

struct gemini_reading {
	struct arena *arena;
	struct chat_request *rq;
	struct err *err;
};

static inline bool gemini_read_is_full(const struct gemini_reading *g)
{
	return err_set(g->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}
static inline void gemini_set(const struct gemini_reading *g, enum chat_member m) { g->rq->set |= MEMBER_BIT(m); }

/* contents and systemInstruction (gemini_read_turns.c); tools, toolConfig and the rest of the body
 * (gemini_read_request.c). */
bool gemini_read_contents(struct gemini_reading *, const struct json_node *contents);
bool gemini_read_system(struct gemini_reading *, const struct json_node *instruction);

#endif
