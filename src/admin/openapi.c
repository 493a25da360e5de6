/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /openapi.json: OpenAPI 3.1, made from the gateway's table of endpoints and this room's table of routes, so that no
 * route can be missing. The bodies of the model endpoints are their vendors' and only named.
 */
#include "admin/admin_in.h"
#include "admin/openapi_schemas.h"
#include "gateway/endpoints.h"

/* One operation, whichever table it comes from. */
struct operation {
	enum http_method method;
	struct str path;                     /* with {names} */
	const struct endpoint *endpoint;     /* one of these two */
	const struct admin_route *route;
};

static struct str method_word(enum http_method method)
{
	switch (method) {
	case METHOD_GET: return STR("get");
	case METHOD_HEAD: return STR("head");
	case METHOD_POST: return STR("post");
	case METHOD_PUT: return STR("put");
	case METHOD_PATCH: return STR("patch");
	case METHOD_DELETE: return STR("delete");
	case METHOD_OPTIONS: return STR("options");
	case METHOD_UNKNOWN: break;
	}
	return STR("trace");
}

static void write_ref(struct json_writer *w, struct arena *a, const char *schema)
{
	json_open(w, '{');
	json_key_lit(w, "$ref");
	json_str(w, arena_printf(a, "#/components/schemas/%s", schema));
	json_close(w);
}

static void write_list_schema(struct json_writer *w, struct arena *a, const char *schema)
{
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("object"));
	json_key_lit(w, "properties");
	json_open(w, '{');
	json_key_lit(w, "data");
	json_open(w, '{');
	json_key_lit(w, "type");
	json_str(w, STR("array"));
	json_key_lit(w, "items");
	write_ref(w, a, schema);
	json_close(w);
	json_key_lit(w, "next_cursor");
	json_raw(w, STR(S_TEXT_NULL));
	json_close(w);
	json_close(w);
}

/* "content": {"application/json": {"schema": …}} */
static void write_content(struct json_writer *w, struct arena *a, const char *schema, bool list)
{
	json_key_lit(w, "content");
	json_open(w, '{');
	json_key_lit(w, "application/json");
	json_open(w, '{');
	json_key_lit(w, "schema");
	if (list)
		write_list_schema(w, a, schema);
	else if (schema)
		write_ref(w, a, schema);
	else
		json_raw(w, STR("{}"));
	json_close(w);
	json_close(w);
}

static void write_param(struct json_writer *w, struct str in, struct str name, struct str help)
{
	json_open(w, '{');
	json_key_lit(w, "in");
	json_str(w, in);
	json_key_lit(w, "name");
	json_str(w, name);
	if (str_eq(in, STR("path"))) {
		json_key_lit(w, "required");
		json_bool(w, true);
	}
	if (help.n) {
		json_key_lit(w, "description");
		json_str(w, help);
	}
	json_key_lit(w, "schema");
	json_raw(w, STR(S_TEXT));
	json_close(w);
}

static void write_params(struct json_writer *w, const struct operation *o)
{
	json_key_lit(w, "parameters");
	json_open(w, '[');
	for (struct str rest = o->path; rest.p;) {
		struct str name;

		str_cut(&rest, '{');
		if (!rest.p)
			break;
		name = str_cut(&rest, '}');
		write_param(w, STR("path"), name, STR(""));
	}
	for (unsigned i = 0; o->route && i < PARAMS; i++)
		if (o->route->params & 1u << i)
			write_param(w, STR("query"), str_from_z(admin_params[i].name),
			            str_from_z(admin_params[i].help));
	if (o->route && o->route->method == METHOD_POST && str_starts(o->path, STR("/admin/v1/keys")))
		write_param(w, STR("header"), STR("Idempotency-Key"),
		            STR("The same key within a day: nothing is done twice."));
	json_close(w);
}

static void write_answer(struct json_writer *w, struct arena *a, const struct operation *o)
{
	int status = o->route ? o->route->status : 200;

	json_key_lit(w, "responses");
	json_open(w, '{');
	json_key(w, arena_printf(a, "%d", status));
	json_open(w, '{');
	json_key_lit(w, "description");
	json_str(w, str_from_z(http_reason(status)));
	if (o->endpoint && o->endpoint->service == SERVICE_METRICS && o->endpoint->kind == ENDPOINT_SERVICE) {
		json_key_lit(w, "content");
		json_raw(w, STR("{\"text/plain\":{\"schema\":" S_TEXT "}}"));
	} else if (status != 204) {
		write_content(w, a, o->route ? o->route->answer : NULL, o->route && o->route->list);
	}
	json_close(w);
	json_key_lit(w, "default");
	json_open(w, '{');
	json_key_lit(w, "description");
	json_str(w, STR("an error, in the shape of the route's dialect"));
	write_content(w, a, "Error", false);
	json_close(w);
	json_close(w);
}

static struct str tag_of(const struct operation *o)
{
	if (o->route)
		return STR("admin");
	if (o->endpoint->kind == ENDPOINT_SERVICE)
		return o->endpoint->service == SERVICE_MODELS ? STR("models") : STR("operations");
	return str_from_z(dialect_by_id(o->endpoint->dialect)->name);
}

static void write_operation(struct json_writer *w, struct arena *a, const struct operation *o)
{
	const char *body = o->route ? o->route->body : NULL;

	json_key(w, method_word(o->method));
	json_open(w, '{');
	json_key_lit(w, "tags");
	json_open(w, '[');
	json_str(w, tag_of(o));
	json_close(w);
	json_key_lit(w, "summary");
	json_str(w, o->route ? str_from_z(o->route->summary) : o->endpoint->name);
	if (o->endpoint && o->endpoint->access == ACCESS_ANYBODY) {
		json_key_lit(w, "security");
		json_raw(w, STR("[]"));
	}
	write_params(w, o);
	if (body || (o->endpoint && o->endpoint->has_body)) {
		json_key_lit(w, "requestBody");
		json_open(w, '{');
		json_key_lit(w, "required");
		json_bool(w, true);
		write_content(w, a, body, false);
		json_close(w);
	}
	write_answer(w, a, o);
	json_close(w);
}

/* The fixed part of a path and what stands for the rest of it. */
static struct str endpoint_path(struct arena *a, const struct endpoint *e)
{
	switch (e->match) {
	case MATCH_EXACT: return e->pattern;
	case MATCH_BELOW: return arena_printf(a, "%.*s{model}", STR_ARG(e->pattern));
	case MATCH_ACTION: return arena_printf(a, "%.*s{model}:{action}", STR_ARG(e->pattern));
	case MATCH_TAIL: return arena_printf(a, "%.*s{model}%.*s", STR_ARG(e->pattern), STR_ARG(e->tail));
	}
	return e->pattern;
}

static struct operation *gather(struct arena *a, size_t *n)
{
	size_t n_endpoints, n_routes;
	const struct endpoint *endpoints = endpoint_rows(&n_endpoints);
	const struct admin_route *routes = admin_routes(&n_routes);
	struct operation *all = arena_must(a, (n_endpoints + n_routes) * sizeof(*all));

	*n = 0;
	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].kind == ENDPOINT_MODEL || endpoints[i].service != SERVICE_ADMIN)
			all[(*n)++] = (struct operation){ endpoints[i].method, endpoint_path(a, &endpoints[i]),
				                          &endpoints[i], NULL };
	for (size_t i = 0; i < n_routes; i++)
		all[(*n)++] = (struct operation){ routes[i].method, arena_printf(a, "/admin/%s", routes[i].path), NULL,
			                          &routes[i] };
	return all;
}

/* Operations of one path stand together under it; a method once, whatever the tables say. */
static void write_paths(struct json_writer *w, struct arena *a)
{
	size_t n;
	struct operation *all = gather(a, &n);

	json_open(w, '{');
	for (size_t i = 0; i < n; i++) {
		unsigned methods = 0;

		if (!all[i].path.p)
			continue;
		json_key(w, all[i].path);
		json_open(w, '{');
		for (size_t k = n; k-- > i;) {
			if (!str_eq(all[k].path, all[i].path))
				continue;
			if (!(methods & 1u << all[k].method))
				write_operation(w, a, &all[k]);
			methods |= 1u << all[k].method;
			if (k > i)
				all[k].path = (struct str){ NULL, 0 };
		}
		json_close(w);
	}
	json_close(w);
}

enum op_state admin_openapi(void *arg, struct service_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(&c->out);

	json_open(&w, '{');
	json_key_lit(&w, "openapi");
	json_str(&w, STR("3.1.0"));
	json_key_lit(&w, "info");
	json_raw(
		&w,
		STR("{\"title\":\"Sluice\",\"description\":\"A gateway to language models.\","
	                 "\"version\":\"" SLUICE_VERSION "\","
	                 "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}"));
	json_key_lit(&w, "security");
	json_raw(&w, STR("[{\"bearer\":[]}]"));
	json_key_lit(&w, "paths");
	write_paths(&w, c->arena);
	json_key_lit(&w, "components");
	json_open(&w, '{');
	json_key_lit(&w, "securitySchemes");
	json_raw(&w, STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
	json_key_lit(&w, "schemas");
	json_raw(&w, str_from_z(openapi_schemas));
	json_close(&w);
	json_close(&w);
	if (json_write_done(&w))
		return OP_OK;
	err_set(e, ERR_INTERNAL, "the document is larger than allowed");
	return OP_FAILED;
}
