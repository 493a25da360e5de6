/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: words that HTTP/1.1 and HTTP/2 share: methods, field names, message heads. A head borrows its texts from the
 * connection's input and is valid only inside the callback that hands it out.
 */
#ifndef SLUICE_NET_HTTP_H
#define SLUICE_NET_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum http_method {
	METHOD_UNKNOWN, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS,
};

/* Field names that somebody here looks for; all others are HTTP_F_OTHER. */
enum http_name {
	HTTP_F_OTHER,
	HTTP_F_ACCEPT, HTTP_F_ACCEPT_ENCODING, HTTP_F_ANTHROPIC_VERSION, HTTP_F_API_KEY, HTTP_F_AUTHORIZATION,
	HTTP_F_CF_AIG,
	HTTP_F_CONNECTION, HTTP_F_CONTENT_ENCODING, HTTP_F_CONTENT_LENGTH, HTTP_F_CONTENT_TYPE, HTTP_F_COOKIE,
	HTTP_F_DATE, HTTP_F_EXPECT, HTTP_F_FORWARDED, HTTP_F_HOST, HTTP_F_HTTP2_SETTINGS, HTTP_F_IDEMPOTENCY_KEY,
	HTTP_F_KEEP_ALIVE, HTTP_F_LOCATION, HTTP_F_PROXY_AUTHENTICATE, HTTP_F_PROXY_AUTHORIZATION,
	HTTP_F_PROXY_CONNECTION, HTTP_F_RETRY_AFTER, HTTP_F_RETRY_AFTER_MS, HTTP_F_SERVER, HTTP_F_SET_COOKIE,
	HTTP_F_TE, HTTP_F_TRAILER, HTTP_F_TRANSFER_ENCODING, HTTP_F_UPGRADE, HTTP_F_USER_AGENT, HTTP_F_VIA,
	HTTP_F_X_API_KEY, HTTP_F_X_FORWARDED, HTTP_F_X_GOOG_API_KEY, HTTP_F_X_PORTKEY, HTTP_F_X_REQUEST_ID,
	HTTP_F_X_SLUICE,
	HTTP_NAMES
};

struct http_field {
	struct str name, value;   /* value without surrounding white space */
	/* HTTP_F_X_SLUICE: the name starts with "x-sluice-"; HTTP_F_X_FORWARDED, _X_PORTKEY, _CF_AIG: likewise */
	enum http_name id;
};

struct http_head {
	/* requests */
	enum http_method method;
	struct str method_text;
	struct str path;            /* starts with '/', as sent, up to '?'; "*" for OPTIONS * */
	struct str query;           /* behind '?', may be empty */
	struct str host;            /* authority, as sent */
	/* answers */
	int status;
	/* both */
	int64_t content_length;     /* -1: none given */
	bool chunked;
	bool keep_alive;            /* the sender is willing to go on */
	bool expect_continue;
	bool http10;
	const struct http_field *fields;
	unsigned n_fields;
	uint64_t names;             /* bit i: there is a field with id i */
};

/* First field of that name, or NULL. */
const struct http_field *http_find(const struct http_head *, enum http_name);

enum http_name http_name_of(struct str name);        /* of a token, in any case */
enum http_method http_method_of(struct str name);    /* case matters (RFC 9110 section 9.1) */

/* Fields that end at the next hop (RFC 9110 section 7.6.1), the framing ones included. */
bool http_is_hop_by_hop(enum http_name);

/* Whether `name` is an element of the comma-separated list `list` (any case). */
bool http_list_has(struct str list, struct str name);

/* Whether a Connection field of the head names this one: it ends at this hop then. */
bool http_is_named_by_connection(const struct http_head *, struct str name);

const char *http_reason(int status);                 /* "Not Found"; "" for unknown ones */

bool http_is_token(struct str s);                    /* RFC 9110 section 5.6.2, at least one character */
bool http_is_field_value(struct str s);              /* section 5.5: no control characters but HTAB */

/* uri-host [ ":" port ] (RFC 9110 section 7.2): a name, an IPv4 literal or a bracketed IPv6 literal; no user. */
bool http_is_authority(struct str s);
/* Only what RFC 3986 allows in path and query; '#' never reaches a server, and no NUL in disguise. */
bool http_is_path(struct str s);

#endif
