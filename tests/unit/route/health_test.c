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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
