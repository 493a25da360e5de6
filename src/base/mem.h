/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: plain heap memory. Failing ends the process with a message (log_panic): nobody writes untested recovery code.
 * Free with free().
 */
#ifndef SLUICE_BASE_MEM_H
#define SLUICE_BASE_MEM_H

#include <stddef.h>

/*
 * Once, first thing in main: tells malloc that large buffers come and go. Left alone, it gives those of some 100 KB
 * back to the kernel each time and has them faulted in again: a seventh of the CPU of a 100 KB prompt. Up to 16 MiB
 * stay.
 */
void mem_setup(void);

void *mem_alloc(size_t n);                       /* not zeroed */
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
void *mem_dup(const void *p, size_t n);          /* followed by a NUL that is not counted */

/* Gives unused memory of the heap back to the system; takes up to a few milliseconds. */
void mem_trim(void);

#endif
