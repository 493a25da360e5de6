/* SPDX-License-Identifier: Apache-2.0 */
/* govern_in: what only this room's files share. */
#ifndef SLUICE_GOVERN_GOVERN_IN_H
#define SLUICE_GOVERN_GOVERN_IN_H

#include <stdatomic.h>

#include "govern/keys.h"
#include "govern/ledger.h"
#include "govern/spend.h"
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
/* Inserts, or replaces the key of the same digest. Takes a reference of its own. Seen by all lookups that start
 * after. */
void keytable_put(struct keytable *, struct key *);
/* What stands under the digest, dead or not; NULL: nothing. Writer only; borrowed. */
struct key *keytable_peek(const struct keytable *, const uint8_t digest[KEY_DIGEST_BYTES]);
struct keys_reader *keytable_reader(struct keytable *);

/* A key object that holds its own copy of everything in `info`. One reference, the caller's. */
struct key *key_new(const struct key_info *info, const uint8_t digest[KEY_DIGEST_BYTES]);
/* No lookup returns it any more. `revoked`: for the log, against replaced by a newer object. */
void key_kill(struct key *, bool revoked);

/*
 * One record of a journal (record.c): 8 bytes of head, 96 of numbers and lengths, then texts. The part that repeats
 * from request to request (key, model, deployment …) lies together with its lengths, so that it is looked up as one
 * run of bytes.
 */
#define RECORD_MAX_BYTES (8 + 96 + 12 * SPEND_TEXT_MAX)
/* Writes at `out`, which has room for RECORD_MAX_BYTES; returns the record's length. */
HOT size_t record_write(char *out, uint64_t salt, const struct spend *);

enum record_state {
	RECORD_WHOLE,
	RECORD_SHORT, /* begins well, and goes on past the end of `in` */
	RECORD_BAD,
};
/* What stands at the start of `in`. RECORD_WHOLE: *n is its length. */
enum record_state record_check(struct str in, uint64_t salt, size_t *n);

enum {
	DIM_KEY, DIM_TEAM, DIM_MODEL, DIM_PROVIDER, DIM_DEPLOYMENT, DIM_UPSTREAM_MODEL, DIM_ENDPOINT, DIM_DIALECT,
	DIMS
};
/* Reads a whole record; texts point into it. `*dim` is the part that repeats. False: of a newer version. */
MUST_USE bool record_read(struct str record, struct spend *out, struct str *dim);
/* The texts of a `dim`. */
void record_read_dim(struct str dim, struct str out[DIMS]);

/*
 * A journal file, shared by its loop (which appends and sets committed and finished) and the ledger's thread (all
 * else).
 */
struct jfile {
	struct jfile *next;
	char *name, *path;
	int fd;                         /* closed by the ledger's thread */
	uint64_t salt;                  /* from the name without its number: no other file's bytes look right */
	bool old;                       /* of an earlier run: nobody appends */
	_Atomic uint64_t committed;     /* whole records, confirmed; the reader goes no further */
	atomic_bool finished;
	uint64_t at;                    /* read up to here, in the transaction under way */
	_Atomic uint64_t stored;        /* in SQLite up to here */
	uint64_t synced;                /* on disk up to here */
};
#define JFILE_MAGIC "sluicej1"
#define JFILE_HEAD_BYTES 8

/* For journal.c. A new file of loop `index`, on the ledger's list. NULL: err tells. Any thread. */
struct jfile *ledger_file_new(struct ledger *, unsigned index, unsigned sequence, struct err *);
const struct ledger_options *ledger_options(const struct ledger *);
void ledger_wake(struct ledger *);                 /* after a change of committed or finished; cheap when it is awake */
void ledger_count_journal_error(struct ledger *);

/* For report.c. A connection for reading; nobody else's until given back. NULL: err tells. */
struct db *ledger_reader_take(struct ledger *, struct err *);
void ledger_reader_give(struct ledger *);

/* An id as it stands in SQLite: its bytes as hexadecimal digits, so that order is order in time (rows.c). */
#define SPEND_ID_HEX 32
void spend_id_hex(const struct ulid *, char out[SPEND_ID_HEX]);

/*
 * rows: records on their way into SQLite, in batches; the ledger's thread only (rows.c). After a failure:
 * rows_rollback.
 */
struct rows;
struct rows *rows_open(const char *data_dir, struct err *);
void rows_close(struct rows *);
MUST_USE bool rows_begin(struct rows *, struct err *);
MUST_USE bool rows_add(struct rows *, const struct spend *, struct str dim, struct err *);
MUST_USE bool rows_place(struct rows *, const struct jfile *, uint64_t stored, struct err *);
MUST_USE bool rows_commit(struct rows *, struct err *);
void rows_rollback(struct rows *);
/* The offset stored for a file; 0: none. */
MUST_USE bool rows_stored(struct rows *, const char *file, uint64_t *out, struct err *);
/* Forces what was committed to the disk: before a journal file is deleted. */
MUST_USE bool rows_sync(struct rows *, const struct jfile *, struct err *);
/* Of files long gone only the newest 10,000 places are kept. */
MUST_USE bool rows_forget_old(struct rows *, struct err *);

/* Reading journals (replay.c); the ledger's thread only. */
struct replay {
	struct rows *rows;
	char *dir;                      /* of the journals, for .bad files */
	char *chunk;
	size_t batch;                   /* records of the transaction under way */
	bool begun;
	_Atomic uint64_t records, bad_regions;
};
#define REPLAY_CHUNK_BYTES (256u << 10)
/* Stores all that was committed to these files when it was called. False: rolled back to the last transaction. */
MUST_USE bool replay_round(struct replay *, struct jfile *const *files, size_t n, struct err *);

#endif
