/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: our side of HTTP/1.1 towards providers. One client per loop; it keeps idle connections per origin within the
 * ceilings of its options. A call is one request and its answer; it lives inside its owner's object.
 *
 * The request's pieces are borrowed until on_head or on_end: a reused connection that dies before any answer byte is
 * replaced once by a fresh one, and the pieces are sent again. An answer that breaks the rules (RFC 9112) ends the call
 * with ERR_UPSTREAM, and its connection is never used again. Redirects are answers like any other.
 */
#ifndef SLUICE_NET_CLIENT_H
#define SLUICE_NET_CLIENT_H

#include "base/err.h"
#include "net/http.h"
#include "net/loop.h"

struct buf;
struct client;
struct dns;
struct tls_client;
struct upstream; /* a connection */

/* Where requests go: scheme, host, port. Immutable, shared by all loops, found by its index in each client's pools. */
struct origin;

struct origin_options {
	struct str host;                 /* name, literal address, or path of a Unix socket */
	uint16_t port;                   /* 0: `host` is the path of a Unix socket */
	struct tls_client *tls;          /* NULL: plain; borrowed, must outlive the origin */
	bool public_only;                /* refuse to connect to addresses that are not public unicast */
};

/* The same options give the same origin, so that pools survive a reload. Never freed: their number is bounded by
 * configurations loaded; any thread. NULL: there are too many. */
struct origin *origin_get(const struct origin_options *);
/* One that is nobody else's: its connections are not kept, so it is for clients with idle_max 0. Freed by its owner
 * when
 * no call uses it; NULL is fine. */
struct origin *origin_once(const struct origin_options *);
void origin_free(struct origin *);
bool origin_is_tls(const struct origin *);
struct str origin_authority(const struct origin *);    /* for the Host field: "api.openai.com" or "127.0.0.1:9001" */

/* The TLS side of connections that trust the certificates in `ca_file` (empty: the system's). Made once for each
 * file and kept; any thread. NULL: the file is no good. */
MUST_USE struct tls_client *client_tls(struct str ca_file, struct err *);

struct client_options {
	struct loop *loop;
	struct dns *dns;
	const struct call_events *events; /* of all its calls */
	uint32_t idle_max;               /* idle connections per origin */
	uint32_t idle_ms, age_ms;        /* an idle connection is closed after; none is reused after */
	uint32_t head_max_bytes;         /* of an answer's head */
	uint32_t head_max_fields;
};

struct client_stats { uint64_t connects, reuses, retries, idle, active, failures; };

struct client *client_new(const struct client_options *);
void client_free(struct client *);                     /* no call may be under way */
void client_set_idle(struct client *, uint32_t idle_max, uint32_t idle_ms, uint32_t age_ms);
void client_get_stats(const struct client *, struct client_stats *);

/* 0: none. first_byte_ms: from the request sent to the answer's head, or to what `awaits` is taken back at; idle_ms:
 * between two reads behind that. */
struct call_deadlines { uint32_t connect_ms, first_byte_ms, idle_ms; };

struct call;
struct call_events {
	void (*on_head)(struct call *, const struct http_head *);  /* final answers only; 1xx are passed over */
	void (*on_data)(struct call *, struct str bytes);          /* body bytes without framing, borrowed */
	/* Last one; the call is free. NULL: the answer came whole; true then lets the connection serve again. */
	bool (*on_end)(struct call *, const struct err *failure);
};

/* Borrowed by the call until on_head or on_end. */
#define CALL_PIECES 12
struct call_request {
	struct str pieces[CALL_PIECES];  /* head with its empty line first, then the body */
	unsigned n;
	bool head_method;                /* HEAD: the answer has no body */
	const struct buf *spool;         /* the body is of this file (base/spool.h); NULL: of memory */
};

struct call {
	struct client *client;           /* NULL: not under way */
	struct upstream *up;             /* the connection in use */
	const struct call_request *request;
	struct call_deadlines deadlines;
	bool paused;
	bool reused;                     /* went out on a connection that had been used before */
	bool retried;                    /* that one was dead, and a fresh one was taken */
	bool connected;                  /* at on_end: whether there was a connection at all */
	bool got_head;
	/* Set in on_head by an owner for whom a head is no beginning (a stream may send that and then nothing, or
	 * only signs of life): first_byte_ms goes on until the owner takes it back, in on_data. */
	bool awaits;
};

/* Starts; events come later, never from inside. */
void call_start(struct call *, struct client *, struct origin *, const struct call_request *,
                const struct call_deadlines *);
/* The same on a connection of its own, for origin_once. */
void call_start_once(struct call *, struct client *, struct origin *, const struct call_request *,
                     const struct call_deadlines *);
void call_pause(struct call *); /* back-pressure: nothing more is read until call_resume; what was read still comes */
void call_resume(struct call *);
void call_cancel(struct call *); /* the connection is closed; no more events; allowed at any time after call_start */
static inline bool call_active(const struct call *c) { return c->client != NULL; }

#endif
