/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: each dialect's way to refuse with a good status, and what looks like it and is an answer. */
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/arena.h"
#include "gateway/refusal.h"

#define FOLDER "../shared/corpus"

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
	{ "bedrock: the guardrail masked an answer", &dialect_bedrock,
	  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"In {ADDRESS}.\"}]}},"
	  "\"stopReason\":"
	  "\"guardrail_intervened\",\"usage\":{\"inputTokens\":1,\"outputTokens\":7,\"totalTokens\":8}}", false },
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

/* ---- recorded answers ---- */

/* A recorded answer that refuses says so in one of these words; all others are answers. */
static bool has_the_words(struct str body)
{
	static const struct str words[] = {
		STR_INIT("content_filter"), STR_INIT("refusal"), STR_INIT("blockReason"), STR_INIT("SAFETY"),
		STR_INIT("RECITATION"), STR_INIT("PROHIBITED"), STR_INIT("guardrail_intervened"),
		STR_INIT("TOXIC"), STR_INIT("MODEL_ARMOR"),
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_find(body, words[i]) != STR_NPOS)
			return true;
	return false;
}

struct counts { unsigned all, refusals; };

static void try_recorded(const struct dialect *d, bool stream, yyjson_val *record, struct counts *counts)
{
	yyjson_val *text = yyjson_obj_get(record, "response_body");
	struct str body = str_of(yyjson_get_str(text), yyjson_get_len(text));
	const char *id = yyjson_get_str(yyjson_obj_get(record, "id"));
	struct arena a;
	bool refuses;

	if (yyjson_get_sint(yyjson_obj_get(record, "status")) != 200 || body.n == 0 ||
	    yyjson_is_str(yyjson_obj_get(record, "response_body_encoding")))
		return;
	arena_init(&a, 64 << 20);
	refuses = stream ? refusal_of_stream(d, FRAMING_SSE, &a, body, true) == REFUSAL_YES
	                 : refusal_of_answer(d->chat, &a, body);
	arena_fini(&a);
	counts->all++;
	counts->refusals += refuses;
	if (refuses && !has_the_words(body))
		fail_msg("%s refuses: %.300s", id, body.p);
	if (refuses && getenv("SHOW"))
		print_message("%s: %.400s\n", id, body.p);
}

static void only_refusals_are_found_among_recorded_answers(void **state)
{
	static const struct { const char *file; const struct dialect *dialect; bool stream; } files[] = {
		{ "openai-chat.unary", &dialect_openai_chat, false },
		{ "openai-chat.stream", &dialect_openai_chat, true },
		{ "openrouter-chat.unary", &dialect_openai_chat, false },
		{ "openrouter-chat.stream", &dialect_openai_chat, true },
		{ "azure-openai-chat.unary", &dialect_openai_chat, false },
		{ "azure-openai-chat.stream", &dialect_openai_chat, true },
		{ "openai-responses.unary", &dialect_openai_responses, false },
		{ "openai-responses.stream", &dialect_openai_responses, true },
		{ "anthropic-messages.unary", &dialect_anthropic, false },
		{ "anthropic-messages.stream", &dialect_anthropic, true },
		{ "gemini-generate.unary", &dialect_gemini, false },
		{ "gemini-generate.stream", &dialect_gemini, true },
		{ "vertex-gemini-generate.unary", &dialect_gemini, false },
		{ "vertex-gemini-generate.stream", &dialect_gemini, true },
		{ "bedrock-converse.unary", &dialect_bedrock, false },
		{ "cohere-chat.unary", &dialect_cohere, false },
	};
	struct counts counts = { 0 };

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char command[128];
		char *line = NULL;
		size_t room = 0;
		ssize_t n;
		FILE *f;

		snprintf(command, sizeof command, "gzip -dc " FOLDER "/%s.jsonl.gz 2>/dev/null", files[i].file);
		f = popen(command, "r");
		while (f && (n = getline(&line, &room, f)) > 0) {
			yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);

			check(files[i].file, doc != NULL);
			try_recorded(files[i].dialect, files[i].stream, yyjson_doc_get_root(doc), &counts);
			yyjson_doc_free(doc);
		}
		free(line);
		if (f)
			pclose(f);
	}
	if (counts.all == 0) {
		print_message(FOLDER " is not here: no recorded answers\n");
		return;
	}
	print_message("recorded: %u answers, %u of them refusals\n", counts.all, counts.refusals);
	check("some are", counts.refusals >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_that_refuse_are_known),
		cmocka_unit_test(beginnings_of_streams_are_judged),
		cmocka_unit_test(only_refusals_are_found_among_recorded_answers),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
