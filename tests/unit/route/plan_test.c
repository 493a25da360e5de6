/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what moves candidates after the strategy: preferences, the conversation's place, what is referred to; and whom
 * nobody knows. How a plan goes on after a failure is in tries_test.c. */
#include "asks.h"

#include "base/rand.h"
#include "route/affinity.h"
#include "route/route_in.h"

#define MODEL(more, ds)          "models: [{name: m, strategy: ordered, " more "deployments: [" ds "]}]\n"
#define D(provider, model, more) "{provider: " provider ", model: " model more "}"
#define THREE                    MODEL("", D("p", "a", "") "," D("q", "b", "") "," D("r", "c", ""))

static void refuses(void **state)
{
	struct routes r;
	struct plan_ask ask;
	struct arena a;
	struct plan p;
	struct err e = { 0 };

	asks_init(&r, "models: [{name: chat, deployments: [" D("p", "a", "") "]}, {name: 'x-*', deployments: [" D(
			      "p", "'y-*-z'", "") "]}]\n");
	ask = ask_of("cht");
	check_told("unknown", &r, &ask, "model_not_found: the model \"cht\" does not exist; did you mean \"chat\"?");
	ask = ask_of("x-1");
	check_told("a pattern", &r, &ask, "p/y-1-z only");
	arena_init(&a, 16);
	check("no memory", !plan_make(&p, &r.table, &ask, &a, &e) && e.code == ERR_TOO_LARGE);
	arena_fini(&a);
	routes_fini(&r);
}

/* Each rule on its own moves the one that breaks it to the end, and nobody out. */
static void preferences_move_and_never_exclude(void **state)
{
	static const struct {
		const char *rule, *want;
	} cases[] = {
		{ "max_latency_p50: 150ms", "q/b strategy; r/c strategy; p/a slow" },
		{ "max_latency_p75: 150ms", "q/b strategy; r/c strategy; p/a slow" },
		{ "max_latency_p90: 150ms", "r/c strategy; p/a slow; q/b slow" },
		{ "max_latency_p99: 150ms", "r/c strategy; p/a slow; q/b slow" },
		{ "max_latency_p99: 10s", "p/a strategy; q/b strategy; r/c strategy" },
		{ "max_latency_p50: 1ms", "r/c strategy; p/a slow; q/b slow" },
		{ "min_throughput_p50: 40", "q/b strategy; r/c strategy; p/a slow" },
		{ "min_throughput_p90: 40", "r/c strategy; p/a slow; q/b slow" },
		{ "min_throughput_p50: 1", "p/a strategy; q/b strategy; r/c strategy" },
		{ "max_latency_p50: 150ms, min_throughput_p50: 1000", "r/c strategy; p/a slow; q/b slow" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct routes r;
		char text[1024];

		snprintf(text, sizeof text, "routing: {preferred: {%s}}\n%s", cases[i].rule, THREE);
		asks_init(&r, text);
		/* a: 200 ms, 20 tokens a second; b: 100 ms and 100, but each fifth 300 ms and 10; c: too few to know */
		for (int k = 0; k < 20; k++) {
			answered(&r, health_by("p", "a"), 200000, 5000000, 100, NOW);
			answered(&r, health_by("q", "b"), k % 5 ? 100000 : 300000, k % 5 ? 1000000 : 10000000, 100,
			         NOW);
		}
		answered(&r, health_by("r", "c"), 9000000, 90000000, 10, NOW);
		check_told(cases[i].rule, &r, &ask, cases[i].want);
		routes_fini(&r);
	}
}

static void requests_prefer_too(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");
	struct route_wishes w = route_wishes_none;

	asks_init(&r, "routing: {preferred: {max_latency_p50: 250ms}}\n" THREE);
	for (int k = 0; k < 20; k++) {
		answered(&r, health_by("p", "a"), 200000, 1000000, 100, NOW);
		answered(&r, health_by("q", "b"), 100000, 1000000, 100, NOW);
	}
	ask.wishes = &w;
	check_told("nothing said", &r, &ask, "p/a strategy; q/b strategy; r/c strategy");
	w.max_latency_us[HEALTH_P50] = 300000;
	check_told("less strict than the settings", &r, &ask, "p/a strategy; q/b strategy; r/c strategy");
	w.max_latency_us[HEALTH_P50] = 150000;
	check_told("stricter", &r, &ask, "q/b strategy; r/c strategy; p/a slow");
	w.max_latency_us[HEALTH_P50] = WISH_UNSET;
	w.min_throughput_milli[HEALTH_P50] = 500000;
	check_told("throughput", &r, &ask, "r/c strategy; p/a slow; q/b slow");
	routes_fini(&r);
}

/* ---- conversations ---- */

static unsigned looked_for;
static void look(struct plan_ask *ask, unsigned what)
{
	looked_for |= what;
	ask->looked |= (uint8_t)what;
	if (what & LOOK_CONVERSATION)
		ask->conversation = 42;
}

static void conversations_stay(void **state)
{
	static const struct {
		const char *name, *settings, *want;
	} cases[] = {
		{ "nothing is known of its cache", THREE, "r/c affinity; p/a strategy; q/b strategy" },
		{ "a cache that is cheaper",
		  MODEL("", D("p", "a", "") "," D("r", "c", ", price: {input: 1, output: 1, cache_read: 0.1}")),
		  "r/c affinity; p/a strategy" },
		{ "one that is not",
		  MODEL("", D("p", "a", "") "," D("r", "c", ", price: {input: 1, output: 1, cache_read: 1}")),
		  "p/a strategy; r/c strategy" },
		{ "a price without one", MODEL("", D("p", "a", "") "," D("r", "c", ", price: {input: 1, output: 1}")),
		  "p/a strategy; r/c strategy" },
		{ "but with the capability",
		  MODEL("", D("p", "a", "") "," D("r", "c",
		                                  ", price: {input: 1, output: 1}, capabilities: [prompt_cache]")),
		  "r/c affinity; p/a strategy" },
		{ "a model without", MODEL("", D("p", "a", "") "," D("r", "c", ", capabilities: [-prompt_cache]")),
		  "p/a strategy; r/c strategy" },
		{ "over orders", MODEL("", D("p", "a", "") "," D("q", "b", "") "," D("r", "c", ", order: 2")),
		  "r/c affinity; p/a strategy; q/b strategy" },
		{ "it is gone", MODEL("", D("p", "a", "") "," D("q", "b", "")), "p/a strategy; q/b strategy" },
	};
	struct affinity *table = affinity_new(256);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct routes r;

		asks_init(&r, cases[i].settings);
		affinity_put(table, 42, health_by("r", "c"), NOW);
		ask.affinity = table;
		ask.look = look;
		check_told(cases[i].name, &r, &ask, cases[i].want);
		routes_fini(&r);
	}
	affinity_free(table);
}

static void conversations_give_way(void **state)
{
	struct affinity *table = affinity_new(256);
	struct route_wishes w = route_wishes_none;
	struct str first = STR("q");
	struct plan_ask ask = ask_of("m");
	struct routes r;

	asks_init(&r, THREE);
	affinity_put(table, 42, health_by("r", "c"), NOW);
	ask.affinity = table;
	ask.look = look;
	ask.wishes = &w;
	w.order = (struct wish_names){ &first, 1 };
	check_told("to the request's order", &r, &ask, "q/b wish; p/a strategy; r/c strategy");
	w = route_wishes_none;
	failed(&r, health_by("r", "c"), FAILURE_TRANSIENT, 5, NOW);
	check_told("to its health", &r, &ask, "p/a strategy; q/b strategy; r/c excluded:broken");
	health_forget_all();
	failed(&r, health_by("q", "b"), FAILURE_TRANSIENT, 5, NOW - 31000);
	check_told("to a probe, once", &r, &ask, "q/b probe; r/c affinity; p/a strategy");
	looked_for = 0;
	ask = ask_of("p/x");
	ask.affinity = table;
	ask.look = look;
	check_told("one deployment", &r, &ask, "p/x only");
	check("nothing is computed for it", looked_for == 0);
	routes_fini(&r);
	affinity_free(table);
}

static void what_is_referred_to_comes_first(void **state)
{
	struct buf b = buf_make(1024);
	struct plan_ask ask = ask_of("m");
	struct routes r;
	struct arena a;
	struct plan p;
	struct err e;

	asks_init(&r, MODEL("", D("p", "a", "") "," D("q", "b", "") "," D("q", "z", "")));
	arena_init(&a, 1 << 16);
	check("made", plan_make(&p, &r.table, &ask, &a, &e));
	plan_prefer(&p, STR("q/z"));
	plan_tell(&p, &b);
	check_str("the deployment, then its provider's", buf_str(&b), STR("q/z state; q/b state; p/a strategy"));
	plan_prefer(&p, STR("x/y"));
	buf_clear(&b);
	plan_tell(&p, &b);
	check_str("a stranger changes nothing", buf_str(&b), STR("q/z state; q/b state; p/a strategy"));
	buf_fini(&b);
	arena_fini(&a);
	routes_fini(&r);
}

/* ---- groups after the first ---- */

static void an_empty_group_may_be_followed(void **state)
{
	struct plan_ask ask = ask_of("m");
	struct routes r;
	struct arena a;
	struct plan p;
	struct err e;

	asks_init(&r, "models:\n"
	              "- {name: m, fallbacks: [n], deployments: [" D("p", "a", "") "]}\n"
	                                                                           "- {name: n, deployments: [" D(
											   "q", "b", "") "]}\n");
	failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
	arena_init(&a, 1 << 16);
	check("made", plan_make(&p, &r.table, &ask, &a, &e));
	check("empty, and it is told why", p.n == 0 && p.n_all == 1 && p.empty == EXCLUDED_BROKEN);
	check("let in at last", plan_last_resort(&p) && p.n == 1 && p.last_resort &&
	                                p.group[0].place == PLACE_LAST_RESORT && p.group[0].excluded == EXCLUDED_NOT);
	check("once", !plan_last_resort(&p));
	arena_fini(&a);
	routes_fini(&r);
}

static void targets_are_groups(void **state)
{
	struct wish_target targets[] = { { .model = STR_INIT("n"), .provider = STR_INIT("q") },
		                         { .model = STR_INIT("m") } };
	struct route_wishes w = route_wishes_none;
	struct plan_ask ask = ask_of("m");
	struct routes r;

	w.targets = targets;
	w.n_targets = 2;
	ask.wishes = &w;
	asks_init(&r, "models:\n"
	              "- {name: m, deployments: [" D("p", "a", "") "]}\n"
	                                                           "- {name: n, deployments: [" D("q", "b", "") "," D(
									   "r", "c", "") "]}\n");
	check_told("the first, at its provider", &r, &ask, "q/b only; r/c excluded:wish");
	targets[0] = (struct wish_target){ .model = STR_INIT("n:floor") };
	check("with a suffix", first_of(&r, &ask) != '-');
	routes_fini(&r);
}

static void names_are_whole(void **state)
{
	for (int i = 0; i < PLACES; i++)
		check("place", plan_place_name((enum plan_place)i) != NULL);
	for (int i = 0; i < EXCLUSIONS; i++)
		check("exclusion", plan_exclusion_name((enum plan_exclusion)i) != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(preferences_move_and_never_exclude),
		cmocka_unit_test(requests_prefer_too),
		cmocka_unit_test(conversations_stay),
		cmocka_unit_test(conversations_give_way),
		cmocka_unit_test(what_is_referred_to_comes_first),
		cmocka_unit_test(an_empty_group_may_be_followed),
		cmocka_unit_test(targets_are_groups),
		cmocka_unit_test(names_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
