/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bedrock: Amazon Bedrock's Converse, ConverseStream and CountTokens. Model and call are in the path. A stream is a
 * sequence of binary messages (net/eventstream.h); usage comes last, in `metadata`, behind messageStop.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/text.h"
#include "dialect/bedrock.h"
#include "dialect/chat.h"
#include "dialect/dialect_in.h"
#include "net/eventstream.h"

enum { REQ_MAX, REQ_INPUT, REQ_PATHS };
static const char *const request_paths[REQ_PATHS] = { "inferenceConfig.maxTokens", "input" };
static struct json_plan request_plan;

/* Of answers, and of the metadata event. */
enum { ANS_OUTPUT, ANS_USAGE, ANS_DETAILS, ANS_ERROR, ANS_TYPE, ANS_TIER, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = {
	"output",
	"usage",
	"usage.cacheDetails",
	"error",  /* recorded with status 200: {"error": text, "name": "ValidationException"} */
	"__type", /* AWS's front: {"__type": "UnknownOperationException"} */
	"serviceTier.type",
};
enum { USE_INPUT, USE_OUTPUT, USE_READ, USE_WRITE, USE_NUMBERS };
static const char *const usage_numbers[USE_NUMBERS] = {
	"usage.inputTokens",
	"usage.outputTokens",
	"usage.cacheReadInputTokens",
	"usage.cacheWriteInputTokens",
};
static struct json_plan answer_plan;

enum { DETAIL_TTL, DETAIL_TOKENS, DETAIL_PATHS };
static const char *const detail_paths[DETAIL_PATHS] = { "ttl", "inputTokens" };
static struct json_plan detail_plan;

static const struct {
	struct str name;
	enum dialect_call call;
	bool stream;
} actions[] = {
	{ STR_INIT("converse"), CALL_GENERATE, false },
	{ STR_INIT("converse-stream"), CALL_GENERATE, true },
	{ STR_INIT("count-tokens"), CALL_COUNT_TOKENS, false },
};

/* What is written for an hour costs more than what is written for five minutes. */
static int64_t read_hour(struct str list)
{
	struct str rest = list, item;
	struct json_hit hit[DETAIL_PATHS];
	struct json_fault fault;
	int64_t sum = 0;

	while (array_next(&rest, &item))
		if (json_scan(&detail_plan, item, ANSWER_DEPTH_MAX, hit, &fault) &&
		    json_is_str(hit[DETAIL_TTL].value, STR("1h"))) {
			int64_t n = hit_number(&hit[DETAIL_TOKENS], 0);

			if (n > 0 && n <= (int64_t)USAGE_COUNTER_MAX && sum <= (int64_t)USAGE_COUNTER_MAX)
				sum += n;
		}
	return sum;
}

/* The counters of the cache stand beside inputTokens; what is written is told again, by lifetime. */
static void read_usage(const struct json_hit hit[ANS_PATHS], const int64_t number[USE_NUMBERS], struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };
	static const struct {
		uint8_t number, counter;
	} plain[] = {
		{ USE_INPUT, USAGE_INPUT },
		{ USE_OUTPUT, USAGE_OUTPUT },
		{ USE_READ, USAGE_CACHE_READ },
		{ USE_WRITE, USAGE_CACHE_WRITE_5M },
	};

	if (hit[ANS_USAGE].type != JSON_OBJECT)
		return;
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if (number[plain[i].number] != JSON_NO_NUMBER)
			usage_set(&u, (enum usage_counter)plain[i].counter, number[plain[i].number]);
	if (hit[ANS_DETAILS].type == JSON_ARRAY)
		usage_split(&u, USAGE_CACHE_WRITE_5M, USAGE_CACHE_WRITE_1H, read_hour(hit[ANS_DETAILS].value));
	struct jstr tier = jstr_of_raw(hit[ANS_TIER].type == JSON_STRING ? hit[ANS_TIER].value : STR(""));
	u.service = (uint8_t)usage_service_of(jstr_raw(tier));
	*out = u;
}

bool bedrock_usage_read(struct str metadata, struct usage *out)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[USE_NUMBERS];
	struct json_fault fault;

	if (!json_scan_numbers(&answer_plan, metadata, ANSWER_DEPTH_MAX, hit, number, &fault))
		return false;
	read_usage(hit, number, out);
	return true;
}

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[USE_NUMBERS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, number, &fault) || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (hit[ANS_OUTPUT].type != JSON_OBJECT && (hit_is_error(&hit[ANS_ERROR]) || hit[ANS_TYPE].type == JSON_STRING))
		return answer_error(body, error);
	if (call != CALL_COUNT_TOKENS)
		read_usage(hit, number, usage);
	return ANSWER_OK;
}

/* The status that the same exception has outside of a stream (API reference of ConverseStream). */
static const struct {
	struct str name;
	int status;
} exceptions[] = {
	{ STR_INIT("throttlingException"), 429 },         { STR_INIT("validationException"), 400 },
	{ STR_INIT("serviceUnavailableException"), 503 }, { STR_INIT("internalServerException"), 500 },
	{ STR_INIT("modelStreamErrorException"), 424 },   { STR_INIT("modelTimeoutException"), 408 },
	{ STR_INIT("accessDeniedException"), 403 },       { STR_INIT("resourceNotFoundException"), 404 },
};

void bedrock_read_exception(struct str type, struct str body, struct dialect_error *out)
{
	int status = 500;
	size_t n;

	for (size_t i = 0; i < COUNT_OF(exceptions); i++)
		if (str_ieq(type, exceptions[i].name))
			status = exceptions[i].status;
	dialect_read_error(status, body, NULL, 0, out);
	n = type.n < sizeof out->type ? type.n : sizeof out->type - 1;
	for (size_t i = 0; i < n; i++)
		if (type.p[i] < '!' || type.p[i] > '~')
			n = 0;
	if (n == 0)
		return;
	memcpy(out->type, type.p, n);
	out->type[n] = '\0';
}

/* The five exceptions that ConverseStream's clients know as such. */
bool bedrock_write_exception(const struct err *e, struct buf *out)
{
	struct str type = STR("modelStreamErrorException"), word = str_from_z(dialect_error_type(&dialect_bedrock, e));
	static const struct {
		struct str word, type;
	} known[] = {
		{ STR_INIT("ValidationException"), STR_INIT("validationException") },
		{ STR_INIT("ThrottlingException"), STR_INIT("throttlingException") },
		{ STR_INIT("InternalServerException"), STR_INIT("internalServerException") },
		{ STR_INIT("ServiceUnavailableException"), STR_INIT("serviceUnavailableException") },
	};
	struct buf body = buf_make(4096);
	bool good;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq(word, known[i].word))
			type = known[i].type;
	good = dialect_write_error(&dialect_bedrock, e, NULL, STR(""), &body) &&
	       eventstream_write_exception(out, type, buf_str(&body));
	buf_fini(&body);
	return good;
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	if (e->exception) {
		m->failed = true;
		ev->verdict = STREAM_ERROR;
		if (ev->error)
			bedrock_read_exception(e->name, e->text, ev->error);
		return;
	}
	if (!str_eq(e->name, STR("metadata"))) {
		bool before = m->started;

		event_passes(m, ev, e);
		if (unlikely(!before) && str_eq(e->name, STR("messageStart")))
			m->started = false; /* that a message begins says nothing yet */
		m->finished |= str_eq(e->name, STR("messageStop"));
		return;
	}
	if (!bedrock_usage_read(e->text, &m->usage)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	m->started = true;
	m->ended = m->finished;
}

/* An id may be an ARN; clients encode its colons and slashes, or not. */
static bool read_path(struct arena *arena, struct str path, struct dialect_request *out, struct err *e)
{
	size_t at = str_find(path, STR("/model/")), slash = STR_NPOS;
	struct str name = str_slice(path, at == STR_NPOS ? path.n : at + 7, path.n), action;

	for (size_t i = name.n; i > 0 && slash == STR_NPOS; i--)
		if (name.p[i - 1] == '/')
			slash = i - 1;
	if (slash == STR_NPOS)
		return err_set(e, ERR_NOT_FOUND, "the path must be /model/{model}/converse");
	action = str_slice(name, slash + 1, name.n);
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		if (str_eq(action, actions[i].name)) {
			out->call = actions[i].call;
			out->stream = actions[i].stream;
			out->framing = out->stream ? FRAMING_EVENTSTREAM : FRAMING_WHOLE;
			return request_model_of_path(arena, str_slice(name, 0, slash), &out->model, e);
		}
	return err_set(e, ERR_NOT_FOUND,
	               "the operation \"%.*s\" is not known; known are converse, converse-stream and count-tokens",
	               (int)(action.n < 64 ? action.n : 64), action.p);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	struct json_hit hit[REQ_PATHS];
	struct json_fault fault;

	*out = (struct dialect_request){ .dialect = &dialect_bedrock, .usage_asked = true, .body = in->body };
	if (!read_path(arena, in->path, out, e))
		return false;
	if (!json_scan(&request_plan, in->body, REQUEST_DEPTH_MAX, hit, &fault))
		return json_fault_err(&fault, ERR_INVALID_REQUEST, e);
	if (!request_is_object(in->body, e))
		return false;
	if (out->call == CALL_COUNT_TOKENS && hit[REQ_INPUT].type != JSON_OBJECT)
		return err_set(e, ERR_INVALID_REQUEST,
		               "input: must be an object with a member \"converse\" or \"invokeModel\"");
	out->max_output = hit_number(&hit[REQ_MAX], -1);
	if (out->max_output < 0)
		out->max_output = -1;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	struct buf path = buf_make(4096);
	struct str out = { NULL, 0 };

	buf_append(&path, STR("/model/"));
	bool good = text_percent_encode(&path, model.n ? model : rq->model, "");
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		if (actions[i].call == rq->call && actions[i].stream == (rq->stream && rq->call == CALL_GENERATE)) {
			buf_append_c(&path, '/');
			buf_append(&path, actions[i].name);
		}
	if (good && !path.failed)
		out = arena_dup(arena, buf_str(&path));
	buf_fini(&path);
	return out;
}

void bedrock_init(void)
{
	json_plan_init(&request_plan, request_paths, REQ_PATHS, JSON_REFUSE_TWICE);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, usage_numbers, USE_NUMBERS);
	json_plan_init(&detail_plan, detail_paths, DETAIL_PATHS, 0);
	bedrock_tools_init();
}

const struct dialect dialect_bedrock = {
	.id = DIALECT_BEDROCK,
	.name = "bedrock",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.chat = &bedrock_codec,
};
