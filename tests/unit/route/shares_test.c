/* SPDX-License-Identifier: Apache-2.0 */
/* Who has had its share of a minute, and the pace at which the rest of a minute lasts. */
#include "route/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/setting.h"
#include "route/health.h"

enum { AT = 60000 * 100 };       /* a minute begins */

struct took { uint64_t key; uint32_t weight, requests, tokens; uint64_t at_ms; };

static const struct {
	const char *name;
	struct took took[4];
	struct took ask;
	uint64_t rpm, tpm;
	bool short_of_late, want;
} cases[] = {
	{ "nobody has had anything", { { 0 } }, { 1, 1, 1, 10, AT }, 60, 0, false, true },
	{ "the first one is never too much", { { 0 } }, { 1, 1, 1, 1000, AT }, 60, 100, true, true },
	{ "alone, all of it", { { 1, 1, 59, 1, AT } }, { 1, 1, 1, 1, AT }, 60, 0, false, true },
	{ "alone, and it was short, nine tenths", { { 1, 1, 53, 1, AT } }, { 1, 1, 1, 1, AT }, 60, 0, true, true },
	{ "and no more", { { 1, 1, 54, 1, AT } }, { 1, 1, 1, 1, AT }, 60, 0, true, false },
	{ "half of two", { { 1, 1, 29, 1, AT }, { 2, 1, 1, 1, AT } }, { 1, 1, 1, 1, AT }, 60, 0, false, true },
	{ "more than half of two who have just come", { { 1, 1, 30, 1, AT }, { 2, 1, 1, 1, AT } }, { 1, 1, 1, 1, AT },
	  60, 0, false, false },
	{ "the other has had nothing yet", { { 1, 1, 30, 1, AT } }, { 2, 1, 1, 1, AT }, 60, 0, true, true },
	{ "by weight", { { 1, 3, 44, 1, AT }, { 2, 1, 1, 1, AT } }, { 1, 3, 1, 1, AT }, 60, 0, false, true },
	{ "by weight, beyond", { { 1, 3, 45, 1, AT }, { 2, 1, 1, 1, AT } }, { 1, 3, 1, 1, AT }, 60, 0, false, false },
	{ "tokens count as well", { { 1, 1, 1, 450, AT }, { 2, 1, 1, 1, AT } }, { 1, 1, 1, 60, AT }, 60, 1000, false,
	  false },
	{ "tokens that fit", { { 1, 1, 1, 450, AT }, { 2, 1, 1, 1, AT } }, { 1, 1, 1, 50, AT }, 60, 1000, false, true },
	{ "what another one does not need", { { 2, 1, 5, 1, AT }, { 1, 1, 40, 1, AT + 30000 } },
	  { 1, 1, 1, 1, AT + 30000 }, 60, 0, false, true },
	{ "and no more of it", { { 2, 1, 5, 1, AT }, { 1, 1, 48, 1, AT + 30000 } }, { 1, 1, 1, 1, AT + 30000 }, 60, 0,
	  false, false },
	{ "one that needs much keeps its share", { { 2, 1, 20, 1, AT }, { 1, 1, 30, 1, AT + 30000 } },
	  { 1, 1, 1, 1, AT + 30000 }, 60, 0, false, false },
	{ "half a minute later half of it counts", { { 1, 1, 100, 1, AT }, { 2, 1, 1, 1, AT } },
	  { 1, 1, 1, 1, AT + 90000 }, 60, 0, false, true },
	{ "a little later nearly all of it", { { 1, 1, 61, 1, AT }, { 2, 1, 1, 1, AT } },
	  { 1, 1, 1, 1, AT + 61000 }, 60, 0, false, false },
	{ "two minutes later nothing", { { 1, 1, 500, 1, AT }, { 2, 1, 1, 1, AT } }, { 1, 1, 1, 1, AT + 120000 }, 60, 0,
	  false, true },
	{ "who came two minutes ago is not there", { { 2, 1, 30, 1, AT }, { 1, 1, 55, 1, AT + 120000 } },
	  { 1, 1, 1, 1, AT + 120000 }, 60, 0, false, true },
	{ "nothing is limited", { { 1, 1, 5000, 100, AT } }, { 1, 1, 1, 1, AT }, 0, 0, true, true },
};

static void shares_of_a_minute(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct shares s = { 0 };
		const struct took *a = &cases[i].ask;

		if (cases[i].short_of_late)
			shares_are_short(&s, AT);
		for (size_t k = 0; k < COUNT_OF(cases[i].took); k++)
			for (uint32_t n = 0; n < cases[i].took[k].requests; n++)
				shares_add(&s, cases[i].took[k].key, cases[i].took[k].weight, cases[i].took[k].tokens,
				           cases[i].took[k].at_ms);
		if (shares_within(&s, a->key, a->weight, a->tokens, cases[i].rpm, cases[i].tpm, a->at_ms) !=
		    cases[i].want)
			fail_msg("%s", cases[i].name);
		shares_fini(&s);
	}
}

static void keys_are_forgotten_and_have_a_ceiling(void **state)
{
	struct shares s = { 0 };

	for (uint64_t i = 0; i < 3 * SHARES_MAX; i++)
		shares_add(&s, i, 1, 1, AT);
	assert_int_equal(s.n, SHARES_MAX);
	assert_int_equal(s.weight_now, SHARES_MAX);
	assert_true(shares_within(&s, 3 * SHARES_MAX, 1, 1, 10, 10, AT)); /* nothing is known of it */
	shares_add(&s, 1, 1, 1, AT + 60000);
	assert_int_equal(s.n, SHARES_MAX);
	shares_add(&s, 1, 1, 1, AT + 180000);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.weight_now + s.weight_before, 1);
	shares_fini(&s);
}

/* ---- the pace ---- */

static void begin(struct health *h, const struct health_limits *l, uint32_t tokens, uint64_t now_ms)
{
	static const struct routing_settings settings = { .cooldown = { .failure_ratio = 1, .min_requests = 1000000 } };
	struct health_use use;

	assert_true(health_begin(h, l, tokens, false, &settings, now_ms, &use));
	health_done(&use, &(struct health_outcome){ .tokens = tokens }, &settings, now_ms);
}

/* After any bursts, whoever keeps to the pace never meets the limit, and loses little of it. */
static void whoever_keeps_the_pace_never_meets_the_limit(void **state)
{
	static const struct { struct health_limits limits; uint32_t tokens; unsigned per_minute; } rows[] = {
		{ { 60, SETTING_UNSET, SETTING_UNSET }, 10, 60 },
		{ { 6000, SETTING_UNSET, SETTING_UNSET }, 10, 6000 },
		{ { SETTING_UNSET, 100000, SETTING_UNSET }, 250, 400 },
		{ { 300, 100000, SETTING_UNSET }, 250, 300 },
		{ { 1000, 100000, SETTING_UNSET }, 250, 400 },
	};

	rand_seed(5);
	for (unsigned round = 0; round < 20 * COUNT_OF(rows); round++) {
		const struct health_limits *l = &rows[round % COUNT_OF(rows)].limits;
		uint32_t tokens = rows[round % COUNT_OF(rows)].tokens;
		struct health *h;
		uint64_t now_us = 1000000000, end_us;
		unsigned n = 0;

		health_forget_all();
		h = health_of(STR("p"), STR("m"));
		for (int burst = 0; burst < 3; burst++, now_us += rand_below(15000000))
			for (uint64_t k = rand_below(rows[round % COUNT_OF(rows)].per_minute / 3); k > 0; k--)
				begin(h, l, tokens, now_us / 1000);
		for (end_us = now_us + 300000000; now_us < end_us; n++) {
			uint32_t pace_us = health_pace_us(h, l, tokens, now_us / 1000);

			assert_true(pace_us > 0);
			now_us += pace_us;
			assert_int_equal(health_room(h, l, tokens, now_us / 1000), 0);
			begin(h, l, tokens, now_us / 1000);
		}
		/* of five minutes the bursts have had less than one */
		assert_true(n >= rows[round % COUNT_OF(rows)].per_minute * 39 / 10);
	}
	health_forget_all();
}

static void nothing_by_the_minute_has_no_pace(void **state)
{
	const struct health_limits parallel = { SETTING_UNSET, SETTING_UNSET, 5 };
	struct health *h = health_of(STR("p"), STR("m"));

	assert_int_equal(health_pace_us(h, &parallel, 10, 1000), 0);
	assert_int_equal(health_pace_us(h, NULL, 10, 1000), 0);
	health_forget_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_of_a_minute),
		cmocka_unit_test(keys_are_forgotten_and_have_a_ceiling),
		cmocka_unit_test(whoever_keeps_the_pace_never_meets_the_limit),
		cmocka_unit_test(nothing_by_the_minute_has_no_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
