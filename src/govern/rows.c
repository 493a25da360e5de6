/* SPDX-License-Identifier: Apache-2.0 */
/* Spend records on their way into SQLite: blocks, what repeats in them (dims), and sums by hour. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "govern/govern_in.h"

/* OPEN_MAX: blocks kept in memory to go on with: requests that end together began in few different minutes. HOURS: how
 * many one dim sums up at a time, for the minutes after a full hour, when requests of both end. */
enum { DIMS_CACHED_MAX = 4096, OPEN_MAX = 32, HOURS = 2, FILES_KEPT = 10000 };

enum {
	SUM_REQUESTS, SUM_ERRORS, SUM_UNKNOWN_COST, SUM_COST, SUM_INPUT, SUM_OUTPUT, SUM_CACHE_READ, SUM_CACHE_WRITE,
	SUM_REASONING, SUMS
};

/* One row of spend_dim, and what the transaction under way adds to its sums. */
struct dim {
	int64_t id;
	struct dim *next_open; /* in the list of those with sums to store */
	bool open;
	struct {
		uint64_t hour;
		int64_t sums[SUMS]; /* requests 0: nothing to store */
	} hours[HOURS];             /* by the hour modulo HOURS */
	size_t n;
	char bytes[]; /* as in the record: the key of the map */
};

/* The newest block of a slot. The last record may reach past the end that a block may have: then it is the first of
 * the block after it. */
struct open_block {
	uint64_t slot, used;
	unsigned count;         /* of this slot's blocks before it */
	size_t n, stored;       /* bytes; of them in the transaction */
	char bytes[BLOCK_MAX_BYTES + BLOCK_RECORD_MAX];
};

struct rows {
	struct db *db;
	struct open_block *blocks[OPEN_MAX], *last_block; /* last_block: used by the record before */
	size_t n_blocks;
	uint64_t uses;
	struct map dims;
	struct dim *open, *last_dim; /* last_dim: found by the record before; most often it is the same */
};

/* ---- dims ---- */

static void dims_clear(struct rows *r)
{
	void *dim;

	for (size_t i = 0; map_next(&r->dims, &i, NULL, &dim);)
		free(dim);
	map_fini(&r->dims);
	r->last_dim = NULL;
	r->open = NULL;
}

static void bind_dim(struct stmt *s, const struct str texts[DIMS])
{
	for (int i = 0; i < DIMS; i++)
		stmt_bind_text(s, i + 1, texts[i]);
}

/* The id of the row that has these texts; made if there is none. */
static bool dim_row(struct rows *r, struct str bytes, int64_t *id, struct err *e)
{
	struct str texts[DIMS];
	struct stmt *s = db_stmt(r->db,
		"INSERT INTO spend_dim (key_id, team, model, provider, deployment, upstream_model, endpoint, dialect) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING");
	enum stmt_result result;

	record_read_dim(bytes, texts);
	bind_dim(s, texts);
	if (!stmt_run(s, e))
		return false;
	s = db_stmt(r->db,
		"SELECT id FROM spend_dim WHERE key_id = ?1 AND team = ?2 AND model = ?3 AND provider = ?4 "
		"AND deployment = ?5 AND upstream_model = ?6 AND endpoint = ?7 AND dialect = ?8");
	bind_dim(s, texts);
	result = stmt_step(s, e);
	if (result == STMT_ROW)
		*id = stmt_i64(s, 0);
	stmt_reset(s);
	assert(result != STMT_DONE);
	return result == STMT_ROW;
}

static struct dim *dim_find(struct rows *r, struct str bytes, struct err *e)
{
	struct dim *dim = r->last_dim;
	int64_t id = 0;

	if (dim && str_eq(str_of(dim->bytes, dim->n), bytes))
		return dim;
	dim = map_get(&r->dims, bytes);
	if (!dim) {
		if (!dim_row(r, bytes, &id, e))
			return NULL;
		dim = mem_zalloc(sizeof(*dim) + bytes.n);
		dim->id = id;
		dim->n = bytes.n;
		memcpy(dim->bytes, bytes.p, bytes.n);
		(void)map_put(&r->dims, str_of(dim->bytes, dim->n), dim);
	}
	r->last_dim = dim;
	return dim;
}

/* ---- sums ---- */

/* SQLite would turn a sum that overflows into a floating number; a sum at its end stays there. */
#define CAPPED(c) c " = CASE WHEN " c " > 9223372036854775807 - excluded." c " THEN 9223372036854775807 " \
	            "ELSE " c " + excluded." c " END"
#define COUNTED(c) c " = " c " + excluded." c

static const char sums_sql[] =
	"INSERT INTO spend_sum (hour, dim, requests, errors, unknown_cost, cost_nusd, input, output, cache_read, "
	"cache_write, reasoning) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
	"ON CONFLICT (hour, dim) DO UPDATE SET "
	COUNTED("requests") ", " COUNTED("errors") ", " COUNTED("unknown_cost") ", "
	CAPPED("cost_nusd") ", " CAPPED("input") ", " CAPPED("output") ", "
	CAPPED("cache_read") ", " CAPPED("cache_write") ", " CAPPED("reasoning");

static bool sums_store(struct rows *r, struct dim *dim, unsigned at, struct err *e)
{
	int64_t *sums = dim->hours[at].sums;
	struct stmt *s;

	if (sums[SUM_REQUESTS] == 0)
		return true;
	s = db_stmt(r->db, sums_sql);
	stmt_bind_i64(s, 1, (int64_t)dim->hours[at].hour);
	stmt_bind_i64(s, 2, dim->id);
	for (int i = 0; i < SUMS; i++)
		stmt_bind_i64(s, 3 + i, sums[i]);
	memset(sums, 0, sizeof(dim->hours[at].sums));
	return stmt_run(s, e);
}

static bool sums_store_all(struct rows *r, struct err *e)
{
	struct dim *dim;

	while ((dim = r->open) != NULL) {
		r->open = dim->next_open;
		dim->open = false;
		for (unsigned i = 0; i < HOURS; i++)
			if (!sums_store(r, dim, i, e))
				return false;
	}
	return true;
}

static inline bool sums_add(struct rows *r, struct dim *dim, const struct record_fixed *f, struct err *e)
{
	const uint64_t tokens[] = { f->tokens.input, f->tokens.output, f->tokens.cache_read, f->tokens.cache_write,
		                    f->tokens.reasoning };
	uint64_t hour = ulid_time_ms(f->id) / HOUR_MS;
	unsigned at = (unsigned)(hour % HOURS);
	int64_t *sums = dim->hours[at].sums;

	if (unlikely(dim->hours[at].hour != hour) && !sums_store(r, dim, at, e))
		return false;
	if (!dim->open) {
		dim->open = true;
		dim->next_open = r->open;
		r->open = dim;
	}
	dim->hours[at].hour = hour;
	sums[SUM_REQUESTS]++;
	sums[SUM_ERRORS] += f->status >= 400;
	if (f->flags & RECORD_COST_KNOWN)
		sums[SUM_COST] = add_capped(sums[SUM_COST], f->cost_nusd);
	else
		sums[SUM_UNKNOWN_COST]++;
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		sums[SUM_INPUT + i] = add_capped(sums[SUM_INPUT + i], capped(tokens[i]));
	return true;
}

/* ---- blocks ---- */

static bool block_store(struct rows *r, struct open_block *b, struct err *e)
{
	struct stmt *s;

	if (b->stored == b->n)
		return true;
	assert(b->n <= BLOCK_MAX_BYTES);
	s = db_stmt(r->db, "REPLACE INTO spend_block (id, data) VALUES (?1, ?2)");
	stmt_bind_i64(s, 1, block_number(b->slot, b->count));
	stmt_bind_blob(s, 2, str_of(b->bytes, b->n));
	b->stored = b->n;
	return stmt_run(s, e);
}

/* What is stored of the slot, to go on with. */
static bool block_load(struct rows *r, struct open_block *b, uint64_t slot, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "SELECT id, data FROM spend_block WHERE id >= ?1 AND id < ?2 "
	                                "ORDER BY id DESC LIMIT 1");
	enum stmt_result result;
	struct str data;

	b->slot = slot;
	b->count = 0;
	b->n = b->stored = 0;
	stmt_bind_i64(s, 1, block_number(slot, 0));
	stmt_bind_i64(s, 2, block_number(slot + 1, 0));
	result = stmt_step(s, e);
	if (result == STMT_ROW) {
		b->count = (unsigned)(stmt_i64(s, 0) & ((1 << BLOCK_SLOT_SHIFT) - 1));
		data = stmt_blob(s, 1);
		if (data.n <= BLOCK_MAX_BYTES) {
			memcpy(b->bytes, data.p, data.n);
			b->n = b->stored = data.n;
		} else {
			b->count++;
		}
	}
	stmt_reset(s);
	return result != STMT_FAILED;
}

/* One more to keep in memory, or the one that was not used for longest, stored. */
static struct open_block *block_free(struct rows *r, struct err *e)
{
	struct open_block *oldest = r->n_blocks ? r->blocks[0] : NULL;

	if (r->n_blocks < OPEN_MAX)
		return r->blocks[r->n_blocks++] = mem_alloc(sizeof(struct open_block));
	for (size_t i = 1; i < r->n_blocks; i++)
		if (r->blocks[i]->used < oldest->used)
			oldest = r->blocks[i];
	return block_store(r, oldest, e) ? oldest : NULL;
}

static struct open_block *block_find(struct rows *r, uint64_t slot, struct err *e)
{
	struct open_block *b;

	for (size_t i = 0; i < r->n_blocks; i++)
		if (r->blocks[i]->slot == slot)
			return r->blocks[i];
	b = block_free(r, e);
	if (!b || block_load(r, b, slot, e))
		return b;
	b->slot = UINT64_MAX;
	return NULL;
}

static inline struct open_block *block_of(struct rows *r, uint64_t slot, struct err *e)
{
	struct open_block *b = r->last_block;

	if (likely(b && b->slot == slot))
		return b;
	b = block_find(r, slot, e);
	r->last_block = b;
	if (b)
		b->used = ++r->uses;
	return b;
}

HOT bool rows_add(struct rows *r, const struct record *record, struct err *e)
{
	struct dim *dim = dim_find(r, record->dim, e);
	struct open_block *b = dim ? block_of(r, block_slot(&record->fixed.id), e) : NULL;
	size_t n;

	if (!b)
		return false;
	n = block_put(b->bytes + b->n, (uint64_t)dim->id, record);
	if (unlikely(b->n + n > BLOCK_MAX_BYTES)) {
		if (!block_store(r, b, e))
			return false;
		memmove(b->bytes, b->bytes + b->n, n);
		b->count++;
		b->n = b->stored = 0;
		assert(b->count >> BLOCK_SLOT_SHIFT == 0);
	}
	b->n += n;
	return sums_add(r, dim, &record->fixed, e);
}

static void blocks_clear(struct rows *r)
{
	for (size_t i = 0; i < r->n_blocks; i++)
		free(r->blocks[i]);
	r->n_blocks = 0;
	r->last_block = NULL;
}

static bool blocks_store(struct rows *r, struct err *e)
{
	for (size_t i = 0; i < r->n_blocks; i++)
		if (!block_store(r, r->blocks[i], e))
			return false;
	return true;
}

bool rows_begin(struct rows *r, struct err *e)
{
	assert(!r->open);
	if (r->dims.n > DIMS_CACHED_MAX)
		dims_clear(r);
	return db_begin(r->db, e);
}

bool rows_commit(struct rows *r, struct err *e)
{
	return blocks_store(r, e) && sums_store_all(r, e) && db_commit(r->db, e);
}

/* Rows that this transaction made are gone, and with them what the caches say. */
void rows_rollback(struct rows *r)
{
	blocks_clear(r);
	dims_clear(r);
	db_rollback(r->db);
}

/* ---- places in journal files ---- */

bool rows_place(struct rows *r, const struct jfile *file, uint64_t stored, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "INSERT INTO journal (file, stored) VALUES (?1, ?2) "
	                                "ON CONFLICT (file) DO UPDATE SET stored = excluded.stored");

	stmt_bind_text(s, 1, str_from_z(file->name));
	stmt_bind_i64(s, 2, (int64_t)stored);
	return stmt_run(s, e);
}

bool rows_stored(struct rows *r, const char *file, uint64_t *out, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "SELECT stored FROM journal WHERE file = ?1");
	enum stmt_result result;

	stmt_bind_text(s, 1, str_from_z(file));
	result = stmt_step(s, e);
	*out = result == STMT_ROW ? (uint64_t)stmt_i64(s, 0) : 0;
	stmt_reset(s);
	return result != STMT_FAILED;
}

bool rows_forget_old(struct rows *r, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "DELETE FROM journal WHERE file < "
	                                "(SELECT file FROM journal ORDER BY file DESC LIMIT 1 OFFSET ?1)");

	stmt_bind_i64(s, 1, FILES_KEPT);
	return stmt_run(s, e);
}

/* One small commit with a full sync takes all commits before it to the disk: they are in the same write-ahead log. It
 * must change something: SQLite writes nothing for a row that stays as it was. */
bool rows_sync(struct rows *r, const struct jfile *file, struct err *e)
{
	struct err unused;
	struct stmt *s = db_stmt(r->db, "INSERT INTO journal (file, stored, synced) VALUES (?1, ?2, 1) "
	                                "ON CONFLICT (file) DO UPDATE SET synced = synced + 1");
	bool ok = db_set_sync(r->db, DB_SYNC_FULL, e);

	stmt_bind_text(s, 1, str_from_z(file->name));
	stmt_bind_i64(s, 2, (int64_t)file->stored);
	ok = ok && stmt_run(s, e);
	return db_set_sync(r->db, DB_SYNC_NORMAL, ok ? e : &unused) && ok;
}

struct rows *rows_open(const char *data_dir, struct err *e)
{
	struct db *db = govern_db_open(data_dir, DB_SYNC_NORMAL, e);
	struct rows *r;

	if (!db)
		return NULL;
	r = mem_zalloc(sizeof(*r));
	r->db = db;
	return r;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	blocks_clear(r);
	dims_clear(r);
	db_close(r->db);
	free(r);
}
