/* SPDX-License-Identifier: Apache-2.0 */
/* v16 with the compiler's vectors; included by v16.h only. */
#ifndef SLUICE_BASE_V16_PLAIN_H
#define SLUICE_BASE_V16_PLAIN_H

typedef signed char v16 __attribute__((vector_size(16))); /* the machine's word, not a structure of ours */
typedef unsigned char v16u __attribute__((vector_size(16)));

static inline v16 v16_load(const void *p)
{
	v16 v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline v16 v16_fill(char c)
{
	signed char s = (signed char)c;
	return (v16){ s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s };
}

static inline v16 v16_eq(v16 a, v16 b) { return (v16)(a == b); }
static inline v16 v16_lt(v16 a, v16 b) { return (v16)(a < b); }
static inline v16 v16_below(v16 a, v16 b) { return v16_lt(a, b); }
static inline v16 v16_add(v16 a, v16 b) { return (v16)((v16u)a + (v16u)b); }
static inline v16 v16_or(v16 a, v16 b) { return a | b; }
static inline v16 v16_and(v16 a, v16 b) { return a & b; }
static inline v16 v16_xor(v16 a, v16 b) { return a ^ b; }

/* The multiplication gathers the top bits of eight bytes in the topmost one. */
static inline unsigned v16_mask_half(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return (unsigned)((((x >> 7) & 0x0101010101010101u) * 0x0102040810204080u) >> 56);
}

static inline unsigned v16_mask(v16 a)
{
	uint64_t half[2];
	memcpy(half, &a, sizeof half);
	return v16_mask_half(half[0]) | v16_mask_half(half[1]) << 8;
}

#endif
