/* SPDX-License-Identifier: Apache-2.0 */
/* client: pools of connections to providers, and one call at a time on each. */
#include "net/client.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/spool.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/http1.h"
#include "net/tls.h"

#define ORIGINS_MAX 4096
#define INTERIM_MAX 8              /* 1xx answers before the final one */
#define TLS_SESSIONS_MAX 64
#define READS_IN_A_ROW 16

/* ---- origins ---- */

struct origin {
	char *host, *authority;
	uint16_t port;
	bool public_only;
	struct tls_client *tls;
	unsigned index;
};

static struct {
	pthread_mutex_t lock;
	struct origin *all[ORIGINS_MAX];
	unsigned n;
} origins = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_same(const struct origin *o, const struct origin_options *a)
{
	return o->port == a->port && o->tls == a->tls && o->public_only == a->public_only &&
	       str_eq(str_from_z(o->host), a->host);
}

static struct origin *origin_new(const struct origin_options *a, unsigned index)
{
	struct origin *o = mem_zalloc(sizeof *o);
	struct buf b = buf_make(1024);
	bool v6 = str_find_chr(a->host, ':') != STR_NPOS;
	size_t n;

	o->host = mem_dup(a->host.p, a->host.n);
	o->port = a->port;
	o->tls = a->tls;
	o->public_only = a->public_only;
	o->index = index;
	if (a->port == 0)
		buf_append(&b, STR("localhost"));
	else
		buf_printf(&b, v6 ? "[%.*s]" : "%.*s", STR_ARG(a->host));
	if (a->port != 0 && a->port != (a->tls ? 443 : 80))
		buf_printf(&b, ":%u", a->port);
	buf_append_c(&b, '\0');
	o->authority = buf_take(&b, &n);
	return o;
}

struct origin *origin_get(const struct origin_options *a)
{
	struct origin *found = NULL;

	pthread_mutex_lock(&origins.lock);
	for (unsigned i = 0; i < origins.n && !found; i++)
		if (is_same(origins.all[i], a))
			found = origins.all[i];
	if (!found && origins.n < ORIGINS_MAX) {
		found = origin_new(a, origins.n);
		origins.all[origins.n++] = found;
	}
	pthread_mutex_unlock(&origins.lock);
	return found;
}

struct origin *origin_once(const struct origin_options *a) { return origin_new(a, 0); }

void origin_free(struct origin *o)
{
	if (!o)
		return;
	free(o->host);
	free(o->authority);
	free(o);
}

bool origin_is_tls(const struct origin *o)
{
	return o->tls != NULL;
}

struct str origin_authority(const struct origin *o)
{
	return str_from_z(o->authority);
}

#define TLS_CLIENTS_MAX 256

static struct {
	pthread_mutex_t lock;
	struct { char *ca_file; struct tls_client *tls; } all[TLS_CLIENTS_MAX];
	unsigned n;
} tls_clients = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct tls_client *client_tls(struct str ca_file, struct err *e)
{
	struct tls_client *found = NULL;

	pthread_mutex_lock(&tls_clients.lock);
	for (unsigned i = 0; i < tls_clients.n && !found; i++)
		if (str_eq(str_from_z(tls_clients.all[i].ca_file), ca_file))
			found = tls_clients.all[i].tls;
	if (!found && tls_clients.n == TLS_CLIENTS_MAX) {
		err_set(e, ERR_CONFIG, "there are too many different files with certificates");
	} else if (!found) {
		found = tls_client_new(&(struct tls_client_options){ .ca_file = ca_file }, e);
		if (found) {
			tls_clients.all[tls_clients.n].ca_file = mem_dup(ca_file.p, ca_file.n);
			tls_clients.all[tls_clients.n++].tls = found;
		}
	}
	pthread_mutex_unlock(&tls_clients.lock);
	return found;
}

/* ---- connections ---- */

enum up_state { UP_DIALING, UP_SENDING, UP_HEAD, UP_BODY, UP_IDLE, UP_DEAD };
enum up_body { UP_SIZED, UP_CHUNKED, UP_TO_END };

struct upstream {
	struct conn conn;
	struct client *client;
	struct origin *origin;
	struct call *call;
	struct timer deadline;
	struct task again;               /* read on, report, or go away, from a clean stack */
	uint64_t born_ms;
	char *in;                        /* a partial head */
	uint32_t in_n, in_cap, scanned;
	uint8_t state, body, interim;
	union {                          /* by state */
		struct dial *dial;       /* UP_DIALING */
		size_t sent;             /* UP_SENDING */
		struct {                 /* UP_BODY */
			uint64_t left;
			struct http1_chunks chunks;
		};
		struct {                 /* UP_IDLE: in the pool's list */
			struct upstream *next, **link;
		};
	};
	bool keep_alive, answered, used, sent_all, failed_early;
};

struct pool {
	struct upstream *idle;           /* the last used first */
	unsigned n;
};

struct client {
	struct client_options options;
	struct http1_limits limits;
	struct pool *pools;              /* by origin */
	unsigned n_pools;
	struct tls_sessions *sessions;
	struct slab upstreams;
	struct client_stats stats;
};

static void up_free(struct upstream *u)
{
	struct client *c = u->client;

	assert(!u->call);
	timer_cancel(c->options.loop, &u->deadline);
	loop_unpost(c->options.loop, &u->again);
	conn_close(&u->conn);
	free(u->in);
	slab_give(&c->upstreams, u);
}

/* The object may be in use further up the stack: it goes when that is clean. */
static void up_die(struct upstream *u)
{
	conn_close(&u->conn);
	if (u->state == UP_DIALING)
		dial_cancel(u->dial);
	u->call = NULL;
	u->state = UP_DEAD;
	u->client->stats.active--;
	loop_post(u->client->options.loop, &u->again);
}

static void drop_input(struct upstream *u)
{
	if (unlikely(u->in))
		free(u->in);
	u->in = NULL;
	u->in_n = u->in_cap = u->scanned = 0;
}

static COLD void more_pools(struct client *c, unsigned n)
{
	c->pools = mem_realloc(c->pools, n * sizeof *c->pools);
	memset(c->pools + c->n_pools, 0, (n - c->n_pools) * sizeof *c->pools);
	for (unsigned i = 0; i < c->n_pools; i++)
		if (c->pools[i].idle)
			c->pools[i].idle->link = &c->pools[i].idle;
	c->n_pools = n;
}

static inline struct pool *pool_of(struct client *c, const struct origin *o)
{
	if (unlikely(o->index >= c->n_pools))
		more_pools(c, o->index + 16);
	return &c->pools[o->index];
}

static void leave_pool(struct upstream *u)
{
	*u->link = u->next;
	if (u->next)
		u->next->link = u->link;
	pool_of(u->client, u->origin)->n--;
	u->client->stats.idle--;
}

static void deadline_in(struct upstream *u, uint32_t ms)
{
	if (ms)
		timer_start(u->client->options.loop, &u->deadline, ms);
	else
		timer_cancel(u->client->options.loop, &u->deadline);
}

/* Is there something behind the answer, which no edge will tell of? It would be taken for the next one. */
static bool has_more(struct upstream *u)
{
	char byte;

	return u->conn.can_read && conn_read(&u->conn, &byte, 1) != CONN_AGAIN;
}

/* Back to the pool, or closed. No call holds it any more. */
static void release(struct upstream *u, bool reusable)
{
	struct client *c = u->client;
	struct pool *p = pool_of(c, u->origin);

	u->call = NULL;
	drop_input(u);
	if (!reusable || u->conn.hangup || u->conn.broken || p->n >= c->options.idle_max ||
	    loop_now_ms(c->options.loop) - u->born_ms >= c->options.age_ms || has_more(u)) {
		up_die(u);
		return;
	}
	u->state = UP_IDLE;
	u->used = true;
	u->next = p->idle;
	u->link = &p->idle;
	if (p->idle)
		p->idle->link = &u->next;
	p->idle = u;
	p->n++;
	c->stats.idle++;
	c->stats.active--;
	deadline_in(u, c->options.idle_ms);
}

/* ---- the end of a call ---- */

static void end_well(struct upstream *u, bool reusable)
{
	struct call *call = u->call;

	u->call = NULL;
	call->client = NULL;
	call->up = NULL;
	release(u, u->client->options.events->on_end(call, NULL) && reusable);
}

static void start_fresh(struct call *call, struct origin *);

static void end_badly(struct upstream *u, const struct err *why)
{
	struct call *call = u->call;
	/* a connection that waited too long in the pool; a provider that is merely slow is not asked twice */
	bool again = u->used && !u->answered && !call->retried && why->code != ERR_UPSTREAM_TIMEOUT;

	up_die(u);
	call->up = NULL;
	if (again) {
		call->retried = true;
		call->client->stats.retries++;
		start_fresh(call, u->origin);
		return;
	}
	call->client->stats.failures++;
	call->client = NULL;
	(void)u->client->options.events->on_end(call, why);
}

static void fail(struct upstream *u, enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	e.origin = ERR_FROM_PROVIDER;
	e.retryable = true;
	end_badly(u, &e);
}

/* ---- reading an answer ---- */

static void begin_body(struct upstream *u, const struct http_head *h)
{
	u->state = UP_BODY;
	u->answered = true;
	u->keep_alive = h->keep_alive && u->sent_all;
	u->chunks = (struct http1_chunks){ 0 };
	u->left = 0;
	u->body = UP_SIZED;
	if (u->call->request->head_method || h->status == 204 || h->status == 304)
		return;
	if (h->chunked) {
		u->body = UP_CHUNKED;
	} else if (h->content_length >= 0) {
		u->left = (uint64_t)h->content_length;
	} else {
		u->body = UP_TO_END;
		u->keep_alive = false;
	}
}

/* Takes one head from the front of `*in`. */
static void feed_head(struct upstream *u, struct str *in)
{
	struct http_field fields[HTTP1_FIELDS_MAX];
	const struct http1_limits *limits = &u->client->limits;
	struct call *call = u->call;
	struct http_head h;
	struct err e;
	size_t len;

	u->answered |= in->n > 0;
	switch (http1_take_answer(*in, &u->scanned, limits, fields, &h, &len, &e)) {
	case HTTP1_MORE:
		return;
	case HTTP1_BAD:
		fail(u, ERR_UPSTREAM, e.text);
		return;
	case HTTP1_WHOLE:
		break;
	}
	*in = str_slice(*in, len, in->n);
	if (h.status < 200) {
		if (h.status == 101 || ++u->interim > INTERIM_MAX)
			fail(u, ERR_UPSTREAM, "the provider sent interim answers that nobody asked for");
		return;
	}
	begin_body(u, &h);
	call->got_head = true;
	u->client->options.events->on_head(call, &h);
	if (u->call)
		call->request = NULL;
}

static void feed_body(struct upstream *u, struct str *in)
{
	struct call *call = u->call;
	struct str data = *in;

	switch ((enum up_body)u->body) {
	case UP_SIZED:
		data = str_slice(*in, 0, u->left < in->n ? (size_t)u->left : in->n);
		u->left -= data.n;
		break;
	case UP_CHUNKED:
		switch (http1_chunks_read(&u->chunks, in, &data)) {
		case HTTP1_BODY_MORE:
			return;
		case HTTP1_BODY_DATA:
			u->client->options.events->on_data(call, data);
			return;
		case HTTP1_BODY_END:
			end_well(u, u->keep_alive && in->n == 0);
			return;
		case HTTP1_BODY_BAD:
			fail(u, ERR_UPSTREAM, "the provider's answer has a malformed chunk");
			return;
		}
		return;
	case UP_TO_END:
		break;
	}
	*in = str_slice(*in, data.n, in->n);
	if (data.n)
		u->client->options.events->on_data(call, data);
}

static bool body_is_over(const struct upstream *u)
{
	return u->call && u->state == UP_BODY && u->body == UP_SIZED && u->left == 0;
}

/* Uses received bytes. Afterwards the upstream may be without a call. */
static void feed(struct upstream *u, struct str in)
{
	while (u->call && (in.n > 0 || body_is_over(u))) {
		size_t had = in.n;

		if (body_is_over(u)) {
			end_well(u, u->keep_alive && in.n == 0);
			return;
		}
		if (u->state == UP_BODY)
			feed_body(u, &in);
		else
			feed_head(u, &in);
		if (in.n == had)
			break;
	}
	if (!u->call || u->state == UP_BODY) {
		if (u->in)
			drop_input(u);
		return;
	}
	/* a partial head: keep it */
	if (u->in_n && in.p >= u->in && in.p < u->in + u->in_n) {
		memmove(u->in, in.p, in.n);
	} else if (in.n) {
		if (u->in_cap < in.n) {
			u->in = mem_realloc(u->in, in.n);
			u->in_cap = (uint32_t)in.n;
		}
		memcpy(u->in, in.p, in.n);
	}
	u->in_n = (uint32_t)in.n;
}

static void feed_more(struct upstream *u, struct str s)
{
	if (u->in_n == 0) {
		feed(u, s);
		return;
	}
	if (u->in_n + s.n > u->in_cap) {
		u->in_cap = 2 * u->in_n + (uint32_t)s.n;
		u->in = mem_realloc(u->in, u->in_cap);
	}
	memcpy(u->in + u->in_n, s.p, s.n);
	u->in_n += (uint32_t)s.n;
	feed(u, str_of(u->in, u->in_n));
}

static void input_ended(struct upstream *u, bool failed)
{
	struct err e;

	if (u->state == UP_BODY && u->body == UP_TO_END && !failed) {
		end_well(u, false);
	} else if (failed && u->conn.tls) {
		conn_describe(&u->conn, &e);
		e.origin = ERR_FROM_PROVIDER;
		e.retryable = true;
		end_badly(u, &e);
	} else if (u->state == UP_BODY) {
		fail(u, ERR_UPSTREAM, "the provider's answer was cut off");
	} else {
		fail(u, ERR_UPSTREAM, u->in_n ? "the provider closed the connection in the middle of an answer's head"
		                              : "the provider closed the connection without an answer");
	}
}

static void read_on(struct upstream *u)
{
	struct loop *l = u->client->options.loop;

	for (int i = 0; u->call && !u->call->paused && u->conn.can_read; i++) {
		ssize_t n;

		if (i == READS_IN_A_ROW) {
			loop_post(l, &u->again);
			break;
		}
		n = conn_read(&u->conn, loop_scratch(l), LOOP_SCRATCH_BYTES);
		if (n == CONN_AGAIN)
			break;
		if (n <= 0) {
			input_ended(u, n == CONN_FAIL);
			return;
		}
		feed_more(u, str_of(loop_scratch(l), (size_t)n));
		if (u->call && u->state == UP_BODY && !u->call->awaits)
			deadline_in(u, u->call->deadlines.idle_ms);
	}
}

/* ---- sending a request ---- */

static void send_more(struct upstream *u)
{
	const struct call_request *r = u->call->request;
	ssize_t sent = conn_send_pieces(&u->conn, r->pieces, r->n, u->sent);

	if (sent < 0) {
		/* the provider may have answered and closed before it read all: what it said counts */
		u->failed_early = true;
		u->conn.can_read = true;
		loop_post(u->client->options.loop, &u->again);
		return;
	}
	u->sent += (size_t)sent;
	if (unlikely(r->spool))
		spool_release(r->spool, u->sent);
	u->sent_all = !u->conn.stalled;
	if (u->sent_all) {
		u->state = UP_HEAD;
		deadline_in(u, u->call->deadlines.first_byte_ms);
	} else {
		deadline_in(u, u->sent ? u->call->deadlines.idle_ms : u->call->deadlines.connect_ms);
	}
}

static void on_changed(struct conn *c)
{
	struct upstream *u = CONTAINER_OF(c, struct upstream, conn);

	if (u->state == UP_DEAD)
		return;
	if (u->state == UP_IDLE) {
		char byte;

		/* The edge may be that of bytes which were read already, or TLS has a ticket for us; else, and
		 * nobody asked, the provider closes, or sends what belongs to no request. */
		if (!c->broken && !c->hangup && conn_read(c, &byte, 1) == CONN_AGAIN)
			return;
		leave_pool(u);
		u->client->stats.active++;
		up_die(u);
		return;
	}
	if (c->drained) {
		c->drained = false;
		if (u->state == UP_SENDING && !u->failed_early)
			send_more(u);
	}
	if (c->broken)
		c->can_read = true; /* what came before the reset can still be read, and then the reason */
	read_on(u);
}

static void run_again(struct task *t)
{
	struct upstream *u = CONTAINER_OF(t, struct upstream, again);

	if (u->state == UP_DEAD) {
		up_free(u);
		return;
	}
	if (!u->call)
		return;
	read_on(u);
	if (u->call && u->failed_early && !u->call->paused && !u->conn.can_read)
		input_ended(u, true);
}

static void on_deadline(struct timer *t)
{
	struct upstream *u = CONTAINER_OF(t, struct upstream, deadline);

	switch ((enum up_state)u->state) {
	case UP_IDLE:
		leave_pool(u);
		u->client->stats.active++;
		up_die(u);
		return;
	case UP_SENDING:
		fail(u, ERR_UPSTREAM_TIMEOUT, u->sent ? "the provider did not take the request in time"
		                                      : "the connection to the provider was not ready in time");
		return;
	case UP_HEAD:
		fail(u, ERR_UPSTREAM_TIMEOUT, "the provider did not answer in time");
		return;
	case UP_BODY:
		if (u->call->paused)
			deadline_in(u, u->call->deadlines.idle_ms); /* it is us who wait */
		else if (u->call->awaits)
			fail(u, ERR_UPSTREAM_TIMEOUT, "the provider did not begin its stream in time");
		else
			fail(u, ERR_UPSTREAM_TIMEOUT, "the provider stopped in the middle of its answer");
		return;
	case UP_DIALING:
	case UP_DEAD:
		return;
	}
}

/* ---- starting ---- */

static void on_dialed(void *arg, int fd, const struct addr *to, const struct err *why)
{
	struct upstream *u = arg;
	struct client *c = u->client;
	struct origin *o = u->origin;
	struct tls *tls = NULL;
	struct err e;

	u->dial = NULL;
	if (fd < 0) {
		e = *why;
		e.retryable = true;
		end_badly(u, &e);
		return;
	}
	if (o->tls)
		tls = tls_connect(o->tls, c->sessions, fd, str_from_z(o->host), o->port);
	if (!conn_open(&u->conn, c->options.loop, fd, tls, on_changed, &e)) {
		end_badly(u, &e);
		return;
	}
	c->stats.connects++;
	u->call->connected = true;
	u->born_ms = loop_now_ms(c->options.loop);
	u->state = UP_SENDING;
	send_more(u);
}

static void start_fresh(struct call *call, struct origin *o)
{
	struct client *c = call->client;
	struct upstream *u = slab_take(&c->upstreams);

	u->client = c;
	u->origin = o;
	u->call = call;
	u->again.run = run_again;
	u->deadline.on_due = on_deadline;
	u->state = UP_DIALING;
	call->up = u;
	call->connected = call->reused = false;
	c->stats.active++;
	u->dial = dial_start(&(struct dial_request){
		.loop = c->options.loop, .dns = c->options.dns, .host = str_from_z(o->host),
		.port = o->port, .public_only = o->public_only,
		.timeout_ms = call->deadlines.connect_ms, .on_done = on_dialed, .arg = u });
}

static struct upstream *take_idle(struct client *c, struct origin *o)
{
	struct pool *p = pool_of(c, o);
	struct upstream *u;

	while ((u = p->idle)) {
		leave_pool(u);
		c->stats.active++;
		if (loop_now_ms(c->options.loop) - u->born_ms < c->options.age_ms)
			return u;
		up_die(u);
	}
	return NULL;
}

void call_start(struct call *call, struct client *c, struct origin *o, const struct call_request *r,
                const struct call_deadlines *d)
{
	struct upstream *u = take_idle(c, o);

	assert(!call->client && r->n > 0 && r->n <= CALL_PIECES);
	call->client = c;
	call->request = r;
	call->deadlines = *d;
	call->paused = call->retried = call->got_head = call->awaits = false;
	if (!u) {
		start_fresh(call, o);
		return;
	}
	c->stats.reuses++;
	call->up = u;
	call->reused = call->connected = true;
	u->call = call;
	u->state = UP_SENDING;
	u->sent = 0;
	u->interim = 0;
	u->answered = u->sent_all = u->failed_early = false;
	send_more(u);
}

COLD void call_start_once(struct call *call, struct client *c, struct origin *o, const struct call_request *r,
                          const struct call_deadlines *d)
{
	assert(!call->client && r->n > 0 && r->n <= CALL_PIECES);
	call->client = c;
	call->request = r;
	call->deadlines = *d;
	call->paused = call->retried = call->got_head = call->awaits = false;
	start_fresh(call, o);
}

void call_pause(struct call *call)
{
	call->paused = true;
}

void call_resume(struct call *call)
{
	if (!call->paused)
		return;
	call->paused = false;
	if (call->up && call->up->conn.can_read)
		loop_post(call->client->options.loop, &call->up->again);
}

void call_cancel(struct call *call)
{
	if (!call->client)
		return;
	up_die(call->up);
	call->up = NULL;
	call->client = NULL;
}

/* ---- the client ---- */

struct client *client_new(const struct client_options *o)
{
	struct client *c = mem_zalloc(sizeof *c);

	assert(o->head_max_fields <= HTTP1_FIELDS_MAX);
	c->options = *o;
	c->limits = (struct http1_limits){ o->head_max_bytes, o->head_max_bytes, o->head_max_fields };
	slab_init(&c->upstreams, sizeof(struct upstream));
	c->sessions = tls_sessions_new(TLS_SESSIONS_MAX);
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_pools; i++)
		while (c->pools[i].idle) {
			struct upstream *u = c->pools[i].idle;

			leave_pool(u);
			up_free(u);
		}
	tls_sessions_free(c->sessions);
	slab_fini(&c->upstreams);
	free(c->pools);
	free(c);
}

void client_set_idle(struct client *c, uint32_t idle_max, uint32_t idle_ms, uint32_t age_ms)
{
	c->options.idle_max = idle_max;
	c->options.idle_ms = idle_ms;
	c->options.age_ms = age_ms;
}

void client_get_stats(const struct client *c, struct client_stats *out)
{
	*out = c->stats;
}
