/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: whole JSON documents as trees, for the bodies where more than a few members are read (admin API). A tree and
 * all its texts live in the arena given and are freed with it; nothing is freed before. Reading is strict, as
 * json_scan: the scanner judges the text first, so that both refuse the same texts at the same ceilings, then yyjson
 * builds. The getters answer "absent" for a NULL object, so that they can be chained; strings are borrowed from the
 * tree.
 */
#ifndef SLUICE_JSON_TREE_H
#define SLUICE_JSON_TREE_H

#include <yyjson.h>

#include "base/err.h"
#include "base/str.h"

struct arena;

/* The root of `text`'s tree. NULL: refused, ERR_INVALID_REQUEST with line and column, or ERR_TOO_LARGE when the arena
 * cannot hold it (about 2 to 16 times the text's size). */
MUST_USE yyjson_val *json_parse(struct arena *, struct str text, unsigned depth_max, struct err *e);

/* The member `key` of an object; NULL: absent, or `obj` is no object. */
yyjson_val *json_get(yyjson_val *obj, const char *key);

/* Values. False: another type, or absent. */
MUST_USE bool json_get_str(yyjson_val *obj, const char *key, struct str *out);
MUST_USE bool json_get_i64(yyjson_val *obj, const char *key, int64_t *out);   /* integers as written: no 1e3, no 12.0 */
MUST_USE bool json_get_bool(yyjson_val *obj, const char *key, bool *out);
MUST_USE bool json_val_str(yyjson_val *, struct str *out);

#endif
