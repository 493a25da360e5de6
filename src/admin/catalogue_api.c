/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/models/{provider}/{model}: what is laid over the catalogue. On a pool thread: it asks the database, and a
 * change makes the configuration anew. */
#include <stdlib.h>
#include <yyjson.h>

#include "admin/admin_in.h"
#include "json/tree.h"
#include "model/catalogue.h"
#include "model/catalogue_db.h"

enum { BODY_DEPTH = 16, LINE_MAX_BYTES = 64 << 10 };

static bool split(const struct admin_call *c, struct str *provider, struct str *model, struct err *e)
{
	size_t slash = str_find_chr(c->id, '/');

	*provider = str_slice(c->id, 0, slash);
	*model = slash == STR_NPOS ? STR("") : str_slice(c->id, slash + 1, c->id.n);
	return (provider->n && model->n) ||
	       err_set(e, ERR_NOT_FOUND, "the path must be /admin/v1/models/{provider}/{model}");
}

static bool answer(struct admin_call *c, struct str provider, struct str model, struct str laid)
{
	struct json_writer w = json_writer_make(c->out);
	struct model_entry entry;

	c->admin->options.entry(c->admin->options.reload_arg, provider, model, c->arena, &entry);
	json_open(&w, '{');
	json_key_lit(&w, "provider");
	json_str(&w, provider);
	json_key_lit(&w, "model");
	json_str(&w, model);
	json_key_lit(&w, "override");
	if (laid.n)
		json_raw(&w, laid);
	else
		json_null(&w);
	catalogue_write_entry(&w, &entry);
	json_close(&w);
	return true;
}

/* Storing first: what cannot be taken over is taken back. */
static bool store(struct admin_call *c, struct db *db, struct str provider, struct str model, struct str json,
                  struct str before, struct err *e)
{
	struct err unused;

	if (json.n ? !catalogue_db_put(db, provider, model, json, e)
	           : catalogue_db_delete(db, provider, model, e) == DIR_FAILED)
		return false;
	if (c->admin->options.reprice(c->admin->options.reload_arg, e))
		return true;
	if (before.n ? !catalogue_db_put(db, provider, model, before, &unused)
	             : catalogue_db_delete(db, provider, model, &unused) == DIR_FAILED)
		return err_prefix(e, "the change is stored, but not in force: the configuration cannot be read again");
	if (e->code == ERR_CONFIG) {
		e->code = ERR_CONFLICT;
		e->status = 409;
	}
	return err_prefix(e, "nothing was changed: the configuration cannot be read again");
}

static bool take(struct admin_call *c, struct db *db, struct str provider, struct str model, struct str json,
                 struct str before, struct err *e)
{
	struct buf line = buf_make(LINE_MAX_BYTES);
	bool good = catalogue_import_model(provider, model, json, &line, e) &&
	            store(c, db, provider, model, json, before, e);

	buf_fini(&line);
	return good && answer(c, provider, model, json);
}

/* What lay over the catalogue before; empty: nothing. */
static bool laid_before(struct admin_call *c, struct db *db, struct str provider, struct str model, struct str *json,
                        struct err *e)
{
	*json = STR("");
	return catalogue_db_get(db, provider, model, c->arena, json, e) != DIR_FAILED;
}

bool catalogue_api_get(struct admin_call *c, struct err *e)
{
	struct str provider, model, laid;
	struct db *db;
	bool good;

	if (!split(c, &provider, &model, e) || !(db = catalogue_db_open(c->admin->options.data_dir, e)))
		return false;
	good = laid_before(c, db, provider, model, &laid, e);
	db_close(db);
	return good && answer(c, provider, model, laid);
}

bool catalogue_api_put(struct admin_call *c, struct err *e)
{
	struct str provider, model, before;
	struct db *db;
	bool good;

	if (!split(c, &provider, &model, e) || !(db = catalogue_db_open(c->admin->options.data_dir, e)))
		return false;
	good = laid_before(c, db, provider, model, &before, e) && take(c, db, provider, model, c->body, before, e);
	db_close(db);
	return good;
}

/* RFC 7396. */
static bool merge(struct admin_call *c, struct str before, struct str *out, struct err *e)
{
	yyjson_val *patch = json_parse(c->arena, c->body, BODY_DEPTH, e), *old;
	yyjson_mut_doc *doc;
	char *text;
	size_t n;

	if (!patch)
		return false;
	old = json_parse(c->arena, before.n ? before : STR("{}"), BODY_DEPTH, e);
	if (!old)
		return false;
	if (!yyjson_is_obj(patch))
		return err_set(e, ERR_INVALID_REQUEST, "the body must be an object");
	doc = yyjson_mut_doc_new(NULL);
	text = yyjson_mut_val_write(yyjson_merge_patch(doc, old, patch), 0, &n);
	*out = text ? arena_dup(c->arena, str_of(text, n)) : STR("");
	free(text);
	yyjson_mut_doc_free(doc);
	return out->n > 0 || err_set(e, ERR_TOO_LARGE, "the body is too large");
}

bool catalogue_api_patch(struct admin_call *c, struct err *e)
{
	struct str provider, model, before, json;
	struct db *db;
	bool good;

	if (!split(c, &provider, &model, e) || !(db = catalogue_db_open(c->admin->options.data_dir, e)))
		return false;
	good = laid_before(c, db, provider, model, &before, e) && merge(c, before, &json, e) &&
	       take(c, db, provider, model, json, before, e);
	db_close(db);
	return good;
}

bool catalogue_api_delete(struct admin_call *c, struct err *e)
{
	struct str provider, model, before;
	struct db *db;
	bool good;

	if (!split(c, &provider, &model, e) || !(db = catalogue_db_open(c->admin->options.data_dir, e)))
		return false;
	good = laid_before(c, db, provider, model, &before, e);
	if (good && before.n == 0)
		good = err_set(e, ERR_NOT_FOUND, "nothing is laid over the catalogue for %.*s/%.*s", STR_ARG(provider),
		               STR_ARG(model));
	good = good && store(c, db, provider, model, STR(""), before, e);
	db_close(db);
	return good;
}
