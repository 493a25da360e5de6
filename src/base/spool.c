/* SPDX-License-Identifier: Apache-2.0 */
/* spool: buffers that are mapped files. */
#include "base/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic size_t total_bytes, total_max_bytes = SIZE_MAX;

void spool_limit(size_t max_bytes) { atomic_store(&total_max_bytes, max_bytes); }

/* Takes `more` bytes of what all may have. */
static bool take_room(size_t more)
{
	if (atomic_fetch_add(&total_bytes, more) + more <= atomic_load(&total_max_bytes))
		return true;
	atomic_fetch_sub(&total_bytes, more);
	return false;
}

bool spool_open(struct buf *b, const char *dir, struct err *e)
{
	int fd;

	assert(!b->p && !b->file);
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_sys(e, errno, "%s: no file for a body can be made", dir);
	b->file = fd + 1;
	return true;
}

bool spool_grow(struct buf *b, size_t block)
{
	size_t had = b->cap ? b->cap + 1 : 0;
	void *p;

	if (!take_room(block - had))
		return false;
	/* not ftruncate: to write into a hole of a full disk would end the process */
	if (posix_fallocate(b->file - 1, 0, (off_t)block) != 0) {
		atomic_fetch_sub(&total_bytes, block - had);
		return false;
	}
	p = had ? mremap(b->p, had, block, MREMAP_MAYMOVE)
	        : mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_SHARED, b->file - 1, 0);
	if (p == MAP_FAILED) {
		atomic_fetch_sub(&total_bytes, block - had);
		return false;
	}
	b->p = p;
	spool_release(b, b->n);
	return true;
}

void spool_release(const struct buf *b, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (b->file && b->p && n >= page)
		(void)madvise(b->p, n / page * page, MADV_DONTNEED);
}

void spool_close(struct buf *b)
{
	if (b->p) {
		munmap(b->p, b->cap + 1);
		atomic_fetch_sub(&total_bytes, b->cap + 1);
	}
	close(b->file - 1);
}
