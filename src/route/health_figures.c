/* SPDX-License-Identifier: Apache-2.0 */
/* health_figures: how fast a deployment is: means that fade with time, and percentiles of the last five minutes. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "route/health_in.h"

/* ---- means ---- */

#define MEAN_HALF_LIFE_MS 30000
/* So many samples are enough: under much traffic the mean follows faster than time alone would have it. */
#define MEAN_WEIGHT_MAX   256.0f
#define MEAN_FORGOTTEN_MS 300000

/* Two threads may do this at once; then one sample is lost, or weighs a little more. */
static ALWAYS_INLINE void mean_add(struct health_mean *m, uint32_t sample, uint64_t now_ms)
{
	float mean = atomic_load_explicit(&m->mean, RELAXED), weight = atomic_load_explicit(&m->weight, RELAXED);

	if (likely(weight < MEAN_WEIGHT_MAX))
		weight += 1.0f;
	atomic_store_explicit(&m->weight, weight, RELAXED);
	atomic_store_explicit(&m->mean, mean + ((float)sample - mean) / weight, RELAXED);
	atomic_store_explicit(&m->seen_ms, now_ms, RELAXED);
}

static void mean_fade(struct health_mean *m, float factor)
{
	atomic_store_explicit(&m->weight, atomic_load_explicit(&m->weight, RELAXED) * factor, RELAXED);
}

void health_figures_fade(struct health *h, uint32_t ticks)
{
	float factor = exp2f(-(float)ticks * (1 << TICK_BITS) / MEAN_HALF_LIFE_MS);

	mean_fade(&h->first_byte, factor);
	mean_fade(&h->per_token, factor);
}

static uint32_t mean_get(const struct health_mean *m, uint64_t now_ms, uint64_t *seen_ms)
{
	uint64_t seen = atomic_load_explicit(&m->seen_ms, RELAXED);
	float mean = atomic_load_explicit(&m->mean, RELAXED);

	if (!seen || now_ms > seen + MEAN_FORGOTTEN_MS)
		return 0;
	if (seen > *seen_ms)
		*seen_ms = seen;
	return mean < 1.0f ? 1 : mean < (float)(UINT32_MAX / 2) ? (uint32_t)mean : UINT32_MAX / 2;
}

struct health_speed health_speed(const struct health *h, uint64_t now_ms)
{
	struct health_speed s = { 0 };

	s.first_byte_us = mean_get(&h->first_byte, now_ms, &s.seen_ms);
	s.per_token_us = mean_get(&h->per_token, now_ms, &s.seen_ms);
	return s;
}

/* ---- percentiles ---- */

/* Buckets: eight for each power of two, from 64 (microseconds, thousandths) up to 2^30. One is told as the harmonic
 * mean of its ends, which is at most 5.9 % from what is in it. */
#define LOW_BITS  6
#define HIGH_BITS 30
#define BUCKETS   ((HIGH_BITS - LOW_BITS) * 8)
/* The window: so many parts, the oldest of which is emptied for the new one. */
#define PARTS     5u
#define PART_MS   75000u

struct histogram { _Atomic uint32_t n[PARTS][BUCKETS]; };

/* What was found of one or two histograms, and when. */
struct told { _Atomic uint32_t at[HEALTH_PERCENTILES], tick; };

struct health_histograms {
	_Atomic uint32_t part;           /* the number of the one under way */
	struct histogram latency[2];     /* of whole answers, of streams */
	struct histogram throughput;
	struct told latency_of[2], latency_all, throughput_all;
};

static ALWAYS_INLINE unsigned bucket_of(uint32_t v)
{
	unsigned top;

	v = v < 1u << LOW_BITS ? 1u << LOW_BITS : v;
	v = v < 1u << HIGH_BITS ? v : (1u << HIGH_BITS) - 1;
	top = 31 - (unsigned)__builtin_clz(v);
	return (top - LOW_BITS) * 8 + (v >> (top - 3)) - 8;
}

static uint32_t bucket_value(unsigned bucket)
{
	uint64_t from = (uint64_t)(8 + bucket % 8) << (bucket / 8 + LOW_BITS - 3);
	uint64_t to = (uint64_t)(9 + bucket % 8) << (bucket / 8 + LOW_BITS - 3);

	return (uint32_t)(2 * from * to / (from + to));
}

/* Parts are numbered by the time; those between the last one and now hold what is too old. */
static COLD NOINLINE void begin_part(struct health *h, struct health_histograms *x, uint32_t part)
{
	uint32_t last, gone;

	pthread_mutex_lock(&h->lock);
	last = atomic_load_explicit(&x->part, RELAXED);
	gone = part > last ? part - last : 0;
	for (uint32_t i = 0; i < (gone < PARTS ? gone : PARTS); i++)
		for (unsigned b = 0; b < BUCKETS; b++) {
			atomic_store_explicit(&x->latency[0].n[(part - i) % PARTS][b], 0, RELAXED);
			atomic_store_explicit(&x->latency[1].n[(part - i) % PARTS][b], 0, RELAXED);
			atomic_store_explicit(&x->throughput.n[(part - i) % PARTS][b], 0, RELAXED);
		}
	if (gone)
		atomic_store_explicit(&x->part, part, RELAXED);
	pthread_mutex_unlock(&h->lock);
}

static COLD NOINLINE struct health_histograms *make_histograms(struct health *h, uint64_t now_ms)
{
	struct health_histograms *x;

	pthread_mutex_lock(&h->lock);
	x = atomic_load_explicit(&h->histograms, RELAXED);
	if (!x) {
		x = mem_zalloc(sizeof *x);
		atomic_store_explicit(&x->part, (uint32_t)(now_ms / PART_MS), RELAXED);
		atomic_store_explicit(&h->histograms, x, memory_order_release);
	}
	pthread_mutex_unlock(&h->lock);
	return x;
}

static ALWAYS_INLINE struct health_histograms *histograms_at(struct health *h, uint64_t now_ms, uint32_t *part)
{
	struct health_histograms *x = atomic_load_explicit(&h->histograms, memory_order_acquire);
	uint32_t now = (uint32_t)(now_ms / PART_MS);

	if (unlikely(!x))
		x = make_histograms(h, now_ms);
	*part = atomic_load_explicit(&x->part, RELAXED);
	if (unlikely(now > *part)) {
		begin_part(h, x, now);
		*part = now;
	}
	*part %= PARTS;
	return x;
}

HOT void health_figures_good(struct health *h, uint32_t first_byte_us, bool stream, uint64_t now_ms)
{
	uint32_t part;
	struct health_histograms *x = histograms_at(h, now_ms, &part);

	atomic_fetch_add_explicit(&x->latency[stream].n[part][bucket_of(first_byte_us)], 1, RELAXED);
	if (stream)
		mean_add(&h->first_byte, first_byte_us, now_ms);
}

HOT void health_figures_done(struct health *h, uint32_t output_tokens, uint32_t took_us, uint64_t now_ms)
{
	struct health_histograms *x;
	uint64_t milli;
	uint32_t part;

	if (output_tokens == 0 || took_us == 0)
		return;
	x = histograms_at(h, now_ms, &part);
	milli = output_tokens * UINT64_C(1000000000) / took_us;
	mean_add(&h->per_token, took_us / output_tokens, now_ms);
	atomic_fetch_add_explicit(
		&x->throughput.n[part][bucket_of(milli < UINT32_MAX ? (uint32_t)milli : UINT32_MAX)], 1, RELAXED);
}

/* Of both together; `also` may be NULL. `fast_is_low`: of latency, where the best are in the first buckets. */
static void find_percentiles(const struct histogram *x, const struct histogram *also, uint32_t part, uint32_t now,
                             bool fast_is_low, uint32_t out[HEALTH_PERCENTILES])
{
	static const unsigned percents[HEALTH_PERCENTILES] = {
		[HEALTH_P50] = 50, [HEALTH_P75] = 75, [HEALTH_P90] = 90, [HEALTH_P99] = 99,
	};
	uint32_t sums[BUCKETS] = { 0 };
	uint64_t all = 0, seen = 0;
	unsigned p = 0;

	for (uint32_t i = 0; i < PARTS; i++)
		for (unsigned b = 0; now < part - i + PARTS && b < BUCKETS; b++) {
			uint32_t n = atomic_load_explicit(&x->n[(part - i) % PARTS][b], RELAXED);

			if (also)
				n += atomic_load_explicit(&also->n[(part - i) % PARTS][b], RELAXED);
			sums[b] += n;
			all += n;
		}
	memset(out, 0, HEALTH_PERCENTILES * sizeof *out);
	for (unsigned i = 0; i < BUCKETS && all >= HEALTH_SAMPLES_MIN; i++) {
		unsigned b = fast_is_low ? i : BUCKETS - 1 - i;

		seen += sums[b];
		while (p < HEALTH_PERCENTILES && seen * 100 >= all * percents[p])
			out[p++] = bucket_value(b);
	}
}

/* Found once in a tick: a plan asks for those of each deployment. */
static uint32_t percentile(struct health_histograms *x, struct told *told, const struct histogram *of,
                           const struct histogram *also, enum health_percentile which, uint64_t now_ms)
{
	uint32_t tick = (uint32_t)(now_ms >> TICK_BITS) + 1, found[HEALTH_PERCENTILES];

	if (atomic_load_explicit(&told->tick, memory_order_acquire) != tick) {
		find_percentiles(of, also, atomic_load_explicit(&x->part, RELAXED), (uint32_t)(now_ms / PART_MS),
		                 of != &x->throughput, found);
		for (unsigned i = 0; i < HEALTH_PERCENTILES; i++)
			atomic_store_explicit(&told->at[i], found[i], RELAXED);
		atomic_store_explicit(&told->tick, tick, memory_order_release);
	}
	return atomic_load_explicit(&told->at[which], RELAXED);
}

static struct health_histograms *histograms_of(const struct health *h)
{
	return atomic_load_explicit(&h->histograms, memory_order_acquire);
}

uint32_t health_latency_us(const struct health *h, enum health_percentile p, uint64_t now_ms)
{
	struct health_histograms *x = histograms_of(h);

	return x ? percentile(x, &x->latency_all, &x->latency[0], &x->latency[1], p, now_ms) : 0;
}

uint32_t health_latency_of(const struct health *h, bool stream, enum health_percentile p, uint64_t now_ms)
{
	struct health_histograms *x = histograms_of(h);

	return x ? percentile(x, &x->latency_of[stream], &x->latency[stream], NULL, p, now_ms) : 0;
}

uint32_t health_throughput_milli(const struct health *h, enum health_percentile p, uint64_t now_ms)
{
	struct health_histograms *x = histograms_of(h);

	return x ? percentile(x, &x->throughput_all, &x->throughput, NULL, p, now_ms) : 0;
}

void health_slow(struct health_use *u, uint32_t took_us, bool stream, uint64_t now_ms)
{
	if (u->health && !u->good && !u->bad)
		health_figures_good(u->health, took_us, stream, now_ms);
}

void health_figures_forget(struct health *h)
{
	free(atomic_load_explicit(&h->histograms, RELAXED));
	atomic_store_explicit(&h->histograms, NULL, RELAXED);
}
