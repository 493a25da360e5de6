/* SPDX-License-Identifier: Apache-2.0 */
/* When a second candidate is started, and how often it may be. */
#include <stdio.h>

#include "lib/check.h"

#include "route/health.h"
#include "route/hedge.h"
#include "routes.h"

static void reads_when(void **state)
{
	static const struct { const char *text; bool good; struct hedge_when want; } cases[] = {
		{ "off", true, { .kind = HEDGE_OFF } },
		{ "500ms", true, { .kind = HEDGE_AFTER, .ms = 500 } },
		{ "10ms", true, { .kind = HEDGE_AFTER, .ms = 10 } },
		{ "10m", true, { .kind = HEDGE_AFTER, .ms = 600000 } },
		{ "p50", true, { .kind = HEDGE_AT_PERCENTILE, .percentile = HEALTH_P50 } },
		{ "p75", true, { .kind = HEDGE_AT_PERCENTILE, .percentile = HEALTH_P75 } },
		{ "p90", true, { .kind = HEDGE_AT_PERCENTILE, .percentile = HEALTH_P90 } },
		{ "p99", true, { .kind = HEDGE_AT_PERCENTILE, .percentile = HEALTH_P99 } },
		{ "p95", false, { 0 } }, { "", false, { 0 } }, { "0", false, { 0 } }, { "9ms", false, { 0 } },
		{ "11m", false, { 0 } }, { "on", false, { 0 } }, { "-1s", false, { 0 } }, { "P99", false, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct hedge_when got = { 0 };

		check(cases[i].text, hedge_when_read(str_from_z(cases[i].text), &got) == cases[i].good);
		check(cases[i].text, got.kind == cases[i].want.kind && got.ms == cases[i].want.ms &&
		                     got.percentile == cases[i].want.percentile);
	}
}

static void a_share_of_the_last_minute_and_one_in_any_case(void **state)
{
	struct hedge_meter *m = hedge_meter_of(STR("share"));
	uint64_t now = 1000000;
	unsigned n = 0;

	(void)state;
	check("the same", m == hedge_meter_of(STR("share")) && m != hedge_meter_of(STR("other")));
	check("none at all", !hedge_take(m, 0, now));
	check("one in any case", hedge_take(m, 0.05, now));
	check("not a second", !hedge_take(m, 0.05, now));
	for (int i = 0; i < 1000; i++)
		hedge_count(m, now + (uint64_t)i * 50);          /* over 50 s */
	now += 50000;
	while (hedge_take(m, 0.05, now))
		n++;
	check_u64("of 1000", n + 1, 50);
	hedge_give_back(m, now);
	check("given back", hedge_take(m, 0.05, now) && !hedge_take(m, 0.05, now));
	check("a minute later they are forgotten", hedge_take(m, 0.05, now + 60000 + 5000));
	check("but for that one", !hedge_take(m, 0.05, now + 60000 + 5000));
}

static void a_clock_that_has_just_begun(void **state)
{
	struct hedge_meter *m = hedge_meter_of(STR("young"));

	(void)state;
	for (int i = 0; i < 40; i++)
		hedge_count(m, (uint64_t)i);
	check("first", hedge_take(m, 0.05, 41));
	check("second", hedge_take(m, 0.05, 42));
	check("no third", !hedge_take(m, 0.05, 43));
}

static void names_beyond_the_ceiling_share_one(void **state)
{
	char name[16];
	struct hedge_meter *last = NULL;

	(void)state;
	for (int i = 0; i < HEDGE_METERS_MAX + 10; i++) {
		int n = snprintf(name, sizeof name, "m%d", i);

		last = hedge_meter_of(str_of(name, (size_t)n));
		check(name, last != NULL);
	}
	check("shared", last == hedge_meter_of(STR("one more")));
}

/* A deployment's percentile decides, once it is known. */
static void the_wait_follows_the_percentile(void **state)
{
	struct hedge_when p90 = { .kind = HEDGE_AT_PERCENTILE, .percentile = HEALTH_P90 };
	struct hedge_when fixed = { .kind = HEDGE_AFTER, .ms = 700 }, off = { .kind = HEDGE_OFF };
	struct health *h = health_of(STR("p"), STR("hedged"));
	struct routes r;
	uint64_t now = 5000000, wait;

	(void)state;
	routes_init(&r, "models: []\n");
	check_u64("fixed", hedge_wait_ms(&fixed, NULL, false, now), 700);
	check_u64("off", hedge_wait_ms(&off, h, false, now), 0);
	check_u64("unknown deployment", hedge_wait_ms(&p90, NULL, false, now), 0);
	check_u64("not known yet", hedge_wait_ms(&p90, h, false, now), 0);
	for (uint32_t i = 0; i < 100; i++) {
		struct health_use use;

		check("begin", health_begin(h, NULL, 0, false, r.table.routing, now, &use));
		health_good(&use, 1000 * (i + 1), false, r.table.routing, now);
		health_done(&use, &(struct health_outcome){ .took_us = 1000 * (i + 1) }, r.table.routing, now);
	}
	wait = hedge_wait_ms(&p90, h, false, now);
	check("p90 of 1 … 100 ms", wait >= 80 && wait <= 105);
	check_u64("nothing is known of streams", hedge_wait_ms(&p90, h, true, now), 0);
	for (int i = 0; i < 100; i++) {
		struct health_use use;

		check("begin", health_begin(h, NULL, 0, false, r.table.routing, now, &use));
		health_slow(&use, 3000, true, now);
		health_done(&use, &(struct health_outcome){ .cancelled = true }, r.table.routing, now);
	}
	check_u64("no sooner than 10 ms", hedge_wait_ms(&p90, h, true, now + 3000), 10);
	routes_fini(&r);
	health_forget_all();
}

#define TWO \
	"providers: {a: {dialect: openai-chat, base_url: 'http://h'}, " \
	"b: {dialect: openai-chat, base_url: 'http://i'}}\n"
#define AT_BOTH "deployments: [{provider: a, model: x}, {provider: b, model: x}]}]\n"
#define AFTER_1S "routing: {hedge_after: 1s}\n"

static void a_deployment_knows_its_models_time(void **state)
{
	static const struct { const char *yaml; enum hedge_kind kind; int64_t ms; } cases[] = {
		{ TWO "models: [{name: m, " AT_BOTH, HEDGE_OFF, 0 },
		{ TWO "models: [{name: m, " AT_BOTH AFTER_1S, HEDGE_AFTER, 1000 },
		{ TWO "models: [{name: m, hedge_after: off, " AT_BOTH AFTER_1S, HEDGE_OFF, 0 },
		{ TWO "models: [{name: m, hedge_after: 2s, " AT_BOTH AFTER_1S, HEDGE_AFTER, 2000 },
		{ TWO "models: [{name: m, deployments: [{provider: a, model: x}]}]\n" AFTER_1S, HEDGE_OFF, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct routes r;
		const struct deployment *d;

		routes_init(&r, cases[i].yaml);
		d = &r.table.models[0].deployments[0];
		check(cases[i].yaml, d->hedge.kind == cases[i].kind &&
		                     (d->hedge_meter != NULL) == (cases[i].kind != HEDGE_OFF));
		if (cases[i].kind == HEDGE_AFTER)
			check_u64(cases[i].yaml, (uint64_t)d->hedge.ms, (uint64_t)cases[i].ms);
		routes_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_when),
		cmocka_unit_test(a_share_of_the_last_minute_and_one_in_any_case),
		cmocka_unit_test(a_clock_that_has_just_begun),
		cmocka_unit_test(the_wait_follows_the_percentile),
		cmocka_unit_test(a_deployment_knows_its_models_time),
		cmocka_unit_test(names_beyond_the_ceiling_share_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
