/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an AWS event stream, cut at places taken from the input, as they are and with their checksums put right
 * so that the headers behind them are reached too. What is read and written again is read the same.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/crc32.h"
#include "net/eventstream.h"

enum { MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_message(struct str message)
{
	struct eventstream_message m, again;
	struct buf b = buf_make(4 * MAX);

	if (!eventstream_read(message, &m))
		return;
	assert(m.payload.n <= message.n - EVENTSTREAM_MIN_BYTES);
	assert(m.payload.p >= message.p && m.payload.p + m.payload.n <= message.p + message.n);
	assert(eventstream_write_event(&b, m.event_type, m.payload));
	assert(eventstream_read(buf_str(&b), &again));
	assert(str_eq(again.event_type, m.event_type) && str_eq(again.payload, m.payload));
	buf_fini(&b);
}

/* Returns how many messages there are. */
static unsigned run(struct str text, uint32_t cuts)
{
	struct eventstream_framer f = { .max_bytes = MAX };
	struct buf held = buf_make(MAX);
	unsigned count = 0;
	bool bad = false;

	for (size_t at = 0; at < text.n && !bad;) {
		cuts = cuts * 1664525 + 1013904223;
		size_t len = 1 + (cuts >> 24) % (1 + (cuts >> 16) % 80), end;
		struct str part = str_slice(text, at, at + len);

		at += part.n;
		while ((end = eventstream_frame(&f, part, &bad)) != EVENTSTREAM_PARTIAL) {
			assert(end > 0 && end <= part.n);
			buf_append(&held, str_slice(part, 0, end));
			read_message(buf_str(&held));
			count++;
			buf_clear(&held);
			part = str_slice(part, end, part.n);
		}
		buf_append(&held, part);
		assert(bad || eventstream_at_boundary(&f) == (held.n == 0));
	}
	buf_fini(&held);
	return count;
}

static void put_crc(char *at, struct str over)
{
	uint32_t crc = __builtin_bswap32(crc32_add(0, over));

	memcpy(at, &crc, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t cuts, total;
	char *copy;

	if (n < 4 || n > MAX / 2)
		return 0;
	memcpy(&cuts, data, 4);
	struct str text = str_of((const char *)data + 4, n - 4);
	assert(run(text, cuts) == run(text, ~cuts));
	if (text.n < EVENTSTREAM_MIN_BYTES)
		return 0;
	copy = malloc(text.n);
	memcpy(copy, text.p, text.n);
	total = __builtin_bswap32((uint32_t)text.n);
	memcpy(copy, &total, 4);
	copy[4] = copy[5] = 0;
	put_crc(copy + 8, str_of(copy, 8));
	put_crc(copy + text.n - 4, str_of(copy, text.n - 4));
	read_message(str_of(copy, text.n));
	(void)run(str_of(copy, text.n), cuts);
	free(copy);
	return 0;
}
