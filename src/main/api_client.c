/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking client of the command line. */
#include "main/api_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr.h"
#include "net/http1.h"
#include "net/tls.h"

enum { HEAD_MAX_BYTES = 64 << 10, BODY_MAX_BYTES = 64 << 20, FIELDS_MAX = 64, READ_BYTES = 16 << 10 };

/* One connection. `tls` is NULL for a plain one. */
struct link {
	const struct api *api;
	int fd;
	struct tls_client *client;
	struct tls *tls;
	struct str host, authority;
	uint16_t port;
};

static bool wait_for(struct link *l, short events, struct err *e)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, l->api->timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return true;
	if (n < 0)
		return err_set_sys(e, errno, "%.*s", STR_ARG(l->api->url));
	return err_set(e, ERR_UPSTREAM_TIMEOUT, "%.*s did not answer within %d ms", STR_ARG(l->api->url),
	               l->api->timeout_ms);
}

static bool connect_to(struct link *l, const struct sockaddr *to, socklen_t len, struct err *e)
{
	int failure = 0;
	socklen_t n = sizeof(failure);

	l->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return err_set_sys(e, errno, "socket");
	if (connect(l->fd, to, len) == 0)
		return true;
	if (errno == EINPROGRESS) {
		if (!wait_for(l, POLLOUT, e))
			return false;
		if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &failure, &n) == 0 && failure == 0)
			return true;
		errno = failure;
	}
	return err_set_sys(e, errno, "cannot reach the gateway at %.*s", STR_ARG(l->api->url));
}

static bool connect_by_name(struct link *l, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char host[256], port[8];
	bool good = false;
	int rc;

	if (l->host.n >= sizeof(host))
		return err_set(e, ERR_INVALID_REQUEST, "the host's name is too long: %.*s", STR_ARG(l->api->url));
	snprintf(host, sizeof(host), "%.*s", STR_ARG(l->host));
	snprintf(port, sizeof(port), "%u", l->port);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc)
		return err_set(e, ERR_UPSTREAM, "cannot resolve %s: %s", host, gai_strerror(rc));
	for (struct addrinfo *a = found; a && !good; a = a->ai_next) {
		if (l->fd >= 0)
			close(l->fd);
		good = connect_to(l, a->ai_addr, a->ai_addrlen, e);
	}
	freeaddrinfo(found);
	return good;
}

static bool connect_unix(struct link *l, struct str path, struct err *e)
{
	struct addr a;
	struct buf text = buf_make(256);
	bool good = buf_append(&text, STR("unix:")) && buf_append(&text, path) && addr_parse(&a, buf_str(&text), e);

	buf_fini(&text);
	return good && connect_to(l, &a.u.sa, a.len, e);
}

static bool shake_hands(struct link *l, struct err *e)
{
	l->client = tls_client_new(&(struct tls_client_options){ .ca_file = l->api->ca_file }, e);
	if (!l->client)
		return false;
	l->tls = tls_connect(l->client, NULL, l->fd, l->host, l->port);
	for (;;) {
		int rc = tls_handshake(l->tls);

		if (rc == 1)
			return true;
		if (rc != TLS_WANT_READ && rc != TLS_WANT_WRITE) {
			tls_describe(l->tls, e);
			return err_prefix(e, "%.*s", STR_ARG(l->api->url));
		}
		if (!wait_for(l, rc == TLS_WANT_READ ? POLLIN : POLLOUT, e))
			return false;
	}
}

static bool open_link(struct link *l, struct err *e)
{
	struct str url = l->api->url, rest;
	bool secure = str_starts(url, STR("https://"));

	if (str_starts(url, STR("unix:"))) {
		rest = str_slice(url, 5, url.n);
		if (str_starts(rest, STR("//")))
			rest = str_slice(rest, 2, rest.n);
		l->authority = STR("localhost");
		return connect_unix(l, rest, e);
	}
	if (!secure && !str_starts(url, STR("http://")))
		return err_set(e, ERR_INVALID_REQUEST,
		               "\"%.*s\" is no URL of a gateway: http://HOST:PORT, https://HOST:PORT or "
		               "unix:/PATH",
		               STR_ARG(url));
	rest = str_slice(url, secure ? 8 : 7, url.n);
	l->authority = str_cut(&rest, '/');
	if (rest.n || !addr_split(l->authority, secure ? 443 : 80, &l->host, &l->port))
		return err_set(e, ERR_INVALID_REQUEST,
		               "\"%.*s\" is no URL of a gateway: a host and a port, without a path", STR_ARG(url));
	return connect_by_name(l, e) && (!secure || shake_hands(l, e));
}

static void close_link(struct link *l)
{
	tls_free(l->tls);
	tls_client_free(l->client);
	if (l->fd >= 0)
		close(l->fd);
}

static bool send_all(struct link *l, struct str bytes, struct err *e)
{
	while (bytes.n) {
		ssize_t n = l->tls ? tls_write(l->tls, bytes.p, bytes.n) : send(l->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		bool again = l->tls ? n == TLS_WANT_READ || n == TLS_WANT_WRITE
		                    : n < 0 && (errno == EAGAIN || errno == EINTR);

		if (n > 0)
			bytes = str_slice(bytes, (size_t)n, bytes.n);
		else if (!again)
			return l->tls ? tls_describe(l->tls, e) : err_set_sys(e, errno, "%.*s", STR_ARG(l->api->url));
		else if (!wait_for(l, l->tls && n == TLS_WANT_READ ? POLLIN : POLLOUT, e))
			return false;
	}
	return true;
}

/* Appends what comes. *end: the peer is done. */
static bool receive(struct link *l, struct buf *to, bool *end, struct err *e)
{
	*end = false;
	for (;;) {
		char *room = buf_reserve(to, READ_BYTES);
		ssize_t n;

		if (!room)
			return err_set(e, ERR_TOO_LARGE, "the answer of %.*s is too large", STR_ARG(l->api->url));
		n = l->tls ? tls_read(l->tls, room, READ_BYTES) : recv(l->fd, room, READ_BYTES, 0);
		if (n > 0) {
			to->n += (size_t)n;
			return true;
		}
		if (n == 0) {
			*end = true;
			return true;
		}
		if (l->tls ? n == TLS_FAIL : errno != EAGAIN && errno != EINTR)
			return l->tls ? tls_describe(l->tls, e) : err_set_sys(e, errno, "%.*s", STR_ARG(l->api->url));
		if (!wait_for(l, l->tls && n == TLS_WANT_WRITE ? POLLOUT : POLLIN, e))
			return false;
	}
}

static bool cut_short(const struct link *l, struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "the answer of %.*s is cut short", STR_ARG(l->api->url));
}

/* What stands in `in` behind the head, and what comes after it. */
static bool read_body(struct link *l, const struct http_head *head, struct buf *in, struct buf *body, struct err *e)
{
	struct http1_chunks chunks = { 0 };
	bool end = false;

	if (head->status == 204 || head->status == 304)
		return true;
	for (;;) {
		struct str bytes = buf_str(in), data;

		if (head->chunked) {
			enum http1_body state;

			while ((state = http1_chunks_read(&chunks, &bytes, &data)) == HTTP1_BODY_DATA)
				if (!buf_append(body, data))
					return err_set(e, ERR_TOO_LARGE, "the answer is too large");
			if (state == HTTP1_BODY_END)
				return true;
			if (state == HTTP1_BODY_BAD)
				return err_set(e, ERR_UPSTREAM, "%.*s sent a broken chunk", STR_ARG(l->api->url));
		} else if (!buf_append(body, bytes)) {
			return err_set(e, ERR_TOO_LARGE, "the answer is too large");
		}
		if (!head->chunked && head->content_length >= 0 && body->n >= (size_t)head->content_length)
			return true;
		if (end)
			return (!head->chunked && head->content_length < 0) || cut_short(l, e);
		buf_clear(in);
		if (!receive(l, in, &end, e))
			return false;
	}
}

static bool read_answer(struct link *l, struct api_answer *out, struct err *e)
{
	const struct http1_limits limits = { HEAD_MAX_BYTES, HEAD_MAX_BYTES, FIELDS_MAX };
	struct http_field fields[FIELDS_MAX];
	struct buf in = buf_make(HEAD_MAX_BYTES + READ_BYTES);
	struct http_head head = { 0 };
	uint32_t scanned = 0;
	bool end, good = false;
	size_t len = 0;

	for (;;) {
		enum http1_found found = http1_take_answer(buf_str(&in), &scanned, &limits, fields, &head, &len, e);

		if (found == HTTP1_BAD)
			goto out;
		if (found == HTTP1_WHOLE) {
			if (head.status >= 200)
				break;
			buf_consume(&in, len);
			continue;
		}
		if (!receive(l, &in, &end, e))
			goto out;
		if (end) {
			cut_short(l, e);
			goto out;
		}
	}
	out->status = head.status;
	buf_consume(&in, len);
	good = read_body(l, &head, &in, &out->body, e);
out:
	buf_fini(&in);
	return good;
}

bool api_call(const struct api *api, const char *method, struct str path, struct str body, struct api_answer *out,
              struct err *e)
{
	struct link l = { .api = api, .fd = -1 };
	struct buf request = buf_make(1 << 20);
	bool good;

	*out = (struct api_answer){ .body = buf_make(BODY_MAX_BYTES) };
	good = open_link(&l, e);
	if (good) {
		buf_printf(&request,
		           "%s %.*s HTTP/1.1\r\nhost: %.*s\r\nconnection: close\r\naccept: application/json\r\n"
		           "user-agent: sluice/" SLUICE_VERSION "\r\n",
		           method, STR_ARG(path), STR_ARG(l.authority));
		if (api->key.n)
			buf_printf(&request, "authorization: Bearer %.*s\r\n", STR_ARG(api->key));
		if (body.p)
			buf_printf(&request, "content-type: application/json\r\n");
		if (body.p || method[0] == 'P')
			buf_printf(&request, "content-length: %zu\r\n", body.n);
		buf_append(&request, STR("\r\n"));
		buf_append(&request, body);
		good = !request.failed ? send_all(&l, buf_str(&request), e) && read_answer(&l, out, e)
		                       : err_set(e, ERR_TOO_LARGE, "the request is too large");
	}
	close_link(&l);
	buf_fini(&request);
	if (!good)
		buf_fini(&out->body);
	return good;
}
