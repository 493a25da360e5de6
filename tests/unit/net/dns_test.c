/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver's cache with a scripted resolver on a real pool and a moved clock; at last the system's own. */
#include "net/dns.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/pool.h"

enum { TTL = 10000, NEGATIVE = 2000, STALE = 100000 };

/* The script: what the resolver answers, and whether it has to wait for the test. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int code;
	const char *ips[4];
	unsigned calls;
	bool held;
} script = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int scripted(const char *host, struct dns_answer *out)
{
	pthread_mutex_lock(&script.lock);
	script.calls++;
	while (script.held)
		pthread_cond_wait(&script.changed, &script.lock);
	int code = script.code;
	for (size_t i = 0; code == 0 && i < 4 && script.ips[i]; i++)
		if (addr_from_literal(&out->addrs[out->n], str_from_z(script.ips[i]), 0))
			out->n++;
	pthread_mutex_unlock(&script.lock);
	errno = ETIMEDOUT;
	return code;
}

static void script_set(int code, const char *a, const char *b, const char *c)
{
	pthread_mutex_lock(&script.lock);
	script.code = code;
	script.ips[0] = a;
	script.ips[1] = b;
	script.ips[2] = c;
	pthread_mutex_unlock(&script.lock);
}

static void script_hold(bool held)
{
	pthread_mutex_lock(&script.lock);
	script.held = held;
	pthread_cond_broadcast(&script.changed);
	pthread_mutex_unlock(&script.lock);
}

static unsigned script_calls(void)
{
	pthread_mutex_lock(&script.lock);
	unsigned n = script.calls;
	script.calls = 0;
	pthread_mutex_unlock(&script.lock);
	return n;
}

static struct loop *loop;
static struct pool *pool;
static struct dns *dns;

/* Asks once; `asked` after the first call, `woken` counts. */
struct asker {
	struct op op;
	struct task task;
	struct str host;
	struct dns_answer answer;
	struct err err;
	enum op_state state;
	unsigned woken;
	bool stop_when_done;
};

static void ask_again(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	a->woken++;
	a->state = dns_lookup(dns, a->host, 443, &a->answer, &a->op, &a->err);
	if (a->state != OP_PENDING && a->stop_when_done)
		loop_stop(loop);
}

static void ask_start(struct asker *a, const char *host)
{
	*a = (struct asker){ .host = str_from_z(host), .task.run = ask_again };
	a->op = (struct op){ .loop = loop, .waiter = &a->task };
	a->state = dns_lookup(dns, a->host, 443, &a->answer, &a->op, &a->err);
}

static void too_late(struct timer *t)
{
	fail_msg("nothing happened for 10 s");
}

static void on_stop_timer(struct timer *t)
{
	loop_stop(loop);
}

/* Runs the loop for some real milliseconds, or until somebody stops it (0). */
static void run(unsigned for_ms)
{
	struct timer late = { .on_due = for_ms ? on_stop_timer : too_late };
	timer_start(loop, &late, for_ms ? for_ms : 10000);
	loop_run(loop);
	timer_cancel(loop, &late);
}

static enum op_state lookup(struct asker *a, const char *host)
{
	ask_start(a, host);
	a->stop_when_done = true;
	if (a->state == OP_PENDING)
		run(0);
	return a->state;
}

static void move(int64_t ms)
{
	clock_move_ms(ms);
	run(1); /* the loop reads the clock once a turn */
}

static const char *nth(const struct asker *a, unsigned i)
{
	static char text[ADDR_TEXT_MAX];
	assert_true(i < a->answer.n);
	addr_text(&a->answer.addrs[i], text);
	return text;
}

static void start_with(uint32_t max_entries, unsigned queue_max, dns_resolve_fn *fn)
{
	struct err e;
	loop = loop_new(&(struct loop_options){ 0 }, &e);
	pool = pool_new(2, queue_max);
	dns = dns_new(&(struct dns_options){ loop, pool, TTL, NEGATIVE, STALE, max_entries, fn });
	script_calls();
	run(1);
}

static int start(void **state)
{
	start_with(3, 16, scripted);
	return 0;
}

static int stop(void **state)
{
	script_hold(false);
	dns_free(dns);
	pool_free(pool);
	loop_free(loop);
	return 0;
}

static void literals_and_bad_names_at_once(void **state)
{
	struct asker a;
	char longest[300];
	ask_start(&a, "127.0.0.1");
	assert_int_equal(a.state, OP_OK);
	assert_string_equal(nth(&a, 0), "127.0.0.1:443");
	ask_start(&a, "::1");
	assert_int_equal(a.state, OP_OK);
	assert_string_equal(nth(&a, 0), "[::1]:443");
	memset(longest, 'a', sizeof longest);
	longest[254] = '\0';
	static const char *const bad[] = { "", ".", "a b", "a/b", "a\nb", "a%00", "a:1", "\xc3\xa4", "[::1" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		ask_start(&a, bad[i]);
		assert_int_equal(a.state, OP_REFUSED);
	}
	ask_start(&a, longest);
	assert_int_equal(a.state, OP_REFUSED);
	assert_int_equal(script_calls(), 0);
}

static void caches_for_ttl_then_asks_behind_the_back(void **state)
{
	struct asker a;
	script_set(0, "192.0.2.1", NULL, NULL);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	assert_string_equal(nth(&a, 0), "192.0.2.1:443");
	assert_int_equal(script_calls(), 1);

	script_set(0, "192.0.2.2", NULL, NULL);
	move(TTL - 500);
	ask_start(&a, "A.Example.");
	assert_int_equal(a.state, OP_OK);
	assert_string_equal(nth(&a, 0), "192.0.2.1:443");
	run(20);
	assert_int_equal(script_calls(), 0);

	move(1000); /* past the ttl: the old answer at once, and a question */
	ask_start(&a, "a.example");
	assert_int_equal(a.state, OP_OK);
	assert_string_equal(nth(&a, 0), "192.0.2.1:443");
	run(50);
	assert_int_equal(script_calls(), 1);
	ask_start(&a, "a.example");
	assert_string_equal(nth(&a, 0), "192.0.2.2:443");

	script_set(0, "192.0.2.3", NULL, NULL);
	move(2 * TTL + 1); /* long unused: wait for the new answer */
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	assert_true(a.woken > 0);
	assert_string_equal(nth(&a, 0), "192.0.2.3:443");
}

static void remembers_that_there_is_no_such_name(void **state)
{
	struct asker a;
	script_set(EAI_NONAME, NULL, NULL, NULL);
	assert_int_equal(lookup(&a, "a.example"), OP_REFUSED);
	assert_string_equal(a.err.text, "cannot resolve a.example: Name or service not known");
	ask_start(&a, "a.example");
	assert_int_equal(a.state, OP_REFUSED);
	assert_int_equal(script_calls(), 1);
	script_set(EAI_SYSTEM, NULL, NULL, NULL);
	move(NEGATIVE + 1);
	assert_int_equal(lookup(&a, "a.example"), OP_FAILED);
	assert_string_equal(a.err.text, "cannot resolve a.example: Connection timed out");
	script_set(0, NULL, NULL, NULL); /* a success without addresses */
	move(NEGATIVE + 1);
	assert_int_equal(lookup(&a, "a.example"), OP_REFUSED);
	script_set(0, "192.0.2.1", NULL, NULL);
	move(NEGATIVE + 1);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
}

static void serves_stale_within_bounds(void **state)
{
	struct asker a;
	script_set(0, "192.0.2.1", NULL, NULL);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	script_set(EAI_AGAIN, NULL, NULL, NULL);
	move(3 * TTL);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	assert_string_equal(nth(&a, 0), "192.0.2.1:443");
	assert_int_equal(script_calls(), 2);
	ask_start(&a, "a.example"); /* not again before the negative ttl is over */
	assert_int_equal(a.state, OP_OK);
	assert_int_equal(script_calls(), 0);
	move(STALE);
	assert_int_equal(lookup(&a, "a.example"), OP_FAILED);

	script_set(0, "192.0.2.1", NULL, NULL);
	move(NEGATIVE + 1);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	script_set(EAI_NONAME, NULL, NULL, NULL); /* an answer, and ends the old addresses */
	move(3 * TTL);
	assert_int_equal(lookup(&a, "a.example"), OP_REFUSED);
	struct dns_stats s;
	dns_get_stats(dns, &s);
	assert_int_equal(s.stale, 2);
}

static void identical_questions_are_asked_once(void **state)
{
	struct asker a, b, c;
	script_set(0, "192.0.2.1", NULL, NULL);
	script_hold(true);
	ask_start(&a, "a.example");
	ask_start(&b, "a.example");
	ask_start(&c, "a.example");
	assert_int_equal(c.state, OP_PENDING);
	assert_int_equal(dns_lookup(dns, b.host, 443, &b.answer, &b.op, &b.err), OP_PENDING); /* asked too early */
	op_cancel(&b.op);
	assert_false(op_busy(&b.op));
	script_hold(false);
	a.stop_when_done = true; /* waiters are woken newest first */
	run(0);
	assert_int_equal(a.state, OP_OK);
	assert_int_equal(c.state, OP_OK);
	assert_int_equal(b.woken, 0);
	assert_false(op_busy(&a.op));
	assert_int_equal(script_calls(), 1);
}

static void addresses_take_turns_within_their_family(void **state)
{
	struct asker a;
	script_set(0, "2001:db8::1", "192.0.2.1", "2001:db8::2");
	static const char *const want[3][3] = {
		{ "[2001:db8::1]:443", "[2001:db8::2]:443", "192.0.2.1:443" },
		{ "[2001:db8::2]:443", "[2001:db8::1]:443", "192.0.2.1:443" },
		{ "[2001:db8::1]:443", "[2001:db8::2]:443", "192.0.2.1:443" },
	};
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(lookup(&a, "a.example"), OP_OK);
		assert_int_equal(a.answer.n, 3);
		for (unsigned k = 0; k < 3; k++)
			assert_string_equal(nth(&a, k), want[i][k]);
	}
}

static void doubt_makes_it_ask_again(void **state)
{
	struct asker a;
	script_set(0, "192.0.2.1", NULL, NULL);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	script_set(0, "192.0.2.2", NULL, NULL);
	dns_doubt(dns, STR("A.example"));
	dns_doubt(dns, STR("unknown.example"));
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	run(50);
	assert_int_equal(lookup(&a, "a.example"), OP_OK);
	assert_string_equal(nth(&a, 0), "192.0.2.2:443");
	assert_int_equal(script_calls(), 2);
}

static void ceilings_hold(void **state)
{
	struct asker a, waiting[3];
	struct dns_stats s;
	script_set(0, "192.0.2.1", NULL, NULL);
	static const char *const names[] = { "a.example", "b.example", "c.example", "d.example" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(lookup(&a, names[i]), OP_OK);
	dns_get_stats(dns, &s);
	assert_int_equal(s.entries, 3);
	script_calls();
	assert_int_equal(lookup(&a, "b.example"), OP_OK);
	assert_int_equal(script_calls(), 0);
	assert_int_equal(lookup(&a, "a.example"), OP_OK); /* was the oldest, and is gone */
	assert_int_equal(script_calls(), 1);

	script_hold(true); /* all places wait for an answer */
	static const char *const slow[] = { "x.example", "y.example", "z.example" };
	for (size_t i = 0; i < COUNT_OF(slow); i++)
		ask_start(&waiting[i], slow[i]);
	ask_start(&a, "w.example");
	assert_int_equal(a.state, OP_FAILED);
	for (size_t i = 0; i < COUNT_OF(slow); i++)
		op_cancel(&waiting[i].op);
}

static void a_full_queue_is_a_failure(void **state)
{
	struct asker a[4];
	script_hold(true);
	for (size_t i = 0; i < COUNT_OF(a); i++) {
		char name[2] = { (char)('a' + i), 0 };
		ask_start(&a[i], name);
		run(20); /* let a thread take it */
	}
	assert_int_equal(a[2].state, OP_PENDING);
	assert_int_equal(a[3].state, OP_FAILED);
	assert_non_null(strstr(a[3].err.text, "queue is full"));
	for (size_t i = 0; i < 3; i++)
		op_cancel(&a[i].op);
}

static int start_small(void **state)
{
	start_with(8, 1, scripted);
	return 0;
}

static int start_system(void **state)
{
	start_with(8, 4, NULL);
	return 0;
}

static void the_system_knows_localhost(void **state)
{
	struct asker a;
	assert_int_equal(lookup(&a, "localhost"), OP_OK);
	for (unsigned i = 0; i < a.answer.n; i++) {
		assert_true(addr_is_loopback(&a.answer.addrs[i]));
		assert_int_equal(addr_port(&a.answer.addrs[i]), 443);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(literals_and_bad_names_at_once, start, stop),
		cmocka_unit_test_setup_teardown(caches_for_ttl_then_asks_behind_the_back, start, stop),
		cmocka_unit_test_setup_teardown(remembers_that_there_is_no_such_name, start, stop),
		cmocka_unit_test_setup_teardown(serves_stale_within_bounds, start, stop),
		cmocka_unit_test_setup_teardown(identical_questions_are_asked_once, start, stop),
		cmocka_unit_test_setup_teardown(addresses_take_turns_within_their_family, start, stop),
		cmocka_unit_test_setup_teardown(doubt_makes_it_ask_again, start, stop),
		cmocka_unit_test_setup_teardown(ceilings_hold, start, stop),
		cmocka_unit_test_setup_teardown(a_full_queue_is_a_failure, start_small, stop),
		cmocka_unit_test_setup_teardown(the_system_knows_localhost, start_system, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
