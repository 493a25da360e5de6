/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit: what the codecs of Ollama and Cohere have in common. Both took the frame of a conversation from Chat
 * Completions (roles, tools, tool_calls) and have their own words for all the rest.
 */
#ifndef SLUICE_DIALECT_KIT_H
#define SLUICE_DIALECT_KIT_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/dialect_in.h"
#include "dialect/openai_chat_in.h"
#include "json/write.h"
#include "model/facts.h"

enum { KIT_PENDING_MAX = 64, KIT_PLACE_MAX = 96 };

/* ---- requests that are read -------------------------------------------------------------------------------------- */

struct kit_in {
	struct arena *arena;
	struct chat_request *rq;
	struct err *err;
	enum dialect_id from;
	struct chat_turn **turns_end;
	struct chat_block **system_end;
	struct chat_tool **tools_end;
	unsigned index;                      /* of the message */
	bool leading;                        /* no turn but the system's came yet */
	struct chat_turn *results;           /* the turn of the results in a row */
	struct chat_block **results_end;
	uint32_t calls;                      /* ids made */
	struct chat_block *pending[KIT_PENDING_MAX];   /* calls of the last turn that have no result yet */
};

struct kit_in kit_in_make(struct arena *, struct chat_request *, enum dialect_id from, struct err *);

/* A member of an object: KIT_NUMBER is kept raw at `at` of the request; KIT_OWN is read by its function; KIT_NONE is
 * known and says nothing. */
enum kit_holds { KIT_NONE, KIT_NUMBER, KIT_OWN };
struct kit_member {
	struct str name;
	uint8_t holds;
	uint8_t member;                      /* enum chat_member; CHAT_MEMBERS: none */
	uint16_t at;
	bool (*read)(struct kit_in *, const struct json_node *);
};
/* What is not in the table becomes an extra under prefix and name. */
MUST_USE bool kit_read_members(struct kit_in *, const struct json_node *object, const struct kit_member *, size_t n,
                               const char *prefix);
/* "place: must be allowed, not what"; false. */
bool kit_refuse(struct kit_in *, const char *place, const char *allowed, const struct json_node *);
const char *kit_place(const struct kit_in *, char out[KIT_PLACE_MAX], const char *rest);   /* "messages[3].role" */
MUST_USE bool kit_read_names(struct kit_in *, const char *place, const struct json_node *, struct chat_name **list);
MUST_USE bool kit_read_tools(struct kit_in *, const struct json_node *);
/* The calls of an assistant's message, behind *end; they wait for their results. */
MUST_USE bool kit_read_calls(struct kit_in *, const struct json_node *, struct chat_block ***end);
/* A turn, which ends the row of results. NULL: *err. */
struct chat_turn *kit_add_turn(struct kit_in *, enum chat_role);
/* A result among those in a row. An absent id is that of the call of this name, or of the first that waits. NULL:
 * *err. */
struct chat_block *kit_add_result(struct kit_in *, struct jstr id, struct jstr name);
/* Text behind *end, if there is any. */
MUST_USE bool kit_add_text(struct kit_in *, struct chat_block ***end, enum chat_kind, struct jstr text);
struct chat_block *kit_add_media(struct kit_in *, struct chat_block ***end, enum chat_kind);   /* NULL: *err */
/* Where the next system text goes: the request's, or a turn of its own. NULL: *err. */
struct chat_block **kit_system(struct kit_in *);

/* ---- requests that are written ----------------------------------------------------------------------------------- */

struct kit_out {
	struct arena *arena;
	struct json_writer w;
	struct chat_request rq;              /* a copy, with results that have names */
	const struct chat_target *target;
	struct chat_wire *wire;
	struct err *err;
	uint64_t carried;                    /* MEMBER_BIT */
	bool fit_names;                      /* names of tools are fitted to letters, digits, _ and - (T9) */
	bool strict;                         /* a tool was strict */
};

/* Begins the body; false: the history does not hold together (T7). */
MUST_USE bool kit_out_begin(struct kit_out *, struct arena *, struct buf *body, const struct chat_request *,
                            const struct chat_target *, struct chat_wire *, struct err *);
/* Takes the body, which `written` says is whole, and reports what was not carried. Frees the buffer. */
MUST_USE bool kit_out_end(struct kit_out *, struct buf *body, bool written, enum dialect_id to);

static inline void kit_carry(struct kit_out *o, enum chat_member m) { o->carried |= MEMBER_BIT(m); }
static inline bool kit_has(const struct kit_out *o, enum chat_member m) { return (o->rq.set & MEMBER_BIT(m)) != 0; }
void kit_put_raw(struct kit_out *, enum chat_member, struct str key, struct str raw);
/* The tools that the choice leaves. *any: there is one. */
MUST_USE bool kit_put_tools(struct kit_out *, bool *any);
/* An element of tool_calls; `as_text`: its arguments are a string, not an object. */
MUST_USE bool kit_put_call(struct json_writer *, struct arena *, const struct chat_block *, struct jstr name,
                           bool as_text);
/* The member `messages`: the system's blocks, then each turn; a speaker's name is reported. */
struct kit_turns {
	bool (*system)(struct kit_out *, const struct chat_block *list);
	bool (*user)(struct kit_out *, const struct chat_turn *);
	bool (*assistant)(struct kit_out *, const struct chat_turn *);
};
MUST_USE bool kit_put_turns(struct kit_out *, const struct kit_turns *);
MUST_USE bool kit_put_past_call(struct kit_out *, const struct chat_block *, bool as_text);     /* of the history */
struct jstr kit_tool_name(struct kit_out *, struct jstr name);       /* p == NULL: the arena is full */
/* All texts of this kind with `between` in between; empty: there is none. p == NULL: the arena is full. */
struct jstr kit_join(struct arena *, const struct chat_block *, enum chat_kind, struct jstr between);
/* What somebody says, with the text documents among it. */
struct jstr kit_join_said(struct arena *, const struct chat_block *, struct jstr between);
bool kit_holds_kind(const struct chat_block *, enum chat_kind);
/* Does the client want thoughts? 1 yes, 0 no, -1: it did not say. */
int kit_wants_thoughts(const struct chat_request *);

#endif
