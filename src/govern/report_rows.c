/* SPDX-License-Identifier: Apache-2.0 */
/* Requests one by one: pages of them, newest first, and one by its id. */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "govern/govern_in.h"
#include "govern/report.h"

enum { ROWS_MAX = 1000 };

/* Where a record is. */
struct place {
	struct ulid id;
	int64_t block;
	size_t at, n;
};

/* ---- one record ---- */

/* The texts of its dim, and the key's name. */
static bool read_names(struct db *db, uint64_t dim, struct arena *a, struct report_row *out, struct err *e)
{
	struct spend *p = &out->spend;
	struct str *const texts[] = { &p->key_id,     &p->team,           &p->model,    &p->provider,
		                      &p->deployment, &p->upstream_model, &p->endpoint, &p->dialect };
	struct stmt *s = db_stmt(db, "SELECT key_id, team, model, provider, deployment, upstream_model, endpoint, "
	                             "dialect, " REPORT_KEY_NAME("d.key_id") "FROM spend_dim d WHERE id = ?1");
	enum stmt_result r;
	bool ok = true;

	stmt_bind_i64(s, 1, (int64_t)dim);
	r = stmt_step(s, e);
	if (r != STMT_ROW) {
		stmt_reset(s);
		return r == STMT_DONE ? err_set(e, ERR_SYSTEM, "the ledger's spend_dim has no row %llu",
		                                (unsigned long long)dim)
		                      : false;
	}
	for (size_t i = 0; ok && i < COUNT_OF(texts); i++) {
		*texts[i] = arena_dup(a, stmt_text(s, (int)i));
		ok = texts[i]->p;
	}
	if (ok)
		out->key_name = report_key_name(a, stmt_text(s, COUNT_OF(texts)), p->key_id);
	stmt_reset(s);
	return (ok && out->key_name.p) || report_arena_full(e);
}

static void same_names(struct report_row *out, const struct report_row *as)
{
	out->spend.key_id = as->spend.key_id;
	out->spend.team = as->spend.team;
	out->spend.model = as->spend.model;
	out->spend.provider = as->spend.provider;
	out->spend.deployment = as->spend.deployment;
	out->spend.upstream_model = as->spend.upstream_model;
	out->spend.endpoint = as->spend.endpoint;
	out->spend.dialect = as->spend.dialect;
	out->key_name = as->key_name;
}

static bool keep_texts(struct arena *a, struct spend *p, struct err *e)
{
	struct str *const texts[] = { &p->client_id, &p->user, &p->tags, &p->error };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		*texts[i] = arena_dup(a, texts[i]->n ? *texts[i] : STR(""));
		if (!texts[i]->p)
			return report_arena_full(e);
	}
	return true;
}

/* The record at `place`, whose texts go into the arena. */
static bool read_place(struct db *db, const struct place *place, struct arena *a, uint64_t *dim, struct spend *out,
                       struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT data FROM spend_block WHERE id = ?1");
	struct str data;
	bool ok;

	stmt_bind_i64(s, 1, place->block);
	ok = stmt_step(s, e) == STMT_ROW;
	if (ok) {
		data = stmt_blob(s, 0);
		assert(place->at + place->n <= data.n); /* seen in the same transaction */
		if (block_read(str_slice(data, place->at, place->at + place->n),
		               (uint64_t)place->block >> BLOCK_SLOT_SHIFT, dim, out))
			ok = keep_texts(a, out, e);
		else
			ok = block_damaged(place->block, e);
	}
	stmt_reset(s);
	return ok;
}

static bool read_rows(struct db *db, const struct place *places, size_t n, struct arena *a, struct report_row *rows,
                      struct err *e)
{
	uint64_t dim = 0, before = 0;

	for (size_t i = 0; i < n; i++) {
		struct report_row *row = &rows[i];

		memset(row, 0, sizeof(*row));
		if (!read_place(db, &places[i], a, &dim, &row->spend, e))
			return false;
		row->time_ms = ulid_time_ms(row->spend.id);
		if (i && dim == before)
			same_names(row, row - 1);
		else if (!read_names(db, dim, a, row, e))
			return false;
		before = dim;
	}
	return true;
}

/* ---- the newest of a range ---- */

struct search {
	struct db *db;
	uint64_t from_ms;
	struct ulid to;         /* only ids before it */
	uint64_t dims_max;
	bool *dims;             /* by their number: the filter takes them */
	struct place *heap;     /* the newest found so far, the oldest of them on top */
	size_t n, max;
};

static int by_id(const struct place *a, const struct place *b)
{
	return memcmp(a->id.b, b->id.b, sizeof(a->id.b));
}

static int newest_first(const void *a, const void *b)
{
	return by_id(b, a);
}

static void heap_up(struct place *heap, size_t at)
{
	for (size_t above; at && (above = (at - 1) / 2, by_id(&heap[at], &heap[above]) < 0); at = above) {
		struct place p = heap[at];

		heap[at] = heap[above];
		heap[above] = p;
	}
}

static void heap_down(struct place *heap, size_t n)
{
	for (size_t at = 0, below; (below = 2 * at + 1) < n; at = below) {
		struct place p = heap[at];

		below += below + 1 < n && by_id(&heap[below + 1], &heap[below]) < 0;
		if (by_id(&heap[below], &heap[at]) >= 0)
			return;
		heap[at] = heap[below];
		heap[below] = p;
	}
}

static bool look_at(struct search *s, struct str record, int64_t block, size_t at, struct err *e)
{
	struct place place = { .block = block, .at = at, .n = record.n };
	uint64_t dim;

	block_id(record, (uint64_t)block >> BLOCK_SLOT_SHIFT, &place.id);
	if (memcmp(place.id.b, s->to.b, sizeof(place.id.b)) >= 0 || ulid_time_ms(place.id) < s->from_ms)
		return true;
	if (s->n == s->max && by_id(&place, &s->heap[0]) < 0)
		return true;
	if (!block_dim(record, &dim) || dim > s->dims_max)
		return block_damaged(block, e);
	if (!s->dims[dim])
		return true;
	if (s->n == s->max) {
		s->heap[0] = place;
		heap_down(s->heap, s->n);
		return true;
	}
	s->heap[s->n] = place;
	heap_up(s->heap, s->n++);
	return true;
}

/* Blocks from the newest slot down; a slot that is left behind cannot have newer ones than those found. */
static bool search_slots(struct search *s, uint64_t from_slot, uint64_t to_slot, struct err *e)
{
	struct stmt *st = db_stmt(s->db, "SELECT id, data FROM spend_block WHERE id >= ?1 AND id < ?2 "
	                                 "ORDER BY id DESC");
	enum stmt_result r = STMT_DONE;
	uint64_t slot = to_slot;
	bool ok = true;

	stmt_bind_i64(st, 1, block_number(from_slot, 0));
	stmt_bind_i64(st, 2, block_number(to_slot, 0));
	while (ok && (r = stmt_step(st, e)) == STMT_ROW) {
		int64_t block = stmt_i64(st, 0);
		struct str data = stmt_blob(st, 1), rest = data, record;

		if (slot != (uint64_t)block >> BLOCK_SLOT_SHIFT && s->n == s->max)
			break;
		slot = (uint64_t)block >> BLOCK_SLOT_SHIFT;
		while (ok && block_next(&rest, &record))
			ok = look_at(s, record, block, (size_t)(record.p - data.p), e);
		if (ok && rest.n)
			ok = block_damaged(block, e);
	}
	stmt_reset(st);
	return ok && r != STMT_FAILED;
}

/* The newest hour before `end` in which the filter finds anything: hours without are not read. *found false: none. */
static bool hour_before(struct search *s, const struct report_filter *f, uint64_t end, uint64_t *hour, bool *found,
                        struct err *e)
{
	struct stmt *st = db_stmt(s->db, "SELECT s.hour FROM spend_sum s CROSS JOIN spend_dim d WHERE s.hour < ?1 "
	                                 "AND d.id = s.dim AND " REPORT_FILTER("?2", "?3", "?4")
	                                 "ORDER BY s.hour DESC LIMIT 1");
	enum stmt_result r;

	stmt_bind_i64(st, 1, (int64_t)end);
	report_bind_filter(st, 2, f);
	r = stmt_step(st, e);
	*found = r == STMT_ROW;
	if (*found)
		*hour = (uint64_t)stmt_i64(st, 0);
	stmt_reset(st);
	return r != STMT_FAILED;
}

#define HOUR_SLOTS (HOUR_MS / BLOCK_SLOT_MS)

static bool search_hours(struct search *s, const struct report_filter *f, struct err *e)
{
	uint64_t hour = ulid_time_ms(s->to) / HOUR_MS + 1;
	uint64_t from_slot = s->from_ms / BLOCK_SLOT_MS, to_slot = ulid_time_ms(s->to) / BLOCK_SLOT_MS + 1;
	bool found = true;

	while (s->n < s->max && hour * HOUR_MS > s->from_ms) {
		uint64_t first, end;

		if (!hour_before(s, f, hour, &hour, &found, e))
			return false;
		if (!found)
			break;
		first = hour * HOUR_SLOTS;
		end = first + HOUR_SLOTS;
		if (!search_slots(s, first > from_slot ? first : from_slot, end < to_slot ? end : to_slot, e))
			return false;
	}
	return true;
}

static bool search_dims(struct search *s, const struct report_filter *f, struct err *e)
{
	struct stmt *st;
	enum stmt_result r;

	if (!report_dims_max(s->db, &s->dims_max, e))
		return false;
	s->dims = mem_zalloc(s->dims_max + 1);
	st = db_stmt(s->db, "SELECT d.id FROM spend_dim d WHERE " REPORT_FILTER("?1", "?2", "?3"));
	report_bind_filter(st, 1, f);
	while ((r = stmt_step(st, e)) == STMT_ROW)
		s->dims[stmt_i64(st, 0)] = true;
	stmt_reset(st);
	return r == STMT_DONE;
}

static bool read_page(struct search *s, size_t limit, struct arena *a, struct report_rows *out, struct err *e)
{
	char text[ULID_LEN];

	qsort(s->heap, s->n, sizeof(s->heap[0]), newest_first);
	out->n = s->n < limit ? s->n : limit;
	out->rows = arena_alloc(a, out->n * sizeof(*out->rows) + 1);
	if (!out->rows)
		return report_arena_full(e);
	if (!read_rows(s->db, s->heap, out->n, a, out->rows, e))
		return false;
	if (s->n <= limit)
		return true;
	ulid_text(text, s->heap[limit - 1].id); /* one more than asked for was found: there is another page */
	out->next_cursor = arena_dup(a, str_of(text, ULID_LEN));
	return out->next_cursor.p || report_arena_full(e);
}

/* ---- public ---- */

static struct ulid id_at(uint64_t ms)
{
	struct ulid id = { { 0 } };

	for (int i = 5; i >= 0; i--, ms >>= 8)
		id.b[i] = (uint8_t)ms;
	return id;
}

/* Rows before the cursor's are the next page. */
static bool upper_end(const struct report_filter *f, struct str cursor, struct ulid *out, struct err *e)
{
	struct ulid until = id_at(report_span(f).until), at = until;

	if (cursor.n && !spend_id_read(cursor, &at))
		return err_set(e, ERR_INVALID_REQUEST, "cursor is not one that this list has given");
	*out = memcmp(at.b, until.b, sizeof(at.b)) < 0 ? at : until;
	return true;
}

bool report_rows(struct ledger *l, const struct report_filter *f, size_t limit, struct str cursor, struct arena *a,
                 struct report_rows *out, struct err *e)
{
	struct search s = { .from_ms = report_span(f).since, .max = limit + 1 };
	struct report_rows rows = { 0 };
	bool ok;

	if (limit < 1 || limit > ROWS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "limit must be 1 to %d, it is %zu", ROWS_MAX, limit);
	if (!upper_end(f, cursor, &s.to, e))
		return false;
	s.db = report_begin(l, e);
	if (!s.db)
		return false;
	s.heap = mem_alloc(s.max * sizeof(s.heap[0]));
	ok = search_dims(&s, f, e) && search_hours(&s, f, e) && read_page(&s, limit, a, &rows, e);
	report_end(l, s.db);
	free(s.heap);
	free(s.dims);
	if (ok)
		*out = rows;
	return ok;
}

/* Where the record with this id is. ERR_NOT_FOUND: nowhere. */
static bool find_id(struct db *db, const struct ulid *id, struct place *out, struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT id, data FROM spend_block WHERE id >= ?1 AND id < ?2");
	uint64_t slot = block_slot(id);
	enum stmt_result r = STMT_DONE;
	bool found = false, damaged = false;

	stmt_bind_i64(s, 1, block_number(slot, 0));
	stmt_bind_i64(s, 2, block_number(slot + 1, 0));
	while (!found && !damaged && (r = stmt_step(s, e)) == STMT_ROW) {
		struct str data = stmt_blob(s, 1), rest = data, record;

		while (!found && block_next(&rest, &record)) {
			*out = (struct place){ .block = stmt_i64(s, 0), .at = (size_t)(record.p - data.p),
				               .n = record.n };
			block_id(record, slot, &out->id);
			found = memcmp(out->id.b, id->b, sizeof(id->b)) == 0;
		}
		damaged = !found && rest.n && !block_damaged(stmt_i64(s, 0), e);
	}
	stmt_reset(s);
	if (!found && r == STMT_DONE)
		return err_set(e, ERR_NOT_FOUND, "there is no request with this id");
	return found;
}

bool report_get(struct ledger *l, struct ulid id, struct arena *a, struct report_row *out, struct err *e)
{
	struct db *db = report_begin(l, e);
	struct place place;
	bool ok;

	if (!db)
		return false;
	ok = find_id(db, &id, &place, e) && read_rows(db, &place, 1, a, out, e);
	report_end(l, db);
	return ok;
}
