/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anthropic_out: a request on its way to a server that speaks Messages. First everything is decided (anthropic_plan.c),
 * since thinking, tool choice, sampling and the answer's form depend on one another; then it is written in one go
 * (anthropic_request_write.c, anthropic_turns_write.c, anthropic_tools.c).
 */
#ifndef SLUICE_DIALECT_ANTHROPIC_OUT_H
#define SLUICE_DIALECT_ANTHROPIC_OUT_H

#include "dialect/anthropic_in.h"
#include "model/facts.h"

enum anthropic_think { THINK_UNSAID, THINK_OFF, THINK_ADAPTIVE, THINK_BUDGET };

/* How a schema for the answer is asked for (rules S1-S4). */
enum anthropic_form { FORM_NONE, FORM_NATIVE, FORM_TOOL, FORM_TEXT };

struct anthropic_out {
	struct arena *arena;
	const struct chat_request *rq;
	const struct chat_target *target;
	struct chat_wire *wire;
	struct err *err;
	struct buf body;
	struct json_writer w;
	uint64_t carried; /* MEMBER_BITs */
	bool own;         /* the client spoke this dialect too */
	bool claude;      /* whoever serves it */

	/* the plan */
	struct str max_output;
	int64_t max_tokens;
	enum anthropic_think think;
	int64_t budget;
	bool has_effort;
	enum model_effort effort;
	const char *display; /* NULL: unsaid */
	enum anthropic_form form;
	struct str schema; /* of the form */
	uint8_t choice;    /* enum chat_choice; CHOICE_SUBSET has become AUTO or ANY */
	struct jstr choice_name;
	bool subset; /* only the tools that the choice names are sent */
	bool strict_tools;
	unsigned tools; /* how many are sent */
	bool temperature, top_p, top_k;
	struct str temperature_text;

	/* cache marks, in the order of the prompt (row 95) */
	unsigned marks, marks_done;
	bool short_mark; /* one of five minutes was written: none of an hour may follow */
};

/* Anthropic's limits. */
enum { CACHE_MARKS_MAX = 4, STRICT_TOOLS_MAX = 20, TOOL_NAME_MAX = 128, CALL_ID_MAX = 256 };

/* anthropic_plan.c. False: refused. */
bool anthropic_plan(struct anthropic_out *);
/* Has the thought a signature that this model's maker made? */
static inline bool anthropic_replays(const struct chat_block *b)
{
	return b->kind == CHAT_REASONING && b->opaque.maker == MAKER_ANTHROPIC && b->opaque.bytes.n;
}

/* A blank text is refused where it stands (T3). */
static inline bool anthropic_is_blank(const struct chat_block *b)
{
	return b->kind == CHAT_TEXT && jstr_is_blank(b->text);
}

/* anthropic_turns_write.c: messages. False: refused, or the arena is full. */
bool anthropic_write_messages(struct anthropic_out *);

/* anthropic_tools.c: tools and tool_choice, with the commas. False: refused, or the arena is full. */
bool anthropic_write_tools(struct anthropic_out *);
bool anthropic_tool_is_sent(const struct anthropic_out *, const struct chat_tool *);
/* The mark of a block, tool or text, if it may have one. */
void anthropic_write_mark(struct anthropic_out *, uint8_t cache);
/* Members of a block or tool that are Anthropic's own; others are reported as "place[index].name". */
void anthropic_write_extras(struct anthropic_out *, const struct chat_extra *, const char *place, unsigned index);
void anthropic_tools_init(void);

bool anthropic_out_full(const struct anthropic_out *);

#endif
