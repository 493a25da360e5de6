/* SPDX-License-Identifier: Apache-2.0 */
/* order: what waits for what, how calls become whole, and that nothing is kept when there is nothing to wait for. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"

/*
 * Events are words: O0t opens block 0 as text, O0c as a call, O0r as a thought; D0=x a text, A0=x arguments, S0=x a
 * signature, C0 a close (C0=x with a signature learnt last), F0 the finish of choice 0, U P E X usage, ping, end and
 * error. An exclamation mark behind the letter puts the event into choice 1. Each word is one call of chat_order_add.
 */
struct order_case {
	const char *name;
	bool one_block, whole_calls;
	const char *in, *out;
};

static const struct order_case cases[] = {
	{ "what is in order passes", true, false, "O0t D0=a D0=b C0 O1c A1={} C1 F0 U E",
	  "O0t D0=a D0=b C0 O1c A1={} C1 F0 U E" },
	{ "calls that interleave come one behind the other", true, false, "O0c O1c A0={ A1=[ P A0=} A1=] U C0 C1 F0 E",
	  "O0c A0={ P A0=} U C0 O1c A1=[] C1 F0 E" },
	{ "what waited and is not whole goes on", true, false, "O0t O1c A1=a C0 A1=b C1 F0",
	  "O0t C0 O1c A1=a A1=b C1 F0" },
	{ "three wait, the second is whole first", true, false, "O0t O1t O2t D2=z C2 D1=y C0 C1 E",
	  "O0t C0 O1t D1=y C1 O2t D2=z C2 E" },
	{ "the finish closes what its choice left open", true, false, "O0t D0=a O1c A1=b F0 E",
	  "O0t D0=a C0 O1c A1=b C1 F0 E" },
	{ "the end does too", true, false, "O0t O1t D1=a E", "O0t C0 O1t D1=a C1 E" },
	{ "a finish waits behind the blocks of its choice", true, false, "O0t O!1t D!1=a F!1 D0=b C0 F0 E",
	  "O0t D0=b C0 O!1t D!1=a C!1 F!1 F0 E" },
	{ "an error ends it", true, false, "O0t O1c A1=a X", "O0t X" },
	{ "texts are joined, signatures are kept apart", true, false, "O0t O1r D1=a D1=b S1=s D1=c C1 C0",
	  "O0t C0 O1r D1=ab S1=s D1=c C1" },
	{ "a whole call", false, true, "O0t D0=a O1c A1={\"a A1=\":1} D0=b C0 C1 F0 E",
	  "O0t D0=a D0=b C0 O1c A1={\"a\":1} C1 F0 E" },
	{ "a call without arguments", false, true, "O0c C0 F0 E", "O0c A0={} C0 F0 E" },
	{ "what was learnt last is in the beginning", false, true, "O0c A0={} C0=sig", "O0c+sig A0={} C0" },
	{ "a signature in between too", false, true, "O0c S0=sig A0={} C0", "O0c+sig A0={} C0" },
	{ "calls that interleave, whole", false, true, "O0c O1c A0=a A1=b C1 C0", "O1c A1=b C1 O0c A0=a C0" },
	{ "the finish makes calls whole", false, true, "O0c A0=a F0", "O0c A0=a C0 F0" },
	{ "one block, and whole calls", true, true, "O0c A0=a O1t D1=b C1 O2c C2 A0=c C0 E",
	  "O0c A0=ac C0 O1t D1=b C1 O2c A2={} C2 E" },
	{ "a call behind an open text", true, true, "O0t O1c A1=a C1 D0=b C0", "O0t D0=b C0 O1c A1=a C1" },
	{ "events of blocks that nobody opened pass", true, false, "D7=a C7 F0", "D7=a C7 F0" },
};

static const char letters[] = {
	[EVENT_START] = 'B', [EVENT_OPEN] = 'O', [EVENT_DELTA] = 'D', [EVENT_CLOSE] = 'C', [EVENT_FINISH] = 'F',
	[EVENT_USAGE] = 'U', [EVENT_END] = 'E',  [EVENT_PING] = 'P',  [EVENT_ERROR] = 'X'
};

static struct chat_opaque opaque_of(struct str s)
{
	return (struct chat_opaque){ .bytes = jstr_of(s.p, s.n), .maker = MAKER_GEMINI };
}

/* Texts are copied to heap memory that is gone afterwards, so that nothing can be borrowed in secret. */
static void make_event(struct arena *a, struct str word, struct chat_events *out)
{
	struct str rest = word, head = str_cut(&rest, '='), text = rest.p ? arena_dup(a, rest) : rest;
	char c = head.p[0];
	bool second = head.n > 1 && head.p[1] == '!';
	const char *digit = head.p + 1 + second;
	struct chat_block *b = arena_zalloc(a, sizeof *b);
	struct chat_event *ev;
	int kind = 0;

	for (size_t i = 0; i < sizeof letters; i++)
		if (letters[i] == (c == 'A' || c == 'S' ? 'D' : c))
			kind = (int)i;
	ev = chat_event_add(a, out, (enum chat_event_kind)kind);
	ev->choice = second;
	if (kind == EVENT_FINISH) {
		ev->finish = (struct chat_finish){ .stop = STOP_END, .raw = JSTR("stop") };
		return;
	}
	if (head.n > 1)
		ev->block = (uint32_t)(*digit - '0');
	if (kind == EVENT_OPEN) {
		b->kind = digit[1] == 't' ? CHAT_TEXT : digit[1] == 'c' ? CHAT_TOOL_CALL : CHAT_REASONING;
		b->name = jstr_of(arena_dup(a, STR("name")).p, 4);
		ev->open = b;
	} else if (kind == EVENT_CLOSE && text.n) {
		b->opaque = opaque_of(text);
		ev->open = b;
	} else if (kind == EVENT_DELTA) {
		ev->delta.kind = c == 'A' ? DELTA_ARGS : c == 'S' ? DELTA_OPAQUE : DELTA_TEXT;
		if (c == 'S')
			ev->delta.opaque = opaque_of(text);
		else
			ev->delta.text = jstr_of(text.p, text.n);
	}
}

static void show(const struct chat_event *ev, struct buf *out)
{
	static const char kinds[CHAT_KINDS] = { [CHAT_TEXT] = 't', [CHAT_TOOL_CALL] = 'c', [CHAT_REASONING] = 'r' };
	bool is_block = ev->kind == EVENT_OPEN || ev->kind == EVENT_DELTA || ev->kind == EVENT_CLOSE;
	char c = letters[ev->kind];

	if (ev->kind == EVENT_DELTA && ev->delta.kind != DELTA_TEXT)
		c = ev->delta.kind == DELTA_ARGS ? 'A' : 'S';
	if (out->n)
		buf_append_c(out, ' ');
	buf_append_c(out, c);
	if (ev->choice)
		buf_append_c(out, '!');
	if (is_block || ev->kind == EVENT_FINISH)
		buf_append_u64(out, is_block ? ev->block : ev->choice);
	if (ev->kind == EVENT_FINISH)
		assert_true(jstr_is(ev->finish.raw, STR("stop")));
	if (ev->kind == EVENT_OPEN) {
		assert_true(jstr_is(ev->open->name, STR("name")));
		buf_append_c(out, kinds[ev->open->kind]);
		if (ev->open->opaque.bytes.p) {
			buf_append_c(out, '+');
			buf_append_jstr(out, ev->open->opaque.bytes);
		}
	}
	if (ev->kind != EVENT_DELTA)
		return;
	buf_append_c(out, '=');
	buf_append_jstr(out, ev->delta.kind == DELTA_OPAQUE ? ev->delta.opaque.bytes : ev->delta.text);
}

static void run(const struct order_case *c, const struct chat_codec *codec)
{
	struct chat_order *o = chat_order_new(codec, 1 << 20);
	struct str rest = str_from_z(c->in);
	struct buf got = buf_make(4096);

	assert_non_null(o);
	while (rest.p) {
		struct arena a;
		struct chat_events events = { 0 };

		arena_init(&a, 1 << 20);
		make_event(&a, str_cut(&rest, ' '), &events);
		assert_true(chat_order_add(o, &a, &events));
		for (const struct chat_event *ev = events.first; ev; ev = ev->next)
			show(ev, &got);
		arena_fini(&a);
	}
	buf_append_c(&got, '\0');
	if (strcmp(got.p, c->out) != 0)
		fail_msg("%s:\n\t%s\n\tnot %s", c->name, got.p, c->out);
	buf_fini(&got);
	chat_order_free(o);
}

static void test_orders(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run(&cases[i],
		    &(struct chat_codec){ .one_block = cases[i].one_block, .whole_calls = cases[i].whole_calls });
}

static void test_nothing_asked(void **state)
{
	assert_null(chat_order_new(&(struct chat_codec){ .reader_size = 1 }, 100));
	chat_order_free(NULL);
}

static bool feed(struct chat_order *o, const char *word)
{
	struct chat_events events = { 0 };
	struct arena a;
	bool good;

	arena_init(&a, 1 << 20);
	make_event(&a, str_from_z(word), &events);
	good = chat_order_add(o, &a, &events);
	arena_fini(&a);
	return good;
}

/* What waits is bounded, by bytes and by pieces; what has gone counts no more. */
static void test_ceiling(void **state)
{
	static const char *const waits[] = { "D1=0123456789abcdef", "S1=x", "O2t" };

	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		struct chat_order *o = chat_order_new(&(struct chat_codec){ .one_block = true }, 20000);
		unsigned n = 0;

		assert_true(feed(o, "O0t") && feed(o, "O1c"));
		while (feed(o, waits[i]) && n < 20000)
			n++;
		assert_in_range(n, 1, 1300);
		chat_order_free(o);
	}
	struct chat_order *o = chat_order_new(&(struct chat_codec){ .whole_calls = true }, 20000);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(feed(o, "O1c"));
		for (unsigned k = 0; k < 100; k++)
			assert_true(feed(o, "A1=0123456789abcdef"));
		assert_true(feed(o, "C1"));
	}
	chat_order_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_nothing_asked),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
