/* SPDX-License-Identifier: Apache-2.0 */
/* request: a request's life on its worker, and what is read of its head. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/spool.h"
#include "conf/value.h"
#include "gateway/gateway_in.h"
#include "gateway/hedge.h"
#include "govern/keys.h"
#include "observe/observe.h"
#include "provider/credential.h"

#define FREE_MAX 64                      /* of a worker, to be used again */
#define KEPT_BUFFER_BYTES (8u << 10)
#define ARENA_EXTRA_BYTES (8u << 20)     /* besides the body: heads, plans, edits */

static void run_wake(struct task *t)
{
	req_run(CONTAINER_OF(t, struct req, wake));
}

static void on_limit(struct timer *t)
{
	struct req *r = CONTAINER_OF(t, struct req, limit);

	if (unlikely(r->step == STEP_BACKOFF || r->attempt_state == ATTEMPT_CREDENTIAL)) {
		if (r->relaying && r->step == STEP_BACKOFF && relay_wait(r))
			return;
		r->expired = true;
		req_wake(r);
		return;
	}
	if (r->relaying && relay_tick(r))
		return;
	r->expired = true;
	if (r->attempt_state == ATTEMPT_WAITING || r->relaying)
		attempt_expire(r);
	req_wake(r);
}

void req_buf_reset(struct buf *b, size_t max_bytes)
{
	if (b->cap > max_bytes)
		buf_fini(b);
	buf_clear(b);
	b->max = max_bytes;
}

/* Above this a body is no longer held in memory. */
#define SPOOL_FROM_BYTES (1 << 20)

void req_spool(struct req *r, const struct http_head *h)
{
	struct buf *body = &r->open->body;
	const char *dir = r->w->gw->options.spool_dir;
	struct err e;

	buf_fini(body);
	body->max = (size_t)req_conf(r)->server->upload_max_bytes;
	if (!dir || (!h->chunked && h->content_length < SPOOL_FROM_BYTES))
		return;
	if (!spool_open(body, dir, &e))
		log_warn("gateway", "%s", e.text); /* it is held, up to what other bodies may be */
	if (!body->file && body->max > (size_t)req_conf(r)->server->body_max_bytes)
		body->max = (size_t)req_conf(r)->server->body_max_bytes;
}

static struct req_open *take_open(struct worker *w)
{
	struct req_open *o = w->free_opens;

	if (!o) {
		w->n_opens++;
		return mem_zalloc(sizeof *o);
	}
	w->free_opens = o->next;
	w->n_free_opens--;
	w->n_opens++;
	memset(o, 0, offsetof(struct req_open, rq));
	return o;
}

static void keep_small(struct buf *b)
{
	if (b->file || b->cap > KEPT_BUFFER_BYTES)
		buf_fini(b);
}

static void free_open(struct req_open *o)
{
	buf_fini(&o->body);
	buf_fini(&o->answer);
	free(o);
}

void req_give_back_open(struct worker *w, struct req_open *o)
{
	w->n_opens--;
	op_cancel(&o->op);
	if (unlikely(timer_running(&o->hedge_timer.due)))
		timer_cancel(w->loop, &o->hedge_timer.due);
	if (unlikely(o->fetch != NULL))
		media_cancel(o);
	assert(!o->queued);
	if (unlikely(o->secret != NULL))
		credential_value_unref(o->secret);
	if (unlikely(o->service.out.p != NULL))
		buf_fini(&o->service.out);
	arena_fini(&o->arena);
	keep_small(&o->body);
	keep_small(&o->answer);
	if (w->n_free_opens >= FREE_MAX) {
		free_open(o);
		return;
	}
	o->next = w->free_opens;
	w->free_opens = o;
	w->n_free_opens++;
}

void req_free_stores(struct worker *w)
{
	while (w->free_opens) {
		struct req_open *o = w->free_opens;

		w->free_opens = o->next;
		free_open(o);
	}
}

/* What a request and a twin have in common; it holds the snapshot's reference from now on. */
static ALWAYS_INLINE struct req *begin(struct worker *w, struct snapshot *snapshot)
{
	struct req *r = slab_take(&w->slab);
	struct req_open *o = take_open(w);

	r->w = w;
	r->open = o;
	r->snapshot = snapshot;
	r->wake.run = run_wake;
	r->limit.on_due = on_limit;
	w->last_open_ms = loop_now_ms(w->loop);
	arena_init(&o->arena, (size_t)req_conf(r)->server->body_max_bytes + ARENA_EXTRA_BYTES);
	o->retry_after_ms = -1;
	o->op = (struct op){ .loop = w->loop, .waiter = &r->wake };
	r->next = w->reqs;
	r->link = &w->reqs;
	if (w->reqs)
		w->reqs->link = &r->next;
	w->reqs = r;
	return r;
}

COLD struct req *req_new_own(struct worker *w)
{
	struct req *r = begin(w, snapshot_ref(snapshot_current(&w->conf)));

	r->start_us = r->since_us = loop_now_us(w->loop);
	r->id = ulid_new(loop_real_ms(w->loop));
	r->method = METHOD_POST;
	return r;
}

struct req *req_new(struct worker *w, struct exchange *x, const struct http_head *head)
{
	struct req *r = begin(w, snapshot_ref(snapshot_current(&w->conf)));

	r->x = x;
	x->user = r;
	r->start_us = r->since_us = loop_now_us(w->loop);
	r->id = ulid_new(loop_real_ms(w->loop));
	r->method = (uint8_t)head->method;
	r->open->head = head;
	r->open->in.path = head->path;
	observe_begin(w->observe);
	return r;
}

COLD struct req *req_new_twin(struct req *of)
{
	struct req *r = begin(of->w, snapshot_ref(of->snapshot));
	struct req_open *o = r->open;
	const struct req_open *from = of->open;

	r->endpoint = of->endpoint;
	r->key = key_ref(of->key);
	r->id = of->id;
	r->start_us = of->start_us;
	r->since_us = of->since_us;
	memcpy(r->wait_us, of->wait_us, sizeof r->wait_us);
	r->bytes_in = of->bytes_in;
	r->step = of->step;
	r->method = of->method;
	r->want_stream = of->want_stream;
	r->body_whole = true;
	r->keeps_answer = of->keeps_answer;
	o->in = from->in;
	o->forward = from->forward;
	o->has_anthropic_version = from->has_anthropic_version;
	o->has_content_type = from->has_content_type;
	memcpy(o->text, from->text, sizeof o->text);
	o->timeout_ms = from->timeout_ms;
	o->method = from->method;
	o->provider = from->provider;
	o->media = (struct req_media){ .kept = from->media.kept, .bytes = from->media.bytes, .n = from->media.n };
	o->own_state = from->own_state;
	o->carries = from->carries;
	o->only_to_carry = from->only_to_carry;
	o->conversation = from->conversation;
	o->wishes = from->wishes;
	o->as_asked = from->as_asked;
	o->body_for = from->body_for;
	o->rq = from->rq;
	o->look = from->look;
	o->failures = from->failures;
	o->soonest_ms = from->soonest_ms;
	return r;
}

void req_free(struct req *r)
{
	assert(!call_active(&r->call) && !r->x);
	if (unlikely(r->use.health != NULL)) /* the slower one of two */
		vitals_drop(r);
	timer_cancel(r->w->loop, &r->limit);
	loop_unpost(r->w->loop, &r->wake);
	if (r->open)
		req_give_back_open(r->w, r->open);
	if (r->texts_small)
		slab_give(&r->w->texts_slab, r->texts);
	else
		free(r->texts);
	if (unlikely(r->unwrap != NULL))
		envelope_stream_free(r->unwrap);
	free(r->held);
	free(r->array); /* or resume */
	if (unlikely(r->translation != NULL))
		translation_free(r->translation);
	if (unlikely(r->recall != NULL))
		recall_free(r->recall);
	if (unlikely(r->hedge != NULL))
		hedge_free(r);
	free(r->attempts);
	key_unref(r->key);
	snapshot_unref(r->snapshot);
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	slab_give(&r->w->slab, r);
}

void req_wake(struct req *r)
{
	loop_post(r->w->loop, &r->wake);
}

/* ---- texts ---- */

void req_shed(struct req *r)
{
	struct req_open *o = r->open;
	size_t n = 0;
	char *at;

	for (int i = 0; i < REQ_TEXTS; i++)
		n += 2 + o->text[i].n;
	r->texts_small = n <= TEXTS_SMALL_BYTES;
	at = r->texts = r->texts_small ? slab_take(&r->w->texts_slab) : mem_alloc(n);
	for (int i = 0; i < REQ_TEXTS; i++) {
		uint16_t len = (uint16_t)o->text[i].n;

		memcpy(at, &len, 2);
		if (len)
			memcpy(at + 2, o->text[i].p, len);
		at += 2 + len;
	}
	r->open = NULL;
	req_give_back_open(r->w, o);
	if (unlikely(r->hedge != NULL))
		hedge_shed(r);
}

struct str req_text(const struct req *r, enum req_text which)
{
	const char *at = r->texts;
	uint16_t len;

	if (r->open)
		return r->open->text[which];
	for (int i = 0;; i++, at += 2 + len) {
		memcpy(&len, at, 2);
		if (i == (int)which)
			return str_of(at + 2, len);
	}
}

/* ---- the head ---- */

/* The value of `name` in a query, as it stands. */
static struct str query_value(struct str query, struct str name)
{
	while (query.p) {
		struct str part = str_cut(&query, '&');

		if (part.n > name.n && str_starts(part, name) && part.p[name.n] == '=')
			return str_slice(part, name.n + 1, part.n);
	}
	return (struct str){ 0 };
}

/* Portkey's clients have their gateway's key in a field of its own, alone (its SDK) or beside a provider's. */
static COLD bool is_portkey_key(const struct http_field *f)
{
	return str_ieq(f->name, STR("x-portkey-api-key")) && f->value.n;
}

struct str req_token(const struct http_head *h)
{
	static const uint64_t holders = 1ull << HTTP_F_AUTHORIZATION | 1ull << HTTP_F_X_API_KEY |
		1ull << HTTP_F_X_GOOG_API_KEY | 1ull << HTTP_F_API_KEY | 1ull << HTTP_F_X_PORTKEY;
	struct str bearer = { 0 }, other = { 0 }, portkey = { 0 };
	bool several = false, several_portkey = false;

	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];

		if (likely(!(holders >> f->id & 1)))
			continue;
		if (unlikely(f->id == HTTP_F_X_PORTKEY)) {
			if (is_portkey_key(f)) {
				several_portkey |= portkey.n && !str_eq(portkey, f->value);
				portkey = f->value;
			}
		} else if (f->id == HTTP_F_AUTHORIZATION && str_istarts(f->value, STR("bearer "))) {
			if (bearer.p)
				return (struct str){ 0 }; /* not a list (RFC 9110 5.3): whose would it be? */
			bearer = str_trim(str_slice(f->value, 7, f->value.n));
		} else if (f->id != HTTP_F_AUTHORIZATION) {
			several |= other.n && !str_eq(other, f->value);
			other = f->value;
		}
	}
	if (unlikely(portkey.n) && !several_portkey)
		return portkey;
	if (bearer.p && !several_portkey)
		return bearer;
	if (several || several_portkey)
		return (struct str){ 0 };
	return other.n ? other : query_value(h->query, STR("key"));
}

bool req_is_signed(const struct http_head *h)
{
	for (unsigned i = 0; i < h->n_fields; i++)
		if (h->fields[i].id == HTTP_F_AUTHORIZATION && str_starts(h->fields[i].value, STR("AWS4-HMAC-SHA256 ")))
			return true;
	return false;
}

/* Would a provider by this field take the request for another one (method, path, client), or answer with less than it
 * was asked for: a part, nothing, no usage? */
static bool is_override(struct str name)
{
	static const struct str names[] = {
		STR_INIT("x-http-method-override"), STR_INIT("x-http-method"), STR_INIT("x-method-override"),
		STR_INIT("x-original-url"), STR_INIT("x-original-uri"), STR_INIT("x-original-host"),
		STR_INIT("x-rewrite-url"), STR_INIT("x-host"), STR_INIT("x-real-ip"), STR_INIT("x-client-ip"),
		STR_INIT("x-cluster-client-ip"), STR_INIT("x-goog-fieldmask"), STR_INIT("proxy"), STR_INIT("range"),
		STR_INIT("if-range"), STR_INIT("if-match"), STR_INIT("if-none-match"), STR_INIT("if-modified-since"),
		STR_INIT("if-unmodified-since"), STR_INIT("max-forwards"),
	};
	char first = (char)(name.p[0] | 0x20);

	if (first != 'x' && first != 'i' && first != 'p' && first != 'r' && first != 'm')
		return false;
	if (str_istarts(name, STR("x-stainless-"))) /* SDKs send many */
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (name.n == names[i].n && str_ieq(name, names[i]))
			return true;
	return false;
}

/* What the client says to us, and what ends here, never goes upstream. */
static bool goes_upstream(const struct http_head *h, const struct http_field *f)
{
	static const uint64_t ours = 1ull << HTTP_F_HOST | 1ull << HTTP_F_AUTHORIZATION | 1ull << HTTP_F_X_API_KEY |
	                             1ull << HTTP_F_X_GOOG_API_KEY | 1ull << HTTP_F_API_KEY |
	                             1ull << HTTP_F_ACCEPT_ENCODING | 1ull << HTTP_F_X_SLUICE |
	                             1ull << HTTP_F_X_FORWARDED | 1ull << HTTP_F_FORWARDED | 1ull << HTTP_F_VIA |
	                             1ull << HTTP_F_COOKIE | 1ull << HTTP_F_CONTENT_ENCODING |
	                             1ull << HTTP_F_CONTENT_TYPE | 1ull << HTTP_F_ACCEPT |
	                             1ull << HTTP_F_X_REQUEST_ID | 1ull << HTTP_F_X_PORTKEY | 1ull << HTTP_F_CF_AIG;

	if ((ours >> f->id & 1) || http_is_hop_by_hop(f->id))
		return false;
	/* CGI-like servers take `content_length` for `content-length`: no name with an underscore passes */
	if (f->id == HTTP_F_OTHER && (str_find_chr(f->name, '_') != STR_NPOS || is_override(f->name)))
		return false;
	return !http_is_named_by_connection(h, f->name);
}

/* The fields that go upstream, written down as they will be sent. False: the arena is full. */
static bool keep_forward(struct req_open *o, const struct http_head *h)
{
	size_t room = 0;
	char *at, *start;

	for (unsigned i = 0; i < h->n_fields; i++)
		room += h->fields[i].name.n + h->fields[i].value.n + 4;
	start = at = arena_alloc(&o->arena, room + 1);
	if (!at)
		return false;
	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];

		if (!goes_upstream(h, f))
			continue;
		at = put_str(at, f->name);
		at = put_str(at, STR(": "));
		at = put_str(at, f->value);
		at = put_str(at, STR("\r\n"));
	}
	o->forward = str_of(start, (size_t)(at - start));
	return true;
}

static struct str clip(struct str s)
{
	return str_slice(s, 0, CLIENT_TEXT_MAX);
}

/* An id from outside is only used if it is plain: it is sent back in a header and written to logs. */
static bool is_plain_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n > 0 && s.n <= CLIENT_TEXT_MAX;
}

static bool read_timeout(struct str v, uint32_t *ms)
{
	int64_t n;

	if (!value_read_duration(v, &n) || n <= 0 || n > 86400000)
		return false;
	*ms = (uint32_t)n;
	return true;
}

static bool take_sluice_field(struct req *r, const struct http_field *f)
{
	struct req_open *o = r->open;
	struct str what = str_slice(f->name, 9, f->name.n);

	if (str_ieq(what, STR("request-id"))) {
		if (!is_plain_id(f->value))
			return err_set(&o->err, ERR_INVALID_REQUEST,
			               "x-sluice-request-id must be 1 to %d visible ASCII characters", CLIENT_TEXT_MAX);
		o->text[TEXT_CLIENT_ID] = arena_dup(&o->arena, f->value);
	} else if (str_ieq(what, STR("user"))) {
		o->text[TEXT_USER] = arena_dup(&o->arena, clip(f->value));
	} else if (str_ieq(what, STR("tags"))) {
		o->text[TEXT_TAGS] = arena_dup(&o->arena, clip(f->value));
	} else if (str_ieq(what, STR("provider"))) {
		o->provider = arena_dup(&o->arena, clip(f->value));
	} else if (str_ieq(what, STR("session"))) {
		o->session = arena_dup(&o->arena, f->value);
	} else if (str_ieq(what, STR("hash"))) {
		o->hash_by = arena_dup(&o->arena, f->value);
	} else if (str_ieq(what, STR("timeout")) && str_find_chr(f->value, '=') == STR_NPOS) {
		if (!read_timeout(f->value, &o->timeout_ms))
			return err_set(&o->err, ERR_INVALID_REQUEST,
			               "x-sluice-timeout \"%.*s\" must be a duration such as 500ms or 30s, up to 24 h",
			               STR_ARG(clip(f->value)));
	} else if (wishes_know_field(f->name)) {
		return ask_take_field(r, f);
	}
	return true;
}

/* Other gateways' names for what we have a name for, and their wishes. */
static COLD bool take_foreign_field(struct req *r, const struct http_field *f)
{
	struct req_open *o = r->open;
	struct str *id = &o->text[TEXT_CLIENT_ID];

	if (str_ieq(f->name, STR("x-portkey-trace-id")) || str_ieq(f->name, STR("cf-aig-event-id"))) {
		if (id->n == 0 && is_plain_id(f->value))
			*id = arena_dup(&o->arena, f->value);
		return true;
	}
	return !wishes_know_field(f->name) || ask_take_field(r, f);
}

static bool is_json(struct str type)
{
	struct str rest = type;

	if (likely(str_eq(type, STR("application/json"))))
		return true;
	return str_ieq(str_trim(str_cut(&rest, ';')), STR("application/json"));
}

static bool take_field(struct req *r, const struct http_field *f)
{
	struct req_open *o = r->open;

	switch ((unsigned)f->id) {
	case HTTP_F_X_SLUICE:
		return take_sluice_field(r, f);
	case HTTP_F_X_PORTKEY:
	case HTTP_F_CF_AIG:
		return take_foreign_field(r, f);
	case HTTP_F_CONTENT_ENCODING:
		return str_ieq(f->value, STR("identity")) ||
		       err_set(&o->err, ERR_MEDIA_TYPE,
		               "content-encoding \"%.*s\" is not taken; send the body as it is",
		               STR_ARG(clip(f->value)));
	case HTTP_F_CONTENT_TYPE:
		if (o->has_content_type)
			return err_set(&o->err, ERR_INVALID_REQUEST, "there is more than one content-type field");
		o->has_content_type = true;
		if (unlikely(r->endpoint->upload)) {
			o->in.content_type = arena_dup(&o->arena, f->value);
			return true;
		}
		return !r->endpoint->has_body || f->value.n == 0 || is_json(f->value) ||
		       err_set(&o->err, ERR_MEDIA_TYPE,
		               "content-type \"%.*s\" is not taken; it must be application/json",
		               STR_ARG(clip(f->value)));
	case HTTP_F_IDEMPOTENCY_KEY:
		o->service.idempotency_key = arena_dup(&o->arena, f->value);
		return true;
	case HTTP_F_ANTHROPIC_VERSION:
		o->has_anthropic_version = true;
		return true;
	}
	return true;
}

bool req_take_head(struct req *r)
{
	struct req_open *o = r->open;
	const struct http_head *h = o->head;

	o->in.path = arena_dup(&o->arena, o->in.path);
	if (h->query.n)
		o->in.query = arena_dup(&o->arena, h->query);
	for (unsigned i = 0; i < h->n_fields; i++)
		if (!take_field(r, &h->fields[i]))
			return false;
	if (r->endpoint->kind == ENDPOINT_PASS)
		pass_take_head(r);
	if (r->endpoint->kind != ENDPOINT_SERVICE && !keep_forward(o, h))
		return err_set(&o->err, ERR_HEADERS_TOO_LARGE, "the request needs more memory than it may have");
	if (r->endpoint->kind == ENDPOINT_SERVICE) {
		o->service.method = h->method == METHOD_HEAD ? METHOD_GET : h->method;
		o->service.path = str_slice(o->in.path, r->endpoint->pattern.n, o->in.path.n);
		o->service.query = o->in.query;
		o->service.dialect = o->has_anthropic_version && r->endpoint->service == SERVICE_MODELS
		                             ? DIALECT_ANTHROPIC
		                             : r->endpoint->dialect;
		o->service.key = r->key;
		o->service.conf = req_conf(r);
		o->service.arena = &o->arena;
		o->service.op = &o->op;
		o->service.status = 200;
		o->service.content_type = "application/json";
		o->service.out = buf_make(64u << 20);
	}
	if (!r->endpoint->has_body && (h->chunked || h->content_length > 0))
		return err_set(&o->err, ERR_INVALID_REQUEST, "this request must not have a body");
	return true;
}
