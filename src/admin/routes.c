/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the admin API's routes. */
#include "admin/admin_in.h"
#include "base/text.h"

#define BIT(param) (1u << PARAM_##param)
#define PAGE (BIT(LIMIT) | BIT(CURSOR))
#define FILTER (BIT(SINCE) | BIT(UNTIL) | BIT(KEY) | BIT(MODEL) | BIT(PROVIDER))

static const struct admin_route rows[] = {
	{ METHOD_GET, "v1/keys", keys_api_list, false, PAGE | BIT(TEAM) | BIT(USER) | BIT(REVOKED), 200,
	  "List virtual keys", NULL, "Key", true },
	{ METHOD_POST, "v1/keys", keys_api_create, false, 0, 201, "Make a virtual key; its text is in this answer only",
	  "KeyNew", "KeyMade", false },
	{ METHOD_GET, "v1/keys/{id}", keys_api_get, false, 0, 200, "Show a virtual key", NULL, "Key", false },
	{ METHOD_PATCH, "v1/keys/{id}", keys_api_edit, false, 0, 200, "Change a virtual key", "KeyNew", "Key", false },
	{ METHOD_DELETE, "v1/keys/{id}", keys_api_revoke, false, 0, 204, "Revoke a virtual key, at once", NULL, NULL,
	  false },
	{ METHOD_POST, "v1/keys/{id}/rotate", keys_api_rotate, false, 0, 200,
	  "Give a virtual key a new text; the old one is dead at once", NULL, "KeyMade", false },
	{ METHOD_GET, "v1/spend", spend_api_sums, false, FILTER | BIT(LIMIT) | BIT(GROUP), 200,
	  "Sums of what was spent", NULL, "Spend", true },
	{ METHOD_GET, "v1/logs", spend_api_rows, false, FILTER | PAGE, 200, "List requests, newest first", NULL, "Log",
	  true },
	{ METHOD_GET, "v1/logs/{id}", spend_api_row, false, 0, 200, "Show one request", NULL, "Log", false },
	{ METHOD_GET, "v1/models", models_api_models, true, 0, 200, "Configured models and their deployments", NULL,
	  "Model", true },
	{ METHOD_GET, "v1/models/{provider}/{model}", catalogue_api_get, false, 0, 200,
	  "What the catalogue says of a provider's model, and what was laid over it", NULL, "CatalogueEntry", false },
	{ METHOD_PUT, "v1/models/{provider}/{model}", catalogue_api_put, false, 0, 200,
	  "Lay prices, limits and capabilities over the catalogue's, at once", "CatalogueOverride", "CatalogueEntry",
	  false },
	{ METHOD_PATCH, "v1/models/{provider}/{model}", catalogue_api_patch, false, 0, 200,
	  "Change what is laid over the catalogue; null takes a member away (RFC 7396)", "CatalogueOverride",
	  "CatalogueEntry", false },
	{ METHOD_DELETE, "v1/models/{provider}/{model}", catalogue_api_delete, false, 0, 204,
	  "Take away what is laid over the catalogue", NULL, NULL, false },
	{ METHOD_GET, "v1/providers", models_api_providers, true, 0, 200, "Configured providers, without credentials",
	  NULL, "Provider", true },
	{ METHOD_GET, "v1/tokens", tokens_api_families, true, 0, 200,
	  "How tokens are counted, by family of tokenizers, and how well", NULL, "TokenFamily", true },
	{ METHOD_POST, "v1/config/reload", admin_api_reload, false, 0, 200, "Read the configuration again", NULL,
	  "Reloaded", false },
	{ METHOD_POST, "reload", admin_api_reload, false, 0, 200, "Read the configuration again", NULL, "Reloaded",
	  false },
};

const struct admin_route *admin_routes(size_t *n)
{
	*n = COUNT_OF(rows);
	return rows;
}

static bool path_matches(struct str pattern, struct str path, struct str *id)
{
	while (pattern.p && path.p) {
		struct str want = str_cut(&pattern, '/'), have = str_cut(&path, '/');

		if (str_eq(want, STR("{provider}")) && have.n && path.n) {
			*id = str_of(have.p, (size_t)(path.p + path.n - have.p));
			return true;
		}
		if (str_eq(want, STR("{id}")) && have.n)
			*id = have;
		else if (!str_eq(want, have))
			return false;
	}
	return !pattern.p && !path.p;
}

const struct admin_route *admin_route_find(enum http_method method, struct str path, struct arena *arena,
                                           struct str *id, struct err *e)
{
	const struct admin_route *other = NULL;
	struct str raw = { NULL, 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf decoded = buf_make(1024);
		bool good;

		if (!path_matches(str_from_z(rows[i].path), path, &raw))
			continue;
		if (rows[i].method != method) {
			other = &rows[i];
			continue;
		}
		good = text_percent_decode(&decoded, raw);
		*id = good ? arena_dup(arena, buf_str(&decoded)) : raw;
		buf_fini(&decoded);
		if (good)
			return &rows[i];
		err_set(e, ERR_INVALID_REQUEST, "the path holds a bad percent-escape");
		return NULL;
	}
	if (other)
		err_set(e, ERR_METHOD, "this method is not allowed for /admin/%s", other->path);
	else
		err_set(e, ERR_NOT_FOUND, "there is no /admin/%.*s; GET /openapi.json lists what there is",
		        (int)(path.n < 100 ? path.n : 100), path.n ? path.p : "");
	return NULL;
}
