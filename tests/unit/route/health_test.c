/* SPDX-License-Identifier: Apache-2.0 */
/* health: who is in or out after which calls, limits in sliding windows, figures, and all of it on several threads. */
#include "lib/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/rand.h"
#include "base/setting.h"
#include "route/health.h"

#define START 1000000u

static const struct routing_settings usual = {
	.cooldown = { .failure_ratio = 0.5, .min_requests = 5, .window_ms = 60000, .on_429 = true, .duration_ms = 5000,
	              .max_ms = 600000 },
	.breaker = { .consecutive_failures = 5, .open_for_ms = 30000, .half_open_probes = 1 },
};

/* ---- sequences ---- */

/*
 * G F S P N C R X   a whole call: good, failed, a stream cut in the middle, content policy, no model, credential, 429,
 *                   cancelled
 * ( )               begins one that goes on: to be ended by g f x; `(` must be let in, `)` must not
 * L l               as ( and ), as a last resort
 * g f x r a         ends the oldest one that goes on: good, failed, cancelled, 429, credential
 * 123               so many tenths of a second go by
 * i p c b           it is in, to be probed, cooling, broken
 * !                 the settings change: 2 in a row, 3 probes
 */
static const struct { const char *name, *script, *events; int64_t retry_after_ms; } cases[] = {
	{ "nothing ails it", "iGGGi", "", 0 },
	{ "four in a row are not enough", "FFFFGi", "", 0 },
	{ "five are", "FFFFFb", "opened:breaker:30000", 0 },
	{ "unless one was good in between", "GGGGGGGGGFFFFGFFFFi", "", 0 },
	{ "open for so long", "FFFFFb299b1p", "opened:breaker:30000", 0 },
	{ "open: nobody is let in", "FFFFF)200)b", "opened:breaker:30000", 0 },
	{ "a good probe closes it", "FFFFF300pGiGGi", "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "a bad one opens it again", "FFFFF300Fb299b1p",
	  "opened:breaker:30000 half_opened:breaker opened:breaker:30000", 0 },
	{ "one probe at a time", "FFFFF300(b)gi", "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "a cancelled probe gives its place back", "FFFFF300(bxp(gi",
	  "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "a probe that is the client's fault has shown that it works", "FFFFF300Pi",
	  "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "a probe over its limit shows nothing yet", "FFFFF300Rc49c1p",
	  "opened:breaker:30000 half_opened:breaker cooled:rate_limit:5000", 0 },
	{ "what began before it opened does not open it again", "(((FFFFFb100fffb199b1pG i",
	  "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "nor does it close it", "(FFFFFgb", "opened:breaker:30000", 0 },
	{ "streams that are cut are failures in a row", "SSSSSb", "opened:breaker:30000", 0 },
	{ "client's faults are none", "PPPPPPPPPi", "", 0 },
	{ "four of five fail", "GFFFFc49c1i", "cooled:failure_ratio:5000", 0 },
	{ "half of them is not more than half", "GFGFGFGFi", "", 0 },
	{ "more than half is", "GGFGFFGFFc", "cooled:failure_ratio:5000", 0 },
	{ "too few say nothing", "GFFFi", "", 0 },
	{ "old ones do not count", "FFFG700FFFi", "", 0 },
	{ "those of the window do", "FFFG500Fc", "cooled:failure_ratio:5000", 0 },
	{ "a 429 cools it at once", "Rc49c1i", "cooled:rate_limit:5000", 0 },
	{ "and again", "R50Rc", "cooled:rate_limit:5000 cooled:rate_limit:5000", 0 },
	{ "retry-after makes it longer", "Rc199c1i", "cooled:rate_limit:20000", 20000 },
	{ "up to a bound", "Rc5999c1i", "cooled:rate_limit:600000", 3600000 },
	{ "never shorter", "Rc49c1i", "cooled:rate_limit:5000", 1000 },
	{ "many 429 at once are one change", "((((Rcrrrr", "cooled:rate_limit:5000", 0 },
	{ "a credential cools it with alarm", "Cc49c1i", "cooled:credential:5000!", 0 },
	{ "an alarm is heard while it cools", "(Rac", "cooled:rate_limit:5000 cooled:credential:5000!", 0 },
	{ "no such model cools it with alarm", "Nc", "cooled:no_model:5000!", 0 },
	{ "refused again and again, it is broken", "C50C50C50C50Cb300p",
	  "cooled:credential:5000! cooled:credential:5000! cooled:credential:5000! cooled:credential:5000! "
	  "opened:breaker:30000 cooled:credential:5000!", 0 },
	{ "cooling: nobody is let in, but as a last resort", "R)LgLgc", "cooled:rate_limit:5000", 0 },
	{ "broken: as a last resort one at a time", "FFFFFLlll10lfL", "opened:breaker:30000", 0 },
	{ "and one a second", "FFFFFLfll9l1Lf9l1Lfb", "opened:breaker:30000", 0 },
	{ "a good one closes it", "FFFFF10Lgi", "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "other settings count from now on", "FF!iFb300p",
	  "opened:breaker:30000", 0 },
	{ "three probes", "!FF300GpGpGi", "opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "of which one is bad", "!FF300GpGpFb300GpGpGi",
	  "opened:breaker:30000 half_opened:breaker opened:breaker:30000 half_opened:breaker closed:none", 0 },
	{ "after it closed all begins anew", "FFFFF300GFFFi",
	  "opened:breaker:30000 half_opened:breaker closed:none", 0 },
};

struct play {
	const char *row;
	struct health *h;
	struct routing_settings s;
	uint64_t now;
	int64_t retry_after_ms;
	struct health_use going[16];
	unsigned n_going, first;
	struct buf events;
};

static void on_event(void *arg, const struct health_event *e)
{
	struct play *p = arg;
	char text[128];
	int n = snprintf(text, sizeof text, "%s%s:%s", p->events.n ? " " : "", health_change_name(e->change),
	                 health_why_name(e->why));

	if (e->for_ms)
		n += snprintf(text + n, sizeof text - (size_t)n, ":%llu", (unsigned long long)e->for_ms);
	check(p->row, buf_append(&p->events, str_of(text, (size_t)n)));
	if (e->alarm)
		check(p->row, buf_append(&p->events, STR("!")));
	check_str(p->row, e->deployment, STR("p/m"));
}

static void end(struct play *p, struct health_use *u, char how)
{
	struct health_outcome o = { .cancelled = how == 'X' };

	switch (how) {
	case 'G': health_good(u, 1000, false, &p->s, p->now); break;
	case 'S': health_good(u, 1000, true, &p->s, p->now); /* fall through */
	case 'F': health_bad(u, FAILURE_TRANSIENT, p->retry_after_ms, &p->s, p->now); break;
	case 'P': health_bad(u, FAILURE_CONTENT_POLICY, -1, &p->s, p->now); break;
	case 'N': health_bad(u, FAILURE_NO_MODEL, -1, &p->s, p->now); break;
	case 'C': health_bad(u, FAILURE_CREDENTIAL, -1, &p->s, p->now); break;
	case 'R': health_bad(u, FAILURE_RATE_LIMIT, p->retry_after_ms, &p->s, p->now); break;
	case 'X': break;
	default: check(p->row, !"a letter of the script");
	}
	health_done(u, &o, &p->s, p->now);
	check(p->row, u->health == NULL);
}

static void step(struct play *p, char c)
{
	struct health_use u;
	bool last_resort = c == 'L' || c == 'l';
	enum health_verdict v = health_verdict(p->h, p->now);

	switch (c) {
	case ' ': return;
	case '(': case 'L': case ')': case 'l':
		check(p->row, health_begin(p->h, NULL, 0, last_resort, &p->s, p->now, &u) == (c == '(' || c == 'L'));
		if (c == '(' || c == 'L')
			p->going[p->n_going++] = u;
		return;
	case 'g': case 'f': case 'x': case 'r':
		check(p->row, p->first < p->n_going);
		end(p, &p->going[p->first++], (char)(c - 'a' + 'A'));
		return;
	case 'a': end(p, &p->going[p->first++], 'C'); return;
	case 'i': check(p->row, v == HEALTH_IN); return;
	case 'p': check(p->row, v == HEALTH_PROBE); return;
	case 'c': check(p->row, v == HEALTH_COOLING); return;
	case 'b': check(p->row, v == HEALTH_BROKEN); return;
	case '!':
		p->s.breaker.consecutive_failures = 2;
		p->s.breaker.half_open_probes = 3;
		return;
	default:
		check(p->row, health_begin(p->h, NULL, 0, false, &p->s, p->now, &u));
		end(p, &u, c);
	}
}

static void test_sequences(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct play p = { .row = cases[i].name, .h = health_of_configured(STR("p"), STR("m")), .s = usual,
			          .now = START, .events = buf_make(4096),
			          .retry_after_ms = cases[i].retry_after_ms ? cases[i].retry_after_ms : -1 };

		health_forget_all();
		health_on_event(on_event, &p);
		for (const char *at = cases[i].script; *at;) {
			char *after;

			if (*at >= '0' && *at <= '9') {
				p.now += 100 * strtoul(at, &after, 10);
				at = after;
			} else {
				step(&p, *at++);
			}
		}
		while (p.first < p.n_going)
			end(&p, &p.going[p.first++], 'X');
		check_str(p.row, buf_str(&p.events), str_from_z(cases[i].events));
		check_u64(p.row, health_load(p.h, p.now).in_flight, 0);
		buf_fini(&p.events);
		health_on_event(NULL, NULL);
	}
}

/* ---- limits ---- */

static struct health *fresh(void)
{
	struct health *h = health_of_configured(STR("p"), STR("m"));

	health_forget_all();
	return h;
}

static bool begins(struct health *h, const struct health_limits *l, uint32_t tokens, uint64_t now,
                   struct health_use *u)
{
	return health_begin(h, l, tokens, false, &usual, now, u);
}

static void ends(struct health_use *u, uint64_t tokens, uint64_t now)
{
	health_good(u, 1000, false, &usual, now);
	health_done(u, &(struct health_outcome){ .tokens = tokens, .output_tokens = 10, .took_us = 100000 }, &usual,
	            now);
}

/* At random times, bursts and pauses among them: in no sixty seconds, wherever they begin, are there more than rpm; and
 * what is refused finds room when it was told so, and hardly later than it had to wait. */
static void test_window_of_requests(void **state)
{
	enum { N = 20000, RPM = 100 };
	static const struct health_limits l = { RPM, SETTING_UNSET, SETTING_UNSET };
	static uint64_t passed[N];
	struct health *h = fresh();
	uint64_t now = 12345;
	size_t n = 0;

	rand_seed(1);
	for (int i = 0; i < 60000 && n < N; i++) {
		struct health_use u;
		uint32_t room;

		now += rand_below(20) ? rand_below(400) : rand_below(100000);
		room = health_room(h, &l, 0, now);
		check_u64("room and begin agree", begins(h, &l, 0, now, &u), room == 0);
		if (room) {
			check("not longer than the window", room <= 61440);
			check("the oldest of the window is still in it", n >= RPM && passed[n - RPM] + 61440 >= now);
			check_u64("then there is room", health_room(h, &l, 0, now + room), 0);
			check("and not before", health_room(h, &l, 0, now + room - 1) != 0);
			continue;
		}
		passed[n++] = now;
		check("sixty seconds", n <= RPM || now - passed[n - 1 - RPM] >= 60000);
		ends(&u, 0, now);
	}
	check("enough of them", n > 5000);
}

static void test_window_of_tokens(void **state)
{
	enum { N = 20000, TPM = 50000 };
	static const struct health_limits l = { SETTING_UNSET, TPM, SETTING_UNSET };
	static struct { uint64_t at; uint32_t tokens; } passed[N];
	struct health *h = fresh();
	uint64_t now = 999, sum = 0;
	size_t n = 0, first = 0;

	rand_seed(2);
	for (int i = 0; i < 40000 && n < N; i++) {
		struct health_use u;
		uint32_t tokens = 1 + (uint32_t)rand_below(2000), used = 1 + (uint32_t)rand_below(tokens);

		now += rand_below(20) ? rand_below(2000) : rand_below(100000);
		for (; first < n && passed[first].at + 60000 <= now; first++)
			sum -= passed[first].tokens;
		if (!begins(h, &l, tokens, now, &u)) {
			check("it would have been too much, nearly", health_load(h, now).tokens_minute + tokens > TPM);
			continue;
		}
		check("no more than that in sixty seconds", sum + tokens <= TPM);
		ends(&u, used, now + rand_below(500));
		passed[n].at = now;
		passed[n++].tokens = used;
		sum += used;
	}
	check("enough of them", n > 5000);
}

static void test_tokens_are_corrected(void **state)
{
	static const struct health_limits l = { SETTING_UNSET, 1000, SETTING_UNSET };
	struct health *h = fresh();
	struct health_use a, b;

	check("more than the limit, in an empty window", begins(h, &l, 5000, START, &a));
	check("then there is nothing left", !begins(h, &l, 1, START, &b));
	ends(&a, 300, START + 10);
	check_u64("it was less", health_load(h, START + 10).tokens_minute, 300);
	check("so there is room", begins(h, &l, 700, START + 20, &b));
	ends(&b, 900, START + 30);
	check_u64("it was more", health_load(h, START + 30).tokens_minute, 1200);
	check("so there is none", health_room(h, &l, 1, START + 40) > 50000);
	check("it may be unknown", begins(h, &l, 400, START + 70000, &a));
	ends(&a, 0, START + 70000);
	check_u64("then it stays", health_load(h, START + 70001).tokens_minute, 400);
	check("given back after it left the window", begins(h, &l, 500, START + 71000, &a));
	ends(&a, 1, START + 171000);
	check_u64("that is nothing", health_load(h, START + 171000).tokens_minute, 0);
	check("without a limit", begins(h, NULL, 0, START + 180000, &a));
	ends(&a, 77, START + 180000);
	check_u64("they are counted all the same", health_load(h, START + 180000).tokens_minute, 77);
	check("begins", begins(h, &l, 500, START + 250000, &a));
	check_u64("taken", health_load(h, START + 250000).tokens_minute, 500);
	health_done(&a, &(struct health_outcome){ .refused = true }, &usual, START + 250010);
	check_u64("of what was refused nothing stays", health_load(h, START + 250010).tokens_minute, 0);
}

static void test_max_parallel_and_closed(void **state)
{
	static const struct health_limits two = { SETTING_UNSET, SETTING_UNSET, 2 };
	static const struct health_limits none = { 0, SETTING_UNSET, SETTING_UNSET };
	struct health *h = fresh();
	struct health_use a, b, c;

	check("one", begins(h, &two, 0, START, &a));
	check("two", begins(h, &two, 0, START, &b));
	check_u64("room", health_room(h, &two, 0, START), 1);
	check("not three", !begins(h, &two, 0, START, &c));
	ends(&a, 0, START);
	check("two again", begins(h, &two, 0, START, &a));
	ends(&a, 0, START);
	ends(&b, 0, START);
	check("a limit of 0 is closed", !begins(h, &none, 0, START, &a) && health_room(h, &none, 0, START) > 60000);
	check_u64("in flight", health_load(h, START).in_flight, 0);
	check_u64("of the minute", health_load(h, START).requests_minute, 3);
	check_u64("of the next", health_load(h, START + 61500).requests_minute, 0);
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void check_near(const char *row, uint32_t got, uint32_t want)
{
	if (got < want * 0.94 - 1 || got > want * 1.06 + 1)
		print_error("got %u, want %u\n", got, want);
	check(row, got >= want * 0.94 - 1 && got <= want * 1.06 + 1);
}

static void test_percentiles(void **state)
{
	enum { N = 5000 };
	static const struct { enum health_percentile p; unsigned percent; } of[] = {
		{ HEALTH_P50, 50 }, { HEALTH_P75, 75 }, { HEALTH_P90, 90 }, { HEALTH_P99, 99 },
	};
	static uint32_t latency[N], speed[N];
	struct health *h = fresh();
	uint64_t now = START;

	rand_seed(3);
	check_u64("nothing is known", health_latency_us(h, HEALTH_P50, now), 0);
	for (int i = 0; i < N; i++) {
		struct health_use u;
		uint32_t took = 20000 + (uint32_t)rand_below(i % 20 ? 400000 : 9000000);
		uint32_t tokens = 20 + (uint32_t)rand_below(800);

		now += rand_below(100);
		check("it begins", begins(h, NULL, 0, now, &u));
		latency[i] = 500 + (uint32_t)rand_below(took);
		speed[i] = (uint32_t)(tokens * UINT64_C(1000000000) / took);
		health_good(&u, latency[i], true, &usual, now);
		health_done(&u, &(struct health_outcome){ .output_tokens = tokens, .took_us = took }, &usual, now);
		if (i == HEALTH_SAMPLES_MIN - 2)
			check_u64("too few", health_latency_us(h, HEALTH_P50, now + 2000), 0);
	}
	check("within the five minutes", now < START + 290000);
	qsort(latency, N, sizeof *latency, by_size);
	qsort(speed, N, sizeof *speed, by_size);
	for (size_t i = 0; i < COUNT_OF(of); i++) {
		unsigned rank = (N * of[i].percent + 99) / 100;

		check_near("latency", health_latency_us(h, of[i].p, now + 2000), latency[rank - 1]);
		check_near("throughput", health_throughput_milli(h, of[i].p, now + 2000), speed[N - rank]);
	}
	check_u64("later they are forgotten", health_latency_us(h, HEALTH_P99, now + 400000), 0);
	check_u64("both", health_throughput_milli(h, HEALTH_P50, now + 400000), 0);
}

static void sample(struct health *h, uint32_t first_byte_us, uint32_t took_us, uint64_t now)
{
	struct health_use u;

	check("it begins", begins(h, NULL, 0, now, &u));
	health_good(&u, first_byte_us, true, &usual, now);
	health_done(&u, &(struct health_outcome){ .output_tokens = 100, .took_us = took_us }, &usual, now);
}

static void test_speed_fades(void **state)
{
	struct health *h = fresh();
	uint64_t now = START;
	struct health_speed s = health_speed(h, now);

	check("unknown", s.first_byte_us == 0 && s.per_token_us == 0 && s.seen_ms == 0);
	sample(h, 500000, 2000000, now);
	s = health_speed(h, now);
	check("the first one counts", s.first_byte_us == 500000 && s.per_token_us == 20000 && s.seen_ms == now);
	for (int i = 0; i < 50; i++)
		sample(h, 500000, 2000000, now += 100);
	/* it has become ten times faster: after two minutes that is what is known, however many there were before */
	now += 120000;
	for (int i = 0; i < 20; i++)
		sample(h, 50000, 200000, now += 1000);
	s = health_speed(h, now);
	check("the old ones have faded", s.first_byte_us < 110000 && s.per_token_us < 4400);
	check("and are not all gone", s.first_byte_us >= 50000 && s.per_token_us >= 2000);
	s = health_speed(h, now + 301000);
	check("not frozen for ever", s.first_byte_us == 0 && s.per_token_us == 0);
}

/* ---- threads ---- */

#define THREADS 4
static struct {
	struct health *h;
	atomic_uint at_once, most, probes_at_once, most_probes, passed;
	atomic_ullong clock;
} ring;

static void on_thread_event(void *arg, const struct health_event *e)
{
	atomic_fetch_add((atomic_uint *)arg + e->change, 1);
}

static void raise_to(atomic_uint *most, unsigned n)
{
	unsigned seen = atomic_load(most);

	while (n > seen && !atomic_compare_exchange_weak(most, &seen, n))
		;
}

/* Breaks, is probed, heals, is cancelled, all at once; the clock is shared, and each thread moves it. */
static void *hammer(void *arg)
{
	static const struct health_limits l = { SETTING_UNSET, SETTING_UNSET, 3 };

	rand_seed(100 + (uint64_t)(uintptr_t)arg);
	for (int i = 0; i < 100000; i++) {
		uint64_t now = atomic_fetch_add(&ring.clock, rand_below(40));
		struct health_use u;
		unsigned what = (unsigned)rand_below(10);

		if (!health_begin(ring.h, &l, 5, what == 9, &usual, now, &u))
			continue;
		atomic_fetch_add(&ring.passed, 1);
		raise_to(&ring.most, atomic_fetch_add(&ring.at_once, 1) + 1);
		if (u.probe)
			raise_to(&ring.most_probes, atomic_fetch_add(&ring.probes_at_once, 1) + 1);
		if (u.probe)
			atomic_fetch_sub(&ring.probes_at_once, 1);
		if (what < 5)
			health_good(&u, 1000, what & 1, &usual, now);
		if (what > 3 && what < 9)
			health_bad(&u, what == 5 ? FAILURE_RATE_LIMIT : FAILURE_TRANSIENT, -1, &usual, now);
		atomic_fetch_sub(&ring.at_once, 1);
		health_done(&u, &(struct health_outcome){ .tokens = 7, .output_tokens = 3, .took_us = 9000 }, &usual,
		            now);
	}
	return NULL;
}

static void test_threads(void **state)
{
	atomic_uint changes[4] = { 0 };
	pthread_t threads[THREADS];
	struct health_use u;
	uint64_t now;

	ring.h = fresh();
	atomic_store(&ring.clock, START);
	health_on_event(on_thread_event, changes);
	for (uintptr_t i = 0; i < THREADS; i++)
		check("a thread", pthread_create(&threads[i], NULL, hammer, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	health_on_event(NULL, NULL);
	check_u64("nothing is in flight", health_load(ring.h, atomic_load(&ring.clock)).in_flight, 0);
	check("never more than its limit", atomic_load(&ring.most) <= 3);
	check("one probe at a time", atomic_load(&ring.most_probes) == 1);
	check("it was let in now and then", atomic_load(&ring.passed) > 1000);
	check("it opened", changes[HEALTH_OPENED] > 0 && changes[HEALTH_CLOSED] > 0);
	/* each closing ends a half open state, and each of these an open one */
	check("changes follow each other", changes[HEALTH_CLOSED] <= changes[HEALTH_HALF_OPENED] &&
	      changes[HEALTH_OPENED] >= changes[HEALTH_CLOSED] &&
	      changes[HEALTH_OPENED] <= changes[HEALTH_HALF_OPENED] + 1);
	/* no probe's place is lost: later it can be had, and closes it */
	now = atomic_load(&ring.clock) + 700000;
	check("it is in, or to be probed", health_verdict(ring.h, now) <= HEALTH_PROBE);
	check("it begins", begins(ring.h, NULL, 0, now, &u));
	ends(&u, 0, now);
	check("it is in", health_verdict(ring.h, now) == HEALTH_IN);
}

static void *hammer_rpm(void *arg)
{
	static const struct health_limits l = { 1000, SETTING_UNSET, SETTING_UNSET };

	for (int i = 0; i < 50000; i++) {
		uint64_t now = START + (uint64_t)i / 1000;      /* fifty milliseconds in all */
		struct health_use u;

		if (!begins(ring.h, &l, 0, now, &u))
			continue;
		atomic_fetch_add(&ring.passed, 1);
		ends(&u, 3, now);
	}
	return arg;
}

static void test_rpm_on_threads(void **state)
{
	pthread_t threads[THREADS];

	ring.h = fresh();
	atomic_store(&ring.passed, 0);
	for (int i = 0; i < THREADS; i++)
		check("a thread", pthread_create(&threads[i], NULL, hammer_rpm, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_u64("exactly as many as may", atomic_load(&ring.passed), 1000);
	check_u64("tokens", health_load(ring.h, START + 50).tokens_minute, 3000);
}

/* ---- the registry, keys ---- */

static void test_outage(void **state)
{
	struct play p = { .row = "outage", .h = fresh(), .s = usual, .now = START, .retry_after_ms = -1 };

	step(&p, 'G');
	check("none", !health_outage_within(p.h, 30000, p.now));
	check_u64("back", health_back_ms(p.h), 0);
	step(&p, 'R');
	check("one", health_outage_within(p.h, 30000, p.now) && health_why(p.h) == HEALTH_WHY_RATE_LIMIT);
	check_u64("back", health_back_ms(p.h), START + 5000);
	check("still", health_outage_within(p.h, 30000, p.now + 29999));
	check("no longer", !health_outage_within(p.h, 30000, p.now + 30000));
}

static void on_count(void *arg, const struct health_event *e)
{
	*(unsigned *)arg += e->of_key ? 1 : 100;
}

static void test_keys(void **state)
{
	struct health_key *one = health_key_of(STR("p"), 1, STR("secret"));
	struct health_key *two = health_key_of(STR("p"), 2, STR("other"));
	unsigned events = 0;

	assert_ptr_equal(one, health_key_of(STR("p"), 1, STR("secret")));
	check("another", one != two && one != health_key_of(STR("p"), 1, STR("new")));
	check("another's", one != health_key_of(STR("q"), 1, STR("secret")));
	health_on_event(on_count, &events);
	health_key_bad(one, FAILURE_TRANSIENT, -1, &usual, START);
	check("that is not the key's fault", health_key_in(one, START));
	health_key_bad(one, FAILURE_RATE_LIMIT, 20000, &usual, START);
	health_key_bad(one, FAILURE_RATE_LIMIT, 1000, &usual, START);
	check("left alone", !health_key_in(one, START + 19999) && health_key_in(one, START + 20000));
	check("the other is not", health_key_in(two, START));
	check_u64("told once", events, 1);
	health_on_event(NULL, NULL);
}

static void test_made_up_names_have_a_ceiling(void **state)
{
	struct health *last = NULL, *h;
	struct health_use u;
	char name[32];

	for (unsigned i = 0; i < HEALTH_MAX + 10; i++) {
		int n = snprintf(name, sizeof name, "made-up-%u", i);

		last = health_of(STR("p"), str_of(name, (size_t)n));
	}
	assert_ptr_equal(last, health_of(STR("p"), STR("yet another")));
	check("one of them", health_of(STR("p"), STR("made-up-1")) != last);
	h = health_of_configured(STR("p"), STR("of the configuration"));
	check("is never shared", h != last && health_is_configured(h));
	assert_ptr_equal(h, health_of(STR("p"), STR("of the configuration")));
	for (int i = 0; i < 100; i++) {
		check("it begins", begins(last, NULL, 0, START, &u));
		health_bad(&u, FAILURE_TRANSIENT, -1, &usual, START);
		health_done(&u, &(struct health_outcome){ 0 }, &usual, START);
	}
	check("and never out", health_verdict(last, START) == HEALTH_IN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_window_of_requests),
		cmocka_unit_test(test_window_of_tokens),
		cmocka_unit_test(test_tokens_are_corrected),
		cmocka_unit_test(test_max_parallel_and_closed),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_speed_fades),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_rpm_on_threads),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_made_up_names_have_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
