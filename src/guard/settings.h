/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of guard: guardrails over what goes in and what comes out. Immutable parts of a configuration snapshot.
 */
#ifndef SLUICE_GUARD_SETTINGS_H
#define SLUICE_GUARD_SETTINGS_H

#include "base/setting.h"

enum guardrail_type_setting { GUARDRAIL_DLP, GUARDRAIL_PATTERN, GUARDRAIL_WEBHOOK };
enum guardrail_action_setting { GUARDRAIL_BLOCK, GUARDRAIL_REDACT, GUARDRAIL_FLAG };
enum guardrail_error_setting { GUARDRAIL_ERROR_BLOCK, GUARDRAIL_ERROR_PASS };
enum { GUARDRAIL_ON_INPUT = 1, GUARDRAIL_ON_OUTPUT = 2 };

struct guardrail_settings {
	struct str name;
	int type;                        /* enum guardrail_type_setting */
	unsigned on;                     /* GUARDRAIL_ON_… */
	struct setting_array entities;   /* struct str */
	struct setting_array profiles;   /* struct str */
	struct setting_array deny;       /* struct str: regular expressions */
	int action;                      /* enum guardrail_action_setting */
	struct str url;
	int64_t timeout_ms;
	int on_error;                    /* enum guardrail_error_setting */
};

extern const struct settings guardrail_settings;

#endif
