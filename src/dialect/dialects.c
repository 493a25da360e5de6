/* SPDX-License-Identifier: Apache-2.0 */
/* dialects: the table of all dialects, and what is the same for each of them. */

#include "dialect/dialect.h"

#include <assert.h>

#include "base/arena.h"
#include "dialect/dialect_in.h"

static const struct {
	const struct dialect *dialect;
	void (*init)(void);
} dialects[DIALECTS] = {
	[DIALECT_OPENAI_CHAT] = { &dialect_openai_chat, openai_chat_init },
	[DIALECT_OPENAI_COMPLETIONS] = { &dialect_openai_completions, openai_completions_init },
	[DIALECT_OPENAI_EMBEDDINGS] = { &dialect_openai_embeddings, openai_embeddings_init },
	[DIALECT_OPENAI_MEDIA] = { &dialect_openai_media, openai_media_init },
	[DIALECT_OPENAI_RESPONSES] = { &dialect_openai_responses, openai_responses_init },
	[DIALECT_ANTHROPIC] = { &dialect_anthropic, anthropic_init },
	[DIALECT_GEMINI] = { &dialect_gemini, gemini_init },
	[DIALECT_BEDROCK] = { &dialect_bedrock, bedrock_init },
	[DIALECT_OLLAMA] = { &dialect_ollama, ollama_init },
	[DIALECT_COHERE] = { &dialect_cohere, cohere_init },
	[DIALECT_RERANK] = { &dialect_rerank, rerank_init },
	[DIALECT_VOYAGE] = { &dialect_voyage, voyage_init },
};

void dialect_init(void)
{
	openai_usage_init();
	for (size_t i = 0; i < DIALECTS; i++) {
		assert(dialects[i].dialect->id == i);
		dialects[i].init();
	}
}

const struct dialect *dialect_by_id(enum dialect_id id)
{
	assert(id < DIALECTS);
	return dialects[id].dialect;
}

const struct dialect *dialect_by_name(struct str name)
{
	for (size_t i = 0; i < DIALECTS; i++)
		if (str_eq(name, str_from_z(dialects[i].dialect->name)))
			return dialects[i].dialect;
	return NULL;
}

/* "v1", "v1beta", "v2alpha1": a version as APIs put it into paths. */
static bool is_version(struct str segment)
{
	return segment.n >= 2 && segment.p[0] == 'v' && segment.p[1] >= '0' && segment.p[1] <= '9';
}

/* Ollama's is "/api", which people leave out, or have as "/v1", of its OpenAI face. */
static struct str ollama_base_path(struct arena *arena, struct str base_path, struct str last)
{
	if (str_eq(last, STR("api")))
		return arena_dup(arena, base_path);
	if (is_version(last))
		base_path.n -= last.n + 1;
	return arena_printf(arena, "%.*s/api", (int)base_path.n, base_path.n ? base_path.p : "");
}

struct str dialect_base_path(struct arena *arena, const struct dialect *d, struct str base_path)
{
	struct str last = base_path;

	while (base_path.n && base_path.p[base_path.n - 1] == '/')
		base_path.n--;
	last = base_path;
	for (size_t i = base_path.n; i > 0; i--)
		if (base_path.p[i - 1] == '/') {
			last = str_slice(base_path, i, base_path.n);
			break;
		}
	if (d->id == DIALECT_OLLAMA)
		return ollama_base_path(arena, base_path, last);
	if (d->version.n == 0 || is_version(last))
		return arena_dup(arena, base_path);
	return arena_printf(arena, "%.*s%.*s", STR_ARG(base_path), STR_ARG(d->version));
}
