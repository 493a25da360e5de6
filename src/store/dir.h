/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir: the data directory: made at first start (mode 0700), held by one process at a time, and the small files in it
 * that hold a secret (mode 0600). One process, because keys are revoked in memory and journals are replayed and
 * deleted: a second process on the same directory would answer revoked keys and eat living journals. The lock is
 * flock(2) on the file `lock`; the kernel drops it when the process dies, however it dies.
 *
 * Blocking; at start, or on a pool thread. Errors name the file.
 */
#ifndef SLUICE_STORE_DIR_H
#define SLUICE_STORE_DIR_H

#include "base/str.h"

struct err;

/* Makes the directory and its parents if they are missing. */
MUST_USE bool dir_make(const char *path, struct err *);

/* Takes the directory for this process. The descriptor (close it to let go), or -1: held by another, or an error. */
MUST_USE int dir_lock(const char *path, struct err *);

/* "<dir>/<name>" in `out`; false: longer than PATH_MAX allows. */
MUST_USE bool dir_join(char *out, size_t out_size, const char *dir, const char *name, struct err *);

enum dir_found { DIR_FOUND, DIR_ABSENT, DIR_FAILED };

/* Reads a whole small file. Longer than `max` is DIR_FAILED. A file that others may read is tightened to 0600. */
MUST_USE enum dir_found dir_read_secret(const char *path, char *out, size_t max, size_t *n, struct err *);

/* Creates the file with mode 0600 and these contents, whole or not at all, on disk when it returns. An existing file is
 * an error, so that no secret is ever overwritten. */
MUST_USE bool dir_write_secret(const char *path, struct str contents, struct err *);

#endif
