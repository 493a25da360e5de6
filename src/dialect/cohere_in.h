/* SPDX-License-Identifier: Apache-2.0 */
/* cohere_in: what the files of Cohere's dialect share. docs.cohere.com/v2/reference is the source of what they know. */
#ifndef SLUICE_DIALECT_COHERE_IN_H
#define SLUICE_DIALECT_COHERE_IN_H

#include "dialect/kit.h"

/* {"billed_units": …, "tokens": …}: what is paid for, not what the model saw, which includes Cohere's own preamble. */
void cohere_usage(const struct json_node *usage, struct usage *);
void cohere_put_usage(struct json_writer *, const struct usage *);   /* the object */

void cohere_read_finish(struct jstr word, struct chat_finish *out);
struct str cohere_finish_word(const struct chat_finish *);
/* An element of citations. NULL: the arena is full. */
struct chat_citation *cohere_read_citation(struct arena *, const struct json_node *);
/* The same as an element; `w` stands where a value may. */
void cohere_put_citation(struct json_writer *, const struct chat_citation *);

bool cohere_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                         struct chat_request *, struct err *);
bool cohere_write_request(struct arena *, const struct chat_request *, const struct chat_target *, struct chat_wire *,
                          struct err *);
bool cohere_read_response(struct arena *, const struct chat_source *, const struct json_node *, struct chat_response *,
                          struct err *);
bool cohere_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                           struct chat_drops *);

#endif
