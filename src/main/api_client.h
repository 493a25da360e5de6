/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_client: a small blocking HTTP/1.1 client for the commands that talk to a running gateway's admin API. One request
 * a connection; plain TCP, TLS (verified always) or a Unix socket, as the URL says. It reads answers by the same strict
 * rules as the gateway reads its providers' (net/http1.h). For the command line only: it blocks.
 */
#ifndef SLUICE_MAIN_API_CLIENT_H
#define SLUICE_MAIN_API_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct api {
	struct str url;              /* http://HOST:PORT, https://HOST:PORT or unix:/PATH */
	struct str key;              /* empty: none is sent */
	struct str ca_file;          /* whom to trust with https; empty: the system's */
	int timeout_ms;              /* of each wait */
};

struct api_answer {
	int status;
	struct buf body;             /* buf_fini is the caller's */
};

/* `path` begins with a slash and may have a query. `body` with p == NULL: none. False: no whole answer came; err tells
 * with the URL's host in it. An answer of any status is an answer. */
MUST_USE bool api_call(const struct api *, const char *method, struct str path, struct str body, struct api_answer *out,
                       struct err *);

#endif
