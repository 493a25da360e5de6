/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic: Anthropic's Messages. Usage comes unasked: with message_start, and cumulative with each message_delta. */

#include "dialect/dialect_in.h"

static const char *const request_names[SLOTS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[SLOT_STREAM] = "stream",
	[SLOT_MAX] = "max_tokens",
};
static struct request_reader request;

enum { ANS_USAGE, ANS_ERROR, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = { "usage", "error" };
static struct json_plan answer_plan;

enum { EV_TYPE, EV_START_USAGE, EV_USAGE, EV_ERROR, EV_STOP_REASON, EV_PATHS };
static const char *const event_paths[EV_PATHS] = { "type", "message.usage", "usage", "error", "delta.stop_reason" };
static struct json_plan event_plan;

enum { USE_INPUT, USE_READ, USE_WRITE, USE_WRITE_5M, USE_WRITE_1H, USE_OUTPUT, USE_THINKING, USE_PATHS };
static const char *const usage_paths[USE_PATHS] = {
	"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
	"cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens",
	"output_tokens", "output_tokens_details.thinking_tokens",
};
static struct json_plan usage_plan;

/* A count of input: 0 may be a placeholder (proxies send it in message_delta), so it never replaces a larger one. */
static void set_input(struct usage *u, enum usage_counter counter, const struct json_hit *hit)
{
	int64_t n = hit_number(hit, 0);

	if (n != 0)
		usage_set(u, counter, n);
}

/* Cache writes come as a total, split by lifetime only in newer answers and not in message_delta. */
static void set_writes(struct usage *u, const struct json_hit hit[USE_PATHS])
{
	int64_t total = hit_number(&hit[USE_WRITE], -1);

	if (hit[USE_WRITE_5M].type == JSON_NUMBER || hit[USE_WRITE_1H].type == JSON_NUMBER) {
		set_input(u, USAGE_CACHE_WRITE_5M, &hit[USE_WRITE_5M]);
		set_input(u, USAGE_CACHE_WRITE_1H, &hit[USE_WRITE_1H]);
	}
	if (total <= (int64_t)usage_total_cache_write(u))
		return;
	usage_set(u, USAGE_CACHE_WRITE_5M, total - (int64_t)u->n[USAGE_CACHE_WRITE_1H]);
}

/* Counts are cumulative: each report is laid over what is known, and what it leaves out stays. */
static void read_usage(struct str raw, struct usage *u)
{
	struct json_hit hit[USE_PATHS];
	struct json_fault fault;

	if (!json_scan(&usage_plan, raw, ANSWER_DEPTH_MAX, hit, &fault))
		return;
	set_input(u, USAGE_INPUT, &hit[USE_INPUT]);
	set_input(u, USAGE_CACHE_READ, &hit[USE_READ]);
	set_writes(u, hit);
	if (hit[USE_OUTPUT].type == JSON_NUMBER) {
		usage_set(u, USAGE_OUTPUT, hit_number(&hit[USE_OUTPUT], 0));
		u->n[USAGE_REASONING] = 0;
		usage_split(u, USAGE_OUTPUT, USAGE_REASONING, hit_number(&hit[USE_THINKING], 0));
	}
	u->source = USAGE_REPORTED;
}

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan(&answer_plan, body, ANSWER_DEPTH_MAX, hit, &fault) || !request_is_object(body, NULL))
		return ANSWER_BROKEN;
	if (hit_is_error(&hit[ANS_ERROR]))
		return answer_error(body, error);
	if (hit[ANS_USAGE].type == JSON_OBJECT)
		read_usage(hit[ANS_USAGE].value, usage);
	return ANSWER_OK;
}

static void read_event(struct stream_meter *m, struct stream_event *ev, struct str name, struct str data)
{
	struct json_hit hit[EV_PATHS];
	struct json_fault fault;

	if (!json_scan(&event_plan, data, ANSWER_DEPTH_MAX, hit, &fault))
		return;
	struct str type = name;
	if (type.n == 0 && hit[EV_TYPE].type == JSON_STRING)
		type = str_slice(hit[EV_TYPE].value, 1, hit[EV_TYPE].value.n - 1);

	if (!str_eq(type, STR("ping")))
		m->started = true;
	if (str_eq(type, STR("message_start"))) {
		if (hit[EV_START_USAGE].type == JSON_OBJECT)
			read_usage(hit[EV_START_USAGE].value, &m->usage);
	} else if (str_eq(type, STR("message_delta"))) {
		if (hit[EV_USAGE].type == JSON_OBJECT)
			read_usage(hit[EV_USAGE].value, &m->usage);
		if (hit[EV_STOP_REASON].type == JSON_STRING)
			m->finished = true;
	} else if (str_eq(type, STR("message_stop"))) {
		m->ended = true;
	} else if (str_eq(type, STR("error")) || (type.n == 0 && hit_is_error(&hit[EV_ERROR]))) {
		event_fails(m, ev, data);
	}
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	struct str name = event_name(ev->bytes), data;
	struct buf joined;
	bool inside;

	/* Nearly all events: they need no look at their data. */
	if (str_starts(name, STR("content_block_"))) {
		m->started = true;
		return;
	}
	if (event_data(m, ev, &joined, &name, &data, &inside))
		read_event(m, ev, name, data);
	buf_fini(&joined);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	*out = (struct dialect_request){ .dialect = &dialect_anthropic, .call = in->call };
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	/* A count is one document, whatever its body says of streams. */
	out->stream = out->stream && in->call == CALL_GENERATE;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	out->usage_asked = true;

	/* The SDK's beta client asks for /v1/messages?beta=true. */
	struct str rest = in->query;
	while (rest.p)
		if (str_eq(str_cut(&rest, '&'), STR("beta=true")))
			out->query = STR("beta=true");
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	if (rq->call == CALL_COUNT_TOKENS)
		return rq->query.n ? STR("/messages/count_tokens?beta=true") : STR("/messages/count_tokens");
	return rq->query.n ? STR("/messages?beta=true") : STR("/messages");
}

void anthropic_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_init(&event_plan, event_paths, EV_PATHS, 0);
	json_plan_init(&usage_plan, usage_paths, USE_PATHS, 0);
}

const struct dialect dialect_anthropic = {
	.id = DIALECT_ANTHROPIC,
	.name = "anthropic",
	.version = STR_INIT("/v1"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
};
