/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock: what is the same whether Bedrock's bytes pass or are translated: usage and exceptions. */
#ifndef SLUICE_DIALECT_BEDROCK_H
#define SLUICE_DIALECT_BEDROCK_H

#include "base/buf.h"
#include "dialect/error.h"
#include "model/usage.h"

/* The usage in an answer or a metadata event; what has none leaves *out as it was. False: no JSON. */
MUST_USE bool bedrock_usage_read(struct str json, struct usage *out);
/* An exception of a stream, by its :exception-type or :error-code. */
void bedrock_read_exception(struct str type, struct str body, struct dialect_error *out);
/* The last message of a stream that fails. False: the buffer is full. */
bool bedrock_write_exception(const struct err *, struct buf *out);
/* bedrock_tools.c: once, before its codec is used. */
void bedrock_tools_init(void);

#endif
