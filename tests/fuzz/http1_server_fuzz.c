/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes into a server's HTTP/1.1 connection, over a socket pair. It must see the same requests and
 * bodies whether they come in one piece or in four, and in the end the connection and every exchange must be gone.
 */
#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/server_in.h"

#define INPUT_MAX_BYTES 60000u /* fits a socket's buffer: nothing blocks */
#define LOG_MAX_BYTES   (1u << 20)
#define QUIET_TURNS     3
#define TURNS           400

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = { 4096, 1000, 32 };

static void check_head(const struct http_head *h)
{
	assert(h->path.n > 0 && (h->path.p[0] == '/' || str_eq(h->path, STR("*"))));
	assert(http_is_token(h->method_text) && h->n_fields <= limits.fields_max);
	assert(h->http10 || http_is_authority(h->host));
	assert(!h->chunked || (h->content_length == -1 && !h->http10));
	assert(str_eq(h->path, STR("*")) || http_is_path(h->path));
	for (unsigned i = 0; i < h->n_fields; i++)
		assert(http_is_token(h->fields[i].name) && http_is_field_value(h->fields[i].value));
}

static struct loop *loop;
static struct server *server;
static _Atomic int64_t connections;
static struct buf seen; /* requests and bodies of the run under way */
static int under_way;

struct visit {
	struct buf body;
};

static void answer(struct exchange *x, int status)
{
	struct visit *v = x->user;

	exchange_start(x, status, NULL, 0, 2);
	exchange_write(x, STR("ok"));
	exchange_finish(x);
	buf_fini(&v->body);
	free(v);
	under_way--;
}

static void on_head(struct exchange *x, const struct http_head *h)
{
	struct visit *v = mem_zalloc(sizeof *v);

	v->body = buf_make(1000);
	x->user = v;
	under_way++;
	check_head(h);
	buf_printf(&seen, "%.*s %.*s?%.*s %.*s %u\n", STR_ARG(h->method_text), STR_ARG(h->path), STR_ARG(h->query),
	           STR_ARG(h->host), h->n_fields);
	if (h->method == METHOD_POST)
		exchange_read_body(x, &v->body);
	else
		answer(x, 200);
}

static void on_body(struct exchange *x)
{
	struct visit *v = x->user;

	buf_printf(&seen, "body %zu\n", v->body.n);
	buf_append(&seen, buf_str(&v->body));
	answer(x, 200);
}

static void on_body_failed(struct exchange *x, const struct err *e)
{
	assert(e->text[0]);
	buf_append(&seen, STR("no body\n"));
	answer(x, 400);
}

static void on_drained(struct exchange *x)
{
}

static void on_gone(struct exchange *x, const struct err *why)
{
	struct visit *v = x->user;

	buf_fini(&v->body);
	free(v);
	under_way--;
}

static const struct exchange_handler handler = { on_head, on_body, on_body_failed, on_drained, on_gone };

static void stop(struct task *t)
{
	loop_stop(loop);
}

static void turn(void)
{
	struct task t = { .run = stop };

	loop_post(loop, &t);
	loop_run(loop);
}

/* Turns until nothing happens any more. */
static void settle(int fd)
{
	char sink[65536];

	for (int quiet = 0, i = 0; quiet < QUIET_TURNS && i < TURNS && server->conns; i++) {
		size_t had = seen.n;

		turn();
		quiet = read(fd, sink, sizeof sink) > 0 || seen.n > had ? 0 : quiet + 1;
	}
}

static void serve(struct str all, unsigned pieces)
{
	struct server_peer peer = { .family = AF_UNIX };
	struct listener_options options = { .http2 = false };
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		abort();
	bool open = http1_accept(server, fd[0], &peer, &options);
	assert(open);
	for (unsigned i = 0; i < pieces; i++) {
		struct str part = str_slice(all, all.n * i / pieces, all.n * (i + 1) / pieces);

		if (part.n > 0 && write(fd[1], part.p, part.n) < 0)
			break; /* the server has closed */
		settle(fd[1]);
	}
	close(fd[1]);
	for (int i = 0; i < TURNS && server->conns; i++)
		turn();
	assert(!server->conns && under_way == 0 && connections == 0);
}

static void try_server(struct str all)
{
	struct buf first;

	serve(all, 1);
	first = seen;
	seen = buf_make(LOG_MAX_BYTES);
	serve(all, 4);
	assert(str_eq(buf_str(&first), buf_str(&seen)));
	buf_fini(&first);
	buf_clear(&seen);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e;
	struct server_options o = {
		.handler = &handler,
		.connections = &connections,
		.connections_max = 10,
		.limits = { .http1 = limits,
		            .write_mark_bytes = 2000,
		            .streams_max = 10,
		            .header_timeout_ms = 60000,
		            .body_timeout_ms = 60000,
		            .idle_timeout_ms = 60000,
		            .write_timeout_ms = 60000,
		            .half_close_ms = 1000 },
	};

	signal(SIGPIPE, SIG_IGN);
	seen = buf_make(LOG_MAX_BYTES);
	loop = o.loop = loop_new(&(struct loop_options){ 0 }, &e);
	server = server_new(&o);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of((const char *)data, size);

	if (size == 0 || size > INPUT_MAX_BYTES)
		return 0;
	try_server(all);
	return 0;
}
