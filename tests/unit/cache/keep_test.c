/* SPDX-License-Identifier: Apache-2.0 */
/* cache/keep.h: what was put is found by its tenant only, until it is too old, or until room is needed. */
#include "cache/keep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/check.h"

#include "base/arena.h"
#include "base/clock.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 64 << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* The value, or "-". */
static struct str look(struct keep *k, const char *tenant, enum keep_kind kind, const char *id)
{
	struct str out;

	return keep_get(k, &arena, str_from_z(tenant), kind, str_from_z(id), &out) ? out : STR("-");
}

static void names_are_compared_whole(void **state)
{
	struct keep *k = keep_new(1 << 20, 60000);
	static const struct { const char *row, *tenant; enum keep_kind kind; const char *id, *want; } rows[] = {
		{ "itself", "team-a", KEEP_RESPONSE, "resp_1", "one" },
		{ "another tenant", "team-b", KEEP_RESPONSE, "resp_1", "-" },
		{ "another kind", "team-a", KEEP_OPAQUE, "resp_1", "-" },
		{ "another id", "team-a", KEEP_RESPONSE, "resp_11", "-" },
		{ "letters moved from the tenant to the id", "team", KEEP_RESPONSE, "-aresp_1", "-" },
		{ "replaced", "team-a", KEEP_RESPONSE, "twice", "second" },
		{ "an empty value", "team-a", KEEP_OPAQUE, "empty", "" },
		{ "no id", "team-a", KEEP_OPAQUE, "", "-" },
		{ "no tenant is a tenant", "", KEEP_OPAQUE, "x", "nobody's" },
		{ "dropped", "team-a", KEEP_OPAQUE, "dropped", "-" },
	};

	assert_true(keep_put(k, STR("team-a"), KEEP_RESPONSE, STR("resp_1"), STR("one")));
	assert_true(keep_put(k, STR("team-a"), KEEP_RESPONSE, STR("twice"), STR("first and longer")));
	assert_true(keep_put(k, STR("team-a"), KEEP_RESPONSE, STR("twice"), STR("second")));
	assert_true(keep_put(k, STR("team-a"), KEEP_OPAQUE, STR("empty"), STR("")));
	assert_true(keep_put(k, STR(""), KEEP_OPAQUE, STR("x"), STR("nobody's")));
	assert_true(keep_put(k, STR("team-a"), KEEP_OPAQUE, STR("dropped"), STR("x")));
	assert_true(keep_drop(k, STR("team-a"), KEEP_OPAQUE, STR("dropped")));
	assert_false(keep_drop(k, STR("team-a"), KEEP_OPAQUE, STR("dropped")));
	assert_false(keep_put(k, STR("team-a"), KEEP_OPAQUE, STR(""), STR("x")));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_str(rows[i].row, look(k, rows[i].tenant, rows[i].kind, rows[i].id), str_from_z(rows[i].want));
	assert_int_equal(keep_figures(k).entries, 4);
	keep_free(k);
	keep_free(NULL);
}

static void age_ends_it(void **state)
{
	struct keep *k = keep_new(1 << 20, 60000);

	keep_put(k, STR("t"), KEEP_RESPONSE, STR("a"), STR("1"));
	clock_move_ms(30000);
	keep_put(k, STR("t"), KEEP_RESPONSE, STR("b"), STR("2"));
	check_str("half of its time", look(k, "t", KEEP_RESPONSE, "a"), STR("1"));
	clock_move_ms(30000);
	check_str("looking at it gives no time", look(k, "t", KEEP_RESPONSE, "a"), STR("-"));
	check_str("the later one", look(k, "t", KEEP_RESPONSE, "b"), STR("2"));
	clock_move_ms(30000);
	assert_false(keep_drop(k, STR("t"), KEEP_RESPONSE, STR("b")));
	assert_int_equal(keep_figures(k).entries, 0);
	assert_int_equal(keep_figures(k).bytes, 0);
	assert_int_equal(keep_figures(k).evicted, 0);
	keep_free(k);
}

static void the_least_used_goes_first(void **state)
{
	struct keep *k = keep_new(1 << 20, 60000);
	static char value[1000];
	char id[16];

	keep_put(k, STR("t"), KEEP_RESPONSE, STR("used"), STR("still here"));
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_true(keep_put(k, STR("t"), KEEP_RESPONSE, str_from_z(id), str_of(value, sizeof(value))));
		check_str("used", look(k, "t", KEEP_RESPONSE, "used"), STR("still here"));
		arena_fini(&arena);
		arena_init(&arena, 64 << 20);
		assert_true(keep_figures(k).bytes <= 1 << 20);
	}
	check_str("the first one", look(k, "t", KEEP_RESPONSE, "id0"), STR("-"));
	assert_int_equal(look(k, "t", KEEP_RESPONSE, "id4999").n, sizeof(value));
	struct keep_figures f = keep_figures(k);
	assert_true(f.entries > 800 && f.entries < 1050 && f.evicted == 5001 - f.entries);

	/* what does not fit takes its older name's value with it */
	char *large = calloc(1, 1 << 18);
	assert_false(keep_put(k, STR("t"), KEEP_RESPONSE, STR("used"), str_of(large, 1 << 18)));
	check_str("too large", look(k, "t", KEEP_RESPONSE, "used"), STR("-"));
	free(large);

	/* a smaller ceiling works at the next use of each shard */
	keep_limit(k, 8 * 3000, 60000);
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "new%d", i);
		keep_put(k, STR("t"), KEEP_RESPONSE, str_from_z(id), str_of(value, sizeof(value)));
	}
	assert_true(keep_figures(k).bytes <= 8 * 3000);
	keep_free(k);
}

static void *worker(void *arg)
{
	struct keep *k = arg;
	struct arena mine;
	char id[16], value[64];

	for (int i = 0; i < 20000; i++) {
		struct str out;

		snprintf(id, sizeof(id), "id%d", i % 97);
		snprintf(value, sizeof(value), "value of %s", id);
		arena_init(&mine, 1 << 16);
		if (i % 3 == 0)
			keep_put(k, STR("t"), KEEP_OPAQUE, str_from_z(id), str_from_z(value));
		else if (i % 31 == 0)
			keep_drop(k, STR("t"), KEEP_OPAQUE, str_from_z(id));
		else if (keep_get(k, &mine, STR("t"), KEEP_OPAQUE, str_from_z(id), &out))
			assert_true(str_eq(out, str_from_z(value)));
		arena_fini(&mine);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct keep *k = keep_new(8 * 1500, 60000);
	pthread_t t[4];

	for (size_t i = 0; i < COUNT_OF(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, k), 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		pthread_join(t[i], NULL);
	assert_true(keep_figures(k).bytes <= 8 * 1500);
	keep_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_compared_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(age_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_least_used_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_share_it, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
