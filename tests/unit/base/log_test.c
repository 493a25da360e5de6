/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h and base/mem.h: lines nobody can forge, and a death that says why. */
#include "lib/check.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

static char said[65536];

/* Runs fn in a process of its own and keeps what it wrote to stderr in `said`. The answer is its wait status. */
static int run_apart(void (*fn)(void), struct str *out)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static const struct rlimit no_core;

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + n, sizeof(said) - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	*out = str_of(said, n);
	return status;
}

static const char *message; /* what the next child logs */
static bool json;

static void log_message(void)
{
	log_init(LOG_INFO, json);
	errno = EPIPE;
	log_warn("net", "%s", message);
	if (errno != EPIPE)
		_exit(9);
}

static void lines_cannot_be_forged(void **state)
{
	static const struct {
		const char *name, *message, *text, *json;
	} cases[] = {
		{ "plain", "hello \"you\"", "hello \"you\"", "hello \\\"you\\\"" },
		{ "newline", "a\nb", "a\\x0ab", "a\\u000ab" },
		{ "terminal escape", "\x1b[31m", "\\x1b[31m", "\\u001b[31m" },
		{ "DEL", "\x7f", "\\x7f", "\\u007f" },
		{ "C1 control", "\xc2\x9b", "\\u009b", "\\u009b" },
		{ "backslash", "\\x0a", "\\\\x0a", "\\\\x0a" },
		{ "UTF-8", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
		{ "no UTF-8", "a\xff", "a\\xff", "a\\ufffd" },
		{ "cut UTF-8", "a\xe2\x82", "a\\xe2\\x82", "a\\ufffd\\ufffd" },
		{ "empty", "", "", "" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str out, text = str_from_z(cases[i].text), quoted = str_from_z(cases[i].json);

		message = cases[i].message;
		json = false;
		check_u64(cases[i].name, run_apart(log_message, &out), 0);
		check(cases[i].name, out.n >= 36 && out.p[out.n - 1] == '\n' && out.p[23] == 'Z');
		check_str(cases[i].name, str_slice(out, 24, 35), STR(" WARN net: "));
		check_str(cases[i].name, str_slice(out, 35, out.n - 1), text);
		json = true;
		check_u64(cases[i].name, run_apart(log_message, &out), 0);
		check_str(cases[i].name, str_slice(out, 0, 9), STR("{\"time\":\""));
		check_str(cases[i].name, str_slice(out, 33, 74),
		          STR("\",\"level\":\"warn\",\"room\":\"net\",\"message\":\""));
		check_str(cases[i].name, str_slice(out, 74, 74 + quoted.n), quoted);
		check(cases[i].name, str_ends(out, STR("\"}\n")) && out.n == 74 + quoted.n + 3);
	}
}

static void long_messages_are_cut(void **state)
{
	static const struct {
		const char *name, *unit;
		size_t least, most;
	} cases[] = {
		{ "letters", "a", 2000, 2200 },
		{ "characters of three bytes", "\xe2\x82\xac", 2000, 2200 },
		{ "each escaped", "\x01", 8000, 8192 },
	};
	static char long_message[10000];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t n = strlen(cases[i].unit);
		struct str out;

		for (size_t at = 0; at + n < sizeof(long_message); at += n)
			memcpy(long_message + at, cases[i].unit, n + 1);
		message = long_message;
		for (int form = 0; form < 2; form++) {
			json = form;
			check_u64(cases[i].name, run_apart(log_message, &out), 0);
			check(cases[i].name, out.n <= cases[i].most && text_is_utf8(out));
			check(cases[i].name, json || out.n >= cases[i].least);
			check_u64(cases[i].name, str_find_chr(out, '\n'), out.n - 1);
			check(cases[i].name, !json || str_ends(out, STR("\"}\n")));
		}
	}
}

static void log_all_levels(void)
{
	log_init(LOG_WARN, false);
	log_debug("x", "1");
	log_info("x", "2");
	log_warn("x", "3");
	log_error("x", "4");
}

static void lesser_levels_are_silent(void **state)
{
	struct str out;

	check_u64("exit", run_apart(log_all_levels, &out), 0);
	check("debug", str_find(out, STR(" DEBUG ")) == STR_NPOS && str_find(out, STR(" INFO ")) == STR_NPOS);
	check("warn", str_find(out, STR(" WARN x: 3\n")) != STR_NPOS);
	check("error", str_find(out, STR(" ERROR x: 4\n")) != STR_NPOS);
}

static void report(int fd)
{
	if (write(fd, "in flight: 3\n", 13) < 0)
		_exit(9);
}

static void bad_report(int fd)
{
	report(fd);
	raise(SIGSEGV);
}

static void panics(void)
{
	log_on_panic(report);
	log_panic("no %s", "memory");
}

static void panics_alone(void)
{
	log_panic("no %s", "memory");
}

static void fails_assertion(void)
{
	log_on_panic(report);
	assert(message == (const char *)&message);
}

static void faults(void)
{
	log_on_panic(report);
	raise(SIGSEGV);
}

static void fails_in_the_report(void)
{
	log_on_panic(bad_report);
	log_panic("no %s", "memory");
}

static void fails_without_report(void)
{
	log_on_panic(NULL);
	raise(SIGBUS);
}

static void *panic_in_thread(void *arg)
{
	log_panic_stack();
	log_panic("no %s", "memory");
	return arg;
}

static void two_threads_panic(void)
{
	pthread_t a, b;

	log_on_panic(report);
	pthread_create(&a, NULL, panic_in_thread, NULL);
	pthread_create(&b, NULL, panic_in_thread, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void deaths_are_explained(void **state)
{
	static const struct {
		const char *name;
		void (*fn)(void);
		int signal;
		const char *says;
		size_t reports;
	} cases[] = {
		{ "panic", panics, SIGABRT, " ERROR panic: no memory\n", 1 },
		{ "panic before any handler", panics_alone, SIGABRT, " ERROR panic: no memory\n", 0 },
		{ "assertion", fails_assertion, SIGABRT, "message == (const char *)&message", 1 },
		{ "fault", faults, SIGSEGV, "sluice dies of SIGSEGV", 1 },
		{ "fault in the report", fails_in_the_report, SIGSEGV, "sluice dies of SIGABRT", 1 },
		{ "no report", fails_without_report, SIGBUS, "sluice dies of SIGBUS", 0 },
		{ "two threads at once", two_threads_panic, SIGABRT, " ERROR panic: no memory\n", 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str out, rest;
		size_t reports = 0, at;
		int status = run_apart(cases[i].fn, &out);

		check(cases[i].name, WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal);
		check(cases[i].name, str_find(out, str_from_z(cases[i].says)) != STR_NPOS);
		for (rest = out; (at = str_find(rest, STR("in flight: 3\n"))) != STR_NPOS; reports++)
			rest = str_slice(rest, at + 1, rest.n);
		check_u64(cases[i].name, reports, cases[i].reports);
	}
}

static volatile size_t too_much = (size_t)1 << 62;

static void asks_too_much(void)
{
	free(mem_alloc(too_much));
}

static void asks_too_much_zeroed(void)
{
	free(mem_zalloc(too_much));
}

static void asks_for_more(void)
{
	free(mem_realloc(mem_alloc(1), too_much));
}

static void no_memory_is_the_end(void **state)
{
	static void (*const cases[])(void) = { asks_too_much, asks_too_much_zeroed, asks_for_more };

	/* AddressSanitizer would end the process in its own way. */
	setenv("ASAN_OPTIONS", "allocator_may_return_null=1", 1);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str out;
		int status = run_apart(cases[i], &out);

		check("dead", WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	}
}

static void memory_is_given_for_nothing(void **state)
{
	char *p = mem_alloc(0), *zero = mem_zalloc(3), *copy = mem_dup("ab", 2), *empty = mem_dup(NULL, 0);

	check("some pointer", p != NULL);
	check("zeroed", memcmp(zero, "\0\0\0", 3) == 0);
	check("copy ends in NUL", memcmp(copy, "ab", 3) == 0);
	check("empty copy", empty[0] == '\0');
	p = mem_realloc(p, 10);
	memset(p, 1, 10);
	free(p);
	free(zero);
	free(copy);
	free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_cannot_be_forged),   cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(lesser_levels_are_silent), cmocka_unit_test(deaths_are_explained),
		cmocka_unit_test(no_memory_is_the_end),     cmocka_unit_test(memory_is_given_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
