/* SPDX-License-Identifier: Apache-2.0 */
/* eventstream: framing, reading and writing of AWS's binary stream of events. */
#include "net/eventstream.h"

#include <assert.h>

#include "base/crc32.h"

/* Types of headers' values. Those of a truth have no bytes: the type says it. */
enum value_type {
	VALUE_TRUE, VALUE_FALSE, VALUE_BYTE, VALUE_SHORT, VALUE_INT, VALUE_LONG, VALUE_BYTES, VALUE_STRING, VALUE_TIME,
	VALUE_UUID, VALUE_TYPES
};

#define SIZED 255    /* the value's length stands before it */
static const unsigned char value_bytes[VALUE_TYPES] = {
	[VALUE_TRUE] = 0, [VALUE_FALSE] = 0, [VALUE_BYTE] = 1, [VALUE_SHORT] = 2, [VALUE_INT] = 4, [VALUE_LONG] = 8,
	[VALUE_BYTES] = SIZED, [VALUE_STRING] = SIZED, [VALUE_TIME] = 8, [VALUE_UUID] = 16,
};

static uint32_t get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static char *put_u32(char *at, uint32_t v)
{
	at[0] = (char)(v >> 24);
	at[1] = (char)(v >> 16);
	at[2] = (char)(v >> 8);
	at[3] = (char)v;
	return at + 4;
}

/* ---- framing ---- */

/* The length of a message by its prelude; 0: it is none. */
static uint32_t prelude_total(const char *prelude)
{
	uint32_t total = get_u32(prelude), headers = get_u32(prelude + 4);

	if (crc32_add(0, str_of(prelude, 8)) != get_u32(prelude + 8))
		return 0;
	if (total < EVENTSTREAM_MIN_BYTES || headers > total - EVENTSTREAM_MIN_BYTES)
		return 0;
	return total;
}

size_t eventstream_frame(struct eventstream_framer *f, struct str run, bool *bad)
{
	size_t taken = 0, left;

	if (*bad)
		return EVENTSTREAM_PARTIAL;
	if (f->seen < EVENTSTREAM_PRELUDE_BYTES) {
		taken = EVENTSTREAM_PRELUDE_BYTES - f->seen;
		if (taken > run.n)
			taken = run.n;
		if (taken)
			memcpy(f->prelude + f->seen, run.p, taken);
		f->seen += (uint32_t)taken;
		if (f->seen < EVENTSTREAM_PRELUDE_BYTES)
			return EVENTSTREAM_PARTIAL;
		f->total = prelude_total((const char *)f->prelude);
		if (f->total == 0 || f->total > f->max_bytes) {
			*bad = true;
			return EVENTSTREAM_PARTIAL;
		}
	}
	left = f->total - f->seen;
	if (run.n - taken < left) {
		f->seen += (uint32_t)(run.n - taken);
		return EVENTSTREAM_PARTIAL;
	}
	f->seen = 0;
	return taken + left;
}

/* ---- reading ---- */

/* Takes one header from `*rest`. False: it does not fit. `value` is empty of those that are no text. */
static bool next_header(struct str *rest, struct str *name, struct str *value)
{
	size_t at, n = (unsigned char)rest->p[0];
	unsigned type;

	if (n == 0 || rest->n < 1 + n + 1)
		return false;
	*name = str_of(rest->p + 1, n);
	type = (unsigned char)rest->p[1 + n];
	at = 1 + n + 1;
	if (type >= VALUE_TYPES)
		return false;
	n = value_bytes[type];
	if (n == SIZED) {
		if (rest->n - at < 2)
			return false;
		n = (size_t)(unsigned char)rest->p[at] << 8 | (unsigned char)rest->p[at + 1];
		at += 2;
	}
	if (rest->n - at < n)
		return false;
	*value = type == VALUE_STRING ? str_of(rest->p + at, n) : (struct str){ 0 };
	*rest = str_slice(*rest, at + n, rest->n);
	return true;
}

static void take_header(struct eventstream_message *m, struct str name, struct str value)
{
	if (str_eq(name, STR(":message-type")))
		m->message_type = value;
	else if (str_eq(name, STR(":event-type")))
		m->event_type = value;
	else if (str_eq(name, STR(":exception-type")))
		m->exception_type = value;
	else if (str_eq(name, STR(":content-type")))
		m->content_type = value;
	else if (str_eq(name, STR(":error-code")))
		m->error_code = value;
	else if (str_eq(name, STR(":error-message")))
		m->error_message = value;
}

bool eventstream_read(struct str message, struct eventstream_message *out)
{
	struct eventstream_message m = { 0 };
	struct str headers, name, value;
	size_t body_end;

	if (message.n < EVENTSTREAM_MIN_BYTES || prelude_total(message.p) != message.n)
		return false;
	body_end = message.n - 4;
	if (crc32_add(0, str_slice(message, 0, body_end)) != get_u32(message.p + body_end))
		return false;
	headers = str_of(message.p + EVENTSTREAM_PRELUDE_BYTES, get_u32(message.p + 4));
	m.payload = str_slice(message, EVENTSTREAM_PRELUDE_BYTES + headers.n, body_end);
	while (headers.n) {
		if (!next_header(&headers, &name, &value))
			return false;
		take_header(&m, name, value);
	}
	*out = m;
	return true;
}

/* ---- writing ---- */

bool eventstream_write(struct buf *b, const struct eventstream_header *h, size_t n, struct str payload)
{
	size_t headers = 0, total;
	char *start, *at;

	for (size_t i = 0; i < n; i++) {
		assert(h[i].name.n >= 1 && h[i].name.n <= 255 && h[i].value.n <= 65535);
		headers += 1 + h[i].name.n + 1 + 2 + h[i].value.n;
	}
	total = EVENTSTREAM_MIN_BYTES + headers + payload.n;
	if (total > UINT32_MAX || !(start = buf_reserve(b, total)))
		return false;
	at = put_u32(put_u32(start, (uint32_t)total), (uint32_t)headers);
	at = put_u32(at, crc32_add(0, str_of(start, 8)));
	for (size_t i = 0; i < n; i++) {
		*at++ = (char)h[i].name.n;
		at = put_str(at, h[i].name);
		*at++ = VALUE_STRING;
		*at++ = (char)(h[i].value.n >> 8);
		*at++ = (char)h[i].value.n;
		at = put_str(at, h[i].value);
	}
	at = put_str(at, payload);
	at = put_u32(at, crc32_add(0, str_of(start, (size_t)(at - start))));
	assert((size_t)(at - start) == total);
	b->n += total;
	return true;
}

bool eventstream_write_event(struct buf *b, struct str event_type, struct str json)
{
	const struct eventstream_header h[] = {
		{ STR(":event-type"), event_type },
		{ STR(":content-type"), STR("application/json") },
		{ STR(":message-type"), STR("event") },
	};

	return eventstream_write(b, h, COUNT_OF(h), json);
}

bool eventstream_write_exception(struct buf *b, struct str exception_type, struct str json)
{
	const struct eventstream_header h[] = {
		{ STR(":exception-type"), exception_type },
		{ STR(":content-type"), STR("application/json") },
		{ STR(":message-type"), STR("exception") },
	};

	return eventstream_write(b, h, COUNT_OF(h), json);
}
