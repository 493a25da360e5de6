/* SPDX-License-Identifier: Apache-2.0 */
/* Spend records on their way into SQLite: blocks of rows, what repeats in them (dims), and sums by hour. */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "govern/govern_in.h"
#include "json/write.h"

#define HOUR_MS 3600000u
enum { DIMS_CACHED_MAX = 4096, BLOCK_ROWS = 256, FILES_KEPT = 10000 };

/* A row as JSON: numbers, and four texts of which each byte may need six. */
enum { ROW_NUMBERS = 13, ROW_TEXTS = 4, ROW_FIXED_MAX = 40 + ROW_NUMBERS * 21 };
enum { ROW_MAX = ROW_FIXED_MAX + ROW_TEXTS * (6 * SPEND_TEXT_MAX + 3) };

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

struct rows {
	struct db *db;
	struct buf block;       /* rows of the block under way, each with a comma behind it */
	unsigned n;             /* of them */
	struct ulid first, last;
	struct map dims;
	struct dim *open;
	struct dim *last_dim;   /* found by the record before: most often it is the same */
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

static bool sums_add(struct rows *r, struct dim *dim, const struct spend *s, struct err *e)
{
	const uint64_t tokens[] = { s->tokens.input, s->tokens.output, s->tokens.cache_read, s->tokens.cache_write,
		                    s->tokens.reasoning };
	uint64_t hour = ulid_time_ms(s->id) / HOUR_MS;
	int64_t *sums = dim->sums;

	if (dim->open && dim->hour != hour && !sums_store(r, dim, e))
		return false;
	if (!dim->open) {
		dim->open = true;
		dim->next_open = r->open;
		r->open = dim;
	}
	dim->hour = hour;
	sums[SUM_REQUESTS]++;
	sums[SUM_ERRORS] += s->status >= 400;
	if (s->cost_known)
		sums[SUM_COST] = add_capped(sums[SUM_COST], s->cost_nusd);
	else
		sums[SUM_UNKNOWN_COST]++;
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		sums[SUM_INPUT + i] = add_capped(sums[SUM_INPUT + i], capped(tokens[i]));
	return true;
}

/* ---- blocks ---- */

void spend_id_hex(const struct ulid *id, char out[SPEND_ID_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(id->b); i++) {
		out[2 * i] = digits[id->b[i] >> 4];
		out[2 * i + 1] = digits[id->b[i] & 15];
	}
}

static char *number_put(char *p, uint64_t v)
{
	*p++ = ',';
	if (v < 10) {
		*p = (char)('0' + v);
		return p + 1;
	}
	return p + fmt_u64(p, v > INT64_MAX ? INT64_MAX : v);
}

/* The order of the view `spend`. */
static void row_write(struct buf *b, const struct spend *s, int64_t dim)
{
	char *start = buf_reserve(b, ROW_MAX), *p = start;

	assert(start); /* rows_open's ceiling is that of a block */
	memcpy(p, "[\"", 2);
	spend_id_hex(&s->id, p + 2);
	p[2 + SPEND_ID_HEX] = '"';
	p = number_put(p + 3 + SPEND_ID_HEX, (uint64_t)dim);
	p = number_put(p, s->status);
	p = number_put(p, s->attempts);
	p = number_put(p, (unsigned)s->stream | (unsigned)s->usage << 1);
	if (s->cost_known) {
		p = number_put(p, (uint64_t)s->cost_nusd);
	} else {
		memcpy(p, ",null", 5);
		p += 5;
	}
	p = number_put(p, s->tokens.input);
	p = number_put(p, s->tokens.output);
	p = number_put(p, s->tokens.cache_read);
	p = number_put(p, s->tokens.cache_write);
	p = number_put(p, s->tokens.reasoning);
	p = number_put(p, s->first_byte_ms);
	p = number_put(p, s->latency_ms);
	p = number_put(p, s->overhead_us);
	assert(p <= start + ROW_FIXED_MAX);
	b->n += (size_t)(p - start);
	if (s->client_id.n + s->user.n + s->tags.n + s->error.n) {
		const struct str texts[ROW_TEXTS] = { s->client_id, s->user, s->tags, s->error };

		for (int i = 0; i < ROW_TEXTS; i++)
			if (!buf_append_c(b, ',') || !json_append_str(b, texts[i]))
				assert(!"the ceiling of a block");
	}
	if (!buf_append(b, STR("],")))
		assert(!"the ceiling of a block");
}

static bool block_store(struct rows *r, struct err *e)
{
	struct stmt *s = db_stmt(r->db, "INSERT INTO spend_block (first, last, rows) VALUES (?1, ?2, ?3)");
	char first[SPEND_ID_HEX], last[SPEND_ID_HEX];
	bool ok;

	if (r->n == 0)
		return true;
	spend_id_hex(&r->first, first);
	spend_id_hex(&r->last, last);
	r->block.p[r->block.n - 1] = ']';
	stmt_bind_text(s, 1, str_of(first, SPEND_ID_HEX));
	stmt_bind_text(s, 2, str_of(last, SPEND_ID_HEX));
	stmt_bind_text(s, 3, buf_str(&r->block));
	ok = stmt_run(s, e);
	buf_clear(&r->block);
	r->n = 0;
	return ok;
}

bool rows_add(struct rows *r, const struct spend *s, struct str dim_bytes, struct err *e)
{
	struct dim *dim = dim_find(r, dim_bytes, e);

	if (!dim || (r->n == BLOCK_ROWS && !block_store(r, e)))
		return false;
	if (r->n == 0) {
		r->first = r->last = s->id;
		buf_append_c(&r->block, '[');
	} else if (memcmp(s->id.b, r->first.b, sizeof(s->id.b)) < 0) {
		r->first = s->id;
	} else if (memcmp(s->id.b, r->last.b, sizeof(s->id.b)) > 0) {
		r->last = s->id;
	}
	row_write(&r->block, s, dim->id);
	r->n++;
	return sums_add(r, dim, s, e);
}

bool rows_begin(struct rows *r, struct err *e)
{
	assert(!r->open && r->n == 0);
	if (r->dims.n > DIMS_CACHED_MAX)
		dims_clear(r);
	return db_begin(r->db, e);
}

bool rows_commit(struct rows *r, struct err *e)
{
	return block_store(r, e) && sums_store_all(r, e) && db_commit(r->db, e);
}

/* Rows of spend_dim that this transaction made are gone, and with them what the cache says. */
void rows_rollback(struct rows *r)
{
	buf_clear(&r->block);
	r->n = 0;
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
	r->block = buf_make((size_t)BLOCK_ROWS * ROW_MAX + 2);
	return r;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	dims_clear(r);
	db_close(r->db);
	buf_fini(&r->block);
	free(r);
}
