/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_table: unpacks ranks into hash tables and classes into a table in two stages, once each, at first use. */
#include <pthread.h>
#include <stdatomic.h>
#include <xxhash.h>

#include "base/mem.h"
#include "model/tokens_data.h"
#include "model/tokens_in.h"

enum { CODE_POINTS = 0x110000, BLOCK = 256, BLOCKS_MAX = 256, CACHE_LINE = 64, HEAD_BYTES = 20 };
_Static_assert(sizeof(struct tokens_slot) * TOKENS_BUCKET == CACHE_LINE, "a bucket is a cache line");

static struct tokens_table tables[TOKENS_ENCODINGS];
static atomic_bool ready[TOKENS_ENCODINGS];
static pthread_mutex_t unpacking = PTHREAD_MUTEX_INITIALIZER;

static uint8_t block_of[CODE_POINTS / BLOCK];
static uint8_t (*blocks)[BLOCK];   /* classes; equal blocks are there once */

const uint8_t tokens_ascii[256] = {
	[0x00 ... 0x08] = CHAR_OTHER,
	['\t'] = CHAR_SPACE,
	['\n'] = CHAR_SPACE | CHAR_NEWLINE,
	['\v' ... '\f'] = CHAR_SPACE,
	['\r'] = CHAR_SPACE | CHAR_NEWLINE,
	[0x0e ... 0x1f] = CHAR_OTHER,
	[' '] = CHAR_SPACE,
	['!' ... '/'] = CHAR_OTHER,
	['0' ... '9'] = CHAR_NUMBER,
	[':' ... '@'] = CHAR_OTHER,
	['A' ... 'Z'] = CHAR_UPPER,
	['[' ... '`'] = CHAR_OTHER,
	['a' ... 'z'] = CHAR_LOWER,
	['{' ... 0x7f] = CHAR_OTHER,
};

/* --- classes */

/* Its number among those there; it is added if it is new. */
static uint8_t block_number(const uint8_t *block, size_t *used)
{
	size_t b = 0;

	while (b < *used && memcmp(blocks[b], block, BLOCK) != 0)
		b++;
	if (b == *used) {
		assert(b < BLOCKS_MAX);
		memcpy(blocks[(*used)++], block, BLOCK);
	}
	return (uint8_t)b;
}

static void unpack_classes(void)
{
	struct str s = tokens_data_classes();
	const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
	uint8_t now[BLOCK];
	size_t at = 0, used = 0;

	blocks = mem_alloc(BLOCKS_MAX * sizeof blocks[0]);
	while (p < end) {
		uint8_t class = *p++;
		size_t n = 0;
		for (unsigned shift = 0;; shift += 7) {
			assert(p < end && shift <= 21);
			n |= (size_t)(*p & 127) << shift;
			if (*p++ < 128)
				break;
		}
		assert(n > 0 && n <= CODE_POINTS - at);
		while (n > 0) {
			size_t part = BLOCK - at % BLOCK < n ? BLOCK - at % BLOCK : n;
			memset(now + at % BLOCK, class, part);
			at += part;
			n -= part;
			if (at % BLOCK == 0)
				block_of[at / BLOCK - 1] = block_number(now, &used);
		}
	}
	assert(at == CODE_POINTS);
	blocks = mem_realloc(blocks, used * sizeof blocks[0]);
}

unsigned tokens_char(const uint8_t *p, const uint8_t *end, size_t *n)
{
	size_t room = (size_t)(end - p);
	uint32_t c = p[0];

	*n = 1;
	if (c >= 0xc2 && c < 0xe0 && room >= 2 && (p[1] & 0xc0) == 0x80) {
		*n = 2;
		c = (c & 0x1f) << 6 | (p[1] & 0x3f);
	} else if (c >= 0xe0 && c < 0xf0 && room >= 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		c = (c & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		if (c < 0x800 || (c >= 0xd800 && c < 0xe000))
			return CHAR_OTHER;
		*n = 3;
	} else if (c >= 0xf0 && c < 0xf5 && room >= 4 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
	           (p[3] & 0xc0) == 0x80) {
		c = (c & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
		if (c < 0x10000 || c >= CODE_POINTS)
			return CHAR_OTHER;
		*n = 4;
	} else {
		return CHAR_OTHER;
	}
	return blocks[block_of[c / BLOCK]][c % BLOCK];
}

/* --- ranks */

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void add_short(struct tokens_table *t, const uint8_t *text, uint32_t n, uint32_t rank)
{
	uint8_t bytes[TOKENS_SHORT] = { 0 };
	struct tokens_slot slot = { .rank = rank, .n = n };

	memcpy(bytes, text, n);
	memcpy(&slot.low, bytes, 8);
	memcpy(&slot.high, bytes + 8, 4);
	uint32_t bucket = (uint32_t)(tokens_hash(slot.low, slot.high, n) >> t->bucket_shift);
	for (;; bucket = (bucket + 1) & t->bucket_mask) {
		struct tokens_slot *s = t->slots + (size_t)bucket * TOKENS_BUCKET;
		for (unsigned i = 0; i < TOKENS_BUCKET; i++) {
			if (s[i].n == 0) {
				s[i] = slot;
				return;
			}
		}
	}
}

static uint32_t long_slot(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	return (uint32_t)XXH3_64bits(p, n) & t->long_mask;
}

static void add_long(struct tokens_table *t, uint32_t *used, const uint8_t *text, uint32_t n, uint32_t rank)
{
	uint32_t i = long_slot(t, text, n);

	while (t->long_slots[i].at != 0)
		i = (i + 1) & t->long_mask;
	t->long_slots[i] = (struct tokens_long_slot){ .at = *used, .rank = rank };
	t->long_text[*used] = (uint8_t)n;
	memcpy(t->long_text + *used + 1, text, n);
	*used += n + 1;
}

uint32_t tokens_find_long(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	if (n > t->longest)
		return TOKENS_NO_RANK;
	for (uint32_t i = long_slot(t, p, n); t->long_slots[i].at != 0; i = (i + 1) & t->long_mask) {
		const uint8_t *text = t->long_text + t->long_slots[i].at;
		if (text[0] == n && memcmp(text + 1, p, n) == 0)
			return t->long_slots[i].rank;
	}
	return TOKENS_NO_RANK;
}

/* Each text is rebuilt from what it shares with the one before. */
static void add_tokens(struct tokens_table *t, struct str packed)
{
	const uint8_t *head = (const uint8_t *)packed.p, *p = head + HEAD_BYTES, *ranks = p + read_u32(head + 4);
	const uint8_t *end = head + packed.n;
	uint32_t count = read_u32(head), used = 1;
	uint8_t text[256];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t both = *p++, shared = both >> 4, more = both & 15;
		if (shared == 15)
			shared += *p++;
		if (more == 15)
			more += *p++;
		uint32_t n = shared + more;
		assert(n > 0 && n < sizeof text && p + more <= ranks);
		for (uint32_t k = 0; k < more; k++) /* two or so */
			text[shared + k] = p[k];
		p += more;
		const uint8_t *r = ranks + (size_t)i * RANK_BITS / 8;
		assert(r + 4 <= end);
		uint32_t rank = read_u32(r) >> (i * RANK_BITS % 8) & ((1u << RANK_BITS) - 1);
		if (n <= TOKENS_SHORT)
			add_short(t, text, n, rank);
		else
			add_long(t, &used, text, n, rank);
	}
	assert(p == ranks);
}

/* The smallest power of two that holds n. */
static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* Zeroed, at the beginning of a cache line, and for ever. */
static void *whole_lines(size_t n)
{
	return (void *)(((uintptr_t)mem_zalloc(n + CACHE_LINE) + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
}

static void unpack_ranks(struct tokens_table *t, struct str packed)
{
	const uint8_t *head = (const uint8_t *)packed.p;

	assert(packed.n > HEAD_BYTES);
	uint32_t count = read_u32(head), long_count = read_u32(head + 12), long_bytes = read_u32(head + 16);
	/* Three quarters full at most: a token that is not there is mostly told by one cache line. */
	uint32_t buckets = power_of_two((count - long_count) / 3 + 1);
	uint32_t longs = power_of_two(long_count * 2 + 1);
	t->bucket_mask = buckets - 1;
	t->bucket_shift = (unsigned)(64 - __builtin_ctz(buckets));
	t->long_mask = longs - 1;
	t->longest = read_u32(head + 8);
	t->slots = whole_lines((size_t)buckets * TOKENS_BUCKET * sizeof t->slots[0]);
	t->long_slots = mem_zalloc(longs * sizeof t->long_slots[0]);
	t->long_text = mem_alloc(1 + long_bytes + long_count);
	add_tokens(t, packed);
}

void tokens_unpack(enum tokens_encoding encoding)
{
	assert(encoding < TOKENS_ENCODINGS);
	pthread_mutex_lock(&unpacking);
	if (!atomic_load_explicit(&ready[encoding], memory_order_relaxed)) {
		if (!blocks)
			unpack_classes();
		unpack_ranks(&tables[encoding], tokens_data_ranks(encoding));
		atomic_store_explicit(&ready[encoding], true, memory_order_release);
	}
	pthread_mutex_unlock(&unpacking);
}

bool tokens_ready(enum tokens_encoding encoding)
{
	assert(encoding < TOKENS_ENCODINGS);
	return atomic_load_explicit(&ready[encoding], memory_order_acquire);
}

const struct tokens_table *tokens_table_of(enum tokens_encoding encoding)
{
	if (unlikely(!tokens_ready(encoding)))
		tokens_unpack(encoding);
	return &tables[encoding];
}
