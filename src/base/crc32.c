/* SPDX-License-Identifier: Apache-2.0 */
/* crc32: eight bytes a turn, one table for each ("slicing by 8"). */
#include "base/crc32.h"

/*
 * A table's entry for n is the sum (exclusive or) of the entries for the bits of n, so that eight numbers a table say
 * all of them, and the compiler writes them out. Table k is of a byte with k bytes behind it.
 */
#define BIT(n, k, v)                       ((n) >> (k) & 1 ? (v) : 0u)
#define ROW(n, a, b, c, d, e, f, g, h)                                                                                 \
	(BIT(n, 0, a) ^ BIT(n, 1, b) ^ BIT(n, 2, c) ^ BIT(n, 3, d) ^ BIT(n, 4, e) ^ BIT(n, 5, f) ^ BIT(n, 6, g) ^      \
	 BIT(n, 7, h))
#define ROWS_4(n, ...)                                                                                                 \
	ROW((n), __VA_ARGS__), ROW((n) + 1, __VA_ARGS__), ROW((n) + 2, __VA_ARGS__), ROW((n) + 3, __VA_ARGS__)
#define ROWS_16(n, ...)                                                                                                \
	ROWS_4(n, __VA_ARGS__), ROWS_4((n) + 4, __VA_ARGS__), ROWS_4((n) + 8, __VA_ARGS__),                            \
		ROWS_4((n) + 12, __VA_ARGS__)
#define ROWS_64(n, ...)                                                                                                \
	ROWS_16(n, __VA_ARGS__), ROWS_16((n) + 16, __VA_ARGS__), ROWS_16((n) + 32, __VA_ARGS__),                       \
		ROWS_16((n) + 48, __VA_ARGS__)
#define ROWS(...)                                                                                                      \
	{                                                                                                              \
		ROWS_64(0u, __VA_ARGS__), ROWS_64(64u, __VA_ARGS__), ROWS_64(128u, __VA_ARGS__),                       \
			ROWS_64(192u, __VA_ARGS__)                                                                     \
	}

static const uint32_t table[8][256] = {
	ROWS(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320),
	ROWS(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b),
	ROWS(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80),
	ROWS(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b),
	ROWS(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092),
	ROWS(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8),
	ROWS(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2),
	ROWS(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da),
};

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32_add(uint32_t crc, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t c = ~crc;

	for (; s.n >= 8; s.n -= 8, p += 8) {
		uint32_t a = c ^ le32(p), b = le32(p + 4);

		c = table[7][a & 255] ^ table[6][a >> 8 & 255] ^ table[5][a >> 16 & 255] ^ table[4][a >> 24] ^
		    table[3][b & 255] ^ table[2][b >> 8 & 255] ^ table[1][b >> 16 & 255] ^ table[0][b >> 24];
	}
	for (; s.n; s.n--, p++)
		c = c >> 8 ^ table[0][(c ^ *p) & 255];
	return ~c;
}
