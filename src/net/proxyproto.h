/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxyproto: the header that a load balancer puts before a connection's first byte to tell who the client really is.
 * Version 1 (text) and 2 (binary) as in "The PROXY protocol", www.haproxy.org/download/2.8/doc/proxy-protocol.txt.
 * A pure function over the bytes received so far; any thread. Whoever switches it on must accept connections from its
 * balancers only: the header is believed.
 */
#ifndef SLUICE_NET_PROXYPROTO_H
#define SLUICE_NET_PROXYPROTO_H

#include "net/addr.h"

/* The most a header may take: version 1 is at most 107 bytes with its CRLF; version 2 declares its length, and more
 * than this (addresses and TLVs) is refused. A reader's buffer of this size is always enough. */
#define PROXYPROTO_MAX_BYTES 1024

enum proxyproto_state {
	PROXYPROTO_MORE, /* a good start, cut short */
	PROXYPROTO_DONE,
	PROXYPROTO_BAD,  /* not a PROXY header: close the connection, do not guess */
};

struct proxyproto {
	unsigned version;    /* 1 or 2 */
	size_t consumed;     /* bytes of the header; the client's own follow */
	/* the balancer speaks for itself (health check), or does not know: the socket's addresses count */
	bool local;
	struct addr source, dest; /* of the client's connection to the balancer; "no address" when local */
};

/* `out` is written on PROXYPROTO_DONE only. */
enum proxyproto_state proxyproto_parse(struct str bytes, struct proxyproto *out);

#endif
