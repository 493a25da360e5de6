/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: a socket address (IPv4, IPv6 or Unix) as a value: reading, writing, comparing, and the question of the SSRF
 * guard: is this a public unicast address? Pure functions, any thread; no name is resolved here (net/dns does that).
 */
#ifndef SLUICE_NET_ADDR_H
#define SLUICE_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

/* u.sa.sa_family tells which member counts; AF_UNSPEC (zero-initialised) is "no address". */
struct addr {
	socklen_t len; /* as connect(2) and bind(2) want it */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

static inline int addr_family(const struct addr *a) { return a->u.sa.sa_family; }

/* Reads "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1), "*:8080" (every IPv4 and IPv6 address: [::]) or
 * "unix:/path". IPv4 only as four decimal numbers, IPv6 only in brackets and without zone. `out` is written on success
 * only; the error's code is ERR_CONFIG. */
MUST_USE bool addr_parse(struct addr *out, struct str text, struct err *);

/* An address literal without port: "127.0.0.1", "::1" or "[::1]". False: it is not one (so it may be a name). */
MUST_USE bool addr_from_literal(struct addr *out, struct str host, uint16_t port);

/* Cuts "host:port", "host" and "[v6]:port"; brackets are dropped; without a port it is `fallback`. False: no host, or
 * not a port (0 is none). `host` borrows from `text`. */
MUST_USE bool addr_split(struct str text, uint16_t fallback, struct str *host, uint16_t *port);

/* Takes what the kernel or the resolver gave. False: another family, or a length that does not fit it. */
MUST_USE bool addr_from_sockaddr(struct addr *out, const struct sockaddr *, socklen_t);

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path" or "-" for none; NUL-terminated. addr_host_text leaves the port and the
 * brackets away. The number of bytes without the NUL is returned. */
#define ADDR_TEXT_MAX 128
size_t addr_text(const struct addr *, char out[ADDR_TEXT_MAX]);
size_t addr_host_text(const struct addr *, char out[ADDR_TEXT_MAX]);

uint16_t addr_port(const struct addr *);            /* 0 for Unix */
void addr_set_port(struct addr *, uint16_t);        /* nothing for Unix */
bool addr_eq(const struct addr *, const struct addr *);

/* What kind of address this is, by the IANA special-purpose address registries (RFC 6890, RFC 8190 and the documents
 * they list). Only ADDR_PUBLIC may be reached when a request can influence where we connect to. In IPv6 everything
 * outside 2000::/3 is not public; addresses that carry an IPv4 address (NAT64 RFC 6052, 6to4 RFC 3056) are judged by
 * it, and those that name a host of ours in disguise (IPv4-mapped, IPv4-compatible, local NAT64 RFC 8215) never are.
 * */
enum addr_scope {
	ADDR_PUBLIC,
	ADDR_UNSPECIFIED,   /* 0.0.0.0/8, :: */
	ADDR_LOOPBACK,      /* 127/8, ::1 */
	ADDR_PRIVATE,       /* RFC 1918, fc00::/7 */
	ADDR_SHARED,        /* 100.64/10: carrier-grade NAT, RFC 6598 */
	ADDR_LINK_LOCAL,    /* 169.254/16 (cloud metadata lives there), fe80::/10 */
	ADDR_MULTICAST,
	ADDR_BROADCAST,
	ADDR_DOCUMENTATION,
	ADDR_BENCHMARK,     /* RFC 2544, RFC 5180 */
	ADDR_TRANSLATED,    /* an IPv4 address in IPv6 clothes */
	ADDR_RESERVED,      /* everything else that is not global unicast */
	ADDR_LOCAL_SOCKET,  /* Unix, or no address */
};
enum addr_scope addr_scope(const struct addr *);
const char *addr_scope_name(enum addr_scope);       /* "link-local"; for messages; static */
static inline bool addr_is_public(const struct addr *a) { return addr_scope(a) == ADDR_PUBLIC; }
static inline bool addr_is_loopback(const struct addr *a) { return addr_scope(a) == ADDR_LOOPBACK; }

#endif
