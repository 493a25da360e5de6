/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite connections: creation, migrations, damage, locks. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/db.h"

static char dir[64], path[96];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/sluice-db-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static const struct db_options plain = { .sync = DB_SYNC_NORMAL };
static const char *const v1[] = { "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)" };
static const char *const v2[] = { "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", "ALTER TABLE t ADD COLUMN c BLOB" };
static const char *const broken[] = { "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)",
	                              "ALTER TABLE nothing ADD COLUMN c" };

static struct db *must_open(const struct db_options *o)
{
	struct err e = { 0 };
	struct db *db = db_open(path, o, &e);

	if (!db)
		fail_msg("%s", e.text);
	return db;
}

static void test_mode_and_values(void **state)
{
	struct db *db = must_open(&plain);
	struct err e = { 0 };
	struct stat st;
	struct stmt *s;

	assert_true(db_migrate(db, "t", v2, 2, &e));
	s = db_stmt(db, "INSERT INTO t VALUES (?1, ?2, ?3)");
	stmt_bind_i64(s, 1, INT64_MIN);
	stmt_bind_text(s, 2, STR("a\0b"));
	stmt_bind_blob(s, 3, str_of(NULL, 0));
	assert_true(stmt_run(s, &e));
	assert_int_equal(db_changes(db), 1);
	s = db_stmt(db, "SELECT a, b, c, NULL FROM t");
	assert_int_equal(stmt_step(s, &e), STMT_ROW);
	assert_true(stmt_i64(s, 0) == INT64_MIN);
	assert_true(str_eq(stmt_text(s, 1), STR("a\0b")));
	assert_int_equal(stmt_blob(s, 2).n, 0);
	assert_false(stmt_is_null(s, 2));
	assert_true(stmt_is_null(s, 3));
	assert_int_equal(stmt_step(s, &e), STMT_DONE);
	stmt_reset(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	db_close(db);
}

static void test_migrations(void **state)
{
	struct err e = { 0 };
	struct db *db = must_open(&plain);

	assert_true(db_migrate(db, "t", v1, 1, &e));
	assert_true(db_migrate(db, "t", v1, 1, &e));
	/* A step that fails leaves the version and the tables as they were. */
	assert_false(db_migrate(db, "t", broken, 2, &e));
	assert_non_null(strstr(e.text, path));
	assert_true(db_migrate(db, "t", v2, 2, &e));
	assert_true(db_exec(db, "INSERT INTO t (a, c) VALUES (1, x'00')", &e));
	/* A file of a newer program is refused. */
	assert_false(db_migrate(db, "t", v1, 1, &e));
	assert_non_null(strstr(e.text, "newer sluice"));
	db_close(db);
}

/* What a bad file is called in the error, and that the error names it. */
static void test_bad_files(void **state)
{
	static const struct {
		const char *name, *make, *want;
	} cases[] = {
		{ "text", "yes 'not a database at all' | head -c 8192 > %s", "damaged" },
		{ "another program's",
		  "python3 -c \"import sqlite3; c = sqlite3.connect('%s'); c.execute('PRAGMA application_id = 7'); "
		  "c.execute('CREATE TABLE t (a)'); c.commit()\"",
		  "another program's" },
		{ "a directory", "mkdir %s", "cannot open" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char cmd[512];
		struct err e = { 0 };
		struct db *db;

		snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
		assert_int_equal(system(cmd), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(cmd, sizeof(cmd), cases[i].make, path);
#pragma GCC diagnostic pop
		assert_int_equal(system(cmd), 0);
		db = db_open(path, &plain, &e);
		if (db || !strstr(e.text, cases[i].want) || !strstr(e.text, path))
			fail_msg("%s: %s", cases[i].name, db ? "was opened" : e.text);
	}
}

static void test_damaged_page(void **state)
{
	struct err e = { 0 };
	struct db *db = must_open(&plain);
	char junk[3000];
	int fd;

	assert_true(db_migrate(db, "t", v1, 1, &e));
	db_close(db);
	fd = open(path, O_WRONLY);
	memset(junk, 0xab, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096), sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 2 * 4096), sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 3 * 4096), sizeof(junk));
	close(fd);
	db = db_open(path, &plain, &e);
	assert_true(!db || !db_migrate(db, "t", v2, 2, &e));
	assert_non_null(strstr(e.text, "damaged"));
	assert_non_null(strstr(e.text, path));
	db_close(db);
}

static void test_two_writers(void **state)
{
	struct err e = { 0 };
	const struct db_options quick = { .sync = DB_SYNC_FULL, .busy_ms = 20 };
	struct db *a = must_open(&quick), *b = must_open(&quick);

	assert_true(db_migrate(a, "t", v1, 1, &e));
	assert_true(db_migrate(b, "t", v1, 1, &e));
	assert_true(db_begin(a, &e));
	assert_true(db_exec(a, "INSERT INTO t VALUES (1, 'x')", &e));
	assert_false(db_begin(b, &e));
	assert_non_null(strstr(e.text, "locked"));
	db_rollback(b);
	assert_true(db_commit(a, &e));
	assert_true(db_begin(b, &e));
	db_rollback(b);
	db_close(a);
	db_close(b);
}

static void test_statement_that_does_not_compile(void **state)
{
	struct err e = { 0 };
	struct db *db = must_open(&plain);
	static const char sql[] = "SELECT a FROM t";
	struct stmt *s = db_stmt(db, sql);

	assert_false(stmt_run(s, &e));
	assert_non_null(strstr(e.text, "no such table"));
	assert_true(db_migrate(db, "t", v1, 1, &e));
	assert_true(stmt_run(db_stmt(db, sql), &e));
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode_and_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_migrations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statement_that_does_not_compile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
