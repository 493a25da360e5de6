/* SPDX-License-Identifier: Apache-2.0 */
/* alerts: a queue between those who notice and the webhook. */
#include "observe/alerts.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "json/write.h"
#include "net/dns.h"
#include "net/fetch.h"
#include "net/loop.h"

#define TRIES 4
#define FIRST_WAIT_MS 1000
#define BODY_MAX 2048
#define ANSWER_MAX 4096
#define DNS_TTL_MS 60000
#define HMAC_BYTES 32

struct waiting {
	char *body;
	uint32_t n;
};

struct alerts {
	pthread_mutex_t lock;            /* of the queue and the settings */
	struct waiting queue[ALERTS_WAITING_MAX];
	unsigned first, n;
	char *url, *secret, *ca;         /* url NULL: no webhook */
	uint32_t timeout_ms;
	bool called;                     /* wake_msg is under way */
	bool stopped;

	struct loop *loop;               /* what follows is its thread's */
	struct dns *dns;
	struct fetcher *fetcher;
	struct fetch *fetch;
	struct timer again;
	struct loop_msg wake_msg;
	unsigned tries;                  /* of the first one waiting */

	_Atomic uint64_t raised, sent, failed, dropped;
};

struct alerts *alerts_new(void)
{
	struct alerts *a = mem_zalloc(sizeof *a);

	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void alerts_free(struct alerts *a)
{
	if (!a)
		return;
	assert(!a->fetch);
	fetcher_free(a->fetcher);
	if (a->dns)
		dns_free(a->dns);
	while (a->n) {
		free(a->queue[a->first].body);
		a->first = (a->first + 1) % ALERTS_WAITING_MAX;
		a->n--;
	}
	free(a->url);
	free(a->secret);
	free(a->ca);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- sending, on the loop ---- */

/* The first one is done with, for good or bad. */
static void drop_first(struct alerts *a)
{
	pthread_mutex_lock(&a->lock);
	free(a->queue[a->first].body);
	a->first = (a->first + 1) % ALERTS_WAITING_MAX;
	a->n--;
	pthread_mutex_unlock(&a->lock);
	a->tries = 0;
}

static void send_first(struct alerts *);

static void on_again(struct timer *t)
{
	send_first(CONTAINER_OF(t, struct alerts, again));
}

static void failed_once(struct alerts *a, const char *why)
{
	if (++a->tries < TRIES) {
		timer_start(a->loop, &a->again, FIRST_WAIT_MS << (a->tries - 1));
		return;
	}
	atomic_fetch_add(&a->failed, 1);
	log_warn("observe", "an alert could not be delivered to alerts.webhook: %s", why);
	drop_first(a);
	send_first(a);
}

static void on_done(void *arg, const struct fetch_answer *answer, const struct err *failure)
{
	struct alerts *a = arg;
	char text[64];

	a->fetch = NULL;
	if (a->stopped)
		return;
	if (failure) {
		failed_once(a, failure->text);
		return;
	}
	if (answer->status < 200 || answer->status > 299) {
		snprintf(text, sizeof text, "it answers with status %d", answer->status);
		failed_once(a, text);
		return;
	}
	atomic_fetch_add(&a->sent, 1);
	drop_first(a);
	send_first(a);
}

static void put_signature(struct buf *lines, const char *secret, struct str body)
{
	unsigned char mac[HMAC_BYTES];
	unsigned n = sizeof mac;

	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body.p, body.n, mac, &n);
	buf_append(lines, STR("x-sluice-signature: sha256="));
	for (unsigned i = 0; i < n; i++)
		buf_printf(lines, "%02x", mac[i]);
	buf_append(lines, STR("\r\n"));
}

/* The queue is not touched by others than this thread but at its end, so what is first stays where it is. */
static void send_first(struct alerts *a)
{
	struct buf lines = buf_make(4096);
	struct fetch_request rq = { .method = STR("POST"), .answer_max_bytes = ANSWER_MAX, .on_done = on_done,
		                    .arg = a };
	struct err e;

	if (a->fetch || a->stopped || timer_running(&a->again))
		return;
	pthread_mutex_lock(&a->lock);
	if (a->n && a->url) {
		rq.url = str_from_z(a->url);
		rq.ca_file = a->ca ? str_from_z(a->ca) : STR("");
		rq.timeout_ms = a->timeout_ms;
		rq.body = str_of(a->queue[a->first].body, a->queue[a->first].n);
		buf_append(&lines, STR("content-type: application/json\r\nuser-agent: sluice/" SLUICE_VERSION "\r\n"));
		if (a->secret)
			put_signature(&lines, a->secret, rq.body);
		rq.lines = buf_str(&lines);
		a->fetch = fetch_start(a->fetcher, &rq, &e);
		pthread_mutex_unlock(&a->lock);
		if (!a->fetch)
			failed_once(a, e.text);
	} else {
		pthread_mutex_unlock(&a->lock);
	}
	buf_fini(&lines);
}

static void on_wake(struct loop_msg *m)
{
	struct alerts *a = CONTAINER_OF(m, struct alerts, wake_msg);

	pthread_mutex_lock(&a->lock);
	a->called = false;
	pthread_mutex_unlock(&a->lock);
	send_first(a);
}

void alerts_start(struct alerts *a, struct loop *l, struct pool *pool)
{
	a->loop = l;
	a->dns = dns_new(&(struct dns_options){ .loop = l, .pool = pool, .ttl_ms = DNS_TTL_MS,
		.negative_ttl_ms = FIRST_WAIT_MS, .stale_ms = 10 * DNS_TTL_MS, .max_entries = 4 });
	a->fetcher = fetcher_new(l, a->dns);
	a->again.on_due = on_again;
	a->wake_msg.run = on_wake;
}

void alerts_stop(struct alerts *a)
{
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	pthread_mutex_unlock(&a->lock);
	fetch_cancel(a->fetch);
	a->fetch = NULL;
	timer_cancel(a->loop, &a->again);
}

/* ---- from any thread ---- */

static char *copy_of(struct str s)
{
	return s.n ? mem_dup(s.p, s.n + 1) : NULL; /* texts of a configuration end in a NUL */
}

void alerts_configure(struct alerts *a, const struct alerts_settings *s)
{
	char *old[3];

	pthread_mutex_lock(&a->lock);
	old[0] = a->url;
	old[1] = a->secret;
	old[2] = a->ca;
	a->url = copy_of(s->webhook);
	a->secret = copy_of(s->secret);
	a->ca = copy_of(s->ca);
	a->timeout_ms = (uint32_t)s->timeout_ms;
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < COUNT_OF(old); i++)
		free(old[i]);
}

static void write_body(const struct alert *al, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	char id[ULID_LEN], time[CLOCK_RFC3339_LEN];
	uint64_t now = clock_real_ms();

	ulid_text(id, ulid_new(now));
	clock_rfc3339(time, now);
	json_open(&w, '{');
	json_key_lit(&w, "id");
	json_str(&w, str_of(id, ULID_LEN));
	json_key_lit(&w, "type");
	json_str(&w, str_from_z(al->type));
	json_key_lit(&w, "time");
	json_str(&w, str_of(time, CLOCK_RFC3339_LEN));
	json_key_lit(&w, "deployment");
	json_str(&w, str_slice(al->deployment, 0, 256));
	json_key_lit(&w, "why");
	json_str(&w, str_from_z(al->why));
	json_key_lit(&w, "out_for_ms");
	json_u64(&w, al->out_for_ms);
	json_key_lit(&w, "alarm");
	json_bool(&w, al->alarm);
	json_close(&w);
}

static void tell_log(const struct alert *al)
{
	enum log_level level = al->alarm ? LOG_ERROR : al->out_for_ms ? LOG_WARN : LOG_INFO;

	if (al->out_for_ms)
		log_write(level, "route", "%s %.*s: %s; out for %llu ms", al->type, STR_ARG(al->deployment), al->why,
		          (unsigned long long)al->out_for_ms);
	else
		log_write(level, "route", "%s %.*s", al->type, STR_ARG(al->deployment));
}

void alerts_raise(struct alerts *a, const struct alert *al)
{
	struct buf body = buf_make(BODY_MAX);
	bool wake = false;

	tell_log(al);
	atomic_fetch_add(&a->raised, 1);
	write_body(al, &body);
	pthread_mutex_lock(&a->lock);
	if (a->url && a->loop && !a->stopped) {
		if (a->n == ALERTS_WAITING_MAX) {
			atomic_fetch_add(&a->dropped, 1);
		} else {
			struct waiting *w = &a->queue[(a->first + a->n++) % ALERTS_WAITING_MAX];

			w->body = mem_dup(body.p, body.n);
			w->n = (uint32_t)body.n;
			wake = !a->called;
			a->called = true;
		}
	}
	pthread_mutex_unlock(&a->lock);
	buf_fini(&body);
	if (wake)
		loop_send(a->loop, &a->wake_msg);
}

struct alerts_stats alerts_stats(const struct alerts *a)
{
	return (struct alerts_stats){ atomic_load(&a->raised), atomic_load(&a->sent), atomic_load(&a->failed),
		                      atomic_load(&a->dropped) };
}
