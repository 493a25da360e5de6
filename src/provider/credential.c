/* SPDX-License-Identifier: Apache-2.0 */
/* credential: the value of the moment, who waits for it, and when it is fetched again. */
#include "provider/credential.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "provider/credential_in.h"

#define RENEW_AHEAD_MS  300000u  /* before the end; at most a third of the life */
#define UNSAFE_MS       60000u   /* so near to its end it may be over when it arrives; at most a tenth of the life */
#define RETRY_MS        1000u
#define RETRY_MAX_MS    60000u
#define DOUBT_AFTER_MS  30000u

/* What is counted stands in front of what is given out. */
struct counted_value {
	_Atomic unsigned refs;
	uint64_t since_ms;               /* real time */
	struct credential_value v;
	size_t n;
	char texts[];
};

struct credential {
	struct credential *next;         /* of all; under `all_lock`, as is refs */
	unsigned refs;
	struct credential_options options;
	char *texts;

	pthread_mutex_t lock;            /* what follows */
	struct counted_value *value;     /* NULL: none yet */
	bool fetching;
	bool failed;                     /* the last time */
	struct err why;
	unsigned failures;               /* one after the other */
	uint64_t retry_at_ms;            /* monotonic: not before */
	struct waiter *waiters;
	/* the signing key made last */
	const struct counted_value *signs;
	struct sigv4_key key;
	char scope[96];
};

/* One op. Belongs to its loop; the credential lists it until the fetch has ended, then a message brings the end. */
struct waiter {
	struct waiter *next, **link;     /* the credential's; NULL: the message is under way, or has come */
	struct waiter *agent_next, **agent_link;
	struct credential *credential;   /* counted */
	struct loop *loop;
	struct op *op;                   /* NULL: cancelled */
	struct loop_msg msg;
	bool told, failed;
	struct err why;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct credential *all;

/* ---- values ---- */

static struct counted_value *counted(const struct credential_value *v)
{
	return CONTAINER_OF((struct credential_value *)(uintptr_t)v, struct counted_value, v);
}

static const struct credential_value *value_ref(struct counted_value *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return &c->v;
}

void credential_value_unref(const struct credential_value *v)
{
	struct counted_value *c = v ? counted(v) : NULL;

	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	OPENSSL_cleanse(c->texts, c->n);
	free(c);
}

static struct str take(char **at, struct str s)
{
	struct str kept = str_of(*at, s.n);

	*at = put_str(*at, s);
	return kept;
}

static struct counted_value *value_new(const struct credential_value *v)
{
	size_t n = v->token.n + v->access_key_id.n + v->secret_access_key.n + v->session_token.n;
	struct counted_value *c = mem_zalloc(sizeof *c + n + 1);
	char *at = c->texts;

	atomic_init(&c->refs, 1);
	c->since_ms = clock_real_ms();
	c->n = n;
	c->v.token = take(&at, v->token);
	c->v.access_key_id = take(&at, v->access_key_id);
	c->v.secret_access_key = take(&at, v->secret_access_key);
	c->v.session_token = take(&at, v->session_token);
	c->v.expires_ms = v->expires_ms;
	return c;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t life_of(const struct counted_value *c)
{
	return c->v.expires_ms > c->since_ms ? c->v.expires_ms - c->since_ms : 0;
}

static bool is_over(const struct counted_value *c, uint64_t now_ms)
{
	return c->v.expires_ms && now_ms + least(UNSAFE_MS, life_of(c) / 10) >= c->v.expires_ms;
}

static bool is_to_renew(const struct counted_value *c, uint64_t now_ms)
{
	return c->v.expires_ms && now_ms + least(RENEW_AHEAD_MS, life_of(c) / 3) >= c->v.expires_ms;
}

/* ---- all of them ---- */

static bool same(const struct credential_options *a, const struct credential_options *b)
{
	bool equal = a->kind == b->kind;

	for (int i = 0; equal && i < CREDENTIAL_TEXTS; i++)
		equal = str_eq(a->text[i], b->text[i]);
	return equal;
}

static struct credential *credential_new(const struct credential_options *o)
{
	struct credential *c = mem_zalloc(sizeof *c);
	size_t n = 0;
	char *at;

	for (int i = 0; i < CREDENTIAL_TEXTS; i++)
		n += o->text[i].n;
	at = c->texts = mem_alloc(n + 1);
	c->options.kind = o->kind;
	for (int i = 0; i < CREDENTIAL_TEXTS; i++)
		c->options.text[i] = take(&at, o->text[i]);
	pthread_mutex_init(&c->lock, NULL);
	if (o->kind == CREDENTIAL_AWS_KEYS)
		c->value = value_new(&(struct credential_value){
			.access_key_id = o->text[CREDENTIAL_ACCESS_KEY_ID],
			.secret_access_key = o->text[CREDENTIAL_SECRET_ACCESS_KEY],
			.session_token = o->text[CREDENTIAL_SESSION_TOKEN],
		});
	return c;
}

struct credential *credential_get(const struct credential_options *o)
{
	struct credential *c;

	assert(o->kind != CREDENTIAL_NONE);
	pthread_mutex_lock(&all_lock);
	for (c = all; c && !same(&c->options, o);)
		c = c->next;
	if (!c) {
		c = credential_new(o);
		c->next = all;
		all = c;
	}
	c->refs++;
	pthread_mutex_unlock(&all_lock);
	return c;
}

static struct credential *credential_ref(struct credential *c)
{
	pthread_mutex_lock(&all_lock);
	c->refs++;
	pthread_mutex_unlock(&all_lock);
	return c;
}

void credential_unref(struct credential *c)
{
	struct credential **at = &all;
	size_t n = 0;

	if (!c)
		return;
	pthread_mutex_lock(&all_lock);
	if (--c->refs > 0) {
		pthread_mutex_unlock(&all_lock);
		return;
	}
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_mutex_unlock(&all_lock);
	assert(!c->waiters);
	for (int i = 0; i < CREDENTIAL_TEXTS; i++)
		n += c->options.text[i].n;
	OPENSSL_cleanse(c->texts, n);
	OPENSSL_cleanse(&c->key, sizeof c->key);
	free(c->texts);
	if (c->value)
		credential_value_unref(&c->value->v);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- waiting ---- */

static void leave_agent(struct waiter *w)
{
	if (!w->agent_link)
		return;
	*w->agent_link = w->agent_next;
	if (w->agent_next)
		w->agent_next->agent_link = w->agent_link;
	w->agent_link = NULL;
}

static void waiter_free(struct waiter *w)
{
	leave_agent(w);
	credential_unref(w->credential);
	free(w);
}

static void on_told(struct loop_msg *m)
{
	struct waiter *w = CONTAINER_OF(m, struct waiter, msg);

	w->told = true;
	if (w->op)
		op_wake(w->op);
	else
		waiter_free(w);
}

static void waiter_cancel(struct op *op)
{
	struct waiter *w = op->work;
	struct credential *c = w->credential;
	bool listed;

	pthread_mutex_lock(&c->lock);
	listed = w->link != NULL;
	if (listed) {
		*w->link = w->next;
		if (w->next)
			w->next->link = w->link;
	}
	pthread_mutex_unlock(&c->lock);
	w->op = NULL;
	if (listed || w->told)
		waiter_free(w);
}

/* Under the credential's lock. */
static void wait_for(struct credential *c, struct credential_agent *agent, struct op *op)
{
	struct waiter *w = mem_zalloc(sizeof *w);

	w->credential = c;
	w->loop = agent->loop;
	w->op = op;
	w->next = c->waiters;
	w->link = &c->waiters;
	if (w->next)
		w->next->link = &w->next;
	c->waiters = w;
	w->agent_next = agent->waiters;
	w->agent_link = &agent->waiters;
	if (w->agent_next)
		w->agent_next->agent_link = &w->agent_next;
	agent->waiters = w;
	op->work = w;
	op->cancel = waiter_cancel;
}

void credential_fetched(struct credential *c, const struct credential_value *v, const struct err *why)
{
	struct counted_value *old = NULL, *fresh = v ? value_new(v) : NULL;
	struct waiter *w, *next;

	if (!v && why->code != ERR_SHUTTING_DOWN)
		log_warn("provider", "a credential could not be fetched: %s", why->text);
	pthread_mutex_lock(&c->lock);
	c->fetching = false;
	c->failed = v == NULL;
	if (v) {
		old = c->value;
		c->value = fresh;
		c->signs = NULL;
		c->failures = 0;
	} else {
		c->why = *why;
		c->retry_at_ms = clock_now_ms() + least((uint64_t)RETRY_MS << least(c->failures++, 10), RETRY_MAX_MS);
	}
	w = c->waiters;
	c->waiters = NULL;
	for (; w; w = next) {
		next = w->next;
		w->link = NULL;
		w->failed = v == NULL;
		if (why)
			w->why = *why;
		w->msg.run = on_told;
		loop_send(w->loop, &w->msg);     /* it may be freed from here on */
	}
	pthread_mutex_unlock(&c->lock);
	if (old)
		credential_value_unref(&old->v);
}

/* ---- use ---- */

/* Goes on with an op that has waited. */
static bool wait_is_over(struct op *op, bool *failed, struct err *e)
{
	struct waiter *w = op->work;

	if (!w->told)
		return false;
	*failed = w->failed;
	if (w->failed)
		*e = w->why;
	op->work = NULL;
	op->cancel = NULL;
	waiter_free(w);
	return true;
}

/* Under the lock: what there is, and whether a fetch is to begin. */
static enum op_state look(struct credential *c, struct credential_agent *agent, struct op *op,
                          const struct credential_value **out, bool *fetch, struct err *e)
{
	uint64_t now = clock_real_ms();
	bool over = !c->value || is_over(c->value, now), may_fetch = !c->fetching && clock_now_ms() >= c->retry_at_ms;

	*fetch = may_fetch && (over || is_to_renew(c->value, now));
	c->fetching |= *fetch;
	if (!over) {
		*out = value_ref(c->value);
		return OP_OK;
	}
	if (!c->fetching) {
		*e = c->why;
		return OP_FAILED;
	}
	wait_for(c, agent, op);
	return OP_PENDING;
}

enum op_state credential_use(struct credential *c, struct credential_agent *agent, struct op *op,
                             const struct credential_value **out, struct err *e)
{
	enum op_state state;
	bool fetch, failed;

	if (op->work) {
		if (!wait_is_over(op, &failed, e))
			return OP_PENDING;
		if (failed)
			return OP_FAILED;
	}
	pthread_mutex_lock(&c->lock);
	state = look(c, agent, op, out, &fetch, e);
	pthread_mutex_unlock(&c->lock);
	if (state == OP_PENDING)
		credential_ref(c);       /* the waiter's */
	if (fetch)
		errand_start(agent, credential_ref(c), &c->options);
	return state;
}

void credential_doubt(struct credential *c, const struct credential_value *v)
{
	struct counted_value *old = NULL;

	if (c->options.kind == CREDENTIAL_AWS_KEYS)
		return; /* there are no others */
	pthread_mutex_lock(&c->lock);
	if (c->value && &c->value->v == v && c->value->since_ms + DOUBT_AFTER_MS < clock_real_ms()) {
		old = c->value;
		c->value = NULL;
		c->signs = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (old)
		credential_value_unref(&old->v);
}

void credential_signing_key(struct credential *c, const struct credential_value *v, const char day[SIGV4_DAY_LEN],
                            struct str region, struct str service, struct sigv4_key *out)
{
	const struct counted_value *from = counted(v);
	char scope[sizeof c->scope] = "";
	size_t n = region.n + 1 + service.n;
	bool fits = n < sizeof scope, known;

	if (fits)
		*put_str(put_str(put_str(scope, region), STR("/")), service) = '\0';
	pthread_mutex_lock(&c->lock);
	known = fits && c->signs == from && memcmp(c->key.day, day, SIGV4_DAY_LEN) == 0 &&
	        memcmp(c->scope, scope, sizeof scope) == 0;
	if (known)
		*out = c->key;
	pthread_mutex_unlock(&c->lock);
	if (known)
		return;
	sigv4_derive(out, day, v->secret_access_key, region, service);
	pthread_mutex_lock(&c->lock);
	/* of a value that is no longer the credential's own, the memory may soon be another's */
	if (c->value == from) {
		c->signs = from;
		c->key = *out;
		memcpy(c->scope, scope, sizeof scope);
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- agents ---- */

struct credential_agent *credential_agent_new(struct loop *loop, struct dns *dns, struct pool *pool)
{
	struct credential_agent *a = mem_zalloc(sizeof *a);

	a->loop = loop;
	a->pool = pool;
	a->fetcher = fetcher_new(loop, dns);
	return a;
}

void credential_agent_free(struct credential_agent *a)
{
	if (!a)
		return;
	while (a->errands) {
		struct credential *c = credential_ref(a->errands->credential);
		struct err e;

		errand_leave(a->errands);
		err_set(&e, ERR_SHUTTING_DOWN, "the gateway is shutting down");
		credential_fetched(c, NULL, &e);
		credential_unref(c);
	}
	while (a->waiters)
		leave_agent(a->waiters); /* the message that is under way frees it */
	fetcher_free(a->fetcher);
	free(a);
}
