/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic: Anthropic's Messages. Usage comes unasked: with message_start, and cumulative with each message_delta. */

#include "dialect/anthropic_out.h"
#include "dialect/dialect_in.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model", [REQUEST_MODELS] = "models", [REQUEST_PROVIDER] = "provider",
	[REQUEST_PROVIDER_OPTIONS] = "providerOptions",
	[REQUEST_SESSION] = "session_id",
	[REQUEST_STREAM] = "stream",  [REQUEST_MAX] = "max_tokens",
};
static struct request_reader request;

enum { ANS_USAGE, ANS_ERROR, ANS_SERVICE, ANS_SPEED, ANS_GEO, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = {
	"usage", "error", "usage.service_tier", "usage.speed", "usage.inference_geo",
};
static struct json_plan answer_plan;

enum { EV_TYPE, EV_START_USAGE, EV_USAGE, EV_ERROR, EV_STOP_REASON, EV_SERVICE, EV_SPEED, EV_GEO, EV_PATHS };
static const char *const event_paths[EV_PATHS] = {
	"type", "message.usage", "usage", "error", "delta.stop_reason",
	"message.usage.service_tier", "message.usage.speed", "message.usage.inference_geo",
};
static struct json_plan event_plan;

/* The numbers of answers; those of events are first the ones of a message_start, then these. */
#define USE_PATHS(usage)                                                                                            \
	usage "input_tokens", usage "cache_read_input_tokens", usage "cache_creation_input_tokens",                 \
		usage "cache_creation.ephemeral_5m_input_tokens", usage "cache_creation.ephemeral_1h_input_tokens", \
		usage "output_tokens", usage "output_tokens_details.thinking_tokens",                        \
		usage "server_tool_use.web_search_requests"
static const char *const usage_numbers[USE_NUMBERS] = { USE_PATHS("usage.") };
static const char *const event_numbers[2 * USE_NUMBERS] = { USE_PATHS("message.usage."), USE_PATHS("usage.") };

/* A count of input: 0 may be a placeholder (proxies send it in message_delta), so it never replaces a larger one. */
static void set_input(struct usage *u, enum usage_counter counter, int64_t number)
{
	if (number != JSON_NO_NUMBER && number != 0)
		usage_set(u, counter, number);
}

/* Cache writes come as a total, split by lifetime only in newer answers and not in message_delta. */
static void set_writes(struct usage *u, const int64_t number[USE_NUMBERS])
{
	int64_t total = number[USE_WRITE];

	set_input(u, USAGE_CACHE_WRITE_5M, number[USE_WRITE_5M]);
	set_input(u, USAGE_CACHE_WRITE_1H, number[USE_WRITE_1H]);
	if (total <= (int64_t)usage_total_cache_write(u))
		return;
	usage_set(u, USAGE_CACHE_WRITE_5M, total - (int64_t)u->n[USAGE_CACHE_WRITE_1H]);
}

void anthropic_usage_add(const int64_t number[USE_NUMBERS], struct usage *u)
{
	set_input(u, USAGE_INPUT, number[USE_INPUT]);
	set_input(u, USAGE_CACHE_READ, number[USE_READ]);
	set_writes(u, number);
	if (number[USE_OUTPUT] != JSON_NO_NUMBER) {
		int64_t thinking = number[USE_THINKING];
		usage_set(u, USAGE_OUTPUT, number[USE_OUTPUT]);
		u->n[USAGE_REASONING] = 0;
		usage_split(u, USAGE_OUTPUT, USAGE_REASONING, thinking == JSON_NO_NUMBER ? 0 : thinking);
	}
	if (number[USE_SEARCHES] > 0)
		usage_set_calls(u, CALLS_WEB_SEARCH, number[USE_SEARCHES]);
	u->source = USAGE_REPORTED;
}

/* Three words that each change the price: how it was queued, how fast it ran, and where. */
static void read_service(struct usage *u, const struct json_hit *tier, const struct json_hit *speed,
                         const struct json_hit *geo)
{
	usage_read_service(u, tier);
	usage_read_service(u, speed);
	if (unlikely(json_is_str(geo->value, STR("us"))))
		u->service |= SERVICE_REGIONAL;
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
	if (hit_is_error(&hit[ANS_ERROR]))
		return answer_error(body, error);
	if (hit[ANS_USAGE].type == JSON_OBJECT) {
		anthropic_usage_add(number, usage);
		read_service(usage, &hit[ANS_SERVICE], &hit[ANS_SPEED], &hit[ANS_GEO]);
	}
	return ANSWER_OK;
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[EV_PATHS];
	int64_t number[2 * USE_NUMBERS];
	struct json_fault fault;

	/* Nearly all events: they need no look at their data. */
	if (str_starts(e->name, STR("content_block_"))) {
		event_passes(m, ev, e);
		return;
	}
	if (!json_scan_numbers(&event_plan, e->text, ANSWER_DEPTH_MAX, hit, number, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	struct str type = e->name;
	if (type.n == 0 && hit[EV_TYPE].type == JSON_STRING)
		type = str_slice(hit[EV_TYPE].value, 1, hit[EV_TYPE].value.n - 1);

	/* that a message begins says nothing yet: it may be another provider's */
	if (!str_eq(type, STR("ping")) && !str_eq(type, STR("message_start")))
		m->started = true;
	if (str_eq(type, STR("message_start"))) {
		if (hit[EV_START_USAGE].type == JSON_OBJECT) {
			anthropic_usage_add(number, &m->usage);
			read_service(&m->usage, &hit[EV_SERVICE], &hit[EV_SPEED], &hit[EV_GEO]);
		}
	} else if (str_eq(type, STR("message_delta"))) {
		if (hit[EV_USAGE].type == JSON_OBJECT)
			anthropic_usage_add(number + USE_NUMBERS, &m->usage);
		if (hit[EV_STOP_REASON].type == JSON_STRING)
			m->finished = true;
	} else if (str_eq(type, STR("message_stop"))) {
		m->ended = true;
	} else if (str_eq(type, STR("error")) || (type.n == 0 && hit_is_error(&hit[EV_ERROR]))) {
		event_fails(m, ev, e);
	}
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_anthropic, in->call);
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
	json_plan_numbers(&answer_plan, usage_numbers, USE_NUMBERS);
	json_plan_init(&event_plan, event_paths, EV_PATHS, 0);
	json_plan_numbers(&event_plan, event_numbers, 2 * USE_NUMBERS);
	anthropic_tools_init();
}

const struct chat_codec anthropic_codec = {
	.read_request = anthropic_read_request,
	.write_request = anthropic_write_request,
	.read_response = anthropic_read_response,
	.write_response = anthropic_write_response,
	.write_count = anthropic_write_count,
	.reader_size = sizeof(struct anthropic_reader),
	.reader_fini = anthropic_reader_fini,
	.read_event = anthropic_read_event,
	.writer_size = sizeof(struct anthropic_writer),
	.writer_init = anthropic_writer_init,
	.writer_fini = anthropic_writer_fini,
	.write_event = anthropic_write_event,
	.write_error = anthropic_write_stream_error,
	.write_ping = anthropic_write_ping,
	.one_block = true,
};

const struct dialect dialect_anthropic = {
	.id = DIALECT_ANTHROPIC,
	.name = "anthropic",
	.version = STR_INIT("/v1"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.chat = &anthropic_codec,
};
