/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: one small HTTP exchange from its first byte to its last: a token from an issuer, an image that a message
 * names. For everything that is not a provider's call: nothing is pooled, the answer is kept whole up to a ceiling, and
 * all of it has one deadline.
 *
 * One struct fetcher for each loop; fetches belong to it and run on its thread. `public_only` is for addresses that
 * others may choose (RFC 6890): every address that the name has is judged after resolving, that of each redirect too.
 */
#ifndef SLUICE_NET_FETCH_H
#define SLUICE_NET_FETCH_H

#include "base/err.h"
#include "base/str.h"

struct dns;
struct fetch;
struct fetcher;
struct loop;

struct fetcher *fetcher_new(struct loop *, struct dns *);
void fetcher_free(struct fetcher *);             /* no fetch may be under way; NULL is fine */

struct fetch_answer {
	int status;
	struct str content_type;                 /* without parameters; empty: none */
	struct str body;
};

struct fetch_request {
	struct str method;                       /* "GET", "POST", "PUT" */
	struct str url;                          /* http:// or https:// */
	struct str lines;                        /* head fields, each with its CR LF; may be empty */
	struct str body;                         /* sent with its length when the method is not GET */
	struct str ca_file;                      /* certificates to trust; empty: the system's */
	size_t answer_max_bytes;
	uint32_t timeout_ms;                     /* for all of it */
	unsigned redirects;                      /* of GET that are followed; https never becomes http */
	bool public_only;                        /* and https only */
	/* Once, never from inside fetch_start. An answer of any status is an answer; failure: ERR_UPSTREAM,
	 * ERR_UPSTREAM_TIMEOUT, ERR_POLICY (not public), ERR_TOO_LARGE; its text has no secret. Borrowed. */
	void (*on_done)(void *arg, const struct fetch_answer *, const struct err *failure);
	void *arg;
};

/* All texts are copied. NULL: the address is no good; err tells (ERR_INVALID_REQUEST), behind the caller's own
 * words. */
MUST_USE struct fetch *fetch_start(struct fetcher *, const struct fetch_request *, struct err *);
void fetch_cancel(struct fetch *);               /* at once; on_done is not called. NULL is fine */

#endif
