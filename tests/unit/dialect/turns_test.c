/* SPDX-License-Identifier: Apache-2.0 */
/* turns and opaque: what several writers share: order of turns and blocks, and envelopes of foreign tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 8u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/*
 * A history in letters: u, a, s begin a turn of the user, assistant, system; t text, T blank text, cX call with id X,
 * rX its result.
 */
static struct chat_request make(const char *script)
{
	struct chat_request rq = { 0 };
	struct chat_turn **turns = &rq.turns, *t = NULL;
	struct chat_block **blocks = NULL, *b;
	uint32_t index = 0;

	for (const char *p = script; *p; p++) {
		if (*p == ' ')
			continue;
		if (strchr("uas", *p)) {
			enum chat_role role = *p == 'u' ? ROLE_USER : *p == 'a' ? ROLE_ASSISTANT : ROLE_SYSTEM;
			t = chat_turn_add(&arena, &turns, role);
			t->index = index++;
			blocks = &t->blocks;
			continue;
		}
		assert_non_null(t);
		if (*p == 't' || *p == 'T') {
			b = chat_block_add(&arena, &blocks, CHAT_TEXT);
			b->text = *p == 't' ? JSTR("x") : JSTR(" \\n\\t");
			continue;
		}
		b = chat_block_add(&arena, &blocks, *p == 'c' ? CHAT_TOOL_CALL : CHAT_TOOL_RESULT);
		b->id = jstr_of(++p, 1);
		if (p[-1] == 'c')
			b->name = jstr_of(p, 1);
	}
	return rq;
}

static const char *show(const struct chat_request *rq)
{
	static char out[256];
	char *o = out;

	for (const struct chat_turn *t = rq->turns; t; t = t->next) {
		*o++ = "uas"[t->role];
		for (const struct chat_block *b = t->blocks; b; b = b->next) {
			if (b->kind == CHAT_TEXT) {
				*o++ = jstr_is_blank(b->text) ? 'T' : 't';
				continue;
			}
			*o++ = b->kind == CHAT_TOOL_CALL ? 'c' : 'r';
			*o++ = b->id.p[0];
		}
		if (t->next)
			*o++ = ' ';
	}
	*o = '\0';
	return out;
}

static void turns_are_merged_and_results_come_first(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "" },
		{ "ut", "ut" },
		{ "ut ut at", "utt at" },
		{ "ut ac1c2 ur1 ur2 ut", "ut ac1c2 ur1r2t" },
		{ "ac1c2 utr2 ur1", "ac1c2 ur2r1t" },
		{ "at st st ut", "at stt ut" },
		{ "u u ut a at", "ut at" },
		{ "ut ut ut ut", "utttt" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chat_request rq = make(cases[i].in);
		chat_turns_merge(&rq);
		assert_string_equal(show(&rq), cases[i].want);
	}
}

static void blank_texts_and_empty_turns_go(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "utT at", "ut at" }, { "uT at ut", "at ut" }, { "ut aT uT", "ut u" },
		{ "ut aT", "ut" },     { "ut sT ut", "ut ut" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chat_request rq = make(cases[i].in);
		chat_turns_drop_blank(&rq);
		assert_string_equal(show(&rq), cases[i].want);
	}
}

static void a_conversation_begins_with_the_user(void **state)
{
	struct chat_request rq = make("at ut");

	(void)state;
	assert_true(chat_turns_user_first(&arena, &rq));
	assert_string_equal(show(&rq), "ut at ut");
	assert_true(chat_turns_user_first(&arena, &rq));
	assert_string_equal(show(&rq), "ut at ut");
}

static void calls_and_results_belong_together(void **state)
{
	static const struct {
		const char *in, *error;
	} cases[] = {
		{ "ut ac1c2 ur2r1 at", NULL },
		{ "ut ac1", NULL },
		{ "ut ac1 ur1 ac1 ur1", NULL },
		{ "ur1", "messages[0]: the tool result for \"1\" has no tool call before it" },
		{ "ut ac1c2 ur1 at", "messages[1]: the tool call \"2\" has no tool result after it" },
		{ "ut ac1 ut", "messages[1]: the tool call \"1\" has no tool result after it" },
		{ "ut ur2 ac2", "messages[1]: the tool result for \"2\" has no tool call before it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chat_request rq = make(cases[i].in);
		struct err e = { 0 };
		assert_int_equal(chat_turns_check_calls(&rq, &e), !cases[i].error);
		if (cases[i].error) {
			assert_string_equal(e.text, cases[i].error);
			assert_int_equal(e.code, ERR_INVALID_REQUEST);
			continue;
		}
		assert_true(chat_turns_name_results(&rq, &e));
		for (struct chat_turn *t = rq.turns; t; t = t->next)
			for (struct chat_block *b = t->blocks; b; b = b->next)
				if (b->kind == CHAT_TOOL_RESULT) {
					assert_true(jstr_eq(b->name, b->id));
					assert_true(jstr_eq(chat_turns_call_name(&rq, b->id), b->id));
				}
	}
	struct chat_request none = make("ut");
	assert_null(chat_turns_call_name(&none, JSTR("1")).p);
}

static void envelopes_give_back_what_was_put_in(void **state)
{
	static const struct {
		const char *id, *bytes;
		uint8_t maker;
	} cases[] = {
		{ NULL, "gAAAAABo\\u0041==", MAKER_OPENAI },
		{ "rs_0123", "x", MAKER_OPENAI },
		{ "rs_0123", NULL, MAKER_XAI },
		{ NULL, NULL, MAKER_OTHER },
		{ NULL, "CiQB/+8\\/", MAKER_GEMINI },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chat_opaque in = { .maker = cases[i].maker }, out;
		if (cases[i].id)
			in.id = jstr_of(cases[i].id, strlen(cases[i].id));
		if (cases[i].bytes)
			in.bytes = jstr_of(cases[i].bytes, strlen(cases[i].bytes));
		struct jstr text = chat_opaque_wrap(&arena, &in);
		assert_non_null(text.p);
		assert_true(chat_opaque_unwrap(&arena, text, &out));
		assert_int_equal(out.maker, in.maker);
		assert_true(jstr_eq(out.id, in.id) && !out.id.p == !in.id.p);
		assert_true(jstr_eq(out.bytes, in.bytes) && !out.bytes.p == !in.bytes.p);

		/* An SDK that decodes bytes writes them with the other alphabet and without padding. */
		char *other = arena_alloc(&arena, text.n);
		size_t n = text.n;
		for (size_t k = 0; k < n; k++)
			other[k] = text.p[k] == '+' ? '-' : text.p[k] == '/' ? '_' : text.p[k];
		while (n && other[n - 1] == '=')
			n--;
		assert_true(chat_opaque_unwrap(&arena, jstr_of(other, n), &out));
		assert_true(jstr_eq(out.bytes, in.bytes));

		/* Damaged: still ours, but empty. */
		assert_true(chat_opaque_unwrap(&arena, jstr_of(text.p, text.n / 2), &out));
		assert_null(out.bytes.p);
		other[n - 2] = other[n - 2] == 'A' ? 'B' : 'A';
		assert_true(chat_opaque_unwrap(&arena, jstr_of(other, n), &out));
		assert_null(out.bytes.p);
	}
	struct chat_opaque out;
	assert_false(chat_opaque_unwrap(&arena, JSTR("EqQBCkYIBxgCKkA"), &out));
	assert_false(chat_opaque_unwrap(&arena, JSTR(""), &out));
	assert_false(chat_opaque_unwrap(&arena, (struct jstr){ 0 }, &out));
	assert_true(chat_opaque_unwrap(&arena, JSTR("sluice01"), &out));
}

static void an_envelope_never_smuggles_what_is_no_json_string(void **state)
{
	static const char *const bad[] = { "a\"b", "\\", "\\x", "a\nb", "\xff" };
	struct chat_opaque out;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct chat_opaque in = { .bytes = jstr_of(bad[i], strlen(bad[i])), .maker = MAKER_GEMINI };
		struct jstr text = chat_opaque_wrap(&arena, &in);
		assert_true(chat_opaque_unwrap(&arena, text, &out));
		assert_null(out.bytes.p);
		assert_int_equal(out.maker, MAKER_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(turns_are_merged_and_results_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(blank_texts_and_empty_turns_go, setup, teardown),
		cmocka_unit_test_setup_teardown(a_conversation_begins_with_the_user, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_and_results_belong_together, setup, teardown),
		cmocka_unit_test_setup_teardown(envelopes_give_back_what_was_put_in, setup, teardown),
		cmocka_unit_test_setup_teardown(an_envelope_never_smuggles_what_is_no_json_string, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
