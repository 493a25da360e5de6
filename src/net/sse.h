/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse: server-sent events as bytes, by the rules of the HTML standard, section 9.2.6 "Interpreting an event stream".
 *
 * Two layers. The framer finds where events end in a stream that arrives in arbitrary runs, so that a relay forwards
 * whole events as they came and holds back a partial one. The reader takes one whole event apart. Both leave the
 * bytes as they are: they are not checked or repaired as UTF-8.
 *
 * The framer's few bytes of state are embedded in each stream. The ceiling on an event's size is the caller's, who
 * holds the bytes. An event without its blank line at the end of the stream is incomplete and must be dropped by the
 * caller.
 *
 *	size_t end;
 *	while ((end = sse_frame(&s->framer, run)) != SSE_PARTIAL) {
 *		… bytes held from before + run[0 … end) are one event …
 *		run = str_slice(run, end, run.n);
 *	}
 *	… hold `run` back …
 */
#ifndef SLUICE_NET_SSE_H
#define SLUICE_NET_SSE_H

#include "base/buf.h"
#include "base/str.h"

/* Zeroed: at the start of a stream. */
struct sse_framer {
	uint8_t bom;      /* bytes of a byte order mark seen at the start of the stream; 3 = no longer looked for */
	bool in_line;     /* the current line has a byte */
	bool after_cr;    /* the last byte was a CR: an LF that follows belongs to it */
	bool in_event;    /* a line that is not blank was seen since the last event ended */
};

#define SSE_PARTIAL ((size_t)-1)

/* Takes `run` up to the end of the next event and returns the number of bytes taken, the blank line included; or
 * takes all of it and returns SSE_PARTIAL: no event ends in it. An event is a group of lines that ends with a blank
 * one; comments alone make one too, so that a keep-alive passes at once, and so does each further blank line. When
 * the run is cut between the CR and the LF of a blank line, the event has ended with the CR and the LF comes as one
 * of its own. */
MUST_USE size_t sse_frame(struct sse_framer *, struct str run);

/* Nothing but whole events was seen so far. False at the end of a stream: its last event was cut short. */
static inline bool sse_at_boundary(const struct sse_framer *f) { return !f->in_line && !f->in_event; }

struct sse_event {
	struct str name;       /* `event`; empty: not given, which means "message" */
	struct str data;       /* borrowed from the event when it is a single line, else from `joined` */
	struct str id;         /* only if has_id; without a NUL byte */
	bool has_id;
	uint64_t retry_ms;     /* only if has_retry */
	bool has_retry;
};

enum sse_read {
	SSE_EVENT,      /* there is data: the standard dispatches it */
	SSE_NO_DATA,    /* comments, id, retry or an event name only: not dispatched; `id` and `retry` still count */
	SSE_TOO_LONG,   /* the data's lines do not fit into `joined` */
};

/* Reads one whole event, as the framer cut it. `first`: it stands at the very start of the stream, where a byte order
 * mark is skipped. `joined` is cleared and used only if the data is of several lines; `*out` borrows from both and
 * is written whole unless the result is SSE_TOO_LONG. */
MUST_USE enum sse_read sse_read(struct str event, bool first, struct buf *joined, struct sse_event *out);

#endif
