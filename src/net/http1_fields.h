/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http1_fields: the fields of heads as nearly all are: names of letters, digits and '-', values of printable ASCII,
 * each line ended by CR LF. A tenth of the instructions that llhttp needs. Accepts nothing that llhttp would not
 * split the same way (tests/unit/net/http1_fields_test.c compares the two); whatever is out of the ordinary is left
 * for llhttp to judge, so that all rules stand in one place. Pure functions over bytes.
 */
#ifndef SLUICE_NET_HTTP1_FIELDS_H
#define SLUICE_NET_HTTP1_FIELDS_H

#include "net/http.h"

/* `lines` is a head behind its start line, with the empty line. Sets names and values, borrowed from it; a value may
 * have spaces at its end. False: not ordinary, or more than `max` fields; `*n` is then untouched. */
bool http1_split_fields(struct str lines, struct http_field *fields, unsigned max, unsigned *n);

/* Printable ASCII only. */
bool http1_is_plain(struct str s);

#endif
