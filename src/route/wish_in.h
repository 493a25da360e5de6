/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wish_in: what the readers of wishes share (wishes.c and one file for each gateway). Each reader sets what none before
 * it has set, and adds to what narrows; false: the error is told.
 */
#ifndef SLUICE_ROUTE_WISH_IN_H
#define SLUICE_ROUTE_WISH_IN_H

#include "base/err.h"
#include "route/wishes.h"

/* Nesting that a provider object, a config or metadata may have; their members are few. */
#define WISH_DEPTH_MAX     32
#define WISH_PLACE_MAX     128
#define WISH_TEXT_MAX      512
#define WISH_WAIT_MAX_MS   86400000
#define WISH_ATTEMPTS_MAX  20
#define WISH_METADATA_MAX  8192

struct wish_reader {
	struct arena *arena;
	const struct wish_source *source;
	struct route_wishes *out;
	struct err *err;
	const struct json_node *body;    /* read when it is asked for: wish_body */
	const struct json_node *metadata; /* NULL: none */
	unsigned regexes;                /* tried so far: their number has a ceiling, */
	uint64_t work, lookups;          /* and so has what they and the keys of conditions cost */
};

bool wish_read_sluice(struct wish_reader *);
bool wish_read_openrouter(struct wish_reader *);
bool wish_read_vercel(struct wish_reader *);
bool wish_read_portkey(struct wish_reader *);
bool wish_read_cloudflare(struct wish_reader *);

/* "PLACE: must be ALLOWED, not the number 3". */
bool wish_refuse(struct wish_reader *, const char *place, const char *allowed, const struct json_node *seen);
/* The same of a field's value. */
bool wish_refuse_text(struct wish_reader *, const char *place, const char *allowed, struct str seen);
bool wish_no_memory(struct wish_reader *);

/* The last field of that name; p == NULL: it is not there. */
struct str wish_field(const struct wish_reader *, struct str name);

/* A JSON text as nodes; errors begin with the place. NULL: the error is told. */
const struct json_node *wish_nodes(struct wish_reader *, const char *place, struct str text);
/* The request's body; NULL: it is no JSON, or the error is told (err->code). */
const struct json_node *wish_body(struct wish_reader *);

/* Values. An absent or null node leaves *out as it is. */
bool wish_take_bool(struct wish_reader *, const char *place, const struct json_node *, bool *out);
bool wish_take_text(struct wish_reader *, const char *place, const struct json_node *, struct str *out);
bool wish_take_names(struct wish_reader *, const char *place, const struct json_node *, struct wish_names *out);
bool wish_take_int(struct wish_reader *, const char *place, const struct json_node *, int64_t min, int64_t max,
                   int64_t *out);
/* A number that is not negative, also in a string, as so many millionths; what is finer is cut off. */
bool wish_take_millionths(struct wish_reader *, const char *place, const struct json_node *, int64_t *out);
/* One of `words` (NULL-terminated): its index. */
bool wish_take_word(struct wish_reader *, const char *place, const struct json_node *, const char *const *words,
                    unsigned *out);
/* A field's whole number. */
bool wish_text_int(struct wish_reader *, const char *place, struct str, int64_t min, int64_t max, int64_t *out);
/* An array of statuses as bits. */
bool wish_take_statuses(struct wish_reader *, const char *place, const struct json_node *, bool *set,
                        uint64_t bits[4]);

/* A credential: visible ASCII, since it goes into a field of a head. Never shown in an error. NULL stays absent. */
bool wish_take_key(struct wish_reader *, const char *place, const struct json_node *, struct str *out);

/* Adds to what narrows: names that are in both lists, or the new ones where there was no list before. */
bool wish_narrow(struct wish_reader *, struct wish_names *have, bool *set, const struct wish_names *more);
/* Targets for a list of models behind the request's own. */
bool wish_take_models(struct wish_reader *, const char *place, const struct json_node *list);

extern const struct wish_target wish_target_none;

/* wish_query.c: does a Portkey condition hold? WISH_QUERY_WRONG: the error is told. */
enum wish_query { WISH_QUERY_NO, WISH_QUERY_YES, WISH_QUERY_WRONG };
enum wish_query wish_query(struct wish_reader *, const char *place, const struct json_node *query);

#endif
