/* SPDX-License-Identifier: Apache-2.0 */
/* server_http1: HTTP/1.1 connections of the server: one exchange at a time, strict framing, deadlines for every
 * wait. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/server_in.h"
#include "net/proxyproto.h"
#include "net/tls.h"

/* After an answer that ends a connection, what the client still sends is read and dropped for this long and this much,
 * so that a reset does not overtake the answer. */
#define LINGER_MS 2000
#define LINGER_BYTES (64u << 20)

#define BODY_SLOWEST_BYTES_PER_MS 1

enum h1_state {
	H1_PROXY,      /* a PROXY header must come first */
	H1_IDLE,       /* between requests; nothing of the next one is here */
	H1_HEAD,       /* part of a head is in `in` */
	H1_OPEN,       /* on_head was called: the exchange is the handler's */
	H1_LINGER,     /* the last answer is on its way out; input is dropped */
	H1_DEAD,       /* closed; the object goes when the stack is clean */
};

enum h1_body {
	BODY_NONE,     /* the request has none, or it was read whole */
	BODY_HELD,     /* there is one and the handler did not ask for it yet */
	BODY_WANTED,   /* goes into *body */
	BODY_FAILED,   /* broken, or not wanted: nothing more is read */
};

/* What comes first is read into the loop's scratch and copied; a long body's rest goes straight to its buffer. */
#define HEAD_READ_BYTES 16384u
#define BODY_READ_BYTES (256u << 10)

struct h1 {
	struct server_conn sc;
	struct exchange x;
	struct task again;               /* go on, from a clean stack */

	char *in;                        /* received and not used: a partial head, or what follows a request */
	uint32_t in_n, in_cap;
	union {
		uint32_t scanned;        /* of a head: how far it was looked at */
		uint32_t lingered;       /* H1_LINGER: bytes dropped */
	};

	struct buf *body;
	uint64_t body_left;              /* of a body with a length */
	struct http1_chunks chunks;
	uint64_t body_since_ms;

	uint64_t out_left;               /* of an answer with a length */
	uint32_t stall_mark;             /* queued bytes when the write deadline was set */
	uint8_t state, body_state;
	bool first;                      /* no request was read yet */
	uint8_t proxy;                   /* enum server_proxy */
	bool feeding;                    /* on_head is being called: who asks for the body need not post */
	bool http10, body_chunked, expect;
	bool head_only, keep_alive, started, out_chunked, out_none, was_full;
};

static const struct exchange_ops h1_ops;

static struct h1 *h1_of(struct exchange *x)
{
	return CONTAINER_OF(x, struct h1, x);
}

static const struct server_limits *limits_of(const struct h1 *h)
{
	return &h->sc.server->options.limits;
}

static void destroy(struct h1 *h)
{
	loop_unpost(h->sc.conn.loop, &h->again);
	free(h->in);
	server_conn_free(&h->sc);
}

static void deadline_in(struct h1 *h, uint32_t ms)
{
	timer_start(h->sc.conn.loop, &h->sc.deadline, ms);
}

/* The exchange is over for the handler without its doing. */
static void gone(struct h1 *h, enum err_code code, const char *why)
{
	struct err e;

	assert(h->state == H1_OPEN);
	err_set(&e, code, "%s", why);
	e.origin = ERR_FROM_CLIENT;
	h->state = H1_DEAD;
	h->sc.server->stats.exchanges--;
	h->sc.server->options.handler->on_gone(&h->x, &e);
	destroy(h);
}

/* ---- input that was read ahead ---- */

static void keep_input(struct h1 *h, struct str s)
{
	if (s.n == 0) {
		if (unlikely(h->in))
			free(h->in);
		h->in = NULL;
		h->in_n = h->in_cap = 0;
		return;
	}
	if (h->in_n && s.p >= h->in && s.p < h->in + h->in_n) {
		memmove(h->in, s.p, s.n);
		h->in_n = (uint32_t)s.n;
		return;
	}
	assert(h->in_n == 0);
	if (h->in_cap < s.n) {
		free(h->in);
		h->in = mem_alloc(s.n);
		h->in_cap = (uint32_t)s.n;
	}
	memcpy(h->in, s.p, s.n);
	h->in_n = (uint32_t)s.n;
}

static void add_input(struct h1 *h, struct str s)
{
	if (h->in_n + s.n > h->in_cap) {
		uint32_t cap = h->in_n + (uint32_t)s.n;

		if (cap < 2 * h->in_cap)
			cap = 2 * h->in_cap;
		h->in = mem_realloc(h->in, cap);
		h->in_cap = cap;
	}
	memcpy(h->in + h->in_n, s.p, s.n);
	h->in_n += (uint32_t)s.n;
}

/* ---- the end of a connection ---- */

static void linger(struct h1 *h)
{
	h->state = H1_LINGER;
	h->lingered = 0; /* no head will be read any more */
	keep_input(h, (struct str){ 0 });
	conn_shut(&h->sc.conn);
	/* What is queued leaves in this turn, mostly; if it does not, on_deadline gives it the time to. */
	deadline_in(h, LINGER_MS);
	h->stall_mark = 0;
	if (h->sc.conn.can_read)
		loop_post(h->sc.conn.loop, &h->again);
}

/* Answers a message that broke the rules before there was an exchange. The dialect is not known yet: the OpenAI
 * form. */
static void refuse_message(struct h1 *h, const struct err *e, struct str message)
{
	char body[768], head[256];
	int status = e->status ? e->status : err_code_status(e->code);
	struct buf b = buf_make(sizeof body);

	h->sc.server->stats.refused++;
	buf_printf(&b,
	           "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"%s\"}}",
	           e->text, err_code_name(e->code));
	snprintf(
		head, sizeof head,
		"HTTP/1.1 %d %s\r\ndate: %.*s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
		"connection: close\r\n\r\n",
		status, http_reason(status), STR_ARG(server_date(h->sc.server)), b.n);
	conn_queue(&h->sc.conn, str_from_z(head));
	if (!str_starts(message, STR("HEAD ")))
		conn_queue(&h->sc.conn, buf_str(&b));
	buf_fini(&b);
	linger(h);
}

static void refuse_timeout(struct h1 *h)
{
	struct err e;

	err_set(&e, ERR_REQUEST_TIMEOUT, "the request did not arrive within %u ms", limits_of(h)->header_timeout_ms);
	refuse_message(h, &e, str_of(h->in, h->in_n));
}

/* ---- bodies ---- */

static void body_failed(struct h1 *h, enum err_code code, const char *text)
{
	struct err e;

	assert(h->body_state == BODY_WANTED);
	err_set(&e, code, "%s", text);
	e.origin = ERR_FROM_CLIENT;
	h->body_state = BODY_FAILED;
	h->keep_alive = false;
	h->sc.server->stats.refused++;
	h->sc.server->options.handler->on_body_failed(&h->x, &e);
}

static void body_too_large(struct h1 *h)
{
	body_failed(h, ERR_TOO_LARGE, "the request body is larger than allowed");
}

/* There is no room for `n` bytes more: by the ceiling, or since a body that is a file finds the disk full. */
static void body_does_not_fit(struct h1 *h, size_t n)
{
	if (n > h->body->max - h->body->n)
		body_too_large(h);
	else
		body_failed(h, ERR_INTERNAL, "the request body cannot be kept: there is no room for more uploads");
}

static void body_done(struct h1 *h)
{
	h->body_state = BODY_NONE;
	h->sc.server->options.handler->on_body(&h->x);
}

/* What can be said of a body with a length before any of its bytes: that there is none, or that it is too large. */
static void body_begin(struct h1 *h)
{
	if (h->body_chunked)
		return;
	if (h->body_left > h->body->max - h->body->n)
		body_too_large(h);
	else if (h->body_left == 0)
		body_done(h);
}

static void feed_sized(struct h1 *h, struct str *in)
{
	struct str data = str_slice(*in, 0, h->body_left < in->n ? (size_t)h->body_left : in->n);
	bool fits = buf_reserve(h->body, h->body_left < BODY_READ_BYTES ? (size_t)h->body_left : BODY_READ_BYTES) &&
		    buf_append(h->body, data);

	if (unlikely(!fits)) {
		body_does_not_fit(h, data.n);
		return;
	}
	*in = str_slice(*in, data.n, in->n);
	h->body_left -= data.n;
	if (h->body_left == 0)
		body_done(h);
}

static void feed_chunked(struct h1 *h, struct str *in)
{
	struct str data;

	for (;;)
		switch (http1_chunks_read(&h->chunks, in, &data)) {
		case HTTP1_BODY_MORE:
			/* the size of a chunk is told before its bytes */
			if (h->chunks.left > h->body->max - h->body->n)
				body_too_large(h);
			return;
		case HTTP1_BODY_DATA:
					if (buf_append(h->body, data))
				break;
			body_does_not_fit(h, data.n);
			return;
		case HTTP1_BODY_END:
			body_done(h);
			return;
		case HTTP1_BODY_BAD:
			body_failed(h, ERR_INVALID_REQUEST, "the chunked request body is malformed");
			return;
		}
}

/* ---- requests ---- */

static void open_exchange(struct h1 *h, const struct http_head *head)
{
	struct server *s = h->sc.server;

	h->x = (struct exchange){ .ops = &h1_ops, .user = s->options.user,
		                  .loop = h->sc.conn.loop };
	h->head_only = head->method == METHOD_HEAD;
	h->state = H1_OPEN;
	h->first = false;
	h->keep_alive = head->keep_alive && !s->draining;
	h->http10 = head->http10;
	h->started = h->was_full = false;
	h->expect = head->expect_continue;
	h->body_chunked = head->chunked;
	h->body_left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
	h->body_state = head->chunked || h->body_left ? BODY_HELD : BODY_NONE;
	h->chunks = (struct http1_chunks){ 0 };
	h->body = NULL;
	s->stats.exchanges++;
	h->feeding = true;
	h->sc.server->options.handler->on_head(&h->x, head);
	h->feeding = false;
	if (h->state == H1_OPEN && h->body_state == BODY_WANTED)
		body_begin(h);
}

/* RFC 9113 section 3.4. */
#define PREFACE STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/* The whole of it, or what may become one. */
static bool is_preface(struct str s)
{
	return str_starts(PREFACE, str_slice(s, 0, PREFACE.n));
}

static void start_http2(struct h1 *h, struct str bytes)
{
	char *in = h->in;

	loop_unpost(h->sc.conn.loop, &h->again);
	h->in = NULL;
	h->in_n = h->in_cap = 0;
	h->sc.http2 = true;
	http2_start(&h->sc, bytes);
	free(in);
}

static void wait_for_head(struct h1 *h)
{
	if (h->state == H1_IDLE)
		deadline_in(h, limits_of(h)->header_timeout_ms);
	h->state = H1_HEAD;
}

/* Takes one head from the front of `*in`. False: the connection is HTTP/2's now. */
static bool feed_head(struct h1 *h, struct str *in)
{
	const struct http1_limits *limits = &limits_of(h)->http1;
	struct http_field fields[HTTP1_FIELDS_MAX];
	struct http_head head;
	struct err e;
	size_t len = 0;

	if (h->first && h->sc.http2_wanted && is_preface(*in)) {
		if (in->n < PREFACE.n) {
			wait_for_head(h); /* may become one */
			return true;
		}
		start_http2(h, *in);
		return false;
	}
	switch (http1_take_request(*in, &h->scanned, limits, fields, &head, &len, &e)) {
	case HTTP1_MORE:
		wait_for_head(h);
		return true;
	case HTTP1_BAD:
		refuse_message(h, &e, *in);
		return true;
	case HTTP1_WHOLE:
		break;
	}
	*in = str_slice(*in, len, in->n);
	open_exchange(h, &head);
	return true;
}

/* False: the connection is gone. */
static bool feed_proxy(struct h1 *h, struct str *in)
{
	struct proxyproto p;
	bool v2 = in->p[0] == '\r';

	if ((h->proxy == SERVER_PROXY_V1 && v2) || (h->proxy == SERVER_PROXY_V2 && !v2))
		goto refused;
	switch (proxyproto_parse(str_slice(*in, 0, PROXYPROTO_MAX_BYTES), &p)) {
	case PROXYPROTO_MORE:
		if (in->n < PROXYPROTO_MAX_BYTES)
			return true;
		break;
	case PROXYPROTO_DONE:
		*in = str_slice(*in, p.consumed, in->n);
		if (!p.local)
			server_peer_set(&h->sc.peer, &p.source);
		h->state = H1_IDLE;
		return true;
	case PROXYPROTO_BAD:
		break;
	}
refused:
	h->sc.server->stats.refused++;
	destroy(h);
	return false;
}

static bool may_read(const struct h1 *h)
{
	switch ((enum h1_state)h->state) {
	case H1_PROXY:
	case H1_LINGER:
		return true;
	case H1_IDLE:
	case H1_HEAD:
		return conn_queued(&h->sc.conn) <= limits_of(h)->write_mark_bytes; /* a client that only asks */
	case H1_OPEN:
		return h->body_state == BODY_WANTED;
	case H1_DEAD:
		return false;
	}
	return false;
}

/* Uses received bytes as far as the state allows and keeps the rest. False: the object is gone, or HTTP/2's. */
static bool feed(struct h1 *h, struct str in)
{
	while (in.n > 0 && may_read(h)) {
		enum h1_state before = h->state;
		size_t had = in.n;

		if (before == H1_PROXY) {
			if (!feed_proxy(h, &in))
				return false;
		} else if (before == H1_LINGER) {
			h->lingered += (uint32_t)in.n;
			in.n = 0;
		} else if (before == H1_OPEN) {
			if (h->body_chunked)
				feed_chunked(h, &in);
			else
				feed_sized(h, &in);
		} else if (!feed_head(h, &in)) {
			return false;
		}
		if (h->state == before && in.n == had)
			break;
	}
	if (h->state != H1_LINGER && h->state != H1_DEAD)
		keep_input(h, in);
	return true;
}

/* The client sends no more. False: the object is gone. */
static bool input_ended(struct h1 *h, bool failed)
{
	struct err e;

	switch ((enum h1_state)h->state) {
	case H1_OPEN:
		if (failed) {
			gone(h, ERR_CLIENT_GONE, "the client reset the connection");
			return false;
		}
		body_failed(h, ERR_INVALID_REQUEST, "the connection was closed before the whole request body arrived");
		return true;
	case H1_HEAD:
		if (failed)
			break;
		err_set(&e, ERR_INVALID_REQUEST, "the connection was closed in the middle of a request head");
		refuse_message(h, &e, str_of(h->in, h->in_n));
		return true;
	case H1_DEAD:
		return true;
	case H1_PROXY:
	case H1_IDLE:
	case H1_LINGER:
		break;
	}
	destroy(h);
	return false;
}

enum { READ_GONE = -3 };

/* TLS wants the bytes behind the header from the socket itself, so that no more than the header may be taken from
 * it. */
static ssize_t read_proxy_before_tls(struct h1 *h)
{
	struct conn *c = &h->sc.conn;
	char *scratch = loop_scratch(c->loop);
	ssize_t n = recv(c->watch.fd, scratch, PROXYPROTO_MAX_BYTES, MSG_PEEK);
	struct str in = str_of(scratch, n > 0 ? (size_t)n : 0);

	if (n == 0)
		return CONN_EOF;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return CONN_FAIL;
	if (n > 0 && !feed_proxy(h, &in))
		return READ_GONE;
	if (n < 0 || h->state == H1_PROXY) {
		c->can_read = false; /* an edge tells of more */
		return CONN_AGAIN;
	}
	n = recv(c->watch.fd, scratch, (size_t)n - in.n, 0);
	assert(n > 0);
	c->tls = tls_accept(h->sc.version, c->watch.fd);
	h->sc.version = NULL;
	return n;
}

/* A long body with a length goes straight to its buffer. One byte more than is awaited is asked for, so that a read
 * which brings the last of it also tells that nothing follows. */
static ssize_t read_sized(struct h1 *h)
{
	size_t want = h->body_left < BODY_READ_BYTES ? (size_t)h->body_left : BODY_READ_BYTES;
	size_t ask = want == h->body_left && want < h->body->max - h->body->n ? want + 1 : want;
	char *at = buf_reserve(h->body, ask);
	ssize_t n;

	if (unlikely(!at)) {
		body_does_not_fit(h, ask);
		return 1;        /* nothing is read any more */
	}
	n = conn_read(&h->sc.conn, at, ask);
	if (n <= 0)
		return n;
	if ((size_t)n > want) {
		n = (ssize_t)want;
		add_input(h, str_of(at + want, 1));
	}
	h->body->n += (size_t)n;
	h->body_left -= (size_t)n;
	if (h->body_left == 0)
		body_done(h);
	return n;
}

/* One read. > 0: taken; else as conn_read, or READ_GONE. */
static ssize_t read_once(struct h1 *h)
{
	char *scratch = loop_scratch(h->sc.conn.loop);
	ssize_t n;

	if (h->sc.version)
		return read_proxy_before_tls(h);
	if (h->state == H1_OPEN && !h->body_chunked)
		return read_sized(h);
	n = conn_read(&h->sc.conn, scratch, HEAD_READ_BYTES);
	if (n <= 0)
		return n;
	if (h->first && h->sc.http2_wanted && h->sc.conn.tls && str_eq(tls_alpn(h->sc.conn.tls), STR("h2"))) {
		h->sc.must_http2 = true;
		start_http2(h, str_of(scratch, (size_t)n));
		return READ_GONE;
	}
	if (h->in_n == 0)
		return feed(h, str_of(scratch, (size_t)n)) ? n : READ_GONE;
	add_input(h, str_of(scratch, (size_t)n));
	return feed(h, str_of(h->in, h->in_n)) ? n : READ_GONE;
}

static void set_deadline(struct h1 *h)
{
	const struct server_limits *l = limits_of(h);
	uint64_t now = loop_now_ms(h->sc.conn.loop), due;

	switch ((enum h1_state)h->state) {
	case H1_IDLE:
		if (!h->first)
			deadline_in(h, l->idle_timeout_ms);
		return;
	case H1_OPEN:
		if (may_read(h)) {
			due = h->body_since_ms + l->body_timeout_ms + h->body->n / BODY_SLOWEST_BYTES_PER_MS;
			if (due > now + l->body_timeout_ms)
				due = now + l->body_timeout_ms;
			deadline_in(h, due > now ? (uint32_t)(due - now) : 0);
		} else if (h->sc.conn.hangup) {
			deadline_in(h, l->half_close_ms);
		}
		return;
	case H1_PROXY:
	case H1_HEAD:
	case H1_LINGER:
	case H1_DEAD:
		return;
	}
}

#define READS_IN_A_ROW 16

static void read_on(struct h1 *h)
{
	if (h->state == H1_OPEN && h->body_state == BODY_WANTED && h->body->n == 0)
		body_begin(h);
	if (h->in_n && may_read(h) && !feed(h, str_of(h->in, h->in_n)))
		return;
	for (int i = 0; may_read(h) && h->sc.conn.can_read; i++) {
		ssize_t n;

		if (i == READS_IN_A_ROW) {
			loop_post(h->sc.conn.loop, &h->again);
			break;
		}
		if (h->state == H1_LINGER && h->lingered > LINGER_BYTES) {
			destroy(h);
			return;
		}
		n = read_once(h);
		if (n == READ_GONE)
			return;
		if (n == CONN_AGAIN)
			break;
		if (n <= 0) {
			if (!input_ended(h, n == CONN_FAIL))
				return;
			break;
		}
	}
	set_deadline(h);
}

static void drained(struct h1 *h)
{
	if (h->state == H1_LINGER) {
		deadline_in(h, LINGER_MS);
	} else if (h->state == H1_OPEN && h->was_full &&
	           conn_queued(&h->sc.conn) <= limits_of(h)->write_mark_bytes / 2) {
		h->was_full = false;
		h->sc.server->options.handler->on_drained(&h->x);
	}
}

static void run_again(struct task *t)
{
	struct h1 *h = CONTAINER_OF(t, struct h1, again);

	if (h->state == H1_DEAD)
		destroy(h);
	else
		read_on(h);
}

static void on_changed(struct conn *c)
{
	struct h1 *h = CONTAINER_OF(CONTAINER_OF(c, struct server_conn, conn), struct h1, sc);

	if (h->state == H1_DEAD)
		return;
	if (c->broken) {
		if (h->state == H1_OPEN)
			gone(h, ERR_CLIENT_GONE, "the client closed the connection");
		else
			destroy(h);
		return;
	}
	if (c->drained) {
		c->drained = false;
		drained(h);
		if (h->state == H1_DEAD)
			return;
	}
	read_on(h);
}

static void on_deadline(struct timer *t)
{
	struct h1 *h = CONTAINER_OF(CONTAINER_OF(t, struct server_conn, deadline), struct h1, sc);
	size_t queued = conn_queued(&h->sc.conn);

	switch ((enum h1_state)h->state) {
	case H1_HEAD:
		refuse_timeout(h);
		return;
	case H1_OPEN:
		if (may_read(h)) {
			body_failed(h, ERR_REQUEST_TIMEOUT, "the request body did not arrive in time");
		} else if (h->sc.conn.hangup) {
			gone(h, ERR_CLIENT_GONE, "the client closed the connection");
		} else if (h->sc.conn.stalled && queued >= h->stall_mark) {
			gone(h, ERR_CLIENT_GONE, "the client does not take its answer");
		} else if (h->sc.conn.stalled) {
			h->stall_mark = (uint32_t)queued;
			deadline_in(h, limits_of(h)->write_timeout_ms);
		}
		return;
	case H1_LINGER:
		if (queued && (h->stall_mark == 0 || queued < h->stall_mark)) {
			h->stall_mark = (uint32_t)queued;
			deadline_in(h, limits_of(h)->write_timeout_ms);
			return;
		}
		break;
	case H1_PROXY:
	case H1_IDLE:
		break;
	case H1_DEAD:
		return;
	}
	destroy(h);
}

/* ---- the handler's side ---- */

static void h1_read_body(struct exchange *x, struct buf *into)
{
	struct h1 *h = h1_of(x);

	assert(h->state == H1_OPEN && !h->body);
	h->body = into;
	h->body_since_ms = loop_now_ms(x->loop);
	h->body_state = BODY_WANTED;
	if (h->expect && (h->body_chunked || (h->body_left && h->body_left <= into->max)))
		conn_queue(&h->sc.conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	if (!h->feeding)
		loop_post(x->loop, &h->again);
}

static char *put_status(char *at, int status)
{
	if (likely(status == 200))
		return put_str(at, STR("HTTP/1.1 200 OK\r\ndate: "));
	at = put_str(at, STR("HTTP/1.1 "));
	at += fmt_u64(at, (uint64_t)status);
	*at++ = ' ';
	at = put_str(at, str_from_z(http_reason(status)));
	return put_str(at, STR("\r\ndate: "));
}

/* What a head has besides its fields: the start line, date, framing and connection. */
#define HEAD_ROOM 256

static void h1_start(struct exchange *x, int status, const struct http_field *fields, unsigned n, int64_t length)
{
	struct h1 *h = h1_of(x);
	size_t room = HEAD_ROOM;
	char *start, *at;

	assert(h->state == H1_OPEN && !h->started && status >= 200 && status <= 599);
	h->started = true;
	h->out_none = h->head_only || status == 204 || status == 304;
	h->out_chunked = length < 0 && !h->http10 && !h->out_none;
	h->out_left = length > 0 ? (uint64_t)length : 0;
	if (h->body_state != BODY_NONE || (length < 0 && h->http10)) {
		/* a body that nobody reads ends the connection, and so does an answer without a length */
		h->keep_alive = false;
		h->body_state = BODY_FAILED;
	}
	for (unsigned i = 0; i < n; i++)
		room += fields[i].name.n + fields[i].value.n + 4;
	start = conn_queue_open(&h->sc.conn, room + (h->out_left < LOOP_SCRATCH_BYTES ? h->out_left : 0));
	at = put_status(start, status);
	at = put_str(at, server_date(h->sc.server));
	for (unsigned i = 0; i < n; i++) {
		at = put_str(at, STR("\r\n"));
		at = put_str(at, fields[i].name);
		at = put_str(at, STR(": "));
		at = put_str(at, fields[i].value);
	}
	if (h->out_chunked) {
		at = put_str(at, STR("\r\ntransfer-encoding: chunked"));
	} else if (length >= 0 && status != 204 && status != 304) {
		at = put_str(at, STR("\r\ncontent-length: "));
		at += fmt_u64(at, (uint64_t)length);
	}
	if (!h->keep_alive)
		at = put_str(at, STR("\r\nconnection: close"));
	else if (h->http10)
		at = put_str(at, STR("\r\nconnection: keep-alive"));
	at = put_str(at, STR("\r\n\r\n"));
	assert((size_t)(at - start) <= room);
	conn_queue_close(&h->sc.conn, (size_t)(at - start));
}

static char *put_hex(char *at, size_t v)
{
	unsigned digits = (67 - (unsigned)__builtin_clzll(v | 1)) / 4;

	for (unsigned i = digits; i-- > 0; v >>= 4)
		at[i] = "0123456789abcdef"[v & 15];
	return at + digits;
}

static void h1_write(struct exchange *x, struct str s)
{
	struct h1 *h = h1_of(x);
	char *at, *start;

	assert(h->state == H1_OPEN && h->started);
	if (s.n == 0 || h->out_none)
		return;
	if (!h->out_chunked) {
		assert(s.n <= h->out_left || h->http10);
		h->out_left -= s.n < h->out_left ? s.n : h->out_left;
		conn_queue(&h->sc.conn, s);
		return;
	}
	start = conn_queue_open(&h->sc.conn, s.n + 20);
	at = put_hex(start, s.n);
	at = put_str(at, STR("\r\n"));
	at = put_str(at, s);
	at = put_str(at, STR("\r\n"));
	conn_queue_close(&h->sc.conn, (size_t)(at - start));
}

static void h1_finish(struct exchange *x)
{
	struct h1 *h = h1_of(x);

	assert(h->state == H1_OPEN && h->started && (h->out_left == 0 || h->out_none));
	if (h->out_chunked)
		conn_queue(&h->sc.conn, STR("0\r\n\r\n"));
	h->sc.server->stats.exchanges--;
	if (!h->keep_alive || h->sc.server->draining) {
		linger(h);
		return;
	}
	h->state = H1_IDLE;
	h->stall_mark = 0;
	deadline_in(h, limits_of(h)->idle_timeout_ms);
	if (!h->feeding && (h->in_n || h->sc.conn.can_read))
		loop_post(x->loop, &h->again);
}

static void h1_abort(struct exchange *x)
{
	struct h1 *h = h1_of(x);

	assert(h->state == H1_OPEN);
	h->sc.server->stats.exchanges--;
	if (h->started && (h->out_chunked || h->out_left)) {
		linger(h); /* what was queued still leaves; the missing end tells */
		return;
	}
	conn_reset(&h->sc.conn);
	h->state = H1_DEAD;
	loop_post(x->loop, &h->again);
}

static size_t h1_pending(const struct exchange *x)
{
	return conn_queued(&CONTAINER_OF(x, struct h1, x)->sc.conn);
}

static bool h1_full(struct exchange *x)
{
	struct h1 *h = h1_of(x);
	size_t queued = conn_queued(&h->sc.conn);

	if (queued <= limits_of(h)->write_mark_bytes)
		return false;
	if (!h->was_full) {
		h->was_full = true;
		h->stall_mark = UINT32_MAX;
		deadline_in(h, limits_of(h)->write_timeout_ms);
		conn_owe_drained(&h->sc.conn); /* also if the kernel takes it all at once */
	}
	return true;
}

static void h1_peer(const struct exchange *x, struct addr *out)
{
	server_peer_get(&CONTAINER_OF(x, struct h1, x)->sc.peer, out);
}

static const struct exchange_ops h1_ops = {
	.read_body = h1_read_body, .start = h1_start, .write = h1_write, .finish = h1_finish, .abort = h1_abort,
	.pending = h1_pending, .full = h1_full, .peer = h1_peer,
};

/* ---- for server.c ---- */

const size_t http1_conn_bytes = sizeof(struct h1);

bool http1_accept(struct server *s, int fd, const struct server_peer *peer, const struct listener_options *o)
{
	struct h1 *h = slab_take(&s->slab);
	struct tls *tls = o->tls && o->proxy == SERVER_PROXY_OFF ? tls_accept(o->tls, fd) : NULL;

	h->sc.server = s;
	h->sc.peer = *peer;
	h->sc.http2_wanted = o->http2;
	h->sc.deadline.on_due = on_deadline;
	h->again.run = run_again;
	h->first = true;
	h->proxy = (uint8_t)o->proxy;
	h->sc.version = tls ? NULL : o->tls;
	h->state = o->proxy == SERVER_PROXY_OFF ? H1_IDLE : H1_PROXY;
	if (!conn_open(&h->sc.conn, s->options.loop, fd, tls, on_changed, NULL)) {
		slab_give(&s->slab, h);
		return false;
	}
	h->sc.next = s->conns;
	h->sc.link = &s->conns;
	if (s->conns)
		s->conns->link = &h->sc.next;
	s->conns = &h->sc;
	s->stats.open++;
	atomic_fetch_add_explicit(s->options.connections, 1, memory_order_relaxed);
	deadline_in(h, limits_of(h)->header_timeout_ms);
	return true;
}

void http1_drain(struct server_conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, sc);

	switch ((enum h1_state)h->state) {
	case H1_IDLE:
		linger(h);
		return;
	case H1_OPEN:
		h->keep_alive = false;
		return;
	case H1_PROXY:
	case H1_HEAD:
	case H1_LINGER:
	case H1_DEAD:
		return;
	}
}

void http1_close(struct server_conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, sc);

	if (h->state == H1_OPEN)
		gone(h, ERR_SHUTTING_DOWN, "the gateway is shutting down");
	else
		destroy(h);
}
