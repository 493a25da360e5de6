/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure: the decision table: each row an error as some provider words it, its class, and what a plan does when
 * everybody it asks fails in this way. Where ../shared/corpus is present, all recorded errors are classified, too.
 */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/arena.h"
#include "dialect/bedrock.h"
#include "net/client.h"
#include "route/plan.h"

#define FOLDER "../shared/corpus"

/* Three deployments, of which the last one is known to take more, and each of the three lists. */
static const char settings[] =
	"auth: none\n"
	"providers: {p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1'}}\n"
	"models:\n"
	"  - {name: m, strategy: ordered, deployments: [{provider: p, model: a, context_window: 1000},\n"
	"     {provider: p, model: b, context_window: 1000}, {provider: p, model: c, context_window: 9000}],\n"
	"     fallbacks: [general], context_window_fallbacks: [long], content_policy_fallbacks: [lenient]}\n"
	"  - {name: general, deployments: [{provider: p, model: general}]}\n"
	"  - {name: long, deployments: [{provider: p, model: long}]}\n"
	"  - {name: lenient, deployments: [{provider: p, model: lenient}]}\n"
	"routing: {retries: {attempts: 2, base: 100ms, max: 350ms, jitter: none}}\n";

/* Who is asked, and after how many milliseconds. */
static const char *const ways[FAILURES] = {
	[FAILURE_TRANSIENT] = "a@0 b@0 c@0 general@0 general@100 general@200",
	[FAILURE_RATE_LIMIT] = "a@0 b@0 c@0 general@0 general@100 general@200",
	[FAILURE_CONTENT_POLICY] = "a@0 lenient@0 general@0",
	[FAILURE_CONTEXT_WINDOW] = "a@0 c@0 long@0 general@0",
	[FAILURE_CREDENTIAL] = "a@0 b@0 c@0 general@0",
	[FAILURE_NO_MODEL] = "a@0 b@0 c@0 general@0",
	[FAILURE_CLIENT] = "a@0",
};

static const struct {
	const char *name;
	int status;                      /* 0: an exception in a stream, by `type` */
	const char *type;
	const char *body;
	enum failure_class want;
} rows[] = {
	{ "openai: too long", 400, NULL,
	  "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens.\","
	  "\"type\":\"invalid_request_error\",\"param\":\"messages\",\"code\":\"context_length_exceeded\"}}"
	  "", FAILURE_CONTEXT_WINDOW },
	{ "openai: the prompt is flagged", 400, NULL,
	  "{\"error\":{\"message\":\"Invalid prompt: your prompt was flagged as potentially violating our usage "
	  "policy.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_prompt\"}}"
	  "", FAILURE_CONTENT_POLICY },
	{ "openai: images", 400, NULL,
	  "{\"error\":{\"message\":\"Your request was rejected as a result of our safety system.\","
	  "\"type\":\"image_generation_user_error\",\"param\":null,\"code\":\"content_policy_violation\"}}"
	  "", FAILURE_CONTENT_POLICY },
	{ "openai: rate limit", 429, NULL,
	  "{\"error\":{\"message\":\"Rate limit reached for gpt-4o\",\"type\":\"tokens\",\"param\":null,"
	  "\"code\":\"rate_limit_exceeded\"}}", FAILURE_RATE_LIMIT },
	{ "openai: no credit", 429, NULL,
	  "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and billing "
	  "details.\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}"
	  "", FAILURE_CREDENTIAL },
	{ "openai: key", 401, NULL,
	  "{\"error\":{\"message\":\"Incorrect API key provided: sk-x.\",\"type\":\"invalid_request_error\","
	  "\"param\":null,\"code\":\"invalid_api_key\"}}", FAILURE_CREDENTIAL },
	{ "openai: no such model", 404, NULL,
	  "{\"error\":{\"message\":\"The model `x` does not exist or you do not have access to it.\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}}", FAILURE_NO_MODEL },
	{ "openai: no such model, in responses", 400, NULL,
	  "{\"error\":{\"message\":\"The requested model 'x' does not exist.\",\"type\":\"invalid_request_error\","
	  "\"param\":\"model\",\"code\":\"model_not_found\"}}", FAILURE_NO_MODEL },
	{ "openai: a parameter", 400, NULL,
	  "{\"error\":{\"message\":\"Unsupported parameter: 'stop' is not supported with this model.\","
	  "\"type\":\"invalid_request_error\",\"param\":\"stop\",\"code\":\"unsupported_parameter\"}}"
	  "", FAILURE_CLIENT },
	{ "openai: the client's words in the text", 400, NULL,
	  "{\"error\":{\"message\":\"Invalid value: 'incorrect api key'. Supported values are: 'a'.\","
	  "\"type\":\"invalid_request_error\",\"param\":\"x\",\"code\":\"invalid_value\"}}", FAILURE_CLIENT },
	{ "openai: the client's conversation", 404, NULL,
	  "{\"error\":{\"message\":\"Previous response with id 'resp_1' not found.\","
	  "\"type\":\"invalid_request_error\",\"param\":\"previous_response_id\",\"code\":null}}", FAILURE_CLIENT },
	{ "openai: failed", 500, NULL,
	  "{\"error\":{\"message\":\"The server had an error.\",\"type\":\"server_error\",\"param\":null,"
	  "\"code\":null}}", FAILURE_TRANSIENT },
	{ "openai: overloaded", 503, NULL,
	  "{\"error\":{\"message\":\"The engine is currently overloaded.\",\"type\":\"server_error\","
	  "\"param\":null,\"code\":null}}", FAILURE_TRANSIENT },
	{ "openai: conflict", 409, NULL,
	  "{\"error\":{\"message\":\"Another request is under way.\",\"type\":\"conflict\",\"param\":null,"
	  "\"code\":null}}", FAILURE_TRANSIENT },
	{ "openai: error event", 200, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\","
	  "\"message\":\"You exceeded your current quota.\"}}", FAILURE_CREDENTIAL },
	{ "openai: response.failed", 200, NULL,
	  "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\","
	  "\"message\":\"y\"}}}", FAILURE_TRANSIENT },
	{ "azure: filter", 400, NULL,
	  "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI's content "
	  "management policy.\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,"
	  "\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}", FAILURE_CONTENT_POLICY },
	{ "azure: deployment", 404, NULL,
	  "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"DeploymentNotFound\",\"message\":\"The API "
	  "deployment for this resource does not exist.\"}}", FAILURE_NO_MODEL },
	{ "azure: resource", 404, NULL,
	  "{\"error\":{\"code\":\"404\",\"message\":\"Resource not found\"}}", FAILURE_NO_MODEL },
	{ "azure: key", 401, NULL,
	  "{\"error\":{\"code\":\"401\",\"message\":\"Access denied due to invalid subscription key or wrong API "
	  "endpoint.\"}}", FAILURE_CREDENTIAL },
	{ "azure: rate limit", 429, NULL,
	  "{\"error\":{\"code\":\"RateLimitReached\",\"message\":\"Your requests have exceeded the call rate "
	  "limit.\"}}", FAILURE_RATE_LIMIT },
	{ "azure inference: too long", 413, NULL,
	  "{\"error\":{\"code\":\"tokens_limit_reached\",\"message\":\"Request body too large for gpt-4o model. "
	  "Max size: 8000 tokens.\"}}", FAILURE_CONTEXT_WINDOW },
	{ "anthropic: too long", 400, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: "
	  "210000 tokens > 200000 maximum\"}}", FAILURE_CONTEXT_WINDOW },
	{ "anthropic: too long with its answer", 400, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and "
	  "`max_tokens` exceed context limit: 188240 + 21333 > 200000\"}}", FAILURE_CONTEXT_WINDOW },
	{ "anthropic: output blocked", 400, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Output blocked by "
	  "content filtering policy\"}}", FAILURE_CONTENT_POLICY },
	{ "anthropic: key", 401, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}"
	  "", FAILURE_CREDENTIAL },
	{ "anthropic: no credit", 400, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is "
	  "too low to access the Anthropic API.\"}}", FAILURE_CREDENTIAL },
	{ "anthropic: no such model", 404, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-x\"}}"
	  "", FAILURE_NO_MODEL },
	{ "anthropic: the client's file", 404, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"File not found: file_1\"}}"
	  "", FAILURE_CLIENT },
	{ "anthropic: a parameter", 400, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"temperature: range: "
	  "0..1\"}}", FAILURE_CLIENT },
	{ "anthropic: too large", 413, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"Request exceeds the maximum "
	  "size\"}}", FAILURE_CLIENT },
	{ "anthropic: rate limit", 429, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This request would exceed "
	  "your rate limit\"}}", FAILURE_RATE_LIMIT },
	{ "anthropic: overloaded", 529, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
	  "", FAILURE_TRANSIENT },
	{ "anthropic: overloaded event", 200, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
	  "", FAILURE_TRANSIENT },
	{ "anthropic: invalid event", 200, NULL,
	  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"messages: bad\"}}"
	  "", FAILURE_CLIENT },
	{ "gemini: too long", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"The input token count (1048600) exceeds the maximum number of "
	  "tokens allowed (1048575).\",\"status\":\"INVALID_ARGUMENT\"}}", FAILURE_CONTEXT_WINDOW },
	{ "gemini: key", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\","
	  "\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}", FAILURE_CREDENTIAL },
	{ "gemini: place", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"User location is not supported for the API use.\","
	  "\"status\":\"FAILED_PRECONDITION\"}}", FAILURE_CREDENTIAL },
	{ "gemini: API is off", 403, NULL,
	  "{\"error\":{\"code\":403,\"message\":\"Generative Language API has not been used in project 1 before or "
	  "it is disabled.\",\"status\":\"PERMISSION_DENIED\"}}", FAILURE_CREDENTIAL },
	{ "gemini: the client's cache", 403, NULL,
	  "{\"error\":{\"code\":403,\"message\":\"CachedContent not found (or permission denied)\","
	  "\"status\":\"PERMISSION_DENIED\"}}", FAILURE_CLIENT },
	{ "gemini: no such model", 404, NULL,
	  "{\"error\":{\"code\":404,\"message\":\"models/x is not found for API version v1beta\","
	  "\"status\":\"NOT_FOUND\"}}", FAILURE_NO_MODEL },
	{ "gemini: rate limit", 429, NULL,
	  "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check your plan and "
	  "billing details.\",\"status\":\"RESOURCE_EXHAUSTED\"}}", FAILURE_RATE_LIMIT },
	{ "gemini: overloaded", 503, NULL,
	  "{\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again later.\","
	  "\"status\":\"UNAVAILABLE\"}}", FAILURE_TRANSIENT },
	{ "gemini: late", 504, NULL,
	  "{\"error\":{\"code\":504,\"message\":\"Deadline expired before operation could complete.\","
	  "\"status\":\"DEADLINE_EXCEEDED\"}}", FAILURE_TRANSIENT },
	{ "gemini: an argument", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"Request contains an invalid argument.\","
	  "\"status\":\"INVALID_ARGUMENT\"}}", FAILURE_CLIENT },
	{ "vertex: policy", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"This prompt contains words that violate Google's Responsible AI "
	  "practices.\",\"status\":\"INVALID_ARGUMENT\"}}", FAILURE_CONTENT_POLICY },
	{ "vertex: permission", 403, NULL,
	  "{\"error\":{\"code\":403,\"message\":\"Permission 'aiplatform.endpoints.predict' denied on resource.\","
	  "\"status\":\"PERMISSION_DENIED\"}}", FAILURE_CREDENTIAL },
	{ "vertex: the client's cache", 404, NULL,
	  "{\"error\":{\"code\":404,\"message\":\"Not found: cache content metadata 8754.\","
	  "\"status\":\"NOT_FOUND\"}}", FAILURE_CLIENT },
	{ "vertex: token", 401, NULL,
	  "{\"error\":{\"code\":401,\"message\":\"API keys are not supported by this API.\","
	  "\"status\":\"UNAUTHENTICATED\"}}", FAILURE_CREDENTIAL },
	{ "bedrock: too long", 400, NULL,
	  "{\"message\":\"Input is too long for requested model.\"}", FAILURE_CONTEXT_WINDOW },
	{ "bedrock: too long for Amazon's models", 400, NULL,
	  "{\"message\":\"The model returned the following errors: Input Tokens Exceeded: Number of input tokens "
	  "exceeds maximum length.\"}", FAILURE_CONTEXT_WINDOW },
	{ "bedrock: no such model", 400, NULL,
	  "{\"message\":\"The provided model identifier is invalid.\"}", FAILURE_NO_MODEL },
	{ "bedrock: on demand", 400, NULL,
	  "{\"message\":\"Invocation of model ID x with on-demand throughput isn\\u2019t supported.\"}"
	  "", FAILURE_NO_MODEL },
	{ "bedrock: end of life", 404, NULL,
	  "{\"message\":\"This model version has reached the end of its life.\"}", FAILURE_NO_MODEL },
	{ "bedrock: token", 403, NULL,
	  "{\"message\":\"The security token included in the request is expired\"}", FAILURE_CREDENTIAL },
	{ "bedrock: access", 403, NULL,
	  "{\"message\":\"You don't have access to the model with the specified model ID.\"}", FAILURE_CREDENTIAL },
	{ "bedrock: throttled", 429, NULL,
	  "{\"__type\":\"com.amazonaws#ThrottlingException\",\"message\":\"Too many requests\"}"
	  "", FAILURE_RATE_LIMIT },
	{ "bedrock: a block", 400, NULL,
	  "{\"message\":\"This model doesn't support the s3Uri field. Remove s3Uri and try again.\"}"
	  "", FAILURE_CLIENT },
	{ "bedrock: failed", 500, NULL,
	  "{\"message\":\"The system encountered an unexpected error\"}", FAILURE_TRANSIENT },
	{ "bedrock: not ready", 429, NULL,
	  "{\"__type\":\"ModelNotReadyException\",\"message\":\"Model is not ready for inference.\"}"
	  "", FAILURE_TRANSIENT },
	{ "bedrock: event", 0, "throttlingException", "{\"message\":\"Too many requests\"}", FAILURE_RATE_LIMIT },
	{ "bedrock: event of the model", 0, "modelStreamErrorException",
	  "{\"message\":\"The model failed\"}", FAILURE_TRANSIENT },
	{ "bedrock: event of validation", 0, "validationException", "{\"message\":\"Bad input\"}", FAILURE_CLIENT },
	{ "cohere: too long", 400, NULL,
	  "{\"message\":\"too many tokens: total number of tokens in the prompt cannot exceed 4081\"}"
	  "", FAILURE_CONTEXT_WINDOW },
	{ "cohere: key", 401, NULL,
	  "{\"id\":\"1\",\"message\":\"Incorrect API key provided.\"}", FAILURE_CREDENTIAL },
	{ "cohere: no such model", 404, NULL,
	  "{\"id\":\"1\",\"message\":\"model 'x' not found\"}", FAILURE_NO_MODEL },
	{ "cohere: rate limit", 429, NULL,
	  "{\"id\":\"1\",\"message\":\"You are using a trial key\"}", FAILURE_RATE_LIMIT },
	{ "ollama: no such model", 404, NULL, "{\"error\":\"model 'x:latest' not found\"}", FAILURE_NO_MODEL },
	{ "ollama: too long", 400, NULL,
	  "{\"error\":{\"message\":\"prompt too long; exceeded max context length by 1119046 tokens\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", FAILURE_CONTEXT_WINDOW },
	{ "ollama: failed", 500, NULL, "{\"error\":\"llama runner process has terminated\"}", FAILURE_TRANSIENT },
	{ "mistral: no such model", 400, NULL,
	  "{\"object\":\"error\",\"message\":\"Invalid model: x\",\"type\":\"invalid_model\",\"param\":null,"
	  "\"code\":\"1500\"}", FAILURE_NO_MODEL },
	{ "mistral: too long", 400, NULL,
	  "{\"object\":\"error\",\"message\":\"Prompt contains 40000 tokens, too large for model with 32768 "
	  "maximum context length\",\"type\":\"invalid_request_prompt\",\"code\":\"3051\"}"
	  "", FAILURE_CONTEXT_WINDOW },
	{ "mistral: key", 401, NULL, "{\"detail\":\"Invalid API Key\"}", FAILURE_CREDENTIAL },
	{ "mistral: validation", 422, NULL,
	  "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"Extra inputs\"}]},"
	  "\"type\":\"invalid_request_error\"}", FAILURE_CLIENT },
	{ "mistral: capacity", 429, NULL,
	  "{\"object\":\"error\",\"message\":\"Service tier capacity exceeded for this model.\","
	  "\"type\":\"service_tier_capacity_exceeded\",\"code\":\"3505\"}", FAILURE_RATE_LIMIT },
	{ "groq: key", 401, NULL,
	  "{\"error\":{\"message\":\"Invalid API Key\",\"type\":\"invalid_request_error\","
	  "\"code\":\"invalid_api_key\"}}", FAILURE_CREDENTIAL },
	{ "groq: no such model", 404, NULL,
	  "{\"error\":{\"message\":\"The model `x` does not exist\",\"type\":\"invalid_request_error\","
	  "\"code\":\"model_not_found\"}}", FAILURE_NO_MODEL },
	{ "groq: tokens a minute", 413, NULL,
	  "{\"error\":{\"message\":\"Request too large for model\",\"type\":\"tokens\","
	  "\"code\":\"rate_limit_exceeded\"}}", FAILURE_RATE_LIMIT },
	{ "groq: a call", 400, NULL,
	  "{\"error\":{\"message\":\"Tool call validation failed\",\"type\":\"invalid_request_error\","
	  "\"code\":\"tool_use_failed\"}}", FAILURE_CLIENT },
	{ "groq: flex", 498, NULL, "{\"error\":{\"message\":\"capacity\",\"type\":\"x\"}}", FAILURE_TRANSIENT },
	{ "deepseek: too long", 400, NULL,
	  "{\"error\":{\"message\":\"This model's maximum context length is 65536 tokens.\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", FAILURE_CONTEXT_WINDOW },
	{ "deepseek: policy", 400, NULL,
	  "{\"error\":{\"message\":\"Content Exists Risk\",\"type\":\"invalid_request_error\",\"param\":null,"
	  "\"code\":null}}", FAILURE_CONTENT_POLICY },
	{ "deepseek: no credit", 402, NULL,
	  "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\",\"param\":null,"
	  "\"code\":null}}", FAILURE_CREDENTIAL },
	{ "deepseek: key", 401, NULL,
	  "{\"error\":{\"message\":\"Authentication Fails, Your api key is invalid\","
	  "\"type\":\"authentication_error\",\"param\":null,\"code\":\"invalid_request_error\"}}"
	  "", FAILURE_CREDENTIAL },
	{ "xai: key", 400, NULL,
	  "{\"code\":\"invalid-argument\",\"error\":\"Incorrect API key provided. You can obtain one from "
	  "https://console.x.ai.\"}", FAILURE_CREDENTIAL },
	{ "xai: no such model", 400, NULL,
	  "{\"code\":\"invalid-argument\",\"error\":\"Model not found: grok-x\"}", FAILURE_NO_MODEL },
	{ "xai: too long", 400, NULL,
	  "{\"code\":\"invalid-argument\",\"error\":\"This model's maximum prompt length is 131072 but the request "
	  "contains 200000 tokens.\"}", FAILURE_CONTEXT_WINDOW },
	{ "xai: policy", 403, NULL,
	  "{\"code\":\"permission\",\"error\":\"Content violates usage guidelines.\"}", FAILURE_CONTENT_POLICY },
	{ "openrouter: too long", 400, NULL,
	  "{\"error\":{\"message\":\"This endpoint's maximum context length is 200000 tokens.\",\"code\":400}}"
	  "", FAILURE_CONTEXT_WINDOW },
	{ "openrouter: no such model", 400, NULL,
	  "{\"error\":{\"message\":\"openai/x is not a valid model ID\",\"code\":400}}", FAILURE_NO_MODEL },
	{ "openrouter: moderation", 403, NULL,
	  "{\"error\":{\"message\":\"x requires moderation. Your input was flagged for violence\",\"code\":403}}"
	  "", FAILURE_CONTENT_POLICY },
	{ "openrouter: error in a 200", 200, NULL,
	  "{\"error\":{\"message\":\"Provider returned error\",\"code\":502}}", FAILURE_TRANSIENT },
	{ "openrouter: rate limit in a 200", 200, NULL,
	  "{\"error\":{\"message\":\"Provider returned error\",\"code\":429}}", FAILURE_RATE_LIMIT },
	{ "perplexity: too long", 400, NULL,
	  "{\"error\":{\"message\":\"The total length of all messages is too long.\","
	  "\"type\":\"too_many_prompt_tokens\",\"code\":400}}", FAILURE_CONTEXT_WINDOW },
	{ "together: too long", 422, NULL,
	  "{\"error\":{\"message\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", FAILURE_CONTEXT_WINDOW },
	{ "moonshot: too long", 400, NULL,
	  "{\"error\":{\"message\":\"Invalid request: Your request exceeded model token limit: 8192\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", FAILURE_CONTEXT_WINDOW },
	{ "moonshot: policy", 400, NULL,
	  "{\"error\":{\"message\":\"The request was rejected because it was considered high risk\","
	  "\"type\":\"content_filter\",\"param\":null,\"code\":null}}", FAILURE_CONTENT_POLICY },
	{ "moonshot: overloaded", 429, NULL,
	  "{\"error\":{\"message\":\"The engine is currently overloaded, please try again later\","
	  "\"type\":\"engine_overloaded_error\",\"param\":null,\"code\":null}}", FAILURE_TRANSIENT },
	{ "moonshot: no credit", 403, NULL,
	  "{\"error\":{\"message\":\"Your account is suspended\",\"type\":\"exceeded_current_quota_error\","
	  "\"param\":null,\"code\":null}}", FAILURE_CREDENTIAL },
	{ "alibaba: policy", 400, NULL,
	  "{\"error\":{\"message\":\"Input data may contain inappropriate content.\","
	  "\"type\":\"data_inspection_failed\",\"param\":null,\"code\":\"data_inspection_failed\"}}"
	  "", FAILURE_CONTENT_POLICY },
	{ "alibaba: too long", 400, NULL,
	  "{\"error\":{\"message\":\"Range of input length should be [1, 30720]\","
	  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", FAILURE_CONTEXT_WINDOW },
	{ "zai: policy", 400, NULL,
	  "{\"error\":{\"code\":\"1301\",\"message\":\"System detected potentially unsafe or sensitive content in "
	  "input or generation.\"}}", FAILURE_CONTENT_POLICY },
	{ "zai: too long", 400, NULL,
	  "{\"error\":{\"code\":\"1261\",\"message\":\"Prompt exceeds max length\"}}", FAILURE_CONTEXT_WINDOW },
	{ "minimax: rate limit in a 200", 200, NULL,
	  "{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"}}", FAILURE_RATE_LIMIT },
	{ "minimax: policy in a 200", 200, NULL,
	  "{\"base_resp\":{\"status_code\":1026,\"status_msg\":\"input new_sensitive\"}}", FAILURE_CONTENT_POLICY },
	{ "minimax: no credit in a 200", 200, NULL,
	  "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}", FAILURE_CREDENTIAL },
	{ "voyage: no such model", 400, NULL,
	  "{\"detail\":\"Model x is not supported. Supported models are ['voyage-3'].\"}", FAILURE_NO_MODEL },
	{ "huggingface: key", 401, NULL, "{\"error\":\"Invalid username or password.\"}", FAILURE_CREDENTIAL },
	{ "llama.cpp: too long", 400, NULL,
	  "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\","
	  "\"type\":\"exceed_context_size_error\"}}", FAILURE_CONTEXT_WINDOW },
	{ "llama.cpp: no pictures", 500, NULL,
	  "{\"error\":{\"code\":500,\"message\":\"image input is not supported - hint: you may need to provide the "
	  "mmproj\",\"type\":\"server_error\"}}", FAILURE_CLIENT },
	{ "vllm: too long", 400, NULL,
	  "{\"object\":\"error\",\"message\":\"This model's maximum context length is 8192 tokens.\","
	  "\"type\":\"BadRequestError\",\"code\":400}", FAILURE_CONTEXT_WINDOW },
	{ "a proxy: no such path", 404, NULL, "<html>nginx</html>", FAILURE_NO_MODEL },
	{ "a proxy: bad gateway", 502, NULL, "<html>", FAILURE_TRANSIENT },
	{ "a proxy: late", 524, NULL, "", FAILURE_TRANSIENT },
	{ "request timeout", 408, NULL, "", FAILURE_TRANSIENT },
};

/* What the gateway itself says of a call. */
static const struct {
	const char *name;
	enum err_code code;
	bool connected, before;          /* before: the attempt could not even be made */
	enum failure_class want;
} own[] = {
	{ "refused", ERR_UPSTREAM, false, false, FAILURE_TRANSIENT },
	{ "no connection in time", ERR_UPSTREAM_TIMEOUT, false, false, FAILURE_TRANSIENT },
	{ "no answer in time", ERR_UPSTREAM_TIMEOUT, true, false, FAILURE_TRANSIENT },
	{ "cut before its first event", ERR_UPSTREAM, true, false, FAILURE_TRANSIENT },
	{ "an answer that is none", ERR_INTERNAL, true, false, FAILURE_TRANSIENT },
	{ "no credential to sign with", ERR_UPSTREAM, false, true, FAILURE_CREDENTIAL },
	{ "a refusal in a good answer", ERR_CONTENT_POLICY, true, false, FAILURE_CONTENT_POLICY },
};

static struct routes routes;

static int setup(void **state)
{
	dialect_init();
	routes_init(&routes, settings);
	return 0;
}

static int teardown(void **state)
{
	routes_fini(&routes);
	return 0;
}

/* Everybody fails in this way. */
static void follow(const char *name, const struct failure_seen *seen, enum failure_class want)
{
	const struct retry_settings *r = &routes.table.routing->retries;
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE, .now_ms = 1,
		                .max_output = -1 };
	struct plan_failed failed = { .class = failure_classify(seen), .status = seen->status, .retry_after_ms = -1 };
	struct candidate c;
	char got[256] = "";
	struct arena a;
	struct plan p;
	struct err e;
	uint32_t wait;
	size_t n = 0;

	check_str(name, str_from_z(failure_name(failed.class)), str_from_z(failure_name(want)));
	failed.retryable = failure_retryable(seen, failed.class, r);
	arena_init(&a, 1 << 16);
	check(name, plan_make(&p, &routes.table, &ask, &a, &e));
	for (bool first = true; plan_next(&p, first ? NULL : &failed, 1, &a, &c, &wait) == PLAN_TRY; first = false)
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s@%u", n ? " " : "", STR_ARG(c.model), wait);
	check_str(name, str_of(got, n), str_from_z(ways[want]));
	arena_fini(&a);
}

static void each_failure_has_its_answer(void **state)
{
	_Static_assert(COUNT_OF(rows) + COUNT_OF(own) >= 60, "the table is to be of some size");

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dialect_error error;
		struct failure_seen seen = { &error, rows[i].status, true };

		if (rows[i].type)
			bedrock_read_exception(str_from_z(rows[i].type), str_from_z(rows[i].body), &error);
		else
			dialect_read_error(rows[i].status, str_from_z(rows[i].body), NULL, 0, &error);
		follow(rows[i].name, &seen, rows[i].want);
	}
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		struct dialect_error error = { .retry_after_ms = -1, .elsewhere_only = own[i].before };
		struct failure_seen seen = { &error, 0, own[i].connected };

		err_set(&error.err, own[i].code, "x");
		follow(own[i].name, &seen, own[i].want);
	}
}

/* By the words of routing.retries.on. */
static void what_may_be_tried_again(void **state)
{
	static const struct {
		const char *name;
		int status;
		enum err_code code;
		bool connected, want;
	} cases[] = {
		{ "503 is in 5xx", 503, ERR_UPSTREAM, true, true },
		{ "429 is not there", 429, ERR_RATE_LIMIT, true, false },
		{ "nor 409", 409, ERR_CONFLICT, true, false },
		{ "408 is", 408, ERR_UPSTREAM_TIMEOUT, true, true },
		{ "no answer in time", 0, ERR_UPSTREAM_TIMEOUT, true, false },
		{ "no connection in time either", 0, ERR_UPSTREAM_TIMEOUT, false, false },
		{ "refused", 0, ERR_UPSTREAM, false, true },
		{ "cut counts as 502", 0, ERR_UPSTREAM, true, true },
		{ "a rate limit in a good answer counts as 429", 200, ERR_RATE_LIMIT, true, false },
	};
	struct routes r;

	routes_init(&r, "auth: none\nrouting: {retries: {on: [5xx, 408, connect]}}\n");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dialect_error error = { .retry_after_ms = -1 };
		struct failure_seen seen = { &error, cases[i].status, cases[i].connected };

		err_set(&error.err, cases[i].code, "x");
		check(cases[i].name, failure_retryable(&seen, failure_classify(&seen), &r.table.routing->retries) ==
		                             cases[i].want);
	}
	routes_fini(&r);
}

/* ---- recorded errors ---- */

static bool may_be(int status, enum failure_class class)
{
	switch (class) {
	case FAILURE_TRANSIENT:
		return status == 408 || status == 409 || status == 424 || status == 429 || status >= 498;
	case FAILURE_RATE_LIMIT:
		return status == 429 || status == 413;
	case FAILURE_NO_MODEL:
		return status == 404 || status == 400;
	case FAILURE_CREDENTIAL:
		return status < 404 || status == 429;
	case FAILURE_CONTENT_POLICY:
		return status == 400 || status == 403;
	case FAILURE_CONTEXT_WINDOW:
		return status == 400 || status == 413 || status == 422;
	case FAILURE_CLIENT:
		return status != 401 && status != 402 && status != 429;
	case FAILURE_NONE: case FAILURES:
		break;
	}
	return false;
}

/* Recorders of some tests answer 400 whatever the error is, or keep words that nobody would send. */
static void try_recorded(yyjson_val *record, unsigned counts[FAILURES])
{
	int status = (int)yyjson_get_sint(yyjson_obj_get(record, "status"));
	yyjson_val *body = yyjson_obj_get(record, "response_body");
	struct dialect_error error;
	struct failure_seen seen = { &error, status, true };
	enum failure_class class;

	if (status < 400 || yyjson_is_str(yyjson_obj_get(record, "response_body_encoding")))
		return;
	dialect_read_error(status, str_of(yyjson_get_str(body), yyjson_get_len(body)), NULL, 0, &error);
	class = failure_classify(&seen);
	counts[class]++;
	if (!may_be(status, class))
		fail_msg("%s: status %d is %s: %s", yyjson_get_str(yyjson_obj_get(record, "id")), status,
		         failure_name(class), yyjson_get_str(body));
	if (getenv("SHOW"))
		print_message("%s %d %s %.160s\n", failure_name(class), status,
		              yyjson_get_str(yyjson_obj_get(record, "id")), yyjson_get_str(body));
}

static void recorded_errors_have_a_class_that_fits(void **state)
{
	FILE *f = popen("cat " FOLDER "/*.jsonl.gz 2>/dev/null | gzip -dc 2>/dev/null", "r");
	unsigned counts[FAILURES] = { 0 }, all = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (f && (n = getline(&line, &room, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);

		check("a record", doc != NULL);
		try_recorded(yyjson_doc_get_root(doc), counts);
		yyjson_doc_free(doc);
		all++;
	}
	free(line);
	if (f)
		pclose(f);
	if (all == 0) {
		print_message(FOLDER " is not here: no recorded errors\n");
		return;
	}
	for (int i = FAILURE_TRANSIENT; i < FAILURES; i++)
		print_message("recorded: %u of class %s\n", counts[i], failure_name((enum failure_class)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failure_has_its_answer),
		cmocka_unit_test(what_may_be_tried_again),
		cmocka_unit_test(recorded_errors_have_a_class_that_fits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
