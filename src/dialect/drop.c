/* SPDX-License-Identifier: Apache-2.0 */
/* drop: what a target has no word for, by name, for the header x-sluice-dropped and the log. */

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "dialect/chat.h"

enum { DROPS_MAX = 64, DROP_NAME_MAX = 96 };

static bool is_there(const struct chat_drops *d, struct str name)
{
	for (const struct chat_drop *at = d->first; at; at = at->next)
		if (str_eq(at->name, name))
			return true;
	return false;
}

/* The names become a header's value, a list: clients choose some of them. */
static void clean(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~' || p[i] == ',')
			p[i] = '?';
}

static void add(struct chat_drops *d, struct str name)
{
	struct chat_drop **end = &d->first, *new;

	if (d->n > DROPS_MAX || is_there(d, name))
		return;
	if (d->n == DROPS_MAX)
		name = STR("\xe2\x80\xa6");
	new = arena_zalloc(d->arena, sizeof *new);
	if (!new)
		return;
	new->name = arena_dup(d->arena, name);
	if (!new->name.p)
		return;
	while (*end)
		end = &(*end)->next;
	*end = new;
	d->n++;
}

void chat_drop(struct chat_drops *d, const char *fmt, ...)
{
	char name[DROP_NAME_MAX + 1];
	va_list args;
	int n;

	if (!d)
		return;
	va_start(args, fmt);
	n = vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	if (n <= 0)
		return;
	size_t length = (size_t)n < sizeof(name) ? (size_t)n : sizeof(name) - 1;
	clean(name, length);
	add(d, str_of(name, length));
}

void chat_drop_answer(struct chat_drops *d, const struct chat_response *r, unsigned carried)
{
	if (r->service_tier.n && !(carried & ANSWER_TIER) &&
	    usage_service_of(jstr_raw(r->service_tier)) != SERVICE_STANDARD)
		chat_drop(d, "service_tier");
	for (const struct chat_output *o = r->outputs; o && !(carried & ANSWER_LOGPROBS); o = o->next)
		if (o->logprobs.n)
			chat_drop(d, "logprobs");
}

/* What hangs on blocks and goes to few: sources of a text, and tokens of calls, which only their maker can use (O9). */
static void drop_hangers(struct chat_drops *d, const struct chat_request *rq, enum dialect_id target)
{
	bool cites = target == DIALECT_ANTHROPIC || target == DIALECT_OPENAI_RESPONSES;
	/* Chat Completions: its writer knows */
	bool signs = target == DIALECT_GEMINI || target == DIALECT_OPENAI_CHAT;

	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b && t->role == ROLE_ASSISTANT; b = b->next) {
			if (b->citations && !cites)
				chat_drop(d, "citations");
			if (b->kind == CHAT_TOOL_CALL && b->opaque.bytes.n && !signs)
				chat_drop(d, "thought_signature");
		}
}

void chat_drop_members(struct chat_drops *d, const struct chat_request *rq, uint64_t carried, enum dialect_id target)
{
	for (uint64_t rest = rq->set & ~carried; rest; rest &= rest - 1)
		chat_drop(d, "%s", chat_member_name((enum chat_member)__builtin_ctzll(rest)));
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from != target)
			chat_drop(d, "%.*s", STR_ARG(x->name));
	if (rq->from != target)
		drop_hangers(d, rq, target);
}

/* Tools' results hold blocks of their own. */
static bool has_mark(const struct chat_block *list)
{
	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->cache)
			return true;
		for (const struct chat_block *inner = b->blocks; inner; inner = inner->next)
			if (inner->cache)
				return true;
	}
	return false;
}

void chat_drop_cache_marks(struct chat_drops *d, const struct chat_request *rq)
{
	bool marks = has_mark(rq->system);

	for (const struct chat_tool *t = rq->tools; t && !marks; t = t->next)
		marks = t->cache != CACHE_NO_MARK;
	for (const struct chat_turn *t = rq->turns; t && !marks; t = t->next)
		marks = has_mark(t->blocks);
	if (marks)
		chat_drop(d, "cache_control");
}
