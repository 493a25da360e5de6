/* SPDX-License-Identifier: Apache-2.0 */
/* services: health, metrics, model lists. */
#include "main/services.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "dialect/list.h"
#include "gateway/gateway.h"
#include "govern/keys.h"
#include "observe/observe.h"

static enum op_state run_live(void *arg, struct service_call *c, struct err *e)
{
	(void)buf_append(&c->out, STR("{\"status\":\"ok\"}\n"));
	return OP_OK;
}

static enum op_state run_ready(void *arg, struct service_call *c, struct err *e)
{
	const struct services_context *x = arg;
	bool ready = atomic_load(&x->ready);

	c->status = ready ? 200 : 503;
	(void)buf_append(&c->out, ready ? STR("{\"status\":\"ready\"}\n") : STR("{\"status\":\"draining\"}\n"));
	return OP_OK;
}

static enum op_state run_root(void *arg, struct service_call *c, struct err *e)
{
	(void)buf_printf(&c->out, "{\"name\":\"sluice\",\"version\":\"%s\"}\n", SLUICE_VERSION);
	return OP_OK;
}

static enum op_state run_metrics(void *arg, struct service_call *c, struct err *e)
{
	const struct services_context *x = arg;

	c->content_type = METRICS_CONTENT_TYPE;
	if (metrics_write(x->observe, &c->out))
		return OP_OK;
	err_set(e, ERR_INTERNAL, "the metrics are larger than allowed");
	return OP_FAILED;
}

/* `name` is what a pattern's star stood for. */
static void describe(const struct route_model *m, struct str name, struct dialect_model *out)
{
	*out = (struct dialect_model){ .id = m->name };
	if (m->n_deployments)
		out->owned_by = m->deployments[0].provider->name;
	if (m->n_deployments) {
		const struct model_facts *f = deployment_facts(&m->deployments[0], name);

		out->context_window = f->context_window;
		out->max_output = f->max_output;
	}
}

/* Models that the key may use. Patterns name no model and are left out. */
static enum op_state list_models(struct service_call *c, struct err *e)
{
	const struct route_table *t = &c->conf->routes;
	struct dialect_model *all = arena_alloc(c->arena, (t->n_models + 1) * sizeof *all);
	size_t n = 0;

	for (size_t i = 0; all && i < t->n_models; i++)
		if (!t->models[i].pattern && key_allows_model(c->key, t->models[i].name))
			describe(&t->models[i], t->models[i].name, &all[n++]);
	if (all && dialect_write_models(dialect_by_id(c->dialect), all, n, &c->out))
		return OP_OK;
	err_set(e, ERR_INTERNAL, "the list of models is larger than allowed");
	return OP_FAILED;
}

static enum op_state run_models(void *arg, struct service_call *c, struct err *e)
{
	struct str name = c->path, matched, near;
	const struct route_model *m;
	struct dialect_model out;
	struct buf plain = buf_make(1024);

	if (name.n == 0)
		return list_models(c, e);
	if (!text_percent_decode(&plain, name) || !(name = arena_dup(c->arena, buf_str(&plain))).p)
		name = c->path;
	buf_fini(&plain);
	m = route_find(&c->conf->routes, name, &matched);
	if (!m || !key_allows_model(c->key, name)) {
		near = route_nearest(&c->conf->routes, name, c->arena);
		err_set(e, ERR_MODEL_NOT_FOUND,
		        near.n ? "the model \"%.*s\" does not exist; did you mean \"%.*s\"?"
		               : "the model \"%.*s\" does not exist%.*s",
		        STR_ARG(name), STR_ARG(near));
		return OP_REFUSED;
	}
	describe(m, matched, &out);
	out.id = name;
	if (dialect_write_model(dialect_by_id(c->dialect), &out, &c->out))
		return OP_OK;
	err_set(e, ERR_INTERNAL, "the model's description is larger than allowed");
	return OP_FAILED;
}

void services_init(struct service rows[SERVICES], struct services_context *x)
{
	rows[SERVICE_LIVE] = (struct service){ run_live, x };
	rows[SERVICE_READY] = (struct service){ run_ready, x };
	rows[SERVICE_ROOT] = (struct service){ run_root, x };
	rows[SERVICE_METRICS] = (struct service){ run_metrics, x };
	rows[SERVICE_MODELS] = (struct service){ run_models, x };
}
