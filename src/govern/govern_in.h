/* SPDX-License-Identifier: Apache-2.0 */
/* govern_in: what only this room's files share. */
#ifndef SLUICE_GOVERN_GOVERN_IN_H
#define SLUICE_GOVERN_GOVERN_IN_H

#include "govern/keys.h"
#include "store/db.h"

/* data_dir/sluice.db with this room's tables (schema.c). NULL: err tells. */
MUST_USE struct db *govern_db_open(const char *data_dir, enum db_sync, struct err *);

/* SipHash-2-4 with a 128-bit result (siphash.c). */
struct siphash_key {
	uint64_t k0, k1;
};
struct siphash {
	uint64_t low, high;
};
struct siphash siphash_128(const struct siphash_key *, struct str);

/*
 * The table of keys that all loops read (keytable.c). `keys` writes it, under its own lock: one writer at a time.
 */
#define KEY_SECRET_BYTES 32
#define KEY_DIGEST_BYTES 32
struct keytable;

struct keytable *keytable_new(const uint8_t secret[KEY_SECRET_BYTES]);
void keytable_free(struct keytable *);
/* HMAC-SHA256 of the text under the installation's secret. */
void keytable_digest(const struct keytable *, struct str text, uint8_t out[KEY_DIGEST_BYTES]);
/* Inserts, or replaces the key of the same digest. Takes a reference of its own. Seen by all lookups that start after. */
void keytable_put(struct keytable *, struct key *);
/* What stands under the digest, dead or not; NULL: nothing. Writer only; borrowed. */
struct key *keytable_peek(const struct keytable *, const uint8_t digest[KEY_DIGEST_BYTES]);
struct keys_reader *keytable_reader(struct keytable *);

/* A key object that holds its own copy of everything in `info`. One reference, the caller's. */
struct key *key_new(const struct key_info *info, const uint8_t digest[KEY_DIGEST_BYTES]);
/* No lookup returns it any more. `revoked`: for the log, against replaced by a newer object. */
void key_kill(struct key *, bool revoked);

#endif
