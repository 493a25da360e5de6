/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: where a request's spend is first written: one append-only file for each loop, one write(2) a loop turn.
 *
 *	journal_add(j, &spend);         // at RECORD: encodes into the loop's buffer
 *	…                               // more requests of this turn
 *	if (!journal_commit(j))         // in the before-flush hook
 *		refuse();               // none of this turn's last bytes may leave
 *
 * Once journal_commit returned true, the records survive the death of this process (kill -9); a power cut takes at
 * most what `enum journal_sync` says. The ledger's thread reads the files behind the loops, stores the rows in SQLite
 * and deletes finished files; it may lag as long as the disk has room.
 *
 * When a write fails (disk full), the file is cut back to the last whole record and the records stay in the buffer
 * for the next try: what was spent upstream is spent, whatever the client got. The buffer has a ceiling; when it is
 * reached journal_add refuses. So a gateway that cannot write its ledger finishes no answer.
 *
 * The file data_dir/journal/<ULID of the start>-<loop>-<number>.jnl, little-endian: "sluicej1", then records: magic
 * 0x5aa5, length of the payload, check (low half of XXH3-64 of the payload, seeded with the length and the hash of
 * the file's name up to its number), payload. No space is preallocated: fallocate takes real memory on tmpfs and
 * saves nothing measurable where blocks are given out late (ext4, xfs).
 *
 * All functions on the loop's own thread.
 */
#ifndef SLUICE_GOVERN_JOURNAL_H
#define SLUICE_GOVERN_JOURNAL_H

#include "govern/spend.h"

struct err;
struct journal;
struct ledger;

/* Opens loop `index`'s journal. NULL: err tells. */
MUST_USE struct journal *journal_open(struct ledger *, unsigned index, struct err *);
/* Commits what is left and hands the file over to the ledger's thread; before ledger_close. NULL is fine. */
void journal_close(struct journal *);

/* False: the buffer is at its ceiling and cannot be written; the request must not be answered. */
HOT MUST_USE bool journal_add(struct journal *, const struct spend *);

/* True: everything added so far is written (and on disk, with JOURNAL_SYNC_EACH). Costs nothing when nothing was
 * added. */
HOT MUST_USE bool journal_commit(struct journal *);

/* The last commit worked: new requests may be taken. */
bool journal_ok(const struct journal *);

#endif
