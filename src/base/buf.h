/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: a growing run of bytes with a ceiling that is given at init and never passed. Appending returns false when the
 * ceiling would be passed, and the buffer keeps what it had: a caller that may ignore a whole row of appends checks
 * `failed` once at the end. Owned by whoever declared it; one thread at a time. An empty buffer holds no memory.
 */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool failed; /* an append was refused since the last clear */
	int file;    /* its memory is this descriptor - 1's (base/spool.h); 0: the heap's */
};

static inline struct buf buf_make(size_t max_bytes) { return (struct buf){ .max = max_bytes }; }
void buf_fini(struct buf *);                      /* frees the memory; the buffer can be used again */
static inline void buf_clear(struct buf *b) { b->n = 0; b->failed = false; } /* keeps the memory */
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p, b->n }; }

/* Room for at least `n` more bytes behind the contents; the caller writes there and adds to n. NULL: the ceiling. */
char *buf_reserve(struct buf *, size_t n);
bool buf_append(struct buf *, struct str);                     /* the str must not lie in this buffer */
bool buf_append_c(struct buf *, char);
bool buf_append_u64(struct buf *, uint64_t);
bool buf_append_i64(struct buf *, int64_t);
bool buf_append_hex(struct buf *, struct str bytes);           /* lower case */
bool buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *, size_t n);                      /* drops the first n bytes */
/* Contents move to the caller, who frees them with free(); the buffer is empty afterwards. */
char *buf_take(struct buf *, size_t *n);

/* Decimal digits of v at `out` (not terminated); returns their number, at most 20. */
size_t fmt_u64(char out[20], uint64_t v);

#endif
