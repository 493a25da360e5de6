/* SPDX-License-Identifier: Apache-2.0 */
/* deliver: the answer's own fields, and the last bytes, which leave only when the request is recorded. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "gateway/gateway_in.h"
#include "gateway/probe.h"

void deliver_add_field(struct req *r, struct str name, struct str value)
{
	struct req_open *o = r->open;

	if (!value.p || o->n_fields == RESPONSE_FIELDS_MAX)
		return;
	o->fields[o->n_fields++] = (struct http_field){ name, value, HTTP_F_OTHER };
}

void deliver_own_fields(struct req *r)
{
	struct req_open *o = r->open;
	char *at = arena_alloc(&o->arena, ULID_LEN + 2 * 20 + TEXT_FIXED_MAX), *from;

	if (!at)
		return;
	if (o->text[TEXT_CLIENT_ID].n) {
		deliver_add_field(r, STR("x-request-id"), o->text[TEXT_CLIENT_ID]);
	} else {
		ulid_text(at, r->id);
		o->id_text = str_of(at, ULID_LEN);
		deliver_add_field(r, STR("x-request-id"), o->id_text);
		at += ULID_LEN;
	}
	if (!r->endpoint || r->endpoint->kind == ENDPOINT_SERVICE)
		return;
	if (r->n_attempts) {
		deliver_add_field(r, STR("x-sluice-provider"), r->attempt.deployment->provider->name);
		deliver_add_field(r, STR("x-sluice-model"), str_trim(o->text[TEXT_UPSTREAM_MODEL]));
		deliver_add_field(r, STR("x-sluice-deployment"), r->attempt.deployment->name);
	}
	if (unlikely(o->told != NULL))
		tell_field(r);
	if (o->dropped.n)
		deliver_add_field(r, STR("x-sluice-dropped"), o->dropped);
	from = at;
	at += fmt_u64(at, r->n_attempts);
	deliver_add_field(r, STR("x-sluice-attempts"), str_of(from, (size_t)(at - from)));
	if (r->step == STEP_SETTLE && r->cost_known) {
		from = at;
		at += text_fixed(at, r->cost_nusd, 9);
		deliver_add_field(r, STR("x-sluice-cost-usd"), str_of(from, (size_t)(at - from)));
	}
	from = at;
	r->overhead_us += (uint32_t)(clock_now_us() - loop_now_us(r->w->loop));
	at += fmt_u64(at, r->overhead_us);
	deliver_add_field(r, STR("x-sluice-overhead-us"), str_of(from, (size_t)(at - from)));
}

void deliver_list_attempts(const struct req *r, struct err *e)
{
	struct err whole = *e;
	size_t n = strlen(whole.text);

	for (unsigned i = 0; i < r->n_attempts && n + 1 < sizeof whole.text; i++) {
		const struct req_attempt *at = i + 1 < r->n_attempts ? &r->attempts[i] : &r->attempt;
		const char *why = at->error == ERR_NONE ? "ok" : err_code_name((enum err_code)at->error);
		char status[8] = ""; /* none: there was no answer */
		int put;

		if (at->status)
			snprintf(status, sizeof status, "%u ", at->status);
		put = snprintf(whole.text + n, sizeof whole.text - n, "%s%.*s: %s%s", i == 0 ? " (attempts: " : "; ",
		               STR_ARG(at->deployment->name), status, why);

		n += put > 0 ? (size_t)put : 0;
	}
	if (r->n_attempts && n + 1 < sizeof whole.text)
		snprintf(whole.text + n, sizeof whole.text - n, ")");
	*e = whole;
}

void deliver_error_fields(struct req *r, const struct dialect *d)
{
	struct str value = { 0 }, name = dialect_error_field(d, &r->open->err, &value);

	deliver_add_field(r, STR("content-type"), STR("application/json"));
	if (name.n)
		deliver_add_field(r, name, value);
}

/* What it has cost is known to nobody: the client must not take the answer for a finished one. */
static void replace_by_error(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d = dialect_by_id(r->endpoint->dialect);
	char id[ULID_LEN];

	err_set(&o->err, ERR_INTERNAL, "the spend of this request cannot be written down");
	ulid_text(id, r->id);
	buf_clear(&o->answer);
	if (!dialect_write_error(d, &o->err, NULL, str_of(id, ULID_LEN), &o->answer))
		buf_clear(&o->answer);
	o->status = 500;
	o->n_fields = 0;
	deliver_error_fields(r, d);
	r->error = ERR_INTERNAL;
}

static void deliver_whole(struct req *r)
{
	struct req_open *o = r->open;

	r->status = (uint16_t)o->status;
	r->first_byte_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us);
	r->bytes_out = o->answer.n;
	exchange_start(r->x, o->status, o->fields, o->n_fields, o->status == 204 ? 0 : (int64_t)o->answer.n);
	exchange_write(r->x, buf_str(&o->answer));
}

void deliver(struct req *r, bool written)
{
	assert(r->recorded && !r->delivered);
	r->delivered = true;
	if (!r->x) {
		if (r->probe)
			probe_done(r);
		return;
	}
	if (r->relaying) {
		r->overhead_us += (uint32_t)(clock_now_us() - loop_now_us(r->w->loop));
		if (!written)
			relay_fail_unwritten(r);
		r->bytes_out += r->held_n;
		exchange_write(r->x, str_of(r->held, r->held_n));
	} else {
		if (!written)
			replace_by_error(r);
		deliver_whole(r);
	}
	if (unlikely(r->raw_cut))
		exchange_abort(r->x);
	else
		exchange_finish(r->x);
	r->x = NULL;
}
