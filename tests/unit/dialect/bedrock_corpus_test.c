/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bedrock_corpus: recorded Converse, where ../shared/corpus is there: each request, answer and stream is read into the
 * neutral model, streams also byte by byte and at odd cuts, and compared with a walk over the recording's own JSON;
 * then written again and compared once more. What is compared is a digest: a line for each block, the stop, the usage.
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
#include "net/eventstream.h"

#define FOLDER "../shared/corpus"
enum { DIGEST_MAX = 16 << 20, BLOCKS = 256 };

static struct {
	unsigned answers, streams, requests, refused, errors, bad;
} count;

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

static struct str text_of(yyjson_val *v)
{
	return yyjson_is_str(v) ? str_of(yyjson_get_str(v), yyjson_get_len(v)) : STR("");
}

static yyjson_val *get(yyjson_val *v, const char *name)
{
	return yyjson_obj_get(v, name);
}

static void put_value(struct buf *out, yyjson_val *v)
{
	size_t n = 0;
	char *text = v ? yyjson_val_write(v, 0, &n) : NULL;

	buf_append(out, text ? str_of(text, n) : STR("{}"));
	free(text);
}

static void put_json(struct buf *out, struct str json)
{
	yyjson_doc *doc = yyjson_read(json.p, json.n, 0);

	if (doc)
		put_value(out, yyjson_doc_get_root(doc));
	else
		buf_append(out, json);
	yyjson_doc_free(doc);
}

static int64_t number(yyjson_val *v, const char *name)
{
	v = get(v, name);
	return yyjson_is_int(v) ? yyjson_get_sint(v) : 0;
}

/* ---- the recording's own story ----------------------------------------------------------------------------------- */

struct told {
	struct told_block {
		int64_t index;
		char kind;                   /* T R X F S Q */
		struct buf text, args, more; /* more: signature, or citations */
		struct str id, name;
	} block[BLOCKS];
	int n;
	char stop[64];
	int64_t in, read, write, out;
};

static struct told_block *told_block(struct told *t, int64_t index, char kind)
{
	struct told_block *b;

	for (int i = t->n - 1; i >= 0 && index >= 0; i--)
		if (t->block[i].index == index)
			return &t->block[i];
	assert_true(t->n < BLOCKS);
	b = &t->block[t->n++];
	*b = (struct told_block){ .index = index,
		                  .kind = kind,
		                  .text = buf_make(DIGEST_MAX),
		                  .args = buf_make(DIGEST_MAX),
		                  .more = buf_make(DIGEST_MAX) };
	return b;
}

static void told_fini(struct told *t)
{
	for (int i = 0; i < t->n; i++) {
		buf_fini(&t->block[i].text);
		buf_fini(&t->block[i].args);
		buf_fini(&t->block[i].more);
	}
	free(t);
}

static void hear_citation(struct told_block *b, yyjson_val *c)
{
	buf_append(&b->more, STR(" C "));
	put_value(&b->more, c);
}

static void hear_reasoning(struct told *t, int64_t index, yyjson_val *v)
{
	yyjson_val *text = get(v, "reasoningText") ? get(v, "reasoningText") : v, *redacted = get(v, "redactedContent");
	struct told_block *b = told_block(t, index, redacted ? 'X' : 'R');

	buf_append(&b->text, text_of(get(text, "text")));
	buf_append(&b->more, text_of(redacted ? redacted : get(text, "signature")));
}

static void hear_block(struct told *t, yyjson_val *v)
{
	yyjson_val *call = get(v, "toolUse"), *cited = get(v, "citationsContent"), *c;
	struct told_block *b;
	size_t i, max;

	if (yyjson_is_str(get(v, "text"))) {
		buf_append(&told_block(t, -1, 'T')->text, text_of(get(v, "text")));
	} else if (call) {
		b = told_block(t, -1, strcmp(text_of(get(call, "type")).p, "server_tool_use") == 0 ? 'S' : 'F');
		b->id = text_of(get(call, "toolUseId"));
		b->name = text_of(get(call, "name"));
		put_value(&b->args, get(call, "input"));
	} else if (get(v, "reasoningContent")) {
		hear_reasoning(t, -1, get(v, "reasoningContent"));
	} else if (cited) {
		b = told_block(t, -1, 'T');
		yyjson_arr_foreach(get(cited, "content"), i, max, c) buf_append(&b->text, text_of(get(c, "text")));
		yyjson_arr_foreach(get(cited, "citations"), i, max, c) hear_citation(b, c);
	} else {
		put_value(&told_block(t, -1, 'Q')->text, v);
	}
}

static void hear_usage(struct told *t, yyjson_val *u)
{
	if (!u)
		return;
	t->in = number(u, "inputTokens");
	t->out = number(u, "outputTokens");
	t->read = number(u, "cacheReadInputTokens");
	t->write = number(u, "cacheWriteInputTokens");
}

static void hear_stop(struct told *t, yyjson_val *v)
{
	if (yyjson_is_str(get(v, "stopReason")))
		snprintf(t->stop, sizeof t->stop, "%s", yyjson_get_str(get(v, "stopReason")));
}

static void hear_event(struct told *t, struct str type, yyjson_val *v)
{
	int64_t index = number(v, "contentBlockIndex");
	yyjson_val *delta = get(v, "delta"), *call = get(get(v, "start"), "toolUse");
	struct told_block *b;

	if (call) {
		b = told_block(t, index, 'F');
		b->id = text_of(get(call, "toolUseId"));
		b->name = text_of(get(call, "name"));
	}
	if (get(delta, "text"))
		buf_append(&told_block(t, index, 'T')->text, text_of(get(delta, "text")));
	if (get(delta, "toolUse"))
		buf_append(&told_block(t, index, 'F')->args, text_of(get(get(delta, "toolUse"), "input")));
	if (get(delta, "reasoningContent"))
		hear_reasoning(t, index, get(delta, "reasoningContent"));
	if (get(delta, "citation"))
		hear_citation(told_block(t, index, 'T'), get(delta, "citation"));
	hear_stop(t, v);
	if (str_eq(type, STR("metadata")))
		hear_usage(t, get(v, "usage"));
}

static void told_digest(const struct told *t, struct buf *out)
{
	for (int i = 0; i < t->n; i++) {
		const struct told_block *b = &t->block[i];

		if (b->kind == 'T' && !b->text.n && !b->more.n)
			continue;
		buf_printf(out, "%c ", b->kind);
		buf_append(out, buf_str(&b->text));
		if (b->kind == 'F' || b->kind == 'S') {
			buf_append(out, b->id);
			buf_append_c(out, '|');
			buf_append(out, b->name);
			buf_append_c(out, '|');
			put_json(out, b->args.n ? buf_str(&b->args) : STR("{}"));
		} else if (b->kind != 'Q') {
			buf_append_c(out, '|');
			buf_append(out, buf_str(&b->more));
		}
		buf_append_c(out, '\n');
	}
	buf_printf(out, "stop %s\nusage %lld %lld %lld %lld\n", t->stop, (long long)t->in, (long long)t->read,
	           (long long)t->write, (long long)t->out);
}

/* ---- the neutral model's ----------------------------------------------------------------------------------------- */

static void put_text(struct arena *a, struct buf *out, struct jstr s)
{
	buf_append(out, jstr_plain(a, s));
}

static void block_digest(struct arena *a, const struct chat_block *b, struct buf *out)
{
	bool odd;

	if (b->kind == CHAT_TEXT) {
		if (!b->text.n && !b->citations)
			return;
		buf_append(out, STR("T "));
		put_text(a, out, b->text);
		buf_append_c(out, '|');
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			buf_append(out, STR(" C "));
			put_json(out, c->raw);
		}
	} else if (b->kind == CHAT_REASONING) {
		buf_append(out, b->redacted ? STR("X ") : STR("R "));
		put_text(a, out, b->text);
		buf_append_c(out, '|');
		put_text(a, out, b->opaque.bytes);
	} else if (b->kind == CHAT_TOOL_CALL) {
		buf_append(out, b->tool == TOOL_SERVER ? STR("S ") : STR("F "));
		put_text(a, out, b->id);
		buf_append_c(out, '|');
		put_text(a, out, b->name);
		buf_append_c(out, '|');
		put_json(out, chat_args_json(a, &b->args, &odd));
	} else {
		buf_append(out, STR("Q "));
		put_json(out, b->raw);
	}
	buf_append_c(out, '\n');
}

static void response_digest(struct arena *a, const struct chat_response *rs, struct buf *out)
{
	const uint32_t *n = rs->usage.n;

	for (const struct chat_block *b = rs->outputs->blocks; b; b = b->next)
		block_digest(a, b, out);
	buf_printf(out, "stop %.*s\nusage %u %u %u %u\n", STR_ARG(jstr_raw(rs->outputs->finish.raw)), n[USAGE_INPUT],
	           n[USAGE_CACHE_READ], n[USAGE_CACHE_WRITE_5M] + n[USAGE_CACHE_WRITE_1H], n[USAGE_OUTPUT]);
}

/* Guardrails' word is not one that others could have: it is written as that of filters. */
static void same_stop(struct buf *b)
{
	size_t at = str_find(buf_str(b), STR("stop guardrail_intervened\n"));

	if (at != STR_NPOS) {
		memmove(b->p + at + 22, b->p + at + 26, b->n - at - 26);
		memcpy(b->p + at, "stop content_filtered\n", 22);
		b->n -= 4;
	}
}

static void equal(const char *id, const char *what, struct buf *want, struct buf *got)
{
	if (!str_eq(buf_str(want), buf_str(got)))
		complain(id, what, buf_str(want), buf_str(got));
	buf_clear(got);
}

static const struct chat_reply reply = { .id = { "01J", 3 }, .model = { "m", 1 }, .max_bytes = DIGEST_MAX };

static struct chat_source source_of(yyjson_val *record)
{
	return (struct chat_source){
		.bedrock_claude = !get(record, "model") || text_of(get(record, "model")).n == 0 ||
		                  str_find(text_of(get(record, "model")), STR("claude")) != STR_NPOS,
	};
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void digest_of_answer(struct str json, struct buf *out)
{
	yyjson_doc *doc = yyjson_read(json.p, json.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *b;
	struct told *t = calloc(1, sizeof *t);
	size_t i, max;

	assert_non_null(t);
	yyjson_arr_foreach(get(get(get(root, "output"), "message"), "content"), i, max, b) hear_block(t, b);
	hear_stop(t, root);
	hear_usage(t, get(root, "usage"));
	told_digest(t, out);
	told_fini(t);
	yyjson_doc_free(doc);
}

static void try_answer(const char *id, yyjson_val *record, struct str body)
{
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX), again = buf_make(DIGEST_MAX);
	struct chat_source source = source_of(record);
	struct chat_drops drops = { 0 };
	struct dialect_error error;
	struct chat_response rs;
	struct arena arena;
	struct usage usage;
	struct err e = { 0 };

	arena_init(&arena, 64 << 20);
	drops.arena = &arena;
	if (dialect_bedrock.read_answer(&arena, CALL_GENERATE, body, &usage, &error) == ANSWER_ERROR) {
		count.errors++;
	} else {
		count.answers++;
		digest_of_answer(body, &want);
		const struct json_node *root = json_nodes(&arena, body, ANSWER_DEPTH_MAX, &e);
		if (!root || !bedrock_codec.read_response(&arena, &source, root, &rs, &e)) {
			complain(id, "read", STR(""), str_from_z(e.text));
		} else {
			response_digest(&arena, &rs, &got);
			equal(id, "answer", &want, &got);
			assert_true(memcmp(&usage, &rs.usage, sizeof usage) == 0);
			assert_true(bedrock_codec.write_response(&arena, &rs, &reply, &again, &drops));
			digest_of_answer(buf_str(&again), &got);
			same_stop(&want);
			equal(id, "answer written again", &want, &got);
		}
	}
	arena_fini(&arena);
	buf_fini(&want);
	buf_fini(&got);
	buf_fini(&again);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

struct pipe {
	const char *id;
	struct chat_source source;
	void *reader, *writer;
	struct chat_order *order;
	struct chat_collector *collector;
	struct stream_meter meter;
	struct arena arena;
	struct buf written;
	bool ended, failed;
};

static void push(struct pipe *p, const struct chat_frame *frame)
{
	struct arena_mark mark = arena_mark(&p->arena);
	struct chat_events events = { 0 };
	struct dialect_error error;
	struct err e = { 0 };

	switch (bedrock_codec.read_event(p->reader, &p->arena, frame, &events, &error, &e)) {
	case CHAT_READ_OK: break;
	case CHAT_READ_ERROR: p->failed = true; return;
	case CHAT_READ_BROKEN: complain(p->id, "broken", frame->data, str_from_z(e.text)); return;
	}
	assert_true(chat_order_add(p->order, &p->arena, &events));
	for (const struct chat_event *ev = events.first; ev; ev = ev->next) {
		p->ended |= ev->kind == EVENT_END;
		assert_true(chat_collector_add(p->collector, ev));
		assert_true(bedrock_codec.write_event(p->writer, &p->arena, ev, &p->written));
	}
	arena_rewind(&p->arena, mark);
}

static void push_message(struct pipe *p, struct str bytes)
{
	struct stream_event ev = { .bytes = bytes };
	struct eventstream_message m;

	assert_true(eventstream_read(bytes, &m));
	(void)stream_meter_event(&p->meter, &p->arena, &ev);
	push(p, &(struct chat_frame){ .name = m.event_type.n ? m.event_type : m.exception_type,
	                              .data = m.payload,
	                              .exception = !str_eq(m.message_type, STR("event")) });
}

static void push_bytes(struct pipe *p, struct str body, size_t step)
{
	struct eventstream_framer f = { .max_bytes = DIGEST_MAX };
	size_t start = 0, at = 0;
	bool bad = false;

	while (at < body.n) {
		struct str run = str_slice(body, at, at + step);
		size_t end = eventstream_frame(&f, run, &bad);

		assert_false(bad);
		if (end == EVENTSTREAM_PARTIAL) {
			at += run.n;
			continue;
		}
		at += end;
		push_message(p, str_slice(body, start, at));
		start = at;
	}
	push(p, &(struct chat_frame){ .data = { NULL, 0 } });
}

static void digest_of_stream(struct str body, struct buf *out)
{
	struct eventstream_framer f = { .max_bytes = DIGEST_MAX };
	struct told *t = calloc(1, sizeof *t);
	struct eventstream_message m;
	yyjson_doc *docs[20000];
	size_t end, n = 0;
	bool bad = false;

	assert_non_null(t);
	while (body.n && (end = eventstream_frame(&f, body, &bad)) != EVENTSTREAM_PARTIAL) {
		assert_true(eventstream_read(str_slice(body, 0, end), &m));
		assert_true(n < COUNT_OF(docs));
		docs[n] = yyjson_read(m.payload.p, m.payload.n, 0);
		hear_event(t, m.event_type, yyjson_doc_get_root(docs[n]));
		n++;
		body = str_slice(body, end, body.n);
	}
	told_digest(t, out);
	told_fini(t);
	while (n)
		yyjson_doc_free(docs[--n]);
}

static void try_stream(const char *id, yyjson_val *record, struct str body, size_t step)
{
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX);
	struct pipe p = { .id = id,
		          .source = source_of(record),
		          .reader = calloc(1, bedrock_codec.reader_size),
		          .writer = calloc(1, bedrock_codec.writer_size),
		          .order = chat_order_new(&bedrock_codec, DIGEST_MAX),
		          .collector = chat_collector_new(DIGEST_MAX),
		          .written = buf_make(DIGEST_MAX) };

	count.streams++;
	arena_init(&p.arena, 16 << 20);
	stream_meter_init(&p.meter, &dialect_bedrock, FRAMING_EVENTSTREAM, false);
	assert_true(bedrock_codec.reader_init(p.reader, &p.source));
	assert_true(bedrock_codec.writer_init(p.writer, &reply));
	digest_of_stream(body, &want);
	push_bytes(&p, body, step);
	if (p.failed) {
		count.errors++;
	} else {
		const struct chat_response *rs = chat_collector_response(p.collector);

		if (!p.ended || stream_meter_end(&p.meter, true) != STREAM_END_CLEAN)
			complain(id, "no end", STR(""), STR(""));
		response_digest(&p.arena, rs, &got);
		equal(id, "stream", &want, &got);
		assert_memory_equal(rs->usage.n, p.meter.usage.n, sizeof rs->usage.n);
		digest_of_stream(buf_str(&p.written), &got);
		same_stop(&want);
		equal(id, "stream written again", &want, &got);
	}
	bedrock_codec.reader_fini(p.reader);
	bedrock_codec.writer_fini(p.writer);
	chat_order_free(p.order);
	chat_collector_free(p.collector);
	arena_fini(&p.arena);
	buf_fini(&p.written);
	buf_fini(&want);
	buf_fini(&got);
	free(p.reader);
	free(p.writer);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(yyjson_get_str(*(yyjson_val *const *)a), yyjson_get_str(*(yyjson_val *const *)b));
}

/* One spelling for what means the same: keys in order, no nulls. */
static void canon(yyjson_val *v, struct buf *out)
{
	yyjson_val *keys[512], *key, *item;
	size_t i, max, n = 0;

	if (yyjson_is_obj(v)) {
		yyjson_obj_foreach(v, i, max, key, item) if (n < 512 && !yyjson_is_null(item)) keys[n++] = key;
		qsort(keys, n, sizeof *keys, by_name);
		buf_append_c(out, '{');
		for (i = 0; i < n; i++) {
			struct str name = text_of(keys[i]);
			yyjson_val *member = yyjson_obj_iter_get_val(keys[i]);

			/* success is what a result means that says nothing; names of documents are made to fit */
			if ((str_eq(name, STR("status")) && str_eq(text_of(member), STR("success"))) ||
			    (str_eq(name, STR("name")) && get(v, "source")) ||
			    (yyjson_is_arr(member) && yyjson_arr_size(member) == 0))
				continue;
			buf_append(out, name);
			buf_append_c(out, ':');
			canon(member, out);
		}
		buf_append_c(out, '}');
	} else if (yyjson_is_arr(v)) {
		yyjson_arr_foreach(v, i, max, item) canon(item, out), buf_append_c(out, ',');
	} else if (yyjson_is_num(v)) {
		buf_printf(out, "%g", yyjson_get_num(v));
	} else {
		put_value(out, v);
	}
}

static bool is_blank(yyjson_val *text)
{
	struct str s = text_of(text);

	for (size_t i = 0; i < s.n; i++)
		if (!memchr(" \t\r\n", s.p[i], 4))
			return false;
	return yyjson_is_str(text);
}

static void request_digest(struct str body, struct buf *out)
{
	static const char *const same[] = { "system",          "inferenceConfig",   "guardrailConfig", "serviceTier",
		                            "requestMetadata", "performanceConfig", "promptVariables" };
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *m, *b;
	struct str role = STR("");
	size_t i, max, k, blocks;

	yyjson_arr_foreach(get(root, "messages"), i, max, m)
	{
		if (!str_eq(role, text_of(get(m, "role")))) {
			role = text_of(get(m, "role"));
			buf_append(out, role);
			buf_append_c(out, '\n');
		}
		for (int results = 1; results >= 0; results--)
			yyjson_arr_foreach(get(m, "content"), k, blocks,
			                   b) if ((get(b, "toolResult") != NULL) == results &&
			                          !is_blank(get(b, "text"))) canon(b, out),
				buf_append_c(out, '\n');
	}
	canon(get(root, "toolConfig"), out);
	for (i = 0; i < COUNT_OF(same); i++) {
		buf_printf(out, "\n%s ", same[i]);
		if (get(root, same[i]) && yyjson_obj_size(get(root, same[i])) + yyjson_arr_size(get(root, same[i])))
			canon(get(root, same[i]), out);
	}
	yyjson_doc_free(doc);
}

/* What the recording has in a form that the codec gives another: {"json":…} and guards become texts, the texts of
 * documents bytes, an unsigned thought is not sent again, and what a library wrote down in place of bytes is none. */
static bool changes_form(struct str body)
{
	static const struct str words[] = {
		STR_INIT("\"bytes\": {"),
		STR_INIT("guardContent"),
		STR_INIT("searchResult"),
		STR_INIT("\"source\":{\"text\""),
		STR_INIT("\"source\": {\"text\""),
		STR_INIT("\"source\":{\"content\""),
		STR_INIT("\"source\": {\"content\""),
		STR_INIT("reasoningText"),
		STR_INIT("\"Buffer\""),
		STR_INIT("citationsContent"),
		STR_INIT("\"video/mp4\""),
		STR_INIT("systemTool"),
		STR_INIT("\"type\":\"tool_use\""),
		STR_INIT("\"type\": \"tool_use\""),
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_find(body, words[i]) != STR_NPOS)
			return true;
	/* a result's json stands in an array, a tool's schema behind a colon */
	for (size_t at = 0, next; (next = str_find(str_slice(body, at, body.n), STR("\"json\""))) != STR_NPOS; at++) {
		at += next;
		size_t i = at;
		while (i > 0 && memchr("{ \n", body.p[i - 1], 3))
			i--;
		if (i > 0 && body.p[i - 1] != ':')
			return true;
	}
	return false;
}

static void try_request(const char *id, yyjson_val *record, struct str body, bool refused)
{
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX);
	struct jstr model = jstr_of(text_of(get(record, "model")).p, text_of(get(record, "model")).n);
	struct dialect_request in = { .dialect = &dialect_bedrock, .model = jstr_raw(model) };
	struct chat_target target = { .model = model,
		                      .facts = model_facts_by_name(jstr_raw(model)),
		                      .bedrock_claude = source_of(record).bedrock_claude };
	struct chat_wire wire = { 0 };
	struct chat_request rq;
	struct arena arena;
	struct err e = { 0 };

	arena_init(&arena, 64 << 20);
	wire.drops.arena = &arena;
	count.requests++;
	const struct json_node *root = json_nodes(&arena, body, REQUEST_DEPTH_MAX, &e);
	if (!root || !bedrock_codec.read_request(&arena, &in, root, &rq, &e) ||
	    !bedrock_codec.write_request(&arena, &rq, &target, &wire, &e)) {
		count.refused++;
		if (!refused && !changes_form(body))
			complain(id, "request is refused", body, str_from_z(e.text));
	} else if (!refused && !changes_form(body) && !wire.undo.schema_tool) {
		request_digest(body, &want);
		request_digest(wire.body, &got);
		equal(id, "request", &want, &got);
	}
	yyjson_doc *doc = wire.body.n ? yyjson_read(wire.body.p, wire.body.n, 0) : NULL;
	assert_true(!wire.body.n || doc);
	yyjson_doc_free(doc);
	arena_fini(&arena);
	buf_fini(&want);
	buf_fini(&got);
}

static void try_record(yyjson_val *record)
{
	const char *id = yyjson_get_str(get(record, "id"));
	struct str request = text_of(get(record, "request_body")), body = text_of(get(record, "response_body"));
	bool good = number(record, "status") == 200;

	if (request.n && str_find(request, STR("\"messages\"")) != STR_NPOS)
		try_request(id, record, request, !good);
	if (!good || !body.n)
		return;
	if (str_eq(text_of(get(record, "response_body_encoding")), STR("base64"))) {
		struct buf bytes = buf_make(DIGEST_MAX);

		assert_true(text_from_base64(&bytes, body));
		try_stream(id, record, buf_str(&bytes), bytes.n);
		try_stream(id, record, buf_str(&bytes), 1);
		try_stream(id, record, buf_str(&bytes), 1 + bytes.n % 97);
		buf_fini(&bytes);
	} else {
		try_answer(id, record, body);
	}
}

static void try_file(const char *name)
{
	char command[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(command, sizeof command, "gzip -dc " FOLDER "/%s.jsonl.gz", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		assert_non_null(doc);
		try_record(yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static void recordings_come_through_unchanged(void **state)
{
	(void)state;
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	try_file("bedrock-converse.unary");
	try_file("bedrock-converse-stream.stream");
	print_message("%u answers, %u streams (%u failed), %u requests (%u refused)\n", count.answers, count.streams,
	              count.errors, count.requests, count.refused);
	assert_int_equal(count.bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings_come_through_unchanged) };

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
