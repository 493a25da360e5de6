/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens_corpus: what we count against what providers reported, for the recorded exchanges of ../shared/corpus, where
 * that folder is there. Prints the table of docs/tokens.md: a row for each family of tokenizers, of requests that are
 * text alone and of those with tools; the error as it is by default, and after learning from the same recordings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/stream.h"
#include "lib/check.h"
#include "model/count.h"
#include "net/sse.h"

#define FOLDER "../shared/corpus"

static const struct {
	const char *file;
	const struct dialect *dialect;
} files[] = {
	{ "openai-chat", &dialect_openai_chat },
	{ "azure-openai-chat", &dialect_openai_chat },
	{ "anthropic-messages", &dialect_anthropic },
	{ "vertex-anthropic-messages", &dialect_anthropic },
	{ "gemini-generate", &dialect_gemini },
	{ "vertex-gemini-generate", &dialect_gemini },
	{ "mistral-chat", &dialect_openai_chat },
	{ "deepseek-chat", &dialect_openai_chat },
	{ "groq-chat", &dialect_openai_chat },
	{ "xai-chat", &dialect_openai_chat },
	{ "together-chat", &dialect_openai_chat },
	{ "cerebras-chat", &dialect_openai_chat },
	{ "alibaba-chat", &dialect_openai_chat },
	{ "moonshot-chat", &dialect_openai_chat },
	{ "zai-chat", &dialect_openai_chat },
};

enum { PLAIN, WITH_TOOLS, KINDS, ERRORS_MAX = 4096 };

/* Errors in ten-thousandths, absolute. */
struct errors {
	unsigned n;
	uint32_t by_default[ERRORS_MAX], learned[ERRORS_MAX];
	uint64_t told, counted;
};
static struct errors errors[TOKEN_FAMILIES][KINDS];

static struct usage usage_of(const struct dialect *d, struct arena *arena, struct str body)
{
	struct usage u = { 0 };
	struct dialect_error error;
	struct stream_meter m;
	struct sse_framer framer = { 0 };
	size_t end;

	if (str_find(str_slice(body, 0, 4096), STR("data:")) > 200) {
		if (d->read_answer(arena, CALL_GENERATE, body, &u, &error) != ANSWER_OK)
			u.source = USAGE_NONE;
		return u;
	}
	stream_meter_init(&m, d, FRAMING_SSE, false);
	while (body.n && (end = sse_frame(&framer, body)) != SSE_PARTIAL) {
		struct stream_event ev = { .bytes = str_slice(body, 0, end) };
		(void)stream_meter_event(&m, arena, &ev);
		body = str_slice(body, end, body.n);
	}
	return m.usage;
}

static bool read_chat(const struct dialect *d, struct arena *arena, yyjson_val *record, struct chat_request *out,
                      struct str *model)
{
	yyjson_val *request = yyjson_obj_get(record, "request_body");
	const char *url = yyjson_get_str(yyjson_obj_get(record, "url"));
	const char *host = url ? strstr(url, "://") : NULL, *path = host ? strchr(host + 3, '/') : NULL;
	struct dialect_in in = { .body = { yyjson_get_str(request), yyjson_get_len(request) } };
	struct dialect_request rq;
	struct err e;

	if (!yyjson_is_str(request) || yyjson_obj_get(record, "request_body_encoding") || in.body.n == 0)
		return false;
	in.query = str_from_z(path);
	in.path = str_cut(&in.query, '?');
	if (!d->chat || !d->read_request(arena, &in, &rq, &e))
		return false;
	const struct json_node *body = json_nodes(arena, in.body, REQUEST_DEPTH_MAX, &e);
	*out = (struct chat_request){ .from = (uint8_t)d->id };
	*model = rq.model;
	return body && d->chat->read_request(arena, &rq, body, out, &e);
}

static uint32_t error_of(uint64_t counted, uint64_t told)
{
	uint64_t off = counted > told ? counted - told : told - counted;

	return (uint32_t)(off * 10000 / told);
}

/* What the rows of families are made from: one line a request. */
static void describe(const char *id, struct str model, const struct chat_request *q, const struct token_count *count,
                     uint64_t told)
{
	unsigned turns = 0, tools = 0, calls = 0, results = 0;

	for (const struct chat_turn *t = q->turns; t; t = t->next) {
		turns++;
		for (const struct chat_block *b = t->blocks; b; b = b->next) {
			calls += b->kind == CHAT_TOOL_CALL;
			results += b->kind == CHAT_TOOL_RESULT;
		}
	}
	for (const struct chat_tool *t = q->tools; t; t = t->next)
		tools++;
	print_message("told %u counted %u texts %u turns %u system %d tools %u calls %u results %u choice %u "
	              "thinking %u format %u %s %.*s\n",
	              (unsigned)told, (unsigned)count->tokens, (unsigned)count->text_tokens, turns, q->system != NULL,
	              tools, calls, results, q->choice, q->thinking, q->format, id, STR_ARG(model));
}

static void try_record(const struct dialect *d, yyjson_val *record, struct estimator *learning)
{
	yyjson_val *response = yyjson_obj_get(record, "response_body");
	struct chat_request chat;
	struct token_count count;
	struct arena arena;
	struct str model;

	arena_init(&arena, 64 << 20);
	if (yyjson_get_sint(yyjson_obj_get(record, "status")) == 200 && yyjson_is_str(response) &&
	    !yyjson_is_str(yyjson_obj_get(record, "response_body_encoding")) &&
	    read_chat(d, &arena, record, &chat, &model)) {
		struct usage u = usage_of(d, &arena, str_of(yyjson_get_str(response), yyjson_get_len(response)));
		uint64_t told = usage_total_input(&u);
		chat_count_tokens(NULL, &chat, model, &arena, &count);
		struct errors *e = &errors[count.family][chat.tools ? WITH_TOOLS : PLAIN];
		bool named = !str_eq(model, STR("unknown")); /* some recordings had it taken out */
		if (u.source == USAGE_REPORTED && told > 0 && !count.guessed && named && e->n < ERRORS_MAX) {
			e->by_default[e->n] = error_of(count.tokens, told);
			if (getenv("TOKENS_VERBOSE"))
				describe(yyjson_get_str(yyjson_obj_get(record, "id")), model, &chat, &count, told);
			e->told += told;
			e->counted += count.tokens;
			chat_count_tokens(learning, &chat, model, &arena, &count);
			e->learned[e->n++] = error_of(count.tokens, told);
			chat_count_learn(learning, &count, told);
		}
	}
	arena_fini(&arena);
}

static bool try_file(const char *name, const char *kind, const struct dialect *d, struct estimator *learning)
{
	char command[256];
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(command, sizeof command, "%s/%s.%s.jsonl.gz", FOLDER, name, kind);
	if (access(command, R_OK) != 0)
		return false;
	snprintf(command, sizeof command, "gzip -dc %s/%s.%s.jsonl.gz", FOLDER, name, kind);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		assert_non_null(doc);
		try_record(d, yyjson_doc_get_root(doc), learning);
		yyjson_doc_free(doc);
	}
	free(line);
	pclose(f);
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Mean and median in percent; sorts. */
static double mean_of(uint32_t *v, unsigned n, double *median)
{
	double sum = 0;

	qsort(v, n, sizeof *v, by_number);
	for (unsigned i = 0; i < n; i++)
		sum += v[i];
	*median = n ? v[n / 2] / 100.0 : 0;
	return n ? sum / n / 100 : 0;
}

static void print_row(enum token_family_id id, unsigned kind)
{
	struct errors *e = &errors[id][kind];
	double median, learned_median, mean, learned;

	if (e->n == 0)
		return;
	mean = mean_of(e->by_default, e->n, &median);
	learned = mean_of(e->learned, e->n, &learned_median);
	printf("| %s | %s | %u | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %+.1f %% |\n", token_family(id)->name.p,
	       kind == PLAIN ? "text" : "tools", e->n, mean, median, learned, learned_median,
	       100.0 * ((double)e->counted / (double)e->told - 1));
}

static void counts_are_near_to_what_was_reported(void **state)
{
	static struct estimator learning;
	unsigned found = 0;

	dialect_init();
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		found += try_file(files[i].file, "unary", files[i].dialect, &learning);
		found += try_file(files[i].file, "stream", files[i].dialect, &learning);
	}
	if (!found) {
		print_message("no " FOLDER " here: skipped\n");
		skip();
	}
	printf("| family | requests | number | mean error | median | learned: mean | median | sum |\n"
	       "|---|---|---|---|---|---|---|---|\n");
	for (unsigned id = 0; id < TOKEN_FAMILIES; id++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			print_row(id, kind);
	double sum = 0;
	unsigned n = 0;
	for (enum token_family_id id = FAMILY_O200K; id <= FAMILY_CL100K; id++) {
		for (unsigned i = 0; i < errors[id][PLAIN].n; i++)
			sum += errors[id][PLAIN].by_default[i];
		n += errors[id][PLAIN].n;
	}
	printf("OpenAI, text alone: %u requests, mean error %.2f %%\n", n, sum / n / 100);
	assert_true(n > 500 && sum / n <= 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_near_to_what_was_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
