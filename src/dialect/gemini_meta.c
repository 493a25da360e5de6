/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_meta: what stands beside the parts of an answer: how it ended, usage, sources, probabilities. */

#include <assert.h>

#include "base/arena.h"
#include "dialect/gemini_in.h"

/* ---- how it ended ------------------------------------------------------------------------------------------------ */

/* ai.google.dev/api/generate-content#FinishReason and Vertex's; rows 59 to 67. */
static const struct {
	struct str word;
	enum chat_stop stop;
} finishes[] = {
	{ STR_INIT("STOP"), STOP_END },
	{ STR_INIT("MAX_TOKENS"), STOP_MAX_TOKENS },
	{ STR_INIT("SAFETY"), STOP_FILTER },
	{ STR_INIT("RECITATION"), STOP_FILTER },
	{ STR_INIT("LANGUAGE"), STOP_FILTER },
	{ STR_INIT("BLOCKLIST"), STOP_FILTER },
	{ STR_INIT("PROHIBITED_CONTENT"), STOP_FILTER },
	{ STR_INIT("SPII"), STOP_FILTER },
	{ STR_INIT("MODEL_ARMOR"), STOP_FILTER },
	{ STR_INIT("IMAGE_SAFETY"), STOP_FILTER },
	{ STR_INIT("IMAGE_PROHIBITED_CONTENT"), STOP_FILTER },
	{ STR_INIT("IMAGE_RECITATION"), STOP_FILTER },
	{ STR_INIT("OTHER"), STOP_ERROR },
	{ STR_INIT("MALFORMED_FUNCTION_CALL"), STOP_ERROR },
	{ STR_INIT("UNEXPECTED_TOOL_CALL"), STOP_ERROR },
	{ STR_INIT("TOO_MANY_TOOL_CALLS"), STOP_ERROR },
	{ STR_INIT("MISSING_THOUGHT_SIGNATURE"), STOP_ERROR },
	{ STR_INIT("MALFORMED_RESPONSE"), STOP_ERROR },
	{ STR_INIT("NO_IMAGE"), STOP_ERROR },
	{ STR_INIT("IMAGE_OTHER"), STOP_ERROR },
	{ STR_INIT("FINISH_REASON_UNSPECIFIED"), STOP_NONE },
};

/* With enum-encoding=int: the numbers on which both of Google's APIs agree; what follows them is one refusal or
 * other. */
static enum chat_stop stop_of_number(int64_t n)
{
	static const enum chat_stop known[] = { STOP_NONE,   STOP_END,    STOP_MAX_TOKENS,
		                                STOP_FILTER, STOP_FILTER, STOP_ERROR };

	return n <= 0 ? STOP_NONE : n < (int64_t)COUNT_OF(known) ? known[n] : STOP_FILTER;
}

struct chat_finish gemini_finish_read(const struct json_node *candidate)
{
	const struct json_node *reason = gemini_get(candidate, STR("finishReason"));
	struct chat_finish out = { .stop = STOP_NONE };

	if (node_is(reason, JSON_NUMBER))
		out.stop = (uint8_t)stop_of_number(node_i64(reason, 0));
	if (!node_is(reason, JSON_STRING))
		return out;
	out.stop = STOP_END;
	out.raw = node_text(reason);
	for (size_t i = 0; i < COUNT_OF(finishes); i++)
		if (jstr_is(out.raw, finishes[i].word))
			out.stop = (uint8_t)finishes[i].stop;
	if (out.stop == STOP_FILTER)
		out.detail = node_raw(gemini_get(candidate, STR("safetyRatings")));
	return out;
}

struct chat_finish gemini_block_read(const struct json_node *root)
{
	const struct json_node *feedback = gemini_get(root, STR("promptFeedback"));
	const struct json_node *reason = gemini_get(feedback, STR("blockReason"));

	if (!node_is(reason, JSON_STRING) && node_i64(reason, 0) <= 0)
		return (struct chat_finish){ .stop = STOP_NONE };
	return (struct chat_finish){ .stop = STOP_FILTER, .raw = node_text(reason), .detail = node_raw(feedback) };
}

struct str gemini_finish_word(const struct chat_finish *f)
{
	/* The same kind of end, in Gemini's own finer words. */
	for (size_t i = 0; i < COUNT_OF(finishes); i++)
		if (f->raw.n && finishes[i].stop == (enum chat_stop)f->stop && jstr_is(f->raw, finishes[i].word))
			return finishes[i].word;
	switch ((enum chat_stop)f->stop) {
	case STOP_END:
	case STOP_SEQUENCE:
	case STOP_TOOL:
	case STOP_PAUSE: return STR("STOP");
	case STOP_MAX_TOKENS:
	case STOP_CONTEXT_FULL: return STR("MAX_TOKENS");
	case STOP_FILTER:
	case STOP_REFUSAL: return STR("SAFETY");
	case STOP_NONE:
	case STOP_ERROR: return STR("OTHER");
	}
	assert(!"unknown chat_stop");
	return STR("OTHER");
}

/* ---- usage ------------------------------------------------------------------------------------------------------- */

/* Tokens of one kind in a list of {modality, tokenCount}; a modality may be its number. */
static int64_t modality(const struct json_node *list, struct str word, int64_t number)
{
	int64_t sum = 0;

	if (!node_is(list, JSON_ARRAY))
		return 0;
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m)) {
		const struct json_node *kind = gemini_get(m, STR("modality"));
		int64_t n = node_i64(gemini_get(m, STR("tokenCount")), 0);
		if ((node_is_word(kind, word) || node_i64(kind, 0) == number) && n > 0 &&
		    n <= (int64_t)USAGE_COUNTER_MAX && sum <= (int64_t)USAGE_COUNTER_MAX)
			sum += n;
	}
	return sum;
}

static int64_t above(int64_t n, int64_t part) { return n > part ? n - part : 0; }

void gemini_usage_read(const struct json_node *meta, struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };
	const struct json_node *in, *cached, *made;
	int64_t prompt, output;

	if (!node_is(meta, JSON_OBJECT))
		return;
	in = gemini_get(meta, STR("promptTokensDetails"));
	cached = gemini_get(meta, STR("cacheTokensDetails"));
	made = gemini_get(meta, STR("candidatesTokensDetails"));
	prompt = node_i64(gemini_get(meta, STR("promptTokenCount")), 0);
	output = node_i64(gemini_get(meta, STR("candidatesTokenCount")),
	                  node_i64(gemini_get(meta, STR("responseTokenCount")), 0));
	/* Cached tokens are part of the prompt, with their own audio and images. Tool input and thoughts are extra. */
	usage_set(&u, USAGE_INPUT, prompt);
	usage_split(&u, USAGE_INPUT, USAGE_CACHE_READ, node_i64(gemini_get(meta, STR("cachedContentTokenCount")), 0));
	usage_split(&u, USAGE_CACHE_READ, USAGE_CACHE_READ_AUDIO, modality(cached, STR("AUDIO"), 4));
	usage_split(&u, USAGE_INPUT, USAGE_INPUT_AUDIO,
	            above(modality(in, STR("AUDIO"), 4), modality(cached, STR("AUDIO"), 4)));
	usage_split(&u, USAGE_INPUT, USAGE_INPUT_IMAGE,
	            above(modality(in, STR("IMAGE"), 2), modality(cached, STR("IMAGE"), 2)));
	usage_set(&u, USAGE_INPUT_TOOL, node_i64(gemini_get(meta, STR("toolUsePromptTokenCount")), 0));
	usage_set(&u, USAGE_OUTPUT, output);
	usage_split(&u, USAGE_OUTPUT, USAGE_OUTPUT_AUDIO, modality(made, STR("AUDIO"), 4));
	usage_split(&u, USAGE_OUTPUT, USAGE_OUTPUT_IMAGE, modality(made, STR("IMAGE"), 2));
	usage_set(&u, USAGE_REASONING, node_i64(gemini_get(meta, STR("thoughtsTokenCount")), 0));
	usage_lay_service(&u, jstr_raw(gemini_get_text(meta, STR("serviceTier"))));
	usage_lay_service(&u, jstr_raw(gemini_get_text(meta, STR("trafficType"))));
	*out = u;
}

uint32_t gemini_searches(const struct json_node *candidate)
{
	const struct json_node *list =
		gemini_get(gemini_get(candidate, STR("groundingMetadata")), STR("webSearchQueries"));

	return node_is(list, JSON_ARRAY) ? list->children : 0;
}

static void write_modalities(struct json_writer *w, uint64_t text, uint64_t audio, uint64_t image)
{
	const struct {
		const char *word;
		uint64_t n;
	} kinds[] = { { "TEXT", text }, { "AUDIO", audio }, { "IMAGE", image } };

	json_open(w, '[');
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (!kinds[i].n)
			continue;
		json_open(w, '{');
		json_key_lit(w, "modality");
		json_str(w, str_from_z(kinds[i].word));
		json_key_lit(w, "tokenCount");
		json_u64(w, kinds[i].n);
		json_close(w);
	}
	json_close(w);
}

static void write_count(struct json_writer *w, struct str name, uint64_t n, bool always)
{
	if (!n && !always)
		return;
	json_key(w, name);
	json_u64(w, n);
}

void gemini_usage_write(struct json_writer *w, const struct usage *u)
{
	uint64_t prompt = usage_total_input(u) - u->n[USAGE_INPUT_TOOL];
	uint64_t output = usage_total_output(u) - u->n[USAGE_REASONING];
	uint64_t audio = u->n[USAGE_INPUT_AUDIO], image = u->n[USAGE_INPUT_IMAGE];

	json_open(w, '{');
	write_count(w, STR("promptTokenCount"), prompt, true);
	write_count(w, STR("cachedContentTokenCount"), usage_total_cache_read(u), false);
	write_count(w, STR("candidatesTokenCount"), output, true);
	write_count(w, STR("thoughtsTokenCount"), u->n[USAGE_REASONING], false);
	write_count(w, STR("toolUsePromptTokenCount"), u->n[USAGE_INPUT_TOOL], false);
	write_count(w, STR("totalTokenCount"), usage_total_input(u) + usage_total_output(u), true);
	json_key_lit(w, "promptTokensDetails");
	write_modalities(w, prompt - audio - image, audio, image);
	audio = u->n[USAGE_OUTPUT_AUDIO];
	image = u->n[USAGE_OUTPUT_IMAGE];
	if (audio || image) {
		json_key_lit(w, "candidatesTokensDetails");
		write_modalities(w, output - audio - image, audio, image);
	}
	json_close(w);
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

enum { CITATIONS_MAX = 512 };

/* Where byte `offset` of the unescaped text is. */
struct place {
	size_t at;               /* in the escaped text */
	int64_t chars;
	bool found;
};

static struct place find_byte(struct jstr s, int64_t offset, int64_t *length)
{
	const char *p = s.p, *end = s.p + s.n;
	struct place out = { 0 };
	int64_t bytes = 0, chars = 0;

	for (;;) {
		if (bytes == offset && !out.found)
			out = (struct place){ .at = (size_t)(p - s.p), .chars = chars, .found = true };
		if (p == end || (out.found && !length))
			break;
		char utf8[4];
		size_t n = 1;
		if (*p == '\\') {
			n = json_take_escape(&p, end, utf8);
			chars++;
			if (n == 0)
				break;
		} else {
			chars += (*p & 0xc0) != 0x80;
			p++;
		}
		bytes += (int64_t)n;
	}
	if (length)
		*length = bytes;
	return out;
}

/* The text that a segment is of: in which its words stand at its offsets; *c gets the offsets in characters. */
static struct chat_block *find_block(struct chat_block *blocks, int64_t from, int64_t to, struct jstr quote,
                                     struct chat_citation *c)
{
	struct chat_block *first = NULL;
	int64_t before = 0, length;

	c->start = c->end = -1;
	for (struct chat_block *b = blocks; b; b = b->next) {
		if (b->kind != CHAT_TEXT)
			continue;
		if (!first)
			first = b;
		find_byte(b->text, -1, &length);
		for (int whole = 0; whole < 2; whole++) {        /* offsets count in this part, or in all of them */
			struct place a = find_byte(b->text, from - (whole ? before : 0), NULL);
			struct place z = find_byte(b->text, to - (whole ? before : 0), NULL);
			if (!a.found || !z.found || z.at < a.at ||
			    (quote.n && !str_eq(str_of(b->text.p + a.at, z.at - a.at), jstr_raw(quote))))
				continue;
			c->start = a.chars;
			c->end = z.chars;
			return b;
		}
		before += length;
	}
	return first;
}

struct sources {
	struct arena *arena;
	struct chat_block *blocks;
	struct chat_citation ***loose;
	bool ascii;
	unsigned n;
};

static bool add_source(struct sources *s, struct chat_citation c, int64_t from, int64_t to)
{
	struct chat_citation *new, **end;
	struct chat_block *b = NULL;

	if (s->n++ >= CITATIONS_MAX)
		return true;
	new = arena_alloc(s->arena, sizeof *new);
	if (!new)
		return false;
	if (s->loose) {
		c.start = s->ascii ? from : -1;
		c.end = s->ascii ? to : -1;
		end = *s->loose;
		*s->loose = &new->next;
	} else {
		b = find_block(s->blocks, from, to, c.quote, &c);
		if (!b)
			return true;
		for (end = &b->citations; *end;)
			end = &(*end)->next;
	}
	*new = c;
	*end = new;
	return true;
}

static bool read_support(struct sources *s, const struct json_node *chunks, const struct json_node *support)
{
	static const struct str kinds[] = { STR_INIT("web"), STR_INIT("retrievedContext"), STR_INIT("maps") };
	const struct json_node *segment = gemini_get(support, STR("segment"));
	const struct json_node *list = gemini_get(support, STR("groundingChunkIndices"));
	int64_t from = node_i64(gemini_get(segment, STR("startIndex")), 0);
	int64_t to = node_i64(gemini_get(segment, STR("endIndex")), -1);

	if (!node_is(list, JSON_ARRAY) || !node_is(chunks, JSON_ARRAY))
		return true;
	for (const struct json_node *i = node_first(list); i; i = node_next(list, i)) {
		int64_t index = node_i64(i, -1);
		const struct json_node *chunk = NULL, *of = NULL;

		if (index >= 0 && index < CITATIONS_MAX && s->n < CITATIONS_MAX)
			chunk = node_at(chunks, (size_t)index);
		for (size_t k = 0; k < COUNT_OF(kinds) && !of; k++)
			of = gemini_get(chunk, kinds[k]);
		if (!of)
			continue;
		struct chat_citation c = { .url = gemini_get_text(of, STR("uri")),
			                   .title = gemini_get_text(of, STR("title")),
			                   .quote = gemini_get_text(segment, STR("text")),
			                   .from = DIALECT_GEMINI };
		if (!add_source(s, c, from, to))
			return false;
	}
	return true;
}

bool gemini_citations_read(struct arena *a, const struct json_node *candidate, struct chat_block *blocks,
                           struct chat_citation **loose, bool ascii)
{
	const struct json_node *ground = gemini_get(candidate, STR("groundingMetadata"));
	const struct json_node *cited = gemini_get(candidate, STR("citationMetadata"));
	const struct json_node *chunks = gemini_get(ground, STR("groundingChunks"));
	const struct json_node *list = gemini_get(ground, STR("groundingSupports"));
	struct sources s = { .arena = a, .blocks = blocks, .loose = loose ? &loose : NULL, .ascii = ascii };

	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m))
			if (!read_support(&s, chunks, m))
				return false;
	list = gemini_get(cited, STR("citationSources"));
	if (!list)
		list = gemini_get(cited, STR("citations"));
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *m = node_first(list); m; m = node_next(list, m)) {
			struct chat_citation c = { .url = gemini_get_text(m, STR("uri")),
				                   .title = gemini_get_text(m, STR("title")), .from = DIALECT_GEMINI };
			if (!add_source(&s, c, node_i64(gemini_get(m, STR("startIndex")), 0),
			                node_i64(gemini_get(m, STR("endIndex")), -1)))
				return false;
		}
	return true;
}

/* ---- probabilities ----------------------------------------------------------------------------------------------- */

static void put_logprob(struct json_writer *w, const struct json_node *c)
{
	const struct json_node *p = gemini_get(c, STR("logProbability"));

	json_key_lit(w, "token");
	json_jstr(w, gemini_get_text(c, STR("token")));
	json_key_lit(w, "logprob");
	json_raw(w, node_is(p, JSON_NUMBER) ? node_raw(p) : STR("0"));
	json_key_lit(w, "bytes");
	json_null(w);
}

struct str gemini_logprobs_read(struct arena *a, const struct json_node *candidate)
{
	const struct json_node *result = gemini_get(candidate, STR("logprobsResult"));
	const struct json_node *chosen = gemini_get(result, STR("chosenCandidates"));
	const struct json_node *top = gemini_get(result, STR("topCandidates"));
	const struct json_node *at = node_is(top, JSON_ARRAY) ? node_first(top) : NULL;
	struct str out = { 0 };
	struct buf b;

	if (!node_is(chosen, JSON_ARRAY))
		return out;
	b = buf_make((size_t)result->n * 2 + 4096);
	struct json_writer w = json_writer_make(&b);
	json_open(&w, '[');
	for (const struct json_node *c = node_first(chosen); c; c = node_next(chosen, c)) {
		const struct json_node *others = gemini_get(at, STR("candidates"));

		json_open(&w, '{');
		put_logprob(&w, c);
		json_key_lit(&w, "top_logprobs");
		json_open(&w, '[');
		if (node_is(others, JSON_ARRAY))
			for (const struct json_node *o = node_first(others); o; o = node_next(others, o)) {
				json_open(&w, '{');
				put_logprob(&w, o);
				json_close(&w);
			}
		json_close(&w);
		json_close(&w);
		at = at ? node_next(top, at) : NULL;
	}
	json_close(&w);
	if (json_write_done(&w))
		out = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

static void put_candidate(struct json_writer *w, const struct json_node *c)
{
	const struct json_node *p = node_get(c, STR("logprob"));

	json_open(w, '{');
	json_key_lit(w, "token");
	json_jstr(w, node_get_text(c, STR("token")));
	json_key_lit(w, "logProbability");
	json_raw(w, node_is(p, JSON_NUMBER) ? node_raw(p) : STR("0"));
	json_close(w);
}

void gemini_logprobs_write(struct arena *a, struct json_writer *w, struct str openai)
{
	const struct json_node *list = openai.n ? json_nodes(a, openai, ANSWER_DEPTH_MAX, NULL) : NULL;

	if (!node_is(list, JSON_ARRAY))
		return;
	json_key_lit(w, "logprobsResult");
	json_open(w, '{');
	json_key_lit(w, "chosenCandidates");
	json_open(w, '[');
	for (const struct json_node *c = node_first(list); c; c = node_next(list, c))
		put_candidate(w, c);
	json_close(w);
	json_key_lit(w, "topCandidates");
	json_open(w, '[');
	for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
		const struct json_node *top = node_get(c, STR("top_logprobs"));

		json_open(w, '{');
		json_key_lit(w, "candidates");
		json_open(w, '[');
		if (node_is(top, JSON_ARRAY))
			for (const struct json_node *o = node_first(top); o; o = node_next(top, o))
				put_candidate(w, o);
		json_close(w);
		json_close(w);
	}
	json_close(w);
	json_close(w);
}
