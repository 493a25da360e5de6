/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at random moments: a child writes spend and reports each id once its commit has returned; nothing reported
 * may be missing afterwards, and nothing counted twice. Files are small, so that kills also hit rotation, replay and
 * deletion.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "govern/govern_in.h"
#include "govern/journal.h"
#include "govern/ledger.h"
#include "govern/report.h"

enum { CYCLES = 100, LONGEST_US = 40000, BATCH = 5, LOOPS = 2 };

static char dir[64];

struct child_loop {
	struct ledger *ledger;
	unsigned index;
	int fd;
};

static void *child_loop(void *arg)
{
	struct child_loop *c = arg;
	struct journal *j = journal_open(c->ledger, c->index, NULL);

	if (!j)
		_exit(3);
	for (unsigned i = 0;; i++) {
		struct ulid ids[BATCH];
		size_t n = 1 + i % BATCH;

		for (size_t k = 0; k < n; k++) {
			struct spend s = {
				.id = ulid_new(clock_real_ms()),
				.key_id = STR("key"),
				.model = STR("m"),
				.provider = STR("p"),
				.deployment = STR("d"),
				.cost_known = true,
				.cost_nusd = 1,
				.status = 200,
			};

			ids[k] = s.id;
			if (!journal_add(j, &s))
				_exit(4);
		}
		if (!journal_commit(j) || write(c->fd, ids, n * sizeof(ids[0])) != (ssize_t)(n * sizeof(ids[0])))
			_exit(5);
	}
}

static void child(int fd)
{
	const struct ledger_options o = {
		.data_dir = dir, .file_max_bytes = 4000, .sync = JOURNAL_SYNC_INTERVAL, .sync_ms = 7
	};
	struct err e = { 0 };
	struct ledger *l = ledger_open(&o, &e);
	struct child_loop loops[LOOPS];
	pthread_t thread;

	if (!l) {
		fprintf(stderr, "%s\n", e.text);
		_exit(2);
	}
	for (unsigned i = 0; i < LOOPS; i++) {
		loops[i] = (struct child_loop){ l, i, fd };
		if (i + 1 < LOOPS)
			pthread_create(&thread, NULL, child_loop, &loops[i]);
	}
	child_loop(&loops[LOOPS - 1]);
}

/* Runs one child for a random while; what it reported is added to *ids. */
static void cycle(struct ulid **ids, size_t *n)
{
	int pipes[2], status;
	ssize_t got;
	size_t have = 0;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		child(pipes[1]);
		_exit(6);
	}
	close(pipes[1]);
	usleep((useconds_t)rand_below(LONGEST_US));
	assert_int_equal(kill(pid, SIGKILL), 0);
	*ids = realloc(*ids, *n * sizeof(**ids) + (1 << 20));
	while ((got = read(pipes[0], (char *)(*ids + *n) + have, (1 << 20) - have)) > 0)
		have += (size_t)got;
	*n += have / sizeof(**ids);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the child ended by itself: %#x", (unsigned)status);
}

static int64_t one_number(const char *sql)
{
	char path[96];
	const struct db_options o = { .read_only = true };
	struct db *db;
	struct stmt *s;
	int64_t v;

	snprintf(path, sizeof(path), "%s/sluice.db", dir);
	db = db_open(path, &o, NULL);
	assert_non_null(db);
	s = db_stmt(db, sql);
	assert_int_equal(stmt_step(s, NULL), STMT_ROW);
	v = stmt_i64(s, 0);
	db_close(db);
	return v;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ulid));
}

/* Of these ids, those that the ledger does not have. */
static size_t count_missing(struct ledger *l, const struct ulid *ids, size_t n)
{
	const struct report_filter all = { 0 };
	struct ulid *have = NULL;
	size_t n_have = 0, missing = 0;
	char cursor[ULID_LEN];
	struct report_rows page = { .next_cursor = { cursor, 0 } };

	do {
		struct arena a;

		arena_init(&a, 16 << 20);
		if (!report_rows(l, &all, 1000, page.next_cursor, &a, &page, NULL))
			fail_msg("report_rows failed");
		have = mem_realloc(have, (n_have + page.n + 1) * sizeof(*have));
		for (size_t i = 0; i < page.n; i++)
			have[n_have++] = page.rows[i].spend.id;
		memcpy(cursor, page.next_cursor.p ? page.next_cursor.p : "", page.next_cursor.n);
		page.next_cursor.p = cursor;
		arena_fini(&a);
	} while (page.next_cursor.n);
	qsort(have, n_have, sizeof(*have), by_id);
	for (size_t i = 0; i < n; i++)
		missing += !bsearch(&ids[i], have, n_have, sizeof(*have), by_id);
	free(have);
	return missing;
}

static void test_kill(void **state)
{
	const struct ledger_options o = { .data_dir = dir };
	struct ulid *ids = NULL;
	size_t n = 0, missing = 0;
	struct ledger_stats stats = { 0 };
	struct ledger *l;
	struct err e = { 0 };

	for (int i = 0; i < CYCLES; i++)
		cycle(&ids, &n);
	l = ledger_open(&o, &e);
	if (!l || !ledger_flush(l, 60000, &e))
		fail_msg("%s", e.text);
	missing = count_missing(l, ids, n);
	ledger_stats(l, &stats);
	ledger_close(l);
	print_message("%zu records reported, %zu missing\n", n, missing);
	assert_true(n > CYCLES);
	assert_int_equal(missing, 0);
	assert_int_equal(stats.bad_regions, 0);
	assert_int_equal(one_number("SELECT count(*) - count(DISTINCT id) FROM spend"), 0);
	assert_int_equal(one_number("SELECT (SELECT sum(requests) FROM spend_sum) - (SELECT count(*) FROM spend)"), 0);
	assert_int_equal(one_number("SELECT (SELECT sum(cost_nusd) FROM spend_sum) - (SELECT count(*) FROM spend)"), 0);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill) };
	char cmd[128];
	int failed;

	log_init(LOG_ERROR, false);
	snprintf(dir, sizeof(dir), "/tmp/sluice-crash-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) != 0 || failed;
}
