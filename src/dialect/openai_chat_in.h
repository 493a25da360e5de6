/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_in: what the files of the Chat Completions codec share with one another and with the legacy Completions:
 * finding members by name, thoughts in all the shapes that OpenAI-compatible servers give them, tool calls, stop words.
 */
#ifndef SLUICE_DIALECT_OPENAI_CHAT_IN_H
#define SLUICE_DIALECT_OPENAI_CHAT_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/dialect_in.h"
#include "json/write.h"

/* ---- reading (openai_chat_parts.c) ------------------------------------------------------------------------------- */

/* slot[i] is the last member named names[i]; NULL: absent or null. What has no name in the list becomes an extra if
 * `extras` is not NULL. False: the arena is full. Anything but an object has no members. */
MUST_USE bool openai_members(struct arena *, const struct json_node *object, const struct str *names, size_t n,
                             const struct json_node **slot, struct chat_extra **extras);

/* Says that the arena is full; returns false. */
bool openai_full(struct err *);

/* Members of a message that hold thoughts. */
struct openai_thoughts {
	const struct json_node *details;     /* OpenRouter: reasoning_details */
	const struct json_node *signed_blocks; /* LiteLLM: thinking_blocks */
	const struct json_node *plain[3];    /* reasoning_content, reasoning, thinking */
};
/* As blocks behind *end. False: the arena is full. */
MUST_USE bool openai_read_thoughts(struct arena *, const struct openai_thoughts *, struct chat_block ***end);

/* One entry of reasoning_details. */
struct openai_detail {
	enum { DETAIL_TEXT, DETAIL_SUMMARY, DETAIL_ENCRYPTED } kind;
	struct jstr text;                    /* or summary */
	struct chat_opaque opaque;
	struct jstr format;                  /* if it is not the usual one of its maker */
	struct jstr id;
	uint32_t index;
};
struct openai_detail openai_read_detail(const struct json_node *entry);
/* "anthropic-claude-v1"; "unknown". */
struct jstr openai_format(enum chat_maker);

/* A tool call, or a `function_call` of old. `seed` and `ordinal` make an id where it has none. NULL: arena full. */
struct chat_block *openai_read_call(struct arena *, const struct json_node *call, uint64_t seed, uint32_t ordinal,
                                    struct chat_block ***end);
/* "call_…" of a hash. p == NULL: the arena is full. */
struct jstr openai_make_id(struct arena *, uint64_t seed, uint32_t ordinal);
/* extra_content.google.thought_signature of a call or message; absent: none. */
struct chat_opaque openai_read_signature(const struct json_node *extra_content);
/* Gemini's signature of a text: a thought that is nothing but the token, right behind it. False: the arena is full. */
MUST_USE bool openai_add_token(struct arena *, struct chat_block *text, const struct chat_opaque *);
/* An element of `annotations`: a url_citation, or kept raw. NULL: the arena is full. */
struct chat_citation *openai_read_citation(struct arena *, const struct json_node *);

/* The array of tokens in `logprobs`; NULL: none. */
const struct json_node *openai_logprobs(const struct json_node *logprobs);

/* The word of finish_reason; `calls`: the answer holds tool calls of the client (F1). */
void openai_read_finish(struct jstr word, bool calls, struct chat_finish *out);

/*
 * <think>…</think> at the very start of a text (O8), in which < and / may be escaped. openai_tag_at: the bytes that the
 * tag takes at the start of `s`, 0: it is not there, -1: `s` ends inside of it.
 */
#define OPENAI_THINK STR("<think>")
#define OPENAI_THINK_END STR("</think>")
int openai_tag_at(struct jstr s, struct str tag);
/* Where the tag begins, or where one may begin that the text cuts, or s.n; *length as of openai_tag_at. */
size_t openai_tag_find(struct jstr s, struct str tag, int *length);

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The entries of reasoning_details for one block of thoughts; *index counts them. */
void openai_write_details(struct json_writer *, const struct chat_block *, uint32_t *index);
void openai_write_signature(struct json_writer *, struct jstr signature);    /* "extra_content": … */
/* An element of annotations; false: it has no equal, and nothing is written. */
bool openai_write_citation(struct json_writer *, const struct chat_citation *);
/* {"type":"image_url","image_url":{"url":…}}, as OpenRouter answers with images. */
void openai_write_image(struct json_writer *, struct arena *, const struct chat_media *);
struct str openai_finish_word(const struct chat_finish *, bool refused, bool old_functions);
void openai_write_usage(struct json_writer *, const struct usage *);

/* A member that a dialect reads its own way. */
struct openai_request_in;
struct openai_own {
	struct str name;
	bool (*read)(struct openai_request_in *, const struct json_node *);
};

/* A request while it is read: openai_chat_read_request.c its members, openai_chat_read_messages.c its messages. */
struct openai_request_in {
	struct arena *arena;
	struct chat_request *rq;
	struct err *err;
	struct chat_turn **turns_end;
	struct chat_block **system_end;
	struct chat_tool **tools_end;
	unsigned index;                      /* of the message */
	bool leading;                        /* no turn came yet */
	struct chat_turn *results;           /* the turn of the results in a row; NULL: the last message was none */
	struct chat_block **results_end;
	struct jstr old_id, old_name;        /* of the last function_call */
	uint32_t old_calls;
	const struct openai_own *own;        /* come before those of Chat Completions */
	size_t own_n;
};
bool openai_read_members(struct openai_request_in *, const struct json_node *body);
bool openai_read_messages(struct openai_request_in *, const struct json_node *list);
/* "messages[0].role: must be …, not the string \"x\"" */
bool openai_refuse(struct openai_request_in *, const char *place, const char *allowed, const struct json_node *);
enum { OPENAI_SEEN_MAX = 96 };
const char *openai_seen(const struct json_node *, char out[OPENAI_SEEN_MAX]);
enum chat_cache openai_read_cache(const struct json_node *cache_control);

/* A request while it is written: openai_chat_write_request.c its members, openai_chat_write_messages.c its messages. */
struct openai_request_out {
	struct arena *arena;
	struct json_writer w;
	const struct chat_request *rq;
	const struct chat_target *target;
	struct chat_wire *wire;
	struct err *err;
	bool openai;             /* the provider knows all that OpenAI has */
	bool lax;                /* it lets pass what it does not know (P19) */
	struct jstr schema_text; /* to be told in the system's text (S4, S7); absent: nothing */
	uint64_t carried;        /* MEMBER_BIT */
};
static inline bool openai_has_quirk(const struct openai_request_out *o, unsigned quirk)
{
	return (o->target->quirks & quirk) != 0;
}
MUST_USE bool openai_write_messages(struct openai_request_out *);
/* The member "cache_control" if the target takes it. */
void openai_write_cache(struct openai_request_out *, enum chat_cache);
/* The name of a tool as the target takes it. p == NULL: the arena is full. */
struct jstr openai_fit_tool(struct openai_request_out *, struct jstr name);

/* ---- the codec's functions --------------------------------------------------------------------------------------- */

bool openai_chat_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                              struct chat_request *, struct err *);
bool openai_chat_fill_reply(struct arena *, const struct chat_request *, struct chat_reply *);
bool openai_chat_write_request(struct arena *, const struct chat_request *, const struct chat_target *,
                               struct chat_wire *, struct err *);
bool openai_chat_read_response(struct arena *, const struct chat_source *, const struct json_node *,
                               struct chat_response *, struct err *);
bool openai_chat_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                                struct chat_drops *);
enum { OPENAI_CHAT_READER_SIZE = 96, OPENAI_CHAT_WRITER_SIZE = 160 };        /* asserted to be enough */
bool openai_chat_reader_init(void *, const struct chat_source *);
void openai_chat_reader_fini(void *);
enum chat_read openai_chat_read_event(void *, struct arena *, const struct chat_frame *, struct chat_events *,
                                      struct dialect_error *, struct err *);
bool openai_chat_writer_init(void *, const struct chat_reply *);
void openai_chat_writer_fini(void *);
bool openai_chat_write_event(void *, struct arena *, const struct chat_event *, struct buf *);
bool openai_chat_write_error(void *, const struct err *, struct str request_id, struct buf *);
bool openai_chat_write_ping(void *, struct buf *);

#endif
