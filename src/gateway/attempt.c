/* SPDX-License-Identifier: Apache-2.0 */
/* attempt: one call of one candidate: the request that goes upstream, and how the call went. */
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "gateway/carry.h"
#include "gateway/hedge.h"

#define CREDENTIAL_WAIT_MS 15000         /* for one that is being fetched */

/* ---- how it went ---- */

void attempt_note(struct req *r, enum err_code code, int status)
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

bool attempt_is_billed(const struct req *r)
{
	if (!r->call.connected || r->attempt.own_key)
		return false;
	return !r->want_stream || !r->attempt.deployment->provider->stops_billing;
}

void attempt_fail_for(struct req *r, const struct err *e)
{
	struct req_open *o = r->open;

	if (may_be_billed(r, e)) {
		r->may_be_billed = true;
		/* what we end is charged by its provider's custom; what it breaks off itself is not */
		r->attempt.billed = e->code == ERR_UPSTREAM_TIMEOUT && attempt_is_billed(r);
	}
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
	attempt_note(r, e->code, 0);
	r->attempt_state = ATTEMPT_FAILED;
	req_wake(r);
}

void attempt_fail(struct req *r, enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	attempt_fail_for(r, &e);
}

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
	attempt_note(r, error->err.code, error->err.status);
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
	else if (!r->attempt.own_key)
		r->attempt.billed = r->may_be_billed = true;
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
	attempt_note(r, e->code, 0);
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
		attempt_fail_for(r, &e);
	}
}

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
		at = put_line(at, STR("accept"), answer_stream_type(r));
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

/* The deadlines that the request asks for, never longer ones in all than the settings', and which of them it has
 * shortened. */
static COLD void lay_wishes(struct req *r, const struct timeout_settings *usual, struct timeout_settings *out)
{
	const struct req_open *o = r->open;
	const struct route_wishes *w = o->plan.ask.wishes;
	const struct route_provider *p = o->candidate.deployment->provider;
	unsigned hurries = 0;

	*out = *usual;
	wish_lay_timeouts(w, o->plan.target, p, wish_key_at(w, o->plan.target, p).n > 0, out);
	if (out->total_ms < usual->total_ms)
		hurries |= HURRY_TOTAL;
	if (out->connect_ms < usual->connect_ms)
		hurries |= HURRY_CONNECT;
	if (out->first_byte_ms < usual->first_byte_ms || out->idle_ms < usual->idle_ms)
		hurries |= HURRY_ANSWER;
	r->hurries = (uint8_t)hurries;
}

/* What must be different in the request for this provider. */
static ALWAYS_INLINE struct dialect_edit edit_for(const struct req *r)
{
	const struct candidate *c = &r->open->candidate;
	unsigned quirks = c->deployment->provider->quirks;

	return (struct dialect_edit){
		.model = c->model, .ask_usage = r->want_stream,
		.no_stream_options = (quirks & QUIRK_NO_STREAM_OPTIONS) != 0,
		.keep_routing = (quirks & QUIRK_KNOWS_ROUTING) != 0,
		/* servers of one's own, and unknown ones, get what the client wrote */
		.max_name = quirks & QUIRK_MAX_COMPLETION_TOKENS ? EDIT_MAX_NEWER
		            : quirks & QUIRK_KEY_OPTIONAL        ? EDIT_MAX_AS_IS : EDIT_MAX_OLDER,
		.no_developer = (quirks & (QUIRK_DEVELOPER_ROLE | QUIRK_KEY_OPTIONAL)) == 0,
	};
}

HOT enum attempt_start attempt_start(struct req *r)
{
	struct req_open *o = r->open;
	const struct deployment *d = o->candidate.deployment;
	const struct timeout_settings *t = &d->timeouts;
	struct timeout_settings wished;
	struct dialect_edit edit = edit_for(r);
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
		lay_wishes(r, t, &wished);
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
