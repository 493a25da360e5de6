/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jstr: the contents of a JSON string, still escaped, without its quotes. All dialects are JSON, so texts travel in
 * this form from one to the other: writing one is a copy, and nothing can be lost on the way (a lone surrogate, a NUL,
 * the spelling of an escape). A type of its own, so that it is not taken for plain text. Borrowed like struct str.
 *
 * Invariant: the bytes are valid UTF-8 and valid inside of the quotes of a JSON string (RFC 8259 section 7). Whoever
 * makes one from outside text uses jstr_of_raw (scanned before) or jstr_from.
 */
#ifndef SLUICE_JSON_JSTR_H
#define SLUICE_JSON_JSTR_H

#include "base/buf.h"
#include "base/str.h"
#include "json/write.h"

struct arena;

struct jstr { const char *p; size_t n; };        /* p == NULL: absent; n == 0: empty */

/* A literal in which nothing is to be escaped. */
#define JSTR(literal) ((struct jstr){ "" literal "", sizeof(literal) - 1 })

static inline struct jstr jstr_of(const char *p, size_t n) { return (struct jstr){ p, n }; }
/* The escaped bytes, for comparing and searching where escapes do not matter (ids, enumerations). */
static inline struct str jstr_raw(struct jstr s) { return (struct str){ s.p, s.n }; }
static inline bool jstr_eq(struct jstr a, struct jstr b) { return str_eq(jstr_raw(a), jstr_raw(b)); }
static inline bool jstr_is(struct jstr a, struct str literal) { return str_eq(jstr_raw(a), literal); }

/* Of a scanned value: a string's contents; absent if it is no string. */
static inline struct jstr jstr_of_raw(struct str value)
{
	return value.n >= 2 && value.p[0] == '"' ? jstr_of(value.p + 1, value.n - 2) : (struct jstr){ 0 };
}

/* Plain text as jstr: borrowed when nothing is to be escaped, else in the arena. p == NULL: the arena is full. */
struct jstr jstr_from(struct arena *, struct str plain);
/* The plain text: borrowed when there is no escape, else in the arena. A lone surrogate becomes U+FFFD. p == NULL: the
 * arena is full. */
struct str jstr_plain(struct arena *, struct jstr);
/*
 * The JSON document that a string contains ("{\"a\":1}" → {"a":1}): as jstr_plain, but an escaped lone surrogate stays
 * an escape, so that nothing of a string inside the document is lost. Not checked to be JSON. p == NULL: arena full.
 */
struct str jstr_inner(struct arena *, struct jstr);

/* Without the white space that JSON allows around a value (RFC 8259 section 2). */
struct str json_trim(struct str);

/* True if there is nothing in it but white space, escaped or not. */
bool jstr_is_blank(struct jstr);
/* Two texts one behind the other, in the arena. p == NULL: the arena is full. */
struct jstr jstr_concat(struct arena *, struct jstr x, struct jstr y);

/* The text as a JSON string with its quotes; an absent one as an empty string. */
void json_jstr(struct json_writer *, struct jstr);
/* A member's name. */
void json_key_jstr(struct json_writer *, struct jstr);
/* Appended without quotes. */
static inline bool buf_append_jstr(struct buf *b, struct jstr s) { return buf_append(b, jstr_raw(s)); }

#endif
