/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline turn by turn: a scripted exchange in front, a scripted provider behind. The client leaves at each step;
 * the journal cannot be written; a ceiling is reached; the client is slow.
 */
#include "lib/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/env.h"
#include "dialect/dialect.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "govern/ledger.h"
#include "main/settings.h"
#include "net/addr.h"
#include "net/pool.h"
#include "net/server.h"
#include "observe/observe.h"
#include "store/dir.h"

#define TURNS 2000 /* of at most a millisecond; more is a hang */

/* ---- the gateway ---- */

static struct {
	char dir[64];
	struct config *config;
	struct gateway_conf conf;
	struct snapshot_slot slot;
	struct keys *keys;
	struct ledger *ledger;
	struct observe *observe;
	struct pool *pool;
	struct gateway *gateway;
	struct loop *loop;
	struct worker *worker;
	int listener, provider; /* provider: its side of the connection; -1: none */
	uint64_t records;       /* in the ledger before the test */
} rig;

static void stop(struct task *t)
{
	loop_stop(rig.loop);
}

static void on_tick(struct timer *t)
{
}

/* One turn; waits a millisecond if nothing happens. */
static void turn(void)
{
	struct timer tick = { .on_due = on_tick };
	struct task t = { .run = stop };

	timer_start(rig.loop, &tick, 1);
	loop_post(rig.loop, &t);
	loop_run(rig.loop);
	timer_cancel(rig.loop, &tick);
}

/* Turns until `cond` holds. */
#define until(name, cond)                                              \
	do {                                                           \
		for (int until_n = 0; !(cond); until_n++) {            \
			check(name, until_n < TURNS);                  \
			turn();                                        \
			if (until_n > 10)                              \
				usleep(1000);                          \
		}                                                      \
	} while (0)

static void keep_payload(void *p)
{
}

static const char settings[] =
	"auth: required\n"
	"admin: {key: admin-key-of-tests}\n"
	"keys: [{name: test, key: client-key-of-tests}]\n"
	"server: {body_max: 64KiB}\n"
	"upstream: {response_max: 16KiB, event_max: 16KiB}\n"
	"routing: {retries: {attempts: 1, on: [503], base: 20s, max: 20s, jitter: none}}\n"
	"models: [{name: m, deployments: [{provider: up, model: real-m}]}]\n"
	"providers: {up: {dialect: openai-chat, api_key: provider-key-of-tests, base_url: 'http://127.0.0.1:%u/v1'}}\n";

static int listen_locally(unsigned *port)
{
	struct addr a;
	struct err e = { 0 };
	int fd;

	check("address", addr_parse(&a, STR("127.0.0.1:0"), &e));
	fd = server_bind(&a, 8, &e);
	check(e.text, fd >= 0);
	*port = addr_port(&a);
	return fd;
}

/* The admin API of this test: answers when it is told to. */
static struct {
	struct op *op; /* NULL: nobody waits */
	bool ready, cancelled;
} service;

static void cancel_service(struct op *op)
{
	service.op = NULL;
	service.cancelled = true;
}

static enum op_state serve_later(void *arg, struct service_call *c, struct err *e)
{
	if (!service.ready) {
		service.op = c->op;
		c->op->work = &service;
		c->op->cancel = cancel_service;
		return OP_PENDING;
	}
	c->op->work = NULL;
	c->op->cancel = NULL;
	buf_append(&c->out, STR("served"));
	return OP_OK;
}

static int setup(void **state)
{
	struct conf_problems problems = { 0 };
	struct err e = { 0 };
	struct route_table_source source;
	char text[1024], journal[96];
	unsigned port;

	snprintf(rig.dir, sizeof rig.dir, "/tmp/sluice-pipeline-XXXXXX");
	check("dir", mkdtemp(rig.dir) != NULL);
	snprintf(journal, sizeof journal, "%s/journal", rig.dir);
	check("dir", mkdir(journal, 0700) == 0);
	dialect_init();
	rig.listener = listen_locally(&port);
	rig.provider = -1;
	snprintf(text, sizeof text, settings, port);
	rig.config = config_read("t.yaml", str_from_z(text), &conf_env_process, &problems);
	check(rig.config ? "" : problems.items[0].text, rig.config != NULL);
	source = (struct route_table_source){ rig.config->providers, rig.config->models, &rig.config->routing, NULL };
	check("table", route_table_init(&rig.conf.routes, &source, &rig.config->arena, &e));
	rig.conf.server = &rig.config->server;
	rig.conf.upstream = &rig.config->upstream;
	rig.conf.translation = &rig.config->translation;
	rig.conf.auth_required = true;
	snapshot_slot_init(&rig.slot, snapshot_new(&rig.conf, keep_payload));
	rig.keys = keys_open(&(struct keys_options){ rig.dir, STR("admin-key-of-tests"),
	                     &(struct key_fixed){ .name = STR("test"), .key = STR("client-key-of-tests") }, 1 }, &e);
	check(e.text, rig.keys != NULL);
	rig.ledger = ledger_open(&(struct ledger_options){ .data_dir = rig.dir }, &e);
	check(e.text, rig.ledger != NULL);
	rig.observe = observe_new(&(struct observe_options){ .loops = 1, .log = { false, STR("stdout") } }, &e);
	rig.pool = pool_new(1, 16);
	rig.gateway = gateway_new(&(struct gateway_options){ .conf = &rig.slot, .keys = rig.keys, .ledger = rig.ledger,
	                          .observe = rig.observe, .pool = rig.pool,
	                          .services = { [SERVICE_ADMIN] = { serve_later, NULL } } });
	rig.loop = loop_new(&(struct loop_options){ 0 }, &e);
	rig.worker = worker_new(rig.gateway, rig.loop, &e);
	check(e.text, rig.worker != NULL);
	return 0;
}

static int teardown(void **state)
{
	char cmd[96];

	worker_free(rig.worker);
	loop_free(rig.loop);
	pool_free(rig.pool);
	gateway_free(rig.gateway);
	ledger_close(rig.ledger);
	keys_close(rig.keys);
	observe_free(rig.observe);
	snapshot_slot_fini(&rig.slot);
	config_free(rig.config);
	close(rig.listener);
	snprintf(cmd, sizeof cmd, "rm -rf %s", rig.dir);
	return system(cmd);
}

static uint64_t records(void)
{
	struct ledger_stats st;
	struct err e = { 0 };

	check("flush", ledger_flush(rig.ledger, 20000, &e));
	ledger_stats(rig.ledger, &st);
	return st.records - rig.records;
}

/* ---- the client ---- */

static struct client_side {
	struct exchange x;
	struct buf *into;       /* where the body goes, once it was asked for */
	int status, finished, aborted, gone;
	bool full;              /* takes nothing any more */
	off_t journal_bytes;    /* when the last bytes came */
	struct buf body;
} side;

static off_t journal_bytes(void)
{
	char cmd[128], text[32] = "";
	FILE *f;

	snprintf(cmd, sizeof cmd, "cat %s/journal/*.jnl 2>/dev/null | wc -c", rig.dir);
	f = popen(cmd, "r");
	check("journal", f && fgets(text, sizeof text, f));
	pclose(f);
	return atol(text);
}

static void side_read_body(struct exchange *x, struct buf *into)
{
	side.into = into;
}

static void side_start(struct exchange *x, int status, const struct http_field *f, unsigned n, int64_t length)
{
	check("one head", side.status == 0 && !side.gone);
	side.status = status;
}

static void side_write(struct exchange *x, struct str s)
{
	check("after the head", side.status != 0 && !side.finished && !side.gone);
	check("room", buf_append(&side.body, s));
}

static void side_finish(struct exchange *x)
{
	check("one end", side.status != 0 && !side.finished && !side.gone);
	side.finished = 1;
	side.journal_bytes = journal_bytes();
}

static void side_abort(struct exchange *x)
{
	side.aborted = 1;
}

static size_t side_pending(const struct exchange *x)
{
	return 0;
}

static bool side_full(struct exchange *x)
{
	return side.full;
}

static void side_peer(const struct exchange *x, struct addr *a)
{
	*a = (struct addr){ 0 };
}

static const struct exchange_ops side_ops = { side_read_body, side_start, side_write, side_finish,
	                                      side_abort, side_pending, side_full, side_peer };

static void ask(enum http_method method, const char *path, const char *token)
{
	struct http_field fields[] = {
		{ STR("authorization"), str_from_z(token), HTTP_F_AUTHORIZATION },
		{ STR("content-type"), STR("application/json"), HTTP_F_CONTENT_TYPE },
	};
	struct http_head head = { .method = method, .path = str_from_z(path), .host = STR("a"), .content_length = -1,
		                  .keep_alive = true, .fields = fields, .n_fields = COUNT_OF(fields) };

	if (method == METHOD_GET)
		head.n_fields = 1;
	buf_fini(&side.body);
	side = (struct client_side){ .x = { .ops = &side_ops, .user = rig.worker, .loop = rig.loop },
		                     .body = buf_make(8u << 20) };
	service.op = NULL;
	service.ready = service.cancelled = false;
	rig.records = 0;
	rig.records = records();
	gateway_handler.on_head(&side.x, &head);
}

static void send_body(const char *text)
{
	check("asked for the body", side.into && buf_append(side.into, str_from_z(text)));
	gateway_handler.on_body(&side.x);
}

static void ask_chat(bool stream)
{
	ask(METHOD_POST, "/v1/chat/completions", "Bearer client-key-of-tests");
	send_body(stream ? "{\"model\":\"m\",\"messages\":[],\"stream\":true}" : "{\"model\":\"m\",\"messages\":[]}");
}

static void leave(void)
{
	struct err e;

	side.gone = 1;
	err_set(&e, ERR_CLIENT_GONE, "gone");
	gateway_handler.on_gone(&side.x, &e);
}

static void until_over(const char *name)
{
	until(name, rig.worker->reqs == NULL);
}

/* ---- the provider ---- */

static void provider_close(void)
{
	if (rig.provider >= 0)
		close(rig.provider);
	rig.provider = -1;
}

/* Takes the connection and the whole request. */
static void provider_accept(const char *name)
{
	char text[4096];
	size_t n = 0;

	provider_close();
	until(name, (rig.provider = accept4(rig.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	for (int i = 0; i < TURNS; i++) {
		ssize_t got = read(rig.provider, text + n, sizeof text - 1 - n);

		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
		if (strstr(text, "\r\n\r\n{") && text[n - 1] == '}')
			return;
		turn();
	}
	check(name, false);
}

static void provider_send(const char *text)
{
	check("sent", write(rig.provider, text, strlen(text)) == (ssize_t)strlen(text));
}

/* The gateway has closed the connection. */
static bool provider_dropped(void)
{
	char c;
	ssize_t n = recv(rig.provider, &c, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

#define ANSWER_BODY "{\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}"
#define STREAM_HEAD "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
#define EVENT(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STREAM_END  "data: [DONE]\n\n"

static void provider_answer(const char *body)
{
	char head[128];

	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
	         strlen(body));
	provider_send(head);
	provider_send(body);
}

static bool has(const char *text)
{
	return str_find(buf_str(&side.body), str_from_z(text)) != STR_NPOS;
}

/* ---- an answer, a stream ---- */

static void last_bytes_leave_behind_the_journal(void **state)
{
	off_t before;

	ask_chat(false);
	provider_accept("whole");
	before = journal_bytes();
	provider_answer(ANSWER_BODY);
	until_over("whole");
	check("whole", side.status == 200 && side.finished && has("\"id\":\"1\""));
	check("whole", side.journal_bytes > before && records() == 1);

	ask_chat(true);
	provider_accept("stream");
	provider_send(STREAM_HEAD EVENT("a"));
	until("stream", has("\"a\""));
	before = journal_bytes();
	provider_send(EVENT("b") STREAM_END);
	provider_close();
	until_over("stream");
	check("stream", side.status == 200 && side.finished && has(STREAM_END));
	check("stream", side.journal_bytes > before && records() == 1);
}

/* ---- the client leaves ---- */

static void before_its_body(void)
{
	ask(METHOD_POST, "/v1/chat/completions", "Bearer client-key-of-tests");
}

static void behind_its_body(void)
{
	ask_chat(false);
}

static void while_connecting(void)
{
	ask_chat(false);
	turn();
}

static void while_the_provider_thinks(void)
{
	ask_chat(false);
	provider_accept("thinks");
}

static void in_the_middle_of_an_answer(void)
{
	while_the_provider_thinks();
	provider_send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{");
	turn();
	turn();
}

static void before_the_first_event(void)
{
	ask_chat(true);
	provider_accept("first event");
	provider_send(STREAM_HEAD "data: {");
	turn();
	turn();
}

static void in_the_middle_of_a_stream(void)
{
	ask_chat(true);
	provider_accept("stream");
	provider_send(STREAM_HEAD EVENT("a") "data: {");
	until("stream", has("\"a\""));
}

static void in_the_back_off(void)
{
	while_the_provider_thinks();
	provider_send("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
	until("back-off", rig.worker->reqs->step == STEP_BACKOFF);
}

static void while_a_service_works(void)
{
	ask(METHOD_GET, "/admin/v1/keys", "Bearer admin-key-of-tests");
	check("no body wanted", side.into != NULL);
	gateway_handler.on_body(&side.x);
	until("service", service.op != NULL);
}

static void refused_in_the_same_turn(void)
{
	ask(METHOD_POST, "/v1/chat/completions", "Bearer nobody");
	check("refused", rig.worker->reqs->step == STEP_RECORD && side.status == 0);
}

static void answered_in_the_same_turn(void)
{
	ask_chat(false);
	provider_accept("same turn");
	provider_answer(ANSWER_BODY);
}

static const struct {
	const char *name;
	void (*come)(void);
	enum step step;
	unsigned records;
	bool dropped; /* the provider's connection is closed */
} departures[] = {
	{ "before its body", before_its_body, STEP_BODY, 1, false },
	{ "behind its body", behind_its_body, STEP_BODY, 1, false },
	{ "while connecting", while_connecting, STEP_ATTEMPT, 1, false },
	{ "while the provider thinks", while_the_provider_thinks, STEP_ATTEMPT, 1, true },
	{ "in the middle of an answer", in_the_middle_of_an_answer, STEP_ATTEMPT, 1, true },
	{ "before the first event", before_the_first_event, STEP_ATTEMPT, 1, true },
	{ "in the middle of a stream", in_the_middle_of_a_stream, STEP_RELAY, 1, true },
	{ "in the back-off", in_the_back_off, STEP_BACKOFF, 1, false },
	{ "while a service works", while_a_service_works, STEP_SERVE, 0, false },
	{ "refused in the same turn", refused_in_the_same_turn, STEP_RECORD, 0, false },
	{ "answered in the same turn", answered_in_the_same_turn, STEP_ATTEMPT, 1, false },
};

static void the_client_leaves(void **state)
{
	for (size_t i = 0; i < COUNT_OF(departures); i++) {
		const char *name = departures[i].name;

		departures[i].come();
		check(name, rig.worker->reqs && rig.worker->reqs->step == departures[i].step);
		leave();
		until_over(name);
		check_u64(name, records(), departures[i].records);
		check(name, !side.finished && (departures[i].step != STEP_SERVE || service.cancelled));
		if (departures[i].dropped)
			until(name, provider_dropped());
		provider_close();
		/* a connection that nobody took may stand in the queue */
		for (int fd; (fd = accept4(rig.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;)
			close(fd);
		turn();
	}
}

/* Decided, and the wake-up comes before the flush. */
static void the_client_leaves_between_answer_and_journal(void **state)
{
	struct req *r;

	ask(METHOD_POST, "/v1/chat/completions", "Bearer nobody");
	r = rig.worker->reqs;
	check("decided", r && r->step == STEP_RECORD);
	leave();
	req_run(r);
	check("stays for the flush", rig.worker->reqs == r && rig.worker->deliver == r);
	until_over("journal");
	check("nothing was sent", side.status == 0);
}

static void a_service_answers_later(void **state)
{
	while_a_service_works();
	service.ready = true;
	op_wake(service.op);
	until_over("service");
	check("service", side.status == 200 && side.finished && has("served") && !service.cancelled);
	check("no spend", records() == 0);
}

/* ---- the journal cannot be written ---- */

static void limit_files(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes;
	check("limit", setrlimit(RLIMIT_FSIZE, &r) == 0);
}

static void nothing_ends_well_without_the_journal(void **state)
{
	signal(SIGXFSZ, SIG_IGN);
	ask_chat(true);
	provider_accept("stream");
	provider_send(STREAM_HEAD EVENT("a"));
	until("stream", has("\"a\""));
	limit_files(0);
	provider_send(EVENT("b") STREAM_END);
	provider_close();
	until_over("stream");
	limit_files(RLIM_INFINITY);
	check("stream", side.finished && has("\"b\"") && has("cannot be written down") && !has("[DONE]"));

	/* what was spent is kept and written with the next record */
	check("next commit", records() == 0);
	ask(METHOD_GET, "/v1/nowhere", "Bearer client-key-of-tests");
	until_over("next commit");
	until("next commit", records() == 1);

	ask_chat(false);
	provider_accept("whole");
	limit_files(0);
	provider_answer(ANSWER_BODY);
	until_over("whole");
	check("whole", side.status == 500 && side.finished && has("cannot be written down") && !has("\"id\":\"1\""));

	/* nothing more is sent upstream, until the journal is good again */
	ask(METHOD_POST, "/v1/chat/completions", "Bearer client-key-of-tests");
	limit_files(RLIM_INFINITY);
	until_over("refused");
	check("refused", side.status == 503 && has("ledger"));
	last_bytes_leave_behind_the_journal(state);
	signal(SIGXFSZ, SIG_DFL);
}

/* ---- ceilings ---- */

static char *long_text(const char *before, size_t n, const char *behind)
{
	size_t b = strlen(before), e = strlen(behind);
	char *s = malloc(b + n + e + 1);

	memcpy(s, before, b);
	memset(s + b, 'x', n);
	memcpy(s + b + n, behind, e + 1);
	return s;
}

static void ceilings_are_errors(void **state)
{
	char *text = long_text("{\"id\":\"", 20000, "\"}");

	ask_chat(false);
	provider_accept("answer");
	provider_answer(text);
	until_over("answer");
	check("answer", side.status == 502 && side.finished && has("larger than allowed") && records() == 1);
	free(text);

	text = long_text("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", 20000, "");
	ask_chat(true);
	provider_accept("event");
	provider_send(STREAM_HEAD EVENT("a"));
	until("event", has("\"a\""));
	provider_send(text);
	until_over("event");
	check("event", side.status == 200 && side.finished && has("larger than allowed"));
	check("event", !has("[DONE]") && !has("xxxx"));
	until("event", provider_dropped());
	provider_close();
	free(text);
}

/* ---- a slow client ---- */

static void a_slow_client_slows_the_provider(void **state)
{
	char *event = long_text("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", 8000, "\"}}]}\n\n");
	size_t n = strlen(event), sent = 0, at, had;

	ask_chat(true);
	provider_accept("slow");
	provider_send(STREAM_HEAD EVENT("a"));
	until("slow", has("\"a\""));
	side.full = true;
	for (int quiet = 0; quiet < 20;) { /* until nobody takes any more */
		ssize_t got = write(rig.provider, event + sent % n, n - sent % n);

		sent += got > 0 ? (size_t)got : 0;
		quiet = got > 0 ? 0 : quiet + 1;
		turn();
		check("bounded", sent < 64u << 20);
	}
	had = side.body.n;
	check("not in our memory", had < 4 * LOOP_SCRATCH_BYTES && sent > had);
	for (int i = 0; i < 10; i++)
		turn();
	check("stands still", side.body.n == had);

	side.full = false;
	gateway_handler.on_drained(&side.x);
	until("goes on", side.body.n > had);
	while (sent % n != 0 || side.body.n < sent) {
		at = sent % n;
		if (at != 0) {
			ssize_t got = write(rig.provider, event + at, n - at);

			sent += got > 0 ? (size_t)got : 0;
		}
		had = side.body.n;
		turn();
		if (sent % n == 0 && side.body.n == had && side.body.n < sent)
			usleep(1000);
		check("all comes", side.body.n <= sent + 4096);
	}
	provider_send(STREAM_END);
	provider_close();
	until_over("slow");
	check("slow", side.finished && has("[DONE]") && records() == 1);
	free(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_bytes_leave_behind_the_journal),
		cmocka_unit_test(the_client_leaves),
		cmocka_unit_test(the_client_leaves_between_answer_and_journal),
		cmocka_unit_test(a_service_answers_later),
		cmocka_unit_test(ceilings_are_errors),
		cmocka_unit_test(a_slow_client_slows_the_provider),
		cmocka_unit_test(nothing_ends_well_without_the_journal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
