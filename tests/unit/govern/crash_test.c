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

/* Somebody asks all the time, so that kills also hit the moments between a record's commit and its place in SQLite. */
static void *child_asks(void *arg)
{
	for (;;) {
		if (!ledger_flush(arg, 10000, NULL))
			_exit(7);
		usleep((useconds_t)rand_below(3000));
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
	pthread_create(&thread, NULL, child_asks, l);
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

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ulid));
}

/* All ids of the ledger, sorted. */
static size_t all_ids(struct ledger *l, struct ulid **have)
{
	const struct report_filter all = { 0 };
	size_t n = 0;
	char cursor[ULID_LEN];
	struct report_rows page = { .next_cursor = { cursor, 0 } };

	do {
		struct arena a;

		arena_init(&a, 16 << 20);
		if (!report_rows(l, &all, 1000, page.next_cursor, &a, &page, NULL))
			fail_msg("report_rows failed");
		*have = mem_realloc(*have, (n + page.n + 1) * sizeof(**have));
		for (size_t i = 0; i < page.n; i++)
			(*have)[n++] = page.rows[i].spend.id;
		memcpy(cursor, page.next_cursor.p ? page.next_cursor.p : "", page.next_cursor.n);
		page.next_cursor.p = cursor;
		arena_fini(&a);
	} while (page.next_cursor.n);
	qsort(*have, n, sizeof(**have), by_id);
	return n;
}

/* What the sums by hour say, or with both ends inside an hour, the records. */
static void assert_sums(struct ledger *l, const struct report_filter *f, size_t want)
{
	struct report sums = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_true(report_sums(l, f, REPORT_TOTAL, 1, &a, &sums, NULL));
	assert_int_equal(sums.rows[0].requests, want);
	assert_true(sums.rows[0].cost_nusd == (int64_t)want);
	arena_fini(&a);
}

static void test_kill(void **state)
{
	const struct ledger_options o = { .data_dir = dir };
	struct ulid *ids = NULL, *have = NULL;
	size_t n = 0, n_have = 0, missing = 0, doubled = 0;
	struct ledger_stats stats = { 0 };
	struct ledger *l;
	struct err e = { 0 };

	for (int i = 0; i < CYCLES; i++)
		cycle(&ids, &n);
	l = ledger_open(&o, &e);
	if (!l || !ledger_flush(l, 60000, &e))
		fail_msg("%s", e.text);
	n_have = all_ids(l, &have);
	for (size_t i = 0; i < n; i++)
		missing += !bsearch(&ids[i], have, n_have, sizeof(*have), by_id);
	for (size_t i = 1; i < n_have; i++)
		doubled += by_id(&have[i - 1], &have[i]) == 0;
	assert_sums(l, &(struct report_filter){ 0 }, n_have);
	assert_sums(l, &(struct report_filter){ .since_ms = ulid_time_ms(have[0]), .until_ms = clock_real_ms() + 1 },
	            n_have);
	ledger_stats(l, &stats);
	ledger_close(l);
	print_message("%zu records reported, %zu missing, %zu doubled\n", n, missing, doubled);
	assert_true(n > CYCLES);
	assert_int_equal(missing, 0);
	assert_int_equal(doubled, 0);
	assert_int_equal(stats.bad_regions, 0);
	free(have);
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
