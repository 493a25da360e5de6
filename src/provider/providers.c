/* SPDX-License-Identifier: Apache-2.0 */
/* providers: finding a provider's row, making one from the configuration, and what a credential's header looks like. */

#include "provider/providers.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "provider/provider_in.h"

const struct provider *provider_rows(size_t *n)
{
	*n = provider_table_n;
	return provider_table;
}

const struct provider *provider_by_name(struct str name)
{
	size_t low = 0, high = provider_table_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp(name, provider_table[mid].name);
		if (order == 0)
			return &provider_table[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

struct str provider_nearest(struct str name)
{
	size_t best = 4;     /* farther is no likeness */
	struct str nearest = { NULL, 0 };

	for (size_t i = 0; i < provider_table_n; i++) {
		size_t far = str_distance(name, provider_table[i].name, best);
		if (far < best && far * 2 <= provider_table[i].name.n) {
			best = far;
			nearest = provider_table[i].name;
		}
	}
	return nearest;
}

/* openrouter.ai/docs/api-reference/streaming, "Stream cancellation": of its lists, those that are known here. Not among
 * them are Bedrock, Groq, Google, MiniMax, Hugging Face, Perplexity, Mistral, AI21, Featherless, Lambda, SambaNova,
 * Inflection, Alibaba, Nebius, Kluster and inference.net. */
static const struct str stop_billing[] = {
	STR_INIT("anthropic"), STR_INIT("anthropic-openai"), STR_INIT("azure"), STR_INIT("azure-anthropic"),
	STR_INIT("azure-openai"), STR_INIT("azure-openai-v1"), STR_INIT("chutes"), STR_INIT("cloudflare-workers-ai"),
	STR_INIT("cohere"), STR_INIT("cohere-compat"), STR_INIT("deepinfra"), STR_INIT("deepseek"),
	STR_INIT("fireworks"), STR_INIT("friendli"), STR_INIT("hyperbolic"), STR_INIT("novita"), STR_INIT("openai"),
	STR_INIT("together"), STR_INIT("xai"),
};

bool provider_stops_billing(struct str name)
{
	const struct provider *p = provider_by_name(name);

	for (size_t i = 0; i < COUNT_OF(stop_billing); i++)
		if (str_eq(name, stop_billing[i]))
			return true;
	/* a server of one's own is free to do something else */
	return p && (p->quirks & QUIRK_KEY_OPTIONAL);
}

/* What a dialect's name in the configuration stands for, and how its servers usually want the credential. */
static const struct {
	struct str name;
	unsigned dialects;
	enum provider_auth auth;
} dialect_words[] = {
	{ STR_INIT("openai-chat"), DIALECT_BITS_OPENAI, AUTH_BEARER },
	{ STR_INIT("openai-responses"), DIALECT_BIT(DIALECT_OPENAI_RESPONSES), AUTH_BEARER },
	{ STR_INIT("anthropic"), DIALECT_BIT(DIALECT_ANTHROPIC), AUTH_X_API_KEY },
	{ STR_INIT("gemini"), DIALECT_BIT(DIALECT_GEMINI), AUTH_X_GOOG_API_KEY },
	{ STR_INIT("bedrock"), DIALECT_BIT(DIALECT_BEDROCK), AUTH_AWS },
	{ STR_INIT("cohere"), DIALECT_BIT(DIALECT_COHERE), AUTH_BEARER },
	{ STR_INIT("ollama"), DIALECT_BIT(DIALECT_OLLAMA), AUTH_BEARER },
	{ STR_INIT("rerank"), DIALECT_BIT(DIALECT_RERANK), AUTH_BEARER },
	{ STR_INIT("voyage"), DIALECT_BIT(DIALECT_VOYAGE), AUTH_BEARER },
};

bool provider_unknown(struct arena *arena, struct str name, struct str dialect, struct str base_url,
                      struct provider *out, struct err *e)
{
	struct provider p = { .quirks = QUIRK_KEY_OPTIONAL };

	for (size_t i = 0; i < COUNT_OF(dialect_words); i++)
		if (str_eq(dialect, dialect_words[i].name)) {
			p.faces[0].dialects = dialect_words[i].dialects;
			p.faces[0].auth = dialect_words[i].auth;
		}
	if (p.faces[0].dialects == 0)
		return err_set(e, ERR_CONFIG,
		               "the dialect \"%.*s\" is not known; allowed are openai-chat, openai-responses, "
		               "anthropic, gemini, bedrock, cohere, ollama, rerank and voyage",
		               (int)(dialect.n < 64 ? dialect.n : 64), dialect.n ? dialect.p : "");
	if (!str_starts(base_url, STR("http://")) && !str_starts(base_url, STR("https://")))
		return err_set(e, ERR_CONFIG, "base_url must start with http:// or https://");
	while (base_url.n && base_url.p[base_url.n - 1] == '/')
		base_url.n--;
	p.name = p.label = arena_dup(arena, name);
	p.faces[0].base_url = arena_dup(arena, base_url);
	if (!p.name.p || !p.faces[0].base_url.p)
		return err_set(e, ERR_CONFIG, "the configuration is too large");
	*out = p;
	return true;
}

const struct provider_face *provider_face(const struct provider *p, enum dialect_id id)
{
	for (size_t i = 0; i < PROVIDER_FACES && p->faces[i].dialects; i++)
		if (p->faces[i].dialects & DIALECT_BIT(id))
			return &p->faces[i];
	return NULL;
}

bool provider_serves(struct str patterns, struct str model)
{
	if (patterns.n == 0)
		return true;
	while (patterns.p)
		if (str_glob(str_cut(&patterns, ','), model))
			return true;
	return false;
}

struct provider_header provider_auth_header(struct arena *arena, enum provider_auth auth, struct str key)
{
	if (key.n == 0)
		return (struct provider_header){ STR(""), STR("") };
	switch (auth) {
	case AUTH_BEARER:
	case AUTH_AWS:
	case AUTH_GOOGLE:
		return (struct provider_header){ STR("authorization"),
			                         arena_printf(arena, "Bearer %.*s", STR_ARG(key)) };
	case AUTH_X_API_KEY: return (struct provider_header){ STR("x-api-key"), key };
	case AUTH_X_GOOG_API_KEY: return (struct provider_header){ STR("x-goog-api-key"), key };
	case AUTH_API_KEY: return (struct provider_header){ STR("api-key"), key };
	case AUTH_PLAIN: return (struct provider_header){ STR("authorization"), key };
	case AUTH_API_KEY_WORD:
		return (struct provider_header){ STR("authorization"),
			                         arena_printf(arena, "Api-Key %.*s", STR_ARG(key)) };
	case AUTH_PORTKEY: return (struct provider_header){ STR("x-portkey-api-key"), key };
	case AUTH_IBM: /* the key itself goes to IAM only */
	case AUTH_NONE: break;
	}
	return (struct provider_header){ STR(""), STR("") };
}

struct provider_header provider_default_header(enum dialect_id id)
{
	if (id == DIALECT_ANTHROPIC)
		return (struct provider_header){ STR("anthropic-version"), STR("2023-06-01") };
	return (struct provider_header){ STR(""), STR("") };
}
