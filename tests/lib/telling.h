/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telling: streams carried from one dialect to another and heard by the other's own reader, as a client would. After
 * cmocka's header.
 */
#ifndef SLUICE_TESTS_LIB_TELLING_H
#define SLUICE_TESTS_LIB_TELLING_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/frames.h"
#include "gateway/translation.h"

enum { TELLING_MAX_BYTES = 64 << 20 };

/* What the client is told of itself. */
static inline struct chat_reply telling_reply(const struct dialect *client)
{
	return (struct chat_reply){ .id = JSTR("01J0000000000000000000000Z"),
		                    .created_s = 1700000000,
		                    .model = JSTR("m"),
		                    .usage_asked = true,
		                    .max_bytes = TELLING_MAX_BYTES,
		                    .framing = client->chat->framing == FRAMING_WHOLE ? FRAMING_SSE
		                                                                      : client->chat->framing };
}

/* Collects what a stream says, by its own dialect's reader. False: it breaks or reports an error. */
static inline bool telling_hear(struct arena *a, const struct dialect *d, const struct chat_source *source,
                                struct str bytes, struct chat_collector *collector)
{
	void *reader = calloc(1, d->chat->reader_size + 1);
	struct chat_reply reply = telling_reply(d);
	struct frames frames;
	struct chat_frame frame;
	bool good = true, ended = false;
	enum frames_got got;

	frames_init(&frames, reply.framing, TELLING_MAX_BYTES);
	assert_true(!d->chat->reader_init || d->chat->reader_init(reader, source));
	while (good && !ended) {
		struct arena_mark mark = arena_mark(a);
		struct chat_events events = { 0 };
		struct dialect_error error;
		struct err e;

		got = frames_next(&frames, &bytes, &frame);
		if (got == FRAMES_NONE)
			frame = (struct chat_frame){ 0 };
		good = got != FRAMES_BAD && (got == FRAMES_ONE || frames_at_boundary(&frames)) &&
		       d->chat->read_event(reader, a, &frame, &events, &error, &e) == CHAT_READ_OK;
		for (const struct chat_event *ev = events.first; ev && good; ev = ev->next) {
			assert_true(chat_collector_add(collector, ev));
			ended |= ev->kind == EVENT_END;
		}
		good = good && (got == FRAMES_ONE || ended);
		arena_rewind(a, mark);
	}
	frames_fini(&frames);
	if (d->chat->reader_fini)
		d->chat->reader_fini(reader);
	free(reader);
	return good;
}

enum { PIECES_WHOLE, PIECES_BYTES, PIECES_RANDOM };

/* What a client gets of a stream that comes in pieces. */
static inline enum translated telling_carry(struct arena *a, const struct dialect *from, const struct dialect *to,
                                            const struct chat_source *source, struct str bytes, int pieces,
                                            struct buf *out)
{
	static const struct chat_undo none = { 0 };
	struct translation_options o = { .provider = from->chat,
		                         .client = to->chat,
		                         .source = *source,
		                         .undo = &none,
		                         .reply = telling_reply(to),
		                         .frame_max_bytes = TELLING_MAX_BYTES };
	struct translation *t = translation_new(&o);
	enum translated got = TRANSLATED_ON;
	struct dialect_error error;
	struct err e = { 0 };
	uint32_t seed = (uint32_t)bytes.n * 2654435761u + 1;

	assert_non_null(t);
	while (got == TRANSLATED_ON && bytes.n) {
		size_t n = pieces == PIECES_WHOLE ? bytes.n : 1;
		if (pieces == PIECES_RANDOM) {
			seed = seed * 1664525u + 1013904223u;
			n = 1 + (seed >> 16) % 700;
		}
		/* a piece of its own, so that a sanitizer sees who looks behind it */
		struct str run = str_slice(bytes, 0, n);
		char *piece = malloc(run.n);
		memcpy(piece, run.p, run.n);
		got = translation_take(t, a, str_of(piece, run.n), out, &error, &e);
		free(piece);
		bytes = str_slice(bytes, n, bytes.n);
	}
	if (got == TRANSLATED_ON)
		got = translation_finish(t, a, out, &error, &e);
	translation_free(t);
	return got;
}

#endif
