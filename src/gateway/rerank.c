/* SPDX-License-Identifier: Apache-2.0 */
/* rerank: documents put in order by a provider of another dialect: one call, one answer. */
#include "dialect/rerank.h"
#include "gateway/gateway_in.h"

/* The text of a provider's scores becomes nodes for a while. */
#define SCRATCH_FACTOR 8

struct rerank_work {
	struct rerank_request rq;
	struct rerank_wire wire;
};

bool rerank_is(const struct req *r) { return r->open->rq.call == CALL_RERANK; }

/* The client's request, read once. */
static bool make_work(struct req *r)
{
	struct req_open *o = r->open;
	struct rerank_work *w = arena_zalloc(&o->arena, sizeof *w);
	const struct json_node *body;

	if (!w)
		return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
	body = json_nodes(&o->arena, o->rq.body, REQUEST_DEPTH_MAX, &o->err);
	if (!body || !o->rq.dialect->rerank->read_request(&o->arena, &o->rq, body, &w->rq, &o->err))
		return false;
	o->rerank = w;
	return true;
}

enum attempt_start rerank_request(struct req *r, struct str *body)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	struct chat_target target = {
		.model = jstr_from(&o->arena, c->model), .facts = deployment_facts(c->deployment, c->model),
		.quirks = c->deployment->provider->quirks,
	};

	if (!o->rerank && !make_work(r))
		return START_NOT;
	o->rerank->wire = (struct rerank_wire){ .drops = { .arena = &o->arena } };
	if (!target.model.p) {
		err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
		return START_NOT;
	}
	if (!c->dialect->rerank->write_request(&o->arena, &o->rerank->rq, &target, &o->rerank->wire, &o->err) ||
	    !translate_reports(r, &o->rerank->wire.drops))
		return START_NOT;
	*body = o->rerank->wire.body;
	return START_OK;
}

bool rerank_answer(struct req *r, struct err *e)
{
	struct req_open *o = r->open;
	struct rerank_response rs;
	struct chat_reply reply = { .model = jstr_from(&o->arena, o->rq.model) };
	struct buf out = buf_make(o->answer.max);
	const struct json_node *body;
	char id[ULID_LEN];
	struct arena scratch;
	bool good;

	ulid_text(id, r->id);
	reply.id = jstr_of(id, ULID_LEN);
	arena_init(&scratch, o->answer.max * SCRATCH_FACTOR);
	body = json_nodes(&scratch, buf_str(&o->answer), ANSWER_DEPTH_MAX, e);
	good = body && o->candidate.dialect->rerank->read_response(&scratch, body, o->rerank->rq.n, &rs, e);
	if (good && !o->rq.dialect->rerank->write_response(&o->rerank->rq, &rs, &reply, &out))
		good = err_set(e, ERR_UPSTREAM, "the provider's answer is larger than allowed");
	arena_fini(&scratch);
	if (!good) {
		buf_fini(&out);
		e->code = ERR_UPSTREAM;              /* it is not the client's to mend */
		return false;
	}
	buf_fini(&o->answer);
	o->answer = out;
	return true;
}
