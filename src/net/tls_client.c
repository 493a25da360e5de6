/* SPDX-License-Identifier: Apache-2.0 */
/* TLS towards providers: verification, and sessions to resume. */
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/tls_in.h"

struct tls_client {
	SSL_CTX *ctx;
	/* sessions of one client say nothing to another: what was verified then depends on its CA file */
	uint32_t number;
};

struct session {
	struct session *newer, *older;
	SSL_SESSION *ssl;
	size_t key_n;
	char key[];
};

struct tls_sessions {
	struct map by_key;
	struct session *newest, *oldest;
	unsigned max;
};

#define KEY_MAX_BYTES 300u

static size_t session_key(char out[KEY_MAX_BYTES], uint32_t client, struct str host, uint16_t port)
{
	int n = snprintf(out, KEY_MAX_BYTES, "%u %u %.*s", client, port, STR_ARG(host));
	assert(n > 0);
	return (size_t)n < KEY_MAX_BYTES ? (size_t)n : 0; /* 0: no name in the DNS is that long; do without */
}

static void session_unlink(struct tls_sessions *all, struct session *s)
{
	*(s->newer ? &s->newer->older : &all->newest) = s->older;
	*(s->older ? &s->older->newer : &all->oldest) = s->newer;
	s->newer = s->older = NULL;
}

static void session_push(struct tls_sessions *all, struct session *s)
{
	s->older = all->newest;
	*(all->newest ? &all->newest->newer : &all->oldest) = s;
	all->newest = s;
}

static void session_drop(struct tls_sessions *all, struct session *s)
{
	session_unlink(all, s);
	map_take(&all->by_key, str_of(s->key, s->key_n));
	SSL_SESSION_free(s->ssl);
	free(s);
}

struct tls_sessions *tls_sessions_new(unsigned max)
{
	assert(max > 0);
	struct tls_sessions *all = mem_zalloc(sizeof *all);
	all->max = max;
	return all;
}

void tls_sessions_free(struct tls_sessions *all)
{
	if (!all)
		return;
	while (all->newest)
		session_drop(all, all->newest);
	map_fini(&all->by_key);
	free(all);
}

/* OpenSSL has a new session: at the end of a TLS 1.2 handshake, or when a TLS 1.3 ticket comes. 1: we keep the
 * reference. */
static int on_session(SSL *ssl, SSL_SESSION *fresh)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_sessions *all = t->sessions;
	char key[KEY_MAX_BYTES];
	if (!all || !SSL_SESSION_is_resumable(fresh))
		return 0;
	size_t n = session_key(key, t->client, str_of(t->host, t->host_n), t->port);
	if (n == 0)
		return 0;

	struct session *s = map_get(&all->by_key, str_of(key, n));
	if (s) {
		SSL_SESSION_free(s->ssl);
		session_unlink(all, s);
	} else {
		if (all->by_key.n >= all->max)
			session_drop(all, all->oldest);
		s = mem_zalloc(sizeof *s + n);
		s->key_n = n;
		memcpy(s->key, key, n);
		map_put(&all->by_key, str_of(s->key, n), s);
	}
	s->ssl = fresh;
	session_push(all, s);
	return 1;
}

static void session_offer(struct tls *t)
{
	char key[KEY_MAX_BYTES];
	size_t n = session_key(key, t->client, str_of(t->host, t->host_n), t->port);
	struct session *s = n ? map_get(&t->sessions->by_key, str_of(key, n)) : NULL;
	if (!s)
		return;
	SSL_set_session(t->ssl, s->ssl);
	session_unlink(t->sessions, s);
	session_push(t->sessions, s);
}

struct tls_client *tls_client_new(const struct tls_client_options *o, struct err *e)
{
	static atomic_uint numbers;
	static const unsigned char alpn[] = "\x08http/1.1";
	char path[4096], why[160];
	SSL_CTX *ctx = tls_ctx_new(TLS_client_method());

	ERR_clear_error();
	bool ok = o->ca_file.n < sizeof path;
	if (ok && o->ca_file.n) {
		memcpy(path, o->ca_file.p, o->ca_file.n);
		path[o->ca_file.n] = '\0';
		ok = SSL_CTX_load_verify_file(ctx, path) == 1;
	} else if (ok) {
		ok = SSL_CTX_set_default_verify_paths(ctx) == 1;
	}
	if (!ok) {
		err_set(e, ERR_CONFIG, "CA file %.*s: %s", STR_ARG(o->ca_file), tls_queue_text(why, sizeof why));
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);

	struct tls_client *c = mem_zalloc(sizeof *c);
	c->ctx = ctx;
	c->number = atomic_fetch_add(&numbers, 1) + 1;
	return c;
}

void tls_client_free(struct tls_client *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

/* Whom the certificate must name. A literal address is looked for among the IP addresses of the certificate and is
 * never sent as a server name (RFC 6066 section 3). */
static void expect(SSL *ssl, const char *host, struct str text)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct addr literal;
	bool ok;

	X509_VERIFY_PARAM_set_hostflags(param,
	                                X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (addr_from_literal(&literal, text, 0))
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	else
		ok = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
	if (!ok) {
		/* Not a name that a certificate could be for: let no certificate pass rather than any. */
		X509_VERIFY_PARAM_set1_host(param, "invalid", 0);
		ERR_clear_error();
	}
}

struct tls *tls_connect(struct tls_client *c, struct tls_sessions *sessions, int fd, struct str host, uint16_t port)
{
	if (host.n > 0 && host.p[host.n - 1] == '.') /* the root's dot is no part of names in certificates and SNI */
		host.n--;
	assert(host.n > 0 && !memchr(host.p, 0, host.n));

	struct tls *t = tls_new(SSL_new(c->ctx), fd, host);
	t->sessions = sessions;
	t->client = c->number;
	t->port = port;
	expect(t->ssl, t->host, str_of(t->host, t->host_n));
	SSL_set_connect_state(t->ssl);
	if (sessions)
		session_offer(t);
	return t;
}
