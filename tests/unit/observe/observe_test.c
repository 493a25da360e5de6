/* SPDX-License-Identifier: Apache-2.0 */
/* Facts become lines and figures; a sink that is stuck or broken never stops a loop; the manual names every metric. */
#include "lib/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "json/tree.h"
#include "observe/observe_in.h"

static const char *const step_names[] = { "auth", "body", "attempt", "done" };
static const uint32_t step_us[] = { 3, 0, 1543, 0 };
static const uint32_t no_steps_us[] = { 0, 0, 0, 0 };
static const struct fact_attempt two_attempts[] = {
	{ STR_INIT("openai/gpt-4o"), 429, "rate_limit_exceeded", 12000, .class = "rate_limit",
	  .continued = false, .hedge = FACT_HEDGE_NONE },
	{ STR_INIT("azure/gpt-4o"), 200, NULL, 345678, .continued = false, .hedge = FACT_HEDGE_NONE },
};
static const struct fact_attempt no_answer[] = {
	{ STR_INIT("azure/gpt-4o"), 0, "upstream_timeout", 30000000, .continued = false, .hedge = FACT_HEDGE_NONE },
};

static struct facts some_facts(void)
{
	return (struct facts){
		.id = { { 0x01, 0x93, 0x7a, 0x2b, 0x3c, 0x4d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } },
		.time_ms = 1795820701123,
		.key_id = STR("key_1"),
		.key_name = STR("ci"),
		.team = STR("platform"),
		.tags = STR("batch, night"),
		.method = "POST",
		.endpoint = STR("/v1/chat/completions"),
		.dialect = STR("openai-chat"),
		.model = STR("chat"),
		.provider = STR("azure"),
		.deployment = STR("azure/gpt-4o"),
		.upstream_model = STR("gpt-4o"),
		.status = 200,
		.stream = true,
		.attempts = two_attempts,
		.n_attempts = 2,
		.usage = { .source = USAGE_REPORTED,
		           .n = { [USAGE_INPUT] = 12, [USAGE_CACHE_READ] = 30, [USAGE_OUTPUT] = 7,
		                  [USAGE_REASONING] = 5 } },
		.cost_nusd = 1234567890,
		.cost_known = true,
		.bytes_in = 1000,
		.bytes_out = 2000,
		.latency_us = 358901,
		.first_byte_us = 101000,
		.overhead_us = 48,
		.step_names = step_names,
		.step_us = step_us,
		.n_steps = 4,
	};
}

/* An observe with one loop that writes into a pipe or a file. */
static struct observe *observe_make(const char *sink, unsigned loops, unsigned series_max)
{
	struct err e;
	struct observe_options options = {
		.loops = loops, .log = { .on = sink != NULL, .sink = str_from_z(sink) }, .series_max = series_max,
	};
	struct observe *o = observe_new(&options, &e);

	if (!o)
		print_error("%s\n", e.text);
	assert_non_null(o);
	return o;
}

static char file[] = "/tmp/sluice_observe_XXXXXX";

static int make_file(void **state)
{
	int fd;

	memcpy(strrchr(file, '_'), "_XXXXXX", 7);
	fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int drop_file(void **state)
{
	unlink(file);
	return 0;
}

static struct str read_file(const char *path)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return str_of(text, n);
}

static struct str write_metrics(struct observe *o)
{
	static struct buf b;

	b.max = 16 << 20;
	buf_clear(&b);
	assert_true(metrics_write(o, &b));
	buf_append_c(&b, 0);
	return str_of(b.p, b.n - 1);
}

static bool has(struct str text, const char *what)
{
	return str_find(text, str_from_z(what)) != STR_NPOS;
}

/* The line's attempts, and the counts of the second ones. */
static void a_race_of_two_is_told(void **state)
{
	static const struct fact_attempt attempts[] = {
		{ STR_INIT("a"), 0, NULL, 1000, .hedge = FACT_HEDGE_OVERTAKEN, .billed = true, .cost_known = true,
		  .cost_nusd = 1500000 },
		{ STR_INIT("b"), 0, NULL, 1000, .hedge = FACT_HEDGE_LOST, .billed = true },
		{ STR_INIT("b"), 500, "upstream_error", 1000, .hedge = FACT_HEDGE_FAILED },
		{ STR_INIT("b"), 200, NULL, 1000, .hedge = FACT_HEDGE_WON },
	};
	struct observe *o = observe_make(file, 1, 0);
	struct facts f = some_facts();
	struct str line, page;

	f.attempts = attempts;
	f.n_attempts = COUNT_OF(attempts);
	observe_request(observe_loop(o, 0), &f);
	observe_flush(observe_loop(o, 0));
	line = read_file(file);
	check("overtaken", has(line, "\"ms\":1,\"hedge\":\"overtaken\",\"cost_usd\":\"0.0015\"}"));
	check("lost, at an unknown cost", has(line, "\"hedge\":\"lost\",\"cost_usd\":null}"));
	check("failed", has(line, "\"ms\":1,\"hedge\":\"failed\"}"));
	check("won", has(line, "\"ms\":1,\"hedge\":\"won\"}]"));
	page = write_metrics(o);
	check("metrics", has(page, "sluice_hedges_total{deployment=\"b\",result=\"won\"} 1\n"
	                           "sluice_hedges_total{deployment=\"b\",result=\"lost\"} 1\n"
	                           "sluice_hedges_total{deployment=\"b\",result=\"failed\"} 1\n"));
	check("not of the first", !has(page, "sluice_hedges_total{deployment=\"a\""));
	observe_free(o);
}

static void a_request_is_one_line(void **state)
{
	struct observe *o = observe_make(file, 1, 0);
	struct observe_loop *l = observe_loop(o, 0);
	struct facts f = some_facts();

	observe_request(l, &f);
	observe_flush(l);
	check_str("whole", read_file(file), STR(
		"{\"request_id\":\"01JDX2PF2D041061050R3GG28A\",\"time\":\"2026-11-27T23:05:01.123Z\","
		"\"key_id\":\"key_1\",\"key_name\":\"ci\",\"team\":\"platform\",\"user\":null,"
		"\"tags\":[\"batch\",\"night\"],\"dialect\":\"openai-chat\",\"endpoint\":\"/v1/chat/completions\","
		"\"model\":\"chat\",\"provider\":\"azure\",\"deployment\":\"azure/gpt-4o\","
		"\"upstream_model\":\"gpt-4o\",\"status\":200,\"error\":null,\"stream\":true,\"attempts\":["
		"{\"deployment\":\"openai/gpt-4o\",\"status\":429,\"error\":\"rate_limit_exceeded\","
		"\"class\":\"rate_limit\",\"ms\":12},"
		"{\"deployment\":\"azure/gpt-4o\",\"status\":200,\"error\":null,\"ms\":345}],"
		"\"tokens\":{\"input\":12,\"output\":7,\"cache_read\":30,\"cache_write\":0,\"reasoning\":5},"
		"\"usage_source\":\"reported\",\"cost_usd\":\"1.23456789\",\"latency_ms\":358,"
		"\"first_byte_ms\":101,\"overhead_us\":48,\"steps\":{\"auth\":3,\"attempt\":1543}}\n"));
	observe_free(o);
}

/* Each row changes one thing of a request and names what must stand in its line. */
static void lines_hold_whatever_texts_hold(void **state)
{
	static const char x300[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const struct { const char *name; struct str user; const char *want;
	} cases[] = {
		{ "plain", STR_INIT("ann"), "\"user\":\"ann\"," },
		{ "sixteen", STR_INIT("0123456789abcdef"), "\"user\":\"0123456789abcdef\"," },
		{ "quote first", STR_INIT("\"a"), "\"user\":\"\\\"a\"," },
		{ "quote in a long one", STR_INIT("0123456789abcdefghijklm\"opq"),
		  "\"user\":\"0123456789abcdefghijklm\\\"opq\"," },
		{ "backslash last", STR_INIT("0123456789abcde\\"), "\"user\":\"0123456789abcde\\\\\"," },
		{ "newline", STR_INIT("a\n{\"request_id\":1}"), "\"user\":\"a\\n{\\\"request_id\\\":1}\"," },
		{ "escape", STR_INIT("\x1b[31m"), "\"user\":\"\\u001b[31m\"," },
		{ "NUL", STR_INIT("a\0b"), "\"user\":\"a\\u0000b\"," },
		{ "UTF-8", STR_INIT("J\xc3\xbcrgen"), "\"user\":\"J\xc3\xbcrgen\"," },
		{ "no UTF-8", STR_INIT("J\xfcrgen"), "\"user\":\"J\xef\xbf\xbdrgen\"," },
		{ "tilde and space", STR_INIT("~ !#[]"), "\"user\":\"~ !#[]\"," },
		{ "too long", { x300, sizeof(x300) - 1 }, "xxxxxxxx\",\"tags\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct observe *o;
		struct facts f = some_facts();
		struct arena a;
		struct err e;
		struct str line;

		make_file(NULL);
		o = observe_make(file, 1, 0);
		f.user = cases[i].user;
		observe_request(observe_loop(o, 0), &f);
		observe_free(o); /* writes what is left */
		line = read_file(file);
		check(cases[i].name, has(line, cases[i].want));
		check(cases[i].name, line.n < 2000 && line.p[line.n - 1] == '\n');
		arena_init(&a, 1 << 20);
		check(cases[i].name, json_parse(&a, str_slice(line, 0, line.n - 1), 8, &e) != NULL);
		arena_fini(&a);
		drop_file(NULL);
	}
}

static void what_is_absent_is_null(void **state)
{
	struct observe *o = observe_make(file, 1, 0);
	struct facts f = { .endpoint = STR("/metrics"), .status = 401, .error = "invalid_api_key", .time_ms = 1,
		           .step_names = step_names, .step_us = no_steps_us, .n_steps = 4 };
	struct str line;

	observe_request(observe_loop(o, 0), &f);
	observe_free(o);
	line = read_file(file);
	check("error", has(line, "\"status\":401,\"error\":\"invalid_api_key\",\"stream\":false,\"attempts\":[],"));
	check("absent",
	      has(line, "\"key_id\":null,\"key_name\":null,\"team\":null,\"user\":null,\"tags\":[],\"dialect\":null,"));
	check("unknown",
	      has(line, "\"usage_source\":\"none\",\"cost_usd\":null,\"latency_ms\":0,\"first_byte_ms\":null,"));
	check("no steps", has(line, "\"steps\":{}}\n"));
}

static void what_a_prompt_cache_saved_is_told_where_it_did(void **state)
{
	static const struct { int64_t nusd; const char *want;
	} cases[] = {
		{ 0, "\"cost_usd\":\"1.23456789\",\"latency_ms\"" },
		{ 1500, "\"cost_usd\":\"1.23456789\",\"saved_usd\":\"0.0000015\",\"latency_ms\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = some_facts();
		struct observe *o;

		make_file(NULL);
		o = observe_make(file, 1, 0);
		f.saved_nusd = cases[i].nusd;
		observe_request(observe_loop(o, 0), &f);
		observe_free(o);
		check(cases[i].want, has(read_file(file), cases[i].want));
	}
}

static void money_is_exact(void **state)
{
	static const struct { int64_t nusd; const char *want;
	} cases[] = {
		{ 0, "\"cost_usd\":\"0\"" },
		{ 1, "\"cost_usd\":\"0.000000001\"" },
		{ 10, "\"cost_usd\":\"0.00000001\"" },
		{ 100000000, "\"cost_usd\":\"0.1\"" },
		{ 1000000000, "\"cost_usd\":\"1\"" },
		{ 1000000001, "\"cost_usd\":\"1.000000001\"" },
		{ 123456000000, "\"cost_usd\":\"123.456\"" },
		{ INT64_MAX, "\"cost_usd\":\"9223372036.854775807\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = some_facts();
		struct observe *o;

		make_file(NULL);
		o = observe_make(file, 1, 0);
		f.cost_nusd = cases[i].nusd;
		observe_request(observe_loop(o, 0), &f);
		observe_free(o);
		check(cases[i].want, has(read_file(file), cases[i].want));
		drop_file(NULL);
	}
}

static void buckets_are_the_right_ones(void **state)
{
	static const struct histo_scale *const scales[] = { &histo_latency, &histo_overhead };

	for (size_t s = 0; s < COUNT_OF(scales); s++) {
		const struct histo_scale *scale = scales[s];

		assert_int_equal(histo_bucket(scale, 0), 0);
		assert_int_equal(histo_bucket(scale, UINT32_MAX), HISTO_BOUNDS);
		for (unsigned i = 0; i < HISTO_BOUNDS; i++) {
			assert_int_equal(histo_bucket(scale, scale->bound_us[i]), i);
			assert_int_equal(histo_bucket(scale, scale->bound_us[i] + 1), i + 1);
			assert_int_equal(histo_bucket(scale, scale->bound_us[i] - 1), i);
		}
		for (unsigned bits = 0; bits < 32; bits++) {
			unsigned want = 0;

			while (want < HISTO_BOUNDS && (1u << bits) > scale->bound_us[want])
				want++;
			assert_int_equal(histo_bucket(scale, 1u << bits), want);
		}
	}
}

static void loops_are_summed(void **state)
{
	struct observe *o = observe_make(NULL, 2, 0);
	struct facts f = some_facts();
	struct str m;

	for (unsigned i = 0; i < 2; i++)
		for (unsigned n = 0; n <= i; n++) {
			observe_begin(observe_loop(o, i));
			observe_request(observe_loop(o, i), &f);
		}
	f.status = 503;
	f.attempts = no_answer;
	f.n_attempts = 1;
	f.cost_known = false;
	observe_begin(observe_loop(o, 1));
	observe_request(observe_loop(o, 1), &f);
	observe_begin(observe_loop(o, 0));
	observe_figure(observe_loop(o, 0), METRIC_LOOP_TURNS, 7);
	observe_figure(observe_loop(o, 1), METRIC_LOOP_BUSY_US, 1500000);
	observe_figure(observe_loop(o, 0), METRIC_CLIENT_IDLE, 2);
	observe_figure(observe_loop(o, 1), METRIC_CLIENT_IDLE, 3);
	m = write_metrics(o);
#define ROUTE "endpoint=\"/v1/chat/completions\",model=\"chat\",provider=\"azure\""
	static const char *const want[] = {
		"\nsluice_requests_total{" ROUTE ",status=\"200\"} 3\n",
		"\nsluice_requests_total{" ROUTE ",status=\"503\"} 1\n",
		"\nsluice_request_seconds_bucket{" ROUTE ",le=\"0.25\"} 0\n",
		"\nsluice_request_seconds_bucket{" ROUTE ",le=\"0.5\"} 4\n",
		"\nsluice_request_seconds_bucket{" ROUTE ",le=\"+Inf\"} 4\n",
		"\nsluice_request_seconds_sum{" ROUTE "} 1.435604\n",
		"\nsluice_request_seconds_count{" ROUTE "} 4\n",
		"\nsluice_first_byte_seconds_bucket{" ROUTE ",le=\"0.1\"} 0\n",
		"\nsluice_overhead_seconds_bucket{endpoint=\"/v1/chat/completions\",le=\"0.00005\"} 4\n",
		"\nsluice_requests_in_flight 1\n",
		"\nsluice_tokens_total{model=\"chat\",provider=\"azure\",kind=\"input\"} 48\n",
		"\nsluice_tokens_total{model=\"chat\",provider=\"azure\",kind=\"cache_read\"} 120\n",
		"\nsluice_cost_usd_total{model=\"chat\",provider=\"azure\"} 3.70370367\n",
		"\nsluice_unknown_cost_requests_total{model=\"chat\",provider=\"azure\"} 1\n",
		"\nsluice_upstream_attempts_total{deployment=\"azure/gpt-4o\"} 4\n",
		"\nsluice_upstream_attempts_total{deployment=\"openai/gpt-4o\"} 3\n",
		"\nsluice_upstream_errors_total{deployment=\"openai/gpt-4o\",reason=\"429\"} 3\n",
		"\nsluice_upstream_errors_total{deployment=\"azure/gpt-4o\",reason=\"upstream_timeout\"} 1\n",
		"\nsluice_request_bytes_total 4000\n", "\nsluice_response_bytes_total 8000\n",
		"\nsluice_loop_turns_total{loop=\"0\"} 7\n", "\nsluice_loop_busy_seconds_total{loop=\"1\"} 1.5\n",
		"\nsluice_upstream_connections_idle 5\n", "\nsluice_build_info{version=\"" SLUICE_VERSION "\"} 1\n",
		"\nprocess_open_fds ", "\nprocess_resident_memory_bytes ",
	};
	for (size_t i = 0; i < COUNT_OF(want); i++)
		check(want[i], has(m, want[i]));
	observe_free(o);
}

static void report_ledger(void *arg, struct metrics_out *out)
{
	metrics_figure(out, METRIC_LEDGER_RECORDS, STR(""), *(uint64_t *)arg);
	metrics_figure(out, METRIC_RELOADS, STR("refused"), 2);
}

static void other_rooms_are_asked(void **state)
{
	struct observe *o = observe_make(NULL, 1, 0);
	uint64_t records = 42;
	struct str m;

	metrics_add_figures(o, report_ledger, &records);
	m = write_metrics(o);
	check("records", has(m, "\nsluice_ledger_records_total 42\n"));
	check("reloads", has(m, "\nsluice_config_reloads_total{result=\"refused\"} 2\n"));
	check("zero", has(m, "\nsluice_ledger_lag_bytes 0\n"));
	observe_free(o);
}

static void labels_are_escaped_and_bounded(void **state)
{
	struct observe *o = observe_make(NULL, 1, 8);
	struct observe_loop *l = observe_loop(o, 0);
	struct facts f = some_facts();
	struct str m;

	f.model = STR("a\"b\\c\nd");
	observe_request(l, &f);
	f.model = STR("\xff\xfe");
	observe_request(l, &f);
	f.provider = STR("");
	f.model = STR("made up by a client");
	observe_request(l, &f);
	f.provider = STR("azure");
	for (unsigned i = 0; i < 1000; i++) {
		char name[32] = "model-";

		f.model = str_of(name, 6 + fmt_u64(name + 6, i));
		observe_request(l, &f);
	}
	m = write_metrics(o);
	check("escaped", has(m, "model=\"a\\\"b\\\\c\\nd\""));
	check("no UTF-8", has(m, "model=\"invalid\""));
	check("unknown name", !has(m, "made up"));
	check("other", has(m, "\nsluice_requests_total{endpoint=\"other\",model=\"other\",provider=\"other\","
	                      "status=\"200\"} 995\n"));
	check("bounded", !has(m, "model-5\""));
	observe_free(o);
}

static void many_series_are_told_apart(void **state)
{
	struct observe *o = observe_make(NULL, 1, 4096);
	struct observe_loop *l = observe_loop(o, 0);
	struct facts f = some_facts();

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 3000; i++) {
			char name[40] = "a-name-in-common-";
			size_t n = 17 + fmt_u64(name + 17, i);

			f.model = str_of(name, n);
			observe_request(l, &f);
		}
	assert_int_equal(atomic_load(&l->routes.n), 3000);
	for (unsigned i = 0; i < 3000; i++) {
		struct route *r = (struct route *)atomic_load(&l->routes.all[i]);

		assert_int_equal(r->status[0].n, 2);
	}
	observe_free(o);
}

static void many_statuses_and_reasons_are_bounded(void **state)
{
	struct observe *o = observe_make(NULL, 1, 0);
	struct facts f = some_facts();
	struct str m;

	for (unsigned status = 400; status < 430; status++) {
		struct fact_attempt a = {
			STR("d"), status, "upstream_error", 1, .continued = false, .hedge = FACT_HEDGE_NONE
		};

		f.status = status;
		f.attempts = &a;
		f.n_attempts = 1;
		observe_request(observe_loop(o, 0), &f);
	}
	m = write_metrics(o);
	check("statuses", has(m, "status=\"411\"} 1\n") && has(m, "status=\"other\"} 18\n"));
	check("reasons", has(m, "reason=\"415\"} 1\n") && has(m, "reason=\"other\"} 14\n"));
	observe_free(o);
}

/* ---- sinks ---- */

static void a_full_pipe_drops_lines_and_goes_on(void **state)
{
	struct facts f = some_facts();
	char path[64], bytes[4096];
	struct observe_loop *l;
	struct observe *o;
	uint64_t lines = 0, dropped;
	ssize_t n;
	int reader;

	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	reader = open(file, O_RDONLY | O_NONBLOCK);
	snprintf(path, sizeof(path), "%s", file);
	o = observe_make(path, 1, 0);
	l = observe_loop(o, 0);
	for (unsigned i = 0; i < 2000; i++) { /* some 2 MB: more than pipe and buffer hold */
		observe_request(l, &f);
		observe_flush(l);
	}
	dropped = count_get(&l->log.dropped);
	assert_true(dropped > 0 && dropped < 2000);
	for (unsigned turn = 0; turn < 1000 && l->log.lines.n; turn++) {
		while ((n = read(reader, bytes, sizeof(bytes))) > 0)
			for (ssize_t i = 0; i < n; i++)
				lines += bytes[i] == '\n';
		observe_flush(l);
	}
	while ((n = read(reader, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	assert_int_equal(lines, 2000 - dropped);
	assert_int_equal(count_get(&l->log.written), 2000 - dropped);
	close(reader);
	observe_free(o);
}

static void a_full_disk_drops_lines(void **state)
{
	struct observe *o = observe_make("/dev/full", 1, 0);
	struct facts f = some_facts();

	for (unsigned i = 0; i < 5; i++) {
		observe_request(observe_loop(o, 0), &f);
		observe_flush(observe_loop(o, 0));
	}
	assert_int_equal(count_get(&observe_loop(o, 0)->log.dropped), 5);
	assert_int_equal(count_get(&observe_loop(o, 0)->log.written), 0);
	check("said", has(write_metrics(o), "\nsluice_log_lines_dropped_total 5\n"));
	observe_free(o);
}

static void a_moved_file_is_made_anew(void **state)
{
	struct observe_log_options log = { .on = true, .sink = str_from_z(file) };
	struct observe *o = observe_make(file, 1, 0);
	struct facts f = some_facts();
	char moved[64];
	struct err e;

	snprintf(moved, sizeof(moved), "%s.1", file);
	observe_request(observe_loop(o, 0), &f);
	observe_flush(observe_loop(o, 0));
	assert_int_equal(rename(file, moved), 0);
	assert_true(observe_reopen(o, &log, &e));
	observe_flush(observe_loop(o, 0));
	observe_request(observe_loop(o, 0), &f);
	observe_request(observe_loop(o, 0), &f);
	observe_flush(observe_loop(o, 0));
	check_u64("old", str_find(read_file(moved), STR("\n")), read_file(moved).n - 1);
	assert_true(read_file(file).n == 2 * read_file(moved).n);
	log.sink = STR("/no/such/folder/access.log");
	assert_false(observe_reopen(o, &log, &e));
	check("named", has(str_from_z(e.text), "/no/such/folder/access.log"));
	log.on = false;
	assert_true(observe_reopen(o, &log, &e));
	observe_flush(observe_loop(o, 0));
	observe_request(observe_loop(o, 0), &f);
	observe_free(o);
	unlink(moved);
}

static void a_socket_is_never_waited_for(void **state)
{
	int pair[2], saved = dup(STDOUT_FILENO);
	struct facts f = some_facts();
	struct observe_loop *l;
	struct observe *o;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(dup2(pair[0], STDOUT_FILENO) >= 0);
	o = observe_make("stdout", 1, 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(pair[0]);
	l = observe_loop(o, 0);
	for (unsigned i = 0; i < 2000; i++) {
		observe_request(l, &f);
		observe_flush(l);
	}
	assert_true(count_get(&l->log.dropped) > 0 && count_get(&l->log.written) > 0);
	close(pair[1]);
	observe_flush(l); /* the reader is gone: no signal, lines are dropped */
	assert_int_equal(count_get(&l->log.dropped) + count_get(&l->log.written), 2000);
	observe_free(o);
}

/* ---- threads ---- */

static void *scrape(void *arg)
{
	for (unsigned i = 0; i < 200; i++) {
		struct buf b = buf_make(16 << 20);

		assert_true(metrics_write(arg, &b));
		buf_fini(&b);
	}
	return NULL;
}

static void scrapes_and_reopenings_run_beside_a_loop(void **state)
{
	struct observe_log_options log = { .on = true, .sink = str_from_z(file) };
	struct observe *o = observe_make(file, 1, 64);
	struct observe_loop *l = observe_loop(o, 0);
	struct facts f = some_facts();
	pthread_t thread;
	struct err e;

	assert_int_equal(pthread_create(&thread, NULL, scrape, o), 0);
	for (unsigned i = 0; i < 2000; i++) {
		char name[20];

		f.model = str_of(name, fmt_u64(name, i % 100));
		observe_request(l, &f);
		observe_flush(l);
		if (i % 100 == 0)
			assert_true(observe_reopen(o, &log, &e));
	}
	pthread_join(thread, NULL);
	assert_int_equal(count_get(&l->log.written), 2000);
	observe_free(o);
}

/* ---- the manual ---- */

static void the_manual_names_every_metric(void **state)
{
	struct observe *o = observe_make(NULL, 1, 0);
	struct str text = write_metrics(o), manual, rest, line;
	char row[256];
	size_t rows = 0, metrics = 0;

	manual = str_of(mem_dup(read_file("docs/metrics.md").p, read_file("docs/metrics.md").n),
	                read_file("docs/metrics.md").n);
	for (rest = text; rest.p && rest.n;) {
		line = str_cut(&rest, '\n');
		if (!str_starts(line, STR("# TYPE ")))
			continue;
		line = str_slice(line, 7, line.n);
		struct str name = str_cut(&line, ' ');

		snprintf(row, sizeof(row), "\n| `%.*s` | %.*s |", STR_ARG(name), STR_ARG(line));
		check(row, has(manual, row));
		metrics++;
	}
	for (rest = manual; rest.p && rest.n;)
		rows += str_starts(str_cut(&rest, '\n'), STR("| `"));
	check_u64("no row without its metric", rows, metrics);
	free((char *)(uintptr_t)manual.p);
	observe_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_race_of_two_is_told, make_file, drop_file),
		cmocka_unit_test_setup_teardown(a_request_is_one_line, make_file, drop_file),
		cmocka_unit_test(lines_hold_whatever_texts_hold),
		cmocka_unit_test_setup_teardown(what_is_absent_is_null, make_file, drop_file),
		cmocka_unit_test(money_is_exact),
		cmocka_unit_test(what_a_prompt_cache_saved_is_told_where_it_did),
		cmocka_unit_test(buckets_are_the_right_ones),
		cmocka_unit_test(loops_are_summed),
		cmocka_unit_test(other_rooms_are_asked),
		cmocka_unit_test(labels_are_escaped_and_bounded),
		cmocka_unit_test(many_series_are_told_apart),
		cmocka_unit_test(many_statuses_and_reasons_are_bounded),
		cmocka_unit_test_setup_teardown(a_full_pipe_drops_lines_and_goes_on, make_file, drop_file),
		cmocka_unit_test(a_full_disk_drops_lines),
		cmocka_unit_test_setup_teardown(a_moved_file_is_made_anew, make_file, drop_file),
		cmocka_unit_test(a_socket_is_never_waited_for),
		cmocka_unit_test_setup_teardown(scrapes_and_reopenings_run_beside_a_loop, make_file, drop_file),
		cmocka_unit_test(the_manual_names_every_metric),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
