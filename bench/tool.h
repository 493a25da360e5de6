/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool: what the bench tools share: time, a fast random, a histogram, sockets, marker text. Each tool is one program
 * with one thread and one epoll; they measure other programs and so link nothing of Sluice.
 *
 * Marker: "mk-" and 16 hexadecimal digits, unique per request. The load generator writes it into the prompt as
 * "@mk-0123456789abcdef;name=value;name=value@", the mock provider answers with it and obeys the names. Whoever
 * receives a marker that is not its own got somebody else's answer.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARKER_LEN 19 /* "mk-" + 16 digits */

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ms(void)
{
	return now_ns() / 1000000u;
}

/* splitmix64: every seed is a good seed, and consecutive outputs are unique over the full period. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void marker_write(char out[MARKER_LEN], uint64_t id)
{
	static const char digits[] = "0123456789abcdef";
	memcpy(out, "mk-", 3);
	for (int i = 18; i >= 3; i--, id >>= 4)
		out[i] = digits[id & 15];
}

static inline void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		die("out of memory");
	return p;
}

static inline void *xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n);
	if (!p)
		die("out of memory");
	return p;
}

/* A byte string that grows. */
struct bytes {
	char *p;
	size_t n, cap;
};

static inline void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->cap) {
		b->cap = (b->n + n) * 2 + 64;
		b->p = xrealloc(b->p, b->cap);
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

__attribute__((format(printf, 2, 3))) static inline void bytes_printf(struct bytes *b, const char *format, ...)
{
	char line[4096];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		die("bytes_printf: longer than %zu", sizeof(line));
	bytes_add(b, line, (size_t)n);
}

static inline void bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

/* Histogram of nanoseconds: 512 steps per power of two, so a quantile is right to 0.2 %. */
enum { HIST_STEPS = 512, HIST_SHIFT = 9, HIST_POWERS = 40 };
struct hist {
	uint64_t count, max;
	uint64_t slot[HIST_POWERS * HIST_STEPS];
};

static inline void hist_add(struct hist *h, uint64_t ns)
{
	unsigned power = 0;
	if (ns >= 2 * HIST_STEPS)
		power = (unsigned)(63 - __builtin_clzll(ns)) - HIST_SHIFT;
	uint64_t at = power * (uint64_t)HIST_STEPS + (ns >> power);
	if (at >= HIST_POWERS * HIST_STEPS)
		at = HIST_POWERS * HIST_STEPS - 1;
	h->slot[at]++;
	h->count++;
	if (ns > h->max)
		h->max = ns;
}

/* Microseconds at quantile q (0 … 1); 0 when nothing was counted. */
static inline double hist_us(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->count), seen = 0;
	if (want >= h->count)
		return (double)h->max / 1000;
	for (unsigned at = 0; at < HIST_POWERS * HIST_STEPS; at++) {
		seen += h->slot[at];
		if (seen > want) {
			unsigned power = at < 2 * HIST_STEPS ? 0 : at / HIST_STEPS - 1;
			uint64_t ns = (uint64_t)(at - power * HIST_STEPS) << power;
			return (double)ns / 1000;
		}
	}
	return (double)h->max / 1000;
}

static inline void socket_no_delay(int fd)
{
	int one = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* As many descriptors as we may have. */
static inline void raise_fd_limit(void)
{
	struct rlimit r = { 200000, 200000 };
	if (setrlimit(RLIMIT_NOFILE, &r) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static inline long number_or_die(const char *name, const char *text)
{
	char *end;
	errno = 0;
	long v = strtol(text, &end, 10);
	if (errno || *end || end == text || v < 0)
		die("%s: not a number: %s", name, text);
	return v;
}

#endif
