/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: journals written, replayed, damaged, full disks, restarts. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "govern/govern_in.h"
#include "govern/journal.h"
#include "govern/ledger.h"
#include "govern/report.h"

static char dir[64];
static struct arena arena;

static int setup(void **state)
{
	char journal[96];

	snprintf(dir, sizeof(dir), "/tmp/sluice-ledger-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(journal, sizeof(journal), "%s/journal", dir);
	assert_int_equal(mkdir(journal, 0700), 0);
	arena_init(&arena, 64 << 20);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	arena_fini(&arena);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct ledger *must_open(struct ledger_options o)
{
	struct err e = { 0 };
	struct ledger *l;

	o.data_dir = dir;
	l = ledger_open(&o, &e);
	if (!l)
		fail_msg("%s", e.text);
	return l;
}

static struct journal *must_journal(struct ledger *l, unsigned index)
{
	struct err e = { 0 };
	struct journal *j = journal_open(l, index, &e);

	if (!j)
		fail_msg("%s", e.text);
	return j;
}

static void must_flush(struct ledger *l)
{
	struct err e = { 0 };

	if (!ledger_flush(l, 20000, &e))
		fail_msg("%s", e.text);
}

static struct spend sample(void)
{
	return (struct spend){
		.id = ulid_new(clock_real_ms()),
		.key_id = STR("key_1"),
		.model = STR("chat"),
		.provider = STR("openai"),
		.deployment = STR("openai/gpt-4o"),
		.upstream_model = STR("gpt-4o"),
		.endpoint = STR("/v1/chat/completions"),
		.dialect = STR("openai-chat"),
		.cost_nusd = 100,
		.cost_known = true,
		.tokens = { 10, 20, 0, 0, 0 },
		.status = 200,
		.attempts = 1,
		.usage = SPEND_USAGE_REPORTED,
	};
}

static uint64_t total_requests(struct ledger *l)
{
	struct report_filter all = { 0 };
	struct report r = { 0 };
	struct err e = { 0 };

	if (!report_sums(l, &all, REPORT_TOTAL, 1, &arena, &r, &e))
		fail_msg("%s", e.text);
	return r.rows[0].requests;
}

static bool has(struct ledger *l, struct ulid id)
{
	struct report_row row = { 0 };
	struct err e = { 0 };

	if (report_get(l, id, &arena, &row, &e))
		return true;
	assert_int_equal(e.code, ERR_NOT_FOUND);
	return false;
}

static size_t count_files(const char *suffix)
{
	char path[96];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/journal", dir);
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		n += str_ends(str_from_z(entry->d_name), str_from_z(suffix));
	closedir(d);
	return n;
}

/* Hundreds of lines about damage that a test has made would hide a real one. */
static int stderr_aside(void)
{
	int aside = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	assert_true(dup2(null, STDERR_FILENO) == STDERR_FILENO);
	close(null);
	return aside;
}

static void stderr_back(int aside)
{
	dup2(aside, STDERR_FILENO);
	close(aside);
}

static void test_commit_and_flush(void **state)
{
	static const enum journal_sync modes[] = { JOURNAL_SYNC_OFF, JOURNAL_SYNC_INTERVAL, JOURNAL_SYNC_EACH };
	uint64_t want = 0;

	for (size_t m = 0; m < COUNT_OF(modes); m++) {
		struct ledger *l = must_open((struct ledger_options){ .sync = modes[m], .sync_ms = 5 });
		struct journal *j = must_journal(l, 0);
		struct ledger_stats stats = { 0 };
		struct ulid last = { { 0 } };

		assert_true(journal_commit(j));
		for (int i = 0; i < 100; i++) {
			struct spend s = sample();

			last = s.id;
			assert_true(journal_add(j, &s));
			if (i % 7 == 0)
				assert_true(journal_commit(j));
		}
		assert_true(journal_commit(j));
		must_flush(l);
		assert_true(has(l, last));
		want += 100;
		assert_int_equal(total_requests(l), want);
		ledger_stats(l, &stats);
		assert_int_equal(stats.records, 100);
		assert_int_equal(stats.lag_bytes + stats.bad_regions + stats.store_errors +
		                         stats.journal_errors,
		                 0);
		journal_close(j);
		ledger_close(l);
		assert_int_equal(count_files(".jnl"), 0);
	}
}

/* Without anybody asking, also after the thread went to sleep. */
static void test_stored_by_itself(void **state)
{
	struct ledger *l = must_open((struct ledger_options){ 0 });
	struct journal *j = must_journal(l, 3);
	struct ledger_stats stats = { 0 };

	for (uint64_t round = 1; round <= 3; round++) {
		struct spend s = sample();

		usleep(round == 2 ? 250000 : 1000);
		assert_true(journal_add(j, &s) && journal_commit(j));
		for (int i = 0; i < 500; i++) {
			ledger_stats(l, &stats);
			if (stats.records == round)
				break;
			usleep(10000);
		}
		assert_int_equal(stats.records, round);
	}
	journal_close(j);
	ledger_close(l);
}

static void test_uncommitted_is_not_stored(void **state)
{
	struct ledger *l = must_open((struct ledger_options){ 0 });
	struct journal *j = must_journal(l, 0);
	struct spend s = sample();

	assert_true(journal_add(j, &s));
	must_flush(l);
	assert_int_equal(total_requests(l), 0);
	assert_true(journal_commit(j));
	assert_int_equal(total_requests(l), 1);
	journal_close(j);
	ledger_close(l);
}

static void test_rotation(void **state)
{
	struct ledger *l = must_open((struct ledger_options){ .file_max_bytes = 2000 });
	struct journal *j = must_journal(l, 0);

	for (int i = 0; i < 500; i++) {
		struct spend s = sample();

		assert_true(journal_add(j, &s) && journal_commit(j));
	}
	must_flush(l);
	must_flush(l); /* files that were finished by the last commits */
	assert_int_equal(count_files(".jnl"), 1);
	assert_int_equal(total_requests(l), 500);
	journal_close(j);
	ledger_close(l);
	assert_int_equal(count_files(".jnl"), 0);
	l = must_open((struct ledger_options){ 0 });
	assert_int_equal(total_requests(l), 500);
	ledger_close(l);
}

/* ---- files of earlier starts, made by hand ---- */

enum { RECORDS = 4 };

struct file {
	char name[64];
	char bytes[8 + RECORDS * RECORD_MAX_BYTES];
	size_t n, ends[RECORDS + 1]; /* ends[i]: where record i begins */
	struct ulid ids[RECORDS];
};

static void make_file(struct file *f, unsigned number)
{
	uint64_t salt;
	char boot[ULID_LEN];
	int dash;

	memset(f, 0, sizeof(*f));
	ulid_text(boot, ulid_new(clock_real_ms()));
	dash = snprintf(f->name, sizeof(f->name), "%.*s-%u", ULID_LEN, boot, number);
	salt = XXH3_64bits(f->name, (size_t)dash);
	snprintf(f->name + dash, sizeof(f->name) - (size_t)dash, "-0.jnl");
	memcpy(f->bytes, JFILE_MAGIC, 8);
	f->n = 8;
	for (size_t i = 0; i < RECORDS; i++) {
		struct spend s = sample();

		f->ids[i] = s.id;
		f->ends[i] = f->n;
		f->n += record_write(f->bytes + f->n, salt, &s);
	}
	f->ends[RECORDS] = f->n;
}

static void write_file(const struct file *f, size_t n)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/journal/%s", dir, f->name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, f->bytes, n), n);
	close(fd);
}

/* A file for each length it can be cut to: what is whole is stored, the rest dropped, nothing is called damaged. */
static void test_cut_at_every_byte(void **state)
{
	static struct file first;
	struct ulid(*ids)[RECORDS];
	size_t n;
	struct ledger *l;
	struct ledger_stats stats = { 0 };
	int aside;

	make_file(&first, 0);
	n = first.n;
	ids = calloc(n + 1, sizeof(*ids));
	for (size_t cut = 0; cut <= n; cut++) {
		struct file f;

		make_file(&f, (unsigned)cut + 1);
		assert_int_equal(f.n, n);
		memcpy(ids[cut], f.ids, sizeof(f.ids));
		write_file(&f, cut);
	}
	aside = stderr_aside();
	l = must_open((struct ledger_options){ 0 });
	must_flush(l);
	stderr_back(aside);
	for (size_t cut = 0; cut <= n; cut++)
		for (size_t i = 0; i < RECORDS; i++)
			if (has(l, ids[cut][i]) != (first.ends[i + 1] <= cut))
				fail_msg("cut at %zu of %zu, record %zu", cut, n, i);
	ledger_stats(l, &stats);
	assert_int_equal(stats.bad_regions, 0);
	assert_int_equal(count_files(".bad") + count_files(".jnl"), 0);
	ledger_close(l);
	free(ids);
}

/* A file for each byte that can be wrong, before the last record: that record is kept aside, all others are stored. */
static void test_damage_at_every_byte(void **state)
{
	static struct file first;
	struct ulid(*ids)[RECORDS];
	size_t end;
	struct ledger *l;
	struct ledger_stats stats = { 0 };
	int aside;

	make_file(&first, 0);
	end = first.ends[RECORDS - 1];
	ids = calloc(end, sizeof(*ids));
	for (size_t at = 0; at < end; at++) {
		struct file f;

		make_file(&f, (unsigned)at + 1);
		memcpy(ids[at], f.ids, sizeof(f.ids));
		f.bytes[at] = (char)~f.bytes[at];
		write_file(&f, f.n);
	}
	aside = stderr_aside();
	l = must_open((struct ledger_options){ 0 });
	must_flush(l);
	stderr_back(aside);
	for (size_t at = 0; at < end; at++)
		for (size_t i = 0; i < RECORDS; i++) {
			bool hit = at >= first.ends[i] && at < first.ends[i + 1];

			if (has(l, ids[at][i]) == hit)
				fail_msg("byte %zu, record %zu", at, i);
		}
	ledger_stats(l, &stats);
	assert_int_equal(stats.bad_regions, end);
	assert_int_equal(count_files(".bad"), end);
	assert_int_equal(count_files(".jnl"), 0);
	ledger_close(l);
	free(ids);
}

static void test_other_leftovers(void **state)
{
	static const struct {
		const char *name;
		size_t keep; /* bytes of the file */
		const char *tail;
		size_t tail_n;
		size_t want, bad; /* records stored, damaged regions */
	} cases[] = {
		{ "zeros after a power cut", SIZE_MAX, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, RECORDS, 0 },
		{ "only zeros", 0, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, 0, 0 },
		{ "garbage at the end", SIZE_MAX, "garbage", 7, RECORDS, 1 },
		{ "another kind of file", 0, "#!/bin/sh\necho hello\n", 21, 0, 1 },
		{ "empty", 0, "", 0, 0, 0 },
	};
	uint64_t want = 0, bad = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct file f;
		struct ledger *l;
		struct ledger_stats stats = { 0 };

		make_file(&f, 1);
		f.n = cases[i].keep < f.n ? cases[i].keep : f.n;
		memcpy(f.bytes + f.n, cases[i].tail, cases[i].tail_n);
		write_file(&f, f.n + cases[i].tail_n);
		l = must_open((struct ledger_options){ 0 });
		must_flush(l);
		want += cases[i].want;
		bad += cases[i].bad;
		ledger_stats(l, &stats);
		if (total_requests(l) != want || stats.bad_regions != cases[i].bad || count_files(".bad") != bad ||
		    count_files(".jnl") != 0)
			fail_msg("%s", cases[i].name);
		ledger_close(l);
	}
}

static void test_record_of_a_newer_version(void **state)
{
	struct file f;
	struct ledger *l;
	char *payload;
	size_t n;
	uint32_t check;

	make_file(&f, 1);
	payload = f.bytes + f.ends[1] + 8;
	n = f.ends[2] - f.ends[1] - 8;
	payload[0] = 99;
	check = (uint32_t)XXH3_64bits_withSeed(payload, n, XXH3_64bits(f.name, strlen(f.name) - 6) ^ n);
	memcpy(payload - 4, &check, 4);
	write_file(&f, f.n);
	l = must_open((struct ledger_options){ 0 });
	must_flush(l);
	assert_int_equal(total_requests(l), RECORDS - 1);
	assert_int_equal(count_files(".bad"), 1);
	ledger_close(l);
}

/* A file that comes back after it was stored and deleted, the first time with half of its records. */
static void test_file_that_comes_back(void **state)
{
	struct file f;
	struct ledger_stats stats = { 0 };
	struct ledger *l;

	make_file(&f, 1);
	for (int i = 0; i < 3; i++) {
		write_file(&f, i ? f.n : f.ends[2]);
		l = must_open((struct ledger_options){ 0 });
		must_flush(l);
		assert_int_equal(total_requests(l), i ? RECORDS : 2);
		ledger_stats(l, &stats);
		assert_int_equal(stats.records, i < 2 ? 2 : 0);
		ledger_close(l);
	}
}

/* ---- blocks ---- */

static int64_t count_blocks(void)
{
	char path[96];
	const struct db_options o = { .read_only = true };
	struct db *db;
	struct stmt *s;
	int64_t n;

	snprintf(path, sizeof(path), "%s/sluice.db", dir);
	db = db_open(path, &o, NULL);
	assert_non_null(db);
	s = db_stmt(db, "SELECT count(*) FROM spend_block");
	assert_int_equal(stmt_step(s, NULL), STMT_ROW);
	n = stmt_i64(s, 0);
	db_close(db);
	return n;
}

static struct spend sample_at(uint64_t ms)
{
	struct spend s = sample();

	for (int i = 5; i >= 0; i--, ms >>= 8)
		s.id.b[i] = (uint8_t)ms;
	return s;
}

/* However few come at a time, and over restarts: rows are filled before there are others. */
static void test_small_rounds_share_a_row(void **state)
{
	enum { STARTS = 4, ROUNDS = 60 };
	const uint64_t time = 1764201600000;

	for (int start = 0; start < STARTS; start++) {
		struct ledger *l = must_open((struct ledger_options){ 0 });
		struct journal *j = must_journal(l, 0);

		for (int i = 0; i < ROUNDS; i++) {
			struct spend s = sample_at(time + (uint64_t)i);

			assert_true(journal_add(j, &s) && journal_commit(j));
			must_flush(l);
			assert_true(has(l, s.id));
		}
		journal_close(j);
		ledger_close(l);
	}
	assert_in_range(count_blocks(), 1, 3);
}

/* Requests that end together and began in many minutes, more than are kept in memory, and in several hours. */
static void test_many_minutes_at_once(void **state)
{
	enum { MINUTES = 300, EACH_MINUTE = 10 };
	const uint64_t time = 1764201600000;
	struct ledger *l = must_open((struct ledger_options){ 0 });
	struct journal *j = must_journal(l, 0);
	struct report days = { 0 };
	const struct report_filter f = { .since_ms = time + 7 * 60000 + 1, .until_ms = time + 290 * 60000 };

	for (uint64_t i = 0; i < MINUTES * EACH_MINUTE; i++) {
		struct spend s = sample_at(time + i * 7919 % MINUTES * 60000 + i / MINUTES % 2);

		assert_true(journal_add(j, &s) && journal_commit(j));
	}
	assert_int_equal(total_requests(l), MINUTES * EACH_MINUTE);
	assert_in_range(count_blocks(), MINUTES, MINUTES + 50);
	assert_true(report_sums(l, &f, REPORT_BY_DAY, 10, &arena, &days, NULL));
	assert_int_equal(days.n, 1);
	assert_int_equal(days.rows[0].requests, (290 - 8) * EACH_MINUTE + EACH_MINUTE / 2);
	journal_close(j);
	ledger_close(l);
}

/* ---- failing disks ---- */

static void limit_files(rlim_t bytes)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_full_disk(void **state)
{
	struct ledger *l;
	struct journal *j;
	struct ledger_stats stats = { 0 };
	size_t added = 0, failed = 0;

	signal(SIGXFSZ, SIG_IGN);
	l = must_open((struct ledger_options){ .buffer_max_bytes = 20000 });
	j = must_journal(l, 0);
	limit_files(10000);
	for (;;) { /* each batch of three is cut in the middle at the limit */
		struct spend s = sample();

		if (!journal_add(j, &s))
			break;
		added++;
		if (added % 3 == 0 && !journal_commit(j))
			failed++;
		assert_int_equal(journal_ok(j), failed == 0);
		assert_true(added < 1000);
	}
	assert_true(failed > 5);
	assert_false(journal_commit(j));
	limit_files(RLIM_INFINITY);
	assert_true(journal_commit(j));
	assert_true(journal_ok(j));
	must_flush(l);
	assert_int_equal(total_requests(l), added);
	ledger_stats(l, &stats);
	assert_true(stats.journal_errors >= failed);
	assert_int_equal(stats.bad_regions, 0);
	journal_close(j);
	ledger_close(l);
	signal(SIGXFSZ, SIG_DFL);
}

/* SQLite cannot write, the journal can: nothing is lost, flush says why, and later all is there. */
static void test_store_that_fails(void **state)
{
	struct ledger *l = must_open((struct ledger_options){ 0 });
	struct journal *j = must_journal(l, 0);
	struct ledger_stats stats = { 0 };
	struct err e = { 0 };
	char path[96];
	struct db *blocker;
	const struct db_options quick = { .busy_ms = 1 };

	snprintf(path, sizeof(path), "%s/sluice.db", dir);
	blocker = db_open(path, &quick, &e);
	assert_non_null(blocker);
	assert_true(db_exec(blocker, "ALTER TABLE spend_sum RENAME TO aside", &e));
	for (int i = 0; i < 10; i++) {
		struct spend s = sample();

		assert_true(journal_add(j, &s) && journal_commit(j));
	}
	assert_false(ledger_flush(l, 10000, &e));
	assert_non_null(strstr(e.text, path));
	ledger_stats(l, &stats);
	assert_true(stats.store_errors > 0 && stats.lag_bytes > 0 && stats.records == 0);
	assert_true(journal_ok(j));
	assert_true(db_exec(blocker, "ALTER TABLE aside RENAME TO spend_sum", &e));
	must_flush(l);
	assert_int_equal(total_requests(l), 10);
	db_close(blocker);
	journal_close(j);
	ledger_close(l);
}

static void test_open_errors(void **state)
{
	static const struct {
		const char *name, *make, *want;
	} cases[] = {
		{ "damaged database", "head -c 8192 /dev/urandom > %s/sluice.db", "sluice.db" },
		{ "journal is a file", "rm -rf %s/sluice.db* %s/journal; touch %s/journal", "journal" },
		{ "unreadable journal", "rm -f %s/journal; mkdir -p %s/journal/x-0-0.jnl", "x-0-0.jnl" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct ledger_options o = { .data_dir = dir };
		struct err e = { 0 };
		char cmd[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(cmd, sizeof(cmd), cases[i].make, dir, dir, dir);
#pragma GCC diagnostic pop
		assert_int_equal(system(cmd), 0);
		if (ledger_open(&o, &e) || !strstr(e.text, cases[i].want) || !strstr(e.text, dir))
			fail_msg("%s: %s", cases[i].name, e.text);
	}
}

/* ---- threads ---- */

enum { THREADS = 3, EACH = 2000 };
static struct ledger *shared;
static _Atomic int wrong;

static void *writer(void *arg)
{
	struct journal *j = must_journal(shared, (unsigned)(uintptr_t)arg);

	for (int i = 0; i < EACH; i++) {
		struct spend s = sample();

		if (!journal_add(j, &s) || (i % 5 == 0 && !journal_commit(j)))
			wrong = 1;
	}
	if (!journal_commit(j) || !ledger_flush(shared, 20000, NULL))
		wrong = 2;
	journal_close(j);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	struct ledger_stats stats = { 0 };

	shared = must_open(
		(struct ledger_options){ .file_max_bytes = 50000, .sync = JOURNAL_SYNC_INTERVAL, .sync_ms = 3 });
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, (void *)i), 0);
	for (int i = 0; i < 20; i++) {
		ledger_stats(shared, &stats);
		assert_true(total_requests(shared) <= THREADS * EACH);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(total_requests(shared), THREADS * EACH);
	ledger_close(shared);
	assert_int_equal(count_files(".jnl"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_commit_and_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stored_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uncommitted_is_not_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_leftovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record_of_a_newer_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_that_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_rounds_share_a_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_minutes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_that_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
