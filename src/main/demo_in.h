/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_in: what the files of the demo provider share. A request takes this way:
 *
 *	demo_provider.c   route, credential, body → struct demo_ask
 *	demo_<api>.c      reads the prompt in its API's shape → struct demo_prompt
 *	demo_think.c      decides what to say, and whether to obey an order → struct demo_thought
 *	demo_<api>.c      writes that in its API's shape → struct demo_reply, whole or as events
 *	demo_provider.c   sends it, event by event, and breaks it off if so ordered
 */
#ifndef SLUICE_MAIN_DEMO_IN_H
#define SLUICE_MAIN_DEMO_IN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "json/tree.h"
#include "net/http.h"

struct arena;

struct demo_ask {
	struct arena *arena;
	struct str path, query;
	struct str model; /* Gemini: of the path */
	yyjson_val *body; /* an object */
	struct str id;    /* unique; ids of answers and messages end in it */
	int64_t created;  /* seconds since 1970 */
};

/* What is to happen with an answer, by words that begin with "demo-" (docs/demo.md). */
enum demo_fate {
	DEMO_WHOLE,
	DEMO_CUT,     /* the connection breaks in the middle */
	DEMO_STALL,   /* half of it, then nothing more */
	DEMO_FAIL,    /* half of a stream, then an error as an event */
	DEMO_GARBAGE, /* what nobody can read */
	DEMO_HANG,    /* not even a head */
};

struct demo_orders {
	enum demo_fate fate;
	int status;      /* 0, or the error to answer with */
	int64_t wait_ms; /* before the answer */
	int64_t gap_ms;  /* between events of a stream */
	int64_t words;   /* length of the text; 0: as it comes */
};

struct demo_prompt {
	int64_t bytes;           /* of all its texts: input tokens come of it */
	struct str user;         /* the user's last text */
	struct str result;       /* of a tool, if the last message is one: p != NULL */
	struct str tool;         /* the tool to call, if one is to be called; p == NULL: none was offered */
	yyjson_val *tool_schema; /* of its arguments; NULL: none given */
	bool tool_forced, tool_forbidden;
	yyjson_val *schema; /* the text must be an instance of it; NULL: it need not */
	int64_t max_output; /* tokens; -1: not said */
};

struct demo_thought {
	struct str text;            /* empty if a tool is called */
	struct str tool, arguments; /* the call; tool.p == NULL: none. The arguments are a JSON object */
	bool cut;                   /* max_output was reached */
	int64_t in_tokens, out_tokens;
};

struct demo_reply {
	const char *content_type;
	bool stream;
	struct buf out;
	struct buf ends; /* of a stream: size_t for each event, where it ends in `out` */
	struct demo_orders orders;
};

/* An API. `answer` false: err is to be told, in the API's shape, with err->status if it is set. */
struct demo_family {
	enum http_name auth; /* the field that carries the credential */
	struct str auth_prefix;
	const char *request_id; /* name of the field that names the request */
	void (*write_error)(struct buf *out, int status, struct str message, struct str id);
	void (*write_stream_error)(struct buf *out, struct str message);
};

struct demo_route {
	struct str path;
	bool below; /* and everything behind it */
	const struct demo_family *family;
	bool (*answer)(struct demo_ask *, struct demo_reply *, struct err *);
};

extern const struct demo_family demo_openai, demo_responses, demo_anthropic, demo_gemini;

bool demo_chat_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_completions_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_embeddings_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_responses_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_messages_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_count_tokens_answer(struct demo_ask *, struct demo_reply *, struct err *);
bool demo_gemini_answer(struct demo_ask *, struct demo_reply *, struct err *);

/* ---- demo_think.c ---- */

/* Decides what to say. False: the model is unknown here, or an error was ordered. */
MUST_USE bool demo_think(struct demo_ask *, const struct demo_prompt *, struct demo_reply *, struct demo_thought *,
                         struct err *);
/* The same for calls that say nothing: `text` may hold orders. */
MUST_USE bool demo_obey(struct demo_ask *, struct str text, struct demo_reply *, struct err *);

/* Takes the next piece off a text that is sent in pieces: a word with what follows it. */
struct str demo_piece(struct str *rest);

static inline int64_t demo_tokens(int64_t bytes)
{
	return (bytes + 3) / 4;
}

/* ---- demo_vector.c ---- */

#define DEMO_VECTOR_MAX 4096
/* A vector of length 1 for a text: the same for the same text, near for texts with the same words. */
void demo_vector(struct str text, float *out, int64_t dimensions);
/* The same as a JSON array. */
void demo_vector_put(struct buf *out, struct str text, int64_t dimensions);

/* ---- demo_schema.c ---- */

/* Appends an instance of a JSON Schema: all its properties, the first of each choice, the shortest of each list. */
void demo_schema_put(struct buf *out, yyjson_val *schema);

/* ---- demo_reply.c: writing ---- */

/*
 * Appends JSON by a template in which ' stands for the quote, so that answers stand in the source as on the wire:
 *
 *	demo_put(out, "{'type':'message','model':%j,'index':%d}", ask->model, index)
 *
 * %j a struct str as a JSON string; %r a struct str as it is; %d an int64_t; %z a char pointer as it is.
 */
void demo_put(struct buf *out, const char *template, ...);

/* Begins an event of a stream: "event: NAME" (if there is one) and "data: ". */
void demo_event_open(struct demo_reply *, const char *name);
void demo_event_close(struct demo_reply *);
/* Marks the end of what is to be sent at once, in other framings. */
void demo_event_end(struct demo_reply *);

/* The member as JSON text in the arena; `missing` if it is not there. */
struct str demo_json_of(struct demo_ask *, const char *member, const char *missing);

/* ---- demo_reply.c: reading ---- */

/* The member by the first of two names (Gemini takes both spellings of each) that is there; NULL: neither. */
yyjson_val *demo_get(yyjson_val *obj, const char *name, const char *other);
/* A number member, or `missing`. Doubles are cut. */
int64_t demo_number(yyjson_val *obj, const char *name, int64_t missing);
bool demo_flag(yyjson_val *obj, const char *name);
struct str demo_text(yyjson_val *obj, const char *name); /* empty (p == NULL): not there */
/* Adds to the prompt what somebody said: a string, or a list of parts with a member "text". Returns the last text. */
struct str demo_said(struct demo_prompt *, yyjson_val *content);

#endif
