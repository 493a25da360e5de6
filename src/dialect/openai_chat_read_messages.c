/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_read_messages: the messages of a Chat Completions request as turns. The results of tools in a row are one
 * turn of the user; system messages before the first turn are the system prompt, later ones turns of their own (P15).
 */

#include <stdarg.h>
#include <stdio.h>

#include "dialect/openai_chat_in.h"

#define PLACE_MAX 96

/* "messages[3].content[1].image_url" */
static const char *place(const struct openai_request_in *in, char out[PLACE_MAX], const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static const char *place(const struct openai_request_in *in, char out[PLACE_MAX], const char *fmt, ...)
{
	int n = snprintf(out, PLACE_MAX, "messages[%u]", in->index);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + n, PLACE_MAX - (size_t)n, fmt, args);
	va_end(args);
	return out;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

struct part {
	const struct json_node *node;
	unsigned index;
	struct chat_block ***end;
	struct chat_block *block;        /* what was made of it */
};

static bool add_block(struct openai_request_in *in, struct part *p, enum chat_kind kind)
{
	p->block = chat_block_add(in->arena, p->end, kind);
	return p->block || openai_full(in->err);
}

static bool add_media(struct openai_request_in *in, struct part *p, enum chat_kind kind, struct chat_media media)
{
	if (!add_block(in, p, kind))
		return false;
	p->block->media = arena_alloc(in->arena, sizeof media);
	if (!p->block->media)
		return openai_full(in->err);
	*p->block->media = media;
	return true;
}

static bool part_refused(struct openai_request_in *in, const struct part *p, const char *member, const char *allowed,
                         const struct json_node *v)
{
	char at[PLACE_MAX];

	return openai_refuse(in, place(in, at, ".content[%u].%s", p->index, member), allowed, v);
}

static bool read_url(struct openai_request_in *in, const struct part *p, const char *member, struct jstr url,
                     struct chat_media *out)
{
	char at[PLACE_MAX];

	if (chat_media_read_url(in->arena, url, out, in->err))
		return true;
	err_prefix(in->err, "%s", place(in, at, ".content[%u].%s", p->index, member));
	return false;
}

/* A document's address or data; some clients send base64 and no more. */
static bool read_file_data(struct openai_request_in *in, const struct part *p, const char *member, struct jstr data,
                           struct chat_media *out)
{
	static const struct jstr head = { "data:application/octet-stream;base64,", 37 };

	if (str_find_chr(str_slice(jstr_raw(data), 0, 64), ':') == STR_NPOS && data.n > 64) {
		data = jstr_concat(in->arena, head, data);
		if (!data.p)
			return openai_full(in->err);
	}
	return read_url(in, p, member, data, out);
}

static bool read_text_part(struct openai_request_in *in, struct part *p)
{
	const struct json_node *text = node_get(p->node, STR("text"));

	if (!node_is(text, JSON_STRING))
		return part_refused(in, p, "text", "a string", text);
	if (!add_block(in, p, CHAT_TEXT))
		return false;
	p->block->text = node_text(text);
	return true;
}

static bool read_refusal_part(struct openai_request_in *in, struct part *p)
{
	const struct json_node *text = node_get(p->node, STR("refusal"));

	if (!node_is(text, JSON_STRING))
		return part_refused(in, p, "refusal", "a string", text);
	if (!add_block(in, p, CHAT_REFUSAL))
		return false;
	p->block->text = node_text(text);
	return true;
}

static bool read_image_part(struct openai_request_in *in, struct part *p)
{
	const struct json_node *image = node_get(p->node, STR("image_url")),
			       *url = node_is(image, JSON_OBJECT) ? node_get(image, STR("url")) : image, *detail;
	struct chat_media media;

	if (!node_is(url, JSON_STRING))
		return part_refused(in, p, url == image ? "image_url" : "image_url.url",
		                    url == image ? "an object with a url" : "a string", url);
	if (!read_url(in, p, "image_url", node_text(url), &media))
		return false;
	detail = node_get_some(image, STR("detail"));
	if (detail && !node_is(detail, JSON_STRING))
		return part_refused(in, p, "image_url.detail", "a string", detail);
	media.detail = node_text(detail);
	return add_media(in, p, CHAT_IMAGE, media);
}

static bool read_audio_part(struct openai_request_in *in, struct part *p)
{
	static const struct { struct str format, type; } types[] = {
		{ STR_INIT("wav"), STR_INIT("audio/wav") }, { STR_INIT("mp3"), STR_INIT("audio/mpeg") },
		{ STR_INIT("flac"), STR_INIT("audio/flac") }, { STR_INIT("ogg"), STR_INIT("audio/ogg") },
		{ STR_INIT("aac"), STR_INIT("audio/aac") }, { STR_INIT("m4a"), STR_INIT("audio/mp4") },
		{ STR_INIT("aiff"), STR_INIT("audio/aiff") }, { STR_INIT("opus"), STR_INIT("audio/opus") },
	};
	const struct json_node *audio = node_get(p->node, STR("input_audio")),
			       *data = node_is(audio, JSON_STRING) ? audio : node_get(audio, STR("data"));
	struct jstr format = node_get_text(audio, STR("format")), text = node_text(data);
	struct chat_media media = { .from = MEDIA_BYTES, .data = text, .type = format };

	if (text.n == 0)
		return part_refused(in, p, "input_audio.data", "base64 of the audio", data);
	if (str_istarts(jstr_raw(text), STR("data:")) || str_istarts(jstr_raw(text), STR("http"))) {
		if (!read_url(in, p, "input_audio.data", text, &media))
			return false;
	} else {
		for (size_t i = 0; i < COUNT_OF(types); i++)
			if (jstr_is(format, types[i].format))
				media.type = jstr_of(types[i].type.p, types[i].type.n);
	}
	return add_media(in, p, CHAT_AUDIO, media);
}

static enum chat_kind kind_of_type(struct jstr type)
{
	if (str_starts(jstr_raw(type), STR("image/")))
		return CHAT_IMAGE;
	return str_starts(jstr_raw(type), STR("audio/")) ? CHAT_AUDIO : CHAT_DOCUMENT;
}

static bool read_file_part(struct openai_request_in *in, struct part *p)
{
	const struct json_node *file = node_get(p->node, STR("file"));
	struct jstr id = node_get_text(file, STR("file_id")), data = node_get_text(file, STR("file_data")),
		    name = node_get_text(file, STR("filename"));
	struct chat_media media = { 0 };

	if (id.n) {
		media = (struct chat_media){ .from = MEDIA_FILE, .data = id };
	} else if (data.n == 0) {
		return part_refused(in, p, "file", "an object with file_data or file_id", file);
	} else if (!read_file_data(in, p, "file.file_data", data, &media)) {
		return false;
	}
	media.name = name;
	return add_media(in, p, kind_of_type(media.type), media);
}

/* video_url, document_url (Mistral), file_url (Perplexity): an address, or an object with one. */
static bool read_url_part(struct openai_request_in *in, struct part *p, const char *member, enum chat_kind kind)
{
	const struct json_node *v = node_get(p->node, str_from_z(member)),
			       *url = node_is(v, JSON_OBJECT) ? node_get(v, STR("url")) : v;
	struct chat_media media;

	if (!node_is(url, JSON_STRING))
		return part_refused(in, p, member, "an address", v);
	if (!read_file_data(in, p, member, node_text(url), &media))
		return false;
	media.name = node_get_text(p->node, STR("document_name"));
	return add_media(in, p, kind, media);
}

static bool read_video_part(struct openai_request_in *in, struct part *p)
{
	return read_url_part(in, p, "video_url", CHAT_VIDEO);
}

static bool read_document_part(struct openai_request_in *in, struct part *p)
{
	return read_url_part(in, p, "document_url", CHAT_DOCUMENT);
}

static bool read_file_url_part(struct openai_request_in *in, struct part *p)
{
	return read_url_part(in, p, "file_url", CHAT_DOCUMENT);
}

/* Mistral */
static bool read_thinking_part(struct openai_request_in *in, struct part *p)
{
	const struct json_node *list = node_get(p->node, STR("thinking"));

	if (node_is(list, JSON_STRING)) {
		if (!add_block(in, p, CHAT_REASONING))
			return false;
		p->block->text = node_text(list);
		return true;
	}
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		if (!add_block(in, p, CHAT_REASONING))
			return false;
		p->block->text = node_get_text(v, STR("text"));
	}
	return true;
}

static const struct { struct str type; bool (*read)(struct openai_request_in *, struct part *); } part_types[] = {
	{ STR_INIT("text"), read_text_part }, { STR_INIT("image_url"), read_image_part },
	{ STR_INIT("input_audio"), read_audio_part }, { STR_INIT("file"), read_file_part },
	{ STR_INIT("refusal"), read_refusal_part }, { STR_INIT("video_url"), read_video_part },
	{ STR_INIT("document_url"), read_document_part }, { STR_INIT("file_url"), read_file_url_part },
	{ STR_INIT("thinking"), read_thinking_part }, { STR_INIT("input_text"), read_text_part },
	{ STR_INIT("output_text"), read_text_part },
};

static bool read_part(struct openai_request_in *in, const struct json_node *v, unsigned index, struct chat_block ***end)
{
	struct part p = { .node = v, .index = index, .end = end };
	const struct json_node *type = node_get(v, STR("type")), *mark;
	struct jstr word = node_text(type);
	char at[PLACE_MAX];

	if (node_is(v, JSON_STRING)) {
		if (!add_block(in, &p, CHAT_TEXT))
			return false;
		p.block->text = node_text(v);
		return true;
	}
	if (!node_is(v, JSON_OBJECT))
		return openai_refuse(in, place(in, at, ".content[%u]", index), "a part with a type", v);
	for (size_t i = 0; i < COUNT_OF(part_types); i++) {
		if (!jstr_is(word, part_types[i].type))
			continue;
		if (!part_types[i].read(in, &p))
			return false;
		mark = node_get_some(v, STR("cache_control"));
		if (!mark)
			mark = node_get_some(v, STR("prompt_cache_breakpoint"));
		if (p.block && mark)
			p.block->cache = (uint8_t)openai_read_cache(mark);
		return true;
	}
	return part_refused(in, &p, "type", "one of text, image_url, input_audio, file, refusal, video_url", type);
}

/* The content of a message; `needed`: null will not do. */
static bool read_content(struct openai_request_in *in, const struct json_node *v, bool needed, struct chat_block ***end)
{
	struct chat_block *b;
	unsigned index = 0;
	char at[PLACE_MAX];

	if (node_is(v, JSON_STRING)) {
		b = chat_block_add(in->arena, end, CHAT_TEXT);
		if (!b)
			return openai_full(in->err);
		b->text = node_text(v);
		return true;
	}
	if (node_is(v, JSON_ARRAY)) {
		for (const struct json_node *part = node_first(v); part; part = node_next(v, part))
			if (!read_part(in, part, index++, end))
				return false;
		return true;
	}
	if (!v && !needed)
		return true;
	return openai_refuse(in, place(in, at, ".content"), "a string or an array of parts", v);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

enum message_member {
	M_ROLE, M_CONTENT, M_NAME, M_CALLS, M_CALL_ID, M_FUNCTION_CALL, M_REFUSAL, M_AUDIO, M_REASONING_CONTENT,
	M_REASONING, M_THINKING, M_DETAILS, M_SIGNED, M_EXTRA, M_CACHE, M_ANNOTATIONS, M_COUNT
};
static const struct str message_names[M_COUNT] = {
	STR_INIT("role"), STR_INIT("content"), STR_INIT("name"), STR_INIT("tool_calls"), STR_INIT("tool_call_id"),
	STR_INIT("function_call"), STR_INIT("refusal"), STR_INIT("audio"), STR_INIT("reasoning_content"),
	STR_INIT("reasoning"), STR_INIT("thinking"), STR_INIT("reasoning_details"), STR_INIT("thinking_blocks"),
	STR_INIT("extra_content"), STR_INIT("cache_control"), STR_INIT("annotations"),
};

static struct chat_turn *add_turn(struct openai_request_in *in, const struct json_node *const at[M_COUNT],
                                  enum chat_role role)
{
	struct chat_turn *t = chat_turn_add(in->arena, &in->turns_end, role);

	if (!t)
		return NULL;
	t->index = in->index;
	t->name = node_text(at[M_NAME]);
	in->results = NULL;
	in->leading = false;
	return t;
}

/* A mark on a message is a mark on its last block. */
static void mark_last(const struct json_node *mark, struct chat_block *list)
{
	while (list && list->next)
		list = list->next;
	if (list && mark)
		list->cache = (uint8_t)openai_read_cache(mark);
}

static bool read_system(struct openai_request_in *in, const struct json_node *const at[M_COUNT])
{
	struct chat_block *first = NULL, **end = &first;
	struct chat_turn *t;

	if (!read_content(in, at[M_CONTENT], true, &end))
		return false;
	mark_last(at[M_CACHE], first);
	if (in->leading) {
		if (!first)
			return true;
		*in->system_end = first;
		in->system_end = end;
		if (!at[M_NAME])
			return true;
		struct str name = arena_printf(in->arena, "messages[%u].name", in->index);
		return (name.p && chat_extra_add(in->arena, &in->rq->extras, DIALECTS, jstr_of(name.p, name.n),
		                                 node_raw(at[M_NAME]))) || openai_full(in->err);
	}
	t = add_turn(in, at, ROLE_SYSTEM);
	if (!t)
		return openai_full(in->err);
	t->blocks = first;
	return true;
}

static bool read_user(struct openai_request_in *in, const struct json_node *const at[M_COUNT])
{
	struct chat_turn *t = add_turn(in, at, ROLE_USER);

	if (!t)
		return openai_full(in->err);
	struct chat_block **end = &t->blocks;
	if (!read_content(in, at[M_CONTENT], true, &end))
		return false;
	mark_last(at[M_CACHE], t->blocks);
	return true;
}

static bool read_calls(struct openai_request_in *in, const struct json_node *list, struct chat_block ***end)
{
	unsigned index = 0;
	char where[PLACE_MAX];

	if (!node_is(list, JSON_ARRAY))
		return openai_refuse(in, place(in, where, ".tool_calls"), "an array", list);
	for (const struct json_node *v = node_first(list), *args; v; v = node_next(list, v), index++) {
		struct jstr id = node_get_text(v, STR("id"));
		if (id.n == 0)
			return openai_refuse(in, place(in, where, ".tool_calls[%u].id", index),
			                     "the call's id, a string", node_get(v, STR("id")));
		struct chat_block *b = openai_read_call(in->arena, v, 0, 0, end);
		if (!b)
			return openai_full(in->err);
		if (b->name.n == 0)
			return err_set(in->err, ERR_INVALID_REQUEST, "%s: must be the name of a function",
			               place(in, where, ".tool_calls[%u].function.name", index));
		args = node_get_some(node_get_some(v, STR("function")), STR("arguments"));
		if (args && !node_is(args, JSON_STRING) && !node_is(args, JSON_OBJECT))
			return openai_refuse(in, place(in, where, ".tool_calls[%u].function.arguments", index),
			                     "a string", args);
		b->cache = (uint8_t)openai_read_cache(node_get_some(v, STR("cache_control")));
	}
	return true;
}

/* OpenRouter gives Gemini's signatures in a list beside the calls; here they belong to them. */
static void move_signatures(struct chat_turn *t)
{
	for (struct chat_block **at = &t->blocks, *b = *at; b; b = *at) {
		struct chat_block *call = b->redacted && b->opaque.maker == MAKER_GEMINI && b->id.n ? b->next : NULL;
		while (call && !(call->kind == CHAT_TOOL_CALL && jstr_eq(call->id, b->id)))
			call = call->next;
		if (call && !call->opaque.bytes.p) {
			call->opaque = (struct chat_opaque){ .bytes = b->opaque.bytes, .maker = MAKER_GEMINI };
			*at = b->next;
		} else {
			at = &b->next;
		}
	}
}

static bool read_old_call(struct openai_request_in *in, const struct json_node *call, struct chat_block ***end)
{
	struct chat_block *b = openai_read_call(in->arena, call, 0, in->old_calls++, end);
	char where[PLACE_MAX];

	in->rq->old_functions = true;
	if (!b)
		return openai_full(in->err);
	if (b->name.n == 0)
		return openai_refuse(in, place(in, where, ".function_call.name"), "the name of a function",
		                     node_get(call, STR("name")));
	in->old_id = b->id;
	in->old_name = b->name;
	return true;
}

/* Of an answer that came from here: sources of its text. False: the arena is full. */
static bool read_annotations(struct openai_request_in *in, const struct json_node *list, struct chat_block *text)
{
	struct chat_citation **end = text ? &text->citations : NULL;

	if (!text || text->kind != CHAT_TEXT || !node_is(list, JSON_ARRAY))
		return true;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), end = &(*end)->next)
		if (!(*end = openai_read_citation(in->arena, v)))
			return false;
	return true;
}

static bool read_assistant(struct openai_request_in *in, const struct json_node *const at[M_COUNT])
{
	const struct openai_thoughts thoughts = { at[M_DETAILS], at[M_SIGNED],
		                                  { at[M_REASONING_CONTENT], at[M_REASONING], at[M_THINKING] } };
	struct chat_turn *t = add_turn(in, at, ROLE_ASSISTANT);
	struct jstr refusal = node_text(at[M_REFUSAL]), audio = node_get_text(at[M_AUDIO], STR("id"));
	struct chat_block *b;

	if (!t)
		return openai_full(in->err);
	struct chat_block **end = &t->blocks;
	if (!openai_read_thoughts(in->arena, &thoughts, &end))
		return openai_full(in->err);
	struct chat_block **text = end;
	if (!read_content(in, at[M_CONTENT], false, &end))
		return false;
	if (*text && (*text)->kind == CHAT_TEXT && (*text)->text.n == 0 && !(*text)->next) {  /* "" beside calls */
		*text = NULL;
		end = text;
	}
	mark_last(at[M_CACHE], t->blocks);
	if (!read_annotations(in, at[M_ANNOTATIONS], *text))
		return openai_full(in->err);
	if (refusal.n) {
		if (!(b = chat_block_add(in->arena, &end, CHAT_REFUSAL)))
			return openai_full(in->err);
		b->text = refusal;
	}
	if (audio.n) {
		b = chat_block_add(in->arena, &end, CHAT_AUDIO);
		if (!b || !(b->media = arena_zalloc(in->arena, sizeof *b->media)))
			return openai_full(in->err);
		b->media->from = MEDIA_FILE;
		b->media->data = b->media->id = audio;
	}
	if (at[M_CALLS] && !read_calls(in, at[M_CALLS], &end))
		return false;
	if (at[M_FUNCTION_CALL] && !read_old_call(in, at[M_FUNCTION_CALL], &end))
		return false;
	struct chat_opaque token = openai_read_signature(at[M_EXTRA]);
	for (b = t->blocks; b && token.bytes.p; b = b->next) {
		if (b->kind == CHAT_TEXT && !at[M_CALLS]) {
			if (!openai_add_token(in->arena, b, &token))
				return openai_full(in->err);
			break;
		}
		if (b->kind == CHAT_TOOL_CALL) {
			b->opaque = b->opaque.bytes.p ? b->opaque : token;
			break;
		}
	}
	move_signatures(t);
	return true;
}

/* `id` p == NULL: a result of old, which names its function only. */
static bool read_result(struct openai_request_in *in, const struct json_node *const at[M_COUNT], struct jstr id)
{
	struct chat_turn *t = in->results;
	struct jstr name = node_text(at[M_NAME]);
	struct chat_block *b;

	if (!t) {
		t = add_turn(in, at, ROLE_USER);
		if (!t)
			return openai_full(in->err);
		t->name = (struct jstr){ 0 };
		in->results = t;
		in->results_end = &t->blocks;
	}
	b = chat_block_add(in->arena, &in->results_end, CHAT_TOOL_RESULT);
	if (!b)
		return openai_full(in->err);
	b->id = id;
	b->name = name;
	struct chat_block **end = &b->blocks;
	if (!read_content(in, at[M_CONTENT], true, &end))
		return false;
	b->cache = (uint8_t)openai_read_cache(at[M_CACHE]);
	for (struct chat_block *in_it = b->blocks; in_it; in_it = in_it->next)       /* a mark inside marks the whole */
		if (in_it->cache) {
			b->cache = in_it->cache;
			in_it->cache = CACHE_NO_MARK;
		}
	return true;
}

static bool read_tool(struct openai_request_in *in, const struct json_node *const at[M_COUNT])
{
	struct jstr id = node_text(at[M_CALL_ID]);
	char where[PLACE_MAX];

	if (id.n == 0)
		return openai_refuse(in, place(in, where, ".tool_call_id"), "the id of a tool call, a string",
		                     at[M_CALL_ID]);
	return read_result(in, at, id);
}

static bool read_function(struct openai_request_in *in, const struct json_node *const at[M_COUNT])
{
	struct jstr name = node_text(at[M_NAME]);
	char where[PLACE_MAX];

	in->rq->old_functions = true;
	if (name.n == 0 || !jstr_eq(name, in->old_name))
		return openai_refuse(in, place(in, where, ".name"), "the name of the function that was called before",
		                     at[M_NAME]);
	in->old_name = (struct jstr){ 0 };
	return read_result(in, at, in->old_id);
}

static const struct {
	struct str role;
	bool (*read)(struct openai_request_in *, const struct json_node *const at[M_COUNT]);
} roles[] = {
	{ STR_INIT("user"), read_user }, { STR_INIT("assistant"), read_assistant }, { STR_INIT("tool"), read_tool },
	{ STR_INIT("system"), read_system }, { STR_INIT("developer"), read_system },
	{ STR_INIT("function"), read_function },
};

static bool read_message(struct openai_request_in *in, const struct json_node *v)
{
	const struct json_node *at[M_COUNT];
	struct chat_extra *extras = NULL;
	char where[PLACE_MAX];

	if (!node_is(v, JSON_OBJECT))
		return openai_refuse(in, place(in, where, "%s", ""), "an object", v);
	if (!openai_members(in->arena, v, message_names, M_COUNT, at, &extras))
		return openai_full(in->err);
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		if (!node_is_word(at[M_ROLE], roles[i].role))
			continue;
		struct chat_turn **last = in->turns_end;
		if (!roles[i].read(in, at))
			return false;
		if (*last)
			(*last)->extras = extras;
		else if (in->results && !in->results->extras)
			in->results->extras = extras;
		return true;
	}
	return openai_refuse(in, place(in, where, ".role"),
	                     "one of system, developer, user, assistant, tool, function", at[M_ROLE]);
}

bool openai_read_messages(struct openai_request_in *in, const struct json_node *list)
{
	if (!node_is(list, JSON_ARRAY) || !node_first(list))
		return openai_refuse(in, "messages", "an array of messages that is not empty", list);
	in->leading = true;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), in->index++)
		if (!read_message(in, v))
			return false;
	return true;
}
