/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat: OpenAI's Chat Completions; its answers and streams are also those of the legacy Completions. */

#include "dialect/chat.h"
#include "dialect/dialect_in.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[REQUEST_PROVIDER_OPTIONS] = "providerOptions",
	[REQUEST_SESSION] = "session_id",
	[REQUEST_USAGE] = "usage",
	[REQUEST_STREAM_OPTIONS] = "stream_options",
	[REQUEST_INCLUDE_USAGE] = "stream_options.include_usage",
	[REQUEST_STREAM] = "stream",
	[REQUEST_MAX] = "max_completion_tokens",
	[REQUEST_MAX_OLD] = "max_tokens",
};
static struct request_reader request;

/* Of answers, with the numbers of their usage. Only chunks are looked at more closely. */
enum { ANS_USAGE, ANS_ERROR, ANS_GROQ_USAGE, ANS_MINIMAX_STATUS, ANS_SERVICE, ANS_PATHS };
enum { CHUNK_CHOICES = ANS_PATHS, CHUNK_MOONSHOT_USAGE, CHUNK_FINISH, CHUNK_PATHS };
#define ANSWER_PATHS "usage", "error", "x_groq.usage", "base_resp.status_code", "service_tier"
static const char *const answer_paths[ANS_PATHS] = { ANSWER_PATHS };
static const char *const chunk_paths[CHUNK_PATHS] = {
	ANSWER_PATHS, "choices", "choices[].usage", "choices[].finish_reason",
};
static struct json_plan answer_plan, chunk_plan;

/* MiniMax reports its errors with status 200 and base_resp. */
static bool has_error(const struct json_hit hit[ANS_PATHS])
{
	return hit_is_error(&hit[ANS_ERROR]) || hit_number(&hit[ANS_MINIMAX_STATUS], 0) != 0;
}

enum dialect_answer openai_read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[CC_USAGE_PATHS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, number, &fault)
	    || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (has_error(hit))
		return answer_error(body, error);
	if (hit[ANS_USAGE].type == JSON_OBJECT)
		openai_usage_from(number, usage);
	else if (hit[ANS_GROQ_USAGE].type == JSON_OBJECT)
		openai_usage_read(hit[ANS_GROQ_USAGE].value, usage);
	usage_read_service(usage, &hit[ANS_SERVICE]);
	return ANSWER_OK;
}

/* Most say it in `usage`; Groq also in x_groq.usage, Moonshot in the choice of the last chunk. */
static void read_usage(const struct json_hit hit[CHUNK_PATHS], struct usage *out)
{
	static const uint8_t places[] = { ANS_USAGE, ANS_GROQ_USAGE, CHUNK_MOONSHOT_USAGE };

	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (hit[places[i]].type == JSON_OBJECT) {
			openai_usage_read(hit[places[i]].value, out);
			usage_read_service(out, &hit[ANS_SERVICE]);
			return;
		}
}

static bool is_empty_array(const struct json_hit *hit)
{
	return hit->type == JSON_ARRAY && str_trim(str_slice(hit->value, 1, hit->value.n - 1)).n == 0;
}

static bool is_nothing(const struct json_node *v)
{
	return !v || node_is(v, JSON_NULL) || (node_is(v, JSON_STRING) && node_text(v).n == 0) ||
	       ((node_is(v, JSON_ARRAY) || node_is(v, JSON_OBJECT)) && v->children == 0);
}

/* Does a chunk say more than who speaks, or (Azure) what became of the prompt? Asked until one does. */
static COLD NOINLINE bool says_something(struct arena *arena, struct str text)
{
	const struct json_node *root = json_nodes(arena, text, ANSWER_DEPTH_MAX, NULL);
	const struct json_node *choices = node_get(root, STR("choices"));

	if (!node_is(choices, JSON_ARRAY))
		return true;
	for (const struct json_node *c = node_first(choices); c; c = node_next(choices, c)) {
		const struct json_node *delta = node_get(c, STR("delta"));

		if (!is_nothing(node_get(c, STR("finish_reason"))) || !is_nothing(node_get(c, STR("text"))))
			return true;
		for (const struct json_node *d = node_first(delta); d; d = node_next(delta, d))
			if (!node_named(d, STR("role")) && !is_nothing(d))
				return true;
	}
	return false;
}

void openai_meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[CHUNK_PATHS];
	struct json_fault fault;

	if (!json_scan(&chunk_plan, e->text, ANSWER_DEPTH_MAX, hit, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	if (has_error(hit)) {
		m->started = true;
		event_fails(m, ev, e);
		return;
	}
	if (unlikely(!m->started))
		m->started = hit[ANS_USAGE].type == JSON_OBJECT || says_something(arena, e->text);
	if (hit[CHUNK_FINISH].type == JSON_STRING)
		m->finished = true;
	read_usage(hit, &m->usage);
	if (!m->usage_is_ours)
		return;
	if (hit[ANS_USAGE].type == JSON_OBJECT && is_empty_array(&hit[CHUNK_CHOICES]))
		ev->verdict = STREAM_DROP;
	else if (hit[ANS_USAGE].type == JSON_NULL && e->inside)
		event_cut(ev, &hit[ANS_USAGE]);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_openai_chat, CALL_GENERATE);
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return STR("/chat/completions");
}

void openai_chat_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, chat_usage_paths, CC_USAGE_PATHS);
	json_plan_init(&chunk_plan, chunk_paths, CHUNK_PATHS, 0);
}

const struct dialect dialect_openai_chat = {
	.id = DIALECT_OPENAI_CHAT,
	.name = "openai-chat",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = openai_read_answer,
	.meter_event = openai_meter_event,
	.ends_with_done = true,
	.chat = &openai_chat_codec,
};
