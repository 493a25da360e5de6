/* SPDX-License-Identifier: Apache-2.0 */
/* prices: reading a configuration's catalogue. */
#include "main/prices.h"

#include "base/buf.h"
#include "conf/env.h"
#include "model/catalogue_db.h"

enum { FILE_MAX_BYTES = 64 << 20, API_MAX_BYTES = 64 << 20 };

static bool read_file(struct str path, struct buf *out, struct err *e)
{
	struct arena arena;
	struct str contents;
	bool good;

	arena_init(&arena, FILE_MAX_BYTES + (1 << 20));
	good = conf_env_process.file(&conf_env_process, &arena, path, FILE_MAX_BYTES, &contents, e) &&
	       catalogue_import(contents, out, e);
	arena_fini(&arena);
	if (good)
		return true;
	e->code = ERR_CONFIG;
	return err_prefix(e, "catalogue.file %.*s", STR_ARG(path));
}

struct catalogue *prices_load(struct config *c, bool with_api, struct err *e)
{
	struct buf file = buf_make(FILE_MAX_BYTES), api = buf_make(API_MAX_BYTES);
	struct catalogue *made = NULL;

	if ((c->catalogue.file.n == 0 || read_file(c->catalogue.file, &file, e)) &&
	    (!with_api || catalogue_db_text(c->data_dir.p, &api, e)))
		made = catalogue_new(&c->arena, c->catalogue.file, buf_str(&file), buf_str(&api), e);
	buf_fini(&file);
	buf_fini(&api);
	return made;
}
