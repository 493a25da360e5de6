/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env: what a configuration text refers to outside of itself: variables and files. The process has its own; tests and
 * fuzzers bring theirs.
 */
#ifndef SLUICE_CONF_ENV_H
#define SLUICE_CONF_ENV_H

#include "base/arena.h"
#include "base/err.h"

struct conf_env {
	/* The value of a variable, borrowed until the configuration is read. False: it is not set. */
	bool (*variable)(const struct conf_env *, struct str name, struct str *value);
	/* The contents of a file, in the arena. The error names neither the path nor the contents. */
	bool (*file)(const struct conf_env *, struct arena *, struct str path, size_t max_bytes, struct str *out,
	             struct err *);
};

/* The process's environment and file system. Not while another thread changes the environment. */
extern const struct conf_env conf_env_process;

#endif
