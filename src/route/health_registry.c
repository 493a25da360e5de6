/* SPDX-License-Identifier: Apache-2.0 */
/* health_registry: which deployments there are, and which keys of providers; and who is told of their changes. */
#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "route/health_in.h"

#define HASH_SLOTS 4096

/* ---- deployments ---- */

static struct {
	pthread_mutex_t lock;            /* for what is added */
	struct health *_Atomic slots[HASH_SLOTS];
	struct health *_Atomic newest;
	unsigned made_up;                /* names that are in no configuration */
	struct health shared;
	health_event_fn *listener;
	void *listener_arg;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER, .shared = { .lock = PTHREAD_MUTEX_INITIALIZER, .shared = true,
	                                                       .name = STR_INIT("others") } };

static struct health *find(struct health *h, struct str provider, struct str model)
{
	for (; h; h = h->chain)
		if (h->provider_n == provider.n && h->name.n == provider.n + 1 + model.n &&
		    memcmp(h->name.p, provider.p, provider.n) == 0 &&
		    memcmp(h->name.p + provider.n + 1, model.p, model.n) == 0)
			return h;
	return NULL;
}

static struct health *make(struct str provider, struct str model)
{
	struct health *h = mem_zalloc(sizeof *h);
	char *name = mem_alloc(provider.n + model.n + 1);

	memcpy(name, provider.p, provider.n);
	name[provider.n] = '/';
	memcpy(name + provider.n + 1, model.p, model.n);
	h->name = str_of(name, provider.n + 1 + model.n);
	h->provider_n = provider.n;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

static struct health *find_or_make(struct str provider, struct str model, bool configured)
{
	uint64_t hash = hash_bytes(provider) * 31 + hash_bytes(model);
	struct health *_Atomic *slot = &registry.slots[hash % HASH_SLOTS];
	struct health *h = find(atomic_load_explicit(slot, memory_order_acquire), provider, model);

	if (likely(h && (!configured || atomic_load_explicit(&h->configured, RELAXED))))
		return h;
	pthread_mutex_lock(&registry.lock);
	h = find(atomic_load_explicit(slot, memory_order_acquire), provider, model);
	if (!h && !configured && registry.made_up >= HEALTH_MAX) {
		h = &registry.shared;
	} else if (!h) {
		h = make(provider, model);
		registry.made_up += !configured;
		h->chain = atomic_load_explicit(slot, RELAXED);
		h->next = atomic_load_explicit(&registry.newest, RELAXED);
		atomic_store_explicit(slot, h, memory_order_release);
		atomic_store_explicit(&registry.newest, h, memory_order_release);
	}
	if (configured)
		atomic_store_explicit(&h->configured, true, RELAXED);
	pthread_mutex_unlock(&registry.lock);
	return h;
}

struct health *health_of(struct str provider, struct str model)
{
	return find_or_make(provider, model, false);
}

struct health *health_of_configured(struct str provider, struct str model)
{
	return find_or_make(provider, model, true);
}

bool health_is_configured(const struct health *h)
{
	return atomic_load_explicit(&h->configured, RELAXED);
}

struct str health_name(const struct health *h) { return h->name; }

struct health *health_next(struct health *h)
{
	return h ? h->next : atomic_load_explicit(&registry.newest, memory_order_acquire);
}

static void forget(struct health *h)
{
	struct health fresh = { .next = h->next, .chain = h->chain, .name = h->name, .provider_n = h->provider_n,
		                .shared = h->shared };
	bool configured = atomic_load_explicit(&h->configured, RELAXED);

	health_figures_forget(h);
	pthread_mutex_destroy(&h->lock);
	memcpy(h, &fresh, sizeof fresh);
	pthread_mutex_init(&h->lock, NULL);
	atomic_store_explicit(&h->configured, configured, RELAXED);
}

void health_forget_all(void)
{
	for (struct health *h = health_next(NULL); h; h = health_next(h))
		forget(h);
	forget(&registry.shared);
}

/* ---- events ---- */

void health_on_event(health_event_fn *listener, void *arg)
{
	registry.listener = listener;
	registry.listener_arg = arg;
}

void health_tell(const struct health_event *e)
{
	if (registry.listener)
		registry.listener(registry.listener_arg, e);
}

bool health_why_alarms(enum health_why why)
{
	return why == HEALTH_WHY_CREDENTIAL || why == HEALTH_WHY_NO_MODEL;
}

const char *health_change_name(enum health_change c)
{
	static const char *const names[] = {
		[HEALTH_COOLED] = "cooled", [HEALTH_OPENED] = "opened", [HEALTH_HALF_OPENED] = "half_opened",
		[HEALTH_CLOSED] = "closed",
	};

	assert(c < COUNT_OF(names));
	return names[c];
}

const char *health_why_name(enum health_why why)
{
	static const char *const names[] = {
		[HEALTH_WHY_NONE] = "none", [HEALTH_WHY_RATIO] = "failure_ratio",
		[HEALTH_WHY_RATE_LIMIT] = "rate_limit", [HEALTH_WHY_CREDENTIAL] = "credential",
		[HEALTH_WHY_NO_MODEL] = "no_model", [HEALTH_WHY_BREAKER] = "breaker",
	};

	assert(why < COUNT_OF(names));
	return names[why];
}

/* ---- keys ---- */

struct health_key {
	struct health_key *next;
	struct str name;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	_Atomic uint64_t out_until_ms;
};

static struct health_key *keys;          /* under the lock */

struct health_key *health_key_of(struct str provider, unsigned number, struct str key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char name[300];
	struct health_key *k;
	int n = snprintf(name, sizeof name, "%.*s, key %u", (int)(provider.n < 256 ? provider.n : 256), provider.p,
	                 number);

	SHA256((const unsigned char *)key.p, key.n, digest);
	pthread_mutex_lock(&registry.lock);
	for (k = keys; k; k = k->next)
		if (str_eq(k->name, str_of(name, (size_t)n)) && memcmp(k->digest, digest, sizeof digest) == 0)
			break;
	if (!k) {
		k = mem_zalloc(sizeof *k);
		k->name = str_of(mem_dup(name, (size_t)n), (size_t)n);
		memcpy(k->digest, digest, sizeof digest);
		k->next = keys;
		keys = k;
	}
	pthread_mutex_unlock(&registry.lock);
	return k;
}

bool health_key_in(const struct health_key *k, uint64_t now_ms)
{
	return now_ms >= atomic_load_explicit(&k->out_until_ms, RELAXED);
}

bool health_key_blamed(enum failure_class class)
{
	return class == FAILURE_RATE_LIMIT || class == FAILURE_CREDENTIAL;
}

void health_key_bad(struct health_key *k, enum failure_class class, int64_t retry_after_ms,
                    const struct routing_settings *s, uint64_t now_ms)
{
	enum health_why why = class == FAILURE_RATE_LIMIT ? HEALTH_WHY_RATE_LIMIT : HEALTH_WHY_CREDENTIAL;
	uint64_t for_ms = health_cool_ms(&s->cooldown, retry_after_ms), until_ms = now_ms + for_ms;
	uint64_t before_ms = atomic_load_explicit(&k->out_until_ms, RELAXED);
	struct health_event e = { .deployment = k->name, .change = HEALTH_COOLED, .why = why, .for_ms = for_ms,
		                  .alarm = health_why_alarms(why), .of_key = true };

	if (!health_key_blamed(class) || (class == FAILURE_RATE_LIMIT && !s->cooldown.on_429))
		return;
	while (before_ms < until_ms)
		if (atomic_compare_exchange_weak_explicit(&k->out_until_ms, &before_ms, until_ms, RELAXED, RELAXED)) {
			if (before_ms <= now_ms)
				health_tell(&e);
			return;
		}
}
