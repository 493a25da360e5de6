/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: TLS 1.2 and 1.3 over a non-blocking socket, both sides, with OpenSSL.
 *
 * A struct tls belongs to one connection and its loop's thread; it borrows the descriptor, and whoever owns that
 * closes it after tls_free. tls_server and tls_client are shared by all loops. The process must ignore SIGPIPE.
 *
 *	n = tls_read(t, p, room);
 *	n > 0: bytes;  TLS_WANT_READ, TLS_WANT_WRITE: call again when the socket is ready for that;
 *	TLS_EOF: the peer said that it is done;  TLS_FAIL: anything else, a cut connection too: tls_describe tells.
 *
 * Renegotiation, compression, early data and everything below TLS 1.2 are off; TLS 1.2 only with ECDHE and AEAD
 * ciphers. Record buffers exist only while a record is under way. What an idle connection holds, measured with OpenSSL
 * 3.0 on amd64 (tests/unit/net/tls_test.c prints it): 14.5 KiB on the server's side; 35 KiB on the client's, of which
 * 16 KiB are the buffer that OpenSSL keeps once a TLS 1.3 ticket has come and the rest more is the provider's
 * certificate.
 */
#ifndef SLUICE_NET_TLS_H
#define SLUICE_NET_TLS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct tls;
struct tls_server;
struct tls_client;
struct tls_sessions;

enum { TLS_EOF = 0, TLS_WANT_READ = -1, TLS_WANT_WRITE = -2, TLS_FAIL = -3 };

#define TLS_CERTS_MAX 64u

/* A certificate with its chain and the key, PEM files. */
struct tls_cert {
	struct str cert_file, key_file;
};

/* The first certificate is the default; the others are chosen by the client's server name (SNI), first match wins. */
struct tls_server_options {
	const struct tls_cert *certs;
	unsigned n_certs;           /* 1 to TLS_CERTS_MAX */
	/* in order of our preference; a client that offers none of them is refused (RFC 7301) */
	const struct str *alpn;
	unsigned n_alpn;            /* 0: no ALPN */
};

/* NULL: a file cannot be read, is not what it should be, or key and certificate do not match (ERR_CONFIG names it). */
MUST_USE struct tls_server *tls_server_new(const struct tls_server_options *, struct err *);
/* Reads the files again and uses them for connections accepted from now on; any thread. False: the old ones stay. */
MUST_USE bool tls_server_reload(struct tls_server *, const struct tls_server_options *, struct err *);
void tls_server_free(struct tls_server *);          /* connections under way may outlive it */

/* Verification of chain and host name (or IP address, RFC 9110 section 4.3.5; subject CN is not looked at, RFC 9525) is
 * always on. An empty ca_file means the system's store. NULL: the file is no good (ERR_CONFIG). */
struct tls_client_options {
	struct str ca_file;
};
MUST_USE struct tls_client *tls_client_new(const struct tls_client_options *, struct err *);
void tls_client_free(struct tls_client *);          /* connections under way may outlive it */

/* One loop's cache of client sessions: one for each client and origin, at most `max`, the least recently used go first.
 * Outlives the connections made with it. */
struct tls_sessions *tls_sessions_new(unsigned max);
void tls_sessions_free(struct tls_sessions *);

struct tls *tls_accept(struct tls_server *, int fd);
/* `host` is what the certificate must be for: a name or an address literal without brackets. `sessions` may be NULL. */
struct tls *tls_connect(struct tls_client *, struct tls_sessions *, int fd, struct str host, uint16_t port);
void tls_free(struct tls *);                        /* says nothing to the peer */

/* All return > 0 or one of TLS_…. After TLS_FAIL all fail; tls_describe tells of the first. */
int tls_handshake(struct tls *);                    /* 1: done; reading and writing do it too if need be */
ssize_t tls_read(struct tls *, void *, size_t n);
/* may take less than n; may be repeated from another address */
ssize_t tls_write(struct tls *, const void *, size_t n);
int tls_shutdown(struct tls *);                     /* 1: close_notify is sent; the peer's is not waited for */

/* Why the last call failed: "certificate has expired", "Hostname mismatch", … Returns false. */
bool tls_describe(const struct tls *, struct err *);

struct str tls_alpn(const struct tls *);            /* chosen protocol; empty: none */
struct str tls_version(const struct tls *);         /* "TLSv1.3" */
bool tls_resumed(const struct tls *);

#endif
