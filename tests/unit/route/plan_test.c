/* SPDX-License-Identifier: Apache-2.0 */
/* plan: who are the candidates, and what is refused. */
#include "routes.h"

#include <stdio.h>

#include "route/plan.h"

#define PROVIDERS                                                       \
	"auth: none\n"                                                  \
	"providers:\n"                                                  \
	"  p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1'}\n" \
	"  q: {dialect: openai-chat, base_url: 'http://127.0.0.1:2'}\n" \
	"  claude: {dialect: anthropic, base_url: 'http://127.0.0.1:3'}\n"
#define MODELS(list)          "models: [" list "]\n"
#define MODEL(name, more, ds) "{name: '" name "', " more "deployments: [" ds "]}"
#define ON(provider, model)   "{provider: " provider ", model: '" model "'}"
#define B                     ON("q", "b")

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

static void refuses(void **state)
{
	struct routes r;
	struct arena a;
	struct plan p;
	struct err e = { 0 };

	init(&r, MODELS(MODEL("chat", "", ON("claude", "a")) ", " MODEL("x-*", "", ON("p", "y-*-z"))));
	arena_init(&a, 1 << 16);
	check("unknown", !make(&p, &r, "cht", DIALECT_OPENAI_CHAT, CALL_GENERATE, &a, &e));
	check(e.text, e.code == ERR_MODEL_NOT_FOUND && strstr(e.text, "\"chat\""));
	check("no embeddings", !make(&p, &r, "chat", DIALECT_OPENAI_EMBEDDINGS, CALL_EMBED, &a, &e));
	check(e.text, e.code == ERR_INVALID_REQUEST);
	check("dialect", make(&p, &r, "chat", DIALECT_ANTHROPIC, CALL_GENERATE, &a, &e));
	arena_fini(&a);
	arena_init(&a, 16);
	check("no memory", !make(&p, &r, "x-1", DIALECT_OPENAI_CHAT, CALL_GENERATE, &a, &e));
	check(e.text, e.code == ERR_TOO_LARGE);
	arena_fini(&a);
	routes_fini(&r);
}

/* 1,000 draws of 3 : 1; the bounds are ten standard deviations wide. */
static void weights_are_kept(void **state)
{
	struct routes r;
	unsigned first = 0;

	init(&r, MODELS(MODEL("m", "", "{provider: p, model: a, weight: 3}, " B)));
	for (int i = 0; i < 1000; i++) {
		struct arena a;
		struct plan p;
		struct candidate c;
		struct err e = { 0 };
		uint32_t wait;

		arena_init(&a, 1 << 16);
		check(e.text, make(&p, &r, "m", DIALECT_OPENAI_CHAT, CALL_GENERATE, &a, &e));
		check("first", plan_next(&p, NULL, 1, &a, &c, &wait) == PLAN_TRY && wait == 0);
		first += c.model.p[0] == 'a';
		arena_fini(&a);
	}
	check("3 of 4", first > 610 && first < 890);
	routes_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(weights_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
