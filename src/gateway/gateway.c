/* SPDX-License-Identifier: Apache-2.0 */
/* gateway: workers, and the exchange's events as a request sees them. */
#include "gateway/gateway.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/block.h"
#include "base/mem.h"
#include "gateway/gateway_in.h"
#include "gateway/probe.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "net/dns.h"
#include "net/fetch.h"
#include "observe/observe.h"
#include "provider/credential.h"
#include "route/affinity.h"

#define EVENT_ARENA_MAX_BYTES (64u << 20)
#define DNS_ENTRIES_MAX 1024
#define FIGURES_EVERY_MS 1000
#define BURST_OPENS 256
#define QUIET_OPENS 16
#define QUIET_MS 200

/* For the panic report, which has no argument. */
static struct gateway *the_gateway;

/* ---- the exchange's events ---- */

static void on_head(struct exchange *x, const struct http_head *head)
{
	struct req *r = req_new(x->user, x, head);

	req_run(r);
	r->open->head = NULL;
	if (r->step == STEP_BODY) {
		if (unlikely(r->endpoint->upload))
			req_spool(r, head);
		else
			req_buf_reset(&r->open->body, (size_t)req_conf(r)->server->body_max_bytes);
		exchange_read_body(x, &r->open->body);
	}
}

static void on_body(struct exchange *x)
{
	struct req *r = x->user;

	r->body_whole = true;
	r->bytes_in = (uint32_t)r->open->body.n;
	r->open->service.body = buf_str(&r->open->body);
	req_wake(r);
}

static void on_body_failed(struct exchange *x, const struct err *e)
{
	struct req *r = x->user;

	r->open->err = *e;
	r->body_failed = true;
	req_wake(r);
}

static void on_drained(struct exchange *x)
{
	struct req *r = x->user;

	call_resume(&r->call);
}

static void on_gone(struct exchange *x, const struct err *why)
{
	struct req *r = x->user;

	r->x = NULL;
	r->gone = true;
	if (r->status == 0 || r->step < STEP_SETTLE)
		r->status = 499;
	req_wake(r);
}

const struct exchange_handler gateway_handler = { on_head, on_body, on_body_failed, on_drained, on_gone };

/* ---- the loop's phases ---- */

/* The journal first; then the last bytes of this turn's answers. */
static void before_flush(struct hook *h)
{
	struct worker *w = CONTAINER_OF(h, struct worker, before_flush);
	struct req *r = w->deliver, *next;
	bool written;

	/* also for those whose client has left; it costs nothing when nothing was added */
	written = journal_commit(w->journal);
	if (!r)
		return;
	w->deliver = NULL;
	w->deliver_tail = &w->deliver;
	for (; r; r = next) {
		next = r->deliver_next;
		/* what cost nothing may leave unrecorded: health, metrics and refusals are wanted most when the disk
		 * is full */
		deliver(r, (written && !r->unwritten) || !r->consumed);
		req_run(r);
	}
}

static void set_figures(struct worker *w)
{
	struct client_stats c;

	client_get_stats(w->client, &c);
	observe_figure(w->observe, METRIC_CLIENT_ACTIVE, c.active);
	observe_figure(w->observe, METRIC_CLIENT_IDLE, c.idle);
	observe_figure(w->observe, METRIC_CLIENT_CONNECTS, c.connects);
	observe_figure(w->observe, METRIC_CLIENT_REUSES, c.reuses);
	observe_figure(w->observe, METRIC_CLIENT_RETRIES, c.retries);
	observe_figure(w->observe, METRIC_CLIENT_FAILURES, c.failures);
}

static void take_conf(struct worker *w)
{
	const struct gateway_conf *c = snapshot_payload(w->conf.held);
	const struct upstream_pool_settings *p = &c->upstream->pool;

	client_set_idle(w->client, (uint32_t)p->idle_max, (uint32_t)p->idle_ms, (uint32_t)p->age_ms);
	w->conf_seen = w->conf.held;
	probe_configure(w);
}

/* When many requests have begun at once, much of the heap is free behind them; when fewer have, it can wait until no
 * more come. */
static void trim_after_burst(struct worker *w, uint64_t now_ms)
{
	bool quiet = w->n_opens_peak >= QUIET_OPENS && now_ms - w->last_open_ms >= QUIET_MS;

	if ((w->n_opens_peak < BURST_OPENS && !quiet) || w->n_opens >= w->n_opens_peak / 4)
		return;
	req_free_stores(w);
	block_drop();
	mem_trim();
	w->n_opens_peak = w->n_opens;
}

static void after_flush(struct hook *h)
{
	struct worker *w = CONTAINER_OF(h, struct worker, after_flush);
	uint64_t now = loop_now_ms(w->loop);

	observe_flush(w->observe);
	if (w->n_opens > w->n_opens_peak)
		w->n_opens_peak = w->n_opens;
	trim_after_burst(w, now);
	if (w->conf.held != w->conf_seen)
		take_conf(w);
	if (now - w->last_figures_ms >= FIGURES_EVERY_MS) {
		w->last_figures_ms = now;
		set_figures(w);
	}
}

/* ---- workers ---- */

struct worker *worker_new(struct gateway *gw, struct loop *l, struct err *e)
{
	struct worker *w = mem_zalloc(sizeof *w);
	const struct upstream_settings *u;
	unsigned index = loop_index(l);

	assert(index < WORKERS_MAX && !gw->workers[index]);
	w->gw = gw;
	w->loop = l;
	w->deliver_tail = &w->deliver;
	arena_init(&w->events, EVENT_ARENA_MAX_BYTES);
	slab_init(&w->slab, sizeof(struct req));
	slab_init(&w->texts_slab, TEXTS_SMALL_BYTES);
	snapshot_reader_init(&w->conf, gw->options.conf);
	u = ((const struct gateway_conf *)snapshot_payload(snapshot_current(&w->conf)))->upstream;
	w->conf_seen = w->conf.held;
	w->observe = observe_loop(gw->options.observe, index);
	w->keys = keys_reader_new(gw->options.keys);
	w->dns = dns_new(&(struct dns_options){
		.loop = l, .pool = gw->options.pool, .ttl_ms = (uint32_t)u->dns.ttl_ms,
		.negative_ttl_ms = (uint32_t)u->dns.negative_ttl_ms, .stale_ms = (uint32_t)u->dns.ttl_ms * 10,
		.max_entries = DNS_ENTRIES_MAX });
	w->fetcher = fetcher_new(l, w->dns);
	w->client = client_new(&(struct client_options){ .loop = l,
	                                                 .dns = w->dns,
	                                                 .events = &answer_events,
	                                                 .idle_max = (uint32_t)u->pool.idle_max,
	                                                 .idle_ms = (uint32_t)u->pool.idle_ms,
	                                                 .age_ms = (uint32_t)u->pool.age_ms,
	                                                 .head_max_bytes = (uint32_t)u->header_max_bytes,
	                                                 .head_max_fields = (uint32_t)u->header_count_max });
	w->agent = credential_agent_new(l, w->dns, gw->options.pool);
	gw->workers[index] = w;
	w->journal = journal_open(gw->options.ledger, index, e);
	if (!w->journal) {
		worker_free(w);
		return NULL;
	}
	w->before_flush.run = before_flush;
	w->after_flush.run = after_flush;
	loop_before_flush(l, &w->before_flush);
	loop_after_flush(l, &w->after_flush);
	probe_configure(w);
	return w;
}

void worker_stop(struct worker *w)
{
	probe_end(w);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	assert(!w->reqs);
	w->gw->workers[loop_index(w->loop)] = NULL;
	credential_agent_free(w->agent);
	client_free(w->client);
	fetcher_free(w->fetcher);
	dns_free(w->dns);
	keys_reader_free(w->keys);
	snapshot_reader_fini(&w->conf);
	journal_close(w->journal);
	req_free_stores(w);
	arena_fini(&w->events);
	slab_fini(&w->slab);
	slab_fini(&w->texts_slab);
	free(w);
}

struct observe_loop *worker_observe(struct worker *w)
{
	return w->observe;
}

struct gateway *gateway_new(const struct gateway_options *o)
{
	struct gateway *gw = mem_zalloc(sizeof *gw);
	struct snapshot *conf = snapshot_take(o->conf);
	const struct gateway_conf *c = snapshot_payload(conf);

	affinity_init();
	gw->options = *o;
	gw->affinity = affinity_new((size_t)c->routes.routing->affinity.entries);
	snapshot_unref(conf);
	the_gateway = gw;
	return gw;
}

void gateway_free(struct gateway *gw)
{
	if (!gw)
		return;
	if (the_gateway == gw)
		the_gateway = NULL;
	affinity_free(gw->affinity);
	free(gw);
}

/* ---- the panic report ---- */

static void say(int fd, struct str s)
{
	ssize_t n = write(fd, s.p, s.n);

	(void)n; /* there is nobody left to tell */
}

void gateway_report(int fd)
{
	struct gateway *gw = the_gateway;

	for (unsigned i = 0; gw && i < WORKERS_MAX; i++) {
		struct worker *w = gw->workers[i];
		int listed = 0;

		for (struct req *r = w ? w->reqs : NULL; r && listed < 1000; r = r->next, listed++) {
			char id[ULID_LEN];

			ulid_text(id, r->id);
			say(fd, STR("in flight: "));
			say(fd, str_of(id, ULID_LEN));
			say(fd, STR(" "));
			say(fd, r->endpoint ? r->endpoint->name : STR("-"));
			say(fd, STR(" step "));
			say(fd, str_from_z(r->step < STEPS ? step_names[r->step] : "?"));
			say(fd, STR("\n"));
		}
	}
}
