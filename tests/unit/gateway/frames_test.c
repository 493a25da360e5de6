/* SPDX-License-Identifier: Apache-2.0 */
/* frames: every framing, cut everywhere, gives the same frames; bad bytes and too large frames are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/frames.h"

#define MAX_BYTES 4096

/* The frames of `bytes`, fed in runs of `run` bytes, as "name|data\n…"; then ! for bad bytes, ~ for one cut short. */
static void collect(enum dialect_framing framing, struct str bytes, size_t run, struct buf *out)
{
	enum frames_got got = FRAMES_NONE;
	struct chat_frame frame;
	struct frames f;

	buf_clear(out);
	frames_init(&f, framing, MAX_BYTES);
	for (size_t at = 0; at < bytes.n && got != FRAMES_BAD; at += run) {
		struct str part = str_slice(bytes, at, at + run < bytes.n ? at + run : bytes.n);

		while ((got = frames_next(&f, &part, &frame)) == FRAMES_ONE) {
			buf_append(out, frame.name);
			buf_append_c(out, frame.exception ? '#' : '|');
			buf_append(out, frame.data);
			buf_append_c(out, '\n');
		}
	}
	if (got == FRAMES_BAD)
		buf_append_c(out, '!');
	else if (!frames_at_boundary(&f))
		buf_append_c(out, '~');
	frames_fini(&f);
}

static const struct { const char *name; enum dialect_framing framing; const char *bytes, *want; } cases[] = {
	{ "events", FRAMING_SSE, "event: a\ndata: {\"x\":1}\n\n: ping\n\ndata: [DONE]\n\n", "a|{\"x\":1}\n|[DONE]\n" },
	{ "lines of data are joined", FRAMING_SSE, "data: {\ndata: }\r\n\r\n", "|{\n}\n" },
	{ "an event that is cut", FRAMING_SSE, "data: {}\n\ndata: {", "|{}\n~" },
	{ "a mark at the start", FRAMING_SSE, "\xef\xbb\xbf" "data: 1\n\n", "|1\n" },
	{ "lines", FRAMING_LINES, "{\"a\":1}\n\n {\"b\":2} \r\n", "|{\"a\":1}\n|{\"b\":2}\n" },
	{ "a line that is cut", FRAMING_LINES, "{\"a\":1}\n{\"b\"", "|{\"a\":1}\n~" },
	{ "an array", FRAMING_JSON_ARRAY, "[{\"a\":[1]}\n,\r\n{\"b\":\"]\"}\n]", "|{\"a\":[1]}\n|{\"b\":\"]\"}\n" },
	{ "an empty array", FRAMING_JSON_ARRAY, "[]", "" },
	{ "no array", FRAMING_JSON_ARRAY, "{\"error\":1}", "!" },
	{ "an array that is cut", FRAMING_JSON_ARRAY, "[{\"a\":1},{\"b\"", "|{\"a\":1}\n~" },
};

static void every_cut_gives_the_same_frames(void **state)
{
	struct buf out = buf_make(1u << 16);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t run = 1; run <= strlen(cases[i].bytes) + 1; run++) {
			collect(cases[i].framing, str_from_z(cases[i].bytes), run, &out);
			if (!str_eq(buf_str(&out), str_from_z(cases[i].want)))
				fail_msg("%s, runs of %zu: %.*s", cases[i].name, run, STR_ARG(buf_str(&out)));
		}
	buf_fini(&out);
}

static void messages_of_event_streams_come_with_their_type(void **state)
{
	struct buf bytes = buf_make(1u << 16), out = buf_make(1u << 16);
	const char *want = "messageStart|{\"role\":\"assistant\"}\nthrottlingException#{\"message\":\"slow\"}\n";

	(void)state;
	assert_true(eventstream_write_event(&bytes, STR("messageStart"), STR("{\"role\":\"assistant\"}")));
	assert_true(eventstream_write_exception(&bytes, STR("throttlingException"), STR("{\"message\":\"slow\"}")));
	for (size_t run = 1; run <= bytes.n; run++) {
		collect(FRAMING_EVENTSTREAM, buf_str(&bytes), run, &out);
		assert_int_equal(out.n, strlen(want));
		assert_memory_equal(out.p, want, out.n);
	}
	bytes.p[bytes.n - 1] ^= 1;
	collect(FRAMING_EVENTSTREAM, buf_str(&bytes), 7, &out);
	assert_int_equal(out.p[out.n - 1], '!');
	buf_fini(&bytes);
	buf_fini(&out);
}

static void a_frame_above_the_ceiling_is_refused(void **state)
{
	struct buf bytes = buf_make(1u << 16), out = buf_make(1u << 16);

	(void)state;
	buf_append(&bytes, STR("data: "));
	for (int i = 0; i < 5000; i++)
		buf_append_c(&bytes, 'x');
	collect(FRAMING_SSE, buf_str(&bytes), 100, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.p[0], '!');
	collect(FRAMING_LINES, buf_str(&bytes), 100, &out);
	assert_int_equal(out.p[0], '!');
	buf_fini(&bytes);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same_frames),
		cmocka_unit_test(messages_of_event_streams_come_with_their_type),
		cmocka_unit_test(a_frame_above_the_ceiling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
