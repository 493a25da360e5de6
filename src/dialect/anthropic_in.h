/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anthropic_in: what the files of the Messages codec share: reading and writing content blocks, usage and stop reasons.
 * Formats: docs.anthropic.com/en/api/messages, messages-streaming; what the recordings show counts more.
 */
#ifndef SLUICE_DIALECT_ANTHROPIC_IN_H
#define SLUICE_DIALECT_ANTHROPIC_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "json/write.h"

/* ---- usage (anthropic.c) ----------------------------------------------------------------------------------------- */

/* The numbers of a usage object; one that is absent is JSON_NO_NUMBER. */
enum anthropic_use {
	USE_INPUT,
	USE_READ,
	USE_WRITE,
	USE_WRITE_5M,
	USE_WRITE_1H,
	USE_OUTPUT,
	USE_THINKING,
	USE_SEARCHES,
	USE_NUMBERS
};
/* Counts are cumulative: a report is laid over what is known, and what it leaves out stays. */
void anthropic_usage_add(const int64_t number[USE_NUMBERS], struct usage *);

/* ---- reading blocks (anthropic_blocks.c) ------------------------------------------------------------------------- */

/* One reading of a request or an answer. */
struct anthropic_read {
	struct arena *arena;
	struct err *err;
	bool answer; /* a provider wrote it: what is odd is kept raw, and not refused */
	/* where we are, for messages[3].content[1].content[0]; -1: not there */
	int message, block, inner;
	bool system;
};

/* Refuses: "<place><member>: <value> must be <allowed>". Returns false. `seen` may be NULL: it is missing. */
bool anthropic_refuse(const struct anthropic_read *, const char *member, const struct json_node *seen,
                      const char *allowed);
bool anthropic_full(const struct anthropic_read *);

/* Appends the block that `v` is. False: refused, or the arena is full. */
bool anthropic_read_block(struct anthropic_read *, const struct json_node *v, struct chat_block ***end);
/* A content: a string, or an array of blocks. */
bool anthropic_read_content(struct anthropic_read *, const struct json_node *v, struct chat_block ***end);
bool anthropic_read_cache(const struct anthropic_read *, const struct json_node *v, uint8_t *out);
/* NULL: it is no object, or the arena is full. */
struct chat_citation *anthropic_read_citation(struct arena *, const struct json_node *v);
/* A signature: Anthropic's own, or another maker's in our envelope. */
struct chat_opaque anthropic_read_signature(struct arena *, struct jstr);
/* The id of a redacted thought's token, so that in another dialect's envelope it is known from a signature. */
#define ANTHROPIC_REDACTED JSTR("redacted_thinking")

void anthropic_read_usage(const struct json_node *usage, struct usage *);
void anthropic_read_finish(const struct json_node *message, struct chat_finish *);

/* ---- writing (anthropic_write.c) --------------------------------------------------------------------------------- */

/* The message's id for Anthropic's clients: the provider's, or the gateway's, with the usual prefix. */
struct jstr anthropic_message_id(struct arena *, struct jstr id, const struct chat_reply *);
/* The type of block that a block of the answer becomes; NULL: there is none. */
const char *anthropic_answer_type(const struct chat_block *);
/* Is it a block that we only pass on, as Anthropic wrote it? */
static inline bool anthropic_is_raw(const struct chat_block *b)
{
	return b->raw.p && b->from == DIALECT_ANTHROPIC;
}
/* The signature of a thought for Anthropic's clients: its own, or an envelope. p == NULL: the arena is full. */
struct jstr anthropic_signature(struct arena *, const struct chat_opaque *);
/* Its thoughts as one text: the parts of a summary are joined by a blank line. p == NULL: the arena is full. */
struct jstr anthropic_thinking(struct arena *, const struct chat_block *);
/* Does the call have a token that a client can only keep in a thought of its own? */
static inline bool anthropic_call_token(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER && b->opaque.bytes.p;
}
/* The token's envelope, bound to the call by its id. */
struct jstr anthropic_call_signature(struct arena *, const struct chat_block *);
void anthropic_write_citation(struct json_writer *, const struct chat_citation *);
/* Leaves the object open. `calls`: with what the provider's own tools did. */
void anthropic_write_usage(struct json_writer *, const struct usage *, bool calls);
/* stop_reason; `called`: the answer has client tool calls (rule F1). */
struct str anthropic_stop_reason(const struct chat_finish *, bool called);
/* "stop_reason":…,"stop_sequence":…, and stop_details if they are Anthropic's or it is a refusal. */
void anthropic_write_finish(struct json_writer *, const struct chat_finish *, bool called, bool own);

/* ---- the codec's functions --------------------------------------------------------------------------------------- */

bool anthropic_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                            struct chat_request *, struct err *);
bool anthropic_write_request(struct arena *, const struct chat_request *, const struct chat_target *,
                             struct chat_wire *, struct err *);
bool anthropic_read_response(struct arena *, const struct chat_source *, const struct json_node *,
                             struct chat_response *, struct err *);
bool anthropic_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                              struct chat_drops *);
bool anthropic_write_count(int64_t tokens, struct buf *);

struct anthropic_reader {
	/* blocks that are open: Anthropic has one at a time, others that speak its dialect may not */
	struct anthropic_open {
		int64_t index;  /* the provider's */
		uint32_t block; /* ours */
		uint8_t kind;   /* enum chat_kind */
		bool any;       /* a piece of the arguments came */
		char *input;    /* arguments that came with the start, until it is known that no pieces follow */
		size_t input_n;
	} open[4];
	uint32_t n_open, blocks;
	struct usage usage;
	bool started, finished, ended;
};
enum chat_read anthropic_read_event(void *reader, struct arena *, const struct chat_frame *, struct chat_events *,
                                    struct dialect_error *, struct err *);
void anthropic_reader_fini(void *reader);

struct anthropic_writer {
	const struct chat_reply *reply;
	uint32_t blocks;     /* written so far: the next index */
	uint32_t open_block; /* the event's number of the one that is open */
	uint32_t part;       /* of the summary */
	uint8_t kind;        /* enum chat_kind of the open one */
	bool started, open, skipping, signed_, any, called, finished, gave_up, ended;
	struct usage usage;
	struct buf call_id; /* of the call that is open */
	struct buf token;   /* its token's envelope, which goes into a thought behind it */
	struct buf finish;  /* message_delta's delta, which is held */
};
bool anthropic_writer_init(void *writer, const struct chat_reply *);
void anthropic_writer_fini(void *writer);
bool anthropic_write_event(void *writer, struct arena *, const struct chat_event *, struct buf *);
bool anthropic_write_stream_error(void *writer, const struct err *, struct str request_id, struct buf *);
bool anthropic_write_ping(void *writer, struct buf *);

#endif
