/* SPDX-License-Identifier: Apache-2.0 */
/* recall: opaque tokens of answers, kept until the next turn. */
#include "gateway/recall.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "cache/keep.h"

#define BLOCKS_MAX 512                   /* of an answer, that are looked at */
#define VALUE_MAX_BYTES (1u << 20)       /* of what is kept for one call */

enum watch { WATCH_NOTHING, WATCH_THOUGHT, WATCH_CALL };

struct recall {
	struct keep *keep;
	bool thoughts;
	uint8_t watch[BLOCKS_MAX];       /* enum watch, by block */
	struct buf thoughts_json;        /* objects of the thoughts that led to the next call, joined by commas */
	struct buf text, summary, token; /* of the thought under way */
	uint32_t thought;                /* its block, if has_thought */
	bool has_thought, redacted;
	struct chat_opaque opaque;       /* of the thought: maker; its texts are in the buffers */
	struct buf id;
	bool given;                      /* the thoughts so far stand with the call of block `given_to` */
	uint32_t given_to;
	struct str tenant;               /* behind this struct */
};

struct recall *recall_new(struct keep *keep, struct str tenant, bool thoughts)
{
	struct recall *r = mem_zalloc(sizeof *r + tenant.n);
	struct buf *bufs[] = { &r->thoughts_json, &r->text, &r->summary, &r->token, &r->id };

	r->keep = keep;
	r->thoughts = thoughts;
	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		*bufs[i] = buf_make(VALUE_MAX_BYTES);
	put_str((char *)(r + 1), tenant);
	r->tenant = str_of((const char *)(r + 1), tenant.n);
	return r;
}

void recall_free(struct recall *r)
{
	if (!r)
		return;
	buf_fini(&r->thoughts_json);
	buf_fini(&r->text);
	buf_fini(&r->summary);
	buf_fini(&r->token);
	buf_fini(&r->id);
	free(r);
}

/* ---- noting ---- */

static void write_opaque(struct json_writer *w, unsigned maker, struct jstr bytes, struct jstr id)
{
	json_key_lit(w, "maker");
	json_u64(w, maker);
	json_key_lit(w, "token");
	json_jstr(w, bytes);
	if (id.n) {
		json_key_lit(w, "item");
		json_jstr(w, id);
	}
}

static struct jstr jstr_of_buf(const struct buf *b) { return jstr_of(b->n ? b->p : "", b->n); }

/* The thought is whole: behind the others. One without a token is worth nothing to its maker. */
static void end_thought(struct recall *r)
{
	struct buf one = buf_make(VALUE_MAX_BYTES);
	struct json_writer w = json_writer_make(&one);

	if (!r->has_thought)
		return;
	r->has_thought = false;
	if (r->token.n && !r->token.failed && !r->text.failed && !r->summary.failed) {
		json_open(&w, '{');
		write_opaque(&w, r->opaque.maker, jstr_of_buf(&r->token), jstr_of_buf(&r->id));
		json_key_lit(&w, "text");
		json_jstr(&w, jstr_of_buf(&r->text));
		if (r->summary.n) {
			json_key_lit(&w, "summary");
			json_jstr(&w, jstr_of_buf(&r->summary));
		}
		json_key_lit(&w, "redacted");
		json_bool(&w, r->redacted);
		json_close(&w);
		if (r->given)            /* those stand with their call; this one leads to the next */
			buf_clear(&r->thoughts_json);
		r->given = false;
		if (r->thoughts_json.n)
			buf_append_c(&r->thoughts_json, ',');
		buf_append(&r->thoughts_json, buf_str(&one));
	}
	buf_fini(&one);
	buf_clear(&r->text);
	buf_clear(&r->summary);
	buf_clear(&r->token);
	buf_clear(&r->id);
}

static void take_opaque(struct recall *r, const struct chat_opaque *o, bool whole)
{
	if (!o->bytes.p)
		return;
	if (whole)
		buf_clear(&r->token);
	buf_append_jstr(&r->token, o->bytes);
	if (o->maker != MAKER_NONE)
		r->opaque.maker = o->maker;
	if (o->id.n) {
		buf_clear(&r->id);
		buf_append_jstr(&r->id, o->id);
	}
}

static void take_block(struct recall *r, const struct chat_block *b)
{
	take_opaque(r, &b->opaque, true);
	r->redacted |= b->redacted;
	if (b->text.n) {
		buf_clear(&r->text);
		buf_append_jstr(&r->text, b->text);
	}
	for (const struct chat_block *part = b->blocks; part; part = part->next) {
		if (part == b->blocks)
			buf_clear(&r->summary);
		else
			buf_append(&r->summary, STR("\\n\\n"));
		buf_append_jstr(&r->summary, part->text);
	}
	if (b->id.n && r->id.n == 0)
		buf_append_jstr(&r->id, b->id);
}

static void put_call(struct recall *r, uint32_t block, const struct chat_block *call)
{
	struct buf value = buf_make(VALUE_MAX_BYTES);
	struct json_writer w = json_writer_make(&value);
	bool thoughts = (!r->given || r->given_to == block) && r->thoughts_json.n && !r->thoughts_json.failed;

	if (call->id.n == 0 || (!call->opaque.bytes.n && !thoughts))
		return;
	json_open(&w, '{');
	if (call->opaque.bytes.n)
		write_opaque(&w, call->opaque.maker, call->opaque.bytes, call->opaque.id);
	if (thoughts) {
		json_key_lit(&w, "thoughts");
		json_open(&w, '[');
		json_raw(&w, buf_str(&r->thoughts_json));
		json_close(&w);
		r->given = true;
		r->given_to = block;
	}
	json_close(&w);
	if (json_write_done(&w))
		keep_put(r->keep, r->tenant, KEEP_OPAQUE, jstr_raw(call->id), buf_str(&value));
	buf_fini(&value);
}

void recall_note(void *arg, const struct chat_event *e)
{
	struct recall *r = arg;
	const struct chat_block *b = e->open;

	if (e->block >= BLOCKS_MAX)
		return;
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_OPEN:
		end_thought(r);
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER) {
			r->watch[e->block] = WATCH_CALL;
			put_call(r, e->block, b);
		} else if (b->kind == CHAT_REASONING && r->thoughts) {
			r->watch[e->block] = WATCH_THOUGHT;
			r->has_thought = true;
			r->thought = e->block;
			r->redacted = b->redacted;
			r->opaque = (struct chat_opaque){ .maker = b->opaque.maker };
			take_block(r, b);
		}
		return;
	case EVENT_DELTA:
		if (!r->has_thought || e->block != r->thought)
			return;
		if (e->delta.kind == DELTA_TEXT)
			buf_append_jstr(&r->text, e->delta.text);
		else if (e->delta.kind == DELTA_SUMMARY)
			buf_append_jstr(&r->summary, e->delta.text);
		else if (e->delta.kind == DELTA_OPAQUE)
			take_opaque(r, &e->delta.opaque, false);
		return;
	case EVENT_CLOSE:
		if (r->watch[e->block] == WATCH_THOUGHT && r->has_thought && e->block == r->thought) {
			if (b)
				take_block(r, b);
			end_thought(r);
		} else if (r->watch[e->block] == WATCH_CALL && b) {
			put_call(r, e->block, b);
		}
		return;
	case EVENT_START:
	case EVENT_FINISH:
	case EVENT_USAGE:
	case EVENT_END:
	case EVENT_PING:
	case EVENT_ERROR:
		return;
	}
}

/* ---- putting back ---- */

static void read_opaque(const struct json_node *from, struct chat_opaque *out)
{
	int64_t maker = node_i64(node_get(from, STR("maker")), MAKER_NONE);

	if (maker <= MAKER_NONE || maker >= MAKERS)
		return;
	out->maker = (uint8_t)maker;
	out->bytes = node_get_text(from, STR("token"));
	out->id = node_get_text(from, STR("item"));
}

/* Puts the thoughts before *at, and gives what is behind them. NULL: the arena is full. */
static struct chat_block **put_thoughts(struct arena *a, const struct json_node *thoughts, struct chat_block **at)
{
	struct chat_block *list = NULL, **end = &list;

	for (const struct json_node *t = node_first(thoughts); t; t = node_next(thoughts, t)) {
		struct chat_block *b = chat_block_add(a, &end, CHAT_REASONING), **part;
		struct jstr summary = node_get_text(t, STR("summary"));

		if (!b)
			return NULL;
		read_opaque(t, &b->opaque);
		b->id = b->opaque.id;
		b->text = node_get_text(t, STR("text"));
		b->redacted = node_true(node_get(t, STR("redacted")));
		if (summary.n) {
			part = &b->blocks;
			if (!chat_block_add(a, &part, CHAT_TEXT))
				return NULL;
			b->blocks->text = summary;
		}
	}
	if (!list)
		return at;
	*end = *at;
	*at = list;
	return end;
}

/* What is kept of the call; *thoughts: those that led to it, if any. False: the arena is full. */
static bool fill_call(struct keep *keep, struct str tenant, struct arena *a, struct chat_block *call,
                      const struct json_node **thoughts)
{
	const struct json_node *root;
	struct str value;

	*thoughts = NULL;
	if (!keep_get(keep, a, tenant, KEEP_OPAQUE, jstr_raw(call->id), &value))
		return true;
	root = json_nodes(a, value, REQUEST_DEPTH_MAX, NULL);
	if (!root)
		return false;
	if (!call->opaque.bytes.n)
		read_opaque(root, &call->opaque);
	*thoughts = node_get(root, STR("thoughts"));
	return true;
}

/* Thoughts before the first call open the turn, before its text; others stand before the call that they led to. */
static bool fill_turn(struct keep *keep, struct str tenant, struct arena *a, struct chat_turn *turn, bool carried)
{
	struct chat_block **at = &turn->blocks, **behind;
	bool first = true;

	while (*at) {
		struct chat_block *b = *at;
		const struct json_node *thoughts = NULL;

		if (b->kind == CHAT_TOOL_CALL && b->id.n && !(b->opaque.bytes.n && carried) &&
		    !fill_call(keep, tenant, a, b, &thoughts))
			return false;
		if (thoughts && !carried) {
			behind = put_thoughts(a, thoughts, first ? &turn->blocks : at);
			if (!behind)
				return false;
			if (!first || at == &turn->blocks)
				at = behind;
		}
		first &= b->kind != CHAT_TOOL_CALL;
		at = &(*at)->next;
	}
	return true;
}

static bool has_reasoning(const struct chat_turn *turn)
{
	for (const struct chat_block *b = turn->blocks; b; b = b->next)
		if (b->kind == CHAT_REASONING && b->opaque.bytes.n)
			return true;
	return false;
}

bool recall_fill(struct keep *keep, struct str tenant, struct arena *a, struct chat_request *rq)
{
	for (struct chat_turn *t = rq->turns; t; t = t->next)
		if (t->role == ROLE_ASSISTANT && !fill_turn(keep, tenant, a, t, has_reasoning(t)))
			return false;
	return true;
}
