/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_words: stop reasons, media formats, citations, signatures and usage in Bedrock's words. */
#include <assert.h>

#include "dialect/anthropic_in.h"
#include "dialect/bedrock_in.h"

static const struct {
	struct str word;
	enum chat_stop stop;
} stops[] = {
	{ STR_INIT("end_turn"), STOP_END },
	{ STR_INIT("tool_use"), STOP_TOOL },
	{ STR_INIT("max_tokens"), STOP_MAX_TOKENS },
	{ STR_INIT("stop_sequence"), STOP_SEQUENCE },
	{ STR_INIT("content_filtered"), STOP_FILTER },
	{ STR_INIT("guardrail_intervened"), STOP_FILTER },
	{ STR_INIT("model_context_window_exceeded"), STOP_CONTEXT_FULL },
	{ STR_INIT("malformed_model_output"), STOP_ERROR },
	{ STR_INIT("malformed_tool_use"), STOP_ERROR },
	{ STR_INIT("refusal"), STOP_REFUSAL }, /* not of its list, but Claude's */
};

void bedrock_read_stop(struct jstr word, struct chat_finish *out)
{
	*out = (struct chat_finish){ .stop = STOP_END, .raw = word };
	for (size_t i = 0; i < COUNT_OF(stops); i++)
		if (jstr_is(word, stops[i].word))
			out->stop = (uint8_t)stops[i].stop;
}

struct str bedrock_stop_word(const struct chat_finish *f, bool called)
{
	switch ((enum chat_stop)f->stop) {
	case STOP_NONE:
	case STOP_END:
	case STOP_PAUSE: return called ? STR("tool_use") : STR("end_turn");
	case STOP_SEQUENCE: return STR("stop_sequence");
	case STOP_MAX_TOKENS: return STR("max_tokens");
	case STOP_CONTEXT_FULL: return STR("model_context_window_exceeded");
	case STOP_TOOL: return STR("tool_use");
	case STOP_FILTER:
	case STOP_REFUSAL: return STR("content_filtered");
	case STOP_ERROR: return STR("malformed_model_output");
	}
	return STR("end_turn");
}

struct str bedrock_tier_word(struct jstr tier)
{
	static const struct {
		struct str tier, word;
	} tiers[] = {
		{ STR_INIT("default"), STR_INIT("default") },   { STR_INIT("standard"), STR_INIT("default") },
		{ STR_INIT("flex"), STR_INIT("flex") },         { STR_INIT("priority"), STR_INIT("priority") },
		{ STR_INIT("reserved"), STR_INIT("reserved") },
	};

	for (size_t i = 0; i < COUNT_OF(tiers); i++)
		if (jstr_is(tier, tiers[i].tier))
			return tiers[i].word;
	return STR("");
}

struct jstr bedrock_call_id(struct arena *a, const struct chat_reply *reply, struct jstr id, unsigned n)
{
	if (id.n)
		return id;
	struct str made = arena_printf(a, "tooluse_%.*s_%u", STR_ARG(jstr_raw(reply->id)), n);
	return jstr_of(made.p, made.n);
}

struct jstr bedrock_read_sequence(const struct json_node *fields)
{
	struct jstr s = node_get_text(fields, STR("stop_sequence"));

	return s.p ? s : node_get_text(node_get(fields, STR("delta")), STR("stop_sequence"));
}

/* ---- media ---- */

struct format {
	struct str format, type;
};

/* The first of a format or a type is the one that is written. */
static const struct format images[] = {
	{ STR_INIT("png"), STR_INIT("image/png") },  { STR_INIT("jpeg"), STR_INIT("image/jpeg") },
	{ STR_INIT("gif"), STR_INIT("image/gif") },  { STR_INIT("webp"), STR_INIT("image/webp") },
	{ STR_INIT("jpeg"), STR_INIT("image/jpg") },
};
static const struct format audios[] = {
	{ STR_INIT("wav"), STR_INIT("audio/wav") },   { STR_INIT("mp3"), STR_INIT("audio/mpeg") },
	{ STR_INIT("mp3"), STR_INIT("audio/mp3") },   { STR_INIT("wav"), STR_INIT("audio/x-wav") },
	{ STR_INIT("flac"), STR_INIT("audio/flac") }, { STR_INIT("ogg"), STR_INIT("audio/ogg") },
	{ STR_INIT("opus"), STR_INIT("audio/opus") }, { STR_INIT("aac"), STR_INIT("audio/aac") },
	{ STR_INIT("m4a"), STR_INIT("audio/mp4") },   { STR_INIT("m4a"), STR_INIT("audio/m4a") },
	{ STR_INIT("webm"), STR_INIT("audio/webm") }, { STR_INIT("pcm"), STR_INIT("audio/pcm") },
	{ STR_INIT("pcm"), STR_INIT("audio/l16") },
};
static const struct format videos[] = {
	{ STR_INIT("mp4"), STR_INIT("video/mp4") },        { STR_INIT("mov"), STR_INIT("video/quicktime") },
	{ STR_INIT("mkv"), STR_INIT("video/x-matroska") }, { STR_INIT("webm"), STR_INIT("video/webm") },
	{ STR_INIT("flv"), STR_INIT("video/x-flv") },      { STR_INIT("mpeg"), STR_INIT("video/mpeg") },
	{ STR_INIT("mpg"), STR_INIT("video/mpg") },        { STR_INIT("wmv"), STR_INIT("video/x-ms-wmv") },
	{ STR_INIT("three_gp"), STR_INIT("video/3gpp") },  { STR_INIT("mov"), STR_INIT("video/mov") },
};
static const struct format documents[] = {
	{ STR_INIT("pdf"), STR_INIT("application/pdf") },
	{ STR_INIT("txt"), STR_INIT("text/plain") },
	{ STR_INIT("md"), STR_INIT("text/markdown") },
	{ STR_INIT("html"), STR_INIT("text/html") },
	{ STR_INIT("csv"), STR_INIT("text/csv") },
	{ STR_INIT("doc"), STR_INIT("application/msword") },
	{ STR_INIT("docx"), STR_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document") },
	{ STR_INIT("xls"), STR_INIT("application/vnd.ms-excel") },
	{ STR_INIT("xlsx"), STR_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") },
};

static const struct format *formats_of(enum chat_kind kind, size_t *n)
{
	switch (kind) {
	case CHAT_IMAGE: *n = COUNT_OF(images); return images;
	case CHAT_AUDIO: *n = COUNT_OF(audios); return audios;
	case CHAT_VIDEO: *n = COUNT_OF(videos); return videos;
	case CHAT_DOCUMENT: *n = COUNT_OF(documents); return documents;
	case CHAT_TEXT:
	case CHAT_REFUSAL:
	case CHAT_REASONING:
	case CHAT_TOOL_CALL:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	assert(!"no medium");
	*n = 0;
	return NULL;
}

struct jstr bedrock_media_type(enum chat_kind kind, struct jstr format)
{
	size_t n;
	const struct format *f = formats_of(kind, &n);

	for (size_t i = 0; i < n; i++)
		if (jstr_is(format, f[i].format))
			return jstr_of(f[i].type.p, f[i].type.n);
	return (struct jstr){ 0 };
}

struct str bedrock_media_format(enum chat_kind kind, struct jstr type, struct jstr name)
{
	struct str t = jstr_raw(type), ending = jstr_raw(name);
	size_t n;
	const struct format *f = formats_of(kind, &n);

	t = str_trim(str_cut(&t, ';'));
	for (size_t i = 0; i < n && t.n; i++)
		/* audio often has its format only */
		if (str_ieq(t, f[i].type) || str_ieq(t, f[i].format))
			return f[i].format;
	while (str_find_chr(ending, '.') != STR_NPOS)
		str_cut(&ending, '.');
	for (size_t i = 0; i < n && ending.n < name.n; i++)
		if (str_ieq(ending, f[i].format))
			return f[i].format;
	return kind == CHAT_DOCUMENT && str_istarts(t, STR("text/")) ? STR("txt") : str_of(NULL, 0);
}

struct jstr bedrock_join_texts(struct arena *a, const struct json_node *list, struct str between)
{
	size_t n = 0;
	char *text, *at;
	bool any = false;

	for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
		any |= node_get_text(c, STR("text")).p != NULL;
		n += node_get_text(c, STR("text")).n + between.n;
	}
	if (!any || !(text = arena_alloc(a, n + 1)))
		return (struct jstr){ 0 };
	at = text;
	for (const struct json_node *c = node_first(list); c; c = node_next(list, c)) {
		struct jstr s = node_get_text(c, STR("text"));

		if (s.p && at != text)
			at = put_str(at, between);
		at = put_str(at, jstr_raw(s));
	}
	return jstr_of(text, (size_t)(at - text));
}

static bool read_source(struct arena *a, const struct json_node *source, struct chat_media *m)
{
	const struct json_node *content = node_get(source, STR("content"));

	m->from = MEDIA_BYTES;
	m->data = node_get_text(source, STR("bytes"));
	if (m->data.p)
		return true;
	m->from = MEDIA_URL;
	m->data = node_get_text(node_get(source, STR("s3Location")), STR("uri"));
	if (m->data.p)
		return true;
	m->from = MEDIA_TEXT;
	m->data = node_get_text(source, STR("text"));
	if (!m->data.p && node_is(content, JSON_ARRAY))
		m->data = bedrock_join_texts(a, content, STR("\\n\\n"));
	return m->data.p != NULL;
}

struct chat_media *bedrock_read_media(struct arena *a, enum chat_kind kind, const struct json_node *v)
{
	struct jstr format = node_get_text(v, STR("format"));
	struct chat_media *m = arena_zalloc(a, sizeof *m);

	if (!m || !read_source(a, node_get(v, STR("source")), m))
		return NULL;
	m->type = bedrock_media_type(kind, format);
	if (!m->type.p)
		m->type = m->from == MEDIA_TEXT ? JSTR("text/plain") : format;
	if (kind != CHAT_DOCUMENT)
		return m;
	m->name = node_get_text(v, STR("name"));
	m->title = m->name;
	m->context = node_get_text(v, STR("context"));
	const struct json_node *enabled = node_get(node_get(v, STR("citations")), STR("enabled"));
	if (node_is(enabled, JSON_BOOL))
		m->citations = tri_of(node_true(enabled));
	return m;
}

/* ---- citations ---- */

struct chat_citation *bedrock_read_citation(struct arena *a, const struct json_node *v)
{
	struct chat_citation *c = node_is(v, JSON_OBJECT) ? arena_zalloc(a, sizeof *c) : NULL;
	const struct json_node *web = node_get(node_get(v, STR("location")), STR("web"));
	struct jstr source = node_get_text(v, STR("source"));

	if (!c)
		return NULL;
	c->title = node_get_text(v, STR("title"));
	c->url = node_get_text(web, STR("url"));
	if (!c->url.p && str_starts(jstr_raw(source), STR("http")))
		c->url = source;
	c->quote = bedrock_join_texts(a, node_get(v, STR("sourceContent")), STR("\\n\\n"));
	/* Its offsets are places in the source, not in the text. */
	c->start = c->end = -1;
	c->raw = node_raw(v);
	c->from = DIALECT_BEDROCK;
	return c;
}

static void write_member(struct json_writer *w, const char *key, struct jstr text)
{
	if (!text.p)
		return;
	json_key(w, str_from_z(key));
	json_jstr(w, text);
}

void bedrock_write_citation(struct json_writer *w, const struct chat_citation *c)
{
	if (c->from == DIALECT_BEDROCK && c->raw.p) {
		json_raw(w, c->raw);
		return;
	}
	json_open(w, '{');
	write_member(w, "title", c->title);
	write_member(w, "source", c->url);
	json_key_lit(w, "sourceContent");
	json_open(w, '[');
	if (c->quote.p) {
		json_open(w, '{');
		write_member(w, "text", c->quote);
		json_close(w);
	}
	json_close(w);
	if (c->url.p) {
		json_key_lit(w, "location");
		json_open(w, '{');
		json_key_lit(w, "web");
		json_open(w, '{');
		write_member(w, "url", c->url);
		json_close(w);
		json_close(w);
	}
	json_close(w);
}

/* ---- usage ---- */

static void write_detail(struct json_writer *w, struct str ttl, uint32_t tokens)
{
	if (!tokens)
		return;
	json_open(w, '{');
	json_key_lit(w, "ttl");
	json_str(w, ttl);
	json_key_lit(w, "inputTokens");
	json_u64(w, tokens);
	json_close(w);
}

void bedrock_write_usage(struct json_writer *w, const struct usage *u)
{
	uint64_t input = usage_total_input(u), output = usage_total_output(u), written = usage_total_cache_write(u);

	json_open(w, '{');
	json_key_lit(w, "inputTokens");
	json_u64(w, input - written - usage_total_cache_read(u));
	json_key_lit(w, "outputTokens");
	json_u64(w, output);
	json_key_lit(w, "totalTokens");
	json_u64(w, input + output);
	json_key_lit(w, "cacheReadInputTokens");
	json_u64(w, usage_total_cache_read(u));
	json_key_lit(w, "cacheWriteInputTokens");
	json_u64(w, written);
	if (written) {
		json_key_lit(w, "cacheDetails");
		json_open(w, '[');
		write_detail(w, STR("5m"), u->n[USAGE_CACHE_WRITE_5M]);
		write_detail(w, STR("1h"), u->n[USAGE_CACHE_WRITE_1H]);
		json_close(w);
	}
	json_close(w);
}

/* ---- thoughts ---- */

struct chat_opaque bedrock_read_opaque(struct arena *a, struct jstr text, enum chat_maker own, bool redacted)
{
	struct chat_opaque o;

	if (text.n == 0)
		return (struct chat_opaque){ .maker = MAKER_NONE };
	if (chat_opaque_unwrap(a, text, &o))
		return o;
	o = (struct chat_opaque){ .bytes = text, .maker = (uint8_t)own };
	if (redacted && own == MAKER_ANTHROPIC)
		o.id = ANTHROPIC_REDACTED;
	return o;
}

/* SDKs decode what is redacted as base64 and encode it again, so it goes in the envelope whoever made it. */
struct jstr bedrock_opaque_text(struct arena *a, const struct chat_opaque *o, bool redacted)
{
	return o->maker == MAKER_ANTHROPIC && !redacted ? o->bytes : chat_opaque_wrap(a, o);
}

struct jstr bedrock_thoughts(struct arena *a, const struct chat_block *b)
{
	struct jstr all = b->text.p ? b->text : JSTR("");

	for (const struct chat_block *part = b->text.n ? NULL : b->blocks; part && all.p; part = part->next) {
		if (all.n)
			all = jstr_concat(a, all, JSTR("\\n\\n"));
		if (all.p)
			all = jstr_concat(a, all, part->text);
	}
	return all;
}
