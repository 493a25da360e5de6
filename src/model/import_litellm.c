/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_litellm: BerriAI/litellm's model_prices_and_context_window.json: an object of models, prices in US dollars a
 * token. What it says in units that no answer's usage is counted in (characters, pixels, pages) is left out.
 */
#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "json/tree.h"
#include "model/import_in.h"

enum { OUT_MAX = 64 << 20, SECTION_MAX = 32 << 20 };

/* Where litellm_provider has another name than ours. Others are ours with dashes for underscores. */
static const struct {
	struct str theirs, ours;
} provider_names[] = {
	{ STR_INIT("azure"), STR_INIT("azure,azure-openai,azure-openai-v1") },
	{ STR_INIT("azure_text"), STR_INIT("azure,azure-openai,azure-openai-v1") },
	{ STR_INIT("azure_ai"), STR_INIT("azure-ai-inference,azure-anthropic") },
	{ STR_INIT("bedrock"), STR_INIT("bedrock,bedrock-converse,bedrock-invoke") },
	{ STR_INIT("bedrock_converse"), STR_INIT("bedrock,bedrock-converse,bedrock-invoke") },
	{ STR_INIT("bedrock_mantle"), STR_INIT("bedrock-mantle") },
	{ STR_INIT("cloudflare"), STR_INIT("cloudflare,cloudflare-workers-ai") },
	{ STR_INIT("cohere_chat"), STR_INIT("cohere,cohere-compat") },
	{ STR_INIT("cohere"), STR_INIT("cohere,cohere-compat") },
	{ STR_INIT("fireworks_ai"), STR_INIT("fireworks") },
	{ STR_INIT("fireworks_ai-embedding-models"), STR_INIT("fireworks") },
	{ STR_INIT("gemini"), STR_INIT("gemini,gemini-openai") },
	{ STR_INIT("jina_ai"), STR_INIT("jina") },
	{ STR_INIT("meta_llama"), STR_INIT("meta-llama") },
	{ STR_INIT("mistral"), STR_INIT("mistral,codestral") },
	{ STR_INIT("nvidia_nim"), STR_INIT("nvidia-nim") },
	{ STR_INIT("text-completion-openai"), STR_INIT("openai") },
	{ STR_INIT("text-completion-codestral"), STR_INIT("codestral") },
	{ STR_INIT("together_ai"), STR_INIT("together") },
	{ STR_INIT("vercel_ai_gateway"), STR_INIT("vercel-ai-gateway") },
	{ STR_INIT("github_copilot"), STR_INIT("github-copilot") },
};

/* "vertex_ai-language-models", "vertex_ai-anthropic_models" … are one. */
#define VERTEX       "vertex_ai"
#define VERTEX_NAMES "vertex,vertex-gemini,vertex-openai,vertex-anthropic"

/* One of their members: a number of ours, with what may stand behind its name. */
struct price_word {
	struct str theirs;
	unsigned member;
	int scale; /* digits that make it our unit: of dollars a token, each, or a second */
	int times;
};

#define TOKEN(name, counter)                   \
	{                                      \
		STR_INIT(name), counter, 12, 1 \
	}
#define PER(name, each, factor)                                  \
	{                                                        \
		STR_INIT(name), USAGE_COUNTERS + each, 9, factor \
	}
static const struct price_word words[] = {
	TOKEN("input_cost_per_token", USAGE_INPUT),
	TOKEN("output_cost_per_token", USAGE_OUTPUT),
	TOKEN("cache_read_input_token_cost", USAGE_CACHE_READ),
	TOKEN("cache_creation_input_token_cost_above_1hr", USAGE_CACHE_WRITE_1H),
	TOKEN("cache_creation_input_token_cost", USAGE_CACHE_WRITE_5M),
	TOKEN("cache_read_input_audio_token_cost", USAGE_CACHE_READ_AUDIO),
	TOKEN("input_cost_per_audio_token", USAGE_INPUT_AUDIO),
	TOKEN("input_cost_per_image_token", USAGE_INPUT_IMAGE),
	TOKEN("output_cost_per_audio_token", USAGE_OUTPUT_AUDIO),
	TOKEN("output_cost_per_image_token", USAGE_OUTPUT_IMAGE),
	TOKEN("output_cost_per_reasoning_token", USAGE_REASONING),
	PER("input_cost_per_request", EACH_REQUEST, 1),
	PER("input_cost_per_query", EACH_SEARCH, 1),
	PER("output_cost_per_image", EACH_IMAGE, 1),
	PER("input_cost_per_second", EACH_AUDIO_HOUR, 3600),
};

static const struct {
	struct str name;
	enum usage_service service;
} suffixes[] = {
	{ STR_INIT("_priority"), SERVICE_PRIORITY },
	{ STR_INIT("_flex"), SERVICE_FLEX },
	{ STR_INIT("_batches"), SERVICE_BATCH },
	{ STR_INIT("_fast"), SERVICE_FAST },
};

/* The prices of one model: of each service, and of each service's tiers. */
enum { TIERS = 4 };
struct table {
	struct price base[USAGE_SERVICES], tier[USAGE_SERVICES][TIERS];
	uint32_t above[TIERS];
	unsigned n_tiers;
};

/* ---- names ---- */

static struct str our_names(struct str theirs, struct arena *a)
{
	char *out;

	if (str_starts(theirs, STR(VERTEX)))
		return STR(VERTEX_NAMES);
	for (size_t i = 0; i < COUNT_OF(provider_names); i++)
		if (str_eq(theirs, provider_names[i].theirs))
			return provider_names[i].ours;
	out = arena_must(a, theirs.n + 1);
	for (size_t i = 0; i < theirs.n; i++)
		out[i] = theirs.p[i] == '_' ? '-' : theirs.p[i];
	return str_of(out, theirs.n);
}

/* "azure/gpt-4o" of the provider azure, "vertex_ai/…" of vertex_ai-anthropic_models. */
static struct str without_provider(struct str key, struct str provider)
{
	size_t slash = str_find_chr(key, '/');
	struct str first = str_slice(key, 0, slash);

	if (slash == STR_NPOS || slash == 0)
		return key;
	if (str_starts(provider, first) || str_eq(first, STR("bedrock")))
		return str_slice(key, slash + 1, key.n);
	return key;
}

/* ---- prices ---- */

/* "_above_200k_tokens" behind a name: the tokens, or 0. */
static uint32_t take_above(struct str *rest)
{
	struct str s = *rest;
	uint64_t n;
	size_t k;

	if (!str_starts(s, STR("_above_")))
		return 0;
	s = str_slice(s, 7, s.n);
	k = str_find(s, STR("k_tokens"));
	if (k == STR_NPOS || !str_to_u64(str_slice(s, 0, k), &n) || n == 0 || n > 100000)
		return 0;
	*rest = str_slice(s, k + 8, s.n);
	return (uint32_t)n * 1000;
}

/* Tiers stay in rising order. */
static int tier_at(struct table *t, uint32_t above)
{
	unsigned at = 0;

	while (at < t->n_tiers && t->above[at] < above)
		at++;
	if (at < t->n_tiers && t->above[at] == above)
		return (int)at;
	if (t->n_tiers == TIERS)
		return -1;
	for (unsigned i = t->n_tiers; i > at; i--) {
		t->above[i] = t->above[i - 1];
		for (int s = 0; s < USAGE_SERVICES; s++)
			t->tier[s][i] = t->tier[s][i - 1];
	}
	t->above[at] = above;
	for (int s = 0; s < USAGE_SERVICES; s++)
		t->tier[s][at] = PRICE_UNKNOWN;
	t->n_tiers++;
	return (int)at;
}

static void set_member(struct table *t, const struct price_word *w, uint32_t above, enum usage_service service,
                       yyjson_val *v)
{
	int64_t max = w->member < USAGE_COUNTERS ? PRICE_MAX_PUSD : PRICE_MAX_NUSD, n;
	int at = above ? tier_at(t, above) : -1;
	struct price *p = above ? &t->tier[service][at < 0 ? 0 : at] : &t->base[service];

	if ((above && at < 0) || !import_money(v, w->scale, max / w->times, &n))
		return;
	*price_member(p, w->member) = n * w->times;
}

static void read_word(struct table *t, struct str key, yyjson_val *v)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct str rest = str_slice(key, words[i].theirs.n, key.n);
		enum usage_service service = SERVICE_STANDARD;
		uint32_t above;

		if (!str_starts(key, words[i].theirs))
			continue;
		above = take_above(&rest);
		for (size_t k = 0; k < COUNT_OF(suffixes); k++)
			if (str_eq(rest, suffixes[k].name)) {
				service = suffixes[k].service;
				rest.n = 0;
			}
		if (rest.n)
			continue;
		set_member(t, &words[i], above, service, v);
		return;
	}
}

/* Dashscope's: [{"range": [0, 32000], "input_cost_per_token": …}, …] */
static void read_tiers(struct table *t, yyjson_val *list)
{
	yyjson_val *tier, *key;
	size_t i, n;

	yyjson_arr_foreach(list, i, n, tier)
	{
		double from = yyjson_get_num(yyjson_arr_get(json_get(tier, "range"), 0));
		uint32_t above = from > 0 && from < 1e9 ? (uint32_t)from : 0;
		yyjson_obj_iter it;

		yyjson_obj_iter_init(tier, &it);
		while ((key = yyjson_obj_iter_next(&it)))
			for (size_t k = 0; k < COUNT_OF(words); k++)
				if (str_eq(str_of(yyjson_get_str(key), yyjson_get_len(key)), words[k].theirs))
					set_member(t, &words[k], above, SERVICE_STANDARD, yyjson_obj_iter_get_val(key));
	}
}

static void read_prices(struct table *t, yyjson_val *model)
{
	yyjson_val *key, *searches = json_get(model, "search_context_cost_per_query");
	yyjson_obj_iter it;
	int64_t search;

	yyjson_obj_iter_init(model, &it);
	while ((key = yyjson_obj_iter_next(&it)))
		if (yyjson_is_num(yyjson_obj_iter_get_val(key)))
			read_word(t, str_of(yyjson_get_str(key), yyjson_get_len(key)), yyjson_obj_iter_get_val(key));
	read_tiers(t, json_get(model, "tiered_pricing"));
	/* the size of the context, on which it may depend, is not told with an answer; medium is the default */
	if (import_money(json_get(searches, "search_context_size_medium"), 9, PRICE_MAX_NUSD, &search))
		t->base[SERVICE_STANDARD].each_nusd[EACH_WEB_SEARCH] = search;
}

static void put_service(struct buf *out, const struct table *t, enum usage_service s)
{
	if (price_is_unknown(&t->base[s]))
		return;
	if (s != SERVICE_STANDARD)
		buf_printf(out, "; service=%s", usage_service_name(s));
	import_put_price(out, &t->base[s]);
	/* tiers of other services are not told apart in the text: they are rare, and so are not guessed */
	for (unsigned i = 0; s == SERVICE_STANDARD && i < t->n_tiers; i++) {
		buf_printf(out, "; above=%u", t->above[i]);
		import_put_price(out, &t->tier[s][i]);
	}
}

/* ---- facts ---- */

static const struct {
	const char *theirs;
	struct str ours;
} capabilities[] = {
	{ "supports_function_calling", STR_INIT("tools") },
	{ "supports_parallel_function_calling", STR_INIT("parallel_tools") },
	{ "supports_tool_choice", STR_INIT("forced_tool") },
	{ "supports_vision", STR_INIT("vision") },
	{ "supports_pdf_input", STR_INIT("pdf") },
	{ "supports_audio_input", STR_INIT("audio_in") },
	{ "supports_audio_output", STR_INIT("audio_out") },
	{ "supports_video_input", STR_INIT("video") },
	{ "supports_response_schema", STR_INIT("json_schema") },
	{ "supports_reasoning", STR_INIT("reasoning") },
	{ "supports_prompt_caching", STR_INIT("prompt_cache") },
	{ "supports_system_messages", STR_INIT("system") },
};

static void put_count(struct buf *out, const char *word, yyjson_val *v)
{
	if (yyjson_is_uint(v) && yyjson_get_uint(v) > 0 && yyjson_get_uint(v) <= 1000000000)
		buf_printf(out, " %s=%llu", word, (unsigned long long)yyjson_get_uint(v));
}

/* Their max_input_tokens is sometimes the window and sometimes what of it is left for input. */
static void put_facts(struct buf *out, yyjson_val *model)
{
	bool any = false, yes;

	put_count(out, "context_guess", json_get(model, "max_input_tokens"));
	put_count(out, "output", json_get(model, "max_output_tokens"));
	for (size_t i = 0; i < COUNT_OF(capabilities); i++) {
		if (!json_get_bool(model, capabilities[i].theirs, &yes))
			continue;
		buf_printf(out, "%s%s%.*s", any ? "," : " caps=", yes ? "" : "-", STR_ARG(capabilities[i].ours));
		any = true;
	}
}

/* ---- models ---- */

static void put_model(struct buf *out, struct str id, yyjson_val *model)
{
	struct buf facts = buf_make(CATALOGUE_LINE_MAX), prices = buf_make(CATALOGUE_LINE_MAX);
	struct table t = { .n_tiers = 0 };

	for (int s = 0; s < USAGE_SERVICES; s++)
		t.base[s] = PRICE_UNKNOWN;
	read_prices(&t, model);
	put_facts(&facts, model);
	for (int s = 0; s < USAGE_SERVICES; s++)
		if (s == SERVICE_STANDARD || !price_is_unknown(&t.base[SERVICE_STANDARD]))
			put_service(&prices, &t, (enum usage_service)s);
	if (!facts.failed && !prices.failed && (facts.n || prices.n)) {
		buf_append(out, id);
		buf_append_c(out, '\t');
		import_put_lower(out, id);
		buf_append_c(out, '\t');
		buf_append(out, str_trim(buf_str(&facts)));
		buf_append_c(out, '\t');
		buf_append(out, str_trim(buf_str(&prices)));
		buf_append_c(out, '\n');
	}
	buf_fini(&facts);
	buf_fini(&prices);
}

/* The lines of a provider's models. */
struct group {
	struct str names;
	struct buf lines;
};

static struct group *group_of(struct map *groups, struct str names, struct arena *a)
{
	struct group *g = map_get(groups, names);

	if (g)
		return g;
	g = arena_must(a, sizeof(*g));
	g->names = names;
	g->lines = buf_make(SECTION_MAX);
	(void)map_put(groups, g->names, g);
	return g;
}

bool import_litellm(yyjson_val *root, struct arena *a, struct buf *out, struct err *e)
{
	struct map groups = { 0 };
	yyjson_val *key, *model;
	yyjson_obj_iter it;
	size_t models = 0;
	void *value;

	if (!yyjson_is_obj(root))
		return err_set(e, ERR_INVALID_REQUEST,
		               "must be an object: {\"models\": […]}, or LiteLLM's list of prices");
	yyjson_obj_iter_init(root, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		struct str name = str_of(yyjson_get_str(key), yyjson_get_len(key)), provider;

		model = yyjson_obj_iter_get_val(key);
		if (str_eq(name, STR("sample_spec")) || !json_get_str(model, "litellm_provider", &provider))
			continue;
		models++;
		name = without_provider(name, provider);
		if (import_name_is_plain(name, false) && import_name_is_plain(provider, false))
			put_model(&group_of(&groups, our_names(provider, a), a)->lines, name, model);
	}
	for (size_t i = 0; map_next(&groups, &i, NULL, &value);) {
		struct group *g = value;

		import_put_section(out, g->names);
		buf_append(out, buf_str(&g->lines));
		out->failed |= g->lines.failed;
		buf_fini(&g->lines);
	}
	map_fini(&groups);
	return models > 0 ||
	       err_set(e, ERR_INVALID_REQUEST, "holds neither \"models\" nor a model with litellm_provider");
}
