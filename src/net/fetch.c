/* SPDX-License-Identifier: Apache-2.0 */
/* fetch: one small HTTP exchange, with redirects. */
#include "net/fetch.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/client.h"
#include "net/url.h"

#define HEAD_MAX_BYTES (32u << 10)
#define HEAD_MAX_FIELDS 100

struct fetcher {
	struct loop *loop;
	struct client *client;
};

struct fetch {
	struct call call;
	struct fetcher *fetcher;
	struct call_request request;
	struct origin *origin;
	struct timer deadline;
	struct task done;                /* from a clean stack */
	char *texts;                     /* what of the request must last */
	struct str method, lines, body, ca_file;
	struct buf head, answer, type, next;
	int status;
	unsigned redirects;
	bool public_only, https, failed;
	struct err why;
	void (*on_done)(void *arg, const struct fetch_answer *, const struct err *);
	void *arg;
};

static struct fetch *fetch_of(struct call *c) { return CONTAINER_OF(c, struct fetch, call); }

static void fetch_free(struct fetch *f)
{
	struct buf *bufs[] = { &f->head, &f->answer, &f->type, &f->next };

	call_cancel(&f->call);
	timer_cancel(f->fetcher->loop, &f->deadline);
	loop_unpost(f->fetcher->loop, &f->done);
	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		buf_fini(bufs[i]);
	origin_free(f->origin);
	free(f->texts);
	free(f);
}

static void fail(struct fetch *f, const struct err *why)
{
	f->failed = true;
	f->why = *why;
	call_cancel(&f->call);
	loop_post(f->fetcher->loop, &f->done);
}

static void fail_text(struct fetch *f, enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	fail(f, &e);
}

static void on_deadline(struct timer *t)
{
	fail_text(CONTAINER_OF(t, struct fetch, deadline), ERR_UPSTREAM_TIMEOUT, "the answer took longer than allowed");
}

/* ---- the request ---- */

static COLD bool begin(struct fetch *f, struct str address, struct err *e)
{
	struct origin_options o = { .public_only = f->public_only };
	struct call_deadlines none = { 0, 0, 0 };
	struct url u;

	if (!url_read(address, &u, ERR_INVALID_REQUEST, e))
		return false;
	if ((f->public_only || f->https) && !u.tls)
		return err_set(e, ERR_INVALID_REQUEST, "must begin with https://");
	f->https = u.tls;
	o.host = u.host;
	o.port = u.port;
	if (u.tls && !(o.tls = client_tls(f->ca_file, e)))
		return false;
	origin_free(f->origin);
	f->origin = origin_once(&o);
	buf_clear(&f->head);
	buf_printf(&f->head, "%.*s %.*s%.*s HTTP/1.1\r\nhost: %.*s\r\naccept-encoding: identity\r\n",
	           STR_ARG(f->method), STR_ARG(u.path.n ? u.path : STR("/")), STR_ARG(u.query),
	           STR_ARG(origin_authority(f->origin)));
	buf_append(&f->head, f->lines);
	if (!str_eq(f->method, STR("GET")))
		buf_printf(&f->head, "content-length: %zu\r\n", f->body.n);
	if (!buf_append(&f->head, STR("\r\n")) || f->head.failed)
		return err_set(e, ERR_INVALID_REQUEST, "is too long");
	f->request = (struct call_request){ .pieces = { buf_str(&f->head), f->body }, .n = f->body.n ? 2 : 1 };
	call_start_once(&f->call, f->fetcher->client, f->origin, &f->request, &none);
	return true;
}

static void run_done(struct task *t)
{
	struct fetch *f = CONTAINER_OF(t, struct fetch, done);
	struct fetch_answer a = { f->status, buf_str(&f->type), buf_str(&f->answer) };
	struct err e;

	if (!f->failed && f->next.n) {
		struct str next = str_of(mem_dup(f->next.p, f->next.n), f->next.n);
		bool good;

		buf_clear(&f->next);
		buf_clear(&f->answer);
		f->redirects--;
		good = begin(f, next, &e);
		free((char *)(uintptr_t)next.p);
		if (good)
			return;
		err_set(&f->why, ERR_UPSTREAM, "the address redirects to one that %s", e.text);
		f->failed = true;
	}
	f->on_done(f->arg, &a, f->failed ? &f->why : NULL);
	fetch_free(f);
}

/* ---- the answer ---- */

/* Only absolute addresses: a relative one is rare, and joining them is a source of errors. */
static void note_redirect(struct fetch *f, const struct http_head *h)
{
	const struct http_field *to = http_find(h, HTTP_F_LOCATION);

	if (f->redirects == 0 || !str_eq(f->method, STR("GET")) || !to || !str_istarts(to->value, STR("http")))
		return;
	if (h->status == 301 || h->status == 302 || h->status == 303 || h->status == 307 || h->status == 308)
		buf_append(&f->next, to->value);
}

static void on_head(struct call *c, const struct http_head *h)
{
	struct fetch *f = fetch_of(c);
	const struct http_field *type = http_find(h, HTTP_F_CONTENT_TYPE);
	struct str rest;

	f->status = h->status;
	buf_clear(&f->type);
	if (type) {
		rest = type->value;
		buf_append(&f->type, str_trim(str_cut(&rest, ';')));
	}
	note_redirect(f, h);
	if (h->content_length > 0 && (uint64_t)h->content_length > f->answer.max)
		fail_text(f, ERR_TOO_LARGE, "the answer is larger than allowed");
}

static void on_data(struct call *c, struct str bytes)
{
	struct fetch *f = fetch_of(c);

	if (!buf_append(&f->answer, bytes))
		fail_text(f, ERR_TOO_LARGE, "the answer is larger than allowed");
}

static bool on_end(struct call *c, const struct err *failure)
{
	struct fetch *f = fetch_of(c);

	if (failure)
		fail(f, failure);
	else
		loop_post(f->fetcher->loop, &f->done);
	return false;
}

static const struct call_events fetch_events = { on_head, on_data, on_end };

/* ---- public ---- */

struct fetcher *fetcher_new(struct loop *loop, struct dns *dns)
{
	struct fetcher *f = mem_zalloc(sizeof *f);

	f->loop = loop;
	f->client = client_new(&(struct client_options){ .loop = loop, .dns = dns, .events = &fetch_events,
		.head_max_bytes = HEAD_MAX_BYTES, .head_max_fields = HEAD_MAX_FIELDS });
	return f;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	client_free(f->client);
	free(f);
}

static struct str keep(char **at, struct str s)
{
	struct str kept = str_of(*at, s.n);

	*at = put_str(*at, s);
	return kept;
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *rq, struct err *e)
{
	struct fetch *f = mem_zalloc(sizeof *f);
	char *at = f->texts = mem_alloc(rq->method.n + rq->lines.n + rq->body.n + rq->ca_file.n + 1);

	f->fetcher = fetcher;
	f->method = keep(&at, rq->method);
	f->lines = keep(&at, rq->lines);
	f->body = keep(&at, rq->body);
	f->ca_file = keep(&at, rq->ca_file);
	f->head = buf_make(HEAD_MAX_BYTES);
	f->answer = buf_make(rq->answer_max_bytes);
	f->type = buf_make(256);
	f->next = buf_make(HEAD_MAX_BYTES);
	f->redirects = rq->redirects;
	f->public_only = rq->public_only;
	f->on_done = rq->on_done;
	f->arg = rq->arg;
	f->done.run = run_done;
	f->deadline.on_due = on_deadline;
	if (!begin(f, rq->url, e)) {
		fetch_free(f);
		return NULL;
	}
	timer_start(fetcher->loop, &f->deadline, rq->timeout_ms);
	return f;
}

void fetch_cancel(struct fetch *f)
{
	if (f)
		fetch_free(f);
}
