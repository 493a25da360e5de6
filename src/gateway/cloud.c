/* SPDX-License-Identifier: Apache-2.0 */
/* cloud: requests to clouds: in their envelopes, and signed with what was fetched. */
#include <assert.h>

#include "gateway/gateway_in.h"
#include "provider/credential.h"

#define SERVICE STR("bedrock")

enum op_state cloud_credential(struct req *r, const struct route_credential *c, struct err *e)
{
	struct req_open *o = r->open;

	credential_value_unref(o->secret);
	o->secret = NULL;
	return c->source ? credential_use(c->source, r->w->agent, &o->op, &o->secret, e) : OP_OK;
}

/* Beta features that were left out join what else was. */
static bool note_dropped(struct req_open *o, struct str betas)
{
	struct str gap = o->dropped.n ? STR(",") : STR("");

	while (betas.p) {
		struct str beta = str_cut(&betas, ',');

		o->dropped = arena_printf(&o->arena, "%.*s%.*santhropic-beta:%.*s", STR_ARG(o->dropped), STR_ARG(gap),
		                          STR_ARG(beta));
		if (!o->dropped.p)
			return false;
		gap = STR(",");
	}
	return true;
}

bool cloud_wrap(struct req *r, struct cloud_request *q, struct err *e)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	struct envelope_in in = {
		.kind = c->face->envelope, .dialect = c->dialect->id, .call = o->rq.call, .stream = r->want_stream,
		.aws = c->face->auth == AUTH_AWS, .model = c->model, .path = q->path, .query = c->face->query,
		.project = c->deployment->provider->places.value[PLACE_PROJECT], .forward = q->forward,
		.body = o->request.pieces + 1, .n_body = q->n,
	};
	struct envelope_out out;

	if (!envelope_wrap(&o->arena, &in, &out, e))
		return false;
	if (out.dropped.n && !note_dropped(o, out.dropped))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	assert(out.n_body + 1 <= CALL_PIECES);
	memcpy(o->request.pieces + 1, out.body, out.n_body * sizeof out.body[0]);
	*q = (struct cloud_request){ out.path, out.forward, out.n_body };
	return true;
}

static struct str sign(struct req *r, const struct route_credential *c, const struct cloud_request *q)
{
	struct req_open *o = r->open;
	const struct route_face *face = o->candidate.face;
	const struct credential_value *v = o->secret;
	struct str query = q->path, path = str_cut(&query, '?');
	struct sigv4_request rq = {
		.method = o->method.n ? o->method : STR("POST"), .query = query, .host = origin_authority(face->origin),
		.path = arena_printf(&o->arena, "%.*s%.*s", STR_ARG(face->base_path), STR_ARG(path)),
		.body = o->request.pieces + 1, .n_body = q->n, .access_key_id = v->access_key_id,
		.session_token = v->session_token, .service = SERVICE,
		.region = o->candidate.deployment->provider->places.value[PLACE_REGION],
	};
	struct sigv4_key key;
	char time[SIGV4_TIME_LEN];

	if (!rq.path.p)
		return (struct str){ 0 };
	sigv4_time(time, loop_real_ms(r->w->loop));
	credential_signing_key(c->source, v, time, rq.region, rq.service, &key);
	return sigv4_lines(&o->arena, &rq, time, &key);
}

struct str cloud_lines(struct req *r, const struct route_credential *c, const struct cloud_request *q)
{
	struct req_open *o = r->open;

	if (!o->secret)
		return STR("");
	if (o->secret->token.n == 0)
		return sign(r, c, q);
	return arena_printf(&o->arena, "authorization: Bearer %.*s\r\n", STR_ARG(o->secret->token));
}

void cloud_answered(struct req *r, int status)
{
	const struct req_open *o = r->open;
	const struct route_provider *p = o->candidate.deployment->provider;

	if (o->secret && (status == 401 || status == 403))
		credential_doubt(p->credentials[0].source, o->secret);
}

const struct str *cloud_hide(struct req *r, size_t *n)
{
	struct req_open *o = r->open;
	const struct route_provider *p = o->candidate.deployment->provider;
	const struct credential_value *v = o->secret;
	struct str *all;

	*n = p->n_hide;
	if (!v && o->own_key.n == 0)
		return p->hide;
	all = arena_alloc(&o->arena, (p->n_hide + 4) * sizeof *all);
	if (!all)
		return p->hide;
	memcpy(all, p->hide, p->n_hide * sizeof *all);
	if (o->own_key.n)
		all[(*n)++] = o->own_key;
	if (!v)
		return all;
	if (v->token.n)
		all[(*n)++] = v->token;
	if (v->access_key_id.n)
		all[(*n)++] = v->access_key_id;
	if (v->session_token.n)
		all[(*n)++] = v->session_token;
	return all;
}
