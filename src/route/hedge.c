/* SPDX-License-Identifier: Apache-2.0 */
/* hedge: when a second candidate may be started. */
#include "route/hedge.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "conf/value.h"
#include "route/health.h"

#define AFTER_MIN_MS 10
#define AFTER_MAX_MS 600000

/* The last minute, in twelve parts; the one under way and the eleven before it. */
#define PART_MS 5000
#define PARTS 12

/* One part as one word, so that it is changed at once: whose time it is of, hedges, requests. */
#define REQUEST_BITS 28
#define HEDGE_BITS 20
#define REQUESTS_MAX ((1ull << REQUEST_BITS) - 1)
#define HEDGES_MAX ((1ull << HEDGE_BITS) - 1)

struct part { uint64_t stamp, hedges, requests; };

struct hedge_meter {
	char *name;
	_Atomic uint64_t parts[PARTS];
};

static struct {
	pthread_mutex_t lock;
	struct hedge_meter *all[HEDGE_METERS_MAX];
	unsigned n;
} meters = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct hedge_meter *hedge_meter_of(struct str model)
{
	struct hedge_meter *found = NULL;

	pthread_mutex_lock(&meters.lock);
	for (unsigned i = 0; i < meters.n && !found; i++)
		if (str_eq(str_from_z(meters.all[i]->name), model))
			found = meters.all[i];
	if (!found && meters.n < HEDGE_METERS_MAX) {
		found = mem_zalloc(sizeof *found);
		found->name = mem_dup(model.p, model.n);
		meters.all[meters.n++] = found;
	}
	if (!found)
		found = meters.all[HEDGE_METERS_MAX - 1];
	pthread_mutex_unlock(&meters.lock);
	return found;
}

/* ---- the last minute ---- */

/* Never 0, which is that of a part without any. */
static uint64_t stamp_of(uint64_t now_ms) { return (now_ms / PART_MS) % 0xffff + 1; }

static uint64_t pack(struct part p)
{
	return p.stamp << (REQUEST_BITS + HEDGE_BITS) | p.hedges << REQUEST_BITS | p.requests;
}

static struct part unpack(uint64_t word)
{
	return (struct part){ word >> (REQUEST_BITS + HEDGE_BITS), word >> REQUEST_BITS & HEDGES_MAX,
		              word & REQUESTS_MAX };
}

static void add(struct hedge_meter *m, uint64_t now_ms, uint64_t requests, int hedges)
{
	_Atomic uint64_t *at = &m->parts[now_ms / PART_MS % PARTS];
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed), stamp = stamp_of(now_ms);
	struct part p;

	do {
		p = unpack(word);
		if (p.stamp != stamp)
			p = (struct part){ .stamp = stamp };
		if (p.requests + requests <= REQUESTS_MAX)
			p.requests += requests;
		if (hedges > 0 ? p.hedges < HEDGES_MAX : p.hedges > 0)
			p.hedges += (uint64_t)hedges;
	} while (!atomic_compare_exchange_weak_explicit(at, &word, pack(p), memory_order_relaxed,
	                                                memory_order_relaxed));
}

static struct part last_minute(struct hedge_meter *m, uint64_t now_ms)
{
	struct part sum = { 0 };

	for (uint64_t i = 0; i < PARTS && i <= now_ms / PART_MS; i++) {
		uint64_t then = now_ms - i * PART_MS;
		struct part p = unpack(atomic_load_explicit(&m->parts[then / PART_MS % PARTS], memory_order_relaxed));

		if (p.stamp != stamp_of(then))
			continue;
		sum.requests += p.requests;
		sum.hedges += p.hedges;
	}
	return sum;
}

void hedge_count(struct hedge_meter *m, uint64_t now_ms) { add(m, now_ms, 1, 0); }

bool hedge_take(struct hedge_meter *m, double ratio, uint64_t now_ms)
{
	struct part minute = last_minute(m, now_ms);

	if (ratio <= 0 || (minute.hedges > 0 && (double)(minute.hedges + 1) > ratio * (double)minute.requests))
		return false;
	add(m, now_ms, 0, 1);
	return true;
}

void hedge_give_back(struct hedge_meter *m, uint64_t now_ms) { add(m, now_ms, 0, -1); }

/* ---- when ---- */

uint64_t hedge_wait_ms(const struct hedge_when *when, const struct health *h, bool stream, uint64_t now_ms)
{
	uint64_t ms;

	switch ((enum hedge_kind)when->kind) {
	case HEDGE_UNSET:
	case HEDGE_OFF:
		return 0;
	case HEDGE_AFTER:
		return (uint64_t)when->ms;
	case HEDGE_AT_PERCENTILE:
		break;
	}
	if (!h)
		return 0;
	ms = ((uint64_t)health_latency_of(h, stream, (enum health_percentile)when->percentile, now_ms) + 999) / 1000;
	/* below that the second call would be on its way before anybody could have answered */
	return ms == 0 || ms >= AFTER_MIN_MS ? ms : AFTER_MIN_MS;
}

bool hedge_when_read(struct str text, struct hedge_when *out)
{
	static const struct { struct str word; enum health_percentile percentile; } words[] = {
		{ STR_INIT("p50"), HEALTH_P50 },
		{ STR_INIT("p75"), HEALTH_P75 },
		{ STR_INIT("p90"), HEALTH_P90 },
		{ STR_INIT("p99"), HEALTH_P99 },
	};
	int64_t ms;

	if (str_eq(text, STR("off"))) {
		*out = (struct hedge_when){ .kind = HEDGE_OFF };
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(text, words[i].word)) {
			*out = (struct hedge_when){ .kind = HEDGE_AT_PERCENTILE,
				                    .percentile = (uint8_t)words[i].percentile };
			return true;
		}
	if (!value_read_duration(text, &ms) || ms < AFTER_MIN_MS || ms > AFTER_MAX_MS)
		return false;
	*out = (struct hedge_when){ .kind = HEDGE_AFTER, .ms = ms };
	return true;
}
