/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory, its lock, and small files that hold a secret. */
#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* The directory that holds `path` must be on disk too, or a power cut takes the name of a file whose contents are
 * safe. */
static bool sync_parent(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	int fd;
	bool ok;

	if (n >= sizeof(dir))
		return false;
	memcpy(dir, path, n);
	dir[n] = '\0';
	fd = open(slash ? (n ? dir : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

static bool make_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST || stat(path, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return true;
	errno = ENOTDIR;
	return false;
}

bool dir_make(const char *path, struct err *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return err_set(e, ERR_SYSTEM, "the data directory's path must have 1 to %d bytes, it has %zu",
		               PATH_MAX - 1, n);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i < n; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		if (!make_one(part))
			return err_set_sys(e, errno, "%s: cannot make the directory", part);
		part[i] = '/';
	}
	if (!make_one(part))
		return err_set_sys(e, errno, "%s: cannot make the directory", path);
	return true;
}

bool dir_join(char *out, size_t out_size, const char *dir, const char *name, struct err *e)
{
	int n = snprintf(out, out_size, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= out_size)
		return err_set(e, ERR_SYSTEM, "%s/%s: the path is longer than %zu bytes", dir, name, out_size - 1);
	return true;
}

int dir_lock(const char *path, struct err *e)
{
	char file[PATH_MAX];
	int fd, sys;

	if (!dir_join(file, sizeof(file), path, "lock", e))
		return -1;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)err_set_sys(e, errno, "%s: cannot open", file);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	sys = errno;
	close(fd);
	if (sys == EWOULDBLOCK)
		(void)err_set(e, ERR_SYSTEM, "%s: the data directory is in use by another running sluice", path);
	else
		(void)err_set_sys(e, sys, "%s: cannot lock", file);
	return -1;
}

static bool read_secret(int fd, const char *path, char *out, size_t max, size_t *n, struct err *e)
{
	struct stat st;
	size_t have = 0;

	if (fstat(fd, &st) != 0)
		return err_set_sys(e, errno, "%s: cannot read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "%s: is not a plain file", path);
	if ((st.st_mode & 077) && fchmod(fd, 0600) == 0)
		log_warn("store", "%s could be read by others; its mode is 0600 now", path);
	for (;;) {
		char more;
		ssize_t got = have < max ? read(fd, out + have, max - have) : read(fd, &more, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_sys(e, errno, "%s: cannot read", path);
		if (got == 0)
			break;
		if (have == max)
			return err_set(e, ERR_SYSTEM, "%s: is longer than %zu bytes", path, max);
		have += (size_t)got;
	}
	*n = have;
	return true;
}

enum dir_found dir_read_secret(const char *path, char *out, size_t max, size_t *n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	if (fd < 0 && errno == ENOENT)
		return DIR_ABSENT;
	if (fd < 0) {
		(void)err_set_sys(e, errno, "%s: cannot open", path);
		return DIR_FAILED;
	}
	ok = read_secret(fd, path, out, max, n, e);
	close(fd);
	return ok ? DIR_FOUND : DIR_FAILED;
}

/* link(2) does not replace: the whole file appears under its name, or somebody else's stays. */
bool dir_write_secret(const char *path, struct str contents, struct err *e)
{
	char temp[PATH_MAX];
	int fd, sys = 0;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return err_set(e, ERR_SYSTEM, "%s: the path is too long", path);
	fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return err_set_sys(e, errno, "%s: cannot make", path);
	if (!write_all(fd, contents.p, contents.n) || fsync(fd) != 0 || link(temp, path) != 0)
		sys = errno;
	close(fd);
	unlink(temp);
	if (sys == 0 && !sync_parent(path))
		sys = errno;
	return sys == 0 || err_set_sys(e, sys, "%s: cannot write", path);
}
