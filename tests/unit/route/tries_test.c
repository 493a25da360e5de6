/* SPDX-License-Identifier: Apache-2.0 */
/* tries: the order of tries, back-off, fallbacks, what is skipped. */
#include "routes.h"

#include <stdio.h>

#include "route/plan.h"

#define PROVIDERS                                                       \
	"auth: none\n"                                                  \
	"providers:\n"                                                  \
	"  p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1'}\n" \
	"  q: {dialect: openai-chat, base_url: 'http://127.0.0.1:2'}\n" \
	"  claude: {dialect: anthropic, base_url: 'http://127.0.0.1:3'}\n"
#define RETRIES(n)                                                                     \
	"routing: {retries: {attempts: " #n ", base: 100ms, max: 350ms, jitter: none," \
	" respect_retry_after: 2s}}\n"
#define MODELS(list)          "models: [" list "]\n"
#define MODEL(name, more, ds) "{name: '" name "', " more "deployments: [" ds "]}"
#define ON(provider, model)   "{provider: " provider ", model: '" model "'}"
#define A                     ON("p", "a")
#define B                     ON("q", "b")
#define ONE                   MODELS(MODEL("m", "", A))
#define TWO                   MODELS(MODEL("m", "strategy: ordered, ", A ", " B))
#define FALLBACK              MODELS(MODEL("m", "fallbacks: [n], ", A) ", " MODEL("n", "", B))

/* What happens at each try: 'x' fails, 's' fails so that its deployment is of no more use; at most so many tries. */
static const struct {
	const char *name, *settings, *model;
	const char *happens;
	int64_t retry_after_ms;
	const char *want; /* "model@wait …" */
} cases[] = {
	{ "one deployment, again with back-off", RETRIES(5) ONE, "m", "xxxxxxxxxxxx", -1,
	  "a@0 a@100 a@200 a@350 a@350 a@350" },
	{ "no retries", RETRIES(0) ONE, "m", "xxxx", -1, "a@0" },
	{ "one after the other without waiting", RETRIES(3) TWO, "m", "xxxxxx", -1, "a@0 b@0 a@100 b@100" },
	{ "by order",
	  RETRIES(1) MODELS(MODEL("m", "", "{provider: p, model: a, order: 2}, {provider: q, model: b, order: 1}")),
	  "m", "xxxx", -1, "b@0 a@0" },
	{ "weight 0 comes last", RETRIES(1) MODELS(MODEL("m", "", "{provider: p, model: a, weight: 0}, " B)), "m",
	  "xxxx", -1, "b@0 a@0" },
	{ "what the provider asks for is waited for", RETRIES(2) ONE, "m", "xxxx", 1500, "a@0 a@1500 a@1500" },
	{ "unless it is less than the back-off", RETRIES(2) ONE, "m", "xxxx", 150, "a@0 a@150 a@200" },
	{ "or too much", RETRIES(2) FALLBACK, "m", "xxxx", 5000, "a@0 b@0" },
	{ "others are asked at once all the same", RETRIES(2) TWO, "m", "xxxx", 5000, "a@0 b@0" },
	{ "fallbacks follow, and theirs do not",
	  RETRIES(1) MODELS(MODEL("m", "fallbacks: [n, o], ", A) ", " MODEL("n", "fallbacks: [z], ", B) ", " MODEL(
		  "o", "", ON("q", "c")) ", " MODEL("z", "", ON("q", "never"))),
	  "m", "xxxxxxxxx", -1, "a@0 a@100 b@0 b@100 c@0 c@100" },
	{ "a fallback of another dialect is translated for",
	  RETRIES(0) MODELS(
		  MODEL("m", "fallbacks: [n, o], ", A) ", " MODEL("n", "", ON("claude", "x")) ", " MODEL("o", "", B)),
	  "m", "xxxx", -1, "a@0 x@0 b@0" },
	{ "so is a first one",
	  RETRIES(0) MODELS(MODEL("m", "fallbacks: [o], ", ON("claude", "x")) ", " MODEL("o", "", B)), "m", "xxxx", -1,
	  "x@0 b@0" },
	{ "skipped: the others go on", RETRIES(3) TWO, "m", "sxxxxxx", -1, "a@0 b@0 b@100 b@200 b@350" },
	{ "skipped: the last one", RETRIES(3) TWO, "m", "ssss", -1, "a@0 b@0" },
	{ "skipped: to the fallback", RETRIES(3) FALLBACK, "m", "ssss", -1, "a@0 b@0" },
	{ "a star takes what the name had there", RETRIES(0) MODELS(MODEL("x-*", "", ON("p", "y-*-z"))), "x-1", "x", -1,
	  "y-1-z@0" },
	{ "provider/model", RETRIES(0), "q/any/thing", "x", -1, "any/thing@0" },
};

static void init(struct routes *r, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text, "%s%s", PROVIDERS, more);
	routes_init(r, text);
}

static bool make(struct plan *p, const struct routes *r, const char *model, enum dialect_id dialect,
                 enum dialect_call call, struct arena *a, struct err *e)
{
	struct plan_ask ask = { .model = str_from_z(model), .dialect = dialect, .call = call, .now_ms = 1,
		                .max_output = -1 };

	return plan_make(p, &r->table, &ask, a, e);
}

static void tries_follow(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct routes r;
		struct arena a;
		struct plan p;
		struct candidate c;
		struct err e = { 0 };
		struct plan_failed failed = { .class = FAILURE_TRANSIENT, .retryable = true };
		char got[512] = "";
		size_t n = 0;
		uint32_t wait;

		init(&r, cases[i].settings);
		arena_init(&a, 1 << 16);
		check(cases[i].name,
		      make(&p, &r, cases[i].model, DIALECT_OPENAI_CHAT, CALL_GENERATE, &a, &e));
		failed.retry_after_ms = cases[i].retry_after_ms;
		for (size_t k = 0; plan_next(&p, k ? &failed : NULL, 1, &a, &c, &wait) == PLAN_TRY; k++) {
			check(cases[i].name, k < strlen(cases[i].happens));
			n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s@%u", k ? " " : "", STR_ARG(c.model),
			                      wait);
			check(cases[i].name, c.face == &c.deployment->provider->faces[c.face_index]);
			if (cases[i].happens[k] == 's')
				plan_skip_deployment(&p, c.deployment, EXCLUDED_FAILED);
		}
		check_str(cases[i].name, str_of(got, n), str_from_z(cases[i].want));
		arena_fini(&a);
		routes_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tries_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
