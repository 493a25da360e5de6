/* SPDX-License-Identifier: Apache-2.0 */
/* responses_items: items of Responses as blocks. */
#include <stdio.h>

#include "dialect/dialect_in.h"
#include "dialect/responses_in.h"

enum { SEEN_MAX = 64 };

/* ---- refusals ---- */

bool responses_refuse(const struct responses_read *r, const char *member, const struct json_node *seen,
                      const char *allowed)
{
	char place[64] = "";
	int n = 0;

	if (r->item >= 0)
		n = snprintf(place, sizeof(place), "input[%d]", r->item);
	if (r->item >= 0 && r->part >= 0)
		n += snprintf(place + n, sizeof(place) - (size_t)n, ".content[%d]", r->part);
	if (n && member[0])
		snprintf(place + n, sizeof(place) - (size_t)n, ".");
	if (!seen)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s%s: is missing; it must be %s", place, member, allowed);
	return err_set(r->err, ERR_INVALID_REQUEST, "%s%s: %.*s%s must be %s", place, member,
	               (int)(seen->n < SEEN_MAX ? seen->n : SEEN_MAX), seen->p, seen->n > SEEN_MAX ? "..." : "",
	               allowed);
}

bool responses_full(const struct responses_read *r)
{
	return err_set(r->err, ERR_TOO_LARGE, "the text needs more memory than it may have");
}

/* ---- kinds of items ---- */

static const struct { struct str name; enum responses_item item; } item_types[] = {
	{ STR_INIT("message"), ITEM_MESSAGE },
	{ STR_INIT("function_call"), ITEM_FUNCTION_CALL },
	{ STR_INIT("function_call_output"), ITEM_FUNCTION_OUTPUT },
	{ STR_INIT("reasoning"), ITEM_REASONING },
	{ STR_INIT("custom_tool_call"), ITEM_CUSTOM_CALL },
	{ STR_INIT("custom_tool_call_output"), ITEM_CUSTOM_OUTPUT },
	{ STR_INIT("item_reference"), ITEM_REFERENCE },
	{ STR_INIT("web_search_call"), ITEM_SERVER_CALL },
	{ STR_INIT("file_search_call"), ITEM_SERVER_CALL },
	{ STR_INIT("code_interpreter_call"), ITEM_SERVER_CALL },
	{ STR_INIT("mcp_call"), ITEM_SERVER_CALL },
	{ STR_INIT("image_generation_call"), ITEM_IMAGE_CALL },
};

enum responses_item responses_item_of(const struct json_node *item)
{
	struct jstr type = node_get_text(item, STR("type"));

	if (!type.p)
		return node_get(item, STR("role")) ? ITEM_MESSAGE : ITEM_RAW;
	for (size_t i = 0; i < COUNT_OF(item_types); i++)
		if (jstr_is(type, item_types[i].name))
			return item_types[i].item;
	/* what the client's side of a tool came to */
	if (str_ends(jstr_raw(type), STR("_output")) || str_ends(jstr_raw(type), STR("_response")))
		return ITEM_RAW_OUTPUT;
	return ITEM_RAW;
}

enum chat_maker responses_maker(struct jstr model)
{
	struct str name = jstr_raw(model);
	size_t slash = str_find(name, STR("grok"));

	return slash == 0 || (slash != STR_NPOS && name.p[slash - 1] == '/') ? MAKER_XAI : MAKER_OPENAI;
}

/* ---- parts ---- */

struct chat_citation *responses_read_citation(struct arena *a, const struct json_node *v)
{
	struct chat_citation *c;

	if (!node_is(v, JSON_OBJECT))
		return NULL;
	c = arena_zalloc(a, sizeof *c);
	if (!c)
		return NULL;
	c->url = node_get_text(v, STR("url"));
	c->title = node_get_text(v, STR("title"));
	if (!c->title.p)
		c->title = node_get_text(v, STR("filename"));
	c->start = node_i64(node_get(v, STR("start_index")), -1);
	c->end = node_i64(node_get(v, STR("end_index")), -1);
	c->raw = node_raw(v);
	c->from = DIALECT_OPENAI_RESPONSES;
	return c;
}

static bool read_annotations(struct responses_read *r, const struct json_node *list, struct chat_block *b)
{
	struct chat_citation **end = &b->citations;

	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		if (!node_is(v, JSON_OBJECT))
			continue;
		*end = responses_read_citation(r->arena, v);
		if (!*end)
			return responses_full(r);
		end = &(*end)->next;
	}
	return true;
}

static struct chat_block *add_media(struct responses_read *r, struct chat_block ***end, enum chat_kind kind)
{
	struct chat_block *b = chat_block_add(r->arena, end, kind);

	if (b)
		b->media = arena_zalloc(r->arena, sizeof *b->media);
	if (b && b->media)
		return b;
	responses_full(r);
	return NULL;
}

static bool read_image(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *url = node_get_some(v, STR("image_url")), *file = node_get_some(v, STR("file_id"));
	struct chat_block *b = add_media(r, end, CHAT_IMAGE);
	char member[24] = "image_url";

	if (!b)
		return false;
	if (node_is(url, JSON_OBJECT))   /* as Chat Completions has it */
		url = node_get(url, STR("url"));
	if (node_is(url, JSON_STRING)) {
		if (!chat_media_read_url(r->arena, node_text(url), b->media, r->err))
			return r->part >= 0 ? err_prefix(r->err, "input[%d].content[%d].%s", r->item, r->part, member)
			                    : err_prefix(r->err, "input[%d].%s", r->item, member);
	} else if (node_is(file, JSON_STRING)) {
		b->media->from = MEDIA_FILE;
		b->media->data = node_text(file);
	} else {
		return responses_refuse(r, "image_url", url,
		                        "an address or a data: URI, or else file_id must be given");
	}
	b->media->detail = node_get_text(v, STR("detail"));
	return true;
}

static bool read_file(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *data = node_get_some(v, STR("file_data")), *url = node_get_some(v, STR("file_url")),
		*file = node_get_some(v, STR("file_id"));
	struct chat_block *b = add_media(r, end, CHAT_DOCUMENT);
	struct jstr text = data ? node_text(data) : node_text(url);

	if (!b)
		return false;
	if (text.p && (url == NULL || data) && !str_istarts(jstr_raw(text), STR("data:"))) {
		b->media->from = MEDIA_BYTES;    /* base64 without a label */
		b->media->data = text;
		b->media->type = JSTR("application/pdf");
	} else if (text.p) {
		if (!chat_media_read_url(r->arena, text, b->media, r->err))
			return err_prefix(r->err, "input[%d].content[%d].%s", r->item, r->part,
			                  data ? "file_data" : "file_url");
	} else if (node_is(file, JSON_STRING)) {
		b->media->from = MEDIA_FILE;
		b->media->data = node_text(file);
	} else {
		return responses_refuse(r, "file_data", data, "a data: URI, or else file_url or file_id must be given");
	}
	b->media->name = node_get_text(v, STR("filename"));
	return true;
}

static bool read_audio(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *audio = node_get(v, STR("input_audio")), *data = node_get(audio, STR("data"));
	struct chat_block *b = add_media(r, end, CHAT_AUDIO);

	if (!b)
		return false;
	if (!node_is(data, JSON_STRING))
		return responses_refuse(r, "input_audio.data", data, "base64");
	b->media->from = MEDIA_BYTES;
	b->media->data = node_text(data);
	b->media->type = node_get_text(audio, STR("format"));
	return true;
}

static bool read_text(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *text = node_get(v, STR("text"));
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_TEXT);

	if (!b)
		return responses_full(r);
	if (!node_is(text, JSON_STRING) && !r->answer)
		return responses_refuse(r, "text", text, "a string");
	b->text = text && text->type == JSON_STRING ? node_text(text) : JSTR("");
	return read_annotations(r, node_get(v, STR("annotations")), b);
}

static bool read_refusal(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_REFUSAL);
	struct jstr text = node_get_text(v, STR("refusal"));

	if (!b)
		return responses_full(r);
	b->text = text.p ? text : JSTR("");
	return true;
}

static struct chat_block *add_raw(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_RAW);

	if (!b) {
		responses_full(r);
		return NULL;
	}
	b->raw = node_raw(v);
	b->from = DIALECT_OPENAI_RESPONSES;
	b->name = node_get_text(v, STR("type"));
	return b;
}

static bool read_raw(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	return add_raw(r, v, end) != NULL;
}

typedef bool part_fn(struct responses_read *, const struct json_node *, struct chat_block ***);
static const struct { struct str type; part_fn *read; } parts[] = {
	{ STR_INIT("input_text"), read_text },
	{ STR_INIT("output_text"), read_text },
	{ STR_INIT("input_image"), read_image },
	{ STR_INIT("refusal"), read_refusal },
	{ STR_INIT("input_file"), read_file },
	{ STR_INIT("input_audio"), read_audio },
	{ STR_INIT("text"), read_text },
	{ STR_INIT("summary_text"), read_text },
};

static bool read_part(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *type = node_get(v, STR("type"));

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (node_is_word(type, parts[i].type))
			return parts[i].read(r, v, end);
	if (!r->answer && !node_is(type, JSON_STRING))
		return responses_refuse(r, node_is(v, JSON_OBJECT) ? "type" : "",
		                        node_is(v, JSON_OBJECT) ? type : v,
		                        "input_text, input_image, input_file, output_text or another type of content");
	return read_raw(r, v, end);
}

bool responses_read_content(struct responses_read *r, const struct json_node *content, struct jstr item_id,
                            struct chat_block ***end)
{
	struct chat_block *b;
	bool good = true;

	if (node_is(content, JSON_STRING)) {
		b = chat_block_add(r->arena, end, CHAT_TEXT);
		if (!b)
			return responses_full(r);
		b->text = node_text(content);
		b->item_id = item_id;
		return true;
	}
	if (!node_is(content, JSON_ARRAY))
		return r->answer || responses_refuse(r, "content", content, "a string or an array of parts");
	r->part = 0;
	for (const struct json_node *v = node_first(content); v && good; v = node_next(content, v), r->part++) {
		struct chat_block **first = *end;

		good = read_part(r, v, end);
		if (good && *first)
			(*first)->item_id = item_id;
	}
	r->part = -1;
	return good;
}

/* ---- items ---- */

static bool read_message(struct responses_read *r, const struct json_node *v, struct chat_block ***end,
                         enum chat_role *role)
{
	const struct json_node *who = node_get(v, STR("role"));

	if (node_is_word(who, STR("user")))
		*role = ROLE_USER;
	else if (node_is_word(who, STR("assistant")) || r->answer)
		*role = ROLE_ASSISTANT;
	else if (node_is_word(who, STR("system")) || node_is_word(who, STR("developer")))
		*role = ROLE_SYSTEM;
	else
		return responses_refuse(r, "role", who, "user, assistant, system or developer");
	return responses_read_content(r, node_get(v, STR("content")), node_get_text(v, STR("id")), end);
}

static bool read_call(struct responses_read *r, const struct json_node *v, struct chat_block ***end,
                      enum responses_item kind)
{
	const struct json_node *name = node_get(v, STR("name")), *id = node_get(v, STR("call_id")),
		*args = node_get(v, kind == ITEM_CUSTOM_CALL ? STR("input") : STR("arguments"));
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_TOOL_CALL);

	if (!b)
		return responses_full(r);
	if (!r->answer && !node_is(name, JSON_STRING))
		return responses_refuse(r, "name", name, "the name of a tool");
	if (!r->answer && !node_is(id, JSON_STRING))
		return responses_refuse(r, "call_id", id, "the id of a call");
	b->tool = kind == ITEM_CUSTOM_CALL ? TOOL_CUSTOM : TOOL_FUNCTION;
	b->item_id = node_get_text(v, STR("id"));
	b->id = node_text(id).n ? node_text(id) : b->item_id;
	b->name = node_text(name).p ? node_text(name) : JSTR("");
	if (node_is(args, JSON_OBJECT))
		b->args.json = node_raw(args);
	else
		b->args.text = node_text(args).n || kind == ITEM_CUSTOM_CALL ? node_text(args) : JSTR("{}");
	if (!b->args.text.p && !b->args.json.p)
		b->args.text = JSTR("");
	return true;
}

static bool read_output(struct responses_read *r, const struct json_node *v, struct chat_block ***end,
                        enum responses_item kind)
{
	const struct json_node *id = node_get(v, STR("call_id")), *output = node_get(v, STR("output"));
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_TOOL_RESULT), **inner;

	if (!b)
		return responses_full(r);
	if (!node_is(id, JSON_STRING))
		return responses_refuse(r, "call_id", id, "the id of a call");
	if (!node_is(output, JSON_STRING) && !node_is(output, JSON_ARRAY))
		return responses_refuse(r, "output", output, "a string or an array of parts");
	b->id = node_text(id);
	b->tool = kind == ITEM_CUSTOM_OUTPUT ? TOOL_CUSTOM : TOOL_FUNCTION;
	b->item_id = node_get_text(v, STR("id"));
	b->is_error = node_is_word(node_get(v, STR("status")), STR("failed"));
	inner = &b->blocks;
	return responses_read_content(r, output, (struct jstr){ 0 }, &inner);
}

struct chat_opaque responses_read_token(const struct responses_read *r, struct jstr token, struct jstr item_id)
{
	struct chat_opaque o = { 0 };

	if (!token.n || chat_opaque_unwrap(r->arena, token, &o))
		return o;
	return (struct chat_opaque){ .bytes = token, .id = item_id, .maker = r->maker };
}

/* The texts of an array of parts behind one another, with a blank line between. */
static bool join_texts(struct responses_read *r, const struct json_node *list, struct jstr *out)
{
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct jstr text = node_get_text(v, STR("text"));

		if (!text.p)
			continue;
		if (out->n)
			*out = jstr_concat(r->arena, *out, JSTR("\\n\\n"));
		*out = jstr_concat(r->arena, *out, text);
		if (!out->p)
			return responses_full(r);
	}
	return true;
}

static bool read_reasoning(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *summary = node_get(v, STR("summary"));
	struct jstr id = node_get_text(v, STR("id")), token = node_get_text(v, STR("encrypted_content"));
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_REASONING), **parts_end;
	bool ours;

	if (!b)
		return responses_full(r);
	b->id = id;
	b->opaque = responses_read_token(r, token, id);
	ours = token.n && !jstr_eq(b->opaque.bytes, token);
	parts_end = &b->blocks;
	for (const struct json_node *s = node_first(summary); s; s = node_next(summary, s)) {
		struct jstr text = node_get_text(s, STR("text"));
		struct chat_block *part = text.p ? chat_block_add(r->arena, &parts_end, CHAT_TEXT) : NULL;

		if (text.p && !part)
			return responses_full(r);
		if (part)
			part->text = text;
	}
	if (!join_texts(r, node_get(v, STR("content")), &b->text))
		return false;
	/* a thought of another maker, which we showed as a summary of one part, is its text again */
	if (ours && !r->answer && b->blocks && !b->blocks->next && !b->text.p) {
		b->text = b->blocks->text;
		b->blocks = NULL;
	}
	b->redacted = b->opaque.bytes.p && !b->text.n && !b->blocks;
	return true;
}

static bool read_server_call(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	struct chat_block *b = chat_block_add(r->arena, end, CHAT_TOOL_CALL);

	if (!b)
		return responses_full(r);
	b->tool = TOOL_SERVER;
	b->raw = node_raw(v);
	b->from = DIALECT_OPENAI_RESPONSES;
	b->id = b->item_id = node_get_text(v, STR("id"));
	b->name = node_get_text(v, STR("type"));
	return true;
}

/* A picture that the provider made is one for everybody (H3). */
static bool read_image_call(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	struct jstr result = node_get_text(v, STR("result")), format = node_get_text(v, STR("output_format"));
	struct chat_block *b;

	if (!result.n)
		return read_server_call(r, v, end);
	b = add_media(r, end, CHAT_IMAGE);
	if (!b)
		return false;
	b->raw = node_raw(v);
	b->from = DIALECT_OPENAI_RESPONSES;
	b->item_id = node_get_text(v, STR("id"));
	b->media->from = MEDIA_BYTES;
	b->media->data = result;
	b->media->type = jstr_is(format, STR("jpeg")) ? JSTR("image/jpeg")
	               : jstr_is(format, STR("webp")) ? JSTR("image/webp") : JSTR("image/png");
	return true;
}

static bool read_reference(struct responses_read *r, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *id = node_get(v, STR("id"));
	struct chat_block *b;

	if (!node_is(id, JSON_STRING))
		return responses_refuse(r, "id", id, "the id of an item");
	b = add_raw(r, v, end);
	if (b)
		b->id = node_text(id);
	return b != NULL;
}

bool responses_read_item(struct responses_read *r, const struct json_node *v, struct chat_block ***end,
                         enum chat_role *role)
{
	enum responses_item kind = responses_item_of(v);

	*role = ROLE_ASSISTANT;
	if (!node_is(v, JSON_OBJECT))
		return r->answer || responses_refuse(r, "", v, "an object");
	switch (kind) {
	case ITEM_MESSAGE:
		return read_message(r, v, end, role);
	case ITEM_FUNCTION_CALL:
	case ITEM_CUSTOM_CALL:
		return read_call(r, v, end, kind);
	case ITEM_FUNCTION_OUTPUT:
	case ITEM_CUSTOM_OUTPUT:
		*role = ROLE_USER;
		return r->answer ? read_raw(r, v, end) : read_output(r, v, end, kind);
	case ITEM_REASONING:
		return read_reasoning(r, v, end);
	case ITEM_REFERENCE:
		return r->answer ? read_raw(r, v, end) : read_reference(r, v, end);
	case ITEM_SERVER_CALL:
		return read_server_call(r, v, end);
	case ITEM_IMAGE_CALL:
		return read_image_call(r, v, end);
	case ITEM_RAW_OUTPUT:
		*role = ROLE_USER;
		return read_raw(r, v, end);
	case ITEM_RAW:
		if (!r->answer && !node_is(node_get(v, STR("type")), JSON_STRING))
			return responses_refuse(r, "type", node_get(v, STR("type")),
			                        "the type of an item, or a role must be given");
		return read_raw(r, v, end);
	}
	return true;
}

/* ---- usage and end ---- */

void responses_count_calls(const struct json_node *item, unsigned calls[USAGE_CALLS])
{
	const struct json_node *type = node_get(item, STR("type")), *action;

	if (node_is_word(type, STR("web_search_call"))) {
		action = node_get(node_get(item, STR("action")), STR("type"));
		calls[CALLS_WEB_SEARCH] += !action || node_is_word(action, STR("search"));
	} else if (node_is_word(type, STR("file_search_call"))) {
		calls[CALLS_SEARCH]++;
	}
}

void responses_read_usage(const struct json_node *response, struct usage *out)
{
	const struct json_node *usage = node_get_some(response, STR("usage")),
			       *output = node_get(response, STR("output"));
	struct jstr tier = node_get_text(response, STR("service_tier"));
	unsigned calls[USAGE_CALLS] = { 0 };

	if (node_is(usage, JSON_OBJECT))
		responses_usage_read(node_raw(usage), out);
	for (const struct json_node *v = node_first(output); v; v = node_next(output, v))
		responses_count_calls(v, calls);
	for (int i = 0; i < USAGE_CALLS; i++)
		if (calls[i])
			usage_set_calls(out, (enum usage_call)i, calls[i]);
	if (tier.n)
		out->service = (uint8_t)usage_service_of(jstr_raw(tier));
}

void responses_read_finish(const struct json_node *response, bool calls, bool refused, struct chat_finish *f)
{
	struct jstr status = node_get_text(response, STR("status"));
	struct jstr reason = node_get_text(node_get(response, STR("incomplete_details")), STR("reason"));

	*f = (struct chat_finish){ .raw = reason.n ? reason : status };
	if (jstr_is(status, STR("incomplete")))
		f->stop = jstr_is(reason, STR("content_filter")) ? STOP_FILTER : STOP_MAX_TOKENS;
	else
		f->stop = calls ? STOP_TOOL : refused ? STOP_REFUSAL : STOP_END;
}
