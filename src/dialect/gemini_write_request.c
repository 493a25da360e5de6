/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_write_request: a request for generateContent: its members but contents and tools. */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/gemini_write.h"

enum { STOPS_MAX = 5, BODY_MAX = 1 << 30 };

/* generationConfig is only there if something is in it. */
struct config {
	struct gemini_writing *g;
	struct json_writer w;
};

static bool has(const struct gemini_writing *g, enum chat_member m) { return (g->rq->set & MEMBER_BIT(m)) != 0; }

static void carry(struct gemini_writing *g, enum chat_member m) { g->carried |= MEMBER_BIT(m); }

/* ---- sampling ---------------------------------------------------------------------------------------------------- */

static void put_number(struct config *c, enum chat_member m, struct str name, struct str raw)
{
	if (!has(c->g, m) || !raw.n)
		return;
	json_key(&c->w, name);
	json_raw(&c->w, raw);
	carry(c->g, m);
}

static void put_stops(struct config *c)
{
	unsigned n = 0;

	if (!has(c->g, MEMBER_STOP))
		return;
	carry(c->g, MEMBER_STOP);
	for (const struct chat_name *s = c->g->rq->stop; s; s = s->next) {
		if (!s->name.n)
			continue;
		if (n == STOPS_MAX) {
			chat_drop(&c->g->out->drops, "stop");
			break;
		}
		if (n++ == 0) {
			json_key_lit(&c->w, "stopSequences");
			json_open(&c->w, '[');
		}
		json_jstr(&c->w, s->name);
	}
	if (n)
		json_close(&c->w);
}

static void put_sampling(struct config *c)
{
	const struct chat_request *rq = c->g->rq;
	const struct model_facts *facts = c->g->to->facts;

	put_number(c, MEMBER_MAX_OUTPUT, STR("maxOutputTokens"), rq->max_output);
	if (!model_rule(facts, MODEL_NO_SAMPLING)) {
		put_number(c, MEMBER_TEMPERATURE, STR("temperature"), rq->temperature);
		put_number(c, MEMBER_TOP_P, STR("topP"), rq->top_p);
		put_number(c, MEMBER_TOP_K, STR("topK"), rq->top_k);
	}
	put_number(c, MEMBER_SEED, STR("seed"), rq->seed);
	put_number(c, MEMBER_N, STR("candidateCount"), rq->n);
	if (!model_rule(facts, MODEL_NO_PENALTIES)) {
		put_number(c, MEMBER_FREQUENCY_PENALTY, STR("frequencyPenalty"), rq->frequency_penalty);
		put_number(c, MEMBER_PRESENCE_PENALTY, STR("presencePenalty"), rq->presence_penalty);
	}
	put_stops(c);
	if (rq->logprobs == TRI_NO)
		carry(c->g, MEMBER_LOGPROBS);
	if (rq->logprobs != TRI_YES || model_rule(facts, MODEL_NO_LOGPROBS))
		return;
	json_key_lit(&c->w, "responseLogprobs");
	json_bool(&c->w, true);
	carry(c->g, MEMBER_LOGPROBS);
	put_number(c, MEMBER_TOP_LOGPROBS, STR("logprobs"), rq->top_logprobs);
}

/* ---- thinking (row 57) ------------------------------------------------------------------------------------------- */

static uint32_t cap_of(const struct chat_request *rq)
{
	uint64_t n;

	return str_to_u64(rq->max_output, &n) && n < UINT32_MAX ? (uint32_t)n : 0;
}

/* What the client wants, as an effort. */
static enum model_effort wanted_effort(const struct chat_request *rq)
{
	if (rq->has_effort)
		return (enum model_effort)rq->effort;
	if (rq->thinking == TRI_NO)
		return EFFORT_NONE;
	return rq->thinking_budget > 0 ? model_budget_effort((uint32_t)rq->thinking_budget, cap_of(rq)) : EFFORT_HIGH;
}

/* thinkingLevel has no word for none, xhigh and max. */
static void put_level(struct config *c)
{
	enum model_effort wanted = wanted_effort(c->g->rq), level;
	unsigned levels = c->g->to->facts->effort_levels;
	struct str name;

	if (!levels)
		levels = EFFORT_BIT(EFFORT_LOW) | EFFORT_BIT(EFFORT_MEDIUM) | EFFORT_BIT(EFFORT_HIGH);
	levels &= EFFORT_BIT(EFFORT_MINIMAL) | EFFORT_BIT(EFFORT_LOW) | EFFORT_BIT(EFFORT_MEDIUM) |
	          EFFORT_BIT(EFFORT_HIGH);
	level = model_effort_nearest(levels, wanted);
	if (wanted == EFFORT_NONE)
		chat_drop(&c->g->out->drops, "reasoning.none");
	name = model_effort_name(level);
	json_key_lit(&c->w, "thinkingLevel");
	json_str(&c->w, name);
}

static int64_t budget_of(const struct gemini_writing *g)
{
	const struct chat_request *rq = g->rq;
	const struct model_facts *facts = g->to->facts;
	uint32_t cap = cap_of(rq);
	int64_t budget = rq->thinking_budget;

	if (rq->thinking == TRI_NO || (rq->has_effort && rq->effort == EFFORT_NONE)) {
		if (!model_rule(facts, MODEL_THINKING_ALWAYS))
			return 0;
		chat_drop(&g->out->drops, "reasoning.none");
		return facts->thinking_min ? facts->thinking_min : 128;
	}
	if (budget == 0 && rq->has_effort)
		budget = model_effort_budget((enum model_effort)rq->effort);
	if (budget <= 0)
		return -1;                           /* the model decides */
	if (cap > 1 && budget >= cap)
		budget = cap - 1;
	if (facts->thinking_max && budget > facts->thinking_max)
		budget = facts->thinking_max;
	return budget < facts->thinking_min ? facts->thinking_min : budget;
}

/* Clients that ask for thinking see it, unless they say that they will not. */
static bool shows_thoughts(const struct chat_request *rq)
{
	if (rq->show_thoughts != TRI_UNSET)
		return rq->show_thoughts == TRI_YES;
	if (jstr_is(rq->summary, STR("omitted")))
		return false;
	return (rq->set & MEMBER_BIT(MEMBER_REASONING_SUMMARY)) != 0 ||
	       (rq->thinking != TRI_NO && wanted_effort(rq) != EFFORT_NONE && rq->from != DIALECT_GEMINI);
}

static void put_thinking(struct config *c)
{
	struct gemini_writing *g = c->g;
	const struct chat_request *rq = g->rq;
	bool asked = has(g, MEMBER_REASONING) && (rq->has_effort || rq->thinking != TRI_UNSET || rq->thinking_budget);
	bool show = (asked || has(g, MEMBER_REASONING_SUMMARY) || rq->show_thoughts != TRI_UNSET) && shows_thoughts(rq);
	enum model_thinking how = (enum model_thinking)g->to->facts->thinking;

	if (has(g, MEMBER_REASONING) && !asked && rq->show_thoughts != TRI_UNSET)
		carry(g, MEMBER_REASONING);
	if (how == THINKING_NONE || model_lacks(g->to->facts, CAP_REASONING)) {
		if (rq->thinking == TRI_NO || (rq->has_effort && rq->effort == EFFORT_NONE))
			carry(g, MEMBER_REASONING);          /* it does not think, as was asked for */
		return;
	}
	if (!asked && !show)
		return;
	json_key_lit(&c->w, "thinkingConfig");
	json_open(&c->w, '{');
	if (asked && how != THINKING_ALWAYS) {
		carry(g, MEMBER_REASONING);
		/* Of a model that nobody knows the client's own word is the best guess. */
		if (how == THINKING_LEVEL || (how != THINKING_BUDGET && rq->has_effort && rq->effort != EFFORT_NONE)) {
			put_level(c);
		} else {
			json_key_lit(&c->w, "thinkingBudget");
			json_i64(&c->w, budget_of(g));
		}
	}
	if (show || rq->show_thoughts != TRI_UNSET) {
		json_key_lit(&c->w, "includeThoughts");
		json_bool(&c->w, show);
	}
	carry(g, MEMBER_REASONING_SUMMARY);
	json_close(&c->w);
}

/* ---- form of the answer ------------------------------------------------------------------------------------------ */

static bool put_schema(struct config *c, struct str schema)
{
	bool changed = false;

	if (model_rule(c->g->to->facts, MODEL_SCHEMA_SUBSET)) {
		schema = chat_schema_gemini(c->g->arena, schema, &changed);
		if (!schema.p)
			return gemini_write_is_full(c->g);
		if (changed)
			chat_drop(&c->g->out->drops, "response_format.schema");
		json_key_lit(&c->w, "responseSchema");
	} else {
		json_key_lit(&c->w, "responseJsonSchema");
	}
	json_raw(&c->w, schema);
	return true;
}

static bool put_format(struct config *c)
{
	struct gemini_writing *g = c->g;
	const struct chat_request *rq = g->rq;

	if (!has(g, MEMBER_FORMAT))
		return true;
	if (rq->format == FORMAT_TEXT || rq->format == FORMAT_UNSET || g->schema_tool) {
		carry(g, MEMBER_FORMAT);
		return true;
	}
	if (model_lacks(g->to->facts, rq->format == FORMAT_SCHEMA ? CAP_JSON_SCHEMA : CAP_JSON_OBJECT))
		return true;
	carry(g, MEMBER_FORMAT);
	json_key_lit(&c->w, "responseMimeType");
	json_str(&c->w, STR("application/json"));
	return rq->format != FORMAT_SCHEMA || !rq->format_schema.n || put_schema(c, rq->format_schema);
}

/* "text", "audio", "image", as OpenAI has them, or upper case. */
static void put_modalities(struct config *c)
{
	struct gemini_writing *g = c->g;
	const struct json_node *list = g->rq->modalities.n ? json_nodes(g->arena, g->rq->modalities, 4, NULL) : NULL;

	if (!node_is(list, JSON_ARRAY))
		return;
	carry(g, MEMBER_MODALITIES);
	json_key_lit(&c->w, "responseModalities");
	json_open(&c->w, '[');
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m)) {
		struct jstr word = node_text(m);
		char upper[16];

		for (size_t i = 0; i < word.n && i < sizeof(upper); i++)
			upper[i] = (char)(word.p[i] >= 'a' && word.p[i] <= 'z' ? word.p[i] - 32 : word.p[i]);
		if (word.n && word.n <= sizeof(upper))
			json_jstr(&c->w, jstr_of(upper, word.n));
	}
	json_close(&c->w);
}

/* OpenAI's {"voice", "format"}. Its own voices are not Gemini's, and Gemini's format is its own. */
static void put_audio(struct config *c)
{
	static const struct str openai[] = {
		STR_INIT("alloy"), STR_INIT("ash"), STR_INIT("ballad"), STR_INIT("coral"), STR_INIT("echo"),
		STR_INIT("fable"), STR_INIT("onyx"), STR_INIT("nova"), STR_INIT("sage"), STR_INIT("shimmer"),
		STR_INIT("verse"), STR_INIT("marin"), STR_INIT("cedar"),
	};
	struct gemini_writing *g = c->g;
	const struct json_node *audio = g->rq->audio.n ? json_nodes(g->arena, g->rq->audio, 8, NULL) : NULL;
	struct jstr voice = node_get_text(audio, STR("voice"));

	if (!audio)
		return;
	carry(g, MEMBER_AUDIO);
	if (g->rq->from != DIALECT_GEMINI && node_get(audio, STR("format")))
		chat_drop(&g->out->drops, "audio.format");
	for (size_t i = 0; i < COUNT_OF(openai); i++)
		if (jstr_is(voice, openai[i])) {
			chat_drop(&g->out->drops, "audio.voice");
			return;
		}
	if (!voice.n)
		return;
	json_key_lit(&c->w, "speechConfig");
	json_open(&c->w, '{');
	json_key_lit(&c->w, "voiceConfig");
	json_open(&c->w, '{');
	json_key_lit(&c->w, "prebuiltVoiceConfig");
	json_open(&c->w, '{');
	json_key_lit(&c->w, "voiceName");
	json_jstr(&c->w, voice);
	json_close(&c->w);
	json_close(&c->w);
	json_close(&c->w);
}

/* ---- what only Gemini's clients say ------------------------------------------------------------------------------ */

void gemini_write_extras(struct json_writer *w, const struct chat_extra *x, struct str prefix)
{
	for (; x; x = x->next) {
		struct str name = jstr_raw(x->name);
		size_t dot = str_find_chr(name, '.');

		if (x->from != DIALECT_GEMINI || !str_eq(str_slice(name, 0, dot == STR_NPOS ? 0 : dot + 1), prefix))
			continue;
		name = str_slice(name, prefix.n, name.n);
		json_key_jstr(w, jstr_of(name.p, name.n));
		json_raw(w, x->raw);
	}
}

/* Only what means the same (P13): flex and priority are the client's own paid choices. */
static void put_tier(struct gemini_writing *g)
{
	struct jstr tier = g->rq->service_tier;

	if (!has(g, MEMBER_SERVICE_TIER))
		return;
	if (jstr_is(tier, STR("flex")) || jstr_is(tier, STR("priority"))) {
		json_key_lit(&g->w, "serviceTier");
		json_jstr(&g->w, tier);
		carry(g, MEMBER_SERVICE_TIER);
	} else if (jstr_is(tier, STR("auto")) || jstr_is(tier, STR("default")) || jstr_is(tier, STR("standard")) ||
	           jstr_is(tier, STR("standard_only"))) {
		carry(g, MEMBER_SERVICE_TIER);
	}
}

static void put_own(struct gemini_writing *g)
{
	const struct chat_request *rq = g->rq;

	put_tier(g);
	if (rq->from != DIALECT_GEMINI)
		return;
	if (rq->safety.n) {
		json_key_lit(&g->w, "safetySettings");
		json_raw(&g->w, rq->safety);
		carry(g, MEMBER_SAFETY);
	}
	if (rq->cached_content.n) {
		json_key_lit(&g->w, "cachedContent");
		json_jstr(&g->w, rq->cached_content);
		carry(g, MEMBER_CACHED_CONTENT);
	}
	if (rq->metadata.n) {
		json_key_lit(&g->w, "labels");
		json_raw(&g->w, rq->metadata);
		carry(g, MEMBER_METADATA);
	}
	gemini_write_extras(&g->w, rq->extras, STR(""));
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

bool gemini_write_config(struct gemini_writing *g)
{
	struct buf out = buf_make(BODY_MAX);
	struct config c = { .g = g, .w = json_writer_make(&out) };
	bool good;

	json_open(&c.w, '{');
	put_sampling(&c);
	put_thinking(&c);
	good = put_format(&c);
	put_modalities(&c);
	put_audio(&c);
	gemini_write_extras(&c.w, g->rq->extras, STR(GEMINI_CONFIG));
	json_close(&c.w);
	if (good && !json_write_done(&c.w))
		good = gemini_write_is_full(g);
	if (good && out.n > 2) {
		json_key_lit(&g->w, "generationConfig");
		json_raw(&g->w, buf_str(&out));
	}
	buf_fini(&out);
	return good;
}

/* A model that cannot have both, or has no schemas, gets the schema as a tool that it must call (S4). */
static bool needs_schema_tool(const struct gemini_writing *g)
{
	const struct model_facts *facts = g->to->facts;
	bool json = g->rq->format == FORMAT_JSON || g->rq->format == FORMAT_SCHEMA;

	if (!json || model_lacks(facts, CAP_TOOLS) || (g->rq->choice == CHOICE_TOOL && g->rq->tools))
		return false;
	return (g->rq->tools && model_rule(facts, MODEL_NO_SCHEMA_WITH_TOOLS)) ||
	       (g->rq->format == FORMAT_SCHEMA && model_lacks(facts, CAP_JSON_SCHEMA));
}

bool gemini_write_request(struct arena *a, const struct chat_request *rq, const struct chat_target *to,
                          struct chat_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX);
	struct gemini_writing g = {
		.arena = a, .rq = rq, .to = to, .out = out, .w = json_writer_make(&body), .err = e,
	};
	bool good;

	g.put = (struct gemini_put){ .arena = a, .w = &g.w, .drops = &out->drops };
	g.name_max = model_rule(to->facts, MODEL_SCHEMA_SUBSET) ? 64 : 128;
	g.schema_tool = needs_schema_tool(&g);
	json_open(&g.w, '{');
	good = gemini_write_system(&g) && gemini_write_contents(&g) && gemini_write_tools(&g) &&
	       gemini_write_config(&g);
	if (good) {
		put_own(&g);
		json_close(&g.w);
		chat_drop_cache_marks(&out->drops, rq);
		chat_drop_members(&out->drops, rq, g.carried, DIALECT_GEMINI);
		out->body = json_write_done(&g.w) ? arena_dup(a, buf_str(&body)) : (struct str){ 0 };
		good = (out->body.p && !g.put.full) || gemini_write_is_full(&g);
	}
	buf_fini(&body);
	return good;
}
