/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass: what is handed on to a provider as it came and comes back as it is: /passthrough/{provider}/…, files, batches.
 * It passes the same gate as everything else: key, policy, metering where the answer tells its usage, records. Nothing
 * is tried twice or elsewhere.
 */

#include "base/text.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"

/* The dialect by which an answer is metered, from the path. */
static const struct { struct str tail; enum dialect_id dialect; } dialects[] = {
	{ STR_INIT("/chat/completions"), DIALECT_OPENAI_CHAT },
	{ STR_INIT("/completions"), DIALECT_OPENAI_COMPLETIONS },
	{ STR_INIT("/responses"), DIALECT_OPENAI_RESPONSES },
	{ STR_INIT("/embeddings"), DIALECT_OPENAI_EMBEDDINGS },
	{ STR_INIT("/messages"), DIALECT_ANTHROPIC },
	{ STR_INIT(":generateContent"), DIALECT_GEMINI },
	{ STR_INIT(":streamGenerateContent"), DIALECT_GEMINI },
};

static enum dialect_id dialect_of(struct str path)
{
	for (size_t i = 0; i < COUNT_OF(dialects); i++)
		if (str_ends(path, dialects[i].tail))
			return dialects[i].dialect;
	return DIALECT_OPENAI_MEDIA;
}

/* A server that decodes before it resolves, twice even, or takes what follows a ';' for parameters of the segment,
 * would climb out of its own API. */
static bool climbs(struct str path)
{
	struct buf once = buf_make(path.n + 1), decoded = buf_make(path.n + 1);
	bool bad = !text_percent_decode(&once, path);
	struct str rest;

	if (!bad && !text_percent_decode(&decoded, buf_str(&once))) { /* a '%' that is one */
		buf_clear(&decoded);
		(void)buf_append(&decoded, buf_str(&once));
	}
	rest = buf_str(&decoded);
	buf_fini(&once);
	while (!bad && rest.p) {
		struct str part = str_cut(&rest, '/');

		part = str_slice(part, 0, str_find_chr(part, ';'));
		bad = str_eq(part, STR("..")) || str_eq(part, STR(".")) || str_find_chr(part, '\\') != STR_NPOS;
	}
	buf_fini(&decoded);
	return bad;
}

/* "/v1" + "/v1/files" is "/v1/files": clients give the version or not. */
static struct str behind_base(struct str base, struct str path)
{
	size_t slash = base.n;
	struct str last;

	while (slash > 0 && base.p[slash - 1] != '/')
		slash--;
	last = str_slice(base, slash ? slash - 1 : 0, base.n); /* "/v1" */
	if (last.n > 1 && path.n > last.n && str_starts(path, last) && path.p[last.n] == '/')
		return str_slice(path, last.n, path.n);
	return path;
}

static const struct route_face *pick_face(const struct route_provider *p, enum dialect_id dialect, struct str model,
                                          unsigned *index)
{
	const struct route_face *face = route_face_of(p, dialect, model, index);

	if (!face)
		*index = 0;
	return face ? face : &p->faces[0];
}

/* Who is asked: named by the path, by x-sluice-provider, or the first that speaks what the client does. */
static const struct route_model *find_provider(struct req *r, struct str *name)
{
	struct req_open *o = r->open;
	const struct route_table *t = &req_conf(r)->routes;
	enum dialect_id dialect = o->has_anthropic_version ? DIALECT_ANTHROPIC : DIALECT_OPENAI_CHAT;
	unsigned index;

	if (name->n)
		return map_get(&t->providers, *name);
	for (size_t i = 0; i < t->n_wildcards; i++)
		if (route_face_of(t->wildcards[i]->deployments[0].provider, dialect, STR(""), &index))
			return t->wildcards[i];
	return NULL;
}

static struct str method_name(const struct http_head *h)
{
	switch (h->method) {
	case METHOD_POST: return STR("POST");
	case METHOD_PUT: return STR("PUT");
	case METHOD_PATCH: return STR("PATCH");
	case METHOD_DELETE: return STR("DELETE");
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_OPTIONS:
	case METHOD_UNKNOWN: break;
	}
	return STR("GET");
}

void pass_take_head(struct req *r)
{
	r->open->method = method_name(r->open->head);
}

/* The model that a JSON body names, for the records; empty: it names none. */
static struct str read_model(struct req_open *o)
{
	const char *path = "model";
	struct json_plan plan;
	struct json_fault fault;
	struct json_hit hit;
	struct str model = { 0 };

	if (o->body.n == 0 || o->body.p[0] != '{')
		return model;
	json_plan_init(&plan, &path, 1, 0);
	if (!json_scan(&plan, buf_str(&o->body), REQUEST_DEPTH_MAX, &hit, &fault) ||
	    !json_to_str(hit.value, &o->arena, &model) || model.n > 256)
		return (struct str){ 0 };
	return model;
}

/* The path with the client's query, but for what may be its credential (req_token takes `key`). */
static struct str with_query(struct req_open *o, struct str path)
{
	struct str rest = o->in.query;
	char *start = arena_alloc(&o->arena, path.n + rest.n + 2), *at = start;
	char gap = '?';

	if (!start)
		return str_of(NULL, 0);
	at = put_str(at, path);
	while (rest.p) {
		struct str member = str_cut(&rest, '&'), name = str_slice(member, 0, str_find_chr(member, '='));
		struct buf decoded = buf_make(64);
		/* a name that is long, or that cannot be decoded, is none of ours */
		bool ours = name.n < 64 && text_percent_decode(&decoded, name) &&
		            (str_ieq(buf_str(&decoded), STR("key")) || str_ieq(buf_str(&decoded), STR("$key")));

		buf_fini(&decoded);
		if (ours || member.n == 0)
			continue;
		*at++ = gap;
		at = put_str(at, member);
		gap = '&';
	}
	return str_of(start, (size_t)(at - start));
}

enum step pass_decode(struct req *r)
{
	struct req_open *o = r->open;
	bool by_path = str_starts(o->in.path, STR("/passthrough/"));
	struct str path = o->in.path, name = o->provider, tail, model;
	const struct route_wishes *wishes;
	const struct route_model *m;
	struct candidate *c = &o->candidate;

	if (r->key->info.n_models)
		return req_refuse(r, ERR_MODEL_NOT_ALLOWED,
		                  "this key is for some models only, and nobody could tell which one this path uses");
	if (climbs(path))
		return req_refuse(r, ERR_INVALID_REQUEST,
		                  "the path must be well-formed and must not have . or .. in it");
	if (by_path) {
		path = str_slice(path, STR("/passthrough/").n, path.n);
		name = str_slice(path, 0, str_find_chr(path, '/'));
		path = str_slice(path, name.n, path.n);
		if (path.n == 0)
			path = STR("/");
	}
	m = find_provider(r, &name);
	if (!m)
		return req_refuse(
			r, ERR_NOT_FOUND,
			name.n ? "no provider \"%.*s\" is configured"
			       : "no provider is configured that could take this; x-sluice-provider names one%.*s",
			STR_ARG(str_slice(name, 0, 64)));
	if (!ask_pass(r, &m->deployments[0], &wishes))
		return STEP_REFUSE;
	model = read_model(o);
	o->pass = true;
	o->rq = (struct dialect_request){ .dialect = dialect_by_id(dialect_of(path)), .call = CALL_MEDIA,
		                          .max_output = -1, .framing = FRAMING_WHOLE, .body = buf_str(&o->body),
		                          .model = model };
	o->plan = (struct plan){ .table = &req_conf(r)->routes, .first = m, .model = m,
		                 .ask = { .dialect = o->rq.dialect->id, .wishes = wishes } };
	*c = (struct candidate){ .deployment = &m->deployments[0], .dialect = o->rq.dialect,
		                 .model = model.n ? model : STR("*") };
	c->face = pick_face(c->deployment->provider, o->rq.dialect->id, model, &c->face_index);
	tail = behind_base(c->face->base_path, path);
	o->rq.tail = with_query(o, tail);
	if (!o->rq.tail.p)
		return req_refuse(r, ERR_TOO_LARGE, "the request needs more memory than it may have");
	o->text[TEXT_MODEL] = model.n ? model : c->deployment->provider->name;
	return STEP_ATTEMPT;
}
