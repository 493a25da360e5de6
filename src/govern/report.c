/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over the ledger: from spend_sum for whole hours, and from the records for what is left at both ends. */
#include "govern/report.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "govern/govern_in.h"

#define DAY_HOURS 24u
enum { WAIT_MS = 30000, GROUPS_MAX = 10000 };

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

bool report_arena_full(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE,
	               "the report is larger than the memory of one request; ask with a smaller limit");
}

/* The stored name; of a key of the configuration, the id says it. */
struct str report_key_name(struct arena *a, struct str stored, struct str id)
{
	return arena_dup(a, stored.n == 0 && str_starts(id, STR("cfg_")) ? str_slice(id, 4, id.n) : stored);
}

/* All statements of one question see the same moment. */
struct db *report_begin(struct ledger *l, struct err *e)
{
	struct db *db = ledger_flush(l, WAIT_MS, e) ? ledger_reader_take(l, e) : NULL;

	if (!db || db_exec(db, "BEGIN", e))
		return db;
	ledger_reader_give(l);
	return NULL;
}

void report_end(struct ledger *l, struct db *db)
{
	if (!db_commit(db, NULL))
		db_rollback(db);
	ledger_reader_give(l);
}

struct report_span report_span(const struct report_filter *f)
{
	return (struct report_span){
		.since = f->since_ms < REPORT_TIME_MAX_MS ? f->since_ms : REPORT_TIME_MAX_MS,
		.until = f->until_ms && f->until_ms < REPORT_TIME_MAX_MS ? f->until_ms : REPORT_TIME_MAX_MS,
	};
}

bool report_dims_max(struct db *db, uint64_t *out, struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT max(id) FROM spend_dim");
	bool ok = stmt_step(s, e) == STMT_ROW;

	if (ok)
		*out = (uint64_t)stmt_i64(s, 0);
	stmt_reset(s);
	return ok;
}

/* ---- sums ---- */

/* A range of time as whole hours [from_hour, to_hour) and what is before and behind them. */
struct ranges {
	uint64_t from_hour, to_hour;
	struct {
		uint64_t from_ms, to_ms;
	} edge[2];
};

static struct ranges ranges_of(const struct report_filter *f)
{
	struct report_span span = report_span(f);
	struct ranges r = { .from_hour = (span.since + HOUR_MS - 1) / HOUR_MS, .to_hour = span.until / HOUR_MS };
	uint64_t first_end, last_begin;

	if (span.until == REPORT_TIME_MAX_MS)
		r.to_hour++; /* open end: no record is behind it, so that the hour of the end may be counted whole */
	first_end = r.from_hour * HOUR_MS;
	last_begin = r.to_hour * HOUR_MS;
	if (r.from_hour > r.to_hour) { /* within one hour */
		r.to_hour = r.from_hour;
		first_end = last_begin = span.until > span.since ? span.until : span.since;
	}
	r.edge[0].from_ms = span.since;
	r.edge[0].to_ms = first_end;
	r.edge[1].from_ms = last_begin;
	r.edge[1].to_ms = last_begin > span.until ? last_begin : span.until;
	return r;
}

/* ---- what is not whole hours ---- */

/* Sums of the records of an edge, by the number of their dim. */
struct edge {
	uint64_t from_ms, to_ms, dims_max;
	struct report_sum **sums;
};

static uint64_t count_add(uint64_t a, uint64_t b)
{
	return (uint64_t)add_capped((int64_t)a, capped(b));
}

static bool edge_add(struct edge *edge, struct str record, uint64_t slot)
{
	struct report_sum *sum;
	struct spend s;
	uint64_t dim, ms;

	if (!block_read(record, slot, &dim, &s) || dim > edge->dims_max)
		return false;
	ms = ulid_time_ms(s.id);
	if (ms < edge->from_ms || ms >= edge->to_ms)
		return true;
	sum = edge->sums[dim];
	if (!sum)
		sum = edge->sums[dim] = mem_zalloc(sizeof(*sum));
	sum->requests++;
	sum->errors += s.status >= 400;
	sum->unknown_cost_requests += !s.cost_known;
	sum->cost_nusd = add_capped(sum->cost_nusd, s.cost_nusd);
	sum->tokens.input = count_add(sum->tokens.input, s.tokens.input);
	sum->tokens.output = count_add(sum->tokens.output, s.tokens.output);
	sum->tokens.cache_read = count_add(sum->tokens.cache_read, s.tokens.cache_read);
	sum->tokens.cache_write = count_add(sum->tokens.cache_write, s.tokens.cache_write);
	sum->tokens.reasoning = count_add(sum->tokens.reasoning, s.tokens.reasoning);
	return true;
}

static bool edge_read(struct db *db, struct edge *edge, struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT id, data FROM spend_block WHERE id >= ?1 AND id < ?2");
	enum stmt_result result = STMT_DONE;
	bool ok = true;

	stmt_bind_i64(s, 1, block_number(edge->from_ms / BLOCK_SLOT_MS, 0));
	stmt_bind_i64(s, 2, block_number((edge->to_ms - 1) / BLOCK_SLOT_MS + 1, 0));
	while (ok && (result = stmt_step(s, e)) == STMT_ROW) {
		uint64_t slot = (uint64_t)stmt_i64(s, 0) >> BLOCK_SLOT_SHIFT;
		struct str rest = stmt_blob(s, 1), record;

		while (ok && block_next(&rest, &record))
			ok = edge_add(edge, record, slot);
		if (!ok || rest.n)
			ok = block_damaged(stmt_i64(s, 0), e);
	}
	stmt_reset(s);
	return ok && result == STMT_DONE;
}

static bool edge_store(struct db *db, const struct edge *edge, struct err *e)
{
	bool ok = true;

	for (uint64_t dim = 0; ok && dim <= edge->dims_max; dim++) {
		const struct report_sum *sum = edge->sums[dim];
		struct stmt *s;

		if (!sum)
			continue;
		s = db_stmt(db, "INSERT INTO spend_edge VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
		stmt_bind_i64(s, 1, (int64_t)(edge->from_ms / HOUR_MS));
		stmt_bind_i64(s, 2, (int64_t)dim);
		stmt_bind_i64(s, 3, (int64_t)sum->requests);
		stmt_bind_i64(s, 4, (int64_t)sum->errors);
		stmt_bind_i64(s, 5, (int64_t)sum->unknown_cost_requests);
		stmt_bind_i64(s, 6, sum->cost_nusd);
		stmt_bind_i64(s, 7, (int64_t)sum->tokens.input);
		stmt_bind_i64(s, 8, (int64_t)sum->tokens.output);
		stmt_bind_i64(s, 9, (int64_t)sum->tokens.cache_read);
		stmt_bind_i64(s, 10, (int64_t)sum->tokens.cache_write);
		stmt_bind_i64(s, 11, (int64_t)sum->tokens.reasoning);
		ok = stmt_run(s, e);
	}
	return ok;
}

/* Both edges' sums into a table of this connection, in memory, so that one statement groups them with the hours. */
static bool edges_sum(struct db *db, const struct ranges *r, struct err *e)
{
	struct edge edge = { 0 };
	bool ok = db_exec(db, "CREATE TEMP TABLE IF NOT EXISTS spend_edge (hour, dim, requests, errors, unknown_cost, "
	                      "cost_nusd, input, output, cache_read, cache_write, reasoning); DELETE FROM spend_edge",
	                  e) &&
	          report_dims_max(db, &edge.dims_max, e);

	for (int i = 0; ok && i < 2; i++) {
		edge.from_ms = r->edge[i].from_ms;
		edge.to_ms = r->edge[i].to_ms;
		if (edge.from_ms >= edge.to_ms)
			continue;
		edge.sums = mem_zalloc((edge.dims_max + 1) * sizeof(struct report_sum *));
		ok = edge_read(db, &edge, e) && edge_store(db, &edge, e);
		for (uint64_t dim = 0; dim <= edge.dims_max; dim++)
			free(edge.sums[dim]);
		free(edge.sums);
	}
	return ok;
}

/* ---- groups ---- */

/* One text for each group, so that statements are kept. ?3: limit; ?4 … ?6: key, model, provider, NULL for all. CROSS
 * JOIN keeps the order: by range first, then the dim by its number. */
#define NUMBERS "requests, errors, unknown_cost, cost_nusd, input, output, cache_read, cache_write, reasoning"
#define SUMS_OF(group, order) \
	"SELECT " group " AS name, sum(requests), sum(errors), sum(unknown_cost), sum(cost_nusd), sum(input), " \
	"sum(output), sum(cache_read), sum(cache_write), sum(reasoning), " REPORT_KEY_NAME(group) \
	"FROM (SELECT dim, hour / 24 AS day, " NUMBERS " FROM spend_sum WHERE hour >= ?1 AND hour < ?2 " \
	"UNION ALL SELECT dim, hour / 24, " NUMBERS " FROM spend_edge) s CROSS JOIN spend_dim d " \
	"WHERE d.id = s.dim AND " REPORT_FILTER("?4", "?5", "?6") "GROUP BY name ORDER BY " order " LIMIT ?3"

#define DEAREST "sum(cost_nusd) DESC, sum(requests) DESC, name"

static const char *const sums_sql[REPORT_GROUPS] = {
	[REPORT_TOTAL] = SUMS_OF("''", "1"),
	[REPORT_BY_KEY] = SUMS_OF("d.key_id", DEAREST),
	[REPORT_BY_MODEL] = SUMS_OF("d.model", DEAREST),
	[REPORT_BY_PROVIDER] = SUMS_OF("d.provider", DEAREST),
	[REPORT_BY_DAY] = SUMS_OF("s.day", "name"),
};

void report_bind_filter(struct stmt *s, int first, const struct report_filter *f)
{
	const struct str texts[] = { f->key_id, f->model, f->provider };

	for (int i = 0; i < 3; i++)
		if (texts[i].n)
			stmt_bind_text(s, first + i, texts[i]);
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
		.key_name = g == REPORT_BY_KEY ? report_key_name(a, stmt_text(s, 10), stmt_text(s, 0)) : STR(""),
		.requests = count_of(s, 1),
		.errors = count_of(s, 2),
		.unknown_cost_requests = count_of(s, 3),
		.cost_nusd = stmt_i64(s, 4),
		.tokens = tokens_of(s, 5),
	};
	return (out->group.p && out->key_name.p) || report_arena_full(e);
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
				return report_arena_full(e);
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

static bool sums_query(struct db *db, const struct report_filter *f, const struct ranges *r, enum report_group g,
                       size_t limit, struct arena *a, struct report *out, struct err *e)
{
	struct stmt *s = db_stmt(db, sums_sql[g]);
	bool ok;

	stmt_bind_i64(s, 1, (int64_t)r->from_hour);
	stmt_bind_i64(s, 2, (int64_t)r->to_hour);
	stmt_bind_i64(s, 3, (int64_t)limit + 1);
	report_bind_filter(s, 4, f);
	ok = sums_read(s, g, limit, a, out, e);
	stmt_reset(s);
	return ok;
}

static bool total_of_nothing(struct arena *a, struct report *out, struct err *e)
{
	out->rows = arena_zalloc(a, sizeof(*out->rows));
	if (!out->rows)
		return report_arena_full(e);
	out->rows[0].group = out->rows[0].key_name = STR("");
	out->n = 1;
	return true;
}

bool report_sums(struct ledger *l, const struct report_filter *f, enum report_group g, size_t limit, struct arena *a,
                 struct report *out, struct err *e)
{
	const struct ranges ranges = ranges_of(f);
	struct report report = { 0 };
	struct db *db;
	bool ok;

	assert(g < REPORT_GROUPS);
	if (limit < 1 || limit > GROUPS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "limit must be 1 to %d, it is %zu", GROUPS_MAX, limit);
	db = report_begin(l, e);
	if (!db)
		return false;
	ok = edges_sum(db, &ranges, e) && sums_query(db, f, &ranges, g, limit, a, &report, e);
	report_end(l, db);
	if (ok && g == REPORT_TOTAL && report.n == 0)
		ok = total_of_nothing(a, &report, e);
	if (ok)
		*out = report;
	return ok;
}
