/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames: takes a provider's stream apart, whatever its framing: server-sent events, AWS event stream, JSON lines, a
 * JSON array. Resumable at any cut of the bytes. A frame that came whole in a run is borrowed from it; one that did not
 * is held back up to the ceiling. Embedded in its owner; one thread.
 *
 *	frames_init(&f, FRAMING_SSE, max_bytes);
 *	while ((got = frames_next(&f, &run, &frame)) == FRAMES_ONE) … use frame …
 *	if (got == FRAMES_BAD) … the stream is broken …
 */
#ifndef SLUICE_GATEWAY_FRAMES_H
#define SLUICE_GATEWAY_FRAMES_H

#include "base/buf.h"
#include "dialect/chat.h"
#include "dialect/stream.h"
#include "net/eventstream.h"
#include "net/sse.h"

struct frames {
	enum dialect_framing framing;
	bool first;                      /* nothing was taken yet */
	bool spent;                      /* of `held`, the first `taken` bytes were given out */
	size_t taken;
	union {
		struct sse_framer sse;
		struct eventstream_framer aws;
		struct array_framer array;
	};
	struct buf held;                 /* a frame that is not whole yet */
	struct buf joined;               /* data of several lines */
};

enum frames_got { FRAMES_NONE, FRAMES_ONE, FRAMES_BAD };

void frames_init(struct frames *, enum dialect_framing, size_t max_bytes);
void frames_fini(struct frames *);

/* The next frame of `run`, which is cut from its beginning. It is borrowed until the next call. */
MUST_USE enum frames_got frames_next(struct frames *, struct str *run, struct chat_frame *out);

/* False at the end of the stream: a frame was cut short. */
bool frames_at_boundary(const struct frames *);

#endif
