/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and ULIDs. */
#include "base/rand.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

/* xoshiro256** (prng.di.unimi.it), one state a thread. */
struct rand_state {
	uint64_t s[4];
	bool seeded;
};

static _Thread_local struct rand_state draws;

/* The last ULID of this thread. It draws from a generator of its own: rand_seed, which makes draws replayable, must not
 * make identifiers repeat. */
static _Thread_local struct {
	struct rand_state rand;
	uint64_t ms;
	uint64_t high, low; /* the 80 random bits: 16 and 64 */
} last;

static inline uint64_t rotate(uint64_t v, int by)
{
	return (v << by) | (v >> (64 - by));
}

static uint64_t rand_step(struct rand_state *r)
{
	uint64_t *s = r->s, result, t;

	if (unlikely(!r->seeded)) {
		do {
			rand_secret(s, sizeof(r->s));
		} while (!(s[0] | s[1] | s[2] | s[3])); /* the one state it cannot leave */
		r->seeded = true;
	}
	result = rotate(s[1] * 5, 7) * 9;
	t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

void rand_secret(void *out, size_t n)
{
	char *p = out;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			log_panic("the kernel gives no random bytes: getrandom failed with error %d", errno);
		p += got;
		n -= (size_t)got;
	}
}

uint64_t rand_u64(void)
{
	return rand_step(&draws);
}

/* Lemire's multiply-and-shift (arxiv.org/abs/1805.10941): no division unless the draw falls into the uneven rest. */
uint64_t rand_below(uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;
	wide product;
	uint64_t rest;

	assert(n > 0);
	product = (wide)rand_u64() * n;
	if (unlikely((uint64_t)product < n)) {
		rest = -n % n;
		while ((uint64_t)product < rest)
			product = (wide)rand_u64() * n;
	}
	return (uint64_t)(product >> 64);
}

double rand_unit(void)
{
	return (double)(rand_u64() >> 11) * 0x1.0p-53;
}

/* splitmix64 spreads the seed, as the authors of xoshiro advise. */
void rand_seed(uint64_t seed)
{
	for (size_t i = 0; i < COUNT_OF(draws.s); i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		draws.s[i] = z ^ (z >> 31);
	}
	draws.seeded = true;
}

/* Within one millisecond, or when the real clock went back, the last one is counted up: that keeps the order. */
struct ulid ulid_new(uint64_t real_ms)
{
	struct ulid u;
	uint64_t words[2];

	if (real_ms > last.ms || last.ms == 0) {
		last.ms = real_ms;
		last.high = rand_step(&last.rand) & 0x7fff; /* the top bit stays free: room to count */
		last.low = rand_step(&last.rand);
	} else if (++last.low == 0 && ++last.high > 0xffff) {
		last.high = 0;
		last.ms++;
	}
	words[0] = htobe64(last.ms << 16 | last.high);
	words[1] = htobe64(last.low);
	memcpy(u.b, words, sizeof u.b);
	return u;
}

/* The low 40 bits of x, five to a byte, the highest ones in the first byte of memory. */
static inline uint64_t spread5(uint64_t x)
{
	x = (x & 0xfffff) << 32 | (x >> 20 & 0xfffff);
	x = (x & 0x000003ff000003ff) << 16 | (x >> 10 & 0x000003ff000003ff);
	return (x & 0x001f001f001f001f) << 8 | (x >> 5 & 0x001f001f001f001f);
}

/* Eight digits of Crockford's base 32 at once: '0' and up, with a jump wherever the alphabet leaves out a letter (none
 * of I, L, O, U) and from '9' to 'A'. */
static inline uint64_t crockford8(uint64_t digits)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t text = digits + ones * '0';

	text += ((digits + ones * (128 - 10)) >> 7 & ones) * ('A' - '9' - 1);
	text += (digits + ones * (128 - 18)) >> 7 & ones;
	text += (digits + ones * (128 - 20)) >> 7 & ones;
	text += (digits + ones * (128 - 22)) >> 7 & ones;
	text += (digits + ones * (128 - 27)) >> 7 & ones;
	return htole64(text);
}

/* 26 characters of 5 bits hold 130: the first has only three bits of the value. */
void ulid_text(char out[ULID_LEN], struct ulid u)
{
	uint64_t high, low, text;

	memcpy(&high, u.b, 8);
	memcpy(&low, u.b + 8, 8);
	high = be64toh(high);
	low = be64toh(low);
	text = crockford8(spread5(high >> 56));
	memcpy(out, (char *)&text + 6, 2);
	text = crockford8(spread5(high >> 16));
	memcpy(out + 2, &text, 8);
	text = crockford8(spread5(high << 24 | low >> 40));
	memcpy(out + 10, &text, 8);
	text = crockford8(spread5(low));
	memcpy(out + 18, &text, 8);
}
