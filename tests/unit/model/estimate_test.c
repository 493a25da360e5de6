/* SPDX-License-Identifier: Apache-2.0 */
/* estimate: families by name; what is learned, and from what nothing is. */
#include "lib/check.h"
#include "model/estimate.h"

static void families_are_found_by_name(void **state)
{
	static const struct {
		const char *model;
		enum token_family_id id;
	} rows[] = {
		{ "gpt-4o", FAMILY_O200K },
		{ "gpt-4o-mini-2024-07-18", FAMILY_O200K },
		{ "gpt-4.1-nano", FAMILY_O200K },
		{ "gpt-5", FAMILY_GPT_5 },
		{ "o1", FAMILY_O_SERIES },
		{ "o3-mini", FAMILY_O_SERIES },
		{ "chatgpt-4o-latest", FAMILY_O200K },
		{ "openai/gpt-4.1", FAMILY_O200K },
		{ "gpt-4", FAMILY_CL100K },
		{ "gpt-4-turbo-2024-04-09", FAMILY_CL100K },
		{ "gpt-3.5-turbo", FAMILY_CL100K },
		{ "text-embedding-3-small", FAMILY_CL100K },
		{ "openai.gpt-oss-120b-1:0", FAMILY_HARMONY },
		{ "claude-3-5-sonnet-20241022", FAMILY_CLAUDE_3 },
		{ "us.anthropic.claude-sonnet-4-5-20250929-v1:0", FAMILY_CLAUDE_4_5 },
		{ "anthropic/claude-opus-4.6", FAMILY_CLAUDE_4_5 },
		{ "claude-sonnet-4-0", FAMILY_CLAUDE_3 },
		{ "claude-opus-4-20250514", FAMILY_CLAUDE_3 },
		{ "claude-opus-4-7", FAMILY_CLAUDE_4_7 },
		{ "claude-sonnet-5", FAMILY_CLAUDE_4_7 },
		{ "models/gemini-2.5-pro", FAMILY_GEMINI },
		{ "meta-llama/Llama-3.3-70B-Instruct", FAMILY_LLAMA },
		{ "us.meta.llama4-maverick-17b-instruct-v1:0", FAMILY_LLAMA },
		{ "accounts/fireworks/models/llama-v3p3-70b-instruct", FAMILY_LLAMA },
		{ "mistral-large-latest", FAMILY_MISTRAL },
		{ "ministral-8b", FAMILY_MISTRAL },
		{ "mistral.mixtral-8x7b-instruct-v0:1", FAMILY_MISTRAL },
		{ "deepseek-ai/DeepSeek-R1-Distill-Llama-70B", FAMILY_DEEPSEEK },
		{ "Qwen/Qwen3-235B-A22B", FAMILY_QWEN },
		{ "grok-4-fast", FAMILY_GROK },
		{ "cohere.command-r-plus-v1:0", FAMILY_COHERE },
		{ "amazon.nova-pro-v1:0", FAMILY_NOVA },
		{ "moonshotai/kimi-k2", FAMILY_KIMI },
		{ "z-ai/glm-4.6", FAMILY_GLM },
		{ "something-of-our-own", FAMILY_OTHER },
		{ "", FAMILY_OTHER },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(rows[i].model, token_family_of(str_from_z(rows[i].model)) == rows[i].id);
	for (unsigned i = 0; i < TOKEN_FAMILIES; i++)
		check("row", token_family(i)->name.n > 0 && token_family(i)->ratio[ESTIMATE_TEXT] > 0 &&
		                     token_family(i)->ratio[ESTIMATE_BODY] > 0);
}

static void a_ratio_is_learned(void **state)
{
	struct estimator e = { 0 };

	/* The default, then 1.3 tokens a token, with some noise around it. */
	assert_int_equal(estimate_tokens(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT, 1000), 1130);
	for (int i = 0; i < 400; i++)
		estimate_learn(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT, 1000, i % 2 ? 1290 : 1310);
	struct estimate_state s = estimate_state(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT);
	assert_in_range(s.ratio, 1290000, 1310000);
	assert_int_equal(s.samples, 400);
	assert_in_range(s.error, 50, 300);          /* about 1 %, and what it was at first */
	assert_in_range(estimate_tokens(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT, 100000), 129000, 131000);
	/* The others are untouched, and so is the other basis. */
	assert_int_equal(estimate_state(&e, FAMILY_GEMINI, ESTIMATE_TEXT).samples, 0);
	assert_int_equal(estimate_state(&e, FAMILY_CLAUDE_4_5, ESTIMATE_BODY).samples, 0);
	/* It follows a change. */
	for (int i = 0; i < 2000; i++)
		estimate_learn(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT, 1000, 1000);
	assert_in_range(estimate_state(&e, FAMILY_CLAUDE_4_5, ESTIMATE_TEXT).ratio, 999000, 1010000);
}

static void an_exact_encoding_only_learns_its_error(void **state)
{
	struct estimator e = { 0 };

	for (int i = 0; i < 100; i++)
		estimate_learn(&e, FAMILY_O200K, ESTIMATE_TEXT, 1000, 1010);
	struct estimate_state s = estimate_state(&e, FAMILY_O200K, ESTIMATE_TEXT);
	assert_int_equal(s.ratio, ESTIMATE_ONE);
	assert_in_range(s.error, 95, 100);
	for (int i = 0; i < 1000; i++)
		estimate_learn(&e, FAMILY_O200K, ESTIMATE_BODY, 4000, 1000);
	assert_in_range(estimate_state(&e, FAMILY_O200K, ESTIMATE_BODY).ratio, 245000, 250000);
}

static void nothing_is_learned_from(void **state)
{
	static const struct {
		const char *what;
		uint64_t amount, tokens;
	} rows[] = {
		{ "nothing", 0, 0 },
		{ "no tokens", 1000, 0 },
		{ "no amount", 0, 1000 },
		{ "too little", 40, 40 },
		{ "far too many", 1000, 4000 },
		{ "far too few", 1000, 300 },
		{ "a number that no provider reports", 1000, UINT64_MAX },
		{ "a text that nobody sends", UINT64_MAX, 1000 },
		{ "both", UINT64_MAX, UINT64_MAX },
	};
	struct estimator e = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		estimate_learn(&e, FAMILY_GEMINI, ESTIMATE_TEXT, rows[i].amount, rows[i].tokens);
		check(rows[i].what, estimate_state(&e, FAMILY_GEMINI, ESTIMATE_TEXT).samples == 0);
	}
	/* A liar who stays within bounds gets as far as the bounds. */
	for (int i = 0; i < 100000; i++)
		estimate_learn(&e, FAMILY_GEMINI, ESTIMATE_TEXT, 1000, 3100);
	struct estimate_state s = estimate_state(&e, FAMILY_GEMINI, ESTIMATE_TEXT);
	assert_in_range(s.ratio, 3000000, 3100000);
	assert_int_equal(s.samples, 0xffff);
	assert_int_equal(estimate_tokens(&e, FAMILY_GEMINI, ESTIMATE_TEXT, 1ull << 40) >> 40, s.ratio / ESTIMATE_ONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_found_by_name),
		cmocka_unit_test(a_ratio_is_learned),
		cmocka_unit_test(an_exact_encoding_only_learns_its_error),
		cmocka_unit_test(nothing_is_learned_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
