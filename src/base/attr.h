/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr: compiler attributes and the two macros that everybody needs, so that no other header spells them.
 * Assertions stay on in release: NDEBUG is refused at compile time.
 */
#ifndef SLUICE_BASE_ATTR_H
#define SLUICE_BASE_ATTR_H

#include <stddef.h>

#ifdef NDEBUG
#error "assertions are part of this program; build without NDEBUG"
#endif

#define MUST_USE           __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)  __attribute__((format(printf, f, a)))
#define NORETURN           __attribute__((noreturn))
#define HOT                __attribute__((hot))
#define COLD               __attribute__((cold))
#define NOINLINE           __attribute__((noinline))
#define ALWAYS_INLINE      __attribute__((always_inline)) inline
#define likely(x)          __builtin_expect(!!(x), 1)
#define unlikely(x)        __builtin_expect(!!(x), 0)

/* Does a sanitizer watch memory or threads? */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The object of type `type` whose member `member` is at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#endif
