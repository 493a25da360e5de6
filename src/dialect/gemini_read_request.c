/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_read_request: a client's request for generateContent, streamGenerateContent or countTokens. */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/gemini_read.h"
#include "model/facts.h"

/* A member and who reads it. */
struct row {
	struct str name;
	bool (*read)(struct gemini_reading *, const struct json_node *);
};

/* Reads every member by its row; the others are kept under prefix and name. Nulls are absent. */
static bool read_members(struct gemini_reading *g, const struct json_node *object, const struct row *rows, size_t n,
                         struct str prefix)
{
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m)) {
		size_t i = 0;
		struct str name;

		if (m->type == JSON_NULL)
			continue;
		while (i < n && !gemini_named(m, rows[i].name))
			i++;
		if (i < n) {
			if (rows[i].read && !rows[i].read(g, m))
				return false;
			continue;
		}
		name = prefix.n ? arena_printf(g->arena, "%.*s%.*s", STR_ARG(prefix), (int)m->key_n, m->key)
		                : str_of(m->key, m->key_n);
		if (!name.p ||
		    !chat_extra_add(g->arena, &g->rq->extras, DIALECT_GEMINI, jstr_of(name.p, name.n), node_raw(m)))
			return gemini_read_is_full(g);
	}
	return true;
}

static bool must_be(struct gemini_reading *g, const struct json_node *m, const char *where, const char *what)
{
	return err_set(g->err, ERR_INVALID_REQUEST, "%s%.*s: must be %s, not %.*s", where,
	               (int)(m->key_n < 64 ? m->key_n : 64), m->key, what, STR_ARG(text_utf8_cut(node_raw(m), 64)));
}

/* ---- generationConfig -------------------------------------------------------------------------------------------- */

/* A number, or one in quotes, as the JSON mapping of protocol buffers allows. */
static bool read_number(struct gemini_reading *g, const struct json_node *m, enum chat_member member, struct str *out)
{
	struct jstr text = node_text(m);
	struct json_fault fault;

	if (node_is(m, JSON_NUMBER))
		*out = node_raw(m);
	else if (text.n && text.n < 32 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9')) &&
	         json_scan(NULL, jstr_raw(text), 1, NULL, &fault))
		*out = jstr_raw(text);
	else
		return must_be(g, m, GEMINI_CONFIG, "a number");
	gemini_set(g, member);
	return true;
}

#define NUMBER(function, member, field)                                               \
	static bool function(struct gemini_reading *g, const struct json_node *m)     \
	{                                                                             \
		return read_number(g, m, member, &g->rq->field);                      \
	}
NUMBER(read_max, MEMBER_MAX_OUTPUT, max_output)
NUMBER(read_temperature, MEMBER_TEMPERATURE, temperature)
NUMBER(read_top_p, MEMBER_TOP_P, top_p)
NUMBER(read_top_k, MEMBER_TOP_K, top_k)
NUMBER(read_seed, MEMBER_SEED, seed)
NUMBER(read_n, MEMBER_N, n)
NUMBER(read_frequency, MEMBER_FREQUENCY_PENALTY, frequency_penalty)
NUMBER(read_presence, MEMBER_PRESENCE_PENALTY, presence_penalty)
NUMBER(read_top_logprobs, MEMBER_TOP_LOGPROBS, top_logprobs)

static bool read_logprobs(struct gemini_reading *g, const struct json_node *m)
{
	if (!node_is(m, JSON_BOOL))
		return must_be(g, m, GEMINI_CONFIG, "true or false");
	g->rq->logprobs = (uint8_t)tri_of(node_true(m));
	gemini_set(g, MEMBER_LOGPROBS);
	return true;
}

static bool read_stops(struct gemini_reading *g, const struct json_node *m)
{
	struct chat_name **end = &g->rq->stop;

	if (!node_is(m, JSON_ARRAY))
		return must_be(g, m, GEMINI_CONFIG, "a list of texts");
	for (const struct json_node *s = node_first(m); s; s = node_next(m, s)) {
		if (!node_is(s, JSON_STRING))
			return must_be(g, m, GEMINI_CONFIG, "a list of texts");
		if (!chat_name_add(g->arena, &end, node_text(s)))
			return gemini_read_is_full(g);
	}
	if (g->rq->stop)
		gemini_set(g, MEMBER_STOP);
	return true;
}

static bool read_mime(struct gemini_reading *g, const struct json_node *m)
{
	struct jstr type = node_text(m);

	if (!type.p)
		return must_be(g, m, GEMINI_CONFIG, "a media type");
	if (!type.n || g->rq->format == FORMAT_SCHEMA)
		return true;
	if (jstr_is(type, STR("text/plain")))
		g->rq->format = FORMAT_TEXT;
	else if (jstr_is(type, STR("application/json")) || jstr_is(type, STR("text/x.enum")))
		g->rq->format = FORMAT_JSON;
	else
		return must_be(g, m, GEMINI_CONFIG, "text/plain, application/json or text/x.enum");
	gemini_set(g, MEMBER_FORMAT);
	return true;
}

static bool read_schema(struct gemini_reading *g, const struct json_node *m)
{
	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, GEMINI_CONFIG, "a schema");
	g->rq->format = FORMAT_SCHEMA;
	g->rq->format_schema = gemini_schema_read(g->arena, m);
	gemini_set(g, MEMBER_FORMAT);
	return g->rq->format_schema.p || gemini_read_is_full(g);
}

/* Row 57. */
static bool read_thinking(struct gemini_reading *g, const struct json_node *m)
{
	const struct json_node *budget = gemini_get(m, STR("thinkingBudget")),
			       *show = gemini_get(m, STR("includeThoughts"));
	struct jstr level = gemini_get_text(m, STR("thinkingLevel"));
	struct chat_request *rq = g->rq;
	enum model_effort effort;
	char word[16];

	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, GEMINI_CONFIG, "an object");
	if (show && !node_is(show, JSON_BOOL))
		return must_be(g, show, GEMINI_CONFIG "thinkingConfig.", "true or false");
	if (show)
		rq->show_thoughts = (uint8_t)tri_of(node_true(show));
	if (budget) {
		rq->thinking_budget = node_i64(budget, -2);
		if (rq->thinking_budget < -1)
			return err_set(g->err, ERR_INVALID_REQUEST,
			               "generationConfig.thinkingConfig.thinkingBudget: must be a whole number from -1,"
			               " not %.*s",
			               STR_ARG(text_utf8_cut(node_raw(budget), 64)));
		rq->thinking = (uint8_t)tri_of(rq->thinking_budget != 0);
		rq->thinking_adaptive = rq->thinking_budget < 0;
	}
	if (level.n && level.n < sizeof(word)) {
		for (size_t i = 0; i < level.n; i++)
			word[i] = (char)(level.p[i] >= 'A' && level.p[i] <= 'Z' ? level.p[i] + 32 : level.p[i]);
		if (!model_effort_by_name(str_of(word, level.n), &effort))
			return err_set(g->err, ERR_INVALID_REQUEST,
			               "generationConfig.thinkingConfig.thinkingLevel: \"%.*s\" must be MINIMAL, LOW, "
			               "MEDIUM or HIGH",
			               (int)level.n, level.p);
		rq->has_effort = true;
		rq->effort = (uint8_t)effort;
		rq->thinking = (uint8_t)tri_of(effort != EFFORT_NONE);
	}
	if (show || budget || rq->has_effort)
		gemini_set(g, MEMBER_REASONING);
	return true;
}

/* OpenAI's words, in lower case. Text alone is what everybody answers with unasked. */
static bool read_modalities(struct gemini_reading *g, const struct json_node *m)
{
	struct buf out = buf_make(1024);
	struct json_writer w = json_writer_make(&out);
	struct str copy;
	bool other = false;

	if (!node_is(m, JSON_ARRAY))
		return must_be(g, m, GEMINI_CONFIG, "a list of modalities");
	json_open(&w, '[');
	for (const struct json_node *s = node_first(m); s; s = node_next(m, s)) {
		struct jstr word = node_text(s);
		char lower[16];

		for (size_t i = 0; i < word.n && i < sizeof(lower); i++)
			lower[i] = (char)(word.p[i] >= 'A' && word.p[i] <= 'Z' ? word.p[i] + 32 : word.p[i]);
		if (!word.n || word.n > sizeof(lower))
			continue;
		other |= !str_eq(str_of(lower, word.n), STR("text"));
		json_jstr(&w, jstr_of(lower, word.n));
	}
	json_close(&w);
	copy = other ? arena_dup(g->arena, buf_str(&out)) : STR("");
	buf_fini(&out);
	g->rq->modalities = copy;
	if (other)
		gemini_set(g, MEMBER_MODALITIES);
	return copy.p || gemini_read_is_full(g);
}

/* As OpenAI's audio, if it is one voice; anything more is for Gemini alone. */
static bool read_speech(struct gemini_reading *g, const struct json_node *m)
{
	const struct json_node *voice = gemini_get(m, STR("voiceConfig"));
	struct jstr name = gemini_get_text(gemini_get(voice, STR("prebuiltVoiceConfig")), STR("voiceName"));
	struct str audio;

	if (!name.n || m->children != 1)
		return chat_extra_add(g->arena, &g->rq->extras, DIALECT_GEMINI, JSTR(GEMINI_CONFIG "speechConfig"),
		                      node_raw(m)) ||
		       gemini_read_is_full(g);
	audio = arena_printf(g->arena, "{\"voice\":\"%.*s\",\"format\":\"pcm16\"}", (int)name.n, name.p);
	g->rq->audio = audio;
	gemini_set(g, MEMBER_AUDIO);
	return audio.p || gemini_read_is_full(g);
}

static bool read_config(struct gemini_reading *g, const struct json_node *m)
{
	static const struct row rows[] = {
		{ STR_INIT("maxOutputTokens"), read_max },
		{ STR_INIT("temperature"), read_temperature },
		{ STR_INIT("topP"), read_top_p },
		{ STR_INIT("topK"), read_top_k },
		{ STR_INIT("seed"), read_seed },
		{ STR_INIT("candidateCount"), read_n },
		{ STR_INIT("frequencyPenalty"), read_frequency },
		{ STR_INIT("presencePenalty"), read_presence },
		{ STR_INIT("stopSequences"), read_stops },
		{ STR_INIT("responseLogprobs"), read_logprobs },
		{ STR_INIT("logprobs"), read_top_logprobs },
		{ STR_INIT("responseMimeType"), read_mime },
		{ STR_INIT("responseSchema"), read_schema },
		{ STR_INIT("responseJsonSchema"), read_schema },
		{ STR_INIT("_responseJsonSchema"), read_schema },
		{ STR_INIT("thinkingConfig"), read_thinking },
		{ STR_INIT("responseModalities"), read_modalities },
		{ STR_INIT("speechConfig"), read_speech },
	};

	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, "", "an object");
	return read_members(g, m, rows, COUNT_OF(rows), STR(GEMINI_CONFIG));
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

/* Where a tool is, for errors. */
struct tool_place { unsigned tool, function; };

static bool refuse_function(struct gemini_reading *g, struct tool_place at, const char *member, const char *what,
                            const struct json_node *seen)
{
	return err_set(g->err, ERR_INVALID_REQUEST, "tools[%u].functionDeclarations[%u]%s: must be %s, not %.*s",
	               at.tool, at.function, member, what,
	               STR_ARG(text_utf8_cut(seen ? node_raw(seen) : STR("nothing"), 64)));
}

static bool read_function(struct gemini_reading *g, const struct json_node *f, struct tool_place at,
                          struct chat_tool ***end)
{
	const struct json_node *name = gemini_get(f, STR("name")), *about = gemini_get(f, STR("description")),
			       *schema = gemini_get(f, STR("parameters"));
	struct chat_tool *t;

	if (!node_is(f, JSON_OBJECT))
		return refuse_function(g, at, "", "an object", f);
	if (node_text(name).n == 0)
		return refuse_function(g, at, ".name", "a name", name);
	if (about && !node_is(about, JSON_STRING))
		return refuse_function(g, at, ".description", "a text", about);
	if (schema && !node_is(schema, JSON_OBJECT))
		return refuse_function(g, at, ".parameters", "a schema", schema);
	t = chat_tool_add(g->arena, end, TOOL_FUNCTION);
	if (!t)
		return gemini_read_is_full(g);
	for (const struct json_node *m = node_first(f); m; m = node_next(f, m)) {
		bool good = true;

		if (m->type == JSON_NULL)
			continue;
		if (node_named(m, STR("name")))
			t->name = node_text(m);
		else if (node_named(m, STR("description")))
			t->description = node_text(m);
		else if (node_named(m, STR("parameters")) || gemini_named(m, STR("parametersJsonSchema")))
			good = (t->schema = gemini_schema_read(g->arena, m)).p != NULL;
		else if (node_named(m, STR("response")) || gemini_named(m, STR("responseJsonSchema")))
			good = (t->output_schema = gemini_schema_read(g->arena, m)).p != NULL;
		else
			good = chat_extra_add(g->arena, &t->extras, DIALECT_GEMINI, node_key(m), node_raw(m));
		if (!good)
			return gemini_read_is_full(g);
	}
	return true;
}

/* {"googleSearch": {…}} by itself. */
static bool read_server_tool(struct gemini_reading *g, const struct json_node *m, struct chat_tool ***end)
{
	struct chat_tool *t = chat_tool_add(g->arena, end, TOOL_SERVER);

	if (!t)
		return gemini_read_is_full(g);
	t->name = node_key(m);
	t->from = DIALECT_GEMINI;
	t->raw = arena_printf(g->arena, "{\"%.*s\":%.*s}", (int)m->key_n, m->key, (int)m->n, m->p);
	return t->raw.p || gemini_read_is_full(g);
}

static bool read_functions(struct gemini_reading *g, const struct json_node *list, struct tool_place at,
                           struct chat_tool ***end)
{
	if (!node_is(list, JSON_ARRAY) && !node_is(list, JSON_OBJECT))
		return err_set(g->err, ERR_INVALID_REQUEST, "tools[%u].functionDeclarations: must be a list, not %.*s",
		               at.tool, STR_ARG(text_utf8_cut(node_raw(list), 64)));
	for (const struct json_node *f = gemini_first(list); f; f = gemini_after(list, f), at.function++)
		if (!read_function(g, f, at, end))
			return false;
	return true;
}

static bool read_tools(struct gemini_reading *g, const struct json_node *tools)
{
	struct chat_tool **end = &g->rq->tools;
	struct tool_place at = { 0 };

	if (!node_is(tools, JSON_ARRAY) && !node_is(tools, JSON_OBJECT))
		return must_be(g, tools, "", "a list of tools");
	while (*end)
		end = &(*end)->next;
	for (const struct json_node *t = gemini_first(tools); t; t = gemini_after(tools, t), at.tool++) {
		if (!node_is(t, JSON_OBJECT))
			return err_set(g->err, ERR_INVALID_REQUEST, "tools[%u]: must be an object, not %.*s", at.tool,
			               STR_ARG(text_utf8_cut(node_raw(t), 64)));
		for (const struct json_node *m = node_first(t); m; m = node_next(t, m)) {
			if (m->type == JSON_NULL)
				continue;
			if (!gemini_named(m, STR("functionDeclarations"))) {
				if (!read_server_tool(g, m, &end))
					return false;
				continue;
			}
			if (!read_functions(g, m, at, &end))
				return false;
		}
	}
	return true;
}

static bool read_calling(struct gemini_reading *g, const struct json_node *m)
{
	static const struct { struct str word; enum chat_choice choice; } modes[] = {
		{ STR_INIT("auto"), CHOICE_AUTO }, { STR_INIT("none"), CHOICE_NONE }, { STR_INIT("any"), CHOICE_ANY },
		{ STR_INIT("validated"), CHOICE_AUTO }, { STR_INIT("mode_unspecified"), CHOICE_UNSET },
	};
	const struct json_node *word = gemini_get(m, STR("mode")), *names = gemini_get(m, STR("allowedFunctionNames"));
	struct jstr mode = node_text(word);
	struct chat_request *rq = g->rq;
	struct chat_name **end = &rq->choice_names;
	size_t i = 0, n = 0;

	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, GEMINI_TOOL_CONFIG, "an object");
	if (word && !mode.p)
		return must_be(g, word, GEMINI_TOOL_CONFIG "functionCallingConfig.", "AUTO, ANY, NONE or VALIDATED");
	if (names && !node_is(names, JSON_ARRAY))
		return must_be(g, names, GEMINI_TOOL_CONFIG "functionCallingConfig.", "a list of names");
	while (mode.p && i < COUNT_OF(modes) && !str_ieq(jstr_raw(mode), modes[i].word))
		i++;
	if (i == COUNT_OF(modes))
		return err_set(g->err, ERR_INVALID_REQUEST,
		               "toolConfig.functionCallingConfig.mode: \"%.*s\" must be AUTO, ANY, NONE or VALIDATED",
		               STR_ARG(text_utf8_cut(jstr_raw(mode), 64)));
	rq->choice = (uint8_t)(mode.p ? modes[i].choice : CHOICE_UNSET);
	for (const struct json_node *s = node_first(names); s; s = node_next(names, s)) {
		if (!node_is(s, JSON_STRING))
			return must_be(g, names, GEMINI_TOOL_CONFIG "functionCallingConfig.", "a list of names");
		if (rq->choice == CHOICE_NONE)
			continue;
		n++;
		if (!chat_name_add(g->arena, &end, node_text(s)))
			return gemini_read_is_full(g);
	}
	if (n) {
		rq->choice_subset_any = rq->choice == CHOICE_ANY;
		rq->choice = rq->choice == CHOICE_ANY && n == 1 ? CHOICE_TOOL : CHOICE_SUBSET;
	}
	if (rq->choice != CHOICE_UNSET)
		gemini_set(g, MEMBER_TOOL_CHOICE);
	return true;
}

static bool read_tool_config(struct gemini_reading *g, const struct json_node *m)
{
	static const struct row rows[] = { { STR_INIT("functionCallingConfig"), read_calling } };

	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, "", "an object");
	return read_members(g, m, rows, COUNT_OF(rows), STR(GEMINI_TOOL_CONFIG));
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static bool read_safety(struct gemini_reading *g, const struct json_node *m)
{
	if (m->children) {
		g->rq->safety = node_raw(m);
		gemini_set(g, MEMBER_SAFETY);
	}
	return true;
}

static bool read_cached(struct gemini_reading *g, const struct json_node *m)
{
	if (!node_is(m, JSON_STRING))
		return must_be(g, m, "", "the name of a cache");
	g->rq->cached_content = node_text(m);
	gemini_set(g, MEMBER_CACHED_CONTENT);
	return true;
}

static bool read_labels(struct gemini_reading *g, const struct json_node *m)
{
	if (!node_is(m, JSON_OBJECT))
		return must_be(g, m, "", "an object");
	if (m->children) {
		g->rq->metadata = node_raw(m);
		gemini_set(g, MEMBER_METADATA);
	}
	return true;
}

static bool read_tier(struct gemini_reading *g, const struct json_node *m)
{
	static const struct str tiers[] = { STR_INIT("standard"), STR_INIT("flex"), STR_INIT("priority") };
	struct str word = jstr_raw(node_text(m));

	for (size_t i = 0; i < COUNT_OF(tiers); i++)
		if (str_ieq(word, tiers[i]) ||
		    (str_istarts(word, STR("service_tier_")) && str_ieq(str_slice(word, 13, word.n), tiers[i]))) {
			g->rq->service_tier = i ? jstr_of(tiers[i].p, tiers[i].n) : JSTR("default");
			gemini_set(g, MEMBER_SERVICE_TIER);
		}
	return true;
}

bool gemini_read_request(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                         struct chat_request *out, struct err *e)
{
	static const struct row rows[] = {
		{ STR_INIT("contents"), gemini_read_contents },
		{ STR_INIT("systemInstruction"), gemini_read_system },
		{ STR_INIT("tools"), read_tools },
		{ STR_INIT("toolConfig"), read_tool_config },
		{ STR_INIT("generationConfig"), read_config },
		{ STR_INIT("safetySettings"), read_safety },
		{ STR_INIT("cachedContent"), read_cached },
		{ STR_INIT("labels"), read_labels },
		{ STR_INIT("serviceTier"), read_tier },
		{ STR_INIT("model"), NULL },
	};
	struct gemini_reading g = { .arena = a, .rq = out, .err = e };
	const struct json_node *inner;

	*out = (struct chat_request){ .from = DIALECT_GEMINI, .model = jstr_from(a, in->model), .stream = in->stream };
	if (!out->model.p)
		return gemini_read_is_full(&g);
	inner = in->call == CALL_COUNT_TOKENS ? gemini_get(body, STR("generateContentRequest")) : NULL;
	if (inner)
		body = inner;
	if (!node_is(body, JSON_OBJECT))
		return err_set(e, ERR_INVALID_REQUEST, "the body must be an object");
	if (!read_members(&g, body, rows, COUNT_OF(rows), STR("")))
		return false;
	return out->turns || err_set(e, ERR_INVALID_REQUEST, "contents: must hold at least one content");
}
