/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in memory as a virtual table (sqlite.org/vtab.html, eponymous-only). */
#include "store/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_in.h"

struct feed {
	const char *schema;
	size_t columns, n, max;
	size_t first, end; /* rows shown */
	struct feed_cell *cells;
};

struct feed_table {
	sqlite3_vtab base; /* first, as SQLite wants it */
	struct feed *feed;
};

struct feed_cursor {
	sqlite3_vtab_cursor base;
	struct feed *feed;
	size_t row;
};

/* SQLite frees what these allocate through our own disconnect and close, so that plain memory will do. */
static int on_connect(sqlite3 *conn, void *feed, int argc, const char *const *argv, sqlite3_vtab **out, char **message)
{
	struct feed_table *t;
	int rc = sqlite3_declare_vtab(conn, ((struct feed *)feed)->schema);

	if (rc != SQLITE_OK)
		return rc;
	t = mem_zalloc(sizeof(*t));
	t->feed = feed;
	*out = &t->base;
	return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *t)
{
	free(t);
	return SQLITE_OK;
}

static int on_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
	info->estimatedRows = 100;
	info->estimatedCost = 100;
	return SQLITE_OK;
}

static int on_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct feed_cursor *c = mem_zalloc(sizeof(*c));

	c->feed = ((struct feed_table *)t)->feed;
	*out = &c->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *name, int argc, sqlite3_value **argv)
{
	struct feed_cursor *c = (struct feed_cursor *)base;

	c->row = c->feed->first;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
	((struct feed_cursor *)base)->row++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
	const struct feed_cursor *c = (const struct feed_cursor *)base;

	return c->row >= c->feed->end;
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int column)
{
	const struct feed_cursor *c = (const struct feed_cursor *)base;
	const struct feed_cell *cell = &c->feed->cells[c->row * c->feed->columns + (size_t)column];

	switch (cell->kind) {
	case FEED_NULL: sqlite3_result_null(to); return SQLITE_OK;
	case FEED_INT: sqlite3_result_int64(to, cell->i); return SQLITE_OK;
	case FEED_TEXT:
		sqlite3_result_text(to, cell->s.n ? cell->s.p : "", (int)cell->s.n, SQLITE_STATIC);
		return SQLITE_OK;
	case FEED_BLOB:
		sqlite3_result_blob(to, cell->s.n ? cell->s.p : "", (int)cell->s.n, SQLITE_STATIC);
		return SQLITE_OK;
	}
	assert(!"unknown feed_kind");
	return SQLITE_ERROR;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((const struct feed_cursor *)base)->row;
	return SQLITE_OK;
}

/* Without xCreate: the table is there by its name, and no statement can make another. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = on_connect,
	.xDisconnect = on_disconnect,
	.xBestIndex = on_plan,
	.xOpen = on_open,
	.xClose = on_close,
	.xFilter = on_filter,
	.xNext = on_next,
	.xEof = on_eof,
	.xColumn = on_column,
	.xRowid = on_rowid,
};

struct feed *feed_new(struct db *db, const char *name, const char *schema, size_t columns, size_t rows_max,
                      struct err *e)
{
	struct feed *f = mem_zalloc(sizeof(*f));

	f->schema = schema;
	f->columns = columns;
	f->max = rows_max;
	f->cells = mem_alloc(columns * rows_max * sizeof(struct feed_cell));
	if (sqlite3_create_module_v2(db_connection(db), name, &module, f, NULL) == SQLITE_OK)
		return f;
	(void)db_fail(db, name, e);
	feed_free(f);
	return NULL;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	free(f->cells);
	free(f);
}

size_t feed_rows(const struct feed *f)
{
	return f->n;
}

bool feed_is_full(const struct feed *f)
{
	return f->n == f->max;
}

struct feed_cell *feed_row(struct feed *f)
{
	assert(f->n < f->max);
	f->first = 0;
	f->end = ++f->n;
	return &f->cells[(f->n - 1) * f->columns];
}

const struct feed_cell *feed_row_get(const struct feed *f, size_t row)
{
	assert(row < f->n);
	return &f->cells[row * f->columns];
}

void feed_show(struct feed *f, size_t first, size_t n)
{
	assert(first <= f->n && n <= f->n - first);
	f->first = first;
	f->end = first + n;
}

void feed_clear(struct feed *f)
{
	f->n = f->first = f->end = 0;
}
