/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: vectors from a provider of another dialect. Providers take only so many inputs in a call, so that a request
 * may need several, one after the other; the client gets one answer. Vectors of two models mean nothing together: when
 * another deployment takes over in between, all is asked for again.
 */
#include <assert.h>

#include "dialect/embed.h"
#include "gateway/gateway_in.h"
#include "model/count.h"

/* The text of a provider's numbers becomes nodes for a while: 32 bytes for some ten. */
#define SCRATCH_FACTOR 4
/* An answer's numbers are in memory in several forms at once; so many inputs are enough for one call. */
#define SLICE_MAX      256

struct embed_work {
	struct embed_request rq;
	struct embed_response all;
	const struct deployment *deployment;     /* whose vectors those in `all` are */
	struct str model;                        /* and its model's */
	struct embed_wire wire;                  /* the call under way */
	size_t asked;                            /* inputs of it */
	struct arena arena;                      /* what is kept of the answers */
};

bool embed_is(const struct req *r)
{
	enum dialect_call call = r->open->rq.call;

	return call == CALL_EMBED || call == CALL_EMBED_BATCH;
}

bool embed_goes_on(const struct req *r)
{
	const struct embed_work *w = r->open->embed;

	return w && w->all.n > 0 && w->all.n < w->rq.n;
}

static void free_work(void *arg) { arena_fini(&((struct embed_work *)arg)->arena); }

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

/* The client's request, read once. */
static bool make_work(struct req *r)
{
	struct req_open *o = r->open;
	struct embed_work *w = arena_zalloc(&o->arena, sizeof *w);
	const struct json_node *body;

	if (!w)
		return no_memory(&o->err);
	body = json_nodes(&o->arena, o->rq.body, REQUEST_DEPTH_MAX, &o->err);
	if (!body || !o->rq.dialect->embed->read_request(&o->arena, &o->rq, body, &w->rq, &o->err))
		return false;
	w->all.vectors = arena_zalloc(&o->arena, w->rq.n * sizeof *w->all.vectors);
	if (!w->all.vectors)
		return no_memory(&o->err);
	arena_init(&w->arena, (size_t)req_conf(r)->upstream->response_max_bytes);
	if (!arena_on_free(&o->arena, free_work, w)) {
		arena_fini(&w->arena);
		return no_memory(&o->err);
	}
	o->embed = w;
	return true;
}

/* What another model gave is of no use, and was paid for all the same. */
static void begin(struct req *r, struct embed_work *w)
{
	const struct candidate *c = &r->open->candidate;

	if (w->deployment == c->deployment && str_eq(w->model, c->model))
		return;
	r->may_be_billed |= w->all.n > 0;
	w->all.n = 0;
	w->all.usage = (struct usage){ .source = USAGE_NONE };
	w->deployment = c->deployment;
	w->model = c->model;
	arena_fini(&w->arena);
	arena_init(&w->arena, (size_t)req_conf(r)->upstream->response_max_bytes);
}

enum attempt_start embed_request(struct req *r, struct str *body)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	const struct embed_codec *codec = c->dialect->embed;
	struct chat_target target = {
		.model = jstr_from(&o->arena, c->model), .facts = deployment_facts(c->deployment, c->model),
		.quirks = c->deployment->provider->quirks,
	};
	size_t max = codec->batch_max && codec->batch_max < SLICE_MAX ? codec->batch_max : SLICE_MAX;
	struct embed_work *w;

	if (!o->embed && !make_work(r))
		return START_NOT;
	w = o->embed;
	begin(r, w);
	w->asked = w->rq.n - w->all.n < max ? w->rq.n - w->all.n : max;
	w->wire = (struct embed_wire){ .drops = { .arena = &o->arena } };
	if (!target.model.p) {
		no_memory(&o->err);
		return START_NOT;
	}
	if (!codec->write_request(&o->arena, &w->rq, w->all.n, w->asked, &target, &w->wire, &o->err))
		return START_NOT;
	if (!translate_reports(r, &w->wire.drops))
		return START_NOT;
	*body = w->wire.body;
	return START_OK;
}

struct str embed_path(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d = o->candidate.dialect;
	struct dialect_request rq = { .dialect = d, .call = o->embed->wire.call, .framing = FRAMING_WHOLE };

	/* cppcheck-suppress returnDanglingLifetime ; what is made is in the arena */
	return d->upstream_path(&o->arena, &rq, o->candidate.model);
}

/* The vectors of one call out of the answer's bytes, which do not last. */
static bool keep_vectors(struct embed_work *w, struct arena *scratch, struct embed_response *part)
{
	for (size_t i = 0; i < part->n; i++) {
		struct embed_vector *v = &part->vectors[i];

		if (v->base64.p) {
			struct str kept = arena_dup(&w->arena, jstr_raw(v->base64));
			v->base64 = jstr_of(kept.p, kept.n);
		} else {
			struct str tight = json_compact(scratch, v->floats);
			v->floats = tight.p ? arena_dup(&w->arena, tight) : tight;
		}
		if (!v->base64.p && !v->floats.p)
			return false;
	}
	return true;
}

/* What the provider did not count is counted here. */
static void count_tokens(struct req *r, struct embed_work *w)
{
	enum token_family_id family = token_family_of(w->model);
	enum tokens_encoding encoding = token_family(family)->encoding;
	uint64_t n = 0, exact = 0;

	for (size_t i = 0; i < w->rq.n; i++) {
		const struct embed_input *in = &w->rq.inputs[i];

		if (in->tokens.p)
			for (size_t at = 0; at < in->tokens.n; at++)
				exact += in->tokens.p[at] == ',' || at == 0;
		if (in->text.p)
			n += tokens_count_json(encoding, jstr_raw(in->text));
		for (const struct chat_block *b = in->media; b; b = b->next) {
			if (b->kind != CHAT_TEXT)
				return;              /* nobody knows what a picture is */
			n += tokens_count_json(encoding, jstr_raw(b->text));
		}
	}
	n = estimate_tokens(r->w->gw->options.estimator, family, ESTIMATE_TEXT, n) + exact;
	usage_set(&w->all.usage, USAGE_INPUT, n < INT64_MAX ? (int64_t)n : INT64_MAX);
	w->all.usage.source = USAGE_COUNTED;
}

static bool write_answer(struct req *r, struct embed_work *w, struct err *e)
{
	struct req_open *o = r->open;
	struct chat_reply reply = { .model = jstr_from(&o->arena, o->rq.model) };
	struct buf out = buf_make(o->answer.max);
	struct arena scratch;
	bool good;

	arena_init(&scratch, o->answer.max * SCRATCH_FACTOR);
	good = o->rq.dialect->embed->write_response(&scratch, &w->rq, &w->all, &reply, &out);
	arena_fini(&scratch);
	if (!good) {
		buf_fini(&out);
		return err_set(e, ERR_UPSTREAM, "the provider's embeddings are too many, or are none");
	}
	buf_fini(&o->answer);
	o->answer = out;
	return true;
}

bool embed_answer(struct req *r, struct err *e)
{
	struct req_open *o = r->open;
	struct embed_work *w = o->embed;
	const struct json_node *body;
	struct embed_response part;
	struct arena scratch;
	bool good;

	arena_init(&scratch, o->answer.max * SCRATCH_FACTOR);
	body = json_nodes(&scratch, buf_str(&o->answer), ANSWER_DEPTH_MAX, e);
	good = body && o->candidate.dialect->embed->read_response(&scratch, body, w->asked, &part, e);
	if (good && w->asked < w->rq.n && !keep_vectors(w, &scratch, &part))
		good = err_set(e, ERR_UPSTREAM, "the provider's embeddings need more memory than they may have");
	if (good) {
		embed_join(&w->all, w->all.n, &part);
		r->may_be_billed |= w->all.n < w->rq.n; /* this part was, whatever becomes of the others */
		if (w->all.n == w->rq.n) {
			if (w->all.usage.source == USAGE_NONE)
				count_tokens(r, w);
			good = write_answer(r, w, e);
			r->meter.usage = w->all.usage;
		}
	} else if (e->code != ERR_UPSTREAM) {
		e->code = ERR_UPSTREAM;              /* it is not the client's to mend */
	}
	arena_fini(&scratch);
	return good;
}
