/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: what translation costs: CPU time of a request and its answer of 4 KB each, and of an event of a stream,
 * from each dialect to each other, by the gateway's own code: parsing, reading, writing, and the same on the way back.
 * `make bench-translate` prints the table; tests/perf counts instructions with:
 *
 *	translate request|event TIMES     OpenAI's clients, Anthropic's provider
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"
#include "gateway/translation.h"
#include "model/facts.h"
#include "model/quirk.h"

enum { MEMORY_MAX = 64 << 20, EVENTS = 1000 };

static const struct dialect *const dialects[] = { &dialect_openai_chat, &dialect_openai_responses, &dialect_anthropic,
	                                          &dialect_gemini, &dialect_bedrock };
enum { N = COUNT_OF(dialects) };

static const char *const models[N] = { "gpt-5.2", "gpt-5.2", "claude-sonnet-4-5", "gemini-3-pro-preview",
	                               "anthropic.claude-sonnet-4-5-20250929-v1:0" };

/* What each dialect's client sends, its provider answers, and streams. */
static struct {
	struct buf request, answer, stream;
} texts[N];

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct chat_target target_of(unsigned i)
{
	struct str model = str_from_z(models[i]);

	return (struct chat_target){ .model = jstr_of(model.p, model.n),
		                     .facts = model_facts_by_name(model),
		                     .ask_usage = true,
		                     .quirks = QUIRK_MAX_COMPLETION_TOKENS | QUIRK_DEVELOPER_ROLE,
		                     .bedrock_claude = dialects[i]->id == DIALECT_BEDROCK };
}

static struct chat_reply reply_of(unsigned i)
{
	return (struct chat_reply){ .id = JSTR("01J0000000000000000000000Z"),
		                    .created_s = 1700000000,
		                    .model = JSTR("m"),
		                    .usage_asked = true,
		                    .max_bytes = MEMORY_MAX,
		                    .framing = dialects[i]->chat->framing == FRAMING_WHOLE
		                                       ? FRAMING_SSE
		                                       : dialects[i]->chat->framing };
}

/* ---- what is translated ------------------------------------------------------------------------------------------ */

/* English up to so many bytes. */
static void put_words(struct buf *out, size_t n)
{
	static const char words[] =
		"The quick brown fox jumps over the lazy dog, and asks \\\"why?\\\" before it goes on. ";

	while (n) {
		size_t part = n < sizeof words - 1 ? 0 : sizeof words - 1;
		if (!part)
			break;
		buf_append(out, str_of(words, part));
		n -= part;
	}
}

static void make_request(struct buf *out)
{
	buf_append(
		out,
		STR("{\"model\":\"m\",\"max_completion_tokens\":2048,\"messages\":[{\"role\":\"system\","
		    "\"content\":\""));
	put_words(out, 900);
	buf_append(out, STR("\"},{\"role\":\"user\",\"content\":\""));
	put_words(out, 700);
	buf_append(
		out,
		STR("\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
		    "\"type\":\"function\",\"function\":{"
	            "\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\",\\\"days\\\":3}\"}}]},"
	            "{\"role\":\"tool\","
	            "\"tool_call_id\":\"call_1\",\"content\":\""));
	put_words(out, 600);
	buf_append(out, STR("\"},{\"role\":\"user\",\"content\":\""));
	put_words(out, 500);
	buf_append(out, STR("\"}],\"tools\":["));
	for (int i = 0; i < 4; i++) {
		buf_printf(
			out,
			"%s{\"type\":\"function\",\"function\":{\"name\":\"%s\",\"description\":\"Tells the weather of "
			"a city for some days.\","
			"\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\","
			"\"description\":\"its name\"},"
			"\"days\":{\"type\":\"integer\"}},\"required\":[\"city\"],\"additionalProperties\":false}}}",
			i ? "," : "", (const char *[]){ "get_weather", "get_rain", "get_wind", "get_sun" }[i]);
	}
	buf_append(out, STR("],\"tool_choice\":\"auto\"}"));
}

static void make_answer(struct buf *out)
{
	buf_append(
		out,
		STR("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\","
		    "\"choices\":[{\"index\":0,"
	            "\"message\":{\"role\":\"assistant\",\"content\":\""));
	put_words(out, 3500);
	buf_append(
		out,
		STR("\",\"tool_calls\":[{\"id\":\"call_2\",\"type\":\"function\","
		    "\"function\":{\"name\":\"get_weather\",\"arguments\":"
	            "\"{\\\"city\\\":\\\"Rome\\\",\\\"days\\\":1}\"}}]},\"finish_reason\":\"tool_calls\"}],"
	            "\"usage\":{\"prompt_tokens\":900,"
	            "\"completion_tokens\":800,\"total_tokens\":1700,\"prompt_tokens_details\":{\"cached_tokens\":512}}"
	            "}"));
}

static void read_request(struct arena *a, unsigned client, struct chat_request *rq)
{
	struct dialect_request in = { .dialect = dialects[client], .model = STR("m"), .call = CALL_GENERATE };
	struct err e = { 0 };
	const struct json_node *root = json_nodes(a, buf_str(&texts[client].request), REQUEST_DEPTH_MAX, &e);
	bool good = root && dialects[client]->chat->read_request(a, &in, root, rq, &e);

	assert(good);
}

static struct str write_request(struct arena *a, const struct chat_request *rq, unsigned provider)
{
	struct chat_wire wire = { .drops.arena = a };
	struct chat_target target = target_of(provider);
	struct err e = { 0 };
	bool good = dialects[provider]->chat->write_request(a, rq, &target, &wire, &e);

	assert(good);
	return wire.body;
}

static void tell_answer(struct arena *a, unsigned provider, unsigned client, struct buf *out)
{
	struct chat_source source = { .model = JSTR("m"), .bedrock_claude = dialects[provider]->id == DIALECT_BEDROCK };
	struct chat_reply reply = reply_of(client);
	struct chat_drops drops = { .arena = a };
	struct chat_response rs = { 0 };
	struct err e = { 0 };
	const struct json_node *root = json_nodes(a, buf_str(&texts[provider].answer), ANSWER_DEPTH_MAX, &e);
	bool good = root && dialects[provider]->chat->read_response(a, &source, root, &rs, &e) &&
	            dialects[client]->chat->write_response(a, &rs, &reply, out, &drops);

	assert(good);
}

static void make_stream(struct arena *a, unsigned provider, struct buf *out)
{
	static struct chat_block text = { .kind = CHAT_TEXT };
	const struct chat_codec *codec = dialects[provider]->chat;
	struct chat_reply reply = reply_of(provider);
	void *writer = calloc(1, codec->writer_size + 1);
	struct chat_events events = { 0 };
	bool good = !codec->writer_init || codec->writer_init(writer, &reply);

	chat_event_add(a, &events, EVENT_START)->start.id = JSTR("1");
	chat_event_add(a, &events, EVENT_OPEN)->open = &text;
	for (int i = 0; i < EVENTS; i++)
		chat_delta_add(a, &events, 0, DELTA_TEXT, JSTR(" and some words more"));
	chat_event_add(a, &events, EVENT_CLOSE);
	chat_event_add(a, &events, EVENT_FINISH)->finish.stop = STOP_END;
	chat_event_add(a, &events, EVENT_USAGE)->usage =
		(struct usage){ .n[USAGE_INPUT] = 9, .n[USAGE_OUTPUT] = 5000, .source = USAGE_REPORTED };
	chat_event_add(a, &events, EVENT_END);
	for (const struct chat_event *e = events.first; e; e = e->next)
		good = good && codec->write_event(writer, a, e, out);
	assert(good);
	if (codec->writer_fini)
		codec->writer_fini(writer);
	free(writer);
}

/* Chat Completions by hand, the others by their writers. */
static void make_texts(void)
{
	for (unsigned i = 0; i < N; i++) {
		struct chat_request rq = { 0 };
		struct arena arena;

		texts[i].request = texts[i].answer = texts[i].stream = buf_make(MEMORY_MAX);
		arena_init(&arena, MEMORY_MAX);
		if (i == 0) {
			make_request(&texts[0].request);
			make_answer(&texts[0].answer);
		} else {
			read_request(&arena, 0, &rq);
			buf_append(&texts[i].request, write_request(&arena, &rq, i));
			tell_answer(&arena, 0, i, &texts[i].answer);
		}
		make_stream(&arena, i, &texts[i].stream);
		arena_fini(&arena);
	}
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static void one_request(unsigned client, unsigned provider)
{
	struct buf out = buf_make(MEMORY_MAX);
	struct chat_request rq = { 0 };
	struct arena arena;

	arena_init(&arena, MEMORY_MAX);
	read_request(&arena, client, &rq);
	(void)write_request(&arena, &rq, provider);
	tell_answer(&arena, provider, client, &out);
	buf_fini(&out);
	arena_fini(&arena);
}

/* As it comes from a socket: in pieces of some events. */
static void one_stream(unsigned client, unsigned provider)
{
	static const struct chat_undo none = { 0 };
	struct translation_options o = { .provider = dialects[provider]->chat,
		                         .client = dialects[client]->chat,
		                         .source.model = JSTR("m"),
		                         .undo = &none,
		                         .reply = reply_of(client),
		                         .frame_max_bytes = MEMORY_MAX };
	struct translation *t = translation_new(&o);
	struct str rest = buf_str(&texts[provider].stream);
	enum translated got = TRANSLATED_ON;
	struct buf out = buf_make(MEMORY_MAX);
	struct dialect_error error;
	struct arena arena;
	struct err e = { 0 };

	assert(t);
	arena_init(&arena, MEMORY_MAX);
	while (got == TRANSLATED_ON && rest.n) {
		size_t n = rest.n < 1400 ? rest.n : 1400;
		got = translation_take(t, &arena, str_slice(rest, 0, n), &out, &error, &e);
		rest = str_slice(rest, n, rest.n);
		buf_clear(&out);
	}
	if (got == TRANSLATED_ON)
		got = translation_finish(t, &arena, &out, &error, &e);
	assert(got == TRANSLATED_END);
	translation_free(t);
	buf_fini(&out);
	arena_fini(&arena);
}

/* Microseconds of CPU for one, the best of some rounds: others use this machine too. */
static double measure(void (*f)(unsigned, unsigned), unsigned client, unsigned provider, int times)
{
	double best = 1e9;

	for (int round = 0; round < 5; round++) {
		double begin = cpu_seconds(), spent;
		for (int i = 0; i < times; i++)
			f(client, provider);
		spent = (cpu_seconds() - begin) / times * 1e6;
		best = spent < best ? spent : best;
	}
	return best;
}

static void print_table(const char *title, void (*f)(unsigned, unsigned), int times, double parts)
{
	printf("%s\n%-18s", title, "client \\ provider");
	for (unsigned p = 0; p < N; p++)
		printf(" %16s", dialects[p]->name);
	printf("\n");
	for (unsigned c = 0; c < N; c++) {
		printf("%-18s", dialects[c]->name);
		for (unsigned p = 0; p < N; p++)
			if (p == c)
				printf(" %16s", "-");
			else
				printf(" %16.2f", measure(f, c, p, times) / parts);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	dialect_init();
	make_texts();
	if (argc == 3) {
		for (int i = atoi(argv[2]); i > 0; i--)
			(strcmp(argv[1], "request") == 0 ? one_request : one_stream)(0, 2);
		return 0;
	}
	printf("OpenAI's request %zu bytes, Anthropic's answer %zu bytes: "
	       "%.1f us of CPU a request and its answer (goal: 15)\n",
	       texts[0].request.n, texts[2].answer.n, measure(one_request, 0, 2, 2000));
	printf("Anthropic's stream to OpenAI's client: %.2f us of CPU an event (goal: 2)\n",
	       measure(one_stream, 0, 2, 10) / EVENTS);
	print_table("\nus of CPU a request and its answer", one_request, 500, 1);
	print_table("\nus of CPU an event of a stream", one_stream, 3, EVENTS);
	return 0;
}
