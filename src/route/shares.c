/* SPDX-License-Identifier: Apache-2.0 */
/* shares: two minutes of what each key has had. */
#include "route/shares.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	MINUTE_MS = 60000,
	NOBODYS_PART = 10,               /* one part in so many is for who may come */
	REQUESTS = 0, TOKENS = 1,
};

struct had {
	uint64_t key, minute;            /* minute: of `now` */
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
static struct had *see(struct shares *s, uint64_t key, uint32_t weight)
{
	struct had *h = map_get(&s->had, id_of(&key));

	if (h && h->minute == s->minute)
		return h;
	if (!h) {
		if (s->n == SHARES_MAX)
			return NULL;
		h = mem_zalloc(sizeof *h);
		h->key = key;
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
	h = see(s, key, weight);
	if (!h)
		return;
	h->now[REQUESTS]++;
	h->now[TOKENS] += tokens;
}

static bool fits(const struct shares *s, const struct had *h, int what, uint64_t more, uint64_t limit, uint64_t now_ms)
{
	uint64_t had = h->now[what] + h->before[what] * (MINUTE_MS - now_ms % MINUTE_MS) / MINUTE_MS;
	uint64_t most = limit * h->weight / (s->weight_now + s->weight_before);

	if (most > limit - limit / NOBODYS_PART)
		most = limit - limit / NOBODYS_PART;
	return limit == 0 || had == 0 || had + more <= most;
}

bool shares_within(struct shares *s, uint64_t key, uint32_t weight, uint32_t tokens, uint64_t rpm, uint64_t tpm,
                   uint64_t now_ms)
{
	const struct had *h;

	roll(s, now_ms);
	h = see(s, key, weight);
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
