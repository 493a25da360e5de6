/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: the input is a script: requests come, bodies come or fail, clients leave, are slow and go on, the provider
 * takes calls, sends parts of answers and streams, or any bytes, and closes; turns of the loop pass in between. In the
 * end every request must be over. An exchange is freed when it is finished or gone, so that whoever touches it later is
 * seen; each request has a mark that no other's answer may hold; no stream ends well unless the provider's did; and no
 * answer holds the provider's credential.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/env.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "govern/ledger.h"
#include "main/settings.h"
#include "net/addr.h"
#include "net/pool.h"
#include "net/server.h"
#include "observe/observe.h"

#define SLOTS      4
#define CALLS_MAX  16
#define ENDING_MAX 5000 /* turns until all is over */
#define DONE       "data: [DONE]\n\n"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char settings[] =
	"auth: required\n"
	"admin: {key: admin-key-of-tests}\n"
	"keys: [{name: test, key: client-key-of-tests}]\n"
	"upstream: {response_max: 16KiB, event_max: 16KiB}\n"
	"routing: {retries: {attempts: 2, base: 1ms, max: 1ms, jitter: none}}\n"
	"models:\n"
	"  - {name: m, deployments: [{provider: p, model: real}], fallbacks: [n]}\n"
	"  - {name: n, deployments: [{provider: p, model: other}]}\n"
	"  - {name: c, deployments: [{provider: claude, model: real}]}\n"
	"  - {name: g, deployments: [{provider: gem, model: real}]}\n"
	"providers:\n"
	"  p: {dialect: openai-chat, api_key: secret-of-tests, base_url: 'http://127.0.0.1:%u/v1'}\n"
	"  claude: {dialect: anthropic, base_url: 'http://127.0.0.1:%u'}\n"
	"  gem: {dialect: gemini, base_url: 'http://127.0.0.1:%u'}\n";

/* In body and event, # stands for the mark, $ for whether it streams. */
static const struct {
	const char *path, *body, *event, *end;
} kinds[] = {
	{ "/v1/chat/completions", "{\"model\":\"m\",\"user\":\"q#;\",\"messages\":[],\"stream\":$}",
	  "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"q#;\"}}]}\n\n", DONE },
	{ "/v1/messages",
	  "{\"model\":\"c\",\"max_tokens\":1,\"messages\":[],\"metadata\":{\"user_id\":\"q#;\"},\"stream\":$}",
	  "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	  "\"text_delta\",\"text\":\"q#;\"}}\n\n",
	  "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n" },
	{ "/v1beta/models/g:streamGenerateContent", "{\"contents\":[],\"mark\":\"q#;\",\"x\":$}",
	  ",{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"q#;\"}]}}]}", "]" },
	{ "/v1/responses", "{\"model\":\"m\",\"input\":\"q#;\",\"stream\":$}",
	  "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"q#;\"}\n\n",
	  "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n" },
};

/* ---- the gateway ---- */

static struct gateway_conf conf;
static struct snapshot_slot snapshot_slot;
static struct loop *loop;
static struct worker *worker;
static int listener;
static struct op *waiting; /* a service's */

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

static void cancel_service(struct op *op)
{
	waiting = NULL;
}

/* Answers at its second call. */
static enum op_state serve(void *arg, struct service_call *c, struct err *e)
{
	if (c->op->work == NULL && !waiting) {
		waiting = c->op;
		c->op->work = &waiting;
		c->op->cancel = cancel_service;
		return OP_PENDING;
	}
	if (c->op == waiting)
		waiting = NULL;
	c->op->work = NULL;
	c->op->cancel = NULL;
	buf_append(&c->out, STR("served"));
	return OP_OK;
}

/* ---- clients ---- */

static struct visit {
	struct exchange x;
	struct visit **slot;
	struct buf *into;
	struct buf body;
	unsigned mark, kind;
	int status, fd; /* of the provider's last connection for it; -1: none */
	bool stream, sent, full, done_came;
	bool closing; /* the answer under way lasts until the connection's end */
	bool raw;     /* what was sent may have been a whole answer: the connection may be another's */
} * slots[SLOTS];

static unsigned marks;

static struct visit *visit_of(struct exchange *x)
{
	return CONTAINER_OF(x, struct visit, x);
}

static void visit_free(struct visit *v)
{
	*v->slot = NULL;
	buf_fini(&v->body);
	free(v);
}

static void client_read_body(struct exchange *x, struct buf *into)
{
	visit_of(x)->into = into;
}

static void client_start(struct exchange *x, int status, const struct http_field *f, unsigned n, int64_t length)
{
	struct visit *v = visit_of(x);

	assert(v->status == 0 && status >= 200 && status <= 599);
	for (unsigned i = 0; i < n; i++)
		assert(http_is_token(f[i].name) && http_is_field_value(f[i].value));
	v->status = status;
}

static void client_write(struct exchange *x, struct str s)
{
	struct visit *v = visit_of(x);

	assert(v->status != 0);
	buf_append(&v->body, s);
}

static void check_marks(struct visit *v)
{
	struct str s = buf_str(&v->body);

	for (size_t i = 0; i + 2 < s.n; i++) {
		unsigned mark = 0;
		size_t k = i + 1;

		if (s.p[i] != 'q')
			continue;
		for (; k < s.n && k < i + 9 && isdigit((unsigned char)s.p[k]); k++)
			mark = mark * 10 + (unsigned)(s.p[k] - '0');
		assert(k == i + 1 || k == s.n || s.p[k] != ';' || mark == v->mark);
	}
}

static void client_finish(struct exchange *x)
{
	struct visit *v = visit_of(x);

	assert(v->status != 0);
	assert(str_find(buf_str(&v->body), STR("secret-of-tests")) == STR_NPOS);
	check_marks(v);
	assert(!v->stream || v->kind != 0 || v->done_came || str_find(buf_str(&v->body), STR(DONE)) == STR_NPOS);
	visit_free(v);
}

static void client_abort(struct exchange *x)
{
	visit_free(visit_of(x));
}

static size_t client_pending(const struct exchange *x)
{
	return 0;
}

static bool client_full(struct exchange *x)
{
	return visit_of(x)->full;
}

static void client_peer(const struct exchange *x, struct addr *a)
{
	*a = (struct addr){ 0 };
}

static const struct exchange_ops ops = { client_read_body, client_start,   client_write, client_finish,
	                                 client_abort,     client_pending, client_full,  client_peer };

static void ask(unsigned slot, unsigned kind, bool stream, const char *path, const char *token)
{
	struct http_field fields[] = { { STR("authorization"), str_from_z(token), HTTP_F_AUTHORIZATION } };
	struct http_head head = { .method = path ? METHOD_GET : METHOD_POST,
		                  .host = STR("a"),
		                  .content_length = -1,
		                  .path = str_from_z(path ? path : kinds[kind].path),
		                  .keep_alive = true,
		                  .fields = fields,
		                  .n_fields = 1 };
	struct visit *v;

	if (slots[slot])
		return;
	v = slots[slot] = mem_zalloc(sizeof *v);
	v->x = (struct exchange){ .ops = &ops, .user = worker, .loop = loop };
	v->slot = &slots[slot];
	v->body = buf_make(1u << 22);
	v->mark = marks++ % 10000000;
	v->kind = kind;
	v->stream = stream;
	v->fd = -1;
	gateway_handler.on_head(&v->x, &head);
}

static void fill(struct buf *b, const char *form, const struct visit *v)
{
	for (; *form; form++) {
		if (*form == '#')
			buf_printf(b, "%u", v->mark);
		else if (*form == '$')
			buf_append(b, v->stream ? STR("true") : STR("false"));
		else
			buf_append_c(b, *form);
	}
}

static void send_body(struct visit *v, bool good)
{
	struct err e;

	if (!v->into || v->sent || v->status)
		return;
	v->sent = true;
	if (good) {
		fill(v->into, kinds[v->kind].body, v);
		gateway_handler.on_body(&v->x);
	} else {
		err_set(&e, ERR_TOO_LARGE, "too large");
		gateway_handler.on_body_failed(&v->x, &e);
	}
}

static void leave(struct visit *v)
{
	struct err e;

	err_set(&e, ERR_CLIENT_GONE, "gone");
	gateway_handler.on_gone(&v->x, &e);
	visit_free(v);
}

static void set_full(struct visit *v, bool full)
{
	bool was = v->full;

	v->full = full;
	if (was && !full)
		gateway_handler.on_drained(&v->x);
}

/* ---- the provider ---- */

static struct {
	int fd;
	size_t n;
	char text[2048];
	bool known;
} calls[CALLS_MAX];

static void take_call(struct visit *v, int fd)
{
	v->fd = fd;
	v->closing = v->raw = false;
}

/* Whose request came on this connection? */
static void look_up(unsigned i)
{
	for (const char *p = calls[i].text; (p = strchr(p, 'q')); p++) {
		char *end;
		unsigned long mark = strtoul(p + 1, &end, 10);

		if (end == p + 1 || *end != ';')
			continue;
		for (unsigned k = 0; k < SLOTS; k++)
			if (slots[k] && slots[k]->mark == mark)
				take_call(slots[k], calls[i].fd);
		/* the next request on it is another's */
		calls[i].n = 0;
	}
}

static void take_calls(void)
{
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		ssize_t got;

		if (calls[i].fd < 0)
			calls[i].fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (calls[i].fd < 0)
			continue;
		got = read(calls[i].fd, calls[i].text + calls[i].n, sizeof calls[i].text - 1 - calls[i].n);
		if (got <= 0)
			continue;
		calls[i].n += (size_t)got;
		calls[i].text[calls[i].n] = '\0';
		look_up(i);
	}
}

static void hang_up(int fd)
{
	for (unsigned i = 0; i < CALLS_MAX; i++)
		if (calls[i].fd == fd) {
			close(fd);
			calls[i].fd = -1;
			calls[i].n = 0;
		}
	for (unsigned k = 0; k < SLOTS; k++)
		if (slots[k] && slots[k]->fd == fd)
			slots[k]->fd = -1;
}

static void say(const struct visit *v, const char *text, size_t n)
{
	if (v->fd >= 0 && write(v->fd, text, n) < 0)
		errno = 0; /* the gateway has closed */
}

static void say_text(const struct visit *v, const char *text)
{
	say(v, text, strlen(text));
}

static void stream_part(struct visit *v, unsigned which)
{
	struct buf event = buf_make(512);

	if (v->raw)
		return;
	fill(&event, kinds[v->kind].event, v);
	if (which == 0) {
		v->closing = true;
		say_text(v, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: ");
		say_text(v,
		         v->kind == 2 ? "application/json\r\n\r\n[{\"candidates\":[]}" : "text/event-stream\r\n\r\n");
	} else if (which == 1) {
		say(v, event.p, event.n);
	} else if (which == 2) {
		say(v, event.p, event.n / 2);
	} else {
		v->done_came |= v->fd >= 0;
		say_text(v, kinds[v->kind].end);
	}
	buf_fini(&event);
}

/* The provider ends its stream itself. */
static void say_error(struct visit *v)
{
	if (v->closing)
		say_text(v, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
		            "\"message\":\"secret-of-tests\"}}\n\n");
}

static void whole_part(struct visit *v, unsigned which)
{
	char text[512];

	if (v->raw)
		return;
	if (which == 0)
		snprintf(text, sizeof text,
		         "HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n{\"id\":\"q%07u;\",\"choices\":[{}]}", v->mark);
	else if (which == 1)
		snprintf(text, sizeof text, "HTTP/1.1 503 No\r\ncontent-length: 0\r\nretry-after: 0\r\n\r\n");
	else if (which == 2)
		snprintf(text, sizeof text,
		         "HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
	else
		snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
	say_text(v, text);
	if (which != 3 && !v->closing)
		v->fd = -1; /* the call is over */
}

static void raw_part(struct visit *v, const char *bytes, size_t n)
{
	v->done_came |= memmem(bytes, n, "DONE", 4) != NULL;
	v->raw |= !v->closing;
	say(v, bytes, n);
}

/* ---- the script ---- */

static void act(uint8_t what, const uint8_t **data, size_t *left)
{
	unsigned slot = what >> 4 & 3, which = what >> 6;
	struct visit *v = slots[slot];

	switch (what & 15) {
	case 0: ask(slot, which, false, NULL, "Bearer client-key-of-tests"); return;
	case 1: ask(slot, which, true, NULL, "Bearer client-key-of-tests"); return;
	case 2: ask(slot, which, false, which == 3 ? "/nowhere" : NULL, "Bearer nobody"); return;
	case 3: ask(slot, which, false, "/admin/v1/keys", "Bearer admin-key-of-tests"); return;
	case 4: take_calls(); return;
	case 5:
		for (unsigned i = 0; i <= which; i++)
			turn();
		return;
	case 6:
		if (waiting)
			op_wake(waiting);
		return;
	}
	if (!v)
		return;
	switch (what & 15) {
	case 7: send_body(v, which != 3); return;
	case 8: leave(v); return;
	case 9: set_full(v, which & 1); return;
	case 10: stream_part(v, which); return;
	case 11: whole_part(v, which); return;
	case 12:
		if (which == 3)
			say_error(v);
		else
			hang_up(v->fd);
		return;
	case 13: {
		size_t n = *left > 0 ? **data & 63u : 0;

		n = n < *left ? n : *left;
		raw_part(v, (const char *)*data, n);
		*data += n;
		*left -= n;
		return;
	}
	case 14:
		send_body(v, true);
		take_calls();
		turn();
		take_calls();
		return;
	case 15:
		turn();
		turn();
		take_calls();
		return;
	}
}

static void end_all(void)
{
	for (unsigned k = 0; k < SLOTS; k++)
		if (slots[k])
			leave(slots[k]);
	turn();
	for (unsigned i = 0; i < CALLS_MAX; i++)
		if (calls[i].fd >= 0)
			hang_up(calls[i].fd);
	for (int i = 0; worker->reqs; i++) {
		assert(i < ENDING_MAX);
		turn();
		if (i > 10)
			usleep(100);
	}
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
		close(fd);
	turn();
	assert(!worker->deliver && !waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size > 0) {
		uint8_t what = *data++;

		size--;
		act(what, &data, &size);
	}
	end_all();
	return 0;
}

/* ---- the start ---- */

static void keep_payload(void *p)
{
}

static unsigned listen_locally(void)
{
	struct addr a;
	struct err e;

	if (!addr_parse(&a, STR("127.0.0.1:0"), &e) || (listener = server_bind(&a, 64, &e)) < 0)
		abort();
	return addr_port(&a);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char dir[] = "/tmp/gateway_fuzz.XXXXXX";
	static struct gateway_options o = { .conf = &snapshot_slot, .services = { [SERVICE_ADMIN] = { serve, NULL } } };
	static const struct key_fixed key = { .name = STR_INIT("test"), .key = STR_INIT("client-key-of-tests") };
	struct conf_problems problems = { 0 };
	char text[2048], journal[64];
	unsigned port = listen_locally();
	struct config *c;
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	dialect_init();
	for (unsigned i = 0; i < CALLS_MAX; i++)
		calls[i].fd = -1;
	if (!mkdtemp(dir))
		abort();
	snprintf(journal, sizeof journal, "%s/journal", dir);
	snprintf(text, sizeof text, settings, port, port, port);
	if (mkdir(journal, 0700) < 0)
		abort();
	c = config_read("fuzz.yaml", str_from_z(text), &conf_env_process, &problems);
	conf = (struct gateway_conf){ .server = &c->server, .upstream = &c->upstream,
	                              .translation = &c->translation, .auth_required = true };
	struct route_table_source source = { .providers = c->providers, .models = c->models, .routing = &c->routing };
	if (!route_table_init(&conf.routes, &source, &c->arena, &e))
		abort();
	snapshot_slot_init(&snapshot_slot, snapshot_new(&conf, keep_payload));
	o.keys = keys_open(&(struct keys_options){ dir, STR("admin-key-of-tests"), &key, 1 }, &e);
	o.ledger = ledger_open(&(struct ledger_options){ .data_dir = dir }, &e);
	o.observe = observe_new(&(struct observe_options){ .loops = 1, .log = { false, STR("stdout") } }, &e);
	o.pool = pool_new(1, 16);
	loop = loop_new(&(struct loop_options){ 0 }, &e);
	worker = worker_new(gateway_new(&o), loop, &e);
	assert(worker);
	return 0;
}
