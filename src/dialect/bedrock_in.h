/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bedrock_in: what the files of the Bedrock dialect share. Words and shapes are those of the Bedrock Runtime API
 * (docs.aws.amazon.com/bedrock/latest/APIReference: Converse, ConverseStream, CountTokens); what the recordings show
 * counts more.
 */
#ifndef SLUICE_DIALECT_BEDROCK_IN_H
#define SLUICE_DIALECT_BEDROCK_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/bedrock.h"
#include "dialect/chat.h"
#include "json/write.h"

/* Names of extras that stand in additionalModelRequestFields begin so. */
#define BEDROCK_FIELD "additionalModelRequestFields."

/* ---- bedrock_words.c: words, citations, media ------------------------------------------------------------------- */

void bedrock_read_stop(struct jstr word, struct chat_finish *out);
/* `called`: the answer has calls of client tools (rule F1). */
struct str bedrock_stop_word(const struct chat_finish *, bool called);
/* A service tier that Bedrock has a word for; n == 0: it has none. */
struct str bedrock_tier_word(struct jstr tier);
/* The call's id; of a call without one, the n-th of the answer, one is made of the reply's. p == NULL: arena full. */
struct jstr bedrock_call_id(struct arena *, const struct chat_reply *, struct jstr id, unsigned n);
/* The stop sequence in additionalModelResponseFields, where it was asked for. */
struct jstr bedrock_read_sequence(const struct json_node *fields);

/* image, audio, video, document: {"format","source"}; name, context and citations of documents. NULL: it is none, or
 * the arena is full. */
struct chat_media *bedrock_read_media(struct arena *, enum chat_kind, const struct json_node *v);
/* The media type of a format, and back (formats: also by a file's name). Absent: unknown. */
struct jstr bedrock_media_type(enum chat_kind, struct jstr format);
struct str bedrock_media_format(enum chat_kind, struct jstr type, struct jstr name);

/* The texts of a list of {"text"}, one piece. Absent: there is none, or the arena is full. */
struct jstr bedrock_join_texts(struct arena *, const struct json_node *list, struct str between);

struct chat_citation *bedrock_read_citation(struct arena *, const struct json_node *v);
void bedrock_write_citation(struct json_writer *, const struct chat_citation *);
void bedrock_write_usage(struct json_writer *, const struct usage *);

/* A signature or the contents of a redacted thought: the maker's own, or another's in our envelope. */
struct chat_opaque bedrock_read_opaque(struct arena *, struct jstr text, enum chat_maker own, bool redacted);
/* As its client keeps it. p == NULL: the arena is full. */
struct jstr bedrock_opaque_text(struct arena *, const struct chat_opaque *, bool redacted);
/* The thoughts as one text: the parts of a summary are joined by a blank line. p == NULL: the arena is full. */
struct jstr bedrock_thoughts(struct arena *, const struct chat_block *);

static inline bool bedrock_is_raw(const struct chat_block *b)
{
	return b->raw.p && b->from == DIALECT_BEDROCK;
}

/* ---- blocks (bedrock_blocks.c) ----------------------------------------------------------------------------------- */

struct bedrock_read {
	struct arena *arena;
	struct err *err;
	enum chat_maker maker; /* of signatures */
	bool answer;           /* a provider wrote it: what is odd is kept raw, and not refused */
	/* where we are, for messages[3].content[1].toolResult.content[0]; -1: not there */
	int message, block, inner;
	struct chat_block *last; /* what a cachePoint marks */
};
/* Refuses: "<place><member>: <value> must be <allowed>". Returns false. `seen` may be NULL: it is missing. */
bool bedrock_refuse(const struct bedrock_read *, const char *member, const struct json_node *seen, const char *allowed);
bool bedrock_full(const struct bedrock_read *);
/* An array of content blocks, of a message or a tool's result. False: refused, or the arena is full. */
bool bedrock_read_content(struct bedrock_read *, const struct json_node *list, struct chat_block ***end);

/* ---- the codec's functions --------------------------------------------------------------------------------------- */

bool bedrock_read_chat(struct arena *, const struct dialect_request *, const struct json_node *, struct chat_request *,
                       struct err *);
bool bedrock_write_chat(struct arena *, const struct chat_request *, const struct chat_target *, struct chat_wire *,
                        struct err *);
bool bedrock_read_response(struct arena *, const struct chat_source *, const struct json_node *, struct chat_response *,
                           struct err *);
bool bedrock_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                            struct chat_drops *);

#define BEDROCK_OPEN_MAX 16

struct bedrock_reader {
	struct bedrock_open {
		int64_t index;  /* the provider's */
		uint32_t block; /* ours */
		uint8_t kind;   /* enum chat_kind */
		bool args;      /* some arguments came */
	} open[BEDROCK_OPEN_MAX];
	uint32_t n_open, blocks;
	uint8_t maker;
	bool called, finished, ended;
};
bool bedrock_reader_init(void *, const struct chat_source *);
void bedrock_reader_fini(void *);
enum chat_read bedrock_read_event(void *, struct arena *, const struct chat_frame *, struct chat_events *,
                                  struct dialect_error *, struct err *);

struct bedrock_writer {
	const struct chat_reply *reply;
	struct usage usage;
	uint32_t index; /* of the block that is open, or the next one */
	uint32_t part;  /* of a summary */
	uint8_t kind;   /* enum chat_kind of the open one */
	bool redacted;
	bool written; /* something of the open one was written: it has an index */
	bool args;    /* the open one is a call, and has arguments */
	bool skip;    /* the open one cannot be said here */
	bool called;
	char tier[16]; /* that was served; empty: not known */
};
bool bedrock_writer_init(void *, const struct chat_reply *);
void bedrock_writer_fini(void *);
bool bedrock_write_event(void *, struct arena *, const struct chat_event *, struct buf *);
bool bedrock_write_stream_error(void *, const struct err *, struct str request_id, struct buf *);
bool bedrock_write_ping(void *, struct buf *);

#endif
