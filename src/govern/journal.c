/* SPDX-License-Identifier: Apache-2.0 */
/* A loop's journal: records gather in a buffer and leave in one write a turn. */
#include "govern/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "govern/govern_in.h"

struct journal {
	struct ledger *ledger;
	struct jfile *file;
	unsigned index, sequence;
	bool broken; /* the file's end is not known any more: the next commit begins a new one */
	bool ok;     /* the last commit worked */
	uint64_t at; /* end of the confirmed records in the file */
	char *buf;   /* pages are real once they are written to */
	size_t n, max;
};

static bool file_next(struct journal *j, struct err *e)
{
	struct jfile *file = ledger_file_new(j->ledger, j->index, j->sequence, e);

	if (!file)
		return false;
	if (j->file) {
		atomic_store(&j->file->finished, true);
		ledger_wake(j->ledger);
	}
	j->sequence++;
	j->file = file;
	j->at = JFILE_HEAD_BYTES;
	j->broken = false;
	return true;
}

static bool write_at(const struct journal *j, const char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t done = pwrite(j->file->fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		if (done == 0) {
			errno = ENOSPC;
			return false;
		}
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return true;
}

static COLD bool write_failed(struct journal *j, int sys, const char *doing)
{
	if (j->ok)
		log_error("govern", "%s: cannot %s the journal: error %d (%s); answers are refused until it works",
		          j->file->path, doing, sys, strerrordesc_np(sys));
	j->ok = false;
	ledger_count_journal_error(j->ledger);
	return false;
}

/* What was confirmed stays, whatever is behind it goes; if that fails too, the file is left alone from here on. */
static COLD bool cut_back(struct journal *j, const char *doing)
{
	int sys = errno;

	if (ftruncate(j->file->fd, (off_t)j->at) != 0)
		j->broken = true;
	return write_failed(j, sys, doing);
}

static bool flush_buffer(struct journal *j)
{
	struct err e = { 0 };

	if (j->broken && !file_next(j, &e)) {
		if (j->ok)
			log_error("govern", "%s; answers are refused until it works", e.text);
		j->ok = false;
		ledger_count_journal_error(j->ledger);
		return false;
	}
	if (!write_at(j, j->buf, j->n, j->at))
		return cut_back(j, "write");
	if (ledger_options(j->ledger)->sync == JOURNAL_SYNC_EACH && fdatasync(j->file->fd) != 0) {
		/* Which pages reached the disk is not known after this, and a second try may lie: another file. */
		bool failed = cut_back(j, "sync");

		j->broken = true;
		return failed;
	}
	if (!j->ok)
		log_info("govern", "%s: the journal is written again", j->file->path);
	j->ok = true;
	j->at += j->n;
	j->n = 0;
	atomic_store(&j->file->committed, j->at);
	ledger_wake(j->ledger);
	return true;
}

HOT bool journal_commit(struct journal *j)
{
	struct err e = { 0 };

	if (j->n == 0)
		return true;
	if (unlikely(!flush_buffer(j)))
		return false;
	/* When no new file can be made the old one goes on growing: its limit is a matter of order, not of safety. */
	if (unlikely(j->at >= ledger_options(j->ledger)->file_max_bytes) && !file_next(j, &e))
		log_warn("govern", "%s; the journal before it is used further", e.text);
	return true;
}

HOT bool journal_add(struct journal *j, const struct spend *s)
{
	if (unlikely(j->max - j->n < RECORD_MAX_BYTES) && !journal_commit(j))
		return false;
	j->n += record_write(j->buf + j->n, j->file->salt, s);
	return true;
}

bool journal_ok(const struct journal *j)
{
	return j->ok;
}

struct journal *journal_open(struct ledger *l, unsigned index, struct err *e)
{
	struct journal *j = mem_zalloc(sizeof(*j));

	j->ledger = l;
	j->index = index;
	j->ok = true;
	j->max = ledger_options(l)->buffer_max_bytes;
	assert(j->max >= 2 * RECORD_MAX_BYTES);
	j->buf = mem_alloc(j->max);
	if (file_next(j, e))
		return j;
	journal_close(j);
	return NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->file) {
		if (!journal_commit(j))
			log_error("govern", "%s: %zu bytes of spend records could not be written and are lost",
			          j->file->path, j->n);
		atomic_store(&j->file->finished, true);
		ledger_wake(j->ledger);
	}
	free(j->buf);
	free(j);
}
