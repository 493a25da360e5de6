/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_in: what the files of the Bedrock dialect share. Words and shapes are those of the Bedrock Runtime API. */
#ifndef SLUICE_DIALECT_BEDROCK_IN_H
#define SLUICE_DIALECT_BEDROCK_IN_H

#include "dialect/dialect_in.h"

/* bedrock.c: the usage in an answer or a metadata event; what has none leaves *out as it was. False: no JSON. */
MUST_USE bool bedrock_usage_read(struct str json, struct usage *out);
/* An exception of a stream, by its :exception-type or :error-code. */
void bedrock_read_exception(struct str type, struct str body, struct dialect_error *out);
/* The last message of a stream that fails. False: the buffer is full. */
bool bedrock_write_exception(const struct err *, struct buf *out);

#endif
