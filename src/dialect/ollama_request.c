/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ollama_request: requests of /api/chat and /api/generate as neutral ones, and neutral ones as those of /api/chat.
 * Results of tools name their tool and no call; those who send ids get them used.
 */

#include <stdio.h>

#include "dialect/ollama_in.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct chat_request, field)

static bool read_stop(struct kit_in *in, const struct json_node *v)
{
	bool good = kit_read_names(in, "options.stop", v, &in->rq->stop);

	if (!in->rq->stop)
		in->rq->set &= ~MEMBER_BIT(MEMBER_STOP);
	return good;
}

/* Ollama takes -1 and -2 for no limit. */
static bool read_num_predict(struct kit_in *in, const struct json_node *v)
{
	if (v->type != JSON_NUMBER)
		return kit_refuse(in, "options.num_predict", "a number", v);
	if (v->p[0] == '-')
		in->rq->set &= ~MEMBER_BIT(MEMBER_MAX_OUTPUT);
	else
		in->rq->max_output = node_raw(v);
	return true;
}

static const struct kit_member option_members[] = {
	{ STR_INIT("num_predict"), KIT_OWN, MEMBER_MAX_OUTPUT, 0, read_num_predict },
	{ STR_INIT("temperature"), KIT_NUMBER, MEMBER_TEMPERATURE, AT(temperature), NULL },
	{ STR_INIT("top_p"), KIT_NUMBER, MEMBER_TOP_P, AT(top_p), NULL },
	{ STR_INIT("top_k"), KIT_NUMBER, MEMBER_TOP_K, AT(top_k), NULL },
	{ STR_INIT("seed"), KIT_NUMBER, MEMBER_SEED, AT(seed), NULL },
	{ STR_INIT("frequency_penalty"), KIT_NUMBER, MEMBER_FREQUENCY_PENALTY, AT(frequency_penalty), NULL },
	{ STR_INIT("presence_penalty"), KIT_NUMBER, MEMBER_PRESENCE_PENALTY, AT(presence_penalty), NULL },
	{ STR_INIT("stop"), KIT_OWN, MEMBER_STOP, 0, read_stop },
};

static bool read_options(struct kit_in *in, const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return kit_refuse(in, "options", "an object", v);
	return kit_read_members(in, v, option_members, COUNT_OF(option_members), "options.");
}

static bool read_format(struct kit_in *in, const struct json_node *v)
{
	if (node_is(v, JSON_OBJECT)) {
		in->rq->format = FORMAT_SCHEMA;
		in->rq->format_schema = node_raw(v);
	} else if (node_is_word(v, STR("json"))) {
		in->rq->format = FORMAT_JSON;
	} else if (node_is_word(v, STR(""))) {
		in->rq->set &= ~MEMBER_BIT(MEMBER_FORMAT);
	} else {
		return kit_refuse(in, "format", "\"json\" or a JSON Schema", v);
	}
	return true;
}

static bool read_think(struct kit_in *in, const struct json_node *v)
{
	enum model_effort effort;

	if (node_is(v, JSON_BOOL)) {
		in->rq->thinking = (uint8_t)tri_of(node_true(v));
	} else if (node_is(v, JSON_STRING) && model_effort_by_name(jstr_raw(node_text(v)), &effort)) {
		in->rq->has_effort = true;
		in->rq->effort = (uint8_t)effort;
	} else {
		return kit_refuse(in, "think", "true, false or one of low, medium, high", v);
	}
	return true;
}

/* What is no work for anybody else when it says nothing. */
static bool read_suffix(struct kit_in *in, const struct json_node *v)
{
	if (node_is_word(v, STR("")))
		in->rq->set &= ~MEMBER_BIT(MEMBER_SUFFIX);
	return true;
}

static bool read_images(struct kit_in *in, const char *place, const struct json_node *list, struct chat_block ***end)
{
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct chat_block *b;
		struct jstr data = node_text(v), url;

		if (data.n == 0)
			return kit_refuse(in, place, "an array of images in base64", v);
		b = kit_add_media(in, end, CHAT_IMAGE);
		if (!b)
			return false;
		/* what they are is told by their first bytes */
		url = str_istarts(jstr_raw(data), STR("data:"))
		              ? data
		              : jstr_concat(in->arena, JSTR("data:image/png;base64,"), data);
		if (!url.p)
			return openai_full(in->err);
		if (!chat_media_read_url(in->arena, url, b->media, in->err))
			return err_prefix(in->err, "%s", place);
	}
	return true;
}

static bool read_assistant(struct kit_in *in, const struct json_node *m)
{
	struct chat_turn *t = kit_add_turn(in, ROLE_ASSISTANT);
	const struct json_node *calls = node_get_some(m, STR("tool_calls"));
	struct chat_block **end;

	if (!t)
		return false;
	end = &t->blocks;
	memset(in->pending, 0, sizeof(in->pending));
	return kit_add_text(in, &end, CHAT_REASONING, node_get_text(m, STR("thinking"))) &&
	       kit_add_text(in, &end, CHAT_TEXT, node_get_text(m, STR("content"))) &&
	       (!calls || kit_read_calls(in, calls, &end));
}

static bool read_tool(struct kit_in *in, const struct json_node *m)
{
	struct jstr name = node_get_text(m, STR("tool_name"));
	struct chat_block *b = kit_add_result(in, node_get_text(m, STR("tool_call_id")),
	                                      name.n ? name : node_get_text(m, STR("name")));
	struct chat_block **end;
	char place[KIT_PLACE_MAX];

	if (!b)
		return false;
	end = &b->blocks;
	return kit_add_text(in, &end, CHAT_TEXT, node_get_text(m, STR("content"))) &&
	       read_images(in, kit_place(in, place, ".images"), node_get_some(m, STR("images")), &end);
}

static bool read_user(struct kit_in *in, const struct json_node *m)
{
	struct chat_turn *t = kit_add_turn(in, ROLE_USER);
	struct chat_block **end;
	char place[KIT_PLACE_MAX];

	if (!t)
		return false;
	end = &t->blocks;
	return kit_add_text(in, &end, CHAT_TEXT, node_get_text(m, STR("content"))) &&
	       read_images(in, kit_place(in, place, ".images"), node_get_some(m, STR("images")), &end);
}

static bool read_system(struct kit_in *in, const struct json_node *m)
{
	struct chat_block **end = kit_system(in);

	return end && kit_add_text(in, &end, CHAT_TEXT, node_get_text(m, STR("content")));
}

static const struct {
	struct str role;
	bool (*read)(struct kit_in *, const struct json_node *);
} roles[] = {
	{ STR_INIT("user"), read_user }, { STR_INIT("assistant"), read_assistant }, { STR_INIT("tool"), read_tool },
	{ STR_INIT("system"), read_system },
};

static bool read_message(struct kit_in *in, const struct json_node *m)
{
	const struct json_node *role = node_get(m, STR("role")), *content = node_get_some(m, STR("content"));
	char place[KIT_PLACE_MAX];

	if (content && !node_is(content, JSON_STRING))
		return kit_refuse(in, kit_place(in, place, ".content"), "a string", content);
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (node_is_word(role, roles[i].role))
			return roles[i].read(in, m);
	return kit_refuse(in, kit_place(in, place, ".role"), "one of system, user, assistant, tool", role);
}

static const struct kit_member members[] = {
	{ STR_INIT("model"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("stream"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("messages"), KIT_NONE, CHAT_MEMBERS, 0, NULL },           /* read behind all others */
	{ STR_INIT("prompt"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("system"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("images"), KIT_NONE, CHAT_MEMBERS, 0, NULL },
	{ STR_INIT("tools"), KIT_OWN, CHAT_MEMBERS, 0, kit_read_tools },
	{ STR_INIT("options"), KIT_OWN, CHAT_MEMBERS, 0, read_options },
	{ STR_INIT("format"), KIT_OWN, MEMBER_FORMAT, 0, read_format },
	{ STR_INIT("think"), KIT_OWN, MEMBER_REASONING, 0, read_think },
	{ STR_INIT("suffix"), KIT_OWN, MEMBER_SUFFIX, 0, read_suffix },
};

/* /api/generate: one text, perhaps with images. */
static bool read_prompt(struct kit_in *in, const struct json_node *body)
{
	const struct json_node *prompt = node_get_some(body, STR("prompt"));
	struct chat_block **end = kit_system(in);
	struct chat_turn *t;

	if (prompt && !node_is(prompt, JSON_STRING))
		return kit_refuse(in, "prompt", "a string", prompt);
	if (!kit_add_text(in, &end, CHAT_TEXT, node_get_text(body, STR("system"))))
		return false;
	t = kit_add_turn(in, ROLE_USER);
	if (!t)
		return false;
	end = &t->blocks;
	if (!kit_add_text(in, &end, CHAT_TEXT, node_text(prompt)) ||
	    !read_images(in, "images", node_get_some(body, STR("images")), &end))
		return false;
	return t->blocks || err_set(in->err, ERR_INVALID_REQUEST, "prompt: must be a text that is not empty");
}

bool ollama_read_request(struct arena *arena, const struct dialect_request *rq, const struct json_node *body,
                         struct chat_request *out, struct err *e)
{
	const struct json_node *list = node_get(body, STR("messages"));
	struct kit_in in;

	*out = (struct chat_request){ .from = DIALECT_OLLAMA, .model = jstr_from(arena, rq->model) };
	in = kit_in_make(arena, out, DIALECT_OLLAMA, e);
	if (!out->model.p)
		return openai_full(e);
	if (!kit_read_members(&in, body, members, COUNT_OF(members), ""))
		return false;
	out->generate = str_eq(rq->tail, STR("/generate"));
	if (out->generate)
		return read_prompt(&in, body);
	if (!node_is(list, JSON_ARRAY) || !node_first(list))
		return kit_refuse(&in, "messages", "an array of messages that is not empty", list);
	for (const struct json_node *m = node_first(list); m; m = node_next(list, m), in.index++)
		if (!read_message(&in, m))
			return false;
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool put_images(struct kit_out *o, const struct chat_turn *t, const struct chat_block *list)
{
	bool any = false;

	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind != CHAT_IMAGE || !b->media)
			continue;
		if (b->media->from != MEDIA_BYTES)
			return err_set(o->err, ERR_INVALID_REQUEST,
			               "messages[%u]: an image must be given in base64 for this provider", t->index);
		if (!any) {
			json_key_lit(&o->w, "images");
			json_open(&o->w, '[');
			any = true;
		}
		if (b->media->detail.n)
			chat_drop(&o->wire->drops, "messages[%u].detail", t->index);
		json_jstr(&o->w, b->media->data);
	}
	if (any)
		json_close(&o->w);
	return true;
}

static bool begin_message(struct kit_out *o, struct str role, struct jstr content)
{
	if (!content.p)
		return openai_full(o->err);
	json_open(&o->w, '{');
	json_key_lit(&o->w, "role");
	json_str(&o->w, role);
	json_key_lit(&o->w, "content");
	json_jstr(&o->w, content);
	return true;
}

static bool put_system(struct kit_out *o, const struct chat_block *list)
{
	if (!list)
		return true;
	if (!begin_message(o, STR("system"), kit_join(o->arena, list, CHAT_TEXT, JSTR("\\n\\n"))))
		return false;
	json_close(&o->w);
	return true;
}

/* What Ollama has no place for is refused, or reported where the talk makes sense without it. */
static bool check_blocks(struct kit_out *o, const struct chat_turn *t, const struct chat_block *list)
{
	for (const struct chat_block *b = list; b; b = b->next) {
		bool media = b->kind == CHAT_AUDIO || b->kind == CHAT_VIDEO || b->kind == CHAT_DOCUMENT;

		if (b->kind == CHAT_RAW || (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_SERVER))
			chat_drop(&o->wire->drops, "messages[%u].%s", t->index,
			          chat_kind_name((enum chat_kind)b->kind));
		if (b->kind == CHAT_REASONING && b->opaque.bytes.n)
			chat_drop(&o->wire->drops, "messages[].signature");
		if (media && !(b->kind == CHAT_DOCUMENT && b->media && b->media->from == MEDIA_TEXT))
			return err_set(o->err, ERR_INVALID_REQUEST, "messages[%u]: this provider takes no %s", t->index,
			               chat_kind_name((enum chat_kind)b->kind));
	}
	return true;
}

static bool put_result(struct kit_out *o, const struct chat_turn *t, const struct chat_block *b)
{
	struct jstr text = kit_join_said(o->arena, b->blocks, JSTR("\\n"));

	if (!check_blocks(o, t, b->blocks))
		return false;
	if (b->is_error && text.p && !str_istarts(jstr_raw(text), STR("error")))
		text = jstr_concat(o->arena, JSTR("Error: "), text);                    /* T11 */
	if (!begin_message(o, STR("tool"), text))
		return false;
	json_key_lit(&o->w, "tool_name");
	json_jstr(&o->w, b->name);
	json_key_lit(&o->w, "tool_call_id");
	json_jstr(&o->w, b->id);
	if (!put_images(o, t, b->blocks))
		return false;
	json_close(&o->w);
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
	if (!rest && t->blocks)
		return true;
	if (!check_blocks(o, t, t->blocks) ||
	    !begin_message(o, STR("user"), kit_join_said(o->arena, t->blocks, JSTR("\\n"))) ||
	    !put_images(o, t, t->blocks))
		return false;
	json_close(&o->w);
	return true;
}

static bool put_assistant(struct kit_out *o, const struct chat_turn *t)
{
	struct jstr thoughts = kit_join(o->arena, t->blocks, CHAT_REASONING, JSTR("\\n\\n"));
	bool any = false;

	if (!check_blocks(o, t, t->blocks) ||
	    !begin_message(o, STR("assistant"), kit_join_said(o->arena, t->blocks, JSTR("\\n"))))
		return false;
	if (thoughts.n) {
		json_key_lit(&o->w, "thinking");
		json_jstr(&o->w, thoughts);
	}
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind != CHAT_TOOL_CALL || b->tool == TOOL_SERVER)
			continue;
		if (!any) {
			json_key_lit(&o->w, "tool_calls");
			json_open(&o->w, '[');
			any = true;
		}
		if (!kit_put_past_call(o, b, false))
			return false;
	}
	if (any)
		json_close(&o->w);
	json_close(&o->w);
	return true;
}

static const struct kit_turns turns = { put_system, put_user, put_assistant };

static void put_options(struct kit_out *o)
{
	json_key_lit(&o->w, "options");
	json_open(&o->w, '{');
	if (o->rq.max_output.n && o->rq.max_output.p[0] != '-')
		kit_put_raw(o, MEMBER_MAX_OUTPUT, STR("num_predict"), o->rq.max_output);
	kit_put_raw(o, MEMBER_TEMPERATURE, STR("temperature"), o->rq.temperature);
	kit_put_raw(o, MEMBER_TOP_P, STR("top_p"), o->rq.top_p);
	kit_put_raw(o, MEMBER_TOP_K, STR("top_k"), o->rq.top_k);
	kit_put_raw(o, MEMBER_SEED, STR("seed"), o->rq.seed);
	kit_put_raw(o, MEMBER_FREQUENCY_PENALTY, STR("frequency_penalty"), o->rq.frequency_penalty);
	kit_put_raw(o, MEMBER_PRESENCE_PENALTY, STR("presence_penalty"), o->rq.presence_penalty);
	if (o->rq.stop) {
		json_key_lit(&o->w, "stop");
		json_open(&o->w, '[');
		for (const struct chat_name *s = o->rq.stop; s; s = s->next)
			json_jstr(&o->w, s->name);
		json_close(&o->w);
		kit_carry(o, MEMBER_STOP);
	}
	json_close(&o->w);
}

/* Models with levels take their word for it, all others yes or no; those that cannot think refuse a yes. */
static void put_think(struct kit_out *o)
{
	const struct model_facts *f = o->target->facts;
	const unsigned levels = f->effort_levels & ~(1u << EFFORT_NONE);
	int wants = kit_wants_thoughts(&o->rq);

	if (wants < 0)
		return;
	if (f->thinking == THINKING_NONE || model_lacks(f, CAP_REASONING)) {
		if (!wants)
			kit_carry(o, MEMBER_REASONING);
		return;
	}
	json_key_lit(&o->w, "think");
	if (wants && levels && o->rq.has_effort)
		json_str(&o->w, model_effort_name(model_effort_nearest(levels, (enum model_effort)o->rq.effort)));
	else
		json_bool(&o->w, wants > 0);
	kit_carry(o, MEMBER_REASONING);
	kit_carry(o, MEMBER_REASONING_SUMMARY);
}

static void put_format(struct kit_out *o)
{
	kit_carry(o, MEMBER_FORMAT);
	if (o->rq.format == FORMAT_SCHEMA) {
		json_key_lit(&o->w, "format");
		json_raw(&o->w, o->rq.format_schema.n ? o->rq.format_schema : STR("{\"type\":\"object\"}"));
	} else if (o->rq.format == FORMAT_JSON) {
		json_key_lit(&o->w, "format");
		json_str(&o->w, STR("json"));
	}
}

/* Ollama's models choose by themselves; a choice of none is made by sending none. */
static bool put_tools(struct kit_out *o)
{
	const struct chat_request *rq = &o->rq;
	bool any = false, must = rq->choice == CHOICE_ANY || rq->choice == CHOICE_TOOL ||
				 (rq->choice == CHOICE_SUBSET && rq->choice_subset_any);

	kit_carry(o, MEMBER_TOOL_CHOICE);
	if (rq->choice == CHOICE_NONE)
		return true;
	if (must && rq->tools)
		chat_drop(&o->wire->drops, "tool_choice");
	if (!kit_put_tools(o, &any))
		return false;
	if (o->strict)
		chat_drop(&o->wire->drops, "tools[].strict");
	return true;
}

bool ollama_write_request(struct arena *arena, const struct chat_request *rq, const struct chat_target *target,
                          struct chat_wire *out, struct err *e)
{
	struct kit_out o;
	struct buf body;
	bool good = kit_out_begin(&o, arena, &body, rq, target, out, e);

	if (good) {
		json_open(&o.w, '{');
		json_key_lit(&o.w, "model");
		json_jstr(&o.w, target->model);
		good = kit_put_turns(&o, &turns) && put_tools(&o);
	}
	if (good) {
		put_format(&o);
		put_think(&o);
		put_options(&o);
		json_key_lit(&o.w, "stream");
		json_bool(&o.w, rq->stream);
		json_close(&o.w);
		chat_drop_cache_marks(&out->drops, rq);
	}
	return kit_out_end(&o, &body, good, DIALECT_OLLAMA);
}
