/* SPDX-License-Identifier: Apache-2.0 */
/* conn: reading, queueing and flushing. */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/block.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/sys.h"
#include "net/tls.h"

static void drop_out(struct conn *c)
{
	if (c->out_cap == BLOCK_BYTES)
		block_give(c->out);
	else
		free(c->out);
	c->out = NULL;
	c->out_at = c->out_n = c->out_cap = 0;
}

static void set_broken(struct conn *c)
{
	c->broken = true;
	c->can_write = false;
	c->stalled = false;
	drop_out(c);
}

/* > 0: taken; 0: not now; < 0: broken. */
static ssize_t send_some(struct conn *c, const char *p, size_t n)
{
	ssize_t sent;

	if (!c->can_write)
		return 0;
	if (c->tls) {
		sent = tls_write(c->tls, p, n);
		if (sent > 0)
			return sent;
		if (sent == TLS_WANT_WRITE)
			c->can_write = false;
		return sent == TLS_WANT_WRITE || sent == TLS_WANT_READ ? 0 : -1;
	}
	do
		sent = sys_send(c->watch.fd, p, n);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0) {
		c->can_write = (size_t)sent == n;
		return sent;
	}
	if (errno != EAGAIN)
		return -1;
	c->can_write = false;
	return 0;
}

static void shut_now(struct conn *c)
{
	c->shut_wanted = false;
	if (c->tls)
		(void)tls_shutdown(c->tls);
	shutdown(c->watch.fd, SHUT_WR);
}

/* Sends what is queued. Afterwards the connection is broken, stalled, or has nothing queued. */
static void flush(struct conn *c)
{
	while (c->out_at < c->out_n) {
		ssize_t sent = send_some(c, c->out + c->out_at, c->out_n - c->out_at);

		if (sent < 0) {
			set_broken(c);
			return;
		}
		if (sent == 0) {
			c->stalled = true;
			return;
		}
		c->out_at += (uint32_t)sent;
	}
	if (c->out)
		drop_out(c);
	if (c->shut_wanted)
		shut_now(c);
}

/* Tells the owner that its queue is gone, not from within the flush phase: it may finish an answer, whose record is not
 * written yet. What was queued meanwhile still has its flush to come. */
static void tell_drained(struct conn *c)
{
	c->telling = false;
	if (conn_queued(c) > 0 && !c->stalled)
		loop_post_flush(c->loop, &c->flush);
	if (c->drained)
		c->changed(c);
}

static void run_flush(struct task *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, flush);

	if (c->broken)
		return;
	if (c->telling) {
		tell_drained(c);
		return;
	}
	flush(c);
	if (c->drain_owed && !c->stalled && !c->broken) {
		c->drained = c->telling = true;
		loop_post(c->loop, &c->flush);
	}
	c->drain_owed = false;
	if (c->broken)
		c->changed(c);
}

static void on_ready(struct watch *w, unsigned what)
{
	struct conn *c = CONTAINER_OF(w, struct conn, watch);

	c->hangup |= (what & LOOP_HANGUP) != 0;
	c->can_read |= (what & LOOP_READ) != 0;
	if (what & LOOP_WRITE && !c->broken)
		c->can_write = true;
	if (what & LOOP_BROKEN && !c->tls) /* TLS finds out by itself, and tells why */
		set_broken(c);
	/* TLS may have to read in order to write */
	if (c->stalled && (c->can_write || c->tls)) {
		c->stalled = false;
		if (conn_queued(c) > 0 || c->shut_wanted) {
			/* Not here: what was queued in this turn waits for the journal. */
			c->drain_owed = true;
			loop_post_flush(c->loop, &c->flush);
		} else {
			c->drained = true;
		}
	}
	if (c->drained || c->broken || c->can_read)
		c->changed(c);
}

bool conn_open(struct conn *c, struct loop *l, int fd, struct tls *tls, conn_changed *changed, struct err *e)
{
	*c = (struct conn){ .watch = { fd, on_ready }, .loop = l, .tls = tls, .changed = changed, .can_write = true,
		            .open = true };
	c->flush.run = run_flush;
	if (loop_add(l, &c->watch, e))
		return true;
	tls_free(tls);
	close(fd);
	c->open = false;
	return false;
}

void conn_close(struct conn *c)
{
	if (!c->open)
		return;
	c->open = false;
	loop_unpost(c->loop, &c->flush);
	loop_remove(c->loop, &c->watch);
	if (c->tls) {
		(void)tls_shutdown(c->tls);
		tls_free(c->tls);
		c->tls = NULL;
	}
	close(c->watch.fd);
	c->watch.fd = -1;
	drop_out(c);
}

static ssize_t read_tls(struct conn *c, void *p, size_t n)
{
	ssize_t got = tls_read(c->tls, p, n);

	if (got > 0 || got == TLS_EOF)
		return got;
	if (got == TLS_FAIL)
		return CONN_FAIL;
	c->can_read = false;
	if (got == TLS_WANT_WRITE)
		c->stalled = true;
	return CONN_AGAIN;
}

void conn_reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->open)
		(void)setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	conn_close(c);
}

ssize_t conn_read(struct conn *c, void *p, size_t n)
{
	ssize_t got;

	assert(c->open && n > 0);
	if (!c->can_read)
		return CONN_AGAIN;
	if (c->tls)
		return read_tls(c, p, n);
	do
		got = sys_recv(c->watch.fd, p, n);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		/* Less than asked for: nothing is left, and an edge will tell of more; except for an end, which was
		 * told. */
		if ((size_t)got < n && !c->hangup)
			c->can_read = false;
		return got;
	}
	if (got == 0) {
		c->hangup = true;
		return CONN_EOF;
	}
	if (errno != EAGAIN)
		return CONN_FAIL;
	c->can_read = false;
	return CONN_AGAIN;
}

bool conn_describe(const struct conn *c, struct err *e)
{
	return c->tls ? tls_describe(c->tls, e) : err_set(e, ERR_UPSTREAM, "the connection was reset");
}

static NOINLINE void grow_out(struct conn *c, size_t need)
{
	size_t cap = need < 2 * (size_t)c->out_cap ? 2 * (size_t)c->out_cap : need;
	char *out;

	if (c->out_cap != BLOCK_BYTES) {
		c->out = mem_realloc(c->out, cap);
	} else {
		out = mem_alloc(cap);
		memcpy(out, c->out, c->out_n);
		block_give(c->out);
		c->out = out;
	}
	c->out_cap = (uint32_t)cap;
}

char *conn_queue_open(struct conn *c, size_t n)
{
	assert(n < UINT32_MAX / 4 && c->out_n < UINT32_MAX / 4);
	if (c->out_at == c->out_n)
		c->out_at = c->out_n = 0;
	if (!c->out && n <= BLOCK_BYTES) {
		c->out = block_take(); /* most answers fit into one; what is larger is malloc's */
		c->out_cap = BLOCK_BYTES;
	} else if (unlikely(c->out_cap - c->out_n < n)) {
		grow_out(c, c->out_n + n);
	}
	return c->out + c->out_n;
}

void conn_queue_close(struct conn *c, size_t n)
{
	assert(n <= c->out_cap - c->out_n);
	if (c->broken || !c->open)
		return;
	c->out_n += (uint32_t)n;
	if (!c->stalled)
		loop_post_flush(c->loop, &c->flush);
}

void conn_queue(struct conn *c, struct str s)
{
	if (s.n == 0)
		return;
	memcpy(conn_queue_open(c, s.n), s.p, s.n);
	conn_queue_close(c, s.n);
}

void conn_shut(struct conn *c)
{
	c->shut_wanted = true;
	if (!c->stalled && !c->broken)
		loop_post_flush(c->loop, &c->flush);
}

static ssize_t send_pieces_tls(struct conn *c, const struct str *pieces, unsigned n, size_t skip)
{
	ssize_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t at = skip < pieces[i].n ? skip : pieces[i].n;

		for (skip -= at; at < pieces[i].n;) {
			ssize_t sent = send_some(c, pieces[i].p + at, pieces[i].n - at);

			if (sent < 0)
				return CONN_FAIL;
			if (sent == 0) {
				c->stalled = true;
				return total;
			}
			at += (size_t)sent;
			total += sent;
		}
	}
	return total;
}

ssize_t conn_send_pieces(struct conn *c, const struct str *pieces, unsigned n, size_t skip)
{
	struct iovec v[CONN_PIECES];
	struct msghdr msg = { .msg_iov = v };
	size_t want = 0;
	ssize_t sent;

	assert(c->open && n <= CONN_PIECES && conn_queued(c) == 0);
	if (c->broken)
		return CONN_FAIL;
	if (c->tls)
		return send_pieces_tls(c, pieces, n, skip);
	for (unsigned i = 0; i < n; i++) {
		struct str p = pieces[i];

		if (unlikely(skip >= p.n)) {
			skip -= p.n; /* an empty piece, too */
			continue;
		}
		v[msg.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)(p.p + skip), p.n - skip };
		want += p.n - skip;
		skip = 0;
	}
	do
		sent = sys_sendmsg(c->watch.fd, &msg);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		return CONN_FAIL;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < want) {
		c->can_write = false;
		c->stalled = true;
	}
	return sent;
}
