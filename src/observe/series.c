/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of series: found by a cheap look where they were last, else by a keyed hash; bounded. */
#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/observe_in.h"

/* `first` is the bucket of the smallest number that has so many bits: at most two steps away from any other of them. */
const struct histo_scale histo_latency = {
	{ 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
	  60000000, 300000000 },
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11,
	  12, 13, 14, 15, 15, 15, 16, 16, 16 },
};
const struct histo_scale histo_overhead = {
	{ 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000 },
	{ 0,  0,  0,  0,  0,  1,  2,  3,  4,  5,  6,  7,  7,  8,  9,  10, 11,
	  12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 },
};

static inline uint64_t load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

/* Both ends and the length: enough to tell apart the few labels of a real installation. Whoever aims at collisions only
 * gets to the keyed hash behind it. */
static inline uint64_t near_hash(uint64_t h, struct str s)
{
	uint64_t x = 0;

	if (s.n >= 8)
		x = load8(s.p) ^ load8(s.p + s.n - 8) << 1;
	else if (s.n)
		x = (unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.n / 2] << 8 |
		    (uint64_t)(unsigned char)s.p[s.n - 1] << 16;
	return (h ^ x ^ s.n) * 0x9e3779b97f4a7c15u;
}

static inline bool same_text(struct str a, struct str b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	if (a.n < 8)
		return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
	for (i = 0; i + 8 < a.n; i += 8)
		if (load8(a.p + i) != load8(b.p + i))
			return false;
	return load8(a.p + a.n - 8) == load8(b.p + a.n - 8);
}

static inline bool same_labels(const struct series *s, const struct str *labels, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!same_text(s->label[i], labels[i]))
			return false;
	return true;
}

static struct series *series_new(struct series_table *t, const struct str *labels)
{
	size_t bytes = t->size;
	struct series *s;
	char *p;

	for (unsigned i = 0; i < t->labels; i++)
		bytes += labels[i].n;
	s = mem_zalloc(bytes);
	p = (char *)s + t->size;
	for (unsigned i = 0; i < t->labels; i++) {
		if (labels[i].n)
			memcpy(p, labels[i].p, labels[i].n);
		s->label[i] = str_of(p, labels[i].n);
		p += labels[i].n;
	}
	return s;
}

/* Readers see the pointer before the number that covers it. */
static struct series *series_publish(struct series_table *t, struct series *s)
{
	unsigned n = atomic_load_explicit(&t->n, memory_order_relaxed);

	assert(n <= t->max);
	atomic_store_explicit(&t->all[n], s, memory_order_relaxed);
	atomic_store_explicit(&t->n, n + 1, memory_order_release);
	return s;
}

static struct series *series_other(struct series_table *t)
{
	static const struct str other[SERIES_LABELS] = { STR_INIT("other"), STR_INIT("other"), STR_INIT("other") };

	if (atomic_load_explicit(&t->n, memory_order_relaxed) == t->max)
		return series_publish(t, series_new(t, other));
	return atomic_load_explicit(&t->all[t->max], memory_order_relaxed);
}

/* NULL: there is none, and none is made. */
static struct series *series_find(struct series_table *t, const struct str *labels, bool make)
{
	char key[SERIES_LABELS * (SERIES_LABEL_MAX + 1)];
	size_t len = 0, slot;
	uint64_t hash;
	struct series *s;

	for (unsigned i = 0; i < t->labels; i++) {
		key[len++] = (char)labels[i].n;
		if (labels[i].n)
			memcpy(key + len, labels[i].p, labels[i].n);
		len += labels[i].n;
	}
	hash = hash_bytes(str_of(key, len));
	for (slot = hash & t->index_mask; t->index[slot]; slot = (slot + 1) & t->index_mask) {
		s = atomic_load_explicit(&t->all[t->index[slot] - 1], memory_order_relaxed);
		if (s->hash == hash && same_labels(s, labels, t->labels))
			return s;
	}
	if (!make)
		return NULL;
	if (atomic_load_explicit(&t->n, memory_order_relaxed) >= t->max)
		return series_other(t);
	s = series_new(t, labels);
	s->hash = hash;
	t->index[slot] = (uint16_t)(atomic_load_explicit(&t->n, memory_order_relaxed) + 1);
	return series_publish(t, s);
}

/* Labels as they may stand in the exposition: not too long, and UTF-8. */
static struct str label_clean(struct str s)
{
	s = text_utf8_cut(s, SERIES_LABEL_MAX - 1);
	return text_is_utf8(s) ? s : STR("invalid");
}

HOT struct series *series_get(struct series_table *t, const struct str *labels)
{
	struct str clean[SERIES_LABELS];
	struct series **near;
	uint64_t h = 0;

	/* one request is often like the one before */
	if (likely(t->last && same_labels(t->last, labels, t->labels)))
		return t->last;
	for (unsigned i = 0; i < t->labels; i++)
		h = near_hash(h, labels[i]);
	near = &t->near[h >> 56];
	if (likely(*near && same_labels(*near, labels, t->labels)))
		return t->last = *near;
	for (unsigned i = 0; i < t->labels; i++)
		clean[i] = label_clean(labels[i]);
	*near = series_find(t, clean, true);
	return t->last = *near;
}

bool series_has(struct series_table *t, const struct str *labels)
{
	struct str clean[SERIES_LABELS];

	if (t->last && same_labels(t->last, labels, t->labels))
		return true;
	for (unsigned i = 0; i < t->labels; i++)
		clean[i] = label_clean(labels[i]);
	return series_find(t, clean, false) != NULL;
}

void series_init(struct series_table *t, size_t size, unsigned labels, unsigned max)
{
	size_t slots = 4;

	assert(size >= sizeof(struct series) && labels <= SERIES_LABELS && max > 0 && max < UINT16_MAX);
	while (slots < 2 * ((size_t)max + 1))
		slots *= 2;
	*t = (struct series_table){ .size = size, .labels = labels, .max = max, .index_mask = slots - 1 };
	t->all = mem_zalloc(((size_t)max + 1) * sizeof(*t->all));
	t->index = mem_zalloc(slots * sizeof(*t->index));
}

void series_fini(struct series_table *t)
{
	for (unsigned i = 0; i < atomic_load_explicit(&t->n, memory_order_acquire); i++)
		free(atomic_load_explicit(&t->all[i], memory_order_relaxed));
	free(t->all);
	free(t->index);
}
