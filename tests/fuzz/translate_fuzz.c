/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request, an answer and a stream of one dialect, written in another. The first byte chooses the pair, the
 * second the model that is asked. What is written is valid JSON, and its own reader takes it; nothing crashes.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "model/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_BYTES = 4 << 20 };

static const struct dialect *const dialects[] = {
	&dialect_openai_chat, &dialect_openai_completions, &dialect_openai_responses,
	&dialect_anthropic,   &dialect_gemini,             &dialect_bedrock,
};

static const char *const models[] = {
	"claude-sonnet-4-5", "claude-opus-5", "claude-3-5-haiku", "gpt-5", "gpt-4o", "o3-mini", "gemini-2.5-pro",
	"gemini-3-pro", "amazon.nova-pro-v1:0", "unheard-of",
};

static const struct chat_reply reply = { .id = { "01J", 3 }, .model = { "m", 1 }, .max_bytes = MAX_BYTES,
	                                 .framing = FRAMING_SSE };

static bool is_json(struct str s)
{
	struct json_fault fault;

	return json_scan(NULL, s, JSON_DEPTH_MAX, NULL, &fault);
}

static void try_request(const struct dialect *from, const struct dialect *to, const char *model, struct str body)
{
	struct chat_target target = { .model = jstr_of(model, strlen(model)),
		                      .facts = model_facts_by_name(str_from_z(model)),
		                      .bedrock_claude = strstr(model, "claude") != NULL, .ask_usage = true };
	struct dialect_request in = { .dialect = from, .call = CALL_GENERATE, .body = body, .model = STR("m") };
	struct chat_request rq = { .from = (uint8_t)from->id }, again = { .from = (uint8_t)to->id };
	struct chat_wire wire = { 0 };
	struct arena arena;
	struct err e = { 0 };

	arena_init(&arena, MAX_BYTES);
	wire.drops.arena = &arena;
	const struct json_node *root = json_nodes(&arena, body, REQUEST_DEPTH_MAX, &e);
	if (!root || !from->chat->read_request(&arena, &in, root, &rq, &e)) {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
	} else if (!to->chat->write_request(&arena, &rq, &target, &wire, &e)) {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
	} else {
		assert(is_json(wire.body));
		in.dialect = to;
		in.body = wire.body;
		root = json_nodes(&arena, wire.body, JSON_DEPTH_MAX, &e);
		/* It may still be refused: what is written is for the provider to judge. */
		if (root)
			(void)to->chat->read_request(&arena, &in, root, &again, &e);
	}
	arena_fini(&arena);
}

static void try_answer(const struct dialect *from, const struct dialect *to, struct str body)
{
	struct chat_source source = { 0 };
	struct chat_response rs = { .from = (uint8_t)from->id };
	struct buf out = buf_make(MAX_BYTES);
	struct arena arena;
	struct err e = { 0 };

	arena_init(&arena, MAX_BYTES);
	struct chat_drops drops = { .arena = &arena };
	const struct json_node *root = json_nodes(&arena, body, ANSWER_DEPTH_MAX, &e);
	if (root && from->chat->read_response(&arena, &source, root, &rs, &e)) {
		if (to->chat->write_response(&arena, &rs, &reply, &out, &drops))
			assert(is_json(buf_str(&out)));
	} else {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
	}
	arena_fini(&arena);
	buf_fini(&out);
}

/* The data of each frame of SSE is JSON on one line. */
static void check_frames(struct str out)
{
	while (out.n) {
		size_t end = str_find(out, STR("\n\n")), crlf = str_find(out, STR("\r\n\r\n"));
		bool by_crlf = crlf < end;
		end = by_crlf ? crlf : end;
		assert(end != STR_NPOS);
		struct str frame = str_slice(out, 0, end), data;
		out = str_slice(out, end + (by_crlf ? 4 : 2), out.n);
		size_t at = str_find(frame, STR("data: "));
		if (at == STR_NPOS)
			continue;
		data = str_slice(frame, at + 6, frame.n);
		assert(str_eq(data, STR("[DONE]")) || is_json(data));
	}
}

struct pipe {
	const struct chat_codec *from, *to;
	void *reader, *writer;
	struct chat_order *order;
	struct arena arena;
	struct buf out;
};

/* False: the stream is over. */
static bool push(struct pipe *p, struct str name, struct str data)
{
	struct arena_mark mark = arena_mark(&p->arena);
	struct chat_frame frame = { .name = name, .data = data };
	struct chat_events events = { 0 };
	struct dialect_error error;
	struct err e = { 0 };
	bool good = p->from->read_event(p->reader, &p->arena, &frame, &events, &error, &e) == CHAT_READ_OK;

	if (good && p->order)
		good = chat_order_add(p->order, &p->arena, &events);
	for (const struct chat_event *ev = events.first; good && ev; ev = ev->next)
		good = p->to->write_event(p->writer, &p->arena, ev, &p->out);
	arena_rewind(&p->arena, mark);
	return good;
}

/* A line is a frame: "name data". */
static void try_stream(const struct dialect *from, const struct dialect *to, struct str body)
{
	static const struct chat_source source;
	struct pipe p = { .from = from->chat, .to = to->chat, .out = buf_make(MAX_BYTES) };

	p.reader = calloc(1, p.from->reader_size + 1);
	p.writer = calloc(1, p.to->writer_size + 1);
	p.order = chat_order_new(p.to, MAX_BYTES);
	arena_init(&p.arena, MAX_BYTES);
	assert(!p.from->reader_init || p.from->reader_init(p.reader, &source));
	assert(!p.to->writer_init || p.to->writer_init(p.writer, &reply));
	bool on = true;
	while (body.p && on) {
		struct str line = str_cut(&body, '\n'), name = str_of(NULL, 0);
		if (line.n && line.p[0] != '{')
			name = str_cut(&line, ' ');
		on = !line.n || push(&p, name, line);
	}
	if (on)
		push(&p, STR(""), (struct str){ 0 });
	if (!p.out.failed && to->id != DIALECT_BEDROCK)
		check_frames(buf_str(&p.out));
	if (p.from->reader_fini)
		p.from->reader_fini(p.reader);
	if (p.to->writer_fini)
		p.to->writer_fini(p.writer);
	chat_order_free(p.order);
	arena_fini(&p.arena);
	buf_fini(&p.out);
	free(p.reader);
	free(p.writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	const size_t count = sizeof dialects / sizeof *dialects;

	if (!ready)
		dialect_init();
	ready = true;
	if (n < 2)
		return 0;
	const struct dialect *from = dialects[data[0] % count], *to = dialects[data[0] / count % count];
	struct str body = str_of((const char *)data + 2, n - 2);
	if (!from->chat || !to->chat)
		return 0;
	try_request(from, to, models[data[1] % (sizeof models / sizeof *models)], body);
	try_answer(from, to, body);
	try_stream(from, to, body);
	return 0;
}
