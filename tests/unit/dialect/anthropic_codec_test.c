/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anthropic_codec: Messages as provider and as client. Requests to it are made by hand, as other dialects' readers make
 * them; what is written is compared whole, or looked into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "model/facts.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 16u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct jstr js(const char *z)
{
	return z ? jstr_of(z, strlen(z)) : (struct jstr){ 0 };
}

static void assert_str(struct str got, const char *want)
{
	if (!str_eq(got, str_from_z(want))) {
		print_error("want %s\ngot  %.*s\n", want, STR_ARG(got));
		fail();
	}
}

static void assert_has(const char *name, struct str text, const char *part)
{
	if (str_find(text, str_from_z(part)) == STR_NPOS) {
		print_error("%s: %s\nis not in %.*s\n", name, part, STR_ARG(text));
		fail();
	}
}

static void assert_lacks(const char *name, struct str text, const char *part)
{
	if (str_find(text, str_from_z(part)) != STR_NPOS) {
		print_error("%s: %s\nis in %.*s\n", name, part, STR_ARG(text));
		fail();
	}
}

/* ---- requests to Anthropic --------------------------------------------------------------------------------------- */

/* A request of Chat Completions with one text. */
static struct chat_request *ask(void)
{
	struct chat_request *rq = arena_must(&arena, sizeof *rq);
	struct chat_turn **turns = &rq->turns, *t = chat_turn_add(&arena, &turns, ROLE_USER);
	struct chat_block **blocks = &t->blocks;

	chat_block_add(&arena, &blocks, CHAT_TEXT)->text = JSTR("Hi");
	rq->from = DIALECT_OPENAI_CHAT;
	rq->model = JSTR("chat");
	return rq;
}

static struct chat_turn *add_turn(struct chat_request *rq, enum chat_role role)
{
	struct chat_turn **end = &rq->turns, *t;
	uint32_t index = 0;

	for (; *end; end = &(*end)->next)
		index++;
	t = chat_turn_add(&arena, &end, role);
	t->index = index;
	return t;
}

static struct chat_block *add_block(struct chat_block **list, enum chat_kind kind)
{
	struct chat_block **end = chat_blocks_end(list);

	return chat_block_add(&arena, &end, kind);
}

static struct chat_tool *add_tool(struct chat_request *rq, const char *name, const char *schema)
{
	struct chat_tool **end = &rq->tools, *t;

	while (*end)
		end = &(*end)->next;
	t = chat_tool_add(&arena, &end, TOOL_FUNCTION);
	t->name = js(name);
	t->schema = str_from_z(schema);
	return t;
}

static void choose(struct chat_request *rq, enum chat_choice choice, const char *name)
{
	struct chat_name **end = &rq->choice_names;

	rq->choice = choice;
	rq->set |= MEMBER_BIT(MEMBER_TOOL_CHOICE);
	if (name)
		assert_true(chat_name_add(&arena, &end, js(name)));
}

static void think(struct chat_request *rq, enum model_effort effort)
{
	rq->has_effort = true;
	rq->effort = (uint8_t)effort;
	rq->set |= MEMBER_BIT(MEMBER_REASONING);
}

struct written {
	struct str body, drops;
	struct chat_wire wire;
	struct err err;
	bool good;
};

static struct written to(const char *model, const struct chat_request *rq)
{
	struct chat_target target = { .model = js(model), .facts = model_facts_by_name(str_from_z(model)) };
	struct written w = { .wire.drops.arena = &arena };
	struct buf drops = buf_make(65536);

	w.good = anthropic_codec.write_request(&arena, rq, &target, &w.wire, &w.err);
	w.body = w.wire.body;
	for (const struct chat_drop *d = w.wire.drops.first; d; d = d->next) {
		buf_append(&drops, d->name);
		buf_append_c(&drops, ' ');
	}
	w.drops = arena_dup(&arena, buf_str(&drops));
	buf_fini(&drops);
	if (w.good) {
		struct json_fault fault;
		assert_true(json_scan(NULL, w.body, REQUEST_DEPTH_MAX, NULL, &fault));
	}
	return w;
}

static void a_plain_request_is_written_whole(void **state)
{
	struct chat_request *rq = ask();
	struct chat_name **stop = &rq->stop;
	struct written w;

	(void)state;
	rq->stream = true;
	rq->set = MEMBER_BIT(MEMBER_MAX_OUTPUT) | MEMBER_BIT(MEMBER_TEMPERATURE) | MEMBER_BIT(MEMBER_STOP) |
	          MEMBER_BIT(MEMBER_SEED) | MEMBER_BIT(MEMBER_END_USER) | MEMBER_BIT(MEMBER_SERVICE_TIER);
	rq->max_output = STR("100");
	rq->temperature = STR("0.50");
	rq->seed = STR("7");
	rq->end_user = JSTR("u-17");
	rq->service_tier = JSTR("auto");
	assert_true(chat_name_add(&arena, &stop, JSTR("END")) && chat_name_add(&arena, &stop, JSTR("\\n")));
	add_block(&rq->system, CHAT_TEXT)->text = JSTR("Be brief.");
	add_block(&rq->system, CHAT_TEXT)->text = JSTR("Be \\\"kind\\\".");
	w = to("claude-haiku-4-5", rq);
	assert_true(w.good);
	assert_str(w.body,
	           "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":100,\"stream\":true,\"system\":[{\"type\":\"text\","
	           "\"text\":\"Be brief.\"},{\"type\":\"text\",\"text\":\"Be \\\"kind\\\".\"}],\"messages\":[{\"role\":"
	           "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}],\"temperature\":0.50,"
	           "\"stop_sequences\":[\"END\"],\"metadata\":{\"user_id\":\"u-17\"},\"service_tier\":\"auto\"}");
	assert_str(w.drops, "stop seed ");
	assert_str(w.wire.head, "");
}

static void the_cap_comes_from_the_model(void **state)
{
	static const struct {
		const char *model, *want;
	} cases[] = {
		{ "claude-haiku-4-5", "\"max_tokens\":64000," },
		{ "claude-3-haiku-20240307", "\"max_tokens\":4096," },
		{ "claude-next-9", "\"max_tokens\":128000," },
		{ "unheard-of", "\"max_tokens\":4096," },
	};
	struct chat_request *rq = ask();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_has(cases[i].model, to(cases[i].model, rq).body, cases[i].want);
	rq->max_output = STR("0");
	assert_false(to("claude-haiku-4-5", rq).good); /* P3: only Anthropic's own clients warm the cache so */
	rq->from = DIALECT_ANTHROPIC;
	assert_has("own", to("claude-haiku-4-5", rq).body, "\"max_tokens\":0,");
}

static void sampling_fits_the_model(void **state)
{
	static const struct {
		const char *name, *model, *temperature, *top_p, *want, *lacks, *drops;
	} cases[] = {
		{ "clamped", "claude-3-5-haiku", "1.5", NULL, "\"temperature\":1", "1.5", "temperature " },
		{ "both", "claude-3-5-haiku", "0.2", "0.9", "\"temperature\":0.2,\"top_p\":0.9", "?", "" },
		{ "one of two", "claude-sonnet-4-5", "0.2", "0.9", "\"temperature\":0.2", "top_p", "top_p " },
		{ "alone", "claude-sonnet-4-5", NULL, "0.9", "\"top_p\":0.9", "temperature", "" },
		{ "refused", "claude-opus-5", "0.2", "0.9", "messages", "temperature", "temperature top_p " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request *rq = ask();
		if (cases[i].temperature) {
			rq->temperature = str_from_z(cases[i].temperature);
			rq->set |= MEMBER_BIT(MEMBER_TEMPERATURE);
		}
		if (cases[i].top_p) {
			rq->top_p = str_from_z(cases[i].top_p);
			rq->set |= MEMBER_BIT(MEMBER_TOP_P);
		}
		struct written w = to(cases[i].model, rq);
		assert_has(cases[i].name, w.body, cases[i].want);
		assert_lacks(cases[i].name, w.body, cases[i].lacks);
		assert_str(w.drops, cases[i].drops);
	}
}

static void effort_becomes_what_the_model_knows(void **state)
{
	static const struct {
		const char *name, *model;
		enum model_effort effort;
		const char *max, *want, *drops;
	} cases[] = {
		{ "budget", "claude-sonnet-4-5", EFFORT_MEDIUM, NULL,
		  "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192}", "" },
		{ "minimal", "claude-sonnet-4-5", EFFORT_MINIMAL, NULL, "\"budget_tokens\":1024}", "" },
		{ "below the cap", "claude-sonnet-4-5", EFFORT_HIGH, "3000", "\"budget_tokens\":2999}", "" },
		{ "no room", "claude-sonnet-4-5", EFFORT_HIGH, "500", "\"max_tokens\":500,\"messages\"", "reasoning " },
		{ "off", "claude-sonnet-4-5", EFFORT_NONE, NULL, "\"thinking\":{\"type\":\"disabled\"}", "" },
		{ "both", "claude-opus-4-5", EFFORT_XHIGH, NULL,
		  "\"budget_tokens\":32768},\"output_config\":{\"effort\":\"high\"}", "" },
		{ "adaptive", "claude-opus-5", EFFORT_XHIGH, NULL,
		  "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"xhigh\"}", "" },
		{ "not a word", "claude-opus-5", EFFORT_MINIMAL, NULL, "\"output_config\":{\"effort\":\"low\"}", "" },
		{ "cannot be off", "claude-fable-5", EFFORT_NONE, NULL, "messages", "reasoning " },
		{ "does not think", "claude-3-5-haiku", EFFORT_LOW, NULL, "messages", "reasoning " },
		{ "is off anyway", "claude-3-5-haiku", EFFORT_NONE, NULL, "messages", "" },
		{ "unknown Claude", "claude-next-9", EFFORT_HIGH, NULL,
		  "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"high\"}", "" },
		{ "no Claude", "unheard-of", EFFORT_LOW, "2000",
		  "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request *rq = ask();
		think(rq, cases[i].effort);
		if (cases[i].max)
			rq->max_output = str_from_z(cases[i].max);
		struct written w = to(cases[i].model, rq);
		assert_has(cases[i].name, w.body, cases[i].want);
		assert_str(w.drops, cases[i].drops);
	}
}

/* A turn that called `search` and its result. */
static struct chat_block *called(struct chat_request *rq)
{
	struct chat_turn *t = add_turn(rq, ROLE_ASSISTANT);
	struct chat_block *call = add_block(&t->blocks, CHAT_TOOL_CALL), *result;

	call->id = JSTR("call_1");
	call->name = JSTR("search");
	call->args.text = JSTR("{\\\"q\\\": \\\"\\ud83d\\\"}");
	result = add_block(&add_turn(rq, ROLE_USER)->blocks, CHAT_TOOL_RESULT);
	result->id = JSTR("call_1");
	add_block(&result->blocks, CHAT_TEXT)->text = JSTR("found");
	return t->blocks;
}

static void calls_and_results_keep_every_byte(void **state)
{
	struct chat_request *rq = ask();
	struct written w;

	(void)state;
	called(rq);
	add_block(&rq->turns->next->next->blocks, CHAT_TEXT)->text = JSTR("and?");
	add_tool(rq, "search", "");
	w = to("claude-sonnet-4-5", rq);
	assert_has("call", w.body,
	           "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"search\","
	           "\"input\":{\"q\": \"\\ud83d\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
	           "\"tool_use_id\":\"call_1\",\"content\":\"found\"},{\"type\":\"text\",\"text\":\"and?\"}]}");
	assert_has("tool", w.body,
	           "\"tools\":[{\"name\":\"search\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]");
}

static void odd_arguments_are_wrapped_and_reported(void **state)
{
	struct chat_request *rq = ask();
	struct chat_block *call = called(rq);
	struct written w;

	(void)state;
	call->args.text = JSTR("{oops");
	call->id = rq->turns->next->next->blocks->id = JSTR("call.1/x");
	rq->turns->next->next->blocks->is_error = true;
	w = to("claude-sonnet-4-5", rq);
	assert_has("wrapped", w.body, "\"input\":{\"_raw\":\"{oops\"}");
	assert_has("error", w.body, "\"is_error\":true");
	assert_lacks("id", w.body, "call.1/x");
	assert_str(w.drops, "messages[1].tool_calls.arguments ");
	rq->turns->next->next->blocks->id = JSTR("call_9");
	w = to("claude-sonnet-4-5", rq);
	assert_false(w.good);
	assert_string_equal(w.err.text, "messages[2]: the tool result for \"call_9\" has no tool call before it");
}

static void a_lost_thought_switches_thinking_off(void **state)
{
	struct chat_request *rq = ask();
	struct chat_block *call = called(rq), *thought;
	struct written w;

	(void)state;
	think(rq, EFFORT_LOW);
	w = to("claude-sonnet-4-5", rq);
	assert_has("lost", w.body, "\"thinking\":{\"type\":\"disabled\"}");
	assert_str(w.drops, "reasoning ");
	assert_has("not needed", to("claude-opus-5", rq).body, "\"thinking\":{\"type\":\"adaptive\"}");

	thought = arena_must(&arena, sizeof *thought);
	*thought = (struct chat_block){ .kind = CHAT_REASONING,
		                        .text = JSTR("Hm"),
		                        .next = call,
		                        .opaque = { .bytes = JSTR("c2ln"), .maker = MAKER_ANTHROPIC } };
	rq->turns->next->blocks = thought;
	w = to("claude-sonnet-4-5", rq);
	assert_has("there", w.body,
	           "[{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"c2ln\"},{\"type\":\"tool_use\"");
	assert_has("on", w.body, "\"thinking\":{\"type\":\"enabled\"");
	thought->redacted = true;
	assert_has("redacted", to("claude-sonnet-4-5", rq).body, "[{\"type\":\"redacted_thinking\",\"data\":\"c2ln\"}");

	/* O9: another maker's says nothing to this one. */
	thought->redacted = false;
	thought->opaque.maker = MAKER_GEMINI;
	w = to("claude-sonnet-4-5", rq);
	assert_lacks("foreign", w.body, "c2ln");
	assert_str(w.drops, "messages.reasoning reasoning ");
}

static void tool_choice_in_its_words(void **state)
{
	static const struct {
		const char *name, *model;
		enum chat_choice choice;
		const char *tool;
		enum tri parallel;
		int effort;
		const char *want, *drops;
	} cases[] = {
		{ "auto", "claude-opus-5", CHOICE_AUTO, NULL, TRI_UNSET, -1, "\"tool_choice\":{\"type\":\"auto\"}",
		  "" },
		{ "none", "claude-opus-5", CHOICE_NONE, NULL, TRI_UNSET, -1, "\"tool_choice\":{\"type\":\"none\"}",
		  "" },
		{ "any", "claude-opus-5", CHOICE_ANY, NULL, TRI_UNSET, -1, "\"tool_choice\":{\"type\":\"any\"}", "" },
		{ "one", "claude-opus-5", CHOICE_TOOL, "b", TRI_UNSET, -1,
		  "\"tool_choice\":{\"type\":\"tool\",\"name\":\"b\"}", "" },
		{ "one at a time", "claude-opus-5", CHOICE_UNSET, NULL, TRI_NO, -1,
		  "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}", "" },
		{ "subset", "claude-opus-5", CHOICE_SUBSET, "b", TRI_UNSET, -1, "\"tools\":[{\"name\":\"b\",", "" },
		{ "any, thinking", "claude-opus-5", CHOICE_ANY, NULL, TRI_UNSET, EFFORT_LOW,
		  "\"tool_choice\":{\"type\":\"auto\"}", "tool_choice " },
		{ "one, thinking", "claude-opus-5", CHOICE_TOOL, "a", TRI_UNSET, EFFORT_LOW,
		  "\"thinking\":{\"type\":\"disabled\"}", "reasoning " },
		{ "any, thinks unasked", "claude-sonnet-5", CHOICE_ANY, NULL, TRI_UNSET, -1,
		  "\"thinking\":{\"type\":\"disabled\"}", "" },
		{ "any, thinks always", "claude-fable-5", CHOICE_ANY, NULL, TRI_UNSET, -1,
		  "\"tool_choice\":{\"type\":\"auto\"}", "tool_choice " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request *rq = ask();
		add_tool(rq, "a", "{\"properties\":{\"z\":{},\"a\":{}}}");
		add_tool(rq, "b", "{\"type\":\"object\"}");
		choose(rq, cases[i].choice, cases[i].tool);
		rq->parallel = (uint8_t)cases[i].parallel;
		if (cases[i].effort >= 0)
			think(rq, (enum model_effort)cases[i].effort);
		struct written w = to(cases[i].model, rq);
		assert_has(cases[i].name, w.body, cases[i].want);
		assert_str(w.drops, cases[i].drops);
	}
	struct chat_request *rq = ask();
	choose(rq, CHOICE_AUTO, NULL);
	assert_lacks("U3", to("claude-opus-5", rq).body, "tool_choice");
	add_tool(rq, "a", "{\"properties\":{\"z\":{},\"a\":{}}}");
	assert_has("U2", to("claude-opus-5", rq).body,
	           "\"input_schema\":{\"type\":\"object\",\"properties\":{\"z\":{},\"a\":{}}}");
}

static void tools_of_other_kinds(void **state)
{
	struct chat_request *rq = ask();
	struct chat_tool *t = add_tool(rq, "apply.patch", "");
	struct written w;

	(void)state;
	t->kind = TOOL_CUSTOM;
	t->format = STR("{\"type\":\"grammar\"}");
	t = add_tool(rq, "", "");
	t->kind = TOOL_SERVER;
	t->raw = STR("{\"type\":\"web_search_preview\"}");
	t->from = DIALECT_OPENAI_RESPONSES;
	t = add_tool(rq, "", "");
	t->kind = TOOL_SERVER;
	t->raw = STR("{\"type\":\"file_search\"}");
	t->from = DIALECT_OPENAI_RESPONSES;
	add_tool(rq, "s", "{\"type\":\"object\",\"properties\":{}}")->strict = TRI_YES;
	w = to("claude-opus-5", rq);
	assert_has(
		"custom", w.body,
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":"
		"[\"input\"]}}");
	assert_lacks("name", w.body, "apply.patch");
	assert_non_null(w.wire.undo.custom_tools);
	assert_str(jstr_raw(w.wire.undo.custom_tools->name), "apply.patch");
	assert_non_null(w.wire.undo.renames);
	assert_has("search", w.body, "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}");
	assert_has("strict", w.body, "\"strict\":true");
	assert_str(w.drops, "tools[0].format tools[2] ");
	assert_str(to("claude-3-5-haiku", rq).drops, "tools[0].format tools[2] tools[3].strict ");
}

static void a_form_is_native_or_emulated(void **state)
{
	struct chat_request *rq = ask();
	struct written w;

	(void)state;
	rq->format = FORMAT_SCHEMA;
	rq->format_schema =
		STR("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"string\"}},"
	            "\"required\":[\"b\",\"a\"],\"additionalProperties\":false}");
	rq->set |= MEMBER_BIT(MEMBER_FORMAT);
	w = to("claude-opus-5", rq);
	assert_has(
		"native", w.body,
		"\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\","
		"\"properties\":"
		"{\"b\":");
	assert_false(w.wire.undo.schema_tool);

	w = to("claude-3-5-haiku", rq);
	assert_has("tool", w.body, "\"tool_choice\":{\"type\":\"tool\",\"name\":\"structured_output\"}");
	assert_has("tool's schema", w.body, "\"name\":\"structured_output\",\"description\":");
	assert_true(w.wire.undo.schema_tool);
	assert_str(w.drops, "");
	add_tool(rq, "a", "{\"type\":\"object\"}");
	w = to("claude-3-5-haiku", rq);
	assert_has("beside others", w.body, "\"tool_choice\":{\"type\":\"any\"}");

	rq->format = FORMAT_JSON;
	rq->format_schema = (struct str){ 0 };
	think(rq, EFFORT_LOW);
	w = to("claude-sonnet-4-5", rq);
	assert_has("in words", w.body, "JSON Schema, without a code fence: {\\\"type\\\":\\\"object\\\"}\"}]");
	assert_false(w.wire.undo.schema_tool);
}

static void turns_are_joined_and_blanks_left_out(void **state)
{
	struct chat_request *rq = ask();
	struct written w;

	(void)state;
	add_block(&add_turn(rq, ROLE_SYSTEM)->blocks, CHAT_TEXT)->text = JSTR("Mind.");
	add_block(&add_turn(rq, ROLE_ASSISTANT)->blocks, CHAT_TEXT)->text = JSTR(" \\n");
	add_block(&add_turn(rq, ROLE_USER)->blocks, CHAT_TEXT)->text = JSTR("Yo");
	w = to("claude-sonnet-4-5", rq);
	assert_has("system turn", w.body, "{\"type\":\"text\",\"text\":\"<system>\\nMind.\\n</system>\"}");
	assert_lacks("blank", w.body, "assistant");
	w = to("claude-opus-5", rq);
	assert_has("system turn", w.body, "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"Mind.\"}]}");

	add_block(&add_turn(rq, ROLE_ASSISTANT)->blocks, CHAT_TEXT)->text = JSTR("It is \\n ");
	assert_has("prefill", to("claude-sonnet-4-5", rq).body, "\"text\":\"It is\"}]}]");
	w = to("claude-opus-5", rq);
	assert_false(w.good);
	assert_int_equal(w.err.code, ERR_INVALID_REQUEST);
	assert_has("place", str_from_z(w.err.text), "messages[4].role");

	rq->turns = NULL;
	assert_has("T2", to("claude-opus-5", rq).body, "\"messages\":[{\"role\":\"user\",\"content\":\".\"}]");
	add_block(&add_turn(rq, ROLE_USER)->blocks, CHAT_TEXT)->text = JSTR("");
	w = to("claude-opus-5", rq);
	assert_false(w.good);
	assert_has("empty", str_from_z(w.err.text), "messages[0].content");
}

static struct chat_block *add_media(struct chat_request *rq, enum chat_kind kind, struct chat_media m)
{
	struct chat_block *b = add_block(&rq->turns->blocks, kind);

	b->media = arena_must(&arena, sizeof m);
	*b->media = m;
	return b;
}

static void media_go_as_their_kind(void **state)
{
	struct chat_request *rq = ask();
	struct written w;

	(void)state;
	add_media(rq, CHAT_IMAGE,
	          (struct chat_media){ .data = JSTR("aGk="), .type = JSTR("image/png"), .detail = JSTR("low") });
	add_media(rq, CHAT_IMAGE, (struct chat_media){ .from = MEDIA_URL, .data = JSTR("https://example.com/a.png") });
	add_media(rq, CHAT_DOCUMENT,
	          (struct chat_media){
			  .data = JSTR("JVBERi0="), .type = JSTR("application/pdf"), .name = JSTR("a.pdf") });
	add_media(rq, CHAT_DOCUMENT, (struct chat_media){ .data = JSTR("aMOkIgo="), .type = JSTR("text/csv") });
	w = to("claude-opus-5", rq);
	assert_true(w.good);
	assert_has("image", w.body,
	           "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
	           "\"data\":\"aGk=\"}}");
	assert_has("url", w.body, "\"source\":{\"type\":\"url\",\"url\":\"https://example.com/a.png\"}");
	assert_has("pdf", w.body,
	           "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\","
	           "\"data\":\"JVBERi0=\"},\"title\":\"a.pdf\"}");
	assert_has("csv", w.body,
	           "\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"h\xc3\xa4\\\"\\n\"}");
	assert_str(w.drops, "messages[0].content.image_url.detail ");

	static const struct {
		enum chat_kind kind;
		struct chat_media m;
		const char *want;
	} refused[] = {
		{ CHAT_IMAGE, { .data = { "aGk=", 4 }, .type = { "image/tiff", 10 } }, "image/png, image/jpeg" },
		{ CHAT_IMAGE, { .from = MEDIA_FILE, .data = { "file-1", 6 } }, "another provider" },
		{ CHAT_IMAGE, { .from = MEDIA_URL, .data = { "gs://b/o", 8 } }, "https" },
		{ CHAT_AUDIO, { .data = { "aGk=", 4 }, .type = { "wav", 3 } }, "audio" },
		{ CHAT_DOCUMENT, { .data = { "aGk=", 4 }, .type = { "application/msword", 18 } }, "application/pdf" },
		{ CHAT_DOCUMENT, { .data = { "/w==", 4 }, .type = { "text/plain", 10 } }, "UTF-8" },
	};
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		rq = ask();
		add_media(rq, refused[i].kind, refused[i].m);
		w = to("claude-opus-5", rq);
		assert_false(w.good);
		assert_has("place", str_from_z(w.err.text), "messages[0].content");
		assert_has("why", str_from_z(w.err.text), refused[i].want);
	}
}

static void at_most_four_cache_marks(void **state)
{
	struct chat_request *rq = ask();
	struct written w;
	unsigned marks = 0;

	(void)state;
	add_tool(rq, "a", "{\"type\":\"object\"}")->cache = CACHE_5M;
	add_block(&rq->system, CHAT_TEXT)->text = JSTR("S");
	rq->system->cache = CACHE_5M;
	for (int i = 0; i < 4; i++) {
		struct chat_block *b = add_block(&rq->turns->blocks, CHAT_TEXT);
		b->text = JSTR("x");
		b->cache = i == 3 ? CACHE_1H : CACHE_5M;
	}
	w = to("claude-opus-5", rq);
	for (size_t at = 0, n; (n = str_find(str_slice(w.body, at, w.body.n), STR("cache_control"))) != STR_NPOS;
	     at += n + 1)
		marks++;
	assert_int_equal(marks, 4);
	assert_has("first stays", w.body,
	           "\"input_schema\":{\"type\":\"object\"},\"cache_control\":{\"type\":\"ephemeral\"}}]");
	assert_lacks("no hour behind five minutes", w.body, "1h");
	assert_str(w.drops, "cache_control cache_control.ttl ");
	rq->tools = NULL;
	rq->system->cache = CACHE_1H;
	rq->turns->blocks->next->cache = CACHE_NO_MARK;
	w = to("claude-opus-5", rq);
	assert_has("hour first", w.body, "\"text\":\"S\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}");
}

static void who_the_user_is_stays_private(void **state)
{
	static const struct {
		const char *user;
		bool hashed;
	} cases[] = {
		{ "jo@example.com", true },
		{ "+49 170 1234567", true },
		{ "user-123456789", false },
		{ "42", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request *rq = ask();
		rq->end_user = js(cases[i].user);
		rq->set |= MEMBER_BIT(MEMBER_END_USER);
		struct written w = to("claude-opus-5", rq);
		if (cases[i].hashed)
			assert_lacks(cases[i].user, w.body, cases[i].user);
		else
			assert_has(cases[i].user, w.body, cases[i].user);
		assert_has(cases[i].user, w.body, "\"metadata\":{\"user_id\":\"");
	}
	struct chat_request *rq = ask();
	rq->n = STR("2");
	struct written w = to("claude-opus-5", rq);
	assert_false(w.good);
	assert_int_equal(w.err.code, ERR_UNSUPPORTED_PARAMETER);
}

static void betas_go_once_and_only_where_known(void **state)
{
	struct chat_target target = { .model = JSTR("claude-opus-5"),
		                      .facts = model_facts_by_name(STR("claude-opus-5")),
		                      .betas_allowed = STR("a,b") };
	struct chat_wire wire = { .drops.arena = &arena };
	struct chat_request *rq = ask();
	struct err e;

	(void)state;
	rq->betas = STR("b, a,b , c,x\ry");
	assert_true(anthropic_codec.write_request(&arena, rq, &target, &wire, &e));
	assert_str(wire.head, "anthropic-beta: b,a\r\n");
	assert_str(wire.drops.first->name, "anthropic-beta.c");
}

/* ---- requests of Anthropic's clients ----------------------------------------------------------------------------- */

static bool read_it(const char *body, struct chat_request *rq, struct err *e)
{
	struct dialect_request in = { .call = CALL_GENERATE };
	const struct json_node *root = json_nodes(&arena, str_from_z(body), REQUEST_DEPTH_MAX, e);

	return root && anthropic_codec.read_request(&arena, &in, root, rq, e);
}

#define MESSAGES(content) \
	"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":" content "}]}"

static void bad_requests_name_the_place(void **state)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{ "[]", "the body: [] must be an object" },
		{ "{\"max_tokens\":1}", "messages: it is missing, and must be" },
		{ "{\"max_tokens\":1,\"messages\":[]}", "messages: [] must be" },
		{ "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "max_tokens: it is missing" },
		{ "{\"max_tokens\":1.5,\"messages\":[]}", "max_tokens: 1.5 must be" },
		{ "{\"max_tokens\":1,\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
		  "messages[0].role: \"tool\" must be" },
		{ "{\"max_tokens\":1,\"messages\":[7]}", "messages[0]: 7 must be" },
		{ MESSAGES("null"), "messages[0].content: null must be" },
		{ MESSAGES("[\"x\"]"), "messages[0].content[0]: \"x\" must be" },
		{ MESSAGES("[{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"b\"}]"),
		  "messages[0].content[1].type: it is missing" },
		{ MESSAGES("[{\"type\":\"text\",\"text\":1}]"), "messages[0].content[0].text: 1 must be a string" },
		{ MESSAGES("[{\"type\":\"image\",\"source\":{\"type\":\"ftp\"}}]"),
		  "messages[0].content[0].source.type: \"ftp\"" },
		{ MESSAGES("[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"http://127.0.0.1/a.png\"}}]"),
		  "messages[0].content[0].source.url: \"http://127.0.0.1/a.png\" must be" },
		{ MESSAGES(
			  "[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\","
			"\"ttl\":\"2h\"}}]"),
		  "messages[0].content[0].cache_control.ttl: \"2h\"" },
		{ MESSAGES("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\"}]"),
		  "messages[0]: the tool result for \"t\"" },
		{ MESSAGES("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\"}]}]"),
		  "messages[0].content[0].content[0].text: it is missing" },
		{ MESSAGES("\"x\"") "}", "column" },
		{ "{\"max_tokens\":1,\"tools\":[{\"input_schema\":{}}],\"messages\":[]}",
		  "tools[0].name: it is missing" },
		{ "{\"max_tokens\":1,\"tools\":[{\"name\":\"a\",\"input_schema\":1}],\"messages\":[]}",
		  "tools[0].input_schema: 1" },
		{ "{\"max_tokens\":1,\"tool_choice\":{\"type\":\"some\"},\"messages\":[]}",
		  "tool_choice.type: \"some\"" },
		{ "{\"max_tokens\":1,\"thinking\":{\"type\":\"much\"},\"messages\":[]}", "thinking.type: \"much\"" },
		{ "{\"max_tokens\":1,\"system\":3,\"messages\":[]}", "system: 3 must be" },
		{ "{\"max_tokens\":1,\"system\":[{\"type\":\"text\"}],\"messages\":[]}",
		  "system[0].text: it is missing" },
		{ "{\"max_tokens\":1,\"output_config\":{\"effort\":\"huge\"},\"messages\":[]}",
		  "output_config.effort: \"huge\"" },
		{ "{\"max_tokens\":1,\"temperature\":\"hot\",\"messages\":[]}",
		  "temperature: \"hot\" must be a number" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request rq;
		struct err e = { 0 };
		if (read_it(cases[i].body, &rq, &e))
			fail_msg("%s is taken", cases[i].body);
		assert_has(cases[i].body, str_from_z(e.text), cases[i].want);
		assert_int_equal(e.code, ERR_INVALID_REQUEST);
	}
}

static void a_request_is_read_whole(void **state)
{
	struct chat_request rq;
	struct err e = { 0 };

	(void)state;
	assert_true(read_it(
		"{\"model\":\"m\",\"max_tokens\":4096,\"stream\":true,\"temperature\":0.7,\"top_k\":5,"
		"\"system\":[{\"type\":\"text\",\"text\":\"S\",\"cache_control\":{\"type\":\"ephemeral\","
		"\"ttl\":\"1h\"}}],"
		"\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048},\"metadata\":{\"user_id\":\"u\"},"
		"\"tools\":[{\"name\":\"t\",\"input_schema\":{\"z\":1},\"defer_loading\":true},"
		"{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],"
		"\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true},\"container\":\"c\","
		"\"output_config\":{\"effort\":\"max\",\"task_budget\":{\"total\":1}},\"messages\":["
		"{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":["
		"{\"type\":\"thinking\",\"thinking\":\"one\",\"signature\":\"AA==\"},"
		"{\"type\":\"redacted_thinking\",\"data\":\"BB==\"},"
		"{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"t\",\"input\":{\"b\": 1, \"a\":2}}]},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"is_error\":true,"
		"\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
		"\"data\":\"aGk=\"}}]}]}]}",
		&rq, &e));
	assert_int_equal(rq.system->cache, CACHE_1H);
	assert_int_equal(rq.thinking_budget, 2048);
	assert_int_equal(rq.effort, EFFORT_MAX);
	assert_int_equal(rq.parallel, TRI_NO);
	assert_str(rq.tools->schema, "{\"z\":1}");
	assert_str(rq.tools->extras->raw, "true");
	assert_int_equal(rq.tools->next->kind, TOOL_SERVER);
	const struct chat_block *b = rq.turns->next->blocks;
	assert_str(jstr_raw(b->text), "one");
	assert_int_equal(b->opaque.maker, MAKER_ANTHROPIC);
	assert_true(b->next->redacted);
	assert_str(b->next->next->args.json, "{\"b\": 1, \"a\":2}");
	b = rq.turns->next->next->blocks;
	assert_true(b->is_error);
	assert_str(jstr_raw(b->name), "t");
	assert_str(jstr_raw(b->blocks->media->type), "image/png");
	assert_str(rq.extras->raw, "\"c\"");
	assert_str(jstr_raw(rq.extras->next->name), "output_config.task_budget");
}

static void who_may_call_is_never_lost(void **state)
{
	static const struct {
		const char *callers;
		bool taken;
	} cases[] = {
		{ "[\"code_execution_20250825\"]", false },
		{ "[\"direct\"]", true },
		{ "[\"code_execution_20250825\",\"direct\"]", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_request *rq = ask();
		struct chat_tool *t = add_tool(rq, "a", "{}");
		struct err e = { 0 };
		assert_true(chat_extra_add(&arena, &t->extras, DIALECT_ANTHROPIC, JSTR("allowed_callers"),
		                           str_from_z(cases[i].callers)));
		assert_int_equal(chat_tools_check(rq, DIALECT_GEMINI, &e), cases[i].taken);
		assert_true(chat_tools_check(rq, DIALECT_ANTHROPIC, &e));
	}
}

/* ---- answers and streams ----------------------------------------------------------------------------------------- */

static const struct chat_reply reply = { .id = { "01J", 3 }, .model = { "alias", 5 }, .max_bytes = 65536 };

static struct str write_answer(const struct chat_response *rs)
{
	struct buf out = buf_make(65536);
	struct chat_drops drops = { .arena = &arena };
	struct str copy;

	assert_true(anthropic_codec.write_response(&arena, rs, &reply, &out, &drops));
	copy = arena_dup(&arena, buf_str(&out));
	buf_fini(&out);
	return copy;
}

static struct chat_response foreign_answer(void)
{
	struct chat_response rs = { .from = DIALECT_GEMINI, .outputs = arena_must(&arena, sizeof *rs.outputs) };
	struct chat_block *b = add_block(&rs.outputs->blocks, CHAT_REASONING);

	b->text = JSTR("Hm");
	b = add_block(&rs.outputs->blocks, CHAT_TEXT);
	b->text = JSTR("Hi\\n");
	b = add_block(&rs.outputs->blocks, CHAT_TOOL_CALL);
	b->id = JSTR("call_1");
	b->name = JSTR("t");
	b->args.text = JSTR("");
	b->opaque = (struct chat_opaque){ .bytes = JSTR("R0c="), .maker = MAKER_GEMINI };
	rs.outputs->finish = (struct chat_finish){ .stop = STOP_END, .raw = JSTR("STOP") };
	rs.usage = (struct usage){ .source = USAGE_REPORTED };
	rs.usage.n[USAGE_INPUT] = 7;
	rs.usage.n[USAGE_CACHE_READ] = 3;
	rs.usage.n[USAGE_OUTPUT] = 5;
	rs.usage.n[USAGE_REASONING] = 2;
	return rs;
}

/* What an Anthropic client sends back of another maker's answer is known again. */
static void assert_comes_back(struct str content)
{
	struct buf body = buf_make(65536);
	struct chat_request rq;
	struct err e = { 0 };

	buf_append(&body,
	           STR("{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
	               "\"content\":"));
	buf_append(&body, content);
	buf_append(&body, STR("}]}"));
	struct str copy = arena_dup(&arena, buf_str(&body));
	buf_fini(&body);
	if (!read_it(copy.p, &rq, &e))
		fail_msg("%s: %s", copy.p, e.text);
	const struct chat_block *b = rq.turns->next->blocks;
	assert_int_equal(b->kind, CHAT_REASONING);
	assert_str(jstr_raw(b->text), "Hm");
	assert_int_equal(b->opaque.maker, MAKER_OTHER);
	assert_null(b->opaque.bytes.p);
	b = b->next;
	assert_int_equal(b->kind, CHAT_TEXT);
	b = b->next; /* the token's own thought is gone */
	assert_int_equal(b->kind, CHAT_TOOL_CALL);
	assert_int_equal(b->opaque.maker, MAKER_GEMINI);
	assert_str(jstr_raw(b->opaque.bytes), "R0c=");
	assert_null(b->next);

	/* To Claude it goes without any of it. */
	struct written w = to("claude-opus-5", &rq);
	assert_false(w.good); /* it ends with the assistant's turn */
	add_block(&add_turn(&rq, ROLE_USER)->blocks, CHAT_TOOL_RESULT)->id = JSTR("call_1");
	w = to("claude-opus-5", &rq);
	assert_true(w.good);
	assert_lacks("foreign", w.body, "sluice01");
	assert_lacks("foreign", w.body, "thinking");
}

static void other_makers_answers_come_back_known(void **state)
{
	struct chat_response rs = foreign_answer();
	struct str text = write_answer(&rs);
	struct err e;
	const struct json_node *root = json_nodes(&arena, text, ANSWER_DEPTH_MAX, &e);

	(void)state;
	assert_non_null(root);
	assert_has("id", text, "{\"id\":\"msg_01J\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"alias\",");
	assert_has("F1", text, "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,");
	assert_has(
		"usage", text,
		"\"usage\":{\"input_tokens\":7,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":3,"
		"\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},"
		"\"output_tokens\":7,"
		"\"output_tokens_details\":{\"thinking_tokens\":2}}");
	assert_has("no arguments", text, "\"input\":{}");
	assert_comes_back(node_raw(node_get(root, STR("content"))));
}

static struct str write_stream(const struct chat_response *rs)
{
	struct chat_events events = { 0 };
	struct buf out = buf_make(1 << 20);
	void *writer = calloc(1, anthropic_codec.writer_size);
	struct str copy;

	assert_true(chat_response_events(&arena, rs, &events));
	assert_true(anthropic_codec.writer_init(writer, &reply));
	for (const struct chat_event *ev = events.first; ev; ev = ev->next)
		assert_true(anthropic_codec.write_event(writer, &arena, ev, &out));
	anthropic_codec.writer_fini(writer);
	free(writer);
	copy = arena_dup(&arena, buf_str(&out));
	buf_fini(&out);
	return copy;
}

static void other_makers_streams_are_theirs_in_form(void **state)
{
	struct chat_response rs = foreign_answer();
	struct str text = write_stream(&rs);

	(void)state;
	assert_true(str_starts(
		text, STR("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01J\"")));
	assert_has("thought", text,
	           "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
	           "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
	assert_has("thought", text, "\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}}\n\n");
	assert_has("signed by us", text,
	           "\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"sluice01");
	assert_has("text", text, "\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\\n\"}}\n\n");
	assert_has("token", text, "\"index\":3,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"sluice01");
	assert_has(
		"call", text,
		"\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"t\",\"input\":{}}}");
	assert_has("arguments", text, "\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}");
	assert_has("finish", text,
	           "\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":7,");
	assert_true(str_ends(text, STR("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")));
}

/* Frames, one a line: name and data. */
static enum chat_read read_stream(const char *const *frames, size_t n, struct chat_collector *c, struct err *e)
{
	void *reader = calloc(1, anthropic_codec.reader_size);
	enum chat_read result = CHAT_READ_OK;
	struct dialect_error error;

	for (size_t i = 0; i < n && result == CHAT_READ_OK; i++) {
		struct chat_frame f = { .data = frames[i] ? str_from_z(frames[i]) : (struct str){ 0 } };
		struct chat_events events = { 0 };
		result = anthropic_codec.read_event(reader, &arena, &f, &events, &error, e);
		for (const struct chat_event *ev = events.first; ev; ev = ev->next)
			assert_true(chat_collector_add(c, ev));
	}
	anthropic_codec.reader_fini(reader);
	free(reader);
	return result;
}

#define START                                                                                                 \
	"{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"content\":[],\"usage\":" \
	"{\"input_tokens\":10,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}"
#define STOP "{\"type\":\"message_stop\"}"

static void streams_are_read_whatever_their_oddities(void **state)
{
	static const char *const whole[] = {
		START,
		"{\"type\":\"ping\"}",
		"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\","
		"\"id\":\"a\",\"name\":\"t\","
		"\"input\":{\"x\": 1}}}",
		"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\","
		"\"partial_json\":\"\"}}",
		"{\"type\":\"content_block_stop\",\"index\":0}",
		"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\","
		"\"id\":\"b\",\"name\":\"t\","
		"\"input\":{}}}",
		"{\"type\":\"content_block_stop\",\"index\":1}",
		"{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"novelty\",\"v\":1}}",
		"{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"novel_delta\",\"v\":2}}",
		"{\"type\":\"content_block_stop\",\"index\":2}",
		"{\"type\":\"unheard_of\"}",
		"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"a_new_reason\"},"
		"\"usage\":{\"input_tokens\":0,"
		"\"output_tokens\":9,\"output_tokens_details\":{\"thinking_tokens\":4}}}",
		STOP,
		"[DONE]",
		NULL,
	};
	struct chat_collector *c = chat_collector_new(1 << 20);
	const struct chat_response *rs;
	struct err e;

	(void)state;
	assert_int_equal(read_stream(whole, COUNT_OF(whole), c, &e), CHAT_READ_OK);
	rs = chat_collector_response(c);
	const struct chat_block *b = rs->outputs->blocks;
	assert_str(jstr_raw(chat_args_text(&arena, &b->args)), "{\\\"x\\\": 1}");
	assert_str(jstr_raw(chat_args_text(&arena, &b->next->args)), "{}");
	assert_int_equal(b->next->next->kind, CHAT_RAW);
	assert_int_equal(rs->outputs->finish.stop, STOP_END);
	assert_str(jstr_raw(rs->outputs->finish.raw), "a_new_reason");
	assert_int_equal(rs->usage.n[USAGE_INPUT], 10);
	assert_int_equal(rs->usage.n[USAGE_CACHE_READ], 4);
	assert_int_equal(rs->usage.n[USAGE_OUTPUT], 5);
	assert_int_equal(rs->usage.n[USAGE_REASONING], 4);
	chat_collector_free(c);
}

static void broken_streams_are_called_so(void **state)
{
	static const char *const text =
		"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
		"\"text\":\"\"}}";
	static const char *const failed =
		"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}";
	const struct {
		const char *frames[4];
		size_t n;
		enum chat_read want;
	} cases[] = {
		{ { failed }, 1, CHAT_READ_ERROR },
		{ { START, text, failed }, 3, CHAT_READ_ERROR },
		{ { NULL }, 1, CHAT_READ_BROKEN },
		{ { START, NULL }, 2, CHAT_READ_BROKEN },
		{ { START, text, NULL }, 3, CHAT_READ_BROKEN },
		{ { START, text, STOP }, 3, CHAT_READ_BROKEN },
		{ { START, text, text }, 3, CHAT_READ_BROKEN },
		{ { START, text, START }, 3, CHAT_READ_BROKEN },
		{ { START, "nonsense" }, 2, CHAT_READ_BROKEN },
		{ { START, "{\"type\":\"content_block_delta\",\"index\":3}" }, 2, CHAT_READ_BROKEN },
		{ { START, "{\"type\":\"content_block_stop\",\"index\":{}}" }, 2, CHAT_READ_BROKEN },
		{ { START, "{\"type\":\"content_block_start\",\"content_block\":7}" }, 2, CHAT_READ_BROKEN },
		{ { "{\"type\":[]}", "{\"type\":\"message_delta\",\"delta\":7}", NULL }, 3, CHAT_READ_BROKEN },
		{ { START, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}", NULL },
		  3,
		  CHAT_READ_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_collector *c = chat_collector_new(1 << 20);
		struct err e = { 0 };
		enum chat_read got = read_stream(cases[i].frames, cases[i].n, c, &e);
		if (got != cases[i].want)
			fail_msg("case %zu: %d", i, got);
		chat_collector_free(c);
	}
}

static void ends_in_their_words(void **state)
{
	static const struct {
		enum chat_stop stop;
		const char *want;
	} cases[] = {
		{ STOP_END, "end_turn" },
		{ STOP_MAX_TOKENS, "max_tokens" },
		{ STOP_TOOL, "tool_use" },
		{ STOP_FILTER, "refusal" },
		{ STOP_REFUSAL, "refusal" },
		{ STOP_PAUSE, "pause_turn" },
		{ STOP_CONTEXT_FULL, "model_context_window_exceeded" },
		{ STOP_SEQUENCE, "stop_sequence" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_output o = {
			.finish = { .stop = (uint8_t)cases[i].stop, .raw = JSTR("eos"), .sequence = JSTR("X") }
		};
		struct chat_response rs = { .outputs = &o, .from = DIALECT_OPENAI_CHAT };
		char want[64];
		snprintf(want, sizeof want, "\"stop_reason\":\"%s\"", cases[i].want);
		assert_has(want, write_answer(&rs), want);
		assert_has(want, write_stream(&rs), want);
	}
	struct chat_output o = { .finish = { .stop = STOP_ERROR, .raw = JSTR("MALFORMED_FUNCTION_CALL") } };
	struct chat_response rs = { .outputs = &o, .from = DIALECT_GEMINI };
	struct str text = write_stream(&rs);
	assert_has("gave up", text, "event: error\ndata: {\"type\":\"error\",");
	assert_lacks("gave up", text, "message_stop");
}

static void counts_are_told(void **state)
{
	struct buf out = buf_make(100);

	(void)state;
	assert_true(anthropic_codec.write_count(42, &out));
	assert_str(buf_str(&out), "{\"input_tokens\":42}");
	buf_fini(&out);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_plain_request_is_written_whole),
		TEST(the_cap_comes_from_the_model),
		TEST(sampling_fits_the_model),
		TEST(effort_becomes_what_the_model_knows),
		TEST(calls_and_results_keep_every_byte),
		TEST(odd_arguments_are_wrapped_and_reported),
		TEST(a_lost_thought_switches_thinking_off),
		TEST(tool_choice_in_its_words),
		TEST(tools_of_other_kinds),
		TEST(a_form_is_native_or_emulated),
		TEST(turns_are_joined_and_blanks_left_out),
		TEST(media_go_as_their_kind),
		TEST(at_most_four_cache_marks),
		TEST(who_the_user_is_stays_private),
		TEST(betas_go_once_and_only_where_known),
		TEST(bad_requests_name_the_place),
		TEST(a_request_is_read_whole),
		TEST(who_may_call_is_never_lost),
		TEST(other_makers_answers_come_back_known),
		TEST(other_makers_streams_are_theirs_in_form),
		TEST(streams_are_read_whatever_their_oddities),
		TEST(broken_streams_are_called_so),
		TEST(ends_in_their_words),
		TEST(counts_are_told),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
