/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custom: an operator's own strategy, a script in Lua 5.4 (lua.org/manual/5.4) that says in which order the candidates
 * of a request are tried:
 *
 *	function order(request, candidates)
 *	  local cheap = {}
 *	  for i, c in ipairs(candidates) do if c.in_flight < 10 then cheap[#cheap + 1] = i end end
 *	  return cheap                       -- indices or names; those left out follow as written
 *	end
 *
 * A script is made once for each configuration and lives in its arena. It runs in an interpreter of its own, of which
 * there are as many as threads have called at once; they are freed with it. Any thread may call.
 *
 * What it cannot do: reach files, programs, the network, the clock, or other scripts; keep anything from one request to
 * the next (each call has fresh globals, and the library cannot be written to); go on for long. A call ends after
 * `max_instructions`, or a CPU time that stands for as many of the slowest kind; when it holds 1 MiB; when a single
 * string or table is larger than 64 KiB; when it has asked for 16 MiB in all. There is no pcall, which could go on
 * after the end. Functions of the library that could run long inside of themselves count as many instructions as they
 * may take.
 *
 * A script that fails never fails a request: the order is then as written, the log says why once a minute, and the
 * failure is counted.
 */
#ifndef SLUICE_ROUTE_CUSTOM_H
#define SLUICE_ROUTE_CUSTOM_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"

struct candidate;
struct custom;
struct plan_ask;

#define CUSTOM_TEXT_MAX         (64u << 10)
#define CUSTOM_INSTRUCTIONS_MAX 1000000       /* that a configuration may grant */

/* `setting` is the script itself, or the path of a file if it is one line that ends in ".lua". The script is compiled,
 * run once, and must make a function `order`. `model` is for messages. NULL: ERR_CONFIG tells, with the line. */
MUST_USE struct custom *custom_new(struct str model, struct str setting, int64_t max_instructions, struct arena *,
                                   struct err *);
/* Would it be made? */
MUST_USE bool custom_check(struct str setting, int64_t max_instructions, struct err *);

/* Puts list[0 … n), numbers of candidates, in the order in which they are to be tried. False: the script failed or
 * named nobody, and the list is as it was. Asks ask->look for what is shown of the request. n <= PLAN_GROUP_MAX. */
bool custom_order(struct custom *, struct plan_ask *, const struct candidate *, uint16_t *list, unsigned n);

struct custom_figures { uint64_t calls, failures; };
/* Of all scripts since the start. Any thread. */
struct custom_figures custom_figures(void);

#endif
