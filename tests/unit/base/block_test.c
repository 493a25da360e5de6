/* SPDX-License-Identifier: Apache-2.0 */
/* base/block.h: blocks come and go, on one thread and from one to another. */
#include <pthread.h>
#include <string.h>

#include "lib/check.h"

#include "base/block.h"

enum { MANY = 1000 };

static void blocks_are_whole_and_apart(void **state)
{
	char *taken[MANY];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			taken[i] = block_take();
			memset(taken[i], i & 0xff, BLOCK_BYTES);
		}
		for (int i = 0; i < MANY; i++) {
			check("first byte", taken[i][0] == (char)(i & 0xff));
			check("last byte", taken[i][BLOCK_BYTES - 1] == (char)(i & 0xff));
			block_give(taken[i]);
		}
	}
	block_give(NULL);
}

static void *give_and_take(void *blocks)
{
	void **b = blocks;

	for (int i = 0; i < MANY; i++) {
		block_give(b[i]);
		b[i] = block_take();
	}
	return NULL;
}

static void blocks_pass_between_threads(void **state)
{
	void *taken[MANY];

	for (int i = 0; i < MANY; i++)
		taken[i] = block_take();
	for (int round = 0; round < 5; round++) {
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, give_and_take, taken), 0);
		assert_int_equal(pthread_join(t, NULL), 0);
	}
	for (int i = 0; i < MANY; i++)
		block_give(taken[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_whole_and_apart),
		cmocka_unit_test(blocks_pass_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
