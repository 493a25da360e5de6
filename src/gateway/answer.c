/* SPDX-License-Identifier: Apache-2.0 */
/* answer: the provider's answer until the client may see it: its head, and its body or a stream's bytes. */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "gateway/refusal.h"

#define ERROR_BODY_MAX (256u << 10)
#define CREDENTIAL_MIN_BYTES 8           /* "none" and the like are no secrets */

static struct req *req_of(struct call *c)
{
	return CONTAINER_OF(c, struct req, call);
}

/* ---- the fields of its head ---- */

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

/* ---- its form ---- */

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

struct str answer_stream_type(const struct req *r)
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

/* ---- on the loop ---- */

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
		if (!has_type(h, answer_stream_type(r))) {
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
	attempt_note(r, o->failure.err.code, status);
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
		attempt_note(r, ERR_NONE, o->status);
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
		attempt_note(r, ERR_NONE, o->status);
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
		attempt_fail_for(r, failure);
		return false;
	}
	if (r->attempt.status >= 400 && !r->open->pass)
		fail_with_answer(r, r->attempt.status);
	else
		whole_answer(r);
	req_wake(r);
	return true;
}

const struct call_events answer_events = { on_head, on_data, on_end };
