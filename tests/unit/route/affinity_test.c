/* SPDX-License-Identifier: Apache-2.0 */
/* The table of conversations: what it keeps, for how long, and whom it forgets first. */
#include "route/affinity.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

/* Only their addresses count. */
static char places[8];

static struct health *place(int i)
{
	return (struct health *)&places[i];
}

static void what_was_put_is_found(void **state)
{
	struct affinity *a = affinity_new(1024);

	assert_null(affinity_get(a, 7, 1000, 50));
	affinity_put(a, 7, place(1), 50);
	affinity_put(a, 8, place(2), 50);
	assert_ptr_equal(affinity_get(a, 7, 1000, 50), place(1));
	assert_ptr_equal(affinity_get(a, 8, 1000, 50), place(2));
	affinity_put(a, 7, place(3), 60); /* it went on elsewhere */
	assert_ptr_equal(affinity_get(a, 7, 1000, 60), place(3));
	affinity_free(a);
	affinity_free(NULL);
}

static void it_is_forgotten_after_its_time(void **state)
{
	static const struct { const char *name; uint64_t put, get; bool want; } cases[] = {
		{ "at once", 5000, 5000, true },
		{ "as long as the time", 5000, 6000, true },
		{ "longer", 5000, 6001, false },
		{ "by a loop whose clock was read before", 5000, 4990, true },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct affinity *a = affinity_new(1);

		affinity_put(a, 99, place(1), cases[i].put);
		if ((affinity_get(a, 99, 1000, cases[i].get) != NULL) != cases[i].want)
			fail_msg("%s", cases[i].name);
		affinity_free(a);
	}
}

static void nobody_has_the_key_zero(void **state)
{
	struct affinity *a = affinity_new(256);

	affinity_put(a, 0, place(1), 10);
	assert_null(affinity_get(a, 0, 1000, 10));
	affinity_free(a);
}

static void the_oldest_make_room(void **state)
{
	enum { ENTRIES = 1024 };
	struct affinity *a = affinity_new(ENTRIES);
	int kept = 0, old = 0;

	for (uint64_t i = 1; i <= 20 * ENTRIES; i++)
		affinity_put(a, i * 0x2545f4914f6cdd1du, place(i % 8), i);
	for (uint64_t i = 1; i <= 20 * ENTRIES; i++)
		if (affinity_get(a, i * 0x2545f4914f6cdd1du, 1u << 30, 20 * ENTRIES)) {
			kept++;
			old += i <= 16 * ENTRIES;
		}
	assert_int_equal(kept, ENTRIES); /* no more memory than was given, and all of it used */
	assert_true(old < ENTRIES / 10);
	affinity_free(a);
}

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 20000, KEYS = 300 };

static void *use(void *arg)
{
	struct affinity *a = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t key = 1 + i % KEYS;
		struct health *h = affinity_get(a, key, 1000, i);

		if (h && h != place((int)(key % 8)))
			abort();
		affinity_put(a, key, place((int)(key % 8)), i);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct affinity *a = affinity_new(256);
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, use, a), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	affinity_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found),
		cmocka_unit_test(it_is_forgotten_after_its_time),
		cmocka_unit_test(nobody_has_the_key_zero),
		cmocka_unit_test(the_oldest_make_room),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
