/* SPDX-License-Identifier: Apache-2.0 */
/* cohere_embed: /v2/embed, for clients and providers of other dialects. The purpose is mandatory there (rule M3). */

#include <assert.h>

#include "base/text.h"
#include "dialect/cohere_in.h"
#include "dialect/embed.h"

enum { BODY_MAX = 1 << 30 };

/* What Cohere does not know is nearest to what is searched. */
static const struct str task_words[EMBED_TASKS] = {
	[EMBED_TASK_UNSET] = STR_INIT("search_document"), [EMBED_QUERY] = STR_INIT("search_query"),
	[EMBED_DOCUMENT] = STR_INIT("search_document"),   [EMBED_SIMILARITY] = STR_INIT("clustering"),
	[EMBED_CLASSIFICATION] = STR_INIT("classification"), [EMBED_CLUSTERING] = STR_INIT("clustering"),
	[EMBED_QUESTION] = STR_INIT("search_query"),      [EMBED_FACT] = STR_INIT("search_query"),
	[EMBED_CODE] = STR_INIT("search_query"),
};

/* ---- the client's request ---------------------------------------------------------------------------------------- */

static bool add_image(struct arena *a, struct jstr url, struct chat_block ***end, struct err *e)
{
	struct chat_block *b = chat_block_add(a, end, CHAT_IMAGE);

	if (!b || !(b->media = arena_zalloc(a, sizeof *b->media)))
		return openai_full(e);
	return chat_media_read_url(a, url, b->media, e);
}

/* [{"content": [{"type": "text", "text"}, {"type": "image_url", "image_url": {"url"}}]}] */
static bool read_inputs(struct arena *a, const struct json_node *list, struct embed_request *rq, struct err *e)
{
	size_t i = 0;

	if (!node_is(list, JSON_ARRAY))
		return err_set(e, ERR_INVALID_REQUEST, "inputs: must be a list of objects with content");
	if (!embed_inputs(a, rq, list->children, e))
		return err_prefix(e, "inputs");
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), i++) {
		const struct json_node *content = node_get(v, STR("content"));
		struct chat_block **end = &rq->inputs[i].media, *b;

		for (const struct json_node *p = node_is(content, JSON_ARRAY) ? node_first(content) : NULL; p;
		     p = node_next(content, p)) {
			if (node_is_word(node_get(p, STR("type")), STR("text"))) {
				b = chat_block_add(a, &end, CHAT_TEXT);
				if (!b)
					return openai_full(e);
				b->text = node_get_text(p, STR("text"));
			} else if (!add_image(a, node_get_text(node_get(p, STR("image_url")), STR("url")), &end, e)) {
				return err_prefix(e, "inputs[%zu].content", i);
			}
		}
		if (!rq->inputs[i].media)
			return err_set(e, ERR_INVALID_REQUEST, "inputs[%zu].content: must hold at least one part", i);
	}
	return true;
}

static bool read_images(struct arena *a, const struct json_node *list, struct embed_request *rq, struct err *e)
{
	size_t i = 0;

	if (!node_is(list, JSON_ARRAY))
		return err_set(e, ERR_INVALID_REQUEST, "images: must be a list of data URLs");
	if (!embed_inputs(a, rq, list->children, e))
		return err_prefix(e, "images");
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), i++) {
		struct chat_block **end = &rq->inputs[i].media;

		if (!add_image(a, node_text(v), &end, e))
			return err_prefix(e, "images[%zu]", i);
	}
	return true;
}

/* One form of vectors is given: numbers, or their base64. */
static bool read_types(const struct json_node *list, struct embed_request *rq, struct err *e)
{
	bool floats = false;

	for (const struct json_node *v = node_is(list, JSON_ARRAY) ? node_first(list) : NULL; v;
	     v = node_next(list, v)) {
		bool base64 = node_is_word(v, STR("base64"));

		if (!base64 && !node_is_word(v, STR("float")))
			return err_set(e, ERR_INVALID_REQUEST, "embedding_types: must be float or base64, not %.*s",
			               STR_ARG(text_utf8_cut(node_raw(v), 64)));
		rq->base64 |= base64;
		floats |= !base64;
	}
	rq->base64 &= !floats;
	return true;
}

static bool read_member(struct arena *a, const struct json_node *m, struct embed_request *rq, struct err *e)
{
	if (m->type == JSON_NULL || node_named(m, STR("model")))
		return true;
	if (node_named(m, STR("texts")))
		return m->children == 0 || embed_read_texts(a, m, "texts", rq, e);
	if (node_named(m, STR("inputs")))
		return m->children == 0 || read_inputs(a, m, rq, e);
	if (node_named(m, STR("images")))
		return m->children == 0 || read_images(a, m, rq, e);
	if (node_named(m, STR("embedding_types")))
		return read_types(m, rq, e);
	if (node_named(m, STR("input_type"))) {
		rq->task = (uint8_t)embed_task_by_word(node_text(m));
		return true;
	}
	if (node_named(m, STR("truncate"))) {
		rq->truncate = (uint8_t)tri_of(!node_is_word(m, STR("NONE")));
		return true;
	}
	if (node_named(m, STR("output_dimension"))) {
		if (node_i64(m, 0) <= 0)
			return err_set(e, ERR_INVALID_REQUEST, "output_dimension: must be a whole number above 0");
		rq->dimensions = node_raw(m);
		return true;
	}
	return chat_extra_add(a, &rq->extras, DIALECT_COHERE, node_key(m), node_raw(m)) || openai_full(e);
}

static bool read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct embed_request *out, struct err *e)
{
	*out = (struct embed_request){ .from = DIALECT_COHERE, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return openai_full(e);
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m))
		if (!read_member(a, m, out, e))
			return false;
	out->many = true;
	return out->n || err_set(e, ERR_INVALID_REQUEST, "texts: must be a list of texts that is not empty");
}

/* ---- the provider's request -------------------------------------------------------------------------------------- */

static bool holds_media(const struct embed_request *rq, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		for (const struct chat_block *b = rq->inputs[i].media; b; b = b->next)
			if (b->kind != CHAT_TEXT)
				return true;
	return false;
}

static void put_text_part(struct json_writer *w, struct jstr text)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("text"));
	json_key_lit(w, "text");
	json_jstr(w, text);
	json_close(w);
}

static bool put_input(struct arena *a, struct json_writer *w, const struct embed_request *rq, size_t i, struct err *e)
{
	const struct embed_input *in = &rq->inputs[i];

	if (in->tokens.p)
		return err_set(e, ERR_INVALID_REQUEST,
		               "input[%zu]: must be a text; the provider knows no token numbers", i);
	json_open(w, '{');
	json_key_lit(w, "content");
	json_open(w, '[');
	if (in->text.p)
		put_text_part(w, in->text);
	for (const struct chat_block *b = in->media; b; b = b->next) {
		struct jstr url = { 0 };

		if (b->kind == CHAT_TEXT) {
			put_text_part(w, b->text);
			continue;
		}
		if (b->kind == CHAT_IMAGE && b->media)
			url = b->media->from == MEDIA_BYTES ? chat_media_data_url(a, b->media) : b->media->data;
		if (!url.p)
			return err_set(e, ERR_INVALID_REQUEST,
			               "input[%zu]: must be of texts and images; the provider takes no %s", i,
			               chat_kind_name((enum chat_kind)b->kind));
		json_open(w, '{');
		json_key_lit(w, "type");
		json_str(w, STR("image_url"));
		json_key_lit(w, "image_url");
		json_open(w, '{');
		json_key_lit(w, "url");
		json_jstr(w, url);
		json_close(w);
		json_close(w);
	}
	json_close(w);
	json_close(w);
	return true;
}

static bool put_inputs(struct arena *a, struct json_writer *w, const struct embed_request *rq, size_t from, size_t n,
                       struct err *e)
{
	bool media = holds_media(rq, from, n);

	json_key(w, media ? STR("inputs") : STR("texts"));
	json_open(w, '[');
	for (size_t i = from; i < from + n; i++) {
		struct jstr text;

		if (media) {
			if (!put_input(a, w, rq, i, e))
				return false;
			continue;
		}
		if (!embed_only_text(a, rq, i, &text, e))
			return false;
		json_jstr(w, text);
	}
	json_close(w);
	return true;
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
	json_key_lit(&w, "input_type");
	json_str(&w, task_words[embed_task_of(rq, from)]);
	json_key_lit(&w, "embedding_types");
	json_open(&w, '[');
	json_str(&w, STR("float"));
	json_close(&w);
	good = put_inputs(a, &w, rq, from, n, e);
	if (good) {
		if (rq->dimensions.n) {
			json_key_lit(&w, "output_dimension");
			json_raw(&w, rq->dimensions);
		}
		if (rq->truncate != TRI_UNSET) {
			json_key_lit(&w, "truncate");
			json_str(&w, rq->truncate == TRI_YES ? STR("END") : STR("NONE"));
		}
		json_close(&w);
		if (rq->user.p)
			chat_drop(&out->drops, "user");
		for (const struct chat_extra *x = rq->extras; x; x = x->next)
			if (x->from != DIALECT_COHERE)
				chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
		out->body = json_write_done(&w) ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
		good = out->body.p || openai_full(e);
	}
	buf_fini(&body);
	return good;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool read_response(struct arena *a, const struct json_node *body, size_t n, struct embed_response *out,
                          struct err *e)
{
	const struct json_node *list = node_get(body, STR("embeddings"));
	struct embed_response rs = { .n = n, .id = node_get_text(body, STR("id")) };
	size_t i = 0;

	if (node_is(list, JSON_OBJECT))                      /* else it is of version 1 */
		list = node_get_some(list, STR("float"));
	if (!node_is(list, JSON_ARRAY) || list->children != n)
		return err_set(e, ERR_UPSTREAM, "the provider's answer must have %zu embeddings", n);
	rs.vectors = arena_zalloc(a, n * sizeof *rs.vectors);
	if (!rs.vectors)
		return openai_full(e);
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), i++)
		if (!embed_read_vector(m, &rs.vectors[i]))
			return err_set(e, ERR_UPSTREAM, "the provider's embedding %zu is none", i);
	cohere_usage(node_get(body, STR("meta")), &rs.usage);
	*out = rs;
	return true;
}

static bool put_vectors(struct arena *a, struct json_writer *w, const struct embed_request *rq,
                        const struct embed_response *rs)
{
	json_key_lit(w, "embeddings");
	json_open(w, '{');
	json_key(w, rq->base64 ? STR("base64") : STR("float"));
	json_open(w, '[');
	for (size_t i = 0; i < rs->n; i++) {
		struct jstr base64 = rq->base64 ? embed_base64(a, &rs->vectors[i]) : (struct jstr){ 0 };
		struct str floats = rq->base64 ? str_of(NULL, 0) : embed_floats(a, &rs->vectors[i]);

		if (!base64.p && !floats.p)
			return false;
		if (rq->base64)
			json_jstr(w, base64);
		else
			json_raw(w, floats);
	}
	json_close(w);
	json_close(w);
	return true;
}

static bool write_response(struct arena *a, const struct embed_request *rq, const struct embed_response *rs,
                           const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	json_key_lit(&w, "id");
	json_jstr(&w, rs->id.n ? rs->id : reply->id);
	if (!put_vectors(a, &w, rq, rs))
		return false;
	json_key_lit(&w, "texts");
	json_open(&w, '[');
	for (size_t i = 0; i < rq->n; i++)
		if (rq->inputs[i].text.p)
			json_jstr(&w, rq->inputs[i].text);
	json_close(&w);
	json_key_lit(&w, "response_type");
	json_str(&w, STR("embeddings_by_type"));
	if (rs->usage.source != USAGE_NONE) {
		json_key_lit(&w, "meta");
		json_open(&w, '{');
		json_key_lit(&w, "billed_units");
		json_open(&w, '{');
		json_key_lit(&w, "input_tokens");
		json_u64(&w, usage_total_input(&rs->usage));
		json_close(&w);
		json_close(&w);
	}
	json_close(&w);
	return json_write_done(&w);
}

const struct embed_codec cohere_embed_codec = {
	.batch_max = 96,
	.read_request = read_request,
	.write_request = write_request,
	.read_response = read_response,
	.write_response = write_response,
};
