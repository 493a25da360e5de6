/* SPDX-License-Identifier: Apache-2.0 */
/* From a host name to a connected socket: happy eyeballs. */
#include "net/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/dns.h"

#define ATTEMPT_DELAY_MS 250u /* RFC 8305 section 5 */
#define KEEPALIVE_IDLE_S 60   /* a dead provider is found out after 60 + 4 × 15 s */
#define KEEPALIVE_EVERY_S 15
#define KEEPALIVE_COUNT 4

struct attempt {
	struct watch watch;     /* fd -1: not under way */
	struct dial *dial;
};

struct dial {
	struct dial_request request;
	struct op op;
	struct task go_on;      /* resolve, and start what can be started */
	struct timer next_try, deadline;
	struct dns_answer to;   /* in the order of trying */
	unsigned tried;
	bool resolved;
	int sys;                /* errno of the last attempt that failed */
	struct attempt attempts[DNS_ADDRS];
	char host[];
};

static void dial_free(struct dial *d)
{
	struct loop *l = d->request.loop;
	for (unsigned i = 0; i < DNS_ADDRS; i++) {
		struct watch *w = &d->attempts[i].watch;
		if (w->fd < 0)
			continue;
		loop_remove(l, w);
		close(w->fd);
	}
	op_cancel(&d->op);
	loop_unpost(l, &d->go_on);
	timer_cancel(l, &d->next_try);
	timer_cancel(l, &d->deadline);
	free(d);
}

/* The dial is gone before the owner is told, who may start another or free everything around it. */
static void finish(struct dial *d, int fd, const struct addr *to, const struct err *why)
{
	struct dial_request r = d->request;
	struct addr reached = to ? *to : (struct addr){ 0 };
	dial_free(d);
	r.on_done(r.arg, fd, fd >= 0 ? &reached : NULL, why);
}

static void fail_sys(struct dial *d)
{
	struct err e;
	struct str host = d->request.host;
	if (d->request.port != 0 && d->request.dns)
		dns_doubt(d->request.dns, host);
	const char *reason = strerrordesc_np(d->sys);
	if (d->request.port == 0)
		err_set(&e, ERR_UPSTREAM, "cannot connect to unix:%.*s: %s", STR_ARG(host), reason);
	else
		err_set(&e, ERR_UPSTREAM, "cannot connect to %.*s:%u: %s", STR_ARG(host), d->request.port, reason);
	finish(d, -1, NULL, &e);
}

static void on_deadline(struct timer *t)
{
	struct dial *d = CONTAINER_OF(t, struct dial, deadline);
	struct err e;
	if (d->resolved && d->request.port != 0)
		dns_doubt(d->request.dns, d->request.host);
	err_set(&e, ERR_UPSTREAM_TIMEOUT, "%.*s: %s within %u ms", STR_ARG(d->request.host),
	        d->resolved ? "no connection" : "name not resolved", d->request.timeout_ms);
	finish(d, -1, NULL, &e);
}

static void on_next_try(struct timer *t)
{
	struct dial *d = CONTAINER_OF(t, struct dial, next_try);
	loop_post(d->request.loop, &d->go_on);
}

static void attempt_end(struct dial *d, struct attempt *a)
{
	loop_remove(d->request.loop, &a->watch);
	close(a->watch.fd);
	a->watch.fd = -1;
}

static void on_ready(struct watch *w, unsigned what)
{
	struct attempt *a = CONTAINER_OF(w, struct attempt, watch);
	struct dial *d = a->dial;
	int sys = 0;
	socklen_t n = sizeof sys;

	if (!(what & (LOOP_WRITE | LOOP_HANGUP)))
		return;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &sys, &n) != 0)
		sys = errno;
	if (sys == 0 && !(what & LOOP_WRITE))
		return;
	if (sys == 0) {
		int fd = w->fd;
		loop_remove(d->request.loop, w);
		w->fd = -1;
		finish(d, fd, &d->to.addrs[a - d->attempts], NULL);
		return;
	}
	d->sys = sys;
	attempt_end(d, a);
	loop_post(d->request.loop, &d->go_on); /* the next one, without waiting */
}

static void set_options(int fd, int family)
{
	static const struct { int level, name, value; } options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
	};
	if (family == AF_UNIX)
		return;
	for (size_t i = 0; i < COUNT_OF(options); i++)
		/* A connection without one of them still works. */
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

/* False: failed at once, with the reason in d->sys. A connection that is there at once is reported by the loop as
 * well. */
static bool attempt_start(struct dial *d, unsigned i)
{
	const struct addr *to = &d->to.addrs[i];
	struct attempt *a = &d->attempts[i];
	struct err e;
	int fd = socket(addr_family(to), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		d->sys = errno;
		return false;
	}
	set_options(fd, addr_family(to));
	if (connect(fd, &to->u.sa, to->len) != 0 && errno != EINPROGRESS) {
		d->sys = errno;
		close(fd);
		return false;
	}
	a->watch = (struct watch){ .fd = fd, .on_ready = on_ready };
	if (!loop_add(d->request.loop, &a->watch, &e)) {
		d->sys = ENOMEM;
		close(fd);
		a->watch.fd = -1;
		return false;
	}
	return true;
}

static bool any_under_way(const struct dial *d)
{
	for (unsigned i = 0; i < d->tried; i++)
		if (d->attempts[i].watch.fd >= 0)
			return true;
	return false;
}

/* Puts the families in turn, the first family first (RFC 8305 section 4), and leaves out what the guard refuses. */
static void order(struct dns_answer *a, bool public_only)
{
	struct dns_answer in = *a;
	bool taken[DNS_ADDRS] = { false };
	int last = AF_UNSPEC;
	unsigned left = 0;

	a->n = 0;
	for (unsigned i = 0; i < in.n; i++) {
		taken[i] = public_only && !addr_is_public(&in.addrs[i]);
		left += !taken[i];
	}
	for (; left > 0; left--) {
		unsigned pick = DNS_ADDRS;
		for (unsigned i = 0; i < in.n; i++) {
			if (taken[i])
				continue;
			if (pick == DNS_ADDRS)
				pick = i;
			if (addr_family(&in.addrs[i]) != last) {
				pick = i;
				break;
			}
		}
		assert(pick < in.n);
		taken[pick] = true;
		last = addr_family(&in.addrs[pick]);
		a->addrs[a->n++] = in.addrs[pick];
	}
}

/* False: there is nothing to try, the owner was told, and the dial is gone; or it waits for the resolver. */
static bool resolve(struct dial *d)
{
	struct err e;
	struct str host = d->request.host;

	if (d->request.port == 0) {
		struct addr *a = &d->to.addrs[0];
		*a = (struct addr){ .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + host.n + 1) };
		a->u.un.sun_family = AF_UNIX;
		if (host.n == 0 || host.n >= sizeof a->u.un.sun_path) {
			d->sys = ENAMETOOLONG;
			fail_sys(d);
			return false;
		}
		memcpy(a->u.un.sun_path, host.p, host.n);
		d->to.n = 1;
	} else {
		switch (dns_lookup(d->request.dns, host, d->request.port, &d->to, &d->op, &e)) {
		case OP_PENDING:
			return false;
		case OP_OK:
			break;
		case OP_REFUSED:
		case OP_FAILED:
			finish(d, -1, NULL, &e);
			return false;
		}
	}
	d->resolved = true;
	order(&d->to, d->request.public_only);
	if (d->to.n > 0)
		return true;
	err_set(&e, ERR_POLICY, "%.*s is not a public address", STR_ARG(host));
	finish(d, -1, NULL, &e);
	return false;
}

static void go_on(struct task *t)
{
	struct dial *d = CONTAINER_OF(t, struct dial, go_on);
	if (!d->resolved && !resolve(d))
		return;
	timer_cancel(d->request.loop, &d->next_try);
	while (d->tried < d->to.n) {
		if (attempt_start(d, d->tried++)) {
			if (d->tried < d->to.n)
				timer_start(d->request.loop, &d->next_try, ATTEMPT_DELAY_MS);
			return;
		}
	}
	if (!any_under_way(d))
		fail_sys(d);
}

struct dial *dial_start(const struct dial_request *r)
{
	assert(r->loop && r->on_done && (r->dns || r->port == 0));
	struct dial *d = mem_zalloc(sizeof *d + r->host.n + 1);
	d->request = *r;
	if (r->host.n)
		memcpy(d->host, r->host.p, r->host.n);
	d->request.host = str_of(d->host, r->host.n);
	for (unsigned i = 0; i < DNS_ADDRS; i++)
		d->attempts[i] = (struct attempt){ .watch.fd = -1, .dial = d };
	d->go_on.run = go_on;
	d->op = (struct op){ .loop = r->loop, .waiter = &d->go_on };
	d->next_try.on_due = on_next_try;
	d->deadline.on_due = on_deadline;
	if (r->timeout_ms > 0)
		timer_start(r->loop, &d->deadline, r->timeout_ms);
	loop_post(r->loop, &d->go_on);
	return d;
}

void dial_cancel(struct dial *d)
{
	if (d)
		dial_free(d);
}
