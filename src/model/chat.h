/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat: the neutral model: what a chat request, its answer and a stream's events mean, whatever dialect they came in.
 * Dialects meet only here; none reads another's bytes. It is a list of ordered, typed blocks and not one vendor's
 * message, so that several signed thoughts, text between two tool calls or an image in a tool's result keep their
 * place (dialects.md sections 1 and 2).
 *
 * Plain memory: everything lives in the arena that the reader was given and points into it or into the wire's bytes,
 * which must live as long. Structs are zeroed before they are filled, and zero means absent everywhere: absent texts
 * have p == NULL, absent numbers are empty texts, tri-states are TRI_UNSET. Texts are struct jstr: escaped, as they
 * came. Numbers and documents (schemas, arguments, metadata) are raw JSON, their key order and spelling kept.
 *
 * One thread at a time.
 */
#ifndef SLUICE_MODEL_CHAT_H
#define SLUICE_MODEL_CHAT_H

#include "json/jstr.h"
#include "model/usage.h"

struct arena;

enum tri { TRI_UNSET, TRI_NO, TRI_YES };
static inline enum tri tri_of(bool b) { return b ? TRI_YES : TRI_NO; }

/* ---- what nobody but its own kind understands ------------------------------------------------------------------- */

/* Who makes and understands an opaque token. A dialect is not enough: Claude speaks through Bedrock too. */
enum chat_maker {
	MAKER_NONE, MAKER_OPENAI, MAKER_ANTHROPIC, MAKER_GEMINI, MAKER_XAI, MAKER_OPENROUTER, MAKER_OTHER,
	MAKERS
};

/* Signature, encrypted reasoning, thought signature: goes back byte for byte, and only to its maker (rules G6, O1-O9).
 * */
struct chat_opaque {
	struct jstr bytes;               /* absent: no token */
	struct jstr id;                  /* the item that it belongs to (Responses "rs_…"); may be absent */
	uint8_t maker;                   /* enum chat_maker */
};

/* A member that the neutral model has no word for: the raw value, kept for the dialect it came from (rule G4). */
struct chat_extra {
	struct chat_extra *next;
	struct jstr name;
	struct str raw;
	uint8_t from;                    /* enum dialect_id; this room does not look into it */
};

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

enum chat_kind {
	CHAT_TEXT,
	CHAT_REFUSAL,                    /* text: why the model refused */
	CHAT_REASONING,                  /* text: thoughts; parts: a summary in parts; opaque; redacted: only opaque */
	CHAT_IMAGE, CHAT_AUDIO, CHAT_VIDEO,
	CHAT_DOCUMENT,
	CHAT_TOOL_CALL,                  /* id, name, args; tool */
	CHAT_TOOL_RESULT,                /* id, name, blocks, is_error */
	CHAT_RAW,                        /* raw: a block that only the dialect `from` understands */
	CHAT_KINDS
};

enum chat_tool_kind {
	TOOL_FUNCTION,                   /* arguments are a JSON object */
	TOOL_CUSTOM,                     /* OpenAI: the argument is free text */
	TOOL_SERVER,                     /* the provider runs it; raw: as its dialect wrote it */
};

enum chat_cache { CACHE_NO_MARK, CACHE_5M, CACHE_1H };

enum chat_media_from { MEDIA_BYTES, MEDIA_URL, MEDIA_FILE, MEDIA_TEXT };

struct chat_media {
	enum chat_media_from from;
	/* MEDIA_BYTES: base64 without white space or "data:"; MEDIA_URL: http(s), gs or s3 address; MEDIA_FILE: an id
	 * that only the maker of the file knows; MEDIA_TEXT: a document that is plain text */
	struct jstr data;
	struct jstr type;                /* media type "image/png"; audio may have a format only: "wav" */
	struct jstr name, title, context;
	struct jstr detail;              /* images: low, high, auto */
	struct jstr transcript;          /* audio in answers */
	struct jstr id;                  /* audio in answers: OpenAI's id for the next turn */
	enum tri citations;              /* documents: the client wants them cited */
};

/* Where a text comes from. Offsets count characters of the text; -1: unknown. */
struct chat_citation {
	struct chat_citation *next;
	struct jstr url, title, quote;
	int64_t start, end;
	struct str raw;                  /* the whole citation as its dialect wrote it */
	uint8_t from;                    /* enum dialect_id of raw */
};

/* Of a tool call: the JSON text of its arguments (TOOL_CUSTOM: the free text). Readers set what they have; take the
 * other with chat_args_text or chat_args_json. */
struct chat_args {
	struct jstr text;                /* as the contents of a JSON string: OpenAI, and all deltas */
	struct str json;                 /* as a document: Anthropic, Gemini, Bedrock */
};

struct chat_block {
	struct chat_block *next;
	uint8_t kind;                    /* enum chat_kind */
	uint8_t tool;                    /* enum chat_tool_kind */
	uint8_t cache;                   /* enum chat_cache: the provider may keep the prompt up to here */
	uint8_t from;                    /* enum dialect_id: of raw */
	bool redacted;                   /* reasoning that only its maker can read */
	bool is_error;                   /* the tool failed */
	struct jstr text;
	struct jstr id;                  /* of calls and results: the call's; reasoning: the item's */
	struct jstr name;                /* of calls and results: the tool's */
	struct jstr item_id;             /* Responses: the item's own id ("fc_…", "msg_…") */
	struct chat_args args;
	struct chat_opaque opaque;       /* of a call, a thought or a text part */
	struct chat_media *media;        /* images, audio, video, documents */
	struct chat_block *blocks;       /* of a result; of reasoning: the summary's parts, as CHAT_TEXT */
	struct chat_citation *citations;
	struct chat_extra *extras;
	/* CHAT_RAW; also of server tools' calls and results: as their dialect wrote them */
	struct str raw;
};

/* ---- requests ---------------------------------------------------------------------------------------------------- */

enum chat_role { ROLE_USER, ROLE_ASSISTANT, ROLE_SYSTEM };

struct chat_turn {
	struct chat_turn *next;
	struct chat_block *blocks;
	struct jstr name;                /* of the speaker */
	struct chat_extra *extras;
	uint8_t role;                    /* enum chat_role; ROLE_SYSTEM: in the middle of the conversation */
	uint32_t index;                  /* in the client's list, for messages: messages[index] */
};

struct chat_tool {
	struct chat_tool *next;
	uint8_t kind;                    /* enum chat_tool_kind */
	uint8_t cache;                   /* enum chat_cache */
	uint8_t from;                    /* enum dialect_id: of raw */
	uint8_t strict;                  /* enum tri */
	struct jstr name, description;
	struct str schema;               /* raw JSON Schema of the arguments; empty: it takes none */
	struct str output_schema;        /* Gemini's response schema; raw */
	struct str format;               /* TOOL_CUSTOM: raw: its grammar; may be empty */
	struct str raw;                  /* the whole tool as its dialect wrote it */
	struct chat_extra *extras;
};

/* What a server tool does, for those that have equals elsewhere (rule U4). */
enum chat_server_tool { SERVER_OTHER, SERVER_WEB_SEARCH, SERVER_WEB_FETCH, SERVER_CODE, SERVER_FILE_SEARCH };

enum chat_choice { CHOICE_UNSET, CHOICE_AUTO, CHOICE_NONE, CHOICE_ANY, CHOICE_TOOL, CHOICE_SUBSET };

struct chat_name { struct chat_name *next; struct jstr name; };

enum chat_format { FORMAT_UNSET, FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

/*
 * The request's members that are not turns or tools, each with its bit. Readers set the bit with the member; a writer
 * returns the bits that it carried; what is set and was not carried is reported as dropped (chat_target in
 * dialect/chat.h). So nothing is lost in silence by forgetting it.
 */
enum chat_member {
	MEMBER_MAX_OUTPUT, MEMBER_TEMPERATURE, MEMBER_TOP_P, MEMBER_TOP_K, MEMBER_STOP, MEMBER_SEED,
	MEMBER_FREQUENCY_PENALTY, MEMBER_PRESENCE_PENALTY, MEMBER_LOGIT_BIAS, MEMBER_LOGPROBS, MEMBER_TOP_LOGPROBS,
	MEMBER_N, MEMBER_END_USER, MEMBER_METADATA, MEMBER_SERVICE_TIER, MEMBER_REASONING, MEMBER_REASONING_SUMMARY,
	MEMBER_VERBOSITY, MEMBER_FORMAT, MEMBER_TOOL_CHOICE, MEMBER_PARALLEL, MEMBER_CACHE_KEY, MEMBER_CACHE_RETENTION,
	MEMBER_STORE, MEMBER_PREVIOUS, MEMBER_PREDICTION, MEMBER_MODALITIES, MEMBER_AUDIO, MEMBER_TRUNCATION,
	MEMBER_SAFETY, MEMBER_BACKGROUND, MEMBER_CACHED_CONTENT, MEMBER_SUFFIX, MEMBER_ECHO, MEMBER_BEST_OF,
	MEMBER_GUARDRAIL, MEMBER_INCLUDE, MEMBER_CACHE_AUTO,
	CHAT_MEMBERS
};
#define MEMBER_BIT(m) ((uint64_t)1 << (m))

struct chat_request {
	uint64_t set;                    /* MEMBER_BIT of what the client gave */
	uint8_t from;                    /* enum dialect_id */
	struct jstr model;               /* as the client wrote it */
	bool stream;
	bool old_functions;              /* OpenAI: functions and function_call of old, not tools */
	bool generate;                   /* Ollama: /api/generate, whose answers have a form of their own */

	struct chat_block *system;       /* before the first turn: text, rarely more */
	struct chat_turn *turns;
	struct chat_tool *tools;

	uint8_t choice;                  /* enum chat_choice */
	struct chat_name *choice_names;  /* CHOICE_TOOL: one; CHOICE_SUBSET: some */
	bool choice_subset_any;          /* CHOICE_SUBSET: one of them must be called */
	uint8_t parallel;                /* enum tri: parallel tool calls */

	/* raw numbers */
	struct str max_output, temperature, top_p, top_k, seed, frequency_penalty, presence_penalty, top_logprobs, n;
	uint8_t logprobs;                /* enum tri */
	struct chat_name *stop;

	/* reasoning */
	bool has_effort;
	uint8_t effort;                  /* enum model_effort (model/facts.h), if has_effort */
	/* enum tri: TRI_NO switched off, TRI_YES switched on with budget or adaptive */
	uint8_t thinking;
	bool thinking_adaptive;          /* the model decides how much */
	int64_t thinking_budget;         /* tokens; 0: none given; -1: dynamic (Gemini) */
	/* Responses: auto, concise, detailed; Anthropic's display: summarized, omitted */
	struct jstr summary;
	uint8_t show_thoughts;           /* enum tri */
	bool want_encrypted;             /* Responses: include reasoning.encrypted_content */

	/* the answer's form */
	uint8_t format;                  /* enum chat_format */
	struct jstr format_name, format_description;
	struct str format_schema;
	uint8_t format_strict;           /* enum tri */
	struct jstr verbosity;

	struct jstr end_user, service_tier, cache_key, cache_retention, previous, truncation, cached_content;
	struct str logit_bias, metadata, prediction, modalities, audio, safety, guardrail;   /* raw */
	uint8_t store, background;       /* enum tri */
	uint8_t cache_auto;              /* enum chat_cache: Anthropic's top-level cache_control */

	struct chat_extra *extras;       /* members of the body that we do not know */
	struct str betas;                /* Anthropic: the client's anthropic-beta header, comma separated */
};

/* ---- answers ----------------------------------------------------------------------------------------------------- */

enum chat_stop {
	STOP_NONE,                       /* not finished */
	STOP_END, STOP_SEQUENCE, STOP_MAX_TOKENS, STOP_CONTEXT_FULL, STOP_TOOL, STOP_FILTER, STOP_REFUSAL, STOP_PAUSE,
	STOP_ERROR,                      /* the provider gave up: malformed call and the like */
};

/* How one choice ended. */
struct chat_finish {
	uint8_t stop;                    /* enum chat_stop */
	struct jstr sequence;            /* STOP_SEQUENCE: which, if known */
	struct jstr raw;                 /* the provider's own word, for words that have no equal (rule F2) */
	struct str detail;               /* raw JSON: stop_details, content filter results; may be empty */
};

struct chat_output {
	struct chat_output *next;
	struct chat_block *blocks;
	struct chat_finish finish;
	struct str logprobs;             /* raw, OpenAI's shape; may be empty */
	struct chat_extra *extras;
};

struct chat_response {
	struct jstr id, model;           /* as the provider calls them; absent: it did not say */
	int64_t created_s;               /* 0: it did not say */
	struct jstr service_tier;        /* the one that was served */
	struct jstr fingerprint;         /* OpenAI: system_fingerprint */
	struct chat_output *outputs;     /* choices in order; at least one */
	struct usage usage;
	struct chat_extra *extras;
	uint8_t from;                    /* enum dialect_id */
};

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/*
 * A stream is: START, then for each block OPEN, DELTAs, CLOSE, then FINISH for each choice, USAGE when known, END. A
 * reader may leave several blocks open at once (OpenAI interleaves parallel calls); block numbers are given in the
 * order of their OPEN, from 0, over all choices. PING anywhere. ERROR ends it: nothing follows.
 */
enum chat_event_kind {
	EVENT_START,                     /* start */
	EVENT_OPEN,                      /* block, choice, open: kind, tool, id, name, and what is known at once */
	EVENT_DELTA,                     /* block, delta */
	EVENT_CLOSE,                     /* block; open may be given again with what was learnt last (opaque, id) */
	EVENT_FINISH,                    /* choice, finish */
	EVENT_USAGE,                     /* usage: all that is known so far; never to be summed */
	EVENT_END,                       /* the provider's own end mark: the answer is whole */
	EVENT_PING,
	EVENT_ERROR,                     /* the provider's error; described by the reader's struct dialect_error */
};

enum chat_delta_kind {
	DELTA_TEXT,                      /* of text, refusal, reasoning: text goes on */
	DELTA_ARGS,                      /* of a tool call: the arguments' text goes on */
	DELTA_SUMMARY,                   /* of reasoning: part `part` of the summary goes on */
	DELTA_OPAQUE,                    /* opaque: whole, or its next piece if `more` */
	DELTA_CITATION,                  /* citation */
	DELTA_DATA,                      /* of audio, image: base64 goes on */
	DELTA_TRANSCRIPT,                /* of audio */
	DELTA_LOGPROBS,                  /* raw: OpenAI's logprobs of this piece of text */
	DELTA_RAW,                       /* of CHAT_RAW: an event that only `from` understands */
};

struct chat_delta {
	uint8_t kind;                    /* enum chat_delta_kind */
	uint32_t part;
	struct jstr text;
	struct chat_opaque opaque;
	const struct chat_citation *citation;
	struct str raw;
};

struct chat_event {
	struct chat_event *next;
	uint8_t kind;                    /* enum chat_event_kind */
	uint32_t choice, block;
	union {
		struct { struct jstr id, model, service_tier, fingerprint; int64_t created_s; } start;
		const struct chat_block *open;
		struct chat_delta delta;
		struct chat_finish finish;
		struct usage usage;
	};
};

/* Events in order, in the arena of the moment. */
struct chat_events { struct chat_event *first, *last; };

/* ---- helpers (chat.c) -------------------------------------------------------------------------------------------- */

/* Zeroed, behind the last one of a list; NULL: the arena is full. `**end` is where the next one goes. */
struct chat_block *chat_block_add(struct arena *, struct chat_block ***end, enum chat_kind);
struct chat_turn *chat_turn_add(struct arena *, struct chat_turn ***end, enum chat_role);
struct chat_tool *chat_tool_add(struct arena *, struct chat_tool ***end, enum chat_tool_kind);
bool chat_name_add(struct arena *, struct chat_name ***end, struct jstr name);
bool chat_extra_add(struct arena *, struct chat_extra **list, unsigned from_dialect, struct jstr name, struct str raw);
struct chat_event *chat_event_add(struct arena *, struct chat_events *, enum chat_event_kind);
/* The same with the block, and the delta's kind and text. */
struct chat_event *chat_delta_add(struct arena *, struct chat_events *, uint32_t block, enum chat_delta_kind,
                                  struct jstr text);

/* Where the next of a list goes. */
static inline struct chat_block **chat_blocks_end(struct chat_block **list)
{
	while (*list)
		list = &(*list)->next;
	return list;
}

/* The arguments as escaped text, and as a JSON document: "" becomes {}, text that is no JSON object becomes
 * {"_raw":"…"} (rule T8), then *odd is set. p == NULL: the arena is full. */
struct jstr chat_args_text(struct arena *, const struct chat_args *);
struct str chat_args_json(struct arena *, const struct chat_args *, bool *odd);

/* copy.c: deep copies, without what follows in the list. NULL: the arena is full. The others get their texts copied in
 * place; false: the arena is full. */
struct chat_block *chat_block_copy(struct arena *, const struct chat_block *);
struct chat_citation *chat_citation_copy(struct arena *, const struct chat_citation *);
MUST_USE bool chat_opaque_copy(struct arena *, struct chat_opaque *);
MUST_USE bool chat_delta_copy(struct arena *, struct chat_delta *);
MUST_USE bool chat_finish_copy(struct arena *, struct chat_finish *);

/* "text", "tool_call", … */
const char *chat_kind_name(enum chat_kind);
/* OpenAI's word for a member, the common one: "temperature", "max_tokens", "logit_bias". */
const char *chat_member_name(enum chat_member);

/*
 * Collects a stream's events into an answer: for Responses' last event, for the store of responses, for clients that
 * did not ask for a stream, and for tests. Owns its memory, up to max_bytes. Events may be gone after each call.
 */
struct chat_collector;
struct chat_collector *chat_collector_new(size_t max_bytes);
void chat_collector_free(struct chat_collector *);           /* accepts NULL */
bool chat_collector_add(struct chat_collector *, const struct chat_event *);   /* false: the ceiling */
/* What came so far; valid until the next add. */
const struct chat_response *chat_collector_response(struct chat_collector *);

/* An answer as the events of a stream, for providers that cannot stream, and for tests. False: the arena is full. */
MUST_USE bool chat_response_events(struct arena *, const struct chat_response *, struct chat_events *out);

#endif
