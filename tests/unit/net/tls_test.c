/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: both sides of ours against each other over a socket pair, with certificates made here. */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cert.h"

static char dir[] = "/tmp/sluice-tls-XXXXXX";
static struct tls_client *client, *other_client;
static struct tls_server *server;

static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };

/* Paths live until the next four calls. */
static struct str path(const char *name)
{
	static char ring[4][128];
	static unsigned at;
	char *p = ring[at++ % 4];
	return str_of(p, (size_t)snprintf(p, sizeof ring[0], "%s/%s", dir, name));
}

static struct tls_server *serve(const char *name, struct err *e)
{
	char cert[64], key[64];
	snprintf(cert, sizeof cert, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	struct tls_cert c = { path(cert), path(key) };
	return tls_server_new(&(struct tls_server_options){ &c, 1, alpn, 2 }, e);
}

static void remove_all(void)
{
	char cmd[64];
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
}

static int setup(void **state)
{
	struct err e;
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(dir));
	struct cert_ca ca = cert_ca_new(dir, "ca"), stranger = cert_ca_new(dir, "stranger");
	cert_issue(&ca, "a", "a", "DNS:a.example,IP:127.0.0.1,IP:::1", -60, 3600);
	cert_issue(&ca, "b", "b", "DNS:b.example,DNS:*.b.example", -60, 3600);
	cert_issue(&ca, "expired", "a.example", "DNS:a.example", -7200, -3600);
	cert_issue(&ca, "early", "a.example", "DNS:a.example", 3600, 7200);
	cert_issue(&ca, "cn-only", "a.example", NULL, -60, 3600);
	cert_issue(&stranger, "strange", "a.example", "DNS:a.example", -60, 3600);
	cert_ca_free(&ca);
	cert_ca_free(&stranger);
	client = tls_client_new(&(struct tls_client_options){ path("ca.pem") }, &e);
	other_client = tls_client_new(&(struct tls_client_options){ path("ca.pem") }, &e);
	assert_non_null(client);
	assert_non_null(other_client);

	struct tls_cert certs[] = { { path("a.pem"), path("a.key") }, { path("b.pem"), path("b.key") } };
	server = tls_server_new(&(struct tls_server_options){ certs, 2, alpn, 2 }, &e);
	assert_non_null(server);
	return 0;
}

static int teardown(void **state)
{
	tls_server_free(server);
	tls_client_free(client);
	tls_client_free(other_client);
	remove_all();
	return 0;
}

struct pair {
	int fd[2];
	struct tls *c, *s;
	int c_state, s_state;
};

static struct pair pair_open(struct tls_server *srv, struct tls_client *cl, struct tls_sessions *sessions,
                             const char *host)
{
	struct pair p = { 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p.fd), 0);
	p.c = cl ? tls_connect(cl, sessions, p.fd[0], str_from_z(host), 443) : NULL;
	p.s = tls_accept(srv, p.fd[1]);
	return p;
}

static void pair_close(struct pair *p)
{
	tls_free(p->c);
	tls_free(p->s);
	close(p->fd[0]);
	close(p->fd[1]);
}

/* True: both sides are done. False: the client is not; the server has then heard why. */
static bool shake(struct pair *p)
{
	p->c_state = p->s_state = TLS_WANT_READ;
	for (int i = 0; i < 10; i++) {
		if (p->c_state < 0 && p->c_state != TLS_FAIL)
			p->c_state = tls_handshake(p->c);
		if (p->s_state < 0 && p->s_state != TLS_FAIL)
			p->s_state = tls_handshake(p->s);
	}
	return p->c_state == 1 && p->s_state == 1;
}

static void verifies_chain_and_name(void **state)
{
	static const struct { const char *cert, *host, *want; } cases[] = {
		{ "a", "a.example", NULL },
		{ "a", "A.EXAMPLE", NULL },
		{ "a", "a.example.", NULL },
		{ "a", "127.0.0.1", NULL },
		{ "a", "::1", NULL },
		{ "b", "x.b.example", NULL },
		{ "a", "127.0.0.2", "IP address mismatch" },
		{ "a", "b.example", "hostname mismatch" },
		{ "a", "a.example.evil.example", "hostname mismatch" },
		{ "a", "a", "hostname mismatch" },
		{ "b", "x.y.b.example", "hostname mismatch" },
		{ "cn-only", "a.example", "hostname mismatch" },
		{ "expired", "a.example", "certificate has expired" },
		{ "early", "a.example", "certificate is not yet valid" },
		{ "strange", "a.example", "unable to get local issuer certificate" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = { 0 };
		struct tls_server *s = serve(cases[i].cert, &e);
		assert_non_null(s);
		struct pair p = pair_open(s, client, NULL, cases[i].host);
		bool ok = shake(&p);
		if (ok != (cases[i].want == NULL))
			fail_msg("%s for %s: %s", cases[i].cert, cases[i].host, ok ? "was accepted" : "was refused");
		if (!ok) {
			assert_false(tls_describe(p.c, &e));
			assert_int_equal(e.code, ERR_UPSTREAM);
			if (!strcasestr(e.text, cases[i].want) || !strstr(e.text, cases[i].host))
				fail_msg("%s for %s: %s", cases[i].cert, cases[i].host, e.text);
			/* In TLS 1.3 the server is done before the client has judged; the alert comes with the first
			 * read. */
			if (p.s_state != TLS_FAIL)
				assert_int_equal(tls_read(p.s, e.text, 1), TLS_FAIL);
			tls_describe(p.s, &e);
			assert_int_equal(e.code, ERR_CLIENT_GONE);
		} else {
			assert_true(str_eq(tls_version(p.c), STR("TLSv1.3")));
			assert_true(str_eq(tls_alpn(p.s), STR("http/1.1")));
			assert_true(str_eq(tls_alpn(p.c), STR("http/1.1")));
		}
		pair_close(&p);
		tls_server_free(s);
	}
}

static void chooses_the_certificate_by_name(void **state)
{
	static const struct { const char *host; bool ok;
	} cases[] = {
		{ "a.example", true }, { "b.example", true },  { "z.b.example", true },
		{ "127.0.0.1", true }, { "c.example", false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pair p = pair_open(server, client, NULL, cases[i].host);
		if (shake(&p) != cases[i].ok)
			fail_msg("%s", cases[i].host);
		pair_close(&p);
	}
}

static void carries_bytes_and_ends_cleanly(void **state)
{
	enum { N = 1 << 20 };
	char *out = malloc(N), *copy = malloc(N), *in = malloc(N);
	size_t put = 0, got = 0;
	for (size_t i = 0; i < N; i++)
		out[i] = (char)(i * 7 + i / 256);
	struct pair p = pair_open(server, client, NULL, "a.example");
	assert_true(shake(&p));
	bool blocked = false, flip = false;
	while (got < N) {
		while (put < N) {
			/* Each try from another place. */
			char *from = flip ? memcpy(copy, out + put, N - put) : out + put;
			flip = !flip;
			ssize_t n = tls_write(p.s, from, N - put);
			if (n < 0) {
				assert_int_equal(n, TLS_WANT_WRITE);
				blocked = true;
				break;
			}
			put += (size_t)n;
		}
		ssize_t n = tls_read(p.c, in + got, N - got);
		if (n > 0)
			got += (size_t)n;
		else
			assert_int_equal(n, TLS_WANT_READ);
	}
	assert_true(blocked);
	assert_memory_equal(in, out, N);
	assert_int_equal(tls_read(p.c, in, 1), TLS_WANT_READ);

	assert_int_equal(tls_shutdown(p.s), 1);
	assert_int_equal(tls_read(p.c, in, 1), TLS_EOF);
	assert_int_equal(tls_write(p.c, "bye", 3), 3); /* the other direction is still open */
	assert_int_equal(tls_read(p.s, in, 9), 3);
	assert_int_equal(tls_shutdown(p.c), 1);
	assert_int_equal(tls_read(p.s, in, 9), TLS_EOF);
	pair_close(&p);
	free(out);
	free(copy);
	free(in);
}

static void a_cut_connection_is_not_an_end(void **state)
{
	struct err e;
	char b[8];
	struct pair p = pair_open(server, client, NULL, "a.example");
	assert_true(shake(&p));
	assert_int_equal(tls_write(p.s, "half", 4), 4);
	shutdown(p.fd[1], SHUT_WR);
	assert_int_equal(tls_read(p.c, b, sizeof b), 4);
	assert_int_equal(tls_read(p.c, b, sizeof b), TLS_FAIL);
	tls_describe(p.c, &e);
	assert_non_null(strstr(e.text, "without close_notify"));
	assert_int_equal(tls_read(p.c, b, sizeof b), TLS_FAIL); /* and so does all that follows */
	assert_int_equal(tls_write(p.c, "x", 1), TLS_FAIL);
	assert_int_equal(tls_handshake(p.c), TLS_FAIL);
	assert_int_equal(tls_shutdown(p.c), TLS_FAIL);
	tls_describe(p.c, &e);
	assert_non_null(strstr(e.text, "without close_notify"));
	pair_close(&p);

	/* Cut in the handshake, and a write into a closed socket. */
	p = pair_open(server, client, NULL, "a.example");
	assert_int_equal(tls_handshake(p.c), TLS_WANT_READ);
	shutdown(p.fd[1], SHUT_WR);
	assert_int_equal(tls_handshake(p.c), TLS_FAIL);
	assert_int_equal(tls_shutdown(p.s), TLS_FAIL);
	pair_close(&p);
	p = pair_open(server, client, NULL, "a.example");
	assert_true(shake(&p));
	shutdown(p.fd[0], SHUT_RDWR);
	assert_int_equal(tls_write(p.s, "x", 1), TLS_FAIL);
	tls_describe(p.s, &e);
	assert_non_null(strstr(e.text, "Broken pipe"));
	pair_close(&p);
}

static void refuses_what_is_not_ours(void **state)
{
	struct err e;
	struct pair p = pair_open(server, NULL, NULL, NULL);
	assert_int_equal(write(p.fd[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(tls_handshake(p.s), TLS_FAIL);
	tls_describe(p.s, &e);
	assert_non_null(strstr(e.text, "http request"));
	pair_close(&p);

	/* An old version, old ciphers, a foreign protocol. */
	for (int i = 0; i < 3; i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		if (i == 0)
			SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
		if (i == 1) {
			SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
			SSL_CTX_set_cipher_list(ctx, "AES128-SHA:ECDHE-ECDSA-AES128-SHA");
		}
		if (i == 2)
			SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x04spdy", 5);
		p = pair_open(server, NULL, NULL, NULL);
		SSL *ssl = SSL_new(ctx);
		SSL_set_fd(ssl, p.fd[0]);
		SSL_connect(ssl);
		assert_int_equal(tls_handshake(p.s), TLS_FAIL);
		SSL_free(ssl);
		SSL_CTX_free(ctx);
		ERR_clear_error();
		pair_close(&p);
	}
}

static void prefers_http2_if_the_client_can(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08http/1.1\x02h2", 12);
	struct pair p = pair_open(server, NULL, NULL, NULL);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, p.fd[0]);
	for (int i = 0; i < 10; i++) {
		SSL_connect(ssl);
		if (tls_handshake(p.s) == 1)
			break;
	}
	assert_true(str_eq(tls_alpn(p.s), STR("h2")));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	pair_close(&p);
}

/* One handshake, a byte from the server (its ticket comes before it), and a clean end. */
static bool visit(struct tls_client *c, struct tls_sessions *sessions, const char *host)
{
	char b;
	struct pair p = pair_open(server, c, sessions, host);
	assert_true(shake(&p));
	assert_int_equal(tls_write(p.s, "x", 1), 1);
	assert_int_equal(tls_read(p.c, &b, 1), 1);
	bool resumed = tls_resumed(p.c);
	assert_int_equal(resumed, tls_resumed(p.s));
	pair_close(&p); /* without close_notify: must not spoil the session */
	return resumed;
}

static void resumes_sessions_per_origin(void **state)
{
	struct tls_sessions *sessions = tls_sessions_new(2);
	assert_false(visit(client, sessions, "a.example"));
	assert_true(visit(client, sessions, "a.example"));
	assert_true(visit(client, sessions, "a.example"));
	assert_false(visit(other_client, sessions, "a.example"));
	assert_false(visit(client, NULL, "a.example"));
	assert_false(visit(client, sessions, "b.example")); /* the third key: the oldest goes */
	assert_true(visit(client, sessions, "b.example"));
	assert_true(visit(other_client, sessions, "a.example"));
	assert_false(visit(client, sessions, "a.example"));
	tls_sessions_free(sessions);
}

static void reload_swaps_or_keeps(void **state)
{
	static const struct { const char *cert, *key, *want; } bad[] = {
		{ "missing.pem", "a.key", "missing.pem: No such file" },
		{ "a.pem", "missing.key", "missing.key: No such file" },
		{ "a.key", "a.key", "no start line" },
		{ "a.pem", "a.pem", "a.pem for certificate" },
		{ "a.pem", "b.key", "values mismatch" },
		{ "junk.pem", "a.key", "junk.pem" },
		{ "locked.pem", "locked.key", "locked.key" },
	};
	struct err e;
	FILE *f = fopen(path("junk.pem").p, "we");
	fprintf(f, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	fclose(f);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	f = fopen(path("locked.key").p, "we");
	PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), "pw", 2, NULL, NULL);
	fclose(f);
	EVP_PKEY_free(key);
	if (link(path("a.pem").p, path("locked.pem").p) != 0)
		fail();

	struct tls_server *s = serve("a", &e);
	assert_non_null(s);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct tls_cert c = { path(bad[i].cert), path(bad[i].key) };
		e.text[0] = '\0';
		assert_false(tls_server_reload(s, &(struct tls_server_options){ &c, 1, alpn, 2 }, &e));
		if (!strstr(e.text, bad[i].want) || e.code != ERR_CONFIG)
			fail_msg("%s + %s: %s", bad[i].cert, bad[i].key, e.text);
	}
	struct pair old = pair_open(s, client, NULL, "a.example");

	struct tls_cert c = { path("b.pem"), path("b.key") };
	assert_true(tls_server_reload(s, &(struct tls_server_options){ &c, 1, alpn, 2 }, &e));
	struct pair fresh = pair_open(s, client, NULL, "b.example");
	tls_server_free(s);
	assert_true(shake(&old)); /* began before the reload */
	assert_true(shake(&fresh));
	pair_close(&old);
	pair_close(&fresh);

	assert_null(tls_client_new(&(struct tls_client_options){ path("missing.pem") }, &e));
	assert_non_null(strstr(e.text, "missing.pem"));
}

static void idle_connections_hold_little(void **state)
{
	enum { N = 200 };
	static struct pair pairs[N];
	char b[4096] = { 0 };
	struct mallinfo2 before = mallinfo2();
	for (int i = 0; i < N; i++) {
		pairs[i] = pair_open(server, client, NULL, "a.example");
		assert_true(shake(&pairs[i]));
		assert_int_equal(tls_write(pairs[i].c, b, sizeof b), sizeof b);
		assert_int_equal(tls_read(pairs[i].s, b, sizeof b), sizeof b);
		assert_int_equal(tls_read(pairs[i].s, b, sizeof b), TLS_WANT_READ);
		assert_int_equal(tls_write(pairs[i].s, b, sizeof b), sizeof b);
		while (tls_read(pairs[i].c, b, sizeof b) > 0)
			continue;
	}
	size_t both = mallinfo2().uordblks - before.uordblks;
	for (int i = 0; i < N; i++) {
		tls_free(pairs[i].c);
		pairs[i].c = NULL;
	}
	size_t peers = both - (mallinfo2().uordblks - before.uordblks);
	print_message("idle: server side %zu bytes, client side %zu bytes\n", (both - peers) / N, peers / N);
	if (before.uordblks > 0) /* sanitizers count elsewhere */
		assert_true((both - peers) / N <=
		            (OPENSSL_VERSION_NUMBER < 0x30200000L ? 16384 : 32768)); /* 3.5: 28 KB */
	for (int i = 0; i < N; i++)
		pair_close(&pairs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_chain_and_name),
		cmocka_unit_test(chooses_the_certificate_by_name),
		cmocka_unit_test(carries_bytes_and_ends_cleanly),
		cmocka_unit_test(a_cut_connection_is_not_an_end),
		cmocka_unit_test(refuses_what_is_not_ours),
		cmocka_unit_test(prefers_http2_if_the_client_can),
		cmocka_unit_test(resumes_sessions_per_origin),
		cmocka_unit_test(reload_swaps_or_keeps),
		cmocka_unit_test(idle_connections_hold_little),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
