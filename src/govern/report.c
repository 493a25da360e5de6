/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the ledger: sums from spend_sum for whole hours and from rows for what is left at both ends; rows. */
#include "govern/report.h"

#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "govern/govern_in.h"

#define HOUR_MS   3600000u
#define DAY_HOURS 24u
/* The years to which days can be written; also keeps sums of times far from overflow. */
#define TIME_MAX_MS 253402300799999u /* 9999-12-31T23:59:59.999Z */
enum { WAIT_MS = 30000, GROUPS_MAX = 10000, ROWS_MAX = 1000 };

static const char *const group_names[REPORT_GROUPS] = {
	[REPORT_TOTAL] = "total",          [REPORT_BY_KEY] = "key", [REPORT_BY_MODEL] = "model",
	[REPORT_BY_PROVIDER] = "provider", [REPORT_BY_DAY] = "day",
};

const char *report_group_name(enum report_group g)
{
	assert(g < REPORT_GROUPS);
	return group_names[g];
}

bool report_group_find(struct str name, enum report_group *out)
{
	for (int i = 0; i < REPORT_GROUPS; i++) {
		if (!str_eq(name, str_from_z(group_names[i])))
			continue;
		*out = (enum report_group)i;
		return true;
	}
	return false;
}

static bool arena_full(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE,
	               "the report is larger than the memory of one request; ask with a smaller limit");
}

/* The stored name; of a key of the configuration, the id says it. */
static struct str key_name(struct arena *a, struct str stored, struct str id)
{
	return arena_dup(a, stored.n == 0 && str_starts(id, STR("cfg_")) ? str_slice(id, 4, id.n) : stored);
}

/* ---- times as ids ---- */

/* An id as SQLite has it; n 0: before all others. */
struct id {
	char p[SPEND_ID_HEX];
	size_t n;
};

static struct id id_of(const struct ulid *u)
{
	struct id id = { .n = SPEND_ID_HEX };

	spend_id_hex(u, id.p);
	return id;
}

/* The smallest id of a time. */
static struct id id_at(uint64_t ms)
{
	struct ulid u = { { 0 } };

	for (int i = 5; i >= 0; i--, ms >>= 8)
		u.b[i] = (uint8_t)ms;
	return id_of(&u);
}

static uint64_t until_of(const struct report_filter *f)
{
	return f->until_ms && f->until_ms < TIME_MAX_MS ? f->until_ms : TIME_MAX_MS;
}

static void bind_id(struct stmt *s, int at, const struct id *id)
{
	stmt_bind_text(s, at, str_of(id->p, id->n));
}

/* ---- sums ---- */

/* A range of time as whole hours [from_hour, to_hour) and the rows before and behind them. */
struct ranges {
	uint64_t from_hour, to_hour;
	struct {
		struct id from, to;
		uint64_t day;
	} edge[2];
};

static struct ranges ranges_of(const struct report_filter *f)
{
	uint64_t since = f->since_ms < TIME_MAX_MS ? f->since_ms : TIME_MAX_MS, until = until_of(f);
	struct ranges r = { .from_hour = (since + HOUR_MS - 1) / HOUR_MS, .to_hour = until / HOUR_MS };
	uint64_t first_end, last_begin;

	if (until == TIME_MAX_MS)
		r.to_hour++; /* open end: no row is behind it, so that the hour of the end may be counted whole */
	first_end = r.from_hour * HOUR_MS;
	last_begin = r.to_hour * HOUR_MS;
	if (r.from_hour > r.to_hour) { /* within one hour */
		r.to_hour = r.from_hour;
		first_end = last_begin = until > since ? until : since;
	}
	r.edge[0].from = id_at(since);
	r.edge[0].to = id_at(first_end);
	r.edge[0].day = since / HOUR_MS / DAY_HOURS;
	r.edge[1].from = id_at(last_begin);
	r.edge[1].to = id_at(last_begin > until ? last_begin : until);
	r.edge[1].day = last_begin / HOUR_MS / DAY_HOURS;
	return r;
}

/* One text for each group, so that statements are kept. ?11 … ?13: key, model, provider, NULL for all. CROSS JOIN
 * keeps the order: by range first, then the dim by its number. */
#define NUMBERS "requests, errors, unknown_cost, cost_nusd, input, output, cache_read, cache_write, reasoning"
#define IN_RANGE(t, from, to) \
	t "block_last >= " from " AND " t "block_first < " to " AND " t "id >= " from " AND " t "id < " to
#define EDGE(from, to, day) \
	"SELECT dim, " day ", 1, status >= 400, cost_nusd IS NULL, coalesce(cost_nusd, 0), input, output, " \
	"cache_read, cache_write, reasoning FROM spend WHERE " IN_RANGE("", from, to)
#define FILTER \
	"(?11 IS NULL OR d.key_id = ?11) AND (?12 IS NULL OR d.model = ?12) AND (?13 IS NULL OR d.provider = ?13) "
#define KEY_NAME(id) "(SELECT k.name FROM keys k WHERE k.id = " id ") "
#define SUMS_OF(group, order) \
	"SELECT " group " AS name, sum(requests), sum(errors), sum(unknown_cost), sum(cost_nusd), sum(input), " \
	"sum(output), sum(cache_read), sum(cache_write), sum(reasoning), " KEY_NAME(group) \
	"FROM (SELECT dim, hour / 24 AS day, " NUMBERS " FROM spend_sum WHERE hour >= ?1 AND hour < ?2 " \
	"UNION ALL " EDGE("?3", "?4", "?5") " UNION ALL " EDGE("?6", "?7", "?8") ") s CROSS JOIN spend_dim d " \
	"WHERE d.id = s.dim AND " FILTER "GROUP BY name ORDER BY " order " LIMIT ?9"

#define DEAREST "sum(cost_nusd) DESC, sum(requests) DESC, name"

static const char *const sums_sql[REPORT_GROUPS] = {
	[REPORT_TOTAL] = SUMS_OF("''", "1"),
	[REPORT_BY_KEY] = SUMS_OF("d.key_id", DEAREST),
	[REPORT_BY_MODEL] = SUMS_OF("d.model", DEAREST),
	[REPORT_BY_PROVIDER] = SUMS_OF("d.provider", DEAREST),
	[REPORT_BY_DAY] = SUMS_OF("s.day", "name"),
};

static void bind_filter(struct stmt *s, const struct report_filter *f)
{
	const struct str texts[] = { f->key_id, f->model, f->provider };

	for (int i = 0; i < 3; i++)
		if (texts[i].n)
			stmt_bind_text(s, 11 + i, texts[i]);
}

static struct str day_name(struct arena *a, int64_t day)
{
	char text[CLOCK_RFC3339_LEN];

	clock_rfc3339(text, (uint64_t)day * DAY_HOURS * HOUR_MS);
	return arena_dup(a, str_of(text, 10));
}

static uint64_t count_of(struct stmt *s, int at)
{
	int64_t v = stmt_i64(s, at);

	return v > 0 ? (uint64_t)v : 0;
}

static struct spend_tokens tokens_of(struct stmt *s, int at)
{
	return (struct spend_tokens){
		count_of(s, at), count_of(s, at + 1), count_of(s, at + 2), count_of(s, at + 3), count_of(s, at + 4),
	};
}

static bool sum_read(struct stmt *s, enum report_group g, struct arena *a, struct report_sum *out, struct err *e)
{
	*out = (struct report_sum){
		.group = g == REPORT_BY_DAY ? day_name(a, stmt_i64(s, 0)) : arena_dup(a, stmt_text(s, 0)),
		.key_name = g == REPORT_BY_KEY ? key_name(a, stmt_text(s, 10), stmt_text(s, 0)) : STR(""),
		.requests = count_of(s, 1),
		.errors = count_of(s, 2),
		.unknown_cost_requests = count_of(s, 3),
		.cost_nusd = stmt_i64(s, 4),
		.tokens = tokens_of(s, 5),
	};
	return (out->group.p && out->key_name.p) || arena_full(e);
}

/* Rows come one after the other and the arena does not move them, so each is allocated alone next to the others. */
static bool sums_read(struct stmt *s, enum report_group g, size_t limit, struct arena *a, struct report *out,
                      struct err *e)
{
	size_t cap = 0;
	enum stmt_result r;

	while ((r = stmt_step(s, e)) == STMT_ROW) {
		if (out->n == limit) {
			out->more = true;
			return true;
		}
		if (out->n == cap) {
			struct report_sum *more = arena_alloc(a, (cap ? 2 * cap : 16) * sizeof(*more));

			if (!more)
				return arena_full(e);
			if (cap)
				memcpy(more, out->rows, cap * sizeof(*more));
			out->rows = more;
			cap = cap ? 2 * cap : 16;
		}
		if (!sum_read(s, g, a, &out->rows[out->n], e))
			return false;
		out->n++;
	}
	return r == STMT_DONE;
}

static bool total_of_nothing(struct arena *a, struct report *out, struct err *e)
{
	out->rows = arena_zalloc(a, sizeof(*out->rows));
	if (!out->rows)
		return arena_full(e);
	out->rows[0].group = out->rows[0].key_name = STR("");
	out->n = 1;
	return true;
}

static struct db *reader(struct ledger *l, struct err *e)
{
	return ledger_flush(l, WAIT_MS, e) ? ledger_reader_take(l, e) : NULL;
}

bool report_sums(struct ledger *l, const struct report_filter *f, enum report_group g, size_t limit, struct arena *a,
                 struct report *out, struct err *e)
{
	const struct ranges ranges = ranges_of(f);
	struct report report = { 0 };
	struct db *db;
	struct stmt *s;
	bool ok;

	assert(g < REPORT_GROUPS);
	if (limit < 1 || limit > GROUPS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "limit must be 1 to %d, it is %zu", GROUPS_MAX, limit);
	db = reader(l, e);
	if (!db)
		return false;
	s = db_stmt(db, sums_sql[g]);
	stmt_bind_i64(s, 1, (int64_t)ranges.from_hour);
	stmt_bind_i64(s, 2, (int64_t)ranges.to_hour);
	for (int i = 0; i < 2; i++) {
		bind_id(s, 3 + 3 * i, &ranges.edge[i].from);
		bind_id(s, 4 + 3 * i, &ranges.edge[i].to);
		stmt_bind_i64(s, 5 + 3 * i, (int64_t)ranges.edge[i].day);
	}
	stmt_bind_i64(s, 9, (int64_t)limit + 1);
	bind_filter(s, f);
	ok = sums_read(s, g, limit, a, &report, e);
	stmt_reset(s);
	ledger_reader_give(l);
	if (ok && g == REPORT_TOTAL && report.n == 0)
		ok = total_of_nothing(a, &report, e);
	if (ok)
		*out = report;
	return ok;
}

/* ---- rows ---- */

#define ROW_COLUMNS \
	"SELECT s.id, s.status, s.attempts, s.flags, s.cost_nusd, s.input, s.output, s.cache_read, s.cache_write, " \
	"s.reasoning, s.first_byte_ms, s.latency_ms, s.overhead_us, s.client_id, s.user, s.tags, s.error, d.key_id, " \
	"d.team, d.model, d.provider, d.deployment, d.upstream_model, d.endpoint, d.dialect, " KEY_NAME("d.key_id") \
	"FROM spend s CROSS JOIN spend_dim d WHERE d.id = s.dim "
enum { COLUMN_TEXTS = 13, COLUMN_KEY_NAME = 25 };

static bool row_texts(struct stmt *s, struct arena *a, struct report_row *out, struct err *e)
{
	struct spend *p = &out->spend;
	struct str *const texts[] = {
		&p->client_id, &p->user,     &p->tags,       &p->error,          &p->key_id,   &p->team,
		&p->model,     &p->provider, &p->deployment, &p->upstream_model, &p->endpoint, &p->dialect,
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		*texts[i] = arena_dup(a, stmt_text(s, COLUMN_TEXTS + (int)i));
		if (!texts[i]->p)
			return arena_full(e);
	}
	out->key_name = key_name(a, stmt_text(s, COLUMN_KEY_NAME), p->key_id);
	return out->key_name.p || arena_full(e);
}

static bool row_read(struct stmt *s, struct arena *a, struct report_row *out, struct err *e)
{
	struct str id = stmt_text(s, 0);
	int64_t flags = stmt_i64(s, 3);

	out->spend = (struct spend){
		.status = (unsigned)stmt_i64(s, 1),
		.attempts = (unsigned)stmt_i64(s, 2),
		.stream = flags & 1,
		.usage = flags >> 1 <= SPEND_USAGE_COUNTED ? (enum spend_usage)(flags >> 1) : SPEND_USAGE_NONE,
		.cost_known = !stmt_is_null(s, 4),
		.cost_nusd = stmt_i64(s, 4),
		.tokens = tokens_of(s, 5),
		.first_byte_ms = (uint32_t)stmt_i64(s, 10),
		.latency_ms = (uint32_t)stmt_i64(s, 11),
		.overhead_us = (uint32_t)stmt_i64(s, 12),
	};
	if (!text_from_hex(id, out->spend.id.b, sizeof(out->spend.id.b)))
		return err_set(e, ERR_SYSTEM, "the ledger has a row with the id \"%.*s\"",
		               STR_ARG(str_slice(id, 0, 64)));
	out->time_ms = ulid_time_ms(out->spend.id);
	return row_texts(s, a, out, e);
}

static bool rows_read(struct stmt *s, size_t limit, struct arena *a, struct report_rows *out, struct err *e)
{
	enum stmt_result r;

	out->n = 0;
	out->rows = arena_alloc(a, limit * sizeof(*out->rows));
	if (!out->rows)
		return arena_full(e);
	while ((r = stmt_step(s, e)) == STMT_ROW) {
		char text[ULID_LEN];

		if (out->n < limit) {
			if (!row_read(s, a, &out->rows[out->n++], e))
				return false;
			continue;
		}
		ulid_text(text, out->rows[limit - 1].spend.id); /* one more than asked for: there is another page */
		out->next_cursor = arena_dup(a, str_of(text, ULID_LEN));
		return out->next_cursor.p || arena_full(e);
	}
	return r == STMT_DONE;
}

/* Rows before the cursor's are the next page. */
static bool upper_end(const struct report_filter *f, struct str cursor, struct id *out, struct err *e)
{
	struct id until = id_at(until_of(f));
	struct ulid at;

	*out = until;
	if (cursor.n == 0)
		return true;
	if (!spend_id_read(cursor, &at))
		return err_set(e, ERR_INVALID_REQUEST, "cursor is not one that this list has given");
	*out = id_of(&at);
	if (memcmp(out->p, until.p, SPEND_ID_HEX) > 0)
		*out = until;
	return true;
}

/* The newest `blocks` blocks of a range hold all its rows behind the last id of the one below them, whatever order they
 * ended in. *above: that id; none when there is no such block. */
static bool window_floor(struct db *db, const struct id *from, const struct id *to, int64_t blocks, struct id *above,
                         struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT last FROM spend_block WHERE last >= ?1 AND first < ?2 "
	                             "ORDER BY last DESC LIMIT 1 OFFSET ?3");
	enum stmt_result r;
	struct str last;

	bind_id(s, 1, from);
	bind_id(s, 2, to);
	stmt_bind_i64(s, 3, blocks);
	r = stmt_step(s, e);
	above->n = 0;
	if (r == STMT_ROW && (last = stmt_text(s, 0)).n == SPEND_ID_HEX) {
		memcpy(above->p, last.p, SPEND_ID_HEX);
		above->n = SPEND_ID_HEX;
	}
	stmt_reset(s);
	return r != STMT_FAILED;
}

/* Newest first. Not to read a whole history for one page, it is looked through in windows that grow. */
static bool rows_find(struct db *db, const struct report_filter *f, size_t limit, const struct id *from,
                      const struct id *to, struct arena *a, struct report_rows *rows, struct err *e)
{
	struct arena_mark mark = arena_mark(a);
	struct id above;
	bool ok;

	for (int64_t blocks = 16;; blocks *= 4) {
		struct stmt *s;

		if (!window_floor(db, from, to, blocks, &above, e))
			return false;
		s = db_stmt(db, ROW_COLUMNS "AND " IN_RANGE("s.", "?1", "?2") " AND s.block_last > ?4 AND s.id > ?4 "
		                            "AND " FILTER "ORDER BY s.id DESC LIMIT ?3");
		bind_id(s, 1, from);
		bind_id(s, 2, to);
		stmt_bind_i64(s, 3, (int64_t)limit + 1);
		bind_id(s, 4, &above);
		bind_filter(s, f);
		ok = rows_read(s, limit, a, rows, e);
		stmt_reset(s);
		if (!ok || rows->next_cursor.n || above.n == 0)
			return ok;
		arena_rewind(a, mark);
	}
}

bool report_rows(struct ledger *l, const struct report_filter *f, size_t limit, struct str cursor, struct arena *a,
                 struct report_rows *out, struct err *e)
{
	struct report_rows rows = { 0 };
	struct id from = id_at(f->since_ms < TIME_MAX_MS ? f->since_ms : TIME_MAX_MS), to;
	struct db *db;
	bool ok;

	if (limit < 1 || limit > ROWS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "limit must be 1 to %d, it is %zu", ROWS_MAX, limit);
	if (!upper_end(f, cursor, &to, e))
		return false;
	db = reader(l, e);
	if (!db)
		return false;
	ok = rows_find(db, f, limit, &from, &to, a, &rows, e);
	ledger_reader_give(l);
	if (ok)
		*out = rows;
	return ok;
}

bool report_get(struct ledger *l, struct ulid id, struct arena *a, struct report_row *out, struct err *e)
{
	struct db *db = reader(l, e);
	const struct id want = id_of(&id);
	struct stmt *s;
	enum stmt_result r;
	bool ok;

	if (!db)
		return false;
	s = db_stmt(db, ROW_COLUMNS "AND s.block_last >= ?1 AND s.block_first <= ?1 AND s.id = ?1");
	bind_id(s, 1, &want);
	r = stmt_step(s, e);
	ok = r == STMT_ROW    ? row_read(s, a, out, e)
	     : r == STMT_DONE ? err_set(e, ERR_NOT_FOUND, "there is no request with this id")
	                      : false;
	stmt_reset(s);
	ledger_reader_give(l);
	return ok;
}
