/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's thread: follows the journals, deletes what is stored, answers who waits for it. */
#include "govern/ledger.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "govern/govern_in.h"
#include "store/dir.h"

#include <xxhash.h>

#define JFILE_SUFFIX ".jnl"
/* Rounds are this far apart while requests come: a transaction costs as much as fifty records. Who asks does not wait
 * for it. */
enum { ROUND_MS = 1000, RETRY_MS = 1000, SYNC_MS = 100 };
#define FILE_MAX_BYTES   (64u << 20)
#define BUFFER_MAX_BYTES (1u << 20)

struct ledger {
	struct ledger_options options;
	char *data_dir, *dir; /* dir: of the journals */
	char boot[ULID_LEN + 1];
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* of the next block; never held while waiting for anything else */
	pthread_cond_t wake, done;
	struct jfile *files;
	uint64_t asked, answered, refused; /* flushes: tickets given, stored up to, failed up to */
	struct err error;                  /* why the last round failed */
	bool stop;

	atomic_bool asleep; /* the thread waits for ledger_wake without a time limit */
	_Atomic uint64_t store_errors, journal_errors;

	/* The thread's own. */
	struct replay replay;
	uint64_t retry_ms, synced_ms; /* monotonic */
	bool failing;

	pthread_mutex_t reader_lock; /* of `reader`, for as long as a query runs */
	struct db *reader;
};

/* ---- files ---- */

/* "<boot>-<loop>-<number>.jnl": the hash of what stands before the last '-'. */
static uint64_t salt_of(const char *name)
{
	const char *dash = strrchr(name, '-');

	return XXH3_64bits(name, dash ? (size_t)(dash - name) : strlen(name));
}

static void jfile_free(struct jfile *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->name);
	free(f->path);
	free(f);
}

static struct jfile *jfile_open(struct ledger *l, const char *name, int flags, struct err *e)
{
	char path[PATH_MAX];
	struct jfile *f;

	if (!dir_join(path, sizeof(path), l->dir, name, e))
		return NULL;
	f = mem_zalloc(sizeof(*f));
	f->name = mem_dup(name, strlen(name));
	f->path = mem_dup(path, strlen(path));
	f->salt = salt_of(name);
	f->fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd >= 0)
		return f;
	(void)err_set_sys(e, errno, "%s: cannot open", path);
	jfile_free(f);
	return NULL;
}

/* The name of a new file must survive a power cut like what is in it. */
static bool sync_dir(const struct ledger *l)
{
	int fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

struct jfile *ledger_file_new(struct ledger *l, unsigned index, unsigned sequence, struct err *e)
{
	char name[ULID_LEN + 32];
	struct jfile *f;

	snprintf(name, sizeof(name), "%s-%u-%u" JFILE_SUFFIX, l->boot, index, sequence);
	f = jfile_open(l, name, O_RDWR | O_CREAT | O_EXCL, e);
	if (!f)
		return NULL;
	if (pwrite(f->fd, JFILE_MAGIC, JFILE_HEAD_BYTES, 0) != JFILE_HEAD_BYTES ||
	    (l->options.sync != JOURNAL_SYNC_OFF && !sync_dir(l))) {
		(void)err_set_sys(e, errno, "%s: cannot write", f->path);
		unlink(f->path);
		jfile_free(f);
		return NULL;
	}
	f->at = f->synced = JFILE_HEAD_BYTES;
	f->stored = f->committed = JFILE_HEAD_BYTES;
	pthread_mutex_lock(&l->lock);
	f->next = l->files;
	l->files = f;
	pthread_mutex_unlock(&l->lock);
	return f;
}

/* ---- what journals and reports need ---- */

const struct ledger_options *ledger_options(const struct ledger *l)
{
	return &l->options;
}

/* The journal stores `committed`, then looks at `asleep`; the thread sets `asleep`, then looks at `committed`: one of
 * the two sees the other. */
void ledger_wake(struct ledger *l)
{
	if (likely(!atomic_load(&l->asleep)))
		return;
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->asleep, false);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

void ledger_count_journal_error(struct ledger *l)
{
	atomic_fetch_add(&l->journal_errors, 1);
}

struct db *ledger_reader_take(struct ledger *l, struct err *e)
{
	char path[PATH_MAX];
	const struct db_options options = { .read_only = true };

	pthread_mutex_lock(&l->reader_lock);
	if (!l->reader && dir_join(path, sizeof(path), l->data_dir, "sluice.db", e))
		l->reader = db_open(path, &options, e);
	if (!l->reader)
		pthread_mutex_unlock(&l->reader_lock);
	return l->reader;
}

void ledger_reader_give(struct ledger *l)
{
	pthread_mutex_unlock(&l->reader_lock);
}

/* ---- the thread ---- */

static void wait_until(struct ledger *l, uint64_t ms)
{
	struct timespec at = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	pthread_cond_timedwait(&l->wake, &l->lock, &at);
}

/* The kernel's clock: clock_now_ms may be moved by a test, a condition variable may not. */
static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool is_behind(const struct ledger *l)
{
	for (const struct jfile *f = l->files; f; f = f->next) {
		uint64_t committed = atomic_load(&f->committed);

		if (committed != f->stored || atomic_load(&f->finished))
			return true;
		if (l->options.sync == JOURNAL_SYNC_INTERVAL && committed != f->synced)
			return true;
	}
	return false;
}

static void sync_files(struct ledger *l, struct jfile *const *files, size_t n)
{
	uint64_t now = now_ms();

	if (l->options.sync != JOURNAL_SYNC_INTERVAL || now - l->synced_ms < l->options.sync_ms)
		return;
	l->synced_ms = now;
	for (size_t i = 0; i < n; i++) {
		uint64_t committed = atomic_load(&files[i]->committed);

		if (files[i]->old || files[i]->synced == committed)
			continue;
		if (fdatasync(files[i]->fd) != 0)
			log_error("govern", "%s: cannot sync: error %d (%s)", files[i]->path, errno,
			          strerrordesc_np(errno));
		files[i]->synced = committed;
	}
}

static void unlist(struct ledger *l, struct jfile *f)
{
	struct jfile **at;

	pthread_mutex_lock(&l->lock);
	for (at = &l->files; *at != f; at = &(*at)->next)
		assert(*at);
	*at = f->next;
	pthread_mutex_unlock(&l->lock);
}

/* The rows are forced to the disk before the file goes. Its place stays: should the file come back, from a backup or
 * a disk that forgot, nothing is read twice. */
static bool reap(struct ledger *l, struct jfile *f, struct err *e)
{
	if (!rows_sync(l->replay.rows, f, e))
		return false;
	if (unlink(f->path) != 0 && errno != ENOENT)
		return err_set_sys(e, errno, "%s: cannot delete", f->path);
	unlist(l, f);
	jfile_free(f);
	return true;
}

static bool reap_finished(struct ledger *l, struct jfile *const *files, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		/* finished is read first: the last commit comes before it. */
		if (atomic_load(&files[i]->finished) && files[i]->stored == atomic_load(&files[i]->committed) &&
		    !reap(l, files[i], e))
			return false;
	return true;
}

/* The list as it is; only this thread takes files off it. Lock held. */
static struct jfile **files_now(struct ledger *l, size_t *n)
{
	struct jfile **files, *f;
	size_t count = 0;

	for (f = l->files; f; f = f->next)
		count++;
	files = mem_alloc((count + 1) * sizeof(struct jfile *));
	for (f = l->files; f; f = f->next)
		files[--count] = f; /* oldest first */
	for (f = l->files; f; f = f->next)
		count++;
	*n = count;
	return files;
}

static bool round_run(struct ledger *l, struct jfile *const *files, size_t n, struct err *e)
{
	bool ok;

	sync_files(l, files, n);
	ok = replay_round(&l->replay, files, n, e) && reap_finished(l, files, n, e);
	if (!ok) {
		if (!l->failing)
			log_error("govern", "%s; spend stays in the journals, trying again every second", e->text);
		atomic_fetch_add(&l->store_errors, 1);
		l->retry_ms = now_ms() + RETRY_MS;
	} else if (l->failing) {
		log_info("govern", "the ledger is stored again");
	}
	l->failing = !ok;
	return ok;
}

/* Until `due`, somebody asks, or stop; meanwhile the journals are synced as often as was promised. Lock held. */
static void wait_syncing(struct ledger *l, uint64_t asked, uint64_t due)
{
	while (!l->stop && l->asked == asked && now_ms() < due) {
		uint64_t sync_due = l->synced_ms + l->options.sync_ms;
		struct jfile **files;
		size_t n;

		if (l->options.sync != JOURNAL_SYNC_INTERVAL) {
			wait_until(l, due);
			continue;
		}
		wait_until(l, sync_due < due ? sync_due : due);
		files = files_now(l, &n);
		pthread_mutex_unlock(&l->lock);
		sync_files(l, files, n);
		pthread_mutex_lock(&l->lock);
		free(files);
	}
}

/* Until the next round is due. When all is done it sleeps until a journal wakes it, then lets records gather. Lock
 * held. */
static void wait_for_round(struct ledger *l, uint64_t asked)
{
	atomic_store(&l->asleep, true);
	while (!l->stop && l->asked == asked && atomic_load(&l->asleep) && !is_behind(l))
		pthread_cond_wait(&l->wake, &l->lock);
	atomic_store(&l->asleep, false);
	wait_syncing(l, asked, now_ms() + ROUND_MS);
}

static void *thread_main(void *arg)
{
	struct ledger *l = arg;
	bool stop = false;

	pthread_mutex_lock(&l->lock);
	while (!stop) {
		struct err e = { 0 };
		uint64_t ticket = l->asked;
		struct jfile **files;
		size_t n;
		bool ok;

		stop = l->stop; /* read before the round: what was committed before it is stored by it */
		files = files_now(l, &n);
		pthread_mutex_unlock(&l->lock);
		ok = round_run(l, files, n, &e);
		free(files);
		pthread_mutex_lock(&l->lock);
		if (ok) {
			l->answered = ticket;
		} else {
			l->refused = ticket;
			l->error = e;
		}
		pthread_cond_broadcast(&l->done);
		if (stop || l->asked != ticket)
			continue;
		if (ok)
			wait_for_round(l, ticket);
		else
			wait_syncing(l, ticket, l->retry_ms);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* ---- open, close ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the journals that are there, sorted; ULIDs put older starts first. */
static bool list_names(const char *dir, char ***names, size_t *n, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return err_set_sys(e, errno, "%s: cannot read the directory", dir);
	while ((entry = readdir(d)) != NULL) {
		struct str name = str_from_z(entry->d_name);

		if (!str_ends(name, STR(JFILE_SUFFIX)))
			continue;
		*names = mem_realloc(*names, (*n + 1) * sizeof(char *));
		(*names)[(*n)++] = mem_dup(name.p, name.n);
	}
	closedir(d);
	if (*n)
		qsort(*names, *n, sizeof(char *), by_name);
	return true;
}

static bool leftover_open(struct ledger *l, const char *name, struct err *e)
{
	struct jfile *f = jfile_open(l, name, O_RDONLY, e);
	struct stat st;
	uint64_t stored;

	if (!f)
		return false;
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)err_set(e, ERR_SYSTEM, "%s: is not a plain file", f->path);
		jfile_free(f);
		return false;
	}
	if (!rows_stored(l->replay.rows, name, &stored, e)) {
		jfile_free(f);
		return false;
	}
	f->old = true;
	f->finished = true;
	f->committed = (uint64_t)st.st_size > stored ? (uint64_t)st.st_size : stored;
	f->at = stored;
	f->stored = stored;
	f->next = l->files;
	l->files = f;
	return true;
}

static bool leftovers_open(struct ledger *l, struct err *e)
{
	char **names = NULL;
	size_t n = 0;
	bool ok = list_names(l->dir, &names, &n, e);

	for (size_t i = 0; i < n; i++) {
		ok = ok && leftover_open(l, names[i], e);
		free(names[i]);
	}
	free(names);
	return ok && rows_forget_old(l->replay.rows, e);
}

static bool start(struct ledger *l, struct err *e)
{
	int sys = pthread_create(&l->thread, NULL, thread_main, l);

	if (sys != 0)
		return err_set_sys(e, sys, "cannot start the ledger's thread");
	l->started = true;
	pthread_setname_np(l->thread, "ledger");
	return true;
}

static void locks_init(struct ledger *l)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_cond_init(&l->done, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->reader_lock, NULL);
}

struct ledger *ledger_open(const struct ledger_options *o, struct err *e)
{
	struct ledger *l = mem_zalloc(sizeof(*l));
	char dir[PATH_MAX];

	locks_init(l);
	l->options = *o;
	if (!o->sync_ms)
		l->options.sync_ms = SYNC_MS;
	if (!o->file_max_bytes)
		l->options.file_max_bytes = FILE_MAX_BYTES;
	if (!o->buffer_max_bytes)
		l->options.buffer_max_bytes = BUFFER_MAX_BYTES;
	l->data_dir = mem_dup(o->data_dir, strlen(o->data_dir));
	l->options.data_dir = l->data_dir;
	ulid_text(l->boot, ulid_new(clock_real_ms()));
	l->replay.chunk = mem_alloc(REPLAY_CHUNK_BYTES);
	if (dir_join(dir, sizeof(dir), o->data_dir, "journal", e) && dir_make(dir, e)) {
		l->dir = mem_dup(dir, strlen(dir));
		l->replay.dir = l->dir;
		l->replay.rows = rows_open(o->data_dir, e);
		if (l->replay.rows && leftovers_open(l, e) && start(l, e))
			return l;
	}
	ledger_close(l);
	return NULL;
}

void ledger_close(struct ledger *l)
{
	struct jfile *f;

	if (!l)
		return;
	if (l->started) {
		pthread_mutex_lock(&l->lock);
		l->stop = true;
		pthread_cond_signal(&l->wake);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
	}
	while ((f = l->files) != NULL) {
		if (l->started && f->committed != f->stored)
			log_warn("govern", "%s: %llu bytes of spend are left for the next start", f->path,
			         (unsigned long long)(f->committed - f->stored));
		l->files = f->next;
		jfile_free(f);
	}
	rows_close(l->replay.rows);
	free(l->replay.chunk);
	db_close(l->reader);
	pthread_cond_destroy(&l->wake);
	pthread_cond_destroy(&l->done);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->reader_lock);
	free(l->dir);
	free(l->data_dir);
	free(l);
}

bool ledger_flush(struct ledger *l, unsigned wait_ms, struct err *e)
{
	uint64_t due = now_ms() + wait_ms, ticket;
	struct timespec at = { .tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000 };
	bool ok;

	pthread_mutex_lock(&l->lock);
	ticket = ++l->asked;
	atomic_store(&l->asleep, false);
	pthread_cond_signal(&l->wake);
	while (l->answered < ticket && l->refused < ticket && now_ms() < due)
		pthread_cond_timedwait(&l->done, &l->lock, &at);
	ok = l->answered >= ticket;
	if (!ok && l->refused >= ticket && e)
		*e = l->error;
	else if (!ok)
		(void)err_set(e, ERR_SYSTEM, "the ledger did not catch up with the journals within %u ms", wait_ms);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

void ledger_stats(struct ledger *l, struct ledger_stats *out)
{
	*out = (struct ledger_stats){
		.records = atomic_load(&l->replay.records),
		.bad_regions = atomic_load(&l->replay.bad_regions),
		.store_errors = atomic_load(&l->store_errors),
		.journal_errors = atomic_load(&l->journal_errors),
	};
	pthread_mutex_lock(&l->lock);
	for (const struct jfile *f = l->files; f; f = f->next) {
		uint64_t stored = atomic_load(&f->stored), committed = atomic_load(&f->committed);

		out->lag_bytes += committed > stored ? committed - stored : 0;
	}
	pthread_mutex_unlock(&l->lock);
}
