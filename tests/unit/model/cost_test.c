/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Costs of whole answers: what a provider says that it used, through its dialect's reader, the built-in catalogue and
 * the price, to the nano-dollar. The table's numbers were computed without this program: cost_table.py. And what
 * providers themselves say that recorded answers cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "dialect/dialect.h"
#include "dialect/error.h"
#include "model/catalogue.h"

struct cost_row {
	const char *name, *provider, *model, *dialect, *at;
	int64_t want;                        /* nano-dollars; -1: unknown */
	const char *answer;
};

static const struct cost_row rows[] = {
#include "cost_rows.h"
};

/* "2026-11-28T12:00" in milliseconds since 1970. */
static int64_t ms_of(const char *at)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int y, m, d, h, min;
	int64_t days;

	assert_int_equal(sscanf(at, "%d-%d-%dT%d:%d", &y, &m, &d, &h, &min), 5);
	days = (y - 1970) * 365 + (y - 1969) / 4 + before[m - 1] + (m > 2 && y % 4 == 0) + d - 1;
	return ((days * 24 + h) * 60 + min) * 60000;
}

static int64_t cost_of(const struct cost_row *r, struct arena *a)
{
	const struct dialect *d = dialect_by_name(str_from_z(r->dialect));
	struct dialect_error error = { 0 };
	struct usage u = { .source = USAGE_NONE };
	struct model_entry e;
	int64_t nusd;

	if (!d)
		fail_msg("no dialect %s", r->dialect);
	if (d->read_answer(a, CALL_GENERATE, str_from_z(r->answer), &u, &error) != ANSWER_OK)
		fail_msg("%s: %s", r->name, r->answer);
	catalogue_entry(NULL, str_from_z(r->provider), str_from_z(r->model), a, &e);
	return price_cost(&e.price, &u, ms_of(r->at), &nusd) ? nusd : -1;
}

static void test_costs(void **state)
{
	struct arena arena;
	size_t wrong = 0;

	arena_init(&arena, 64 << 20);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = cost_of(&rows[i], &arena);

		if (got != rows[i].want) {
			print_error("%s, %s/%s at %s: %lld instead of %lld\n%s\n", rows[i].name, rows[i].provider,
			            rows[i].model, rows[i].at, (long long)got, (long long)rows[i].want, rows[i].answer);
			wrong++;
		}
	}
	arena_fini(&arena);
	assert_int_equal(wrong, 0);
	assert_true(COUNT_OF(rows) >= 200);
}

static int setup(void **state)
{
	dialect_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
