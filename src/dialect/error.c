/* SPDX-License-Identifier: Apache-2.0 */
/* error: the gateway's errors in each dialect's envelope and words. */

#include "dialect/error.h"

#include <assert.h>

#include "json/write.h"

/*
 * The families' words for each code. OpenAI's SDKs choose their exception by status, Anthropic's too, Google's by
 * code and status word; the words are for those who read them in their own code.
 */
static const struct {
	const char *openai, *anthropic, *gemini, *bedrock;
} words[ERR_CODES] = {
	[ERR_INVALID_REQUEST] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_CONTEXT_LENGTH] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_CONTENT_POLICY] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_GUARDRAIL] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_UNSUPPORTED_PARAMETER] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_INVALID_API_KEY] = { "invalid_request_error", "authentication_error", "UNAUTHENTICATED",
		"UnrecognizedClientException" },
	[ERR_INSUFFICIENT_BALANCE] = { "insufficient_quota", "billing_error", "FAILED_PRECONDITION",
		"ServiceQuotaExceededException" },
	[ERR_MODEL_NOT_ALLOWED] = { "permission_error", "permission_error", "PERMISSION_DENIED",
		"AccessDeniedException" },
	[ERR_POLICY] = { "permission_error", "permission_error", "PERMISSION_DENIED",
		"AccessDeniedException" },
	[ERR_MODEL_NOT_FOUND] = { "invalid_request_error", "not_found_error", "NOT_FOUND",
		"ResourceNotFoundException" },
	[ERR_NOT_FOUND] = { "invalid_request_error", "not_found_error", "NOT_FOUND",
		"ResourceNotFoundException" },
	[ERR_METHOD] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_REQUEST_TIMEOUT] = { "invalid_request_error", "timeout_error", "DEADLINE_EXCEEDED",
		"ModelTimeoutException" },
	[ERR_CONFLICT] = { "invalid_request_error", "invalid_request_error", "ABORTED",
		"ConflictException" },
	[ERR_TOO_LARGE] = { "invalid_request_error", "request_too_large", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_MEDIA_TYPE] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_RATE_LIMIT] = { "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED",
		"ThrottlingException" },
	[ERR_HEADERS_TOO_LARGE] = { "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
		"ValidationException" },
	[ERR_CLIENT_GONE] = { "invalid_request_error", "invalid_request_error", "CANCELLED",
		"ValidationException" },
	[ERR_INTERNAL] = { "server_error", "api_error", "INTERNAL",
		"InternalServerException" },
	[ERR_UPSTREAM] = { "server_error", "api_error", "UNAVAILABLE",
		"ModelErrorException" },
	[ERR_NO_DEPLOYMENT] = { "server_error", "overloaded_error", "UNAVAILABLE",
		"ServiceUnavailableException" },
	[ERR_SHUTTING_DOWN] = { "server_error", "overloaded_error", "UNAVAILABLE",
		"ServiceUnavailableException" },
	[ERR_UPSTREAM_TIMEOUT] = { "server_error", "timeout_error", "DEADLINE_EXCEEDED",
		"ModelTimeoutException" },
	[ERR_CONFIG] = { "server_error", "api_error", "INTERNAL",
		"InternalServerException" },
	[ERR_SYSTEM] = { "server_error", "api_error", "INTERNAL",
		"InternalServerException" },
};

int dialect_error_status(const struct err *e)
{
	return e->status ? e->status : err_code_status(e->code);
}

const char *dialect_error_type(const struct dialect *d, const struct err *e)
{
	assert(e->code > ERR_NONE && e->code < ERR_CODES);
	switch (d->id) {
	case DIALECT_ANTHROPIC: return words[e->code].anthropic;
	case DIALECT_GEMINI: return words[e->code].gemini;
	case DIALECT_BEDROCK:
		/* the exceptions have one status each, and a provider's own may be another than the code's */
		return e->status == 400 ? "ValidationException" : words[e->code].bedrock;
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_OPENAI_RESPONSES:
	case DIALECT_OLLAMA:
	case DIALECT_COHERE:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: break;
	}
	return words[e->code].openai;
}

static void write_openai(struct json_writer *w, const struct err *e, struct str type, struct str code, struct str param,
                         struct str request_id)
{
	json_open(w, '{');
	json_key_lit(w, "error");
	json_open(w, '{');
	json_key_lit(w, "message");
	json_str(w, str_from_z(e->text));
	json_key_lit(w, "type");
	json_str(w, type);
	json_key_lit(w, "param");
	if (param.n)
		json_str(w, param);
	else
		json_null(w);
	json_key_lit(w, "code");
	json_str(w, code);
	json_key_lit(w, "request_id");
	json_str(w, request_id);
	json_close(w);
	json_close(w);
}

static void write_anthropic(struct json_writer *w, const struct err *e, struct str type, struct str request_id)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("error"));
	json_key_lit(w, "error");
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, type);
	json_key_lit(w, "message");
	json_str(w, str_from_z(e->text));
	json_close(w);
	json_key_lit(w, "request_id");
	json_str(w, request_id);
	json_close(w);
}

/* google.rpc.Status has no place for a request id but its details. */
static void write_gemini(struct json_writer *w, const struct err *e, struct str type, struct str request_id)
{
	json_open(w, '{');
	json_key_lit(w, "error");
	json_open(w, '{');
	json_key_lit(w, "code");
	json_i64(w, dialect_error_status(e));
	json_key_lit(w, "message");
	json_str(w, str_from_z(e->text));
	json_key_lit(w, "status");
	json_str(w, type);
	json_key_lit(w, "details");
	json_open(w, '[');
	json_open(w, '{');
	json_key_lit(w, "@type");
	json_str(w, STR("type.googleapis.com/google.rpc.RequestInfo"));
	json_key_lit(w, "requestId");
	json_str(w, request_id);
	json_close(w);
	json_close(w);
	json_close(w);
	json_close(w);
}

/* The type is in a header. */
static void write_bedrock(struct json_writer *w, const struct err *e)
{
	json_open(w, '{');
	json_key_lit(w, "message");
	json_str(w, str_from_z(e->text));
	json_close(w);
}

static void write_ollama(struct json_writer *w, const struct err *e)
{
	json_open(w, '{');
	json_key_lit(w, "error");
	json_str(w, str_from_z(e->text));
	json_close(w);
}

static void write_cohere(struct json_writer *w, const struct err *e, struct str request_id)
{
	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, request_id);
	json_key_lit(w, "message");
	json_str(w, str_from_z(e->text));
	json_close(w);
}

static void write_voyage(struct json_writer *w, const struct err *e)
{
	json_open(w, '{');
	json_key_lit(w, "detail");
	json_str(w, str_from_z(e->text));
	json_close(w);
}

struct str dialect_error_field(const struct dialect *d, const struct err *e, struct str *value)
{
	if (d->id != DIALECT_BEDROCK)
		return (struct str){ 0 };
	*value = str_from_z(dialect_error_type(d, e));
	return STR("x-amzn-errortype");
}

bool dialect_write_error(const struct dialect *d, const struct err *e, const struct dialect_error *provider,
                         struct str request_id, struct buf *out)
{
	struct str type = str_from_z(dialect_error_type(d, e)), code = str_from_z(err_code_name(e->code)),
		   param = STR("");
	struct json_writer w = json_writer_make(out);

	if (provider && provider->pass) {
		type = provider->type[0] ? str_from_z(provider->type) : type;
		code = provider->code[0] ? str_from_z(provider->code) : code;
		param = str_from_z(provider->param);
	}
	switch (d->id) {
	case DIALECT_ANTHROPIC: write_anthropic(&w, e, type, request_id); break;
	case DIALECT_GEMINI: write_gemini(&w, e, type, request_id); break;
	case DIALECT_BEDROCK: write_bedrock(&w, e); break;
	case DIALECT_OLLAMA: write_ollama(&w, e); break;
	case DIALECT_COHERE: write_cohere(&w, e, request_id); break;
	case DIALECT_VOYAGE: write_voyage(&w, e); break;
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_RERANK:
	case DIALECT_OPENAI_RESPONSES:
	case DIALECTS: write_openai(&w, e, type, code, param, request_id); break;
	}
	return json_write_done(&w);
}
