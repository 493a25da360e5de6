/* SPDX-License-Identifier: Apache-2.0 */
/* A request's facts become figures and a line; the room's life. */
#include "observe/observe.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "observe/observe_in.h"

/* A page of metrics has some 6 KB for each route. */
enum { SERIES_MAX = 4096, FREE_MODELS_MAX = 1024, FREE_MODELS_LEAST = 16 };
enum { LOG_BUFFER_BYTES = 256 << 10, LOG_BUFFER_LEAST = 64 << 10 };

const char *const fact_hedge_names[FACT_HEDGES] = {
	[FACT_HEDGE_NONE] = "none",     [FACT_HEDGE_WON] = "won",
	[FACT_HEDGE_LOST] = "lost",     [FACT_HEDGE_FAILED] = "failed",
	[FACT_HEDGE_OVERTAKEN] = "overtaken",
};

static inline void histo_add(struct histo *h, const struct histo_scale *scale, uint32_t us)
{
	count_add(&h->bucket[histo_bucket(scale, us)], 1);
	count_add(&h->sum_us, us);
}

static inline void count_status(struct route *r, unsigned status)
{
	for (unsigned i = 0; i < ROUTE_STATUSES; i++) {
		uint32_t at = atomic_load_explicit(&r->status[i].status, memory_order_relaxed);

		if (at == status) {
			count_add(&r->status[i].n, 1);
			return;
		}
		if (at == 0) {
			count_add(&r->status[i].n, 1);
			atomic_store_explicit(&r->status[i].status, status, memory_order_release);
			return;
		}
	}
	count_add(&r->status_other, 1);
}

static COLD void count_reason(struct upstream *d, const struct fact_attempt *a)
{
	const char *error = a->status ? NULL : a->error;

	for (unsigned i = 0; i < UPSTREAM_REASONS; i++) {
		uint64_t n = atomic_load_explicit(&d->reason[i].n, memory_order_relaxed);

		if (n && (atomic_load_explicit(&d->reason[i].error, memory_order_relaxed) != error ||
		          atomic_load_explicit(&d->reason[i].status, memory_order_relaxed) != a->status))
			continue;
		atomic_store_explicit(&d->reason[i].error, error, memory_order_relaxed);
		atomic_store_explicit(&d->reason[i].status, a->status, memory_order_relaxed);
		atomic_store_explicit(&d->reason[i].n, n + 1, memory_order_release);
		return;
	}
	count_add(&d->reason_other, 1);
}

static inline void count_usage(struct route *r, const struct facts *f)
{
	if (f->usage.source != USAGE_NONE)
		for (unsigned i = 0; i < USAGE_COUNTERS; i++)
			if (f->usage.n[i])
				count_add(&r->tokens[i], f->usage.n[i]);
	if (f->cost_known)
		count_add(&r->cost_nusd, (uint64_t)f->cost_nusd);
	else if (f->provider.n)
		count_add(&r->unknown_cost, 1);
}

/* A name that no deployment was found for is whatever a client made up: no label. */
static inline struct route *route_of(struct observe_loop *l, const struct facts *f)
{
	struct str labels[SERIES_LABELS] = { f->endpoint, f->provider.n ? f->model : (struct str){ NULL, 0 },
		                             f->provider };

	if (unlikely(f->model_is_free) && labels[1].n && !series_has(&l->routes, labels)) {
		if (l->free_models < l->free_models_max)
			l->free_models++;
		else
			labels[1] = STR("other");
	}
	return (struct route *)series_get(&l->routes, labels);
}

void observe_begin(struct observe_loop *l)
{
	count_add(&l->begun, 1);
}

HOT void observe_request(struct observe_loop *l, const struct facts *f)
{
	struct route *r = route_of(l, f);

	assert(f->cost_nusd >= 0 && f->n_steps <= FACT_STEPS_MAX);
	count_add(&l->ended, 1);
	count_add(&l->bytes_in, f->bytes_in);
	count_add(&l->bytes_out, f->bytes_out);
	count_status(r, f->status);
	histo_add(&r->latency, &histo_latency, f->latency_us);
	if (f->first_byte_us)
		histo_add(&r->first_byte, &histo_latency, f->first_byte_us);
	histo_add(&r->overhead, &histo_overhead, f->overhead_us);
	count_usage(r, f);
	for (unsigned i = 0; i < f->n_attempts; i++) {
		struct upstream *d = (struct upstream *)series_get(&l->deployments, &f->attempts[i].deployment);

		count_add(&d->attempts, 1);
		if (unlikely(f->attempts[i].hedge != FACT_HEDGE_NONE))
			count_add(&d->hedges[f->attempts[i].hedge], 1);
		if (unlikely(f->attempts[i].error)) {
			count_reason(d, &f->attempts[i]);
			count_add(&l->continued, f->attempts[i].continued);
		}
	}
	access_log_add(&l->log, f, r);
}

static COLD void take_sink(struct observe_loop *l)
{
	struct observe *o = l->observe;
	struct sink *sink;

	pthread_mutex_lock(&o->lock);
	sink = o->sink ? sink_ref(o->sink) : NULL;
	l->log.sink_version = atomic_load_explicit(&o->sink_version, memory_order_relaxed);
	pthread_mutex_unlock(&o->lock);
	access_log_move(&l->log, sink);
}

HOT void observe_flush(struct observe_loop *l)
{
	access_log_flush(&l->log);
	if (unlikely(l->log.sink_version != atomic_load_explicit(&l->observe->sink_version, memory_order_relaxed)))
		take_sink(l);
}

void observe_figure(struct observe_loop *l, enum metric_figure figure, uint64_t value)
{
	assert(figure < METRIC_FIGURES);
	atomic_store_explicit(&l->figure[figure], value, memory_order_relaxed);
}

struct observe_loop *observe_loop(struct observe *o, unsigned index)
{
	assert(index < o->n_loops);
	return o->loops[index];
}

bool observe_reopen(struct observe *o, const struct observe_log_options *log, struct err *e)
{
	struct sink *next = NULL, *before;

	if (log->on && !(next = sink_open(log->sink, e)))
		return false;
	pthread_mutex_lock(&o->lock);
	before = o->sink;
	o->sink = next;
	atomic_fetch_add_explicit(&o->sink_version, 1, memory_order_relaxed);
	pthread_mutex_unlock(&o->lock);
	sink_unref(before);
	return true;
}

void metrics_add_figures(struct observe *o, metrics_fn *fn, void *arg)
{
	struct figures *f = mem_alloc(sizeof(*f));

	*f = (struct figures){ .fn = fn, .arg = arg, .next = o->figures };
	o->figures = f;
}

static struct observe_loop *observe_loop_new(struct observe *o, const struct observe_options *options)
{
	struct observe_loop *l = mem_zalloc(sizeof(*l));
	unsigned max = options->series_max ? options->series_max : SERIES_MAX;
	size_t bytes = options->log_buffer_max_bytes ? options->log_buffer_max_bytes : LOG_BUFFER_BYTES;

	l->observe = o;
	l->free_models_max = FREE_MODELS_MAX / (options->loops ? options->loops : 1);
	if (l->free_models_max < FREE_MODELS_LEAST)
		l->free_models_max = FREE_MODELS_LEAST;
	series_init(&l->routes, sizeof(struct route), 3, max);
	series_init(&l->deployments, sizeof(struct upstream), 1, max);
	l->log.second = UINT64_MAX; /* none is written yet */
	l->log.lines = buf_make(bytes < LOG_BUFFER_LEAST ? LOG_BUFFER_LEAST : bytes);
	take_sink(l);
	return l;
}

struct observe *observe_new(const struct observe_options *options, struct err *e)
{
	struct observe *o = mem_zalloc(sizeof(*o));
	int rc = pthread_mutex_init(&o->lock, NULL);

	assert(rc == 0 && options->loops > 0);
	o->started_ms = clock_real_ms();
	if (!observe_reopen(o, &options->log, e)) {
		observe_free(o);
		return NULL;
	}
	o->loops = mem_zalloc(options->loops * sizeof(*o->loops));
	for (; o->n_loops < options->loops; o->n_loops++)
		o->loops[o->n_loops] = observe_loop_new(o, options);
	return o;
}

void observe_free(struct observe *o)
{
	if (!o)
		return;
	for (unsigned i = 0; i < o->n_loops; i++) {
		access_log_move(&o->loops[i]->log, NULL);
		series_fini(&o->loops[i]->routes);
		series_fini(&o->loops[i]->deployments);
		free(o->loops[i]);
	}
	free(o->loops);
	while (o->figures) {
		struct figures *f = o->figures;

		o->figures = f->next;
		free(f);
	}
	sink_unref(o->sink);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
