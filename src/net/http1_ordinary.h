/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http1_ordinary: heads as nearly all are, read in one pass over their bytes: HTTP/1.1, a known method and a path,
 * names of letters, digits and '-', values of printable ASCII, every line ended by CR LF, each of the fields that
 * matter here at most once and with a plain value. Costs a fifth of what the readers of http1.h need. Accepts nothing
 * that these would not read the same way (tests/unit/net/http1_ordinary_test.c and the fuzzers compare the two), and
 * judges nothing: what is out of the ordinary is left to them, so that all rules stand in one place. Pure functions
 * over bytes.
 */
#ifndef SLUICE_NET_HTTP1_ORDINARY_H
#define SLUICE_NET_HTTP1_ORDINARY_H

#include "net/http1.h"

/* The length of the head that `bytes` begin with. 0: it is not ordinary, or not there whole; `fields` and `*out` are
 * then spoilt. */
HOT size_t http1_ordinary_request(struct str bytes, const struct http1_limits *, struct http_field *fields,
                                  struct http_head *out);
HOT size_t http1_ordinary_answer(struct str bytes, const struct http1_limits *, struct http_field *fields,
                                 struct http_head *out);

#endif
