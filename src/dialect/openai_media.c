/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_media: OpenAI's endpoints beside chat: moderations, images, audio (platform.openai.com/docs/api-reference).
 * Requests are JSON, or forms with a file in them; answers are JSON, events, or plain bytes. What passes is not
 * interpreted, but for the model's name and the usage. Also the shape of whatever else a provider is asked through us.
 */
#include <assert.h>

#include "dialect/dialect_in.h"
#include "dialect/multipart.h"
#include "json/node.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[REQUEST_PROVIDER_OPTIONS] = "providerOptions",
	[REQUEST_STREAM] = "stream",
};
static struct request_reader request;

/* Where the model may be left out, the one that OpenAI's documentation names as its default. */
static const struct { struct str tail, model; } defaults[] = {
	{ STR_INIT("/moderations"), STR_INIT("omni-moderation-latest") },
	{ STR_INIT("/images/generations"), STR_INIT("dall-e-2") },
	{ STR_INIT("/images/edits"), STR_INIT("dall-e-2") },
	{ STR_INIT("/images/variations"), STR_INIT("dall-e-2") },
};

static struct str default_model(struct str tail)
{
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		if (str_eq(tail, defaults[i].tail))
			return defaults[i].model;
	return (struct str){ 0 };
}

static bool is_form(struct str content_type)
{
	struct str rest = content_type;

	return str_ieq(str_trim(str_cut(&rest, ';')), STR("multipart/form-data"));
}

static bool read_form(const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	struct multipart_part part;
	struct multipart m;

	if (!multipart_open(&m, in->content_type, in->body, in->spool, e))
		return false;
	while (multipart_next(&m, &part)) {
		if (!str_eq(part.name, STR("model")))
			continue;
		if (out->model_part.p)
			return err_set(e, ERR_INVALID_REQUEST, "model: the form has more than one");
		if (part.is_file || part.value.n == 0 || part.value.n > 512)
			return err_set(e, ERR_INVALID_REQUEST, "model: must be the name of a model, 1 to 512 bytes");
		out->model = out->model_part = part.value;
	}
	if (m.bad)
		return err_set(e, ERR_INVALID_REQUEST, "the form is cut short: its last boundary is missing");
	return true;
}

/* The path without its version: "/v1/audio/speech" is "/audio/speech". */
static struct str tail_of(struct str path)
{
	return str_starts(path, STR("/v1/")) ? str_slice(path, 3, path.n) : path;
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	struct str tail = tail_of(in->path), by_default = default_model(tail);
	bool good;

	*out = (struct dialect_request){ .dialect = &dialect_openai_media, .call = CALL_MEDIA, .max_output = -1,
		                         .framing = FRAMING_WHOLE, .body = in->body, .tail = tail };
	good = is_form(in->content_type)
	               ? read_form(in, out, e)
	               : request_read_body(arena, &request, in->body, by_default.n == 0, out, e);
	out->stream = false; /* the answer's own type tells */
	if (!good)
		return false;
	if (out->model.n == 0 && out->at[REQUEST_MODEL].type == JSON_STRING &&
	    !json_to_str(out->at[REQUEST_MODEL].value, arena, &out->model))
		return err_set(e, ERR_TOO_LARGE, "model: too long");
	if (out->model.n == 0)
		out->model = by_default;
	if (out->model.n == 0 || out->model.n > 512)
		return err_set(e, ERR_INVALID_REQUEST, "model: must be the name of a model, 1 to 512 bytes");
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return rq->tail;
}

static int64_t either(const struct json_node *object, struct str a, struct str b)
{
	int64_t n = node_i64(node_get(object, a), -1);

	return n >= 0 ? n : node_i64(node_get(object, b), -1);
}

static const struct json_node *either_object(const struct json_node *object, struct str a, struct str b)
{
	const struct json_node *v = node_get(object, a);

	return v ? v : node_get(object, b);
}

/* Images say input_tokens_details, transcriptions input_token_details; those that are paid by time say seconds. */
static void read_usage(const struct json_node *root, struct usage *out)
{
	const struct json_node *u = node_get(root, STR("usage"));
	const struct json_node *in = either_object(u, STR("input_tokens_details"), STR("input_token_details"));
	const struct json_node *of = either_object(u, STR("output_tokens_details"), STR("output_token_details"));
	int64_t input = either(u, STR("input_tokens"), STR("prompt_tokens"));
	int64_t output = either(u, STR("output_tokens"), STR("completion_tokens"));
	int64_t seconds = node_i64(node_get(u, STR("seconds")), -1);
	struct usage got = { .source = USAGE_REPORTED };

	if (!node_is(u, JSON_OBJECT) || (input < 0 && output < 0 && seconds < 0))
		return;
	if (input >= 0)
		usage_set(&got, USAGE_INPUT, input);
	if (output >= 0)
		usage_set(&got, USAGE_OUTPUT, output);
	if (node_i64(node_get(in, STR("audio_tokens")), 0) > 0)
		usage_split(&got, USAGE_INPUT, USAGE_INPUT_AUDIO, node_i64(node_get(in, STR("audio_tokens")), 0));
	if (node_i64(node_get(in, STR("image_tokens")), 0) > 0)
		usage_split(&got, USAGE_INPUT, USAGE_INPUT_IMAGE, node_i64(node_get(in, STR("image_tokens")), 0));
	if (node_i64(node_get(of, STR("image_tokens")), 0) > 0)
		usage_split(&got, USAGE_OUTPUT, USAGE_OUTPUT_IMAGE, node_i64(node_get(of, STR("image_tokens")), 0));
	if (node_i64(node_get(of, STR("audio_tokens")), 0) > 0)
		usage_split(&got, USAGE_OUTPUT, USAGE_OUTPUT_AUDIO, node_i64(node_get(of, STR("audio_tokens")), 0));
	if (seconds >= 0)
		usage_set_seconds(&got, seconds);
	*out = got;
}

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body, struct usage *out,
                                       struct dialect_error *error)
{
	const struct json_node *root = json_nodes(arena, body, ANSWER_DEPTH_MAX, NULL);
	const struct json_node *failure = node_get_some(root, STR("error"));

	if (!root)
		return ANSWER_BROKEN;
	*out = (struct usage){ .source = USAGE_NONE };
	if (failure && (node_is(failure, JSON_OBJECT) || node_text(failure).n))
		return answer_error(body, error);
	read_usage(root, out);
	return ANSWER_OK;
}

/* speech.audio.done, transcript.text.done, image_generation.completed and the like have usage; an error object ends the
 * stream. The transport's end is the end. */
static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	const struct json_node *root = json_nodes(arena, e->text, ANSWER_DEPTH_MAX, NULL);

	if (!root) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	if (node_get_some(root, STR("error")) || node_is_word(node_get(root, STR("type")), STR("error"))) {
		event_fails(m, ev, e);
		return;
	}
	m->started = m->finished = true;
	read_usage(root, &m->usage);
}

void openai_media_init(void) { request_reader_init(&request, request_names); }

const struct dialect dialect_openai_media = {
	.id = DIALECT_OPENAI_MEDIA,
	.name = "openai-media",
	.version = STR_INIT("/v1"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.ends_with_done = true,
};
