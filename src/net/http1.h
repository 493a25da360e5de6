/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http1: reading HTTP/1.1 messages from hostile peers (RFC 9110, RFC 9112). Pure functions over bytes; the same
 * result however the bytes are cut. A head is collected whole, within its ceiling, and then read in one go: in one
 * pass if it is an ordinary one, else by llhttp in its strict settings and by the rules that llhttp leaves open. Body
 * framing is read by the functions below, so that a stream in flight needs a few bytes of state and no parser.
 */
#ifndef SLUICE_NET_HTTP1_H
#define SLUICE_NET_HTTP1_H

#include "base/err.h"
#include "net/http.h"

#define HTTP1_FIELDS_MAX 256u        /* the most that limits may ask for */

struct http1_limits {
	uint32_t head_max_bytes;     /* start line and fields, with the empty line */
	uint32_t line_max_bytes;     /* request line: more is 414 */
	uint32_t fields_max;         /* ≤ HTTP1_FIELDS_MAX */
};

enum http1_found { HTTP1_MORE, HTTP1_WHOLE, HTTP1_BAD };

/* Reads the head that `bytes` begin with. `*scanned` is 0 at first and remembers how far this got, so that bytes
 * coming one by one cost no more. HTTP1_WHOLE: `*len` bytes were it, with its empty line; `fields` has room for
 * limits->fields_max, and `out` borrows from it and from the bytes. HTTP1_BAD: `e` tells, with the HTTP status to
 * answer. One empty line before a request is skipped (RFC 9112 section 2.2) and counted in `*len`. */
MUST_USE enum http1_found http1_take_request(struct str bytes, uint32_t *scanned, const struct http1_limits *,
                                             struct http_field *fields, struct http_head *out, size_t *len,
                                             struct err *e);
MUST_USE enum http1_found http1_take_answer(struct str bytes, uint32_t *scanned, const struct http1_limits *,
                                            struct http_field *fields, struct http_head *out, size_t *len,
                                            struct err *e);

/* The same in two steps, without the short cut for ordinary heads (net/http1_ordinary.h): where a head ends; and what
 * a whole one says. */
MUST_USE enum http1_found http1_find_head(struct str bytes, uint32_t *scanned, const struct http1_limits *,
                                          bool request, size_t *len, struct err *e);
MUST_USE bool http1_read_request(struct str head, const struct http1_limits *, struct http_field *fields,
                                 struct http_head *out, struct err *e);
MUST_USE bool http1_read_answer(struct str head, const struct http1_limits *, struct http_field *fields,
                                struct http_head *out, struct err *e);

/* The chunked transfer coding (RFC 9112 section 7.1). Zero-initialised at the start of a body. Extensions are checked
 * and thrown away, trailer fields too; fields that would change framing or routing are refused there (RFC 9110
 * section 6.5.1). */
struct http1_chunks {
	uint64_t left;               /* of this chunk */
	uint16_t extra;              /* bytes of extensions and trailers seen, bounded */
	uint8_t state, digits;
	uint8_t name_at, candidates; /* which refused trailer names can still match */
};

enum http1_body { HTTP1_BODY_MORE, HTTP1_BODY_DATA, HTTP1_BODY_END, HTTP1_BODY_BAD };

/* Takes bytes from the front of `*in`. HTTP1_BODY_DATA: `*data` is a run of body bytes, call again. HTTP1_BODY_MORE:
 * all of `*in` was taken. HTTP1_BODY_END: the body is over, what is left in `*in` is not its. */
MUST_USE enum http1_body http1_chunks_read(struct http1_chunks *, struct str *in, struct str *data);

#endif
