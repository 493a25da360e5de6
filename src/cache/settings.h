/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of cache: answers given again. Immutable parts of a configuration snapshot.
 */
#ifndef SLUICE_CACHE_SETTINGS_H
#define SLUICE_CACHE_SETTINGS_H

#include "base/setting.h"

struct cache_exact_settings {
	bool enabled;
	int64_t ttl_ms, max_bytes, max_entry_bytes;
};

struct cache_semantic_settings {
	bool enabled;
	double threshold;
	int64_t ttl_ms;
	struct str embedder;
	int64_t max_entries;
};

/* The store of cache/keep.h. */
struct cache_state_settings {
	int64_t max_bytes, ttl_ms;
};

enum cache_scope_setting { CACHE_SCOPE_KEY, CACHE_SCOPE_TEAM, CACHE_SCOPE_GLOBAL };

struct cache_settings {
	struct cache_exact_settings exact;
	struct cache_semantic_settings semantic;
	struct cache_state_settings state;
	bool coalesce;
	int scope;                       /* enum cache_scope_setting */
};

extern const struct settings cache_settings;

#endif
