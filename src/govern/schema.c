/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys and of the ledger. */
#include "govern/govern_in.h"

#include <limits.h>

#include "base/err.h"
#include "store/dir.h"

/*
 * A row of spend_block holds up to 256 requests: `rows` is a JSON array of arrays, whose members stand in the order
 * of the view `spend`; the texts at their end are left out where all are empty. One row a request would cost 12,000
 * instructions, which is most of what a request may cost in all; in a block it is some 500. What repeats (key, model,
 * deployment …) is one number into spend_dim. `first` and `last` are the lowest and highest id of a block: blocks
 * overlap, as requests are written down when they end. Ids are ULIDs in hexadecimal digits, so that a time range is a
 * range of ids. cost_nusd is NULL where the price is unknown. flags: 1 stream, then enum spend_usage << 1. journal
 * keeps the names of files that are gone, so that one which comes back is not stored twice.
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
	"CREATE TABLE spend_block ("
	"	seq INTEGER PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, rows TEXT NOT NULL"
	");"
	"CREATE INDEX spend_block_range ON spend_block (last, first);"
	"CREATE VIEW spend AS SELECT b.first AS block_first, b.last AS block_last, j.value ->> 0 AS id,"
	"	j.value ->> 1 AS dim, j.value ->> 2 AS status, j.value ->> 3 AS attempts, j.value ->> 4 AS flags,"
	"	j.value ->> 5 AS cost_nusd, j.value ->> 6 AS input, j.value ->> 7 AS output,"
	"	j.value ->> 8 AS cache_read, j.value ->> 9 AS cache_write, j.value ->> 10 AS reasoning,"
	"	j.value ->> 11 AS first_byte_ms, j.value ->> 12 AS latency_ms, j.value ->> 13 AS overhead_us,"
	"	j.value ->> 14 AS client_id, j.value ->> 15 AS user, j.value ->> 16 AS tags, j.value ->> 17 AS error"
	"	FROM spend_block b, json_each(b.rows) j;"
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
