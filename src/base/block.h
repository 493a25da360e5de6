/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block: memory of one fixed size that comes and goes with every request: a connection's output, an arena's first
 * block. Each thread keeps some that were given back, so that taking one costs a few instructions where malloc needs
 * hundreds for this size. What is taken on one thread may be given back on another.
 */
#ifndef SLUICE_BASE_BLOCK_H
#define SLUICE_BASE_BLOCK_H

#include "base/attr.h"

#define BLOCK_BYTES 4096u

HOT void *block_take(void);          /* not zeroed; aligned as by malloc */
HOT void block_give(void *);         /* NULL is fine */

/* Frees what this thread keeps. */
void block_drop(void);

#endif
