/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4: AWS Signature Version 4 of a request ("Create a signed AWS API request" of the IAM user guide). A pure
 * function: the same input gives the same lines; no clock, no network, no environment.
 *
 * Signed are the host, the date, the session token if there is one, and what the caller names besides; and always the
 * whole body, by its SHA-256. The path is the one of the request line, as it is sent: AWS encodes it once more before
 * signing (all services but S3), so that a model's id "…-v1:0" is sent as "…-v1%3A0" and signed as "…-v1%253A0".
 */
#ifndef SLUICE_PROVIDER_SIGV4_H
#define SLUICE_PROVIDER_SIGV4_H

#include "base/str.h"

struct arena;

#define SIGV4_DAY_LEN   8      /* "20150830" */
#define SIGV4_TIME_LEN  16     /* "20150830T123600Z" */
#define SIGV4_KEY_BYTES 32
#define SIGV4_HEADERS   8      /* that a caller may have signed besides */
#define SIGV4_PARAMS    32     /* of a query */

/* What a secret becomes for one day, region and service: worth keeping for the day. */
struct sigv4_key {
	char day[SIGV4_DAY_LEN];
	unsigned char bytes[SIGV4_KEY_BYTES];
};

struct sigv4_header { struct str name, value; };   /* name in lower case */

struct sigv4_request {
	struct str method;
	struct str path;                 /* as sent, percent-encoded, without the query */
	struct str query;                /* as sent, without the '?'; may be empty */
	struct str host;                 /* as in the Host field */
	const struct sigv4_header *headers;      /* signed besides; the caller sends them */
	size_t n_headers;
	const struct str *body;          /* pieces */
	size_t n_body;
	struct str access_key_id, session_token; /* token: empty for a key that lasts */
	struct str region, service;
};

/* "20150830T123600Z"; its first eight bytes are the day. */
void sigv4_time(char out[SIGV4_TIME_LEN], uint64_t real_ms);

void sigv4_derive(struct sigv4_key *, const char day[SIGV4_DAY_LEN], struct str secret, struct str region,
                  struct str service);

/* The lines to be added to the head, each with its CR LF: x-amz-date, x-amz-security-token and authorization. The key
 * must be of the time's day. In the arena; p == NULL: the arena is full, or the query is none (bad escapes, more than
 * SIGV4_PARAMS). */
struct str sigv4_lines(struct arena *, const struct sigv4_request *, const char time[SIGV4_TIME_LEN],
                       const struct sigv4_key *);

#endif
