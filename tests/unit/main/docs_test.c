/* SPDX-License-Identifier: Apache-2.0 */
/* What the manual pages list is what the program has. Run from the top of the repository. */
#include "lib/check.h"

#include <stdio.h>

#include "base/err.h"

static struct str read_doc(const char *path)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return str_of(text, n);
}

static void the_manual_names_every_error(void **state)
{
	struct str text = read_doc("docs/errors.md"), rest = text;
	size_t rows = 0, codes = 0;

	for (int code = ERR_NONE + 1; code < ERR_CODES; code++) {
		char row[128];

		snprintf(row, sizeof(row), "\n| `%s` | %d |", err_code_name((enum err_code)code),
		         err_code_status((enum err_code)code));
		check(row, str_find(text, str_from_z(row)) != STR_NPOS);
		codes++;
	}
	while (rest.p && rest.n)
		rows += str_starts(str_cut(&rest, '\n'), STR("| `"));
	check_u64("no row without its code", rows, codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_manual_names_every_error) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
