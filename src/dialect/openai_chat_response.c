/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat_response: whole answers of Chat Completions, of all that imitate it, and of legacy Completions. */

#include "base/map.h"
#include "dialect/openai_chat_in.h"

enum { CHOICES_MAX = 256, CALLS_MAX = 4096 };

struct answer {
	struct arena *arena;
	struct err *err;
	uint64_t seed;           /* of ids that are made */
	uint32_t calls;
};

enum message_member {
	M_ROLE, M_CONTENT, M_REFUSAL, M_CALLS, M_FUNCTION_CALL, M_REASONING_CONTENT, M_REASONING, M_THINKING, M_DETAILS,
	M_SIGNED, M_ANNOTATIONS, M_AUDIO, M_IMAGES, M_EXTRA, M_SIGNATURE, M_COUNT
};
static const struct str message_names[M_COUNT] = {
	STR_INIT("role"), STR_INIT("content"), STR_INIT("refusal"), STR_INIT("tool_calls"), STR_INIT("function_call"),
	STR_INIT("reasoning_content"), STR_INIT("reasoning"), STR_INIT("thinking"), STR_INIT("reasoning_details"),
	STR_INIT("thinking_blocks"), STR_INIT("annotations"), STR_INIT("audio"), STR_INIT("images"),
	STR_INIT("extra_content"), STR_INIT("thought_signature"),
};

static bool add_text(struct answer *an, struct chat_block ***end, enum chat_kind kind, struct jstr text)
{
	struct chat_block *b;

	if (text.n == 0)
		return true;
	b = chat_block_add(an->arena, end, kind);
	if (!b)
		return false;
	b->text = text;
	return true;
}

/* The text of an answer: what <think> holds at its start are thoughts (O8). */
static bool read_string(struct answer *an, struct jstr text, struct chat_block ***end)
{
	size_t skip = 0;
	int tag, close;

	while (skip < text.n && (text.p[skip] == ' ' || (text.p[skip] == '\\' && text.p[skip + 1] == 'n')))
		skip += text.p[skip] == ' ' ? 1 : 2;
	tag = openai_tag_at(jstr_of(text.p + skip, text.n - skip), OPENAI_THINK);
	if (tag <= 0)
		return add_text(an, end, CHAT_TEXT, text);
	text = jstr_of(text.p + skip + tag, text.n - skip - (size_t)tag);
	size_t at = openai_tag_find(text, OPENAI_THINK_END, &close);
	if (close <= 0)
		return add_text(an, end, CHAT_REASONING, text);   /* cut while it thought */
	return add_text(an, end, CHAT_REASONING, jstr_of(text.p, at)) &&
	       add_text(an, end, CHAT_TEXT, jstr_of(text.p + at + close, text.n - at - (size_t)close));
}

static bool add_image(struct answer *an, const struct json_node *part, struct chat_block ***end)
{
	const struct json_node *image = node_get(part, STR("image_url"));
	struct jstr url = image ? node_is(image, JSON_STRING) ? node_text(image) : node_get_text(image, STR("url"))
	                        : (struct jstr){ 0 };
	struct chat_block *b = chat_block_add(an->arena, end, CHAT_IMAGE);

	if (!b)
		return false;
	b->media = arena_zalloc(an->arena, sizeof *b->media);
	if (!b->media)
		return false;
	if (!chat_media_read_url(an->arena, url, b->media, NULL))
		*b->media = (struct chat_media){ .from = MEDIA_URL, .data = url.p ? url : JSTR("") };
	return true;
}

static bool add_raw(struct answer *an, const struct json_node *part, struct chat_block ***end)
{
	struct chat_block *b = chat_block_add(an->arena, end, CHAT_RAW);

	if (!b)
		return false;
	b->raw = node_raw(part);
	b->from = DIALECT_OPENAI_CHAT;
	return true;
}

/* Mistral: thinking is a list of text parts. */
static bool read_thinking(struct answer *an, const struct json_node *thinking, struct chat_block ***end)
{
	struct jstr all = { 0 };

	if (node_is(thinking, JSON_STRING))
		return add_text(an, end, CHAT_REASONING, node_text(thinking));
	for (const struct json_node *v = node_first(thinking); v; v = node_next(thinking, v)) {
		all = jstr_concat(an->arena, all, node_get_text(v, STR("text")));
		if (!all.p && node_get_text(v, STR("text")).n)
			return false;
	}
	return add_text(an, end, CHAT_REASONING, all);
}

static bool read_part(struct answer *an, const struct json_node *part, struct chat_block ***end)
{
	struct jstr type = node_get_text(part, STR("type"));

	if (node_is(part, JSON_STRING))
		return add_text(an, end, CHAT_TEXT, node_text(part));
	if (jstr_is(type, STR("text")) || jstr_is(type, STR("output_text")))
		return add_text(an, end, CHAT_TEXT, node_get_text(part, STR("text")));
	if (jstr_is(type, STR("thinking")) || jstr_is(type, STR("reasoning"))) {
		const struct json_node *in = node_get(part, STR("thinking"));
		return read_thinking(an, in ? in : node_get(part, STR("text")), end);
	}
	if (jstr_is(type, STR("refusal")))
		return add_text(an, end, CHAT_REFUSAL, node_get_text(part, STR("refusal")));
	if (jstr_is(type, STR("image_url")))
		return add_image(an, part, end);
	return add_raw(an, part, end);               /* Mistral's references, and what is new */
}

static bool read_content(struct answer *an, const struct json_node *content, struct chat_block ***end)
{
	if (node_is(content, JSON_STRING))
		return read_string(an, node_text(content), end);
	if (node_is(content, JSON_ARRAY))
		for (const struct json_node *v = node_first(content); v; v = node_next(content, v))
			if (!read_part(an, v, end))
				return false;
	return true;
}

static bool read_audio(struct answer *an, const struct json_node *audio, struct chat_block ***end)
{
	struct chat_block *b = chat_block_add(an->arena, end, CHAT_AUDIO);

	if (!b || !(b->media = arena_zalloc(an->arena, sizeof *b->media)))
		return false;
	b->media->data = node_get_text(audio, STR("data"));
	b->media->transcript = node_get_text(audio, STR("transcript"));
	b->media->id = node_get_text(audio, STR("id"));
	if (!b->media->data.p)
		b->media->data = JSTR("");
	return true;
}

static bool read_calls(struct answer *an, const struct json_node *const at[M_COUNT], struct chat_block ***end,
                       struct chat_block **first)
{
	const struct json_node *list = at[M_CALLS];
	struct chat_block *b;

	*first = NULL;
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
			if (an->calls == CALLS_MAX)
				return err_set(an->err, ERR_UPSTREAM, "the answer holds more than %d tool calls",
				               CALLS_MAX);
			b = openai_read_call(an->arena, v, an->seed, an->calls++, end);
			if (!b)
				return openai_full(an->err);
			if (b->tool == TOOL_FUNCTION && b->args.text.n == 0 && !b->args.json.p)
				b->args.text = JSTR("{}");
			if (!*first)
				*first = b;
		}
	if (!*first && node_get_text(at[M_FUNCTION_CALL], STR("name")).n) {   /* Snowflake: an empty one */
		*first = openai_read_call(an->arena, at[M_FUNCTION_CALL], an->seed, an->calls++, end);
		if (!*first)
			return openai_full(an->err);
	}
	return true;
}

static struct chat_block *text_of(struct chat_block *list)
{
	while (list && list->kind != CHAT_TEXT)
		list = list->next;
	return list;
}

static bool read_annotations(struct answer *an, const struct json_node *list, struct chat_block *text)
{
	if (!text || !node_is(list, JSON_ARRAY))
		return true;
	struct chat_citation **end = &text->citations;
	while (*end)
		end = &(*end)->next;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), end = &(*end)->next)
		if (!(*end = openai_read_citation(an->arena, v)))
			return openai_full(an->err);
	return true;
}

static bool read_message(struct answer *an, const struct json_node *message, struct chat_output *out)
{
	const struct json_node *at[M_COUNT];
	struct chat_block **end = chat_blocks_end(&out->blocks), *call, *text;
	struct openai_thoughts thoughts;
	struct chat_opaque token;

	if (!openai_members(an->arena, message, message_names, M_COUNT, at, &out->extras))
		return openai_full(an->err);
	thoughts = (struct openai_thoughts){ at[M_DETAILS], at[M_SIGNED],
		                             { at[M_REASONING_CONTENT], at[M_REASONING], at[M_THINKING] } };
	if (!openai_read_thoughts(an->arena, &thoughts, &end) || !read_content(an, at[M_CONTENT], &end) ||
	    !add_text(an, &end, CHAT_REFUSAL, node_text(at[M_REFUSAL])))
		return openai_full(an->err);
	if (node_is(at[M_IMAGES], JSON_ARRAY))
		for (const struct json_node *v = node_first(at[M_IMAGES]); v; v = node_next(at[M_IMAGES], v))
			if (!add_image(an, v, &end))
				return openai_full(an->err);
	if (node_is(at[M_AUDIO], JSON_OBJECT) && !read_audio(an, at[M_AUDIO], &end))
		return openai_full(an->err);
	if (!read_calls(an, at, &end, &call))
		return false;
	text = text_of(out->blocks);
	/* Gemini's OpenAI face: the signature of the first call or of the text, in older versions at the message. */
	token = openai_read_signature(at[M_EXTRA]);
	if (token.bytes.p && call && !call->opaque.bytes.p)
		call->opaque = token;
	else if (token.bytes.p && !call && text && !openai_add_token(an->arena, text, &token))
		return openai_full(an->err);
	return read_annotations(an, at[M_ANNOTATIONS], text);
}

static bool has_kind(const struct chat_block *list, enum chat_kind kind)
{
	for (; list; list = list->next)
		if (list->kind == kind)
			return true;
	return false;
}

static bool read_choice(struct answer *an, const struct json_node *choice, struct chat_output *out)
{
	enum { INDEX, MESSAGE, DELTA, TEXT, FINISH, LOGPROBS, STOP_REASON, FILTER, USAGE, N };
	static const struct str names[N] = {
		STR_INIT("index"), STR_INIT("message"), STR_INIT("delta"), STR_INIT("text"), STR_INIT("finish_reason"),
		STR_INIT("logprobs"), STR_INIT("stop_reason"), STR_INIT("content_filter_results"), STR_INIT("usage"),
	};
	const struct json_node *at[N];
	struct chat_block **end = &out->blocks;

	if (!openai_members(an->arena, choice, names, N, at, &out->extras))
		return openai_full(an->err);
	if (!at[MESSAGE] && at[TEXT] && !read_content(an, at[TEXT], &end))
		return openai_full(an->err);
	if (!read_message(an, at[MESSAGE], out))
		return false;
	openai_read_finish(node_text(at[FINISH]), has_kind(out->blocks, CHAT_TOOL_CALL), &out->finish);
	if (out->finish.stop == STOP_END && has_kind(out->blocks, CHAT_REFUSAL) && !has_kind(out->blocks, CHAT_TEXT))
		out->finish.stop = STOP_REFUSAL;
	if (out->finish.stop == STOP_END && node_is(at[STOP_REASON], JSON_STRING)) {       /* vLLM: which */
		out->finish.stop = STOP_SEQUENCE;
		out->finish.sequence = node_text(at[STOP_REASON]);
	}
	if (out->finish.stop == STOP_FILTER && node_is(at[FILTER], JSON_OBJECT))
		out->finish.detail = node_raw(at[FILTER]);
	const struct json_node *tokens = openai_logprobs(at[LOGPROBS]);
	if (tokens)
		out->logprobs = node_raw(tokens);
	return true;
}

/* Perplexity lists what it searched beside the choices. */
static bool read_sources(struct answer *an, const struct json_node *list, struct chat_block *text)
{
	struct chat_citation **end = &text->citations;

	while (*end)
		end = &(*end)->next;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct chat_citation *c;
		struct jstr url = node_is(v, JSON_STRING) ? node_text(v) : node_get_text(v, STR("url"));

		if (url.n == 0)
			continue;
		c = arena_zalloc(an->arena, sizeof *c);
		if (!c)
			return openai_full(an->err);
		*c = (struct chat_citation){ .url = url,
			                     .title = node_get_text(v, STR("title")),
			                     .start = -1,
			                     .end = -1,
			                     .quote = node_get_text(v, STR("snippet")),
			                     .from = DIALECT_OPENAI_CHAT };
		*end = c;
		end = &c->next;
	}
	return true;
}

enum { R_ID, R_OBJECT, R_CREATED, R_MODEL, R_CHOICES, R_USAGE, R_TIER, R_FINGERPRINT, R_GROQ, R_N };
static const struct str response_names[R_N] = {
	STR_INIT("id"), STR_INIT("object"), STR_INIT("created"), STR_INIT("model"), STR_INIT("choices"),
	STR_INIT("usage"), STR_INIT("service_tier"), STR_INIT("system_fingerprint"), STR_INIT("x_groq"),
};

static bool read_choices(struct answer *an, const struct json_node *list, struct chat_output **end)
{
	unsigned n = 0;

	for (const struct json_node *v = node_first(list); v; v = node_next(list, v), end = &(*end)->next) {
		if (n++ == CHOICES_MAX)
			return err_set(an->err, ERR_UPSTREAM, "the answer holds more than %d choices", CHOICES_MAX);
		*end = arena_zalloc(an->arena, sizeof **end);
		if (!*end)
			return openai_full(an->err);
		if (!read_choice(an, v, *end))
			return false;
	}
	return true;
}

bool openai_chat_read_response(struct arena *arena, const struct chat_source *source, const struct json_node *body,
                               struct chat_response *out, struct err *e)
{
	struct answer an = { .arena = arena, .err = e };
	const struct json_node *at[R_N], *sources;
	struct chat_block *text;

	*out = (struct chat_response){ .from = DIALECT_OPENAI_CHAT };
	if (!openai_members(arena, body, response_names, R_N, at, &out->extras))
		return openai_full(e);
	if (!node_is(at[R_CHOICES], JSON_ARRAY) || !node_first(at[R_CHOICES]))
		return err_set(e, ERR_UPSTREAM, "the provider's answer holds no choices");
	out->id = node_text(at[R_ID]);
	an.seed = hash_bytes(out->id.n ? jstr_raw(out->id) : node_raw(body));
	if (!read_choices(&an, at[R_CHOICES], &out->outputs))
		return false;
	if (out->id.n == 0)
		out->id.p = NULL;
	out->model = node_text(at[R_MODEL]);
	if (out->model.n == 0)
		out->model.p = NULL;
	out->created_s = node_i64(at[R_CREATED], 0);
	out->service_tier = node_text(at[R_TIER]);
	out->fingerprint = node_text(at[R_FINGERPRINT]);
	if (node_is(at[R_USAGE], JSON_OBJECT))
		openai_usage_read(node_raw(at[R_USAGE]), &out->usage);
	else if (node_is(node_get(at[R_GROQ], STR("usage")), JSON_OBJECT))
		openai_usage_read(node_raw(node_get(at[R_GROQ], STR("usage"))), &out->usage);
	else if (node_is(node_get(node_first(at[R_CHOICES]), STR("usage")), JSON_OBJECT))
		openai_usage_read(node_raw(node_get(node_first(at[R_CHOICES]), STR("usage"))), &out->usage);
	usage_lay_service(&out->usage, jstr_raw(out->service_tier));
	sources = node_get_some(body, STR("search_results"));
	if (!node_first(sources))
		sources = node_get_some(body, STR("citations"));
	text = text_of(out->outputs->blocks);
	return !text || !node_is(sources, JSON_ARRAY) || read_sources(&an, sources, text);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_id(struct json_writer *w, struct jstr id, const struct chat_reply *reply, struct arena *a)
{
	struct jstr prefix = JSTR("chatcmpl-"), given = id.n ? id : reply->id;

	if (!str_starts(jstr_raw(given), jstr_raw(prefix)))
		given = jstr_concat(a, prefix, given);
	json_key_lit(w, "id");
	json_jstr(w, given);
}

static struct jstr text_joined(struct arena *a, const struct chat_block *list, enum chat_kind kind, bool *any)
{
	struct buf b = buf_make((size_t)1 << 30);
	const struct chat_block *only = NULL;
	unsigned n = 0;
	struct str all;

	for (const struct chat_block *at = list; at; at = at->next)
		if (at->kind == kind) {
			n++;
			only = at;
		}
	*any = n > 0;
	if (n < 2)
		return n ? only->text : JSTR("");
	for (const struct chat_block *at = list; at; at = at->next)
		if (at->kind == kind)
			buf_append_jstr(&b, at->text);
	all = b.failed ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return jstr_of(all.p, all.n);
}

/* reasoning_content for those who show it; reasoning_details for those who give it back (OpenRouter's form). */
static void write_thoughts(struct json_writer *w, const struct chat_block *list)
{
	uint32_t index = 0;
	bool any = false, again = false;

	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_REASONING)
			any |= b->text.n || b->blocks || b->opaque.bytes.p;
	if (!any)
		return;
	json_key_lit(w, "reasoning_content");
	buf_append(w->out, STR("\""));
	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind != CHAT_REASONING)
			continue;
		for (const struct chat_block *part = b->blocks; part; part = part->next) {
			if (again)
				buf_append(w->out, STR("\\n\\n"));
			again = true;
			buf_append_jstr(w->out, part->text);
		}
		buf_append_jstr(w->out, b->text);
	}
	buf_append(w->out, STR("\""));
	w->keyed = false;
	w->comma = true;
	json_key_lit(w, "reasoning_details");
	json_open(w, '[');
	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_REASONING)
			openai_write_details(w, b, &index);
	json_close(w);
}

static void write_call(struct json_writer *w, struct arena *a, const struct chat_block *b)
{
	bool custom = b->tool == TOOL_CUSTOM;
	struct jstr args = chat_args_text(a, &b->args);

	json_open(w, '{');
	json_key_lit(w, "id");
	json_jstr(w, b->id);
	json_key_lit(w, "type");
	json_str(w, custom ? STR("custom") : STR("function"));
	json_key(w, custom ? STR("custom") : STR("function"));
	json_open(w, '{');
	json_key_lit(w, "name");
	json_jstr(w, b->name);
	json_key(w, custom ? STR("input") : STR("arguments"));
	json_jstr(w, args.n || custom ? args : JSTR("{}"));
	json_close(w);
	if (b->opaque.bytes.p && b->opaque.maker == MAKER_GEMINI)
		openai_write_signature(w, b->opaque.bytes);
	json_close(w);
}

static void write_calls(struct json_writer *w, struct arena *a, const struct chat_block *list, bool old)
{
	bool any = false;

	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind != CHAT_TOOL_CALL || b->tool == TOOL_SERVER)
			continue;
		if (old) {                                           /* one is all there was (T20) */
			struct jstr args = chat_args_text(a, &b->args);
			json_key_lit(w, "function_call");
			json_open(w, '{');
			json_key_lit(w, "name");
			json_jstr(w, b->name);
			json_key_lit(w, "arguments");
			json_jstr(w, args.n ? args : JSTR("{}"));
			json_close(w);
			return;
		}
		if (!any) {
			json_key_lit(w, "tool_calls");
			json_open(w, '[');
			any = true;
		}
		write_call(w, a, b);
	}
	if (any)
		json_close(w);
}

static void write_annotations(struct json_writer *w, const struct chat_block *list, struct chat_drops *drops)
{
	bool any = false;

	for (const struct chat_block *b = list; b; b = b->next)
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			if (c->url.n == 0 && !(c->from == DIALECT_OPENAI_CHAT && c->raw.n)) {
				chat_drop(drops, "citations");
				continue;
			}
			if (!any) {
				json_key_lit(w, "annotations");
				json_open(w, '[');
				any = true;
			}
			openai_write_citation(w, c);
		}
	if (any)
		json_close(w);
}

static void write_media(struct json_writer *w, struct arena *a, const struct chat_block *list,
                        const struct chat_reply *r)
{
	bool any = false;

	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_IMAGE) {
			if (!any) {
				json_key_lit(w, "images");
				json_open(w, '[');
				any = true;
			}
			openai_write_image(w, a, b->media);
		}
	if (any)
		json_close(w);
	for (const struct chat_block *b = list; b; b = b->next)
		if (b->kind == CHAT_AUDIO) {
			json_key_lit(w, "audio");
			json_open(w, '{');
			json_key_lit(w, "id");
			json_jstr(w, b->media->id.n ? b->media->id : r->id);
			json_key_lit(w, "data");
			json_jstr(w, b->media->data);
			json_key_lit(w, "expires_at");
			json_i64(w, r->created_s + 3600);
			json_key_lit(w, "transcript");
			json_jstr(w, b->media->transcript);
			json_close(w);
			return;
		}
}

static void write_message(struct json_writer *w, struct arena *a, const struct chat_output *o,
                          const struct chat_reply *r, struct chat_drops *drops)
{
	bool text, refused;
	struct jstr content = text_joined(a, o->blocks, CHAT_TEXT, &text),
		    refusal = text_joined(a, o->blocks, CHAT_REFUSAL, &refused);

	json_open(w, '{');
	json_key_lit(w, "role");
	json_str(w, STR("assistant"));
	json_key_lit(w, "content");
	if (text)
		json_jstr(w, content);
	else
		json_null(w);
	json_key_lit(w, "refusal");
	if (refused)
		json_jstr(w, refusal);
	else
		json_null(w);
	write_thoughts(w, o->blocks);
	write_annotations(w, o->blocks, drops);
	write_media(w, a, o->blocks, r);
	write_calls(w, a, o->blocks, r->old_functions);
	json_close(w);
	for (const struct chat_block *b = o->blocks; b; b = b->next)
		if (b->kind == CHAT_RAW || b->kind == CHAT_VIDEO || b->kind == CHAT_DOCUMENT ||
		    b->kind == CHAT_TOOL_RESULT || (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_SERVER))
			chat_drop(drops, "%s", chat_kind_name((enum chat_kind)b->kind));
}

static void write_choice(struct json_writer *w, struct arena *a, const struct chat_output *o, unsigned index,
                         const struct chat_reply *r, struct chat_drops *drops)
{
	json_open(w, '{');
	json_key_lit(w, "index");
	json_u64(w, index);
	json_key_lit(w, "message");
	write_message(w, a, o, r, drops);
	json_key_lit(w, "logprobs");
	if (o->logprobs.n) {
		json_open(w, '{');
		json_key_lit(w, "content");
		json_raw(w, o->logprobs);
		json_key_lit(w, "refusal");
		json_null(w);
		json_close(w);
	} else {
		json_null(w);
	}
	json_key_lit(w, "finish_reason");
	json_str(w, openai_finish_word(&o->finish, has_kind(o->blocks, CHAT_REFUSAL), r->old_functions));
	json_close(w);
}

bool openai_chat_write_response(struct arena *arena, const struct chat_response *resp, const struct chat_reply *reply,
                                struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	unsigned index = 0;

	json_open(&w, '{');
	write_id(&w, resp->id, reply, arena);
	json_key_lit(&w, "object");
	json_str(&w, STR("chat.completion"));
	json_key_lit(&w, "created");
	json_i64(&w, resp->created_s > 0 ? resp->created_s : reply->created_s);
	json_key_lit(&w, "model");
	json_jstr(&w, resp->model.n ? resp->model : reply->model);
	json_key_lit(&w, "choices");
	json_open(&w, '[');
	for (const struct chat_output *o = resp->outputs; o; o = o->next)
		write_choice(&w, arena, o, index++, reply, drops);
	json_close(&w);
	if (resp->usage.source != USAGE_NONE) {
		json_key_lit(&w, "usage");
		openai_write_usage(&w, &resp->usage);
	}
	if (resp->service_tier.n) {
		json_key_lit(&w, "service_tier");
		json_jstr(&w, resp->service_tier);
	}
	json_key_lit(&w, "system_fingerprint");  /* null where there is none, as OpenAI: some SDKs look for it */
	if (resp->fingerprint.n)
		json_jstr(&w, resp->fingerprint);
	else
		json_null(&w);
	json_close(&w);
	return json_write_done(&w);
}
