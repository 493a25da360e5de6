/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential: what shows a cloud that a request is allowed, where that is no fixed text: keys and tokens that are
 * fetched, last for minutes or hours, and are fetched again before they end.
 *
 * One struct credential for each way of getting one, shared by all loops and by all configurations that say the same;
 * counted. It holds the value of the moment, which is counted too, so that a request keeps what it was signed with.
 * When a request finds that the value will soon end, it takes it and starts a new fetch behind its back; when there is
 * none, or it has ended, the request waits. One fetch is under way at a time; after a failure the next one waits a
 * little, longer each time. Errors name the place that was asked and what it answered, never a secret.
 *
 *	kind              from                                                  gives
 *	AWS_KEYS          settings, or AWS_ACCESS_KEY_ID …                      itself
 *	AWS_WEB_IDENTITY  a token file, at STS (AssumeRoleWithWebIdentity)      keys for an hour
 *	AWS_CONTAINER     the container's credentials endpoint (ECS, EKS)       keys for some hours
 *	AWS_INSTANCE      the instance's metadata service, version 2            keys for some hours
 *	GOOGLE_KEY        a service account's key (JWT, RFC 7523) or an authorized user's refresh token
 *	GOOGLE_INSTANCE   the metadata server                                   a token for an hour
 *	IBM               an API key, at IAM                                    a token for an hour
 *	ENTRA             an application's secret, at Microsoft Entra           a token for an hour
 */
#ifndef SLUICE_PROVIDER_CREDENTIAL_H
#define SLUICE_PROVIDER_CREDENTIAL_H

#include "base/err.h"
#include "net/op.h"
#include "provider/sigv4.h"

struct arena;
struct conf_env;
struct dns;
struct pool;
struct provider_face;
struct provider_places;
struct provider_settings;

enum credential_kind {
	CREDENTIAL_NONE,                 /* none is to be fetched */
	CREDENTIAL_AWS_KEYS, CREDENTIAL_AWS_WEB_IDENTITY, CREDENTIAL_AWS_CONTAINER, CREDENTIAL_AWS_INSTANCE,
	CREDENTIAL_GOOGLE_KEY, CREDENTIAL_GOOGLE_INSTANCE, CREDENTIAL_IBM, CREDENTIAL_ENTRA,
	CREDENTIAL_KINDS
};

enum credential_text {
	CREDENTIAL_ACCESS_KEY_ID, CREDENTIAL_SECRET_ACCESS_KEY, CREDENTIAL_SESSION_TOKEN,
	CREDENTIAL_ROLE, CREDENTIAL_ROLE_SESSION,
	CREDENTIAL_TOKEN_FILE,           /* of a web identity, or what a container authorizes with */
	CREDENTIAL_AUTHORIZATION,        /* a container's, if it is no file */
	CREDENTIAL_JSON,                 /* Google's key, or file:PATH */
	CREDENTIAL_API_KEY,
	CREDENTIAL_CLIENT_ID, CREDENTIAL_CLIENT_SECRET,
	CREDENTIAL_URL,                  /* whom to ask */
	CREDENTIAL_CA_FILE,
	CREDENTIAL_TEXTS
};

/* How to get one. Texts are borrowed. */
struct credential_options {
	enum credential_kind kind;
	struct str text[CREDENTIAL_TEXTS];
};

/* What a provider's settings, the cloud's variables and its usual places come to; kind NONE where the face wants no
 * more than api_key, or that is given. Texts are in the arena. */
void credential_find(struct arena *, const struct conf_env *, const struct provider_settings *,
                     const struct provider_face *, const struct provider_places *, struct credential_options *out);

/* The same options give the same credential, counted once more. Any thread. */
struct credential *credential_get(const struct credential_options *);
void credential_unref(struct credential *);                      /* NULL is fine */

/* One moment's. Constant. */
struct credential_value {
	struct str token;                /* bearer; empty: AWS keys */
	struct str access_key_id, secret_access_key, session_token;
	uint64_t expires_ms;             /* real time; 0: never */
};
void credential_value_unref(const struct credential_value *);    /* NULL is fine */

/* A loop's part: fetches that began on it. On its thread. */
struct credential_agent;
struct credential_agent *credential_agent_new(struct loop *, struct dns *, struct pool *);
/* After the loop and the pool have ended; no op may be waiting. NULL is fine. */
void credential_agent_free(struct credential_agent *);

/*
 * The value of now, counted for the caller. OP_PENDING: it is being fetched, and the op is woken. OP_FAILED: it cannot
 * be had, err tells (ERR_UPSTREAM).
 */
MUST_USE enum op_state credential_use(struct credential *, struct credential_agent *, struct op *,
                                      const struct credential_value **out, struct err *);

/* A provider has refused it: it is fetched again at the next use, unless it is quite new. */
void credential_doubt(struct credential *, const struct credential_value *);

/* The key that requests of this day, region and service are signed with; kept until another one is asked for. */
void credential_signing_key(struct credential *, const struct credential_value *, const char day[SIGV4_DAY_LEN],
                            struct str region, struct str service, struct sigv4_key *out);

#endif
