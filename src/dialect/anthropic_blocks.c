/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_blocks: content blocks of Messages into the neutral model. */
#include <stdio.h>

#include "base/text.h"
#include "dialect/anthropic_in.h"

static const struct str no_members[] = { STR_INIT("type"), STR_INIT("cache_control") };

bool anthropic_refuse(const struct anthropic_read *r, const char *member, const struct json_node *seen,
                      const char *allowed)
{
	struct str value = seen ? text_utf8_cut(node_raw(seen), 64) : STR("it is missing, and");
	char place[96] = "";
	size_t n = 0;

	if (r->system)
		n += (size_t)snprintf(place, sizeof place, "system");
	else if (r->message >= 0)
		n += (size_t)snprintf(place, sizeof place, "messages[%d]", r->message);
	if (r->block >= 0)
		n += (size_t)snprintf(place + n, sizeof place - n, r->system ? "[%d]" : ".content[%d]", r->block);
	if (r->inner >= 0)
		n += (size_t)snprintf(place + n, sizeof place - n, ".content[%d]", r->inner);
	return err_set(r->err, ERR_INVALID_REQUEST, "%s%s%s: %.*s must be %s", place, n && *member ? "." : "", member,
	               STR_ARG(value), allowed);
}

bool anthropic_full(const struct anthropic_read *r)
{
	return err_set(r->err, ERR_TOO_LARGE, "the %s needs more memory than it may have",
	               r->answer ? "answer" : "request");
}

bool anthropic_read_cache(const struct anthropic_read *r, const struct json_node *v, uint8_t *out)
{
	const struct json_node *ttl;

	*out = CACHE_NO_MARK;
	if (!v || v->type == JSON_NULL || r->answer)
		return true;
	if (!node_is_word(node_get(v, STR("type")), STR("ephemeral")))
		return anthropic_refuse(r, "cache_control", v, "an object of type \"ephemeral\"");
	ttl = node_get_some(v, STR("ttl"));
	if (ttl && !node_is_word(ttl, STR("5m")) && !node_is_word(ttl, STR("1h")))
		return anthropic_refuse(r, "cache_control.ttl", ttl, "\"5m\" or \"1h\"");
	*out = ttl && node_is_word(ttl, STR("1h")) ? CACHE_1H : CACHE_5M;
	return true;
}

/* Members beyond those of the list and `type` and `cache_control` are kept. */
static bool keep_extras(const struct anthropic_read *r, const struct json_node *v, struct chat_block *b,
                        const struct str *known, size_t n)
{
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		bool is_known = node_named(m, no_members[0]) || node_named(m, no_members[1]);
		for (size_t i = 0; i < n && !is_known; i++)
			is_known = node_named(m, known[i]);
		if (!is_known && m->type != JSON_NULL &&
		    !chat_extra_add(r->arena, &b->extras, DIALECT_ANTHROPIC, node_key(m), node_raw(m)))
			return anthropic_full(r);
	}
	return true;
}
#define KNOWN(r, v, b, ...)                                       \
	keep_extras(r, v, b, (const struct str[]){ __VA_ARGS__ }, \
	            sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))

/* A member that must be a string. An answer that has none is read as if it were empty. */
static bool must_text(const struct anthropic_read *r, const struct json_node *v, struct str name, struct jstr *out)
{
	const struct json_node *m = node_get(v, name);

	*out = node_text(m);
	if (out->p)
		return true;
	if (!r->answer)
		return anthropic_refuse(r, name.p, m, "a string");
	*out = JSTR("");
	return true;
}

struct chat_citation *anthropic_read_citation(struct arena *a, const struct json_node *v)
{
	struct chat_citation *c = node_is(v, JSON_OBJECT) ? arena_zalloc(a, sizeof *c) : NULL;

	if (!c)
		return NULL;
	c->url = node_get_text(v, STR("url"));
	if (!c->url.p && str_starts(jstr_raw(node_get_text(v, STR("source"))), STR("http")))
		c->url = node_get_text(v, STR("source"));
	c->title = node_get_text(v, STR("title"));
	if (!c->title.p)
		c->title = node_get_text(v, STR("document_title"));
	c->quote = node_get_text(v, STR("cited_text"));
	/* Their offsets are places in the source, not in the text. */
	c->start = c->end = -1;
	c->raw = node_raw(v);
	c->from = DIALECT_ANTHROPIC;
	return c;
}

struct chat_opaque anthropic_read_signature(struct arena *a, struct jstr text)
{
	struct chat_opaque o;

	if (text.n == 0)
		return (struct chat_opaque){ .maker = MAKER_NONE };
	if (chat_opaque_unwrap(a, text, &o))
		return o;
	return (struct chat_opaque){ .bytes = text, .maker = MAKER_ANTHROPIC };
}

/* ---- kinds of blocks --------------------------------------------------------------------------------------------- */

static bool read_text(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	const struct json_node *list = node_get(v, STR("citations"));
	struct chat_citation **end = &b->citations;

	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
			*end = anthropic_read_citation(r->arena, c);
			if (*end)
				end = &(*end)->next;
		}
	return must_text(r, v, STR("text"), &b->text) && KNOWN(r, v, b, STR("text"), STR("citations"));
}

static bool read_thinking(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	b->opaque = anthropic_read_signature(r->arena, node_get_text(v, STR("signature")));
	b->id = b->opaque.id;
	/* Nothing but another maker's token: such as Gemini's of a text, or reasoning that is encrypted. */
	b->redacted = b->opaque.bytes.p && b->opaque.maker != MAKER_ANTHROPIC && !node_get_text(v, STR("thinking")).n;
	return must_text(r, v, STR("thinking"), &b->text) && KNOWN(r, v, b, STR("thinking"), STR("signature"));
}

static bool read_redacted(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	struct jstr data;

	if (!must_text(r, v, STR("data"), &data))
		return false;
	b->redacted = true;
	b->opaque = anthropic_read_signature(r->arena, data);
	if (b->opaque.maker == MAKER_ANTHROPIC)
		b->opaque.id = ANTHROPIC_REDACTED;
	else
		b->id = b->opaque.id;
	return KNOWN(r, v, b, STR("data"));
}

static bool read_call(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	const struct json_node *input = node_get(v, STR("input"));

	if (!must_text(r, v, STR("id"), &b->id) || !must_text(r, v, STR("name"), &b->name))
		return false;
	if (node_is(input, JSON_OBJECT))
		b->args.json = node_raw(input);
	else if (input && !r->answer)
		return anthropic_refuse(r, "input", input, "an object");
	else if (input)
		b->args.text = jstr_from(r->arena, node_raw(input));
	else
		b->args.json = STR("{}");
	return true;
}

static bool read_tool_use(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	return read_call(r, v, b) && KNOWN(r, v, b, STR("id"), STR("name"), STR("input"));
}

static bool read_server_call(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	b->tool = TOOL_SERVER;
	b->raw = node_raw(v);
	b->from = DIALECT_ANTHROPIC;
	return read_call(r, v, b);
}

static bool read_server_result(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	b->tool = TOOL_SERVER;
	b->raw = node_raw(v);
	b->from = DIALECT_ANTHROPIC;
	b->id = node_get_text(v, STR("tool_use_id"));
	b->is_error = node_true(node_get(v, STR("is_error")));
	return true;
}

static bool read_tool_result(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	const struct json_node *content = node_get_some(v, STR("content")), *failed = node_get_some(v, STR("is_error"));
	struct chat_block **end = &b->blocks;

	if (!must_text(r, v, STR("tool_use_id"), &b->id))
		return false;
	if (failed && failed->type != JSON_BOOL && !r->answer)
		return anthropic_refuse(r, "is_error", failed, "true or false");
	b->is_error = node_true(failed);
	if (r->inner >= 0 && !r->answer)
		return anthropic_refuse(r, "type", node_get(v, STR("type")), "no tool_result inside of a tool_result");
	if (content) {
		r->inner = 0;
		if (!anthropic_read_content(r, content, &end))
			return false;
		r->inner = -1;
	}
	return KNOWN(r, v, b, STR("tool_use_id"), STR("content"), STR("is_error"));
}

/* Texts of a content that is a string or blocks of text, joined. Absent: there is something else in it. */
static struct jstr content_text(struct arena *a, const struct json_node *v)
{
	struct jstr all = JSTR("");

	if (node_is(v, JSON_STRING))
		return node_text(v);
	if (!node_is(v, JSON_ARRAY))
		return (struct jstr){ 0 };
	for (const struct json_node *b = node_first(v); b; b = node_next(v, b)) {
		struct jstr text = node_get_text(b, STR("text"));
		if (!text.p)
			return text;
		if (all.n)
			all = jstr_concat(a, all, JSTR("\\n\\n"));
		all = jstr_concat(a, all, text);
	}
	return all;
}

/* `source` of images and documents. */
static bool read_source(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	const struct json_node *source = node_get(v, STR("source"));
	const struct json_node *type = node_get(source, STR("type")), *data;
	struct chat_media *m = b->media = arena_zalloc(r->arena, sizeof *m);
	bool document = b->kind == CHAT_DOCUMENT;
	struct err why;

	if (!m)
		return anthropic_full(r);
	if (!node_is(source, JSON_OBJECT))
		return anthropic_refuse(r, "source", source, "an object");
	m->type = node_get_text(source, STR("media_type"));
	if (node_is_word(type, STR("base64")) || node_is_word(type, STR("text"))) {
		m->from = node_is_word(type, STR("text")) ? MEDIA_TEXT : MEDIA_BYTES;
		data = node_get(source, STR("data"));
		m->data = node_text(data);
		if (!m->data.p)
			return anthropic_refuse(r, "source.data", data, "a string");
		if (!m->type.p && m->from == MEDIA_BYTES)
			return anthropic_refuse(r, "source.media_type", node_get(source, STR("media_type")),
			                        "a string");
	} else if (node_is_word(type, STR("url"))) {
		m->from = MEDIA_URL;
		data = node_get(source, STR("url"));
		m->data = node_text(data);
		if (!m->data.p)
			return anthropic_refuse(r, "source.url", data, "a string");
		if (!r->answer && !chat_media_check_url(m->data, &why))
			return anthropic_refuse(r, "source.url", data, why.text);
	} else if (node_is_word(type, STR("file"))) {
		m->from = MEDIA_FILE;
		data = node_get(source, STR("file_id"));
		m->data = node_text(data);
		if (!m->data.p)
			return anthropic_refuse(r, "source.file_id", data, "a string");
	} else if (document && node_is_word(type, STR("content"))) {
		m->from = MEDIA_TEXT;
		m->data = content_text(r->arena, node_get(source, STR("content")));
		/* With images in it only Anthropic takes it. */
		if (!m->data.p)
			b->kind = CHAT_RAW;
		b->raw = node_raw(v);
		b->from = DIALECT_ANTHROPIC;
	} else {
		return anthropic_refuse(r, "source.type", type,
		                        document ? "\"base64\", \"text\", \"url\", \"file\" or \"content\""
		                                 : "\"base64\", \"url\" or \"file\"");
	}
	return true;
}

static bool read_image(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	return read_source(r, v, b) && KNOWN(r, v, b, STR("source"));
}

static bool read_document(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	const struct json_node *citations = node_get_some(v, STR("citations"));

	if (!read_source(r, v, b))
		return false;
	b->media->title = node_get_text(v, STR("title"));
	b->media->context = node_get_text(v, STR("context"));
	if (citations)
		b->media->citations = tri_of(node_true(node_get(citations, STR("enabled"))));
	return KNOWN(r, v, b, STR("source"), STR("title"), STR("context"), STR("citations"));
}

/* A client's own search result: a text with its title and address. */
static bool read_search_result(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	struct chat_media *m = b->media = arena_zalloc(r->arena, sizeof *m);
	const struct json_node *content = node_get(v, STR("content"));

	if (!m)
		return anthropic_full(r);
	m->from = MEDIA_TEXT;
	m->type = JSTR("text/plain");
	m->data = content_text(r->arena, content);
	m->title = node_get_text(v, STR("title"));
	m->context = node_get_text(v, STR("source"));
	m->citations = tri_of(node_true(node_get(node_get(v, STR("citations")), STR("enabled"))));
	if (!m->data.p)
		return anthropic_refuse(r, "content", content, "an array of text blocks");
	b->raw = node_raw(v);
	b->from = DIALECT_ANTHROPIC;
	return true;
}

static bool read_raw(struct anthropic_read *r, const struct json_node *v, struct chat_block *b)
{
	(void)r;
	b->name = node_get_text(v, STR("type"));
	b->raw = node_raw(v);
	b->from = DIALECT_ANTHROPIC;
	return true;
}

struct block_type {
	struct str name;
	enum chat_kind kind;
	bool (*read)(struct anthropic_read *, const struct json_node *, struct chat_block *);
};

static const struct block_type block_types[] = {
	{ STR_INIT("text"), CHAT_TEXT, read_text },
	{ STR_INIT("tool_use"), CHAT_TOOL_CALL, read_tool_use },
	{ STR_INIT("tool_result"), CHAT_TOOL_RESULT, read_tool_result },
	{ STR_INIT("thinking"), CHAT_REASONING, read_thinking },
	{ STR_INIT("redacted_thinking"), CHAT_REASONING, read_redacted },
	{ STR_INIT("image"), CHAT_IMAGE, read_image },
	{ STR_INIT("document"), CHAT_DOCUMENT, read_document },
	{ STR_INIT("search_result"), CHAT_DOCUMENT, read_search_result },
	{ STR_INIT("server_tool_use"), CHAT_TOOL_CALL, read_server_call },
	{ STR_INIT("mcp_tool_use"), CHAT_TOOL_CALL, read_server_call },
};
static const struct block_type server_result = { STR_INIT(""), CHAT_TOOL_RESULT, read_server_result };
static const struct block_type other = { STR_INIT(""), CHAT_RAW, read_raw };

static const struct block_type *find_type(struct str name)
{
	for (size_t i = 0; i < sizeof block_types / sizeof *block_types; i++)
		if (str_eq(block_types[i].name, name))
			return &block_types[i];
	/* web_search_tool_result, code_execution_tool_result, mcp_tool_result, … */
	return str_ends(name, STR("_tool_result")) ? &server_result : &other;
}

bool anthropic_read_block(struct anthropic_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *type = node_get(v, STR("type"));
	const struct block_type *t = find_type(jstr_raw(node_text(type)));
	struct chat_block **at = *end, *b;

	if (!node_is(v, JSON_OBJECT))
		return r->answer || anthropic_refuse(r, "", v, "a content block, that is an object with a type");
	if (!node_is(type, JSON_STRING)) {
		if (!r->answer)
			return anthropic_refuse(r, "type", type, "the type of a content block, such as \"text\"");
		t = &other;
	}
	b = chat_block_add(r->arena, end, t->kind);
	if (!b)
		return anthropic_full(r);
	if (!anthropic_read_cache(r, node_get(v, STR("cache_control")), &b->cache))
		return false;
	if (t->read(r, v, b))
		return true;
	if (!r->answer)
		return false;
	/* An odd block of an answer: nothing but its bytes is of use. */
	*b = (struct chat_block){ .kind = CHAT_RAW };
	*end = &(*at)->next;
	return read_raw(r, v, b);
}

bool anthropic_read_content(struct anthropic_read *r, const struct json_node *v, struct chat_block ***end)
{
	int *at = r->inner >= 0 ? &r->inner : &r->block;
	struct chat_block *b;

	if (node_is(v, JSON_STRING)) {
		b = chat_block_add(r->arena, end, CHAT_TEXT);
		if (!b)
			return anthropic_full(r);
		b->text = node_text(v);
		return true;
	}
	if (!node_is(v, JSON_ARRAY)) {
		*at = -1;
		return anthropic_refuse(r, r->system ? "" : "content", v, "a string or an array of content blocks");
	}
	*at = 0;
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m), ++*at)
		if (!anthropic_read_block(r, m, end))
			return false;
	*at = -1;
	return true;
}

/* ---- usage and stop ---------------------------------------------------------------------------------------------- */

static int64_t number_of(const struct json_node *object, struct str name)
{
	return node_i64(node_get(object, name), JSON_NO_NUMBER);
}

void anthropic_read_usage(const struct json_node *usage, struct usage *u)
{
	const struct json_node *made = node_get(usage, STR("cache_creation"));
	int64_t number[USE_NUMBERS] = {
		[USE_INPUT] = number_of(usage, STR("input_tokens")),
		[USE_READ] = number_of(usage, STR("cache_read_input_tokens")),
		[USE_WRITE] = number_of(usage, STR("cache_creation_input_tokens")),
		[USE_WRITE_5M] = number_of(made, STR("ephemeral_5m_input_tokens")),
		[USE_WRITE_1H] = number_of(made, STR("ephemeral_1h_input_tokens")),
		[USE_OUTPUT] = number_of(usage, STR("output_tokens")),
		[USE_THINKING] = number_of(node_get(usage, STR("output_tokens_details")), STR("thinking_tokens")),
		[USE_SEARCHES] = number_of(node_get(usage, STR("server_tool_use")), STR("web_search_requests")),
	};

	if (!node_is(usage, JSON_OBJECT))
		return;
	anthropic_usage_add(number, u);
	usage_lay_service(u, jstr_raw(node_get_text(usage, STR("service_tier"))));
	usage_lay_service(u, jstr_raw(node_get_text(usage, STR("speed"))));
	if (str_eq(jstr_raw(node_get_text(usage, STR("inference_geo"))), STR("us")))
		u->service |= SERVICE_REGIONAL;
}

void anthropic_read_finish(const struct json_node *message, struct chat_finish *f)
{
	static const struct {
		struct str reason;
		enum chat_stop stop;
	} stops[] = {
		{ STR_INIT("end_turn"), STOP_END },
		{ STR_INIT("tool_use"), STOP_TOOL },
		{ STR_INIT("max_tokens"), STOP_MAX_TOKENS },
		{ STR_INIT("stop_sequence"), STOP_SEQUENCE },
		{ STR_INIT("refusal"), STOP_REFUSAL },
		{ STR_INIT("pause_turn"), STOP_PAUSE },
		{ STR_INIT("compaction"), STOP_PAUSE },
		{ STR_INIT("model_context_window_exceeded"), STOP_CONTEXT_FULL },
	};
	const struct json_node *details = node_get_some(message, STR("stop_details"));

	*f = (struct chat_finish){ .stop = STOP_END, .raw = node_get_text(message, STR("stop_reason")) };
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
		if (jstr_is(f->raw, stops[i].reason))
			f->stop = (uint8_t)stops[i].stop;
	f->sequence = node_get_text(message, STR("stop_sequence"));
	if (details)
		f->detail = node_raw(details);
}
