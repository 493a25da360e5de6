/* SPDX-License-Identifier: Apache-2.0 */
/* chat: making the neutral model's lists. */
#include "model/chat.h"

#include <assert.h>

#include "base/arena.h"
#include "json/node.h"

struct chat_block *chat_block_add(struct arena *a, struct chat_block ***end, enum chat_kind kind)
{
	struct chat_block *b = arena_zalloc(a, sizeof *b);

	if (!b)
		return NULL;
	b->kind = (uint8_t)kind;
	**end = b;
	*end = &b->next;
	return b;
}

struct chat_turn *chat_turn_add(struct arena *a, struct chat_turn ***end, enum chat_role role)
{
	struct chat_turn *t = arena_zalloc(a, sizeof *t);

	if (!t)
		return NULL;
	t->role = (uint8_t)role;
	**end = t;
	*end = &t->next;
	return t;
}

struct chat_tool *chat_tool_add(struct arena *a, struct chat_tool ***end, enum chat_tool_kind kind)
{
	struct chat_tool *t = arena_zalloc(a, sizeof *t);

	if (!t)
		return NULL;
	t->kind = (uint8_t)kind;
	**end = t;
	*end = &t->next;
	return t;
}

bool chat_name_add(struct arena *a, struct chat_name ***end, struct jstr name)
{
	struct chat_name *n = arena_zalloc(a, sizeof *n);

	if (!n)
		return false;
	n->name = name;
	**end = n;
	*end = &n->next;
	return true;
}

bool chat_extra_add(struct arena *a, struct chat_extra **list, unsigned from, struct jstr name, struct str raw)
{
	struct chat_extra *x = arena_zalloc(a, sizeof *x);

	if (!x)
		return false;
	*x = (struct chat_extra){ .name = name, .raw = raw, .from = (uint8_t)from };
	while (*list)
		list = &(*list)->next;
	*list = x;
	return true;
}

struct chat_event *chat_event_add(struct arena *a, struct chat_events *list, enum chat_event_kind kind)
{
	struct chat_event *e = arena_zalloc(a, sizeof *e);

	if (!e)
		return NULL;
	e->kind = (uint8_t)kind;
	if (list->last)
		list->last->next = e;
	else
		list->first = e;
	list->last = e;
	return e;
}

struct chat_event *chat_delta_add(struct arena *a, struct chat_events *list, uint32_t block, enum chat_delta_kind kind,
                                  struct jstr text)
{
	struct chat_event *e = chat_event_add(a, list, EVENT_DELTA);

	if (!e)
		return NULL;
	e->block = block;
	e->delta.kind = (uint8_t)kind;
	e->delta.text = text;
	return e;
}

struct jstr chat_args_text(struct arena *a, const struct chat_args *args)
{
	struct str json = args->json;

	if (args->text.p)
		return args->text;
	if (!json.p)
		return JSTR("{}");
	json = json_compact(a, json);
	return json.p ? jstr_from(a, json) : (struct jstr){ 0 };
}

struct str chat_args_json(struct arena *a, const struct chat_args *args, bool *odd)
{
	struct json_fault fault;
	struct str inner;
	char *p;

	*odd = false;
	if (args->json.p)
		return args->json;
	if (!args->text.p || jstr_is_blank(args->text))
		return STR("{}");
	inner = jstr_inner(a, args->text);
	if (!inner.p)
		return inner;
	inner = json_trim(inner);
	if (inner.n && inner.p[0] == '{' && json_scan(NULL, inner, JSON_DEPTH_MAX, NULL, &fault))
		return inner;
	*odd = true;
	p = arena_alloc(a, args->text.n + 11);
	if (!p)
		return (struct str){ 0 };
	memcpy(p, "{\"_raw\":\"", 9);
	memcpy(p + 9, args->text.p, args->text.n);
	memcpy(p + 9 + args->text.n, "\"}", 2);
	return str_of(p, args->text.n + 11);
}

const char *chat_kind_name(enum chat_kind kind)
{
	static const char *const names[CHAT_KINDS] = {
		"text", "refusal", "reasoning", "image", "audio", "video", "document", "tool_call", "tool_result",
		"raw",
	};

	assert(kind < CHAT_KINDS);
	return names[kind];
}

const char *chat_member_name(enum chat_member member)
{
	static const char *const names[CHAT_MEMBERS] = {
		[MEMBER_MAX_OUTPUT] = "max_tokens", [MEMBER_TEMPERATURE] = "temperature", [MEMBER_TOP_P] = "top_p",
		[MEMBER_TOP_K] = "top_k", [MEMBER_STOP] = "stop", [MEMBER_SEED] = "seed",
		[MEMBER_FREQUENCY_PENALTY] = "frequency_penalty", [MEMBER_PRESENCE_PENALTY] = "presence_penalty",
		[MEMBER_LOGIT_BIAS] = "logit_bias", [MEMBER_LOGPROBS] = "logprobs",
		[MEMBER_TOP_LOGPROBS] = "top_logprobs",
		[MEMBER_N] = "n", [MEMBER_END_USER] = "user", [MEMBER_METADATA] = "metadata",
		[MEMBER_SERVICE_TIER] = "service_tier", [MEMBER_REASONING] = "reasoning",
		[MEMBER_REASONING_SUMMARY] = "reasoning.summary", [MEMBER_VERBOSITY] = "verbosity",
		[MEMBER_FORMAT] = "response_format", [MEMBER_TOOL_CHOICE] = "tool_choice",
		[MEMBER_PARALLEL] = "parallel_tool_calls", [MEMBER_CACHE_KEY] = "prompt_cache_key",
		[MEMBER_CACHE_RETENTION] = "prompt_cache_retention", [MEMBER_STORE] = "store",
		[MEMBER_PREVIOUS] = "previous_response_id", [MEMBER_PREDICTION] = "prediction",
		[MEMBER_MODALITIES] = "modalities", [MEMBER_AUDIO] = "audio", [MEMBER_TRUNCATION] = "truncation",
		[MEMBER_SAFETY] = "safety_settings", [MEMBER_BACKGROUND] = "background",
		[MEMBER_CACHED_CONTENT] = "cached_content", [MEMBER_SUFFIX] = "suffix", [MEMBER_ECHO] = "echo",
		[MEMBER_BEST_OF] = "best_of", [MEMBER_GUARDRAIL] = "guardrail", [MEMBER_INCLUDE] = "include",
		[MEMBER_CACHE_AUTO] = "cache_control",
	};

	assert(member < CHAT_MEMBERS);
	return names[member];
}
