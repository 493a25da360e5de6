/* SPDX-License-Identifier: Apache-2.0 */
/* count: whole requests, made by hand. What providers really reported: tests/unit/dialect/tokens_corpus_test.c. */
#include "base/arena.h"
#include "lib/check.h"
#include "model/count.h"

struct made {
	struct arena arena;
	struct chat_request request;
	struct chat_turn **turns;
	struct chat_tool **tools;
	struct estimator estimator;
};

static void begin(struct made *m)
{
	*m = (struct made){ 0 };
	arena_init(&m->arena, 1 << 20);
	m->turns = &m->request.turns;
	m->tools = &m->request.tools;
}

static struct chat_block *say(struct made *m, enum chat_role role, struct jstr text)
{
	struct chat_turn *t = chat_turn_add(&m->arena, &m->turns, role);
	struct chat_block **end = &t->blocks, *b = chat_block_add(&m->arena, &end, CHAT_TEXT);

	b->text = text;
	return b;
}

static void tool(struct made *m, struct jstr name, struct jstr description, struct str schema)
{
	struct chat_tool *t = chat_tool_add(&m->arena, &m->tools, TOOL_FUNCTION);

	t->name = name;
	t->description = description;
	t->schema = schema;
}

static struct token_count count(struct made *m, const char *model)
{
	struct token_count n;
	size_t used = m->arena.used_bytes;

	chat_count_tokens(&m->estimator, &m->request, str_from_z(model), &m->arena, &n);
	assert_true(m->arena.used_bytes >= used);
	return n;
}

static void texts_and_what_is_around_them(void **state)
{
	struct made m;

	begin(&m);
	say(&m, ROLE_USER, JSTR("Hello!"));
	assert_int_equal(count(&m, "gpt-4o").tokens, 9);
	assert_int_equal(count(&m, "gpt-4o").text_tokens, 2);
	assert_int_equal(count(&m, "gpt-3.5-turbo").tokens, 9);
	assert_false(count(&m, "gpt-4o").guessed);
	say(&m, ROLE_ASSISTANT, JSTR("Hello!\\n"));
	m.request.turns->name = JSTR("bob");
	assert_int_equal(count(&m, "gpt-4o").tokens, 3 + 4 + 2 + 1 + 1 + 4 + 2);
	arena_fini(&m.arena);
}

/* OpenAI's own example of a function, 80 tokens by its API. */
static void tools_are_types(void **state)
{
	struct made m;

	begin(&m);
	say(&m, ROLE_USER, JSTR("What's the weather like in San Francisco?"));
	tool(&m, JSTR("get_current_weather"), JSTR("Get the current weather in a given location"),
	     STR("{\"type\":\"object\",\"properties\":{\"location\":{\"type\":\"string\",\"description\":"
	         "\"The city and state, e.g. San Francisco, CA\"},\"unit\":{\"type\":\"string\",\"enum\":"
	         "[\"celsius\",\"fahrenheit\"]}},\"required\":[\"location\"]}"));
	assert_int_equal(count(&m, "gpt-4o-mini").tokens, 80);
	/* Schemas that are none, or very deep, are counted all the same. */
	tool(&m, JSTR("broken"), (struct jstr){ 0 }, STR("{\"type\":"));
	tool(&m, JSTR("odd"), (struct jstr){ 0 },
	     STR("{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":true,"
	         "\"c\":{\"anyOf\":[{\"type\":\"object\"},{\"type\":\"array\"}]}}}"));
	struct token_count n = count(&m, "gpt-4o-mini");
	assert_in_range(n.tokens, 90, 150);
	assert_true(n.guessed);
	n = count(&m, "claude-sonnet-4-5");
	assert_in_range(n.tokens, 500, 800);
	assert_int_equal(n.family, FAMILY_CLAUDE_4_5);
	arena_fini(&m.arena);
}

static void media_are_counted_or_guessed(void **state)
{
	struct made m;
	struct chat_media image = { .from = MEDIA_URL, .data = JSTR("https://example.com/a.png") };
	struct chat_media text = { .from = MEDIA_TEXT, .data = JSTR("a b c d e f g h i j") };
	struct chat_block *b;

	begin(&m);
	b = say(&m, ROLE_USER, JSTR(""));
	b->kind = CHAT_IMAGE;
	b->media = &image;
	assert_int_equal(count(&m, "gpt-4o").tokens, 765 + 7);
	assert_true(count(&m, "gpt-4o").guessed);
	image.detail = JSTR("low");
	assert_int_equal(count(&m, "gpt-4o").tokens, 85 + 7);
	b->kind = CHAT_DOCUMENT;
	b->media = &text;
	assert_int_equal(count(&m, "gpt-4o").tokens, 10 + 7);
	assert_false(count(&m, "gpt-4o").guessed);
	arena_fini(&m.arena);
}

static void thoughts_of_earlier_turns_are_forgotten(void **state)
{
	struct made m;
	struct chat_block *thought;
	uint64_t before, after;

	begin(&m);
	say(&m, ROLE_USER, JSTR("one"));
	thought = say(&m, ROLE_ASSISTANT, JSTR("thinking about it for a long while"));
	before = count(&m, "claude-sonnet-4-5").tokens;
	thought->kind = CHAT_REASONING;
	assert_int_equal(count(&m, "claude-sonnet-4-5").tokens, before);
	say(&m, ROLE_USER, JSTR("two"));
	after = count(&m, "claude-sonnet-4-5").tokens;
	assert_true(after < before + 6);
	arena_fini(&m.arena);
}

/* What is learned of a family is in force at once. */
static void estimates_are_used(void **state)
{
	struct made m;

	begin(&m);
	say(&m, ROLE_USER, JSTR("The quick brown fox jumps over the lazy dog, again and again and again and again."));
	uint64_t before = count(&m, "mistral-large").tokens, exact = count(&m, "gpt-4o").tokens;
	for (int i = 0; i < 1000; i++) {
		estimate_learn(&m.estimator, FAMILY_MISTRAL, ESTIMATE_TEXT, 1000, 2000);
		estimate_learn(&m.estimator, FAMILY_O200K, ESTIMATE_TEXT, 1000, 2000);
	}
	assert_in_range(count(&m, "mistral-large").tokens, before * 3 / 2, before * 2);
	assert_int_equal(count(&m, "gpt-4o").tokens, exact);
	arena_fini(&m.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_what_is_around_them),
		cmocka_unit_test(tools_are_types),
		cmocka_unit_test(media_are_counted_or_guessed),
		cmocka_unit_test(thoughts_of_earlier_turns_are_forgotten),
		cmocka_unit_test(estimates_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
