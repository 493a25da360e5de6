/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count: tokens that are counted here. A count-tokens call to a provider of another dialect goes nowhere: its answer is
 * the count of the request as that provider's model would see it. And requests that are translated anyway teach the
 * estimator how far its counts are from what is reported.
 */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "model/count.h"

enum { COUNT_BODY_MAX = 4096 };

/* Of each loop: a quiet gateway learns from all requests, a busy one pays next to nothing. */
#define SAMPLE_EVERY_MS 1000
/* Counting texts costs some 10 ns a byte, on the loop. */
#define SAMPLE_BODY_MAX (64u << 10)

static void count_chat(const struct req *r, const struct chat_request *chat, struct token_count *out)
{
	chat_count_tokens(r->w->gw->options.estimator, chat, r->open->candidate.model, &r->open->arena, out);
}

bool count_answer(struct req *r)
{
	struct req_open *o = r->open;
	struct chat_request chat;
	struct token_count count;

	assert(o->rq.call == CALL_COUNT_TOKENS && o->rq.dialect->chat->write_count);
	if (!translate_read(r, &chat, &o->err))
		return false;
	count_chat(r, &chat, &count);
	req_buf_reset(&o->answer, COUNT_BODY_MAX);
	if (!o->rq.dialect->chat->write_count((int64_t)count.tokens, &o->answer))
		return err_set(&o->err, ERR_INTERNAL, "the answer does not fit");
	o->text[TEXT_UPSTREAM_MODEL] = o->candidate.model;
	o->status = 200;
	o->n_fields = 0;
	deliver_add_field(r, STR("content-type"), STR("application/json"));
	r->attempt_state = ATTEMPT_WHOLE;
	req_wake(r);
	return true;
}

void count_sample(struct req *r, const struct chat_request *chat)
{
	struct token_count count;

	if (!r->w->gw->options.estimator || r->bytes_in > SAMPLE_BODY_MAX ||
	    loop_now_ms(r->w->loop) < r->w->next_count_ms)
		return;
	r->w->next_count_ms = loop_now_ms(r->w->loop) + SAMPLE_EVERY_MS;
	count_chat(r, chat, &count);
	if (count.guessed || count.text_tokens > UINT32_MAX || count.around > UINT32_MAX)
		return;
	r->texts_counted = (uint32_t)count.text_tokens;
	r->around_counted = (uint32_t)count.around;
}

void count_learn(struct req *r)
{
	const struct usage *u = &r->meter.usage;
	struct estimator *e = r->w->gw->options.estimator;
	enum token_family_id family;
	uint64_t told = usage_total_input(u);

	r->w->next_sample_ms = loop_now_ms(r->w->loop) + SAMPLE_EVERY_MS;
	if (!e || u->odd || u->n[USAGE_INPUT_AUDIO] || u->n[USAGE_INPUT_IMAGE] || u->n[USAGE_INPUT_TOOL])
		return;
	family = token_family_of(req_text(r, TEXT_UPSTREAM_MODEL));
	estimate_learn(e, family, ESTIMATE_BODY, r->bytes_in, told);
	if (r->texts_counted) {
		struct token_count count = { .text_tokens = r->texts_counted, .around = r->around_counted,
			                     .family = family };
		chat_count_learn(e, &count, told);
	}
}
