/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_db: keeping what the admin API says of models. */
#include "model/catalogue_db.h"

#include <limits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "model/catalogue_in.h"

static const char *const migrations[] = {
	"CREATE TABLE catalogue ("
	"	provider TEXT NOT NULL, model TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (provider, model)"
	") WITHOUT ROWID;",
};

static struct db *open_at(const char *path, struct err *e)
{
	const struct db_options options = { .sync = DB_SYNC_FULL };
	struct db *db = db_open(path, &options, e);

	if (db && db_migrate(db, "catalogue", migrations, COUNT_OF(migrations), e))
		return db;
	db_close(db);
	return NULL;
}

struct db *catalogue_db_open(const char *data_dir, struct err *e)
{
	char path[PATH_MAX];

	return dir_join(path, sizeof(path), data_dir, "catalogue.db", e) ? open_at(path, e) : NULL;
}

bool catalogue_db_put(struct db *db, struct str provider, struct str model, struct str json, struct err *e)
{
	struct stmt *s = db_stmt(db, "INSERT INTO catalogue (provider, model, entry) VALUES (?1, ?2, ?3)"
	                             " ON CONFLICT DO UPDATE SET entry = excluded.entry");

	stmt_bind_text(s, 1, provider);
	stmt_bind_text(s, 2, model);
	stmt_bind_text(s, 3, json);
	return stmt_run(s, e);
}

enum dir_found catalogue_db_get(struct db *db, struct str provider, struct str model, struct arena *a, struct str *json,
                                struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT entry FROM catalogue WHERE provider = ?1 AND model = ?2");
	enum stmt_result row;

	stmt_bind_text(s, 1, provider);
	stmt_bind_text(s, 2, model);
	row = stmt_step(s, e);
	if (row == STMT_ROW)
		*json = arena_dup(a, stmt_text(s, 0));
	stmt_reset(s);
	if (row == STMT_ROW && !json->p)
		return err_set(e, ERR_TOO_LARGE, "the entry is too large") ? DIR_FOUND : DIR_FAILED;
	return row == STMT_ROW ? DIR_FOUND : row == STMT_DONE ? DIR_ABSENT : DIR_FAILED;
}

enum dir_found catalogue_db_delete(struct db *db, struct str provider, struct str model, struct err *e)
{
	struct stmt *s = db_stmt(db, "DELETE FROM catalogue WHERE provider = ?1 AND model = ?2");

	stmt_bind_text(s, 1, provider);
	stmt_bind_text(s, 2, model);
	if (!stmt_run(s, e))
		return DIR_FAILED;
	return db_changes(db) ? DIR_FOUND : DIR_ABSENT;
}

static void put_row(struct str provider, struct str model, struct str json, struct buf *out)
{
	struct buf line = buf_make(2 * CATALOGUE_LINE_MAX);
	struct err e;

	if (catalogue_import_model(provider, model, json, &line, &e))
		buf_append(out, buf_str(&line));
	else
		log_warn("catalogue", "what the admin API keeps of %.*s/%.*s is left out: %s", STR_ARG(provider),
		         STR_ARG(model), e.text);
	buf_fini(&line);
}

bool catalogue_db_text(const char *data_dir, struct buf *out, struct err *e)
{
	char path[PATH_MAX];
	struct db *db;
	struct stmt *s;
	enum stmt_result row;
	bool any = false;

	if (!dir_join(path, sizeof(path), data_dir, "catalogue.db", e))
		return false;
	if (access(path, F_OK) != 0)
		return true;
	db = open_at(path, e);
	if (!db)
		return false;
	s = db_stmt(db, "SELECT provider, model, entry FROM catalogue ORDER BY provider, model");
	while ((row = stmt_step(s, e)) == STMT_ROW) {
		if (!any)
			buf_append(out, STR(CATALOGUE_HEAD "admin API\n"));
		any = true;
		put_row(stmt_text(s, 0), stmt_text(s, 1), stmt_text(s, 2), out);
	}
	stmt_reset(s);
	db_close(db);
	if (row == STMT_FAILED)
		return false;
	return !out->failed || err_set(e, ERR_TOO_LARGE, "what the admin API keeps of the catalogue is too large");
}
