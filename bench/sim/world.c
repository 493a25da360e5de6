/* SPDX-License-Identifier: Apache-2.0 */
/* world: virtual time, what happens in it, and the servers. */
#include "sim/world.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* ---- chance ---- */

static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t chance(uint64_t seed, uint64_t what, uint64_t which)
{
	return mix(mix(mix(seed) ^ what) ^ which);
}

double chance_unit(uint64_t seed, uint64_t what, uint64_t which)
{
	return ((double)(chance(seed, what, which) >> 11) + 0.5) * 0x1.0p-53;
}

double chance_exponential(uint64_t seed, uint64_t what, uint64_t which)
{
	return -log(chance_unit(seed, what, which));
}

/* Box and Muller. */
double chance_normal(uint64_t seed, uint64_t what, uint64_t which)
{
	double u = chance_unit(seed, what, which), v = chance_unit(seed, what ^ 0x5555555555555555, which);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* ---- agenda ---- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_us < b->at_us || (a->at_us == b->at_us && a->number < b->number);
}

void agenda_add(struct agenda *a, const struct event *e)
{
	unsigned at = a->n++;

	if (a->n > a->cap) {
		a->cap = a->cap ? 2 * a->cap : 1024;
		a->heap = mem_realloc(a->heap, a->cap * sizeof *a->heap);
	}
	a->heap[at] = *e;
	a->heap[at].number = ++a->number;
	for (unsigned up; at > 0 && is_before(&a->heap[at], &a->heap[up = (at - 1) / 2]); at = up) {
		struct event t = a->heap[at];

		a->heap[at] = a->heap[up];
		a->heap[up] = t;
	}
}

bool agenda_take(struct agenda *a, struct event *out)
{
	struct event last;
	unsigned at = 0;

	if (a->n == 0)
		return false;
	*out = a->heap[0];
	last = a->heap[--a->n];
	for (unsigned down; (down = 2 * at + 1) < a->n; at = down) {
		if (down + 1 < a->n && is_before(&a->heap[down + 1], &a->heap[down]))
			down++;
		if (!is_before(&a->heap[down], &last))
			break;
		a->heap[at] = a->heap[down];
	}
	if (a->n)
		a->heap[at] = last;
	return true;
}

/* ---- servers ---- */

static const struct sim_window *window_at(const struct server *s, double now_s)
{
	for (unsigned i = 0; i < SIM_WINDOWS_MAX; i++) {
		const struct sim_window *w = &s->is->windows[i];

		if (w->fault != SIM_WELL && now_s >= w->from_s && now_s < w->to_s)
			return w;
	}
	return NULL;
}

bool server_is_dead(const struct server *s, double now_s)
{
	const struct sim_window *w = window_at(s, now_s);

	return w && w->fault != SIM_SLOW;
}

/* Limits by the minute of the clock, as most providers have them. */
static bool is_over_limit(struct server *s, uint64_t now_us, struct reply *r)
{
	uint64_t minute = now_us / 60000000;

	if (s->is->rpm == 0)
		return false;
	if (minute != s->minute)
		s->in_minute = 0;
	s->minute = minute;
	if (s->in_minute++ < s->is->rpm)
		return false;
	*r = (struct reply){ .kind = REPLY_429,
		             .after_us = 20000,
		             .retry_after_s = (unsigned)(60 - now_us / 1000000 % 60) };
	return true;
}

struct reply server_ask(struct server *s, uint64_t seed, uint64_t call, uint64_t now_us, unsigned output_tokens)
{
	const struct sim_window *w = window_at(s, (double)now_us / 1e6);
	uint64_t what = 1000 + s->index;
	struct reply r = { .kind = REPLY_GOOD };
	double first_ms = s->is->first_byte_ms * exp(s->is->sigma * chance_normal(seed, what, call));
	double slower = 1;

	if (s->is->tail_share > 0 && chance_unit(seed, what + 100, call) < s->is->tail_share)
		first_ms *= s->is->tail_factor;
	if (s->is->slots && s->in_flight > s->is->slots)
		slower = (double)s->in_flight / s->is->slots;
	if (w && w->fault == SIM_SLOW)
		slower *= w->factor;
	r.after_us = (uint64_t)(first_ms * slower * 1000);
	r.answer_us = (uint64_t)(output_tokens / s->is->tokens_second * slower * 1e6);
	if (!w || w->fault == SIM_SLOW) {
		(void)is_over_limit(s, now_us, &r);
		return r;
	}
	switch (w->fault) {
	case SIM_REFUSES: return (struct reply){ .kind = REPLY_REFUSED, .after_us = 1000 };
	case SIM_UNREACHABLE: return (struct reply){ .kind = REPLY_NO_CONNECTION };
	case SIM_HANGS: return (struct reply){ .kind = REPLY_SILENCE };
	case SIM_500: return (struct reply){ .kind = REPLY_500, .after_us = 30000 };
	case SIM_CUTS: r.kind = REPLY_CUT; return r;
	case SIM_ERROR_EVENT: r.kind = REPLY_ERROR_EVENT; return r;
	case SIM_WELL:
	case SIM_SLOW:
	case SIM_FAULTS: break;
	}
	return r;
}
