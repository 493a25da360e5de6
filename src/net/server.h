/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: the listening side of one loop: accepts connections, reads requests, and hands them to a handler as
 * exchanges. HTTP/1.1 here (server.c), HTTP/2 by http2.c on a connection that starts with its preface or chose it by
 * ALPN.
 *
 * Each loop has its own listening sockets (SO_REUSEPORT), so that the kernel spreads connections and no lock is shared.
 * A Unix socket is opened once and given to all loops.
 */
#ifndef SLUICE_NET_SERVER_H
#define SLUICE_NET_SERVER_H

#include <stdatomic.h>

#include "net/exchange.h"
#include "net/http1.h"
#include "net/loop.h"

struct addr;
struct server;
struct tls_server;

/* Ceilings and deadlines; may be changed while the server runs (server_set_limits). */
struct server_limits {
	struct http1_limits http1;
	uint32_t write_mark_bytes;       /* exchange_full above this; drained below half of it */
	uint32_t streams_max;            /* HTTP/2: concurrent streams of a connection */
	uint32_t header_timeout_ms;      /* connection made, or first byte of a request, to the end of its head */
	uint32_t body_timeout_ms; /* between two reads; and the whole body within this plus 1 s for each 1,000 bytes */
	uint32_t idle_timeout_ms;        /* between requests */
	uint32_t write_timeout_ms;       /* the client takes nothing of what is queued */
	uint32_t half_close_ms; /* a client that shut its side while it is answered: taken as gone after this */
};

struct server_options {
	struct loop *loop;
	const struct exchange_handler *handler;
	void *user;                      /* exchange->user at on_head */
	struct server_limits limits;
	_Atomic int64_t *connections;    /* open ones of the whole process, shared by all servers */
	int64_t connections_max;         /* above it, connections wait in the kernel's queue */
};

enum server_proxy { SERVER_PROXY_OFF, SERVER_PROXY_V1, SERVER_PROXY_V2, SERVER_PROXY_ANY };

struct listener_options {
	int fd;                          /* from server_bind; the server closes it */
	struct tls_server *tls;          /* NULL: plain; borrowed, outlives the server */
	enum server_proxy proxy;         /* a PROXY header must come first */
	bool http2;
};

/* Opens a listening socket, non-blocking. `addr` gets the port that the system chose for port 0. A Unix socket's
 * path is taken over if nobody listens on it any more. -1: err tells. Any thread. */
MUST_USE int server_bind(struct addr *addr, int backlog, struct err *);

struct server *server_new(const struct server_options *);
void server_free(struct server *); /* closes everything at once; exchanges under way end with on_gone. NULL is fine */
MUST_USE bool server_listen(struct server *, const struct listener_options *, struct err *);
void server_set_limits(struct server *, const struct server_limits *, int64_t connections_max);

/* Stops accepting, closes idle connections; answers under way are finished and then their connections closed. */
void server_drain(struct server *);

struct server_stats {
	uint64_t accepted, refused;      /* refused: messages that broke the rules */
	uint64_t open;                   /* connections */
	uint64_t exchanges;              /* under way */
};
void server_get_stats(const struct server *, struct server_stats *);     /* the loop's thread */

/* "Sun, 06 Nov 1994 08:49:37 GMT" of this second; valid during the current callback. */
struct str server_date(struct server *);

#endif
