/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer with a ceiling. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/spool.h"

enum { FIRST_BYTES = 256 };

static const char two_digits[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				 "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				 "8081828384858687888990919293949596979899";

/* The heap block is one byte longer than `cap`, for the NUL that vsnprintf insists on: so a printf may fill the buffer
 * to its very ceiling. Blocks are powers of two until the ceiling. */
static char *buf_grow(struct buf *b, size_t n)
{
	size_t want, block = b->cap ? b->cap + 1 : FIRST_BYTES;

	if (n > b->max - b->n) {
		b->failed = true;
		return NULL;
	}
	want = b->n + n;
	while (block - 1 < want) {
		if (block > SIZE_MAX / 2) {
			b->failed = true;
			return NULL;
		}
		block *= 2;
	}
	if (unlikely(b->file))
		block = (want / SPOOL_STEP_BYTES + 1) * SPOOL_STEP_BYTES;
	if (block - 1 > b->max)
		block = b->max + 1;
	if (unlikely(b->file)) {
		if (!spool_grow(b, block)) {
			b->failed = true;
			return NULL;
		}
	} else {
		b->p = mem_realloc(b->p, block);
	}
	b->cap = block - 1;
	assert(b->cap >= want && b->cap <= b->max);
	return b->p + b->n;
}

void buf_fini(struct buf *b)
{
	if (!b)
		return;
	if (unlikely(b->file))
		spool_close(b);
	else
		free(b->p);
	*b = buf_make(b->max);
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (likely(b->p && n <= b->cap - b->n))
		return b->p + b->n;
	return buf_grow(b, n);
}

bool buf_append(struct buf *b, struct str s)
{
	char *to;

	if (s.n == 0)
		return true;
	to = buf_reserve(b, s.n);
	if (unlikely(!to))
		return false;
	memcpy(to, s.p, s.n);
	b->n += s.n;
	return true;
}

bool buf_append_c(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (unlikely(!to))
		return false;
	*to = c;
	b->n++;
	return true;
}

/* Most numbers are small: statuses, counts, microseconds. */
static inline size_t fmt_small(char *out, unsigned v)
{
	if (v < 10) {
		out[0] = (char)('0' + v);
		return 1;
	}
	if (v < 100) {
		__builtin_memcpy(out, two_digits + 2 * v, 2);
		return 2;
	}
	out[0] = (char)('0' + v / 100);
	__builtin_memcpy(out + 1, two_digits + 2 * (v % 100), 2);
	return 3;
}

size_t fmt_u64(char out[20], uint64_t v)
{
	static const uint64_t tens[] = { 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		                         10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
		                         1000000000000000, 10000000000000000, 100000000000000000,
		                         1000000000000000000, 10000000000000000000u };
	/* log10(2) is 1233/4096: the number of digits from that of bits, or one too few */
	unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1), n = bits * 1233 >> 12;
	char *at;

	if (v < 1000)
		return fmt_small(out, (unsigned)v);
	n += n == 0 || (n < 20 && v >= tens[n - 1]);
	for (at = out + n; v >= 100; v /= 100)
		__builtin_memcpy(at -= 2, two_digits + 2 * (v % 100), 2);
	if (v >= 10)
		__builtin_memcpy(at -= 2, two_digits + 2 * v, 2);
	else
		*--at = (char)('0' + v);
	assert(at == out);
	return n;
}

bool buf_append_u64(struct buf *b, uint64_t v)
{
	char text[20];

	return buf_append(b, (struct str){ text, fmt_u64(text, v) });
}

bool buf_append_i64(struct buf *b, int64_t v)
{
	char text[21] = "-";
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v; /* also right for INT64_MIN */
	size_t n = fmt_u64(text + 1, size);

	return buf_append(b, v < 0 ? (struct str){ text, n + 1 } : (struct str){ text + 1, n });
}

bool buf_append_hex(struct buf *b, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *to;

	if (bytes.n > SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	to = buf_reserve(b, 2 * bytes.n);
	if (!to)
		return false;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char byte = (unsigned char)bytes.p[i];

		*to++ = digits[byte >> 4];
		*to++ = digits[byte & 15];
	}
	b->n += 2 * bytes.n;
	return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->p ? b->cap - b->n + 1 : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, args);
	va_end(args);
	assert(n >= 0);
	if ((size_t)n >= room) {
		if (!buf_reserve(b, (size_t)n))
			return false;
		va_start(args, fmt);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, args);
		va_end(args);
	}
	b->n += (size_t)n;
	return true;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	if (b->n && n)
		memmove(b->p, b->p + n, b->n);
}

char *buf_take(struct buf *b, size_t *n)
{
	char *p = b->p ? b->p : mem_alloc(1);

	assert(!b->file);
	*n = b->n;
	*b = buf_make(b->max);
	return p;
}
