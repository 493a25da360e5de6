/* SPDX-License-Identifier: Apache-2.0 */
/* seam: two streams become one, and only what was repeated by mistake is cut out where they meet. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/seam.h"

/*
 * Events are words, as in order_test: B start, O0t opens block 0 as text, O0c as a call, O0r as a thought, D0=x a text,
 * A0=x arguments, K0=4 a citation of the characters from 4 to 5, C0 a close, F0 the finish, U P E usage, ping and end.
 * In texts _ is a space and / a line feed. Each word is one call of seam_events.
 */
struct seam_case {
	const char *name;
	const char *open;                /* what the client has open: "0t", "0r1t"; next_block is behind it */
	const char *text, *white;        /* white: it was prefilled */
	const char *in, *out;
};

#define LONG "The_quick_brown_fox_jumps"
#define REST "over_the_lazy_dog."

static const struct seam_case cases[] = {
	{ "a text goes on", "0t", "One_two", NULL, "B O0t D0=_three C0 F0 U E", "D0=_three C0 F0 U E" },
	{ "a second start is none, and a ping passes", "0t", "One", NULL, "B P O0t D0=x C0 F0 E", "P D0=x C0 F0 E" },
	{ "with nothing said yet all passes", "", "", NULL, "B O0t D0=x C0 F0 E", "O0t D0=x C0 F0 E" },
	{ "an open text that says nothing yet", "0t", "", NULL, "B O0t D0=x C0 F0 E", "D0=x C0 F0 E" },
	{ "thoughts behind a text are not shown", "0t", "One", NULL, "B O0r D0=hm C0 O1t D1=x C1 F0 E",
	  "D0=x C0 F0 E" },
	{ "thoughts behind thoughts are", "0r", "", NULL, "B O0r D0=hm C0 O1t D1=x C1 F0 E",
	  "C0 O1r D1=hm C1 O2t D2=x C2 F0 E" },
	{ "a thought that was open ends before the text", "0r", "", NULL, "O0t D0=x C0 F0 E", "C0 O1t D1=x C1 F0 E" },
	{ "of a text and a thought the text goes on", "0r1t", "One", NULL, "O0t D0=x C0 F0 E", "C0 D1=x C1 F0 E" },
	{ "a call ends the text", "0t", "One", NULL, "B O0c A0={} C0 F0 E", "C0 O1c A1={} C1 F0 E" },
	{ "text, then calls", "0t", "One", NULL, "O0t D0=x C0 O1c O2c A2={} A1={} C2 C1 F0 E",
	  "D0=x C0 O1c O2c A2={} A1={} C2 C1 F0 E" },
	{ "a second text is one", "0t", "One", NULL, "O0t D0=x C0 O1t D1=y C1 F0 E", "D0=x C0 O1t D1=y C1 F0 E" },
	{ "behind a text that was whole comes another", "", "One", NULL, "O0t D0=x C0 F0 E", "O0t D0=x C0 F0 E" },
	{ "or none, when it is empty", "", "One", NULL, "O0t C0 F0 E", "F0 E" },
	{ "nothing more to say", "0t", "One", NULL, "B F0 U E", "C0 F0 U E" },
	{ "an end alone", "0t", "One", NULL, "E", "C0 E" },
	{ "a citation counts from the beginning", "0t", "One_two_", NULL, "O0t D0=three K0=1 C0", "D0=three K0=9 C0" },

	{ "the end of the text comes again", "0t", LONG, NULL, "O0t D0=quick_brown_fox_jumps_over C0 F0 E",
	  "D0=_over C0 F0 E" },
	{ "in pieces", "0t", LONG, NULL, "O0t D0=quick_brown_f D0=ox_jum D0=ps_ D0=over C0 E", "D0=_ D0=over C0 E" },
	{ "and nothing else", "0t", LONG, NULL, "O0t D0=quick_brown_fox_jumps C0 F0 E", "C0 F0 E" },
	{ "all of it again", "0t", LONG, NULL, "O0t D0=" LONG "_" REST " C0 F0 E", "D0=_" REST " C0 F0 E" },
	{ "again to the middle is meant", "0t", LONG, NULL, "O0t D0=The_quick_brown C0 F0 E",
	  "D0=The_quick_brown C0 F0 E" },
	{ "a part of the middle is meant", "0t", LONG, NULL, "O0t D0=quick_brown_fox_sat C0",
	  "D0=quick_brown_fox_sat C0" },
	{ "fewer than sixteen characters may be meant", "0t", LONG, NULL, "O0t D0=brown_fox_jumps_on C0",
	  "D0=brown_fox_jumps_on C0" },
	{ "sixteen are too many", "0t", LONG, NULL, "O0t D0=_brown_fox_jumps_on C0", "D0=_on C0" },
	{ "characters, not bytes", "0t", "\u00e4\u00e4\u00e4\u00f6\u00f6\u00fc\u00fc\u00df", NULL,
	  "O0t D0=\u00e4\u00e4\u00e4\u00f6\u00f6\u00fc\u00fc\u00df C0",
	  "D0=\u00e4\u00e4\u00e4\u00f6\u00f6\u00fc\u00fc\u00df C0" },
	{ "however it is escaped", "0t", "The_qu\u00fcck_brown_fox", NULL, "O0t D0=The_qu\\u00fcck_brown_fox_x C0",
	  "D0=_x C0" },
	{ "a line is no mistake", "0t", "One/--------------------", NULL, "O0t D0=--------------------/ C0",
	  "D0=--------------------/ C0" },
	{ "nor is a row of zeros", "0t", "x_=_[0,_0,_0,_0,_0,_0,_0,_0,_", NULL, "O0t D0=0,_0,_0,_0,_0,_0,_0,_0] C0",
	  "D0=0,_0,_0,_0,_0,_0,_0,_0] C0" },
	{ "nor what stood there twice", "0t", "|_alpha_|_beta_|_c_|/|_alpha_|_beta_|_c_|/", NULL,
	  "O0t D0=|_alpha_|_beta_|_c_|/|_d C0", "D0=|_alpha_|_beta_|_c_|/|_d C0" },
	{ "what is cut out does not count", "0t", LONG, NULL, "O0t D0=_brown_fox_jumps_on K0=17 C0",
	  "D0=_on K0=26 C0" },
	{ "what waits goes before a call", "0t", LONG, NULL, "O0t D0=brown_f O1c C0 C1", "O1c D0=brown_f C0 C1" },
	{ "and before the finish", "0t", LONG, NULL, "O0t D0=brown_f F0 E", "D0=brown_f F0 E" },
	{ "only at the very beginning", "0t", LONG, NULL, "O0t D0=on D0=" LONG " C0", "D0=on D0=" LONG " C0" },
	{ "and of the first text", "0t", LONG, NULL, "O0t D0=on C0 O1t D1=" LONG " C1", "D0=on C0 O1t D1=" LONG " C1" },

	{ "a prefill's white space comes again", "0t", "One_", "_", "O0t D0=_two C0 F0 E", "D0=two C0 F0 E" },
	{ "in pieces, too", "0t", "One//_", "//_", "O0t D0=/ D0=/_ D0=two C0", "D0=two C0" },
	{ "more of it is meant", "0t", "x:/", "/", "O0t D0=/____y C0", "D0=____y C0" },
	{ "other white space is", "0t", "x_", "_", "O0t D0=/y C0", "D0=/y C0" },
	{ "none of it", "0t", "One_", "_", "O0t D0=two C0", "D0=two C0" },
	{ "after a prefill nothing is repeated", "0t", LONG "_", "_", "O0t D0=" LONG " C0", "D0=" LONG " C0" },
	{ "without white space", "0t", LONG, "", "O0t D0=" LONG " C0", "D0=" LONG " C0" },
};

static struct jstr text_of(struct arena *a, struct str word)
{
	struct buf b = buf_make(65536);
	struct str copy;

	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == '/')
			buf_append(&b, STR("\\n"));
		else
			buf_append_c(&b, word.p[i] == '_' ? ' ' : word.p[i]);
	copy = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return jstr_of(copy.n ? copy.p : "", copy.n);
}

static void read_event(struct arena *a, struct str word, struct chat_events *out)
{
	static const struct { char letter; uint8_t kind; } kinds[] = {
		{ 'B', EVENT_START }, { 'O', EVENT_OPEN }, { 'D', EVENT_DELTA }, { 'A', EVENT_DELTA },
		{ 'K', EVENT_DELTA },
		{ 'C', EVENT_CLOSE }, { 'F', EVENT_FINISH }, { 'U', EVENT_USAGE }, { 'P', EVENT_PING },
		{ 'E', EVENT_END },
	};
	uint8_t kind = EVENT_ERROR;
	struct chat_event *e;

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (kinds[i].letter == word.p[0])
			kind = kinds[i].kind;
	e = chat_event_add(a, out, kind);
	if (word.n > 1 && word.p[0] != 'F')
		e->block = (uint32_t)(word.p[1] - '0');
	if (kind == EVENT_OPEN) {
		struct chat_block *b = arena_zalloc(a, sizeof *b);

		b->kind = word.p[2] == 't' ? CHAT_TEXT : word.p[2] == 'r' ? CHAT_REASONING : CHAT_TOOL_CALL;
		e->open = b;
	} else if (word.p[0] == 'K') {
		struct chat_citation *c = arena_zalloc(a, sizeof *c);

		c->start = word.p[3] - '0';
		if (word.n > 4)
			c->start = c->start * 10 + word.p[4] - '0';
		c->end = c->start + 1;
		e->delta = (struct chat_delta){ .kind = DELTA_CITATION, .citation = c };
	} else if (kind == EVENT_DELTA) {
		e->delta = (struct chat_delta){ .kind = word.p[0] == 'D' ? DELTA_TEXT : DELTA_ARGS,
			                        .text = text_of(a, str_slice(word, 3, word.n)) };
	} else if (kind == EVENT_USAGE) {
		e->usage = (struct usage){ .source = USAGE_REPORTED };
		usage_set(&e->usage, USAGE_OUTPUT, 3);
	}
}

static void tell_text(struct jstr text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == 'n') {
			buf_append_c(out, '/');
			i++;
		} else {
			buf_append_c(out, text.p[i] == ' ' ? '_' : text.p[i]);
		}
}

static void tell(const struct chat_event *e, struct buf *out)
{
	static const char letters[] = {
		[EVENT_START] = 'B', [EVENT_OPEN] = 'O', [EVENT_DELTA] = 'D', [EVENT_CLOSE] = 'C', [EVENT_FINISH] = 'F',
		[EVENT_USAGE] = 'U', [EVENT_END] = 'E',  [EVENT_PING] = 'P',  [EVENT_ERROR] = 'X'
	};
	char letter = letters[e->kind];

	if (out->n)
		buf_append_c(out, ' ');
	if (e->kind == EVENT_DELTA && e->delta.kind != DELTA_TEXT)
		letter = e->delta.kind == DELTA_ARGS ? 'A' : 'K';
	buf_append_c(out, letter);
	if (e->kind == EVENT_OPEN || e->kind == EVENT_DELTA || e->kind == EVENT_CLOSE)
		buf_append_u64(out, e->block);
	if (e->kind == EVENT_FINISH)
		buf_append_u64(out, e->choice);
	if (e->kind == EVENT_OPEN)
		buf_append_c(out, e->open->kind == CHAT_TEXT ? 't' : e->open->kind == CHAT_REASONING ? 'r' : 'c');
	if (e->kind != EVENT_DELTA)
		return;
	buf_append_c(out, '=');
	if (e->delta.kind == DELTA_CITATION)
		buf_append_u64(out, (uint64_t)e->delta.citation->start);
	else
		tell_text(e->delta.text, out);
}

/* The words as plain texts of the start. */
static struct str plain_of(struct arena *a, const char *word)
{
	return word ? jstr_plain(a, text_of(a, str_from_z(word))) : (struct str){ 0 };
}

static struct seam *begin(struct arena *a, const struct seam_case *c)
{
	struct seam_start start = { .text = plain_of(a, c->text), .white = plain_of(a, c->white),
		                    .prefilled = c->white != NULL, .hide_thoughts = c->text[0] != '\0' };

	usage_set(&start.before, USAGE_OUTPUT, 4);
	for (const char *p = c->open; *p; p += 2) {
		start.open[start.n_open++] = (struct seam_block){ (uint32_t)(p[0] - '0'),
			                                          p[1] == 't' ? CHAT_TEXT : CHAT_REASONING };
		start.next_block = (uint32_t)(p[0] - '0') + 1;
	}
	return seam_new(&start);
}

static void two_streams_become_one(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct seam_case *c = &cases[i];
		struct str in = str_from_z(c->in);
		struct buf out = buf_make(65536);
		struct arena keep, a;
		struct seam *s;

		arena_init(&keep, 1 << 20);
		s = begin(&keep, c);
		while (in.n) {
			struct chat_events events = { 0 };

			arena_init(&a, 1 << 20);
			read_event(&a, str_cut(&in, ' '), &events);
			check(c->name, seam_events(s, &a, &events));
			for (const struct chat_event *e = events.first; e; e = e->next) {
				if (e->kind == EVENT_USAGE)
					check_u64(c->name, e->usage.n[USAGE_OUTPUT], 7);
				tell(e, &out);
			}
			arena_fini(&a);
		}
		check_str(c->name, buf_str(&out), str_from_z(c->out));
		seam_free(s);
		arena_fini(&keep);
		buf_fini(&out);
	}
}

/* Texts made to keep it busy: it looks at each character once for each place where a repetition may begin. */
static void hostile_texts_take_no_time(void **state)
{
	enum { SIZE = 256 << 10 };
	char *text = malloc(SIZE);
	struct seam_start start = { .text = str_of(text, SIZE), .hide_thoughts = true, .n_open = 1,
		                    .open = { { 0, CHAT_TEXT } }, .next_block = 1 };
	static const struct chat_block block = { .kind = CHAT_TEXT };
	size_t given = 0;
	struct seam *s;

	memset(text, 'a', SIZE);
	s = seam_new(&start);
	for (int i = 0; i < SIZE + 2; i++) {
		struct chat_events events = { 0 };
		struct chat_event *e;
		struct arena a;

		arena_init(&a, 8 << 20);
		e = chat_event_add(&a, &events, i ? EVENT_DELTA : EVENT_OPEN);
		if (i)
			e->delta = (struct chat_delta){ .kind = DELTA_TEXT, .text = JSTR("a") };
		else
			e->open = &block;
		assert_true(seam_events(s, &a, &events));
		for (e = events.first; e; e = e->next)
			given += e->delta.text.n;
		arena_fini(&a);
	}
	/* nothing of it was a mistake */
	assert_int_equal(given, SIZE + 1);
	seam_free(s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_streams_become_one),
		cmocka_unit_test(hostile_texts_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
