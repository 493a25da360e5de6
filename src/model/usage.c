/* SPDX-License-Identifier: Apache-2.0 */
/* usage: setting and splitting the disjoint counters, and their names. */

#include "model/usage.h"

#include <assert.h>

static const char *const counter_names[USAGE_COUNTERS] = {
	[USAGE_INPUT] = "input",
	[USAGE_CACHE_READ] = "cache_read",
	[USAGE_CACHE_READ_AUDIO] = "cache_read_audio",
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

void usage_set_calls(struct usage *u, enum usage_call call, int64_t n)
{
	assert(call < USAGE_CALLS);
	u->odd |= n < 0 || n > UINT8_MAX;
	u->calls[call] = n < 0 ? 0 : n > UINT8_MAX ? UINT8_MAX : (uint8_t)n;
}

void usage_set_seconds(struct usage *u, int64_t seconds)
{
	u->odd |= seconds < 0 || seconds > UINT16_MAX;
	u->seconds = seconds < 0 ? 0 : seconds > UINT16_MAX ? UINT16_MAX : (uint16_t)seconds;
}

void usage_add(struct usage *u, const struct usage *more)
{
	for (int i = 0; i < USAGE_COUNTERS; i++)
		u->n[i] = clamp(u, (int64_t)u->n[i] + more->n[i]);
	for (int i = 0; i < USAGE_CALLS; i++)
		usage_set_calls(u, (enum usage_call)i, u->calls[i] + more->calls[i]);
	usage_set_seconds(u, (int64_t)u->seconds + more->seconds);
	if (more->source > u->source)
		u->source = more->source;
	if (more->service != SERVICE_STANDARD)
		u->service = more->service;
	u->odd |= more->odd;
}

static const char *const service_names[USAGE_SERVICES] = {
	[SERVICE_STANDARD] = "standard", [SERVICE_FLEX] = "flex", [SERVICE_BATCH] = "batch",
	[SERVICE_PRIORITY] = "priority", [SERVICE_FAST] = "fast", [SERVICE_CONTRACT] = "contract",
};

const char *usage_service_name(enum usage_service service)
{
	assert(service < USAGE_SERVICES);
	return service_names[service];
}

enum usage_service usage_service_of(struct str word)
{
	static const struct {
		struct str word;
		enum usage_service service;
	} words[] = {
		{ STR_INIT("flex"), SERVICE_FLEX },
		{ STR_INIT("ON_DEMAND_FLEX"), SERVICE_FLEX },
		{ STR_INIT("batch"), SERVICE_BATCH },
		{ STR_INIT("priority"), SERVICE_PRIORITY },
		{ STR_INIT("ON_DEMAND_PRIORITY"), SERVICE_PRIORITY },
		{ STR_INIT("fast"), SERVICE_FAST },
		{ STR_INIT("scale"), SERVICE_CONTRACT },
		{ STR_INIT("reserved"), SERVICE_CONTRACT },
		{ STR_INIT("PROVISIONED_THROUGHPUT"), SERVICE_CONTRACT },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, words[i].word))
			return words[i].service;
	return SERVICE_STANDARD;
}

void usage_lay_service(struct usage *u, struct str word)
{
	enum usage_service service = usage_service_of(word);

	if (service != SERVICE_STANDARD)
		u->service = (uint8_t)(service | (u->service & SERVICE_REGIONAL));
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
