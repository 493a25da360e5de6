/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one size: distinct, zeroed, given back in any order. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"

enum { OBJECTS = 3000 };

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void objects_are_zeroed_and_do_not_overlap(void **state)
{
	static const size_t sizes[] = { 8, 24, 500, 1000, 4096 };

	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		unsigned char **all = calloc(OBJECTS, sizeof *all);
		struct slab s;

		slab_init(&s, sizes[k]);
		for (size_t i = 0; i < OBJECTS; i++) {
			all[i] = slab_take(&s);
			assert_true(is_zero(all[i], sizes[k]));
			memset(all[i], (int)(i % 255 + 1), sizes[k]);
		}
		for (size_t i = 0; i < OBJECTS; i++)
			for (size_t j = 0; j < sizes[k]; j++)
				assert_int_equal(all[i][j], i % 255 + 1);
		for (size_t i = 0; i < OBJECTS; i++)
			slab_give(&s, all[i]);
		slab_fini(&s);
		free(all);
	}
}

static void objects_come_and_go_in_any_order(void **state)
{
	unsigned char *all[OBJECTS] = { 0 };
	struct slab s;

	rand_seed(7);
	slab_init(&s, 120);
	for (int round = 0; round < 100000; round++) {
		size_t i = rand_below(OBJECTS);

		if (all[i]) {
			assert_int_equal(all[i][119], i % 251);
			slab_give(&s, all[i]);
			all[i] = NULL;
		} else {
			all[i] = slab_take(&s);
			assert_true(is_zero(all[i], 120));
			memset(all[i], (int)(i % 251), 120);
		}
	}
	for (size_t i = 0; i < OBJECTS; i++)
		if (all[i])
			slab_give(&s, all[i]);
	slab_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_and_do_not_overlap),
		cmocka_unit_test(objects_come_and_go_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
