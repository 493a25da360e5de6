/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: one pass over a JSON text that proves it valid and finds the few members somebody wants, without building
 * anything. The gateway reads `model` and `stream` of a request, and `usage` of an answer, this way; the text itself
 * is forwarded as it came, or with single values replaced or members cut in place (json_splice).
 *
 * The rules are RFC 8259 taken strictly: no byte order mark, no trailing bytes, no control characters in strings,
 * UTF-8 valid (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), escapes well formed. An escape of
 * a lone surrogate is accepted, as the grammar allows it. Nesting deeper than the caller's ceiling is refused.
 *
 * No memory is allocated, nothing is kept between calls; safe from any thread. A plan is built once, then only read.
 *
 *	static struct json_plan plan;                       // at start
 *	json_plan_init(&plan, (const char *[]){ "model", "stream", "usage.total_tokens" }, 3, JSON_REFUSE_TWICE);
 *
 *	struct json_hit hit[3];
 *	struct json_fault fault;
 *	if (!json_scan(&plan, body, 128, hit, &fault))
 *		return json_fault_err(&fault, ERR_INVALID_REQUEST, e);
 *	if (hit[0].type == JSON_STRING && json_to_str(hit[0].value, arena, &model)) …
 */
#ifndef SLUICE_JSON_SCAN_H
#define SLUICE_JSON_SCAN_H

#include "base/err.h"
#include "base/str.h"

struct arena;
struct buf;

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum {
	JSON_DEPTH_MAX = 1024, JSON_PLAN_PATHS = 32, JSON_PLAN_NODES = 64, JSON_PLAN_SLOTS = 32, JSON_PATH_DEPTH = 8,
	JSON_NAME_MAX = 31,
};

enum json_plan_flags {
	/* A wanted member, or an object on the way to one, that stands twice in its object is a fault. Names are
	 * compared after unescaping. Set it for what clients send: two readers of doubles need not agree. */
	JSON_REFUSE_TWICE = 1,
	/* So is a member of the top-level object whose name is that of a wanted one but for upper and lower case, as
	 * readers see it that ignore case (Go's does, with K for k and ſ for s): they would take it for the wanted one.
	 * Wanted names are in lower case then; one with capitals is found as it is written, and no other. */
	JSON_REFUSE_CASE = 2,
};

/* What to look for, as a tree of names. Filled by json_plan_init, read only afterwards. */
struct json_plan {
	unsigned paths, numbers, nodes, flags;
	struct json_plan_node {
		uint8_t text[32];              /* the name and the quote behind it */
		uint64_t bit;                  /* one for each node */
		uint32_t mask;                 /* bit n: text[n] counts */
		uint8_t length;                /* of the name */
		uint8_t child, next;           /* node numbers; 0 = none */
		uint8_t next_in_slot;
		uint8_t want;                  /* what a path asks of it: n > 0: hit n - 1; top bit: number n */
		uint8_t inside;                /* where its children are: '{' its object, '[' objects in its array */
		bool many;                     /* there may be several of it, in several objects */
		uint8_t unused[45];
		uint8_t slot[JSON_PLAN_SLOTS]; /* children by length and first letter, whatever its case */
	} node[JSON_PLAN_NODES];               /* node[0] is the top-level object */
};
_Static_assert(sizeof(struct json_plan_node) == 128, "found by a shift");

/* `paths` are names joined by dots, counted from the top-level object ("usage.prompt_tokens"). With [] behind a name,
 * what follows counts from each object in that array ("choices[].finish_reason"): the hit is then the last member that
 * is not null. Names are 1 to JSON_NAME_MAX bytes without a dot, in plain text. A path that is NULL is never found.
 * Wrong paths are a wrong program: asserted. */
void json_plan_init(struct json_plan *, const char *const *paths, size_t n, unsigned flags);

/* Members of which nothing but the number is wanted; after json_plan_init, and not with JSON_REFUSE_TWICE. */
void json_plan_numbers(struct json_plan *, const char *const *paths, size_t n);

/* One wanted member. Pointers point into the scanned text. */
struct json_hit {
	struct str value;   /* as it stands in the text, a string with its quotes; p == NULL: absent */
	const char *name;   /* the opening quote of the member's name */
	const char *before; /* the comma in front of the member; NULL: it is the first of its object */
	const char *after;  /* behind the comma that follows the member; NULL: it is the last of its object */
	enum json_type type;
	bool twice;         /* its name stood more than once; the hit is the last one, as most parsers take it */
};

enum json_error {
	JSON_ERR_NONE,
	JSON_ERR_EMPTY,    /* nothing but white space */
	JSON_ERR_END,      /* the text ends too early */
	JSON_ERR_BOM,
	JSON_ERR_TRAILING, /* bytes behind the value */
	JSON_ERR_VALUE,    /* no value begins so */
	JSON_ERR_NUMBER,
	JSON_ERR_NAME,     /* a member's name was expected */
	JSON_ERR_COLON,
	JSON_ERR_COMMA,    /* a comma or the closing bracket was expected */
	JSON_ERR_CONTROL,  /* a control character in a string */
	JSON_ERR_ESCAPE,
	JSON_ERR_UTF8,
	JSON_ERR_DEPTH,
	JSON_ERR_TWICE,    /* JSON_REFUSE_TWICE; the offset is the second name's */
	JSON_ERR_CASE,     /* JSON_REFUSE_CASE; the offset is the name's */
	JSON_ERRORS
};

struct json_fault {
	enum json_error error;
	size_t offset;          /* bytes before the offending one */
	size_t line, column;    /* from 1; columns count characters */
};

/* Validates `text` and fills hit[0 … plan->paths - 1]. `plan` may be NULL: only validates. depth_max counts arrays and
 * objects inside one another, at most JSON_DEPTH_MAX. False: the text is refused; `fault` says where and why, the hits
 * are undefined. A top-level value that is no object is valid and has no members. */
MUST_USE bool json_scan(const struct json_plan *plan, struct str text, unsigned depth_max, struct json_hit *hit,
                        struct json_fault *fault);

/* The same with a plan that has numbers: number[0 … plan->numbers - 1] is what json_to_i64 makes of the member's value,
 * or JSON_NO_NUMBER. */
MUST_USE bool json_scan_numbers(const struct json_plan *plan, struct str text, unsigned depth_max, struct json_hit *hit,
                                int64_t *number, struct json_fault *fault);
#define JSON_NO_NUMBER ((int64_t)0x8080808080808080)

const char *json_error_text(enum json_error);   /* "a comma or the closing bracket is missing here"; static */
/* "not valid JSON at line 1, column 7: …" into `e`; returns false. */
bool json_fault_err(const struct json_fault *, enum err_code, struct err *e);

/*
 * Values. `raw` is a value as json_scan left it in a hit; the functions look at its first byte, so a hit of another
 * type (also an absent one) is simply refused.
 */

/* The escape at *p (a backslash) as UTF-8 at `out`: its length, with *p moved behind it. 0: malformed. A pair of
 * surrogate escapes is one character; half of one stands for no character, so it becomes U+FFFD. */
size_t json_take_escape(const char **p, const char *end, char out[4]);

/* The string's text: borrowed from `raw` when it holds no escape, else unescaped into the arena. An escaped lone
 * surrogate becomes U+FFFD; \u0000 becomes a NUL byte. False: not a string, or the arena's ceiling. */
MUST_USE bool json_to_str(struct str raw, struct arena *, struct str *out);
/* As json_to_str, appended to a buffer. */
MUST_USE bool json_to_buf(struct str raw, struct buf *out);
/* Is it a string whose text is `text`? Allocates nothing. */
bool json_is_str(struct str raw, struct str text);
/* A number whose value is an integer that fits, however it is written: 12, 12.0 and 1.2e1 are twelve (RFC 8259 gives
 * numbers a value, not a spelling, and some providers' counters pass through floating point). 12.5 and 1e19
 * are refused. */
MUST_USE bool json_to_i64(struct str raw, int64_t *out);
MUST_USE bool json_to_bool(struct str raw, bool *out);

/*
 * Editing in place. The result is a list of pieces to be sent or copied one behind the other, so a long text is never
 * copied for the sake of a short change.
 */
enum json_edit_kind {
	JSON_EDIT_REPLACE, /* the value of `hit` by `with` */
	JSON_EDIT_CUT,     /* the whole member of `hit`, with the comma that it needs no more */
	JSON_EDIT_INSERT,  /* `with`, a member without comma ("a":1), as the first one into the object `into` */
};

struct json_edit {
	enum json_edit_kind kind;
	const struct json_hit *hit; /* not absent; of a scan of the same text */
	struct str into;            /* raw text of an object: a hit's value, or the whole text */
	struct str with;            /* valid JSON, borrowed by the pieces */
};

/* Pieces needed at most for n edits. */
#define JSON_PIECES(n) (3 * (n) + 1)

/* Writes the edited text as pieces to `piece` (room for JSON_PIECES(n)) and returns their number. Edits may come in any
 * order and are sorted in place; they must not lie inside one another (a cut object and a value within it), and of an
 * object that gets an insertion at least one member must stay if it had any. */
size_t json_splice(struct str text, struct json_edit *edit, size_t n, struct str *piece);

#endif
