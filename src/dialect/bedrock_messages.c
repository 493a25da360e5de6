/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_messages: the conversation on its way to Converse: roles alternate, the user begins, results come first. */
#include "dialect/bedrock_out.h"

/* Bedrock's limits. */
enum { CALL_ID_LETTERS = 64, TOOL_NAME_LETTERS = 64 };

bool bedrock_out_full(const struct bedrock_out *x)
{
	return err_set(x->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

static bool is_client_call(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;
}

static bool is_client_result(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER;
}

bool bedrock_has_calls(const struct chat_request *rq)
{
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (is_client_call(b) || is_client_result(b))
				return true;
	return false;
}

unsigned bedrock_count_marks(const struct chat_block *b)
{
	unsigned n = 0;

	for (; b; b = b->next)
		n += b->cache != CACHE_NO_MARK;
	return n;
}

void bedrock_write_mark(struct bedrock_out *x, uint8_t cache)
{
	if (cache == CACHE_NO_MARK || model_lacks(x->target->facts, CAP_PROMPT_CACHE) || x->marks == CACHE_MARKS_MAX) {
		if (cache != CACHE_NO_MARK)
			chat_drop(&x->wire->drops, "cache_control");
		return;
	}
	x->marks++;
	/* Row 95: those of an hour come first. */
	if (cache == CACHE_1H && x->short_mark) {
		chat_drop(&x->wire->drops, "cache_control.ttl");
		cache = CACHE_5M;
	}
	x->short_mark |= cache == CACHE_5M;
	json_raw(&x->w, cache == CACHE_1H ? STR("{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}")
	                                  : STR("{\"cachePoint\":{\"type\":\"default\"}}"));
}

/* Of messages the last marks count: those before are found again by them. */
static void write_message_mark(struct bedrock_out *x, uint8_t cache)
{
	if (cache != CACHE_NO_MARK && x->skip_marks) {
		x->skip_marks--;
		chat_drop(&x->wire->drops, "cache_control");
		return;
	}
	bedrock_write_mark(x, cache);
}

/* ---- what can be said -------------------------------------------------------------------------------------------- */

static bool is_medium(const struct chat_block *b)
{
	return b->kind == CHAT_IMAGE || b->kind == CHAT_VIDEO || b->kind == CHAT_DOCUMENT || b->kind == CHAT_AUDIO;
}

/* O1, O7: only what this model's maker signed goes back; other models' unsigned thoughts would leak into their text. */
static bool replays(const struct bedrock_out *x, const struct chat_block *b)
{
	return b->opaque.bytes.n && b->opaque.maker == (x->claude ? MAKER_ANTHROPIC : MAKER_OTHER);
}

static bool assistant_says(const struct bedrock_out *x, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: return !jstr_is_blank(b->text);
	case CHAT_REASONING: return replays(x, b);
	case CHAT_TOOL_CALL: return b->tool != TOOL_SERVER;
	case CHAT_AUDIO: return b->media && b->media->transcript.p && !jstr_is_blank(b->media->transcript);
	case CHAT_IMAGE:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: return false;
	}
	return false;
}

static bool says(const struct bedrock_out *x, const struct chat_turn *t, const struct chat_block *b)
{
	if (bedrock_is_raw(b))
		return true;
	if (t->role == ROLE_ASSISTANT)
		return assistant_says(x, b);
	if (b->kind == CHAT_TEXT)
		return !jstr_is_blank(b->text);
	return is_client_result(b) || (is_medium(b) && b->media);
}

static bool turn_says(const struct bedrock_out *x, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (says(x, t, b))
			return true;
	return false;
}

/* What is left out is told, but for blanks, and for thoughts without a signature that nobody could use. */
static void note_drops(struct bedrock_out *x, const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		for (const struct chat_extra *e = b->extras; e; e = e->next)
			chat_drop(&x->wire->drops, "messages[%u].%.*s", t->index, STR_ARG(jstr_raw(e->name)));
		if (b->media && b->media->detail.n && !jstr_is(b->media->detail, STR("auto")))
			chat_drop(&x->wire->drops, "messages[%u].detail", t->index);
		if (says(x, t, b) || b->kind == CHAT_TEXT)
			continue;
		if (b->tool == TOOL_SERVER)
			chat_drop(&x->wire->drops, "messages[%u].server_tool", t->index);
		else
			chat_drop(&x->wire->drops, "messages[%u].%s", t->index,
			          chat_kind_name((enum chat_kind)b->kind));
	}
	if (t->name.p)
		chat_drop(&x->wire->drops, "messages[%u].name", t->index);
	for (const struct chat_extra *e = t->extras; e; e = e->next)
		chat_drop(&x->wire->drops, "messages[%u].%.*s", t->index, STR_ARG(jstr_raw(e->name)));
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void write_text(struct bedrock_out *x, struct jstr text)
{
	json_open(&x->w, '{');
	json_key_lit(&x->w, "text");
	json_jstr(&x->w, text);
	json_close(&x->w);
}

/* P15: a system turn in the midst of the conversation, as the user's text that says what it is. */
static bool write_system_text(struct bedrock_out *x, struct jstr text)
{
	struct jstr all = jstr_concat(x->arena, JSTR("<system>\\n"), text);

	all = all.p ? jstr_concat(x->arena, all, JSTR("\\n</system>")) : all;
	if (!all.p)
		return bedrock_out_full(x);
	write_text(x, all);
	return true;
}

static bool write_reasoning(struct bedrock_out *x, const struct chat_block *b)
{
	struct jstr text = bedrock_thoughts(x->arena, b);

	if (!text.p)
		return bedrock_out_full(x);
	json_open(&x->w, '{');
	json_key_lit(&x->w, "reasoningContent");
	json_open(&x->w, '{');
	if (b->redacted) {
		json_key_lit(&x->w, "redactedContent");
		json_jstr(&x->w, b->opaque.bytes);
	} else {
		json_key_lit(&x->w, "reasoningText");
		json_open(&x->w, '{');
		json_key_lit(&x->w, "text");
		json_jstr(&x->w, text);
		json_key_lit(&x->w, "signature");
		json_jstr(&x->w, b->opaque.bytes);
		json_close(&x->w);
	}
	json_close(&x->w);
	json_close(&x->w);
	return true;
}

/* Free text becomes the argument of the function that stands for the tool (U5). */
static struct str call_input(struct bedrock_out *x, const struct chat_block *b)
{
	bool odd = false;
	struct str input;

	if (b->tool == TOOL_CUSTOM) {
		struct jstr text = chat_args_text(x->arena, &b->args);
		return arena_printf(x->arena, "{\"input\":\"%.*s\"}", STR_ARG(jstr_raw(text)));
	}
	input = chat_args_json(x->arena, &b->args, &odd);
	if (odd)
		chat_drop(&x->wire->drops, "messages[%u].arguments", x->message);
	return input;
}

static bool write_call(struct bedrock_out *x, const struct chat_block *b)
{
	struct jstr id = chat_fit_id(x->arena, b->id, ALPHABET_WORD_DASH, CALL_ID_LETTERS, false);
	struct jstr name = chat_fit_name(x->arena, &x->wire->undo, b->name, ALPHABET_WORD_DASH, TOOL_NAME_LETTERS);
	struct str input = call_input(x, b);

	if (!id.p || !name.p || !input.p)
		return bedrock_out_full(x);
	json_open(&x->w, '{');
	json_key_lit(&x->w, "toolUse");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "toolUseId");
	json_jstr(&x->w, id);
	json_key_lit(&x->w, "name");
	json_jstr(&x->w, name);
	json_key_lit(&x->w, "input");
	json_raw(&x->w, input);
	json_close(&x->w);
	json_close(&x->w);
	return true;
}

static bool write_result_content(struct bedrock_out *x, const struct chat_block *result)
{
	bool any = false;

	json_open(&x->w, '[');
	for (const struct chat_block *b = result->blocks; b; b = b->next) {
		if ((b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL) && !jstr_is_blank(b->text)) {
			write_text(x, b->text);
		} else if (is_medium(b) && b->kind != CHAT_AUDIO && b->media) {
			json_open(&x->w, '{');
			if (!bedrock_write_media(x, b))
				return false;
			json_close(&x->w);
		} else {
			if (b->kind != CHAT_TEXT)
				chat_drop(&x->wire->drops, "messages[%u].tool_result.%s", x->message,
				          chat_kind_name((enum chat_kind)b->kind));
			continue;
		}
		any = true;
	}
	/* Blank texts are refused, and some models refuse a result with nothing in it. */
	if (!any)
		write_text(x, JSTR("(no output)"));
	json_close(&x->w);
	return true;
}

static bool write_result(struct bedrock_out *x, const struct chat_block *b)
{
	struct jstr id = chat_fit_id(x->arena, b->id, ALPHABET_WORD_DASH, CALL_ID_LETTERS, false);

	if (!id.p)
		return bedrock_out_full(x);
	json_open(&x->w, '{');
	json_key_lit(&x->w, "toolResult");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "toolUseId");
	json_jstr(&x->w, id);
	json_key_lit(&x->w, "content");
	if (!write_result_content(x, b))
		return false;
	if (b->is_error) {
		json_key_lit(&x->w, "status");
		json_str(&x->w, STR("error"));
	}
	json_close(&x->w);
	json_close(&x->w);
	return true;
}

/* T4: what an answer begins with must not end in white space. */
static struct jstr without_tail(struct jstr s)
{
	while (s.n) {
		char c = s.p[s.n - 1];
		size_t slashes = 0;

		if (c == ' ') {
			s.n--;
			continue;
		}
		while (slashes + 1 < s.n && s.p[s.n - 2 - slashes] == '\\')
			slashes++;
		if ((c != 'n' && c != 't' && c != 'r') || slashes % 2 == 0)
			break;
		s.n -= 2;
	}
	return s;
}

static bool write_block(struct bedrock_out *x, const struct chat_turn *t, const struct chat_block *b, bool last)
{
	if (bedrock_is_raw(b)) {
		json_raw(&x->w, b->raw);
		return true;
	}
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
		if (t->role == ROLE_SYSTEM)
			return write_system_text(x, b->text);
		write_text(x, last && t->role == ROLE_ASSISTANT ? without_tail(b->text) : b->text);
		return true;
	case CHAT_REASONING: return write_reasoning(x, b);
	case CHAT_TOOL_CALL: return write_call(x, b);
	case CHAT_TOOL_RESULT: return write_result(x, b);
	case CHAT_AUDIO:
		if (t->role == ROLE_ASSISTANT) {
			write_text(x, b->media->transcript);
			return true;
		}
		break;
	case CHAT_IMAGE:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	json_open(&x->w, '{');
	if (!bedrock_write_media(x, b))
		return false;
	json_close(&x->w);
	return true;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static bool same_role(const struct chat_turn *a, const struct chat_turn *b)
{
	return (a->role == ROLE_ASSISTANT) == (b->role == ROLE_ASSISTANT);
}

static const struct chat_turn *next_saying(const struct bedrock_out *x, const struct chat_turn *t)
{
	while (t && !turn_says(x, t))
		t = t->next;
	return t;
}

/* The blocks of the turns from `first` up to `end`: with `results` those that are results, else the others. */
static bool write_blocks(struct bedrock_out *x, const struct chat_turn *first, const struct chat_turn *end,
                         bool results)
{
	bool any = false;

	for (const struct chat_turn *t = first; t != end; t = t->next) {
		x->message = t->index;
		x->block = 0;
		for (const struct chat_block *b = t->blocks; b; b = b->next, x->block++) {
			if (is_client_result(b) != results)
				continue;
			if (!says(x, t, b)) {
				/* what is before it is marked all the same */
				write_message_mark(x, any ? b->cache : CACHE_NO_MARK);
				continue;
			}
			any = true;
			if (!write_block(x, t, b, !end && !b->next && !t->next))
				return false;
			write_message_mark(x, b->cache);
		}
	}
	return true;
}

/* T17: a document needs a text beside it. */
static bool lacks_text(const struct bedrock_out *x, const struct chat_turn *first, const struct chat_turn *end)
{
	bool document = false;

	for (const struct chat_turn *t = first; t != end; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next) {
			if (b->kind == CHAT_TEXT && says(x, t, b))
				return false;
			document |= b->kind == CHAT_DOCUMENT;
		}
	return document;
}

static bool write_message(struct bedrock_out *x, const struct chat_turn *first, const struct chat_turn *end)
{
	bool user = first->role != ROLE_ASSISTANT;

	json_open(&x->w, '{');
	json_key_lit(&x->w, "role");
	json_str(&x->w, user ? STR("user") : STR("assistant"));
	json_key_lit(&x->w, "content");
	json_open(&x->w, '[');
	if ((user && !write_blocks(x, first, end, true)) || !write_blocks(x, first, end, false))
		return false;
	if (user && lacks_text(x, first, end))
		write_text(x, JSTR("."));
	/* Anthropic's automatic mark is at the end of the conversation. */
	if (user && !next_saying(x, end) && x->rq->cache_auto)
		bedrock_write_mark(x, x->rq->cache_auto);
	json_close(&x->w);
	json_close(&x->w);
	return true;
}

static bool check_last(struct bedrock_out *x)
{
	const struct chat_turn *last = x->rq->turns;

	while (last && last->next)
		last = last->next;
	if (!last)
		return err_set(x->err, ERR_INVALID_REQUEST, "messages: must hold at least one message");
	if (last->role == ROLE_USER && !turn_says(x, last))
		return err_set(x->err, ERR_INVALID_REQUEST,
		               "messages[%u].content: must hold a text that is not blank, or something else to answer",
		               last->index);
	return true;
}

static unsigned count_message_marks(const struct bedrock_out *x)
{
	unsigned n = x->rq->cache_auto != CACHE_NO_MARK;

	for (const struct chat_turn *t = x->rq->turns; t; t = t->next)
		n += bedrock_count_marks(t->blocks);
	return n;
}

bool bedrock_write_messages(struct bedrock_out *x)
{
	unsigned marks = count_message_marks(x), room = CACHE_MARKS_MAX - x->marks;
	const struct chat_turn *t, *end;

	if (!chat_turns_check_calls(x->rq, x->err) || !check_last(x))
		return false;
	x->skip_marks = marks > room ? marks - room : 0;
	for (t = x->rq->turns; t; t = t->next)
		note_drops(x, t);
	t = next_saying(x, x->rq->turns);
	json_key_lit(&x->w, "messages");
	json_open(&x->w, '[');
	if (t && t->role == ROLE_ASSISTANT)
		json_raw(&x->w, STR("{\"role\":\"user\",\"content\":[{\"text\":\".\"}]}"));
	for (; t; t = next_saying(x, end)) {
		for (end = t->next; end && (same_role(t, end) || !turn_says(x, end)); end = end->next)
			continue;
		if (!write_message(x, t, end))
			return false;
	}
	json_close(&x->w);
	return true;
}

/* ---- system ------------------------------------------------------------------------------------------------------ */

bool bedrock_write_system(struct bedrock_out *x)
{
	const struct chat_request *rq = x->rq;
	bool any = x->no_calls || x->plan.form == FORM_TEXT;

	for (const struct chat_block *b = rq->system; b; b = b->next) {
		any |= b->kind == CHAT_TEXT && !jstr_is_blank(b->text);
		if (b->kind != CHAT_TEXT)
			chat_drop(&x->wire->drops, "system.%s", chat_kind_name((enum chat_kind)b->kind));
	}
	if (!any)
		return true;
	json_key_lit(&x->w, "system");
	json_open(&x->w, '[');
	for (const struct chat_block *b = rq->system; b; b = b->next) {
		if (b->kind != CHAT_TEXT || jstr_is_blank(b->text))
			continue;
		write_text(x, b->text);
		bedrock_write_mark(x, b->cache);
	}
	if (x->no_calls)
		write_text(x, JSTR("Do not call any tool in this answer."));
	if (x->plan.form == FORM_TEXT) {
		struct str told = arena_printf(x->arena,
		                               "Answer with one JSON document and nothing else, without a code "
		                               "fence. It must match this JSON Schema: %.*s",
		                               STR_ARG(x->plan.schema));
		struct jstr text = told.p ? jstr_from(x->arena, told) : (struct jstr){ 0 };
		if (!text.p)
			return bedrock_out_full(x);
		write_text(x, text);
	}
	json_close(&x->w);
	return true;
}
