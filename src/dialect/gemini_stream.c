/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_stream: a stream of streamGenerateContent, read. Each event is a whole answer that goes on where the last one
 * was (rules H1 to H3). A finish reason may come before the last part, and in each event, so that how it ended is told
 * when the transport ends, with the usage of the last event: counts are cumulative.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "dialect/gemini_in.h"
#include "dialect/gemini_partial.h"

/* What one event is read with. */
struct reading {
	struct gemini_reader *r;
	struct arena *arena;
	struct chat_events *out;
	uint32_t index;                  /* of the choice */
	struct err *err;
};

static bool is_full(struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "an event of the provider's stream needs more memory than it may have");
}

static struct gemini_choice *choice_of(struct reading *g) { return &g->r->choice[g->index]; }

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static bool emit_delta(struct reading *g, enum chat_delta_kind kind, struct jstr text)
{
	struct chat_event *e = chat_delta_add(g->arena, g->out, choice_of(g)->block, kind, text);

	if (e)
		e->choice = g->index;
	return e || is_full(g->err);
}

static bool flush_audio(struct reading *g)
{
	struct gemini_choice *c = choice_of(g);
	struct buf b = buf_make(8);
	struct str last;

	if (!c->carry_n)
		return true;
	text_base64(&b, str_of(c->carry, c->carry_n));
	last = arena_dup(g->arena, buf_str(&b));
	buf_fini(&b);
	c->carry_n = 0;
	return last.p ? emit_delta(g, DELTA_DATA, jstr_of(last.p, last.n)) : is_full(g->err);
}

static bool close_block(struct reading *g)
{
	struct gemini_choice *c = choice_of(g);
	struct chat_event *e;

	if (!c->open)
		return true;
	if (!flush_audio(g))
		return false;
	e = chat_event_add(g->arena, g->out, EVENT_CLOSE);
	if (!e)
		return is_full(g->err);
	e->choice = g->index;
	e->block = c->block;
	c->open = false;
	return true;
}

static bool open_block(struct reading *g, const struct chat_block *b)
{
	struct gemini_choice *c = choice_of(g);
	struct chat_event *e;

	if (!close_block(g))
		return false;
	e = chat_event_add(g->arena, g->out, EVENT_OPEN);
	if (!e)
		return is_full(g->err);
	c->block = g->r->blocks++;
	c->kind = b->kind;
	c->open = true;
	e->choice = g->index;
	e->block = c->block;
	e->open = b;
	return true;
}

static bool is_wide(struct jstr s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0x80) || (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'u'))
			return true;
	return false;
}

/* Text and thoughts go on over events; a signature ends them. */
static bool read_words(struct reading *g, struct chat_block *b)
{
	struct gemini_choice *c = choice_of(g);
	struct chat_block *start, *signature;
	struct jstr text = b->text;
	bool full = false;

	signature = gemini_signature_block(g->arena, b, &full);
	if (full)
		return is_full(g->err);
	if (b->kind == CHAT_TEXT)
		c->wide |= is_wide(text);
	if (text.n && !(c->open && c->kind == b->kind)) {
		start = arena_zalloc(g->arena, sizeof *start);
		if (!start)
			return is_full(g->err);
		start->kind = b->kind;
		if (!open_block(g, start))
			return false;
	}
	if (text.n && !emit_delta(g, DELTA_TEXT, text))
		return false;
	if (signature)
		return open_block(g, signature) && close_block(g);
	if (!b->opaque.bytes.p)
		return true;
	if (!(c->open && c->kind == CHAT_REASONING))
		return open_block(g, b) && close_block(g);
	if (!emit_delta(g, DELTA_OPAQUE, (struct jstr){ 0 }))
		return false;
	g->out->last->delta.opaque = b->opaque;
	return close_block(g);
}

static bool start_call(struct reading *g, struct chat_block *b)
{
	struct gemini_choice *c = choice_of(g);

	c->called = true;
	if (!b->id.p)
		b->id = gemini_call_id(g->arena, jstr_of(g->r->id, g->r->id_n), g->r->calls);
	g->r->calls++;
	return b->id.p ? open_block(g, b) : is_full(g->err);
}

static bool read_call(struct reading *g, struct chat_block *b)
{
	struct jstr args = chat_args_text(g->arena, &b->args);

	b->args = (struct chat_args){ 0 };
	if (!args.p)
		return is_full(g->err);
	return start_call(g, b) && emit_delta(g, DELTA_ARGS, args) && close_block(g);
}

/* Each piece of a voice is base64 of its own; joined they must be one: threes of bytes go on, the rest waits. */
static struct jstr join_audio(struct reading *g, struct jstr piece)
{
	struct gemini_choice *c = choice_of(g);
	struct buf bytes = buf_make(piece.n + 4), text = buf_make(piece.n * 2 + 16);
	struct str out = { 0 };
	size_t whole;

	if (!c->carry_n && piece.n % 4 == 0 && piece.n && piece.p[piece.n - 1] != '=')
		return piece;
	buf_append(&bytes, str_of(c->carry, c->carry_n));
	if (text_from_base64(&bytes, jstr_raw(piece))) {
		whole = bytes.n - bytes.n % 3;
		c->carry_n = (uint8_t)(bytes.n - whole);
		memcpy(c->carry, bytes.p + whole, c->carry_n);
		text_base64(&text, str_of(bytes.p, whole));
		out = whole ? arena_dup(g->arena, buf_str(&text)) : STR("");
	}
	buf_fini(&bytes);
	buf_fini(&text);
	return jstr_of(out.p, out.n);
}

static bool read_media(struct reading *g, struct chat_block *b)
{
	struct gemini_choice *c = choice_of(g);
	struct jstr data = b->media->data;
	bool goes_on = c->open && c->kind == CHAT_AUDIO && b->kind == CHAT_AUDIO;

	if (b->media->from != MEDIA_BYTES || (b->kind != CHAT_AUDIO && b->kind != CHAT_IMAGE))
		return open_block(g, b) && close_block(g);
	b->media->data = (struct jstr){ 0 };
	if (!goes_on && !open_block(g, b))
		return false;
	if (b->kind == CHAT_IMAGE)
		return emit_delta(g, DELTA_DATA, data) && close_block(g);
	data = join_audio(g, data);
	if (!data.p)
		return err_set(g->err, ERR_UPSTREAM, "the provider's audio is not base64");
	return !data.n || emit_delta(g, DELTA_DATA, data);
}

/* ---- arguments in pieces ----------------------------------------------------------------------------------------- */

static bool in_pieces(struct reading *g, const struct json_node *call)
{
	return (g->r->partial && g->r->partial_choice == g->index) || gemini_get(call, STR("partialArgs")) ||
	       node_true(gemini_get(call, STR("willContinue")));
}

static bool read_pieces(struct reading *g, const struct json_node *call, const struct json_node *part)
{
	const struct json_node *list = gemini_get(call, STR("partialArgs"));
	struct gemini_reader *r = g->r;
	struct buf text = buf_make((size_t)part->n + 256);
	struct jstr args;
	bool good = true;

	if (r->partial && r->partial_choice != g->index)
		return err_set(g->err, ERR_UPSTREAM, "two calls in pieces at once");
	if (!r->partial) {
		struct chat_block *b = arena_alloc(g->arena, sizeof *b);

		if (!b)
			return is_full(g->err);
		if (!gemini_part_read(g->arena, part, false, b, g->err))
			return false;
		b->args = (struct chat_args){ 0 };
		if (!start_call(g, b))
			return false;
		r->partial = mem_zalloc(sizeof *r->partial);
		r->partial_choice = g->index;
	}
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *m = node_first(list); m && good; m = node_next(list, m))
			good = gemini_partial_add(r->partial, m, &text);
	if (!node_true(gemini_get(call, STR("willContinue"))))
		gemini_partial_end(r->partial, &text);
	struct str copy = arena_dup(g->arena, buf_str(&text));
	good = good && !text.failed;
	buf_fini(&text);
	if (!good)
		return err_set(g->err, ERR_UPSTREAM, "the provider's pieces of a call cannot be put together");
	args = copy.p ? jstr_from(g->arena, copy) : (struct jstr){ 0 };
	if (!args.p)
		return is_full(g->err);
	if (args.n && !emit_delta(g, DELTA_ARGS, args))
		return false;
	if (node_true(gemini_get(call, STR("willContinue"))))
		return true;
	free(r->partial);
	r->partial = NULL;
	return close_block(g);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool read_part(struct reading *g, const struct json_node *part)
{
	const struct json_node *call = gemini_get(part, STR("functionCall"));
	struct chat_block *b;

	if (node_is(call, JSON_OBJECT) && in_pieces(g, call))
		return read_pieces(g, call, part);
	b = arena_alloc(g->arena, sizeof *b);
	if (!b)
		return is_full(g->err);
	if (!gemini_part_read(g->arena, part, false, b, g->err)) {
		err_prefix(g->err, "a part of the provider's stream cannot be read");
		g->err->code = ERR_UPSTREAM;
		return false;
	}
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REASONING: return gemini_part_is_empty(b) || read_words(g, b);
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT: return read_media(g, b);
	case CHAT_TOOL_CALL:
		if (b->tool == TOOL_FUNCTION)
			return read_call(g, b);
		break;
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_REFUSAL:
	case CHAT_KINDS: break;
	}
	return open_block(g, b) && close_block(g);
}

static void note_finish(struct reading *g, const struct chat_finish *f)
{
	struct gemini_choice *c = choice_of(g);

	if (f->stop == STOP_NONE)
		return;
	c->seen = true;
	c->stop = f->stop;
	c->word_n = (uint8_t)(f->raw.n <= GEMINI_WORD_MAX ? f->raw.n : 0);
	if (c->word_n)
		memcpy(c->word, f->raw.p, c->word_n);
}

/* Sources, of the text that is open. */
static bool read_sources(struct reading *g, const struct json_node *candidate)
{
	struct chat_citation *list = NULL, *next;
	struct gemini_choice *c = choice_of(g);

	if (!c->open || c->kind != CHAT_TEXT)
		return true;
	if (!gemini_citations_read(g->arena, candidate, NULL, &list, !c->wide))
		return is_full(g->err);
	for (; list; list = next) {
		next = list->next;
		list->next = NULL;
		if (!emit_delta(g, DELTA_CITATION, (struct jstr){ 0 }))
			return false;
		g->out->last->delta.citation = list;
	}
	return true;
}

static bool read_candidate(struct reading *g, const struct json_node *candidate)
{
	const struct json_node *parts = gemini_get(gemini_get(candidate, STR("content")), STR("parts"));
	struct chat_finish finish = gemini_finish_read(candidate);
	struct str logprobs;

	choice_of(g)->seen = true;
	if (gemini_searches(candidate) > g->r->searches)     /* told again with each event */
		g->r->searches = gemini_searches(candidate);
	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p))
		if (!read_part(g, p))
			return false;
	note_finish(g, &finish);
	if (!read_sources(g, candidate))
		return false;
	logprobs = gemini_logprobs_read(g->arena, candidate);
	if (!logprobs.p || !choice_of(g)->open)
		return true;
	if (!emit_delta(g, DELTA_LOGPROBS, (struct jstr){ 0 }))
		return false;
	g->out->last->delta.raw = logprobs;
	return true;
}

static bool start(struct reading *g, const struct json_node *root)
{
	struct gemini_reader *r = g->r;
	struct jstr id = gemini_get_text(root, STR("responseId"));
	struct jstr model = gemini_get_text(root, STR("modelVersion"));
	struct chat_event *e;

	if (r->started)
		return true;
	r->started = true;
	r->id_n = (uint8_t)(id.n <= GEMINI_ID_MAX ? id.n : 0);
	if (r->id_n)
		memcpy(r->id, id.p, r->id_n);
	e = chat_event_add(g->arena, g->out, EVENT_START);
	if (!e)
		return is_full(g->err);
	e->start.id = id;
	e->start.model = model.p ? model : jstr_of(r->model_n ? r->model : NULL, r->model_n);
	e->start.service_tier = gemini_get_text(gemini_get(root, STR("usageMetadata")), STR("serviceTier"));
	return true;
}

static bool finish(struct reading *g)
{
	struct gemini_reader *r = g->r;
	struct chat_event *e;
	unsigned n = 0;

	for (g->index = 0; g->index < GEMINI_CHOICES; g->index++) {
		struct gemini_choice *c = choice_of(g);

		if (!c->seen)
			continue;
		n++;
		if (c->stop == STOP_NONE || r->partial)
			return err_set(g->err, ERR_UPSTREAM, "the provider's stream ended in the middle");
		if (!close_block(g))
			return false;
		e = chat_event_add(g->arena, g->out, EVENT_FINISH);
		if (!e)
			return is_full(g->err);
		e->choice = g->index;
		e->finish.stop = c->stop == STOP_END && c->called ? STOP_TOOL : c->stop;
		if (c->word_n)
			e->finish.raw = jstr_of(c->word, c->word_n);
	}
	if (!n)
		return err_set(g->err, ERR_UPSTREAM, "the provider's stream ended in the middle");
	if (r->usage.source != USAGE_NONE) {
		e = chat_event_add(g->arena, g->out, EVENT_USAGE);
		if (!e)
			return is_full(g->err);
		e->usage = r->usage;
		usage_set_calls(&e->usage, CALLS_WEB_SEARCH, r->searches);
	}
	return chat_event_add(g->arena, g->out, EVENT_END) || is_full(g->err);
}

static bool read_root(struct reading *g, const struct json_node *root)
{
	const struct json_node *list = gemini_get(root, STR("candidates")),
			       *meta = gemini_get(root, STR("usageMetadata"));
	struct chat_finish blocked = gemini_block_read(root);
	int64_t place = 0;

	if (!start(g, root))
		return false;
	/* early events may have a usageMetadata without any count */
	if (gemini_get(meta, STR("totalTokenCount")) || gemini_get(meta, STR("candidatesTokenCount")))
		gemini_usage_read(meta, &g->r->usage);
	note_finish(g, &blocked);
	if (!node_is(list, JSON_ARRAY))
		return true;
	for (const struct json_node *c = node_first(list); c; c = node_next(list, c), place++) {
		int64_t index = node_i64(gemini_get(c, STR("index")), place);

		if (index < 0 || index >= GEMINI_CHOICES)
			return err_set(g->err, ERR_UPSTREAM, "the provider's stream has a candidate above %d",
			               GEMINI_CHOICES - 1);
		g->index = (uint32_t)index;
		if (!read_candidate(g, c))
			return false;
	}
	return true;
}

bool gemini_reader_init(void *state, const struct chat_source *from)
{
	struct gemini_reader *r = state;

	*r = (struct gemini_reader){ .usage = { .source = USAGE_NONE } };
	r->model_n = (uint8_t)(from->model.n <= GEMINI_ID_MAX ? from->model.n : 0);
	if (r->model_n)
		memcpy(r->model, from->model.p, r->model_n);
	return true;
}

void gemini_reader_fini(void *state) { free(((struct gemini_reader *)state)->partial); }

enum chat_read gemini_read_event(void *state, struct arena *a, const struct chat_frame *f, struct chat_events *out,
                                 struct dialect_error *error, struct err *e)
{
	struct reading g = { .r = state, .arena = a, .out = out, .err = e };
	const struct json_node *root;

	if (!f->data.p)
		return finish(&g) ? CHAT_READ_OK : CHAT_READ_BROKEN;
	root = json_nodes(a, f->data, ANSWER_DEPTH_MAX, e);
	if (!node_is(root, JSON_OBJECT)) {
		err_set(e, ERR_UPSTREAM, "an event of the provider's stream is no JSON object");
		return CHAT_READ_BROKEN;
	}
	if (gemini_get(root, STR("error"))) {
		dialect_read_error(200, f->data, NULL, 0, error);
		return CHAT_READ_ERROR;
	}
	return read_root(&g, root) ? CHAT_READ_OK : CHAT_READ_BROKEN;
}
