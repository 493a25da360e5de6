/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: a buffer whose memory is a file, for bodies that are too large to be held: uploads of sound and of files. It
 * is a struct buf like any other, but its bytes are pages of a file without a name, which the kernel writes out and
 * drops as it needs; the file is gone when the buffer is emptied by buf_fini, or the process ends, however it ends.
 *
 * Room is reserved on the disk before it is written to: a full disk is an append that is refused (buf.failed), as at
 * the ceiling. A spooled buffer cannot be given away with buf_take.
 */
#ifndef SLUICE_BASE_SPOOL_H
#define SLUICE_BASE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"

/* Makes an empty buffer a spooled one, with its file in the folder `dir`. False: ERR_SYSTEM. */
MUST_USE bool spool_open(struct buf *, const char *dir, struct err *);

/* The ceiling of all spooled buffers together, in bytes; more is a refused append. Any thread. Without a call: none. */
void spool_limit(size_t total_max_bytes);

/* The first n bytes are not needed in memory for now; they are read from the file when they are touched again. */
void spool_release(const struct buf *, size_t n);

/* A file grows by this much at a time; what is older than a step or two is not kept in memory. */
#define SPOOL_STEP_BYTES ((size_t)4 << 20)

/* For buf.c: gives the buffer `block` bytes. False: the disk is full, or there is no memory for the mapping. */
bool spool_grow(struct buf *, size_t block);
void spool_close(struct buf *);

#endif
