/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records: there and back, cut at every byte, every byte changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "govern/govern_in.h"

static char long_text[600];

static const struct spend samples[] = {
	{ .status = 200 },
	{
		.id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
		.client_id = STR_INIT("mine"),
		.key_id = STR_INIT("key_01HZXYABCDEFGHJKMNPQRSTVWX"),
		.team = STR_INIT("platform"),
		.user = STR_INIT("ann"),
		.tags = STR_INIT("a,b"),
		.model = STR_INIT("chat"),
		.provider = STR_INIT("openai"),
		.deployment = STR_INIT("openai/gpt-4o"),
		.upstream_model = STR_INIT("gpt-4o"),
		.endpoint = STR_INIT("/v1/chat/completions"),
		.dialect = STR_INIT("openai-chat"),
		.cost_nusd = 1234567,
		.cost_known = true,
		.stream = true,
		.usage = SPEND_USAGE_REPORTED,
		.tokens = { 1, 2, 3, 4, 5 },
		.status = 200,
		.attempts = 2,
		.first_byte_ms = 100,
		.latency_ms = 2000,
		.overhead_us = 300,
	},
	{
		.cost_nusd = INT64_MAX,
		.cost_known = true,
		.usage = SPEND_USAGE_COUNTED,
		.tokens = { UINT64_MAX, UINT64_MAX, 0, 0, 1 },
		.status = 499,
		.attempts = 65535,
		.first_byte_ms = UINT32_MAX,
		.latency_ms = UINT32_MAX,
		.overhead_us = UINT32_MAX,
		.error = STR_INIT("upstream_error"),
	},
};

static void assert_same(const struct spend *a, const struct spend *b)
{
	assert_memory_equal(a->id.b, b->id.b, 16);
	assert_true(str_eq(a->client_id, b->client_id) && str_eq(a->key_id, b->key_id) && str_eq(a->team, b->team));
	assert_true(str_eq(a->user, b->user) && str_eq(a->tags, b->tags) && str_eq(a->model, b->model));
	assert_true(str_eq(a->provider, b->provider) && str_eq(a->deployment, b->deployment));
	assert_true(str_eq(a->upstream_model, b->upstream_model) && str_eq(a->endpoint, b->endpoint));
	assert_true(str_eq(a->dialect, b->dialect) && str_eq(a->error, b->error));
	assert_true(a->cost_nusd == b->cost_nusd && a->cost_known == b->cost_known && a->stream == b->stream &&
	            a->usage == b->usage);
	assert_memory_equal(&a->tokens, &b->tokens, sizeof(a->tokens));
	assert_true(a->status == b->status && a->attempts == b->attempts && a->first_byte_ms == b->first_byte_ms);
	assert_true(a->latency_ms == b->latency_ms && a->overhead_us == b->overhead_us);
}

static void test_there_and_back(void **state)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char out[RECORD_MAX_BYTES];
		struct spend got;
		struct str dim, texts[DIMS];
		size_t n = record_write(out, 7, &samples[i]), len = 0;

		assert_int_equal(record_check(str_of(out, n), 7, &len), RECORD_WHOLE);
		assert_int_equal(len, n);
		assert_int_equal(record_check(str_of(out, n), 8, &len), RECORD_BAD); /* of another file */
		assert_true(record_read(str_of(out, n), &got, &dim));
		assert_same(&got, &samples[i]);
		record_read_dim(dim, texts);
		assert_true(str_eq(texts[DIM_MODEL], samples[i].model) &&
		            str_eq(texts[DIM_DIALECT], samples[i].dialect));
	}
}

static void test_unknown_cost_is_not_kept(void **state)
{
	char out[RECORD_MAX_BYTES];
	struct spend got, in = { .cost_nusd = 5 };
	struct str dim;
	size_t n = record_write(out, 0, &in);

	assert_true(record_read(str_of(out, n), &got, &dim));
	assert_false(got.cost_known);
	assert_true(got.cost_nusd == 0);
}

static void test_long_texts_are_cut_at_a_character(void **state)
{
	static const struct {
		const char *unit;
		size_t want;
	} cases[] = {
		{ "a", 255 }, { "\xc3\xa4", 254 }, { "\xe2\x82\xac", 255 }, { "\xf0\x9f\x98\x80", 252 }, { "\x80", 251 }
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[RECORD_MAX_BYTES];
		struct spend got, in = { .model = { long_text, 0 }, .error = { long_text, 0 } };
		struct str dim;
		size_t unit = strlen(cases[i].unit), n;

		for (size_t at = 0; at + unit <= sizeof(long_text); at += unit)
			memcpy(long_text + at, cases[i].unit, unit);
		in.model.n = in.error.n = 300;
		n = record_write(out, 0, &in);
		assert_int_equal(record_check(str_of(out, n), 0, &n), RECORD_WHOLE);
		assert_true(record_read(str_of(out, n), &got, &dim));
		assert_int_equal(got.model.n, cases[i].want);
		assert_int_equal(got.error.n, cases[i].want);
	}
}

static void test_cut_at_every_byte(void **state)
{
	char out[RECORD_MAX_BYTES];
	size_t n = record_write(out, 3, &samples[1]), len;

	for (size_t cut = 1; cut < n; cut++)
		assert_int_equal(record_check(str_of(out, cut), 3, &len), RECORD_SHORT);
}

static void test_every_byte_changed(void **state)
{
	char out[RECORD_MAX_BYTES];
	size_t n = record_write(out, 3, &samples[1]), len;

	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			out[i] = (char)(out[i] ^ 1 << bit);
			assert_int_not_equal(record_check(str_of(out, n), 3, &len), RECORD_WHOLE);
			out[i] = (char)(out[i] ^ 1 << bit);
		}
	assert_int_equal(record_check(str_of(out, n), 3, &len), RECORD_WHOLE);
}

static void test_ids(void **state)
{
	static const char *const bad[] = {
		"",
		"01HZXYABCDEFGHJKMNPQRSTVW",
		"01HZXYABCDEFGHJKMNPQRSTVWXY",
		"81HZXYABCDEFGHJKMNPQRSTVWX",
		"01HZXYABCDEFGHJKMNPQRSTVWU",
		"01HZXYABCDEFGHJKMNPQRSTVW ",
	};
	struct ulid a = ulid_new(1234567890123), b;
	char text[ULID_LEN];

	ulid_text(text, a);
	assert_true(spend_id_read(str_of(text, ULID_LEN), &b));
	assert_memory_equal(a.b, b.b, 16);
	assert_true(ulid_time_ms(a) == 1234567890123);
	for (size_t i = 0; i < ULID_LEN; i++)
		text[i] |= text[i] >= 'A' ? 0x20 : 0;
	assert_true(spend_id_read(str_of(text, ULID_LEN), &b));
	assert_memory_equal(a.b, b.b, 16);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(spend_id_read(str_from_z(bad[i]), &b));
	assert_false(spend_id_read(STR("01HZXYABCDEFGHJKMNPQRSTVW\0"), &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_unknown_cost_is_not_kept),
		cmocka_unit_test(test_long_texts_are_cut_at_a_character),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
