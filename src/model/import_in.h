/* SPDX-License-Identifier: Apache-2.0 */
/* import_in: what the importers of price lists share. */
#ifndef SLUICE_MODEL_IMPORT_IN_H
#define SLUICE_MODEL_IMPORT_IN_H

#include <yyjson.h>

#include "base/buf.h"
#include "model/catalogue_in.h"

/* " name=decimal" */
void import_put_number(struct buf *, struct str name, int64_t v, int scale);
/* The members that are known, each with a space before it. */
void import_put_price(struct buf *, const struct price *);
/* The line of a section for the providers in `names`. */
void import_put_section(struct buf *, struct str names);
void import_put_lower(struct buf *, struct str);

/* May the name stand in the catalogue's text? `patterns`: with stars. */
bool import_name_is_plain(struct str name, bool patterns);

/* Dollars to an integer with `scale` digits behind the point: a number, or a decimal text. */
MUST_USE bool import_money(yyjson_val *, int scale, int64_t max, int64_t *out);

/* litellm.c: BerriAI/litellm's model_prices_and_context_window.json. */
MUST_USE bool import_litellm(yyjson_val *root, struct arena *, struct buf *out, struct err *);

#endif
