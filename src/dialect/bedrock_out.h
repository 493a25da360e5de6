/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bedrock_out: a request on its way to Converse. What depends on one another (thinking, sampling, tool choice, the
 * answer's form) is decided first, as for Messages: it is Claude whose rules are the strictest.
 */
#ifndef SLUICE_DIALECT_BEDROCK_OUT_H
#define SLUICE_DIALECT_BEDROCK_OUT_H

#include "dialect/anthropic_out.h"
#include "dialect/bedrock_in.h"

struct bedrock_out {
	struct arena *arena;
	const struct chat_request *rq; /* a copy without the tools that Bedrock does not run */
	const struct chat_target *target;
	struct chat_wire *wire;
	struct err *err;
	struct json_writer w;
	struct anthropic_out plan;
	bool claude;
	bool short_mark;             /* one of five minutes was written: none of an hour may follow */
	bool no_calls;               /* tools must be told, but not called (row 45) */
	unsigned marks, skip_marks;  /* cache points so far, and those of the messages that are one too many */
	struct chat_name *documents; /* names that are taken */
	/* where we are, for errors and drops */
	unsigned message, block;
};

bool bedrock_out_full(const struct bedrock_out *);
/* A cachePoint behind what was written, if it is marked and may have one. */
void bedrock_write_mark(struct bedrock_out *, uint8_t cache);
/* Counts marks that are wanted. */
unsigned bedrock_count_marks(const struct chat_block *);

/* bedrock_messages.c: "system" and "messages" with their keys. False: refused, or the arena is full. */
bool bedrock_write_system(struct bedrock_out *);
bool bedrock_write_messages(struct bedrock_out *);
/* Does the conversation hold calls or results of client tools? */
bool bedrock_has_calls(const struct chat_request *);

/* bedrock_media.c: an image, audio, video or document as the value of a block. */
bool bedrock_write_media(struct bedrock_out *, const struct chat_block *);

/* bedrock_tools.c: "toolConfig" with its key, if there is any. */
bool bedrock_write_tools(struct bedrock_out *);

#endif
