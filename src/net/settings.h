/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of net: where we listen, and the ceiling and the deadline of every buffer, queue and wait on both sides.
 * Immutable parts of a configuration snapshot; texts live in its arena.
 */
#ifndef SLUICE_NET_SETTINGS_H
#define SLUICE_NET_SETTINGS_H

#include "base/setting.h"
#include "net/addr.h"

enum proxy_protocol_setting { PROXY_SETTING_OFF, PROXY_SETTING_V1, PROXY_SETTING_V2, PROXY_SETTING_ANY };

struct listen_tls_settings {
	struct str cert, key;            /* paths of PEM files; both or neither */
	struct setting_array more;       /* of struct tls_pair_settings: chosen by the client's server name */
};

struct tls_pair_settings {
	struct str cert, key;
};

/* One address to listen on. The user writes `address`; the members at the end are derived from it. */
struct listen_settings {
	struct str address;              /* HOST:PORT, [v6]:PORT, *:PORT or unix:PATH */
	struct listen_tls_settings tls;
	int proxy_protocol;              /* enum proxy_protocol_setting */
	bool http2;

	struct addr addr;
	bool is_local;                   /* loopback, or a Unix socket: nobody else can reach it */
};

/* Clients' side. */
struct server_settings {
	int64_t max_connections;         /* of the whole process */
	int64_t backlog;
	int64_t header_max_bytes;        /* request line and fields together */
	int64_t request_line_max_bytes;
	int64_t header_count_max;
	int64_t body_max_bytes;
	int64_t upload_max_bytes;        /* body of an upload, which is spooled to a file */
	int64_t upload_total_bytes;      /* all such files together */
	int64_t write_buffer_bytes;      /* queued output above which we stop reading upstream */
	int64_t streams_max;             /* concurrent streams of an HTTP/2 connection */
	int64_t header_timeout_ms;       /* first byte of a request to the end of its head; also the TLS handshake */
	int64_t body_timeout_ms;         /* between two reads of a body */
	int64_t idle_timeout_ms;         /* keep-alive */
	int64_t write_timeout_ms;        /* the client takes nothing of what is queued */
	int64_t stream_ping_ms;          /* 0: no signs of life */
};

struct upstream_pool_settings {
	int64_t idle_max;                /* idle connections of one loop per origin */
	int64_t idle_ms, age_ms;
};

struct upstream_dns_settings {
	int64_t ttl_ms, negative_ttl_ms, timeout_ms;
};

/* Providers' side. */
struct upstream_settings {
	int64_t header_max_bytes, header_count_max;
	int64_t response_max_bytes;      /* a whole answer that is not streamed */
	int64_t event_max_bytes;         /* one event of a stream */
	struct upstream_pool_settings pool;
	struct upstream_dns_settings dns;
};

extern const struct settings listen_settings, server_settings, upstream_settings;

#endif
