/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: the whole configuration. It is the payload of a snapshot (conf/snapshot.h): immutable once read, shared by
 * all threads, freed when its last reference goes. Everything it points to lives in `arena`.
 *
 *	struct config *c = config_load(path, &conf_env_process, &problems);     NULL: problems tell, with places
 *	config_unsupported(c, report, arg);                          what this version does not act on or passes over
 *	config_free(c);
 */
#ifndef SLUICE_MAIN_SETTINGS_H
#define SLUICE_MAIN_SETTINGS_H

#include "base/arena.h"
#include "cache/settings.h"
#include "conf/read.h"
#include "dialect/settings.h"
#include "govern/settings.h"
#include "guard/settings.h"
#include "model/settings.h"
#include "net/settings.h"
#include "observe/settings.h"
#include "provider/settings.h"
#include "route/settings.h"

enum auth_setting { AUTH_SETTING_REQUIRED, AUTH_SETTING_NONE };

struct admin_settings {
	struct str key;                  /* empty: generated at first start */
};

struct config {
	struct setting_array listen;     /* struct listen_settings; at least one */
	int64_t workers;                 /* 0: one per core */
	int64_t busy_poll_us;            /* 0: off */
	struct str data_dir;
	struct str storage, shared_state; /* hold passwords: never print them */
	struct admin_settings admin;
	int auth;                        /* enum auth_setting */
	int64_t shutdown_grace_ms;
	struct server_settings server;
	struct upstream_settings upstream;
	struct setting_array providers;  /* struct provider_settings */
	struct setting_array models;     /* struct model_settings */
	struct routing_settings routing;
	struct catalogue_settings catalogue;
	struct translation_settings translation;
	struct cache_settings cache;
	struct limits_settings limits;
	struct budgets_settings budgets;
	struct setting_array guardrails; /* struct guardrail_settings */
	struct setting_array keys;       /* struct key_settings */
	struct setting_array teams;      /* struct team_settings */
	struct audit_settings audit;
	struct logs_settings logs;
	struct telemetry_settings telemetry;
	struct alerts_settings alerts;

	struct str file;                 /* as named in messages; empty: zero-configuration */
	struct conf_notes notes;         /* what is set but not acted on: config_unsupported */
	struct arena arena;
};

extern const struct settings config_settings;

struct conf_env;

/* The file to read when none was named: ./sluice.yaml, then /etc/sluice/sluice.yaml; NULL: neither exists. */
const char *config_find(void);

/* Reads and checks `file`; with NULL makes the zero-configuration: every known provider whose variable is set. NULL:
 * `problems` tells. Owned by the caller. */
MUST_USE struct config *config_load(const char *file, const struct conf_env *, struct conf_problems *problems);
/* The same from a text; `file` is only its name in messages. */
MUST_USE struct config *config_read(const char *file, struct str text, const struct conf_env *,
                                    struct conf_problems *problems);
void config_free(struct config *);   /* NULL is fine */

/* Calls `report` for each thing that is set and that this version does not act on, or passes over (SETTING_PASSED).
 * `message` is "FILE:LINE:COL: …". SETTING_REFUSED: it promises protection, so that the gateway must not start. */
void config_unsupported(const struct config *, void (*report)(void *arg, enum setting_support, const char *message),
                        void *arg);

#endif
