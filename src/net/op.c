/* SPDX-License-Identifier: Apache-2.0 */
/* op: waking and cancelling. */
#include "net/op.h"

#include <assert.h>

void op_wake(struct op *op)
{
	assert(op->loop && op->waiter);
	loop_post(op->loop, op->waiter);
}

void op_cancel(struct op *op)
{
	if (op->work && op->cancel)
		op->cancel(op);
	op->work = NULL;
	op->cancel = NULL;
}
