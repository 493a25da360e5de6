/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_blocks: content blocks of Converse into the neutral model. Each is an object with one member, its kind. */
#include <stdio.h>

#include "base/text.h"
#include "dialect/bedrock_in.h"

bool bedrock_refuse(const struct bedrock_read *r, const char *member, const struct json_node *seen, const char *allowed)
{
	struct str value = seen ? text_utf8_cut(node_raw(seen), 64) : STR("it is missing, and");
	char place[96] = "";
	size_t n = 0;

	if (r->message >= 0)
		n += (size_t)snprintf(place, sizeof place, "messages[%d]", r->message);
	else if (r->block >= 0)
		n += (size_t)snprintf(place, sizeof place, "system[%d]", r->block);
	if (r->message >= 0 && r->block >= 0)
		n += (size_t)snprintf(place + n, sizeof place - n, ".content[%d]", r->block);
	if (r->inner >= 0)
		n += (size_t)snprintf(place + n, sizeof place - n, ".toolResult.content[%d]", r->inner);
	return err_set(r->err, ERR_INVALID_REQUEST, "%s%s%s: %.*s must be %s", place, n && *member ? "." : "", member,
	               STR_ARG(value), allowed);
}

bool bedrock_full(const struct bedrock_read *r)
{
	return err_set(r->err, ERR_TOO_LARGE, "the %s needs more memory than it may have",
	               r->answer ? "answer" : "request");
}

/* A member that must be a string; `member` is its name behind the block's own. */
static bool must_text(const struct bedrock_read *r, const struct json_node *v, struct str name, const char *member,
                      struct jstr *out)
{
	const struct json_node *m = node_get(v, name);

	*out = node_text(m);
	return out->p || bedrock_refuse(r, member, m, "a string");
}

/* ---- kinds of blocks: `whole` is the block, `v` the value of its member ---- */

static bool read_text(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                      struct chat_block *b)
{
	(void)whole;
	b->text = node_text(v);
	return b->text.p || bedrock_refuse(r, "text", v, "a string");
}

/* A result as a document: other dialects know texts only. */
static bool read_json(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                      struct chat_block *b)
{
	(void)whole;
	b->text = jstr_from(r->arena, node_raw(v));
	return b->text.p || bedrock_full(r);
}

static bool read_call(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                      struct chat_block *b)
{
	const struct json_node *input = node_get(v, STR("input"));

	if (!must_text(r, v, STR("toolUseId"), "toolUse.toolUseId", &b->id) ||
	    !must_text(r, v, STR("name"), "toolUse.name", &b->name))
		return false;
	if (node_is_word(node_get(v, STR("type")), STR("server_tool_use"))) {
		b->tool = TOOL_SERVER;
		b->raw = node_raw(whole);
		b->from = DIALECT_BEDROCK;
	}
	if (node_is(input, JSON_OBJECT))
		b->args.json = node_raw(input);
	else if (!input && r->answer)
		b->args.json = STR("{}");
	else if (!r->answer)
		return bedrock_refuse(r, "toolUse.input", input, "an object");
	else
		b->args.text = jstr_from(r->arena, node_raw(input));
	return b->args.json.p || b->args.text.p || bedrock_full(r);
}

static bool read_result(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                        struct chat_block *b)
{
	const struct json_node *content = node_get_some(v, STR("content")), *status = node_get_some(v, STR("status"));
	struct chat_block **end = &b->blocks;

	if (!must_text(r, v, STR("toolUseId"), "toolResult.toolUseId", &b->id))
		return false;
	if (r->answer || node_is(node_get(v, STR("type")), JSON_STRING)) {
		b->tool = TOOL_SERVER;
		b->raw = node_raw(whole);
		b->from = DIALECT_BEDROCK;
	}
	if (r->inner >= 0)
		return bedrock_refuse(r, "toolResult", v, "text, json, image, document, video or searchResult");
	if (status && !node_is_word(status, STR("success")) && !node_is_word(status, STR("error")) && !r->answer)
		return bedrock_refuse(r, "toolResult.status", status, "\"success\" or \"error\"");
	b->is_error = node_is_word(status, STR("error"));
	if (content && !node_is(content, JSON_ARRAY) && !r->answer)
		return bedrock_refuse(r, "toolResult.content", content, "an array of content blocks");
	r->inner = 0;
	bool good = !node_is(content, JSON_ARRAY) || bedrock_read_content(r, content, &end);
	if (good)
		r->inner = -1;
	return good;
}

static bool read_reasoning(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                           struct chat_block *b)
{
	const struct json_node *text = node_get(v, STR("reasoningText")),
			       *redacted = node_get(v, STR("redactedContent"));

	(void)whole;
	if (node_is(redacted, JSON_STRING)) {
		b->redacted = true;
		b->opaque = bedrock_read_opaque(r->arena, node_text(redacted), r->maker, true);
		b->text = JSTR("");
	} else {
		if (!must_text(r, text, STR("text"), "reasoningContent.reasoningText.text", &b->text))
			return false;
		b->opaque = bedrock_read_opaque(r->arena, node_get_text(text, STR("signature")), r->maker, false);
	}
	if (b->opaque.maker != MAKER_ANTHROPIC)
		b->id = b->opaque.id;
	return true;
}

static bool read_media(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                       struct chat_block *b)
{
	char member[32];

	(void)whole;
	b->media = bedrock_read_media(r->arena, (enum chat_kind)b->kind, v);
	if (b->media)
		return true;
	snprintf(member, sizeof member, "%.*s.source", (int)(v->key_n < 16 ? v->key_n : 16), v->key);
	return bedrock_refuse(
		r, member, node_get(v, STR("source")),
		b->kind == CHAT_DOCUMENT
			? "an object with base64 \"bytes\", a \"text\", a \"content\" or an \"s3Location\""
			: "an object with base64 \"bytes\" or an \"s3Location\"");
}

static bool read_citations(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                           struct chat_block *b)
{
	const struct json_node *content = node_get(v, STR("content")), *list = node_get(v, STR("citations"));
	struct chat_citation **end = &b->citations;

	(void)whole;
	b->text = bedrock_join_texts(r->arena, content, STR(""));
	if (!b->text.p && node_get_text(node_first(content), STR("text")).p)
		return bedrock_full(r);
	if (!b->text.p)
		b->text = JSTR("");
	for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
		*end = bedrock_read_citation(r->arena, c);
		if (*end)
			end = &(*end)->next;
	}
	return true;
}

/* What a guardrail shall look at: a text or an image all the same; that it is marked is kept for Bedrock. */
static bool read_guarded(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                         struct chat_block *b)
{
	const struct json_node *image = node_get(v, STR("image"));

	(void)whole;
	if (!chat_extra_add(r->arena, &b->extras, DIALECT_BEDROCK, JSTR("guardContent"), node_raw(v)))
		return bedrock_full(r);
	if (!image)
		return must_text(r, node_get(v, STR("text")), STR("text"), "guardContent.text.text", &b->text);
	b->kind = CHAT_IMAGE;
	b->media = bedrock_read_media(r->arena, CHAT_IMAGE, image);
	return b->media || bedrock_refuse(r, "guardContent.image", image, "an image with base64 bytes");
}

/* A client's own search result: a text with its title and address. */
static bool read_search_result(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                               struct chat_block *b)
{
	const struct json_node *content = node_get(v, STR("content"));
	struct chat_media *m = b->media = arena_zalloc(r->arena, sizeof *m);

	if (!m)
		return bedrock_full(r);
	m->from = MEDIA_TEXT;
	m->type = JSTR("text/plain");
	m->title = node_get_text(v, STR("title"));
	m->context = node_get_text(v, STR("source"));
	m->citations = tri_of(node_true(node_get(node_get(v, STR("citations")), STR("enabled"))));
	m->data = bedrock_join_texts(r->arena, content, STR("\\n\\n"));
	b->raw = node_raw(whole);
	b->from = DIALECT_BEDROCK;
	return m->data.p || bedrock_refuse(r, "searchResult.content", content, "an array of texts");
}

static bool read_raw(struct bedrock_read *r, const struct json_node *whole, const struct json_node *v,
                     struct chat_block *b)
{
	(void)r;
	b->name = v ? node_key(v) : (struct jstr){ 0 };
	b->raw = node_raw(whole);
	b->from = DIALECT_BEDROCK;
	return true;
}

struct block_type {
	struct str name;
	enum chat_kind kind;
	bool (*read)(struct bedrock_read *, const struct json_node *whole, const struct json_node *v,
	             struct chat_block *);
};

static const struct block_type types[] = {
	{ STR_INIT("text"), CHAT_TEXT, read_text },
	{ STR_INIT("toolUse"), CHAT_TOOL_CALL, read_call },
	{ STR_INIT("toolResult"), CHAT_TOOL_RESULT, read_result },
	{ STR_INIT("json"), CHAT_TEXT, read_json },
	{ STR_INIT("reasoningContent"), CHAT_REASONING, read_reasoning },
	{ STR_INIT("image"), CHAT_IMAGE, read_media },
	{ STR_INIT("document"), CHAT_DOCUMENT, read_media },
	{ STR_INIT("audio"), CHAT_AUDIO, read_media },
	{ STR_INIT("video"), CHAT_VIDEO, read_media },
	{ STR_INIT("citationsContent"), CHAT_TEXT, read_citations },
	{ STR_INIT("guardContent"), CHAT_TEXT, read_guarded },
	{ STR_INIT("searchResult"), CHAT_DOCUMENT, read_search_result },
};
static const struct block_type other = { STR_INIT(""), CHAT_RAW, read_raw };

/* The member that says what it is; some writers put a "type" beside it. */
static const struct block_type *find_type(const struct json_node *whole, const struct json_node **value)
{
	for (const struct json_node *m = node_first(whole); m; m = node_next(whole, m))
		for (size_t i = 0; i < COUNT_OF(types); i++)
			if (node_named(m, types[i].name)) {
				*value = m;
				return &types[i];
			}
	*value = node_first(whole);
	return &other;
}

static bool read_cache_point(struct bedrock_read *r, const struct json_node *v)
{
	const struct json_node *ttl = node_get_some(v, STR("ttl"));

	if (r->answer)
		return true;
	if (!node_is_word(node_get(v, STR("type")), STR("default")))
		return bedrock_refuse(r, "cachePoint", v, "an object of type \"default\"");
	if (ttl && !node_is_word(ttl, STR("5m")) && !node_is_word(ttl, STR("1h")))
		return bedrock_refuse(r, "cachePoint.ttl", ttl, "\"5m\" or \"1h\"");
	if (r->last)
		r->last->cache = ttl && node_is_word(ttl, STR("1h")) ? CACHE_1H : CACHE_5M;
	return true;
}

static bool read_block(struct bedrock_read *r, const struct json_node *whole, struct chat_block ***end)
{
	const struct json_node *point = node_get(whole, STR("cachePoint")), *v;
	const struct block_type *t;
	struct chat_block **at = *end, *b;

	if (!node_is(whole, JSON_OBJECT) || whole->children == 0)
		return r->answer || bedrock_refuse(r, "", whole, "a content block, such as {\"text\": \"…\"}");
	if (point && r->inner < 0)
		return read_cache_point(r, point);
	t = find_type(whole, &v);
	b = chat_block_add(r->arena, end, t->kind);
	if (!b)
		return bedrock_full(r);
	if (r->inner < 0)
		r->last = b;
	if (t->read(r, whole, v, b))
		return true;
	if (!r->answer)
		return false;
	/* An odd block of an answer: nothing but its bytes is of use. */
	*b = (struct chat_block){ .kind = CHAT_RAW };
	*end = &(*at)->next;
	r->inner = -1;
	return read_raw(r, whole, v, b);
}

bool bedrock_read_content(struct bedrock_read *r, const struct json_node *list, struct chat_block ***end)
{
	int *at = r->inner >= 0 ? &r->inner : &r->block;

	*at = 0;
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), ++*at)
		if (!read_block(r, m, end))
			return false;
	*at = -1;
	return true;
}
