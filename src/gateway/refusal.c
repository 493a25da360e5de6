/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: whole answers and beginnings of streams that refuse on content policy. */
#include "gateway/refusal.h"

#include "base/arena.h"
#include "gateway/frames.h"
#include "json/node.h"

/* What has this much before its first word is no refusal. */
#define BEGINNING_MAX_BYTES ((size_t)256 << 10)

static bool refuses(const struct chat_finish *f)
{
	return f->stop == STOP_FILTER || f->stop == STOP_REFUSAL;
}

/*
 * Bedrock's guardrail has words of the operator's own in place of a prompt's answer that it blocks; but it also masks
 * names and numbers in good answers, by the same stop reason, and those must not go to a model without it. A blocked
 * prompt never reaches the model: no token of output.
 */
static bool is_blocked(const struct chat_finish *f, const struct usage *u)
{
	return f->stop == STOP_FILTER && str_eq(jstr_raw(f->raw), STR("guardrail_intervened")) &&
	       u->source == USAGE_REPORTED && usage_total_output(u) == 0;
}

static bool is_generated(const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_REFUSAL:
		return false;
	case CHAT_TEXT: case CHAT_REASONING:
		return b->text.n > 0 || b->blocks != NULL || b->opaque.bytes.n > 0;
	case CHAT_IMAGE: case CHAT_AUDIO: case CHAT_VIDEO: case CHAT_DOCUMENT: case CHAT_TOOL_CALL:
	case CHAT_TOOL_RESULT: case CHAT_RAW: case CHAT_KINDS:
		break;
	}
	return true;
}

static bool is_refusal(const struct chat_response *response)
{
	for (const struct chat_output *o = response->outputs; o; o = o->next) {
		if (is_blocked(&o->finish, &response->usage))
			continue;
		if (!refuses(&o->finish))
			return false;
		for (const struct chat_block *b = o->blocks; b; b = b->next)
			if (is_generated(b))
				return false;
	}
	return response->outputs != NULL;
}

bool refusal_of_answer(const struct chat_codec *codec, struct arena *scratch, struct str body)
{
	struct arena_mark before = arena_mark(scratch);
	struct chat_source source = { 0 };
	struct chat_response response = { 0 };
	const struct json_node *root;
	struct err e;
	bool yes;

	root = json_nodes(scratch, body, ANSWER_DEPTH_MAX, &e);
	yes = root && codec->read_response(scratch, &source, root, &response, &e) && is_refusal(&response);
	arena_rewind(scratch, before);
	return yes;
}

/* ---- streams ---- */

static enum refusal of_event(const struct chat_event *e)
{
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_OPEN:
		return is_generated(e->open) && e->open->kind != CHAT_TEXT && e->open->kind != CHAT_REASONING
		               ? REFUSAL_NO : REFUSAL_OPEN;
	case EVENT_FINISH:
		return refuses(&e->finish) ? REFUSAL_YES : REFUSAL_NO;
	case EVENT_ERROR: case EVENT_END:
		return REFUSAL_NO;
	case EVENT_DELTA: case EVENT_START: case EVENT_CLOSE: case EVENT_USAGE: case EVENT_PING:
		break;
	}
	return REFUSAL_OPEN;
}

struct reading {
	const struct chat_codec *codec;
	void *reader;
	struct arena *scratch;
	uint64_t refusals;               /* a bit for each block that is one; those above are not */
};

/* The words of a refusal are no answer; all others are. */
static bool says_something(struct reading *r, const struct chat_event *e)
{
	uint64_t bit = e->block < 64 ? (uint64_t)1 << e->block : 0;

	if (e->kind == EVENT_OPEN && e->open->kind == CHAT_REFUSAL)
		r->refusals |= bit;
	if (e->kind == EVENT_OPEN && (e->open->kind == CHAT_TEXT || e->open->kind == CHAT_REASONING))
		return e->open->text.n > 0;
	return e->kind == EVENT_DELTA && !(r->refusals & bit) &&
	       (e->delta.text.n > 0 || (e->delta.kind != DELTA_TEXT && e->delta.kind != DELTA_LOGPROBS));
}

static enum refusal of_frame(struct reading *r, const struct chat_frame *frame)
{
	struct arena_mark before = arena_mark(r->scratch);
	struct chat_events events = { 0 };
	struct dialect_error error;
	enum refusal got = REFUSAL_OPEN;
	struct err e;

	if (r->codec->read_event(r->reader, r->scratch, frame, &events, &error, &e) != CHAT_READ_OK)
		got = REFUSAL_NO;
	for (const struct chat_event *ev = events.first; ev && got == REFUSAL_OPEN; ev = ev->next)
		got = says_something(r, ev) ? REFUSAL_NO : of_event(ev);
	arena_rewind(r->scratch, before);
	return got;
}

enum refusal refusal_of_stream(const struct dialect *d, enum dialect_framing framing, struct arena *scratch,
                               struct str bytes, bool last)
{
	static const struct chat_source source = { 0 };
	static const struct chat_frame end = { 0 };
	struct arena_mark before = arena_mark(scratch);
	struct reading r = { .codec = d->chat, .scratch = scratch };
	enum refusal got = REFUSAL_OPEN;
	struct frames frames;
	struct chat_frame frame;

	r.reader = bytes.n <= BEGINNING_MAX_BYTES ? arena_zalloc(scratch, r.codec->reader_size) : NULL;
	if (!r.reader || (r.codec->reader_init && !r.codec->reader_init(r.reader, &source)))
		return REFUSAL_NO;
	frames_init(&frames, framing, BEGINNING_MAX_BYTES);
	while (got == REFUSAL_OPEN) {
		enum frames_got next = frames_next(&frames, &bytes, &frame);

		if (next == FRAMES_NONE)
			break;
		got = next == FRAMES_ONE ? of_frame(&r, &frame) : REFUSAL_NO;
	}
	frames_fini(&frames);
	if (got == REFUSAL_OPEN && last)
		got = of_frame(&r, &end);
	if (r.codec->reader_fini)
		r.codec->reader_fini(r.reader);
	arena_rewind(scratch, before);
	return got;
}
