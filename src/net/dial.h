/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: from a host name to a connected socket. Resolves, then tries the addresses as RFC 8305 (happy eyeballs) says:
 * the families in turn, the next address when the one before has failed or has not answered for 250 ms, the first to
 * connect wins.
 *
 * With `public_only` every address is judged by addr_is_public after resolving, and the very value that was judged is
 * connected to, so that a name cannot change its meaning in between.
 *
 * Sockets come out non-blocking, close-on-exec, with TCP_NODELAY and keep-alive probes, in no loop.
 */
#ifndef SLUICE_NET_DIAL_H
#define SLUICE_NET_DIAL_H

#include "net/addr.h"

struct dial;
struct dns;
struct loop;

struct dial_request {
	struct loop *loop;
	struct dns *dns;
	struct str host;          /* name, address literal, or path of a Unix socket; copied */
	uint16_t port;            /* 0: `host` is the path of a Unix socket */
	bool public_only;         /* refuses Unix sockets as well */
	uint32_t timeout_ms;      /* for all of it, the resolver included; 0: none */
	/* Once, never from inside dial_start; the dial is gone then. Success: fd >= 0 is the callee's, `to` is whom we
	 * reached. Else fd is -1 and `why` tells (ERR_UPSTREAM, ERR_UPSTREAM_TIMEOUT, ERR_POLICY): it names host and
	 * reason, no address. */
	void (*on_done)(void *arg, int fd, const struct addr *to, const struct err *why);
	void *arg;
};

struct dial *dial_start(const struct dial_request *);
void dial_cancel(struct dial *);  /* at once; on_done is not called. NULL is fine */

#endif
