/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_read_turns: contents and systemInstruction of a client's request. Calls have no ids on many models: each gets
 * one by its place, and a response without one answers the first call of its name that waits (rule T6). */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/gemini_read.h"

enum { LOOK_MAX = 1024 };

struct call { struct call *next; struct jstr id, name; bool answered; };

struct turns {
	struct gemini_reading *g;
	struct call *first, **end;       /* calls in order; the answered ones at the beginning are dropped */
	unsigned calls;
	unsigned content, part;          /* where the reader is */
};

static bool fail_at(struct turns *t, struct str member)
{
	struct err *e = t->g->err;
	struct str text = str_from_z(e->text);
	size_t place = 0;

	if (e->code == ERR_TOO_LARGE)
		return false;
	if (member.n)
		return err_prefix(e, "contents[%u].parts[%u]%.*s", t->content, t->part, STR_ARG(member));
	/* "inlineData.data: must …" goes on where this place ends */
	while (place < text.n &&
	       ((text.p[place] | 0x20) >= 'a' && (text.p[place] | 0x20) <= 'z' ? true : text.p[place] == '.'))
		place++;
	if (place == text.n || text.p[place] != ':')
		return err_prefix(e, "contents[%u].parts[%u]", t->content, t->part);
	text = arena_dup(t->g->arena, text);
	return text.p ? err_set(e, e->code, "contents[%u].parts[%u].%.*s", t->content, t->part, STR_ARG(text)) : false;
}

/* ---- calls and their responses ----------------------------------------------------------------------------------- */

static bool note_call(struct turns *t, struct chat_block *b)
{
	struct call *c;

	if (!b->name.n)
		return err_set(t->g->err, ERR_INVALID_REQUEST, "functionCall.name: must be a name");
	if (!b->id.p)
		b->id = gemini_call_id(t->g->arena, (struct jstr){ 0 }, t->calls);
	t->calls++;
	c = arena_zalloc(t->g->arena, sizeof *c);
	if (!c || !b->id.p)
		return gemini_read_is_full(t->g);
	c->id = b->id;
	c->name = b->name;
	*t->end = c;
	t->end = &c->next;
	return true;
}

static struct call *find_call(struct turns *t, struct jstr id, struct jstr name)
{
	unsigned looks = 0;

	while (t->first && t->first->answered) {
		t->first = t->first->next;
		if (!t->first)
			t->end = &t->first;
	}
	for (struct call *c = t->first; c && looks < LOOK_MAX; c = c->next, looks++)
		if (id.p ? jstr_eq(c->id, id) : !c->answered && jstr_eq(c->name, name))
			return c;
	return NULL;
}

/* {"output": "text"} and the like are the text; anything else is the text of the object. */
static bool read_outcome(struct turns *t, const struct json_node *response, struct chat_block *out)
{
	static const struct str words[] = { STR_INIT("output"), STR_INIT("result"), STR_INIT("error") };
	struct chat_block **end = &out->blocks, *b;
	const struct json_node *only =
		node_is(response, JSON_OBJECT) && response->children == 1 ? node_first(response) : NULL;
	struct jstr text = { 0 };

	out->raw = node_is(response, JSON_OBJECT) ? node_raw(response) : STR("{}");
	out->from = DIALECT_GEMINI;
	for (size_t i = 0; only && i < COUNT_OF(words); i++)
		if (node_named(only, words[i])) {
			out->is_error = i == 2;
			text = node_text(only);
		}
	if (!text.p)
		text = jstr_from(t->g->arena, out->raw);
	b = text.p ? chat_block_add(t->g->arena, &end, CHAT_TEXT) : NULL;
	if (b)
		b->text = text;
	return b || gemini_read_is_full(t->g);
}

static bool read_result_parts(struct turns *t, const struct json_node *parts, struct chat_block *out)
{
	struct chat_block **end = chat_blocks_end(&out->blocks);

	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p)) {
		struct chat_block *b = arena_alloc(t->g->arena, sizeof *b);

		if (!b)
			return gemini_read_is_full(t->g);
		if (!gemini_part_read(t->g->arena, p, true, b, t->g->err))
			return false;
		if (b->kind == CHAT_RAW)
			continue;
		*end = b;
		end = &b->next;
	}
	return true;
}

static bool read_result(struct turns *t, const struct json_node *part, struct chat_block *out)
{
	const struct json_node *r = gemini_get(part, STR("functionResponse"));
	struct jstr id = gemini_get_text(r, STR("id")), name = gemini_get_text(r, STR("name"));
	struct chat_extra *extras = out->extras;
	const struct json_node *response;
	struct call *c;

	if (!node_is(r, JSON_OBJECT))
		return err_set(t->g->err, ERR_INVALID_REQUEST, "functionResponse: must be an object");
	response = gemini_get(r, STR("response"));
	if (response && !node_is(response, JSON_OBJECT))
		return err_set(t->g->err, ERR_INVALID_REQUEST, "functionResponse.response: %.*s must be an object",
		               STR_ARG(text_utf8_cut(node_raw(response), 64)));
	c = find_call(t, id.n ? id : (struct jstr){ 0 }, name);
	if (!c && id.n)
		c = find_call(t, (struct jstr){ 0 }, name);
	if (!c && !id.n)
		return err_set(t->g->err, ERR_INVALID_REQUEST,
		               "functionResponse.name: \"%.*s\" must be the name of a functionCall before it that "
		               "waits for "
		               "its response",
		               STR_ARG(text_utf8_cut(jstr_raw(name), 64)));
	*out = (struct chat_block){ .kind = CHAT_TOOL_RESULT, .id = c ? c->id : id, .name = name, .extras = extras };
	if (c)
		c->answered = true;
	return read_outcome(t, response, out) &&
	       read_result_parts(t, gemini_get(r, STR("parts")), out);
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static bool add_part(struct turns *t, const struct json_node *part, struct chat_block ***end)
{
	struct arena *a = t->g->arena;
	struct chat_block *b = arena_alloc(a, sizeof *b), *signature;
	bool full = false;

	if (!b)
		return gemini_read_is_full(t->g);
	if (!gemini_part_read(a, part, true, b, t->g->err))
		return false;
	if (b->kind == CHAT_RAW && gemini_get(part, STR("functionResponse")) && !read_result(t, part, b))
		return false;
	if (b->kind == CHAT_TOOL_CALL && b->tool == TOOL_FUNCTION && !note_call(t, b))
		return false;
	if (b->media && b->media->from == MEDIA_URL && !chat_media_check_url(b->media->data, t->g->err))
		return err_prefix(t->g->err, "fileData.fileUri");
	if (gemini_part_is_empty(b))
		return true;
	signature = gemini_signature_block(a, b, &full);
	if (full)
		return gemini_read_is_full(t->g);
	if (signature && b->text.n == 0) {
		b = signature;
		signature = NULL;
	}
	**end = b;
	*end = &b->next;
	if (signature) {
		**end = signature;
		*end = &signature->next;
	}
	return true;
}

static bool may_join(const struct chat_block *a, const struct chat_block *b)
{
	return b && a->kind == b->kind && (a->kind == CHAT_TEXT || a->kind == CHAT_REASONING) && !a->opaque.maker &&
	       !a->opaque.bytes.p && !jstr_is(b->opaque.id, STR("redacted_thinking"));
}

/* A stream's pieces, as clients keep them in their histories, are one text again, and one thought with its
 * signature. */
static bool join_pieces(struct turns *t, struct chat_block *b)
{
	for (; b; b = b->next) {
		struct chat_block *last = b;
		size_t n = b->text.n;
		char *p, *at;

		while (may_join(last, last->next)) {
			last = last->next;
			n += last->text.n;
		}
		if (last == b)
			continue;
		p = at = arena_alloc(t->g->arena, n + 1);
		if (!p)
			return gemini_read_is_full(t->g);
		for (struct chat_block *x = b;; x = x->next) {
			if (x->text.n)
				memcpy(at, x->text.p, x->text.n);
			at += x->text.n;
			if (x == last)
				break;
		}
		b->text = jstr_of(p, n);
		b->opaque = last->opaque;
		b->redacted = b->kind == CHAT_REASONING && n == 0;
		b->next = last->next;
	}
	return true;
}

static bool read_role(struct turns *t, const struct json_node *content, enum chat_role *out)
{
	static const struct { struct str word; enum chat_role role; } roles[] = {
		{ STR_INIT("user"), ROLE_USER }, { STR_INIT("model"), ROLE_ASSISTANT },
		{ STR_INIT("function"), ROLE_USER },
		{ STR_INIT("tool"), ROLE_USER },       { STR_INIT("assistant"), ROLE_ASSISTANT },
		{ STR_INIT("system"), ROLE_SYSTEM },   { STR_INIT(""), ROLE_USER },
	};
	const struct json_node *role = gemini_get(content, STR("role"));

	*out = ROLE_USER;
	for (size_t i = 0; i < COUNT_OF(roles) && node_is(role, JSON_STRING); i++)
		if (node_is_word(role, roles[i].word)) {
			*out = roles[i].role;
			return true;
		}
	return !role || err_set(t->g->err, ERR_INVALID_REQUEST, "contents[%u].role: %.*s must be \"user\" or \"model\"",
	                        t->content, STR_ARG(text_utf8_cut(node_raw(role), 64)));
}

static bool read_content(struct turns *t, const struct json_node *content, struct chat_turn ***end)
{
	const struct json_node *parts = gemini_get(content, STR("parts"));
	struct chat_block **blocks;
	struct chat_turn *turn;
	enum chat_role role;

	if (!node_is(content, JSON_OBJECT))
		return err_set(t->g->err, ERR_INVALID_REQUEST, "contents[%u]: must be an object", t->content);
	if (parts && !node_is(parts, JSON_ARRAY) && !node_is(parts, JSON_OBJECT))
		return err_set(t->g->err, ERR_INVALID_REQUEST, "contents[%u].parts: must be a list of parts",
		               t->content);
	if (!read_role(t, content, &role))
		return false;
	turn = chat_turn_add(t->g->arena, end, role);
	if (!turn)
		return gemini_read_is_full(t->g);
	turn->index = t->content;
	blocks = &turn->blocks;
	t->part = 0;
	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p), t->part++)
		if (!add_part(t, p, &blocks))
			return fail_at(t, STR(""));
	return role != ROLE_ASSISTANT || join_pieces(t, turn->blocks);
}

bool gemini_read_contents(struct gemini_reading *g, const struct json_node *contents)
{
	struct turns t = { .g = g };
	struct chat_turn **end = &g->rq->turns;

	t.end = &t.first;
	if (!node_is(contents, JSON_ARRAY) && !node_is(contents, JSON_OBJECT))
		return err_set(g->err, ERR_INVALID_REQUEST, "contents: must be a list of contents");
	for (const struct json_node *c = gemini_first(contents); c; c = gemini_after(contents, c), t.content++)
		if (!read_content(&t, c, &end))
			return false;
	return g->rq->turns || err_set(g->err, ERR_INVALID_REQUEST, "contents: must hold at least one content");
}

bool gemini_read_system(struct gemini_reading *g, const struct json_node *instruction)
{
	const struct json_node *parts = gemini_get(instruction, STR("parts"));
	struct chat_block **end = &g->rq->system, *b;
	unsigned n = 0;

	if (node_is(instruction, JSON_STRING)) {
		b = chat_block_add(g->arena, &end, CHAT_TEXT);
		if (b)
			b->text = node_text(instruction);
		return b || gemini_read_is_full(g);
	}
	if (!node_is(instruction, JSON_OBJECT))
		return err_set(g->err, ERR_INVALID_REQUEST, "systemInstruction: must be a content");
	for (const struct json_node *p = gemini_first(parts); p; p = gemini_after(parts, p), n++) {
		b = arena_alloc(g->arena, sizeof *b);
		if (!b)
			return gemini_read_is_full(g);
		if (!gemini_part_read(g->arena, p, true, b, g->err))
			return err_prefix(g->err, "systemInstruction.parts[%u]", n);
		if (gemini_part_is_empty(b))
			continue;
		*end = b;
		end = &b->next;
	}
	return true;
}
