/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only conf/ shares: the tree of a YAML text, the list of problems, and the replacing of variables.
 */
#ifndef SLUICE_CONF_CONF_IN_H
#define SLUICE_CONF_CONF_IN_H

#include "base/buf.h"
#include "conf/read.h"

/* ---- problems ---- */

/* Collects messages in the order of their places. */
struct problem_list {
	const char *file;
	struct conf_problems *out;
};

/* Adds "FILE:LINE:COL: message" and returns false. */
bool problem_add(struct problem_list *, struct setting_place, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- the tree ---- */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;

struct node_entry {
	struct str key;
	struct setting_place place;      /* of the key */
	struct node *value;
};

/* Aliases make this a graph without cycles: a node may be reached on several ways. */
struct node {
	enum node_kind kind;
	bool plain;                      /* scalar without quotes and tag */
	bool open;                       /* its end was not read yet: an alias to it would be a cycle */
	bool expanded, hidden;           /* see expand_scalar */
	struct setting_place place;
	struct str text;                 /* scalar, as written */
	struct str value;                /* scalar, after expand_scalar */
	struct node **items;             /* list */
	struct node_entry *entries;      /* map: no key twice */
	size_t n;
};

/* Reads the text into a tree in `arena`. NULL: problems tell, or `*empty` is true: there is nothing but comments. */
struct node *tree_read(struct str text, struct arena *, struct problem_list *, bool *empty);

/* `key:` with nothing behind it, `~` or `null`: the setting counts as left out. */
static inline bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain &&
	       (n->text.n == 0 || str_eq(n->text, STR("~")) || str_eq(n->text, STR("null")));
}

/* ---- variables ---- */

/* Replaces variables once; the result is node->value, in `arena`. `hidden` tells that it holds a variable's value,
 * which messages must not show. False: a problem was added. */
bool expand_scalar(struct node *, const struct conf_env *, struct arena *, struct problem_list *);

/* ---- one value ---- */

/* Everything that is written as one scalar: all types but _WORDS, _TEXTS, _SECTION, _LIST and _MAP. */
bool scalar_is(enum setting_type);
/* Stores what `text` says into the member. Texts are borrowed. False: it is not of the type or not within the range. */
MUST_USE bool scalar_read(const struct setting *, struct str text, void *member);
/* Stores the row's default, or its absence. */
void scalar_default(const struct setting *, void *member);
bool scalar_is_default(const struct setting *, const void *member);
/* "a duration from 1ms to 1h (such as 500ms, 5s, 10m), or off". */
void scalar_allowed(const struct setting *, struct buf *out);
/* Index of a word, or -1. */
int word_index(const char *const *words, struct str);

/* A name of the type for the manual: "duration". */
const char *setting_type_name(enum setting_type);

#endif
