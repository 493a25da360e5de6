/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as what a provider sends, over a Unix socket. The client must give the same answer, body and end
 * when they come in one piece, and in three pieces to a reader that pauses after each.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/client.h"
#include "net/http1.h"

#define INPUT_MAX_BYTES 60000u /* fits a socket's buffer: nothing blocks */
#define LOG_MAX_BYTES   (1u << 20)
#define TURNS           50

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = { 4096, 4096, 32 };

static void check_head(const struct http_head *h)
{
	assert(h->status >= 100 && h->status <= 599 && h->n_fields <= limits.fields_max);
	assert(!h->chunked || (h->content_length == -1 && !h->http10));
	for (unsigned i = 0; i < h->n_fields; i++)
		assert(http_is_token(h->fields[i].name) && http_is_field_value(h->fields[i].value));
}

static struct loop *loop;
static struct client *client;
static struct origin *origin;
static int listener;
static struct buf seen; /* head, body and end of the call under way */
static bool ended, pausing;

static void on_head(struct call *c, const struct http_head *h)
{
	check_head(h);
	buf_printf(&seen, "%d %u\n", h->status, h->n_fields);
}

static void on_data(struct call *c, struct str bytes)
{
	assert(bytes.n > 0);
	buf_append(&seen, bytes);
	if (pausing)
		call_pause(c);
}

static bool on_end(struct call *c, const struct err *failure)
{
	assert(!failure || (failure->text[0] && failure->origin == ERR_FROM_PROVIDER));
	buf_append(&seen, failure ? STR("\nfailed\n") : STR("\nwhole\n"));
	ended = true;
	return true;
}

static const struct call_events events = { on_head, on_data, on_end };

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

static void turns(struct call *c, int n)
{
	for (int i = 0; i < n && !ended; i++) {
		turn();
		if (!ended)
			call_resume(c);
	}
}

static void ask(struct str all, unsigned pieces)
{
	static const struct call_request request = { .pieces = { STR_INIT("GET / HTTP/1.1\r\nhost: a\r\n\r\n") },
		                                     .n = 1 };
	static const struct call_deadlines deadlines = { 60000, 60000, 60000 };
	struct call call = { 0 };
	char sink[4096];
	int fd = -1;

	ended = false;
	call_start(&call, client, origin, &request, &deadlines);
	for (int i = 0; i < TURNS && fd < 0; i++) {
		turn();
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
	assert(fd >= 0);
	for (int i = 0; i < TURNS && read(fd, sink, sizeof sink) < 0; i++)
		turn();
	for (unsigned i = 0; i < pieces && !ended; i++) {
		struct str part = str_slice(all, all.n * i / pieces, all.n * (i + 1) / pieces);

		if (part.n > 0 && write(fd, part.p, part.n) < 0)
			break; /* the client has closed */
		turns(&call, 4);
	}
	shutdown(fd, SHUT_WR);
	turns(&call, TURNS);
	assert(ended && !call_active(&call));
	close(fd);
	turn();
	turn();
}

static void try_client(struct str all)
{
	struct buf first;

	pausing = false;
	ask(all, 1);
	first = seen;
	seen = buf_make(LOG_MAX_BYTES);
	pausing = true;
	ask(all, 3);
	assert(str_eq(buf_str(&first), buf_str(&seen)));
	buf_fini(&first);
	buf_clear(&seen);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char folder[] = "/tmp/http1_answer_fuzz.XXXXXX", path[64];
	struct client_options o = { .events = &events,
		                    .idle_max = 0,
		                    .head_max_bytes = limits.head_max_bytes,
		                    .head_max_fields = limits.fields_max };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/s", folder);
	memcpy(un.sun_path, path, strlen(path) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&un, sizeof un) < 0 || listen(listener, 8) < 0)
		abort();
	seen = buf_make(LOG_MAX_BYTES);
	loop = o.loop = loop_new(&(struct loop_options){ 0 }, &e);
	client = client_new(&o);
	origin = origin_get(&(struct origin_options){ .host = str_from_z(path) });
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of((const char *)data, size);

	if (size == 0 || size > INPUT_MAX_BYTES)
		return 0;
	try_client(all);
	return 0;
}
