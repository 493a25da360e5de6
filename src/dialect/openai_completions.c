/* SPDX-License-Identifier: Apache-2.0 */
/* openai_completions: OpenAI's legacy Completions; answers and streams are read as those of Chat Completions. */

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
	[REQUEST_MAX] = "max_tokens",
};
static struct request_reader request;

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_openai_completions, CALL_GENERATE);
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return STR("/completions");
}

void openai_completions_init(void)
{
	request_reader_init(&request, request_names);
}

const struct dialect dialect_openai_completions = {
	.id = DIALECT_OPENAI_COMPLETIONS,
	.name = "openai-completions",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = openai_read_answer,
	.meter_event = openai_meter_event,
	.ends_with_done = true,
	.chat = &openai_completions_codec,
};
