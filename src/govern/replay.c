/* SPDX-License-Identifier: Apache-2.0 */
/* From journal files into SQLite: whole records in batches, torn ends dropped, damage kept aside. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "govern/govern_in.h"

/* Rows of one transaction: more saves nothing, and keeps others (keys) waiting for the write lock. */
enum { BATCH_RECORDS = 4096 };

/* Reads [at, at + n) of the file; what is behind its end is left out. -1: err tells. */
static ssize_t read_at(const struct jfile *f, char *p, size_t n, uint64_t at, struct err *e)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(f->fd, p + have, n - have, (off_t)(at + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)err_set_sys(e, errno, "%s: cannot read at offset %llu", f->path,
			                  (unsigned long long)(at + have));
			return -1;
		}
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* ---- damage ---- */

static bool bad_write(const char *path, struct str bytes, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return err_set_sys(e, errno, "%s: cannot keep damaged records aside", path);
	ok = write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && fsync(fd) == 0;
	if (!ok)
		(void)err_set_sys(e, errno, "%s: cannot keep damaged records aside", path);
	close(fd);
	return ok;
}

/* Written before the place behind it is: after a crash in between the same bytes are found and kept again. */
static bool keep_aside(struct replay *rp, const struct jfile *f, uint64_t at, struct str bytes, const char *what,
                       struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s.%llu.bad", rp->dir, f->name, (unsigned long long)at) >=
	    (int)sizeof(path))
		return err_set(e, ERR_SYSTEM, "%s: the path is too long to keep damaged records aside", f->path);
	if (bytes.n && !bad_write(path, bytes, e))
		return false;
	log_error("govern", "%s: %s at offset %llu: %zu bytes; %s%s", f->path, what, (unsigned long long)at, bytes.n,
	          bytes.n ? "kept in " : "nothing to keep", bytes.n ? path : "");
	atomic_fetch_add(&rp->bad_regions, 1);
	return true;
}

/* Where the next whole record begins, searched from 1; in.n: nowhere. */
static size_t next_whole(struct str in, uint64_t salt)
{
	size_t n;

	for (size_t i = 1; i < in.n; i++)
		if (record_check(str_slice(in, i, in.n), salt, &n) == RECORD_WHOLE)
			return i;
	return in.n;
}

/* An end that a write cut short: the beginning of one record, or zeros that a power cut left. Nobody was told that it
 * is written. A file that ends otherwise was damaged. */
static bool is_torn(const struct jfile *f, uint64_t at, struct str tail)
{
	size_t n, zeros = 0;

	if (!f->old)
		return false;
	while (zeros < tail.n && tail.p[zeros] == '\0')
		zeros++;
	if (zeros == tail.n)
		return true;
	if (at == 0)
		return tail.n < JFILE_HEAD_BYTES && memcmp(tail.p, JFILE_MAGIC, tail.n) == 0;
	return record_check(tail, f->salt, &n) == RECORD_SHORT;
}

/* No whole record stands at f->at. Moves behind what is wrong there. */
static bool skip_damage(struct replay *rp, struct jfile *f, uint64_t target, struct err *e)
{
	size_t n = (size_t)(target - f->at);
	char *bytes = mem_alloc(n);
	ssize_t got = read_at(f, bytes, n, f->at, e);
	struct str in = str_of(bytes, got > 0 ? (size_t)got : 0);
	bool ok = got >= 0;

	if (ok && (size_t)got < n && !f->old)
		ok = keep_aside(rp, f, f->at, in, "the file is shorter than what was written to it", e);
	else if (ok && in.n && (in.n = next_whole(in, f->salt)) == n && is_torn(f, f->at, in))
		log_info("govern", "%s: %zu bytes of a record that was never finished are dropped at offset %llu",
		         f->path, n, (unsigned long long)f->at);
	else if (ok)
		ok = keep_aside(rp, f, f->at, in, "damaged", e);
	if (ok)
		f->at = in.n && (size_t)got == n ? f->at + in.n : target;
	free(bytes);
	return ok;
}

/* ---- records ---- */

static bool batch_begin(struct replay *rp, struct err *e)
{
	if (!rp->begun && !rows_begin(rp->rows, e))
		return false;
	rp->begun = true;
	return true;
}

/* Stores where each file has been read to, in the same transaction as what was read. */
static bool batch_commit(struct replay *rp, struct jfile *const *files, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (files[i]->at != files[i]->stored &&
		    (!batch_begin(rp, e) || !rows_place(rp->rows, files[i], files[i]->at, e)))
			return false;
	if (rp->begun && !rows_commit(rp->rows, e))
		return false;
	for (size_t i = 0; i < n; i++)
		atomic_store(&files[i]->stored, files[i]->at);
	atomic_fetch_add(&rp->records, rp->batch);
	rp->batch = 0;
	rp->begun = false;
	return true;
}

static void batch_abandon(struct replay *rp, struct jfile *const *files, size_t n)
{
	rows_rollback(rp->rows);
	for (size_t i = 0; i < n; i++)
		files[i]->at = files[i]->stored;
	rp->batch = 0;
	rp->begun = false;
}

static bool store_record(struct replay *rp, struct jfile *f, struct str bytes, struct err *e)
{
	struct record record;

	if (!record_read(bytes, &record))
		return keep_aside(rp, f, f->at, bytes, "a record of a newer sluice", e);
	if (!batch_begin(rp, e))
		return false;
	rp->batch++;
	return rows_add(rp->rows, &record, e);
}

/* Stores the whole records at the start of `in`; *used: their bytes. */
static bool store_chunk(struct replay *rp, struct jfile *f, struct str in, size_t *used, struct err *e)
{
	size_t n = 0;

	*used = 0;
	while (*used < in.n && rp->batch < BATCH_RECORDS) {
		struct str rest = str_slice(in, *used, in.n);

		if ((f->old ? record_check(rest, f->salt, &n) : record_check_own(rest, &n)) != RECORD_WHOLE)
			break;
		if (!store_record(rp, f, str_slice(rest, 0, n), e))
			return false;
		*used += n;
		f->at += n;
	}
	return true;
}

static bool read_head(struct replay *rp, struct jfile *f, uint64_t target, struct err *e)
{
	char head[JFILE_HEAD_BYTES];
	ssize_t n = read_at(f, head, sizeof(head), 0, e);

	if (n < 0)
		return false;
	if (n == JFILE_HEAD_BYTES && target >= JFILE_HEAD_BYTES && memcmp(head, JFILE_MAGIC, sizeof(head)) == 0) {
		f->at = JFILE_HEAD_BYTES;
		return true;
	}
	return skip_damage(rp, f, target, e);
}

/* One step towards the target: a chunk of records, or over something damaged. */
static bool step(struct replay *rp, struct jfile *f, uint64_t target, struct err *e)
{
	uint64_t left = target - f->at;
	ssize_t got;
	size_t used;

	if (f->at == 0)
		return read_head(rp, f, target, e);
	got = read_at(f, rp->chunk, left < REPLAY_CHUNK_BYTES ? (size_t)left : REPLAY_CHUNK_BYTES, f->at, e);
	if (got < 0)
		return false;
	if (!store_chunk(rp, f, str_of(rp->chunk, (size_t)got), &used, e))
		return false;
	return used > 0 || skip_damage(rp, f, target, e);
}

/* `files` are all of this round: a full batch stores the places of each. */
static bool replay_file(struct replay *rp, struct jfile *f, struct jfile *const *files, size_t n, struct err *e)
{
	uint64_t target = atomic_load(&f->committed);

	while (f->at < target) {
		if (!step(rp, f, target, e))
			return false;
		if (rp->batch >= BATCH_RECORDS && !batch_commit(rp, files, n, e))
			return false;
	}
	return true;
}

bool replay_round(struct replay *rp, struct jfile *const *files, size_t n, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = replay_file(rp, files[i], files, n, e);
	if (ok && batch_commit(rp, files, n, e))
		return true;
	batch_abandon(rp, files, n);
	return false;
}
