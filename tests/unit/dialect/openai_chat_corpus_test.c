/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_corpus: recorded answers and streams of real OpenAI-compatible servers, where the folder ../shared/corpus
 * is there: what the codec makes of them is compared with a walk over the recording's own JSON tree, is written for a
 * client, and read back equal.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "model/facts.h"
#include "model/quirk.h"

#define FOLDER "../shared/corpus"

static const char *const files[] = {
	"openai-chat", "azure-openai-chat", "azure-inference-chat", "mistral-chat", "groq-chat", "deepseek-chat",
	"openrouter-chat", "together-chat", "xai-chat", "huggingface-chat", "perplexity-chat", "cerebras-chat",
	"copilot-chat", "alibaba-chat", "doubleword-chat", "gpustack-chat", "llamacpp-chat", "local-chat",
	"mistralrs-chat", "moonshot-chat", "ollama-openai-chat", "openai-compatible-chat", "snowflake-chat",
	"venice-chat", "vercel-gateway-chat", "zai-chat", "bedrock-openai-chat", "anthropic-openai-chat",
	"gemini-openai-chat", "openai-completions", "azure-openai-completions", "local-completions",
	"together-completions", "portkey-completions",
};

static struct { unsigned answers, streams, errors, cut, calls, tokens, skipped, bad, requests, refused; } count;

enum { CHOICES = 16 };

/* What an answer says, from either side, as plain text. */
struct said {
	struct buf text[CHOICES], thoughts[CHOICES], calls[CHOICES], tokens[CHOICES], refusal[CHOICES];
	char finish[CHOICES][32];
};

static void said_init(struct said *s)
{
	memset(s, 0, sizeof *s);
	for (int i = 0; i < CHOICES; i++)
		s->text[i] = s->thoughts[i] = s->calls[i] = s->tokens[i] = s->refusal[i] = buf_make((size_t)1 << 24);
}

static void said_fini(struct said *s)
{
	for (int i = 0; i < CHOICES; i++) {
		buf_fini(&s->text[i]);
		buf_fini(&s->thoughts[i]);
		buf_fini(&s->calls[i]);
		buf_fini(&s->tokens[i]);
		buf_fini(&s->refusal[i]);
	}
}

static void complain(const char *id, const char *what, struct str a, struct str b)
{
	if (count.bad++ < 25)
		print_error("%s: %s\n  told %.*s\n  read %.*s\n", id, what, (int)(a.n < 300 ? a.n : 300), a.p,
		            (int)(b.n < 300 ? b.n : 300), b.p);
}

/* ---- the recording's side ---------------------------------------------------------------------------------------- */

static void put(struct buf *b, yyjson_val *v)
{
	if (yyjson_is_str(v))
		buf_append(b, str_of(yyjson_get_str(v), yyjson_get_len(v)));
}

static yyjson_val *get(yyjson_val *v, const char *key) { return yyjson_obj_get(v, key); }

static void tell_content(struct said *s, int i, yyjson_val *content)
{
	yyjson_val *part, *inner;
	size_t k, n, k2, n2;

	put(&s->text[i], content);
	yyjson_arr_foreach(content, k, n, part) {
		if (yyjson_equals_str(get(part, "type"), "text"))
			put(&s->text[i], get(part, "text"));
		yyjson_arr_foreach(get(part, "thinking"), k2, n2, inner)
			put(&s->thoughts[i], get(inner, "text"));
	}
}

static void tell_thoughts(struct said *s, int i, yyjson_val *m)
{
	yyjson_val *d;
	size_t k, n, before = s->thoughts[i].n;

	yyjson_arr_foreach(get(m, "reasoning_details"), k, n, d) {
		put(&s->thoughts[i], get(d, "text"));
		put(&s->thoughts[i], get(d, "summary"));
		put(&s->tokens[i], get(d, "signature"));
		put(&s->tokens[i], get(d, "data"));
	}
	if (s->thoughts[i].n == before)
		put(&s->thoughts[i], get(m, "reasoning_content"));
	if (s->thoughts[i].n == before)
		put(&s->thoughts[i], get(m, "reasoning"));
	put(&s->tokens[i], get(get(get(m, "extra_content"), "google"), "thought_signature"));
}

/* Calls as lines of index, id, name, arguments; a stream's pieces are put together by what they bear. */
struct told_call { int64_t index; char id[128], name[128]; struct buf args; };
static struct told_call told[CHOICES][64];
static int told_n[CHOICES];

static void tell_call(int i, yyjson_val *v, bool stream)
{
	yyjson_val *f = get(v, "function") ? get(v, "function") : get(v, "custom") ? get(v, "custom") : v;
	yyjson_val *at = get(v, "index");
	int64_t index = stream && yyjson_is_int(at) ? yyjson_get_sint(at) : -1;
	const char *id = yyjson_get_str(get(v, "id"));
	struct told_call *c = NULL;

	for (int k = 0; stream && k < told_n[i]; k++)
		if ((index >= 0 && told[i][k].index == index && (!id || !*id || strcmp(id, told[i][k].id) == 0)) ||
		    (id && *id && strcmp(told[i][k].id, id) == 0) || f == v)
			c = &told[i][k];
	if (!c) {
		c = &told[i][told_n[i]++];
		memset(c, 0, sizeof *c);
		c->args = buf_make((size_t)1 << 22);
		c->index = index;
		snprintf(c->id, sizeof(c->id), "%s", id ? id : "");
		if (yyjson_is_str(get(f, "name")))
			snprintf(c->name, sizeof(c->name), "%s", yyjson_get_str(get(f, "name")));
	}
	put(&c->args, get(f, "arguments"));
	put(&c->args, get(f, "input"));
}

static void tell_message(struct said *s, int i, yyjson_val *m, bool stream)
{
	yyjson_val *v;
	size_t k, n;

	tell_content(s, i, get(m, "content"));
	tell_thoughts(s, i, m);
	put(&s->refusal[i], get(m, "refusal"));
	yyjson_arr_foreach(get(m, "tool_calls"), k, n, v) tell_call(i, v, stream);
	if (yyjson_is_obj(get(m, "function_call")) && yyjson_get_len(get(get(m, "function_call"), "arguments")))
		tell_call(i, get(m, "function_call"), stream);
}

static void tell(struct said *s, yyjson_val *root, bool stream)
{
	yyjson_val *c;
	size_t k, n;

	yyjson_arr_foreach(get(root, "choices"), k, n, c) {
		int i = yyjson_is_int(get(c, "index")) ? (int)yyjson_get_int(get(c, "index")) : (int)k;
		if (i >= CHOICES)
			continue;
		yyjson_val *delta = get(c, "delta");
		if (stream && delta)
			tell_message(s, i, delta, true);
		else if (get(c, "message"))
			tell_message(s, i, get(c, "message"), stream);
		else
			put(&s->text[i], get(c, "text"));
		if (yyjson_is_str(get(c, "finish_reason")) && !s->finish[i][0])
			snprintf(s->finish[i], sizeof(s->finish[i]), "%s", yyjson_get_str(get(c, "finish_reason")));
	}
}

/* <think> at the start of the text, and the calls as text. */
static void tell_end(struct said *s)
{
	for (int i = 0; i < CHOICES; i++) {
		struct str t = buf_str(&s->text[i]), rest = t;
		while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\n'))
			rest = str_slice(rest, 1, rest.n);
		if (s->thoughts[i].n == 0 && str_starts(rest, STR("<think>"))) {
			size_t end = str_find(rest, STR("</think>"));
			struct str in = str_slice(rest, 7, end);
			struct buf text = buf_make((size_t)1 << 24);
			buf_append(&s->thoughts[i], in);
			if (end != STR_NPOS)
				buf_append(&text, str_slice(rest, end + 8, rest.n));
			buf_fini(&s->text[i]);
			s->text[i] = text;
		}
		for (int k = 0; k < told_n[i]; k++) {
			struct told_call *c = &told[i][k];
			buf_printf(&s->calls[i], "%s %s ", c->id, c->name);
			buf_append(&s->calls[i], buf_str(&c->args));
			buf_append_c(&s->calls[i], '\n');
			buf_fini(&c->args);
			count.calls++;
		}
		told_n[i] = 0;
	}
}

/* ---- the codec's side -------------------------------------------------------------------------------------------- */

static void add(struct arena *a, struct buf *b, struct jstr s)
{
	if (s.n)
		buf_append(b, jstr_plain(a, s));
}

static const char *finish_word(const struct chat_finish *f)
{
	switch ((enum chat_stop)f->stop) {
	case STOP_NONE: return "none";
	case STOP_END: case STOP_SEQUENCE: case STOP_REFUSAL: case STOP_PAUSE: return "stop";
	case STOP_MAX_TOKENS: case STOP_CONTEXT_FULL: return "length";
	case STOP_TOOL: return "tool_calls";
	case STOP_FILTER: return "content_filter";
	case STOP_ERROR: return "error";
	}
	return "?";
}

static void say(struct arena *a, struct said *s, const struct chat_response *r, bool made_ids)
{
	int i = 0;

	for (const struct chat_output *o = r->outputs; o && i < CHOICES; o = o->next, i++) {
		for (const struct chat_block *b = o->blocks; b; b = b->next) {
			if (b->kind == CHAT_TEXT)
				add(a, &s->text[i], b->text);
			if (b->kind == CHAT_REASONING) {
				add(a, &s->thoughts[i], b->text);
				for (const struct chat_block *p = b->blocks; p; p = p->next)
					add(a, &s->thoughts[i], p->text);
			}
			if (b->kind == CHAT_REFUSAL)
				add(a, &s->refusal[i], b->text);
			if (b->kind == CHAT_TOOL_CALL) {
				if (!made_ids)
					add(a, &s->calls[i], b->id);
				buf_append_c(&s->calls[i], ' ');
				add(a, &s->calls[i], b->name);
				buf_append_c(&s->calls[i], ' ');
				add(a, &s->calls[i], chat_args_text(a, &b->args));
				buf_append_c(&s->calls[i], '\n');
			}
			add(a, &s->tokens[i], b->opaque.bytes);
			count.tokens += b->opaque.bytes.n > 0;
		}
		snprintf(s->finish[i], sizeof(s->finish[i]), "%s", finish_word(&o->finish));
	}
}

/* A call without arguments is "{}", an id that is missing is made. */
static bool same_calls(const struct buf *told_calls, const struct buf *read)
{
	struct str a = buf_str(told_calls), b = buf_str(read);

	while (a.n && b.n) {
		struct str x = str_cut(&a, '\n'), y = str_cut(&b, '\n');
		if (x.n && x.p[0] == ' ' && str_starts(y, STR("call_")))
			y = str_slice(y, str_find_chr(y, ' '), y.n);
		if (x.n && x.p[x.n - 1] == ' ' && str_ends(y, STR(" {}")))
			y.n -= 2;
		if (!str_eq(x, y))
			return false;
	}
	return a.n == b.n;
}

static void compare(const char *id, const struct said *a, const struct said *b)
{
	for (int i = 0; i < CHOICES; i++) {
		if (!str_eq(buf_str(&a->text[i]), buf_str(&b->text[i])))
			complain(id, "text", buf_str(&a->text[i]), buf_str(&b->text[i]));
		if (!str_eq(buf_str(&a->thoughts[i]), buf_str(&b->thoughts[i])))
			complain(id, "thoughts", buf_str(&a->thoughts[i]), buf_str(&b->thoughts[i]));
		if (!str_eq(buf_str(&a->refusal[i]), buf_str(&b->refusal[i])))
			complain(id, "refusal", buf_str(&a->refusal[i]), buf_str(&b->refusal[i]));
		if (!same_calls(&a->calls[i], &b->calls[i]))
			complain(id, "calls", buf_str(&a->calls[i]), buf_str(&b->calls[i]));
		if (!str_eq(buf_str(&a->tokens[i]), buf_str(&b->tokens[i])))
			complain(id, "tokens", buf_str(&a->tokens[i]), buf_str(&b->tokens[i]));
		bool called = b->calls[i].n > 0;
		const char *want = strcmp(a->finish[i], "function_call") == 0 ? "tool_calls"
		                 : strcmp(a->finish[i], "eos") == 0          ? "stop" : a->finish[i];
		if (called && strcmp(want, "stop") == 0)
			want = "tool_calls";
		if (want[0] && strcmp(want, b->finish[i]) != 0)
			complain(id, "finish", str_from_z(want), str_from_z(b->finish[i]));
	}
}

static void compare_usage(const char *id, const struct usage *a, const struct usage *b)
{
	if (memcmp(a->n, b->n, sizeof(a->n)) != 0 || a->source != b->source)
		complain(id, "usage", STR(""), STR(""));
}

static const struct chat_source source = { .model = { "m", 1 } };
static const struct chat_reply reply = { .id = { "01ARZ", 5 }, .created_s = 1, .model = { "m", 1 },
	.usage_asked = true };

/* What was read and written again must say the same. */
static void compare_again(const char *id, struct said *a, struct said *b)
{
	for (int i = 0; i < CHOICES; i++) {
		struct buf *x[] = { &a->text[i], &a->thoughts[i], &a->tokens[i], &a->refusal[i] };
		struct buf *y[] = { &b->text[i], &b->thoughts[i], &b->tokens[i], &b->refusal[i] };
		if (!same_calls(&a->calls[i], &b->calls[i]))
			complain(id, "calls, written and read again", buf_str(&a->calls[i]), buf_str(&b->calls[i]));
		for (size_t k = 0; k < COUNT_OF(x); k++)
			if (!str_eq(buf_str(x[k]), buf_str(y[k])))
				complain(id, "written and read again", buf_str(x[k]), buf_str(y[k]));
		if (strcmp(a->finish[i], b->finish[i]) != 0)
			complain(id, "finish, written and read again", str_from_z(a->finish[i]),
			         str_from_z(b->finish[i]));
	}
}

static void write_answer_again(const char *id, struct arena *arena, const struct chat_response *r, struct said *said)
{
	struct chat_drops drops = { .arena = arena };
	struct buf out = buf_make((size_t)1 << 26);
	struct chat_response back;
	struct said again;
	struct err e;

	said_init(&again);
	assert_true(openai_chat_codec.write_response(arena, r, &reply, &out, &drops));
	const struct json_node *nodes = json_nodes(arena, buf_str(&out), ANSWER_DEPTH_MAX, &e);
	if (!nodes || !openai_chat_codec.read_response(arena, &source, nodes, &back, &e)) {
		complain(id, e.text, buf_str(&out), STR(""));
	} else {
		say(arena, &again, &back, false);
		if (strcmp(said->finish[0], "error") != 0)
			compare_again(id, said, &again);
		if (memcmp(r->usage.n, back.usage.n, sizeof(back.usage.n)) != 0 && !r->usage.odd)
			complain(id, "usage, written and read again", buf_str(&out), STR(""));
	}
	said_fini(&again);
	buf_fini(&out);
}

static void try_answer(const char *id, struct str body, yyjson_val *root)
{
	struct chat_response r;
	struct said a, b;
	struct arena arena;
	struct usage usage;
	struct err e;

	arena_init(&arena, (size_t)1 << 26);
	said_init(&a);
	said_init(&b);
	const struct json_node *nodes = json_nodes(&arena, body, ANSWER_DEPTH_MAX, &e);
	assert_non_null(nodes);
	tell(&a, root, false);
	tell_end(&a);
	if (!openai_chat_codec.read_response(&arena, &source, nodes, &r, &e)) {
		complain(id, e.text, STR(""), STR(""));
	} else {
		say(&arena, &b, &r, false);
		compare(id, &a, &b);
		if (dialect_openai_chat.read_answer(&arena, CALL_GENERATE, body, &usage, NULL) == ANSWER_OK)
			compare_usage(id, &usage, &r.usage);
		write_answer_again(id, &arena, &r, &b);
		count.answers++;
	}
	said_fini(&a);
	said_fini(&b);
	arena_fini(&arena);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* The next event's data; false: no more. */
static bool next_data(struct str *rest, struct str *data)
{
	while (rest->n) {
		struct str line = str_cut(rest, '\n');
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!str_starts(line, STR("data:")))
			continue;
		*data = str_trim(str_slice(line, 5, line.n));
		if (data->n)
			return true;
	}
	return false;
}

/* Reads a stream; what comes of it is collected, and written to `again` if that is not NULL. */
static enum chat_read run(struct str body, struct chat_collector *col, struct buf *again, struct err *e)
{
	void *reader = calloc(1, openai_chat_codec.reader_size), *writer = calloc(1, openai_chat_codec.writer_size);
	enum chat_read result = CHAT_READ_OK;
	struct str rest = body;
	struct dialect_error error;
	struct arena arena;
	bool ended = false, more = true;

	assert_true(openai_chat_codec.reader_init(reader, &source));
	assert_true(openai_chat_codec.writer_init(writer, &reply));
	arena_init(&arena, (size_t)1 << 24);
	while (result == CHAT_READ_OK && more) {
		struct chat_frame frame = { 0 };
		struct chat_events events = { 0 };
		more = next_data(&rest, &frame.data);
		struct arena_mark mark = arena_mark(&arena);
		result = openai_chat_codec.read_event(reader, &arena, &frame, &events, &error, e);
		for (const struct chat_event *ev = events.first; ev; ev = ev->next) {
			assert_false(ended);
			ended = ev->kind == EVENT_END;
			assert_true(chat_collector_add(col, ev));
			if (again)
				assert_true(openai_chat_codec.write_event(writer, &arena, ev, again));
		}
		arena_rewind(&arena, mark);
	}
	if (result == CHAT_READ_ERROR)
		snprintf(e->text, sizeof(e->text), "%s", error.err.text);
	openai_chat_codec.reader_fini(reader);
	openai_chat_codec.writer_fini(writer);
	free(writer);
	free(reader);
	arena_fini(&arena);
	return result;
}

static void read_stream_again(const char *id, struct str body, struct said *said, const struct usage *usage)
{
	struct chat_collector *col = chat_collector_new((size_t)1 << 26);
	struct said again;
	struct arena arena;
	struct err e = { 0 };

	said_init(&again);
	arena_init(&arena, (size_t)1 << 26);
	if (run(body, col, NULL, &e) != CHAT_READ_OK) {
		complain(id, e.text, body, STR(""));
	} else {
		const struct chat_response *r = chat_collector_response(col);
		say(&arena, &again, r, false);
		compare_again(id, said, &again);
		if (memcmp(r->usage.n, usage->n, sizeof(usage->n)) != 0 && !usage->odd)
			complain(id, "usage of the stream, written and read again", STR(""), STR(""));
	}
	chat_collector_free(col);
	said_fini(&again);
	arena_fini(&arena);
}

static void try_stream(const char *id, struct str body)
{
	struct buf written = buf_make((size_t)1 << 26);
	struct chat_collector *col = chat_collector_new((size_t)1 << 26);
	struct said a, b;
	struct arena arena;
	struct err e = { 0 };
	struct str rest = body, data;
	bool error = false;

	said_init(&a);
	said_init(&b);
	arena_init(&arena, (size_t)1 << 26);
	while (next_data(&rest, &data)) {
		yyjson_doc *doc = yyjson_read(data.p, data.n, 0);
		if (doc) {
			tell(&a, yyjson_doc_get_root(doc), true);
			error |= yyjson_is_obj(get(yyjson_doc_get_root(doc), "error"));
		}
		yyjson_doc_free(doc);
	}
	tell_end(&a);
	enum chat_read result = run(body, col, &written, &e);
	if (error) {
		if (result != CHAT_READ_ERROR)
			complain(id, "an error was not seen", STR(""), STR(""));
		count.errors++;
	} else if (result == CHAT_READ_BROKEN && (!a.finish[0][0] || strstr(e.text, "no JSON"))) {
		print_message("%s: %s\n", id, e.text);
		count.cut++;
	} else if (result != CHAT_READ_OK) {
		complain(id, e.text, STR(""), STR(""));
	} else {
		const struct chat_response *r = chat_collector_response(col);
		say(&arena, &b, r, false);
		compare(id, &a, &b);
		if (!strstr(b.finish[0], "error"))
			read_stream_again(id, buf_str(&written), &b, &r->usage);
		count.streams++;
	}
	buf_fini(&written);
	chat_collector_free(col);
	said_fini(&a);
	said_fini(&b);
	arena_fini(&arena);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void digest_blocks(struct arena *a, struct buf *out, const struct chat_block *list)
{
	for (const struct chat_block *b = list; b; b = b->next) {
		if (b->kind == CHAT_REASONING)
			continue;
		buf_printf(out, "<%s %d ", chat_kind_name((enum chat_kind)b->kind), b->cache != 0);
		buf_append_jstr(out, b->text);
		buf_append_jstr(out, b->id);
		if (b->kind == CHAT_TOOL_CALL) {
			buf_append_jstr(out, b->name);
			struct jstr args = chat_args_text(a, &b->args);
			buf_append_jstr(out, args.n ? args : JSTR("{}"));
		}
		if (b->media)
			buf_append_jstr(out, b->media->data);
		digest_blocks(a, out, b->blocks);
		buf_append_c(out, '>');
	}
}

/* What a request says, apart from thoughts, which not every provider is given. */
static void digest(struct arena *a, struct buf *out, const struct chat_request *rq)
{
	digest_blocks(a, out, rq->system);
	for (const struct chat_turn *t = rq->turns; t; t = t->next) {
		if (t->role == ROLE_ASSISTANT && !t->blocks)
			continue;
		buf_printf(out, "\n%d ", t->role);
		buf_append_jstr(out, t->name);
		digest_blocks(a, out, t->blocks);
	}
	for (const struct chat_tool *t = rq->tools; t; t = t->next) {
		if (t->kind == TOOL_SERVER)
			continue;
		buf_printf(out, "\ntool %d %d ", t->kind, t->strict);
		buf_append_jstr(out, t->name);
		buf_append_jstr(out, t->description);
		buf_append(out, t->schema);
	}
	buf_printf(out, "\n%d %d %d %d ", rq->tools ? rq->choice : 0,
	           rq->tools ? rq->parallel : 0, rq->format == FORMAT_TEXT ? 0 : rq->format, rq->stream);
	buf_append(out, rq->temperature);
	buf_append(out, rq->max_output);
	buf_append(out, rq->seed);
	buf_append(out, rq->format_schema);
}

static bool read_request(struct arena *a, const struct dialect *d, struct str body, struct chat_request *rq,
                         struct err *e)
{
	struct dialect_in in = { .body = body };
	struct dialect_request from;
	const struct json_node *nodes;

	if (!d->read_request(a, &in, &from, e))
		return false;
	nodes = json_nodes(a, body, REQUEST_DEPTH_MAX, e);
	return nodes && d->chat->read_request(a, &from, nodes, rq, e);
}

/* Are the messages such as a provider would refuse too? The recordings hold a few. */
static bool is_wrong(const struct err *e, int status)
{
	return status != 200 || strstr(e->text, "model: must be") || strstr(e->text, "not an empty array") ||
	       strstr(e->text, "public Internet") || strstr(e->text, "tool call") || strstr(e->text, "prompt:");
}

static void try_request(yyjson_val *rec, const struct dialect *d)
{
	const char *id = yyjson_get_str(get(rec, "id"));
	yyjson_val *v = get(rec, "request_body");
	struct str body = str_of(yyjson_get_str(v), yyjson_get_len(v));
	struct chat_target target = { .model = JSTR("up"), .facts = &model_facts_unknown,
		                      .quirks = QUIRK_DEVELOPER_ROLE | QUIRK_CACHE_CONTROL };
	struct buf a = buf_make((size_t)1 << 26), b = buf_make((size_t)1 << 26);
	struct chat_request rq, again;
	struct chat_wire wire = { 0 };
	struct arena arena;
	struct err e = { 0 };

	if (!yyjson_is_str(v) || body.n == 0 || body.p[0] != '{' || get(rec, "request_body_encoding"))
		return;
	arena_init(&arena, (size_t)1 << 27);
	wire.drops.arena = &arena;
	if (!read_request(&arena, d, body, &rq, &e)) {
		count.refused++;
		if (!is_wrong(&e, yyjson_get_int(get(rec, "status"))))
			complain(id, e.text, body, STR(""));
	} else if (!openai_chat_codec.write_request(&arena, &rq, &target, &wire, &e) ||
	           !read_request(&arena, &dialect_openai_chat, wire.body, &again, &e)) {
		if (!strstr(e.text, "must be inline"))
			complain(id, e.text, body, wire.body);
	} else if (str_find(wire.body, STR("[The tool's media")) == STR_NPOS) {
		digest(&arena, &a, &rq);
		digest(&arena, &b, &again);
		if (!str_eq(buf_str(&a), buf_str(&b)))
			complain(id, "request, written and read again", buf_str(&a), buf_str(&b));
		count.requests++;
	}
	buf_fini(&a);
	buf_fini(&b);
	arena_fini(&arena);
}

static void try_record(yyjson_val *rec, const struct dialect *d)
{
	try_request(rec, d);

	const char *id = yyjson_get_str(get(rec, "id"));
	yyjson_val *v = get(rec, "response_body");
	struct str body = str_of(yyjson_get_str(v), yyjson_get_len(v));

	if (!yyjson_is_str(v) || yyjson_get_int(get(rec, "status")) != 200)
		return;
	if (str_find(str_slice(body, 0, 200), STR("data:")) != STR_NPOS) {
		try_stream(id, body);
		return;
	}
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	if (doc && yyjson_arr_size(get(root, "choices")) > 0)
		try_answer(id, body, root);
	else
		count.skipped++;
	yyjson_doc_free(doc);
}

static void try_file(const char *name, const char *kind)
{
	char path[256], command[320], *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(path, sizeof(path), FOLDER "/%s.%s.jsonl.gz", name, kind);
	if (access(path, R_OK) != 0)
		return;
	snprintf(command, sizeof(command), "gzip -dc %s", path);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		assert_non_null(doc);
		try_record(yyjson_doc_get_root(doc),
		           strstr(name, "completions") ? &dialect_openai_completions : &dialect_openai_chat);
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static void recordings_say_the_same(void **state)
{
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		try_file(files[i], "unary");
		try_file(files[i], "stream");
	}
	print_message("%u answers, %u streams, %u streams that report an error, %u cut ones; %u tool calls, %u opaque "
		"tokens; "
	              "%u that are no chat answers; %u requests, %u wrong ones\n", count.answers, count.streams,
	              count.errors, count.cut, count.calls,
	              count.tokens, count.skipped, count.requests, count.refused);
	assert_int_equal(count.bad, 0);
	assert_true(count.answers > 1500 && count.streams > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings_say_the_same) };

	dialect_init();
	return cmocka_run_group_tests_name("openai_chat_corpus", tests, NULL, NULL);
}
