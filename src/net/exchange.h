/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one request and its answer on a server connection, whichever version of HTTP carries it. The connection
 * owns it; the handler (the gateway, the admin API, the demo provider) drives it on the loop's thread.
 *
 *   server → handler   on_head, then on_body or on_body_failed if it asked for the body, on_drained, at last on_gone
 *   handler → server   exchange_read_body, exchange_start, exchange_write…, exchange_finish | exchange_abort
 *
 * Output is copied and leaves in the loop's flush phase. After exchange_finish or exchange_abort, and after on_gone,
 * the handler must not touch the exchange. No handler is ever called from inside one of these functions.
 */
#ifndef SLUICE_NET_EXCHANGE_H
#define SLUICE_NET_EXCHANGE_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"

struct exchange;
struct loop;
struct addr;

struct exchange_handler {
	/* A complete, well-formed head. It is borrowed until this returns. */
	void (*on_head)(struct exchange *, const struct http_head *);
	/* The whole body is in the buffer given to exchange_read_body. */
	void (*on_body)(struct exchange *);
	/* The body did not come whole (too large, malformed, too slow): answer with `err` (exchange_start …
	 * finish); the connection is closed behind the answer. */
	void (*on_body_failed)(struct exchange *, const struct err *);
	/* Queued output fell below the low mark after exchange_full had said true. */
	void (*on_drained)(struct exchange *);
	/* The client went away, reset the stream, or was too slow; nothing can be sent any more. */
	void (*on_gone)(struct exchange *, const struct err *why);
};

struct exchange_ops;

struct exchange {
	const struct exchange_ops *ops;
	void *user;                  /* the handler's */
	struct loop *loop;
};

/* What a version of HTTP provides; same contracts as the functions below. */
struct exchange_ops {
	void (*read_body)(struct exchange *, struct buf *into);
	void (*start)(struct exchange *, int status, const struct http_field *fields, unsigned n, int64_t length);
	void (*write)(struct exchange *, struct str);
	void (*finish)(struct exchange *);
	void (*abort)(struct exchange *);
	size_t (*pending)(const struct exchange *);
	bool (*full)(struct exchange *);
	void (*peer)(const struct exchange *, struct addr *);
};

/* Reads the body whole into `into`, whose ceiling is the limit: then on_body or on_body_failed (ERR_TOO_LARGE when the
 * ceiling is passed), never before this returns. `into` must live until then or until on_gone. Sends 100 Continue when
 * the client waits for it. Without this call, the body is read and thrown away within the server's bounds. */
static inline void exchange_read_body(struct exchange *x, struct buf *into) { x->ops->read_body(x, into); }

/* The head of the answer. `length` is the number of body bytes that will be written, or -1 when it is not known (the
 * framing is then chunked, or the version's own). Fields must not be framing or hop-by-hop fields. */
static inline void exchange_start(struct exchange *x, int status, const struct http_field *fields, unsigned n,
                                  int64_t length)
{
	x->ops->start(x, status, fields, n, length);
}

/* Body bytes; copied. Callers that may go on for long ask exchange_full() and wait for on_drained. */
static inline void exchange_write(struct exchange *x, struct str bytes) { x->ops->write(x, bytes); }
static inline void exchange_finish(struct exchange *x) { x->ops->finish(x); }

/* Ends without an end: the client can tell that the answer is not whole. */
static inline void exchange_abort(struct exchange *x) { x->ops->abort(x); }

/* Bytes queued and not yet taken by the kernel. */
static inline size_t exchange_pending(const struct exchange *x) { return x->ops->pending(x); }
/* True: the queue is above its mark, stop writing; on_drained will come. */
static inline bool exchange_full(struct exchange *x) { return x->ops->full(x); }
static inline void exchange_peer(const struct exchange *x, struct addr *out) { x->ops->peer(x, out); }

#endif
