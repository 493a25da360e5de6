/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventstream: messages of AWS's binary stream (application/vnd.amazon.eventstream), as Bedrock sends its streamed
 * answers. By the AWS documentation "Event stream encoding"; all numbers big-endian:
 *
 *	total length u32 | length of headers u32 | CRC32 of these eight bytes u32      the prelude
 *	headers: length of name u8, name, type u8, value …
 *	payload
 *	CRC32 of everything before it u32
 *
 * As in net/sse.h there are two layers. The framer finds where messages end in a stream that arrives in arbitrary runs;
 * it believes a length only when the prelude's checksum is right. The reader takes a whole message apart and verifies
 * its checksum. Nothing can be resumed behind bad bytes: the stream is broken.
 *
 *	struct eventstream_framer f = { .max_bytes = … };
 *	while ((end = eventstream_frame(&f, run, &bad)) != EVENTSTREAM_PARTIAL) {
 *		… bytes held from before + run[0 … end) are one message: eventstream_read …
 *		run = str_slice(run, end, run.n);
 *	}
 *	if (bad) … the stream is broken …
 *	… hold `run` back; at the end of the stream eventstream_at_boundary tells whether it was cut short …
 */
#ifndef SLUICE_NET_EVENTSTREAM_H
#define SLUICE_NET_EVENTSTREAM_H

#include "base/buf.h"
#include "base/str.h"

#define EVENTSTREAM_PRELUDE_BYTES 12
#define EVENTSTREAM_MIN_BYTES     16     /* prelude and checksum, of a message with nothing in it */

/* Zeroed but for the ceiling at the start of a stream. */
struct eventstream_framer {
	uint32_t max_bytes;      /* of one message */
	uint32_t seen;           /* bytes of the message under way that were taken */
	uint32_t total;          /* its length, once the prelude is whole */
	unsigned char prelude[EVENTSTREAM_PRELUDE_BYTES];
};

#define EVENTSTREAM_PARTIAL ((size_t)-1)

/* Takes `run` up to the end of the next message and returns the number of bytes taken; or takes all of it and returns
 * EVENTSTREAM_PARTIAL: no message ends in it. *bad is set, with EVENTSTREAM_PARTIAL, when what comes is no message or
 * one larger than the ceiling; it is never cleared. */
MUST_USE size_t eventstream_frame(struct eventstream_framer *, struct str run, bool *bad);

static inline bool eventstream_at_boundary(const struct eventstream_framer *f) { return f->seen == 0; }

/* The headers that say something; empty: not there. Borrowed from the message. */
struct eventstream_message {
	struct str message_type;         /* "event", "exception" or "error" */
	struct str event_type;           /* of an event: "contentBlockDelta", "chunk" */
	struct str exception_type;       /* of an exception: "throttlingException" */
	struct str content_type;         /* of the payload */
	struct str error_code, error_message;   /* of an error */
	struct str payload;
};

/* Reads one whole message, as the framer cut it. False: a checksum or the headers are wrong; *out is not written. */
MUST_USE bool eventstream_read(struct str message, struct eventstream_message *out);

struct eventstream_header { struct str name, value; };

/* Appends a message whose headers are all texts. Names have 1 to 255 bytes, values up to 65,535. False: the buffer is
 * full, and keeps what it had. */
MUST_USE bool eventstream_write(struct buf *, const struct eventstream_header *, size_t n, struct str payload);

/* As eventstream_write with the three headers of Bedrock's events: the type, JSON as the payload's, and "event"; or, of
 * an exception, with its type and "exception". */
MUST_USE bool eventstream_write_event(struct buf *, struct str event_type, struct str json);
MUST_USE bool eventstream_write_exception(struct buf *, struct str exception_type, struct str json);

#endif
