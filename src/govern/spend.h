/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spend: the record of one request that reached RECORD: what it used, what it cost, who pays. Plain data; texts are
 * borrowed from the request and copied by journal_add. Money is int64 nano-dollars, never negative.
 */
#ifndef SLUICE_GOVERN_SPEND_H
#define SLUICE_GOVERN_SPEND_H

#include "base/rand.h"
#include "base/str.h"

/* Where the token counts come from (contract section 3). */
enum spend_usage { SPEND_USAGE_NONE, SPEND_USAGE_REPORTED, SPEND_USAGE_COUNTED };
const char *spend_usage_name(enum spend_usage);       /* "none", "reported", "counted" */

struct spend_tokens {
	uint64_t input, output, cache_read, cache_write, reasoning;
};

/* 26 characters of Crockford base 32, either case; false: not a ULID. */
MUST_USE bool spend_id_read(struct str text, struct ulid *out);

/* Each text is cut to SPEND_TEXT_MAX bytes in the record. */
#define SPEND_TEXT_MAX 255

struct spend {
	/* Made by the gateway for each request, never the client's: a client that repeats an id must not hide a
	 * request behind another. Its time is the time of the request. */
	struct ulid id;
	struct str client_id;             /* x-sluice-request-id as the client gave it; empty: none */
	struct str key_id, team, user;
	struct str tags;                  /* joined by commas */
	struct str model;                 /* the public name asked for */
	struct str provider, deployment, upstream_model;
	struct str endpoint, dialect;     /* "/v1/messages", "anthropic" */
	struct str error;                 /* contract section 4's code; empty: none */
	int64_t cost_nusd;                /* meaningful when cost_known */
	int64_t saved_nusd;               /* by reading from the provider's prompt cache, against the price of input */
	bool cost_known;                  /* false: no price for this deployment; never counted as zero */
	bool stream;
	enum spend_usage usage;
	struct spend_tokens tokens;
	unsigned status;                  /* HTTP status sent to the client (499: gone) */
	unsigned attempts;                /* upstream calls made */
	uint32_t first_byte_ms, latency_ms;
	uint32_t overhead_us;             /* time spent in the gateway itself */
};

#endif
