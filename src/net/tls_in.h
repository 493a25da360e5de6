/* SPDX-License-Identifier: Apache-2.0 */
/* tls_in: what tls.c, tls_server.c and tls_client.c share. Only they include it. */
#ifndef SLUICE_NET_TLS_IN_H
#define SLUICE_NET_TLS_IN_H

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls_certs;

struct tls {
	SSL *ssl;
	struct tls_certs *certs;        /* server: the generation of certificates it began with */
	struct tls_sessions *sessions;  /* client: where new sessions go; may be NULL */
	unsigned long failure;          /* OpenSSL's error code of the last failure; 0: none */
	int sys;                        /* errno, if that was it */
	bool failed;
	uint32_t client;                /* client: number of the tls_client, part of the sessions' key */
	uint16_t port;
	size_t host_n;
	char host[];                    /* client: NUL-terminated */
};

/* A context with what both sides share: versions, ciphers, modes. Never NULL. */
SSL_CTX *tls_ctx_new(const SSL_METHOD *);
/* `ssl` is taken over. */
struct tls *tls_new(SSL *ssl, int fd, struct str host);
/* Text of the oldest queued OpenSSL error, for messages; empties the queue. */
const char *tls_queue_text(char *out, size_t size);

void tls_certs_unref(struct tls_certs *);

#endif
