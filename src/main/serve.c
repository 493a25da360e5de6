/* SPDX-License-Identifier: Apache-2.0 */
/* serve: wiring, signals, reloads, and the end. */
#include "main/serve.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spool.h"
#include "conf/env.h"
#include "cache/keep.h"
#include "conf/restart.h"
#include "conf/snapshot.h"
#include "dialect/chat.h"
#include "gateway/gateway.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "govern/ledger.h"
#include "main/commands.h"
#include "main/notify.h"
#include "main/prices.h"
#include "main/services.h"
#include "main/settings.h"
#include "model/estimate.h"
#include "net/pool.h"
#include "net/server.h"
#include "net/tls.h"
#include "observe/alerts.h"
#include "observe/observe.h"
#include "route/custom.h"
#include "route/health.h"
#include "route/plan.h"
#include "store/dir.h"

#define POOL_THREADS 4
#define POOL_QUEUE 1024
#define WORKERS_MAX 256
#define LISTENERS_MAX 64
#define HALF_CLOSE_MS 500
#define FIGURES_EVERY_MS 1000
#define DRAIN_POLL_MS 20

/* A configuration and what was made of it: the payload of a snapshot, of which the gateway knows the first part. */
struct running {
	struct gateway_conf gw;
	struct config *config;
	struct catalogue *catalogue;
};

struct serve_loop {
	struct serve *s;
	struct loop *loop;
	struct worker *worker;
	struct server *server;
	struct hook figures;
	uint64_t figures_ms;
	pthread_t thread;
	bool started;
	struct loop_msg limits_msg, drain_msg, close_msg;
	struct server_limits limits;     /* for limits_msg */
	int64_t connections_max;
	_Atomic uint64_t exchanges;
	atomic_bool limits_taken;
};

struct listener {
	struct addr addr;
	struct tls_server *tls;
	int unix_fd;                     /* shared by the loops; -1: each binds its own */
};

struct serve {
	const struct serve_options *options;
	struct snapshot_slot conf;
	struct keys *keys;
	struct ledger *ledger;
	struct observe *observe;
	struct alerts *alerts;
	struct pool *pool;
	struct keep *keep;
	struct estimator estimator;
	char *spool_dir;
	struct gateway *gateway;
	struct admin *admin;
	struct services_context services;
	struct listener listeners[LISTENERS_MAX];
	unsigned n_listeners;
	struct serve_loop *loops;
	unsigned n_loops;
	_Atomic int64_t connections;
	pthread_mutex_t reloading;
	_Atomic uint64_t reloads_good, reloads_refused;
	_Atomic uint64_t health_changes[HEALTH_CLOSED + 1];
	int lock_fd;
	bool conf_published;
};

/* ---- the configuration ---- */

/* All of them for whoever reads, the first for whoever asked. Once the program runs its log has one form, and a single
 * problem stands in what is said of the reload. */
static void tell_problems(const struct conf_problems *p, bool runs, struct err *e)
{
	size_t more = p->n - 1 + p->left_out;

	if (more)
		err_set(e, ERR_CONFIG, "%s (and %zu more, see the log)", p->items[0].text, more);
	else
		err_set(e, ERR_CONFIG, "%s", p->items[0].text);
	for (size_t i = 0; i < p->n && (!runs || more); i++) {
		if (runs)
			log_error("conf", "%s", p->items[i].text);
		else
			fprintf(stderr, "%s\n", p->items[i].text);
	}
	if (p->left_out && !runs)
		fprintf(stderr, "and %zu more\n", p->left_out);
}

struct unsupported {
	bool refused;
	struct err *e; /* the first that is refused */
};

static void on_unsupported(void *arg, enum setting_support support, const char *message)
{
	struct unsupported *u = arg;

	if (support == SETTING_REFUSED) {
		if (!u->refused)
			err_set(u->e, ERR_CONFIG, "%s", message);
		u->refused = true;
		log_error("conf", "%s", message);
	} else if (support == SETTING_IGNORED) { /* who is passed over is told by the route table, with whose it is */
		log_warn("conf", "%s", message);
	}
}

static bool override_listen(struct config *c, const char *listen, struct err *e)
{
	struct listen_settings *l = arena_must(&c->arena, sizeof *l);

	l->address = arena_dup(&c->arena, str_from_z(listen));
	l->http2 = true;
	if (!addr_parse(&l->addr, l->address, e))
		return err_prefix(e, "--listen");
	l->is_local = addr_family(&l->addr) == AF_UNIX || addr_is_loopback(&l->addr);
	if (c->auth == AUTH_SETTING_NONE && !l->is_local)
		return err_set(e, ERR_CONFIG, "--listen %s: auth: none is only accepted with a loopback address",
		               listen);
	c->listen = (struct setting_array){ l, 1 };
	return true;
}

/* NULL: messages are printed, or logged where the program `runs`, and e tells. */
static struct config *load_config(const struct serve_options *o, bool runs, struct err *e)
{
	struct conf_problems problems = { 0 };
	struct unsupported unsupported = { false, e };
	const char *file = o->file ? o->file : config_find();
	struct config *c = o->text ? config_read("demo", str_from_z(o->text), &conf_env_process, &problems)
	                           : config_load(file, &conf_env_process, &problems);

	if (!c) {
		tell_problems(&problems, runs, e);
		return NULL;
	}
	if (o->listen && !override_listen(c, o->listen, e)) {
		if (!runs)
			fprintf(stderr, "sluice: %s\n", e->text);
		config_free(c);
		return NULL;
	}
	if (o->data_dir)
		c->data_dir = arena_dup(&c->arena, str_from_z(o->data_dir));
	config_unsupported(c, on_unsupported, &unsupported);
	if (unsupported.refused) {
		if (!runs)
			fprintf(stderr, "sluice: this version does not act on the settings named above, and they "
			                "promise protection; remove them to start without it\n");
		config_free(c);
		return NULL;
	}
	return c;
}

static void running_free(void *p)
{
	struct running *r = p;

	map_fini(&r->gw.policies);
	config_free(r->config);
	free(r);
}

/* Where requests of a team's keys may go. */
static void bind_teams(struct running *r)
{
	const struct team_settings *t = r->config->teams.items;

	for (size_t i = 0; i < r->config->teams.n; i++) {
		struct plan_policy *p;

		if (t[i].regions.n == 0 && !t[i].require_zdr)
			continue;
		p = arena_must(&r->config->arena, sizeof *p);
		p->regions = (struct wish_names){ t[i].regions.items, (unsigned)t[i].regions.n };
		p->zdr = t[i].require_zdr;
		(void)map_put(&r->gw.policies, t[i].name, p);
	}
}

/* Takes the configuration, also on failure. */
static struct snapshot *make_snapshot(struct config *c, struct err *e)
{
	struct running *r = mem_zalloc(sizeof *r);
	struct route_table_source source = { c->providers, c->models, &c->routing, NULL };

	r->config = c;
	r->gw.server = &c->server;
	r->gw.upstream = &c->upstream;
	r->gw.translation = &c->translation;
	r->gw.config = c;
	r->gw.auth_required = c->auth == AUTH_SETTING_REQUIRED;
	bind_teams(r);
	source.catalogue = r->catalogue = prices_load(c, true, e);
	if (!r->catalogue || !route_table_init(&r->gw.routes, &source, &c->arena, e)) {
		running_free(r);
		return NULL;
	}
	return snapshot_new(r, running_free);
}

/* What of a configuration is not read from its snapshot. */
static void come_into_force(const struct config *c)
{
	chat_media_allow_private(c->translation.fetch_private);
	spool_limit((size_t)c->server.upload_total_bytes);
}

/* Clients may not have all descriptors: calls of providers, the ledger and a reload need some. */
static int64_t connections_max(const struct config *c)
{
	struct rlimit lim;
	int64_t most = INT64_MAX;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < INT32_MAX) {
		int64_t all = (int64_t)lim.rlim_cur, rest = all / 8 > 24 ? all / 8 : 24;

		most = all > 2 * rest ? all - rest : 1 + all / 2;
	}
	return c->server.max_connections < most ? c->server.max_connections : most;
}

static struct server_limits limits_of(const struct config *c)
{
	return (struct server_limits){
		.http1 = { (uint32_t)c->server.header_max_bytes, (uint32_t)c->server.request_line_max_bytes,
		           (uint32_t)c->server.header_count_max },
		.write_mark_bytes = (uint32_t)c->server.write_buffer_bytes,
		.streams_max = (uint32_t)c->server.streams_max,
		.header_timeout_ms = (uint32_t)c->server.header_timeout_ms,
		.body_timeout_ms = (uint32_t)c->server.body_timeout_ms,
		.idle_timeout_ms = (uint32_t)c->server.idle_timeout_ms,
		.write_timeout_ms = (uint32_t)c->server.write_timeout_ms,
		.half_close_ms = HALF_CLOSE_MS,
	};
}

static const struct team_settings *team_of(const struct config *c, struct str name)
{
	const struct team_settings *t = c->teams.items;

	for (size_t i = 0; i < c->teams.n; i++)
		if (str_eq(t[i].name, name))
			return &t[i];
	return NULL;
}

static struct key_fixed *fixed_keys(const struct config *c, struct arena *a)
{
	const struct key_settings *ks = c->keys.items;
	struct key_fixed *out = arena_must(a, (c->keys.n + 1) * sizeof *out);

	for (size_t i = 0; i < c->keys.n; i++) {
		const struct team_settings *t = team_of(c, ks[i].team);
		int64_t weight = ks[i].weight, priority = ks[i].priority;

		if (weight == SETTING_UNSET)
			weight = t ? t->weight : 1;
		if (priority == SETTING_UNSET)
			priority = t ? t->priority : 1;
		out[i] = (struct key_fixed){
			.name = ks[i].name, .key = ks[i].key, .team = ks[i].team, .user = ks[i].user,
			.models = ks[i].models.items, .n_models = ks[i].models.n, .tags = ks[i].tags.items,
			.n_tags = ks[i].tags.n, .role = ks[i].role == ROLE_SETTING_ADMIN ? KEY_ADMIN : KEY_USER,
			.weight = (uint32_t)weight, .behind = (int8_t)(priority - 1),
		};
	}
	return out;
}

static struct observe_log_options log_options_of(const struct config *c)
{
	return (struct observe_log_options){ c->logs.requests != LOGS_REQUESTS_OFF, c->logs.access };
}

/* ---- reload ---- */

static void take_limits(struct loop_msg *m)
{
	struct serve_loop *l = CONTAINER_OF(m, struct serve_loop, limits_msg);

	server_set_limits(l->server, &l->limits, l->connections_max);
	atomic_store(&l->limits_taken, true);
}

static void send_limits(struct serve *s, const struct config *c)
{
	for (unsigned i = 0; i < s->n_loops; i++) {
		struct serve_loop *l = &s->loops[i];

		/* the message of the reload before may still be under way */
		while (!atomic_load(&l->limits_taken))
			usleep(1000);
		atomic_store(&l->limits_taken, false);
		l->limits = limits_of(c);
		l->connections_max = connections_max(c);
		l->limits_msg.run = take_limits;
		loop_send(l->loop, &l->limits_msg);
	}
}

/* What a listener speaks TLS with; `certs` has room for TLS_CERTS_MAX. */
static struct tls_server_options tls_options_of(const struct listen_settings *ls, struct tls_cert *certs)
{
	static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	const struct tls_pair_settings *more = ls->tls.more.items;
	struct tls_server_options o = { .certs = certs, .n_certs = 1, .alpn = alpn, .n_alpn = COUNT_OF(alpn) };

	if (!ls->http2) {
		o.alpn++;
		o.n_alpn--;
	}
	certs[0] = (struct tls_cert){ ls->tls.cert, ls->tls.key };
	for (size_t i = 0; i < ls->tls.more.n; i++)
		certs[o.n_certs++] = (struct tls_cert){ more[i].cert, more[i].key };
	return o;
}

static void reload_certificates(struct serve *s, const struct config *c)
{
	const struct listen_settings *ls = c->listen.items;
	struct tls_cert certs[TLS_CERTS_MAX];
	struct err e;

	for (unsigned i = 0; i < s->n_listeners && i < c->listen.n; i++) {
		struct tls_server_options o = tls_options_of(&ls[i], certs);

		if (s->listeners[i].tls && ls[i].tls.cert.n && !tls_server_reload(s->listeners[i].tls, &o, &e))
			log_error("net", "certificate not reloaded, the old one stays: %s", e.text);
	}
}

static void on_restart_needed(void *arg, const char *path)
{
	(void)arg;
	log_warn("conf", "%s has changed, which takes effect at the next start", path);
}

static void tell_what_waits(struct serve *s, const struct config *next)
{
	struct snapshot *now = snapshot_take(&s->conf);
	const struct running *r = snapshot_payload(now);

	conf_restart_needed(&config_settings, r->config, next, on_restart_needed, NULL);
	snapshot_unref(now);
}

static bool reload(struct serve *s, struct err *e)
{
	struct config *c = load_config(s->options, true, e);
	struct snapshot *next;
	struct observe_log_options log_options;

	if (!c)
		return false;
	if (c->file.n && c->providers.n == 0) { /* a file that is just being written anew is empty for a moment */
		err_set(e, ERR_CONFIG, "%.*s has no providers", STR_ARG(c->file));
		config_free(c);
		return false;
	}
	next = make_snapshot(c, e);
	if (!next)
		return false;
	log_options = log_options_of(c);
	/* keys last: where the rest is refused, the old ones stay */
	if (!observe_reopen(s->observe, &log_options, e) ||
	    !keys_set_fixed(s->keys, c->admin.key, fixed_keys(c, &c->arena), c->keys.n, e)) {
		snapshot_unref(next);
		return false;
	}
	tell_what_waits(s, c);
	reload_certificates(s, c);
	send_limits(s, c);
	keep_limit(s->keep, c->cache.state.max_bytes, c->cache.state.ttl_ms);
	come_into_force(c);
	alerts_configure(s->alerts, &c->alerts);
	snapshot_publish(&s->conf, next);
	return true;
}

static bool reload_now(struct serve *s, struct err *e)
{
	bool good;

	pthread_mutex_lock(&s->reloading);
	notify_reloading();
	good = reload(s, e);
	notify_ready();
	pthread_mutex_unlock(&s->reloading);
	if (good) {
		atomic_fetch_add(&s->reloads_good, 1);
		log_info("conf", "configuration reloaded");
	} else {
		atomic_fetch_add(&s->reloads_refused, 1);
		log_error("conf", "reload refused: %s", e->text);
	}
	return good;
}

static bool on_reload(void *arg, struct err *e)
{
	struct serve *s = arg;

	if (s->options->text)
		return err_set(e, ERR_CONFLICT, "there is no configuration file to reload");
	return reload_now(s, e);
}

static bool on_reprice(void *arg, struct err *e)
{
	return reload_now(arg, e);
}

static void on_entry(void *arg, struct str provider, struct str model, struct arena *a, struct model_entry *out)
{
	struct serve *s = arg;
	struct snapshot *now = snapshot_take(&s->conf);
	const struct running *r = snapshot_payload(now);

	catalogue_entry(r->catalogue, provider, model, a, out);
	snapshot_unref(now);
}

/* ---- what happens to deployments ---- */

static const char *alert_type(enum health_change change)
{
	switch (change) {
	case HEALTH_COOLED: return "deployment.cooled";
	case HEALTH_OPENED: return "deployment.opened";
	case HEALTH_HALF_OPENED: return "deployment.half_opened";
	case HEALTH_CLOSED: return "deployment.closed";
	}
	return "deployment.changed";
}

static void on_health(void *arg, const struct health_event *ev)
{
	struct serve *s = arg;

	atomic_fetch_add_explicit(&s->health_changes[ev->change], 1, memory_order_relaxed);
	alerts_raise(s->alerts, &(struct alert){ .type = ev->of_key ? "key.cooled" : alert_type(ev->change),
		.deployment = ev->deployment,
		.why = health_why_name(ev->why), .out_for_ms = ev->for_ms, .alarm = ev->alarm });
}

/* Of the configured deployments: what clients think of has no end. */
static void add_health(struct serve *s, struct metrics_out *out)
{
	uint64_t ms = clock_now_ms();

	for (unsigned i = 0; i <= HEALTH_CLOSED; i++)
		metrics_figure(out, METRIC_DEPLOYMENT_CHANGES, str_from_z(health_change_name((enum health_change)i)),
		               atomic_load_explicit(&s->health_changes[i], memory_order_relaxed));
	for (struct health *h = health_next(NULL); h; h = health_next(h)) {
		struct health_load load;

		if (!health_is_configured(h))
			continue;
		load = health_load(h, ms);
		metrics_figure(out, METRIC_DEPLOYMENT_STATE, health_name(h), health_verdict(h, ms));
		metrics_figure(out, METRIC_DEPLOYMENT_IN_FLIGHT, health_name(h), load.in_flight);
	}
}

/* ---- figures for the metrics ---- */

static void set_figures(struct hook *h)
{
	struct serve_loop *l = CONTAINER_OF(h, struct serve_loop, figures);
	uint64_t now = loop_now_ms(l->loop);
	struct server_stats st;

	if (!l->server)
		return; /* the last turn */
	server_get_stats(l->server, &st);
	atomic_store_explicit(&l->exchanges, st.exchanges, memory_order_relaxed);
	if (now - l->figures_ms < FIGURES_EVERY_MS)
		return;
	l->figures_ms = now;
	observe_figure(worker_observe(l->worker), METRIC_SERVER_CONNECTIONS, st.open);
	observe_figure(worker_observe(l->worker), METRIC_SERVER_ACCEPTED, st.accepted);
	observe_figure(worker_observe(l->worker), METRIC_SERVER_REFUSED, st.refused);
}

/* Of families that were seen. */
static void add_estimates(const struct estimator *e, struct metrics_out *out)
{
	for (unsigned i = 0; i < TOKEN_FAMILIES; i++) {
		struct estimate_state text = estimate_state(e, i, ESTIMATE_TEXT);
		struct estimate_state body = estimate_state(e, i, ESTIMATE_BODY);
		struct str name = token_family(i)->name;

		if (text.samples)
			metrics_figure(out, METRIC_ESTIMATE_TEXT_ERROR, name, text.error);
		if (body.samples)
			metrics_figure(out, METRIC_ESTIMATE_BODY_ERROR, name, body.error);
		if (text.samples || body.samples)
			metrics_figure(out, METRIC_ESTIMATE_SAMPLES, name, (uint64_t)text.samples + body.samples);
	}
}

static void add_alerts(struct serve *s, struct metrics_out *out)
{
	struct alerts_stats as = alerts_stats(s->alerts);

	metrics_figure(out, METRIC_ALERTS, STR("raised"), as.raised);
	metrics_figure(out, METRIC_ALERTS, STR("sent"), as.sent);
	metrics_figure(out, METRIC_ALERTS, STR("failed"), as.failed);
	metrics_figure(out, METRIC_ALERTS, STR("dropped"), as.dropped);
}

static void add_figures(void *arg, struct metrics_out *out)
{
	struct serve *s = arg;
	struct ledger_stats ls;

	for (unsigned i = 0; i < s->n_loops; i++) {
		struct loop_stats st;
		char name[20];
		struct str label = str_of(name, fmt_u64(name, i));

		loop_stats(s->loops[i].loop, &st);
		metrics_figure(out, METRIC_LOOP_TURNS, label, st.turns);
		metrics_figure(out, METRIC_LOOP_BUSY_US, label, st.busy_us);
		metrics_figure(out, METRIC_LOOP_LONGEST_TURN_US, label, st.longest_turn_us);
		metrics_figure(out, METRIC_LOOP_TIMERS, label, st.timers_running);
		metrics_figure(out, METRIC_LOOP_WATCHES, label, st.watches);
	}
	ledger_stats(s->ledger, &ls);
	metrics_figure(out, METRIC_LEDGER_RECORDS, STR(""), ls.records);
	metrics_figure(out, METRIC_LEDGER_LAG_BYTES, STR(""), ls.lag_bytes);
	metrics_figure(out, METRIC_LEDGER_BAD_REGIONS, STR(""), ls.bad_regions);
	metrics_figure(out, METRIC_LEDGER_STORE_ERRORS, STR(""), ls.store_errors);
	metrics_figure(out, METRIC_LEDGER_JOURNAL_ERRORS, STR(""), ls.journal_errors);
	metrics_figure(out, METRIC_RELOADS, STR("good"), atomic_load(&s->reloads_good));
	metrics_figure(out, METRIC_RELOADS, STR("refused"), atomic_load(&s->reloads_refused));
	metrics_figure(out, METRIC_READY, STR(""), atomic_load(&s->services.ready));
	metrics_figure(out, METRIC_SCRIPT_CALLS, STR(""), custom_figures().calls);
	metrics_figure(out, METRIC_SCRIPT_FAILURES, STR(""), custom_figures().failures);
	add_alerts(s, out);
	add_health(s, out);
	add_estimates(&s->estimator, out);
}

/* ---- listening ---- */

static bool open_listener(struct serve *s, const struct listen_settings *ls, struct err *e)
{
	struct listener *l = &s->listeners[s->n_listeners];
	struct tls_cert certs[TLS_CERTS_MAX];

	l->addr = ls->addr;
	l->unix_fd = -1;
	if (ls->tls.cert.n) {
		struct tls_server_options o = tls_options_of(ls, certs);

		l->tls = tls_server_new(&o, e);
		if (!l->tls)
			return false;
	}
	s->n_listeners++;
	return true;
}

/* One socket of each listener for one loop. */
static bool listen_on_loop(struct serve *s, struct serve_loop *l, const struct config *c, struct err *e)
{
	const struct listen_settings *ls = c->listen.items;

	for (unsigned i = 0; i < s->n_listeners; i++) {
		struct listener *from = &s->listeners[i];
		struct listener_options o = { .tls = from->tls, .proxy = (enum server_proxy)ls[i].proxy_protocol,
			                      .http2 = ls[i].http2 };

		if (addr_family(&from->addr) == AF_UNIX) {
			if (from->unix_fd < 0 &&
			    (from->unix_fd = server_bind(&from->addr, (int)c->server.backlog, e)) < 0)
				return false;
			o.fd = dup(from->unix_fd);
		} else {
			o.fd = server_bind(&from->addr, (int)c->server.backlog, e);
		}
		if (o.fd < 0 || !server_listen(l->server, &o, e))
			return false;
	}
	return true;
}

/* ---- loops ---- */

static void *run_loop(void *arg)
{
	struct serve_loop *l = arg;

	log_panic_stack();
	loop_run(l->loop);
	return NULL;
}

static unsigned count_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static bool make_loop(struct serve *s, unsigned index, const struct config *c, struct err *e)
{
	struct serve_loop *l = &s->loops[index];

	l->s = s;
	atomic_init(&l->limits_taken, true);
	l->loop = loop_new(&(struct loop_options){ index, (unsigned)c->busy_poll_us }, e);
	if (!l->loop)
		return false;
	l->worker = worker_new(s->gateway, l->loop, e);
	if (!l->worker)
		return false;
	l->server = server_new(&(struct server_options){
		.loop = l->loop, .handler = &gateway_handler, .user = l->worker, .limits = limits_of(c),
		.connections = &s->connections, .connections_max = connections_max(c) });
	l->figures.run = set_figures;
	loop_after_flush(l->loop, &l->figures);
	return listen_on_loop(s, l, c, e);
}

static bool start_loops(struct serve *s, struct err *e)
{
	for (unsigned i = 0; i < s->n_loops; i++) {
		int rc = pthread_create(&s->loops[i].thread, NULL, run_loop, &s->loops[i]);

		if (rc != 0)
			return err_set_sys(e, rc, "cannot start a thread");
		s->loops[i].started = true;
	}
	return true;
}

/* ---- the end ---- */

static void on_drain(struct loop_msg *m)
{
	server_drain(CONTAINER_OF(m, struct serve_loop, drain_msg)->server);
}

static void on_close(struct loop_msg *m)
{
	struct serve_loop *l = CONTAINER_OF(m, struct serve_loop, close_msg);

	server_free(l->server);
	l->server = NULL;
	worker_stop(l->worker);
	if (l == l->s->loops)
		alerts_stop(l->s->alerts);
	loop_stop(l->loop);
}

static uint64_t exchanges_left(struct serve *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->n_loops; i++)
		n += atomic_load_explicit(&s->loops[i].exchanges, memory_order_relaxed);
	return n;
}

/* Connections close by themselves when their answers are out; what is left after the grace is cut. */
static void drain(struct serve *s, int64_t grace_ms, const sigset_t *signals)
{
	uint64_t until = clock_now_ms() + (uint64_t)grace_ms;

	atomic_store(&s->services.ready, false);
	notify_stopping();
	log_info("serve", "draining: no new connections, %llu requests in flight",
	         (unsigned long long)exchanges_left(s));
	for (unsigned i = 0; i < s->n_loops; i++) {
		s->loops[i].drain_msg.run = on_drain;
		loop_send(s->loops[i].loop, &s->loops[i].drain_msg);
	}
	while (clock_now_ms() < until && atomic_load(&s->connections) > 0) {
		struct timespec poll = { 0, DRAIN_POLL_MS * 1000000L };

		if (sigtimedwait(signals, NULL, &poll) == SIGINT) {
			log_warn("serve", "interrupted while draining");
			_exit(EXIT_WRONG);
		}
	}
}

static void close_all(struct serve *s)
{
	for (unsigned i = 0; i < s->n_loops; i++) {
		struct serve_loop *l = &s->loops[i];

		if (l->started) {
			l->close_msg.run = on_close;
			loop_send(l->loop, &l->close_msg);
			pthread_join(l->thread, NULL);
		}
		server_free(l->server);
	}
	pool_free(s->pool);
	alerts_free(s->alerts);
	for (unsigned i = 0; i < s->n_loops; i++) {
		worker_free(s->loops[i].worker);
		loop_free(s->loops[i].loop);
	}
	for (unsigned i = 0; i < s->n_listeners; i++) {
		tls_server_free(s->listeners[i].tls);
		if (s->listeners[i].unix_fd >= 0) {
			unlink(s->listeners[i].addr.u.un.sun_path);
			close(s->listeners[i].unix_fd);
		}
	}
	gateway_free(s->gateway);
	keep_free(s->keep);
	free(s->spool_dir);
	admin_free(s->admin);
	ledger_close(s->ledger);
	keys_close(s->keys);
	observe_free(s->observe);
	if (s->conf_published)
		snapshot_slot_fini(&s->conf);
	free(s->loops);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
}

/* ---- the beginning ---- */

/* Every connection is a descriptor, and so is its upstream. */
static void raise_descriptors(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static bool open_stores(struct serve *s, struct config *c, struct err *e)
{
	const char *dir = c->data_dir.p; /* followed by a NUL: texts of a configuration are */
	struct ledger_options ledger = { .data_dir = dir, .sync = JOURNAL_SYNC_INTERVAL };
	struct keys_options keys = { .data_dir = dir, .admin_key = c->admin.key, .fixed = fixed_keys(c, &c->arena),
		                     .n_fixed = c->keys.n };
	struct observe_options observe = { .loops = s->n_loops, .log = log_options_of(c) };

	if (!dir_make(dir, e) || (s->lock_fd = dir_lock(dir, e)) < 0)
		return false;
	return (s->keys = keys_open(&keys, e)) && (s->ledger = ledger_open(&ledger, e)) &&
	       (s->observe = observe_new(&observe, e));
}

static bool start(struct serve *s, struct config *c, struct err *e)
{
	struct gateway_options o = { .conf = &s->conf };
	struct snapshot *first = make_snapshot(c, e);

	if (!first)
		return false;
	come_into_force(c);
	snapshot_slot_init(&s->conf, first);
	s->conf_published = true;
	s->n_loops = c->workers ? (unsigned)c->workers : count_cores();
	if (s->n_loops > WORKERS_MAX)
		s->n_loops = WORKERS_MAX;
	s->loops = mem_zalloc(s->n_loops * sizeof *s->loops);
	s->alerts = alerts_new();
	health_on_event(on_health, s);
	if (!open_stores(s, c, e))
		return false;
	s->pool = pool_new(POOL_THREADS, POOL_QUEUE);
	s->services.observe = s->observe;
	o.keys = s->keys;
	o.ledger = s->ledger;
	o.observe = s->observe;
	o.pool = s->pool;
	s->keep = keep_new(c->cache.state.max_bytes, c->cache.state.ttl_ms);
	o.keep = s->keep;
	o.estimator = &s->estimator;
	s->spool_dir = mem_dup(c->data_dir.p, c->data_dir.n + 1); /* texts of a configuration end in a NUL */
	o.spool_dir = s->spool_dir;
	s->admin = admin_new(
		&(struct admin_options){ .keys = s->keys, .ledger = s->ledger, .pool = s->pool,
		                         .estimator = &s->estimator, .data_dir = s->spool_dir, .entry = on_entry,
		                         .reprice = on_reprice, .reload = on_reload, .reload_arg = s });
	services_init(o.services, &s->services);
	o.services[SERVICE_ADMIN] = (struct service){ admin_run, s->admin };
	o.services[SERVICE_OPENAPI] = (struct service){ admin_openapi, s->admin };
	s->gateway = gateway_new(&o);
	metrics_add_figures(s->observe, add_figures, s);
	if (c->listen.n > LISTENERS_MAX)
		return err_set(e, ERR_CONFIG, "there are more than %d listeners", LISTENERS_MAX);
	for (size_t i = 0; i < c->listen.n; i++)
		if (!open_listener(s, (const struct listen_settings *)c->listen.items + i, e))
			return false;
	for (unsigned i = 0; i < s->n_loops; i++)
		if (!make_loop(s, i, c, e))
			return false;
	alerts_start(s->alerts, s->loops[0].loop, s->pool);
	alerts_configure(s->alerts, &c->alerts);
	return start_loops(s, e);
}

static void tell_ready(struct serve *s)
{
	char address[ADDR_TEXT_MAX] = "";

	for (unsigned i = s->n_listeners; i-- > 0;) {
		addr_text(&s->listeners[i].addr, address);
		log_info("serve", "listening on %s%s", address, s->listeners[i].tls ? " (TLS)" : "");
	}
	atomic_store(&s->services.ready, true);
	notify_ready();
	if (s->options->on_ready)
		s->options->on_ready(s->options->arg, address);
}

static void wait_for_end(struct serve *s, const sigset_t *signals)
{
	struct err e;

	for (;;) {
		int sig;

		if (sigwait(signals, &sig) != 0)
			continue;
		if (sig == SIGHUP)
			(void)on_reload(s, &e); /* it logs how it went */
		else
			return;
	}
}

/* Without a file it is not seen elsewhere what the gateway can reach. */
static void tell_providers(const struct config *c)
{
	const struct provider_settings *p = c->providers.items;
	struct buf names = buf_make(4096);

	for (size_t i = 0; i < c->providers.n; i++)
		buf_printf(&names, "%s%.*s", i ? ", " : "", STR_ARG(p[i].name));
	if (c->providers.n == 0)
		log_warn("serve",
		         "no provider: set OPENAI_API_KEY or another provider's variable (sluice providers names "
		         "them), or write a sluice.yaml");
	else if (c->file.n == 0)
		log_info("serve", "providers found in the environment: %.*s", STR_ARG(buf_str(&names)));
	buf_fini(&names);
}

int serve_run(const struct serve_options *o)
{
	struct serve s = { .options = o, .lock_fd = -1, .reloading = PTHREAD_MUTEX_INITIALIZER };
	struct config *c;
	sigset_t signals;
	int64_t grace_ms;
	struct err e;
	bool good;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of write(2), which the journal answers */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	raise_descriptors();
	dialect_init();
	c = load_config(o, false, &e);
	if (!c)
		return EXIT_WRONG;
	log_init((enum log_level)c->logs.level, c->logs.format == LOGS_FORMAT_JSON);
	log_on_panic(gateway_report);
	grace_ms = c->shutdown_grace_ms;
	tell_providers(c);
	good = start(&s, c, &e);
	if (good) {
		tell_ready(&s);
		wait_for_end(&s, &signals);
		drain(&s, grace_ms, &signals);
	} else {
		fprintf(stderr, "sluice: %s\n", e.text);
	}
	close_all(&s);
	return good ? EXIT_GOOD : EXIT_WRONG;
}

int command_serve(int argc, char **argv)
{
	struct serve_options o = { 0 };

	for (int i = 1; i < argc; i++) {
		const char **to = !strcmp(argv[i], "-c") || !strcmp(argv[i], "--config") ? &o.file
		                  : !strcmp(argv[i], "--listen")                         ? &o.listen
		                  : !strcmp(argv[i], "--data-dir")                       ? &o.data_dir
		                                                                         : NULL;

		if (!to || i + 1 == argc) {
			fprintf(stderr, to ? "sluice: %s needs a value; try: sluice help serve\n"
			                   : "sluice: unexpected argument: %s; try: sluice help serve\n", argv[i]);
			return EXIT_USAGE;
		}
		*to = argv[++i];
	}
	return serve_run(&o);
}
