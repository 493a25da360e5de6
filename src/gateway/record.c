/* SPDX-License-Identifier: Apache-2.0 */
/* record: what is written down of a request: the spend for the ledger, the facts for metrics and log. */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "gateway/hedge.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "observe/observe.h"

static const char *error_name(const struct req *r)
{
	return r->error ? err_code_name((enum err_code)r->error) : NULL;
}

static uint32_t since_start_us(const struct req *r)
{
	uint64_t us = loop_now_us(r->w->loop) - r->start_us;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX; /* a stream may run for hours */
}

/* Not yet sent, but decided. */
static unsigned status_of(const struct req *r)
{
	return r->status ? r->status : r->open ? (unsigned)r->open->status : 0;
}

static struct spend_tokens tokens_of(const struct usage *u)
{
	return (struct spend_tokens){
		.input = usage_total_input(u) - usage_total_cache_read(u) - usage_total_cache_write(u),
		.cache_read = usage_total_cache_read(u),
		.cache_write = usage_total_cache_write(u),
		.reasoning = u->n[USAGE_REASONING],
		.output = usage_total_output(u) - u->n[USAGE_REASONING],
	};
}

bool record_spend(struct req *r)
{
	const struct usage *u = &r->meter.usage;
	struct spend s = {
		.id = r->id,
		.client_id = req_text(r, TEXT_CLIENT_ID),
		.key_id = r->key->info.id,
		.team = r->key->info.team,
		.user = req_text(r, TEXT_USER),
		.tags = req_text(r, TEXT_TAGS),
		.model = req_text(r, TEXT_MODEL),
		.upstream_model = req_text(r, TEXT_UPSTREAM_MODEL),
		.endpoint = r->endpoint->name,
		.dialect = str_from_z(dialect_by_id(r->endpoint->dialect)->name),
		.error = str_from_z(error_name(r)),
		.cost_nusd = r->cost_nusd,
		.cost_known = r->cost_known,
		.stream = r->want_stream,
		.tokens = tokens_of(u),
		.usage = u->source == USAGE_REPORTED  ? SPEND_USAGE_REPORTED
		         : u->source == USAGE_COUNTED ? SPEND_USAGE_COUNTED
		                                      : SPEND_USAGE_NONE,
		.status = status_of(r),
		.attempts = r->n_attempts,
		.first_byte_ms = r->first_byte_us / 1000,
		.latency_ms = (uint32_t)((loop_now_us(r->w->loop) - r->start_us) / 1000),
		.overhead_us = r->overhead_us,
	};

	if (r->attempt.deployment) {
		s.provider = r->attempt.deployment->provider->name;
		s.deployment = r->attempt.deployment->name;
	}
	if (s.user.n == 0)
		s.user = r->key->info.user;
	if (unlikely(usage_total_cache_read(u) > 0))
		s.saved_nusd = affinity_saved_nusd(r);
	return journal_add(r->w->journal, &s);
}

static void fill_attempts(const struct req *r, struct fact_attempt *out)
{
	for (unsigned i = 0; i < r->n_attempts; i++) {
		const struct req_attempt *a = i + 1 < r->n_attempts ? &r->attempts[i] : &r->attempt;

		out[i] = (struct fact_attempt){ a->deployment->name, a->status,
			                        a->error ? err_code_name((enum err_code)a->error) : NULL,
			                        .class = a->class ? failure_name((enum failure_class)a->class) : NULL,
			                        .took_us = a->took_us, .continued = a->continued,
			                        .hedge = FACT_HEDGE_NONE };
		if (unlikely(a->hedge != HEDGE_NONE || a->own_key)) {
			out[i].own_key = a->own_key;
			hedge_fill(r, a, &out[i]);
		}
	}
}

static const char *method_name(const struct req *r)
{
	switch ((enum http_method)r->method) {
	case METHOD_GET: return "GET";
	case METHOD_HEAD: return "HEAD";
	case METHOD_POST: return "POST";
	case METHOD_PUT: return "PUT";
	case METHOD_PATCH: return "PATCH";
	case METHOD_DELETE: return "DELETE";
	case METHOD_OPTIONS: return "OPTIONS";
	case METHOD_UNKNOWN: break;
	}
	return "OTHER";
}

void record_facts(struct req *r)
{
	struct fact_attempt attempts[REQ_ATTEMPTS_MAX];
	struct facts f = {
		.id = r->id,
		.time_ms = ulid_time_ms(r->id),
		.client_id = req_text(r, TEXT_CLIENT_ID),
		.user = req_text(r, TEXT_USER),
		.tags = req_text(r, TEXT_TAGS),
		.plan = req_text(r, TEXT_PLAN),
		.method = method_name(r),
		.model = req_text(r, TEXT_MODEL),
		.upstream_model = req_text(r, TEXT_UPSTREAM_MODEL),
		.status = r->status,
		.error = error_name(r),
		.stream = r->want_stream,
		.attempts = attempts,
		.n_attempts = r->n_attempts,
		.usage = r->meter.usage,
		.cost_nusd = r->cost_nusd,
		.cost_known = r->cost_known,
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
		.latency_us = since_start_us(r),
		.first_byte_us = r->first_byte_us,
		.overhead_us = r->overhead_us,
		.step_names = wait_names,
		.step_us = r->wait_us,
		.n_steps = REQ_WAITS,
		.endpoint = STR("other"),
	};

	assert(r->n_attempts <= REQ_ATTEMPTS_MAX);
	fill_attempts(r, attempts);
	if (r->open)
		f.id_text = r->open->id_text;
	if (r->endpoint) {
		f.endpoint = r->endpoint->name;
		if (r->endpoint->kind != ENDPOINT_SERVICE)
			f.dialect = str_from_z(dialect_by_id(r->endpoint->dialect)->name);
	}
	if (r->key) {
		f.key_id = r->key->info.id;
		f.key_name = r->key->info.name;
		f.team = r->key->info.team;
		if (f.user.n == 0)
			f.user = r->key->info.user;
	}
	if (r->attempt.deployment) {
		f.provider = r->attempt.deployment->provider->name;
		f.deployment = r->attempt.deployment->name;
		f.model_is_free = r->attempt.deployment->has_star;
	}
	if (unlikely(usage_total_cache_read(&f.usage) > 0))
		f.saved_nusd = affinity_saved_nusd(r);
	observe_request(r->w->observe, &f);
	if (unlikely(loop_now_ms(r->w->loop) >= r->w->next_sample_ms || r->texts_counted) &&
	    r->meter.usage.source == USAGE_REPORTED && r->endpoint->call == CALL_GENERATE &&
	    !(r->open && r->open->carry)) /* that was more than one request */
		count_learn(r);
}
