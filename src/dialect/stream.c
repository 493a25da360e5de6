/* SPDX-License-Identifier: Apache-2.0 */
/* stream: what the meters of all dialects share, framing of JSON array streams, and the last event of a failed one. */

#include "dialect/stream.h"

#include <assert.h>

#include "base/arena.h"
#include "dialect/bedrock.h"
#include "dialect/dialect_in.h"
#include "json/write.h"
#include "net/eventstream.h"
#include "net/sse.h"

void stream_meter_init(struct stream_meter *m, const struct dialect *d, enum dialect_framing framing,
                       bool usage_is_ours)
{
	assert(framing != FRAMING_WHOLE && d->meter_event);
	*m = (struct stream_meter){ .dialect = d, .framing = (uint8_t)framing, .usage_is_ours = usage_is_ours };
}

/* Every dialect's data is a JSON object, or the word that ends OpenAI's streams. None keeps a connection alive. */
static void meter_data(struct stream_meter *m, struct arena *arena, struct stream_event *ev, struct event_data *e)
{
	if (e->text.n == 0 || e->text.p[0] != '{')
		e->text = str_trim(e->text);
	if (e->text.n == 0)
		return;
	if (e->text.p[0] == '{')
		m->dialect->meter_event(m, arena, ev, e);
	else if (!str_eq(e->text, STR("[DONE]")))
		ev->verdict = STREAM_BROKEN;
	else if (m->dialect->ends_with_done)
		m->started = m->ended = true;
}

static void meter_sse(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	struct buf joined = buf_make(ev->bytes.n);
	struct sse_event sse;

	if (sse_read(ev->bytes, m->events == 1, &joined, &sse) == SSE_EVENT) {
		bool inside = sse.data.p >= ev->bytes.p && sse.data.p < ev->bytes.p + ev->bytes.n;
		meter_data(m, arena, ev, &(struct event_data){ sse.name, sse.data, inside, false });
	}
	buf_fini(&joined);
}

/* "[", "," and white space stand before an element; "]" is an event of its own. */
static void meter_element(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	struct event_data e = { .text = ev->bytes, .inside = true };

	for (; e.text.n && e.text.p[0] != '{'; e.text = str_slice(e.text, 1, e.text.n)) {
		if (e.text.p[0] == '[')
			m->opened = true;
		else if (e.text.p[0] == ']')
			m->ended = true;
	}
	if (e.text.n == 0)
		return;
	m->any = true;
	m->dialect->meter_event(m, arena, ev, &e);
}

/* One message of an event stream; bytes that are none are found out by its checksums. */
static void meter_message(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	struct eventstream_message msg;
	struct event_data e = { .inside = true };

	if (!eventstream_read(ev->bytes, &msg)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	e.exception = !str_eq(msg.message_type, STR("event"));
	e.name = msg.event_type.n ? msg.event_type : msg.exception_type.n ? msg.exception_type : msg.error_code;
	e.text = msg.payload;
	m->dialect->meter_event(m, arena, ev, &e);
}

enum stream_verdict stream_meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	ev->verdict = STREAM_PASS;
	m->events++;
	/* What comes behind the end is not ours to judge; clients do not read it either. */
	if (m->ended || m->failed)
		return ev->verdict;
	if (m->framing == FRAMING_SSE)
		meter_sse(m, arena, ev);
	else if (m->framing == FRAMING_EVENTSTREAM)
		meter_message(m, arena, ev);
	else if (m->framing == FRAMING_LINES)
		meter_data(m, arena, ev, &(struct event_data){ .text = ev->bytes, .inside = true });
	else
		meter_element(m, arena, ev);
	return ev->verdict;
}

enum stream_end stream_meter_end(const struct stream_meter *m, bool transport_clean)
{
	if (m->failed)
		return STREAM_END_FAILED;
	/* An array without its "]" is cut whatever its elements say. */
	if (m->ended || (m->finished && transport_clean && m->framing != FRAMING_JSON_ARRAY))
		return STREAM_END_CLEAN;
	return STREAM_END_CUT;
}

void event_passes(struct stream_meter *m, struct stream_event *ev, const struct event_data *e)
{
	struct json_fault fault;

	if (json_scan(NULL, e->text, ANSWER_DEPTH_MAX, NULL, &fault))
		m->started = true;
	else
		ev->verdict = STREAM_BROKEN;
}

void event_cut(struct stream_event *ev, const struct json_hit *hit)
{
	const char *end = ev->bytes.p + ev->bytes.n;
	const char *from = hit->before ? hit->before : hit->name;
	const char *to = hit->before || !hit->after ? hit->value.p + hit->value.n : hit->after;

	assert(from >= ev->bytes.p && to <= end);
	ev->piece[0] = str_of(ev->bytes.p, (size_t)(from - ev->bytes.p));
	ev->piece[1] = str_of(to, (size_t)(end - to));
	ev->verdict = STREAM_EDIT;
}

void event_fails(struct stream_meter *m, struct stream_event *ev, const struct event_data *e)
{
	m->failed = true;
	ev->verdict = STREAM_ERROR;
	if (ev->error)
		dialect_read_error(200, e->text, NULL, 0, ev->error);
}

enum { ARRAY_START, ARRAY_OPEN, ARRAY_AFTER, ARRAY_COMMA, ARRAY_ELEMENT, ARRAY_CLOSED };

/* A byte between the elements. False: it does not belong there. */
static bool array_between(struct array_framer *f, char c)
{
	switch (c) {
	case ' ': case '\n': case '\r': case '\t':
		return true;
	case '[':
		if (f->state != ARRAY_START)
			return false;
		f->state = ARRAY_OPEN;
		return true;
	case ',':
		if (f->state != ARRAY_AFTER)
			return false;
		f->state = ARRAY_COMMA;
		return true;
	case ']':
		if (f->state != ARRAY_OPEN && f->state != ARRAY_AFTER)
			return false;
		f->state = ARRAY_CLOSED;
		return true;
	case '{':
		if (f->state != ARRAY_OPEN && f->state != ARRAY_COMMA)
			return false;
		f->state = ARRAY_ELEMENT;
		f->depth = 1;
		return true;
	default:
		return false;
	}
}

static void array_inside(struct array_framer *f, char c)
{
	if (f->in_string) {
		if (f->escaped)
			f->escaped = false;
		else if (c == '\\')
			f->escaped = true;
		else if (c == '"')
			f->in_string = false;
		return;
	}
	if (c == '"')
		f->in_string = true;
	else if (c == '{' || c == '[')
		f->depth++;
	else if ((c == '}' || c == ']') && --f->depth == 0)
		f->state = ARRAY_AFTER;
}

size_t array_framer_next(struct array_framer *f, struct str bytes, bool *bad)
{
	assert(f->looked <= bytes.n);
	if (f->state == ARRAY_CLOSED && bytes.n) {
		/* Only white space may follow. */
		for (size_t i = 0; i < bytes.n && !*bad; i++)
			*bad = !strchr(" \t\r\n", bytes.p[i]) || bytes.p[i] == '\0';
		return *bad ? 0 : bytes.n;
	}
	for (size_t i = f->looked; i < bytes.n; i++) {
		if (f->state == ARRAY_ELEMENT)
			array_inside(f, bytes.p[i]);
		else if (!array_between(f, bytes.p[i])) {
			*bad = true;
			return 0;
		}
		bool whole = f->state == ARRAY_AFTER && (bytes.p[i] == '}' || bytes.p[i] == ']');
		if (whole || f->state == ARRAY_CLOSED) {
			f->looked = 0;
			return i + 1;
		}
	}
	f->looked = bytes.n;
	return 0;
}

/* Some agents ignore a bare `error` event and wait for the response's own end; so the response fails, if the client was
 * told of one. Its `error.code` is a closed set in the SDKs. */
static bool write_responses_error(const struct stream_meter *m, const struct err *e, struct str request_id,
                                  struct buf *out)
{
	struct str code = e->code == ERR_RATE_LIMIT ? STR("rate_limit_exceeded") : STR("server_error");

	if (m->resume.n) {
		buf_append(out,
		           STR("event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":"));
		buf_append_u64(out, m->sequence);
		buf_append(out, STR(",\"response\":{"));
		buf_append(out, m->resume);
		buf_append(out, STR(",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":"));
		json_append_str(out, code);
		buf_append(out, STR(",\"message\":"));
		json_append_str(out, str_from_z(e->text));
		buf_append(out, STR("},\"incomplete_details\":null,\"output\":[],\"usage\":null}}\n\n"));
		return !out->failed;
	}
	buf_append(out, STR("event: error\ndata: {\"type\":\"error\",\"sequence_number\":"));
	buf_append_u64(out, m->sequence);
	buf_append(out, STR(",\"code\":"));
	json_append_str(out, code);
	buf_append(out, STR(",\"message\":"));
	json_append_str(out, str_from_z(e->text));
	buf_append(out, STR(",\"param\":null,\"request_id\":"));
	json_append_str(out, request_id);
	buf_append(out, STR("}\n\n"));
	return !out->failed;
}

static bool write_array_error(const struct stream_meter *m, const struct err *e, struct str request_id, struct buf *out)
{
	/* The array is closed, so that its reader comes to see the error: one without a finish reason is no finish. */
	buf_append(out, !m->opened ? STR("[") : m->any ? STR(",\r\n") : STR(""));
	bool good = dialect_write_error(m->dialect, e, NULL, request_id, out);
	buf_append(out, STR("\r\n]"));
	return good && !out->failed;
}

bool stream_write_error(const struct stream_meter *m, const struct err *e, struct str request_id, struct buf *out)
{
	if (m->framing == FRAMING_JSON_ARRAY)
		return write_array_error(m, e, request_id, out);
	if (m->framing == FRAMING_EVENTSTREAM)
		return bedrock_write_exception(e, out);
	if (m->dialect->id == DIALECT_OPENAI_RESPONSES)
		return write_responses_error(m, e, request_id, out);
	if (m->framing == FRAMING_LINES)
		return dialect_write_error(m->dialect, e, NULL, request_id, out) && buf_append_c(out, '\n');
	if (m->dialect->id == DIALECT_COHERE)
		return cohere_write_failure(e, out);
	buf_append(out, m->dialect->id == DIALECT_ANTHROPIC ? STR("event: error\ndata: ") : STR("data: "));
	bool good = dialect_write_error(m->dialect, e, NULL, request_id, out);
	buf_append(out, STR("\n\n"));
	return good && !out->failed;
}
