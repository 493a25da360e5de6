/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialect_in: what the files of this room share and nobody else sees: the reader of request bodies, the readers of
 * usage objects, the data of events, and walking a JSON array whose text is known to be valid.
 */
#ifndef SLUICE_DIALECT_DIALECT_IN_H
#define SLUICE_DIALECT_DIALECT_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "dialect/dialect.h"
#include "dialect/error.h"
#include "dialect/stream.h"
#include "json/scan.h"
#include "model/usage.h"

/* Requests whose model stands in the body ------------------------------------------------------------------------- */

/* names[] is by enum request_member, NULL: the dialect has no such member. */
struct request_reader {
	const char *const *names;
	struct json_plan plan;       /* its paths are the members */
};

void request_reader_init(struct request_reader *, const char *const names[REQUEST_MEMBERS]);

/* An empty request, of which the members' places are left to request_read_body: it fills them all. */
static inline void request_begin(struct dialect_request *out, const struct dialect *d, enum dialect_call call)
{
	memset(out, 0, offsetof(struct dialect_request, at));
	out->dialect = d;
	out->call = call;
}

/* Reads and checks the body, fills everything in *out that comes from it; needs_model: without one it is an error. */
bool request_read_body(struct arena *, const struct request_reader *, struct str body, bool needs_model,
                       struct dialect_request *out, struct err *);

/* The model that stands in a path, percent-encoded, for dialects that put it there. */
bool request_model_of_path(struct arena *, struct str encoded, struct str *out, struct err *);

/* Is the text an object, seen from its first byte? Says so in *err if not. */
bool request_is_object(struct str body, struct err *);

/* Of an answer that was found valid. */
static inline bool answer_is_object(struct str body)
{
	return body.p[0] == '{' || request_is_object(body, NULL);
}

/* gemini.c: the body with each repetition of the model's name replaced by the JSON string `with`; one piece, in the
 * arena. 0: the arena is full. */
size_t gemini_edit_models(struct arena *, const struct dialect_request *, struct str with, struct str pieces[]);

/* Usage ------------------------------------------------------------------------------------------------------------ */

/* The members of usage objects of Chat Completions, legacy Completions and Embeddings. */
enum chat_usage {
	CC_PROMPT, CC_COMPLETION, CC_TOTAL, CC_CACHED, CC_CACHE_WRITE, CC_AUDIO_IN, CC_IMAGE_IN,
	CC_REASONING, CC_AUDIO_OUT, CC_IMAGE_OUT,
	CC_DEEPSEEK_CACHED,                        /* DeepSeek: prompt_cache_hit_tokens, part of prompt_tokens */
	CC_MOONSHOT_CACHED,                        /* Moonshot: cached_tokens in usage itself */
	CC_PERPLEXITY_REASONING,
	CC_LITELLM_CACHED, CC_LITELLM_WRITE,     /* LiteLLM: Anthropic's words, but inside prompt_tokens */
	CC_CITATIONS, CC_SEARCHES,                   /* Perplexity's Deep Research */
	CC_OPENROUTER_SEARCHES,
	CC_USAGE_PATHS
};
/* Their paths from the answer's top, "usage.prompt_tokens": numbers of a plan that reads the answer and its usage at
 * once. */
extern const char *const chat_usage_paths[CC_USAGE_PATHS];
void openai_usage_from(const int64_t number[CC_USAGE_PATHS], struct usage *out);

/* The same of Responses. */
enum responses_usage {
	RESP_INPUT, RESP_OUTPUT, RESP_TOTAL, RESP_CACHED, RESP_CACHE_WRITE, RESP_AUDIO_IN, RESP_IMAGE_IN,
	RESP_REASONING, RESP_AUDIO_OUT, RESP_IMAGE_OUT,
	RESP_USAGE_PATHS
};
extern const char *const responses_usage_paths[RESP_USAGE_PATHS];
void responses_usage_from(const int64_t number[RESP_USAGE_PATHS], struct usage *out);

/* Each reads the raw text of a usage object of its dialect; what cannot be read leaves *out as it was. */
void openai_usage_read(struct str raw, struct usage *out);           /* chat, completions, embeddings */
void responses_usage_read(struct str raw, struct usage *out);

/* The number of a hit, or `otherwise` if it is absent or none. */
static inline int64_t hit_number(const struct json_hit *hit, int64_t otherwise)
{
	int64_t n;

	return hit->type == JSON_NUMBER && json_to_i64(hit->value, &n) ? n : otherwise;
}

/* How the provider served the request, by the word of a hit; nearly always "default", or no word. */
static inline void usage_read_service(struct usage *u, const struct json_hit *hit)
{
	if (likely(hit->type != JSON_STRING || hit->value.n == sizeof("\"default\"") - 1))
		return;
	usage_lay_service(u, str_slice(hit->value, 1, hit->value.n - 1));
}

/* Is the hit an error: an object, or a string with text in it? */
bool hit_is_error(const struct json_hit *);

/* The shared end of read_answer: describes the error in `body`. */
enum dialect_answer answer_error(struct str body, struct dialect_error *);

/* Valid JSON ------------------------------------------------------------------------------------------------------- */

/* Walks the elements of an array whose text `rest` starts with (validated before): the raw text of each in turn. False:
 * no more, or no array. */
bool array_next(struct str *rest, struct str *item);

/* Events ----------------------------------------------------------------------------------------------------------- */

/* What a dialect's meter_event reads. */
struct event_data {
	struct str name;     /* of the SSE event; of an event stream's its type; empty: not given */
	struct str text;     /* begins with a brace */
	bool inside;         /* text is part of the event's own bytes, not joined from several lines */
	bool exception;      /* event streams: it is an exception or an error, `name` is its type */
};

/* Of an event that says nothing to the gateway: started, if it is JSON. */
void event_passes(struct stream_meter *, struct stream_event *, const struct event_data *);

/* Cuts the member of `hit` out of the event's bytes. */
void event_cut(struct stream_event *, const struct json_hit *);

/* Marks the stream as failed by this event. */
void event_fails(struct stream_meter *, struct stream_event *, const struct event_data *);

/* Called once by dialect_init. */
void openai_usage_init(void);
void openai_chat_init(void);
void openai_completions_init(void);
void openai_embeddings_init(void);
void openai_media_init(void);
void openai_responses_init(void);
void anthropic_init(void);
void gemini_init(void);
void bedrock_init(void);
void ollama_init(void);
void cohere_init(void);
void rerank_init(void);
void voyage_init(void);

/* cohere_stream.c: the last event of a stream that fails. */
bool cohere_write_failure(const struct err *, struct buf *out);

/* openai_chat.c; completions have the same streams and answers. */
enum dialect_answer openai_read_answer(struct arena *, enum dialect_call, struct str body, struct usage *,
                                       struct dialect_error *);
void openai_meter_event(struct stream_meter *, struct arena *, struct stream_event *, const struct event_data *);

#endif
