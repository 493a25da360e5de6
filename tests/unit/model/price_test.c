/* SPDX-License-Identifier: Apache-2.0 */
/* price: costs to the nano-dollar, computed by hand; unknown stays unknown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/price.h"

struct row {
	const char *name;
	int64_t input, cache_read, write_5m, write_1h, output, reasoning;      /* pico-dollars a token, -1 unknown */
	uint32_t n_input, n_read, n_5m, n_1h, n_output, n_reasoning;
	int64_t want;                                                         /* nano-dollars; -1: unknown */
};

static const struct row rows[] = {
	{ "2.50 and 10 USD, 1000 in, 500 out", 2500000, -1, -1, -1, 10000000, -1, 1000, 0, 0, 0, 500, 0, 7500000 },
	{ "free is known", 0, -1, -1, -1, 0, -1, 1000, 0, 0, 0, 500, 0, 0 },
	{ "nothing known", -1, -1, -1, -1, -1, -1, 1, 0, 0, 0, 0, 0, -1 },
	{ "no tokens, nothing known", -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, -1 },
	{ "no tokens, price known", 5, -1, -1, -1, 5, -1, 0, 0, 0, 0, 0, 0, 0 },
	{ "output unknown but used", 2500000, -1, -1, -1, -1, -1, 10, 0, 0, 0, 1, 0, -1 },
	{ "output unknown and unused", 2500000, -1, -1, -1, -1, -1, 10, 0, 0, 0, 0, 0, 25000 },
	{ "cache read has its price", 3000000, 300000, -1, -1, 15000000, -1, 100, 1000, 0, 0, 0, 0, 600000 },
	{ "cache read without one costs as input", 3000000, -1, -1, -1, 15000000, -1, 100, 1000, 0, 0, 0, 0, 3300000 },
	{ "a cache read can be free", 3000000, 0, -1, -1, 15000000, -1, 100, 1000, 0, 0, 0, 0, 300000 },
	{ "cache writes", 3000000, 300000, 3750000, 6000000, 15000000, -1, 3, 0, 9699, 11, 7, 0, 36551250 },
	{ "1 h write as 5 min write", 3000000, -1, 3750000, -1, 0, -1, 0, 0, 0, 4, 0, 0, 15000 },
	{ "reasoning as output", 1000000, -1, -1, -1, 4000000, -1, 0, 0, 0, 0, 10, 90, 400000 },
	{ "reasoning has its price", 1000000, -1, -1, -1, 4000000, 8000000, 0, 0, 0, 0, 10, 90, 760000 },
	{ "499 pico round down", 499, -1, -1, -1, 0, -1, 1, 0, 0, 0, 0, 0, 0 },
	{ "500 pico round up", 500, -1, -1, -1, 0, -1, 1, 0, 0, 0, 0, 0, 1 },
	{ "rounded once, not each part", 400, 400, -1, -1, 400, -1, 1, 1, 0, 0, 1, 0, 1 },
	{ "saturates", INT64_MAX, -1, -1, -1, INT64_MAX, -1, USAGE_COUNTER_MAX, 0, 0, 0, USAGE_COUNTER_MAX, 0,
	  INT64_MAX },
};

static void costs_are_exact(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *r = &rows[i];
		struct price p = PRICE_UNKNOWN;
		struct usage u = { .source = USAGE_REPORTED };
		int64_t got = -1;

		p.token_pusd[USAGE_INPUT] = r->input;
		p.token_pusd[USAGE_CACHE_READ] = r->cache_read;
		p.token_pusd[USAGE_CACHE_WRITE_5M] = r->write_5m;
		p.token_pusd[USAGE_CACHE_WRITE_1H] = r->write_1h;
		p.token_pusd[USAGE_OUTPUT] = r->output;
		p.token_pusd[USAGE_REASONING] = r->reasoning;
		u.n[USAGE_INPUT] = r->n_input;
		u.n[USAGE_CACHE_READ] = r->n_read;
		u.n[USAGE_CACHE_WRITE_5M] = r->n_5m;
		u.n[USAGE_CACHE_WRITE_1H] = r->n_1h;
		u.n[USAGE_OUTPUT] = r->n_output;
		u.n[USAGE_REASONING] = r->n_reasoning;
		bool known = price_cost(&p, &u, 0, &got);
		if (known != (r->want >= 0) || got != r->want)
			fail_msg("%s: known %d, %lld", r->name, known, (long long)got);
	}
}

static void audio_is_never_guessed(void **state)
{
	struct price p = PRICE_UNKNOWN;
	struct usage u = { .source = USAGE_REPORTED };
	int64_t got = 77;

	p.token_pusd[USAGE_INPUT] = p.token_pusd[USAGE_OUTPUT] = 1000000;
	u.n[USAGE_INPUT_AUDIO] = 1;
	assert_false(price_cost(&p, &u, 0, &got));
	assert_int_equal(got, 77);
	p.token_pusd[USAGE_INPUT_AUDIO] = 40000000;
	assert_true(price_cost(&p, &u, 0, &got));
	assert_int_equal(got, 40000);
}

static void unknown_usage_has_no_cost(void **state)
{
	struct price p = PRICE_UNKNOWN;
	struct usage u = { 0 };
	int64_t got = 77;

	assert_true(price_is_unknown(&p));
	p.token_pusd[USAGE_INPUT] = 0;
	assert_false(price_is_unknown(&p));
	assert_false(price_cost(&p, &u, 0, &got));
	assert_int_equal(got, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_are_exact),
		cmocka_unit_test(audio_is_never_guessed),
		cmocka_unit_test(unknown_usage_has_no_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
