/* SPDX-License-Identifier: Apache-2.0 */
/* kit: what the codecs of Ollama and Cohere have in common. */

#include "dialect/kit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct kit_in kit_in_make(struct arena *a, struct chat_request *rq, enum dialect_id from, struct err *e)
{
	return (struct kit_in){
		.arena = a, .rq = rq, .err = e, .from = from, .leading = true, .turns_end = &rq->turns,
		.system_end = &rq->system, .tools_end = &rq->tools,
	};
}

bool kit_refuse(struct kit_in *in, const char *place, const char *allowed, const struct json_node *v)
{
	char seen[OPENAI_SEEN_MAX];

	return err_set(in->err, ERR_INVALID_REQUEST, "%s: must be %s, not %s", place, allowed, openai_seen(v, seen));
}

const char *kit_place(const struct kit_in *in, char out[KIT_PLACE_MAX], const char *rest)
{
	snprintf(out, KIT_PLACE_MAX, "messages[%u]%s", in->index, rest);
	return out;
}

static bool add_extra(struct kit_in *in, const struct json_node *m, const char *prefix)
{
	struct jstr name = node_key(m);

	if (prefix[0]) {
		struct str full = arena_printf(in->arena, "%s%.*s", prefix, STR_ARG(name));
		name = jstr_of(full.p, full.n);
	}
	return (name.p && chat_extra_add(in->arena, &in->rq->extras, in->from, name, node_raw(m))) ||
	       openai_full(in->err);
}

static bool read_member(struct kit_in *in, const struct kit_member *k, const struct json_node *m, const char *prefix)
{
	char place[KIT_PLACE_MAX];

	if (k->member != CHAT_MEMBERS)
		in->rq->set |= MEMBER_BIT(k->member);
	switch ((enum kit_holds)k->holds) {
	case KIT_NONE: return true;
	case KIT_OWN: return k->read(in, m);
	case KIT_NUMBER: break;
	}
	if (m->type != JSON_NUMBER) {
		snprintf(place, sizeof(place), "%s%.*s", prefix, STR_ARG(k->name));
		return kit_refuse(in, place, "a number", m);
	}
	memcpy((char *)in->rq + k->at, &(struct str){ m->p, m->n }, sizeof(struct str));
	return true;
}

bool kit_read_members(struct kit_in *in, const struct json_node *object, const struct kit_member *table, size_t n,
                      const char *prefix)
{
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m)) {
		size_t i = 0;

		while (i < n && !node_named(m, table[i].name))
			i++;
		if (m->type == JSON_NULL)
			continue;
		if (!(i < n ? read_member(in, &table[i], m, prefix) : add_extra(in, m, prefix)))
			return false;
	}
	return true;
}

bool kit_read_names(struct kit_in *in, const char *place, const struct json_node *v, struct chat_name **list)
{
	struct chat_name **end = list;

	if (node_is(v, JSON_STRING))
		return chat_name_add(in->arena, &end, node_text(v)) || openai_full(in->err);
	if (!node_is(v, JSON_ARRAY))
		return kit_refuse(in, place, "a string or an array of strings", v);
	for (const struct json_node *s = node_first(v); s; s = node_next(v, s)) {
		if (!node_is(s, JSON_STRING))
			return kit_refuse(in, place, "a string or an array of strings", s);
		if (!chat_name_add(in->arena, &end, node_text(s)))
			return openai_full(in->err);
	}
	return true;
}

bool kit_read_tools(struct kit_in *in, const struct json_node *v)
{
	unsigned index = 0;
	char place[KIT_PLACE_MAX];

	if (!node_is(v, JSON_ARRAY))
		return kit_refuse(in, "tools", "an array", v);
	for (const struct json_node *t = node_first(v); t; t = node_next(v, t), index++) {
		const struct json_node *f = node_get(t, STR("function")), *schema = node_get_some(f, STR("parameters"));
		struct chat_tool *tool = chat_tool_add(in->arena, &in->tools_end, TOOL_FUNCTION);

		snprintf(place, sizeof(place), "tools[%u].function.name", index);
		if (!tool)
			return openai_full(in->err);
		if (node_get_text(f, STR("name")).n == 0)
			return kit_refuse(in, place, "the name of a function", node_get(f, STR("name")));
		snprintf(place, sizeof(place), "tools[%u].function.parameters", index);
		if (schema && !node_is(schema, JSON_OBJECT))
			return kit_refuse(in, place, "a JSON Schema, an object", schema);
		tool->name = node_get_text(f, STR("name"));
		tool->description = node_get_text(f, STR("description"));
		tool->schema = node_raw(schema);
	}
	return true;
}

struct chat_turn *kit_add_turn(struct kit_in *in, enum chat_role role)
{
	struct chat_turn *t = chat_turn_add(in->arena, &in->turns_end, role);

	in->results = NULL;
	in->leading = false;
	if (!t) {
		openai_full(in->err);
		return NULL;
	}
	t->index = in->index;
	return t;
}

bool kit_read_calls(struct kit_in *in, const struct json_node *v, struct chat_block ***end)
{
	char place[KIT_PLACE_MAX];
	size_t n = 0;

	if (!node_is(v, JSON_ARRAY))
		return kit_refuse(in, kit_place(in, place, ".tool_calls"), "an array", v);
	memset(in->pending, 0, sizeof(in->pending));
	for (const struct json_node *c = node_first(v); c; c = node_next(v, c)) {
		struct chat_block *b = openai_read_call(in->arena, c, (uint64_t)in->from, in->calls++, end);

		if (!b)
			return openai_full(in->err);
		b->tool = TOOL_FUNCTION;
		b->extras = NULL;
		if (b->name.n == 0)
			return kit_refuse(in, kit_place(in, place, ".tool_calls.function.name"),
			                  "the name of a function", c);
		if (n < KIT_PENDING_MAX)
			in->pending[n++] = b;
	}
	return true;
}

/* The call that a result without an id belongs to. */
static struct chat_block **waiting_call(struct kit_in *in, struct jstr id, struct jstr name)
{
	struct chat_block **first = NULL;

	for (size_t i = 0; i < KIT_PENDING_MAX; i++) {
		struct chat_block *b = in->pending[i];

		if (!b)
			continue;
		if (id.n ? jstr_eq(b->id, id) : name.n > 0 && jstr_eq(b->name, name))
			return &in->pending[i];
		if (!first && !id.n)
			first = &in->pending[i];
	}
	return first;
}

struct chat_block *kit_add_result(struct kit_in *in, struct jstr id, struct jstr name)
{
	struct chat_block **call = waiting_call(in, id, name), *b;

	if (!call && id.n == 0) {
		err_set(in->err, ERR_INVALID_REQUEST, "messages[%u]: the result of a tool needs a call before it",
		        in->index);
		return NULL;
	}
	if (call) {
		id = (*call)->id;
		name = (*call)->name;
		*call = NULL;
	}
	if (!in->results) {
		struct chat_turn *t = kit_add_turn(in, ROLE_USER);

		if (!t)
			return NULL;
		in->results = t;
		in->results_end = &t->blocks;
	}
	b = chat_block_add(in->arena, &in->results_end, CHAT_TOOL_RESULT);
	if (!b) {
		openai_full(in->err);
		return NULL;
	}
	b->id = id;
	b->name = name;
	return b;
}

bool kit_add_text(struct kit_in *in, struct chat_block ***end, enum chat_kind kind, struct jstr text)
{
	struct chat_block *b;

	if (text.n == 0)
		return true;
	b = chat_block_add(in->arena, end, kind);
	if (!b)
		return openai_full(in->err);
	b->text = text;
	return true;
}

struct chat_block *kit_add_media(struct kit_in *in, struct chat_block ***end, enum chat_kind kind)
{
	struct chat_block *b = chat_block_add(in->arena, end, kind);

	if (!b || !(b->media = arena_zalloc(in->arena, sizeof *b->media))) {
		openai_full(in->err);
		return NULL;
	}
	return b;
}

struct chat_block **kit_system(struct kit_in *in)
{
	struct chat_turn *t;

	if (in->leading)
		return chat_blocks_end(in->system_end);
	t = kit_add_turn(in, ROLE_SYSTEM);
	return t ? &t->blocks : NULL;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

bool kit_out_begin(struct kit_out *o, struct arena *a, struct buf *body, const struct chat_request *rq,
                   const struct chat_target *target, struct chat_wire *wire, struct err *e)
{
	*body = buf_make((size_t)1 << 30);
	*o = (struct kit_out){
		.arena = a, .w = json_writer_make(body), .rq = *rq, .target = target, .wire = wire, .err = e,
	};
	return chat_turns_name_results(&o->rq, e) && chat_turns_check_calls(&o->rq, e);
}

bool kit_out_end(struct kit_out *o, struct buf *body, bool written, enum dialect_id to)
{
	int64_t choices = 0;
	size_t n;
	char *p;

	if (written && !json_write_done(&o->w))
		written = err_set(o->err, ERR_TOO_LARGE, "the request is too large for this provider");
	if (!written) {
		buf_fini(body);
		return false;
	}
	p = buf_take(body, &n);
	if (!arena_on_free(o->arena, free, p)) {
		free(p);
		return openai_full(o->err);
	}
	o->wire->body = str_of(p, n);
	if (o->rq.from == DIALECT_OPENAI_RESPONSES)
		kit_carry(o, MEMBER_STORE);                  /* the gateway stores it itself */
	if (json_to_i64(o->rq.n, &choices) && choices == 1)
		kit_carry(o, MEMBER_N);
	chat_drop_members(&o->wire->drops, &o->rq, o->carried, to);
	return true;
}

void kit_put_raw(struct kit_out *o, enum chat_member m, struct str key, struct str raw)
{
	if (!kit_has(o, m) || raw.n == 0)
		return;
	json_key(&o->w, key);
	json_raw(&o->w, raw);
	kit_carry(o, m);
}

struct jstr kit_tool_name(struct kit_out *o, struct jstr name)
{
	return o->fit_names ? chat_fit_name(o->arena, &o->wire->undo, name, ALPHABET_WORD_DASH, 64) : name;
}

/* No dialect of these has a word for one tool of several: only that one is sent (rows 47 and 48). */
static bool is_sent(const struct kit_out *o, const struct chat_tool *t)
{
	if (t->kind == TOOL_SERVER)
		return false;
	if (o->rq.choice != CHOICE_TOOL && o->rq.choice != CHOICE_SUBSET)
		return true;
	for (const struct chat_name *n = o->rq.choice_names; n; n = n->next)
		if (jstr_eq(n->name, t->name))
			return true;
	return false;
}

/* The schema of a function that stands for a custom tool (U5). */
#define INPUT_SCHEMA \
	"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}"
#define NO_SCHEMA "{\"type\":\"object\",\"properties\":{}}"

static bool put_tool(struct kit_out *o, const struct chat_tool *t, unsigned index)
{
	struct jstr name = kit_tool_name(o, t->name);
	struct str schema = t->kind == TOOL_CUSTOM ? STR(INPUT_SCHEMA) : t->schema.n ? t->schema : STR(NO_SCHEMA);

	if (!name.p)
		return openai_full(o->err);
	if (t->kind == TOOL_CUSTOM) {
		struct chat_name **end = &o->wire->undo.custom_tools;

		while (*end)
			end = &(*end)->next;
		if (t->format.n)
			chat_drop(&o->wire->drops, "tools[%u].format", index);
		if (!chat_name_add(o->arena, &end, t->name))
			return openai_full(o->err);
	}
	o->strict |= t->strict == TRI_YES;
	json_open(&o->w, '{');
	json_key_lit(&o->w, "type");
	json_str(&o->w, STR("function"));
	json_key_lit(&o->w, "function");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "name");
	json_jstr(&o->w, name);
	if (t->description.p) {
		json_key_lit(&o->w, "description");
		json_jstr(&o->w, t->description);
	}
	json_key_lit(&o->w, "parameters");
	json_raw(&o->w, schema);
	json_close(&o->w);
	json_close(&o->w);
	return true;
}

bool kit_put_tools(struct kit_out *o, bool *any)
{
	unsigned index = 0;

	*any = false;
	for (const struct chat_tool *t = o->rq.tools; t; t = t->next, index++) {
		if (t->kind == TOOL_SERVER)
			chat_drop(&o->wire->drops, "tools[%u]", index);                         /* U4 */
		if (!is_sent(o, t))
			continue;
		if (!*any) {
			json_key_lit(&o->w, "tools");
			json_open(&o->w, '[');
		}
		*any = true;
		if (!put_tool(o, t, index))
			return false;
	}
	if (*any)
		json_close(&o->w);
	return true;
}

bool kit_put_call(struct json_writer *w, struct arena *a, const struct chat_block *b, struct jstr name, bool as_text)
{
	bool odd;
	struct str json = as_text ? str_of(NULL, 0) : chat_args_json(a, &b->args, &odd);
	struct jstr text = as_text ? chat_args_text(a, &b->args) : (struct jstr){ 0 };

	if (!json.p && !text.p)
		return false;
	json_open(w, '{');
	json_key_lit(w, "id");
	json_jstr(w, b->id);
	json_key_lit(w, "type");
	json_str(w, STR("function"));
	json_key_lit(w, "function");
	json_open(w, '{');
	json_key_lit(w, "name");
	json_jstr(w, name);
	json_key_lit(w, "arguments");
	if (as_text)
		json_jstr(w, text.n ? text : JSTR("{}"));
	else
		json_raw(w, json);
	json_close(w);
	json_close(w);
	return true;
}

/* A custom tool's free text is the argument of the function that stands for it (U5). */
bool kit_put_past_call(struct kit_out *o, const struct chat_block *b, bool as_text)
{
	struct jstr name = kit_tool_name(o, b->name);
	struct chat_block call = *b;

	if (b->tool == TOOL_CUSTOM) {
		call.args = (struct chat_args){
			.json = arena_printf(o->arena, "{\"input\":\"%.*s\"}", STR_ARG(b->args.text)),
		};
		if (!call.args.json.p)
			return openai_full(o->err);
	}
	return (name.p && kit_put_call(&o->w, o->arena, &call, name, as_text)) || openai_full(o->err);
}

static bool is_said(const struct chat_block *b)
{
	return b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL ||
	       (b->kind == CHAT_DOCUMENT && b->media && b->media->from == MEDIA_TEXT);
}

/* Appends one block's words. */
static void append_words(struct buf *out, const struct chat_block *b)
{
	if (b->kind == CHAT_REASONING) {
		for (const struct chat_block *part = b->blocks; part; part = part->next) {
			buf_append_jstr(out, part->text);
			if (part->next || b->text.n)
				buf_append(out, STR("\\n\\n"));
		}
	} else if (b->kind == CHAT_DOCUMENT) {
		struct jstr title = b->media->title.n ? b->media->title : b->media->name;

		buf_append_jstr(out, title);
		if (title.n)
			buf_append(out, STR("\\n"));
		buf_append_jstr(out, b->media->data);
		return;
	}
	buf_append_jstr(out, b->text);
}

static struct jstr join(struct arena *a, const struct chat_block *list, enum chat_kind kind, bool said,
                        struct jstr between)
{
	struct buf all = buf_make((size_t)1 << 30);
	const struct chat_block *only = NULL;
	struct str out;
	unsigned n = 0;

	for (const struct chat_block *b = list; b; b = b->next)
		if (said ? is_said(b) : b->kind == kind) {
			only = b;
			n++;
		}
	if (n == 0 || (n == 1 && only->kind != CHAT_DOCUMENT && !only->blocks))
		return n && only->text.p ? only->text : JSTR("");
	for (const struct chat_block *b = list; b; b = b->next) {
		if (!(said ? is_said(b) : b->kind == kind))
			continue;
		if (all.n)
			buf_append_jstr(&all, between);
		append_words(&all, b);
	}
	out = all.failed ? str_of(NULL, 0) : arena_dup(a, buf_str(&all));
	buf_fini(&all);
	return jstr_of(out.p, out.n);
}

struct jstr kit_join(struct arena *a, const struct chat_block *list, enum chat_kind kind, struct jstr between)
{
	return join(a, list, kind, false, between);
}

struct jstr kit_join_said(struct arena *a, const struct chat_block *list, struct jstr between)
{
	return join(a, list, CHAT_TEXT, true, between);
}

bool kit_holds_kind(const struct chat_block *b, enum chat_kind kind)
{
	while (b && b->kind != kind)
		b = b->next;
	return b != NULL;
}

int kit_wants_thoughts(const struct chat_request *rq)
{
	if (rq->has_effort)
		return rq->effort != EFFORT_NONE;
	if (rq->thinking == TRI_UNSET && rq->thinking_budget > 0)
		return 1;
	return rq->thinking == TRI_UNSET ? -1 : rq->thinking == TRI_YES;
}

bool kit_put_turns(struct kit_out *o, const struct kit_turns *put)
{
	json_key_lit(&o->w, "messages");
	json_open(&o->w, '[');
	if (!put->system(o, o->rq.system))
		return false;
	for (const struct chat_turn *t = o->rq.turns; t; t = t->next) {
		bool good = t->role == ROLE_USER        ? put->user(o, t)
		            : t->role == ROLE_ASSISTANT ? put->assistant(o, t)
		                                        : put->system(o, t->blocks);
		if (!good)
			return false;
		if (t->name.n)
			chat_drop(&o->wire->drops, "messages[%u].name", t->index);
	}
	json_close(&o->w);
	return true;
}
