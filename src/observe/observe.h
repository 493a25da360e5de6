/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe: from facts to metrics and the access log. Low rooms and the gateway know nothing of Prometheus or of log
 * lines.
 *
 *	o = observe_new(&options, &e);                 // at start, one for the process
 *	l = observe_loop(o, loop_index(loop));         // each loop its own
 *	observe_begin(l);                              // a request's head was read
 *	observe_request(l, &facts);                    // at RECORD: counted, its line in the loop's buffer
 *	observe_flush(l);                              // in the after-flush hook: one write(2) for all lines of the
  * turn
 *
 * Figures of a loop are written by that loop's thread only, without locks or locked instructions; whoever scrapes reads
 * them as they stand. Series (label combinations) have a ceiling for each loop; beyond it they are counted under the
 * label "other".
 *
 * The log never blocks a loop: pipes, terminals and sockets are written without waiting, lines that find no room are
 * dropped and counted (sluice_log_lines_dropped_total). Regular files are simply written. No allocation once the
 * buffers have grown and the series are known.
 */
#ifndef SLUICE_OBSERVE_OBSERVE_H
#define SLUICE_OBSERVE_OBSERVE_H

#include "base/buf.h"
#include "observe/facts.h"

struct err;
struct observe;
struct observe_loop;

struct observe_log_options {
	bool on;
	struct str sink; /* "stdout", "stderr" or the path of a file, which is made (0640) and appended to */
};

struct observe_options {
	unsigned loops;
	struct observe_log_options log;
	size_t log_buffer_max_bytes;     /* of one loop's lines that wait to be written; 0: 256 KiB */
	unsigned series_max;             /* of one loop; 0: 4,096 */
};

/* NULL: the log's file cannot be opened; err tells. */
MUST_USE struct observe *observe_new(const struct observe_options *, struct err *);
/* After all loops have ended: writes what is left. NULL is fine. */
void observe_free(struct observe *);

/* Opens the sink anew: after SIGHUP (a file may have been moved away) or with other settings. Loops change over at
 * their next flush. False: the old sink stays. Any thread. */
MUST_USE bool observe_reopen(struct observe *, const struct observe_log_options *, struct err *);

struct observe_loop *observe_loop(struct observe *, unsigned index);

/* One for each request that will reach observe_request: the gauge of requests in flight. */
void observe_begin(struct observe_loop *);
HOT void observe_request(struct observe_loop *, const struct facts *);
HOT void observe_flush(struct observe_loop *);

/*
 * The metrics, Prometheus text format 0.0.4. Content type METRICS_CONTENT_TYPE. Any thread. Every metric has its row in
 * the table of metrics.c and in docs/metrics.md. False: the buffer is full.
 */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
MUST_USE bool metrics_write(struct observe *, struct buf *);

/* Figures that other rooms keep. Two ways in: a loop sets its own, where only its thread may read them; a function
 * registered before the loops start is asked at each scrape, on the thread that scrapes. Samples of the same figure
 * (and label) are added up. */
enum metric_figure {
	METRIC_LOOP_TURNS,               /* of one loop, labelled by its number, if set by observe_figure */
	METRIC_LOOP_BUSY_US,
	METRIC_LOOP_LONGEST_TURN_US,
	METRIC_LOOP_TIMERS,
	METRIC_LOOP_WATCHES,
	METRIC_SERVER_CONNECTIONS,       /* open now */
	METRIC_SERVER_ACCEPTED,
	METRIC_SERVER_REFUSED,           /* messages that broke the rules of HTTP */
	METRIC_CLIENT_ACTIVE,            /* upstream connections that carry a call */
	METRIC_CLIENT_IDLE,
	METRIC_CLIENT_CONNECTS,
	METRIC_CLIENT_REUSES,
	METRIC_CLIENT_RETRIES,           /* reused connections that were dead, retried on a fresh one */
	METRIC_CLIENT_FAILURES,
	METRIC_QUEUE_WAITING,            /* requests that wait for room at a model's deployments */
	METRIC_QUEUE_WAITS,              /* that have waited */
	METRIC_QUEUE_WAIT_US,
	METRIC_QUEUE_REFUSED,            /* that were refused, at once or when their time was over */
	METRIC_LEDGER_RECORDS,
	METRIC_LEDGER_LAG_BYTES,
	METRIC_LEDGER_BAD_REGIONS,
	METRIC_LEDGER_STORE_ERRORS,
	METRIC_LEDGER_JOURNAL_ERRORS,
	METRIC_RELOADS,                  /* configurations taken over; label "good" or "refused" */
	METRIC_ESTIMATE_TEXT_ERROR,      /* ten-thousandths; labelled by the family of tokenizers */
	METRIC_ESTIMATE_BODY_ERROR,
	METRIC_ESTIMATE_SAMPLES,
	METRIC_DEPLOYMENT_STATE,         /* by deployment: enum health_verdict (route/health.h) */
	METRIC_DEPLOYMENT_IN_FLIGHT,     /* by deployment */
	METRIC_DEPLOYMENT_CHANGES,       /* labelled by the change */
	METRIC_ALERTS,                   /* labelled by what became of them */
	METRIC_SCRIPT_CALLS,             /* of the strategy custom */
	METRIC_SCRIPT_FAILURES,
	METRIC_READY,                    /* 1: takes requests; 0: starting or draining */
	METRIC_FIGURES
};

/* The loop's own thread; the value replaces the one before. */
void observe_figure(struct observe_loop *, enum metric_figure, uint64_t value);

struct metrics_out;
/* From within a registered function only. `label`: empty where the comment above names none. */
void metrics_figure(struct metrics_out *, enum metric_figure, struct str label, uint64_t value);
typedef void metrics_fn(void *arg, struct metrics_out *);
void metrics_add_figures(struct observe *, metrics_fn *, void *arg);

#endif
