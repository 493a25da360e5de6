/* SPDX-License-Identifier: Apache-2.0 */
/* table: from settings to what routing reads on the hot path. */
#include "route/table.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/env.h"
#include "dialect/chat.h"
#include "net/addr.h"
#include "net/client.h"
#include "net/url.h"
#include "provider/credential.h"
#include "route/custom.h"
#include "route/health.h"
#include "route/hedge.h"

/* ---- addresses ---- */

static bool read_url(struct str text, struct url *u, struct err *e)
{
	if (!url_read(text, u, ERR_CONFIG, e))
		return err_prefix(e, "base_url \"%.*s\"", STR_ARG(text));
	return u->query.n == 0 || err_set(e, ERR_CONFIG, "base_url \"%.*s\" must not have a query", STR_ARG(text));
}

/* ---- providers ---- */

/* `exact`: the row says the whole path; else a dialect's version is put behind one that has none. */
static bool add_face(struct route_provider *p, const struct provider_face *f, bool exact, struct arena *a,
                     struct err *e)
{
	struct route_face *face = &p->faces[p->n_faces];
	struct origin_options o = { 0 };
	struct url u = { 0 };

	face->envelope = f->envelope;
	face->query = f->query;
	face->models = f->models;
	if (!read_url(f->base_url, &u, e))
		return false;
	o.host = u.host;
	o.port = u.port;
	if (u.tls && !(o.tls = client_tls(p->settings->tls.ca, e)))
		return false;
	face->dialects = f->dialects;
	face->auth = f->auth;
	face->origin = origin_get(&o);
	if (!face->origin)
		return err_set(e, ERR_CONFIG, "there are too many different providers");
	face->cloud = f->envelope != ENVELOPE_PLAIN || f->query.n || f->auth == AUTH_AWS;
	if (exact)
		face->base_path = arena_dup(a, u.path);
	for (int id = 0; id < DIALECTS && !exact; id++)
		if (f->dialects & DIALECT_BIT(id)) {
			face->base_path = dialect_base_path(a, dialect_by_id((enum dialect_id)id), u.path);
			break;
		}
	p->n_faces++;
	return true;
}

static void add_line(struct buf *b, struct str name, struct str value)
{
	buf_append(b, name);
	buf_append(b, STR(": "));
	buf_append(b, value);
	buf_append(b, STR("\r\n"));
}

static struct str head_lines(const struct route_provider *p, const struct route_face *face, struct str key,
                             struct arena *a)
{
	struct provider_header auth = provider_auth_header(a, face->auth, key);
	struct buf b = buf_make(1u << 20);
	bool overridden = false;
	struct str out;

	if (auth.name.n && !auth.value.p)
		return (struct str){ 0 };
	add_line(&b, STR("host"), origin_authority(face->origin));
	for (unsigned i = 0; i < p->n_headers; i++) {
		overridden |= str_ieq(p->headers[i].name, auth.name);
		add_line(&b, p->headers[i].name, p->headers[i].value);
	}
	if (auth.name.n && !overridden)
		add_line(&b, auth.name, auth.value);
	add_line(&b, STR("content-type"), STR("application/json"));
	out = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

bool route_credential_init(struct route_credential *c, const struct route_provider *p, unsigned face, struct str key,
                           struct arena *a)
{
	*c = (struct route_credential){ .key = key, .weight = 1 };
	c->lines[face] = head_lines(p, &p->faces[face], key, a);
	return c->lines[face].p != NULL;
}

static void free_credential(void *c)
{
	credential_unref(c);
}

/* Where the first face that wants one gets it: the others of a provider want the same. */
static bool add_source(struct route_provider *p, const struct provider *known, struct route_credential *c,
                       struct arena *a)
{
	for (unsigned f = 0; f < p->n_faces; f++) {
		struct credential_options o;

		credential_find(a, &conf_env_process, p->settings, &known->faces[f], &p->places, &o);
		if (o.kind == CREDENTIAL_NONE)
			continue;
		p->faces[f].cloud = true;
		if (c->source)
			continue;
		c->source = credential_get(&o);
		if (!arena_on_free(a, free_credential, c->source)) {
			credential_unref(c->source);
			return false;
		}
	}
	return true;
}

static bool add_credentials(struct route_provider *p, const struct provider *known, struct arena *a)
{
	const struct provider_settings *s = p->settings;
	const struct api_key_settings *keys = s->api_keys.items;
	unsigned n = s->api_keys.n ? (unsigned)s->api_keys.n : 1;
	struct route_credential *c = arena_must(a, n * sizeof *c);
	struct str *hide = arena_must(a, (n + p->n_faces) * sizeof *hide);

	for (unsigned i = 0; i < n; i++) {
		c[i].key = s->api_keys.n ? keys[i].key : s->api_key;
		c[i].weight = s->api_keys.n ? (uint32_t)keys[i].weight : 1;
		c[i].health = n > 1 ? health_key_of(p->name, i + 1, c[i].key) : NULL;
		for (unsigned f = 0; f < p->n_faces; f++)
			c[i].lines[f] = head_lines(p, &p->faces[f], c[i].key, a);
		if (c[i].key.n)
			hide[p->n_hide++] = c[i].key;
		if (!add_source(p, known, &c[i], a))
			return false;
	}
	/* The address of a known provider is no news to anybody; a configured one may tell of the inside of a
	 * network. */
	for (unsigned f = 0; s->base_url.n && f < p->n_faces; f++)
		hide[p->n_hide++] = origin_authority(p->faces[f].origin);
	p->credentials = c;
	p->n_credentials = n;
	p->hide = hide;
	return true;
}

static void add_headers(struct route_provider *p, struct arena *a)
{
	const struct header_settings *h = p->settings->headers.items;
	struct http_field *f = arena_must(a, (p->settings->headers.n + 1) * sizeof *f);

	for (size_t i = 0; i < p->settings->headers.n; i++)
		f[i] = (struct http_field){ h[i].name, h[i].value, http_name_of(h[i].name) };
	p->headers = f;
	p->n_headers = (unsigned)p->settings->headers.n;
}

static bool provider_init(struct route_provider *p, const struct provider_settings *s, struct arena *a, struct err *e)
{
	const struct provider *known = provider_by_name(provider_kind(s));
	struct provider made;

	p->name = s->name;
	p->settings = s;
	if (!known || s->dialect.n) {
		if (!provider_unknown(a, s->name, s->dialect, s->base_url, &made, e))
			return err_prefix(e, "provider %.*s", STR_ARG(s->name));
		known = &made;
	}
	p->quirks = known->quirks;
	p->stops_billing = provider_stops_billing(provider_kind(s));
	if (known->places[0].used || known == &made)
		provider_places_read(a, &conf_env_process, known, s, &p->places);
	for (int i = 0; i < PROVIDER_FACES && known->faces[i].dialects; i++) {
		struct provider_face face = known->faces[i];

		/* a known provider at another address: a proxy of it, or a mirror */
		if (known->places[0].used) {
			if (!provider_face_fill(a, known, &known->faces[i], &p->places, &face, e))
				return err_prefix(e, "provider %.*s", STR_ARG(s->name));
		} else if (s->base_url.n && i == 0) {
			face.base_url = s->base_url;
		} else if (s->base_url.n && known->faces[i].dialects == DIALECT_BIT(DIALECT_OLLAMA)) {
			face.base_url = s->base_url;         /* one server, whose two APIs know their paths */
		} else if (s->base_url.n) {
			break;
		}
		if (!add_face(p, &face, known->places[0].used, a, e))
			return err_prefix(e, "provider %.*s", STR_ARG(s->name));
	}
	add_headers(p, a);
	return add_credentials(p, known, a) || err_set(e, ERR_CONFIG, "the configuration is too large");
}

/* ---- models ---- */

static int64_t or_else(int64_t v, int64_t otherwise)
{
	return v == SETTING_UNSET ? otherwise : v;
}

static struct timeout_settings timeouts_of(const struct timeout_settings *model,
                                           const struct timeout_settings *provider)
{
	return (struct timeout_settings){
		.connect_ms = or_else(model->connect_ms, provider->connect_ms),
		.first_byte_ms = or_else(model->first_byte_ms, provider->first_byte_ms),
		.idle_ms = or_else(model->idle_ms, provider->idle_ms),
		.total_ms = or_else(model->total_ms, provider->total_ms),
	};
}

static const struct route_provider *find_provider(const struct route_provider *all, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].name, name))
			return &all[i];
	return NULL;
}

static struct str deployment_name(struct arena *a, struct str provider, struct str model)
{
	return arena_printf(a, "%.*s/%.*s", STR_ARG(provider), STR_ARG(model));
}

/* Insertion by order; those of the same order stay as written. */
static void insert_by_order(struct deployment *all, unsigned n, const struct deployment *d)
{
	unsigned at = n;

	for (; at > 0 && all[at - 1].order > d->order; at--)
		all[at] = all[at - 1];
	all[at] = *d;
}

static const struct health_limits *limits_of(const struct deployment_settings *s, struct arena *a)
{
	struct health_limits *l;

	if (s->rpm == SETTING_UNSET && s->tpm == SETTING_UNSET && s->max_parallel == SETTING_UNSET)
		return NULL;
	l = arena_must(a, sizeof *l);
	*l = (struct health_limits){ s->rpm, s->tpm, s->max_parallel };
	return l;
}

/* A deployment that is listed twice is two. */
static void tell_apart(struct deployment *all, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		all[i].id = route_stable_hash(all[i].name);
		for (unsigned k = 0; k < i; k++)
			all[i].id += str_eq(all[i].name, all[k].name);
	}
}

/* Where nobody set a weight, what they can take is one, if it is known of all: requests, else tokens. */
static void weigh_by_limits(struct deployment *all, unsigned n)
{
	bool rpm = true, tpm = true;

	for (unsigned i = 0; i < n; i++) {
		if (all[i].weight != 1)
			return;
		rpm &= all[i].settings->rpm > 0;
		tpm &= all[i].settings->tpm > 0;
	}
	for (unsigned i = 0; i < n && (rpm || tpm); i++) {
		int64_t can = rpm ? all[i].settings->rpm : all[i].settings->tpm / 1000 + 1;

		all[i].weight = (uint32_t)(can > UINT32_MAX ? UINT32_MAX : can);
	}
}

/* What is the same for each request, so that a plan need not look at each deployment to know it. */
static void know_all(struct route_model *m)
{
	uint32_t some = 0, all = UINT32_MAX;

	for (unsigned i = 0; i < m->n_deployments; i++) {
		const struct deployment *d = &m->deployments[i];
		uint32_t window = d->facts->context_window;

		m->by_name |= d->by_name;
		m->limited |= d->limits != NULL;
		m->counted |= d->limits && d->limits->tpm != SETTING_UNSET;
		if (window && (!m->window_least || window < m->window_least))
			m->window_least = window;
		some |= d->facts->lacks;
		all &= d->facts->lacks;
	}
	m->lacks_differ = m->by_name ? UINT32_MAX : some & ~all;
	m->plain = m->n_deployments == 1 && !m->deployments->has_star && !m->limited;
}

/* Where there is no second deployment nothing is hedged. */
static void set_hedge(struct deployment *d, const struct model_settings *m, const struct routing_settings *r)
{
	d->hedge = m->hedge.kind == HEDGE_UNSET ? r->hedge : m->hedge;
	if (d->hedge.kind == HEDGE_UNSET || m->deployments.n < 2)
		d->hedge.kind = HEDGE_OFF;
	if (d->hedge.kind != HEDGE_OFF)
		d->hedge_meter = hedge_meter_of(m->name);
}

static void model_init(struct route_model *m, const struct model_settings *s, const struct route_provider *providers,
                       size_t n_providers, const struct route_table_source *from, struct arena *a)
{
	const struct deployment_settings *ds = s->deployments.items;
	struct deployment *all = arena_must(a, s->deployments.n * sizeof *all);

	m->name = s->name;
	m->pattern = str_find_chr(s->name, '*') != STR_NPOS;
	m->strategy = (uint8_t)s->strategy;
	m->latency_buffer = (uint32_t)(s->latency_buffer * 1000);
	m->hash_by = (uint8_t)s->hash_by;
	for (size_t i = 0; i < s->deployments.n; i++) {
		const struct route_provider *p = find_provider(providers, n_providers, ds[i].provider);
		struct deployment d = {
			.settings = &ds[i],
			.name = deployment_name(a, ds[i].provider, ds[i].model),
			.provider = p,
			.model = ds[i].model,
			.has_star = str_find_chr(ds[i].model, '*') != STR_NPOS,
			.order = ds[i].order,
			.weight = (uint32_t)ds[i].weight,
			.limits = limits_of(&ds[i], a),
		};

		assert(p); /* checked with the settings */
		d.health = d.has_star ? NULL : health_of_configured(p->name, d.model);
		d.timeouts = timeouts_of(&s->timeouts, &p->settings->timeouts);
		set_hedge(&d, s, from->routing);
		deployment_know(&d, from->catalogue, a);
		insert_by_order(all, (unsigned)i, &d);
	}
	weigh_by_limits(all, (unsigned)s->deployments.n);
	tell_apart(all, (unsigned)s->deployments.n);
	m->deployments = all;
	m->n_deployments = (unsigned)s->deployments.n;
	know_all(m);
}

/* Those that exist, without the model itself: what `routing` lists is for all models. */
static void link_list(const struct route_table *t, const struct route_model *m, const struct setting_array *names,
                      struct route_fallbacks *out, struct arena *a)
{
	const struct str *name = names->items;
	struct route_fallback *all = arena_must(a, (names->n + 1) * sizeof *all);

	out->items = all;
	for (size_t i = 0; i < names->n; i++) {
		struct route_fallback *f = &all[out->n];

		if (str_eq(name[i], m->name))
			continue;
		f->name = name[i];
		f->model = route_find(t, f->name, &f->matched);
		out->n += f->model != NULL;
	}
}

/* The settings let two of the lists name models that are still to come. */
static void warn_of_unknown(const struct route_table *t, struct str whose, const struct setting_array *names)
{
	const struct str *name = names->items;
	struct str matched;

	for (size_t i = 0; i < names->n; i++)
		if (!route_find(t, name[i], &matched))
			log_warn("route", "%.*s: its fallback %.*s is no model of this configuration: passed over",
			         STR_ARG(whose), STR_ARG(name[i]));
}

/* `s`: NULL for the models that every provider has. */
static void link_fallbacks(const struct route_table *t, struct route_model *m, const struct model_settings *s,
                           struct arena *a)
{
	const struct routing_settings *r = t->routing;
	const struct setting_array none = { 0 };
	const struct { const struct setting_array *own, *general; } lists[ROUTE_LISTS] = {
		[LIST_GENERAL] = { s ? &s->fallbacks : &none, &r->fallbacks },
		[LIST_CONTEXT_WINDOW] = { s ? &s->context_window_fallbacks : &none, &r->context_window_fallbacks },
		[LIST_CONTENT_POLICY] = { s ? &s->content_policy_fallbacks : &none, &r->content_policy_fallbacks },
	};

	m->continues = (s && s->stream_failover != SETTING_UNSET ? s->stream_failover : r->stream_failover) ==
	               STREAM_FAILOVER_CONTINUE;
	for (int i = 0; i < ROUTE_LISTS; i++)
		link_list(t, m, lists[i].own->n ? lists[i].own : lists[i].general, &m->lists[i], a);
}

/* Every provider also answers to "provider/model". */
static void add_wildcard(struct route_table *t, struct route_model *m, const struct route_provider *p,
                         const struct catalogue *catalogue, struct arena *a)
{
	struct deployment *d = arena_must(a, sizeof *d);

	d->name = deployment_name(a, p->name, STR("*"));
	d->provider = p;
	d->model = STR("*");
	d->has_star = true;
	d->weight = 1;
	d->timeouts = p->settings->timeouts;
	deployment_know(d, catalogue, a);
	m->name = d->name;
	m->pattern = true;
	m->deployments = d;
	m->n_deployments = 1;
	know_all(m);
	t->wildcards[t->n_wildcards++] = m;
	(void)map_put(&t->providers, p->name, m);
}

static void free_map(void *m)
{
	map_fini(m);
}

bool route_table_init(struct route_table *t, const struct route_table_source *s, struct arena *a, struct err *e)
{
	const struct provider_settings *ps = s->providers.items;
	const struct model_settings *ms = s->models.items;
	struct route_provider *providers = arena_must(a, (s->providers.n + 1) * sizeof *providers);
	struct route_model *models = arena_must(a, (s->models.n + 1) * sizeof *models);
	struct route_model *wildcards = arena_must(a, (s->providers.n + 1) * sizeof *wildcards);

	*t = (struct route_table){ .models = models, .n_models = s->models.n, .routing = s->routing };
	if (!arena_on_free(a, free_map, &t->exact) || !arena_on_free(a, free_map, &t->providers))
		return err_set(e, ERR_CONFIG, "the configuration is too large");
	t->wildcards = arena_must(a, (s->providers.n + 1) * sizeof *t->wildcards);
	t->patterns = arena_must(a, (s->models.n + 1) * sizeof *t->patterns);
	for (size_t i = 0; i < s->providers.n; i++) {
		if (!provider_init(&providers[i], &ps[i], a, e))
			return false;
		add_wildcard(t, &wildcards[i], &providers[i], s->catalogue, a);
	}
	for (size_t i = 0; i < s->models.n; i++) {
		model_init(&models[i], &ms[i], providers, s->providers.n, s, a);
		if (ms[i].script.n)
			models[i].custom = custom_new(ms[i].name, ms[i].script,
			                              s->routing->script.max_instructions, a, e);
		if (ms[i].script.n && !models[i].custom)
			return err_prefix(e, "model %.*s: script", STR_ARG(ms[i].name));
		if (models[i].pattern)
			t->patterns[t->n_patterns++] = &models[i];
		else
			(void)map_put(&t->exact, models[i].name, &models[i]);
	}
	for (size_t i = 0; i < s->models.n; i++) {
		link_fallbacks(t, &models[i], &ms[i], a);
		warn_of_unknown(t, ms[i].name, &ms[i].context_window_fallbacks);
		warn_of_unknown(t, ms[i].name, &ms[i].content_policy_fallbacks);
	}
	warn_of_unknown(t, STR("routing"), &s->routing->context_window_fallbacks);
	warn_of_unknown(t, STR("routing"), &s->routing->content_policy_fallbacks);
	for (size_t i = 0; i < s->providers.n; i++)
		link_fallbacks(t, &wildcards[i], NULL, a);
	return true;
}

/* ---- looking up ---- */

/* What the first star of the pattern stands for; patterns with several stars give the whole name. */
static struct str star_of(struct str pattern, struct str name)
{
	size_t star = str_find_chr(pattern, '*');
	struct str tail = str_slice(pattern, star + 1, pattern.n);

	if (str_find_chr(tail, '*') != STR_NPOS)
		return name;
	return str_slice(name, star, name.n - tail.n);
}

/* Would a provider be asked for the model ""? */
static bool names_nothing(const struct route_model *m, struct str matched)
{
	for (unsigned i = 0; i < m->n_deployments && matched.n == 0; i++)
		if (m->deployments[i].has_star && m->deployments[i].model.n == 1)
			return true;
	return false;
}

/* What a star takes goes to the provider, into a header field of the answer and to logs. */
static bool has_control(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return true;
	return false;
}

const struct route_model *route_find(const struct route_table *t, struct str name, struct str *matched)
{
	const struct route_model *m = map_get(&t->exact, name);
	size_t slash;

	*matched = name;
	if (m)
		return m;
	if (has_control(name))
		return NULL;
	for (size_t i = 0; i < t->n_patterns; i++)
		if (str_glob(t->patterns[i]->name, name)) {
			*matched = star_of(t->patterns[i]->name, name);
			if (names_nothing(t->patterns[i], *matched))
				continue;
			return t->patterns[i];
		}
	slash = str_find_chr(name, '/');
	if (slash == STR_NPOS || slash + 1 == name.n)
		return NULL;
	m = map_get(&t->providers, str_slice(name, 0, slash));
	*matched = str_slice(name, slash + 1, name.n);
	return m;
}

struct str route_nearest(const struct route_table *t, struct str name, struct arena *a)
{
	size_t best = name.n / 2 + 2;
	struct str found = { 0 };

	for (size_t i = 0; i < t->n_models; i++) {
		size_t d = str_distance(name, t->models[i].name, best);

		if (d < best) {
			best = d;
			found = t->models[i].name;
		}
	}
	return found.n ? arena_dup(a, found) : found;
}

static bool speaks(enum dialect_id id, bool rerank)
{
	const struct dialect *d = dialect_by_id(id);

	return rerank ? d->rerank != NULL : d->embed != NULL;
}

/* Of all that speak embeddings, or rerank, and are no two words for the same (dialect/embed.h, rerank.h). */
static const struct route_face *face_for_lists(const struct route_provider *p, enum dialect_id client, bool rerank,
                                               struct str upstream_model, enum dialect_id *spoken, unsigned *index)
{
	if (!speaks(client, rerank))
		return NULL;
	for (unsigned id = 0; id < DIALECTS; id++) {
		const struct route_face *face = NULL;

		if (id != client && speaks((enum dialect_id)id, rerank))
			face = route_face_of(p, (enum dialect_id)id, upstream_model, index);
		if (face) {
			*spoken = (enum dialect_id)id;
			return face;
		}
	}
	return NULL;
}

const struct route_face *route_face_translated(const struct route_provider *p, enum dialect_id client,
                                               enum dialect_call call, struct str upstream_model,
                                               enum dialect_id *spoken, unsigned *index)
{
	/* the richer dialect first; Chat Completions before Responses, which has no word for stop and seed (the gateway
	 * takes Responses instead where a request needs it) */
	static const enum dialect_id order[] = {
		DIALECT_ANTHROPIC, DIALECT_GEMINI, DIALECT_BEDROCK, DIALECT_OPENAI_CHAT, DIALECT_OPENAI_RESPONSES,
		DIALECT_COHERE, DIALECT_OLLAMA,
	};

	const struct chat_codec *codec = dialect_by_id(client)->chat;

	if (call == CALL_EMBED || call == CALL_EMBED_BATCH || call == CALL_RERANK)
		return face_for_lists(p, client, call == CALL_RERANK, upstream_model, spoken, index);
	/* a count of tokens is not asked for there, but made here for the model that would answer */
	if (!codec || !(call == CALL_GENERATE || (call == CALL_COUNT_TOKENS && codec->write_count)))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		const struct route_face *face = route_face_of(p, order[i], upstream_model, index);

		if (face && order[i] != client && dialect_by_id(order[i])->chat) {
			*spoken = order[i];
			return face;
		}
	}
	return NULL;
}
