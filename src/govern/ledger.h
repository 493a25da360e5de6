/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: what was spent, exactly. Its own thread reads the loops' journals (govern/journal.h) and stores them in
 * SQLite about once a second, many records in a row (govern/block.c): one transaction holds the records, their sums by
 * hour and the journal offset they reach to, so that no crash loses or doubles one. A finished journal file is deleted;
 * the offset stays, so that a file which comes back adds nothing.
 *
 * At open, leftovers of earlier runs are replayed the same way. A record cut short at the end of a file was never
 * confirmed to anybody and is dropped. Damage elsewhere is logged with file and offset, the bytes are kept in
 * journal/<file>.<offset>.bad, and reading goes on at the next whole record.
 *
 * When SQLite fails (disk full), the thread logs it, tries again every second, and the journals grow: nothing is
 * lost.
 *
 * Queries (govern/report.h) are exact: they wait until all that was committed when they were asked is stored.
 */
#ifndef SLUICE_GOVERN_LEDGER_H
#define SLUICE_GOVERN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct err;
struct ledger;

/* What a power cut may take (a crash of the process takes nothing in any case). */
enum journal_sync {
	JOURNAL_SYNC_OFF,       /* what the kernel has not written yet: up to some 30 s */
	JOURNAL_SYNC_INTERVAL,  /* the last sync_ms */
	JOURNAL_SYNC_EACH,      /* nothing: every turn waits for the disk */
};

struct ledger_options {
	const char *data_dir;           /* exists and is locked (store/dir.h) */
	enum journal_sync sync;
	unsigned sync_ms;               /* 0: 100 */
	uint64_t file_max_bytes;        /* a journal file is finished when it is larger; 0: 64 MiB */
	size_t buffer_max_bytes;        /* of one loop's records that wait to be written; 0: 1 MiB */
};

MUST_USE struct ledger *ledger_open(const struct ledger_options *, struct err *);

/* After all journals were closed: stores what is left, stops the thread. What cannot be stored stays in the journal
 * files for the next start. NULL is fine. */
void ledger_close(struct ledger *);

/* Waits until all that was committed before the call is stored. False: not within `wait_ms`, or SQLite failed; err
 * tells. Blocks: pool threads and main only. */
MUST_USE bool ledger_flush(struct ledger *, unsigned wait_ms, struct err *);

struct ledger_stats {
	uint64_t records;               /* stored since start */
	uint64_t lag_bytes;             /* committed to journals and not stored yet */
	uint64_t bad_regions;           /* damaged places kept in .bad files */
	uint64_t store_errors;          /* failed transactions */
	uint64_t journal_errors;        /* failed journal commits */
};
void ledger_stats(struct ledger *, struct ledger_stats *out);      /* any thread */

#endif
