/* SPDX-License-Identifier: Apache-2.0 */
/* streams: usage, ends, errors and what becomes of each event, in every dialect; framing of JSON arrays; last events.
 *  */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/stream.h"
#include "json/scan.h"

#define CHAT &dialect_openai_chat
#define COMP &dialect_openai_completions
#define RESP &dialect_openai_responses
#define ANT  &dialect_anthropic
#define GEM  &dialect_gemini

/* One event, what becomes of it (P pass, D drop, E error, or the edited bytes) and what is known afterwards. */
struct step {
	const char *bytes, *fate;
};

struct stream_case {
	const char *name;
	const struct dialect *dialect;
	enum dialect_framing framing;
	bool ours;
	struct step steps[8];
	uint32_t input, cache_read, write_5m, write_1h, output, reasoning;
	enum usage_source source;
	enum stream_end clean_end, dirty_end;
};

#define HELLO \
	"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi \\\"usage\\\":{}, \\\"error\\\":1\"}," \
	"\"finish_reason\":null}]"
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]"
#define USE12 "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}"

static const struct stream_case cases[] = {
	{ "chat, the client asked for usage", CHAT, FRAMING_SSE, false,
	  { { HELLO ",\"usage\":null}\n\n", "P" }, { STOP ",\"usage\":null}\n\n", "P" },
	    { "data: {\"choices\":[]," USE12 "}\n\n", "P" }, { "data: [DONE]\n\n", "P" } },
	  10, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "chat, only we asked for usage", CHAT, FRAMING_SSE, true,
	  { { HELLO ",\"usage\":null}\n\n", HELLO "}\n\n" },
	    { HELLO ",\"usage\":null,\"obfuscation\":\"x{\"}\n\n", HELLO ",\"obfuscation\":\"x{\"}\n\n" },
	    { "data: {\"usage\":null,\"choices\":[{\"delta\":{}}]}\r\n\r\n",
	      "data: {\"choices\":[{\"delta\":{}}]}\r\n\r\n" },
	    { "data: { \"choices\":[{\"delta\":{},\"usage\":null}] }\n\n", "P" },
	    { STOP " , \"usage\" : null }\n\n", STOP "  }\n\n" },
	    { "data: {\"choices\":[ ]," USE12 "}\n\n", "D" }, { "data: [DONE]\n\n", "P" } },
	  10, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "chat, usage in the last chunk with text is not only ours", CHAT, FRAMING_SSE, true,
	  { { HELLO "}\n\n", "P" }, { STOP "," USE12 "}\n\n", "P" }, { "data: [DONE]\n\n", "P" } },
	  10, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "chat, cumulative usage is not summed", CHAT, FRAMING_SSE, false,
	  { { "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\n\n",
	    "P" },
	    { "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n",
	      "P" } },
	  10, 0, 0, 0, 5, 0, USAGE_REPORTED, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, details", CHAT, FRAMING_SSE, false,
	  { { "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"prompt_tokens_details\":{\"cached_tokens\":64,"
	      "\"cache_write_tokens\":6},\"completion_tokens\":50,"
	      "\"completion_tokens_details\":{\"reasoning_tokens\":40}}}\n\n", "P" } },
	  30, 64, 6, 0, 10, 40, USAGE_REPORTED, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, reasoning beside the completion (xAI)", CHAT, FRAMING_SSE, false,
	  { { "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":32,\"completion_tokens\":9,\"total_tokens\":135,"
	      "\"completion_tokens_details\":{\"reasoning_tokens\":94}}}\n\n", "P" } },
	  32, 0, 0, 0, 9, 94, USAGE_REPORTED, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, usage in the choice (Moonshot) and cached_tokens beside", CHAT, FRAMING_SSE, false,
	  { { "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":8,"
	    "\"completion_tokens\":3,"
	      "\"cached_tokens\":5}}]}\n\n", "P" }, { "data: [DONE]\n\n", "P" } },
	  3, 5, 0, 0, 3, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "chat, x_groq", CHAT, FRAMING_SSE, false,
	  { { "data: {\"choices\":[],\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":4,"
	    "\"completion_tokens\":1}}}\n\n", "P" } },
	  4, 0, 0, 0, 1, 0, USAGE_REPORTED, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, no DONE but a finish", CHAT, FRAMING_SSE, false,
	  { { ": OPENROUTER PROCESSING\n\n", "P" }, { HELLO "}\n\n", "P" }, { STOP "}\n\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CLEAN, STREAM_END_CUT },
	{ "chat, cut", CHAT, FRAMING_SSE, false, { { HELLO "}\n\n", "P" } }, 0, 0, 0, 0, 0, 0, USAGE_NONE,
	  STREAM_END_CUT,
	  STREAM_END_CUT },
	{ "chat, error in the middle", CHAT, FRAMING_SSE, true,
	  { { HELLO "}\n\n", "P" }, { "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n",
	    "E" },
	    { "data: [DONE]\n\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_FAILED, STREAM_END_FAILED },
	{ "chat, words that are values or nested", CHAT, FRAMING_SSE, false,
	  { { "data: {\"a\":\"usage\",\"b\":[\"error\",\"usage\" ],\"c\":{\"error\":{\"x\":1}},\"error\":null}\n\n",
	    "P" },
	    { "data: {\"d\":\"\\\"usage\",\"error\":\"\"}\n\n", "P" }, { "data: not json \"usage\":{\n\n", "B" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, what is no data of a chunk", CHAT, FRAMING_SSE, false,
	  { { "data: {\"a\":1\n\n", "B" }, { "data: {\"a\":1}}\n\n", "B" }, { "data: [1]\n\n", "B" },
	    { "data: {\"a\":\"\x01\"}\n\n", "B" },
	    { "data:\n\n", "P" }, { ": ping\n\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "messages, data that is none", &dialect_anthropic, FRAMING_SSE, false,
	  { { "event: content_block_delta\ndata: {\"a\":1\n\n", "B" },
	    { "event: content_block_delta\ndata: no\n\n", "B" },
	    { "event: content_block_delta\r\ndata: {\"a\":1}\r\n\r\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "chat, data of several lines", CHAT, FRAMING_SSE, true,
	  { { "data: {\"choices\":[{\"delta\":{}}],\ndata: \"usage\":null}\n\n", "P" },
	    { "data: {\"a\":{\ndata: \"b\":1,\"usage\":null}\ndata: }\n\n", "P" },
	    { "data: {\"choices\":[],\ndata: " USE12 "}\n\n", "D" }, { "data:[DONE]\n\n", "P" } },
	  10, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "completions", COMP, FRAMING_SSE, true,
	  { { "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}],\"usage\":null}\n\n",
	      "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}]}\n\n" },
	    { "data: {\"choices\":[]," USE12 "}\n\n", "D" } },
	  10, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CUT },
	{ "responses", RESP, FRAMING_SSE, false,
	  { { "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,"
	    "\"response\":{\"id\":\"resp_1\","
	      "\"created_at\":5,\"model\":\"m\",\"usage\":null}}\n\n", "P" },
	    { "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n",
	      "P" },
	    { "event: response.completed\ndata: {\"type\":\"response.completed\","
	      "\"response\":{\"usage\":{\"input_tokens\":9,"
	      "\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":12,"
	      "\"output_tokens_details\":{\"reasoning_tokens\":2},"
	      "\"total_tokens\":21}}}\n\n", "P" } },
	  5, 4, 0, 0, 10, 2, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "responses without event names", RESP, FRAMING_SSE, false,
	  { { "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n", "P" },
	    { "data: {\"type\":\"response.incomplete\",\"response\":{\"usage\":{\"input_tokens\":9,"
	      "\"output_tokens\":1}}}\n\n", "P" } },
	  9, 0, 0, 0, 1, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "responses, failed", RESP, FRAMING_SSE, false,
	  { { "event: response.failed\ndata: {\"type\":\"response.failed\","
	    "\"response\":{\"error\":{\"code\":\"server_error\","
	      "\"message\":\"x\"},\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n", "E" } },
	  9, 0, 0, 0, 1, 0, USAGE_REPORTED, STREAM_END_FAILED, STREAM_END_FAILED },
	{ "responses, error", RESP, FRAMING_SSE, false,
	  { { "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}\n\n",
	    "E" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_FAILED, STREAM_END_FAILED },
	{ "responses, cut", RESP, FRAMING_SSE, false,
	  { { "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "messages", ANT, FRAMING_SSE, false,
	  { { "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,"
	      "\"cache_creation_input_tokens\":9710,\"cache_read_input_tokens\":7,\"cache_creation\":{"
	      "\"ephemeral_5m_input_tokens\":9699,\"ephemeral_1h_input_tokens\":11},\"output_tokens\":1}}}\n\n", "P" },
	    { "event: ping\ndata: {\"type\": \"ping\"}\n\n", "P" },
	    { "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"usage\"}}\n\n",
	      "P" },
	    { "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},\"usage\":"
	      "{\"output_tokens\":5}}\n\n", "P" },
	    { "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
	      "\"usage\":"
	      "{\"input_tokens\":0,\"cache_creation_input_tokens\":9710,\"cache_read_input_tokens\":7,"
	      "\"output_tokens\":27,"
	      "\"output_tokens_details\":{\"thinking_tokens\":20}}}\n\n", "P" },
	    { "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "P" } },
	  3, 7, 9699, 11, 7, 20, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "messages, writes without a lifetime", ANT, FRAMING_SSE, false,
	  { { "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,"
	      "\"cache_creation_input_tokens\":50,\"output_tokens\":1}}}\n\n", "P" } },
	  3, 0, 50, 0, 1, 0, USAGE_REPORTED, STREAM_END_CUT, STREAM_END_CUT },
	{ "messages, overloaded at once", ANT, FRAMING_SSE, false,
	  { { "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	    "\"message\":\"Overloaded\"}}\n\n", "E" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_FAILED, STREAM_END_FAILED },
	{ "messages, cut before the stop", ANT, FRAMING_SSE, false,
	  { { "event: content_block_start\ndata: {}\n\n", "P" } }, 0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT,
	    STREAM_END_CUT },
	{ "gemini", GEM, FRAMING_SSE, false,
	  { { "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}],"
	    "\"usageMetadata\":{\"promptTokenCount\":423,"
	      "\"thoughtsTokenCount\":65}}\r\n\r\n", "P" },
	    { "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"args\":{\"usageMetadata\":"
	      "{\"promptTokenCount\":1}}}}"
	      "]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":423,"
	      "\"cachedContentTokenCount\":23,"
	      "\"candidatesTokenCount\":40,\"thoughtsTokenCount\":88}}\r\n\r\n", "P" } },
	  400, 23, 0, 0, 40, 88, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CUT },
	{ "gemini, blocked", GEM, FRAMING_SSE, false,
	  { { "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":4}}\n\n",
	    "P" } },
	  4, 0, 0, 0, 0, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CUT },
	{ "gemini, a finish that is only an argument", GEM, FRAMING_SSE, false,
	  { { "data: {\"candidates\":[{\"content\":{\"finishReason\":\"STOP\"}}]}\n\n", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "gemini, error", GEM, FRAMING_SSE, false,
	  { { "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\n\n", "E" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_FAILED, STREAM_END_FAILED },
	{ "gemini, array", GEM, FRAMING_JSON_ARRAY, false,
	  { { "[{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1}}", "P" },
	    { ",\r\n{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1,"
	      "\"candidatesTokenCount\":2,\"toolUsePromptTokenCount\":7}}", "P" }, { "\n]", "P" }, { "\n", "P" } },
	  1, 0, 0, 0, 2, 0, USAGE_REPORTED, STREAM_END_CLEAN, STREAM_END_CLEAN },
	{ "gemini, array finished but not closed", GEM, FRAMING_JSON_ARRAY, false,
	  { { "[{\"candidates\":[{\"finishReason\":\"STOP\"}]}", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
	{ "gemini, array cut", GEM, FRAMING_JSON_ARRAY, false, { { "[{\"candidates\":[]}", "P" } },
	  0, 0, 0, 0, 0, 0, USAGE_NONE, STREAM_END_CUT, STREAM_END_CUT },
};

static void check_fate(const struct stream_case *c, const struct step *s, const struct stream_event *ev,
                       enum stream_verdict verdict)
{
	char got[2048];
	size_t n = 0;

	switch (verdict) {
	case STREAM_PASS: got[n++] = 'P'; break;
	case STREAM_DROP: got[n++] = 'D'; break;
	case STREAM_ERROR: got[n++] = 'E'; break;
	case STREAM_BROKEN: got[n++] = 'B'; break;
	case STREAM_EDIT:
		for (int i = 0; i < 2; i++) {
			memcpy(got + n, ev->piece[i].p, ev->piece[i].n);
			n += ev->piece[i].n;
		}
		break;
	}
	if (!str_eq(str_of(got, n), str_from_z(s->fate)))
		fail_msg("%s: %s became %.*s", c->name, s->bytes, (int)n, got);
}

static void streams_are_metered(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct stream_case *c = &cases[i];
		struct stream_meter m;
		struct dialect_error error;
		struct arena arena;

		arena_init(&arena, 1 << 16);
		stream_meter_init(&m, c->dialect, c->framing, c->ours);
		for (size_t k = 0; k < COUNT_OF(c->steps) && c->steps[k].bytes; k++) {
			struct stream_event ev = { .bytes = str_from_z(c->steps[k].bytes), .error = &error };
			check_fate(c, &c->steps[k], &ev, stream_meter_event(&m, &arena, &ev));
		}
		if (m.usage.source != c->source || m.usage.n[USAGE_INPUT] != c->input
		    || m.usage.n[USAGE_CACHE_READ] != c->cache_read
		    || m.usage.n[USAGE_CACHE_WRITE_5M] != c->write_5m || m.usage.n[USAGE_CACHE_WRITE_1H] != c->write_1h
		    || m.usage.n[USAGE_OUTPUT] != c->output || m.usage.n[USAGE_REASONING] != c->reasoning)
			fail_msg("%s: source %d, %u %u %u %u, %u %u", c->name, m.usage.source, m.usage.n[USAGE_INPUT],
			         m.usage.n[USAGE_CACHE_READ], m.usage.n[USAGE_CACHE_WRITE_5M],
			         m.usage.n[USAGE_CACHE_WRITE_1H],
			         m.usage.n[USAGE_OUTPUT], m.usage.n[USAGE_REASONING]);
		if (stream_meter_end(&m, true) != c->clean_end || stream_meter_end(&m, false) != c->dirty_end)
			fail_msg("%s: ends %d, %d", c->name, stream_meter_end(&m, true), stream_meter_end(&m, false));
		arena_fini(&arena);
	}
}

static void pings_and_comments_start_nothing(void **state)
{
	static const struct { const struct dialect *dialect; const char *bytes; bool started; } rows[] = {
		{ CHAT, ": OPENROUTER PROCESSING\n\n", false }, { CHAT, "\n", false }, { CHAT, "retry: 3000\n\n",
		  false },
		{ CHAT, "data: {\"choices\":[]}\n\n", false },
		{ CHAT, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n", false },
		{ CHAT, "data: {\"choices\":[{\"delta\":{\"content\":\" \"}}]}\n\n", true },
		{ CHAT, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", true },
		{ CHAT, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n", true },
		{ CHAT, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n", true },
		{ CHAT, "data: {\"a\":1}\n\n", true },
		{ ANT, "event: ping\ndata: {\"type\": \"ping\"}\n\n",
		  false },
		{ ANT, "event: message_start\ndata: {\"type\":\"message_start\"}\n\n", false }, { ANT, ": x\n\n",
		  false },
		{ ANT, "event: content_block_start\ndata: {\"type\":\"content_block_start\"}\n\n", true },
		{ RESP, "event: response.created\ndata: {\"type\":\"response.created\"}\n\n", false },
		{ RESP, "event: response.in_progress\ndata: {\"type\":\"response.in_progress\"}\n\n", false },
		{ RESP, "data: {\"type\":\"response.in_progress\"}\n\n", false },
		{ RESP, "event: response.output_item.added\ndata: {}\n\n", true },
		{ GEM, "data: {}\n\n", true }, { GEM, ":\n\n", false }, { RESP, ": x\n\n", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stream_event ev = { .bytes = str_from_z(rows[i].bytes) };
		struct stream_meter m;
		struct arena arena;

		arena_init(&arena, 1 << 16);
		stream_meter_init(&m, rows[i].dialect, FRAMING_SSE, false);
		assert_int_equal(stream_meter_event(&m, &arena, &ev), STREAM_PASS);
		if (m.started != rows[i].started)
			fail_msg("%s", rows[i].bytes);
		arena_fini(&arena);
	}
}

/* A stream of many events takes no more memory than one of few. */
static void long_streams_stay_small(void **state)
{
	static const char *const events[] = {
		HELLO ",\"usage\":null}\n\n", "data: {\"choices\":[]," USE12 "}\n\n",
		    "data: {\"a\":1,\ndata: " USE12 "}\n\n",
	};
	struct stream_meter m;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	stream_meter_init(&m, CHAT, FRAMING_SSE, true);
	for (int i = 0; i < 30000; i++) {
		struct stream_event ev = { .bytes = str_from_z(events[i % 3]) };
		(void)stream_meter_event(&m, &arena, &ev);
	}
	assert_true(arena.used_bytes <= 4096);
	assert_int_equal(m.events, 30000);
	arena_fini(&arena);
}

static void failed_streams_end_in_the_dialects_words(void **state)
{
	static const struct {
		const char *name;
		const struct dialect *dialect;
		enum dialect_framing framing;
		const char *before, *want;
	} rows[] = {
		{ "chat", CHAT, FRAMING_SSE, NULL,
		  "data: {\"error\":{\"message\":\"gone\",\"type\":\"server_error\",\"param\":null,"
		  "\"code\":\"upstream_error\","
		  "\"request_id\":\"01\"}}\n\n" },
		{ "messages", ANT, FRAMING_SSE, NULL,
		  "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone\"},"
		  "\"request_id\":\"01\"}\n\n" },
		{ "responses, known", RESP, FRAMING_SSE,
		  "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":4,"
		  "\"response\":{\"id\":\"resp_1\","
		  "\"created_at\":5,\"model\":\"m\"}}\n\n",
		  "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":5,"
		  "\"response\":{\"id\":\"resp_1\","
		  "\"created_at\":5,\"model\":\"m\",\"object\":\"response\",\"status\":\"failed\","
		  "\"error\":{\"code\":\"server_error\","
		  "\"message\":\"gone\"},\"incomplete_details\":null,\"output\":[],\"usage\":null}}\n\n" },
		{ "responses, unknown", RESP, FRAMING_SSE, NULL,
		  "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"server_error\","
		  "\"message\":\"gone\","
		  "\"param\":null,\"request_id\":\"01\"}\n\n" },
		{ "gemini", GEM, FRAMING_SSE, NULL,
		  "data: {\"error\":{\"code\":502,\"message\":\"gone\",\"status\":\"UNAVAILABLE\","
		  "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RequestInfo\","
		  "\"requestId\":\"01\"}]}}\n\n" },
		{ "gemini array", GEM, FRAMING_JSON_ARRAY, "[{\"candidates\":[]}",
		  ",\r\n{\"error\":{\"code\":502,\"message\":\"gone\",\"status\":\"UNAVAILABLE\","
		  "\"details\":[{\"@type\":"
		  "\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":\"01\"}]}}\r\n]" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out = buf_make(4096), small = buf_make(40);
		struct stream_meter m;
		struct arena arena;
		struct err e;

		arena_init(&arena, 1 << 16);
		(void)!err_set(&e, ERR_UPSTREAM, "gone");
		e.status = 0;
		stream_meter_init(&m, rows[i].dialect, rows[i].framing, false);
		if (rows[i].before) {
			struct stream_event ev = { .bytes = str_from_z(rows[i].before) };
			assert_int_equal(stream_meter_event(&m, &arena, &ev), STREAM_PASS);
		}
		assert_true(stream_write_error(&m, &e, STR("01"), &out));
		if (!str_eq(buf_str(&out), str_from_z(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].name, (int)out.n, out.p);
		assert_false(stream_write_error(&m, &e, STR("01"), &small));
		buf_fini(&out);
		buf_fini(&small);
		arena_fini(&arena);
	}
}

/* Frames `text` given in runs of `step` bytes; returns the events joined by "|", or "bad". */
static void frame_all(const char *text, size_t step, char out[256])
{
	struct array_framer f = { 0 };
	size_t len = strlen(text), have = 0, done = 0, n = 0;
	bool bad = false;

	while (have < len) {
		have = have + step < len ? have + step : len;
		size_t k;
		while (have > done && (k = array_framer_next(&f, str_of(text + done, have - done), &bad)) > 0) {
			memcpy(out + n, text + done, k);
			n += k;
			out[n++] = '|';
			done += k;
		}
		if (bad) {
			memcpy(out, "bad", 4);
			return;
		}
	}
	out[n] = '\0';
}

static void arrays_are_framed_at_every_cut(void **state)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "[]", "[]|" },
		{ "[{}]", "[{}|]|" },
		{ "[{\"a\":[1,{}]},\n{\"b\":\"]},{\\\"\\\\\"}\n]", "[{\"a\":[1,{}]}|,\n{\"b\":\"]},{\\\"\\\\\"}|\n]|" },
		{ " [ {} , {} ] ", " [ {}| , {}| ]| |" },
		{ "[{\"a\":1}", "[{\"a\":1}|" },
		{ "{}", "bad" }, { "[,{}]", "bad" }, { "[{}{}]", "bad" }, { "[{},]", "bad" }, { "[1]", "bad" }, {
		  "[{}]x", "bad" },
		{ "[[", "bad" }, { "data: x", "bad" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			char got[256];
			frame_all(rows[i].text, step, got);
			if (strcmp(got, rows[i].want) != 0)
				fail_msg("%s in steps of %zu: %s", rows[i].text, step, got);
		}
}

static int setup(void **state)
{
	dialect_init();
	return 0;
}

/* Members are found wherever they stand in the chunk, relative to the blocks of vectors and to its end. The copy ends
 * where its memory ends, so that the sanitizer sees each byte read too far. */
static void try_chunk(const char *member, int before, int after, bool finished, enum stream_verdict want)
{
	struct buf b = buf_make(4096);
	struct stream_meter m;
	struct arena arena;

	buf_append(&b, STR("data: {\"i\":\""));
	for (int n = 0; n < before; n++)
		buf_append_c(&b, 'f');
	buf_printf(&b, "\",%s,\"o\":\"", member);
	for (int n = 0; n < after; n++)
		buf_append_c(&b, 'u');
	buf_append(&b, STR("\"}\n\n"));
	char *copy = malloc(b.n);
	memcpy(copy, b.p, b.n);
	struct stream_event ev = { .bytes = str_of(copy, b.n) };
	arena_init(&arena, 1 << 20);
	stream_meter_init(&m, &dialect_openai_chat, FRAMING_SSE, true);
	enum stream_verdict got = stream_meter_event(&m, &arena, &ev);
	if (m.finished != finished || got != want)
		fail_msg("%s: %d before, %d after: finished %d, verdict %d", member, before, after, m.finished, got);
	arena_fini(&arena);
	free(copy);
	buf_fini(&b);
}

static void members_are_found_at_each_place(void **state)
{
	static const struct { const char *member; bool finished; enum stream_verdict want; } rows[] = {
		{ "\"choices\":[{\"finish_reason\":\"stop\"}]", true, STREAM_PASS },
		{ "\"choices\" : [ { \"index\": 0, \"finish_reason\" : \"stop\" } ]", true, STREAM_PASS },
		{ "\"choices\":[{\"finish_reason\":\"stop\"},{\"finish_reason\":null}]", true, STREAM_PASS },
		{ "\"choices\":[{\"finish_reason\":null},{\"finish_reason\":\"stop\"}]", true, STREAM_PASS },
		{ "\"choices\":[{\"finish_reason\":null}]", false, STREAM_PASS },
		{ "\"choices\":[{\"delta\":{\"finish_reason\":\"stop\"}}]", false, STREAM_PASS },
		{ "\"choices\":[{\"x\":\"\\\"finish_reason\\\":\\\"stop\\\"\"}]", false, STREAM_PASS },
		{ "\"usage\":null", false, STREAM_EDIT },
		{ "\"choices\":[ ],\"usage\":{\"total_tokens\":1}", false, STREAM_DROP },
		{ "\"choices\":[1],\"usage\":{\"total_tokens\":1}", false, STREAM_PASS },
		{ "\"error\":{}", false, STREAM_ERROR },
		{ "\"error\":", false, STREAM_BROKEN },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int before = 0; before < 80; before++)
			for (int after = 0; after < 70; after += 1 + after / 8)
				try_chunk(rows[i].member, before, after, rows[i].finished, rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_at_each_place),
		cmocka_unit_test(streams_are_metered),
		cmocka_unit_test(pings_and_comments_start_nothing),
		cmocka_unit_test(long_streams_stay_small),
		cmocka_unit_test(failed_streams_end_in_the_dialects_words),
		cmocka_unit_test(arrays_are_framed_at_every_cut),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
