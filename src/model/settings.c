/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of prices and of the catalogue. */
#include "model/settings.h"

#include "base/arena.h"

/* What a price setting is called is what its counter is called in logs and metrics. */
#define TOKENS(name_, counter, help_) \
	{ .name = name_, .type = SETTING_PRICE, .offset = offsetof(struct price, token_pusd[counter]), \
	  .max = "1000000", .help = help_ }
#define EACH(name_, what, help_) \
	{ .name = name_, .type = SETTING_MONEY, .offset = offsetof(struct price, each_nusd[what]), .max = "1000000", \
	  .help = help_ }
#define PRICE_ROWS \
	TOKENS("input", USAGE_INPUT, "Input that is neither cached, audio nor image."), \
	TOKENS("output", USAGE_OUTPUT, "Output text."), \
	TOKENS("cache_read", USAGE_CACHE_READ, "Input that the provider had in its cache. Left out: as input."), \
	TOKENS("cache_read_audio", USAGE_CACHE_READ_AUDIO, "The same of audio. Left out: as cache_read."), \
	TOKENS("cache_write", USAGE_CACHE_WRITE_5M, \
	       "Input that the provider wrote to its cache. Left out: as input."), \
	TOKENS("cache_write_1h", USAGE_CACHE_WRITE_1H, "The same for an hour. Left out: as cache_write."), \
	TOKENS("input_audio", USAGE_INPUT_AUDIO, "Audio input."), \
	TOKENS("input_image", USAGE_INPUT_IMAGE, "Image input. Left out: as input."), \
	TOKENS("input_tool", USAGE_INPUT_TOOL, "Input made by the provider's own tools. Left out: as input."), \
	TOKENS("reasoning", USAGE_REASONING, "Output that is not shown. Left out: as output."), \
	TOKENS("output_audio", USAGE_OUTPUT_AUDIO, "Audio output."), \
	TOKENS("output_image", USAGE_OUTPUT_IMAGE, "Image output. Left out: as output."), \
	EACH("request", EACH_REQUEST, "US dollars for each answer, besides its tokens."), \
	EACH("web_search", EACH_WEB_SEARCH, "US dollars for each search of the web by the provider's own tool."), \
	EACH("search", EACH_SEARCH, "US dollars for each search of stored files, or search unit of a reranker."), \
	EACH("image", EACH_IMAGE, "US dollars for each image made."), \
	EACH("audio_hour", EACH_AUDIO_HOUR, "US dollars for an hour of audio, charged by the second.")

#define AT(member) .offset = offsetof(struct STRUCT, member)

#define STRUCT price_tier_settings
static const struct setting tier_rows[] = {
	{ .name = "above", .type = SETTING_INT, AT(above), .min = "1", .max = "1000000000", .required = true,
	  .help = "Tokens of input, cached ones too, above which these prices hold for the whole request." },
	PRICE_ROWS,
};
#undef STRUCT
_Static_assert(COUNT_OF(tier_rows) == 1 + USAGE_COUNTERS + EACHES, "each counter has a price");
_Static_assert(offsetof(struct price_tier_settings, list) == 0 && offsetof(struct price_settings, list) == 0,
               "PRICE_ROWS counts from there");

static bool check_tier(void *item, struct setting_checker *c)
{
	struct price_tier_settings *t = item;

	return !price_is_unknown(&t->list) || c->refuse(c, t, "names no price that is different above it");
}

static const struct settings tier_settings = {
	.name = "tier", .size = sizeof(struct price_tier_settings), .rows = tier_rows, .n = COUNT_OF(tier_rows),
	.check = check_tier,
};

#define FACTOR(name_, help_) \
	{ .name = #name_, .type = SETTING_RATIO, AT(name_), .max = "100", \
	  .help = "Factor of the prices of tokens where the provider says that it served " help_ \
	          ". Left out: such an answer's cost is unknown, if the catalogue does not know it." }
#define STRUCT price_settings
static const struct setting price_rows[] = {
	PRICE_ROWS,
	{ .name = "tiers", .type = SETTING_LIST, AT(tiers), .section = &tier_settings,
	  .help = "Prices of long prompts, by rising length." },
	FACTOR(flex, "a request as flex"),
	FACTOR(batch, "it in a batch"),
	FACTOR(priority, "it with priority"),
	FACTOR(fast, "it in its fast mode"),
};
#undef STRUCT

static bool check_price(void *item, struct setting_checker *c)
{
	struct price_settings *p = item;
	struct price_tier_settings *t = p->tiers.items;
	bool good = true;

	for (size_t i = 1; i < p->tiers.n; i++)
		if (t[i].above <= t[i - 1].above)
			good = c->refuse_value(c, &t[i].above, "must be more than that of the tier before");
	return good;
}

const struct settings price_settings = {
	.name = "price", .size = sizeof(struct price_settings), .rows = price_rows, .n = COUNT_OF(price_rows),
	.check = check_price,
};

#define STRUCT catalogue_settings
static const struct setting catalogue_rows[] = {
	{ .name = "file", .type = SETTING_TEXT, AT(file),
	  .help = "A file whose prices and facts go before the built-in ones: JSON of our own form, a "
	          "model_prices_and_context_window.json of LiteLLM, or a newer catalogue.txt." },
};
#undef STRUCT
const struct settings catalogue_settings = {
	.name = "catalogue", .size = sizeof(struct catalogue_settings), .rows = catalogue_rows,
	.n = COUNT_OF(catalogue_rows),
};

/* ---- prices ---- */

struct price price_from_settings(const struct price_settings *s, struct arena *arena)
{
	const struct price_tier_settings *t = s->tiers.items;
	const struct {
		double factor;
		enum usage_service service;
	} factors[] = {
		{ s->flex, SERVICE_FLEX }, { s->batch, SERVICE_BATCH }, { s->priority, SERVICE_PRIORITY },
		{ s->fast, SERVICE_FAST },
	};
	struct price p = s->list;
	struct price_case *cases = arena_must(arena, (s->tiers.n + COUNT_OF(factors)) * sizeof(*cases));

	p.cases = cases;
	p.n_cases = 0;
	for (size_t i = 0; i < s->tiers.n; i++) {
		struct price_case *c = &cases[p.n_cases++];

		*c = (struct price_case){ .when = PRICE_ABOVE, .above = (uint32_t)t[i].above, .price = s->list };
		price_overlay(&c->price, &t[i].list);
	}
	for (size_t i = 0; i < COUNT_OF(factors); i++) {
		struct price_case *c = &cases[p.n_cases];

		if (factors[i].factor < 0)
			continue;
		c->when = PRICE_SERVICE;
		c->service = factors[i].service;
		if (price_scale(&p, (uint32_t)(factors[i].factor * 1000 + 0.5), arena, &c->price))
			p.n_cases++;
	}
	return p;
}
