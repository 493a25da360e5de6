/* SPDX-License-Identifier: Apache-2.0 */
/* v16 with SSE2; included by v16.h only. */
#ifndef SLUICE_BASE_V16_SSE2_H
#define SLUICE_BASE_V16_SSE2_H

#include <emmintrin.h>

typedef __m128i v16; /* the machine's word, not a structure of ours */

static inline v16 v16_load(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
static inline v16 v16_fill(char c) { return _mm_set1_epi8(c); }
static inline v16 v16_eq(v16 a, v16 b) { return _mm_cmpeq_epi8(a, b); }
static inline v16 v16_lt(v16 a, v16 b) { return _mm_cmplt_epi8(a, b); }
static inline v16 v16_below(v16 a, v16 b) { return _mm_subs_epi8(a, b); }
static inline v16 v16_add(v16 a, v16 b) { return _mm_add_epi8(a, b); }
static inline v16 v16_or(v16 a, v16 b) { return _mm_or_si128(a, b); }
static inline v16 v16_and(v16 a, v16 b) { return _mm_and_si128(a, b); }
static inline v16 v16_xor(v16 a, v16 b) { return _mm_xor_si128(a, b); }
static inline unsigned v16_mask(v16 a) { return (unsigned)_mm_movemask_epi8(a); }

#endif
