/* SPDX-License-Identifier: Apache-2.0 */
/* filter: who may be tried, why others may not, and how a request is refused for which nobody is left. */
#include "asks.h"

#include "base/rand.h"

#define MODEL(ds)                "models: [{name: m, strategy: ordered, deployments: [" ds "]}]\n"
#define D(provider, model, more) "{provider: " provider ", model: " model more "}"
#define THREE                    MODEL(D("p", "a", "") "," D("q", "b", "") "," D("r", "c", ""))

/* ---- what a request wishes and its policy says ---- */

struct lists {
	struct str names[4][8];
};

static struct wish_names names_of(struct lists *l, unsigned which, const char *text)
{
	struct str rest = str_from_z(text ? text : "");
	struct wish_names w = { l->names[which], 0 };

	while (rest.n)
		l->names[which][w.n++] = str_cut(&rest, ' ');
	return w;
}

static const struct {
	const char *name, *settings, *order, *only, *ignore, *quantizations;
	bool no_fallbacks, deny_collection, zdr;
	const char *regions, *team_regions; /* of the request, of the team */
	bool team_zdr;
	const char *want;
} wishes[] = {
	{ .name = "nothing", .want = "p/a strategy; q/b strategy; r/c strategy" },
	{ .name = "order", .order = "r q", .want = "r/c wish; q/b wish; p/a strategy" },
	{ .name = "order by deployment", .order = "q/b", .want = "q/b wish; p/a strategy; r/c strategy" },
	{ .name = "order of strangers", .order = "x y", .want = "p/a strategy; q/b strategy; r/c strategy" },
	{ .name = "only", .only = "q r", .want = "q/b strategy; r/c strategy; p/a excluded:wish" },
	{ .name = "only and order", .only = "q r", .order = "r", .want = "r/c wish; q/b strategy; p/a excluded:wish" },
	{ .name = "ignore", .ignore = "p q", .want = "r/c only; p/a excluded:wish; q/b excluded:wish" },
	{ .name = "no fallbacks", .no_fallbacks = true, .want = "p/a strategy; q/b excluded:wish; r/c excluded:wish" },
	{ .name = "no fallbacks, two of a provider",
	  .no_fallbacks = true,
	  .settings = MODEL(D("p", "a", "") "," D("q", "b", "") "," D("p", "z", "")),
	  .want = "p/a strategy; p/z strategy; q/b excluded:wish" },
	{ .name = "only strangers",
	  .only = "x",
	  .want = "invalid_request_error: what the request says about its routing leaves no deployment of the model "
	          "\"m\" (p/a: wish, q/b: wish, r/c: wish)" },
	{ .name = "quantizations",
	  .quantizations = "fp8 bf16",
	  .settings =
	          MODEL(D("p", "a", ", quantization: fp8") "," D("q", "b", "") "," D("r", "c", ", quantization: int4")),
	  .want = "p/a only; q/b excluded:quantization; r/c excluded:quantization" },
	{ .name = "quantization unknown",
	  .quantizations = "unknown",
	  .settings = MODEL(D("p", "a", ", quantization: fp8") "," D("q", "b", "")),
	  .want = "q/b only; p/a excluded:quantization" },
	{ .name = "zdr", .zdr = true, .want = "p/a only; q/b excluded:zdr; r/c excluded:zdr" },
	{ .name = "zdr of the team", .team_zdr = true, .want = "p/a only; q/b excluded:zdr; r/c excluded:zdr" },
	{ .name = "no collection",
	  .deny_collection = true,
	  .want = "p/a strategy; q/b strategy; r/c excluded:data_collection" },
	{ .name = "region", .regions = "EU", .want = "p/a only; q/b excluded:region; r/c excluded:region" },
	{ .name = "regions of the team",
	  .team_regions = "eu us",
	  .want = "p/a strategy; q/b strategy; r/c excluded:region" },
	{ .name = "a pattern", .team_regions = "eu eu-*", .want = "p/a strategy; r/c strategy; q/b excluded:region" },
	{ .name = "both narrow",
	  .team_regions = "eu us",
	  .regions = "us",
	  .want = "q/b only; p/a excluded:region; r/c excluded:region" },
	{ .name = "a request cannot widen",
	  .team_regions = "eu",
	  .regions = "us",
	  .want = "policy_violation: no deployment of the model \"m\" satisfies the policy that holds for this request "
	          "(p/a: region, q/b: region, r/c: region)" },
	{ .name = "a deployment's own region",
	  .regions = "us",
	  .settings = MODEL(D("p", "a", ", region: us")),
	  .want = "p/a only" },
	{ .name = "zdr in a region where there is none",
	  .regions = "us",
	  .zdr = true,
	  .want = "policy_violation: no deployment of the model \"m\" satisfies the policy that holds for this request "
	          "(p/a: region, q/b: zdr, r/c: region)" },
};

static void wishes_and_policy_narrow(void **state)
{
	for (size_t i = 0; i < COUNT_OF(wishes); i++) {
		struct plan_ask ask = ask_of("m");
		struct route_wishes w = route_wishes_none;
		struct plan_policy policy = { .zdr = wishes[i].team_zdr };
		struct lists l[2];
		struct routes r;

		w.order = names_of(&l[0], 0, wishes[i].order);
		w.only = names_of(&l[0], 1, wishes[i].only);
		w.ignore = names_of(&l[0], 2, wishes[i].ignore);
		w.quantizations = names_of(&l[0], 3, wishes[i].quantizations);
		w.regions = names_of(&l[1], 0, wishes[i].regions);
		policy.regions = names_of(&l[1], 1, wishes[i].team_regions);
		w.only_set = wishes[i].only != NULL;
		w.quantizations_set = wishes[i].quantizations != NULL;
		w.regions_set = wishes[i].regions != NULL;
		w.no_fallbacks = wishes[i].no_fallbacks;
		w.deny_collection = wishes[i].deny_collection;
		w.zdr = wishes[i].zdr;
		asks_init(&r, wishes[i].settings ? wishes[i].settings : THREE);
		ask.wishes = &w;
		ask.policy = &policy;
		check_told(wishes[i].name, &r, &ask, wishes[i].want);
		routes_fini(&r);
	}
}

static void prices_have_a_ceiling(void **state)
{
	static const struct {
		const char *name;
		int64_t input, output, request;
		const char *want;
	} cases[] = {
		{ "none", -1, -1, -1, "p/a strategy; q/b strategy; r/c strategy" },
		{ "input", 1000000, -1, -1, "p/a only; q/b excluded:price; r/c excluded:price" },
		{ "output", -1, 10000000, -1, "p/a strategy; q/b strategy; r/c excluded:price" },
		{ "both", 2000000, 9000000, -1, "q/b only; p/a excluded:price; r/c excluded:price" },
		{ "a request", -1, -1, 1000, "p/a strategy; r/c strategy; q/b excluded:price" },
	};
	struct routes r;

	asks_init(&r, MODEL(D("p", "a", ", price: {input: 1, output: 10}") "," D(
			      "q", "b", ", price: {input: 2, output: 9, request: 0.01}") "," D("r", "c", "")));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct route_wishes w = route_wishes_none;

		w.max_input_pusd = cases[i].input;
		w.max_output_pusd = cases[i].output;
		w.max_request_nusd = cases[i].request;
		ask.wishes = &w;
		check_told(cases[i].name, &r, &ask, cases[i].want);
	}
	routes_fini(&r);
}

/* ---- what models can ---- */

static uint32_t needs, tokens;
static bool guessed;
static unsigned looked_for;

static void look(struct plan_ask *ask, unsigned what)
{
	looked_for |= what;
	ask->looked |= (uint8_t)what;
	if (what & LOOK_NEEDS)
		ask->needs = needs;
	if (what & LOOK_TOKENS) {
		ask->prompt_tokens = tokens;
		ask->tokens_guessed = guessed;
	}
}

#define TOOLS  ", capabilities: [tools, vision]"
#define VISION ", capabilities: [-tools, vision, json_schema]"
#define BLIND  ", capabilities: [tools, -vision, -json_schema]"

static void what_is_lacking_excludes(void **state)
{
	static const struct {
		const char *name, *settings;
		uint32_t needs;
		bool require, looks;
		unsigned broken; /* how many of the first are out */
		const char *want;
	} cases[] = {
		{ "nothing differs", THREE, CAP_TOOLS, false, false, 0, "p/a strategy; q/b strategy; r/c strategy" },
		{ "one lacks it", MODEL(D("p", "a", VISION) "," D("q", "b", TOOLS)), CAP_TOOLS, false, true, 0,
		  "q/b only; p/a excluded:capability" },
		{ "unknown is not no", MODEL(D("p", "a", VISION) "," D("q", "b", "")), CAP_TOOLS, false, true, 0,
		  "q/b only; p/a excluded:capability" },
		{ "unless all is required", MODEL(D("p", "a", VISION) "," D("q", "b", "")), CAP_TOOLS, true, true, 0,
		  "unsupported_parameter: no deployment of the model \"m\" is known to be able to do all that the "
		  "request asks for, as its require_parameters wants (p/a: capability, q/b: capability)" },
		{ "each lacks something: all stay", MODEL(D("p", "a", VISION) "," D("q", "b", BLIND)),
		  CAP_TOOLS | CAP_VISION, false, true, 0, "p/a strategy; q/b strategy" },
		{ "what can be emulated gives way first", MODEL(D("p", "a", VISION) "," D("q", "b", BLIND)),
		  CAP_TOOLS | CAP_JSON_SCHEMA, false, true, 0, "q/b only; p/a excluded:capability" },
		{ "one that can and is out is waited for, not one that cannot",
		  MODEL(D("p", "a", TOOLS) "," D("q", "b", VISION)), CAP_TOOLS, false, true, 1,
		  "p/a last_resort; q/b excluded:capability" },
		{ "but what can be emulated is", MODEL(D("p", "a", VISION) "," D("q", "b", BLIND)), CAP_JSON_SCHEMA,
		  false, true, 1, "q/b only; p/a excluded:broken" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct route_wishes w = route_wishes_none;
		struct routes r;

		needs = cases[i].needs;
		looked_for = 0;
		asks_init(&r, cases[i].settings);
		ask.look = look;
		w.require_parameters = cases[i].require;
		ask.wishes = cases[i].require ? &w : NULL;
		if (cases[i].broken)
			failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
		check_told(cases[i].name, &r, &ask, cases[i].want);
		check(cases[i].name, ((looked_for & LOOK_NEEDS) != 0) == cases[i].looks);
		routes_fini(&r);
	}
}

static void prompts_must_fit(void **state)
{
#define WINDOW(n) ", context_window: " #n
#define TWO       MODEL(D("p", "gpt-4o", WINDOW(1000)) "," D("q", "llama-3", WINDOW(2000)))
	static const struct {
		const char *name, *settings;
		uint32_t bytes, tokens;
		bool guessed, looks;
		const char *want;
	} cases[] = {
		{ "so few bytes fit anywhere", TWO, 2001, 5000, false, false, "p/gpt-4o strategy; q/llama-3 strategy" },
		{ "fits", TWO, 5000, 1000, false, true, "p/gpt-4o strategy; q/llama-3 strategy" },
		{ "is within the margin of an exact count", TWO, 5000, 1030, false, true,
		  "p/gpt-4o strategy; q/llama-3 strategy" },
		{ "is over it", TWO, 5000, 1031, false, true, "q/llama-3 only; p/gpt-4o excluded:context_window" },
		{ "is within the margin of an estimate", TWO, 9000, 2300, false, true,
		  "q/llama-3 only; p/gpt-4o excluded:context_window" },
		{ "fits nowhere", TWO, 9000, 2301, false, true,
		  "context_length_exceeded: the prompt has 2301 tokens, and the largest context window of the "
		  "model \"m\" has 2000 (p/gpt-4o: context_window, q/llama-3: context_window)" },
		{ "a guess excludes nobody", TWO, 9000, 2301, true, true, "p/gpt-4o strategy; q/llama-3 strategy" },
		{ "windows that are not known are large enough", MODEL(D("p", "a", "") "," D("q", "b", "")), 900000,
		  800000, false, false, "p/a strategy; q/b strategy" },
		{ "only one", MODEL(D("p", "gpt-4o", WINDOW(1000))), 9000, 2000, false, true,
		  "context_length_exceeded: the prompt has 2000 tokens, and the largest context window of the "
		  "model \"m\" has 1000 (p/gpt-4o: context_window)" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct routes r;

		looked_for = 0;
		tokens = cases[i].tokens;
		guessed = cases[i].guessed;
		asks_init(&r, cases[i].settings);
		ask.look = look;
		ask.body_bytes = cases[i].bytes;
		check_told(cases[i].name, &r, &ask, cases[i].want);
		check(cases[i].name, ((looked_for & LOOK_TOKENS) != 0) == cases[i].looks);
		routes_fini(&r);
	}
	guessed = false;
}

static void long_answers_go_to_those_who_give_them(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");

	asks_init(&r,
	          MODEL(D("p", "a", ", max_output: 4096") "," D("q", "b", "") "," D("r", "c", ", max_output: 8192")));
	ask.max_output = 5000;
	check_told("behind, not out", &r, &ask, "q/b strategy; r/c strategy; p/a output");
	ask.max_output = 100000;
	check_told("nobody can but the unknown", &r, &ask, "q/b strategy; p/a output; r/c output");
	ask.max_output = 4096;
	check_told("exactly", &r, &ask, "p/a strategy; q/b strategy; r/c strategy");
	routes_fini(&r);
}

static void who_speaks_it(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");

	asks_init(&r, MODEL(D("media", "x", "") "," D("q", "b", "")));
	check_told("one does", &r, &ask, "q/b only; media/x excluded:dialect");
	routes_fini(&r);
	asks_init(&r, MODEL(D("media", "x", "")));
	check_told("none does", &r, &ask,
	           "invalid_request_error: the model \"m\" cannot be reached through the openai-chat API");
	routes_fini(&r);
}

/* ---- health and limits ---- */

static void who_is_out_is_excluded(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");

	asks_init(&r, THREE);
	failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
	failed(&r, health_by("q", "b"), FAILURE_RATE_LIMIT, 1, NOW);
	check_told("two are out", &r, &ask, "r/c only; p/a excluded:broken; q/b excluded:cooling");
	failed(&r, health_by("r", "c"), FAILURE_RATE_LIMIT, 1, NOW - 1000);
	check_told("all: soonest back", &r, &ask, "r/c last_resort; q/b excluded:cooling; p/a excluded:broken");
	ask.now_ms = NOW + 30001;
	check("probe", health_verdict(health_by("p", "a"), ask.now_ms) == HEALTH_PROBE);
	check_told("half open: first in line", &r, &ask, "p/a probe; q/b strategy; r/c strategy");
	routes_fini(&r);

	asks_init(&r, MODEL(D("p", "a", ", order: 2") "," D("q", "b", "") "," D("r", "c", ", weight: 0")));
	failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
	failed(&r, health_by("r", "c"), FAILURE_TRANSIENT, 5, NOW);
	check_told("inside its order, and weight 0 when it is needed", &r, &ask, "q/b strategy; r/c probe; p/a probe");
	routes_fini(&r);

	asks_init(&r, "routing: {last_resort: false}\n" THREE);
	ask.now_ms = NOW;
	failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
	failed(&r, health_by("q", "b"), FAILURE_TRANSIENT, 5, NOW);
	failed(&r, health_by("r", "c"), FAILURE_TRANSIENT, 5, NOW);
	check_told(
		"no last resort", &r, &ask,
		"no_healthy_deployment: no deployment of the model \"m\" can be used now; one may be back in 30 s "
		"(p/a: broken, q/b: broken, r/c: broken)");
	routes_fini(&r);
}

static void who_is_full_is_excluded(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");
	struct arena a;
	struct plan p;
	struct err e;

	asks_init(&r, MODEL(D("p", "a", ", rpm: 2") "," D("q", "b", ", rpm: 3")));
	for (int i = 0; i < 2; i++) {
		struct health_use use;

		check("begun", health_begin(health_by("p", "a"), r.table.models[0].deployments[0].limits, 1, false,
		                            &r.config->routing, NOW, &use));
		health_done(&use, &(struct health_outcome){ .tokens = 1 }, &r.config->routing, NOW);
	}
	check_told("full", &r, &ask, "q/b only; p/a excluded:limit");
	for (int i = 0; i < 3; i++) {
		struct health_use use;

		check("begun", health_begin(health_by("q", "b"), r.table.models[0].deployments[1].limits, 1, false,
		                            &r.config->routing, NOW + 5000, &use));
		health_done(&use, &(struct health_outcome){ .tokens = 1 }, &r.config->routing, NOW + 5000);
	}
	ask.now_ms = NOW + 6000;
	arena_init(&a, 1 << 16);
	check("a plan all the same", plan_make(&p, &r.table, &ask, &a, &e));
	check("that is empty", p.n == 0 && p.empty == EXCLUDED_LIMIT);
	check("until the first has room", p.room_ms > 50000 && p.room_ms <= 56000);
	arena_fini(&a);
	ask.now_ms = NOW + 62000;
	check_told("room again", &r, &ask, "p/a only; q/b excluded:limit");
	routes_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_and_policy_narrow),
		cmocka_unit_test(prices_have_a_ceiling),
		cmocka_unit_test(what_is_lacking_excludes),
		cmocka_unit_test(prompts_must_fit),
		cmocka_unit_test(long_answers_go_to_those_who_give_them),
		cmocka_unit_test(who_speaks_it),
		cmocka_unit_test(who_is_out_is_excluded),
		cmocka_unit_test(who_is_full_is_excluded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
