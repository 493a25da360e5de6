/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses: what a gateway needs to know of Responses to keep their state itself: which earlier answer a request goes
 * on from, its input as items, and answers by id. OpenAI keeps answers by id and puts what led to them before a request
 * that names one (previous_response_id), and items by id (item_reference); other providers keep nothing.
 *
 * Pure functions on JSON texts. "Items" are raw JSON objects joined by commas, without brackets.
 */
#ifndef SLUICE_DIALECT_RESPONSES_H
#define SLUICE_DIALECT_RESPONSES_H

#include "base/buf.h"
#include "json/node.h"

struct arena;
struct err;

struct responses_look {
	struct str previous;         /* previous_response_id, plain; empty: none */
	bool store;                  /* the answer may be asked for again: so it is unless the client says no */
	bool references;             /* there may be an item_reference in it */
};
/* Of a request's body that was found valid. */
void responses_look(struct arena *, struct str body, struct responses_look *out);

/* The answer's id that our writers make of the reply's id: "resp_…". */
#define RESPONSES_ID_MAX 72
struct str responses_answer_id(char out[RESPONSES_ID_MAX], struct str reply_id);
/* The id of the answer that an item of ours belongs to, by the item's own id; empty: it is none of ours. */
struct str responses_id_of_item(char out[RESPONSES_ID_MAX], struct str item_id);

/*
 * Appends the request's own input as items; a string becomes a message. An item_reference is replaced by what `find`
 * gives; false from it: *err tells. find NULL: references stay.
 */
struct responses_finder {
	bool (*find)(void *arg, struct str item_id, struct str *item, struct err *);
	void *arg;
};
MUST_USE bool responses_add_input(const struct json_node *body, struct arena *, const struct responses_finder *,
                                  struct buf *out, struct err *);
/* Appends an array's elements. */
void responses_add_items(const struct json_node *array, struct buf *out);

/* The request with these items as its input and without previous_response_id. p == NULL: the arena is full. */
struct str responses_with_input(struct arena *, const struct json_node *body, struct str items);

/* The response object in the last event of a stream of ours; `bytes` end with it. Empty: there is none. */
struct str responses_object_of_stream(struct arena *, struct str bytes);

/* The answer to GET …/input_items: a page of the items, which get ids where they have none. */
struct responses_page { bool ascending; unsigned limit; struct str after; };
bool responses_write_items(struct arena *, struct str response_id, const struct json_node *items,
                           const struct responses_page *, struct buf *out);

#endif
