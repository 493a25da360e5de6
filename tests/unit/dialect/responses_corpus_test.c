/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_corpus: recorded Responses, where ../shared/corpus is there: each answer and stream is read into the
 * neutral model and compared with a walk over the recording's own JSON; then written again, whole and streamed, and
 * compared once more. Requests are read, written and read again. What is compared is a digest: a line for each block,
 * the stop, the usage.
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
#include "dialect/chat.h"
#include "json/write.h"
#include "model/facts.h"
#include "net/sse.h"

#define FOLDER "../shared/corpus"
enum { DIGEST_MAX = 16 << 20 };

static const char *const files[] = {
	"openai-responses", "azure-openai-responses", "xai-responses", "openrouter-responses", "deepseek-responses",
	"local-responses", "mistralrs-responses", "chatgpt-responses", "copilot-responses", "bedrock-responses",
	"openai-responses-item",
};

static struct { unsigned answers, streams, requests, refused, errors, bad; } count;

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

static bool is_word(yyjson_val *v, const char *word)
{
	return yyjson_is_str(v) && yyjson_equals_str(v, word);
}

static struct str str_json(yyjson_val *v)
{
	return yyjson_is_str(v) ? str_of(yyjson_get_str(v), yyjson_get_len(v)) : STR("");
}

static void put_value(struct buf *out, yyjson_val *v)
{
	size_t n = 0;
	char *text = v ? yyjson_val_write(v, 0, &n) : NULL;

	buf_append(out, text ? str_of(text, n) : STR("null"));
	free(text);
}

static void put_raw(struct buf *out, struct str json)
{
	yyjson_doc *doc = json.n ? yyjson_read(json.p, json.n, 0) : NULL;

	put_value(out, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
}

/* ---- the recording's own story ---- */

static bool is_empty_thought(yyjson_val *item)
{
	return yyjson_arr_size(yyjson_obj_get(item, "summary")) == 0 &&
	       yyjson_arr_size(yyjson_obj_get(item, "content")) == 0 &&
	       !yyjson_is_str(yyjson_obj_get(item, "encrypted_content"));
}

static void tell_message(struct buf *d, yyjson_val *item)
{
	yyjson_val *part, *a;
	size_t i, max, k, n;

	yyjson_arr_foreach(yyjson_obj_get(item, "content"), i, max, part) {
		bool refusal = is_word(yyjson_obj_get(part, "type"), "refusal");

		buf_append(d, refusal ? STR("refusal ") : STR("text "));
		buf_append(d, str_json(yyjson_obj_get(part, refusal ? "refusal" : "text")));
		yyjson_arr_foreach(yyjson_obj_get(part, "annotations"), k, n, a) {
			buf_append(d, STR(" C "));
			put_value(d, a);
		}
		buf_append_c(d, '\n');
	}
}

static void tell_thought(struct buf *d, yyjson_val *item)
{
	yyjson_val *part;
	size_t i, max;

	if (is_empty_thought(item))
		return;
	buf_append(d, STR("reasoning"));
	yyjson_arr_foreach(yyjson_obj_get(item, "summary"), i, max, part) {
		if (str_json(yyjson_obj_get(part, "text")).n == 0)
			continue;
		buf_append(d, STR(" T "));
		buf_append(d, str_json(yyjson_obj_get(part, "text")));
	}
	yyjson_arr_foreach(yyjson_obj_get(item, "content"), i, max, part) {
		buf_append(d, i ? STR("\n\n") : STR(" T "));
		buf_append(d, str_json(yyjson_obj_get(part, "text")));
	}
	buf_append(d, STR(" E "));
	buf_append(d, str_json(yyjson_obj_get(item, "encrypted_content")));
	buf_append_c(d, '\n');
}

static bool tell_item(struct buf *d, yyjson_val *item)
{
	yyjson_val *type = yyjson_obj_get(item, "type");
	bool custom = is_word(type, "custom_tool_call");

	if (is_word(type, "message")) {
		tell_message(d, item);
	} else if (is_word(type, "reasoning")) {
		tell_thought(d, item);
	} else if (custom || is_word(type, "function_call")) {
		struct str args = str_json(yyjson_obj_get(item, custom ? "input" : "arguments"));

		buf_append(d, custom ? STR("custom ") : STR("function "));
		buf_append(d, str_json(yyjson_obj_get(item, "call_id")));
		buf_append_c(d, ' ');
		buf_append(d, str_json(yyjson_obj_get(item, "name")));
		buf_append_c(d, ' ');
		buf_append(d, args.n || custom ? args : STR("{}"));
		buf_append_c(d, '\n');
		return true;
	} else {
		buf_append(d, STR("raw "));
		put_value(d, item);
		buf_append_c(d, '\n');
	}
	return false;
}

static int64_t number(yyjson_val *v, const char *a, const char *b)
{
	v = yyjson_obj_get(v, a);
	if (b)
		v = yyjson_obj_get(v, b);
	return yyjson_is_num(v) ? (int64_t)yyjson_get_num(v) : 0;
}

static bool has_refusal(yyjson_val *output)
{
	yyjson_val *item, *part;
	size_t i, max, k, n;

	yyjson_arr_foreach(output, i, max, item)
		yyjson_arr_foreach(yyjson_obj_get(item, "content"), k, n, part)
			if (is_word(yyjson_obj_get(part, "type"), "refusal"))
				return true;
	return false;
}

static void tell_response(struct buf *d, yyjson_val *response, yyjson_val *items)
{
	yyjson_val *item, *usage = yyjson_obj_get(response, "usage");
	bool calls = false, refused = has_refusal(items);
	size_t i, max;

	yyjson_arr_foreach(items, i, max, item) calls |= tell_item(d, item);
	if (is_word(yyjson_obj_get(response, "status"), "incomplete"))
		buf_printf(d, "stop %d\n", is_word(yyjson_obj_get(yyjson_obj_get(response, "incomplete_details"),
			"reason"),
		                                   "content_filter") ? STOP_FILTER : STOP_MAX_TOKENS);
	else
		buf_printf(d, "stop %d\n", calls ? STOP_TOOL : refused ? STOP_REFUSAL : STOP_END);
	buf_printf(d, "usage %lld %lld cached %lld reasoning %lld\n", (long long)number(usage, "input_tokens", NULL),
	           (long long)number(usage, "output_tokens", NULL),
	           (long long)number(usage, "input_tokens_details", "cached_tokens"),
	           (long long)number(usage, "output_tokens_details", "reasoning_tokens"));
}

/* ---- ours ---- */

static void put_plain(struct buf *d, struct arena *a, struct jstr text)
{
	buf_append(d, text.n ? jstr_plain(a, text) : STR(""));
}

static bool fit_ids;     /* of requests: long ones are made to fit, and are not compared */

static void digest_block(struct buf *d, struct arena *a, const struct chat_block *b)
{
	if (b->raw.n && b->from == DIALECT_OPENAI_RESPONSES) {
		buf_append(d, STR("raw "));
		put_raw(d, b->raw);
	} else if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL) {
		buf_append(d, b->kind == CHAT_TEXT ? STR("text ") : STR("refusal "));
		put_plain(d, a, b->text);
		for (const struct chat_citation *c = b->citations; c; c = c->next) {
			buf_append(d, STR(" C "));
			put_raw(d, c->raw);
		}
	} else if (b->kind == CHAT_REASONING) {
		buf_append(d, STR("reasoning"));
		for (const struct chat_block *p = b->blocks; p; p = p->next) {
			buf_append(d, STR(" T "));
			put_plain(d, a, p->text);
		}
		if (b->text.n)
			buf_append(d, STR(" T "));
		put_plain(d, a, b->text);
		buf_append(d, STR(" E "));
		put_plain(d, a, b->opaque.bytes);
	} else if (b->kind == CHAT_TOOL_CALL) {
		buf_append(d, b->tool == TOOL_CUSTOM ? STR("custom ") : STR("function "));
		if (fit_ids && b->id.n >= 50)
			buf_append(d, STR("id"));
		else
			put_plain(d, a, b->id);
		buf_append_c(d, ' ');
		put_plain(d, a, b->name);
		buf_append_c(d, ' ');
		put_plain(d, a, chat_args_text(a, &b->args));
	} else {
		buf_printf(d, "%s ", chat_kind_name((enum chat_kind)b->kind));
		if (!fit_ids || b->id.n < 50)
			put_plain(d, a, b->id);
		if (b->media)
			put_plain(d, a, b->media->data);
		for (const struct chat_block *p = b->blocks; p; p = p->next)
			digest_block(d, a, p);
	}
	buf_append_c(d, '\n');
}

static void digest_response(struct buf *d, struct arena *a, const struct chat_response *r)
{
	for (const struct chat_block *b = r->outputs->blocks; b; b = b->next)
		digest_block(d, a, b);
	buf_printf(d, "stop %d\n", r->outputs->finish.stop);
	buf_printf(d, "usage %llu %llu cached %llu reasoning %llu\n", (unsigned long long)usage_total_input(&r->usage),
	           (unsigned long long)usage_total_output(&r->usage),
	           (unsigned long long)usage_total_cache_read(&r->usage),
	           (unsigned long long)r->usage.n[USAGE_REASONING]);
}

static const struct chat_codec *codec = &openai_responses_codec;

static struct chat_collector *read_stream(const char *id, struct arena *a, struct jstr model, struct str bytes,
                                          bool *error)
{
	struct chat_source source = { .model = model };
	struct chat_collector *c = chat_collector_new(64 << 20);
	void *reader = calloc(1, codec->reader_size);
	struct sse_framer framer = { 0 };
	struct dialect_error failure;
	struct err e = { 0 };
	bool ended = false;

	*error = false;
	assert_true(!codec->reader_init || codec->reader_init(reader, &source));
	for (;;) {
		size_t n = sse_frame(&framer, bytes);
		struct buf joined = buf_make(16 << 20);
		struct chat_events events = { 0 };
		struct chat_frame f = { 0 };
		struct sse_event ev;
		enum chat_read rc;

		if (n != SSE_PARTIAL) {
			if (sse_read(str_slice(bytes, 0, n), false, &joined, &ev) != SSE_EVENT) {
				bytes = str_slice(bytes, n, bytes.n);
				buf_fini(&joined);
				continue;
			}
			f = (struct chat_frame){ .name = ev.name, .data = ev.data };
		}
		rc = codec->read_event(reader, a, &f, &events, &failure, &e);
		for (struct chat_event *x = events.first; x; x = x->next) {
			assert_true(chat_collector_add(c, x));
			ended |= x->kind == EVENT_END;
		}
		buf_fini(&joined);
		if (rc == CHAT_READ_ERROR) {
			*error = true;
			break;
		}
		if (rc == CHAT_READ_BROKEN) {
			complain(id, "stream broken", STR(""), str_from_z(e.text));
			break;
		}
		if (n == SSE_PARTIAL)
			break;
		bytes = str_slice(bytes, n, bytes.n);
	}
	if (!ended && !*error)
		complain(id, "stream without end", STR(""), STR(""));
	free(reader);
	return c;
}

static void check_same(const char *id, const char *what, const struct buf *want, const struct buf *got)
{
	if (!str_eq(buf_str(want), buf_str(got)))
		complain(id, what, buf_str(want), buf_str(got));
}

/* Written whole and read again; written as a stream and read again. */
static void write_again(const char *id, struct arena *a, const struct chat_response *r, const struct buf *want)
{
	struct chat_reply reply = { .id = JSTR("01ABCDEFGHJKMNPQRSTVWXYZ01"), .created_s = 5, .model = JSTR("m"),
		.max_bytes = 64 << 20 };
	struct buf out = buf_make(64 << 20), d = buf_make(DIGEST_MAX);
	struct chat_response back = { 0 };
	struct chat_source source = { .model = JSTR("gpt-5") };
	struct chat_events events = { 0 };
	const struct json_node *root;
	struct chat_collector *c;
	void *writer = calloc(1, codec->writer_size);
	struct err e;
	bool error;

	assert_true(codec->write_response(a, r, &reply, &out, NULL));
	root = json_nodes(a, buf_str(&out), 512, &e);
	if (!root || !codec->read_response(a, &source, root, &back, &e)) {
		complain(id, "written answer", STR("readable"), str_from_z(e.text));
	} else {
		digest_response(&d, a, &back);
		check_same(id, "written answer", want, &d);
	}
	buf_clear(&out);
	buf_clear(&d);
	assert_true(chat_response_events(a, r, &events));
	assert_true(codec->writer_init(writer, &reply));
	for (struct chat_event *x = events.first; x; x = x->next)
		assert_true(codec->write_event(writer, a, x, &out));
	codec->writer_fini(writer);
	free(writer);
	c = read_stream(id, a, source.model, buf_str(&out), &error);
	digest_response(&d, a, chat_collector_response(c));
	check_same(id, "written stream", want, &d);
	chat_collector_free(c);
	buf_fini(&out);
	buf_fini(&d);
}

static void check_answer(const char *id, struct arena *a, struct jstr model, struct str body)
{
	struct chat_source source = { .model = model };
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX);
	struct chat_response r = { 0 };
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	struct err e;

	if (!is_word(yyjson_obj_get(root, "object"), "response") || yyjson_is_obj(yyjson_obj_get(root, "error"))) {
		yyjson_doc_free(doc);
		return;
	}
	count.answers++;
	tell_response(&want, root, yyjson_obj_get(root, "output"));
	const struct json_node *nodes = json_nodes(a, body, 512, &e);
	if (!nodes || !codec->read_response(a, &source, nodes, &r, &e)) {
		/* those that run in the background have no answer yet */
		if (is_word(yyjson_obj_get(root, "status"), "completed"))
			complain(id, "answer", STR("readable"), str_from_z(e.text));
	} else {
		digest_response(&got, a, &r);
		check_same(id, "answer", &want, &got);
		write_again(id, a, &r, &got);
	}
	yyjson_doc_free(doc);
	buf_fini(&want);
	buf_fini(&got);
}

/* Items end in any order. */
static void add_item(yyjson_mut_doc *made, yyjson_mut_val *items, yyjson_val *event, int64_t index[256])
{
	size_t n = yyjson_mut_arr_size(items), at = n;
	int64_t mine = number(event, "output_index", NULL);

	assert_true(n < 256);
	while (at > 0 && index[at - 1] > mine) {
		index[at] = index[at - 1];
		at--;
	}
	index[at] = mine;
	yyjson_mut_arr_insert(items, yyjson_val_mut_copy(made, yyjson_obj_get(event, "item")), at);
}

/* What the stream's own last event tells; its items, where they are left out there. */
static bool tell_stream(struct str bytes, struct buf *d)
{
	yyjson_mut_doc *made = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *items = yyjson_mut_arr(made);
	bool whole = false, abridged = false;
	int64_t sequence = -1, index[256];

	while (bytes.n) {
		struct str line = str_cut(&bytes, '\n');
		yyjson_doc *doc;
		yyjson_val *root, *response;

		if (!str_starts(line, STR("data:")))
			continue;
		line = str_slice(line, 5, line.n);
		doc = yyjson_read(line.p, line.n, 0);
		root = yyjson_doc_get_root(doc);
		response = yyjson_obj_get(root, "response");
		if (yyjson_is_int(yyjson_obj_get(root, "sequence_number"))) {
			/* one recorder left out most of the deltas */
			abridged |= sequence >= 0 && number(root, "sequence_number", NULL) > sequence + 10;
			sequence = number(root, "sequence_number", NULL);
		}
		if (is_word(yyjson_obj_get(root, "type"), "response.output_item.done"))
			add_item(made, items, root, index);
		if (!whole && (is_word(yyjson_obj_get(root, "type"), "response.completed") ||
		    is_word(yyjson_obj_get(root, "type"), "response.incomplete"))) {
			yyjson_mut_doc_set_root(made, items);
			yyjson_doc *copy = yyjson_mut_doc_imut_copy(made, NULL);
			bool told = yyjson_arr_size(yyjson_doc_get_root(copy)) > 0;

			whole = true;
			tell_response(d, response, told ? yyjson_doc_get_root(copy) : yyjson_obj_get(response,
				"output"));
			yyjson_doc_free(copy);
		}
		yyjson_doc_free(doc);
	}
	yyjson_mut_doc_free(made);
	return whole && !abridged;
}

static void check_stream(const char *id, struct arena *a, struct jstr model, struct str bytes)
{
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX);
	struct chat_collector *c;
	bool error;

	count.streams++;
	c = read_stream(id, a, model, bytes, &error);
	if (error) {
		count.errors++;
	} else if (tell_stream(bytes, &want)) {
		digest_response(&got, a, chat_collector_response(c));
		check_same(id, "stream", &want, &got);
		write_again(id, a, chat_collector_response(c), &got);
	}
	chat_collector_free(c);
	buf_fini(&want);
	buf_fini(&got);
}

/* ---- requests ---- */

static void digest_request(struct buf *d, struct arena *a, const struct chat_request *rq)
{
	for (const struct chat_block *b = rq->system; b; b = b->next)
		digest_block(d, a, b);
	for (const struct chat_turn *t = rq->turns; t; t = t->next) {
		buf_printf(d, "turn %d\n", t->role);
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->kind != CHAT_REASONING || b->opaque.bytes.n)
				digest_block(d, a, b);
	}
	for (const struct chat_tool *t = rq->tools; t; t = t->next) {
		buf_printf(d, "tool %d ", t->kind);
		put_plain(d, a, t->name);
		put_plain(d, a, t->description);
		put_raw(d, t->kind == TOOL_SERVER ? t->raw : t->schema);
		put_raw(d, t->format);
		buf_append_c(d, '\n');
	}
	buf_printf(d, "choice %d effort %d %d format %d stream %d max %.*s store %d\n",
	           rq->choice == CHOICE_AUTO ? 0 : rq->choice, rq->has_effort, rq->effort,
	           rq->format > FORMAT_TEXT ? rq->format : 0, rq->stream, STR_ARG(rq->max_output),
	           rq->store == TRI_YES);
	put_raw(d, rq->format_schema);
}

static void check_request(const char *id, struct arena *a, struct str body)
{
	struct dialect_request in;
	struct chat_request first = { 0 }, second = { 0 };
	struct chat_wire wire = { .drops.arena = a };
	struct chat_target target = { .facts = &model_facts_unknown };
	struct buf want = buf_make(DIGEST_MAX), got = buf_make(DIGEST_MAX);
	struct err e;
	const struct json_node *root = json_nodes(a, body, 256, &e);
	struct dialect_in di = { .body = body };

	if (!root || !node_get_text(root, STR("model")).n ||
	    !dialect_openai_responses.read_request(a, &di, &in, &e))
		return;
	count.requests++;
	if (!codec->read_request(a, &in, root, &first, &e)) {
		count.refused++;
		if (!strstr(e.text, "conversation") && !strstr(e.text, "prompt"))
			complain(id, "request", STR("readable"), str_from_z(e.text));
		goto out;
	}
	target.model = first.model;
	if (!codec->write_request(a, &first, &target, &wire, &e)) {
		complain(id, "request", STR("writable"), str_from_z(e.text));
		goto out;
	}
	root = json_nodes(a, wire.body, 256, &e);
	if (!root || !codec->read_request(a, &in, root, &second, &e)) {
		complain(id, "written request", STR("readable"), root ? str_from_z(e.text) : wire.body);
		goto out;
	}
	fit_ids = true;
	digest_request(&want, a, &first);
	digest_request(&got, a, &second);
	fit_ids = false;
	check_same(id, "request", &want, &got);
out:
	buf_fini(&want);
	buf_fini(&got);
}

static void check_record(yyjson_val *r)
{
	const char *id = yyjson_get_str(yyjson_obj_get(r, "id"));
	struct str body = str_json(yyjson_obj_get(r, "response_body")), request = str_json(yyjson_obj_get(r,
		"request_body"));
	struct str model = str_json(yyjson_obj_get(r, "model"));
	struct arena a;

	arena_init(&a, (size_t)1 << 30);
	if (yyjson_get_int(yyjson_obj_get(r, "status")) == 200 && body.n) {
		if (str_find(body, STR("data:")) != STR_NPOS && body.p[0] != '{')
			check_stream(id, &a, jstr_from(&a, model), body);
		else
			check_answer(id, &a, jstr_from(&a, model), body);
	}
	if (request.n && str_ends(str_json(yyjson_obj_get(r, "url")), STR("responses")))
		check_request(id, &a, request);
	arena_fini(&a);
}

static void check_file(const char *name, const char *kind)
{
	char command[256];
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	snprintf(command, sizeof(command), "gzip -dc " FOLDER "/%s.%s.jsonl.gz 2>/dev/null", name, kind);
	f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);

		if (doc)
			check_record(yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	free(line);
	pclose(f);
}

static void recordings(void **state)
{
	if (access(FOLDER, R_OK) != 0) {
		print_message("no ../shared/corpus: not compared\n");
		skip();
	}
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		check_file(files[i], "unary");
		check_file(files[i], "stream");
	}
	print_message("%u answers, %u streams (%u errors), %u requests (%u refused)\n", count.answers, count.streams,
	              count.errors, count.requests, count.refused);
	assert_int_equal(count.bad, 0);
	assert_true(count.answers > 700 && count.streams > 250 && count.requests > 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings) };

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
