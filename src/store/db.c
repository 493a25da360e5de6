/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one SQLite file. */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#include <sqlite3.h>

#define DB_BUSY_MS   5000
#define DB_CACHE_KIB 512
/* "slui": another program's file is refused instead of filled with our tables. */
#define DB_APPLICATION_ID 0x736c7569

struct stmt {
	struct db *db;
	const char *sql;
	sqlite3_stmt *s; /* NULL: it did not compile */
	char *failed;    /* why */
};

struct db {
	sqlite3 *conn;
	char *path;
	struct stmt **stmts;
	size_t n_stmts;
};

/* The connection's last error; `doing` is what failed. Full disks and damage are what an operator must act on, so they
 * get words of their own; the rest is SQLite's text. Returns false. */
static bool db_fail(struct db *db, const char *doing, struct err *e)
{
	int code = sqlite3_extended_errcode(db->conn);
	const char *text = sqlite3_errmsg(db->conn);

	switch (code & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return err_set(e, ERR_SYSTEM,
		               "%s: the file is damaged or not a database (%s); restore it from a backup, or move it "
		               "aside to start empty",
		               db->path, text);
	case SQLITE_FULL: return err_set(e, ERR_SYSTEM, "%s: the disk is full (%s)", db->path, text);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return err_set(e, ERR_SYSTEM,
		               "%s: cannot be written: check the permissions of the file and of its directory (%s)",
		               db->path, text);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_SYSTEM, "%s: still locked by another process or thread after the wait (%s)",
		               db->path, text);
	default: return err_set(e, ERR_SYSTEM, "%s: %.40s … failed: %s (%d)", db->path, doing, text, code);
	}
}

bool db_exec(struct db *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db->conn, sql, NULL, NULL, NULL) == SQLITE_OK || db_fail(db, sql, e);
}

static bool pragma_i64(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = NULL;
	bool ok = sqlite3_prepare_v2(db->conn, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;

	if (ok)
		*out = sqlite3_column_int64(s, 0);
	else
		(void)db_fail(db, sql, e);
	sqlite3_finalize(s);
	return ok;
}

/* SQLite gives -wal and -shm the mode of the file itself, so it is made here with the right one. */
static bool make_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set_sys(e, errno, "%s: cannot open for writing", path);
	if (fchmod(fd, 0600) != 0 && errno != EPERM) {
		int sys = errno;

		close(fd);
		return err_set_sys(e, sys, "%s: cannot set its mode", path);
	}
	close(fd);
	return true;
}

static bool configure(struct db *db, const struct db_options *o, struct err *e)
{
	char sql[128];
	int64_t id = 0;

	sqlite3_busy_timeout(db->conn, o->busy_ms ? o->busy_ms : DB_BUSY_MS);
	sqlite3_db_config(db->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	if (!pragma_i64(db, "PRAGMA application_id", &id, e))
		return false;
	if (id != 0 && id != DB_APPLICATION_ID)
		return err_set(e, ERR_SYSTEM, "%s: is another program's database (application id %#llx)", db->path,
		               (unsigned long long)id);
	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%d; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
	         o->cache_kib ? o->cache_kib : DB_CACHE_KIB);
	if (!db_exec(db, sql, e))
		return false;
	if (o->read_only)
		return true;
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 16777216");
	if (!db_exec(db, sql, e) || !db_set_sync(db, o->sync, e))
		return false;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", DB_APPLICATION_ID);
	return id != 0 || db_exec(db, sql, e);
}

struct db *db_open(const char *path, const struct db_options *o, struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	            (o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	struct db *db;

	if (!o->read_only && !make_file(path, e))
		return NULL;
	db = mem_zalloc(sizeof(*db));
	db->path = mem_dup(path, strlen(path));
	if (sqlite3_open_v2(path, &db->conn, flags, NULL) == SQLITE_OK ? configure(db, o, e) : db_fail(db, "open", e))
		return db;
	db_close(db);
	return NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->n_stmts; i++) {
		sqlite3_finalize(db->stmts[i]->s);
		free(db->stmts[i]->failed);
		free(db->stmts[i]);
	}
	free(db->stmts);
	/* _v2 would keep a zombie alive; every statement is finalised above, so that this cannot fail. */
	if (sqlite3_close(db->conn) != SQLITE_OK)
		assert(!"a statement outlives its connection");
	free(db->path);
	free(db);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

bool db_begin(struct db *db, struct err *e)
{
	return stmt_run(db_stmt(db, "BEGIN IMMEDIATE"), e);
}

bool db_commit(struct db *db, struct err *e)
{
	return stmt_run(db_stmt(db, "COMMIT"), e);
}

void db_rollback(struct db *db)
{
	/* Some errors (disk full, I/O) have rolled back already. */
	if (!sqlite3_get_autocommit(db->conn))
		sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->conn);
}

bool db_set_sync(struct db *db, enum db_sync sync, struct err *e)
{
	switch (sync) {
	case DB_SYNC_NORMAL: return db_exec(db, "PRAGMA synchronous = NORMAL", e);
	case DB_SYNC_FULL: return db_exec(db, "PRAGMA synchronous = FULL", e);
	}
	assert(!"unknown db_sync");
	return false;
}

static bool version_read(struct db *db, const char *name, int64_t *version, struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT version FROM schema_version WHERE name = ?1");
	enum stmt_result r;

	*version = 0;
	stmt_bind_text(s, 1, str_from_z(name));
	r = stmt_step(s, e);
	if (r == STMT_ROW)
		*version = stmt_i64(s, 0);
	stmt_reset(s);
	return r != STMT_FAILED;
}

static bool version_write(struct db *db, const char *name, int64_t version, struct err *e)
{
	struct stmt *s = db_stmt(db, "INSERT INTO schema_version (name, version) VALUES (?1, ?2) "
	                             "ON CONFLICT (name) DO UPDATE SET version = excluded.version");

	stmt_bind_text(s, 1, str_from_z(name));
	stmt_bind_i64(s, 2, version);
	return stmt_run(s, e);
}

static bool migrate(struct db *db, const char *name, const char *const *migrations, int n, struct err *e)
{
	int64_t version = 0;

	if (!db_exec(db, "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL)",
	             e) ||
	    !version_read(db, name, &version, e))
		return false;
	if (version > n)
		return err_set(e, ERR_SYSTEM, "%s: was written by a newer sluice (schema %s %lld, this one knows %d)",
		               db->path, name, (long long)version, n);
	if (version == n)
		return true;
	for (; version < n; version++)
		if (!db_exec(db, migrations[version], e))
			return err_prefix(e, "schema %s, step %lld", name, (long long)version + 1);
	return version_write(db, name, version, e);
}

bool db_migrate(struct db *db, const char *name, const char *const *migrations, int n, struct err *e)
{
	if (!db_begin(db, e))
		return false;
	if (migrate(db, name, migrations, n, e) && db_commit(db, e))
		return true;
	db_rollback(db);
	return false;
}

static void prepare(struct stmt *st)
{
	struct err e = { 0 };

	free(st->failed);
	st->failed = NULL;
	if (sqlite3_prepare_v3(st->db->conn, st->sql, -1, SQLITE_PREPARE_PERSISTENT, &st->s, NULL) == SQLITE_OK)
		return;
	(void)db_fail(st->db, st->sql, &e);
	st->failed = mem_dup(e.text, strlen(e.text));
}

struct stmt *db_stmt(struct db *db, const char *sql)
{
	struct stmt *st;

	for (size_t i = 0; i < db->n_stmts; i++) {
		st = db->stmts[i];
		if (st->sql != sql)
			continue;
		if (!st->s) {
			prepare(st); /* what was in the way may be gone */
			return st;
		}
		sqlite3_reset(st->s);
		sqlite3_clear_bindings(st->s);
		return st;
	}
	st = mem_zalloc(sizeof(*st));
	st->db = db;
	st->sql = sql;
	prepare(st);
	db->stmts = mem_realloc(db->stmts, (db->n_stmts + 1) * sizeof(struct stmt *));
	db->stmts[db->n_stmts++] = st;
	return st;
}

/* Binding fails only for a wrong number (a fault of this program) or for texts beyond SQLite's 1 GB. */
static void bound(struct stmt *st, int rc)
{
	assert(rc == SQLITE_OK || !st->s);
}

void stmt_bind_i64(struct stmt *st, int at, int64_t v)
{
	bound(st, sqlite3_bind_int64(st->s, at, v));
}

void stmt_bind_text(struct stmt *st, int at, struct str v)
{
	assert(v.n <= INT_MAX);
	bound(st, sqlite3_bind_text(st->s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC));
}

void stmt_bind_blob(struct stmt *st, int at, struct str v)
{
	assert(v.n <= INT_MAX);
	bound(st, sqlite3_bind_blob(st->s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC));
}

void stmt_bind_null(struct stmt *st, int at)
{
	bound(st, sqlite3_bind_null(st->s, at));
}

enum stmt_result stmt_step(struct stmt *st, struct err *e)
{
	if (!st->s) {
		(void)err_set(e, ERR_SYSTEM, "%s", st->failed);
		return STMT_FAILED;
	}
	switch (sqlite3_step(st->s)) {
	case SQLITE_ROW: return STMT_ROW;
	case SQLITE_DONE: return STMT_DONE;
	}
	(void)db_fail(st->db, st->sql, e);
	return STMT_FAILED;
}

bool stmt_run(struct stmt *st, struct err *e)
{
	enum stmt_result r;

	do {
		r = stmt_step(st, e);
	} while (r == STMT_ROW);
	stmt_reset(st);
	return r == STMT_DONE;
}

void stmt_reset(struct stmt *st)
{
	sqlite3_reset(st->s);
}

int64_t stmt_i64(struct stmt *st, int at)
{
	return sqlite3_column_int64(st->s, at);
}

struct str stmt_text(struct stmt *st, int at)
{
	const char *p = (const char *)sqlite3_column_text(st->s, at);

	return str_of(p ? p : "", (size_t)sqlite3_column_bytes(st->s, at));
}

struct str stmt_blob(struct stmt *st, int at)
{
	const char *p = sqlite3_column_blob(st->s, at);

	return str_of(p ? p : "", (size_t)sqlite3_column_bytes(st->s, at));
}

bool stmt_is_null(struct stmt *st, int at)
{
	return sqlite3_column_type(st->s, at) == SQLITE_NULL;
}
