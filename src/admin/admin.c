/* SPDX-License-Identifier: Apache-2.0 */
/* From a service call to a handler and back; handlers that block run as jobs of the pool. */
#include "admin/admin.h"

#include <assert.h>
#include <stdlib.h>

#include "admin/admin_in.h"
#include "base/mem.h"
#include "govern/keys.h"
#include "net/pool.h"

enum { ARENA_MAX_BYTES = 32 << 20, ANSWER_MAX_BYTES = 32 << 20 };

/* A call on a pool thread. It owns copies of all that it reads: the request may be gone before it ends. */
struct admin_job {
	struct job job;
	struct op *op;                   /* NULL: nobody waits any more */
	const struct admin_route *route;
	struct admin_call call;
	struct arena arena;
	struct buf out;
	struct err err;
	bool good, done;
};

static void job_free(struct admin_job *j)
{
	arena_fini(&j->arena);
	buf_fini(&j->out);
	free(j);
}

static void on_work(struct job *job)
{
	struct admin_job *j = CONTAINER_OF(job, struct admin_job, job);

	j->good = j->route->run(&j->call, &j->err);
	if (j->good && j->out.failed)
		j->good = err_set(&j->err, ERR_TOO_LARGE,
		                  "the answer is larger than %d bytes; ask with a smaller limit", ANSWER_MAX_BYTES);
}

static void on_done(struct job *job)
{
	struct admin_job *j = CONTAINER_OF(job, struct admin_job, job);

	j->done = true;
	if (j->op)
		op_wake(j->op);
	else
		job_free(j);
}

static void on_cancel(struct op *op)
{
	struct admin_job *j = op->work;

	op->work = NULL;
	op->cancel = NULL;
	j->op = NULL;
	if (j->done)
		job_free(j);
}

static struct admin_job *job_new(struct admin *a, const struct admin_route *route, const struct service_call *c,
                                 const struct admin_call *from)
{
	struct admin_job *j = mem_zalloc(sizeof(*j));

	arena_init(&j->arena, ARENA_MAX_BYTES + c->body.n);
	j->out = buf_make(ANSWER_MAX_BYTES);
	j->route = route;
	j->job = (struct job){ .work = on_work, .done = on_done, .loop = c->op->loop };
	j->call = (struct admin_call){
		.admin = a,
		.arena = &j->arena,
		.out = &j->out,
		.status = route->status,
		.id = arena_dup(&j->arena, from->id),
		.body = arena_dup(&j->arena, c->body),
		.idempotency_key = arena_dup(&j->arena, c->idempotency_key),
		.caller = arena_dup(&j->arena, from->caller),
	};
	for (unsigned i = 0; i < PARAMS; i++)
		if (from->param[i].p)
			j->call.param[i] = arena_dup(&j->arena, from->param[i]);
	return j;
}

static enum op_state job_start(struct admin *a, struct admin_job *j, struct op *op, struct err *e)
{
	if (!pool_submit(a->options.pool, &j->job)) {
		job_free(j);
		err_set(e, ERR_INTERNAL, "too many requests of the admin API wait already");
		e->status = 503;
		e->retryable = true;
		return OP_FAILED;
	}
	j->op = op;
	op->work = j;
	op->cancel = on_cancel;
	return OP_PENDING;
}

static enum op_state job_end(struct admin_job *j, struct service_call *c, struct err *e)
{
	bool good = j->good;

	c->op->work = NULL;
	c->op->cancel = NULL;
	if (good) {
		c->status = j->call.status;
		buf_fini(&c->out);
		c->out = j->out;
		j->out = buf_make(0);
	} else if (e) {
		*e = j->err;
	}
	job_free(j);
	return good ? OP_OK : OP_REFUSED;
}

static enum op_state run_here(const struct admin_route *route, struct admin_call *call, struct service_call *c,
                              struct err *e)
{
	call->out = &c->out;
	call->conf = c->conf;
	call->status = route->status;
	if (!route->run(call, e))
		return OP_REFUSED;
	c->status = call->status;
	return OP_OK;
}

enum op_state admin_run(void *arg, struct service_call *c, struct err *e)
{
	struct admin *a = arg;
	struct admin_call call = { .admin = a, .arena = c->arena };
	const struct admin_route *route;
	struct admin_job *j = c->op->work;

	if (j)
		return j->done ? job_end(j, c, e) : OP_PENDING;
	route = admin_route_find(c->method, c->path, c->arena, &call.id, e);
	if (!route || !input_query(&call, route, c->query, e))
		return OP_REFUSED;
	if (c->body.n && !route->body && c->method != METHOD_POST) {
		err_set(e, ERR_INVALID_REQUEST, "this request takes no body");
		return OP_REFUSED;
	}
	call.caller = c->key ? c->key->info.id : STR("");
	if (route->on_loop)
		return run_here(route, &call, c, e);
	return job_start(a, job_new(a, route, c, &call), c->op, e);
}

bool admin_api_reload(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);

	if (!c->admin->options.reload(c->admin->options.reload_arg, e)) {
		if (e->code == ERR_CONFIG) { /* the file is the caller's to mend; the old one stays in force */
			e->code = ERR_INVALID_REQUEST;
			e->origin = ERR_FROM_CLIENT;
			e->status = 400;
		}
		return false;
	}
	json_open(&w, '{');
	json_key_lit(&w, "reloaded");
	json_bool(&w, true);
	json_close(&w);
	return true;
}

struct admin *admin_new(const struct admin_options *options)
{
	struct admin *a = mem_zalloc(sizeof(*a));

	a->options = *options;
	a->idempotency = idempotency_new();
	return a;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	idempotency_free(a->idempotency);
	free(a);
}
