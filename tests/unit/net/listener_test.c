/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before a request: the PROXY header, TLS, both; and which version of HTTP comes out. */
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/cert.h"
#include "lib/check.h"
#include "net/addr.h"
#include "net/server.h"
#include "net/tls.h"

static char dir[] = "/tmp/sluice-listener-XXXXXX";
static struct loop *loop;
static struct server *server;
static struct tls_server *tls;
static SSL_CTX *client_ctx;
static pthread_t thread;
static _Atomic int64_t connections;
static struct addr plain, secure; /* both with a PROXY header of any version */

/* Answers with the address of the client. */
static void on_head(struct exchange *x, const struct http_head *h)
{
	struct addr peer;
	char text[ADDR_TEXT_MAX];
	exchange_peer(x, &peer);
	size_t n = addr_text(&peer, text);
	exchange_start(x, 200, NULL, 0, (int64_t)n);
	exchange_write(x, str_of(text, n));
	exchange_finish(x);
}

static void on_nothing(struct exchange *x)
{
}

static void on_nothing_because(struct exchange *x, const struct err *why)
{
}

static const struct exchange_handler handler = { on_head, on_nothing, on_nothing_because, on_nothing,
	                                         on_nothing_because };

static void *serve(void *arg)
{
	loop_run(loop);
	return NULL;
}

static void listen_at(struct addr *at, struct tls_server *with)
{
	struct err e;
	assert_true(addr_parse(at, STR("127.0.0.1:0"), &e));
	struct listener_options o = { .fd = server_bind(at, 16, &e), .tls = with, .proxy = SERVER_PROXY_ANY,
		                      .http2 = true };
	assert_true(o.fd >= 0 && server_listen(server, &o, &e));
}

static int setup(void **state)
{
	static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	char cert[64], key[64];
	struct err e;
	struct server_options o = {
		.handler = &handler, .connections = &connections, .connections_max = 100,
		.limits = { .http1 = { 8192, 4096, 64 }, .write_mark_bytes = 65536, .streams_max = 100,
			    .header_timeout_ms = 500, .body_timeout_ms = 500, .idle_timeout_ms = 2000,
			    .write_timeout_ms = 500, .half_close_ms = 100 },
	};
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(dir));
	struct cert_ca ca = cert_ca_new(dir, "ca");
	cert_issue(&ca, "a", "a", "DNS:a.example", -60, 3600);
	cert_ca_free(&ca);
	snprintf(cert, sizeof cert, "%s/a.pem", dir);
	snprintf(key, sizeof key, "%s/a.key", dir);
	struct tls_cert files = { str_from_z(cert), str_from_z(key) };
	tls = tls_server_new(&(struct tls_server_options){ &files, 1, alpn, 2 }, &e);
	assert_non_null(tls);
	client_ctx = SSL_CTX_new(TLS_client_method());

	loop = o.loop = loop_new(&(struct loop_options){ 0 }, &e);
	server = server_new(&o);
	listen_at(&plain, NULL);
	listen_at(&secure, tls);
	return pthread_create(&thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
	char cmd[64];
	loop_stop(loop);
	pthread_join(thread, NULL);
	server_free(server);
	loop_free(loop);
	tls_server_free(tls);
	SSL_CTX_free(client_ctx);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd);
}

static int dial(const struct addr *at)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(connect(fd, &at->u.sa, at->len), 0);
	return fd;
}

#define V1 "PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n"
#define V2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x08\x04\xd2\x01\xbb"
#define V2_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
#define REQUEST "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"

static const struct { const char *name, *header; size_t n; const char *want; } cases[] = {
	{ "version 1", V1, sizeof V1 - 1, "192.0.2.7:1234" },
	{ "version 2", V2, sizeof V2 - 1, "192.0.2.7:1234" },
	{ "the balancer itself", V2_LOCAL, sizeof V2_LOCAL - 1, "127.0.0.1:" },
	{ "none", "", 0, NULL },
	{ "no header at all", "GET / HTTP/1.1\r\n", 16, NULL },
	{ "cut", V1, 20, NULL },
};

static void send_bytewise(int fd, const char *p, size_t n, bool bytewise)
{
	for (size_t i = 0; i < n; i++) {
		if (send(fd, p + i, bytewise ? 1 : n, MSG_NOSIGNAL) <= 0 || !bytewise)
			return;
		usleep(500);
	}
}

static void plain_behind_a_proxy_header(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int bytewise = 0; bytewise < 2; bytewise++) {
			char b[512] = { 0 };
			int fd = dial(&plain);
			send_bytewise(fd, cases[i].header, cases[i].n, bytewise);
			if (cases[i].want || cases[i].n == 0)
				send_bytewise(fd, REQUEST, sizeof REQUEST - 1, bytewise);
			ssize_t n = recv(fd, b, sizeof b - 1, 0);
			check(cases[i].name, (n > 0) == (cases[i].want != NULL));
			check(cases[i].name, !cases[i].want || strstr(b, cases[i].want));
			close(fd);
		}
	}
}

static void tls_behind_a_proxy_header(void **state)
{
	static const char *const protocols[] = { "\x08http/1.1", "\x02h2" };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int h2 = 0; h2 < 2; h2++) {
			char b[512] = { 0 };
			int fd = dial(&secure);
			send_bytewise(fd, cases[i].header, cases[i].n, h2);
			SSL *ssl = SSL_new(client_ctx);
			SSL_set_fd(ssl, fd);
			SSL_set_alpn_protos(ssl, (const unsigned char *)protocols[h2], h2 ? 3 : 9);
			bool shaken = SSL_connect(ssl) == 1;
			check(cases[i].name, shaken == (cases[i].want != NULL));
			if (shaken && h2) {
				SSL_write(ssl, PREFACE, sizeof PREFACE - 1);
				check(cases[i].name, SSL_read(ssl, b, sizeof b - 1) > 9 && b[3] == 4); /* SETTINGS */
			} else if (shaken) {
				SSL_write(ssl, REQUEST, sizeof REQUEST - 1);
				check(cases[i].name, SSL_read(ssl, b, sizeof b - 1) > 0 && strstr(b, cases[i].want));
			}
			SSL_free(ssl);
			close(fd);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_behind_a_proxy_header),
		cmocka_unit_test(tls_behind_a_proxy_header),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
