/* SPDX-License-Identifier: Apache-2.0 */
/* TLS connections: the part that both sides share. */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/tls_in.h"

#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

SSL_CTX *tls_ctx_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (!ctx)
		log_panic("OpenSSL cannot make a context: no memory");
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(ctx, CIPHERS_12) != 1)
		log_panic("this OpenSSL has no TLS 1.2 with " CIPHERS_12);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Without this, each record costs one read(2) for its five bytes of header and one for the rest. */
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

const char *tls_queue_text(char *out, size_t size)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	if (code && ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	snprintf(out, size, "%s", reason ? reason : "unknown reason");
	ERR_clear_error();
	return out;
}

struct tls *tls_new(SSL *ssl, int fd, struct str host)
{
	struct tls *t = mem_zalloc(sizeof *t + host.n + 1);
	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		log_panic("OpenSSL cannot make a connection: no memory");
	t->ssl = ssl;
	t->host_n = host.n;
	if (host.n)
		memcpy(t->host, host.p, host.n);
	SSL_set_app_data(ssl, t);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	/* Not a clean end unless tls_shutdown said so: keeps OpenSSL from spoiling the session for the next
	 * connection. */
	SSL_set_quiet_shutdown(t->ssl, 1);
	if (!t->failed)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	tls_certs_unref(t->certs);
	free(t);
}

/* False: it has failed before, and OpenSSL must not be asked again. The error queue belongs to the thread; what an
 * earlier call left behind would be taken for the next call's error. */
static bool ready(const struct tls *t)
{
	if (unlikely(ERR_peek_error() != 0))
		ERR_clear_error();
	errno = 0;
	return !t->failed;
}

static int fail(struct tls *t, unsigned long code, int sys)
{
	t->failed = true;
	t->failure = code;
	t->sys = sys;
	ERR_clear_error();
	return TLS_FAIL;
}

/* Turns OpenSSL's answer `ret` <= 0 into ours. */
static int outcome(struct tls *t, int ret)
{
	int sys = errno;
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	case SSL_ERROR_SYSCALL:
		return fail(t, 0, sys ? sys : ECONNRESET);
	default:
		return fail(t, ERR_peek_error(), 0);
	}
}

int tls_handshake(struct tls *t)
{
	if (!ready(t))
		return TLS_FAIL;
	int ret = SSL_do_handshake(t->ssl);
	if (ret == 1)
		return 1;
	ret = outcome(t, ret);
	return ret == TLS_EOF ? fail(t, 0, ECONNRESET) : ret; /* close_notify before the end of the handshake */
}

ssize_t tls_read(struct tls *t, void *p, size_t n)
{
	size_t got;
	if (!ready(t))
		return TLS_FAIL;
	int ret = SSL_read_ex(t->ssl, p, n, &got);
	return ret == 1 ? (ssize_t)got : outcome(t, ret);
}

ssize_t tls_write(struct tls *t, const void *p, size_t n)
{
	size_t put;
	assert(n > 0);
	if (!ready(t))
		return TLS_FAIL;
	int ret = SSL_write_ex(t->ssl, p, n, &put);
	if (ret == 1)
		return (ssize_t)put;
	ret = outcome(t, ret);
	return ret == TLS_EOF ? fail(t, 0, EPIPE) : ret;
}

int tls_shutdown(struct tls *t)
{
	if (!ready(t))
		return TLS_FAIL;
	if (!SSL_is_init_finished(t->ssl))
		return fail(t, 0, ENOTCONN);
	int ret = SSL_shutdown(t->ssl);
	if (ret >= 0) /* 0: ours is sent, the peer's has not come */
		return 1;
	ret = outcome(t, ret);
	/* The close_notify has left; what is wanted for reading is the peer's. */
	if (ret == TLS_WANT_READ || ret == TLS_EOF)
		return 1;
	return ret;
}

/* In words; a static text, or OpenSSL's. */
static const char *reason_of(const struct tls *t)
{
	long verify = SSL_get_verify_result(t->ssl);
	const char *text = NULL;

	if (!t->failure)
		text = t->sys ? strerrordesc_np(t->sys) : NULL;
	else if (ERR_SYSTEM_ERROR(t->failure))
		text = strerrordesc_np(ERR_GET_REASON(t->failure));
	else if (ERR_GET_REASON(t->failure) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		text = "the connection ended without close_notify";
	else if (ERR_GET_REASON(t->failure) == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK)
		text = X509_verify_cert_error_string(verify);
	else
		text = ERR_reason_error_string(t->failure);
	return text ? text : "unknown reason";
}

bool tls_describe(const struct tls *t, struct err *e)
{
	assert(t->failed);
	if (t->host_n)
		return err_set(e, ERR_UPSTREAM, "TLS with %s: %s", t->host, reason_of(t));
	return err_set(e, ERR_CLIENT_GONE, "TLS: %s", reason_of(t));
}

struct str tls_alpn(const struct tls *t)
{
	const unsigned char *p;
	unsigned n;
	SSL_get0_alpn_selected(t->ssl, &p, &n);
	return str_of((const char *)p, n);
}

struct str tls_version(const struct tls *t)
{
	return str_from_z(SSL_get_version(t->ssl));
}

bool tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}
