/* SPDX-License-Identifier: Apache-2.0 */
/* health: who is in or out, and what a call takes and gives back. */
#include <assert.h>
#include <string.h>

#include "route/health_in.h"

/* Of calls to a deployment that is known to be broken, because there is no other. */
#define LAST_RESORT_EVERY_MS 1000

/* What the lock's holder saw change, to be told when it has given the lock back; at most two changes at once. */
struct changes { unsigned n; struct health_event of[2]; };

static void change(struct changes *c, const struct health *h, enum health_change what, enum health_why why,
                   uint64_t for_ms)
{
	assert(c->n < COUNT_OF(c->of));
	c->of[c->n++] = (struct health_event){
		.deployment = h->name, .change = what, .why = why, .for_ms = for_ms,
		.alarm = what == HEALTH_COOLED && health_why_alarms(why),
	};
}

static void tell(const struct changes *c)
{
	for (unsigned i = 0; i < c->n; i++)
		health_tell(&c->of[i]);
}

/* ---- in or out ---- */

static COLD NOINLINE enum health_verdict look_closer(const struct health *h, uint64_t now_ms)
{
	enum breaker breaker = atomic_load_explicit(&h->breaker, RELAXED);

	if (breaker == BREAKER_OPEN && now_ms < atomic_load_explicit(&h->open_until_ms, RELAXED))
		return HEALTH_BROKEN;
	if (now_ms < atomic_load_explicit(&h->cool_until_ms, RELAXED))
		return HEALTH_COOLING;
	if (breaker == BREAKER_CLOSED)
		return HEALTH_IN;
	return atomic_load_explicit(&h->probing, RELAXED) ? HEALTH_BROKEN : HEALTH_PROBE;
}

enum health_verdict health_verdict(const struct health *h, uint64_t now_ms)
{
	if (likely(!atomic_load_explicit(&h->look, RELAXED)))
		return HEALTH_IN;
	return look_closer(h, now_ms);
}

uint64_t health_back_ms(const struct health *h)
{
	uint64_t cool_until_ms = atomic_load_explicit(&h->cool_until_ms, RELAXED);
	uint64_t open_until_ms = atomic_load_explicit(&h->open_until_ms, RELAXED);

	if (!atomic_load_explicit(&h->look, RELAXED))
		return 0;
	return cool_until_ms > open_until_ms ? cool_until_ms : open_until_ms;
}

enum health_why health_why(const struct health *h)
{
	if (!atomic_load_explicit(&h->look, RELAXED))
		return HEALTH_WHY_NONE;
	if (atomic_load_explicit(&h->breaker, RELAXED) != BREAKER_CLOSED)
		return HEALTH_WHY_BREAKER;
	return atomic_load_explicit(&h->why, RELAXED);
}

bool health_outage_within(const struct health *h, uint64_t window_ms, uint64_t now_ms)
{
	uint64_t at = atomic_load_explicit(&h->outage_ms, RELAXED);

	return at && now_ms < at + window_ms;
}

/* All that follows, up to the calls, is under the lock. */

static void set(_Atomic uint64_t *to, uint64_t v) { atomic_store_explicit(to, v, RELAXED); }

/* Left alone for so long; what it is left alone for already is only made longer. */
static void cool(struct health *h, enum health_why why, uint64_t for_ms, uint64_t now_ms, struct changes *c)
{
	uint64_t until_ms = atomic_load_explicit(&h->cool_until_ms, RELAXED);
	enum health_why before = atomic_load_explicit(&h->why, RELAXED);
	bool cooling = now_ms < until_ms;

	if (now_ms + for_ms > until_ms)
		set(&h->cool_until_ms, now_ms + for_ms);
	set(&h->outage_ms, now_ms);
	atomic_store_explicit(&h->look, 1, RELAXED);
	if (cooling && (why == before || !health_why_alarms(why)))
		return;
	atomic_store_explicit(&h->why, why, RELAXED);
	change(c, h, HEALTH_COOLED, why, for_ms);
}

static void forget_share(struct health *h)
{
	memset(h->share, 0, sizeof h->share);
	h->share_bad = 0;
	atomic_store_explicit(&h->share_good, 0, RELAXED);
}

static void open_breaker(struct health *h, uint64_t for_ms, uint64_t now_ms, struct changes *c)
{
	atomic_store_explicit(&h->breaker, BREAKER_OPEN, RELAXED);
	set(&h->open_until_ms, now_ms + for_ms);
	set(&h->outage_ms, now_ms);
	h->last_resort_ms = 0;
	atomic_store_explicit(&h->look, 1, RELAXED);
	change(c, h, HEALTH_OPENED, HEALTH_WHY_BREAKER, for_ms);
}

static void close_breaker(struct health *h, struct changes *c)
{
	atomic_store_explicit(&h->breaker, BREAKER_CLOSED, RELAXED);
	set(&h->open_until_ms, 0);
	set(&h->cool_until_ms, 0);
	atomic_store_explicit(&h->failed_in_row, 0, RELAXED);
	atomic_store_explicit(&h->look, 0, RELAXED);
	forget_share(h);
	change(c, h, HEALTH_CLOSED, HEALTH_WHY_NONE, 0);
}

static void half_open(struct health *h, struct changes *c)
{
	atomic_store_explicit(&h->breaker, BREAKER_HALF, RELAXED);
	h->probes_good = 0;
	change(c, h, HEALTH_HALF_OPENED, HEALTH_WHY_BREAKER, 0);
}

/* ---- the share of failures ---- */

/* The next part of the window begins. */
static void turn_share(struct health *h, const struct cooldown_settings *s, uint64_t now_ms)
{
	uint64_t end_ms = atomic_load_explicit(&h->share_end_ms, RELAXED);

	if (now_ms < end_ms)
		return;
	h->share[h->share_at].end_ms = end_ms;
	h->share[h->share_at].good = atomic_exchange_explicit(&h->share_good, 0, RELAXED);
	h->share[h->share_at].bad = h->share_bad;
	h->share_at = (h->share_at + 1) % SHARE_PARTS;
	h->share_bad = 0;
	set(&h->share_end_ms, now_ms + (uint64_t)s->window_ms / SHARE_PARTS + 1);
}

static COLD NOINLINE void turn_share_locked(struct health *h, const struct cooldown_settings *s, uint64_t now_ms)
{
	pthread_mutex_lock(&h->lock);
	turn_share(h, s, now_ms);
	pthread_mutex_unlock(&h->lock);
}

/* More than the share, or all, of enough of them. */
static bool is_failing(const struct health *h, const struct cooldown_settings *s, uint64_t now_ms)
{
	uint64_t good = atomic_load_explicit(&h->share_good, RELAXED), bad = h->share_bad;

	for (unsigned i = 0; i < SHARE_PARTS; i++)
		if (h->share[i].end_ms + (uint64_t)s->window_ms > now_ms) {
			good += h->share[i].good;
			bad += h->share[i].bad;
		}
	return good + bad >= (uint64_t)s->min_requests &&
	       (good == 0 || (double)bad > s->failure_ratio * (double)(good + bad));
}

/* ---- one call ---- */

/* Is there a place for it, by its state? Sets `probe` if it is to show whether it works. */
static bool may_begin(struct health *h, bool last_resort, uint64_t now_ms, bool *probe)
{
	bool broken = atomic_load_explicit(&h->breaker, RELAXED) != BREAKER_CLOSED;

	switch (look_closer(h, now_ms)) {
	case HEALTH_IN:
		return true;
	case HEALTH_PROBE:
		return *probe = true;
	case HEALTH_COOLING:
		if (!last_resort || (broken && atomic_load_explicit(&h->probing, RELAXED)))
			return false;
		*probe = broken;
		return true;
	case HEALTH_BROKEN:
		break;
	}
	if (!last_resort || atomic_load_explicit(&h->probing, RELAXED) ||
	    (h->last_resort_ms && now_ms < h->last_resort_ms + LAST_RESORT_EVERY_MS))
		return false;
	h->last_resort_ms = now_ms;
	return *probe = true;
}

static ALWAYS_INLINE void take(struct health *h, uint32_t tick, uint32_t tokens, struct health_use *out)
{
	*out = (struct health_use){ .health = h, .tick = tick, .tokens = tokens };
	atomic_fetch_add_explicit(&h->in_flight, 1, RELAXED);
	atomic_fetch_add_explicit(&h->requests, 1, RELAXED);
	atomic_fetch_add_explicit(&h->requests_of[tick % WINDOW_RING], 1, RELAXED);
}

static COLD NOINLINE bool begin_closely(struct health *h, const struct health_limits *l, uint32_t tokens,
                                        bool last_resort, uint64_t now_ms, struct health_use *out)
{
	uint32_t tick = health_tick(h, now_ms);
	struct changes c = { 0 };
	bool probe = false, good;

	pthread_mutex_lock(&h->lock);
	good = health_room(h, l, tokens, now_ms) == 0 && may_begin(h, last_resort, now_ms, &probe);
	if (good) {
		tokens = l && l->tpm >= 0 ? tokens : 0;
		take(h, tick, tokens, out);
		atomic_fetch_add_explicit(&h->tokens, tokens, RELAXED);
		atomic_fetch_add_explicit(&h->tokens_of[tick % WINDOW_RING], tokens, RELAXED);
	}
	if (good && probe) {
		out->probe = true;
		atomic_store_explicit(&h->probing, true, RELAXED);
		/* a last resort, while it is open, is not worth a word */
		if (atomic_load_explicit(&h->breaker, RELAXED) == BREAKER_OPEN &&
		    now_ms >= atomic_load_explicit(&h->open_until_ms, RELAXED))
			half_open(h, &c);
	}
	if (good && atomic_load_explicit(&h->breaker, RELAXED) == BREAKER_CLOSED &&
	    now_ms >= atomic_load_explicit(&h->cool_until_ms, RELAXED))
		atomic_store_explicit(&h->look, 0, RELAXED);
	pthread_mutex_unlock(&h->lock);
	tell(&c);
	return good;
}

HOT bool health_begin(struct health *h, const struct health_limits *l, uint32_t tokens, bool last_resort,
                      const struct routing_settings *s, uint64_t now_ms, struct health_use *out)
{
	if (unlikely(l != NULL || atomic_load_explicit(&h->look, RELAXED)))
		return begin_closely(h, h->shared ? NULL : l, tokens, last_resort, now_ms, out);
	take(h, health_tick(h, now_ms), 0, out);
	return true;
}

static COLD NOINLINE void probe_good(struct health_use *u, const struct breaker_settings *s)
{
	struct health *h = u->health;
	struct changes c = { 0 };

	pthread_mutex_lock(&h->lock);
	u->probe = false;
	atomic_store_explicit(&h->probing, false, RELAXED);
	switch ((enum breaker)atomic_load_explicit(&h->breaker, RELAXED)) {
	case BREAKER_CLOSED:
		break;
	case BREAKER_OPEN:
		half_open(h, &c);
		/* fall through */
	case BREAKER_HALF:
		if (++h->probes_good >= (uint64_t)s->half_open_probes)
			close_breaker(h, &c);
		break;
	}
	pthread_mutex_unlock(&h->lock);
	tell(&c);
}

void health_lift(struct health *h, uint64_t now_ms)
{
	struct changes c = { 0 };

	pthread_mutex_lock(&h->lock);
	if (now_ms < atomic_load_explicit(&h->cool_until_ms, RELAXED) &&
	    atomic_load_explicit(&h->why, RELAXED) != HEALTH_WHY_RATE_LIMIT) {
		atomic_store_explicit(&h->cool_until_ms, 0, RELAXED);
		if (atomic_load_explicit(&h->breaker, RELAXED) == BREAKER_CLOSED) {
			atomic_store_explicit(&h->look, 0, RELAXED);
			change(&c, h, HEALTH_CLOSED, HEALTH_WHY_NONE, 0);
		}
	}
	pthread_mutex_unlock(&h->lock);
	tell(&c);
}

bool health_take_probe(struct health *h, uint64_t every_ms, uint64_t now_ms)
{
	bool cools, yes = false;

	if (likely(!atomic_load_explicit(&h->look, RELAXED)))
		return false;
	pthread_mutex_lock(&h->lock);
	cools = now_ms < atomic_load_explicit(&h->cool_until_ms, RELAXED);
	if (atomic_load_explicit(&h->breaker, RELAXED) != BREAKER_CLOSED || cools)
		yes = !(cools && atomic_load_explicit(&h->why, RELAXED) == HEALTH_WHY_RATE_LIMIT) &&
		      now_ms - h->probed_ms >= every_ms;
	if (yes)
		h->probed_ms = now_ms;
	pthread_mutex_unlock(&h->lock);
	return yes;
}

HOT void health_good(struct health_use *u, uint32_t first_byte_us, bool stream, const struct routing_settings *s,
                     uint64_t now_ms)
{
	if (unlikely(!u->health || u->good || u->bad))
		return;
	u->good = true;
	if (unlikely(u->probe))
		probe_good(u, &s->breaker);
	health_figures_good(u->health, first_byte_us, stream, now_ms);
}

uint64_t health_cool_ms(const struct cooldown_settings *s, int64_t retry_after_ms)
{
	int64_t ms = retry_after_ms < s->max_ms ? retry_after_ms : s->max_ms;

	return (uint64_t)(ms > s->duration_ms ? ms : s->duration_ms);
}

/* It failed, and the breaker is closed. */
static void bad_while_closed(struct health *h, enum failure_class class, int64_t retry_after_ms,
                             const struct routing_settings *s, uint64_t now_ms, struct changes *c)
{
	uint64_t for_ms = health_cool_ms(&s->cooldown, retry_after_ms);
	bool counts = class != FAILURE_RATE_LIMIT;

	if (counts && atomic_fetch_add_explicit(&h->failed_in_row, 1, RELAXED) + 1 >=
	                      (uint64_t)s->breaker.consecutive_failures)
		open_breaker(h, (uint64_t)s->breaker.open_for_ms, now_ms, c);
	if (class == FAILURE_CREDENTIAL)
		cool(h, HEALTH_WHY_CREDENTIAL, for_ms, now_ms, c);
	else if (class == FAILURE_NO_MODEL)
		cool(h, HEALTH_WHY_NO_MODEL, for_ms, now_ms, c);
	else if (class == FAILURE_RATE_LIMIT && s->cooldown.on_429)
		cool(h, HEALTH_WHY_RATE_LIMIT, for_ms, now_ms, c);
	else if (c->n == 0 && is_failing(h, &s->cooldown, now_ms))
		cool(h, HEALTH_WHY_RATIO, for_ms, now_ms, c);
}

/* It failed, and was to show whether it works. */
static void bad_probe(struct health *h, enum failure_class class, int64_t retry_after_ms,
                      const struct routing_settings *s, uint64_t now_ms, struct changes *c)
{
	if (class == FAILURE_RATE_LIMIT && s->cooldown.on_429)
		cool(h, HEALTH_WHY_RATE_LIMIT, health_cool_ms(&s->cooldown, retry_after_ms), now_ms, c);
	else if (atomic_load_explicit(&h->breaker, RELAXED) == BREAKER_HALF)
		open_breaker(h, (uint64_t)s->breaker.open_for_ms, now_ms, c);
}

COLD void health_bad(struct health_use *u, enum failure_class class, int64_t retry_after_ms,
                     const struct routing_settings *s, uint64_t now_ms)
{
	struct health *h = u->health;
	struct changes c = { 0 };
	bool works = class == FAILURE_NONE || class == FAILURE_CONTENT_POLICY || class == FAILURE_CONTEXT_WINDOW ||
	             class == FAILURE_CLIENT;

	if (!h || u->bad)
		return;
	if (works || (class == FAILURE_NO_MODEL && !atomic_load_explicit(&h->configured, RELAXED))) {
		u->good = true;
		if (u->probe)
			probe_good(u, &s->breaker);
		return;
	}
	u->bad = true;
	pthread_mutex_lock(&h->lock);
	turn_share(h, &s->cooldown, now_ms);
	h->share_bad++;
	if (u->probe) {
		u->probe = false;
		atomic_store_explicit(&h->probing, false, RELAXED);
		bad_probe(h, class, retry_after_ms, s, now_ms, &c);
	} else if (!h->shared && atomic_load_explicit(&h->breaker, RELAXED) == BREAKER_CLOSED) {
		bad_while_closed(h, class, retry_after_ms, s, now_ms, &c);
	}
	pthread_mutex_unlock(&h->lock);
	tell(&c);
}

/* Its call is over, and has shown nothing. */
static COLD NOINLINE void give_probe_back(struct health *h)
{
	pthread_mutex_lock(&h->lock);
	atomic_store_explicit(&h->probing, false, RELAXED);
	pthread_mutex_unlock(&h->lock);
}

/* It used less than was taken: of what was, as long as that counts. */
static COLD NOINLINE void give_tokens_back(const struct health_use *u, uint32_t tokens)
{
	struct health *h = u->health;

	pthread_mutex_lock(&h->lock);
	if (atomic_load_explicit(&h->tick, RELAXED) - u->tick < WINDOW_TICKS) {
		atomic_fetch_sub_explicit(&h->tokens_of[u->tick % WINDOW_RING], tokens, RELAXED);
		atomic_fetch_sub_explicit(&h->tokens, tokens, RELAXED);
	}
	pthread_mutex_unlock(&h->lock);
}

static ALWAYS_INLINE void settle_tokens(const struct health_use *u, uint64_t tokens, bool refused, uint64_t now_ms)
{
	struct health *h = u->health;
	uint32_t used = tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX, more;

	if (used == u->tokens || (used == 0 && !refused))
		return;
	if (unlikely(used < u->tokens)) {
		give_tokens_back(u, u->tokens - used);
		return;
	}
	more = used - u->tokens;
	atomic_fetch_add_explicit(&h->tokens, more, RELAXED);
	atomic_fetch_add_explicit(&h->tokens_of[health_tick(h, now_ms) % WINDOW_RING], more, RELAXED);
}

HOT void health_done(struct health_use *u, const struct health_outcome *o, const struct routing_settings *s,
                     uint64_t now_ms)
{
	struct health *h = u->health;

	if (!h)
		return;
	if (unlikely(u->probe))
		give_probe_back(h);
	settle_tokens(u, o->tokens, o->refused, now_ms);
	if (likely(u->good && !u->bad && !o->cancelled)) {
		if (unlikely(atomic_load_explicit(&h->failed_in_row, RELAXED)))
			atomic_store_explicit(&h->failed_in_row, 0, RELAXED);
		if (unlikely(now_ms >= atomic_load_explicit(&h->share_end_ms, RELAXED)))
			turn_share_locked(h, &s->cooldown, now_ms);
		atomic_fetch_add_explicit(&h->share_good, 1, RELAXED);
		health_figures_done(h, o->output_tokens, o->took_us, now_ms);
	}
	atomic_fetch_sub_explicit(&h->in_flight, 1, RELAXED);
	*u = (struct health_use){ 0 };
}
