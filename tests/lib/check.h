/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: cmocka with the headers it wants in front of it, and checks that name the failing row of a table.
 *
 *	for (size_t i = 0; i < COUNT_OF(cases); i++)
 *		check(cases[i].name, str_trim(cases[i].in).n == cases[i].want);
 */
#ifndef SLUICE_TESTS_LIB_CHECK_H
#define SLUICE_TESTS_LIB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* Fails the test unless `cond` holds, naming the row. */
#define check(row, cond)                                                                   \
	do {                                                                               \
		if (!(cond)) {                                                             \
			print_error("row \"%s\": not true: %s\n", (row), #cond);           \
			_fail(__FILE__, __LINE__);                                         \
		}                                                                          \
	} while (0)

/* Fails the test unless both have the same bytes, showing them. */
#define check_str(row, got, want) check_str_at(row, got, want, __FILE__, __LINE__)

static inline void check_str_at(const char *row, struct str got, struct str want, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("row \"%s\": got  \"%.*s\"\n", row, STR_ARG(got));
	print_error("row \"%s\": want \"%.*s\"\n", row, STR_ARG(want));
	_fail(file, line);
}

static inline void check_u64_at(const char *row, uint64_t got, uint64_t want, const char *file, int line)
{
	if (got == want)
		return;
	print_error("row \"%s\": got %llu, want %llu\n", row, (unsigned long long)got, (unsigned long long)want);
	_fail(file, line);
}

#define check_u64(row, got, want) check_u64_at(row, (uint64_t)(got), (uint64_t)(want), __FILE__, __LINE__)

#endif
