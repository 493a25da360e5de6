/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Costs of whole answers: what a provider says that it used, through its dialect's reader, the built-in catalogue and
 * the price, to the nano-dollar. The table's numbers were computed without this program: cost_table.py. And what
 * providers themselves say that recorded answers cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <yyjson.h>

#include "base/arena.h"
#include "dialect/dialect.h"
#include "dialect/error.h"
#include "model/catalogue.h"

struct cost_row {
	const char *name, *provider, *model, *dialect, *at;
	int64_t want; /* nano-dollars; -1: unknown */
	const char *answer;
};

static const struct cost_row rows[] = {
#include "cost_rows.h"
};

/* "2026-11-28T12:00" in milliseconds since 1970. */
static int64_t ms_of(const char *at)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int y, m, d, h, min;
	int64_t days;

	assert_int_equal(sscanf(at, "%d-%d-%dT%d:%d", &y, &m, &d, &h, &min), 5);
	days = (y - 1970) * 365 + (y - 1969) / 4 + before[m - 1] + (m > 2 && y % 4 == 0) + d - 1;
	return ((days * 24 + h) * 60 + min) * 60000;
}

static int64_t cost_of(const struct cost_row *r, struct arena *a)
{
	const struct dialect *d = dialect_by_name(str_from_z(r->dialect));
	struct dialect_error error = { 0 };
	struct usage u = { .source = USAGE_NONE };
	struct model_entry e;
	int64_t nusd;

	if (!d)
		fail_msg("no dialect %s", r->dialect);
	if (d->read_answer(a, CALL_GENERATE, str_from_z(r->answer), &u, &error) != ANSWER_OK)
		fail_msg("%s: %s", r->name, r->answer);
	catalogue_entry(NULL, str_from_z(r->provider), str_from_z(r->model), a, &e);
	return price_cost(&e.price, &u, ms_of(r->at), &nusd) ? nusd : -1;
}

static void test_costs(void **state)
{
	struct arena arena;
	size_t wrong = 0;

	arena_init(&arena, 64 << 20);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = cost_of(&rows[i], &arena);

		if (got != rows[i].want) {
			print_error("%s, %s/%s at %s: %lld instead of %lld\n%s\n", rows[i].name, rows[i].provider,
			            rows[i].model, rows[i].at, (long long)got, (long long)rows[i].want, rows[i].answer);
			wrong++;
		}
	}
	arena_fini(&arena);
	assert_int_equal(wrong, 0);
	assert_true(COUNT_OF(rows) >= 200);
}

/* ---- what providers said ---- */

#define FOLDER "../shared/corpus"

/* The cost that stands in an answer, in nano-dollars; false: none, or it holds what is not counted here. */
static bool told_cost(yyjson_val *usage, int64_t *nusd)
{
	yyjson_val *ticks = yyjson_obj_get(usage, "cost_in_usd_ticks"); /* xAI: 10^-10 dollars */
	yyjson_val *cost = yyjson_obj_get(usage, "cost");               /* OpenRouter: dollars */

	if (yyjson_is_uint(ticks)) {
		*nusd = (int64_t)(yyjson_get_uint(ticks) + 5) / 10;
		return yyjson_get_uint(yyjson_obj_get(usage, "num_server_side_tools_used")) == 0;
	}
	if (!yyjson_is_num(cost) || yyjson_get_num(cost) <= 0)
		return false;
	*nusd = (int64_t)(yyjson_get_num(cost) * 1e9 + 0.5);
	return true;
}

struct told {
	unsigned equal, different, unknown;
};

static void compare(const char *provider, const char *dialect, const char *line, size_t n, struct told *t)
{
	yyjson_doc *record = yyjson_read(line, n, 0);
	yyjson_val *root = yyjson_doc_get_root(record);
	const char *body = yyjson_get_str(yyjson_obj_get(root, "response_body"));
	yyjson_doc *answer = body ? yyjson_read(body, strlen(body), 0) : NULL;
	yyjson_val *top = yyjson_doc_get_root(answer);
	struct cost_row r = { .name = "recorded",
		              .provider = provider,
		              .dialect = dialect,
		              .at = "2026-11-28T12:00",
		              .model = yyjson_get_str(yyjson_obj_get(top, "model")),
		              .answer = body };
	struct arena arena;
	int64_t told, got;

	arena_init(&arena, 16 << 20);
	if (r.model && told_cost(yyjson_obj_get(top, "usage"), &told)) {
		got = cost_of(&r, &arena);
		t->unknown += got < 0;
		t->equal += got == told;
		t->different += got >= 0 && got != told;
		if (got >= 0 && got != told)
			print_message("%s/%s: %lld, told %lld\n", provider, r.model, (long long)got, (long long)told);
	}
	arena_fini(&arena);
	yyjson_doc_free(answer);
	yyjson_doc_free(record);
}

static struct told compare_file(const char *file, const char *provider, const char *dialect)
{
	struct told t = { 0 };
	char command[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(command, sizeof(command), "gzip -dc " FOLDER "/%s.jsonl.gz", file);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0)
		compare(provider, dialect, line, (size_t)n, &t);
	free(line);
	pclose(f);
	print_message("%s: %u costs equal, %u different, %u unknown\n", file, t.equal, t.different, t.unknown);
	return t;
}

static void test_recorded_costs(void **state)
{
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	struct told t = compare_file("xai-chat.unary", "xai", "openai-chat");
	assert_true(t.equal > 0 && t.different == 0);
	t = compare_file("xai-responses.unary", "xai", "openai-responses");
	assert_true(t.equal > 0 && t.different == 0);
	/* its prices change with who runs the model, and fees of its plugins are not told apart */
	t = compare_file("openrouter-chat.unary", "openrouter", "openai-chat");
	assert_true(t.equal > 10 * t.different);
}

static int setup(void **state)
{
	dialect_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_recorded_costs),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
