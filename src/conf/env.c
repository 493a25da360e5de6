/* SPDX-License-Identifier: Apache-2.0 */
/* The process's environment and files, for configurations. */

#include "conf/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

static bool process_variable(const struct conf_env *env, struct str name, struct str *value)
{
	char z[256];
	if (name.n >= sizeof(z))
		return false;
	memcpy(z, name.p, name.n);
	z[name.n] = '\0';
	const char *v = getenv(z);
	if (!v)
		return false;
	*value = str_from_z(v);
	return true;
}

static bool read_all(int fd, struct buf *out, struct err *err)
{
	for (;;) {
		size_t room = out->max - out->n < 65536 ? out->max - out->n : 65536;
		char *p = room ? buf_reserve(out, room) : NULL;
		char past;
		ssize_t n = p ? read(fd, p, room) : read(fd, &past, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_sys(err, errno, "cannot be read");
		if (n == 0)
			return true;
		if (!p)
			return err_set(err, ERR_CONFIG, "is larger than %zu bytes", out->max);
		out->n += (size_t)n;
	}
}

static bool process_file(const struct conf_env *env, struct arena *arena, struct str path, size_t max_bytes,
                         struct str *out, struct err *err)
{
	struct str z = arena_dup(arena, path);
	if (!z.p || str_find_chr(path, '\0') != STR_NPOS)
		return err_set(err, ERR_CONFIG, "has a name that cannot be opened");
	int fd = open(z.p, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_sys(err, errno, "cannot be opened");
	struct buf b = buf_make(max_bytes);
	bool good = read_all(fd, &b, err);
	close(fd);
	if (good) {
		struct str copy = arena_dup(arena, buf_str(&b));
		good = copy.p || err_set(err, ERR_CONFIG, "is too large for the configuration");
		if (good)
			*out = copy;
	}
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return good;
}

const struct conf_env conf_env_process = { process_variable, process_file };
