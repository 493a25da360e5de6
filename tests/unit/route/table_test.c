/* SPDX-License-Identifier: Apache-2.0 */
/* table: names and patterns, addresses, credentials, and what must not reach a client. */
#include "routes.h"

#include <stdio.h>

#include "net/client.h"

#define JSON_LINE "content-type: application/json\r\n"

static const char settings[] =
	"auth: none\n"
	"providers:\n"
	"  openai: {api_key: openai-secret}\n"
	"  anthropic: {api_key: anthropic-secret}\n"
	"  own: {dialect: openai-chat, base_url: 'http://10.0.0.7:9001/deep/v1/', api_key: own-secret,\n"
	"        headers: {X-Team: blue, Authorization: 'Bearer replaced'}, timeouts: {connect: 7s}}\n"
	"  open: {dialect: openai-chat, base_url: 'http://[::1]:9002'}\n"
	"  several: {dialect: openai-chat, base_url: 'http://127.0.0.1/v1',\n"
	"            api_keys: [{key: k-one-secret, weight: 1}, {key: k-two-secret, weight: 3}]}\n"
	"models:\n"
	"  - {name: fast, deployments: [{provider: own, model: b, order: 2}, {provider: openai, model: a, order: 1}],\n"
	"     timeouts: {idle: 3s}, fallbacks: [big]}\n"
	"  - {name: big, deployments: [{provider: anthropic, model: c}], content_policy_fallbacks: [team-x]}\n"
	"  - {name: 'team-*', deployments: [{provider: own, model: 'x-*-y'}]}\n"
	"  - {name: 'team-red*', deployments: [{provider: own, model: never}]}\n"
	"  - {name: '*-mini', deployments: [{provider: own, model: '*'}]}\n"
	"  - {name: 'a*b*c', deployments: [{provider: own, model: 'p/*'}]}\n"
	"routing: {context_window_fallbacks: [big, own/a]}\n";

static struct routes routes;

static int setup(void **state)
{
	routes_init(&routes, settings);
	return 0;
}

static int teardown(void **state)
{
	routes_fini(&routes);
	return 0;
}

static const struct {
	const char *name, *model, *matched; /* model: NULL: none */
} names[] = {
	{ "fast", "fast", "fast" },
	{ "Fast", NULL, NULL },
	{ "fast ", NULL, NULL },
	{ "", NULL, NULL },
	{ "team-blue", "team-*", "blue" },
	{ "team-", "team-*", "" },
	{ "team", NULL, NULL },
	{ "team-red", "team-*", "red" }, /* as written: the first match wins */
	{ "gpt-mini", "*-mini", "gpt" },
	{ "-mini", NULL, NULL },         /* the provider would be asked for a model without a name */
	{ "aXbYc", "a*b*c", "aXbYc" },   /* several stars give the whole name */
	{ "openai/gpt-4o", "openai/*", "gpt-4o" },
	{ "own/a/b", "own/*", "a/b" },
	{ "own/", NULL, NULL },
	{ "/own", NULL, NULL },
	{ "nobody/gpt-4o", NULL, NULL },
	{ "OpenAI/gpt-4o", NULL, NULL },
};

static void finds_models(void **state)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct str matched;
		const struct route_model *m = route_find(&routes.table, str_from_z(names[i].name), &matched);

		check(names[i].name, (m != NULL) == (names[i].model != NULL));
		if (!m)
			continue;
		check_str(names[i].name, m->name, str_from_z(names[i].model));
		check_str(names[i].name, matched, str_from_z(names[i].matched));
	}
}

static const struct route_model *model(const char *name)
{
	struct str matched;
	const struct route_model *m = route_find(&routes.table, str_from_z(name), &matched);

	check(name, m != NULL);
	return m;
}

static void deployments_stand_in_order(void **state)
{
	const struct route_model *m = model("fast");

	check("two", m->n_deployments == 2);
	check_str("first", m->deployments[0].name, STR("openai/a"));
	check_str("second", m->deployments[1].name, STR("own/b"));
	check("fallbacks", m->lists[LIST_GENERAL].n == 1 && m->lists[LIST_GENERAL].items[0].model == model("big"));
}

/* Its own list, else that of `routing` without the model itself; a name may stand for what a pattern matches. */
static void lists_are_resolved(void **state)
{
	static const struct { const char *model; enum route_list list; const char *want; } cases[] = {
		{ "fast", LIST_GENERAL, "big" },
		{ "fast", LIST_CONTEXT_WINDOW, "big own/a:a" },
		{ "big", LIST_GENERAL, "" },
		{ "big", LIST_CONTEXT_WINDOW, "own/a:a" },
		{ "big", LIST_CONTENT_POLICY, "team-x:x" },
		{ "own/z", LIST_CONTEXT_WINDOW, "big own/a:a" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct route_fallbacks *l = &model(cases[i].model)->lists[cases[i].list];
		char got[256] = "";
		size_t n = 0;

		for (unsigned k = 0; k < l->n; k++) {
			const struct route_fallback *f = &l->items[k];

			n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", k ? " " : "", STR_ARG(f->name));
			if (f->model->pattern)
				n += (size_t)snprintf(got + n, sizeof got - n, ":%.*s", STR_ARG(f->matched));
		}
		check_str(cases[i].model, str_of(got, n), str_from_z(cases[i].want));
	}
}

/* A model's limits stand before its provider's. */
static void timeouts_are_resolved(void **state)
{
	const struct timeout_settings *own = &model("fast")->deployments[1].timeouts;

	check("model's", own->idle_ms == 3000);
	check("provider's", own->connect_ms == 7000);
	check("default", own->total_ms > 0 && own->first_byte_ms > 0);
	check("wildcard", model("own/x")->deployments[0].timeouts.connect_ms == 7000);
}

static const struct route_provider *provider(const char *name)
{
	char any[64];

	snprintf(any, sizeof any, "%s/x", name);
	return model(any)->deployments[0].provider;
}

static void heads_are_written_down(void **state)
{
	const struct route_provider *own = provider("own"), *open = provider("open"), *claude = provider("anthropic");
	unsigned index;

	check_str("address", origin_authority(own->faces[0].origin), STR("10.0.0.7:9001"));
	check_str("path", own->faces[0].base_path, STR("/deep/v1"));
	check_str("a header of the configuration replaces the credential", own->credentials[0].lines[0],
	          STR("host: 10.0.0.7:9001\r\nX-Team: blue\r\nAuthorization: Bearer replaced\r\n" JSON_LINE));
	check_str("no credential", open->credentials[0].lines[0], STR("host: [::1]:9002\r\n" JSON_LINE));
	check("key", str_find(claude->credentials[0].lines[0], STR("x-api-key: anthropic-secret\r\n")) != STR_NPOS);
	check("face", route_face_of(claude, DIALECT_ANTHROPIC, STR("m"), &index) == &claude->faces[index]);
	check("no face", route_face_of(claude, DIALECT_OPENAI_EMBEDDINGS, STR("m"), &index) == NULL);
}

static bool hides(const struct route_provider *p, const char *text)
{
	for (size_t i = 0; i < p->n_hide; i++)
		if (str_eq(p->hide[i], str_from_z(text)))
			return true;
	return false;
}

static void secrets_are_known_to_be_hidden(void **state)
{
	check("key", hides(provider("own"), "own-secret"));
	check("address", hides(provider("own"), "10.0.0.7:9001"));
	check("first of several", hides(provider("several"), "k-one-secret"));
	check("second of several", hides(provider("several"), "k-two-secret"));
	check("weights", provider("several")->n_credentials == 2 && provider("several")->credentials[1].weight == 3);
	check("nothing to hide is not empty text", !hides(provider("open"), ""));
	check("a known address is no news", provider("openai")->n_hide == 1);
}

static void names_near_by_are_found(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	check_str("one letter", route_nearest(&routes.table, STR("fst"), &a), STR("fast"));
	check_str("nothing near", route_nearest(&routes.table, STR("completely-different"), &a), STR(""));
	arena_fini(&a);
}

static const struct {
	const char *name, *url;
	bool good;
} urls[] = {
	{ "plain", "http://a.example", true },
	{ "port and path", "http://a.example:81/x/y", true },
	{ "another scheme", "ftp://a.example", false },
	{ "no host", "http://", false },
	{ "a user", "http://u:p@a.example", false },
	{ "a query", "http://a.example/?q", false },
	{ "a fragment", "http://a.example/#f", false },
	{ "a bad port", "http://a.example:99999", false },
};

static void addresses_are_judged(void **state)
{
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		char text[256];
		struct routes r;
		struct err e = { 0 };
		struct conf_problems problems = { 0 };
		struct config *c;

		snprintf(text, sizeof text, "auth: none\nproviders: {p: {dialect: openai-chat, base_url: '%s'}}\n",
		         urls[i].url);
		c = config_read("t.yaml", str_from_z(text), &conf_env_process, &problems);
		config_free(c);
		check(urls[i].name, c || !urls[i].good);
		if (!c)
			continue; /* the settings themselves have refused it */
		check(urls[i].name, routes_try(&r, text, &e) == urls[i].good);
		check(urls[i].name, urls[i].good || (e.code == ERR_CONFIG && strstr(e.text, "provider p")));
		if (urls[i].good)
			routes_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_models),
		cmocka_unit_test(deployments_stand_in_order),
		cmocka_unit_test(lists_are_resolved),
		cmocka_unit_test(timeouts_are_resolved),
		cmocka_unit_test(heads_are_written_down),
		cmocka_unit_test(secrets_are_known_to_be_hidden),
		cmocka_unit_test(names_near_by_are_found),
		cmocka_unit_test(addresses_are_judged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
