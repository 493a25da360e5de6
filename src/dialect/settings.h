/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of dialect: what becomes of requests that are translated. Immutable parts of a configuration snapshot.
 */
#ifndef SLUICE_DIALECT_SETTINGS_H
#define SLUICE_DIALECT_SETTINGS_H

#include "base/setting.h"

struct translation_settings {
	bool strict;             /* refuse what the target has no word for */
	bool fetch_media;        /* for providers that take bytes only */
	bool fetch_private;      /* also from addresses that are not public */
	int64_t fetch_max_bytes, fetch_timeout_ms;
};

extern const struct settings translation_settings;

#endif
