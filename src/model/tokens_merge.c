/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens_merge: byte pair encoding of one piece: of all pairs of neighbours that are together a token, the one of the
 * lowest rank becomes one part, the leftmost first, until there is none. Short pieces look through all pairs each time;
 * long ones keep a heap of pairs, so that no text costs the square of its length.
 */
#include "model/tokens_in.h"

enum {
	FEW = 48,             /* bytes up to which looking through all is cheaper than a heap */
	POSITION_BITS = 11,
	HEAP_MAX = 3 * TOKENS_PIECE_MAX,
	MARGIN = 256,         /* what a part of a longer piece leaves to the next one: twice the longest token */
};
_Static_assert(TOKENS_PIECE_MAX <= 1 << POSITION_BITS, "a position has its bits");
_Static_assert(RANK_BITS + POSITION_BITS <= 32, "an entry has its bits");

struct part {
	uint32_t at;          /* of its first byte */
	uint32_t rank;        /* of it and the next one together */
};

static size_t merge_few(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	struct part part[FEW + 1];
	size_t parts = n;

	assert(n >= 2 && n <= FEW);
	for (uint32_t i = 0; i < n; i++)
		part[i] = (struct part){ i, i + 1 < n ? tokens_find(t, p + i, 2) : TOKENS_NO_RANK };
	part[n] = (struct part){ (uint32_t)n, TOKENS_NO_RANK };
	for (;;) {
		uint32_t lowest = TOKENS_NO_RANK;
		size_t i = 0;
		for (size_t k = 0; k + 1 < parts; k++) {
			if (part[k].rank < lowest) {
				lowest = part[k].rank;
				i = k;
			}
		}
		if (lowest == TOKENS_NO_RANK)
			return parts;
		memmove(&part[i + 1], &part[i + 2], (parts - i - 1) * sizeof part[0]);
		parts--;
		part[i].rank = TOKENS_NO_RANK;
		if (i + 1 < parts)
			part[i].rank = tokens_find(t, p + part[i].at, part[i + 2].at - part[i].at);
		if (i > 0)
			part[i - 1].rank = tokens_find(t, p + part[i - 1].at, part[i + 1].at - part[i - 1].at);
	}
}

/* Parts as a list over positions; the heap's entries are rank and position, lowest first. An entry is old when the
 * part there has another rank by now. */
struct many {
	uint16_t next[TOKENS_PIECE_MAX + 1], before[TOKENS_PIECE_MAX + 1];
	uint32_t rank[TOKENS_PIECE_MAX];     /* as in struct part, by position; none begins there: NO_RANK */
	uint32_t heap[HEAP_MAX];
	size_t entries;
};

static void heap_push(struct many *m, uint32_t entry)
{
	size_t i = m->entries++;

	assert(i < HEAP_MAX);
	while (i > 0 && m->heap[(i - 1) / 2] > entry) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = entry;
}

static uint32_t heap_pop(struct many *m)
{
	uint32_t top = m->heap[0], last = m->heap[--m->entries];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= m->entries)
			break;
		if (child + 1 < m->entries && m->heap[child + 1] < m->heap[child])
			child++;
		if (m->heap[child] >= last)
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = last;
	return top;
}

static void rate(struct many *m, const struct tokens_table *t, const uint8_t *p, size_t n, size_t at)
{
	size_t next = m->next[at];

	m->rank[at] = next < n ? tokens_find(t, p + at, m->next[next] - at) : TOKENS_NO_RANK;
	if (m->rank[at] != TOKENS_NO_RANK)
		heap_push(m, m->rank[at] << POSITION_BITS | (uint32_t)at);
}

/* Leaves the parts in m->next; returns their number. */
static size_t merge_many(struct many *m, const struct tokens_table *t, const uint8_t *p, size_t n)
{
	size_t parts = n;

	assert(n >= 2 && n <= TOKENS_PIECE_MAX);
	m->entries = 0;
	for (size_t i = 0; i <= n; i++) {
		m->next[i] = (uint16_t)(i + 1);
		m->before[i] = (uint16_t)(i > 0 ? i - 1 : 0);
	}
	for (size_t i = 0; i < n; i++)
		rate(m, t, p, n, i);
	while (m->entries > 0) {
		uint32_t entry = heap_pop(m);
		size_t at = entry & ((1u << POSITION_BITS) - 1);
		if (m->rank[at] != entry >> POSITION_BITS)
			continue;
		size_t gone = m->next[at];
		m->rank[gone] = TOKENS_NO_RANK;
		m->next[at] = m->next[gone];
		m->before[m->next[at]] = (uint16_t)at;
		parts--;
		rate(m, t, p, n, at);
		if (at > 0)
			rate(m, t, p, n, m->before[at]);
	}
	return parts;
}

size_t tokens_merge(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	struct many m;

	return n <= FEW ? merge_few(t, p, n) : merge_many(&m, t, p, n);
}

size_t tokens_merge_part(const struct tokens_table *t, const uint8_t *p, size_t *n)
{
	struct many m;
	size_t parts = 0, good = 0, good_parts = 0, at = 0;

	assert(*n > 2 * MARGIN);
	merge_many(&m, t, p, *n);
	while (m.next[at] <= *n - MARGIN || good == 0) {
		at = m.next[at];
		parts++;
		if (at >= *n - MARGIN || (p[at] & 0xc0) != 0x80) {
			good = at;
			good_parts = parts;
		}
	}
	*n = good;
	return good_parts;
}
