/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custom_in: the box in which a script of custom.h runs: one interpreter with its ceilings and its part of the library.
 * One thread at a time.
 */
#ifndef SLUICE_ROUTE_CUSTOM_IN_H
#define SLUICE_ROUTE_CUSTOM_IN_H

#include <lua.h>

#include "base/err.h"

struct box {
	lua_State *L;
	size_t held_bytes;               /* now */
	size_t asked_bytes;              /* in this call, all together */
	int64_t used, max;               /* instructions of this call, and what stands for some */
	uint64_t cpu_end_ns;             /* 0: not asked for the time yet */
	void *call;                      /* what the functions of this call need */
	struct box *next;
};

/* Compiles the text; it has not run yet. NULL: ERR_CONFIG tells. */
MUST_USE struct box *box_new(struct str text, const char *chunk, int64_t max_instructions, struct err *);
void box_free(struct box *);             /* NULL is fine */

/* Runs `fn` with fresh ceilings; what it raises becomes an error. `call` is there as box->call. */
MUST_USE bool box_run(struct box *, lua_CFunction fn, void *call, struct err *);

/* Within such a function. */
struct box *box_of(lua_State *);
/* Runs the text with fresh globals and leaves its function `name` on the stack. Raises. */
void box_begin(lua_State *, const char *name);

#endif
