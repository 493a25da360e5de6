/* SPDX-License-Identifier: Apache-2.0 */
/* places: filling in the addresses of clouds. */
#include "provider/places.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/env.h"
#include "json/tree.h"
#include "provider/settings.h"

#define URL_MAX_BYTES 4096
#define KEY_MAX_BYTES (64u << 10)

static const char *const names[PROVIDER_PLACES] = {
	[PLACE_REGION] = "region", [PLACE_PROJECT] = "project", [PLACE_LOCATION] = "location",
	[PLACE_ACCOUNT] = "account", [PLACE_RESOURCE] = "resource", [PLACE_API_VERSION] = "api_version",
};

const char *provider_place_name(enum provider_place place)
{
	return names[place];
}

/* ---- values ---- */

static struct str variable(struct arena *a, const struct conf_env *env, struct str name)
{
	struct str value;

	return name.n && env->variable(env, name, &value) ? arena_dup(a, value) : (struct str){ 0 };
}

static struct str setting_of(const struct provider_settings *s, enum provider_place place)
{
	switch (place) {
	case PLACE_REGION: return s->region;
	case PLACE_PROJECT: return s->project;
	case PLACE_LOCATION: return s->location;
	case PLACE_ACCOUNT: return s->account;
	case PLACE_RESOURCE: return s->resource;
	case PLACE_API_VERSION: return s->api_version;
	case PROVIDER_PLACES: break;
	}
	assert(!"no such place");
	return (struct str){ 0 };
}

/* The key of a Google service account names its project. Without one the file may come later. */
static struct str project_of(struct arena *a, const struct conf_env *env, struct str credentials)
{
	struct str project = { 0 }, text = credentials;
	struct err e;
	yyjson_val *root;

	if (str_starts(text, STR("file:")) &&
	    !env->file(env, a, str_slice(text, 5, text.n), KEY_MAX_BYTES, &text, &e))
		return (struct str){ 0 };
	root = text.n ? json_parse(a, text, 16, &e) : NULL;
	if (!json_get_str(root, "project_id", &project) && !json_get_str(root, "quota_project_id", &project))
		return (struct str){ 0 };
	return arena_dup(a, project);
}

void provider_places_read(struct arena *a, const struct conf_env *env, const struct provider *p,
                          const struct provider_settings *s, struct provider_places *out)
{
	*out = (struct provider_places){ .base_url = s->base_url.n ? s->base_url : variable(a, env, p->url_env) };
	for (int i = 0; i < PROVIDER_PLACES; i++)
		out->value[i] = setting_of(s, (enum provider_place)i);
	if (out->value[PLACE_PROJECT].n == 0)
		out->value[PLACE_PROJECT] = project_of(a, env, s->credentials);
	for (size_t i = 0; i < PROVIDER_PLACE_SOURCES && p->places[i].used; i++) {
		const struct provider_place_source *from = &p->places[i];
		struct str *v = &out->value[from->place];

		if (v->n == 0)
			*v = variable(a, env, from->env);
		if (v->n == 0)
			*v = variable(a, env, from->env_also);
		if (v->n == 0)
			*v = from->otherwise;
	}
	if (out->base_url.n && str_find(out->base_url, STR("://")) == STR_NPOS)
		out->base_url = arena_printf(a, "https://%.*s", STR_ARG(out->base_url));
	while (out->base_url.n && out->base_url.p[out->base_url.n - 1] == '/')
		out->base_url.n--;
}

/* ---- filling in ---- */

/* Letters, digits and what names of clouds have besides: nothing that could lead elsewhere. */
static bool is_plain(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((v.p[i] >= 'a' && v.p[i] <= 'z') || (v.p[i] >= 'A' && v.p[i] <= 'Z') ||
		      (v.p[i] >= '0' && v.p[i] <= '9') || memchr("-_.:", v.p[i], 4)))
			return false;
	return true;
}

/* "Vertex AI locations": one host for all of the world, one for each multi-region, one for each region. */
static void append_vertex_host(struct buf *b, struct str location)
{
	if (str_eq(location, STR("global")))
		buf_append(b, STR("aiplatform.googleapis.com"));
	else if (str_eq(location, STR("eu")) || str_eq(location, STR("us")))
		buf_printf(b, "aiplatform.%.*s.rep.googleapis.com", STR_ARG(location));
	else
		buf_printf(b, "%.*s-aiplatform.googleapis.com", STR_ARG(location));
}

static bool missing(const struct provider *p, enum provider_place place, struct err *e)
{
	for (size_t i = 0; i < PROVIDER_PLACE_SOURCES && p->places[i].used; i++)
		if (p->places[i].place == place && p->places[i].env.n)
			return err_set(e, ERR_CONFIG, "needs %s (or the variable %.*s)", names[place],
			               STR_ARG(p->places[i].env));
	return err_set(e, ERR_CONFIG, "needs %s", names[place]);
}

static bool append_place(struct buf *b, const struct provider *p, const struct provider_places *places,
                         struct str name, struct err *e)
{
	bool vertex = str_eq(name, STR("vertex_host"));

	for (int i = 0; i < PROVIDER_PLACES; i++) {
		struct str v = places->value[i];

		if (!(vertex && i == PLACE_LOCATION) && !str_eq(name, str_from_z(names[i])))
			continue;
		if (v.n == 0)
			return missing(p, (enum provider_place)i, e);
		if (!is_plain(v))
			return err_set(e, ERR_CONFIG, "%s must be letters, digits and -_.: only", names[i]);
		if (vertex)
			append_vertex_host(b, v);
		else
			buf_append(b, v);
		return true;
	}
	assert(!"a row has a place that there is not");
	return false;
}

static bool fill(struct arena *a, const struct provider *p, const struct provider_places *places, struct str text,
                 struct str *out, struct err *e)
{
	struct buf b = buf_make(URL_MAX_BYTES);
	bool good = true;

	while (good && text.n) {
		size_t open = str_find_chr(text, '{'), close;

		buf_append(&b, str_slice(text, 0, open));
		text = str_slice(text, open, text.n);
		if (text.n == 0)
			break;
		close = str_find_chr(text, '}');
		assert(close != STR_NPOS);
		good = append_place(&b, p, places, str_slice(text, 1, close), e);
		text = str_slice(text, close + 1, text.n);
	}
	if (good && b.failed)
		good = err_set(e, ERR_CONFIG, "has too long an address");
	if (good)
		*out = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return good && (out->p || err_set(e, ERR_CONFIG, "the configuration is too large"));
}

/* Scheme and host of a URL, and what is behind them. */
static struct str cut_path(struct str *url)
{
	size_t scheme = str_find(*url, STR("://")), slash;
	struct str path;

	assert(scheme != STR_NPOS);
	slash = str_find_chr(str_slice(*url, scheme + 3, url->n), '/');
	if (slash == STR_NPOS)
		return (struct str){ 0 };
	path = str_slice(*url, scheme + 3 + slash, url->n);
	*url = str_slice(*url, 0, scheme + 3 + slash);
	return path;
}

bool provider_face_fill(struct arena *a, const struct provider *p, const struct provider_face *f,
                        const struct provider_places *places, struct provider_face *out, struct err *e)
{
	struct str template = f->base_url, path, host = places->base_url;
	struct provider_face filled = *f;

	if (!fill(a, p, places, f->query, &filled.query, e))
		return false;
	if (host.n && cut_path(&host).n) {
		filled.base_url = places->base_url;
	} else if (host.n) {
		path = cut_path(&template);
		if (!fill(a, p, places, path, &path, e))
			return false;
		filled.base_url = arena_printf(a, "%.*s%.*s", STR_ARG(host), STR_ARG(path));
	} else if (!fill(a, p, places, template, &filled.base_url, e)) {
		return false;
	}
	*out = filled;
	return true;
}

bool provider_places_found(const struct conf_env *env, const struct provider *p)
{
	static const struct provider_settings nothing;
	struct provider_places places;
	struct provider_face face;
	struct arena a;
	struct err e;
	bool good = true;

	arena_init(&a, 1u << 20);
	provider_places_read(&a, env, p, &nothing, &places);
	for (size_t i = 0; good && i < PROVIDER_FACES && p->faces[i].dialects; i++)
		good = provider_face_fill(&a, p, &p->faces[i], &places, &face, &e);
	arena_fini(&a);
	return good;
}
