/* SPDX-License-Identifier: Apache-2.0 */
/* errors: providers' errors become classes, the gateway's errors and model lists are written as each SDK expects. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/error.h"
#include "dialect/list.h"
#include "model/usage.h"

struct read_case {
	const char *name;
	int status;
	const char *body;
	enum err_code code;
	int client_status;
	bool retryable, elsewhere, pass;
	const char *says;
	int64_t retry_after_ms;
};

static const struct read_case reads[] = {
	{ "openai invalid", 400, "{\"error\":{\"message\":\"Bad temperature\",\"type\":\"invalid_request_error\","
	  "\"param\":"
	  "\"temperature\",\"code\":null}}", ERR_INVALID_REQUEST, 400, false, false, true, "Bad temperature", -1 },
	{ "openai context", 400, "{\"error\":{\"message\":\"too long\",\"type\":\"invalid_request_error\",\"code\":"
	  "\"context_length_exceeded\"}}", ERR_CONTEXT_LENGTH, 400, false, false, true, "too long", -1 },
	{ "vllm context by text", 400, "{\"object\":\"error\","
	  "\"message\":\"This model's maximum context length is 8192 tokens\","
	  "\"type\":\"BadRequestError\",\"code\":400}", ERR_CONTEXT_LENGTH, 400, false, false, true, "maximum context",
	  -1 },
	{ "anthropic context by text", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
	  "\"message\":"
	  "\"prompt is too long: 210000 tokens\"}}", ERR_CONTEXT_LENGTH, 400, false, false, true, "prompt is too long",
	  -1 },
	{ "azure filter", 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"filtered\"}}", ERR_CONTENT_POLICY,
	  400, false,
	  false, true, "filtered", -1 },
	{ "openai key", 401, "{\"error\":{\"message\":\"Incorrect API key provided: sk-abc\","
	  "\"type\":\"invalid_request_error\","
	  "\"code\":\"invalid_api_key\"}}", ERR_UPSTREAM, 502, true, true, false,
	  "refused the gateway's credential (status 401)", -1 },
	{ "gemini key", 400, "{\"error\":{\"code\":400,\"message\":\"API key not valid.\","
	  "\"status\":\"INVALID_ARGUMENT\",\"details\":"
	  "[{\"@type\":\"x\",\"reason\":\"API_KEY_INVALID\"}]}}", ERR_UPSTREAM, 502, true, true, false, "credential",
	  -1 },
	{ "openai quota", 429, "{\"error\":{\"message\":\"You exceeded your current quota\","
	  "\"type\":\"insufficient_quota\",\"code\":"
	  "\"insufficient_quota\"}}", ERR_UPSTREAM, 502, true, true, false, "no credit", -1 },
	{ "anthropic credit", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
	  "\"Your credit balance is too low\"}}", ERR_UPSTREAM, 502, true, true, false, "no credit", -1 },
	{ "payment", 402, "{\"error\":{\"message\":\"Insufficient Balance\"}}", ERR_UPSTREAM, 502, true, true, false,
	  "no credit", -1 },
	{ "forbidden", 403, "{\"error\":{\"type\":\"permission_error\",\"message\":\"org-1 may not\"}}", ERR_UPSTREAM,
	  502, true, true,
	  false, "does not allow", -1 },
	{ "no such model", 404, "{\"error\":{\"message\":\"The model `x` does not exist\","
	  "\"code\":\"model_not_found\"}}",
	  ERR_MODEL_NOT_FOUND, 404, true, true, true, "does not exist", -1 },
	{ "no API there", 404, "<html>nginx</html>", ERR_UPSTREAM, 502, true, true, false, "does not know this path",
	  -1 },
	{ "too large", 413, "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\","
	  "\"message\":\"over 32 MB\"}}",
	  ERR_TOO_LARGE, 413, false, false, true, "over 32 MB", -1 },
	{ "fastapi", 422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\",\"type\":\"missing\"}]}",
	  ERR_INVALID_REQUEST,
	  422, false, false, true, "field required", -1 },
	{ "mistral 422", 422, "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"Extra inputs\"}]},\"type\":"
	  "\"invalid_request_error\"}", ERR_INVALID_REQUEST, 422, false, false, true, "Extra inputs", -1 },
	{ "rate limit", 429, "{\"error\":{\"message\":\"Rate limit reached for org-1\",\"type\":\"tokens\",\"code\":"
	  "\"rate_limit_exceeded\"}}", ERR_RATE_LIMIT, 429, true, false, false, "rate limit is reached", -1 },
	{ "gemini rate limit", 429, "[{\"error\":{\"code\":429,\"message\":\"Quota\",\"status\":\"RESOURCE_EXHAUSTED\","
	  "\"details\":"
	  "[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"8.5123s\"}]}}]", ERR_RATE_LIMIT,
	  429, true, false,
	  false, "rate limit", 8512 },
	{ "server", 500, "{\"error\":{\"message\":\"db at 10.0.0.3\",\"type\":\"server_error\"}}", ERR_UPSTREAM, 502,
	  true, false, false,
	  "the provider failed (status 500)", -1 },
	{ "gateway page", 502, "<html>", ERR_UPSTREAM, 502, true, false, false, "status 502", -1 },
	{ "overloaded", 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	  "\"message\":\"Overloaded\"}}", ERR_UPSTREAM,
	  502, true, false, false, "overloaded", -1 },
	{ "timeout", 504, "", ERR_UPSTREAM_TIMEOUT, 504, true, false, false, "out of time", -1 },
	{ "conflict", 409, "{\"error\":{\"message\":\"busy\"}}", ERR_CONFLICT, 409, true, false, true, "busy", -1 },
	{ "empty 400", 400, "", ERR_INVALID_REQUEST, 400, false, false, true, "refused the request with status 400",
	  -1 },
	{ "text error", 400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"Bad thing\"}",
	  ERR_INVALID_REQUEST, 400,
	  false, false, true, "Bad thing", -1 },
	{ "minimax", 200, "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}",
	  ERR_UPSTREAM, 502, true,
	  true, false, "no credit", -1 },
	{ "error in a 200", 200, "{\"error\":{\"message\":\"x\",\"code\":\"rate_limit_exceeded\"}}", ERR_RATE_LIMIT,
	  429, true, false,
	  false, "rate limit", -1 },
	{ "response failed", 200, "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\","
	  "\"message\":\"y\"}}}",
	  ERR_UPSTREAM, 502, true, false, false, "the provider failed", -1 },
	{ "odd types", 400, "{\"error\":{\"message\":12,\"type\":[],\"code\":{},\"param\":1,"
	  "\"details\":[1,{\"retryDelay\":\"x\"}]}}",
	  ERR_INVALID_REQUEST, 400, false, false, true, "12", -1 },
	{ "hidden words", 400, "{\"error\":{\"message\":\"key sk-topsecret at vllm.internal:80 \\u0007bad\"}}",
	  ERR_INVALID_REQUEST, 400,
	  false, false, true, "key [hidden] at [hidden]:80  bad", -1 },
};

static void provider_errors_have_a_class(void **state)
{
	static const struct str hide[] = { STR_INIT("sk-topsecret"), STR_INIT("vllm.internal"), STR_INIT("") };

	for (size_t i = 0; i < COUNT_OF(reads); i++) {
		const struct read_case *c = &reads[i];
		struct dialect_error d;

		dialect_read_error(c->status, str_from_z(c->body), hide, COUNT_OF(hide), &d);
		if (d.err.code != c->code || dialect_error_status(&d.err) != c->client_status
		    || d.err.retryable != c->retryable
		    || d.elsewhere_only != c->elsewhere || d.pass != c->pass || d.retry_after_ms != c->retry_after_ms
		    || !strstr(d.err.text, c->says))
			fail_msg("%s: %s, status %d, retryable %d, elsewhere %d, pass %d, after %lld: %s", c->name,
			         err_code_name(d.err.code), dialect_error_status(&d.err), d.err.retryable,
			         d.elsewhere_only, d.pass,
			         (long long)d.retry_after_ms, d.err.text);
		assert_int_equal(d.err.origin, ERR_FROM_PROVIDER);
	}
}

static void errors_are_written_in_the_clients_dialect(void **state)
{
	static const struct { const struct dialect *dialect; enum err_code code; const char *want; } rows[] = {
		{ &dialect_openai_chat, ERR_INVALID_API_KEY, "{\"error\":{\"message\":\"no \\\"k\\\"\","
		  "\"type\":\"invalid_request_error\","
		  "\"param\":null,\"code\":\"invalid_api_key\",\"request_id\":\"01\"}}" },
		{ &dialect_openai_responses, ERR_RATE_LIMIT, "{\"error\":{\"message\":\"no \\\"k\\\"\","
		  "\"type\":\"rate_limit_error\","
		  "\"param\":null,\"code\":\"rate_limit_exceeded\",\"request_id\":\"01\"}}" },
		{ &dialect_anthropic, ERR_INVALID_API_KEY, "{\"type\":\"error\","
		  "\"error\":{\"type\":\"authentication_error\","
		  "\"message\":\"no \\\"k\\\"\"},\"request_id\":\"01\"}" },
		{ &dialect_gemini, ERR_MODEL_NOT_FOUND, "{\"error\":{\"code\":404,\"message\":\"no \\\"k\\\"\","
		  "\"status\":\"NOT_FOUND\","
		  "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":\"01\"}]}}" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out = buf_make(4096), small = buf_make(30);
		struct err e = { 0 };

		(void)!err_set(&e, rows[i].code, "no \"k\"");
		assert_true(dialect_write_error(rows[i].dialect, &e, NULL, STR("01"), &out));
		if (!str_eq(buf_str(&out), str_from_z(rows[i].want)))
			fail_msg("%.*s", (int)out.n, out.p);
		assert_false(dialect_write_error(rows[i].dialect, &e, NULL, STR("01"), &small));
		buf_fini(&out);
		buf_fini(&small);
	}
}

static void every_code_has_a_word_in_every_family(void **state)
{
	for (int code = ERR_NONE + 1; code < ERR_CODES; code++)
		for (int id = 0; id < DIALECTS; id++) {
			struct err e = { .code = (enum err_code)code };
			const char *word = dialect_error_type(dialect_by_id((enum dialect_id)id), &e);
			assert_non_null(word);
			assert_true(word[0] != '\0');
		}
}

static void a_passed_error_keeps_the_providers_words(void **state)
{
	struct buf out = buf_make(4096);
	struct dialect_error d;

	dialect_read_error(400, STR("{\"error\":{\"message\":\"m\",\"type\":\"image_error\",\"code\":\"bad_image\","
	    "\"param\":\"messages[0]\"}}"),
	                   NULL, 0, &d);
	assert_true(dialect_write_error(&dialect_openai_chat, &d.err, &d, STR("01"), &out));
	assert_true(str_eq(buf_str(&out), STR("{\"error\":{\"message\":\"m\",\"type\":\"image_error\","
	    "\"param\":\"messages[0]\",\"code\":"
	                                      "\"bad_image\",\"request_id\":\"01\"}}")));
	buf_fini(&out);
}

static void whole_answers_are_read(void **state)
{
	static const struct {
		const char *name;
		const struct dialect *dialect;
		enum dialect_call call;
		const char *body;
		enum dialect_answer want;
		enum usage_source source;
		uint32_t input, output;
	} rows[] = {
		{ "chat", &dialect_openai_chat, CALL_GENERATE,
		  "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
		  ANSWER_OK, USAGE_REPORTED, 3, 4 },
		{ "no usage", &dialect_openai_chat, CALL_GENERATE, "{\"choices\":[]}", ANSWER_OK, USAGE_NONE, 0, 0 },
		{ "null usage and error", &dialect_openai_chat, CALL_GENERATE, "{\"usage\":null,\"error\":null}",
		  ANSWER_OK, USAGE_NONE,
		  0, 0 },
		{ "usage of odd types", &dialect_openai_chat, CALL_GENERATE,
		  "{\"usage\":{\"prompt_tokens\":\"3\",\"completion_tokens\":[],\"total_tokens\":null}}", ANSWER_OK,
		  USAGE_NONE, 0, 0 },
		{ "numbers as floats", &dialect_openai_chat, CALL_GENERATE,
		  "{\"usage\":{\"prompt_tokens\":3.0,\"completion_tokens\":4e0}}", ANSWER_OK, USAGE_REPORTED, 3, 4 },
		{ "embeddings, total only", &dialect_openai_embeddings, CALL_EMBED,
		  "{\"data\":[],\"usage\":{\"total_tokens\":9}}", ANSWER_OK,
		  USAGE_REPORTED, 9, 0 },
		{ "responses", &dialect_openai_responses, CALL_GENERATE,
		  "{\"object\":\"response\",\"error\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}",
		  ANSWER_OK, USAGE_REPORTED, 3, 4 },
		{ "failed response", &dialect_openai_responses, CALL_GENERATE,
		  "{\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\"}}", ANSWER_OK,
		  USAGE_NONE, 0, 0 },
		{ "messages", &dialect_anthropic, CALL_GENERATE, "{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}",
		  ANSWER_OK,
		  USAGE_REPORTED, 3, 4 },
		{ "count", &dialect_anthropic, CALL_COUNT_TOKENS, "{\"input_tokens\":3}", ANSWER_OK, USAGE_NONE, 0, 0 },
		{ "gemini", &dialect_gemini, CALL_GENERATE,
		  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":4}}",
		  ANSWER_OK, USAGE_REPORTED, 3, 4 },
		{ "gemini count", &dialect_gemini, CALL_COUNT_TOKENS, "{\"totalTokens\":3}", ANSWER_OK, USAGE_NONE, 0,
		  0 },
		{ "error object", &dialect_openai_chat, CALL_GENERATE, "{\"error\":{\"message\":\"x\"}}", ANSWER_ERROR,
		  USAGE_NONE, 0, 0 },
		{ "error text", &dialect_openai_responses, CALL_GENERATE, "{\"error\":\"x\"}", ANSWER_ERROR, USAGE_NONE,
		  0, 0 },
		{ "anthropic error", &dialect_anthropic, CALL_GENERATE, "{\"type\":\"error\",\"error\":{}}",
		  ANSWER_ERROR, USAGE_NONE, 0, 0 },
		{ "minimax error", &dialect_openai_chat, CALL_GENERATE, "{\"base_resp\":{\"status_code\":1004}}",
		  ANSWER_ERROR, USAGE_NONE, 0, 0 },
		{ "minimax good", &dialect_openai_chat, CALL_GENERATE, "{\"base_resp\":{\"status_code\":0}}", ANSWER_OK,
		  USAGE_NONE, 0, 0 },
		{ "array", &dialect_openai_chat, CALL_GENERATE, "[]", ANSWER_BROKEN, USAGE_NONE, 0, 0 },
		{ "garbage", &dialect_gemini, CALL_GENERATE, "<html>", ANSWER_BROKEN, USAGE_NONE, 0, 0 },
		{ "cut", &dialect_anthropic, CALL_GENERATE, "{\"usage\":{\"input_tokens\":3", ANSWER_BROKEN, USAGE_NONE,
		  0, 0 },
		{ "empty", &dialect_openai_responses, CALL_GENERATE, "", ANSWER_BROKEN, USAGE_NONE, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dialect_error d;
		struct arena arena;
		struct usage u;

		arena_init(&arena, 1 << 20);
		enum dialect_answer got = rows[i].dialect->read_answer(&arena, rows[i].call, str_from_z(rows[i].body),
		    &u, &d);
		if (got != rows[i].want || u.source != rows[i].source || usage_total_input(&u) != rows[i].input
		    || usage_total_output(&u) != rows[i].output)
			fail_msg("%s: %d, source %d", rows[i].name, got, u.source);
		arena_fini(&arena);
	}
}

static void models_are_listed_in_each_shape(void **state)
{
	static const struct dialect_model models[] = {
		{ STR_INIT("chat"), STR_INIT("openai"), 1686935002, 128000, 4096 },
		{ STR_INIT("b\"x"), STR_INIT(""), 0, 0, 0 },
	};
	static const struct { const struct dialect *dialect; size_t n; const char *want; } rows[] = {
		{ &dialect_openai_chat, 2, "{\"object\":\"list\",\"data\":[{\"id\":\"chat\",\"object\":\"model\","
		  "\"created\":1686935002,"
		  "\"owned_by\":\"openai\",\"context_window\":128000,\"max_output_tokens\":4096},{\"id\":\"b\\\"x\","
		  "\"object\":\"model\","
		  "\"created\":0,\"owned_by\":\"sluice\"}]}" },
		{ &dialect_anthropic, 1, "{\"data\":[{\"type\":\"model\",\"id\":\"chat\",\"display_name\":\"chat\","
		  "\"created_at\":"
		  "\"2023-06-16T17:03:22.000Z\",\"max_input_tokens\":128000,\"max_tokens\":4096}],\"has_more\":false,"
		  "\"first_id\":\"chat\","
		  "\"last_id\":\"chat\"}" },
		{ &dialect_anthropic, 0, "{\"data\":[],\"has_more\":false,\"first_id\":null,\"last_id\":null}" },
		{ &dialect_gemini, 1, "{\"models\":[{\"name\":\"models/chat\",\"displayName\":\"chat\","
		  "\"inputTokenLimit\":128000,"
		  "\"outputTokenLimit\":4096,\"supportedGenerationMethods\":[\"generateContent\","
		  "\"streamGenerateContent\",\"countTokens\"]}]}" },
	};
	struct buf out = buf_make(4096);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_clear(&out);
		assert_true(dialect_write_models(rows[i].dialect, models, rows[i].n, &out));
		if (!str_eq(buf_str(&out), str_from_z(rows[i].want)))
			fail_msg("%.*s", (int)out.n, out.p);
	}
	buf_clear(&out);
	assert_true(dialect_write_model(&dialect_openai_chat, &models[1], &out));
	assert_true(str_eq(buf_str(&out), STR("{\"id\":\"b\\\"x\",\"object\":\"model\",\"created\":0,"
	    "\"owned_by\":\"sluice\"}")));
	buf_fini(&out);
}

static int setup(void **state)
{
	dialect_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(provider_errors_have_a_class),
		cmocka_unit_test(errors_are_written_in_the_clients_dialect),
		cmocka_unit_test(every_code_has_a_word_in_every_family),
		cmocka_unit_test(a_passed_error_keeps_the_providers_words),
		cmocka_unit_test(whole_answers_are_read),
		cmocka_unit_test(models_are_listed_in_each_shape),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
