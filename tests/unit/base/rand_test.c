/* SPDX-License-Identifier: Apache-2.0 */
/* base/rand.h: draws are even, replayable and apart between threads; ULIDs are ordered and never the same. */
#include "lib/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"

static void seeds_replay(void **state)
{
	uint64_t first[8];

	rand_seed(7);
	for (size_t i = 0; i < COUNT_OF(first); i++)
		first[i] = rand_u64();
	rand_seed(8);
	check("another seed, other draws", rand_u64() != first[0]);
	rand_seed(7);
	for (size_t i = 0; i < COUNT_OF(first); i++)
		check_u64("same seed, same draws", rand_u64(), first[i]);
}

static void stays_below_and_even(void **state)
{
	static const uint64_t bounds[] = { 1, 2, 3, 7, 10, 1000, (uint64_t)1 << 63, UINT64_MAX };

	rand_seed(1);
	for (size_t i = 0; i < COUNT_OF(bounds); i++) {
		unsigned upper = 0;

		for (int n = 0; n < 4000; n++) {
			uint64_t v = rand_below(bounds[i]);

			check("below", v < bounds[i]);
			upper += v >= bounds[i] / 2;
		}
		if (bounds[i] > 2 && bounds[i] != 3 && bounds[i] != 7)
			check("even halves", upper > 1800 && upper < 2200);
	}
	for (int n = 0; n < 4000; n++) {
		double v = rand_unit();

		check("unit", v >= 0 && v < 1);
	}
}

static void secrets_differ(void **state)
{
	static const char zero[300];
	char a[300], b[300];

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	rand_secret(a, sizeof(a));
	rand_secret(b, sizeof(b));
	check("not the same twice", memcmp(a, b, sizeof(a)) != 0);
	check("filled to the end", memcmp(a + 280, zero, 20) != 0);
	rand_secret(NULL, 0);
}

static void ulids_are_written_as_the_spec_says(void **state)
{
	static const struct {
		const char *want;
		struct ulid u;
	} cases[] = {
		{ "00000000000000000000000000", { { 0 } } },
		{ "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		  { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } } },
		/* The example of the spec: 01ARZ3NDEK is 1469922850259 ms. */
		{ "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		  { { 0x01, 0x56, 0x3e, 0x3a, 0xb5, 0xd3, 0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd,
		      0x5b } } },
	};
	char text[ULID_LEN];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ulid_text(text, cases[i].u);
		check_str(cases[i].want, str_of(text, sizeof(text)), str_from_z(cases[i].want));
	}
}

static void ulids_carry_the_time(void **state)
{
	struct ulid u = ulid_new(0x123456789abc);

	check_str("time", str_of((char *)u.b, 6), STR("\x12\x34\x56\x78\x9a\xbc"));
}

static void ulids_are_ordered(void **state)
{
	static const uint64_t base = 0x200000000000;
	struct ulid last = ulid_new(base);

	for (uint64_t i = 0; i < 10000; i++) {
		/* Runs of the same millisecond, and the clock set back now and then. */
		struct ulid u = ulid_new(i % 100 == 99 ? base - 1000 : base + i / 10);

		check("ordered", memcmp(&last, &u, sizeof(u)) < 0);
		last = u;
	}
}

enum { THREADS = 4, EACH = 5000 };

static void *make_ulids(void *arg)
{
	struct ulid *out = arg;

	rand_seed(1); /* the same in all threads: must not matter */
	for (int i = 0; i < EACH; i++)
		out[i] = ulid_new(0x300000000000);
	return NULL;
}

static int compare_ulids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ulid));
}

static void threads_never_make_the_same(void **state)
{
	struct ulid *all = mem_zalloc(THREADS * EACH * sizeof(*all));
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ulids, all + (size_t)i * EACH), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	qsort(all, THREADS * EACH, sizeof(*all), compare_ulids);
	for (int i = 1; i < THREADS * EACH; i++)
		check("apart", compare_ulids(&all[i - 1], &all[i]) != 0);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_replay),
		cmocka_unit_test(stays_below_and_even),
		cmocka_unit_test(secrets_differ),
		cmocka_unit_test(ulids_are_written_as_the_spec_says),
		cmocka_unit_test(ulids_carry_the_time),
		cmocka_unit_test(ulids_are_ordered),
		cmocka_unit_test(threads_never_make_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
