/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue_db: what the admin API keeps of the catalogue, in catalogue.db of the data directory: one JSON object for
 * each provider and model, of the form that catalogue_import_model reads. A file of its own, because most never have
 * one, and starting without is faster. Blocking; a connection is one thread's.
 */
#ifndef SLUICE_MODEL_CATALOGUE_DB_H
#define SLUICE_MODEL_CATALOGUE_DB_H

#include "store/db.h"
#include "store/dir.h"

struct arena;
struct buf;

/* For changing. NULL: err tells. */
MUST_USE struct db *catalogue_db_open(const char *data_dir, struct err *);

/* `json` was accepted by catalogue_import_model before. */
MUST_USE bool catalogue_db_put(struct db *, struct str provider, struct str model, struct str json, struct err *);
/* DIR_FOUND: *json, in the arena. */
enum dir_found catalogue_db_get(struct db *, struct str provider, struct str model, struct arena *, struct str *json,
                                struct err *);
/* DIR_ABSENT: there was none. */
enum dir_found catalogue_db_delete(struct db *, struct str provider, struct str model, struct err *);

/*
 * All of it as a text of the catalogue, appended to *out; nothing where there is no database yet. What this version
 * cannot read any more is left out, and logged.
 */
MUST_USE bool catalogue_db_text(const char *data_dir, struct buf *out, struct err *);

#endif
