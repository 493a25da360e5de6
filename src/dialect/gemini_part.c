/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_part: one part of a content, which is the same in requests, answers and streams. */

#include <assert.h>

#include "base/arena.h"
#include "dialect/gemini_in.h"

bool gemini_named(const struct json_node *m, struct str camel)
{
	const char *k = m->key, *end;

	if (m->key_n < camel.n || !k || *k != *camel.p)
		return false;
	end = k + m->key_n;
	for (size_t i = 0; i < camel.n; i++) {
		char c = camel.p[i];

		if (k == end)
			return false;
		if (*k != c) {
			if (c < 'A' || c > 'Z' || *k != '_' || k + 1 == end || k[1] != c + ('a' - 'A'))
				return false;
			k++;
		}
		k++;
	}
	return k == end;
}

const struct json_node *gemini_get(const struct json_node *object, struct str camel)
{
	const struct json_node *found = NULL;

	if (!node_is(object, JSON_OBJECT))
		return NULL;
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m))
		if (m->type != JSON_NULL && gemini_named(m, camel))
			found = m;
	return found;
}

const struct json_node *gemini_first(const struct json_node *list)
{
	return node_is(list, JSON_OBJECT) ? list : node_is(list, JSON_ARRAY) ? node_first(list) : NULL;
}

const struct json_node *gemini_after(const struct json_node *list, const struct json_node *element)
{
	return element == list ? NULL : node_next(list, element);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

enum word {
	WORD_TEXT, WORD_THOUGHT, WORD_SIGNATURE, WORD_CALL, WORD_RESPONSE, WORD_INLINE, WORD_FILE, WORD_CODE,
	WORD_CODE_RESULT, WORD_TOOL_CALL, WORD_TOOL_RESPONSE,
	WORDS
};

static const struct str words[WORDS] = {
	[WORD_TEXT] = STR_INIT("text"),
	[WORD_THOUGHT] = STR_INIT("thought"),
	[WORD_SIGNATURE] = STR_INIT("thoughtSignature"),
	[WORD_CALL] = STR_INIT("functionCall"),
	[WORD_RESPONSE] = STR_INIT("functionResponse"),
	[WORD_INLINE] = STR_INIT("inlineData"),
	[WORD_FILE] = STR_INIT("fileData"),
	[WORD_CODE] = STR_INIT("executableCode"),
	[WORD_CODE_RESULT] = STR_INIT("codeExecutionResult"),
	[WORD_TOOL_CALL] = STR_INIT("toolCall"),
	[WORD_TOOL_RESPONSE] = STR_INIT("toolResponse"),
};

static bool is_full(struct err *e) { return err_set(e, ERR_TOO_LARGE, "there is more of it than can be held"); }

static bool find_words(struct arena *a, const struct json_node *part, const struct json_node *at[WORDS],
                       struct chat_block *out, struct err *e)
{
	for (const struct json_node *m = node_first(part); m; m = node_next(part, m)) {
		unsigned w = 0;

		if (m->type == JSON_NULL)
			continue;
		while (w < WORDS && !gemini_named(m, words[w]))
			w++;
		if (w < WORDS)
			at[w] = m;
		else if (!chat_extra_add(a, &out->extras, DIALECT_GEMINI, node_key(m), node_raw(m)))
			return is_full(e);
	}
	return true;
}

static enum chat_kind media_kind(struct jstr type)
{
	struct str s = jstr_raw(type);

	return str_starts(s, STR("image/"))   ? CHAT_IMAGE
	       : str_starts(s, STR("audio/")) ? CHAT_AUDIO
	       : str_starts(s, STR("video/")) ? CHAT_VIDEO
	                                      : CHAT_DOCUMENT;
}

/* Bytes come in either alphabet of base64. */
static struct jstr plain_base64(struct arena *a, struct jstr s)
{
	char *p;

	if (!s.n || (!memchr(s.p, '-', s.n) && !memchr(s.p, '_', s.n)))
		return s;
	p = arena_alloc(a, s.n);
	if (!p)
		return (struct jstr){ 0 };
	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i];
	return jstr_of(p, s.n);
}

static bool read_inline(struct arena *a, const struct json_node *data, struct chat_block *out, struct err *e)
{
	struct chat_media *m = arena_zalloc(a, sizeof *m);
	struct jstr bytes = gemini_get_text(data, STR("data"));

	if (!m)
		return is_full(e);
	if (!bytes.p)
		return err_set(e, ERR_INVALID_REQUEST, "inlineData.data: must be a text of base64");
	*m = (struct chat_media){ .from = MEDIA_BYTES, .data = plain_base64(a, bytes),
		                  .type = gemini_get_text(data, STR("mimeType")),
		                  .name = gemini_get_text(data, STR("displayName")) };
	out->kind = (uint8_t)media_kind(m->type);
	out->media = m;
	return m->data.p || is_full(e);
}

/* Files of Google's Files API are known to Google alone. */
static bool is_google_file(struct str uri)
{
	return str_starts(uri, STR("https://generativelanguage.googleapis.com/")) || str_starts(uri, STR("files/"));
}

static bool read_file(struct arena *a, const struct json_node *data, struct chat_block *out, struct err *e)
{
	struct chat_media *m = arena_zalloc(a, sizeof *m);
	struct jstr uri = gemini_get_text(data, STR("fileUri"));

	if (!m)
		return is_full(e);
	if (!uri.p)
		return err_set(e, ERR_INVALID_REQUEST, "fileData.fileUri: must be a text");
	*m = (struct chat_media){ .from = is_google_file(jstr_raw(uri)) ? MEDIA_FILE : MEDIA_URL, .data = uri,
		                  .type = gemini_get_text(data, STR("mimeType")),
		                  .name = gemini_get_text(data, STR("displayName")) };
	out->kind = (uint8_t)media_kind(m->type);
	out->media = m;
	return true;
}

static bool read_call(const struct json_node *call, struct chat_block *out, struct err *e)
{
	const struct json_node *args = gemini_get(call, STR("args"));

	if (!node_is(call, JSON_OBJECT))
		return err_set(e, ERR_INVALID_REQUEST, "functionCall: must be an object");
	if (args && !node_is(args, JSON_OBJECT))
		return err_set(e, ERR_INVALID_REQUEST, "functionCall.args: must be an object");
	out->kind = CHAT_TOOL_CALL;
	out->id = gemini_get_text(call, STR("id"));
	if (out->id.n == 0)
		out->id.p = NULL;
	out->name = gemini_get_text(call, STR("name"));
	out->args.json = args ? node_raw(args) : STR("{}");
	return true;
}

/* What the provider's own tools were asked and answered: for those who can show it, and whole for Gemini itself. */
static bool read_server(struct arena *a, const struct json_node *const at[WORDS], struct chat_block *out)
{
	const struct json_node *call = at[WORD_CODE] ? at[WORD_CODE] : at[WORD_TOOL_CALL];
	const struct json_node *result = at[WORD_CODE_RESULT] ? at[WORD_CODE_RESULT] : at[WORD_TOOL_RESPONSE];
	const struct json_node *of = call ? call : result;
	struct jstr type = gemini_get_text(of, STR("toolType"));
	struct chat_block **end = &out->blocks;

	if (!of)
		return true;
	out->kind = call ? CHAT_TOOL_CALL : CHAT_TOOL_RESULT;
	out->tool = TOOL_SERVER;
	out->id = gemini_get_text(of, STR("id"));
	out->name = type.p ? type : JSTR("code_execution");
	if (call) {
		out->args.json = at[WORD_CODE] ? node_raw(call) : node_raw(gemini_get(call, STR("args")));
		return true;
	}
	struct jstr text = gemini_get_text(result, STR("output"));
	if (!text.p)
		return true;
	struct chat_block *b = chat_block_add(a, &end, CHAT_TEXT);
	if (b)
		b->text = text;
	return b != NULL;
}

static void read_signature(struct arena *a, struct jstr text, bool client, struct chat_opaque *out)
{
	if (text.n == 0 || (client && chat_opaque_unwrap(a, text, out)))
		return;
	*out = (struct chat_opaque){ .bytes = text, .maker = MAKER_GEMINI };
}

bool gemini_part_read(struct arena *a, const struct json_node *part, bool client, struct chat_block *out, struct err *e)
{
	const struct json_node *at[WORDS] = { NULL };

	*out = (struct chat_block){ .kind = CHAT_RAW, .from = DIALECT_GEMINI, .raw = node_raw(part) };
	if (!node_is(part, JSON_OBJECT))
		return err_set(e, ERR_INVALID_REQUEST, "must be an object");
	if (!find_words(a, part, at, out, e))
		return false;
	read_signature(a, node_text(at[WORD_SIGNATURE]), client, &out->opaque);
	if (at[WORD_CALL])
		return read_call(at[WORD_CALL], out, e);
	if (at[WORD_INLINE])
		return read_inline(a, at[WORD_INLINE], out, e);
	if (at[WORD_FILE])
		return read_file(a, at[WORD_FILE], out, e);
	if (at[WORD_RESPONSE])
		return true;
	if (at[WORD_CODE] || at[WORD_CODE_RESULT] || at[WORD_TOOL_CALL] || at[WORD_TOOL_RESPONSE])
		return read_server(a, at, out) || is_full(e);
	if (at[WORD_TEXT] && !node_is(at[WORD_TEXT], JSON_STRING))
		return err_set(e, ERR_INVALID_REQUEST, "text: must be a text");
	if (at[WORD_TEXT] || node_true(at[WORD_THOUGHT]) || out->opaque.maker || !out->extras) {
		out->kind = node_true(at[WORD_THOUGHT]) ? CHAT_REASONING : CHAT_TEXT;
		out->text = at[WORD_TEXT] ? node_text(at[WORD_TEXT]) : JSTR("");
		out->redacted = out->kind == CHAT_REASONING && out->text.n == 0;
	}
	return true;
}

bool gemini_part_is_empty(const struct chat_block *b)
{
	return (b->kind == CHAT_TEXT || b->kind == CHAT_REASONING) && b->text.n == 0 && !b->opaque.maker;
}

struct chat_block *gemini_signature_block(struct arena *a, struct chat_block *text, bool *full)
{
	struct chat_block *b;

	if (text->kind != CHAT_TEXT || !text->opaque.bytes.p)
		return NULL;
	b = arena_zalloc(a, sizeof *b);
	*full = !b;
	if (!b)
		return NULL;
	b->kind = CHAT_REASONING;
	b->redacted = true;
	b->text = JSTR("");
	b->opaque = text->opaque;
	text->opaque = (struct chat_opaque){ 0 };
	return b;
}

struct jstr gemini_call_id(struct arena *a, struct jstr seed, unsigned n)
{
	char *p = arena_alloc(a, 5 + seed.n + 12);
	size_t at = 5;

	if (!p)
		return (struct jstr){ 0 };
	memcpy(p, "call_", 5);
	for (size_t i = 0; i < seed.n && i < 40; i++)
		if ((seed.p[i] >= '0' && seed.p[i] <= '9') || (seed.p[i] >= 'A' && seed.p[i] <= 'Z') ||
		    (seed.p[i] >= 'a' && seed.p[i] <= 'z'))
			p[at++] = seed.p[i];
	if (at > 5)
		p[at++] = '_';
	return jstr_of(p, at + fmt_u64(p + at, n));
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void gemini_put_signature(struct gemini_put *put, const struct chat_opaque *o)
{
	struct jstr token = o->bytes;

	if (!token.p)
		return;
	if (o->maker != MAKER_GEMINI)
		token = chat_opaque_wrap(put->arena, o);
	put->full |= !token.p;
	json_key_lit(put->w, "thoughtSignature");
	json_jstr(put->w, token);
}

void gemini_put_text(struct gemini_put *put, struct jstr text, bool thought, const struct chat_opaque *o)
{
	json_open(put->w, '{');
	json_key_lit(put->w, "text");
	json_jstr(put->w, text);
	if (thought) {
		json_key_lit(put->w, "thought");
		json_bool(put->w, true);
	}
	if (o)
		gemini_put_signature(put, o);
	json_close(put->w);
}

void gemini_put_call(struct gemini_put *put, struct jstr id, struct jstr name, struct str args,
                     const struct chat_opaque *o)
{
	json_open(put->w, '{');
	json_key_lit(put->w, "functionCall");
	json_open(put->w, '{');
	if (id.n) {
		json_key_lit(put->w, "id");
		json_jstr(put->w, id);
	}
	json_key_lit(put->w, "name");
	json_jstr(put->w, name);
	json_key_lit(put->w, "args");
	json_raw(put->w, args);
	json_close(put->w);
	gemini_put_signature(put, o);
	json_close(put->w);
}

/* "wav" is OpenAI's word for audio/wav. */
static struct jstr media_type(struct gemini_put *put, const struct chat_block *b)
{
	struct jstr type = b->media->type, full;

	if (b->kind != CHAT_AUDIO || !type.n || memchr(type.p, '/', type.n))
		return type;
	if (jstr_is(type, STR("pcm16")))
		return JSTR("audio/L16;rate=24000");
	full = jstr_concat(put->arena, JSTR("audio/"), type);
	put->full |= !full.p;
	return full;
}

/* The members of a part that Gemini's clients give with a medium: videoMetadata, mediaResolution. */
static void put_extras(struct gemini_put *put, const struct chat_extra *x)
{
	for (; x; x = x->next)
		if (x->from == DIALECT_GEMINI) {
			json_key_jstr(put->w, x->name);
			json_raw(put->w, x->raw);
		}
}

void gemini_put_media(struct gemini_put *put, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	struct jstr type = media_type(put, b);
	bool bytes = m->from == MEDIA_BYTES;

	if (m->from == MEDIA_TEXT) {
		gemini_put_text(put, m->data, false, &b->opaque);
		return;
	}
	json_open(put->w, '{');
	if (bytes)
		json_key_lit(put->w, "inlineData");
	else
		json_key_lit(put->w, "fileData");
	json_open(put->w, '{');
	if (type.n) {
		json_key_lit(put->w, "mimeType");
		json_jstr(put->w, type);
	}
	if (bytes)
		json_key_lit(put->w, "data");
	else
		json_key_lit(put->w, "fileUri");
	json_jstr(put->w, m->data);
	json_close(put->w);
	gemini_put_signature(put, &b->opaque);
	put_extras(put, b->extras);
	json_close(put->w);
}
