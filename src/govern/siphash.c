/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4, 128 bits (Aumasson, Bernstein: "SipHash: a fast short-input PRF"; github.com/veorq/SipHash). */
#include "govern/govern_in.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t v, int by)
{
	return (v << by) | (v >> (64 - by));
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

static inline uint64_t sip_end(struct sip *s)
{
	for (int i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Words are read as the machine has them: results are compared within one process only. */
struct siphash siphash_128(const struct siphash_key *key, struct str in)
{
	struct sip s = {
		key->k0 ^ 0x736f6d6570736575u,
		key->k1 ^ 0x646f72616e646f6du ^ 0xee,
		key->k0 ^ 0x6c7967656e657261u,
		key->k1 ^ 0x7465646279746573u,
	};
	struct siphash out;
	uint64_t m, last = (uint64_t)in.n << 56;
	size_t i = 0;

	for (; i + 8 <= in.n; i += 8) {
		memcpy(&m, in.p + i, 8);
		sip_word(&s, m);
	}
	for (unsigned shift = 0; i < in.n; i++, shift += 8)
		last |= (uint64_t)(uint8_t)in.p[i] << shift;
	sip_word(&s, last);
	s.v2 ^= 0xee;
	out.low = sip_end(&s);
	s.v1 ^= 0xdd;
	out.high = sip_end(&s);
	return out;
}
