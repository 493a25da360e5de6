/* SPDX-License-Identifier: Apache-2.0 */
/* mock: a provider for benches and soak tests that costs next to nothing: precomputed answers, one thread. */
/*
 * Speaks HTTP/1.1 with keep-alive, requests with Content-Length or chunked:
 *   POST …/chat/completions   OpenAI's shape
 *   POST …/messages           Anthropic's shape
 *   GET anything              an empty list of models
 * A request whose body says "stream":true is answered with server-sent events, one chunk of HTTP and one send() per
 * event.
 *
 * What is answered can be set on the command line, and per request by "x-mock: name=value;…" or in the marker (tool.h):
 *   size=N     bytes of a JSON answer's body        wait=MS    before the answer begins
 *   events=N   content events of a stream           gap=MS     between events (0: all at once)
 *   bytes=N    of each event's content              status=N   answer with this error
 *   abort=N    cut the connection after N content events, or N bytes of a JSON answer
 *   hang=1     never answer
 * Every content event carries "#00000012 mk-…": its number and the request's marker.
 *
 * --spin never sleeps but yields, so that the time a core takes to wake up is not measured with the target's. Prints
 * "port N" when it listens, one JSON line of counts when it ends (SIGTERM, SIGINT, --seconds, or its parent's death).
 */
#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "tool.h"

enum { SCRATCH = 512 * 1024, FIRST_MAX = 1024, LAST_MAX = 512, HEAD_MAX = 64 * 1024, WHEEL = 4096 };

enum shape { SHAPE_OPENAI, SHAPE_ANTHROPIC, SHAPE_LIST };

struct order {
	int64_t size, wait, events, gap, bytes, status, abort, hang;
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_CHUNK_SIZE, PHASE_CHUNK_DATA, PHASE_CHUNK_END, PHASE_TRAILER, PHASE_ANSWER };

struct conn {
	int fd;
	enum phase phase;
	bool writable, readable, close_after, gone;
	bool chunk_ext; /* past the digits of a chunk size */

	/* the request */
	struct bytes held; /* a head not yet whole, or what was sent before its turn */
	uint64_t body_left;
	unsigned line_len; /* of the trailer's current line */
	char first[FIRST_MAX], last[LAST_MAX];
	size_t first_n, last_n;
	enum shape shape;
	struct order order;
	char marker[MARKER_LEN];
	bool stream, usage;

	/* the answer */
	struct bytes out;
	size_t out_at;
	int64_t event; /* −1: the head is not sent yet */

	/* timer */
	struct conn *prev, *next;
	uint64_t due_ms;
};

static struct order defaults = { .size = 1024, .events = 20, .gap = 20, .bytes = 4, .abort = -1 };
static int epoll_fd;
static bool spin;
static uint64_t turn_ms;
static char *scratch;
static volatile sig_atomic_t stopping;

static struct {
	uint64_t connections, requests, streams, events, bytes, aborted, client_gone;
} count;

/* ---- timers: one wheel with a slot per millisecond; what is further away goes round ---- */

static struct conn *wheel[WHEEL];
static uint64_t wheel_ms; /* up to here everything has run */
static size_t wheel_n;

static void timer_stop(struct conn *c)
{
	if (!c->due_ms)
		return;
	if (c->prev)
		c->prev->next = c->next;
	else
		wheel[c->due_ms % WHEEL] = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->due_ms = 0;
	wheel_n--;
}

static void timer_start(struct conn *c, uint64_t due_ms)
{
	timer_stop(c);
	if (due_ms <= wheel_ms)
		due_ms = wheel_ms + 1;
	c->due_ms = due_ms;
	c->prev = NULL;
	c->next = wheel[due_ms % WHEEL];
	if (c->next)
		c->next->prev = c;
	wheel[due_ms % WHEEL] = c;
	wheel_n++;
}

static int timer_wait_ms(void)
{
	if (!wheel_n)
		return 500;
	for (int i = 1; i < 100; i++)
		if (wheel[(wheel_ms + (uint64_t)i) % WHEEL]) {
			int64_t ms = (int64_t)(wheel_ms + (uint64_t)i) - (int64_t)turn_ms;
			return ms > 0 ? (int)ms : 0;
		}
	return 50;
}

/* ---- what is answered ---- */

/* A text with places for the marker. */
struct answer {
	int64_t size;
	char *p;
	size_t n, mark_at, seq_at;
};

static const char *const event_mark = "#00000000 mk-0000000000000000";

static void answer_find_places(struct answer *a)
{
	const char *at = memmem(a->p, a->n, event_mark, strlen(event_mark));
	if (!at)
		die("answer without a place for the marker");
	a->seq_at = (size_t)(at - a->p) + 1;
	a->mark_at = (size_t)(at - a->p) + 10;
}

static void pad(struct bytes *b, size_t n)
{
	static const char text[] = " tokens are what the meter counts and the ledger keeps;";
	while (n) {
		size_t take = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
		bytes_add(b, text, take);
		n -= take;
	}
}

static struct answer json_build(enum shape shape, int64_t size)
{
	static const char *const before[] = {
		[SHAPE_OPENAI] =
			"{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion\","
			"\"created\":1741569952,"
			"\"model\":\"mock-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
			"\"content\":\"",
		[SHAPE_ANTHROPIC] =
			"{\"id\":\"msg_013Zva2CMHLNnXjNJJKqJ2EF\",\"type\":\"message\",\"role\":\"assistant\","
			"\"model\":\"mock-model\","
			"\"content\":[{\"type\":\"text\",\"text\":\"",
		[SHAPE_LIST] = "",
	};
	static const char *const after[] = {
		[SHAPE_OPENAI] =
			"\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
			"\"usage\":{\"prompt_tokens\":"
			"250,\"completion_tokens\":180,\"total_tokens\":430,"
			"\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
			"\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
			"\"accepted_prediction_tokens\":0,"
			"\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\","
			"\"system_fingerprint\":\"fp_50cad350e4\"}",
		[SHAPE_ANTHROPIC] =
			"\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":250,"
			"\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":180,"
			"\"service_tier\":\"standard\"}}",
		[SHAPE_LIST] = "",
	};
	struct bytes body = { 0 }, all = { 0 };
	bytes_printf(&body, "%s%s", before[shape], event_mark);
	size_t fixed = body.n + strlen(after[shape]);
	pad(&body, (size_t)size > fixed ? (size_t)size - fixed : 0);
	bytes_printf(&body, "%s", after[shape]);
	bytes_printf(&all,
	             "HTTP/1.1 200 OK\r\ndate: Mon, 10 Mar 2025 01:25:52 GMT\r\ncontent-type: application/json\r\n"
	             "content-length: %zu\r\nx-request-id: req_mock\r\nopenai-processing-ms: 12\r\n\r\n",
	             body.n);
	bytes_add(&all, body.p, body.n);
	bytes_free(&body);
	struct answer a = { .size = size, .p = all.p, .n = all.n };
	answer_find_places(&a);
	return a;
}

/* Adds `frame` as one chunk of HTTP. */
static void chunk_add(struct bytes *out, const struct bytes *frame)
{
	bytes_printf(out, "%zx\r\n", frame->n);
	bytes_add(out, frame->p, frame->n);
	bytes_add(out, "\r\n", 2);
}

static const char *const openai_chunk =
	"data: {\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion."
	"chunk\",\"created\":1741570283,\"model\":\"mock-model\",\"service_tier\":\"default\","
	"\"system_fingerprint\":\"fp_50cad350e4\","
	"\"choices\":[";

static struct answer event_build(enum shape shape, int64_t size)
{
	struct bytes frame = { 0 }, all = { 0 };
	if (shape == SHAPE_OPENAI)
		bytes_printf(&frame, "%s{\"index\":0,\"delta\":{\"content\":\"%s", openai_chunk, event_mark);
	else
		bytes_printf(
			&frame,
			"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
			"{\"type\":\"text_delta\",\"text\":\"%s",
			event_mark);
	pad(&frame, (size_t)size);
	if (shape == SHAPE_OPENAI)
		bytes_printf(&frame, "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
	else
		bytes_printf(&frame, "\"}}\n\n");
	chunk_add(&all, &frame);
	bytes_free(&frame);
	struct answer a = { .size = size, .p = all.p, .n = all.n };
	answer_find_places(&a);
	return a;
}

/* A few sizes are kept; with more, the oldest is built anew. */
static const struct answer *answer_get(enum shape shape, bool stream, int64_t size)
{
	enum { KEPT = 8 };
	static struct answer kept[2][2][KEPT];
	static unsigned last[2][2];
	struct answer *row = kept[shape == SHAPE_ANTHROPIC][stream];
	for (int i = 0; i < KEPT; i++)
		if (row[i].p && row[i].size == size)
			return &row[i];
	struct answer *a = &row[last[shape == SHAPE_ANTHROPIC][stream]++ % KEPT];
	free(a->p);
	*a = stream ? event_build(shape, size) : json_build(shape, size);
	return a;
}

static const char *answer_fill(const struct answer *a, const char *marker, uint64_t seq)
{
	for (int i = 7; i >= 0; i--, seq /= 10)
		a->p[a->seq_at + (size_t)i] = (char)('0' + seq % 10);
	memcpy(a->p + a->mark_at, marker, MARKER_LEN);
	return a->p;
}

/* ---- connections ---- */

static void conn_close(struct conn *c, bool hard)
{
	if (c->gone)
		return;
	timer_stop(c);
	if (hard) {
		struct linger l = { 1, 0 };
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	close(c->fd);
	bytes_free(&c->held);
	bytes_free(&c->out);
	c->gone = true;
}

static void conn_flush(struct conn *c)
{
	while (c->out_at < c->out.n && c->writable) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, c->out.n - c->out_at, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EAGAIN)
				c->writable = false;
			else
				conn_close(c, false);
			return;
		}
		c->out_at += (size_t)n;
		count.bytes += (uint64_t)n;
	}
	if (c->out_at == c->out.n)
		bytes_free(&c->out), c->out_at = 0;
}

/* Sends at once if nothing waits; only the rest is copied. */
static void conn_send(struct conn *c, const char *p, size_t n)
{
	if (c->gone)
		return;
	if (c->writable && !c->out.n) {
		ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
		if (sent == (ssize_t)n) {
			count.bytes += n;
			return;
		}
		if (sent < 0 && errno != EAGAIN) {
			conn_close(c, false);
			return;
		}
		if (sent < 0) {
			c->writable = false;
			sent = 0;
		}
		p += sent;
		n -= (size_t)sent;
		count.bytes += (uint64_t)sent;
	}
	bytes_add(&c->out, p, n);
	conn_flush(c);
}

static void conn_answered(struct conn *c)
{
	if (c->gone)
		return;
	c->phase = PHASE_HEAD;
	c->first_n = c->last_n = 0;
	if (c->close_after)
		conn_close(c, false);
}

static void stream_begin(struct conn *c)
{
	struct bytes all = { 0 }, frame = { 0 };
	bytes_printf(
		&all,
		"HTTP/1.1 200 OK\r\ndate: Mon, 10 Mar 2025 01:31:23 GMT\r\ncontent-type: text/event-stream; "
		"charset=utf-8\r\n"
		"transfer-encoding: chunked\r\ncache-control: no-cache\r\nx-request-id: req_mock\r\n\r\n");
	if (c->shape == SHAPE_OPENAI)
		bytes_printf(
			&frame,
			"%s{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
			"\"logprobs\":null,"
			"\"finish_reason\":null}]}\n\n",
			openai_chunk);
	else
		bytes_printf(
			&frame,
			"event: message_start\ndata: {\"type\":\"message_start\","
			"\"message\":{\"id\":\"msg_013Zva2CMHLNnXjNJJ\","
			"\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock-model\",\"content\":[],"
			"\"stop_reason\":null,"
			"\"stop_sequence\":null,\"usage\":{\"input_tokens\":250,\"cache_creation_input_tokens\":0,"
			"\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n"
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
			"\"content_block\":"
			"{\"type\":\"text\",\"text\":\"\"}}\n\n");
	chunk_add(&all, &frame);
	count.events += c->shape == SHAPE_OPENAI ? 1 : 2;
	count.streams++;
	conn_send(c, all.p, all.n);
	bytes_free(&frame);
	bytes_free(&all);
}

static void stream_end(struct conn *c)
{
	struct bytes all = { 0 }, frame = { 0 };
	if (c->shape == SHAPE_OPENAI) {
		bytes_printf(&frame, "%s{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n",
		             openai_chunk);
		if (c->usage)
			bytes_printf(
				&frame,
				"%s],\"usage\":{\"prompt_tokens\":250,\"completion_tokens\":%ld,\"total_tokens\":%ld,"
				"\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
				"\"completion_tokens_details\":"
				"{\"reasoning_tokens\":0,\"audio_tokens\":0}}}\n\n",
				openai_chunk, (long)c->order.events, (long)c->order.events + 250);
		bytes_printf(&frame, "data: [DONE]\n\n");
	} else
		bytes_printf(
			&frame,
			"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
			"event: message_delta\ndata: {\"type\":\"message_delta\","
			"\"delta\":{\"stop_reason\":\"end_turn\","
			"\"stop_sequence\":null},\"usage\":{\"output_tokens\":%ld}}\n\n"
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
			(long)c->order.events);
	count.events += 3;
	chunk_add(&all, &frame);
	bytes_printf(&all, "0\r\n\r\n");
	conn_send(c, all.p, all.n);
	bytes_free(&frame);
	bytes_free(&all);
	conn_answered(c);
}

/* The next event, or all of them when there is no gap; a client that does not read is waited for. */
static void stream_step(struct conn *c)
{
	if (c->event < 0) {
		stream_begin(c);
		c->event = 0;
	} else if (c->out.n) {
		timer_start(c, turn_ms + (uint64_t)(c->order.gap ? c->order.gap : 1));
		return;
	} else {
		goto content;
	}
	if (c->gone)
		return;
	if (c->order.gap) {
		timer_start(c, turn_ms + (uint64_t)c->order.gap);
		return;
	}
content:
	for (;;) {
		if (c->event == c->order.abort) {
			count.aborted++;
			conn_close(c, true);
			return;
		}
		if (c->event == c->order.events) {
			stream_end(c);
			return;
		}
		const struct answer *a = answer_get(c->shape, true, c->order.bytes);
		conn_send(c, answer_fill(a, c->marker, (uint64_t)c->event++), a->n);
		count.events++;
		if (c->gone)
			return;
		if (c->order.gap || c->out.n) {
			timer_start(c, turn_ms + (uint64_t)(c->order.gap ? c->order.gap : 1));
			return;
		}
	}
}

static void error_answer(struct conn *c)
{
	struct bytes body = { 0 }, all = { 0 };
	int status = (int)c->order.status;
	bytes_printf(
		&body,
		"{\"error\":{\"message\":\"the mock was told to say %d %.*s\",\"type\":\"%s\",\"param\":null,"
		"\"code\":null}}",
		status, MARKER_LEN, c->marker,
		status == 429   ? "rate_limit_error"
		: status >= 500 ? "server_error"
				: "invalid_request_error");
	bytes_printf(&all, "HTTP/1.1 %d Told\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", status,
	             body.n);
	bytes_add(&all, body.p, body.n);
	conn_send(c, all.p, all.n);
	bytes_free(&body);
	bytes_free(&all);
	conn_answered(c);
}

static void conn_answer(struct conn *c)
{
	static const char list[] =
		"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{\"object\":\"list\","
		"\"data\":[]}";
	if (c->shape == SHAPE_LIST) {
		conn_send(c, list, sizeof(list) - 1);
		conn_answered(c);
	} else if (c->order.status) {
		error_answer(c);
	} else if (c->stream) {
		stream_step(c);
	} else {
		const struct answer *a = answer_get(c->shape, false, c->order.size);
		const char *p = answer_fill(a, c->marker, 0);
		if (c->order.abort >= 0 && (size_t)c->order.abort < a->n) {
			count.aborted++;
			conn_send(c, p, (size_t)c->order.abort);
			conn_close(c, false);
			return;
		}
		conn_send(c, p, a->n);
		conn_answered(c);
	}
}

static void order_read(struct order *o, const char *p, const char *end)
{
	static const struct {
		const char *name;
		size_t at;
	} names[] = {
		{ "size=", offsetof(struct order, size) },     { "wait=", offsetof(struct order, wait) },
		{ "events=", offsetof(struct order, events) }, { "gap=", offsetof(struct order, gap) },
		{ "bytes=", offsetof(struct order, bytes) },   { "status=", offsetof(struct order, status) },
		{ "abort=", offsetof(struct order, abort) },   { "hang=", offsetof(struct order, hang) },
	};
	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		if (!stop)
			stop = end;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			size_t n = strlen(names[i].name);
			if ((size_t)(stop - p) <= n || memcmp(p, names[i].name, n) != 0)
				continue;
			int64_t v = 0;
			for (const char *d = p + n; d < stop && *d >= '0' && *d <= '9' && v < 100000000; d++)
				v = v * 10 + (*d - '0');
			*(int64_t *)(void *)((char *)o + names[i].at) = v;
		}
		p = stop + 1;
	}
}

static bool body_says(const struct conn *c, const char *name, const char *value)
{
	const char *part[2] = { c->first, c->last };
	size_t n[2] = { c->first_n, c->last_n };
	for (int i = 0; i < 2; i++) {
		const char *p = part[i], *end = p + n[i];
		while ((p = memmem(p, (size_t)(end - p), name, strlen(name)))) {
			p += strlen(name);
			while (p < end && (*p == ' ' || *p == ':'))
				p++;
			if ((size_t)(end - p) >= strlen(value) && memcmp(p, value, strlen(value)) == 0)
				return true;
		}
	}
	return false;
}

/* The request is whole: read the marker, decide, answer now or later. */
static void conn_request(struct conn *c)
{
	count.requests++;
	c->phase = PHASE_ANSWER;
	c->event = -1;
	memcpy(c->marker, "mk-0000000000000000", MARKER_LEN);
	const char *at = memmem(c->first, c->first_n, "@mk-", 4);
	if (at && (size_t)(c->first + c->first_n - at) > MARKER_LEN + 1) {
		memcpy(c->marker, at + 1, MARKER_LEN);
		const char *orders = at + 1 + MARKER_LEN,
			   *end = memchr(orders, '@', (size_t)(c->first + c->first_n - orders));
		if (*orders == ';' && end)
			order_read(&c->order, orders + 1, end);
	}
	c->stream = body_says(c, "\"stream\"", "true");
	c->usage = c->stream && body_says(c, "\"include_usage\"", "true");
	if (c->order.hang)
		return;
	if (c->order.wait)
		timer_start(c, turn_ms + (uint64_t)c->order.wait);
	else
		conn_answer(c);
}

static bool name_is(const char *p, const char *end, const char *name, const char **value)
{
	size_t n = strlen(name);
	if ((size_t)(end - p) <= n || p[n] != ':' || strncasecmp(p, name, n) != 0)
		return false;
	p += n + 1;
	while (p < end && *p == ' ')
		p++;
	*value = p;
	return true;
}

/* p … end is a head with its empty line. False: not a request we understand. */
static bool conn_head(struct conn *c, const char *p, const char *end)
{
	const char *line_end = memchr(p, '\n', (size_t)(end - p)), *value;
	c->order = defaults;
	c->body_left = 0;
	c->close_after = false;
	bool chunked = false;
	if (*p == 'G' || *p == 'H')
		c->shape = SHAPE_LIST;
	else if (memmem(p, (size_t)(line_end - p), "/messages ", 10))
		c->shape = SHAPE_ANTHROPIC;
	else
		c->shape = SHAPE_OPENAI;
	for (p = line_end + 1; p < end; p = line_end + 1) {
		line_end = memchr(p, '\n', (size_t)(end - p));
		switch (*p | 0x20) {
		case 'c':
			if (name_is(p, line_end, "content-length", &value))
				c->body_left = strtoull(value, NULL, 10);
			else if (name_is(p, line_end, "connection", &value) && strncasecmp(value, "close", 5) == 0)
				c->close_after = true;
			break;
		case 't':
			if (name_is(p, line_end, "transfer-encoding", &value))
				chunked = true;
			break;
		case 'e':
			if (name_is(p, line_end, "expect", &value))
				conn_send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
			break;
		case 'x':
			if (name_is(p, line_end, "x-mock", &value))
				order_read(&c->order, value, line_end - 1);
			break;
		}
	}
	c->phase = chunked ? PHASE_CHUNK_SIZE : PHASE_BODY;
	c->chunk_ext = false;
	return true;
}

/* Only the first and the last of a body are looked at. */
static void body_keep(struct conn *c, const char *p, size_t n)
{
	if (c->first_n < FIRST_MAX) {
		size_t take = FIRST_MAX - c->first_n < n ? FIRST_MAX - c->first_n : n;
		memcpy(c->first + c->first_n, p, take);
		c->first_n += take;
		p += take;
		n -= take;
	}
	if (n >= LAST_MAX) {
		memcpy(c->last, p + n - LAST_MAX, LAST_MAX);
		c->last_n = LAST_MAX;
	} else if (n) {
		size_t stay = c->last_n + n > LAST_MAX ? LAST_MAX - n : c->last_n;
		memmove(c->last, c->last + c->last_n - stay, stay);
		memcpy(c->last + stay, p, n);
		c->last_n = stay + n;
	}
}

static void chunk_size_digit(struct conn *c, char ch)
{
	if (ch == '\n') {
		c->phase = c->body_left ? PHASE_CHUNK_DATA : PHASE_TRAILER;
		c->line_len = 0;
		c->chunk_ext = false;
	} else if (!isxdigit((unsigned char)ch)) {
		c->chunk_ext = true;
	} else if (!c->chunk_ext) {
		c->body_left = c->body_left * 16 + (uint64_t)(ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10);
	}
}

/* Takes what it can of p; what it leaves belongs to a head not yet whole or to a request whose turn has not come. */
static size_t conn_feed(struct conn *c, const char *p, size_t n)
{
	size_t at = 0;
	while (at < n && !c->gone && c->phase != PHASE_ANSWER) {
		switch (c->phase) {
		case PHASE_HEAD: {
			const char *end = memmem(p + at, n - at, "\r\n\r\n", 4);
			if (!end) {
				if (n - at > HEAD_MAX)
					conn_close(c, false);
				return at;
			}
			if (!conn_head(c, p + at, end + 2))
				conn_close(c, false);
			at = (size_t)(end + 4 - p);
			if (c->phase == PHASE_BODY && !c->body_left)
				conn_request(c);
			break;
		}
		case PHASE_BODY:
		case PHASE_CHUNK_DATA: {
			size_t take = n - at < c->body_left ? n - at : (size_t)c->body_left;
			body_keep(c, p + at, take);
			at += take;
			c->body_left -= take;
			if (c->body_left)
				break;
			if (c->phase == PHASE_BODY)
				conn_request(c);
			else
				c->phase = PHASE_CHUNK_END;
			break;
		}
		case PHASE_CHUNK_END:
			if (p[at++] == '\n')
				c->phase = PHASE_CHUNK_SIZE;
			break;
		case PHASE_CHUNK_SIZE: chunk_size_digit(c, p[at++]); break;
		case PHASE_TRAILER:
			if (p[at] == '\n' && !c->line_len)
				conn_request(c);
			else if (p[at] == '\n')
				c->line_len = 0;
			else if (p[at] != '\r')
				c->line_len++;
			at++;
			break;
		case PHASE_ANSWER: break;
		}
	}
	return at;
}

static void conn_read(struct conn *c)
{
	while (c->readable && !c->gone && c->phase != PHASE_ANSWER) {
		size_t had = c->held.n;
		if (had)
			memcpy(scratch, c->held.p, had);
		ssize_t got = recv(c->fd, scratch + had, SCRATCH - had, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN)) {
			conn_close(c, false);
			return;
		}
		if (got < 0) {
			c->readable = false;
			if (!had)
				return;
			got = 0;
		}
		if ((size_t)got < SCRATCH - had)
			c->readable = false;
		size_t all = had + (size_t)got, used = conn_feed(c, scratch, all);
		if (c->gone)
			return;
		if (used == all) {
			if (had)
				bytes_free(&c->held);
			continue;
		}
		c->held.n = 0;
		bytes_add(&c->held, scratch + used, all - used);
		if (c->phase != PHASE_ANSWER && !used && !got)
			return;
	}
}

static void conn_event(struct conn *c, uint32_t events)
{
	if (events & EPOLLOUT) {
		c->writable = true;
		conn_flush(c);
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && c->phase == PHASE_ANSWER) {
		count.client_gone++;
		conn_close(c, false);
	}
	conn_read(c);
}

/* ---- the loop ---- */

/* Connections that ended in this turn are freed after it, as events of the same turn may still name them. */
static struct conn **grave;
static size_t grave_n, grave_cap;

static void bury_if_gone(struct conn *c)
{
	if (!c->gone || c->fd < 0)
		return;
	c->fd = -1;
	if (grave_n == grave_cap)
		grave = xrealloc(grave, (grave_cap = grave_cap * 2 + 64) * sizeof(*grave));
	grave[grave_n++] = c;
}

static void run_timers(void)
{
	uint64_t from = wheel_ms + 1;
	if (turn_ms > wheel_ms + WHEEL)
		from = turn_ms - WHEEL + 1;
	for (uint64_t ms = from; ms <= turn_ms; ms++) {
		wheel_ms = ms;
		struct conn *next;
		for (struct conn *c = wheel[ms % WHEEL]; c; c = next) {
			next = c->next;
			if (c->due_ms > ms)
				continue;
			timer_stop(c);
			if (c->stream && c->event >= 0)
				stream_step(c);
			else
				conn_answer(c);
			if (!c->gone && c->phase == PHASE_HEAD && c->held.n)
				c->readable = true;
			conn_read(c);
			bury_if_gone(c);
		}
	}
}

static void accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		socket_no_delay(fd);
		struct conn *c = xmalloc(sizeof(*c));
		memset(c, 0, sizeof(*c));
		c->fd = fd;
		c->writable = true;
		struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
			die("epoll_ctl: %s", strerror(errno));
		count.connections++;
	}
}

static int listener_open(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)port),
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 16384) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("port %u: %s", port, strerror(errno));
	printf("port %u\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void on_signal(int number)
{
	stopping = number;
}

static void run(int listener, uint64_t until_ms)
{
	struct epoll_event events[512], e = { .events = EPOLLIN, .data.ptr = NULL };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
	wheel_ms = now_ms();
	while (!stopping && now_ms() < until_ms) {
		turn_ms = now_ms();
		int n = epoll_wait(epoll_fd, events, 512, spin ? 0 : timer_wait_ms());
		if (!n && spin)
			sched_yield();
		turn_ms = now_ms();
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c) {
				accept_all(listener);
				continue;
			}
			if (!c->gone)
				conn_event(c, events[i].events);
			bury_if_gone(c);
		}
		run_timers();
		while (grave_n)
			free(grave[--grave_n]);
	}
}

static void usage(void)
{
	die("usage: mock [--port N] [--seconds N] [--spin] [--set \"size=1024;events=20;gap=20;bytes=4;wait=0\"]");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "port", 1, 0, 'p' },
		                                 { "seconds", 1, 0, 's' },
		                                 { "set", 1, 0, 'd' },
		                                 { "spin", 0, 0, 'n' },
		                                 { 0, 0, 0, 0 } };
	unsigned port = 0;
	uint64_t seconds = 3600;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'p')
			port = (unsigned)number_or_die("--port", optarg);
		else if (o == 's')
			seconds = (uint64_t)number_or_die("--seconds", optarg);
		else if (o == 'n')
			spin = true;
		else if (o == 'd')
			order_read(&defaults, optarg, optarg + strlen(optarg));
		else
			usage();
	}
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	scratch = xmalloc(SCRATCH);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run(listener_open(port), now_ms() + seconds * 1000);
	printf("{\"connections\":%lu,\"requests\":%lu,\"streams\":%lu,\"events\":%lu,\"bytes\":%lu,\"aborted\":%lu,"
		"\"client_gone\":%lu}\n",
	       count.connections, count.requests, count.streams, count.events, count.bytes, count.aborted,
	       count.client_gone);
	return 0;
}
