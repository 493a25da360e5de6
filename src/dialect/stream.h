/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: watches an answer's stream, event by event, without ever writing one anew. It extracts the usage, sees the
 * dialect's end and errors, and says what becomes of the bytes. One struct stream_meter for each stream, inside its
 * request; fini is not needed.
 *
 *	stream_meter_init(&m, dialect, framing, dialect_usage_is_ours(&rq, &edit));
 *	for each complete event of the upstream's bytes:
 *		ev = (struct stream_event){ .bytes = bytes };
 *		switch (stream_meter_event(&m, arena, &ev)) {
 *		case STREAM_PASS: forward bytes
 *		case STREAM_EDIT: forward ev.piece[0], ev.piece[1]
 *		case STREAM_DROP: nothing
 *		case STREAM_ERROR: the provider reports an error (ev.error says which): before the first byte went
 *		                   to the client try another candidate, afterwards forward the bytes and stop
 *		case STREAM_BROKEN: its data is not JSON: as an error, but nothing of it goes to the client
 *		}
 *	at the end of the upstream's body: stream_meter_end(&m, transport_ended_cleanly)
 *
 * Usage counts of providers are cumulative: the last one wins, they are never summed.
 */
#ifndef SLUICE_DIALECT_STREAM_H
#define SLUICE_DIALECT_STREAM_H

#include "dialect/dialect.h"
#include "dialect/error.h"
#include "model/usage.h"

enum stream_verdict { STREAM_PASS, STREAM_EDIT, STREAM_DROP, STREAM_ERROR, STREAM_BROKEN };

enum stream_end {
	STREAM_END_CLEAN,      /* the answer is whole */
	STREAM_END_FAILED,     /* the provider said that it failed; the client was told by the forwarded event */
	STREAM_END_CUT,        /* neither: write the dialect's error event (stream_write_error) */
};

struct stream_meter {
	const struct dialect *dialect;
	/* Responses: members of the response object that an error event must repeat; arena */
	struct str resume;
	struct usage usage;
	uint32_t events;             /* seen so far */
	uint32_t sequence;           /* Responses: sequence_number of the next event */
	uint8_t framing;             /* enum dialect_framing */
	bool usage_is_ours;          /* take the usage out again: only the gateway asked for it */
	bool started;                /* an event that means something was seen: no comment, ping or announcement */
	bool finished;               /* a finish reason was seen */
	bool ended;                  /* the dialect's terminal marker was seen */
	bool failed;                 /* an error event was seen */
	bool opened, any;            /* JSON array: its "[", an element was seen */
};
_Static_assert(sizeof(struct stream_meter) <= 96, "part of the memory of every open stream");

/* One event, framed: all bytes including its blank line (SSE) or its leading "[" or "," (JSON array). */
struct stream_event {
	struct str bytes;
	struct str piece[2];                 /* STREAM_EDIT: what of the bytes goes on; the second may be empty */
	enum stream_verdict verdict;
	struct dialect_error *error;         /* where to describe a STREAM_ERROR; may be NULL */
};

void stream_meter_init(struct stream_meter *, const struct dialect *, enum dialect_framing, bool usage_is_ours);
/* The arena is rewound to where it was, but for the little that the meter keeps (once a stream, under 1 KiB). */
enum stream_verdict stream_meter_event(struct stream_meter *, struct arena *, struct stream_event *);
enum stream_end stream_meter_end(const struct stream_meter *, bool transport_clean);

/* The last event of a stream that fails after its first byte, in the client's dialect, to be sent at an event boundary.
 * Nothing may follow it. False: the buffer is full. */
MUST_USE bool stream_write_error(const struct stream_meter *, const struct err *, struct str request_id,
                                 struct buf *out);

/*
 * Frames a JSON array stream (Gemini without alt=sse): `bytes` is all that was not consumed yet. Returns the length of
 * the first complete event (an element with the "[" or "," and white space before it, or the closing "]"), or 0 if
 * more bytes are needed. Remembers how far it looked, so no byte is looked at twice. *bad is set on what is no array.
 */
struct array_framer {
	size_t looked;               /* bytes of the current event that were looked at */
	uint32_t depth;
	uint8_t state;
	bool in_string, escaped;
};
size_t array_framer_next(struct array_framer *, struct str bytes, bool *bad);

#endif
