/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node: a whole JSON text as a flat array of nodes in the order in which the values begin. Each node holds the raw text
 * of its value, so that a schema, a number or a tool's arguments go on exactly as they were written. For bodies that
 * are
 * translated, where most members are read; a body of which few members matter is only scanned (json/scan.h).
 *
 * The text is judged by json_scan first: the rules are the same. Nodes and what they point to live as long as the arena
 * and the text. 32 bytes a value.
 *
 *	const struct json_node *root = json_nodes(arena, body, REQUEST_DEPTH_MAX, err);
 *	for (const struct json_node *m = node_first(root); m; m = node_next(root, m))
 *		if (node_named(m, STR("messages"))) …
 */
#ifndef SLUICE_JSON_NODE_H
#define SLUICE_JSON_NODE_H

#include "json/jstr.h"
#include "json/scan.h"

struct json_node {
	const char *p;           /* the value's raw text */
	/* the member's name, escaped, without quotes; NULL: an element of an array, or the root */
	const char *key;
	uint32_t n;              /* bytes of the raw text */
	uint32_t key_n;
	uint32_t skip;           /* nodes of this value, itself included: the next sibling is this + skip */
	uint32_t children;       /* members or elements */
	uint8_t type;            /* enum json_type, never JSON_ABSENT */
};

/* NULL: refused: ERR_INVALID_REQUEST with line and column, or ERR_TOO_LARGE when the arena cannot hold it, or the text
 * is 4 GiB or more. */
MUST_USE const struct json_node *json_nodes(struct arena *, struct str text, unsigned depth_max, struct err *);

/* Children in order; NULL: none, no more, or `of` is NULL or a scalar. */
static inline const struct json_node *node_first(const struct json_node *of)
{
	return of && of->children ? of + 1 : NULL;
}
static inline const struct json_node *node_next(const struct json_node *of, const struct json_node *child)
{
	const struct json_node *next = child + child->skip;

	return next < of + of->skip ? next : NULL;
}

/* By name, as most parsers take it: the last of that name. NULL: absent, or no object. */
const struct json_node *node_get(const struct json_node *object, struct str name);
/* As node_get, but a member that is null counts as absent. */
const struct json_node *node_get_some(const struct json_node *object, struct str name);
const struct json_node *node_at(const struct json_node *array, size_t index);        /* NULL: not so many */

static inline bool node_is(const struct json_node *v, enum json_type type) { return v && v->type == type; }
static inline struct str node_raw(const struct json_node *v) { return v ? str_of(v->p, v->n) : (struct str){ 0 }; }
static inline struct jstr node_key(const struct json_node *v) { return jstr_of(v->key, v->key_n); }
/* Does the member bear this name (compared as written; our names need no escapes)? */
static inline bool node_named(const struct json_node *v, struct str name)
{
	return v->key_n == name.n && memcmp(v->key, name.p, name.n) == 0;
}

/* A string's contents; absent: NULL, or no string. */
static inline struct jstr node_text(const struct json_node *v)
{
	return node_is(v, JSON_STRING) ? jstr_of(v->p + 1, v->n - 2) : (struct jstr){ 0 };
}
static inline struct jstr node_get_text(const struct json_node *object, struct str name)
{
	return node_text(node_get(object, name));
}
/* Is it the string `word`? */
static inline bool node_is_word(const struct json_node *v, struct str word) { return jstr_is(node_text(v), word); }
/* The number, if it is an integer that fits; else `otherwise`. */
int64_t node_i64(const struct json_node *, int64_t otherwise);
static inline bool node_true(const struct json_node *v) { return node_is(v, JSON_BOOL) && v->p[0] == 't'; }

/* A valid text without the white space between its values, so that it fits on one line: itself if there is none, else
 * in the arena. p == NULL: the arena is full. */
struct str json_compact(struct arena *, struct str json);

#endif
