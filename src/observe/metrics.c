/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition: every loop's figures summed and written in Prometheus' text format 0.0.4. */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "observe/observe_in.h"

enum metric {
	M_REQUESTS, M_LATENCY, M_FIRST_BYTE, M_OVERHEAD, M_IN_FLIGHT, M_BYTES_IN, M_BYTES_OUT, M_TOKENS, M_COST,
	M_COST_UNKNOWN, M_ATTEMPTS, M_UPSTREAM_ERRORS, M_HEDGES, M_LOG_WRITTEN, M_LOG_DROPPED, M_BUILD, M_RSS,
	M_FDS, M_FDS_MAX, M_CPU, M_STARTED, M_CONTINUED, METRICS
};

struct metric_row {
	const char *name, *type, *help;
};

#define COUNTER(name, help) { name, "counter", help }
#define GAUGE(name, help) { name, "gauge", help }
#define HISTOGRAM(name, help) { name, "histogram", help }

static const struct metric_row metric_rows[METRICS] = {
	[M_REQUESTS] = COUNTER("sluice_requests_total",
		"Requests answered, by HTTP status (499: the client went away)."),
	[M_LATENCY] = HISTOGRAM("sluice_request_seconds", "First byte of the request to the last of the answer."),
	[M_FIRST_BYTE] = HISTOGRAM("sluice_first_byte_seconds",
		"First byte of the request to the first of the answer."),
	[M_OVERHEAD] = HISTOGRAM("sluice_overhead_seconds",
		"Time of a request that was not spent waiting for client or provider."),
	[M_IN_FLIGHT] = GAUGE("sluice_requests_in_flight", "Requests that are being answered."),
	[M_BYTES_IN] = COUNTER("sluice_request_bytes_total", "Bytes of request bodies received from clients."),
	[M_BYTES_OUT] = COUNTER("sluice_response_bytes_total", "Bytes of answer bodies sent to clients."),
	[M_TOKENS] = COUNTER("sluice_tokens_total", "Tokens used; each token is in exactly one kind."),
	[M_COST] = COUNTER("sluice_cost_usd_total", "Cost of the requests whose price is known, in US dollars."),
	[M_COST_UNKNOWN] = COUNTER("sluice_unknown_cost_requests_total",
		"Requests that reached a provider and whose cost is not known."),
	[M_ATTEMPTS] = COUNTER("sluice_upstream_attempts_total", "Calls of providers, retries included."),
	[M_UPSTREAM_ERRORS] = COUNTER("sluice_upstream_errors_total",
		"Failed calls of providers; the reason is the HTTP status, or an error code where no answer came."),
	[M_HEDGES] = COUNTER("sluice_hedges_total",
		"Second calls beside a slow first one, by the deployment that was called second."),
	[M_CONTINUED] = COUNTER("sluice_streams_continued_total",
		"Streams that were cut in the midst and went on with another call, each time."),
	[M_LOG_WRITTEN] = COUNTER("sluice_log_lines_total", "Lines written to the access log."),
	[M_LOG_DROPPED] = COUNTER("sluice_log_lines_dropped_total",
		"Lines of the access log that found no room or could not be written."),
	[M_BUILD] = GAUGE("sluice_build_info", "Always 1; the label tells the version."),
	[M_RSS] = GAUGE("process_resident_memory_bytes", "Resident memory."),
	[M_FDS] = GAUGE("process_open_fds", "Open descriptors."),
	[M_FDS_MAX] = GAUGE("process_max_fds", "Most descriptors that may be open."),
	[M_CPU] = COUNTER("process_cpu_seconds_total", "User and system CPU time."),
	[M_STARTED] = GAUGE("process_start_time_seconds", "Start time, in seconds since 1970."),
};

/* `scale`: digits behind the decimal point; figures in microseconds have 6. `label`: name of the one label, or NULL. */
static const struct figure_row {
	struct metric_row metric;
	const char *label;
	int scale;
} figure_rows[METRIC_FIGURES] = {
	[METRIC_LOOP_TURNS] = { COUNTER("sluice_loop_turns_total", "Turns of an event loop."), "loop", 0 },
	[METRIC_LOOP_BUSY_US] = { COUNTER("sluice_loop_busy_seconds_total",
		"Time an event loop did not wait."), "loop", 6 },
	[METRIC_LOOP_LONGEST_TURN_US] = { GAUGE("sluice_loop_longest_turn_seconds",
		"Longest turn of an event loop so far."), "loop", 6 },
	[METRIC_LOOP_TIMERS] = { GAUGE("sluice_loop_timers", "Timers that run."), "loop", 0 },
	[METRIC_LOOP_WATCHES] = { GAUGE("sluice_loop_watches", "Descriptors watched."), "loop", 0 },
	[METRIC_SERVER_CONNECTIONS] = { GAUGE("sluice_server_connections",
		"Open connections of clients."), NULL, 0 },
	[METRIC_SERVER_ACCEPTED] = { COUNTER("sluice_server_accepted_total",
		"Connections of clients accepted."), NULL, 0 },
	[METRIC_SERVER_REFUSED] = { COUNTER("sluice_server_refused_messages_total",
		"Requests refused because they break the rules of HTTP."), NULL, 0 },
	[METRIC_CLIENT_ACTIVE] = { GAUGE("sluice_upstream_connections_active",
		"Connections to providers that carry a call."), NULL, 0 },
	[METRIC_CLIENT_IDLE] = { GAUGE("sluice_upstream_connections_idle",
		"Connections to providers kept for the next call."), NULL, 0 },
	[METRIC_CLIENT_CONNECTS] = { COUNTER("sluice_upstream_connects_total",
		"Connections to providers made."), NULL, 0 },
	[METRIC_CLIENT_REUSES] = { COUNTER("sluice_upstream_reuses_total",
		"Calls on a connection that was kept."), NULL, 0 },
	[METRIC_CLIENT_RETRIES] = { COUNTER("sluice_upstream_stale_total",
		"Kept connections that were found dead and replaced by a fresh one."), NULL, 0 },
	[METRIC_CLIENT_FAILURES] = { COUNTER("sluice_upstream_failures_total",
		"Calls that failed in transport."), NULL, 0 },
	[METRIC_QUEUE_WAITING] = { GAUGE("sluice_queue_waiting",
		"Requests that wait for room at a model's deployments."), NULL, 0 },
	[METRIC_QUEUE_WAITS] = { COUNTER("sluice_queue_waits_total",
		"Requests that have waited for room, whatever became of them."), NULL, 0 },
	[METRIC_QUEUE_WAIT_US] = { COUNTER("sluice_queue_wait_seconds_total",
		"Time that they have waited."), NULL, 6 },
	[METRIC_QUEUE_REFUSED] = { COUNTER("sluice_queue_refused_total",
		"Requests that were refused because there was no room, or none in time."), NULL, 0 },
	[METRIC_LEDGER_RECORDS] = { COUNTER("sluice_ledger_records_total",
		"Spend records stored in the database."), NULL, 0 },
	[METRIC_LEDGER_LAG_BYTES] = { GAUGE("sluice_ledger_lag_bytes",
		"Journal bytes that are not in the database yet."), NULL, 0 },
	[METRIC_LEDGER_BAD_REGIONS] = { COUNTER("sluice_ledger_bad_regions_total",
		"Damaged places found in journals and kept aside."), NULL, 0 },
	[METRIC_LEDGER_STORE_ERRORS] = { COUNTER("sluice_ledger_store_errors_total",
		"Failed transactions of the ledger."), NULL, 0 },
	[METRIC_LEDGER_JOURNAL_ERRORS] = { COUNTER("sluice_ledger_journal_errors_total",
		"Failed writes of the journals; of that turn only answers that cost nothing were sent."), NULL, 0 },
	[METRIC_RELOADS] = { COUNTER("sluice_config_reloads_total", "Reloads of the configuration."), "result", 0 },
	[METRIC_ESTIMATE_TEXT_ERROR] = { GAUGE("sluice_token_estimate_error_ratio",
		"Mean error of token counts made from texts, relative to what providers reported."), "family", 4 },
	[METRIC_ESTIMATE_BODY_ERROR] = { GAUGE("sluice_token_estimate_body_error_ratio",
		"Mean error of token counts made from the bytes of bodies."), "family", 4 },
	[METRIC_ESTIMATE_SAMPLES] = { COUNTER("sluice_token_estimate_samples_total",
		"Requests whose reported usage was compared with an estimate."), "family", 0 },
	[METRIC_DEPLOYMENT_STATE] = { GAUGE("sluice_deployment_state",
		"0: takes requests; 1: half open, a probe may show that it works; 2: cooling; 3: its breaker is open."),
		"deployment", 0 },
	[METRIC_DEPLOYMENT_IN_FLIGHT] = { GAUGE("sluice_deployment_in_flight",
		"Calls of a deployment under way."), "deployment", 0 },
	[METRIC_DEPLOYMENT_CHANGES] = { COUNTER("sluice_deployment_changes_total",
		"Deployments taken out and back."), "change", 0 },
	[METRIC_ALERTS] = { COUNTER("sluice_alerts_total",
		"Alerts raised, and what became of them at the webhook."), "result", 0 },
	[METRIC_SCRIPT_CALLS] = { COUNTER("sluice_script_calls_total",
		"Runs of scripts of the strategy custom."), NULL, 0 },
	[METRIC_SCRIPT_FAILURES] = { COUNTER("sluice_script_failures_total",
		"Runs that failed or named nobody: the candidates were tried as written."), NULL, 0 },
	[METRIC_READY] = { GAUGE("sluice_ready", "1: takes requests; 0: starting or draining."), NULL, 0 },
};

/* One scrape. */
struct metrics_out {
	struct buf *to;
	struct buf labels;               /* of the group being written: `endpoint="…",model="…"` */
	struct route **routes;
	size_t n_routes;
	struct upstream **deployments;
	size_t n_deployments;
	struct figure_sample {
		enum metric_figure figure;
		struct str label;        /* copied */
		uint64_t value;
	} *samples;
	size_t n_samples, cap_samples;
};

static void put(struct buf *to, const char *text)
{
	buf_append(to, str_from_z(text));
}

static void head(struct metrics_out *m, const struct metric_row *row)
{
	buf_printf(m->to, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, row->type);
}

/* Backslash, quote and newline are escaped in label values; nothing else may be. */
static void put_label(struct buf *to, const char *name, struct str value)
{
	if (to->n)
		buf_append_c(to, ',');
	put(to, name);
	put(to, "=\"");
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\n')
			put(to, "\\n");
		else if (c == '"' || c == '\\')
			buf_append(to, str_of((char[]){ '\\', c }, 2));
		else
			buf_append_c(to, c);
	}
	buf_append_c(to, '"');
}

static const char *const route_labels[SERIES_LABELS] = { "endpoint", "model", "provider" };

/* The labels [from, to) of a route. */
static void set_labels(struct metrics_out *m, const struct route *r, unsigned from, unsigned to)
{
	buf_clear(&m->labels);
	for (unsigned i = from; i < to; i++)
		put_label(&m->labels, route_labels[i], r->series.label[i]);
}

/* name{labels,extra="value"} v, where v has `scale` digits behind the point. */
static void sample(struct metrics_out *m, const char *name, const char *suffix, const char *extra,
                   struct str extra_value, uint64_t v, int scale)
{
	size_t labels = m->labels.n;

	if (extra)
		put_label(&m->labels, extra, extra_value);
	put(m->to, name);
	put(m->to, suffix);
	if (m->labels.n) {
		buf_append_c(m->to, '{');
		buf_append(m->to, buf_str(&m->labels));
		buf_append_c(m->to, '}');
	}
	m->labels.n = labels;
	buf_append_c(m->to, ' ');
	if (scale && v <= INT64_MAX)
		text_from_fixed(m->to, (int64_t)v, scale);
	else
		buf_append_u64(m->to, v);
	buf_append_c(m->to, '\n');
}

static void plain(struct metrics_out *m, enum metric metric, uint64_t v, int scale)
{
	head(m, &metric_rows[metric]);
	buf_clear(&m->labels);
	sample(m, metric_rows[metric].name, "", NULL, (struct str){ NULL, 0 }, v, scale);
}

static int compare_labels(const struct series *a, const struct series *b, unsigned from, unsigned to)
{
	int order = 0;

	for (unsigned i = from; i < to && !order; i++)
		order = str_cmp(a->label[i], b->label[i]);
	return order;
}

static int by_endpoint(const void *a, const void *b)
{
	return compare_labels(*(struct series *const *)a, *(struct series *const *)b, 0, 3);
}

static int by_model(const void *a, const void *b)
{
	return compare_labels(*(struct series *const *)a, *(struct series *const *)b, 1, 3);
}

static int by_name(const void *a, const void *b)
{
	return compare_labels(*(struct series *const *)a, *(struct series *const *)b, 0, 1);
}

/* End of the group that begins at i: equal in the labels [from, to). */
static size_t group_end(struct metrics_out *m, size_t i, unsigned from, unsigned to)
{
	size_t end = i + 1;

	while (end < m->n_routes && compare_labels(&m->routes[i]->series, &m->routes[end]->series, from, to) == 0)
		end++;
	return end;
}

/* The statuses of a group of routes, summed. */
enum { STATUSES_MAX = 100 };
struct statuses {
	struct { uint32_t status; uint64_t n; } row[STATUSES_MAX];
	unsigned n;
	uint64_t other;
};

static void statuses_add(struct statuses *s, uint32_t status, uint64_t n)
{
	unsigned i;

	for (i = 0; i < s->n && s->row[i].status != status; i++)
		;
	if (i == STATUSES_MAX) {
		s->other += n;
		return;
	}
	if (i == s->n) {
		s->row[s->n++].status = status;
		s->row[i].n = 0;
	}
	s->row[i].n += n;
}

static void write_requests(struct metrics_out *m)
{
	head(m, &metric_rows[M_REQUESTS]);
	for (size_t i = 0, end; i < m->n_routes; i = end) {
		struct statuses s = { .n = 0 };

		end = group_end(m, i, 0, 3);
		for (size_t r = i; r < end; r++) {
			for (unsigned k = 0; k < ROUTE_STATUSES; k++) {
				uint32_t status =
					atomic_load_explicit(&m->routes[r]->status[k].status, memory_order_acquire);

				if (status)
					statuses_add(&s, status, count_get(&m->routes[r]->status[k].n));
			}
			s.other += count_get(&m->routes[r]->status_other);
		}
		set_labels(m, m->routes[i], 0, 3);
		for (unsigned k = 0; k < s.n; k++) {
			char text[20];

			sample(m, metric_rows[M_REQUESTS].name, "", "status",
			       str_of(text, fmt_u64(text, s.row[k].status)), s.row[k].n, 0);
		}
		if (s.other)
			sample(m, metric_rows[M_REQUESTS].name, "", "status", STR("other"), s.other, 0);
	}
}

/* One histogram of each group, found in a route at `offset`. */
static void write_histogram(struct metrics_out *m, enum metric metric, size_t offset, const struct histo_scale *scale,
                            unsigned labels)
{
	const char *name = metric_rows[metric].name;
	char room[32];
	struct buf le = buf_make(sizeof(room));

	head(m, &metric_rows[metric]);
	for (size_t i = 0, end; i < m->n_routes; i = end) {
		uint64_t bucket[HISTO_BOUNDS + 1] = { 0 }, sum_us = 0, below = 0;

		end = group_end(m, i, 0, labels);
		for (size_t r = i; r < end; r++) {
			const struct histo *h = (const void *)((const char *)m->routes[r] + offset);

			for (unsigned k = 0; k <= HISTO_BOUNDS; k++)
				bucket[k] += count_get(&h->bucket[k]);
			sum_us += count_get(&h->sum_us);
		}
		set_labels(m, m->routes[i], 0, labels);
		for (unsigned k = 0; k < HISTO_BOUNDS; k++) {
			below += bucket[k];
			buf_clear(&le);
			text_from_fixed(&le, scale->bound_us[k], 6);
			sample(m, name, "_bucket", "le", buf_str(&le), below, 0);
		}
		below += bucket[HISTO_BOUNDS];
		sample(m, name, "_bucket", "le", STR("+Inf"), below, 0);
		sample(m, name, "_sum", NULL, (struct str){ NULL, 0 }, sum_us, 6);
		sample(m, name, "_count", NULL, (struct str){ NULL, 0 }, below, 0);
	}
	buf_fini(&le);
}

static void write_tokens(struct metrics_out *m)
{
	head(m, &metric_rows[M_TOKENS]);
	for (size_t i = 0, end; i < m->n_routes; i = end) {
		end = group_end(m, i, 1, 3);
		set_labels(m, m->routes[i], 1, 3);
		for (unsigned k = 0; k < USAGE_COUNTERS; k++) {
			uint64_t sum = 0;

			for (size_t r = i; r < end; r++)
				sum += count_get(&m->routes[r]->tokens[k]);
			if (sum)
				sample(m, metric_rows[M_TOKENS].name, "", "kind",
				       str_from_z(usage_counter_name((enum usage_counter)k)), sum, 0);
		}
	}
}

/* A counter of routes at `offset`, by model and provider. Routes that have no provider are left out: they cost nothing.
 * */
static void write_by_model(struct metrics_out *m, enum metric metric, size_t offset, int scale)
{
	head(m, &metric_rows[metric]);
	for (size_t i = 0, end; i < m->n_routes; i = end) {
		uint64_t sum = 0;

		end = group_end(m, i, 1, 3);
		for (size_t r = i; r < end; r++)
			sum += count_get((const void *)((const char *)m->routes[r] + offset));
		set_labels(m, m->routes[i], 1, 3);
		if (m->routes[i]->series.label[2].n)
			sample(m, metric_rows[metric].name, "", NULL, (struct str){ NULL, 0 }, sum, scale);
	}
}

static size_t deployment_end(struct metrics_out *m, size_t i)
{
	size_t end = i + 1;

	while (end < m->n_deployments && by_name(&m->deployments[i], &m->deployments[end]) == 0)
		end++;
	return end;
}

/* Reasons of a group of deployments, summed by their text: loops have met them in different orders. */
static void write_reasons(struct metrics_out *m, size_t i, size_t end)
{
	struct { const char *error; uint32_t status; uint64_t n; } sum[4 * UPSTREAM_REASONS];
	const char *name = metric_rows[M_UPSTREAM_ERRORS].name;
	uint64_t other = 0;
	unsigned n = 0, k;
	char text[20];

	for (size_t d = i; d < end; d++) {
		for (unsigned j = 0; j < UPSTREAM_REASONS; j++) {
			uint64_t count = atomic_load_explicit(&m->deployments[d]->reason[j].n, memory_order_acquire);
			const char *error =
				atomic_load_explicit(&m->deployments[d]->reason[j].error, memory_order_relaxed);
			uint32_t status =
				atomic_load_explicit(&m->deployments[d]->reason[j].status, memory_order_relaxed);

			if (!count)
				break;
			for (k = 0; k < n && (sum[k].error != error || sum[k].status != status); k++)
				;
			if (k == COUNT_OF(sum)) {
				other += count;
				continue;
			}
			if (k == n) {
				sum[n].error = error;
				sum[n].status = status;
				sum[n++].n = 0;
			}
			sum[k].n += count;
		}
		other += count_get(&m->deployments[d]->reason_other);
	}
	for (k = 0; k < n; k++)
		sample(m, name, "", "reason",
		       sum[k].error ? str_from_z(sum[k].error) : str_of(text, fmt_u64(text, sum[k].status)), sum[k].n,
		       0);
	if (other)
		sample(m, name, "", "reason", STR("other"), other, 0);
}

static void write_hedges(struct metrics_out *m)
{
	static const enum fact_hedge results[] = { FACT_HEDGE_WON, FACT_HEDGE_LOST, FACT_HEDGE_FAILED };

	head(m, &metric_rows[M_HEDGES]);
	for (size_t i = 0, end; i < m->n_deployments; i = end) {
		end = deployment_end(m, i);
		buf_clear(&m->labels);
		put_label(&m->labels, "deployment", m->deployments[i]->series.label[0]);
		for (size_t k = 0; k < COUNT_OF(results); k++) {
			uint64_t sum = 0;

			for (size_t d = i; d < end; d++)
				sum += count_get(&m->deployments[d]->hedges[results[k]]);
			if (sum)
				sample(m, metric_rows[M_HEDGES].name, "", "result",
				       str_from_z(fact_hedge_names[results[k]]), sum, 0);
		}
	}
}

static void write_deployments(struct metrics_out *m)
{
	head(m, &metric_rows[M_ATTEMPTS]);
	for (size_t i = 0, end; i < m->n_deployments; i = end) {
		uint64_t sum = 0;

		end = deployment_end(m, i);
		for (size_t d = i; d < end; d++)
			sum += count_get(&m->deployments[d]->attempts);
		buf_clear(&m->labels);
		sample(m, metric_rows[M_ATTEMPTS].name, "", "deployment", m->deployments[i]->series.label[0], sum, 0);
	}
	head(m, &metric_rows[M_UPSTREAM_ERRORS]);
	for (size_t i = 0, end; i < m->n_deployments; i = end) {
		end = deployment_end(m, i);
		buf_clear(&m->labels);
		put_label(&m->labels, "deployment", m->deployments[i]->series.label[0]);
		write_reasons(m, i, end);
	}
	write_hedges(m);
}

void metrics_figure(struct metrics_out *m, enum metric_figure figure, struct str label, uint64_t value)
{
	assert(figure < METRIC_FIGURES);
	for (size_t i = 0; i < m->n_samples; i++)
		if (m->samples[i].figure == figure && str_eq(m->samples[i].label, label)) {
			m->samples[i].value += value;
			return;
		}
	if (m->n_samples == m->cap_samples) {
		m->cap_samples = m->cap_samples ? 2 * m->cap_samples : 64;
		m->samples = mem_realloc(m->samples, m->cap_samples * sizeof(*m->samples));
	}
	m->samples[m->n_samples++] = (struct figure_sample){
		.figure = figure, .label = str_of(mem_dup(label.n ? label.p : "", label.n), label.n), .value = value,
	};
}

static void gather_figures(struct observe *o, struct metrics_out *m)
{
	for (unsigned i = 0; i < o->n_loops; i++) {
		char text[20];
		struct str number = str_of(text, fmt_u64(text, i));

		for (unsigned f = 0; f < METRIC_FIGURES; f++) {
			uint64_t v = count_get(&o->loops[i]->figure[f]);

			if (v)
				metrics_figure(m, (enum metric_figure)f, f <= METRIC_LOOP_WATCHES ? number : STR(""),
				               v);
		}
	}
	for (struct figures *f = o->figures; f; f = f->next)
		f->fn(f->arg, m);
}

static void write_figures(struct metrics_out *m)
{
	for (unsigned f = 0; f < METRIC_FIGURES; f++) {
		const struct figure_row *row = &figure_rows[f];
		bool any = false;

		head(m, &row->metric);
		buf_clear(&m->labels);
		for (size_t i = 0; i < m->n_samples; i++) {
			struct figure_sample *s = &m->samples[i];

			if (s->figure != f)
				continue;
			any = true;
			sample(m, row->metric.name, "", row->label && s->label.n ? row->label : NULL, s->label,
			       s->value, row->scale);
		}
		if (!any && !row->label)
			sample(m, row->metric.name, "", NULL, (struct str){ NULL, 0 }, 0, 0);
	}
}

static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Since Linux 6.2 the directory's size is the number; before, the entries are counted. */
static uint64_t open_fds(void)
{
	struct stat st;
	uint64_t n = 0;
	DIR *d;

	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	d = opendir("/proc/self/fd");
	if (!d)
		return 0;
	for (struct dirent *entry; (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	closedir(d);
	return n - 1; /* its own */
}

static void write_process(struct observe *o, struct metrics_out *m)
{
	struct rusage used;
	struct rlimit fds;

	plain(m, M_RSS, resident_bytes(), 0);
	plain(m, M_FDS, open_fds(), 0);
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_cur != RLIM_INFINITY)
		plain(m, M_FDS_MAX, fds.rlim_cur, 0);
	if (getrusage(RUSAGE_SELF, &used) == 0)
		plain(m, M_CPU, (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
		      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec), 6);
	plain(m, M_STARTED, o->started_ms, 3);
	head(m, &metric_rows[M_BUILD]);
	buf_clear(&m->labels);
	sample(m, metric_rows[M_BUILD].name, "", "version", STR(SLUICE_VERSION), 1, 0);
}

/* The pointers of all loops' series; the series themselves stay where they are. */
static void **gather(struct observe *o, size_t table, size_t *n)
{
	size_t cap = 0;
	void **all;

	for (unsigned i = 0; i < o->n_loops; i++)
		cap += ((struct series_table *)(void *)((char *)o->loops[i] + table))->max + 1;
	all = mem_alloc(cap * sizeof(*all));
	*n = 0;
	for (unsigned i = 0; i < o->n_loops; i++) {
		struct series_table *t = (void *)((char *)o->loops[i] + table);
		unsigned have = atomic_load_explicit(&t->n, memory_order_acquire);

		for (unsigned k = 0; k < have; k++)
			all[(*n)++] = atomic_load_explicit(&t->all[k], memory_order_relaxed);
	}
	return all;
}

static void write_totals(struct observe *o, struct metrics_out *m)
{
	uint64_t begun = 0, ended = 0, in = 0, out = 0, written = 0, dropped = 0, continued = 0;

	for (unsigned i = 0; i < o->n_loops; i++) {
		struct observe_loop *l = o->loops[i];

		ended += count_get(&l->ended);
		begun += count_get(&l->begun);
		in += count_get(&l->bytes_in);
		out += count_get(&l->bytes_out);
		written += count_get(&l->log.written);
		dropped += count_get(&l->log.dropped);
		continued += count_get(&l->continued);
	}
	plain(m, M_IN_FLIGHT, begun > ended ? begun - ended : 0, 0);
	plain(m, M_BYTES_IN, in, 0);
	plain(m, M_BYTES_OUT, out, 0);
	plain(m, M_LOG_WRITTEN, written, 0);
	plain(m, M_LOG_DROPPED, dropped, 0);
	plain(m, M_CONTINUED, continued, 0);
}

bool metrics_write(struct observe *o, struct buf *to)
{
	struct metrics_out m = { .to = to, .labels = buf_make(4096) };

	m.routes = (struct route **)gather(o, offsetof(struct observe_loop, routes), &m.n_routes);
	m.deployments = (struct upstream **)gather(o, offsetof(struct observe_loop, deployments), &m.n_deployments);
	qsort(m.routes, m.n_routes, sizeof(*m.routes), by_endpoint);
	qsort(m.deployments, m.n_deployments, sizeof(*m.deployments), by_name);
	gather_figures(o, &m);

	write_requests(&m);
	write_histogram(&m, M_LATENCY, offsetof(struct route, latency), &histo_latency, 3);
	write_histogram(&m, M_FIRST_BYTE, offsetof(struct route, first_byte), &histo_latency, 3);
	write_histogram(&m, M_OVERHEAD, offsetof(struct route, overhead), &histo_overhead, 1);
	qsort(m.routes, m.n_routes, sizeof(*m.routes), by_model);
	write_tokens(&m);
	write_by_model(&m, M_COST, offsetof(struct route, cost_nusd), 9);
	write_by_model(&m, M_COST_UNKNOWN, offsetof(struct route, unknown_cost), 0);
	write_deployments(&m);
	write_totals(o, &m);
	write_figures(&m);
	write_process(o, &m);

	for (size_t i = 0; i < m.n_samples; i++)
		free((char *)(uintptr_t)m.samples[i].label.p);
	free(m.samples);
	free(m.routes);
	free(m.deployments);
	buf_fini(&m.labels);
	return !to->failed;
}
