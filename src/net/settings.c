/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of net, and what must hold between them. */

#include "net/settings.h"

#include "base/err.h"
#include "net/tls.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

#define STRUCT tls_pair_settings
static const struct setting tls_pair_rows[] = {
	{ .name = "cert", .type = SETTING_TEXT, AT(cert), .required = true,
	  .help = "PEM file with the certificate and its chain. Read again at each reload." },
	{ .name = "key", .type = SETTING_TEXT, AT(key), .required = true, .help = "PEM file with the private key." },
};
#undef STRUCT
static const struct settings tls_pair_settings = {
	.name = "certificate", .size = sizeof(struct tls_pair_settings), .rows = tls_pair_rows,
	.n = COUNT_OF(tls_pair_rows),
};

#define STRUCT listen_tls_settings
static const struct setting listen_tls_rows[] = {
	{ .name = "cert", .type = SETTING_TEXT, AT(cert),
	  .help = "PEM file with the certificate and its chain. Read again at each reload." },
	{ .name = "key", .type = SETTING_TEXT, AT(key), .help = "PEM file with the private key." },
	{ .name = "more", .type = SETTING_LIST, AT(more), .section = &tls_pair_settings,
	  .help = "Further certificates. The first one that is for the server name which the client asks for is "
	          "used; without one, the certificate above." },
};
#undef STRUCT

static bool check_listen_tls(void *item, struct setting_checker *c)
{
	struct listen_tls_settings *tls = item;
	if ((tls->cert.n > 0) != (tls->key.n > 0))
		return c->refuse(c, tls, "needs both cert and key");
	if (tls->more.n > 0 && tls->cert.n == 0)
		return c->refuse(c, tls, "has further certificates and needs a first one: cert and key");
	if (tls->more.n >= TLS_CERTS_MAX)
		return c->refuse(c, tls, "has more certificates than allowed");
	return true;
}

static const struct settings listen_tls_settings = {
	.name = "tls", .size = sizeof(struct listen_tls_settings), .rows = listen_tls_rows,
	.n = COUNT_OF(listen_tls_rows),
	.check = check_listen_tls,
};

static const char *const proxy_protocol_words[] = { "off", "v1", "v2", "any", NULL };

#define STRUCT listen_settings
static const struct setting listen_rows[] = {
	{ .name = "address", .type = SETTING_TEXT, AT(address), .required = true, .is_name = true,
	  .needs_restart = true,
	  .help = "HOST:PORT, [IPV6]:PORT, *:PORT or unix:PATH. The host is an address or localhost." },
	{ .name = "tls", .type = SETTING_SECTION, AT(tls), .section = &listen_tls_settings, .needs_restart = true,
	  .help = "Certificate and key; with them the listener speaks TLS only." },
	{ .name = "proxy_protocol", .type = SETTING_WORD, AT(proxy_protocol), .value = "off",
	  .words = proxy_protocol_words,
	  .needs_restart = true,
	  .help = "Version of the PROXY protocol header that every connection must begin with. Only behind a load "
	          "balancer "
	          "that sends it: it decides which client address is believed." },
	{ .name = "http2", .type = SETTING_BOOL, AT(http2), .value = "true", .needs_restart = true,
	  .help = "Offer HTTP/2, by ALPN and with prior knowledge." },
};
#undef STRUCT

static bool check_listen(void *item, struct setting_checker *c)
{
	struct listen_settings *l = item;
	struct err err = { 0 };
	if (!addr_parse(&l->addr, l->address, &err))
		return c->refuse_value(c, &l->address, "must be HOST:PORT, [IPV6]:PORT, *:PORT or unix:PATH: %s",
		                       err.text);
	l->is_local = addr_family(&l->addr) == AF_UNIX || addr_is_loopback(&l->addr);
	return true;
}

const struct settings listen_settings = {
	.name = "listener", .size = sizeof(struct listen_settings), .rows = listen_rows, .n = COUNT_OF(listen_rows),
	.shorthand = "address", .check = check_listen,
};

#define STRUCT server_settings
static const struct setting server_rows[] = {
	{ .name = "max_connections", .type = SETTING_INT, AT(max_connections), .value = "65536", .min = "1",
	  .max = "10000000",
	  .help = "Open client connections of the whole process, at most 7/8 of its file descriptors. Above it new "
	          "ones wait in the kernel's queue." },
	{ .name = "backlog", .type = SETTING_INT, AT(backlog), .value = "4096", .min = "1", .max = "65535",
	  .needs_restart = true, .help = "Connections that the kernel holds for us until they are accepted." },
	{ .name = "header_max", .type = SETTING_SIZE, AT(header_max_bytes), .value = "64KiB", .min = "1KiB",
	  .max = "1MiB",
	  .help = "Request line and header fields together. More is answered with 431." },
	{ .name = "request_line_max", .type = SETTING_SIZE, AT(request_line_max_bytes), .value = "16KiB", .min = "256",
	  .max = "1MiB", .help = "The request line. More is answered with 414." },
	{ .name = "header_count", .type = SETTING_INT, AT(header_count_max), .value = "100", .min = "8", .max = "256",
	  .help = "Header fields of a request. More are answered with 431." },
	{ .name = "body_max", .type = SETTING_SIZE, AT(body_max_bytes), .value = "32MiB", .min = "1KiB", .max = "1GiB",
	  .help = "Body of a request. More is answered with 413." },
	{ .name = "upload_max", .type = SETTING_SIZE, AT(upload_max_bytes), .value = "512MiB", .min = "1KiB",
	  .max = "2GiB",
	  .help = "Body of an upload (audio, images, files, passthrough), of which what is above 1 MiB is kept in a "
	          "file "
	          "in data_dir, not in memory. More is answered with 413." },
	{ .name = "upload_total", .type = SETTING_SIZE, AT(upload_total_bytes), .value = "4GiB", .min = "1MiB",
	  .max = "1TiB",
	  .help = "The files of all uploads under way together: what of the disk they may take from the ledger. More "
	          "is answered with 500." },
	{ .name = "write_buffer", .type = SETTING_SIZE, AT(write_buffer_bytes), .value = "64KiB", .min = "4KiB",
	  .max = "64MiB",
	  .help = "Output queued for one slow client above which reading from its provider stops." },
	{ .name = "max_streams", .type = SETTING_INT, AT(streams_max), .value = "128", .min = "1", .max = "10000",
	  .help = "Requests under way at once on one HTTP/2 connection." },
	{ .name = "header_timeout", .type = SETTING_DURATION, AT(header_timeout_ms), .value = "10s", .min = "100ms",
	  .max = "10m",
	  .help = "From the first byte of a request to the end of its header; also for the TLS handshake." },
	{ .name = "body_timeout", .type = SETTING_DURATION, AT(body_timeout_ms), .value = "30s", .min = "100ms",
	  .max = "1h",
	  .help = "Longest silence inside of a request's body." },
	{ .name = "idle_timeout", .type = SETTING_DURATION, AT(idle_timeout_ms), .value = "75s", .min = "1s",
	  .max = "1d",
	  .help = "A kept-alive connection without a request is closed after this." },
	{ .name = "write_timeout", .type = SETTING_DURATION, AT(write_timeout_ms), .value = "60s", .min = "1s",
	  .max = "1h",
	  .help = "A client that takes nothing of its queued answer for this long is cut off." },
	{ .name = "stream_ping", .type = SETTING_DURATION, AT(stream_ping_ms), .value = "15s", .min = "0", .max = "1h",
	  .help = "A streamed answer of which the provider sends nothing for this long gets a sign of life in the "
	          "client's "
	          "dialect, so that nobody on the way gives it up. 0: none." },
};
#undef STRUCT

static bool check_server(void *item, struct setting_checker *c)
{
	struct server_settings *s = item;
	if (s->request_line_max_bytes <= s->header_max_bytes)
		return true;
	return c->refuse(c, &s->request_line_max_bytes, "must not be larger than header_max");
}

const struct settings server_settings = {
	.name = "server", .size = sizeof(struct server_settings), .rows = server_rows, .n = COUNT_OF(server_rows),
	.check = check_server,
};

#define STRUCT upstream_pool_settings
static const struct setting pool_rows[] = {
	{ .name = "max_idle", .type = SETTING_INT, AT(idle_max), .value = "256", .min = "0", .max = "100000",
	  .help = "Idle connections that each worker keeps for one origin." },
	{ .name = "idle", .type = SETTING_DURATION, AT(idle_ms), .value = "60s", .min = "100ms", .max = "1d",
	  .help = "An idle connection is closed after this." },
	{ .name = "age", .type = SETTING_DURATION, AT(age_ms), .value = "10m", .min = "1s", .max = "30d",
	  .help = "No connection is used again that is older, so that changes of addresses take effect." },
};
#undef STRUCT
static const struct settings pool_settings = {
	.name = "pool", .size = sizeof(struct upstream_pool_settings), .rows = pool_rows, .n = COUNT_OF(pool_rows),
};

#define STRUCT upstream_dns_settings
static const struct setting dns_rows[] = {
	{ .name = "ttl", .type = SETTING_DURATION, AT(ttl_ms), .value = "30s", .min = "0", .max = "1d",
	  .help = "How long the addresses of a name are used before they are asked for again." },
	{ .name = "negative_ttl", .type = SETTING_DURATION, AT(negative_ttl_ms), .value = "5s", .min = "0", .max = "1h",
	  .help = "How long a failed lookup is remembered." },
	{ .name = "timeout", .type = SETTING_DURATION, AT(timeout_ms), .value = "5s", .min = "100ms", .max = "1m",
	  .help = "Longest wait for a lookup." },
};
#undef STRUCT
static const struct settings dns_settings = {
	.name = "dns", .size = sizeof(struct upstream_dns_settings), .rows = dns_rows, .n = COUNT_OF(dns_rows),
};

#define STRUCT upstream_settings
static const struct setting upstream_rows[] = {
	{ .name = "header_max", .type = SETTING_SIZE, AT(header_max_bytes), .value = "64KiB", .min = "1KiB",
	  .max = "1MiB",
	  .help = "Header of a provider's answer. More is a failure of the provider." },
	{ .name = "header_count", .type = SETTING_INT, AT(header_count_max), .value = "200", .min = "8", .max = "256",
	  .help = "Header fields of a provider's answer." },
	{ .name = "response_max", .type = SETTING_SIZE, AT(response_max_bytes), .value = "64MiB", .min = "1KiB",
	  .max = "512MiB",
	  .help = "A whole answer that is not streamed." },
	{ .name = "event_max", .type = SETTING_SIZE, AT(event_max_bytes), .value = "8MiB", .min = "1KiB",
	  .max = "256MiB",
	  .help = "One event of a streamed answer." },
	{ .name = "pool", .type = SETTING_SECTION, AT(pool), .section = &pool_settings,
	  .help = "Connections to providers that are kept for the next request." },
	{ .name = "dns", .type = SETTING_SECTION, AT(dns), .section = &dns_settings,
	  .help = "Addresses of providers." },
};
#undef STRUCT
const struct settings upstream_settings = {
	.name = "upstream", .size = sizeof(struct upstream_settings), .rows = upstream_rows,
	.n = COUNT_OF(upstream_rows),
};
