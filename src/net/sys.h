/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys: the calls that every request makes, as libc has them but not as points of cancellation: in a process with
 * threads those spend some fifty instructions a call, for a pthread_cancel that never comes here. Sanitizers watch
 * libc's names, so with them it is these that are called.
 */
#ifndef SLUICE_NET_SYS_H
#define SLUICE_NET_SYS_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/attr.h"

#if defined(__linux__) && !SANITIZED
#include <sys/syscall.h>
#include <unistd.h>

static inline ssize_t sys_recv(int fd, void *p, size_t n)
{
	return syscall(SYS_recvfrom, fd, p, n, 0, NULL, NULL);
}

static inline ssize_t sys_send(int fd, const void *p, size_t n)
{
	return syscall(SYS_sendto, fd, p, n, MSG_NOSIGNAL, NULL, 0);
}

static inline ssize_t sys_sendmsg(int fd, const struct msghdr *m)
{
	return syscall(SYS_sendmsg, fd, m, MSG_NOSIGNAL);
}

#else

static inline ssize_t sys_recv(int fd, void *p, size_t n) { return recv(fd, p, n, 0); }
static inline ssize_t sys_send(int fd, const void *p, size_t n) { return send(fd, p, n, MSG_NOSIGNAL); }
static inline ssize_t sys_sendmsg(int fd, const struct msghdr *m) { return sendmsg(fd, m, MSG_NOSIGNAL); }

#endif

#endif
