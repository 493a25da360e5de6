/* SPDX-License-Identifier: Apache-2.0 */
/* ollama_embed: /api/embed, and the older /api/embeddings of clients: one prompt, one vector. */

#include <assert.h>

#include "dialect/embed.h"
#include "dialect/ollama_in.h"

enum { BODY_MAX = 1 << 30 };

static bool read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct embed_request *out, struct err *e)
{
	bool older = str_eq(in->tail, STR("/embeddings"));
	struct str input = older ? STR("prompt") : STR("input");

	*out = (struct embed_request){ .from = DIALECT_OLLAMA, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return openai_full(e);
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m)) {
		if (m->type == JSON_NULL || node_named(m, STR("model")))
			continue;
		if (node_named(m, input)) {
			if (!embed_read_texts(a, m, older ? "prompt" : "input", out, e))
				return false;
		} else if (node_named(m, STR("truncate"))) {
			out->truncate = (uint8_t)tri_of(node_true(m));
		} else if (node_named(m, STR("dimensions"))) {
			if (node_i64(m, 0) <= 0)
				return err_set(e, ERR_INVALID_REQUEST, "dimensions: must be a whole number above 0");
			out->dimensions = node_raw(m);
		} else if (!chat_extra_add(a, &out->extras, DIALECT_OLLAMA, node_key(m), node_raw(m))) {
			return openai_full(e);
		}
	}
	if (older && out->n > 1)
		return err_set(e, ERR_INVALID_REQUEST, "prompt: must be one text");
	out->many = !older;                      /* the form of the answer */
	return out->n || err_set(e, ERR_INVALID_REQUEST, "%s: must be a text%s", older ? "prompt" : "input",
	                         older ? "" : " or a list of texts");
}

static void report(const struct embed_request *rq, size_t from, struct embed_wire *out)
{
	if (embed_task_of(rq, from))
		chat_drop(&out->drops, "task");
	if (rq->user.p)
		chat_drop(&out->drops, "user");
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from != DIALECT_OLLAMA)
			chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
}

static bool write_request(struct arena *a, const struct embed_request *rq, size_t from, size_t n,
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
		if (rq->dimensions.n) {
			json_key_lit(&w, "dimensions");
			json_raw(&w, rq->dimensions);
		}
		if (rq->truncate != TRI_UNSET) {
			json_key_lit(&w, "truncate");
			json_bool(&w, rq->truncate == TRI_YES);
		}
		json_close(&w);
		report(rq, from, out);
		out->body = json_write_done(&w) ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
		good = out->body.p || openai_full(e);
	}
	buf_fini(&body);
	return good;
}

static bool read_response(struct arena *a, const struct json_node *body, size_t n, struct embed_response *out,
                          struct err *e)
{
	const struct json_node *list = node_get(body, STR("embeddings"));
	struct embed_response rs = { .n = n, .model = node_get_text(body, STR("model")) };
	const struct json_node *used = node_get(body, STR("prompt_eval_count"));
	size_t i = 0;

	if (!node_is(list, JSON_ARRAY) || list->children != n)
		return err_set(e, ERR_UPSTREAM, "the provider's answer must have %zu embeddings", n);
	rs.vectors = arena_zalloc(a, n * sizeof *rs.vectors);
	if (!rs.vectors)
		return openai_full(e);
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), i++)
		if (!embed_read_vector(m, &rs.vectors[i]))
			return err_set(e, ERR_UPSTREAM, "the provider's embedding %zu is none", i);
	if (used)
		ollama_usage(node_i64(used, JSON_NO_NUMBER), JSON_NO_NUMBER, &rs.usage);
	*out = rs;
	return true;
}

static bool write_response(struct arena *a, const struct embed_request *rq, const struct embed_response *rs,
                           const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	if (rq->many) {
		json_key_lit(&w, "model");
		json_jstr(&w, reply->model.p ? reply->model : rs->model);
		json_key_lit(&w, "embeddings");
		json_open(&w, '[');
	} else {
		json_key_lit(&w, "embedding");
	}
	for (size_t i = 0; i < (rq->many ? rs->n : 1); i++) {
		struct str floats = embed_floats(a, &rs->vectors[i]);

		if (!floats.p)
			return false;
		json_raw(&w, floats);
	}
	if (rq->many) {
		json_close(&w);
		if (rs->usage.source != USAGE_NONE) {
			json_key_lit(&w, "prompt_eval_count");
			json_u64(&w, usage_total_input(&rs->usage));
		}
	}
	json_close(&w);
	return json_write_done(&w);
}

const struct embed_codec ollama_embed_codec = {
	.read_request = read_request,
	.write_request = write_request,
	.read_response = read_response,
	.write_response = write_response,
};
