/* SPDX-License-Identifier: Apache-2.0 */
/* url: http and https addresses taken apart (RFC 3986). Pure; the parts are borrowed. */
#ifndef SLUICE_NET_URL_H
#define SLUICE_NET_URL_H

#include "base/err.h"
#include "base/str.h"

struct url {
	bool tls;
	uint16_t port;
	struct str host;         /* without brackets */
	struct str path;         /* with its slash; empty without one */
	struct str query;        /* with its '?'; empty without one */
};

/* A user and a fragment are refused. False: err (`code`) says what is wrong, behind the caller's own words. */
MUST_USE bool url_read(struct str text, struct url *, enum err_code code, struct err *);

#endif
