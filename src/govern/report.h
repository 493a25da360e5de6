/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: questions to the ledger: sums and rows. Each waits first until all that was committed before the call is
 * stored, so its answer is exact. Blocking: pool threads only. Results live in the arena given.
 *
 * Money is in nano-dollars: text_from_fixed(buf, nusd, 9) writes the decimal string of dollars. Requests without a
 * known price are counted in unknown_cost_requests and add nothing to the cost.
 */
#ifndef SLUICE_GOVERN_REPORT_H
#define SLUICE_GOVERN_REPORT_H

#include "govern/spend.h"

struct arena;
struct err;
struct ledger;

/* Empty or 0: no filter. Times are real milliseconds: since <= time < until. */
struct report_filter {
	uint64_t since_ms, until_ms;
	struct str key_id, model, provider;
};

enum report_group { REPORT_TOTAL, REPORT_BY_KEY, REPORT_BY_MODEL, REPORT_BY_PROVIDER, REPORT_BY_DAY, REPORT_GROUPS };
const char *report_group_name(enum report_group);             /* "total", "key", "model", "provider", "day" */
MUST_USE bool report_group_find(struct str name, enum report_group *out);

struct report_sum {
	struct str group;               /* key id, model, provider or "2026-11-27" (UTC); empty for the total */
	struct str key_name;            /* with REPORT_BY_KEY: its name; empty if unknown */
	uint64_t requests, errors;      /* errors: status 400 and above */
	uint64_t unknown_cost_requests;
	int64_t cost_nusd;
	struct spend_tokens tokens;
};

struct report {
	struct report_sum *rows;        /* dearest first; days in their order */
	size_t n;
	bool more;                      /* there are more groups than `limit` */
};

/* `limit`: 1 … 10,000 groups. The total has always one row. */
MUST_USE bool report_sums(struct ledger *, const struct report_filter *, enum report_group, size_t limit,
                          struct arena *, struct report *, struct err *);

struct report_row {
	struct spend spend;
	uint64_t time_ms;
	struct str key_name;            /* empty if unknown */
};

struct report_rows {
	struct report_row *rows;        /* newest first */
	size_t n;
	struct str next_cursor;         /* empty: the last page */
};

/* `limit`: 1 … 1000; `cursor`: next_cursor of the page before, or empty. ERR_INVALID_REQUEST: a bad cursor. */
MUST_USE bool report_rows(struct ledger *, const struct report_filter *, size_t limit, struct str cursor,
                          struct arena *, struct report_rows *, struct err *);

/* The row of one request. ERR_NOT_FOUND: none. */
MUST_USE bool report_get(struct ledger *, struct ulid id, struct arena *, struct report_row *, struct err *);

#endif
