/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cohere_request: requests of /v2/chat as neutral ones, and neutral ones as those. Documents that the answer is to be
 * grounded on stand beside the messages; in the neutral model they are documents of the user's last turn.
 */

#include <stdio.h>

#include "dialect/cohere_in.h"

/* More stop sequences are refused; the gateway watches for those itself (P7). */
#define STOPS_MAX 5

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct chat_request, field)

static bool read_stop(struct kit_in *in, const struct json_node *v)
{
	bool good = kit_read_names(in, "stop_sequences", v, &in->rq->stop);

	if (!in->rq->stop)
		in->rq->set &= ~MEMBER_BIT(MEMBER_STOP);
	return good;
}

static bool read_choice(struct kit_in *in, const struct json_node *v)
{
	if (node_is_word(v, STR("REQUIRED")))
		in->rq->choice = CHOICE_ANY;
	else if (node_is_word(v, STR("NONE")))
		in->rq->choice = CHOICE_NONE;
	else
		return kit_refuse(in, "tool_choice", "REQUIRED or NONE", v);
	return true;
}

static bool read_strict(struct kit_in *in, const struct json_node *v)
{
	for (struct chat_tool *t = in->rq->tools; t && node_true(v); t = t->next)
		t->strict = TRI_YES;
	return true;
}

static bool read_thinking(struct kit_in *in, const struct json_node *v)
{
	struct jstr type = node_get_text(v, STR("type"));
	const struct json_node *budget = node_get_some(v, STR("token_budget"));

	if (jstr_is(type, STR("enabled")))
		in->rq->thinking = TRI_YES;
	else if (jstr_is(type, STR("disabled")))
		in->rq->thinking = TRI_NO;
	else
		return kit_refuse(in, "thinking.type", "enabled or disabled", node_get(v, STR("type")));
	if (budget && node_i64(budget, 0) <= 0)
		return kit_refuse(in, "thinking.token_budget", "a whole number of tokens above 0", budget);
	in->rq->thinking_budget = budget ? node_i64(budget, 0) : 0;
	return true;
}

static bool read_format(struct kit_in *in, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type")), *schema = node_get_some(v, STR("json_schema"));

	if (!schema)
		schema = node_get_some(v, STR("schema"));    /* as Cohere's guide has it */
	if (node_is_word(type, STR("text")))
		in->rq->format = FORMAT_TEXT;
	else if (!node_is_word(type, STR("json_object")))
		return kit_refuse(in, "response_format.type", "text or json_object", type);
	else
		in->rq->format = schema ? FORMAT_SCHEMA : FORMAT_JSON;
	if (schema && !node_is(schema, JSON_OBJECT))
		return kit_refuse(in, "response_format.json_schema", "a JSON Schema, an object", schema);
	in->rq->format_schema = node_raw(schema);
	return true;
}

static bool read_logprobs(struct kit_in *in, const struct json_node *v)
{
	in->rq->logprobs = (uint8_t)tri_of(node_true(v));
	if (!node_true(v))
		in->rq->set &= ~MEMBER_BIT(MEMBER_LOGPROBS);
	return true;
}

/* An empty list says nothing, as some SDKs send it. */
static bool read_documents(struct kit_in *in, const struct json_node *v)
{
	return node_is(v, JSON_ARRAY) || kit_refuse(in, "documents", "an array", v);
}

static bool read_safety(struct kit_in *in, const struct json_node *v)
{
	in->rq->safety = node_raw(v);
	return true;
}

static const struct kit_member members[] = {
	{ STR_INIT("model"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("stream"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("messages"), KIT_NONE, CHAT_MEMBERS, 0, NULL },           /* read behind all others, as are these */
	{ STR_INIT("strict_tools"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("documents"), KIT_OWN, CHAT_MEMBERS, 0, read_documents },
	{ STR_INIT("tools"), KIT_OWN, CHAT_MEMBERS, 0, kit_read_tools },
	{ STR_INIT("tool_choice"), KIT_OWN, MEMBER_TOOL_CHOICE, 0, read_choice },
	{ STR_INIT("max_tokens"), KIT_NUMBER, MEMBER_MAX_OUTPUT, AT(max_output), NULL },
	{ STR_INIT("temperature"), KIT_NUMBER, MEMBER_TEMPERATURE, AT(temperature), NULL },
	{ STR_INIT("p"), KIT_NUMBER, MEMBER_TOP_P, AT(top_p), NULL },
	{ STR_INIT("k"), KIT_NUMBER, MEMBER_TOP_K, AT(top_k), NULL },
	{ STR_INIT("seed"), KIT_NUMBER, MEMBER_SEED, AT(seed), NULL },
	{ STR_INIT("frequency_penalty"), KIT_NUMBER, MEMBER_FREQUENCY_PENALTY, AT(frequency_penalty), NULL },
	{ STR_INIT("presence_penalty"), KIT_NUMBER, MEMBER_PRESENCE_PENALTY, AT(presence_penalty), NULL },
	{ STR_INIT("stop_sequences"), KIT_OWN, MEMBER_STOP, 0, read_stop },
	{ STR_INIT("thinking"), KIT_OWN, MEMBER_REASONING, 0, read_thinking },
	{ STR_INIT("response_format"), KIT_OWN, MEMBER_FORMAT, 0, read_format },
	{ STR_INIT("logprobs"), KIT_OWN, MEMBER_LOGPROBS, 0, read_logprobs },
	{ STR_INIT("safety_mode"), KIT_OWN, MEMBER_SAFETY, 0, read_safety },
};

/* "text", or {"id", "data": "text" or {"title", "text" or "snippet", …}}. */
static bool read_document(struct kit_in *in, const struct json_node *v, struct chat_block ***end)
{
	const struct json_node *data = node_is(v, JSON_STRING) ? v : node_get_some(v, STR("data"));
	struct chat_block *b = kit_add_media(in, end, CHAT_DOCUMENT);
	struct jstr text = node_text(data);

	if (!b)
		return false;
	if (node_is(data, JSON_OBJECT)) {
		text = node_get_text(data, STR("text"));
		if (!text.p)
			text = node_get_text(data, STR("snippet"));
		if (!text.p)
			text = jstr_from(in->arena, node_raw(data));
	}
	if (!text.p)
		return kit_refuse(in, "documents", "texts, or objects with data", v);
	b->media->from = MEDIA_TEXT;
	b->media->data = text;
	b->media->type = JSTR("text/plain");
	b->media->title = node_get_text(data, STR("title"));
	b->media->name = node_get_text(v, STR("id"));
	b->media->citations = TRI_YES;
	return true;
}

static const char *part_place(const struct kit_in *in, char out[KIT_PLACE_MAX], unsigned part, const char *member)
{
	char rest[48];

	snprintf(rest, sizeof(rest), ".content[%u].%s", part, member);
	return kit_place(in, out, rest);
}

static bool read_part(struct kit_in *in, const struct json_node *v, unsigned part, struct chat_block ***end)
{
	const struct json_node *image = node_get_some(v, STR("image_url"));
	struct jstr type = node_get_text(v, STR("type")), url = node_text(image);
	char place[KIT_PLACE_MAX];
	struct chat_block *b;

	if (jstr_is(type, STR("text")) && !node_is(node_get(v, STR("text")), JSON_STRING))
		return kit_refuse(in, part_place(in, place, part, "text"), "a string", node_get(v, STR("text")));
	if (jstr_is(type, STR("text")))
		return kit_add_text(in, end, CHAT_TEXT, node_get_text(v, STR("text")));
	if (jstr_is(type, STR("thinking")))
		return kit_add_text(in, end, CHAT_REASONING, node_get_text(v, STR("thinking")));
	if (jstr_is(type, STR("document")))
		return read_document(in, node_get(v, STR("document")), end);
	if (!jstr_is(type, STR("image_url")))
		return kit_refuse(in, part_place(in, place, part, "type"),
		                  "one of text, thinking, image_url, document", node_get(v, STR("type")));
	b = kit_add_media(in, end, CHAT_IMAGE);
	if (!b)
		return false;
	if (node_is(image, JSON_OBJECT))
		url = node_get_text(image, STR("url"));
	if (!chat_media_read_url(in->arena, url, b->media, in->err))
		return err_prefix(in->err, "%s", part_place(in, place, part, "image_url"));
	b->media->detail = node_get_text(image, STR("detail"));
	return true;
}

static bool read_content(struct kit_in *in, const struct json_node *m, struct chat_block ***end)
{
	const struct json_node *content = node_get_some(m, STR("content"));
	char place[KIT_PLACE_MAX];
	unsigned part = 0;

	if (!content)
		return true;
	if (node_is(content, JSON_STRING))
		return kit_add_text(in, end, CHAT_TEXT, node_text(content));
	if (!node_is(content, JSON_ARRAY))
		return kit_refuse(in, kit_place(in, place, ".content"), "a string or an array of parts", content);
	for (const struct json_node *v = node_first(content); v; v = node_next(content, v), part++)
		if (!read_part(in, v, part, end))
			return false;
	return true;
}

/* The plan is what is said before the calls. Citations of earlier answers are not read: no model needs them. */
static bool read_assistant(struct kit_in *in, const struct json_node *m)
{
	struct chat_turn *t = kit_add_turn(in, ROLE_ASSISTANT);
	const struct json_node *calls = node_get_some(m, STR("tool_calls"));
	struct chat_block **end;

	if (!t)
		return false;
	end = &t->blocks;
	return read_content(in, m, &end) && kit_add_text(in, &end, CHAT_TEXT, node_get_text(m, STR("tool_plan"))) &&
	       (!calls || kit_read_calls(in, calls, &end));
}

static bool read_tool(struct kit_in *in, const struct json_node *m)
{
	struct jstr id = node_get_text(m, STR("tool_call_id"));
	char place[KIT_PLACE_MAX];
	struct chat_block *b, **end;

	if (id.n == 0)
		return kit_refuse(in, kit_place(in, place, ".tool_call_id"), "the id of a tool call, a string",
		                  node_get(m, STR("tool_call_id")));
	b = kit_add_result(in, id, (struct jstr){ 0 });
	if (!b)
		return false;
	end = &b->blocks;
	if (!read_content(in, m, &end))
		return false;
	for (b = b->blocks; b; b = b->next)                  /* a result's documents are its text */
		if (b->kind == CHAT_DOCUMENT) {
			b->kind = CHAT_TEXT;
			b->text = b->media->data;
			b->media = NULL;
		}
	return true;
}

static bool read_user(struct kit_in *in, const struct json_node *m)
{
	struct chat_turn *t = kit_add_turn(in, ROLE_USER);
	struct chat_block **end;

	if (!t)
		return false;
	end = &t->blocks;
	return read_content(in, m, &end);
}

static bool read_system(struct kit_in *in, const struct json_node *m)
{
	struct chat_block **end = kit_system(in);

	return end && read_content(in, m, &end);
}

static const struct {
	struct str role;
	bool (*read)(struct kit_in *, const struct json_node *);
} roles[] = {
	{ STR_INIT("user"), read_user }, { STR_INIT("assistant"), read_assistant }, { STR_INIT("tool"), read_tool },
	{ STR_INIT("system"), read_system }, { STR_INIT("developer"), read_system },
};

static bool read_message(struct kit_in *in, const struct json_node *m)
{
	const struct json_node *role = node_get(m, STR("role"));
	char place[KIT_PLACE_MAX];

	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (node_is_word(role, roles[i].role))
			return roles[i].read(in, m);
	return kit_refuse(in, kit_place(in, place, ".role"), "one of system, user, assistant, tool", role);
}

/* In front of what the user said last. */
static bool place_documents(struct kit_in *in, const struct json_node *list)
{
	struct chat_block *docs = NULL, **end = &docs;
	struct chat_turn *last = NULL;

	for (const struct json_node *v = node_first(list); v; v = node_next(list, v))
		if (!read_document(in, v, &end))
			return false;
	for (struct chat_turn *t = in->rq->turns; t; t = t->next)
		if (t->role == ROLE_USER && (!t->blocks || t->blocks->kind != CHAT_TOOL_RESULT))
			last = t;
	if (!docs)
		return true;
	if (!last)
		return err_set(in->err, ERR_INVALID_REQUEST, "documents: a message of the user's must be there");
	*end = last->blocks;
	last->blocks = docs;
	return true;
}

bool cohere_read_request(struct arena *arena, const struct dialect_request *rq, const struct json_node *body,
                         struct chat_request *out, struct err *e)
{
	const struct json_node *list = node_get(body, STR("messages"));
	struct kit_in in;

	*out = (struct chat_request){ .from = DIALECT_COHERE, .model = jstr_from(arena, rq->model) };
	in = kit_in_make(arena, out, DIALECT_COHERE, e);
	if (!out->model.p)
		return openai_full(e);
	if (!kit_read_members(&in, body, members, COUNT_OF(members), ""))
		return false;
	if (!read_strict(&in, node_get(body, STR("strict_tools"))))
		return false;
	if (!node_is(list, JSON_ARRAY) || !node_first(list))
		return kit_refuse(&in, "messages", "an array of messages that is not empty", list);
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), in.index++)
		if (!read_message(&in, m))
			return false;
	return place_documents(&in, node_get_some(body, STR("documents")));
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void begin_message(struct kit_out *o, struct str role)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "role");
	json_str(&o->w, role);
}

static void begin_part(struct kit_out *o, struct str type)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, type);
	json_key(&o->w, type);
}

static void put_text_part(struct kit_out *o, struct str type, struct jstr text)
{
	begin_part(o, type);
	json_jstr(&o->w, text);
	json_close(&o->w);
}

static bool put_image(struct kit_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	struct jstr url = b->media ? b->media->data : (struct jstr){ 0 };

	if (b->media && b->media->from == MEDIA_BYTES)
		url = chat_media_data_url(o->arena, b->media);
	if (!url.p || b->media->from == MEDIA_FILE)
		return err_set(o->err, ERR_INVALID_REQUEST,
		               "messages[%u]: an image must be given in base64 or by its address", t->index);
	begin_part(o, STR("image_url"));
	json_open(&o->w, '{');
	json_key_lit(&o->w, "url");
	json_jstr(&o->w, url);
	if (b->media->detail.n) {
		json_key_lit(&o->w, "detail");
		json_jstr(&o->w, b->media->detail);
	}
	json_close(&o->w);
	json_close(&o->w);
	return true;
}

/* Texts that are documents go beside the messages. */
static bool put_user_block(struct kit_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
		if (b->text.n)
			put_text_part(o, STR("text"), b->text);
		return true;
	case CHAT_IMAGE:
		return put_image(o, t, b);
	case CHAT_DOCUMENT:
		if (b->media && b->media->from == MEDIA_TEXT)
			return true;
		return err_set(o->err, ERR_INVALID_REQUEST, "messages[%u]: this provider takes documents as text only",
		               t->index);
	case CHAT_AUDIO:
	case CHAT_VIDEO:
		return err_set(o->err, ERR_INVALID_REQUEST, "messages[%u]: this provider takes no %s", t->index,
		               chat_kind_name((enum chat_kind)b->kind));
	case CHAT_RAW:
		chat_drop(&o->wire->drops, "messages[%u].raw", t->index);
		return true;
	case CHAT_REASONING:
	case CHAT_TOOL_CALL:
	case CHAT_TOOL_RESULT:
	case CHAT_KINDS: break;
	}
	return true;
}

static bool put_result(struct kit_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	struct jstr text = kit_join_said(o->arena, b->blocks, JSTR("\\n"));

	if (b->is_error && text.p && !str_istarts(jstr_raw(text), STR("error")))
		text = jstr_concat(o->arena, JSTR("Error: "), text);                    /* T11 */
	if (!text.p)
		return openai_full(o->err);
	begin_message(o, STR("tool"));
	json_key_lit(&o->w, "tool_call_id");
	json_jstr(&o->w, b->id);
	json_key_lit(&o->w, "content");
	json_jstr(&o->w, text);
	json_close(&o->w);
	return true;
}

/* Results can only be texts; their images follow as the user's (T10). */
static bool put_result_images(struct kit_out *o, const struct chat_turn *t)
{
	bool any = false;

	for (const struct chat_block *b = t->blocks; b; b = b->next)
		for (const struct chat_block *i = b->kind == CHAT_TOOL_RESULT ? b->blocks : NULL; i; i = i->next) {
			bool text = i->kind == CHAT_DOCUMENT && i->media && i->media->from == MEDIA_TEXT;

			if (text || (i->kind != CHAT_IMAGE && i->kind != CHAT_AUDIO && i->kind != CHAT_VIDEO &&
			             i->kind != CHAT_DOCUMENT))
				continue;
			if (!any) {
				begin_message(o, STR("user"));
				json_key_lit(&o->w, "content");
				json_open(&o->w, '[');
				any = true;
			}
			put_text_part(o, STR("text"), jstr_concat(o->arena, JSTR("Of the result of "), b->id));
			if (!put_user_block(o, t, i))
				return false;
		}
	if (any) {
		json_close(&o->w);
		json_close(&o->w);
	}
	return true;
}

static bool put_user(struct kit_out *o, const struct chat_turn *t)
{
	bool rest = false;

	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind != CHAT_TOOL_RESULT)
			rest = true;
		else if (b->tool != TOOL_SERVER && !put_result(o, t, b))
			return false;
	}
	if (!put_result_images(o, t))
		return false;
	if (!rest && t->blocks)
		return true;
	begin_message(o, STR("user"));
	json_key_lit(&o->w, "content");
	if (t->blocks && !t->blocks->next && t->blocks->kind == CHAT_TEXT) {
		json_jstr(&o->w, t->blocks->text);
	} else {
		json_open(&o->w, '[');
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (!put_user_block(o, t, b))
				return false;
		json_close(&o->w);
	}
	json_close(&o->w);
	return true;
}

static bool put_calls(struct kit_out *o, const struct chat_turn *t)
{
	json_key_lit(&o->w, "tool_calls");
	json_open(&o->w, '[');
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER && !kit_put_past_call(o, b, true))
			return false;
	}
	json_close(&o->w);
	return true;
}

static bool calls_tools(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			return true;
	return false;
}

/* What is said before calls is the plan; a message without either is none. */
static bool put_assistant(struct kit_out *o, const struct chat_turn *t)
{
	struct jstr text = kit_join_said(o->arena, t->blocks, JSTR("\\n"));
	struct jstr thoughts = kit_join(o->arena, t->blocks, CHAT_REASONING, JSTR("\\n\\n"));
	bool calls = calls_tools(t);

	if (!text.p || !thoughts.p)
		return openai_full(o->err);
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind == CHAT_REASONING && b->opaque.bytes.n)
			chat_drop(&o->wire->drops, "messages[].signature");
		if (b->kind == CHAT_RAW || b->kind == CHAT_IMAGE || b->kind == CHAT_AUDIO || b->kind == CHAT_VIDEO ||
		    (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_SERVER))
			chat_drop(&o->wire->drops, "messages[%u].%s", t->index,
			          chat_kind_name((enum chat_kind)b->kind));
	}
	if (text.n == 0 && !calls)
		return true;
	begin_message(o, STR("assistant"));
	if (thoughts.n || !calls) {
		json_key_lit(&o->w, "content");
		json_open(&o->w, '[');
		if (thoughts.n)
			put_text_part(o, STR("thinking"), thoughts);
		if (!calls)
			put_text_part(o, STR("text"), text);
		json_close(&o->w);
	}
	if (calls) {
		if (text.n) {
			json_key_lit(&o->w, "tool_plan");
			json_jstr(&o->w, text);
		}
		if (!put_calls(o, t))
			return false;
	}
	json_close(&o->w);
	return true;
}

static bool put_system(struct kit_out *o, const struct chat_block *list)
{
	struct jstr text = kit_join(o->arena, list, CHAT_TEXT, JSTR("\\n\\n"));

	if (!text.p)
		return openai_full(o->err);
	if (text.n == 0)
		return true;
	begin_message(o, STR("system"));
	json_key_lit(&o->w, "content");
	json_jstr(&o->w, text);
	json_close(&o->w);
	return true;
}

static const struct kit_turns turns = { put_system, put_user, put_assistant };

static void put_document(struct kit_out *o, const struct chat_media *m, unsigned index)
{
	json_open(&o->w, '{');
	json_key_lit(&o->w, "id");
	if (m->name.n)
		json_jstr(&o->w, m->name);
	else
		json_str(&o->w, arena_printf(o->arena, "doc_%u", index));
	json_key_lit(&o->w, "data");
	json_open(&o->w, '{');
	if (m->title.n) {
		json_key_lit(&o->w, "title");
		json_jstr(&o->w, m->title);
	}
	json_key_lit(&o->w, "text");
	json_jstr(&o->w, m->data);
	json_close(&o->w);
	json_close(&o->w);
}

static void put_documents(struct kit_out *o)
{
	unsigned n = 0;

	for (const struct chat_turn *t = o->rq.turns; t; t = t->next)
		for (const struct chat_block *b = t->role == ROLE_USER ? t->blocks : NULL; b; b = b->next) {
			if (b->kind != CHAT_DOCUMENT || !b->media || b->media->from != MEDIA_TEXT)
				continue;
			if (n == 0) {
				json_key_lit(&o->w, "documents");
				json_open(&o->w, '[');
			}
			put_document(o, b->media, n++);
		}
	if (n)
		json_close(&o->w);
}

static bool put_stop(struct kit_out *o)
{
	struct chat_name **end = &o->wire->undo.stop;
	unsigned n = 0;

	for (const struct chat_name *s = o->rq.stop; s; s = s->next) {
		if (s->name.n == 0)
			continue;
		if (n == STOPS_MAX) {
			if (!chat_name_add(o->arena, &end, s->name))
				return openai_full(o->err);
			continue;
		}
		if (n++ == 0) {
			json_key_lit(&o->w, "stop_sequences");
			json_open(&o->w, '[');
		}
		json_jstr(&o->w, s->name);
	}
	if (n)
		json_close(&o->w);
	if (o->rq.stop)
		kit_carry(o, MEMBER_STOP);
	return true;
}

static bool put_tools(struct kit_out *o)
{
	const struct chat_request *rq = &o->rq;
	bool must = rq->choice == CHOICE_ANY || rq->choice == CHOICE_TOOL ||
		    (rq->choice == CHOICE_SUBSET && rq->choice_subset_any);
	bool any;

	if (!kit_put_tools(o, &any))
		return false;
	kit_carry(o, MEMBER_TOOL_CHOICE);
	if (!any)
		return true;                                                            /* U3 */
	if (o->strict) {
		json_key_lit(&o->w, "strict_tools");
		json_bool(&o->w, true);
	}
	if (must || rq->choice == CHOICE_NONE) {
		json_key_lit(&o->w, "tool_choice");
		json_str(&o->w, must ? STR("REQUIRED") : STR("NONE"));
	}
	return true;
}

static void put_thinking(struct kit_out *o)
{
	const struct model_facts *f = o->target->facts;
	int wants = kit_wants_thoughts(&o->rq);

	if (wants < 0)
		return;
	if (f->thinking == THINKING_NONE || model_lacks(f, CAP_REASONING)) {
		if (!wants)
			kit_carry(o, MEMBER_REASONING);
		return;
	}
	json_key_lit(&o->w, "thinking");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, wants ? STR("enabled") : STR("disabled"));
	if (wants && o->rq.thinking_budget > 0) {
		json_key_lit(&o->w, "token_budget");
		json_i64(&o->w, o->rq.thinking_budget);
	}
	json_close(&o->w);
	kit_carry(o, MEMBER_REASONING);
	kit_carry(o, MEMBER_REASONING_SUMMARY);
}

static void put_format(struct kit_out *o)
{
	kit_carry(o, MEMBER_FORMAT);
	if (o->rq.format != FORMAT_JSON && o->rq.format != FORMAT_SCHEMA)
		return;
	json_key_lit(&o->w, "response_format");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("json_object"));
	if (o->rq.format == FORMAT_SCHEMA && o->rq.format_schema.n) {
		json_key_lit(&o->w, "json_schema");
		json_raw(&o->w, o->rq.format_schema);
	}
	json_close(&o->w);
}

static void put_sampling(struct kit_out *o)
{
	kit_put_raw(o, MEMBER_MAX_OUTPUT, STR("max_tokens"), o->rq.max_output);
	kit_put_raw(o, MEMBER_TEMPERATURE, STR("temperature"), o->rq.temperature);
	kit_put_raw(o, MEMBER_TOP_P, STR("p"), o->rq.top_p);
	kit_put_raw(o, MEMBER_TOP_K, STR("k"), o->rq.top_k);
	kit_put_raw(o, MEMBER_SEED, STR("seed"), o->rq.seed);
	kit_put_raw(o, MEMBER_FREQUENCY_PENALTY, STR("frequency_penalty"), o->rq.frequency_penalty);
	kit_put_raw(o, MEMBER_PRESENCE_PENALTY, STR("presence_penalty"), o->rq.presence_penalty);
}

bool cohere_write_request(struct arena *arena, const struct chat_request *rq, const struct chat_target *target,
                          struct chat_wire *out, struct err *e)
{
	struct kit_out o;
	struct buf body;
	bool good = kit_out_begin(&o, arena, &body, rq, target, out, e);

	o.fit_names = true;
	if (good) {
		json_open(&o.w, '{');
		json_key_lit(&o.w, "model");
		json_jstr(&o.w, target->model);
		good = kit_put_turns(&o, &turns) && put_tools(&o) && put_stop(&o);
	}
	if (good) {
		put_documents(&o);
		put_sampling(&o);
		put_thinking(&o);
		put_format(&o);
		if (rq->stream) {
			json_key_lit(&o.w, "stream");
			json_bool(&o.w, true);
		}
		json_close(&o.w);
		chat_drop_cache_marks(&out->drops, rq);
	}
	return kit_out_end(&o, &body, good, DIALECT_COHERE);
}
