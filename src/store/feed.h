/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: many rows into SQLite with one statement: a virtual table, seen by one connection only, whose rows are cells
 * in memory.
 *
 *	struct feed *f = feed_new(db, "batch", "CREATE TABLE x (a, b)", 2, 256, e);
 *	feed_row(f)[0] = (struct feed_cell){ FEED_INT, .i = 7 };        // up to 256 rows
 *	…
 *	stmt_run(db_stmt(db, "INSERT INTO t SELECT * FROM batch"), e);  // then feed_clear(f)
 *
 * Against one statement a row this saves binding and starting (a third of the instructions), and where keys come in
 * order SQLite appends without searching (another third). Used by who uses the connection.
 */
#ifndef SLUICE_STORE_FEED_H
#define SLUICE_STORE_FEED_H

#include "base/str.h"

struct db;
struct err;
struct feed;

enum feed_kind { FEED_NULL, FEED_INT, FEED_TEXT, FEED_BLOB };
struct feed_cell {
	enum feed_kind kind;
	union {
		int64_t i;
		struct str s;       /* borrowed until feed_clear */
	};
};

/* `name` is the table's in statements, `schema` its columns; both are literals. Freed after db_close. NULL: err
 * tells. */
struct feed *feed_new(struct db *, const char *name, const char *schema, size_t columns, size_t rows_max, struct err *);
void feed_free(struct feed *);

size_t feed_rows(const struct feed *);
bool feed_is_full(const struct feed *);
/* Cells of a new last row, one for each column, not set. Only while it is not full. */
struct feed_cell *feed_row(struct feed *);
const struct feed_cell *feed_row_get(const struct feed *, size_t row);
/* What a statement sees: `n` rows from `first`; all again after the next feed_row or feed_clear. */
void feed_show(struct feed *, size_t first, size_t n);
void feed_clear(struct feed *);

#endif
