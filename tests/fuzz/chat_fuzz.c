/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat_fuzz: hostile requests, answers and streams of every dialect, on their way to every other. The first three bytes
 * choose where from, where to, and what. Requests and answers are JSON texts. A stream is lines: the event's name, a
 * blank, its data; a '!' in front: an exception.
 *
 * What must hold: nothing breaks; what is refused is described; what is written is JSON, and in the target's framing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "gateway/frames.h"
#include "model/facts.h"

enum { MEMORY_MAX = 8 << 20 };

static const struct chat_reply reply = {
	.id = { "01J0000000000000000000000Z", 26 },
	.created_s = 1700000000,
	.model = { "m", 1 },
	.usage_asked = true,
	.max_bytes = 1 << 20,
};

static const char *const models[] = {
	"anthropic.claude-sonnet-4-20250514-v1:0",
	"claude-opus-4-8",
	"gpt-5.2",
	"gpt-4o",
	"gemini-2.5-pro",
	"gemini-3-pro",
	"amazon.nova-lite-v1:0",
	"nobody-knows-it",
};

/* The n-th dialect that can be translated. */
static const struct dialect *nth(unsigned n)
{
	const struct dialect *able[DIALECTS];
	unsigned count = 0;

	for (unsigned i = 0; i < DIALECTS; i++)
		if (dialect_by_id((enum dialect_id)i)->chat)
			able[count++] = dialect_by_id((enum dialect_id)i);
	return able[n % count];
}

static void check_json(struct str s)
{
	struct json_fault fault;

	assert(json_scan(NULL, s, JSON_DEPTH_MAX, NULL, &fault));
}

static void try_request(const struct chat_codec *from, const struct chat_codec *to, struct arena *a, struct str body,
                        const char *name)
{
	struct chat_target target = { .model = jstr_of(name, strlen(name)),
		                      .facts = model_facts_by_name(str_from_z(name)),
		                      .bedrock_claude = strstr(name, "claude") != NULL };
	struct dialect_request in = { .model = STR("m"), .call = CALL_GENERATE };
	struct chat_wire wire = { .drops.arena = a };
	struct chat_reply more = reply;
	struct chat_request rq = { 0 };
	struct err e = { 0 };
	const struct json_node *root = json_nodes(a, body, REQUEST_DEPTH_MAX, &e);

	/* the gateway has seen that it is an object */
	if (!node_is(root, JSON_OBJECT))
		return;
	if (!from->read_request(a, &in, root, &rq, &e)) {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
		return;
	}
	if (from->fill_reply)
		(void)from->fill_reply(a, &rq, &more);
	if (to->write_request(a, &rq, &target, &wire, &e))
		check_json(wire.body);
	else
		assert(e.code != ERR_NONE && e.text[0] != '\0');
}

static void check_stream(const struct chat_codec *to, struct str bytes)
{
	enum dialect_framing framing = to->framing == FRAMING_WHOLE ? FRAMING_SSE : to->framing;
	struct chat_frame frame;
	enum frames_got got;
	struct frames f;

	frames_init(&f, framing, MEMORY_MAX);
	while ((got = frames_next(&f, &bytes, &frame)) == FRAMES_ONE)
		if (frame.data.n && !str_eq(str_trim(frame.data), STR("[DONE]")))
			check_json(frame.data);
	assert(got == FRAMES_NONE && frames_at_boundary(&f));
	frames_fini(&f);
}

struct sink {
	const struct chat_codec *to;
	void *writer;
	struct chat_order *order;
	struct buf out;
	bool full, ended;
};

static void sink_init(struct sink *s, const struct chat_codec *to)
{
	*s = (struct sink){ .to = to,
		            .writer = calloc(1, to->writer_size ? to->writer_size : 1),
		            .order = chat_order_new(to, MEMORY_MAX),
		            .out = buf_make(MEMORY_MAX) };
	assert(!to->writer_init || to->writer_init(s->writer, &reply));
}

static void sink_fini(struct sink *s)
{
	if (s->to->writer_fini)
		s->to->writer_fini(s->writer);
	chat_order_free(s->order);
	buf_fini(&s->out);
	free(s->writer);
}

static void give(struct sink *s, struct arena *a, struct chat_events *events)
{
	if (s->order && !chat_order_add(s->order, a, events))
		s->full = true;
	for (const struct chat_event *ev = events->first; ev && !s->full; ev = ev->next) {
		s->full = !s->to->write_event(s->writer, a, ev, &s->out);
		s->ended |= ev->kind == EVENT_END;
	}
}

static void try_answer(const struct chat_codec *from, const struct chat_codec *to, struct arena *a, struct str body,
                       const char *name)
{
	struct chat_source source = { .model = jstr_of(name, strlen(name)),
		                      .bedrock_claude = strstr(name, "claude") != NULL };
	struct chat_drops drops = { .arena = a };
	struct buf out = buf_make(MEMORY_MAX);
	struct chat_events events = { 0 };
	struct chat_response rs = { 0 };
	struct err e = { 0 };
	struct sink s;
	const struct json_node *root = json_nodes(a, body, ANSWER_DEPTH_MAX, &e);

	if (!node_is(root, JSON_OBJECT))
		return;
	if (!from->read_response(a, &source, root, &rs, &e)) {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
		return;
	}
	if (to->write_response(a, &rs, &reply, &out, &drops))
		check_json(buf_str(&out));
	buf_fini(&out);
	sink_init(&s, to);
	if (chat_response_events(a, &rs, &events)) {
		give(&s, a, &events);
		if (!s.full)
			check_stream(to, buf_str(&s.out));
	}
	sink_fini(&s);
}

static void try_stream(const struct chat_codec *from, const struct chat_codec *to, struct arena *a, struct str lines,
                       const char *name)
{
	struct chat_source source = { .model = jstr_of(name, strlen(name)),
		                      .bedrock_claude = strstr(name, "claude") != NULL };
	void *reader = calloc(1, from->reader_size ? from->reader_size : 1);
	struct arena_mark mark = arena_mark(a);
	enum chat_read read = CHAT_READ_OK;
	struct dialect_error error;
	struct err e = { 0 };
	struct sink s;
	bool last = false;

	sink_init(&s, to);
	assert(!from->reader_init || from->reader_init(reader, &source));
	while (!last && read == CHAT_READ_OK && !s.full) {
		struct chat_frame frame = { 0 };
		struct chat_events events = { 0 };

		last = lines.p == NULL;
		if (!last) {
			struct str line = str_cut(&lines, '\n');
			frame.exception = line.n && line.p[0] == '!';
			line = str_slice(line, frame.exception, line.n);
			frame.data = line;
			frame.name = str_cut(&frame.data, ' ');
			if (!frame.data.p)
				frame.data = STR("");
		}
		read = from->read_event(reader, a, &frame, &events, &error, &e);
		if (read == CHAT_READ_OK)
			give(&s, a, &events);
		if (read == CHAT_READ_BROKEN)
			assert(e.code != ERR_NONE && e.text[0] != '\0');
		arena_rewind(a, mark);
	}
	/* The end of the transport is the end of the answer, or an error. */
	assert(!last || read != CHAT_READ_OK || s.full || s.ended);
	if (read != CHAT_READ_OK && !s.full) {
		(void)err_set(&e, ERR_UPSTREAM, "broken");
		assert(to->write_error(s.writer, &e, STR("01"), &s.out));
	}
	if (!s.full)
		check_stream(to, buf_str(&s.out));
	sink_fini(&s);
	if (from->reader_fini)
		from->reader_fini(reader);
	free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct arena arena;

	if (!ready)
		dialect_init();
	ready = true;
	if (n < 3)
		return 0;
	const struct chat_codec *from = nth(data[0])->chat, *to = nth(data[1])->chat;
	const char *name = models[data[2] / 3 % COUNT_OF(models)];
	struct str bytes = { (const char *)data + 3, n - 3 };

	arena_init(&arena, MEMORY_MAX);
	switch (data[2] % 3) {
	case 0: try_request(from, to, &arena, bytes, name); break;
	case 1: try_answer(from, to, &arena, bytes, name); break;
	default: try_stream(from, to, &arena, bytes, name); break;
	}
	arena_fini(&arena);
	return 0;
}
