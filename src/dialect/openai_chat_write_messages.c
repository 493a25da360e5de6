/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_write_messages: turns as the messages of a Chat Completions request. One turn may become several
 * messages: each result of a tool is one, and what a result holds besides text goes into a message of the user behind
 * them all (rule T10).
 */

#include "base/text.h"
#include "dialect/openai_chat_in.h"
#include "model/facts.h"
#include "model/quirk.h"

struct media_format { struct str type, format; };
static const struct media_format audio_formats[] = {
	{ STR_INIT("audio/wav"), STR_INIT("wav") }, { STR_INIT("audio/x-wav"), STR_INIT("wav") },
	{ STR_INIT("audio/wave"), STR_INIT("wav") }, { STR_INIT("audio/mpeg"), STR_INIT("mp3") },
	{ STR_INIT("audio/mp3"), STR_INIT("mp3") }, { STR_INIT("audio/flac"), STR_INIT("flac") },
	{ STR_INIT("audio/ogg"), STR_INIT("ogg") }, { STR_INIT("audio/aac"), STR_INIT("aac") },
	{ STR_INIT("audio/mp4"), STR_INIT("m4a") }, { STR_INIT("audio/aiff"), STR_INIT("aiff") },
	{ STR_INIT("audio/opus"), STR_INIT("opus") }, { STR_INIT("audio/pcm"), STR_INIT("pcm16") },
};

/* Texts put together with something between; one alone is not copied. */
struct joint {
	struct arena *arena;
	struct jstr between, one;
	struct buf all;
	unsigned n;
};

static struct joint joint_make(struct openai_request_out *o, struct jstr between)
{
	return (struct joint){ .arena = o->arena, .between = between, .all = buf_make((size_t)1 << 30) };
}

static void joint_add(struct joint *j, struct jstr text)
{
	if (text.n == 0)
		return;
	if (j->n++ == 0) {
		j->one = text;
		return;
	}
	if (j->n == 2)
		buf_append_jstr(&j->all, j->one);
	buf_append_jstr(&j->all, j->between);
	buf_append_jstr(&j->all, text);
}

/* p == NULL: the arena is full. */
static struct jstr joint_take(struct joint *j)
{
	struct str all = { 0 };

	if (j->n < 2)
		return j->n ? j->one : JSTR("");
	if (!j->all.failed)
		all = arena_dup(j->arena, buf_str(&j->all));
	buf_fini(&j->all);
	return jstr_of(all.p, all.n);
}

static bool refuse(struct openai_request_out *o, const struct chat_turn *t, const char *what)
{
	return err_set(o->err, ERR_INVALID_REQUEST, "messages[%u]: %s", t ? t->index : 0, what);
}

void openai_write_cache(struct openai_request_out *o, enum chat_cache cache)
{
	if (cache == CACHE_NO_MARK || !openai_has_quirk(o, QUIRK_CACHE_CONTROL))
		return;
	json_key_lit(&o->w, "cache_control");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("ephemeral"));
	if (cache == CACHE_1H) {
		json_key_lit(&o->w, "ttl");
		json_str(&o->w, STR("1h"));
	}
	json_close(&o->w);
}

static void open_part(struct openai_request_out *o, struct str type)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, type);
}

static void write_text_part(struct openai_request_out *o, struct jstr text, enum chat_cache cache)
{
	open_part(o, STR("text"));
	json_key_lit(&o->w, "text");
	json_jstr(&o->w, text);
	openai_write_cache(o, cache);
	json_close(&o->w);
}

/* {"type":"<name>","<name>":{"url":…}} */
static bool write_url_part(struct openai_request_out *o, const struct chat_turn *t, struct str name,
                           const struct chat_media *m)
{
	struct jstr url = m->from == MEDIA_BYTES ? chat_media_data_url(o->arena, m) : m->data;

	if (!url.p)
		return openai_full(o->err);
	if (m->from == MEDIA_URL && !str_istarts(jstr_raw(url), STR("http")))
		return refuse(o, t, "media must be inline or at an http address for this provider");
	open_part(o, name);
	json_key(&o->w, name);
	json_open(&o->w, '{');
	json_key_lit(&o->w, "url");
	json_jstr(&o->w, url);
	if (m->detail.n) {
		json_key_lit(&o->w, "detail");
		json_jstr(&o->w, m->detail);
	}
	json_close(&o->w);
	return true;
}

static bool write_audio(struct openai_request_out *o, const struct chat_turn *t, const struct chat_media *m)
{
	struct jstr format = m->type;

	if (m->from != MEDIA_BYTES)
		return refuse(o, t, "audio must be inline for this provider");
	for (size_t i = 0; i < COUNT_OF(audio_formats); i++)
		if (jstr_is(m->type, audio_formats[i].type))
			format = jstr_of(audio_formats[i].format.p, audio_formats[i].format.n);
	open_part(o, STR("input_audio"));
	json_key_lit(&o->w, "input_audio");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "data");
	json_jstr(&o->w, m->data);
	json_key_lit(&o->w, "format");
	json_jstr(&o->w, format.n ? format : JSTR("wav"));
	json_close(&o->w);
	return true;
}

/* A document that is text stands in the message, under its title (T18). p == NULL: it is none. */
static struct jstr document_text(struct openai_request_out *o, const struct chat_media *m)
{
	struct buf b = buf_make(m->data.n + 4);
	struct jstr text = { 0 };
	struct str bytes;

	if (m->from == MEDIA_TEXT)
		return m->data;
	if (m->from != MEDIA_BYTES || !str_starts(jstr_raw(m->type), STR("text/")))
		return text;
	if (text_from_base64(&b, jstr_raw(m->data)) && text_is_utf8(buf_str(&b))) {
		bytes = arena_dup(o->arena, buf_str(&b));
		if (bytes.p)
			text = jstr_from(o->arena, bytes);
	}
	buf_fini(&b);
	return text;
}

static bool write_file(struct openai_request_out *o, const struct chat_turn *t, const struct chat_media *m)
{
	struct jstr name = m->name.n ? m->name : m->title.n ? m->title : JSTR("document.pdf");

	if (m->from == MEDIA_URL && openai_has_quirk(o, QUIRK_REASONING_PARTS)) {              /* Mistral */
		open_part(o, STR("document_url"));
		json_key_lit(&o->w, "document_url");
		json_jstr(&o->w, m->data);
		return true;
	}
	if (m->from == MEDIA_URL && !openai_has_quirk(o, QUIRK_REASONING_DETAILS))
		return refuse(o, t, "documents must be inline for this provider");
	if (m->from == MEDIA_FILE && o->rq->from != DIALECT_OPENAI_CHAT && o->rq->from != DIALECT_OPENAI_RESPONSES)
		return refuse(o, t, "files of another provider are not there: send the data");
	open_part(o, STR("file"));
	json_key_lit(&o->w, "file");
	json_open(&o->w, '{');
	if (m->from == MEDIA_FILE) {
		json_key_lit(&o->w, "file_id");
		json_jstr(&o->w, m->data);
	} else {
		struct jstr data = m->from == MEDIA_URL ? m->data : chat_media_data_url(o->arena, m);
		if (!data.p)
			return openai_full(o->err);
		json_key_lit(&o->w, "filename");
		json_jstr(&o->w, name);
		json_key_lit(&o->w, "file_data");
		json_jstr(&o->w, data);
	}
	json_close(&o->w);
	return true;
}

static bool write_document(struct openai_request_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	struct jstr text = document_text(o, m), title = m->title.n ? m->title : m->name;

	if (m->citations == TRI_YES)
		chat_drop(&o->wire->drops, "citations");
	if (!text.p)
		return write_file(o, t, m);
	if (title.n) {
		text = jstr_concat(o->arena, jstr_concat(o->arena, title, JSTR("\\n\\n")), text);
		if (!text.p)
			return openai_full(o->err);
	}
	open_part(o, STR("text"));
	json_key_lit(&o->w, "text");
	json_jstr(&o->w, text);
	return true;
}

/* A part that is no text. The object stays open for its cache mark. *written: there is one. */
static bool write_media(struct openai_request_out *o, const struct chat_turn *t, const struct chat_block *b,
                        bool *written)
{
	*written = true;
	switch ((enum chat_kind)b->kind) {
	case CHAT_IMAGE:
		if (b->media->from == MEDIA_FILE)
			return write_file(o, t, b->media);
		return write_url_part(o, t, STR("image_url"), b->media);
	case CHAT_AUDIO: return write_audio(o, t, b->media);
	case CHAT_VIDEO:
		if (!o->lax)
			return refuse(o, t, "this provider takes no video");
		return write_url_part(o, t, STR("video_url"), b->media);
	case CHAT_DOCUMENT: return write_document(o, t, b);
	case CHAT_TEXT: case CHAT_REFUSAL: case CHAT_REASONING: case CHAT_TOOL_CALL: case CHAT_TOOL_RESULT:
	case CHAT_RAW: case CHAT_KINDS: break;
	}
	*written = false;
	return true;
}

static bool write_part(struct openai_request_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	bool written;

	if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL) {
		write_text_part(o, b->text, (enum chat_cache)b->cache);
		return true;
	}
	if (b->kind == CHAT_RAW) {
		if (b->from == DIALECT_OPENAI_CHAT)
			json_raw(&o->w, b->raw);
		else
			chat_drop(&o->wire->drops, "messages[%u].content", t->index);
		return true;
	}
	if (!write_media(o, t, b, &written))
		return false;
	if (written) {
		openai_write_cache(o, (enum chat_cache)b->cache);
		json_close(&o->w);
	}
	return true;
}

/* ---- results of tools -------------------------------------------------------------------------------------------- */

static bool is_media(const struct chat_block *b)
{
	return b->kind == CHAT_IMAGE || b->kind == CHAT_AUDIO || b->kind == CHAT_VIDEO || b->kind == CHAT_DOCUMENT;
}

static struct jstr fit_call_id(struct openai_request_out *o, struct jstr id)
{
	if (openai_has_quirk(o, QUIRK_CALL_ID_9))
		return chat_fit_id(o->arena, id, ALPHABET_ALNUM, 9, true);
	return id.n <= 64 ? id : chat_fit_id(o->arena, id, ALPHABET_WORD_DASH, 64, false);
}

static bool says_error(struct jstr text)
{
	struct str s = str_trim(jstr_raw(text));

	return str_istarts(s, STR("error")) || str_istarts(s, STR("<tool_use_error>")) ||
	       str_istarts(s, STR("{\\\"error"));
}

/* The text of a result; what else it holds is said to follow. p == NULL: the arena is full. */
static struct jstr result_text(struct openai_request_out *o, const struct chat_turn *t, const struct chat_block *result)
{
	struct joint j = joint_make(o, JSTR("\\n"));

	for (const struct chat_block *b = result->blocks; b; b = b->next) {
		struct jstr doc = b->kind == CHAT_DOCUMENT ? document_text(o, b->media) : (struct jstr){ 0 };
		if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL)
			joint_add(&j, b->text);
		else if (doc.p)
			joint_add(&j, doc);
		else if (is_media(b))
			joint_add(&j, JSTR("[The tool's media follow in the next message.]"));
		else
			chat_drop(&o->wire->drops, "messages[%u].content", t->index);
	}
	struct jstr text = joint_take(&j);
	if (result->is_error && text.p && !says_error(text))                                   /* T11 */
		text = jstr_concat(o->arena, JSTR("Error: "), text);
	return text;
}

static bool write_results(struct openai_request_out *o, const struct chat_turn *t, bool *media)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind != CHAT_TOOL_RESULT)
			continue;
		if (b->tool == TOOL_SERVER) {
			chat_drop(&o->wire->drops, "messages[%u].content", t->index);
			continue;
		}
		struct jstr text = result_text(o, t, b), id = fit_call_id(o, b->id);
		if (!text.p || !id.p)
			return openai_full(o->err);
		json_open(&o->w, '{');
		json_key_lit(&o->w, "role");
		json_str(&o->w, STR("tool"));
		json_key_lit(&o->w, "tool_call_id");
		json_jstr(&o->w, id);
		json_key_lit(&o->w, "content");
		json_jstr(&o->w, text);
		uint8_t cache = b->cache;
		for (const struct chat_block *in = b->blocks; in; in = in->next) {
			*media |= is_media(in);
			cache = in->cache ? in->cache : cache;
		}
		openai_write_cache(o, (enum chat_cache)cache);
		json_close(&o->w);
	}
	return true;
}

/* The media of all results, each behind a label that names its call. */
static bool write_result_media(struct openai_request_out *o, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		bool labelled = false;
		for (const struct chat_block *in = b->kind == CHAT_TOOL_RESULT ? b->blocks : NULL; in; in = in->next) {
			if (!is_media(in) || (in->kind == CHAT_DOCUMENT && document_text(o, in->media).p))
				continue;
			if (!labelled) {
				struct jstr label = jstr_concat(o->arena, JSTR("Media of the result of tool call "),
				                                b->id);
				if (!label.p)
					return openai_full(o->err);
				write_text_part(o, label, CACHE_NO_MARK);
				labelled = true;
			}
			if (!write_part(o, t, in))
				return false;
		}
	}
	return true;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void open_message(struct openai_request_out *o, struct str role)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "role");
	json_str(&o->w, role);
}

static void close_message(struct openai_request_out *o, const struct chat_turn *t)
{
	if (t->name.n && !openai_has_quirk(o, QUIRK_NO_MESSAGE_NAME)) {
		json_key_lit(&o->w, "name");
		json_jstr(&o->w, t->name);
	} else if (t->name.n) {
		chat_drop(&o->wire->drops, "messages[%u].name", t->index);
	}
	for (const struct chat_extra *x = t->extras; x; x = x->next) {
		if (x->from == DIALECT_OPENAI_CHAT && o->lax) {
			if (buf_append_c(o->w.out, ',')) {
				buf_append_c(o->w.out, '"');
				buf_append_jstr(o->w.out, x->name);
				buf_append(o->w.out, STR("\":"));
				buf_append(o->w.out, x->raw);
			}
		} else {
			chat_drop(&o->wire->drops, "messages[%u].%.*s", t->index, STR_ARG(x->name));
		}
	}
	json_close(&o->w);
}

/* What stands in content: not results of tools. */
static bool is_content(const struct chat_block *b) { return b->kind != CHAT_TOOL_RESULT && b->kind != CHAT_TOOL_CALL; }

/* All texts as one, and one more; p == NULL: the arena is full. */
static struct jstr joined_text(struct openai_request_out *o, const struct chat_block *list, struct jstr more)
{
	struct joint j = joint_make(o, JSTR("\\n\\n"));

	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_TEXT)
			joint_add(&j, b->text);
	joint_add(&j, more);
	return joint_take(&j);
}

static bool write_user(struct openai_request_out *o, const struct chat_turn *t)
{
	bool media = false, only_text = true;
	unsigned n = 0;

	if (!write_results(o, t, &media))
		return false;
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		n += is_content(b);
		only_text &= b->kind == CHAT_TEXT || !is_content(b);
	}
	if (n == 0 && !media)
		return true;
	open_message(o, STR("user"));
	json_key_lit(&o->w, "content");
	const struct chat_block *text = t->blocks;
	while (text && text->kind != CHAT_TEXT)
		text = text->next;
	bool marked = text && text->cache && openai_has_quirk(o, QUIRK_CACHE_CONTROL);
	if (!media && only_text && (n == 1 || openai_has_quirk(o, QUIRK_PLAIN_CONTENT)) && !marked) {
		struct jstr all = joined_text(o, t->blocks, JSTR(""));
		if (!all.p)
			return openai_full(o->err);
		json_jstr(&o->w, all);
	} else {
		json_open(&o->w, '[');
		if (media && !write_result_media(o, t))
			return false;
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (is_content(b) && !write_part(o, t, b))
				return false;
		json_close(&o->w);
	}
	close_message(o, t);
	return true;
}

/* May this thought go back to the provider: is it its own, or nobody's (O9)? */
static bool is_replayable(const struct chat_block *b)
{
	return b->kind == CHAT_REASONING && (!b->opaque.bytes.p || b->opaque.maker == MAKER_OTHER);
}

/* Tokens of calls that are not sent are reported. */
static void note_thoughts(struct openai_request_out *o, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		bool signature = b->opaque.bytes.n && b->opaque.maker == MAKER_GEMINI &&
		                 openai_has_quirk(o, QUIRK_EXTRA_CONTENT);

		if (b->kind == CHAT_TOOL_CALL && !signature && b->opaque.bytes.n)
			chat_drop(&o->wire->drops, "thought_signature");
	}
}

static bool write_thoughts(struct openai_request_out *o, const struct chat_turn *t, bool calls)
{
	struct joint j = joint_make(o, JSTR("\\n\\n"));
	uint32_t index = 0;
	bool any = false;

	if (openai_has_quirk(o, QUIRK_REASONING_DETAILS)) {                                   /* O5 */
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			any |= b->kind == CHAT_REASONING || (b->kind == CHAT_TOOL_CALL && b->opaque.bytes.p);
		if (!any)
			return true;
		json_key_lit(&o->w, "reasoning_details");
		json_open(&o->w, '[');
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			openai_write_details(&o->w, b, &index);
		json_close(&o->w);
		return true;
	}
	if (!openai_has_quirk(o, QUIRK_REASONING_REPLAY) || !calls) {                         /* O6 */
		note_thoughts(o, t);
		return true;
	}
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (is_replayable(b)) {
			joint_add(&j, b->text);
			for (const struct chat_block *p = b->blocks; p; p = p->next)
				joint_add(&j, p->text);
		}
	struct jstr text = joint_take(&j);
	if (!text.p)
		return openai_full(o->err);
	if (text.n) {
		json_key(&o->w,
		         openai_has_quirk(o, QUIRK_REASONING_MEMBER) ? STR("reasoning") : STR("reasoning_content"));
		json_jstr(&o->w, text);
	}
	return true;
}

static bool write_custom_as_function(struct openai_request_out *o, const struct chat_block *b)
{
	struct jstr inner = chat_args_text(o->arena, &b->args), quoted;
	char *p = inner.p ? arena_alloc(o->arena, inner.n + 12) : NULL;

	if (!p)
		return openai_full(o->err);
	memcpy(p, "{\"input\":\"", 10);
	memcpy(p + 10, inner.p, inner.n);
	memcpy(p + 10 + inner.n, "\"}", 2);
	quoted = jstr_from(o->arena, str_of(p, inner.n + 12));
	if (!quoted.p)
		return openai_full(o->err);
	json_jstr(&o->w, quoted);
	return true;
}

static bool write_call(struct openai_request_out *o, const struct chat_block *b, bool first)
{
	struct jstr id = fit_call_id(o, b->id), name = openai_fit_tool(o, b->name), args;
	bool custom = b->tool == TOOL_CUSTOM && o->openai;

	if (!id.p || !name.p)
		return openai_full(o->err);
	json_open(&o->w, '{');
	json_key_lit(&o->w, "id");
	json_jstr(&o->w, id);
	json_key_lit(&o->w, "type");
	json_str(&o->w, custom ? STR("custom") : STR("function"));
	json_key(&o->w, custom ? STR("custom") : STR("function"));
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, name);
	json_key(&o->w, custom ? STR("input") : STR("arguments"));
	if (b->tool == TOOL_CUSTOM && !custom) {
		if (!write_custom_as_function(o, b))
			return false;
	} else {
		args = chat_args_text(o->arena, &b->args);
		if (!args.p)
			return openai_full(o->err);
		json_jstr(&o->w, args.n || custom ? args : JSTR("{}"));
	}
	json_close(&o->w);
	if (openai_has_quirk(o, QUIRK_EXTRA_CONTENT)) {                                       /* O3 */
		if (b->opaque.bytes.p && b->opaque.maker == MAKER_GEMINI)
			openai_write_signature(&o->w, b->opaque.bytes);
		else if (first && model_rule(o->target->facts, MODEL_SIGNATURES_REQUIRED))
			openai_write_signature(&o->w, JSTR("skip_thought_signature_validator"));
	}
	openai_write_cache(o, (enum chat_cache)b->cache);
	json_close(&o->w);
	return true;
}

static bool write_calls(struct openai_request_out *o, const struct chat_turn *t)
{
	bool first = true;

	json_key_lit(&o->w, "tool_calls");
	json_open(&o->w, '[');
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind != CHAT_TOOL_CALL || b->tool == TOOL_SERVER)
			continue;
		if (!write_call(o, b, first))
			return false;
		first = false;
	}
	json_close(&o->w);
	return true;
}

/* Mistral: thoughts as parts of content, before the text. */
static void write_thinking_parts(struct openai_request_out *o, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (!is_replayable(b) || b->text.n == 0)
			continue;
		open_part(o, STR("thinking"));
		json_key_lit(&o->w, "thinking");
		json_open(&o->w, '[');
		write_text_part(o, b->text, CACHE_NO_MARK);
		json_close(&o->w);
		json_close(&o->w);
	}
}

static bool write_assistant_content(struct openai_request_out *o, const struct chat_turn *t, unsigned texts, bool calls,
                                    bool thinking)
{
	bool marks = false;

	for (const struct chat_block *b = t->blocks; b; b = b->next)
		marks |= b->cache && b->kind == CHAT_TEXT && openai_has_quirk(o, QUIRK_CACHE_CONTROL);
	json_key_lit(&o->w, "content");
	if (thinking || marks || (texts > 1 && o->openai)) {
		json_open(&o->w, '[');
		if (thinking)
			write_thinking_parts(o, t);
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->kind == CHAT_TEXT)
				write_text_part(o, b->text, (enum chat_cache)b->cache);
		json_close(&o->w);
		return true;
	}
	struct jstr text = joined_text(o, t->blocks, JSTR(""));
	if (!text.p)
		return openai_full(o->err);
	if (texts == 0 && calls)
		json_null(&o->w);
	else
		json_jstr(&o->w, text);
	return true;
}

/* Is the thought written, or of no use to a provider that wants thoughts only beside calls (O6)? */
static bool keeps_thought(const struct openai_request_out *o, const struct chat_block *b)
{
	if (openai_has_quirk(o, QUIRK_REASONING_DETAILS))
		return true;
	if (openai_has_quirk(o, QUIRK_EXTRA_CONTENT) && b->redacted && b->opaque.maker == MAKER_GEMINI)
		return true;
	return is_replayable(b) &&
	       (openai_has_quirk(o, QUIRK_REASONING_REPLAY) || openai_has_quirk(o, QUIRK_REASONING_PARTS));
}

static void drop_from_assistant(struct openai_request_out *o, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind == CHAT_REASONING && !keeps_thought(o, b))
			chat_drop(&o->wire->drops, "messages[].reasoning");
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if ((b->kind == CHAT_TOOL_CALL && b->tool == TOOL_SERVER) || b->kind == CHAT_RAW ||
		    b->kind == CHAT_IMAGE || b->kind == CHAT_VIDEO || b->kind == CHAT_DOCUMENT ||
		    b->kind == CHAT_TOOL_RESULT || (b->kind == CHAT_AUDIO && !(b->media->id.n && o->openai)))
			chat_drop(&o->wire->drops, "messages[%u].content", t->index);
}

static bool write_assistant(struct openai_request_out *o, const struct chat_turn *t)
{
	const struct chat_block *refusal = NULL, *audio = NULL;
	bool calls = false, thinking = false;
	unsigned texts = 0;

	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		texts += b->kind == CHAT_TEXT;
		calls |= b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;
		thinking |= openai_has_quirk(o, QUIRK_REASONING_PARTS) && is_replayable(b) && b->text.n;
		if (b->kind == CHAT_REFUSAL)
			refusal = b;
		if (b->kind == CHAT_AUDIO && b->media->id.n && o->openai)
			audio = b;
	}
	drop_from_assistant(o, t);
	if (texts == 0 && !calls && !thinking && !refusal && !audio && t->blocks)
		return true;                 /* nothing of it is left that this provider takes */
	open_message(o, STR("assistant"));
	if (!write_assistant_content(o, t, texts, calls || refusal || audio, thinking) || !write_thoughts(o, t, calls))
		return false;
	if (refusal) {
		json_key_lit(&o->w, "refusal");
		json_jstr(&o->w, refusal->text);
	}
	if (audio) {
		json_key_lit(&o->w, "audio");
		json_open(&o->w, '{');
		json_key_lit(&o->w, "id");
		json_jstr(&o->w, audio->media->id);
		json_close(&o->w);
	}
	if (calls && !write_calls(o, t))
		return false;
	for (const struct chat_block *b = t->blocks; b && openai_has_quirk(o, QUIRK_EXTRA_CONTENT); b = b->next)
		if (b->kind == CHAT_REASONING && b->redacted && b->opaque.maker == MAKER_GEMINI) {
			openai_write_signature(&o->w, b->opaque.bytes);      /* of the text */
			break;
		}
	close_message(o, t);
	return true;
}

/* OpenAI's reasoning models call it developer, all others system (P14). */
static struct str system_role(const struct openai_request_out *o)
{
	return openai_has_quirk(o, QUIRK_DEVELOPER_ROLE) && model_rule(o->target->facts, MODEL_DEVELOPER_ROLE)
	       ? STR("developer") : STR("system");
}

/* Leading system texts stay apart where there is a word for it, else they are one text (P16). */
static bool write_system(struct openai_request_out *o, const struct chat_block *list, struct jstr more)
{
	bool parts = false, marks = false;
	unsigned n = more.p != NULL;

	for (const struct chat_block *b = list; b; b = b->next) {
		n += b->kind == CHAT_TEXT;
		marks |= b->cache != CACHE_NO_MARK;
		if (b->kind != CHAT_TEXT)
			chat_drop(&o->wire->drops, "system");
	}
	if (n == 0)
		return true;
	parts = (n > 1 && o->openai) || (openai_has_quirk(o, QUIRK_CACHE_CONTROL) && marks);
	json_key_lit(&o->w, "content");
	if (!parts) {
		struct jstr text = joined_text(o, list, more);
		if (!text.p)
			return openai_full(o->err);
		json_jstr(&o->w, text);
		return true;
	}
	json_open(&o->w, '[');
	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_TEXT)
			write_text_part(o, b->text, (enum chat_cache)b->cache);
	if (more.p)
		write_text_part(o, more, CACHE_NO_MARK);
	json_close(&o->w);
	return true;
}

static bool has_text(const struct chat_block *list)
{
	while (list && list->kind != CHAT_TEXT)
		list = list->next;
	return list != NULL;
}

bool openai_write_messages(struct openai_request_out *o)
{
	json_key_lit(&o->w, "messages");
	json_open(&o->w, '[');
	if (has_text(o->rq->system) || o->schema_text.p) {
		open_message(o, system_role(o));
		if (!write_system(o, o->rq->system, o->schema_text))
			return false;
		json_close(&o->w);
	}
	for (const struct chat_turn *t = o->rq->turns; t; t = t->next) {
		bool ok = true;
		switch ((enum chat_role)t->role) {
		case ROLE_USER: ok = write_user(o, t); break;
		case ROLE_ASSISTANT: ok = write_assistant(o, t); break;
		case ROLE_SYSTEM:
			if (!has_text(t->blocks))
				break;
			open_message(o, system_role(o));
			ok = write_system(o, t->blocks, (struct jstr){ 0 });
			close_message(o, t);
			break;
		}
		if (!ok)
			return false;
	}
	json_close(&o->w);
	return true;
}
