/* SPDX-License-Identifier: Apache-2.0 */
/* turns: what several targets want of the order of turns and blocks (dialects.md section 5, rules T1-T3, T6, T7). */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "dialect/chat.h"

/* The server's tools answer inside the assistant's own turn. */
static bool is_client_call(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;
}

static bool is_client_result(const struct chat_block *b)
{
	return b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER;
}

/* What an id in the table stands for. */
struct call {
	const struct chat_block *block;
	const struct chat_turn *turn;
	bool answered;
};

static size_t count_calls(const struct chat_request *rq)
{
	size_t n = 0;

	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			n += is_client_call(b);
	return n;
}

static struct str shown(struct jstr id)
{
	return text_utf8_cut(jstr_raw(id), 64);
}

static bool result_fits(struct map *map, const struct chat_turn *t, const struct chat_block *b, struct err *e)
{
	struct call *c = b->id.p ? map_get(map, jstr_raw(b->id)) : NULL;

	if (!c)
		return err_set(e, ERR_INVALID_REQUEST,
		               "messages[%u]: the tool result for \"%.*s\" has no tool call before it", t->index,
		               STR_ARG(shown(b->id)));
	c->answered = true;
	return true;
}

/* In one pass with a table: histories have thousands of calls. Results get their call's name if `name` is set. */
static bool match_calls(const struct chat_request *rq, struct call *calls, struct map *map, bool name, struct err *e)
{
	struct call *next = calls;

	for (const struct chat_turn *t = rq->turns; t; t = t->next) {
		for (struct chat_block *b = t->blocks; b; b = b->next) {
			if (is_client_result(b)) {
				if (!result_fits(map, t, b, e))
					return false;
				if (name && !b->name.p)
					b->name = ((struct call *)map_get(map, jstr_raw(b->id)))->block->name;
			} else if (is_client_call(b) && b->id.p) {
				*next = (struct call){ .block = b, .turn = t };
				map_put(map, jstr_raw(b->id), next++);
			}
		}
	}
	for (const struct call *c = calls; c < next; c++)
		/* The last turn's calls may still be waiting; an id used twice is answered by its last. */
		if (!c->answered && c->turn->next && map_get(map, jstr_raw(c->block->id)) == c)
			return err_set(e, ERR_INVALID_REQUEST,
			               "messages[%u]: the tool call \"%.*s\" has no tool result after it",
			               c->turn->index, STR_ARG(shown(c->block->id)));
	return true;
}

static bool check_calls(const struct chat_request *rq, bool name, struct err *e)
{
	size_t n = count_calls(rq);
	struct map map = { 0 };
	struct call *calls = mem_zalloc((n + 1) * sizeof *calls);
	bool good = match_calls(rq, calls, &map, name, e);

	map_fini(&map);
	free(calls);
	return good;
}

bool chat_turns_check_calls(const struct chat_request *rq, struct err *e)
{
	return check_calls(rq, false, e);
}

bool chat_turns_name_results(struct chat_request *rq, struct err *e)
{
	return check_calls(rq, true, e);
}

bool chat_tools_check(const struct chat_request *rq, unsigned target, struct err *e)
{
	unsigned index = 0;

	for (const struct chat_tool *t = rq->tools; t; t = t->next, index++)
		for (const struct chat_extra *x = t->extras; x; x = x->next)
			if (x->from != target && jstr_is(x->name, STR("allowed_callers")) &&
			    str_find(x->raw, STR("\"direct\"")) == STR_NPOS)
				return err_set(e, ERR_UNSUPPORTED_PARAMETER,
				               "tools[%u].allowed_callers: %.*s: this provider cannot keep a tool "
				               "from being called directly",
				               index, STR_ARG(text_utf8_cut(x->raw, 64)));
	return true;
}

struct jstr chat_turns_call_name(const struct chat_request *rq, struct jstr call_id)
{
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (is_client_call(b) && jstr_eq(b->id, call_id))
				return b->name;
	return (struct jstr){ 0 };
}

/* Results before all else, each kind in its order. */
static void results_first(struct chat_turn *t)
{
	struct chat_block *rest = NULL, **results_end = &t->blocks, **rest_end = &rest;

	for (struct chat_block *b = t->blocks, *next; b; b = next) {
		next = b->next;
		b->next = NULL;
		if (is_client_result(b)) {
			*results_end = b;
			results_end = &b->next;
		} else {
			*rest_end = b;
			rest_end = &b->next;
		}
	}
	*results_end = rest;
}

void chat_turns_merge(struct chat_request *rq)
{
	struct chat_block **end = NULL;

	for (struct chat_turn *t = rq->turns; t;) {
		struct chat_turn *next = t->next;

		end = chat_blocks_end(end ? end : &t->blocks);
		if (next && next->role == t->role) {
			*end = next->blocks;
			t->next = next->next;
			continue;
		}
		if (t->role == ROLE_USER)
			results_first(t);
		end = NULL;
		t = next;
	}
}

static void drop_blank_texts(struct chat_block **list)
{
	while (*list) {
		struct chat_block *b = *list;

		if (b->kind == CHAT_TEXT && jstr_is_blank(b->text)) {
			*list = b->next;
			continue;
		}
		if (b->kind == CHAT_TOOL_RESULT)
			drop_blank_texts(&b->blocks);
		list = &b->next;
	}
}

void chat_turns_drop_blank(struct chat_request *rq)
{
	struct chat_turn **at = &rq->turns;

	drop_blank_texts(&rq->system);
	while (*at) {
		struct chat_turn *t = *at;

		drop_blank_texts(&t->blocks);
		if (!t->blocks && (t->next || t->role != ROLE_USER))
			*at = t->next;
		else
			at = &t->next;
	}
}

bool chat_turns_user_first(struct arena *a, struct chat_request *rq)
{
	struct chat_turn *t;
	struct chat_block *b, **end;

	if (!rq->turns || rq->turns->role != ROLE_ASSISTANT)
		return true;
	t = arena_zalloc(a, sizeof *t);
	if (!t)
		return false;
	t->role = ROLE_USER;
	t->next = rq->turns;
	end = &t->blocks;
	b = chat_block_add(a, &end, CHAT_TEXT);
	if (!b)
		return false;
	b->text = JSTR(".");
	rq->turns = t;
	return true;
}
