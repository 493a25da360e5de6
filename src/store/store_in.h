/* SPDX-License-Identifier: Apache-2.0 */
/* store_in: what only this room's files share. */
#ifndef SLUICE_STORE_STORE_IN_H
#define SLUICE_STORE_STORE_IN_H

#include <sqlite3.h>

#include "base/str.h"

struct db;
struct err;

sqlite3 *db_connection(struct db *);
/* Describes the connection's last error; `doing` is what failed. Returns false. */
bool db_fail(struct db *, const char *doing, struct err *);

#endif
