/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of dialect: what becomes of requests that are translated. Immutable parts of a configuration snapshot.
 */
#ifndef SLUICE_DIALECT_SETTINGS_H
#define SLUICE_DIALECT_SETTINGS_H

#include "base/setting.h"

struct translation_settings {
	bool strict;             /* refuse what the target has no word for */
};

extern const struct settings translation_settings;

#endif
