/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a request says of its routing: the first line is a body, the others are fields of its head. What is
 * taken keeps to its ceilings, can go into a head where it will, and is the same when it is read again.
 */
#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "route/wishes.h"

enum { ARENA_MAX = 8 << 20, BODY_DEPTH = 256 };
enum { MODELS, PROVIDER, OPTIONS, MEMBERS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct wish_field *fields_of(struct arena *a, struct str lines)
{
	const struct wish_field *first = NULL;
	unsigned n = 0;

	while (lines.p && lines.n && n++ < 64) {
		struct str value = str_cut(&lines, '\n'), name = str_cut(&value, ':');
		struct wish_field *f = arena_alloc(a, sizeof *f);

		assert(f);
		*f = (struct wish_field){ str_trim(name), value.p ? str_trim(value) : STR(""), first };
		if (wishes_know_field(f->name))
			first = f;
	}
	return first;
}

static void check_names(const struct wish_names *w)
{
	assert(w->n <= WISHES_MAX);
	for (unsigned i = 0; i < w->n; i++)
		assert(w->names[i].n > 0 && w->names[i].n <= 512);
}

static void check_key(struct str key)
{
	assert(key.n <= 512);
	for (size_t i = 0; i < key.n; i++)
		assert(key.p[i] > ' ' && key.p[i] < 0x7f);
}

static void check_target(const struct wish_target *t)
{
	assert(t->attempts >= WISH_UNSET && t->attempts <= 20);
	assert(t->timeout_ms == WISH_UNSET || t->timeout_ms > 0);
	assert(t->model.n <= 512 && t->provider.n <= 512);
	check_key(t->key);
	check_names(&t->drop_params);
	for (const struct wish_params *p = t->override_params; p; p = p->next)
		assert(p->object->type == JSON_OBJECT);
	for (const struct wish_params *p = t->default_params; p; p = p->next)
		assert(p->object->type == JSON_OBJECT);
}

static void check_wishes(const struct route_wishes *w)
{
	check_names(&w->order);
	check_names(&w->only);
	check_names(&w->ignore);
	check_names(&w->quantizations);
	check_names(&w->regions);
	assert(!w->no_fallbacks || w->order.n == 0);
	assert(w->n_targets <= WISHES_MAX + 1 && w->n_byok <= WISHES_MAX && w->n_timeouts <= WISHES_MAX);
	for (unsigned i = 0; i < w->n_targets; i++)
		check_target(&w->targets[i]);
	for (unsigned i = 0; i < w->n_byok; i++)
		check_key(w->byok[i].key);
	for (int i = 0; i < 4; i++)
		assert(w->min_throughput_milli[i] >= WISH_UNSET && w->max_latency_us[i] >= WISH_UNSET);
	assert(w->max_input_pusd >= WISH_UNSET && w->max_request_nusd >= WISH_UNSET);
	assert(w->attempts >= WISH_UNSET && w->attempts <= 20 && w->total_ms <= 86400000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const paths[MEMBERS] = { "models", "provider", "providerOptions" };
	static struct json_plan plan;
	struct str lines = str_of((const char *)data, n), body = str_cut(&lines, '\n');
	struct json_hit hit[MEMBERS];
	struct json_fault fault;
	struct route_wishes w = route_wishes_none, again = route_wishes_none;
	struct wish_source source = { .path = STR("/v1/chat/completions"), .model = STR("m") };
	struct arena arena;
	struct err e, e_again;
	bool good;

	if (!plan.paths)
		json_plan_init(&plan, paths, MEMBERS, JSON_REFUSE_TWICE);
	arena_init(&arena, ARENA_MAX);
	if (json_scan(&plan, body, BODY_DEPTH, hit, &fault)) {
		source.body = body;
		source.models = hit[MODELS].value;
		source.provider = hit[PROVIDER].value;
		source.provider_options = hit[OPTIONS].value;
	}
	source.fields = fields_of(&arena, lines);
	rand_seed(1);
	good = wishes_read(&arena, &source, &w, &e);
	rand_seed(1);
	assert(wishes_read(&arena, &source, &again, &e_again) == good || e_again.code == ERR_TOO_LARGE);
	if (good)
		check_wishes(&w);
	else
		assert(e.code == ERR_INVALID_REQUEST || e.code == ERR_TOO_LARGE);
	assert(!good || (w.n_targets == again.n_targets && w.only.n == again.only.n && w.zdr == again.zdr));
	arena_fini(&arena);
	return 0;
}
