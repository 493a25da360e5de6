/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v32: thirty-two bytes at once, on machines that turn out to have such vectors (AVX2): half the instructions of v16.h
 * for the texts that each request is searched for. Where the machine is of another kind, V32 is not defined.
 *
 * A function that uses them is marked V32 and called only if v32_here(). Functions that are inline may be called from
 * it and are compiled anew for it.
 */
#ifndef SLUICE_BASE_V32_H
#define SLUICE_BASE_V32_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(SLUICE_V16_PLAIN)
#include <immintrin.h>

#define V32 __attribute__((target("avx2,bmi")))

typedef __m256i v32; /* the machine's word, not a structure of ours */

static inline bool v32_here(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"); }

V32 static inline v32 v32_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
V32 static inline v32 v32_fill(char c) { return _mm256_set1_epi8(c); }
V32 static inline v32 v32_eq(v32 a, v32 b) { return _mm256_cmpeq_epi8(a, b); }
V32 static inline v32 v32_below(v32 a, v32 b) { return _mm256_subs_epi8(a, b); } /* as v16_below: top bits only */
V32 static inline v32 v32_or(v32 a, v32 b) { return _mm256_or_si256(a, b); }
V32 static inline v32 v32_and(v32 a, v32 b) { return _mm256_and_si256(a, b); }
V32 static inline v32 v32_xor(v32 a, v32 b) { return _mm256_xor_si256(a, b); }
V32 static inline uint32_t v32_mask(v32 a) { return (uint32_t)_mm256_movemask_epi8(a); }
/* The lowest bit's number; 32: there is none. */
V32 static inline unsigned v32_first(uint32_t mask) { return _tzcnt_u32(mask); }
#endif

#endif
