/* SPDX-License-Identifier: Apache-2.0 */
/* responses_state: answers of the Responses API by id. */
#include "gateway/responses_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "cache/keep.h"
#include "dialect/responses.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"
#include "net/fetch.h"

/* Of a conversation, one behind the other. */
enum { LINKS_MAX = 1000, ITEMS_MAX_BYTES = 256 << 20, PAGE_MAX = 100, PAGE = 20 };
#define FETCH_TIMEOUT_MS 30000

/* What stands in the place of a response that a deployment has: this, and its name. */
#define MADE_BY '@'

static struct keep *store_of(const struct req *r)
{
	return r->key ? r->w->gw->options.keep : NULL;
}

static bool look_up(struct req *r, enum keep_kind kind, struct str id, struct str *out)
{
	struct keep *k = store_of(r);

	return k && keep_get(k, &r->open->arena, req_tenant(r), kind, id, out);
}

static struct str own_id(const struct req *r, char out[RESPONSES_ID_MAX])
{
	char id[ULID_LEN];

	ulid_text(id, r->id);
	return responses_answer_id(out, str_of(id, ULID_LEN));
}

/* The error in OpenAI's words, which SDKs and agents know. */
static bool not_found(struct req *r, const char *what, struct str id, int status, const char *code, const char *param)
{
	struct req_open *o = r->open;

	o->failure = (struct dialect_error){ .retry_after_ms = -1, .pass = true };
	snprintf(o->failure.type, sizeof o->failure.type, "invalid_request_error");
	snprintf(o->failure.code, sizeof o->failure.code, "%s", code);
	snprintf(o->failure.param, sizeof o->failure.param, "%s", param);
	o->failure_is_answer = true;
	err_set(&o->err, status == 404 ? ERR_NOT_FOUND : ERR_INVALID_REQUEST, "%s with id '%.*s' not found.", what,
	        STR_ARG(str_slice(id, 0, 80)));
	o->failure.err = o->err;
	return false;
}

/* ---- before the provider is asked ---- */

static const struct json_node *first_reference(const struct json_node *body)
{
	const struct json_node *input = node_get(body, STR("input"));

	for (const struct json_node *v = node_first(input); v; v = node_next(input, v))
		if (node_is_word(node_get(v, STR("type")), STR("item_reference")))
			return v;
	return NULL;
}

/* Is an item of ours among those that it names? */
static bool names_ours(struct req *r)
{
	struct req_open *o = r->open;
	const struct json_node *v = first_reference(json_nodes(&o->arena, o->rq.body, REQUEST_DEPTH_MAX, NULL));
	char id[RESPONSES_ID_MAX];
	struct str ours = v ? responses_id_of_item(id, jstr_raw(node_get_text(v, STR("id")))) : (struct str){ 0 },
		   found;

	return ours.n && look_up(r, KEEP_RESPONSE, ours, &found);
}

void responses_plan(struct req *r)
{
	struct req_open *o = r->open;
	struct str found;

	if (o->rq.call != CALL_GENERATE && o->rq.call != CALL_COUNT_TOKENS)
		return;
	responses_look(&o->arena, o->rq.body, &o->look);
	r->keeps_answer = o->look.store && store_of(r) && o->rq.call == CALL_GENERATE;
	if (o->look.previous.n && look_up(r, KEEP_RESPONSE, o->look.previous, &found) && found.n) {
		if (found.p[0] == MADE_BY)
			plan_prefer(&o->plan, str_slice(found, 1, found.n));
		else
			o->own_state = true;
	} else if (o->look.references) {
		o->own_state |= names_ours(r);
	}
}

struct link { struct link *newer; const struct json_node *input, *output; };

/* What was said before, oldest first; NULL: some of it is not there. */
static const struct link *conversation(struct req *r, struct str id)
{
	struct arena *a = &r->open->arena;
	struct link *oldest = NULL;

	for (unsigned n = 0; id.n; n++) {
		struct link *l = arena_zalloc(a, sizeof *l);
		const struct json_node *said, *response;
		struct str text;

		if (!l || n == LINKS_MAX || !look_up(r, KEEP_INPUT, id, &text))
			return NULL;
		said = json_nodes(a, text, REQUEST_DEPTH_MAX, NULL);
		if (!look_up(r, KEEP_RESPONSE, id, &text) || text.p[0] == MADE_BY)
			return NULL;
		response = json_nodes(a, text, REQUEST_DEPTH_MAX, NULL);
		if (!said || !response)
			return NULL;
		l->newer = oldest;
		l->input = node_get(said, STR("input"));
		l->output = node_get(response, STR("output"));
		oldest = l;
		id = jstr_plain(a, node_get_text(said, STR("previous")));
	}
	return oldest;
}

static bool find_item(void *arg, struct str item_id, struct str *item, struct err *e)
{
	struct req *r = arg;
	char id[RESPONSES_ID_MAX];
	struct str ours = responses_id_of_item(id, item_id), text;
	const struct json_node *output;

	if (ours.n && look_up(r, KEEP_RESPONSE, ours, &text) && text.p[0] != MADE_BY) {
		output = node_get(json_nodes(&r->open->arena, text, REQUEST_DEPTH_MAX, NULL), STR("output"));
		for (const struct json_node *v = node_first(output); v; v = node_next(output, v))
			if (node_is_word(node_get(v, STR("id")), item_id)) {
				*item = node_raw(v);
				return true;
			}
	}
	not_found(r, "Item", item_id, 400, "item_not_found", "input");
	if (e)
		*e = r->open->err;
	return false;
}

bool responses_resolve(struct req *r, struct str *body, struct err *e)
{
	struct req_open *o = r->open;
	const struct responses_finder find = { find_item, r };
	struct buf items = buf_make(ITEMS_MAX_BYTES);
	const struct json_node *root;
	const struct link *l = NULL;
	bool good;

	if (!o->look.previous.n && !o->look.references)
		return true;
	root = json_nodes(&o->arena, *body, REQUEST_DEPTH_MAX, e);
	if (!root)
		return false;
	if (o->look.previous.n && !(l = conversation(r, o->look.previous))) {
		not_found(r, "Previous response", o->look.previous, 400, "previous_response_not_found",
		          "previous_response_id");
		*e = o->err;
		return false;
	}
	for (; l; l = l->newer) {
		responses_add_items(l->input, &items);
		responses_add_items(l->output, &items);
	}
	good = responses_add_input(root, &o->arena, &find, &items, e);
	if (good) {
		*body = responses_with_input(&o->arena, root, buf_str(&items));
		good = body->p || err_set(e, ERR_TOO_LARGE, "the conversation needs more memory than it may have");
	}
	buf_fini(&items);
	return good;
}

/* ---- keeping ---- */

void responses_keep_input(struct req *r, struct chat_reply *reply)
{
	struct req_open *o = r->open;
	const struct responses_finder find = { find_item, r };
	struct buf items = buf_make(ITEMS_MAX_BYTES), value = buf_make(ITEMS_MAX_BYTES);
	struct json_writer w = json_writer_make(&value);
	const struct json_node *root;
	char id[RESPONSES_ID_MAX];

	r->answer_is_ours = true;
	if (o->look.previous.n)
		reply->previous = jstr_from(&o->arena, o->look.previous);
	if (!r->keeps_answer)
		return;
	root = json_nodes(&o->arena, o->rq.body, REQUEST_DEPTH_MAX, NULL);
	if (root && responses_add_input(root, &o->arena, &find, &items, NULL)) {
		json_open(&w, '{');
		json_key_lit(&w, "previous");
		json_str(&w, o->look.previous);
		json_key_lit(&w, "input");
		json_open(&w, '[');
		if (items.n)
			json_raw(&w, buf_str(&items));
		json_close(&w);
		json_close(&w);
		if (json_write_done(&w))
			keep_put(store_of(r), req_tenant(r), KEEP_INPUT, own_id(r, id), buf_str(&value));
	}
	buf_fini(&items);
	buf_fini(&value);
}

static void keep_made_by(struct req *r, struct str id)
{
	struct str name = r->attempt.deployment->name;
	char value[256];

	if (!id.n || name.n > sizeof(value) - 1)
		return;
	value[0] = MADE_BY;
	put_str(value + 1, name);
	keep_put(store_of(r), req_tenant(r), KEEP_RESPONSE, id, str_of(value, name.n + 1));
}

/* The provider's own id: in its whole answer, or in what the meter keeps of its stream ("id":"resp_…",…). */
static struct str provider_id(const struct req *r)
{
	struct str text = r->open && r->attempt_state == ATTEMPT_WHOLE ? buf_str(&r->open->answer) : r->meter.resume;
	size_t at = str_find(text, STR("\"id\""));

	if (at == STR_NPOS)
		return (struct str){ 0 };
	text = str_slice(text, at + 4, text.n);
	while (text.n && (text.p[0] == ' ' || text.p[0] == ':' || text.p[0] == '\n'))
		text = str_slice(text, 1, text.n);
	if (!str_starts(text, STR("\"resp_")))
		return (struct str){ 0 };
	text = str_slice(text, 1, text.n);
	return str_slice(text, 0, str_find_chr(text, '"'));
}

void responses_keep_answer(struct req *r)
{
	struct arena *a = &r->w->events;
	struct arena_mark mark = arena_mark(a);
	struct str response;
	char id[RESPONSES_ID_MAX];

	if (!r->consumed) {
		if (r->answer_is_ours)
			keep_drop(store_of(r), req_tenant(r), KEEP_INPUT, own_id(r, id));
		return;
	}
	if (!r->answer_is_ours) {
		keep_made_by(r, provider_id(r));
		return;
	}
	response = r->attempt_state == ATTEMPT_WHOLE && r->open
	                   ? buf_str(&r->open->answer)
	                   : responses_object_of_stream(a, str_of(r->held, r->held_n));
	if (response.n && !r->error)
		keep_put(store_of(r), req_tenant(r), KEEP_RESPONSE, own_id(r, id), response);
	else
		keep_drop(store_of(r), req_tenant(r), KEEP_INPUT, own_id(r, id));
	arena_rewind(a, mark);
}

/* ---- by id ---- */

static bool flag_of(struct str query, struct str name, struct str *value)
{
	while (query.p) {
		struct str part = str_cut(&query, '&'), rest = part, key = str_cut(&rest, '=');

		if (str_eq(key, name)) {
			*value = rest;
			return true;
		}
	}
	return false;
}

static enum op_state list_items(struct req *r, struct str id, struct err *e)
{
	struct service_call *c = &r->open->service;
	struct responses_page page = { .limit = PAGE };
	struct buf items = buf_make(ITEMS_MAX_BYTES);
	const struct json_node *list;
	const struct link *l = conversation(r, id);
	uint64_t limit;
	struct str v;
	bool good;

	if (!l) {
		not_found(r, "Response", id, 404, "previous_response_not_found", "");
		return OP_REFUSED;
	}
	page.ascending = flag_of(c->query, STR("order"), &v) && str_eq(v, STR("asc"));
	if (flag_of(c->query, STR("limit"), &v) && str_to_u64(v, &limit) && limit > 0)
		page.limit = limit < PAGE_MAX ? (unsigned)limit : PAGE_MAX;
	if (flag_of(c->query, STR("after"), &v))
		page.after = v;
	for (; l; l = l->newer) {
		responses_add_items(l->input, &items);
		if (l->newer)
			responses_add_items(l->output, &items);
	}
	struct str array = arena_printf(c->arena, "[%.*s]", STR_ARG(buf_str(&items)));
	buf_fini(&items);
	list = array.p ? json_nodes(c->arena, array, REQUEST_DEPTH_MAX, NULL) : NULL;
	good = list && responses_write_items(c->arena, id, list, &page, &c->out);
	if (!good)
		err_set(e, ERR_TOO_LARGE, "the items need more memory than they may have");
	return good ? OP_OK : OP_FAILED;
}

/* What the provider says goes to the client as it is. */
static void on_fetched(void *arg, const struct fetch_answer *answer, const struct err *failure)
{
	struct req *r = arg;
	struct service_call *c = &r->open->service;

	r->open->fetch = NULL;
	if (failure) {
		r->open->err = *failure;
		r->open->err.origin = ERR_FROM_PROVIDER;
		c->status = 0;
	} else {
		c->status = answer->status;
		buf_clear(&c->out);
		buf_append(&c->out, answer->body);
	}
	r->open->fetched = true;
	req_wake(r);
}

static const struct deployment *find_deployment(const struct route_table *t, struct str name)
{
	void *model;

	for (size_t i = 0; i < t->n_models; i++)
		for (unsigned k = 0; k < t->models[i].n_deployments; k++)
			if (str_eq(t->models[i].deployments[k].name, name))
				return &t->models[i].deployments[k];
	for (size_t i = 0; map_next(&t->providers, &i, NULL, &model);) {
		const struct route_model *m = model;

		for (unsigned k = 0; k < m->n_deployments; k++)
			if (str_eq(m->deployments[k].name, name))
				return &m->deployments[k];
	}
	return NULL;
}

/* The credential's lines without those that a fetch writes itself, or that speak of a body. */
static struct str head_lines(struct arena *a, struct str lines)
{
	char *start = arena_alloc(a, lines.n + 1), *at = start;

	if (!start)
		return (struct str){ 0 };
	while (lines.n) {
		struct str line = str_slice(lines, 0, str_find_chr(lines, '\n') + 1);

		lines = str_slice(lines, line.n, lines.n);
		if (!str_istarts(line, STR("host:")) && !str_istarts(line, STR("content-")) &&
		    !str_istarts(line, STR("accept-encoding:")))
			at = put_str(at, line);
	}
	return str_of(start, (size_t)(at - start));
}

static enum op_state ask_provider(struct req *r, struct str made_by, struct str id, struct err *e)
{
	struct req_open *o = r->open;
	const struct deployment *d = find_deployment(&req_conf(r)->routes, made_by);
	const struct route_face *face;
	unsigned index;
	struct fetch_request rq = {
		.method = o->service.method == METHOD_DELETE ? STR("DELETE") : STR("GET"),
		.answer_max_bytes = (size_t)req_conf(r)->upstream->response_max_bytes,
		.timeout_ms = FETCH_TIMEOUT_MS, .on_done = on_fetched, .arg = r,
	};

	face = d ? route_face_of(d->provider, DIALECT_OPENAI_RESPONSES, d->model, &index) : NULL;
	if (!face) {
		not_found(r, "Response", id, 404, "previous_response_not_found", "");
		return OP_REFUSED;
	}
	if (face->cloud) {               /* its requests are signed one by one */
		err_set(e, ERR_UNSUPPORTED_PARAMETER, "answers of this provider cannot be asked for by id here");
		return OP_REFUSED;
	}
	rq.lines = head_lines(&o->arena, d->provider->credentials[0].lines[index]);
	rq.url = arena_printf(&o->arena, "%s://%.*s%.*s/responses/%.*s%s%.*s%s%.*s",
	                      origin_is_tls(face->origin) ? "https" : "http", STR_ARG(origin_authority(face->origin)),
	                      STR_ARG(face->base_path), STR_ARG(o->service.path),
	                      face->query.n || o->service.query.n ? "?" : "", STR_ARG(face->query),
	                      face->query.n && o->service.query.n ? "&" : "", STR_ARG(o->service.query));
	if (!rq.url.p || !rq.lines.p) {
		err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
		return OP_FAILED;
	}
	if (d->provider->settings)
		rq.ca_file = d->provider->settings->tls.ca;
	o->fetch = fetch_start(r->w->fetcher, &rq, e);
	return o->fetch ? OP_PENDING : OP_FAILED;
}

static enum op_state answer_of_provider(struct req *r, struct str id, struct err *e)
{
	struct service_call *c = &r->open->service;

	if (c->status == 0)
		return OP_FAILED;
	if (c->method == METHOD_DELETE && c->status == 200)
		keep_drop(store_of(r), req_tenant(r), KEEP_RESPONSE, id);
	if (c->status >= 300 && c->status < 400) {
		err_set(e, ERR_UPSTREAM, "the provider answered with a redirect, which is not followed");
		return OP_FAILED;
	}
	return OP_OK;
}

static enum op_state delete_ours(struct req *r, struct str id)
{
	struct service_call *c = &r->open->service;
	struct json_writer w = json_writer_make(&c->out);

	keep_drop(store_of(r), req_tenant(r), KEEP_RESPONSE, id);
	keep_drop(store_of(r), req_tenant(r), KEEP_INPUT, id);
	json_open(&w, '{');
	json_key_lit(&w, "id");
	json_str(&w, id);
	json_key_lit(&w, "object");
	json_str(&w, STR("response.deleted"));
	json_key_lit(&w, "deleted");
	json_bool(&w, true);
	json_close(&w);
	return OP_OK;
}

enum op_state responses_serve(struct req *r, struct err *e)
{
	struct req_open *o = r->open;
	struct service_call *c = &o->service;
	struct str rest = c->path, id = str_cut(&rest, '/'), found;
	bool items = rest.p && str_eq(rest, STR("input_items"));

	if (o->fetched)
		return answer_of_provider(r, id, e);
	if (o->fetch)
		return OP_PENDING;
	if (rest.p && !items) {
		err_set(e, ERR_NOT_FOUND, "there is nothing at this path: /v1/responses/%.*s",
		        STR_ARG(str_slice(c->path, 0, 200)));
		return OP_REFUSED;
	}
	if (items && c->method == METHOD_DELETE) {
		err_set(e, ERR_METHOD, "this path takes GET");
		return OP_REFUSED;
	}
	if (!look_up(r, KEEP_RESPONSE, id, &found) || !found.n) {
		not_found(r, "Response", id, 404, "previous_response_not_found", "");
		return OP_REFUSED;
	}
	if (found.p[0] == MADE_BY)
		return ask_provider(r, str_slice(found, 1, found.n), id, e);
	if (items)
		return list_items(r, id, e);
	if (c->method == METHOD_DELETE)
		return delete_ours(r, id);
	buf_append(&c->out, found);
	return OP_OK;
}
