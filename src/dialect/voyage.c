/* SPDX-License-Identifier: Apache-2.0 */
/*
 * voyage: Voyage AI's API: embeddings nearly as OpenAI has them, with its own names for dimensions and purpose
 * (docs.voyageai.com/reference), and rerankers. For clients there is OpenAI's.
 */

#include <assert.h>

#include "dialect/embed.h"
#include "dialect/kit.h"
#include "dialect/rerank.h"

enum { BODY_MAX = 1 << 30 };

static const char *const request_names[REQUEST_MEMBERS] = { [REQUEST_MODEL] = "model" };
static struct request_reader request;

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_voyage, in->call);
	return request_read_body(arena, &request, in->body, true, out, e);
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return rq->call == CALL_RERANK ? STR("/rerank") : STR("/embeddings");
}

/* Voyage knows queries and documents; what it is not told it takes as neither. */
static void put_task(struct json_writer *w, enum embed_task task, struct embed_wire *out)
{
	if (task == EMBED_QUERY || task == EMBED_DOCUMENT) {
		json_key_lit(w, "input_type");
		json_str(w, task == EMBED_QUERY ? STR("query") : STR("document"));
	} else if (task != EMBED_TASK_UNSET) {
		chat_drop(&out->drops, "task");
	}
}

static bool write_embed(struct arena *a, const struct embed_request *rq, size_t from, size_t n,
                        const struct chat_target *to, struct embed_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	bool good = true;

	assert(n > 0 && from + n <= rq->n);
	out->call = CALL_EMBED;
	json_open(&w, '{');
	json_key_lit(&w, "model");
	json_jstr(&w, to->model);
	json_key_lit(&w, "input");
	json_open(&w, '[');
	for (size_t i = from; i < from + n && good; i++) {
		struct jstr text;

		good = embed_only_text(a, rq, i, &text, e);
		if (good)
			json_jstr(&w, text);
	}
	if (good) {
		json_close(&w);
		put_task(&w, embed_task_of(rq, from), out);
		if (rq->dimensions.n) {
			json_key_lit(&w, "output_dimension");
			json_raw(&w, rq->dimensions);
		}
		if (rq->truncate != TRI_UNSET) {
			json_key_lit(&w, "truncation");
			json_bool(&w, rq->truncate == TRI_YES);
		}
		if (rq->base64) {
			json_key_lit(&w, "encoding_format");
			json_str(&w, STR("base64"));
		}
		json_close(&w);
		if (rq->user.p)
			chat_drop(&out->drops, "user");
		for (const struct chat_extra *x = rq->extras; x; x = x->next)
			chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
		out->body = json_write_done(&w) ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
		good = out->body.p || openai_full(e);
	}
	buf_fini(&body);
	return good;
}

static bool read_embed_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                               struct embed_request *out, struct err *e)
{
	return openai_embed_codec.read_request(a, in, body, out, e);
}

static bool read_embed(struct arena *a, const struct json_node *body, size_t n, struct embed_response *out,
                       struct err *e)
{
	return openai_embed_codec.read_response(a, body, n, out, e);
}

static bool write_embed_response(struct arena *a, const struct embed_request *rq, const struct embed_response *rs,
                                 const struct chat_reply *reply, struct buf *out)
{
	return openai_embed_codec.write_response(a, rq, rs, reply, out);
}

const struct embed_codec voyage_embed_codec = {
	.batch_max = 1000,
	.read_request = read_embed_request,
	.write_request = write_embed,
	.read_response = read_embed,
	.write_response = write_embed_response,
};

void voyage_init(void) { request_reader_init(&request, request_names); }

const struct dialect dialect_voyage = {
	.id = DIALECT_VOYAGE,
	.name = "voyage",
	.version = STR_INIT("/v1"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = openai_read_answer,
	.embed = &voyage_embed_codec,
	.rerank = &voyage_rerank_codec,
};
