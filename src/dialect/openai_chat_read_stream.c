/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_read_stream: the streams of Chat Completions servers as events. What they have in common is little: calls
 * come whole or in pieces, with or without index, with ids that repeat or not (rule B3); thoughts come in four members,
 * in parts or in tags (O6, O8); usage in the last chunk, in each, or in a choice; the end as [DONE] or not at all (B6).
 *
 * Text and thoughts are closed when something else begins; calls stay open until the end, since they may interleave.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "dialect/openai_chat_in.h"

enum { CHOICES_MAX = 256, CALLS_MAX = 1024, NO_BLOCK = -1, HELD_MAX = 64, WORD_MAX = 48 };

struct call {
	uint64_t id_hash;        /* 0: it came without */
	int64_t index;           /* as the server counts; -1: it does not */
	uint32_t block;
	bool opened;             /* its name is known */
	struct buf args;         /* that came before the name */
};

enum think { THINK_START, THINK_INSIDE, THINK_OVER };

struct choice {
	uint32_t index;
	int8_t kind;             /* of the open text or thought; NO_BLOCK */
	uint8_t think;           /* enum think */
	bool any;                /* something of it came */
	bool finished, refused, sourced;
	/* of the open thought, if it came in reasoning_details */
	bool details, summary, sealed;
	uint32_t detail_index, part;
	uint32_t block;          /* the open one */
	uint32_t calls_n, calls_cap;
	struct call *calls;
	uint8_t stop;            /* enum chat_stop */
	uint8_t word_n, sequence_n, held_n;
	char word[WORD_MAX], sequence[WORD_MAX], held[HELD_MAX];
};

struct reader {
	struct choice *choices;
	uint32_t n, cap;
	uint32_t blocks, made;   /* given; ids made */
	bool started, done;
	uint64_t seed;
	struct usage usage;
};

_Static_assert(sizeof(struct reader) <= OPENAI_CHAT_READER_SIZE, "its size is told in openai_chat_in.h");

/* One chunk's surroundings. */
struct chunk {
	struct reader *r;
	struct arena *arena;
	struct chat_events *out;
	struct err *err;
	struct choice *choice;
};

bool openai_chat_reader_init(void *reader, const struct chat_source *source)
{
	*(struct reader *)reader = (struct reader){ 0 };
	return true;
}

void openai_chat_reader_fini(void *reader)
{
	struct reader *r = reader;

	for (uint32_t i = 0; i < r->n; i++) {
		for (uint32_t k = 0; k < r->choices[i].calls_n; k++)
			buf_fini(&r->choices[i].calls[k].args);
		free(r->choices[i].calls);
	}
	free(r->choices);
	*r = (struct reader){ 0 };
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static struct chat_block *open_block(struct chunk *c, enum chat_kind kind, uint32_t *block)
{
	struct chat_block *b = arena_zalloc(c->arena, sizeof *b);
	struct chat_event *e = b ? chat_event_add(c->arena, c->out, EVENT_OPEN) : NULL;

	if (!e)
		return NULL;
	b->kind = (uint8_t)kind;
	e->choice = c->choice->index;
	e->block = *block = c->r->blocks++;
	e->open = b;
	c->choice->any = true;
	return b;
}

static bool close_block(struct chunk *c, uint32_t block)
{
	struct chat_event *e = chat_event_add(c->arena, c->out, EVENT_CLOSE);

	if (!e)
		return false;
	e->choice = c->choice->index;
	e->block = block;
	return true;
}

static struct chat_event *add_delta(struct chunk *c, uint32_t block, enum chat_delta_kind kind, struct jstr text)
{
	struct chat_event *e = chat_delta_add(c->arena, c->out, block, kind, text);

	if (e)
		e->choice = c->choice->index;
	return e;
}

static bool add_opaque(struct chunk *c, uint32_t block, struct chat_opaque opaque)
{
	struct chat_event *e = add_delta(c, block, DELTA_OPAQUE, (struct jstr){ 0 });

	if (e)
		e->delta.opaque = opaque;
	return e != NULL;
}

/* Closes the text or thought that is open. */
static bool close_text(struct chunk *c)
{
	bool open = c->choice->kind != NO_BLOCK;

	c->choice->kind = NO_BLOCK;
	return !open || close_block(c, c->choice->block);
}

static struct chat_block *open_text(struct chunk *c, enum chat_kind kind)
{
	struct chat_block *b;

	if (!close_text(c) || !(b = open_block(c, kind, &c->choice->block)))
		return NULL;
	c->choice->kind = (int8_t)kind;
	c->choice->details = c->choice->summary = c->choice->sealed = false;
	return b;
}

static bool add_text(struct chunk *c, enum chat_kind kind, struct jstr text)
{
	if (text.n == 0)
		return true;
	if ((c->choice->kind != (int8_t)kind || (kind == CHAT_REASONING && c->choice->details)) && !open_text(c, kind))
		return false;
	return add_delta(c, c->choice->block, DELTA_TEXT, text) != NULL;
}

/* ---- thoughts ---------------------------------------------------------------------------------------------------- */

static bool goes_on(const struct choice *ch, const struct openai_detail *d)
{
	if (ch->kind != CHAT_REASONING || !ch->details || ch->sealed)
		return false;
	switch (d->kind) {
	case DETAIL_TEXT: return !ch->summary && ch->detail_index == d->index;
	case DETAIL_SUMMARY: case DETAIL_ENCRYPTED: return ch->summary;
	}
	return false;
}

static bool read_detail(struct chunk *c, const struct openai_detail *d)
{
	struct choice *ch = c->choice;
	struct chat_event *e;

	if (d->text.n == 0 && !d->opaque.bytes.p)
		return true;
	if (!goes_on(ch, d)) {
		struct chat_block *b = open_text(c, CHAT_REASONING);
		if (!b)
			return false;
		b->id = d->id;
		b->name = d->format;
		b->redacted = d->kind == DETAIL_ENCRYPTED;
		ch->details = true;
		ch->summary = d->kind == DETAIL_SUMMARY;
		ch->detail_index = d->index;
		ch->part = 0;
	} else if (d->kind == DETAIL_SUMMARY && d->index != ch->detail_index) {
		ch->detail_index = d->index;
		ch->part++;
	}
	if (d->text.n && d->kind != DETAIL_ENCRYPTED) {
		e = add_delta(c, ch->block, d->kind == DETAIL_SUMMARY ? DELTA_SUMMARY : DELTA_TEXT, d->text);
		if (!e)
			return false;
		e->delta.part = ch->part;
	}
	if (!d->opaque.bytes.p)
		return true;
	ch->sealed = true;
	return add_opaque(c, ch->block, d->opaque);
}

/* Returns false when the arena is full; *any: there was text in them. */
static bool read_details(struct chunk *c, const struct json_node *list, bool *any)
{
	if (!node_is(list, JSON_ARRAY))
		return true;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct openai_detail d = openai_read_detail(v);
		*any |= d.text.n > 0;
		if (!read_detail(c, &d))
			return false;
	}
	return true;
}

static bool read_thoughts(struct chunk *c, const struct json_node *details, const struct json_node *const plain[3])
{
	bool any = false;

	if (!read_details(c, details, &any))
		return false;
	for (size_t i = 0; i < 3 && !any; i++) {
		struct jstr text = node_text(plain[i]);
		if (text.n == 0)
			continue;
		if (!add_text(c, CHAT_REASONING, text))
			return false;
		any = true;
	}
	if (any)
		c->choice->think = THINK_OVER;
	return true;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Keeps the end of a text in which a tag may begin; false: it is too long to be one. */
static bool hold(struct choice *ch, struct jstr tail)
{
	if (tail.n > HELD_MAX)
		return false;
	if (tail.n)
		memcpy(ch->held, tail.p, tail.n);
	ch->held_n = (uint8_t)tail.n;
	return true;
}

/* What was held and the text; p == NULL: the arena is full. */
static struct jstr with_held(struct chunk *c, struct jstr text)
{
	struct jstr held = jstr_of(c->choice->held, c->choice->held_n);
	char *p;

	if (held.n == 0)
		return text;
	p = arena_alloc(c->arena, held.n + text.n);
	if (!p)
		return (struct jstr){ 0 };
	memcpy(p, held.p, held.n);
	if (text.n)
		memcpy(p + held.n, text.p, text.n);
	c->choice->held_n = 0;
	return jstr_of(p, held.n + text.n);
}

static size_t blank_n(struct jstr s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || (s.p[i] == '\\' && s.p[i + 1] == 'n')))
		i += s.p[i] == ' ' ? 1 : 2;
	return i;
}

static bool read_inside(struct chunk *c, struct jstr text)
{
	int close;
	size_t at = openai_tag_find(text, OPENAI_THINK_END, &close);
	struct jstr rest = jstr_of(text.p + at, text.n - at);

	if (!add_text(c, CHAT_REASONING, jstr_of(text.p, at)))
		return false;
	if (close > 0) {
		c->choice->think = THINK_OVER;
		return add_text(c, CHAT_TEXT, jstr_of(rest.p + close, rest.n - (size_t)close));
	}
	return hold(c->choice, rest) || add_text(c, CHAT_REASONING, rest);
}

static bool read_text(struct chunk *c, struct jstr text)
{
	struct choice *ch = c->choice;

	if (text.n == 0)
		return true;
	if (ch->think == THINK_OVER)
		return add_text(c, CHAT_TEXT, text);
	text = with_held(c, text);
	if (!text.p)
		return false;
	if (ch->think == THINK_INSIDE)
		return read_inside(c, text);
	size_t blank = blank_n(text);
	struct jstr rest = jstr_of(text.p + blank, text.n - blank);
	int tag = openai_tag_at(rest, OPENAI_THINK);
	if (tag < 0 && hold(ch, text))
		return true;
	if (tag <= 0) {
		ch->think = THINK_OVER;
		return add_text(c, CHAT_TEXT, text);
	}
	ch->think = THINK_INSIDE;
	rest = jstr_of(rest.p + tag, rest.n - (size_t)tag);
	return rest.n == 0 || read_inside(c, rest);
}

/* At the end: what was held was no tag. */
static bool flush_held(struct chunk *c)
{
	struct jstr text = with_held(c, JSTR(""));
	enum chat_kind kind = c->choice->think == THINK_INSIDE ? CHAT_REASONING : CHAT_TEXT;

	c->choice->think = THINK_OVER;
	return text.p && add_text(c, kind, text);
}

static bool read_part(struct chunk *c, const struct json_node *part)
{
	struct jstr type = node_get_text(part, STR("type"));
	const struct json_node *list = node_get_some(part, STR("thinking"));

	c->choice->think = THINK_OVER;
	if (jstr_is(type, STR("text")))
		return add_text(c, CHAT_TEXT, node_get_text(part, STR("text")));
	if (jstr_is(type, STR("thinking")) || jstr_is(type, STR("reasoning"))) {
		if (!node_is(list, JSON_ARRAY))
			return add_text(c, CHAT_REASONING, node_text(list ? list : node_get(part, STR("text"))));
		for (const struct json_node *v = node_first(list); v; v = node_next(list, v))
			if (!add_text(c, CHAT_REASONING, node_get_text(v, STR("text"))))
				return false;
		return true;
	}
	if (!close_text(c))
		return false;
	uint32_t block;
	struct chat_block *b = open_block(c, CHAT_RAW, &block);  /* Mistral's references, and what is new */
	if (!b)
		return false;
	b->raw = node_raw(part);
	b->from = DIALECT_OPENAI_CHAT;
	return close_block(c, block);
}

static bool read_content(struct chunk *c, const struct json_node *content)
{
	if (node_is(content, JSON_STRING))
		return read_text(c, node_text(content));
	if (node_is(content, JSON_ARRAY))
		for (const struct json_node *v = node_first(content); v; v = node_next(content, v))
			if (!(node_is(v, JSON_STRING) ? read_text(c, node_text(v)) : read_part(c, v)))
				return false;
	return true;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* The call that a piece belongs to; NULL: a new one. A new id is a new call, whatever the index says. */
static struct call *find_call(struct choice *ch, int64_t index, uint64_t id_hash, bool named)
{
	for (uint32_t i = ch->calls_n; id_hash && i-- > 0;)
		if (ch->calls[i].id_hash == id_hash)
			return &ch->calls[i];
	for (uint32_t i = ch->calls_n; i-- > 0;)
		if (index >= 0 && ch->calls[i].index == index)
			return id_hash && ch->calls[i].id_hash ? NULL : &ch->calls[i];
	if (index >= 0 || id_hash || ch->calls_n == 0)
		return NULL;
	struct call *last = &ch->calls[ch->calls_n - 1];
	return named && last->opened ? NULL : last;      /* neither index nor id: a name begins a call */
}

static struct call *new_call(struct chunk *c, int64_t index, uint64_t id_hash)
{
	struct choice *ch = c->choice;

	if (ch->calls_n == CALLS_MAX) {
		err_set(c->err, ERR_UPSTREAM, "the stream holds more than %d tool calls", CALLS_MAX);
		return NULL;
	}
	if (ch->calls_n == ch->calls_cap) {
		ch->calls_cap = ch->calls_cap ? ch->calls_cap * 2 : 4;
		ch->calls = mem_realloc(ch->calls, ch->calls_cap * sizeof *ch->calls);
	}
	struct call *k = &ch->calls[ch->calls_n++];
	*k = (struct call){ .index = index, .id_hash = id_hash, .args = buf_make((size_t)1 << 20) };
	ch->any = true;
	return k;
}

/* The first part of a call of which its name is known. */
static bool open_call(struct chunk *c, struct call *k, const struct chat_block *seen)
{
	struct chat_block *b = open_block(c, CHAT_TOOL_CALL, &k->block);
	char *early;

	if (!b)
		return openai_full(c->err);
	k->opened = true;
	b->id = seen->id;
	b->name = seen->name;
	b->tool = seen->tool;
	b->opaque = seen->opaque;
	if (k->args.n == 0)
		return true;
	early = arena_alloc(c->arena, k->args.n);
	if (!early)
		return openai_full(c->err);
	memcpy(early, k->args.p, k->args.n);
	bool ok = add_delta(c, k->block, DELTA_ARGS, jstr_of(early, k->args.n)) != NULL;
	buf_fini(&k->args);
	return ok || openai_full(c->err);
}

static bool read_call(struct chunk *c, const struct json_node *v, bool old)
{
	struct chat_block *list = NULL, **end = &list;
	struct jstr id = old ? jstr_of(NULL, 0) : node_get_text(v, STR("id")), args;
	int64_t index = old ? -1 : node_i64(node_get(v, STR("index")), -1);
	uint64_t hash = id.n ? hash_bytes(jstr_raw(id)) | 1 : 0;
	struct chat_block *b = openai_read_call(c->arena, v, c->r->seed, c->r->made, &end);
	struct call *k;

	if (!b)
		return openai_full(c->err);
	k = old && c->choice->calls_n ? &c->choice->calls[0] : find_call(c->choice, index, hash, b->name.n > 0);
	if (!k) {
		if (!close_text(c))
			return openai_full(c->err);
		k = new_call(c, index, hash);
		if (!k)
			return false;
		c->r->made++;
	}
	if (!k->id_hash && !k->opened)
		k->id_hash = hash;
	args = b->args.json.p ? jstr_from(c->arena, b->args.json) : b->args.text;
	if (!k->opened && b->name.n == 0)
		return args.n == 0 || buf_append(&k->args, jstr_raw(args)) ||
		       err_set(c->err, ERR_UPSTREAM, "the stream holds a tool call without a name");
	bool fresh = !k->opened;
	if (fresh && !open_call(c, k, b))
		return false;
	if (!fresh && b->opaque.bytes.p && !add_opaque(c, k->block, b->opaque))
		return openai_full(c->err);
	return args.n == 0 || add_delta(c, k->block, DELTA_ARGS, args) || openai_full(c->err);
}

/* ---- the rest of a delta ----------------------------------------------------------------------------------------- */

static bool read_audio(struct chunk *c, const struct json_node *audio)
{
	struct jstr data = node_get_text(audio, STR("data")), words = node_get_text(audio, STR("transcript"));

	if (c->choice->kind != CHAT_AUDIO) {
		struct chat_block *b = open_text(c, CHAT_AUDIO);
		if (!b || !(b->media = arena_zalloc(c->arena, sizeof *b->media)))
			return false;
		b->media->id = node_get_text(audio, STR("id"));
		b->media->data = JSTR("");
	}
	if (data.n && !add_delta(c, c->choice->block, DELTA_DATA, data))
		return false;
	return words.n == 0 || add_delta(c, c->choice->block, DELTA_TRANSCRIPT, words);
}

static bool read_images(struct chunk *c, const struct json_node *list)
{
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct jstr url = node_get_text(node_get(v, STR("image_url")), STR("url"));
		struct chat_media media;
		struct chat_block *b;
		uint32_t block;

		if (url.n == 0 || !chat_media_read_url(c->arena, url, &media, NULL))
			continue;
		if (!close_text(c) || !(b = open_block(c, CHAT_IMAGE, &block)) ||
		    !(b->media = arena_alloc(c->arena, sizeof *b->media)))
			return false;
		*b->media = media;
		if (!close_block(c, block))
			return false;
	}
	return true;
}

static bool add_citation(struct chunk *c, const struct chat_citation *citation)
{
	struct chat_event *e;

	if (!citation || (c->choice->kind != CHAT_TEXT && !open_text(c, CHAT_TEXT)))
		return false;
	e = add_delta(c, c->choice->block, DELTA_CITATION, (struct jstr){ 0 });
	if (e)
		e->delta.citation = citation;
	return e != NULL;
}

static bool read_annotations(struct chunk *c, const struct json_node *list)
{
	if (node_is(list, JSON_ARRAY))
		for (const struct json_node *v = node_first(list); v; v = node_next(list, v))
			if (!add_citation(c, openai_read_citation(c->arena, v)))
				return false;
	return true;
}

/* Perplexity repeats in each chunk what it searched. */
static bool read_sources(struct chunk *c, const struct json_node *list)
{
	struct choice *ch = c->choice;

	if (!node_is(list, JSON_ARRAY) || ch->sourced || ch->kind != CHAT_TEXT)
		return true;
	ch->sourced = true;
	for (const struct json_node *v = node_first(list); v; v = node_next(list, v)) {
		struct jstr url = node_is(v, JSON_STRING) ? node_text(v) : node_get_text(v, STR("url"));
		struct chat_citation *x = arena_alloc(c->arena, sizeof *x);
		if (!x)
			return false;
		*x = (struct chat_citation){ .url = url,
			                     .title = node_get_text(v, STR("title")),
			                     .start = -1,
			                     .end = -1,
			                     .quote = node_get_text(v, STR("snippet")),
			                     .from = DIALECT_OPENAI_CHAT };
		if (url.n && !add_citation(c, x))
			return false;
	}
	return true;
}

enum delta_member {
	D_CONTENT, D_CALLS, D_REASONING_CONTENT, D_REASONING, D_THINKING, D_DETAILS, D_REFUSAL, D_FUNCTION_CALL,
	D_AUDIO,
	D_IMAGES, D_ANNOTATIONS, D_EXTRA, D_COUNT
};
static const struct str delta_names[D_COUNT] = {
	STR_INIT("content"), STR_INIT("tool_calls"), STR_INIT("reasoning_content"), STR_INIT("reasoning"),
	STR_INIT("thinking"), STR_INIT("reasoning_details"), STR_INIT("refusal"), STR_INIT("function_call"),
	STR_INIT("audio"), STR_INIT("images"), STR_INIT("annotations"), STR_INIT("extra_content"),
};

static bool read_refusal(struct chunk *c, struct jstr text)
{
	c->choice->refused |= text.n > 0;
	return add_text(c, CHAT_REFUSAL, text);
}

static bool read_delta(struct chunk *c, const struct json_node *delta)
{
	const struct json_node *at[D_COUNT];
	struct chat_opaque token;

	if (!openai_members(NULL, delta, delta_names, D_COUNT, at, NULL) ||
	    !read_thoughts(c, at[D_DETAILS], &at[D_REASONING_CONTENT]) || !read_content(c, at[D_CONTENT]) ||
	    !read_refusal(c, node_text(at[D_REFUSAL])))
		return openai_full(c->err);
	if ((node_is(at[D_AUDIO], JSON_OBJECT) && !read_audio(c, at[D_AUDIO])) ||
	    (node_is(at[D_IMAGES], JSON_ARRAY) && !read_images(c, at[D_IMAGES])) ||
	    !read_annotations(c, at[D_ANNOTATIONS]))
		return openai_full(c->err);
	if (node_is(at[D_CALLS], JSON_ARRAY))
		for (const struct json_node *v = node_first(at[D_CALLS]); v; v = node_next(at[D_CALLS], v))
			if (node_is(v, JSON_OBJECT) && !read_call(c, v, false))
				return false;
	bool named = node_get_text(at[D_FUNCTION_CALL], STR("name")).n > 0;
	if ((named || (c->choice->calls_n && node_is(at[D_FUNCTION_CALL], JSON_OBJECT))) &&
	    !read_call(c, at[D_FUNCTION_CALL], true))
		return false;
	token = openai_read_signature(at[D_EXTRA]);
	if (!token.bytes.p)
		return true;
	if (c->choice->calls_n && c->choice->calls[0].opened)
		return add_opaque(c, c->choice->calls[0].block, token) || openai_full(c->err);
	struct chat_block *b = open_text(c, CHAT_REASONING);
	if (!b)
		return openai_full(c->err);
	b->redacted = true;
	return (add_opaque(c, c->choice->block, token) && close_text(c)) || openai_full(c->err);
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

static struct choice *get_choice(struct chunk *c, uint32_t index)
{
	struct reader *r = c->r;

	for (uint32_t i = 0; i < r->n; i++)
		if (r->choices[i].index == index)
			return &r->choices[i];
	if (r->n == CHOICES_MAX) {
		err_set(c->err, ERR_UPSTREAM, "the stream holds more than %d choices", CHOICES_MAX);
		return NULL;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 1;
		r->choices = mem_realloc(r->choices, r->cap * sizeof *r->choices);
	}
	r->choices[r->n] = (struct choice){ .index = index, .kind = NO_BLOCK };
	return &r->choices[r->n++];
}

static uint8_t keep_word(char to[WORD_MAX], struct jstr word)
{
	size_t n = word.n <= WORD_MAX ? word.n : 0;

	if (n)
		memcpy(to, word.p, n);
	return (uint8_t)n;
}

/* Some say it twice, and again with other words; the first one counts. */
static void read_finish(struct choice *ch, struct jstr word, struct jstr sequence)
{
	struct chat_finish f = { 0 };

	if (!word.p || ch->finished)
		return;
	ch->finished = true;
	openai_read_finish(word, ch->calls_n > 0, &f);
	if (f.stop == STOP_END && sequence.n) {
		f.stop = STOP_SEQUENCE;
		ch->sequence_n = keep_word(ch->sequence, sequence);
	}
	ch->stop = f.stop;
	ch->word_n = keep_word(ch->word, f.raw);
}

static bool add_logprobs(struct chunk *c, const struct json_node *logprobs)
{
	const struct json_node *tokens = openai_logprobs(logprobs);
	struct chat_event *e;

	if (!tokens || (c->choice->kind != CHAT_TEXT && c->choice->kind != CHAT_REFUSAL))
		return true;
	e = add_delta(c, c->choice->block, DELTA_LOGPROBS, (struct jstr){ 0 });
	if (e)
		e->delta.raw = node_raw(tokens);
	return e != NULL;
}

static bool read_choice(struct chunk *c, const struct json_node *v, const struct json_node *sources)
{
	enum { INDEX, DELTA, FINISH, TEXT, MESSAGE, LOGPROBS, STOP_REASON, N };
	static const struct str names[N] = {
		STR_INIT("index"), STR_INIT("delta"), STR_INIT("finish_reason"), STR_INIT("text"), STR_INIT("message"),
		STR_INIT("logprobs"), STR_INIT("stop_reason"),
	};
	const struct json_node *at[N];
	int64_t index;

	if (!openai_members(NULL, v, names, N, at, NULL))
		return false;
	index = node_i64(at[INDEX], 0);
	if (index < 0 || index > UINT32_MAX)
		return err_set(c->err, ERR_UPSTREAM, "the stream holds a choice without a proper index");
	c->choice = get_choice(c, (uint32_t)index);
	if (!c->choice)
		return false;
	if (at[DELTA]) {
		if (!read_delta(c, at[DELTA]))
			return false;
		/* Together's chat streams hold both */
		if (at[TEXT] && !node_get(at[DELTA], STR("content")) && !read_content(c, at[TEXT]))
			return openai_full(c->err);
	} else if (at[TEXT]) {
		if (!read_content(c, at[TEXT]))                /* legacy Completions */
			return openai_full(c->err);
	} else if (at[MESSAGE] && !c->choice->any && !read_delta(c, at[MESSAGE])) {
		return false;                                  /* a whole message in a stream */
	}
	if (!read_sources(c, sources) || !add_logprobs(c, at[LOGPROBS]))
		return openai_full(c->err);
	read_finish(c->choice, node_text(at[FINISH]), node_text(at[STOP_REASON]));
	return true;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

enum chunk_member {
	C_ID, C_MODEL, C_CREATED, C_CHOICES, C_USAGE, C_TIER, C_FINGERPRINT, C_ERROR, C_GROQ, C_BASE, C_SOURCES,
	C_LINKS,
	C_COUNT
};
static const struct str chunk_names[C_COUNT] = {
	STR_INIT("id"), STR_INIT("model"), STR_INIT("created"), STR_INIT("choices"), STR_INIT("usage"),
	STR_INIT("service_tier"), STR_INIT("system_fingerprint"), STR_INIT("error"), STR_INIT("x_groq"),
	STR_INIT("base_resp"), STR_INIT("search_results"), STR_INIT("citations"),
};

static struct jstr some_text(const struct json_node *v)
{
	struct jstr s = node_text(v);

	return s.n ? s : (struct jstr){ 0 };
}

static bool add_start(struct chunk *c, const struct json_node *const at[C_COUNT])
{
	struct chat_event *e = chat_event_add(c->arena, c->out, EVENT_START);

	if (!e)
		return openai_full(c->err);
	c->r->started = true;
	e->start.id = some_text(at[C_ID]);
	e->start.model = some_text(at[C_MODEL]);
	e->start.created_s = node_i64(at[C_CREATED], 0);
	e->start.service_tier = some_text(at[C_TIER]);
	e->start.fingerprint = some_text(at[C_FINGERPRINT]);
	c->r->seed = hash_bytes(jstr_raw(e->start.id)) ^ (uint64_t)e->start.created_s;
	return true;
}

static bool read_usage(struct chunk *c, const struct json_node *const at[C_COUNT])
{
	const struct json_node *choice = node_first(at[C_CHOICES]), *u = at[C_USAGE];
	struct usage usage = { 0 };
	struct chat_event *e;

	if (!node_is(u, JSON_OBJECT))
		u = node_get_some(at[C_GROQ], STR("usage"));
	if (!node_is(u, JSON_OBJECT))
		u = node_get_some(choice, STR("usage"));         /* Moonshot */
	if (!node_is(u, JSON_OBJECT))
		return true;
	openai_usage_read(node_raw(u), &usage);
	usage_lay_service(&usage, jstr_raw(some_text(at[C_TIER])));
	if (usage.source == USAGE_NONE || !c->r->started || memcmp(&usage, &c->r->usage, sizeof(usage)) == 0)
		return true;
	c->r->usage = usage;
	e = chat_event_add(c->arena, c->out, EVENT_USAGE);
	if (!e)
		return openai_full(c->err);
	e->usage = usage;
	return true;
}

/* The stream is whole: what is open is closed, and each choice is finished. */
static bool finish(struct chunk *c)
{
	for (uint32_t i = 0; i < c->r->n; i++) {
		struct choice *ch = c->choice = &c->r->choices[i];
		struct chat_event *e;

		if (!flush_held(c) || !close_text(c))
			return openai_full(c->err);
		for (uint32_t k = 0; k < ch->calls_n; k++) {
			struct chat_block nameless = { .name = JSTR(""),
				                       .id = openai_make_id(c->arena, c->r->seed, k) };
			if (!ch->calls[k].opened && !open_call(c, &ch->calls[k], &nameless))
				return false;
			if (!close_block(c, ch->calls[k].block))
				return openai_full(c->err);
		}
		e = chat_event_add(c->arena, c->out, EVENT_FINISH);
		if (!e)
			return openai_full(c->err);
		e->choice = ch->index;
		e->finish.stop = ch->finished ? ch->stop : ch->calls_n ? STOP_TOOL : STOP_END;
		if (e->finish.stop == STOP_END && ch->calls_n)
			e->finish.stop = STOP_TOOL;
		if (e->finish.stop == STOP_END && ch->refused)
			e->finish.stop = STOP_REFUSAL;
		e->finish.raw = jstr_of(ch->word_n ? ch->word : NULL, ch->word_n);
		e->finish.sequence = jstr_of(ch->sequence_n ? ch->sequence : NULL, ch->sequence_n);
	}
	c->r->done = true;
	return chat_event_add(c->arena, c->out, EVENT_END) || openai_full(c->err);
}

/* [DONE] (B6): what has content counts as finished. The transport's end: only if every choice was said to be. */
static enum chat_read read_end(struct chunk *c, bool marked)
{
	bool any = false, all = true;

	for (uint32_t i = 0; i < c->r->n; i++) {
		any |= c->r->choices[i].any || c->r->choices[i].finished || c->r->choices[i].held_n;
		all &= c->r->choices[i].finished;
	}
	if (any && (marked || all))
		return finish(c) ? CHAT_READ_OK : CHAT_READ_BROKEN;
	err_set(c->err, ERR_UPSTREAM, any ? "the provider's stream ended in the middle"
	                                  : "the provider's stream ended without an answer");
	return CHAT_READ_BROKEN;
}

static bool is_error(const struct json_node *const at[C_COUNT])
{
	return node_is(at[C_ERROR], JSON_OBJECT) || (node_is(at[C_ERROR], JSON_STRING) && at[C_ERROR]->n > 2) ||
	       node_i64(node_get(at[C_BASE], STR("status_code")), 0) != 0;
}

static enum chat_read read_chunk(struct chunk *c, struct str data, struct dialect_error *error)
{
	const struct json_node *at[C_COUNT], *root = json_nodes(c->arena, data, ANSWER_DEPTH_MAX, c->err), *sources;

	if (!root || root->type != JSON_OBJECT) {
		err_set(c->err, ERR_UPSTREAM, "the provider's stream holds what is no JSON object");
		return CHAT_READ_BROKEN;
	}
	if (!openai_members(NULL, root, chunk_names, C_COUNT, at, NULL))
		return CHAT_READ_BROKEN;
	if (is_error(at)) {
		if (error)
			dialect_read_error(200, data, NULL, 0, error);
		return CHAT_READ_ERROR;
	}
	bool any = node_is(at[C_CHOICES], JSON_ARRAY) && node_first(at[C_CHOICES]);
	if (any && !c->r->started && !add_start(c, at))
		return CHAT_READ_BROKEN;
	sources = node_first(at[C_SOURCES]) ? at[C_SOURCES] : at[C_LINKS];
	if (any)
		for (const struct json_node *v = node_first(at[C_CHOICES]); v; v = node_next(at[C_CHOICES], v))
			if (!read_choice(c, v, sources))
				return CHAT_READ_BROKEN;
	return read_usage(c, at) ? CHAT_READ_OK : CHAT_READ_BROKEN;
}

enum chat_read openai_chat_read_event(void *reader, struct arena *arena, const struct chat_frame *frame,
                                      struct chat_events *out, struct dialect_error *error, struct err *e)
{
	struct chunk c = { .r = reader, .arena = arena, .out = out, .err = e };

	*out = (struct chat_events){ 0 };
	if (c.r->done)
		return CHAT_READ_OK;
	if (!frame->data.p)
		return read_end(&c, false);
	struct str data = str_trim(frame->data);
	if (data.n == 0)
		return CHAT_READ_OK;
	if (str_eq(data, STR("[DONE]")))
		return read_end(&c, true);
	return read_chunk(&c, data, error);
}
