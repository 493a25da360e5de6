/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_in: what the files of Gemini's codec share. Members have two spellings: the API's own is camelCase, and its
 * JSON mapping (protobuf.dev/programming-guides/json) takes the names of the .proto files, snake_case, as well; clients
 * mix them. They are looked up by the first and found by both.
 */
#ifndef SLUICE_DIALECT_GEMINI_IN_H
#define SLUICE_DIALECT_GEMINI_IN_H

#include "base/err.h"
#include "dialect/chat.h"

struct gemini_partial;

/* Is this member called so, in either spelling? */
bool gemini_named(const struct json_node *member, struct str camel);
/* The last one of that name that is not null; NULL: none. */
const struct json_node *gemini_get(const struct json_node *object, struct str camel);
static inline struct jstr gemini_get_text(const struct json_node *object, struct str camel)
{
	return node_text(gemini_get(object, camel));
}

/* Lists of which a single member may stand without its brackets, as the JSON mapping takes it: the first element, and
 * the next. NULL: no (more) elements. */
const struct json_node *gemini_first(const struct json_node *list);
const struct json_node *gemini_after(const struct json_node *list, const struct json_node *element);

/* Names of members that are kept for Gemini alone begin with these, if they are no members of the body itself. */
#define GEMINI_CONFIG "generationConfig."
#define GEMINI_TOOL_CONFIG "toolConfig."

/* gemini_schema.c: a schema in OpenAPI's words, as clients of Gemini give it, as JSON Schema: itself if it is one
 * already. p == NULL: the arena is full. */
struct str gemini_schema_read(struct arena *, const struct json_node *schema);

/* ---- parts (gemini_part.c) --------------------------------------------------------------------------------------- */

/*
 * One part as a block: text, thought, call, media, what the provider's own tools did, or raw. A signature is in
 * block->opaque whatever the kind; a text's goes on by gemini_signature_block. A functionResponse is left raw: requests
 * read it themselves. `client`: signatures may be envelopes of ours. False: *err without a place.
 */
bool gemini_part_read(struct arena *, const struct json_node *part, bool client, struct chat_block *out, struct err *);
/* Says nothing: {} or an empty text without a signature. */
bool gemini_part_is_empty(const struct chat_block *);
/* Behind a text that was signed: a thought without words that carries the signature, for other dialects have no place
 * for it on a text. Takes it from the text. NULL: the text has none, or the arena is full (*full). */
struct chat_block *gemini_signature_block(struct arena *, struct chat_block *text, bool *full);

/* The way back: what one block is as a part; nothing is written for what Gemini has no word for, which is then in
 * drops. `w` is inside of the array of parts. */
struct gemini_put {
	struct arena *arena;
	struct json_writer *w;
	struct chat_drops *drops;            /* may be NULL */
	bool full;                           /* the arena */
};
void gemini_put_text(struct gemini_put *, struct jstr text, bool thought, const struct chat_opaque *);
void gemini_put_call(struct gemini_put *, struct jstr id, struct jstr name, struct str args,
                     const struct chat_opaque *);
void gemini_put_media(struct gemini_put *, const struct chat_block *);
/* "thoughtSignature": the token itself if it is Gemini's own, else in an envelope. */
void gemini_put_signature(struct gemini_put *, const struct chat_opaque *);

/* ---- answers (gemini_response.c, gemini_answer.c) ---------------------------------------------------------------- */

/* usageMetadata; leaves *out as it was if it is none. */
void gemini_usage_read(const struct json_node *metadata, struct usage *out);
void gemini_usage_write(struct json_writer *, const struct usage *);
/* of the web, by the provider's own tool (row 75) */
uint32_t gemini_searches(const struct json_node *candidate);

/* STOP_NONE: not finished. */
struct chat_finish gemini_finish_read(const struct json_node *candidate);
/* A prompt that was blocked (rule F3); STOP_NONE: it was not. */
struct chat_finish gemini_block_read(const struct json_node *root);
/* Gemini's word for it. */
struct str gemini_finish_word(const struct chat_finish *);

/* Sources of the candidate's texts. With `blocks` they go to the text they are about, with offsets in its characters;
 * without, to *loose, where the offsets are those of the whole text if it is `ascii`, else unknown. */
bool gemini_citations_read(struct arena *, const struct json_node *candidate, struct chat_block *blocks,
                           struct chat_citation **loose, bool ascii);
/* logprobsResult as OpenAI's list of tokens, and back. p == NULL: there are none. */
struct str gemini_logprobs_read(struct arena *, const struct json_node *candidate);
void gemini_logprobs_write(struct arena *, struct json_writer *, struct str openai);

/* An id for a call that has none (rule T6): unique in the conversation as far as `seed`, the answer's id, is. */
struct jstr gemini_call_id(struct arena *, struct jstr seed, unsigned n);

bool gemini_read_request(struct arena *, const struct dialect_request *, const struct json_node *,
                         struct chat_request *, struct err *);
bool gemini_write_request(struct arena *, const struct chat_request *, const struct chat_target *, struct chat_wire *,
                          struct err *);
bool gemini_read_response(struct arena *, const struct chat_source *, const struct json_node *, struct chat_response *,
                          struct err *);
bool gemini_write_response(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *,
                           struct chat_drops *);

/* ---- streams (gemini_stream.c, gemini_stream_write.c) ------------------------------------------------------------ */

enum { GEMINI_CHOICES = 8, GEMINI_ID_MAX = 48, GEMINI_WORD_MAX = 40 };   /* candidateCount is 8 at most */

struct gemini_choice {
	uint32_t block;                  /* the one that is open */
	uint8_t kind;                    /* of it */
	uint8_t stop;
	uint8_t word_n;                  /* of the provider's word for it */
	uint8_t carry_n;                 /* audio: bytes that wait for the rest of three */
	bool seen, open, called;
	bool wide;                       /* a character of its text was longer than a byte */
	char carry[2];
	char word[GEMINI_WORD_MAX];
};

struct gemini_reader {
	struct gemini_choice choice[GEMINI_CHOICES];
	struct usage usage;
	uint32_t blocks, calls, searches;
	bool started;
	uint8_t id_n, model_n;
	char id[GEMINI_ID_MAX], model[GEMINI_ID_MAX];
	struct gemini_partial *partial;  /* arguments that come in pieces; mem */
	uint32_t partial_choice;
};

bool gemini_reader_init(void *, const struct chat_source *);
void gemini_reader_fini(void *);
enum chat_read gemini_read_event(void *, struct arena *, const struct chat_frame *, struct chat_events *,
                                 struct dialect_error *, struct err *);
bool gemini_writer_init(void *, const struct chat_reply *);
void gemini_writer_fini(void *);
bool gemini_write_event(void *, struct arena *, const struct chat_event *, struct buf *);
bool gemini_write_error(void *, const struct err *, struct str request_id, struct buf *);
bool gemini_write_ping(void *, struct buf *);

#endif
