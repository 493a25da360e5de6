/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_turns_write: the turns of a neutral request as messages, and what stands in them. */
#include "base/text.h"
#include "dialect/anthropic_out.h"

#define DROP(o, ...) chat_drop(&(o)->wire->drops, __VA_ARGS__)

static void write_type(struct json_writer *w, struct str type)
{
	json_key_lit(w, "type");
	json_str(w, type);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static bool refuse_block(struct anthropic_out *o, const struct chat_turn *t, const char *what, const char *why)
{
	return err_set(o->err, ERR_INVALID_REQUEST, "messages[%u].content: %s: %s", t->index, what, why);
}

static void write_citations(struct anthropic_out *o, const struct chat_turn *t, const struct chat_citation *c)
{
	bool any = false;

	for (; c; c = c->next) {
		/* One that came from another provider through us has no index of theirs. */
		if (c->from != DIALECT_ANTHROPIC || str_find(c->raw, STR("\"encrypted_index\":\"\"")) != STR_NPOS) {
			DROP(o, "messages[%u].annotations", t->index);
			continue;
		}
		if (!any) {
			json_key_lit(&o->w, "citations");
			json_open(&o->w, '[');
		}
		any = true;
		json_raw(&o->w, c->raw);
	}
	if (any)
		json_close(&o->w);
}

static void write_text_block(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b,
                             struct jstr text)
{
	json_open(&o->w, '{');
	write_type(&o->w, STR("text"));
	json_key_lit(&o->w, "text");
	json_jstr(&o->w, text);
	write_citations(o, t, b->citations);
	anthropic_write_extras(o, b->extras, "messages", t->index);
	anthropic_write_mark(o, b->cache);
	json_close(&o->w);
}

static bool write_reasoning(struct anthropic_out *o, const struct chat_block *b)
{
	struct jstr text = anthropic_thinking(o->arena, b);

	if (!anthropic_replays(b)) { /* O1, O9 */
		if (text.n || b->opaque.bytes.n)
			DROP(o, "messages.reasoning");
		return true;
	}
	if (!text.p)
		return anthropic_out_full(o);
	json_open(&o->w, '{');
	if (b->redacted || jstr_eq(b->opaque.id, ANTHROPIC_REDACTED)) {
		write_type(&o->w, STR("redacted_thinking"));
		json_key_lit(&o->w, "data");
	} else {
		write_type(&o->w, STR("thinking"));
		json_key_lit(&o->w, "thinking");
		json_jstr(&o->w, text);
		json_key_lit(&o->w, "signature");
	}
	json_jstr(&o->w, b->opaque.bytes);
	json_close(&o->w);
	return true;
}

static struct jstr fit_id(struct anthropic_out *o, struct jstr id)
{
	return chat_fit_id(o->arena, id, ALPHABET_WORD_DASH, CALL_ID_MAX, false);
}

static bool write_call(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	struct jstr id = fit_id(o, b->id), text;
	struct jstr name = chat_fit_name(o->arena, &o->wire->undo, b->name, ALPHABET_WORD_DASH, TOOL_NAME_MAX);
	struct str input = STR("{}");
	bool odd = false;

	if (b->tool != TOOL_CUSTOM)
		input = chat_args_json(o->arena, &b->args, &odd);
	if (!id.p || !name.p || !input.p)
		return anthropic_out_full(o);
	if (odd)
		DROP(o, "messages[%u].tool_calls.arguments", t->index);
	json_open(&o->w, '{');
	write_type(&o->w, STR("tool_use"));
	json_key_lit(&o->w, "id");
	json_jstr(&o->w, id);
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, name);
	json_key_lit(&o->w, "input");
	if (b->tool == TOOL_CUSTOM) {
		text = chat_args_text(o->arena, &b->args);
		json_open(&o->w, '{');
		json_key_lit(&o->w, "input");
		json_jstr(&o->w, text);
		json_close(&o->w);
	} else {
		json_raw(&o->w, input);
	}
	anthropic_write_extras(o, b->extras, "messages", t->index);
	anthropic_write_mark(o, b->cache);
	json_close(&o->w);
	return true;
}

static bool write_source(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	struct json_writer *w = &o->w;

	json_key_lit(w, "source");
	json_open(w, '{');
	switch (m->from) {
	case MEDIA_BYTES:
		write_type(w, STR("base64"));
		json_key_lit(w, "media_type");
		json_jstr(w, m->type);
		json_key_lit(w, "data");
		break;
	case MEDIA_TEXT:
		write_type(w, STR("text"));
		json_key_lit(w, "media_type");
		json_str(w, STR("text/plain"));
		json_key_lit(w, "data");
		break;
	case MEDIA_URL:
		if (!str_starts(jstr_raw(m->data), STR("http")))
			return refuse_block(o, t, chat_kind_name(b->kind), "its address must be https");
		write_type(w, STR("url"));
		json_key_lit(w, "url");
		break;
	case MEDIA_FILE:
		if (!o->own)
			return refuse_block(o, t, chat_kind_name(b->kind),
			                    "the file was given to another provider; send its data");
		write_type(w, STR("file"));
		json_key_lit(w, "file_id");
		break;
	}
	json_jstr(w, m->data);
	json_close(w);
	return true;
}

static bool write_image(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	if (b->media->from == MEDIA_BYTES && !chat_image_type_known(b->media->type))
		return refuse_block(o, t, "image", "its type must be image/png, image/jpeg, image/gif or image/webp");
	if (b->media->detail.n && !jstr_is(b->media->detail, STR("auto")))
		DROP(o, "messages[%u].content.image_url.detail", t->index);
	json_open(&o->w, '{');
	write_type(&o->w, STR("image"));
	if (!write_source(o, t, b))
		return false;
	anthropic_write_extras(o, b->extras, "messages", t->index);
	anthropic_write_mark(o, b->cache);
	json_close(&o->w);
	return true;
}

/* Anthropic takes PDFs as bytes and texts as text. */
static bool document_text(struct anthropic_out *o, const struct chat_turn *t, struct chat_media *m)
{
	struct str type = jstr_raw(m->type);
	struct buf bytes;
	bool text;

	if (m->from != MEDIA_BYTES || str_ieq(type, STR("application/pdf")))
		return true;
	if (!str_istarts(type, STR("text/")) && !str_istarts(type, STR("application/json")))
		return refuse_block(o, t, "document", "its type must be application/pdf or a text");
	bytes = buf_make(m->data.n);
	text = text_from_base64(&bytes, jstr_raw(m->data)) && text_is_utf8(buf_str(&bytes));
	if (text) {
		struct str copy = arena_dup(o->arena, buf_str(&bytes));
		m->data = copy.p ? jstr_from(o->arena, copy) : (struct jstr){ 0 };
		m->from = MEDIA_TEXT;
	}
	buf_fini(&bytes);
	if (!text)
		return refuse_block(o, t, "document", "its data must be base64 of a text in UTF-8");
	return m->data.p || anthropic_out_full(o);
}

static bool write_document(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	struct chat_media m = *b->media;
	struct chat_block copy = *b;
	struct json_writer *w = &o->w;

	copy.media = &m;
	if (!document_text(o, t, &m))
		return false;
	json_open(w, '{');
	write_type(w, STR("document"));
	if (!write_source(o, t, &copy))
		return false;
	if (m.title.p || m.name.p) {
		json_key_lit(w, "title");
		json_jstr(w, m.title.p ? m.title : m.name);
	}
	if (m.context.p) {
		json_key_lit(w, "context");
		json_jstr(w, m.context);
	}
	if (m.citations != TRI_UNSET) {
		json_key_lit(w, "citations");
		json_raw(w, m.citations == TRI_YES ? STR("{\"enabled\":true}") : STR("{\"enabled\":false}"));
	}
	anthropic_write_extras(o, b->extras, "messages", t->index);
	anthropic_write_mark(o, b->cache);
	json_close(w);
	return true;
}

static bool write_block(struct anthropic_out *, const struct chat_turn *, const struct chat_block *);

static bool write_result(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	const struct chat_block *inner = b->blocks;
	struct json_writer *w = &o->w;
	struct jstr id = fit_id(o, b->id);

	if (!id.p)
		return anthropic_out_full(o);
	json_open(w, '{');
	write_type(w, STR("tool_result"));
	json_key_lit(w, "tool_use_id");
	json_jstr(w, id);
	if (inner && !inner->next && inner->kind == CHAT_TEXT && !inner->cache && !inner->extras) {
		json_key_lit(w, "content");
		json_jstr(w, inner->text);
	} else if (inner) {
		json_key_lit(w, "content");
		json_open(w, '[');
		for (; inner; inner = inner->next)
			if (!anthropic_is_blank(inner) && !write_block(o, t, inner))
				return false;
		json_close(w);
	}
	if (b->is_error) {
		json_key_lit(w, "is_error");
		json_bool(w, true);
	}
	anthropic_write_extras(o, b->extras, "messages", t->index);
	anthropic_write_mark(o, b->cache);
	json_close(w);
	return true;
}

/* Does the block say something that a message can hold? `user`: in a turn of the user's. */
static bool is_sent(const struct chat_block *b, bool user)
{
	if (anthropic_is_raw(b))
		return true;
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: return !jstr_is_blank(b->text);
	case CHAT_REASONING: return !user && anthropic_replays(b);
	case CHAT_TOOL_CALL: return !user && b->tool != TOOL_SERVER;
	case CHAT_TOOL_RESULT: return user && b->tool != TOOL_SERVER;
	case CHAT_IMAGE:
	case CHAT_DOCUMENT:
	case CHAT_AUDIO:
	case CHAT_VIDEO: return user && b->media;
	case CHAT_RAW:
	case CHAT_KINDS: return false;
	}
	return false;
}

static bool write_block(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	if (anthropic_is_raw(b)) {
		json_raw(&o->w, b->raw);
		o->marks_done += b->cache != CACHE_NO_MARK; /* it is in the raw text */
		return true;
	}
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: write_text_block(o, t, b, b->text); return true;
	case CHAT_REASONING: return write_reasoning(o, b);
	case CHAT_TOOL_CALL: return write_call(o, t, b);
	case CHAT_TOOL_RESULT: return write_result(o, t, b);
	case CHAT_IMAGE: return write_image(o, t, b);
	case CHAT_DOCUMENT: return write_document(o, t, b);
	case CHAT_AUDIO:
	case CHAT_VIDEO:
		return refuse_block(o, t, chat_kind_name(b->kind), "this model takes text, images and documents");
	case CHAT_RAW:
	case CHAT_KINDS: DROP(o, "messages[%u].content.%.*s", t->index, STR_ARG(jstr_raw(b->name))); return true;
	}
	return true;
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* T4: a prefilled answer must not end in white space. */
static struct jstr trimmed(struct jstr s)
{
	for (;;) {
		if (s.n && s.p[s.n - 1] == ' ')
			s.n--;
		else if (s.n >= 2 && memchr("nrt", s.p[s.n - 1], 3) && s.p[s.n - 2] == '\\' &&
		         (s.n < 3 || s.p[s.n - 3] != '\\'))
			s.n -= 2;
		else
			return s;
	}
}

/* One of the blocks that go into a message; what cannot is reported. */
static bool write_part(struct anthropic_out *o, const struct chat_turn *t, const struct chat_block *b, bool user)
{
	if (is_sent(b, user))
		return write_block(o, t, b);
	if (b->kind == CHAT_REASONING)
		return user || write_reasoning(o, b);
	if (b->kind != CHAT_TEXT && b->kind != CHAT_REFUSAL)
		DROP(o, "messages[%u].content.%s", t->index, chat_kind_name(b->kind));
	return true;
}

/* P15: where the model takes no system turns. */
static bool write_system_turn(struct anthropic_out *o, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		struct jstr text = jstr_concat(o->arena, JSTR("<system>\\n"), b->text);
		if (b->kind != CHAT_TEXT) {
			if (!write_part(o, t, b, true))
				return false;
			continue;
		}
		if (anthropic_is_blank(b))
			continue;
		text = jstr_concat(o->arena, text, JSTR("\\n</system>"));
		if (!text.p)
			return anthropic_out_full(o);
		write_text_block(o, t, b, text);
	}
	return true;
}

static bool write_others(struct anthropic_out *o, const struct chat_turn *t, enum chat_role role, bool last)
{
	bool user = role != ROLE_ASSISTANT;

	if (t->name.p)
		DROP(o, "messages[%u].name", t->index);
	for (const struct chat_extra *x = t->extras; x; x = x->next)
		DROP(o, "messages[%u].%.*s", t->index, STR_ARG(x->name));
	if (t->role == ROLE_SYSTEM && role == ROLE_USER)
		return write_system_turn(o, t);
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (user && b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER)
			continue;
		if (last && !b->next && b->kind == CHAT_TEXT && is_sent(b, user))
			write_text_block(o, t, b, trimmed(b->text));
		else if (!write_part(o, t, b, user))
			return false;
	}
	return true;
}

static bool has_sent(const struct chat_turn *t, const struct chat_turn *end, bool user)
{
	for (; t != end; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (is_sent(b, user))
				return true;
	return false;
}

static void write_role(struct json_writer *w, enum chat_role role)
{
	json_key_lit(w, "role");
	json_str(w, role == ROLE_USER ? STR("user") : role == ROLE_ASSISTANT ? STR("assistant") : STR("system"));
	json_key_lit(w, "content");
	json_open(w, '[');
}

/* Turns from t up to end as one message (T1): a batch's results first, then the rest. */
static bool write_message(struct anthropic_out *o, const struct chat_turn *t, const struct chat_turn *end,
                          enum chat_role role)
{
	bool user = role != ROLE_ASSISTANT, last = !end && !user;

	if (!has_sent(t, end, user)) {
		if (!end && role == ROLE_USER)
			return refuse_block(o, t, "nothing", "the last message must say something");
		for (; t != end; t = t->next) /* what cannot be sent is reported */
			if (!write_others(o, t, role, false))
				return false;
		return true;
	}
	json_open(&o->w, '{');
	write_role(&o->w, role);
	for (const struct chat_turn *at = t; user && at != end; at = at->next)
		for (const struct chat_block *b = at->blocks; b; b = b->next)
			if (b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER && !write_result(o, at, b))
				return false;
	for (; t != end; t = t->next)
		if (!write_others(o, t, role, last && !t->next))
			return false;
	json_close(&o->w);
	json_close(&o->w);
	return true;
}

static bool calls_client(const struct chat_turn *t, const struct chat_turn *end)
{
	for (; t != end; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
				return true;
	return false;
}

static bool has_results(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER)
			return true;
	return false;
}

/* The role that a turn is sent with; nothing may stand between calls and their results. */
static enum chat_role role_of(const struct anthropic_out *o, const struct chat_turn *t, bool calls_open)
{
	const struct model_facts *f = o->target->facts;
	bool takes = model_has(f, CAP_SYSTEM_IN_TURNS) || (o->own && !model_lacks(f, CAP_SYSTEM_IN_TURNS));

	if (t->role != ROLE_SYSTEM)
		return t->role;
	return takes && !calls_open ? ROLE_SYSTEM : ROLE_USER;
}

bool anthropic_write_messages(struct anthropic_out *o)
{
	const struct chat_turn *t = o->rq->turns;
	bool calls_open = false;

	json_key_lit(&o->w, "messages");
	json_open(&o->w, '[');
	while (t) {
		enum chat_role role = role_of(o, t, calls_open);
		const struct chat_turn *end = t;
		do {
			calls_open = calls_open && !has_results(end);
			end = end->next;
		} while (end && role_of(o, end, calls_open) == role);
		if (!write_message(o, t, end, role))
			return false;
		calls_open = role == ROLE_ASSISTANT && calls_client(t, end);
		t = end;
	}
	if (!o->w.comma) /* T2: there must be one */
		json_raw(&o->w, STR("{\"role\":\"user\",\"content\":\".\"}"));
	json_close(&o->w);
	return true;
}
