/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log on stderr, and what it says when it dies. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum {
	MESSAGE_BYTES = 2048,
	LINE_BYTES = 8192,
	ESCAPE_BYTES = 6, /* of the longest escape, and more than of the longest character */
	PANIC_STACK_BYTES = 65536,
	PANIC_FRAMES = 64,
};

static struct {
	enum log_level least;
	bool json;
} log_conf = { LOG_INFO, false };

static const struct {
	const char *upper, *lower;
} levels[] = {
	[LOG_DEBUG] = { "DEBUG", "debug" },
	[LOG_INFO] = { "INFO", "info" },
	[LOG_WARN] = { "WARN", "warn" },
	[LOG_ERROR] = { "ERROR", "error" },
};

/* A line under construction. There is always room left for the end of the line. */
struct line {
	char text[LINE_BYTES];
	size_t n;
};

static void line_put(struct line *l, const char *p, size_t n)
{
	assert(n <= sizeof(l->text) - l->n);
	memcpy(l->text + l->n, p, n);
	l->n += n;
}

static void line_put_z(struct line *l, const char *z)
{
	line_put(l, z, strlen(z));
}

/* C0, DEL, and as characters of two bytes C1 (U+0080 to U+009F), which terminals obey as well. */
static bool is_control(struct str c)
{
	unsigned char first = (unsigned char)c.p[0];

	return c.n == 1 ? first < 0x20 || first == 0x7f : c.n == 2 && first == 0xc2 && (unsigned char)c.p[1] < 0xa0;
}

static void line_put_control(struct line *l, struct str c, bool json)
{
	unsigned code = (unsigned char)c.p[c.n - 1];
	char text[ESCAPE_BYTES + 1];

	snprintf(text, sizeof(text), json || c.n == 2 ? "\\u%04x" : "\\x%02x", code);
	line_put_z(l, text);
}

static void line_put_escaped(struct line *l, struct str s, bool json)
{
	while (s.n && l->n < sizeof(l->text) - 2 * ESCAPE_BYTES) {
		size_t n = text_utf8_len(s);
		struct str c = { s.p, n ? n : 1 };

		if (n == 0 && json)
			line_put_z(l, "\\ufffd"); /* a bare byte has no name in JSON */
		else if (n == 0 || is_control(c))
			line_put_control(l, c, json);
		else if (c.p[0] == '\\' || (json && c.p[0] == '"'))
			line_put(l, (char[]){ '\\', c.p[0] }, 2);
		else
			line_put(l, c.p, c.n);
		s = str_slice(s, c.n, s.n);
	}
}

static void line_write(enum log_level level, const char *room, struct str message)
{
	bool json = log_conf.json;
	char time[CLOCK_RFC3339_LEN];
	struct line l;

	l.n = 0;
	clock_rfc3339(time, clock_real_ms());
	line_put_z(&l, json ? "{\"time\":\"" : "");
	line_put(&l, time, sizeof(time));
	line_put_z(&l, json ? "\",\"level\":\"" : " ");
	line_put_z(&l, json ? levels[level].lower : levels[level].upper);
	line_put_z(&l, json ? "\",\"room\":\"" : " ");
	line_put_escaped(&l, str_from_z(room), json);
	line_put_z(&l, json ? "\",\"message\":\"" : ": ");
	line_put_escaped(&l, message, json);
	line_put_z(&l, json ? "\"}\n" : "\n");
	/* A log that cannot be written fails nobody. */
	if (write(STDERR_FILENO, l.text, l.n) < 0)
		return;
}

PRINTF_LIKE(3, 0)
static void log_vwrite(enum log_level level, const char *room, const char *fmt, va_list args)
{
	char message[MESSAGE_BYTES];
	int was = errno, n = vsnprintf(message, sizeof(message), fmt, args);
	struct str text = { message, (size_t)n };

	assert(n >= 0);
	if ((size_t)n >= sizeof(message))
		text = text_utf8_cut(str_of(message, sizeof(message) - 1), sizeof(message) - 1);
	line_write(level, room, text);
	errno = was;
}

void log_init(enum log_level least, bool json)
{
	log_conf.least = least;
	log_conf.json = json;
}

void log_write(enum log_level level, const char *room, const char *fmt, ...)
{
	va_list args;

	if (level < log_conf.least)
		return;
	va_start(args, fmt);
	log_vwrite(level, room, fmt, args);
	va_end(args);
}

void log_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vwrite(LOG_ERROR, "panic", fmt, args);
	va_end(args);
	abort();
}

static void (*_Atomic panic_report)(int fd);
static _Atomic pid_t panic_thread; /* who reports */

static void panic_say(const char *z)
{
	if (write(STDERR_FILENO, z, strlen(z)) < 0)
		return;
}

static const char *signal_name(int sig)
{
	switch (sig) {
	case SIGABRT: return "SIGABRT";
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGFPE: return "SIGFPE";
	}
	return "a signal";
}

/* Only what signal-safety(7) allows, and backtrace(3), which was called before and so loads nothing any more. */
static void on_deadly_signal(int sig)
{
	void (*report)(int fd) = atomic_load(&panic_report);
	void *frames[PANIC_FRAMES];
	pid_t nobody = 0;

	if (!atomic_compare_exchange_strong(&panic_thread, &nobody, gettid())) {
		/* The report itself failed: die of that. Another thread reports: it will end us. */
		while (nobody != gettid())
			pause();
	} else {
		panic_say("sluice dies of ");
		panic_say(signal_name(sig));
		panic_say("; its stack:\n");
		backtrace_symbols_fd(frames, backtrace(frames, PANIC_FRAMES), STDERR_FILENO);
		if (report)
			report(STDERR_FILENO);
	}
	signal(sig, SIG_DFL);
	raise(sig); /* delivered when this handler returns, as it is blocked until then */
}

void log_panic_stack(void)
{
	static _Thread_local char stack[PANIC_STACK_BYTES];
	stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
	int rc = sigaltstack(NULL, &old);

	assert(rc == 0);
	if (!(old.ss_flags & SS_DISABLE))
		return; /* a sanitizer's; it unmaps what stands there when the thread ends */
	rc = sigaltstack(&own, NULL);
	assert(rc == 0);
}

void log_on_panic(void (*report)(int fd))
{
	static const int deadly[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct sigaction action = { .sa_handler = on_deadly_signal, .sa_flags = SA_ONSTACK };
	void *frame;

	atomic_store(&panic_report, report);
	backtrace(&frame, 1); /* loads the unwinder now */
	log_panic_stack();
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(deadly); i++) {
		int rc = sigaction(deadly[i], &action, NULL);

		assert(rc == 0);
	}
}
