/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: plain heap memory. Failing ends the process with a message (log_panic): nobody writes untested recovery code.
 * Free with free().
 */
#ifndef SLUICE_BASE_MEM_H
#define SLUICE_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                       /* not zeroed */
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
void *mem_dup(const void *p, size_t n);          /* followed by a NUL that is not counted */

#endif
