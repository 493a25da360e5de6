/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart: the parts of a multipart/form-data body (RFC 7578, RFC 2046 section 5.1), found without copying, so that
 * a file among them may be as large as it likes. Pure functions.
 *
 *	struct multipart m;
 *	if (!multipart_open(&m, content_type, body, err)) …
 *	while (multipart_next(&m, &part)) if (str_eq(part.name, STR("model"))) …
 *	if (m.bad) … the body is cut short …
 */
#ifndef SLUICE_DIALECT_MULTIPART_H
#define SLUICE_DIALECT_MULTIPART_H

#include "base/err.h"
#include "base/str.h"

struct buf;

struct multipart {
	struct str boundary;         /* without its dashes */
	struct str rest;             /* behind the delimiter of the part that comes next */
	const struct buf *spool;     /* that the body is of: what was looked at need not stay in memory; NULL: none */
	bool bad;                    /* the body does not end as it should, or a part has no end of its head */
};

struct multipart_part {
	struct str name;             /* as it stands between the quotes; empty: none */
	struct str value;            /* the part's bytes, inside of the body */
	bool is_file;                /* it has a file's name */
};

/* False: no boundary, or the body does not begin with it: ERR_INVALID_REQUEST. */
MUST_USE bool multipart_open(struct multipart *, struct str content_type, struct str body, const struct buf *spool,
                             struct err *);
MUST_USE bool multipart_next(struct multipart *, struct multipart_part *);

#endif
