/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_corpus: recordings of all providers, where ../shared/corpus is there, on their way to clients of every
 * dialect. Each answer and each stream is read, written in each other dialect and read back from there: text, thoughts,
 * calls, opaque tokens, the reason of the end and the usage must be those that the provider gave. Streams also come in
 * pieces of one byte and of random sizes: the client's bytes must be the same ones. Each recorded request is written in
 * each dialect and read back: what is not there must have been reported.
 *
 * Everything without sanitizers, and with SLUICE_CORPUS=all; every fourth recording of a file with them.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <yyjson.h>

#include "base/text.h"
#include "lib/story.h"
#include "lib/telling.h"
#include "model/facts.h"
#include "model/quirk.h"

#define FOLDER "../shared/corpus"
enum { MEMORY_MAX = TELLING_MAX_BYTES };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SAMPLE = 4 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
enum { SAMPLE = 4 };
#else
enum { SAMPLE = 1 };
#endif
#else
enum { SAMPLE = 1 };
#endif

static struct {
	unsigned answers, streams, requests, told, refused, failed, bad;
} count;
static const char *only; /* SLUICE_CORPUS_ID: one recording */

/* Which recordings are whose, by the file's name. */
static const struct {
	const char *pattern;
	const struct dialect *dialect;
} files[] = {
	{ "bedrock-converse*", &dialect_bedrock },
	{ "*gemini-generate.*", &dialect_gemini },
	{ "*-messages.*", &dialect_anthropic },
	{ "*-responses.*", &dialect_openai_responses },
	{ "*-completions.*", &dialect_openai_completions },
	{ "cohere-v1-*", NULL },
	{ "cohere-chat.*", &dialect_cohere },
	{ "ollama-chat.*", &dialect_ollama },
	{ "*-chat.*", &dialect_openai_chat },
};

static struct str text_of(yyjson_val *v)
{
	return yyjson_is_str(v) ? str_of(yyjson_get_str(v), yyjson_get_len(v)) : STR("");
}

static struct str member(yyjson_val *record, const char *name)
{
	return text_of(yyjson_obj_get(record, name));
}

static const struct chat_drops *dropped; /* of the request at hand, to be shown */

static void complain(const char *id, const struct dialect *to, const char *what, struct str want, struct str got)
{
	size_t at = 0;

	while (at < want.n && at < got.n && want.p[at] == got.p[at])
		at++;
	at = at > 40 ? at - 40 : 0;
	if (count.bad++ < 40)
		print_error("%s for %s: %s\n  want %.*s\n  got  %.*s\n", id, to->name, what,
		            STR_ARG(str_slice(want, at, at + 200)), STR_ARG(str_slice(got, at, at + 200)));
	for (const struct chat_drop *d = dropped ? dropped->first : NULL; d; d = d->next)
		print_error("  reported: %.*s\n", STR_ARG(d->name));
}

/* ---- what each client's dialect can say ------------------------------------------------------------------------- */

/*
 * The end as the client's dialect has it (dialects.md rows 59 to 67), read back from there. One word for several ends
 * is all that some have.
 */
static enum chat_stop stop_for(const struct dialect *client, const struct story *s)
{
	enum chat_stop stop = (enum chat_stop)s->finish.stop;

	/* F1: calls tell why it ended; whole answers cannot be errors, but those of Responses */
	if (s->calls.n && client->id != DIALECT_OPENAI_COMPLETIONS && client->id != s->from &&
	    (stop == STOP_END || stop == STOP_PAUSE ||
	     (stop == STOP_ERROR && client->id != DIALECT_BEDROCK && client->id != DIALECT_COHERE)))
		stop = STOP_TOOL;
	switch (client->id) {
	case DIALECT_OPENAI_CHAT:
		if (stop == STOP_CONTEXT_FULL)
			return STOP_MAX_TOKENS;
		if (stop == STOP_SEQUENCE || stop == STOP_PAUSE || stop == STOP_ERROR)
			return STOP_END;
		return stop == STOP_REFUSAL && !s->refusals ? STOP_FILTER : stop;
	case DIALECT_OPENAI_COMPLETIONS:
		if (stop == STOP_CONTEXT_FULL)
			return STOP_MAX_TOKENS;
		if (stop == STOP_REFUSAL)
			return STOP_FILTER;
		return stop == STOP_MAX_TOKENS || stop == STOP_FILTER ? stop : STOP_END;
	case DIALECT_OPENAI_RESPONSES:
		if (stop == STOP_CONTEXT_FULL)
			return STOP_MAX_TOKENS;
		if (stop == STOP_SEQUENCE || stop == STOP_PAUSE)
			return STOP_END;
		return stop == STOP_REFUSAL && !s->refusals ? STOP_FILTER : stop;
	case DIALECT_ANTHROPIC: return stop == STOP_FILTER ? STOP_REFUSAL : stop == STOP_ERROR ? STOP_END : stop;
	case DIALECT_GEMINI:
		if (stop == STOP_CONTEXT_FULL)
			return STOP_MAX_TOKENS;
		if (stop == STOP_SEQUENCE || stop == STOP_PAUSE)
			return STOP_END;
		return stop == STOP_REFUSAL ? STOP_FILTER : stop;
	case DIALECT_BEDROCK:
		if (stop == STOP_PAUSE)
			return STOP_END;
		return stop == STOP_REFUSAL ? STOP_FILTER : stop;
	case DIALECT_OLLAMA:
		return stop == STOP_CONTEXT_FULL || stop == STOP_MAX_TOKENS ? STOP_MAX_TOKENS
		       : s->calls.n                                         ? STOP_TOOL
		                                                            : STOP_END;
	case DIALECT_COHERE:
		if (stop == STOP_CONTEXT_FULL)
			return STOP_MAX_TOKENS;
		if (stop == STOP_PAUSE || stop == STOP_REFUSAL)
			return STOP_END;
		return stop == STOP_FILTER ? STOP_ERROR : stop;
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: break;
	}
	return stop;
}

/* What the client's usage tells beside the totals. */
enum { TELLS_REASONING = 1, TELLS_CACHE = 2, TELLS_HOUR = 4, TELLS_AUDIO = 8, TELLS_WRITES = 16 };
static unsigned usage_told(const struct dialect *client)
{
	switch (client->id) {
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS: return TELLS_REASONING | TELLS_CACHE | TELLS_WRITES | TELLS_AUDIO;
	case DIALECT_OPENAI_RESPONSES: return TELLS_REASONING | TELLS_CACHE | TELLS_WRITES;
	case DIALECT_ANTHROPIC: return TELLS_REASONING | TELLS_CACHE | TELLS_WRITES | TELLS_HOUR;
	case DIALECT_GEMINI: return TELLS_REASONING | TELLS_CACHE | TELLS_AUDIO;
	case DIALECT_BEDROCK: return TELLS_CACHE | TELLS_WRITES | TELLS_HOUR;
	case DIALECT_COHERE: return TELLS_REASONING;
	case DIALECT_OLLAMA:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: break;
	}
	return 0;
}

static void same_number(const char *id, const struct dialect *to, const char *what, uint64_t want, uint64_t got)
{
	char a[24], b[24];

	if (want == got)
		return;
	snprintf(a, sizeof a, "%llu", (unsigned long long)want);
	snprintf(b, sizeof b, "%llu", (unsigned long long)got);
	complain(id, to, what, str_from_z(a), str_from_z(b));
}

static void same_usage(const char *id, const struct dialect *to, const struct usage *want, const struct usage *got)
{
	unsigned tells = usage_told(to);

	if (want->source == USAGE_NONE)
		return;
	same_number(id, to, "input tokens", usage_total_input(want), usage_total_input(got));
	same_number(id, to, "output tokens", usage_total_output(want), usage_total_output(got));
	if (tells & TELLS_CACHE)
		same_number(id, to, "cached tokens", usage_total_cache_read(want), usage_total_cache_read(got));
	if (tells & TELLS_WRITES)
		same_number(id, to, "written tokens", usage_total_cache_write(want), usage_total_cache_write(got));
	if (tells & TELLS_HOUR)
		same_number(id, to, "tokens written for an hour", want->n[USAGE_CACHE_WRITE_1H],
		            got->n[USAGE_CACHE_WRITE_1H]);
	if (tells & TELLS_REASONING)
		same_number(id, to, "reasoning tokens", want->n[USAGE_REASONING], got->n[USAGE_REASONING]);
	if (tells & TELLS_AUDIO)
		same_number(id, to, "audio tokens", want->n[USAGE_INPUT_AUDIO] + want->n[USAGE_OUTPUT_AUDIO],
		            got->n[USAGE_INPUT_AUDIO] + got->n[USAGE_OUTPUT_AUDIO]);
}

static void same_text(const char *id, const struct dialect *to, const char *what, const struct buf *want,
                      const struct buf *got)
{
	if (!str_eq(buf_str(want), buf_str(got)))
		complain(id, to, what, buf_str(want), buf_str(got));
}

static void same_story(const char *id, const struct dialect *to, const struct story *want, const struct story *got)
{
	struct str lines = buf_str(&want->tokens);

	/* an answer of a local model that thinks aloud: who hears it takes it for thoughts; what is spoken becomes
	 * text */
	if (!str_starts(buf_str(&want->text), STR("<think>")) && !(want->media[CHAT_AUDIO] && !want->text.n))
		same_text(id, to, "text", &want->text, &got->text);
	same_usage(id, to, &want->usage, &got->usage);
	if (stop_for(to, want) != got->finish.stop)
		same_number(id, to, "end", stop_for(to, want), got->finish.stop);
	/* no place for them: the gateway keeps them (gateway/recall.h) */
	if (to->id == DIALECT_OLLAMA || to->id == DIALECT_COHERE)
		lines = STR("");
	if (to->id == DIALECT_OPENAI_COMPLETIONS) /* texts are all it has */
		return;
	if (!str_starts(buf_str(&want->text), STR("<think>")))
		same_text(id, to, "thoughts", &want->thoughts, &got->thoughts);
	same_text(id, to, "calls", &want->calls, &got->calls);
	while (lines.n) {
		struct str line = str_cut(&lines, '\n');
		if (str_find(buf_str(&got->tokens), line) == STR_NPOS)
			complain(id, to, "token", line, buf_str(&got->tokens));
	}
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static struct chat_source source_of(struct str model)
{
	return (struct chat_source){ .model = jstr_of(model.p, model.n),
		                     .bedrock_claude = str_find(model, STR("claude")) != STR_NPOS };
}

static void try_answer_for(const char *id, struct arena *a, const struct dialect *to, const struct chat_source *source,
                           const struct chat_response *rs, const struct story *want)
{
	struct chat_drops drops = { .arena = a };
	struct chat_reply reply = telling_reply(to);
	struct buf out = buf_make(MEMORY_MAX);
	struct chat_response back = { 0 };
	const struct json_node *root;
	struct err e = { 0 };
	struct story got;

	if (!to->chat->write_response(a, rs, &reply, &out, &drops)) {
		complain(id, to, "cannot be written", STR(""), STR(""));
	} else if (!(root = json_nodes(a, buf_str(&out), ANSWER_DEPTH_MAX, &e))) {
		complain(id, to, "no JSON", str_from_z(e.text), buf_str(&out));
	} else if (!to->chat->read_response(a, source, root, &back, &e)) {
		/* Responses says that it failed, and its reader says so too */
		if (to->id != DIALECT_OPENAI_RESPONSES || want->finish.stop != STOP_ERROR)
			complain(id, to, "cannot be read back", str_from_z(e.text), buf_str(&out));
	} else {
		story_init(&got);
		story_of(&got, a, &back);
		/* dialects of one answer have the usage of all, and the first one's words */
		same_story(id, to, want, &got);
		story_fini(&got);
	}
	buf_fini(&out);
	count.told++;
}

static void each_client(void (*f)(void *arg, const struct dialect *), void *arg)
{
	for (unsigned i = 0; i < DIALECTS; i++)
		if (dialect_by_id((enum dialect_id)i)->chat)
			f(arg, dialect_by_id((enum dialect_id)i));
}

struct answer_try {
	const char *id;
	const struct chat_source *source;
	const struct chat_response *rs;
	const struct story *want;
};

static void answer_for(void *arg, const struct dialect *to)
{
	const struct answer_try *t = arg;
	struct arena arena;

	arena_init(&arena, MEMORY_MAX);
	try_answer_for(t->id, &arena, to, t->source, t->rs, t->want);
	arena_fini(&arena);
}

static void try_answer(const char *id, const struct dialect *from, struct str body, struct str model)
{
	struct chat_source source = source_of(model);
	struct chat_response rs = { 0 };
	struct dialect_error error;
	struct usage usage = { 0 };
	const struct json_node *root;
	struct arena arena;
	struct err e = { 0 };
	struct story want;

	arena_init(&arena, MEMORY_MAX);
	root = json_nodes(&arena, body, ANSWER_DEPTH_MAX, &e);
	if (from->read_answer(&arena, CALL_GENERATE, body, &usage, &error) != ANSWER_OK || !root) {
		count.failed++;
	} else if (!from->chat->read_response(&arena, &source, root, &rs, &e)) {
		count.failed++;
	} else {
		struct answer_try t = { id, &source, &rs, &want };
		count.answers++;
		story_init(&want);
		story_of(&want, &arena, &rs);
		each_client(answer_for, &t);
		story_fini(&want);
	}
	arena_fini(&arena);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* The story of a stream as its own dialect's reader hears it. False: it breaks or reports an error. */
static bool hear(struct arena *a, const struct dialect *d, const struct chat_source *source, struct str bytes,
                 struct story *out)
{
	struct chat_collector *collector = chat_collector_new(MEMORY_MAX);
	bool good = telling_hear(a, d, source, bytes, collector);

	if (good)
		story_of(out, a, chat_collector_response(collector));
	chat_collector_free(collector);
	return good;
}

struct stream_try {
	const char *id;
	struct arena *arena;
	const struct dialect *from;
	const struct chat_source *source;
	struct str bytes;
	bool good;
	const struct story *want;
};

static void stream_for(void *arg, const struct dialect *to)
{
	const struct stream_try *t = arg;
	struct buf whole = buf_make(MEMORY_MAX), cut = buf_make(MEMORY_MAX);
	enum translated how = telling_carry(t->arena, t->from, to, t->source, t->bytes, PIECES_WHOLE, &whole);
	struct story got;

	if ((how == TRANSLATED_END) != t->good)
		complain(t->id, to, "does not end as it was heard", STR(""), STR(""));
	for (int pieces = PIECES_BYTES; pieces <= PIECES_RANDOM; pieces++) {
		buf_clear(&cut);
		if (telling_carry(t->arena, t->from, to, t->source, t->bytes, pieces, &cut) != how)
			complain(t->id, to, "ends otherwise in pieces", STR(""), STR(""));
		same_text(t->id, to, "the stream in pieces", &whole, &cut);
	}
	if (t->good) {
		story_init(&got);
		if (!hear(t->arena, to, t->source, buf_str(&whole), &got))
			complain(t->id, to, "the client cannot read it", STR(""),
			         str_slice(buf_str(&whole), whole.n > 400 ? whole.n - 400 : 0, whole.n));
		else
			same_story(t->id, to, t->want, &got);
		story_fini(&got);
	}
	buf_fini(&whole);
	buf_fini(&cut);
	count.told++;
}

static void try_stream(const char *id, const struct dialect *from, struct str bytes, struct str model)
{
	struct chat_source source = source_of(model);
	struct arena arena;
	struct story want;

	arena_init(&arena, MEMORY_MAX);
	story_init(&want);
	struct stream_try t = { id, &arena, from, &source, bytes, false, &want };
	t.good = hear(&arena, from, &source, bytes, &want);
	count.streams++;
	count.failed += !t.good;
	each_client(stream_for, &t);
	story_fini(&want);
	arena_fini(&arena);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Models of the targets: one that can do much, so that little is left out because of the model. */
static const char *model_of(const struct dialect *d)
{
	switch (d->id) {
	case DIALECT_OPENAI_CHAT: return "gpt-4o";
	case DIALECT_OPENAI_RESPONSES: return "gpt-5.2";
	case DIALECT_ANTHROPIC: return "claude-sonnet-4-5";
	case DIALECT_GEMINI: return "gemini-3-pro-preview";
	case DIALECT_BEDROCK: return "anthropic.claude-sonnet-4-5-20250929-v1:0";
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OLLAMA:
	case DIALECT_COHERE:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: break;
	}
	return "m";
}

/* What a request says, gathered from all its places. Without white space, since texts are joined by it. */
struct asked {
	struct buf text, args, tokens;
	unsigned media, calls, results, tools;
	size_t of_turns; /* bytes of text that is not the system's */
	unsigned maker;  /* of the tokens that matter */
};

static void asked_text(struct buf *out, struct arena *a, struct jstr text)
{
	struct str plain = jstr_inner(a, text);

	for (size_t i = 0; i < plain.n; i++)
		if ((unsigned char)plain.p[i] > ' ' && plain.p[i] != '\\')
			buf_append_c(out, plain.p[i]);
}

static void asked_blocks(struct asked *q, struct arena *a, const struct chat_block *b)
{
	for (; b; b = b->next) {
		switch ((enum chat_kind)b->kind) {
		case CHAT_TEXT:
		case CHAT_REFUSAL: asked_text(&q->text, a, b->text); break;
		case CHAT_IMAGE:
		case CHAT_AUDIO:
		case CHAT_VIDEO:
		case CHAT_DOCUMENT:
			/* documents of text may go on as text */
			if (b->media && b->media->from == MEDIA_TEXT)
				asked_text(&q->text, a, b->media->data);
			else if (!b->media || !jstr_is(b->media->type, STR("text/plain")))
				q->media++;
			break;
		case CHAT_TOOL_CALL:
			if (b->tool == TOOL_SERVER)
				break;
			q->calls++;
			asked_text(&q->args, a, chat_args_text(a, &b->args));
			buf_append_c(&q->args, '\n');
			break;
		case CHAT_TOOL_RESULT: q->results += b->tool != TOOL_SERVER; break;
		case CHAT_REASONING:
		case CHAT_RAW:
		case CHAT_KINDS: break;
		}
		if (b->opaque.bytes.n && b->opaque.maker == q->maker) {
			buf_append_jstr(&q->tokens, b->opaque.bytes);
			buf_append_c(&q->tokens, '\n');
		}
		if (b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER)
			asked_blocks(q, a, b->blocks);
	}
}

static void asked_of(struct asked *q, struct arena *a, const struct chat_request *rq, unsigned maker)
{
	*q = (struct asked){ .maker = maker,
		             .text = buf_make(MEMORY_MAX),
		             .args = buf_make(MEMORY_MAX),
		             .tokens = buf_make(MEMORY_MAX) };
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		asked_blocks(q, a, t->blocks);
	q->of_turns = q->text.n;
	asked_blocks(q, a, rq->system);
	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		q->tools += t->kind != TOOL_SERVER;
}

static void asked_fini(struct asked *q)
{
	buf_fini(&q->text);
	buf_fini(&q->args);
	buf_fini(&q->tokens);
}

static bool was_dropped(const struct chat_drops *drops, struct str part)
{
	for (const struct chat_drop *d = drops->first; d; d = d->next)
		if (str_find(d->name, part) != STR_NPOS || str_eq(d->name, STR("\xe2\x80\xa6")))
			return true;
	return false;
}

/* Each text of the request must be somewhere in what was written. */
static void same_texts(const char *id, const struct dialect *to, struct arena *a, const struct chat_block *b,
                       const struct asked *got, const struct chat_drops *drops)
{
	for (; b; b = b->next) {
		struct buf text = buf_make(MEMORY_MAX);

		if (b->kind == CHAT_TEXT)
			asked_text(&text, a, b->text);
		/* Gemini's own form of a result that is a text */
		if (to->id == DIALECT_GEMINI && str_starts(buf_str(&text), STR("{\"output\":")))
			buf_clear(&text);
		if (text.n && str_find(buf_str(&got->text), buf_str(&text)) == STR_NPOS &&
		    !was_dropped(drops, STR("messages")))
			complain(id, to, "request: text", buf_str(&text), buf_str(&got->text));
		buf_fini(&text);
		if (b->kind == CHAT_TOOL_RESULT && b->tool != TOOL_SERVER)
			same_texts(id, to, a, b->blocks, got, drops);
	}
}

struct request_try {
	const char *id;
	const struct dialect *from;
	const struct dialect_request *in;
	struct str body;
};

/* A member that says what is so without it is not missed. */
static bool says_something(const struct chat_request *rq, const struct dialect *to, enum chat_member m)
{
	switch ((unsigned)m) {
	case MEMBER_N: return !str_eq(rq->n, STR("1"));
	case MEMBER_LOGPROBS: return rq->logprobs == TRI_YES;
	case MEMBER_PARALLEL: return rq->parallel == TRI_NO;
	case MEMBER_SERVICE_TIER:
		return !jstr_is(rq->service_tier, STR("auto")) && !jstr_is(rq->service_tier, STR("default"));
	case MEMBER_FORMAT: return rq->format != FORMAT_TEXT;
	case MEMBER_TOOL_CHOICE: return rq->choice != CHOICE_AUTO && rq->choice != CHOICE_UNSET && rq->tools;
	/* what is to be told: the dialects tell all that they can */
	case MEMBER_INCLUDE: return false;
	case MEMBER_REASONING: return rq->has_effort ? rq->effort != EFFORT_NONE : rq->thinking == TRI_YES;
	case MEMBER_STORE: return rq->store == TRI_YES;
	case MEMBER_CACHE_AUTO: return to->id == DIALECT_BEDROCK; /* the others do so by themselves */
	default: return true;
	}
}

static void compare_members(const char *id, const struct dialect *to, const struct chat_request *rq,
                            const struct chat_request *back, const struct chat_wire *wire)
{
	for (uint64_t gone = rq->set & ~back->set; gone; gone &= gone - 1) {
		enum chat_member m = (enum chat_member)__builtin_ctzll(gone);
		const char *name = chat_member_name(m);
		/* by another name, or in another form */
		if ((m == MEMBER_END_USER && str_find(wire->body, jstr_raw(rq->end_user)) != STR_NPOS) ||
		    (m == MEMBER_CACHE_AUTO && str_find(wire->body, STR("cachePoint")) != STR_NPOS) ||
		    (m == MEMBER_TOOL_CHOICE &&
		     (!back->tools || (to->id == DIALECT_BEDROCK && rq->choice == CHOICE_NONE))) ||
		    (m == MEMBER_REASONING_SUMMARY && back->set & MEMBER_BIT(MEMBER_REASONING)))
			continue;
		/* watched for, or a tool's arguments on the way: then the answer's path knows */
		if ((m == MEMBER_STOP && wire->undo.stop) || (m == MEMBER_FORMAT && wire->undo.schema_tool))
			continue;
		if (says_something(rq, to, m) && !was_dropped(&wire->drops, str_from_z(name)))
			complain(id, to, "request: member", str_from_z(name), wire->body);
	}
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from != to->id && !was_dropped(&wire->drops, jstr_raw(x->name)) &&
		    str_find(wire->body, jstr_raw(x->name)) == STR_NPOS)
			complain(id, to, "request: member", jstr_raw(x->name), wire->body);
}

/* Tokens that the target's model could use: of its own maker. The others are of no use to it (O9). */
static unsigned maker_for(const struct dialect *to)
{
	switch (to->id) {
	case DIALECT_OPENAI_RESPONSES: return MAKER_OPENAI;
	case DIALECT_ANTHROPIC:
	case DIALECT_BEDROCK: return MAKER_ANTHROPIC;
	case DIALECT_GEMINI: return MAKER_GEMINI;
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OLLAMA:
	case DIALECT_COHERE:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECT_OPENAI_MEDIA:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
	case DIALECTS: break;
	}
	return MAKERS;
}

static void compare_requests(const char *id, const struct dialect *to, struct arena *a, const struct chat_request *rq,
                             const struct asked *want, const struct chat_request *back, const struct chat_wire *wire)
{
	struct str args = buf_str(&want->args), tokens = buf_str(&want->tokens);
	struct asked got;

	dropped = &wire->drops;
	asked_of(&got, a, back, want->maker);
	same_texts(id, to, a, rq->system, &got, &wire->drops);
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		same_texts(id, to, a, t->blocks, &got, &wire->drops);
	while (args.n) {
		struct str line = str_cut(&args, '\n');
		if (str_find(buf_str(&got.args), line) == STR_NPOS && !was_dropped(&wire->drops, STR("arguments")) &&
		    str_find(buf_str(&got.args), STR("{\"input\":")) == STR_NPOS)
			complain(id, to, "request: arguments", line, buf_str(&got.args));
	}
	while (tokens.n) {
		struct str line = str_cut(&tokens, '\n');
		if (str_find(buf_str(&got.tokens), line) == STR_NPOS && !was_dropped(&wire->drops, STR("reasoning")) &&
		    !was_dropped(&wire->drops, STR("messages")))
			complain(id, to, "request: token", line, wire->body);
	}
	if (want->media > got.media && !was_dropped(&wire->drops, STR("messages")))
		same_number(id, to, "request: media", want->media, got.media);
	same_number(id, to, "request: calls", want->calls, got.calls);
	same_number(id, to, "request: results", want->results, got.results);
	const bool trims = to->id == DIALECT_OLLAMA || to->id == DIALECT_COHERE;

	if (want->tools > got.tools && !was_dropped(&wire->drops, STR("tools")) && rq->choice != CHOICE_SUBSET &&
	    !(trims && rq->choice == CHOICE_TOOL) && rq->choice != CHOICE_NONE)
		same_number(id, to, "request: tools", want->tools, got.tools);
	compare_members(id, to, rq, back, wire);
	asked_fini(&got);
	dropped = NULL;
}

static struct buf *told; /* not NULL: what becomes of the request, a line for each provider */

static void tell_request(const struct dialect *to, const struct chat_drops *drops, const struct err *refused)
{
	if (!told)
		return;
	if (refused) {
		buf_printf(told, "%s refuses: %s\n", to->name, refused->text);
		return;
	}
	buf_printf(told, "%s leaves out:", to->name);
	for (const struct chat_drop *d = drops->first; d; d = d->next)
		buf_printf(told, " %.*s", STR_ARG(d->name));
	buf_append_c(told, '\n');
}

static void request_for(void *arg, const struct dialect *to)
{
	const struct request_try *t = arg;
	const char *name = model_of(to);
	struct chat_target target = { .model = jstr_of(name, strlen(name)),
		                      .facts = model_facts_by_name(str_from_z(name)),
		                      .quirks =
		                              QUIRK_DEVELOPER_ROLE | QUIRK_MAX_COMPLETION_TOKENS | QUIRK_STRICT_MEMBERS,
		                      .ask_usage = true,
		                      .bedrock_claude = to->id == DIALECT_BEDROCK };
	struct arena arena, *a = &arena;
	struct chat_wire wire = { .drops.arena = a };
	struct chat_request rq = { .from = (uint8_t)t->from->id }, back = { .from = (uint8_t)to->id };
	struct dialect_request in = { .dialect = to, .model = str_from_z(name), .call = CALL_GENERATE };
	const struct json_node *root;
	struct asked want;
	struct err e = { 0 };

	if (to == t->from || to->id == DIALECT_OPENAI_COMPLETIONS)
		return;
	arena_init(a, 2 * (size_t)MEMORY_MAX);
	root = json_nodes(a, t->body, REQUEST_DEPTH_MAX, &e);
	assert_true(root && t->from->chat->read_request(a, t->in, root, &rq, &e));
	rq.stream = t->in->stream;
	asked_of(&want, a, &rq, maker_for(to));
	if (!to->chat->write_request(a, &rq, &target, &wire, &e)) {
		tell_request(to, NULL, &e);
		count.refused++;
		if (e.code == ERR_NONE || !e.text[0])
			complain(t->id, to, "refused without a reason", STR(""), STR(""));
	} else {
		tell_request(to, &wire.drops, NULL);
		/* the writers may have changed the request: what it said is read anew */
		root = json_nodes(a, t->body, REQUEST_DEPTH_MAX, &e);
		rq = (struct chat_request){ .from = (uint8_t)t->from->id };
		assert_true(root && t->from->chat->read_request(a, t->in, root, &rq, &e));
		root = json_nodes(a, wire.body, JSON_DEPTH_MAX, &e);
		if (!root)
			complain(t->id, to, "request: no JSON", str_from_z(e.text), wire.body);
		else if (!to->chat->read_request(a, &in, root, &back, &e) && !want.of_turns)
			count.refused++; /* nothing is said in it but by the system */
		else if (e.code)
			complain(t->id, to, "request cannot be read back", str_from_z(e.text), wire.body);
		else
			compare_requests(t->id, to, a, &rq, &want, &back, &wire);
		count.told++;
	}
	asked_fini(&want);
	arena_fini(a);
}

static void try_request(const char *id, const struct dialect *from, struct str body, struct str model)
{
	struct dialect_in in = { .body = body };
	struct dialect_request rq = { 0 };
	struct chat_request chat = { .from = (uint8_t)from->id };
	struct arena arena;
	struct err e = { 0 };
	const struct json_node *root;

	arena_init(&arena, 2 * (size_t)MEMORY_MAX);
	if (from->id == DIALECT_GEMINI)
		in.path = arena_printf(&arena, "/v1beta/models/%.*s:generateContent",
		                       STR_ARG(model.n ? model : STR("m")));
	if (from->id == DIALECT_BEDROCK)
		in.path = arena_printf(&arena, "/model/%.*s/converse", STR_ARG(model.n ? model : STR("m")));
	root = json_nodes(&arena, body, REQUEST_DEPTH_MAX, &e);
	if (from->read_request(&arena, &in, &rq, &e) && rq.call == CALL_GENERATE && root &&
	    from->chat->read_request(&arena, &rq, root, &chat, &e)) {
		struct request_try t = { .id = id, .from = from, .in = &rq, .body = body };
		count.requests++;
		each_client(request_for, &t);
	} else {
		count.refused++;
	}
	arena_fini(&arena);
}

/* ---- recordings -------------------------------------------------------------------------------------------------- */

static void try_body(const char *id, const struct dialect *d, yyjson_val *record)
{
	struct str body = member(record, "response_body"), model = member(record, "model");
	struct buf bytes = buf_make(MEMORY_MAX);

	if (str_eq(member(record, "response_body_encoding"), STR("base64"))) {
		assert_true(text_from_base64(&bytes, body));
		try_stream(id, d, buf_str(&bytes), model);
	} else if (d->id == DIALECT_OLLAMA && str_find(body, STR("\"done\":false")) != STR_NPOS) {
		try_stream(id, d, body, model);
	} else if (body.n && body.p[0] == '{') {
		try_answer(id, d, body, model);
	} else if (str_find(str_slice(body, 0, 4096), STR("data:")) != STR_NPOS) {
		try_stream(id, d, body, model);
	}
	buf_fini(&bytes);
}

static void try_record(const struct dialect *d, yyjson_val *record)
{
	const char *id = yyjson_get_str(yyjson_obj_get(record, "id"));
	struct str request = member(record, "request_body");

	if (only && strcmp(only, id) != 0)
		return;
	if (request.n && !str_eq(member(record, "request_body_encoding"), STR("base64")))
		try_request(id, d, request, member(record, "model"));
	if (yyjson_get_int(yyjson_obj_get(record, "status")) == 200)
		try_body(id, d, record);
}

static void try_file(const char *name, const struct dialect *d)
{
	const char *all = getenv("SLUICE_CORPUS");
	char command[400], *line = NULL;
	size_t cap = 0, at = 0;
	ssize_t n;

	snprintf(command, sizeof command, "gzip -dc '" FOLDER "/%s'", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		if (at++ % (all ? 1 : SAMPLE))
			continue;
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		assert_non_null(doc);
		try_record(d, yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static const struct dialect *dialect_of(const char *name)
{
	if (!str_glob(STR("*.jsonl.gz"), str_from_z(name)))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(files); i++)
		if (str_glob(str_from_z(files[i].pattern), str_from_z(name)))
			return files[i].dialect;
	return NULL;
}

static void recordings_reach_clients_of_every_dialect(void **state)
{
	struct dirent **list = NULL;
	int n;

	(void)state;
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "; tests/golden stands for it\n");
		return;
	}
	only = getenv("SLUICE_CORPUS_ID");
	n = scandir(FOLDER, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const struct dialect *d = dialect_of(list[i]->d_name);
		if (d && d->chat)
			try_file(list[i]->d_name, d);
		free(list[i]);
	}
	free(list);
	print_message(
		"%u answers, %u streams, %u requests: %u tellings in other dialects; %u requests refused, %u answers "
		"that report "
		"errors; %u bad\n",
		count.answers, count.streams, count.requests, count.told, count.refused, count.failed, count.bad);
	assert_true(count.answers || only);
	assert_int_equal(count.bad, 0);
}

/* ---- goldens ----------------------------------------------------------------------------------------------------- */

/*
 * tests/golden/<dialect>/NNNN-name/: request.json of a client, response.json or upstream.sse of a provider that speaks
 * the same, and events.txt: what is heard in the answer, and what each provider's request leaves out.
 * SLUICE_GOLDEN=write writes events.txt anew.
 */
#define GOLDEN "tests/golden"

static bool read_file(struct buf *out, const char *folder, const char *name)
{
	char path[600], piece[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		assert_true(buf_append(out, str_of(piece, n)));
	fclose(f);
	return true;
}

/* What is heard, as lines. */
static void tell_story(struct buf *out, const struct dialect *d, struct str answer, bool streamed)
{
	struct chat_source source = source_of(STR("m"));
	struct chat_response rs = { 0 };
	struct story s;
	struct arena arena;
	struct err e = { 0 };
	const struct json_node *root;
	bool good;

	arena_init(&arena, MEMORY_MAX);
	story_init(&s);
	if (streamed) {
		good = hear(&arena, d, &source, answer, &s);
	} else {
		root = json_nodes(&arena, answer, ANSWER_DEPTH_MAX, &e);
		good = root && d->chat->read_response(&arena, &source, root, &rs, &e);
		if (good)
			story_of(&s, &arena, &rs);
	}
	buf_printf(out, "%s\ntext: ", good ? "heard" : "broken, or an error");
	json_append_str(out, buf_str(&s.text));
	buf_append(out, STR("\nthoughts: "));
	json_append_str(out, buf_str(&s.thoughts));
	buf_append(out, STR("\ncalls: "));
	json_append_str(out, buf_str(&s.calls));
	buf_append(out, STR("\ntokens: "));
	json_append_str(out, buf_str(&s.tokens));
	buf_printf(out, "\nend: %u\nusage:", s.finish.stop);
	for (unsigned i = 0; i < USAGE_COUNTERS; i++)
		if (s.usage.n[i])
			buf_printf(out, " %s=%u", usage_counter_name((enum usage_counter)i), s.usage.n[i]);
	buf_append_c(out, '\n');
	story_fini(&s);
	arena_fini(&arena);
}

static void tell_folder(const char *folder, const struct dialect *d, struct buf *events)
{
	struct buf request = buf_make(MEMORY_MAX), answer = buf_make(MEMORY_MAX);

	if (read_file(&request, folder, "request.json")) {
		told = events;
		try_request(folder, d, buf_str(&request), STR("m"));
		told = NULL;
	}
	if (read_file(&answer, folder, "response.json")) {
		try_answer(folder, d, buf_str(&answer), STR("m"));
		tell_story(events, d, buf_str(&answer), false);
	} else if (read_file(&answer, folder, "upstream.sse")) {
		try_stream(folder, d, buf_str(&answer), STR("m"));
		tell_story(events, d, buf_str(&answer), true);
	}
	buf_fini(&request);
	buf_fini(&answer);
}

static void try_folder(const char *folder, const struct dialect *d)
{
	struct buf events = buf_make(MEMORY_MAX), want = buf_make(MEMORY_MAX);
	const char *write = getenv("SLUICE_GOLDEN");
	char path[600];

	tell_folder(folder, d, &events);
	if (write) {
		snprintf(path, sizeof path, "%s/events.txt", folder);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(events.p, 1, events.n, f), events.n);
		fclose(f);
	} else if (!read_file(&want, folder, "events.txt") || !str_eq(buf_str(&want), buf_str(&events))) {
		complain(folder, d, "events.txt", buf_str(&want), buf_str(&events));
	}
	buf_fini(&events);
	buf_fini(&want);
}

static void goldens_reach_every_dialect(void **state)
{
	unsigned folders = 0, bad = count.bad;

	(void)state;
	for (unsigned i = 0; i < DIALECTS; i++) {
		const struct dialect *d = dialect_by_id((enum dialect_id)i);
		struct dirent **list = NULL;
		char folder[500];
		int n;

		snprintf(folder, sizeof folder, GOLDEN "/%s", d->name);
		n = scandir(folder, &list, NULL, alphasort);
		for (int k = 0; k < n; k++) {
			if (list[k]->d_name[0] != '.') {
				snprintf(folder, sizeof folder, GOLDEN "/%s/%s", d->name, list[k]->d_name);
				try_folder(folder, d);
				folders++;
			}
			free(list[k]);
		}
		free(list);
	}
	print_message("%u goldens\n", folders);
	assert_true(folders >= 43);
	assert_int_equal(count.bad, bad);
}

/* Vectors 43 and 44: an image of 10 MB, a conversation of 1,000 turns. */
static void large_requests_reach_every_dialect(void **state)
{
	struct buf b = buf_make(MEMORY_MAX);
	unsigned bad = count.bad;

	(void)state;
	buf_append(
		&b,
		STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}"
		    ",{\"type\":"
	            "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgoAAAAN"));
	for (int i = 0; i < (10 << 20) / 64; i++)
		buf_append(&b, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	buf_append(&b, STR("\"}}]}]}"));
	try_request("10 MB image", &dialect_openai_chat, buf_str(&b), STR("m"));
	buf_clear(&b);
	buf_append(&b, STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}"));
	for (int i = 0; i < 333; i++)
		buf_printf(
			&b,
			",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c%d\","
			"\"type\":\"function\",\"function\":{"
			"\"name\":\"f\",\"arguments\":\"{\\\"i\\\":%d}\"}}]},{\"role\":\"tool\","
			"\"tool_call_id\":\"c%d\",\"content\":"
			"\"r%d\"},{\"role\":\"user\",\"content\":\"t%d\"}",
			i, i, i, i, i);
	buf_append(&b, STR("],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"));
	try_request("1,000 turns", &dialect_openai_chat, buf_str(&b), STR("m"));
	buf_fini(&b);
	assert_int_equal(count.bad, bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(goldens_reach_every_dialect),
		                            cmocka_unit_test(large_requests_reach_every_dialect),
		                            cmocka_unit_test(recordings_reach_clients_of_every_dialect) };

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
