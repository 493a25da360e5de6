/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of models by name, wherever they run, and the scale of efforts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/facts.h"

#define L(e) EFFORT_BIT(EFFORT_##e)

static const struct {
	const char *name;
	uint32_t context, output;
	unsigned caps, lacks, rules; /* those that must be among the row's */
	unsigned efforts, thinking;
} cases[] = {
	{ "claude-opus-4-7", 1000000, 128000, CAP_VISION | CAP_JSON_SCHEMA, CAP_AUDIO_IN,
	  MODEL_NO_SAMPLING | MODEL_NO_PREFILL, L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH) | L(MAX), THINKING_ADAPTIVE },
	{ "anthropic/claude-opus-4.7", 1000000, 128000, CAP_VISION, 0, MODEL_NO_SAMPLING,
	  L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH) | L(MAX), THINKING_ADAPTIVE },
	{ "us.anthropic.claude-opus-4-1-20250805-v1:0", 200000, 32000, CAP_JSON_SCHEMA, CAP_SYSTEM_IN_TURNS,
	  MODEL_NO_TEMP_WITH_TOP_P, 0, THINKING_BUDGET },
	{ "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-sonnet-4-20250514-v1:0", 200000, 64000,
	  CAP_TOOLS, CAP_JSON_SCHEMA, 0, 0, THINKING_BUDGET },
	{ "publishers/anthropic/models/claude-sonnet-4-5@20250929", 200000, 64000, CAP_JSON_SCHEMA, 0, 0, 0,
	  THINKING_BUDGET },
	{ "claude-sonnet-4-6", 1000000, 128000, CAP_REASONING, 0, MODEL_EFFORT_CONFIG,
	  L(LOW) | L(MEDIUM) | L(HIGH) | L(MAX), THINKING_ADAPTIVE },
	{ "claude-opus-4-5-20251101", 200000, 64000, 0, 0, MODEL_EFFORT_CONFIG, L(LOW) | L(MEDIUM) | L(HIGH),
	  THINKING_BUDGET },
	{ "claude-3-haiku-20240307", 200000, 4096, CAP_VISION, CAP_REASONING | CAP_PDF, 0, 0, THINKING_NONE },
	{ "claude-sonnet-5", 1000000, 128000, CAP_SYSTEM_IN_TURNS, 0, MODEL_THINKS_UNASKED,
	  L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH) | L(MAX), THINKING_ADAPTIVE },
	{ "claude-novum-9", 0, 128000, CAP_TOOLS, 0, 0, 0, THINKING_UNKNOWN },
	{ "gpt-4o", 128000, 16384, CAP_JSON_SCHEMA | CAP_SYSTEM_IN_TURNS, CAP_REASONING, 0, 0, THINKING_NONE },
	{ "gpt-4-0613", 8192, 8192, CAP_TOOLS, CAP_VISION | CAP_JSON_SCHEMA, 0, 0, THINKING_NONE },
	{ "gpt-4-1106-preview", 128000, 4096, CAP_JSON_OBJECT, CAP_JSON_SCHEMA, 0, 0, THINKING_NONE },
	{ "gpt-4.1-mini-2025-04-14", 1047576, 32768, CAP_JSON_SCHEMA, 0, 0, 0, THINKING_NONE },
	{ "o1-mini-2024-09-12", 128000, 65536, CAP_REASONING, CAP_SYSTEM | CAP_TOOLS, MODEL_MAX_COMPLETION_TOKENS, 0,
	  THINKING_ALWAYS },
	{ "o4-mini", 200000, 100000, CAP_TOOLS, 0, MODEL_NO_STOP | MODEL_DEVELOPER_ROLE, L(LOW) | L(MEDIUM) | L(HIGH),
	  THINKING_EFFORT },
	{ "openai/gpt-5-mini", 400000, 128000, 0, 0, MODEL_NO_SAMPLING | MODEL_NO_STOP,
	  L(MINIMAL) | L(LOW) | L(MEDIUM) | L(HIGH), THINKING_EFFORT },
	{ "gpt-5-chat-latest", 128000, 16384, 0, CAP_REASONING, 0, 0, THINKING_NONE },
	{ "gpt-5.1", 400000, 128000, 0, 0, MODEL_SAMPLING_WHEN_OFF, L(NONE) | L(LOW) | L(MEDIUM) | L(HIGH),
	  THINKING_EFFORT },
	{ "gpt-5.1-codex-mini", 400000, 128000, 0, 0, 0, L(LOW) | L(MEDIUM) | L(HIGH), THINKING_EFFORT },
	{ "gpt-5.3-codex", 400000, 128000, 0, 0, 0, L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH), THINKING_EFFORT },
	{ "gpt-5.6-sol", 1050000, 128000, 0, 0, 0, L(NONE) | L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH) | L(MAX),
	  THINKING_EFFORT },
	{ "models/gemini-2.5-pro", 1048576, 65536, CAP_AUDIO_IN, CAP_IMAGE_OUT, MODEL_THINKING_ALWAYS, 0,
	  THINKING_BUDGET },
	{ "google/gemini-3-pro-preview", 1048576, 65536, CAP_JSON_SCHEMA, 0, MODEL_SIGNATURES_REQUIRED,
	  L(LOW) | L(HIGH), THINKING_LEVEL },
	{ "gemini-3.1-pro-preview", 1048576, 65536, 0, 0, 0, L(LOW) | L(MEDIUM) | L(HIGH), THINKING_LEVEL },
	{ "gemini-3.5-flash", 1048576, 65536, 0, 0, 0, L(MINIMAL) | L(LOW) | L(MEDIUM) | L(HIGH), THINKING_LEVEL },
	{ "gemini-2.0-flash-001", 1048576, 8192, 0, CAP_REASONING, MODEL_SCHEMA_SUBSET, 0, THINKING_NONE },
	{ "us.amazon.nova-lite-v1:0", 300000, 10000, CAP_VIDEO, 0, 0, 0, THINKING_NONE },
	{ "meta.llama3-3-70b-instruct-v1:0", 131072, 0, CAP_TOOLS, CAP_VISION, 0, 0, THINKING_NONE },
	{ "accounts/fireworks/models/gpt-oss-120b", 131072, 0, CAP_REASONING, CAP_VISION, 0,
	  L(LOW) | L(MEDIUM) | L(HIGH), THINKING_EFFORT },
	{ "deepseek-chat", 0, 8192, CAP_JSON_OBJECT, CAP_JSON_SCHEMA, 0, 0, THINKING_NONE },
	{ "somebody/else-7b", 0, 0, 0, 0, 0, 0, THINKING_UNKNOWN },
	{ "", 0, 0, 0, 0, 0, 0, THINKING_UNKNOWN },
};

static void test_facts(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct model_facts *f = model_facts_by_name(str_from_z(cases[i].name));

		if (f->context_window != cases[i].context || f->max_output != cases[i].output ||
		    (f->caps & cases[i].caps) != cases[i].caps || (f->lacks & cases[i].lacks) != cases[i].lacks ||
		    (f->rules & cases[i].rules) != cases[i].rules || f->effort_levels != cases[i].efforts ||
		    f->thinking != cases[i].thinking)
			fail_msg("%s: context %u output %u caps %x lacks %x rules %x efforts %x thinking %u",
			         cases[i].name, f->context_window, f->max_output, f->caps, f->lacks, f->rules,
			         f->effort_levels, f->thinking);
		assert_int_equal(f->caps & f->lacks, 0);
	}
}

static void test_no_family_contradicts_itself(void **state)
{
	static const char *const names[] = { "claude-fable-5",
		                             "claude-2.1",
		                             "gpt-3.5-turbo",
		                             "o3-mini",
		                             "gpt-6-sol",
		                             "gemini-3-pro-image-preview",
		                             "magistral-small-latest",
		                             "grok-3-mini",
		                             "nova-micro-v1:0",
		                             "command-r-plus",
		                             "kimi-k2-thinking",
		                             "sonar-pro" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct model_facts *f = model_facts_by_name(str_from_z(names[i]));

		assert_ptr_not_equal(f, &model_facts_unknown);
		assert_int_equal(f->caps & f->lacks, 0);
	}
}

static void test_nearest_effort(void **state)
{
	static const struct {
		unsigned levels;
		enum model_effort wanted, got;
	} rows[] = {
		{ 0, EFFORT_XHIGH, EFFORT_XHIGH },
		{ L(LOW) | L(MEDIUM) | L(HIGH), EFFORT_MINIMAL, EFFORT_LOW },
		{ L(LOW) | L(MEDIUM) | L(HIGH), EFFORT_MAX, EFFORT_HIGH },
		{ L(LOW) | L(MEDIUM) | L(HIGH) | L(XHIGH), EFFORT_MAX, EFFORT_XHIGH },
		{ L(LOW) | L(HIGH), EFFORT_MEDIUM, EFFORT_LOW },
		{ L(LOW) | L(HIGH), EFFORT_NONE, EFFORT_LOW },
		{ L(NONE) | L(LOW), EFFORT_NONE, EFFORT_NONE },
		{ L(NONE) | L(LOW), EFFORT_MINIMAL, EFFORT_LOW },
		{ L(HIGH), EFFORT_LOW, EFFORT_HIGH },
		{ L(NONE), EFFORT_HIGH, EFFORT_NONE },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(model_effort_nearest(rows[i].levels, rows[i].wanted), rows[i].got);
}

static void test_budgets(void **state)
{
	enum model_effort e;

	assert_int_equal(model_effort_budget(EFFORT_NONE), 0);
	assert_int_equal(model_effort_budget(EFFORT_MINIMAL), 1024);
	assert_int_equal(model_effort_budget(EFFORT_MEDIUM), 8192);
	assert_int_equal(model_effort_budget(EFFORT_MAX), 32768);
	assert_int_equal(model_budget_effort(0, 1000), EFFORT_NONE);
	assert_int_equal(model_budget_effort(349, 1000), EFFORT_LOW);
	assert_int_equal(model_budget_effort(350, 1000), EFFORT_MEDIUM);
	assert_int_equal(model_budget_effort(650, 1000), EFFORT_HIGH);
	assert_int_equal(model_budget_effort(UINT32_MAX, 1), EFFORT_HIGH);
	assert_int_equal(model_budget_effort(8192, 0), EFFORT_MEDIUM);
	for (int i = 0; i < EFFORTS; i++) {
		assert_true(model_effort_by_name(model_effort_name((enum model_effort)i), &e));
		assert_int_equal(e, i);
	}
	assert_false(model_effort_by_name(STR("High"), &e));
	assert_true(str_eq(model_cap_name(CAPS - 1), STR("prefill")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_no_family_contradicts_itself),
		cmocka_unit_test(test_nearest_effort),
		cmocka_unit_test(test_budgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
