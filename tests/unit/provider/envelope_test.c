/* SPDX-License-Identifier: Apache-2.0 */
/* envelope: paths, bodies and header fields for each cloud, and Bedrock's streams as the events that are inside. */
#include "provider/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "dialect/stream.h"
#include "json/scan.h"
#include "lib/check.h"
#include "net/eventstream.h"
#include "net/sse.h"

#define FOLDER "../shared/corpus"
#define MAX    (4u << 20)

#define BODY "{\"model\":\"x\",\"max_tokens\":5,\"stream\":true,\"messages\":[]}"

static const struct {
	const char *name;
	enum envelope kind;
	enum dialect_call call;
	bool stream;
	const char *model, *path, *query, *forward, *body;
	const char *want_path, *want_forward, *want_body, *want_dropped; /* path NULL: refused */
} cases[] = {
	{ "Azure", ENVELOPE_AZURE, CALL_GENERATE, true, "my dep/1", "/chat/completions", "api-version=2024-10-21",
	  "x-a: 1\r\n", BODY, "/deployments/my%20dep%2F1/chat/completions?api-version=2024-10-21", "x-a: 1\r\n", BODY,
	  "" },
	{ "a plain one with a query", ENVELOPE_PLAIN, CALL_GENERATE, false, "m", "/chat/completions?a=b", "v=1", "",
	  BODY, "/chat/completions?a=b&v=1", "", BODY, "" },
	{ "Vertex", ENVELOPE_VERTEX_ANTHROPIC, CALL_GENERATE, false, "claude-opus-4-1@20250805", "/messages?beta=true",
	  "", "anthropic-version: 2023-06-01\r\nx-a: 1\r\n", "{\"model\":\"x\",\"messages\":[]}",
	  "/models/claude-opus-4-1@20250805:rawPredict", "x-a: 1\r\n",
	  "{\"anthropic_version\":\"vertex-2023-10-16\",\"messages\":[]}", "" },
	{ "Vertex, streamed, with betas", ENVELOPE_VERTEX_ANTHROPIC, CALL_GENERATE, true, "claude-x", "/messages", "",
	  "Anthropic-Beta: a-1, files-api-2025-04-14\r\nanthropic-beta: b-2,a-1\r\n", BODY,
	  "/models/claude-x:streamRawPredict", "anthropic-beta: a-1,b-2\r\n",
	  "{\"anthropic_version\":\"vertex-2023-10-16\",\"max_tokens\":5,\"stream\":true,\"messages\":[]}",
	  "files-api-2025-04-14" },
	{ "Vertex counts", ENVELOPE_VERTEX_ANTHROPIC, CALL_COUNT_TOKENS, false, "claude-x", "/messages/count_tokens",
	  "", "", "{\"model\":\"claude-x\",\"messages\":[]}", "/models/count-tokens:rawPredict", "",
	  "{\"anthropic_version\":\"vertex-2023-10-16\",\"model\":\"claude-x\",\"messages\":[]}", "" },
	{ "Bedrock", ENVELOPE_BEDROCK_INVOKE, CALL_GENERATE, false, "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
	  "/messages", "",
	  "anthropic-beta: b-2,oauth-2025-04-20\r\nx-amz-date: no\r\nX-Amzn-Trace: no\r\n"
	  "x-amzn-bedrock-trace: ENABLED\r\n",
	  "{\"messages\":[],\"model\":\"x\",\"stream\":false}",
	  "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", "x-amzn-bedrock-trace: ENABLED\r\n",
	  "{\"anthropic_version\":\"bedrock-2023-05-31\",\"anthropic_beta\":[\"b-2\"],\"messages\":[]}",
	  "oauth-2025-04-20" },
	{ "Bedrock, streamed, its own members", ENVELOPE_BEDROCK_INVOKE, CALL_GENERATE, true,
	  "arn:aws:bedrock:us-east-1:1:inference-profile/x", "/messages", "", "",
	  "{\"stream\":true,\"anthropic_version\":\"v\",\"model\":\"x\",\"anthropic_beta\":[\"c\"]}",
	  "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke-with-response-stream", "",
	  "{\"anthropic_version\":\"v\",\"anthropic_beta\":[\"c\"]}", "" },
	{ "a body with nothing else", ENVELOPE_BEDROCK_INVOKE, CALL_GENERATE, true, "m", "/messages", "", "",
	  "{ \"model\" : \"x\" , \"stream\" : true }", "/model/m/invoke-with-response-stream", "",
	  "{\"anthropic_version\":\"bedrock-2023-05-31\"}", "" },
	{ "Bedrock counts no tokens", ENVELOPE_BEDROCK_INVOKE, CALL_COUNT_TOKENS, false, "m", "/messages/count_tokens",
	  "", "", "{}", NULL, "", "", "" },
	{ "watsonx", ENVELOPE_WATSONX, CALL_GENERATE, true, "ibm/granite-3", "/chat/completions", "version=2024-05-31",
	  "", BODY, "/text/chat_stream?version=2024-05-31", "",
	  "{\"model_id\":\"ibm/granite-3\",\"project_id\":\"pr\",\"max_tokens\":5,\"messages\":[]}", "" },
	{ "watsonx, a space", ENVELOPE_WATSONX, CALL_GENERATE, false, "m", "/chat/completions", "version=v", "",
	  "{\"space_id\":\"s\",\"model\":\"m\"}", "/text/chat?version=v", "", "{\"model_id\":\"m\",\"space_id\":\"s\"}",
	  "" },
};

static void wraps_for_each_cloud(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str body = str_from_z(cases[i].body);
		/* in pieces, as an edited body comes */
		struct str pieces[] = { str_slice(body, 0, body.n / 2), str_slice(body, body.n / 2, body.n) };
		struct envelope_in in = {
			.kind = cases[i].kind,
			.dialect = DIALECT_ANTHROPIC,
			.call = cases[i].call,
			.stream = cases[i].stream,
			.aws = cases[i].kind == ENVELOPE_BEDROCK_INVOKE, .model = str_from_z(cases[i].model),
			.path = str_from_z(cases[i].path),
			.query = str_from_z(cases[i].query),
			.project = STR("pr"),
			.forward = str_from_z(cases[i].forward),
			.body = pieces,
			.n_body = 2,
		};
		struct envelope_out out;
		struct buf got = buf_make(MAX);
		struct arena a;
		struct err e;
		bool good;

		arena_init(&a, MAX);
		good = envelope_wrap(&a, &in, &out, &e);
		check(cases[i].name, good == (cases[i].want_path != NULL));
		if (!good) {
			check(cases[i].name, e.code == ERR_UNSUPPORTED_PARAMETER);
			arena_fini(&a);
			continue;
		}
		for (size_t k = 0; k < out.n_body; k++)
			buf_append(&got, out.body[k]);
		check_str(cases[i].name, out.path, str_from_z(cases[i].want_path));
		check_str(cases[i].name, out.forward, str_from_z(cases[i].want_forward));
		check_str(cases[i].name, buf_str(&got), str_from_z(cases[i].want_body));
		check_str(cases[i].name, out.dropped, str_from_z(cases[i].want_dropped));
		buf_fini(&got);
		arena_fini(&a);
	}
}

static void a_full_arena_is_an_error(void **state)
{
	struct str body = STR(BODY);
	struct envelope_in in = {
		.kind = ENVELOPE_BEDROCK_INVOKE, .model = STR("m"), .path = STR("/messages"), .body = &body, .n_body = 1
	};
	struct envelope_out out;
	struct arena a;
	struct err e;

	arena_init(&a, 8);
	assert_false(envelope_wrap(&a, &in, &out, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	arena_fini(&a);
}

/* ---- streams ---- */

static bool feed_cut(struct str bytes, size_t every, struct buf *sse, struct err *e)
{
	struct envelope_stream *s = envelope_stream_new(1 << 20);
	bool good = true;

	for (size_t at = 0; good && at < bytes.n; at += every)
		good = envelope_stream_feed(s, str_slice(bytes, at, at + every), sse, e);
	good = good && envelope_stream_whole(s);
	envelope_stream_free(s);
	return good;
}

static void append_chunk(struct buf *b, struct str json)
{
	struct buf payload = buf_make(MAX);

	buf_append(&payload, STR("{\"bytes\":\""));
	text_base64(&payload, json);
	buf_append(&payload, STR("\",\"p\":\"abc\"}"));
	assert_true(eventstream_write_event(b, STR("chunk"), buf_str(&payload)));
	buf_fini(&payload);
}

static void streams_become_events_at_any_cut(void **state)
{
	static const char want[] =
		"event: ping\ndata: {\"type\":\"ping\"}\n\n"
		"event: message_stop\ndata: {\"type\": \"message_stop\" }\n\n"
		"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
		"\"message\":\"slow \\\"down\\\"\"}}"
		"\n\n";
	struct buf b = buf_make(MAX);
	struct err e;

	append_chunk(&b, STR("{\"type\":\"ping\"}"));
	append_chunk(&b, STR("{\"type\":\n\"message_stop\"\r}"));
	assert_true(eventstream_write_event(&b, STR("newer"), STR("{}")));
	assert_true(eventstream_write_exception(&b, STR("throttlingException"),
	                                        STR("{\"message\":\"slow \\\"down\\\"\"}")));
	for (size_t every = 1; every <= b.n; every++) {
		struct buf sse = buf_make(MAX);

		assert_true(feed_cut(buf_str(&b), every, &sse, &e));
		check_str("events", buf_str(&sse), str_from_z(want));
		buf_fini(&sse);
	}
	buf_fini(&b);
}

static void broken_streams_are_errors(void **state)
{
	static const struct {
		const char *name, *payload;
	} bad[] = {
		{ "no JSON", "{" },
		{ "no bytes", "{}" },
		{ "no text", "{\"bytes\":1}" },
		{ "no base64", "{\"bytes\":\"?\"}" },
		{ "no JSON inside", "{\"bytes\":\"eA==\"}" },
		{ "no type inside", "{\"bytes\":\"e30=\"}" },
	};
	struct buf sse = buf_make(MAX);
	struct err e = { 0 };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf b = buf_make(MAX);

		assert_true(eventstream_write_event(&b, STR("chunk"), str_from_z(bad[i].payload)));
		check(bad[i].name, !feed_cut(buf_str(&b), 1000, &sse, &e) && e.code == ERR_UPSTREAM && sse.n == 0);
		buf_fini(&b);
	}
	check("no event stream", !feed_cut(STR("event: ping\ndata: {}\n\n"), 5, &sse, &e) && e.code == ERR_UPSTREAM);
	buf_fini(&sse);
}

/* ---- recorded ---- */

static unsigned streams;

static void try_stream(struct str bytes)
{
	struct stream_meter m;
	struct sse_framer f = { 0 };
	struct buf sse = buf_make(MAX), cut = buf_make(MAX);
	struct dialect_error error;
	struct arena a;
	struct err e;
	struct str rest;
	size_t end;

	arena_init(&a, MAX);
	assert_true(feed_cut(bytes, bytes.n, &sse, &e));
	assert_true(feed_cut(bytes, 3, &cut, &e));
	assert_true(str_eq(buf_str(&sse), buf_str(&cut)));
	stream_meter_init(&m, &dialect_anthropic, FRAMING_SSE, false);
	for (rest = buf_str(&sse); (end = sse_frame(&f, rest)) != SSE_PARTIAL; rest = str_slice(rest, end, rest.n)) {
		struct stream_event ev = { .bytes = str_slice(rest, 0, end), .error = &error };
		enum stream_verdict v = stream_meter_event(&m, &a, &ev);

		assert_true(v == STREAM_PASS || v == STREAM_ERROR);
	}
	assert_true(m.ended || m.failed);
	if (m.ended)
		assert_true(m.usage.source == USAGE_REPORTED && m.usage.n[USAGE_OUTPUT] > 0);
	streams++;
	buf_fini(&sse);
	buf_fini(&cut);
	arena_fini(&a);
}

static void recorded_streams_are_read(void **state)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	FILE *f = popen("gzip -dc " FOLDER "/bedrock-invoke-stream.stream.jsonl.gz", "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		yyjson_val *record = yyjson_doc_get_root(doc);
		const char *request = yyjson_get_str(yyjson_obj_get(record, "request_body"));
		struct buf bytes = buf_make(MAX);

		/* other families' models stream other events through the same call */
		if (request && strstr(request, "anthropic_version") &&
		    yyjson_obj_get(record, "response_body_encoding") &&
		    yyjson_get_int(yyjson_obj_get(record, "status")) < 300) {
			const char *body = yyjson_get_str(yyjson_obj_get(record, "response_body"));

			assert_true(text_from_base64(&bytes, str_from_z(body)));
			try_stream(buf_str(&bytes));
		}
		buf_fini(&bytes);
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
	print_message("%u recorded streams of Anthropic's models\n", streams);
	assert_true(streams > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_for_each_cloud),
		cmocka_unit_test(a_full_arena_is_an_error),
		cmocka_unit_test(streams_become_events_at_any_cut),
		cmocka_unit_test(broken_streams_are_errors),
		cmocka_unit_test(recorded_streams_are_read),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
