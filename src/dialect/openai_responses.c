/* SPDX-License-Identifier: Apache-2.0 */
/* openai_responses: OpenAI's Responses. Usage comes unasked, with the response's last event. */

#include "base/buf.h"
#include "dialect/chat.h"
#include "dialect/dialect_in.h"
#include "dialect/responses_in.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[REQUEST_PROVIDER_OPTIONS] = "providerOptions",
	[REQUEST_SESSION] = "session_id",
	[REQUEST_STREAM] = "stream",
	[REQUEST_MAX] = "max_output_tokens",
};
static struct request_reader request;

enum { ANS_USAGE, ANS_ERROR, ANS_OBJECT, ANS_SERVICE, ANS_OUTPUT, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = { "usage", "error", "object", "service_tier", "output" };
static struct json_plan answer_plan;

enum { EV_TYPE, EV_SEQUENCE, EV_ID, EV_CREATED, EV_MODEL, EV_USAGE, EV_SERVICE, EV_OUTPUT, EV_PATHS };
static const char *const event_paths[EV_PATHS] = {
	"type", "sequence_number", "response.id", "response.created_at", "response.model", "response.usage",
	"response.service_tier", "response.output",
};
static struct json_plan event_plan;

enum { ITEM_TYPE, ITEM_ACTION, ITEM_PATHS };
static const char *const item_paths[ITEM_PATHS] = { "type", "action.type" };
static struct json_plan item_plan;

/* Calls of OpenAI's own tools are paid by the piece; of those of the web only the searches, not the pages they open
 * (platform.openai.com/docs/pricing, built-in tools). They stand in the output, and nowhere as a number. */
static void count_calls(const struct json_hit *output, struct usage *u)
{
	struct str rest = output->value, item;
	int64_t web = 0, files = 0;

	if (output->type != JSON_ARRAY || str_find(rest, STR("_search_call\"")) == STR_NPOS)
		return;
	while (array_next(&rest, &item)) {
		struct json_hit hit[ITEM_PATHS];
		struct json_fault fault;

		if (!json_scan(&item_plan, item, ANSWER_DEPTH_MAX, hit, &fault))
			continue;
		if (json_is_str(hit[ITEM_TYPE].value, STR("web_search_call")))
			web += hit[ITEM_ACTION].type != JSON_STRING ||
			       json_is_str(hit[ITEM_ACTION].value, STR("search"));
		else if (json_is_str(hit[ITEM_TYPE].value, STR("file_search_call")))
			files++;
	}
	usage_set_calls(u, CALLS_WEB_SEARCH, web);
	usage_set_calls(u, CALLS_SEARCH, files);
}

static const char *const asked_paths[RESPONSES_ASKED] = {
	[RESPONSES_ASKS_STORE] = "store", [RESPONSES_ASKS_PREVIOUS] = "previous_response_id",
};
static struct json_plan asked_plan;

const struct json_plan *responses_asked(void) { return &asked_plan; }

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[RESP_USAGE_PATHS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, number, &fault)
	    || !answer_is_object(body))
		return ANSWER_BROKEN;
	/* A response object that says "failed" is an answer: its client's SDK knows how to read it. */
	if (hit_is_error(&hit[ANS_ERROR]) && !json_is_str(hit[ANS_OBJECT].value, STR("response")))
		return answer_error(body, error);
	if (hit[ANS_USAGE].type == JSON_OBJECT) {
		responses_usage_from(number, usage);
		usage_read_service(usage, &hit[ANS_SERVICE]);
		count_calls(&hit[ANS_OUTPUT], usage);
	}
	return ANSWER_OK;
}

static void resume_member(struct buf *b, const char *name, const struct json_hit *hit)
{
	if (hit->type == JSON_ABSENT || hit->value.n > 256)
		return;
	buf_printf(b, "%s\"%s\":", b->n ? "," : "", name);
	buf_append(b, hit->value);
}

/* What stream_write_error repeats of the response, so that clients take its failure for this response's. */
static void keep_response(struct stream_meter *m, struct arena *arena, const struct json_hit hit[EV_PATHS])
{
	struct buf b = buf_make(1024);

	if (m->resume.n == 0 && hit[EV_ID].type == JSON_STRING) {
		resume_member(&b, "id", &hit[EV_ID]);
		resume_member(&b, "created_at", &hit[EV_CREATED]);
		resume_member(&b, "model", &hit[EV_MODEL]);
		struct str kept = arena_dup(arena, buf_str(&b));
		if (kept.p)
			m->resume = kept;
	}
	buf_fini(&b);
}

/* The events that say more than text. All others only count. */
static bool is_telling(struct str name)
{
	return name.n == 0 || str_eq(name, STR("response.created")) || str_eq(name, STR("response.completed")) ||
	       str_eq(name, STR("response.incomplete")) || str_eq(name, STR("response.failed")) ||
	       str_eq(name, STR("error"));
}

/* That there will be an answer says nothing of it yet. */
static bool is_announcement(struct str type)
{
	return str_eq(type, STR("response.created")) || str_eq(type, STR("response.queued")) ||
	       str_eq(type, STR("response.in_progress"));
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[EV_PATHS];
	struct json_fault fault;

	if (!is_telling(e->name)) {
		bool before = m->started;

		m->sequence++;
		event_passes(m, ev, e);
		if (unlikely(!before) && is_announcement(e->name))
			m->started = false;
		return;
	}
	if (!json_scan(&event_plan, e->text, ANSWER_DEPTH_MAX, hit, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	int64_t sequence = hit_number(&hit[EV_SEQUENCE], (int64_t)m->sequence);
	m->sequence = sequence >= 0 && sequence < UINT32_MAX ? (uint32_t)sequence + 1 : m->sequence + 1;
	keep_response(m, arena, hit);
	if (hit[EV_USAGE].type == JSON_OBJECT) {
		responses_usage_read(hit[EV_USAGE].value, &m->usage);
		usage_read_service(&m->usage, &hit[EV_SERVICE]);
		count_calls(&hit[EV_OUTPUT], &m->usage);
	}

	/* The data's own type is what SDKs go by; some servers give no event name. */
	struct str type = e->name;
	if (hit[EV_TYPE].type == JSON_STRING)
		type = str_slice(hit[EV_TYPE].value, 1, hit[EV_TYPE].value.n - 1);
	if (!is_announcement(type))
		m->started = true;
	if (str_eq(type, STR("response.completed")) || str_eq(type, STR("response.incomplete")))
		m->finished = m->ended = true;
	else if (str_eq(type, STR("response.failed")) || str_eq(type, STR("error")))
		event_fails(m, ev, e);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_openai_responses, in->call);
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	out->usage_asked = true;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return rq->call == CALL_COUNT_TOKENS ? STR("/responses/input_tokens") : STR("/responses");
}

void openai_responses_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, responses_usage_paths, RESP_USAGE_PATHS);
	json_plan_init(&asked_plan, asked_paths, RESPONSES_ASKED, 0);
	json_plan_init(&event_plan, event_paths, EV_PATHS, 0);
	json_plan_init(&item_plan, item_paths, ITEM_PATHS, 0);
}

const struct dialect dialect_openai_responses = {
	.id = DIALECT_OPENAI_RESPONSES,
	.name = "openai-responses",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.chat = &openai_responses_codec,
};
