/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: one row for each thing a user can set. A room lists its rows in its `settings.c`; conf/ reads YAML by them, and
 * the reference manual and the help texts are generated from them. Nobody parses settings by hand.
 *
 * A `struct settings` describes a C struct: its rows name members by offset. Sections nest: in place (SETTING_SECTION),
 * as a list of structs (SETTING_LIST) or as a map from a name to a struct (SETTING_MAP). Lists and maps are stored as
 * `struct setting_array`; the items of a map have the name in the row that is marked `is_name`.
 */
#ifndef SLUICE_BASE_SETTING_H
#define SLUICE_BASE_SETTING_H

#include "base/str.h"

struct err;

enum setting_type {
	SETTING_BOOL,      /* bool */
	SETTING_INT,       /* int64_t */
	SETTING_RATIO,     /* double */
	SETTING_DURATION,  /* int64_t milliseconds: 500ms 5s 10m 24h 30d */
	SETTING_MICROS,    /* int64_t microseconds: 50us 1ms */
	SETTING_SIZE,      /* int64_t bytes: 512 64KiB 32MiB 1GiB */
	SETTING_MONEY,     /* int64_t nano-dollars, written in US dollars */
	SETTING_PRICE,     /* int64_t pico-dollars a token, written in US dollars per million tokens; -1: unknown */
	SETTING_TEXT,      /* struct str */
	SETTING_SECRET,    /* struct str; never printed; file:PATH reads it from a file */
	SETTING_WORD,      /* int: index in `words` */
	SETTING_TEXTS,     /* struct setting_array of struct str; a single scalar is a list of one */
	SETTING_SECTION,   /* the struct itself, in place */
	SETTING_LIST,      /* struct setting_array of structs */
	SETTING_MAP,       /* struct setting_array of structs, each with its name */
};

/* `items` points to n structs (or strs) that lie one behind the other in the snapshot's arena. */
struct setting_array {
	void *items;
	size_t n;
};

/* Where a value stood, for messages about it that come later. Line and column from 1; 0: not from a file. */
struct setting_place {
	unsigned line, column;
};

struct settings;

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *value;                  /* default, as the user would write it; NULL: absent (zero, empty) */
	const char *min, *max;              /* inclusive, as the user would write them; NULL: no bound */
	const char *const *words;           /* SETTING_WORD: allowed words, NULL-terminated */
	const struct settings *section;     /* SETTING_SECTION, _LIST, _MAP */
	bool required, is_name, needs_restart;
	const char *also;                   /* another form that is accepted for a section, see `shorthand` */
	const char *help;                   /* the sentence for the manual */
};

struct settings {
	const char *name;                   /* what one of these is called in messages: "provider" */
	size_t size;                        /* of the C struct */
	const struct setting *rows;
	size_t n;
	size_t place;                       /* offset of a struct setting_place to fill, or SETTING_NO_PLACE */
	/* Accepts a scalar where the section stands (`listen: 127.0.0.1:80`): the row that takes it, or NULL. */
	const char *shorthand;
	/* After all rows were read: rules between rows. May be NULL. */
	bool (*check)(void *item, struct err *);
};

#define SETTING_NO_PLACE ((size_t)-1)

#endif
