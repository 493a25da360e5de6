/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: what one answer consumed, in tokens. The counters are DISJOINT: a token is in exactly one of them, whatever
 * the provider's own bookkeeping is (OpenAI counts cached tokens inside the prompt, Anthropic beside it, Gemini counts
 * thoughts beside the candidates). So a price is a plain sum of products and totals are plain sums. What is paid in
 * other units than tokens stands beside them. Plain memory, 56 bytes.
 */
#ifndef SLUICE_MODEL_USAGE_H
#define SLUICE_MODEL_USAGE_H

#include "base/str.h"

enum usage_counter {
	USAGE_INPUT,          /* plain input: neither cached, audio, image nor tool results of the provider */
	USAGE_CACHE_READ,     /* text and images */
	USAGE_CACHE_READ_AUDIO,
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

/* What is counted by the piece. */
enum usage_call {
	CALLS_WEB_SEARCH,     /* searches of the web that the provider's own tool made */
	CALLS_SEARCH,         /* searches of stored files; search units of a reranker */
	CALLS_IMAGE,          /* images made, where they are paid by the piece */
	USAGE_CALLS
};

/* How the provider served the request, by its own report: it changes the price. */
enum usage_service {
	SERVICE_STANDARD,     /* default, standard, on demand; also what is not told */
	SERVICE_FLEX,
	SERVICE_BATCH,
	SERVICE_PRIORITY,
	SERVICE_FAST,         /* Anthropic: speed "fast" */
	SERVICE_CONTRACT,     /* paid for by contract: OpenAI's scale, Vertex's provisioned throughput */
	USAGE_SERVICES
};
#define SERVICE_REGIONAL 0x10   /* a flag beside it. Anthropic: inference_geo "us" */

/* A counter never exceeds this; a provider that reports more is clamped and marked odd. */
#define USAGE_COUNTER_MAX 1000000000u

struct usage {
	uint32_t n[USAGE_COUNTERS];
	uint16_t seconds;     /* of audio, where it is paid by the time */
	uint8_t calls[USAGE_CALLS];
	uint8_t service;      /* enum usage_service, and its flag */
	uint8_t source;       /* enum usage_source */
	bool odd;             /* the report contradicts itself (parts above their total, negative, absurd): clamped */
};
_Static_assert(sizeof(struct usage) == 56, "part of the memory of every open stream");

/* Was anything used that is not paid by the token, or served in another way than usual? */
static inline bool usage_is_special(const struct usage *u)
{
	uint64_t seconds_to_odd;

	_Static_assert(sizeof(seconds_to_odd) == sizeof(*u) - offsetof(struct usage, seconds) &&
	               offsetof(struct usage, source) == offsetof(struct usage, seconds) + 6,
	               "read as one number, whose last two bytes are source and odd");
	memcpy(&seconds_to_odd, &u->seconds, sizeof(seconds_to_odd));
	return (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? seconds_to_odd << 16 : seconds_to_odd >> 16) != 0;
}

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
static inline uint64_t usage_total_cache_read(const struct usage *u)
{
	return (uint64_t)u->n[USAGE_CACHE_READ] + u->n[USAGE_CACHE_READ_AUDIO];
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

/* Calls and seconds from a provider's number; what cannot be is clamped and marked. */
void usage_set_calls(struct usage *, enum usage_call, int64_t n);
void usage_set_seconds(struct usage *, int64_t seconds);

/* What several calls used together; counted, if any of them was. */
void usage_add(struct usage *, const struct usage *more);

/* The service by the word of OpenAI's service_tier, Anthropic's service_tier and speed, Gemini's serviceTier and
 * trafficType, Bedrock's serviceTier. Words that are not known are the standard one. */
enum usage_service usage_service_of(struct str word);
/* Sets the service if the word names another than the standard one. */
void usage_lay_service(struct usage *, struct str word);

const char *usage_service_name(enum usage_service);   /* "standard", "flex", "batch", "priority", "fast", "contract" */
const char *usage_counter_name(enum usage_counter);   /* "cache_write_5m"; as in logs, metrics and price settings */
const char *usage_source_name(enum usage_source);     /* "reported", "counted", "none" */

#endif
