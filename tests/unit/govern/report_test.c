/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the ledger: groups, filters, ends that are not whole hours, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "govern/govern_in.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "govern/ledger.h"
#include "govern/report.h"

static char dir[64];
static struct arena arena;
static struct ledger *ledger;
static struct journal *journal;

static int setup(void **state)
{
	struct ledger_options o = { .data_dir = dir };

	snprintf(dir, sizeof(dir), "/tmp/sluice-report-XXXXXX");
	assert_non_null(mkdtemp(dir));
	arena_init(&arena, 16 << 20);
	ledger = ledger_open(&o, NULL);
	assert_non_null(ledger);
	journal = journal_open(ledger, 0, NULL);
	assert_non_null(journal);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	journal_close(journal);
	ledger_close(ledger);
	arena_fini(&arena);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct ulid add(uint64_t at_ms, const char *key, const char *model, const char *provider, int64_t nusd,
                       unsigned status)
{
	struct spend s = {
		.id = ulid_new(0),
		.key_id = str_from_z(key),
		.model = str_from_z(model),
		.provider = str_from_z(provider),
		.deployment = STR("d"),
		.upstream_model = STR("u"),
		.endpoint = STR("/v1/messages"),
		.dialect = STR("anthropic"),
		.cost_known = nusd >= 0,
		.cost_nusd = nusd,
		.status = status,
		.attempts = 1,
		.tokens = { 1, 2, 3, 4, 5 },
	};

	for (int i = 5; i >= 0; i--, at_ms >>= 8) /* ulid_new never goes back in time */
		s.id.b[i] = (uint8_t)at_ms;
	assert_true(journal_add(journal, &s) && journal_commit(journal));
	return s.id;
}

static struct report sums(struct report_filter f, enum report_group g, size_t limit)
{
	struct report r = { 0 };
	struct err e = { 0 };

	if (!report_sums(ledger, &f, g, limit, &arena, &r, &e))
		fail_msg("%s", e.text);
	return r;
}

#define HOUR 3600000u
#define DAY  (24 * HOUR)
static const uint64_t t0 = 1764201600000; /* 2025-11-27T00:00:00Z */

static void test_empty(void **state)
{
	struct report r = sums((struct report_filter){ 0 }, REPORT_TOTAL, 1);

	assert_int_equal(r.n, 1);
	assert_int_equal(r.rows[0].requests, 0);
	assert_true(r.rows[0].cost_nusd == 0);
	assert_int_equal(sums((struct report_filter){ 0 }, REPORT_BY_KEY, 10).n, 0);
}

static void test_groups(void **state)
{
	struct report r = { 0 };

	add(t0 + 1, "key_a", "chat", "openai", 100, 200);
	add(t0 + 2, "key_a", "chat", "anthropic", 50, 200);
	add(t0 + DAY, "key_b", "claude", "anthropic", 1000, 200);
	add(t0 + DAY + 1, "key_b", "claude", "anthropic", -1, 200);
	add(t0 + 2 * DAY, "key_b", "chat", "openai", 0, 502);
	r = sums((struct report_filter){ 0 }, REPORT_TOTAL, 10);
	assert_true(r.n == 1 && r.rows[0].requests == 5 && r.rows[0].cost_nusd == 1150 &&
	            r.rows[0].unknown_cost_requests == 1);
	assert_int_equal(r.rows[0].errors, 1);
	assert_true(r.rows[0].tokens.input == 5 && r.rows[0].tokens.output == 10 && r.rows[0].tokens.cache_read == 15);
	assert_true(r.rows[0].tokens.cache_write == 20 && r.rows[0].tokens.reasoning == 25);
	r = sums((struct report_filter){ 0 }, REPORT_BY_KEY, 10);
	assert_true(r.n == 2 && str_eq(r.rows[0].group, STR("key_b")) && r.rows[0].requests == 3 &&
	            r.rows[1].cost_nusd == 150);
	r = sums((struct report_filter){ 0 }, REPORT_BY_MODEL, 10);
	assert_true(r.n == 2 && str_eq(r.rows[0].group, STR("claude")) && r.rows[0].unknown_cost_requests == 1);
	r = sums((struct report_filter){ 0 }, REPORT_BY_PROVIDER, 1);
	assert_true(r.n == 1 && r.more && str_eq(r.rows[0].group, STR("anthropic")) && r.rows[0].cost_nusd == 1050);
	r = sums((struct report_filter){ 0 }, REPORT_BY_DAY, 10);
	assert_true(r.n == 3 && !r.more && str_eq(r.rows[0].group, STR("2025-11-27")) &&
	            str_eq(r.rows[2].group, STR("2025-11-29")));
	r = sums((struct report_filter){ .key_id = STR("key_b"), .model = STR("claude") }, REPORT_BY_DAY, 10);
	assert_true(r.n == 1 && r.rows[0].requests == 2);
	r = sums((struct report_filter){ .provider = STR("nobody") }, REPORT_TOTAL, 10);
	assert_true(r.n == 1 && r.rows[0].requests == 0);
}

/* Every combination of ends against a plain count. */
static void test_ends(void **state)
{
	static const uint64_t at[] = {
		0,         1,       HOUR - 1, HOUR,    HOUR + 1,   2 * HOUR - 1,       2 * HOUR,
		23 * HOUR, DAY - 1, DAY,      DAY + 1, DAY + HOUR, 2 * DAY + HOUR / 2,
	};

	for (size_t i = 0; i < COUNT_OF(at); i++)
		add(t0 + at[i], "k", "m", "p", 1 << i, 200);
	for (size_t i = 0; i <= COUNT_OF(at); i++)
		for (size_t j = 0; j <= COUNT_OF(at); j++) {
			struct report_filter f = {
				.since_ms = i < COUNT_OF(at) ? t0 + at[i] : 0,
				.until_ms = j < COUNT_OF(at) ? t0 + at[j] : 0,
			};
			int64_t want = 0, by_day = 0;
			struct report days = sums(f, REPORT_BY_DAY, 10);

			for (size_t k = 0; k < COUNT_OF(at); k++)
				if (t0 + at[k] >= f.since_ms && (!f.until_ms || t0 + at[k] < f.until_ms))
					want += 1 << k;
			if (sums(f, REPORT_TOTAL, 1).rows[0].cost_nusd != want)
				fail_msg("from %zu to %zu", i, j);
			for (size_t d = 0; d < days.n; d++) {
				int64_t sum = 0;

				for (size_t k = 0; k < COUNT_OF(at); k++)
					if (want & 1 << k && at[k] / DAY == (uint64_t)(days.rows[d].group.p[9] - '7'))
						sum += 1 << k;
				assert_true(days.rows[d].cost_nusd == sum);
				by_day += sum;
			}
			assert_true(by_day == want);
		}
}

static void test_odd_times(void **state)
{
	add(t0, "k", "m", "p", 1, 200);
	assert_int_equal(sums((struct report_filter){ .since_ms = UINT64_MAX }, REPORT_TOTAL, 1).rows[0].requests, 0);
	assert_int_equal(sums((struct report_filter){ .until_ms = UINT64_MAX }, REPORT_TOTAL, 1).rows[0].requests, 1);
	assert_int_equal(sums((struct report_filter){ .until_ms = 1 }, REPORT_TOTAL, 1).rows[0].requests, 0);
}

/* Sums stay at the end of the numbers, and never become floating or negative. */
static void test_overflow(void **state)
{
	struct report r = { 0 };

	for (int i = 0; i < 3; i++)
		add(t0, "k", "m", "p", INT64_MAX - 1, 200);
	r = sums((struct report_filter){ 0 }, REPORT_TOTAL, 1);
	assert_true(r.rows[0].cost_nusd == INT64_MAX && r.rows[0].requests == 3);
	assert_true(ledger_flush(ledger, 1000, NULL));
	add(t0, "k", "m", "p", 5, 200); /* on top of what is stored */
	r = sums((struct report_filter){ 0 }, REPORT_TOTAL, 1);
	assert_true(r.rows[0].cost_nusd == INT64_MAX && r.rows[0].requests == 4);
}

static void test_rows(void **state)
{
	struct ulid ids[25];
	struct report_filter all = { 0 };
	struct report_rows page = { 0 };
	struct report_row row = { 0 };
	struct err e = { 0 };
	struct str cursor = STR("");
	size_t seen = 0;

	for (size_t i = 0; i < COUNT_OF(ids); i++)
		ids[i] = add(t0 + i * 1000, i % 2 ? "odd" : "cfg_even", "m", "p", i == 3 ? -1 : (int64_t)i, 200);
	do {
		assert_true(report_rows(ledger, &all, 10, cursor, &arena, &page, &e));
		for (size_t i = 0; i < page.n; i++, seen++) {
			assert_memory_equal(page.rows[i].spend.id.b, ids[24 - seen].b, 16);
			assert_true(page.rows[i].time_ms == t0 + (24 - seen) * 1000);
		}
		cursor = page.next_cursor;
	} while (cursor.n);
	assert_int_equal(seen, 25);
	all = (struct report_filter){ .key_id = STR("odd"), .since_ms = t0 + 1000, .until_ms = t0 + 5000 };
	assert_true(report_rows(ledger, &all, 10, cursor, &arena, &page, &e));
	assert_int_equal(page.n, 2);
	assert_true(page.rows[0].spend.cost_known == false && page.rows[1].spend.cost_nusd == 1);
	assert_true(report_get(ledger, ids[4], &arena, &row, &e));
	assert_true(str_eq(row.spend.dialect, STR("anthropic")) && row.spend.status == 200 &&
	            row.spend.tokens.reasoning == 5);
	assert_true(str_eq(row.key_name, STR("even")));
	assert_false(report_get(ledger, (struct ulid){ { 9 } }, &arena, &row, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(report_rows(ledger, &all, 10, STR("nonsense"), &arena, &page, &e));
	assert_int_equal(e.code, ERR_INVALID_REQUEST);
	assert_false(report_rows(ledger, &all, 1001, STR(""), &arena, &page, &e));
	assert_false(report_rows(ledger, &all, 0, STR(""), &arena, &page, &e));
}

static int by_id(const void *a, const void *b)
{
	return memcmp(b, a, sizeof(struct ulid));
}

/* Requests are written down when they end, so that ids come in any order. */
static void test_pages_over_blocks(void **state)
{
	enum { N = 6000 };
	static struct ulid ids[N];
	struct report_filter f = { .key_id = STR("b") };
	struct report_rows page = { 0 };
	struct report_row row = { 0 };
	struct str cursor = STR("");
	struct err e = { 0 };
	size_t seen = 0, expected = 0;
	uint64_t seed = 3;

	for (size_t i = 0; i < N; i++) {
		uint64_t late;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		late = seed >> 60 == 0 ? seed >> 40 : seed >> 54; /* some end hours later than they began */
		ids[i] = add(t0 + DAY + i - late, i % 50 ? "a" : "b", "m", "p", 1, 200);
		if (i % 1000 == 0)
			assert_true(ledger_flush(ledger, 10000, NULL));
	}
	assert_int_equal(sums((struct report_filter){ 0 }, REPORT_TOTAL, 1).rows[0].requests, N);
	assert_int_equal(sums(f, REPORT_TOTAL, 1).rows[0].requests, N / 50);
	for (size_t i = 0; i < N; i += 977)
		assert_true(report_get(ledger, ids[i], &arena, &row, &e));
	for (size_t i = 0; i < N; i += 50)
		memmove(&ids[expected++], &ids[i], sizeof(ids[0]));
	qsort(ids, expected, sizeof(ids[0]), by_id);
	do {
		if (!report_rows(ledger, &f, 7, cursor, &arena, &page, &e))
			fail_msg("%s", e.text);
		for (size_t i = 0; i < page.n; i++, seen++)
			assert_memory_equal(page.rows[i].spend.id.b, ids[seen].b, 16);
		cursor = page.next_cursor;
	} while (cursor.n);
	assert_int_equal(seen, expected);
}

/* A row that is damaged is told, never passed over: a sum that misses it would look right. */
static void test_damaged_block(void **state)
{
	const struct report_filter all = { 0 }, edge = { .since_ms = t0 + 1, .until_ms = t0 + 1000 };
	const struct db_options o = { 0 };
	struct ulid id = add(t0 + 10, "k", "m", "p", 1, 200);
	struct report_rows page = { 0 };
	struct report_row row = { 0 };
	struct report r = { 0 };
	char path[96];
	struct db *db;
	struct err e[4] = { { 0 } };

	assert_true(report_rows(ledger, &all, 10, STR(""), &arena, &page, NULL));
	snprintf(path, sizeof(path), "%s/sluice.db", dir);
	db = db_open(path, &o, NULL);
	assert_true(db_exec(db, "UPDATE spend_block SET data = x'1d00' || substr(data, 3) || x'00'", NULL));
	assert_false(report_rows(ledger, &all, 10, STR(""), &arena, &page, &e[0]));
	assert_false(report_sums(ledger, &edge, REPORT_TOTAL, 1, &arena, &r, &e[1]));
	id.b[15] ^= 1;
	assert_false(report_get(ledger, id, &arena, &row, &e[2]));
	for (size_t i = 0; i < 3; i++)
		assert_non_null(strstr(e[i].text, "damaged"));
	db_close(db);
}

static void test_key_names(void **state)
{
	const struct keys_options o = { .data_dir = dir, .admin_key = STR_INIT("adm") };
	struct keys *ks = keys_open(&o, NULL);
	struct key_made made = { 0 };
	char id[64] = "";
	struct report r = { 0 };
	struct report_row row = { 0 };

	assert_non_null(ks);
	assert_true(keys_create(ks, &(struct key_info){ .name = STR("ci") }, &arena, &made, NULL));
	memcpy(id, made.info.id.p, made.info.id.n);
	assert_true(keys_revoke(ks, made.info.id, NULL));
	assert_true(report_get(ledger, add(t0, id, "m", "p", 7, 200), &arena, &row, NULL));
	assert_true(str_eq(row.key_name, STR("ci")));
	r = sums((struct report_filter){ 0 }, REPORT_BY_KEY, 5);
	assert_true(r.n == 1 && str_eq(r.rows[0].key_name, STR("ci")) && str_eq(r.rows[0].group, made.info.id));
	keys_close(ks);
}

static void test_small_arena(void **state)
{
	struct report_filter all = { 0 };
	struct arena small;
	struct report r = { 0 };
	struct report_rows page = { 0 };
	struct err e = { 0 };
	char model[300];

	memset(model, 'm', sizeof(model));
	for (int i = 0; i < 40; i++) {
		snprintf(model + 200, 100, "%d", i);
		add(t0, "k", model, "p", 1, 200);
	}
	for (size_t bytes = 1000; bytes < 20000; bytes += 500) {
		arena_init(&small, bytes);
		if (!report_sums(ledger, &all, REPORT_BY_MODEL, 100, &small, &r, &e))
			assert_int_equal(e.code, ERR_TOO_LARGE);
		if (!report_rows(ledger, &all, 40, STR(""), &small, &page, &e))
			assert_int_equal(e.code, ERR_TOO_LARGE);
		arena_fini(&small);
	}
}

static void test_names(void **state)
{
	enum report_group g = REPORT_TOTAL;

	for (int i = 0; i < REPORT_GROUPS; i++) {
		assert_true(report_group_find(str_from_z(report_group_name((enum report_group)i)), &g));
		assert_int_equal(g, i);
	}
	assert_false(report_group_find(STR("user"), &g));
	assert_string_equal(spend_usage_name(SPEND_USAGE_COUNTED), "counted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_over_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_arena, setup, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
