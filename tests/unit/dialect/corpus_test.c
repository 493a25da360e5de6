/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus: recorded exchanges of real providers, where the folder ../shared/corpus is there: each request is read, each
 * whole answer and each stream is metered, and what comes out is compared with a walk over the recording's own JSON
 * tree. Streams are framed at odd cuts. Prints what was compared.
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
#include "base/err.h"
#include "dialect/stream.h"
#include "net/sse.h"

#define FOLDER "../shared/corpus"

static const struct {
	const char *file;
	const struct dialect *dialect;
	enum dialect_call call;
} files[] = {
#define CHAT(name)                                                \
	{                                                         \
		name "-chat", &dialect_openai_chat, CALL_GENERATE \
	}
	CHAT("openai"),
	CHAT("azure-openai"),
	CHAT("azure-inference"),
	CHAT("mistral"),
	CHAT("groq"),
	CHAT("deepseek"),
	CHAT("openrouter"),
	CHAT("together"),
	CHAT("xai"),
	CHAT("huggingface"),
	CHAT("perplexity"),
	CHAT("cerebras"),
	CHAT("copilot"),
	CHAT("alibaba"),
	CHAT("doubleword"),
	CHAT("gpustack"),
	CHAT("llamacpp"),
	CHAT("local"),
	CHAT("mistralrs"),
	CHAT("moonshot"),
	CHAT("ollama-openai"),
	CHAT("openai-compatible"),
	CHAT("snowflake"),
	CHAT("venice"),
	CHAT("vercel-gateway"),
	CHAT("zai"),
	CHAT("bedrock-openai"),
	CHAT("anthropic-openai"),
	{ "openai-completions", &dialect_openai_completions, CALL_GENERATE },
	{ "azure-openai-completions", &dialect_openai_completions, CALL_GENERATE },
	{ "local-completions", &dialect_openai_completions, CALL_GENERATE },
	{ "together-completions", &dialect_openai_completions, CALL_GENERATE },
#define EMBED(name)                                                        \
	{                                                                  \
		name "-embeddings", &dialect_openai_embeddings, CALL_EMBED \
	}
	EMBED("openai"),
	EMBED("azure-openai"),
	EMBED("mistral"),
	EMBED("openrouter"),
	EMBED("perplexity"),
	EMBED("venice"),
	EMBED("voyage"),
	EMBED("llamacpp"),
	EMBED("doubleword"),
#define RESP(name)                                                          \
	{                                                                   \
		name "-responses", &dialect_openai_responses, CALL_GENERATE \
	}
	RESP("openai"),
	RESP("azure-openai"),
	RESP("xai"),
	RESP("openrouter"),
	RESP("deepseek"),
	RESP("local"),
	RESP("mistralrs"),
	RESP("chatgpt"),
	RESP("copilot"),
	RESP("bedrock"),
	{ "anthropic-messages", &dialect_anthropic, CALL_GENERATE },
	{ "anthropic-messages-count-tokens", &dialect_anthropic, CALL_COUNT_TOKENS },
	{ "local-messages", &dialect_anthropic, CALL_GENERATE },
	{ "vertex-anthropic-messages", &dialect_anthropic, CALL_GENERATE },
	{ "gemini-generate", &dialect_gemini, CALL_GENERATE },
	{ "vertex-gemini-generate", &dialect_gemini, CALL_GENERATE },
	{ "gemini-count-tokens", &dialect_gemini, CALL_COUNT_TOKENS },
	{ "gemini-embeddings", &dialect_gemini, CALL_EMBED },
};

static struct {
	unsigned records, requests, answers, usages, streams, ends, cut, errors, edited, dropped, bad;
} count;

/* What the recording says: the counters as the provider names them. */
struct told {
	bool any;
	int64_t input, output, total, cached, written, reasoning, tool;
};

static void complain(const char *id, const char *what, const char *more)
{
	count.bad++;
	print_error("%s: %s %s\n", id, what, more);
}

static int64_t number(yyjson_val *obj, const char *a, const char *b)
{
	yyjson_val *v = yyjson_obj_get(obj, a);

	if (b)
		v = yyjson_obj_get(v, b);
	return yyjson_is_num(v) ? (int64_t)yyjson_get_num(v) : -1;
}

static int64_t or_zero(int64_t n)
{
	return n < 0 ? 0 : n;
}

static void told_by_openai(yyjson_val *usage, const char *in, const char *out, const char *in_details,
                           const char *out_details, struct told *t)
{
	if (number(usage, in, NULL) < 0 && number(usage, out, NULL) < 0 && number(usage, "total_tokens", NULL) < 0)
		return;
	*t = (struct told){ .any = true,
		            .input = number(usage, in, NULL),
		            .output = or_zero(number(usage, out, NULL)),
		            .total = number(usage, "total_tokens", NULL) };
	t->cached = number(usage, in_details, "cached_tokens");
	if (t->cached < 0)
		t->cached = number(usage, "prompt_cache_hit_tokens", NULL);
	if (t->cached < 0)
		t->cached = number(usage, "cached_tokens", NULL);
	if (t->cached < 0)
		t->cached = number(usage, "cache_read_input_tokens", NULL);
	t->cached = or_zero(t->cached);
	t->written = number(usage, in_details, "cache_write_tokens");
	if (t->written < 0)
		t->written = or_zero(number(usage, "cache_creation_input_tokens", NULL));
	t->reasoning = number(usage, out_details, "reasoning_tokens");
	if (t->reasoning < 0)
		t->reasoning = or_zero(number(usage, "reasoning_tokens", NULL));
	if (t->input < 0)
		t->input = t->total - t->output;
	/* xAI: reasoning is beside the completion, as its total shows. */
	if (t->reasoning > 0 && t->total == t->input + t->output + t->reasoning)
		t->output += t->reasoning;
}

static void told_by_anthropic(yyjson_val *usage, struct told *t)
{
	int64_t input = or_zero(number(usage, "input_tokens", NULL)), output = number(usage, "output_tokens", NULL);
	int64_t cached = or_zero(number(usage, "cache_read_input_tokens", NULL));
	int64_t written = or_zero(number(usage, "cache_creation_input_tokens", NULL));

	if (!yyjson_is_obj(usage))
		return;
	t->any = true;
	t->cached = cached > 0 ? cached : t->cached;
	t->written = written > 0 ? written : t->written;
	t->tool = input > 0 ? input : t->tool; /* here: the plain input */
	t->input = t->tool + t->cached + t->written;
	if (output >= 0) {
		t->output = output;
		t->reasoning = or_zero(number(usage, "output_tokens_details", "thinking_tokens"));
	}
}

static void told_by_gemini(yyjson_val *usage, struct told *t)
{
	if (!yyjson_is_obj(usage))
		return;
	*t = (struct told){ .any = true };
	t->tool = or_zero(number(usage, "toolUsePromptTokenCount", NULL));
	t->input = or_zero(number(usage, "promptTokenCount", NULL)) + t->tool;
	t->cached = or_zero(number(usage, "cachedContentTokenCount", NULL));
	t->reasoning = or_zero(number(usage, "thoughtsTokenCount", NULL));
	t->output = or_zero(number(usage, "candidatesTokenCount", NULL)) + t->reasoning;
}

/* Takes over what one answer, or one event, tells. */
static void listen_to(const struct dialect *d, enum dialect_call call, yyjson_val *root, struct told *t)
{
	yyjson_val *usage = yyjson_obj_get(root, "usage"), *choice;
	size_t i, max;

	switch (d->id) {
	case DIALECT_OPENAI_CHAT:
	case DIALECT_OPENAI_COMPLETIONS:
	case DIALECT_OPENAI_EMBEDDINGS:
	case DIALECTS:
		if (!yyjson_is_obj(usage))
			usage = yyjson_obj_get(yyjson_obj_get(root, "x_groq"), "usage");
		yyjson_arr_foreach(yyjson_obj_get(root, "choices"), i, max, choice) if (!yyjson_is_obj(usage)) usage =
			yyjson_obj_get(choice, "usage");
		told_by_openai(usage, "prompt_tokens", "completion_tokens", "prompt_tokens_details",
		               "completion_tokens_details", t);
		break;
	case DIALECT_OPENAI_RESPONSES:
		if (!yyjson_is_obj(usage))
			usage = yyjson_obj_get(yyjson_obj_get(root, "response"), "usage");
		told_by_openai(usage, "input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details",
		               t);
		break;
	case DIALECT_ANTHROPIC:
		if (!yyjson_is_obj(usage))
			usage = yyjson_obj_get(yyjson_obj_get(root, "message"), "usage");
		if (call == CALL_GENERATE)
			told_by_anthropic(usage, t);
		break;
	case DIALECT_GEMINI:
		if (call != CALL_COUNT_TOKENS)
			told_by_gemini(yyjson_obj_get(root, "usageMetadata"), t);
		break;
	case DIALECT_OPENAI_MEDIA: /* chat is none of its calls */
	case DIALECT_BEDROCK: /* its recordings are those of bedrock_corpus_test */
	case DIALECT_OLLAMA: /* theirs are compared in translate_corpus_test */
	case DIALECT_COHERE:
	case DIALECT_RERANK:
	case DIALECT_VOYAGE:
		break;
	}
}

static void compare(const char *id, const struct told *t, const struct usage *u)
{
	char line[256];

	if (t->any != (u->source == USAGE_REPORTED)) {
		complain(id, "usage", t->any ? "was overlooked" : "was made up");
		return;
	}
	if (!t->any)
		return;
	count.usages++;
	/* xAI's cached tokens may exceed its prompt: then they are no part of it. */
	int64_t input = t->cached > t->input ? t->input + t->cached : t->input;
	if ((int64_t)usage_total_input(u) == input && (int64_t)usage_total_output(u) == t->output &&
	    (int64_t)usage_total_cache_read(u) == t->cached && (int64_t)usage_total_cache_write(u) == t->written &&
	    u->n[USAGE_REASONING] == (t->reasoning > t->output ? t->output : t->reasoning))
		return;
	snprintf(line, sizeof(line),
	         "is %llu+%llu (read %u, write %llu, reasoning %u), told %lld+%lld (%lld, %lld, "
	         "%lld)",
	         (unsigned long long)usage_total_input(u), (unsigned long long)usage_total_output(u),
	         (unsigned)usage_total_cache_read(u), (unsigned long long)usage_total_cache_write(u),
	         u->n[USAGE_REASONING], (long long)input, (long long)t->output, (long long)t->cached,
	         (long long)t->written, (long long)t->reasoning);
	complain(id, "usage", line);
}

static const char *text_of(yyjson_val *record, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(record, key));
}

/* The path behind the host, as a client of the gateway would send it. */
static void split_url(const char *url, struct str *path, struct str *query)
{
	const char *at = url ? strstr(url, "://") : NULL;

	*path = str_from_z(at && strchr(at + 3, '/') ? strchr(at + 3, '/') : "");
	*query = *path;
	*path = str_cut(query, '?');
}

static void try_request(const char *id, const struct dialect *d, enum dialect_call call, yyjson_val *record,
                        struct str body)
{
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *request = yyjson_doc_get_root(doc);
	struct dialect_in in = { .body = body, .call = call };
	struct str pieces[DIALECT_PIECES];
	struct dialect_request rq;
	struct arena arena;
	struct err e;
	size_t n, sum = 0;

	split_url(text_of(record, "url"), &in.path, &in.query);
	/* Vertex and Azure have the model in the path of other APIs' requests. */
	bool in_body = d->id == DIALECT_GEMINI || yyjson_is_str(yyjson_obj_get(request, "model"));
	yyjson_doc_free(doc);
	if (!in_body || (d->id == DIALECT_GEMINI && str_find(in.path, STR("/models/")) == STR_NPOS))
		return;
	arena_init(&arena, 64 << 20);
	count.requests++;
	if (!d->read_request(&arena, &in, &rq, &e)) {
		complain(id, "request:", e.text);
	} else {
		n = dialect_edit_request(&arena, &rq, &(struct dialect_edit){ .keep_routing = true }, pieces);
		for (size_t i = 0; i < n; i++)
			sum += pieces[i].n;
		if (n != 1 || sum != body.n)
			complain(id, "request", "was edited without need");
		/* Edited, it still is a request, for the other model and with usage wanted. */
		struct dialect_edit edit = { .model = STR("other/model \"x\""), .ask_usage = true };
		n = dialect_edit_request(&arena, &rq, &edit, pieces);
		struct buf edited = buf_make(64 << 20);
		for (size_t i = 0; i < n; i++)
			buf_append(&edited, pieces[i]);
		struct dialect_request again;
		in.body = buf_str(&edited);
		if (!d->read_request(&arena, &in, &again, &e))
			complain(id, "edited request:", e.text);
		else if (d->id != DIALECT_GEMINI && !str_eq(again.model, edit.model))
			complain(id, "edited request", "has another model");
		else if (dialect_usage_is_ours(&rq, &edit) && !again.usage_asked)
			complain(id, "edited request", "does not ask for usage");
		buf_fini(&edited);
	}
	arena_fini(&arena);
}

static void try_answer(const char *id, const struct dialect *d, enum dialect_call call, struct str body)
{
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	struct told told = { 0 };
	struct dialect_error error;
	struct arena arena;
	struct usage u;

	arena_init(&arena, 64 << 20);
	enum dialect_answer answer = d->read_answer(&arena, call, body, &u, &error);
	count.answers++;
	if (answer == ANSWER_BROKEN) {
		if (doc && yyjson_is_obj(yyjson_doc_get_root(doc)))
			complain(id, "answer", "is said to be broken");
	} else if (answer == ANSWER_OK && d->id == DIALECT_OPENAI_RESPONSES &&
	           yyjson_get_type(yyjson_obj_get(yyjson_doc_get_root(doc), "choices")) == YYJSON_TYPE_ARR) {
		count.answers--; /* filed among the Responses, but a Chat Completion */
	} else if (answer == ANSWER_OK) {
		listen_to(d, call, yyjson_doc_get_root(doc), &told);
		compare(id, &told, &u);
	} else {
		count.errors++;
	}
	yyjson_doc_free(doc);
	arena_fini(&arena);
}

/* The recording's own story, told line by line. Some hold several streams: it is the first one's. */
static void listen_to_stream(const struct dialect *d, struct str body, struct told *t)
{
	struct str rest = body, type = STR(""), last = type;

	while (rest.p && !str_starts(type, STR("message_stop")) && !str_starts(type, STR("response.completed"))) {
		struct str line = str_cut(&rest, '\n');
		if (!str_starts(line, STR("data:"))) {
			last = str_starts(line, STR("event: ")) ? str_slice(line, 7, line.n) : last;
			continue;
		}
		type = last;
		line = str_slice(line, 5, line.n);
		yyjson_doc *doc = yyjson_read(line.p, line.n, 0);
		if (doc)
			listen_to(d, CALL_GENERATE, yyjson_doc_get_root(doc), t);
		yyjson_doc_free(doc);
	}
}

static void meter_sse(struct stream_meter *m, struct arena *arena, struct str body, unsigned step,
                      struct dialect_error *error)
{
	struct sse_framer framer = { 0 };
	size_t start = 0, at = 0;

	while (at < body.n) {
		struct str run = str_slice(body, at, at + step);
		size_t end = sse_frame(&framer, run);
		if (end == SSE_PARTIAL) {
			at += run.n;
			continue;
		}
		at += end;
		struct stream_event ev = { .bytes = str_slice(body, start, at), .error = error };
		(void)stream_meter_event(m, arena, &ev);
		start = at;
	}
}

/* Where only the gateway asked for usage: what goes on is the same stream, but for the usage that was not asked for. */
static void check_taken_out(const char *id, struct stream_meter *m, struct arena *arena, struct str event)
{
	struct stream_event ev = { .bytes = event };
	struct buf edited = buf_make(1 << 20);

	switch (stream_meter_event(m, arena, &ev)) {
	case STREAM_PASS:
		if (!m->ended && str_find(event, STR("\"usage\":null")) != STR_NPOS &&
		    str_find(event, STR("x_groq")) == STR_NPOS)
			complain(id, "event", "still says that usage is null");
		break;
	case STREAM_ERROR: break;
	case STREAM_BROKEN: complain(id, "event", "is called broken"); break;
	case STREAM_DROP:
		count.dropped++;
		if (str_find(event, STR("\"choices\":[]")) == STR_NPOS &&
		    str_find(event, STR("\"choices\": []")) == STR_NPOS)
			complain(id, "event", "was dropped with its choices");
		break;
	case STREAM_EDIT:
		count.edited++;
		buf_append(&edited, ev.piece[0]);
		buf_append(&edited, ev.piece[1]);
		yyjson_doc *before = yyjson_read(event.p + 5, event.n - 5, 0);
		yyjson_doc *after = edited.n > 5 ? yyjson_read(edited.p + 5, edited.n - 5, 0) : NULL;
		if (!after || yyjson_obj_get(yyjson_doc_get_root(after), "usage") ||
		    yyjson_obj_size(yyjson_doc_get_root(after)) + 1 != yyjson_obj_size(yyjson_doc_get_root(before)))
			complain(id, "event", "was edited badly");
		yyjson_doc_free(before);
		yyjson_doc_free(after);
		break;
	}
	buf_fini(&edited);
}

static void take_usage_out(const char *id, const struct dialect *d, struct arena *arena, struct str body)
{
	struct sse_framer framer = { 0 };
	struct stream_meter m;
	size_t end;

	stream_meter_init(&m, d, FRAMING_SSE, true);
	while (body.n && (end = sse_frame(&framer, body)) != SSE_PARTIAL) {
		check_taken_out(id, &m, arena, str_slice(body, 0, end));
		body = str_slice(body, end, body.n);
	}
}

static void meter_array(struct stream_meter *m, struct arena *arena, struct str body, struct dialect_error *error)
{
	struct array_framer framer = { 0 };
	bool bad = false;
	size_t n;

	while (body.n && (n = array_framer_next(&framer, body, &bad)) > 0) {
		struct stream_event ev = { .bytes = str_slice(body, 0, n), .error = error };
		(void)stream_meter_event(m, arena, &ev);
		body = str_slice(body, n, body.n);
	}
	assert_false(bad);
}

/* `made_up`: the framing is not the provider's own, and may lack its end. */
static void try_stream(const char *id, const struct dialect *d, struct str body, bool made_up)
{
	struct told told = { 0 };
	struct dialect_error error;
	struct stream_meter m;
	struct arena arena;
	bool array = d->id == DIALECT_GEMINI && body.n && body.p[0] == '[';

	arena_init(&arena, 1 << 20);
	stream_meter_init(&m, d, array ? FRAMING_JSON_ARRAY : FRAMING_SSE, false);
	if (array) {
		meter_array(&m, &arena, body, &error);
		yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
		yyjson_val *item;
		size_t i, max;
		yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, item) listen_to(d, CALL_GENERATE, item, &told);
		yyjson_doc_free(doc);
	} else {
		meter_sse(&m, &arena, body, 1 + (unsigned)(body.n % 97), &error);
		if (made_up && !m.ended && !str_ends(body, STR("\n\n")) && !str_ends(body, STR("\r\n\r\n"))) {
			arena_fini(&arena);
			count.cut++;
			return;
		}
		listen_to_stream(d, body, &told);
	}
	count.streams++;
	if (d->id == DIALECT_OPENAI_CHAT || d->id == DIALECT_OPENAI_COMPLETIONS)
		take_usage_out(id, d, &arena, body);
	compare(id, &told, &m.usage);
	switch (stream_meter_end(&m, true)) {
	case STREAM_END_CLEAN: count.ends++; break;
	case STREAM_END_FAILED: count.errors++; break;
	case STREAM_END_CUT:
		count.cut++;
		if (!made_up)
			complain(id, "stream:", "no end was seen");
		break;
	}
	arena_fini(&arena);
}

static void try_record(const struct dialect *d, enum dialect_call call, yyjson_val *record)
{
	const char *id = text_of(record, "id");
	yyjson_val *request = yyjson_obj_get(record, "request_body"),
		   *response = yyjson_obj_get(record, "response_body");
	struct str body = { yyjson_get_str(response), yyjson_get_len(response) };
	int64_t status = yyjson_get_sint(yyjson_obj_get(record, "status"));

	count.records++;
	if (yyjson_is_str(request) && !yyjson_obj_get(record, "request_body_encoding") &&
	    yyjson_get_str(request)[0] == '{')
		try_request(id, d, call, record, str_of(yyjson_get_str(request), yyjson_get_len(request)));
	if (!yyjson_is_str(response) || yyjson_is_str(yyjson_obj_get(record, "response_body_encoding")) || body.n == 0)
		return;
	if (status >= 400) {
		struct dialect_error error;
		dialect_read_error((int)status, body, NULL, 0, &error);
		count.errors++;
		if (error.err.code == ERR_NONE || error.err.text[0] == '\0')
			complain(id, "error", "has no class");
		return;
	}
	bool array = d->id == DIALECT_GEMINI && body.p[0] == '[';
	if (d->meter_event && (array || str_find(str_slice(body, 0, 4096), STR("data:")) < 200))
		try_stream(id, d, body, strcmp(text_of(record, "fidelity"), "response-only") == 0);
	else
		try_answer(id, d, call, body);
}

static void try_file(const char *name, const char *kind, const struct dialect *d, enum dialect_call call)
{
	char path[256], command[300], *line = NULL;
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
		try_record(d, call, yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static void recordings_are_metered_as_they_say(void **state)
{
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		try_file(files[i].file, "unary", files[i].dialect, files[i].call);
		try_file(files[i].file, "stream", files[i].dialect, files[i].call);
	}
	print_message("%u records: %u requests read and edited, %u answers, %u streams (%u ended well, %u lack their "
	              "end), %u errors, %u usages equal\n",
	              count.records, count.requests, count.answers, count.streams, count.ends, count.cut, count.errors,
	              count.usages);
	print_message("usage that only the gateway asked for: %u events edited, %u dropped\n", count.edited,
	              count.dropped);
	assert_int_equal(count.bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings_are_metered_as_they_say) };

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
