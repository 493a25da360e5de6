/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h: both clocks run, move together, and dates read as the C library has them. */
#include "lib/check.h"

#include <time.h>

#include "base/clock.h"

static void writes_dates(void **state)
{
	static const struct {
		const char *want;
		uint64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00.000Z", 0 },
		{ "1970-01-01T00:00:00.999Z", 999 },
		{ "1999-12-31T23:59:59.010Z", 946684799010 },
		{ "2000-02-29T12:34:56.789Z", 951827696789 },
		{ "2026-11-27T23:05:01.123Z", 1795820701123 },
		{ "2100-02-28T23:59:59.000Z", 4107542399000 },
		{ "2100-03-01T00:00:00.000Z", 4107542400000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};
	char text[CLOCK_RFC3339_LEN];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		clock_rfc3339(text, cases[i].ms);
		check_str(cases[i].want, str_of(text, sizeof(text)), str_from_z(cases[i].want));
	}
}

static void writes_every_date_as_the_library_does(void **state)
{
	for (uint64_t day = 0; day < 2932897; day += 7) {
		time_t seconds = (time_t)(day * 86400 + day * 7919 % 86400);
		char text[CLOCK_RFC3339_LEN], want[64];
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.042Z", &tm);
		clock_rfc3339(text, (uint64_t)seconds * 1000 + 42);
		check_str("date", str_of(text, sizeof(text)), str_from_z(want));
	}
}

static void clocks_run_and_agree(void **state)
{
	uint64_t us = clock_now_us(), ms = clock_now_ms(), real = clock_real_ms();

	check("same clock", ms >= us / 1000 && ms - us / 1000 < 5000);
	check("never back", clock_now_us() >= us);
	check("real time", real / 1000 <= (uint64_t)time(NULL) + 1 && real / 1000 + 5 >= (uint64_t)time(NULL));
}

static void tests_can_move_both(void **state)
{
	uint64_t now = clock_now_ms(), us = clock_now_us(), real = clock_real_ms();

	clock_move_ms(3600000);
	check("monotonic", clock_now_ms() >= now + 3600000 && clock_now_ms() < now + 3700000);
	check("in microseconds", clock_now_us() >= us + 3600000000 && clock_now_us() < us + 3700000000);
	check("real", clock_real_ms() >= real + 3600000 && clock_real_ms() < real + 3700000);
	clock_move_ms(-3600000);
	check("and back", clock_now_ms() < now + 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_dates),
		cmocka_unit_test(writes_every_date_as_the_library_does),
		cmocka_unit_test(clocks_run_and_agree),
		cmocka_unit_test(tests_can_move_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
