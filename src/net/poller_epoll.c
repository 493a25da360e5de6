/* SPDX-License-Identifier: Apache-2.0 */
/* poller on Linux: epoll, edge-triggered. */
#include "net/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"
#include "net/loop.h"

bool poller_init(struct poller *p, struct err *e)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	return p->fd >= 0 || err_set_sys(e, errno, "epoll_create1");
}

void poller_fini(struct poller *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

bool poller_add(struct poller *p, struct watch *w, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = w };

	return epoll_ctl(p->fd, EPOLL_CTL_ADD, w->fd, &ev) == 0 || err_set_sys(e, errno, "epoll_ctl");
}

void poller_remove(struct poller *p, struct watch *w)
{
	struct epoll_event ev = { 0 };
	int rc = epoll_ctl(p->fd, EPOLL_CTL_DEL, w->fd, &ev);

	assert(rc == 0);
}

unsigned poller_wait(struct poller *p, struct poller_event out[POLLER_BATCH], int timeout_ms)
{
	struct epoll_event ev[POLLER_BATCH];
	int n = epoll_wait(p->fd, ev, POLLER_BATCH, timeout_ms);

	if (n < 0) {
		assert(errno == EINTR);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		uint32_t got = ev[i].events;
		unsigned what = 0;

		if (got & EPOLLIN)
			what |= LOOP_READ;
		if (got & EPOLLOUT)
			what |= LOOP_WRITE;
		if (got & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			what |= LOOP_HANGUP | LOOP_READ;
		if (got & (EPOLLHUP | EPOLLERR))
			what |= LOOP_BROKEN | LOOP_WRITE;
		out[i] = (struct poller_event){ ev[i].data.ptr, what };
	}
	return (unsigned)n;
}
