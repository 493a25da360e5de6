/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: each dialect's way to refuse with a good status, and what looks like it and is an answer. */
#include "lib/check.h"

#include "base/arena.h"
#include "gateway/refusal.h"

#define CHAT(message, finish) \
	"{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0," \
	"\"message\":" \
	message ",\"finish_reason\":\"" finish "\"}]}"
#define CLAUDE(content, stop) \
	"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[" content "]," \
	"\"stop_reason\":\"" stop "\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":0}}"
#define CONVERSE(content, stop) \
	"{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[" content "]}},\"stopReason\":\"" stop "\"," \
	"\"usage\":{\"inputTokens\":1,\"outputTokens\":0,\"totalTokens\":1}}"
#define RESPONSE(more) \
	"{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\"," more "}"

static const struct {
	const char *name;
	const struct dialect *dialect;
	const char *body;
	bool want;
} answers[] = {
	{ "openai: filtered", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":null,\"refusal\":null}", "content_filter"), true },
	{ "openai: filtered, and told so", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I can't.\"}", "content_filter"), true },
	{ "openai: filtered after some words", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":\"Once\"}", "content_filter"), false },
	{ "openai: the model refuses", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I can't.\"}", "stop"), true },
	{ "openai: nothing said, and no reason to doubt it", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":\"\"}", "stop"), false },
	{ "openai: a call", &dialect_openai_chat,
	  CHAT("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
	       "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}", "tool_calls"), false },
	{ "openai: one of two choices", &dialect_openai_chat,
	  "{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":"
	  "0,\"message\":"
	  "{\"role\":\"assistant\",\"content\":null},\"finish_reason\":\"content_filter\"},{\"index\":1,\"message\":"
	  "{\"role\":\"assistant\",\"content\":\"x\"},\"finish_reason\":\"stop\"}]}", false },
	{ "responses: the model refuses", &dialect_openai_responses,
	  RESPONSE("\"status\":\"completed\",\"output\":[{\"id\":\"m_1\",\"type\":\"message\",\"role\":\"assistant\","
	           "\"status\":\"completed\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]}]"), true },
	{ "responses: filtered", &dialect_openai_responses,
	  RESPONSE("\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"},"
	  "\"output\":[]"), true },
	{ "anthropic: refusal", &dialect_anthropic, CLAUDE("", "refusal"), true },
	{ "anthropic: refusal after some words", &dialect_anthropic,
	  CLAUDE("{\"type\":\"text\",\"text\":\"Hi\"}", "refusal"), false },
	{ "anthropic: an answer", &dialect_anthropic, CLAUDE("{\"type\":\"text\",\"text\":"
	  "\"Hi\"}", "end_turn"), false },
	{ "gemini: the prompt is blocked", &dialect_gemini,
	  "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMetadata\":{"
	  "\"promptTokenCount\":1}}", true },
	{ "gemini: the answer is blocked", &dialect_gemini,
	  "{\"candidates\":[{\"finishReason\":\"SAFETY\",\"index\":0}]}", true },
	{ "gemini: blocked after some words", &dialect_gemini,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Once\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"SAFETY\"}]}",
	  false },
	{ "bedrock: the guardrail's own words", &dialect_bedrock,
	  CONVERSE("{\"text\":\"Blocked by guardrail.\"}", "guardrail_intervened"), true },
	{ "bedrock: filtered", &dialect_bedrock, CONVERSE("", "content_filtered"), true },
	{ "bedrock: an answer", &dialect_bedrock, CONVERSE("{\"text\":\"Hi\"}", "end_turn"), false },
	{ "cohere: toxic", &dialect_cohere,
	  "{\"id\":\"1\",\"finish_reason\":\"ERROR_TOXIC\",\"message\":{\"role\":\"assistant\",\"content\":[]}"
	  "}", true },
	{ "no JSON", &dialect_openai_chat, "{", false },
};

static void answers_that_refuse_are_known(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		check(answers[i].name, refusal_of_answer(answers[i].dialect->chat, &a, str_from_z(answers[i].body)) ==
		                               answers[i].want);
	arena_fini(&a);
}

#define CHUNK(delta, finish) \
	"data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{" \
	  "\"index\":0," \
	"\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define ROLE CHUNK("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null")
#define DONE "data: [DONE]\n\n"
#define MESSAGE_START \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":" \
	  "\"message\",\"role\":" \
	"\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":1," \
	  "\"output_tokens\":1}}}\n\n"
#define BLOCK(text) \
	"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{" \
	  "\"type\":\"text\"," \
	"\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0," \
	  "\"delta\":{\"type\":" \
	"\"text_delta\",\"text\":\"" text "\"}}\n\n"
#define REFUSES \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"," \
	  "\"stop_sequence\":" \
	"null},\"usage\":{\"output_tokens\":1}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

static const struct {
	const char *name;
	const struct dialect *dialect;
	enum dialect_framing framing;
	const char *bytes;
	enum refusal want;
	bool last;
} streams[] = {
	{ "nothing yet", &dialect_openai_chat, FRAMING_SSE, "", REFUSAL_OPEN, false },
	{ "openai: a role", &dialect_openai_chat, FRAMING_SSE, ROLE, REFUSAL_OPEN, false },
	{ "openai: filtered", &dialect_openai_chat, FRAMING_SSE, ROLE CHUNK("{"
	  "}", "\"content_filter\"") DONE, REFUSAL_YES, false },
	{ "openai: words", &dialect_openai_chat, FRAMING_SSE, ROLE CHUNK("{\"content\":"
	  "\"Hi\"}", "null"), REFUSAL_NO, false },
	{ "openai: words of refusal", &dialect_openai_chat, FRAMING_SSE, ROLE CHUNK("{\"refusal\":\"I\"}", "null"),
	  REFUSAL_OPEN, false },
	{ "openai: the model has refused", &dialect_openai_chat, FRAMING_SSE,
	  ROLE CHUNK("{\"refusal\":\"I\"}", "null") CHUNK("{}", "\"stop\"") DONE, REFUSAL_YES, false },
	{ "openai: nothing said", &dialect_openai_chat, FRAMING_SSE, ROLE CHUNK("{"
	  "}", "\"stop\"") DONE, REFUSAL_NO, false },
	{ "anthropic: begun", &dialect_anthropic, FRAMING_SSE, MESSAGE_START, REFUSAL_OPEN, false },
	{ "anthropic: refused", &dialect_anthropic, FRAMING_SSE, MESSAGE_START REFUSES, REFUSAL_YES, false },
	{ "anthropic: words "
	  "first", &dialect_anthropic, FRAMING_SSE, MESSAGE_START BLOCK("Hi") REFUSES, REFUSAL_NO, false },
	{ "gemini: blocked", &dialect_gemini, FRAMING_SSE, "data: {\"promptFeedback\":{\"blockReason\":"
	  "\"SAFETY\"}}\n\n",
	  REFUSAL_YES, true },
	{ "gemini: blocked, in an array", &dialect_gemini, FRAMING_JSON_ARRAY,
	  "[{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n]", REFUSAL_YES, true },
	{ "gemini: words", &dialect_gemini, FRAMING_SSE,
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}],\"role\":\"model\"}}]}"
	  "\n\n", REFUSAL_NO, false },
	{ "ollama: words", &dialect_ollama, FRAMING_LINES,
	  "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":false}"
	  "\n", REFUSAL_NO, false },
	{ "broken", &dialect_openai_chat, FRAMING_SSE, "data: {\n\n", REFUSAL_NO, false },
};

static void beginnings_of_streams_are_judged(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(streams); i++) {
		enum refusal got = refusal_of_stream(streams[i].dialect, streams[i].framing, &a,
		                                     str_from_z(streams[i].bytes), streams[i].last);

		check(streams[i].name, got == streams[i].want);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_that_refuse_are_known),
		cmocka_unit_test(beginnings_of_streams_are_judged),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
