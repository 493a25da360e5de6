/* SPDX-License-Identifier: Apache-2.0 */
/* admin_in: what only this room's files share. */
#ifndef SLUICE_ADMIN_ADMIN_IN_H
#define SLUICE_ADMIN_ADMIN_IN_H

#include "admin/admin.h"
#include "base/arena.h"
#include "base/err.h"
#include "json/write.h"

struct key_info;
struct report_row;
struct spend_tokens;

/* What a query may hold (input.c). */
enum admin_param {
	PARAM_LIMIT, PARAM_CURSOR, PARAM_GROUP, PARAM_SINCE, PARAM_UNTIL, PARAM_KEY, PARAM_MODEL, PARAM_PROVIDER,
	PARAM_TEAM, PARAM_USER, PARAM_REVOKED, PARAMS
};
struct admin_param_row {
	const char *name, *help;
};
extern const struct admin_param_row admin_params[PARAMS];

/* One call as a handler sees it. Everything lives in `arena`. */
struct admin_call {
	struct admin *admin;
	struct arena *arena;
	struct str id;                       /* what stood for {id} */
	struct str param[PARAMS];            /* p == NULL: not given */
	struct str body, idempotency_key, caller;
	const struct gateway_conf *conf;     /* handlers on the loop only */
	/* the answer */
	int status;
	struct buf *out;
};

typedef bool admin_handler(struct admin_call *, struct err *);

struct admin_route {
	enum http_method method;
	const char *path;                    /* behind "/admin/"; "{id}" is one segment;
	                                      * "{provider}/{model}" are all that are left, with one slash or more */
	admin_handler *run;
	bool on_loop;                        /* does not block */
	unsigned params;                     /* bits of enum admin_param */
	int status;                          /* of a good answer */
	/* for the OpenAPI document */
	const char *summary;
	const char *body, *answer;           /* names of schemas; NULL: none */
	bool list;                           /* {"data": [answer…], "next_cursor": …} */
};
/* All rows (routes.c). */
const struct admin_route *admin_routes(size_t *n);
/* NULL: e tells, ERR_NOT_FOUND or ERR_METHOD. `*id` is percent-decoded in the arena. */
const struct admin_route *admin_route_find(enum http_method, struct str path, struct arena *, struct str *id,
                                           struct err *);

/* ---- input.c: reading strictly ---- */

/* Fills call->param with what the route allows. */
MUST_USE bool input_query(struct admin_call *, const struct admin_route *, struct str query, struct err *);
/* PARAM_LIMIT; `otherwise` when it is not given. */
MUST_USE bool input_limit(const struct admin_call *, size_t otherwise, size_t max, size_t *out, struct err *);
/* A time parameter in real milliseconds: RFC 3339, a date, or a duration back from now. 0: not given. */
MUST_USE bool input_time(const struct admin_call *, enum admin_param, uint64_t *out, struct err *);
MUST_USE bool input_bool(const struct admin_call *, enum admin_param, bool *out, struct err *);
/* "2026-11-27T23:05:01.123+01:00" or "2026-11-27" (midnight UTC). */
MUST_USE bool time_read(struct str, uint64_t *real_ms);

/* The body of POST and PATCH of a key. `*what` gets the KEY_EDIT bits of the members that were there. */
MUST_USE bool input_key(struct admin_call *, struct key_info *, unsigned *what, struct err *);

/* ---- write.c: words that several answers share ---- */

void write_text(struct json_writer *, struct str);                   /* empty: null */
void write_time(struct json_writer *, uint64_t real_ms);             /* RFC 3339; 0: null */
void write_usd(struct json_writer *, int64_t nusd);                  /* decimal string of dollars */
void write_tokens(struct json_writer *, const struct spend_tokens *);
void write_texts(struct json_writer *, const struct str *, size_t n);
/* {"data":[ … the caller's rows … ],"next_cursor":…} */
void write_list_open(struct json_writer *);
void write_list_close(struct json_writer *, struct str next_cursor); /* empty: null */

/* ---- idempotency.c ---- */

/*
 * Idempotency-Key: a POST that is repeated with the same key by the same caller within a day is not done again. What it
 * made is told as it is now, without its secret: that was shown once, and who lost it rotates the key. The same key
 * with another body is a conflict, as is one whose first request is still under way. In memory, the oldest of 4,096
 * goes first.
 */
struct idempotency;
struct idempotency *idempotency_new(void);
void idempotency_free(struct idempotency *);

enum idempotency_state { IDEMPOTENCY_NEW, IDEMPOTENCY_DONE, IDEMPOTENCY_CONFLICT };
/* NEW: the caller does the work and says idempotency_end. DONE: `*id` is what was made, in the call's arena. CONFLICT:
 * e tells. Any thread. */
enum idempotency_state idempotency_begin(struct idempotency *, const struct admin_call *, struct str what,
                                         struct str *id, struct err *);
/* `made` empty: it failed and may be tried again. */
void idempotency_end(struct idempotency *, const struct admin_call *, struct str made);

/* ---- handlers ---- */

admin_handler keys_api_create, keys_api_list, keys_api_get, keys_api_edit, keys_api_revoke, keys_api_rotate;
admin_handler spend_api_sums, spend_api_rows, spend_api_row;
admin_handler catalogue_api_get, catalogue_api_put, catalogue_api_patch, catalogue_api_delete;
admin_handler models_api_models, models_api_providers, tokens_api_families;
admin_handler admin_api_reload;

struct admin {
	struct admin_options options;
	struct idempotency *idempotency;
};

#endif
