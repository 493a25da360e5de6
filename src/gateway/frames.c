/* SPDX-License-Identifier: Apache-2.0 */
/* frames: a provider's stream in its frames. */
#include "gateway/frames.h"

#include <assert.h>
#include <string.h>

void frames_init(struct frames *f, enum dialect_framing framing, size_t max_bytes)
{
	assert(framing != FRAMING_WHOLE);
	*f = (struct frames){ .framing = framing, .first = true, .held = buf_make(max_bytes),
		              .joined = buf_make(max_bytes) };
	if (framing == FRAMING_EVENTSTREAM)
		f->aws.max_bytes = max_bytes < UINT32_MAX ? (uint32_t)max_bytes : UINT32_MAX;
}

void frames_fini(struct frames *f)
{
	buf_fini(&f->held);
	buf_fini(&f->joined);
}

static size_t line_end(struct str run, bool *whole)
{
	const char *nl = memchr(run.p, '\n', run.n);

	*whole = nl != NULL;
	return nl ? (size_t)(nl - run.p) + 1 : run.n;
}

/* Cuts the next whole frame's bytes from `run`; empty: it holds none. */
static enum frames_got cut(struct frames *f, struct str *run, struct str *bytes)
{
	bool bad = false, whole = true;
	size_t n = 0;

	if (run->n == 0)
		return FRAMES_NONE;
	switch (f->framing) {
	case FRAMING_SSE:
		n = sse_frame(&f->sse, *run);
		whole = n != SSE_PARTIAL;
		break;
	case FRAMING_EVENTSTREAM:
		n = eventstream_frame(&f->aws, *run, &bad);
		whole = n != EVENTSTREAM_PARTIAL;
		break;
	case FRAMING_LINES:
	case FRAMING_WHOLE:
		n = line_end(*run, &whole);
		break;
	case FRAMING_JSON_ARRAY:
		/* it remembers how far it looked into what is held */
		if (!buf_append(&f->held, *run))
			return FRAMES_BAD;
		*run = str_slice(*run, run->n, run->n);
		return FRAMES_NONE;
	}
	if (bad)
		return FRAMES_BAD;
	*bytes = whole ? str_slice(*run, 0, n) : *run;
	*run = str_slice(*run, bytes->n, run->n);
	if (whole && f->held.n == 0)
		return FRAMES_ONE;
	if (!buf_append(&f->held, *bytes))
		return FRAMES_BAD;
	if (!whole)
		return FRAMES_NONE;
	*bytes = buf_str(&f->held);
	f->taken = f->held.n;
	f->spent = true;
	return FRAMES_ONE;
}

/* An element of an array, of what is held. */
static enum frames_got cut_element(struct frames *f, struct str *run, struct str *bytes)
{
	bool bad = false;
	size_t n;

	if (f->spent) {
		buf_consume(&f->held, f->taken);
		f->spent = false;
	}
	if (run->n && cut(f, run, bytes) == FRAMES_BAD)
		return FRAMES_BAD;
	n = f->held.n ? array_framer_next(&f->array, buf_str(&f->held), &bad) : 0;
	if (bad)
		return FRAMES_BAD;
	if (n == 0)
		return FRAMES_NONE;
	*bytes = str_slice(buf_str(&f->held), 0, n);
	f->taken = n;
	f->spent = true;
	return FRAMES_ONE;
}

/* Takes a whole frame's bytes apart. False: it says nothing. */
static enum frames_got read(struct frames *f, struct str bytes, struct chat_frame *out)
{
	struct eventstream_message m;
	struct sse_event e;
	bool first = f->first;

	f->first = false;
	*out = (struct chat_frame){ 0 };
	switch (f->framing) {
	case FRAMING_SSE:
		switch (sse_read(bytes, first, &f->joined, &e)) {
		case SSE_EVENT:
			break;
		case SSE_NO_DATA:
			return FRAMES_NONE;
		case SSE_TOO_LONG:
			return FRAMES_BAD;
		}
		*out = (struct chat_frame){ .name = e.name, .data = e.data };
		return FRAMES_ONE;
	case FRAMING_EVENTSTREAM:
		if (!eventstream_read(bytes, &m))
			return FRAMES_BAD;
		out->exception = !str_eq(m.message_type, STR("event")) && m.message_type.n;
		out->name = m.exception_type.n ? m.exception_type : m.error_code.n ? m.error_code : m.event_type;
		out->data = m.payload.n ? m.payload : STR("{}");
		return FRAMES_ONE;
	case FRAMING_LINES:
	case FRAMING_WHOLE:
		out->data = json_trim(bytes);
		return out->data.n ? FRAMES_ONE : FRAMES_NONE;
	case FRAMING_JSON_ARRAY:
		while (bytes.n && bytes.p[0] != '{' && bytes.p[0] != ']')
			bytes = str_slice(bytes, 1, bytes.n);
		if (bytes.n == 0 || bytes.p[0] == ']')
			return FRAMES_NONE;
		out->data = bytes;
		return FRAMES_ONE;
	}
	return FRAMES_BAD;
}

enum frames_got frames_next(struct frames *f, struct str *run, struct chat_frame *out)
{
	enum frames_got got;
	struct str bytes;

	do {
		if (f->framing == FRAMING_JSON_ARRAY) {
			got = cut_element(f, run, &bytes);
		} else {
			if (f->spent)
				buf_fini(&f->held); /* held rarely: not for the life of the stream */
			f->spent = false;
			got = cut(f, run, &bytes);
		}
		if (got != FRAMES_ONE)
			return got;
		got = read(f, bytes, out);
	} while (got == FRAMES_NONE);
	return got;
}

bool frames_at_boundary(const struct frames *f)
{
	switch (f->framing) {
	case FRAMING_SSE:
		return sse_at_boundary(&f->sse);
	case FRAMING_EVENTSTREAM:
		return eventstream_at_boundary(&f->aws);
	case FRAMING_LINES:
	case FRAMING_WHOLE:
	case FRAMING_JSON_ARRAY:
		break;
	}
	return f->held.n == 0 || (f->spent && f->taken >= f->held.n);
}
