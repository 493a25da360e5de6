/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of provider: who runs models, where, and with which credential. Immutable parts of a configuration snapshot;
 * texts live in its arena.
 */
#ifndef SLUICE_PROVIDER_SETTINGS_H
#define SLUICE_PROVIDER_SETTINGS_H

#include "base/setting.h"

struct api_key_settings {
	struct str key;
	int64_t weight;
};

struct header_settings {
	struct str name, value;
};

/* Time limits of one attempt. In a provider all have a value; in a model SETTING_UNSET means "the provider's". */
struct timeout_settings {
	int64_t connect_ms;              /* name lookup, connection and TLS handshake */
	int64_t first_byte_ms;           /* request sent to first byte of the answer, or first event of a stream */
	int64_t idle_ms;                 /* between two reads of the answer, behind that */
	int64_t total_ms;                /* the whole attempt */
};

struct provider_tls_settings {
	struct str ca;                   /* path of a PEM file; empty: the system's certificates */
};

struct provider_settings {
	struct str name;
	struct str like;                 /* the known name that this is another one of; empty: its own name */
	/* Empty: as the table of known providers (provider/providers.h) has it. A name that is not in it, without a
	 * base URL, is one that only a later version reaches: its deployments are never candidates. */
	struct str dialect, base_url;
	struct str api_key;              /* empty: none, or several in api_keys. Never both */
	struct setting_array api_keys;   /* struct api_key_settings */
	struct setting_array headers;    /* struct header_settings */
	struct str region;
	bool zdr, trains_on_data;
	struct timeout_settings timeouts;
	struct provider_tls_settings tls;
	struct str access_key_id, secret_access_key, session_token; /* AWS */
	struct str role_arn, web_identity_token_file;               /* AWS: to be exchanged at STS */
	struct str project, location;                               /* Google Cloud */
	struct str credentials;          /* Google Cloud: JSON, or file:PATH */
	struct str account, resource, api_version;                  /* parts of addresses of other clouds */
	struct str tenant_id, client_id, client_secret;             /* Microsoft Entra */
	struct str token_url;            /* where tokens are fetched; empty: where the cloud has it */
};

/* The name of the row that it is made by: what `like` says, or its own. */
static inline struct str provider_kind(const struct provider_settings *s) { return s->like.n ? s->like : s->name; }

/* `model_timeout_settings` is struct timeout_settings without defaults. */
extern const struct settings provider_settings, model_timeout_settings;

#endif
