/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers: where the bytes go. One row for each provider known by name: which dialects it speaks where, how it wants
 * its credential, which variable usually holds that, and its quirks. A known name needs only a credential; any other is
 * a row made from the configuration (provider_unknown). Rows are constant; whoever may change one works on a copy.
 */
#ifndef SLUICE_PROVIDER_PROVIDERS_H
#define SLUICE_PROVIDER_PROVIDERS_H

#include "base/str.h"
#include "dialect/dialect.h"
#include "model/quirk.h"
#include "provider/envelope.h"

struct arena;
struct err;

enum provider_auth {
	AUTH_BEARER,             /* Authorization: Bearer KEY */
	AUTH_X_API_KEY,          /* x-api-key: KEY */
	AUTH_X_GOOG_API_KEY,     /* x-goog-api-key: KEY */
	AUTH_API_KEY,            /* api-key: KEY */
	AUTH_PLAIN,              /* Authorization: KEY */
	AUTH_API_KEY_WORD,       /* Authorization: Api-Key KEY */
	AUTH_PORTKEY,            /* x-portkey-api-key: KEY */
	AUTH_NONE,
	/* With api_key Bearer KEY; without it what provider/credential.h finds: */
	AUTH_AWS,                /* a signature (provider/sigv4.h) */
	AUTH_GOOGLE,             /* a bearer token of Google's OAuth */
	AUTH_IBM,                /* a bearer token of IBM Cloud's IAM, which it gives for KEY */
};

/* One place of a provider: dialects (DIALECT_BIT) that are spoken behind one base URL. {region} and the like in texts
 * stand for what provider/places.h knows. */
struct provider_face {
	unsigned dialects;
	struct str base_url;     /* scheme, host, path with the version; no slash at the end */
	enum provider_auth auth;
	enum envelope envelope;
	struct str query;        /* of every request: "api-version={api_version}"; usually empty */
	struct str models;       /* patterns with commas, of the models that are served here; empty: all */
};

#define PROVIDER_FACES 4

/* What an address depends on, as the setting of that name says, or a variable, or else as usual. */
enum provider_place {
	PLACE_REGION, PLACE_PROJECT, PLACE_LOCATION, PLACE_ACCOUNT, PLACE_RESOURCE, PLACE_API_VERSION, PROVIDER_PLACES
};
struct provider_place_source {
	bool used;
	enum provider_place place;
	struct str env, env_also, otherwise;   /* empty: none */
};
#define PROVIDER_PLACE_SOURCES 3

struct provider {
	struct str name;         /* as configuration and `provider/model` names use it */
	struct str label;        /* as people write it */
	struct str key_env;      /* well-known variable of the credential; empty: none */
	struct str key_env_also; /* another one that is in use; empty: none */
	struct str found_env;    /* one that shows that the cloud's own tools find a credential; empty: none */
	struct str url_env;      /* well-known variable of its base URL; empty: none */
	struct provider_place_source places[PROVIDER_PLACE_SOURCES];   /* those in use come first */
	unsigned quirks;         /* enum quirk */
	struct provider_face faces[PROVIDER_FACES];   /* those in use come first; dialects == 0 ends them */
};

struct provider_header { struct str name, value; };

/* All rows, by name. */
const struct provider *provider_rows(size_t *n);
const struct provider *provider_by_name(struct str name);       /* NULL: unknown */
/* The known name nearest to `name`, for messages; empty when none is near. */
struct str provider_nearest(struct str name);

/* Does it stop to compute, and to charge, when the client of a stream closes the connection? False also for names that
 * are not known: what may be charged is counted. Whole answers are charged by all. */
bool provider_stops_billing(struct str name);

/* A provider that only the configuration knows: its dialect's name ("openai-chat", "openai-responses", "anthropic",
 * "gemini", "bedrock", "cohere", "ollama", "rerank", "voyage") and base URL. An OpenAI-compatible one is taken to speak
 * completions, embeddings and rerank too. */
MUST_USE bool provider_unknown(struct arena *, struct str name, struct str dialect, struct str base_url,
                               struct provider *out, struct err *);

/* The first face that speaks the dialect, or NULL. */
const struct provider_face *provider_face(const struct provider *, enum dialect_id);
/* Is the model among the patterns? Empty patterns: always. */
bool provider_serves(struct str patterns, struct str model);

/* The header that carries the credential; `key` with "Bearer " before it is made in the arena. p == NULL in the
 * value: the arena is full. name.n == 0: no credential is sent, since there is
 * none or the provider wants none. */
struct provider_header provider_auth_header(struct arena *, enum provider_auth, struct str key);

/* A header that a dialect's providers insist on and that is sent when the client did not: anthropic-version. Name and
 * value empty: none. */
struct provider_header provider_default_header(enum dialect_id);

#endif
