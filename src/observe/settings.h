/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of observe: what is said about requests, and where. Immutable parts of a configuration snapshot.
 */
#ifndef SLUICE_OBSERVE_SETTINGS_H
#define SLUICE_OBSERVE_SETTINGS_H

#include "base/setting.h"

enum logs_requests_setting { LOGS_REQUESTS_OFF, LOGS_REQUESTS_METADATA, LOGS_REQUESTS_FULL };
enum logs_format_setting { LOGS_FORMAT_TEXT, LOGS_FORMAT_JSON };

struct logs_settings {
	int requests;                    /* enum logs_requests_setting */
	struct str access;               /* where their lines go: "stdout", "stderr" or the path of a file */
	int64_t retention_ms;            /* SETTING_UNSET: for ever */
	int level;                       /* enum log_level, of the program's own messages */
	int format;                      /* enum logs_format_setting, of the program's own messages */
};

struct telemetry_settings {
	struct str otlp;                 /* URL; empty: off */
	bool prometheus;
};

struct alerts_settings {
	/* not the URL first: its address would be that of the section, and messages about it would name that */
	int64_t timeout_ms;
	struct str webhook;              /* URL; empty: none. May hold a password: never print it */
	struct str secret;               /* empty: not signed */
	struct str ca;                   /* path of a PEM file; empty: the system's certificates */
};

extern const struct settings logs_settings, telemetry_settings, alerts_settings;

#endif
