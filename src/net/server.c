/* SPDX-License-Identifier: Apache-2.0 */
/* server: listening sockets, accepting, and the end of it. */
#include "net/server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server_in.h"
#include "net/tls.h"

/* Connections taken in one go, so that a flood of them does not starve those that are served. */
#define ACCEPT_BATCH 64
#define ACCEPT_RETRY_MS 100
#define TELL_EVERY_MS 10000

void server_peer_set(struct server_peer *p, const struct addr *a)
{
	*p = (struct server_peer){ .family = (uint8_t)addr_family(a), .port = addr_port(a) };
	if (p->family == AF_INET)
		memcpy(p->ip, &a->u.in.sin_addr, 4);
	else if (p->family == AF_INET6)
		memcpy(p->ip, &a->u.in6.sin6_addr, 16);
}

void server_peer_get(const struct server_peer *p, struct addr *a)
{
	*a = (struct addr){ 0 };
	a->u.sa.sa_family = p->family;
	if (p->family == AF_INET) {
		a->len = sizeof a->u.in;
		memcpy(&a->u.in.sin_addr, p->ip, 4);
		a->u.in.sin_port = htons(p->port);
	} else if (p->family == AF_INET6) {
		a->len = sizeof a->u.in6;
		memcpy(&a->u.in6.sin6_addr, p->ip, 16);
		a->u.in6.sin6_port = htons(p->port);
	}
}

/* ---- binding ---- */

/* The path of a Unix socket is taken over when nobody answers there. */
static bool clear_path(const struct addr *a, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(a->u.un.sun_path, &st) < 0)
		return errno == ENOENT || err_set_sys(e, errno, "listen unix:%s", a->u.un.sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "listen unix:%s: a file that is not a socket stands there",
		               a->u.un.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_sys(e, errno, "socket");
	rc = connect(fd, &a->u.sa, a->len);
	close(fd);
	if (rc == 0)
		return err_set(e, ERR_SYSTEM, "listen unix:%s: another program listens there", a->u.un.sun_path);
	return unlink(a->u.un.sun_path) == 0 || err_set_sys(e, errno, "listen unix:%s", a->u.un.sun_path);
}

int server_bind(struct addr *a, int backlog, struct err *e)
{
	char text[ADDR_TEXT_MAX];
	int one = 1, zero = 0;
	int fd = -1;

	addr_text(a, text);
	if (addr_family(a) == AF_UNIX && !clear_path(a, e))
		return -1;
	fd = socket(addr_family(a), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto failed;
	if (addr_family(a) != AF_UNIX && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	                                  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0))
		goto failed;
	/* inherited by accepted sockets */
	if (addr_family(a) != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (addr_family(a) == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, &a->u.sa, a->len) < 0 || listen(fd, backlog) < 0)
		goto failed;
	if (addr_family(a) != AF_UNIX && addr_port(a) == 0) {
		struct addr got = *a;

		if (getsockname(fd, &got.u.sa, &got.len) < 0)
			goto failed;
		addr_set_port(a, addr_port(&got));
	}
	return fd;
failed:
	err_set_sys(e, errno, "listen %s", text);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- accepting ---- */

static bool is_full(const struct server *s)
{
	return atomic_load_explicit(s->options.connections, memory_order_relaxed) >= s->options.connections_max;
}

static void wait_for_room(struct server_listener *ls)
{
	ls->waiting = true;
	if (!timer_running(&ls->server->retry_accept))
		timer_start(ls->server->options.loop, &ls->server->retry_accept, ACCEPT_RETRY_MS);
}

/* It may last for hours and is met ten times a second. */
static void tell_refusal(struct server *s, int error)
{
	uint64_t now = loop_now_ms(s->options.loop);

	if (now < s->tell_again_ms)
		return;
	s->tell_again_ms = now + TELL_EVERY_MS;
	log_warn("net", "cannot accept: %s", strerror(error));
}

static void accept_some(struct server_listener *ls)
{
	struct server *s = ls->server;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct addr a = { .len = sizeof a.u };
		struct server_peer peer;
		int fd;

		if (is_full(s)) {
			wait_for_room(ls);
			return;
		}
		fd = accept4(ls->watch.fd, &a.u.sa, &a.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				tell_refusal(s, errno);
				wait_for_room(ls);
				return;
			}
			continue; /* that connection is gone: accept(2) lists a dozen such errors */
		}
		server_peer_set(&peer, &a);
		if (http1_accept(s, fd, &peer, &ls->options))
			s->stats.accepted++;
	}
	loop_post(s->options.loop, &ls->again);
}

static void on_listener(struct watch *w, unsigned what)
{
	struct server_listener *ls = CONTAINER_OF(w, struct server_listener, watch);

	if (!ls->waiting)
		accept_some(ls);
}

static void run_again(struct task *t)
{
	accept_some(CONTAINER_OF(t, struct server_listener, again));
}

static void on_retry(struct timer *t)
{
	struct server *s = CONTAINER_OF(t, struct server, retry_accept);

	for (struct server_listener *ls = s->listeners; ls; ls = ls->next)
		if (ls->waiting) {
			ls->waiting = false;
			accept_some(ls);
		}
}

bool server_listen(struct server *s, const struct listener_options *o, struct err *e)
{
	struct server_listener *ls = mem_zalloc(sizeof *ls);

	ls->watch = (struct watch){ o->fd, on_listener };
	ls->again.run = run_again;
	ls->server = s;
	ls->options = *o;
	if (!loop_add(s->options.loop, &ls->watch, e)) {
		close(o->fd);
		free(ls);
		return false;
	}
	ls->next = s->listeners;
	s->listeners = ls;
	return true;
}

static void close_listeners(struct server *s)
{
	while (s->listeners) {
		struct server_listener *ls = s->listeners;

		s->listeners = ls->next;
		loop_unpost(s->options.loop, &ls->again);
		loop_remove(s->options.loop, &ls->watch);
		close(ls->watch.fd);
		free(ls);
	}
	timer_cancel(s->options.loop, &s->retry_accept);
}

/* ---- the server ---- */

struct server *server_new(const struct server_options *o)
{
	struct server *s = mem_zalloc(sizeof *s);

	s->options = *o;
	s->retry_accept.on_due = on_retry;
	slab_init(&s->slab, http1_conn_bytes);
	return s;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	close_listeners(s);
	while (s->conns) {
		struct server_conn *c = s->conns;

		if (c->http2)
			http2_close(c);
		else
			http1_close(c);
		assert(s->conns != c);
	}
	slab_fini(&s->slab);
	free(s);
}

void server_set_limits(struct server *s, const struct server_limits *limits, int64_t connections_max)
{
	s->options.limits = *limits;
	s->options.connections_max = connections_max;
}

void server_drain(struct server *s)
{
	struct server_conn *next;

	s->draining = true;
	/* who has connected already is served: closing the socket would reset what waits in its queue */
	for (struct server_listener *ls = s->listeners; ls; ls = ls->next)
		if (!ls->waiting)
			accept_some(ls);
	close_listeners(s);
	for (struct server_conn *c = s->conns; c; c = next) {
		next = c->next;
		if (c->http2)
			http2_drain(c);
		else
			http1_drain(c);
	}
}

void server_conn_free(struct server_conn *c)
{
	struct server *s = c->server;

	timer_cancel(s->options.loop, &c->deadline);
	conn_close(&c->conn);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->stats.open--;
	atomic_fetch_sub_explicit(s->options.connections, 1, memory_order_relaxed);
	slab_give(&s->slab, c);
}

void server_get_stats(const struct server *s, struct server_stats *out)
{
	*out = s->stats;
}

struct str server_date(struct server *s)
{
	uint64_t now_us = loop_now_us(s->options.loop), real_ms;

	if (now_us >= s->date_until_us) {
		real_ms = clock_real_ms();
		s->date_until_us = now_us + 1000 * (1000 - real_ms % 1000);
		clock_http_date(s->date, real_ms);
	}
	return str_of(s->date, CLOCK_HTTP_DATE_LEN);
}
