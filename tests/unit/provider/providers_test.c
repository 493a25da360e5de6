/* SPDX-License-Identifier: Apache-2.0 */
/* providers: the table is in order and complete, names are found, unknown ones are made from the configuration. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "provider/providers.h"

static bool is_env_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9' && i > 0) || s.p[i] == '_'))
			return false;
	return true;
}

static void check_face(const struct provider *p, const struct provider_face *face)
{
	bool local = str_starts(face->base_url, STR("http://localhost:"));

	if (!str_starts(face->base_url, STR("https://")) && !local)
		fail_msg("%.*s: %.*s", STR_ARG(p->name), STR_ARG(face->base_url));
	assert_int_equal(str_find_chr(face->base_url, '{') != STR_NPOS, p->places[0].used);
	assert_false(str_ends(face->base_url, STR("/")));
	assert_true(face->dialects < DIALECT_BIT(DIALECTS));
	/* No credential is sent in clear to another machine, and a local server does without. */
	assert_int_equal(local, (p->quirks & QUIRK_KEY_OPTIONAL) != 0);
	if (face->dialects & DIALECT_BIT(DIALECT_ANTHROPIC) && face->envelope == ENVELOPE_PLAIN)
		assert_true(str_ends(face->base_url, STR("/v1")));
}

static void rows_are_in_order_and_sound(void **state)
{
	size_t n;
	const struct provider *rows = provider_rows(&n);

	assert_true(n >= 130);
	for (size_t i = 0; i < n; i++) {
		const struct provider *p = &rows[i];
		if (i > 0 && str_cmp(rows[i - 1].name, p->name) >= 0)
			fail_msg("%.*s stands behind %.*s", STR_ARG(p->name), STR_ARG(rows[i - 1].name));
		assert_ptr_equal(provider_by_name(p->name), p);
		assert_true(p->label.n > 0 && p->faces[0].dialects != 0);
		assert_true(is_env_name(p->key_env) && is_env_name(p->key_env_also));
		assert_true(p->key_env.n > 0 || p->key_env_also.n == 0);
		assert_true(is_env_name(p->url_env));
		for (size_t f = 0; f < PROVIDER_FACES && p->faces[f].dialects; f++)
			check_face(p, &p->faces[f]);
	}
}

static void a_variable_enables_one_provider(void **state)
{
	size_t n;
	const struct provider *rows = provider_rows(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			if (rows[i].key_env.n == 0 || rows[k].key_env.n == 0)
				continue;
			if (str_eq(rows[i].key_env, rows[k].key_env) || str_eq(rows[i].key_env, rows[k].key_env_also)
			    || str_eq(rows[i].key_env_also, rows[k].key_env))
				fail_msg("%.*s and %.*s", STR_ARG(rows[i].name), STR_ARG(rows[k].name));
		}
}

static void well_known_names_are_there(void **state)
{
	static const struct { const char *name,
	    *env; enum dialect_id id; const char *base; enum provider_auth auth; } cases[] = {
		{ "openai", "OPENAI_API_KEY", DIALECT_OPENAI_CHAT, "https://api.openai.com/v1", AUTH_BEARER },
		{ "openai", "OPENAI_API_KEY", DIALECT_OPENAI_RESPONSES, "https://api.openai.com/v1", AUTH_BEARER },
		{ "openai", "OPENAI_API_KEY", DIALECT_OPENAI_EMBEDDINGS, "https://api.openai.com/v1", AUTH_BEARER },
		{ "anthropic", "ANTHROPIC_API_KEY", DIALECT_ANTHROPIC, "https://api.anthropic.com/v1", AUTH_X_API_KEY },
		{ "gemini", "GEMINI_API_KEY", DIALECT_GEMINI, "https://generativelanguage.googleapis.com/v1beta",
		  AUTH_X_GOOG_API_KEY },
		{ "mistral", "MISTRAL_API_KEY", DIALECT_OPENAI_CHAT, "https://api.mistral.ai/v1", AUTH_BEARER },
		{ "deepseek", "DEEPSEEK_API_KEY", DIALECT_ANTHROPIC, "https://api.deepseek.com/anthropic/v1",
		  AUTH_X_API_KEY },
		{ "groq", "GROQ_API_KEY", DIALECT_OPENAI_CHAT, "https://api.groq.com/openai/v1", AUTH_BEARER },
		{ "ollama", "", DIALECT_OPENAI_CHAT, "http://localhost:11434/v1", AUTH_BEARER },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct provider *p = provider_by_name(str_from_z(cases[i].name));
		const struct provider_face *face = p ? provider_face(p, cases[i].id) : NULL;
		if (!face || !str_eq(p->key_env, str_from_z(cases[i].env)) || face->auth != cases[i].auth
		    || !str_eq(face->base_url, str_from_z(cases[i].base)))
			fail_msg("%s", cases[i].name);
	}
	assert_null(provider_face(provider_by_name(STR("anthropic")), DIALECT_OPENAI_CHAT));
	assert_null(provider_by_name(STR("")));
	assert_null(provider_by_name(STR("OpenAI")));
}

static void near_names_are_suggested(void **state)
{
	static const struct { const char *name, *want; } cases[] = {
		{ "opnai", "openai" }, { "antropic", "anthropic" }, { "gemni", "gemini" }, { "open-router",
		  "openrouter" },
		{ "something-else", "" }, { "", "" }, { "q", "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str got = provider_nearest(str_from_z(cases[i].name));
		if (!str_eq(got, str_from_z(cases[i].want)))
			fail_msg("%s: %.*s", cases[i].name, STR_ARG(got));
	}
}

static void unknown_providers_are_made(void **state)
{
	static const struct { const char *dialect,
	    *base; bool good; enum dialect_id speaks; const char *want; } cases[] = {
		{ "openai-chat", "http://127.0.0.1:9001/v1/", true, DIALECT_OPENAI_EMBEDDINGS,
		  "http://127.0.0.1:9001/v1" },
		{ "openai-responses", "https://x", true, DIALECT_OPENAI_RESPONSES, "https://x" },
		{ "anthropic", "https://x", true, DIALECT_ANTHROPIC, "https://x" },
		{ "gemini", "https://x", true, DIALECT_GEMINI, "https://x" },
		{ "openai", "https://x", false, DIALECTS, "" },
		{ "", "https://x", false, DIALECTS, "" },
		{ "openai-chat", "x/v1", false, DIALECTS, "" },
		{ "openai-chat", "", false, DIALECTS, "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct provider p;
		struct arena arena;
		struct err e = { 0 };

		arena_init(&arena, 1 << 16);
		bool good = provider_unknown(&arena, STR("vllm-1"), str_from_z(cases[i].dialect),
		    str_from_z(cases[i].base), &p, &e);
		if (good != cases[i].good)
			fail_msg("%s %s: %s", cases[i].dialect, cases[i].base, e.text);
		if (good) {
			const struct provider_face *face = provider_face(&p, cases[i].speaks);
			assert_non_null(face);
			assert_true(str_eq(face->base_url, str_from_z(cases[i].want)));
			assert_true(str_eq(p.name, STR("vllm-1")));
		} else {
			assert_int_equal(e.code, ERR_CONFIG);
		}
		arena_fini(&arena);
	}
}

static void credentials_have_their_header(void **state)
{
	static const struct { enum provider_auth auth; const char *name, *value; } cases[] = {
		{ AUTH_BEARER, "authorization", "Bearer k" }, { AUTH_X_API_KEY, "x-api-key", "k" },
		{ AUTH_PLAIN, "authorization", "k" }, { AUTH_API_KEY_WORD, "authorization", "Api-Key k" },
		{ AUTH_PORTKEY, "x-portkey-api-key", "k" }, { AUTH_AWS, "authorization", "Bearer k" },
		{ AUTH_GOOGLE, "authorization", "Bearer k" }, { AUTH_IBM, "", "" },
		{ AUTH_X_GOOG_API_KEY, "x-goog-api-key", "k" }, { AUTH_API_KEY, "api-key", "k" }, { AUTH_NONE, "", "" },
	};
	struct arena arena;

	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct provider_header h = provider_auth_header(&arena, cases[i].auth, STR("k"));
		assert_true(str_eq(h.name, str_from_z(cases[i].name)) && str_eq(h.value, str_from_z(cases[i].value)));
		assert_int_equal(provider_auth_header(&arena, cases[i].auth, STR("")).name.n, 0);
	}
	assert_true(str_eq(provider_default_header(DIALECT_ANTHROPIC).name, STR("anthropic-version")));
	assert_int_equal(provider_default_header(DIALECT_GEMINI).name.n, 0);
	arena_fini(&arena);
}

/* ---- the list that the rows were made from ---- */

/* Of ../shared/providers.tsv, what is here under another name, or not, and why. */
static const struct { const char *name, *here, *why; } differences[] = {
	{ "anthropic-openai-compat", "anthropic-openai", "the older name here" },
	{ "aws-anthropic", NULL, "its address is not verified" },
	{ "sagemaker", NULL, "the body's form is the container's" },
	{ "oci", NULL, "signed with RSA, own API; oci-openai reaches the same models" },
	{ "github-copilot", NULL, "its tokens are exchanged by an editor's login" },
	{ "writer", NULL, "another path than Chat Completions has" },
	{ "gigachat", NULL, "a private certificate authority, functions in place of tools" },
	{ "anyscale", NULL, "retired" },
	{ "replicate", NULL, "its own asynchronous API" },
	{ "lepton", NULL, "each model has its own host: dialect and base_url" },
	{ "predibase", NULL, "each model has its own path: dialect and base_url" },
	{ "nomic", NULL, "its own API" },
	{ "triton", NULL, "its own API" },
};

static const char *known_difference(struct str name, bool *listed)
{
	*listed = false;
	for (size_t i = 0; i < COUNT_OF(differences); i++)
		if (str_eq(name, str_from_z(differences[i].name))) {
			*listed = true;
			return differences[i].here;
		}
	return NULL;
}

/* Does some face stand where the list says? Places have other names there. */
static bool has_address(const struct provider *p, struct str url)
{
	size_t end = str_find_chr(url, '{');
	struct str fixed = str_slice(url, 0, end);

	for (size_t f = 0; f < PROVIDER_FACES && p->faces[f].dialects; f++)
		if (str_starts(p->faces[f].base_url, fixed))
			return true;
	return false;
}

static void rows_are_those_of_the_list(void **state)
{
	FILE *f = fopen("../shared/providers.tsv", "r");
	unsigned same = 0, other = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		print_message("skipped: there is no ../shared/providers.tsv\n");
		return;
	}
	assert_true(getline(&line, &cap, f) > 0);
	while ((n = getline(&line, &cap, f)) > 0) {
		struct str rest = str_of(line, (size_t)n), name = str_cut(&rest, '\t'), url;
		const struct provider *p = provider_by_name(name);
		bool listed;
		const char *here = known_difference(name, &listed);

		for (int i = 0; i < 3; i++)
			(void)str_cut(&rest, '\t');
		url = str_cut(&rest, '\t');
		if (listed) {
			other++;
			if (p || (here && !provider_by_name(str_from_z(here))))
				fail_msg("%.*s is no longer as said", STR_ARG(name));
			continue;
		}
		if (!p)
			fail_msg("%.*s is missing", STR_ARG(name));
		if (!has_address(p, url))
			fail_msg("%.*s is not at %.*s", STR_ARG(name), STR_ARG(url));
		same++;
	}
	print_message("%u rows as in the list, %u not, for reasons given\n", same, other);
	free(line);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_in_order_and_sound),
		cmocka_unit_test(a_variable_enables_one_provider),
		cmocka_unit_test(well_known_names_are_there),
		cmocka_unit_test(near_names_are_suggested),
		cmocka_unit_test(unknown_providers_are_made),
		cmocka_unit_test(credentials_have_their_header),
		cmocka_unit_test(rows_are_those_of_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
