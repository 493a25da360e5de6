/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2: the server's side of HTTP/2 (RFC 9113) on a connection that server_http1.c handed over; frames, HPACK and flow
 * control by nghttp2, exchanges and back-pressure here.
 *
 * Output: an exchange's bytes wait in its stream until the flush phase, when nghttp2 is asked for frames as long as
 * the connection's own queue is short. So one slow stream, or a client that opens no window, holds its own bytes only.
 * Input: body bytes are acknowledged (WINDOW_UPDATE) when they were taken into the handler's buffer; what nobody asked
 * for yet is bounded by the windows. Abuse: whoever makes work without requests (resets, pings, settings, empty
 * frames; CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2025-8671) pays from a bucket of tokens; when it is empty the
 * connection ends with ENHANCE_YOUR_CALM. nghttp2 limits CONTINUATION frames (CVE-2024-28182).
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/http2_head.h"
#include "net/server_in.h"

#define STREAM_WINDOW_BYTES (256 * 1024)
#define CONN_WINDOW_BYTES (1024 * 1024)  /* bounds the body bytes that nobody asked for yet */
#define OUT_MARK_BYTES (64u * 1024)      /* no more frames are made while this much waits for the kernel */
#define OUT_FRAMES_MAX 500               /* nor is more read from a client that takes nothing of them */
#define READS_IN_A_ROW 16
#define TICK_MAX_MS 5000u                /* a connection with streams looks at its deadlines at least that often */
#define LINGER_MS 2000u
#define DRAIN_MS 500u                    /* from "there will be an end" to the end: requests on their way still count */

#define TOKENS_MAX 2000
#define TOKENS_PER_S 200
#define TOKENS_PER_DATA 2                /* earned by a DATA frame of ours: the client acknowledges it */
enum { COST_FRAME = 1, COST_RESET = 4, COST_SETTINGS = 5 };

enum body_state {
	BODY_HELD,    /* nobody asked for it yet; `early` has what came */
	BODY_WANTED,  /* goes into *body */
	BODY_OVER,    /* given, failed, or not wanted: what still comes is dropped */
};

struct stream {
	struct exchange x;
	struct h2 *h2;
	struct stream *next, **link;
	struct buf *body;
	char *early, *out;                  /* out: queued bytes [out_at, out_n) */
	const char *fail_text;
	uint64_t body_since_ms, body_bytes;
	uint64_t read_due_ms, write_due_ms; /* UINT64_MAX: not waiting */
	int64_t content_length;
	uint64_t out_left;                  /* of an answer with a length */
	uint32_t early_n, early_cap, out_at, out_n, out_cap;
	int32_t id;
	uint8_t body_state, fail_code;      /* enum err_code */
	bool head_only;                     /* HEAD: the body of the answer is counted but not sent */
	bool told, done;                    /* the handler knows the exchange; it is through with it */
	bool whole;                         /* END_STREAM has come */
	bool body_due, drained_due;         /* on_body, on_drained have to be called */
	bool expect, started, out_none, has_length, finished, deferred, was_full;
};

struct h2 {
	struct server_conn *sc;
	nghttp2_session *session;
	struct stream *streams;
	struct stream *heading;             /* whose head is arriving; one at a time (RFC 9113 section 4.3) */
	struct http2_head head;
	struct task flush, attend;
	uint64_t head_due_ms, idle_due_ms, stall_due_ms, goaway_due_ms;
	uint64_t tokens_at_ms;
	int32_t tokens;
	uint32_t stall_mark;
	unsigned n_streams;
	bool dying;                         /* input is not looked at any more */
	bool lingering;
};

static const struct exchange_ops h2_ops;

static const struct server_limits *limits_of(const struct h2 *h)
{
	return &h->sc->server->options.limits;
}

static uint64_t now_ms(const struct h2 *h)
{
	return loop_now_ms(h->sc->conn.loop);
}

static void want_flush(struct h2 *h)
{
	loop_post_flush(h->sc->conn.loop, &h->flush);
}

static void want_attend(struct h2 *h)
{
	loop_post(h->sc->conn.loop, &h->attend);
}

/* The deadline's timer is never later than `due_ms`. */
static void wake_by(struct h2 *h, uint64_t due_ms)
{
	struct timer *t = &h->sc->deadline;
	uint64_t now = now_ms(h);

	if (!timer_running(t) || t->due_ms > due_ms)
		timer_start(h->sc->conn.loop, t, due_ms > now ? due_ms - now : 0);
}

/* ---- streams ---- */

static struct stream *stream_new(struct h2 *h, int32_t id)
{
	struct stream *s = mem_zalloc(sizeof *s);

	s->h2 = h;
	s->id = id;
	s->read_due_ms = s->write_due_ms = UINT64_MAX;
	s->next = h->streams;
	s->link = &h->streams;
	if (s->next)
		s->next->link = &s->next;
	h->streams = s;
	h->n_streams++;
	return s;
}

static void drop_early(struct stream *s)
{
	free(s->early);
	s->early = NULL;
	s->early_n = s->early_cap = 0;
}

static void drop_out(struct stream *s)
{
	free(s->out);
	s->out = NULL;
	s->out_at = s->out_n = s->out_cap = 0;
	s->write_due_ms = UINT64_MAX;
}

static void stream_free(struct stream *s)
{
	struct h2 *h = s->h2;

	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	if (h->heading == s) {
		h->heading = NULL;
		http2_head_fini(&h->head);
	}
	if (--h->n_streams == 0)
		h->idle_due_ms = now_ms(h) + limits_of(h)->idle_timeout_ms;
	drop_early(s);
	drop_out(s);
	free(s);
}

/* The handler is through with it, by its own doing or not. */
static void stream_done(struct stream *s)
{
	assert(s->told && !s->done);
	s->done = true;
	s->body_state = BODY_OVER;
	s->read_due_ms = UINT64_MAX;
	s->h2->sc->server->stats.exchanges--;
}

static void stream_gone(struct stream *s, enum err_code code, const char *why)
{
	struct err e;

	if (!s->told || s->done)
		return;
	err_set(&e, code, "%s", why);
	e.origin = ERR_FROM_CLIENT;
	stream_done(s);
	s->h2->sc->server->options.handler->on_gone(&s->x, &e);
}

/* ---- the end of a connection ---- */

static void destroy(struct h2 *h)
{
	struct server_conn *sc = h->sc;

	loop_unpost(sc->conn.loop, &h->flush);
	loop_unpost(sc->conn.loop, &h->attend);
	nghttp2_session_del(h->session);
	while (h->streams)
		stream_free(h->streams);
	http2_head_fini(&h->head);
	free(h);
	server_conn_free(sc);
}

static void end(struct h2 *h, enum err_code code, const char *why)
{
	for (struct stream *s = h->streams; s; s = s->next)
		stream_gone(s, code, why);
	destroy(h);
}

/* Says why with GOAWAY and looks at nothing any more; the connection is closed when that has left. */
static void terminate(struct h2 *h, uint32_t error)
{
	if (h->dying)
		return;
	h->dying = true;
	nghttp2_session_terminate_session(h->session, error);
	want_flush(h);
}

static void refuse(struct h2 *h, uint32_t error)
{
	if (!h->dying)
		h->sc->server->stats.refused++;
	terminate(h, error);
}

/* Takes tokens; an empty bucket ends the connection. */
static void charge(struct h2 *h, int cost)
{
	uint64_t now = now_ms(h);
	uint64_t earned = (now - h->tokens_at_ms) * TOKENS_PER_S / 1000;

	if (earned > 0) {
		h->tokens = earned > (uint64_t)(TOKENS_MAX - h->tokens) ? TOKENS_MAX : h->tokens + (int32_t)earned;
		h->tokens_at_ms = now;
	}
	h->tokens -= cost;
	if (h->tokens < 0)
		refuse(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- bodies ---- */

static void body_deadline(struct stream *s)
{
	const struct server_limits *l = limits_of(s->h2);
	uint64_t soon = now_ms(s->h2) + l->body_timeout_ms;

	s->read_due_ms = s->body_since_ms + l->body_timeout_ms + s->body_bytes; /* at least 1 byte each millisecond */
	if (s->read_due_ms > soon)
		s->read_due_ms = soon;
	wake_by(s->h2, s->read_due_ms);
}

static void body_fail(struct stream *s, enum err_code code, const char *text)
{
	assert(s->body_state == BODY_WANTED);
	s->body_state = BODY_OVER;
	s->read_due_ms = UINT64_MAX;
	s->fail_code = (uint8_t)code;
	s->fail_text = text;
	s->h2->sc->server->stats.refused++;
	want_attend(s->h2);
}

static void body_take(struct stream *s, struct str data)
{
	s->body_bytes += data.n;
	if (buf_append(s->body, data))
		body_deadline(s);
	else if (data.n > s->body->max - s->body->n)
		body_fail(s, ERR_TOO_LARGE, "the request body is larger than allowed");
	else
		body_fail(s, ERR_INTERNAL, "the request body cannot be kept: there is no room for more uploads");
}

static void body_hold(struct stream *s, struct str data)
{
	if (s->early_cap - s->early_n < data.n) {
		uint32_t cap = s->early_n + (uint32_t)data.n;

		if (cap < 2 * s->early_cap)
			cap = 2 * s->early_cap;
		s->early = mem_realloc(s->early, cap);
		s->early_cap = cap;
	}
	memcpy(s->early + s->early_n, data.p, data.n);
	s->early_n += (uint32_t)data.n;
	assert(s->early_n <= STREAM_WINDOW_BYTES);
}

static void body_end(struct stream *s)
{
	s->whole = true;
	if (s->body_state != BODY_WANTED)
		return;
	s->body_state = BODY_OVER;
	s->read_due_ms = UINT64_MAX;
	s->body_due = true;
	want_attend(s->h2);
}

/* ---- requests ---- */

/* Answers a head that broke the rules, without the handler. The dialect is not known yet: the OpenAI form. */
static void refuse_head(struct stream *s, const struct err *e)
{
	static const struct http_field type = { STR_INIT("content-type"), STR_INIT("application/json"),
		                                HTTP_F_CONTENT_TYPE };
	struct buf b = buf_make(1024);

	s->h2->sc->server->stats.refused++;
	buf_printf(&b,
	           "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"%s\"}}",
	           e->text, err_code_name(e->code));
	h2_ops.start(&s->x, e->status, &type, 1, (int64_t)b.n);
	h2_ops.write(&s->x, buf_str(&b));
	buf_fini(&b);
	s->finished = s->done = true;
	s->body_state = BODY_OVER;
}

static void open_exchange(struct stream *s, bool bodyless)
{
	struct h2 *h = s->h2;
	struct server *server = h->sc->server;
	struct http_field fields[HTTP1_FIELDS_MAX];
	struct http_head head;
	struct err e;
	bool good = http2_head_read(&h->head, &limits_of(h)->http1, bodyless, fields, &head, &e);

	assert(h->heading == s);
	h->heading = NULL;
	s->whole = bodyless;
	s->x = (struct exchange){ .ops = &h2_ops, .user = server->options.user,
		                  .loop = h->sc->conn.loop };
	if (good) {
		s->head_only = head.method == METHOD_HEAD;
		s->content_length = head.content_length;
		s->expect = head.expect_continue && !bodyless;
		s->told = true;
		server->stats.exchanges++;
		s->h2->sc->server->options.handler->on_head(&s->x, &head);
	} else {
		refuse_head(s, &e);
	}
	http2_head_fini(&h->head);
}

/* ---- what nghttp2 tells ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct h2 *h = user;

	if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	if (h->heading) /* it was malformed: the stream waits for its reset */
		http2_head_fini(&h->head);
	h->heading = stream_new(h, f->hd.stream_id);
	http2_head_init(&h->head);
	h->head_due_ms = now_ms(h) + limits_of(h)->header_timeout_ms;
	wake_by(h, h->head_due_ms);
	nghttp2_session_set_stream_user_data(session, f->hd.stream_id, h->heading);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2 *h = user;

	/* Trailer fields are read and dropped, as in HTTP/1.1. */
	if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST || h->dying)
		return 0;
	assert(h->heading && h->heading->id == f->hd.stream_id);
	if (http2_head_add(&h->head, &limits_of(h)->http1, str_of((const char *)name, name_n),
	                   str_of((const char *)value, value_n)))
		return 0;
	refuse(h, NGHTTP2_ENHANCE_YOUR_CALM);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would drop the field and go on. The stream is reset instead: RFC 9113 section 8.2.1, malformed. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
                             const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Before a frame is looked at: also those which nghttp2 passes over in silence. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *f, void *user)
{
	struct h2 *h = user;

	if (f->type == NGHTTP2_RST_STREAM)
		charge(h, COST_RESET);
	else if (f->type == NGHTTP2_SETTINGS || f->type == NGHTTP2_GOAWAY)
		charge(h, f->flags & NGHTTP2_FLAG_ACK ? COST_FRAME : COST_SETTINGS);
	else if (f->type == NGHTTP2_DATA ? f->length == 0 && !(f->flags & NGHTTP2_FLAG_END_STREAM)
	                                 : f->type != NGHTTP2_HEADERS)
		charge(h, COST_FRAME);
	return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct h2 *h = user;
	struct stream *s;

	if (h->dying || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
		return 0;
	s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
	if (!s)
		return 0;
	if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST)
		open_exchange(s, f->hd.flags & NGHTTP2_FLAG_END_STREAM);
	else if (f->hd.flags & NGHTTP2_FLAG_END_STREAM)
		body_end(s);
	return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *f, int error, void *user)
{
	struct h2 *h = user;

	h->sc->server->stats.refused++;
	charge(h, COST_RESET);
	return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);
	struct str bytes = str_of((const char *)data, n);

	if (s && s->body_state == BODY_HELD && s->told) {
		body_hold(s, bytes);
		return 0;
	}
	nghttp2_session_consume(session, id, n);
	if (s && s->body_state == BODY_WANTED)
		body_take(s, bytes);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (!s)
		return 0;
	stream_gone(s, ERR_CLIENT_GONE, "the client reset the stream");
	if (s->early_n > 0)
		nghttp2_session_consume_connection(session, s->early_n);
	nghttp2_session_set_stream_user_data(session, id, NULL);
	stream_free(s);
	return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct h2 *h = user;
	struct stream *s;

	if (f->hd.type == NGHTTP2_DATA) {
		h->tokens = h->tokens + TOKENS_PER_DATA > TOKENS_MAX ? TOKENS_MAX : h->tokens + TOKENS_PER_DATA;
	} else if (f->hd.type == NGHTTP2_RST_STREAM) {
		/* A client that makes us reset costs as much as one that resets. INTERNAL_ERROR is our own doing. */
		if (f->rst_stream.error_code != NGHTTP2_NO_ERROR && f->rst_stream.error_code != NGHTTP2_INTERNAL_ERROR)
			charge(h, COST_RESET);
		return 0;
	} else if (f->hd.type != NGHTTP2_HEADERS) {
		return 0;
	}
	if (!(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	/* The answer is complete and the request is not: the rest is not wanted (RFC 9113 section 8.1). */
	s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
	if (s && !s->whole)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
	return 0;
}

static ssize_t on_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                            nghttp2_data_source *source, void *user)
{
	struct stream *s = source->ptr;
	size_t n = s->out_n - s->out_at;

	if (n == 0 && !s->finished) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n > room)
		n = room;
	if (s->finished && s->out_at + n == s->out_n)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *f, const uint8_t *head, size_t n,
                        nghttp2_data_source *source, void *user)
{
	struct h2 *h = user;
	struct stream *s = source->ptr;
	char *at;

	if (conn_queued(&h->sc->conn) >= OUT_MARK_BYTES)
		return NGHTTP2_ERR_WOULDBLOCK;
	assert(f->data.padlen == 0 && n <= s->out_n - s->out_at);
	at = conn_queue_open(&h->sc->conn, 9 + n);
	memcpy(at, head, 9);
	if (n > 0)
		memcpy(at + 9, s->out + s->out_at, n);
	conn_queue_close(&h->sc->conn, 9 + n);
	s->out_at += (uint32_t)n;
	if (s->out_at == s->out_n)
		drop_out(s);
	else
		s->write_due_ms = now_ms(h) + limits_of(h)->write_timeout_ms;
	if (s->was_full && s->out_n - s->out_at <= limits_of(h)->write_mark_bytes / 2 && !s->done) {
		s->was_full = false;
		s->drained_due = true;
		want_attend(h);
	}
	return 0;
}

static nghttp2_session *session_new(struct h2 *h)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *o;
	nghttp2_session *session;

	if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&o) != 0)
		log_panic("nghttp2: no memory");
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
	nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_settings(o, 16);
	nghttp2_option_set_max_outbound_ack(o, 200);
	nghttp2_option_set_stream_reset_rate_limit(o, TOKENS_MAX / COST_RESET, TOKENS_PER_S / COST_RESET);
	nghttp2_option_set_max_continuations(o, 8);
	if (nghttp2_session_server_new2(&session, cb, h, o) != 0)
		log_panic("nghttp2: no memory");
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(o);
	return session;
}

/* ---- input ---- */

static void feed(struct h2 *h, struct str bytes)
{
	ssize_t n;

	if (h->dying)
		return;
	n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.p, bytes.n);
	want_flush(h);
	if (n < 0) /* not HTTP/2, or a flood that nghttp2 stopped: it has no more to say */
		refuse(h, n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
}

/* Reads what is there. False: the connection is gone. */
static bool read_on(struct h2 *h)
{
	struct conn *c = &h->sc->conn;
	char *scratch = loop_scratch(c->loop);

	for (int i = 0; c->can_read; i++) {
		ssize_t n;

		/* A client that does not take our answers is not heard. */
		if (c->stalled && nghttp2_session_get_outbound_queue_size(h->session) > OUT_FRAMES_MAX && !h->dying)
			break;
		if (i == READS_IN_A_ROW) {
			want_attend(h);
			break;
		}
		n = conn_read(c, scratch, LOOP_SCRATCH_BYTES);
		if (n == CONN_AGAIN)
			break;
		if (n <= 0) {
			end(h, ERR_CLIENT_GONE, "the client closed the connection");
			return false;
		}
		feed(h, str_of(scratch, (size_t)n));
	}
	return true;
}

static void run_attend(struct task *t)
{
	struct h2 *h = CONTAINER_OF(t, struct h2, attend);

	/* The handler's calls in here free no stream: that happens only while nghttp2 reads or writes. */
	for (struct stream *s = h->streams; s; s = s->next) {
		if (s->body_due && !s->done) {
			s->body_due = false;
			s->h2->sc->server->options.handler->on_body(&s->x);
		}
		if (s->fail_code && !s->done) {
			struct err e;

			err_set(&e, s->fail_code, "%s", s->fail_text);
			e.origin = ERR_FROM_CLIENT;
			s->fail_code = 0;
			s->h2->sc->server->options.handler->on_body_failed(&s->x, &e);
		}
		if (s->drained_due && !s->done) {
			s->drained_due = false;
			s->h2->sc->server->options.handler->on_drained(&s->x);
		}
	}
	read_on(h);
}

/* ---- output and deadlines ---- */

static void linger(struct h2 *h)
{
	h->lingering = h->dying = true;
	for (struct stream *s = h->streams; s; s = s->next)
		stream_gone(s, ERR_CLIENT_GONE, "the HTTP/2 connection was ended");
	conn_shut(&h->sc->conn);
	timer_start(h->sc->conn.loop, &h->sc->deadline, LINGER_MS);
}

static void run_flush(struct task *t)
{
	struct h2 *h = CONTAINER_OF(t, struct h2, flush);
	struct conn *c = &h->sc->conn;

	if (c->broken || h->lingering)
		return;
	while (conn_queued(c) < OUT_MARK_BYTES) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(h->session, &p);

		if (n < 0) {
			end(h, ERR_CLIENT_GONE, "the HTTP/2 connection failed");
			return;
		}
		if (n == 0)
			break;
		conn_queue(c, str_of((const char *)p, (size_t)n));
	}
	if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session)) {
		linger(h);
		return;
	}
	/* More when the connection has sent this; if it cannot, `drained` tells when it can. */
	if (conn_queued(c) >= OUT_MARK_BYTES && !c->stalled)
		want_flush(h);
	wake_by(h, h->n_streams ? now_ms(h) + TICK_MAX_MS : h->idle_due_ms);
}

static void on_changed(struct conn *c)
{
	struct h2 *h = CONTAINER_OF(c, struct server_conn, conn)->version;

	if (c->broken) {
		end(h, ERR_CLIENT_GONE, "the client closed the connection");
		return;
	}
	if (c->drained) {
		c->drained = false;
		want_flush(h);
	}
	read_on(h);
}

/* False: the client takes nothing of what is queued, and the connection is gone. */
static bool check_stall(struct h2 *h, uint64_t now)
{
	uint32_t queued = (uint32_t)conn_queued(&h->sc->conn);

	if (!h->sc->conn.stalled) {
		h->stall_mark = UINT32_MAX;
		return true;
	}
	if (queued < h->stall_mark) {
		h->stall_mark = queued;
		h->stall_due_ms = now + limits_of(h)->write_timeout_ms;
	}
	if (now < h->stall_due_ms)
		return true;
	end(h, ERR_CLIENT_GONE, "the client does not take its answers");
	return false;
}

/* Returns when to look again. */
static uint64_t check_stream(struct stream *s, uint64_t now)
{
	if (now >= s->read_due_ms)
		body_fail(s, ERR_REQUEST_TIMEOUT, "the request body did not arrive in time");
	if (now >= s->write_due_ms) {
		stream_gone(s, ERR_CLIENT_GONE, "the client does not take its answer");
		nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
		drop_out(s);
		want_flush(s->h2);
	}
	return s->read_due_ms < s->write_due_ms ? s->read_due_ms : s->write_due_ms;
}

static void on_deadline(struct timer *t)
{
	struct h2 *h = CONTAINER_OF(t, struct server_conn, deadline)->version;
	uint64_t now = now_ms(h);
	uint64_t next = now + TICK_MAX_MS;

	if (h->lingering) {
		end(h, ERR_CLIENT_GONE, "the connection was closed");
		return;
	}
	if (!check_stall(h, now))
		return;
	for (struct stream *s = h->streams; s; s = s->next) {
		uint64_t due = check_stream(s, now);

		next = due < next ? due : next;
	}
	if (h->heading && now >= h->head_due_ms)
		refuse(h, NGHTTP2_ENHANCE_YOUR_CALM);
	if (now >= h->goaway_due_ms) {
		h->goaway_due_ms = UINT64_MAX;
		nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
		                      nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL, 0);
		want_flush(h);
	}
	if (h->n_streams == 0) {
		if (now >= h->idle_due_ms)
			terminate(h, NGHTTP2_NO_ERROR);
		else if (!h->sc->conn.stalled)
			next = h->idle_due_ms;
	}
	if (h->goaway_due_ms < next)
		next = h->goaway_due_ms;
	wake_by(h, next > now ? next : now + 1);
}

/* ---- the handler's side ---- */

static struct stream *stream_of(struct exchange *x)
{
	return CONTAINER_OF(x, struct stream, x);
}

static void h2_read_body(struct exchange *x, struct buf *into)
{
	struct stream *s = stream_of(x);
	struct h2 *h = s->h2;
	struct str early = str_of(s->early, s->early_n);

	assert(s->told && !s->done && s->body_state == BODY_HELD);
	s->body = into;
	s->body_state = BODY_WANTED;
	s->body_since_ms = now_ms(h);
	if (s->content_length > 0 && (uint64_t)s->content_length > into->max - into->n)
		body_fail(s, ERR_TOO_LARGE, "the request body is larger than allowed");
	else
		body_take(s, early);
	if (early.n > 0)
		nghttp2_session_consume(h->session, s->id, early.n);
	drop_early(s);
	if (s->whole && s->body_state == BODY_WANTED)
		body_end(s);
	if (s->expect && s->body_state == BODY_WANTED && early.n == 0) {
		static const nghttp2_nv go_on = { (uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)"100", 7, 3,
			                          NGHTTP2_NV_FLAG_NONE };

		nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, s->id, NULL, &go_on, 1, NULL);
	}
	want_flush(h);
}

static nghttp2_nv nv_of(struct str name, struct str value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n, value.n,
		             NGHTTP2_NV_FLAG_NONE };
}

static void h2_start(struct exchange *x, int status, const struct http_field *fields, unsigned n, int64_t length)
{
	struct stream *s = stream_of(x);
	struct h2 *h = s->h2;
	nghttp2_data_provider provider = { .source.ptr = s, .read_callback = on_read_data };
	nghttp2_nv nv[HTTP1_FIELDS_MAX + 3];
	char digits[20], code[20];
	size_t k = 0;
	int rc;

	assert(!s->done && !s->started && status >= 200 && status <= 599 && n <= HTTP1_FIELDS_MAX);
	s->started = true;
	s->out_none = s->head_only || status == 204 || status == 304 || length == 0;
	s->has_length = length >= 0;
	s->out_left = length > 0 ? (uint64_t)length : 0;
	nv[k++] = nv_of(STR(":status"), str_of(code, fmt_u64(code, (uint64_t)status)));
	nv[k++] = nv_of(STR("date"), server_date(h->sc->server));
	for (unsigned i = 0; i < n; i++)
		nv[k++] = nv_of(fields[i].name, fields[i].value); /* nghttp2 copies, in lower case */
	if (length >= 0 && status != 204 && status != 304)
		nv[k++] = nv_of(STR("content-length"), str_of(digits, fmt_u64(digits, (uint64_t)length)));
	rc = nghttp2_submit_response(h->session, s->id, nv, k, s->out_none ? NULL : &provider);
	assert(rc == 0);
	want_flush(h);
}

static void resume(struct stream *s)
{
	if (s->deferred) {
		s->deferred = false;
		nghttp2_session_resume_data(s->h2->session, s->id);
	}
	want_flush(s->h2);
}

static void h2_write(struct exchange *x, struct str bytes)
{
	struct stream *s = stream_of(x);

	assert(!s->done && s->started);
	if (bytes.n == 0 || s->out_none)
		return;
	assert(!s->has_length || bytes.n <= s->out_left);
	s->out_left -= s->has_length ? bytes.n : 0;
	if (s->out_cap - s->out_n < bytes.n) {
		size_t cap = s->out_n + bytes.n;

		if (s->out_cap && cap < 2 * (size_t)s->out_cap)
			cap = 2 * (size_t)s->out_cap;
		assert(cap < UINT32_MAX);
		s->out = mem_realloc(s->out, cap);
		s->out_cap = (uint32_t)cap;
	}
	if (s->write_due_ms == UINT64_MAX) {
		s->write_due_ms = now_ms(s->h2) + limits_of(s->h2)->write_timeout_ms;
		wake_by(s->h2, s->write_due_ms);
	}
	memcpy(s->out + s->out_n, bytes.p, bytes.n);
	s->out_n += (uint32_t)bytes.n;
	resume(s);
}

static void h2_finish(struct exchange *x)
{
	struct stream *s = stream_of(x);

	assert(s->started && (s->out_left == 0 || s->out_none));
	s->finished = true;
	stream_done(s);
	resume(s);
}

static void h2_abort(struct exchange *x)
{
	struct stream *s = stream_of(x);

	stream_done(s);
	drop_out(s);
	nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
	want_flush(s->h2);
}

static size_t h2_pending(const struct exchange *x)
{
	const struct stream *s = CONTAINER_OF(x, struct stream, x);

	return s->out_n - s->out_at;
}

static bool h2_full(struct exchange *x)
{
	struct stream *s = stream_of(x);

	if (h2_pending(x) <= limits_of(s->h2)->write_mark_bytes)
		return false;
	s->was_full = true;
	return true;
}

static void h2_peer(const struct exchange *x, struct addr *out)
{
	server_peer_get(&CONTAINER_OF(x, struct stream, x)->h2->sc->peer, out);
}

static const struct exchange_ops h2_ops = {
	.read_body = h2_read_body, .start = h2_start, .write = h2_write, .finish = h2_finish, .abort = h2_abort,
	.pending = h2_pending, .full = h2_full, .peer = h2_peer,
};

/* ---- for server.c and server_http1.c ---- */

void http2_start(struct server_conn *sc, struct str already)
{
	struct h2 *h = mem_zalloc(sizeof *h);
	const struct server_limits *l = &sc->server->options.limits;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->streams_max },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->http1.head_max_bytes },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	h->sc = sc;
	h->flush.run = run_flush;
	h->attend.run = run_attend;
	h->tokens = TOKENS_MAX;
	h->tokens_at_ms = loop_now_ms(sc->conn.loop);
	h->stall_mark = UINT32_MAX;
	h->goaway_due_ms = UINT64_MAX;
	h->idle_due_ms = h->tokens_at_ms + l->header_timeout_ms; /* until the first request */
	h->session = session_new(h);
	sc->version = h;
	sc->conn.changed = on_changed;
	sc->deadline.on_due = on_deadline;
	timer_start(sc->conn.loop, &sc->deadline, l->header_timeout_ms);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings));
	nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW_BYTES);
	feed(h, already);
	want_attend(h); /* there may be more to read, and no edge will tell */
	if (sc->server->draining)
		http2_drain(sc);
}

void http2_drain(struct server_conn *sc)
{
	struct h2 *h = sc->version;

	if (h->dying || h->goaway_due_ms != UINT64_MAX)
		return;
	nghttp2_submit_shutdown_notice(h->session);
	h->goaway_due_ms = now_ms(h) + DRAIN_MS;
	wake_by(h, h->goaway_due_ms);
	want_flush(h);
}

void http2_close(struct server_conn *sc)
{
	end(sc->version, ERR_SHUTTING_DOWN, "the gateway is shutting down");
}
