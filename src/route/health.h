/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: what is known of one deployment (a model at a provider) from its own calls: is it out (cooldown, breaker),
 * how busy is it, how much of its limits is used, how fast is it. Never per provider: one model's outage says nothing
 * of the provider's others.
 *
 * One struct health for each provider and upstream model, found by name, so that it outlives reloads; never freed:
 * names that clients make up (through wildcards) have a ceiling (HEALTH_MAX), beyond which new ones share one that is
 * never out and has no limits. Shared by all loops: every function may be called on any thread. What each request
 * touches is atomic; changes of state and deployments with limits take a short lock of their own.
 *
 * All times are given: monotonic milliseconds, so that tests and the simulator move them.
 *
 *	if (health_verdict(h, now) …)                            // at PLAN: in, cooling, broken, to be probed
 *	if (!health_begin(h, &limits, tokens, s, now, &use)) …   // at ATTEMPT: full meanwhile: the next one
 *	health_good(&use, first_byte_us, stream, s, now)         // an answer began (a stream: its first event)
 *	health_bad(&use, FAILURE_TRANSIENT, -1, s, now)          // it failed, before or after it began
 *	health_done(&use, &outcome, s, now)                      // exactly once for each begin: gives back what it took
 *
 * The breaker counts failures in a row; the cooldown a share of failures in a window, a 429, a credential refused. Both
 * follow routing.cooldown and routing.breaker, which are given with each call, since they may change with a reload.
 *
 *	                   in a row    share of the window    at once
 *	transient             +1              +1
 *	credential            +1              +1              cooled, alarm
 *	no model              +1              +1              cooled, alarm (a name that a client made up: it works)
 *	rate limit             =              +1              cooled (cooldown.on_429)
 *	content policy, context window, client: it works, as if it had answered well
 *
 * An answer counts as a good one when it is done, so that streams which are all cut in the middle are failures in a
 * row. A call that its client ends is neither good nor bad. Open, the breaker lets nothing through for open_for; then
 * (half open) one call at a time, until half_open_probes of them were good, or one was bad.
 */
#ifndef SLUICE_ROUTE_HEALTH_H
#define SLUICE_ROUTE_HEALTH_H

#include "base/attr.h"
#include "base/str.h"
#include "route/failure.h"

struct health;

#define HEALTH_MAX 1024

/* Found or made, for a name that a client may have made up. The name is "PROVIDER/MODEL". Never NULL. Takes a lock only
 * when it is new. */
struct health *health_of(struct str provider, struct str model);
/* The same for a deployment of the configuration: never the shared one. */
struct health *health_of_configured(struct str provider, struct str model);
struct str health_name(const struct health *);
bool health_is_configured(const struct health *);        /* by some configuration since the start */
/* Visits all: health_next(NULL) is the first. */
struct health *health_next(struct health *);
/* For tests and the simulator: all are as if new. No call may be under way. */
void health_forget_all(void);

/* ---- in or out ---- */

enum health_verdict {
	HEALTH_IN,
	HEALTH_PROBE,                    /* half open: one request may show that it works; see health_begin */
	HEALTH_COOLING,
	HEALTH_BROKEN,
};
enum health_why { HEALTH_WHY_NONE, HEALTH_WHY_RATIO, HEALTH_WHY_RATE_LIMIT, HEALTH_WHY_CREDENTIAL, HEALTH_WHY_NO_MODEL,
	HEALTH_WHY_BREAKER };

enum health_verdict health_verdict(const struct health *, uint64_t now_ms);
/* When it may be back (monotonic); 0: it is in. In the past: it is half open and its probe is under way. */
uint64_t health_back_ms(const struct health *);
enum health_why health_why(const struct health *);
/* A failure that takes a deployment out for a time was seen within so many milliseconds (price_weighted). */
bool health_outage_within(const struct health *, uint64_t window_ms, uint64_t now_ms);

/* A change of state, for log, metrics and webhooks. Called on the thread that saw it, outside of any lock. */
enum health_change { HEALTH_COOLED, HEALTH_OPENED, HEALTH_HALF_OPENED, HEALTH_CLOSED };
struct health_event {
	struct str deployment;           /* or one of several keys: "openai, key 2" */
	enum health_change change;
	enum health_why why;
	uint64_t for_ms;                 /* how long it is out; 0: it is in */
	bool alarm;                      /* somebody must mend something: credential, model */
	bool of_key;                     /* of one of several keys of a provider */
};
typedef void health_event_fn(void *arg, const struct health_event *);
void health_on_event(health_event_fn *, void *arg);      /* at start, before threads; NULL: nobody listens */
const char *health_change_name(enum health_change);
const char *health_why_name(enum health_why);

/* ---- one call ---- */

struct health_limits { int64_t rpm, tpm, max_parallel; };    /* SETTING_UNSET: none. True sliding windows of 60 s */

/* What a call holds of a deployment. Zero: nothing. */
struct health_use {
	struct health *health;
	uint32_t tokens;                 /* taken beforehand of tpm */
	uint32_t tick : 29;              /* when */
	uint32_t probe : 1, good : 1, bad : 1;
};

/* How long until the limits (NULL: none) have room for one more request with so many tokens, milliseconds; 0: now.
 * max_parallel has no time: 1. A request larger than tpm itself has room in an empty window. */
uint32_t health_room(const struct health *, const struct health_limits *, uint32_t tokens, uint64_t now_ms);
/* The shortest time between calls of that many tokens at which they never meet the limits, if nobody else calls;
 * microseconds. 0: there are none by the minute. What a burst has used up comes back all at once, a minute later: until
 * then the rest is spread over the time. */
uint32_t health_pace_us(const struct health *, const struct health_limits *, uint32_t tokens, uint64_t now_ms);
/* Takes the room. False: there is none any more, or it is out by now, or (half open) the probe is under way.
 * `last_resort`: also while it is out: cooling always, broken at most one at a time and one a second. */
MUST_USE bool health_begin(struct health *, const struct health_limits *, uint32_t tokens, bool last_resort,
                           const struct routing_settings *, uint64_t now_ms, struct health_use *out);
void health_good(struct health_use *, uint32_t first_byte_us, bool stream, const struct routing_settings *,
                 uint64_t now_ms);
/* It was cancelled after so long, since another was faster: neither good nor bad, but no faster than that. */
void health_slow(struct health_use *, uint32_t took_us, bool stream, uint64_t now_ms);
void health_bad(struct health_use *, enum failure_class, int64_t retry_after_ms, const struct routing_settings *,
                uint64_t now_ms);
/* What it came to. tokens: input and output together, 0: not known (what was taken beforehand stays taken).
 * cancelled: its client ended it. refused: it was turned away unread, and what was taken of tpm is given back: else one
 * client's huge prompt, which nobody takes, would keep all others waiting for a minute. */
struct health_outcome { uint64_t tokens; uint32_t output_tokens, took_us; bool cancelled, refused; };
void health_done(struct health_use *, const struct health_outcome *, const struct routing_settings *, uint64_t now_ms);

/* It was shown to work: it cools no longer. */
void health_lift(struct health *, uint64_t now_ms);
/* True once every so many milliseconds while it is out for something that a probe would show. */
bool health_take_probe(struct health *, uint64_t every_ms, uint64_t now_ms);

/* ---- figures ---- */

struct health_load { uint32_t in_flight, requests_minute; uint64_t tokens_minute; };
struct health_load health_load(const struct health *, uint64_t now_ms);

/* Decaying estimates, microseconds; 0: not known (never seen, or not for five minutes). Of the first event of streams;
 * of the whole time of any answer for each token of its output. `seen_ms`: when last, monotonic, of the two. */
struct health_speed { uint32_t first_byte_us, per_token_us; uint64_t seen_ms; };
struct health_speed health_speed(const struct health *, uint64_t now_ms);

/* Of the last five minutes: of latency (microseconds; to a stream's first event, or to a whole answer), and of output
 * tokens a second (thousandths): so many percent of the answers took at most, or came at least, as fast. Exact to 6 %,
 * and up to a second old. 0: fewer than HEALTH_SAMPLES_MIN samples. */
#define HEALTH_SAMPLES_MIN 10
enum health_percentile { HEALTH_P50, HEALTH_P75, HEALTH_P90, HEALTH_P99, HEALTH_PERCENTILES };
uint32_t health_latency_us(const struct health *, enum health_percentile, uint64_t now_ms);
/* Of streams, or of whole answers, which begin when they are whole. */
uint32_t health_latency_of(const struct health *, bool stream, enum health_percentile, uint64_t now_ms);
uint32_t health_throughput_milli(const struct health *, enum health_percentile, uint64_t now_ms);

/* ---- one of several keys of a provider ---- */

/*
 * A provider with several api_keys: a key that is refused (401, 402, 403) or over its limit (429) is left alone by
 * itself, and the deployment goes on with the others. Found by provider, number and key, so that it outlives reloads;
 * only a digest of the key is kept. Never freed; only configurations make them.
 */
struct health_key;
struct health_key *health_key_of(struct str provider, unsigned number, struct str key);
bool health_key_in(const struct health_key *, uint64_t now_ms);
/* Does this kind of failure speak of the key? */
bool health_key_blamed(enum failure_class);
void health_key_bad(struct health_key *, enum failure_class, int64_t retry_after_ms, const struct routing_settings *,
                    uint64_t now_ms);

#endif
