/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: one connection to one SQLite file: WAL, foreign keys on, a busy timeout, prepared statements kept, schema by
 * numbered migrations. A connection is used by one thread at a time (its owner has the lock or is the only thread) and
 * never by a loop: everything here may block on the disk.
 *
 * Statements are written as literals; the same literal is prepared once and kept until db_close:
 *
 *	struct stmt *s = db_stmt(db, "SELECT name FROM keys WHERE id = ?1");
 *	stmt_bind_text(s, 1, id);
 *	while ((row = stmt_step(s, e)) == STMT_ROW)
 *		use(stmt_text(s, 0));            // borrowed until the next step
 *	stmt_reset(s);
 *
 * Errors name the file. A statement that does not compile is a fault of this program or a damaged file: db_stmt
 * then returns a statement whose step fails with the text.
 */
#ifndef SLUICE_STORE_DB_H
#define SLUICE_STORE_DB_H

#include "base/str.h"

struct db;
struct stmt;
struct err;

enum db_sync {
	DB_SYNC_NORMAL, /* commits survive a crash of the process; a power cut may take the last ones, never the file */
	DB_SYNC_FULL,   /* a commit is on disk when it returns */
};

struct db_options {
	enum db_sync sync;
	int busy_ms;            /* how long to wait for another connection's write; 0: 5 s */
	int cache_kib;          /* page cache; 0: 512 KiB */
	bool read_only;         /* the file must exist */
};

/* Creates the file with mode 0600 if it is missing. NULL: not ours, damaged, unwritable, … */
MUST_USE struct db *db_open(const char *path, const struct db_options *, struct err *);
void db_close(struct db *);                                    /* NULL is fine */
const char *db_path(const struct db *);

/* Brings the schema called `name` to version n: migrations[i] is the SQL that leads from version i to i + 1. All in one
 * transaction; safe when several connections do it at once. A newer version than n is refused. Rows once released are
 * never changed. */
MUST_USE bool db_migrate(struct db *, const char *name, const char *const *migrations, int n, struct err *);

MUST_USE bool db_exec(struct db *, const char *sql, struct err *);   /* no parameters; several statements allowed */
MUST_USE bool db_begin(struct db *, struct err *);                     /* IMMEDIATE: waits for other writers here */
MUST_USE bool db_commit(struct db *, struct err *);
void db_rollback(struct db *);                                         /* fine without a transaction */
int64_t db_changes(const struct db *);                                 /* rows changed by the last statement */
MUST_USE bool db_set_sync(struct db *, enum db_sync, struct err *);    /* outside transactions */

/* `sql` must live as long as the connection and is told apart by its address. Reset and unbound. */
struct stmt *db_stmt(struct db *, const char *sql);

/* Parameters count from 1. Bytes are borrowed until the statement is reset or bound again. */
void stmt_bind_i64(struct stmt *, int at, int64_t v);
void stmt_bind_text(struct stmt *, int at, struct str v);
void stmt_bind_blob(struct stmt *, int at, struct str v);
void stmt_bind_null(struct stmt *, int at);

enum stmt_result { STMT_ROW, STMT_DONE, STMT_FAILED };
MUST_USE enum stmt_result stmt_step(struct stmt *, struct err *);
MUST_USE bool stmt_run(struct stmt *, struct err *);           /* steps to the end and resets; rows are ignored */
void stmt_reset(struct stmt *);                                /* ends its hold on the file; also after STMT_DONE */

/* Columns count from 0; bytes live until the next step or reset. */
int64_t stmt_i64(struct stmt *, int at);
struct str stmt_text(struct stmt *, int at);
struct str stmt_blob(struct stmt *, int at);
bool stmt_is_null(struct stmt *, int at);

#endif
