/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock: model and call in the path, usage of answers and streams, exceptions, and errors to its clients. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/stream.h"
#include "net/eventstream.h"

static void requests_are_read(void **state)
{
	static const struct {
		const char *path, *body;
		enum dialect_call call;
		bool stream;
		const char *model; /* NULL: refused, and the text of `error` is part of why */
		int64_t max_output;
		const char *upstream; /* for the model "a b:0" */
		const char *error;
	} rows[] = {
		{ "/model/amazon.nova-lite-v1%3A0/converse", "{\"messages\":[]}", CALL_GENERATE, false,
		  "amazon.nova-lite-v1:0", -1, "/model/a%20b%3A0/converse", NULL },
		{ "/model/x/converse-stream", "{\"inferenceConfig\":{\"maxTokens\":7}}", CALL_GENERATE, true, "x", 7,
		  "/model/a%20b%3A0/converse-stream", NULL },
		{ "/model/arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x/converse", "{}", CALL_GENERATE, false,
		  "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x", -1, "/model/a%20b%3A0/converse", NULL },
		{ "/model/arn%3Aaws%3Abedrock%2Fx/converse", "{\"inferenceConfig\":{\"maxTokens\":-7}}", CALL_GENERATE,
		  false, "arn:aws:bedrock/x", -1, "/model/a%20b%3A0/converse", NULL },
		{ "/model/x/count-tokens", "{\"input\":{\"converse\":{}}}", CALL_COUNT_TOKENS, false, "x", -1,
		  "/model/a%20b%3A0/count-tokens", NULL },
		{ "/model/x/count-tokens", "{\"messages\":[]}", 0, false, NULL, 0, NULL, "input: must be an object" },
		{ "/model/x/async-invoke", "{}", 0, false, NULL, 0, NULL, "\"async-invoke\" is not known" },
		{ "/model/converse", "{}", 0, false, NULL, 0, NULL, "the path must be" },
		{ "/model//converse", "{}", 0, false, NULL, 0, NULL, "1 to 512 bytes" },
		{ "/model/a%2F..%2Fb/converse", "{}", 0, false, NULL, 0, NULL, "without . or .." },
		{ "/model/x/converse", "[]", 0, false, NULL, 0, NULL, "must be a JSON object" },
		{ "/model/x/converse", "{\"a\":}", 0, false, NULL, 0, NULL, "not valid JSON" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dialect_in in = { .path = str_from_z(rows[i].path), .body = str_from_z(rows[i].body) };
		struct dialect_request rq;
		struct arena a;
		struct err e;

		arena_init(&a, 1 << 16);
		if (!rows[i].model) {
			assert_false(dialect_bedrock.read_request(&a, &in, &rq, &e));
			if (!strstr(e.text, rows[i].error))
				fail_msg("%s: %s", rows[i].path, e.text);
		} else {
			assert_true(dialect_bedrock.read_request(&a, &in, &rq, &e));
			assert_true(str_eq(rq.model, str_from_z(rows[i].model)));
			assert_int_equal(rq.call, rows[i].call);
			assert_int_equal(rq.stream, rows[i].stream);
			assert_int_equal(rq.framing, rows[i].stream ? FRAMING_EVENTSTREAM : FRAMING_WHOLE);
			assert_int_equal(rq.max_output, rows[i].max_output);
			struct str path = dialect_bedrock.upstream_path(&a, &rq, STR("a b:0"));
			assert_true(str_eq(path, str_from_z(rows[i].upstream)));
		}
		arena_fini(&a);
	}
}

static void answers_are_metered(void **state)
{
	static const struct {
		const char *body;
		enum dialect_answer want;
		enum usage_source source;
		uint32_t in, read, w5, w1, out;
	} rows[] = {
		{ "{\"output\":{\"message\":{}},\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":10,"
		  "\"outputTokens\":5,\"totalTokens\":15},\"metrics\":{\"latencyMs\":1}}",
		  ANSWER_OK, USAGE_REPORTED, 10, 0, 0, 0, 5 },
		{ "{\"output\":{},\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"cacheReadInputTokens\":100,"
		  "\"cacheWriteInputTokens\":70,\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":50},"
		  "{\"ttl\":\"5m\",\"inputTokens\":20}]}}",
		  ANSWER_OK, USAGE_REPORTED, 10, 100, 20, 50, 5 },
		{ "{\"output\":{}}", ANSWER_OK, USAGE_NONE, 0, 0, 0, 0, 0 },
		{ "{\"error\":\"no\",\"name\":\"ValidationException\"}", ANSWER_ERROR, USAGE_NONE, 0, 0, 0, 0, 0 },
		{ "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}", ANSWER_ERROR, USAGE_NONE, 0, 0,
		  0, 0, 0 },
		{ "[]", ANSWER_BROKEN, USAGE_NONE, 0, 0, 0, 0, 0 },
		{ "{\"output\":{}", ANSWER_BROKEN, USAGE_NONE, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dialect_error error;
		struct usage u;
		struct arena a;

		arena_init(&a, 1 << 16);
		assert_int_equal(dialect_bedrock.read_answer(&a, CALL_GENERATE, str_from_z(rows[i].body), &u, &error),
		                 rows[i].want);
		assert_int_equal(u.source, rows[i].source);
		assert_int_equal(u.n[USAGE_INPUT], rows[i].in);
		assert_int_equal(u.n[USAGE_CACHE_READ], rows[i].read);
		assert_int_equal(u.n[USAGE_CACHE_WRITE_5M], rows[i].w5);
		assert_int_equal(u.n[USAGE_CACHE_WRITE_1H], rows[i].w1);
		assert_int_equal(u.n[USAGE_OUTPUT], rows[i].out);
		arena_fini(&a);
	}
}

static enum stream_verdict meter(struct stream_meter *m, const char *type, const char *json, bool exception,
                                 struct dialect_error *error)
{
	struct buf message = buf_make(4096);
	enum stream_verdict v;
	struct arena a;

	arena_init(&a, 1 << 16);
	assert_true(exception ? eventstream_write_exception(&message, str_from_z(type), str_from_z(json))
	                      : eventstream_write_event(&message, str_from_z(type), str_from_z(json)));
	struct stream_event ev = { .bytes = buf_str(&message), .error = error };
	v = stream_meter_event(m, &a, &ev);
	buf_fini(&message);
	arena_fini(&a);
	return v;
}

static void streams_are_metered(void **state)
{
	struct dialect_error error;
	struct stream_meter m;

	stream_meter_init(&m, &dialect_bedrock, FRAMING_EVENTSTREAM, false);
	assert_int_equal(meter(&m, "messageStart", "{\"role\":\"assistant\",\"p\":\"abc\"}", false, &error),
	                 STREAM_PASS);
	assert_false(m.started); /* it says nothing yet */
	assert_int_equal(meter(&m, "contentBlockDelta", "{\"delta\":{\"text\":\"a\"}}", false, &error), STREAM_PASS);
	assert_true(m.started);
	assert_int_equal(stream_meter_end(&m, true), STREAM_END_CUT);
	assert_int_equal(meter(&m, "messageStop", "{\"stopReason\":\"end_turn\"}", false, &error), STREAM_PASS);
	assert_false(m.ended);
	assert_int_equal(stream_meter_end(&m, true), STREAM_END_CLEAN);
	assert_int_equal(stream_meter_end(&m, false), STREAM_END_CUT);
	assert_int_equal(meter(&m, "metadata", "{\"usage\":{\"inputTokens\":3,\"outputTokens\":4}}", false, &error),
	                 STREAM_PASS);
	assert_true(m.ended);
	assert_int_equal(m.usage.n[USAGE_INPUT], 3);
	assert_int_equal(m.usage.n[USAGE_OUTPUT], 4);

	static const struct {
		const char *type;
		enum err_code code;
	} exceptions[] = {
		{ "throttlingException", ERR_RATE_LIMIT },         { "validationException", ERR_INVALID_REQUEST },
		{ "modelStreamErrorException", ERR_UPSTREAM },     { "unheardOfException", ERR_UPSTREAM },
		{ "modelTimeoutException", ERR_UPSTREAM_TIMEOUT },
	};
	for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
		stream_meter_init(&m, &dialect_bedrock, FRAMING_EVENTSTREAM, false);
		assert_int_equal(meter(&m, exceptions[i].type, "{\"message\":\"no\"}", true, &error), STREAM_ERROR);
		assert_int_equal(error.err.code, exceptions[i].code);
		assert_string_equal(error.type, exceptions[i].type);
		assert_int_equal(stream_meter_end(&m, true), STREAM_END_FAILED);
	}
	stream_meter_init(&m, &dialect_bedrock, FRAMING_EVENTSTREAM, false);
	assert_int_equal(meter(&m, "metadata", "nothing", false, &error), STREAM_BROKEN);
	struct stream_event junk = { .bytes = STR("data: no message of this kind\n\n") };
	assert_int_equal(stream_meter_event(&m, NULL, &junk), STREAM_BROKEN);
}

static void errors_have_their_type_in_the_head(void **state)
{
	struct buf out = buf_make(4096);
	struct str value;
	struct err e;
	struct stream_meter m;
	struct eventstream_message msg;

	(void)!err_set(&e, ERR_MODEL_NOT_FOUND, "no \"k\"");
	assert_true(dialect_write_error(&dialect_bedrock, &e, NULL, STR("01"), &out));
	assert_true(str_eq(buf_str(&out), STR("{\"message\":\"no \\\"k\\\"\"}")));
	assert_true(str_eq(dialect_error_field(&dialect_bedrock, &e, &value), STR("x-amzn-errortype")));
	assert_true(str_eq(value, STR("ResourceNotFoundException")));
	assert_int_equal(dialect_error_field(&dialect_anthropic, &e, &value).n, 0);

	buf_clear(&out);
	(void)!err_set(&e, ERR_RATE_LIMIT, "slower");
	stream_meter_init(&m, &dialect_bedrock, FRAMING_EVENTSTREAM, false);
	assert_true(stream_write_error(&m, &e, STR("01"), &out));
	assert_true(eventstream_read(buf_str(&out), &msg));
	assert_true(str_eq(msg.message_type, STR("exception")));
	assert_true(str_eq(msg.exception_type, STR("throttlingException")));
	assert_true(str_eq(msg.payload, STR("{\"message\":\"slower\"}")));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(answers_are_metered),
		cmocka_unit_test(streams_are_metered),
		cmocka_unit_test(errors_have_their_type_in_the_head),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
