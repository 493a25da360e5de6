/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.h: growth, ceiling, marks, cleanups. */
#include "lib/check.h"

#include "base/arena.h"

static char order[8];
static size_t order_n;

static void note(void *arg)
{
	order[order_n++] = *(const char *)arg;
}

static void memory_is_aligned_and_apart(void **state)
{
	struct arena a;
	char *last = NULL;

	arena_init(&a, 1 << 20);
	check("no memory yet", a.used_bytes == 0);
	for (size_t n = 1; n < 300; n++) {
		char *p = arena_alloc(&a, n);

		check("given", p != NULL && p != last);
		check("aligned", (uintptr_t)p % _Alignof(max_align_t) == 0);
		memset(p, 0xff, n);
		last = p;
	}
	check("zeroed", str_eq(str_of(arena_zalloc(&a, 4), 4), STR("\0\0\0\0")));
	check("zeroed", str_eq(str_of(arena_must(&a, 4), 4), STR("\0\0\0\0")));
	arena_fini(&a);
	check("all given back", a.used_bytes == 0 && a.blocks == NULL);
	arena_fini(NULL);
}

static void blocks_double(void **state)
{
	static const size_t held[] = { 4096, 12288, 28672, 61440, 126976, 192512, 258048 };
	struct arena a;
	size_t step = 0;

	arena_init(&a, 10 << 20);
	check("first", arena_alloc(&a, 16) != NULL);
	check_u64("small", a.used_bytes, held[0]);
	while (step + 1 < COUNT_OF(held)) {
		size_t was = a.used_bytes;

		check("given", arena_alloc(&a, 512) != NULL);
		if (a.used_bytes != was)
			check_u64("step", a.used_bytes, held[++step]);
	}
	arena_fini(&a);
}

static void large_requests_get_their_own_block(void **state)
{
	struct arena a;
	char *before, *after;

	arena_init(&a, 10 << 20);
	before = arena_alloc(&a, 32);
	check("large", arena_alloc(&a, 1 << 20) != NULL);
	check("block as large as asked", a.used_bytes < (1 << 20) + 8192);
	after = arena_alloc(&a, 32);
	check("the old block is still used", after == before + 32);
	arena_fini(&a);
}

static void ceiling_is_an_ordinary_answer(void **state)
{
	static const struct {
		const char *name;
		size_t max, ask;
		bool ok;
	} cases[] = {
		{ "nothing allowed", 0, 1, false },
		{ "a head's worth", 16, 1, false },
		{ "small arena", 100, 48, true },
		{ "large in small", 4096, 8192, false },
		{ "the head counts", 4096, 4096, false },
		{ "just with its head", 4096, 4096 - 16, true },
		{ "overflow", 1 << 20, SIZE_MAX, false },
		{ "overflow by rounding", 1 << 20, SIZE_MAX - 3, false },
		{ "half of all", 1 << 20, SIZE_MAX / 2, false },
		{ "no ceiling, but too much", SIZE_MAX, SIZE_MAX - 20, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena a;

		arena_init(&a, cases[i].max);
		check(cases[i].name, (arena_alloc(&a, cases[i].ask) != NULL) == cases[i].ok);
		check(cases[i].name, cases[i].ok || arena_zalloc(&a, cases[i].ask) == NULL);
		check(cases[i].name, a.used_bytes <= a.max_bytes);
		arena_fini(&a);
	}
}

static void every_way_in_stops_at_the_ceiling(void **state)
{
	struct arena a;
	size_t n = 0;

	arena_init(&a, 10000);
	while (arena_alloc(&a, 16))
		n++;
	check("nearly all was given", n * 16 > 9000);
	check("not more than allowed", a.used_bytes <= 10000);
	check("dup", arena_dup(&a, STR("text that does not fit any more")).p == NULL);
	check("printf", arena_printf(&a, "%s", "text that does not fit any more").p == NULL);
	check("cleanup", !arena_on_free(&a, note, NULL));
	arena_fini(&a);
	check("usable again", arena_alloc(&a, 16) != NULL);
	arena_fini(&a);
}

static void copies_end_in_nul(void **state)
{
	struct arena a;
	struct str s;

	arena_init(&a, 1 << 20);
	s = arena_dup(&a, STR("a\0b"));
	check("bytes", str_eq(s, STR("a\0b")) && s.p[3] == '\0');
	s = arena_dup(&a, str_of(NULL, 0));
	check("nothing is not NULL", s.p != NULL && s.n == 0 && s.p[0] == '\0');
	arena_fini(&a);
}

static void prints_in_place_or_anew(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (int width = 0; width < 2000; width += 7) {
		struct str s = arena_printf(&a, "%*s", width, "");
		char *next = arena_alloc(&a, 1);

		check_u64("length", s.n, width);
		check("ends in NUL", s.p[s.n] == '\0');
		*next = 'x';
		check("not overwritten", s.n == 0 || s.p[s.n - 1] == ' ');
		check("still ends in NUL", s.p[s.n] == '\0');
	}
	arena_fini(&a);
}

static void cleanups_run_last_in_first_out(void **state)
{
	char names[] = "abc";
	struct arena a;

	order_n = 0;
	arena_init(&a, 1 << 20);
	for (int i = 0; i < 3; i++)
		assert_true(arena_on_free(&a, note, names + i));
	check_u64("not yet", order_n, 0);
	arena_fini(&a);
	check_str("order", str_of(order, order_n), STR("cba"));
	arena_fini(&a);
	check_u64("once", order_n, 3);
}

static void registers_more(void *arg)
{
	static char name[] = "x";

	assert_true(arena_on_free(arg, note, name));
}

static void a_cleanup_may_register_another(void **state)
{
	struct arena a;

	order_n = 0;
	arena_init(&a, 1 << 20);
	assert_true(arena_on_free(&a, registers_more, &a));
	arena_fini(&a);
	check_str("ran too", str_of(order, order_n), STR("x"));
}

static void rewinding_gives_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 500, 1500, 5000, 100000 };
	struct arena a;

	for (size_t first = 0; first < COUNT_OF(sizes); first++) {
		struct arena_mark m;
		char *next;
		size_t held;

		arena_init(&a, 10 << 20);
		if (sizes[first])
			memset(arena_alloc(&a, sizes[first]), 'k', sizes[first]);
		m = arena_mark(&a);
		held = a.used_bytes;
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			memset(arena_alloc(&a, sizes[i]), 'x', sizes[i]);
		arena_rewind(&a, m);
		check_u64("as before", a.used_bytes, held);
		next = arena_alloc(&a, 16);
		check("same place", !m.p || m.end - m.p < 16 || next == m.p);
		arena_rewind(&a, m);
		check_u64("as before again", a.used_bytes, held);
		arena_fini(&a);
	}
}

static void a_long_stream_does_not_grow(void **state)
{
	struct arena a;
	size_t held = 0;

	arena_init(&a, 1 << 20);
	check("request", arena_alloc(&a, 900) != NULL);
	for (int i = 0; i < 100000; i++) {
		struct arena_mark m = arena_mark(&a);

		memset(arena_alloc(&a, 300), 'e', 300);
		memset(arena_alloc(&a, 70), 'e', 70);
		arena_rewind(&a, m);
		if (i == 0)
			held = a.used_bytes;
		check_u64("held", a.used_bytes, held);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_and_apart),
		cmocka_unit_test(blocks_double),
		cmocka_unit_test(large_requests_get_their_own_block),
		cmocka_unit_test(ceiling_is_an_ordinary_answer),
		cmocka_unit_test(every_way_in_stops_at_the_ceiling),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(prints_in_place_or_anew),
		cmocka_unit_test(cleanups_run_last_in_first_out),
		cmocka_unit_test(a_cleanup_may_register_another),
		cmocka_unit_test(rewinding_gives_back),
		cmocka_unit_test(a_long_stream_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
