/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: the gateway as a running program: reads the configuration, wires the rooms together, starts a loop on each
 * core, and sees to signals, reloads and the end. For the commands `serve` and `demo`.
 */
#ifndef SLUICE_MAIN_SERVE_H
#define SLUICE_MAIN_SERVE_H

#include "base/str.h"

struct serve_options {
	const char *file;            /* configuration; NULL: config_find, else zero-configuration */
	const char *text;            /* instead of a file: the configuration itself (demo); cannot be reloaded */
	const char *listen;          /* replaces the configured listeners; NULL: not */
	const char *data_dir;        /* replaces data_dir; NULL: not */
	/* Called once when connections are accepted; `address` is the first listener's as bound ("127.0.0.1:8080"). */
	void (*on_ready)(void *arg, const char *address);
	void *arg;
};

/* Until SIGTERM or SIGINT; the exit code. Messages go to stderr. */
int serve_run(const struct serve_options *);

#endif
