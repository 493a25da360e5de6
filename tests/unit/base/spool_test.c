/* SPDX-License-Identifier: Apache-2.0 */
/* base/spool.h: a buffer whose memory is a file. */
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/spool.h"

static void holds_what_a_buffer_holds(void **state)
{
	struct buf b = buf_make((size_t)64 << 20);
	size_t n = 20u << 20;
	char line[1024];
	struct err e;

	check("opens", spool_open(&b, "/tmp", &e));
	for (size_t i = 0; i < n / sizeof line; i++) {
		memset(line, (int)('a' + i % 26), sizeof line);
		check("append", buf_append(&b, str_of(line, sizeof line)));
	}
	check_u64("length", b.n, n);
	spool_release(&b, b.n);
	for (size_t i = 0; i < n / sizeof line; i += 97)
		check("contents", b.p[i * sizeof line] == (char)('a' + i % 26) &&
		                          b.p[i * sizeof line + sizeof line - 1] == (char)('a' + i % 26));
	buf_clear(&b);
	check("usable again", buf_append(&b, STR("x")) && b.p[0] == 'x');
	buf_fini(&b);
	check("an ordinary one afterwards", !b.file && buf_append(&b, STR("y")));
	buf_fini(&b);
}

static void stops_at_the_ceiling(void **state)
{
	struct buf b = buf_make(5000);
	struct err e;
	char bytes[5000] = "";

	check("opens", spool_open(&b, "/tmp", &e));
	check("fills", buf_append(&b, str_of(bytes, sizeof bytes)));
	check("full", !buf_append_c(&b, 'x') && b.failed && b.n == sizeof bytes);
	buf_fini(&b);
}

static void all_together_have_a_ceiling(void **state)
{
	struct buf a = buf_make((size_t)64 << 20), b = buf_make((size_t)64 << 20);
	struct err e;

	spool_limit(3 * SPOOL_STEP_BYTES);
	check("opens", spool_open(&a, "/tmp", &e) && spool_open(&b, "/tmp", &e));
	check("two steps", buf_reserve(&a, SPOOL_STEP_BYTES + 1) != NULL);
	check("one more", buf_reserve(&b, 1) != NULL);
	b.n = b.cap;
	check("no room", !buf_append_c(&b, 'x') && b.failed);
	buf_fini(&a);
	b.failed = false;
	check("room again", buf_append_c(&b, 'x'));
	buf_fini(&b);
	check("nothing is held", spool_open(&a, "/tmp", &e) && buf_reserve(&a, 2 * SPOOL_STEP_BYTES) != NULL);
	buf_fini(&a);
	spool_limit(SIZE_MAX);
}

static void a_folder_that_is_none_is_an_error(void **state)
{
	struct buf b = buf_make(5000);
	struct err e;

	check("refused", !spool_open(&b, "/nowhere/at/all", &e) && e.code == ERR_SYSTEM);
	check("an ordinary one", buf_append(&b, STR("y")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_a_buffer_holds),
		cmocka_unit_test(stops_at_the_ceiling),
		cmocka_unit_test(all_together_have_a_ceiling),
		cmocka_unit_test(a_folder_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
