/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ollama: Ollama's own API: /api/chat, /api/generate, /api/embed and the older /api/embeddings. A stream is a JSON
 * object a line, and what is asked for when the client says nothing; its last line has done set, and the usage.
 */

#include "base/buf.h"
#include "dialect/embed.h"
#include "dialect/ollama_in.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model", [REQUEST_STREAM] = "stream", [REQUEST_MAX] = "options.num_predict",
};
static struct request_reader request;

enum { ANS_ERROR, ANS_DONE, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = { "error", "done" };
enum { USE_INPUT, USE_OUTPUT, USE_NUMBERS };
static const char *const usage_numbers[USE_NUMBERS] = { "prompt_eval_count", "eval_count" };
static struct json_plan answer_plan;

static const struct {
	struct str path;
	enum dialect_call call;
} calls[] = {
	{ STR_INIT("/chat"), CALL_GENERATE },
	{ STR_INIT("/generate"), CALL_GENERATE },
	{ STR_INIT("/embed"), CALL_EMBED },
	{ STR_INIT("/embeddings"), CALL_EMBED },
};

void ollama_usage(int64_t input, int64_t output, struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };

	if (input == JSON_NO_NUMBER && output == JSON_NO_NUMBER)
		return;
	usage_set(&u, USAGE_INPUT, input == JSON_NO_NUMBER ? 0 : input);
	usage_set(&u, USAGE_OUTPUT, output == JSON_NO_NUMBER ? 0 : output);
	*out = u;
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	const struct json_hit *stream = &out->at[REQUEST_STREAM];

	request_begin(out, &dialect_ollama, in->call);
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->tail = calls[0].path;
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (calls[i].call == in->call && str_ends(in->path, calls[i].path))
			out->tail = calls[i].path;
	if (stream->type == JSON_ABSENT || stream->type == JSON_NULL)
		out->stream = true;
	out->stream &= in->call == CALL_GENERATE;
	out->framing = out->stream ? FRAMING_LINES : FRAMING_WHOLE;
	out->usage_asked = true;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	if (rq->tail.n)
		return rq->tail;
	return rq->call == CALL_EMBED ? STR("/embed") : STR("/chat");
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
	ollama_usage(number[USE_INPUT], number[USE_OUTPUT], usage);
	return ANSWER_OK;
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[USE_NUMBERS];
	struct json_fault fault;

	if (!json_scan_numbers(&answer_plan, e->text, ANSWER_DEPTH_MAX, hit, number, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	m->started = true;
	if (hit_is_error(&hit[ANS_ERROR])) {
		event_fails(m, ev, e);
		return;
	}
	ollama_usage(number[USE_INPUT], number[USE_OUTPUT], &m->usage);
	m->ended = hit[ANS_DONE].type == JSON_BOOL && hit[ANS_DONE].value.p[0] == 't';
}

void ollama_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, usage_numbers, USE_NUMBERS);
}

const struct dialect dialect_ollama = {
	.id = DIALECT_OLLAMA,
	.name = "ollama",
	.version = STR_INIT("/api"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.chat = &ollama_codec,
	.embed = &ollama_embed_codec,
};
