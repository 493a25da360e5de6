/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_in: what the scanner's files share: its state, and how it passes what has no structure. For this room only.
 *
 * Functions take the place they stand at and return the place behind what they read, or NULL after json_fault_at().
 * Bytes are unsigned here, so that comparisons mean what they say.
 */
#ifndef SLUICE_JSON_SCAN_IN_H
#define SLUICE_JSON_SCAN_IN_H

#include "json/json_in.h"
#include "json/scan.h"

/* What json_stops_in compares with. The compiler makes wide constants anew at each use if it knows them; those that it
 * finds in memory cost nothing. */
struct json_stop_words {
	uint8_t flip[32], limit[32], backslash[32];
};

struct scan {
	const uint8_t *start, *end;
	const uint8_t *roomy_end; /* before it are the places from which JSON_ROOM bytes can be read */
	const uint8_t *last;      /* of a closed text (scan.c): the bracket that closes it */
	const struct json_plan *plan;
	const struct json_plan_node *nodes, *odd_child;
	struct json_hit *hit;
	int64_t *number;
	unsigned depth_max;
	struct json_stop_words words;
	bool escaped;             /* the string that was read last by json_skip_string held an escape */
	enum json_error error;
	const uint8_t *at;        /* of the error */
	const uint8_t *twin;      /* a name that JSON_REFUSE_CASE refuses; NULL: none was seen */
};
_Static_assert(JSON_PLAN_SLOTS == 'a' - 'A', "the bit of the case is the first that does not count");

/* A string of 32 bytes with its quotes, and what follows it. */
enum { JSON_ROOM = 35 };

COLD const uint8_t *json_fault_at(struct scan *, enum json_error, const uint8_t *at);
/* At the end of the text it is the end that is wrong. */
COLD const uint8_t *json_fault_or_end(struct scan *, enum json_error, const uint8_t *at);

const uint8_t *json_skip_spaces(const uint8_t *p, const uint8_t *end);
/* Any string; `p` is behind its opening quote. */
const uint8_t *json_skip_string(struct scan *, const uint8_t *p);
/* A number, true, false or null; what else begins at `p`, before the end, is a fault. */
const uint8_t *json_skip_plain(struct scan *, const uint8_t *p);

/* Of a node's `want`: it is a number's. */
enum { JSON_WANT_NUMBER = 0x80 };

/* Of a node's `inside`, when it has no children: the one byte that is never there where a value should begin. */
enum { JSON_NOWHERE = ' ' };

static inline struct str json_plan_name(const struct json_plan_node *n)
{
	return str_of((const char *)n->text, n->length);
}

/* `name` is at the opening quote, n bytes before the closing one. Names share a slot seldom: wanted ones of one object
 * mostly differ in length or in their first letter. Names that differ in case only do: its bit does not count. */
static inline unsigned json_plan_slot(const uint8_t *name, size_t n)
{
	return (name[1] ^ (unsigned)n) % JSON_PLAN_SLOTS;
}

static inline bool json_is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

#endif
