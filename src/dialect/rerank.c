/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rerank: the dialects of rerankers. They differ in names: Cohere and Jina, whom most servers follow (llama.cpp, vLLM,
 * Infinity, LocalAI and others), say top_n and results, Voyage top_k and data. Cohere is paid by the search and says
 * so, the others by the token.
 */

#include "base/text.h"
#include "dialect/cohere_in.h"
#include "dialect/rerank.h"

enum { BODY_MAX = 1 << 30 };

/* ---- requests that are read -------------------------------------------------------------------------------------- */

/* {"text": "…"}, or any members, of which a text is made, a line for each (docs.cohere.com, semi-structured data). */
static bool read_object(struct arena *a, const struct json_node *v, struct jstr *out)
{
	struct buf all = buf_make(BODY_MAX);
	struct str text;

	*out = node_get_text(v, STR("text"));
	if (out->p)
		return true;
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		struct jstr value = node_is(m, JSON_STRING) ? node_text(m) : jstr_from(a, node_raw(m));

		buf_append_jstr(&all, node_key(m));
		buf_append(&all, STR(": "));
		buf_append_jstr(&all, value);
		buf_append(&all, STR("\\n"));
	}
	text = all.failed ? str_of(NULL, 0) : arena_dup(a, buf_str(&all));
	buf_fini(&all);
	*out = jstr_of(text.p, text.n);
	return text.p != NULL;
}

static bool read_documents(struct arena *a, const struct json_node *list, struct rerank_request *rq, struct err *e)
{
	size_t i = 0;

	if (!node_is(list, JSON_ARRAY) || list->children == 0)
		return err_set(e, ERR_INVALID_REQUEST, "documents: must be a list of texts that is not empty");
	if (list->children > RERANK_DOCUMENTS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "documents: has %u elements; at most %d are allowed",
		               list->children, RERANK_DOCUMENTS_MAX);
	rq->n = list->children;
	rq->documents = arena_zalloc(a, rq->n * sizeof *rq->documents);
	if (!rq->documents)
		return openai_full(e);
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), i++) {
		struct rerank_document *d = &rq->documents[i];

		d->raw = node_raw(v);
		if (node_is(v, JSON_STRING))
			d->text = node_text(v);
		else if (!node_is(v, JSON_OBJECT))
			return err_set(e, ERR_INVALID_REQUEST, "documents[%zu]: must be a text or an object, not %.*s",
			               i, STR_ARG(text_utf8_cut(node_raw(v), 64)));
		else if (!read_object(a, v, &d->text))
			return openai_full(e);
	}
	return true;
}

static bool read_top(const struct json_node *m, struct rerank_request *rq, struct err *e)
{
	rq->top_n = node_i64(m, 0);
	return rq->top_n > 0 || err_set(e, ERR_INVALID_REQUEST, "%.*s: must be a whole number above 0, not %.*s",
	                                STR_ARG(node_key(m)), STR_ARG(text_utf8_cut(node_raw(m), 64)));
}

static bool read_member(struct arena *a, const struct json_node *m, struct rerank_request *rq, struct err *e)
{
	if (m->type == JSON_NULL || node_named(m, STR("model")))
		return true;
	if (node_named(m, STR("query"))) {
		rq->query = node_text(m);
		return true;
	}
	if (node_named(m, STR("documents")))
		return read_documents(a, m, rq, e);
	if (node_named(m, STR("top_n")) || node_named(m, STR("top_k")))
		return read_top(m, rq, e);
	if (node_named(m, STR("return_documents"))) {
		rq->return_documents = node_true(m);
		return true;
	}
	if (node_named(m, STR("truncation"))) {
		rq->truncate = (uint8_t)tri_of(node_true(m));
		return true;
	}
	if (node_named(m, STR("max_tokens_per_doc")) && m->type == JSON_NUMBER) {
		rq->max_tokens_per_doc = node_raw(m);
		return true;
	}
	return chat_extra_add(a, &rq->extras, rq->from, node_key(m), node_raw(m)) || openai_full(e);
}

static bool read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct rerank_request *out, struct err *e)
{
	*out = (struct rerank_request){ .from = (uint8_t)in->dialect->id, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return openai_full(e);
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m))
		if (!read_member(a, m, out, e))
			return false;
	if (out->query.n == 0)
		return err_set(e, ERR_INVALID_REQUEST, "query: must be a text that is not empty");
	return out->n || err_set(e, ERR_INVALID_REQUEST, "documents: must be a list of texts that is not empty");
}

/* ---- requests that are written ----------------------------------------------------------------------------------- */

struct names {
	enum dialect_id id;
	const char *top;
	bool truncation, max_tokens;     /* it has these members */
};

static void report(const struct rerank_request *rq, const struct names *names, struct rerank_wire *out)
{
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from != names->id)
			chat_drop(&out->drops, "%.*s", STR_ARG(x->name));
	if (rq->max_tokens_per_doc.n && !names->max_tokens)
		chat_drop(&out->drops, "max_tokens_per_doc");
	if (rq->truncate != TRI_UNSET && !names->truncation)
		chat_drop(&out->drops, "truncation");
}

static bool write_as(struct arena *a, const struct rerank_request *rq, const struct chat_target *to,
                     const struct names *names, struct rerank_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);

	json_open(&w, '{');
	json_key_lit(&w, "model");
	json_jstr(&w, to->model);
	json_key_lit(&w, "query");
	json_jstr(&w, rq->query);
	json_key_lit(&w, "documents");
	json_open(&w, '[');
	for (size_t i = 0; i < rq->n; i++)
		json_jstr(&w, rq->documents[i].text);
	json_close(&w);
	if (rq->top_n) {
		json_key(&w, str_from_z(names->top));
		json_i64(&w, rq->top_n);
	}
	if (names->max_tokens && rq->max_tokens_per_doc.n) {
		json_key_lit(&w, "max_tokens_per_doc");
		json_raw(&w, rq->max_tokens_per_doc);
	}
	if (names->truncation && rq->truncate != TRI_UNSET) {
		json_key_lit(&w, "truncation");
		json_bool(&w, rq->truncate == TRI_YES);
	}
	json_close(&w);
	report(rq, names, out);
	out->body = json_write_done(&w) ? arena_dup(a, buf_str(&body)) : str_of(NULL, 0);
	buf_fini(&body);
	return out->body.p || openai_full(e);
}

static bool cohere_write(struct arena *a, const struct rerank_request *rq, const struct chat_target *to,
                         struct rerank_wire *out, struct err *e)
{
	return write_as(a, rq, to, &(struct names){ DIALECT_COHERE, "top_n", false, true }, out, e);
}

static bool rerank_write(struct arena *a, const struct rerank_request *rq, const struct chat_target *to,
                         struct rerank_wire *out, struct err *e)
{
	return write_as(a, rq, to, &(struct names){ DIALECT_RERANK, "top_n", false, false }, out, e);
}

static bool voyage_write(struct arena *a, const struct rerank_request *rq, const struct chat_target *to,
                         struct rerank_wire *out, struct err *e)
{
	return write_as(a, rq, to, &(struct names){ DIALECT_VOYAGE, "top_k", true, false }, out, e);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void read_usage(const struct json_node *body, struct usage *out)
{
	const struct json_node *meta = node_get(body, STR("meta")), *usage = node_get(body, STR("usage"));

	if (node_is(node_get(meta, STR("billed_units")), JSON_OBJECT))
		cohere_usage(meta, out);
	else if (node_is(usage, JSON_OBJECT))
		openai_usage_read(node_raw(usage), out);
}

/* Whoever names it how: the list, and each one's score. */
static bool read_response(struct arena *a, const struct json_node *body, size_t n, struct rerank_response *out,
                          struct err *e)
{
	const struct json_node *list = node_get(body, STR("results"));
	struct rerank_response rs = { .id = node_get_text(body, STR("id")),
		                      .model = node_get_text(body, STR("model")) };

	if (!list)
		list = node_get(body, STR("data"));
	if (!node_is(list, JSON_ARRAY) || list->children > n)
		return err_set(e, ERR_UPSTREAM, "the provider's answer must have results, at most %zu", n);
	rs.results = arena_zalloc(a, (size_t)list->children * sizeof *rs.results + 1);
	if (!rs.results)
		return openai_full(e);
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		const struct json_node *score = node_get_some(v, STR("relevance_score"));
		int64_t index = node_i64(node_get(v, STR("index")), -1);

		if (!score)
			score = node_get(v, STR("score"));
		if (index < 0 || (uint64_t)index >= n || !node_is(score, JSON_NUMBER))
			return err_set(e, ERR_UPSTREAM, "the provider's result %zu is none", rs.n);
		rs.results[rs.n++] = (struct rerank_result){ (size_t)index, node_raw(score) };
	}
	read_usage(body, &rs.usage);
	*out = rs;
	return true;
}

static void put_document(struct json_writer *w, const struct rerank_request *rq, size_t i, bool plain)
{
	json_key_lit(w, "document");
	if (rq->documents[i].raw.p[0] == '{' || plain) {
		json_raw(w, rq->documents[i].raw);
		return;
	}
	json_open(w, '{');
	json_key_lit(w, "text");
	json_jstr(w, rq->documents[i].text);
	json_close(w);
}

static void put_results(struct json_writer *w, const struct rerank_request *rq, const struct rerank_response *rs,
                        bool plain)
{
	json_open(w, '[');
	for (size_t i = 0; i < rs->n && (rq->top_n == 0 || i < (uint64_t)rq->top_n); i++) {
		json_open(w, '{');
		json_key_lit(w, "index");
		json_u64(w, rs->results[i].index);
		json_key_lit(w, "relevance_score");
		json_raw(w, rs->results[i].score);
		if (rq->return_documents)
			put_document(w, rq, rs->results[i].index, plain);
		json_close(w);
	}
	json_close(w);
}

static void put_id(struct json_writer *w, const struct rerank_response *rs, const struct chat_reply *reply)
{
	json_key_lit(w, "id");
	json_jstr(w, rs->id.n ? rs->id : reply->id);
}

/* What was not told is left out: a search of one unit may have been none. */
static void put_billed(struct json_writer *w, const struct usage *u)
{
	json_key_lit(w, "meta");
	json_open(w, '{');
	json_key_lit(w, "api_version");
	json_open(w, '{');
	json_key_lit(w, "version");
	json_str(w, STR("2"));
	json_close(w);
	if (u->source != USAGE_NONE) {
		json_key_lit(w, "billed_units");
		json_open(w, '{');
		if (u->calls[CALLS_SEARCH]) {
			json_key_lit(w, "search_units");
			json_u64(w, u->calls[CALLS_SEARCH]);
		}
		if (usage_total_input(u)) {
			json_key_lit(w, "input_tokens");
			json_u64(w, usage_total_input(u));
		}
		json_close(w);
	}
	json_close(w);
}

static void put_tokens(struct json_writer *w, const struct usage *u)
{
	uint64_t tokens = usage_total_input(u);

	json_key_lit(w, "usage");
	json_open(w, '{');
	json_key_lit(w, "prompt_tokens");
	json_u64(w, tokens);
	json_key_lit(w, "total_tokens");
	json_u64(w, tokens);
	json_close(w);
}

static bool cohere_answer(const struct rerank_request *rq, const struct rerank_response *rs,
                          const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	put_id(&w, rs, reply);
	json_key_lit(&w, "results");
	put_results(&w, rq, rs, false);
	put_billed(&w, &rs->usage);
	json_close(&w);
	return json_write_done(&w);
}

/* Of Jina's clients some are Cohere's, of version 1: they find what they look for too. */
static bool rerank_answer(const struct rerank_request *rq, const struct rerank_response *rs,
                          const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	put_id(&w, rs, reply);
	json_key_lit(&w, "object");
	json_str(&w, STR("list"));
	json_key_lit(&w, "model");
	json_jstr(&w, reply->model.p ? reply->model : rs->model);
	json_key_lit(&w, "results");
	put_results(&w, rq, rs, false);
	if (usage_total_input(&rs->usage))
		put_tokens(&w, &rs->usage);
	put_billed(&w, &rs->usage);
	json_close(&w);
	return json_write_done(&w);
}

static bool voyage_answer(const struct rerank_request *rq, const struct rerank_response *rs,
                          const struct chat_reply *reply, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	json_key_lit(&w, "object");
	json_str(&w, STR("list"));
	json_key_lit(&w, "data");
	put_results(&w, rq, rs, true);
	json_key_lit(&w, "model");
	json_jstr(&w, reply->model.p ? reply->model : rs->model);
	put_tokens(&w, &rs->usage);
	json_close(&w);
	return json_write_done(&w);
}

const struct rerank_codec cohere_rerank_codec = { read_request, cohere_write, read_response, cohere_answer };
const struct rerank_codec rerank_rerank_codec = { read_request, rerank_write, read_response, rerank_answer };
const struct rerank_codec voyage_rerank_codec = { read_request, voyage_write, read_response, voyage_answer };

/* ---- the record -------------------------------------------------------------------------------------------------- */

static const char *const request_names[REQUEST_MEMBERS] = { [REQUEST_MODEL] = "model" };
static struct request_reader request;

static const char *const usage_numbers[] = {
	"meta.billed_units.search_units", "meta.billed_units.input_tokens", "usage.total_tokens", "usage.prompt_tokens",
};
static const char *const answer_paths[] = { "error" };
static struct json_plan answer_plan;

static bool read_head(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	request_begin(out, &dialect_rerank, CALL_RERANK);
	return request_read_body(arena, &request, in->body, true, out, e);
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return STR("/rerank");
}

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	int64_t n[COUNT_OF(usage_numbers)], tokens;
	struct usage u = { .source = USAGE_REPORTED };
	struct json_hit hit[1];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, n, &fault) || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (hit_is_error(&hit[0]))
		return answer_error(body, error);
	tokens = n[2] != JSON_NO_NUMBER ? n[2] : n[3] != JSON_NO_NUMBER ? n[3] : n[1];
	if (tokens == JSON_NO_NUMBER && n[0] == JSON_NO_NUMBER)
		return ANSWER_OK;
	usage_set(&u, USAGE_INPUT, tokens == JSON_NO_NUMBER ? 0 : tokens);
	if (n[0] != JSON_NO_NUMBER)
		usage_set_calls(&u, CALLS_SEARCH, n[0]);
	*usage = u;
	return ANSWER_OK;
}

void rerank_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, COUNT_OF(answer_paths), 0);
	json_plan_numbers(&answer_plan, usage_numbers, COUNT_OF(usage_numbers));
}

const struct dialect dialect_rerank = {
	.id = DIALECT_RERANK,
	.name = "rerank",
	.version = STR_INIT("/v1"),
	.read_request = read_head,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.rerank = &rerank_rerank_codec,
};
