/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rand: random numbers. rand_secret is the kernel's and fit for keys; rand_u64 is a fast generator per thread, seeded
 * from the kernel, for jitter and weighted draws only. ULIDs are ordered by time and unique across threads and
 * restarts.
 */
#ifndef SLUICE_BASE_RAND_H
#define SLUICE_BASE_RAND_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void rand_secret(void *out, size_t n);              /* panics if the kernel refuses */
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t n);                    /* uniform in [0, n); n > 0 */
double rand_unit(void);                             /* uniform in [0, 1) */
void rand_seed(uint64_t seed);                      /* this thread's generator, for replayable tests */

/* A ULID (github.com/ulid/spec): 48 bits of time, 80 random; 26 characters of Crockford base 32, not terminated. */
#define ULID_LEN 26
struct ulid { uint8_t b[16]; };
struct ulid ulid_new(uint64_t real_ms);             /* never the same twice in a process; ordered within a thread */
void ulid_text(char out[ULID_LEN], struct ulid);
static inline uint64_t ulid_time_ms(struct ulid u)
{
	uint64_t high;
	memcpy(&high, u.b, sizeof(high));
	return be64toh(high) >> 16;
}

#endif
