/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: names to addresses, off the loop. The system's resolver (getaddrinfo) runs on net/pool; answers are cached.
 *
 * One struct dns per loop, used on that loop's thread only: a shared cache would need a lock and wake-ups between
 * loops on every dial, and what it would save is one question per loop, name and ttl, a handful an hour. getaddrinfo
 * does not tell the records' TTL, so `ttl_ms` stands for it.
 *
 *   age < ttl                 answered from the cache
 *   ttl ≤ age < 2·ttl         answered from the cache, and asked again behind the back
 *   older                     the asker waits for the new answer; if the resolver does not answer, the old addresses
 *                             are used until age ttl + stale (as RFC 8767); "no such name" ends them at once
 *
 * Identical questions in flight are asked once. Addresses of one family are handed out in turn; the family that the
 * resolver prefers (RFC 6724) comes first.
 */
#ifndef SLUICE_NET_DNS_H
#define SLUICE_NET_DNS_H

#include "net/addr.h"
#include "net/op.h"

struct dns;
struct pool;

#define DNS_ADDRS 8           /* more are not used */

struct dns_answer {
	struct addr addrs[DNS_ADDRS];
	unsigned n;
};

/* Blocks; on a pool thread. 0, or an EAI_ code of getaddrinfo(3), EAI_SYSTEM with errno. The ports do not matter. */
typedef int dns_resolve_fn(const char *host, struct dns_answer *out);

struct dns_options {
	struct loop *loop;
	struct pool *pool;
	uint32_t ttl_ms, negative_ttl_ms, stale_ms;
	uint32_t max_entries;
	dns_resolve_fn *resolve;  /* NULL: getaddrinfo */
};

struct dns *dns_new(const struct dns_options *);
/* no lookup may be waiting; questions in flight are left to end by themselves */
void dns_free(struct dns *);

/* Addresses of `host` (a name, or an address literal: answered at once) with `port`. OP_REFUSED: there is no such name
 * or it is not a name; OP_FAILED: the resolver did not answer. The op's cancel is immediate. */
MUST_USE enum op_state dns_lookup(struct dns *, struct str host, uint16_t port, struct dns_answer *out, struct op *,
                                  struct err *);

/* The addresses of this name did not work: ask again at the next lookup. */
void dns_doubt(struct dns *, struct str host);

struct dns_stats { uint64_t hits, questions, failures, stale; size_t entries; };
void dns_get_stats(const struct dns *, struct dns_stats *out);

#endif
