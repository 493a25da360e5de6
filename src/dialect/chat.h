/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat: how a dialect's bytes become the neutral model (model/chat.h) and come from it: requests, whole answers and
 * streams. Used only when client and provider speak different dialects; else the bytes pass (dialect/dialect.h).
 * Pure functions: no network, no clock, no configuration but what they are given.
 *
 * One struct chat_codec for each dialect that speaks chat. A reader never calls a writer of another dialect.
 *
 *	client dialect C, provider dialect P
 *	C->read_request → struct chat_request → P->write_request → upstream
 *	upstream → P->read_response → chat_undo_response → C->write_response → client
 *	upstream → frames → P->read_event → chat_undo_event → chat_order → C->write_event → client
 *
 * What hostile bytes may do: make a reader return false with *err, nothing else. Errors of requests name the place, the
 * value and what is allowed: messages[3].content[1].image_url: "ftp://x" must be …
 */
#ifndef SLUICE_DIALECT_CHAT_H
#define SLUICE_DIALECT_CHAT_H

#include "base/buf.h"
#include "dialect/dialect.h"
#include "dialect/error.h"
#include "json/node.h"
#include "model/chat.h"

struct model_facts;                      /* model/facts.h */

/* ---- what was dropped -------------------------------------------------------------------------------------------- */

/* Names of what the target has no word for, in the client's words: "seed", "messages[2].name". Each once. */
struct chat_drops {
	struct chat_drop { struct chat_drop *next; struct str name; } *first;
	struct arena *arena;
	unsigned n;
};
/* Formatted name; a name that is there already is not added again. More than 64 become one "…". */
void chat_drop(struct chat_drops *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Adds every member of `set` that is not in `carried`, and the extras that are not of dialect `target`. */
void chat_drop_members(struct chat_drops *, const struct chat_request *, uint64_t carried, enum dialect_id target);
/* Adds "cache_control" if anything is marked, for targets that have no marks: they may cache by themselves, but not
 * there. */
void chat_drop_cache_marks(struct chat_drops *, const struct chat_request *);

/* What an answer's writer has no word for, of what stands beside its blocks. */
enum chat_answer_part { ANSWER_TIER = 1, ANSWER_LOGPROBS = 2 };
void chat_drop_answer(struct chat_drops *, const struct chat_response *, unsigned carried);

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/*
 * What a request's writer did to fit the target, and the answer's reader's path must undo: tool names that were made
 * to fit (rule T9), custom tools that became functions (U5), the tool that stands for a schema (S4), a schema that was
 * wrapped in an object (S5), stop sequences that the gateway must watch for (P7). Filled by writers in the request's
 * arena; chat_undo_keep copies it for the life of a stream.
 */
struct chat_undo {
	struct chat_rename {
		/* the others: by hash, while the request is written */
		struct chat_rename *next, *same_original, *same_sent;
		struct jstr sent, original;
	} *renames, **by_hash;
	struct chat_name *custom_tools;      /* original names */
	struct chat_name *stop;              /* to be watched for; the answer ends before the first of them */
	bool schema_tool;                    /* calls of CHAT_SCHEMA_TOOL are the answer's text */
	bool schema_value;                   /* the text is {"value":…}, of which the value was asked for */
};
#define CHAT_SCHEMA_TOOL "structured_output"
#define CHAT_SCHEMA_VALUE "value"

/* For whom a request is written. */
struct chat_target {
	struct jstr model;                   /* the provider's name for it */
	const struct model_facts *facts;     /* never NULL */
	unsigned quirks;                     /* enum quirk (model/quirk.h) */
	bool bedrock_claude;                 /* Converse: the model is Anthropic's */
	bool ask_usage;                      /* stream_options may be sent */
	struct str betas_allowed;            /* comma separated; empty: all */
};

/* A request as it goes upstream. The path comes from the target's upstream_path. */
struct chat_wire {
	struct str body;
	/* lines of the head with their CR LF: "anthropic-beta: a,b\r\n"; may be empty */
	struct str head;
	struct chat_drops drops;
	struct chat_undo undo;
};

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* What is known of the answer's sender. */
struct chat_source {
	struct jstr model;                   /* the provider's name for it */
	unsigned quirks;
	bool bedrock_claude;
};

/* What is known of the client that gets it. Borrowed for the writer's life. */
struct chat_reply {
	/* for answers whose provider gave none, and for parts that need one: a ULID */
	struct jstr id;
	int64_t created_s;                   /* the gateway's clock */
	struct jstr model;                   /* the client's name for the model: where the provider gave none */
	bool usage_asked;                    /* OpenAI: stream_options.include_usage */
	bool old_functions;                  /* OpenAI: the client used functions, not tools */
	bool generate;                       /* Ollama: the client asked at /api/generate */
	enum dialect_framing framing;        /* Gemini: SSE or array */
	bool store;                          /* Responses */
	struct jstr previous;                /* Responses: previous_response_id */
	/* Responses: members of the request that its object repeats, raw: "a":1,"b":2 */
	struct str echo;
	size_t max_bytes;                    /* ceiling of what a writer may collect */
};

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* One frame without its framing. data.p == NULL: the transport has ended. */
struct chat_frame {
	struct str name;                     /* SSE: event; event stream: ":event-type", or ":exception-type" */
	struct str data;                     /* lines joined */
	bool exception;                      /* event stream: ":message-type" is exception or error */
};

enum chat_read {
	CHAT_READ_OK,                        /* events (perhaps none) */
	CHAT_READ_ERROR,                     /* the provider reports an error: described */
	CHAT_READ_BROKEN,                    /* not what this dialect looks like, or cut: err tells */
};

struct chat_codec {
	/*
	 * The client's request, read whole. `in` is what dialect_request reading found of it (model, stream, call).
	 * Texts
	 * point into in->body, which must outlive *out.
	 */
	bool (*read_request)(struct arena *, const struct dialect_request *in, const struct json_node *body,
	                     struct chat_request *out, struct err *);
	/* False: the target cannot be given this at all: *err names the place in the client's words. What is only lost
	 * is
	 * in out->drops. out->drops.arena is set by the caller. */
	bool (*write_request)(struct arena *, const struct chat_request *, const struct chat_target *,
	                      struct chat_wire *out, struct err *);

	/* What of the request the answer repeats, or is shaped by: old_functions, store, previous, echo. NULL: nothing.
	 * False: the arena is full. */
	bool (*fill_reply)(struct arena *, const struct chat_request *, struct chat_reply *);

	/* A whole answer of status 2xx, found to be one by dialect->read_answer. */
	bool (*read_response)(struct arena *, const struct chat_source *, const struct json_node *body,
	                      struct chat_response *out, struct err *);
	/* Appends the client's body. False: the buffer is full. What the dialect has no word for is in drops (may be
	 * NULL). */
	bool (*write_response)(struct arena *, const struct chat_response *, const struct chat_reply *, struct buf *out,
	                       struct chat_drops *);
	/* The answer to a request that asks for the count of its tokens. NULL: the dialect has no such call. */
	bool (*write_count)(int64_t tokens, struct buf *out);

	/*
	 * Streams. State is plain memory of the given size, made by the caller and zeroed; init and fini may own more.
	 * Nothing in it may grow with the stream's length, but for what must be collected (reply.max_bytes). init, fini
	 * and write_ping may be NULL: nothing to do.
	 */
	size_t reader_size, writer_size;
	bool (*reader_init)(void *reader, const struct chat_source *);
	void (*reader_fini)(void *reader);
	/* One frame; events go to *out, in the arena, which is rewound before the next. With data.p == NULL: EVENT_END
	 * if
	 * the dialect ends with its transport and all is there; CHAT_READ_BROKEN if the stream was cut. */
	enum chat_read (*read_event)(void *reader, struct arena *, const struct chat_frame *, struct chat_events *out,
	                             struct dialect_error *, struct err *);
	bool (*writer_init)(void *writer, const struct chat_reply *);
	void (*writer_fini)(void *writer);
	/* Appends whole frames with their framing; nothing, when the event says nothing to this client, or must wait.
	 * After EVENT_END the stream is complete. False: a ceiling. */
	bool (*write_event)(void *writer, struct arena *, const struct chat_event *, struct buf *out);
	/* The last event of a stream that fails (dialects.md section 11). */
	bool (*write_error)(void *writer, const struct err *, struct str request_id, struct buf *out);
	/* Keeps the client's timer from running out while the provider is silent; at an event boundary. */
	bool (*write_ping)(void *writer, struct buf *out);

	enum dialect_framing framing;        /* of a provider's streams; FRAMING_WHOLE (zero) stands for SSE */

	bool bytes_only;                     /* as a provider: images and documents must not be addresses (T16) */

	/* What the writer asks of the order of events (chat_order). */
	bool one_block;                      /* no two blocks are open at once */
	bool whole_calls;                    /* a tool call's arguments come in one piece */
};

extern const struct chat_codec openai_chat_codec, openai_completions_codec, openai_responses_codec, anthropic_codec,
	gemini_codec, bedrock_codec, cohere_codec, ollama_codec;

/* ---- between reader and writer ----------------------------------------------------------------------------------- */

/* order.c: makes events come in the order that a writer asks for: what belongs to a later block is kept until the
 * earlier one is closed. */
struct chat_order;
struct chat_order *chat_order_new(const struct chat_codec *writer, size_t max_bytes);  /* NULL: it asks for nothing */
void chat_order_free(struct chat_order *);                                             /* accepts NULL */
/* Takes the events and gives those that may go now, in the arena. False: the ceiling. */
bool chat_order_add(struct chat_order *, struct arena *, struct chat_events *in_out);

/* undo.c */
bool chat_undo_needed(const struct chat_undo *);
void chat_undo_response(struct arena *, const struct chat_undo *, struct chat_response *);
struct chat_undo_state;                  /* of a stream; owns a copy of the undo */
struct chat_undo_state *chat_undo_new(const struct chat_undo *, size_t max_bytes);     /* NULL: nothing to undo */
void chat_undo_free(struct chat_undo_state *);
bool chat_undo_events(struct chat_undo_state *, struct arena *, struct chat_events *in_out);

/* ---- shared by codecs -------------------------------------------------------------------------------------------- */

/*
 * opaque.c: a token of another maker in an envelope that this client's dialect carries and gives back (rules B4, C4,
 * O3): base64 of a mark, the maker, the item's id and the token. unwrap tells ours from the dialect's own; one of ours
 * that was damaged is still ours, but has no bytes.
 */
struct jstr chat_opaque_wrap(struct arena *, const struct chat_opaque *);              /* p == NULL: arena full */
bool chat_opaque_unwrap(struct arena *, struct jstr text, struct chat_opaque *out);    /* false: not ours */
/* Does a body seem to hold an envelope? Then it must not go to a provider as it is, not even of its own dialect. */
bool chat_opaque_marked(struct str body);

/* names.c: a tool's name in an alphabet of at most `max` letters (rule T9): itself if it fits, else made to fit with a
 * hash at its end, which is noted in undo. Ids likewise (T5), without a note. `first_letter`: it must not begin with a
 * digit. */
enum chat_alphabet { ALPHABET_WORD_DASH /* a-zA-Z0-9_- */, ALPHABET_GEMINI /* and . : */, ALPHABET_ALNUM };
struct jstr chat_fit_name(struct arena *, struct chat_undo *, struct jstr name, enum chat_alphabet, size_t max);
struct jstr chat_fit_id(struct arena *, struct jstr id, enum chat_alphabet, size_t max, bool exactly);

/* media.c: "data:image/png;base64,…" taken apart, white space taken out, the type sniffed when the label is wrong
 * (T14).
 * False: *err says what is wrong, without the place. */
bool chat_media_read_url(struct arena *, struct jstr url, struct chat_media *out, struct err *);
struct jstr chat_media_data_url(struct arena *, const struct chat_media *);
/* An address that a request may name: https or http with a public host as far as its text tells (T16); gs and s3. */
bool chat_media_check_url(struct jstr url, struct err *);
/* Whether private hosts may be named as well (translation.fetch_private): of the configuration in force, any thread. */
void chat_media_allow_private(bool);
/* T15: png, jpeg, gif, webp by media type. */
bool chat_image_type_known(struct jstr type);

/* schema.c: rules S5 and S6. Raw schema in, raw schema out, in the arena (p == NULL: it is full). *changed: something
 * that limits values was taken out, or moved into a description for the model to read. */
struct str chat_schema_strict(struct arena *, struct str schema, bool *changed);
struct str chat_schema_gemini(struct arena *, struct str schema, bool *changed);
/* S5: for targets that want an object as the outermost: anything else becomes its member CHAT_SCHEMA_VALUE. True: it
 * was done, and undo.schema_value is to be set. */
bool chat_schema_wrap(struct arena *, struct str *schema);
/* U5: of the function that stands for a custom tool, {"input": text}; the tool's grammar is told to the model in it. */
struct str chat_schema_custom(struct arena *, const struct chat_tool *);

/* check.c: numbers that nobody takes, in the neutral model's words. */
bool chat_request_check(const struct chat_request *, struct err *);
/* A place or a member as the client's dialect calls it: "messages[3]: …" is "contents[3]: …" for a client of Gemini.
 * Itself where the words are the same. In the arena. */
struct str chat_in_clients_words(struct arena *, unsigned client, struct str place);

/* turns.c: U6: who may call a tool is a limit that must not be lost. False: the target (enum dialect_id) has no word
 * for one that is there. */
bool chat_tools_check(const struct chat_request *, unsigned target, struct err *);

/*
 * turns.c: rules T1-T3, T6, T7 for targets that want them; each changes the request in place. Each is one walk however
 * long the history is, but for call_name, which is for a single look.
 */
bool chat_turns_check_calls(const struct chat_request *, struct err *);       /* T7: orphans are refused */
bool chat_turns_name_results(struct chat_request *, struct err *);            /* the same, and T6: results get names */
void chat_turns_merge(struct chat_request *);                                 /* T1; results come first in user turns */
/* T3: blank texts, then empty turns. A last turn of the user's that becomes empty stays, for the writer to refuse. */
void chat_turns_drop_blank(struct chat_request *);
bool chat_turns_user_first(struct arena *, struct chat_request *);            /* T2; false: the arena is full */
struct jstr chat_turns_call_name(const struct chat_request *, struct jstr call_id);  /* T6: absent: no such call */

#endif
