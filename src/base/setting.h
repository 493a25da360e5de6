/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: one row for each thing a user can set. A room lists its rows in its `settings.c`; conf/ reads YAML by them,
 * and the reference manual and the help texts are generated from them. Nobody parses settings by hand.
 *
 * A `struct settings` describes a C struct: its rows name members by offset. Sections nest: in place (SETTING_SECTION),
 * as a list of structs (SETTING_LIST) or as a map from a name to a struct (SETTING_MAP). Lists and maps are stored as
 * `struct setting_array`; the items of a map have the name in the row that is marked `is_name`.
 *
 * What the user left out has the row's default. Without a default it is absent: false, empty text, empty array, and
 * SETTING_UNSET in every number and word, so that a limit of 0 (closed) differs from no limit.
 *
 *	static const struct setting rows[] = {
 *		{ .name = "open_for", .type = SETTING_DURATION, .offset = offsetof(struct breaker_settings, open_ms),
 *		  .value = "30s", .min = "1s", .max = "1h", .help = "How long …" },
 *	};
 *	const struct settings breaker_settings = { "breaker", sizeof(struct breaker_settings), rows, COUNT_OF(rows) };
 */
#ifndef SLUICE_BASE_SETTING_H
#define SLUICE_BASE_SETTING_H

#include "base/str.h"

enum setting_type {
	SETTING_BOOL,      /* bool */
	SETTING_INT,       /* int64_t */
	SETTING_RATIO,     /* double */
	SETTING_DURATION,  /* int64_t milliseconds: 500ms 5s 10m 24h 30d */
	SETTING_MICROS,    /* int64_t microseconds: 50us 1ms */
	SETTING_SIZE,      /* int64_t bytes: 512 64KiB 32MiB 1GiB */
	SETTING_MONEY,     /* int64_t nano-dollars, written in US dollars */
	SETTING_PRICE,     /* int64_t pico-dollars a token, written in US dollars per million tokens */
	SETTING_TEXT,      /* struct str; one of `words`, if there are any */
	SETTING_SECRET,    /* struct str; never printed; file:PATH reads it from a file */
	SETTING_WORD,      /* int: index in `words` */
	SETTING_WORDS,     /* unsigned: bit i stands for words[i]; a single scalar is a list of one */
	SETTING_TEXTS,     /* struct setting_array of struct str; a single scalar is a list of one */
	SETTING_SECTION,   /* the struct itself, in place */
	SETTING_LIST,      /* struct setting_array of structs; if they have a shorthand, a single one needs no list */
	SETTING_MAP,       /* struct setting_array of structs, each with its name */
};

/* The value of numbers and words that the user left out and that have no default. */
#define SETTING_UNSET (-1)

/* `items` points to n structs (or strs) that lie one behind the other in the snapshot's arena. */
struct setting_array {
	void *items;
	size_t n;
};

/* Where a value stood. Line and column from 1; 0: not from a file. */
struct setting_place {
	unsigned line, column;
};

/* Does this version act on what the row says? A row that does not is accepted, and reported where it was set. */
enum setting_support {
	SETTING_ACTS,
	SETTING_IGNORED,   /* without harm: the gateway starts and says so */
	SETTING_REFUSED,   /* it promises protection that would be missing: the gateway does not start */
	SETTING_PASSED,    /* a name of something that is not there (yet), which may be: it is passed over */
};

struct settings;

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *value;                  /* default, as the user would write it (lists: with commas); NULL: absent */
	const char *min, *max;              /* inclusive, as the user would write them; NULL: no bound (numbers: 0) */
	const char *also;                   /* a word accepted in place of a number and stored as 0: "off", "auto" */
	const char *const *words;           /* SETTING_WORD, _WORDS, _TEXT: allowed words, NULL-terminated */
	const struct settings *section;     /* SETTING_SECTION, _LIST, _MAP */
	bool required, is_name, needs_restart;
	bool late;                          /* SETTING_SECRET: file:PATH stays as it is; who uses it reads the file */
	enum setting_support support;
	const char *acts_on;                /* with `support`: the values that are acted on all the same, with spaces */
	const char *help;                   /* the sentence for the manual */
};

/* What a `check` reports to. `at` is the address of the member (or item) that is meant, from which its place in the
 * file and its path are found; the text goes on behind the path: "must begin with http:// or https://". `refuse` may be
 * called more than once and returns false. `note`: this version does not act on it, or passes
 * it over. */
struct setting_checker {
	bool (*refuse)(struct setting_checker *, const void *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
	/* The same with the value shown between path and text, if it is neither a secret nor a variable's. */
	bool (*refuse_value)(struct setting_checker *, const void *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
	void (*note)(struct setting_checker *, const void *at, enum setting_support);
};

struct settings {
	const char *name;                   /* what one of these is called in messages: "provider" */
	size_t size;                        /* of the C struct */
	const struct setting *rows;
	size_t n;
	/* Accepts a scalar where the section stands (`listen: 127.0.0.1:80`): the row that takes it, or NULL. */
	const char *shorthand;
	/* After all rows were read without an error, also if all were left out: rules between rows, and members derived
	 * from them. May be NULL. */
	bool (*check)(void *item, struct setting_checker *);
};

#endif
