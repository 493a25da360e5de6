/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to providers over TLS: our client against our server on one loop, and against one that cuts the connection. */
#include <fcntl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/cert.h"
#include "lib/check.h"
#include "net/addr.h"
#include "net/client.h"
#include "net/dns.h"
#include "net/pool.h"
#include "net/server.h"
#include "net/tls.h"

#define ANSWER_BYTES 300000u

static char dir[] = "/tmp/sluice-client-tls-XXXXXX";
static struct loop *loop;
static struct pool *pool;
static struct dns *dns;
static struct server *server;
static struct client *client;
static struct tls_server *tls;
static struct tls_client *trust, *system_trust;
static _Atomic int64_t connections;
static struct addr at;

static int to_loopback(const char *host, struct dns_answer *out)
{
	bool ok = addr_from_literal(&out->addrs[0], STR("127.0.0.1"), 0);
	out->n = 1;
	return ok ? 0 : EAI_FAIL;
}

static const char *path(char out[96], const char *name)
{
	snprintf(out, 96, "%s/%s", dir, name);
	return out;
}

/* ---- the provider: a long answer ---- */

static size_t left;

static void go_on(struct exchange *x)
{
	static const char piece[10000];
	while (left > 0 && !exchange_full(x)) {
		exchange_write(x, str_of(piece, sizeof piece));
		left -= sizeof piece;
	}
	if (left == 0)
		exchange_finish(x);
}

static void on_head(struct exchange *x, const struct http_head *h)
{
	left = ANSWER_BYTES;
	exchange_start(x, 200, NULL, 0, ANSWER_BYTES);
	go_on(x);
}

static void on_nothing(struct exchange *x)
{
}

static void on_nothing_because(struct exchange *x, const struct err *why)
{
}

static const struct exchange_handler handler = { on_head, on_nothing, on_nothing_because, go_on, on_nothing_because };

static const struct call_events events;

static int setup(void **state)
{
	static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	char a[96], b[96];
	struct err e;
	struct server_options so = {
		.handler = &handler, .connections = &connections, .connections_max = 100,
		.limits = { .http1 = { 8192, 4096, 64 }, .write_mark_bytes = 65536, .streams_max = 100,
			    .header_timeout_ms = 2000, .body_timeout_ms = 2000, .idle_timeout_ms = 5000,
			    .write_timeout_ms = 2000, .half_close_ms = 100 },
	};
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(dir));
	struct cert_ca ca = cert_ca_new(dir, "ca");
	cert_issue(&ca, "a", "a", "DNS:a.example,IP:127.0.0.1", -60, 3600);
	cert_ca_free(&ca);
	struct tls_cert files = { str_from_z(path(a, "a.pem")), str_from_z(path(b, "a.key")) };
	tls = tls_server_new(&(struct tls_server_options){ &files, 1, alpn, 2 }, &e);
	trust = tls_client_new(&(struct tls_client_options){ str_from_z(path(a, "ca.pem")) }, &e);
	system_trust = tls_client_new(&(struct tls_client_options){ { 0 } }, &e);
	assert_true(tls && trust && system_trust);

	loop = so.loop = loop_new(&(struct loop_options){ 0 }, &e);
	pool = pool_new(1, 8);
	dns = dns_new(&(struct dns_options){ loop, pool, 60000, 1000, 60000, 8, to_loopback });
	client = client_new(&(struct client_options){ .loop = loop,
	                                              .dns = dns,
	                                              .events = &events,
	                                              .idle_max = 4,
	                                              .idle_ms = 5000,
	                                              .age_ms = 60000,
	                                              .head_max_bytes = 8192,
	                                              .head_max_fields = 64 });
	server = server_new(&so);
	assert_true(addr_parse(&at, STR("127.0.0.1:0"), &e));
	struct listener_options lo = { .fd = server_bind(&at, 16, &e), .tls = tls, .http2 = true };
	assert_true(lo.fd >= 0 && server_listen(server, &lo, &e));
	return 0;
}

static int teardown(void **state)
{
	char cmd[96];
	client_free(client);
	server_free(server);
	dns_free(dns);
	pool_free(pool);
	loop_free(loop);
	tls_server_free(tls);
	tls_client_free(trust);
	tls_client_free(system_trust);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd);
}

/* ---- calls ---- */

struct visit {
	struct call call;
	struct call_request request;
	struct timer pause;
	int status;
	size_t got;
	bool ended, failed, slow;
	struct err why;
};

static void on_answer(struct call *c, const struct http_head *h)
{
	CONTAINER_OF(c, struct visit, call)->status = h->status;
}

static void on_go_on(struct timer *t)
{
	call_resume(&CONTAINER_OF(t, struct visit, pause)->call);
}

static void on_data(struct call *c, struct str bytes)
{
	struct visit *v = CONTAINER_OF(c, struct visit, call);
	v->got += bytes.n;
	if (v->slow && !timer_running(&v->pause)) {
		call_pause(c);
		timer_start(loop, &v->pause, 2);
	}
}

static bool on_end(struct call *c, const struct err *why)
{
	struct visit *v = CONTAINER_OF(c, struct visit, call);
	v->ended = true;
	v->failed = why != NULL;
	if (why)
		v->why = *why;
	loop_stop(loop);
	return true;
}

static const struct call_events events = { on_answer, on_data, on_end };

static struct visit visit(const char *host, uint16_t port, struct tls_client *with, bool slow)
{
	static const struct call_deadlines deadlines = { 3000, 3000, 3000 };
	struct visit v = { .slow = slow, .pause.on_due = on_go_on };
	struct origin_options o = { .host = str_from_z(host), .port = port, .tls = with };
	v.request = (struct call_request){ .pieces = { STR("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n") }, .n = 1 };
	call_start(&v.call, client, origin_get(&o), &v.request, &deadlines);
	assert_false(v.ended);
	loop_run(loop);
	timer_cancel(loop, &v.pause);
	assert_true(v.ended);
	return v;
}

static void answers_come_whole_and_connections_are_reused(void **state)
{
	static const char *const hosts[] = { "a.example", "127.0.0.1" };
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		for (int round = 0; round < 4; round++) {
			struct visit v = visit(hosts[i], addr_port(&at), trust, round == 2);
			if (v.failed)
				fail_msg("%s: %s", hosts[i], v.why.text);
			assert_int_equal(v.status, 200);
			assert_int_equal(v.got, ANSWER_BYTES);
			check(hosts[i], v.call.reused == (round > 0));
		}
	}
}

static void strangers_are_refused(void **state)
{
	struct visit v = visit("b.example", addr_port(&at), trust, false);
	assert_true(v.failed);
	assert_int_equal(v.why.code, ERR_UPSTREAM);
	assert_string_equal(v.why.text, "TLS with b.example: hostname mismatch");
	v = visit("a.example", addr_port(&at), system_trust, false);
	assert_true(v.failed);
	assert_non_null(strstr(v.why.text, "TLS with a.example: unable to get local issuer certificate"));
	assert_int_equal(v.status, 0);
}

/* A provider whose answer goes to the end of the connection, which it ends well or not. */
struct cutter {
	int fd;
	bool clean;
};

static void *cut(void *arg)
{
	struct cutter *c = arg;
	char file[96], b[512];
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate_chain_file(ctx, path(file, "a.pem"));
	SSL_CTX_use_PrivateKey_file(ctx, path(file, "a.key"), SSL_FILETYPE_PEM);
	int fd = accept(c->fd, NULL, NULL);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, b, sizeof b) > 0)
		SSL_write(ssl, "HTTP/1.1 200 OK\r\n\r\nhalf", 23);
	if (c->clean)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (read(fd, b, sizeof b) > 0)
		continue;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return NULL;
}

static void a_cut_answer_is_not_a_whole_one(void **state)
{
	for (int clean = 0; clean < 2; clean++) {
		struct addr there;
		struct err e;
		pthread_t thread;
		assert_true(addr_parse(&there, STR("127.0.0.1:0"), &e));
		struct cutter c = { server_bind(&there, 4, &e), clean };
		assert_true(fcntl(c.fd, F_SETFL, 0) == 0);
		assert_int_equal(pthread_create(&thread, NULL, cut, &c), 0);
		struct visit v = visit("a.example", addr_port(&there), trust, false);
		assert_int_equal(v.status, 200);
		assert_int_equal(v.got, 4);
		assert_int_equal(v.failed, !clean);
		if (!clean)
			assert_string_equal(v.why.text,
			                    "TLS with a.example: the connection ended without close_notify");
		pthread_join(thread, NULL);
		close(c.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_whole_and_connections_are_reused),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(a_cut_answer_is_not_a_whole_one),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
