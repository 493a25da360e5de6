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
	int64_t first_byte_ms;           /* request sent to first byte of the answer */
	int64_t idle_ms;                 /* between two reads of the answer */
	int64_t total_ms;                /* the whole attempt */
};

struct provider_tls_settings {
	struct str ca;                   /* path of a PEM file; empty: the system's certificates */
};

struct provider_settings {
	struct str name;
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
	struct str project, location, credentials;                  /* Google Cloud */
};

/* `model_timeout_settings` is struct timeout_settings without defaults. */
extern const struct settings provider_settings, model_timeout_settings;

#endif
