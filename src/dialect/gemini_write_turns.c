/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_write_turns: the conversation as systemInstruction and contents (rules T1, T6, T8, T10-T12, P15, O3, O9). */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/gemini_write.h"

/* For calls whose signature nobody knows (ai.google.dev/gemini-api/docs/thought-signatures). */
static const struct chat_opaque no_signature = { .bytes = { "skip_thought_signature_validator", 32 },
	                                         .maker = MAKER_GEMINI };
static const struct chat_opaque nothing = { .maker = MAKER_NONE };

static const struct chat_opaque *own(const struct chat_opaque *o)
{
	return o->maker == MAKER_GEMINI && o->bytes.p ? o : &nothing;
}

static bool is_client_call(const struct chat_block *b) { return b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER; }

static bool is_client_result(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER;
}

/* ---- system ------------------------------------------------------------------------------------------------------ */

static void put_system(struct gemini_writing *g)
{
	for (const struct chat_block *b = g->rq->system; b; b = b->next) {
		if (b->kind == CHAT_TEXT && b->text.n)
			gemini_put_text(&g->put, b->text, false, NULL);
		else if (b->kind != CHAT_TEXT)
			chat_drop(&g->out->drops, "system.%s", chat_kind_name((enum chat_kind)b->kind));
	}
}

static bool has_system(const struct gemini_writing *g)
{
	for (const struct chat_block *b = g->rq->system; b; b = b->next)
		if (b->kind == CHAT_TEXT && b->text.n)
			return true;
	return false;
}

bool gemini_write_system(struct gemini_writing *g)
{
	if (!has_system(g) || model_lacks(g->to->facts, CAP_SYSTEM))
		return true;
	json_key_lit(&g->w, "systemInstruction");
	json_open(&g->w, '{');
	json_key_lit(&g->w, "parts");
	json_open(&g->w, '[');
	put_system(g);
	json_close(&g->w);
	json_close(&g->w);
	return true;
}

/* ---- media ------------------------------------------------------------------------------------------------------- */

static bool is_image_type(struct jstr type)
{
	return chat_image_type_known(type) || jstr_is(type, STR("image/heic")) || jstr_is(type, STR("image/heif"));
}

/* What a file's name says of its type; Gemini wants one for addresses. */
static struct jstr type_of_address(enum chat_kind kind, struct jstr url)
{
	static const struct { struct str end, type; } ends[] = {
		{ STR_INIT(".png"), STR_INIT("image/png") }, { STR_INIT(".jpg"), STR_INIT("image/jpeg") },
		{ STR_INIT(".jpeg"), STR_INIT("image/jpeg") }, { STR_INIT(".gif"), STR_INIT("image/gif") },
		{ STR_INIT(".webp"), STR_INIT("image/webp") }, { STR_INIT(".heic"), STR_INIT("image/heic") },
		{ STR_INIT(".pdf"), STR_INIT("application/pdf") }, { STR_INIT(".txt"), STR_INIT("text/plain") },
		{ STR_INIT(".mp3"), STR_INIT("audio/mp3") }, { STR_INIT(".wav"), STR_INIT("audio/wav") },
		{ STR_INIT(".mp4"), STR_INIT("video/mp4") }, { STR_INIT(".mov"), STR_INIT("video/mov") },
		{ STR_INIT(".webm"), STR_INIT("video/webm") },
	};
	struct str s = jstr_raw(url);
	size_t query = str_find_chr(s, '?');

	s = str_slice(s, 0, query);
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (s.n > ends[i].end.n && str_ieq(str_slice(s, s.n - ends[i].end.n, s.n), ends[i].end))
			return jstr_of(ends[i].type.p, ends[i].type.n);
	return kind == CHAT_IMAGE ? JSTR("image/jpeg") : kind == CHAT_DOCUMENT ? JSTR("application/pdf") : JSTR("");
}

static bool check_media(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	bool google = str_starts(jstr_raw(m->data), STR("https://")) || str_starts(jstr_raw(m->data), STR("files/")) ||
	              str_starts(jstr_raw(m->data), STR("gs://"));

	if (m->from == MEDIA_BYTES && b->kind == CHAT_IMAGE && m->type.n && !is_image_type(m->type))
		return err_set(g->err, ERR_INVALID_REQUEST,
		               "messages[%u]: the image's type \"%.*s\" must be image/png, image/jpeg, image/webp, "
		               "image/gif, "
		               "image/heic or image/heif",
		               t->index, STR_ARG(text_utf8_cut(jstr_raw(m->type), 64)));
	if (m->from == MEDIA_FILE && !google)
		return err_set(g->err, ERR_INVALID_REQUEST,
		               "messages[%u]: the file \"%.*s\" is known to another provider only; send its data",
		               t->index,
		               STR_ARG(text_utf8_cut(jstr_raw(m->data), 64)));
	if (m->from == MEDIA_URL && model_lacks(g->to->facts, CAP_URL_MEDIA) &&
	    !str_starts(jstr_raw(m->data), STR("gs://")))
		return err_set(g->err, ERR_INVALID_REQUEST,
		               "messages[%u]: the model takes no addresses of %s; send the data", t->index,
		               chat_kind_name((enum chat_kind)b->kind));
	return true;
}

static bool put_media(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block *b)
{
	struct chat_media copy;
	struct chat_block with;

	if (!b->media)
		return true;
	if (!check_media(g, t, b))
		return false;
	if (b->media->detail.n && !jstr_is(b->media->detail, STR("auto")))
		chat_drop(&g->out->drops, "messages[%u].detail", t->index);
	copy = *b->media;
	with = *b;
	with.media = &copy;
	with.opaque = *own(&b->opaque);
	if (!copy.type.n && copy.from != MEDIA_TEXT)
		copy.type = copy.from == MEDIA_BYTES
		                    ? (b->kind == CHAT_IMAGE ? JSTR("image/png") : JSTR("application/pdf"))
		                    : type_of_address((enum chat_kind)b->kind, copy.data);
	if (copy.from == MEDIA_TEXT && copy.title.n)
		gemini_put_text(&g->put, copy.title, false, NULL);
	if (copy.citations == TRI_YES)
		chat_drop(&g->out->drops, "messages[].citations");
	gemini_put_media(&g->put, &with);
	return true;
}

/* ---- tool results ------------------------------------------------------------------------------------------------ */

/* The turns whose calls are being answered; looked at before the whole history is. */
struct calls {
	const struct chat_turn *first, *end;
};

static struct jstr name_of(struct gemini_writing *g, const struct calls *calls, const struct chat_block *result)
{
	struct jstr name = { 0 };

	for (const struct chat_turn *t = calls->first; t && t != calls->end; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (is_client_call(b) && jstr_eq(b->id, result->id))
				name = b->name;
	if (!name.p)
		name = chat_turns_call_name(g->rq, result->id);
	if (!name.p)
		name = result->name;
	return chat_fit_name(g->arena, &g->out->undo, name, ALPHABET_GEMINI, g->name_max);
}

static bool joined_text(struct arena *a, const struct chat_block *blocks, struct jstr *out)
{
	*out = JSTR("");
	for (const struct chat_block *b = blocks; b; b = b->next) {
		if (b->kind != CHAT_TEXT)
			continue;
		if (out->n)
			*out = jstr_concat(a, *out, JSTR("\\n"));
		if (out->p)
			*out = jstr_concat(a, *out, b->text);
		if (!out->p)
			return false;
	}
	return true;
}

/* An object as it is; anything else as the one member of an object (T11, T12). */
static bool put_response(struct gemini_writing *g, const struct chat_block *b)
{
	struct json_fault fault;
	struct jstr text;
	struct str inner;
	bool object;

	if (b->raw.p && b->from == DIALECT_GEMINI) {
		json_raw(&g->w, b->raw);
		return true;
	}
	if (!joined_text(g->arena, b->blocks, &text))
		return false;
	inner = jstr_inner(g->arena, text);
	if (!inner.p)
		return false;
	inner = str_trim(inner);
	object = inner.n && inner.p[0] == '{' && json_scan(NULL, inner, REQUEST_DEPTH_MAX, NULL, &fault);
	if (object && !b->is_error) {
		json_raw(&g->w, inner);
		return true;
	}
	json_open(&g->w, '{');
	if (b->is_error)
		json_key_lit(&g->w, "error");
	else
		json_key_lit(&g->w, "output");
	if (object)
		json_raw(&g->w, inner);
	else
		json_jstr(&g->w, text);
	json_close(&g->w);
	return true;
}

static bool put_result_media(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block *result)
{
	for (const struct chat_block *b = result->blocks; b; b = b->next)
		if (b->media && !put_media(g, t, b))
			return false;
	return true;
}

static bool has_media(const struct chat_block *result)
{
	for (const struct chat_block *b = result->blocks; b; b = b->next)
		if (b->media)
			return true;
	return false;
}

static bool put_result(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block *b,
                       const struct calls *calls)
{
	bool inside = has_media(b) && model_has(g->to->facts, CAP_TOOL_IMAGES);
	struct jstr name = name_of(g, calls, b);

	if (!name.p)
		return gemini_write_is_full(g);
	json_open(&g->w, '{');
	json_key_lit(&g->w, "functionResponse");
	json_open(&g->w, '{');
	if (b->id.n) {
		json_key_lit(&g->w, "id");
		json_jstr(&g->w, b->id);
	}
	json_key_lit(&g->w, "name");
	json_jstr(&g->w, name);
	json_key_lit(&g->w, "response");
	if (!put_response(g, b))
		return gemini_write_is_full(g);
	if (inside) {
		json_key_lit(&g->w, "parts");
		json_open(&g->w, '[');
		if (!put_result_media(g, t, b))
			return false;
		json_close(&g->w);
	}
	json_close(&g->w);
	json_close(&g->w);
	return true;
}

/* ---- the model's turns ------------------------------------------------------------------------------------------- */

/* A signature without words belongs to the call behind it if that has none (so other dialects carry it), else to the
 * text before it. */
static bool is_bare_signature(const struct chat_block *b)
{
	return b && b->kind == CHAT_REASONING && !b->text.n && !b->blocks && own(&b->opaque)->bytes.p;
}

static const struct chat_block *call_behind(const struct chat_block *reasoning)
{
	const struct chat_block *b = reasoning->next;

	while (b && b->kind == CHAT_REASONING && !own(&b->opaque)->bytes.p)
		b = b->next;
	return b && is_client_call(b) && !own(&b->opaque)->bytes.p ? b : NULL;
}

static bool put_call(struct gemini_writing *g, const struct chat_block *b, const struct chat_opaque *signature)
{
	struct chat_args args = b->args;
	struct jstr name = chat_fit_name(g->arena, &g->out->undo, b->name, ALPHABET_GEMINI, g->name_max);
	struct str json;
	bool odd = false;

	if (b->tool == TOOL_CUSTOM) {
		struct buf out = buf_make(b->args.text.n + 16);

		buf_append(&out, STR("{\"input\":\""));
		buf_append_jstr(&out, b->args.text);
		buf_append(&out, STR("\"}"));
		json = arena_dup(g->arena, buf_str(&out));
		buf_fini(&out);
	} else {
		json = chat_args_json(g->arena, &args, &odd);
	}
	if (odd)
		chat_drop(&g->out->drops, "tool_calls[].arguments");
	if (!json.p || !name.p)
		return gemini_write_is_full(g);
	gemini_put_call(&g->put, b->id, name, json, signature);
	return true;
}

/* Thoughts go back only to who had them (O9). */
static void put_thought(struct gemini_writing *g, const struct chat_block *b, const struct chat_opaque *signature)
{
	bool ours = g->rq->from == DIALECT_GEMINI ? b->opaque.maker == MAKER_NONE || b->opaque.maker == MAKER_GEMINI
	                                          : b->opaque.maker == MAKER_GEMINI;

	if (!ours) {
		chat_drop(&g->out->drops, "messages[].reasoning");
		return;
	}
	for (const struct chat_block *part = b->blocks; part; part = part->next)
		if (part->text.n)
			gemini_put_text(&g->put, part->text, true, NULL);
	if (b->text.n)
		gemini_put_text(&g->put, b->text, true, signature);
	else if (signature->bytes.p)
		gemini_put_text(&g->put, JSTR(""), false, signature);
}

struct model_turns {
	const struct chat_opaque *waiting;   /* a signature for the next call */
	bool called;                         /* the set has its first call */
};

static bool put_model_block(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block **at,
                            struct model_turns *m)
{
	const struct chat_block *b = *at;
	const struct chat_opaque *signature = own(&b->opaque);

	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
		if (is_bare_signature(b->next) && !signature->bytes.p && b->text.n && !call_behind(b->next)) {
			signature = &b->next->opaque;
			*at = b->next;
		}
		if (b->text.n || signature->bytes.p)
			gemini_put_text(&g->put, b->text, false, signature);
		return true;
	case CHAT_REASONING:
		if (signature->bytes.p && call_behind(b)) {
			m->waiting = signature;
			signature = &nothing;
		}
		put_thought(g, b, signature);
		return true;
	case CHAT_TOOL_CALL:
		if (b->tool == TOOL_SERVER)
			break;
		if (!signature->bytes.p && m->waiting)
			signature = m->waiting;
		if (!signature->bytes.p && !m->called && model_rule(g->to->facts, MODEL_SIGNATURES_REQUIRED))
			signature = &no_signature;
		m->called = true;
		m->waiting = NULL;
		return put_call(g, b, signature);
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT: return put_media(g, t, b);
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	if (b->raw.p && b->from == DIALECT_GEMINI)
		json_raw(&g->w, b->raw);
	else
		chat_drop(&g->out->drops, "messages[%u].%s", t->index, chat_kind_name((enum chat_kind)b->kind));
	return true;
}

static bool put_model_turns(struct gemini_writing *g, const struct chat_turn *t, const struct chat_turn *end)
{
	struct model_turns m = { NULL, false };

	for (; t != end; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (!put_model_block(g, t, &b, &m))
				return false;
	return true;
}

/* ---- the user's turns -------------------------------------------------------------------------------------------- */

/* In the midst of a conversation there is no system turn: as the user's text, told apart by a tag (P15). */
static void put_late_system(struct gemini_writing *g, const struct chat_block *b)
{
	struct jstr text = jstr_concat(g->arena, JSTR("<system>\\n"), b->text);

	if (text.p)
		text = jstr_concat(g->arena, text, JSTR("\\n</system>"));
	g->put.full |= !text.p;
	if (text.p && b->text.n)
		gemini_put_text(&g->put, text, false, NULL);
}

static bool put_user_block(struct gemini_writing *g, const struct chat_turn *t, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
		if (t->role == ROLE_SYSTEM)
			put_late_system(g, b);
		else if (b->text.n)
			gemini_put_text(&g->put, b->text, false, own(&b->opaque));
		return true;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT: return put_media(g, t, b);
	case CHAT_TOOL_RESULT:
		if (b->tool != TOOL_SERVER)
			return true;                     /* went before */
		break;
	case CHAT_REASONING:
	case CHAT_TOOL_CALL:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	if (b->raw.p && b->from == DIALECT_GEMINI)
		json_raw(&g->w, b->raw);
	else
		chat_drop(&g->out->drops, "messages[%u].%s", t->index, chat_kind_name((enum chat_kind)b->kind));
	return true;
}

/* Results first, then the media that older models cannot have inside of them, then the rest (T1, T10). */
static bool put_user_turns(struct gemini_writing *g, const struct chat_turn *first, const struct chat_turn *end,
                           const struct calls *calls)
{
	const struct chat_block *b;
	const struct chat_turn *t;

	for (t = first; t != end; t = t->next) {
		if (t->name.n)
			chat_drop(&g->out->drops, "messages[].name");
		for (b = t->blocks; b; b = b->next)
			if (is_client_result(b) && !put_result(g, t, b, calls))
				return false;
	}
	if (!model_has(g->to->facts, CAP_TOOL_IMAGES))
		for (t = first; t != end; t = t->next)
			for (b = t->blocks; b; b = b->next)
				if (is_client_result(b) && !put_result_media(g, t, b))
					return false;
	for (t = first; t != end; t = t->next)
		for (b = t->blocks; b; b = b->next)
			if (!put_user_block(g, t, b))
				return false;
	return true;
}

/* ---- contents ---------------------------------------------------------------------------------------------------- */

static bool is_models(const struct chat_turn *t) { return t->role == ROLE_ASSISTANT; }

/* One content is all that one side says at a stretch. What says nothing at all is left out. */
static bool put_content(struct gemini_writing *g, const struct chat_turn *first, const struct chat_turn *end,
                        const struct calls *calls, bool with_system)
{
	struct json_writer before = g->w;
	size_t length = g->w.out->n, parts;
	bool good;

	json_open(&g->w, '{');
	json_key_lit(&g->w, "role");
	json_str(&g->w, first && is_models(first) ? STR("model") : STR("user"));
	json_key_lit(&g->w, "parts");
	json_open(&g->w, '[');
	parts = g->w.out->n;
	if (with_system)
		put_system(g);
	good = first && is_models(first) ? put_model_turns(g, first, end) : put_user_turns(g, first, end, calls);
	if (!good)
		return false;
	if (g->w.out->n == parts && !g->w.out->failed) {
		g->w.out->n = length;
		g->w = before;
		return true;
	}
	json_close(&g->w);
	json_close(&g->w);
	return true;
}

bool gemini_write_contents(struct gemini_writing *g)
{
	bool system = has_system(g) && model_lacks(g->to->facts, CAP_SYSTEM);
	struct calls calls = { NULL, NULL };
	const struct chat_turn *t = g->rq->turns, *end;
	size_t before;

	if (!chat_turns_check_calls(g->rq, g->err))
		return false;
	json_key_lit(&g->w, "contents");
	json_open(&g->w, '[');
	before = g->w.out->n;
	if (system && (!t || is_models(t))) {
		if (!put_content(g, NULL, NULL, &calls, true))
			return false;
		system = false;
	}
	for (; t; t = end) {
		for (end = t->next; end && is_models(end) == is_models(t);)
			end = end->next;
		if (!put_content(g, t, end, &calls, system))
			return false;
		system = false;
		if (is_models(t))
			calls = (struct calls){ t, end };
	}
	if (g->w.out->n == before && !g->w.out->failed) {
		if (!g->rq->turns)
			return err_set(g->err, ERR_INVALID_REQUEST, "messages: must hold at least one message");
		json_raw(&g->w, STR("{\"role\":\"user\",\"parts\":[{\"text\":\"\"}]}"));
	}
	json_close(&g->w);
	return true;
}
