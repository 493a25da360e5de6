/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: its text, its layers, the built-in list, and what is imported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/catalogue_in.h"

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

#define H "# sluice catalogue 1 test\n"

static struct catalogue *layers(const char *file, const char *api)
{
	struct err e;
	struct catalogue *c = catalogue_new(&arena, STR("prices.txt"), str_from_z(file), str_from_z(api), &e);

	if (!c)
		fail_msg("%s", e.text);
	return c;
}

static struct model_entry entry(const struct catalogue *c, const char *provider, const char *model)
{
	struct model_entry e;

	catalogue_entry(c, str_from_z(provider), str_from_z(model), &arena, &e);
	return e;
}

/* ---- the built-in list ---- */

/* Input and output in pico-dollars a token; -1: unknown. */
static const struct {
	const char *provider, *model;
	int64_t input, output;
	uint32_t context;
} known[] = {
	{ "openai", "gpt-4o", 2500000, 10000000, 128000 },
	{ "openai", "gpt-4o-2024-08-06", 2500000, 10000000, 128000 },
	{ "openai", "GPT-4o", 2500000, 10000000, 128000 },
	{ "openai", "gpt-4.1-nano", 100000, 400000, 1047576 },
	{ "openai", "nobody-knows-it", -1, -1, 0 },
	{ "somebody", "gpt-4o", -1, -1, 128000 },
	{ "azure-openai", "gpt-5-mini", 250000, 2000000, 400000 },
	{ "anthropic", "claude-sonnet-4-5-20250929", 3000000, 15000000, 200000 },
	{ "anthropic", "claude-haiku-4-5", 1000000, 5000000, 200000 },
	{ "anthropic", "claude-3-haiku-20240307", 250000, 1250000, 200000 },
	{ "bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3300000, 16500000, 200000 },
	{ "bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", 3000000, 15000000, 200000 },
	{ "bedrock", "amazon.nova-pro-v1:0", 800000, 3200000, 300000 },
	{ "gemini", "gemini-2.5-flash", 300000, 2500000, 1048576 },
	{ "gemini", "models/gemini-2.5-flash", 300000, 2500000, 1048576 },
	{ "vertex", "publishers/google/models/gemini-2.5-pro", 1250000, 10000000, 1048576 },
	{ "vertex", "claude-opus-4-1@20250805", 15000000, 75000000, 200000 },
	{ "mistral", "codestral-2508", 300000, 900000, 256000 },
	{ "deepseek", "deepseek-v4-pro", 435000, 870000, 1000000 },
	{ "groq", "llama-3.3-70b-versatile", 590000, 790000, 131072 },
	{ "openrouter", "anthropic/claude-sonnet-4.5", 3000000, 15000000, 200000 },
	{ "openrouter", "openai/gpt-oss-120b:free", 0, 0, 131072 },
	{ "xai", "grok-3-mini", 300000, 500000, 131072 },
	{ "gemini", "gemma-4-31b-it", 0, 0, 262144 },
};

static void test_builtin(void **state)
{
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		struct model_entry e = entry(NULL, known[i].provider, known[i].model);

		if (e.price.token_pusd[USAGE_INPUT] != known[i].input ||
		    e.price.token_pusd[USAGE_OUTPUT] != known[i].output || e.facts.context_window != known[i].context)
			fail_msg("%s/%s: %lld %lld %u", known[i].provider, known[i].model,
			         (long long)e.price.token_pusd[USAGE_INPUT],
			         (long long)e.price.token_pusd[USAGE_OUTPUT], e.facts.context_window);
		assert_int_equal(e.price_from, known[i].input < 0 ? ORIGIN_NONE : ORIGIN_BUILTIN);
	}
	assert_true(str_find(catalogue_version(), STR("@pydantic/genai-prices")) == 11);
}

/* Each line of it can be read, and is found by its own name. */
static void test_every_line(void **state)
{
	struct catalogue_text t;
	struct err e;
	size_t n = 0;

	if (!catalogue_text_read(&t, catalogue_builtin_text(), true, &arena, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < t.n; i++) {
		struct catalogue_line l;

		for (struct str rest = t.sections[i].lines; catalogue_line_next(&rest, &l); n++) {
			struct price p;

			assert_true(catalogue_prices_read(l.prices, t.sections[i].services, &arena, &p));
			assert_true(price_is_unknown(&p) == (l.prices.n == 0));
		}
	}
	assert_true(n > 1000);
}

/* ---- the text ---- */

static int64_t cost(const struct price *p, uint32_t input, uint32_t output, unsigned service, int64_t at_ms)
{
	struct usage u = { .source = USAGE_REPORTED, .service = (uint8_t)service };
	int64_t nusd;

	u.n[USAGE_INPUT] = input;
	u.n[USAGE_OUTPUT] = output;
	return price_cost(p, &u, at_ms, &nusd) ? nusd : -1;
}

#define DAY(n) ((int64_t)(n)*86400000)
/* Days since 1970, by hand: 2026-03-13 and 2026-11-28. */
enum { MARCH_13 = 20525, NOVEMBER_28 = 20785 };

static const struct {
	const char *prices, *services;
	uint32_t input, output;
	unsigned service;
	int64_t at_ms, want; /* nano-dollars; -1: unknown, -2: the text is refused */
} texts[] = {
	{ "input=2.5 output=10", "", 1000, 100, 0, 0, 3500000 },
	{ "input=0 output=0", "", 1000, 100, 0, 0, 0 },
	{ "", "", 1000, 100, 0, 0, -1 },
	{ "input=1 output=2; above=1000 input=3", "", 1000, 1, 0, 0, 1002000 },
	{ "input=1 output=2; above=1000 input=3", "", 1001, 1, 0, 0, 3005000 },
	{ "input=1 output=2; above=10 input=3; above=20 input=5 output=7", "", 21, 1, 0, 0, 112000 },
	{ "input=1 output=2", "service=flex times=0.5", 10, 10, SERVICE_FLEX, 0, 15000 },
	{ "input=1 output=2; service=flex input=0.7 output=0.9", "service=flex times=0.5", 10, 10, SERVICE_FLEX, 0,
	  16000 },
	{ "input=1 output=2; above=5 output=4", "service=flex times=0.5", 10, 10, SERVICE_FLEX, 0, 25000 },
	{ "input=1 output=2", "", 10, 10, SERVICE_FLEX, 0, -1 },
	{ "input=1 output=2; service=us times=1.1", "", 10, 10, SERVICE_REGIONAL, 0, 33000 },
	{ "input=1 output=2; service=us_fast times=2.2", "", 10, 10, SERVICE_REGIONAL | SERVICE_FAST, 0, 66000 },
	{ "input=1 output=2; service=us_fast times=2.2", "", 10, 10, SERVICE_FAST, 0, -1 },
	{ "input=1; from=2026-03-13 input=2", "", 10, 0, 0, DAY(MARCH_13) - 1, 10000 },
	{ "input=1; from=2026-03-13 input=2", "", 10, 0, 0, DAY(MARCH_13), 20000 },
	{ "input=1; from=2026-03-13 input=2; from=2026-11-28 input=3; above=9 input=4", "", 10, 0, 0, DAY(NOVEMBER_28),
	  40000 },
	{ "input=1; from=2026-03-13 input=2", "service=batch times=0.5", 10, 0, SERVICE_BATCH, DAY(NOVEMBER_28),
	  10000 },
	{ "input=1; daily=00:30-16:30 input=2", "", 10, 0, 0, DAY(5) + 1799999, 10000 },
	{ "input=1; daily=00:30-16:30 input=2", "", 10, 0, 0, DAY(5) + 1800000, 20000 },
	{ "input=1; daily=00:30-16:30 input=2", "", 10, 0, 0, DAY(5) + 59400000, 10000 },
	{ "input=1; daily=22:00-02:00 input=2", "", 10, 0, 0, DAY(5) + 3600000, 20000 },
	{ "input=1; daily=22:00-02:00 input=2", "", 10, 0, 0, DAY(5) + 7200000, 10000 },
	{ "input=1; from=2026-03-13 input=2; daily=01:00-04:00 input=4", "", 10, 0, 0, DAY(MARCH_13) + 3600000, 40000 },
	{ "input=1; from=2026-03-13 input=2; daily=01:00-04:00 input=4", "", 10, 0, 0, DAY(MARCH_13) + 36000000,
	  20000 },
	{ "input=1 request=0.005", "", 10, 0, 0, 0, 5010000 },
	{ "input=1 inputs=2", "", 0, 0, 0, 0, -2 },
	{ "input=-1", "", 0, 0, 0, 0, -2 },
	{ "input=0.0000001", "", 0, 0, 0, 0, -2 },
	{ "input=1000000.1", "", 0, 0, 0, 0, -2 },
	{ "input=1; input=2", "", 0, 0, 0, 0, -2 },
	{ "above=1 input=2", "", 0, 0, 0, 0, -2 },
	{ "from=2026-03-13 input=2", "", 0, 0, 0, 0, -2 },
	{ "input=1; from=2026-3-13 input=2", "", 0, 0, 0, 0, -2 },
	{ "input=1; from=2026-13-13 input=2", "", 0, 0, 0, 0, -2 },
	{ "input=1; daily=24:00-01:00 input=2", "", 0, 0, 0, 0, -2 },
	{ "input=1; service=express times=2", "", 0, 0, 0, 0, -2 },
	{ "input=1; service=flex times=0", "", 0, 0, 0, 0, -2 },
	{ "input=1; service=flex times=2; above=3 input=1", "", 0, 0, 0, 0, -2 },
	{ "input=1", "input=2", 0, 0, 0, 0, -2 },
};

static void test_prices(void **state)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct price p;
		bool good =
			catalogue_prices_read(str_from_z(texts[i].prices), str_from_z(texts[i].services), &arena, &p);
		int64_t got = !good ? -2 : cost(&p, texts[i].input, texts[i].output, texts[i].service, texts[i].at_ms);

		if (got != texts[i].want)
			fail_msg("\"%s\" \"%s\": %lld", texts[i].prices, texts[i].services, (long long)got);
	}
}

static void test_matches(void **state)
{
	static const struct {
		const char *match, *name;
		bool want;
	} rows[] = {
		{ "gpt-4o", "gpt-4o", true },
		{ "gpt-4o", "gpt-4o-mini", false },
		{ "gpt-4o*", "gpt-4o-mini", true },
		{ "*-mini", "gpt-4o-mini", true },
		{ "a|b", "b", true },
		{ "claude-fable-5-########", "claude-fable-5-20260701", true },
		{ "claude-fable-5-########", "claude-fable-5-2026070", false },
		{ "claude-fable-5-########", "claude-fable-5-2026070x", false },
		{ "gemini-2.5-pro*&!*-tts", "gemini-2.5-pro-preview-tts", false },
		{ "gemini-2.5-pro*&!*-tts", "gemini-2.5-pro", true },
		{ "*a*b*", "xxaxxbxx", true },
		{ "*", "", true },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (catalogue_match(str_from_z(rows[i].match), str_from_z(rows[i].name)) != rows[i].want)
			fail_msg("%s %s", rows[i].match, rows[i].name);
}

static void test_broken_texts(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "hello", "line 1" },
		{ "# sluice catalogue 2 x\n", "line 1" },
		{ H "gpt-4o\tgpt-4o\t\tinput=1\n", "line 2" },
		{ H ">a\ta\t\t\n# fine\n\nm\tm\t\tinput=1 \nm\tm\tinput=1\n", "line 6" },
		{ H ">a\ta\t\t\nm\tm\tcontext=0\t\n", "line 3" },
		{ H ">a\ta\t\t\nm\tm\tcaps=flying\t\n", "line 3" },
		{ H ">a\ta\t\t\nm\tm\tspeed=1\t\n", "line 3" },
		{ H ">a\ta\t\t\nm\t\t\t\n", "line 3" },
		{ H ">a\ta\t\t\nm\tm\t\tinput=1\tx\n", "line 3" },
		{ H ">a\ta\t\tservice=x times=1\nm\tm\t\tinput=1\n", "line 3" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e;

		assert_null(catalogue_new(&arena, STR("f"), str_from_z(rows[i].text), STR(""), &e));
		if (!strstr(e.text, rows[i].message) || !strstr(e.text, "f: "))
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

/* ---- layers ---- */

static void test_layers(void **state)
{
	const struct catalogue *c = layers(
		H
		">\topenai\t\t\ngpt-4o\tgpt-4o*\tcontext=1000 caps=-tools,video\tcache_read=1\n"
		">\t*\t\t\nany\tany-*\t\tinput=7 output=8\n",
		H ">\topenai\t\t\ngpt-4o-mini\tgpt-4o-mini\toutput=99\tinput=3 output=4; above=10 input=5\n");
	struct model_entry e = entry(c, "openai", "gpt-4o");

	/* a file that names neither input nor output changes its members only */
	assert_int_equal(e.price.token_pusd[USAGE_INPUT], 2500000);
	assert_int_equal(e.price.token_pusd[USAGE_CACHE_READ], 1000000);
	assert_int_equal(e.price.each_nusd[EACH_WEB_SEARCH], 10000000);
	assert_int_equal(e.price_from, ORIGIN_FILE);
	assert_int_equal(e.facts.context_window, 1000);
	assert_int_equal(e.facts.max_output, 16384);
	assert_true(model_lacks(&e.facts, CAP_TOOLS) && model_has(&e.facts, CAP_VIDEO) &&
	            !model_lacks(&e.facts, CAP_VIDEO));
	assert_int_equal(cost(&e.price, 10, 0, SERVICE_FLEX, 0), 12500);

	/* one that does has a list of its own: neither cached input nor flex is guessed, fees stay */
	e = entry(c, "openai", "gpt-4o-mini");
	assert_int_equal(e.price.token_pusd[USAGE_INPUT], 3000000);
	assert_int_equal(e.price.token_pusd[USAGE_CACHE_READ], -1);
	assert_int_equal(e.price.each_nusd[EACH_WEB_SEARCH], 10000000);
	assert_int_equal(e.price_from, ORIGIN_API);
	assert_int_equal(e.facts.max_output, 99);
	assert_int_equal(e.facts.context_window, 1000);
	assert_int_equal(cost(&e.price, 11, 1, 0, 0), 59000);
	assert_int_equal(cost(&e.price, 10, 0, SERVICE_FLEX, 0), -1);

	e = entry(c, "my-own-server", "any-model");
	assert_int_equal(e.price.token_pusd[USAGE_OUTPUT], 8000000);
}

static void test_keeping(void **state)
{
	const struct catalogue *c = layers("", "");
	const struct model_entry *a = catalogue_keep(c, STR("openai"), STR("gpt-4o"), NULL, NULL);
	char name[32];

	assert_non_null(a);
	assert_ptr_equal(a, catalogue_keep(c, STR("openai"), STR("gpt-4o"), NULL, NULL));
	assert_ptr_not_equal(a, catalogue_keep(c, STR("azure"), STR("gpt-4o"), NULL, NULL));
	assert_int_equal(a->price.token_pusd[USAGE_INPUT], 2500000);
	size_t full = 0;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "gpt-4o-%d", i);
		full += catalogue_keep(c, STR("openai"), str_from_z(name), NULL, NULL) == NULL;
	}
	assert_true(full > 1000);
	assert_ptr_equal(a, catalogue_keep(c, STR("openai"), STR("gpt-4o"), NULL, NULL));
}

/* ---- imports ---- */

static struct catalogue *import(const char *json)
{
	struct buf text = buf_make(1 << 20);
	struct catalogue *c;
	struct err e;

	if (!catalogue_import(str_from_z(json), &text, &e))
		fail_msg("%s: %s", json, e.text);
	c = catalogue_new(&arena, STR("f"), buf_str(&text), STR(""), &e);
	if (!c)
		fail_msg("%s: %s", json, e.text);
	buf_fini(&text);
	return c;
}

static void test_own_json(void **state)
{
	const struct catalogue *c = import(
		"{\"models\": [{\"provider\": \"lab\", \"model\": \"Big-*\","
		" \"context_window\": 9000, \"max_output\": 800,"
		" \"capabilities\": [\"tools\", \"-vision\"], \"price\": {\"input\": \"0.25\", \"output\": 1.5,"
		" \"request\": 0.001,"
		" \"tiers\": [{\"above\": 100, \"input\": 0.5}], \"flex\": 0.5}},"
		" {\"model\": \"small\", \"price\": {\"input\": 0, "
		"\"output\": 0}}]}");
	struct model_entry e = entry(c, "lab", "big-one");

	assert_int_equal(e.price.token_pusd[USAGE_INPUT], 250000);
	assert_int_equal(e.facts.context_window, 9000);
	assert_int_equal(e.facts.max_output, 800);
	assert_true(model_has(&e.facts, CAP_TOOLS) && model_lacks(&e.facts, CAP_VISION));
	assert_int_equal(cost(&e.price, 100, 10, 0, 0), 1000000 + 25000 + 15000);
	assert_int_equal(cost(&e.price, 101, 10, 0, 0), 1000000 + 50500 + 15000);
	assert_int_equal(cost(&e.price, 101, 10, SERVICE_FLEX, 0), 1000000 + 25250 + 7500);
	e = entry(c, "anybody", "small");
	assert_int_equal(cost(&e.price, 100, 10, 0, 0), 0);
}

static void test_litellm(void **state)
{
	const struct catalogue *c = import(
		"{\"sample_spec\": {\"litellm_provider\": \"one of…\"},"
		"\"gpt-9\": {\"litellm_provider\": \"openai\", \"mode\": \"chat\", \"input_cost_per_token\": 1.25e-06,"
		" \"output_cost_per_token\": 1e-05, \"cache_read_input_token_cost\": 1.25e-07,"
		" \"input_cost_per_token_flex\": 6.25e-07, \"output_cost_per_token_flex\": 5e-06,"
		" \"input_cost_per_token_priority\": 2.5e-06, \"output_cost_per_token_priority\": 2e-05,"
		" \"input_cost_per_token_batches\": 6.25e-07, \"output_cost_per_token_batches\": 5e-06,"
		" \"max_input_tokens\": 272000, \"max_output_tokens\": 128000, \"supports_function_calling\": true,"
		" \"supports_vision\": false,"
		" \"search_context_cost_per_query\": {\"search_context_size_medium\": 0.01}},"
		"\"azure/eu/gpt-9\": {\"litellm_provider\": \"azure\", \"input_cost_per_token\": 1.375e-06,"
		" \"output_cost_per_token\": 1.1e-05},"
		"\"vertex_ai/claude-x\": {\"litellm_provider\": \"vertex_ai-anthropic_models\","
		" \"input_cost_per_token\": 3e-06,"
		" \"output_cost_per_token\": 1.5e-05, \"input_cost_per_token_above_200k_tokens\": 6e-06,"
		" \"output_cost_per_token_above_200k_tokens\": 2.25e-05, \"cache_creation_input_token_cost\": 3.75e-06,"
		" \"cache_creation_input_token_cost_above_1hr\": 6e-06,"
		" \"cache_creation_input_token_cost_above_200k_tokens\": 7.5e-06},"
		"\"groq/whisper\": {\"litellm_provider\": \"groq\", \"input_cost_per_second\": 0.0001},"
		"\"dashscope/qwen\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": [{\"range\": [0, 32000],"
		" \"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 5e-06}, {\"range\": [32000, 128000],"
		" \"input_cost_per_token\": 1.8e-06, \"output_cost_per_token\": 9e-06}]},"
		"\"odd;name\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1}}");
	struct model_entry e = entry(c, "openai", "gpt-9");
	struct usage u = { .source = USAGE_REPORTED, .seconds = 90 };
	int64_t nusd;

	assert_int_equal(e.price.token_pusd[USAGE_INPUT], 1250000);
	assert_int_equal(e.price.token_pusd[USAGE_CACHE_READ], 125000);
	assert_int_equal(e.price.each_nusd[EACH_WEB_SEARCH], 10000000);
	assert_int_equal(e.facts.context_window, 272000);
	assert_int_equal(e.facts.max_output, 128000);
	assert_true(model_has(&e.facts, CAP_TOOLS) && model_lacks(&e.facts, CAP_VISION));
	assert_int_equal(cost(&e.price, 100, 10, SERVICE_FLEX, 0), 62500 + 50000);
	assert_int_equal(cost(&e.price, 100, 10, SERVICE_PRIORITY, 0), 250000 + 200000);
	assert_int_equal(cost(&e.price, 100, 10, SERVICE_BATCH, 0), 62500 + 50000);
	e = entry(c, "azure-openai", "eu/gpt-9");
	assert_int_equal(e.price.token_pusd[USAGE_INPUT], 1375000);
	e = entry(c, "vertex", "claude-x");
	assert_int_equal(e.price.token_pusd[USAGE_CACHE_WRITE_1H], 6000000);
	assert_int_equal(e.price.token_pusd[USAGE_CACHE_WRITE_5M], 3750000);
	assert_int_equal(cost(&e.price, 200000, 1, 0, 0), 600015000);
	assert_int_equal(cost(&e.price, 200001, 1, 0, 0), 1200006000 + 22500);
	e = entry(c, "groq", "whisper");
	assert_true(price_cost(&e.price, &u, 0, &nusd));
	assert_int_equal(nusd, 9000000);
	e = entry(c, "dashscope", "qwen");
	assert_int_equal(cost(&e.price, 32000, 0, 0, 0), 32000000);
	assert_int_equal(cost(&e.price, 32001, 0, 0, 0), 57601800);
}

static void test_refused_imports(void **state)
{
	static const struct {
		const char *json, *message;
	} rows[] = {
		{ "", "JSON" },
		{ "[]", "must be an object" },
		{ "{}", "litellm_provider" },
		{ "{\"models\": [1]}", "models[0]" },
		{ "{\"models\": [{\"model\": \"a\", \"pricee\": {}}]}", "\"pricee\" is not known" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"inputs\": 1}}]}", "price: \"inputs\" is not known" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"input\": -1}}]}", "price.input" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"input\": \"1e3\"}}]}", "price.input" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"input\": 1e99}}]}", "price.input" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"flex\": 0}}]}", "price.flex" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"tiers\": [{\"input\": 1}]}}]}", "above" },
		{ "{\"models\": [{\"model\": \"a\", \"price\": {\"tiers\": [{\"above\": 2}, {\"above\": 2}]}}]}",
		  "above" },
		{ "{\"models\": [{\"model\": \"a\", \"context_window\": 0}]}", "context_window" },
		{ "{\"models\": [{\"model\": \"a\", \"capabilities\": [\"tools,x\"]}]}", "capabilities: item 0" },
		{ "{\"models\": [{\"model\": \"a\\tb\"}]}", "control characters" },
		{ "{\"models\": [{\"model\": \"\"}]}", "1 to 256 bytes" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf text = buf_make(1 << 20);
		struct err e = { 0 };

		if (catalogue_import(str_from_z(rows[i].json), &text, &e) || !strstr(e.text, rows[i].message))
			fail_msg("%s: %s", rows[i].json, e.text);
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),      cmocka_unit_test(test_every_line),
		cmocka_unit_test(test_prices),       cmocka_unit_test(test_matches),
		cmocka_unit_test(test_broken_texts), cmocka_unit_test(test_layers),
		cmocka_unit_test(test_keeping),      cmocka_unit_test(test_own_json),
		cmocka_unit_test(test_litellm),      cmocka_unit_test(test_refused_imports),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
