/* SPDX-License-Identifier: Apache-2.0 */
/* price: exact integer arithmetic from tokens and pico-dollars to nano-dollars. */

#include "model/price.h"

#include <assert.h>

/* Where a counter without a price of its own looks next; itself: nowhere. */
static const uint8_t falls_back[USAGE_COUNTERS] = {
	[USAGE_INPUT] = USAGE_INPUT,
	[USAGE_CACHE_READ] = USAGE_INPUT,
	[USAGE_CACHE_WRITE_5M] = USAGE_INPUT,
	[USAGE_CACHE_WRITE_1H] = USAGE_CACHE_WRITE_5M,
	[USAGE_INPUT_AUDIO] = USAGE_INPUT_AUDIO,
	[USAGE_INPUT_IMAGE] = USAGE_INPUT,
	[USAGE_INPUT_TOOL] = USAGE_INPUT,
	[USAGE_OUTPUT] = USAGE_OUTPUT,
	[USAGE_REASONING] = USAGE_OUTPUT,
	[USAGE_OUTPUT_AUDIO] = USAGE_OUTPUT_AUDIO,
	[USAGE_OUTPUT_IMAGE] = USAGE_OUTPUT,
};

bool price_is_unknown(const struct price *p)
{
	for (int i = 0; i < USAGE_COUNTERS; i++)
		if (p->token_pusd[i] >= 0)
			return false;
	return true;
}

int64_t price_of(const struct price *p, enum usage_counter counter)
{
	assert(counter < USAGE_COUNTERS);
	unsigned at = counter;

	while (p->token_pusd[at] < 0 && falls_back[at] != at)
		at = falls_back[at];
	return p->token_pusd[at] < 0 ? -1 : p->token_pusd[at];
}

bool price_cost(const struct price *p, const struct usage *u, int64_t *nusd)
{
	/* At most 11 products below 2^32 * 2^63: far from the ends of 128 bits. */
	unsigned __int128 pusd = 0;

	if (u->source == USAGE_NONE)
		return false;
	for (int i = 0; i < USAGE_COUNTERS; i++) {
		if (u->n[i] == 0)
			continue;
		int64_t each = price_of(p, (enum usage_counter)i);
		if (each < 0)
			return false;
		pusd += (unsigned __int128)u->n[i] * (uint64_t)each;
	}
	if (price_is_unknown(p))
		return false;

	unsigned __int128 rounded = (pusd + PRICE_PUSD_PER_NUSD / 2) / PRICE_PUSD_PER_NUSD;
	*nusd = rounded > INT64_MAX ? INT64_MAX : (int64_t)rounded;
	return true;
}
