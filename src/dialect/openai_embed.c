/* SPDX-License-Identifier: Apache-2.0 */
/* openai_embed: OpenAI's Embeddings, for clients and providers of other dialects. */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/dialect_in.h"
#include "dialect/embed.h"
#include "model/quirk.h"

enum { BODY_MAX = 1 << 30 };

static bool is_full(struct err *e, enum err_code code)
{
	return err_set(e, code, "there is more of it than can be held");
}

/* ---- the client's request ---------------------------------------------------------------------------------------- */

/* [1, 2, 3] is one input of tokens, [[1, 2], [3]] are two. */
static bool read_tokens(struct arena *a, const struct json_node *list, struct embed_request *rq, struct err *e)
{
	bool one = node_is(node_first(list), JSON_NUMBER);
	size_t i = 0;

	rq->many = !one;
	if (!embed_inputs(a, rq, one ? 1 : list->children, e))
		return err_prefix(e, "input");
	if (one) {
		rq->inputs[0].tokens = node_raw(list);
		return true;
	}
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), i++) {
		if (!node_is(m, JSON_ARRAY))
			return err_set(e, ERR_INVALID_REQUEST,
			               "input[%zu]: must be a list of token numbers like the first", i);
		rq->inputs[i].tokens = node_raw(m);
	}
	return true;
}

static bool read_input(struct arena *a, const struct json_node *input, struct embed_request *rq, struct err *e)
{
	const struct json_node *first = node_is(input, JSON_ARRAY) ? node_first(input) : NULL;

	if (first && (first->type == JSON_NUMBER || first->type == JSON_ARRAY))
		return read_tokens(a, input, rq, e);
	return embed_read_texts(a, input, "input", rq, e);
}

static bool read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct embed_request *out, struct err *e)
{
	*out = (struct embed_request){ .from = DIALECT_OPENAI_EMBEDDINGS, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return is_full(e, ERR_TOO_LARGE);
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m)) {
		bool good = true;

		if (m->type == JSON_NULL || node_named(m, STR("model")))
			continue;
		if (node_named(m, STR("input"))) {
			if (!read_input(a, m, out, e))
				return false;
		} else if (node_named(m, STR("dimensions"))) {
			if (node_i64(m, 0) <= 0)
				return err_set(e, ERR_INVALID_REQUEST,
				               "dimensions: must be a whole number above 0, not %.*s",
				               STR_ARG(text_utf8_cut(node_raw(m), 64)));
			out->dimensions = node_raw(m);
		} else if (node_named(m, STR("encoding_format"))) {
			out->base64 = node_is_word(m, STR("base64"));
			if (!out->base64 && !node_is_word(m, STR("float")))
				return err_set(e, ERR_INVALID_REQUEST,
				               "encoding_format: must be \"float\" or \"base64\", not %.*s",
				               STR_ARG(text_utf8_cut(node_raw(m), 64)));
		} else if (node_named(m, STR("user"))) {
			out->user = node_text(m);
		} else if (node_named(m, STR("input_type")) || node_named(m, STR("task")) ||
		           node_named(m, STR("task_type"))) {
			out->task = (uint8_t)embed_task_by_word(node_text(m));
			if (!out->task)
				good = chat_extra_add(a, &out->extras, DIALECT_OPENAI_EMBEDDINGS, node_key(m),
				                      node_raw(m));
		} else {
			good = chat_extra_add(a, &out->extras, DIALECT_OPENAI_EMBEDDINGS, node_key(m), node_raw(m));
		}
		if (!good)
			return is_full(e, ERR_TOO_LARGE);
	}
	return out->n || err_set(e, ERR_INVALID_REQUEST, "input: must be a text or a list of texts");
}

/* ---- the provider's request -------------------------------------------------------------------------------------- */

static bool put_inputs(struct arena *a, struct json_writer *w, const struct embed_request *rq, size_t from, size_t n,
                       struct err *e)
{
	json_key_lit(w, "input");
	json_open(w, '[');
	for (size_t i = from; i < from + n; i++) {
		struct jstr text;

		if (rq->inputs[i].tokens.p) {
			json_raw(w, rq->inputs[i].tokens);
			continue;
		}
		if (!embed_only_text(a, rq, i, &text, e))
			return false;
		json_jstr(w, text);
	}
	json_close(w);
	return true;
}

/* NIM's words, which are those of most who ask for it (rule M3). */
static void put_task(struct json_writer *w, const struct embed_request *rq, size_t from, struct embed_wire *out)
{
	enum embed_task task = embed_task_of(rq, from);

	if (task == EMBED_TASK_UNSET || task == EMBED_DOCUMENT || task == EMBED_QUERY) {
		json_key_lit(w, "input_type");
		json_str(w, task == EMBED_QUERY ? STR("query") : STR("passage"));
	} else {
		chat_drop(&out->drops, "task");
	}
}

static void report(const struct embed_request *rq, struct embed_wire *out)
{
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from != DIALECT_OPENAI_EMBEDDINGS)
			chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
	for (size_t i = 0; i < rq->n; i++)
		if (rq->inputs[i].title.p)
			chat_drop(&out->drops, "title");
	if (rq->truncate != TRI_UNSET)
		chat_drop(&out->drops, "truncate");
}

static bool write_request(struct arena *a, const struct embed_request *rq, size_t from, size_t n,
                          const struct chat_target *to, struct embed_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	bool good;

	assert(n > 0 && from + n <= rq->n);
	out->call = CALL_EMBED;
	json_open(&w, '{');
	json_key_lit(&w, "model");
	json_jstr(&w, to->model);
	good = put_inputs(a, &w, rq, from, n, e);
	if (good) {
		if (rq->dimensions.n) {
			json_key_lit(&w, "dimensions");
			json_raw(&w, rq->dimensions);
		}
		if (rq->base64) {
			json_key_lit(&w, "encoding_format");
			json_str(&w, STR("base64"));
		}
		if (rq->user.p) {
			json_key_lit(&w, "user");
			json_jstr(&w, rq->user);
		}
		if (to->quirks & QUIRK_INPUT_TYPE)
			put_task(&w, rq, from, out);
		else if (embed_task_of(rq, from))
			chat_drop(&out->drops, "task");
		json_close(&w);
		report(rq, out);
		out->body = json_write_done(&w) ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
		good = out->body.p || is_full(e, ERR_TOO_LARGE);
	}
	buf_fini(&body);
	return good;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool read_response(struct arena *a, const struct json_node *body, size_t n, struct embed_response *out,
                          struct err *e)
{
	const struct json_node *data = node_get(body, STR("data"));
	struct embed_response rs = { .n = n, .id = node_get_text(body, STR("id")),
		                     .model = node_get_text(body, STR("model")) };
	int64_t place = 0;

	if (!node_is(data, JSON_ARRAY) || data->children != n)
		return err_set(e, ERR_UPSTREAM, "the provider's answer must have %zu embeddings", n);
	rs.vectors = arena_zalloc(a, n * sizeof *rs.vectors);
	if (!rs.vectors)
		return is_full(e, ERR_UPSTREAM);
	for (const struct json_node *m = node_first(data); m; m = node_next(data, m), place++) {
		int64_t i = node_i64(node_get(m, STR("index")), place);
		struct embed_vector *v = i >= 0 && (uint64_t)i < n ? &rs.vectors[i] : NULL;

		if (!v || v->floats.p || v->base64.p || !embed_read_vector(node_get(m, STR("embedding")), v))
			return err_set(e, ERR_UPSTREAM, "the provider's embedding %lld is none", (long long)place);
	}
	openai_usage_read(node_raw(node_get(body, STR("usage"))), &rs.usage);
	*out = rs;
	return true;
}

static bool write_response(struct arena *a, const struct embed_request *rq, const struct embed_response *rs,
                           const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	uint64_t tokens = usage_total_input(&rs->usage);

	json_open(&w, '{');
	json_key_lit(&w, "object");
	json_str(&w, STR("list"));
	json_key_lit(&w, "data");
	json_open(&w, '[');
	for (size_t i = 0; i < rs->n; i++) {
		struct jstr base64 = rq->base64 ? embed_base64(a, &rs->vectors[i]) : (struct jstr){ 0 };
		struct str floats = rq->base64 ? str_of(NULL, 0) : embed_floats(a, &rs->vectors[i]);

		if (!base64.p && !floats.p)
			return false;
		json_open(&w, '{');
		json_key_lit(&w, "object");
		json_str(&w, STR("embedding"));
		json_key_lit(&w, "index");
		json_u64(&w, i);
		json_key_lit(&w, "embedding");
		if (rq->base64)
			json_jstr(&w, base64);
		else
			json_raw(&w, floats);
		json_close(&w);
	}
	json_close(&w);
	json_key_lit(&w, "model");
	json_jstr(&w, reply->model.p ? reply->model : rs->model);
	/* the SDKs want the member; of what is not known there is nothing to count */
	json_key_lit(&w, "usage");
	json_open(&w, '{');
	json_key_lit(&w, "prompt_tokens");
	json_u64(&w, tokens);
	json_key_lit(&w, "total_tokens");
	json_u64(&w, tokens);
	json_close(&w);
	json_close(&w);
	return json_write_done(&w);
}

const struct embed_codec openai_embed_codec = {
	.batch_max = 2048,
	.read_request = read_request,
	.write_request = write_request,
	.read_response = read_response,
	.write_response = write_response,
};
