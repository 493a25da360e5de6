/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialect: how bytes of one API look. Pure functions: text in, structs out; no network, no clock, no configuration. A
 * dialect is one record; the table of all is in dialects.c. What belongs to streams is in dialect/stream.h, errors are
 * in dialect/error.h, model lists in dialect/list.h.
 *
 * When client and provider speak the same dialect the bytes of the client pass, and only what the gateway owns is
 * edited in place: read_request finds the places, edit_request gives the pieces of the upstream body. Key order,
 * number text and unknown members stay as they are.
 *
 *	if (!d->read_request(arena, &in, &rq, err)) …400…
 *	edit = (struct dialect_edit){ .model = upstream_model, .ask_usage = true };
 *	n = dialect_edit_request(arena, &rq, &edit, pieces);
 *	path = d->upstream_path(arena, &rq, upstream_model);
 */
#ifndef SLUICE_DIALECT_DIALECT_H
#define SLUICE_DIALECT_DIALECT_H

#include "base/str.h"
#include "json/scan.h"

struct arena;
struct err;
struct usage;
struct dialect_error;
struct stream_meter;
struct stream_event;
struct event_data;
struct buf;
struct chat_codec;
struct embed_codec;
struct rerank_codec;

enum dialect_id {
	DIALECT_OPENAI_CHAT,         /* POST /chat/completions */
	DIALECT_OPENAI_COMPLETIONS,  /* POST /completions */
	DIALECT_OPENAI_EMBEDDINGS,   /* POST /embeddings */
	DIALECT_OPENAI_RESPONSES,    /* POST /responses */
	DIALECT_ANTHROPIC,           /* POST /v1/messages, /v1/messages/count_tokens */
	DIALECT_GEMINI,              /* POST /v1beta/models/{m}:… */
	DIALECT_BEDROCK,             /* POST /model/{m}/converse, /converse-stream, /count-tokens */
	DIALECT_OPENAI_MEDIA,        /* moderations, images, audio; the path tells which */
	DIALECT_OLLAMA,              /* POST /api/chat, /api/generate, /api/embed, /api/embeddings */
	DIALECT_COHERE,              /* POST /v2/chat, /v2/embed, /v2/rerank */
	DIALECT_RERANK,              /* POST /rerank, as Jina, llama.cpp, vLLM and many others have it */
	DIALECT_VOYAGE,              /* POST /embeddings, /rerank, nearly as OpenAI and Jina have them */
	DIALECTS
};

/* For sets of dialects, such as those that a provider speaks. */
#define DIALECT_BIT(id) (1u << (id))
#define DIALECT_BITS_OPENAI                                                           \
	(DIALECT_BIT(DIALECT_OPENAI_CHAT) | DIALECT_BIT(DIALECT_OPENAI_COMPLETIONS) | \
	 DIALECT_BIT(DIALECT_OPENAI_EMBEDDINGS) | DIALECT_BIT(DIALECT_OPENAI_MEDIA) | DIALECT_BIT(DIALECT_RERANK))

/* What is asked for. An endpoint's row says so; in Gemini the path does. */
enum dialect_call {
	CALL_GENERATE,
	CALL_COUNT_TOKENS,           /* costs nothing, has no usage */
	CALL_EMBED,
	CALL_EMBED_BATCH,            /* Gemini: batchEmbedContents */
	CALL_MEDIA,                  /* moderations, images, audio */
	CALL_RERANK,                 /* documents in the order of what they say about a query */
};

enum dialect_framing {
	FRAMING_WHOLE,               /* one JSON document */
	FRAMING_SSE,                 /* text/event-stream */
	FRAMING_JSON_ARRAY,          /* Gemini without alt=sse: one JSON array, an element an event */
	FRAMING_LINES,               /* application/x-ndjson: a JSON document a line */
	FRAMING_EVENTSTREAM,         /* application/vnd.amazon.eventstream: net/eventstream.h */
};

/* The client's request as it came. */
struct dialect_in {
	struct str path;             /* without the query; read by Gemini, Bedrock and Ollama only */
	struct str query;            /* behind the '?' */
	struct str body;
	struct str content_type;     /* of endpoints that take forms */
	const struct buf *spool;     /* that the body is of (base/spool.h); NULL: it is in memory */
	enum dialect_call call;      /* of the endpoint; ignored where the path tells */
};

/* Members of a request's body that the gateway owns; absent ones have p == NULL. */
enum request_member {
	REQUEST_MODEL,
	REQUEST_MODELS,              /* OpenRouter: fallbacks in order */
	REQUEST_PROVIDER,            /* OpenRouter: routing wishes */
	REQUEST_PROVIDER_OPTIONS,    /* Vercel: the same, and of other makers; nobody's who is asked by HTTP */
	REQUEST_USAGE,               /* OpenRouter: {"include": true} asks for usage, in streams too */
	REQUEST_SESSION,             /* OpenRouter: the conversation's name (gateway/affinity.c reads it) */
	REQUEST_STREAM_OPTIONS,
	REQUEST_INCLUDE_USAGE,       /* inside stream_options */
	REQUEST_STREAM,
	REQUEST_MAX, REQUEST_MAX_OLD, /* the output's cap, and its older name, which the newer wins over */
	REQUEST_MEMBERS
};

/* What the gateway needs to know of a request. Texts point into the request's bytes or the arena. */
struct dialect_request {
	const struct dialect *dialect;
	enum dialect_call call;
	enum dialect_framing framing;    /* of the answer */
	struct str body;
	struct str model;                /* as the client wrote it, unescaped, never empty; Gemini: without "models/" */
	struct str query;                /* what of the query goes upstream; may be empty */
	int64_t max_output;              /* tokens; -1: the client did not say */
	bool stream;
	/* the client wants usage in its stream (always so where the dialect always sends it) */
	bool usage_asked;

	struct str tail;                 /* media, Ollama: the path behind its version */
	struct str model_part;           /* media: the model's name in a form, inside of the body */
	struct str more_models;          /* Gemini: a JSON value that repeats the model's name inside; else empty */
	struct json_hit at[REQUEST_MEMBERS];   /* where the members stand that edit_request may change */
};

/* Does the body say something of its own routing? */
static inline bool request_routes(const struct dialect_request *rq)
{
	return (rq->at[REQUEST_MODELS].type | rq->at[REQUEST_PROVIDER].type | rq->at[REQUEST_PROVIDER_OPTIONS].type) !=
	       JSON_ABSENT;
}

/* What one attempt at one provider wants changed. */
struct dialect_edit {
	struct str model;                /* the upstream model; empty: as the client wrote it */
	bool ask_usage;                  /* the gateway wants usage in the stream */
	bool no_stream_options;          /* the provider refuses the member (it reports usage unasked) */
	bool keep_routing;               /* the provider knows these words of OpenRouter's itself */
	/* Chat Completions: the one name of the output's cap that the provider knows (P2) */
	enum { EDIT_MAX_AS_IS, EDIT_MAX_NEWER, EDIT_MAX_OLDER } max_name;
	bool no_developer;               /* Chat Completions: the role developer is called system here (P14) */
};

#define DIALECT_PIECES 8

/* Nesting that requests and answers may have. */
enum { REQUEST_DEPTH_MAX = 256, ANSWER_DEPTH_MAX = 512 };

enum dialect_answer {
	ANSWER_OK,
	ANSWER_ERROR,                    /* a well-formed answer that reports an error, whatever its status says */
	ANSWER_BROKEN,                   /* not JSON, or not an object */
};

struct dialect {
	enum dialect_id id;
	const char *name;                /* as in configuration, logs and metrics: "openai-chat" */
	struct str version;              /* path segment that a base URL ends in ("/v1"); empty: no such custom */

	/* Reads and checks the request. False: *err names the member, what was seen and what is allowed. */
	bool (*read_request)(struct arena *, const struct dialect_in *, struct dialect_request *out, struct err *);
	/* Path (and query) behind the provider's base URL. p == NULL: the arena is full. */
	struct str (*upstream_path)(struct arena *, const struct dialect_request *, struct str upstream_model);
	/* Reads a whole answer of status 200: usage (source USAGE_NONE if it has none), or the error that it hides. */
	enum dialect_answer (*read_answer)(struct arena *, enum dialect_call, struct str body, struct usage *out,
	                                   struct dialect_error *);
	/* One event of a stream, through stream_meter_event. What is not JSON is STREAM_BROKEN. */
	void (*meter_event)(struct stream_meter *, struct arena *, struct stream_event *, const struct event_data *);
	bool ends_with_done;             /* its streams end with the word [DONE] */
	const struct chat_codec *chat;   /* dialect/chat.h: to and from other dialects; NULL: it cannot */
	const struct embed_codec *embed; /* dialect/embed.h: the same for embeddings */
	const struct rerank_codec *rerank;       /* dialect/rerank.h: the same for rerankers */
};

extern const struct dialect dialect_openai_media, dialect_openai_chat, dialect_openai_completions,
	dialect_openai_embeddings, dialect_openai_responses, dialect_anthropic, dialect_gemini, dialect_bedrock,
	dialect_ollama, dialect_cohere, dialect_rerank, dialect_voyage;

/* Builds what the readers share; once, before any other function of this room and before threads start. */
void dialect_init(void);

const struct dialect *dialect_by_id(enum dialect_id);                 /* never NULL */
const struct dialect *dialect_by_name(struct str name);               /* NULL: unknown */

/*
 * The upstream body as pieces, which point into the request's body or into the arena and live as long as both. They
 * may be made anew for each attempt. Returns how many; 0: the arena is full.
 */
MUST_USE size_t dialect_edit_request(struct arena *, const struct dialect_request *, const struct dialect_edit *,
                                     struct str pieces[DIALECT_PIECES]);

/* Whether the usage that dialect_edit_request with this edit asks for is news to the client, and so must be taken out
 * of its stream again. Goes to stream_meter_init. */
bool dialect_usage_is_ours(const struct dialect_request *, const struct dialect_edit *);

/*
 * The path of a base URL with the dialect's version segment: "" → "/v1beta" for Gemini, "/api/v1" stays. Without a
 * slash at the end. For configuration time. p == NULL: the arena is full.
 */
struct str dialect_base_path(struct arena *, const struct dialect *, struct str base_path);

#endif
