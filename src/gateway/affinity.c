/* SPDX-License-Identifier: Apache-2.0 */
/*
 * affinity: which conversation a request belongs to, and where it went on. A session's id tells, where the client sends
 * one; else the texts of the system prompt and of the turns up to the first of the user, which every later turn
 * repeats. Such a request must have gone on beyond that: a first turn, and a question that is asked once, follow the
 * model's strategy, so that a thousand alike are not all sent to one deployment.
 */
#include "route/affinity.h"

#include "base/map.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"

/*
 * Fields of the head with the id of a session, in the order in which they are believed.
 *	x-session-id               OpenRouter, and what many gateways took over from it
 *	x-session-affinity         OpenCode
 *	x-claude-code-session-id   Claude Code
 *	session-id                 Codex (with an underscore in older ones, whose body has it as prompt_cache_key)
 */
static const struct str session_fields[] = {
	STR_INIT("x-session-id"), STR_INIT("x-session-affinity"), STR_INIT("x-claude-code-session-id"),
	STR_INIT("session-id"),
};

/* Members of the body, by dialect or of all. */
enum member {
	/* ids, in the order in which they are believed */
	SESSION_ID,                      /* OpenRouter */
	CACHE_KEY,                       /* OpenAI: requests with the same one share a prefix */
	CONVERSATION, CONVERSATION_ID,   /* Responses: a text, or an object */
	USER_ID,                         /* Anthropic: Claude Code puts the session's id behind the user's */
	/* texts in front of the turns */
	SYSTEM, INSTRUCTIONS, SYSTEM_INSTRUCTION, SYSTEM_INSTRUCTION_OLD,
	/* the turns */
	MESSAGES, CONTENTS, INPUT,
	MEMBERS
};
static const char *const member_paths[MEMBERS] = {
	"session_id", "prompt_cache_key", "conversation", "conversation.id", "metadata.user_id", "system",
	"instructions", "systemInstruction", "system_instruction", "messages", "contents", "input",
};

static struct json_plan members, role;

void affinity_init(void)
{
	json_plan_init(&members, member_paths, MEMBERS, 0);
	json_plan_init(&role, (const char *const[]){ "role" }, 1, 0);
}

/* ---- hashes ---- */

static uint64_t mix(uint64_t h, struct str s)
{
	return (h ^ hash_bytes(s)) * 0x9e3779b97f4a7c15u + (h >> 29);
}

/* The end of the string whose opening quote is at `p`, behind its closing one: the next quote with an even number of
 * backslashes before it. The text is valid JSON. */
static const char *string_end(const char *p, const char *end)
{
	for (const char *q = p + 1; q < end && (q = memchr(q, '"', (size_t)(end - q))); q++) {
		const char *before = q;

		while (before - 1 > p && before[-1] == '\\')
			before--;
		if ((q - before) % 2 == 0)
			return q + 1;
	}
	return end;
}

static const char *past_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* All texts of a value but those that say of what kind it is: a text may be given alone or as the only part of a list,
 * and marks of prompt caches move with each turn (cache_control: {type, ttl}). */
static uint64_t mix_texts(uint64_t h, struct str value)
{
	const char *end = value.p + value.n, *p = value.p;
	struct str name = { 0 };

	while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
		const char *stop = string_end(p, end);
		struct str text = { p, (size_t)(stop - p) };

		p = past_spaces(stop, end);
		if (p < end && *p == ':') {
			name = text;
			continue;
		}
		if (!str_eq(name, STR("\"type\"")) && !str_eq(name, STR("\"ttl\"")) && !str_eq(name, STR("\"role\"")))
			h = mix(h, text);
	}
	return h;
}

/* The end of the array's element at `p`. */
static const char *element_end(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		char c = *p;

		if (c == '"') {
			p = string_end(p, end);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		if (depth == 0 && (c == '}' || c == ']'))
			return p + 1;
		if (depth == 0 && c == ',')
			return p;
		p++;
	}
	return end;
}

/* A turn without a role is the user's: Gemini's may leave it out. */
static bool is_users(struct str turn)
{
	struct json_fault fault;
	struct json_hit hit[1];

	if (turn.n == 0 || turn.p[0] != '{' || !json_scan(&role, turn, REQUEST_DEPTH_MAX, hit, &fault))
		return false;
	return hit[0].type == JSON_ABSENT || json_is_str(hit[0].value, STR("user"));
}

/* The turns up to the first of the user. `*goes_on`: another one follows. 0: there is none of the user. */
static uint64_t mix_turns(uint64_t h, struct str turns, bool *goes_on)
{
	const char *end = turns.p + turns.n, *p = turns.p;
	bool users = false;

	for (p = past_spaces(p + 1, end); p < end && *p != ']'; p = past_spaces(p, end)) {
		const char *stop = element_end(p, end);
		struct str turn = { p, (size_t)(stop - p) };

		*goes_on = users;
		if (users)
			break;
		h = mix_texts(h, turn);
		users = is_users(turn);
		p = past_spaces(stop, end);
		if (p < end && *p == ',')
			p++;
	}
	return users ? h : 0;
}

/* ---- the session ---- */

/* The value of a field in the lines that go upstream; the head itself is gone. */
static struct str forwarded(struct str lines, struct str name)
{
	while (lines.n) {
		size_t end = str_find_chr(lines, '\n') + 1;
		struct str line = str_slice(lines, 0, end);

		if (line.n > name.n && line.p[name.n] == ':' && str_istarts(line, name))
			return str_trim(str_slice(line, name.n + 1, line.n));
		lines = str_slice(lines, end, lines.n);
	}
	return (struct str){ 0 };
}

static struct str session_of_head(const struct req_open *o)
{
	struct str found = o->session;

	for (size_t i = 0; i < COUNT_OF(session_fields) && found.n == 0; i++)
		found = forwarded(o->forward, session_fields[i]);
	return found;
}

static struct str session_of_body(const struct json_hit *hit)
{
	for (int i = SESSION_ID; i <= USER_ID; i++) {
		struct str v = hit[i].value;

		if (hit[i].type != JSON_STRING || v.n <= 2)
			continue;
		/* a user has many conversations */
		if (i != USER_ID || str_find(v, STR("session")) != STR_NPOS)
			return v;
	}
	return (struct str){ 0 };
}

/* 0: it is in none that is known. */
static uint64_t conversation_of(const struct req *r, bool *goes_on)
{
	const struct req_open *o = r->open;
	uint64_t h = mix(mix(0, r->key->tenant), o->rq.model);
	struct str session = session_of_head(o);
	struct json_hit hit[MEMBERS];
	struct json_fault fault;

	*goes_on = true;
	if (session.n)
		return mix(h, session);
	if (!json_scan(&members, o->rq.body, REQUEST_DEPTH_MAX, hit, &fault))
		return 0;
	session = session_of_body(hit);
	if (session.n)
		return mix(h, session);
	for (int i = SYSTEM; i <= SYSTEM_INSTRUCTION_OLD; i++)
		if (hit[i].type != JSON_ABSENT)
			h = mix_texts(h, hit[i].value);
	for (int i = MESSAGES; i <= INPUT; i++)
		if (hit[i].type == JSON_ARRAY)
			return mix_turns(h, hit[i].value, goes_on);
	return 0;
}

struct str affinity_session(struct req *r)
{
	struct str session = session_of_head(r->open);
	struct json_hit hit[MEMBERS];
	struct json_fault fault;

	if (session.n || r->open->rq.call != CALL_GENERATE ||
	    !json_scan(&members, r->open->rq.body, REQUEST_DEPTH_MAX, hit, &fault))
		return session;
	return session_of_body(hit);
}

uint64_t affinity_conversation(struct req *r)
{
	bool goes_on = false;

	if (r->open->rq.call != CALL_GENERATE || !r->key || !req_conf(r)->routes.routing->affinity.enabled)
		return 0;
	r->open->conversation = conversation_of(r, &goes_on);
	return goes_on ? r->open->conversation : 0;
}

void affinity_note(struct req *r)
{
	const struct req_open *o = r->open;

	if (o->candidate.health)
		affinity_put(r->w->gw->affinity, o->conversation, o->candidate.health, loop_now_ms(r->w->loop));
}

int64_t affinity_saved_nusd(const struct req *r)
{
	struct usage without = r->meter.usage;
	int64_t nusd;

	without.n[USAGE_INPUT] += without.n[USAGE_CACHE_READ];
	without.n[USAGE_INPUT_AUDIO] += without.n[USAGE_CACHE_READ_AUDIO];
	without.n[USAGE_CACHE_READ] = without.n[USAGE_CACHE_READ_AUDIO] = 0;
	if (!r->cost_known || !req_cost(r, &without, &nusd) || nusd < r->cost_nusd)
		return 0;
	return nusd - r->cost_nusd;
}
