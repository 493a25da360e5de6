/* SPDX-License-Identifier: Apache-2.0 */
/* responses_write_request: a request for a provider that speaks Responses. */
#include "base/text.h"
#include "dialect/responses_in.h"
#include "model/facts.h"
#include "model/quirk.h"

enum { NAME_MAX_LETTERS = 64, ID_MAX_LETTERS = 64, BODY_MAX_BYTES = 1 << 30 };

struct writing {
	struct arena *arena;
	const struct chat_request *rq;
	const struct chat_target *target;
	struct chat_wire *out;
	struct err *err;
	struct json_writer w;
	uint64_t carried;
	const struct chat_turn *turn;    /* where we are */
	bool full;
};

static void carry(struct writing *wr, enum chat_member m) { wr->carried |= MEMBER_BIT(m); }
static bool given(const struct writing *wr, enum chat_member m) { return (wr->rq->set & MEMBER_BIT(m)) != 0; }

static void put_text(struct json_writer *w, struct str type, struct jstr text)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, type);
	json_key_lit(w, "text");
	json_jstr(w, text);
	json_close(w);
}

static struct jstr fit_name(struct writing *wr, struct jstr name)
{
	struct jstr fit = chat_fit_name(wr->arena, &wr->out->undo, name, ALPHABET_WORD_DASH, NAME_MAX_LETTERS);

	wr->full |= !fit.p;
	return fit;
}

static struct jstr fit_id(struct writing *wr, struct jstr id)
{
	struct jstr fit = chat_fit_id(wr->arena, id, ALPHABET_WORD_DASH, ID_MAX_LETTERS, false);

	wr->full |= !fit.p;
	return fit;
}

/* ---- parts ---- */

static bool cannot(struct writing *wr, const struct chat_block *b)
{
	return err_set(wr->err, ERR_UNSUPPORTED_PARAMETER, "messages[%u]: %s cannot be sent to a Responses API",
	               wr->turn ? wr->turn->index : 0, chat_kind_name((enum chat_kind)b->kind));
}

static bool file_is_ours(struct writing *wr, const struct chat_media *m)
{
	if (m->from != MEDIA_FILE || wr->rq->from == DIALECT_OPENAI_CHAT || wr->rq->from == DIALECT_OPENAI_RESPONSES)
		return true;
	return err_set(wr->err, ERR_INVALID_REQUEST,
	               "messages[%u]: the file \"%.*s\" is known to another provider only; send its data",
	               wr->turn ? wr->turn->index : 0, STR_ARG(text_utf8_cut(jstr_raw(m->data), 64)));
}

static bool put_image(struct writing *wr, const struct chat_media *m)
{
	struct json_writer *w = &wr->w;
	struct jstr url = m->from == MEDIA_BYTES ? chat_media_data_url(wr->arena, m) : m->data;

	if (!file_is_ours(wr, m))
		return false;
	wr->full |= !url.p;
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("input_image"));
	if (m->from == MEDIA_FILE)
		json_key_lit(w, "file_id");
	else
		json_key_lit(w, "image_url");
	json_jstr(w, url);
	if (m->detail.n) {
		json_key_lit(w, "detail");
		json_jstr(w, m->detail);
	}
	json_close(w);
	return true;
}

/* A document that is plain text goes as a text with its title (T18). */
static void put_text_document(struct writing *wr, const struct chat_media *m)
{
	struct jstr text = m->data;

	if (m->title.n) {
		text = jstr_concat(wr->arena, m->title, JSTR("\\n\\n"));
		text = text.p ? jstr_concat(wr->arena, text, m->data) : text;
	}
	wr->full |= !text.p;
	put_text(&wr->w, STR("input_text"), text);
}

static bool put_document(struct writing *wr, const struct chat_media *m)
{
	struct json_writer *w = &wr->w;
	struct jstr name = m->name.n ? m->name : m->title, data = m->data;

	if (m->citations == TRI_YES)
		chat_drop(&wr->out->drops, "messages[%u].citations", wr->turn ? wr->turn->index : 0);
	if (m->from == MEDIA_TEXT) {
		put_text_document(wr, m);
		return true;
	}
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("input_file"));
	if (m->from == MEDIA_BYTES) {
		data = chat_media_data_url(wr->arena, m);
		wr->full |= !data.p;
		json_key_lit(w, "filename");
		json_jstr(w, name.n ? name : JSTR("document.pdf"));
		json_key_lit(w, "file_data");
	} else if (m->from == MEDIA_URL) {
		json_key_lit(w, "file_url");
	} else {
		json_key_lit(w, "file_id");
	}
	json_jstr(w, data);
	json_close(w);
	return true;
}

static bool put_audio(struct writing *wr, const struct chat_media *m)
{
	struct json_writer *w = &wr->w;
	struct str type = jstr_raw(m->type);

	if (m->from != MEDIA_BYTES)
		return err_set(wr->err, ERR_UNSUPPORTED_PARAMETER, "messages[%u]: audio must be given as base64",
		               wr->turn ? wr->turn->index : 0);
	if (str_starts(type, STR("audio/")))
		type = str_slice(type, 6, type.n);
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("input_audio"));
	json_key_lit(w, "input_audio");
	json_open(w, '{');
	json_key_lit(w, "data");
	json_jstr(w, m->data);
	json_key_lit(w, "format");
	json_jstr(w, str_eq(type, STR("mpeg")) ? JSTR("mp3") : jstr_of(type.p, type.n));
	json_close(w);
	json_close(w);
	return true;
}

/* A part of an input message, or of a tool's output. */
static bool put_part(struct writing *wr, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
		put_text(&wr->w, STR("input_text"), b->text);
		return true;
	case CHAT_IMAGE:
		return put_image(wr, b->media);
	case CHAT_DOCUMENT:
		return put_document(wr, b->media);
	case CHAT_AUDIO:
		return put_audio(wr, b->media);
	case CHAT_VIDEO:
		return cannot(wr, b);
	case CHAT_RAW:
		if (responses_is_raw(b)) {
			json_raw(&wr->w, b->raw);
			return true;
		}
		break;
	case CHAT_REFUSAL:
		put_text(&wr->w, STR("input_text"), b->text);
		return true;
	case CHAT_REASONING:
	case CHAT_TOOL_CALL:
	case CHAT_TOOL_RESULT:
	case CHAT_KINDS:
		break;
	}
	chat_drop(&wr->out->drops, "messages[%u].%s", wr->turn ? wr->turn->index : 0,
	          chat_kind_name((enum chat_kind)b->kind));
	return true;
}

/* ---- items ---- */

static void open_message(struct writing *wr, struct str role)
{
	struct json_writer *w = &wr->w;

	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("message"));
	json_key_lit(w, "role");
	json_str(w, role);
	json_key_lit(w, "content");
	json_open(w, '[');
}

static void close_message(struct writing *wr)
{
	json_close(&wr->w);
	json_close(&wr->w);
}

static struct str system_role(const struct writing *wr)
{
	return model_rule(wr->target->facts, MODEL_DEVELOPER_ROLE) || wr->target->quirks & QUIRK_DEVELOPER_ROLE
	       ? STR("developer") : STR("system");
}

static bool is_custom_call(const struct chat_request *rq, struct jstr id)
{
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->role == ROLE_ASSISTANT ? t->blocks : NULL; b; b = b->next)
			if (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_CUSTOM && jstr_eq(b->id, id))
				return true;
	return false;
}

static bool has_custom_calls(const struct chat_request *rq)
{
	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		if (t->kind == TOOL_CUSTOM)
			return true;
	return false;
}

/* T11: there is no flag, so the text says it. */
static struct jstr error_text(struct writing *wr, const struct chat_block *result, struct jstr text)
{
	if (!result->is_error || str_istarts(jstr_raw(text), STR("error")))
		return text;
	text = jstr_concat(wr->arena, JSTR("Error: "), text);
	wr->full |= !text.p;
	return text;
}

static bool put_result(struct writing *wr, const struct chat_block *b)
{
	struct json_writer *w = &wr->w;
	const struct chat_block *first = b->blocks;
	bool custom = b->tool == TOOL_CUSTOM || (has_custom_calls(wr->rq) && is_custom_call(wr->rq, b->id)),
	     good = true;

	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, custom ? STR("custom_tool_call_output") : STR("function_call_output"));
	json_key_lit(w, "call_id");
	json_jstr(w, fit_id(wr, b->id));
	json_key_lit(w, "output");
	if (!first || (first->kind == CHAT_TEXT && !first->next)) {
		json_jstr(w, error_text(wr, b, first ? first->text : JSTR("")));
	} else {
		json_open(w, '[');
		for (const struct chat_block *p = first; p && good; p = p->next)
			if (p == first && p->kind == CHAT_TEXT)
				put_text(w, STR("input_text"), error_text(wr, b, p->text));
			else
				good = put_part(wr, p);
		json_close(w);
	}
	json_close(w);
	return good;
}

static void put_call(struct writing *wr, const struct chat_block *b)
{
	struct json_writer *w = &wr->w;
	struct jstr args = chat_args_text(wr->arena, &b->args);
	bool custom = b->tool == TOOL_CUSTOM;

	wr->full |= !args.p;
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, custom ? STR("custom_tool_call") : STR("function_call"));
	json_key_lit(w, "call_id");
	json_jstr(w, fit_id(wr, b->id));
	json_key_lit(w, "name");
	json_jstr(w, fit_name(wr, b->name));
	if (custom)
		json_key_lit(w, "input");
	else
		json_key_lit(w, "arguments");
	json_jstr(w, args.n || custom ? args : JSTR("{}"));
	json_close(w);
}

/* A thought goes back to its maker only, with the id that its token belongs to (G6, O4, O9). Clients of other dialects
 * give back as one text what OpenAI had shown as a summary; beside its token OpenAI takes no other text. */
static void put_thought(struct writing *wr, const struct chat_block *b)
{
	struct json_writer *w = &wr->w;
	bool summary = b->text.n && b->opaque.maker == MAKER_OPENAI && wr->rq->from != DIALECT_OPENAI_RESPONSES;
	bool own = b->opaque.bytes.n && b->opaque.maker == responses_maker(wr->target->model);
	bool replay = (wr->target->quirks & QUIRK_REASONING_REPLAY) && b->text.n;

	if (!own && !replay) {
		chat_drop(&wr->out->drops, "reasoning");
		return;
	}
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("reasoning"));
	if (own && b->opaque.id.n) {
		json_key_lit(w, "id");
		json_jstr(w, b->opaque.id);
	}
	json_key_lit(w, "summary");
	json_open(w, '[');
	for (const struct chat_block *p = own ? b->blocks : NULL; p; p = p->next)
		put_text(w, STR("summary_text"), p->text);
	if (summary)
		put_text(w, STR("summary_text"), b->text);
	json_close(w);
	if (b->text.n && !summary) {
		json_key_lit(w, "content");
		json_open(w, '[');
		put_text(w, STR("reasoning_text"), b->text);
		json_close(w);
	}
	if (own) {
		json_key_lit(w, "encrypted_content");
		json_jstr(w, b->opaque.bytes);
	}
	json_close(w);
}

static void put_answer_text(struct writing *wr, const struct chat_block *b)
{
	struct json_writer *w = &wr->w;

	if (!b->citations) {
		put_text(w, STR("output_text"), b->text);
		return;
	}
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("output_text"));
	json_key_lit(w, "text");
	json_jstr(w, b->text);
	json_key_lit(w, "annotations");
	json_open(w, '[');
	for (const struct chat_citation *c = b->citations; c; c = c->next)
		if (!responses_write_annotation(w, c, responses_letters(b->text)))
			chat_drop(&wr->out->drops, "messages[%u].citations", wr->turn->index);
	json_close(w);
	json_close(w);
}

/* Texts and refusals that stand together are one message. Returns the first block behind them. */
static const struct chat_block *put_answer_message(struct writing *wr, const struct chat_block *b)
{
	struct json_writer *w = &wr->w;

	open_message(wr, STR("assistant"));
	for (; b && (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL); b = b->next) {
		if (b->kind == CHAT_REFUSAL)
			responses_write_refusal_part(w, b->text);
		else
			put_answer_text(wr, b);
	}
	close_message(wr);
	return b;
}

static bool put_assistant(struct writing *wr, const struct chat_turn *t)
{
	const struct chat_block *b = t->blocks;

	while (b) {
		if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL) {
			b = put_answer_message(wr, b);
			continue;
		}
		if (responses_is_raw(b))
			json_raw(&wr->w, b->raw);
		else if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			put_call(wr, b);
		else if (b->kind == CHAT_REASONING)
			put_thought(wr, b);
		else
			chat_drop(&wr->out->drops, "messages[%u].%s", t->index,
			          chat_kind_name((enum chat_kind)b->kind));
		b = b->next;
	}
	return true;
}

/* Is it an item of its own, not a part of the user's message? */
static bool is_item(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_RESULT ||
	       (b->kind == CHAT_RAW && responses_is_raw(b) && !str_starts(jstr_raw(b->name), STR("input_")));
}

static bool put_user(struct writing *wr, const struct chat_turn *t, struct str role)
{
	const struct chat_block *b = t->blocks;
	bool good = true;

	while (b && good) {
		if (b->kind == CHAT_TOOL_RESULT && b->tool == TOOL_SERVER) {
			chat_drop(&wr->out->drops, "messages[%u].tool_result", t->index);
			b = b->next;
			continue;
		}
		if (is_item(b)) {
			if (b->kind == CHAT_TOOL_RESULT)
				good = put_result(wr, b);
			else
				json_raw(&wr->w, b->raw);
			b = b->next;
			continue;
		}
		open_message(wr, role);
		for (; b && good && !is_item(b); b = b->next)
			good = put_part(wr, b);
		close_message(wr);
	}
	return good;
}

static bool says_something(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind != CHAT_TEXT || b->text.n)
			return true;
	return false;
}

/* One text can be `instructions`, unless it is all that there is: an empty input is refused. */
static bool is_instructions(const struct chat_request *rq)
{
	const struct chat_turn *t = rq->turns;

	if (!rq->system || rq->system->kind != CHAT_TEXT || rq->system->next)
		return false;
	while (t && !says_something(t))
		t = t->next;
	return t != NULL;
}

static bool put_system(struct writing *wr)
{
	const struct chat_block *s = wr->rq->system;
	bool good = true;

	if (!s || is_instructions(wr->rq))
		return true;
	open_message(wr, system_role(wr));
	for (; s && good; s = s->next)
		good = put_part(wr, s);
	close_message(wr);
	return good;
}

static bool put_input(struct writing *wr)
{
	bool good;

	json_key_lit(&wr->w, "input");
	json_open(&wr->w, '[');
	good = put_system(wr);
	for (const struct chat_turn *t = wr->rq->turns; t && good; t = t->next) {
		wr->turn = t;
		if (t->name.p)
			chat_drop(&wr->out->drops, "messages[%u].name", t->index);
		if (t->role == ROLE_ASSISTANT)
			good = put_assistant(wr, t);
		else
			good = put_user(wr, t, t->role == ROLE_USER ? STR("user") : system_role(wr));
	}
	json_close(&wr->w);
	return good;
}

/* ---- tools ---- */

static void put_function(struct writing *wr, const struct chat_tool *t)
{
	struct json_writer *w = &wr->w;

	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("function"));
	json_key_lit(w, "name");
	json_jstr(w, fit_name(wr, t->name));
	if (t->description.p) {
		json_key_lit(w, "description");
		json_jstr(w, t->description);
	}
	json_key_lit(w, "parameters");
	json_raw(w, t->schema.n ? t->schema : STR("{\"type\":\"object\",\"properties\":{}}"));
	json_key_lit(w, "strict");
	json_bool(w, t->strict == TRI_YES);      /* P12: silence means yes here */
	json_close(w);
}

static void put_custom(struct writing *wr, const struct chat_tool *t)
{
	struct json_writer *w = &wr->w;

	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("custom"));
	json_key_lit(w, "name");
	json_jstr(w, fit_name(wr, t->name));
	if (t->description.p) {
		json_key_lit(w, "description");
		json_jstr(w, t->description);
	}
	if (t->format.n) {
		json_key_lit(w, "format");
		json_raw(w, t->format);
	}
	json_close(w);
}

/* U4: the web's search is offered by all. */
static bool is_web_search(const struct chat_tool *t)
{
	return str_starts(jstr_raw(t->name), STR("web_search")) ||
	       str_starts(jstr_raw(t->name), STR("google_search")) ||
	       str_starts(jstr_raw(t->name), STR("googleSearch"));
}

static bool put_server_tool(struct writing *wr, const struct chat_tool *t)
{
	if (t->from == DIALECT_OPENAI_RESPONSES && t->raw.n)
		json_raw(&wr->w, t->raw);
	else if (is_web_search(t))
		json_raw(&wr->w, STR("{\"type\":\"web_search\"}"));
	else
		return false;
	return true;
}

/* How many tools there are for the model. */
static unsigned put_tools(struct writing *wr)
{
	unsigned n = 0;

	if (!wr->rq->tools)
		return 0;
	json_key_lit(&wr->w, "tools");
	json_open(&wr->w, '[');
	for (const struct chat_tool *t = wr->rq->tools; t; t = t->next) {
		n++;
		if (t->kind == TOOL_FUNCTION) {
			put_function(wr, t);
		} else if (t->kind == TOOL_CUSTOM) {
			put_custom(wr, t);
		} else if (!put_server_tool(wr, t)) {
			n--;
			chat_drop(&wr->out->drops, "tools.%.*s", (int)(t->name.n < 64 ? t->name.n : 64),
			          t->name.n ? t->name.p : "");
		}
	}
	json_close(&wr->w);
	return n;
}

static bool is_custom_tool(const struct chat_request *rq, struct jstr name)
{
	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		if (t->kind == TOOL_CUSTOM && jstr_eq(t->name, name))
			return true;
	return false;
}

static void put_tool_name(struct json_writer *w, const struct chat_request *rq, struct arena *a, struct chat_undo *undo,
                          struct jstr name)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, is_custom_tool(rq, name) ? STR("custom") : STR("function"));
	json_key_lit(w, "name");
	json_jstr(w, undo ? chat_fit_name(a, undo, name, ALPHABET_WORD_DASH, NAME_MAX_LETTERS) : name);
	json_close(w);
}

void responses_write_choice(struct json_writer *w, const struct chat_request *rq, struct arena *a,
                            struct chat_undo *undo)
{
	switch ((enum chat_choice)rq->choice) {
	case CHOICE_UNSET:
	case CHOICE_AUTO:
		json_str(w, STR("auto"));
		return;
	case CHOICE_NONE:
		json_str(w, STR("none"));
		return;
	case CHOICE_ANY:
		json_str(w, STR("required"));
		return;
	case CHOICE_TOOL:
		put_tool_name(w, rq, a, undo, rq->choice_names ? rq->choice_names->name : JSTR(""));
		return;
	case CHOICE_SUBSET:
		json_open(w, '{');
		json_key_lit(w, "type");
		json_str(w, STR("allowed_tools"));
		json_key_lit(w, "mode");
		json_str(w, rq->choice_subset_any ? STR("required") : STR("auto"));
		json_key_lit(w, "tools");
		json_open(w, '[');
		for (const struct chat_name *n = rq->choice_names; n; n = n->next)
			put_tool_name(w, rq, a, undo, n->name);
		json_close(w);
		json_close(w);
		return;
	}
}

static void put_choice(struct writing *wr, unsigned tools)
{
	if (tools == 0) {                        /* U3 */
		carry(wr, MEMBER_PARALLEL);
		if (wr->rq->choice != CHOICE_ANY && wr->rq->choice != CHOICE_TOOL)
			carry(wr, MEMBER_TOOL_CHOICE);
		return;
	}
	if (wr->rq->choice != CHOICE_UNSET) {
		json_key_lit(&wr->w, "tool_choice");
		responses_write_choice(&wr->w, wr->rq, wr->arena, &wr->out->undo);
	}
	carry(wr, MEMBER_TOOL_CHOICE);
	if (wr->rq->parallel != TRI_UNSET && !(wr->target->quirks & QUIRK_NO_PARALLEL_SWITCH)) {
		json_key_lit(&wr->w, "parallel_tool_calls");
		json_bool(&wr->w, wr->rq->parallel == TRI_YES);
		carry(wr, MEMBER_PARALLEL);
	}
}

/* ---- members ---- */

static void put_raw(struct writing *wr, struct str key, struct str raw, enum chat_member m)
{
	if (!raw.n)
		return;
	json_key(&wr->w, key);
	json_raw(&wr->w, raw);
	carry(wr, m);
}

static void put_word(struct writing *wr, struct str key, struct jstr word, enum chat_member m)
{
	if (!word.p)
		return;
	json_key(&wr->w, key);
	json_jstr(&wr->w, word);
	carry(wr, m);
}

/* Whether the model will think, as far as it is told and known. */
static bool thinks(const struct writing *wr)
{
	const struct chat_request *rq = wr->rq;

	return !(rq->has_effort && rq->effort == EFFORT_NONE) && rq->thinking != TRI_NO;
}

static void put_sampling(struct writing *wr)
{
	const struct chat_request *rq = wr->rq;
	const struct model_facts *f = wr->target->facts;
	bool refused = model_rule(f, MODEL_NO_SAMPLING) && !(model_rule(f, MODEL_SAMPLING_WHEN_OFF) && !thinks(wr));

	put_raw(wr, STR("max_output_tokens"), rq->max_output, MEMBER_MAX_OUTPUT);
	if (!refused) {
		put_raw(wr, STR("temperature"), rq->temperature, MEMBER_TEMPERATURE);
		put_raw(wr, STR("top_p"), rq->top_p, MEMBER_TOP_P);
	}
	if (model_rule(f, MODEL_NO_LOGPROBS) || wr->target->quirks & QUIRK_NO_LOGPROBS)
		return;
	put_raw(wr, STR("top_logprobs"), rq->top_logprobs, MEMBER_TOP_LOGPROBS);
	if (rq->logprobs != TRI_UNSET)
		carry(wr, MEMBER_LOGPROBS);      /* by include */
}

/* The effort that the client's words come to. False: nothing is to be said. */
static bool effort_of(struct writing *wr, enum model_effort *out)
{
	const struct chat_request *rq = wr->rq;
	const struct model_facts *f = wr->target->facts;
	int64_t cap = 0;

	if (rq->has_effort) {
		*out = (enum model_effort)rq->effort;
	} else if (rq->thinking == TRI_NO) {
		*out = EFFORT_NONE;
	} else if (rq->thinking == TRI_YES && rq->thinking_budget > 0) {
		if (!rq->max_output.n || !json_to_i64(rq->max_output, &cap) || cap < 0)
			cap = f->max_output;
		*out = model_budget_effort((uint32_t)(rq->thinking_budget < UINT32_MAX ? rq->thinking_budget
		                                                                       : UINT32_MAX),
		                           (uint32_t)(cap < UINT32_MAX ? cap : UINT32_MAX));
	} else if (rq->thinking == TRI_YES && (f->effort_levels & EFFORT_BIT(EFFORT_NONE)) &&
	           !model_rule(f, MODEL_THINKS_UNASKED)) {
		*out = EFFORT_MEDIUM;            /* silence would be none (row 50) */
	} else {
		return false;
	}
	if (*out == EFFORT_NONE && !rq->has_effort && !(f->effort_levels & EFFORT_BIT(EFFORT_NONE)))
		return f->effort_levels != 0;    /* the least that it knows; nothing, if nothing is known */
	return true;
}

static bool wants_summary(const struct chat_request *rq)
{
	return rq->summary.n || rq->show_thoughts == TRI_YES ||
	       (rq->thinking == TRI_YES && rq->from == DIALECT_ANTHROPIC);
}

static struct jstr summary_word(const struct chat_request *rq)
{
	return jstr_is(rq->summary, STR("concise")) || jstr_is(rq->summary, STR("detailed")) ? rq->summary
	                                                                                     : JSTR("auto");
}

static void put_reasoning(struct writing *wr)
{
	const struct chat_request *rq = wr->rq;
	const struct model_facts *f = wr->target->facts;
	enum model_effort effort = EFFORT_NONE;
	bool has_effort, summary;

	if (model_lacks(f, CAP_REASONING)) {
		if (!thinks(wr))
			carry(wr, MEMBER_REASONING);
		return;
	}
	has_effort = effort_of(wr, &effort);
	summary = thinks(wr) && wants_summary(rq) && !jstr_is(rq->summary, STR("omitted"));
	carry(wr, MEMBER_REASONING);
	carry(wr, MEMBER_REASONING_SUMMARY);
	if (!has_effort && !summary)
		return;
	json_key_lit(&wr->w, "reasoning");
	json_open(&wr->w, '{');
	if (has_effort) {
		enum model_effort near = model_effort_nearest(f->effort_levels, effort);

		if (effort == EFFORT_NONE && near != EFFORT_NONE)
			chat_drop(&wr->out->drops, "%s", chat_member_name(MEMBER_REASONING));
		json_key_lit(&wr->w, "effort");
		json_str(&wr->w, model_effort_name(near));
	}
	if (summary) {
		json_key_lit(&wr->w, "summary");
		json_jstr(&wr->w, summary_word(rq));
	}
	json_close(&wr->w);
}

void responses_write_format(struct json_writer *w, const struct chat_request *rq, struct str schema)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	if (rq->format == FORMAT_JSON) {
		json_str(w, STR("json_object"));
	} else if (rq->format == FORMAT_SCHEMA) {
		json_str(w, STR("json_schema"));
		json_key_lit(w, "name");
		json_jstr(w, rq->format_name.n ? rq->format_name : JSTR("response"));
		if (rq->format_description.p) {
			json_key_lit(w, "description");
			json_jstr(w, rq->format_description);
		}
		json_key_lit(w, "schema");
		json_raw(w, schema.n ? schema : STR("{}"));
		json_key_lit(w, "strict");
		json_bool(w, rq->format_strict == TRI_YES);
	} else {
		json_str(w, STR("text"));
	}
	json_close(w);
}

static void put_text_member(struct writing *wr)
{
	const struct chat_request *rq = wr->rq;
	struct str schema = rq->format_schema;

	carry(wr, MEMBER_FORMAT);
	if ((rq->format == FORMAT_UNSET || rq->format == FORMAT_TEXT) && !rq->verbosity.p)
		return;
	json_key_lit(&wr->w, "text");
	json_open(&wr->w, '{');
	if (rq->format == FORMAT_JSON || rq->format == FORMAT_SCHEMA) {
		if (rq->format == FORMAT_SCHEMA && chat_schema_wrap(wr->arena, &schema))
			wr->out->undo.schema_value = true;
		json_key_lit(&wr->w, "format");
		responses_write_format(&wr->w, rq, schema);
	}
	put_word(wr, STR("verbosity"), rq->verbosity, MEMBER_VERBOSITY);
	json_close(&wr->w);
}

static void put_include(struct writing *wr)
{
	const struct chat_request *rq = wr->rq;
	bool logprobs = rq->logprobs == TRI_YES && wr->carried & MEMBER_BIT(MEMBER_LOGPROBS);
	bool encrypted = rq->want_encrypted ||
	                 (rq->store != TRI_YES && thinks(wr) && model_has(wr->target->facts, CAP_REASONING));

	if (!logprobs && !encrypted)
		return;
	json_key_lit(&wr->w, "include");
	json_open(&wr->w, '[');
	if (encrypted)
		json_str(&wr->w, STR("reasoning.encrypted_content"));
	if (logprobs)
		json_str(&wr->w, STR("message.output_text.logprobs"));
	json_close(&wr->w);
}

/* P13: only words that mean the same. */
static void put_tier(struct writing *wr)
{
	struct jstr tier = wr->rq->service_tier;

	if (wr->rq->from == DIALECT_ANTHROPIC)
		tier = jstr_is(tier, STR("standard_only")) ? JSTR("default") : jstr_is(tier, STR("auto")) ? JSTR("auto")
		     : (struct jstr){ 0 };
	else if (wr->rq->from != DIALECT_OPENAI_CHAT && wr->rq->from != DIALECT_OPENAI_RESPONSES)
		tier = (struct jstr){ 0 };
	put_word(wr, STR("service_tier"), tier, MEMBER_SERVICE_TIER);
}

static void put_rest(struct writing *wr)
{
	const struct chat_request *rq = wr->rq;
	bool openai = rq->from == DIALECT_OPENAI_CHAT || rq->from == DIALECT_OPENAI_RESPONSES;

	json_key_lit(&wr->w, "store");
	json_bool(&wr->w, rq->store == TRI_YES);     /* P11 */
	carry(wr, MEMBER_STORE);
	if (!(wr->target->quirks & QUIRK_NO_USER))
		put_word(wr, STR("user"), rq->end_user, MEMBER_END_USER);
	if (openai)
		put_raw(wr, STR("metadata"), rq->metadata, MEMBER_METADATA);
	put_tier(wr);
	put_word(wr, STR("prompt_cache_key"), rq->cache_key, MEMBER_CACHE_KEY);
	put_word(wr, STR("prompt_cache_retention"), rq->cache_retention, MEMBER_CACHE_RETENTION);
	put_word(wr, STR("truncation"), rq->truncation, MEMBER_TRUNCATION);
	put_word(wr, STR("previous_response_id"), rq->previous, MEMBER_PREVIOUS);
	if (rq->background != TRI_UNSET) {
		json_key_lit(&wr->w, "background");
		json_bool(&wr->w, rq->background == TRI_YES);
		carry(wr, MEMBER_BACKGROUND);
	}
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from == DIALECT_OPENAI_RESPONSES) {
			json_key_jstr(&wr->w, x->name);
			json_raw(&wr->w, x->raw);
		}
}

static bool refuse_choices(struct writing *wr)
{
	int64_t n;

	if (!given(wr, MEMBER_N) || (json_to_i64(wr->rq->n, &n) && n == 1)) {
		carry(wr, MEMBER_N);
		return true;
	}
	return err_set(wr->err, ERR_UNSUPPORTED_PARAMETER, "n: %.*s must be 1 for a provider with the Responses API",
	               STR_ARG(str_slice(wr->rq->n, 0, 32)));
}

bool responses_write_request(struct arena *a, const struct chat_request *rq, const struct chat_target *target,
                             struct chat_wire *out, struct err *e)
{
	struct buf body = buf_make(BODY_MAX_BYTES);
	struct writing wr = {
		.arena = a, .rq = rq, .target = target, .out = out, .err = e, .w = json_writer_make(&body)
	};
	bool good = refuse_choices(&wr);
	unsigned tools;

	json_open(&wr.w, '{');
	json_key_lit(&wr.w, "model");
	json_jstr(&wr.w, target->model);
	if (is_instructions(rq)) {
		json_key_lit(&wr.w, "instructions");
		json_jstr(&wr.w, rq->system->text);
	}
	good = good && put_input(&wr);
	tools = put_tools(&wr);
	put_choice(&wr, tools);
	put_sampling(&wr);
	put_reasoning(&wr);
	put_text_member(&wr);
	put_include(&wr);
	put_rest(&wr);
	if (rq->stream) {
		json_key_lit(&wr.w, "stream");
		json_bool(&wr.w, true);
	}
	json_close(&wr.w);
	if (rq->stop) {                  /* P7: the gateway watches for them */
		out->undo.stop = rq->stop;
		carry(&wr, MEMBER_STOP);
	}
	chat_drop_cache_marks(&out->drops, rq);
	chat_drop_members(&out->drops, rq, wr.carried, DIALECT_OPENAI_RESPONSES);
	if (good && (wr.full || !json_write_done(&wr.w)))
		good = err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (good) {
		out->body = arena_dup(a, buf_str(&body));
		good = out->body.p || err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	}
	buf_fini(&body);
	return good;
}
