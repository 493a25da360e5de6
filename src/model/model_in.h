/* SPDX-License-Identifier: Apache-2.0 */
/* model_in: what the files of this room share. */
#ifndef SLUICE_MODEL_MODEL_IN_H
#define SLUICE_MODEL_MODEL_IN_H

#include "model/facts.h"

/* Longer names are cut; no model has one. */
#define MODEL_NAME_MAX 128

/* The maker's name, in small letters: without path, region, vendor; Claude's versions with dashes. In `out`. */
struct str model_name_plain(struct str name, char out[MODEL_NAME_MAX]);

/* `*` any run, `?` one byte, `#` one digit, everything else itself. Linear time for each `*`. */
bool model_name_match(struct str pattern, struct str name);

struct model_family {
	struct str pattern;          /* model_name_match on the plain name; the first match counts */
	struct model_facts facts;
};
extern const struct model_family model_families[];
extern const size_t model_families_n;

#endif
