/* SPDX-License-Identifier: Apache-2.0 */
/* list: model lists and single models in the shape of each dialect. */

#include "dialect/list.h"

#include "base/clock.h"
#include "json/write.h"

static struct str owner(const struct dialect_model *m)
{
	return m->owned_by.n ? m->owned_by : STR("sluice");
}

/* A number of tokens that is known. */
static void write_limit(struct json_writer *w, struct str key, int64_t tokens)
{
	if (tokens > 0) {
		json_key(w, key);
		json_i64(w, tokens);
	}
}

/* The two numbers are no part of OpenAI's shape; clients that do not know them skip them, agents use them. */
static void write_openai(struct json_writer *w, const struct dialect_model *m)
{
	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, m->id);
	json_key_lit(w, "object");
	json_str(w, STR("model"));
	json_key_lit(w, "created");
	json_i64(w, m->created_s);
	json_key_lit(w, "owned_by");
	json_str(w, owner(m));
	write_limit(w, STR("context_window"), m->context_window);
	write_limit(w, STR("max_output_tokens"), m->max_output);
	json_close(w);
}

static void write_anthropic(struct json_writer *w, const struct dialect_model *m)
{
	char created[CLOCK_RFC3339_LEN];

	clock_rfc3339(created, m->created_s > 0 ? (uint64_t)m->created_s * 1000 : 0);
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("model"));
	json_key_lit(w, "id");
	json_str(w, m->id);
	json_key_lit(w, "display_name");
	json_str(w, m->id);
	json_key_lit(w, "created_at");
	json_str(w, str_of(created, sizeof(created)));
	write_limit(w, STR("max_input_tokens"), m->context_window);
	write_limit(w, STR("max_tokens"), m->max_output);
	json_close(w);
}

static void write_gemini(struct json_writer *w, const struct dialect_model *m)
{
	struct buf name = buf_make(1024);

	buf_append(&name, STR("models/"));
	buf_append(&name, m->id);
	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, buf_str(&name));
	json_key_lit(w, "displayName");
	json_str(w, m->id);
	write_limit(w, STR("inputTokenLimit"), m->context_window);
	write_limit(w, STR("outputTokenLimit"), m->max_output);
	json_key_lit(w, "supportedGenerationMethods");
	json_open(w, '[');
	json_str(w, STR("generateContent"));
	json_str(w, STR("streamGenerateContent"));
	json_str(w, STR("countTokens"));
	json_close(w);
	json_close(w);
	buf_fini(&name);
}

/* ListFoundationModels of Bedrock's control plane. */
static void write_bedrock(struct json_writer *w, const struct dialect_model *m)
{
	json_open(w, '{');
	json_key_lit(w, "modelId");
	json_str(w, m->id);
	json_key_lit(w, "modelArn");
	json_str(w, m->id);
	json_key_lit(w, "modelName");
	json_str(w, m->id);
	json_key_lit(w, "responseStreamingSupported");
	json_bool(w, true);
	json_close(w);
}

/* GET /api/tags. Ollama tells of the model's file; there is none. */
static void write_ollama(struct json_writer *w, const struct dialect_model *m)
{
	char changed[CLOCK_RFC3339_LEN];

	clock_rfc3339(changed, m->created_s > 0 ? (uint64_t)m->created_s * 1000 : 0);
	json_open(w, '{');
	json_key_lit(w, "name");
	json_str(w, m->id);
	json_key_lit(w, "model");
	json_str(w, m->id);
	json_key_lit(w, "modified_at");
	json_str(w, str_of(changed, sizeof(changed)));
	json_key_lit(w, "size");
	json_i64(w, 0);
	json_key_lit(w, "digest");
	json_str(w, STR(""));
	json_key_lit(w, "details");
	json_open(w, '{');
	json_key_lit(w, "format");
	json_str(w, STR(""));
	json_key_lit(w, "family");
	json_str(w, owner(m));
	json_close(w);
	json_close(w);
}

static void write_one(const struct dialect *d, struct json_writer *w, const struct dialect_model *m)
{
	switch (d->id) {
	case DIALECT_ANTHROPIC: write_anthropic(w, m); break;
	case DIALECT_GEMINI: write_gemini(w, m); break;
	case DIALECT_BEDROCK: write_bedrock(w, m); break;
	case DIALECT_OLLAMA: write_ollama(w, m); break;
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_OPENAI_RESPONSES:
	case DIALECT_COHERE:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: write_openai(w, m); break;
	}
}

bool dialect_write_model(const struct dialect *d, const struct dialect_model *m, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	if (d->id == DIALECT_BEDROCK) {
		json_open(&w, '{');
		json_key_lit(&w, "modelDetails");
	}
	write_one(d, &w, m);
	if (d->id == DIALECT_BEDROCK)
		json_close(&w);
	return json_write_done(&w);
}

bool dialect_write_models(const struct dialect *d, const struct dialect_model *m, size_t n, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	bool ollama = d->id == DIALECT_OLLAMA;
	bool gemini = d->id == DIALECT_GEMINI, anthropic = d->id == DIALECT_ANTHROPIC,
	     bedrock = d->id == DIALECT_BEDROCK;

	json_open(&w, '{');
	if (!gemini && !anthropic && !bedrock && !ollama) {
		json_key_lit(&w, "object");
		json_str(&w, STR("list"));
	}
	json_key(&w, gemini || ollama ? STR("models") : bedrock ? STR("modelSummaries") : STR("data"));
	json_open(&w, '[');
	for (size_t i = 0; i < n; i++)
		write_one(d, &w, &m[i]);
	json_close(&w);
	if (anthropic) {
		json_key_lit(&w, "has_more");
		json_bool(&w, false);
		json_key_lit(&w, "first_id");
		n ? json_str(&w, m[0].id) : json_null(&w);
		json_key_lit(&w, "last_id");
		n ? json_str(&w, m[n - 1].id) : json_null(&w);
	}
	json_close(&w);
	return json_write_done(&w);
}
