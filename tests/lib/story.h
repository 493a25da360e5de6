/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story: what an answer tells, whatever its dialect and form: its text, its thoughts, its calls, the opaque tokens, why
 * it ended and what it used. So that an answer and what became of it on its way to another dialect can be compared.
 * Of the first choice only. Texts are plain; a lone surrogate stays an escape.
 */
#ifndef SLUICE_TESTS_LIB_STORY_H
#define SLUICE_TESTS_LIB_STORY_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"

enum { STORY_MAX_BYTES = 32 << 20 };

struct story {
	struct buf text, thoughts; /* thoughts: without white space, since parts are joined by it */
	struct buf calls;          /* a line each: id|name|arguments */
	struct buf tokens;         /* a line each, out of our envelopes */
	unsigned kept;             /* tokens of calls: the gateway keeps them by the call's id (gateway/recall.h) */
	unsigned media[CHAT_KINDS], refusals;
	struct chat_finish finish;
	struct usage usage;
	unsigned from; /* enum dialect_id */
};

static inline void story_init(struct story *s)
{
	*s = (struct story){ .text = buf_make(STORY_MAX_BYTES),
		             .thoughts = buf_make(STORY_MAX_BYTES),
		             .calls = buf_make(STORY_MAX_BYTES),
		             .tokens = buf_make(STORY_MAX_BYTES) };
}

static inline void story_fini(struct story *s)
{
	buf_fini(&s->text);
	buf_fini(&s->thoughts);
	buf_fini(&s->calls);
	buf_fini(&s->tokens);
}

static inline void story_token(struct story *s, struct arena *a, const struct chat_opaque *o)
{
	struct chat_opaque inner;

	if (!o->bytes.p || !o->bytes.n)
		return;
	buf_append_jstr(&s->tokens, chat_opaque_unwrap(a, o->bytes, &inner) ? inner.bytes : o->bytes);
	buf_append_c(&s->tokens, '\n');
}

static inline void story_thought(struct story *s, struct arena *a, struct jstr text)
{
	struct str plain = jstr_inner(a, text);

	for (size_t i = 0; i < plain.n; i++)
		if ((unsigned char)plain.p[i] > ' ')
			buf_append_c(&s->thoughts, plain.p[i]);
}

/* The free text of a custom tool is told as {"_raw":"…"}, as which it travels where no such call was asked for. */
static inline void story_call(struct story *s, struct arena *a, const struct chat_block *b)
{
	struct json_fault fault;
	bool odd;
	struct str json = chat_args_json(a, &b->args, &odd);

	buf_append(&s->calls, jstr_inner(a, b->id));
	buf_append_c(&s->calls, '|');
	buf_append(&s->calls, jstr_inner(a, b->name));
	buf_append_c(&s->calls, '|');
	if (json_scan(NULL, json, JSON_DEPTH_MAX, NULL, &fault))
		json = json_compact(a, json);
	/* escapes of letters differ, what they say does not */
	buf_append(&s->calls, jstr_inner(a, jstr_of(json.p, json.n)));
	buf_append_c(&s->calls, '\n');
}

static inline void story_block(struct story *s, struct arena *a, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_REFUSAL:
		s->refusals++;
		buf_append(&s->text, jstr_inner(a, b->text));
		break;
	case CHAT_TEXT: buf_append(&s->text, jstr_inner(a, b->text)); break;
	case CHAT_REASONING:
		if (b->text.n)
			story_thought(s, a, b->text);
		for (const struct chat_block *part = b->text.n ? NULL : b->blocks; part; part = part->next)
			story_thought(s, a, part->text);
		break;
	case CHAT_TOOL_CALL:
		if (b->tool != TOOL_SERVER)
			story_call(s, a, b);
		break;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: s->media[b->kind]++; break;
	}
	/* no dialect but its own has a place for a token beside an image, or in what the provider's own tools did */
	if (b->kind == CHAT_IMAGE || b->kind == CHAT_RAW || b->tool == TOOL_SERVER)
		return;
	if (b->kind == CHAT_TOOL_CALL && b->id.n)
		s->kept += b->opaque.bytes.n > 0;
	else
		story_token(s, a, &b->opaque);
}

static inline void story_of(struct story *s, struct arena *a, const struct chat_response *rs)
{
	for (const struct chat_block *b = rs->outputs ? rs->outputs->blocks : NULL; b; b = b->next)
		story_block(s, a, b);
	if (rs->outputs)
		s->finish = rs->outputs->finish;
	s->usage = rs->usage;
	s->from = rs->from;
}

#endif
