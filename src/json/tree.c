/* SPDX-License-Identifier: Apache-2.0 */
/* JSON trees: yyjson with an arena as its allocator. */
#include "json/tree.h"

#include <assert.h>

#include "base/arena.h"
#include "json/scan.h"

static void *tree_malloc(void *arena, size_t n) { return arena_alloc(arena, n); }

static void *tree_realloc(void *arena, void *p, size_t old, size_t n)
{
	if (n <= old)
		return p;
	void *q = arena_alloc(arena, n);
	if (q)
		memcpy(q, p, old);
	return q;
}

static void tree_free(void *arena, void *p) { }

yyjson_val *json_parse(struct arena *arena, struct str text, unsigned depth_max, struct err *e)
{
	const yyjson_alc alc = { .malloc = tree_malloc, .realloc = tree_realloc, .free = tree_free, .ctx = arena };
	struct json_fault fault;
	yyjson_read_err why;

	if (!json_scan(NULL, text, depth_max, NULL, &fault)) {
		json_fault_err(&fault, ERR_INVALID_REQUEST, e);
		return NULL;
	}
	/* Without this flag a number beyond a double's range would be refused; with it, it is one that no getter takes.
	 * Without YYJSON_READ_INSITU the text is only read. */
	yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.n, YYJSON_READ_BIGNUM_AS_RAW, &alc, &why);
	if (doc)
		return yyjson_doc_get_root(doc);
	if (why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		err_set(e, ERR_TOO_LARGE, "the JSON text needs more memory than a request may use");
	else
		err_set(e, ERR_INVALID_REQUEST, "not valid JSON at byte %zu: %s", why.pos, why.msg);
	return NULL;
}

yyjson_val *json_get(yyjson_val *obj, const char *key) { return yyjson_obj_get(obj, key); }

bool json_val_str(yyjson_val *v, struct str *out)
{
	if (!yyjson_is_str(v))
		return false;
	*out = str_of(yyjson_get_str(v), yyjson_get_len(v));
	return true;
}

bool json_get_str(yyjson_val *obj, const char *key, struct str *out) { return json_val_str(json_get(obj, key), out); }

bool json_get_i64(yyjson_val *obj, const char *key, int64_t *out)
{
	yyjson_val *v = json_get(obj, key);

	if (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX)
		return false;
	if (!yyjson_is_int(v))
		return false;
	*out = yyjson_get_sint(v);
	return true;
}

bool json_get_bool(yyjson_val *obj, const char *key, bool *out)
{
	yyjson_val *v = json_get(obj, key);

	if (!yyjson_is_bool(v))
		return false;
	*out = yyjson_get_bool(v);
	return true;
}
