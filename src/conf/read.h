/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: a configuration text to structs, by the tables of base/setting.h. Nothing in here knows a setting by name.
 *
 * Scalars may hold ${VAR} and ${VAR:-default} (the default also stands in for an empty VAR; "$${" is a literal "${");
 * secrets may be file:PATH, but one that this version does not act on stays in its file. YAML anchors, aliases and
 * merge keys (<<) are understood within ceilings: CONF_TEXT_MAX bytes, CONF_NODES_MAX nodes with aliases counted each
 * time they are used, CONF_DEPTH_MAX levels. Unknown and duplicate keys are errors.
 *
 * All problems are reported, up to CONF_PROBLEMS_MAX, each as "FILE:LINE:COL: what is wrong, what is allowed". No
 * message holds a secret, nor the value of a variable or a file. One thread; results live in the arena that was given.
 */
#ifndef SLUICE_CONF_READ_H
#define SLUICE_CONF_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "base/setting.h"

struct conf_env;

enum { CONF_TEXT_MAX = 4 << 20, CONF_NODES_MAX = 200000, CONF_DEPTH_MAX = 32, CONF_PROBLEMS_MAX = 20 };
enum { CONF_FILE_VALUE_MAX = 64 << 10 };   /* what file:PATH may hold */

struct conf_problems {
	struct err items[CONF_PROBLEMS_MAX];   /* the first ones that were found, in the order of their places */
	struct setting_place places[CONF_PROBLEMS_MAX];
	size_t n;
	size_t left_out;                       /* further ones, only counted */
};

/* Something that is set and that this version does not act on. */
struct conf_note {
	struct setting_place place;
	enum setting_support support;
	struct str path;                       /* "models[0].strategy" */
};
struct conf_notes {
	struct conf_note *items;
	size_t n;
};

struct conf_source {
	const char *file;                      /* its name in messages */
	struct str text;
	const struct conf_env *env;
};

/* Fills `out` (a struct as `top` describes it, of any contents before) and `notes`; on false both are unspecified. */
MUST_USE bool conf_read(const struct settings *top, const struct conf_source *, struct arena *, void *out,
                        struct conf_notes *notes, struct conf_problems *);

/* Fills a struct with the defaults of its table. Does not run checks. */
void conf_defaults(const struct settings *, struct arena *, void *out);

#endif
