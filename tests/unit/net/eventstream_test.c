/* SPDX-License-Identifier: Apache-2.0 */
/* eventstream: messages cut at every byte, each way a message can be wrong, and Bedrock's recorded streams. */
#include "net/eventstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <yyjson.h>

#include "base/crc32.h"
#include "base/text.h"

#define FOLDER "../shared/corpus"
#define MAX    (1u << 20)

/* Writes what is read as `type|event|exception|content|payload;`. */
struct relay {
	struct eventstream_framer framer;
	struct buf held, got;
	bool bad;
	unsigned n;
};

static struct relay relay_make(void)
{
	return (struct relay){ .framer = { .max_bytes = MAX }, .held = buf_make(MAX), .got = buf_make(4 * MAX) };
}

static void relay_fini(struct relay *r)
{
	buf_fini(&r->held);
	buf_fini(&r->got);
}

static void relay_message(struct relay *r)
{
	struct eventstream_message m;

	if (!eventstream_read(buf_str(&r->held), &m)) {
		r->bad = true;
		return;
	}
	buf_printf(&r->got, "%.*s|%.*s|%.*s|%.*s|", STR_ARG(m.message_type), STR_ARG(m.event_type),
	           STR_ARG(m.exception_type), STR_ARG(m.content_type));
	buf_append(&r->got, m.payload);
	buf_append_c(&r->got, ';');
	r->n++;
}

static void relay_run(struct relay *r, struct str run)
{
	size_t end;

	while ((end = eventstream_frame(&r->framer, run, &r->bad)) != EVENTSTREAM_PARTIAL) {
		assert_true(end <= run.n);
		buf_append(&r->held, str_slice(run, 0, end));
		relay_message(r);
		buf_clear(&r->held);
		run = str_slice(run, end, run.n);
	}
	buf_append(&r->held, run);
}

static void relay_cut(struct relay *r, struct str bytes, size_t every)
{
	for (size_t at = 0; at < bytes.n; at += every)
		relay_run(r, str_slice(bytes, at, at + every));
}

static struct str three_messages(struct buf *b)
{
	assert_true(eventstream_write_event(b, STR("chunk"), STR("{\"bytes\":\"\"}")));
	assert_true(eventstream_write(b, NULL, 0, STR("")));
	assert_true(eventstream_write_exception(b, STR("throttlingException"), STR("{\"message\":\"slow\"}")));
	return buf_str(b);
}

static void what_is_written_is_read_at_any_cut(void **state)
{
	struct buf b = buf_make(MAX);
	struct str bytes = three_messages(&b);

	for (size_t every = 1; every <= bytes.n; every++) {
		struct relay r = relay_make();

		relay_cut(&r, bytes, every);
		assert_false(r.bad);
		assert_true(eventstream_at_boundary(&r.framer));
		assert_int_equal(r.n, 3);
		assert_true(str_eq(buf_str(&r.got),
		                   STR("event|chunk||application/json|{\"bytes\":\"\"};||||;"
		                       "exception||throttlingException|application/json|{\"message\":\"slow\"};")));
		relay_fini(&r);
	}
	buf_fini(&b);
}

/* The empty message of AWS's documents, and every header type there is. */
static void reads_known_bytes(void **state)
{
	static const char empty[] = "\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
	struct eventstream_message m;

	assert_true(eventstream_read(str_of(empty, 16), &m));
	assert_int_equal(m.payload.n, 0);
}

/* A message around any bytes as headers, with right checksums. */
static struct str wrap(struct buf *b, struct str headers, struct str payload)
{
	uint32_t numbers[2] = { __builtin_bswap32((uint32_t)(16 + headers.n + payload.n)),
		                __builtin_bswap32((uint32_t)headers.n) };
	uint32_t crc;

	buf_clear(b);
	buf_append(b, str_of((const char *)numbers, 8));
	crc = __builtin_bswap32(crc32_add(0, buf_str(b)));
	buf_append(b, str_of((const char *)&crc, 4));
	buf_append(b, headers);
	buf_append(b, payload);
	crc = __builtin_bswap32(crc32_add(0, buf_str(b)));
	buf_append(b, str_of((const char *)&crc, 4));
	return buf_str(b);
}

static void takes_headers_of_every_type(void **state)
{
	struct str headers = STR("\1a\0"
	                         "\1b\1"
	                         "\1c\2x"
	                         "\1d\3xx"
	                         "\1e\4xxxx"
	                         "\1f\5xxxxxxxx"
	                         "\1g\6\0\3xxx"
	                         "\1h\7\0\0"
	                         "\1i\10xxxxxxxx"
	                         "\1j\11xxxxxxxxxxxxxxxx"
	                         "\15:message-type\7\0\5event"
	                         "\13:event-type\6\0\3abc");
	struct buf b = buf_make(MAX);
	struct eventstream_message m;

	assert_true(eventstream_read(wrap(&b, headers, STR("p")), &m));
	assert_true(str_eq(m.message_type, STR("event")));
	assert_int_equal(m.event_type.n, 0); /* bytes are no text */
	assert_true(str_eq(m.payload, STR("p")));
	buf_fini(&b);
}

static void refuses_headers_that_do_not_fit(void **state)
{
	static const struct str cases[] = {
		STR_INIT("\0"), STR_INIT("\1"), STR_INIT("\1a"), STR_INIT("\2a"),
		STR_INIT("\1a\12"), STR_INIT("\1a\377"), STR_INIT("\1a\7"), STR_INIT("\1a\7\0"),
		STR_INIT("\1a\7\0\2x"), STR_INIT("\1a\7\377\377x"), STR_INIT("\1a\2"),
		STR_INIT("\1a\11xxxxxxxxxxxxxxx"), STR_INIT("\0\0\0"), STR_INIT("\1a\0\1"),
	};
	struct buf b = buf_make(MAX);
	struct eventstream_message m;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str s = wrap(&b, cases[i], STR(""));
		char *exact = malloc(s.n);

		memcpy(exact, s.p, s.n);
		if (eventstream_read(str_of(exact, s.n), &m))
			fail_msg("case %zu was read", i);
		free(exact);
	}
	buf_fini(&b);
}

/* Whatever byte is wrong, it is noticed; and nothing is read past the end. */
static void each_changed_byte_is_noticed(void **state)
{
	struct buf b = buf_make(MAX);
	struct eventstream_message m;

	assert_true(eventstream_write_event(&b, STR("chunk"), STR("{}")));
	for (size_t i = 0; i < b.n; i++) {
		struct relay r = relay_make();

		b.p[i] ^= 0x20;
		assert_false(eventstream_read(buf_str(&b), &m));
		relay_run(&r, buf_str(&b));
		assert_true(r.bad);
		assert_int_equal(r.n, 0);
		relay_fini(&r);
		b.p[i] ^= 0x20;
	}
	for (size_t n = 0; n < b.n; n++)
		assert_false(eventstream_read(str_of(b.p, n), &m));
	buf_fini(&b);
}

static void the_ceiling_holds(void **state)
{
	struct buf b = buf_make(MAX);
	bool bad = false;

	assert_true(eventstream_write(&b, NULL, 0, STR("12345678")));
	struct eventstream_framer f = { .max_bytes = 24 }, g = { .max_bytes = 23 };
	assert_int_equal(eventstream_frame(&f, buf_str(&b), &bad), 24);
	assert_false(bad);
	/* known from the prelude alone */
	assert_true(eventstream_frame(&g, str_slice(buf_str(&b), 0, 12), &bad) == EVENTSTREAM_PARTIAL);
	assert_true(bad);
	assert_true(eventstream_frame(&g, buf_str(&b), &bad) == EVENTSTREAM_PARTIAL);
	buf_fini(&b);
	b = buf_make(23);
	assert_false(eventstream_write(&b, NULL, 0, STR("12345678")));
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void a_stream_cut_short_is_seen(void **state)
{
	struct buf b = buf_make(MAX);
	struct str bytes = three_messages(&b);
	struct relay r = relay_make();

	relay_run(&r, str_slice(bytes, 0, bytes.n - 1));
	assert_false(r.bad);
	assert_int_equal(r.n, 2);
	assert_false(eventstream_at_boundary(&r.framer));
	relay_fini(&r);
	buf_fini(&b);
}

/* ---- recorded ---- */

static unsigned records, messages;

static void try_body(struct str bytes)
{
	static const size_t cuts[] = { 1, 7, 100, 4096 };
	struct relay whole = relay_make();
	struct buf again = buf_make(MAX);
	struct eventstream_message m;

	relay_run(&whole, bytes);
	assert_false(whole.bad);
	assert_true(eventstream_at_boundary(&whole.framer));
	assert_true(whole.n > 0);
	for (size_t i = 0; i < COUNT_OF(cuts); i++) {
		struct relay r = relay_make();

		relay_cut(&r, bytes, cuts[i]);
		assert_false(r.bad);
		assert_true(str_eq(buf_str(&r.got), buf_str(&whole.got)));
		relay_fini(&r);
	}
	/* what the writer makes of the first one is what Bedrock sent, byte for byte */
	bool bad = false;
	struct eventstream_framer f = { .max_bytes = MAX };
	struct str first = str_slice(bytes, 0, eventstream_frame(&f, bytes, &bad));
	assert_true(eventstream_read(first, &m));
	if (str_eq(m.message_type, STR("event"))) {
		assert_true(eventstream_write_event(&again, m.event_type, m.payload));
		assert_true(str_eq(buf_str(&again), first));
	}
	buf_fini(&again);
	records++;
	messages += whole.n;
	relay_fini(&whole);
}

static void try_file(const char *name)
{
	char command[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(command, sizeof command, "gzip -dc " FOLDER "/%s.stream.jsonl.gz", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		yyjson_val *record = yyjson_doc_get_root(doc), *body = yyjson_obj_get(record, "response_body");
		struct buf bytes = buf_make(MAX);

		if (yyjson_obj_get(record, "response_body_encoding") &&
		    yyjson_get_int(yyjson_obj_get(record, "status")) < 300) {
			assert_true(text_from_base64(&bytes, str_from_z(yyjson_get_str(body))));
			try_body(buf_str(&bytes));
		}
		buf_fini(&bytes);
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static void recorded_streams_are_read_at_any_cut(void **state)
{
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	try_file("bedrock-converse-stream");
	try_file("bedrock-invoke-stream");
	print_message("%u recorded streams, %u messages\n", records, messages);
	assert_true(records > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_at_any_cut),
		cmocka_unit_test(reads_known_bytes),
		cmocka_unit_test(takes_headers_of_every_type),
		cmocka_unit_test(refuses_headers_that_do_not_fit),
		cmocka_unit_test(each_changed_byte_is_noticed),
		cmocka_unit_test(the_ceiling_holds),
		cmocka_unit_test(a_stream_cut_short_is_seen),
		cmocka_unit_test(recorded_streams_are_read_at_any_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
