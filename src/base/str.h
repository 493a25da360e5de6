/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a borrowed run of bytes, passed by value. It is valid as long as what it points into; it is not
 * NUL-terminated and may hold any byte. `p` may be NULL only when `n` is 0. NUL-terminated strings exist only at
 * system calls.
 */
#ifndef SLUICE_BASE_STR_H
#define SLUICE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
	const char *p;
	size_t n;
};

/* A str of a string literal; its length is known to the compiler. */
#define STR(literal) ((struct str){ ("" literal), sizeof(literal) - 1 })
/* For static initialisers of tables. */
#define STR_INIT(literal) { ("" literal), sizeof(literal) - 1 }
/* For printf-like functions: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *p, size_t n) { return (struct str){ p, n }; }
static inline struct str str_from_z(const char *z) { return (struct str){ z, z ? strlen(z) : 0 }; }

static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
bool str_ieq(struct str a, struct str b);                 /* ASCII case is ignored */
int str_cmp(struct str a, struct str b);                  /* bytewise order, as memcmp; a prefix comes first */
bool str_eq_secret(struct str a, struct str b);           /* constant time in the contents; lengths may leak */

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}
static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}
bool str_istarts(struct str s, struct str prefix);        /* ASCII case is ignored */

#define STR_NPOS ((size_t)-1)
size_t str_find_chr(struct str s, char c);                /* index, or STR_NPOS */
size_t str_find(struct str s, struct str needle);         /* index, or STR_NPOS; an empty needle is found at 0 */
struct str str_slice(struct str s, size_t from, size_t to); /* [from, to), both clipped to s.n */
struct str str_trim(struct str s);                        /* without leading and trailing SP and HTAB (RFC 9110 OWS) */

/* Cuts `*rest` at the first `sep`: returns what stands before it and moves `*rest` behind it. Without a `sep` the
 * whole is returned and `*rest` becomes empty with p == NULL, which ends a loop
 * `while (rest.p) { part = str_cut(&rest, ','); … }`. */
struct str str_cut(struct str *rest, char sep);

/* Copies s to `at`, where the caller has made room, and returns the place behind it. Short texts, of which a message
 * has dozens, are copied in place, by two pieces that may overlap: calling memcpy costs more than its work. Not by its
 * plain name, which _FORTIFY_SOURCE would turn into checked calls. */
static inline char *put_str(char *at, struct str s)
{
	if (s.n >= 16) {
		if (s.n > 32) {
			memcpy(at, s.p, s.n);
			return at + s.n;
		}
		__builtin_memcpy(at, s.p, 16);
		__builtin_memcpy(at + s.n - 16, s.p + s.n - 16, 16);
	} else if (s.n >= 8) {
		__builtin_memcpy(at, s.p, 8);
		__builtin_memcpy(at + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n >= 4) {
		__builtin_memcpy(at, s.p, 4);
		__builtin_memcpy(at + s.n - 4, s.p + s.n - 4, 4);
	} else if (s.n >= 1) {
		at[0] = s.p[0];
		at[s.n / 2] = s.p[s.n / 2];
		at[s.n - 1] = s.p[s.n - 1];
	}
	return at + s.n;
}

/* Decimal digits only, no sign, no space, at least one digit, no overflow. `*out` is written on success only. */
MUST_USE bool str_to_u64(struct str s, uint64_t *out);

/* Shell-like pattern: `*` any run (also empty), `?` one byte; everything else itself. Linear time for each `*`. */
bool str_glob(struct str pattern, struct str s);

/* Edit distance (Levenshtein) with bytes as letters, cut off at `limit`: a result of `limit` means "at least". Used
 * to name the nearest known word in messages; both sides are clipped to 64 bytes. */
size_t str_distance(struct str a, struct str b, size_t limit);

#endif
