/* SPDX-License-Identifier: Apache-2.0 */
/* openai_embeddings: OpenAI's Embeddings. There are no streams; usage is read as that of Chat Completions. */

#include "dialect/dialect_in.h"
#include "dialect/embed.h"

static const char *const request_names[REQUEST_MEMBERS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[REQUEST_PROVIDER_OPTIONS] = "providerOptions",
	[REQUEST_SESSION] = "session_id",
};
static struct request_reader request;

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	*out = (struct dialect_request){ .dialect = &dialect_openai_embeddings,
		                         .call = CALL_EMBED,
		                         .framing = FRAMING_WHOLE };
	return request_read_body(arena, &request, in->body, true, out, e);
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return STR("/embeddings");
}

void openai_embeddings_init(void)
{
	request_reader_init(&request, request_names);
}

const struct dialect dialect_openai_embeddings = {
	.id = DIALECT_OPENAI_EMBEDDINGS,
	.name = "openai-embeddings",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = openai_read_answer,
	.embed = &openai_embed_codec,
};
