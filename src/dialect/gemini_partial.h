/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_partial: a call's arguments that Vertex streams as pairs of a JSONPath and a value (functionCall.partialArgs),
 * back as one JSON text that grows at its end. The pairs come in the order of the document; one that goes back to an
 * object or array that was left cannot be written any more and is refused.
 *
 * Bounded: paths of at most 16 names and 1 KiB. Owned by whoever declared it; no memory of its own.
 */
#ifndef SLUICE_DIALECT_GEMINI_PARTIAL_H
#define SLUICE_DIALECT_GEMINI_PARTIAL_H

#include "base/buf.h"
#include "json/node.h"

enum { PARTIAL_LEVELS = 16, PARTIAL_PATH = 1024 };

struct gemini_partial {
	char text[PARTIAL_PATH];             /* the names, one behind the other */
	struct { uint16_t at, n; bool index; } level[PARTIAL_LEVELS];
	uint8_t levels;                      /* of the value written last; 0: none yet */
	bool in_string;
};

/* One element of partialArgs; appends what is new. False: not understood, or out of order. */
MUST_USE bool gemini_partial_add(struct gemini_partial *, const struct json_node *arg, struct buf *out);
/* Closes all; the struct can be used for another call. */
void gemini_partial_end(struct gemini_partial *, struct buf *out);

#endif
