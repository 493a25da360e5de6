/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider's server: routes, credentials, and sending answers at the pace and to the end that was ordered. */
#include "main/demo_provider.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "main/demo_in.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/server.h"

#define BODY_MAX        ((size_t)33 << 20)  /* as much as the gateway takes by default, and a little */
#define ARENA_MAX       ((size_t)512 << 20) /* a tree may be many times its text */
#define OUT_MAX         ((size_t)64 << 20)
#define BREAK_MS        20 /* so that what was written has left when the connection breaks */
#define BACKLOG         1024
#define CONNECTIONS_MAX 65536

struct demo_provider {
	struct loop *loop;
	struct server *server;
	pthread_t thread;
	char *key, *client_prefix;
	struct str key_text, prefix_text;
	uint16_t port;
	_Atomic int64_t connections;
};

/* One request, on the provider's loop. */
struct visit {
	struct demo_provider *provider;
	struct exchange *x; /* NULL: nothing more may be sent */
	struct loop *loop;
	const struct demo_route *route;
	struct arena arena;
	struct buf body;
	struct demo_ask ask;
	struct demo_reply reply;
	struct timer timer;
	int status; /* of an answer decided before the body was read; 0: none */
	const char *refusal;
	char id[ULID_LEN];
	size_t sent, next; /* bytes; number of the next event */
	bool started;
};

static const struct demo_route routes[] = {
	{ STR_INIT("/v1/chat/completions"), false, &demo_openai, demo_chat_answer },
	{ STR_INIT("/v1/completions"), false, &demo_openai, demo_completions_answer },
	{ STR_INIT("/v1/embeddings"), false, &demo_openai, demo_embeddings_answer },
	{ STR_INIT("/v1/responses"), false, &demo_responses, demo_responses_answer },
	{ STR_INIT("/v1/messages"), false, &demo_anthropic, demo_messages_answer },
	{ STR_INIT("/v1/messages/count_tokens"), false, &demo_anthropic, demo_count_tokens_answer },
	{ STR_INIT("/v1beta/models/"), true, &demo_gemini, demo_gemini_answer },
};

static const struct demo_route *route_find(struct str path)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (routes[i].below ? str_starts(path, routes[i].path) : str_eq(path, routes[i].path))
			return &routes[i];
	return NULL;
}

static void visit_free(struct visit *v)
{
	timer_cancel(v->loop, &v->timer);
	buf_fini(&v->body);
	buf_fini(&v->reply.out);
	buf_fini(&v->reply.ends);
	arena_fini(&v->arena);
	free(v);
}

/* ---- sending ---- */

static void start(struct visit *v, int status, const char *content_type, int64_t length)
{
	const struct demo_family *family = v->route ? v->route->family : &demo_openai;
	const struct http_field fields[] = {
		{ STR("content-type"), str_from_z(content_type), HTTP_F_CONTENT_TYPE },
		{ str_from_z(family->request_id), v->ask.id, http_name_of(str_from_z(family->request_id)) },
		{ STR("retry-after"), STR("1"), HTTP_F_RETRY_AFTER },
	};
	bool later = status == 429 || status == 503;

	exchange_start(v->x, status, fields, later ? COUNT_OF(fields) : COUNT_OF(fields) - 1, length);
	v->started = true;
}

static void finish(struct visit *v)
{
	exchange_finish(v->x);
	visit_free(v);
}

static void break_off(struct visit *v)
{
	exchange_abort(v->x);
	visit_free(v);
}

static void send_error(struct visit *v, int status, struct str message)
{
	const struct demo_family *family = v->route ? v->route->family : &demo_openai;

	buf_clear(&v->reply.out);
	family->write_error(&v->reply.out, status, message, v->ask.id);
	start(v, status, "application/json", (int64_t)v->reply.out.n);
	exchange_write(v->x, buf_str(&v->reply.out));
	finish(v);
}

/* A whole answer at once, or as much of it as was ordered. */
static void send_whole(struct visit *v)
{
	struct str out = buf_str(&v->reply.out);

	if (!v->started) {
		start(v, 200, v->reply.content_type, (int64_t)out.n);
		switch (v->reply.orders.fate) {
		case DEMO_WHOLE:
		case DEMO_FAIL:    /* of streams */
		case DEMO_GARBAGE: /* done already, to the text */
			exchange_write(v->x, out);
			finish(v);
			return;
		case DEMO_CUT:
		case DEMO_STALL:
			exchange_write(v->x, str_slice(out, 0, out.n / 2));
			if (v->reply.orders.fate == DEMO_CUT)
				timer_start(v->loop, &v->timer, BREAK_MS);
			return;
		case DEMO_HANG: return;
		}
	}
	break_off(v);
}

static size_t event_count(const struct visit *v)
{
	return v->reply.ends.n / sizeof(size_t);
}

static size_t event_end(const struct visit *v, size_t i)
{
	size_t end;

	memcpy(&end, v->reply.ends.p + i * sizeof(end), sizeof(end));
	return end;
}

/* The events are over, or those that were to be sent. */
static void end_stream(struct visit *v)
{
	switch (v->reply.orders.fate) {
	case DEMO_WHOLE:
	case DEMO_FAIL:
	case DEMO_GARBAGE:
	case DEMO_HANG: finish(v); return;
	case DEMO_CUT:
		if (v->next == event_count(v)) {
			v->next++; /* once more around, so that the last event has left */
			timer_start(v->loop, &v->timer, BREAK_MS);
			return;
		}
		break_off(v);
		return;
	case DEMO_STALL: return; /* until the client has had enough */
	}
}

static void send_events(struct visit *v)
{
	if (!v->started)
		start(v, 200, v->reply.content_type, -1);
	while (v->next < event_count(v)) {
		size_t end = event_end(v, v->next);
		if (exchange_full(v->x))
			return; /* on_drained goes on */
		exchange_write(v->x, str_of(v->reply.out.p + v->sent, end - v->sent));
		v->sent = end;
		v->next++;
		if (v->reply.orders.gap_ms > 0 && v->next < event_count(v)) {
			timer_start(v->loop, &v->timer, (uint64_t)v->reply.orders.gap_ms);
			return;
		}
	}
	end_stream(v);
}

static void go_on(struct visit *v)
{
	if (v->reply.stream)
		send_events(v);
	else
		send_whole(v);
}

static void on_due(struct timer *t)
{
	go_on(CONTAINER_OF(t, struct visit, timer));
}

/* ---- deciding ---- */

/* What is ordered about the text of the answer: the half of the events, an error behind them, nonsense. */
static void spoil(struct visit *v)
{
	static const struct str nonsense = STR_INIT("{\"this\": is not JSON, and it does not e");
	struct demo_reply *r = &v->reply;

	switch (r->orders.fate) {
	case DEMO_WHOLE:
	case DEMO_HANG: return;
	case DEMO_CUT:
	case DEMO_STALL:
	case DEMO_FAIL:
	case DEMO_GARBAGE: break;
	}
	if (!r->stream) {
		if (r->orders.fate == DEMO_GARBAGE) {
			buf_clear(&r->out);
			buf_append(&r->out, nonsense);
		}
		return;
	}
	r->ends.n = (event_count(v) / 2 + 1) * sizeof(size_t);
	r->out.n = event_end(v, event_count(v) - 1);
	if (r->orders.fate == DEMO_FAIL) {
		v->route->family->write_stream_error(&r->out, STR("You asked for this error: demo-fail"));
		demo_event_end(r);
	} else if (r->orders.fate == DEMO_GARBAGE) {
		demo_event_open(r, NULL);
		buf_append(&r->out, nonsense);
		demo_event_close(r);
	}
}

static void decide(struct visit *v)
{
	struct err e = { 0 };

	v->ask.arena = &v->arena;
	v->ask.created = (int64_t)(clock_real_ms() / 1000);
	v->ask.body = json_parse(&v->arena, buf_str(&v->body), 256, &e);
	if (!v->ask.body) {
		send_error(v, err_code_status(e.code), str_from_z(e.text));
		return;
	}
	v->ask.model = demo_text(v->ask.body, "model");
	v->reply.content_type = "application/json";
	if (!v->route->answer(&v->ask, &v->reply, &e)) {
		send_error(v, e.status ? e.status : err_code_status(e.code), str_from_z(e.text));
		return;
	}
	if (v->reply.out.failed || v->reply.ends.failed) {
		send_error(v, 500, STR("The answer is too large"));
		return;
	}
	spoil(v);
	if (v->reply.orders.fate == DEMO_HANG)
		return;
	if (v->reply.orders.wait_ms > 0)
		timer_start(v->loop, &v->timer, (uint64_t)v->reply.orders.wait_ms);
	else
		go_on(v);
}

/* Only our credential may come, and only in the field of this API. */
static void judge_head(struct visit *v, const struct http_head *head)
{
	const struct demo_provider *p = v->provider;
	const struct demo_family *family = v->route->family;
	const struct http_field *auth = http_find(head, family->auth);
	struct str want = p->key_text, got = auth ? auth->value : STR("");

	for (unsigned i = 0; i < head->n_fields; i++)
		if (str_find(head->fields[i].value, p->prefix_text) != STR_NPOS) {
			log_error("demo", "a client's key came to the provider, in the field %.*s",
			          STR_ARG(head->fields[i].name));
			v->status = 500;
			v->refusal = "A key of a client came to the provider: this must never happen";
			return;
		}
	bool prefixed = str_starts(got, family->auth_prefix);
	if (!prefixed || !str_eq_secret(str_slice(got, family->auth_prefix.n, got.n), want)) {
		v->status = 401;
		v->refusal = "Incorrect API key provided";
	} else if (family == &demo_anthropic && !http_find(head, HTTP_F_ANTHROPIC_VERSION)) {
		v->status = 400;
		v->refusal = "anthropic-version: header is required";
	} else if (head->method != METHOD_POST) {
		v->status = 405;
		v->refusal = "Only POST is answered here";
	}
}

/* ---- what the server calls ---- */

static void on_head(struct exchange *x, const struct http_head *head)
{
	struct visit *v = mem_zalloc(sizeof(*v));

	v->provider = x->user;
	v->x = x;
	v->loop = x->loop;
	v->timer.on_due = on_due;
	v->body = buf_make(BODY_MAX);
	v->reply.out = buf_make(OUT_MAX);
	v->reply.ends = buf_make(OUT_MAX);
	arena_init(&v->arena, ARENA_MAX);
	ulid_text(v->id, ulid_new(clock_real_ms()));
	v->ask.id = str_of(v->id, ULID_LEN);
	x->user = v;
	v->route = route_find(head->path);
	if (!v->route) {
		v->status = 404;
		v->refusal = "There is nothing at this address";
	} else {
		v->ask.path = arena_dup(&v->arena, str_slice(head->path, v->route->path.n, head->path.n));
		v->ask.query = arena_dup(&v->arena, head->query);
		judge_head(v, head);
	}
	exchange_read_body(x, &v->body);
}

static void on_body(struct exchange *x)
{
	struct visit *v = x->user;

	if (v->status)
		send_error(v, v->status, str_from_z(v->refusal));
	else
		decide(v);
}

static void on_body_failed(struct exchange *x, const struct err *why)
{
	struct visit *v = x->user;

	send_error(v, why->status ? why->status : err_code_status(why->code), str_from_z(why->text));
}

static void on_drained(struct exchange *x)
{
	struct visit *v = x->user;

	if (!timer_running(&v->timer) && v->started && v->next < event_count(v))
		go_on(v);
}

static void on_gone(struct exchange *x, const struct err *why)
{
	(void)why;
	visit_free(x->user);
}

static const struct exchange_handler handler = { on_head, on_body, on_body_failed, on_drained, on_gone };

/* ---- life ---- */

static const struct server_limits limits = {
	.http1 = { .head_max_bytes = 65536, .line_max_bytes = 16384, .fields_max = 200 },
	.write_mark_bytes = 256 * 1024,
	.streams_max = 100,
	.header_timeout_ms = 60000,
	.body_timeout_ms = 60000,
	.idle_timeout_ms = 600000,
	.write_timeout_ms = 600000,
	.half_close_ms = 1000,
};

static void *run(void *arg)
{
	struct demo_provider *p = arg;

	loop_run(p->loop);
	server_free(p->server);
	p->server = NULL;
	return NULL;
}

static bool listen_at_loopback(struct demo_provider *p, struct err *e)
{
	struct addr addr;
	struct listener_options o = { .fd = -1 };

	if (!addr_parse(&addr, STR("127.0.0.1:0"), e))
		return false;
	o.fd = server_bind(&addr, BACKLOG, e);
	if (o.fd < 0)
		return false;
	p->port = addr_port(&addr);
	return server_listen(p->server, &o, e);
}

/* Signals are the main thread's business. */
static bool start_thread(struct demo_provider *p, struct err *e)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0 || err_set_sys(e, failed, "thread of the demo provider");
}

static void provider_free(struct demo_provider *p)
{
	server_free(p->server);
	loop_free(p->loop);
	free(p->key);
	free(p->client_prefix);
	free(p);
}

struct demo_provider *demo_provider_start(const struct demo_provider_options *o, struct err *e)
{
	struct demo_provider *p = mem_zalloc(sizeof(*p));

	assert(o->key.n > 0 && o->client_prefix.n > 0);
	p->key = mem_dup(o->key.p, o->key.n);
	p->client_prefix = mem_dup(o->client_prefix.p, o->client_prefix.n);
	p->key_text = str_of(p->key, o->key.n);
	p->prefix_text = str_of(p->client_prefix, o->client_prefix.n);
	p->loop = loop_new(&(struct loop_options){ 0 }, e);
	if (!p->loop)
		goto failed;
	p->server = server_new(&(struct server_options){
		.loop = p->loop,
		.handler = &handler,
		.user = p,
		.limits = limits,
		.connections = &p->connections,
		.connections_max = CONNECTIONS_MAX,
	});
	if (listen_at_loopback(p, e) && start_thread(p, e))
		return p;
failed:
	provider_free(p);
	return NULL;
}

uint16_t demo_provider_port(const struct demo_provider *p)
{
	return p->port;
}

void demo_provider_stop(struct demo_provider *p)
{
	if (!p)
		return;
	loop_stop(p->loop);
	pthread_join(p->thread, NULL);
	provider_free(p);
}
