/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go: a file, standard output or standard error. Several loops write to one sink without a lock:
 * regular files append each write whole, pipes and terminals do so up to PIPE_BUF bytes (POSIX write(2)), so that those
 * get whole lines in pieces of that size.
 *
 * An inherited descriptor is not made non-blocking: the flag belongs to the open file and would hit our parent, and our
 * own messages on standard error. A pipe or terminal is opened anew through /proc instead; a socket (systemd's journal)
 * is told with each send.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "observe/observe_in.h"

enum sink_kind {
	SINK_FILE,
	SINK_PIPE,         /* opened by us, non-blocking: also terminals */
	SINK_SHARED_PIPE,  /* inherited and not to be opened anew: asked for room first */
	SINK_SOCKET,
};

struct sink {
	_Atomic unsigned refs;
	int fd;
	enum sink_kind kind;
};

/* The descriptor to use for an inherited one, and what kind it is. */
static int open_inherited(int fd, enum sink_kind *kind)
{
	char path[32];
	struct stat st;
	int ours;

	if (fstat(fd, &st) < 0)
		return -1;
	*kind = SINK_FILE;
	if (S_ISREG(st.st_mode))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	*kind = SINK_SOCKET;
	if (S_ISSOCK(st.st_mode))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	*kind = SINK_PIPE;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ours = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (ours >= 0)
		return ours;
	*kind = SINK_SHARED_PIPE;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* A path may name a FIFO: it is opened without waiting for its reader, and then treated as a pipe. */
static int open_path(struct str name, enum sink_kind *kind)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (name.n == 0 || name.n >= sizeof(path) || memchr(name.p, 0, name.n)) {
		errno = name.n ? ENAMETOOLONG : ENOENT;
		return -1;
	}
	memcpy(path, name.p, name.n);
	path[name.n] = 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
	if (fd >= 0)
		*kind = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? SINK_FILE : SINK_PIPE;
	return fd;
}

struct sink *sink_open(struct str name, struct err *e)
{
	enum sink_kind kind = SINK_FILE;
	struct sink *s;
	int fd;

	if (str_eq(name, STR("stdout")))
		fd = open_inherited(STDOUT_FILENO, &kind);
	else if (str_eq(name, STR("stderr")))
		fd = open_inherited(STDERR_FILENO, &kind);
	else
		fd = open_path(name, &kind);
	if (fd < 0) {
		err_set_sys(e, errno, "access log %.*s", STR_ARG(name));
		return NULL;
	}
	s = mem_zalloc(sizeof(*s));
	atomic_init(&s->refs, 1);
	s->fd = fd;
	s->kind = kind;
	return s;
}

struct sink *sink_ref(struct sink *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void sink_unref(struct sink *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	close(s->fd);
	free(s);
}

static ssize_t write_once(struct sink *s, struct str bytes)
{
	struct pollfd room = { .fd = s->fd, .events = POLLOUT };
	ssize_t n = -1;

	do {
		switch (s->kind) {
		case SINK_FILE:
		case SINK_PIPE:
			n = write(s->fd, bytes.p, bytes.n);
			break;
		case SINK_SHARED_PIPE:
			if (poll(&room, 1, 0) == 0)
				return 0;
			n = write(s->fd, bytes.p, bytes.n);
			break;
		case SINK_SOCKET:
			n = send(s->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		}
	} while (n < 0 && errno == EINTR);
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : n;
}

/* As many whole lines as fit into PIPE_BUF; a longer line alone. */
static struct str piece_of(struct str lines)
{
	struct str piece = str_slice(lines, 0, PIPE_BUF);
	const char *end;

	if (piece.n == lines.n)
		return lines;
	end = memrchr(piece.p, '\n', piece.n);
	if (!end)
		end = memchr(lines.p, '\n', lines.n);
	return str_slice(lines, 0, end ? (size_t)(end - lines.p) + 1 : lines.n);
}

ssize_t sink_write(struct sink *s, struct str lines)
{
	size_t taken = 0;

	while (taken < lines.n) {
		struct str rest = str_slice(lines, taken, lines.n);
		struct str piece = s->kind == SINK_FILE ? rest : piece_of(rest);
		ssize_t n = write_once(s, piece);

		if (n < 0)
			return taken ? (ssize_t)taken : -1;
		taken += (size_t)n;
		if ((size_t)n < piece.n)
			break;
	}
	return (ssize_t)taken;
}
