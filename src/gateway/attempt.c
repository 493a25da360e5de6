/* SPDX-License-Identifier: Apache-2.0 */
/* attempt: one call of one candidate: the upstream's request, and its answer until the client may see it. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "gateway/carry.h"
#include "gateway/hedge.h"
#include "gateway/refusal.h"

#define ERROR_BODY_MAX (256u << 10)
#define CREDENTIAL_MIN_BYTES 8      /* "none" and the like are no secrets */
#define CREDENTIAL_WAIT_MS   15000  /* for one that is being fetched */

static struct req *req_of(struct call *c)
{
	return CONTAINER_OF(c, struct req, call);
}

/* ---- how it went ---- */

static void note(struct req *r, enum err_code code, int status)
{
	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	r->attempt.status = (uint16_t)status;
	r->attempt.error = (uint16_t)code;
}

/* The last attempt becomes one of those before. */
static ALWAYS_INLINE void keep_note(struct req *r)
{
	if (r->n_attempts > 0) {
		r->attempts = mem_realloc(r->attempts, r->n_attempts * sizeof *r->attempts);
		r->attempts[r->n_attempts - 1] = r->attempt;
	}
	r->n_attempts++;
	r->attempt = (struct req_attempt){ .deployment = r->open->candidate.deployment };
}

/* A provider that began a good answer, or was still at it when its time ran out, may bill it, and nobody tells how
 * much. */
static bool may_be_billed(const struct req *r, const struct err *e)
{
	if (!r->call.connected || r->attempt.own_key)
		return false;
	return e->code == ERR_UPSTREAM_TIMEOUT || (r->attempt.status >= 200 && r->attempt.status < 300);
}

static void failed(struct req *r, const struct err *e)
{
	struct req_open *o = r->open;

	r->may_be_billed |= may_be_billed(r, e);
	call_cancel(&r->call);
	o->failure = (struct dialect_error){ .err = *e, .retry_after_ms = -1 };
	if (!r->call.connected) {
		/* which host it was is in the name of the deployment, for those who may know */
		log_debug("gateway", "%.*s: %s", STR_ARG(o->candidate.deployment->name), e->text);
		err_set(&o->failure.err, e->code,
		        e->code == ERR_UPSTREAM_TIMEOUT ? "the provider did not accept the connection in time"
		                                        : "the provider cannot be reached");
	}
	o->failure.err.origin = ERR_FROM_PROVIDER;
	o->failure_is_answer = false;
	o->retry_after_ms = -1;
	note(r, e->code, 0);
	r->attempt_state = ATTEMPT_FAILED;
	req_wake(r);
}

void attempt_fail(struct req *r, enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	failed(r, &e);
}

/* An error inside of what looked like an answer. */
void attempt_fail_with_error(struct req *r, const struct dialect_error *error)
{
	struct req_open *o = r->open;
	size_t n_hide;
	const struct str *hide = cloud_hide(r, &n_hide);

	call_cancel(&r->call);
	o->failure = *error;
	dialect_error_hide(&o->failure, hide, n_hide);
	o->failure_is_answer = true;
	o->retry_after_ms = error->retry_after_ms;
	note(r, error->err.code, error->err.status);
	r->attempt_state = ATTEMPT_FAILED;
	req_wake(r);
}

void attempt_refused(struct req *r)
{
	struct dialect_error e = { .retry_after_ms = -1 };
	int64_t nusd = 0;

	err_set(&e.err, ERR_CONTENT_POLICY, "the provider refused the request on its content policy");
	e.err.origin = ERR_FROM_PROVIDER;
	/* what it has read is charged all the same */
	if (r->meter.usage.source == USAGE_REPORTED && req_cost(r, &r->meter.usage, &nusd))
		r->cost_nusd += r->attempt.own_key ? 0 : nusd;
	else
		r->may_be_billed |= !r->attempt.own_key;
	attempt_fail_with_error(r, &e);
	r->attempt.status = (uint16_t)r->open->status;
}

/* The attempt cannot be made; the reason tells of the provider. */
static void fail_before(struct req *r, const struct err *e)
{
	struct req_open *o = r->open;

	o->failure = (struct dialect_error){ .err = *e, .retry_after_ms = -1, .elsewhere_only = true };
	o->failure.err.origin = ERR_FROM_PROVIDER;
	o->failure_is_answer = false;
	o->retry_after_ms = -1;
	note(r, e->code, 0);
	r->attempt_state = ATTEMPT_FAILED;
	req_wake(r);
}

void attempt_expire(struct req *r)
{
	struct err e;

	err_set(&e, ERR_UPSTREAM_TIMEOUT, "the answer took longer than allowed");
	/* the time of a probe is the gateway's own */
	r->hurried = r->hurries & HURRY_TOTAL && !r->probe;
	if (r->relaying) {
		if (unlikely(r->open != NULL) && r->open->carry)
			r->hurried = true; /* most of the time was another's */
		attempt_cancel(r);
		relay_end(r, &e);
	} else {
		failed(r, &e);
	}
}

/* ---- the answer ---- */

/* Beginnings of names of fields that speak of the provider's own site or server. */
static const struct str of_the_provider[] = {
	STR_INIT("alt-svc"),
	STR_INIT("x-accel-"), /* orders to a server in front of us: which file to send, whether to buffer */
	STR_INIT("x-sendfile"),
	STR_INIT("x-lighttpd-"),
	STR_INIT("x-reproxy-"),
	STR_INIT("set-cookie2"),
	STR_INIT("clear-site-data"),
	STR_INIT("authentication-info"),
	STR_INIT("proxy-authentication-info"),
	STR_INIT("strict-transport-security"),
	STR_INIT("www-authenticate"),
	STR_INIT("access-control-"),
	STR_INIT("x-powered-by"),
	STR_INIT("nel"),
	STR_INIT("report-to"),
	STR_INIT("reporting-endpoints"),
	STR_INIT("cf-"),
	STR_INIT("content-security-policy"),
	STR_INIT("accept-ranges"),
	STR_INIT("etag"),
	STR_INIT("link"),
};

static bool is_of_the_provider(struct str name)
{
	/* the first letters, so that most names are compared with none */
	static const uint32_t letters = 1u << ('a' & 31) | 1u << ('s' & 31) | 1u << ('w' & 31) | 1u << ('x' & 31) |
	                                1u << ('n' & 31) | 1u << ('r' & 31) | 1u << ('c' & 31) | 1u << ('e' & 31) |
	                                1u << ('l' & 31) | 1u << ('p' & 31);

	if (!(letters >> (name.p[0] & 31) & 1))
		return false;
	for (size_t i = 0; i < COUNT_OF(of_the_provider); i++)
		if ((name.p[0] | 0x20) == of_the_provider[i].p[0] && str_istarts(name, of_the_provider[i]))
			return true;
	return false;
}

static ALWAYS_INLINE bool passes_to_client(const struct http_head *h, const struct http_field *f)
{
	static const uint64_t not_these = 1ull << HTTP_F_SET_COOKIE | 1ull << HTTP_F_SERVER | 1ull << HTTP_F_VIA |
	                                  1ull << HTTP_F_DATE | 1ull << HTTP_F_X_SLUICE | 1ull << HTTP_F_X_REQUEST_ID |
	                                  1ull << HTTP_F_CONTENT_ENCODING | 1ull << HTTP_F_LOCATION |
	                                  1ull << HTTP_F_X_FORWARDED | 1ull << HTTP_F_AUTHORIZATION |
	                                  1ull << HTTP_F_X_API_KEY | 1ull << HTTP_F_X_GOOG_API_KEY |
	                                  1ull << HTTP_F_API_KEY | 1ull << HTTP_F_COOKIE | 1ull << HTTP_F_CF_AIG;

	if (http_is_hop_by_hop(f->id) || (not_these >> f->id & 1))
		return false;
	if (f->id == HTTP_F_OTHER && is_of_the_provider(f->name))
		return false;
	return !http_is_named_by_connection(h, f->name);
}

/* Some echo what they were sent. */
static ALWAYS_INLINE bool shows_credential(const struct route_provider *p, struct str value)
{
	for (unsigned i = 0; i < p->n_credentials; i++)
		if (p->credentials[i].key.n >= CREDENTIAL_MIN_BYTES && value.n >= p->credentials[i].key.n &&
		    str_find(value, p->credentials[i].key) != STR_NPOS)
			return true;
	return false;
}

/* One copy of all their texts. False: the arena is full. `changed`: the answer comes out of a translation, or out of an
 * envelope, and its type is not the client's. */
static ALWAYS_INLINE bool copy_fields(struct req *r, const struct http_head *h, bool changed, bool translated,
                                      struct str own_key)
{
	struct req_open *o = r->open;
	size_t room = 0;
	char *at;

	o->n_fields = 0;
	for (unsigned i = 0; i < h->n_fields; i++)
		room += h->fields[i].name.n + h->fields[i].value.n;
	at = arena_alloc(&o->arena, room + 1);
	for (unsigned i = 0; at && i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];
		struct str name = { at, f->name.n }, value = { at + f->name.n, f->value.n };

		if (!passes_to_client(h, f) || shows_credential(o->candidate.deployment->provider, f->value))
			continue;
		if (own_key.n && str_find(f->value, own_key) != STR_NPOS)
			continue;
		if (changed && (translated ? !translate_passes_field(f->name) : f->id == HTTP_F_CONTENT_TYPE))
			continue;
		if (o->n_fields == RESPONSE_FIELDS_MAX - RESPONSE_FIELDS_OWN - 1 && f->id != HTTP_F_CONTENT_TYPE)
			continue; /* the last place is for the one that matters */
		if (o->n_fields == RESPONSE_FIELDS_MAX - RESPONSE_FIELDS_OWN)
			break;
		at = put_str(put_str(at, f->name), f->value);
		deliver_add_field(r, name, value);
	}
	return at != NULL;
}

static COLD NOINLINE bool copy_changed_fields(struct req *r, const struct http_head *h, bool translated)
{
	if (!copy_fields(r, h, true, translated, r->open->own_key))
		return false;
	if (!translated)
		deliver_add_field(r, STR("content-type"), STR("text/event-stream"));
	else if (h->status < 300)
		deliver_add_field(r, STR("content-type"), translate_content_type(r));
	return true;
}

/* Of an attempt with the request's own credential. */
static COLD NOINLINE bool copy_fields_of_own(struct req *r, const struct http_head *h)
{
	return copy_fields(r, h, false, false, r->open->own_key);
}

static bool keep_fields(struct req *r, const struct http_head *h)
{
	bool translated = req_is_translated(r);

	if (unlikely(translated) ||
	    (r->want_stream && h->status < 300 && envelope_stream_type(r->open->candidate.face->envelope).n))
		return copy_changed_fields(r, h, translated);
	if (unlikely(r->open->own_key.n))
		return copy_fields_of_own(r, h);
	return copy_fields(r, h, false, false, STR(""));
}

static int64_t read_retry_after(const struct http_head *h)
{
	const struct http_field *ms = http_find(h, HTTP_F_RETRY_AFTER_MS), *s = http_find(h, HTTP_F_RETRY_AFTER);
	uint64_t v;

	if (ms && str_to_u64(ms->value, &v) && v < 86400000)
		return (int64_t)v;
	if (s && str_to_u64(s->value, &v) && v < 86400)
		return (int64_t)v * 1000;
	return -1;
}

static bool has_type(const struct http_head *h, struct str type)
{
	const struct http_field *f = http_find(h, HTTP_F_CONTENT_TYPE);
	struct str rest;

	if (!f)
		return false;
	rest = f->value;
	return str_ieq(str_trim(str_cut(&rest, ';')), type);
}

/* What the provider's stream must be. */
static struct str stream_type(const struct req *r)
{
	const struct req_open *o = r->open;
	struct str wrapped = envelope_stream_type(o->candidate.face->envelope);

	if (wrapped.n)
		return wrapped;
	if (req_is_translated(r))
		return translate_accepted_type(r);
	switch (o->rq.framing) {
	case FRAMING_JSON_ARRAY:
	case FRAMING_WHOLE: return STR("application/json");
	case FRAMING_LINES: return STR("application/x-ndjson");
	case FRAMING_EVENTSTREAM: return STR("application/vnd.amazon.eventstream");
	case FRAMING_SSE: break;
	}
	return STR("text/event-stream");
}

static bool is_streaming(const struct req *r)
{
	return (r->want_stream && r->attempt.status < 300) || r->raw;
}

/* Media and what passes: the answer's type tells how it goes on. JSON is kept whole for its usage; events are metered;
 * everything else is relayed as it comes. */
static COLD void choose_form(struct req *r, const struct http_head *h, size_t max)
{
	struct req_open *o = r->open;
	bool good = h->status >= 200 && h->status < 300;

	r->want_stream = r->raw = false;
	o->rq.framing = FRAMING_WHOLE;
	if (!good) {
		r->raw = o->pass;
	} else if (has_type(h, STR("text/event-stream")) && o->rq.dialect->meter_event) {
		r->want_stream = true;
		o->rq.framing = FRAMING_SSE;
	} else if (!has_type(h, STR("application/json")) || h->status == 204 ||
	           (h->content_length > 0 && (uint64_t)h->content_length > max)) {
		r->raw = r->want_stream = true;
	}
}

static bool is_encoded(const struct http_head *h)
{
	const struct http_field *f = http_find(h, HTTP_F_CONTENT_ENCODING);

	return f && f->value.n && !str_ieq(f->value, STR("identity"));
}

static void on_head(struct call *c, const struct http_head *h)
{
	struct req *r = req_of(c);
	struct req_open *o = r->open;
	bool good = h->status >= 200 && h->status < 300;
	size_t max = (size_t)req_conf(r)->upstream->response_max_bytes;

	assert(r->attempt_state == ATTEMPT_WAITING);
	o->status = h->status;
	r->attempt.status = (uint16_t)h->status;
	buf_clear(&o->answer);
	o->retry_after_ms = read_retry_after(h);
	if (!keep_fields(r, h)) {
		attempt_fail(r, ERR_UPSTREAM, "the provider's answer has too large a head");
		return;
	}
	if (h->status >= 300 && h->status < 400) {
		attempt_fail(r, ERR_UPSTREAM, "the provider answered with a redirect, which is not followed");
		r->attempt.status = (uint16_t)h->status;
		return;
	}
	if (unlikely(o->rq.call == CALL_MEDIA))
		choose_form(r, h, max);
	if (h->status == 206 || (h->status == 204 && !o->pass) || h->status == 205) {
		attempt_fail(r, ERR_UPSTREAM, "the provider answered with a status that nobody asked for");
		return;
	}
	if (is_encoded(h)) {
		attempt_fail(r, ERR_UPSTREAM, "the provider answered in a content-encoding that was not asked for");
		return;
	}
	if (!good)
		max = ERROR_BODY_MAX;
	if (unlikely(r->raw)) {
		max = (size_t)req_conf(r)->upstream->event_max_bytes + LOOP_SCRATCH_BYTES;
		r->meter.usage.source = USAGE_NONE;
	} else if (good && r->want_stream) {
		if (!has_type(h, stream_type(r))) {
			attempt_fail(r, ERR_UPSTREAM, "the provider did not answer with a stream");
			return;
		}
		r->meter.usage.source = USAGE_NONE;
		envelope_stream_free(r->unwrap);
		r->unwrap = envelope_stream_type(o->candidate.face->envelope).n
		                    ? envelope_stream_new((size_t)req_conf(r)->upstream->event_max_bytes)
		                    : NULL;
		if (!relay_init(r)) {
			attempt_fail(r, ERR_UPSTREAM, "the provider's stream needs more memory than it may have");
			return;
		}
		c->awaits = true;
		max = (size_t)req_conf(r)->upstream->event_max_bytes + LOOP_SCRATCH_BYTES;
	} else if (good && h->content_length > 0 && (uint64_t)h->content_length > max) {
		o->our_limit = true;
		attempt_fail(r, ERR_UPSTREAM, "the provider's answer is larger than allowed");
		return;
	}
	req_buf_reset(&o->answer, max);
	if (h->content_length > 0 && (uint64_t)h->content_length < LOOP_SCRATCH_BYTES)
		(void)buf_reserve(&o->answer, (size_t)h->content_length);
}

/* Bytes of a stream out of its envelope. */
static void relay_unwrapped(struct req *r, struct str bytes)
{
	struct buf sse = buf_make((size_t)req_conf(r)->upstream->event_max_bytes + 2 * LOOP_SCRATCH_BYTES);
	struct err e;
	bool good = envelope_stream_feed(r->unwrap, bytes, &sse, &e);

	if (sse.n)
		relay_data(r, buf_str(&sse));
	buf_fini(&sse);
	if (!good && call_active(&r->call)) {
		attempt_cancel(r);
		relay_end(r, &e);
		req_wake(r);
	}
}

static void on_data(struct call *c, struct str bytes)
{
	struct req *r = req_of(c);
	struct req_open *o = r->open;

	if (is_streaming(r)) {
		if (unlikely(r->unwrap != NULL))
			relay_unwrapped(r, bytes);
		else
			relay_data(r, bytes);
		return;
	}
	if (buf_append(&o->answer, bytes))
		return;
	if (r->attempt.status < 300) {
		o->our_limit = true;
		attempt_fail(r, ERR_UPSTREAM, "the provider's answer is larger than allowed");
		return;
	}
	/* of an error only the beginning matters */
	(void)buf_append(&o->answer, str_slice(bytes, 0, o->answer.max - o->answer.n));
}

/* A provider's error: what it means, and for whom. */
static void fail_with_answer(struct req *r, int status)
{
	struct req_open *o = r->open;
	size_t n_hide;
	const struct str *hide = cloud_hide(r, &n_hide);
	int64_t header_ms = o->retry_after_ms;

	cloud_answered(r, status);
	dialect_read_error(status, buf_str(&o->answer), hide, n_hide, &o->failure);
	o->failure_is_answer = true;
	o->retry_after_ms = header_ms >= 0 ? header_ms : o->failure.retry_after_ms;
	note(r, o->failure.err.code, status);
	r->attempt_state = ATTEMPT_FAILED;
	req_wake(r);
}

static void whole_answer(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d = o->candidate.dialect;
	struct err e;

	if (unlikely(o->pass)) { /* whatever it is, it is the client's; perhaps it tells its usage */
		if (d->read_answer(&o->arena, o->rq.call, buf_str(&o->answer), &r->meter.usage, NULL) != ANSWER_OK)
			r->meter.usage.source = USAGE_NONE;
		note(r, ERR_NONE, o->status);
		r->attempt_state = ATTEMPT_WHOLE;
		return;
	}
	switch (d->read_answer(&o->arena, o->rq.call, buf_str(&o->answer), &r->meter.usage, &o->failure)) {
	case ANSWER_OK:
		if (unlikely(plan_has_policy_fallback(&o->plan)) && o->rq.call == CALL_GENERATE && d->chat &&
		    refusal_of_answer(d->chat, &r->w->events, buf_str(&o->answer))) {
			attempt_refused(r);
			return;
		}
		if (req_is_translated(r) && !translate_answer(r, &e)) {
			attempt_fail(r, e.code, e.text);
			return;
		}
		note(r, ERR_NONE, o->status);
		r->attempt_state = ATTEMPT_WHOLE;
		if (unlikely(o->embed != NULL) && embed_goes_on(r)) {
			r->attempt_state = ATTEMPT_NONE;
			vitals_part(r);
		}
		return;
	case ANSWER_ERROR:
		fail_with_answer(r, 200);
		return;
	case ANSWER_BROKEN:
		attempt_fail(r, ERR_UPSTREAM, "the provider's answer is not a JSON object");
		return;
	}
}

/* The connection of a stream that did not come to its end is not trusted with another. */
static bool on_end(struct call *c, const struct err *failure)
{
	struct req *r = req_of(c);
	struct err cut;

	if (unlikely(r->unwrap != NULL) && !failure && !envelope_stream_whole(r->unwrap)) {
		err_set(&cut, ERR_UPSTREAM, "the provider's stream ended in the middle");
		failure = &cut;
	}
	if (unlikely(failure != NULL))
		r->hurried = (r->hurries & (c->connected ? HURRY_ANSWER : HURRY_CONNECT)) != 0;
	if (r->attempt_state == ATTEMPT_STARTED ||
	    (!failure && is_streaming(r) && r->attempt_state == ATTEMPT_WAITING)) {
		relay_end(r, failure);
		req_wake(r);
		return r->meter.ended || r->meter.finished;
	}
	if (failure) {
		failed(r, failure);
		return false;
	}
	if (r->attempt.status >= 400 && !r->open->pass)
		fail_with_answer(r, r->attempt.status);
	else
		whole_answer(r);
	req_wake(r);
	return true;
}

const struct call_events attempt_events = { on_head, on_data, on_end };

/* ---- the request ---- */

static bool is_overridden(const struct route_provider *p, struct str name)
{
	for (unsigned i = 0; i < p->n_headers; i++)
		if (str_ieq(p->headers[i].name, name))
			return true;
	return false;
}

/* By weight among those that are not left alone; if all are, among all. One draw for each, since another thread may
 * leave one alone meanwhile. */
static COLD NOINLINE const struct route_credential *draw_credential(const struct route_provider *p, uint64_t now_ms)
{
	const struct route_credential *drawn = NULL, *drawn_out = NULL;
	uint64_t sum = 0, sum_out = 0;

	for (const struct route_credential *c = p->credentials; c < p->credentials + p->n_credentials; c++) {
		bool in = health_key_in(c->health, now_ms);
		const struct route_credential **to = in ? &drawn : &drawn_out;
		uint64_t *of = in ? &sum : &sum_out;

		*of += c->weight;
		if (!*to || (c->weight && rand_below(*of) < c->weight))
			*to = c;
	}
	return drawn ? drawn : drawn_out;
}

static ALWAYS_INLINE const struct route_credential *pick_credential(const struct req *r, const struct route_provider *p)
{
	return likely(p->n_credentials == 1) ? p->credentials : draw_credential(p, loop_now_ms(r->w->loop));
}

/* Without the lines that the configuration replaces. */
static char *put_forward(char *at, const struct route_provider *p, struct str lines)
{
	if (p->n_headers == 0)
		return put_str(at, lines);
	while (lines.n) {
		size_t end = str_find_chr(lines, '\n') + 1;

		if (!is_overridden(p, str_slice(lines, 0, str_find_chr(lines, ':'))))
			at = put_str(at, str_slice(lines, 0, end));
		lines = str_slice(lines, end, lines.n);
	}
	return at;
}

struct head_parts {
	const struct route_credential *credential;
	struct cloud_request to;         /* path and forwarded lines, in their envelope if there is one */
	struct str extra;                /* lines of the translation */
	struct str secret;               /* lines that show the credential, where they are made for each request */
	size_t body_bytes;
};

static char *put_line(char *at, struct str name, struct str value)
{
	return put_str(put_str(put_str(put_str(at, name), STR(": ")), value), STR("\r\n"));
}

/* The client's content type in place of ours. */
static char *put_lines_with_type(char *at, struct str lines, struct str type)
{
	while (lines.n) {
		size_t end = str_find_chr(lines, '\n') + 1;

		if (!str_istarts(lines, STR("content-type:")))
			at = put_str(at, str_slice(lines, 0, end));
		lines = str_slice(lines, end, lines.n);
	}
	return put_line(at, STR("content-type"), type);
}

/* p == NULL: the arena is full. */
static struct str write_head(struct req *r, const struct head_parts *h)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	const struct route_provider *p = c->deployment->provider;
	struct str lines = h->credential->lines[c->face_index], path = h->to.path, forward = h->to.forward;
	struct provider_header fixed = provider_default_header(c->dialect->id);
	bool translated = req_is_translated(r);
	size_t room = 240 + c->face->base_path.n + path.n + lines.n + fixed.name.n + fixed.value.n + forward.n +
	              h->extra.n + h->secret.n + o->in.content_type.n;
	char *start = path.p && forward.p ? arena_alloc(&o->arena, room) : NULL, *at = start;

	if (!start)
		return (struct str){ 0 };
	at = put_str(at, unlikely(o->method.n) ? o->method : STR("POST"));
	*at++ = ' ';
	at = put_str(at, c->face->base_path);
	at = put_str(at, path);
	at = put_str(at, STR(" HTTP/1.1\r\n"));
	at = unlikely(o->in.content_type.n) ? put_lines_with_type(at, lines, o->in.content_type) : put_str(at, lines);
	if (unlikely(h->secret.n))
		at = put_str(at, h->secret);
	if (unlikely(o->rq.call == CALL_MEDIA))
		at = put_str(at, STR("accept: */*\r\n"));
	else if (likely(!r->want_stream))
		at = put_str(at, STR("accept: application/json\r\n"));
	else
		at = put_line(at, STR("accept"), stream_type(r));
	if (unlikely(h->extra.n))
		at = put_str(at, h->extra);
	if (fixed.name.n && !is_overridden(p, fixed.name) && c->face->envelope == ENVELOPE_PLAIN &&
	    (translated || !o->has_anthropic_version))
		at = put_line(at, fixed.name, fixed.value);
	at = put_forward(at, p, forward);
	at = put_str(at, STR("content-length: "));
	at += fmt_u64(at, h->body_bytes);
	at = put_str(at, STR("\r\n\r\n"));
	assert((size_t)(at - start) <= room);
	return str_of(start, (size_t)(at - start));
}

static enum attempt_start no_memory(struct req_open *o)
{
	err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
	return START_NOT;
}

/* The time that is left of what the client allows, at most `ms`. */
static ALWAYS_INLINE uint64_t time_left(struct req *r, int64_t ms)
{
	int64_t left_ms;

	if (likely(r->open->timeout_ms == 0))
		return (uint64_t)ms;
	left_ms = (int64_t)r->open->timeout_ms - (int64_t)(loop_now_us(r->w->loop) - r->start_us) / 1000;
	if (left_ms < ms) {
		ms = left_ms > 0 ? left_ms : 0;
		r->hurries |= HURRY_TOTAL;
	}
	return (uint64_t)ms;
}

static ALWAYS_INLINE void begin_note(struct req *r)
{
	struct req_open *o = r->open;

	if (unlikely(o->embed != NULL) && embed_goes_on(r) && r->attempt.error == ERR_NONE && r->attempt.status)
		return; /* another part of the same attempt */
	if (unlikely(o->plan.n_all > 1 || o->plan.model != o->plan.first))
		tell_plan(r);
	r->attempt_at_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us);
	keep_note(r);
	o->text[TEXT_UPSTREAM_MODEL] = o->candidate.model;
}

static COLD void fail_credential(struct req *r, const struct err *e)
{
	begin_note(r);
	fail_before(r, e);
}

/* Is there something to sign with? False: not yet, or the attempt has failed. */
static COLD bool has_credential(struct req *r, const struct route_credential *c)
{
	struct req_open *o = r->open;
	struct err e;

	if (r->expired && r->attempt_state == ATTEMPT_CREDENTIAL) {
		op_cancel(&o->op);
		r->hurried = (r->hurries & HURRY_TOTAL) != 0;
		err_set(&e, ERR_UPSTREAM_TIMEOUT, "the provider's credential could not be fetched in time");
		fail_credential(r, &e);
		return false;
	}
	switch (cloud_credential(r, c, &e)) {
	case OP_OK:
		if (r->attempt_state == ATTEMPT_CREDENTIAL) {
			r->attempt_state = ATTEMPT_NONE;
			timer_cancel(r->w->loop, &r->limit);
		}
		return true;
	case OP_PENDING:
		if (r->attempt_state != ATTEMPT_CREDENTIAL) {
			r->attempt_state = ATTEMPT_CREDENTIAL;
			r->expired = false;
			timer_start(r->w->loop, &r->limit, time_left(r, CREDENTIAL_WAIT_MS));
		}
		return false;
	case OP_REFUSED:
	case OP_FAILED:
		break;
	}
	err_prefix(&e, "the provider's credential could not be fetched");
	fail_credential(r, &e);
	return false;
}

/* The body behind pieces[0], and the head. */
static enum attempt_start write_request(struct req *r, struct head_parts *h, const struct dialect_edit *edit)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;

	if (req_is_translated(r)) {
		enum attempt_start got = translate_request(r, &o->request.pieces[1], &h->extra);

		if (unlikely(o->only_to_carry) && carry_gives_way(r, got))
			return write_request(r, h, edit);
		if (got != START_OK)
			return got;
		h->to = (struct cloud_request){ translate_path(r), translate_forward(r), 1 };
	} else if (unlikely(o->pass)) {
		o->request.pieces[1] = buf_str(&o->body);
		h->to = (struct cloud_request){ o->rq.tail, o->forward, 1 };
	} else {
		h->to.n = dialect_edit_request(&o->arena, &o->rq, edit, o->request.pieces + 1);
		h->to.path = c->dialect->upstream_path(&o->arena, &o->rq, c->model);
		h->to.forward = o->forward;
	}
	if (h->to.n == 0 || !h->to.path.p)
		return no_memory(o);
	if (unlikely(c->face->cloud)) {
		if (!o->pass && !cloud_wrap(r, &h->to, &o->err))
			return START_NOT;
		h->secret = cloud_lines(r, h->credential, &h->to);
		if (!h->secret.p)
			return no_memory(o);
	}
	for (size_t i = 0; i < h->to.n; i++)
		h->body_bytes += o->request.pieces[1 + i].n;
	o->request.pieces[0] = write_head(r, h);
	o->request.n = (unsigned)h->to.n + 1;
	o->request.head_method = false;
	o->request.spool = o->body.file ? &o->body : NULL;
	return o->request.pieces[0].p ? START_OK : no_memory(o);
}

/* The deadlines that the request asks for; never longer ones in all than the settings'. */
static COLD void lay_wishes(const struct req_open *o, struct timeout_settings *t)
{
	const struct route_wishes *w = o->plan.ask.wishes;
	const struct route_provider *p = o->candidate.deployment->provider;

	wish_lay_timeouts(w, o->plan.target, p, wish_key_at(w, o->plan.target, p).n > 0, t);
}

HOT enum attempt_start attempt_start(struct req *r)
{
	struct req_open *o = r->open;
	const struct deployment *d = o->candidate.deployment;
	const struct timeout_settings *t = &d->timeouts;
	struct timeout_settings wished;
	struct dialect_edit edit = {
		.model = o->candidate.model, .ask_usage = r->want_stream,
		.no_stream_options = (d->provider->quirks & QUIRK_NO_STREAM_OPTIONS) != 0,
		.keep_routing = (d->provider->quirks & QUIRK_KNOWS_ROUTING) != 0,
		/* servers of one's own, and unknown ones, get what the client wrote */
		.max_name = d->provider->quirks & QUIRK_MAX_COMPLETION_TOKENS ? EDIT_MAX_NEWER
		            : d->provider->quirks & QUIRK_KEY_OPTIONAL        ? EDIT_MAX_AS_IS : EDIT_MAX_OLDER,
		.no_developer = (d->provider->quirks & (QUIRK_DEVELOPER_ROLE | QUIRK_KEY_OPTIONAL)) == 0,
	};
	struct call_deadlines deadlines;
	struct head_parts h = { .credential = pick_credential(r, d->provider) };
	enum attempt_start got;

	if (unlikely(o->wishes != NULL) && !ask_prepare(r, &h.credential))
		return START_NOT;
	o->credential = h.credential;
	/* Bedrock counts for requests of its own API only */
	if (unlikely(o->rq.call == CALL_COUNT_TOKENS) &&
	    (req_is_translated(r) || o->candidate.face->envelope == ENVELOPE_BEDROCK_INVOKE))
		return count_answer(r) ? START_OK : START_NOT;
	if (unlikely(o->candidate.face->cloud) && !has_credential(r, h.credential))
		return START_OK;
	got = write_request(r, &h, &edit);
	if (got != START_OK)
		return got;
	if (unlikely(!vitals_begin(r)))
		return START_FULL;
	begin_note(r);
	r->meter.usage_is_ours = !req_is_translated(r) && dialect_usage_is_ours(&o->rq, &edit);
	r->attempt_state = ATTEMPT_WAITING;
	r->expired = false;
	if (unlikely(o->plan.ask.wishes != NULL)) {
		wished = *t;
		lay_wishes(o, &wished);
		r->hurries = (uint8_t)((wished.total_ms < t->total_ms ? HURRY_TOTAL : 0) |
		                       (wished.connect_ms < t->connect_ms ? HURRY_CONNECT : 0) |
		                       (wished.first_byte_ms < t->first_byte_ms || wished.idle_ms < t->idle_ms
		                                ? HURRY_ANSWER : 0));
		r->attempt.own_key = o->own_key.n > 0;
		t = &wished;
	}
	if (unlikely(r->relaying))
		relay_await(r);
	else
		timer_start(r->w->loop, &r->limit, time_left(r, t->total_ms));
	deadlines = (struct call_deadlines){ (uint32_t)t->connect_ms, (uint32_t)t->first_byte_ms,
		                             (uint32_t)t->idle_ms };
	call_start(&r->call, r->w->client, o->candidate.face->origin, &o->request, &deadlines);
	if (unlikely(d->hedge_meter != NULL))
		hedge_arm(r);
	r->overhead_us += (uint32_t)(clock_now_us() - loop_now_us(r->w->loop));
	return START_OK;
}

void attempt_cancel(struct req *r)
{
	call_cancel(&r->call);
}
