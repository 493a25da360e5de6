/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: virtual keys: who may call. Stored in SQLite as HMAC-SHA256 under a secret of this installation
 * (data_dir/secret), never as text; held in memory in one table that all loops read.
 *
 * The table: open addressing over atomic pointers. A new key is one pointer stored in place; growing publishes a
 * larger table. Each loop has a `struct keys_reader` that owns a reference to the table it reads, so a lookup writes
 * nothing shared but the found key's count and takes no lock, except once after each growth (held for a few
 * instructions). What a table or a reader can reach is not freed. A read-write lock was left: its count is a cache
 * line that every request of every loop would write.
 *
 * Revocation marks the key object itself; every lookup looks at the mark last. When keys_revoke returns, no lookup on
 * any loop succeeds that starts later. A request that is already under way keeps its key until it ends.
 *
 * The reader also has a small cache from a SipHash-2-4-128 of the token (random key of the reader, so it is a MAC
 * that nobody outside can aim at) to the key: about 500 instructions instead of 5,000 for the HMAC. It leads to the
 * key object, so a revocation is seen there too; the text of a token is kept nowhere.
 *
 * Missing, unknown, revoked and expired keys are one answer to the client (contract section 4); `enum key_refusal` is
 * for the log only.
 *
 * Functions that write or list block on SQLite: pool threads only; any number of them at once.
 */
#ifndef SLUICE_GOVERN_KEYS_H
#define SLUICE_GOVERN_KEYS_H

#include <stdatomic.h>

#include "base/str.h"

struct arena;
struct err;
struct keys;
struct keys_reader;

enum key_role { KEY_USER, KEY_ADMIN };
enum key_source {
	KEY_STORED,  /* made through the admin API; id "key_" + ULID */
	KEY_FIXED,   /* `keys:` of the configuration; id "cfg_" + name */
	KEY_BUILTIN, /* the admin key (id "admin"), or nobody where auth is off (id "anonymous") */
};

/* What is known of a key besides its secret. Times are real milliseconds; 0: never. */
struct key_info {
	struct str id, name;
	struct str hint;                /* last four characters of the text, to tell keys apart; empty for short ones */
	struct str team, user;
	const struct str *models;       /* names or globs; none: all models */
	size_t n_models;
	const struct str *tags;
	size_t n_tags;
	enum key_role role;
	enum key_source source;
	/* of what is short, while others wait (route/admission.h) */
	int8_t behind;                  /* -1: priority 0, before others; 0: priority 1; 1: priority 2, behind them */
	uint32_t weight;                /* its share; 0: that of most, 1 */
	uint64_t created_ms, expires_ms, revoked_ms;
};
#define KEY_WEIGHT_MAX 1000
static inline uint32_t key_weight(const struct key_info *k) { return k->weight ? k->weight : 1; }
static inline uint8_t key_priority(const struct key_info *k) { return (uint8_t)(k->behind + 1); }

/* Immutable but for the count and the mark. */
struct key {
	struct key_info info;
	/* who shares what is kept between requests: its team, else itself; never both alike */
	struct str tenant;
	_Atomic uint32_t refs;
	atomic_bool dead;               /* revoked, rotated or replaced by an edit: look again */
	atomic_bool revoked;            /* for the log: why it is dead */
	uint8_t digest[32];             /* HMAC-SHA256 of the text */
};

enum key_refusal { KEY_OK, KEY_MISSING, KEY_UNKNOWN, KEY_REVOKED, KEY_EXPIRED };
const char *key_refusal_name(enum key_refusal);

/* A key of the configuration. */
struct key_fixed {
	struct str name, key;
	struct str team, user;
	const struct str *models, *tags;
	size_t n_models, n_tags;
	enum key_role role;
	int8_t behind;                  /* as in key_info */
	uint32_t weight;
};

struct keys_options {
	const char *data_dir;           /* exists (dir_make) */
	struct str admin_key;           /* empty: that of data_dir/admin_key, made if missing and named in the log */
	const struct key_fixed *fixed;
	size_t n_fixed;
};

/* At start. Creates data_dir/secret and data_dir/sluice.db if missing. A secret that does not fit the stored keys is
 * refused: it would silently lock everybody out. */
MUST_USE struct keys *keys_open(const struct keys_options *, struct err *);
void keys_close(struct keys *);            /* after all readers were freed; keys that are still held live on */

/* After a reload: replaces the keys of the configuration and the admin key. Nothing is refused in between that is valid
 * before and after. All or nothing. Any thread; does not touch SQLite (but may read or make data_dir/admin_key). */
MUST_USE bool keys_set_fixed(struct keys *, struct str admin_key, const struct key_fixed *, size_t n, struct err *);

/* One for each loop (or thread), used on it only. */
struct keys_reader *keys_reader_new(struct keys *);
void keys_reader_free(struct keys_reader *);

/* The key of the presented text, referenced for the caller (key_unref), or NULL and `*why` (may be NULL). Constant time
 * in the contents of the text. */
HOT struct key *keys_find(struct keys_reader *, struct str token, enum key_refusal *why);

/* The key of requests where auth is off: no limits, role user. Static; ref and unref are fine. */
struct key *keys_anonymous(void);

/* The key of requests that the gateway makes itself, to see whether a deployment works. As the one above. */
struct key *keys_prober(void);

static inline struct key *key_ref(struct key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}
void key_unref(struct key *);              /* any thread; NULL is fine */

bool key_allows_model(const struct key *, struct str model);

/* ---- pool threads only ---- */

struct key_made {
	struct key_info info;
	struct str token;               /* the text, this once; in the arena given */
};

/* From `spec` are taken: name, team, user, models, tags, role, weight, behind, expires_ms. Valid at once on all loops.
 * ERR_INVALID_REQUEST names the field. */
MUST_USE bool keys_create(struct keys *, const struct key_info *spec, struct arena *, struct key_made *, struct err *);

/* ERR_NOT_FOUND: no such id. Revoked keys are found. */
MUST_USE bool keys_get(struct keys *, struct str id, struct arena *, struct key_info *, struct err *);

/* Once it returns, also with an error of the store, no lookup succeeds any more. Revoking twice is fine.
 * ERR_CONFLICT: a key of the configuration, to be removed there. */
MUST_USE bool keys_revoke(struct keys *, struct str id, struct err *);

/* A new text for the same key; the old text is dead when it returns. ERR_CONFLICT: revoked, or of the configuration. */
MUST_USE bool keys_rotate(struct keys *, struct str id, struct arena *, struct key_made *, struct err *);

/* Changes what is marked. */
enum {
	KEY_EDIT_NAME = 1, KEY_EDIT_TEAM = 2, KEY_EDIT_USER = 4, KEY_EDIT_MODELS = 8, KEY_EDIT_TAGS = 16,
	KEY_EDIT_ROLE = 32, KEY_EDIT_EXPIRES = 64, KEY_EDIT_WEIGHT = 128, KEY_EDIT_PRIORITY = 256
};
MUST_USE bool keys_edit(struct keys *, struct str id, unsigned what, const struct key_info *to, struct arena *,
                        struct key_info *out, struct err *);

struct keys_query {
	size_t limit;                   /* 1 … 1000 */
	struct str cursor;              /* next_cursor of the page before, or empty */
	bool with_revoked;
	struct str team, user;          /* empty: all */
};

struct keys_page {
	struct key_info *rows;          /* newest first, then those of the configuration */
	size_t n;
	struct str next_cursor;         /* empty: the last page */
};

MUST_USE bool keys_list(struct keys *, const struct keys_query *, struct arena *, struct keys_page *, struct err *);

#endif
