/* SPDX-License-Identifier: Apache-2.0 */
/* relay: frames, meters and forwards a stream; its end is never made up. */
#include <stdlib.h>

#include "base/mem.h"
#include "dialect/chat.h"
#include "gateway/carry.h"
#include "gateway/gateway_in.h"
#include "gateway/refusal.h"
#include "net/eventstream.h"

/* The provider has sent its last event: so long its transport may take to say so, for the connection to be used
 * again. */
#define END_GRACE_MS 50

/* ---- bytes held back ---- */

static bool hold(struct req *r, struct str s)
{
	size_t n = r->held_n + s.n;

	if (n > (size_t)req_conf(r)->upstream->event_max_bytes)
		return false;
	if (n > r->held_cap) {
		r->held_cap = (uint32_t)(n < 2 * (size_t)r->held_cap ? 2 * (size_t)r->held_cap : n);
		r->held = mem_realloc(r->held, r->held_cap);
	}
	memcpy(r->held + r->held_n, s.p, s.n);
	r->held_n = (uint32_t)n;
	return true;
}

static void drop_held(struct req *r)
{
	free(r->held);
	r->held = NULL;
	r->held_n = r->held_cap = 0;
}

/* These are the last bytes: they leave when the request is recorded. */
static void hold_last(struct req *r, struct str s)
{
	char *copy = mem_dup(s.p, s.n);

	drop_held(r);
	r->held = copy;
	r->held_n = r->held_cap = (uint32_t)s.n;
	r->relay_ended = true;
}

/* The client has got nothing of this call, so that another may take its place. */
static bool is_unseen(const struct req *r)
{
	return r->attempt_state == ATTEMPT_WAITING || (!r->relaying && r->open->carries);
}

/* Ends the stream in the middle: before the client has got any of it that is an attempt that failed. */
static void fail(struct req *r, const char *text)
{
	struct err e;

	if (is_unseen(r)) {
		attempt_fail(r, ERR_UPSTREAM, text);
		return;
	}
	err_set(&e, ERR_UPSTREAM, "%s", text);
	attempt_cancel(r);
	relay_end(r, &e);
	req_wake(r);
}

static void forward(struct req *r, struct str s)
{
	if (s.n == 0)
		return;
	if (r->relaying) {
		r->bytes_out += s.n;
		exchange_write(r->x, s);
	} else if (!buf_append(&r->open->answer, s)) {
		fail(r, "the provider's stream does not begin");
	}
}

/* ---- events ---- */

/* What the meter keeps for the life of the stream moves out of the arena of events. */
static void keep_resume(struct req *r)
{
	struct str kept = r->meter.resume;

	if (kept.n == 0 || r->is_array || kept.p == r->resume)
		return;
	free(r->resume);
	r->resume = mem_dup(kept.p, kept.n);
	r->meter.resume = str_of(r->resume, kept.n);
}

static enum stream_verdict judge(struct req *r, struct stream_event *ev)
{
	struct arena *a = &r->w->events;
	struct arena_mark mark = arena_mark(a);
	enum stream_verdict v = stream_meter_event(&r->meter, a, ev);

	keep_resume(r);
	arena_rewind(a, mark);
	return v;
}

static void end_soon(struct req *r, struct str last)
{
	hold_last(r, last);
	timer_start(r->w->loop, &r->limit, END_GRACE_MS);
}

/* The client's last event says that the stream failed; never that it ended well. */
static void hold_error(struct req *r, const struct err *e)
{
	struct buf b = buf_make(4096);
	char id[ULID_LEN];

	ulid_text(id, r->id);
	if (r->translation ? !translation_write_error(r->translation, e, str_of(id, ULID_LEN), &b)
	                   : !stream_write_error(&r->meter, e, str_of(id, ULID_LEN), &b))
		buf_clear(&b);
	hold_last(r, buf_str(&b));
	buf_fini(&b);
	r->error = (uint16_t)e->code;
}

/* The provider's own error event, in the middle of a stream. */
static void pass_error(struct req *r, const struct stream_event *ev)
{
	const struct route_provider *p = r->attempt.deployment->provider;
	bool fetched = p->credentials[0].source != NULL; /* what it was is forgotten by now */
	struct err e;

	vitals_cut(r, ev->error, false);
	r->error = (uint16_t)ev->error->err.code;
	for (size_t i = 0; i < p->n_hide || fetched; i++)
		if (fetched || str_find(ev->bytes, p->hide[i]) != STR_NPOS) {
			err_set(&e, ev->error->err.code, "the provider ended its stream with an error");
			hold_error(r, &e);
			timer_start(r->w->loop, &r->limit, END_GRACE_MS);
			return;
		}
	end_soon(r, ev->bytes);
}

/* Does what the verdict says. Bytes that pass are the caller's to forward: true. */
static bool act(struct req *r, struct stream_event *ev, enum stream_verdict v)
{
	switch (v) {
	case STREAM_DROP:
		return false;
	case STREAM_EDIT:
		forward(r, ev->piece[0]);
		forward(r, ev->piece[1]);
		return false;
	case STREAM_ERROR:
		/* nobody has seen anything yet: an attempt that failed. Else the provider's own event tells the
		 * client */
		if (is_unseen(r))
			attempt_fail_with_error(r, ev->error);
		else
			pass_error(r, ev);
		return false;
	case STREAM_BROKEN:
		fail(r, "an event of the provider's stream is not a JSON object");
		return false;
	case STREAM_PASS:
		if (!r->meter.ended)
			return true;
		end_soon(r, ev->bytes);
		return false;
	}
	return false;
}

/* There is use in more bytes. */
static bool goes_on(const struct req *r)
{
	return !r->gone && !r->relay_ended && call_active(&r->call);
}

/* An event that was held while it was not whole; it is so now. */
static void take_held(struct req *r)
{
	struct dialect_error error;
	struct stream_event ev = { .bytes = str_of(r->held, r->held_n), .error = &error };

	if (act(r, &ev, judge(r, &ev)))
		forward(r, ev.bytes);
	if (!r->relay_ended)
		drop_held(r);
}

_Static_assert(SSE_PARTIAL == EVENTSTREAM_PARTIAL, "one loop takes the events of both");

COLD static size_t line_frame(struct str run)
{
	size_t end = str_find_chr(run, '\n');

	return end == STR_NPOS ? SSE_PARTIAL : end + 1;
}

static size_t frame(struct req *r, struct str run, bool *bad)
{
	if (unlikely(r->meter.framing != FRAMING_SSE))
		return r->meter.framing == FRAMING_LINES ? line_frame(run) : eventstream_frame(r->messages, run, bad);
	return sse_frame(&r->framer, run);
}

static void take_events(struct req *r, struct str run)
{
	struct str passing = str_of(run.p, 0);   /* events that pass as they are leave together */
	struct dialect_error error;
	bool bad = false;
	size_t end;

	while (goes_on(r) && (end = frame(r, run, &bad)) != SSE_PARTIAL) {
		struct stream_event ev = { .bytes = str_slice(run, 0, end), .error = &error };
		enum stream_verdict v;

		run = str_slice(run, end, run.n);
		if (r->held_n) {
			if (!hold(r, ev.bytes)) {
				fail(r, "an event of the provider's stream is larger than allowed");
				return;
			}
			take_held(r);
			passing = str_of(run.p, 0);
			continue;
		}
		v = judge(r, &ev);
		if (v == STREAM_PASS && !r->meter.ended) {
			passing.n += ev.bytes.n;
			continue;
		}
		forward(r, passing);
		passing = str_of(run.p, 0);
		if (goes_on(r))
			(void)act(r, &ev, v);
	}
	if (!call_active(&r->call) || r->gone)
		return;
	forward(r, passing);
	if (bad && goes_on(r))
		fail(r, "the provider's stream is not one of AWS's event streams");
	else if (goes_on(r) && run.n && !hold(r, run))
		fail(r, "an event of the provider's stream is larger than allowed");
}

static void take_array(struct req *r, struct str run)
{
	bool bad = false;
	size_t n;

	if (!hold(r, run)) {
		fail(r, "an element of the provider's stream is larger than allowed");
		return;
	}
	while (goes_on(r) && (n = array_framer_next(r->array, str_of(r->held, r->held_n), &bad)) > 0) {
		struct dialect_error error;
		struct stream_event ev = { .bytes = str_of(r->held, n), .error = &error };
		bool pass = act(r, &ev, judge(r, &ev));

		if (!goes_on(r))
			return;
		if (pass)
			forward(r, ev.bytes);
		memmove(r->held, r->held + n, r->held_n - n);
		r->held_n -= (uint32_t)n;
	}
	if (bad && goes_on(r))
		fail(r, "the provider's stream is not a JSON array of objects");
	else if (r->held_n == 0)
		drop_held(r);
}

/* ---- of another dialect ---- */

/* The provider has said why it finished, and was cut behind that: nothing is missing but the end. */
static COLD void end_finished(struct req *r, const struct dialect_error *why)
{
	struct buf out = buf_make((size_t)req_conf(r)->upstream->response_max_bytes + LOOP_SCRATCH_BYTES);
	struct usage all = { 0 };

	attempt_cancel(r);
	vitals_cut(r, why, why->err.code == ERR_UPSTREAM_TIMEOUT);
	count_usage(r);
	if (r->open->carry)
		all = r->open->carry->usage;
	usage_add(&all, &r->meter.usage);
	r->meter.ended = r->relay_over = true;
	r->attempt.error = (uint16_t)why->err.code;
	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	if (translation_end(r->translation, &r->w->events, &all, &out))
		hold_last(r, buf_str(&out));
	else
		hold_error(r, &why->err);
	buf_fini(&out);
	req_wake(r);
}

/* A stream that was cut, and that is whole all the same, or that somebody else goes on with. */
static COLD bool survives(struct req *r, const struct dialect_error *why)
{
	if (!translation_finished(r->translation))
		return carry_on(r, why);
	end_finished(r, why);
	return true;
}

static void fail_translated(struct req *r, const struct dialect_error *error)
{
	const struct route_provider *p = r->attempt.deployment->provider;
	struct dialect_error shown = *error;
	struct err e;

	if (is_unseen(r)) {
		attempt_fail_with_error(r, error);
		return;
	}
	if (r->relaying && r->open && survives(r, error))
		return;
	vitals_cut(r, error, false);
	if (p->credentials[0].source) /* what it was is forgotten by now */
		err_set(&shown.err, error->err.code, "the provider ended its stream with an error");
	dialect_error_hide(&shown, p->hide, p->n_hide);
	e = shown.err;
	r->meter.failed = true;
	hold_error(r, &e);
	timer_start(r->w->loop, &r->limit, END_GRACE_MS);
}

/* What the translation made of the provider's bytes, or of their end. */
static void take_translated(struct req *r, enum translated got, struct buf *out, struct dialect_error *error,
                            const struct err *e)
{
	const struct usage *u = translation_usage(r->translation);

	if (u->source != USAGE_NONE)
		r->meter.usage = *u;
	r->meter.started = translation_started(r->translation);
	if (unlikely(r->relaying) && r->attempt_state == ATTEMPT_WAITING && r->meter.started) {
		r->attempt_state = ATTEMPT_STARTED; /* what there is goes to the client whatever comes behind it */
		r->call.awaits = false;
		req_wake(r);
	}
	switch (got) {
	case TRANSLATED_ON:
		forward(r, buf_str(out));
		break;
	case TRANSLATED_END:
		r->meter.ended = true;
		end_soon(r, buf_str(out));
		break;
	case TRANSLATED_ERROR:
		if (!is_unseen(r))
			forward(r, buf_str(out));
		fail_translated(r, error);
		break;
	case TRANSLATED_BROKEN:
		if (!is_unseen(r))
			forward(r, buf_str(out));
		fail(r, e->text);
		break;
	}
}

static void take_to_translate(struct req *r, struct str run)
{
	struct buf out = buf_make((size_t)req_conf(r)->upstream->response_max_bytes + LOOP_SCRATCH_BYTES);
	struct dialect_error error;
	struct err e;

	take_translated(r, translation_take(r->translation, &r->w->events, run, &out, &error, &e), &out, &error, &e);
	buf_fini(&out);
}

/* The transport has ended: does the provider's dialect take that for the end? */
static void finish_translation(struct req *r)
{
	struct buf out = buf_make((size_t)req_conf(r)->upstream->response_max_bytes + LOOP_SCRATCH_BYTES);
	struct dialect_error error;
	struct err e;
	enum translated got = translation_finish(r->translation, &r->w->events, &out, &error, &e);

	if (got != TRANSLATED_BROKEN)
		take_translated(r, got, &out, &error, &e);
	buf_fini(&out);
}

/* ---- for the other files ---- */

bool relay_init(struct req *r)
{
	bool ours = r->meter.usage_is_ours;

	if (unlikely(r->relaying)) { /* another call goes on */
		r->meter.started = r->meter.failed = false;
		return translate_stream(r);
	}
	stream_meter_init(&r->meter, r->open->rq.dialect, r->open->rq.framing, ours);
	r->framer = (struct sse_framer){ 0 };
	drop_held(r);
	free(r->array); /* of the attempt before, or what its meter kept */
	r->is_array = r->open->rq.framing == FRAMING_JSON_ARRAY;
	r->array = r->is_array ? mem_zalloc(sizeof *r->array) : NULL;
	if (r->meter.framing == FRAMING_EVENTSTREAM) {
		r->messages = mem_zalloc(sizeof *r->messages);
		r->messages->max_bytes = (uint32_t)req_conf(r)->upstream->event_max_bytes;
	}
	translation_free(r->translation);
	r->translation = NULL;
	return !req_is_translated(r) || translate_stream(r);
}

/* Bytes that are nobody's business. */
static void take_raw(struct req *r, struct str bytes)
{
	forward(r, bytes);
	if (r->attempt_state == ATTEMPT_WAITING && goes_on(r)) {
		r->attempt_state = ATTEMPT_STARTED;
		req_wake(r);
	}
	if (r->relaying && goes_on(r) && exchange_full(r->x))
		call_pause(&r->call);
}

/* There is no last event in which a failure could be told: the client's answer is cut as well. */
static void end_raw(struct req *r, const struct err *failure)
{
	if (r->attempt_state == ATTEMPT_WAITING && failure) {
		attempt_fail(r, failure->code, failure->text);
		return;
	}
	r->relay_over = true;
	r->attempt_state = ATTEMPT_STARTED;
	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	r->meter.ended = !failure;
	r->raw_cut = failure != NULL;
	if (failure) {
		r->error = r->attempt.error = (uint16_t)failure->code;
		vitals_cut(r, NULL, failure->code == ERR_UPSTREAM_TIMEOUT);
	}
	hold_last(r, (struct str){ 0 });
}

/* Where others may answer what a provider refuses: has it begun to answer? `last`: nothing more will come. */
static COLD NOINLINE bool is_answer(struct req *r, bool last)
{
	struct req_open *o = r->open;
	enum refusal got;

	if (r->relay_ended && !buf_append(&o->answer, str_of(r->held, r->held_n)))
		return true;
	got = refusal_of_stream(o->rq.dialect, o->rq.framing, &r->w->events, buf_str(&o->answer), last);
	if (r->relay_ended)
		o->answer.n -= r->held_n;
	if (got == REFUSAL_YES) {
		r->relay_ended = false;
		attempt_refused(r);
	}
	return got == REFUSAL_NO || (got == REFUSAL_OPEN && last);
}

/* The first meaningful event is here: the client may have it. */
static void begin(struct req *r, bool last)
{
	if (r->attempt_state != ATTEMPT_WAITING || !r->meter.started)
		return;
	if (!r->relaying && plan_has_policy_fallback(&r->open->plan) && r->open->rq.call == CALL_GENERATE &&
	    r->open->rq.dialect->chat && !is_answer(r, last))
		return;
	r->attempt_state = ATTEMPT_STARTED;
	r->call.awaits = false;
	req_wake(r);
}

void relay_data(struct req *r, struct str bytes)
{
	if (!goes_on(r))
		return;
	if (unlikely(r->raw)) {
		take_raw(r, bytes);
		return;
	}
	if (r->translation)
		take_to_translate(r, bytes);
	else if (r->is_array)
		take_array(r, bytes);
	else
		take_events(r, bytes);
	begin(r, r->relay_ended);
	if (r->relaying && goes_on(r) && exchange_full(r->x))
		call_pause(&r->call);
}

void relay_end(struct req *r, const struct err *failure)
{
	bool clean = !failure && r->held_n == 0 && sse_at_boundary(&r->framer);
	struct dialect_error cut = { .retry_after_ms = -1 };

	if (r->relay_over)
		return;
	if (unlikely(r->raw)) {
		end_raw(r, failure);
		return;
	}
	if (r->translation && !failure && !r->relay_ended && !r->meter.failed)
		finish_translation(r);
	if (!failure)
		begin(r, true);
	if (r->attempt_state == ATTEMPT_FAILED || r->relay_over)
		return;
	if (r->attempt_state == ATTEMPT_WAITING) {
		if (failure)
			attempt_fail(r, failure->code, failure->text);
		else
			attempt_fail(r, ERR_UPSTREAM, "the provider's stream ended before it began");
		return;
	}
	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	switch (stream_meter_end(&r->meter, clean)) {
	case STREAM_END_CLEAN:
		if (!r->relay_ended)
			hold_last(r, (struct str){ 0 });
		r->relay_over = true;
		return;
	case STREAM_END_FAILED:
		r->relay_over = true;
		return;
	case STREAM_END_CUT:
		break;
	}
	if (failure)
		cut.err = *failure;
	else
		err_set(&cut.err, ERR_UPSTREAM, "the provider's stream ended in the middle");
	if (is_unseen(r)) {
		attempt_fail(r, cut.err.code, cut.err.text);
		return;
	}
	if (r->relaying && r->open && survives(r, &cut))
		return;
	r->relay_over = true;
	vitals_cut(r, NULL, cut.err.code == ERR_UPSTREAM_TIMEOUT);
	r->attempt.error = (uint16_t)cut.err.code;
	hold_error(r, &cut.err);
}

/* A sign of life by the dialect's custom (dialects.md X5), when the provider is silent at an event's boundary. An array
 * takes white space between its elements. */
static void ping(struct req *r)
{
	struct buf b = buf_make(4096);

	if (r->held_n || !sse_at_boundary(&r->framer) || exchange_pending(r->x) || r->raw)
		return;
	if (r->translation)
		(void)translation_write_ping(r->translation, &b);
	else if (r->is_array)
		buf_append(&b, r->meter.opened ? STR("\r\n") : STR(""));
	else if (r->meter.dialect->id == DIALECT_ANTHROPIC)
		buf_append(&b, STR("event: ping\ndata: {\"type\": \"ping\"}\n\n"));
	else if (r->meter.framing == FRAMING_SSE && r->meter.dialect->id != DIALECT_GEMINI)
		buf_append(&b, STR(": ping\n\n"));
	else if (r->meter.framing == FRAMING_EVENTSTREAM)
		(void)bedrock_codec.write_ping(NULL, &b);
	forward(r, buf_str(&b));
	buf_fini(&b);
}

static void await_ping(struct req *r)
{
	int64_t every = req_conf(r)->server->stream_ping_ms;
	uint64_t now = loop_now_ms(r->w->loop), left = r->deadline_ms > now ? r->deadline_ms - now : 0;

	if (every > 0 && (uint64_t)every < left)
		left = (uint64_t)every;
	timer_start(r->w->loop, &r->limit, left);
}

bool relay_tick(struct req *r)
{
	if (r->relay_ended || r->relay_over || !r->x || loop_now_ms(r->w->loop) >= r->deadline_ms)
		return false;
	if (r->bytes_out == r->silent_at)
		ping(r);
	r->silent_at = r->bytes_out;
	await_ping(r);
	return true;
}

void relay_start(struct req *r)
{
	struct req_open *o = r->open;

	deliver_own_fields(r);
	r->relaying = true;
	r->status = (uint16_t)o->status;
	r->first_byte_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us);
	exchange_start(r->x, o->status, o->fields, o->n_fields, -1);
	forward(r, buf_str(&o->answer));
	if (unlikely(o->carries) && r->translation) {
		buf_fini(&o->answer);
	} else {
		count_shed(r);
		req_shed(r);
	}
	r->deadline_ms = r->limit.due_ms;
	r->silent_at = r->bytes_out;
	await_ping(r);
	if (exchange_full(r->x) && call_active(&r->call))
		call_pause(&r->call);
}

void relay_await(struct req *r)
{
	r->silent_at = r->bytes_out;
	await_ping(r);
}

bool relay_wait(struct req *r)
{
	uint64_t now = loop_now_ms(r->w->loop), due = r->since_us / 1000 + r->open->wait_ms;
	uint64_t every = (uint64_t)req_conf(r)->server->stream_ping_ms, left;

	if (due > r->deadline_ms)
		due = r->deadline_ms;
	if (now >= due)
		return false;
	if (now - r->since_us / 1000 >= every && every > 0)
		ping(r);
	left = due - now;
	timer_start(r->w->loop, &r->limit, every > 0 && every < left ? every : left);
	return true;
}

void relay_refuse(struct req *r)
{
	deliver_list_attempts(r, &r->open->err);
	hold_error(r, &r->open->err);
	r->relay_over = true;
}

void relay_fail_unwritten(struct req *r)
{
	struct err e;

	err_set(&e, ERR_INTERNAL, "the spend of this request cannot be written down");
	hold_error(r, &e);
}
