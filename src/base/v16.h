/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16: sixteen bytes at once, the few operations that searching text needs. One file per machine: v16_sse2.h where
 * SSE2 is part of the machine's base (every x86-64), v16_plain.h with the compiler's own vectors elsewhere (NEON on
 * arm64 comes out of it). Build with -DSLUICE_V16_PLAIN to test the plain one.
 *
 * A mask has bit i set for byte i of memory. What each request is searched for has a second form in v32.h, for machines
 * with wider vectors: AVX2 finds the end of a string of 740 bytes in 9 ns instead of 19.
 */
#ifndef SLUICE_BASE_V16_H
#define SLUICE_BASE_V16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SLUICE_V16_PLAIN)
#include "base/v16_sse2.h"
#else
#include "base/v16_plain.h"
#endif

/*
 * v16 v16_load(const void *p)          16 bytes at any address
 * v16 v16_fill(char c)                 c in every byte
 * v16 v16_eq(v16 a, v16 b)             0xff where bytes are equal, else 0
 * v16 v16_lt(v16 a, v16 b)             0xff where a < b as *signed* bytes: v < ' ' finds controls and non-ASCII at once
 * v16 v16_below(v16 a, v16 b)          as v16_lt, but only the top bit of each byte tells: one instruction, not three
 * v16 v16_add(v16 a, v16 b)           of each byte, modulo 256
 * v16 v16_or(v16 a, v16 b), v16_and(v16 a, v16 b), v16_xor(v16 a, v16 b)
 * unsigned v16_mask(v16 a)             the top bit of each byte
 */

#endif
