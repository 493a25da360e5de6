/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings of the demo provider: feature hashing. Each word adds a direction that its hash chooses. */
#include "main/demo_in.h"

#include <assert.h>
#include <math.h>

#include <xxhash.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
}

static void add_word(struct str word, float *out, int64_t dimensions)
{
	char lower[64];
	size_t n = word.n < sizeof(lower) ? word.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = (char)(word.p[i] >= 'A' && word.p[i] <= 'Z' ? word.p[i] + ('a' - 'A') : word.p[i]);
	uint64_t h = XXH64(lower, n, 0);
	for (int64_t i = 0; i < dimensions; i++) {
		h = h * 6364136223846793005u + 1442695040888963407u;
		out[i] += h >> 63 ? 1.0f : -1.0f;
	}
}

void demo_vector(struct str text, float *out, int64_t dimensions)
{
	double sum = 0;
	size_t at = 0;

	assert(dimensions > 0 && dimensions <= DEMO_VECTOR_MAX);
	for (int64_t i = 0; i < dimensions; i++)
		out[i] = 0;
	while (at < text.n) {
		size_t from = at;
		while (at < text.n && is_word(text.p[at]))
			at++;
		if (at > from)
			add_word(str_slice(text, from, at), out, dimensions);
		else
			at++;
	}
	for (int64_t i = 0; i < dimensions; i++)
		sum += (double)out[i] * (double)out[i];
	if (sum == 0) { /* no words, or words that cancel out */
		out[0] = 1;
		return;
	}
	for (int64_t i = 0; i < dimensions; i++)
		out[i] = (float)((double)out[i] / sqrt(sum));
}

void demo_vector_put(struct buf *out, struct str text, int64_t dimensions)
{
	float v[DEMO_VECTOR_MAX];

	demo_vector(text, v, dimensions);
	for (int64_t i = 0; i < dimensions; i++)
		buf_printf(out, "%c%.7f", i ? ',' : '[', (double)v[i]);
	buf_append_c(out, ']');
}
