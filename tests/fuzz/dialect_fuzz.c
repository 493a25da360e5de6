/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request, an answer, an error and a stream of each dialect. A request that is taken stays one when it
 * is edited, for the model that was asked for; an event that was valid JSON still is when usage was cut out of it; what
 * is written of an error is valid JSON.
 */
#include <assert.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/stream.h"
#include "json/scan.h"
#include "net/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_json(struct str s)
{
	struct json_fault fault;

	return json_scan(NULL, s, ANSWER_DEPTH_MAX, NULL, &fault);
}

static struct str join(struct buf *out, const struct str *piece, size_t n)
{
	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		assert(buf_append(out, piece[i]));
	return buf_str(out);
}

static void try_request(const struct dialect *d, struct arena *arena, struct str path, struct str body)
{
	struct dialect_in in = { .path = path, .query = STR("alt=json"), .body = body, .call = CALL_GENERATE };
	struct dialect_edit edit = { .model = STR("other \"model\""), .ask_usage = true };
	struct str pieces[DIALECT_PIECES];
	struct dialect_request rq, again;
	struct buf edited = buf_make(1 << 20);
	struct err e;

	if (d->read_request(arena, &in, &rq, &e)) {
		assert(rq.model.n > 0 && d->upstream_path(arena, &rq, rq.model).n > 0);
		size_t count = dialect_edit_request(arena, &rq, &edit, pieces);
		assert(count > 0);
		in.body = join(&edited, pieces, count);
		assert(d->read_request(arena, &in, &again, &e));
		assert(d->id == DIALECT_GEMINI || d->id == DIALECT_BEDROCK || str_eq(again.model, edit.model));
		assert(again.stream == rq.stream && again.max_output == rq.max_output);
		assert(!dialect_usage_is_ours(&rq, &edit) || again.usage_asked);
		assert(again.at[REQUEST_MODELS].type == JSON_ABSENT && again.at[REQUEST_PROVIDER].type == JSON_ABSENT);
	} else {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
	}
	buf_fini(&edited);
}

static void try_answer(const struct dialect *d, struct arena *arena, struct str body)
{
	struct dialect_error error;
	struct buf out = buf_make(1 << 16);
	struct usage u;

	if (d->read_answer(arena, CALL_GENERATE, body, &u, &error) != ANSWER_BROKEN)
		assert(is_json(body));
	dialect_read_error(400, body, &(struct str){ "secret", 6 }, 1, &error);
	assert(error.err.code != ERR_NONE && !strstr(error.err.text, "secret"));
	assert(dialect_write_error(d, &error.err, &error, STR("01"), &out) && is_json(buf_str(&out)));
	buf_fini(&out);
}

/* The data of an event of one line, or nothing. */
static struct str data_of(struct str event)
{
	struct str line = str_slice(event, 0, str_find_chr(event, '\n'));

	return str_starts(line, STR("data:")) ? str_slice(line, 5, line.n) : str_of(NULL, 0);
}

static void try_event(struct stream_meter *m, struct arena *arena, struct str bytes)
{
	struct stream_event ev = { .bytes = bytes };
	struct buf edited = buf_make(1 << 20);

	if (stream_meter_event(m, arena, &ev) == STREAM_EDIT) {
		struct str after = join(&edited, ev.piece, 2);
		assert(after.n < bytes.n);
		if (is_json(data_of(bytes)))
			assert(is_json(data_of(after)));
	}
	buf_fini(&edited);
}

static void try_stream(const struct dialect *d, struct arena *arena, bool array, struct str bytes)
{
	struct array_framer framer = { 0 };
	struct sse_framer sse = { 0 };
	struct stream_meter m;
	struct buf out = buf_make(1 << 16);
	bool bad = false;
	size_t end;

	stream_meter_init(&m, d, array ? FRAMING_JSON_ARRAY : FRAMING_SSE, true);
	if (array) {
		while (bytes.n && (end = array_framer_next(&framer, bytes, &bad)) > 0) {
			assert(end <= bytes.n);
			try_event(&m, arena, str_slice(bytes, 0, end));
			bytes = str_slice(bytes, end, bytes.n);
		}
	} else {
		while (bytes.n && (end = sse_frame(&sse, bytes)) != SSE_PARTIAL) {
			try_event(&m, arena, str_slice(bytes, 0, end));
			bytes = str_slice(bytes, end, bytes.n);
		}
	}
	struct err e = { .code = ERR_UPSTREAM, .text = "x" };
	assert(stream_write_error(&m, &e, STR("01"), &out));
	assert(m.framing == FRAMING_JSON_ARRAY || str_ends(buf_str(&out), STR("\n\n")));
	for (int i = 0; i < USAGE_COUNTERS; i++)
		assert(m.usage.n[i] <= USAGE_COUNTER_MAX);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct arena arena;

	if (!ready)
		dialect_init();
	ready = true;
	if (n < 2)
		return 0;
	const struct dialect *d = dialect_by_id((enum dialect_id)(data[0] % DIALECTS));
	struct str bytes = { (const char *)data + 2, n - 2 };

	arena_init(&arena, 1 << 22);
	switch (data[1] % 4) {
	case 0: {
		static const struct str paths[] = {
			STR_INIT("/v1beta/models/x:generateContent"), STR_INIT("/v1beta/models/x:batchEmbedContents"),
			STR_INIT("/v1beta/models/x:countTokens"), STR_INIT("/model/x%3A0/converse-stream"),
			STR_INIT("/model/x/count-tokens"),
		};
		try_request(d, &arena, paths[data[1] / 4 % 5], bytes);
		break;
	}
	case 1: try_answer(d, &arena, bytes); break;
	case 2:
		if (d->meter_event)
			try_stream(d, &arena, false, bytes);
		break;
	default: try_stream(&dialect_gemini, &arena, true, bytes); break;
	}
	arena_fini(&arena);
	return 0;
}
