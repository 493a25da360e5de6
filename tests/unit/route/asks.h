/* SPDX-License-Identifier: Apache-2.0 */
/* asks: plans for requests made up, of three providers whose deployments differ in all that routing looks at. */
#ifndef SLUICE_TESTS_UNIT_ROUTE_ASKS_H
#define SLUICE_TESTS_UNIT_ROUTE_ASKS_H

#include "routes.h"

#include <stdio.h>

#include "base/buf.h"
#include "route/plan.h"

#define NOW 1000000

#define PROVIDERS                                                                                                     \
	"auth: none\n"                                                                                                \
	"providers:\n"                                                                                                \
	"  p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1', zdr: true, trains_on_data: false, region: eu}\n" \
	"  q: {dialect: openai-chat, base_url: 'http://127.0.0.1:2', trains_on_data: false, region: us}\n"            \
	"  r: {dialect: openai-chat, base_url: 'http://127.0.0.1:3', region: eu-west-1}\n"                            \
	"  media: {dialect: voyage, base_url: 'http://127.0.0.1:4'}\n"

static inline void asks_init(struct routes *r, const char *more)
{
	static char text[1 << 16];

	snprintf(text, sizeof text, "%s%s", PROVIDERS, more);
	routes_init(r, text);
	health_forget_all();
}

static inline struct plan_ask ask_of(const char *model)
{
	return (struct plan_ask){ .model = str_from_z(model),
		                  .dialect = DIALECT_OPENAI_CHAT,
		                  .call = CALL_GENERATE,
		                  .now_ms = NOW,
		                  .at_ms = 1800000000000,
		                  .max_output = -1 };
}

/* The number of one of the table's deployments, by its name. */
static inline struct health *health_by(const char *provider, const char *model)
{
	return health_of(str_from_z(provider), str_from_z(model));
}

/* One answered call: its first event after first_us, and all of it after took_us with so many tokens of output. */
static inline void answered(const struct routes *r, struct health *h, uint32_t first_us, uint32_t took_us,
                            uint32_t output, uint64_t now)
{
	struct health_outcome o = { .tokens = output * 2, .output_tokens = output, .took_us = took_us };
	struct health_use use;

	check("begun", health_begin(h, NULL, 1, false, &r->config->routing, now, &use));
	health_good(&use, first_us, true, &r->config->routing, now);
	health_done(&use, &o, &r->config->routing, now);
}

static inline void failed(const struct routes *r, struct health *h, enum failure_class class, unsigned times,
                          uint64_t now)
{
	struct health_outcome o = { 0 };

	for (unsigned i = 0; i < times; i++) {
		struct health_use use;

		check("begun", health_begin(h, NULL, 1, false, &r->config->routing, now, &use));
		health_bad(&use, class, -1, &r->config->routing, now);
		health_done(&use, &o, &r->config->routing, now);
	}
}

/* The model of the first candidate, one letter; '-': there is none. */
static inline char first_of(const struct routes *r, const struct plan_ask *ask)
{
	struct arena a;
	struct plan p;
	struct err e = { 0 };
	char first;

	arena_init(&a, 1 << 20);
	check(e.text, plan_make(&p, &r->table, ask, &a, &e));
	first = p.n ? p.group[0].model.p[0] : '-';
	arena_fini(&a);
	return first;
}

/* The plan in words, or the refusal. */
static inline const char *told(const struct routes *r, const struct plan_ask *ask)
{
	static char text[1024];
	struct buf b = buf_make(sizeof text - 1);
	struct arena a;
	struct plan p;
	struct err e = { 0 };

	arena_init(&a, 1 << 20);
	if (plan_make(&p, &r->table, ask, &a, &e)) {
		plan_tell(&p, &b);
		snprintf(text, sizeof text, "%.*s", (int)b.n, b.p ? b.p : "");
	} else {
		snprintf(text, sizeof text, "%s: %s", err_code_name(e.code), e.text);
	}
	arena_fini(&a);
	buf_fini(&b);
	return text;
}

static inline void check_told(const char *row, const struct routes *r, const struct plan_ask *ask, const char *want)
{
	check_str(row, str_from_z(told(r, ask)), str_from_z(want));
}

#endif
