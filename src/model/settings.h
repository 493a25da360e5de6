/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of model: prices as somebody writes them into a configuration, and where the catalogue has more from.
 * Immutable parts of a configuration snapshot; texts live in its arena.
 */
#ifndef SLUICE_MODEL_SETTINGS_H
#define SLUICE_MODEL_SETTINGS_H

#include "base/setting.h"
#include "model/price.h"

struct arena;

/* What of a list price is different above so many tokens of input. */
struct price_tier_settings {
	struct price list;               /* its cases stay empty; must come first: the rows share their offsets */
	int64_t above;
};

struct price_settings {
	struct price list;               /* unknown members: the catalogue's, see catalogue.h; cases stay empty */
	struct setting_array tiers;      /* struct price_tier_settings */
	double flex, batch, priority, fast; /* factors; SETTING_UNSET: not known */
};

struct catalogue_settings {
	struct str file;                 /* empty: none */
};

extern const struct settings price_settings, catalogue_settings;

/* The price with its cases, made in the arena. */
struct price price_from_settings(const struct price_settings *, struct arena *);

#endif
