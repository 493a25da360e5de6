/* SPDX-License-Identifier: Apache-2.0 */
/* shares: two minutes of what each key has had. */
#include "route/shares.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	MINUTE_MS = 60000,
	NOBODYS_PART = 10,               /* one part in so many is for who may come */
	SHORT_MS = 2 * MINUTE_MS,        /* as long as one waits */
	YOUNG_MS = 10000,                /* too young to tell what it needs */
	NEEDED_MS = 250,                 /* how long a sum of all needs holds */
	REQUESTS = 0, TOKENS = 1,
};

struct had {
	uint64_t key, minute, since_ms;  /* minute: of `now`; since: when it came, for all we remember */
	uint64_t now[2], before[2];      /* requests and tokens */
	uint32_t weight;
	struct had *next;                /* of those to be forgotten */
};

static struct str id_of(const uint64_t *key)
{
	return str_of((const char *)key, sizeof *key);
}

static void forget_old(struct shares *s)
{
	struct had *list = NULL, *h;
	size_t i = 0;
	void *value;

	while (map_next(&s->had, &i, NULL, &value)) {
		h = value;
		if (h->minute + 1 >= s->minute)
			continue;
		h->next = list;
		list = h;
	}
	while ((h = list)) {
		list = h->next;
		map_take(&s->had, id_of(&h->key));
		free(h);
		s->n--;
	}
}

static void roll(struct shares *s, uint64_t now_ms)
{
	uint64_t minute = now_ms / MINUTE_MS;

	if (minute <= s->minute)
		return;
	s->weight_before = minute == s->minute + 1 ? s->weight_now : 0;
	s->weight_now = 0;
	s->minute = minute;
	forget_old(s);
}

static void roll_had(const struct shares *s, struct had *h)
{
	for (int i = 0; i < 2; i++) {
		h->before[i] = h->minute + 1 == s->minute ? h->now[i] : 0;
		h->now[i] = 0;
	}
	h->minute = s->minute;
}

/* It is there in this minute. */
static struct had *see(struct shares *s, uint64_t key, uint32_t weight, uint64_t now_ms)
{
	struct had *h = map_get(&s->had, id_of(&key));

	if (h && h->minute == s->minute)
		return h;
	if (!h) {
		if (s->n == SHARES_MAX)
			return NULL;
		h = mem_zalloc(sizeof *h);
		h->key = key;
		h->since_ms = now_ms;
		h->minute = s->minute;
		s->n++;
		map_put(&s->had, id_of(&h->key), h);
	} else {
		if (h->minute + 1 == s->minute)
			s->weight_before -= h->weight;
		roll_had(s, h);
	}
	h->weight = weight;
	s->weight_now += weight;
	return h;
}

void shares_add(struct shares *s, uint64_t key, uint32_t weight, uint32_t tokens, uint64_t now_ms)
{
	struct had *h;

	roll(s, now_ms);
	h = see(s, key, weight, now_ms);
	if (!h)
		return;
	h->now[REQUESTS]++;
	h->now[TOKENS] += tokens;
}

static uint64_t had_in_minute(const struct shares *s, const struct had *h, int what, uint64_t now_ms)
{
	uint64_t left_ms = MINUTE_MS - now_ms % MINUTE_MS;

	if (h->minute + 1 == s->minute)
		return h->now[what] * left_ms / MINUTE_MS;
	return h->minute == s->minute ? h->now[what] + h->before[what] * left_ms / MINUTE_MS : 0;
}

static uint64_t share_of(const struct shares *s, const struct had *h, uint64_t limit)
{
	return limit * h->weight / (s->weight_now + s->weight_before);
}

static uint64_t need_of(const struct shares *s, const struct had *h, int what, uint64_t limit, uint64_t now_ms)
{
	uint64_t share = share_of(s, h, limit), age_ms = now_ms > h->since_ms ? now_ms - h->since_ms : 0, need;

	if (h->minute + 1 < s->minute)
		return 0;
	if (age_ms < YOUNG_MS)
		return share;
	need = had_in_minute(s, h, what, now_ms) * MINUTE_MS / (age_ms < MINUTE_MS ? age_ms : MINUTE_MS);
	need += need / 4 + 1;
	return need < share ? need : share;
}

static void sum_needs(struct shares *s, uint64_t rpm, uint64_t tpm, uint64_t now_ms)
{
	size_t i = 0;
	void *value;

	s->needed_at_ms = now_ms;
	s->needed[REQUESTS] = s->needed[TOKENS] = 0;
	while (map_next(&s->had, &i, NULL, &value)) {
		s->needed[REQUESTS] += need_of(s, value, REQUESTS, rpm, now_ms);
		s->needed[TOKENS] += need_of(s, value, TOKENS, tpm, now_ms);
	}
}

static bool fits(const struct shares *s, const struct had *h, int what, uint64_t more, uint64_t limit, uint64_t now_ms)
{
	uint64_t had = had_in_minute(s, h, what, now_ms), own = need_of(s, h, what, limit, now_ms);
	uint64_t others = s->needed[what] > own ? s->needed[what] - own : 0, most = share_of(s, h, limit);
	uint64_t all = limit - (now_ms < s->short_until_ms ? limit / NOBODYS_PART : 0);

	if (others < all && all - others > most)
		most = all - others;
	if (most > all)
		most = all;
	return limit == 0 || had == 0 || had + more <= most;
}

void shares_are_short(struct shares *s, uint64_t now_ms)
{
	s->short_until_ms = now_ms + SHORT_MS;
}

bool shares_within(struct shares *s, uint64_t key, uint32_t weight, uint32_t tokens, uint64_t rpm, uint64_t tpm,
                   uint64_t now_ms)
{
	const struct had *h;
	bool is_new = map_get(&s->had, id_of(&key)) == NULL;

	roll(s, now_ms);
	h = see(s, key, weight, now_ms);
	if (is_new || now_ms >= s->needed_at_ms + NEEDED_MS)
		sum_needs(s, rpm, tpm, now_ms);
	return !h || (fits(s, h, REQUESTS, 1, rpm, now_ms) && fits(s, h, TOKENS, tokens, tpm, now_ms));
}

void shares_fini(struct shares *s)
{
	size_t i = 0;
	void *value;

	while (map_next(&s->had, &i, NULL, &value))
		free(value);
	map_fini(&s->had);
	*s = (struct shares){ 0 };
}
