/* SPDX-License-Identifier: Apache-2.0 */
/* observe_in: what only this room's files share. */
#ifndef SLUICE_OBSERVE_OBSERVE_IN_H
#define SLUICE_OBSERVE_OBSERVE_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "observe/observe.h"

/* A figure that one thread writes and any thread reads: a plain addition, no locked instruction. */
static inline void count_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}
static inline uint64_t count_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/*
 * Series (series.c): what is counted for one combination of labels. A loop appends to its table and looks up; scrapers
 * walk all[0 … n). Nothing is removed.
 */
#define SERIES_LABELS 3
#define SERIES_LABEL_MAX 128u      /* bytes of a label; longer ones are cut */

struct series {
	struct str label[SERIES_LABELS];
	uint64_t hash;
};

#define SERIES_NEAR 256u

struct series_table {
	size_t size;                     /* of the struct that begins with a struct series */
	unsigned labels, max;            /* `max` series, and one more for what comes after them */
	_Atomic unsigned n;
	struct series *_Atomic *all;
	uint16_t *index;                 /* open addressing: number + 1; 0: free */
	size_t index_mask;
	struct series *last;              /* the one before */
	struct series *near[SERIES_NEAR]; /* where each was last seen, by a cheap hash */
};

void series_init(struct series_table *, size_t size, unsigned labels, unsigned max);
void series_fini(struct series_table *);
/* The series of these labels; a new one starts at zero. Never NULL: past the ceiling it is the one named "other". */
HOT struct series *series_get(struct series_table *, const struct str *labels);
bool series_has(struct series_table *, const struct str *labels);

#define HISTO_BOUNDS 16
struct histo_scale {
	uint32_t bound_us[HISTO_BOUNDS];
	uint8_t first[33];               /* where to begin, by the number of bits */
};
extern const struct histo_scale histo_latency, histo_overhead;

static inline unsigned histo_bucket(const struct histo_scale *scale, uint32_t us)
{
	unsigned at = scale->first[us ? 32 - (unsigned)__builtin_clz(us) : 0];

	while (at < HISTO_BOUNDS && us > scale->bound_us[at])
		at++;
	return at;
}

struct histo {
	_Atomic uint64_t bucket[HISTO_BOUNDS + 1], sum_us;
};

/* Requests by endpoint, model and provider. */
#define ROUTE_STATUSES 12
#define ROUTE_TEXT_MAX 240
struct route {
	struct series series;
	struct {
		_Atomic uint32_t status;     /* 0: free; written after its first count */
		_Atomic uint64_t n;
	} status[ROUTE_STATUSES];
	_Atomic uint64_t status_other;
	struct histo latency, first_byte, overhead;
	_Atomic uint64_t tokens[USAGE_COUNTERS];
	_Atomic uint64_t cost_nusd, unknown_cost;
	const char *dialect;             /* the loop's own: what the route's log lines repeat (access_log.c) */
	uint8_t text_n;
	char text[ROUTE_TEXT_MAX];
};

/* Upstream calls by deployment. A reason is the HTTP status, or the error's word where no answer came. */
#define UPSTREAM_REASONS 16
struct upstream {
	struct series series;
	_Atomic uint64_t attempts;
	_Atomic uint64_t hedges[FACT_HEDGES];
	struct {
		const char *_Atomic error;   /* static text; NULL: free, or a status */
		_Atomic uint32_t status;
		_Atomic uint64_t n;          /* 0: free */
	} reason[UPSTREAM_REASONS];
	_Atomic uint64_t reason_other;
};

/*
 * Where log lines go (sink.c). Shared by the loops, freed with its last reference.
 */
struct sink;
MUST_USE struct sink *sink_open(struct str name, struct err *);      /* one reference; NULL: err tells */
struct sink *sink_ref(struct sink *);
void sink_unref(struct sink *);                                      /* NULL is fine */
/* Writes whole lines from `lines` and says how many bytes were taken: fewer, when there is no room now. -1: it failed.
 * */
ssize_t sink_write(struct sink *, struct str lines);

/* The names of the steps as they stand in a line: `,"auth":`. */
#define STEP_KEY_MAX 24
struct step_keys {
	const char *const *of;               /* the names these were made from */
	struct { char text[STEP_KEY_MAX]; uint8_t n; } key[FACT_STEPS_MAX];
};

/* One loop's log: its lines, and what their texts repeat. */
struct access_log {
	struct buf lines;
	struct sink *sink;                   /* NULL: off */
	unsigned sink_version;
	bool cut; /* what was written last ends inside of a line, whose rest is in the buffer */
	bool torn;                           /* … and whose rest is lost: a newline comes first */
	uint64_t waiting;                    /* lines in the buffer */
	uint64_t complained_ms;
	uint64_t second;                     /* of second_text */
	char second_text[20];                /* "2026-11-27T23:05:01." */
	struct step_keys steps;
	_Atomic uint64_t written, dropped;
};

/* Appends the line (access_log.c). */
HOT void access_log_add(struct access_log *, const struct facts *, struct route *);
HOT void access_log_flush(struct access_log *);
/* Goes over to another sink, whose reference it takes; NULL: off. */
void access_log_move(struct access_log *, struct sink *to);

struct observe_loop {
	struct observe *observe;
	struct series_table routes, deployments;
	unsigned free_models, free_models_max;   /* routes whose model a client named through a wildcard */
	_Atomic uint64_t begun, ended;
	_Atomic uint64_t bytes_in, bytes_out;
	_Atomic uint64_t continued;
	_Atomic uint64_t figure[METRIC_FIGURES];
	struct access_log log;
};

struct figures {
	metrics_fn *fn;
	void *arg;
	struct figures *next;
};

struct observe {
	unsigned n_loops;
	struct observe_loop **loops;
	struct figures *figures;
	uint64_t started_ms;
	_Atomic unsigned sink_version;
	pthread_mutex_t lock;                /* sink */
	struct sink *sink;                   /* NULL: off */
};

#endif
