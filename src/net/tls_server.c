/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of the listener: certificates, the choice between them, and their reload. */
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/tls_in.h"

#define ALPN_MAX_BYTES 64u
#define PATH_MAX_BYTES 4096u

/* One generation of certificates; a reload makes a new one. Connections hold the one they began with. */
struct tls_certs {
	atomic_uint refs;
	unsigned n, alpn_n;
	unsigned char alpn[ALPN_MAX_BYTES]; /* wire format: each name behind its length */
	SSL_CTX *ctxs[];
};

struct tls_server {
	pthread_mutex_t lock; /* of `certs`, once for each connection: a handshake costs a thousand times as much */
	struct tls_certs *certs;
};

void tls_certs_unref(struct tls_certs *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	for (unsigned i = 0; i < c->n; i++)
		SSL_CTX_free(c->ctxs[i]);
	free(c);
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n,
                   void *arg)
{
	const struct tls_certs *c = ((struct tls *)SSL_get_app_data(ssl))->certs;
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, out_n, c->alpn, c->alpn_n, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2 */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The default stays when no certificate is for the name: clients then say better than we could what does not fit. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_certs *c = ((struct tls *)SSL_get_app_data(ssl))->certs;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned i = 0; i < c->n; i++) {
		X509 *cert = SSL_CTX_get0_certificate(c->ctxs[i]);
		if (X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1) {
			SSL_set_SSL_CTX(ssl, c->ctxs[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* A key with a passphrase is an error, not a question on somebody's terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	return 0;
}

/* A path as a system call wants it, and whether it can be read at all: errno says that better than OpenSSL does. */
static bool readable(struct str path, char out[PATH_MAX_BYTES], const char *what, struct err *e)
{
	if (path.n == 0 || path.n >= PATH_MAX_BYTES || memchr(path.p, 0, path.n))
		return err_set(e, ERR_CONFIG, "%s: not a path", what);
	memcpy(out, path.p, path.n);
	out[path.n] = '\0';
	FILE *f = fopen(out, "re");
	if (!f)
		return err_set(e, ERR_CONFIG, "%s %s: %s", what, out, strerrordesc_np(errno));
	fclose(f);
	return true;
}

static bool load(SSL_CTX *ctx, const struct tls_cert *files, struct err *e)
{
	char cert[PATH_MAX_BYTES], key[PATH_MAX_BYTES], why[160];
	if (!readable(files->cert_file, cert, "certificate", e) || !readable(files->key_file, key, "key", e))
		return false;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return err_set(e, ERR_CONFIG, "certificate %s: %s", cert, tls_queue_text(why, sizeof why));
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return err_set(e, ERR_CONFIG, "key %s for certificate %s: %s", key, cert,
		               tls_queue_text(why, sizeof why));
	if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) <= 0)
		log_warn("net", "certificate %s has expired", cert);
	return true;
}

static SSL_CTX *server_ctx(const struct tls_certs *c, const struct tls_cert *files, struct err *e)
{
	SSL_CTX *ctx = tls_ctx_new(TLS_server_method());
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_options(ctx, SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* Sessions live in tickets, sealed with keys that this generation made and nobody else knows; nothing is kept
	 * here. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"sluice", 6);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	if (c->alpn_n > 0)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	if (load(ctx, files, e))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static struct tls_certs *certs_new(const struct tls_server_options *o, struct err *e)
{
	if (o->n_certs == 0 || o->n_certs > TLS_CERTS_MAX) {
		err_set(e, ERR_CONFIG, "a TLS listener has 1 to %u certificates, not %u", TLS_CERTS_MAX, o->n_certs);
		return NULL;
	}
	struct tls_certs *c = mem_zalloc(sizeof *c + o->n_certs * sizeof(SSL_CTX *));
	atomic_init(&c->refs, 1);
	for (unsigned i = 0; i < o->n_alpn; i++) {
		struct str name = o->alpn[i];
		assert(name.n > 0 && c->alpn_n + 1 + name.n <= ALPN_MAX_BYTES);
		c->alpn[c->alpn_n++] = (unsigned char)name.n;
		memcpy(c->alpn + c->alpn_n, name.p, name.n);
		c->alpn_n += (unsigned)name.n;
	}
	for (unsigned i = 0; i < o->n_certs; i++) {
		c->ctxs[i] = server_ctx(c, &o->certs[i], e);
		if (!c->ctxs[i]) {
			tls_certs_unref(c);
			return NULL;
		}
		c->n++;
	}
	return c;
}

struct tls_server *tls_server_new(const struct tls_server_options *o, struct err *e)
{
	struct tls_certs *c = certs_new(o, e);
	if (!c)
		return NULL;
	struct tls_server *s = mem_zalloc(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->certs = c;
	return s;
}

bool tls_server_reload(struct tls_server *s, const struct tls_server_options *o, struct err *e)
{
	struct tls_certs *fresh = certs_new(o, e);
	if (!fresh)
		return false;
	pthread_mutex_lock(&s->lock);
	struct tls_certs *old = s->certs;
	s->certs = fresh;
	pthread_mutex_unlock(&s->lock);
	tls_certs_unref(old);
	return true;
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	tls_certs_unref(s->certs);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct tls *tls_accept(struct tls_server *s, int fd)
{
	pthread_mutex_lock(&s->lock);
	struct tls_certs *c = s->certs;
	atomic_fetch_add(&c->refs, 1);
	pthread_mutex_unlock(&s->lock);

	struct tls *t = tls_new(SSL_new(c->ctxs[0]), fd, (struct str){ 0 });
	t->certs = c;
	SSL_set_accept_state(t->ssl);
	return t;
}
