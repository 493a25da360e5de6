/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_in: errands. An errand goes and gets one value: it prepares on a pool thread (files, signatures of JWTs),
 * then asks by HTTP as often as its source needs, on the loop that it began on. credential.c knows when an errand is
 * due and who waits for it; errand.c moves it; sources (errand_aws.c, errand_oauth.c) know what to ask whom.
 */
#ifndef SLUICE_PROVIDER_CREDENTIAL_IN_H
#define SLUICE_PROVIDER_CREDENTIAL_IN_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/fetch.h"
#include "net/pool.h"
#include "provider/credential.h"

enum errand_state {
	ERRAND_ASK,              /* the request is written down */
	ERRAND_DONE,             /* the value is */
	ERRAND_FAILED,           /* err tells */
};

struct errand;

struct source {
	const char *name;        /* "IBM Cloud's IAM": in messages */
	/* On a pool thread. */
	enum errand_state (*begin)(struct errand *);
	/* On the loop: an answer of status 200, to the request of this step (0, 1 …). NULL: begin does all. */
	enum errand_state (*answer)(struct errand *, unsigned step, struct str body);
};
extern const struct source credential_sources[CREDENTIAL_KINDS];

struct errand {
	struct credential_agent *agent;
	struct errand *next, **link;     /* the agent's; link NULL: it is gone */
	bool on_pool;                    /* the job's message has not come yet */
	const struct credential_options *options;
	const struct source *source;
	struct credential *credential;   /* counted */
	struct job job;
	struct fetch *fetch;
	enum errand_state state;         /* of the job */
	unsigned step;
	struct arena arena;              /* of all its texts */
	struct str method, url, lines, body;     /* the request */
	struct str kept;                 /* a source's own, between steps */
	struct credential_value value;   /* the result, in the arena */
	struct err err;
};

struct credential_agent {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct errand *errands;
	struct waiter *waiters;
};

/* Begins; ends in credential_fetched. */
void errand_start(struct credential_agent *, struct credential *, const struct credential_options *);
/* The agent goes: the errand ends without a result; if its job's message is still to come, then. */
void errand_leave(struct errand *);

/* credential.c: an errand has ended; value NULL: it failed. */
void credential_fetched(struct credential *, const struct credential_value *, const struct err *);

/* ---- for sources ---- */

/* ERRAND_FAILED with the source's name in front of the text. */
enum errand_state errand_fail(struct errand *, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str errand_text(const struct errand *, enum credential_text);
/* A small file, without white space around; p == NULL: there is none, and the errand has failed. */
struct str errand_file(struct errand *, struct str path);
/* `name=value` of a form, percent-encoded, behind what is there. */
void errand_form(struct buf *, const char *name, struct str value);
/* The request is a POST of a form. */
enum errand_state errand_post(struct errand *, struct str url, struct buf *form);
/* Milliseconds since 1970 of "2026-11-28T02:24:43Z" (RFC 3339, in UTC). */
MUST_USE bool errand_read_time(struct str text, uint64_t *ms);

/* errand_aws.c, errand_oauth.c */
enum errand_state aws_web_identity_begin(struct errand *);
enum errand_state aws_web_identity_answer(struct errand *, unsigned step, struct str body);
enum errand_state aws_container_begin(struct errand *);
enum errand_state aws_container_answer(struct errand *, unsigned step, struct str body);
enum errand_state aws_instance_begin(struct errand *);
enum errand_state aws_instance_answer(struct errand *, unsigned step, struct str body);
enum errand_state google_key_begin(struct errand *);
enum errand_state google_instance_begin(struct errand *);
enum errand_state ibm_begin(struct errand *);
enum errand_state entra_begin(struct errand *);
enum errand_state oauth_answer(struct errand *, unsigned step, struct str body);

#endif
