/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat_parts: reading the parts of messages that requests, answers and streams of Chat Completions share. */

#include "dialect/openai_chat_in.h"

bool openai_full(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the text needs more memory than it may have");
}

bool openai_members(struct arena *a, const struct json_node *object, const struct str *names, size_t n,
                    const struct json_node **slot, struct chat_extra **extras)
{
	for (size_t i = 0; i < n; i++)
		slot[i] = NULL;
	if (!node_is(object, JSON_OBJECT))
		return true;
	while (extras && *extras)
		extras = &(*extras)->next;
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m)) {
		size_t i = 0;
		while (i < n && !node_named(m, names[i]))
			i++;
		if (i < n)
			slot[i] = m->type == JSON_NULL ? NULL : m;
		else if (extras && !chat_extra_add(a, extras, DIALECT_OPENAI_CHAT, node_key(m), node_raw(m)))
			return false;
		else if (extras)
			extras = &(*extras)->next;
	}
	return true;
}

/* ---- thoughts ---------------------------------------------------------------------------------------------------- */

/* OpenRouter's names for what a model's maker understands (openrouter.ai/docs, reasoning tokens). */
static const struct { struct str word; enum chat_maker maker; } formats[] = {
	{ STR_INIT("anthropic-claude-v1"), MAKER_ANTHROPIC },
	{ STR_INIT("google-gemini-v1"), MAKER_GEMINI },
	{ STR_INIT("openai-responses-v1"), MAKER_OPENAI },
	{ STR_INIT("xai-responses-v1"), MAKER_XAI },
	{ STR_INIT("azure-openai-responses-v1"), MAKER_OPENAI },
};

struct jstr openai_format(enum chat_maker maker)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (formats[i].maker == maker)
			return jstr_of(formats[i].word.p, formats[i].word.n);
	return JSTR("unknown");
}

static enum chat_maker maker_of(struct jstr format)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (jstr_is(format, formats[i].word))
			return formats[i].maker;
	return MAKER_OTHER;
}

struct openai_detail openai_read_detail(const struct json_node *entry)
{
	enum { TYPE, TEXT, SUMMARY, DATA, SIGNATURE, FORMAT, ID, INDEX, N };
	static const struct str names[N] = {
		STR_INIT("type"), STR_INIT("text"), STR_INIT("summary"), STR_INIT("data"), STR_INIT("signature"),
		STR_INIT("format"), STR_INIT("id"), STR_INIT("index"),
	};
	const struct json_node *at[N];
	struct openai_detail d = { 0 };
	bool unused = openai_members(NULL, entry, names, N, at, NULL);
	struct jstr format = node_text(at[FORMAT]), token = node_text(at[SIGNATURE]);
	int64_t index = node_i64(at[INDEX], 0);

	(void)unused;
	d.id = node_text(at[ID]);
	d.index = index >= 0 && index < UINT32_MAX ? (uint32_t)index : 0;
	d.text = node_text(at[TEXT]);
	if (node_is_word(at[TYPE], STR("reasoning.summary"))) {
		d.kind = DETAIL_SUMMARY;
		d.text = node_text(at[SUMMARY]);
	} else if (node_is_word(at[TYPE], STR("reasoning.encrypted"))) {
		d.kind = DETAIL_ENCRYPTED;
		token = node_text(at[DATA]);
	}
	if (token.n)
		d.opaque = (struct chat_opaque){ .bytes = token, .id = d.id, .maker = (uint8_t)maker_of(format) };
	if (format.n && !jstr_eq(format, openai_format(d.opaque.maker)))
		d.format = format;
	return d;
}

static bool read_details(struct arena *a, const struct json_node *list, struct chat_block ***end, bool *any_text)
{
	struct chat_block *b = NULL, **parts = NULL;

	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct openai_detail d = openai_read_detail(v);
		bool summary_goes_on = b && b->blocks && !b->opaque.bytes.p;

		if (d.kind == DETAIL_TEXT || !summary_goes_on) {
			if (!(b = chat_block_add(a, end, CHAT_REASONING)))
				return false;
			parts = &b->blocks;
			b->id = d.id;
		}
		if (d.format.p)
			b->name = d.format;
		if (d.opaque.bytes.p)
			b->opaque = d.opaque;
		if (d.kind == DETAIL_SUMMARY) {
			struct chat_block *part = chat_block_add(a, &parts, CHAT_TEXT);
			if (!part)
				return false;
			part->text = d.text.p ? d.text : JSTR("");
		} else if (d.kind == DETAIL_TEXT) {
			b->text = d.text;
		} else {
			b->redacted = !b->blocks;
			b->id = d.id;
		}
		*any_text |= d.text.n > 0;
	}
	return true;
}

/* LiteLLM gives Anthropic's blocks as they are. */
static bool read_signed_blocks(struct arena *a, const struct json_node *list, struct chat_block ***end)
{
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct jstr token = node_get_text(v, STR("signature")), data = node_get_text(v, STR("data"));
		struct chat_block *b = chat_block_add(a, end, CHAT_REASONING);

		if (!b)
			return false;
		b->text = node_get_text(v, STR("thinking"));
		b->redacted = data.n > 0;
		b->opaque.bytes = data.n ? data : token.n ? token : (struct jstr){ 0 };
		b->opaque.maker = b->opaque.bytes.p ? MAKER_ANTHROPIC : MAKER_NONE;
	}
	return true;
}

bool openai_read_thoughts(struct arena *a, const struct openai_thoughts *t, struct chat_block ***end)
{
	bool any_text = false;
	struct chat_block *b, **start = *end;

	if (node_is(t->details, JSON_ARRAY) && !read_details(a, t->details, end, &any_text))
		return false;
	if (*end == start && node_is(t->signed_blocks, JSON_ARRAY)) {
		if (!read_signed_blocks(a, t->signed_blocks, end))
			return false;
		any_text = *end != start;
	}
	for (size_t i = 0; i < COUNT_OF(t->plain) && !any_text; i++) {
		struct jstr text = node_text(t->plain[i]);
		if (text.n == 0)
			continue;
		if (!(b = chat_block_add(a, end, CHAT_REASONING)))
			return false;
		b->text = text;
		any_text = true;
	}
	return true;
}

/* ---- tags -------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

int openai_tag_at(struct jstr s, struct str tag)
{
	const char *p = s.p, *end = s.p + s.n;

	for (size_t i = 0; i < tag.n; i++) {
		if (p == end)
			return -1;
		if (*p == tag.p[i])
			p++;
		else if (*p == '\\' && end - p >= 2 && p[1] == '/' && tag.p[i] == '/')
			p += 2;
		else if (*p == '\\' && end - p >= 6 && p[1] == 'u' && p[2] == '0' && p[3] == '0' &&
		         (hex_digit(p[4]) << 4 | hex_digit(p[5])) == tag.p[i])
			p += 6;
		else
			return 0;
	}
	return (int)(p - s.p);
}

size_t openai_tag_find(struct jstr s, struct str tag, int *length)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '<' && s.p[i] != '\\')
			continue;
		*length = openai_tag_at(jstr_of(s.p + i, s.n - i), tag);
		if (*length)
			return i;
		if (s.p[i] == '\\')
			i++;             /* what is escaped begins nothing */
	}
	*length = 0;
	return s.n;
}

/* ---- calls, citations, stop words -------------------------------------------------------------------------------- */

struct jstr openai_make_id(struct arena *a, uint64_t seed, uint32_t ordinal)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char *p = arena_alloc(a, 29);
	uint64_t h = seed + ordinal * 0x9e3779b97f4a7c15u;

	if (!p)
		return (struct jstr){ 0 };
	memcpy(p, "call_", 5);
	for (size_t i = 5; i < 29; i++) {
		h ^= h >> 30;
		h *= 0xbf58476d1ce4e5b9u;
		h ^= h >> 27;
		p[i] = letters[(h >> 32) % 62];
	}
	return jstr_of(p, 29);
}

struct chat_opaque openai_read_signature(const struct json_node *extra)
{
	struct jstr token = node_get_text(node_get(extra, STR("google")), STR("thought_signature"));

	return token.n ? (struct chat_opaque){ .bytes = token, .maker = MAKER_GEMINI } : (struct chat_opaque){ 0 };
}

bool openai_add_token(struct arena *a, struct chat_block *text, const struct chat_opaque *token)
{
	struct chat_block *rest = text->next, **end = &text->next, *b = chat_block_add(a, &end, CHAT_REASONING);

	if (!b)
		return false;
	b->next = rest;
	b->redacted = true;
	b->opaque = *token;
	return true;
}

struct chat_block *openai_read_call(struct arena *a, const struct json_node *call, uint64_t seed, uint32_t ordinal,
                                    struct chat_block ***end)
{
	enum { ID, TYPE, FUNCTION, CUSTOM, EXTRA, CACHE, INDEX, NAME, ARGUMENTS, N };
	static const struct str names[N] = {
		STR_INIT("id"), STR_INIT("type"), STR_INIT("function"), STR_INIT("custom"), STR_INIT("extra_content"),
		STR_INIT("cache_control"), STR_INIT("index"), STR_INIT("name"), STR_INIT("arguments"),
	};
	const struct json_node *at[N], *args;
	struct chat_block *b = chat_block_add(a, end, CHAT_TOOL_CALL);

	if (!b || !openai_members(a, call, names, N, at, &b->extras))
		return NULL;
	b->tool = at[CUSTOM] && !at[FUNCTION] ? TOOL_CUSTOM : TOOL_FUNCTION;
	b->id = node_text(at[ID]);
	b->opaque = openai_read_signature(at[EXTRA]);
	if (b->id.n == 0)
		b->id = openai_make_id(a, seed, ordinal);
	if (!b->id.p)
		return NULL;
	if (at[FUNCTION] || at[CUSTOM]) {
		const struct json_node *in = b->tool == TOOL_CUSTOM ? at[CUSTOM] : at[FUNCTION];
		b->name = node_get_text(in, STR("name"));
		args = node_get(in, b->tool == TOOL_CUSTOM ? STR("input") : STR("arguments"));
	} else {
		b->name = node_text(at[NAME]);
		args = at[ARGUMENTS];
	}
	if (node_is(args, JSON_STRING))
		b->args.text = node_text(args);
	else if (node_is(args, JSON_OBJECT))         /* some servers forget to make text of it */
		b->args.json = node_raw(args);
	if (!b->name.p)
		b->name = JSTR("");
	return b;
}

struct chat_citation *openai_read_citation(struct arena *a, const struct json_node *v)
{
	const struct json_node *url = node_get(v, STR("url_citation"));
	struct chat_citation *c = arena_zalloc(a, sizeof *c);

	if (!c)
		return NULL;
	c->from = DIALECT_OPENAI_CHAT;
	c->raw = node_raw(v);
	c->url = node_get_text(url, STR("url"));
	c->title = node_get_text(url, STR("title"));
	c->quote = node_get_text(url, STR("content"));          /* OpenRouter */
	c->start = node_i64(node_get(url, STR("start_index")), -1);
	c->end = node_i64(node_get(url, STR("end_index")), -1);
	return c;
}

const struct json_node *openai_logprobs(const struct json_node *v)
{
	const struct json_node *tokens = node_get_some(v, STR("content"));

	if (!node_first(tokens))
		tokens = node_get_some(v, STR("refusal"));
	return node_is(tokens, JSON_ARRAY) && node_first(tokens) ? tokens : NULL;
}

/* Words of finish_reason; those of the standard come first. Rule F2. */
static const struct { struct str word; enum chat_stop stop; } stops[] = {
	{ STR_INIT("stop"), STOP_END },
	{ STR_INIT("tool_calls"), STOP_TOOL },
	{ STR_INIT("length"), STOP_MAX_TOKENS },
	{ STR_INIT("content_filter"), STOP_FILTER },
	{ STR_INIT("function_call"), STOP_TOOL },
#define STANDARD_STOPS 5
	{ STR_INIT("eos"), STOP_END }, { STR_INIT("eos_token"), STOP_END }, { STR_INIT("end_turn"), STOP_END },
	{ STR_INIT("end"), STOP_END }, { STR_INIT("STOP"), STOP_END }, { STR_INIT("complete"), STOP_END },
	{ STR_INIT("stop_sequence"), STOP_SEQUENCE }, { STR_INIT("stop_str"), STOP_SEQUENCE },
	{ STR_INIT("max_tokens"), STOP_MAX_TOKENS }, { STR_INIT("max_output_tokens"), STOP_MAX_TOKENS },
	{ STR_INIT("MAX_TOKENS"), STOP_MAX_TOKENS }, { STR_INIT("model_length"), STOP_CONTEXT_FULL },
	{ STR_INIT("model_context_window_exceeded"), STOP_CONTEXT_FULL },
	{ STR_INIT("tool_use"), STOP_TOOL }, { STR_INIT("tool_call"), STOP_TOOL },
	{ STR_INIT("sensitive"), STOP_FILTER }, { STR_INIT("safety"), STOP_FILTER },
	{ STR_INIT("SAFETY"), STOP_FILTER },
	{ STR_INIT("recitation"), STOP_FILTER }, { STR_INIT("RECITATION"), STOP_FILTER },
	{ STR_INIT("PROHIBITED_CONTENT"), STOP_FILTER }, { STR_INIT("guardrail_intervened"), STOP_FILTER },
	{ STR_INIT("refusal"), STOP_REFUSAL }, { STR_INIT("pause_turn"), STOP_PAUSE },
	{ STR_INIT("error"), STOP_ERROR }, { STR_INIT("abort"), STOP_ERROR }, { STR_INIT("network_error"), STOP_ERROR },
	{ STR_INIT("insufficient_system_resource"), STOP_ERROR },
	{ STR_INIT("MALFORMED_FUNCTION_CALL"), STOP_ERROR },
};

void openai_read_finish(struct jstr word, bool calls, struct chat_finish *out)
{
	size_t i = 0;

	while (i < COUNT_OF(stops) && !jstr_is(word, stops[i].word))
		i++;
	out->stop = i < COUNT_OF(stops) ? (uint8_t)stops[i].stop : STOP_END;
	if (i >= STANDARD_STOPS)
		out->raw = word;
	if (calls && out->stop == STOP_END)
		out->stop = STOP_TOOL;
}
