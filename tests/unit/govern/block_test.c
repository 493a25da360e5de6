/* SPDX-License-Identifier: Apache-2.0 */
/* Records in blocks: there and back, order of ids, cut at every byte, every bit changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "govern/govern_in.h"

static char long_text[SPEND_TEXT_MAX + 1];

static const struct {
	const char *name;
	uint64_t dim;
	struct spend spend;
} cases[] = {
	{ "empty", 0, { .status = 0 } },
	{ "ordinary", 7,
	  { .cost_known = true, .cost_nusd = 123456, .tokens = { .input = 200, .output = 100 }, .status = 200,
	    .attempts = 1, .usage = SPEND_USAGE_REPORTED, .first_byte_ms = 12, .latency_ms = 345, .overhead_us = 67 } },
	{ "with texts", 300,
	  { .client_id = STR_INIT("mine"), .tags = STR_INIT("a,b"), .error = STR_INIT("upstream_error"),
	    .stream = true, .status = 502, .attempts = 3 } },
	{ "cached tokens", 1, { .tokens = { 1, 2, 3, 0, 5 }, .usage = SPEND_USAGE_COUNTED, .status = 200,
	    .saved_nusd = 300 } },
	{ "the longest", INT64_MAX,
	  { .client_id = { long_text, SPEND_TEXT_MAX }, .user = { long_text, SPEND_TEXT_MAX },
	    .tags = { long_text, SPEND_TEXT_MAX }, .error = { long_text, SPEND_TEXT_MAX }, .cost_known = true,
	    .cost_nusd = INT64_MAX, .saved_nusd = INT64_MAX,
	    .tokens = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
	    .status = UINT16_MAX, .attempts = UINT16_MAX, .stream = true, .usage = SPEND_USAGE_COUNTED,
	    .first_byte_ms = UINT32_MAX, .latency_ms = UINT32_MAX, .overhead_us = UINT32_MAX } },
};

static size_t put(char *out, uint64_t dim, const struct spend *s)
{
	char journal[RECORD_MAX_BYTES];
	struct record r = { 0 };

	assert_true(record_read(str_of(journal, record_write(journal, 0, s)), &r));
	return block_put(out, dim, &r);
}

static void assert_same(const struct spend *a, const struct spend *b)
{
	assert_memory_equal(a->id.b, b->id.b, 16);
	assert_true(str_eq(a->client_id, b->client_id) && str_eq(a->user, b->user) && str_eq(a->tags, b->tags) &&
	            str_eq(a->error, b->error));
	assert_true(a->saved_nusd == b->saved_nusd && a->cost_nusd == b->cost_nusd && a->cost_known == b->cost_known &&
	            a->stream == b->stream && a->usage == b->usage);
	assert_memory_equal(&a->tokens, &b->tokens, sizeof(a->tokens));
	assert_true(a->status == b->status && a->attempts == b->attempts && a->first_byte_ms == b->first_byte_ms);
	assert_true(a->latency_ms == b->latency_ms && a->overhead_us == b->overhead_us);
}

static void test_there_and_back(void **state)
{
	static char block[COUNT_OF(cases) * BLOCK_RECORD_MAX];
	const uint64_t time = 1764201600000 + 59999;
	struct str rest = { block, 0 }, record;

	memset(long_text, 't', SPEND_TEXT_MAX);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spend s = cases[i].spend;

		s.id = ulid_new(time);
		rest.n += put(block + rest.n, cases[i].dim, &s);
	}
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spend got, want = cases[i].spend;
		uint64_t dim = 0, only_dim = 0;

		assert_true(block_next(&rest, &record));
		block_id(record, time / BLOCK_SLOT_MS, &want.id);
		assert_true(ulid_time_ms(want.id) == time);
		assert_true(block_dim(record, &only_dim));
		if (!block_read(record, time / BLOCK_SLOT_MS, &dim, &got))
			fail_msg("%s", cases[i].name);
		assert_same(&got, &want);
		assert_true(dim == cases[i].dim && only_dim == dim);
	}
	assert_false(block_next(&rest, &record));
	assert_int_equal(rest.n, 0);
}

/* All times that an id can have. */
static void test_slots(void **state)
{
	static const uint64_t times[] = { 0, 1, 59999, 60000, 1764201600000, 0xffffffffffff };

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		char out[BLOCK_RECORD_MAX];
		struct spend s = { .id = ulid_new(0) };
		struct str rest, record;
		struct ulid got;
		uint64_t slot = times[i] / BLOCK_SLOT_MS;

		for (int b = 0; b < 6; b++)
			s.id.b[b] = (uint8_t)(times[i] >> (40 - 8 * b));
		rest = str_of(out, put(out, 1, &s));
		assert_true(block_slot(&s.id) == slot);
		assert_true(block_next(&rest, &record));
		block_id(record, slot, &got);
		assert_memory_equal(got.b, s.id.b, 16);
		assert_true(block_number(slot, 0) >= 0 && block_number(slot + 1, 0) > block_number(slot, 5));
	}
}

/* From the heap, so that a sanitizer sees each byte read behind the end. */
static bool read_copy(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct str rest = { copy, n }, record;
	struct spend got;
	uint64_t dim;
	bool ok;

	memcpy(copy, p, n);
	ok = block_next(&rest, &record) && block_dim(record, &dim) && block_read(record, 5, &dim, &got) && rest.n == 0;
	free(copy);
	return ok;
}

static void test_damage(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[BLOCK_RECORD_MAX];
		size_t n = put(out, cases[i].dim, &cases[i].spend);

		assert_true(read_copy(out, n));
		for (size_t cut = 0; cut < n; cut++)
			assert_false(read_copy(out, cut));
		for (size_t short_by = 1; short_by < n - 2; short_by++) { /* the length agrees */
			uint16_t len = (uint16_t)(n - 2 - short_by);

			memcpy(out, &len, 2);
			assert_false(read_copy(out, n - short_by));
		}
		n = put(out, cases[i].dim, &cases[i].spend);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			out[bit / 8] = (char)(out[bit / 8] ^ 1 << bit % 8);
			(void)read_copy(out, n); /* may be a record, must not read elsewhere */
			out[bit / 8] = (char)(out[bit / 8] ^ 1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
