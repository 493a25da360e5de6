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
		.saved_nusd = 89,
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

static void assert_same(const struct record *r, const struct spend *s)
{
	const struct record_fixed *f = &r->fixed;
	const struct str texts[TEXTS] = { s->client_id, s->user, s->tags, s->error };
	struct str rest = r->texts;

	assert_int_equal(r->saved_nusd, s->saved_nusd);
	assert_memory_equal(f->id.b, s->id.b, 16);
	assert_true(f->cost_nusd == (s->cost_known ? s->cost_nusd : 0));
	assert_int_equal(f->flags, (s->stream ? RECORD_STREAM : 0) | (s->cost_known ? RECORD_COST_KNOWN : 0) |
	                                   (s->saved_nusd ? RECORD_SAVED : 0) |
	                                   (int)s->usage << RECORD_USAGE_SHIFT);
	assert_memory_equal(&f->tokens, &s->tokens, sizeof(s->tokens));
	assert_true(f->status == s->status && f->attempts == s->attempts && f->first_byte_ms == s->first_byte_ms);
	assert_true(f->latency_ms == s->latency_ms && f->overhead_us == s->overhead_us);
	for (int i = 0; i < TEXTS; i++) {
		assert_true(str_eq(str_slice(rest, 0, f->text_n[i]), texts[i]));
		rest = str_slice(rest, f->text_n[i], rest.n);
	}
	assert_int_equal(rest.n, 0);
}

static void assert_same_dim(struct str dim, const struct spend *s)
{
	struct str d[DIMS];

	record_read_dim(dim, d);
	assert_true(str_eq(d[DIM_KEY], s->key_id) && str_eq(d[DIM_TEAM], s->team) && str_eq(d[DIM_MODEL], s->model));
	assert_true(str_eq(d[DIM_PROVIDER], s->provider) && str_eq(d[DIM_DEPLOYMENT], s->deployment));
	assert_true(str_eq(d[DIM_UPSTREAM_MODEL], s->upstream_model) && str_eq(d[DIM_ENDPOINT], s->endpoint));
	assert_true(str_eq(d[DIM_DIALECT], s->dialect));
}

static void test_there_and_back(void **state)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char out[RECORD_MAX_BYTES];
		struct record got;
		size_t n = record_write(out, 7, &samples[i]), len = 0;

		assert_int_equal(record_check(str_of(out, n), 7, &len), RECORD_WHOLE);
		assert_int_equal(len, n);
		assert_int_equal(record_check(str_of(out, n), 8, &len), RECORD_BAD); /* of another file */
		assert_true(record_read(str_of(out, n), &got));
		assert_same(&got, &samples[i]);
		assert_same_dim(got.dim, &samples[i]);
	}
}

static void test_unknown_cost_is_not_kept(void **state)
{
	char out[RECORD_MAX_BYTES];
	struct record got;
	struct spend in = { .cost_nusd = 5 };
	size_t n = record_write(out, 0, &in);

	assert_true(record_read(str_of(out, n), &got));
	assert_false(got.fixed.flags & RECORD_COST_KNOWN);
	assert_true(got.fixed.cost_nusd == 0);
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
		struct spend in = { .model = { long_text, 0 }, .error = { long_text, 0 } };
		struct record got;
		size_t unit = strlen(cases[i].unit), n;

		for (size_t at = 0; at + unit <= sizeof(long_text); at += unit)
			memcpy(long_text + at, cases[i].unit, unit);
		in.model.n = in.error.n = 300;
		n = record_write(out, 0, &in);
		assert_int_equal(record_check(str_of(out, n), 0, &n), RECORD_WHOLE);
		assert_true(record_read(str_of(out, n), &got));
		assert_int_equal(got.fixed.dim_n[DIM_MODEL], cases[i].want);
		assert_int_equal(got.fixed.text_n[TEXT_ERROR], cases[i].want);
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
