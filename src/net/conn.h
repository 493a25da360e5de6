/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: a connected byte stream (TCP or Unix, plain or TLS) on a loop, inside the object of its owner, who decides
 * about messages and deadlines. Reading is pulled by the owner, so that not reading is back-pressure. Output is queued
 * and leaves in the loop's flush phase, once a turn; what the kernel does not take stays queued. An idle connection
 * holds no buffer.
 */
#ifndef SLUICE_NET_CONN_H
#define SLUICE_NET_CONN_H

#include <sys/types.h>

#include "base/str.h"
#include "net/loop.h"

struct err;
struct conn;
struct tls;

/* Told once for each change, as the last thing the connection does, so that the owner may close and free it there. The
 * owner looks at the members: `can_read` (conn_read will tell more), `drained` (a queue, or pieces, that the kernel did
 * not take at once can go on; the owner clears it), `broken` (nothing can be sent any more). */
typedef void conn_changed(struct conn *);

struct conn {
	struct watch watch;
	struct loop *loop;
	struct tls *tls;
	conn_changed *changed;
	struct task flush;
	char *out;                   /* queued output: bytes [out_at, out_n) of out_cap */
	uint32_t out_at, out_n, out_cap;
	bool open;
	bool can_read, can_write;    /* the last call did not say EAGAIN */
	bool hangup;                 /* the peer sends no more; reading what is left ends in CONN_EOF or CONN_FAIL */
	bool broken;
	bool stalled;                /* the kernel did not take all: `drained` is owed */
	bool drained, drain_owed;    /* the queue is gone, and the owner is told; it will be when it is */
	bool telling;
	bool shut_wanted;            /* shut down our side when the queue is empty */
};

/* Takes over `fd` (non-blocking) and `tls` (may be NULL). False: it was not registered; both are closed. */
MUST_USE bool conn_open(struct conn *, struct loop *, int fd, struct tls *, conn_changed *, struct err *);
void conn_close(struct conn *);                /* at once; queued output is lost; no event afterwards; twice is fine */
void conn_reset(struct conn *);                /* as conn_close, with a TCP reset */
static inline bool conn_is_open(const struct conn *c) { return c->open; }

enum { CONN_EOF = 0, CONN_AGAIN = -1, CONN_FAIL = -2 };
/* Up to n bytes: > 0, or CONN_EOF (a clean end), CONN_AGAIN (a change will be told), CONN_FAIL (reset, TLS cut
 * short). */
MUST_USE ssize_t conn_read(struct conn *, void *, size_t n);

/* Why the last CONN_FAIL came, as far as TLS knows; else "connection reset". Returns false. */
bool conn_describe(const struct conn *, struct err *);

/* Queues a copy. The owner bounds the queue by looking at conn_queued. */
void conn_queue(struct conn *, struct str);
/* As conn_queue for at most n bytes that the caller writes to what is returned, at once, and then says how many
 * they are. */
char *conn_queue_open(struct conn *, size_t n);
void conn_queue_close(struct conn *, size_t n);
static inline size_t conn_queued(const struct conn *c) { return c->out_n - c->out_at; }
/* `drained` is told when all that is queued was taken, also if that is at once. */
static inline void conn_owe_drained(struct conn *c) { c->drain_owed = true; }

/* Shuts down our side of the connection when the queue is empty; TLS says close_notify. */
void conn_shut(struct conn *);

#define CONN_PIECES 16

/* Sends borrowed pieces at once, but for their first `skip` bytes, without copying and past the (empty) queue: returns
 * the bytes taken, which may be fewer (`stalled` tells, `drained` comes when there is room again), or CONN_FAIL. */
MUST_USE ssize_t conn_send_pieces(struct conn *, const struct str *pieces, unsigned n, size_t skip);

#endif
