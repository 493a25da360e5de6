/* SPDX-License-Identifier: Apache-2.0 */
/* embed_shared: what the codecs of embeddings have in common. */

#include "base/arena.h"
#include "base/text.h"
#include "dialect/embed.h"

struct embed_input *embed_inputs(struct arena *a, struct embed_request *rq, size_t n, struct err *e)
{
	if (n == 0) {
		err_set(e, ERR_INVALID_REQUEST, "the input must not be empty");
		return NULL;
	}
	if (n > EMBED_INPUTS_MAX) {
		err_set(e, ERR_INVALID_REQUEST, "the input has %zu elements; at most %d are allowed", n,
		        EMBED_INPUTS_MAX);
		return NULL;
	}
	rq->inputs = arena_zalloc(a, n * sizeof *rq->inputs);
	rq->n = n;
	if (!rq->inputs)
		err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	return rq->inputs;
}

bool embed_read_texts(struct arena *a, const struct json_node *list, const char *name, struct embed_request *rq,
                      struct err *e)
{
	size_t i = 0;

	rq->many = node_is(list, JSON_ARRAY);
	if (node_is(list, JSON_STRING)) {
		if (!embed_inputs(a, rq, 1, e))
			return err_prefix(e, "%s", name);
		rq->inputs[0].text = node_text(list);
		return true;
	}
	if (!rq->many)
		return err_set(e, ERR_INVALID_REQUEST, "%s: must be a text or a list of texts", name);
	if (!embed_inputs(a, rq, list->children, e))
		return err_prefix(e, "%s", name);
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), i++) {
		if (!node_is(m, JSON_STRING))
			return err_set(e, ERR_INVALID_REQUEST, "%s[%zu]: must be a text, not %.*s", name, i,
			               STR_ARG(text_utf8_cut(node_raw(m), 64)));
		rq->inputs[i].text = node_text(m);
	}
	return true;
}

bool embed_only_text(struct arena *a, const struct embed_request *rq, size_t i, struct jstr *out, struct err *e)
{
	const struct embed_input *in = &rq->inputs[i];
	struct jstr text = in->text;

	if (in->tokens.p)
		return err_set(e, ERR_INVALID_REQUEST,
		               "input[%zu]: must be a text; the provider knows no token numbers", i);
	for (const struct chat_block *b = in->media; b; b = b->next) {
		if (b->kind != CHAT_TEXT)
			return err_set(e, ERR_INVALID_REQUEST, "input[%zu]: must be a text; the provider takes no %s",
			               i, chat_kind_name((enum chat_kind)b->kind));
		if (text.n)
			text = jstr_concat(a, text, JSTR("\\n"));
		if (text.p || !in->text.p)
			text = jstr_concat(a, text, b->text);
		if (!text.p)
			return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	}
	*out = text.p ? text : JSTR("");
	return true;
}

bool embed_read_vector(const struct json_node *v, struct embed_vector *out)
{
	*out = (struct embed_vector){ .base64 = node_text(v) };
	if (out->base64.p)
		return true;
	if (!node_is(v, JSON_ARRAY) || v->children > EMBED_DIMENSIONS_MAX)
		return false;
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m))
		if (!node_is(m, JSON_NUMBER))
			return false;
	out->floats = node_raw(v);
	return true;
}

enum embed_task embed_task_by_word(struct jstr word)
{
	static const struct { struct str word; enum embed_task task; } words[] = {
		{ STR_INIT("query"), EMBED_QUERY },
		{ STR_INIT("search_query"), EMBED_QUERY },
		{ STR_INIT("retrieval_query"), EMBED_QUERY },
		{ STR_INIT("retrieval.query"), EMBED_QUERY },
		{ STR_INIT("document"), EMBED_DOCUMENT },
		{ STR_INIT("passage"), EMBED_DOCUMENT },
		{ STR_INIT("search_document"), EMBED_DOCUMENT },
		{ STR_INIT("retrieval_document"), EMBED_DOCUMENT },
		{ STR_INIT("retrieval.passage"), EMBED_DOCUMENT },
		{ STR_INIT("semantic_similarity"), EMBED_SIMILARITY },
		{ STR_INIT("text-matching"), EMBED_SIMILARITY },
		{ STR_INIT("classification"), EMBED_CLASSIFICATION },
		{ STR_INIT("clustering"), EMBED_CLUSTERING },
		{ STR_INIT("separation"), EMBED_CLUSTERING },
		{ STR_INIT("question_answering"), EMBED_QUESTION },
		{ STR_INIT("fact_verification"), EMBED_FACT },
		{ STR_INIT("code_retrieval_query"), EMBED_CODE },
		{ STR_INIT("code.query"), EMBED_CODE },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_ieq(jstr_raw(word), words[i].word))
			return words[i].task;
	return EMBED_TASK_UNSET;
}
