/* SPDX-License-Identifier: Apache-2.0 */
/* crc32: known values, and any cut gives the same. */
#include "base/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint32_t bit_by_bit(struct str s)
{
	uint32_t c = ~0u;

	for (size_t i = 0; i < s.n; i++) {
		c ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
	}
	return ~c;
}

static void knows_the_published_values(void **state)
{
	assert_int_equal(crc32_add(0, STR("")), 0);
	assert_int_equal(crc32_add(0, STR("123456789")), 0xcbf43926u); /* the check value of every catalogue */
	assert_int_equal(crc32_add(0, STR("The quick brown fox jumps over the lazy dog")), 0x414fa339u);
}

static void any_length_and_any_cut(void **state)
{
	char bytes[300];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 37 + (i >> 3));
	for (size_t n = 0; n <= sizeof bytes; n++) {
		uint32_t whole = crc32_add(0, str_of(bytes, n));
		size_t cut = n / 3;

		assert_int_equal(whole, bit_by_bit(str_of(bytes, n)));
		assert_int_equal(whole, crc32_add(crc32_add(0, str_of(bytes, cut)), str_of(bytes + cut, n - cut)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_published_values),
		cmocka_unit_test(any_length_and_any_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
