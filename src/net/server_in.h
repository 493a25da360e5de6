/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_in: what server.c and http2.c share: the connection as the server keeps it.
 */
#ifndef SLUICE_NET_SERVER_IN_H
#define SLUICE_NET_SERVER_IN_H

#include "base/slab.h"
#include "net/addr.h"
#include "net/conn.h"
#include "net/server.h"

/* A client's address in 20 bytes. */
struct server_peer {
	uint8_t ip[16];                  /* IPv4 in the first four */
	uint16_t port;
	uint8_t family;                  /* AF_INET, AF_INET6, AF_UNIX */
};

struct server_listener {
	struct watch watch;
	struct server *server;
	struct server_listener *next;
	struct listener_options options;
	struct task again;               /* go on accepting */
	bool waiting;                    /* for a place among the connections, or for descriptors */
};

/* The first member of each version's own connection object. */
struct server_conn {
	struct conn conn;
	struct server *server;
	struct server_conn *next, **link; /* all of the server's */
	struct timer deadline;
	struct server_peer peer;
	bool http2;
	bool http2_wanted;                /* the listener speaks it */
	bool must_http2;                  /* chosen by ALPN */
	void *version;                    /* http2's own state; before: the TLS that begins behind a PROXY header */
};

struct server {
	struct server_options options;
	struct server_listener *listeners;
	struct server_conn *conns;
	struct timer retry_accept;
	struct server_stats stats;
	struct slab slab;                 /* of connections */
	bool draining;
	uint64_t tell_again_ms;           /* that nothing can be accepted */
	uint64_t date_until_us;           /* by the loop's clock */
	char date[32];
};

void server_peer_set(struct server_peer *, const struct addr *);
void server_peer_get(const struct server_peer *, struct addr *);
/* Closes the connection and frees its object; what belongs to the version was freed before. */
void server_conn_free(struct server_conn *);

/* server_http1.c: starts reading from a new connection; false: it is closed already. */
MUST_USE bool http1_accept(struct server *, int fd, const struct server_peer *, const struct listener_options *);
extern const size_t http1_conn_bytes;
void http1_drain(struct server_conn *);
void http1_close(struct server_conn *);

/* http2.c: takes the connection over. `already` are bytes that were read from it, the client's preface first or a
 * beginning of it. From then on conn.changed and deadline are HTTP/2's; it ends with server_conn_free. */
void http2_start(struct server_conn *, struct str already);
/* Graceful end: GOAWAY, then streams under way are finished. */
void http2_drain(struct server_conn *);
/* At once; exchanges under way end with on_gone. */
void http2_close(struct server_conn *);

#endif
