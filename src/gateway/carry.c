/* SPDX-License-Identifier: Apache-2.0 */
/* carry: who goes on with a stream that was cut, what is asked of it, and what all of it has cost. */
#include "gateway/carry.h"

#include <assert.h>

#include "model/count.h"

#define TOKENS_LEAST 16                  /* that are left to whoever goes on: the least that some APIs take */
#define BYTES_A_TOKEN 4

/* ---- which streams ---- */

void carry_plan(struct req *r)
{
	struct req_open *o = r->open;

	if (o->pass || o->rq.call != CALL_GENERATE || !o->rq.dialect->chat)
		return;
	o->carries = true;
	/* nobody is asked for a completion through the neutral model: such a stream passes as it is */
	o->only_to_carry = !o->own_state && o->rq.dialect->id != DIALECT_OPENAI_COMPLETIONS;
	o->own_state |= o->only_to_carry;
}

static bool is_more_than_one(struct str number)
{
	return number.n > 1 || (number.n == 1 && number.p[0] > '1');
}

/* What the request asks of its answer's form cannot be asked of the rest of an answer. */
bool carry_fits(const struct chat_request *rq)
{
	static const uint64_t forms = MEMBER_BIT(MEMBER_AUDIO) | MEMBER_BIT(MEMBER_ECHO) | MEMBER_BIT(MEMBER_SUFFIX) |
	                              MEMBER_BIT(MEMBER_BEST_OF);
	bool logprobs = (rq->set & MEMBER_BIT(MEMBER_LOGPROBS)) && rq->logprobs != TRI_NO;

	return !(rq->set & forms) && !logprobs && !is_more_than_one(rq->n) && rq->format != FORMAT_JSON &&
	       rq->format != FORMAT_SCHEMA;
}

bool carry_gives_way(struct req *r, enum attempt_start got)
{
	struct req_open *o = r->open;

	if (r->relaying || !(o->candidate.face->dialects & DIALECT_BIT(o->rq.dialect->id)) ||
	    (got != START_NOT && !(got == START_OK && o->wire->drops.first)))
		return false;
	o->carries = o->own_state = o->only_to_carry = false;
	o->candidate.dialect = o->rq.dialect;
	o->dropped = (struct str){ 0 };
	return true;
}

/* ---- a stream is cut ---- */

static enum failure_class class_of(const struct req *r, const struct dialect_error *e)
{
	struct failure_seen seen = { .error = e, .status = r->attempt.status, .connected = r->call.connected };

	return failure_classify(&seen);
}

bool carry_has_time(const struct req *r)
{
	return loop_now_ms(r->w->loop) < r->deadline_ms;
}

/* What the call that was cut has used, as far as it told, and else counted. */
static void add_costs(struct req *r, struct carry *c)
{
	int64_t nusd = 0;

	count_usage(r);
	/* a client's own credential is billed to the client */
	c->cost_known &= r->attempt.own_key || req_cost(r, &r->meter.usage, &nusd);
	c->cost_nusd += nusd;
	usage_add(&c->usage, &r->meter.usage);
	r->meter.usage = (struct usage){ .source = USAGE_NONE };
	r->consumed = false;
}

bool carry_on(struct req *r, const struct dialect_error *why)
{
	struct req_open *o = r->open;
	enum failure_class class = class_of(r, why);

	assert(r->relaying && r->translation);
	if (r->x && exchange_full(r->x) && why->err.code == ERR_UPSTREAM_TIMEOUT)
		return false; /* it is the client who does not go on */
	if ((class != FAILURE_TRANSIENT && class != FAILURE_RATE_LIMIT) || !r->x || !carry_has_time(r) ||
	    r->n_attempts >= REQ_ATTEMPTS_MAX || !translation_sent(r->translation))
		return false;
	if (!o->carry) {
		o->carry = arena_zalloc(&o->arena, sizeof *o->carry);
		if (!o->carry)
			return false;
		o->carry->cost_known = true;
	}
	attempt_cancel(r);
	add_costs(r, o->carry);
	o->carry->cut_at = (uint16_t)(r->n_attempts - 1);
	o->failure = *why;
	o->failure.pass = o->failure_is_answer = false;
	o->retry_after_ms = why->retry_after_ms;
	r->attempt.error = (uint16_t)why->err.code;
	r->attempt.took_us = (uint32_t)(loop_now_us(r->w->loop) - r->start_us) - r->attempt_at_us;
	r->attempt_state = ATTEMPT_FAILED;
	r->expired = false;
	req_wake(r);
	return true;
}

enum step carry_failed(struct req *r, enum failure_class class)
{
	struct req_open *o = r->open;

	o->failure.pass = o->failure_is_answer = false;
	if (class == FAILURE_CLIENT) {
		/* it is the request to go on that was refused, which is not the client's to mend */
		plan_skip_deployment(&o->plan, o->candidate.deployment, EXCLUDED_FAILED);
		o->failed.class = FAILURE_TRANSIENT;
	}
	o->failed.retryable = true;
	if (r->n_attempts >= REQ_ATTEMPTS_MAX) {
		o->err = o->failure.err;
		return STEP_REFUSE;
	}
	return STEP_BACKOFF;
}

/* ---- another is asked ---- */

/* Claude goes on with what it seems to have said, up to the models that refuse that; of others it must be told. */
static bool takes_prefill(const struct candidate *c)
{
	const struct model_facts *f = deployment_facts(c->deployment, c->model);

	if (model_lacks(f, CAP_PREFILL) || model_rule(f, MODEL_NO_PREFILL))
		return false;
	return model_has(f, CAP_PREFILL) ||
	       (str_find(c->model, STR("claude")) != STR_NPOS &&
	        (c->dialect->id == DIALECT_ANTHROPIC || c->dialect->id == DIALECT_BEDROCK));
}

static bool is_escape(struct jstr s, size_t at)
{
	size_t n = 0;

	while (n < at && s.p[at - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

static size_t without_white_end(struct jstr s)
{
	while (s.n) {
		char last = s.p[s.n - 1];

		if (last == ' ')
			s.n--;
		else if ((last == 'n' || last == 'r' || last == 't') && is_escape(s, s.n - 1))
			s.n -= 2;
		else
			break;
	}
	return s.n;
}

/* The texts that the client has, in the request's arena. NULL with *good: there are none. */
static struct chat_block *texts_of(const struct chat_response *sent, struct arena *a, bool *good)
{
	struct chat_block *list = NULL, **end = &list;

	*good = true;
	for (const struct chat_block *b = sent->outputs->blocks; b && *good; b = b->next)
		if (b->kind == CHAT_TEXT && b->text.n) {
			struct str copy = arena_dup(a, jstr_raw(b->text));
			struct chat_block *t = copy.p ? chat_block_add(a, &end, CHAT_TEXT) : NULL;

			*good = t != NULL;
			if (t)
				t->text = jstr_of(copy.p, copy.n);
		}
	return list;
}

/* A prefill must not end in white space (Anthropic's rule); the answer is then likely to begin with it. */
static bool take_white_end(struct chat_block **texts, struct arena *a, struct str *white)
{
	struct chat_block **last = texts;
	size_t n;

	while ((*last)->next)
		last = &(*last)->next;
	n = without_white_end((*last)->text);
	if (n == (*last)->text.n)
		return true;
	*white = jstr_plain(a, jstr_of((*last)->text.p + n, (*last)->text.n - n));
	(*last)->text.n = n;
	if (n == 0)
		*last = NULL;
	return white->p != NULL;
}

/* As the assistant's words, or behind those that the client began it with. */
static bool add_said(struct chat_request *rq, struct arena *a, struct chat_block *texts)
{
	struct chat_turn **end = &rq->turns, *turn = NULL;
	struct chat_block **at;

	for (; *end; end = &(*end)->next)
		turn = *end;
	if (!turn || turn->role != ROLE_ASSISTANT)
		turn = chat_turn_add(a, &end, ROLE_ASSISTANT);
	if (!turn)
		return false;
	for (at = &turn->blocks; *at; at = &(*at)->next)
		if (!(*at)->next && (*at)->kind == CHAT_TEXT) { /* its beginning by the client: one text */
			texts->text = jstr_concat(a, (*at)->text, texts->text);
			break;
		}
	*at = texts;
	return texts->text.p != NULL;
}

static bool add_please(struct chat_request *rq, struct arena *a)
{
	struct chat_turn **end = &rq->turns, *turn;
	struct chat_block **block, *b;

	while (*end)
		end = &(*end)->next;
	turn = chat_turn_add(a, &end, ROLE_USER);
	block = turn ? &turn->blocks : NULL;
	b = turn ? chat_block_add(a, &block, CHAT_TEXT) : NULL;
	if (b)
		b->text = JSTR(CARRY_PLEASE);
	return b != NULL;
}

/* Servers of one's own: vLLM and SGLang are told so, the others do it unasked and pass over what they do not know. */
static bool add_switches(struct chat_request *rq, struct arena *a, const struct candidate *c)
{
	if (c->dialect->id != DIALECT_OPENAI_CHAT || !(c->deployment->provider->quirks & QUIRK_KEY_OPTIONAL))
		return true;
	return chat_extra_add(a, &rq->extras, DIALECT_OPENAI_CHAT, JSTR("continue_final_message"), STR("true")) &&
	       chat_extra_add(a, &rq->extras, DIALECT_OPENAI_CHAT, JSTR("add_generation_prompt"), STR("false"));
}

static uint64_t count_texts(const struct req *r, const struct chat_response *sent)
{
	struct str model = r->open->candidate.model;
	uint64_t n = 0;

	if (count_is_ready(r, model))
		return chat_count_output(r->w->gw->options.estimator, sent, model);
	for (const struct chat_block *b = sent->outputs->blocks; b; b = b->next)
		n += b->text.n;
	return n / BYTES_A_TOKEN;
}

/* What is left of the tokens that the client allows. */
static bool lower_max(struct chat_request *rq, struct arena *a, uint64_t used)
{
	uint64_t max, left;

	if (!str_to_u64(rq->max_output, &max))
		return true;
	left = max > used + TOKENS_LEAST ? max - used : TOKENS_LEAST;
	if (left < max)
		rq->max_output = arena_printf(a, "%llu", (unsigned long long)left);
	return rq->max_output.p != NULL;
}

bool carry_prompt(struct req *r, struct chat_request *rq, struct err *e)
{
	struct req_open *o = r->open;
	struct arena *a = &o->arena;
	struct carry *c = o->carry;
	const struct chat_response *sent = translation_sent(r->translation);
	struct chat_block *texts;
	bool good;

	assert(c && sent);
	c->prefilled = false;
	c->white = (struct str){ 0 };
	c->tokens = 0;
	texts = texts_of(sent, a, &good);
	if (good && !texts)
		return true; /* only thoughts, which are nobody else's */
	c->prefilled = good && takes_prefill(&o->candidate);
	c->tokens = count_texts(r, sent);
	if (c->prefilled)
		good = take_white_end(&texts, a, &c->white) &&
		       (!texts || (add_said(rq, a, texts) && add_switches(rq, a, &o->candidate)));
	else
		good = good && add_said(rq, a, texts) && add_please(rq, a);
	good = good && lower_max(rq, a, c->tokens);
	return good || err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

struct translation_join carry_join(struct req *r)
{
	struct carry *c = r->open->carry;

	assert(c->cut_at + 1u < r->n_attempts);
	r->attempts[c->cut_at].continued = true;
	return (struct translation_join){ c->prefilled, c->white, c->usage };
}

void carry_settle(struct req *r)
{
	const struct carry *c = r->open->carry;
	struct usage all = c->usage;

	usage_add(&all, &r->meter.usage);
	r->meter.usage = all;
	r->cost_known &= c->cost_known;
	r->cost_nusd = r->cost_nusd < INT64_MAX - c->cost_nusd ? r->cost_nusd + c->cost_nusd : INT64_MAX;
	r->consumed = true;
}
