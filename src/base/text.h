/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: small conversions between bytes and text that several rooms need: hex, base64, UTF-8, percent-encoding.
 */
#ifndef SLUICE_BASE_TEXT_H
#define SLUICE_BASE_TEXT_H

#include "base/buf.h"

/* Two lower- or upper-case hex digits a byte; s.n must be 2 * n. */
MUST_USE bool text_from_hex(struct str s, uint8_t *out, size_t n);

bool text_base64(struct buf *out, struct str bytes);                       /* RFC 4648 section 4, padded */
bool text_base64url(struct buf *out, struct str bytes);                    /* section 5, without padding */
/* Back from section 4, with its padding. False: it is none, or the buffer is full; the buffer keeps what it had. */
MUST_USE bool text_from_base64(struct buf *out, struct str s);

/* Well-formed UTF-8 as RFC 3629 section 4 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(struct str s);
/* Bytes of the well-formed character that s begins with, 1 to 4; 0: s is empty or begins with something else. */
size_t text_utf8_len(struct str s);
/* The longest cut of s to at most `max` bytes that does not end in the middle of a character. */
struct str text_utf8_cut(struct str s, size_t max);

/* Decodes %XX. False: a bad or cut escape, or a NUL byte in the result. */
MUST_USE bool text_percent_decode(struct buf *out, struct str s);
/* Encodes everything but the unreserved characters of RFC 3986 section 2.3 and the bytes in `keep`. */
bool text_percent_encode(struct buf *out, struct str s, const char *keep);

/* Decimal text to integer with `scale` digits behind the point: "2.5", scale 9 → 2500000000. Digits past the scale
 * must be zeros, or false. No sign, no exponent. */
MUST_USE bool text_to_fixed(struct str s, int scale, int64_t *out);
/* The way back, without trailing zeros: 2500000000, scale 9 → "2.5"; 0 → "0". A minus sign for negative values. */
bool text_from_fixed(struct buf *out, int64_t v, int scale);
/* The same at `out`, not terminated; returns the length. */
#define TEXT_FIXED_MAX 40
size_t text_fixed(char out[TEXT_FIXED_MAX], int64_t v, int scale);

/* The character c, at most U+10FFFF, as UTF-8 (RFC 3629); returns its length. Surrogates are the caller's to avoid. */
size_t text_utf8_put(char out[4], uint32_t c);

#endif
