/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's client against answers of all kinds, good and bad; its options and its tables. */
#include "lib/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "main/cli.h"
#include "main/commands.h"
#include "net/addr.h"

/* A gateway that answers one request with these bytes, in pieces of `cut` bytes (0: at once), and closes. */
struct script {
	const char *answer;
	size_t n, cut;
	int listener;
	char request[4096];
	size_t request_n;
};

static void *play(void *arg)
{
	struct script *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	ssize_t n;

	assert_true(fd >= 0);
	while (!memmem(s->request, s->request_n, "\r\n\r\n", 4)) {
		n = read(fd, s->request + s->request_n, sizeof(s->request) - 1 - s->request_n);
		assert_true(n > 0);
		s->request_n += (size_t)n;
	}
	for (size_t at = 0; at < s->n; at += (size_t)n) {
		size_t piece = s->cut && s->cut < s->n - at ? s->cut : s->n - at;

		n = send(fd, s->answer + at, piece, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	close(fd);
	return NULL;
}

static int listen_at(struct addr *a, const char *text)
{
	int fd;

	assert_true(addr_parse(a, str_from_z(text), NULL));
	fd = socket(addr_family(a), SOCK_STREAM, 0);
	assert_true(fd >= 0 && bind(fd, &a->u.sa, a->len) == 0 && listen(fd, 1) == 0);
	if (addr_family(a) == AF_INET)
		assert_int_equal(getsockname(fd, &a->u.sa, &a->len), 0);
	return fd;
}

/* Calls the scripted gateway. False: `e` tells. */
static bool ask(struct script *s, struct str body, struct api_answer *out, struct err *e)
{
	struct addr a;
	char url[64];
	struct api api = { .key = STR("sk-test"), .timeout_ms = 5000 };
	pthread_t thread;
	bool good;

	s->listener = listen_at(&a, "127.0.0.1:0");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", addr_port(&a));
	api.url = str_from_z(url);
	assert_int_equal(pthread_create(&thread, NULL, play, s), 0);
	good = api_call(&api, body.p ? "POST" : "GET", STR("/admin/v1/keys"), body, out, e);
	pthread_join(thread, NULL);
	close(s->listener);
	return good;
}

static void answers_are_read_strictly(void **state)
{
#define OK "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
	static const struct { const char *name, *answer, *body; int status; const char *says; } cases[] = {
		{ "with a length", OK "content-length: 2\r\n\r\n{}", "{}", 200, NULL },
		{ "chunked", OK "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nt: v\r\n\r\n", "{}",
		  200, NULL },
		{ "until the end", OK "connection: close\r\n\r\n{}", "{}", 200, NULL },
		{ "nothing", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, NULL },
		{ "an error", "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno!", "no!", 404, NULL },
		{ "after 100", "HTTP/1.1 100 Continue\r\n\r\n" OK "content-length: 2\r\n\r\n{}", "{}", 200, NULL },
		{ "too short", OK "content-length: 9\r\n\r\n{}", NULL, 0, "cut short" },
		{ "chunks without end", OK "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", NULL, 0, "cut short" },
		{ "broken chunk", OK "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n", NULL, 0, "broken chunk" },
		{ "no head", "HTTP/1.1 200 OK\r\n", NULL, 0, "cut short" },
		{ "no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", NULL, 0, "" },
		{ "two lengths", OK "content-length: 2\r\ncontent-length: 3\r\n\r\n{}", NULL, 0, "" },
		{ "nothing at all", "", NULL, 0, "cut short" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t cut = 0; cut < 3; cut++) {
			struct script s = { .answer = cases[i].answer, .n = strlen(cases[i].answer), .cut = cut };
			struct api_answer a;
			struct err e = { 0 };
			bool good = ask(&s, (struct str){ NULL, 0 }, &a, &e);

			check(cases[i].name, good == (cases[i].body != NULL));
			if (good) {
				check_u64(cases[i].name, a.status, cases[i].status);
				check_str(cases[i].name, buf_str(&a.body), str_from_z(cases[i].body));
				buf_fini(&a.body);
			} else {
				check(e.text, str_find(str_from_z(e.text), str_from_z(cases[i].says)) != STR_NPOS);
			}
		}
}

static void requests_are_written_well(void **state)
{
	struct script s = { .answer = "HTTP/1.1 204 No Content\r\n\r\n", .n = 27 };
	struct api_answer a;
	struct err e;

	assert_true(ask(&s, STR("{\"name\":\"a\"}"), &a, &e));
	buf_fini(&a.body);
	check("line", str_starts(str_from_z(s.request), STR("POST /admin/v1/keys HTTP/1.1\r\nhost: 127.0.0.1:")));
	check("key", strstr(s.request, "\r\nauthorization: Bearer sk-test\r\n") != NULL);
	check("length", strstr(s.request, "\r\ncontent-length: 12\r\n") != NULL);
	check("type", strstr(s.request, "\r\ncontent-type: application/json\r\n") != NULL);
}

static void a_unix_socket_is_a_gateway_too(void **state)
{
	struct script s = { .answer = "HTTP/1.1 204 No Content\r\n\r\n", .n = 27 };
	char dir[] = "/tmp/sluice-cli-XXXXXX", url[64];
	struct api api = { .timeout_ms = 5000 };
	struct api_answer a;
	pthread_t thread;
	struct addr addr;
	struct err e;

	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "unix:%s/s", dir);
	s.listener = listen_at(&addr, url);
	api.url = str_from_z(url);
	assert_int_equal(pthread_create(&thread, NULL, play, &s), 0);
	assert_true(api_call(&api, "GET", STR("/"), (struct str){ NULL, 0 }, &a, &e));
	pthread_join(thread, NULL);
	close(s.listener);
	unlink(url + 5);
	rmdir(dir);
	assert_int_equal(a.status, 204);
}

static void wrong_urls_are_told(void **state)
{
	static const char *const urls[] = { "ftp://x",
		                            "localhost:8080",
		                            "http://",
		                            "http://:80",
		                            "http://x:99999",
		                            "http://x/path",
		                            "http://no-such-host.invalid:80",
		                            "unix:/no/such/socket",
		                            "http://127.0.0.1:1" };

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct api api = { .url = str_from_z(urls[i]), .timeout_ms = 5000 };
		struct api_answer a;
		struct err e = { 0 };

		check(urls[i], !api_call(&api, "GET", STR("/"), (struct str){ NULL, 0 }, &a, &e) && e.text[0]);
	}
}

static void silence_is_not_waited_for_long(void **state)
{
	struct addr addr;
	int listener = listen_at(&addr, "127.0.0.1:0");
	char url[64];
	struct api api = { .timeout_ms = 50 };
	struct api_answer a;
	struct err e;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", addr_port(&addr));
	api.url = str_from_z(url);
	assert_false(api_call(&api, "GET", STR("/"), (struct str){ NULL, 0 }, &a, &e)); /* nobody accepts */
	check("timeout", e.code == ERR_UPSTREAM_TIMEOUT);
	close(listener);
}

/* ---- options, tables ---- */

/* Runs fn with stdout and stderr going to a file, and returns what came there. */
static struct str captured(int fd)
{
	static char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = 0;
	return str_of(text, (size_t)n);
}

static void options_are_read(void **state)
{
	static const struct { const char *args[6]; bool good; const char *name; bool json; int n_args; } cases[] = {
		{ { "--name", "a" }, true, "a", false, 0 },
		{ { "--name=a", "x", "--json", "y" }, true, "a", true, 2 },
		{ { "--name=" }, true, "", false, 0 },
		{ { "--name" }, false, NULL, false, 0 },
		{ { "--nmae", "a" }, false, NULL, false, 0 },
		{ { "--json=yes" }, false, NULL, true, 0 },
		{ { "-" }, true, NULL, false, 1 },
	};
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char command[] = "test", *argv[8] = { command };
		const char *name = NULL;
		const struct cli_option options[] = { { "--name", &name, NULL } };
		struct cli c;
		int argc = 1;
		bool good;

		while (cases[i].args[argc - 1]) {
			argv[argc] = (char *)(uintptr_t)cases[i].args[argc - 1];
			argc++;
		}
		good = cli_begin(&c, "test", argc, argv, options, 1);
		cli_end(&c);
		check(cases[i].args[0], good == cases[i].good);
		if (!good)
			continue;
		check(cases[i].args[0],
		      (name == NULL) == (cases[i].name == NULL) && (!name || strcmp(name, cases[i].name) == 0));
		check(cases[i].args[0], c.json == cases[i].json && c.n_args == cases[i].n_args);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
}

static void tables_are_aligned_and_harmless(void **state)
{
	static const char *const heads[] = { "NAME", "COUNT" };
	char path[] = "/tmp/sluice-table-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDOUT_FILENO);
	struct cli_table t;
	struct arena a;

	arena_init(&a, 1 << 20);
	cli_table_init(&t, &a, heads, 2, 2);
	cli_table_add(&t, STR("J\xc3\xbcrgen"));
	cli_table_add(&t, STR("7"));
	cli_table_add(&t, STR("\x1b[31mred\xc2\x9b"));
	cli_table_add(&t, STR(""));
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	cli_table_print(&t);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	check_str("table", captured(fd), STR("NAME        COUNT\nJ\xc3\xbcrgen          7\n?[31mred??      -\n"));
	close(fd);
	close(saved);
	unlink(path);
	arena_fini(&a);
}

static void queries_are_encoded(void **state)
{
	struct buf b = buf_make(1000);

	buf_append(&b, STR("/x"));
	cli_add_query(&b, "a", "1 & 2");
	cli_add_query(&b, "none", NULL);
	cli_add_query(&b, "b", "J\xc3\xbcrgen");
	check_str("query", buf_str(&b), STR("/x?a=1%20%26%202&b=J%C3%BCrgen"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_strictly),
		cmocka_unit_test(requests_are_written_well),
		cmocka_unit_test(a_unix_socket_is_a_gateway_too),
		cmocka_unit_test(wrong_urls_are_told),
		cmocka_unit_test(silence_is_not_waited_for_long),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(tables_are_aligned_and_harmless),
		cmocka_unit_test(queries_are_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
