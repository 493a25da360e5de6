/* SPDX-License-Identifier: Apache-2.0 */
/* strategy: draws match theory, and what is slow, busy, dear or unknown gets what it should. */
#include "asks.h"

#include "base/rand.h"
#include "route/strategy.h"

#define DRAWS 100000

#define MODEL(strategy, ds)              "models: [{name: m, strategy: " strategy ", deployments: [" ds "]}]\n"
#define D(provider, model, more)         "{provider: " provider ", model: " model more "}"
#define PRICED(provider, model, in, out) D(provider, model, ", price: {input: " #in ", output: " #out "}")

struct counts {
	unsigned of[256];
};

static struct counts draw(const struct routes *r, const struct plan_ask *ask, unsigned times)
{
	struct counts c = { 0 };

	for (unsigned i = 0; i < times; i++)
		c.of[(unsigned char)first_of(r, ask)]++;
	return c;
}

static void shares_follow_weights(void **state)
{
	static const struct {
		const char *name, *settings;
		double a, b, c; /* shares of 1 */
		double slack;   /* of 1 */
	} cases[] = {
		{ "weights",
		  MODEL("weighted", D("p", "a", ", weight: 3") "," D("q", "b", ", weight: 2") "," D("r", "c", "")),
		  3 / 6.0, 2 / 6.0, 1 / 6.0, 0.01 },
		{ "all the same", MODEL("weighted", D("p", "a", "") "," D("q", "b", "") "," D("r", "c", "")), 1 / 3.0,
		  1 / 3.0, 1 / 3.0, 0.01 },
		{ "by rpm where no weight is set",
		  MODEL("weighted", D("p", "a", ", rpm: 1000, tpm: 5000") "," D("q", "b", ", rpm: 3000, tpm: 5000")),
		  0.25, 0.75, 0, 0.01 },
		{ "else by tpm", MODEL("weighted", D("p", "a", ", tpm: 100000") "," D("q", "b", ", tpm: 900000")), 0.1,
		  0.9, 0, 0.01 },
		{ "weights before rpm",
		  MODEL("weighted", D("p", "a", ", weight: 4, rpm: 1000") "," D("q", "b", ", rpm: 3000")), 0.8, 0.2, 0,
		  0.01 },
		{ "not all have rpm", MODEL("weighted", D("p", "a", ", rpm: 1000") "," D("q", "b", "")), 0.5, 0.5, 0,
		  0.01 },
		{ "weight 0", MODEL("weighted", D("p", "a", ", weight: 0") "," D("q", "b", "")), 0, 1, 0, 0 },
		{ "prices 1 to 3", MODEL("price_weighted", PRICED("p", "a", 1, 1) "," PRICED("q", "b", 3, 3)), 0.9, 0.1,
		  0, 0.02 },
		{ "prices by three to one", MODEL("price_weighted", PRICED("p", "a", 2, 2) "," PRICED("q", "b", 1, 5)),
		  0.5, 0.5, 0, 0.01 },
		{ "an unknown price comes after", MODEL("price_weighted", D("p", "a", "") "," PRICED("q", "b", 3, 3)),
		  0, 1, 0, 0 },
		{ "a free one is nearly alone",
		  MODEL("price_weighted", PRICED("p", "a", 0, 0) "," PRICED("q", "b", 3, 3)), 1, 0, 0, 0.0001 },
		{ "hash without a key draws by weight", MODEL("hash", D("p", "a", ", weight: 3") "," D("q", "b", "")),
		  0.75, 0.25, 0, 0.01 },
		{ "nobody is known: latency draws by weight",
		  MODEL("latency", D("p", "a", ", weight: 3") "," D("q", "b", "")), 0.75, 0.25, 0, 0.01 },
		{ "nobody is busy: all the same", MODEL("least_busy", D("p", "a", "") "," D("q", "b", "")), 0.5, 0.5, 0,
		  0.01 },
		{ "as written", MODEL("ordered", D("p", "a", "") "," D("q", "b", "")), 1, 0, 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");
		struct routes r;
		struct counts got;
		const double want[3] = { cases[i].a, cases[i].b, cases[i].c };

		asks_init(&r, cases[i].settings);
		rand_seed(4711);
		got = draw(&r, &ask, DRAWS);
		for (int k = 0; k < 3; k++) {
			double share = (double)got.of['a' + k] / DRAWS;

			if (share < want[k] - cases[i].slack || share > want[k] + cases[i].slack)
				print_error("%s: %c got %f, not %f\n", cases[i].name, 'a' + k, share, want[k]);
			check(cases[i].name, share >= want[k] - cases[i].slack && share <= want[k] + cases[i].slack);
		}
		routes_fini(&r);
	}
}

/* What is behind the first is drawn too, each among those left. */
static void the_rest_is_drawn_too(void **state)
{
	struct plan_ask ask = ask_of("m");
	unsigned second_b = 0, first_a = 0;
	struct routes r;

	asks_init(&r, MODEL("weighted", D("p", "a", ", weight: 3") "," D("q", "b", ", weight: 2") "," D("r", "c", "")));
	rand_seed(1);
	for (unsigned i = 0; i < DRAWS; i++) {
		struct arena a;
		struct plan p;
		struct err e;

		arena_init(&a, 1 << 16);
		check("made", plan_make(&p, &r.table, &ask, &a, &e));
		first_a += p.group[0].model.p[0] == 'a';
		second_b += p.group[0].model.p[0] == 'a' && p.group[1].model.p[0] == 'b';
		arena_fini(&a);
	}
	check("two of three", (double)second_b / first_a > 0.65 && (double)second_b / first_a < 0.68);
	routes_fini(&r);
}

/* More than anybody comes to are in the plan all the same, each once. */
static void large_groups_are_whole(void **state)
{
	static const char *const strategies[] = { "weighted", "latency",        "usage",   "least_busy",
		                                  "cost",     "price_weighted", "ordered", "hash" };
	static char text[1 << 15];

	for (size_t s = 0; s < COUNT_OF(strategies); s++) {
		struct plan_ask ask = ask_of("m");
		bool seen[300] = { false };
		struct routes r;
		struct arena a;
		struct plan p;
		struct err e;
		int n;

		n = snprintf(text, sizeof text, "models: [{name: m, strategy: %s, deployments: [", strategies[s]);
		for (unsigned i = 0; i < 300; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, "{provider: p, model: m%u, weight: %u},", i,
			              i % 4);
		snprintf(text + n, sizeof text - (size_t)n, "]}]\n");
		asks_init(&r, text);
		ask.hash = 7;
		arena_init(&a, 1 << 20);
		check(strategies[s], plan_make(&p, &r.table, &ask, &a, &e));
		check(strategies[s], p.n == PLAN_GROUP_MAX && p.n_all == PLAN_GROUP_MAX);
		for (unsigned i = 0; i < p.n; i++) {
			size_t at = (size_t)(p.group[i].deployment - p.model->deployments);

			check(strategies[s], !seen[at]);
			seen[at] = true;
			/* those of weight 0 are behind all others */
			check(strategies[s], s == 6 || (p.group[i].deployment->weight == 0) == (i >= 192));
		}
		arena_fini(&a);
		routes_fini(&r);
	}
}

/* ---- speed ---- */

#define THREE(strategy) MODEL(strategy, D("p", "a", "") "," D("q", "b", "") "," D("r", "c", ""))

/* Requests at a steady rate, each answered by whom the plan puts first, after as long as it takes then. */
struct world {
	struct routes r;
	struct plan_ask ask;
	uint32_t us[3];
	struct counts got; /* since it was looked at last */
};

static void live(struct world *w, unsigned seconds, unsigned per_second)
{
	static const char *const providers[] = { "p", "q", "r" };

	w->got = (struct counts){ 0 };
	for (unsigned i = 0; i < seconds * per_second; i++) {
		char first = first_of(&w->r, &w->ask);
		const char model[2] = { first, 0 };

		w->got.of[(unsigned char)first]++;
		answered(&w->r, health_by(providers[first - 'a'], model), w->us[first - 'a'], w->us[first - 'a'] * 10,
		         100, w->ask.now_ms);
		w->ask.now_ms += 1000 / per_second;
	}
}

static double share(const struct world *w, char model)
{
	unsigned sum = w->got.of['a'] + w->got.of['b'] + w->got.of['c'];

	return (double)w->got.of[(unsigned char)model] / sum;
}

static void latency_adapts(void **state)
{
	for (int stream = 0; stream < 2; stream++) {
		struct world w = { .ask = ask_of("m"), .us = { 100000, 200000, 3000000 } };

		asks_init(&w.r, THREE("latency"));
		rand_seed(11);
		w.ask.stream = stream;
		live(&w, 60, 20);
		live(&w, 60, 20);
		check("the fast one has nearly all", share(&w, 'a') > 0.9);
		check("a dead-slow one gets little", share(&w, 'c') < 0.02);
		w.us[0] = 2000000;
		live(&w, 60, 20);
		live(&w, 10, 20);
		check("it turned slow: within a minute another has its place", share(&w, 'b') > 0.9);
		w.us[0] = 100000;
		live(&w, 300, 20);
		live(&w, 60, 20);
		check("it recovered, and has all again", share(&w, 'a') > 0.9);
		w.us[2] = 10000;
		live(&w, 300, 20);
		live(&w, 60, 20);
		check("the slow one has mended", share(&w, 'c') > 0.9);
		routes_fini(&w.r);
	}
}

static void a_slow_first_sample_freezes_nobody_out(void **state)
{
	struct world w = { .ask = ask_of("m"), .us = { 100000, 100000, 50000 } };

	asks_init(&w.r, THREE("latency"));
	rand_seed(12);
	w.ask.stream = true;
	answered(&w.r, health_by("r", "c"), 5000000, 6000000, 10, NOW); /* a cold start */
	live(&w, 300, 10);
	live(&w, 60, 10);
	check("c", share(&w, 'c') > 0.9);
	routes_fini(&w.r);
}

static void the_unseen_get_their_share(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");
	struct counts got;
	struct health_use use;

	asks_init(&r, THREE("latency"));
	rand_seed(13);
	ask.stream = true;
	for (int i = 0; i < 100; i++)
		answered(&r, health_by("p", "a"), 100000, 1000000, 100, NOW);
	got = draw(&r, &ask, DRAWS);
	check("a sixth each", got.of['b'] > DRAWS / 6 * 0.95 && got.of['b'] < DRAWS / 6 * 1.05 &&
	                              got.of['c'] > DRAWS / 6 * 0.95 && got.of['c'] < DRAWS / 6 * 1.05);
	check("begun", health_begin(health_by("q", "b"), NULL, 1, false, &r.config->routing, NOW, &use));
	got = draw(&r, &ask, DRAWS / 10);
	check("one that hangs is not asked again until it tells", got.of['b'] == 0 && got.of['c'] > 0);
	health_done(&use, &(struct health_outcome){ .cancelled = true }, &r.config->routing, NOW);
	routes_fini(&r);
}

static void those_within_the_buffer_are_drawn(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");
	struct counts got;

	asks_init(&r, "models: [{name: m, strategy: latency, latency_buffer: 0.5, deployments: [" D("p", "a", "") "," D(
			      "q", "b", ", weight: 3") "," D("r", "c", "") "]}]\n");
	rand_seed(14);
	ask.stream = true;
	answered(&r, health_by("p", "a"), 100000, 1000000, 100, NOW);
	answered(&r, health_by("q", "b"), 140000, 1000000, 100, NOW);
	answered(&r, health_by("r", "c"), 160000, 1000000, 100, NOW);
	got = draw(&r, &ask, DRAWS);
	check("by weight", got.of['a'] > DRAWS * 0.24 && got.of['a'] < DRAWS * 0.26 && got.of['c'] == 0);
	routes_fini(&r);
}

static void suffixes_and_sorts(void **state)
{
	struct routes r;
	struct plan_ask ask;
	struct route_wishes w = route_wishes_none;

	asks_init(&r, "models: [{name: m, strategy: ordered, deployments: [" PRICED("p", "a", 5, 5) "," PRICED(
			      "q", "b", 1,
			      1) "," D("r", "c", "") "]}, {name: 'm2:floor', deployments: [" D("p", "z", "") "]}]\n");
	for (int i = 0; i < HEALTH_SAMPLES_MIN; i++) {
		answered(&r, health_by("p", "a"), 100000, 1000000, 100, NOW);
		answered(&r, health_by("q", "b"), 50000, 2000000, 100, NOW);
		answered(&r, health_by("r", "c"), 150000, 500000, 100, NOW);
	}
	ask = ask_of("m:floor");
	check_told("floor", &r, &ask, "q/b wish; p/a wish; r/c wish");
	ask = ask_of("m:nitro");
	check_told("nitro", &r, &ask, "r/c wish; p/a wish; q/b wish");
	ask = ask_of("m2:floor");
	check_told("a model of that name", &r, &ask, "p/z only");
	ask = ask_of("p/any:floor");
	check_told("provider/model", &r, &ask, "p/any only");
	ask = ask_of("p/any:thing");
	check_told("another suffix is a part of the name", &r, &ask, "p/any:thing only");
	ask = ask_of("nothing:nitro");
	check_told("unknown", &r, &ask, "model_not_found: the model \"nothing:nitro\" does not exist");
	ask = ask_of("m");
	ask.wishes = &w;
	w.sort = WISH_SORT_LATENCY;
	check_told("sort: latency", &r, &ask, "q/b wish; p/a wish; r/c wish");
	w.sort = WISH_SORT_PRICE;
	check_told("sort: price", &r, &ask, "q/b wish; p/a wish; r/c wish");
	routes_fini(&r);
}

/* ---- load, price, hash ---- */

static void the_least_used_is_first(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");
	struct health_use use[3];

	asks_init(&r, MODEL("usage", D("p", "a", ", tpm: 1000") "," D("q", "b", ", tpm: 100000") "," D(
					     "r", "c", ", tpm: 10000")));
	answered(&r, health_by("p", "a"), 1, 1000, 100, NOW);  /* 200 of 1,000 */
	answered(&r, health_by("q", "b"), 1, 1000, 1500, NOW); /* 3,000 of 100,000 */
	answered(&r, health_by("r", "c"), 1, 1000, 500, NOW);  /* 1,000 of 10,000 */
	check_told("by share", &r, &ask, "q/b strategy; r/c strategy; p/a strategy");
	ask.now_ms += 120000;
	answered(&r, health_by("q", "b"), 1, 1000, 10, ask.now_ms);
	check("those of a minute ago are gone", first_of(&r, &ask) != 'b');
	routes_fini(&r);

	asks_init(&r, MODEL("usage", D("p", "a", "") "," D("q", "b", "")));
	answered(&r, health_by("p", "a"), 1, 1000, 100, NOW);
	answered(&r, health_by("q", "b"), 1, 1000, 99, NOW);
	ask.now_ms = NOW;
	check_told("without a tpm by tokens", &r, &ask, "q/b strategy; p/a strategy");
	routes_fini(&r);

	asks_init(&r, MODEL("least_busy", D("p", "a", "") "," D("q", "b", "")));
	for (int i = 0; i < 3; i++)
		check("begun", health_begin(i < 2 ? health_by("p", "a") : health_by("q", "b"), NULL, 1, false,
		                            &r.config->routing, NOW, &use[i]));
	check_told("in flight", &r, &ask, "q/b strategy; p/a strategy");
	for (int i = 0; i < 3; i++)
		health_done(&use[i], &(struct health_outcome){ .cancelled = true }, &r.config->routing, NOW);
	routes_fini(&r);
}

static unsigned looks;
static uint32_t prompt_tokens;
static void look(struct plan_ask *ask, unsigned what)
{
	looks |= what;
	ask->looked |= (uint8_t)what;
	ask->prompt_tokens = prompt_tokens;
}

static void cost_is_this_requests(void **state)
{
	static const struct {
		const char *name;
		uint32_t prompt;
		int64_t max_output;
		int64_t at_ms;
		const char *want;
	} cases[] = {
		{ "long prompt", 100000, 10, 0, "p/a strategy; q/b strategy; r/c strategy" },
		{ "long answer", 10, 8000, 0, "q/b strategy; p/a strategy; r/c strategy" },
		{ "no cap is said", 100, -1, 0, "q/b strategy; p/a strategy; r/c strategy" },
	};
	struct routes r;

	asks_init(&r, MODEL("cost", PRICED("p", "a", 1, 10) "," PRICED("q", "b", 5, 5) "," D("r", "c", "")));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plan_ask ask = ask_of("m");

		looks = 0;
		prompt_tokens = cases[i].prompt;
		ask.look = look;
		ask.max_output = cases[i].max_output;
		check_told(cases[i].name, &r, &ask, cases[i].want);
		check(cases[i].name, looks == LOOK_TOKENS);
	}
	routes_fini(&r);
}

static void an_outage_of_late_puts_one_last(void **state)
{
	struct routes r;
	struct plan_ask ask = ask_of("m");

	asks_init(&r,
	          MODEL("price_weighted", PRICED("p", "a", 1, 1) "," PRICED("q", "b", 100, 100) "," D("r", "c", "")));
	failed(&r, health_by("p", "a"), FAILURE_TRANSIENT, 5, NOW);
	ask.now_ms = NOW + 5001; /* half the outage window is over, and so is the cooldown */
	while (health_verdict(health_by("p", "a"), ask.now_ms) != HEALTH_IN && ask.now_ms < NOW + 29000)
		ask.now_ms += 1000;
	if (health_verdict(health_by("p", "a"), ask.now_ms) == HEALTH_IN)
		check_told("in, and last", &r, &ask, "q/b strategy; r/c strategy; p/a strategy");
	routes_fini(&r);
}

static char by_key(const struct routes *r, uint64_t key)
{
	struct plan_ask ask = ask_of("m");

	ask.hash = key;
	return first_of(r, &ask);
}

static void hash_moves_few(void **state)
{
	enum { KEYS = 20000 };
	static char before[KEYS];
	struct routes r;
	unsigned of_a = 0, moved = 0, to_b = 0;

	asks_init(&r, MODEL("hash", D("p", "a", ", weight: 2") "," D("q", "b", "") "," D("r", "c", "")));
	for (unsigned i = 0; i < KEYS; i++) {
		before[i] = by_key(&r, rand_u64() | 1);
		of_a += before[i] == 'a';
	}
	check("by weight", of_a > KEYS * 0.48 && of_a < KEYS * 0.52);
	for (unsigned i = 0; i < KEYS; i++) {
		before[i] = by_key(&r, 1 + i * 2654435761u);
		check("the same again", before[i] == by_key(&r, 1 + i * 2654435761u));
	}
	routes_fini(&r);
	asks_init(&r, MODEL("hash", D("q", "b", "") "," D("p", "a", ", weight: 2")));
	for (unsigned i = 0; i < KEYS; i++) {
		char now = by_key(&r, 1 + i * 2654435761u);

		moved += before[i] != 'c' && now != before[i];
		to_b += before[i] == 'c' && now == 'b';
	}
	check("only those of the one that left", moved == 0 && to_b > KEYS / 4 / 3 * 0.9);
	routes_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(the_rest_is_drawn_too),
		cmocka_unit_test(large_groups_are_whole),
		cmocka_unit_test(latency_adapts),
		cmocka_unit_test(a_slow_first_sample_freezes_nobody_out),
		cmocka_unit_test(the_unseen_get_their_share),
		cmocka_unit_test(those_within_the_buffer_are_drawn),
		cmocka_unit_test(suffixes_and_sorts),
		cmocka_unit_test(the_least_used_is_first),
		cmocka_unit_test(cost_is_this_requests),
		cmocka_unit_test(an_outage_of_late_puts_one_last),
		cmocka_unit_test(hash_moves_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
