/* SPDX-License-Identifier: Apache-2.0 */
/* envelope_stream: Bedrock's Invoke stream as the server-sent events of the dialect that is inside. */
#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/scan.h"
#include "json/write.h"
#include "net/eventstream.h"
#include "provider/envelope.h"

struct envelope_stream {
	struct eventstream_framer framer;
	struct buf held;         /* a message that is not whole yet */
	struct buf event;        /* what was inside of the message at hand */
};

enum { AT_BYTES, MESSAGE_PATHS };
static const char *const message_paths[MESSAGE_PATHS] = { "bytes" };
static struct json_plan message_plan;

enum { AT_TYPE, EVENT_PATHS };
static const char *const event_paths[EVENT_PATHS] = { "type" };
static struct json_plan event_plan;

enum { AT_MESSAGE, EXCEPTION_PATHS };
static const char *const exception_paths[EXCEPTION_PATHS] = { "message" };
static struct json_plan exception_plan;

static void plans_init(void)
{
	json_plan_init(&message_plan, message_paths, MESSAGE_PATHS, 0);
	json_plan_init(&event_plan, event_paths, EVENT_PATHS, 0);
	json_plan_init(&exception_plan, exception_paths, EXCEPTION_PATHS, 0);
}

/* Bedrock's exceptions in Anthropic's words (table of errors, columns BC and AM). */
static const struct { struct str exception, type; } error_types[] = {
	{ STR_INIT("throttlingException"), STR_INIT("rate_limit_error") },
	{ STR_INIT("serviceUnavailableException"), STR_INIT("overloaded_error") },
	{ STR_INIT("validationException"), STR_INIT("invalid_request_error") },
	{ STR_INIT("modelTimeoutException"), STR_INIT("timeout_error") },
	{ STR_INIT("accessDeniedException"), STR_INIT("permission_error") },
};

static struct str error_type(struct str exception)
{
	for (size_t i = 0; i < COUNT_OF(error_types); i++)
		if (str_ieq(error_types[i].exception, exception))
			return error_types[i].type;
	return STR("api_error");
}

static void append_event(struct buf *sse, struct str name, struct str json)
{
	buf_append(sse, STR("event: "));
	buf_append(sse, name);
	buf_append(sse, STR("\ndata: "));
	/* a line end can only stand between JSON's tokens, where a space is as good */
	for (struct str rest = json; rest.p;) {
		size_t end = 0;

		while (end < rest.n && rest.p[end] != '\n' && rest.p[end] != '\r')
			end++;
		buf_append(sse, str_slice(rest, 0, end));
		if (end == rest.n)
			break;
		buf_append_c(sse, ' ');
		rest = str_slice(rest, end + 1, rest.n);
	}
	buf_append(sse, STR("\n\n"));
}

static void append_error(struct buf *sse, const struct eventstream_message *m)
{
	struct buf json = buf_make(64u << 10), text = buf_make(32u << 10);
	struct json_writer w = json_writer_make(&json);
	struct json_hit hit[EXCEPTION_PATHS];
	struct json_fault fault;
	bool exception = m->exception_type.n > 0;

	if (!json_scan(&exception_plan, m->payload, ANSWER_DEPTH_MAX, hit, &fault) ||
	    !json_to_buf(hit[AT_MESSAGE].value, &text))
		buf_append(&text, m->error_message.n ? m->error_message
		                                     : STR("the provider ended its stream with an error"));
	json_open(&w, '{');
	json_key_lit(&w, "type");
	json_str(&w, STR("error"));
	json_key_lit(&w, "error");
	json_open(&w, '{');
	json_key_lit(&w, "type");
	json_str(&w, error_type(exception ? m->exception_type : m->error_code));
	json_key_lit(&w, "message");
	json_str(&w, buf_str(&text));
	json_close(&w);
	json_close(&w);
	append_event(sse, STR("error"), buf_str(&json));
	buf_fini(&json);
	buf_fini(&text);
}

/* {"bytes": base64 of one event, "p": padding} */
static bool append_chunk(struct envelope_stream *s, struct str payload, struct buf *sse)
{
	struct json_hit hit[MESSAGE_PATHS], type[EVENT_PATHS];
	struct json_fault fault;
	struct str coded, name;

	if (!json_scan(&message_plan, payload, ANSWER_DEPTH_MAX, hit, &fault) || hit[AT_BYTES].type != JSON_STRING)
		return false;
	coded = str_slice(hit[AT_BYTES].value, 1, hit[AT_BYTES].value.n - 1);
	buf_clear(&s->event);
	if (!text_from_base64(&s->event, coded) ||
	    !json_scan(&event_plan, buf_str(&s->event), ANSWER_DEPTH_MAX, type, &fault) ||
	    type[AT_TYPE].type != JSON_STRING)
		return false;
	name = str_slice(type[AT_TYPE].value, 1, type[AT_TYPE].value.n - 1);
	append_event(sse, name, buf_str(&s->event));
	return true;
}

static bool append_message(struct envelope_stream *s, struct str message, struct buf *sse)
{
	struct eventstream_message m;

	if (!eventstream_read(message, &m))
		return false;
	if (!str_eq(m.message_type, STR("event"))) {
		append_error(sse, &m);
		return true;
	}
	if (!str_eq(m.event_type, STR("chunk")))
		return true; /* nothing that this version knows */
	return append_chunk(s, m.payload, sse);
}

struct envelope_stream *envelope_stream_new(size_t event_max_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct envelope_stream *s = mem_zalloc(sizeof *s);
	/* base64 makes four bytes of three, and something stands around it */
	size_t message_max = event_max_bytes / 3 * 4 + 4096;

	pthread_once(&once, plans_init);
	s->framer.max_bytes = (uint32_t)(message_max < UINT32_MAX ? message_max : UINT32_MAX);
	s->held = buf_make(s->framer.max_bytes);
	s->event = buf_make(event_max_bytes);
	return s;
}

void envelope_stream_free(struct envelope_stream *s)
{
	if (!s)
		return;
	buf_fini(&s->held);
	buf_fini(&s->event);
	free(s);
}

static bool too_large(struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "an event of the provider's stream is larger than allowed");
}

bool envelope_stream_feed(struct envelope_stream *s, struct str bytes, struct buf *sse, struct err *e)
{
	bool bad = false;
	size_t end;

	while ((end = eventstream_frame(&s->framer, bytes, &bad)) != EVENTSTREAM_PARTIAL) {
		struct str message = str_slice(bytes, 0, end);

		if (s->held.n) {
			if (!buf_append(&s->held, message))
				return too_large(e);
			message = buf_str(&s->held);
		}
		if (!append_message(s, message, sse))
			return err_set(e, ERR_UPSTREAM, "a message of the provider's event stream is broken");
		buf_clear(&s->held);
		bytes = str_slice(bytes, end, bytes.n);
	}
	if (bad)
		return err_set(e, ERR_UPSTREAM, "the provider's event stream is broken");
	if (!buf_append(&s->held, bytes) || sse->failed)
		return too_large(e);
	return true;
}

bool envelope_stream_whole(const struct envelope_stream *s)
{
	return eventstream_at_boundary(&s->framer);
}
