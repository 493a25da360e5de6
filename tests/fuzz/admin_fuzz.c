/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a caller of the admin API sends: path, query, body and times, cut from one input at newlines. What
 * is taken must hold to the route's table; a time that was read must come back the same. And any bytes as the texts of
 * a log line: it must be one line of valid JSON.
 */
#include <assert.h>
#include <stdlib.h>

#include "admin/admin_in.h"
#include "base/clock.h"
#include "govern/keys.h"
#include "json/scan.h"
#include "observe/observe_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_route(struct admin_call *c, struct str path, struct str query)
{
	static const enum http_method methods[] = { METHOD_GET, METHOD_POST, METHOD_PATCH, METHOD_DELETE };
	struct err e = { 0 };

	for (size_t m = 0; m < COUNT_OF(methods); m++) {
		const struct admin_route *route = admin_route_find(methods[m], path, c->arena, &c->id, &e);

		if (!route) {
			assert(e.code != ERR_NONE && e.text[0]);
			continue;
		}
		memset(c->param, 0, sizeof(c->param));
		if (!input_query(c, route, query, &e))
			continue;
		for (unsigned i = 0; i < PARAMS; i++)
			assert(!c->param[i].p || route->params & 1u << i);
	}
}

static void try_time(struct str text)
{
	char again[CLOCK_RFC3339_LEN];
	uint64_t ms, ms2 = 0;

	if (!time_read(text, &ms) || ms >= 253402300800000) /* the year 10000, by an offset */
		return;
	clock_rfc3339(again, ms);
	assert(time_read(str_of(again, sizeof(again)), &ms2) && ms2 == ms);
}

static void try_key(struct admin_call *c, struct str body)
{
	struct key_info k;
	struct err e = { 0 };
	unsigned what;

	c->body = body;
	if (!input_key(c, &k, &what, &e)) {
		assert(e.code != ERR_NONE && e.text[0]);
		return;
	}
	assert(!(what & KEY_EDIT_NAME) || k.name.p);
	for (size_t i = 0; i < k.n_models; i++)
		assert(k.models[i].p);
}

static void try_line(const struct str *part)
{
	static const char *const names[] = { "auth", "relay" };
	static const uint32_t us[] = { 1, 123456 };
	struct fact_attempt attempt = { part[0], 429, "upstream_error", 1000, .hedge = FACT_HEDGE_NONE };
	struct facts f = {
		.key_name = part[0],
		.user = part[1],
		.tags = part[2],
		.model = part[3],
		.upstream_model = part[1],
		.provider = part[2],
		.deployment = part[3],
		.endpoint = STR("/v1/x"),
		.status = 200,
		.attempts = &attempt,
		.n_attempts = 1,
		.step_names = names,
		.step_us = us,
		.n_steps = 2,
	};
	struct observe *o =
		observe_new(&(struct observe_options){ .loops = 1, .log = { true, STR("/dev/null") } }, NULL);
	struct observe_loop *l = observe_loop(o, 0);
	struct buf metrics = buf_make(1 << 20);
	struct json_fault fault;
	struct str line;

	for (unsigned i = 0; i < 2; i++) { /* the second one copies what the first one wrote */
		observe_request(l, &f);
		line = buf_str(&l->log.lines);
		assert(line.n && line.p[line.n - 1] == '\n' && str_find_chr(line, '\n') == line.n - 1);
		assert(json_scan(NULL, str_slice(line, 0, line.n - 1), 8, NULL, &fault));
		observe_flush(l);
	}
	assert(metrics_write(o, &metrics));
	buf_fini(&metrics);
	observe_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = { (const char *)data, n }, part[4];
	struct admin_call c = { 0 };
	struct arena arena;

	arena_init(&arena, 16 << 20);
	c.arena = &arena;
	for (size_t i = 0; i < COUNT_OF(part); i++)
		part[i] = i + 1 < COUNT_OF(part) ? str_cut(&rest, '\n') : rest;
	try_route(&c, part[0], part[1]);
	try_time(part[2]);
	try_key(&c, part[3]);
	try_line(part);
	arena_fini(&arena);
	return 0;
}
