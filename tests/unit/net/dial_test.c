/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting: real listeners on loopback addresses, a scripted resolver. */
#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/check.h"
#include "net/dns.h"
#include "net/pool.h"

static const char *ips[4]; /* what any name resolves to; none: no such name */
static atomic_bool held;

static int scripted(const char *host, struct dns_answer *out)
{
	while (atomic_load(&held))
		usleep(1000);
	for (size_t i = 0; i < COUNT_OF(ips) && ips[i]; i++)
		if (addr_from_literal(&out->addrs[out->n], str_from_z(ips[i]), 0))
			out->n++;
	return out->n > 0 ? 0 : EAI_NONAME;
}

static struct loop *loop;
static struct pool *pool;
static struct dns *dns;

struct outcome {
	unsigned told;
	int fd;
	char to[ADDR_TEXT_MAX];
	struct err why;
	uint64_t took_ms;
};

static void on_done(void *arg, int fd, const struct addr *to, const struct err *why)
{
	struct outcome *o = arg;
	o->told++;
	o->fd = fd;
	o->took_ms = clock_now_ms() - o->took_ms;
	assert_true((fd >= 0) == (to != NULL) && (fd >= 0) == (why == NULL));
	if (to)
		addr_text(to, o->to);
	else
		o->why = *why;
	loop_stop(loop);
}

static void on_late(struct timer *t)
{
	loop_stop(loop);
}

static void run(unsigned at_most_ms)
{
	struct timer late = { .on_due = on_late };
	timer_start(loop, &late, at_most_ms);
	loop_run(loop);
	timer_cancel(loop, &late);
}

static struct dial *start(struct outcome *o, const char *host, uint16_t port, bool public_only, uint32_t timeout_ms)
{
	*o = (struct outcome){ .took_ms = clock_now_ms() };
	return dial_start(
		&(struct dial_request){ loop, dns, str_from_z(host), port, public_only, timeout_ms, on_done, o });
}

static struct outcome dial(const char *host, uint16_t port, bool public_only, uint32_t timeout_ms)
{
	struct outcome o;
	start(&o, host, port, public_only, timeout_ms);
	assert_int_equal(o.told, 0);
	run(10000);
	assert_int_equal(o.told, 1);
	return o;
}

static int setup(void **state)
{
	struct err e;
	memset(ips, 0, sizeof ips);
	loop = loop_new(&(struct loop_options){ 0 }, &e);
	pool = pool_new(1, 4);
	dns = dns_new(&(struct dns_options){ loop, pool, 1000, 1000, 1000, 16, scripted });
	return 0;
}

static int teardown(void **state)
{
	atomic_store(&held, false);
	dns_free(dns);
	pool_free(pool);
	loop_free(loop);
	return 0;
}

/* A listener on `ip`; *port 0: any, and is set. */
static int listener(const char *ip, uint16_t *port, int backlog)
{
	struct addr a;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(addr_from_literal(&a, str_from_z(ip), *port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(fd, &a.u.sa, a.len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, &a.u.sa, &a.len), 0);
	*port = addr_port(&a);
	return fd;
}

/* A listener whose queue is full: the kernel drops what else would connect, as a dead host does. */
struct hole {
	int fd, clients[4];
};

static struct hole hole(const char *ip, uint16_t *port)
{
	struct hole h = { .fd = listener(ip, port, 0) };
	struct addr a;
	assert_true(addr_from_literal(&a, str_from_z(ip), *port));
	for (size_t i = 0; i < COUNT_OF(h.clients); i++) {
		h.clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(h.clients[i], &a.u.sa, a.len) != 0)
			assert_int_equal(errno, EINPROGRESS);
	}
	return h;
}

static void hole_close(struct hole *h)
{
	close(h->fd);
	for (size_t i = 0; i < COUNT_OF(h->clients); i++)
		close(h->clients[i]);
}

static int option(int fd, int level, int name)
{
	int v = 0;
	socklen_t n = sizeof v;
	assert_int_equal(getsockopt(fd, level, name, &v, &n), 0);
	return v;
}

static void connects_to_literals_and_names(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "one.example" };
	uint16_t port = 0;
	int fd = listener("127.0.0.1", &port, 8);
	ips[0] = "127.0.0.1";
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		char want[32], byte;
		struct outcome o = dial(hosts[i], port, false, 5000);
		snprintf(want, sizeof want, "127.0.0.1:%u", port);
		assert_true(o.fd >= 0);
		assert_string_equal(o.to, want);
		assert_true(fcntl(o.fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(o.fd, F_GETFD) & FD_CLOEXEC);
		assert_true(option(o.fd, IPPROTO_TCP, TCP_NODELAY));
		assert_true(option(o.fd, SOL_SOCKET, SO_KEEPALIVE));
		int peer = accept(fd, NULL, NULL);
		assert_int_equal(write(o.fd, "x", 1), 1);
		assert_int_equal(read(peer, &byte, 1), 1);
		close(peer);
		close(o.fd);
	}
	close(fd);
}

static void failures_name_host_and_reason_only(void **state)
{
	uint16_t port = 0;
	char want[96];
	close(listener("127.0.0.1", &port, 1)); /* nobody listens there now */
	ips[0] = "127.0.0.1";
	struct outcome o = dial("one.example", port, false, 5000);
	snprintf(want, sizeof want, "cannot connect to one.example:%u: Connection refused", port);
	assert_string_equal(o.why.text, want);
	assert_int_equal(o.why.code, ERR_UPSTREAM);
	assert_true(o.why.retryable);

	ips[0] = NULL;
	o = dial("two.example", port, false, 5000);
	assert_string_equal(o.why.text, "cannot resolve two.example: Name or service not known");
	o = dial("not a name", port, false, 5000);
	assert_string_equal(o.why.text, "\"not a name\" is not a host name");
}

static void a_refused_address_gives_way_at_once(void **state)
{
	uint16_t port = 0;
	int fd = listener("127.0.0.3", &port, 8);
	char want[32];
	ips[0] = "127.0.0.1";
	ips[1] = "127.0.0.2";
	ips[2] = "127.0.0.3";
	struct outcome o = dial("one.example", port, false, 5000);
	snprintf(want, sizeof want, "127.0.0.3:%u", port);
	assert_string_equal(o.to, want);
	assert_true(o.took_ms < 200);
	close(o.fd);
	close(fd);
}

static void a_silent_address_gives_way_after_a_while(void **state)
{
	uint16_t port = 0;
	char want[32];
	struct hole h = hole("127.0.0.2", &port);
	int fd = listener("127.0.0.3", &port, 8);
	ips[0] = "127.0.0.2";
	ips[1] = "127.0.0.3";
	struct outcome o = dial("one.example", port, false, 5000);
	snprintf(want, sizeof want, "127.0.0.3:%u", port);
	assert_string_equal(o.to, want);
	assert_true(o.took_ms >= 240 && o.took_ms < 900);
	close(o.fd);
	close(fd);
	hole_close(&h);
}

static void families_take_turns(void **state)
{
	/* IPv6 refuses (or is not there at all); the first IPv4 address is tried before the second IPv6 one. */
	uint16_t port = 0;
	char want[32];
	struct hole h = hole("127.0.0.4", &port);
	int fd = listener("127.0.0.3", &port, 8);
	ips[0] = "::1";
	ips[1] = "::ffff:127.0.0.4";
	ips[2] = "127.0.0.3";
	struct outcome o = dial("one.example", port, false, 5000);
	snprintf(want, sizeof want, "127.0.0.3:%u", port);
	assert_string_equal(o.to, want);
	assert_true(o.took_ms < 200);
	close(o.fd);
	close(fd);
	hole_close(&h);
}

static void all_of_it_has_a_deadline(void **state)
{
	uint16_t port = 0;
	struct hole h = hole("127.0.0.2", &port);
	ips[0] = "127.0.0.2";
	struct outcome o = dial("one.example", port, false, 60);
	assert_int_equal(o.why.code, ERR_UPSTREAM_TIMEOUT);
	assert_string_equal(o.why.text, "one.example: no connection within 60 ms");
	hole_close(&h);

	atomic_store(&held, true);
	o = dial("two.example", port, false, 60);
	assert_int_equal(o.why.code, ERR_UPSTREAM_TIMEOUT);
	assert_string_equal(o.why.text, "two.example: name not resolved within 60 ms");
}

static void the_guard_refuses_what_is_not_public(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "inner.example" };
	uint16_t port = 0;
	int fd = listener("127.0.0.1", &port, 8);
	ips[0] = "127.0.0.1";
	ips[1] = "fd00::1";
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct outcome o = dial(hosts[i], port, true, 5000);
		check(hosts[i], o.fd == -1 && o.why.code == ERR_POLICY);
		check(hosts[i], strstr(o.why.text, "is not a public address") != NULL);
	}
	struct outcome o = dial("/tmp/x.sock", 0, true, 5000);
	assert_int_equal(o.why.code, ERR_POLICY);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(fd, NULL, NULL), -1); /* nobody came */
	close(fd);
}

static void reaches_unix_sockets(void **state)
{
	char dir[] = "/tmp/sluice-dial-XXXXXX", path[64], text[80];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(text, sizeof text, "unix:%s", path);
	struct outcome o = dial(path, 0, false, 5000);
	assert_non_null(strstr(o.why.text, "/s: No such file or directory"));

	struct addr a;
	assert_true(addr_parse(&a, str_from_z(text), NULL));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, &a.u.sa, a.len), 0);
	assert_int_equal(listen(fd, 4), 0);
	o = dial(path, 0, false, 5000);
	assert_true(o.fd >= 0);
	assert_string_equal(o.to, text);
	close(o.fd);
	close(fd);
	unlink(path);
	rmdir(dir);

	char longest[200];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	o = dial(longest, 0, false, 5000);
	assert_non_null(strstr(o.why.text, "File name too long"));
}

static void cancel_is_immediate_at_any_moment(void **state)
{
	struct outcome o;
	uint16_t port = 0;
	struct hole h = hole("127.0.0.2", &port);
	ips[0] = ips[1] = "127.0.0.2";
	dial_cancel(NULL);
	dial_cancel(start(&o, "one.example", port, false, 5000)); /* before anything */
	atomic_store(&held, true);
	struct dial *d = start(&o, "one.example", port, false, 5000);
	run(20);
	dial_cancel(d); /* while resolving */
	atomic_store(&held, false);
	run(20);
	d = start(&o, "one.example", port, false, 5000);
	run(300);
	dial_cancel(d); /* two attempts under way */
	run(20);
	assert_int_equal(o.told, 0);
	hole_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(connects_to_literals_and_names, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_name_host_and_reason_only, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_address_gives_way_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_address_gives_way_after_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(families_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(all_of_it_has_a_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(the_guard_refuses_what_is_not_public, setup, teardown),
		cmocka_unit_test_setup_teardown(reaches_unix_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(cancel_is_immediate_at_any_moment, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
