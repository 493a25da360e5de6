/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routing: what each strategy is worth in worlds that go wrong: the program's own routing code against simulated
 * providers and a simulated clock (sim/sim.h). Everything comes from the seed: the same seed prints the same bytes.
 *
 *	routing [--seed N] [--scenario NAME] [--strategy NAME]     the table
 *	routing --check                                            what must hold; exit code 1 where it does not
 *	routing --list                                             the scenarios
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dialect/dialect.h"
#include "sim/sim.h"

static const char *const strategies[] = { "weighted", "latency",        "usage",   "least_busy",
	                                  "cost",     "price_weighted", "ordered", "hash" };

static uint64_t seed = 42;

/* ---- the table ---- */

static void print_seconds(double s)
{
	if (s < 0)
		printf("  %8s", "");
	else
		printf("  %8.1f", s);
}

static void print_row(const char *strategy, const struct sim_result *r)
{
	double requests = (double)r->requests;

	printf("%-15s  %7.3f  %7.0f  %7.0f  %9.4f  %7.3f  %6llu", strategy,
	       100.0 * (requests - (double)r->errors) / requests, sim_percentile(r, 0.5), sim_percentile(r, 0.99),
	       (double)r->cost_nusd / 1e9 / requests * 1000, 100.0 * (double)(r->calls - r->served) / requests,
	       (unsigned long long)r->limited);
	if (r->opened_s >= 0)
		printf("  %6llu", (unsigned long long)r->dead_calls);
	else
		printf("  %6s", "");
	print_seconds(r->back_s);
	if (r->turns)
		printf("  %6.2f", 100.0 * (double)r->turns_kept / (double)r->turns);
	putchar('\n');
}

static void print_scenario(const struct sim_scenario *s, const char *only)
{
	struct sim_result r;

	printf("%s: %s\n", s->name, s->what);
	printf("%-15s  %7s  %7s  %7s  %9s  %7s  %6s  %6s  %8s  %s\n", "strategy", "served%", "p50 ms", "p99 ms",
	       "USD/1000", "wasted%", "429", "dead", "back s", s->turns ? "kept%" : "");
	for (size_t i = 0; i < COUNT_OF(strategies); i++) {
		if (only && strcmp(only, strategies[i]) != 0)
			continue;
		sim_run(s, strategies[i], seed, &r);
		print_row(strategies[i], &r);
		sim_free(&r);
	}
	putchar('\n');
}

/* ---- what must hold ---- */

static unsigned passed, failed;

PRINTF_LIKE(2, 3) static void hold(bool good, const char *fmt, ...)
{
	va_list args;

	printf("%s  ", good ? "ok  " : "FAIL");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	passed += good;
	failed += !good;
}

static void run(const char *scenario, const char *strategy, struct sim_result *r)
{
	sim_run(sim_scenario_by_name(scenario), strategy, seed, r);
}

/* The probes' interval of the default settings (routing.breaker.open_for), and one connect timeout. */
enum { OPEN_FOR_S = 30, CONNECT_MS = 1000 };

static void check_death(const char *kind, const char *strategy)
{
	struct sim_result well, r;
	double limit;

	run("healthy", strategy, &well);
	run(kind, strategy, &r);
	limit = 1.2 * sim_percentile(&well, 0.99) + CONNECT_MS;
	hold(r.requests > 10000 && r.errors == 0, "%s, %s: %llu requests, %llu errors of clients", kind, strategy,
	     (unsigned long long)r.requests, (unsigned long long)r.errors);
	hold(r.opened_s >= 0 && r.dead_calls * 1000 < r.dead_requests,
	     "%s, %s: %llu of %llu requests touch it while it is out", kind, strategy, (unsigned long long)r.dead_calls,
	     (unsigned long long)r.dead_requests);
	hold(sim_percentile(&r, 0.99) <= limit, "%s, %s: p99 %.0f ms, at most %.0f", kind, strategy,
	     sim_percentile(&r, 0.99), limit);
	hold(r.back_s >= 0 && r.back_s <= 2 * OPEN_FOR_S, "%s, %s: back %.1f s after its recovery", kind, strategy,
	     r.back_s);
	sim_free(&well);
	sim_free(&r);
}

/* A minute in which nobody answers: each breaker probes every 30 s. */
static void check_all_down(const char *scenario, unsigned calls_max)
{
	struct sim_result r;

	run(scenario, "weighted", &r);
	hold(r.calls_before_out <= 3 * r.requests_before_out, "%s: %llu calls of %llu requests until all are out",
	     scenario, (unsigned long long)r.calls_before_out, (unsigned long long)r.requests_before_out);
	hold(r.calls_after_out <= calls_max, "%s: then %llu calls, at most %u", scenario,
	     (unsigned long long)r.calls_after_out, calls_max);
	sim_free(&r);
}

static void check_hedging(void)
{
	struct sim_result without, with;
	double cut;

	run("tail", "weighted", &without);
	run("tail-hedged", "weighted", &with);
	cut = sim_percentile(&without, 0.99) / sim_percentile(&with, 0.99);
	hold(cut >= 3, "hedging: p99 %.0f ms becomes %.0f (%.1f times)", sim_percentile(&without, 0.99),
	     sim_percentile(&with, 0.99), cut);
	hold((double)with.calls <= 1.03 * (double)without.calls, "hedging: %.2f %% more calls",
	     100.0 * ((double)with.calls / (double)without.calls - 1));
	sim_free(&without);
	sim_free(&with);
}

static void check_fairness(void)
{
	struct sim_result r;
	double least = 1;

	run("flood", "weighted", &r);
	for (unsigned k = 1; k < 5; k++) {
		double share = (double)r.served_by[k] / (double)r.asked_by[k];

		least = share < least ? share : least;
	}
	hold(least >= 0.95,
	     "flood: the key that floods asked %llu times, and the others got at least %.1f %% of theirs",
	     (unsigned long long)r.asked_by[0], 100 * least);
	sim_free(&r);
}

static void check_affinity(const char *strategy)
{
	struct sim_result r;

	run("conversations", strategy, &r);
	hold((double)r.turns_kept >= 0.97 * (double)r.turns, "conversations, %s: %.2f %% of %llu turns stay", strategy,
	     100.0 * (double)r.turns_kept / (double)r.turns, (unsigned long long)r.turns);
	sim_free(&r);
	run("conversations-die", strategy, &r);
	hold(r.errors == 0, "conversations, %s: one dies, and %llu of %llu requests fail", strategy,
	     (unsigned long long)r.errors, (unsigned long long)r.requests);
	sim_free(&r);
}

static void check_replay(void)
{
	struct sim_result a, b;

	run("rate-limits", "latency", &a);
	run("rate-limits", "latency", &b);
	hold(a.calls == b.calls && a.served == b.served && a.cost_nusd == b.cost_nusd &&
	             memcmp(a.first_ms_us, b.first_ms_us, a.served * sizeof *a.first_ms_us) == 0,
	     "the same seed gives the same run");
	sim_free(&a);
	sim_free(&b);
}

static int check(void)
{
	static const char *const kinds[] = { "refuses", "unreachable", "hangs", "500", "cuts", "error-event" };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		for (size_t k = 0; k < COUNT_OF(strategies); k++)
			if (strcmp(strategies[k], "ordered") != 0) /* which never comes to the second */
				check_death(kinds[i], strategies[k]);
	}
	check_all_down("all-down-strict", 3 * 60 / OPEN_FOR_S);
	check_all_down("all-down", 60 + 3 * 60 / OPEN_FOR_S); /* and the last resort: one a second */
	check_hedging();
	check_fairness();
	check_affinity("weighted");
	check_affinity("latency");
	check_replay();
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr, "usage: routing [--seed N] [--scenario NAME] [--strategy NAME] [--check] [--list]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *scenario = NULL, *strategy = NULL;
	bool checks = false, lists = false;

	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--check") == 0)
			checks = true;
		else if (strcmp(argv[i], "--list") == 0)
			lists = true;
		else if (has_value && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[++i], NULL, 0);
		else if (has_value && strcmp(argv[i], "--scenario") == 0)
			scenario = argv[++i];
		else if (has_value && strcmp(argv[i], "--strategy") == 0)
			strategy = argv[++i];
		else
			return usage();
	}
	if (scenario && !sim_scenario_by_name(scenario))
		return usage();
	dialect_init();
	log_init(LOG_ERROR, false);
	for (unsigned i = 0; lists && i < sim_n_scenarios; i++)
		printf("%-18s %s\n", sim_scenarios[i].name, sim_scenarios[i].what);
	if (lists)
		return EXIT_SUCCESS;
	if (checks)
		return check();
	for (unsigned i = 0; i < sim_n_scenarios; i++)
		if (!scenario || strcmp(scenario, sim_scenarios[i].name) == 0)
			print_scenario(&sim_scenarios[i], strategy);
	return EXIT_SUCCESS;
}
