/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_names: the table behind http_name_of, for who looks a name up while reading it. A name's length and first
 * character choose the one row that it can be.
 */
#ifndef SLUICE_NET_HTTP_NAMES_H
#define SLUICE_NET_HTTP_NAMES_H

#include "net/http.h"

struct http_known {
	char text[30]; /* in small letters, padded with NUL */
	uint8_t n;     /* 0: an empty row */
	uint8_t id;    /* enum http_name */
};

#define HTTP_KNOWN_ROWS           128
#define HTTP_KNOWN_SLOT(first, n) (((unsigned)((first) | 0x20) * 3 + (unsigned)(n)*5) % HTTP_KNOWN_ROWS)

extern const struct http_known http_known[HTTP_KNOWN_ROWS];

/* The row to compare with; its n may differ. */
static inline const struct http_known *http_known_like(const char *name, size_t n)
{
	return &http_known[HTTP_KNOWN_SLOT(*name, n)];
}

#endif
