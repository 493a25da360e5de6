/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_embed: embedContent and batchEmbedContents, for clients and providers of other dialects. */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/embed.h"
#include "dialect/gemini_in.h"

enum { BODY_MAX = 1 << 30 };

static bool is_full(struct err *e, enum err_code code)
{
	return err_set(e, code, "there is more of it than can be held");
}

/* ai.google.dev/api/embeddings#TaskType */
static const struct str task_words[EMBED_TASKS] = {
	[EMBED_QUERY] = STR_INIT("RETRIEVAL_QUERY"),
	[EMBED_DOCUMENT] = STR_INIT("RETRIEVAL_DOCUMENT"),
	[EMBED_SIMILARITY] = STR_INIT("SEMANTIC_SIMILARITY"),
	[EMBED_CLASSIFICATION] = STR_INIT("CLASSIFICATION"),
	[EMBED_CLUSTERING] = STR_INIT("CLUSTERING"),
	[EMBED_QUESTION] = STR_INIT("QUESTION_ANSWERING"),
	[EMBED_FACT] = STR_INIT("FACT_VERIFICATION"),
	[EMBED_CODE] = STR_INIT("CODE_RETRIEVAL_QUERY"),
};

/* ---- the client's request ---------------------------------------------------------------------------------------- */

/* One text stays one; several parts, or other things, are blocks. */
static bool read_content(struct arena *a, const struct json_node *content, struct embed_input *in, struct err *e)
{
	const struct json_node *parts = gemini_get(content, STR("parts"));
	struct chat_block **end = &in->media;

	if (!gemini_first(parts))
		return err_set(e, ERR_INVALID_REQUEST, "content.parts: must hold at least one part");
	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p)) {
		struct chat_block *b = arena_alloc(a, sizeof *b);

		if (!b)
			return is_full(e, ERR_TOO_LARGE);
		if (!gemini_part_read(a, p, true, b, e))
			return err_prefix(e, "content.parts");
		*end = b;
		end = &b->next;
	}
	if (in->media->kind == CHAT_TEXT && !in->media->next) {
		in->text = in->media->text;
		in->media = NULL;
	}
	return true;
}

/* The members of an EmbedContentRequest. The first dimensions found are those of all. */
static bool read_one(struct arena *a, const struct json_node *body, struct embed_request *rq, struct embed_input *in,
                     struct err *e)
{
	bool found = false;

	for (const struct json_node *m = node_first(body); m; m = node_next(body, m)) {
		if (m->type == JSON_NULL || node_named(m, STR("model")))
			continue;
		if (node_named(m, STR("content"))) {
			found = true;
			if (!read_content(a, m, in, e))
				return false;
		} else if (gemini_named(m, STR("taskType"))) {
			in->task = (uint8_t)embed_task_by_word(node_text(m));
		} else if (node_named(m, STR("title"))) {
			in->title = node_text(m);
		} else if (gemini_named(m, STR("outputDimensionality"))) {
			if (node_i64(m, 0) <= 0)
				return err_set(e, ERR_INVALID_REQUEST,
				               "outputDimensionality: must be a whole number above 0, not %.*s",
				               STR_ARG(text_utf8_cut(node_raw(m), 64)));
			rq->dimensions = node_raw(m);
		} else if (gemini_named(m, STR("autoTruncate"))) {
			rq->truncate = (uint8_t)tri_of(node_true(m));
		} else if (!chat_extra_add(a, &rq->extras, DIALECT_GEMINI, node_key(m), node_raw(m))) {
			return is_full(e, ERR_TOO_LARGE);
		}
	}
	return found || err_set(e, ERR_INVALID_REQUEST, "content: must be there");
}

static bool read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct embed_request *out, struct err *e)
{
	const struct json_node *list = gemini_get(body, STR("requests"));
	size_t i = 0;

	*out = (struct embed_request){ .from = DIALECT_GEMINI, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return is_full(e, ERR_TOO_LARGE);
	out->many = in->call == CALL_EMBED_BATCH;
	if (!out->many)
		return embed_inputs(a, out, 1, e) && read_one(a, body, out, &out->inputs[0], e);
	if (!node_is(list, JSON_ARRAY))
		return err_set(e, ERR_INVALID_REQUEST, "requests: must be a list of requests");
	if (!embed_inputs(a, out, list->children, e))
		return err_prefix(e, "requests");
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), i++)
		if (!read_one(a, m, out, &out->inputs[i], e))
			return err_prefix(e, "requests[%zu]", i);
	return true;
}

/* ---- the provider's request -------------------------------------------------------------------------------------- */

static bool put_parts(struct gemini_put *put, const struct embed_request *rq, size_t i, struct err *e)
{
	const struct embed_input *in = &rq->inputs[i];

	if (in->tokens.p)
		return err_set(e, ERR_INVALID_REQUEST,
		               "input[%zu]: must be a text; the provider knows no token numbers", i);
	if (in->text.p)
		gemini_put_text(put, in->text, false, NULL);
	for (const struct chat_block *b = in->media; b; b = b->next) {
		if (b->kind == CHAT_TEXT)
			gemini_put_text(put, b->text, false, NULL);
		else if (b->media)
			gemini_put_media(put, b);
	}
	return true;
}

static bool put_one(struct gemini_put *put, const struct embed_request *rq, size_t i, const struct chat_target *to,
                    struct err *e)
{
	struct json_writer *w = put->w;
	enum embed_task task = embed_task_of(rq, i);
	struct jstr model = jstr_concat(put->arena, JSTR("models/"), to->model);

	put->full |= !model.p;
	json_open(w, '{');
	json_key_lit(w, "model");
	json_jstr(w, model);
	json_key_lit(w, "content");
	json_open(w, '{');
	json_key_lit(w, "parts");
	json_open(w, '[');
	if (!put_parts(put, rq, i, e))
		return false;
	json_close(w);
	json_close(w);
	if (task != EMBED_TASK_UNSET) {
		json_key_lit(w, "taskType");
		json_str(w, task_words[task]);
	}
	if (rq->inputs[i].title.n) {
		json_key_lit(w, "title");
		json_jstr(w, rq->inputs[i].title);
	}
	if (rq->dimensions.n) {
		json_key_lit(w, "outputDimensionality");
		json_raw(w, rq->dimensions);
	}
	if (rq->truncate != TRI_UNSET) {
		json_key_lit(w, "autoTruncate");
		json_bool(w, rq->truncate == TRI_YES);
	}
	json_close(w);
	return true;
}

static bool write_request(struct arena *a, const struct embed_request *rq, size_t from, size_t n,
                          const struct chat_target *to, struct embed_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	struct gemini_put put = { .arena = a, .w = &w, .drops = &out->drops };
	bool good = true;

	assert(n > 0 && from + n <= rq->n);
	out->call = n == 1 ? CALL_EMBED : CALL_EMBED_BATCH;
	if (n > 1) {
		json_open(&w, '{');
		json_key_lit(&w, "requests");
		json_open(&w, '[');
	}
	for (size_t i = from; i < from + n && good; i++)
		good = put_one(&put, rq, i, to, e);
	if (good) {
		if (n > 1) {
			json_close(&w);
			json_close(&w);
		}
		if (rq->user.p)
			chat_drop(&out->drops, "user");
		for (const struct chat_extra *x = rq->extras; x; x = x->next)
			if (x->from != DIALECT_GEMINI)
				chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
		out->body = json_write_done(&w) && !put.full ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
		good = out->body.p || is_full(e, ERR_TOO_LARGE);
	}
	buf_fini(&body);
	return good;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* One of them, or a list of them. */
static bool read_response(struct arena *a, const struct json_node *body, size_t n, struct embed_response *out,
                          struct err *e)
{
	const struct json_node *one = gemini_get(body, STR("embedding")), *list = gemini_get(body, STR("embeddings"));
	struct embed_response rs = { .n = n };
	size_t i = 0;

	if (one ? n != 1 : !node_is(list, JSON_ARRAY) || list->children != n)
		return err_set(e, ERR_UPSTREAM, "the provider's answer must have %zu embeddings", n);
	rs.vectors = arena_zalloc(a, n * sizeof *rs.vectors);
	if (!rs.vectors)
		return is_full(e, ERR_UPSTREAM);
	for (const struct json_node *m = one ? one : node_first(list); m; m = one ? NULL : node_next(list, m), i++)
		if (!embed_read_vector(gemini_get(m, STR("values")), &rs.vectors[i]))
			return err_set(e, ERR_UPSTREAM, "the provider's embedding %zu is none", i);
	gemini_usage_read(gemini_get(body, STR("usageMetadata")), &rs.usage);
	*out = rs;
	return true;
}

static bool put_vector(struct arena *a, struct json_writer *w, const struct embed_vector *v)
{
	struct str floats = embed_floats(a, v);

	if (!floats.p)
		return false;
	json_open(w, '{');
	json_key_lit(w, "values");
	json_raw(w, floats);
	json_close(w);
	return true;
}

static bool write_response(struct arena *a, const struct embed_request *rq, const struct embed_response *rs,
                           const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	if (rq->many) {
		json_key_lit(&w, "embeddings");
		json_open(&w, '[');
		for (size_t i = 0; i < rs->n; i++)
			if (!put_vector(a, &w, &rs->vectors[i]))
				return false;
		json_close(&w);
	} else {
		json_key_lit(&w, "embedding");
		if (!put_vector(a, &w, &rs->vectors[0]))
			return false;
	}
	if (rs->usage.source != USAGE_NONE) {
		json_key_lit(&w, "usageMetadata");
		json_open(&w, '{');
		json_key_lit(&w, "promptTokenCount");
		json_u64(&w, usage_total_input(&rs->usage));
		json_key_lit(&w, "totalTokenCount");
		json_u64(&w, usage_total_input(&rs->usage));
		json_close(&w);
	}
	json_close(&w);
	return json_write_done(&w);
}

const struct embed_codec gemini_embed_codec = {
	.batch_max = 100,
	.read_request = read_request,
	.write_request = write_request,
	.read_response = read_response,
	.write_response = write_response,
};
