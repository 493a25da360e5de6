/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of govern: fixed keys and teams, their limits and budgets, the audit log. Immutable parts of a configuration
 * snapshot; texts live in its arena. What is absent is off.
 */
#ifndef SLUICE_GOVERN_SETTINGS_H
#define SLUICE_GOVERN_SETTINGS_H

#include "base/setting.h"

enum window_setting { WINDOW_SLIDING, WINDOW_FIXED };

struct limit_settings {
	int64_t rpm, tpm, max_parallel;  /* SETTING_UNSET: no limit; 0: closed */
	int window;                      /* enum window_setting */
};

struct budget_settings {
	int64_t usd_nusd;                /* nano-dollars; SETTING_UNSET: no budget */
	int64_t period_ms;               /* SETTING_UNSET: never starts anew */
};

enum role_setting { ROLE_SETTING_USER, ROLE_SETTING_ADMIN };

struct key_settings {
	struct str name, key;
	int role;                        /* enum role_setting */
	struct setting_array models;     /* struct str, patterns allowed; empty: every model */
	struct str team, user;           /* empty: none */
	struct setting_array tags;       /* struct str */
	int64_t weight, priority;        /* of what is short; SETTING_UNSET: the team's */
	struct budget_settings budget;
	struct limit_settings limits;
};

struct team_settings {
	struct str name;
	struct setting_array models;     /* struct str, patterns allowed; empty: every model */
	struct budget_settings budget;
	struct limit_settings limits;
	int64_t weight, priority;        /* of each of its keys that has none of its own */
	struct setting_array regions;    /* struct str; empty: any */
	bool require_zdr;
};

struct limits_settings {
	struct limit_settings default_key;
};

enum on_exhausted_setting { EXHAUSTED_REJECT, EXHAUSTED_CAP };

struct budgets_settings {
	int on_exhausted;                /* enum on_exhausted_setting */
};

enum audit_bodies_setting { AUDIT_BODIES_OFF, AUDIT_BODIES_HASHES, AUDIT_BODIES_FULL };

struct audit_settings {
	struct str path;                 /* a folder; empty: no audit log */
	int bodies;                      /* enum audit_bodies_setting */
};

extern const struct settings key_settings, team_settings, limits_settings, budgets_settings, audit_settings;

#endif
