/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: what the program says about itself (the access log is observe/'s). One line per message on stderr, JSON or
 * plain text, written with one write(2); safe from any thread. Control characters and bytes that are no UTF-8 are
 * escaped, so that no message can forge a line or drive a terminal; messages past 2 KiB are cut. errno is kept.
 * Messages never hold a secret, a prompt or an answer.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_init(enum log_level least, bool json);      /* before threads start; default: LOG_INFO, text */
void log_write(enum log_level, const char *room, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_debug(room, ...) log_write(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...)  log_write(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...)  log_write(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_write(LOG_ERROR, room, __VA_ARGS__)

/* The world is such that going on would do harm (no memory, a broken invariant): says so, runs the panic report if one
 * is set, and aborts. */
NORETURN COLD void log_panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Gives the calling thread a stack of its own for the handlers of log_on_panic, so that an overflow of its stack is
 * reported too. The thread that calls log_on_panic has one. */
void log_panic_stack(void);

/* What a panic or a failed assertion prints besides its message, for example the requests in flight. Called with the
 * signal handler's limits (write(2) only) from whichever thread failed. Also installs handlers for SIGABRT, SIGSEGV,
 * SIGBUS, SIGILL and SIGFPE that run it and then die by the same signal. */
void log_on_panic(void (*report)(int fd));

#endif
