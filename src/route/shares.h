/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares: who has had how much of one model in the last minute, and whether that is within its share: the limit,
 * divided by weight among those who had something in that minute, and beyond it what the others do not seem to need:
 * what is left of the limit when each has a quarter more than he is on the way to have in a minute, and who has only
 * just come, all of his share. Where room was short of late, a tenth is left to who may come. A sliding minute is made
 * of the one under way and the one before it, as far as it reaches into it.
 *
 * Not safe across threads by itself: the queue's lock is around it (route/admission.c). Keys that are not seen for two
 * minutes are forgotten; there is room for SHARES_MAX, and who finds none has had nothing.
 */
#ifndef SLUICE_ROUTE_SHARES_H
#define SLUICE_ROUTE_SHARES_H

#include "base/attr.h"
#include "base/map.h"

#define SHARES_MAX 16384

struct shares {
	struct map had;
	uint64_t minute;
	uint64_t weight_now;             /* of those seen in this minute */
	uint64_t weight_before;          /* of those seen only in the one before */
	/* what all seem to need in a minute, requests and tokens; found now and then */
	uint64_t needed_at_ms, needed[2];
	uint64_t short_until_ms;
	uint32_t n;
};

void shares_fini(struct shares *);
/* A request of that many tokens has gone through. */
void shares_add(struct shares *, uint64_t key, uint32_t weight, uint32_t tokens, uint64_t now_ms);
/* Somebody has to wait for room. */
void shares_are_short(struct shares *, uint64_t now_ms);
/* May it have one more request of that many tokens? Limits by the minute; 0: none. */
bool shares_within(struct shares *, uint64_t key, uint32_t weight, uint32_t tokens, uint64_t rpm, uint64_t tpm,
                   uint64_t now_ms);

#endif
