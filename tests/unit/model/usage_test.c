/* SPDX-License-Identifier: Apache-2.0 */
/* usage: counters stay disjoint and bounded, whatever is reported. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/usage.h"

static void counters_are_clamped(void **state)
{
	static const struct { const char *name; int64_t tokens; uint32_t want; bool odd; } cases[] = {
		{ "zero", 0, 0, false },
		{ "some", 17, 17, false },
		{ "negative", -1, 0, true },
		{ "the most", USAGE_COUNTER_MAX, USAGE_COUNTER_MAX, false },
		{ "one more", (int64_t)USAGE_COUNTER_MAX + 1, USAGE_COUNTER_MAX, true },
		{ "absurd", INT64_MAX, USAGE_COUNTER_MAX, true },
		{ "absurdly negative", INT64_MIN, 0, true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct usage u = { 0 };
		usage_set(&u, USAGE_OUTPUT, cases[i].tokens);
		if (u.n[USAGE_OUTPUT] != cases[i].want || u.odd != cases[i].odd)
			fail_msg("%s: %u, odd %d", cases[i].name, u.n[USAGE_OUTPUT], u.odd);
	}
}

static void a_part_is_taken_from_its_whole(void **state)
{
	static const struct { const char *name; uint32_t whole; int64_t part; uint32_t rest,
	    got; bool odd; } cases[] = {
		{ "nothing", 10, 0, 10, 0, false },
		{ "some", 10, 4, 6, 4, false },
		{ "all", 10, 10, 0, 10, false },
		{ "more than there is", 10, 11, 0, 10, true },
		{ "negative", 10, -3, 10, 0, true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct usage u = { 0 };
		usage_set(&u, USAGE_INPUT, cases[i].whole);
		usage_split(&u, USAGE_INPUT, USAGE_CACHE_READ, cases[i].part);
		if (u.n[USAGE_INPUT] != cases[i].rest || u.n[USAGE_CACHE_READ] != cases[i].got || u.odd != cases[i].odd)
			fail_msg("%s: %u + %u, odd %d", cases[i].name, u.n[USAGE_INPUT], u.n[USAGE_CACHE_READ], u.odd);
		assert_int_equal(usage_total_input(&u), cases[i].whole);
	}
}

static void totals_cover_every_counter_once(void **state)
{
	struct usage u = { .source = USAGE_REPORTED };
	uint64_t all = 0;

	for (int i = 0; i < USAGE_COUNTERS; i++) {
		u.n[i] = 1u << i;
		all += 1u << i;
		assert_non_null(usage_counter_name((enum usage_counter)i));
	}
	assert_int_equal(usage_total_input(&u) + usage_total_output(&u), all);
	assert_int_equal(usage_total_cache_write(&u), u.n[USAGE_CACHE_WRITE_5M] + u.n[USAGE_CACHE_WRITE_1H]);
	assert_string_equal(usage_source_name(USAGE_COUNTED), "counted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_clamped),
		cmocka_unit_test(a_part_is_taken_from_its_whole),
		cmocka_unit_test(totals_cover_every_counter_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
