/* SPDX-License-Identifier: Apache-2.0 */
/* ollama_in: what the files of Ollama's dialect share. docs.ollama.com/api is the source of what they know. */
#ifndef SLUICE_DIALECT_OLLAMA_IN_H
#define SLUICE_DIALECT_OLLAMA_IN_H

#include "dialect/kit.h"

/* The usage of an answer's or a last line's numbers. */
void ollama_usage(int64_t input, int64_t output, struct usage *);

bool ollama_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                         struct chat_request *, struct err *);
bool ollama_write_request(struct arena *, const struct chat_request *, const struct chat_target *, struct chat_wire *,
                          struct err *);

#endif
