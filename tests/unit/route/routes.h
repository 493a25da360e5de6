/* SPDX-License-Identifier: Apache-2.0 */
/* routes: a route table from the text of a configuration. */
#ifndef SLUICE_TESTS_UNIT_ROUTE_ROUTES_H
#define SLUICE_TESTS_UNIT_ROUTE_ROUTES_H

#include "lib/check.h"

#include "base/err.h"
#include "conf/env.h"
#include "main/settings.h"
#include "route/table.h"

struct routes {
	struct config *config;
	struct route_table table;
};

/* False: `e` tells, and nothing needs to be freed. */
static inline bool routes_try(struct routes *r, const char *text, struct err *e)
{
	struct conf_problems problems = { 0 };
	struct route_table_source source;

	r->config = config_read("t.yaml", str_from_z(text), &conf_env_process, &problems);
	check(r->config ? text : problems.items[0].text, r->config != NULL);
	source = (struct route_table_source){ r->config->providers, r->config->models, &r->config->routing, NULL };
	if (route_table_init(&r->table, &source, &r->config->arena, e))
		return true;
	config_free(r->config);
	return false;
}

static inline void routes_init(struct routes *r, const char *text)
{
	struct err e = { 0 };

	check(e.text, routes_try(r, text, &e));
}

static inline void routes_fini(struct routes *r)
{
	config_free(r->config);
}

#endif
