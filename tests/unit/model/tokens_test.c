/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: as gpt-tokenizer counts (tests/data/tokens/vectors.tsv); bad UTF-8, JSON's escapes, hostile lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/scan.h"
#include "model/tokens.h"

/* A copy without a byte too many, so that reading past the end is seen by the sanitizers. */
static size_t count_exactly(enum tokens_encoding encoding, struct str text)
{
	char *copy = malloc(text.n ? text.n : 1);

	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	size_t n = tokens_count(encoding, str_of(copy, text.n));
	free(copy);
	return n;
}

static void vectors_are_met(void **state)
{
	FILE *f = fopen("tests/data/tokens/vectors.tsv", "r");
	char *line = NULL;
	size_t cap = 0, lines = 0, wrong = 0;
	ssize_t n;

	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		struct str rest = str_of(line, (size_t)n - 1);
		uint64_t want[TOKENS_ENCODINGS];
		struct buf text = buf_make(1 << 20), raw = buf_make(1 << 20);

		assert_true(str_to_u64(str_cut(&rest, '\t'), &want[TOKENS_O200K]));
		assert_true(str_to_u64(str_cut(&rest, '\t'), &want[TOKENS_CL100K]));
		buf_printf(&raw, "\"%.*s\"", STR_ARG(rest));
		assert_true(json_to_buf(buf_str(&raw), &text));
		for (unsigned e = 0; e < TOKENS_ENCODINGS; e++) {
			size_t plain = count_exactly(e, buf_str(&text)), json = tokens_count_json(e, rest);
			if (plain == want[e] && json == want[e])
				continue;
			print_error("%s: %.*s: %zu, as JSON %zu, not %zu\n", tokens_encoding_name(e), STR_ARG(rest),
			            plain, json, (size_t)want[e]);
			wrong++;
		}
		buf_fini(&text);
		buf_fini(&raw);
		lines++;
	}
	free(line);
	fclose(f);
	assert_true(lines > 1000);
	assert_int_equal(wrong, 0);
}

/* `n` bytes, `unit` again and again; to be freed. */
static struct str repeated(struct str unit, size_t n)
{
	char *p = mem_alloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = unit.p[i % unit.n];
	return str_of(p, n);
}

/* What the real encoder says of runs much longer than TOKENS_PIECE_MAX. */
static void long_pieces_are_merged_in_parts(void **state)
{
	static const struct {
		struct str unit;
		size_t times, o200k, cl100k;
	} rows[] = {
		{ STR_INIT("a"), 10000, 1250, 1250 },
		{ STR_INIT(" "), 10000, 79, 79 },
		{ STR_INIT("-"), 10000, 156, 156 },
		{ STR_INIT("xyzzy"), 3000, 6000, 6000 },
		{ STR_INIT("日本語"), 3000, 6000, 12000 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str text = repeated(rows[i].unit, rows[i].unit.n * rows[i].times);
		size_t got[] = { tokens_count(TOKENS_O200K, text), tokens_count(TOKENS_CL100K, text) };
		size_t want[] = { rows[i].o200k, rows[i].cl100k };
		for (unsigned e = 0; e < 2; e++) {
			print_message("%.*s: %zu, exactly %zu\n", STR_ARG(rows[i].unit), got[e], want[e]);
			assert_in_range(got[e] * 100, want[e] * 99, want[e] * 101 + 100);
		}
		free((void *)text.p);
	}
}

static void no_text_costs_its_square(void **state)
{
	static const struct str units[] = {
		STR_INIT("a"), STR_INIT(" "), STR_INIT("\n"), STR_INIT("="), STR_INIT("\xcc\x81"),
		STR_INIT("A\xcc\x81"), STR_INIT("\xcc\x81" "A"), STR_INIT("\x80"), STR_INIT("\xf0"),
		STR_INIT("\xe6\x97"), STR_INIT("zq"), STR_INIT(" \n"),
		STR_INIT("\xe0\xb8\x81" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	};

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		struct str text = repeated(units[i], 1 << 20);
		for (unsigned e = 0; e < TOKENS_ENCODINGS; e++) {
			int64_t begin = clock_now_ms();
			size_t n = tokens_count(e, text);
			assert_in_range(n, text.n / 128, text.n);
			assert_int_equal(tokens_count_json(e, text), n);
			assert_true(clock_now_ms() - begin < 20000);
		}
		free((void *)text.p);
	}
}

static void broken_utf8_is_counted_all_the_same(void **state)
{
	static const struct str texts[] = {
		STR_INIT("\xff"), STR_INIT("\xc3"), STR_INIT("abc\xe6\x97"), STR_INIT("\xed\xa0\x80 x"),
		STR_INIT("\xf4\x90\x80\x80"), STR_INIT("\xc0\xaf"), STR_INIT("\xf0\x9f\x98"), STR_INIT("a\x80z"),
		STR_INIT("\xe0\x80\x80"),
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		for (unsigned e = 0; e < TOKENS_ENCODINGS; e++)
			assert_in_range(count_exactly(e, texts[i]), 1, texts[i].n);
	assert_int_equal(tokens_count(TOKENS_O200K, str_of(NULL, 0)), 0);
	assert_int_equal(tokens_count_json(TOKENS_O200K, str_of(NULL, 0)), 0);
}

/* Escapes that are malformed or stand where the window of tokens_count_json ends. */
static void escapes_are_read_at_any_place(void **state)
{
	for (size_t pad = 4080; pad < 4110; pad++) {
		struct buf json = buf_make(1 << 16), plain = buf_make(1 << 16);
		for (size_t i = 0; i < pad; i++) {
			buf_append_c(&json, i % 6 ? 'a' : ' ');
			buf_append_c(&plain, i % 6 ? 'a' : ' ');
		}
		for (int i = 0; i < 1500; i++) {
			buf_append(&json, STR("\\n\\u00e9\\ud83d\\ude00x\\\\ "));
			buf_append(&plain, STR("\n\xc3\xa9\xf0\x9f\x98\x80x\\ "));
		}
		for (unsigned e = 0; e < TOKENS_ENCODINGS; e++)
			assert_int_equal(tokens_count_json(e, buf_str(&json)), tokens_count(e, buf_str(&plain)));
		buf_fini(&json);
		buf_fini(&plain);
	}
	assert_int_equal(tokens_count_json(TOKENS_O200K, STR("\\ud800")),
	                 tokens_count(TOKENS_O200K, STR("\xef\xbf\xbd")));
	assert_int_equal(tokens_count_json(TOKENS_O200K, STR("\\")), 1);
	assert_int_equal(tokens_count_json(TOKENS_O200K, STR("\\u12")), tokens_count(TOKENS_O200K, STR("\\u12")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_met),
		cmocka_unit_test(long_pieces_are_merged_in_parts),
		cmocka_unit_test(no_text_costs_its_square),
		cmocka_unit_test(broken_utf8_is_counted_all_the_same),
		cmocka_unit_test(escapes_are_read_at_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
