/* SPDX-License-Identifier: Apache-2.0 */
/* Spend records on their way into SQLite: rows, what repeats in them (dims), and sums by hour. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "govern/govern_in.h"
#include "store/feed.h"

#define HOUR_MS 3600000u
enum { DIMS_CACHED_MAX = 4096, FEED_ROWS = 256 };

enum {
	SUM_REQUESTS, SUM_ERRORS, SUM_UNKNOWN_COST, SUM_COST, SUM_INPUT, SUM_OUTPUT, SUM_CACHE_READ, SUM_CACHE_WRITE,
	SUM_REASONING, SUMS
};

/* One row of spend_dim, and what the transaction under way adds to its sums of one hour. */
struct dim {
	int64_t id;
	struct dim *next_open; /* in the list of those with sums to store */
	bool open;
	uint64_t hour;
	int64_t sums[SUMS];
	size_t n;
	char bytes[]; /* as in the record: the key of the map */
};

/* Columns of spend, in their order. */
enum {
	COLUMN_ID, COLUMN_DIM, COLUMN_STATUS, COLUMN_ATTEMPTS, COLUMN_FLAGS, COLUMN_COST, COLUMN_INPUT, COLUMN_OUTPUT,
	COLUMN_CACHE_READ, COLUMN_CACHE_WRITE, COLUMN_REASONING, COLUMN_FIRST_BYTE, COLUMN_LATENCY, COLUMN_OVERHEAD,
	COLUMN_CLIENT_ID, COLUMN_USER, COLUMN_TAGS, COLUMN_ERROR, COLUMNS
};

struct rows {
	struct db *db;
	struct feed *feed; /* records that wait for the next insert */
	struct {
		struct dim *dim;
		uint64_t hour;
	} waiting[FEED_ROWS]; /* for each row of the feed */
	struct map dims;
	struct dim *open;
	struct dim *last; /* found by the record before: most often it is the same */
};

/* Everything summed is >= 0, so that one end is enough. */
static int64_t add_capped(int64_t a, int64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static int64_t capped(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* ---- dims ---- */

static void dims_clear(struct rows *r)
{
	void *dim;

	for (size_t i = 0; map_next(&r->dims, &i, NULL, &dim);)
		free(dim);
	map_fini(&r->dims);
	r->last = NULL;
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
	struct dim *dim = r->last;
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
	r->last = dim;
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

static bool sums_store(struct rows *r, struct dim *dim, struct err *e)
{
	struct stmt *s = db_stmt(r->db, sums_sql);

	stmt_bind_i64(s, 1, (int64_t)dim->hour);
	stmt_bind_i64(s, 2, dim->id);
	for (int i = 0; i < SUMS; i++)
		stmt_bind_i64(s, 3 + i, dim->sums[i]);
	memset(dim->sums, 0, sizeof(dim->sums));
	return stmt_run(s, e);
}

static bool sums_store_all(struct rows *r, struct err *e)
{
	struct dim *dim;

	while ((dim = r->open) != NULL) {
		r->open = dim->next_open;
		dim->open = false;
		if (!sums_store(r, dim, e))
			return false;
	}
	return true;
}

/* Everything in a row's numbers is >= 0 by now. */
static bool sums_add(struct rows *r, size_t row, struct err *e)
{
	const struct feed_cell *cells = feed_row_get(r->feed, row);
	struct dim *dim = r->waiting[row].dim;
	int64_t *sums = dim->sums;

	if (dim->open && dim->hour != r->waiting[row].hour && !sums_store(r, dim, e))
		return false;
	if (!dim->open) {
		dim->open = true;
		dim->next_open = r->open;
		r->open = dim;
	}
	dim->hour = r->waiting[row].hour;
	sums[SUM_REQUESTS]++;
	sums[SUM_ERRORS] += cells[COLUMN_STATUS].i >= 400;
	if (cells[COLUMN_COST].kind == FEED_NULL)
		sums[SUM_UNKNOWN_COST]++;
	else
		sums[SUM_COST] = add_capped(sums[SUM_COST], cells[COLUMN_COST].i);
	for (int i = 0; i <= SUM_REASONING - SUM_INPUT; i++)
		sums[SUM_INPUT + i] = add_capped(sums[SUM_INPUT + i], cells[COLUMN_INPUT + i].i);
	return true;
}

/* ---- rows ---- */

static struct feed_cell number(int64_t v)
{
	return (struct feed_cell){ FEED_INT, .i = v };
}

static struct feed_cell text_or_null(struct str v)
{
	return v.n ? (struct feed_cell){ FEED_TEXT, .s = v } : (struct feed_cell){ FEED_NULL, .i = 0 };
}

static void row_fill(struct feed_cell *c, const struct spend *s, struct str id, int64_t dim)
{
	c[COLUMN_ID] = (struct feed_cell){ FEED_BLOB, .s = id };
	c[COLUMN_DIM] = number(dim);
	c[COLUMN_STATUS] = number(s->status);
	c[COLUMN_ATTEMPTS] = number(s->attempts);
	c[COLUMN_FLAGS] = number((int64_t)(s->stream | s->usage << 1));
	c[COLUMN_COST] = s->cost_known ? number(s->cost_nusd) : (struct feed_cell){ FEED_NULL, .i = 0 };
	c[COLUMN_INPUT] = number(capped(s->tokens.input));
	c[COLUMN_OUTPUT] = number(capped(s->tokens.output));
	c[COLUMN_CACHE_READ] = number(capped(s->tokens.cache_read));
	c[COLUMN_CACHE_WRITE] = number(capped(s->tokens.cache_write));
	c[COLUMN_REASONING] = number(capped(s->tokens.reasoning));
	c[COLUMN_FIRST_BYTE] = number(s->first_byte_ms);
	c[COLUMN_LATENCY] = number(s->latency_ms);
	c[COLUMN_OVERHEAD] = number(s->overhead_us);
	c[COLUMN_CLIENT_ID] = text_or_null(s->client_id);
	c[COLUMN_USER] = text_or_null(s->user);
	c[COLUMN_TAGS] = text_or_null(s->tags);
	c[COLUMN_ERROR] = text_or_null(s->error);
}

bool rows_full(const struct rows *r)
{
	return feed_is_full(r->feed);
}

bool rows_add(struct rows *r, const struct spend *s, struct str id, struct str dim_bytes, struct err *e)
{
	struct dim *dim = dim_find(r, dim_bytes, e);
	size_t row = feed_rows(r->feed);

	if (!dim)
		return false;
	row_fill(feed_row(r->feed), s, id, dim->id);
	r->waiting[row].dim = dim;
	r->waiting[row].hour = ulid_time_ms(s->id) / HOUR_MS;
	return true;
}

/* Rows [first, first + n) of the feed; *added of them were not there before. */
static bool insert(struct rows *r, size_t first, size_t n, size_t *added, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "INSERT INTO spend SELECT * FROM feed_spend WHERE true ON CONFLICT DO NOTHING");

	feed_show(r->feed, first, n);
	if (!stmt_run(s, e))
		return false;
	*added = (size_t)db_changes(r->db);
	return true;
}

/* One by one, to know which are new. */
static bool insert_each(struct rows *r, uint64_t *added, struct err *e)
{
	for (size_t i = 0; i < feed_rows(r->feed); i++) {
		size_t one = 0;

		if (!insert(r, i, 1, &one, e) || (one && !sums_add(r, i, e)))
			return false;
		*added += one;
	}
	return true;
}

static bool flush(struct rows *r, uint64_t *added, struct err *e)
{
	size_t n = feed_rows(r->feed), got = 0;

	if (!stmt_run(db_stmt(r->db, "SAVEPOINT feed"), e) || !insert(r, 0, n, &got, e))
		return false;
	if (got != n) /* some are there already: once more, slowly */
		return stmt_run(db_stmt(r->db, "ROLLBACK TO feed"), e) && stmt_run(db_stmt(r->db, "RELEASE feed"), e) &&
		       insert_each(r, added, e);
	for (size_t i = 0; i < n; i++)
		if (!sums_add(r, i, e))
			return false;
	*added += n;
	return stmt_run(db_stmt(r->db, "RELEASE feed"), e);
}

bool rows_flush(struct rows *r, uint64_t *added, uint64_t *doubled, struct err *e)
{
	uint64_t n = feed_rows(r->feed), new_ones = 0;

	if (n && !flush(r, &new_ones, e))
		return false;
	feed_clear(r->feed);
	*added += new_ones;
	*doubled += n - new_ones;
	return true;
}

bool rows_begin(struct rows *r, struct err *e)
{
	assert(!r->open && feed_rows(r->feed) == 0);
	if (r->dims.n > DIMS_CACHED_MAX)
		dims_clear(r);
	return db_begin(r->db, e);
}

bool rows_commit(struct rows *r, struct err *e)
{
	assert(feed_rows(r->feed) == 0);
	return sums_store_all(r, e) && db_commit(r->db, e);
}

/* Rows of spend_dim that this transaction made are gone, and with them what the cache says. */
void rows_rollback(struct rows *r)
{
	feed_clear(r->feed);
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

bool rows_forget(struct rows *r, const char *file, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "DELETE FROM journal WHERE file = ?1");

	stmt_bind_text(s, 1, str_from_z(file));
	return stmt_run(s, e);
}

static bool is_kept(const struct jfile *keep, struct str name)
{
	for (; keep; keep = keep->next)
		if (str_eq(str_from_z(keep->name), name))
			return true;
	return false;
}

bool rows_forget_others(struct rows *r, const struct jfile *keep, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "SELECT file FROM journal");
	enum stmt_result result;
	bool ok = true;

	while (ok && (result = stmt_step(s, e)) != STMT_DONE) {
		char name[SPEND_TEXT_MAX + 1];
		struct str file = stmt_text(s, 0);

		ok = result == STMT_ROW;
		if (!ok || file.n >= sizeof(name) || is_kept(keep, file))
			continue;
		memcpy(name, file.p, file.n);
		name[file.n] = '\0';
		ok = rows_forget(r, name, e);
	}
	stmt_reset(s);
	return ok;
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
	r->feed = feed_new(db, "feed_spend",
		"CREATE TABLE x (id, dim, status, attempts, flags, cost_nusd, input, output, cache_read, cache_write, "
		"reasoning, first_byte_ms, latency_ms, overhead_us, client_id, user, tags, error)",
		COLUMNS, FEED_ROWS, e);
	if (r->feed)
		return r;
	rows_close(r);
	return NULL;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	dims_clear(r);
	db_close(r->db);
	feed_free(r->feed);
	free(r);
}
