/* SPDX-License-Identifier: Apache-2.0 */
/* base/map.h against a plain array that does the same slowly. */
#include "lib/check.h"

#include <stdio.h>

#include "base/map.h"
#include "base/rand.h"

static void an_empty_map_answers(void **state)
{
	struct map m = { 0 };
	void *value;
	size_t i = 0;

	check("get", map_get(&m, STR("x")) == NULL);
	check("take", map_take(&m, STR("x")) == NULL);
	check("next", !map_next(&m, &i, NULL, &value));
	map_fini(&m);
	map_fini(NULL);
}

static void keys_are_bytes(void **state)
{
	static const struct str keys[] = { STR_INIT(""), STR_INIT("a"), STR_INIT("a\0"), STR_INIT("a\0b"),
					   STR_INIT("A"), STR_INIT("\xff") };
	struct map m = { 0 };

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		check("new", map_put(&m, keys[i], (void *)&keys[i]) == NULL);
	check_u64("all apart", m.n, COUNT_OF(keys));
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		check("found", map_get(&m, keys[i]) == &keys[i]);
	check("no pointer is the empty key", map_get(&m, str_of(NULL, 0)) == &keys[0]);
	map_fini(&m);
	check("gone", m.n == 0 && map_get(&m, keys[1]) == NULL);
}

/* The old key may be freed together with the old value. */
static void replacing_takes_the_new_key(void **state)
{
	char old_key[] = "key", new_key[] = "key";
	struct map m = { 0 };
	int old_value, new_value;

	check("new", map_put(&m, str_from_z(old_key), &old_value) == NULL);
	check("replaced", map_put(&m, str_from_z(new_key), &new_value) == &old_value);
	memset(old_key, 'x', 3);
	check("found", map_get(&m, STR("key")) == &new_value);
	check_u64("one", m.n, 1);
	map_fini(&m);
}

enum { KEYS = 2000, STEPS = 40000 };

static void does_as_a_plain_array_does(void **state)
{
	static char names[KEYS][8];
	static bool present[KEYS];
	struct map m = { 0 };
	size_t n = 0, seen = 0;
	struct str key;
	void *value;

	rand_seed(3);
	for (size_t i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "k%zu", i);
	for (int step = 0; step < STEPS; step++) {
		size_t i = rand_below(step < STEPS / 2 ? KEYS : KEYS / 20);
		void *want = present[i] ? names[i] : NULL;

		switch (rand_below(3)) {
		case 0:
			check(names[i], map_put(&m, str_from_z(names[i]), names[i]) == want);
			n += !present[i];
			present[i] = true;
			break;
		case 1:
			check(names[i], map_take(&m, str_from_z(names[i])) == want);
			n -= present[i];
			present[i] = false;
			break;
		default:
			check(names[i], map_get(&m, str_from_z(names[i])) == want);
		}
		check_u64("number", m.n, n);
	}
	for (size_t i = 0; i < KEYS; i++)
		check(names[i], map_get(&m, str_from_z(names[i])) == (present[i] ? names[i] : NULL));
	for (size_t i = 0; map_next(&m, &i, &key, &value); seen++)
		check_str("visited", key, str_from_z(value));
	check_u64("each once", seen, n);
	for (size_t i = 0; i < KEYS; i++)
		map_take(&m, str_from_z(names[i]));
	check_u64("empty", m.n, 0);
	map_fini(&m);
}

static void hashes_depend_on_all_bytes(void **state)
{
	check("same", hash_bytes(STR("abc")) == hash_bytes(STR("abc")));
	check("content", hash_bytes(STR("abc")) != hash_bytes(STR("abd")));
	check("length", hash_bytes(STR("abc")) != hash_bytes(STR("abc\0")));
	check("nothing", hash_bytes(str_of(NULL, 0)) == hash_bytes(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_answers),
		cmocka_unit_test(keys_are_bytes),
		cmocka_unit_test(replacing_takes_the_new_key),
		cmocka_unit_test(does_as_a_plain_array_does),
		cmocka_unit_test(hashes_depend_on_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
