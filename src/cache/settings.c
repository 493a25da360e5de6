/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of the cache. */

#include "cache/settings.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

#define STRUCT cache_exact_settings
static const struct setting exact_rows[] = {
	{ .name = "enabled", .type = SETTING_BOOL, AT(enabled), .support = SETTING_IGNORED,
	  .help = "Answer a request that is the same as an earlier one from the cache." },
	{ .name = "ttl", .type = SETTING_DURATION, AT(ttl_ms), .value = "10m", .min = "1s", .max = "365d",
	  .help = "How long an answer is kept." },
	{ .name = "max_bytes", .type = SETTING_SIZE, AT(max_bytes), .value = "256MiB", .min = "1MiB", .max = "1TiB",
	  .help = "All answers together." },
	{ .name = "max_entry", .type = SETTING_SIZE, AT(max_entry_bytes), .value = "1MiB", .min = "1KiB",
	  .max = "64MiB",
	  .help = "One answer." },
};
#undef STRUCT
static const struct settings exact_settings = {
	.name = "exact cache", .size = sizeof(struct cache_exact_settings), .rows = exact_rows,
	.n = COUNT_OF(exact_rows),
};

#define STRUCT cache_semantic_settings
static const struct setting semantic_rows[] = {
	{ .name = "enabled", .type = SETTING_BOOL, AT(enabled), .support = SETTING_IGNORED,
	  .help = "Answer a request that means the same as an earlier one from the cache." },
	{ .name = "threshold", .type = SETTING_RATIO, AT(threshold), .value = "0.95", .min = "0", .max = "1",
	  .help = "How near the meanings must be." },
	{ .name = "ttl", .type = SETTING_DURATION, AT(ttl_ms), .value = "10m", .min = "1s", .max = "365d",
	  .help = "How long an answer is kept." },
	{ .name = "embedder", .type = SETTING_TEXT, AT(embedder), .value = "local",
	  .help = "local, or the name of a model that makes embeddings." },
	{ .name = "max_entries", .type = SETTING_INT, AT(max_entries), .value = "100000", .min = "1",
	  .max = "100000000",
	  .help = "Answers that are kept." },
};
#undef STRUCT
static const struct settings semantic_settings = {
	.name = "semantic cache", .size = sizeof(struct cache_semantic_settings), .rows = semantic_rows,
	.n = COUNT_OF(semantic_rows),
};

#define STRUCT cache_state_settings
static const struct setting state_rows[] = {
	{ .name = "max_bytes", .type = SETTING_SIZE, AT(max_bytes), .value = "64MiB", .min = "1MiB", .max = "1TiB",
	  .help = "All of it together; what was not used for the longest time goes first. One conversation may take an "
		  "eighth." },
	{ .name = "ttl", .type = SETTING_DURATION, AT(ttl_ms), .value = "24h", .min = "1s", .max = "365d",
	  .help = "How long something is kept." },
};
#undef STRUCT
static const struct settings state_settings = {
	.name = "state of conversations", .size = sizeof(struct cache_state_settings), .rows = state_rows,
	.n = COUNT_OF(state_rows),
};

static const char *const scope_words[] = { "key", "team", "global", NULL };

#define STRUCT cache_settings
static const struct setting cache_rows[] = {
	{ .name = "exact", .type = SETTING_SECTION, AT(exact), .section = &exact_settings,
	  .help = "The same requests." },
	{ .name = "semantic", .type = SETTING_SECTION, AT(semantic), .section = &semantic_settings,
	  .help = "Requests of the same meaning." },
	{ .name = "state", .type = SETTING_SECTION, AT(state), .section = &state_settings,
	  .help = "What is remembered of conversations, in memory: responses that clients go on from by "
		  "previous_response_id or fetch again, and signatures of thoughts that a client's API cannot carry." },
	{ .name = "coalesce", .type = SETTING_BOOL, AT(coalesce), .support = SETTING_IGNORED,
	  .help = "The same requests that are under way at once share one call to the provider." },
	{ .name = "scope", .type = SETTING_WORD, AT(scope), .value = "key", .words = scope_words,
	  .help = "Who may be answered from whose entry." },
};
#undef STRUCT
const struct settings cache_settings = {
	.name = "cache", .size = sizeof(struct cache_settings), .rows = cache_rows, .n = COUNT_OF(cache_rows),
};
