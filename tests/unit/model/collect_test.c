/* SPDX-License-Identifier: Apache-2.0 */
/* model/chat.h, collect: an answer into events and back is the same answer; ceilings hold. */
#include "lib/check.h"

#include "base/arena.h"
#include "model/chat.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 16 << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct chat_response *sample(void)
{
	static struct chat_citation cite = { .url = { "https://a.example/", 18 }, .start = 1, .end = 4 };
	static struct chat_media picture = { .data = { "aGVsbG8=", 8 }, .type = { "image/png", 9 } };
	struct chat_response *r = arena_zalloc(&arena, sizeof *r);
	struct chat_output *first = arena_zalloc(&arena, sizeof *first), *second = arena_zalloc(&arena, sizeof *second);
	struct chat_block **end = &first->blocks, **parts, *b;

	r->id = JSTR("resp_1");
	r->model = JSTR("m");
	r->created_s = 7;
	r->outputs = first;
	first->next = second;
	b = chat_block_add(&arena, &end, CHAT_REASONING);
	b->id = JSTR("rs_1");
	b->text = JSTR("thinking");
	b->opaque = (struct chat_opaque){ JSTR("sig=="), { 0 }, MAKER_ANTHROPIC };
	parts = &b->blocks;
	chat_block_add(&arena, &parts, CHAT_TEXT)->text = JSTR("first part");
	chat_block_add(&arena, &parts, CHAT_TEXT)->text = JSTR("second part");
	b = chat_block_add(&arena, &end, CHAT_TEXT);
	b->text = JSTR("the \\u0000 text");
	b->citations = &cite;
	b = chat_block_add(&arena, &end, CHAT_TOOL_CALL);
	b->id = JSTR("call_1");
	b->name = JSTR("f");
	b->args.json = STR("{\"a\": \"b\"}");
	b = chat_block_add(&arena, &end, CHAT_IMAGE);
	b->media = &picture;
	first->finish = (struct chat_finish){ .stop = STOP_TOOL, .raw = JSTR("tool_use") };
	first->logprobs = STR("[{\"token\":\"a\"},{\"token\":\"b\"}]");
	end = &second->blocks;
	chat_block_add(&arena, &end, CHAT_REFUSAL)->text = JSTR("no");
	second->finish.stop = STOP_REFUSAL;
	r->usage.source = USAGE_REPORTED;
	r->usage.n[USAGE_INPUT] = 5;
	return r;
}

static void an_answer_into_events_and_back(void **state)
{
	struct chat_collector *c = chat_collector_new(1 << 16);
	struct chat_events events = { 0 };
	const struct chat_response *got;
	const struct chat_block *b;

	assert_true(chat_response_events(&arena, sample(), &events));
	for (struct chat_event *e = events.first; e; e = e->next)
		assert_true(chat_collector_add(c, e));
	got = chat_collector_response(c);
	got = chat_collector_response(c);        /* twice is the same */
	check_str("id", jstr_raw(got->id), STR("resp_1"));
	check_u64("created", got->created_s, 7);
	check_u64("usage", got->usage.n[USAGE_INPUT], 5);
	b = got->outputs->blocks;
	check_u64("thought", b->kind, CHAT_REASONING);
	check_str("thought", jstr_raw(b->text), STR("thinking"));
	check_str("thought's id", jstr_raw(b->id), STR("rs_1"));
	check_str("summary", jstr_raw(b->blocks->text), STR("first part"));
	check_str("summary", jstr_raw(b->blocks->next->text), STR("second part"));
	assert_null(b->blocks->next->next);
	check_str("signature", jstr_raw(b->opaque.bytes), STR("sig=="));
	check_u64("maker", b->opaque.maker, MAKER_ANTHROPIC);
	b = b->next;
	check_str("text", jstr_raw(b->text), STR("the \\u0000 text"));
	check_str("citation", jstr_raw(b->citations->url), STR("https://a.example/"));
	b = b->next;
	check_str("arguments", jstr_raw(b->args.text), STR("{\\\"a\\\":\\\"b\\\"}"));
	b = b->next;
	check_str("picture", jstr_raw(b->media->data), STR("aGVsbG8="));
	assert_null(b->next);
	check_u64("stop", got->outputs->finish.stop, STOP_TOOL);
	check_str("raw stop", jstr_raw(got->outputs->finish.raw), STR("tool_use"));
	check_str("logprobs", got->outputs->logprobs, STR("[{\"token\":\"a\"},{\"token\":\"b\"}]"));
	check_str("second choice", jstr_raw(got->outputs->next->blocks->text), STR("no"));
	check_u64("second stop", got->outputs->next->finish.stop, STOP_REFUSAL);
	chat_collector_free(c);
	chat_collector_free(NULL);
}

static void what_comes_last_is_learnt(void **state)
{
	struct chat_collector *c = chat_collector_new(1 << 16);
	struct chat_block open = { .kind = CHAT_REASONING }, last = { .kind = CHAT_REASONING, .id = JSTR("rs_9"),
		.opaque = { JSTR("whole"), { 0 }, MAKER_OPENAI }, .text = JSTR("not again") };
	struct chat_event e = { .kind = EVENT_OPEN, .block = 3, .open = &open };
	const struct chat_block *b;

	assert_true(chat_collector_add(c, &e));
	e = (struct chat_event){ .kind = EVENT_DELTA,
		                 .block = 3,
		                 .delta = { .kind = DELTA_TEXT, .text = JSTR("once") } };
	assert_true(chat_collector_add(c, &e));
	e.delta = (struct chat_delta){ .kind = DELTA_OPAQUE, .opaque = { JSTR("part"), { 0 }, MAKER_OPENAI } };
	assert_true(chat_collector_add(c, &e));
	e = (struct chat_event){ .kind = EVENT_CLOSE, .block = 3, .open = &last };
	assert_true(chat_collector_add(c, &e));
	e = (struct chat_event){ .kind = EVENT_DELTA, .block = 77, .delta = { .kind = DELTA_TEXT, .text = JSTR("?") } };
	assert_true(chat_collector_add(c, &e));
	b = chat_collector_response(c)->outputs->blocks;
	check_str("text", jstr_raw(b->text), STR("once"));
	check_str("id", jstr_raw(b->id), STR("rs_9"));
	check_str("signature", jstr_raw(b->opaque.bytes), STR("whole"));
	chat_collector_free(c);
}

static void ceilings(void **state)
{
	struct chat_collector *c = chat_collector_new(5000);
	struct chat_block open = { .kind = CHAT_TEXT };
	struct chat_event e = { .kind = EVENT_OPEN, .open = &open };
	int n = 0;

	assert_true(chat_collector_add(c, &e));
	e = (struct chat_event){ .kind = EVENT_DELTA, .delta = { .kind = DELTA_TEXT, .text = JSTR("0123456789") } };
	while (chat_collector_add(c, &e))
		assert_true(++n <= 500);
	assert_int_equal(n, 500);
	chat_collector_free(c);

	c = chat_collector_new(1 << 16);
	e = (struct chat_event){ .kind = EVENT_FINISH, .choice = 256 };
	assert_false(chat_collector_add(c, &e));
	chat_collector_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_into_events_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_last_is_learnt, setup, teardown),
		cmocka_unit_test_setup_teardown(ceilings, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
