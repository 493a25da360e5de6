/* SPDX-License-Identifier: Apache-2.0 */
/* usage: setting and splitting the disjoint counters, and their names. */

#include "model/usage.h"

#include <assert.h>

static const char *const counter_names[USAGE_COUNTERS] = {
	[USAGE_INPUT] = "input",
	[USAGE_CACHE_READ] = "cache_read",
	[USAGE_CACHE_WRITE_5M] = "cache_write_5m",
	[USAGE_CACHE_WRITE_1H] = "cache_write_1h",
	[USAGE_INPUT_AUDIO] = "input_audio",
	[USAGE_INPUT_IMAGE] = "input_image",
	[USAGE_INPUT_TOOL] = "input_tool",
	[USAGE_OUTPUT] = "output",
	[USAGE_REASONING] = "reasoning",
	[USAGE_OUTPUT_AUDIO] = "output_audio",
	[USAGE_OUTPUT_IMAGE] = "output_image",
};

static uint32_t clamp(struct usage *u, int64_t tokens)
{
	if (tokens < 0) {
		u->odd = true;
		return 0;
	}
	if (tokens > (int64_t)USAGE_COUNTER_MAX) {
		u->odd = true;
		return USAGE_COUNTER_MAX;
	}
	return (uint32_t)tokens;
}

void usage_set(struct usage *u, enum usage_counter counter, int64_t tokens)
{
	assert(counter < USAGE_COUNTERS);
	u->n[counter] = clamp(u, tokens);
}

void usage_split(struct usage *u, enum usage_counter from, enum usage_counter to, int64_t tokens)
{
	assert(from != to && from < USAGE_COUNTERS && to < USAGE_COUNTERS);
	uint32_t part = clamp(u, tokens);

	if (part > u->n[from]) {
		u->odd = true;
		part = u->n[from];
	}
	u->n[from] -= part;
	u->n[to] += part;
	if (u->n[to] > USAGE_COUNTER_MAX) {
		u->odd = true;
		u->n[to] = USAGE_COUNTER_MAX;
	}
}

const char *usage_counter_name(enum usage_counter counter)
{
	assert(counter < USAGE_COUNTERS);
	return counter_names[counter];
}

const char *usage_source_name(enum usage_source source)
{
	switch (source) {
	case USAGE_NONE: return "none";
	case USAGE_REPORTED: return "reported";
	case USAGE_COUNTED: return "counted";
	}
	assert(!"unknown usage_source");
	return "";
}
