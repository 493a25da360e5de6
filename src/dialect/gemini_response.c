/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_response: whole answers of generateContent, read and written. */

#include <assert.h>

#include "base/arena.h"
#include "dialect/gemini_in.h"

static bool is_full(struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "the provider's answer needs more memory than it may have");
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reading {
	struct arena *arena;
	struct jstr id;                  /* the answer's, for ids of calls */
	unsigned calls, searches;        /* over all candidates */
	struct err *err;
};

static bool read_part(struct reading *r, const struct json_node *part, struct chat_block ***end, bool *called)
{
	struct chat_block *b = arena_alloc(r->arena, sizeof *b), *signature;
	bool full = false;

	if (!b)
		return is_full(r->err);
	if (!gemini_part_read(r->arena, part, false, b, r->err)) {
		err_prefix(r->err, "a part of the provider's answer cannot be read");
		r->err->code = ERR_UPSTREAM;
		return false;
	}
	if (gemini_part_is_empty(b))
		return true;
	if (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_FUNCTION) {
		*called = true;
		if (!b->id.p)
			b->id = gemini_call_id(r->arena, r->id, r->calls);
		r->calls++;
		full = !b->id.p;
	}
	signature = full ? NULL : gemini_signature_block(r->arena, b, &full);
	if (full)
		return is_full(r->err);
	if (signature && b->text.n == 0) {           /* only the signature was in it */
		b = signature;
		signature = NULL;
	}
	**end = b;
	*end = &b->next;
	if (signature) {
		**end = signature;
		*end = &signature->next;
	}
	return true;
}

/* What has no place in the neutral model goes back to Gemini's clients as it is. */
static bool keep_rest(struct reading *r, const struct json_node *object, const struct str *known, size_t n,
                      struct chat_extra **out)
{
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m)) {
		bool is_known = m->type == JSON_NULL;

		for (size_t i = 0; i < n && !is_known; i++)
			is_known = gemini_named(m, known[i]);
		if (!is_known && !chat_extra_add(r->arena, out, DIALECT_GEMINI, node_key(m), node_raw(m)))
			return is_full(r->err);
	}
	return true;
}

static bool read_candidate(struct reading *r, const struct json_node *candidate, struct chat_output *out)
{
	static const struct str known[] = { STR_INIT("content"), STR_INIT("finishReason"), STR_INIT("index"),
		                            STR_INIT("logprobsResult") };
	const struct json_node *parts = gemini_get(gemini_get(candidate, STR("content")), STR("parts"));
	struct chat_block **end = &out->blocks;
	bool called = false;

	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p))
		if (!read_part(r, p, &end, &called))
			return false;
	r->searches += gemini_searches(candidate);
	out->finish = gemini_finish_read(candidate);
	if (out->finish.stop == STOP_END && called)
		out->finish.stop = STOP_TOOL;
	out->logprobs = gemini_logprobs_read(r->arena, candidate);
	return (gemini_citations_read(r->arena, candidate, out->blocks, NULL, false) || is_full(r->err)) &&
	       keep_rest(r, candidate, known, COUNT_OF(known), &out->extras);
}

bool gemini_read_response(struct arena *a, const struct chat_source *from, const struct json_node *body,
                          struct chat_response *out, struct err *e)
{
	static const struct str known[] = { STR_INIT("candidates"), STR_INIT("responseId"), STR_INIT("modelVersion"),
		                            STR_INIT("usageMetadata") };
	const struct json_node *list = gemini_get(body, STR("candidates")),
			       *meta = gemini_get(body, STR("usageMetadata"));
	struct reading r = { .arena = a, .id = gemini_get_text(body, STR("responseId")), .err = e };
	struct chat_finish blocked = gemini_block_read(body);
	struct chat_response answer = { .from = DIALECT_GEMINI, .id = r.id,
		                        .model = gemini_get_text(body, STR("modelVersion")),
		                        .service_tier = gemini_get_text(meta, STR("serviceTier")) };
	struct chat_output **end = &answer.outputs;

	if (!answer.model.p)
		answer.model = from->model;
	gemini_usage_read(meta, &answer.usage);
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
			struct chat_output *output = arena_zalloc(a, sizeof *output);
			if (!output)
				return is_full(e);
			if (!read_candidate(&r, c, output))
				return false;
			*end = output;
			end = &output->next;
		}
	usage_set_calls(&answer.usage, CALLS_WEB_SEARCH, r.searches);
	if (!answer.outputs) {
		if (blocked.stop == STOP_NONE)
			return err_set(e, ERR_UPSTREAM, "the provider's answer has no candidates");
		answer.outputs = arena_zalloc(a, sizeof *answer.outputs);
		if (!answer.outputs)
			return is_full(e);
		answer.outputs->finish = blocked;
	}
	if (!keep_rest(&r, body, known, COUNT_OF(known), &answer.extras))
		return false;
	*out = answer;
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_reasoning(struct gemini_put *put, const struct chat_block *b)
{
	struct chat_opaque none = { 0 };

	for (const struct chat_block *part = b->blocks; part; part = part->next) {
		bool last = !part->next && !b->text.n;
		gemini_put_text(put, part->text, true, last ? &b->opaque : &none);
	}
	if (b->text.n || (!b->blocks && b->opaque.bytes.p))
		/* Gemini's own signature without words stands on an empty text, which is no thought */
		gemini_put_text(put, b->text, b->text.n || b->opaque.maker != MAKER_GEMINI, &b->opaque);
}

static void put_call(struct gemini_put *put, const struct chat_block *b)
{
	bool odd;
	struct str args = chat_args_json(put->arena, &b->args, &odd);

	put->full |= !args.p;
	if (args.p)
		gemini_put_call(put, b->id, b->name, args, &b->opaque);
}

static void put_block(struct gemini_put *put, const struct chat_block *b)
{
	bool ours = b->raw.p && b->from == DIALECT_GEMINI;

	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
		if (b->text.n || b->opaque.bytes.p)
			gemini_put_text(put, b->text, false, &b->opaque);
		return;
	case CHAT_REASONING: put_reasoning(put, b); return;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
		if (b->media)
			gemini_put_media(put, b);
		return;
	case CHAT_TOOL_CALL:
		if (b->tool != TOOL_SERVER) {
			put_call(put, b);
			return;
		}
		break;
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	if (ours)
		json_raw(put->w, b->raw);
	else
		chat_drop(put->drops, "%s", chat_kind_name((enum chat_kind)b->kind));
}

/* Offsets in characters back into bytes of the text. */
static int64_t byte_of(struct jstr s, int64_t chars)
{
	int64_t bytes = 0, seen = 0;

	for (const char *p = s.p, *end = s.p + s.n; p < end && seen < chars;) {
		char utf8[4];

		if (*p == '\\') {
			size_t n = json_take_escape(&p, end, utf8);
			if (n == 0)
				break;
			bytes += (int64_t)n;
		} else {
			do {
				p++;
				bytes++;
			} while (p < end && (*p & 0xc0) == 0x80);
		}
		seen++;
	}
	return bytes;
}

/* Sources of other dialects as groundingMetadata: one chunk and one support each. */
static void put_grounding(struct json_writer *w, const struct chat_block *blocks)
{
	unsigned n = 0;

	json_key_lit(w, "groundingMetadata");
	json_open(w, '{');
	json_key_lit(w, "groundingChunks");
	json_open(w, '[');
	for (const struct chat_block *b = blocks; b; b = b->next)
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			json_open(w, '{');
			json_key_lit(w, "web");
			json_open(w, '{');
			json_key_lit(w, "uri");
			json_jstr(w, c->url);
			json_key_lit(w, "title");
			json_jstr(w, c->title);
			json_close(w);
			json_close(w);
		}
	json_close(w);
	json_key_lit(w, "groundingSupports");
	json_open(w, '[');
	for (const struct chat_block *b = blocks; b; b = b->next)
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			json_open(w, '{');
			json_key_lit(w, "segment");
			json_open(w, '{');
			if (c->start >= 0 && c->end >= c->start) {
				json_key_lit(w, "startIndex");
				json_i64(w, byte_of(b->text, c->start));
				json_key_lit(w, "endIndex");
				json_i64(w, byte_of(b->text, c->end));
			}
			json_key_lit(w, "text");
			json_jstr(w, c->quote);
			json_close(w);
			json_key_lit(w, "groundingChunkIndices");
			json_open(w, '[');
			json_u64(w, n++);
			json_close(w);
			json_close(w);
		}
	json_close(w);
	json_close(w);
}

static void put_extras(struct json_writer *w, const struct chat_extra *x)
{
	for (; x; x = x->next)
		if (x->from == DIALECT_GEMINI) {
			json_key_jstr(w, x->name);
			json_raw(w, x->raw);
		}
}

static bool has_citations(const struct chat_block *blocks)
{
	for (; blocks; blocks = blocks->next)
		if (blocks->citations && blocks->citations->from != DIALECT_GEMINI)
			return true;
	return false;
}

static void put_output(struct gemini_put *put, const struct chat_output *o, unsigned index)
{
	struct json_writer *w = put->w;
	size_t before;

	json_open(w, '{');
	json_key_lit(w, "content");
	json_open(w, '{');
	json_key_lit(w, "parts");
	json_open(w, '[');
	before = w->out->n;
	for (const struct chat_block *b = o->blocks; b; b = b->next)
		put_block(put, b);
	if (w->out->n == before && o->finish.stop != STOP_FILTER) {
		struct chat_opaque none = { 0 };
		gemini_put_text(put, JSTR(""), false, &none);
	}
	json_close(w);
	json_key_lit(w, "role");
	json_str(w, STR("model"));
	json_close(w);
	json_key_lit(w, "finishReason");
	json_str(w, gemini_finish_word(&o->finish));
	json_key_lit(w, "index");
	json_u64(w, index);
	if (has_citations(o->blocks))
		put_grounding(w, o->blocks);
	gemini_logprobs_write(put->arena, w, o->logprobs);
	put_extras(w, o->extras);
	json_close(w);
}

bool gemini_write_response(struct arena *a, const struct chat_response *rs, const struct chat_reply *reply,
                           struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	struct gemini_put put = { .arena = a, .w = &w, .drops = drops };
	unsigned index = 0;

	json_open(&w, '{');
	json_key_lit(&w, "candidates");
	json_open(&w, '[');
	for (const struct chat_output *o = rs->outputs; o; o = o->next)
		put_output(&put, o, index++);
	json_close(&w);
	if (rs->usage.source != USAGE_NONE) {
		json_key_lit(&w, "usageMetadata");
		gemini_usage_write(&w, &rs->usage);
	}
	json_key_lit(&w, "modelVersion");
	json_jstr(&w, rs->model.p ? rs->model : reply->model);
	json_key_lit(&w, "responseId");
	json_jstr(&w, rs->id.p ? rs->id : reply->id);
	put_extras(&w, rs->extras);
	json_close(&w);
	chat_drop_answer(drops, rs, ANSWER_LOGPROBS);
	return json_write_done(&w) && !put.full;
}
