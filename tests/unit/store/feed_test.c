/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in memory as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/db.h"
#include "store/feed.h"

static char path[64];

static void fill(struct feed *f, int64_t a, struct str b)
{
	struct feed_cell *c = feed_row(f);

	c[0] = (struct feed_cell){ FEED_INT, .i = a };
	c[1] = b.n ? (struct feed_cell){ FEED_TEXT, .s = b } : (struct feed_cell){ FEED_NULL, .i = 0 };
	c[2] = (struct feed_cell){ FEED_BLOB, .s = STR("\0x") };
}

static int64_t count(struct db *db, const char *sql)
{
	struct stmt *s = db_stmt(db, sql);
	struct err e = { 0 };
	int64_t v;

	if (stmt_step(s, &e) != STMT_ROW)
		fail_msg("%s", e.text);
	v = stmt_i64(s, 0);
	stmt_reset(s);
	return v;
}

static void test_rows(void **state)
{
	static const char insert[] = "INSERT INTO t SELECT * FROM batch WHERE true ON CONFLICT DO NOTHING";
	const struct db_options o = { .sync = DB_SYNC_NORMAL };
	struct err e = { 0 };
	struct db *db = db_open(path, &o, &e);
	struct feed *f = feed_new(db, "batch", "CREATE TABLE x (a, b, c)", 3, 4, &e);

	assert_non_null(f);
	assert_true(db_exec(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)", &e));
	assert_true(stmt_run(db_stmt(db, insert), &e)); /* nothing yet */
	assert_int_equal(count(db, "SELECT count(*) FROM t"), 0);
	fill(f, 1, STR("one"));
	fill(f, 2, STR(""));
	fill(f, 3, STR("three"));
	assert_false(feed_is_full(f));
	fill(f, INT64_MAX, STR("four"));
	assert_true(feed_is_full(f));
	feed_show(f, 1, 2);
	assert_true(stmt_run(db_stmt(db, insert), &e));
	assert_int_equal(db_changes(db), 2);
	feed_show(f, 0, 4);
	assert_true(stmt_run(db_stmt(db, insert), &e)); /* two of the four are there */
	assert_int_equal(db_changes(db), 2);
	assert_int_equal(count(db, "SELECT count(*) FROM t WHERE c = x'0078'"), 4);
	assert_int_equal(count(db, "SELECT count(*) FROM t WHERE b IS NULL"), 1);
	assert_true(count(db, "SELECT max(a) FROM t") == INT64_MAX);
	assert_int_equal(feed_row_get(f, 2)[0].i, 3);
	feed_clear(f);
	assert_int_equal(feed_rows(f), 0);
	assert_true(stmt_run(db_stmt(db, insert), &e));
	assert_int_equal(db_changes(db), 0);
	/* No other table of this kind, and nothing can be written to it. */
	assert_false(db_exec(db, "CREATE VIRTUAL TABLE other USING batch", &e));
	assert_false(db_exec(db, "INSERT INTO batch VALUES (1, 2, 3)", &e));
	db_close(db);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	char dir[] = "/tmp/sluice-feed-XXXXXX", cmd[128];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/t.db", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) != 0 || failed;
}
