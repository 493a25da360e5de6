/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what a plan costs: CPU time to filter 50 deployments of one model and put them in order, by each strategy, with
 * all their healths known; and of a model with one deployment. `make bench-plan` prints the table; tests/perf counts
 * instructions with:
 *
 *	plan MODEL TIMES     "weighted", "latency" … "one"
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "conf/env.h"
#include "main/settings.h"
#include "route/plan.h"

enum { DEPLOYMENTS = 50, MEMORY_MAX = 1 << 20, NOW_MS = 1000000 };

static const char *const models[] = {
	"weighted",       "latency", "usage", "least_busy", "cost",
	"price_weighted", "ordered", "hash",  "preferred",  "limited",
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_model(struct buf *b, const char *name, const char *strategy, unsigned n, const char *more)
{
	buf_printf(b, "- name: %s\n  strategy: %s\n  deployments:\n", name, strategy);
	for (unsigned i = 0; i < n; i++)
		buf_printf(b,
		           "  - {provider: p%u, model: m%u, weight: %u, context_window: %u, max_output: 8192, price: "
		           "{input: %u.5, output: %u}%s}\n",
		           i % 5, i, 1 + i % 3, 128000 + i, 1 + i % 7, 4 + i % 11, more);
}

static struct config *configuration(void)
{
	struct conf_problems problems = { 0 };
	struct buf b = buf_make(MEMORY_MAX);
	struct config *c;

	buf_append(&b, STR("auth: none\nproviders:\n"));
	for (unsigned i = 0; i < 5; i++)
		buf_printf(&b, "  p%u: {dialect: openai-chat, base_url: 'http://127.0.0.1:%u'}\n", i, i + 1);
	buf_append(&b, STR("routing: {preferred: {max_latency_p90: 100ms, min_throughput_p50: 20}}\nmodels:\n"));
	for (size_t i = 0; i < COUNT_OF(models); i++) {
		bool other = strcmp(models[i], "preferred") == 0 || strcmp(models[i], "limited") == 0;

		write_model(&b, models[i], other ? "weighted" : models[i], DEPLOYMENTS,
		            strcmp(models[i], "limited") == 0 ? ", rpm: 100000, tpm: 100000000" : "");
	}
	write_model(&b, "one", "weighted", 1, "");
	c = config_read("bench", buf_str(&b), &conf_env_process, &problems);
	if (!c)
		fprintf(stderr, "%s\n", problems.items[0].text);
	assert(c);
	buf_fini(&b);
	return c;
}

/* Each has answered some requests, each at its own speed. */
static void make_known(const struct route_table *t)
{
	for (size_t m = 0; m < t->n_models; m++)
		for (unsigned i = 0; i < t->models[m].n_deployments; i++) {
			struct health_outcome o = { .tokens = 1000,
				                    .output_tokens = 100,
				                    .took_us = 400000 + i * 20000 };

			for (unsigned k = 0; k < 20; k++) {
				struct health *h = t->models[m].deployments[i].health;
				struct health_use use;
				bool begun = health_begin(h, NULL, 10, false, t->routing, NOW_MS, &use);

				assert(begun);
				health_good(&use, 50000 + i * 1000, true, t->routing, NOW_MS);
				health_done(&use, &o, t->routing, NOW_MS);
			}
		}
}

static void look(struct plan_ask *ask, unsigned what)
{
	ask->looked |= (uint8_t)what;
	ask->prompt_tokens = 1200;
}

static void make_plans(const struct route_table *t, const char *model, unsigned times)
{
	struct arena a;
	struct plan p;
	struct err e;

	arena_init(&a, MEMORY_MAX);
	for (unsigned i = 0; i < times; i++) {
		struct arena_mark before = arena_mark(&a);
		struct plan_ask ask = {
			.model = str_from_z(model),
			.dialect = DIALECT_OPENAI_CHAT,
			.call = CALL_GENERATE,
			.stream = true,
			.now_ms = NOW_MS,
			.at_ms = 1800000000000,
			.hash = i + 1,
			.body_bytes = 1000,
			.max_output = 1000,
			.look = look,
		};
		bool made = plan_make(&p, t, &ask, &a, &e);

		assert(made && p.n > 0);
		arena_rewind(&a, before);
	}
	arena_fini(&a);
}

/* Microseconds of CPU for one, the best of some rounds: others use this machine too. */
static double measure(const struct route_table *t, const char *model)
{
	enum { TIMES = 20000 };
	double best = 1e9;

	for (int round = 0; round < 7; round++) {
		double begin = cpu_seconds(), spent;

		make_plans(t, model, TIMES);
		spent = (cpu_seconds() - begin) / TIMES * 1e6;
		best = spent < best ? spent : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct config *c = configuration();
	struct route_table_source source = { c->providers, c->models, &c->routing, NULL };
	struct route_table table;
	struct err e;

	if (!route_table_init(&table, &source, &c->arena, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	rand_seed(1);
	make_known(&table);
	if (argc == 3) {
		make_plans(&table, argv[1], (unsigned)atoi(argv[2]));
	} else {
		printf("us of CPU a plan over %d deployments (goal: 3)\n", DEPLOYMENTS);
		for (size_t i = 0; i < COUNT_OF(models); i++)
			printf("%-16s %6.2f\n", models[i], measure(&table, models[i]));
		printf("one deployment   %6.3f\n", measure(&table, "one"));
	}
	config_free(c);
	return 0;
}
