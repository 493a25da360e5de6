/* SPDX-License-Identifier: Apache-2.0 */
/* The Responses codec: what requests are refused for, what is written of them, streams as agents expect them, and
 * state. */
#include <stdio.h>

#include "lib/check.h"

#include "base/arena.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/responses.h"
#include "model/facts.h"

static const struct chat_codec *codec = &openai_responses_codec;
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

static bool read_text(const char *body, struct chat_request *out, struct err *e)
{
	struct dialect_request in = { .model = STR("m"), .call = CALL_GENERATE };
	const struct json_node *root = json_nodes(&arena, str_from_z(body), 256, e);

	*out = (struct chat_request){ 0 };
	return root && codec->read_request(&arena, &in, root, out, e);
}

static void refusals_name_the_place(void **state)
{
	static const struct { const char *name, *body, *want; } rows[] = {
		{ "no input", "{}", "input: is missing" },
		{ "a number", "{\"input\":7}", "input: 7 must be" },
		{ "an unknown role", "{\"input\":[{\"role\":\"who\",\"content\":\"x\"}]}",
			"input[0].role: \"who\" must be" },
		{ "an image's address",
			"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},"
		  "{\"type\":\"input_image\",\"image_url\":\"ftp://x/y\"}]}]}", "input[0].content[1].image_url" },
		{ "a private address",
			"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
		  "\"https://10.0.0.1/a.png\"}]}]}", "input[0].content[0].image_url" },
		{ "a result without its call",
			"{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}]}",
		  "c" },
		{ "an effort", "{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}",
			"reasoning.effort: \"huge\" must be" },
		{ "a tool without a name", "{\"input\":\"x\",\"tools\":[{\"type\":\"function\"}]}", "tools[].name" },
		{ "a conversation", "{\"input\":\"x\",\"conversation\":\"conv_1\"}",
			"conversation: it is kept by OpenAI" },
		{ "an item of no type", "{\"input\":[{}]}", "input[0].type" },
		{ "an item that is none", "{\"input\":[1]}", "input[0]: 1 must be an object" },
		{ "text that is none",
			"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":1}]}]}",
		  "input[0].content[0].text: 1 must be a string" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct chat_request rq;
		struct err e = { 0 };

		check(rows[i].name, !read_text(rows[i].body, &rq, &e));
		if (!strstr(e.text, rows[i].want))
			print_error("%s\n", e.text);
		check(rows[i].name, strstr(e.text, rows[i].want) != NULL);
	}
}

static void what_belongs_together_is_one_turn(void **state)
{
	struct chat_request rq;
	struct err e;

	assert_true(read_text("{\"instructions\":\"be brief\",\"input\":[{\"role\":\"developer\",\"content\":\"and "
		"kind\"},"
	                      "{\"role\":\"user\",\"content\":\"hi\"},"
	                      "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"gAAA\"},"
	                      "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\",\"arguments\":\"{}\"},"
	                      "{\"type\":\"custom_tool_call\",\"call_id\":\"b\",\"name\":\"g\",\"input\":\"x\"},"
	                      "{\"type\":\"custom_tool_call_output\",\"call_id\":\"b\",\"output\":\"1\"},"
	                      "{\"type\":\"function_call_output\",\"call_id\":\"a\","
	                      "\"output\":[{\"type\":\"input_text\",\"text\":\"2\"}]},"
	                      "{\"role\":\"user\",\"content\":\"on\"}]}", &rq, &e));
	check_str("system", jstr_raw(rq.system->text), STR("be brief"));
	check_str("system", jstr_raw(rq.system->next->text), STR("and kind"));
	const struct chat_turn *t = rq.turns;
	check_u64("user", t->role, ROLE_USER);
	t = t->next;
	check_u64("assistant", t->role, ROLE_ASSISTANT);
	check_u64("thought", t->blocks->kind, CHAT_REASONING);
	assert_true(t->blocks->redacted);
	check_u64("maker", t->blocks->opaque.maker, MAKER_OPENAI);
	check_str("id", jstr_raw(t->blocks->opaque.id), STR("rs_1"));
	check_u64("call", t->blocks->next->tool, TOOL_FUNCTION);
	check_u64("custom", t->blocks->next->next->tool, TOOL_CUSTOM);
	assert_null(t->blocks->next->next->next);
	t = t->next;
	check_str("results", jstr_raw(t->blocks->id), STR("b"));
	check_str("results", jstr_raw(t->blocks->next->id), STR("a"));
	t = t->next;
	check_u64("user", t->role, ROLE_USER);
	assert_null(t->next);
}

static void requests_are_written(void **state)
{
	struct chat_request rq;
	struct err e;
	struct chat_target target = { .model = JSTR("gpt-5.2"), .facts = model_facts_by_name(STR("gpt-5.2")) };
	struct chat_wire wire = { .drops.arena = &arena };
	struct chat_block **end;

	assert_true(read_text("{\"instructions\":\"s\",\"input\":\"hi\",\"max_output_tokens\":100,"
		"\"tools\":[{\"type\":\"function\","
	                      "\"name\":\"mcp.read\",\"parameters\":{\"type\":\"object\",\"z\":1,\"a\":2}}]}", &rq,
	                      &e));
	rq.from = DIALECT_OPENAI_CHAT;
	rq.stop = arena_zalloc(&arena, sizeof *rq.stop);
	rq.stop->name = JSTR("END");
	rq.set |= MEMBER_BIT(MEMBER_STOP) | MEMBER_BIT(MEMBER_SEED);
	rq.seed = STR("7");
	end = chat_blocks_end(&rq.turns->blocks);
	chat_block_add(&arena, &end, CHAT_TEXT)->cache = CACHE_5M;
	assert_true(codec->write_request(&arena, &rq, &target, &wire, &e));
	assert_true(str_find(wire.body, STR("\"instructions\":\"s\"")) != STR_NPOS);
	assert_true(str_find(wire.body, STR("\"store\":false")) != STR_NPOS);
	assert_true(str_find(wire.body, STR("{\"type\":\"object\",\"z\":1,\"a\":2},\"strict\":false")) != STR_NPOS);
	assert_true(str_find(wire.body, STR("mcp.read")) == STR_NPOS);
	assert_true(str_find(wire.body, STR("reasoning.encrypted_content")) != STR_NPOS);
	check_str("stops are watched", jstr_raw(wire.undo.stop->name), STR("END"));
	check_str("a name comes back", jstr_raw(wire.undo.renames->original), STR("mcp.read"));
	check_str("dropped", wire.drops.first->name, STR("cache_control"));
	check_str("dropped", wire.drops.first->next->name, STR("seed"));
	assert_null(wire.drops.first->next->next);

	rq.set |= MEMBER_BIT(MEMBER_N);
	rq.n = STR("3");
	assert_false(codec->write_request(&arena, &rq, &target, &wire, &e));
	assert_non_null(strstr(e.text, "n: 3 must be 1"));
}

static void thoughts_go_to_their_maker(void **state)
{
	struct chat_block thought = { .kind = CHAT_REASONING, .text = JSTR("hm"),
		                      .opaque = { JSTR("sig"), { 0 }, MAKER_ANTHROPIC } };
	struct chat_turn turn = { .role = ROLE_ASSISTANT, .blocks = &thought };
	struct chat_request rq = { .turns = &turn };
	struct chat_target target = { .model = JSTR("gpt-5.2"), .facts = &model_facts_unknown };
	struct chat_wire wire = { .drops.arena = &arena };
	struct err e;

	assert_true(codec->write_request(&arena, &rq, &target, &wire, &e));
	check_str("foreign", wire.drops.first->name, STR("reasoning"));
	assert_true(str_find(wire.body, STR("sig")) == STR_NPOS);
	wire = (struct chat_wire){ .drops.arena = &arena };
	thought.opaque = (struct chat_opaque){ JSTR("gAAA"), JSTR("rs_7"), MAKER_OPENAI };
	assert_true(codec->write_request(&arena, &rq, &target, &wire, &e));
	assert_null(wire.drops.first);
	assert_true(str_find(wire.body, STR("{\"type\":\"reasoning\",\"id\":\"rs_7\"")) != STR_NPOS);
}

static const struct chat_reply reply = { .id = { "01A", 3 }, .created_s = 5, .model = { "m", 1 },
	.max_bytes = 1 << 20 };

static struct str write_all(void *writer, struct chat_events *events, struct buf *out)
{
	for (struct chat_event *x = events->first; x; x = x->next)
		assert_true(codec->write_event(writer, &arena, x, out));
	*events = (struct chat_events){ 0 };
	return buf_str(out);
}

static void a_stream_that_fails(void **state)
{
	void *writer = arena_zalloc(&arena, codec->writer_size);
	struct chat_block open = { .kind = CHAT_TEXT };
	struct chat_events events = { 0 };
	struct buf out = buf_make(1 << 20);
	struct err e;

	err_set(&e, ERR_UPSTREAM, "the provider's stream ended in the middle");
	assert_true(codec->writer_init(writer, &reply));
	chat_event_add(&arena, &events, EVENT_START);
	chat_event_add(&arena, &events, EVENT_OPEN)->open = &open;
	chat_delta_add(&arena, &events, 0, DELTA_TEXT, JSTR("half"));
	write_all(writer, &events, &out);
	buf_clear(&out);
	assert_true(codec->write_ping(writer, &out));
	check_str("ping", buf_str(&out), STR("event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":5}\n"
		"\n"));
	buf_clear(&out);
	assert_true(codec->write_error(writer, &e, STR("r"), &out));
	assert_true(str_starts(buf_str(&out), STR("event: response.failed\ndata: {\"type\":\"response.failed\","
	                                          "\"sequence_number\":6,\"response\":{\"id\":\"resp_01A\"")));
	assert_true(str_find(buf_str(&out), STR("\"status\":\"failed\",\"error\":{\"code\":\"server_error\"")) !=
	            STR_NPOS);
	assert_true(str_find(buf_str(&out), STR("completed")) == STR_NPOS);
	buf_clear(&out);
	chat_event_add(&arena, &events, EVENT_END);
	check_u64("nothing follows", write_all(writer, &events, &out).n, 0);
	codec->writer_fini(writer);
	buf_fini(&out);
}

static void raw_items_stay_on_their_line(void **state)
{
	void *writer = arena_zalloc(&arena, codec->writer_size);
	struct chat_block open = { .kind = CHAT_RAW, .from = DIALECT_OPENAI_RESPONSES, .raw = STR("{\n \"type\": "
		"\"x\"\r\n}") };
	struct chat_events events = { 0 };
	struct buf out = buf_make(1 << 20);

	assert_true(codec->writer_init(writer, &reply));
	chat_event_add(&arena, &events, EVENT_OPEN)->open = &open;
	chat_event_add(&arena, &events, EVENT_CLOSE);
	chat_event_add(&arena, &events, EVENT_END);
	write_all(writer, &events, &out);
	for (struct str rest = buf_str(&out), line; rest.n;) {
		line = str_cut(&rest, '\n');
		check("line", line.n == 0 || str_starts(line, STR("event: ")) || str_starts(line, STR("data: {")));
	}
	codec->writer_fini(writer);
	buf_fini(&out);
}

static bool find(void *arg, struct str id, struct str *item, struct err *e)
{
	*item = STR("{\"found\":1}");
	return str_eq(id, STR("msg_01A_2")) || err_set(e, ERR_INVALID_REQUEST, "no such item");
}

static void state_is_put_in_place(void **state)
{
	static const struct { const char *item, *answer; } ids[] = {
		{ "msg_01ABC_3", "resp_01ABC" }, { "rs_01ABC_12", "resp_01ABC" }, { "msg_01ABC", "" }, { "msg_", "" },
		{ "x", "" },
		{ "msg__1", "" }, { "msg_01ABC_", "" },
	};
	const struct responses_finder finder = { find, NULL };
	struct responses_look look;
	struct buf items = buf_make(1 << 16);
	char made[RESPONSES_ID_MAX];
	const struct json_node *root;
	struct err e;

	for (size_t i = 0; i < COUNT_OF(ids); i++)
		check_str(ids[i].item, responses_id_of_item(made, str_from_z(ids[i].item)), str_from_z(ids[i].answer));
	responses_look(&arena, STR("{\"store\":false,\"previous_response_id\":\"resp_1\",\"input\":\"x\"}"), &look);
	check_str("previous", look.previous, STR("resp_1"));
	assert_true(!look.store && !look.references);
	responses_look(&arena, STR("{\"previous_response_id\":null,\"input\":[{\"type\":\"item_reference\"}]}"), &look);
	assert_true(look.store && look.references && look.previous.n == 0);

	root = json_nodes(&arena, STR("{\"a\":[1, 2],\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_01A_2\"},"
		"{\"b\":2}],"
	                              "\"previous_response_id\":\"resp_1\"}"), 64, &e);
	buf_append(&items, STR("{\"old\":0}"));
	assert_true(responses_add_input(root, &arena, &finder, &items, &e));
	check_str("body", responses_with_input(&arena, root, buf_str(&items)),
	          STR("{\"a\":[1, 2],\"input\":[{\"old\":0},{\"found\":1},{\"b\":2}]}"));
	root = json_nodes(&arena, STR("{\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_9\"}]}"), 64, &e);
	assert_false(responses_add_input(root, &arena, &finder, &items, &e));
	buf_clear(&items);
	root = json_nodes(&arena, STR("{\"input\":\"h\\\"i\"}"), 64, &e);
	assert_true(responses_add_input(root, &arena, &finder, &items, &e));
	check_str("text", buf_str(&items),
	          STR("{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
	                  "\"text\":\"h\\\"i\"}]}"));

	buf_clear(&items);
	root = json_nodes(&arena, STR("[{\"role\":\"user\",\"content\":\"a\"},{\"id\":\"fc_1\","
		"\"type\":\"function_call\"},{\"x\":1}]"), 64, &e);
	assert_true(responses_write_items(&arena, STR("resp_01A"), root, &(struct responses_page){ true, 2, { 0 } },
		&items));
	check_str("page", buf_str(&items),
	          STR("{\"object\":\"list\",\"data\":[{\"id\":\"msg_01A_in0\",\"type\":\"message\","
	                  "\"status\":\"completed\",\"role\":\"user\","
	              "\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]},{\"id\":\"fc_1\","
	              "\"type\":\"function_call\"}],"
	              "\"first_id\":\"msg_01A_in0\",\"last_id\":\"fc_1\",\"has_more\":true}"));
	buf_clear(&items);
	assert_true(responses_write_items(&arena, STR("resp_01A"), root, &(struct responses_page){ false, 9, STR(""
		"fc_1") }, &items));
	assert_true(str_find(buf_str(&items), STR("\"first_id\":\"msg_01A_in0\",\"last_id\":\"msg_01A_in0\","
		"\"has_more\":false")) != STR_NPOS);
	buf_fini(&items);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(refusals_name_the_place), T(what_belongs_together_is_one_turn), T(requests_are_written),
		T(thoughts_go_to_their_maker), T(a_stream_that_fails), T(raw_items_stay_on_their_line),
		    T(state_is_put_in_place),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
