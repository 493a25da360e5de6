/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory: made, locked, its secrets. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/dir.h"

static char top[64], dir[96], file[128];

static int setup(void **state)
{
	struct err e = { 0 };

	snprintf(top, sizeof(top), "/tmp/sluice-dir-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/a/b/data", top);
	snprintf(file, sizeof(file), "%s/secret", dir);
	assert_true(dir_make(dir, &e));
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	return system(cmd);
}

static void test_make(void **state)
{
	struct err e = { 0 };
	struct stat st;

	assert_true(dir_make(dir, &e));
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(dir_write_secret(file, STR("x"), &e));
	assert_false(dir_make(file, &e));
	assert_non_null(strstr(e.text, file));
	assert_false(dir_make("", &e));
}

static void test_secret(void **state)
{
	struct err e = { 0 };
	struct stat st;
	char out[8];
	size_t n = 0;

	assert_int_equal(dir_read_secret(file, out, sizeof(out), &n, &e), DIR_ABSENT);
	assert_true(dir_write_secret(file, STR("12345678"), &e));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(dir_read_secret(file, out, sizeof(out), &n, &e), DIR_FOUND);
	assert_int_equal(n, 8);
	assert_memory_equal(out, "12345678", 8);
	assert_int_equal(dir_read_secret(file, out, 7, &n, &e), DIR_FAILED);
	/* Never overwritten. */
	assert_false(dir_write_secret(file, STR("other"), &e));
	assert_non_null(strstr(e.text, file));
	assert_int_equal(dir_read_secret(file, out, sizeof(out), &n, &e), DIR_FOUND);
	assert_memory_equal(out, "12345678", 8);
	/* Tightened when others may read it. */
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(dir_read_secret(file, out, sizeof(out), &n, &e), DIR_FOUND);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(dir_read_secret(dir, out, sizeof(out), &n, &e), DIR_FAILED);
}

static void test_lock(void **state)
{
	struct err e = { 0 };
	int fd = dir_lock(dir, &e), status, ready[2];
	char c;
	pid_t child;

	assert_true(fd >= 0);
	assert_int_equal(dir_lock(dir, &e), -1);
	assert_non_null(strstr(e.text, "in use"));
	close(fd);
	/* A holder that is killed lets go. */
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (dir_lock(dir, NULL) >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(dir_lock(dir, &e), -1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	fd = dir_lock(dir, &e);
	assert_true(fd >= 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
