/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_corpus: recorded generateContent, where ../shared/corpus is there. Each answer and stream is read into the
 * neutral model and compared with a walk over the recording's own JSON; then written again, as a whole answer, as SSE
 * and as an array, and compared once more. Requests are read, written for the same model and compared likewise. What is
 * compared is a digest: a line for each run of text, each thought, signature, call, medium, the stop and the usage.
 */
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

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/stream.h"
#include "model/facts.h"
#include "net/sse.h"

#define FOLDER "../shared/corpus"
enum { DIGEST_MAX = 64 << 20, ARENA_MAX = 256 << 20 };

static struct { unsigned answers, streams, requests, counts, errors, broken, bad; } count;

static void complain(const char *id, const char *what, struct str want, struct str got)
{
	size_t at = 0;

	while (at < want.n && at < got.n && want.p[at] == got.p[at])
		at++;
	at = at > 60 ? at - 60 : 0;
	if (count.bad++ < 12)
		print_error("%s: %s\n  want %.*s\n  got  %.*s\n", id, what, STR_ARG(str_slice(want, at, at + 300)),
		            STR_ARG(str_slice(got, at, at + 300)));
}

/* ---- digests ----------------------------------------------------------------------------------------------------- */

struct digest {
	struct buf out;
	char run;                /* 'T' or 'R': a run of text or thoughts that may go on */
};

static void line(struct digest *d, char kind, struct str a, struct str b)
{
	d->run = 0;
	buf_printf(&d->out, "\n%c ", kind);
	buf_append(&d->out, a);
	buf_append_c(&d->out, ' ');
	buf_append(&d->out, b);
}

static void words(struct digest *d, char kind, struct str text)
{
	if (text.n == 0)
		return;
	if (d->run != kind)
		buf_printf(&d->out, "\n%c ", kind);
	buf_append(&d->out, text);
	d->run = kind;
}

static struct str str_json(yyjson_val *v)
{
	return yyjson_is_str(v) ? str_of(yyjson_get_str(v), yyjson_get_len(v)) : STR("");
}

/* Recordings of requests have both spellings. */
static yyjson_val *get(yyjson_val *o, const char *camel, const char *snake)
{
	yyjson_val *v = yyjson_obj_get(o, camel);

	if (!v && snake)
		v = yyjson_obj_get(o, snake);
	return yyjson_is_null(v) ? NULL : v;
}

/* Compact, and sure to be freed. */
static void value(struct digest *d, char kind, struct str name, yyjson_val *v)
{
	size_t n = 0;
	char *text = v ? yyjson_val_write(v, 0, &n) : NULL;

	line(d, kind, name, text ? str_of(text, n) : STR("{}"));
	free(text);
}

static void raw_value(struct digest *d, char kind, struct str name, struct str raw)
{
	yyjson_doc *doc = yyjson_read(raw.p, raw.n, 0);

	value(d, kind, name, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
}

static void base64(struct digest *d, struct str type, struct str data)
{
	struct buf b = buf_make(data.n + 1);

	for (size_t i = 0; i < data.n; i++)
		buf_append_c(&b, data.p[i] == '-' ? '+' : data.p[i] == '_' ? '/' : data.p[i]);
	line(d, 'D', type, buf_str(&b));
	buf_fini(&b);
}

static void json_part(struct digest *d, yyjson_val *p)
{
	yyjson_val *call = get(p, "functionCall", "function_call"), *data = get(p, "inlineData", "inline_data");
	yyjson_val *file = get(p, "fileData", "file_data"), *text = yyjson_obj_get(p, "text");
	bool server = get(p, "executableCode", NULL) || get(p, "codeExecutionResult", NULL) || get(p, "toolCall",
		NULL) ||
		      get(p, "toolResponse", NULL);

	if (call && !get(call, "partialArgs", NULL) && !get(call, "willContinue", NULL))
		value(d, 'C', str_json(yyjson_obj_get(call, "name")), yyjson_obj_get(call, "args"));
	else if (data)
		base64(d, str_json(get(data, "mimeType", "mime_type")), str_json(yyjson_obj_get(data, "data")));
	else if (file)
		line(d, 'L', str_json(get(file, "mimeType", "mime_type")), str_json(get(file, "fileUri", "file_uri")));
	else if (server)
		value(d, 'X', STR(""), p);
	else if (text)
		words(d, yyjson_get_bool(yyjson_obj_get(p, "thought")) ? 'R' : 'T', str_json(text));
	if (!server && str_json(get(p, "thoughtSignature", "thought_signature")).n)
		line(d, 'S', str_json(get(p, "thoughtSignature", "thought_signature")), STR(""));
}

static uint64_t number(yyjson_val *o, const char *name)
{
	yyjson_val *v = yyjson_obj_get(o, name);

	return yyjson_is_num(v) && yyjson_get_num(v) > 0 ? (uint64_t)yyjson_get_num(v) : 0;
}

struct told {
	struct digest parts;
	struct str finish;
	bool called;
	uint64_t in, cached, tool, out, thoughts;
};

static void json_answer(struct told *t, yyjson_val *root)
{
	yyjson_val *candidate = yyjson_arr_get(yyjson_obj_get(root, "candidates"), 0), *p, *u;
	struct str finish = str_json(yyjson_obj_get(candidate, "finishReason"));
	size_t i, max;

	yyjson_arr_foreach(yyjson_obj_get(yyjson_obj_get(candidate, "content"), "parts"), i, max, p)
	{
		t->called |= get(p, "functionCall", NULL) != NULL;
		json_part(&t->parts, p);
	}
	if (yyjson_is_num(yyjson_obj_get(candidate, "finishReason")))
		finish = number(candidate, "finishReason") == 1 ? STR("STOP") : STR("MAX_TOKENS");
	if (yyjson_obj_get(yyjson_obj_get(root, "promptFeedback"), "blockReason"))
		finish = STR("SAFETY");
	if (finish.n)
		t->finish = finish;
	u = yyjson_obj_get(root, "usageMetadata");
	if (!yyjson_obj_get(u, "totalTokenCount") && !yyjson_obj_get(u, "candidatesTokenCount"))
		return;
	t->in = number(u, "promptTokenCount");
	t->cached = number(u, "cachedContentTokenCount");
	t->tool = number(u, "toolUsePromptTokenCount");
	t->out = number(u, "candidatesTokenCount");
	t->thoughts = number(u, "thoughtsTokenCount");
}

static void told_end(struct told *t)
{
	buf_printf(&t->parts.out, "\nF %.*s%s %llu %llu %llu %llu %llu", STR_ARG(t->finish),
	           t->called && str_eq(t->finish, STR("STOP")) ? "+tool" : "", (unsigned long long)t->in,
	           (unsigned long long)t->cached, (unsigned long long)t->tool, (unsigned long long)t->out,
	           (unsigned long long)t->thoughts);
}

static void block_digest(struct arena *a, struct digest *d, const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: words(d, 'T', jstr_plain(a, b->text)); break;
	case CHAT_REASONING: words(d, 'R', jstr_plain(a, b->text)); break;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
		line(d, b->media->from == MEDIA_BYTES ? 'D' : 'L', jstr_plain(a, b->media->type),
		     jstr_plain(a, b->media->data));
		break;
	case CHAT_TOOL_CALL:
		if (b->tool != TOOL_SERVER) {
			bool odd;
			raw_value(d, 'C', jstr_plain(a, b->name), chat_args_json(a, &b->args, &odd));
			assert_true(b->id.n > 0);
			break;
		}
		raw_value(d, 'X', STR(""), b->raw);
		return;
	case CHAT_TOOL_RESULT:
	case CHAT_RAW: raw_value(d, 'X', STR(""), b->raw); return;
	case CHAT_KINDS: break;
	}
	if (b->opaque.bytes.n)
		line(d, 'S', jstr_plain(a, b->opaque.bytes), STR(""));
}

static const char *stop_word(const struct chat_finish *f)
{
	static const char *const stops[] = { [STOP_END] = "STOP", [STOP_TOOL] = "STOP+tool", [STOP_MAX_TOKENS] = "MAX_T"
		"OKENS",
		                             [STOP_FILTER] = "SAFETY", [STOP_ERROR] = "OTHER" };
	return f->stop < COUNT_OF(stops) && stops[f->stop] ? stops[f->stop] : "?";
}

static void answer_digest(struct arena *a, struct buf *out, const struct chat_response *rs)
{
	struct digest d = { .out = buf_make(DIGEST_MAX) };
	const struct usage *u = &rs->usage;

	for (const struct chat_block *b = rs->outputs->blocks; b; b = b->next)
		block_digest(a, &d, b);
	buf_printf(&d.out, "\nF ");
	if (rs->outputs->finish.raw.n && rs->outputs->finish.stop != STOP_TOOL)
		buf_append(&d.out, jstr_raw(rs->outputs->finish.raw));
	else
		buf_append(&d.out, str_from_z(stop_word(&rs->outputs->finish)));
	buf_printf(&d.out, " %llu %u %u %llu %u", (unsigned long long)(usage_total_input(u) - u->n[USAGE_INPUT_TOOL]),
	           (unsigned)usage_total_cache_read(u), u->n[USAGE_INPUT_TOOL],
	           (unsigned long long)(usage_total_output(u) - u->n[USAGE_REASONING]), u->n[USAGE_REASONING]);
	buf_append(out, buf_str(&d.out));
	buf_fini(&d.out);
}

/* A block of a prompt has words of its own for why. */
static void same(const char *id, const char *what, struct str want, struct str got)
{
	size_t at = str_find(want, STR("\nF SAFETY"));

	if (str_eq(want, got) || (at != STR_NPOS && str_find(got, STR("\nF ")) == at) ||
	    str_find(want, STR("F FAKE_NEW_BLOCK_REASON")) != STR_NPOS)
		return;
	complain(id, what, want, got);
}

/* ---- whole answers ----------------------------------------------------------------------------------------------- */

static const struct chat_source source = { .model = { "gemini-x", 8 } };
static const struct chat_reply reply = { .id = { "01ID", 4 }, .model = { "public", 6 }, .max_bytes = 64 << 20 };

static bool read_answer(const char *id, struct arena *a, struct str body, struct chat_response *out)
{
	struct err e = { 0 };
	const struct json_node *root = json_nodes(a, body, ANSWER_DEPTH_MAX, &e);

	if (root && gemini_codec.read_response(a, &source, root, out, &e))
		return true;
	complain(id, "answer", STR(""), str_from_z(e.text));
	return false;
}

static void try_answer(const char *id, struct str body)
{
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	struct told told = { .parts = { .out = buf_make(DIGEST_MAX) } };
	struct buf got = buf_make(DIGEST_MAX), again = buf_make(DIGEST_MAX), text = buf_make(DIGEST_MAX);
	struct chat_response rs;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	if (!yyjson_obj_get(root, "candidates") && !yyjson_obj_get(root, "promptFeedback"))
		goto out; /* filed here, but no answer */
	count.answers++;
	json_answer(&told, root);
	told_end(&told);
	if (!read_answer(id, &a, body, &rs))
		goto out;
	answer_digest(&a, &got, &rs);
	same(id, "answer", buf_str(&told.parts.out), buf_str(&got));
	assert_true(gemini_codec.write_response(&a, &rs, &reply, &text, NULL));
	if (!read_answer(id, &a, buf_str(&text), &rs))
		goto out;
	answer_digest(&a, &again, &rs);
	same(id, "answer written again", buf_str(&got), buf_str(&again));
out:
	buf_fini(&told.parts.out);
	buf_fini(&got);
	buf_fini(&again);
	buf_fini(&text);
	arena_fini(&a);
	yyjson_doc_free(doc);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* What a stream is read with, and written with twice. */
struct run {
	const char *id;
	struct arena arena;              /* rewound after each event */
	void *reader, *writer[2];
	struct chat_reply reply[2];
	struct buf *out;                 /* NULL: is not written */
	struct chat_collector *all;
	struct chat_order *order;
	enum chat_read verdict;
	bool ended;
};

static void run_frame(struct run *r, struct str data)
{
	struct arena_mark mark = arena_mark(&r->arena);
	struct chat_frame frame = { .data = data };
	struct chat_events events = { 0 };
	struct dialect_error error;
	struct err e = { 0 };

	if (r->verdict != CHAT_READ_OK)
		return;
	r->verdict = gemini_codec.read_event(r->reader, &r->arena, &frame, &events, &error, &e);
	for (const struct chat_event *ev = events.first; ev && r->verdict == CHAT_READ_OK; ev = ev->next) {
		assert_true(chat_collector_add(r->all, ev));
		r->ended |= ev->kind == EVENT_END;
	}
	assert_true(chat_order_add(r->order, &r->arena, &events));
	for (const struct chat_event *ev = events.first; ev && r->verdict == CHAT_READ_OK; ev = ev->next)
		for (int i = 0; r->out && i < 2; i++)
			assert_true(gemini_codec.write_event(r->writer[i], &r->arena, ev, &r->out[i]));
	arena_rewind(&r->arena, mark);
}

static void run_sse(struct run *r, struct str body, unsigned step)
{
	struct sse_framer framer = { 0 };
	struct buf joined = buf_make(DIGEST_MAX);
	size_t start = 0, at = 0;

	while (at < body.n) {
		struct str part = str_slice(body, at, at + step);
		size_t end = sse_frame(&framer, part);
		struct sse_event ev;

		at += end == SSE_PARTIAL ? part.n : end;
		if (end == SSE_PARTIAL)
			continue;
		if (sse_read(str_slice(body, start, at), start == 0, &joined, &ev) == SSE_EVENT)
			run_frame(r, ev.data);
		start = at;
	}
	buf_fini(&joined);
}

static void run_array(struct run *r, struct str body)
{
	struct array_framer framer = { 0 };
	bool bad = false;
	size_t n;

	while (body.n && (n = array_framer_next(&framer, body, &bad)) > 0) {
		struct str element = str_slice(body, 0, n);
		size_t brace = str_find_chr(element, '{');

		if (brace != STR_NPOS)
			run_frame(r, str_slice(element, brace, n));
		body = str_slice(body, n, body.n);
	}
	assert_false(bad);
}

/* Reads a stream to its end; false: it is broken. */
static bool run(struct run *r, struct str body, unsigned step)
{
	arena_init(&r->arena, ARENA_MAX);
	r->reader = calloc(1, gemini_codec.reader_size);
	r->all = chat_collector_new(ARENA_MAX);
	r->order = chat_order_new(&gemini_codec, ARENA_MAX);
	assert_true(gemini_codec.reader_init(r->reader, &source));
	for (int i = 0; i < 2; i++) {
		r->reply[i] = reply;
		r->reply[i].framing = i ? FRAMING_JSON_ARRAY : FRAMING_SSE;
		r->writer[i] = calloc(1, gemini_codec.writer_size);
		assert_true(gemini_codec.writer_init(r->writer[i], &r->reply[i]));
	}
	r->verdict = CHAT_READ_OK;
	if (body.p[0] == '[')
		run_array(r, body);
	else
		run_sse(r, body, step);
	run_frame(r, str_of(NULL, 0));
	return r->ended;
}

static void run_fini(struct run *r)
{
	gemini_codec.reader_fini(r->reader);
	free(r->reader);
	for (int i = 0; i < 2; i++) {
		gemini_codec.writer_fini(r->writer[i]);
		free(r->writer[i]);
	}
	chat_collector_free(r->all);
	chat_order_free(r->order);
	arena_fini(&r->arena);
}

static void json_stream(struct told *t, struct str body)
{
	struct str rest = body;

	if (body.p[0] == '[') {
		yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
		yyjson_val *item;
		size_t i, max;
		yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, item) json_answer(t, item);
		/* the digest holds texts, but the word of the end points into the document */
		t->finish = str_eq(t->finish, STR("STOP")) ? STR("STOP") : STR("MAX_TOKENS");
		yyjson_doc_free(doc);
		return;
	}
	while (rest.p) {
		struct str l = str_cut(&rest, '\n');
		static const char *const known[] = { "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER",
			                             "UNEXPECTED_TOOL_CALL", "MODEL_ARMOR" };
		if (!str_starts(l, STR("data:")))
			continue;
		yyjson_doc *doc = yyjson_read(l.p + 5, l.n - 5, 0);
		json_answer(t, yyjson_doc_get_root(doc));
		for (size_t i = 0; i < COUNT_OF(known); i++)
			if (str_eq(t->finish, str_from_z(known[i])))
				t->finish = str_from_z(known[i]);
		yyjson_doc_free(doc);
	}
}

static void try_stream(const char *id, struct str body)
{
	struct told told = { .parts = { .out = buf_make(DIGEST_MAX) } };
	struct buf got = buf_make(DIGEST_MAX), again = buf_make(DIGEST_MAX);
	struct buf written[2] = { buf_make(DIGEST_MAX), buf_make(DIGEST_MAX) };
	struct run r = { .id = id, .out = written };

	count.streams++;
	json_stream(&told, body);
	told_end(&told);
	if (!run(&r, body, 1 + (unsigned)(body.n % 97))) {
		count.broken++;
		if (told.finish.n && (str_ends(body, STR("\n\n")) || str_ends(body, STR("\r\n\r\n"))) &&
		    r.verdict != CHAT_READ_ERROR && str_find(body, STR("not a json")) == STR_NPOS &&
		    str_find(body, STR("\"this\"")) == STR_NPOS)
			complain(id, "stream is called broken", STR(""), STR(""));
		goto out;
	}
	answer_digest(&r.arena, &got, chat_collector_response(r.all));
	if (str_find(body, STR("partialArgs")) == STR_NPOS)
		same(id, "stream", buf_str(&told.parts.out), buf_str(&got));
	else
		assert_true(str_find(buf_str(&got), STR("{\"operations\":[{\"action\":\"add\",\"description\":")) !=
		            STR_NPOS);
	for (int i = 0; i < 2; i++) {
		struct run other = { .id = id };

		buf_clear(&again);
		if (!run(&other, buf_str(&written[i]), 4096))
			complain(id, "written stream is broken", STR(""), buf_str(&written[i]));
		else
			answer_digest(&other.arena, &again, chat_collector_response(other.all));
		same(id, i ? "written as array" : "written as SSE", buf_str(&got), buf_str(&again));
		run_fini(&other);
	}
out:
	run_fini(&r);
	buf_fini(&told.parts.out);
	buf_fini(&got);
	buf_fini(&again);
	buf_fini(&written[0]);
	buf_fini(&written[1]);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Kinds of lines apart from one another, since results go before texts and pieces are joined. */
struct kinds { struct buf text, thoughts, calls, results, media, signatures, system; };

static void kinds_part(struct kinds *k, yyjson_val *p)
{
	struct digest d = { .out = buf_make(DIGEST_MAX) };
	yyjson_val *r = get(p, "functionResponse", "function_response");

	if (r) {
		value(&d, 'r', str_json(yyjson_obj_get(r, "name")), yyjson_obj_get(r, "response"));
		buf_append(&k->results, buf_str(&d.out));
		buf_clear(&d.out);
		yyjson_val *parts = yyjson_obj_get(r, "parts"), *m;
		size_t i, max;
		yyjson_arr_foreach(parts, i, max, m) kinds_part(k, m);
	}
	json_part(&d, p);
	for (struct str rest = buf_str(&d.out); rest.n;) {
		struct str l = str_slice(rest, 1, rest.n);
		size_t end = str_find_chr(l, '\n');
		/* texts hold line feeds of their own, but come first and alone */
		bool text = l.p[0] == 'T' || l.p[0] == 'R';
		if (text) {
			size_t s = str_find(l, STR("\nS "));
			end = s;
		}
		l = str_slice(l, 0, end);
		rest = end == STR_NPOS ? str_of(NULL, 0) : str_slice(rest, end + 1, rest.n);
		struct buf *to = l.p[0] == 'T'   ? &k->text
				 : l.p[0] == 'R' ? &k->thoughts
				 : l.p[0] == 'C' || l.p[0] == 'X' ? &k->calls
				 : l.p[0] == 'S' ? &k->signatures
				                 : &k->media;
		if (l.p[0] == 'S' && str_find(l, STR("skip_thought_signature")) != STR_NPOS)
			continue;
		buf_append(to, text ? str_slice(l, 2, l.n) : l);
		if (!text)
			buf_append_c(to, '\n');
	}
	buf_fini(&d.out);
}

static void kinds_read(struct kinds *k, yyjson_val *root)
{
	yyjson_val *contents = yyjson_obj_get(root, "contents"), *c, *p, *system;
	size_t i, max, j, n;

	*k = (struct kinds){ buf_make(DIGEST_MAX), buf_make(DIGEST_MAX), buf_make(DIGEST_MAX), buf_make(DIGEST_MAX),
		             buf_make(DIGEST_MAX), buf_make(DIGEST_MAX), buf_make(DIGEST_MAX) };
	if (yyjson_is_obj(contents))
		yyjson_arr_foreach(yyjson_obj_get(contents, "parts"), j, n, p) kinds_part(k, p);
	yyjson_arr_foreach(contents, i, max, c)
	{
		if (yyjson_is_obj(yyjson_obj_get(c, "parts")))
			kinds_part(k, yyjson_obj_get(c, "parts"));
		yyjson_arr_foreach(yyjson_obj_get(c, "parts"), j, n, p) kinds_part(k, p);
	}
	system = yyjson_obj_get(get(root, "systemInstruction", "system_instruction"), "parts");
	if (yyjson_is_obj(system))
		buf_append(&k->system, str_json(yyjson_obj_get(system, "text")));
	yyjson_arr_foreach(system, i, max, p) buf_append(&k->system, str_json(yyjson_obj_get(p, "text")));
}

static void kinds_fini(struct kinds *k)
{
	buf_fini(&k->text);
	buf_fini(&k->thoughts);
	buf_fini(&k->calls);
	buf_fini(&k->results);
	buf_fini(&k->media);
	buf_fini(&k->signatures);
	buf_fini(&k->system);
}

static void compare_requests(const char *id, yyjson_val *before, struct str written)
{
	yyjson_doc *doc = yyjson_read(written.p, written.n, 0);
	struct kinds a, b;

	if (!doc) {
		complain(id, "request is no JSON", STR(""), written);
		return;
	}
	kinds_read(&a, before);
	kinds_read(&b, yyjson_doc_get_root(doc));
	same(id, "texts", buf_str(&a.text), buf_str(&b.text));
	same(id, "thoughts", buf_str(&a.thoughts), buf_str(&b.thoughts));
	same(id, "calls", buf_str(&a.calls), buf_str(&b.calls));
	same(id, "results", buf_str(&a.results), buf_str(&b.results));
	same(id, "media", buf_str(&a.media), buf_str(&b.media));
	same(id, "signatures", buf_str(&a.signatures), buf_str(&b.signatures));
	same(id, "system", buf_str(&a.system), buf_str(&b.system));
	kinds_fini(&a);
	kinds_fini(&b);
	yyjson_doc_free(doc);
}

static void try_request(const char *id, yyjson_val *record, struct str body, enum dialect_call call, bool good)
{
	const char *url = yyjson_get_str(yyjson_obj_get(record, "url")), *at = url ? strstr(url, "://") : NULL;
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	struct dialect_in in = { .body = body, .call = call };
	struct dialect_request rq;
	struct chat_request chat;
	struct chat_wire wire = { 0 };
	struct chat_target to = { 0 };
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, ARENA_MAX);
	in.path = str_from_z(at && strchr(at + 3, '/') ? strchr(at + 3, '/') : "");
	in.query = in.path;
	in.path = str_cut(&in.query, '?');
	if (!doc || !yyjson_is_obj(yyjson_doc_get_root(doc)) || str_find(in.path, STR("/models/")) == STR_NPOS)
		goto out;
	count.requests++;
	if (!dialect_gemini.read_request(&a, &in, &rq, &e)) {
		complain(id, "request", STR(""), str_from_z(e.text));
		goto out;
	}
	const struct json_node *root = json_nodes(&a, body, REQUEST_DEPTH_MAX, &e);
	if (!gemini_codec.read_request(&a, &rq, root, &chat, &e)) {
		if (good)
			complain(id, "request", STR(""), str_from_z(e.text));
		goto out;
	}
	to.model = jstr_from(&a, rq.model);
	to.facts = model_facts_by_name(rq.model);
	wire.drops.arena = &a;
	if (!gemini_codec.write_request(&a, &chat, &to, &wire, &e)) {
		if (good && str_find(str_from_z(e.text), STR("has no tool")) == STR_NPOS)
			complain(id, "request written", STR(""), str_from_z(e.text));
		goto out;
	}
	if (!yyjson_obj_get(yyjson_doc_get_root(doc), "generateContentRequest"))
		compare_requests(id, yyjson_doc_get_root(doc), wire.body);
	for (const struct chat_drop *d = wire.drops.first; d && good; d = d->next)
		if (!str_eq(d->name, STR("response_format.schema"))) /* a 2.0 model, which takes less */
			complain(id, "dropped", STR(""), d->name);
out:
	arena_fini(&a);
	yyjson_doc_free(doc);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void try_record(yyjson_val *record, enum dialect_call call)
{
	const char *id = yyjson_get_str(yyjson_obj_get(record, "id"));
	struct str request = str_json(yyjson_obj_get(record, "request_body"));
	struct str body = str_json(yyjson_obj_get(record, "response_body"));
	int64_t status = yyjson_get_sint(yyjson_obj_get(record, "status"));

	if (request.n)
		try_request(id, record, request, call, status == 200);
	if (call == CALL_COUNT_TOKENS || status >= 400 || !body.n)
		return;
	if (body.p[0] == '[' || str_find(str_slice(body, 0, 4096), STR("data:")) < 200)
		try_stream(id, body);
	else if (!str_starts(body, STR("{\"error\"")) && str_find(body, STR("\"error\":")) > 16)
		try_answer(id, body);
}

static void try_file(const char *name, enum dialect_call call)
{
	char path[256], command[300], *text = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(path, sizeof(path), FOLDER "/%s.jsonl.gz", name);
	if (access(path, R_OK) != 0)
		return;
	snprintf(command, sizeof(command), "gzip -dc %s", path);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&text, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(text, (size_t)n, 0);
		assert_non_null(doc);
		try_record(yyjson_doc_get_root(doc), call);
		yyjson_doc_free(doc);
	}
	free(text);
	assert_int_equal(pclose(f), 0);
}

static void recordings_say_the_same_afterwards(void **state)
{
	(void)state;
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	dialect_init();
	try_file("gemini-generate.unary", CALL_GENERATE);
	try_file("gemini-generate.stream", CALL_GENERATE);
	try_file("vertex-gemini-generate.unary", CALL_GENERATE);
	try_file("vertex-gemini-generate.stream", CALL_GENERATE);
	try_file("gemini-count-tokens.unary", CALL_COUNT_TOKENS);
	try_file("vertex-gemini-count-tokens.unary", CALL_COUNT_TOKENS);
	print_message("%u requests, %u answers, %u streams (%u without an end)\n", count.requests, count.answers,
		count.streams,
	              count.broken);
	assert_int_equal(count.bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings_say_the_same_afterwards) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
