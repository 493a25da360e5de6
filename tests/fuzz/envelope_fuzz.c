/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes in the envelopes of clouds: as messages of a stream of Bedrock, whatever the cut, and as a body and header
 * fields of a request. A body that was valid stays so.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "json/scan.h"
#include "net/eventstream.h"
#include "provider/envelope.h"

enum { MAX = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void feed(struct str bytes, size_t every, struct buf *sse, bool *good)
{
	struct envelope_stream *s = envelope_stream_new(MAX / 8);
	struct err e;

	*good = true;
	for (size_t at = 0; *good && at < bytes.n; at += every)
		*good = envelope_stream_feed(s, str_slice(bytes, at, at + every), sse, &e);
	envelope_stream_free(s);
}

static void as_stream(struct str text, unsigned cut)
{
	struct buf b = buf_make(MAX), one = buf_make(4 * MAX), many = buf_make(4 * MAX);
	bool good, again;

	while (text.p) {
		struct str payload = str_cut(&text, '\n');

		if (payload.n && payload.p[0] == '!')
			(void)eventstream_write_exception(&b, STR("throttlingException"),
			                                  str_slice(payload, 1, payload.n));
		else
			(void)eventstream_write_event(&b, STR("chunk"), payload);
	}
	feed(buf_str(&b), b.n + 1, &one, &good);
	feed(buf_str(&b), 1 + cut % 50, &many, &again);
	assert(good == again);
	assert(str_eq(buf_str(&one), buf_str(&many)));
	buf_fini(&b);
	buf_fini(&one);
	buf_fini(&many);
}

static bool is_object(struct str s)
{
	struct json_fault fault;
	size_t at = 0;

	while (at < s.n && strchr(" \t\r\n", s.p[at]))
		at++;
	return at < s.n && s.p[at] == '{' && json_scan(NULL, s, REQUEST_DEPTH_MAX, NULL, &fault);
}

static void as_request(struct str text, unsigned how)
{
	struct str fields = str_slice(text, 0, text.n / 4), body = text;
	struct buf lines = buf_make(MAX), whole = buf_make(4 * MAX);
	struct envelope_out out;
	struct arena a;
	struct err e;

	if (!is_object(body))
		return;
	buf_append(&lines, STR("anthropic-beta: "));
	for (size_t i = 0; i < fields.n; i++)
		if (fields.p[i] >= ' ')
			buf_append_c(&lines, fields.p[i]);
	buf_append(&lines, STR("\r\nx-amz-date: 1\r\n"));
	arena_init(&a, 16 * MAX);
	struct envelope_in in = { .kind = (enum envelope)(how % 5),
		                  .call = CALL_GENERATE,
		                  .stream = how & 8,
		                  .aws = how & 16,
		                  .dialect = DIALECT_ANTHROPIC,
		                  .model = fields,
		                  .path = STR("/messages"),
		                  .project = STR("p"),
		                  .forward = buf_str(&lines),
		                  .body = &body,
		                  .n_body = 1 };
	if (envelope_wrap(&a, &in, &out, &e)) {
		for (size_t i = 0; i < out.n_body; i++)
			buf_append(&whole, out.body[i]);
		assert(is_object(buf_str(&whole)));
		/* a value may hold the word; the field itself begins a line */
		assert(!in.aws || (!str_istarts(out.forward, STR("x-amz-date:")) &&
		                   str_find(out.forward, STR("\nx-amz-date:")) == STR_NPOS));
	}
	arena_fini(&a);
	buf_fini(&lines);
	buf_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2 || n > MAX / 64)
		return 0;
	as_stream(str_of((const char *)data + 2, n - 2), data[0]);
	as_request(str_of((const char *)data + 2, n - 2), data[1]);
	return 0;
}
