/* SPDX-License-Identifier: Apache-2.0 */
/* endpoints: the table of routes (contract section 3). The busiest come first. */
#include "gateway/endpoints.h"

#define MODEL(path, name_, dialect_, call_) \
	{ .method = METHOD_POST, .pattern = STR_INIT(path), .name = STR_INIT(name_), .kind = ENDPOINT_MODEL, \
	  .dialect = (dialect_), .call = (call_), .has_body = true }
#define GEMINI(path) \
	{ .method = METHOD_POST, .pattern = STR_INIT(path), .name = STR_INIT("/v1beta/models"), .match = MATCH_ACTION, \
	  .kind = ENDPOINT_MODEL, .dialect = DIALECT_GEMINI, .has_body = true }
#define BEDROCK(action, call_) \
	{ .method = METHOD_POST, .pattern = STR_INIT("/model/"), .name = STR_INIT("/model" action), \
	  .match = MATCH_TAIL, .tail = STR_INIT(action), .kind = ENDPOINT_MODEL, .dialect = DIALECT_BEDROCK, \
	  .call = (call_), .has_body = true }
#define SERVE(method_, path, name_, match_, access_, service_, dialect_) \
	{ .method = (method_), .pattern = STR_INIT(path), .name = STR_INIT(name_), .match = (match_), \
	  .kind = ENDPOINT_SERVICE, .access = (access_), .service = (service_), .dialect = (dialect_), \
	  .has_body = (method_) != METHOD_GET }
#define OPEN(path, name_, service_) \
	SERVE(METHOD_GET, path, name_, MATCH_EXACT, ACCESS_ANYBODY, service_, DIALECT_OPENAI_CHAT)
#define ADMIN(method_) \
	SERVE(method_, "/admin/", "/admin", MATCH_BELOW, ACCESS_ADMIN, SERVICE_ADMIN, DIALECT_OPENAI_CHAT)
#define MODELS(path, match_, dialect_) \
	SERVE(METHOD_GET, path, "/v1/models", match_, ACCESS_KEY, SERVICE_MODELS, dialect_)

#define MEDIA(path, upload_) \
	{ .method = METHOD_POST, .pattern = STR_INIT("/v1" path), .name = STR_INIT("/v1" path), \
	  .kind = ENDPOINT_MODEL, .dialect = DIALECT_OPENAI_MEDIA, .call = CALL_MEDIA, .has_body = true, \
	  .upload = (upload_) }, \
	{ .method = METHOD_POST, .pattern = STR_INIT(path), .name = STR_INIT("/v1" path), .kind = ENDPOINT_MODEL, \
	  .dialect = DIALECT_OPENAI_MEDIA, .call = CALL_MEDIA, .has_body = true, .upload = (upload_) }
#define PASS(method_, path, match_, dialect_, free_) \
	{ .method = (method_), .pattern = STR_INIT(path), .name = STR_INIT(path), .match = (match_), \
	  .kind = ENDPOINT_PASS, .costs_nothing = (free_), .dialect = (dialect_), .call = CALL_MEDIA, \
	  .has_body = (method_) != METHOD_GET, .upload = (method_) != METHOD_GET }
/* A collection, its members and what is below them. */
#define RESOURCE(path, dialect_, free_) \
	PASS(METHOD_GET, path, MATCH_EXACT, dialect_, true), PASS(METHOD_POST, path, MATCH_EXACT, dialect_, free_), \
	PASS(METHOD_GET, path "/", MATCH_BELOW, dialect_, true), \
	PASS(METHOD_POST, path "/", MATCH_BELOW, dialect_, free_), \
	PASS(METHOD_DELETE, path "/", MATCH_BELOW, dialect_, true)

#define RESPONSES(method_, path) \
	SERVE(method_, path, "/v1/responses/{id}", MATCH_BELOW, ACCESS_KEY, SERVICE_RESPONSES, DIALECT_OPENAI_RESPONSES)

#define CALLS(path, dialect_, call_) MODEL(path, path, dialect_, call_)

static const struct endpoint rows[] = {
	MODEL("/v1/chat/completions", "/v1/chat/completions", DIALECT_OPENAI_CHAT, CALL_GENERATE),
	MODEL("/v1/messages", "/v1/messages", DIALECT_ANTHROPIC, CALL_GENERATE),
	MODEL("/v1/responses", "/v1/responses", DIALECT_OPENAI_RESPONSES, CALL_GENERATE),
	GEMINI("/v1beta/models/"),
	MODEL("/v1/embeddings", "/v1/embeddings", DIALECT_OPENAI_EMBEDDINGS, CALL_EMBED),
	MODEL("/v1/completions", "/v1/completions", DIALECT_OPENAI_COMPLETIONS, CALL_GENERATE),
	MODEL("/v1/messages/count_tokens", "/v1/messages/count_tokens", DIALECT_ANTHROPIC, CALL_COUNT_TOKENS),
	MODEL("/v1/responses/input_tokens", "/v1/responses/input_tokens", DIALECT_OPENAI_RESPONSES, CALL_COUNT_TOKENS),
	BEDROCK("/converse", CALL_GENERATE),
	BEDROCK("/converse-stream", CALL_GENERATE),
	BEDROCK("/count-tokens", CALL_COUNT_TOKENS),
	CALLS("/api/chat", DIALECT_OLLAMA, CALL_GENERATE),
	CALLS("/api/generate", DIALECT_OLLAMA, CALL_GENERATE),
	CALLS("/api/embed", DIALECT_OLLAMA, CALL_EMBED),
	CALLS("/api/embeddings", DIALECT_OLLAMA, CALL_EMBED),
	CALLS("/v2/chat", DIALECT_COHERE, CALL_GENERATE),
	CALLS("/v2/embed", DIALECT_COHERE, CALL_EMBED),
	CALLS("/v2/rerank", DIALECT_COHERE, CALL_RERANK),
	CALLS("/v1/rerank", DIALECT_RERANK, CALL_RERANK),
	MODEL("/rerank", "/v1/rerank", DIALECT_RERANK, CALL_RERANK),
	/* the same without the version, as some SDKs have it */
	MODEL("/chat/completions", "/v1/chat/completions", DIALECT_OPENAI_CHAT, CALL_GENERATE),
	MODEL("/messages", "/v1/messages", DIALECT_ANTHROPIC, CALL_GENERATE),
	MODEL("/responses", "/v1/responses", DIALECT_OPENAI_RESPONSES, CALL_GENERATE),
	MODEL("/embeddings", "/v1/embeddings", DIALECT_OPENAI_EMBEDDINGS, CALL_EMBED),
	MODEL("/completions", "/v1/completions", DIALECT_OPENAI_COMPLETIONS, CALL_GENERATE),
	MODEL("/messages/count_tokens", "/v1/messages/count_tokens", DIALECT_ANTHROPIC, CALL_COUNT_TOKENS),
	MEDIA("/moderations", false),
	MEDIA("/images/generations", false),
	MEDIA("/images/edits", true),
	MEDIA("/images/variations", true),
	MEDIA("/audio/speech", false),
	MEDIA("/audio/transcriptions", true),
	MEDIA("/audio/translations", true),
	RESOURCE("/v1/messages/batches", DIALECT_ANTHROPIC, false),
	RESOURCE("/v1/files", DIALECT_OPENAI_CHAT, true),
	RESOURCE("/v1/uploads", DIALECT_OPENAI_CHAT, true),
	RESOURCE("/v1/batches", DIALECT_OPENAI_CHAT, false),
	PASS(METHOD_GET, "/passthrough/", MATCH_BELOW, DIALECT_OPENAI_CHAT, false),
	PASS(METHOD_POST, "/passthrough/", MATCH_BELOW, DIALECT_OPENAI_CHAT, false),
	PASS(METHOD_PUT, "/passthrough/", MATCH_BELOW, DIALECT_OPENAI_CHAT, false),
	PASS(METHOD_PATCH, "/passthrough/", MATCH_BELOW, DIALECT_OPENAI_CHAT, false),
	PASS(METHOD_DELETE, "/passthrough/", MATCH_BELOW, DIALECT_OPENAI_CHAT, false),
	MODEL("/responses/input_tokens", "/v1/responses/input_tokens", DIALECT_OPENAI_RESPONSES, CALL_COUNT_TOKENS),
	GEMINI("/v1/models/"),
	GEMINI("/v1beta/tunedModels/"),
	/* Vertex AI: projects/{p}/locations/{l}/publishers/google/models/{m}:… */
	GEMINI("/v1/projects/"),
	GEMINI("/v1beta1/projects/"),
	GEMINI("/models/"),
	RESPONSES(METHOD_GET, "/v1/responses/"),
	RESPONSES(METHOD_DELETE, "/v1/responses/"),
	RESPONSES(METHOD_GET, "/responses/"),
	RESPONSES(METHOD_DELETE, "/responses/"),
	MODELS("/v1/models", MATCH_EXACT, DIALECT_OPENAI_CHAT),
	MODELS("/v1/models/", MATCH_BELOW, DIALECT_OPENAI_CHAT),
	MODELS("/models", MATCH_EXACT, DIALECT_OPENAI_CHAT),
	MODELS("/models/", MATCH_BELOW, DIALECT_OPENAI_CHAT),
	MODELS("/v1beta/models", MATCH_EXACT, DIALECT_GEMINI),
	MODELS("/v1beta/models/", MATCH_BELOW, DIALECT_GEMINI),
	MODELS("/foundation-models", MATCH_EXACT, DIALECT_BEDROCK),
	MODELS("/foundation-models/", MATCH_BELOW, DIALECT_BEDROCK),
	MODELS("/api/tags", MATCH_EXACT, DIALECT_OLLAMA),
	SERVE(METHOD_GET, "/api/version", "/api/version", MATCH_EXACT, ACCESS_KEY, SERVICE_ROOT, DIALECT_OLLAMA),
	OPEN("/health/live", "/health/live", SERVICE_LIVE),
	OPEN("/health/ready", "/health/ready", SERVICE_READY),
	OPEN("/livez", "/health/live", SERVICE_LIVE),
	OPEN("/readyz", "/health/ready", SERVICE_READY),
	OPEN("/health/liveliness", "/health/live", SERVICE_LIVE),
	OPEN("/health/readiness", "/health/ready", SERVICE_READY),
	OPEN("/metrics", "/metrics", SERVICE_METRICS),
	OPEN("/openapi.json", "/openapi.json", SERVICE_OPENAPI),
	OPEN("/", "/", SERVICE_ROOT),
	ADMIN(METHOD_GET),
	ADMIN(METHOD_POST),
	ADMIN(METHOD_PUT),
	ADMIN(METHOD_PATCH),
	ADMIN(METHOD_DELETE),
};

const struct endpoint *endpoint_rows(size_t *n)
{
	*n = COUNT_OF(rows);
	return rows;
}

static bool matches(const struct endpoint *e, struct str path)
{
	switch (e->match) {
	case MATCH_EXACT:
		return str_eq(path, e->pattern);
	case MATCH_BELOW:
		return path.n > e->pattern.n && str_starts(path, e->pattern);
	case MATCH_ACTION:
		return path.n > e->pattern.n && str_starts(path, e->pattern) &&
		       str_find_chr(str_slice(path, e->pattern.n, path.n), ':') != STR_NPOS;
	case MATCH_TAIL:
		return path.n > e->pattern.n + e->tail.n && str_starts(path, e->pattern) && str_ends(path, e->tail);
	}
	return false;
}

/* The first rows, which are found without a look at what sort they are. */
enum { BUSIEST = 3 };

const struct endpoint *endpoint_find(enum http_method method, struct str path, unsigned *allowed)
{
	enum http_method want = method == METHOD_HEAD ? METHOD_GET : method;

	*allowed = 0;
	for (size_t i = 0; i < BUSIEST; i++) /* exact, and POST */
		if (path.n == rows[i].pattern.n && method == METHOD_POST &&
		    memcmp(path.p, rows[i].pattern.p, path.n) == 0)
			return &rows[i];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!matches(&rows[i], path))
			continue;
		if (rows[i].method == want)
			return &rows[i];
		*allowed |= 1u << rows[i].method;
		if (rows[i].method == METHOD_GET)
			*allowed |= 1u << METHOD_HEAD;
	}
	return NULL;
}

/* Prefixes end at the slash with which the rest begins. A '*' stands for a segment. */
static const struct str prefixes[] = {
	STR_INIT("/openai/v1/"),                 /* Groq; Azure's newer paths */
	STR_INIT("/api/v1/"),                    /* OpenRouter */
	STR_INIT("/v1beta/openai/"),             /* Gemini, OpenAI-compatible */
	STR_INIT("/openai/deployments/*/"),      /* Azure; its SDKs repeat the model in the body */
	STR_INIT("/anthropic/v1/"),              /* Anthropic's API at others' */
	STR_INIT("/inference/v1/"),              /* Fireworks */
	STR_INIT("/compatible-mode/v1/"),        /* Alibaba */
	STR_INIT("/v1/v1/"),                     /* a base URL with /v1 and an SDK that adds it */
};

/* Bytes of the prefix at the path's beginning; 0: it is not there. */
static size_t prefix_length(struct str prefix, struct str path)
{
	size_t star = str_find_chr(prefix, '*'), end;

	if (star == STR_NPOS)
		return str_starts(path, prefix) ? prefix.n : 0;
	if (!str_starts(path, str_slice(prefix, 0, star)))
		return 0;
	end = str_find_chr(str_slice(path, star, path.n), '/');
	return end != STR_NPOS && end > 0 ? star + end + 1 : 0;
}

struct str endpoint_behind_prefix(struct str path)
{
	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		size_t n = prefix_length(prefixes[i], path);

		if (n)
			return str_slice(path, n - 1, path.n);
	}
	return path;
}

enum dialect_id endpoint_error_dialect(struct str path)
{
	if (str_starts(path, STR("/v1/messages")) || str_starts(path, STR("/messages")))
		return DIALECT_ANTHROPIC;
	if (str_starts(path, STR("/v1beta/")))
		return DIALECT_GEMINI;
	if (str_starts(path, STR("/model/")) || str_starts(path, STR("/foundation-models")))
		return DIALECT_BEDROCK;
	if (str_starts(path, STR("/v2/")))
		return DIALECT_COHERE;
	if (str_starts(path, STR("/api/")) && !str_starts(path, STR("/api/v1/")))
		return DIALECT_OLLAMA;
	return DIALECT_OPENAI_CHAT;
}
