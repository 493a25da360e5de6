/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: each rule of the HTML standard, 9.2.6, with the stream cut at every place and byte by byte. */
#include "net/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct str exact(struct str s)
{
	if (s.n > PTRDIFF_MAX)
		abort();
	char *p = malloc(s.n);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_of(p, s.n);
}

/* A relay in small: holds a partial event, reads whole ones, and writes what was dispatched as `[name|id]data;`. */
struct relay {
	struct sse_framer framer;
	struct buf held, joined, forwarded, got;
	char id[64]; /* the last one given, as the standard keeps it */
	size_t id_n;
	bool started;
};

static struct relay relay_make(void)
{
	return (struct relay){ .held = buf_make(4096), .joined = buf_make(4096), .forwarded = buf_make(65536),
		               .got = buf_make(65536) };
}

static void relay_fini(struct relay *r)
{
	buf_fini(&r->held);
	buf_fini(&r->joined);
	buf_fini(&r->forwarded);
	buf_fini(&r->got);
}

static void relay_event(struct relay *r)
{
	struct str event = exact(buf_str(&r->held));
	struct sse_event e;
	enum sse_read what = sse_read(event, !r->started, &r->joined, &e);

	assert_int_not_equal(what, SSE_TOO_LONG);
	r->started = true;
	if (e.has_id) {
		assert_true(e.id.n < sizeof r->id);
		if (e.id.n > 0)
			memcpy(r->id, e.id.p, e.id.n);
		r->id_n = e.id.n;
	}
	if (e.has_retry)
		buf_printf(&r->got, "retry %llu;", (unsigned long long)e.retry_ms);
	if (what == SSE_EVENT) {
		buf_append_c(&r->got, '[');
		buf_append(&r->got, e.name);
		buf_append_c(&r->got, '|');
		buf_append(&r->got, str_of(r->id, r->id_n));
		buf_append_c(&r->got, ']');
		buf_append(&r->got, e.data);
		buf_append_c(&r->got, ';');
	}
	buf_append(&r->forwarded, event);
	buf_clear(&r->held);
	free((char *)(uintptr_t)event.p);
}

static void relay_feed(struct relay *r, struct str bytes)
{
	struct str copy = exact(bytes), run = copy;
	size_t end;

	while ((end = sse_frame(&r->framer, run)) != SSE_PARTIAL) {
		assert_true(end > 0 && end <= run.n);
		buf_append(&r->held, str_slice(run, 0, end));
		relay_event(r);
		run = str_slice(run, end, run.n);
	}
	buf_append(&r->held, run);
	free((char *)(uintptr_t)copy.p);
}

/* `rest` is what stays behind, unfinished. */
static void check(const char *name, struct relay *r, struct str stream, struct str want, struct str rest)
{
	if (!str_eq(buf_str(&r->got), want))
		fail_msg("%s: got %.*s, want %.*s", name, STR_ARG(r->got), STR_ARG(want));
	if (!str_eq(buf_str(&r->held), rest))
		fail_msg("%s: %zu bytes are held, %zu wanted", name, r->held.n, rest.n);
	if (r->forwarded.n + rest.n != stream.n || !str_starts(stream, buf_str(&r->forwarded)))
		fail_msg("%s: the bytes forwarded are not those that came", name);
	assert_int_equal(sse_at_boundary(&r->framer), rest.n == 0);
	relay_fini(r);
}

static const struct { const char *name; struct str stream, want, rest; } cases[] = {
	{ "nothing", STR_INIT(""), STR_INIT(""), STR_INIT("") },
	{ "one event", STR_INIT("data: hi\n\n"), STR_INIT("[|]hi;"), STR_INIT("") },
	{ "CRLF", STR_INIT("data: hi\r\n\r\n"), STR_INIT("[|]hi;"), STR_INIT("") },
	{ "CR", STR_INIT("data: hi\r\r"), STR_INIT("[|]hi;"), STR_INIT("") },
	{ "line ends mixed", STR_INIT("data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\n\rdata: e\n\n"),
	  STR_INIT("[|]a\nb\nc;[|]d;[|]e;"), STR_INIT("") },
	{ "LF CR is two ends", STR_INIT("data: a\n\rdata: b\n\r"), STR_INIT("[|]a;[|]b;"), STR_INIT("") },
	{ "two events", STR_INIT("data: a\n\ndata: b\n\n"), STR_INIT("[|]a;[|]b;"), STR_INIT("") },
	{ "from the standard: one line joined to another", STR_INIT("data: YHOO\ndata: +2\ndata: 10\n\n"),
	  STR_INIT("[|]YHOO\n+2\n10;"), STR_INIT("") },
	{ "from the standard: comment, ids, space kept behind the first",
	  STR_INIT(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
	  STR_INIT("[|1]first event;[|]second event;[|] third event;"), STR_INIT("") },
	{ "from the standard: empty data, and an event without its blank line",
	  STR_INIT("data\n\ndata\ndata\n\ndata:"), STR_INIT("[|];[|]\n;"), STR_INIT("data:") },
	{ "from the standard: with and without a space", STR_INIT("data:test\n\ndata: test\n\n"),
	  STR_INIT("[|]test;[|]test;"), STR_INIT("") },
	{ "names", STR_INIT("event: add\ndata: 1\n\ndata: 2\n\nevent: a\nevent: b\ndata: 3\n\n"),
	  STR_INIT("[add|]1;[|]2;[b|]3;"), STR_INIT("") },
	{ "a name that is taken back", STR_INIT("event: a\nevent\ndata: 1\n\n"), STR_INIT("[|]1;"), STR_INIT("") },
	{ "a name without data does not stay", STR_INIT("event: a\n\ndata: 1\n\n"), STR_INIT("[|]1;"), STR_INIT("") },
	{ "an id without data stays", STR_INIT("id: 7\n\ndata: 1\n\n"), STR_INIT("[|7]1;"), STR_INIT("") },
	{ "an id with NUL is ignored", STR_INIT("id: 7\ndata: 0\n\nid: 8\0\ndata: 1\n\n"), STR_INIT("[|7]0;[|7]1;"),
	  STR_INIT("") },
	{ "retry", STR_INIT("retry: 1500\n\nretry:10\ndata: 1\n\n"), STR_INIT("retry 1500;retry 10;[|]1;"),
	  STR_INIT("") },
	{ "retry that is no number",
	  STR_INIT("retry: 1s\nretry: -1\nretry:  1\nretry\nretry: 99999999999999999999999\ndata: 1\n\n"),
	  STR_INIT("[|]1;"), STR_INIT("") },
	{ "unknown fields, other letters, spaces",
	  STR_INIT("foo: 1\nData: 2\n data: 3\ndata : 4\nxdata: 5\ndata: 6\n\n"),
	  STR_INIT("[|]6;"), STR_INIT("") },
	{ "only one space is removed, no tab", STR_INIT("data:\ta\ndata:  b \n\n"), STR_INIT("[|]\ta\n b ;"),
	  STR_INIT("") },
	{ "colons in the value", STR_INIT("data: a:b: c\ndata::\n\n"), STR_INIT("[|]a:b: c\n:;"), STR_INIT("") },
	{ "comments between lines", STR_INIT("data: a\n: x\n:\n:data: no\ndata: b\n\n"), STR_INIT("[|]a\nb;"),
	  STR_INIT("") },
	{ "keep-alives pass at once", STR_INIT(": ping\n\n: ping\n\n"), STR_INIT(""), STR_INIT("") },
	{ "blank lines alone", STR_INIT("\n\r\r\n\ndata: a\n\n\n"), STR_INIT("[|]a;"), STR_INIT("") },
	{ "no blank line at the end", STR_INIT("data: a\n\ndata: b\n"), STR_INIT("[|]a;"), STR_INIT("data: b\n") },
	{ "no line end at the end", STR_INIT("data: a\r\n\r\ndata: b"), STR_INIT("[|]a;"), STR_INIT("data: b") },
	{ "CRLF and nothing behind", STR_INIT("data: b\r\n"), STR_INIT(""), STR_INIT("data: b\r\n") },
	{ "byte order mark", STR_INIT("\xef\xbb\xbf" "data: a\n\n"), STR_INIT("[|]a;"), STR_INIT("") },
	{ "byte order mark, then a blank line", STR_INIT("\xef\xbb\xbf\r\n" "data: a\n\n"), STR_INIT("[|]a;"),
	  STR_INIT("") },
	{ "only the first byte order mark", STR_INIT("\xef\xbb\xbf\xef\xbb\xbf" "data: a\ndata: b\n\n"),
	  STR_INIT("[|]b;"), STR_INIT("") },
	{ "byte order mark not at the start",
	  STR_INIT("\n\xef\xbb\xbf" "data: a\n\ndata: b\n\n\xef\xbb\xbf" "data: c\n\n"),
	  STR_INIT("[|]b;"), STR_INIT("") },
	{ "half a byte order mark is a line", STR_INIT("\xef\xbb\ndata: a\n\n"), STR_INIT("[|]a;"), STR_INIT("") },
	{ "NUL and other bytes are data", STR_INIT("data: a\0b\xff\x01\n\n"), STR_INIT("[|]a\0b\xff\x01;"),
	  STR_INIT("") },
	{ "longer than the steps of the search",
	  STR_INIT("data: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
	           "data: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\ndata: x\n\n"),
	  STR_INIT("[|]0123456789012345678901234567890123456789012345678901234567890123456789\n"
	           "0123456789012345678901234567890123456789012345678901234567890123456789;[|]x;"), STR_INIT("") },
	{ "OpenAI", STR_INIT("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"),
	  STR_INIT("[|]{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]};[|][DONE];"), STR_INIT("") },
	{ "Anthropic", STR_INIT("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
	  STR_INIT("[message_stop|]{\"type\":\"message_stop\"};"), STR_INIT("") },
};

static void reads_whole_streams(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct relay r = relay_make();
		relay_feed(&r, cases[i].stream);
		check(cases[i].name, &r, cases[i].stream, cases[i].want, cases[i].rest);
	}
}

static void reads_the_same_at_every_pair_of_cuts(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t a = 0; a <= cases[i].stream.n; a++)
			for (size_t b = a; b <= cases[i].stream.n; b++) {
				struct relay r = relay_make();
				relay_feed(&r, str_slice(cases[i].stream, 0, a));
				relay_feed(&r, str_slice(cases[i].stream, a, b));
				relay_feed(&r, str_slice(cases[i].stream, b, cases[i].stream.n));
				check(cases[i].name, &r, cases[i].stream, cases[i].want, cases[i].rest);
			}
}

static void reads_the_same_byte_by_byte(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct relay r = relay_make();
		for (size_t at = 0; at < cases[i].stream.n; at++)
			relay_feed(&r, str_slice(cases[i].stream, at, at + 1));
		check(cases[i].name, &r, cases[i].stream, cases[i].want, cases[i].rest);
	}
}

static void an_event_goes_out_with_its_last_byte(void **state)
{
	/* Not with the next byte: a model may think for a minute between two events. */
	static const char *const ends[] = { "\n\n", "\r\r", "\r\n\r", "\n\r" };
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct relay r = relay_make();
		relay_feed(&r, STR("data: a"));
		relay_feed(&r, str_from_z(ends[i]));
		assert_true(str_eq(buf_str(&r.got), STR("[|]a;")));
		assert_int_equal(r.held.n, 0);
		relay_fini(&r);
	}
}

static void borrows_single_lines_and_joins_others(void **state)
{
	struct str one = STR("event: x\ndata: abc\n\n"), two = STR("data: abc\ndata: de\n\n");
	struct buf joined = buf_make(6), small = buf_make(5), none = buf_make(0);
	struct sse_event e;

	assert_int_equal(sse_read(one, false, &none, &e), SSE_EVENT);
	assert_ptr_equal(e.data.p, one.p + 15);
	assert_int_equal(sse_read(two, false, &joined, &e), SSE_EVENT);
	assert_true(str_eq(e.data, STR("abc\nde")));
	assert_ptr_equal(e.data.p, joined.p);
	assert_int_equal(sse_read(two, false, &small, &e), SSE_TOO_LONG);
	buf_fini(&joined);
	buf_fini(&small);
}

static void nothing_is_nothing(void **state)
{
	struct sse_framer f = { 0 };
	struct buf joined = buf_make(0);
	struct sse_event e;

	assert_true(sizeof f <= 16); /* it is in each stream */
	assert_true(sse_frame(&f, str_of(NULL, 0)) == SSE_PARTIAL);
	assert_true(sse_at_boundary(&f));
	assert_int_equal(sse_read(str_of(NULL, 0), true, &joined, &e), SSE_NO_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_streams),
		cmocka_unit_test(reads_the_same_at_every_pair_of_cuts),
		cmocka_unit_test(reads_the_same_byte_by_byte),
		cmocka_unit_test(an_event_goes_out_with_its_last_byte),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(borrows_single_lines_and_joins_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
