/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON: the scanner with and without a plan and yyjson must agree on what is valid; hits must be valid
 * values of their type; values must survive being read and written; edited texts must stay valid and hold what was
 * asked.
 */
#include <assert.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/scan.h"
#include "json/write.h"

enum { HITS = 6 };
static const char *const paths[HITS] = { "a", "b", "a.b", "a.c.a", "model", "stream" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool has_surrogate_escape(struct str s)
{
	for (size_t i = 0; i + 3 < s.n; i++)
		if (s.p[i] == '\\' && s.p[i + 1] == 'u' && (s.p[i + 2] | 0x20) == 'd' && s.p[i + 3] &&
		    strchr("89abcdefABCDEF", s.p[i + 3]))
			return true;
	return false;
}

static enum json_type type_of(yyjson_val *v)
{
	switch (yyjson_get_type(v)) {
	case YYJSON_TYPE_NULL: return JSON_NULL;
	case YYJSON_TYPE_BOOL: return JSON_BOOL;
	case YYJSON_TYPE_RAW: case YYJSON_TYPE_NUM: return JSON_NUMBER;
	case YYJSON_TYPE_STR: return JSON_STRING;
	case YYJSON_TYPE_ARR: return JSON_ARRAY;
	case YYJSON_TYPE_OBJ: return JSON_OBJECT;
	}
	return JSON_ABSENT;
}

static void check_value(const struct json_hit *hit)
{
	yyjson_doc *doc = yyjson_read(hit->value.p, hit->value.n, YYJSON_READ_BIGNUM_AS_RAW);
	yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
	struct arena arena;
	struct buf b = buf_make(1 << 20);
	struct str text;
	int64_t i;
	bool is_int = json_to_i64(hit->value, &i);

	assert(doc ? type_of(root) == hit->type : has_surrogate_escape(hit->value));
	if (root && yyjson_is_sint(root))
		assert(is_int && i == yyjson_get_sint(root));
	if (root && yyjson_is_uint(root))
		assert(is_int ? (uint64_t)i == yyjson_get_uint(root) : yyjson_get_uint(root) > INT64_MAX);

	arena_init(&arena, 1 << 20);
	if (json_to_str(hit->value, &arena, &text)) {
		assert(hit->type == JSON_STRING);
		assert(!root || str_eq(text, str_of(yyjson_get_str(root), yyjson_get_len(root))));
		assert(json_is_str(hit->value, text));
		assert(json_append_str(&b, text));
		assert(json_is_str(buf_str(&b), text)); /* nothing was replaced: the text is UTF-8 */
		buf_clear(&b);
		assert(json_to_buf(hit->value, &b) && str_eq(buf_str(&b), text));
	} else {
		assert(hit->type != JSON_STRING);
	}
	arena_fini(&arena);
	buf_fini(&b);
	yyjson_doc_free(doc);
}

/* Cuts `cut`, replaces `keep`, puts a member in front; then looks again. Both are members of the top level. */
static void check_edit(const struct json_plan *plan, struct str text, const struct json_hit *cut,
                       const struct json_hit *keep)
{
	struct json_edit edit[3] = {
		{ .kind = JSON_EDIT_CUT, .hit = cut },
		{ .kind = JSON_EDIT_REPLACE, .hit = keep, .with = STR("\"new\"") },
		{ .kind = JSON_EDIT_INSERT, .into = text, .with = STR("\"q\":[1]") },
	};
	struct str piece[JSON_PIECES(3)];
	size_t pieces = json_splice(text, edit, 3, piece);
	struct buf b = buf_make(1 << 20);
	struct json_hit hit[HITS];
	struct json_fault fault;

	assert(pieces <= JSON_PIECES(3));
	for (size_t i = 0; i < pieces; i++)
		buf_append(&b, piece[i]);
	assert(json_scan(plan, buf_str(&b), JSON_DEPTH_MAX, hit, &fault));
	assert(hit[4].type == JSON_ABSENT && str_eq(hit[5].value, STR("\"new\"")));
	buf_fini(&b);
}

/* A plan that looks into arrays sees the same text as one that does not. */
static void check_arrays(struct str text)
{
	static struct json_plan plan;
	static const char *const names[] = { "a[].b", "a[].a[].b", "b" };
	struct json_hit hit[COUNT_OF(names)];
	struct json_fault fault, why;

	json_plan_init(&plan, names, COUNT_OF(names), 0);
	bool ok = json_scan(NULL, text, 64, NULL, &fault);
	assert(json_scan(&plan, text, 64, hit, &why) == ok);
	assert(ok || (fault.error == why.error && fault.offset == why.offset));
	for (size_t i = 0; ok && i < COUNT_OF(names); i++)
		assert(hit[i].type == JSON_ABSENT || json_scan(NULL, hit[i].value, 64, NULL, &fault));
}

/* The numbers of some of the paths are those of the hits. */
static void check_numbers(struct str text, const struct json_hit hit[HITS])
{
	static const unsigned path[] = { 2, 3, 4 };
	const char *names[COUNT_OF(path)];
	int64_t number[COUNT_OF(path)], want;
	struct json_plan plan;
	struct json_fault fault;

	for (size_t i = 0; i < COUNT_OF(path); i++)
		names[i] = paths[path[i]];
	json_plan_init(&plan, NULL, 0, 0);
	json_plan_numbers(&plan, names, COUNT_OF(path));
	assert(json_scan_numbers(&plan, text, JSON_DEPTH_MAX, NULL, number, &fault));
	for (size_t i = 0; i < COUNT_OF(path); i++)
		assert(number[i] == (json_to_i64(hit[path[i]].value, &want) ? want : JSON_NO_NUMBER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct json_plan plan, strict;
	struct json_hit hit[HITS], again[HITS];
	struct json_fault fault, why;
	struct str text = str_of((const char *)data, n);

	json_plan_init(&plan, paths, HITS, 0);
	json_plan_init(&strict, paths, HITS, JSON_REFUSE_TWICE);
	bool ok = json_scan(NULL, text, JSON_DEPTH_MAX, NULL, &fault);
	assert(json_scan(&plan, text, JSON_DEPTH_MAX, hit, &why) == ok);
	assert(ok || (fault.error == why.error && fault.offset == why.offset && fault.offset <= n));

	check_arrays(text);
	yyjson_doc *doc = yyjson_read(text.p, text.n, YYJSON_READ_BIGNUM_AS_RAW);
	if (!!doc != ok)
		assert(ok ? has_surrogate_escape(text) : fault.error == JSON_ERR_DEPTH);
	yyjson_doc_free(doc);
	if (!ok)
		return 0;

	check_numbers(text, hit);
	bool twice = false;
	for (unsigned i = 0; i < HITS; i++) {
		twice |= hit[i].twice;
		if (hit[i].type != JSON_ABSENT)
			check_value(&hit[i]);
	}
	bool single = json_scan(&strict, text, JSON_DEPTH_MAX, again, &fault);
	assert(single == !twice && (single || fault.error == JSON_ERR_TWICE));
	for (unsigned i = 0; i < HITS && single; i++)
		assert(hit[i].value.p == again[i].value.p && hit[i].value.n == again[i].value.n);
	if (single && hit[4].type != JSON_ABSENT && hit[5].type != JSON_ABSENT)
		check_edit(&plan, text, &hit[4], &hit[5]);
	return 0;
}
