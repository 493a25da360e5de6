/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: frames after a good preface into the HTTP/2 server, over a socket pair, with a handler that does something
 * else for each method. Whatever comes, every exchange that was opened must end, and the connection too.
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
#define TURNS 12

static struct loop *loop;
static struct server *server;
static _Atomic int64_t connections;
static int under_way;

struct visit {
	struct buf body;
	size_t left;
};

static void visit_end(struct exchange *x)
{
	struct visit *v = x->user;

	buf_fini(&v->body);
	free(v);
	under_way--;
}

static void go_on(struct exchange *x)
{
	struct visit *v = x->user;
	static const char piece[5000];

	while (v->left > 0 && !exchange_full(x)) {
		exchange_write(x, str_of(piece, sizeof piece));
		v->left -= sizeof piece;
	}
	if (v->left > 0)
		return;
	exchange_finish(x);
	visit_end(x);
}

static void answer(struct exchange *x, int status, struct str body)
{
	exchange_start(x, status, NULL, 0, (int64_t)body.n);
	exchange_write(x, body);
	exchange_finish(x);
	visit_end(x);
}

static void on_head(struct exchange *x, const struct http_head *h)
{
	struct visit *v = mem_zalloc(sizeof *v);

	v->body = buf_make(1000);
	x->user = v;
	under_way++;
	assert(h->path.n > 0 && h->host.n > 0 && h->n_fields <= HTTP1_FIELDS_MAX);
	for (unsigned i = 0; i < h->n_fields; i++)
		assert(http_is_token(h->fields[i].name) && http_is_field_value(h->fields[i].value));
	if (h->method == METHOD_POST) {
		exchange_read_body(x, &v->body);
	} else if (h->method == METHOD_PUT) {
		v->left = 300000;
		exchange_start(x, 200, NULL, 0, -1);
		go_on(x);
	} else if (h->method == METHOD_DELETE) {
		exchange_abort(x);
		visit_end(x);
	} else if (h->method != METHOD_OPTIONS) { /* that waits for ever */
		answer(x, 200, h->path);
	}
}

static void on_body(struct exchange *x)
{
	struct visit *v = x->user;

	answer(x, 200, buf_str(&v->body));
}

static void on_body_failed(struct exchange *x, const struct err *e)
{
	answer(x, err_code_status(e->code), str_from_z(e->text));
}

static void on_gone(struct exchange *x, const struct err *why)
{
	visit_end(x);
}

static const struct exchange_handler handler = { on_head, on_body, on_body_failed, go_on, on_gone };

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

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e;
	struct server_options o = {
		.handler = &handler,
		.connections = &connections,
		.connections_max = 10,
		.limits = { .http1 = { 4096, 1000, 32 }, .write_mark_bytes = 20000, .streams_max = 10,
			    .header_timeout_ms = 60000, .body_timeout_ms = 60000, .idle_timeout_ms = 60000,
			    .write_timeout_ms = 60000, .half_close_ms = 1000 },
	};

	signal(SIGPIPE, SIG_IGN);
	loop = o.loop = loop_new(&(struct loop_options){ 0 }, &e);
	server = server_new(&o);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	struct server_peer peer = { .family = AF_UNIX };
	struct listener_options options = { .http2 = true };
	char sink[65536];
	int fd[2];

	if (size > INPUT_MAX_BYTES || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		return 0;
	bool open = http1_accept(server, fd[0], &peer, &options);
	assert(open);
	if (write(fd[1], start, sizeof start) != sizeof start || write(fd[1], data, size) != (ssize_t)size)
		size = 0; /* no room: fewer bytes */
	for (int i = 0; i < TURNS && server->conns; i++) {
		turn();
		while (read(fd[1], sink, sizeof sink) > 0)
			continue;
	}
	close(fd[1]);
	for (int i = 0; i < TURNS && server->conns; i++)
		turn();
	assert(!server->conns && under_way == 0 && connections == 0);
	return 0;
}
