/* SPDX-License-Identifier: Apache-2.0 */
/* endpoints: each route is reached by one way, with the access it should have. */
#include "gateway/endpoints.h"

#include "lib/check.h"

#define GET    (1u << METHOD_GET | 1u << METHOD_HEAD)
#define POST   (1u << METHOD_POST)
#define ADMINS (GET | POST | 1u << METHOD_PUT | 1u << METHOD_PATCH | 1u << METHOD_DELETE)

/* Who may ask, by where a path stands: written down once more, away from the table. */
static enum endpoint_access access_wanted(struct str path)
{
	static const char *const open[] = {
		"/",      "/metrics", "/openapi.json",      "/health/live",      "/health/ready",
		"/livez", "/readyz",  "/health/liveliness", "/health/readiness",
	};

	for (size_t i = 0; i < COUNT_OF(open); i++)
		if (str_eq(path, str_from_z(open[i])))
			return ACCESS_ANYBODY;
	return str_starts(path, STR("/admin/")) ? ACCESS_ADMIN : ACCESS_KEY;
}

static void rows_are_sound(void **state)
{
	size_t n;
	const struct endpoint *rows = endpoint_rows(&n);

	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = &rows[i];

		check(e->pattern.p, e->pattern.p[0] == '/' && e->name.p[0] == '/');
		check(e->pattern.p, e->access == access_wanted(e->pattern));
		check(e->pattern.p,
		      (e->match == MATCH_EXACT) == (e->pattern.n == 1 || e->pattern.p[e->pattern.n - 1] != '/'));
		check(e->pattern.p, e->has_body == (e->method != METHOD_GET));
		/* what reaches a provider costs money */
		check(e->pattern.p, e->kind != ENDPOINT_MODEL || (e->access == ACCESS_KEY && e->method == METHOD_POST));
		check(e->pattern.p, e->kind != ENDPOINT_PASS || e->access == ACCESS_KEY);
		for (size_t k = 0; k < i; k++)
			check(e->pattern.p, rows[k].method != e->method || rows[k].match != e->match ||
			                            !str_eq(rows[k].pattern, e->pattern) ||
			                            !str_eq(rows[k].tail, e->tail));
	}
}

/* Every row is found by a path of its own: none stands in another's shadow. */
static void every_row_is_reached(void **state)
{
	size_t n;
	const struct endpoint *rows = endpoint_rows(&n);

	for (size_t i = 0; i < n; i++) {
		char path[128];
		size_t len = rows[i].pattern.n;
		unsigned allowed;

		memcpy(path, rows[i].pattern.p, len);
		if (rows[i].match == MATCH_BELOW)
			path[len++] = 'x';
		if (rows[i].match == MATCH_ACTION) {
			memcpy(path + len, "m:do", 4);
			len += 4;
		}
		if (rows[i].match == MATCH_TAIL) {
			path[len++] = 'm';
			memcpy(path + len, rows[i].tail.p, rows[i].tail.n);
			len += rows[i].tail.n;
		}
		check(rows[i].pattern.p, endpoint_find(rows[i].method, str_of(path, len), &allowed) == &rows[i]);
	}
}

static const struct {
	const char *path;
	enum http_method method;
	const char *name; /* NULL: there is none */
	enum endpoint_access access;
	unsigned allowed;
} cases[] = {
	{ "/v1/chat/completions", METHOD_POST, "/v1/chat/completions", ACCESS_KEY, 0 },
	{ "/model/x%3A0/converse", METHOD_POST, "/model/converse", ACCESS_KEY, 0 },
	{ "/model/a/b/converse-stream", METHOD_POST, "/model/converse-stream", ACCESS_KEY, 0 },
	{ "/model/x/count-tokens", METHOD_POST, "/model/count-tokens", ACCESS_KEY, 0 },
	{ "/model//converse", METHOD_POST, NULL, 0, 0 },
	{ "/model/converse", METHOD_POST, NULL, 0, 0 },
	{ "/chat/completions", METHOD_POST, "/v1/chat/completions", ACCESS_KEY, 0 },
	{ "/v1/messages/count_tokens", METHOD_POST, "/v1/messages/count_tokens", ACCESS_KEY, 0 },
	{ "/v1beta/models/g:generateContent", METHOD_POST, "/v1beta/models", ACCESS_KEY, 0 },
	{ "/v1beta/models/a/b:streamGenerateContent", METHOD_POST, "/v1beta/models", ACCESS_KEY, 0 },
	{ "/v1beta/models/g", METHOD_GET, "/v1/models", ACCESS_KEY, 0 },
	{ "/v1/models/a/b", METHOD_GET, "/v1/models", ACCESS_KEY, 0 },
	{ "/admin/v1/keys", METHOD_GET, "/admin", ACCESS_ADMIN, 0 },
	{ "/admin/v1/keys/key_1", METHOD_DELETE, "/admin", ACCESS_ADMIN, 0 },
	{ "/health/live", METHOD_HEAD, "/health/live", ACCESS_ANYBODY, 0 },
	{ "/", METHOD_GET, "/", ACCESS_ANYBODY, 0 },
	/* wrong methods */
	{ "/v1/chat/completions", METHOD_GET, NULL, 0, POST },
	{ "/v1/chat/completions", METHOD_UNKNOWN, NULL, 0, POST },
	{ "/v1/models", METHOD_POST, NULL, 0, GET },
	{ "/v1/models", METHOD_OPTIONS, NULL, 0, GET },
	{ "/v1beta/models/g:generateContent", METHOD_DELETE, NULL, 0, GET | POST },
	{ "/metrics", METHOD_DELETE, NULL, 0, GET },
	{ "/admin/v1/keys", METHOD_OPTIONS, NULL, 0, ADMINS },
	/* no such path: nothing is made equal to another by cutting, folding or decoding */
	{ "", METHOD_GET, NULL, 0, 0 },
	{ "/v1/chat/completions/", METHOD_POST, NULL, 0, 0 },
	{ "//v1/chat/completions", METHOD_POST, NULL, 0, 0 },
	{ "/V1/chat/completions", METHOD_POST, NULL, 0, 0 },
	{ "/v1/chat%2fcompletions", METHOD_POST, NULL, 0, 0 },
	{ "/v1/../admin/v1/keys", METHOD_GET, NULL, 0, 0 },
	{ "/v1/chat/../../admin/v1/keys", METHOD_GET, NULL, 0, 0 },
	{ "/admin", METHOD_GET, NULL, 0, 0 },
	{ "/admin/", METHOD_GET, NULL, 0, 0 },
	{ "/Admin/v1/keys", METHOD_GET, NULL, 0, 0 },
	{ "/v1beta/models/", METHOD_GET, NULL, 0, 0 },
	{ "/metrics/", METHOD_GET, NULL, 0, 0 },
	{ "/health", METHOD_GET, NULL, 0, 0 },
	{ "*", METHOD_OPTIONS, NULL, 0, 0 },
};

static void finds(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned allowed;
		const struct endpoint *e = endpoint_find(cases[i].method, str_from_z(cases[i].path), &allowed);

		check(cases[i].path, (e != NULL) == (cases[i].name != NULL));
		if (!e) {
			check_u64(cases[i].path, allowed, cases[i].allowed);
			continue;
		}
		check_str(cases[i].path, e->name, str_from_z(cases[i].name));
		check(cases[i].path, e->access == cases[i].access);
	}
}

static void errors_have_a_dialect(void **state)
{
	check("anthropic", endpoint_error_dialect(STR("/v1/messages/nothing")) == DIALECT_ANTHROPIC);
	check("gemini", endpoint_error_dialect(STR("/v1beta/nothing")) == DIALECT_GEMINI);
	check("bedrock", endpoint_error_dialect(STR("/model/x/nothing")) == DIALECT_BEDROCK);
	check("cohere", endpoint_error_dialect(STR("/v2/nothing")) == DIALECT_COHERE);
	check("ollama", endpoint_error_dialect(STR("/api/nothing")) == DIALECT_OLLAMA);
	check("OpenRouter", endpoint_error_dialect(STR("/api/v1/nothing")) == DIALECT_OPENAI_CHAT);
	check("openai", endpoint_error_dialect(STR("/nothing")) == DIALECT_OPENAI_CHAT);
}

static void prefixes_of_others_lead_to_our_paths(void **state)
{
	static const struct { const char *path, *want; } known[] = {
		{ "/openai/v1/chat/completions", "/chat/completions" },
		{ "/api/v1/models", "/models" },
		{ "/openai/deployments/gpt-4o/chat/completions", "/chat/completions" },
		{ "/openai/deployments//chat/completions", "/openai/deployments//chat/completions" },
		{ "/openai/deployments/x", "/openai/deployments/x" },
		{ "/anthropic/v1/messages", "/messages" },
		{ "/api/v2/models", "/api/v2/models" },
		{ "/openai/v1/admin/v1/keys", "/admin/v1/keys" },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		struct str got = endpoint_behind_prefix(str_from_z(known[i].path));

		check(known[i].path, str_eq(got, str_from_z(known[i].want)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(every_row_is_reached),
		cmocka_unit_test(prefixes_of_others_lead_to_our_paths),
		cmocka_unit_test(finds),
		cmocka_unit_test(errors_have_a_dialect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
