/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 of the server, frame by frame: a real server on its own thread, a client that sends whatever it likes. */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "lib/check.h"
#include "net/addr.h"
#include "net/server.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
enum { NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
       REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM };

#define BODY_MAX 100000
#define STREAM_BYTES 3000000 /* of /stream */

/* ---- the server: its handler is chosen by the path ---- */

static struct loop *loop;
static struct server *server;
static struct addr at;
static pthread_t thread;
static _Atomic int64_t connections;
static atomic_int open_exchanges, gone, drained;

struct visit {
	struct exchange *x;
	struct buf body;
	size_t left;
	struct timer later;
	char note[256];
};

static void answer(struct visit *v, int status, struct str body)
{
	const struct http_field fields[] = { { STR("Content-Type"), STR("text/plain"), HTTP_F_CONTENT_TYPE },
		                             { STR("x-note"), str_from_z(v->note), HTTP_F_OTHER } };
	exchange_start(v->x, status, fields, COUNT_OF(fields), (int64_t)body.n);
	exchange_write(v->x, body);
	exchange_finish(v->x);
}

static void visit_end(struct visit *v)
{
	timer_cancel(v->x->loop, &v->later);
	buf_fini(&v->body);
	free(v);
	atomic_fetch_sub(&open_exchanges, 1);
}

static void stream_on(struct visit *v)
{
	static const char piece[10000];
	while (v->left > 0 && !exchange_full(v->x)) {
		size_t n = v->left < sizeof piece ? v->left : sizeof piece;
		exchange_write(v->x, str_of(piece, n));
		v->left -= n;
	}
	if (v->left > 0)
		return;
	exchange_finish(v->x);
	visit_end(v);
}

static void on_later(struct timer *t)
{
	struct visit *v = CONTAINER_OF(t, struct visit, later);
	exchange_read_body(v->x, &v->body);
}

static void note(struct visit *v, const struct http_head *h)
{
	const struct http_field *cookie = http_find(h, HTTP_F_COOKIE);
	snprintf(v->note, sizeof v->note, "%.*s|%.*s|%.*s|%.*s|%lld|%d|%u|%.*s", STR_ARG(h->method_text),
	         STR_ARG(h->host), STR_ARG(h->path), STR_ARG(h->query), (long long)h->content_length, h->chunked,
	         h->n_fields, cookie ? (int)cookie->value.n : 0, cookie ? cookie->value.p : "");
}

static void on_head(struct exchange *x, const struct http_head *h)
{
	struct visit *v = mem_zalloc(sizeof *v);
	v->x = x;
	v->body = buf_make(BODY_MAX);
	v->later.on_due = on_later;
	x->user = v;
	atomic_fetch_add(&open_exchanges, 1);
	note(v, h);
	if (str_eq(h->path, STR("/echo"))) {
		exchange_read_body(x, &v->body);
	} else if (str_eq(h->path, STR("/late"))) {
		timer_start(x->loop, &v->later, 30);
	} else if (str_eq(h->path, STR("/stream"))) {
		v->left = STREAM_BYTES;
		exchange_start(x, 200, NULL, 0, -1);
		stream_on(v);
	} else if (str_eq(h->path, STR("/abort"))) {
		exchange_start(x, 200, NULL, 0, -1);
		exchange_write(x, STR("half"));
		exchange_abort(x);
		visit_end(v);
	} else if (!str_eq(h->path, STR("/wait"))) {
		answer(v, 200, STR("hello"));
		visit_end(v);
	}
}

static void on_body(struct exchange *x)
{
	struct visit *v = x->user;
	answer(v, 200, buf_str(&v->body));
	visit_end(v);
}

static void on_body_failed(struct exchange *x, const struct err *e)
{
	struct visit *v = x->user;
	answer(v, err_code_status(e->code), str_from_z(e->text));
	visit_end(v);
}

static void on_drained(struct exchange *x)
{
	atomic_fetch_add(&drained, 1);
	stream_on(x->user);
}

static void on_gone(struct exchange *x, const struct err *why)
{
	atomic_fetch_add(&gone, 1);
	visit_end(x->user);
}

static const struct exchange_handler handler = { on_head, on_body, on_body_failed, on_drained, on_gone };

static void *serve(void *arg)
{
	loop_run(loop);
	return NULL;
}

static int setup(void **state)
{
	struct err e;
	struct server_options o = {
		.handler = &handler, .connections = &connections, .connections_max = 1000,
		.limits = { .http1 = { 8192, 4096, 64 }, .write_mark_bytes = 65536, .streams_max = 100,
		            .header_timeout_ms = 400, .body_timeout_ms = 300, .idle_timeout_ms = 600,
		            .write_timeout_ms = 500, .half_close_ms = 100 },
	};
	loop = o.loop = loop_new(&(struct loop_options){ 0 }, &e);
	server = server_new(&o);
	assert_true(addr_parse(&at, STR("127.0.0.1:0"), &e));
	int fd = server_bind(&at, 64, &e);
	assert_true(fd >= 0);
	assert_true(server_listen(server, &(struct listener_options){ .fd = fd, .http2 = true }, &e));
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	atomic_store(&gone, 0);
	atomic_store(&drained, 0);
	return 0;
}

static int teardown(void **state)
{
	loop_stop(loop);
	pthread_join(thread, NULL);
	server_free(server);
	loop_free(loop);
	assert_int_equal(atomic_load(&open_exchanges), 0);
	assert_int_equal(atomic_load(&connections), 0);
	return 0;
}

/* ---- the client ---- */

struct client {
	int fd;
	nghttp2_hd_deflater *deflate;
	nghttp2_hd_inflater *inflate;
	unsigned char frame[70000];
	size_t n;            /* of the payload */
	unsigned type, flags;
	uint32_t stream;
	bool mute;           /* acknowledges no settings */
};

static void put_bytes(struct client *c, const void *p, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t got = send(c->fd, (const char *)p + sent, n - sent, MSG_NOSIGNAL);
		if (got <= 0)
			return; /* the server has closed: what it said before is still to be read */
		sent += (size_t)got;
	}
}

static void frame_header(unsigned char out[9], unsigned type, unsigned flags, uint32_t stream, size_t n)
{
	out[0] = (unsigned char)(n >> 16);
	out[1] = (unsigned char)(n >> 8);
	out[2] = (unsigned char)n;
	out[3] = (unsigned char)type;
	out[4] = (unsigned char)flags;
	stream = htonl(stream);
	memcpy(out + 5, &stream, 4);
}

static void frame(struct client *c, unsigned type, unsigned flags, uint32_t stream, const void *p, size_t n)
{
	unsigned char all[9 + 20000];
	assert_true(n <= sizeof all - 9);
	frame_header(all, type, flags, stream, n);
	if (n)
		memcpy(all + 9, p, n);
	put_bytes(c, all, 9 + n);
}

static void frame_u32(struct client *c, unsigned type, uint32_t stream, uint32_t v)
{
	v = htonl(v);
	frame(c, type, 0, stream, &v, 4);
}

/* "name: value" lines; a name may start with a colon. Values may be empty. */
static size_t block(struct client *c, const char *lines, unsigned char *out, size_t room)
{
	nghttp2_nv nv[300];
	size_t n = 0;
	for (const char *p = lines; *p;) {
		const char *sep = strstr(p + 1, ": "), *end = strchr(p, '\n');
		assert_true(sep && end && sep < end && n < COUNT_OF(nv));
		nv[n++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)p, (uint8_t *)(uintptr_t)(sep + 2), (size_t)(sep - p),
			                (size_t)(end - sep - 2), NGHTTP2_NV_FLAG_NONE };
		p = end + 1;
	}
	ssize_t len = nghttp2_hd_deflate_hd(c->deflate, out, room, nv, n);
	assert_true(len >= 0);
	return (size_t)len;
}

static void headers(struct client *c, uint32_t stream, unsigned flags, const char *lines)
{
	unsigned char b[20000];
	size_t n = block(c, lines, b, sizeof b);
	frame(c, HEADERS, END_HEADERS | flags, stream, b, n);
}

#define GET(path) ":method: GET\n:scheme: http\n:authority: a.example\n:path: " path "\n"
#define POST(path) ":method: POST\n:scheme: http\n:authority: a.example\n:path: " path "\n"

static struct client *client_open_raw(int receive_buffer)
{
	struct client *c = mem_zalloc(sizeof *c);
	struct timeval patience = { .tv_sec = 8 };
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (receive_buffer)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	assert_int_equal(connect(c->fd, &at.u.sa, at.len), 0);
	assert_int_equal(nghttp2_hd_deflate_new(&c->deflate, 4096), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&c->inflate), 0);
	return c;
}

static struct client *client_open(void)
{
	struct client *c = client_open_raw(0);
	put_bytes(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	frame(c, SETTINGS, 0, 0, NULL, 0);
	return c;
}

static void client_close(struct client *c)
{
	nghttp2_hd_deflate_del(c->deflate);
	nghttp2_hd_inflate_del(c->inflate);
	close(c->fd);
	free(c);
}

/* False: the server closed the connection. */
static bool get_bytes(struct client *c, void *out, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t more = recv(c->fd, (char *)out + got, n - got, 0);
		if (more < 0 && errno == EAGAIN)
			fail_msg("the server says nothing");
		if (more <= 0)
			return false;
		got += (size_t)more;
	}
	return true;
}

static bool get_frame(struct client *c)
{
	unsigned char h[9];
	if (!get_bytes(c, h, 9))
		return false;
	c->n = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	c->type = h[3];
	c->flags = h[4];
	memcpy(&c->stream, h + 5, 4);
	c->stream = ntohl(c->stream);
	assert_true(c->n <= 16384);
	if (!get_bytes(c, c->frame, c->n))
		return false;
	if (c->type == SETTINGS && !(c->flags & ACK) && !c->mute)
		frame(c, SETTINGS, ACK, 0, NULL, 0);
	return true;
}

static uint32_t frame_error(const struct client *c)
{
	uint32_t v;
	memcpy(&v, c->frame + (c->type == GOAWAY ? 4 : 0), 4);
	return ntohl(v);
}

/* What became of a stream. -1: did not happen. */
struct outcome {
	int status, reset, goaway;
	bool closed, ended, early_hint;
	size_t body_n;
	char body[64], fields[1024];
};

static void take_fields(struct client *c, struct outcome *o)
{
	const unsigned char *p = c->frame;
	size_t n = c->n;
	o->fields[0] = '\0';
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t used = nghttp2_hd_inflate_hd2(c->inflate, &nv, &flags, p, n, 1);
		assert_true(used >= 0);
		p += used;
		n -= (size_t)used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			size_t at_n = strlen(o->fields);
			snprintf(o->fields + at_n, sizeof o->fields - at_n, "%s: %s\n", nv.name, nv.value);
			if (nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0)
				o->status = atoi((const char *)nv.value);
		}
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
		if (used == 0 && n == 0)
			break;
	}
	nghttp2_hd_inflate_end_headers(c->inflate);
	if (o->status == 100)
		o->early_hint = true;
}

/* Reads until the stream (0: the connection) is at an end. */
static struct outcome outcome_of(struct client *c, uint32_t stream)
{
	struct outcome o = { .status = -1, .reset = -1, .goaway = -1 };
	while (get_frame(c)) {
		if (c->type == GOAWAY)
			o.goaway = (int)frame_error(c);
		if (c->type == HEADERS && c->stream != stream) {
			struct outcome other = { 0 };
			take_fields(c, &other);
		}
		if (c->stream != stream || stream == 0)
			continue;
		if (c->type == HEADERS)
			take_fields(c, &o);
		if (c->type == DATA) {
			if (o.body_n < sizeof o.body - 1)
				memcpy(o.body + o.body_n, c->frame,
				       c->n < sizeof o.body - 1 - o.body_n ? c->n : sizeof o.body - 1 - o.body_n);
			o.body_n += c->n;
		}
		if (c->type == RST_STREAM) {
			o.reset = (int)frame_error(c);
			return o;
		}
		if ((c->type == DATA || c->type == HEADERS) && c->flags & END_STREAM) {
			o.ended = true;
			return o;
		}
	}
	o.closed = true;
	return o;
}

static void eventually(const char *what, atomic_int *v, int want)
{
	for (int i = 0; i < 3000 && atomic_load(v) != want; i++)
		usleep(1000);
	if (atomic_load(v) != want)
		fail_msg("%s: %d, not %d", what, atomic_load(v), want);
}

/* ---- tests ---- */

static void answers_requests(void **state)
{
	static const struct { const char *name, *head, *note; } cases[] = {
		{ "get", GET("/a/b?c=d&e"), "GET|a.example|/a/b|c=d&e|-1|0|0|" },
		{ "fields", GET("/") "x-a: 1\nx-b: \n", "GET|a.example|/||-1|0|2|" },
		{ "host in place of authority", ":method: GET\n:scheme: https\n:path: /\nhost: b.example:80\n",
		  "GET|b.example:80|/||-1|0|1|" },
		{ "both, alike", GET("/") "host: A.example\n", "GET|a.example|/||-1|0|1|" },
		{ "cookie crumbs", GET("/") "cookie: a=1\nx: y\ncookie: b=2\ncookie: c=3\n",
		  "GET|a.example|/||-1|0|2|a=1; b=2; c=3" },
		{ "one cookie", GET("/") "cookie: a=1; b=2\n", "GET|a.example|/||-1|0|1|a=1; b=2" },
		{ "options *", ":method: OPTIONS\n:scheme: http\n:authority: a.example\n:path: *\n",
		  "OPTIONS|a.example|*||-1|0|0|" },
		{ "a method of its own", ":method: BREW\n:scheme: http\n:authority: a\n:path: /\n",
		  "BREW|a|/||-1|0|0|" },
		{ "te trailers", GET("/") "te: trailers\n", "GET|a.example|/||-1|0|1|" },
		{ "an empty body with a length", POST("/") "content-length: 0\n", "POST|a.example|/||0|0|1|" },
	};
	struct client *c = client_open();
	for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
		char want[300];
		headers(c, 1 + 2 * i, END_STREAM, cases[i].head);
		struct outcome o = outcome_of(c, 1 + 2 * i);
		snprintf(want, sizeof want, "x-note: %s\n", cases[i].note);
		check(cases[i].name, o.status == 200 && o.ended && o.body_n == 5);
		if (!strstr(o.fields, want))
			fail_msg("%s: %s", cases[i].name, o.fields);
		check(cases[i].name, strstr(o.fields, "content-type: text/plain\n") != NULL);
		check(cases[i].name, strstr(o.fields, "content-length: 5\n") != NULL);
		check(cases[i].name, strstr(o.fields, "date: ") != NULL);
	}
	headers(c, 101, END_STREAM, ":method: HEAD\n:scheme: http\n:authority: a.example\n:path: /\n");
	struct outcome o = outcome_of(c, 101);
	assert_true(o.status == 200 && o.ended && o.body_n == 0 && strstr(o.fields, "content-length: 5\n"));
	client_close(c);
}

/* want: 'r' reset with a code, 'g' GOAWAY with a code, 's' an answer with a status, 'e' that or a reset. */
static void refuses_malformed_heads(void **state)
{
	static const struct { const char *name, *head; char kind; int want;
	} cases[] = {
		{ "no method", ":scheme: http\n:authority: a\n:path: /\n", 'r', PROTOCOL_ERROR },
		{ "no scheme", ":method: GET\n:authority: a\n:path: /\n", 'r', PROTOCOL_ERROR },
		{ "no path", ":method: GET\n:scheme: http\n:authority: a\n", 'r', PROTOCOL_ERROR },
		{ "empty path", ":method: GET\n:scheme: http\n:authority: a\n:path: \n", 'r', PROTOCOL_ERROR },
		{ "no authority", ":method: GET\n:scheme: http\n:path: /\n", 'r', PROTOCOL_ERROR },
		{ "method twice", ":method: GET\n" GET("/"), 'r', PROTOCOL_ERROR },
		{ "path twice", GET("/") ":path: /b\n", 'r', PROTOCOL_ERROR },
		{ "authority twice", GET("/") ":authority: a\n", 'r', PROTOCOL_ERROR },
		{ "pseudo behind a field", ":method: GET\n:scheme: http\nx: y\n:authority: a\n:path: /\n", 'r',
		  PROTOCOL_ERROR },
		{ "unknown pseudo", GET("/") ":x: y\n", 'r', PROTOCOL_ERROR },
		{ "an answer's pseudo", GET("/") ":status: 200\n", 'r', PROTOCOL_ERROR },
		{ "upper case", GET("/") "X-A: 1\n", 'r', PROTOCOL_ERROR },
		{ "space in a name", GET("/") "x a: 1\n", 'r', PROTOCOL_ERROR },
		{ "CR in a value", GET("/") "x: a\rb\n", 'r', PROTOCOL_ERROR },
		{ "connection", GET("/") "connection: close\n", 'r', PROTOCOL_ERROR },
		{ "keep-alive", GET("/") "keep-alive: 5\n", 'r', PROTOCOL_ERROR },
		{ "proxy-connection", GET("/") "proxy-connection: close\n", 'r', PROTOCOL_ERROR },
		{ "transfer-encoding", GET("/") "transfer-encoding: chunked\n", 'r', PROTOCOL_ERROR },
		{ "upgrade", GET("/") "upgrade: x\n", 'r', PROTOCOL_ERROR },
		{ "http2-settings", GET("/") "http2-settings: x\n", 's', 400 },
		{ "te gzip", GET("/") "te: gzip\n", 'r', PROTOCOL_ERROR },
		{ "content-length twice", POST("/") "content-length: 0\ncontent-length: 0\n", 'r', PROTOCOL_ERROR },
		{ "content-length -1", POST("/") "content-length: -1\n", 'r', PROTOCOL_ERROR },
		{ "content-length list", POST("/") "content-length: 0, 0\n", 'r', PROTOCOL_ERROR },
		{ "content-length without body", POST("/") "content-length: 5\n", 'r', PROTOCOL_ERROR },
		{ "relative path", ":method: GET\n:scheme: http\n:authority: a\n:path: a\n", 'r', PROTOCOL_ERROR },
		{ "* with GET", ":method: GET\n:scheme: http\n:authority: a\n:path: *\n", 'r', PROTOCOL_ERROR },
		{ "connect", ":method: CONNECT\n:authority: a:443\n", 's', 400 },
		{ "other scheme", ":method: GET\n:scheme: ftp\n:authority: a\n:path: /\n", 's', 400 },
		{ "fragment", GET("/a#b"), 's', 400 },
		{ "bad escape", GET("/%zz"), 's', 400 },
		{ "NUL in disguise", GET("/%00"), 's', 400 },
		/* nghttp2 1.64 refuses it by itself */
		{ "user in authority", ":method: GET\n:scheme: http\n:authority: u@a\n:path: /\n", 'e', 400 },
		{ "space in authority", ":method: GET\n:scheme: http\n:authority: a b\n:path: /\n", 'r',
		  PROTOCOL_ERROR },
		{ "host and authority differ", GET("/") "host: b.example\n", 's', 400 },
		{ "host twice", GET("/") "host: a.example\nhost: a.example\n", 'r', PROTOCOL_ERROR },
		{ "expectation", POST("/") "expect: tea\n", 's', 417 },
		{ "expectation twice", POST("/") "expect: 100-continue\nexpect: 100-continue\n", 's', 417 },
	};
	struct client *c = client_open();
	for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
		headers(c, 1 + 2 * i, END_STREAM, cases[i].head);
		struct outcome o = outcome_of(c, 1 + 2 * i);
		bool reset = o.reset == (cases[i].kind == 'r' ? cases[i].want : PROTOCOL_ERROR) && o.status == -1;
		if (cases[i].kind == 'r' ? !reset : o.status != cases[i].want && !(cases[i].kind == 'e' && reset))
			fail_msg("%s: status %d, reset %d, goaway %d", cases[i].name, o.status, o.reset, o.goaway);
	}
	headers(c, 201, END_STREAM, GET("/")); /* the connection is as good as ever */
	struct outcome o = outcome_of(c, 201);
	assert_int_equal(o.status, 200);
	assert_int_equal(atomic_load(&gone), 0);
	client_close(c);
}

static void malformed_heads_in_one_packet(void **state)
{
	struct client *c = client_open();
	unsigned char all[2000];
	size_t n = 0;
	for (uint32_t i = 0; i < 3; i++) {
		unsigned char b[300];
		size_t len = block(c, i < 2 ? GET("/") "X: y\n" : GET("/"), b, sizeof b);
		frame_header(all + n, HEADERS, END_HEADERS | END_STREAM, 1 + 2 * i, len);
		memcpy(all + n + 9, b, len);
		n += 9 + len;
	}
	put_bytes(c, all, n);
	struct outcome o = outcome_of(c, 5);
	assert_int_equal(o.status, 200);
	client_close(c);
}

static void heads_have_a_ceiling(void **state)
{
	static char big[12000], many[4000], hopeless[16000];
	struct client *c = client_open();
	int n = snprintf(big, sizeof big, "%sx-big: ", GET("/"));
	memset(big + n, 'a', 9000);
	memcpy(big + n + 9000, "\n", 2);
	headers(c, 1, END_STREAM, big);
	struct outcome o = outcome_of(c, 1);
	assert_int_equal(o.status, 431);

	n = snprintf(many, sizeof many, "%s", GET("/"));
	for (int i = 0; i < 65; i++)
		n += snprintf(many + n, sizeof many - (size_t)n, "x-%d: 1\n", i);
	headers(c, 3, END_STREAM, many);
	o = outcome_of(c, 3);
	assert_int_equal(o.status, 431);

	n = snprintf(big, sizeof big, ":method: GET\n:scheme: http\n:authority: a\n:path: /");
	memset(big + n, 'a', 5000);
	memcpy(big + n + 5000, "\n", 2);
	headers(c, 5, END_STREAM, big);
	o = outcome_of(c, 5);
	assert_int_equal(o.status, 414);

	/* A bomb: each field costs a byte or two on the wire once the table has it. */
	n = snprintf(hopeless, sizeof hopeless, "%s", GET("/"));
	n += snprintf(hopeless + n, 8, "x-b: ");
	memset(hopeless + n, 'a', 3000);
	n += 3000;
	n += snprintf(hopeless + n, 8, "\n");
	headers(c, 7, END_STREAM, hopeless);
	o = outcome_of(c, 7);
	assert_int_equal(o.status, 200);
	unsigned char bomb[400];
	memset(bomb, 0x80 | 62, sizeof bomb); /* the newest entry of the dynamic table: what came last */
	frame(c, HEADERS, END_STREAM, 9, bomb, sizeof bomb);
	frame(c, CONTINUATION, END_HEADERS, 9, bomb, sizeof bomb);
	o = outcome_of(c, 0);
	assert_int_equal(o.goaway, ENHANCE_YOUR_CALM);
	assert_true(o.closed);
	client_close(c);
}

static void reads_bodies(void **state)
{
	static char piece[16384];
	struct client *c = client_open();
	struct outcome o;

	headers(c, 1, 0, POST("/echo"));
	frame(c, DATA, 0, 1, "abc", 3);
	frame(c, DATA, END_STREAM, 1, "def", 3);
	o = outcome_of(c, 1);
	assert_true(o.status == 200 && o.body_n == 6 && memcmp(o.body, "abcdef", 6) == 0);

	headers(c, 3, 0, POST("/echo") "content-length: 3\n");
	frame(c, DATA, END_STREAM | PADDED, 3, "\2abc\0\0", 6);
	o = outcome_of(c, 3);
	assert_true(o.status == 200 && o.body_n == 3);

	headers(c, 5, 0, POST("/echo"));
	frame(c, DATA, 0, 5, "abc", 3);
	headers(c, 5, END_STREAM, "x-trailer: 1\n");
	o = outcome_of(c, 5);
	assert_true(o.status == 200 && o.body_n == 3);

	headers(c, 7, 0, POST("/late")); /* asked for after it has come */
	frame(c, DATA, END_STREAM, 7, "abc", 3);
	o = outcome_of(c, 7);
	assert_true(o.status == 200 && o.body_n == 3);

	headers(c, 9, END_STREAM, POST("/late"));
	o = outcome_of(c, 9);
	assert_true(o.status == 200 && o.body_n == 0 && o.ended);

	headers(c, 11, 0, POST("/echo") "expect: 100-continue\n");
	while (c->type != HEADERS || c->stream != 11)
		assert_true(get_frame(c));
	take_fields(c, &o);
	assert_int_equal(o.status, 100);
	frame(c, DATA, END_STREAM, 11, "abc", 3);
	o = outcome_of(c, 11);
	assert_true(o.status == 200 && o.body_n == 3);

	for (int i = 0; i < 6; i++) { /* 96 KiB: needs the server's window updates in the long run */
		if (i == 0)
			headers(c, 13, 0, POST("/echo"));
		frame(c, DATA, i == 5 ? END_STREAM : 0, 13, piece, sizeof piece);
	}
	frame_u32(c, WINDOW_UPDATE, 0, 1000000);
	frame_u32(c, WINDOW_UPDATE, 13, 1000000);
	o = outcome_of(c, 13);
	assert_true(o.status == 200 && o.body_n == 6 * sizeof piece);
	client_close(c);
}

static void refuses_bad_bodies(void **state)
{
	static char piece[16384];
	struct client *c = client_open();
	struct outcome o;

	headers(c, 1, 0, POST("/echo") "content-length: 5\n"); /* longer than said */
	frame(c, DATA, 0, 1, "abcdef", 6);
	o = outcome_of(c, 1);
	assert_int_equal(o.reset, PROTOCOL_ERROR);
	headers(c, 3, 0, POST("/echo") "content-length: 5\n"); /* shorter */
	frame(c, DATA, END_STREAM, 3, "abc", 3);
	o = outcome_of(c, 3);
	assert_int_equal(o.reset, PROTOCOL_ERROR);
	eventually("gone", &gone, 2);

	headers(c, 5, 0, POST("/echo") "content-length: 200000\n"); /* more than allowed, by its own word */
	o = outcome_of(c, 5);
	assert_int_equal(o.status, 413);
	headers(c, 7, 0, POST("/echo")); /* and by its bytes */
	for (int i = 0; i < 7; i++)
		frame(c, DATA, 0, 7, piece, sizeof piece);
	o = outcome_of(c, 7);
	assert_int_equal(o.status, 413);
	o = outcome_of(c, 7);
	assert_int_equal(o.reset, NO_ERROR); /* the rest is not wanted */

	headers(c, 9, 0, POST("/")); /* answered without having been read */
	o = outcome_of(c, 9);
	assert_int_equal(o.status, 200);
	o = outcome_of(c, 9);
	assert_int_equal(o.reset, NO_ERROR);

	headers(c, 11, 0, POST("/echo")); /* never ends */
	frame(c, DATA, 0, 11, "abc", 3);
	o = outcome_of(c, 11);
	assert_int_equal(o.status, 408);

	headers(c, 13, 0, POST("/echo")); /* pseudo-fields in trailers */
	headers(c, 13, END_STREAM, ":path: /\n");
	o = outcome_of(c, 13);
	assert_int_equal(o.reset, PROTOCOL_ERROR);
	headers(c, 15, 0, POST("/echo")); /* trailers without an end */
	headers(c, 15, 0, "x: y\n");
	o = outcome_of(c, 15);
	assert_int_equal(o.reset, PROTOCOL_ERROR);
	headers(c, 17, END_STREAM, GET("/"));
	o = outcome_of(c, 17);
	assert_int_equal(o.status, 200);
	client_close(c);
}

static void unasked_bodies_are_bounded_by_the_window(void **state)
{
	static char piece[16384];
	struct client *c = client_open();
	struct outcome o;
	headers(c, 1, 0, POST("/wait"));
	for (int i = 0; i < 17; i++) /* 272 KiB into a window of 256 */
		frame(c, DATA, 0, 1, piece, sizeof piece);
	o = outcome_of(c, 1);
	assert_true(o.reset == FLOW_CONTROL_ERROR || o.goaway == FLOW_CONTROL_ERROR);
	client_close(c);
	eventually("gone", &gone, 1);
}

static void streams_have_back_pressure(void **state)
{
	struct client *c = client_open();
	/* Both are asked for; no window is opened for the first. */
	headers(c, 1, END_STREAM, GET("/stream"));
	usleep(50000);
	assert_true(atomic_load(&drained) <= 1);
	frame_u32(c, WINDOW_UPDATE, 0, 100000000);
	headers(c, 3, END_STREAM, GET("/stream"));
	frame_u32(c, WINDOW_UPDATE, 3, 100000000);
	struct outcome o = outcome_of(c, 3);
	assert_true(o.ended && o.body_n == STREAM_BYTES);
	assert_true(atomic_load(&drained) > 10);
	assert_int_equal(atomic_load(&open_exchanges), 1);
	frame_u32(c, WINDOW_UPDATE, 1, 100000000);
	o = outcome_of(c, 1);
	assert_true(o.ended && o.body_n + 65535 >= STREAM_BYTES); /* the start was read above */
	client_close(c);
}

static void a_client_that_takes_nothing_is_left(void **state)
{
	struct client *c = client_open();
	headers(c, 1, END_STREAM, GET("/stream")); /* the window of 64 KiB is all it gets */
	struct outcome o = outcome_of(c, 1);
	assert_int_equal(o.reset, CANCEL);
	assert_int_equal(o.body_n, 65535);
	eventually("gone", &gone, 1);
	client_close(c);

	c = client_open_raw(4096);
	put_bytes(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	frame(c, SETTINGS, 0, 0, "\0\4\x40\0\0\0", 6); /* all windows wide open, but nothing is read */
	frame_u32(c, WINDOW_UPDATE, 0, 1000000000);
	for (uint32_t i = 0; i < 4; i++)
		headers(c, 1 + 2 * i, END_STREAM, GET("/stream"));
	eventually("gone", &gone, 5);
	client_close(c);
}

static void resets_and_aborts(void **state)
{
	struct client *c = client_open();
	headers(c, 1, END_STREAM, GET("/wait"));
	frame_u32(c, RST_STREAM, 1, CANCEL);
	eventually("gone", &gone, 1);
	headers(c, 3, END_STREAM, GET("/abort"));
	struct outcome o = outcome_of(c, 3);
	assert_int_equal(o.reset, INTERNAL_ERROR);
	assert_false(o.ended);
	headers(c, 5, END_STREAM, GET("/wait"));
	headers(c, 7, END_STREAM, GET("/"));
	o = outcome_of(c, 7);
	assert_int_equal(o.status, 200);
	client_close(c);
	eventually("gone", &gone, 2);
}

static void streams_have_a_ceiling(void **state)
{
	struct client *c = client_open();
	struct outcome o = { 0 };
	for (uint32_t i = 0; i < 101; i++)
		headers(c, 1 + 2 * i, END_STREAM, GET("/wait"));
	o = outcome_of(c, 201);
	/* Who knows the limit and passes it breaks the protocol (RFC 9113 section 5.1.2). */
	assert_true(o.reset == REFUSED_STREAM || o.goaway == PROTOCOL_ERROR);
	client_close(c);
	eventually("gone", &gone, 100);
}

/* A flood of cheap frames ends the connection; nothing else of it suffers. */
static void floods_end_the_connection(void **state)
{
	static const struct { const char *name; int kind; } cases[] = {
		{ "rapid reset", 0 }, { "ping", 1 }, { "settings", 2 }, { "empty data", 3 }, { "priority", 4 },
		{ "window update", 5 }, { "continuation", 6 }, { "made to reset", 7 }, { "empty continuation", 8 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct client *c = client_open();
		struct outcome o;
		if (cases[i].kind == 3 || cases[i].kind == 4 || cases[i].kind == 5)
			headers(c, 1, cases[i].kind == 3 ? 0 : END_STREAM, POST("/wait"));
		if (cases[i].kind == 6 || cases[i].kind == 8)
			frame(c, HEADERS, END_STREAM, 1, "\x82", 1);
		for (uint32_t k = 0; k < 3000; k++) {
			uint32_t id = 1 + 2 * k;
			switch (cases[i].kind) {
			case 0:
				headers(c, id, END_STREAM, GET("/wait"));
				frame_u32(c, RST_STREAM, id, CANCEL);
				break;
			case 1: frame(c, PING, 0, 0, "12345678", 8); break;
			case 2: frame(c, SETTINGS, 0, 0, NULL, 0); break;
			case 3: frame(c, DATA, 0, 1, NULL, 0); break;
			case 4: frame(c, PRIORITY, 0, 1, "\0\0\0\3\1", 5); break;
			case 5: frame_u32(c, WINDOW_UPDATE, 0, 1); break;
			case 6: frame(c, CONTINUATION, 0, 1, "\x82", 1); break;
			case 7:
				headers(c, id, END_STREAM, GET("/wait"));
				frame_u32(c, WINDOW_UPDATE, id, 0);
				break;
			case 8: frame(c, CONTINUATION, 0, 1, NULL, 0); break;
			}
		}
		o = outcome_of(c, 0);
		if (!o.closed || (o.goaway <= 0 && cases[i].kind != 6 && cases[i].kind != 8))
			fail_msg("%s: goaway %d", cases[i].name, o.goaway);
		client_close(c);
		eventually(cases[i].name, &open_exchanges, 0);
	}
}

static void broken_frames_end_the_connection(void **state)
{
	static const struct {
		const char *name;
		unsigned type, flags;
		uint32_t stream;
		const char *p;
		size_t n;
		int want;
	} cases[] = {
		{ "data on stream 0", DATA, 0, 0, "x", 1, PROTOCOL_ERROR },
		{ "data on an idle stream", DATA, 0, 1, "x", 1, PROTOCOL_ERROR },
		{ "headers on stream 0", HEADERS, END_HEADERS, 0, "\x82", 1, PROTOCOL_ERROR },
		{ "headers on an even stream", HEADERS, END_HEADERS, 2, "\x82", 1, PROTOCOL_ERROR },
		{ "continuation out of nowhere", CONTINUATION, END_HEADERS, 1, "\x82", 1, PROTOCOL_ERROR },
		{ "push promise", PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82", 5, PROTOCOL_ERROR },
		{ "bad HPACK", HEADERS, END_HEADERS | END_STREAM, 1, "\xff\xff\xff\xff\xff\xff", 6, COMPRESSION_ERROR },
		{ "index 0", HEADERS, END_HEADERS | END_STREAM, 1, "\x80", 1, COMPRESSION_ERROR },
		{ "settings of odd size", SETTINGS, 0, 0, "\0\1\0", 3, FRAME_SIZE_ERROR },
		{ "settings on a stream", SETTINGS, 0, 1, "", 0, PROTOCOL_ERROR },
		{ "settings ack with a payload", SETTINGS, ACK, 0, "\0\1\0\0\0\0", 6, FRAME_SIZE_ERROR },
		{ "window too large", SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6, FLOW_CONTROL_ERROR },
		{ "frame size too small", SETTINGS, 0, 0, "\0\5\0\0\0\1", 6, PROTOCOL_ERROR },
		{ "ping of 7 bytes", PING, 0, 0, "1234567", 7, FRAME_SIZE_ERROR },
		{ "ping on a stream", PING, 0, 1, "12345678", 8, PROTOCOL_ERROR },
		{ "window update of 0", WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4, PROTOCOL_ERROR },
		{ "window overflow", WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4, FLOW_CONTROL_ERROR },
		{ "reset of an idle stream", RST_STREAM, 0, 1, "\0\0\0\0", 4, PROTOCOL_ERROR },
		{ "reset of 3 bytes", RST_STREAM, 0, 1, "\0\0\0", 3, FRAME_SIZE_ERROR },
		{ "padding longer than the frame", DATA, PADDED, 0, "\5x", 2, PROTOCOL_ERROR },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct client *c = client_open();
		frame(c, cases[i].type, cases[i].flags, cases[i].stream, cases[i].p, cases[i].n);
		struct outcome o = outcome_of(c, 0);
		if (!o.closed || o.goaway != cases[i].want)
			fail_msg("%s: goaway %d", cases[i].name, o.goaway);
		client_close(c);
	}
	struct client *c = client_open(); /* larger than we allow */
	unsigned char big[9];
	frame_header(big, DATA, 0, 1, 16385);
	put_bytes(c, big, 9);
	struct outcome o = outcome_of(c, 0);
	assert_int_equal(o.goaway, FRAME_SIZE_ERROR);
	client_close(c);
}

static void every_cut_of_the_bytes_is_the_same(void **state)
{
	struct client *c = client_open_raw(0);
	unsigned char all[400], b[200];
	size_t n = 24, len;
	memcpy(all, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	frame_header(all + n, SETTINGS, 0, 0, 0);
	n += 9;
	len = block(c, POST("/echo") "x: y\n", b, sizeof b);
	frame_header(all + n, HEADERS, 0, 1, 5);
	memcpy(all + n + 9, b, 5);
	n += 14;
	frame_header(all + n, CONTINUATION, END_HEADERS, 1, len - 5);
	memcpy(all + n + 9, b + 5, len - 5);
	n += 9 + len - 5;
	frame_header(all + n, DATA, END_STREAM, 1, 3);
	memcpy(all + n + 9, "abc", 3);
	n += 12;
	for (size_t i = 0; i < n; i++) {
		put_bytes(c, all + i, 1);
		usleep(300);
	}
	struct outcome o = outcome_of(c, 1);
	assert_true(o.status == 200 && o.body_n == 3);
	client_close(c);
}

static void waits_have_deadlines(void **state)
{
	struct outcome o;
	struct client *c = client_open_raw(0); /* a preface that never ends */
	char b[512];
	put_bytes(c, "PRI * HT", 8);
	assert_true(recv(c->fd, b, sizeof b, 0) > 12); /* HTTP/1.1 answers, since it may become anything */
	assert_memory_equal(b, "HTTP/1.1 408", 12);
	client_close(c);

	c = client_open(); /* no request */
	o = outcome_of(c, 0);
	assert_true(o.closed && o.goaway == NO_ERROR);
	client_close(c);

	c = client_open(); /* a head that never ends */
	c->mute = true;
	frame(c, HEADERS, END_STREAM, 1, "\x82", 1);
	o = outcome_of(c, 0);
	assert_true(o.closed && o.goaway == ENHANCE_YOUR_CALM);
	client_close(c);

	c = client_open(); /* idle after a request */
	headers(c, 1, END_STREAM, GET("/"));
	o = outcome_of(c, 1);
	assert_int_equal(o.status, 200);
	o = outcome_of(c, 0);
	assert_true(o.closed && o.goaway == NO_ERROR);
	client_close(c);

	c = client_open(); /* but not while an answer is awaited */
	headers(c, 1, END_STREAM, GET("/wait"));
	usleep(1000000);
	headers(c, 3, END_STREAM, GET("/"));
	o = outcome_of(c, 3);
	assert_int_equal(o.status, 200);
	client_close(c);
}

static void not_http2(void **state)
{
	struct client *c = client_open_raw(0);
	put_bytes(c, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 24);
	char b[512];
	ssize_t n = recv(c->fd, b, sizeof b, 0); /* HTTP/1.1's answer, or GOAWAY */
	assert_true(n > 0);
	client_close(c);
}

struct drain_msg {
	struct loop_msg msg;
};

static void run_drain(struct loop_msg *m)
{
	server_drain(server);
	free(CONTAINER_OF(m, struct drain_msg, msg));
}

static void drain_finishes_what_is_under_way(void **state)
{
	struct client *c = client_open();
	headers(c, 1, 0, POST("/echo"));
	while (c->type != SETTINGS || !(c->flags & ACK)) /* the server is with us */
		assert_true(get_frame(c));
	eventually("open", &open_exchanges, 1);
	struct drain_msg *m = mem_zalloc(sizeof *m);
	m->msg.run = run_drain;
	loop_send(loop, &m->msg);
	while (c->type != GOAWAY)
		assert_true(get_frame(c));
	uint32_t last;
	memcpy(&last, c->frame, 4);
	assert_int_equal(ntohl(last), 0x7fffffff);
	headers(c, 3, END_STREAM, GET("/")); /* was on its way */
	struct outcome o = outcome_of(c, 3);
	assert_int_equal(o.status, 200);
	frame(c, DATA, END_STREAM, 1, "abc", 3);
	o = outcome_of(c, 1);
	assert_true(o.status == 200 && o.body_n == 3);
	o = outcome_of(c, 0);
	assert_true(o.closed && o.goaway == NO_ERROR);
	client_close(c);
}

/* Prints what a connection and a stream hold; a ceiling, so that it does not grow unseen. */
static void idle_connections_and_streams_hold_little(void **state)
{
	enum { CONNS = 20, STREAMS = 50 };
	struct client *clients[CONNS];
	struct outcome o;
	for (int i = 0; i < CONNS; i++)
		clients[i] = client_open_raw(0);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < CONNS; i++) {
		put_bytes(clients[i], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
		frame(clients[i], SETTINGS, 0, 0, NULL, 0);
		headers(clients[i], 1, END_STREAM, GET("/"));
		o = outcome_of(clients[i], 1);
		assert_int_equal(o.status, 200);
	}
	size_t idle = mallinfo2().uordblks;
	for (int i = 0; i < CONNS; i++)
		for (uint32_t k = 0; k < STREAMS; k++)
			headers(clients[i], 3 + 2 * k, END_STREAM, GET("/wait"));
	eventually("open", &open_exchanges, CONNS * STREAMS);
	size_t busy = mallinfo2().uordblks;
	print_message("idle connection %zu bytes, open stream %zu bytes (%zu of them the test's)\n",
	              (idle - before) / CONNS, (busy - idle) / CONNS / STREAMS, sizeof(struct visit));
	for (int i = 0; i < CONNS; i++)
		client_close(clients[i]);
	eventually("open", &open_exchanges, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_malformed_heads, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed_heads_in_one_packet, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_have_a_ceiling, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_bad_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(unasked_bodies_are_bounded_by_the_window, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_have_back_pressure, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_takes_nothing_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(resets_and_aborts, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_have_a_ceiling, setup, teardown),
		cmocka_unit_test_setup_teardown(floods_end_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_frames_end_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(every_cut_of_the_bytes_is_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_have_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(not_http2, setup, teardown),
		cmocka_unit_test_setup_teardown(drain_finishes_what_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_connections_and_streams_hold_little, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
