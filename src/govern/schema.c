/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys and of the ledger. */
#include "govern/govern_in.h"

#include <limits.h>

#include "base/err.h"
#include "store/dir.h"

/*
 * A row of spend_block holds many requests (block.c): a row each would cost 12,000 instructions, which is most of what
 * a request may cost in all; in a block it is some 100. Its id is the minute its requests began in, and a count, so
 * that a range of time is a range of ids. What repeats (key, model, deployment …) is one number into spend_dim.
 * spend_sum holds the sums of what is in the blocks, by hour of their beginning. journal keeps the names of files that
 * are gone, so that one which comes back is not stored twice.
 */
static const char *const migrations[] = {
	"CREATE TABLE secret_check (id INTEGER PRIMARY KEY CHECK (id = 1), mac BLOB NOT NULL);"
	"CREATE TABLE keys ("
	"	id TEXT PRIMARY KEY NOT NULL, digest BLOB NOT NULL UNIQUE, hint TEXT NOT NULL, name TEXT NOT NULL,"
	"	team TEXT NOT NULL, user TEXT NOT NULL, models TEXT NOT NULL, tags TEXT NOT NULL,"
	"	role INTEGER NOT NULL,"
	"	created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE spend_dim ("
	"	id INTEGER PRIMARY KEY,"
	"	key_id TEXT NOT NULL, team TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,"
	"	deployment TEXT NOT NULL, upstream_model TEXT NOT NULL, endpoint TEXT NOT NULL, dialect TEXT NOT NULL,"
	"	UNIQUE (key_id, model, provider, deployment, upstream_model, endpoint, dialect, team)"
	");"
	"CREATE TABLE spend_block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
	"CREATE TABLE spend_sum ("
	"	hour INTEGER NOT NULL, dim INTEGER NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL,"
	"	unknown_cost INTEGER NOT NULL, cost_nusd INTEGER NOT NULL,"
	"	input INTEGER NOT NULL, output INTEGER NOT NULL,"
	"	cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, reasoning INTEGER NOT NULL,"
	"	PRIMARY KEY (hour, dim)"
	") WITHOUT ROWID;"
	"CREATE TABLE journal ("
	"	file TEXT PRIMARY KEY NOT NULL, stored INTEGER NOT NULL, synced INTEGER NOT NULL DEFAULT 0"
	") WITHOUT ROWID;",
	"ALTER TABLE keys ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE keys ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;",
};

struct db *govern_db_open(const char *data_dir, enum db_sync sync, struct err *e)
{
	char path[PATH_MAX];
	const struct db_options options = { .sync = sync };
	struct db *db;

	if (!dir_join(path, sizeof(path), data_dir, "sluice.db", e))
		return NULL;
	db = db_open(path, &options, e);
	if (db && db_migrate(db, "govern", migrations, COUNT_OF(migrations), e))
		return db;
	db_close(db);
	return NULL;
}
