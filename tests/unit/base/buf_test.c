/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h: appending up to the ceiling, and not a byte further. */
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

static void starts_empty_and_costs_nothing(void **state)
{
	struct buf b = buf_make(1000);

	check("no memory", b.p == NULL && b.cap == 0);
	check("append nothing", buf_append(&b, str_of(NULL, 0)) && b.p == NULL);
	check("consume nothing", (buf_consume(&b, 0), b.n == 0));
	check_str("contents", buf_str(&b), STR(""));
	buf_fini(&b);
	buf_fini(NULL);
}

static void fills_to_the_ceiling(void **state)
{
	static const size_t ceilings[] = { 1, 2, 255, 256, 257, 511, 512, 1000, 4096 };

	for (size_t i = 0; i < COUNT_OF(ceilings); i++) {
		struct buf b = buf_make(ceilings[i]);

		for (size_t n = 0; n < ceilings[i]; n++)
			check("below", buf_append_c(&b, (char)('a' + n % 26)));
		check("kept so far", !b.failed);
		check("full", !buf_append_c(&b, 'x') && b.failed);
		check_u64("length", b.n, ceilings[i]);
		check("never past the ceiling", b.cap <= b.max);
		for (size_t n = 0; n < ceilings[i]; n++)
			check("contents", b.p[n] == (char)('a' + n % 26));
		check("reserve nothing", buf_reserve(&b, 0) == b.p + b.n);
		buf_clear(&b);
		check("cleared", b.n == 0 && !b.failed && b.p);
		check("usable again", buf_append_c(&b, 'x'));
		buf_fini(&b);
		check("finished", b.p == NULL && b.max == ceilings[i]);
	}
}

static void refuses_what_cannot_fit(void **state)
{
	struct buf b = buf_make(10), none = buf_make(0);

	check("room", buf_append(&b, STR("12345")));
	check("one too many", !buf_append(&b, STR("678901")) && b.failed);
	check_str("kept", buf_str(&b), STR("12345"));
	check("huge", !buf_reserve(&b, SIZE_MAX));
	check("huge hex", !buf_append_hex(&b, str_of(b.p, SIZE_MAX / 2 + 1)));
	check("exactly", buf_append(&b, STR("67890")));
	check_str("full", buf_str(&b), STR("1234567890"));
	check("nothing at all allowed", !buf_append_c(&none, 'x') && none.failed);
	buf_fini(&b);
	buf_fini(&none);
}

static void doubles(void **state)
{
	struct buf b = buf_make(1 << 20);
	size_t cap = 0, moves = 0;

	for (int i = 0; i < 100000; i++) {
		check("append", buf_append_c(&b, 'x'));
		moves += b.cap != cap;
		cap = b.cap;
	}
	check("few moves", moves <= 10);
	check("no waste", b.cap < 2 * 100000u);
	buf_fini(&b);
}

static void reserved_room_can_be_written(void **state)
{
	struct buf b = buf_make(600);
	char *p = buf_reserve(&b, 600);

	check("room", p != NULL);
	memset(p, 'x', 600);
	b.n += 600;
	check("no more", !buf_reserve(&b, 1));
	buf_fini(&b);
}

static void writes_numbers(void **state)
{
	static const struct {
		int64_t v;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 99, "99" },
		{ 100, "100" },
		{ 1234567, "1234567" },
		{ -1, "-1" },
		{ -100, "-100" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct buf b = buf_make(100);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		check(cases[i].want, buf_append_i64(&b, cases[i].v));
		check_str(cases[i].want, buf_str(&b), str_from_z(cases[i].want));
		if (cases[i].v < 0)
			continue;
		buf_clear(&b);
		check(cases[i].want, buf_append_u64(&b, (uint64_t)cases[i].v));
		check_str(cases[i].want, buf_str(&b), str_from_z(cases[i].want));
	}
	buf_clear(&b);
	check("largest", buf_append_u64(&b, UINT64_MAX));
	check_str("largest", buf_str(&b), STR("18446744073709551615"));
	buf_fini(&b);
}

static void check_digits(uint64_t v)
{
	char got[20], want[32];
	size_t n = fmt_u64(got, v);

	snprintf(want, sizeof want, "%llu", (unsigned long long)v);
	check_str(want, str_of(got, n), str_from_z(want));
}

/* Around every power of two and of ten, where the number of bits or of digits changes. */
static void writes_as_many_digits_as_there_are(void **state)
{
	uint64_t v = 1;

	for (unsigned i = 0; i < 64; i++)
		for (int by = -1; by <= 1; by++)
			check_digits((1ull << i) + (uint64_t)by);
	for (unsigned i = 0; i < 20; i++, v *= 10)
		for (int by = -1; by <= 1; by++)
			check_digits(v + (uint64_t)by);
}

static void writes_hex(void **state)
{
	struct buf b = buf_make(8);

	check("fits", buf_append_hex(&b, STR("\x00\x9f\xa0\xff")));
	check_str("digits", buf_str(&b), STR("009fa0ff"));
	check("ceiling", !buf_append_hex(&b, STR("\x01")) && b.failed);
	buf_fini(&b);
}

static void prints_up_to_the_ceiling(void **state)
{
	static const struct {
		const char *name;
		size_t max;
		int before, width;
		bool ok;
	} cases[] = {
		{ "into nothing", 100, 0, 10, true },      { "fits exactly", 100, 0, 100, true },
		{ "one too much", 100, 0, 101, false },    { "behind others", 1000, 200, 10, true },
		{ "grows", 1000, 200, 700, true },         { "fills a first block", 1000, 200, 55, true },
		{ "a byte over it", 1000, 200, 56, true }, { "fills behind others", 1000, 200, 800, true },
		{ "too much", 1000, 200, 801, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = buf_make(cases[i].max);
		size_t want = (size_t)cases[i].before + (cases[i].ok ? (size_t)cases[i].width : 0);

		check(cases[i].name, buf_printf(&b, "%*s", cases[i].before, ""));
		check(cases[i].name, buf_printf(&b, "%*d", cases[i].width, 7) == cases[i].ok);
		check(cases[i].name, b.failed == !cases[i].ok);
		check_u64(cases[i].name, b.n, want);
		check(cases[i].name, !cases[i].ok || b.p[b.n - 1] == '7');
		buf_fini(&b);
	}
}

static void consumes_from_the_front(void **state)
{
	struct buf b = buf_make(100);

	check("append", buf_append(&b, STR("abcdef")));
	buf_consume(&b, 2);
	check_str("rest", buf_str(&b), STR("cdef"));
	buf_consume(&b, 0);
	check_str("nothing taken", buf_str(&b), STR("cdef"));
	buf_consume(&b, 4);
	check_str("all taken", buf_str(&b), STR(""));
	buf_fini(&b);
}

static void contents_can_be_taken(void **state)
{
	struct buf b = buf_make(100);
	size_t n = 0;
	char *p;

	check("append", buf_append(&b, STR("abc")));
	p = buf_take(&b, &n);
	check_str("taken", str_of(p, n), STR("abc"));
	check("empty", b.p == NULL && b.n == 0 && b.max == 100);
	free(p);
	p = buf_take(&b, &n);
	check("of nothing", p != NULL && n == 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty_and_costs_nothing), cmocka_unit_test(fills_to_the_ceiling),
		cmocka_unit_test(refuses_what_cannot_fit),        cmocka_unit_test(doubles),
		cmocka_unit_test(reserved_room_can_be_written),   cmocka_unit_test(writes_numbers),
		cmocka_unit_test(writes_as_many_digits_as_there_are),
		cmocka_unit_test(writes_hex),                     cmocka_unit_test(prints_up_to_the_ceiling),
		cmocka_unit_test(consumes_from_the_front),        cmocka_unit_test(contents_can_be_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
