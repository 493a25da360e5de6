/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count: tokens that are counted here. What no provider told is counted, so that it is charged (usage_source
 * "counted"). A count-tokens call to a provider of another dialect goes nowhere: its answer is the count of the request
 * as that provider's model would see it. And requests that are translated anyway teach the estimator how far its counts
 * are from what is reported.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gateway/carry.h"
#include "model/count.h"
#include "net/pool.h"

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

struct unpack_job {
	struct job job;
	enum tokens_encoding encoding;
};

static void unpack(struct job *j) { tokens_unpack(CONTAINER_OF(j, struct unpack_job, job)->encoding); }
static void unpacked(struct job *j) { free(CONTAINER_OF(j, struct unpack_job, job)); }

bool count_is_ready(const struct req *r, struct str model)
{
	enum tokens_encoding encoding = token_family(token_family_of(model))->encoding;
	struct pool *pool = r->w->gw->options.pool;

	if (tokens_ready(encoding))
		return true;
	struct unpack_job *j = mem_zalloc(sizeof *j);
	j->encoding = encoding;
	j->job.work = unpack;
	j->job.done = unpacked;
	if (!pool || !pool_submit(pool, &j->job))
		free(j);
	return false;
}

static bool is_countable(const struct req *r) { return count_is_ready(r, r->open->candidate.model); }

void count_sample(struct req *r, const struct chat_request *chat)
{
	struct token_count count;

	if (!r->w->gw->options.estimator || r->bytes_in > SAMPLE_BODY_MAX ||
	    loop_now_ms(r->w->loop) < r->w->next_count_ms)
		return;
	r->w->next_count_ms = loop_now_ms(r->w->loop) + SAMPLE_EVERY_MS;
	if (!is_countable(r))
		return;
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

/* ---- what nobody told ---- */

/* Bodies up to this size hold no picture to speak of. */
#define MEDIA_LEAST_BYTES 8192
/* Of text in answers. */
#define BYTES_A_TOKEN 4

/* Base64 has other tokens a byte than text: such bodies are counted by their parts, or not at all. */
static bool holds_media(struct str body)
{
	return body.n >= MEDIA_LEAST_BYTES &&
	       (str_find(body, STR("base64")) != STR_NPOS || str_find(body, STR("mime")) != STR_NPOS);
}

/* Sound, images and files are not looked into: an upload lies in a file, which must not be read as a whole. */
static bool is_media(const struct req_open *o)
{
	return o->rq.call == CALL_MEDIA || holds_media(buf_str(&o->body));
}

void count_shed(struct req *r)
{
	r->has_media = is_media(r->open);
}

/* False: it cannot be told. */
static bool count_input(struct req *r, struct str model, uint64_t *out)
{
	struct req_open *o = r->open;
	struct token_count count;
	struct chat_request chat;
	struct err e;

	if (o && o->rq.call == CALL_GENERATE && o->rq.dialect->chat && is_countable(r) &&
	    translate_read(r, &chat, &e)) {
		count_chat(r, &chat, &count);
		*out = count.tokens + (o->carry ? o->carry->tokens : 0);
		return true;
	}
	if (o ? is_media(o) : r->has_media)
		return false;
	*out = estimate_tokens(r->w->gw->options.estimator, token_family_of(model), ESTIMATE_BODY, r->bytes_in);
	return true;
}

/* Of a stream: OpenAI's dialects have an event for each token, nearly; the others tell their usage on the way. */
static uint64_t count_streamed(const struct req *r)
{
	return r->translation ? translation_text_bytes(r->translation) / BYTES_A_TOKEN : r->meter.events;
}

static uint64_t count_whole(struct req *r, struct str model)
{
	struct req_open *o = r->open;
	const struct chat_codec *codec = o->rq.dialect->chat;
	struct chat_source source = { .model = jstr_from(&o->arena, model) };
	struct chat_response response = { 0 };
	const struct json_node *body;
	struct err e;

	if (o->rq.call != CALL_GENERATE)
		return 0;
	if (codec && is_countable(r) && (body = json_nodes(&o->arena, buf_str(&o->answer), ANSWER_DEPTH_MAX, &e)) &&
	    codec->read_response(&o->arena, &source, body, &response, &e))
		return chat_count_output(r->w->gw->options.estimator, &response, model);
	return o->answer.n / BYTES_A_TOKEN;
}

void count_usage(struct req *r)
{
	struct usage *u = &r->meter.usage;
	struct str model = req_text(r, TEXT_UPSTREAM_MODEL);
	uint64_t input, output = r->relaying && r->attempt_state != ATTEMPT_WAITING ? count_streamed(r)
	                         : r->attempt_state == ATTEMPT_WHOLE ? count_whole(r, model)
	                                                               : 0;

	if (u->source == USAGE_REPORTED) {
		if (output <= usage_total_output(u))
			return;
		output -= usage_total_output(u);
		input = 0;
	} else if (!count_input(r, model, &input)) {
		return;
	}
	u->source = USAGE_COUNTED;
	usage_set(u, USAGE_INPUT, (int64_t)(u->n[USAGE_INPUT] + input));
	usage_set(u, USAGE_OUTPUT, (int64_t)(u->n[USAGE_OUTPUT] + output));
}
