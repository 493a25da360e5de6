/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2_head: a request's head in HTTP/2, collected field by field as HPACK gives them, then read as the http_head
 * that HTTP/1.1 would have given. nghttp2 has looked at the form of each field and at the pseudo-fields (present,
 * once, first; RFC 9113 section 8.3); here are the rules it leaves open. No I/O; one stream's, on its loop's thread.
 */
#ifndef SLUICE_NET_HTTP2_HEAD_H
#define SLUICE_NET_HTTP2_HEAD_H

#include "base/buf.h"
#include "net/http1.h"

struct http2_head {
	struct buf bytes;        /* per field: two lengths, name, value */
	uint32_t list_bytes;     /* as RFC 9113 section 6.5.2 counts: 32 more for each field */
	uint16_t n_fields;       /* without pseudo-fields and further crumbs of the cookie */
	uint16_t n_cookies;
	bool too_large;          /* over the limits: nothing more is kept */
};

void http2_head_init(struct http2_head *);
void http2_head_fini(struct http2_head *);

/* False: it is over several times the limit, whoever sends that is no client. */
MUST_USE bool http2_head_add(struct http2_head *, const struct http1_limits *, struct str name, struct str value);

/* `fields` has room for limits->fields_max. `bodyless`: END_STREAM came with the head. `out` borrows from the head.
 * False: `e` has the status to answer. */
MUST_USE bool http2_head_read(struct http2_head *, const struct http1_limits *, bool bodyless,
                              struct http_field *fields, struct http_head *out, struct err *e);

#endif
