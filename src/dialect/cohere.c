/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cohere: Cohere's API v2: /v2/chat, /v2/embed, /v2/rerank. A stream's events say their type in their data; the last is
 * message-end with usage and the reason, behind which newer servers send [DONE]. Rerankers are paid by the search.
 */

#include "dialect/cohere_in.h"
#include "dialect/embed.h"
#include "dialect/rerank.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model", [REQUEST_STREAM] = "stream", [REQUEST_MAX] = "max_tokens",
};
static struct request_reader request;

/* Of answers, of a stream's last event, and of embeddings and rerankers, which have it in `meta`. */
enum {
	USE_INPUT, USE_OUTPUT, USE_SEARCHES, USE_REASONING, END_INPUT, END_OUTPUT, END_SEARCHES, END_REASONING,
	META_INPUT, META_OUTPUT, META_SEARCHES, USE_NUMBERS
};
static const char *const usage_numbers[USE_NUMBERS] = {
	"usage.billed_units.input_tokens", "usage.billed_units.output_tokens", "usage.billed_units.search_units",
	"usage.tokens.reasoning_tokens",
	"delta.usage.billed_units.input_tokens", "delta.usage.billed_units.output_tokens",
	"delta.usage.billed_units.search_units", "delta.usage.tokens.reasoning_tokens",
	"meta.billed_units.input_tokens", "meta.billed_units.output_tokens", "meta.billed_units.search_units",
};
enum { ANS_MESSAGE, ANS_TYPE, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = { "message", "type" };
static struct json_plan answer_plan;

static void fill_usage(const int64_t n[4], struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };

	if (n[0] == JSON_NO_NUMBER && n[1] == JSON_NO_NUMBER && n[2] == JSON_NO_NUMBER)
		return;
	usage_set(&u, USAGE_INPUT, n[0] == JSON_NO_NUMBER ? 0 : n[0]);
	usage_set(&u, USAGE_OUTPUT, n[1] == JSON_NO_NUMBER ? 0 : n[1]);
	if (n[2] != JSON_NO_NUMBER)
		usage_set_calls(&u, CALLS_SEARCH, n[2]);
	if (n[3] != JSON_NO_NUMBER && n[3] > 0)
		usage_split(&u, USAGE_OUTPUT, USAGE_REASONING,
		            n[3] < (int64_t)u.n[USAGE_OUTPUT] ? n[3] : (int64_t)u.n[USAGE_OUTPUT]);
	*out = u;
}

static int64_t number(const struct json_node *object, struct str name)
{
	const struct json_node *v = node_get(object, name);

	return v ? node_i64(v, JSON_NO_NUMBER) : JSON_NO_NUMBER;
}

void cohere_usage(const struct json_node *usage, struct usage *out)
{
	const struct json_node *billed = node_get(usage, STR("billed_units")), *tokens = node_get(usage, STR("tokens"));
	const struct json_node *paid = node_is(billed, JSON_OBJECT) ? billed : tokens;

	fill_usage((int64_t[4]){ number(paid, STR("input_tokens")), number(paid, STR("output_tokens")),
	                         number(billed, STR("search_units")), number(tokens, STR("reasoning_tokens")) }, out);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_cohere, in->call);
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->stream &= in->call == CALL_GENERATE;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	out->usage_asked = true;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return rq->call == CALL_RERANK ? STR("/rerank") : rq->call == CALL_EMBED ? STR("/embed") : STR("/chat");
}

/* {"id", "message": "text"} is an error, {"message": {…}} an answer. */
static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t n[USE_NUMBERS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, n, &fault) || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (hit[ANS_MESSAGE].type == JSON_STRING)
		return answer_error(body, error);
	fill_usage((int64_t[4]){ n[META_INPUT], n[META_OUTPUT], n[META_SEARCHES], JSON_NO_NUMBER }, usage);
	fill_usage(&n[USE_INPUT], usage);
	return ANSWER_OK;
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[ANS_PATHS];
	int64_t n[USE_NUMBERS];
	struct json_fault fault;

	if (!json_scan_numbers(&answer_plan, e->text, ANSWER_DEPTH_MAX, hit, n, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	m->started |= !json_is_str(hit[ANS_TYPE].value, STR("message-start"));
	if (hit[ANS_TYPE].type == JSON_ABSENT && hit[ANS_MESSAGE].type == JSON_STRING) {
		event_fails(m, ev, e);
		return;
	}
	fill_usage(&n[END_INPUT], &m->usage);
	m->finished |= json_is_str(hit[ANS_TYPE].value, STR("message-end"));
}

void cohere_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, usage_numbers, USE_NUMBERS);
}

const struct dialect dialect_cohere = {
	.id = DIALECT_COHERE,
	.name = "cohere",
	.version = STR_INIT("/v2"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.ends_with_done = true,
	.chat = &cohere_codec,
	.embed = &cohere_embed_codec,
	.rerank = &cohere_rerank_codec,
};
