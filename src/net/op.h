/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op: poll-style waiting. A function that may have to wait takes a struct op and returns OP_PENDING, OP_OK, OP_REFUSED
 * (the world said no) or OP_FAILED (we could not ask). Called again with the same op it continues; when it returns
 * something else than OP_PENDING the op is clean again. The waiter puts its task into the op; op_wake posts it, never
 * runs it in place. op_cancel is always allowed, immediate, and nobody is woken afterwards.
 */
#ifndef SLUICE_NET_OP_H
#define SLUICE_NET_OP_H

#include "net/loop.h"

enum op_state { OP_PENDING, OP_OK, OP_REFUSED, OP_FAILED };

struct op {
	struct loop *loop;
	struct task *waiter;                 /* posted by op_wake */
	void (*cancel)(struct op *);         /* set by who works on it; NULL: nothing under way */
	void *work;                          /* theirs */
};

void op_wake(struct op *);
void op_cancel(struct op *);
static inline bool op_busy(const struct op *op) { return op->work != NULL; }

#endif
