/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: what one answer consumed, in tokens. The counters are DISJOINT: a token is in exactly one of them, whatever
 * the provider's own bookkeeping is (OpenAI counts cached tokens inside the prompt, Anthropic beside it, Gemini counts
 * thoughts beside the candidates). So a price is a plain sum of products and totals are plain sums. Plain memory, 48
 * bytes.
 */
#ifndef SLUICE_MODEL_USAGE_H
#define SLUICE_MODEL_USAGE_H

#include "base/str.h"

enum usage_counter {
	USAGE_INPUT,          /* plain input: neither cached, audio, image nor tool results of the provider */
	USAGE_CACHE_READ,
	USAGE_CACHE_WRITE_5M, /* also a write whose lifetime the provider does not tell */
	USAGE_CACHE_WRITE_1H,
	USAGE_INPUT_AUDIO,
	USAGE_INPUT_IMAGE,
	USAGE_INPUT_TOOL,     /* Gemini's toolUsePromptTokenCount: input that the provider's own tools made */
	USAGE_OUTPUT,         /* plain output */
	USAGE_REASONING,
	USAGE_OUTPUT_AUDIO,
	USAGE_OUTPUT_IMAGE,
	USAGE_COUNTERS
};

enum usage_source {
	USAGE_NONE,           /* nothing known: all counters are 0 and mean nothing */
	USAGE_REPORTED,       /* the provider said so */
	USAGE_COUNTED,        /* the gateway counted, the provider did not say */
};

/* A counter never exceeds this; a provider that reports more is clamped and marked odd. */
#define USAGE_COUNTER_MAX 1000000000u

struct usage {
	uint32_t n[USAGE_COUNTERS];
	uint8_t source;       /* enum usage_source */
	bool odd;             /* the report contradicts itself (parts above their total, negative, absurd): clamped */
};

static inline uint64_t usage_total_input(const struct usage *u)
{
	uint64_t sum = 0;
	for (int i = USAGE_INPUT; i <= USAGE_INPUT_TOOL; i++)
		sum += u->n[i];
	return sum;
}
static inline uint64_t usage_total_output(const struct usage *u)
{
	uint64_t sum = 0;
	for (int i = USAGE_OUTPUT; i < USAGE_COUNTERS; i++)
		sum += u->n[i];
	return sum;
}
static inline uint64_t usage_total_cache_write(const struct usage *u)
{
	return (uint64_t)u->n[USAGE_CACHE_WRITE_5M] + u->n[USAGE_CACHE_WRITE_1H];
}

/* Sets a counter from a provider's number; clamps and marks what cannot be. */
void usage_set(struct usage *, enum usage_counter, int64_t tokens);

/* Takes `tokens` out of counter `from` into counter `to` ("of these, so many were cached"). A part above its whole is
 * clamped to it and marks the usage odd. Negative counts as 0, odd. */
void usage_split(struct usage *, enum usage_counter from, enum usage_counter to, int64_t tokens);

const char *usage_counter_name(enum usage_counter);   /* "cache_write_5m"; as in logs, metrics and price settings */
const char *usage_source_name(enum usage_source);     /* "reported", "counted", "none" */

#endif
