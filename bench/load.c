/* SPDX-License-Identifier: Apache-2.0 */
/* load: asks a gateway many questions at once and checks that every answer is the right one; one thread, one epoll. */
/*
 * Modes (--mode):
 *   json      --connections N in a closed loop over keep-alive connections, until --requests or --seconds
 *   streams   the same with server-sent events; --requests defaults to one stream per connection
 *   chaos     a seeded mix: whole answers, streams, provider errors and cuts, clients that leave at random points or
 *             give up waiting
 *   latency   json over one connection
 *
 * Every request carries a marker (tool.h). An answer that holds somebody else's is counted as "wrong", the one number
 * that must stay 0 whatever happens. Streams must number their events from 0 and end with their dialect's last event
 * or an error event; "short" counts those that end cleanly without either, or cleanly though the provider cut them,
 * "order" those with a gap.
 *
 * Prints {"open":N} when all streams have had an event, and at the end one JSON line. Always ends: after --seconds
 * (default 60) and --timeout for what is still open; SIGTERM ends at once and still prints. With --record FILE the
 * x-request-id of each answer with status 200 that was received to its last byte is written there.
 */
#include <fcntl.h>
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/un.h>

#include "tool.h"

enum { SCRATCH = 256 * 1024, CARRY_MAX = 4 * 1024 * 1024, CONNECTING_MAX = 128, ID_MAX = 64, SWEEP_MS = 5 };

enum mode { MODE_JSON, MODE_STREAMS, MODE_CHAOS, MODE_LATENCY };

/* What a request asks the mock for and what its client does to it. */
enum kind { KIND_JSON, KIND_STREAM, KIND_ERROR, KIND_LIMITED, KIND_SLOW, KIND_CUT_JSON, KIND_CUT_STREAM, KIND_COUNT };

enum leave { LEAVE_NEVER, LEAVE_SENDING, LEAVE_WAITING, LEAVE_READING };

enum failure {
	FAIL_CONNECT, FAIL_CLOSED, FAIL_TIMEOUT, FAIL_STATUS, FAIL_PARSE, FAIL_MARKER, FAIL_WRONG, FAIL_ORDER,
	FAIL_SHORT, FAIL_COUNT
};
static const char *const failure_names[] = {
	"connect", "closed", "timeout", "status", "parse", "no_marker", "wrong", "order", "short"
};

/* A whole request with places for the marker and the orders to the mock. */
struct request {
	char *p;
	size_t n, mark_at;
};

enum state { STATE_IDLE, STATE_CONNECTING, STATE_HANDSHAKE, STATE_SENDING, STATE_HEAD, STATE_BODY };
enum framing { FRAMING_LENGTH, FRAMING_SIZE, FRAMING_DATA, FRAMING_DATA_END, FRAMING_TRAILER, FRAMING_CLOSE };

struct conn {
	int fd;
	SSL *ssl;
	enum state state;
	bool reused, writable, retried;

	/* the request under way */
	uint64_t start_ns, due_ms;
	char marker[MARKER_LEN];
	enum kind kind;
	enum leave leave;
	size_t sent, leave_at; /* bytes sent or received, or milliseconds */

	/* the answer */
	struct bytes carry; /* a head, line or body not yet whole */
	enum framing framing;
	int status;
	bool events, close, head_seen, ext;
	uint64_t left, received;
	unsigned line_len;
	uint64_t seq;
	bool marked, ended, failed_event, counted_open, judged;
	char id[ID_MAX];
	unsigned id_n;
};

static struct {
	enum mode mode;
	const char *host, *path, *model, *key, *record, *orders, *unix_path;
	unsigned port, connections, ramp;
	uint64_t requests, seconds, timeout_ms, seed;
	size_t body;
	bool tls, anthropic, requests_set, spin;
	struct bytes headers;
} opt = { .host = "127.0.0.1",
	  .model = "bench",
	  .key = "sk-bench",
	  .orders = "",
	  .connections = 1,
	  .seconds = 60,
	  .timeout_ms = 30000,
	  .seed = 1,
	  .body = 1024 };

static struct {
	uint64_t begun, finished, ok, reconnects, retried, events, bytes, left, error_events, by_status[600],
		failures[FAIL_COUNT];
} count;
static struct hist latency, first_byte;

static struct request requests[KIND_COUNT];
static struct conn *conns;
static unsigned connecting, opened, opened_told;
static int epoll_fd;
static char *scratch;
static uint64_t random_state, marker_state, deadline_ms;
static bool draining;
static volatile sig_atomic_t stopping;
static SSL_CTX *tls;
static FILE *record;
static struct sockaddr_storage address;
static socklen_t address_n;

static void conn_next(struct conn *c);
static void conn_send(struct conn *c);
static bool markers_own(struct conn *c, const char *p, size_t n);

/* ---- requests ---- */

static void request_build(struct request *q, const char *orders, bool stream)
{
	struct bytes body = { 0 }, all = { 0 };
	bytes_printf(&body, "{\"model\":\"%s\",%s%s\"messages\":[{\"role\":\"user\",\"content\":\"@", opt.model,
	             opt.anthropic ? "\"max_tokens\":1024," : "",
	             !stream         ? ""
	             : opt.anthropic ? "\"stream\":true,"
	                             : "\"stream\":true,\"stream_options\":{\"include_usage\":true},");
	size_t mark = body.n;
	bytes_printf(&body, "mk-0000000000000000%s%s@ ", *orders ? ";" : "", orders);
	static const char text[] =
		"Explain to me, in a few plain words, what a gateway does with a prompt like this one. ",
			  end[] = "\"}]}";
	while (body.n + sizeof(end) - 1 < opt.body) {
		size_t room = opt.body - body.n - (sizeof(end) - 1);
		bytes_add(&body, text, room < sizeof(text) - 1 ? room : sizeof(text) - 1);
	}
	bytes_printf(&body, "%s", end);
	bytes_printf(
		&all,
		"POST %s HTTP/1.1\r\nhost: %s:%u\r\ncontent-type: application/json\r\nauthorization: Bearer %s\r\n",
		opt.path, opt.host, opt.port, opt.key);
	if (opt.anthropic)
		bytes_printf(&all, "anthropic-version: 2023-06-01\r\n");
	bytes_add(&all, opt.headers.p, opt.headers.n);
	bytes_printf(&all, "user-agent: load/1\r\naccept: */*\r\ncontent-length: %zu\r\n\r\n", body.n);
	q->mark_at = all.n + mark;
	bytes_add(&all, body.p, body.n);
	bytes_free(&body);
	q->p = all.p;
	q->n = all.n;
}

static void requests_build(void)
{
	static const struct {
		const char *orders;
		bool stream;
	} kinds[] = {
		[KIND_JSON] = { "", false },
		[KIND_STREAM] = { "events=8;gap=2", true },
		[KIND_ERROR] = { "status=500", false },
		[KIND_LIMITED] = { "status=429", false },
		[KIND_SLOW] = { "wait=150", false },
		[KIND_CUT_JSON] = { "abort=700", false },
		[KIND_CUT_STREAM] = { "events=8;gap=1;abort=4", true },
	};
	for (int k = 0; k < KIND_COUNT; k++)
		request_build(&requests[k], opt.mode == MODE_CHAOS ? kinds[k].orders : opt.orders, kinds[k].stream);
}

static void choose(struct conn *c)
{
	c->leave = LEAVE_NEVER;
	c->kind = opt.mode == MODE_STREAMS ? KIND_STREAM : KIND_JSON;
	if (opt.mode != MODE_CHAOS)
		return;
	static const struct {
		unsigned of_1000;
		enum kind kind;
		enum leave leave;
	} mix[] = {
		{ 760, KIND_JSON, LEAVE_NEVER },      { 60, KIND_STREAM, LEAVE_NEVER },
		{ 20, KIND_ERROR, LEAVE_NEVER },      { 20, KIND_LIMITED, LEAVE_NEVER },
		{ 5, KIND_SLOW, LEAVE_NEVER },        { 20, KIND_CUT_JSON, LEAVE_NEVER },
		{ 15, KIND_CUT_STREAM, LEAVE_NEVER }, { 30, KIND_JSON, LEAVE_SENDING },
		{ 20, KIND_JSON, LEAVE_READING },     { 20, KIND_STREAM, LEAVE_READING },
		{ 10, KIND_SLOW, LEAVE_WAITING },     { 20, KIND_JSON, LEAVE_WAITING },
	};
	unsigned at = (unsigned)(random_next(&random_state) % 1000), i = 0;
	while (at >= mix[i].of_1000)
		at -= mix[i++].of_1000;
	c->kind = mix[i].kind;
	c->leave = mix[i].leave;
	uint64_t r = random_next(&random_state);
	if (c->leave == LEAVE_SENDING)
		c->leave_at = r % requests[c->kind].n;
	else if (c->leave == LEAVE_READING)
		c->leave_at = 1 + r % 2500;
	else if (c->leave == LEAVE_WAITING)
		c->leave_at = r % (c->kind == KIND_SLOW ? 120 : 12);
}

/* ---- connections ---- */

static void conn_drop(struct conn *c)
{
	if (c->state == STATE_CONNECTING || c->state == STATE_HANDSHAKE)
		connecting--;
	if (c->ssl)
		SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	bytes_free(&c->carry);
	c->ssl = NULL;
	c->fd = -1;
	c->state = STATE_IDLE;
	c->due_ms = 0;
	if (c->counted_open)
		opened--;
	c->counted_open = false;
}

/* The request under way ends here, one way or the other. */
static void request_over(struct conn *c)
{
	count.finished++;
	c->retried = false;
}

static void conn_fail(struct conn *c, enum failure why)
{
	count.failures[why]++;
	request_over(c);
	conn_drop(c);
	c->due_ms = now_ms() + (why == FAIL_CONNECT ? 20 : 0);
}

/* Also what came of an answer that did not become whole must be this request's. */
static void part_check(struct conn *c)
{
	if (c->carry.n && !markers_own(c, c->carry.p, c->carry.n))
		count.failures[FAIL_WRONG]++;
}

static void conn_leave(struct conn *c)
{
	part_check(c);
	count.left++;
	request_over(c);
	conn_drop(c);
}

/*
 * The connection broke. A reused one before any byte of the answer may be tried once more, as every HTTP client does; a
 * cut is what a client must see of an answer that the provider cut.
 */
static void conn_broken(struct conn *c)
{
	if (c->state == STATE_CONNECTING || c->state == STATE_HANDSHAKE) {
		conn_fail(c, FAIL_CONNECT);
		return;
	}
	if (c->reused && !c->received && !c->retried) {
		count.retried++;
		conn_drop(c);
		c->retried = true;
		return;
	}
	part_check(c);
	if (c->kind == KIND_CUT_STREAM || c->kind == KIND_CUT_JSON) {
		count.by_status[c->status]++;
		request_over(c);
		conn_drop(c);
		return;
	}
	conn_fail(c, FAIL_CLOSED);
}

static void conn_begin(struct conn *c)
{
	if (!c->retried) {
		choose(c);
		count.begun++;
		marker_write(c->marker, random_next(&marker_state));
	}
	c->start_ns = now_ns();
	c->due_ms = c->start_ns / 1000000 + (c->leave == LEAVE_WAITING ? c->leave_at : opt.timeout_ms);
	c->sent = c->received = 0;
	c->id_n = 0;
	c->seq = 0;
	c->status = 0;
	c->head_seen = c->marked = c->ended = c->failed_event = c->judged = false;
	c->carry.n = 0;
	c->state = STATE_SENDING;
	conn_send(c);
}

static void conn_connect(struct conn *c)
{
	c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	c->reused = false;
	c->writable = false;
	c->state = STATE_CONNECTING;
	c->due_ms = now_ms() + opt.timeout_ms;
	connecting++;
	count.reconnects++;
	if (address.ss_family == AF_INET)
		socket_no_delay(c->fd);
	if (connect(c->fd, (struct sockaddr *)&address, address_n) != 0 && errno != EINPROGRESS) {
		count.begun++;
		conn_fail(c, FAIL_CONNECT);
		return;
	}
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void conn_handshake(struct conn *c)
{
	if (!tls) {
		connecting--;
		conn_begin(c);
		return;
	}
	if (!c->ssl) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_tlsext_host_name(c->ssl, "localhost");
		SSL_set_connect_state(c->ssl);
		c->state = STATE_HANDSHAKE;
	}
	ERR_clear_error();
	int rc = SSL_do_handshake(c->ssl);
	if (rc == 1) {
		connecting--;
		conn_begin(c);
		return;
	}
	int why = SSL_get_error(c->ssl, rc);
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		conn_fail(c, FAIL_CONNECT);
}

/* Bytes taken, 0 for "later", −1 for a broken connection. */
static ssize_t conn_write(struct conn *c, const char *p, size_t n)
{
	if (!c->ssl) {
		ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
		return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	int rc = SSL_write(c->ssl, p, (int)n);
	if (rc > 0)
		return rc;
	int why = SSL_get_error(c->ssl, rc);
	return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void conn_send(struct conn *c)
{
	struct request *q = &requests[c->kind];
	size_t end = c->leave == LEAVE_SENDING ? c->leave_at : q->n;
	memcpy(q->p + q->mark_at, c->marker, MARKER_LEN);
	while (c->sent < end) {
		ssize_t n = conn_write(c, q->p + c->sent, end - c->sent);
		if (n < 0) {
			conn_broken(c);
			return;
		}
		if (n == 0)
			return;
		c->sent += (size_t)n;
	}
	if (c->leave == LEAVE_SENDING) {
		conn_leave(c);
		return;
	}
	c->state = STATE_HEAD;
}

/* ---- answers ---- */

/* Every marker in p must be this request's. */
static bool markers_own(struct conn *c, const char *p, size_t n)
{
	const char *end = p + n;
	while ((p = memmem(p, (size_t)(end - p), "mk-", 3))) {
		if ((size_t)(end - p) < MARKER_LEN)
			return true;
		if (memcmp(p, c->marker, MARKER_LEN) != 0) {
			fprintf(stderr, "load: asked with %.*s, answered with %.*s\n", MARKER_LEN, c->marker,
			        MARKER_LEN, p);
			return false;
		}
		c->marked = true;
		p += MARKER_LEN;
	}
	return true;
}

/* One line of a stream, without its end. */
static bool event_line(struct conn *c, const char *p, size_t n)
{
	if (n < 6 || memcmp(p, "data: ", 6) != 0)
		return true;
	count.events++;
	if (!markers_own(c, p, n)) {
		count.failures[FAIL_WRONG]++;
		c->judged = true;
		return false;
	}
	if (memmem(p, n < 300 ? n : 300, "\"error\"", 7)) {
		c->failed_event = true;
		count.error_events++;
		return true;
	}
	if (n == 12 && memcmp(p, "data: [DONE]", 12) == 0)
		c->ended = true;
	else if (opt.anthropic && memmem(p, n, "\"message_stop\"", 14))
		c->ended = true;
	const char *at = memmem(p, n, " mk-", 4);
	if (!at || at - p < 10 || at[-9] != '#')
		return true;
	uint64_t seq = 0;
	for (int i = 8; i >= 1; i--)
		seq = seq * 10 + (uint64_t)(at[-i] - '0');
	if (seq != c->seq++) {
		count.failures[FAIL_ORDER]++;
		c->judged = true;
		return false;
	}
	if (!c->counted_open) {
		c->counted_open = true;
		opened++;
	}
	return true;
}

static bool events_piece(struct conn *c, const char *p, size_t n)
{
	const char *end = p + n;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (!stop) {
			bytes_add(&c->carry, p, (size_t)(end - p));
			return c->carry.n < CARRY_MAX;
		}
		bool fine;
		if (c->carry.n) {
			bytes_add(&c->carry, p, (size_t)(stop - p));
			fine = event_line(c, c->carry.p, c->carry.n);
			c->carry.n = 0;
		} else {
			fine = event_line(c, p, (size_t)(stop - p));
		}
		if (!fine)
			return false;
		p = stop + 1;
	}
	return true;
}

static void conn_done(struct conn *c)
{
	count.by_status[c->status]++;
	enum failure why = FAIL_COUNT;
	bool whole = c->carry.n == 0 || markers_own(c, c->carry.p, c->carry.n);
	if (!whole)
		why = FAIL_WRONG;
	else if (c->status != 200)
		why = opt.mode == MODE_CHAOS && c->kind != KIND_JSON && c->kind != KIND_STREAM ? FAIL_COUNT
		                                                                               : FAIL_STATUS;
	else if (!c->marked)
		why = FAIL_MARKER;
	else if (c->events && !c->ended && !c->failed_event)
		why = FAIL_SHORT;
	else if (c->events && c->ended && c->kind == KIND_CUT_STREAM)
		why = FAIL_SHORT;
	else if (c->events && c->failed_event && c->kind != KIND_CUT_STREAM)
		why = FAIL_STATUS;
	bool close = c->close;
	if (why != FAIL_COUNT) {
		if (why == FAIL_STATUS && count.failures[FAIL_STATUS] < 3)
			fprintf(stderr, "load: status %d: %.*s\n", c->status,
			        (int)(c->carry.n < 300 ? c->carry.n : 300), c->carry.n ? c->carry.p : "");
		count.failures[why]++;
	} else {
		count.ok += c->status == 200;
		if (c->status == 200) {
			hist_add(&latency, now_ns() - c->start_ns);
			if (record)
				fprintf(record, "%.*s\n", (int)c->id_n, c->id);
		}
	}
	request_over(c);
	c->reused = true;
	if (c->counted_open)
		opened--;
	c->counted_open = false;
	c->state = STATE_IDLE;
	bytes_free(&c->carry);
	if (close)
		conn_drop(c);
}

static bool header_is(const char *p, const char *end, const char *name, const char **value)
{
	size_t n = strlen(name);
	if ((size_t)(end - p) <= n || p[n] != ':' || strncasecmp(p, name, n) != 0)
		return false;
	for (p += n + 1; p < end && *p == ' '; p++)
		;
	*value = p;
	return true;
}

static bool conn_head(struct conn *c, const char *p, const char *end)
{
	if (end - p < 14 || memcmp(p, "HTTP/1.1 ", 9) != 0)
		return false;
	c->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	if (c->status < 200 || c->status > 599)
		return false;
	c->framing = FRAMING_CLOSE;
	c->events = c->close = c->ext = false;
	c->left = 0;
	c->head_seen = true;
	const char *line = memchr(p, '\n', (size_t)(end - p)), *value;
	while (line && line + 1 < end) {
		p = line + 1;
		line = memchr(p, '\n', (size_t)(end - p));
		if (!line)
			break;
		if (header_is(p, line, "content-length", &value)) {
			c->framing = FRAMING_LENGTH;
			c->left = strtoull(value, NULL, 10);
		} else if (header_is(p, line, "transfer-encoding", &value)) {
			c->framing = FRAMING_SIZE;
		} else if (header_is(p, line, "connection", &value)) {
			c->close = strncasecmp(value, "close", 5) == 0;
		} else if (header_is(p, line, "content-type", &value)) {
			c->events = strncasecmp(value, "text/event-stream", 17) == 0;
		} else if (header_is(p, line, "x-request-id", &value)) {
			size_t n = (size_t)(line - value);
			n -= n && value[n - 1] == '\r';
			c->id_n = (unsigned)(n < ID_MAX ? n : ID_MAX);
			memcpy(c->id, value, c->id_n);
		}
	}
	if (c->framing == FRAMING_CLOSE)
		c->close = true;
	c->state = STATE_BODY;
	hist_add(&first_byte, now_ns() - c->start_ns);
	return true;
}

static bool body_piece(struct conn *c, const char *p, size_t n)
{
	if (c->events)
		return events_piece(c, p, n);
	bytes_add(&c->carry, p, n);
	return c->carry.n <= CARRY_MAX;
}

static void size_digit(struct conn *c, char ch)
{
	if (ch == '\n') {
		c->framing = c->left ? FRAMING_DATA : FRAMING_TRAILER;
		c->line_len = 0;
		c->ext = false;
	} else if ((ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')) {
		if (!c->ext)
			c->left = c->left * 16 + (uint64_t)(ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10);
	} else {
		c->ext = true;
	}
}

/* Takes the part of p that belongs to the body; false: the answer is wrong. *done: it ended, *used bytes from p. */
static bool body_feed(struct conn *c, const char *p, size_t n, size_t *used, bool *done)
{
	size_t at = 0;
	*done = c->framing == FRAMING_LENGTH && c->left == 0;
	while (at < n && !*done) {
		switch (c->framing) {
		case FRAMING_LENGTH:
		case FRAMING_DATA: {
			size_t take = n - at < c->left ? n - at : (size_t)c->left;
			if (!body_piece(c, p + at, take))
				return false;
			at += take;
			c->left -= take;
			if (!c->left && c->framing == FRAMING_LENGTH)
				*done = true;
			else if (!c->left)
				c->framing = FRAMING_DATA_END;
			break;
		}
		case FRAMING_DATA_END:
			if (p[at++] == '\n')
				c->framing = FRAMING_SIZE;
			break;
		case FRAMING_SIZE: size_digit(c, p[at++]); break;
		case FRAMING_TRAILER:
			if (p[at] == '\n' && !c->line_len)
				*done = true;
			else if (p[at] == '\n')
				c->line_len = 0;
			else if (p[at] != '\r')
				c->line_len++;
			at++;
			break;
		case FRAMING_CLOSE:
			if (!body_piece(c, p + at, n - at))
				return false;
			at = n;
			break;
		}
	}
	*used = at;
	return true;
}

static void conn_wrong(struct conn *c)
{
	if (c->judged) {
		request_over(c);
		conn_drop(c);
	} else {
		conn_fail(c, FAIL_PARSE);
	}
}

static void conn_feed(struct conn *c, const char *p, size_t n)
{
	c->received += n;
	count.bytes += n;
	if (c->state == STATE_SENDING) /* an early answer, such as 413: what is left of the request is not sent */
		c->state = STATE_HEAD, c->close = true;
	if (c->state == STATE_IDLE) {
		if (n)
			conn_fail(c, FAIL_PARSE);
		return;
	}
	struct bytes head = { 0 };
	if (c->state == STATE_HEAD) {
		if (c->carry.n) {
			head = c->carry;
			c->carry = (struct bytes){ 0 };
			bytes_add(&head, p, n);
			p = head.p;
			n = head.n;
		}
		const char *end = memmem(p, n, "\r\n\r\n", 4);
		if (!end) {
			bytes_add(&c->carry, p, n);
			bytes_free(&head);
			return;
		}
		if (!conn_head(c, p, end + 2)) {
			bytes_free(&head);
			conn_fail(c, FAIL_PARSE);
			return;
		}
		n -= (size_t)(end + 4 - p);
		p = end + 4;
	}
	size_t used = 0;
	bool done = false;
	if (!body_feed(c, p, n, &used, &done))
		conn_wrong(c);
	else if (done && used < n)
		conn_fail(c, FAIL_PARSE);
	else if (done)
		conn_done(c);
	else if (c->leave == LEAVE_READING && c->received >= c->leave_at)
		conn_leave(c);
	bytes_free(&head);
}

static ssize_t conn_recv(struct conn *c, bool *more)
{
	if (!c->ssl) {
		ssize_t n = recv(c->fd, scratch, SCRATCH, 0);
		*more = n == SCRATCH;
		return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	int rc = SSL_read(c->ssl, scratch, SCRATCH);
	*more = rc > 0;
	if (rc > 0)
		return rc;
	int why = SSL_get_error(c->ssl, rc);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void conn_read(struct conn *c, bool hangup)
{
	bool more = true;
	while (c->fd >= 0 && (more || hangup) && (c->state >= STATE_SENDING || c->state == STATE_IDLE)) {
		ssize_t n = conn_recv(c, &more);
		if (n == 0)
			return;
		if (n > 0) {
			conn_feed(c, scratch, (size_t)n);
			continue;
		}
		if (c->state == STATE_IDLE)
			conn_drop(c);
		else if (c->state == STATE_BODY && c->framing == FRAMING_CLOSE)
			conn_done(c);
		else
			conn_broken(c);
		return;
	}
}

static void conn_event(struct conn *c, uint32_t events)
{
	bool hangup = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	if (c->fd < 0)
		return;
	if (c->state == STATE_CONNECTING) {
		int error = 0;
		socklen_t n = sizeof(error);
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		if (error) {
			count.begun++;
			conn_fail(c, FAIL_CONNECT);
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		conn_handshake(c);
	} else if (c->state == STATE_HANDSHAKE) {
		conn_handshake(c);
	} else if (c->state == STATE_SENDING && (events & EPOLLOUT)) {
		conn_send(c);
	}
	if (c->fd >= 0 && (events & EPOLLIN || hangup))
		conn_read(c, hangup);
	conn_next(c);
}

static bool may_begin(void)
{
	return !draining && (!opt.requests || count.begun < opt.requests);
}

/* Not more than --ramp connections a second, evenly. */
static bool ramp_allows(uint64_t ms)
{
	static double tokens;
	static uint64_t last_ms;

	if (last_ms)
		tokens += (double)(ms - last_ms) * opt.ramp / 1000;
	last_ms = ms;
	if (tokens > opt.ramp / 50.0 + 1)
		tokens = opt.ramp / 50.0 + 1;
	if (tokens < 1)
		return false;
	tokens -= 1;
	return true;
}

/* An idle connection asks again; a missing one is opened, not too many at a time. */
static void conn_next(struct conn *c)
{
	if (c->state != STATE_IDLE || (!may_begin() && !c->retried))
		return;
	if (c->fd >= 0) {
		conn_begin(c);
		return;
	}
	uint64_t ms = now_ms();
	if (connecting >= CONNECTING_MAX || ms < c->due_ms)
		return;
	if (opt.ramp && !ramp_allows(ms))
		return;
	conn_connect(c);
}

/* ---- the loop ---- */

static void on_signal(int number)
{
	stopping = number;
}

static void sweep(uint64_t ms)
{
	for (unsigned i = 0; i < opt.connections; i++) {
		struct conn *c = &conns[i];
		if (c->state == STATE_IDLE) {
			conn_next(c);
			continue;
		}
		if (ms < c->due_ms)
			continue;
		if (c->leave == LEAVE_WAITING && c->state >= STATE_SENDING)
			conn_leave(c);
		else
			conn_fail(c, c->state < STATE_SENDING ? FAIL_CONNECT : FAIL_TIMEOUT);
	}
	if (opt.mode == MODE_STREAMS && opened == opt.connections && !opened_told) {
		opened_told = opened;
		printf("{\"open\":%u}\n", opened);
		fflush(stdout);
	}
}

static bool all_idle(void)
{
	for (unsigned i = 0; i < opt.connections; i++)
		if (conns[i].state != STATE_IDLE || conns[i].retried)
			return false;
	return true;
}

static void run(void)
{
	struct epoll_event events[512];
	uint64_t start_ms = now_ms(), swept = 0,
		 sweep_ms = opt.mode == MODE_CHAOS || opt.ramp || opt.connections < 200 ? SWEEP_MS : 20;
	deadline_ms = start_ms + opt.seconds * 1000;
	for (unsigned i = 0; i < opt.connections; i++)
		conn_next(&conns[i]);
	while (!stopping) {
		int n = epoll_wait(epoll_fd, events, 512, opt.spin ? 0 : (int)sweep_ms);
		if (!n && opt.spin)
			sched_yield();
		for (int i = 0; i < n; i++)
			conn_event(events[i].data.ptr, events[i].events);
		uint64_t ms = now_ms();
		if (ms - swept >= sweep_ms) {
			swept = ms;
			draining = draining || ms >= deadline_ms;
			sweep(ms);
			if ((!may_begin() && all_idle()) || ms >= deadline_ms + opt.timeout_ms)
				return;
		}
	}
}

static void report(double seconds)
{
	static const char *const modes[] = { "json", "streams", "chaos", "latency" };
	uint64_t failed = 0;
	for (int i = 0; i < FAIL_COUNT; i++)
		failed += count.failures[i];
	printf("{\"mode\":\"%s\",\"begun\":%lu,\"finished\":%lu,\"ok\":%lu,\"failed\":%lu,\"left\":%lu,"
		"\"seconds\":%.3f,\"per_second\":%.1f,"
	       "\"events\":%lu,\"events_per_second\":%.1f,\"error_events\":%lu,\"bytes\":%lu,\"connects\":%lu,"
	       "\"retried\":%lu,",
	       modes[opt.mode], count.begun, count.finished, count.ok, failed, count.left, seconds,
	       (double)count.finished / seconds, count.events, (double)count.events / seconds, count.error_events,
	       count.bytes, count.reconnects, count.retried);
	printf("\"latency_us\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"max\":%.2f},\"first_byte_us\":{\"p50\":%.2f,"
		"\"p99\":%.2f},\"statuses\":{",
	       hist_us(&latency, 0.5), hist_us(&latency, 0.9), hist_us(&latency, 0.99), hist_us(&latency, 1),
	       hist_us(&first_byte, 0.5), hist_us(&first_byte, 0.99));
	const char *comma = "";
	for (int i = 0; i < 600; i++)
		if (count.by_status[i]) {
			printf("%s\"%d\":%lu", comma, i, count.by_status[i]);
			comma = ",";
		}
	printf("},\"errors\":{");
	for (int i = 0; i < FAIL_COUNT; i++)
		printf("%s\"%s\":%lu", i ? "," : "", failure_names[i], count.failures[i]);
	printf("}}\n");
}

static void usage(void)
{
	die("usage: load --port N [--host A | --unix PATH] [--mode json|streams|chaos|latency] [--connections N] "
		"[--requests N] [--seconds N]\n"
	    "            [--body BYTES] [--path P] [--model M] [--key K] [--header 'n: v']… [--orders "
	    "'events=9;gap=5'] [--dialect anthropic]\n"
	    "            [--timeout MS] [--ramp CONNECTIONS/S] [--seed N] [--record FILE] [--tls] [--spin]");
}

static void options_read(int argc, char **argv)
{
	enum {
		HOST, PORT, UNIX, MODE, CONNECTIONS, REQUESTS, SECONDS, BODY, PATH, MODEL, KEY, HEADER, ORDERS, DIALECT,
		TIMEOUT, RAMP, SEED, RECORD, TLS, SPIN
	};
	static const struct option options[] = {
		{ "host", 1, 0, HOST },         { "port", 1, 0, PORT },         { "unix", 1, 0, UNIX },
		{ "mode", 1, 0, MODE },         { "requests", 1, 0, REQUESTS }, { "connections", 1, 0, CONNECTIONS },
		{ "seconds", 1, 0, SECONDS },   { "body", 1, 0, BODY },         { "path", 1, 0, PATH },
		{ "model", 1, 0, MODEL },       { "key", 1, 0, KEY },           { "header", 1, 0, HEADER },
		{ "orders", 1, 0, ORDERS },     { "dialect", 1, 0, DIALECT },   { "timeout", 1, 0, TIMEOUT },
		{ "ramp", 1, 0, RAMP },         { "seed", 1, 0, SEED },         { "record", 1, 0, RECORD },
		{ "tls", 0, 0, TLS },           { "spin", 0, 0, SPIN },         { 0, 0, 0, 0 },
	};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case HOST: opt.host = optarg; break;
		case PORT: opt.port = (unsigned)number_or_die("--port", optarg); break;
		case UNIX: opt.unix_path = optarg; break;
		case MODE:
			opt.mode = !strcmp(optarg, "json")      ? MODE_JSON
			           : !strcmp(optarg, "streams") ? MODE_STREAMS
			           : !strcmp(optarg, "chaos")   ? MODE_CHAOS
			                                        : MODE_LATENCY;
			break;
		case CONNECTIONS: opt.connections = (unsigned)number_or_die("--connections", optarg); break;
		case REQUESTS:
			opt.requests = (uint64_t)number_or_die("--requests", optarg);
			opt.requests_set = true;
			break;
		case SECONDS: opt.seconds = (uint64_t)number_or_die("--seconds", optarg); break;
		case BODY: opt.body = (size_t)number_or_die("--body", optarg); break;
		case PATH: opt.path = optarg; break;
		case MODEL: opt.model = optarg; break;
		case KEY: opt.key = optarg; break;
		case HEADER: bytes_printf(&opt.headers, "%s\r\n", optarg); break;
		case ORDERS: opt.orders = optarg; break;
		case DIALECT: opt.anthropic = !strcmp(optarg, "anthropic"); break;
		case TIMEOUT: opt.timeout_ms = (uint64_t)number_or_die("--timeout", optarg); break;
		case RAMP: opt.ramp = (unsigned)number_or_die("--ramp", optarg); break;
		case SEED: opt.seed = (uint64_t)number_or_die("--seed", optarg); break;
		case RECORD: opt.record = optarg; break;
		case TLS: opt.tls = true; break;
		case SPIN: opt.spin = true; break;
		default: usage();
		}
	}
	if ((!opt.port && !opt.unix_path) || !opt.connections)
		usage();
	if (!opt.path)
		opt.path = opt.anthropic ? "/v1/messages" : "/v1/chat/completions";
	if (opt.mode == MODE_STREAMS && !opt.requests_set)
		opt.requests = opt.connections;
	if (opt.mode == MODE_LATENCY)
		opt.connections = 1;
}

static void address_read(void)
{
	if (opt.unix_path) {
		struct sockaddr_un *u = (struct sockaddr_un *)&address;
		u->sun_family = AF_UNIX;
		if (strlen(opt.unix_path) >= sizeof(u->sun_path))
			die("--unix: too long");
		memcpy(u->sun_path, opt.unix_path, strlen(opt.unix_path) + 1);
		address_n = sizeof(*u);
		return;
	}
	struct sockaddr_in *a = (struct sockaddr_in *)&address;
	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)opt.port);
	if (inet_pton(AF_INET, opt.host, &a->sin_addr) != 1 || (ntohl(a->sin_addr.s_addr) >> 24) != 127)
		die("--host: only addresses of this machine, 127.0.0.0/8");
	address_n = sizeof(*a);
}

int main(int argc, char **argv)
{
	options_read(argc, argv);
	address_read();
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	random_state = opt.seed;
	marker_state = now_ns() ^ ((uint64_t)getpid() << 40);
	scratch = xmalloc(SCRATCH);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (opt.tls) {
		tls = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		                              SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL); /* the bench's own certificate, on this machine */
	}
	if (opt.record && !(record = fopen(opt.record, "we")))
		die("%s: %s", opt.record, strerror(errno));
	requests_build();
	conns = xmalloc(opt.connections * sizeof(*conns));
	memset(conns, 0, opt.connections * sizeof(*conns));
	for (unsigned i = 0; i < opt.connections; i++)
		conns[i].fd = -1;
	uint64_t start = now_ns();
	run();
	report((double)(now_ns() - start) / 1e9);
	if (record && fclose(record) != 0)
		die("%s: %s", opt.record, strerror(errno));
	return 0;
}
