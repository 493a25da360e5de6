/* SPDX-License-Identifier: Apache-2.0 */
/* probe: short requests of the gateway's own to deployments that are out. */
#include "gateway/probe.h"

#include <assert.h>

#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "observe/observe.h"

#define LOOK_EVERY_MS 200
#define PROBE_MS 30000

/* What asks for least. The names are replaced by the deployment's. */
static const struct ask { const char *path, *body; enum dialect_id dialect; enum dialect_call call; } asks[] = {
	{ "/v1/chat/completions",
	  "{\"model\":\"probe\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"ping\"}]}",
	  DIALECT_OPENAI_CHAT, CALL_GENERATE },
	{ "/v1/embeddings", "{\"model\":\"probe\",\"input\":\"ping\"}", DIALECT_OPENAI_EMBEDDINGS, CALL_EMBED },
};

/* False: it cannot be asked like this. */
static bool take_candidate(struct req *r, const struct route_model *m, const struct deployment *d,
                           const struct ask *ask)
{
	struct plan *p = &r->open->plan;
	struct route_wishes *alone = arena_must(&r->open->arena, sizeof *alone);

	*alone = route_wishes_none;
	alone->no_fallbacks = alone->targets_only = true;
	alone->attempts = 0;
	*p = (struct plan){
		.table = &req_conf(r)->routes, .first = m, .model = m, .group = &p->only, .n = 1, .n_all = 1,
		.last_resort = true, .tries = 1,
		.ask = { .model = d->name, .dialect = ask->dialect, .call = ask->call, .wishes = alone,
		         .now_ms = loop_now_ms(r->w->loop), .max_output = 1 },
	};
	if (!plan_candidate(&p->only, &p->ask, d, (struct str){ 0 }, &r->open->arena) || !p->only.face)
		return false;
	p->only.place = PLACE_LAST_RESORT;
	p->only.tries = 1;
	r->open->candidate = p->only;
	return true;
}

static bool fill(struct req *r, const struct ask *ask)
{
	struct req_open *o = r->open;
	unsigned allowed;

	r->endpoint = endpoint_find(METHOD_POST, str_from_z(ask->path), &allowed);
	assert(r->endpoint);
	req_buf_reset(&o->body, 1024);
	(void)buf_append(&o->body, str_from_z(ask->body));
	r->bytes_in = (uint32_t)o->body.n;
	r->body_whole = true;
	o->in = (struct dialect_in){ .path = str_from_z(ask->path), .body = buf_str(&o->body), .call = ask->call };
	if (!dialect_by_id(ask->dialect)->read_request(&o->arena, &o->in, &o->rq, &o->err))
		return false;
	o->text[TEXT_MODEL] = o->plan.first->name;
	o->forward = STR("");
	o->timeout_ms = PROBE_MS;
	return true;
}

static void start(struct worker *w, const struct route_model *m, const struct deployment *d)
{
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct req *r = req_new_own(w);

		if (take_candidate(r, m, d, &asks[i]) && fill(r, &asks[i])) {
			r->key = key_ref(keys_prober());
			r->step = STEP_ATTEMPT;
			r->probe = true;
			observe_begin(w->observe);
			req_wake(r);
			return;
		}
		req_free(r);
	}
}

/* A model may be in several places; its health is one, and takes one turn. */
static void look(struct worker *w)
{
	const struct gateway_conf *c = snapshot_payload(snapshot_current(&w->conf));
	const struct route_table *t = &c->routes;
	uint64_t every = (uint64_t)t->routing->probe.every_ms, now = loop_now_ms(w->loop);

	for (size_t i = 0; i < t->n_models; i++)
		for (unsigned k = 0; k < t->models[i].n_deployments; k++) {
			const struct deployment *d = &t->models[i].deployments[k];

			if (d->health && health_take_probe(d->health, every, now))
				start(w, &t->models[i], d);
		}
}

static void on_due(struct timer *t)
{
	struct worker *w = CONTAINER_OF(t, struct worker, probe_due);

	look(w);
	probe_configure(w);
}

void probe_configure(struct worker *w)
{
	const struct gateway_conf *c = snapshot_payload(w->conf.held);

	w->probe_due.on_due = on_due;
	if (loop_index(w->loop) != 0 || c->routes.routing->probe.every_ms == 0)
		timer_cancel(w->loop, &w->probe_due);
	else
		timer_start(w->loop, &w->probe_due, LOOK_EVERY_MS);
}

void probe_done(struct req *r)
{
	struct health *h = r->attempt.deployment ? r->attempt.deployment->health : NULL;

	if (!r->gone)
		r->status = (uint16_t)r->open->status;
	if (h && r->consumed && r->attempt.error == ERR_NONE)
		health_lift(h, loop_now_ms(r->w->loop));
}

void probe_end(struct worker *w)
{
	struct req *r = w->reqs, *next;

	timer_cancel(w->loop, &w->probe_due);
	for (; r; r = next) {
		next = r->next;
		if (!r->probe || r->recorded)
			continue;
		/* what it was asked for may be billed, and is written down with the others of this turn */
		r->gone = true;
		req_run(r);
	}
}
