/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_in: what the files of the Responses codec share: items of inputs and outputs, read and written. Formats:
 * platform.openai.com/docs/api-reference/responses and responses-streaming; what the recordings show counts more.
 *
 * An item is a block, but for messages, of which each part of the content is one. Items that only OpenAI understands
 * (computer calls, patches, lists of MCP tools …) are CHAT_RAW; those of tools that the provider runs are calls of
 * TOOL_SERVER. Both keep the item's text and are given back to this dialect only.
 */
#ifndef SLUICE_DIALECT_RESPONSES_IN_H
#define SLUICE_DIALECT_RESPONSES_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/responses.h"
#include "json/write.h"

/* ---- reading items (responses_items.c) --------------------------------------------------------------------------- */

/* One reading of a request or an answer. */
struct responses_read {
	struct arena *arena;
	struct err *err;
	bool answer;                 /* a provider wrote it: what is odd is kept raw, and not refused */
	uint8_t maker;               /* enum chat_maker of tokens that are in no envelope of ours */
	int item, part;              /* where we are, for input[3].content[1]; -1: not there */
};

/* Refuses: "<place><member>: <value> must be <allowed>". Returns false. `seen` may be NULL: it is missing. */
bool responses_refuse(const struct responses_read *, const char *member, const struct json_node *seen,
                      const char *allowed);
bool responses_full(const struct responses_read *);

/* Appends the blocks that the item is, none for an empty message. *role: of the turn that it belongs to. False:
 * refused, or the arena is full. */
bool responses_read_item(struct responses_read *, const struct json_node *item, struct chat_block ***end,
                         enum chat_role *role);
/* A content: a string, or an array of parts. */
bool responses_read_content(struct responses_read *, const struct json_node *, struct jstr item_id,
                            struct chat_block ***end);
/* NULL: it is no object, or the arena is full. */
struct chat_citation *responses_read_citation(struct arena *, const struct json_node *);
/* A reasoning item's token: the provider's own, or another maker's in our envelope. */
struct chat_opaque responses_read_token(const struct responses_read *, struct jstr token, struct jstr item_id);

/* What kind of item it is, by its type. */
enum responses_item {
	ITEM_MESSAGE, ITEM_FUNCTION_CALL, ITEM_CUSTOM_CALL, ITEM_FUNCTION_OUTPUT, ITEM_CUSTOM_OUTPUT, ITEM_REASONING,
	ITEM_REFERENCE, ITEM_SERVER_CALL, ITEM_IMAGE_CALL, ITEM_RAW_OUTPUT, ITEM_RAW,
};
enum responses_item responses_item_of(const struct json_node *item);

/* The maker of tokens of a model behind this API. */
enum chat_maker responses_maker(struct jstr model);

void responses_read_usage(const struct json_node *response, struct usage *);
/* The end of a response object of the given status: how its choice ended. `calls`: it holds calls of the client's
 * tools; `refused`: a refusal. */
void responses_read_finish(const struct json_node *response, bool calls, bool refused, struct chat_finish *);
/* Counts the calls of the provider's own tools that are paid by the piece. */
void responses_count_calls(const struct json_node *item, unsigned calls[USAGE_CALLS]);

/* ---- writing items (responses_write.c) --------------------------------------------------------------------------- */

/* The item's id: its own if it is of this dialect, else made of the prefix, the answer's id and a number. */
struct responses_id { char text[64]; uint8_t n; };
struct responses_id responses_make_id(const char *prefix, struct jstr own, const struct chat_reply *, unsigned number);
static inline struct str responses_id_str(const struct responses_id *id) { return str_of(id->text, id->n); }

bool responses_is_raw(const struct chat_block *);       /* written as it is, since it is of this dialect */
/* {"type":"output_text",…} of an answer; the logprobs are an array, may be empty. */
void responses_write_text_part(struct json_writer *, const struct chat_block *, struct str logprobs);
void responses_write_refusal_part(struct json_writer *, struct jstr text);
/* One citation as an annotation; `letters`: of the text so far, for citations that do not say where. False: it has no
 * equal, and nothing is written. */
bool responses_write_annotation(struct json_writer *, const struct chat_citation *, uint64_t letters);
bool responses_has_annotation(const struct chat_citation *);
/* A whole call. `done`: else it begins, and its arguments are empty. */
void responses_write_call(struct json_writer *, const struct chat_block *, struct str item_id, struct jstr call_id,
                          struct jstr args, bool done);
/* A whole thought; token: may be absent. */
void responses_write_reasoning(struct json_writer *, const struct chat_block *, struct str item_id, struct jstr token);
/* The token that this thought has for a client of this dialect: OpenAI's own, or an envelope. p == NULL: none. */
struct jstr responses_token(struct arena *, const struct chat_opaque *);
/* A picture as the item of the tool that made it. */
void responses_write_image(struct json_writer *, const struct chat_block *, struct str item_id);
void responses_write_usage(struct json_writer *, const struct usage *);
/* "completed" or "incomplete". */
/* A refusal without a text of it has no part that could show it: then it is told as what it is, filtered. */
uint8_t responses_stop(const struct chat_finish *, bool refused);
struct str responses_status(const struct chat_finish *);
/* "id", "object", "created_at", "model" and what the answer repeats of its request. */
void responses_write_head(struct json_writer *, const struct chat_reply *, struct jstr model, int64_t created_s);
/* From "status" to "output", without its value. finish NULL: in progress. */
void responses_write_status(struct json_writer *, const struct chat_finish *);
void responses_write_tail(struct json_writer *, const struct usage *, struct jstr tier);
uint64_t responses_letters(struct jstr);                /* characters of a text */

/* Appends turns that the items are; r->item counts them. */
bool responses_read_items(struct responses_read *, const struct json_node *items, struct chat_request *);

/* What responses_look looks for (openai_responses.c). */
enum { RESPONSES_ASKS_STORE, RESPONSES_ASKS_PREVIOUS, RESPONSES_ASKED };
const struct json_plan *responses_asked(void);

/* ---- members of requests that answers repeat (responses_write_request.c) ----------------------------------------- */

void responses_write_choice(struct json_writer *, const struct chat_request *, struct arena *, struct chat_undo *);
void responses_write_format(struct json_writer *, const struct chat_request *, struct str schema);

/* ---- the codec's functions --------------------------------------------------------------------------------------- */

bool responses_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                            struct chat_request *, struct err *);
bool responses_write_request(struct arena *, const struct chat_request *, const struct chat_target *,
                             struct chat_wire *, struct err *);
bool responses_fill_reply(struct arena *, const struct chat_request *, struct chat_reply *);
bool responses_read_response(struct arena *, const struct chat_source *, const struct json_node *,
                             struct chat_response *, struct err *);
bool responses_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                              struct chat_drops *);

enum { RESPONSES_OPEN_MAX = 32, RESPONSES_MESSAGES_SEEN = 8 };
bool responses_write_count(int64_t tokens, struct buf *);
struct responses_reader {
	uint32_t blocks;                     /* opened so far */
	uint32_t n_open;
	struct responses_open {
		int64_t output, content;     /* where it is; content: of parts of messages, else -1 */
		uint32_t block;              /* ours */
		uint8_t kind;                /* enum chat_kind */
		bool any;                    /* a piece of its text, or of its arguments came */
		uint64_t parts;              /* of a summary: bit n: a piece of part n came */
		uint32_t citations;
	} open[RESPONSES_OPEN_MAX];
	/* the last messages, and which of their parts were given; their end repeats them all */
	struct { int64_t output; uint64_t parts; } seen[RESPONSES_MESSAGES_SEEN];
	uint32_t n_seen;
	uint8_t maker;
	bool started, ended, calls, refused;
	unsigned paid[USAGE_CALLS];
};
bool responses_reader_init(void *, const struct chat_source *);
enum chat_read responses_read_event(void *, struct arena *, const struct chat_frame *, struct chat_events *,
                                    struct dialect_error *, struct err *);

struct responses_writer {
	const struct chat_reply *reply;
	struct buf model, tier;              /* as the provider calls them */
	int64_t created_s;
	uint64_t sequence;
	size_t data_from;                    /* where the data of the event under way begins in its buffer */
	unsigned items;                      /* the next output_index */
	struct buf output;                   /* items that are whole, joined by commas */
	bool started, finished, ended;
	struct usage usage;
	struct chat_finish finish;
	struct buf finish_raw;
	/* the item under way; there is one at a time */
	enum { OPEN_NOTHING, OPEN_MESSAGE, OPEN_CALL, OPEN_THOUGHT, OPEN_IMAGE, OPEN_WHOLE, OPEN_SKIPPED } open;
	uint32_t block;                      /* number of the block that it is */
	struct responses_id id;
	uint8_t tool;                        /* of a call: enum chat_tool_kind */
	struct buf call_id, name;
	unsigned part;                       /* the next part of a message, or of a summary */
	bool part_open;
	uint8_t part_kind;                   /* of a message: CHAT_TEXT, CHAT_REFUSAL */
	bool refused;                        /* there was a refusal's text */
	uint32_t part_of;                    /* of a summary: the reader's number */
	struct buf text;                     /* of the part under way; a call's arguments; an image */
	struct buf parts;                    /* parts that are whole, joined by commas */
	struct buf annotations, logprobs;    /* of the part under way, joined by commas */
	unsigned n_annotations;
	uint64_t letters;
	struct buf token, token_id;          /* of a thought */
	uint8_t maker;
};
bool responses_writer_init(void *, const struct chat_reply *);
void responses_writer_fini(void *);
bool responses_write_event(void *, struct arena *, const struct chat_event *, struct buf *);
bool responses_write_error(void *, const struct err *, struct str request_id, struct buf *);
bool responses_write_ping(void *, struct buf *);

#endif
