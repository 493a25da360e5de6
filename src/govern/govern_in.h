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
 * One record of a journal (record.c): 8 bytes of head, 96 of numbers and lengths, then texts; then, if something was
 * saved, 8 of that. The part that repeats
 * from request to request (key, model, deployment …) lies together with its lengths, so that it is looked up as one
 * run of bytes.
 */
#define RECORD_MAX_BYTES (8 + 96 + 12 * SPEND_TEXT_MAX + 8)
/* Writes at `out`, which has room for RECORD_MAX_BYTES; returns the record's length. */
HOT size_t record_write(char *out, uint64_t salt, const struct spend *);

enum record_state {
	RECORD_WHOLE,
	RECORD_SHORT, /* begins well, and goes on past the end of `in` */
	RECORD_BAD,
};
/* What stands at the start of `in`. RECORD_WHOLE: *n is its length. */
enum record_state record_check(struct str in, uint64_t salt, size_t *n);
/* The same of what this process has written and the kernel confirmed: the checksum is for bytes that met a disk. */
enum record_state record_check_own(struct str in, size_t *n);

enum {
	DIM_KEY, DIM_TEAM, DIM_MODEL, DIM_PROVIDER, DIM_DEPLOYMENT, DIM_UPSTREAM_MODEL, DIM_ENDPOINT, DIM_DIALECT,
	DIMS
};
enum { TEXT_CLIENT_ID, TEXT_USER, TEXT_TAGS, TEXT_ERROR, TEXTS };
enum { RECORD_STREAM = 1, RECORD_COST_KNOWN = 2, RECORD_USAGE_SHIFT = 2, RECORD_SAVED = 64 };

/* A record's payload up to its texts, as on disk; no padding anywhere. */
struct record_fixed {
	uint8_t version, flags;         /* RECORD_STREAM, RECORD_COST_KNOWN, RECORD_SAVED, and enum spend_usage */
	uint16_t status, attempts, unused;
	struct ulid id;
	int64_t cost_nusd;
	struct spend_tokens tokens;
	uint32_t first_byte_ms, latency_ms, overhead_us;
	uint8_t text_n[TEXTS];
	uint8_t dim_n[DIMS];
};

struct record {
	struct record_fixed fixed;
	struct str dim;                 /* what repeats: the DIMS lengths, then the texts */
	struct str texts;               /* TEXTS, one behind the other */
	int64_t saved_nusd;
};
/* Reads a whole record; dim and texts point into it. False: of a newer version. */
MUST_USE bool record_read(struct str bytes, struct record *out);
/* The texts of a `dim`. */
void record_read_dim(struct str dim, struct str out[DIMS]);

/*
 * One record of a row of spend_block (block.c), some 30 bytes; a block holds those of one slot, a minute of the time
 * in their ids, in any order. The number of a block is slot << BLOCK_SLOT_SHIFT plus a count, so that blocks need no
 * index: a range of time is a range of numbers. With BLOCK_MAX_BYTES a row takes one page of the file and never more,
 * so that writing the newest block again, longer, costs no more than another row would.
 */
#define BLOCK_SLOT_MS    60000u
#define BLOCK_SLOT_SHIFT 24
#define BLOCK_MAX_BYTES  4056
#define BLOCK_RECORD_MAX (2 + 12 + 1 + 13 * 10 + TEXTS * (1 + SPEND_TEXT_MAX))
static inline uint64_t block_slot(const struct ulid *id) { return ulid_time_ms(*id) / BLOCK_SLOT_MS; }
static inline int64_t block_number(uint64_t slot, unsigned count)
{
	return (int64_t)(slot << BLOCK_SLOT_SHIFT | count);
}
/* Writes at `out`, which has room for BLOCK_RECORD_MAX; returns the length. `dim`: number of its row in spend_dim. */
HOT size_t block_put(char *out, uint64_t dim, const struct record *);
/* Cuts the first record off `rest`. False: it is empty, or (rest->n is not 0) damaged. */
MUST_USE bool block_next(struct str *rest, struct str *record);
void block_id(struct str record, uint64_t slot, struct ulid *out);
MUST_USE bool block_dim(struct str record, uint64_t *dim);                     /* false: damaged */
/* What a block keeps of a spend: no text of `dim` is set. The other texts point into the record. False: damaged. */
MUST_USE bool block_read(struct str record, uint64_t slot, uint64_t *dim, struct spend *out);
bool block_damaged(int64_t number, struct err *);     /* returns false */

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

/*
 * What report.c (sums) and report_rows.c share. report_begin waits for the ledger and gives its connection, in a
 * transaction: all statements of a question see the same moment. NULL: err tells.
 */
struct report_filter;
struct db *report_begin(struct ledger *, struct err *);
void report_end(struct ledger *, struct db *);
/* The filter's times, clipped to the years that can be written; until is exclusive. */
#define REPORT_TIME_MAX_MS 253402300799999u /* 9999-12-31T23:59:59.999Z */
struct report_span {
	uint64_t since, until;
};
struct report_span report_span(const struct report_filter *);
/* A condition on spend_dim d with three parameters, and their values: NULL for all. */
#define REPORT_FILTER(key, model, provider) \
	"(" key " IS NULL OR d.key_id = " key ") AND (" model " IS NULL OR d.model = " model ") " \
	"AND (" provider " IS NULL OR d.provider = " provider ") "
void report_bind_filter(struct stmt *, int first, const struct report_filter *);
#define REPORT_KEY_NAME(id) "(SELECT k.name FROM keys k WHERE k.id = " id ") "
struct arena;
struct str report_key_name(struct arena *, struct str stored, struct str id);
MUST_USE bool report_dims_max(struct db *, uint64_t *out, struct err *);      /* the highest number in spend_dim */
bool report_arena_full(struct err *);                                           /* returns false */

#define HOUR_MS 3600000u

/* Sums stay at the end of the numbers. Everything summed is >= 0, so that one end is enough. */
static inline int64_t add_capped(int64_t a, int64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static inline int64_t capped(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/*
 * rows: records on their way into SQLite, in batches; the ledger's thread only (rows.c). After a failure:
 * rows_rollback.
 */
struct rows;
struct rows *rows_open(const char *data_dir, struct err *);
void rows_close(struct rows *);
MUST_USE bool rows_begin(struct rows *, struct err *);
HOT MUST_USE bool rows_add(struct rows *, const struct record *, struct err *);
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
#define REPLAY_CHUNK_BYTES (64u << 10)
/* Stores all that was committed to these files when it was called. False: rolled back to the last transaction. */
MUST_USE bool replay_round(struct replay *, struct jfile *const *files, size_t n, struct err *);

#endif
